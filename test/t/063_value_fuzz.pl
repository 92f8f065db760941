#-------------------------------------------------------------------------
#
# 063_value_fuzz.pl
#		Value parsers and formatters against the server's own functions, on
#		random and hostile strings.
#
# See test/unit/unit_value_fuzz.c; test/fuzz/run value runs it for longer.
# S3_TEST_SEED chooses other strings, S3_TEST_SCALE more of them.
#
# IDENTIFICATION
#		test/t/063_value_fuzz.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $lib = unit_lib();
plan skip_all => 'the unit test module is not built' unless defined $lib;

my $seed = $ENV{S3_TEST_SEED} || 63;
my $rounds = 1500000 * ($ENV{S3_TEST_SCALE} || 1);
note "seed $seed";

psql('CREATE FUNCTION unit_value_fuzz(bigint, int) RETURNS text LANGUAGE C STRICT AS ' . lit($lib) . ", 'unit_value_fuzz'");
for my $run (0 .. 1)
{
	my ($out, $err, $status) = psql_err('SELECT unit_value_fuzz(' . ($seed * 100 + $run) . ", $rounds)");

	is($status, 0, 'it ran to its end');
	like($out, qr/ disagreements 0\z/, 'no disagreement') or diag($err);

	# enough of each kind, or nothing was compared
	my ($accepted, $refused, $formatted) = $out =~ /accepted (\d+), refused (\d+), formatted (\d+)/;
	cmp_ok($accepted, '>', $rounds / 6, 'strings accepted by our parsers');
	cmp_ok($refused, '>', $rounds / 6, 'strings refused');
	cmp_ok($formatted, '>', $rounds / 20, 'values formatted');
}

done_testing();
