#-------------------------------------------------------------------------
#
# 023_value.pl
#		Values and rows, from and to text: what the server's own input
#		functions, COPY and row_to_json() say, no more and no less.
#
# S3_TEST_SEED chooses other random values, S3_TEST_SCALE more of them.
#
# IDENTIFICATION
#		test/t/023_value.pl
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

my $seed = $ENV{S3_TEST_SEED} || 20;
my $scale = $ENV{S3_TEST_SCALE} || 1;
srand $seed;
note "seed $seed";

my $writer_arguments = 'bool, bool, text, text, text, text, text, bool';

psql(join "\n", map { "CREATE FUNCTION $_ LANGUAGE C AS " . lit($lib) . ", '" . (/^(\w+)/)[0] . "';" } (
	'unit_value_parse(regtype, int, text) RETURNS text STRICT',
	'unit_value_random_floats(int, int) RETURNS int STRICT',
	'unit_type_input(regtype, int, text) RETURNS text',
	'unit_tuple_store(regtype, int, text) RETURNS text',
	'unit_tuple_repeat(regtype, int, text, int, bool, text) RETURNS void STRICT',
	'unit_tuple_read(regtype, int, text, bool, text, text) RETURNS text',
	'unit_tuple_defaults(regclass, bool) RETURNS text[] STRICT',
	'unit_tuple_external(regclass, text) RETURNS text STRICT',
	'unit_tuple_current(regtype, text) RETURNS text',
	'unit_tuple_columns(regclass, bool) RETURNS text STRICT',
	'unit_tuple_row(regclass, bool[], text[]) RETURNS text[] STRICT',
	"unit_tuple_write(text, $writer_arguments) RETURNS bytea STRICT",
	"unit_tuple_write_table(regclass, $writer_arguments) RETURNS bytea STRICT"));

psql(<<'END');
CREATE TYPE mood AS ENUM ('sad', 'so "so"', 'happy');
CREATE TYPE shown AS ENUM ('a', 'b');
CREATE FUNCTION shown_json(shown) RETURNS json LANGUAGE sql IMMUTABLE
	AS $$SELECT json_build_object('shown', $1::text)$$;
CREATE CAST (shown AS json) WITH FUNCTION shown_json(shown);
CREATE TYPE pair AS (a int, "b""c" text, d date);
CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE DOMAIN smaller AS small NOT NULL CHECK (VALUE < 10);
CREATE DOMAIN word AS varchar(5);
CREATE DOMAIN document AS jsonb CHECK (jsonb_typeof(VALUE) = 'object');
CREATE DOMAIN raw_document AS json;
CREATE DOMAIN birthday AS date;
CREATE DOMAIN stamp AS timestamptz;
CREATE DOMAIN shown_domain AS shown;
CREATE TYPE holder AS (list int[], "Other name" text, pairs pair[], doc jsonb, raw json, small small);
CREATE DOMAIN few AS int[] CHECK (cardinality(VALUE) < 4);
CREATE DOMAIN some_words AS word[] NOT NULL;
CREATE DOMAIN ordered_pair AS pair CHECK ((VALUE).a > 0);

CREATE TABLE inputs (type regtype, typmod int, value text);

-- every input with our answer, the server's and the fast parser's
CREATE FUNCTION answers() RETURNS TABLE (type regtype, typmod int, value text,
	ours text, server text, fast text) LANGUAGE plpgsql AS $$
BEGIN
	FOR type, typmod, value IN SELECT * FROM inputs LOOP
		BEGIN
			ours := 'ok: ' || unit_tuple_store(type, typmod, value);
		EXCEPTION WHEN OTHERS THEN
			ours := 'error: ' || SQLSTATE || ': ' || SQLERRM;
		END;
		BEGIN
			server := 'ok: ' || unit_type_input(type, typmod, value);
		EXCEPTION WHEN OTHERS THEN
			server := 'error: ' || SQLSTATE || ': ' || SQLERRM;
		END;
		BEGIN
			fast := 'ok: ' || unit_value_parse(type, typmod, value);
		EXCEPTION WHEN OTHERS THEN
			fast := 'error: ' || SQLSTATE || ': ' || SQLERRM;
		END;
		RETURN NEXT;
	END LOOP;
END $$;
END

#-------------------------------------------------------------------------
# Reading
#-------------------------------------------------------------------------

sub pick
{
	return $_[rand @_];
}

sub digits
{
	my ($n) = @_;

	return join '', map { int rand 10 } 1 .. $n;
}

# Damage a string a little.
sub damage
{
	my ($s) = @_;
	my $at = int rand(1 + length $s);
	my $what = pick('', ' ', '+', '-', '.', ':', '0', '9', 'e', 'T', 'Z', 't', '_',
		"\t", '/', ',', 'x', "\xc3\xa9", "\x{7f}", 'BC', 'E5', '+05', '00');

	substr($s, $at, int rand 2) = $what;
	return $s;
}

my @number_edges = (
	'', ' ', '-', '+', '.', '-.', '0', '-0', '+0', '00', '-00', '007', '+7', ' 7', '7 ', ' 7 ',
	"7\n", '7.', '.7', '-.7', '7.0', '1e3', '1E3', '1e', 'e1', '1e+', '1e-5', '1e+5', '1e0005',
	'--1', '1-', '1 2', '1,000', '1_000', '_1', '1_', '0x10', '0X1f', '0o17', '0b11', '-0x10', "\xd9\xa1",
	(map { ($_, "-$_", "+$_", "0$_", "000000000000000000000$_", "$_.0", "$_.5", "$_.9") }
		qw(127 128 32766 32767 32768 32769 65535 65536 99999 2147483646 2147483647 2147483648
		2147483649 4294967295 4294967296 9999999999 999999999999999999 1000000000000000000
		9223372036854775806 9223372036854775807 9223372036854775808 9223372036854775809
		9999999999999999999 10000000000000000000 18446744073709551615 18446744073709551616
		99999999999999999999 100000000000000000000)),
	'NaN', 'nan', '-NaN', 'Infinity', '-Infinity', 'inf', '-inf', '+inf', 'infinity x',
	'0.000000000000000000000000000000001', '0.0', '-0.0', '-0.00', '0.00', '-0e5', '0e400',
	'1e400', '1e-400', '1e38', '1e39', '3.4028235e38', '3.4028236e38', '1e-45', '1e-46', '1e308',
	'1.7976931348623157e308', '1.7976931348623159e308', '4.9e-324', '2e-324', '1e27', '1e28',
	'1e-27', '1e-28', '9007199254740992', '9007199254740993', '9007199254740994.5',
	'9007199254740993.0000000000000001', '16777216', '16777217', '16777219', '0.1', '0.2', '0.3',
	'2.2250738585072011e-308', '8.5', '0.5', '123456789012345678', '1234567890123456789',
	'0.1234567890123456789', '12345678901234567.8', '99.995', '999.99', '999.995', '9999.9', '-999.99',
	'0.001', '0.0001', '0.00', '100000', '1e2', '123e-2', '0.999', '9.99', '10', '99999999.99', '1.50', '1.5000');

