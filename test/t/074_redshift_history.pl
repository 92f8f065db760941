#-------------------------------------------------------------------------
#
# 074_redshift_history.pl
#		Journals and the views made of them: rows that stay whatever becomes of
#		the statement, and who sees them.
#
# The rows are put in through the unit test module; statements that write them
# have tests of their own.
#
# IDENTIFICATION
#		test/t/074_redshift_history.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $unit = unit_lib();
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE FUNCTION unit_journal(int[], text[], oid, int, text) RETURNS bigint AS '$unit' LANGUAGE C STRICT;
CREATE FUNCTION unit_session(text, bigint, bigint) RETURNS void AS '$unit' LANGUAGE C STRICT;
CREATE FUNCTION last_copy_id() RETURNS int AS '$unit', 'redshift_last_copy_id' LANGUAGE C;
CREATE FUNCTION last_copy_count() RETURNS bigint AS '$unit', 'redshift_last_copy_count' LANGUAGE C;
CREATE FUNCTION last_unload_id() RETURNS int AS '$unit', 'redshift_last_unload_id' LANGUAGE C;
CREATE FUNCTION last_unload_count() RETURNS bigint AS '$unit', 'redshift_last_unload_count' LANGUAGE C;
CREATE FUNCTION last_query_id() RETURNS int AS '$unit', 'redshift_last_query_id' LANGUAGE C;
CREATE TABLE target (a varchar(20), b int);
CREATE ROLE s3_history_a LOGIN;
CREATE ROLE s3_history_b LOGIN;
GRANT SELECT ON target TO s3_history_a;
END

my ($LOADS, $LOAD_FILES, $REPLACEMENTS, $UNLOADS, $UNLOAD_FILES) = (0 .. 4);
my $target = psql("SELECT 'target'::regclass::oid");
my $begin = qq({"status": "running", "table_id": $target, "table_name": "target", "data_source": "s3://bucket/x", "file_format": "csv"});
my $end = '{"status": "completed", "loaded_rows": 7, "loaded_bytes": 70, "source_file_count": 2, "error_count": 2}';
my $file = '{"file_name": "s3://bucket/x1", "file_etag": "abc", "bytes": 35, "lines_scanned": 4, "errors": 1, "status": 1, "file_format": "csv"}';

# SQL that writes a journal.
sub journal
{
	my ($rows, $rejected, $ending) = @_;

	return sprintf "SELECT unit_journal(ARRAY[%s]::int[], ARRAY[%s]::text[], %s, %d, '%s')",
	  join(',', map { $_->[0] } @$rows), join(',', map { lit($_->[1]) } @$rows), $target, $rejected, $ending;
}

sub workers
{
	return psql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 's3_fdw rejected rows'");
}

#-------------------------------------------------------------------------
# Rows that stay
#-------------------------------------------------------------------------

my @whole = ([ $LOADS, $begin ], [ $LOAD_FILES, $file ], [ $LOADS, $end ]);
my $id = psql(journal(\@whole, 3, 'close'));
is( psql("SELECT status, table_name, loaded_rows, source_file_count, error_count, duration >= 0, data_source "
		  . "FROM redshift.sys_load_history WHERE query_id = $id"),
	'completed|target|7|2|2|t|s3://bucket/x', 'the second row of a load adds to the first');
is(psql("SELECT count(*), min(query_id) = max(query_id) FROM redshift.journal_loads"), '1|t', 'and is no row of its own');
is(psql("SELECT end_time IS NOT NULL, end_time >= start_time FROM redshift.sys_load_history WHERE query_id = $id"), 't|t', 'and ends it');
is( psql("SELECT rtrim(filename), byte_offset, lines_scanned, errors, status FROM redshift.stl_load_commits WHERE query = $id"),
	's3://bucket/x1|35|4|1|1', 'files');
is( psql("SELECT line_number, rtrim(colname), rtrim(type), rtrim(col_length), position, rtrim(raw_line), rtrim(raw_field_value), "
		  . "err_code, rtrim(err_reason) FROM redshift.stl_load_errors WHERE query = $id ORDER BY line_number LIMIT 1"),
	q(1|b|int4|0|0|1,oops,1|oops|1207|Invalid digit, Value 'o', Pos 0, Type: Integer), 'errors');
