#-------------------------------------------------------------------------
#
# 031_cancel.pl
#		Statements that are stopped from outside, in every state they can be
#		in, and errors that are caught: nothing is left behind.
#
# A statement is driven into a state by a fault that never ends, and is then
# canceled, or runs into its timeout.
#
# IDENTIFICATION
#		test/t/031_cancel.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time sleep);

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'cancel';

# A cancel has to be answered within a second, and the remains of an export
# removed within another; the third is for a slow machine.
my $time_limit = 3;

s3_make_bucket($bucket);
s3_put($bucket, 'in/rows.csv', join '', map { "$_," . 'x' x 90 . "\n" } 1 .. 5000);

# A server that accepts no connection: its queue is full.
my $deaf = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
  or die "could not listen: $!\n";
my @filling = map
{
	IO::Socket::INET->new(
		PeerAddr => '127.0.0.1',
		PeerPort => $deaf->sockport,
		Blocking => 0)
} 1 .. 8;

# A server that accepts connections and says nothing.
my $silent = IO::Socket::INET->new(Listen => 10, LocalAddr => '127.0.0.1')
  or die "could not listen: $!\n";

psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}', region 'us-east-1');
CREATE SERVER direct FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}', region 'us-east-1');
CREATE SERVER deaf FOREIGN DATA WRAPPER s3_fdw
	OPTIONS (endpoint 'http://127.0.0.1:@{[ $deaf->sockport ]}', region 'us-east-1');
CREATE SERVER silent FOREIGN DATA WRAPPER s3_fdw
	OPTIONS (endpoint 'https://127.0.0.1:@{[ $silent->sockport ]}', region 'us-east-1');
SQL
psql(<<"SQL") for qw(s3 direct deaf silent);
CREATE USER MAPPING FOR CURRENT_USER SERVER $_
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
SQL
psql(<<"SQL");
CREATE FOREIGN TABLE rows (id int, data text) SERVER s3 OPTIONS (location 's3://$bucket/in/');
SQL

my $small = 'SELECT g FROM generate_series(1, 100) g';
my $large = 'SELECT g, repeat(md5(g::text), 30) FROM generate_series(1, 12500) g';

sub export_sql
{
	my ($query, $more) = @_;

	return 'SELECT * FROM s3_export('
	  . lit($query)
	  . ", 's3://$bucket/out.csv', 's3', part_size => '5MB'"
	  . ($more || '') . ')';
}

# Are there rules that still wait for their request?
sub all_applied
{
	my $rules = JSON::PP::decode_json(S3Client::fault_control('GET', 'rules'));

	return !grep { $_->{count} > 0 } @$rules;
}

# Nothing was left of an export, unless it was there before.
sub is_clean
{
	my ($name, $old) = @_;

	is_deeply([ s3_uploads($bucket) ], [], "$name: no upload is open");
	is(s3_get($bucket, 'out.csv'), $old, "$name: " . (defined $old ? 'the old object stays' : 'no object'));
}

#-------------------------------------------------------------------------
# Cancel and timeout
#-------------------------------------------------------------------------

my $settings = <<'SQL';
SET s3_fdw.upload_memory = '10MB';
SET s3_fdw.connect_timeout = '60s';
SET s3_fdw.stall_timeout = '60s';
SET s3_fdw.max_retries = 20;
SQL

