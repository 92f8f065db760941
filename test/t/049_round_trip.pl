#-------------------------------------------------------------------------
#
# 049_round_trip.pl
#		What is exported reads back the same through a foreign table: values of
#		every type, in every format, codec and encoding, with other options and
#		under other settings.
#
# CSV and text have to be the bytes of COPY (query) TO, and to be read as COPY
# FROM reads them, errors included; JSON lines have to be those of
# row_to_json().  Beside that, rows are compared with the original ones, both
# ways, as text, and under settings that lose nothing.
#
# S3_TEST_SEED chooses other random values, S3_TEST_SCALE more of them.
#
# IDENTIFICATION
#		test/t/049_round_trip.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;
use utf8;

use Digest::MD5 qw(md5_hex);
use FindBin;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $seed = $ENV{S3_TEST_SEED} || 49;
my $scale = $ENV{S3_TEST_SCALE} || 1;
srand $seed;
note "seed $seed";

my $bucket = 'roundtrip';
my $file = server_tmp() . '/copied';
my $objects = 0;
my $megabyte = 1024 * 1024;

# Settings under which output functions lose nothing and the text of a row says
# all about it.
my $canonical = "SET datestyle = 'ISO, MDY'; SET intervalstyle = postgres; SET timezone = 'UTC'; "
  . "SET extra_float_digits = 1; SET bytea_output = hex; SET lc_monetary = 'C';\n";

sub pick
{
	return $_[ int rand @_ ];
}

# The first place where two strings differ, with something around it.
sub difference
{
	my ($have, $want) = @_;
	my ($same) = ($have ^ $want) =~ /^(\0*)/;
	my $at = length $same;
	my $from = $at > 60 ? $at - 60 : 0;

	return "at byte $at, have " . substr($have, $from, 160) . "\nwant " . substr($want, $from, 160);
}

#-------------------------------------------------------------------------
# The comparison
#-------------------------------------------------------------------------

# SQL that makes a foreign table with the columns of a table.
sub foreign_table
{
	my ($name, $table, $location, %options) = @_;
	my $options = join ', ', "location " . lit($location), map { "$_ " . lit($options{$_}) } sort keys %options;

	return "SELECT format('CREATE FOREIGN TABLE $name (%s) SERVER s3 OPTIONS (%s)', "
	  . "coalesce(string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum), ''), "
	  . lit($options) . ") FROM pg_attribute WHERE attrelid = '$table'::regclass AND attnum > 0 AND NOT attisdropped\n\\gexec\n";
}

# Number of rows of one that the other lacks.
sub lacking
{
	my ($one, $other) = @_;

	return "SELECT count(*) FROM (SELECT whole::text FROM $one whole EXCEPT ALL SELECT whole::text FROM $other whole) x";
}

# The columns in which tables with a column "id" differ, and how.
sub show_difference
{
	my ($one, $other, %opts) = @_;
	my $columns = psql("SELECT string_agg(quote_ident(attname), E'\\n' ORDER BY attnum) FROM pg_attribute "
		  . "WHERE attrelid = '$one'::regclass AND attnum > 0 AND NOT attisdropped", %opts);
	my @columns = split /\n/, $columns;

	return if !grep { $_ eq 'id' } @columns;
	for my $column (@columns)
	{
		my $shown = psql($canonical . "SELECT a.id, left(row(a.$column)::text, 200), left(row(b.$column)::text, 200) "
			  . "FROM $one a FULL JOIN $other b USING (id) WHERE row(a.$column)::text IS DISTINCT FROM row(b.$column)::text LIMIT 2", %opts);
		diag("$column: $shown") if $shown ne '';
	}
}

# What happens in a part of the session of round_trip(); see there.
sub stage
{
	my ($name, @sql) = @_;

	return "\\warn == $name\n\\echo == $name\n" . join('', map { "$_;\n" } @sql);
}

# round_trip($name, table => t, settings => sql, write => {}, ...): export a
# table, compare the bytes with what the server itself makes, read the object as
# a foreign table, compare with what COPY FROM makes of the bytes, and with the
# table.  Under settings of which even COPY may lose something (lossy) the table
# does not count.  The table got is what was read.
#
#	write			arguments of s3_export(), most of them options of COPY and of
#					the foreign table, too
#	settings		of the session that writes and reads
#	read_settings	and those when it reads
#	db				another database
sub round_trip
{
	my ($name, %opts) = @_;
	my %write = (format => 'csv', %{ $opts{write} || {} });
	my %read = (compression => 'none');
	my $table = $opts{table};
	my $location = "s3://$bucket/o" . ++$objects;
	my $plain = ($write{compression} || 'none') eq 'none';
	my $core = $plain && $write{format} =~ /^(?:csv|text)$/;
	my $json = $plain && $write{format} eq 'json' && !$write{encoding};
	my $file_encoding = $opts{db} && !$write{encoding} ? psql('SHOW server_encoding', db => $opts{db}) : undef;
	my $lines = $write{array} ? "E'[\n' || string_agg(row_to_json(whole)::text, E',\n') || E'\n]'" :
	  "string_agg(row_to_json(whole)::text || E'\n', '')";
	my @canonical = split /;\n?/, $canonical;
	my (@arguments, @to, @from, %out, %err, @failed);

	for my $option (sort keys %write)
	{
		my $value = lit($write{$option});

		push @arguments, ($option =~ /^(?:null|array)$/ ? "\"$option\"" : $option) . " => $value";
		$read{$option} = $write{$option} if $option ne 'array' && $option ne 'force_quote';
		if ($option eq 'force_quote')
		{
			push @to, 'force_quote ' . ($write{$option} eq '*' ? '*' : "($write{$option})");
		}
		elsif ($option eq 'header' && $write{$option} eq 'true' && $write{format} ne 'fixedwidth')
		{
			$read{$option} = 'match';
			push @to, 'header';
			push @from, 'header match';
		}
		elsif ($option ne 'compression')
		{
			push @$_, "$option $value" for \@to, \@from;
		}
	}
	for my $list (\@to, \@from)
	{
		push @$list, "encoding '$file_encoding'" if defined $file_encoding;
	}

	my $sql = stage('write', 'SET client_min_messages = warning',
		'DROP TABLE IF EXISTS got, copied', 'DROP FOREIGN TABLE IF EXISTS fgot', $opts{settings} || '',
		"SELECT FROM s3_export('TABLE $table', '$location', " . join(', ', @arguments) . ')');
	$sql .= stage('bytes', $core ? "COPY (TABLE $table) TO '$file' (" . join(', ', @to) . ')' :
		  $json ? "SELECT md5(convert_to($lines, getdatabaseencoding())) FROM $table whole" : '');
	$sql .= stage('read') . foreign_table('fgot', $table, $location, %read)
	  . join('', map { "$_;\n" } $opts{read_settings} || '', 'CREATE TABLE got AS SELECT * FROM fgot');
	if ($core)
	{
		$sql .= stage('copy', "CREATE TABLE copied AS SELECT * FROM $table LIMIT 0",
			"COPY copied FROM '$file' (" . join(', ', @from) . ')');
		$sql .= stage('compare copied', @canonical, lacking('copied', 'got'), lacking('got', 'copied'));
	}
	$sql .= stage('compare', @canonical, lacking($table, 'got'), lacking('got', $table), "SELECT count(*) FROM $table");

	my ($out, $err) = psql_err($sql, go_on => 1, db => $opts{db});
	(undef, %out) = split /^== (.*)\n/m, "$out\n", -1;
	(undef, %err) = split /^== (.*)\n/m, $err, -1;
	$_ = /ERROR:  (.*)/ ? $1 : '' for values %err;
	diag($err) if !defined $err{compare};

	push @failed, "export: $err{write}" if $err{write} ne '';
	push @failed, "what to compare with: $err{bytes}" if $err{bytes} ne '';
	if (!@failed && $core)
	{
		my ($have, $want) = (s3_get($bucket, "o$objects"), slurp($file));

		push @failed, 'the bytes are not those of COPY TO: ' . difference($have, $want) if $have ne $want;
		if ($err{read} ne $err{copy})
		{
			push @failed, "read: $err{read}; COPY FROM: $err{copy}";
		}
		elsif ($err{read} eq '' && $out{'compare copied'} ne "0\n0\n")
		{
			push @failed, "rows of COPY FROM and not read, read and not of COPY FROM: $out{'compare copied'}$err{'compare copied'}";
			show_difference('copied', 'got', db => $opts{db});
		}
	}
	if (!@failed && $json)
	{
		# of the server a sum, as psql does not show every character
		my $sum = md5_hex(s3_get($bucket, "o$objects"));

		push @failed, 'the bytes are not those of row_to_json()' if "$sum\n" ne $out{bytes};
	}
	if (!@failed && !$opts{lossy})
	{
		if ($err{read} ne '')
		{
			push @failed, $err{read};
		}
		elsif ($out{compare} !~ /^0\n0\n[1-9]/)
		{
			push @failed, "rows not read, read and not written, to write: $out{compare}$err{compare}";
			show_difference($table, 'got', db => $opts{db});
		}
	}
	is(join("\n", @failed), '', $name);
}

