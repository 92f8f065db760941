#-------------------------------------------------------------------------
#
# 062_dynamodb.pl
#		Items of DynamoDB's export: all types, against a decoder in SQL, and
#		against the plain JSON of published pairs; malformed ones; the export's
#		manifest, and what is verified by it.
#
# S3_TEST_SEED chooses other random items.
#
# IDENTIFICATION
#		test/t/062_dynamodb.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use Digest::MD5 qw(md5_base64);
use FindBin;
use IO::Compress::Gzip qw(gzip $GzipError);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $seed = $ENV{S3_TEST_SEED} || 62;
srand $seed;
note "seed $seed";

my $bucket = 'dynamodb';
s3_make_bucket($bucket);
psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE FOREIGN TABLE item (item jsonb OPTIONS (path '\$'))
	SERVER s3 OPTIONS (location 's3://$bucket/item', format 'json', records 'dynamodb');
CREATE FOREIGN TABLE typed (item jsonb OPTIONS (column_name 'Item'))
	SERVER s3 OPTIONS (location 's3://$bucket/item', format 'json');

-- the same by jsonb
CREATE FUNCTION plain_map(jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS \$\$
BEGIN
	RETURN (SELECT coalesce(jsonb_object_agg(key, plain(value)), '{}') FROM jsonb_each(\$1));
END \$\$;
CREATE FUNCTION plain(jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS \$\$
DECLARE
	type text;
	v jsonb;
BEGIN
	SELECT key, value INTO STRICT type, v FROM jsonb_each(\$1);
	RETURN CASE
		WHEN type IN ('S', 'B', 'SS', 'BS', 'BOOL') THEN v
		WHEN type = 'N' THEN to_jsonb((v #>> '{}')::numeric)
		WHEN type = 'NULL' THEN 'null'
		WHEN type = 'M' THEN plain_map(v)
		WHEN type = 'L' THEN (SELECT coalesce(jsonb_agg(plain(e) ORDER BY i), '[]') FROM jsonb_array_elements(v) WITH ORDINALITY AS a (e, i))
		WHEN type = 'NS' THEN (SELECT coalesce(jsonb_agg(e::numeric ORDER BY i), '[]') FROM jsonb_array_elements_text(v) WITH ORDINALITY AS a (e, i))
	END;
END \$\$;
SQL

#-------------------------------------------------------------------------
# Types, columns and paths
#-------------------------------------------------------------------------

my $all = <<'END';
{"Item":{"id":{"S":"a\"\u00e9\n\ud83d\ude00"},"n":{"N":"-1.50"},"b":{"B":"AAEC/w=="},"t":{"BOOL":true},"f":{"BOOL":false},"nil":{"NULL":true},
"m":{"M":{"x":{"N":"7"},"y":{"L":[{"S":"p"},{"M":{"z":{"B":"/w=="}}},{"NULL":true},{"SS":["u","v"]}]},"empty":{"M":{}}}},
"l":{"L":[{"N":"1"},{"N":"2"},{"NULL":true}]},"ss":{"SS":["q","r,s"]},"ns":{"NS":["1","2.50","-3e2"]},"bs":{"BS":["AA==","\/\/8\u003d",""]},
"big":{"N":"12345678901234567890123456789012345678"},"small":{"N":"1.2345678901234567890123456789012345678E-100"},
"Id":{"S":"other"},"e":{"S":""},"le":{"L":[]},"twice":{"N":"1"},"twice":{"N":"2"},"k.1":{"M":{"a b":{"S":"deep"}}},
"hex":{"S":"\\x0102"}}}
END
s3_put($bucket, 'item', $all);

# Columns of the item, read as these types.
sub read_columns
{
	my ($columns, $output, $options) = @_;

	$options = '' if !defined $options;
	psql("CREATE FOREIGN TABLE read ($columns) SERVER s3 OPTIONS (location 's3://$bucket/item', format 'json', records 'dynamodb'$options)");
	my ($out, $err) = psql_err("SELECT " . ($output || 'read') . " FROM read");
	psql('DROP FOREIGN TABLE read');
	return $err eq '' ? $out : $err;
}

is(read_columns('id text, n numeric, t bool, f bool, nil text, e text, missing int', 'to_jsonb(read)'),
	'{"e": "", "f": false, "n": -1.50, "t": true, "id": "a\"' . "\xc3\xa9" . '\n' . "\xf0\x9f\x98\x80" . '", "nil": null, "missing": null}',
	'scalars');
is(read_columns('n text, t text, f int OPTIONS (column_name \'twice\'), big numeric, small numeric, big8 float8 OPTIONS (column_name \'big\')'),
	'(-1.50,true,2,12345678901234567890123456789012345678,0.' . '0' x 99 . '12345678901234567890123456789012345678,1.2345678901234568e+37)',
	'numbers to the last digit');
is(read_columns('b bytea, b2 text OPTIONS (column_name \'b\'), b3 jsonb OPTIONS (column_name \'b\'), id bytea OPTIONS (column_name \'hex\'), e bytea'),
	'("\\\\x000102ff",AAEC/w==,"""AAEC/w==""","\\\\x0102","\\\\x")', 'binary values');
is(read_columns('bs bytea[], bs2 text[] OPTIONS (column_name \'bs\'), bs3 jsonb OPTIONS (column_name \'bs\'), z bytea OPTIONS (path \'m.y[1].z\'), '
	. 'b2 bytea OPTIONS (path \'bs[1]\'), m bytea[] OPTIONS (path \'m.y[3]\')', q{to_jsonb(read)}),
	'{"m": ["\\\\x75", "\\\\x76"], "z": "\\\\xff", "b2": "\\\\xffff", "bs": ["\\\\x00", "\\\\xffff", "\\\\x"], "bs2": ["AA==", "//8=", ""], "bs3": ["AA==", "//8=", ""]}',
	'sets of binary values, and inside of maps');
is(read_columns('ss text[], ns numeric[], l int[], le int[], l2 jsonb OPTIONS (column_name \'l\'), ss2 jsonb OPTIONS (column_name \'ss\'), ns2 jsonb OPTIONS (column_name \'ns\')'),
	'("{q,""r,s""}","{1,2.50,-300}","{1,2,NULL}",{},"[1, 2, null]","[""q"", ""r,s""]","[1, 2.50, -300]")', 'sets and lists');
is(read_columns('m jsonb, mt text OPTIONS (column_name \'m\'), x int OPTIONS (path \'m.x\'), p text OPTIONS (path \'$.m.y[0]\'), nil text OPTIONS (path \'m.y[2]\'), '
	. 'v text OPTIONS (path \'m.y[3][1]\'), deep text OPTIONS (path \'["k.1"]["a b"]\'), none text OPTIONS (path \'m.x.N\')', 'to_jsonb(read)'),
	'{"m": {"x": 7, "y": ["p", {"z": "/w=="}, null, ["u", "v"]], "empty": {}}, "p": "p", "v": "v", "x": 7, '
	  . '"mt": "{\"x\":7,\"y\":[\"p\",{\"z\":\"/w==\"},null,[\"u\",\"v\"]],\"empty\":{}}", "nil": null, "deep": "deep", "none": null}',
	'maps, and paths into them');
is(read_columns('"ID" text, nil jsonb', undef, ", ignore_case 'true'"), '(other,)', 'keys that differ in case');
psql('CREATE TYPE pair AS (x int, y jsonb)');
is(read_columns('m pair'), '("(7,""[""""p"""", {""""z"""": """"/w==""""}, null, [""""u"""", """"v""""]]"")")', 'a composite type');
is(psql('SELECT count(*), (SELECT item = plain_map((SELECT item FROM typed)) FROM item) FROM item'), '1|t', 'the whole item');
is(psql("SELECT string_agg(key, ' ' ORDER BY key) FROM item, jsonb_object_keys(item) key"),
	'Id b big bs e f hex id k.1 l le m n nil ns small ss t twice', 'its keys');
like(read_columns('id int'), qr/22P02: invalid input syntax for type integer.*line 1, column id/s, 'a value that does not fit its column');

#-------------------------------------------------------------------------
# Published pairs
#-------------------------------------------------------------------------

SKIP:
{
	my $corpora = corpora();
	my $fixtures = defined $corpora ? "$corpora/json/dynamodb/fixture" : '';

	skip 'no published test data', 4 if !-d $fixtures;
	for my $pair ([ 'all-types', 'json' ], [ 'book', 'json' ], [ 'products', 'jsonl' ], [ 'users', 'jsonl' ])
	{
		my ($name, $suffix) = @$pair;
		my ($typed, $plain) = map {
			open my $fh, '<:raw', "$fixtures/$name-$_" or die "could not open $name-$_: $!\n";
			local $/;
			scalar <$fh>;
		} "dynamodb.$suffix", 'normal.json';

		s3_put($bucket, 'item', $typed);
		is(psql("WITH plain AS (SELECT " . lit($plain) . "::jsonb AS j)\n"
			. "SELECT count(*) > 0, jsonb_agg(item) = (SELECT CASE jsonb_typeof(j) WHEN 'array' THEN j ELSE jsonb_build_array(j) END FROM plain) FROM item"),
			't|t', $name);
	}
}

#-------------------------------------------------------------------------
# Random items
#-------------------------------------------------------------------------

sub pick
{
	return $_[rand @_];
}

sub space
{
	return pick('', '', '', '', ' ', "\t ", '  ');
}

sub string
{
	return '"' . join('', map { pick('a' .. 'z', 'S', '{', '}', '[', ']', ',', ':', ' ', "\xc3\xa9", '\\"', '\\\\', '\\n', '\\u00e9', '\\/', '\\ud83d\\ude00') }
		  1 .. pick(0, 1, 3, 5, 40)) . '"';
}

sub number
{
	return '"' . pick('', '-') . pick('0', int(rand 1000), join('', 1 + int(rand 9), map { int rand 10 } 1 .. 37))
	  . pick('', '', '.' . int(rand 1e6), '.50') . pick('', '', '', 'E' . pick('', '+', '-') . int(rand 90)) . '"';
}

sub binary
{
	my $text = encode_base64(join('', map { chr rand 256 } 1 .. rand 20), '');

	$text =~ s{/}{\\/}g if rand() < 0.2;
	return qq("$text");
}

sub list
{
	my ($element) = @_;

	return '[' . join(space() . ',' . space(), map { $element->() } 1 .. rand 5) . space() . ']';
}

sub map_of
{
	my ($depth) = @_;

	return '{' . space() . join(space() . ',' . space(), map { '"' . pick('a' .. 'h', 'S', 'Item', "k\xc3\xa9y", 'with \\"quotes\\"') . int(rand 100) . '"' . space() . ':' . space() . value($depth) }
		  1 .. rand 6) . space() . '}';
}

sub value
{
	my ($depth) = @_;
	my $type = pick(qw(S N B BOOL NULL SS NS BS), $depth > 0 ? qw(M L M L M L) : ());
	my $value =
	    $type eq 'S' ? string()
	  : $type eq 'N' ? number()
	  : $type eq 'B' ? binary()
	  : $type eq 'BOOL' ? pick('true', 'false')
	  : $type eq 'NULL' ? 'true'
	  : $type eq 'M' ? map_of($depth - 1)
	  : list($type eq 'L' ? sub { value($depth - 1) } : $type eq 'SS' ? \&string : $type eq 'NS' ? \&number : \&binary);

	return '{' . space() . qq("$type") . space() . ':' . space() . $value . space() . '}';
}

my $items = join '', map { '{"Item":' . map_of(pick(1, 2, 5)) . "}\n" } 1 .. 2000;
my $sum = q{count(*), count(*) FILTER (WHERE item <> '{}'), sum(hashtext(item::text)::bigint)};
my $gz;
gzip(\$items => \$gz) or die "$GzipError\n";
s3_put($bucket, 'item', $items);
my $expected = psql("SELECT $sum FROM (SELECT plain_map(item) AS item FROM typed) s");
like($expected, qr/^2000\|1\d\d\d\|/, 'random items, by SQL');
is(psql("SET max_parallel_workers_per_gather = 0;\nSELECT $sum FROM item"), $expected, 'random items');
is(psql("SET max_parallel_workers_per_gather = 0;\nSET s3_fdw.range_size = '64kB';\nSET s3_fdw.read_memory = '1MB';\nSELECT $sum FROM item"),
	$expected, 'in small ranges');
my $parallel = 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;';
is(psql("$parallel\nSET s3_fdw.chunk_size = '20kB';\nSELECT $sum FROM item"), $expected, 'in parallel, in stretches');
like(psql("$parallel\nSET s3_fdw.chunk_size = '20kB';\nEXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT $sum FROM item"), qr/Workers Launched: [12]/, 'by workers');
s3_put($bucket, 'item', '[' . join(',', split /\n/, $items) . ']');
is(psql("$parallel\nSELECT $sum FROM item"), $expected, 'as one array');
s3_put($bucket, 'item', $gz);
is(psql("$parallel\nSELECT $sum FROM item"), $expected, 'compressed');

#-------------------------------------------------------------------------
# Malformed items
#-------------------------------------------------------------------------

my $good = qq({"Item":{"a":{"S":"x"}}}\n);
for my $case (
	[ '{"Item":{"a":{"Q":"x"}}}', 'Attribute "a" has a value of the unknown type "Q".' ],
	[ '{"Item":{"a":{"s":"x"}}}', 'Attribute "a" has a value of the unknown type "s".' ],
	[ '{"Item":{"a":{"":"x"}}}', 'Attribute "a" has a value of the unknown type "".' ],
	[ '{"Item":{"a":{}}}', 'Attribute "a" has a value without a type.' ],
	[ '{"Item":{"a":"x"}}', 'Attribute "a" has a value without a type.' ],
	[ '{"Item":{"a":null}}', 'Attribute "a" has a value without a type.' ],
	[ '{"Item":{"a":[]}}', 'Attribute "a" has a value without a type.' ],
	[ '{"Item":{"a":{"L":["x"]}}}', 'Attribute "a" has a value without a type.' ],
	[ '{"Item":{"a":{"S":"x","N":"1"}}}', 'Attribute "a" has a value of more than one type.' ],
	[ '{"Item":{"a":{"S":"x","S":"x"}}}', 'Attribute "a" has a value of more than one type.' ],
	[ '{"Item":{"a":{"S":5}}}', 'A value of type "S" in attribute "a" is not a string.' ],
	[ '{"Item":{"a":{"S":{}}}}', 'A value of type "S" in attribute "a" is not a string.' ],
	[ '{"Item":{"a":{"N":5}}}', 'A value of type "N" in attribute "a" is not a string.' ],
	(map { [ '{"Item":{"z":{"S":""},"b":{"N":"' . $_ . '"}}}', 'A value of type "N" in attribute "b" is not a number.' ] }
		'', 'x', '1,2', '1 ', ' 1', '01', '+1', '.5', '1.', '1e', '--1', 'NaN', 'null', '1}', '\\ud83d', '0x1', '1\\n', '-'),
	[ '{"Item":{"a":{"B":5}}}', 'A value of type "B" in attribute "a" is not a string.' ],
	(map { [ '{"Item":{"a":{"B":"' . $_ . '"}}}', 'A value of type "B" in attribute "a" is not encoded in base64.' ] }
		'A', 'AA', 'AAA', 'AA=A', '====', 'A===', 'AA==AA==', 'AA-_', 'AA \\n', "AA\xc3\xa9"),
	[ '{"Item":{"a":{"BOOL":"true"}}}', 'A value of type "BOOL" in attribute "a" is not true or false.' ],
	[ '{"Item":{"a":{"BOOL":null}}}', 'A value of type "BOOL" in attribute "a" is not true or false.' ],
	[ '{"Item":{"a":{"NULL":false}}}', 'A value of type "NULL" in attribute "a" is not true.' ],
	[ '{"Item":{"a":{"NULL":null}}}', 'A value of type "NULL" in attribute "a" is not true.' ],
	[ '{"Item":{"a":{"M":[]}}}', 'A value of type "M" in attribute "a" is not an object.' ],
	[ '{"Item":{"a":{"M":{"b":{"M":{"c":{"T":1}}}}}}}', 'Attribute "a" has a value of the unknown type "T".' ],
	[ '{"Item":{"a":{"L":{}}}}', 'A value of type "L" in attribute "a" is not a list.' ],
	[ '{"Item":{"a":{"SS":"x"}}}', 'A value of type "SS" in attribute "a" is not a list of strings.' ],
	[ '{"Item":{"a":{"SS":[{"S":"x"}]}}}', 'A value of type "SS" in attribute "a" is not a list of strings.' ],
	[ '{"Item":{"a":{"NS":[1]}}}', 'A value of type "NS" in attribute "a" is not a list of strings.' ],
	[ '{"Item":{"a":{"NS":["1","x"]}}}', 'A value of type "NS" in attribute "a" is not a number.' ],
	[ '{"Item":{"a":{"BS":["x"]}}}', 'A value of type "BS" in attribute "a" is not encoded in base64.' ],
	[ '{"Item":{"a":' . '{"L":[' x 1001 . ']}' x 1001 . '}}', 'Attribute "a" is nested too deeply.' ],
	[ '{"Item":{"' . 'k' x 150 . '":5}}', 'Attribute "' . 'k' x 100 . '..." has a value without a type.' ],
	[ '{"id":{"S":"x"}}', 'The record\'s first key is not "Item".' ],
	[ '{}', 'The record\'s first key is not "Item".' ],
	[ '{"Item":[]}', 'The value of "Item" is not an object.' ],
	[ '{"Item":null}', 'The value of "Item" is not an object.' ],
	[ '{"Item":{},"x":1}', 'The record has other keys than "Item".' ],
	[ '{"Item":{},"Item":{}}', 'The record has other keys than "Item".' ])
{
	my ($line, $detail) = @$case;
	my $failed = '';

	s3_put($bucket, 'item', "$good\n$line\n$good");
	for my $query ('SELECT count(*) FROM item', 'SELECT * FROM item')
	{
		my (undef, $err) = psql_err($query);

		$failed .= $err if $err !~ /22P04: malformed DynamoDB item\nDETAIL:  \Q$detail\E\nCONTEXT:  object "s3:\/\/$bucket\/item", line 3\n/;
	}
	is($failed, '', length $line > 80 ? substr($line, 0, 80) . '...' : $line);
}
s3_put($bucket, 'item', $good . '{"Item":{"a":' . '{"L":[' x 1000 . ']}' x 1000 . '}}');
is(psql('SELECT count(*) FROM item'), '2', 'deep, but not too deep');
for my $case ([ '{"Item":{"a":{"S":"x"}}', qr/22P02: invalid input syntax for type json/ ], [ '5', qr/22P04: expected a JSON object/ ],
	[ '{"Item":{"a":{"S":"' . 'x' x 2000 . '"}}}', qr/54000: JSON record is too long/ ])
{
	s3_put($bucket, 'item', "$good$case->[0]\n");
	psql("ALTER FOREIGN TABLE item OPTIONS (ADD max_record_size '1kB')");
	like((psql_err('SELECT * FROM item'))[1], qr/$case->[1].*line 2/s, 'the line ' . substr($case->[0], 0, 30));
	psql('ALTER FOREIGN TABLE item OPTIONS (DROP max_record_size)');
}

# However the bytes come, and when lines are bad.
SKIP:
{
	my $lib = unit_lib();
	my $lines = join '', map { "$_\n" } '{"Item":{"a":{"S":"x\\u00e9"},"b":{"N":"1"}}}', '{"Item":{"a":{"B":"AA=="},"b":{"M":{"c":{"L":[{"NULL":true},{"NS":["2"]}]}}}}}',
	  '{"Item":{"a":{"S":5}}}', '{"Item":{"b":{"Q":5}}}', '{"Item":{"a":{"S":"y"', '{"x":1}', ' [{"Item":{"a":{"N":"3"}}} , {"Item":{}}]', '{"Item":{"a":{"BOOL":true}}}';
	my $call;

	skip 'the unit test module is not built', 4 if !defined $lib;
	psql('CREATE FUNCTION unit_json_read_as(bytea, text[], text[], text, int, int, bool, bigint) RETURNS text[] LANGUAGE C STRICT AS ' . lit($lib) . ", 'unit_json_read_as'");
	$call = "unit_json_read_as(convert_to(" . lit($lines) . ", 'UTF8'), '{a,b,w}', '{NULL,b.c[1][0],\$}', 'trr', %d, 4, false, 100)";
	my $whole = psql('SELECT array_to_json(' . sprintf($call, 1000000) . ')');
	is(psql('SELECT array_to_json(' . sprintf($call, $_) . ')'), $whole, "in pieces of $_") for 1, 7, 30;
	is_deeply([ map { [ $_->[1] eq 'ok' ? @$_[ 0 .. 2, 8 .. 10 ] : @$_[ 0 .. 2 ] ] } @{ JSON::PP->new->utf8->decode($whole) } ],
		[ [ 1, 'ok', undef, "x\xe9", undef, '{"a":"x\u00e9","b":1}' ], [ 2, 'ok', undef, 'AA==', '2', '{"a":"AA==","b":{"c":[null,[2]]}}' ],
			[ 3, 'bad', '22P04' ], [ 4, 'bad', '22P04' ], [ 5, 'bad', '22P02' ], [ 6, 'bad', '22P04' ],
			[ 7, 'ok', undef, '3', undef, '{"a":3}' ], [ 7, 'ok', undef, undef, undef, '{}' ], [ 8, 'ok', undef, 'true', undef, '{"a":true}' ] ],
		'rows before and behind bad lines') or diag($whole);
}

#-------------------------------------------------------------------------
# The export's manifest
#-------------------------------------------------------------------------

psql(<<"SQL");
CREATE FOREIGN TABLE export (id int, key text OPTIONS (metadata 'key'))
	SERVER s3 OPTIONS (location 's3://$bucket/p/AWSDynamoDB/01-a/manifest-files.json', manifest 'true', format 'json', records 'dynamodb');
CREATE FOREIGN TABLE verified (id int, key text OPTIONS (metadata 'key'))
	SERVER s3 OPTIONS (location 's3://$bucket/p/AWSDynamoDB/01-a/manifest-files.json', manifest 'true', verify 'true', format 'json', records 'dynamodb');
SQL

my %data;
for my $file (1 .. 4)
{
	my $text = join '', map { sprintf qq({"Item":{"id":{"N":"%d"}}}\n), $file * 1000 + $_ } 1 .. $file * 100;

	gzip(\$text => \$data{$file}) or die "$GzipError\n";
}
my $nothing = '';
gzip(\$nothing => \$data{5}) or die "$GzipError\n";
s3_put($bucket, "p/AWSDynamoDB/01-a/data/$_.json.gz", $data{$_}) for keys %data;

sub entry
{
	my ($file, %change) = @_;
	my %entry = (
		itemCount => $file == 5 ? 0 : $file * 100,
		md5Checksum => '"' . md5_base64($data{$file}) . '=="',
		etag => '"x-1"',
		dataFileS3Key => qq("p/AWSDynamoDB/01-a/data/$file.json.gz"),
		%change);

	return '{' . join(',', map { qq("$_":$entry{$_}) } grep { defined $entry{$_} } qw(itemCount md5Checksum etag dataFileS3Key)) . "}\n";
}

sub read_export
{
	my ($table, $text, $query) = @_;

	s3_put($bucket, 'p/AWSDynamoDB/01-a/manifest-files.json', $text);
	my ($out, $err) = psql_err($query || "SELECT count(*), sum(id) FROM $table");
	return $err eq '' ? $out : $err;
}

my $whole = join '', map { entry($_) } 1 .. 5;
my $sums = '1000|' . (100 * 1000 + 200 * 2000 + 300 * 3000 + 400 * 4000 + (5050 + 20100 + 45150 + 80200));
is(read_export($_, $whole), $sums, "$_: all files") for 'export', 'verified';
is(read_export('verified', $whole, "$parallel\nSELECT count(*), sum(id) FROM verified"), $sums, 'in parallel');
is(read_export('verified', $whole, "SELECT string_agg(DISTINCT right(key, 9), ' ') FROM verified"), '1.json.gz 2.json.gz 3.json.gz 4.json.gz', 'their keys');
is(read_export('verified', join '', map { entry($_, dataFileS3Key => qq("AWSDynamoDB/01-a/data/$_.json.gz")) } 1 .. 5), $sums, 'keys without the prefix');
is(read_export('verified', join '', map { entry($_, dataFileS3Key => qq("elsewhere/AWSDynamoDB/01-a/data/$_.json.gz")) } 1 .. 5), $sums, 'an export that was copied');
is(read_export('verified', "\n" . join "\r\n\n", map { substr entry($_), 0, -1 } 1 .. 2), '300|' . (100 * 1000 + 200 * 2000 + 5050 + 20100), 'blank lines');
s3_put($bucket, 'plain/x', $data{1});
is(read_export('verified', entry(1, dataFileS3Key => '"plain/x"')), '100|' . (100 * 1000 + 5050), 'a key as it is');

my $object = qr{object "s3://$bucket/p/AWSDynamoDB/01-a/data/2\.json\.gz"};
for my $case ([ 'one item too many', itemCount => 199, qr/It has 200 items; the manifest says 199/ ],
	[ 'one item too few', itemCount => 201, qr/It has 200 items; the manifest says 201/ ],
	[ 'another sum', md5Checksum => '"' . md5_base64('x') . '=="', qr{Its MD5 sum is "\Q@{[md5_base64($data{2})]}\E=="; the manifest says "\Q@{[md5_base64('x')]}\E=="} ],
	[ 'no sum', md5Checksum => '"x"', qr/Its MD5 sum is "[^"]*"; the manifest says "x"/ ])
{
	my ($name, $field, $value, $detail) = @$case;
	my $text = entry(1) . entry(2, $field => $value) . entry(3);

	is(read_export('export', $text, 'SELECT count(*) FROM export'), '600', "$name: not looked at");
	for my $settings ('SET max_parallel_workers_per_gather = 0;', $parallel)
	{
		like(read_export('verified', $text, "$settings\nSELECT count(*) FROM verified"), qr/XX001: $object is not what its manifest says\nDETAIL:  $detail/, $name);
	}
	is(read_export('verified', $text, "SET max_parallel_workers_per_gather = 0;\nSELECT count(*) FROM (SELECT * FROM verified LIMIT 250) s"), '250', "$name: LIMIT ends before");
}

# Bytes behind the end of what is read count, too; and objects that could be cut.
my $text = join '', map { sprintf qq({"Item":{"id":{"N":"%d"}}}\n), $_ } 1 .. 50000;
s3_put($bucket, 'plain/x', $text);
my $big = entry(1, dataFileS3Key => '"plain/x"', itemCount => 50000, md5Checksum => '"' . md5_base64($text) . '=="');
is(read_export('verified', $big, "$parallel\nSET s3_fdw.chunk_size = '20kB';\nSELECT count(*) FROM verified"), '50000', 'not compressed, in parallel');
s3_put($bucket, 'plain/x', "$text\n");
like(read_export('verified', $big, "$parallel\nSET s3_fdw.chunk_size = '20kB';\nSELECT count(*) FROM verified"), qr/XX001.*MD5/s, 'one byte more');
s3_put($bucket, 'plain/x', '');
like(read_export('verified', $big), qr/XX001.*MD5/s, 'an empty object');
is(read_export('export', $big), '0|', 'which else is passed over');

for my $case ([ 'a missing object', entry(1) . entry(2, dataFileS3Key => '"AWSDynamoDB/01-a/data/none"'), qr{58P01.*p/AWSDynamoDB/01-a/data/none".*line 2}s ],
	[ 'no key', entry(1) . entry(2, dataFileS3Key => undef), qr/22P04.*no "dataFileS3Key".*line 2/s ],
	[ 'an empty key', entry(1, dataFileS3Key => '""'), qr/22P04.*no "dataFileS3Key".*line 1/s ],
	[ 'a key of another type', entry(1, dataFileS3Key => '5'), qr/22P04.*"dataFileS3Key" is not a string/s ],
	[ 'a sum of another type', entry(1, md5Checksum => '5'), qr/22P04.*"md5Checksum" is not a string/s ],
	[ 'a number of another type', entry(1, itemCount => '"5"'), qr/22P04.*"itemCount" is not a number/s ],
	[ 'a number too large', entry(1, itemCount => '1e30'), qr/22003/ ],
	[ 'no JSON', entry(1) . "{\n", qr/22P02.*line 2/s ],
	[ 'no object', entry(1) . "5\n", qr/22P04.*not an object.*line 2/s ])
{
	like(read_export('export', $case->[1]), $case->[2], $case->[0]);
}
like(read_export('verified', entry(1) . entry(2, $_ => undef)), qr/22P04.*"verify" needs entries with "md5Checksum" and "itemCount".*line 2/s, "without $_")
  for 'itemCount', 'md5Checksum';
is(read_export('export', entry(1, itemCount => undef, md5Checksum => undef)), '100|' . (100 * 1000 + 5050), 'which need not be there');
like(read_export('verified', qq({"entries":[{"url":"s3://$bucket/plain/x"}]})), qr/22P04.*"verify" needs/s, 'a manifest of another kind');
like((psql_err("CREATE FOREIGN TABLE t (id int) SERVER s3 OPTIONS (location 's3://$bucket/', verify 'true')"))[1],
	qr/HV024: option "verify" needs a manifest/, 'without a manifest');

# A Redshift manifest is still that, whatever its entries are called.
is(read_export('export', qq({"entries":[{"url":"s3://$bucket/p/AWSDynamoDB/01-a/data/1.json.gz"}],\n "x":{"dataFileS3Key":1}})), '100|' . (100 * 1000 + 5050), 'a manifest in JSON');

s3_drop_bucket($bucket);
done_testing();
