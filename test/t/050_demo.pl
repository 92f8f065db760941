#-------------------------------------------------------------------------
#
# 050_demo.pl
#		What the README shows of the demonstration is what it prints.
#
# Runs test/demo_data.pl and test/demo.sql as test/demo does, and looks for each
# block between the README's "demo output" marks in what psql printed.
#
# IDENTIFICATION
#		test/t/050_demo.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use Cwd ();
use S3Test;
use Test::More;

my $test = Cwd::abs_path("$FindBin::Bin/..");
my $readme = slurp("$test/../README.md");

is(system($^X, "$test/demo_data.pl", 'demo'), 0, 'the bucket is filled');

my $output = `psql -X --echo-queries <'$test/demo.sql' 2>&1`;
is($?, 0, 'the session runs to its end');
$output =~ s{\Q$ENV{S3_TEST_ENDPOINT}\E}{http://127.0.0.1:7490}g;

my ($shown) = $readme =~ /<!-- demo output -->\n(.*?)<!-- end of demo output -->/s;
ok(defined $shown, 'the README shows output');

my $position = 0;
my $blocks = 0;
while ($shown =~ /^```[a-z]*\n(.*?)^```$/gms)
{
	my $block = $1;
	my $found = index($output, $block, $position);

	$blocks++;
	ok($found >= 0, "block $blocks is in it, in order")
	  or diag("not found:\n$block\nin:\n" . substr($output, $position));
	$position = $found + length $block if $found >= 0;
}
cmp_ok($blocks, '>=', 4, 'there are blocks');
unlike($output, qr/\bWARNING\b|\bFATAL\b/, 'nothing warns');

done_testing();
