#-------------------------------------------------------------------------
#
# 060_estimates.pl
#		Estimates of rows and widths, before and after ANALYZE.
#
# What they should be is what PostgreSQL estimates for a plain table with the
# same rows, analyzed.
# Widths, and n_distinct of all columns, too.
#
# IDENTIFICATION
#		test/t/060_estimates.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use Encode ();
use File::Basename qw(basename);
use IO::Compress::Gzip qw(gzip $GzipError);
use S3Test;
use Test::More;
use Time::HiRes qw(time sleep);

my $bucket = 'estimates';
my $random = 12345;

# The same numbers in each run.
sub random
{
	my ($below) = @_;

	$random = ($random * 1103515245 + 12345) % 2**31;
	return int($random / 2**31 * $below);
}

s3_make_bucket($bucket);
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE SERVER proxy FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE USER MAPPING FOR CURRENT_USER SERVER proxy
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
END

# (rows, width) of the first scan in a plan.
sub estimate
{
	my ($query, $settings) = @_;

	psql(($settings || '') . "; EXPLAIN $query") =~ /(?:Foreign|Seq) Scan.*?rows=(\d+) width=(\d+)/
	  or die "no scan in the plan of $query\n";
	return ($1, $2);
}

# Is a number within a factor of what it should be?
sub is_near
{
	my ($got, $expected, $name, $factor) = @_;

	$factor ||= 2;
	ok($got <= $expected * $factor && $got * $factor >= $expected, $name)
	  or diag("got $got, expected about $expected");
}

sub analyzed
{
	my ($table) = @_;

	return psql("SELECT reltuples::bigint, relpages FROM pg_class WHERE oid = " . lit($table) . '::regclass');
}

# Upload rows by a query and make a foreign table over them.
sub export_table
{
	my ($name, $columns, $query, $options, %more) = @_;
	my $location = $more{location} || "s3://$bucket/$name/";
	my $arguments = $more{arguments} || '';

	psql('SELECT count(*) FROM s3_export('
		  . lit($query)
		  . ", '$location', server => 's3', parallel => false $arguments)");
	psql("CREATE FOREIGN TABLE $name ($columns) SERVER s3 OPTIONS (location '$location' $options)");
}

# Compare a table with a copy of it, before ANALYZE and after.
sub check
{
	my ($name, %opts) = @_;
	my $settings = $opts{settings} || '';

	psql("CREATE TABLE copied AS SELECT * FROM $name; $settings; ANALYZE copied");
	my $rows = psql('SELECT count(*) FROM copied');
	my $width = $opts{width} || (estimate('SELECT * FROM copied'))[1];
	my ($before, $width_before) = estimate("SELECT * FROM $name");

	is_near($before, $rows, "$name: rows before ANALYZE");
	is_near($width_before, $width, "$name: width before ANALYZE");
	psql("$settings; ANALYZE $name");
	my ($after, $width_after) = estimate("SELECT * FROM $name");
	is_near($after, $rows, "$name: rows after ANALYZE", $opts{factor});
	is_near($width_after, $width, "$name: width after ANALYZE");

	# What joins and GROUP BY go by
	my $distinct = "SELECT string_agg(attname || ' '"
	  . " || CASE WHEN n_distinct < 0 THEN -n_distinct * $rows ELSE n_distinct END::bigint, ' ' ORDER BY attname) FROM pg_stats WHERE tablename =";
	my %expected = split ' ', psql("$distinct 'copied'");
	my %got = split ' ', psql("$distinct " . lit($name));

	for my $column (sort keys %expected)
	{
		is_near($got{$column} || 0, $expected{$column} || 1, "$name: distinct values of $column", 3);
	}
	psql('DROP TABLE copied');
}

#-------------------------------------------------------------------------
# Published data
#-------------------------------------------------------------------------

my $corpora = corpora();

SKIP:
{
	my @files = defined $corpora ? sort glob "$corpora/demo/noaa-stormevents/*.csv" : ();
	skip 'no demo/noaa-stormevents beside the project', 1 if @files == 0;

	s3_put($bucket, 'storm/' . basename($_), slurp($_)) for @files;
	psql( "CREATE FOREIGN TABLE $_ (yearmonth int, episode_id int, event_id int, location_index int,"
		  . ' range numeric, azimuth text, location text, latitude float8, longitude float8, lat2 int, lon2 int)'
		  . " SERVER s3 OPTIONS (location 's3://$bucket/storm/', header 'true')") for 'storm', 'storm2';
	check('storm');

	# By ranges in the middle of the objects
	check('storm2', settings => 'SET default_statistics_target = 10', factor => 1.2);
}

