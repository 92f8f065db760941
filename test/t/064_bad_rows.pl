#-------------------------------------------------------------------------
#
# 064_bad_rows.pl
#		Rows, values and objects that are bad: left out, counted, recorded, and
#		too many of them.
#
# IDENTIFICATION
#		test/t/064_bad_rows.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use IO::Compress::Gzip ();
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'bad-rows';
s3_make_bucket($bucket);
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}');
CREATE USER MAPPING FOR PUBLIC SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
END

sub gzip
{
	my ($text) = @_;

	IO::Compress::Gzip::gzip(\$text, \my $out) or die "gzip failed\n";
	return $out;
}

# Twelve objects of 500 rows each, of which 1 + 11 * 2 = 23 lines are bad: in
# the first object one has a word for a number; in the others one too, and one
# has a field too many.
my (%plain, %gzip);
for my $n (0 .. 11)
{
	my $text = "id,price,name\n";

	for my $i (1 .. 500)
	{
		my $id = $n * 1000 + $i;

		$text .= $i == 100 ? "$id,cheap,bad value\n" :
		  $n > 0 && $i == 200 ? "$id,1.5,bad line,extra\n" : "$id,$i.25,row $i\n";
	}
	$plain{ sprintf 'plain/%02d.csv', $n } = $text;
	$gzip{ sprintf 'gzip/%02d.csv.gz', $n } = gzip($text);
}
for my $n (0 .. 3)
{
	my $text = "id,price,name\n" . join '', map { $_ == 50 ? "x,1,bad\n" : "$_,1,row\n" } 1 .. 100;

	$plain{"few-plain/$n.csv"} = $text;
	$gzip{"few-gzip/$n.csv.gz"} = gzip($text);
}
s3_put_many($bucket, { %plain, %gzip });

my $serial = 'SET max_parallel_workers_per_gather = 0;';
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;'
  . 'SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;';

sub table
{
	my ($name, $folder, $options) = @_;

	psql("DROP FOREIGN TABLE IF EXISTS $name; CREATE FOREIGN TABLE $name "
		  . "(id int, price numeric, name varchar(20)) SERVER s3 OPTIONS "
		  . "(location 's3://$bucket/$folder/', header 'true'" . ($options ? ", $options" : '') . ')');
}

sub rejected
{
	return psql("SELECT count(*) FROM s3_rejected$_[0]");
}

#-------------------------------------------------------------------------
# Thresholds
#-------------------------------------------------------------------------

for my $folder ('plain', 'gzip')
{
	for my $mode ([ serial => $serial ], [ parallel => $parallel ])
	{
		my ($kind, $set) = @$mode;

		for my $on_error ('skip', 'null')
		{
			my $rows = $on_error eq 'skip' ? 6000 - 23 : 6000 - 11;

			for my $max (22, 23, 24)
			{
				my $what = "$folder, $kind, $on_error, max_errors $max";

				table('t', $folder, "on_error '$on_error', max_errors '$max'");
				psql('SELECT s3_clear_rejected()');
				my ($out, $err, $rc) = psql_err("$set SELECT count(*), count(id) FROM t");
				if ($max == 22)
				{
					isnt($rc, 0, "$what: fails");
					like($err, qr/ERROR:  22P04: more than 22 errors in the data of foreign table "t"/,
						"$what: says so");
					like($err, qr/DETAIL:  The first one: object "s3:\S+csv(\.gz)?", line \d+/,
						"$what: the first one");
					ok(wait_until(sub { rejected('') >= 23 }, 10), "$what: all are in the store")
					  or diag(rejected(''));
				}
				else
				{
					is("$rc $out", "0 $rows|$rows", "$what: the rows") or diag($err);
					my $skipped = $on_error eq 'skip' ? 23 : 11;
					my $nulled = 23 - $skipped;
					like($err, qr/NOTICE:.*foreign table "t": $skipped rows rejected/, "$what: notice");
					like($err, qr/, 12 values set to NULL/, "$what: notice of values") if $nulled;
					like($err, qr/HINT:  See them with SELECT \* FROM s3_rejected WHERE scan = \d+\./,
						"$what: hint");
					is(rejected(''), 23, "$what: recorded once the statement is done");
				}
			}
		}
		table('t', $folder, "on_error 'skip'");
		is(psql("$set SELECT count(*) = (SELECT count(*) FROM (SELECT * FROM t) s) FROM t"), 't',
			"$folder, $kind: count(*) and SELECT * agree");
		like(psql("$set EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM t"),
			qr/S3 Rejected Rows: 23/, "$folder, $kind: EXPLAIN ANALYZE");

		# 4 of 400
		for my $ratio ('0.0099', '0.01', '0.011')
		{
			table('t', "few-$folder", "on_error 'skip', max_error_ratio '$ratio'");
			my (undef, $err, $rc) = psql_err("$set SELECT count(*) FROM t");
			is($rc == 0 ? 'ok' : $err =~ /(more than \S+ % of the rows of foreign table "t" are bad: \d+ of \d+)/ ? $1 : $err,
				$ratio eq '0.0099' ? 'more than 0.99 % of the rows of foreign table "t" are bad: 4 of 400' : 'ok',
				"$folder, $kind: ratio $ratio");
		}
	}
}
# The ratio is looked at while the scan goes on.
table('t', 'plain', "on_error 'skip', max_error_ratio '0.001'");
{
	my (undef, $err, $rc) = psql_err("$serial SELECT count(*) FROM t");
	like($err, qr/are bad: \d of 1\d\d\d\b/, 'the ratio ends a scan early') or diag($err);
}