sub random_number
{
	my $int = digits(pick(1, 1, 2, 3, 4, 5, 6, 9, 10, 11, 15, 16, 17, 18, 19, 20));
	my $s = pick('', '', '-', '-', '+') . $int;

	$s .= '.' . digits(pick(1, 2, 2, 3, 5, 8, 12, 16, 18, 20)) if rand() < 0.5;
	$s .= pick('e', 'E') . pick('', '+', '-') . digits(pick(1, 1, 2)) if rand() < 0.15;
	return rand() < 0.1 ? damage($s) : $s;
}

my @bool_edges = (
	't', 'f', 'true', 'false', 'T', 'F', 'TRUE', 'tr', 'tru', 'truex', 'fal', 'fals', 'falsey', '',
	' t', 't ', 'on', 'off', 'o', 'of', 'yes', 'no', 'y', 'n', '1', '0', '01', 'null', "t\n", '-1', 'True');

my @date_edges = (
	'0000-00-00', '0000-01-01', '0001-01-01', '0001-12-31', '0099-02-03', '0100-01-01', '2021-02-30',
	'2021-02-29', '2020-02-29', '1900-02-29', '2000-02-29', '2100-02-29', '2021-00-10', '2021-13-10',
	'2021-04-31', '2021-04-00', '2021-01-32', '9999-12-31', '10000-01-01', '5874897-12-31',
	'5874898-01-01', '294276-12-31', '294277-01-01', '2021-1-1', '21-01-01', '2021/01/02', '20210102',
	'2021-01-02 BC', '4713-01-01 BC', '4714-11-24 BC', '4714-11-23 BC', '2021-Jan-02', 'Jan 2 2021',
	'02.01.2021', '01/02/2021', 'infinity', '-infinity', 'epoch', 'today x', 'J2451187', '', ' 2021-01-02',
	'2021-01-02 ', '-2021-01-02', '+2021-01-02', '2021-01-0a', '2O21-01-02', '2021-01-02T', '2021-01-02Z',
	'2021-01-02+05', '1582-10-10', '2021--1-02', '2021-01--2', '1999-12-31', '2000-01-01', '1970-01-01');

my @times = (
	'00:00:00', '23:59:59', '24:00:00', '24:00:01', '23:60:00', '23:59:60', '23:59:60.5', '23:59:61',
	'12:34:56.7', '12:34:56.78', '12:34:56.789', '12:34:56.789012', '12:34:56.7890125',
	'12:34:56.999999', '12:34:56.9999999', '12:34:56.9999995', '12:34:56.', '12:34:56,5', '12:34', '1:02:03',
	'12:34:5', '123456', '12:34:56 PM', '12:34:56 AM', '25:00:00', '-1:00:00', '12:3a:56', '23:59:59.999999',
	'00:00:00.000001', '12:34:56.0', '12:34:56.000000', '12:34:56.100000', '12:34:56 BC');
my @zones = (
	'', 'Z', 'z', ' Z', '+00', '-00', '+05', '-05', '+5', '+05:30', '-05:30', '+0530', '-12:59', '+15',
	'+15:59', '+16', '-15:59', '-15:59:59', '+05:60', '+05:3', '+05:30:15', '+99', '+99:99', ' UTC', ' UT', ' EST',
	' Europe/Berlin', ' America/New_York', ' +05', '+ 05', '+05:', '+', '-', '+1a', '+00:00', '-00:00', '+14:00', ' foo');

sub random_date
{
	my $year = rand() < 0.8 ? 1900 + int rand 200 : int rand 10000;

	return sprintf '%04d-%02d-%02d', $year, 1 + int rand(12.1), 1 + int rand 31.1;
}

sub random_timestamp
{
	my $s = random_date() . pick(' ', ' ', 'T', 'T', 't', '  ');

	$s .= sprintf '%02d:%02d:%02d', rand 24.02, rand 60.02, rand 60.02;
	$s .= '.' . digits(pick(1 .. 6, 3, 6, 7)) if rand() < 0.5;
	$s .= pick('Z', '+00', '-00', sprintf('%s%02d', pick('+', '-'), rand 17),
		sprintf('%s%02d:%02d', pick('+', '-'), rand 17, rand 61), pick(@zones))
	  if rand() < 0.7;
	return rand() < 0.1 ? damage($s) : $s;
}

sub random_uuid
{
	my $s = join '-', map { unpack 'H*', join '', map { chr rand 256 } 1 .. $_ } 4, 2, 2, 2, 6;

	$s = uc $s if rand() < 0.2;
	$s = "{$s}" if rand() < 0.05;
	$s =~ tr/-//d if rand() < 0.05;
	return rand() < 0.2 ? damage($s) : $s;
}

# Characters of one to four bytes, as bytes.
my @characters = ('a' .. 'e', ' ', ' ', "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xce\xb1");

sub random_string
{
	my ($n) = @_;

	return join('', map { pick(@characters) } 1 .. int rand($n + 1)) . (' ' x pick(0, 0, 0, 3));
}

my @uuid_edges = (
	'00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
	'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}',
	'a0eebc999c0b4ef8bb6d6bb9bd380a11', 'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11',
	'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g',
	'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111', 'a0eebc999-c0b-4ef8-bb6d-6bb9bd380a11', '',
	' a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d:6bb9bd380a11');

my @inputs;    # [type, typmod, value]

sub add
{
	my ($type, $typmods, @values) = @_;

	for my $typmod (@$typmods)
	{
		push @inputs, map { [ $type, $typmod, $_ ] } @values;
	}
}

sub numeric_typmod
{
	my ($precision, $scale) = @_;

	return ($precision << 16 | $scale & 0x7ff) + 4;
}