my %tickit = (
	venue => [
		'venue_pipe.txt',
		'venueid smallint, venuename varchar(100), venuecity varchar(30), venuestate char(2),'
		  . ' venueseats integer'
	],
	category => [
		'category_pipe.txt',
		'catid smallint, catgroup varchar(10), catname varchar(10), catdesc varchar(50)'
	],
	date => [
		'date2008_pipe.txt',
		'dateid smallint, caldate date, day char(3), week smallint, month char(5), qtr char(5),'
		  . ' year smallint, holiday boolean'
	],
	event => [
		'allevents_pipe.txt',
		'eventid integer, venueid smallint, catid smallint, dateid smallint,'
		  . ' eventname varchar(200), starttime timestamp'
	]);

for my $name (sort keys %tickit)
{
	my ($file, $columns) = @{ $tickit{$name} };
  SKIP:
	{
		skip "no demo/tickit/tickit/$file beside the project", 1
		  if !defined $corpora || !-f "$corpora/demo/tickit/tickit/$file";
		my $bytes = slurp("$corpora/demo/tickit/tickit/$file");
		my $packed;

		gzip(\$bytes => \$packed) or die "gzip failed: $GzipError\n";
		s3_put($bucket, "tickit_plain/$file", $bytes);
		s3_put($bucket, "tickit/$file.gz", $packed);
		psql("CREATE FOREIGN TABLE $name ($columns) SERVER s3"
			  . " OPTIONS (location 's3://$bucket/tickit/$file.gz', delimiter '|', null '\\N')");
		check($name);
		psql("CREATE FOREIGN TABLE ${name}_plain ($columns) SERVER s3"
			  . " OPTIONS (location 's3://$bucket/tickit_plain/$file', delimiter '|', null '\\N')");
		check("${name}_plain");
	}
}

#-------------------------------------------------------------------------
# Made data of all kinds
#-------------------------------------------------------------------------

my $short = "SELECT chr(97 + (i * 7919 % 26)::int) AS a, (i % 100)::text AS b, chr(65 + (i % 5)::int) AS c, i AS id"
  . ' FROM generate_series(1::bigint, 300000) i';

export_table('short', 'a text, b text, c text, id bigint', $short, '');
check('short', settings => 'SET default_statistics_target = 10');

export_table('short_gz', 'a text, b text, c text, id bigint',
	$short, '', location => "s3://$bucket/short_gz/", arguments => ", compression => 'gzip'");
check('short_gz', settings => 'SET default_statistics_target = 10');

# The same without a name that tells; large enough to be cut if it could be
export_table('short_large', 'a text, b text, c text, id bigint, h text',
	"SELECT q.*, md5(id::text) AS h FROM ($short) q", '',
	arguments => ", compression => 'gzip'");
{
	my ($key) = s3_keys($bucket, 'short_large/');
	my $bytes = s3_get($bucket, $key);

	s3_put($bucket, 'unnamed/data', $bytes);
	cmp_ok(length $bytes, '>', 4 << 20, 'a large compressed object');
	psql("CREATE FOREIGN TABLE unnamed (a text, b text, c text, id bigint, h text) SERVER s3 OPTIONS (location 's3://$bucket/unnamed/')");
	check('unnamed', settings => 'SET default_statistics_target = 10');
	check('short_large', settings => 'SET default_statistics_target = 10');
}

export_table('short_bz2', 'a text, b text, c text, id bigint',
	$short, '', location => "s3://$bucket/short_bz2/", arguments => ", compression => 'bzip2'");
check('short_bz2', settings => 'SET default_statistics_target = 10');

export_table('wide', 'id int, t text, n numeric',
	"SELECT i AS id, (SELECT string_agg(md5(i::text || j), ' ') FROM generate_series(1, 20 + i % 40) j) AS t, i * 1.25 AS n"
	  . ' FROM generate_series(1, 6000) i', '');
