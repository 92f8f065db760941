#-------------------------------------------------------------------------
#
# 037_export_faults.pl
#		Requests of exports by many processes, of exports of many files, and of
#		s3_concat() fail, each in its turn and in every way.
#
# As requests come in changing order, a fault is for the n-th request of a kind.
# One that passes is not noticed; one that does not is an error.  After an error
# nothing is there that was not there before, unless it has to be and a warning
# says so, and no upload is open.  What a statement that succeeds has written is
# right.
#
# S3_TEST_FAULTS names cases to run, between blanks; all if not set.
#
# IDENTIFICATION
#		test/t/037_export_faults.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use IO::Handle;
use Test::More;
use Time::HiRes qw(time sleep);

use lib "$FindBin::Bin/../perl";
use S3Export;
use S3Test;

my $bucket = 'exportfaults';
my @names = qw(single parallel clean files concat);

# No statement here takes longer, however many faults it meets.
my $time_limit = 12;

my $settings = <<'SQL';
SET s3_fdw.upload_memory = '30MB';
SET s3_fdw.stall_timeout = '1s';
SET s3_fdw.connect_timeout = '1s';
SET s3_fdw.abort_timeout = '1500ms';
SQL

# Kinds of requests, by method, path and query.
my %kinds = (
	listing => [ 'GET', 'list-type' ],
	read => [ 'GET', '^[^?]*[.]csv$' ],
	'look-up' => [ 'HEAD', '.' ],
	creation => [ 'POST', '\?uploads' ],
	part => [ 'PUT', 'partNumber=' ],
	completion => [ 'POST', 'uploadId=' ],
	manifest => [ 'PUT', '/_manifest$' ],
	marker => [ 'PUT', '/_SUCCESS$' ],
	deletion => [ 'DELETE', '^[^?]*$' ]);

# The faults: what is done to a request of a method, and whether one occurrence
# must not be noticed.  undef: it cannot be had.
my $waiting = qr/no answer|stall/;
my $at_last = qr/^reset|403|lost to a reset/;
my $at_second = qr/$waiting|$at_last|200/;
my @faults = (
	[ 'reset', 1, sub { { close => 1 } } ],
	[ '500', 1, sub { { status => 500, code => 'InternalError' } } ],
	[ '503 SlowDown', 1, sub { { status => 503, code => 'SlowDown' } } ],
	[ '403', 0, sub { { status => 403, code => 'AccessDenied' } } ],
	[ 'body cut', 1, sub { $_[0] =~ /listing|creation|completion/ ? { truncate => 20 } : undef } ],
	[ 'no answer', 1, sub { $_[0] eq 'completion' ? undef : { delay => 20, close => 1 } } ],
	[ 'stall in the body', 1, sub { $_[0] =~ /listing|creation/ ? { hang => 20, seconds => 20 } : undef } ],
	[ '200 with an error', 1, sub { $_[0] =~ /look-up|deletion/ ? undef : { status => 200, code => 'InternalError' } } ],
	[ 'answer lost to a 503', 1, sub { { after => 1, status => 503, code => 'ServiceUnavailable' } } ],
	[ 'answer lost to a reset', 1, sub { { after => 1, close => 1 } } ]);

#-------------------------------------------------------------------------
# One case, in a process of its own
#-------------------------------------------------------------------------

my $session;

# A new process has a new quota of repetitions.
sub new_session
{
	my ($case) = @_;

	psql_finish($session) if $session;
	$session = psql_start("$settings $case->{settings}", go_on => 1);
	psql_send($session, '');
}

# Run the statement; returns whether it succeeded, what it says and what is
# wrong whatever it met.
sub run_statement
{
	my ($case, $retries, $sql) = @_;
	my $pid = $session->{pid};
	my @wrong;

	psql_send($session, "SET s3_fdw.max_retries = $retries");
	my $begin = time;
	my ($out, $err) = psql_send($session, $sql || $case->{sql});
	my $seconds = time - $begin;
	my ($now) = eval { psql_send($session, 'SELECT pg_backend_pid()') };

	push @wrong, "it took $seconds s" if $seconds > $time_limit;
	push @wrong, "the error is an internal one: $err" if $err =~ /^ERROR:  XX/m;
	push @wrong, 'a secret is in a message' if $err =~ /demosecret|AWS4-HMAC|Signature=/;
	if (!defined $now || $now ne $pid)
	{
		push @wrong, "the session ended: $err";
		$session = undef;
		new_session($case);
	}
	return ($err !~ /^ERROR|FATAL|server closed/m, $out, $err, @wrong);
}