# Those of an earlier call go.
sub load_inputs
{
	my $data = '';

	for my $input (@inputs)
	{
		my $value = $input->[2];

		$value =~ s/\\/\\\\/g;
		$value =~ s/\n/\\n/g;
		$value =~ s/\r/\\r/g;
		$value =~ s/\t/\\t/g;
		$data .= "$input->[0]\t$input->[1]\t$value\n";
	}
	psql("TRUNCATE inputs;\nCOPY inputs FROM STDIN;\n$data\\.");
	@inputs = ();
}

# All inputs have the server's answer; returns a hash of type to the number of
# inputs, those without error and those taken by the fast parser.
sub check_inputs
{
	my ($name, $settings) = @_;
	my $out = psql("$settings\n" . <<'END');
CREATE TEMP TABLE answer AS SELECT * FROM answers();
SELECT 'wrong', count(*) FROM answer WHERE ours IS DISTINCT FROM server OR fast <> server;
SELECT 'example', type, typmod, quote_literal(value), ours, server, fast FROM answer
	WHERE ours IS DISTINCT FROM server OR fast <> server LIMIT 10;
SELECT 'count', type, count(*), count(*) FILTER (WHERE server LIKE 'ok%'), count(fast)
	FROM answer GROUP BY type ORDER BY type::text;
END
	my %counts = $out =~ /^count\|([^|]*)\|(.*)$/mg;

	like($out, qr/^wrong\|0$/m, $name) or diag $out;
	return map { my $type = $_; $type => [ split /\|/, $counts{$type} ] } keys %counts;
}

my @random_numbers = map { random_number() } 1 .. 2500 * $scale;

add($_, [-1], @number_edges, @random_numbers) for qw(int2 int4 int8 float4 float8 numeric small);
add('numeric',
	[ map { numeric_typmod(@$_) } [ 5, 2 ], [ 10, 0 ], [ 18, 6 ], [ 38, 10 ], [ 2, 2 ], [ 3, 5 ], [ 5, -2 ], [ 18, 18 ], [ 1000, 19 ] ],
	@number_edges, @random_numbers[ 0 .. 700 * $scale ]);
add('bool', [-1], @bool_edges, map { damage(pick(@bool_edges)) } 1 .. 300);
add('uuid', [-1], @uuid_edges, map { random_uuid() } 1 .. 1500 * $scale);
for my $type (qw(text varchar bpchar name word "char"))
{
	my @typmods = $type =~ /^(?:varchar|bpchar)$/ ? (-1, 5, 7, 14) : (-1);

	add($type, \@typmods, '', ' ', '\\N', '"', "a\nb", 'abc', 'abcde', 'abcdef', "abcde  ", "abc        ",
		map { random_string(12) } 1 .. 600 * $scale);
}
add('varchar', [4], '', 'a');
for my $type (qw(json jsonb document raw_document))
{
	add($type, [-1], '', 'null', '1', '"a"', '{"a": 1,  "b":[]}', '{"a":1', '[1,]', 'nul', '{"a":1}{', '"\\u0000"',
		"\"a\nb\"", ' {"z" : 1, "a":2, "z":3} ');
}
add('bytea', [-1], '', '\\x', '\\x00ff', '\\x0', '\\xzz', 'a\\\\b', 'a\\000b', 'a\\b');
add('interval', [-1], '1 day', '1 day 02:03:04', 'P1D', '', 'x');
add('int4[]', [-1], '{}', '{1,2,NULL}', '{1,2', '{{1,2},{3}}', '');
add('pair', [-1], '(1,a,2020-01-01)', '(,,)', '(1)', '(1,a,b)', '');
add('mood', [-1], 'sad', 'so "so"', 'Sad', '');
add('inet', [-1], '::1', '10.0.0.1/8', '10.0.0.256', '');
add('smaller', [-1], '1', '10', '100', '', 'x');
load_inputs();
my %counts = check_inputs('values are read as the input functions read them', '');

# What a fast parser is for must not have been left to the input function.
my %canonical = (
	bool => [ [-1], qw(t f true false) ],
	int2 => [ [-1], qw(0 -0 1 -1 32767 -32768 007) ],
	int4 => [ [-1], qw(0 1 -1 2147483647 -2147483648) ],
	int8 => [ [-1], qw(0 1 -1 999999999999999999 -999999999999999999) ],
	float4 => [ [-1], qw(0 -0 1.5 3.14159 1e5 1.17549e-20 0.1 -2.5e-7 123456.79) ],
	float8 => [ [-1], qw(0 -0 1.5 3.141592653589793 1e5 0.30000000000000004 2.5E-07 1234567890123456789 -1e+22) ],
	numeric => [ [ -1, numeric_typmod(20, 4) ], qw(0 -0 1 12.50 -0.0001 12345678901234) ],
	text => [ [-1], '', 'a', 'a' x 1000 ],
	varchar => [ [ -1, 9 ], '', 'abcde', "\xc3\xa9" x 5 ],
	bpchar => [ [ -1, 9 ], '', 'abc', "\xc3\xa9" x 5 ],
	date => [ [-1], qw(2021-02-28 0001-01-01 9999-12-31) ],
	timestamp => [ [ -1, 6 ], '2021-02-28 01:02:03', '2021-02-28T01:02:03.123456', '9999-12-31 23:59:59.9' ],
	timestamptz => [
		[ -1, 6 ], '2021-02-28 01:02:03Z', '2021-02-28T01:02:03.123456+05:30', '2021-02-28 01:02:03-08',
		'2021-02-28 01:02:03+00'
	],
	uuid => [ [-1], @uuid_edges[ 0 .. 2 ] ]);
for my $type (sort keys %canonical)
{
	my ($typmods, @values) = @{ $canonical{$type} };

	add($type, $typmods, @values);
}
load_inputs();
%counts = check_inputs('canonical spellings are read right', '');
is(join(' ', map { $counts{$_}->[2] < $counts{$_}->[0] ? $_ : () } sort keys %counts),
	'', 'and all by the fast parsers');

ok(psql("SELECT unit_value_random_floats($seed, 400000 * $scale)") > 300000,
	'floats are rounded as by strtod() and strtof()');