check('wide', settings => 'SET default_statistics_target = 10');

export_table('very_wide', 'id int, t text',
	"SELECT i AS id, repeat(md5(i::text), 6000) AS t FROM generate_series(1, 60) i", '');
# PostgreSQL's own would be the width of a pointer to the TOAST table.
check('very_wide', width => 192000);

export_table('docs', 'id int, name text, tags jsonb',
	"SELECT i AS id, 'name ' || i % 1000 AS name, jsonb_build_object('k', md5(i::text), 'list', ARRAY[i, i + 1]) AS tags"
	  . ' FROM generate_series(1, 60000) i', ", format 'json'", arguments => ", format => 'json'");
check('docs', settings => 'SET default_statistics_target = 10');

export_table('listed', 'id int, name text',
	"SELECT i AS id, 'name ' || i % 1000 AS name FROM generate_series(1, 60000) i",
	", format 'json'", arguments => ", format => 'json', \"array\" => true");
check('listed', settings => 'SET default_statistics_target = 10');

# Line ends in values, most of them; and quotes
export_table('notes', 'id int, note text, n int',
	"SELECT i AS id, 'line one ' || i || E'\\n2,\"two\",3\\n4,four,4\\n' || repeat('more, ', i % 9) AS note, i % 7 AS n"
	  . ' FROM generate_series(1, 60000) i', '');
check('notes', settings => 'SET default_statistics_target = 10', factor => 1.2);

export_table('tabbed', 'id int, note text, n int',
	"SELECT i AS id, 'line one ' || i || E'\\nback\\\\slash\\n' AS note, i % 7 AS n"
	  . ' FROM generate_series(1, 80000) i',
	", format 'text'", arguments => ", format => 'text'");
check('tabbed', settings => 'SET default_statistics_target = 10', factor => 1.2);

export_table('fixed', 'id int, name text', "SELECT i AS id, 'n' || i % 1000 AS name FROM generate_series(1, 150000) i",
	", format 'fixedwidth', fixedwidth 'id:8,name:10'", arguments => ", format => 'fixedwidth', fixedwidth => 'id:8,name:10'");
check('fixed', settings => 'SET default_statistics_target = 10', factor => 1.2);

# Formats that can be read from the beginning only
s3_put($bucket, 'utf16/1.csv', Encode::encode('UTF-16', join '', map { "$_,text $_\n" } 1 .. 100000));
psql("CREATE FOREIGN TABLE utf16 (id int, t text) SERVER s3 OPTIONS (location 's3://$bucket/utf16/', encoding 'UTF16')");
check('utf16', settings => 'SET default_statistics_target = 1', factor => 1.2);
s3_put($bucket, 'comments/1.csv', join '', "first\nsecond\n", map { ($_ % 10 ? '' : "# a comment\n") . "$_,text $_\n" } 1 .. 200000);
psql("CREATE FOREIGN TABLE comments (id int, t text) SERVER s3 OPTIONS (location 's3://$bucket/comments/', skip_lines '2', comment '#')");
check('comments', settings => 'SET default_statistics_target = 1', factor => 1.2);

#-------------------------------------------------------------------------
# Many parts, in folders that are a column
#-------------------------------------------------------------------------

my %parts;
my $total = 0;
for my $i (0 .. 1499)
{
	my $rows = 10 + random(40);

	$parts{ sprintf 'parts/day=%02d/part-%04d.csv', $i % 30, $i } =
	  join '', "id,kind\n", map { $total++; "$total,k" . random(50) . "\n" } 1 .. $rows;
}
s3_put_many($bucket, \%parts);
psql("CREATE FOREIGN TABLE parts (id int, kind text, day int OPTIONS (partition 'day'), k text OPTIONS (metadata 'key'))"
	  . " SERVER s3 OPTIONS (location 's3://$bucket/parts/', header 'true')");

my ($one_day) = estimate('SELECT * FROM parts WHERE day = 7');
is_near($one_day, $total / 30, 'a pruned folder before ANALYZE');
check('parts');

