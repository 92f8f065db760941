#-------------------------------------------------------------------------
#
# 052_parallel_export.pl
#		Exports whose rows the query's workers write: every row exactly once, in
#		every format, and the serial way where only that is right.
#
# What COPY (query) TO writes is the measure, line by line and without order.
# That workers wrote, and how many there were, is what auto_explain says of the
# plan that was run; and an export of many files has one file per process.
#
# S3_TEST_LONG adds several parts in the slow codecs.
#
# IDENTIFICATION
#		test/t/052_parallel_export.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use FindBin;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Store;
use S3Test;

my $bucket = 'parallel';
my $copied = server_tmp() . '/copied';
my $got = server_tmp() . '/got';
my $store = store_start(\&store_answer);

# Plans do not hang on the sizes of tables.
s3_make_bucket($bucket);
psql(<<"SQL");
DO \$\$ BEGIN
	EXECUTE format('ALTER DATABASE %I SET min_parallel_table_scan_size = 0', current_database());
	EXECUTE format('ALTER DATABASE %I SET parallel_setup_cost = 0', current_database());
	EXECUTE format('ALTER DATABASE %I SET max_parallel_workers_per_gather = 3', current_database());
END \$\$;
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR PUBLIC SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE SERVER fake FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$store');
CREATE USER MAPPING FOR PUBLIC SERVER fake
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');

CREATE TABLE t (id int, grp int, note text, price numeric) WITH (parallel_workers = 3);
INSERT INTO t SELECT i, i % 100, CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'a "quoted", thing'
	WHEN 3 THEN E'two\\nlines' ELSE 'note ' || i END, i * 0.25 FROM generate_series(1, 12000) i;