is( psql("SELECT line_number, field, rtrim(colname), rtrim(type), rtrim(col_length), rtrim(value), is_null "
		  . "FROM redshift.stl_loaderror_detail WHERE query = $id AND line_number = 2 ORDER BY field"),
	"2|0|a|varchar|20|2|0\n2|1|b|int4|0|oops|0", 'fields of the bad row');
is(psql("SELECT count(*) FROM s3_rejected WHERE scan = $id AND fault = 'value'"), 3, 's3_rejected has the rows, too');
is(workers(), 0, 'the worker has ended when the journal is closed');

$id = psql('BEGIN; ' . journal(\@whole, 3, 'close') . '; ROLLBACK');
is(psql("SELECT count(*) FROM redshift.stl_load_commits WHERE query = $id"), 1, 'rows are there after ROLLBACK');
is(psql("SELECT count(*) FROM redshift.stl_load_errors WHERE query = $id"), 3, 'rejected rows are');

for my $how ([ 'an error', '' ], [ 'an error in a subtransaction', 'sub' ], ['an error in an exception block', 'block'])
{
	my ($name, $kind) = @$how;
	my $sql = journal([ $whole[0], $whole[1] ], 3, 'error');
	my $body = $sql =~ s/^SELECT/PERFORM/r;
	my $session = psql_start(undef, go_on => 1);
	my ($out, $err) = psql_send($session,
		$kind eq 'sub' ? "BEGIN; SAVEPOINT s; $sql; ROLLBACK TO s;" :
		$kind eq 'block' ? "DO \$do\$ DECLARE d text; BEGIN $body; EXCEPTION WHEN bad_copy_file_format THEN "
		  . "GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL; RAISE NOTICE 'DETAIL:  %', d; END \$do\$" : $sql);

	like($err, qr/DETAIL:  \d+/, "$name: it is one") or diag($err);
	($id) = $err =~ /DETAIL:  (\d+)/;
	ok(wait_until(sub { psql("SELECT status FROM redshift.sys_load_history WHERE query_id = $id") eq 'aborted' }, 10),
		"$name: the load was aborted");
	is(psql("SELECT error_count, end_time IS NOT NULL FROM redshift.sys_load_history WHERE query_id = $id"), '3|t', "$name: with its errors");
	is(psql("SELECT count(*) FROM redshift.stl_load_errors WHERE query = $id"), 3, "$name: rejected rows are there");
	# A journal that is gone is used by nobody.
	($out, $err) = psql_send($session, 'ROLLBACK;' . journal(\@whole, 1, 'close'));
	is(psql("SELECT status FROM redshift.sys_load_history WHERE query_id = $out"), 'completed', "$name: and the session goes on");
	psql_finish($session);
}
is(psql(journal([ [ $UNLOADS, '{"status": "running"}' ] ], 0, 'nested')) > 0, 1, 'a journal in a journal');
is(psql("SELECT count(*) FROM redshift.sys_unload_history WHERE status = 'aborted'"), 1, 'an UNLOAD that has not ended is aborted');

# Long texts, and those that are JSON's own.
{
	my $long = 'x' x 5000 . "\\\"";
	my $name = "s3://bucket/\x{20ac}\\\\\\\"\\n" . "\x{20ac}" x 3000;

	$id = psql(journal([ [ $LOAD_FILES, qq({"file_name": "$name", "file_format": "$long"}) ] ], 0, 'close'));
	is(psql("SELECT octet_length(file_name) BETWEEN 2045 AND 2048, length(file_format), left(file_name, 15) FROM redshift.journal_load_files WHERE query_id = $id"),
		"t|2048|s3://bucket/\xe2\x82\xac\\\"", 'long strings are cut, between characters');
	is(psql("SELECT length(filename), length(file_format) <= 16 FROM redshift.stl_load_commits WHERE query = $id"), '256|t', 'and once more in views');
}

# More than the ring holds.
$id = psql(journal([ $whole[0], $whole[2] ], 5000, 'close'));
is(psql("SELECT count(*), max(line_number) FROM redshift.stl_load_errors WHERE query = $id"), '5000|5000', 'many rows');
is(psql("SELECT count(DISTINCT line_number) FROM redshift.stl_loaderror_detail WHERE query = $id"), 20, 'details of 20 of them');