# Each state: its name, the statement, the rule that leads into it (without
# one, a short wait does), and how many requests have come when it is reached.
my @states = (
	[ 'connecting', "SELECT * FROM s3_list('s3://$bucket/', 'deaf')" ],
	[ 'TLS handshake', "SELECT * FROM s3_list('s3://$bucket/', 'silent')" ],
	[ 'listing, no answer', "SELECT * FROM s3_list('s3://$bucket/', 's3')",
		{ match => 'list-type', delay => 60, close => 1 } ],
	[ 'listing, within the answer', "SELECT * FROM s3_list('s3://$bucket/', 's3')",
		{ match => 'list-type', hang => 50, seconds => 60 } ],
	[ 'reading, no answer', 'SELECT count(data) FROM rows', { match => 'rows.csv', delay => 60, close => 1 } ],
	[ 'reading, within the body', 'SELECT count(data) FROM rows',
		{ match => 'rows.csv', hang => 1000, seconds => 60 } ],
	[ 'waiting to try again', 'SELECT count(data) FROM rows',
		{ match => 'list-type', status => 503, code => 'SlowDown', retry_after => 15, count => -1 }, 1 ],
	[ 'waiting to try again within an upload', export_sql($large),
		{ match => 'partNumber=2', status => 503, code => 'SlowDown', retry_after => 15, count => -1 }, 4 ],
	[ 'look-up', export_sql($small), { method => 'HEAD', delay => 60, close => 1 } ],
	[ 'creating an upload, before the store did', export_sql($large),
		{ method => 'POST', match => 'uploads', delay => 60, close => 1 } ],
	[ 'creating an upload, after the store did', export_sql($large),
		{ method => 'POST', match => 'uploads', hang => 20, seconds => 60 } ],
	[ 'sending the first part', export_sql($large), { match => 'partNumber=1', delay => 60, close => 1 } ],
	[ 'sending the last part', export_sql($large), { match => 'partNumber=3', delay => 60, close => 1 } ],
	[ 'waiting for the answer to a part', export_sql($large),
		{ match => 'partNumber=2', hang => 0, seconds => 60, set => { 'Content-Length' => '' } } ],
	[ 'second look-up', export_sql($large), { method => 'HEAD', skip => 1, delay => 60, close => 1 } ],
	[ 'completing an upload, before the store did', export_sql($large),
		{ method => 'POST', match => 'uploadId=', delay => 60, close => 1 } ],
	[ 'completing an upload, after the store did', export_sql($large),
		{ method => 'POST', match => 'uploadId=', hang => 20, seconds => 60 } ],
	[ 'writing at once, before the store did', export_sql($small), { method => 'PUT', delay => 60, close => 1 } ],
	[ 'writing at once, after the store did', export_sql($small),
		{ method => 'PUT', hang => 0, seconds => 60, set => { 'Content-Length' => '' } } ],
	[ 'replacing, before the store did', export_sql($large, ", overwrite => 'replace'"),
		{ method => 'POST', match => 'uploadId=', delay => 60, close => 1 }, undef, "old\n" ]);

for my $state (@states)
{
	my ($name, $sql, $rule, $requests, $old) = @$state;
	my $reached = sub {
		return $requests ? fault_count() >= $requests : all_applied() if $rule;
		return 1;
	};

	for my $way ('canceled', 'timeout')
	{
		my $test = "$name, $way";
		my $session = psql_start($settings, go_on => 1);
		my ($begin, $seconds, $out, $err, $now, $came);

		psql_send($session, '');
		fault_reset();
		fault(%$rule) if $rule;
		s3_put($bucket, 'out.csv', $old) if defined $old;

		if ($way eq 'canceled')
		{
			S3Test::write_psql($session, "$sql;");
			$came = wait_until($reached, 20);
			sleep 0.3;
			$begin = time;
			psql("SELECT pg_cancel_backend($session->{pid})");
			($out, $err) = psql_send($session, 'RESET statement_timeout', timeout => 90);
			$seconds = time - $begin;
		}
		else
		{
			$begin = time;
			($out, $err) = psql_send($session,
				"SET statement_timeout = '1500ms'; $sql;\nRESET statement_timeout", timeout => 90);
			$seconds = time - $begin - 1.5;
			$came = $reached->();
		}
		ok($came, "$test: the state was reached");
		like($err, qr/^ERROR:  57014: canceling statement due to/m, "$test: 57014");
		cmp_ok($seconds, '<', $time_limit, "$test: in time");
		unlike($err, qr/^WARNING/m, "$test: no warning");
		($now) = psql_send($session, 'SELECT pg_backend_pid()');
		is($now, $session->{pid}, "$test: the session goes on");
		is_clean($test, $old) if $sql =~ /s3_export/;
		psql_finish($session);
		s3_request('DELETE', $bucket, 'out.csv');
	}
}
fault_reset();