#-------------------------------------------------------------------------
# What is recorded
#-------------------------------------------------------------------------

table('t', 'plain', "on_error 'skip'");
psql('SELECT s3_clear_rejected()');
psql("BEGIN; $serial SELECT count(*) FROM t; ROLLBACK");
is(rejected(''), 23, 'rows are there after ROLLBACK');
is( psql("SELECT object, line, column_name, column_type, raw_line, raw_value, action, sqlstate, message "
		  . 'FROM s3_rejected ORDER BY id LIMIT 2 OFFSET 1'),
	"s3://$bucket/plain/01.csv|101|price|numeric|1100,cheap,bad value|cheap|row skipped|22P02|"
	  . qq(invalid input syntax for type numeric: "cheap"\n)
	  . "s3://$bucket/plain/01.csv|201|||1200,1.5,bad line,extra||row skipped|22P04|"
	  . 'extra data after last expected column',
	'what is recorded');
is( psql('SELECT DISTINCT substr(raw_line, 1, 4) FROM s3_rejected ORDER BY 1 LIMIT 1'),
	'100,', 'the first object, too');
{
	my ($object, $offset, $line) = split /\|/,
	  psql('SELECT object, byte_offset, raw_line FROM s3_rejected ORDER BY id DESC LIMIT 1');
	my ($key) = $object =~ m{s3://[^/]+/(.*)};
	is(substr($plain{$key}, $offset, length $line), $line, 'the byte offset');
}

# A statement that fails later on, in the same transaction as others.
psql('SELECT s3_clear_rejected()');
psql_err("$serial SELECT 1 / (count(*) - count(*)) FROM t");
ok(wait_until(sub { rejected('') == 23 }, 10), 'rows are there after an error');

# Reading the same again, as a nested loop may, records nothing twice.
psql('SELECT s3_clear_rejected()');
is( psql("$serial SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
		  . 'SELECT count(*) FROM (VALUES (1), (2), (3)) v (x) LEFT JOIN t ON t.id > v.x'),
	3 * 5977 - 6,
	'a nested loop');
is(rejected(''), 23, 'a nested loop records rows once');

# LIMIT and cursors: what has been read is recorded.
psql('SELECT s3_clear_rejected()');
psql("$serial SELECT * FROM t LIMIT 600");
is(rejected(''), 2, 'LIMIT');
is(psql("$parallel SELECT count(*) FROM (SELECT id FROM t LIMIT 700) s", timeout => 60), 700, 'LIMIT, parallel');
psql('SELECT s3_clear_rejected()');
is(psql("$parallel SELECT sum(rows) FROM s3_export('SELECT * FROM t', 's3://$bucket/export/')", timeout => 60),
	5977, 'an export of it');
is(rejected(''), 23, 'an export records rows once');
psql('SELECT s3_clear_rejected()');
is( psql("$parallel SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off;"
		  . 'SELECT sum(n) FROM (VALUES (1), (2), (3)) v (x), LATERAL (SELECT count(*) + x - x AS n FROM t) s', timeout => 60),
	3 * 5977, 'rescans, parallel or not');
is(rejected(''), 23, 'rescans record rows once');
psql('SELECT s3_clear_rejected()');
psql("BEGIN; DECLARE c CURSOR FOR SELECT * FROM t; FETCH 300 FROM c; CLOSE c; ROLLBACK");
is(rejected(''), 1, 'a cursor');
psql('SELECT s3_clear_rejected()');
psql("BEGIN; DECLARE c CURSOR FOR SELECT * FROM t; FETCH 300 FROM c; ROLLBACK");
ok(wait_until(sub { rejected('') == 1 }, 10), 'a cursor that ROLLBACK closes');

# NULL instead of values, domains that do not allow it, types that need more.
s3_put($bucket, 'types/a.csv', "1,5,a,{1}\nx,6,b,{2}\n3,-1,c,{3}\n4,oops,d,{4}\n5,7,e,{x}\n6,,f,{6}\n7,8,g,\"(1,2)\"\n");
psql(<<"END");
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN given AS int NOT NULL CHECK (value > 0);
CREATE FOREIGN TABLE types_null (a int, b positive, c text, d int[]) SERVER s3
	OPTIONS (location 's3://$bucket/types/', on_error 'null');
CREATE FOREIGN TABLE types_given (a int, b given, c text, d int[]) SERVER s3
	OPTIONS (location 's3://$bucket/types/', on_error 'null');
CREATE FOREIGN TABLE types_skip (a int, b positive, c text, d int[]) SERVER s3
	OPTIONS (location 's3://$bucket/types/', on_error 'skip');
END
is(psql("SELECT string_agg(concat_ws(',', a, b, c, d), ';') FROM types_null"),
	'1,5,a,{1};6,b,{2};3,c,{3};4,d,{4};5,7,e;6,f,{6};7,8,g', 'NULL for values');
is(psql("SELECT string_agg(concat_ws(',', a, b, c, d), ';') FROM types_given"),
	'1,5,a,{1};6,b,{2};5,7,e;7,8,g', 'rows are left out where NULL may not be');
is(psql("SELECT string_agg(concat_ws(',', a, b, c, d), ';') FROM types_skip"),
	'1,5,a,{1};6,f,{6}', 'rows left out');
like(psql("$parallel EXPLAIN (COSTS OFF) SELECT count(*) FROM types_skip"), qr/^(?!.*Gather)/s,
	'no parallel scan where a subtransaction may be needed');
is(psql("SELECT count(*) FROM types_skip WHERE c > ''"), 2, 'whatever columns are read');

# validate 'all'
table('t', 'plain', "on_error 'stop', extra_fields 'ignore'");
is(psql("$serial SELECT count(id) FROM t"), 6000, 'columns that are not read are not looked at');
table('t', 'plain', "on_error 'stop', extra_fields 'ignore', validate 'all'");
like((psql_err("$serial SELECT count(id) FROM t"))[1], qr/22P02: invalid input syntax/, 'unless asked for');

# JSON
s3_put($bucket, 'json/a.json', qq({"id": 1, "price": 2}\n{"id": 2, "price": "x"}\n{"id": 3, price: 4}\n)
	  . qq({"id": 4, "price": 5}\n[1]\n{"id": 5, "price": 6, "name": "\\ud800"}\n{"id": 6}\n));
psql("CREATE FOREIGN TABLE j (id int, price numeric, name text) SERVER s3 OPTIONS "
	  . "(location 's3://$bucket/json/', format 'json', on_error 'skip')");
psql('SELECT s3_clear_rejected()');
my $ids = psql('SELECT string_agg(id::text, \',\') FROM j');
is($ids, '1,4,6', 'JSON: good records');
is(psql("SELECT string_agg(line || ':' || raw_line, ';' ORDER BY id) FROM s3_rejected"),
	qq(2:{"id": 2, "price": "x"};3:{"id": 3, price: 4};5:1;6:{"id": 5, "price": 6, "name": "\\ud800"}),
	'JSON: bad records');

#-------------------------------------------------------------------------
# Objects
#-------------------------------------------------------------------------

my %objects;
for my $n (0 .. 9)
{
	my $text = join '', map { $n * 10000 + $_ . ",$_,row\n" } 1 .. 2000;
	my $bytes = gzip($text);

	substr($bytes, length($bytes) - 500, 20) = "\0" x 20 if $n == 3;
	$bytes = substr($bytes, 0, length($bytes) / 2) if $n == 5;
	$objects{"objects/$n.csv.gz"} = $n == 7 ? gzip("1,2,ok\n2,3,\"open\n4,5,ok\n") : $bytes;
}
s3_put_many($bucket, \%objects);
for my $mode ([ serial => $serial ], [ parallel => $parallel ])
{
	my ($kind, $set) = @$mode;

	for my $max (2, 3, 4)
	{
		psql("DROP FOREIGN TABLE IF EXISTS o; CREATE FOREIGN TABLE o (id int, n int, name text) SERVER s3 "
			  . "OPTIONS (location 's3://$bucket/objects/', on_bad_object 'skip', max_errors '$max')");
		psql('SELECT s3_clear_rejected()');
		my ($out, $err, $rc) = psql_err("$set SELECT count(DISTINCT id / 10000), count(*) FROM o WHERE n <= 2 AND id / 10000 NOT IN (3, 5)");
		if ($max == 2)
		{
			like($err, qr/more than 2 errors/, "objects, $kind: $max");
			ok(wait_until(sub { rejected('') >= 3 }, 10), "objects, $kind: all are in the store");
		}
		else
		{
			is("$rc $out", '0 7|15', "objects, $kind: $max") or diag($err);
			like($err, qr/3 objects not read to their end/, "objects, $kind: notice");
			is(psql("SELECT string_agg(right(object, 8), ',' ORDER BY object) FROM s3_rejected"),
				'3.csv.gz,5.csv.gz,7.csv.gz', "objects, $kind: recorded");
		}
	}
}
psql("ALTER FOREIGN TABLE o OPTIONS (SET on_bad_object 'stop', ADD on_error 'skip')");
like((psql_err("$serial SELECT count(*) FROM o"))[1], qr/ERROR:  22P04/, 'a row that is skipped does not skip objects');

# Objects that are not there, are archived, or change.
for my $fault ([ 'Deleted', 404, 'NoSuchKey' ], [ 'Archived', 403, 'InvalidObjectState' ], [ 'Changed', 412, 'PreconditionFailed' ])
{
	my ($name, $status, $code) = @$fault;

	table('f', 'plain', "on_bad_object 'skip', on_error 'skip'");
	psql('SELECT count(*) FROM f');
	fault_reset();
	fault(method => 'GET', match => '/plain/04', status => $status, code => $code, message => 'injected', count => -1);
	psql('SELECT s3_clear_rejected()');
	my ($out, $err) = psql_err("$serial SELECT count(*) FROM f");
	is($out, 5977 - 498, "$name: the others are read") or diag($err);
	like(psql("SELECT object, action FROM s3_rejected WHERE raw_line IS NULL"),
		qr{/plain/04\.csv\|rest of object skipped$}, "$name: it is recorded");
	fault_reset();
}

#-------------------------------------------------------------------------
# Who may see what
#-------------------------------------------------------------------------

psql(<<"END");
CREATE ROLE s3_reject_a LOGIN;
CREATE ROLE s3_reject_b LOGIN;
END
table('t', 'plain', "on_error 'skip'");
psql("GRANT SELECT ON t TO s3_reject_a; GRANT SELECT (id) ON t TO s3_reject_b; SELECT s3_clear_rejected()");
psql("$serial SELECT count(*) FROM t", user => 's3_reject_a');
is(psql('SELECT count(*) FROM s3_rejected', user => 's3_reject_a'), 23, 'who ran it sees the rows');
is(psql('SELECT count(*) FROM s3_rejected', user => 's3_reject_b'), 0, 'others do not');
is(rejected(''), 0, 'a superuser has the table for that');
psql("$serial SELECT count(id) FROM t", user => 's3_reject_b');
is(psql('SELECT count(*) FROM s3_rejected', user => 's3_reject_b'), 0,
	'who may not read all columns does not see raw lines');
is(rejected(''), 23, 'but the owner of the table does');
like((psql_err('SELECT * FROM s3_rejected_rows', user => 's3_reject_a'))[1],
	qr/permission denied/, 'the table is closed');
like((psql_err("INSERT INTO s3_rejected (scan) VALUES (1)", user => 's3_reject_a'))[1],
	qr/permission denied/, 'nothing can be forged');
is(psql("SELECT s3_clear_rejected('1 day')", user => 's3_reject_a'), 0, 'clear: what is old');
is(psql("SELECT s3_clear_rejected()", user => 's3_reject_a'), 23, 'clear: all of the user');
is(rejected(''), 23, 'clear: not those of others');

#-------------------------------------------------------------------------
# A store that cannot be written
#-------------------------------------------------------------------------

psql('ALTER DATABASE :"DBNAME" SET default_transaction_read_only = on');
{
	my (undef, $err, $rc) = psql_err("SET default_transaction_read_only = off; $serial SELECT count(*) FROM t");
	like($err, qr/could not record rejected rows.*read-only transaction/s, 'a read-only database');
}
psql('SET default_transaction_read_only = off; ALTER DATABASE :"DBNAME" RESET default_transaction_read_only');
psql('ALTER TABLE s3_rejected_rows ADD CONSTRAINT full_up CHECK (false) NOT VALID');
for my $mode ([ serial => $serial ], [ parallel => $parallel ])
{
	my ($out, $err, $rc) = psql_err("$mode->[1] SELECT count(*) FROM t");
	like($err, qr/could not record rejected rows.*full_up/s, "a store that is full: $mode->[0]");
}
psql('ALTER TABLE s3_rejected_rows DROP CONSTRAINT full_up');
{
	# No place is left for another worker.
	my $max = psql('SHOW max_worker_processes');
	my $locks = psql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 's3_fdw rejected rows'");
	my @holders;
	my ($err, $rc);

	for my $n (1 .. $max)
	{
		my $holder = psql_start(undef, go_on => 1);

		psql_send($holder, 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM t; MOVE 300 FROM c');
		push @holders, $holder;
	}
	(undef, $err, $rc) = psql_err("$serial SELECT count(*) FROM t");
	like($err, qr/53000: could not record rejected rows.*max_worker_processes/s, 'no worker to be had');
	psql_finish($_) for @holders;
	ok(wait_until(sub {
			psql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 's3_fdw rejected rows'") == 0
		}, 10), 'workers end with their sessions');
}
{
	# A worker that is killed.
	my $session = psql_start(undef, go_on => 1);
	psql_send($session, 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM t; MOVE 300 FROM c');
	psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 's3_fdw rejected rows'");
	wait_until(sub {
			psql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 's3_fdw rejected rows'") == 0
		}, 10);
	my (undef, $err) = psql_send($session, 'MOVE ALL FROM c');
	like($err, qr/could not record rejected rows/, 'a worker that was terminated');
	psql_finish($session);
}
{
	# The table is locked by the transaction that reads.
	my (undef, $err) = psql_err("BEGIN; LOCK s3_rejected_rows; $serial SELECT count(*) FROM t");
	like($err, qr/could not record rejected rows.*lock timeout/s, 'a store locked by ourselves');
}
psql('DROP OWNED BY s3_reject_a, s3_reject_b; DROP ROLE s3_reject_a, s3_reject_b');
# ANALYZE leaves out what a scan leaves out, and records nothing.
s3_put($bucket, 'analyze.csv', join('', map { $_ % 10 ? "$_,x\n" : $_ % 20 ? "$_,x,y\n" : "no,x\n" } 1 .. 1000));
psql(<<SQL);
CREATE FOREIGN TABLE analyzed (n int, t text) SERVER s3
	OPTIONS (location 's3://$bucket/analyze.csv', on_error 'skip');
ANALYZE analyzed;
SQL
is(psql("SELECT reltuples FROM pg_class WHERE relname = 'analyzed'"), 900, 'ANALYZE passes over bad rows');
is(psql("SELECT count(*) FROM s3_rejected WHERE object LIKE '%analyze.csv'"), 0, 'and records none');
psql("ALTER FOREIGN TABLE analyzed OPTIONS (SET on_error 'stop')");
like((psql_err('ANALYZE analyzed'))[1], qr/^ERROR:  22/, 'ANALYZE stops at a bad row where scans do');

done_testing();
