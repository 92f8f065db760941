#-------------------------------------------------------------------------
#
# 075_copy_job.pl
#		The ledger of what is loaded, and COPY jobs on top of it.
#
# IDENTIFICATION
#		test/t/075_copy_job.pl
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
CREATE SERVER one FOREIGN DATA WRAPPER s3_fdw;
CREATE SERVER two FOREIGN DATA WRAPPER s3_fdw;
CREATE FUNCTION unit_ledger(oid, bigint, bigint, text[], text[], text DEFAULT 'one') RETURNS text[] AS '$unit' LANGUAGE C STRICT;
CREATE FUNCTION unit_job(int, text, text, int, text) RETURNS SETOF text AS '$unit' LANGUAGE C;
CREATE TABLE target (a int);
CREATE TABLE other (a int);
CREATE ROLE s3_job_a LOGIN;
CREATE ROLE s3_job_b LOGIN;
GRANT INSERT ON target TO s3_job_a;
END

# SQL that loads objects, given as "key etag" each, into a table.
sub load
{
	my ($table, @objects) = @_;
	my @pairs = map { [ split / / ] } @objects;

	return sprintf "SELECT array_to_string(unit_ledger('%s'::regclass, 1, 0, ARRAY[%s]::text[], ARRAY[%s]::text[]), ',')",
	  $table, join(',', map { lit($_->[0]) } @pairs), join(',', map { lit($_->[1]) } @pairs);
}

sub waiting
{
	return psql("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'object'");
}

#-------------------------------------------------------------------------
# The ledger
#-------------------------------------------------------------------------

is(psql(load('target', 'a 1', 'b 1')), 'a,b', 'what is new is loaded');
is(psql("BEGIN; SELECT unit_ledger('target'::regclass, 1, 0, '{a}', '{1}', 'two'); ROLLBACK"), '{a}',
	'an object of the same name at another server is another one');
{
	my ($out, $err) = psql_err(load('target', 'a 1', 'b 1', 'c 1'));

	is($out, 'c', 'what is loaded is left out');
	like($err, qr/NOTICE:.*2 objects were loaded before and are left out/, 'and counted');
	unlike($err, qr/has changed/, 'none has changed');
	($out, $err) = psql_err(load('target', 'a 2', 'b 1'));
	is($out, '', 'one that has changed is not loaded again');
	like($err, qr{NOTICE:.*object "s3://bucket/a" has changed since it was loaded, and is not loaded again\n.*Its entity tag is 2; it was 1}, 'but reported');
	like($err, qr{HINT:.*SELECT redshift\.forget_loaded\('public\.target', 's3://bucket/a'\)}, 'with the way out');
	(undef, $err) = psql_err(load('target', map { "m$_ 1" } 1 .. 25));
	(undef, $err) = psql_err(load('target', map { "m$_ 2" } 1 .. 25));
	is(() = $err =~ /has changed since/g, 10, 'of many that have changed some are told');
	like($err, qr/25 objects were loaded before.*\n.*25 of them have changed/, 'and all are counted');
}
{
	my ($out, $err) = psql_err(load('target', 'b "1"'));

	is($out, '', 'an entity tag in quotes is the same');
	unlike($err, qr/has changed/, 'so nothing has changed');
}
is(psql(load('other', 'a 1')), 'a', 'another table');
is(psql(load('target', 'd 1', 'd 1', 'e 1')), 'd,e', 'an object that is named twice is loaded once');
psql('BEGIN; ' . load('target', 'f 1') . '; ROLLBACK');
is(psql(load('target', 'f 1')), 'f', 'what was rolled back is not loaded');
psql('BEGIN; SAVEPOINT s; ' . load('target', 'g 1') . '; ROLLBACK TO s; COMMIT');
is(psql(load('target', 'g 1')), 'g', 'nor what was rolled back to a savepoint');
is(psql('BEGIN; ' . load('target', 'h 1') . '; ' . load('target', 'h 1', 'i 1') . '; COMMIT') , "h\ni",
	'two loads of one transaction');
is(psql(load('target', "k'\"\\ 1")), "k'\"\\", 'odd names');

