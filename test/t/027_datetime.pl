#-------------------------------------------------------------------------
#
# 027_datetime.pl
#		Dates and times by the options dateformat and timeformat: what
#		to_timestamp() and to_date() make of a value that fits, and no other.
#
# S3_TEST_SEED chooses other random values, S3_TEST_SCALE more of them.
#
# IDENTIFICATION
#		test/t/027_datetime.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;
use utf8;

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

psql("CREATE FUNCTION unit_tuple_read(regtype, int, text, bool, text, text) RETURNS text LANGUAGE C AS " . lit($lib)
	  . ", 'unit_tuple_read';\n"
	  . "CREATE FUNCTION unit_tuple_repeat(regtype, int, text, int, bool, text) RETURNS void STRICT LANGUAGE C AS "
	  . lit($lib) . ", 'unit_tuple_repeat';");
psql(<<'END');
CREATE DOMAIN recent AS timestamptz(0) CHECK (VALUE > '2000-01-01 00:00:00+00');
CREATE DOMAIN stamp AS timestamp(2);
CREATE TABLE inputs (id int, type text, format text, value text, expression text);

-- the type's own answer to an expression, and ours to a value
CREATE FUNCTION answers(OUT id int, OUT ours text, OUT server text) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	i inputs;
	att record;
BEGIN
	FOR i IN SELECT * FROM inputs LOOP
		id := i.id;
		att := (format('(%s, %s)', quote_literal(i.type), i.id), NULL);
		BEGIN
			EXECUTE format('SELECT (%s)::%s', i.expression, i.type) INTO server;
			server := coalesce(server, 'NULL');
		EXCEPTION WHEN OTHERS THEN
			server := SQLSTATE;
		END;
		ours := answer(i.type, i.value, i.format);
		RETURN NEXT;
	END LOOP;
END $$;

CREATE FUNCTION answer(type text, value text, format text, column_format text = NULL, is_json bool = false) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	typid regtype;
	typmod int;
BEGIN
	EXECUTE format('CREATE TEMP TABLE IF NOT EXISTS %I (c %s)', 'of ' || type, type);
	SELECT atttypid, atttypmod INTO typid, typmod FROM pg_attribute
		WHERE attrelid = to_regclass(quote_ident('of ' || type)) AND attname = 'c';
	RETURN unit_tuple_read(typid, typmod, value, is_json, format, column_format);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
END

my @inputs;    # [type, format, value, expression]

# Values of a type in a format have the answer of an SQL expression, in which V
# stands for the value's literal.  An SQLSTATE is expected as such.
sub add
{
	my ($type, $format, $expression, @values) = @_;

	for my $value (@values)
	{
		my $sql = $expression;

		$sql =~ s/\bV\b/lit($value)/ge;
		push @inputs, [ $type, $format, $value, $sql ];
	}
}

sub check
{
	my ($name, $settings) = @_;
	my @rows = map { "($_, " . join(', ', map { lit($_) } @{ $inputs[$_] }) . ')' } 0 .. $#inputs;
	my $out = psql("SET client_min_messages = warning;\n" . ($settings || '') . "\n"
		  . "TRUNCATE inputs;\nINSERT INTO inputs VALUES " . join(",\n", @rows) . ";\n"
		  . "SELECT id, ours, server FROM answers();");
	my $wrong = '';
	my $good = 0;

	for my $line (split /\n/, $out)
	{
		my ($id, $ours, $server) = split /\|/, $line;

		$good++ if $server !~ /^[0-9A-Z]{5}$/;
		$wrong .= join(', ', map { defined $_ ? "'$_'" : 'NULL' } @{ $inputs[$id] }) . ": $ours, not $server\n"
		  if $ours ne $server;
	}
	is($wrong, '', $name);
	is(scalar(split /\n/, $out), scalar @inputs, "$name: all answered") if $out;
	@inputs = ();
	return $good;
}

sub pick
{
	return $_[rand @_];
}

#-------------------------------------------------------------------------
# Seconds and milliseconds since 1970
#-------------------------------------------------------------------------

# As to_timestamp(double precision); of halves of microseconds there are none.
my @seconds = (
	0, 1, -1, '-0', '+1', '0000001', 1700000000, '1700000000.123', '1700000000.123456', -1700000000,
	'-1700000000.75', '.5', '5.', '-.25', '1e0', '1.7e9', '17E8', '-1.5e+3', '15e-1', ' 7 ', '946684800', '951782400.000001',
	'4102444800', '253402300799', '253402300800', '-62135596800', '-62135596801', '-210866803200', '-210866803199',
	'1.23e4', '0.1', '0.000001', '-0.000001', '1700000000.1234564', '1700000000.1234567', '-5.0000004');