# Rejected rows of another relation than the target are no load errors.
{
	my ($out, $err) = psql_err("SELECT unit_journal(ARRAY[$LOADS], ARRAY[" . lit($begin) . "], 'pg_class'::regclass, 2, 'close')");
	like($err, qr/the store has a number of its own/, 'a scan within the load has a store of its own');
	is(psql("SELECT count(*) FROM redshift.stl_load_errors WHERE query >= $out"), 0, 'and no part in the load');
}

#-------------------------------------------------------------------------
# The other views
#-------------------------------------------------------------------------

$id = psql(journal([
			[ $UNLOADS, '{"status": "running", "unloaded_location": "s3://bucket/u_", "file_format": "text", "compression_type": "gzip"}' ],
			[ $UNLOAD_FILES, '{"slice": 3, "file_name": "s3://bucket/u_0003_part_00", "line_count": 5, "transfer_size": 50, "file_format": "text"}' ],
			[ $UNLOADS, '{"status": "completed", "unloaded_rows": 5, "unloaded_files_count": 1, "unloaded_files_size": 50}' ]
		], 0, 'close'));
is( psql("SELECT slice, rtrim(path), line_count, transfer_size, rtrim(file_format), pid > 0, end_time >= start_time FROM redshift.stl_unload_log WHERE query = $id"),
	'3|s3://bucket/u_0003_part_00|5|50|text|t|t', 'stl_unload_log');
is( psql("SELECT rtrim(file_name), line_count FROM redshift.sys_unload_detail WHERE query_id = $id"),
	's3://bucket/u_0003_part_00|5', 'sys_unload_detail');
is( psql("SELECT status, unloaded_location, compression_type, unloaded_rows, unloaded_files_count, unloaded_files_size, error_message FROM redshift.sys_unload_history WHERE query_id = $id"),
	'completed|s3://bucket/u_|gzip|5|1|50|', 'sys_unload_history');
$id = psql(journal([ [ $REPLACEMENTS, qq({"table_id": $target, "file_name": "s3://bucket/r", "line_number": 9, "column_name": "a", "raw_line": "?x"}) ] ], 0, 'close'));
is( psql("SELECT tbl = $target, rtrim(filename), line_number, rtrim(colname), rtrim(raw_line) FROM redshift.stl_replacements WHERE query = $id"),
	't|s3://bucket/r|9|a|?x', 'stl_replacements');
is( psql("SELECT rtrim(file_name), bytes_scanned, lines_scanned, rtrim(file_etag) FROM redshift.sys_load_detail WHERE file_name = 's3://bucket/x1' LIMIT 1"),
	's3://bucket/x1|35|4|abc', 'sys_load_detail');

# The columns, as code written for Redshift names them.
my %columns = (
	stl_load_errors => 'userid:integer slice:integer tbl:integer starttime:timestamp session:integer query:integer '
	  . 'filename:character(256) line_number:bigint colname:character(127) type:character(10) col_length:character(10) '
	  . 'position:integer raw_line:character(1024) raw_field_value:character(1024) err_code:integer '
	  . 'err_reason:character(100) is_partial:integer start_offset:bigint copy_job_id:bigint',
	stl_load_commits => 'userid:integer query:integer slice:integer name:character(256) filename:character(256) '
	  . 'byte_offset:integer lines_scanned:integer errors:integer curtime:timestamp status:integer '
	  . 'file_format:character(16) is_partial:integer start_offset:bigint copy_job_id:bigint',
	stl_unload_log => 'userid:integer query:integer slice:integer pid:integer path:character(1280) start_time:timestamp '
	  . 'end_time:timestamp line_count:bigint transfer_size:bigint file_format:character(10)',
	stl_replacements => 'userid:integer query:integer slice:integer tbl:integer starttime:timestamp session:integer '
	  . 'filename:character(256) line_number:bigint colname:character(127) raw_line:character(1024)');
for my $view (sort keys %columns)
{
	is( psql("SELECT string_agg(attname || ':' || replace(format_type(atttypid, atttypmod), ' without time zone', ''), ' ' ORDER BY attnum) "
			  . "FROM pg_attribute WHERE attrelid = 'redshift.$view'::regclass"),
		$columns{$view}, "columns of $view");
}

#-------------------------------------------------------------------------
# Who sees what
#-------------------------------------------------------------------------

my @views = qw(stl_load_errors stl_loaderror_detail stl_load_commits stl_replacements stl_unload_log
  sys_load_history sys_load_error_detail sys_load_detail sys_unload_history sys_unload_detail
  load_ledger sys_copy_job sys_copy_job_detail);