# Of two at the same time one waits, then sees what the other has done.
for my $ending ('COMMIT', 'ROLLBACK')
{
	my $first = psql_start(undef, go_on => 1);
	my $second = psql_start(undef, go_on => 1);
	my $third = psql_start(undef, go_on => 1);

	psql_send($first, 'BEGIN; ' . load('target', "x$ending 1", "y$ending 1"));
	print { $second->{stdin} } load('target', "x$ending 1", "y$ending 1", "z$ending 1") . ";\n";
	ok(wait_until(sub { waiting() == 1 }, 10), "$ending: the second load waits");
	my ($out) = psql_send($third, load('other', "x$ending 1"));
	is($out, "x$ending", "$ending: one of another table does not");
	psql_finish($third);
	psql_send($first, $ending);
	psql_finish($first);
	($out) = psql_finish($second);
	is($out, $ending eq 'COMMIT' ? "z$ending" : "x$ending,y$ending,z$ending", "$ending: each object is loaded once");
}
is(psql("SELECT count(*), count(DISTINCT (target, bucket, key)) FROM redshift.loaded_files WHERE key LIKE '_COMMIT'"), '4|4',
	'there is one entry for each');
{
	# A snapshot that is older than what was loaded meanwhile.
	my $old = psql_start(undef, go_on => 1);

	psql_send($old, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	psql(load('target', 'late 1'));
	my (undef, $err) = psql_send($old, load('target', 'late 1'));
	like($err, qr/could not serialize access|was loaded by another transaction/, 'an older snapshot loads nothing twice');
	psql_finish($old);
}

# Who may do what
is(psql(load('target', 'by_a 1'), user => 's3_job_a'), 'by_a', 'any user may load by the ledger');
is(psql('SELECT key FROM redshift.load_ledger', user => 's3_job_a'), 'by_a', 'and sees own entries');
is(psql('SELECT count(*) FROM redshift.load_ledger', user => 's3_job_b'), 0, 'others do not');
is(psql(load('target', 'by_a 1')), '', 'what one has loaded, another does not load');
like((psql_err("SELECT redshift.forget_loaded('target')", user => 's3_job_a'))[1], qr/must be owner of table target/, "forgetting is for the table's owner");
is(psql("SELECT redshift.forget_loaded('target', 's3://bucket/by_')"), 1, 'forget_loaded()');
is(psql(load('target', 'by_a 2')), 'by_a', 'what is forgotten is loaded again');
ok(psql("SELECT redshift.forget_loaded('target')") > 30, 'all of a table');
is(psql("SELECT count(*) FROM redshift.loaded_files WHERE target = 'target'::regclass"), 0, 'is gone');
is(psql("SELECT count(*) > 0 FROM redshift.loaded_files WHERE target = 'other'::regclass"), 't', "another's is not");
is(psql("LOAD 's3_fdw'; SHOW s3_fdw.load_once"), 'off', 'nobody has asked for it');

# The search path of the user is not that of the statements on the ledger.
psql(<<'END');
CREATE SCHEMA evil;
CREATE FUNCTION evil.starts_with(text, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil'; END $$;
CREATE FUNCTION evil.date_trunc(text, timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil'; END $$;
END
psql("SET search_path = evil, pg_catalog, public; " . load('public.target', 'p 1') . '; ' . load('public.target', 'p 2')
	  . "; SELECT redshift.forget_loaded('public.target')");
pass('functions of users are not called');
is(psql("SET search_path = evil, public; SELECT FROM unit_ledger('target'::regclass, 1, 0, '{q}', '{1}'); SHOW search_path") =~ s/^\n//r,
	'evil, public', 'and the search path stays');

#-------------------------------------------------------------------------
# Jobs
#-------------------------------------------------------------------------

my ($CREATE, $ALTER, $RUN, $SHOW, $DROP, $LIST) = (2 .. 7);
my ($UNSET, $OFF, $ON) = (-1 .. 1);

sub job
{
	my ($command, $name, $auto, $key) = @_;

	return sprintf "SELECT * FROM unit_job(%d, %s, 'COPY target FROM ''s3://bucket/folder/'' IAM_ROLE default', %d, %s)",
	  $command, lit($name), defined $auto ? $auto : $UNSET, lit($key);
}

is(psql(job($CREATE, 'nightly', $OFF), user => 's3_job_a'), 'COPY JOB CREATE', 'CREATE');
{
	my ($out, $err) = psql_err(job($CREATE, 'another', $ON), user => 's3_job_a');
	like($err, qr/NOTICE:.*COPY job "another" does not run by itself\n.*pg_cron/, 'AUTO ON tells how');
	($out, $err) = psql_err(job($CREATE, 'nightly'), user => 's3_job_a');
	like($err, qr/42710: COPY job "nightly" already exists/, 'a name is taken');
	($out, $err) = psql_err(job($CREATE, 'secret', $OFF, 'AKIA123'), user => 's3_job_a');
	like($err, qr/a COPY job cannot have keys/, 'keys are not stored');
	unlike($err, qr/AKIA123/, 'nor told');
}
is(psql(job($CREATE, 'nightly', $OFF), user => 's3_job_b'), 'COPY JOB CREATE', 'names are those of a user');
is(psql(job($LIST, ''), user => 's3_job_a'), "another\nnightly", 'LIST');
is(psql(job($LIST, ''), user => 's3_job_b'), 'nightly', 'LIST of another user');
is(psql(job($SHOW, 'nightly'), user => 's3_job_a'),
	"COPY target FROM 's3://bucket/folder/' IAM_ROLE default JOB CREATE nightly AUTO OFF", 'SHOW');
psql(job($ALTER, 'nightly', $ON), user => 's3_job_a');
like(psql(job($SHOW, 'nightly'), user => 's3_job_a'), qr/AUTO ON$/, 'ALTER');
like(psql(job($SHOW, 'nightly'), user => 's3_job_b'), qr/AUTO OFF$/, "not another user's");
for my $command ($ALTER, $RUN, $SHOW, $DROP)
{
	like((psql_err(job($command, 'another'), user => 's3_job_b'))[1], qr/42704: COPY job "another" does not exist/,
		"command $command needs an own job");
}
is(psql("SELECT job_name, data_source, auto FROM redshift.sys_copy_job ORDER BY 1", user => 's3_job_a'),
	"another|s3://bucket/folder/|t\nnightly|s3://bucket/folder/|t", 'sys_copy_job');
is(psql('SELECT count(*) FROM redshift.sys_copy_job'), 3, 'sys_copy_job for superusers');
psql("SELECT FROM unit_ledger('target'::regclass, 1, (SELECT job_id FROM redshift.sys_copy_job WHERE job_name = 'nightly'), '{folder/1,folder/2}', '{e1,e2}')",
	user => 's3_job_a');
is( psql("SELECT job_name, file_location, file_name, file_size, file_etag, job_text, status FROM redshift.sys_copy_job_detail ORDER BY file_name LIMIT 1", user => 's3_job_a'),
	"nightly|bucket|folder/1|100|e1|COPY target FROM 's3://bucket/folder/' IAM_ROLE default|loaded", 'sys_copy_job_detail');
is(psql('SELECT count(*) FROM redshift.sys_copy_job_detail', user => 's3_job_b'), 0, 'sys_copy_job_detail of another user');
is(psql(job($DROP, 'nightly'), user => 's3_job_a'), 'COPY JOB DROP', 'DROP');
is(psql(job($LIST, ''), user => 's3_job_a'), 'another', 'it is gone');
is(psql("SELECT count(*) FROM redshift.loaded_files WHERE key LIKE 'folder/%'"), 2, 'what it has loaded stays known');
is(psql('BEGIN; ' . job($CREATE, 'undone', $OFF) . '; ROLLBACK;' . job($LIST, '')), 'COPY JOB CREATE', 'ROLLBACK undoes it');

SKIP:
{
	skip 'there is no function redshift()', 11 if psql("SELECT count(*) FROM pg_proc WHERE proname = 'redshift'") == 0;
	my $bucket = 'copy-jobs';
	my $count = 'SELECT count(*), coalesce(sum(a), 0) FROM target';

	s3_make_bucket($bucket);
	s3_put_many($bucket, { 'in/1.csv' => "1\n2\n", 'in/2.csv' => "10\n" });
	psql(<<"END");
DROP SERVER one;
DROP SERVER two;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR PUBLIC SERVER s3 OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
END
	psql("SELECT redshift(\$\$COPY target FROM 's3://$bucket/in/' IAM_ROLE default CSV JOB CREATE inbox AUTO OFF\$\$)");
	psql("SELECT redshift('COPY JOB RUN inbox')");
	is(psql($count), '3|13', 'RUN loads');
	psql("SELECT redshift('COPY JOB RUN inbox')");
	is(psql($count), '3|13', 'RUN loads nothing twice');
	s3_put_many($bucket, { 'in/3.csv' => "100\n", 'in/1.csv' => "1000\n" });
	my (undef, $err) = psql_err("SELECT redshift('COPY JOB RUN inbox')");
	is(psql($count), '4|113', 'RUN loads what has come');
	like($err, qr{object "s3://$bucket/in/1.csv" has changed}, 'and reports what has changed');
	is(psql("SELECT string_agg(file_name, ',' ORDER BY file_name) FROM redshift.sys_copy_job_detail WHERE job_name = 'inbox'"),
		'in/1.csv,in/2.csv,in/3.csv', 'sys_copy_job_detail');
	s3_put($bucket, 'in/4.csv', "no number\n");
	isnt((psql_err("SELECT redshift('COPY JOB RUN inbox')"))[2], 0, 'a file that cannot be loaded');
	s3_put($bucket, 'in/4.csv', "5\n");
	psql("SELECT redshift('COPY JOB RUN inbox')");
	is(psql($count), '5|118', 'is loaded once it can be');
	psql("TRUNCATE target; SELECT redshift('COPY target FROM ''s3://$bucket/in/'' IAM_ROLE default CSV')");
	is(psql($count), '4|1115', 'a COPY loads all');
	psql("TRUNCATE other; SET s3_fdw.load_once = on; SELECT redshift('COPY other FROM ''s3://$bucket/in/'' IAM_ROLE default CSV'); "
		  . "SELECT redshift('COPY other FROM ''s3://$bucket/in/'' IAM_ROLE default CSV')");
	is(psql('SELECT count(*) FROM other'), 4, 'but once, if that is set');

	psql("SELECT redshift('COPY target FROM ''s3://$bucket/empty/'' IAM_ROLE default JOB CREATE early AUTO OFF')");
	like((psql_err("SELECT redshift('COPY JOB RUN early')"))[1], qr/INFO:.* 0 record\(s\) loaded/, 'a job waits for its first file');
	like((psql_err("SELECT redshift('COPY target FROM ''s3://$bucket/empty/'' IAM_ROLE default')"))[1],
		qr/ERROR:.*prefix 'empty\/' does not exist/, 'a COPY does not');
}

psql('DROP OWNED BY s3_job_a, s3_job_b; DROP ROLE s3_job_a, s3_job_b');
done_testing();
