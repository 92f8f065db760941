#-------------------------------------------------------------------------
#
# S3Lane.pm
#		Which of the run's servers a test file has for itself.
#
# test/run starts a PostgreSQL and a fault proxy for each of the test files that
# run at the same time; the S3 server is one for all.  A test file takes the
# first pair that is free, before anything else, and has it until it ends:
#
#	S3_TEST_LANES	directory of files with their variables, as the shell has them
#	S3_TEST_LANE	set for what a test file starts: it has its servers already
#
# IDENTIFICATION
#		test/perl/S3Lane.pm
#
#-------------------------------------------------------------------------
package S3Lane;

use strict;
use warnings;

use Fcntl ':flock';

my $lock;

sub take
{
	my ($file) = @_;

	open my $fh, '<', $file or die "could not open $file: $!\n";
	return 0 if !flock $fh, LOCK_EX | LOCK_NB;
	while (<$fh>)
	{
		$ENV{$1} = $2 while /(\w+)='?([^'\s]*)'?/g;
	}
	$ENV{S3_TEST_LANE} = $file;
	$lock = $fh;
	return 1;
}

if (defined $ENV{S3_TEST_LANES} && !defined $ENV{S3_TEST_LANE})
{
	for my $file (glob "$ENV{S3_TEST_LANES}/*")
	{
		last if take($file);
	}
	die "all servers are taken\n" if !$lock;
}

1;