my $as_a = psql(journal(\@whole, 2, 'close'), user => 's3_history_a');
for my $view (@views)
{
	my $all = psql("SELECT count(*) FROM redshift.$view");
	my $a = psql("SELECT count(*) FROM redshift.$view", user => 's3_history_a');
	my $b = psql("SELECT count(*) FROM redshift.$view", user => 's3_history_b');
	my $expected = { stl_load_errors => 2, sys_load_error_detail => 2, stl_loaderror_detail => 4,
		stl_load_commits => 1, sys_load_detail => 1, sys_load_history => 1 }->{$view} || 0;

	is("$a $b", "$expected 0", "$view: own rows only");
	ok($all >= $a && ($all > 0 || $view =~ /ledger|job/), "$view: superusers see all");
	like((psql_err("INSERT INTO redshift.$view SELECT * FROM redshift.$view", user => 's3_history_a'))[1],
		qr/permission denied|cannot insert/, "$view: nothing can be forged");
}
my @tables = split /\n/, psql("SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'redshift'::regnamespace AND relkind = 'r' ORDER BY 1");
is(scalar @tables, 7, 'the tables');
for my $table (@tables, 'redshift.journal_errors')
{
	like((psql_err("SELECT * FROM $table", user => 's3_history_a'))[1], qr/permission denied/, "$table is closed");
}
# A function in a query must not see rows that the view hides.
psql("CREATE FUNCTION leak(text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS \$\$ BEGIN RAISE NOTICE 'leak %', \$1; RETURN true; END \$\$");
unlike((psql_err("SELECT count(*) FROM redshift.sys_load_history WHERE leak(data_source)", user => 's3_history_b'))[1],
	qr/leak/, 'views are barriers');
is(psql("SELECT count(*) FROM pg_class WHERE relnamespace = 'redshift'::regnamespace AND relkind IN ('r', 'v') AND obj_description(oid) IS NULL"),
	0, 'all have comments');

is(psql("SELECT redshift.clear_history('1 day')", user => 's3_history_a'), 0, 'clear_history: what is old');
is(psql('SELECT redshift.clear_history()', user => 's3_history_b'), 0, 'clear_history: not that of others');
is(psql('SELECT redshift.clear_history()', user => 's3_history_a'), 1, 'clear_history: own statements');
is(psql("SELECT count(*) FROM redshift.stl_load_commits WHERE query = $as_a") . psql("SELECT count(*) FROM s3_rejected_rows WHERE scan = $as_a"),
	'00', 'with all that belongs to them');
ok(psql('SELECT count(*) FROM redshift.sys_load_history') > 3, 'those of others stay');

#-------------------------------------------------------------------------
# Workers that are not to be had, or go
#-------------------------------------------------------------------------