# The right outcome of an error in a request of a kind.
sub outcome
{
	my ($case, $kind, $err) = @_;

	return 'late' if $kind =~ /marker|deletion/ || $err =~ /writing the success marker/;
	return 'partly' if %{ $case->{old} } && $kind =~ /completion|look-up|manifest/;
	return 'failed';
}

# What is said of objects that replaced others, or may have, before an error.
sub wrong_warning
{
	my ($case, $how, $err) = @_;
	my $said = $err =~ /^WARNING: .*objects were written before the command failed/m;
	my $written = $how eq 'partly' && do
	{
		my $objects = export_objects($case);

		grep { m{^k=[0-2]/} && $objects->{$_} =~ /-/ } keys %$objects;
	};

	return ('there is no warning of what was written') if $written && !$said;
	return ("a warning without a reason: $err")
	  if !$written && $err =~ /^WARNING/m || $said && !$written;
	return ();
}

# How many requests of a kind there were in the last statement.
sub count_kind
{
	my ($method, $match) = @{ $kinds{ $_[0] } };

	return scalar grep { $_->{method} eq $method && $_->{uri} =~ /$match/ } fault_log();
}

# Workers have sent parts.
sub workers_took_part
{
	my %leader = map { $_->{connection} => 1 }
	  grep { $_->{method} =~ /HEAD|GET/ || $_->{uri} =~ /uploadId=/ && $_->{method} eq 'POST' } fault_log();

	return grep { $_->{uri} =~ /partNumber=/ && !$leader{ $_->{connection} } } fault_log();
}

sub run_case
{
	my ($name) = @_;
	my $case = export_case($name, $bucket);
	my ($ok, $out, $err, @wrong);
	my %count;

	STDOUT->autoflush(1);
	new_session($case);
	for (1 .. 2)
	{
		export_prepare($case);
		fault_reset();
		($ok, $out, $err, @wrong) = run_statement($case, 2);
		push @wrong, $ok ? export_wrong($case, 'done') : $err;
	}
	report('a clean run', @wrong);
	report('workers took part', workers_took_part() ? () : 'they did not')
	  if $case->{settings} =~ /per_gather = 2/;
	$count{$_} = count_kind($_) for keys %kinds;

	for my $kind (grep { $count{$_} } sort keys %kinds)
	{
		my ($method, $match) = @{ $kinds{$kind} };
		my %seen;

		for my $n (grep { $_ <= $count{$kind} && !$seen{$_}++ } 1, 2, $count{$kind})
		{
			for my $fault (@faults)
			{
				my ($what, $survived, $make) = @$fault;
				my $rule = $make->($kind);
				my $test = "$kind $n, $what";

				next if !defined $rule || $what =~ $waiting && $n != 2 && $count{$kind} > 1 ||
				  $n == 2 && $what !~ $at_second || $n > 2 && $what !~ $at_last;
				$rule = { %$rule, method => $method, match => $match, skip => $n - 1 };

				# Once.
				export_prepare($case);
				fault_reset();
				fault(%$rule);
				($ok, $out, $err, @wrong) = run_statement($case, 2);
				my $met = all_met();
				my $how = $ok ? 'done' : outcome($case, $kind, $err);
				push @wrong, export_wrong($case, $how);
				push @wrong, wrong_warning($case, $how, $err) if !$ok;
				push @wrong, "a warning without a reason: $err" if $ok && $err =~ /WARNING/;
				push @wrong, "it was not survived: $err" if !$ok && ($survived || !$met);
				push @wrong, 'it succeeded or failed otherwise: ' . ($ok ? 'ok' : $err)
				  if !$survived && $met && $kind ne 'look-up' && ($ok || $err !~ /^ERROR:  42501/m);
				push @wrong, 'the fault did not happen' if !$met && $n == 1;
				report("$test, once", @wrong);

				# Ever after.
				next if $what =~ /503|cut|stall/ || $what eq 'no answer' && $kind !~ /creation|part/;
				export_prepare($case);
				fault_reset();
				fault(%$rule, count => -1);
				($ok, $out, $err, @wrong) = run_statement($case, 1);
				$how = $ok ? 'done' : outcome($case, $kind, $err);
				$met = grep { $_->{fault} eq 'yes' } fault_log();
				push @wrong, export_wrong($case, $how);
				push @wrong, wrong_warning($case, $how, $err) if !$ok;
				push @wrong, "it succeeded: $out"
				  if $ok && $what !~ /lost/ && $kind ne 'look-up' && $met;
				report("$test, and ever after", @wrong);
			}
			new_session($case);
		}
	}

	# The clean-up fails, too.
	for my $kind (grep { $count{$_} } 'part', 'completion')
	{
		my ($method, $match) = @{ $kinds{$kind} };

		export_prepare($case);
		fault_reset();
		fault(method => $method, match => $match, status => 403, code => 'AccessDenied', skip => 1, count => -1);
		fault(method => 'DELETE', status => 500, code => 'InternalError', count => -1);
		fault(method => 'GET', match => 'uploads', status => 500, code => 'InternalError', count => -1);
		($ok, $out, $err, @wrong) = run_statement($case, 1);
		if ($count{$kind} > 1)
		{
			push @wrong, "the error is not the first one: $err" if $ok || $err !~ /^ERROR:  42501/m;
			push @wrong, "there is no warning: $err"
			  if $err !~ /WARNING.*may be left/;
			push @wrong, "nobody says what to do: $err" if $err !~ /s3_abort_uploads/;
		}
		report("$kind 2 and all of the clean-up fail", @wrong);
		export_prepare($case);
		new_session($case);
	}
	fault_reset();
	psql_finish($session);
}