# A store may confirm an object without its entity tag.  While that is looked
# up, the object is there already.
fault(method => 'POST', match => 'uploadId=', after => 1, status => 200,
	xml => '<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>');
fault(method => 'HEAD', skip => 2, delay => 60, close => 1);
{
	my ($out, $err) = psql_err("$settings SET statement_timeout = '1500ms'; " . export_sql($large) . ';');

	like($err, qr/^ERROR:  57014:/m, 'looking up what was confirmed, timeout: 57014');
	ok(all_applied(), 'looking up what was confirmed, timeout: the state was reached');
	is_clean('looking up what was confirmed, timeout');
}
fault_reset();

# When the object was complete, it takes its place and a warning says so.
s3_put($bucket, 'out.csv', "old\n");
fault(method => 'POST', match => 'uploadId=', hang => 20, seconds => 60);
{
	my ($out, $err) = psql_err("$settings SET statement_timeout = '1500ms'; "
		  . export_sql($large, ", overwrite => 'replace'") . ';');

	like($err, qr/^ERROR:  57014:/m, 'replaced, then timeout: 57014');
	like($err, qr{^WARNING:.*object "s3://cancel/out\.csv" was written before the command failed}m,
		'replaced, then timeout: a warning');
	is(length(s3_get($bucket, 'out.csv') || ''), 12076394, 'replaced, then timeout: the new object is whole');
	is_deeply([ s3_uploads($bucket) ], [], 'replaced, then timeout: no upload is open');
}
fault_reset();
s3_delete($bucket, 'out.csv');

#-------------------------------------------------------------------------
# The end of a session, a client or a server process
#-------------------------------------------------------------------------

# Is the server process gone?
sub is_gone
{
	my ($pid) = @_;

	return psql("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid") eq '0';
}

# An export in its second part.
sub begin_export
{
	my ($sql) = @_;
	my $session = psql_start("$settings $sql;", go_on => 1);

	wait_until(sub { fault_count() >= 4 }, 20) or die "the export did not begin\n";
	return $session;
}

{
	fault(match => 'partNumber=2', delay => 60, close => 1);
	my $session = begin_export(export_sql($large));
	my $begin = time;

	psql("SELECT pg_terminate_backend($session->{pid})");
	ok(wait_until(sub { is_gone($session->{pid}) }, 15), 'terminated: the process ends');
	cmp_ok(time - $begin, '<', $time_limit, 'terminated: in time');
	my (undef, $err) = psql_finish($session);
	like($err, qr/57P01/, 'terminated: 57P01');
	is_clean('terminated');
	fault_reset();
}

# Rows that never end, 6 MB a second.
my $endless = 'SELECT repeat(md5(g::text), 2000), pg_sleep(0.01) FROM generate_series(1, 1000000) g';

{
	my $session = begin_export(export_sql($endless));
	my $begin = time;

	kill 'KILL', $session->{process};
	ok(wait_until(sub { is_gone($session->{pid}) }, 20), 'client killed: the process ends');
	cmp_ok(time - $begin, '<', $time_limit, 'client killed: in time');
	waitpid $session->{process}, 0;
	is_clean('client killed');
	fault_reset();
}

{
	fault(match => 'partNumber=2', delay => 60, close => 1);
	my $session = begin_export("SET client_connection_check_interval = '500ms'; " . export_sql($large));
	my $begin = time;

	kill 'KILL', $session->{process};
	ok(wait_until(sub { is_gone($session->{pid}) }, 20),
		'client killed while nothing moves: the process ends');
	cmp_ok(time - $begin, '<', $time_limit, 'client killed while nothing moves: in time');
	waitpid $session->{process}, 0;
	is_clean('client killed while nothing moves');
	fault_reset();
}

