#-------------------------------------------------------------------------
#
# S3Test.pm
#		What the TAP tests share: psql, places, memory, and all of S3Client.
#
# Only core Perl is used.  test/run starts the servers and passes them on in
# the environment:
#
#	S3_TEST_ENDPOINT, S3_TEST_ENDPOINT_TLS	the S3 server
#	S3_TEST_PROXY, S3_TEST_PROXY_TLS		the fault proxy in front of it
#	S3_TEST_CA								certificate of both
#	S3_TEST_DIR								the run directory
#	S3_FDW_UNIT_LIB							the module built from test/unit
#	PGHOST, PGPORT, PGUSER, PGDATABASE		the throwaway cluster
#
# Each test file run by test/run gets a database of its own, made when this
# module is loaded, without the extension.
#
# Strings returned are bytes.  Strings given may be bytes or characters; the
# latter are sent as UTF-8.
#
# IDENTIFICATION
#		test/perl/S3Test.pm
#
#-------------------------------------------------------------------------
package S3Test;

use strict;
use warnings;

use Exporter 'import';
use File::Basename qw(basename dirname);
use File::Temp ();
use Cwd ();
use IO::Handle;
use POSIX ":sys_wait_h";
use Time::HiRes qw(time sleep);

use S3Client;

our @EXPORT = qw(
  psql psql_err psql_start psql_send psql_finish lit slurp wait_until
  backend_rss track_rss peak_rss
  unit_lib corpora server_tmp
);
push @EXPORT, @S3Client::EXPORT;

my $scratch = File::Temp->newdir('s3test_XXXXXX', TMPDIR => 1);
my $serial = 0;

# lit($value): a literal for SQL text, backslashes and quotes and all; NULL for
# undef.  (q() itself is an operator of Perl.)
sub lit
{
	my ($value) = @_;

	return 'NULL' if !defined $value;
	my $escape = $value =~ /\\/ ? ' E' : '';
	$value =~ s/\\/\\\\/g;
	$value =~ s/'/''/g;
	return "$escape'$value'";
}

#-------------------------------------------------------------------------
# Running SQL
#-------------------------------------------------------------------------

# slurp($path): the bytes of a file.
sub slurp
{
	my ($path) = @_;

	open my $fh, '<:raw', $path or die "could not open $path: $!\n";
	local $/;
	my $data = <$fh>;
	return defined $data ? $data : '';
}

# The options shared by all functions that run SQL: db, user and vars (a hash
# of psql variables), and verbose to see SQLSTATEs.
sub psql_command
{
	my (%opts) = @_;
	my @command = ('psql', '-X', '-q', '-A', '-t', '-F', '|');
	my $vars = $opts{vars} || {};

	push @command, '-v', 'ON_ERROR_STOP=1' unless $opts{go_on};
	push @command, '-v', 'VERBOSITY=verbose' if $opts{verbose};
	push @command, '-d', $opts{db} if defined $opts{db};
	push @command, '-U', $opts{user} if defined $opts{user};
	push @command, '-v', "$_=$vars->{$_}" for sort keys %$vars;
	return @command;
}

# Start psql reading from a pipe, its output going to files, so that neither
# side can block the other however much is written.
sub spawn_psql
{
	my (%opts) = @_;
	my $self = { out => "$scratch/" . ++$serial . '.out' };

	$self->{err} = $self->{out} . '.err';
	pipe my $reader, my $writer or die "pipe: $!\n";
	$self->{process} = fork();
	die "fork: $!\n" if !defined $self->{process};
	if ($self->{process} == 0)
	{
		close $writer;
		open STDIN, '<&', $reader or POSIX::_exit(127);
		open STDOUT, '>', $self->{out} or POSIX::_exit(127);
		open STDERR, '>', $self->{err} or POSIX::_exit(127);
		$ENV{PGCLIENTENCODING} = 'UTF8';
		exec psql_command(%opts) or POSIX::_exit(127);
	}
	close $reader;
	$writer->autoflush(1);
	$self->{stdin} = $writer;
	return $self;
}

sub write_psql
{
	my ($self, $sql) = @_;
	my $text = $sql;

	utf8::encode($text) if utf8::is_utf8($text);
	local $SIG{PIPE} = 'IGNORE';
	print { $self->{stdin} } $text, "\n";
}