{
	my @holders;
	my $max = psql('SHOW max_worker_processes');

	for my $n (1 .. $max)
	{
		my $holder = psql_start(undef, go_on => 1);
		psql("SELECT 1");
		print { $holder->{stdin} } journal([ $whole[0] ], 0, 'wait') . ";\n";
		push @holders, $holder;
	}
	ok(wait_until(sub { workers() >= $max - 1 }, 20), 'all places for workers are taken') or diag(workers());
	my ($out, $err, $rc) = psql_err(journal(\@whole, 0, 'close'));
	is("$rc $out", '0 0', 'without a worker the statement runs');
	like($err, qr/WARNING:  53000: could not record the history of this statement.*max_worker_processes/s, 'with a warning');
	psql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT unit_journal%'");
	psql_finish($_) for @holders;
	ok(wait_until(sub { workers() == 0 }, 20), 'workers end with what they work for');
	is(psql("SELECT count(*) FROM redshift.journal_loads WHERE status = 'running'"), 0, 'nothing runs any more');
}
psql('ALTER DATABASE :"DBNAME" SET default_transaction_read_only = on');
{
	my ($out, $err, $rc) = psql_err('SET default_transaction_read_only = off;' . journal(\@whole, 0, 'close'));
	is("$rc $out", '0 0', 'a read-only database: the statement runs');
	like($err, qr/WARNING:.*could not record the history.*read-only transaction/s, 'a read-only database: with a warning');
}
psql('SET default_transaction_read_only = off; ALTER DATABASE :"DBNAME" RESET default_transaction_read_only');
psql('ALTER TABLE redshift.journal_load_files ADD CONSTRAINT full_up CHECK (false) NOT VALID');
{
	my ($out, $err, $rc) = psql_err(journal(\@whole, 0, 'close'));
	is($rc, 0, 'a table that takes nothing: the statement runs');
	like($err, qr/WARNING:.*could not record the history.*full_up/s, 'a table that takes nothing: with a warning');
	is(() = $err =~ /WARNING/g, 1, 'of which there is one');
}
psql('ALTER TABLE redshift.journal_load_files DROP CONSTRAINT full_up');
for my $signal ('TERM', 'KILL')
{
	my $session = psql_start(undef, go_on => 1);

	print { $session->{stdin} } journal([ $whole[0] ], 0, 'wait') . ";\n";
	my $worker = wait_until(sub { psql("SELECT pid FROM pg_stat_activity WHERE backend_type = 's3_fdw rejected rows'") }, 10);
	my $committed = wait_until(sub { psql("SELECT max(query_id) FROM redshift.journal_loads WHERE status = 'running'") }, 10);
	ok($committed, "$signal: the load runs");
	if ($signal eq 'TERM')
	{
		psql("SELECT pg_terminate_backend($worker)");
		wait_until(sub { workers() == 0 }, 10);
		my (undef, $err) = psql_finish($session);
		like($err, qr/WARNING:.*could not record the history of this statement/, 'a worker that was terminated');
		next;
	}
	# The server restarts, as after any such death of a process.
	kill 'KILL', $worker;
	my (undef, $err) = psql_finish($session);
	like($err, qr/server closed the connection|terminating connection/, 'a worker that was killed');
	ok(wait_until(sub { (psql_err('SELECT 1'))[2] == 0 }, 60), 'the server is back');
	is(psql("SELECT status FROM redshift.sys_load_history WHERE query_id = $committed"), 'aborted',
		'what ran then does not run any more');
	ok(psql('SELECT redshift.clear_history()') > 0, 'clear_history() after that');
	is(psql("SELECT count(*) FROM redshift.journal_loads WHERE user_id = 'postgres'::regrole"), 0, 'leaves nothing');
	$id = psql(journal(\@whole, 1, 'close'));
	is(psql("SELECT count(*) FROM redshift.stl_load_errors WHERE query = $id"), 1, 'and journals work');
}

#-------------------------------------------------------------------------
# The session
#-------------------------------------------------------------------------

is(psql('SELECT redshift.pg_last_copy_id(), redshift.pg_last_copy_count(), redshift.pg_last_unload_id(), redshift.pg_last_unload_count(), redshift.pg_last_query_id()'),
	'-1|0|-1|0|-1', 'nothing yet');
is( psql("SELECT FROM unit_session('copy', 5, 0); SELECT last_copy_id(), last_copy_count(); "
		  . "SELECT FROM unit_session('copy', 5, 12) a, unit_session('unload', 7, 3) b; "
		  . 'SELECT last_copy_id(), last_copy_count(), last_unload_id(), last_unload_count(), last_query_id()') =~ s/^\n//mgr,
	"5|0\n5|12|7|3|7", 'the last statements');

# History is not dumped; ledger and jobs are.
psql("INSERT INTO redshift.copy_jobs (owner, name, statement, location, auto, created_at) VALUES ('postgres', 'dumped', 'COPY', 's3://b/k', true, now()); "
	  . "INSERT INTO redshift.loaded_files VALUES ('target', 's3', 'bucket', 'dumped_key', 'e', 1, 1, now(), 'postgres')");
{
	my $db = psql('SELECT current_database()');
	my $dump = `pg_dump -d $db --data-only 2>&1`;

	like($dump, qr/^\d+\tpostgres\tdumped\t/m, 'pg_dump: jobs');
	like($dump, qr/^(public\.)?target\ts3\tbucket\tdumped_key\t/m, 'pg_dump: ledger');
	unlike($dump, qr/journal_|s3_rejected_rows/, 'pg_dump: no history');
}

psql('DROP OWNED BY s3_history_a, s3_history_b; DROP ROLE s3_history_a, s3_history_b');
psql('DROP EXTENSION s3_fdw CASCADE');
is(psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'redshift'"), 0, 'the schema goes with the extension');

done_testing();