# Dates and times under each DateStyle and in several zones.
my @random_timestamps = map { random_timestamp() } 1 .. 1500 * $scale;
my @timestamp_edges;
for my $date ('2021-02-03', '0001-01-01', '9999-12-31', '2021-02-29')
{
	push @timestamp_edges, map { ("$date $_", "${date}T$_") } @times;
	push @timestamp_edges, map { ("$date 12:34:56$_", "${date}T12:34:56.789$_") } @zones;
}
push @timestamp_edges, map { "$_ 12:34:56" } @date_edges;
push @timestamp_edges, @date_edges;

my @styles = (
	[ 'ISO, MDY', 'UTC' ],
	[ 'ISO, DMY', 'Europe/Berlin' ],
	[ 'SQL, YMD', 'America/New_York' ],
	[ 'German, DMY', '<-03>3' ],
	[ 'Postgres, MDY', 'Asia/Kathmandu' ]);
add('date', [-1], @date_edges, map({ random_date() } 1 .. 500 * $scale), map { damage(random_date()) } 1 .. 500 * $scale);
add('birthday', [-1], @date_edges);
add('timestamp', [-1], @timestamp_edges, @random_timestamps);
add('timestamptz', [-1], @timestamp_edges, @random_timestamps);
add($_, [ 0, 3, 6 ], @timestamp_edges[ 0 .. 150 ], @random_timestamps[ 0 .. 200 ]) for qw(timestamp timestamptz);
load_inputs();
for my $style (@styles)
{
	my ($date_style, $zone) = @$style;

	check_inputs("dates and times are read right with DateStyle $date_style, TimeZone $zone",
		"SET DateStyle = '$date_style'; SET TimeZone = '$zone';");
}

is(psql("SET timezone_abbreviations = 'India';\nSELECT unit_value_parse('timestamptz', -1, '2021-01-01 00:00:00Z') IS NULL"),
	't', 'with other time zone abbreviations, Z is left to the server');

# NULL
is(psql("SELECT unit_tuple_store('int4', -1, NULL) IS NULL, unit_tuple_store('small', -1, NULL) IS NULL"),
	't|t', 'NULL');
like((psql_err("SELECT unit_tuple_store('smaller', -1, NULL)"))[1],
	qr/23502: domain smaller does not allow null values/, 'a domain may refuse NULL');

# Rows
psql(<<'END');
CREATE TABLE shape (gone1 int, a int, b jsonb, gone2 text, c json, d document, e raw_document,
	f text, g varchar(3), gone3 int);
ALTER TABLE shape DROP COLUMN gone1, DROP COLUMN gone2, DROP COLUMN gone3;
END
is(psql("SELECT unit_tuple_columns('shape', false)"),
	'a,b needed,c needed,d,e needed,f,g needed', 'columns of a CSV record');
is(psql("SELECT unit_tuple_columns('shape', true)"),
	'a,b needed raw,c needed raw,d raw,e needed raw,f,g needed', 'columns of a JSON record');
is(psql("ALTER TABLE shape ADD COLUMN h int;\nSELECT unit_tuple_columns('shape', false)"),
	'a,b needed,c needed,d,e needed,f,g needed,h needed not_null', 'column options');
is(psql(<<'END'), '{NULL,17,NULL,NULL,"[1, 2]",NULL,"{}",NULL,xyz,NULL,5}', 'a row with unwanted and dropped columns');
SELECT unit_tuple_row('shape', '{f,t,t,f,t,f,t,f,t,f,t}',
	ARRAY['17', NULL, '[1, 2]', 'not wanted', '{}', 'not wanted', 'xyz', '5']);
END
is(psql("SELECT unit_tuple_row('shape', '{f,f,f,f,f,f,f,f,f,f,f}', '{}')"),
	'{NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL}', 'a row of which nothing is wanted');

# Context of errors
is(psql("SELECT unit_tuple_current('int4', '12')"), 'none|none', 'no column is named after a row');
is(psql("SELECT unit_tuple_current('int4', 'x12')"), 'c|x12', 'the column whose value is bad is named');
is(psql("SELECT unit_tuple_current('smaller', NULL)"), 'c|NULL', 'so it is when the value is NULL');
is(psql("SELECT unit_tuple_current('int4', repeat('x', 100))"), 'c|' . 'x' x 100, 'a value of 100 bytes is shown');
is(psql("SELECT unit_tuple_current('int4', repeat('x', 101))"), 'c|' . 'x' x 100 . '...', 'a longer one is cut');
is(psql("SELECT unit_tuple_current('int4', 'x' || repeat('\xc3\xa9', 300))"), 'c|x' . "\xc3\xa9" x 49 . '...',
	'at a character');

psql("SELECT unit_tuple_repeat('$_', -1, '1', 100000, false, 'auto')") for qw(jsonb text small);
psql("SELECT unit_tuple_repeat('jsonb', -1, to_json(repeat('x', 100000))::text, 100, false, 'auto')");
psql("SELECT unit_tuple_repeat('$_->[0]', -1, " . lit($_->[1]) . ", 20000, true, 'auto')")
  for [ 'text[]', '["a", ["b"], {"c": 1}]' ], [ 'holder', '{"list": [1, 2], "pairs": [{"a": 1}, {"d": "2020-01-01"}]}' ],
  [ 'few', '[1, 2]' ], [ 'int4[]', '"{1,2}"' ];
pass('reading many rows takes no more memory than one');

# JSON to arrays and composite types, as json_populate_record() does it
my @nested = (
	'text[]', 'int4[]', 'numeric[]', 'float8[]', 'bool[]', 'timestamptz[]', 'varchar(3)[]', 'json[]', 'jsonb[]', 'mood[]',
	'pair', 'pair[]', 'holder', 'holder[]', 'few', 'few[]', 'some_words', 'ordered_pair', 'ordered_pair[]');