if (@ARGV && $ARGV[0] eq '--case')
{
	run_case($ARGV[1]);
	exit 0;
}

#-------------------------------------------------------------------------
# All of them
#-------------------------------------------------------------------------

plan skip_all => 'there is no fault proxy' if !$ENV{S3_TEST_PROXY};

s3_make_bucket($bucket);
psql('CREATE EXTENSION s3_fdw');
export_tables($bucket);
my %wanted = map { $_ => 1 } split ' ', $ENV{S3_TEST_FAULTS} || "@names";
side_by_side($bucket, grep { $wanted{$_} } @names);
is_deeply([ s3_uploads($bucket) ], [], 'no upload is open in the end');

#-------------------------------------------------------------------------
# What others do meanwhile
#-------------------------------------------------------------------------

psql(<<"SQL");
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}', region 'us-east-1');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE SERVER other FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}', region 'us-east-1');
CREATE USER MAPPING FOR CURRENT_USER SERVER other
	OPTIONS (access_key_id 'otherkey', secret_access_key 'othersecret');
SQL

# A case through another server.
sub case_by
{
	my ($name, $server) = @_;
	my $case = export_case($name, $bucket);

	$case->{sql} =~ s/'$name'/'$server'/;
	export_prepare($case);
	fault_reset();
	return $case;
}

# A session in which the statement of a case is brought to where the rules lead.
sub begin_case
{
	my ($case, @rules) = @_;

	fault(%$_) for @rules;
	my $handle = psql_start("$settings $case->{settings} SET s3_fdw.stall_timeout = '60s'", go_on => 1);
	psql_send($handle, '');
	S3Test::write_psql($handle, "$case->{sql};");
	ok(wait_until(\&all_met, 20), "$case->{name}: the state was reached");
	return $handle;
}

sub is_right
{
	my ($case, $how, $test) = @_;

	is(join('; ', export_wrong($case, $how)), '', $test);
}

