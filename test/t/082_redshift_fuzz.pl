#-------------------------------------------------------------------------
#
# 082_redshift_fuzz.pl
#		Redshift's rules: the fast ways to read values and lines against the full
#		rules, on random and hostile input.
#
# See test/unit/unit_redshift_fuzz.c.  S3_TEST_SEED chooses other input,
# S3_TEST_SCALE more of it.
#
# IDENTIFICATION
#		test/t/082_redshift_fuzz.pl
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

my $seed = $ENV{S3_TEST_SEED} || 82;
my $scale = $ENV{S3_TEST_SCALE} || 1;
note "seed $seed";

psql("CREATE FUNCTION unit_redshift_${_}_fuzz(bigint, int) RETURNS text LANGUAGE C STRICT AS "
	  . lit($lib) . ", 'unit_redshift_${_}_fuzz';")
  for 'value', 'line';

# run($kind, $rounds): the result, without disagreements
sub run
{
	my ($kind, $rounds) = @_;
	my ($out, $err, $status) = psql_err("SELECT unit_redshift_${kind}_fuzz($seed, $rounds)");

	is($status, 0, "$kind: it ran to its end") or diag($err);
	like($out, qr/ disagreements 0\z/, "$kind: no disagreement") or diag($err);
	note $out;
	return $out;
}

my $rounds = 200000 * $scale;
my ($fewest, $none) = run('value', $rounds) =~ /fewest (\d+), none of (.*), disagreements/;

# enough of each kind, or nothing was compared
cmp_ok($fewest, '>', $rounds / 200, 'strings accepted for each type');
is($none, 'date/DD-MM-YYYY timestamp without time zone/YYYY-DD-MM HH:MI:SS bpchar name jsonb',
	'types without a fast way');

my $files = 40000 * $scale;
my ($records) = run('line', $files) =~ /compared (\d+)/;
cmp_ok($records, '>', $files, 'records where there are masks');

done_testing();