my @documents = (
	'[]', '{}', '[[]]', '[{}]', '[null]', 'null', 'true', '1', '"a"', '"{}"', '"{1,2}"', '"{1,{2}}"', '"{a,\\"b c\\"}"', '"(1,x,)"', '"()"',
	'["sad"]', '["a", "b"]', '["a", null, "\\u00e9\\ud83d\\ude00", "\\"", "\\\\", ""]', '["NULL", "null", "{}"]', '["abcd"]',
	'[1, 2, 3]', '[1, 2, 3, 4]', '[1.50, 1e3, -0, 12345678901234567890123.4567890]', '["1", " 2 "]', '["x"]',
	'[[1, 2], [3, 4]]', '[[1, 2], [3]]', '[[1], 2]', '[1, [2]]', '[[[1]], [[2]]]', '[[], []]', '[[1, null]]', '[true, false]',
	'["2020-01-01T00:00:00Z", null]', '[{"a": 1}, "x", [1, {"b" : 2}]]', '[ 1 ,  2 ]', "[\n1\t]", '["\\u0000"]', '["\\ud800"]',
	'{"a": 1}', '{"a": 1, "b\\"c": "x", "d": "2020-01-01"}', '{"a": "7", "d": null, "more": [1]}', '{"a": "x"}', '{"A": 1}',
	'{"a": -1}', '{"a": 1, "a": 2}', '{"a": [1]}', '{"b\\"c": {"x":  [1]}}', '[{"a": 1}, null, {"a": -1}]', '[{"a": 1}, "(2,y,)"]', '{"d": "2020-02-30"}',
	'{"list": [1, 2], "Other name": "x", "pairs": [{"a": 1}, {"a": 2}], "doc": {"z":  1.0}, "raw": {"z":  1.0}, "small": 5}',
	'{"list": "{1,2}", "pairs": {"a": 1}}', '{"list": {}, "small": 5}', '{"small": 500}', '[{"list": [1]}, {"list": [[1], [2]]}]',
	'{"raw": "text", "doc": "text", "pairs": null}', '{"raw": null, "doc": null}',
	'[' x 50 . ']' x 50, '[' . join(', ', map { qq("$_") } 1 .. 500) . ']');
my $nested_sql = '';
my $serial = 0;

for my $type (@nested)
{
	$serial++;
	psql("CREATE TYPE nested_$serial AS (c $type)");
	$nested_sql .= "SELECT count(*), count(*) FILTER (WHERE r.server LIKE 'ok%'),"
	  . " coalesce(min(" . lit($type) . " || ': ' || d || ': ' || coalesce(r.ours, 'NULL') || ': ' || coalesce(r.server, 'NULL'))"
	  . " FILTER (WHERE r.ours IS DISTINCT FROM r.server), 'same')"
	  . " FROM unnest(ARRAY[" . join(', ', map { lit($_) } @documents) . "]) AS d,"
	  . " nested_answers('nested_$serial', d) AS r;\n";
}
psql(<<'END');
CREATE FUNCTION nested_answers(holding regtype, document text, OUT ours text, OUT server text) LANGUAGE plpgsql AS $$
DECLARE
	att record;
BEGIN
	SELECT atttypid::regtype, atttypmod INTO att FROM pg_attribute
		WHERE attrelid = (SELECT typrelid FROM pg_type WHERE oid = holding);
	BEGIN
		ours := 'ok: ' || unit_tuple_read(att.atttypid, att.atttypmod, document, true, NULL, NULL);
	EXCEPTION WHEN OTHERS THEN
		ours := 'error: ' || SQLSTATE || ': ' || SQLERRM;
	END;
	BEGIN
		EXECUTE format('SELECT ''ok: '' || (json_populate_record(NULL::%s, json_build_object(''c'', $1::json))).c::text', holding)
			INTO server USING document;
	EXCEPTION WHEN OTHERS THEN
		server := 'error: ' || SQLSTATE || ': ' || SQLERRM;
	END;
END $$;
END
my ($nested_good, $nested_wrong) = (0, '');
for my $line (split /\n/, psql($nested_sql))
{
	my ($count, $good, $difference) = split /\|/, $line, 3;

	$nested_good += $good;
	$nested_wrong .= "$difference\n" if $difference ne 'same' || $count != @documents;
}
is($nested_wrong, '', 'JSON is made arrays and composite values of as by json_populate_record()');
cmp_ok($nested_good, '>', 200, "of $serial types times " . @documents . " values enough are good");
like((psql_err("SELECT unit_tuple_read('int4[]', -1, '{\"a\": 1}', true, NULL, NULL)"))[1],
	qr/22P02: expected JSON array\nHINT:  See the value of key "c"/, 'an error says where');
is(psql("SELECT unit_tuple_read('int4[]', -1, '{1,2}', false, NULL, NULL), unit_tuple_read('pair', -1, '(1,,)', false, NULL, NULL),"
	  . " unit_tuple_read('text', -1, '[1,  2]', true, NULL, NULL)"),
	'{1,2}|(1,,)|[1,  2]', 'but not in CSV, and not for other types');
is(psql("CREATE TABLE arrays (a int[], b pair, c few, d ordered_pair, e text, f json, g int2vector);\n"
	  . "SELECT unit_tuple_columns('arrays', true), unit_tuple_columns('arrays', false)"),
	'a needed raw,b raw,c needed raw,d raw,e needed,f raw,g needed raw not_null'
	  . '|a needed,b,c needed,d,e needed,f,g needed not_null', 'columns of JSON text');

# Defaults
is(psql(<<'END'), '{7,x-1,1,8,"2020-01-01 00:00:00","{1}"}', 'defaults of columns');
CREATE DOMAIN eight AS int DEFAULT 8;
CREATE TABLE with_defaults (a int DEFAULT 7, b text DEFAULT 'x-' || 1, d serial, e eight,
	g timestamp DEFAULT '2020-01-01', h few DEFAULT ARRAY[1]);
SELECT unit_tuple_defaults('with_defaults', true);
END
is(psql("SELECT (unit_tuple_defaults('with_defaults', true))[3]"), '2', 'are evaluated for each row');
like((psql_err("SELECT unit_tuple_defaults('with_defaults', false)"))[1], qr/XX000: defaults of columns are not prepared/,
	'only if prepared');
like((psql_err("CREATE TABLE bad_default (a int DEFAULT 1 / 0);\nSELECT unit_tuple_defaults('bad_default', true)"))[1],
	qr/22012: division by zero/, 'and may fail');

like((psql_err("CREATE TABLE no_default (a int);\nSELECT unit_tuple_defaults('no_default', true)"))[1],
	qr/22P04: unexpected default marker in COPY data\nDETAIL:  Column "a" has no default value/, 'or not be there');

# Columns from elsewhere
is(psql("CREATE TABLE external (a text, b text, c text, d text);\nSELECT unit_tuple_external('external', 'value')"),
	'a -;see c.d[0]; {first,NULL,second,NULL} {first,value,second,value} {first,value,second,NULL}',
	'columns that come from elsewhere');

#-------------------------------------------------------------------------
# Writing
#-------------------------------------------------------------------------

my $file = server_tmp() . '/copy.csv';