#-------------------------------------------------------------------------
# Errors that are caught
#-------------------------------------------------------------------------

# Fails in the third part, and before the first byte is sent.
my $late_error = 'SELECT 1 / (12400 - g), repeat(md5(g::text), 30) FROM generate_series(1, 12500) g';
my $early_error = 'SELECT 1 / (10 - g) FROM generate_series(1, 100) g';

psql(<<"SQL");
CREATE FUNCTION caught(query text) RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	PERFORM s3_export(query, 's3://$bucket/out.csv', 's3', part_size => '5MB');
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || (SELECT count(*) FROM s3_uploads('s3://$bucket/', 's3'));
END \$\$;
SQL

is(psql('SELECT caught(' . lit($late_error) . ')'),
	'22012 0', 'caught in PL/pgSQL: the upload is gone when the handler begins');
is_clean('caught in PL/pgSQL');

{
	my ($out, $err) = psql_err(<<"SQL", go_on => 1);
BEGIN;
SAVEPOINT a;
@{[ export_sql($late_error) ]};
ROLLBACK TO a;
SELECT 'uploads ' || count(*) FROM s3_uploads('s3://$bucket/', 's3');
SELECT 'rows ' || rows FROM s3_export('SELECT 1', 's3://$bucket/other.csv', 's3');
ROLLBACK;
SQL
	like($err, qr/^ERROR:  22012:/m, 'savepoint: the error');
	is($out, "uploads 0\nrows 1", 'savepoint: the upload is gone after ROLLBACK TO, the next export works');
	is(s3_get($bucket, 'other.csv'), "1\n", 'savepoint: what was finished stays after a rollback');
	is_clean('savepoint');
	s3_delete($bucket, 'other.csv');
}

# Two exports, one within the query of the other; the outer one fails.
psql(<<"SQL");
CREATE FUNCTION inner_export() RETURNS bigint LANGUAGE sql AS
\$\$ SELECT rows FROM s3_export('SELECT 1', 's3://$bucket/inner.csv', 's3') \$\$;
SQL
{
	my ($out, $err) = psql_err(export_sql('SELECT inner_export() UNION ALL SELECT 1 / (g - 5) FROM generate_series(1, 9) g') . ';');

	like($err, qr/^ERROR:  22012:/m, 'nested: the error of the outer one');
	is(s3_get($bucket, 'inner.csv'), "1\n", 'nested: the inner one was finished');
	is_clean('nested');
	s3_delete($bucket, 'inner.csv');
}

# A cursor closed early, a portal dropped by an error, again and again.
sub resources
{
	my ($session) = @_;
	my @fds = glob "/proc/$session->{pid}/fd/*";
	my ($memory) = psql_send($session,
		"SELECT sum(total_bytes) || ' ' || count(*) FILTER (WHERE name ~ '^s3_fdw') FROM pg_backend_memory_contexts");
	my ($bytes, $ours) = split / /, $memory;

	return {
		fds => scalar @fds,
		rss => backend_rss($session->{pid}),
		bytes => $bytes,
		ours => $ours
	};
}

my $rss_limit = 5 * 1024 * 1024;

sub no_leak
{
	my ($name, $before, $after) = @_;

	cmp_ok($after->{fds}, '<=', $before->{fds} + 1, "$name: no file descriptor is lost");
	is($after->{ours}, $before->{ours}, "$name: no memory context is lost");
	cmp_ok($after->{bytes} - $before->{bytes}, '<', 512 * 1024, "$name: memory contexts do not grow");
  SKIP:
	{
		skip 'a sanitizer keeps freed memory', 1 if $ENV{S3_TEST_ASAN};
		cmp_ok($after->{rss} - $before->{rss}, '<', $rss_limit, "$name: the process does not grow");
	}
}

