#-------------------------------------------------------------------------
#
# 038_export_cancel.pl
#		Exports by many processes, exports of many files, and s3_concat() that
#		are stopped from outside, in every state they can be in.
#
# A statement is driven into a state by a request that is never answered, and
# is then canceled, or runs into its timeout.  Nothing is left behind, unless
# all files were complete, and the session goes on.
#
# S3_TEST_FAULTS names cases to run, between blanks; all if not set.
#
# IDENTIFICATION
#		test/t/038_export_cancel.pl
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

my $bucket = 'exportcancel';
my @names = qw(single alone files parallel clean concat);

# A cancel has to be answered within a second, and the remains removed within
# another; the third is for a slow machine.
my $time_limit = 3;
my $statement_timeout = 2;

my $settings = <<'SQL';
SET s3_fdw.upload_memory = '30MB';
SET s3_fdw.connect_timeout = '60s';
SET s3_fdw.stall_timeout = '60s';
SET s3_fdw.max_retries = 20;
SQL

# Before the store has done what was asked for, after it has, while it answers.
my %before = (delay => 60, close => 1);
my %after = (hang => 0, seconds => 60, set => { 'Content-Length' => '' });
my %within = (hang => 20, seconds => 60);
my %throttle = (status => 503, code => 'SlowDown', retry_after => 15, count => -1);

my @creation = (method => 'POST', match => '\?uploads');
my @part = (method => 'PUT', match => 'partNumber=');
my @completion = (method => 'POST', match => 'uploadId=');

# The states: of which cases, what it is, what leads there; how the location is
# to be then, if not as before (see S3Export).
my @states = (
	[ 'files parallel clean concat', 'listing', { match => 'list-type', %before } ],
	[ 'single alone concat', 'the first look-up', { method => 'HEAD', %before } ],
	[ 'all', 'a creation, before the store did it', { @creation, %before } ],
	[ 'all', 'a creation, after the store did it', { @creation, %within } ],
	[ 'files parallel clean', 'the second creation', { @creation, skip => 1, %before } ],
	[ 'files parallel', 'all creations, after the store did them', { @creation, count => 3, %within } ],
	[ 'concat', 'reading a source', { match => '^[^?]*part-4\.csv$', method => 'GET', %before } ],
	[ 'all', 'the first part', { @part, %before } ],
	[ 'all', 'the first part, after the store took it', { @part, %after } ],
	[ 'all', 'the second part', { @part, skip => 1, %before } ],
	[ 'single alone', 'the first two parts', { @part, count => 2, %before } ],
	[ 'files parallel clean', 'all parts, of sealed files', { @part, count => 3, %before } ],
	[ 'all', 'a part that is to be tried again', { @part, %throttle } ],
	[ 'single', 'tails being glued', { match => 'partNumber=3', %before } ],
	[ 'alone concat', 'the last part', { match => 'partNumber=3', %before } ],
	[ 'concat', 'looking at sources again', { method => 'HEAD', match => 'sources', %before } ],
	[ 'single alone', 'the second look-up', { method => 'HEAD', skip => 1, %before } ],
	[ 'files parallel', 'the look-up before completion', { method => 'HEAD', %before } ],
	[ 'all', 'completing, before the store did it', { @completion, %before }, 'partly' ],
	[ 'single alone files parallel concat', 'completing, after the store did it', { @completion, %within } ],
	[ 'files parallel clean', 'completing the third, the others being complete',
		{ @completion, skip => 2, %before }, 'partly' ],
	[ 'files parallel', 'completing all, after the store did it', { @completion, count => 3, %within } ],
	[ 'files parallel clean', 'the manifest', { method => 'PUT', match => 'manifest', %before }, 'partly' ],
	[ 'files parallel', 'the manifest, after the store took it', { method => 'PUT', match => 'manifest', %after } ],
	[ 'clean', 'deleting the old marker', { method => 'DELETE', match => '_SUCCESS', %before }, 'late' ],
	[ 'clean', 'deleting', { method => 'DELETE', match => 'k%3D7', %before }, 'late' ],
	[ 'files parallel clean', 'the marker', { method => 'PUT', match => '_SUCCESS', %before }, 'late' ],
	[ 'files parallel', 'the marker, after the store took it', { method => 'PUT', match => '_SUCCESS', %after }, 'late' ]);

my $session;

sub new_session
{
	my ($case) = @_;

	psql_finish($session) if $session;
	$session = psql_start("$settings $case->{settings}", go_on => 1);
	psql_send($session, '');
}

# No worker is left, and the session goes on.
sub wrong_session
{
	my $pid = $session->{pid};
	my ($now, $err) = psql_send($session,
		"SELECT pg_backend_pid(), count(*) FROM pg_stat_activity WHERE leader_pid = $pid AND pid <> $pid");

	return $now eq "$pid|0" ? () : "the session does not go on, or workers do: $now $err";
}

