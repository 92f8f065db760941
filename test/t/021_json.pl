#-------------------------------------------------------------------------
#
# 021_json.pl
#		JSON records: the server's own json type is the judge of what is valid
#		and of every value, whatever the size of the pieces read.
#
# IDENTIFICATION
#		test/t/021_json.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;
use utf8;

use Encode ();
use FindBin;
use JSON::PP;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $lib = unit_lib();
plan skip_all => 'the unit test module is not built' unless defined $lib;

my $setup = <<"SQL";
SET client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS unit;
CREATE OR REPLACE FUNCTION unit.json_read(bytea, text[], text, int) RETURNS text[]
	LANGUAGE C STRICT AS @{[ lit($lib) ]}, 'unit_json_read';
CREATE OR REPLACE FUNCTION unit.json_bench(bytea, text[], text, int, int) RETURNS text
	LANGUAGE C STRICT AS @{[ lit($lib) ]}, 'unit_json_bench';
CREATE OR REPLACE FUNCTION unit.json_long(text, int) RETURNS text
	LANGUAGE C STRICT AS @{[ lit($lib) ]}, 'unit_json_long';

-- What the server says of a document: ok, or SQLSTATE, message and detail.
CREATE OR REPLACE FUNCTION unit.verdict(doc text) RETURNS text[] LANGUAGE plpgsql AS \$\$
DECLARE
	state text; message text; detail text;
BEGIN
	PERFORM doc::json;
	RETURN ARRAY['ok'];
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE,
		message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN ARRAY[state, message, detail];
END \$\$;

-- One value as the server extracts it.
CREATE OR REPLACE FUNCTION unit.value(doc text, key text, kind text, OUT value text, OUT failed text[])
LANGUAGE plpgsql AS \$\$
DECLARE
	state text; message text; detail text;
BEGIN
	value := doc::json ->> key;
	IF kind = 'n' THEN
		value := NULL;
	ELSIF kind = 'r' AND value IS NOT NULL THEN
		value := (doc::json -> key)::text;
	END IF;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE,
		message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	failed := ARRAY[state, message, detail];
END \$\$;

-- NULL, or how the reader and the server disagree about a document.  The server
-- decodes all strings to extract one, and so may fail for another than we do:
-- errors of values are the same (exact) only if one string at most is no text.
CREATE OR REPLACE FUNCTION unit.disagreement(doc text, exact bool) RETURNS text LANGUAGE plpgsql AS \$\$
DECLARE
	names text[] := '{a,b,é,v,k}';
	kinds text := 'trtnt';
	verdict text[] := unit.verdict(doc);
	bytes bytea := convert_to(doc, getdatabaseencoding());
	r text[]; again text[]; piece int; n int; well_formed bool; name text;
	expected record;
