#-------------------------------------------------------------------------
#
# 081_redshift_hardening.pl
#		COPY, UNLOAD and aws_s3 where they are not wanted to go well: keys and
#		the server's log, forged headers, state behind caught errors, processes
#		that end, recursion, dump and restore, settings that are in the way.
#
# IDENTIFICATION
#		test/t/081_redshift_hardening.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use Test::More;
use Time::HiRes qw(time);

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'redshift-hardening';
my $role = "hard_$$";
my $from = 'IAM_ROLE DEFAULT';

s3_make_bucket($bucket);
s3_put($bucket, 'good/1', "1|one\n2|two\n");
s3_put($bucket, 'good/2', "3|three\n");
s3_put($bucket, 'bad/1', "1|one\nx|two\n");
psql(<<"END");
CREATE EXTENSION aws_s3 CASCADE;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}');
CREATE USER MAPPING FOR PUBLIC SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE TABLE t (id int, name varchar(20));
CREATE ROLE $role LOGIN;
GRANT EXECUTE ON FUNCTION redshift(text) TO $role;
GRANT USAGE ON FOREIGN SERVER s3 TO $role;
END

# The call that runs a statement; {p} is the place of the test's objects.
sub call
{
	my ($statement) = @_;

	$statement =~ s/\{p\}/s3:\/\/$bucket/g;
	return 'redshift(' . lit($statement) . ')';
}

sub error_of
{
	my ($sql, %opts) = @_;
	my (undef, $err) = psql_err($sql, %opts);

	return $err;
}

#-------------------------------------------------------------------------
# Keys
#-------------------------------------------------------------------------

my $log = "$ENV{PGHOST}/server.log";
my $secret = "secret-of-$$";
my $with_keys = call("COPY nowhere FROM '{p}/good/' ACCESS_KEY_ID 'demokey' SECRET_ACCESS_KEY '$secret'");

like(error_of("DO \$do\$ BEGIN PERFORM $with_keys; END \$do\$"), qr/nonexistent table nowhere/,
	'keys in PL/pgSQL, and a fault');
like(error_of("SELECT aws_s3.table_import_from_s3('no_import', '', '', '$bucket', 'good/1', 'us-east-1', "
	  . "'demokey', '$secret')"), qr/"no_import" does not exist/, 'keys as arguments, and a fault');
like(error_of("SELECT aws_s3.table_import_from_s3('no_import_2', '', '', "
	  . "aws_commons.create_s3_uri('$bucket', 'good/1', 'us-east-1'), "
	  . "aws_commons.create_aws_credentials('demokey', '$secret'))"),
	qr/"no_import_2" does not exist/, 'credentials as an argument, and a fault');
SKIP:
{
	skip 'the server log is elsewhere', 2 if !-r $log;
	my $text = slurp($log);

	like($text, qr/nonexistent table nowhere.*"no_import" does.*"no_import_2" does/s, 'the log has the errors');
	unlike($text, qr/\Q$secret\E/, '... but not the key');
}

# Keys are parts of headers.
for my $key ([ "ACCESS_KEY_ID E'demokey\\r\\nX-Evil: 1' SECRET_ACCESS_KEY 'demosecret'", 'access_key_id' ],
	[ "ACCESS_KEY_ID 'demokey' SECRET_ACCESS_KEY 'demosecret' SESSION_TOKEN E'a\\nX-Evil: 1'", 'session_token' ])
{
	fault_reset();
	like(error_of('SELECT ' . call("COPY t FROM '{p}/good/' $key->[0]")),
		qr/22023: \Q$key->[1]\E contains a control character/, "a line end in $key->[1]");
	is(fault_count(), 0, '... and no request');
}

#-------------------------------------------------------------------------
# Values
#-------------------------------------------------------------------------

s3_put($bucket, 'numbers/1', ".5|.5\n-.5|-.555\n+.9|5.\n5.|+1\n");
error_of('CREATE TABLE numbers (a numeric(5, 0), b numeric(5, 2)); SELECT '
	  . call("COPY numbers FROM '{p}/numbers/' $from"));