CREATE TABLE groups (grp int, name text) WITH (parallel_workers = 3);
INSERT INTO groups SELECT i, 'group ' || i FROM generate_series(0, 79) i;
CREATE TABLE one (id int) WITH (parallel_workers = 3);
INSERT INTO one VALUES (1);
CREATE TABLE none (id int, note text) WITH (parallel_workers = 3);
CREATE TABLE parted (id int, note text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (2000) WITH (parallel_workers = 3);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (2000) TO (3000) WITH (parallel_workers = 3);
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM (3000) TO (9000) WITH (parallel_workers = 3);
INSERT INTO parted SELECT i, 'note ' || i FROM generate_series(1, 8000) i;
CREATE TABLE big (id int, hash text, pad text) WITH (parallel_workers = 3);
INSERT INTO big SELECT i, md5(i::text), repeat(md5((i * 7)::text), 4) FROM generate_series(1, 160000) i;
CREATE VIEW seen AS SELECT id, upper(note) AS note FROM t WHERE grp < 50;
CREATE FUNCTION who() RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS 'BEGIN RETURN pg_backend_pid(); END';
CREATE FUNCTION unsafe() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION slow(n int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS
	'BEGIN PERFORM pg_sleep(0.05); RETURN n; END';
ANALYZE;
SELECT FROM s3_export('SELECT id, note, price FROM t', 's3://$bucket/source/', 's3', rows_per_file => 500);
CREATE FOREIGN TABLE remote (id int, note text, price numeric) SERVER s3 OPTIONS (location 's3://$bucket/source/');
SQL

# Roles are the cluster's.
my $limited = "limited_$$";
psql(<<"SQL");
CREATE ROLE $limited LOGIN;
GRANT EXECUTE ON FUNCTION s3_export TO $limited;
GRANT USAGE ON FOREIGN SERVER s3 TO $limited;
GRANT SELECT ON t TO $limited;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON t TO $limited USING (id % 7 = 0);
SQL
END
{
	local $?;
	eval { psql("DROP OWNED BY $limited; DROP ROLE $limited") } if defined $limited;
}

my $has_explain = (psql_err("LOAD 'auto_explain'"))[2] == 0;
diag('no auto_explain: workers are counted by files alone') if !$has_explain;

# What makes a session tell the plans that it runs.
my $explain = $has_explain
  ? <<'SQL' : '';
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0;
SET auto_explain.log_analyze = on;
SET auto_explain.log_verbose = on;
SET auto_explain.log_nested_statements = on;
SET auto_explain.log_level = 'notice';
SQL

sub spew
{
	my ($path, $data) = @_;

	open my $fh, '>:raw', $path or die "could not open $path: $!\n";
	print $fh $data;
	close $fh or die;
	chmod 0644, $path;
}

sub sorted
{
	return join '', sort split /^/m, $_[0];
}

sub export_sql
{
	my ($query, $key, $more, $result) = @_;

	return 'SELECT ' . ($result || 'location, rows, bytes') . ' FROM s3_export(' . lit($query)
	  . ", 's3://$bucket/$key', 's3', overwrite => 'replace'" . ($more ? ", $more" : '') . ')';
}

# The workers that a plan with our node had, by what auto_explain has said;
# undef: there was no such plan.
sub workers
{
	my ($messages) = @_;

	return undef if $messages !~ /Custom Scan \(s3_fdw export\)/;
	my ($launched) = $messages =~ /Gather .*?Workers Launched: (\d+).*?Custom Scan \(s3_fdw export\)/s;
	return $launched;
}

sub no_uploads
{
	my ($name) = @_;

	is(join(' ', map { $_->{key} } s3_uploads($bucket)), '', $name || 'no upload is left open');
}

#-------------------------------------------------------------------------
# Queries
#-------------------------------------------------------------------------

# Export a query as one object, and as one file per process, and compare with
# COPY.  Options: before, after (SQL in the same session), role, serial (no
# worker may write), any (may, or may not), ordered (the bytes are those of COPY),
# volatile (the rows are others each time: there are so many).
sub compare
{
	my ($name, $query, %opts) = @_;
	my $set_role = $opts{role} ? "SET ROLE $opts{role};" : '';
	my $before = $opts{before} || '';
	my $after = $opts{after} || '';
	my @wrong;

	unlink $copied;
	s3_delete($bucket, s3_keys($bucket, 'many/'));
	my $copy = $query =~ s/\n/ /gr;
	my ($out, $err, $rc) = psql_err("$before\n;\n$set_role\n"
		  . ($opts{volatile} ? '' : "\\copy ($copy) to '$copied' (format csv, header)\n")
		  . export_sql($query, 'one.csv', 'header => true') . ";\n"
		  . "RESET ROLE;\n$explain SET parallel_leader_participation = off;\n$set_role\n"
		  . export_sql($query, 'many/', '', "location, rows, bytes") . ";\n"
		  . "RESET ROLE;\n$after\n;");
	if ($rc != 0)
	{
		is($err, '', $name);
		return;
	}
	my ($one, @many) = map { [ split /\|/ ] } grep { m{^s3://} } split /\n/, $out;
	my $object = s3_get($bucket, 'one.csv');
	my %keys = map { $_ => s3_get($bucket, $_) } s3_keys($bucket, 'many/');
	my $files = join '', map { $keys{$_} } sort keys %keys;
	my $rows = 0;

	if ($opts{volatile})
	{
		push @wrong, "$one->[1] rows and not $opts{volatile}" if $one->[1] != $opts{volatile};
	}
	else
	{
		my $expected = slurp($copied);
		my ($header) = $expected =~ /^(.*\n)/;
		push @wrong, "the header is no line of its own at the beginning"
		  if substr($object, 0, length $header) ne $header;
		push @wrong, 'one object has other rows: ' . length($object) . ' and not ' . length($expected) . ' bytes'
		  if $opts{ordered} ? $object ne $expected : sorted($object) ne sorted($expected);
		substr($expected, 0, length $header) = '';
		push @wrong, 'files have other rows: ' . length($files) . ' and not ' . length($expected) . ' bytes'
		  if $opts{ordered} ? $files ne $expected : sorted($files) ne sorted($expected);
	}
	push @wrong, 'bytes of the object' if $one->[2] != length $object;
	for my $n (0 .. $#many)
	{
		my $key = sprintf 'many/part-%05d-00000.csv', $n;
		push @wrong, "file $n is $many[$n][0]" if $many[$n][0] ne "s3://$bucket/$key";
		push @wrong, "bytes of $key" if !defined $keys{$key} || $many[$n][2] != length $keys{$key};
		$rows += $many[$n][1];
	}
	push @wrong, scalar(@many) . ' files told, and there are ' . keys %keys if @many != keys %keys;
	push @wrong, "$rows rows in files, $one->[1] in one object" if $rows != $one->[1];

	my $workers = workers($err);
	push @wrong, 'workers wrote' if $opts{serial} && (defined $workers || @many != 1);
	if ($has_explain && !$opts{serial} && !$opts{any})
	{
		push @wrong, 'no worker wrote' if !$workers;
		push @wrong, @many . " files of $workers workers" if $workers && @many > $workers;
	}
	is(join("\n", @wrong), '', $name);
	diag($err) if @wrong;
}

compare('SELECT *', 'SELECT * FROM t');
compare('TABLE', 'TABLE t');
compare('a filter', 'SELECT id, note FROM t WHERE grp BETWEEN 10 AND 20');
compare('a hash join', 'SELECT t.id, g.name, t.price FROM t JOIN groups g USING (grp)',
	before => 'SET enable_mergejoin = off; SET enable_nestloop = off');
compare('an outer join', 'SELECT t.*, g.name FROM t LEFT JOIN groups g USING (grp)');
compare('a nested loop', 'SELECT t.id, g.name FROM t JOIN groups g USING (grp)',
	before => 'BEGIN; CREATE INDEX ON groups (grp); SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off; SET random_page_cost = 0; SET cpu_index_tuple_cost = 0',
	after => 'ROLLBACK');
compare('partitions', 'SELECT * FROM parted');
compare('UNION ALL', 'SELECT id, note FROM t WHERE id < 5000 UNION ALL SELECT id, note FROM parted');
compare('an init plan', 'SELECT id, price FROM t WHERE price > (SELECT avg(price) FROM t)');
compare('a correlated subquery', 'SELECT id, (SELECT name FROM groups g WHERE g.grp = t.grp) FROM t WHERE id < 500', any => 1);
compare('EXISTS', 'SELECT id FROM t WHERE EXISTS (SELECT FROM groups g WHERE g.grp = t.grp)');
compare('a grouped subquery', 'SELECT * FROM t JOIN (SELECT grp, count(*) AS n FROM t GROUP BY grp) g USING (grp)',
	any => 1);
compare('columns twice, and constants',
	q{SELECT id, note, id AS again, note AS "Note", 1 AS one, 'x' AS text, NULL AS nothing, true AS yes, id FROM t});
compare('constants only', q{SELECT 1 AS a, 'b' AS b FROM t});
compare('no columns', 'SELECT FROM t');
compare('expressions', 'SELECT id + 1, upper(note), row(id, grp), ARRAY[id, grp], t FROM t');
compare('a set-returning function', 'SELECT id, generate_series(1, id % 4) AS n FROM t');
compare('a lateral function', 'SELECT id, n FROM t, generate_series(1, id % 3) n');
compare('a CTE', 'WITH few AS (SELECT * FROM t WHERE grp = 1) SELECT id FROM few');
compare('a CTE used twice', 'WITH few AS (SELECT * FROM t WHERE grp = 1) SELECT a.id FROM few a JOIN few b USING (id)',
	serial => 1);
compare('a view', 'SELECT * FROM seen');
compare('RLS', 'SELECT * FROM t', role => $limited);
compare('a foreign table', 'SELECT * FROM remote');
compare('a foreign table joined', 'SELECT r.id, t.note FROM remote r JOIN t USING (id)',
	before => 'SET enable_mergejoin = off');
compare('own changes', 'SELECT * FROM t',
	before => q{BEGIN; UPDATE t SET note = 'changed' WHERE id % 5 = 0; DELETE FROM t WHERE id % 11 = 0; INSERT INTO t VALUES (-1, -1, 'new', 0)},
	after => 'ROLLBACK');
compare('changes of a subtransaction', 'SELECT * FROM t',
	before => q{BEGIN; SAVEPOINT a; DELETE FROM t WHERE id % 11 = 0; SAVEPOINT b; DELETE FROM t; ROLLBACK TO b; SAVEPOINT c},
	after => 'ROLLBACK');
compare('a table made in the transaction', 'SELECT * FROM made',
	before => 'BEGIN; CREATE TABLE made WITH (parallel_workers = 3) AS SELECT * FROM t',
	after => 'ROLLBACK');
compare("$_->[0]", 'SELECT * FROM t',
	before => "BEGIN ISOLATION LEVEL $_->[0] $_->[1]",
	after => 'COMMIT')
  for [ 'REPEATABLE READ', '' ], [ 'SERIALIZABLE', '' ], [ 'SERIALIZABLE', 'READ ONLY DEFERRABLE' ];
compare('types made in the transaction', 'SELECT id, mood, pair, pair::text FROM made',
	before => q{BEGIN; CREATE TYPE mood AS ENUM ('bad', 'good'); CREATE TYPE duo AS (a int, b text);}
	  . q{CREATE TABLE made WITH (parallel_workers = 3) AS SELECT id, 'good'::mood AS mood, (id, note)::duo AS pair FROM t},
	after => 'ROLLBACK');
compare('an empty table', 'SELECT * FROM none', any => 1);
compare('no rows left by a filter', 'SELECT * FROM t WHERE id < 0');
compare('one row', 'SELECT * FROM one', before => 'SET cpu_tuple_cost = 1');
compare('settings', q{SELECT id, '2026-01-02'::date + id, now(), '1 day'::interval * id FROM t},
	before => "BEGIN; SET datestyle = 'German'; SET timezone = 'Asia/Kathmandu'; SET intervalstyle = iso_8601; SET search_path = public, pg_temp",
	after => 'COMMIT');

# What one process must do.
compare('ORDER BY', 'SELECT * FROM t ORDER BY note NULLS FIRST, id DESC', serial => 1, ordered => 1);
compare('ORDER BY in a subquery', 'SELECT id, note FROM (SELECT * FROM t ORDER BY price DESC) s', serial => 1, ordered => 1);
compare('ORDER BY in a CTE', 'WITH s AS (SELECT * FROM t ORDER BY price DESC) SELECT id FROM s', serial => 1, ordered => 1);
compare('a top of all', 'SELECT * FROM t ORDER BY id LIMIT 100 OFFSET 5', serial => 1, ordered => 1);
compare('LIMIT', 'SELECT id FROM t LIMIT 100', serial => 1, volatile => 100);
compare('LIMIT in a subquery', 'SELECT id FROM (SELECT id FROM t LIMIT 100) s WHERE id > 0', serial => 1, volatile => 100);
compare('DISTINCT', 'SELECT DISTINCT grp FROM t', serial => 1);
compare('DISTINCT ON', 'SELECT DISTINCT ON (grp) grp, id FROM t ORDER BY grp, id', serial => 1, ordered => 1);
compare('UNION', 'SELECT grp FROM t UNION SELECT grp FROM groups', serial => 1);
compare('a window', 'SELECT id, row_number() OVER (ORDER BY price DESC) FROM t', serial => 1, ordered => 1);
compare('an aggregate', 'SELECT grp, count(*), sum(price) FROM t GROUP BY grp', serial => 1);
compare('one aggregate', 'SELECT count(*), sum(price) FROM t', serial => 1, ordered => 1);
compare('FOR UPDATE', 'SELECT * FROM t FOR UPDATE', serial => 1, ordered => 1);
compare('FOR SHARE in a subquery', 'SELECT * FROM (SELECT id FROM t FOR SHARE) s', serial => 1, ordered => 1);
compare('a temporary table', 'SELECT * FROM temp', serial => 1, ordered => 1,
	before => 'CREATE TEMP TABLE temp AS SELECT * FROM t');
compare('VALUES', 'VALUES (1, 2), (3, 4)', serial => 1, ordered => 1);
compare('no table', 'SELECT 1 AS a', serial => 1, ordered => 1);
compare('a function that is not safe', 'SELECT id, unsafe(), note FROM t', serial => 1, ordered => 1);
compare('a restricted function', 'SELECT id, random() FROM t', serial => 1, volatile => 12000);
compare('a sequence', q{SELECT id, nextval('seq') FROM t}, serial => 1, volatile => 12000,
	before => 'CREATE TEMP SEQUENCE seq');
compare('max_parallel_workers_per_gather = 0', 'SELECT * FROM t', serial => 1, ordered => 1,
	before => 'SET max_parallel_workers_per_gather = 0; SET synchronize_seqscans = off');
compare('a data-modifying WITH', q{WITH new AS (INSERT INTO none SELECT id, note FROM t WHERE grp = 3 RETURNING *) SELECT * FROM new},
	serial => 1, ordered => 1);
is(psql('SELECT count(*) FROM none; TRUNCATE none'), 3 * 120, 'the rows are inserted, each time');
compare('INSERT ... RETURNING', 'INSERT INTO none SELECT id, note FROM t WHERE grp = 3 RETURNING id', serial => 1, ordered => 1);
is(psql('SELECT count(*) FROM none; TRUNCATE none'), 3 * 120, 'and here');
no_uploads();

# The settings that leave it to others.
for my $case (
	[ 'parallel => false', '', 'parallel => false', undef ],
	[ 'max_parallel_workers = 0', 'SET max_parallel_workers = 0', '', 0 ],
	[ 'neither leader nor workers', 'SET max_parallel_workers = 0; SET parallel_leader_participation = off', '', 0 ],
	[ 'as many workers as there are', 'SET max_parallel_workers = 1', '', 1 ],
	[ 'leader and workers', 'SET parallel_leader_participation = on', '', 3 ],
	[ 'workers alone', 'SET parallel_leader_participation = off', '', 3 ])
{
	my ($name, $before, $more, $expected) = @$case;
	my ($out, $err) = psql_err("$before;\n$explain" . export_sql('SELECT id FROM t', 'set.csv', $more, 'rows'));

	is($out, 12000, "$name: rows");
	is(md5_hex(sorted(s3_get($bucket, 'set.csv'))), md5_hex(sorted(join '', map { "$_\n" } 1 .. 12000)), "$name: each of them");
	is(workers($err), $expected, "$name: workers") if $has_explain;
}

# The processes of the rows, and of the files.
for my $leader ('on', 'off')
{
	s3_delete($bucket, s3_keys($bucket, 'who/'));
	my $out = psql("SET parallel_leader_participation = $leader; SELECT pg_backend_pid();"
		  . export_sql('SELECT who(), id FROM big', 'who/', '', 'rows'));
	my ($pid, @rows) = split /\n/, $out;
	my (%files, $rows, $n);

	for my $key (s3_keys($bucket, 'who/'))
	{
		my %pids = map { /^(\d+),/ ? ($1 => 1) : () } split /\n/, s3_get($bucket, $key);
		is(scalar(keys %pids), 1, "$key: of one process");
		$files{$_}++ for keys %pids;
	}
	$n = keys %files;
	$rows += $_ for @rows;
	is($rows, 160000, "participation $leader: all rows");
	cmp_ok($n, '>=', 2, "participation $leader: several processes wrote ($n)");
	is(join(' ', grep { $_ != 1 } values %files), '', 'each one file');
	ok(!$files{$pid}, 'but not the leader') if $leader eq 'off';
}

#-------------------------------------------------------------------------
# Formats and codecs
#-------------------------------------------------------------------------

my %tool = (none => 'cat', gzip => 'gzip -dc', zstd => 'zstd -dqc', bzip2 => 'bzip2 -dc', xz => 'xz -dc', lz4 => 'lz4 -dqc');
my %suffix = (none => '', gzip => '.gz', zstd => '.zst', bzip2 => '.bz2', xz => '.xz', lz4 => '.lz4');

sub installed
{
	my ($codec) = @_;
	my ($program) = $tool{$codec} =~ /^(\S+)/;

	return grep { -x "$_/$program" } split /:/, $ENV{PATH};
}

# The bytes of an object, or undef.
sub decoded
{
	my ($key, $codec) = @_;

	return undef if !installed($codec);
	spew($got, s3_get($bucket, $key));
	open my $pipe, '-|', "$tool{$codec} <$got" or die "$tool{$codec}: $!\n";
	binmode $pipe;
	local $/;
	my $data = <$pipe>;
	close $pipe or return "$tool{$codec} failed";
	return $data;
}

my %formats = (
	csv => { write => 'header => true', read => "header 'match'", copy => 'format csv, header' },
	text => { write => q(format => 'text', delimiter => '|', "null" => ''), read => q(format 'text', delimiter '|', "null" ''),
		copy => q(format text, delimiter '|', null '') },
	fixedwidth => { write => q(format => 'fixedwidth', fixedwidth => '6,8,20,9'), read => q(format 'fixedwidth', fixedwidth '6,8,20,9') },
	lines => { write => q(format => 'json'), read => q(format 'json') },
	array => { write => q(format => 'json', "array" => true), read => q(format 'json') });

# JSON has the same value in many texts; all it has to be is valid, one value in
# all, and the same rows.
sub array_of
{
	my ($text) = @_;

	spew($got, $text);
	return psql("SELECT count(*), sum(('x' || substr(md5(value::text), 1, 8))::bit(32)::int8) "
		  . 'FROM jsonb_array_elements(pg_read_file(' . lit($got) . ')::jsonb)');
}

my %columns = (
	plain => 'id int, grp int, note text, price numeric',
	one => 'id int',
	big => 'id int, hash text, pad text');

sub check_format
{
	my ($name, $format, $codec, $query, $table, $more) = @_;
	my $how = $formats{$format};
	my $key = "f/$name.$format$suffix{$codec}";
	my $sums = 'SELECT count(*) AS n, sum(hashtextextended(b::text, 0)::numeric)';
	my $settings = 'SET parallel_leader_participation = off; SET cpu_tuple_cost = 1';
	my ($out, $err) = psql_err("$explain $settings;"
		  . export_sql($query, $key, "$how->{write}" . ($more ? ", $more" : ''), 'rows'));
	my ($rows) = $out =~ /^(\d+)$/m;

	if (!defined $rows)
	{
		is($err, '', "$name: $format, $codec");
		return;
	}
	ok(workers($err), "$name: $format, $codec: by workers") if $has_explain;

	my $text = decoded($key, $codec);
	if (!defined $text)
	{
		diag("no program for $codec");
	}
	elsif ($how->{copy})
	{
		psql("\\copy ($query) to '$copied' ($how->{copy})");
		my $expected = slurp($copied);
		my ($first) = $expected =~ /^(.*\n)/;
		is(md5_hex(sorted($text)), md5_hex(sorted($expected)), "$name: $format, $codec: the rows are COPY's");
		is(substr($text, 0, length $first), $first, "$name: $format, $codec: the header is first") if $format eq 'csv';
	}
	else
	{
		psql(export_sql($query, 'f/serial', "$how->{write}, compression => 'none', parallel => false"));
		my $serial = s3_get($bucket, 'f/serial');
		if ($format eq 'array')
		{
			is(array_of($text), array_of($serial), "$name: $format, $codec: one array of all rows");
			is(substr($text, 0, 2) . substr($text, -2), substr($serial, 0, 2) . substr($serial, -2), "$name: $format, $codec: its ends");
		}
		else
		{
			is(md5_hex(sorted($text)), md5_hex(sorted($serial)), "$name: $format, $codec: the rows of one process");
		}
	}
	is(psql("CREATE FOREIGN TABLE back ($columns{$table}) SERVER s3 OPTIONS (location 's3://$bucket/$key', $how->{read});"
		  . "SELECT s.n = $rows AND s = w FROM ($sums FROM back b) s, ($sums FROM ($query) b) w;"
		  . 'DROP FOREIGN TABLE back'), 't', "$name: $format, $codec: read back");
	s3_delete($bucket, $key);
}

# Small ones are left-overs of all processes, which the leader puts together.
psql("CREATE TABLE plain AS SELECT id, grp, nullif(translate(note, E'\\n', ' '), '') AS note, price FROM t;"
	  . 'ALTER TABLE plain SET (parallel_workers = 3); ANALYZE plain');
for my $format (sort keys %formats)
{
	check_format('small', $format, $_, 'SELECT * FROM plain', 'plain') for sort keys %tool;
}
for my $format ('csv', 'lines', 'array')
{
	check_format('one row', $format, $_, 'SELECT * FROM one', 'one') for 'none', 'gzip';
	check_format('no rows', $format, $_, 'SELECT * FROM one WHERE id < 0', 'one') for 'none', 'gzip', 'zstd', 'bzip2', 'xz', 'lz4';
}

# Large ones have many parts, which takes text that does not become much smaller.
my $dense = 'SELECT id, hash || md5(hash) || md5(pad) || md5(pad || id) AS hash, NULL::text AS pad FROM big';
for my $case (
	[ 'csv', 'none' ], [ 'array', 'none' ], [ 'csv', 'gzip' ], [ 'array', 'lz4' ], [ 'lines', 'zstd' ],
	$ENV{S3_TEST_LONG} ? ([ 'text', 'bzip2' ], [ 'csv', 'xz' ], [ 'array', 'gzip' ]) : ())
{
	my ($format, $codec) = @$case;
	my $query = $codec eq 'none' ? 'SELECT * FROM big' : $dense;

	check_format('large', $format, $codec, $query, 'big', q(part_size => '5MB'));
}
is(psql(export_sql('SELECT * FROM big', 'large.csv', q(part_size => '5MB'), q(etag ~ '-([4-9]|..)$'))), 't', 'several parts');

# What a worker is told as text.
{
	my $key = "o'd \\{x}/\x{20ac} \"%2B\" .csv";
	my $location = "s3://$bucket/$key";
	$location =~ s/([\\*?\[])/\\$1/g;
	my $sql = sub {
		return "SET parallel_leader_participation = off; SELECT location, rows FROM s3_export('SELECT id, note FROM t', "
		  . lit($location) . ", 's3', delimiter => E'\\t', quote => E'\\x02', escape => '\\', \"null\" => '<>\"{()} ', force_quote => 'note',"
		  . q( encoding => 'LATIN1', metadata => '{"a": "", "b": "{<>} \\\\ (\\"x\\")", "c": "<>"}', overwrite => 'replace',)
		  . " parallel => $_[0])";
	};
	my @results = map {
		join "\n", psql($sql->($_)), md5_hex(sorted(s3_get($bucket, $key))), s3_head($bucket, $key)->{'x-amz-meta-b'}
	} 'true', 'false';
	is($results[0], $results[1], 'arguments with special characters');
	utf8::encode(my $bytes = $location);
	is(substr($results[0], 0, 1 + length $bytes), "$bytes|", 'the location names the object');
}

is(psql("SET s3_fdw.part_size = '6MB'; SET s3_fdw.upload_memory = '24MB'; SET parallel_leader_participation = off;"
	  . export_sql('SELECT * FROM big', 'large.csv', '', 'rows')), 160000, 'settings of the session');

#-------------------------------------------------------------------------
# Checksums
#-------------------------------------------------------------------------

my $has_unit = defined unit_lib();
psql('CREATE FUNCTION unit_crc64(bytea, int) RETURNS text LANGUAGE C AS ' . lit(unit_lib()) . ", 'unit_crc64'")
  if $has_unit;

sub crc_of
{
	my ($kind, $data) = @_;

	return crc($kind, $data) if $kind ne 'crc64nvme' || !$has_unit || length $data < 100000;
	spew($got, $data);
	return psql("SELECT encode(decode(unit_crc64(pg_read_binary_file(" . lit($got) . "), 1000), 'hex'), 'base64')");
}

for my $case (
	[ 'crc32c', 'COMPOSITE', 'SELECT * FROM big WHERE id <= 75000', 'header => true', 'large' ],
	[ 'crc64nvme', 'FULL_OBJECT', 'SELECT * FROM big', 'header => true', 'large' ],
	[ 'crc64nvme', 'FULL_OBJECT', $dense, q(format => 'json', "array" => true, compression => 'lz4'), 'large array' ],
	[ 'crc64nvme', 'FULL_OBJECT', 'SELECT id FROM t', q(format => 'json', "array" => true, compression => 'gzip'), 'small array' ],
	[ 'crc32c', 'COMPOSITE', 'SELECT id FROM t', '', 'small' ],
	[ 'crc64nvme', 'FULL_OBJECT', 'SELECT * FROM big WHERE id < 0', '', 'empty' ])
{
	my ($kind, $type, $query, $more, $name) = @$case;
	my $header = "x-amz-checksum-$kind";
	my $algorithm = uc $kind;

	psql("SET parallel_leader_participation = off; SELECT FROM s3_export(" . lit($query) . ", 's3://$bucket/sums', 'fake', part_size => '5MB',"
		  . " checksum => '$kind'" . ($more ? ", $more" : '') . ')');
	my @log = store_requests();
	my ($create) = grep { $_->{target} =~ /[?&]uploads=/ } @log;
	is($create->{headers}{'x-amz-checksum-algorithm'} . ' ' . $create->{headers}{'x-amz-checksum-type'},
		"$algorithm $type", "$kind, $name: announced");
	my %parts = map { $_->{target} =~ /partNumber=(\d+)/ ? ($1 => $_) : () } grep { $_->{method} eq 'PUT' } @log;
	my @parts = map { $parts{$_} } sort { $a <=> $b } keys %parts;
	is(join(' ', sort { $a <=> $b } keys %parts), join(' ', 1 .. @parts), "$kind, $name: parts are numbered from 1");
	cmp_ok(scalar @parts, '>=', $kind eq 'crc32c' ? 2 : 3, "$kind, $name: several parts") if $name =~ /large/;
	is(join(' ', grep { length $_->{body} < 5 * 1048576 } @parts[ 0 .. $#parts - 1 ]), '', "$kind, $name: none too small");
	my @sums = map { $_->{headers}{$header} } @parts;
	is_deeply(\@sums, [ map { crc_of($kind, $_->{body}) } @parts ], "$kind, $name: of the parts");
	my ($complete) = grep { $_->{method} eq 'POST' && $_->{target} =~ /uploadId=/ } @log;
	is_deeply([ $complete->{body} =~ m{<PartNumber>(\d+)</PartNumber><ETag>[^<]*</ETag><Checksum$algorithm>([^<]*)</Checksum$algorithm>}g ],
		[ map { ($_ + 1, $sums[$_]) } 0 .. $#sums ], "$kind, $name: in the list of parts");
	is($complete->{headers}{$header}, $type eq 'COMPOSITE' ? undef : crc_of($kind, join '', map { $_->{body} } @parts),
		"$kind, $name: of the object");

	# a store that may compare them
	psql(export_sql($query, 'sums', ($more ? "$more, " : '') . "checksum => '$kind', part_size => '5MB'")) if $name ne 'large array';
}

#-------------------------------------------------------------------------
# Errors
#-------------------------------------------------------------------------

# An error in a worker, in the middle of it all.
for my $case (
	[ 'one object', 'bad.csv', q(part_size => '5MB') ],
	[ 'files', 'bad/', 'rows_per_file => 5000' ],
	[ 'partitions', 'bad/', q(partition_by => 'g') ])
{
	my ($name, $key, $more) = @$case;
	my ($out, $err) = psql_err('SET parallel_leader_participation = off;'
		  . export_sql('SELECT id / (id - 140000) AS id, id % 10 AS g, pad FROM big', $key, $more));

	like($err, qr/^ERROR:  22012: division by zero$/m, "$name: an error in a worker");
	like($err, qr/^CONTEXT:  .*parallel worker/ms, "$name: and it was in one");
	is(join(' ', s3_keys($bucket, 'bad')), '', "$name: nothing is left");
	no_uploads("$name: and no upload");
}

# Privileges are those of a query.  The same words come from both ways.
psql(<<"SQL");
CREATE TABLE secret (id int, note text) WITH (parallel_workers = 3);
INSERT INTO secret SELECT i, 'x' FROM generate_series(1, 1000) i;
CREATE TABLE half (id int, secret int) WITH (parallel_workers = 3);
GRANT SELECT (id) ON half TO $limited;
CREATE FUNCTION hidden(int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS 'BEGIN RETURN \$1; END';
REVOKE ALL ON FUNCTION hidden FROM PUBLIC;
SQL
for my $case (
	[ 'SELECT on a table', 'SELECT * FROM secret', 's3', qr/permission denied for table secret/ ],
	[ 'SELECT on a column', 'SELECT secret FROM half', 's3', qr/permission denied for table half/ ],
	[ 'EXECUTE on a function', 'SELECT hidden(id) FROM t', 's3', qr/permission denied for function hidden/ ],
	[ 'USAGE on the server', 'SELECT * FROM t', 'fake', qr/permission denied for foreign server fake/ ],
	[ 'a table that is not there', 'SELECT * FROM nowhere', 's3', qr/relation "nowhere" does not exist/ ],
	[ 'a column that is not there', 'SELECT nothing FROM t', 's3', qr/column "nothing" does not exist/ ])
{
	my ($name, $query, $server, $message) = @$case;
	my @errors = map {
		my ($out, $err) = psql_err("SET ROLE $limited; SELECT s3_export(" . lit($query)
			  . ", 's3://$bucket/denied.csv', '$server', parallel => $_)");
		$err =~ s/^LOCATION:.*\n//mg;
		$err =~ s/^(?:psql:)?.*?(?=ERROR)//;
		$err =~ s/parallel => \w+//g;
		$err;
	} 'true', 'false';

	like($errors[0], $message, "denied: $name");
	is($errors[0], $errors[1], "denied: $name: as serially");
}
psql("REVOKE EXECUTE ON FUNCTION s3_export FROM $limited");
like((psql_err("SET ROLE $limited; SELECT s3_export('SELECT * FROM t', 's3://$bucket/denied.csv', 's3')"))[1],
	qr/permission denied for function s3_export/, 'denied: EXECUTE on s3_export');
is(s3_head($bucket, 'denied.csv'), undef, 'nothing is written');

# A function of another role, which the workers are then too.
psql("CREATE FUNCTION for_others(text) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS "
	  . lit("SELECT rows FROM s3_export(\$1, 's3://$bucket/definer.csv', 's3', overwrite => 'replace')"));
is(psql("SET parallel_leader_participation = off; SET ROLE $limited; SELECT for_others('SELECT current_user, id FROM secret')"),
	1000, 'as SECURITY DEFINER');
is(join(' ', keys %{ { map { /^(.*?),/ ? ($1 => 1) : () } split /\n/, s3_get($bucket, 'definer.csv') } }),
	psql('SELECT current_user'), 'the workers are the definer');

#-------------------------------------------------------------------------
# Where it is called
#-------------------------------------------------------------------------

my $all = md5_hex(sorted(join '', map { "$_\n" } 1 .. 12000));

sub is_all
{
	my ($name, @keys) = @_;

	is(join(' ', map { my $data = s3_get($bucket, $_); md5_hex(sorted(defined $data ? $data : '')) } @keys),
		join(' ', ($all) x @keys), $name);
	s3_delete($bucket, @keys);
}

is((psql_err(<<"SQL"))[1] =~ s/^.*?NOTICE:/NOTICE:/r =~ s/^LOCATION.*\n//mr, "NOTICE:  00000: caught\n", 'PL/pgSQL, with an error caught');
DO \$\$
BEGIN
	BEGIN
		PERFORM s3_export('SELECT id, 1 / (id - 100) FROM t', 's3://$bucket/caught.csv', 's3');
	EXCEPTION WHEN division_by_zero THEN
		RAISE NOTICE 'caught';
	END;
	PERFORM s3_export('SELECT id FROM t', 's3://$bucket/block-1.csv', 's3');
	BEGIN
		PERFORM s3_export('SELECT id FROM t', 's3://$bucket/block-2.csv', 's3');
		RAISE EXCEPTION 'rolled back';
	EXCEPTION WHEN raise_exception THEN
		NULL;
	END;
END \$\$;
SQL
is(s3_head($bucket, 'caught.csv'), undef, 'what failed is not there');
is_all('what is complete stays', 'block-1.csv', 'block-2.csv');

psql("BEGIN; " . export_sql('SELECT id FROM t', 'a.csv') . ';' . export_sql('SELECT id FROM t', 'b.csv') . '; COMMIT');
is_all('twice in a transaction', 'a.csv', 'b.csv');
psql("SELECT s3_export('SELECT id FROM t', 's3://$bucket/a.csv', 's3'), s3_export('SELECT id FROM t', 's3://$bucket/b.csv', 's3')");
is_all('twice in a statement', 'a.csv', 'b.csv');
is(psql("SELECT sum(e.rows) FROM generate_series(1, 3) i, s3_export('SELECT id FROM t', 's3://$bucket/' || i || '.csv', 's3') e"),
	36000, 'for each row of a query');
is_all('all of them', '1.csv', '2.csv', '3.csv');
psql(export_sql("SELECT rows FROM s3_export('SELECT id FROM t', 's3://$bucket/inner.csv', 's3')", 'outer.csv'));
is(s3_get($bucket, 'outer.csv'), "12000\n", 'an export of an export');
is_all('the inner one', 'inner.csv');
psql("BEGIN; DECLARE c CURSOR FOR " . export_sql('SELECT id FROM t', 'a.csv') . '; FETCH c; CLOSE c; COMMIT');
is_all('by a cursor', 'a.csv');
psql("PREPARE p AS " . export_sql('SELECT id FROM t', 'a.csv') . '; EXECUTE p; EXECUTE p');
is_all('prepared', 'a.csv');
is(psql("CREATE FUNCTION changes() RETURNS bigint LANGUAGE plpgsql AS \$\$ DECLARE n bigint; BEGIN\n"
	  . "INSERT INTO one SELECT generate_series(2, 50); SELECT rows INTO n FROM s3_export('SELECT id FROM one', 's3://$bucket/a.csv', 's3');\n"
	  . "DELETE FROM one WHERE id > 1; RETURN n; END \$\$; SELECT changes(); SELECT count(*) FROM one"),
	"50\n1", 'a function sees its own changes');

# The snapshot of a transaction.
{
	my $session = psql_start(undef, go_on => 1);

	psql_send($session, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL parallel_leader_participation = off; SELECT count(*) FROM one');
	psql('INSERT INTO one VALUES (2)');
	psql_send($session, export_sql('SELECT id FROM one', 'a.csv'));
	is(s3_get($bucket, 'a.csv'), "1\n", 'the snapshot is that of the transaction');
	psql_send($session, 'COMMIT; ' . export_sql('SELECT id FROM one', 'a.csv'));
	is(sorted(s3_get($bucket, 'a.csv')), "1\n2\n", 'or of the statement');
	psql_finish($session);
}

# Progress, while the leader waits for the workers.
{
	my $session = psql_start(undef, go_on => 1);
	my $pid = $session->{pid};
	my (%seen, $state);

	psql_send($session, 'SET parallel_leader_participation = off');
	S3Test::write_psql($session, export_sql("SELECT slow(id), repeat('x', 70000) FROM t WHERE id <= 80", 'slow.csv', '', 'rows') . ';');
	my $ended = sub {
		$state = psql("SELECT (SELECT state FROM pg_stat_activity WHERE pid = $pid),"
			  . " (SELECT tuples_processed || '/' || bytes_processed FROM pg_stat_progress_copy WHERE pid = $pid)");
		$seen{$1} = $2 if $state =~ m{\|(\d+)/(\d+)$};
		return $state =~ /^idle/ && %seen;
	};
	ok(wait_until($ended, 60), 'it ends');
	my @rows = grep { $_ > 0 } sort { $a <=> $b } keys %seen;
	cmp_ok(scalar @rows, '>=', 2, 'progress goes on: ' . join(' ', map { "$_/$seen{$_}" } @rows));
	cmp_ok($seen{ $rows[-1] }, '>', $seen{ $rows[0] }, 'and so do the bytes') if @rows > 1;
	psql_finish($session);
}

no_uploads('in all: no upload is left open');
s3_drop_bucket($bucket);
done_testing();