psql("CREATE FUNCTION copy_file() RETURNS text LANGUAGE sql AS \$\$SELECT " . lit($file) . "::text\$\$;\n" . <<'END');
-- The first difference of two texts, or ok.
CREATE FUNCTION difference(ours bytea, server bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	low int := 0;
	high int := least(length(ours), length(server));
	middle int;
BEGIN
	IF ours = server THEN
		RETURN 'ok';
	END IF;
	WHILE low < high LOOP
		middle := (low + high + 1) / 2;
		IF substr(ours, 1, middle) = substr(server, 1, middle) THEN
			low := middle;
		ELSE
			high := middle - 1;
		END IF;
	END LOOP;
	RETURN format('at %s: ours %s, server %s', low,
		encode(substr(ours, greatest(low - 20, 1), 60), 'escape'),
		encode(substr(server, greatest(low - 20, 1), 60), 'escape'));
END $$;

CREATE FUNCTION csv_difference(query text, header bool = true, delim text = ',', quot text = '"',
	esc text = '"', nul text = '', enc text = '', force bool = false) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (%s) TO %L WITH (FORMAT csv, HEADER %s, DELIMITER %L, QUOTE %L, ESCAPE %L, NULL %L, ENCODING %L%s)',
		query, copy_file(), header::text, delim, quot, esc, nul,
		CASE enc WHEN '' THEN getdatabaseencoding() ELSE enc END,
		CASE WHEN force THEN ', FORCE_QUOTE *' END);
	RETURN difference(unit_tuple_write(query, false, header, delim, quot, esc, nul, enc, force),
		pg_read_binary_file(copy_file()));
END $$;