# Run SQL to its end: (stdout, stderr, exit status of psql).  The last newline
# of stdout is removed.
sub run_psql
{
	my ($sql, %opts) = @_;
	my $self = spawn_psql(%opts);

	write_psql($self, $sql);
	return psql_finish($self, timeout => $opts{timeout} || 600);
}

# psql($sql, %opts): run SQL, return its output, unaligned and tuples only;
# die with the message if any statement fails.
sub psql
{
	my ($sql, %opts) = @_;
	my ($out, $err, $rc) = run_psql($sql, %opts);

	die "psql failed ($rc): $err\nin: " . substr($sql, 0, 1000) . "\n" if $rc != 0;
	return $out;
}

# psql_err($sql, %opts): the same, but failures are returned, and the messages
# contain the SQLSTATE ("ERROR:  42501: ...").
sub psql_err
{
	my ($sql, %opts) = @_;

	return run_psql($sql, verbose => 1, %opts);
}

# psql_start($sql, %opts): run SQL in the background.  The handle's {pid} is
# the process id of the server process.  Further statements may be sent with
# psql_send.  Errors do not end the session if go_on is set.
sub psql_start
{
	my ($sql, %opts) = @_;
	my $self = spawn_psql(verbose => 1, %opts);
	my $pid_file = "$self->{out}.pid";

	write_psql($self, "\\o $pid_file\nSELECT pg_backend_pid();\n\\o");
	wait_until(sub { -s $pid_file || psql_ended($self) }, 30)
	  or die "psql did not start in 30 s\n";
	($self->{pid}) = -s $pid_file ? slurp($pid_file) =~ /^(\d+)$/m : ();
	die 'could not start psql: ' . slurp($self->{err}) . "\n"
	  if !defined $self->{pid};
	write_psql($self, ended($sql)) if defined $sql && length $sql;
	return $self;
}

# A statement that a waiting psql will run at once.
sub ended
{
	my ($sql) = @_;

	return $sql =~ /(?:;|\n\\.*)\s*\z/ ? $sql : "$sql\n;";
}

sub psql_ended
{
	my ($self) = @_;

	return 1 if defined $self->{status};
	return 0 if waitpid($self->{process}, WNOHANG) != $self->{process};
	$self->{status} = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	return 1;
}

# psql_send($handle, $sql, timeout => s): run further statements and wait for
# them; returns what they alone wrote, as (stdout, stderr).
sub psql_send
{
	my ($self, $sql, %opts) = @_;
	my $mark = 'mark ' . ++$self->{marks};
	my $out_from = $self->{out_seen} || 0;
	my $err_from = $self->{err_seen} || 0;
	my $timeout = $opts{timeout} || 60;
	my ($out, $err);

	# psql writes stdout out after every statement, so when the mark is in
	# stderr, all of stdout before it is in the file.
	write_psql($self, ended($sql) . "\n\\warn $mark");
	wait_until(
		sub {
			$err = substr(slurp($self->{err}), $err_from);
			return $err =~ /^\Q$mark\E\n/m || psql_ended($self);
		},
		$timeout) or die "statement took more than $timeout s: $sql\n";
	$out = substr(slurp($self->{out}), $out_from);
	$err = substr(slurp($self->{err}), $err_from);
	$self->{out_seen} = $out_from + length $out;
	$self->{err_seen} = $err_from + length $err;
	$err =~ s/^mark \d+\n//mg;
	chomp $out;
	return ($out, $err);
}

# psql_finish($handle, timeout => s): wait for the end of a session; returns
# (stdout, stderr, exit status).
sub psql_finish
{
	my ($self, %opts) = @_;
	my $timeout = $opts{timeout} || 60;

	close $self->{stdin};
	if (!wait_until(sub { psql_ended($self) }, $timeout))
	{
		kill 'KILL', $self->{process};
		waitpid $self->{process}, 0;
		die "psql was still running after $timeout s\n";
	}
	my ($out, $err) = (slurp($self->{out}), slurp($self->{err}));
	unlink $self->{out}, $self->{err}, "$self->{out}.pid";
	$err =~ s/^mark \d+\n//mg;
	chomp $out;
	return ($out, $err, $self->{status});
}