# The key is taken while the bytes are sent.
for my $name (qw(single parallel))
{
	my $case = case_by($name, 's3');
	my $key = $case->{object} || 'k=1/part-00000-00000.csv';
	my $handle = begin_case($case, { method => 'PUT', match => 'partNumber=', delay => 1 });

	s3_put($bucket, "$name/$key", 'mine');
	my (undef, $err) = psql_send($handle, '');
	like($err, qr{^ERROR:  58P02: object "s3://$bucket/$name/\Q$key\E" already exists}m,
		"$name: an object of another is in the way");
	$case->{old} = { $key => 'mine' };
	is_right($case, 'failed', "$name: which stays, and nothing else");
	psql_finish($handle);
}

# And after the last look: the store says so.
for my $name (qw(single parallel))
{
	my $case = case_by($name, 's3');

	fault(method => 'POST', match => 'uploadId=', status => 412, code => 'PreconditionFailed',
		skip => $name eq 'single' ? 0 : 2);
	my (undef, $err) = psql_err("$settings $case->{settings} $case->{sql};");
	like($err, qr{^ERROR:  58P02: object "s3://$bucket/$name/.*" already exists}m, "$name: 412");
	is_right($case, 'failed', "$name: 412 leaves nothing");
}

# One without a right to the bucket.
for my $name (qw(single parallel files clean))
{
	my $case = case_by($name, 'other');
	my (undef, $err) = psql_err("$settings $case->{settings} $case->{sql};");

	like($err, qr/^ERROR:  42501: /m, "$name: no right to the bucket");
	unlike($err, qr/^WARNING/m, "$name: no warning");
	is_right($case, 'failed', "$name: nothing is left");
}

# One who may read, but not write.
s3_request('PUT', $bucket, undef, query => { policy => undef }, body => <<"JSON")->{success} or die "no policy\n";
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/other"]},
	"Action": ["s3:ListBucket", "s3:GetObject"], "Resource": ["arn:aws:s3:::$bucket", "arn:aws:s3:::$bucket/*"]}]}
JSON
for my $name (qw(single parallel files clean))
{
	my $case = case_by($name, 'other');
	my (undef, $err) = psql_err("$settings $case->{settings} $case->{sql};");

	like($err, qr/^ERROR:  42501: could not begin writing/m, "$name: no right to write");
	like($err, qr/^CONTEXT:.*parallel worker/ms, "$name: as a worker says") if $name =~ /parallel|clean/;
	is_right($case, 'failed', "$name: nothing is left");
}
s3_request('DELETE', $bucket, undef, query => { policy => undef });

#-------------------------------------------------------------------------
# Errors that are caught, again and again
#-------------------------------------------------------------------------

psql(<<"SQL");
CREATE FUNCTION caught(query text, location text) RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	PERFORM s3_export(query, location, 's3', part_size => CASE WHEN location !~ '/\$' THEN '5MB' END,
		partition_by => CASE WHEN location ~ '/\$' THEN 'k' END,
		rows_per_file => CASE WHEN location ~ '/\$' THEN 20 END);
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	CREATE TEMP TABLE IF NOT EXISTS written (n int);
	RETURN SQLSTATE || ' ' || (SELECT count(*) FROM s3_uploads('s3://$bucket/', 's3'));
END \$\$;
SQL

# Memory shared with workers that is mapped, descriptors (connections are kept,
# so that their number goes up and down), our memory contexts.
sub resources
{
	my ($handle) = @_;
	my @fds = glob "/proc/$handle->{pid}/fd/*";
	my ($ours) = psql_send($handle, "SELECT count(*) FROM pg_backend_memory_contexts WHERE name ~ '^s3_fdw'");

	open my $fh, '<', "/proc/$handle->{pid}/maps" or return undef;
	return { fds => scalar @fds, ours => $ours, shared => scalar grep { m{/dev/shm/|/pg_dynshmem/} } <$fh> };
}