CREATE FUNCTION json_difference(query text, enc text = '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	lines text;
BEGIN
	EXECUTE format('SELECT coalesce(string_agg(row_to_json(r)::text || chr(10), ''''), '''') FROM (%s) AS r', query)
		INTO lines;
	RETURN difference(unit_tuple_write(query, true, true, ',', '"', '"', '', enc, false),
		convert_to(lines, CASE enc WHEN '' THEN getdatabaseencoding() ELSE enc END));
END $$;
END

# Both formats of one query under some settings.
sub writes_same
{
	my ($name, $query, $settings) = @_;
	my $literal = lit($query);

	is(psql(($settings || '') . "\nSELECT csv_difference($literal), json_difference($literal);"), 'ok|ok', $name);
}

my $strings = join ', ', map { lit($_) } (
	'', ' ', 'a', 'NULL', '\\N', '\\.', '.', '"', '""', 'a"b', "'", ',', 'a,b', ';', '|', "\t", "\n", "\r", "\r\n",
	"a\nb", "line\r\nline", '\\', '\\\\', 'a\\nb', "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\x7f",
	map({ chr } 1 .. 31), join('', map { chr } 1 .. 127), map({ ('x' x $_) . '"' . ('y' x $_) . "\n" } 0 .. 17),
	map({ my $n = $_; map { ('x' x $n) . $_ } ("\x01", "\x1f", '\\', "\xc3\xa9", '"') } 0 .. 17),
	map({ 'z' x $_ } 0 .. 40), '2021-01-01', '{"a":1}', '</script>', "\xe2\x80\xa8");

my %literals = (
	'bool' => [ 't', 'f' ],
	'int2' => [ 0, 1, -1, 32767, -32768 ],
	'int4' => [ 0, 1, -1, 10, 99, 100, 2147483647, -2147483648 ],
	'int8' => [ 0, -1, '9223372036854775807', '-9223372036854775808' ],
	'float4' => [ 0, '-0', 1.5, '1e20', '1e-20', '3.4028235e38', '1e-45', 'NaN', 'Infinity', '-Infinity', 0.1, 100000, 1000000, '1e15' ],
	'float8' => [ 0, '-0', 1.5, '1e20', '1e-20', '1.7976931348623157e308', '5e-324', 'NaN', 'Infinity', '-Infinity', 0.1, '1e15', '1e16', '0.30000000000000004' ],
	'numeric' => [ 0, '0.00', '-1.50', '1e100', '1e-30', 'NaN', 'Infinity', '-Infinity', '12345678901234567890.123' ],
	'numeric(10,3)' => [ 0, 1.5, 'NaN' ],
	'varchar(30)' => [ '', 'abc', 'a"b,c' ],
	'char(10)' => [ '', 'abc', 'a"b,c', 'abcdefghij', '\\.' ],
	'name' => [ '', 'abc', 'a"b,c' ],
	'"char"' => [ '', 'a', '"', ',' ],
	'date' => [ '2021-02-03', '0001-01-01', '9999-12-31', '10000-01-01', '0044-03-15 BC', '4714-11-24 BC', '5874897-12-31', 'infinity', '-infinity' ],
	'time' => [ '00:00:00', '24:00:00', '12:34:56.789' ],
	'time(2)' => ['12:34:56.789'],
	'timetz' => [ '00:00:00+00', '24:00:00-15:59', '12:34:56.789+05:30' ],
	'timestamp' => [
		'2021-02-03 04:05:06', '2021-02-03 04:05:06.7', '2021-02-03 04:05:06.000001', '1999-12-31 23:59:59.999999',
		'0001-01-01', '9999-12-31 23:59:59', '10000-01-01', '0044-03-15 01:02:03.4 BC', '4714-11-24 BC', '294276-12-31 23:59:59.999999',
		'infinity', '-infinity'
	],
	'interval' => [ '1 year 2 months -3 days 04:05:06.7', '0', '-1 day' ],
	'uuid' => ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
	'bytea' => [ '', '\\x00ff2c22', 'a,"b' ],
	'json' => [ 'null', ' {"a" : 1,  "a":"x\\ny"} ', "[1,\n 2]", '"\\u00e9"' ],
	'jsonb' => [ 'null', ' {"a" : 1,  "b":"x\\ny"} ', "[1,\n 2, {}]", '"\\u00e9"', '1.50', 'true' ],
	'int4[]' => [ '{}', '{1,2,NULL}', '{{1,2},{3,4}}', '[0:1]={1,2}' ],
	'text[]' => [ '{}', '{a,"b\\"c",NULL,"NULL",""}' ],
	'date[]' => ['{2020-01-01,infinity}'],
	'json[]' => ['{"{\\"a\\":1}"}'],
	'int2vector' => [ '', '1 2 3' ],
	'oidvector' => ['1 2 3'],
	'pair' => [ '(1,"a""b",2020-01-01)', '(,,)' ],
	'pair[]' => ['{"(1,\\"a\\",2020-01-01)",NULL}'],
	'int4range' => [ 'empty', '[1,5)', '(,)' ],
	'tstzrange' => ['[2020-01-01 00:00:00+00,)'],
	'int4multirange' => [ '{}', '{[1,2),[5,7)}' ],
	'inet' => [ '::1', '10.0.0.1/8' ],
	'mood' => [ 'sad', 'so "so"' ],
	'mood[]' => ['{sad,"so \\"so\\""}'],
	'shown' => [ 'a', 'b' ],
	'shown[]' => ['{a,b}'],
	'shown_domain' => [ 'a', 'b' ],
	'small' => [ 1, -5 ],
	'small[]' => ['{1,2}'],
	'word' => [ '', 'a"b' ],
	'document' => ['{"a": [1, 2]}'],
	'raw_document' => ['{"a":  [1,2]}'],
	'birthday' => [ '2021-02-03', 'infinity' ],
	'stamp' => [ '2021-02-03 04:05:06+00', 'infinity' ],
	'money' => [ '1.50', '-12345678.90' ],
	'bit(4)' => ['1010'],
	'varbit' => [ '', '101' ],
	'oid' => [ 0, 4294967295 ],
	'regclass' => ['pg_class'],
	'regtype' => ['int4'],
	'tsvector' => ["'a':1 'b\"':2"],
	'point' => ['(1,2.5)'],
	'pg_lsn' => ['16/B374D848'],
	'xid' => ['7'],
	'tid' => ['(1,2)'],
	'macaddr' => ['08:00:2b:01:02:03'],
	'jsonpath' => ['$."a"[*]']);

my @wide;
my $wrong = '';
my $settings = "SET TimeZone = 'Europe/Berlin';\n";
my $compare = $settings;
for my $type (sort keys %literals)
{
	my $query = "SELECT v FROM (VALUES " . join(', ', map { '(' . lit($_) . "::$type)" } @{ $literals{$type} }) . ", (NULL)) AS q(v)";

	push @wide, lit($literals{$type}->[0]) . "::$type AS v" . @wide, "NULL::$type AS n" . @wide;
	$compare .= "SELECT " . lit($type) . ', csv_difference(' . lit($query) . '), json_difference(' . lit($query) . ");\n";
}
for my $line (split /\n/, psql($compare))
{
	$wrong .= "$line\n" if $line !~ /\|ok\|ok$/;
}
is($wrong, '', 'a value of each of ' . scalar(keys %literals) . ' types is written as COPY and row_to_json() do');

writes_same('all of them in one row', 'SELECT ' . join(', ', @wide), $settings);
writes_same('the same in another style', 'SELECT ' . join(', ', @wide),
	"SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'iso_8601'; SET bytea_output = 'escape'; SET extra_float_digits = -3;");
writes_same('strings', "SELECT s, s AS s2 FROM unnest(ARRAY[$strings]) AS s");
writes_same('a column of strings', "SELECT s FROM unnest(ARRAY[$strings]) AS s");
writes_same('strings of other types',
	"SELECT s::varchar(7) AS a, s::char(7) AS b, s::name AS c, ARRAY[s] AS d, ROW(1, s) AS e, to_jsonb(s) AS f FROM unnest(ARRAY[$strings]) AS s");
writes_same('names of columns',
	'SELECT 1 AS "a""b\\c", 2 AS "x' . "\n" . 'y", 3 AS "' . "\xc3\xa9" . '", 4 AS " ", 5 AS "a,b", 6 AS "a", 7 AS "a", 8 AS ' . "\"\t\"");
writes_same('no columns', 'SELECT FROM generate_series(1, 3)');
writes_same('no rows', 'SELECT 1 AS a WHERE false');
writes_same('1600 columns', 'SELECT ' . join(', ', map { "$_ AS c$_" } 1 .. 1600));
writes_same('1600 columns of text and NULL',
	'SELECT ' . join(', ', map { $_ % 3 ? "'a,' || g AS c$_" : "NULL::int AS c$_" } 1 .. 1600) . ' FROM generate_series(1, 20) AS g');

psql(<<'END');
CREATE TABLE large (id int, t text, v varchar, j jsonb, k json, n numeric, a int[], b bytea);
INSERT INTO large SELECT g, repeat('text "' || g, 20000), repeat('x', 300000 * g),
	jsonb_build_object('a', repeat('y', 100000)), json_build_object('b', repeat('z', 100000)),
	repeat('9', 10000)::numeric, array(SELECT generate_series(1, 10000)), decode(repeat('00ff', 50000), 'hex')
	FROM generate_series(1, 3) AS g;
ALTER TABLE large ALTER t SET STORAGE EXTERNAL;
INSERT INTO large SELECT * FROM large;
END
writes_same('values out of line', 'SELECT * FROM large');
writes_same('many rows', "SELECT g, g::text AS t, g / 7.0 AS n, g / 7.0::float8 AS f, jsonb_build_array(g) AS j, ARRAY[g] AS a, repeat('x', 100) AS x FROM generate_series(1, 20000) AS g");

# Floats of all sizes
my $floats = <<'END';
SELECT f, f::text::numeric::float4 AS f4, f::numeric AS n, g / 100.0::float8 AS f100
FROM (SELECT g, (g % 7 - 3) * power(10.0::float8, (hashint8(g) % 1000003) / 30000.0::float8) AS f
	FROM generate_series(1, 3000) AS g) AS q
END
writes_same("floats, extra_float_digits $_", $floats, "SET extra_float_digits = $_;") for -15, 0, 1, 3;

# Dates and times: many, from all of time, in zones with whole and odd offsets.
my $moments = <<'END';
SELECT m::date AS d, m AS t, m AT TIME ZONE 'UTC' AS z, (m AT TIME ZONE 'UTC')::timestamptz(0) AS z0
FROM (
	SELECT timestamp '2000-01-01' + make_interval(secs => hashint8(g)::float8 * CASE g % 4 WHEN 0 THEN 0.2 WHEN 1 THEN 1 WHEN 2 THEN 29 ELSE 90 END
		+ CASE g % 3 WHEN 0 THEN 0.000001 WHEN 1 THEN 0.25 ELSE 0 END) AS m
	FROM generate_series(1, 3000) AS g
	UNION ALL
	SELECT timestamp '1840-01-01' + g * interval '83 hours 17 minutes 3.5 seconds' FROM generate_series(1, 25000) AS g
	UNION ALL
	SELECT timestamp '2021-03-14 00:00:00' + g * interval '900 seconds' FROM generate_series(-200, 2500) AS g
	UNION ALL
	SELECT timestamp '2021-10-31 00:59:59.999999' + g * interval '0.000001 seconds' FROM generate_series(0, 2) AS g
) AS q
END
my @zone_settings = (
	[ 'ISO', 'UTC' ], [ 'ISO', 'Europe/Berlin' ], [ 'ISO', 'America/New_York' ],
	[ 'ISO', 'Asia/Kathmandu' ], [ 'ISO', 'Africa/Monrovia' ], [ 'ISO', 'Pacific/Apia' ],
	[ 'ISO', 'Europe/Dublin' ], [ 'ISO', 'Antarctica/Troll' ], [ 'ISO', 'Australia/Lord_Howe' ],
	[ 'ISO', '<+05:30>-05:30' ], [ 'ISO', 'EST5EDT' ], [ 'ISO', '<-01>1:02' ],
	[ 'SQL, DMY', 'Europe/Berlin' ], [ 'Postgres, MDY', 'America/New_York' ], [ 'German', 'Asia/Tokyo' ]);
for my $setting (@zone_settings)
{
	my ($date_style, $zone) = @$setting;

	writes_same("dates and times with DateStyle $date_style, TimeZone $zone",
		$moments, "SET DateStyle = '$date_style'; SET TimeZone = '$zone';");
}

# Dialects
my $mixed = "SELECT g AS i, -g AS j, s, g * 0.1 AS n, date '2021-01-01' + g::int AS d, timestamp '2021-01-01' + g * interval '1.5 seconds' AS t, NULLIF(s, 'a') AS m, 'NaN'::numeric AS nan, true AS b, NULL::date AS e FROM unnest(ARRAY[$strings]) WITH ORDINALITY AS u(s, g)";
for my $dialect (
	"delim => ';'", "delim => '|', nul => 'NULL'", "delim => '-'", "delim => '.'", "delim => ':'", "delim => ' '",
	"delim => E'\\t', quot => ''''", "esc => E'\\\\'", "nul => '1'", "nul => '-5'", "nul => 't'", "nul => '2021-01-02'",
	'force => true', "header => false, nul => E'\\\\N'", "quot => '1', esc => '2'", "quot => 'x', delim => 'y'",
	"delim => '5'", "nul => '\xc3\xa9'", "delim => '0', force => true")
{
	is(psql('SELECT csv_difference(' . lit($mixed) . ", $dialect)"), 'ok', "CSV with $dialect");
}

# Encodings
my %encodings = (
	LATIN1 => "gr\xc3\xbc\xc3\x9f,e \"\xc3\xa9\xc3\xbf\"",
	WIN1252 => "\xe2\x82\xac \xe2\x80\x9ca\xe2\x80\x9d",
	EUC_JP => "\xe8\xa1\xa8\xe7\xa4\xba, \xe3\x82\xbd\"\xe8\x83\xbd",
	SJIS => "\xe8\xa1\xa8\xe7\xa4\xba, \xe3\x82\xbd\"\xe8\x83\xbd\xe3\x83\xbc\xc2\xa5\"\n",
	BIG5 => "\xe5\x8a\x9f\xe8\x93\x8b, \xe8\xa8\xb1\"",
	GB18030 => "\xe4\xb8\xad\xe6\x96\x87, \xf0\x9f\x98\x80\"\xe9\x95\xbf",
	UTF8 => "\xe4\xb8\xad\xf0\x9f\x98\x80",
	SQL_ASCII => "\xc3\xa9");
for my $encoding (sort keys %encodings)
{
	my $s = lit($encodings{$encoding});
	my $query = lit("SELECT g AS \"" . ($encodings{$encoding} =~ s/"/""/gr) . "\", repeat(s, g) AS s, s::char(30) AS c, ARRAY[s] AS a, to_json(s) AS j, 1.5 AS n, NULL::int AS x FROM (SELECT $s AS s) AS q, generate_series(1, 9) AS g");
	my $name = lit($encoding);

	is(psql("SELECT csv_difference($query, enc => $name), csv_difference($query, enc => $name, nul => "
			  . lit($encodings{$encoding} =~ s/["\n,]//gr) . ", quot => '[', esc => E'\\\\', delim => '|')"
			  . ($encoding eq 'SQL_ASCII' ? ", 'ok'" : ", json_difference($query, enc => $name)")),
		'ok|ok|ok', "encoding $encoding");
}
like((psql_err("SELECT csv_difference('SELECT U&''\\4E2D''', enc => 'LATIN1')"))[1],
	qr/22P05: character with byte sequence 0xe4 0xb8 0xad in encoding "UTF8" has no equivalent in encoding "LATIN1"/,
	'a character that the encoding does not have');
like((psql_err("SELECT unit_tuple_write('SELECT U&''\\4E2D''', true, true, ',', '\"', '\"', '', 'LATIN1', false)"))[1],
	qr/22P05/, 'or in JSON');

# Dropped columns, and columns added after the rows
psql(<<'END');
CREATE TABLE dropped (a int, gone1 text, b text, c date, gone2 int);
INSERT INTO dropped VALUES (1, 'x', 'y,z', '2020-01-01', 5), (NULL, 'x', NULL, NULL, 6);
ALTER TABLE dropped DROP COLUMN gone1, DROP COLUMN gone2, ADD COLUMN added int DEFAULT 7;
END
is(psql(q{SELECT encode(unit_tuple_write_table('dropped', false, true, ',', '"', '"', '', '', false), 'escape')}),
	qq{a,b,c,added\n1,"y,z",2020-01-01,7\n,,,7\n}, 'CSV of a table with dropped columns');
is(psql(q{SELECT encode(unit_tuple_write_table('dropped', false, false, ',', '"', '"', '', '', true), 'escape')}),
	qq{"1","y,z","2020-01-01","7"\n,,,"7"\n}, 'all of it quoted');
is(psql(q{SELECT encode(unit_tuple_write_table('dropped', true, false, ',', '"', '"', '', '', false), 'escape')}),
	qq({"a":1,"b":"y,z","c":"2020-01-01","added":7}\n{"a":null,"b":null,"c":null,"added":7}\n),
	'JSON of a table with dropped columns');

done_testing();