SKIP:
{
	my $session = psql_start($settings, go_on => 1);
	my $loop = sub {
		my ($many, $query) = @_;
		my ($out, $err) = psql_send($session,
			"SELECT string_agg(DISTINCT caught(@{[ lit($query) ]}), '; ') FROM generate_series(1, $many)",
			timeout => 120);

		return $out;
	};
	my ($before, $after, %late, %early);

	psql_send($session, '');
	skip 'there is no /proc', 1 if !defined backend_rss($session->{pid});
	$loop->(4, $late_error);
	$loop->(20, $early_error);

	# The allocator may keep the buffers of an upload from some moment on: that
	# happens once, but what is lost is lost each time.
	for (1 .. 3)
	{
		$before = resources($session);
		$late{ $loop->(30, $late_error) } = 1;
		$early{ $loop->(170, $early_error) } = 1;
		$after = resources($session);
		last if $ENV{S3_TEST_ASAN} || $after->{rss} - $before->{rss} < $rss_limit;
	}
	is(join('; ', keys %late), '22012 0', '200 failing exports: 30 with parts');
	is(join('; ', keys %early), '22012 0', '200 failing exports: 170 without');
	no_leak('200 failing exports', $before, $after);

	# Reading: given up after a row, failing within the object, failing at the store.
	my $read = <<'SQL';
DO $$
DECLARE c refcursor; n int;
BEGIN
	FOR i IN 1 .. 50 LOOP
		OPEN c FOR SELECT id FROM rows;
		FETCH c INTO n;
		CLOSE c;
		BEGIN
			SELECT count(1 / (4000 - id)) INTO n FROM rows;
		EXCEPTION WHEN division_by_zero THEN NULL;
		END;
		BEGIN
			PERFORM * FROM s3_list('s3://nosuchbucket/', 's3');
		EXCEPTION WHEN fdw_table_not_found THEN NULL;
		END;
	END LOOP;
END $$
SQL
	my (undef, $err) = psql_send($session, $read);
	is($err, '', '50 scans given up: as expected');
	$before = resources($session);
	psql_send($session, $read) for 1 .. 2;
	$after = resources($session);
	no_leak('100 scans given up', $before, $after);
	psql_finish($session);
}
is_deeply([ s3_uploads($bucket) ], [], 'no upload is open after the loops');

#-------------------------------------------------------------------------
# A server process that is killed: the last test, since the server restarts
#-------------------------------------------------------------------------

SKIP:
{
	fault_reset();
	fault(match => 'partNumber=2', delay => 60, close => 1);
	my $session = begin_export(export_sql($large));

	skip 'the server belongs to another user', 1 if !kill 'KILL', $session->{pid};
	psql_finish($session);
	ok(wait_until(sub { eval { psql('SELECT 1') } }, 30), 'killed: the server comes back');
	fault_reset();
	is(s3_get($bucket, 'out.csv'), undef, 'killed: no object');
	is(scalar(s3_uploads($bucket)), 1, 'killed: the upload is left');
	like(psql("SELECT key, upload_id <> '', now() - initiated < '5 min' FROM s3_uploads('s3://$bucket/', 's3')"),
		qr/\Aout\.csv\|t\|t\z/, 'killed: s3_uploads() shows it');
	is(psql("SELECT count(*) FROM s3_abort_uploads('s3://$bucket/', server => 's3')"),
		'0', 'killed: s3_abort_uploads() does not touch an upload of today');
	is(scalar(s3_uploads($bucket)), 1, 'killed: so it is still there');
	is(psql("SELECT key FROM s3_abort_uploads('s3://$bucket/', '0', 's3')"),
		'out.csv', 'killed: s3_abort_uploads() aborts it on request');
	is_clean('killed');
}

fault_reset();
done_testing();