BEGIN
	FOREACH piece IN ARRAY '{4096,64,7,3,2,1}'::int[] LOOP
		again := unit.json_read(bytes, names, kinds, piece);
		IF r IS NULL THEN
			r := again;
		ELSIF r IS DISTINCT FROM again THEN
			RETURN format('pieces of %s: %s, else %s', piece, again, r);
		END IF;
		-- with no column needed the same records are valid
		again := unit.json_read(bytes, '{}', '', piece);
		IF coalesce(array_length(again, 1), 0) <> coalesce(array_length(r, 1), 0) THEN
			RETURN format('count in pieces of %s: %s, else %s', piece, again, r);
		END IF;
	END LOOP;
	n := coalesce(array_length(r, 1), 0);
	well_formed := n = 1 AND (r[1][2] = 'ok' OR r[1][3] IN ('22P04', '22P05') OR
		r[1][5] LIKE 'Unicode % surrogate must %');
	IF well_formed <> (verdict = '{ok}') THEN
		RETURN format('verdict %s, but read as %s', verdict, r);
	END IF;
	IF NOT well_formed THEN
		IF current_setting('server_version_num')::int < 170000 AND
			verdict[1] = '22P02' AND n > 0 AND r[1][3] NOT IN ('22P04', '22P05') AND
			r[1][5] NOT LIKE 'Unicode % surrogate must %' AND
			length(r[1][5]) < 100 AND verdict[3] NOT LIKE 'Expected end of input%' AND
			ARRAY[r[1][3], r[1][4], r[1][5]] IS DISTINCT FROM verdict THEN
			RETURN format('error %s, but reported %s', verdict, r);
		END IF;
		RETURN NULL;
	END IF;
	IF json_typeof(doc::json) <> 'object' THEN
		RETURN CASE WHEN r[1][3] <> '22P04' THEN format('not an object, but %s', r) END;
	END IF;
	IF r[1][3] = '22P04' THEN
		RETURN 'an object is taken for something else';
	END IF;
	FOR i IN 1 .. array_length(names, 1) LOOP
		SELECT * INTO expected FROM unit.value(doc, names[i], substr(kinds, i, 1));
		IF expected.failed IS NULL AND r[1][2] <> 'ok' THEN
			RETURN format('values are good, but %s', r);
		ELSIF expected.failed IS NULL AND expected.value IS DISTINCT FROM r[1][6 + i] THEN
			RETURN format('value of %s is %s, but read as %s', names[i], expected.value, r);
		ELSIF r[1][2] <> 'ok' AND (exact OR expected.failed[1] NOT IN ('22P05', '22P02')) AND
			ARRAY[r[1][3], r[1][4], r[1][5]] <> expected.failed THEN
			RETURN format('value of %s is an error %s, but %s', names[i], expected.failed, r);
		END IF;
	END LOOP;
	RETURN NULL;
END \$\$;
SQL
psql($setup);
is(psql('SHOW server_encoding'), 'UTF8', 'the database is in UTF-8');

# Compare many documents with the server; returns disagreements.
sub disagreements
{
	my ($exact, @docs) = @_;
	my @bad;

	while (my @some = splice @docs, 0, 500)
	{
		my $values = join ",\n", map { '(' . lit($_) . ')' } @some;
		my $out = psql("SELECT to_json(ARRAY[doc, d]) FROM (VALUES $values) v(doc),"
			  . " LATERAL unit.disagreement(doc, $exact) d WHERE d IS NOT NULL;");

		push @bad, split /\n/, $out;
	}
	return @bad;
}