my @beyond = ('9224318016000', '9224318016000.5', '-210866803201', '99999999999999', '-99999999999999', '9223372036854775807', '1e18',
	'999999999999999999', '9999999999999999999999', '1e100', '-1e100', '1e10000');
my @no_numbers = ('', ' ', '-', '+', '.', 'e5', '1e', '1 2', '1,5', '0x10', '1_000', 'NaN', 'nan', 'Infinity', '-inf', '12x', 'x12',
	'--1', '1.2.3', '2020-01-01', 'epoch', '1e5.5');
my @random = map { int(rand(8e9)) - 4e9 } 1 .. 200 * $scale;

push @random, map { sprintf '%d.%0*d', rand(4e9), $_, rand 10**$_ } map { (1 .. 6) } 1 .. 20 * $scale;

add('timestamptz', 'epochsecs', 'to_timestamp(V)', @seconds, @random);
add('timestamptz', 'EpochSecs', "TIMESTAMPTZ '1970-01-01 00:00:00+00' + V * INTERVAL '1 second'", 5, -5);
add('timestamp', 'epochsecs', "to_timestamp(V) AT TIME ZONE 'UTC'", @seconds, @random);
add('date', 'epochsecs', "to_timestamp(V) AT TIME ZONE 'UTC'", @seconds, @random);
add('timestamptz(3)', 'epochsecs', 'to_timestamp(V)', @seconds, @random);
add('timestamp(0)', 'epochsecs', "to_timestamp(V) AT TIME ZONE 'UTC'", @seconds);
add('stamp', 'epochsecs', "to_timestamp(V) AT TIME ZONE 'UTC'", @seconds);
add('timestamptz', 'epochmillisecs', 'to_timestamp(round(V::numeric / 1000, 6))',
	@random, 0, -1, 1, 999, 1000, -999, 1700000000123, '1700000000123.5', '1.7e12', '-210866803200000');
add('timestamp', 'epochmillisecs', "to_timestamp(round(V::numeric / 1000, 6)) AT TIME ZONE 'UTC'", @random, -1, 1, 1700000000123);
cmp_ok(check('seconds and milliseconds are those of to_timestamp()', "SET TimeZone = 'America/New_York';"), '>', 1000, 'enough of them');

