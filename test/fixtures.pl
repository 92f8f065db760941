#!/usr/bin/env perl
#-------------------------------------------------------------------------
#
# fixtures.pl [BUCKET]
#		Make the bucket of the regression tests (regress), holding every file
#		below test/data under its relative path.
#
# Reads the server's address from S3_TEST_ENDPOINT.
#
# IDENTIFICATION
#		test/fixtures.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use Cwd ();
use File::Basename qw(dirname);
use File::Find ();

BEGIN
{
	# This is no test, and needs no database.
	$ENV{S3_TEST_OWN_DATABASE} = '';
}
use lib dirname(__FILE__) . '/perl';
use S3Test;

my $bucket = @ARGV ? $ARGV[0] : 'regress';
my $data = Cwd::abs_path(dirname(__FILE__)) . '/data';
my %objects;

File::Find::find(
	{
		no_chdir => 1,
		wanted => sub {
			return if !-f $_;
			open my $fh, '<:raw', $_ or die "could not open $_: $!\n";
			local $/;
			my $bytes = <$fh>;
			$objects{ substr $_, length "$data/" } = defined $bytes ? $bytes : '';
		}
	},
	$data);

s3_make_bucket($bucket);
s3_put_many($bucket, \%objects);

# Objects that only their Content-Encoding calls compressed, or nearly so.
my @text = ($bucket, 'codecs/encoded/gzip.csv', "1,one\n");
s3_put(@text, 'content-encoding' => 'gzip');
$text[1] = 'codecs/encoded/chunked.csv';
s3_put(@text, 'content-encoding' => 'aws-chunked');