sub agrees
{
	my ($name, $exact, @docs) = @_;
	my @bad = disagreements($exact ? 'true' : 'false', @docs);

	ok(!@bad, sprintf '%s: %d documents', $name, scalar @docs)
	  or diag(map { substr($_, 0, 600) . "\n" } @bad[ 0 .. ($#bad > 4 ? 4 : $#bad) ]);
}

# Read a text; rows of [line, status, SQLSTATE, message, detail, fatal, values].
# The result must not depend on the piece size.
sub records
{
	my ($text, $names, $kinds) = @_;
	my @all = map { decode_json($_) } split /\n/, psql(
		'SELECT to_json(unit.json_read(convert_to(' . lit($text) . ", 'UTF8'), "
		  . lit($names) . ', ' . lit($kinds) . ', piece))'
		  . ' FROM unnest(ARRAY[1, 2, 3, 7, 64, 4096, 1000000]) piece');

	for my $other (@all[ 1 .. $#all ])
	{
		is_deeply($other, $all[0], 'same in larger pieces') or last
		  unless JSON::PP->new->encode($other) eq JSON::PP->new->encode($all[0]);
	}
	return $all[0];
}

sub good { return [ $_[0], 'ok', undef, undef, undef, undef, @_[ 1 .. $#_ ] ]; }

sub bad
{
	my ($line, $state, $message, $detail, $fatal, @nulls) = @_;

	return [ $line, 'bad', $state, $message, $detail, $fatal ? 'fatal' : 'goes on', @nulls ];
}

my @syntax = ('22P02', 'invalid input syntax for type json');

#-------------------------------------------------------------------------
# Chosen documents
#-------------------------------------------------------------------------

agrees('whole documents', 1,
	'{}', ' { } ', '{"a":1}', '{"a":1,"a":2}', '{"a":1,"b":{"a":2},"a":[3,{"a":4}]}', '{"a":null}',
	'{"a":1,"a":null}', '{"b":null}', '{"b":"x\\u0041"}', '{"\\u0061":"x"}', '{"\\u00e9":1,"é":2}',
	'{"é":"ü€😀"}', '{"a":"\\ud83d\\ude00"}', '{"a":"\\u00e9\\u20ac\\"\\\\\\/\\b\\f\\n\\r\\t"}',
	'{"a":"\\ud83d"}', '{"a":"\\ude00"}', '{"a":"\\ud83d\\ud83d"}', '{"a":"\\ud83dx"}',
	'{"a":"\\ud83d\\n"}', '{"a":"\\u0000"}', '{"b":"\\u0000"}', '{"v":"\\u0000"}', '{"v":"\\ud83d","a":1}',
	'{"\\ud83d":1,"a":2}', '{"a":"\\u0000","a":1}', '{"a":"\\ud83d\\u0041"}', '{"a":"\\ud83d\\u0000"}',
	'{"a":true,"b":false}', '{"a":-0.0e+10}', '{"a": [1 , 2] , "b" : { "c" : "]}" } }',
	'{"a":"' . 'x' x 31 . '"}', '{"a":"' . 'x' x 32 . '\\n"}', '{"a":"' . 'x' x 5000 . '"}',
	'{"' . 'k' x 30 . '":1,"a":2}', '{"' . 'k' x 31 . '":1,"a":2}', '{"' . 'k' x 500 . '":1,"a":2}',
	'[]', '1', '"x"', 'null', 'true', '[1,2]', '-1.5e3', '', ' ', "\n\n");

agrees('broken documents', 1,
	'{', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{,}', '{"a",1}', '{"a":1 "b":2}', '{1:2}',
	'{"a":01}', '{"a":-}', '{"a":1.}', '{"a":.5}', '{"a":+1}', '{"a":1e}', '{"a":1e+}', '{"a":1x}',
	'{"a":0x1}', '{"a":tru}', '{"a":truE}', '{"a":nulls}', '{"a":NaN}', '{"a":\'x\'}', '{"a":"x}',
	'{"a":"\\x"}', '{"a":"\\u12"}', '{"a":"\\u12g4"}', '{"a":"\\u"}', '{"a":"\\', '{"a":"\\u1', '{"a":"\\u00é0"}',
	'{"a":"\\é"}', "{\"a\":\"\t\"}", "{\"a\":\"\x1f\"}", "{\"a\":\"\x7f\"}", "{\"a\":\"\n\"}", "{\"a\":\x01}",
	"{\"a\"\x{a0}:1}", "{\"a\":\x0c1}", '{"a":[1,]}', '{"a":[1 2]}', '{"a":[}', '{"a":]', '{"a":[1}', '{"a":{]}',
	'{"a":1}}', '{"a":1}x', '{"a":1},', '{"a":/**/1}', '}', ']', ',', ':', 'x', '"', '-', '{"a":é}', '{é:1}',
	'{"a"true}', '{"a" "b"}', '{"a" tru}', '{"a":1 -}', '{"a":1 "x', "\x{feff}{}", '{"a":1-2}', '{"a":1+}',
	'{"a":true.}', '{"a":1"b":2}', '{"a"::1}', '{"a":1:}', '[1', '["a', '[1,', '{"a":"' . 'y' x 40 . "\x02\"}",
	'{"v":tru,"a":1}', '{"v":"\\q","a":1}', '{"v":[[[],{"x":00}]],"a":1}');

#-------------------------------------------------------------------------
# Random documents, whole and spoilt
#-------------------------------------------------------------------------

srand($ENV{S3_TEST_SEED} || 4711);

sub pick { return $_[ rand @_ ]; }

sub random_string
{
	return '"' . join('', map {
		pick('a', 'b', 'xyz', ' ', 'é', '€', '😀', '\\n', '\\"', '\\\\', '\\/', '\\u0041', '\\u00e9',
			'\\ud83d\\ude00', '{', '}', '[', ',', ':', 'long piece of plain text, more than a vector',
			rand() < 0.1 ? ('\\u0000', '\\ud83d', '\\ude00') : ('1', 'c', 'd'))
	} 1 .. rand 6) . '"';
}

sub space { return rand() < 0.8 ? '' : pick(' ', "\n", "\t ", "\r\n", '  '); }

sub random_value
{
	my ($depth) = @_;
	my $kind = int rand($depth > 3 ? 6 : 8);

	return random_string() if $kind < 2;
	return pick('0', '-1', '12', '3.25', '-0.5e10', '1E-7', '12345678901234567890', '10') if $kind < 4;
	return pick('true', 'false', 'null') if $kind < 6;
	return '[' . space() . join(space() . ',' . space(), map { random_value($depth + 1) } 1 .. rand 4) . space() . ']'
	  if $kind == 6;
	return random_object($depth + 1);
}

sub random_object
{
	my ($depth) = @_;

	return '{' . space() . join(space() . ',' . space(), map {
		pick('"a"', '"b"', '"é"', '"v"', '"k"', '"\\u0061"', '"\\u00E9"', '"other"', '"a\\n"', '""',
			'"\\ud800"', random_string()) . space() . ':' . space() . random_value($depth)
	} 1 .. rand 6) . space() . '}';
}

sub mutate
{
	my ($doc) = @_;

	for (1 .. 1 + rand 2)
	{
		my $at = int rand(1 + length $doc);
		my $what = int rand 5;
		my $junk = pick('{', '}', '[', ']', ',', ':', '"', '\\', 'u', '0', '1', '-', '.', 'e', 't', 'n', ' ', "\n",
			"\x01", 'é', '\\u12', '/', '\'');

		if ($what == 0) { substr($doc, $at, 0) = $junk; }
		elsif ($what == 1) { substr($doc, $at, 1) = $junk if $at < length $doc; }
		elsif ($what == 2) { substr($doc, $at, 1) = '' if $at < length $doc; }
		elsif ($what == 3) { $doc = substr $doc, 0, $at if rand() < 0.3; }
		else { substr($doc, $at, 0) = substr($doc, int rand length $doc, 1 + rand 5) if length $doc; }
	}
	return $doc;
}

my @whole = map { random_object(0) } 1 .. 1000;
agrees('random', 0, @whole);
agrees('random and spoilt', 0, map { mutate(pick(@whole)) } 1 .. 4000);

#-------------------------------------------------------------------------
# Many records in one stream
#-------------------------------------------------------------------------

{
	my ($text, $line, @expected) = ('', 1);

	for my $i (1 .. 300)
	{
		my $gap = pick('', "\n", "\n", "\n", ' ', "\r\n", "\n\n \n\t");
		my $pad = pick('', "\n  ");
		my $other = random_value(2);
		my $keys = join ',', map { "$pad$_" } sort { rand() < 0.1 ? 1 : -1 } qq{"id":$i}, qq{"s":"<$i>"}, qq{"o":$other};
		my $text_of = "{$keys}";

		push @expected, good($line, $i, "<$i>");
		$text .= $text_of . $gap;
		$line += ($text_of =~ tr/\n//) + ($gap =~ tr/\n//);
	}
	is_deeply(records($text, '{id,s}', 'tt'), \@expected, 'records with all sorts of gaps, and their lines');
}

is_deeply(records("{\"a\":1}\n{\"a\":tru}\n{\"a\":3}\n", '{a}', 't'),
	[ good(1, 1), bad(2, @syntax, 'Token "tru" is invalid.', 0, undef), good(3, 3) ],
	'a faulty line is skipped');
is_deeply(records("{\"a\":1}\n  {\"a\":1,\"b\n{\"a\":3}\n", '{a}', 't'),
	[ good(1, 1), bad(2, @syntax, 'Character with value 0x0a must be escaped.', 0, undef), good(3, 3) ],
	'a line cut off within a string');
is_deeply(records("{\"a\":1}\n{\"a\":1,\"b\":\n{\"a\":3}\n{\"a\":4}", '{a}', 't'),
	[ good(1, 1), bad(2, @syntax, 'Expected "," or "}", but found "{".', 0, undef), good(3, 3), good(4, 4) ],
	'a line cut off between two tokens costs no other');
is_deeply(records("{\"a\":1}\n{\"a\":2,\"b\":[", '{a}', 't'),
	[ good(1, 1), bad(2, @syntax, 'The input string ended unexpectedly.', 0, undef) ],
	'a file cut off');
is_deeply(records("{\"a\":1}\n{\"a\":[\n{\"a\":3}\n", '{a}', 't'),
	[ good(1, 1), bad(2, @syntax, 'The input string ended unexpectedly.', 0, undef), good(3, 3) ],
	'a line cut off, and the file ends before that shows');
is_deeply(records("{\"a\":[\n" . "1,\n" x 400000 . "x\n{\"a\":3}\n", '{a}', 't'),
	[ bad(1, @syntax, 'Token "x" is invalid.', 1, undef) ],
	'but to go back more than a megabyte is refused');
is_deeply(records("{\"a\":1}{\"a\":x}\n{\"a\":3}\n", '{a}', 't'),
	[ good(1, 1), bad(1, @syntax, 'Token "x" is invalid.', 1, undef) ],
	'a faulty record in mid-line ends the file');
is_deeply(records("[{\"a\":1},\n{\"a\":2}]\n7 {\"a\":3}", '{a}', 't'),
	[ bad(1, '22P04', 'expected a JSON object', 'Found "[{"a":1},' . "\n" . '{"a":2}]".', 0, undef),
		bad(3, '22P04', 'expected a JSON object', 'Found "7".', 0, undef), good(3, 3) ],
	'what is not an object is bad, but leads to no confusion');
is_deeply(records("{\"a\":\"\\u0000\"} {\"a\":2}", '{a}', 't'),
	[ bad(1, '22P05', 'unsupported Unicode escape sequence', '\\u0000 cannot be converted to text.', 0, undef), good(1, 2) ],
	'a value that is no text spoils its record alone');
is_deeply(records("{\"a\":" . '[' x 6399 . ']' x 6399 . "}\n{\"a\":" . '[' x 6400 . ']' x 6400 . "}\n{\"a\":3}", '{a,b}', 'nt'),
	[ good(1, undef, undef),
		bad(2, '54001', 'JSON value is nested too deeply', 'The limit is 6400 levels.', 0, undef, undef), good(3, undef, undef) ],
	'nesting is limited');
is_deeply(records('{"a":' . '9' x 300 . 'x}', '{a}', 't'),
	[ bad(1, @syntax, 'Token "' . '9' x 100 . '..." is invalid.', 0, undef) ], 'a long token is shortened in the message');

# More columns and keys than any table starts with, in changing order.
{
	my @names = map { "column_$_" . 'x' x ($_ % 40) } 1 .. 60;
	my $text = '';
	my @expected;

	for my $i (1 .. 30)
	{
		my @order = sort { rand() < 0.02 * $i ? 1 : -1 } 0 .. 1299;
		my %left_out = map { $_ => 1 } map { int rand 60 } 1 .. $i / 5;

		$text .= '{' . join(',', map { $_ < 60 ? qq{"$names[$_]":"$i $_"} : qq{"key$_":$_} } grep { !$left_out{$_} } @order) . "}\n";
		push @expected, good($i, map { $left_out{$_} ? undef : "$i $_" } 0 .. 59);
	}
	is_deeply(records($text, '{' . join(',', @names) . '}', 't' x 60), \@expected, 'many keys and columns');
}

# One byte at a time costs no more than a constant per byte.
for my $case (
	[ 'string', q{'{"a":"' || repeat('x', 3000000) || '"}'} ],
	[ 'escapes', q{'{"a":"' || repeat('\\u0041', 500000) || '"}'} ],
	[ 'number', q{'{"a":' || repeat('9', 3000000) || '}'} ],
	[ 'white space', q{'{"a":1' || repeat(' ', 3000000) || '}'} ],
	[ 'array', q{'{"a":[1' || repeat(',1', 1500000) || ']}'} ],
	[ 'blank lines', q{repeat(E'\n', 3000000) || '{}'} ])
{
	my ($what, $sql) = @$case;
	my ($records, $seconds) = split / /,
	  psql("SELECT unit.json_bench(convert_to($sql, 'UTF8'), '{a}', 't', 1, 1)");

	is($records, 1, "$what in pieces of one byte");
	cmp_ok($seconds, '<', 5, "$what: in linear time");
}

SKIP:
{
	skip 'needs 3 GB of memory: set S3_TEST_SLOW', 2 unless $ENV{S3_TEST_SLOW};
	is(psql("SELECT unit.json_long('x', 1023)"), 1023 * 1024 * 1024 - 8, 'nearly 1 GB is a record');
	is(psql("SELECT unit.json_long('x', 1025)"), '54000 JSON record is too long (fatal)', 'more is not');
}

#-------------------------------------------------------------------------
# Another server encoding
#-------------------------------------------------------------------------

{
	my $db = "json_latin1_$$";

	psql(qq{CREATE DATABASE $db ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0});
	psql($setup, db => $db);
	my $read = sub { return psql("SELECT (unit.json_read(convert_to(" . lit($_[0]) . ", 'LATIN1'), '{a,é}', 'tr', 3))::text", db => $db); };

	is($read->('{"a":"\\u00e9\\u0041"}'), Encode::encode('UTF-8', '{{1,ok,NULL,NULL,NULL,NULL,éA,NULL}}'),
		'an escape that the server encoding has');
	is($read->('{"\\u00e9":"\\u20ac"}'), Encode::encode('UTF-8', '{{1,ok,NULL,NULL,NULL,NULL,NULL,"\\"\\\\u20ac\\""}}'),
		'a key so written, and raw JSON keeps what it cannot express');
	like($read->('{"a":"\\u20ac"}'), qr/^\{\{1,bad,22P05,"unsupported Unicode escape sequence",.*LATIN1/,
		'an escape that the server encoding lacks');
	psql("DROP DATABASE $db");
}

#-------------------------------------------------------------------------
# JSONTestSuite
#-------------------------------------------------------------------------

SKIP:
{
	my $corpora = corpora();
	my $suite = defined $corpora ? "$corpora/json/JSONTestSuite" : undef;

	skip 'the corpora are not here', 3 unless defined $suite && -d $suite;

	my (%oracle, @docs, @verdicts, $not_text);

	open my $fh, '<', "$suite/pg15-oracle.jsonl" or die "could not open the oracle: $!";
	while (<$fh>)
	{
		my $row = decode_json($_);

		$oracle{ $row->{file} } = $row->{json};
	}
	close $fh;

	for my $file (sort keys %oracle)
	{
		open my $in, '<:raw', "$suite/$file" or die "could not open $file: $!";
		my $bytes = do { local $/; <$in> };
		my $text = eval { Encode::decode('utf8', my $copy = $bytes, Encode::FB_CROAK) };

		close $in;
		# noncharacters are characters to the server, surrogates are not
		if (!defined $text || $text =~ /[\0\x{d800}-\x{dfff}]|[^\0-\x{10ffff}]/)
		{
			# such bytes never reach the reader: they are refused below it
			$not_text++;
			fail("$file is no text, but a verdict is known") if $oracle{$file} eq 'ok';
			next;
		}
		push @docs, $text, qq({"v":$text}), qq({"a":$text});
		push @verdicts, [ $file, $text, $oracle{$file} ];
	}
	cmp_ok(scalar @verdicts, '>', 250, sprintf 'JSONTestSuite: %d files, and %d that are not text',
		scalar @verdicts, $not_text);
	agrees('JSONTestSuite as they are, and as a value', 1, @docs);

	my @wrong;
	for my $verdict (@verdicts)
	{
		my ($file, $text, $expected) = @$verdict;

		my $rows = decode_json(psql('SELECT to_json(unit.json_read(convert_to(' . lit($text) . ", 'UTF8'), '{v}', 'n', 5))"));
		my $valid = @$rows == 1 && ($rows->[0][1] eq 'ok' || $rows->[0][2] eq '22P04');

		push @wrong, $file if $valid != ($expected eq 'ok');
	}
	is_deeply(\@wrong, [], 'the verdicts on record');
}

psql('SET client_min_messages = warning; DROP SCHEMA unit CASCADE');
done_testing();