for my $case ([ 'epochsecs', '22008', @beyond ], [ 'epochmillisecs', '22008', '9224318016000000', '-210866803200001', @beyond[ 5 .. $#beyond ] ],
	[ 'epochsecs', '22007', @no_numbers ], [ 'epochmillisecs', '22007', @no_numbers ])
{
	my ($format, $state, @values) = @$case;

	for my $type (qw(date timestamp timestamptz))
	{
		is(join(',', grep { psql('SELECT answer(' . join(', ', map { lit($_) } $type, $_, $format) . ')') ne $state } @values),
			'', "$type $format: $state of " . @values . ' values');
	}
}
is(psql("SET TimeZone = 'UTC';\nSELECT answer('timestamp', '9224318015999.999999', 'epochsecs'), answer('timestamptz', '9224318015999', 'epochsecs'),"
	  . " answer('timestamp', '9224318015999999.999', 'epochmillisecs'), answer('date', '-210866803200000', 'epochmillisecs'),"
	  . " answer('timestamp', '9224318015999.9999999', 'epochsecs'), answer('timestamp', '1700000000.000000500', 'epochsecs')"),
	'294276-12-31 23:59:59.999999|294276-12-31 23:59:59+00|294276-12-31 23:59:59.999999|4714-11-24 BC|22008|2023-11-14 22:13:20.000001',
	'the first and the last one');
is(psql("SELECT answer('time', '1700000000.5', NULL, 'epochsecs'), answer('timetz', '-1', NULL, 'epochsecs')"),
	'22:13:20.5|23:59:59+00', 'times of day in UTC');
is(psql("SELECT answer('time', '12:34', 'epochsecs'), answer('timetz', '12:34+01', 'HH24.MI')"),
	'12:34:00|12:34:00+01', 'which the table\'s option does not speak of');

#-------------------------------------------------------------------------
# Templates
#-------------------------------------------------------------------------

sub random_fields
{
	my @t = (1000 + int rand 2000, 1 + int rand 12, 1 + int rand 28, int rand 24, int rand 60, int rand 60, int rand 1000000);

	return @t;
}

# Each with a format for sprintf of the fields above, in order.
my @templates = (
	[ 'YYYY-MM-DD HH24:MI:SS', '%04d-%02d-%02d %02d:%02d:%02d' ],
	[ 'YYYY-MM-DD HH24:MI:SS', '%d-%d-%d %d:%d:%d' ],
	[ 'yyyy-mm-dd hh24:mi:ss', '%04d-%02d-%02d %02d:%02d:%02d' ],
	[ 'YYYY-MM-DD HH24:MI:SS.US', '%04d-%02d-%02d %02d:%02d:%02d.%06d' ],
	[ 'YYYY-MM-DD HH24:MI:SS.US', '%04d-%02d-%02d %02d:%02d:%02d.%d' ],
	[ 'YYYY-MM-DD"T"HH24:MI:SS', '%04d-%02d-%02dT%02d:%02d:%02d' ],
	[ 'YYYY-MM-DD HH24:MI', '%04d-%02d-%02d %02d:%02d' ],
	[ 'YYYY-MM-DD', '%04d-%02d-%02d' ],
	[ 'YYYYMMDD', '%04d%02d%02d' ],
	[ 'YYYYMMDDHH24MISS', '%04d%02d%02d%02d%02d%02d' ],
	[ 'YYYYMMDD HH24MISS.US', '%04d%02d%02d %02d%02d%02d.%06d' ],
	[ 'YYYY/MM/DD', '%04d/%02d/%02d' ],
	[ 'YYYY.MM.DD HH24;MI,SS', '%04d.%02d.%02d %02d;%02d,%02d' ],
	[ 'YYYY-MM-DD HH24:MI:SSTZH:TZM', '%04d-%02d-%02d %02d:%02d:%02d+05:30' ],
	[ 'YYYY-MM-DD HH24:MI:SS TZH', '%04d-%02d-%02d %02d:%02d:%02d -03' ],
	[ '"on" YYYY-MM-DD "at" HH24:MI', 'on %04d-%02d-%02d at %02d:%02d' ]);
for my $template (@templates)
{
	my ($format, $sprintf) = @$template;

	for my $n (1 .. 30 * $scale)
	{
		no warnings 'redundant';
		my $value = sprintf $sprintf, random_fields();
		my $quoted = lit($format);
		my $plain = $format;

		# without the zone, as it is not to be converted
		$plain =~ s/ ?TZH(:TZM)?//;
		add('timestamptz', $format, "to_timestamp(V, $quoted)", $value);
		add('timestamp', $format, "to_timestamp(V, " . lit($plain) . ")::timestamp", $value);
		add('timestamp(3)', $format, "to_timestamp(V, " . lit($plain) . ")::timestamp", $value);
		add('date', $format, "to_date(V, $quoted)", $value);
	}
}
add('date', 'DD Mon YYYY', 'to_date(V, \'DD Mon YYYY\')', '3 Feb 2021', '03 feb 2021', '31 DEC 1999');
add('date', 'DDMONYYYY', 'to_date(V, \'DDMONYYYY\')', '03FEB2021', '31dec1999');
add('date', 'DD/MM/YY', 'to_date(V, \'DD/MM/YY\')', '03/02/21', '03/02/70', '03/02/69', '3/2/99');
add('date', 'Dy DD Month YYYY', 'to_date(V, \'Dy DD Month YYYY\')', 'Wed 3 February 2021');
add('date', 'YYYY-DDD', 'to_date(V, \'YYYY-DDD\')', '2021-034', '2020-366');
add('date', 'IYYY-"W"IW-ID', 'to_date(V, \'IYYY-"W"IW-ID\')', '2021-W05-3');
add('date', 'J', 'to_date(V, \'J\')', '2459249');
add('date', 'YYYY-MM-DD BC', 'to_date(V, \'YYYY-MM-DD BC\')', '0044-03-15 BC', '0044-03-15 AD');
add('date', 'YYYY', 'to_date(V, \'YYYY\')', '2021');
add('date', 'YYYY-MM', 'to_date(V, \'YYYY-MM\')', '2021-11');
add('date', 'YYYY-MM-DD', 'to_date(V, \'YYYY-MM-DD\')', '2020-02-29', '2000-02-29', '0001-01-01', '9999-12-31', '12021-02-03', ' 2021-02-03 ');
add('timestamptz', 'MM/DD/YYYY HH12:MI:SS AM', 'to_timestamp(V, \'MM/DD/YYYY HH12:MI:SS AM\')', '02/03/2021 01:05:06 PM', '2/3/2021 12:00:00 am');
add('timestamptz', 'YYYY-MM-DD HH24:MI:SS.MS', 'to_timestamp(V, \'YYYY-MM-DD HH24:MI:SS.MS\')', map { "2021-02-03 04:05:06.$_" } qw(1 12 123 001 000));
add('timestamptz', "YYYY-MM-DD HH24:MI:SS.FF$_", "to_timestamp(V, 'YYYY-MM-DD HH24:MI:SS.FF$_')", map { "2021-02-03 04:05:06.$_" } qw(1 12 123 001 000))
  for 3, 6;
add('timestamp(1)', 'YYYY-MM-DD HH24:MI:SS.US', 'V::timestamp(1)', map { "2021-02-03 04:05:59.$_" } qw(04 06 95 94 949999));

# Around a change of the clock, in the session's time zone.
add('timestamptz', 'YYYY-MM-DD HH24:MI:SS', 'V', map { ("2021-03-14 0$_:59:59", "2021-03-14 0$_:30:00", "2021-11-07 0$_:30:00", "2021-11-07 0$_:59:59") } 0 .. 4);
add('timestamp', 'YYYY-MM-DD HH24:MI:SS', 'V', map { ("2021-03-14 0$_:30:00", "2021-11-07 0$_:30:00") } 0 .. 4);
cmp_ok(check("values that fit a template are those of to_timestamp()", "SET TimeZone = 'America/New_York';"), '>', 1500, 'enough of them');

# Text that needs no quotes.
is(psql("SELECT answer('timestamp', '2021-02-03T04:05:06', 'YYYY-MM-DDTHH24:MI:SS'), answer('timestamp', '2021_02_03', 'YYYY_MM_DD'),"
	  . " answer('date', '2021年02月03日', 'YYYY年MM月DD日'), answer('date', '(2021)|02\\3', '(YYYY)|MM\\DD')"),
	'2021-02-03 04:05:06|2021-02-03 00:00:00|2021-02-03|2021-02-03', 'text without quotes');

# What does not fit is an error; [type, format, SQLSTATE, values].
for my $case (
	[ 'date', 'YYYY-MM-DD', '22007', '', ' ', '2021', '2021-02', '2021/02/03', '2021-02-03x', '2021-02-03 04:05', '20210203', 'x', 'today', 'infinity', '2021-02-03-04', '1700000000', "2021-02-03\n1" ],
	[ 'date', 'YYYY-MM-DD', '22008', '2021-02-30', '2021-13-01', '2021-00-01', '2021-01-00', '0000-00-00', '0000-01-01', '2100-02-29',
		'2021-1-0', '2021-0-1', '0-1-1', ' 2021-01-00', '2021-01-00 ', '12021-01-00', '2021- 01-00' ],
	[ 'date', 'YYYYMMDD', '22007', '2021123', '202111', '20210203x', '2021-02-03' ],
	[ 'date', 'YYYYMMDD', '22008', '20211301', '20210230', '00000000', '20210200 ', '2021 02 00' ],
	[ 'timestamp', 'YYYY-MM-DD HH24:MI:SS.US', '22007', '2021-02-03 04:05:06. 8', "2021-02-03 04:05:06.\t08", '2021-02-03 04:05:06. ' ],
	[ 'timestamp', 'YYYY-MM-DD"T"HH24:MI:SS,FF3', '22007', '2021-02-03T04:05:06, 8' ],
	[ 'timestamp', 'YYYY-MM-DD HH24:MI:SS.US', '22008', '2021-02-0 04:05:06.8' ],
	[ 'timestamp', 'YYYYMMDDHH24MISS', '22007', '2021020304050', '20210203' ],
	[ 'timestamptz', 'YYYY-MM-DD HH24:MI:SS', '22007', '2021-02-03', '2021-02-03 04:05', '2021-02-03T04:05:06', '2021-02-03 04:05:06Z', '2021-02-03 04:05:06+00', '2021-02-03 04:05:06.5', '1700000000' ],
	[ 'timestamptz', 'YYYY-MM-DD HH24:MI:SS', '22008', '2021-02-03 24:00:00', '2021-02-03 04:60:06', '2021-02-03 04:05:60', '294277-01-01 00:00:00' ],
	[ 'timestamp', 'YYYY-MM-DD HH24:MI:SSTZH:TZM', '22007', '2021-02-03 04:05:06', '2021-02-03 04:05:06+05' ],
	[ 'timestamp', 'YYYY-MM-DD"T"HH24:MI', '22007', '2021-02-03 04:05', '2021-02-03t04:05' ],
	[ 'timestamp', 'MM/DD/YYYY HH:MI', '22007', '02/03/2021 13:05' ],
	[ 'date', 'YYYY_MM', '22007', '2021-02', '202102' ],
	# templates that are no good, or none for the type
	[ 'date', 'yesterday', '22007', '2021-02-03', 'yesterday' ],
	[ 'date', '', '22007', '2021-02-03', '' ],
	[ 'date', 'HH24:MI', '22007', '04:05' ],
	[ 'timestamp', 'HH24:MI:SS', '22007', '04:05:06' ],
	[ 'timestamp', 'YYYY-MM-DD x', '22007', '2021-02-03 x' ],
	[ 'timestamp', 'YYYY-MM-DD Q', '22007', '2021-02-03 z' ],
	[ 'timestamp', 'epochmicrosecs', '22007', '1700000000' ])
{
	my ($type, $format, $state, @values) = @$case;
	my @wrong = grep { $_->[1] !~ /^$state$/ } map { [ $_, psql('SELECT answer(' . join(', ', map { lit($_) } $type, $_, $format) . ')') ] } @values;

	is(join(', ', map { "'$_->[0]': $_->[1]" } @wrong), '', "$type \"$format\": $state of " . @values . ' values');
}
like((psql_err("SELECT unit_tuple_read('timestamp', -1, '2021', false, 'YYYY x', NULL)"))[1],
	qr/22007: .*CONTEXT:  timeformat "YYYY x"/s, 'the context names the option');
like((psql_err("SELECT unit_tuple_read('date', -1, '04:05', false, NULL, 'HH24:MI')"))[1],
	qr/22007: dateformat "HH24:MI" has no date, which type date needs/, 'a template for another type');

# Times of day have only the column's option.
is(psql("SELECT answer('time', '040506', NULL, 'HH24MISS'), answer('time(1)', '04.05.06.789', NULL, 'HH24.MI.SS.MS'),"
	  . " answer('timetz', '04:05 -03', NULL, 'HH24:MI TZH'), answer('time', '2021-02-03 04:05', NULL, 'YYYY-MM-DD HH24:MI'),"
	  . " answer('timetz', '2021-02-03 04:05 +02', NULL, 'YYYY-MM-DD HH24:MI TZH'), answer('time', '2021-02-03', NULL, 'YYYY-MM-DD')"),
	'04:05:06|04:05:06.8|04:05:00-03|04:05:00|04:05:00+02|22007', 'times of day');

# Which option counts.
is(psql("SET TimeZone = 'UTC';\nSELECT answer('timestamp', '7', 'YYYY', 'epochsecs'), answer('timestamp', '2021-02-03', 'YYYY', 'auto'),"
	  . " answer('timestamp', '2021-02-03', 'AUTO'), answer('text', '7', 'epochsecs'), answer('int', '7', 'epochsecs', 'epochsecs'),"
	  . " answer('timestamp', '1.5', 'epochsecs', NULL, true), answer('timestamp[]', '[\"2021-02-03\"]', 'epochsecs', NULL, true)"),
	'1970-01-01 00:00:07|2021-02-03 00:00:00|2021-02-03 00:00:00|7|7|1970-01-01 00:00:01.5|{"2021-02-03 00:00:00"}',
	'the column\'s option before the table\'s');

# Domains
is(psql("SET TimeZone = 'UTC';\nSELECT answer('recent', '1700000000.7', 'epochsecs'), answer('recent', '1', 'epochsecs'),"
	  . " answer('stamp', '2021-02-03 04:05:06.789', 'YYYY-MM-DD HH24:MI:SS.MS')"),
	'2023-11-14 22:13:21+00|23514|2021-02-03 04:05:06.79', 'domains');

psql("SELECT unit_tuple_repeat('$_->[0]', -1, '$_->[1]', 20000, false, '$_->[2]')")
  for [ 'timestamptz', '1700000000.5', 'epochsecs' ], [ 'timestamptz', '1.7e9', 'epochsecs' ],
  [ 'timestamp', '2021-02-03', 'YYYY-MM-DD' ], [ 'timestamp', '3 Feb 2021', 'DD Mon YYYY' ], [ 'recent', '1700000000', 'epochsecs' ];
pass('reading many values takes no more memory than one');

done_testing();