# What is said, and what is there, after a statement of a case was stopped.
sub wrong_end
{
	my ($case, $err, $seconds, $how) = @_;
	my @wrong;

	$how = 'failed' if !defined $how || $how eq 'partly' && !%{ $case->{old} };
	push @wrong, "it took $seconds s" if $seconds > $time_limit;
	push @wrong, "it says: $err" if $err !~ /^ERROR:  57014: canceling statement due to/m;
	push @wrong, "a warning: $err"
	  if $how eq 'partly' ? $err =~ /^WARNING: (?!.*objects were written before)/m : $err =~ /^WARNING/m;
	push @wrong, wrong_session(), export_wrong($case, $how);
	return @wrong;
}

# Has an answer been made up?
sub one_met
{
	return scalar grep { $_->{fault} eq 'yes' } fault_log();
}

# Begin the statement and bring it into the state.
sub reach
{
	my ($case, $reached) = @_;

	S3Test::write_psql($session, "$case->{sql};");
	my $came = wait_until($reached || \&all_met, 20);
	sleep 0.1;
	return $came ? () : 'the state was not reached';
}

sub cancel
{
	psql("SELECT pg_cancel_backend($session->{pid})");
}

sub run_case
{
	my ($name) = @_;
	my $case = export_case($name, $bucket);
	my ($out, $err, @wrong);

	STDOUT->autoflush(1);
	new_session($case);
	my $number = 0;
	for my $state (@states)
	{
		my ($of, $what, $rule, $how) = @$state;
		my $reached = ($rule->{count} || 1) < 0 ? \&one_met : \&all_met;
		my ($begin, $seconds);

		next if $of ne 'all' && " $of " !~ / $name /;
		export_prepare($case);
		fault_reset();
		fault(%$rule);
		if ($number++ % 3 < 2)
		{
			@wrong = reach($case, $reached);
			$begin = time;
			cancel();
			(undef, $err) = psql_send($session, 'SELECT 1');
			$seconds = time - $begin;
			report("$what, canceled", @wrong, wrong_end($case, $err, $seconds, $how));
		}
		else
		{
			$begin = time;
			psql_send($session, "SET statement_timeout = '${statement_timeout}s'");
			(undef, $err) = psql_send($session, $case->{sql});
			$seconds = time - $begin - $statement_timeout;
			@wrong = $reached->() ? () : 'the state was not reached';
			psql_send($session, 'RESET statement_timeout');
			report("$what, timeout", @wrong, wrong_end($case, $err, $seconds, $how));
		}
	}

	# The store may be slow to do what it was asked for before.
	if ($name ne 'concat')
	{
		my $key = $case->{prefix} . ($case->{object} || 'k=0/part-00000-00000.csv');

		export_prepare($case);
		psql_send($session, 'SET max_parallel_workers_per_gather = 1')
		  if $case->{settings} =~ /per_gather = 2/;
		fault_reset();
		fault(@creation, match => $case->{object} ? '\?uploads' : 'k%3D0.*\?uploads', %before);
		@wrong = reach($case);
		my $begin = time;
		cancel();
		sleep 0.3;
		s3_start_upload($bucket, $key);
		(undef, $err) = psql_send($session, 'SELECT 1');
		report('a creation that happens after the cancel',
			@wrong, wrong_end($case, $err, time - $begin));
		new_session($case);
	}

	# A second cancel while the first one is at work.
	export_prepare($case);
	fault_reset();
	fault(@part, skip => 1, %before);
	@wrong = reach($case);
	fault(method => 'DELETE', match => 'uploadId', delay => 1);
	my $begin = time;
	cancel();
	wait_until(\&all_met, 5);
	cancel();
	sleep 0.2;
	cancel();
	(undef, $err) = psql_send($session, 'SELECT 1');
	report('aborting, canceled twice', @wrong, wrong_end($case, $err, time - $begin));

	# Or the end of the session.
	for my $twice ('', ', while a cancel is at work')
	{
		new_session($case);
		my $pid = $session->{pid};

		export_prepare($case);
		fault_reset();
		fault(@part, skip => 1, %before);
		@wrong = reach($case);
		fault(method => 'DELETE', match => 'uploadId', delay => 1) if $twice;
		$begin = time;
		if ($twice)
		{
			cancel();
			wait_until(\&all_met, 5);
		}
		psql("SELECT pg_terminate_backend($pid)");
		wait_until(
			sub {
				psql("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid OR leader_pid = $pid") eq '0';
			}, 15) or push @wrong, 'the process does not end';
		my $seconds = time - $begin;
		(undef, $err) = psql_finish($session);
		$session = undef;
		push @wrong, "it took $seconds s" if $seconds > $time_limit;
		push @wrong, "it says: $err" if $err !~ ($twice ? qr/57P01|57014/ : qr/57P01/);
		push @wrong, "a warning: $err" if $err =~ /^WARNING/m;
		report("terminated$twice", @wrong, export_wrong($case, 'failed'));
	}
	new_session($case);

	# All of it can be had afterwards.
	export_prepare($case);
	fault_reset();
	($out, $err) = psql_send($session, $case->{sql});
	report('the next one succeeds', $err =~ /ERROR/ ? $err : export_wrong($case, 'done'));
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
done_testing();