# wait_until($condition, $seconds): poll; the condition's value, or false.
sub wait_until
{
	my ($condition, $seconds) = @_;
	my $end = time + $seconds;
	my $pause = 0.001;

	while (1)
	{
		my $value = $condition->();
		return $value if $value;
		return '' if time > $end;
		sleep $pause;
		$pause *= 1.5 if $pause < 0.02;
	}
}

#-------------------------------------------------------------------------
# Memory
#-------------------------------------------------------------------------

# backend_rss($pid): private memory of a process in bytes; undef if it is gone.
sub backend_rss
{
	my ($pid) = @_;

	open my $fh, '<', "/proc/$pid/status" or return undef;
	while (my $line = <$fh>)
	{
		return $1 * 1024 if $line =~ /^RssAnon:\s+(\d+) kB/;
	}
	return undef;
}

# track_rss($pid) begins to sample the private memory of a process every 5 ms,
# and that of its parallel workers; peak_rss($tracker) ends that and returns the
# highest value seen of any one of them, in bytes.
sub worker_pids
{
	my ($leader) = @_;
	my @pids;

	for my $dir (glob '/proc/[0-9]*')
	{
		open my $fh, '<', "$dir/cmdline" or next;
		my $title = readline $fh;
		push @pids, substr($dir, 6)
		  if defined $title && $title =~ /parallel worker for PID $leader\b/;
	}
	return @pids;
}

sub track_rss
{
	my ($pid) = @_;

	pipe my $reader, my $writer or die "pipe: $!\n";
	my $child = fork();
	die "fork: $!\n" if !defined $child;
	if ($child == 0)
	{
		my ($peak, $stop, $n) = (0, 0, 0);
		my @workers;

		close $reader;
		local $SIG{TERM} = sub { $stop = 1 };
		syswrite $writer, "ready\n";
		while (!$stop)
		{
			my $rss = backend_rss($pid);
			last if !defined $rss;
			@workers = worker_pids($pid) if $n++ % 10 == 0;
			for my $seen ($rss, map { backend_rss($_) || 0 } @workers)
			{
				$peak = $seen if $seen > $peak;
			}
			select undef, undef, undef, 0.005;
		}
		syswrite $writer, "$peak\n";
		POSIX::_exit(0);
	}
	close $writer;
	readline $reader;
	return { child => $child, reader => $reader };
}

sub peak_rss
{
	my ($tracker) = @_;

	kill 'TERM', $tracker->{child};
	my $peak = readline $tracker->{reader};
	waitpid $tracker->{child}, 0;
	return 0 + $peak;
}

#-------------------------------------------------------------------------
# Places
#-------------------------------------------------------------------------

my $project = Cwd::abs_path(dirname(__FILE__) . '/../..');

# The module built from test/unit, or undef.
sub unit_lib
{
	return $ENV{S3_FDW_UNIT_LIB};
}

# The directory of published test data beside the project, or undef: tests of
# it skip, saying so.
sub corpora
{
	my $dir = $ENV{S3_TEST_CORPORA} || "$project/../shared/corpora";

	return -d $dir ? Cwd::abs_path($dir) : undef;
}

# A directory that the server's processes and the tests may read and write,
# one per test file.
my $server_tmp;

sub server_tmp
{
	return $server_tmp if defined $server_tmp;
	if (defined $ENV{S3_TEST_DIR})
	{
		$server_tmp = "$ENV{S3_TEST_DIR}/tmp/" . basename($0, '.pl') . ".$$";
		mkdir $server_tmp or die "could not create $server_tmp: $!\n";
	}
	else
	{
		$server_tmp = File::Temp->newdir('s3test_server_XXXXXX', TMPDIR => 1);
	}
	chmod 0777, "$server_tmp";
	return "$server_tmp";
}

# Give the test file a database of its own.
if (defined $ENV{S3_TEST_DIR} && !defined $ENV{S3_TEST_OWN_DATABASE})
{
	my $db = lc(basename($0, '.pl')) . "_$$";

	$db =~ s/[^a-z0-9_]/_/g;
	psql(qq{CREATE DATABASE "$db" TEMPLATE template0}, db => 'postgres');
	$ENV{PGDATABASE} = $db;
	$ENV{S3_TEST_OWN_DATABASE} = $db;
}

1;