is(psql("SELECT string_agg(a || ' ' || b, ',' ORDER BY b) FROM numbers"), '0 -0.55,0 0.50,5 1.00,0 5.00',
	'fractions without a digit before them are cut to nothing');

#-------------------------------------------------------------------------
# Errors that are caught leave nothing behind
#-------------------------------------------------------------------------

my $caught = <<"END";
CREATE FUNCTION caught(statement text) RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	PERFORM redshift(statement);
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END \$\$;
END
psql($caught);

sub caught
{
	my ($statement) = @_;

	return "SELECT caught(" . lit($statement =~ s/\{p\}/s3:\/\/$bucket/gr) . ');';
}

is( psql("BEGIN;" . caught("COPY t FROM '{p}/bad/' $from")
		  . caught("UNLOAD ('SELECT 1/0') TO '{p}/out/' $from")
		  . caught("COPY t FROM '{p}/good/' $from")
		  . caught("COPY t FROM '{p}/bad/' $from")
		  . 'SELECT redshift.pg_last_copy_count(), redshift.pg_last_unload_count();'
		  . caught("COPY t FROM '{p}/good/' $from")
		  . 'SELECT redshift.pg_last_copy_count(), count(*) FROM t; ROLLBACK'),
	"XX000\n22012\ndone\nXX000\n0|0\ndone\n3|6", 'caught in a transaction');
is(psql("BEGIN; SAVEPOINT s;" . caught("COPY t FROM '{p}/good/' $from")
		  . 'ROLLBACK TO s; SELECT count(*) FROM t;'
		  . caught("COPY t FROM '{p}/good/' $from") . 'COMMIT; SELECT count(*) FROM t; TRUNCATE t'),
	"done\n0\ndone\n3", 'savepoints');
is(s3_list($bucket, 'out/') + 0, 0, 'nothing of the failed UNLOAD is there');

ok( wait_until(
		sub {
			psql("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 's3_fdw%'") eq '0';
		},
		20),
	'all workers have ended');
is(psql("SELECT count(*) FROM redshift.sys_load_history WHERE status = 'running'"), '0',
	'and no load is said to run');

# A session that goes on for long
{
	my $session = psql_start('SELECT 1', go_on => 1);
	my $loop = sub {
		my ($n) = @_;
		my $bad = lit("COPY t FROM 's3://$bucket/bad/' $from");
		my $out = lit("UNLOAD ('SELECT 1/0') TO 's3://$bucket/out/' $from");

		psql_send($session, "DO \$do\$ BEGIN FOR i IN 1..$n LOOP PERFORM caught($bad), caught($out); END LOOP; END \$do\$;",
			timeout => 60);
		return (psql_send($session, 'SELECT sum(used_bytes) FROM pg_backend_memory_contexts;', timeout => 60))[0];
	};
	my $before = $loop->(5);
	my $after = $loop->(40);

	cmp_ok($after - $before, '<', 40 * 512, 'failures in a session do not add up');
	psql_finish($session);
}

#-------------------------------------------------------------------------
# Recursion
#-------------------------------------------------------------------------

psql(<<"END");
CREATE TABLE nested (id int, name text);
CREATE FUNCTION nest() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
	IF pg_trigger_depth() < 2 THEN
		PERFORM redshift('COPY nested FROM ''s3://$bucket/good/'' $from');
		PERFORM caught('COPY nested FROM ''s3://$bucket/bad/'' $from');
	END IF;
	RETURN NEW;
END \$\$;
CREATE TRIGGER nest BEFORE INSERT ON nested FOR EACH ROW EXECUTE FUNCTION nest();
END
psql('SELECT ' . call("COPY nested FROM '{p}/good/' $from"));
is(psql("SELECT count(*) FROM nested"), '12', 'a trigger that runs COPY itself');
is(psql("SELECT string_agg(status || ' ' || loaded_rows || ' ' || error_count, ',' ORDER BY query_id) "
		  . "FROM redshift.sys_load_history WHERE table_name = 'nested'"),
	join(',', 'completed 3 0', ('completed 3 0', 'aborted 0 1') x 3), '... each has its history');