# The folder is left out by listing, and not once more by the statistics.
($one_day) = estimate('SELECT * FROM parts WHERE day = 7');
is_near($one_day, $total / 30, 'a pruned folder after ANALYZE');
($one_day) = estimate(q{SELECT * FROM parts WHERE day = 7 AND kind = 'k7'});
is_near($one_day, $total / 30 / 50, 'a pruned folder and a condition on rows', 3);
is(psql('EXPLAIN SELECT kind FROM parts WHERE day = 7 GROUP BY kind') =~ /Aggregate.*rows=(\d+)/ && $1 <= 60,
	1, 'groups of a pruned folder');
like(psql(q{SELECT array_length(most_common_vals::text::text[], 1) FROM pg_stats WHERE tablename = 'parts' AND attname = 'day'}),
	qr/^(?:2\d|30)$/, 'folders are in the sample');

#-------------------------------------------------------------------------
# A table that grows after ANALYZE
#-------------------------------------------------------------------------

my $lines = join '', map { "$_,some text\n" } 1 .. 20000;

s3_put($bucket, 'grown/1.csv', $lines);
psql("CREATE FOREIGN TABLE grown (id int, t text) SERVER s3 OPTIONS (location 's3://$bucket/grown/'); ANALYZE grown");
is((split /\|/, analyzed('grown'))[0], 20000, 'a table read as a whole is counted exactly');
is((split /\|/, analyzed('grown'))[1], int((length($lines) + 8191) / 8192), 'pages are bytes');
s3_put($bucket, "grown/$_.csv", $lines) for 2 .. 5;
is_near((estimate('SELECT * FROM grown'))[0], 100000, 'rows grow with the bytes', 1.1);

# A tiny one, too, whose pages tell nothing
s3_put($bucket, 'tiny/1.csv', "1\n2\n3\n");
psql("CREATE FOREIGN TABLE tiny (id int) SERVER s3 OPTIONS (location 's3://$bucket/tiny/'); ANALYZE tiny");
is((estimate('SELECT * FROM tiny'))[0], 3, 'three rows');
s3_put($bucket, 'tiny/2.csv', join '', map { "$_\n" } 1 .. 1000);
is_near((estimate('SELECT * FROM tiny'))[0], 1003, 'a tiny table grows', 1.5);

#-------------------------------------------------------------------------
# Without the sample
#-------------------------------------------------------------------------

sub requests_of_plan
{
	my ($settings) = @_;

	fault_reset();
	psql("LOAD 's3_fdw'; $settings; EXPLAIN (COSTS OFF) SELECT * FROM planned");
	return grep { $_->{method} eq 'GET' && $_->{uri} !~ /list-type/ } fault_log();
}

psql("CREATE FOREIGN TABLE planned (id int, t text) SERVER proxy OPTIONS (location 's3://$bucket/grown/')");
my @sampling = requests_of_plan('');
is(scalar @sampling, 1, 'planning reads a range of one object');
is(scalar(requests_of_plan('SET s3_fdw.plan_sample_size = 0')), 0, 'unless that is turned off');
is(scalar(requests_of_plan('EXPLAIN SELECT * FROM planned; EXPLAIN SELECT * FROM planned')), 1, 'once a minute');
psql('ANALYZE planned');
is(scalar(requests_of_plan('')), 0, 'and not when the table was analyzed');
ok((estimate('SELECT * FROM grown', "LOAD 's3_fdw'; SET s3_fdw.plan_sample_size = 0"))[0] > 1000,
	'types and sizes give an estimate too');

# An object that cannot be read is no reason for planning to fail.
s3_put($bucket, 'broken/1.csv.gz', "\x1f\x8b\x08" . 'nonsense' x 20000);
psql("CREATE FOREIGN TABLE broken (id int) SERVER s3 OPTIONS (location 's3://$bucket/broken/')");
like(psql('EXPLAIN SELECT * FROM broken'), qr/Foreign Scan/, 'planning ignores what is broken');
like((psql_err('ANALYZE broken'))[1], qr/ERROR:  22P04: .*CONTEXT:  object "s3:\/\/$bucket\/broken\/1.csv.gz"/s,
	'ANALYZE does not');

#-------------------------------------------------------------------------
# Errors, privileges, emptiness
#-------------------------------------------------------------------------

s3_put($bucket, 'bad/1.csv', "1\n2\nthree\n");
psql("CREATE FOREIGN TABLE bad (id int) SERVER s3 OPTIONS (location 's3://$bucket/bad/')");
like((psql_err('ANALYZE bad'))[1],
	qr/ERROR:  22P02: .*CONTEXT:  object "s3:\/\/$bucket\/bad\/1.csv", line 3, column id: "three"/s,
	'a row that cannot be read is an error');