for my $case (map { export_case($_, $bucket) } qw(single parallel))
{
	my $handle = psql_start("$settings $case->{settings}", go_on => 1);
	my $location = "s3://$bucket/$case->{prefix}" . ($case->{object} || '');
	my $query = $case->{object} ? 'SELECT 1 / (n - 7000), t FROM large' : 'SELECT 1 / (n - 850), k FROM small';
	my $failing = sub {
		my ($many) = @_;

		return (psql_send($handle, "SELECT string_agg(DISTINCT caught(@{[ lit($query) ]}, '$location'), '; ') FROM generate_series(1, $many)"))[0];
	};

	fault_reset();
	is($failing->(2), '22012 0', "$case->{name}, caught: the uploads are gone when the handler begins");
	cmp_ok(scalar(grep { $_->{uri} =~ /uploads/ && $_->{method} eq 'POST' } fault_log()), '>=', 2,
		"$case->{name}, caught: there were uploads");
	my $before = resources($handle);
	is($failing->(30), '22012 0', "$case->{name}, caught: again and again");
  SKIP:
	{
		skip 'there is no /proc', 2 if !defined $before;
		my $now = resources($handle);

		cmp_ok(delete $now->{fds}, '<', 24 + delete $before->{fds}, "$case->{name}, caught: no descriptor is lost");
		is_deeply($now, $before, "$case->{name}, caught: no memory is lost");
	}
	is_right($case, 'failed', "$case->{name}, caught: nothing is left");
	psql_finish($handle);
}

#-------------------------------------------------------------------------
# The end of a worker, or of all processes
#-------------------------------------------------------------------------

sub workers_of
{
	my ($handle) = @_;

	return split /\n/, psql("SELECT pid FROM pg_stat_activity WHERE leader_pid = $handle->{pid} AND pid <> leader_pid");
}

for my $name (qw(single parallel))
{
	for my $what ('part', 'creation')
	{
		next if $name eq 'single' && $what eq 'creation';
		my $case = case_by($name, 's3');
		my $handle = begin_case($case, $what eq 'part' ?
			{ method => 'PUT', match => 'partNumber=', delay => 60, close => 1 } :
			{ method => 'POST', match => '\?uploads', hang => 20, seconds => 60 });
		my @workers = workers_of($handle);
		my $begin = time;

		ok(@workers, "$name: there are workers");
		psql("SELECT pg_terminate_backend($_)") for @workers;
		my (undef, $err) = psql_send($handle, '');
		like($err, qr/^ERROR:  57P01: terminating background worker/m, "$name, in its $what: the workers are terminated");
		cmp_ok(time - $begin, '<', 3, "$name, in its $what: the leader sees it at once");
		unlike($err, qr/^WARNING/m, "$name, in its $what: no warning");
		is((psql_send($handle, 'SELECT pg_backend_pid()'))[0], $handle->{pid}, 'the session goes on');
		is_right($case, 'failed', "$name, in its $what: nothing is left");
		psql_finish($handle);
	}
}

# The server restarts.
SKIP:
for my $name (qw(single parallel files concat))
{
	my $case = case_by($name, 's3');
	my $skip = $name =~ /single|concat/ ? 1 : 2;
	my $handle = begin_case($case,
		{ method => 'PUT', match => 'partNumber=', skip => $skip, delay => 60, close => 1 });
	my $killed = 0;

	# A worker that has no more to do may be gone before it is hit.
	for my $victim (workers_of($handle), $handle->{pid})
	{
		$killed += kill 'KILL', $victim;
		last if $killed && wait_until(sub { S3Test::psql_ended($handle) }, 10);
	}
	skip 'the server belongs to another user', 1 if !$killed;
	psql_finish($handle);
	ok(wait_until(sub { eval { psql('SELECT 1') } }, 30), "$name, killed: the server comes back");
	fault_reset();
	is_deeply(export_objects($case), {}, "$name, killed: no object");
	cmp_ok(scalar(s3_uploads($bucket)), '>=', 1, "$name, killed: uploads are left");
	is(psql("SELECT count(*) FROM s3_abort_uploads('s3://$bucket/$name/', server => 's3')"),
		'0', "$name, killed: s3_abort_uploads() does not touch uploads of today");
	cmp_ok(psql("SELECT count(*) FROM s3_abort_uploads('s3://$bucket/$name/', '0', 's3')"),
		'>=', 1, "$name, killed: but does so on request");
	is_right($case, 'failed', "$name, killed: then nothing is left");
}

done_testing();
