#-------------------------------------------------------------------------
#
# 026_boundary.pl
#		Objects cut into stretches: the same records as in one piece.
#
# The work is done in C, see test/unit/unit_boundary.c: random inputs, cut at
# every few bytes.
#
#	S3_TEST_BOUNDARY_CASES	how many inputs per dialect (default 40000)
#	S3_TEST_SEED			seed of the inputs (default 1)
#
# IDENTIFICATION
#		test/t/026_boundary.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use S3Test;
use Test::More;

plan skip_all => 'no unit test module' if !defined unit_lib();

my $lib = lit(unit_lib());
my $cases = $ENV{S3_TEST_BOUNDARY_CASES} || 40000;
my $seed = defined $ENV{S3_TEST_SEED} ? $ENV{S3_TEST_SEED} : 1;
my $version = psql('SHOW server_version_num');

psql(<<"END");
CREATE FUNCTION unit_boundary(format text, quote text, escape text, records text,
	seed int, cases int, read bool) RETURNS text AS $lib LANGUAGE c STRICT;
CREATE FUNCTION unit_boundary_rule(format text, quote text, escape text, records text,
	skip_lines int, comment text, bom bool) RETURNS text AS $lib LANGUAGE c;
CREATE FUNCTION unit_boundary_rate(format text, quote text, escape text, records text,
	block text, megabytes int) RETURNS text AS $lib LANGUAGE c STRICT;
END

# Whether the rule is there, and what it is.
sub rule
{
	my ($format, %opts) = @_;
	my $records = $opts{records} || 'objects';

	return psql('SELECT unit_boundary_rule('
		  . join(', ', lit($format), lit($opts{quote} || '"'), lit($opts{escape} || '"'),
			lit($records), $opts{skip_lines} || 0, lit($opts{comment}),
			$opts{bom} ? 'true' : 'false')
		  . ')');
}

my $marker = $version < 180000 ? ' marker' : '';

is(rule('csv'), "csv$marker", 'CSV can be cut');
is(rule('csv', bom => 1), "csv$marker bom", 'CSV with a byte order mark');
is(rule('csv', skip_lines => 1), '', 'not behind lines to skip');
is(rule('csv', comment => '#'), '', 'not among comments');
is(rule('csv', quote => '\\'), $version < 180000 ? '' : 'csv', 'a quote that may begin a marker');
is(rule('text'), 'text marker', 'text can be cut');
is(rule('text', records => 'header'), 'text marker header', 'text with a header');
is(rule('text', records => 'header first'), $version < 180000 ? '' : 'text marker header',
	'not if it is in one object only');
is(rule('text', comment => '#'), '', 'not text among comments');
is(rule('fixedwidth'), 'lines', 'fixed width can be cut');
is(rule('fixedwidth', skip_lines => 3), '', 'not behind lines to skip');
is(rule('json'), 'json', 'JSON objects can be cut');
is(rule('json', records => 'arrays'), 'json', 'JSON arrays can be cut');
is(rule('json', records => 'values'), '', 'not any JSON values');
is(rule('json', records => 'document'), '', 'not a JSON document');

my @dialects = (
	[ 'csv', '"', '"', 'objects' ],
	[ 'csv', '"', '\\', 'objects' ],
	[ 'csv', '\'', '"', 'objects' ],
	[ 'csv', '"', '.', 'objects' ],
	[ 'csv', '"', '"', 'header' ],
	[ 'text', '"', '"', 'objects' ],
	[ 'text', '"', '"', 'header' ],
	[ 'fixedwidth', '"', '"', 'objects' ],
	[ 'json', '"', '"', 'objects' ],
	[ 'json', '"', '"', 'arrays' ]);

foreach my $dialect (@dialects)
{
	my $name = "$dialect->[0], quote $dialect->[1], escape $dialect->[2], records $dialect->[3]";
	my ($out, $err) =
	  psql_err('SELECT unit_boundary(' . join(', ', map { lit($_) } @$dialect) . ", $seed, $cases, true)");

	# enough must be good, or the comparison of records says little
	my ($done, $accepted, $parts) = $out =~ /^(\d+) cases, (\d+) accepted, (\d+) parts$/;
	ok(defined $done && $done == $cases && $accepted > $cases / 10 && $parts > $cases * 5, $name)
	  or diag("$out$err");
}

my %blocks = (
	csv => "repeat(E'1,abc,\"foo bar\",2020-01-01\\n', 100)",
	json => "repeat(E'{\"id\":12345,\"name\":\"foo bar\",\"ok\":true}\\n', 100)");
foreach my $format (sort keys %blocks)
{
	my $rate = psql("SELECT unit_boundary_rate('$format', '\"', '\"', 'objects', $blocks{$format}, 200)");
	like($rate, qr/^summary \d+\.\d\d GB\/s, search /, "$format: $rate");
}

done_testing();