psql("CREATE FOREIGN TABLE nothing (id int) SERVER s3 OPTIONS (location 's3://$bucket/nothing/'); ANALYZE nothing");
is(analyzed('nothing'), '0|0', 'no object, no rows');
is((estimate('SELECT * FROM nothing'))[0], 1, 'an empty table');

# In the middle of an object, the byte is told instead of the line.
s3_put($bucket, 'bad_middle/1.csv', join '', map { "$_," . ($_ > 1000 ? "bad$_" : $_) . ",xxxxxxxxxxxxxxxxxxxxxxxx\n" } 1 .. 200000);
psql("CREATE FOREIGN TABLE bad_middle (id int, n int, t text) SERVER s3 OPTIONS (location 's3://$bucket/bad_middle/')");
like((psql_err('SET default_statistics_target = 1; ANALYZE bad_middle'))[1],
	qr/ERROR:  22P02: .*object "s3:\/\/$bucket\/bad_middle\/1.csv", (?:line \d+|byte offset \d+), column n: "bad/s,
	'an error in the middle of an object');

# The owner's keys are used, whoever analyzes.
psql(<<'END');
CREATE ROLE estimates_owner;
CREATE ROLE estimates_other;
GRANT USAGE ON FOREIGN SERVER s3 TO estimates_owner;
GRANT CREATE ON SCHEMA public TO estimates_owner;
ALTER FOREIGN TABLE tiny OWNER TO estimates_owner;
END
like((psql_err('ANALYZE tiny'))[1], qr/ERROR:  42704: user mapping not found for "?estimates_owner/, "the owner's mapping counts");
psql("CREATE USER MAPPING FOR estimates_owner SERVER s3 OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret')");
psql('SET ROLE estimates_owner; ANALYZE tiny');
is((split /\|/, analyzed('tiny'))[0], 1003, 'the owner analyzes');
psql("UPDATE pg_class SET reltuples = -1 WHERE relname = 'tiny'");
like((psql_err('SET ROLE estimates_other; ANALYZE tiny'))[1], qr/WARNING:.*(skipping "tiny"|permission denied to analyze "tiny")/, 'others may not');
is((split /\|/, analyzed('tiny'))[0], -1, 'and nothing is done');
psql('DROP OWNED BY estimates_owner; DROP ROLE estimates_owner, estimates_other');

like((psql_err('ANALYZE VERBOSE grown'))[1],
	qr/INFO:.*"grown": read 5 of 5 objects, (\d+) of \1 bytes, containing 100000 rows; 30000 rows in sample, 100000 estimated total rows/,
	'VERBOSE');

# As partitions
psql(<<"END");
CREATE TABLE parent (id int, t text) PARTITION BY LIST (id);
CREATE FOREIGN TABLE child1 PARTITION OF parent FOR VALUES IN (1) SERVER s3 OPTIONS (location 's3://$bucket/grown/1');
CREATE FOREIGN TABLE child2 PARTITION OF parent DEFAULT SERVER s3 OPTIONS (location 's3://$bucket/grown/[2-5].csv');
ANALYZE parent;
END
is(analyzed('child1') . ' ' . analyzed('child2'), '20000|' . int((length($lines) + 8191) / 8192) . ' 80000|' . int((4 * length($lines) + 8191) / 8192),
	'partitions');
is_near(psql(q{SELECT -n_distinct * 100000 FROM pg_stats WHERE tablename = 'parent' AND attname = 'id' AND inherited} ) || 0,
	20000, 'statistics of the parent', 1.5);

#-------------------------------------------------------------------------
# Plans
#-------------------------------------------------------------------------

# Tables of 300000, 20000 and 3 rows: the smaller one is hashed, or the outer side
# of a nested loop; without statistics of columns PostgreSQL prefers to sort.
psql(<<"END");
CREATE FOREIGN TABLE facts (a text, b text, c text, id bigint) SERVER s3 OPTIONS (location 's3://$bucket/short/');
CREATE FOREIGN TABLE dim (id bigint, name text) SERVER s3 OPTIONS (location 's3://$bucket/grown/1');
CREATE FOREIGN TABLE few (id bigint) SERVER s3 OPTIONS (location 's3://$bucket/tiny/1.csv');
END
for my $when ('before', 'after')
{
	my $join = 'SET max_parallel_workers_per_gather = 0; EXPLAIN (COSTS OFF) SELECT * FROM';

	psql('ANALYZE dim; ANALYZE facts; ANALYZE few') if $when eq 'after';
	like(psql("$join few JOIN facts USING (id)"),
		qr/Hash Join(?:\n.*)*Foreign Scan on facts(?:\n.*)*Hash\n.*Foreign Scan on few/,
		"three rows are hashed, $when ANALYZE");
	like(psql("$join dim JOIN facts USING (id)"),
		$when eq 'after' ? qr/Hash Join(?:\n.*)*Foreign Scan on facts(?:\n.*)*Hash\n.*Foreign Scan on dim/ :
		  qr/(?:Merge|Hash) Join/,
		"two large tables are not joined row by row, $when ANALYZE");
	like(psql("$join facts JOIN dim USING (id) JOIN few USING (id)"),
		qr/Foreign Scan on facts(?:\n.*)*Foreign Scan on (?:dim|few)(?:\n.*)*Foreign Scan on (?:dim|few)/,
		"the largest is read once, $when ANALYZE");
}

#-------------------------------------------------------------------------
# Memory, progress, cancel
#-------------------------------------------------------------------------

SKIP:
{
	skip 'no /proc', 3 if !defined backend_rss($$);
	skip 'a sanitizer keeps freed memory', 3 if $ENV{S3_TEST_ASAN};
	my $session = psql_start(undef, go_on => 1);

	export_table('large', 'id int, t text', 'SELECT i AS id, repeat(md5(i::text), 1500) AS t FROM generate_series(1, 1500) i', '');
	psql_send($session, 'SELECT count(*) FROM few');
	my $base = backend_rss($session->{pid});
	my $tracker = track_rss($session->{pid});
	my (undef, $err) = psql_send($session, "SET maintenance_work_mem = '4MB'; ANALYZE VERBOSE large");
	my $used = peak_rss($tracker) - $base;
	psql_finish($session);
	my ($kept) = $err =~ / (\d+) rows in sample, 1[45]\d\d estimated/;
	ok(defined $kept, 'long rows') or diag($err);
	cmp_ok($kept || 0, '<', 100, 'fewer of them are kept');
	cmp_ok($used, '<', 40 * 1048576, 'and little memory is used') or diag($used);
}

# A store that stops to answer after the first objects
psql("CREATE FOREIGN TABLE slow (id int, kind text) SERVER proxy OPTIONS (location 's3://$bucket/parts/', header 'true')");
for my $rule ({ match => 'list-type', delay => 60, close => 1 }, { match => 'part-', skip => 300, count => -1, delay => 60, close => 1 })
{
	my $session = psql_start("SET s3_fdw.max_retries = 20; SET s3_fdw.stall_timeout = '60s'", go_on => 1);
	my $what = $rule->{match} eq 'part-' ? 'reading' : 'listing';

	psql_send($session, '');
	fault_reset();
	fault(%$rule);
	S3Test::write_psql($session, 'ANALYZE slow;');
	if ($what eq 'reading')
	{
		ok(wait_until(
				sub {
					psql("SELECT phase || ' ' || (sample_blks_total > 0) || ' ' || (sample_blks_scanned > 0)"
						  . " FROM pg_stat_progress_analyze WHERE pid = $session->{pid}") eq 'acquiring sample rows true true';
				}, 20), 'progress is shown');
		ok(wait_until(sub { fault_count() > 304 }, 20), 'the store has stopped');
	}
	else
	{
		ok(wait_until(sub { fault_count() > 0 }, 20), 'the listing has begun');
	}
	sleep 0.3;
	my $begin = time;
	psql("SELECT pg_cancel_backend($session->{pid})");
	my (undef, $err) = psql_send($session, 'SELECT 1', timeout => 90);
	my $seconds = time - $begin;
	like($err, qr/ERROR:  57014/, "$what is canceled");
	cmp_ok($seconds, '<', 3, "$what: at once");
	psql_finish($session);
	fault_reset();
}

done_testing();