#-------------------------------------------------------------------------
# Processes that end
#-------------------------------------------------------------------------

{
	fault(match => 'good/2', method => 'GET', delay => 60, close => 1);
	my $session = psql_start('SELECT ' . call("COPY t FROM '{p}/good/' $from") . ';', go_on => 1);

	wait_until(sub { fault_count() >= 2 }, 20) or die "the load did not begin\n";
	psql("SELECT pg_terminate_backend($session->{pid})");
	like((psql_finish($session))[1], qr/57P01/, 'the process of a COPY is ended');
	fault_reset();
	ok( wait_until(
			sub {
				psql("SELECT status FROM redshift.journal_loads ORDER BY query_id DESC LIMIT 1") eq 'aborted';
			},
			20),
		'... which the history says');
	is(psql('SELECT count(*) FROM t'), '0', '... and nothing is loaded');
}

{
	fault(match => 'good/2', method => 'GET', delay => 2);
	my $session = psql_start('SELECT ' . call("COPY t FROM '{p}/good/' $from") . ';', go_on => 1);

	wait_until(sub { fault_count() >= 2 }, 20) or die "the load did not begin\n";
	psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type LIKE 's3_fdw%'");
	my ($out, $err) = psql_finish($session, timeout => 30);
	like($out, qr/^COPY/m, 'COPY goes on without the worker of its history');
	like($err, qr/WARNING:\s+57P01|WARNING:\s+\w+: could not record the history/, '... and says so, once');
	is(scalar(() = $err =~ /WARNING/g), 1, '... once');
	fault_reset();
	psql('TRUNCATE t');
}

{
	fault(match => 'good/2', method => 'GET', delay => 60, close => 1);
	my $begin = time;

	like(error_of("SET statement_timeout = '1s'; SELECT " . call("COPY t FROM '{p}/good/' $from")),
		qr/57014/, 'a timeout while an object is read');
	cmp_ok(time - $begin, '<', 20, '... in time');
	fault_reset();
}

#-------------------------------------------------------------------------
# Settings and names in the way
#-------------------------------------------------------------------------

like(error_of('BEGIN READ ONLY; SELECT ' . call("COPY t FROM '{p}/good/' $from")),
	qr/25006/, 'COPY in a transaction that is read only');
unlike(error_of('BEGIN READ ONLY; SELECT ' . call("UNLOAD ('SELECT 1') TO '{p}/ro/' $from")),
	qr/WARNING|ERROR/, 'UNLOAD in one');

# Two gigabytes in one file are no reason for a view to fail.
psql("INSERT INTO redshift.journal_load_files (query_id, user_id, session_id, recorded_at, file_name, bytes, "
	  . "lines_scanned, errors, start_time) SELECT 0, oid, 1, now(), 'large', 5000000000, 5000000000, 5000000000, now() "
	  . "FROM pg_roles WHERE rolname = current_user");
is(psql("SELECT byte_offset, lines_scanned, errors FROM redshift.stl_load_commits WHERE query = 0"),
	'2147483647|2147483647|2147483647', 'large numbers in stl_load_commits');

#-------------------------------------------------------------------------
# What others may do
#-------------------------------------------------------------------------

psql("CREATE TABLE guarded (id int, name text); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; "
	  . "CREATE POLICY p ON guarded FOR INSERT WITH CHECK (id < 3); "
	  . "CREATE TABLE halfway (id int, name text, more text); "
	  . "GRANT INSERT ON guarded TO $role; GRANT INSERT (id, name) ON halfway TO $role");