s3_make_bucket($bucket);
my $setup = <<"SQL";
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
SQL
psql($setup);

# Codecs that this build has
my @codecs = ('none');
psql('CREATE TABLE word AS SELECT 1 AS id');
for my $codec (qw(gzip zstd bzip2 xz lz4))
{
	my ($out, $err) = psql_err("SELECT FROM s3_export('TABLE word', 's3://$bucket/try.$codec', compression => '$codec')");

	if ($err eq '')
	{
		push @codecs, $codec;
	}
	else
	{
		like($err, qr/0A000: compression method \S+ is not supported by this build/, "$codec: not built in");
	  SKIP: { skip "$codec is not built in", 1; }
	}
}
my %formats = (
	csv => { format => 'csv', header => 'true' },
	text => { format => 'text', header => 'true' },
	lines => { format => 'json' },
	array => { format => 'json', array => 'true' });

#-------------------------------------------------------------------------
# Values of every type
#-------------------------------------------------------------------------

psql(<<'SQL');
CREATE TYPE mood AS ENUM ('sad', 'so so', 'a,b', 'a"b', E'a\\b', E'a\nb', '''', '{}', 'NULL', 'ÿ😀');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE nest AS (p pair, ps pair[], "q""\" numeric(5,2)[], j jsonb, m mood, c char(4), gone int, f float8, t timestamptz, d bytea);
ALTER TYPE nest DROP ATTRIBUTE gone;
CREATE DOMAIN small AS int CHECK (VALUE < 1000);
CREATE DOMAIN smaller AS small CHECK (VALUE < 100);
CREATE DOMAIN word_domain AS varchar(10) CHECK (VALUE <> 'bad');
CREATE DOMAIN ints AS int[] CHECK (array_length(VALUE, 1) < 10);
CREATE DOMAIN pair_domain AS pair CHECK ((VALUE).a > 0);
CREATE DOMAIN json_domain AS jsonb;
CREATE DOMAIN cents AS numeric(10,2);
CREATE TYPE float_range AS RANGE (subtype = float8);
CREATE TYPE text_range AS RANGE (subtype = text, collation = "C");
SQL

my %has = map { $_ => psql("SELECT 1 FROM pg_available_extensions WHERE name = '$_'") eq '1' } qw(hstore citext);
for my $extension (sort keys %has)
{
	psql("CREATE EXTENSION $extension") if $has{$extension};
}

my $nasty = join '', map { chr } 1 .. 127;
my @strings = ('', ' ', '  both  ', '"', '""', "'", '\\', '\\\\', '\\.', '\\N', 'NULL', 'null', '"null"', ',', "\t", "a\tb", "\n", "\r",
	"\r\n", "a\nb\rc\r\nd", "\n\n", '|', ';', 'a"b', '{}', '{', '}', '[', ']', '(,)', '()', '\\x41', '\\101', '\\b', '\\u0041',
	"\b\f\x0b\x01\x1f\x7f",
	$nasty, 'é', '日本語', '😀', "\x{10ffff}", "\x{feff}", "\x{2028}\x{2029}\x{85}\x{a0}", "e\x{301}", 'true', '1', '-0', 'NaN',
	'{"a": 1}',
	'//', '#', '/* */', '<a>&amp;</a>', '%s%n', '${x}', '0x00', '\\\\N', '\\n', 'x' x 3000,
	'"' x 2000, ('\\' x 2001), "\n" x 2000);

# name => [type, values as the type's input takes them]
my @types = (
	['bool', 't', 'f'],
	['int2', -32768, 32767, 0, -1],
	['int4', -2147483648, 2147483647, 0, -1],
	['int8', '-9223372036854775808', '9223372036854775807', 0, '1000000000000000000', '-999999999999999999'],
	['float4', 'NaN', 'Infinity', '-Infinity', '-0', '3.4028235e38', '1.17549435e-38', '1e-45', '0.1', '-1.5', '16777217',
		'1e10', '123456.79'],
	['float8', 'NaN', 'Infinity', '-Infinity', '-0', '1.7976931348623157e308', '2.2250738585072014e-308', '5e-324', '0.1',
		'1e15', '1e16', '-1e-5',
		'9007199254740993', '0.30000000000000004', '1e22', '1e23', '8.41e21', '9.5367431640625e-7'],
	['numeric', 'NaN', 'Infinity', '-Infinity', '0', '0.0', '0.000000', '-0.10', '1e131071',
		'1' . '0123456789' x 1000 . '.' . '9876543210' x 1000,
		'0.' . '0' x 16382 . '1', '-9223372036854775808', '18446744073709551616', '1.' . '0' x 30, '123456789012345678',
		'1234567890123456789', '.5'],
	['numeric(10,3)', '1.5', '-9999999.999', '0', 'NaN'],
	['numeric(3,-2)', '12345', '-100'],
	['numeric(5,5)', '.00001', '-.99999'],
	['text', @strings],
	['varchar', @strings],
	['varchar(3)', '', 'abc', 'é日😀', '   ', "\n\r\t"],
	['char(5)', '', 'ab', 'abcde', '日本', '  x', '"', "\n", '\\N'],
	['bpchar', 'x', ''],
	['name', 'x', '', 'a"b,c', '日本', 'x' x 63],
	['"char"', 'a', '', ',', '"', '\\', "\n", "\x01"],
	['bytea', '', '\\x00', '\\x5c', '\\x' . join('', map { sprintf '%02x', $_ } 0 .. 255), '\\x' . '00' x 5000, '\\x22',
		'\\x2c0a0d'],
	['date', '2026-01-02', 'infinity', '-infinity', '4713-01-01 BC', '5874897-12-31', '0001-01-01', '0001-12-31 BC',
		'9999-12-31', '10000-01-01', '2000-02-29',
		'1900-03-01'],
	['time', '00:00', '24:00', '23:59:59.999999', '12:30', '00:00:00.000001'],
	['time(2)', '12:00:00.12'],
	['timetz', '00:00+00', '24:00-15:59:59', '23:59:59.999999+15:59:59', '12:30+05:45', '01:00-00:30'],
	['timestamp', '2026-01-02 03:04:05.678', 'infinity', '-infinity', '4713-01-01 00:00 BC', '294276-12-31 23:59:59.999999',
		'1999-12-31 23:59:59.999999',
		'0001-01-01', '0001-12-31 23:59:59.9 BC', '9999-12-31 23:59:59.1', '10000-01-01', '1582-10-15',
		'2000-01-01 00:00:00.000001'],
	['timestamp(0)', '2026-01-02 03:04:05'],
	['timestamptz', '2026-01-02 03:04:05.678+00', 'infinity', '-infinity', '4713-01-02 00:00+00 BC',
		'294276-12-30 23:59:59.999999+00', '1800-01-01 00:00+00',
		'1918-06-01 12:00+00', '2026-10-25 00:30+00', '2026-10-25 01:30+00', '2026-03-29 00:59:59.999999+00',
		'1969-12-31 23:59:59.5+00', '0044-03-15 00:00+00 BC',
		'1972-01-07 00:00+00', '9999-12-31 23:59:59+00'],
	['interval', '0', '1 year 2 mons', '-1 year', '1 mon -3 days 04:05:06.7', '-1 mon 3 days -04:05:06.7', '178000000 years',
		'-178000000 years', '2147483647 days',
		'-2147483647 days', '2562047788:00:54.775807', '-2562047788:00:54.775807', '0.000001 s', '-0.000001 s', '1 day', '-1 day',
		'-1 day 1 s', '1 mon -1 s', '23:59:59.999999',
		'100:00', '-00:30'],
	['interval day to second(3)', '1 day 2:03:04.567'],
	['interval year to month', '1-2', '-1-2'],
	['uuid', '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
		'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
	['json', '{}', '[]', '1', '"x"', 'true', '{"a": "b\\n\\u0041\\"", "b":[1, {"c":null}]}', "{\"a\"\n:\n\t[1,\n2]\n}",
		"[\n{\"id\": 7}\n,\n{\"id\": 8}\n]", '{"a": 1, "a": 2}', '1e400', '-0',
		'{"é":"😀,\'"}', '"\\u0000"', '""', '{"a" : 1}', '{"":""}', '[[[[]]]]', '"]}"'],
	['jsonb', '{}', '[]', '1.50', '"x"', 'false', '{"a": "b\\nA\\"", "b":[1, {"c":null}]}', '1e400', '-0', '{"é":"😀,\'\\\\"}',
		'""', '"\\u0001\\t"', '{"":""}', '"null"'],
	['xml', '<a/>', '<a b="c">x&amp;y&lt;</a>', 'text only', "<a>\n<b>\t\"quoted\", 'it'</b></a>", '<é>日本</é>',
		'<?xml version="1.0"?><a/>', '', '<![CDATA[,"]]>', 'a<b/>c'],
	['inet', '10.0.0.1/8', '10.0.0.1', '::1', '2001:db8::ff00:42:8329/64', '::ffff:1.2.3.4', '0.0.0.0/0'],
	['cidr', '10.0.0.0/8', '2001:db8::/32', '0.0.0.0/0', '10.1.2.3'],
	['macaddr', '08:00:2b:01:02:03'],
	['macaddr8', '08:00:2b:01:02:03:04:05'],
	['bit', '0', '1'],
	['bit(9)', '101010101'],
	['varbit', '', '1', '0' x 1000, '10'],
	['varbit(4)', '1010', ''],
	['point', '(0,0)', '(-0,1e300)', '(NaN,Infinity)', '(0.1,-0.30000000000000004)'],
	['box', '(1,1),(0,0)', '(Infinity,1),(-Infinity,0.1)'],
	['path', '((0,0),(1,1),(2,0))', '[(0,0),(1,1)]', '[(0.1,0.2)]'],
	['polygon', '((0,0),(1,1),(2,0))', '((1e-300,0))'],
	['line', '{1,-1,0}', '{0.1,0.2,0.3}'],
	['lseg', '[(0,0),(1,0.1)]'],
	['circle', '<(0,0),1>', '<(0.1,-0.2),1e300>'],
	['tsvector', '', "'a' 'b':1A,2 'c''d' 'e\\\\f' 'x y' ',' '\"':3", 'a:16383B'],
	['tsquery', '', "'a' & !'b':*AB | 'c''d' <2> 'e\\\\f'", "'x y'", "!( 'a' & ',' )"],
	['money', '0', '-1.50', '92233720368547758.07', '-92233720368547758.08', '1234567.89'],
	['oid', 0, 4294967295],
	['xid', 0, 4294967295],
	['cid', 0, 4294967295],
	['xid8', 0, '18446744073709551615'],
	['tid', '(0,0)', '(4294967295,65535)'],
	['pg_lsn', '0/0', 'FFFFFFFF/FFFFFFFF'],
	['txid_snapshot', '1:1:', '10:20:10,14,15'],
	['pg_snapshot', '10:20:10,14,15', '1:1:'],
	['jsonpath', '$', '$.a[*] ? (@.b == "x\\"y" && @.c > 1)', 'strict $."a b"', '$.**{2 to 3}.type()'],
	['refcursor', 'x', '"<unnamed portal 1>"'],
	['aclitem', '=r/postgres', 'postgres=arwdDxt/postgres'],
	['regclass', 'pg_class', '0', '4294967295'],
	['regtype', 'timestamp with time zone', 'integer[]', 'nest'],
	['regproc', 's3_fdw_handler', '-'],
	['regprocedure', 'abs(integer)'],
	['regoper', 'pg_catalog.||/'],
	['regoperator', '+(integer,integer)'],
	['regrole', 'postgres', '-'],
	['regnamespace', 'pg_catalog'],
	['regconfig', 'english'],
	['regdictionary', 'english_stem'],
	['regcollation', '"C"'],
	['int4range', 'empty', '[1,5)', '(,)', '[1,)', '(,-2147483647)'],
	['int8range', 'empty', '[1,5)', '(,)'],
	['numrange', '[1.50,2.5)', '(NaN,)', '(,Infinity]', 'empty', '(-Infinity,0.0]'],
	['tsrange', '["2026-01-01 00:00","2026-01-02 00:00")', '(-infinity,infinity]', '("0044-03-15 00:00:00 BC",)'],
	['tstzrange', '["2026-01-01 00:00+00","2026-01-02 00:00+00")', '[2026-10-25 00:30+00,2026-10-25 01:30+00]', 'empty'],
	['daterange', '[2026-01-01,2026-01-02)', '(,infinity)', '[0044-03-15 BC,0001-01-01)'],
	['float_range', '[0.1,0.30000000000000004)', '(-Infinity,NaN)', '[-0,1)'],
	['text_range', '["a,b","c""d")', "[\"\n\",\"\\\\\\\\\")", '["",a]', 'empty', '["(","[")', '[日,本]'],
	['int4multirange', '{}', '{[1,5),[7,9)}', '{(,)}'],
	['int8multirange', '{[1,5)}'],
	['nummultirange', '{[1.5,2.50),(3,)}'],
	['tsmultirange', '{["2026-01-01 00:00","2026-01-02 00:00")}'],
	['tstzmultirange', '{["2026-01-01 00:00+00","2026-01-02 00:00+00")}'],
	['datemultirange', '{[2026-01-01,2026-01-02),[2026-03-01,infinity)}'],
	['bool[]', '{}', '{t,f,NULL}'],
	['int4[]', '{}', '{1,NULL,3}', '{{1,2},{3,4}}', '{{{1},{2}},{{NULL},{4}}}', '{' . join(',', 1 .. 3000) . '}'],
	['int8[]', '{-9223372036854775808,9223372036854775807}'],
	['float4[]', '{NaN,-0,1e-45,Infinity,NULL,3.4028235e38}'],
	['float8[]', '{NaN,-0,5e-324,-Infinity,NULL,1.7976931348623157e308}', '{{0.1},{0.2}}'],
	['numeric[]', '{NaN,1.50,-Infinity,1e100,0.00}'],
	['numeric(5,2)[]', '{1.5,NULL}'],
	['text[]', '{}', '{"",NULL,"NULL","null"," ","{}","\\"","\\\\",",","a\\nb"}', "{\"\n\",\"\r\n\",\"\t\",é,😀}",
		'{{a,b},{c,NULL}}', '{{{"{"}},{{"}"}}}'],
	['varchar(3)[]', '{abc,"",NULL}'],
	['char(3)[]', '{a,"","ab "}'],
	['bytea[]', '{"\\\\x00ff5c22","",NULL}'],
	['date[]', '{2026-01-02,infinity,0044-03-15 BC,NULL}'],
	['timestamp[]', '{"2026-01-02 03:04:05.678",-infinity,"0044-03-15 00:00:00 BC"}'],
	['timestamptz[]', '{"2026-01-02 03:04:05.678+00",infinity,"1800-01-01 00:00+00"}'],
	['interval[]', '{"1 mon -3 days 04:05:06.7",-1 year,0}'],
	['time[]', '{24:00,00:00}'],
	['uuid[]', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}'],
	['jsonb[]', '{"{\\"a\\": [1, \\"x,y\\"]}","\\"s\\"",1,[]}', '{}'],
	['json[]', '{"{\\"a\\":  [1, \\"x,y\\"]}","\\"s\\"",1,true}'],
	['xml[]', '{<a/>,"<b c=\\"d\\"/>"}'],
	['inet[]', '{10.0.0.1/8,::1}'],
	['bit(3)[]', '{101,000}'],
	['point[]', '{"(0.1,2)","(NaN,Infinity)"}'],
	['box[]', '{(1,1),(0,0);(2,2),(1,1)}'],
	['money[]', '{"$1,234.50",-$1.00}'],
	['int4range[]', '{"[1,5)",empty,NULL}'],
	['int4multirange[]', '{"{[1,5),[7,9)}","{}"}'],
	['tsvector[]', '{"\'a\' \'b\':1",""}'],
	['mood', 'sad', 'so so', 'a,b', 'a"b', 'a\\b', "a\nb", "'", '{}', 'NULL', 'ÿ😀'],
	['mood[]', "{sad,\"so so\",\"a,b\",\"a\\\"b\",\"a\\\\b\",\"a\nb\",',\"{}\",\"NULL\",NULL,ÿ😀}"],
	['pair', '(1,"x,y")', '(,)', '(,"")', '(-1,"a""b\\\\c")', "(1,\"\n\")", '(0,NULL)', '(2," ")', '(3,")(")'],
	['pair[]', '{"(1,\\"x,y\\")",NULL,"(,)"}', '{{"(1,a)"},{"(2,b)"}}', '{}'],
	['nest', '("(1,""x,y"")","{""(2,z)"",""(,)""}","{1.5,NULL}","{""a"": ""b""}","a,b",ab,-0,"2026-01-02 03:04:05+00","\\\\x00ff")', '(,,,,,,,,)',
		'("(,)",{},"{{1},{2}}",3,"NULL","""",NaN,infinity,)'],
	['nest[]', '{"(\\"(1,x)\\",{},{},[],sad,a,1,infinity,)",NULL}'],
	['small', -5, 999],
	['smaller', 99],
	['word_domain', '', 'a,"b\\'],
	['cents', '1.5', '-99999999.99'],
	['ints', '{1,2,NULL}', '{}'],
	['small[]', '{1,NULL,999}'],
	['pair_domain', '(1,x)'],
	['json_domain', '{"a": [1]}', '"x"', '2'],
	['text[][]', '{{a,"b,c"},{NULL,""}}'],
	['information_schema.yes_or_no', 'YES'],
);
push @types, ['interval', 'infinity', '-infinity'] if psql('SHOW server_version_num') >= 170000;
push @types, ['citext', 'aBc', '', "É\n,"], ['citext[]', '{aBc,NULL,""}'] if $has{citext};

# Values that JSON as the server makes it does not carry
my @text_only = (
	['int4[]', '[0:1]={1,2}', '[-5:-4][2:3]={{1,2},{3,4}}', '[5:5]={NULL}'],
	['text[]', '[0:1]={a,NULL}'],
	['json', 'null', ' null ', " {\"a\" : 1}\n"],
	['jsonb', 'null'],
	['jsonb[]', '{null,NULL}'],
	['int2vector', '', '1 2'],
	['oidvector', '', '1 4294967295']);
push @text_only, ['hstore', '', 'a=>1, b=>NULL', '"a\\"b"=>"c,d\\\\", ""=>""', '"x=>y"=>"{}"'],
  ['hstore[]', '{"\\"a\\"=>\\"1\\"",NULL,""}']
  if $has{hstore};

# One column for each entry, the values one below the other, and NULLs
sub make_table
{
	my ($table, @specs) = @_;
	my @columns = map { "c$_ $specs[$_][0]" } 0 .. $#specs;
	my $rows = 0;
	my @inserts;

	for my $spec (@specs)
	{
		$rows = $#$spec if $#$spec > $rows;
	}
	for my $row (1 .. $rows + 1)
	{
		my @values = map { $row <= $#$_ ? lit($$_[$row]) . "::$$_[0]" : 'NULL' } @specs;

		push @inserts, "INSERT INTO $table VALUES ($row, " . join(', ', @values) . ');';
	}
	psql($canonical . "CREATE TABLE $table (id int, " . join(', ', @columns) . ");\n" . join("\n", @inserts));
}
make_table('types', @types);
make_table('text_only', @text_only);

# Have none been forgotten?  These cannot be read, even by COPY.
my $unreadable = "'pg_node_tree', 'pg_ndistinct', 'pg_dependencies', 'pg_mcv_list', 'pg_brin_bloom_summary', "
  . "'pg_brin_minmax_multi_summary', 'gtsvector'";
is(psql("SELECT string_agg(typname, ' ') FROM pg_type t WHERE typnamespace = 'pg_catalog'::regnamespace AND typisdefined "
		  . "AND typtype IN ('b', 'r', 'm') AND typcategory <> 'A' AND typname NOT IN ($unreadable) "
		  . "AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid IN ('types'::regclass, 'text_only'::regclass) AND a.atttypid = t.oid)"),
	'', 'there are values of all types');

for my $name (sort keys %formats)
{
	for my $codec (@codecs)
	{
		round_trip("all types: $name, $codec", table => 'types', write => { %{ $formats{$name} }, compression => $codec });
		round_trip("what JSON does not carry: $name, $codec", table => 'text_only', write => { %{ $formats{$name} }, compression => $codec })
		  if $formats{$name}{format} ne 'json';
	}
}

# Settings, the same of output and input.  Under some of them, which come with
# true, something is lost even by COPY; then what it makes of the bytes counts.
my @zones = ('Asia/Kathmandu', 'Europe/Amsterdam', 'America/St_Johns', 'Africa/Monrovia', '<+03:30>-3:30');
my @settings = (
	(map { ["SET intervalstyle = $_"] } 'postgres_verbose', 'iso_8601', 'sql_standard'),
	(map { ["SET timezone = '$_'"] } @zones),
	(map { ["SET datestyle = '$_'"] } 'ISO, DMY', 'ISO, YMD', 'SQL, MDY', 'SQL, DMY', 'German', 'Postgres, MDY', 'Postgres, DMY'),
	(map { [ "SET datestyle = '$_'; SET timezone = '" . pick(@zones) . "'", 1 ] } 'SQL, DMY', 'German', 'Postgres'),
	(map { [ "SET extra_float_digits = $_", $_ <= 0 ] } -15, 0, 3),
	['SET bytea_output = escape'],
	[ 'SET xmloption = document', 1 ],
	['SET quote_all_identifiers = on']);

for my $setting (@settings)
{
	my ($sql, $lossy) = @$setting;

	round_trip("$sql: $_", table => 'types', settings => $sql, write => $formats{$_}, lossy => $lossy) for 'csv', 'text';
	round_trip("$sql: what JSON does not carry", table => 'text_only', settings => $sql, write => $formats{csv}, lossy => $lossy);
	round_trip("$sql: lines", table => 'types', settings => $sql, write => $formats{lines}, lossy => $lossy);
}

#-------------------------------------------------------------------------
# What JSON does not carry
#-------------------------------------------------------------------------

# Arrays come back with the same elements, counted from 1; json null is NULL;
# white space around a json value is not part of it.
{
	my $location = "s3://$bucket/o" . ++$objects;

	psql("CREATE TABLE changed AS SELECT id, c0, c1, c2, c3, c4 FROM text_only;\n"
		  . "SELECT FROM s3_export('TABLE changed', '$location', format => 'json');\n"
		  . foreign_table('fchanged', 'changed', $location, format => 'json'));
	is(psql("SELECT count(*) FROM fchanged f JOIN changed c USING (id) "
			  . "WHERE f.c0::text IS NOT DISTINCT FROM regexp_replace(c.c0::text, '^.*=', '') "
			  . "AND f.c1::text IS NOT DISTINCT FROM regexp_replace(c.c1::text, '^.*=', '') "
			  . "AND f.c2::text IS NOT DISTINCT FROM nullif(btrim(c.c2::text, E' \n'), 'null') "
			  . "AND f.c3 IS NOT DISTINCT FROM nullif(c.c3, 'null')"),
		psql('SELECT count(*) FROM changed'), 'lower bounds, json null, white space: as documented of JSON');
	is(psql('SELECT c4 FROM fchanged WHERE c4 IS NOT NULL'), '{NULL,NULL}', 'json null in an array');
}

# hstore has a cast to json, and so is an object there, but none from json.
SKIP:
{
	my $location = "s3://$bucket/o" . ++$objects;

	skip 'hstore is not available', 1 if !$has{hstore};
	psql("SELECT FROM s3_export('SELECT c7 AS h, c7::text AS t FROM text_only WHERE c7 IS NOT NULL', '$location', format => 'json');\n"
		  . "CREATE FOREIGN TABLE fstore (h jsonb, t hstore) SERVER s3 OPTIONS (location '$location', format 'json')");
	is(psql('SELECT count(*), sum((h = hstore_to_jsonb(t))::int) FROM fstore'),
		psql('SELECT count(c7), count(c7) FROM text_only'), 'hstore: an object, or its text');
}

#-------------------------------------------------------------------------
# Strings
#-------------------------------------------------------------------------

# Tables of one column, where a line may be empty or \.
{
	my @values = map { '(' . lit($_) . ')' } @strings;

	psql('CREATE TABLE single (t text); INSERT INTO single VALUES (NULL), ' . join(', ', @values));
	for my $name (sort keys %formats)
	{
		round_trip("one column: $name", table => 'single', write => { %{ $formats{$name} }, $name =~ /csv|text/ ? (header => 'false') : () });
	}
}

# Strings made of what means something to one of the formats, with options
{
	my @pieces = ('', '', 'x', '\\', '.', '\\.', '\\N', 'N', 'NULL', 'none', ',', '|', ';', "\t", "\n", "\r", "\r\n", "\b",
		"\f", "\x0b", "\x01", "\x02", "\x7f",
		'é', '日', '😀', 'a' x 70, '"', '""', "'", '~', ' ', '{', '}', '\\u', '/', 'n', 't', '0', '4', '1');

	my $string = sub {
		my $value = join '', map { pick(@pieces) } 1 .. pick(1, 1, 2, 3, 6);
		my $any = int rand 10;

		return $any == 0 ? 'NULL' : lit($value) . '::text';
	};
	my @rows = map { "($_, " . join(', ', map { $string->() } 1 .. 4) . ')' } 1 .. 400 * $scale;

	psql('CREATE TABLE strings (id int, "a b" text, b varchar, "c,""\|;\'\'" bpchar, d text); INSERT INTO strings VALUES ' . join(', ', @rows));
	for my $name ('lines', 'array')
	{
		round_trip("strings: $name", table => 'strings', write => $formats{$name});
	}
	my $n = 0;

	for my $options (
		{ delimiter => '|' }, { delimiter => ';', null => 'NULL' }, { delimiter => "\t", null => '\\N' }, { delimiter => "\x01",
		null => 'none' },
		{ delimiter => ' ', null => 'x' }, { delimiter => "\x0b" }, { null => 'none' }, { header => 'true', null => '"a b"' },
		{ delimiter => '~', null => '""' }, { delimiter => '/', null => '.' }, { null => '\\.' })
	{
		my $shown = join ', ', map { "$_ " . ($options->{$_} =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger) } sort keys %$options;

		# a string that is the null text is NULL then
		round_trip("strings: text, $shown", table => 'strings', write => { format => 'text', %$options },
			lossy => ($options->{null} || '\\N') !~ /\\/)
		  if ($options->{null} || '') !~ /"|\\\./;
		for my $more ({}, { quote => "'" }, { quote => "\x02", escape => '\\' }, { escape => '\\' }, { escape => 'n' },
			{ quote => "'", escape => '"' },
			{ force_quote => '*' }, { force_quote => 'b,d' })
		{
			my $quote = $more->{quote} || '"';

			next if ($options->{null} || '') =~ /\Q$quote\E/ || $n++ % 2;
			round_trip("strings: csv, $shown, " . join(', ', map { "$_ $more->{$_}" =~ s/\x02/\\x02/r } sort keys %$more), table => 'strings',
				write => { format => 'csv', %$options, %$more });
		}
	}
}

# A megabyte of each kind
{
	my @long = ("repeat('a', $megabyte)", "repeat('\"', $megabyte)", "repeat(E'\\n', $megabyte)", "repeat(E'\\\\', $megabyte)", "repeat('😀', $megabyte / 4)",
		"repeat(E'\\x01,\\r', $megabyte / 3)",
		"(SELECT string_agg(md5(i::text), E',\\n' ORDER BY i) FROM generate_series(1, 31000) i)");

	psql('CREATE TABLE long (id int, t text, ts text[], j jsonb, b bytea, n text); INSERT INTO long (id, t) '
		  . 'SELECT row_number() OVER (), t FROM (VALUES ' . join(', ', map { "($_)" } @long) . ') v (t)');
	psql('UPDATE long SET ts = ARRAY[NULL, t], j = to_jsonb(t) WHERE id = 7; UPDATE long SET b = convert_to(t, $$UTF8$$) WHERE id = 6; '
		  . 'CREATE TABLE shorter AS SELECT id, t, b FROM long WHERE id >= 5; '
		  . 'ALTER TABLE long ALTER t SET STORAGE EXTERNAL; INSERT INTO long SELECT id + 100, t FROM long WHERE id >= 5');
	for my $name (sort keys %formats)
	{
		round_trip("a megabyte: $name", table => 'long', write => $formats{$name});
	}
	for my $codec (grep { $_ ne 'none' } @codecs)
	{
		round_trip("a megabyte: csv, $codec", table => 'shorter', write => { %{ $formats{csv} }, compression => $codec });
	}
}

#-------------------------------------------------------------------------
# Columns
#-------------------------------------------------------------------------

# As many as a table can have
{
	my @kinds = ('int', 'text', 'bool', 'float4', '"char"', 'int2', 'date', 'int[]', 'numeric');
	my @values = ('7', "','", 'true', "'-0'", "'\"'", '-1', "'infinity'", "'{1,NULL}'", "'NaN'");
	my @columns = map { "c$_ " . $kinds[$_ % @kinds] } 1 .. 1599;

	psql('CREATE TABLE wide (id int, ' . join(', ', @columns) . ')');
	for my $row (0 .. 4)
	{
		my @row = map { ($_ + $row) % 4 == 0 || $row == 3 ? 'NULL' : $_ % @kinds == 1 && $row == 1 ? "''" : $values[$_ % @kinds] } 1 .. 1599;

		psql("INSERT INTO wide VALUES ($row, " . join(', ', @row) . ')');
	}
	for my $name (sort keys %formats)
	{
		round_trip("1,600 columns: $name, $_", table => 'wide', write => { %{ $formats{$name} }, compression => $_ })
		  for $name =~ /csv|lines/ ? @codecs : 'none';
	}
}

# Names that need quotes, and columns that are gone
psql(<<'SQL');
CREATE TABLE names (id int, gone int, "select" int, " " int, "a,b" text, "a""b" int, "a\b" int, "a'b" text, "a
b" int, "日😀" int, "	" int, "\N" text, "\." int, "A" int, a int, "$.x[0]" json, "x.y" text, "1" text, gone2 text,
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" int);
ALTER TABLE names DROP gone, DROP gone2;
INSERT INTO names VALUES (1, 2, 3, 'x', 4, 5, 'y', 6, 7, 8, 'z', 9, 10, 11, '{"x": [1]}', '.', '', 12);
INSERT INTO names VALUES (2);
ALTER TABLE names ADD later int DEFAULT 7;
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;
INSERT INTO nothing DEFAULT VALUES;
SQL
for my $name (sort keys %formats)
{
	round_trip("names: $name", table => 'names', write => $formats{$name});
	{
		my $location = "s3://$bucket/o" . ++$objects;
		my %write = %{ $formats{$name} };

		psql("SELECT FROM s3_export('SELECT * FROM single WHERE false', '$location', "
			  . join(', ', map { "\"$_\" => '$write{$_}'" } sort keys %write) . ");\nDROP FOREIGN TABLE IF EXISTS fempty;\n"
			  . foreign_table('fempty', 'single', $location, format => $write{format}, $write{header} ? (header => 'match') : ()));
		is(psql('SELECT count(*) FROM fempty'), 0, "no rows: $name");
	}
	round_trip("no columns: $name", table => 'nothing', write => { %{ $formats{$name} }, $name =~ /csv|text/ ? (header => 'false') : () });
}

#-------------------------------------------------------------------------
# Many values, by chance
#-------------------------------------------------------------------------

{
	my @rows;

	for my $id (1 .. 600 * $scale)
	{
		my $f8 = unpack 'd', pack 'Q', int(rand 2**32) * 2**32 + int(rand 2**32);
		my $f4 = unpack 'f', pack 'L', int rand 2**32;
		my @floats = map { /nan/i ? 'NaN' : /inf/i ? 'Infinity' : $_ }
		  sprintf('%.17g', $f8), sprintf('%.9g', $f4), sprintf('%.*f', pick(0 .. 8), rand(10**pick(1 .. 12)));

		push @rows, "($id, " . join(', ', map { "'$_'" } @floats) . ')';
	}
	psql('SELECT setseed(' . ($seed % 1000) / 1000 . ");\n"
		  . 'CREATE TABLE chance AS SELECT id, f8::float8, f4::float4, short::float8, short::float4 AS short4, short::numeric AS n, '
		  . "('infinity'::numeric > short::numeric) AS b, (random() * 2e18 - 1e18)::int8 AS i8, "
		  . "round((random() * power(10, id % 30))::numeric, id % 12) AS n2, -random()::numeric / power(10, id % 20)::numeric AS n3, "
		  . "'4713-01-02 BC'::date + (random() * 5e6)::int AS d, "
		  . "'2000-01-01'::timestamp + (random() - 0.7) * interval '6000 years' AS ts, "
		  . "'1850-01-01 00:00+00'::timestamptz + random() * interval '200 years' AS tz, "
		  . "date_trunc('hour', '1970-01-01 00:00+00'::timestamptz + random() * interval '70 years') AS tz2, "
		  . "('00:00'::time + random() * interval '1 day') AS tm, "
		  . "make_interval(months => (random() * 100 - 50)::int, days => (random() * 100 - 50)::int, secs => (random() - 0.5) * 1e6) AS iv, "
		  . "decode(md5(random()::text), 'hex') AS by, md5(random()::text)::uuid AS u, md5(random()::text)::varchar(32) AS v, "
		  . "ARRAY[random(), id, NULL] AS fs FROM (VALUES " . join(', ', @rows) . ') v (id, f8, f4, short)');
	for my $zone ('UTC', 'Europe/London', 'Asia/Kathmandu', 'Africa/Monrovia', 'America/St_Johns', 'Australia/Lord_Howe', 'Europe/Amsterdam')
	{
		round_trip("by chance: $zone, $_", table => 'chance', settings => "SET timezone = '$zone'", write => $formats{$_}) for 'csv', 'lines';
	}
	for my $setting ((map { ["SET intervalstyle = $_"] } 'postgres_verbose', 'iso_8601', 'sql_standard'), ['SET datestyle = German'],
		(map { [ "SET extra_float_digits = $_", 1 ] } -15, -5, 0),
		(map { [ "SET datestyle = '$_'; SET timezone = 'Asia/Kathmandu'", 1 ] } 'SQL, DMY', 'Postgres'))
	{
		my ($sql, $lossy) = @$setting;

		round_trip("by chance: $sql, $_", table => 'chance', settings => $sql, write => $formats{$_}, lossy => $lossy) for 'csv', 'lines';
	}

	# computed, so not as they are stored
	psql('CREATE VIEW computed AS SELECT id, fs || ARRAY[f8, NULL] AS fs, ROW(i8 % 1000, v)::pair AS p, v || repeat(v, id % 99) AS v, n * n2 AS n, '
		  . "to_jsonb(chance) || '{\"x\": null}' AS j, ARRAY(SELECT ROW(i, v)::pair FROM generate_series(1, id % 5) i) AS ps, by || by AS by, "
		  . "row_to_json(chance) AS js, v::char(40) AS c, tz - ts AS iv, int4range(id, id + 5) AS r FROM chance");
	round_trip("computed: $_", table => 'computed', write => $formats{$_}) for sort keys %formats;

	# in stretches and by several processes, also where JSON values have lines of their own
	psql("CREATE TABLE lines AS SELECT id, t, j FROM (SELECT i AS id, repeat(E'a\"\\n{\"\"id\":1}\\n', i % 7) AS t, "
		  . "(E'{\"id\"\\n:' || i || E',\"x\":[\\n{\"id\":1}\\n,\\n{\"id\":2,\"t\":\"}\\\\n{\"}]\\n}')::json AS j FROM generate_series(1, 3000) i) x");
	my $parallel = "LOAD 's3_fdw'; SET s3_fdw.chunk_size = '4kB'; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; "
	  . "SET min_parallel_table_scan_size = 0";

	for my $name (sort keys %formats)
	{
		for my $table ('chance', 'lines', 'strings')
		{
			round_trip("in stretches: $table, $name", table => $table, write => $formats{$name},
				read_settings => $parallel);
			like(psql("$parallel;\nEXPLAIN SELECT * FROM fgot"), qr/Gather/, 'by several processes');
		}
	}
}

#-------------------------------------------------------------------------
# Encodings
#-------------------------------------------------------------------------

my %text_of = (
	latin1 => "é \x{ff} \x{a0}\x{85}, \"ü\"\n\\", latin9 => "€ \x{17d},\"\n", win1252 => "€ “quoted”, \"é\"\n",
	win1251 => "Привет, \"мир\"\r\n", koi8r => "Привет, \"мир\"\n─",
	iso_8859_5 => "Привет, \"мир\"\n", euc_jp => "日本語 表ソ能, \"ｱ\"\n\\", sjis => "日本語 表ソ能予, \"ｱ\"\n\\|",
	euc_kr => "한국어, \"x\"\n", uhc => "한국어 똠, \"x\"\n", big5 => "功許蓋, \"中文\"\n\\|",
	gbk => "中文 丂, \"x\"\n\\|", gb18030 => "中文 é日한 丂乗, \"x\"\n\\|", utf8 => "日😀, \"x\"\n");
for my $encoding (sort keys %text_of)
{
	my $table = "in_$encoding";
	my @parts = map { lit($_) . '::text' } $text_of{$encoding}, split(//, $text_of{$encoding}), $text_of{$encoding} x 500;

	psql("CREATE TABLE $table (id int, t text, ts text[], \"" . ($text_of{$encoding} =~ s/"/""/gr =~ s/\n//gr) . "\" varchar);\n"
		  . "INSERT INTO $table SELECT row_number() OVER (), t, ARRAY[t, NULL, ''], '|' FROM (VALUES " . join(', ', map { "($_)" } @parts) . ') v (t)');
	round_trip("encoding $encoding: $_", table => $table, write => { %{ $formats{$_} }, encoding => $encoding }) for 'csv', 'text', 'lines';

	# in these, ASCII may be the second byte of a character
	next if $encoding !~ /sjis|big5|gb/;
	round_trip("encoding $encoding: $_, |", table => $table, write => { %{ $formats{$_} }, encoding => $encoding, delimiter => '|', null => 'none' })
	  for 'csv', 'text';
}

# Databases in other encodings
for my $encoding ('LATIN1', 'EUC_JP', 'SQL_ASCII')
{
	my $db = "$ENV{PGDATABASE}_" . lc $encoding;
	my $text = $encoding eq 'EUC_JP' ? '日本語 表ソ' : 'é ÿ ü';

	psql("CREATE DATABASE \"$db\" TEMPLATE template0 ENCODING $encoding LC_COLLATE 'C' LC_CTYPE 'C'", db => 'postgres');
	psql($setup . 'CREATE TABLE here (id int, "' . $text . '" text, ts text[], j json, c char(9));'
		  . 'INSERT INTO here VALUES (1, ' . lit("$text, \"\n\\") . ', ARRAY[' . lit("$text\"") . ", NULL], '{\"$text\": \"$text\"}', " . lit(substr($text, 0, 3))
		  . '); INSERT INTO here VALUES (2)', db => $db);
	if ($encoding eq 'SQL_ASCII')
	{
		psql("INSERT INTO here VALUES (3, E'\\xff\\xfe\\x80\\\"', ARRAY[E'\\xe9'])", db => $db);
	}
	for my $name (sort keys %formats)
	{
		round_trip("database in $encoding: $name", db => $db, table => 'here', write => $formats{$name});
		round_trip("database in $encoding: $name in UTF8", db => $db, table => 'here', write => { %{ $formats{$name} }, encoding => 'utf8' })
		  if $encoding ne 'SQL_ASCII';
	}
	psql("DROP DATABASE \"$db\"", db => 'postgres');
}

#-------------------------------------------------------------------------
# Fixed width
#-------------------------------------------------------------------------

psql('CREATE TABLE fixed AS SELECT id, f8, f4, i8, d, ts, tz, u, by, iv, tm, CASE WHEN id % 3 > 0 THEN v END AS v, b FROM chance '
	  . 'UNION ALL SELECT 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL');
my $widths = '8,25,16,20,13,30,36,36,34,60,15,32,5';
for my $codec (@codecs)
{
	round_trip("fixed width: $codec", table => 'fixed', write => { format => 'fixedwidth', fixedwidth => $widths, compression => $codec });
}
round_trip('fixed width: header, null', table => 'fixed', write => { format => 'fixedwidth', fixedwidth => $widths, header => 'true', null => '\\N' });
psql("CREATE TABLE chars AS SELECT i AS id, substr('é日😀,\"\\|x'' ', i, 3)::char(3) AS c, nullif(chr(64 + i), 'C') AS x, i % 2 = 0 AS b FROM generate_series(1, 7) i");
round_trip('fixed width: characters', table => 'chars', write => { format => 'fixedwidth', fixedwidth => 'id:2,c:3,x:4,b:1', null => '-' });
psql("CREATE TABLE latin AS SELECT i AS id, chr(232 + i)::char(1) AS c FROM generate_series(1, 20) i");
round_trip('fixed width: latin1', table => 'latin', write => { format => 'fixedwidth', fixedwidth => '3,1', encoding => 'latin1' });

#-------------------------------------------------------------------------
# Money as other places write it
#-------------------------------------------------------------------------

{
	my ($locale) = grep { my (undef, undef, $rc) = psql_err("SET lc_monetary = '$_'"); $rc == 0 }
	  'de_DE.utf8', 'ja_JP.utf8', 'en_GB.utf8', 'en_US.utf8';

	psql("CREATE TABLE moneys AS SELECT i AS id, (i * 1234567.89)::numeric::money AS m, ARRAY[i::money, NULL] AS ms "
		  . "FROM generate_series(-3, 3) i");
  SKIP:
	{
		skip 'no locale other than C is there', 1 if !defined $locale;
		round_trip("lc_monetary = $locale: $_", table => 'moneys', settings => "SET lc_monetary = '$locale'", write => $formats{$_})
		  for sort keys %formats;
	}
}

s3_drop_bucket($bucket);
done_testing();
