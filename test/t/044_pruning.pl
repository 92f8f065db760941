#-------------------------------------------------------------------------
#
# 044_pruning.pl
#		What a filter leaves out is neither listed nor fetched, and a listing
#		of any length needs little memory.
#
# Requests are counted by the fault proxy.  The long listings come from a server
# of this test, which makes up its pages.
#
# IDENTIFICATION
#		test/t/044_pruning.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use IO::Socket::INET;
use POSIX ();
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

s3_make_bucket('pruning');
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
END

# Run a query: its result, and how many requests were lists and GETs of objects.
# The planner lists too, for its estimate; run twice, its estimate is known.
sub counted
{
	my ($sql) = @_;
	my $session = psql_start(undef, go_on => 1);

	psql_send($session, $sql);
	fault_reset();
	my ($out, $err) = psql_send($session, $sql);
	my @log = fault_log();
	psql_finish($session);
	is($err, '', "no error in $sql");
	return ($out,
		scalar(grep { $_->{method} eq 'GET' && $_->{uri} =~ /\?(?:.*&)?(?:list-type|versions)=/ } @log),
		scalar(grep { $_->{method} eq 'GET' && $_->{range} ne '-' } @log),
		map { $_->{uri} } @log);
}

sub check
{
	my ($name, $sql, $result, $lists, $gets) = @_;
	my ($out, $got_lists, $got_gets, @uris) = counted($sql);

	is($out, $result, "$name: the result");
	is("$got_lists lists, $got_gets gets", "$lists lists, $gets gets", "$name: the requests")
	  or diag(join "\n", @uris[0 .. ($#uris < 12 ? $#uris : 12)]);
}

# A number that EXPLAIN shows, or 0.
sub explained
{
	my ($property, $sql) = @_;

	return psql("EXPLAIN (COSTS OFF) $sql") =~ /S3 \Q$property\E: (\d+)/ ? $1 : 0;
}

#-------------------------------------------------------------------------
# A thousand folders
#-------------------------------------------------------------------------

my %days = map { (sprintf('days/day=%04d/part.csv', $_) => "$_\n") } 0 .. 999;
s3_put_many('pruning', \%days);
psql(<<'SQL');
CREATE FOREIGN TABLE days (id int, day int OPTIONS (partition 'day'), key text OPTIONS (metadata 'key'))
	SERVER s3 OPTIONS (location 's3://pruning/days/');
CREATE FUNCTION say(what int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RAISE 'this must not be called';
END
$$;
SQL

check('one folder', 'SELECT id, day, key FROM days WHERE day = 123', '123|123|days/day=0123/part.csv', 2, 1);
check('no folder', 'SELECT count(*) FROM days WHERE day = 5000', '0', 1, 0);
check('a few', 'SELECT sum(id) FROM days WHERE day IN (1, 2, 999)', '1002', 4, 3);
check('all but one', 'SELECT count(*), sum(id) FROM days WHERE day <> 7', '999|' . (499500 - 7), 2, 999);
check('two clauses', 'SELECT id FROM days WHERE day > 500 AND day % 400 = 0', '800', 2, 1);
check('columns of the file too', 'SELECT id FROM days WHERE day BETWEEN 10 AND 12 AND id <> 11 ORDER BY 1',
	"10\n12", 4, 3);
check('by key', q{SELECT id FROM days WHERE key LIKE '%0042%'}, '42', 1, 1);
check('an expression', 'SELECT id FROM days WHERE day + id = 84 AND day IN (42, 43)', '42', 3, 2);
check('NULL excludes', 'SELECT count(*) FROM days WHERE day = NULLIF(1, 1)', '0', 0, 0);
check('a function that fails is asked of those left only',
	'SELECT count(*) FROM days WHERE day < 0 AND say(day) > 0', '0', 1, 0);
check('a prepared statement',
	'DEALLOCATE ALL; PREPARE one (int) AS SELECT id FROM days WHERE day = $1; SET plan_cache_mode = force_generic_plan;'
	. ' EXECUTE one (77)', '77', 2, 1);
check('a filter that looks at no folder', 'SELECT count(*) FROM days WHERE id = 3', '1', 1, 1000);

like(psql('EXPLAIN (COSTS OFF) SELECT * FROM days WHERE day = 5'),
	qr/S3 Objects: 1\n(?:.*\n)*\s*S3 Folders Pruned: 999$/m, 'EXPLAIN counts the folders');
is(explained('Objects Pruned', q{SELECT * FROM days WHERE key < 'days/day=0010'}), 990,
	'EXPLAIN counts the objects');
is(explained('Objects', 'SELECT * FROM days'), 1000, 'without a filter nothing is left out');

# Rows that are estimated follow the filter.
my ($rows) = psql('EXPLAIN SELECT * FROM days WHERE day IN (1, 2)') =~ /rows=(\d+)/;
my ($all) = psql('EXPLAIN SELECT * FROM days') =~ /rows=(\d+)/;
cmp_ok($rows, '<=', $all / 100, "the planner expects few rows: $rows of $all");

# What must not choose objects.
check('a volatile function',
	'SELECT count(*) FROM days WHERE day = 3 + floor(random())::int', '1', 1, 1000);
check('a sub-query', 'SELECT count(*) FROM days WHERE day = (SELECT 3)', '1', 1, 1000);
psql(q{CREATE VIEW safe WITH (security_barrier) AS SELECT * FROM days WHERE id < 3});
check('a security barrier', 'SELECT count(*) FROM safe WHERE day % 2 = 1', '1', 1, 1000);
check('a leakproof operator passes it', 'SELECT count(*) FROM safe WHERE day = 1', '1', 2, 1);

# Clauses that the planner makes or moves
check('a join', 'SELECT count(*) FROM days a JOIN days b ON a.day = b.day WHERE b.day = 6', '1', 4, 2);
check('from above an outer join',
	q{SELECT count(*) FROM (VALUES (1)) v (i) LEFT JOIN (SELECT id, coalesce(day, 0) AS d FROM days) s ON v.i = s.id WHERE s.d = 1},
	'1', 2, 1);
check('in a function', q{DO $$ DECLARE n int; d int := 8; BEGIN SELECT count(*) INTO n FROM days WHERE day = d; ASSERT n = 1; END $$},
	'', 2, 1);

# A header in the first object only needs that one.
psql(q{ALTER FOREIGN TABLE days OPTIONS (ADD header 'first')});
is(psql('SELECT id FROM days WHERE day = 123'), '123', 'header first: the first object is another');
is(psql('SELECT count(*) FROM days WHERE day <= 1'), '1', 'header first: its line is none');
psql(q{ALTER FOREIGN TABLE days OPTIONS (DROP header)});

# By all processes
{
	my $force = psql('SHOW server_version_num') < 160000 ? 'force_parallel_mode' : 'debug_parallel_query';

	is( psql('SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;'
		. " SET $force = on; SELECT count(*), sum(id), min(day), max(day) FROM days WHERE day >= 100 AND id <> 500"),
		'899|' . (494550 - 500) . '|100|999', 'in parallel');
}

#-------------------------------------------------------------------------
# Folders in folders, templates
#-------------------------------------------------------------------------

my %tree;
for my $region (qw(eu us ap))
{
	for my $year (2020 .. 2025)
	{
		$tree{"tree/region=$region/year=$year/month=$_/data.csv"} = "$_\n" for 1 .. 12;
	}
}
s3_put_many('pruning', { %tree, 'tree/_SUCCESS' => 'x', 'tree/_temporary/region=eu/year=bad/x.csv' => 'x',
		'tree/region=eu/.x/year=2023/x' => 'x' });
psql(<<'END');
CREATE FOREIGN TABLE tree (n int, region text OPTIONS (partition 'region'),
	year int OPTIONS (partition 'year'), month int OPTIONS (partition 'month'))
	SERVER s3 OPTIONS (location 's3://pruning/tree/');
CREATE FOREIGN TABLE template (n int, r text, y int, m int)
	SERVER s3 OPTIONS (location 's3://pruning/tree/', path_template 'region={r}/year={y}/month={m}/');
END
for my $columns ([ 'tree', 'region', 'year', 'month' ], [ 'template', 'r', 'y', 'm' ])
{
	my ($table, $region, $year, $month) = @$columns;

	check("$table: all levels", "SELECT n, $region, $year, $month FROM $table WHERE $region = 'eu' AND $year = 2023 AND $month = 7",
		'7|eu|2023|7', 4, 1);
	check("$table: the first level", "SELECT count(*) FROM $table WHERE $region = 'us'", '72', 2, 72);
	check("$table: the last level", "SELECT count(*), sum($year) FROM $table WHERE $month = 12", '18|' . 3 * (2020 + 2025) * 3,
		1 + 3 + 18 + 18, 18);
	check("$table: two levels", "SELECT count(*) FROM $table WHERE $region <> 'ap' AND $year = 2020", '24', 1 + 2 + 2, 24);
	check("$table: a clause on two", "SELECT count(*) FROM $table WHERE $region || $year = 'eu2021'", '12', 1 + 3 + 1, 12);
	is(explained('Folders Pruned', "SELECT * FROM $table WHERE $region = 'us' AND $year > 2023"), 2 + 4,
		"$table: folders pruned");
}

# The location itself may tell.
psql(q{ALTER FOREIGN TABLE tree OPTIONS (SET location 's3://pruning/tree/region=eu/, s3://pruning/tree/region=us/year=2024/')});
check('locations left out', q{SELECT count(*), min(region) FROM tree WHERE region = 'us' AND month < 3}, '2|us', 1 + 2, 2);
check('both', 'SELECT count(*) FROM tree', '84', 2, 84);
psql(q{ALTER FOREIGN TABLE tree OPTIONS (SET location 's3://pruning/tree/*/year=202[45]/**/*.csv')});
check('a glob', q{SELECT count(*) FROM tree WHERE region = 'ap' AND year >= 2025}, '12', 1 + 1 + 1, 12);

#-------------------------------------------------------------------------
# Long listings
#-------------------------------------------------------------------------

# A server of one bucket with $count keys; GET of any gives its number.  With
# cycle 1 the listing comes back to an earlier token, with 2 to earlier keys.
sub key_of
{
	my ($number, $length) = @_;
	my $key = sprintf 'keys/group=%03d/%08d-', $number / 1000, $number;

	return $key . 'x' x ($length - length $key);
}

sub serve
{
	my ($socket, $count, $length, $cycle) = @_;

	local $/ = "\r\n";
	while (my $request = <$socket>)
	{
		my %header;
		while (my $line = <$socket>)
		{
			chomp $line;
			last if $line eq '';
			$header{ lc $1 } = $2 if $line =~ /^([^:]+):\s*(.*)$/;
		}
		my ($target) = $request =~ m{^\S+ (\S+)};
		my ($body, $status, $more) = ('', '200 OK', '');

		if ($target =~ /list-type=2/)
		{
			my $from = $target =~ /continuation-token=(\d+)/ ? $1 : 0;
			my $to = $from + 1000 < $count ? $from + 1000 : $count;
			my $next = $cycle == 1 && $to > 5000 ? 2000 : $to;

			$body = '<?xml version="1.0"?><ListBucketResult>';
			$body .= '<Contents><Key>' . key_of($cycle == 2 ? $_ % 3000 : $_, $length) . '</Key><Size>' . (1 + length $_)
			  . '</Size><ETag>"00000000000000000000000000000000"</ETag>'
			  . '<LastModified>2026-01-02T03:04:05.678Z</LastModified>'
			  . '<StorageClass>STANDARD</StorageClass></Contents>' for $from .. $to - 1;
			$body .= $to < $count
			  ? "<IsTruncated>true</IsTruncated><NextContinuationToken>$next</NextContinuationToken>"
			  : '<IsTruncated>false</IsTruncated>';
			$body .= '</ListBucketResult>';
		}
		else
		{
			my ($number) = $target =~ m{/0*(\d+)-x*};

			$body = "$number\n";
			$status = '206 Partial Content';
			$more = 'Content-Range: bytes 0-' . (length($body) - 1) . '/' . length($body) . "\r\n"
			  . "ETag: \"00000000000000000000000000000000\"\r\n";
		}
		print $socket "HTTP/1.1 $status\r\n${more}Content-Length: " . length($body) . "\r\n\r\n$body";
	}
}

# Start it; returns its endpoint and process.
sub start_server
{
	my ($count, $length, $cycle) = @_;
	my $listener = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die "socket: $!\n";
	my $pid = fork();

	die "fork: $!\n" if !defined $pid;
	if ($pid == 0)
	{
		local $SIG{CHLD} = 'IGNORE';
		my $parent = getppid();

		while (getppid() == $parent)
		{
			my $socket = $listener->accept() or next;
			next if fork();
			$socket->autoflush(1);
			serve($socket, $count, $length, $cycle);
			POSIX::_exit(0);
		}
		POSIX::_exit(0);
	}
	return ('http://127.0.0.1:' . $listener->sockport, $pid);
}

sub long_table
{
	my ($name, $count, $length, $cycle) = @_;
	my ($endpoint, $pid) = start_server($count, $length, $cycle || 0);

	psql(<<"END");
CREATE SERVER $name FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$endpoint');
CREATE USER MAPPING FOR CURRENT_USER SERVER $name OPTIONS (access_key_id 'a', secret_access_key 'b');
CREATE FOREIGN TABLE $name (id int, key text OPTIONS (metadata 'key'), g int OPTIONS (partition 'group'))
	SERVER $name OPTIONS (location 's3://bucket/keys/')
END
	return $pid;
}

# Run a statement in a process of its own: its output, and the memory it took.
sub measure
{
	my ($sql) = @_;
	my $idle = psql_start('SELECT 1');
	my $session = psql_start(undef, go_on => 1);

	psql_send($idle, 'SELECT 1');
	psql_send($session, 'SELECT 1');
	my $base = backend_rss($idle->{pid});
	my $tracker = track_rss($session->{pid});
	my ($out, $err) = psql_send($session, $sql, timeout => 120);
	my $used = peak_rss($tracker) - $base;

	psql_finish($_) for $idle, $session;
	is($err, '', 'no error');
	return ($out, $used);
}

my $many = 300000;
my @servers = (long_table('few', 20000, 200), long_table('many', $many, 200), long_table('wide', 6000, 1000),
	long_table('round', 1000000, 40, 1), long_table('again', 1000000, 40, 2));
SKIP:
{
	skip 'no /proc', 5 if !defined backend_rss($$);
	my ($few, $few_used) = measure('EXPLAIN (COSTS OFF) SELECT id FROM few');
	my ($out, $used) = measure('EXPLAIN (COSTS OFF) SELECT id FROM many');

	like($out, qr/S3 Objects: $many\n/, "$many keys are listed");
	diag(sprintf '%d keys: %.1f MB, 20000 keys: %.1f MB', $many, $used / 1048576, $few_used / 1048576);
	skip 'a sanitizer keeps freed memory', 2 if $ENV{S3_TEST_ASAN};
	cmp_ok($used, '<', 24 * 1048576, 'in less than 24 MB');
	cmp_ok($used, '<', $few_used + 8 * 1048576, 'hardly more than 20,000 keys need');
}
is(psql('SELECT id FROM many WHERE key LIKE ' . lit('%/00299999-%') . ' AND g = 299'), '299999', 'the last one of them');
is(explained('Objects Pruned', 'SELECT id FROM many WHERE g = 299'), 299000, 'the others are pruned');

# More than is kept in memory: each object is read once, in order.
my $expected = join '|', 6000, 6000 * 5999 / 2, 5, 't';
is( psql('SET max_parallel_workers_per_gather = 0;'
	. q{ SELECT count(*), sum(id), max(g), bool_and(split_part(key, '/', 3) LIKE lpad(id::text, 8, '0') || '-%') FROM wide}),
	$expected, 'a manifest in a temporary file');
is( psql('SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;'
	. ' SET parallel_leader_participation = on;'
	. q{ SELECT count(*), sum(id), max(g), bool_and(split_part(key, '/', 3) LIKE lpad(id::text, 8, '0') || '-%') FROM wide}),
	$expected, 'the same, shared by processes');
like(psql('SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;'
	. ' EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT count(*) FROM wide'), qr/Workers Launched: [1-9]/,
	'there were workers');
is(psql("BEGIN; DECLARE c CURSOR FOR SELECT id FROM wide; FETCH 2 FROM c; SAVEPOINT s; FETCH 1 FROM c;"
	. ' ROLLBACK TO s; MOVE 5000 FROM c; FETCH 1 FROM c; COMMIT'), "0\n1\n2\n5003", 'by a cursor, across a rollback');

# A store that goes round in circles
my (undef, $error) = psql_err('SELECT count(*) FROM round');
like($error, qr/^ERROR:  .*could not list "s3:\/\/bucket\/keys\/": the service gave the same continuation token twice/m,
	'a listing without end');
(undef, $error) = psql_err('SELECT count(*) FROM again');
like($error, qr/^ERROR:  .*could not list "s3:\/\/bucket\/keys\/": the service listed the same key twice/m,
	'one with ever new tokens');

kill 'TERM', @servers;
waitpid $_, 0 for @servers;
s3_drop_bucket('pruning');
done_testing();