for my $case (
	[ 'pg_catalog.pg_class', qr/42501: permission denied for table pg_class/ ],
	[ 'redshift.journal_loads', qr/42501/ ],
	[ 'redshift.loaded_files', qr/42501/ ],
	[ 'redshift.sys_load_history', qr/42501/ ],
	[ 't', qr/42501: permission denied for table t/ ],
	[ 'halfway', qr/42501: permission denied for table halfway/ ],
	[ 'guarded', qr/42501: new row violates row-level security policy/ ])
{
	like(error_of("SET ROLE $role; SELECT " . call("COPY $case->[0] FROM '{p}/good/' $from")), $case->[1],
		"COPY $case->[0] by somebody else");
}
like(error_of("SET ROLE $role; SELECT " . call("COPY halfway (id, name) FROM '{p}/good/' $from")),
	qr/3 record/, 'columns that may be inserted');
is( psql("SET ROLE $role; SELECT count(*) FROM redshift.stl_load_errors WHERE userid <> "
		  . "(SELECT oid::int FROM pg_roles WHERE rolname = current_user)"),
	'0', "others' errors are not seen");
for my $sql (
	'SELECT * FROM redshift.journal_loads', 'SELECT * FROM redshift.journal_errors',
	'SELECT * FROM redshift.copy_jobs', 'SELECT * FROM s3_rejected_rows',
	'DELETE FROM redshift.sys_load_history', "INSERT INTO redshift.load_ledger (key) VALUES ('x')",
	"UPDATE redshift.sys_copy_job SET job_text = 'x'", "SELECT redshift.forget_loaded('t')")
{
	like(error_of("SET ROLE $role; $sql"), qr/42501|55000/, "not for others: $sql");
}

#-------------------------------------------------------------------------
# Dump and restore, and once more in the same session
#-------------------------------------------------------------------------

psql("CREATE TABLE gone (id int, name text); CREATE TABLE kept (id int, name text); SET s3_fdw.load_once = on; SELECT "
	  . call("COPY gone FROM '{p}/good/' $from") . "; SELECT " . call("COPY kept FROM '{p}/good/' $from")
	  . "; SELECT " . call("COPY kept FROM '{p}/good/' $from JOB CREATE \"A job\" AUTO OFF")
	  . "; DROP TABLE gone");
{
	my $copy = "$ENV{PGDATABASE}_restored";
	my $dump = `pg_dump --no-owner $ENV{PGDATABASE}`;

	is($?, 0, 'pg_dump');
	psql("CREATE DATABASE \"$copy\"");
	is(error_of($dump, db => $copy), '', 'restore');
	is(psql("SELECT count(*), count(c.oid) FROM redshift.loaded_files l LEFT JOIN pg_class c ON c.oid = target",
			db => $copy),
		'2|2', 'the ledger is there, but for a table that is gone');
	like(error_of('SELECT ' . call('COPY JOB RUN "A job"'), db => $copy), qr/2 objects were loaded before/,
		'and the job, which knows what was loaded');
	psql("DROP DATABASE \"$copy\"");
}

like(error_of("DROP EXTENSION s3_fdw CASCADE; CREATE EXTENSION s3_fdw; "
	  . "CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}'); "
	  . "CREATE USER MAPPING FOR PUBLIC SERVER s3 OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret'); SELECT "
	  . call("COPY t FROM '{p}/good/' $from")), qr/\A(NOTICE.*\n(DETAIL.*\n(.*\n)*?)?)?INFO:  00000: Load into table 't' completed, 3/,
	'the extension is dropped and created in one session');

# A name that has to be quoted twice
psql('CREATE SCHEMA plain; DROP EXTENSION s3_fdw CASCADE; CREATE EXTENSION s3_fdw SCHEMA plain; '
	  . "CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}'); "
	  . "CREATE USER MAPPING FOR PUBLIC SERVER s3 OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret'); "
	  . "ALTER SCHEMA plain RENAME TO \"it's \"\"one\"\"\"");
unlike(error_of("SELECT \"it's \"\"one\"\"\"." . call("COPY t FROM '{p}/good/' $from")), qr/WARNING|ERROR/,
	"a schema's name with quotes");

psql("DROP OWNED BY $role; DROP ROLE $role");
done_testing();
