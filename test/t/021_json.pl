#-------------------------------------------------------------------------
#
# 021_json.pl
#		JSON records: the server's own json type is the judge of what is valid
#		and of every value, at any depth, whatever the size of the pieces read.
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
CREATE OR REPLACE FUNCTION unit.json_read_as(bytea, text[], text[], text, int, int, bool, bigint) RETURNS text[]
	LANGUAGE C STRICT AS @{[ lit($lib) ]}, 'unit_json_read_as';
CREATE OR REPLACE FUNCTION unit.json_path(text) RETURNS text
	LANGUAGE C STRICT AS @{[ lit($lib) ]}, 'unit_json_path';
CREATE OR REPLACE FUNCTION unit.jsonpaths(bytea) RETURNS text
	LANGUAGE C STRICT AS @{[ lit($lib) ]}, 'unit_jsonpaths';
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
	RETURN ARRAY[state, message, nullif(detail, '')];
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
	expected record; is_record bool[];
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
	IF verdict = '{ok}' AND json_typeof(doc::json) = 'array' THEN
		-- its elements are the records
		SELECT array_agg(json_typeof(e) = 'object') INTO is_record FROM json_array_elements(doc::json) e;
		FOR i IN 1 .. greatest(n, coalesce(array_length(is_record, 1), 0)) LOOP
			IF is_record[i] IS DISTINCT FROM (r[i][3] IS DISTINCT FROM '22P04') THEN
				RETURN format('element %s of an array: %s', i, r);
			END IF;
		END LOOP;
		RETURN NULL;
	END IF;
	IF ltrim(doc, E' \\n\\r\\t') LIKE '[%' AND verdict[3] NOT LIKE 'Expected end of input%' THEN
		IF n = 0 OR r[n][6] IS DISTINCT FROM 'fatal' OR
			(current_setting('server_version_num')::int < 170000 AND length(r[n][5]) < 100 AND
			ARRAY[r[n][3], r[n][4], r[n][5]] IS DISTINCT FROM verdict) THEN
			RETURN format('error %s in an array, but %s', verdict, r);
		END IF;
		RETURN NULL;
	END IF;
	IF ltrim(doc, E' \\n\\r\\t') LIKE '[%' THEN
		RETURN NULL;
	END IF;
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

-- What jsonb says of a value.
CREATE OR REPLACE FUNCTION unit.jsonb_verdict(doc text) RETURNS text[] LANGUAGE plpgsql AS \$\$
BEGIN
	PERFORM doc::jsonb;
	RETURN ARRAY['ok'];
EXCEPTION WHEN OTHERS THEN
	RETURN ARRAY[SQLSTATE];
END \$\$;

-- What the server finds by steps, of which those that begin with # are indexes.
CREATE OR REPLACE FUNCTION unit.follow(doc json, steps text[], raw bool) RETURNS text LANGUAGE plpgsql AS \$\$
DECLARE
	step text;
BEGIN
	FOREACH step IN ARRAY steps LOOP
		IF step LIKE '#%' THEN
			doc := CASE json_typeof(doc) WHEN 'array' THEN doc -> substr(step, 2)::int END;
		ELSE
			doc := CASE json_typeof(doc) WHEN 'object' THEN doc -> step END;
		END IF;
	END LOOP;
	IF json_typeof(doc) = 'null' THEN
		RETURN NULL;
	END IF;
	RETURN CASE WHEN raw OR json_typeof(doc) IN ('object', 'array')
		THEN trim(E' \\n\\r\\t' FROM doc::text) ELSE doc #>> '{}' END;
END \$\$;

-- NULL, or where the server finds another value than the reader.
CREATE OR REPLACE FUNCTION unit.path_disagreement(doc text, paths text[], steps text[]) RETURNS text LANGUAGE plpgsql AS \$\$
DECLARE
	bytes bytea := convert_to(doc, 'UTF8');
	r text[]; again text[]; piece int; value text;
	kinds text := repeat('trrt', array_length(paths, 1));
	names text[] := array_fill('x'::text, ARRAY[array_length(paths, 1)]);
BEGIN
	kinds := left(kinds, array_length(paths, 1));
	FOREACH piece IN ARRAY '{4096,64,7,2,1}'::int[] LOOP
		again := unit.json_read_as(bytes, names, paths, kinds, piece, 2, false, 1000000);
		IF piece < 4096 AND r IS DISTINCT FROM again THEN
			RETURN format('pieces of %s: %s, else %s', piece, again, r);
		END IF;
		r := again;
	END LOOP;
	IF array_length(r, 1) <> 1 OR r[1][2] <> 'ok' THEN
		RETURN format('not one record: %s', r);
	END IF;
	FOR i IN 1 .. array_length(paths, 1) LOOP
		value := unit.follow(doc::json, string_to_array(steps[i], ' '), substr(kinds, i, 1) = 'r');
		IF value IS DISTINCT FROM r[1][8 + i] THEN
			RETURN format('%s is %s, but read as %s', paths[i], value, r[1][8 + i]);
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

# Read a text with options: records (objects), ignore_case, max (bytes of a
# record), piece; rows of [line, status, SQLSTATE, message, detail, fatal,
# offset, hint, values].
sub read_as
{
	my ($text, $names, $paths, $kinds, %opts) = @_;
	my %records = (objects => 0, arrays => 1, values => 2, document => 3);

	return decode_json(psql('SELECT to_json(unit.json_read_as(convert_to(' . lit($text) . ", 'UTF8'), "
		. join(', ', map { lit($_) } $names, $paths, $kinds, $opts{piece} || 4096, $records{ $opts{records} || 'objects' },
			$opts{ignore_case} ? 'true' : 'false', $opts{max} || 1000000000)
		. '))'));
}

# The same, which must not depend on the piece size.
sub read_always
{
	my ($text, @how) = @_;
	my $all = read_as($text, @how);

	for my $piece (1, 2, 3, 7, 64)
	{
		my $other = read_as($text, @how, piece => $piece);

		is_deeply($other, $all, "same in pieces of $piece") or last
		  unless JSON::PP->new->encode($other) eq JSON::PP->new->encode($all);
	}
	return $all;
}

# A record's values, or its error: SQLSTATE, message, detail, hint.
sub outcome
{
	my ($row) = @_;

	return $row->[1] eq 'ok' ? [ @$row[ 8 .. $#$row ] ] : { error => [ grep { defined } @$row[ 2, 3, 4, 7 ] ] };
}

sub outcomes { return [ map { outcome($_) } @{ read_always(@_) } ]; }

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
	[ good(1, 1), good(2, 2),
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
# Paths
#-------------------------------------------------------------------------

for my $case (
	[ '$', '' ], [ 'a', 'key a' ], [ '$.a', 'key a' ], [ 'user.address[0].city', 'key user|key address|element 0|key city' ],
	[ '$.user.tags[2]', 'key user|key tags|element 2' ], [ q{$['a.b']["c"]}, 'key a.b|key c' ], [ '[0]', 'element 0' ],
	[ '$[12][3].x', 'element 12|element 3|key x' ], [ '["a"].b', 'key a|key b' ], [ '"a b".c', 'key a b|key c' ],
	[ '$."a.b"', 'key a.b' ], [ q{['it\\'s']}, "key it's" ], [ q{["\\\\"]}, 'key \\' ], [ q{['']}, 'key ' ], [ '""', 'key ' ],
	[ 'a b', 'key a b' ], [ 'é.ü[007]', 'key é|key ü|element 7' ], [ '["*"]', 'key *' ], [ q{["$ref"]}, 'key $ref' ],
	[ 'a$b', 'key a$b' ], [ '[2147483646]', 'element 2147483646' ],
	[ '', 'The path is empty' ], [ '.', 'begins with' ], [ '.a', 'begins with' ], [ 'a.', 'A key is missing' ], [ 'a..b', 'A key is missing' ],
	[ '$.', 'A key is missing' ], [ '$..a', 'A key is missing' ], [ '$a', 'must be followed' ], [ '$$', 'must be followed' ],
	[ '[', 'Brackets must hold' ], [ '[]', 'Brackets must hold' ], [ '[a]', 'Brackets must hold' ], [ '[*]', 'Brackets must hold' ],
	[ '[1', 'not closed' ], [ '[1:2]', 'not closed' ], [ '["a"', 'not closed' ], [ '["a","b"]', 'not closed' ], [ 'a[-1]', 'cannot be negative' ],
	[ '[2147483647]', 'at most' ], [ '[99999999999999999999]', 'at most' ], [ '["a]', 'does not end' ], [ "a['b\"]", 'does not end' ],
	[ q{["a\\n"]}, 'a quote or a backslash' ], [ q{["a\\}, 'a quote or a backslash' ], [ '[1]a', '"a" was found' ], [ '["a"]é', '"é" was found' ],
	[ 'a"b"', 'was found' ], [ 'a]', 'was found' ], [ 'a.*', 'in quotes only' ], [ '*', 'in quotes only' ], [ ']', 'A key is missing' ])
{
	my ($path, $expected) = @$case;
	my $steps = Encode::decode('UTF-8', psql('SELECT unit.json_path(' . lit($path) . ')'));

	if ($expected =~ /^(key|element) |^$/)
	{
		chomp $steps;
		is($steps, $expected =~ s/\|/\n/gr, "path $path");
	}
	else
	{
		like($steps, qr/\Q$expected\E.*\.$/, "path $path is refused");
	}
}

{
	my $jsonpaths = sub { return psql('SELECT unit.jsonpaths(' . ($_[1] || 'convert_to(' . lit($_[0]) . ", 'UTF8')") . ')'); };

	is($jsonpaths->(qq(\x{feff} {"x": ["y"], "jsonpaths" : ["\$.a", "\$['b'][0]" ,\n"\\u0024[\\"c\\"]", "\$.\\u00e9"]}\n)),
		Encode::encode('UTF-8', "path \$.a\npath \$['b'][0]\npath \$[\"c\"]\npath \$.é\n"), 'a jsonpaths file');
	for my $case (
		[ '', 'not valid JSON' ], [ '{"jsonpaths": ["$.a"]', 'not valid JSON' ], [ '{"jsonpaths": ["$.a"]} x', 'not valid JSON' ],
		[ '["$.a"]', 'must be an object' ], [ '{"JSONPaths": []}', 'must be an object' ], [ '{"jsonpaths": "$.a"}', 'must be an object' ],
		[ '{"jsonpaths": null}', 'must be an object' ], [ '{"jsonpaths": ["$", 1]}', 'Path 2 is not a string' ],
		[ '{"jsonpaths": [["$"]]}', 'Path 1 is not a string' ], [ '{"jsonpaths": ["a", "b["]}', 'Path 2, "b[", is wrong: Brackets' ],
		[ '{"jsonpaths": ["a\\u0000"]}', 'Path 1 is no text' ])
	{
		like($jsonpaths->($case->[0]), qr/\Q$case->[1]\E/, "jsonpaths file: $case->[0]");
	}
	like($jsonpaths->(undef, q{'\xff'::bytea}), qr/not in the encoding/, 'jsonpaths file: no text');
}

# Values at depth, as the server finds them.
{
	my @paths = ([ '$', '' ], [ 'a', 'a' ], [ '$.b', 'b' ], [ 'a.b', 'a b' ], [ 'a.a.a', 'a a a' ], [ 'b[0]', 'b #0' ], [ 'b[0].a', 'b #0 a' ],
		[ 'b[1]', 'b #1' ], [ 'b[2][0]', 'b #2 #0' ], [ '[0]', '#0' ], [ '[1].a', '#1 a' ], [ '[2][1]', '#2 #1' ], [ '$["é"].k', 'é k' ],
		[ 'a[1][0]', 'a #1 #0' ], [ 'a.b', 'a b' ], [ 'k.v', 'k v' ], [ 'k', 'k' ], [ '[7]', '#7' ], [ 'v[1].b[0]', 'v #1 b #0' ], [ 'a[0]', 'a #0' ]);
	my $value;
	my $space = sub { return rand() < 0.8 ? '' : pick(' ', "\n", "\t "); };
	my $string = sub { return '"' . join('', map { pick('a', 'é', '😀', '\\n', '\\"', '\\\\', '\\u00e9', '{', ']', ',', 'long piece of plain text') } 1 .. rand 4) . '"'; };

	$value = sub {
		my ($depth) = @_;
		my $kind = $depth == 0 ? 2 + int rand 5 : int rand($depth > 4 ? 2 : 7);

		return $string->() if $kind == 0;
		return pick('0', '-1', '1e400', '3.250', '12345678901234567890123', 'true', 'false', 'null') if $kind == 1;
		return '[' . $space->() . join($space->() . ',' . $space->(), map { $value->($depth + 1) } 1 .. rand 5) . $space->() . ']' if $kind < 4;
		return '{' . $space->() . join($space->() . ',' . $space->(), map {
			pick('"a"', '"b"', '"a"', '"b"', '"k"', '"v"', '"é"', '"\\u0061"', '"\\u00E9"', '"other"', '""') . $space->() . ':'
			  . $space->() . $value->($depth + 1) } 1 .. rand 7) . $space->() . '}';
	};

	my @docs = ((map { $value->(0) } 1 .. 1500), '1', 'null', '"x"', ' {"a":{"b":1},"a":{"a":2}} ', '{"a":{"b":1},"a":5}', '{"b":[{"a":1}],"b":[]}',
		'{"a":{"b":1,"b":null}}', '{"a":[[1],[2]],"a":{"b":[3]},"\\u0061":[4,[5]]}');
	my @bad;

	while (my @some = splice @docs, 0, 500)
	{
		my $out = psql('SELECT to_json(ARRAY[doc, d]) FROM (VALUES ' . join(",\n", map { '(' . lit($_) . ')' } @some) . ') v(doc),'
			. ' LATERAL unit.path_disagreement(doc, ARRAY[' . join(',', map { lit($_->[0]) } @paths) . '], ARRAY['
			. join(',', map { lit($_->[1]) } @paths) . ']) d WHERE d IS NOT NULL');

		push @bad, split /\n/, $out;
	}
	ok(!@bad, 'values at depth') or diag(map { substr($_, 0, 600) . "\n" } @bad[ 0 .. ($#bad > 4 ? 4 : $#bad) ]);

	# Objects one after another, and the same within arrays.
	my @rows = grep { /^\{/ } map { $value->(0) } 1 .. 800;
	my $quoted = '{' . join(',', map { '"' . $_->[0] =~ s/(["\\])/\\$1/gr . '"' } @paths) . '}';
	my @how = ('{' . join(',', ('x') x @paths) . '}', $quoted, 'rt' x (@paths / 2));
	my $apart = read_as(join("\n", @rows), @how);
	my $values = join ",\n", map { "($_, " . lit($rows[$_]) . ')' } 0 .. $#rows;
	my @alone = split /\n/, psql("SELECT to_json((unit.json_read_as(convert_to(doc, 'UTF8'), " . join(', ', map { lit($_) } @how)
		. ", 4096, 0, false, 1000000))[1:1][9:]) FROM (VALUES $values) v(n, doc) ORDER BY n");
	is_deeply([ map { outcome($_) } @$apart ], [ map { decode_json($_)->[0] } @alone ], 'each object as if it were alone');
	for my $text ('[' . join(',', @rows) . ']', " [\n" . join(" ,\n", @rows) . "\n]\n[ ] []",
		join("\n", $rows[0], '[' . join(',', @rows[ 1 .. 50 ]) . "]\n", @rows[ 51 .. 60 ], '[' . join(",\t", @rows[ 61 .. $#rows ]) . ']'))
	{
		my $got = read_always($text, @how);
		my $bytes = Encode::encode('UTF-8', $text);
		my @encoded = map { Encode::encode('UTF-8', $_) } @rows;

		is_deeply([ map { outcome($_) } @$got ], [ map { outcome($_) } @$apart ], 'the same in arrays');
		is_deeply([ map { substr $bytes, $got->[$_][6], length $encoded[$_] } 0 .. $#rows ], \@encoded, 'and where they begin');
		is_deeply([ map { $_->[0] } @$got ], [ map { 1 + (substr($bytes, 0, $_->[6]) =~ tr/\n//) } @$got ], 'and on which line');
	}
}

# Keys without regard to case are the same as keys in lower case.
{
	my $value;

	$value = sub {
		my ($depth) = @_;
		my $kind = $depth == 0 ? 2 : int rand($depth > 3 ? 1 : 4);

		return int rand 1000 if $kind == 0;
		return '[' . join(',', map { $value->($depth + 1) } 1 .. rand 4) . ']' if $kind == 1;
		return '{' . join(',', map { pick('"a":', '"A":', '"Ab":', '"aB":', '"é":', '"\\u0061b":') . $value->($depth + 1) } 1 .. rand 6) . '}';
	};

	my $docs = join "\n", map { $value->(0) } 1 .. 300;
	my @same = ('{a,ab,x,y}', '{NULL,NULL,ab.a,"a[1]"}', 'trtr');

	my @mixed = map { [ map { defined ? lc : undef } @$_ ] } @{ outcomes($docs, '{A,aB,x,y}', '{NULL,NULL,AB.a,"A[1]"}', 'trtr', ignore_case => 1) };
	is_deeply(\@mixed, outcomes(lc $docs, @same), 'keys without regard to case');
	isnt(JSON::PP->new->encode(outcomes($docs, @same)), JSON::PP->new->encode(outcomes(lc $docs, @same)), 'else case matters');
	is_deeply(outcomes('{"Id":1,"ID":2}', '{id,Id}', '{}', 'tt', ignore_case => 1), [ [ 2, 2 ] ], 'two columns, one key');
	my $letters = psql(q{SELECT lower('É') = 'é'}) eq 't';
	is_deeply(outcomes('{"É":1}', '{é}', '{}', 't', ignore_case => 1), [ [ $letters ? 1 : undef ] ], 'case as lower() knows it');
}

# The last of equal keys, at every level, in a record after others with guesses.
is_deeply(outcomes('{"a":{"b":1,"c":2}} {"a":{"b":1,"c":2},"a":{"c":3}} {"a":{"b":1},"a":7} {"a":{"b":5,"b":null},"x":0} {"a":{"b":{"q":[1, 2]}}}',
		'{x,x,x,x}', '{a.b,a.c,a,a.b}', 'ttrr'),
	[ [ 1, 2, '{"b":1,"c":2}', 1 ], [ undef, 3, '{"c":3}', undef ], [ undef, undef, 7, undef ], [ undef, undef, '{"b":5,"b":null}', undef ],
		[ '{"q":[1, 2]}', undef, '{"b":{"q":[1, 2]}}', '{"q":[1, 2]}' ] ],
	'duplicate keys along paths');
is_deeply(outcomes('{"a":{"b":"\\u0000","c":"\\ud83d"}} {"a":{"b":1e400}}', '{x,y,z}', '{a.b,a.c,a}', 'rrr'),
	[ [ '"\\u0000"', '"\\ud83d"', '{"b":"\\u0000","c":"\\ud83d"}' ], [ '1e400', undef, '{"b":1e400}' ] ], 'JSON text at depth is given as written');
is_deeply(outcomes('{"a":{"b":"\\u0000"}}', '{x}', '{a.b}', 't'),
	[ { error => [ '22P05', 'unsupported Unicode escape sequence', '\\u0000 cannot be converted to text.' ] } ], 'and what is no text is refused');
is_deeply(read_always('{"a":[' . '[' x 6398 . ']' x 6398 . ',5]} {"a":[' . '[' x 6399, '{x}', '{"a[1]"}', 't')->[0][8], 5, 'nested deeply beside a path');
is_deeply(outcomes('[' x 100000, '{x}', '{"$"}', 'r', records => 'document'),
	[ { error => [ '54001', 'JSON value is nested too deeply', 'The limit is 6400 levels.' ] } ], 'nested too deeply');
is(length read_as('{"a":[' . '7' x 1000000 . ']}', '{x}', '{"a[0]"}', 't')->[0][8], 1000000, 'a long number at depth');

#-------------------------------------------------------------------------
# What a record is
#-------------------------------------------------------------------------

my @as_arrays = ('{a,b,c}', '{}', 'trt', records => 'arrays');
is_deeply(outcomes("[1,[2, 3],\"x\"][4]\n[] [null,null,null]\n[5,\"y\",{}]", @as_arrays),
	[ [ 1, '[2, 3]', 'x' ], [ 4, undef, undef ], [ undef, undef, undef ], [ undef, undef, undef ], [ 5, '"y"', '{}' ] ], 'rows that are arrays');
is_deeply(outcomes("[1,2,3,4] [1,2,3]", @as_arrays),
	[ { error => [ '22P04', 'extra data after last expected column', 'The array has 4 elements, but the table has 3 columns.' ] }, [ 1, 2, 3 ] ],
	'with more elements than columns');
is_deeply(outcomes("[1,2,3,4]", '{a,b,c}', '{}', 'nnn', records => 'arrays')->[0]{error}[0], '22P04', 'even if none is needed');
is_deeply(outcomes("[1,2,3,{\"x\":4}]", '{a,b,c}', '{NULL,"[3].x",NULL}', 'tnt', records => 'arrays'), [ [ 1, undef, 3 ] ], 'paths leave out what they like');
is_deeply(outcomes("[1,2,3,{\"x\":4}]", '{a,b,c}', '{"[3].x","[1]","$"}', 'ttr', records => 'arrays'), [ [ 4, 2, '[1,2,3,{"x":4}]' ] ], 'paths within arrays');
is_deeply(outcomes("{\"a\":1} 7 [8]", @as_arrays),
	[ { error => [ '22P04', 'expected a JSON array', 'Found "{"a":1}".', 'If the rows are objects, set the option "records" to "objects".' ] },
		{ error => [ '22P04', 'expected a JSON array', 'Found "7".' ] }, [ 8, undef, undef ] ], 'what is no array');
is_deeply(outcomes("[[1,2],[3]]", '{a}', '{}', 't')->[0],
	{ error => [ '22P04', 'expected a JSON object', 'Found "[1,2]".', 'Rows that are arrays can be read without an array around them, with the option "records" set to "arrays".' ] }, 'arrays taken for objects');

is_deeply(outcomes(qq(1 "x" {"a":2}[3] null\ntrue\n{"a":4}{"a":5}), '{a,v}', '{NULL,$}', 'tr', records => 'values'),
	[ [ undef, 1 ], [ undef, '"x"' ], [ 2, '{"a":2}' ], [ undef, '[3]' ], [ undef, 'null' ], [ undef, 'true' ], [ 4, '{"a":4}' ], [ 5, '{"a":5}' ] ], 'any values');
for my $case ([ '1-2', '-2' ], [ '"a""b"', '"b"' ], [ '{}1', '1' ], [ '1{}', '{' ], [ '[]"x"', '"x"' ], [ 'null[]', '[' ])
{
	is_deeply(outcomes($case->[0], '{v}', '{$}', 'r', records => 'values')->[1],
		{ error => [ @syntax, "Expected end of input, but found \"$case->[1]\".",
				'Values that are neither objects nor arrays must be separated by white space.' ] }, "values that touch: $case->[0]");
}
is_deeply(outcomes(" \n", '{v}', '{$}', 'r', records => $_), [], "$_: nothing is no record") for qw(objects arrays values);
is_deeply(outcomes($_, '{v}', '{$}', 'r', records => 'document'), [ { error => [ @syntax, 'The input string ended unexpectedly.' ] } ],
	'nothing is no document') for '', " \n\t";
is_deeply(outcomes($_, '{v}', '{}', 'r'), [ { error => [ @syntax, 'The input string ended unexpectedly.' ] } ], "an array without an end:$_") for '[', ' [ ';
is_deeply(outcomes("[{\"v\":1}$_", '{v}', '{}', 't'), [ [ 1 ], { error => [ @syntax, 'The input string ended unexpectedly.' ] } ], "an array cut off: " . s/\n/ newline/r) for '', "\n", ',', ', ';
is_deeply(outcomes("[{\"v\":1}$_->[0]\n{\"v\":2}", '{v}', '{}', 't'), [ [ 1 ], { error => [ @syntax, $_->[1] ] } ], "an array with $_->[0]")
  for [ ',]', 'Expected JSON value, but found "]".' ], [ '{}]', 'Expected "," or "]", but found "{".' ], [ '}', 'Expected "," or "]", but found "}".' ],
	[ ' 1]', 'Expected "," or "]", but found "1".' ], [ 'tru]', 'Token "tru" is invalid.' ], [ ',,', 'Expected JSON value, but found ",".' ],
	[ ',{]', 'Expected string or "}", but found "]".' ], [ ' "x', "Character with value 0x0a must be escaped." ];
is_deeply(outcomes($_, '{v}', '{}', 't')->[-1], { error => [ @syntax, 'Expected JSON value, but found "]".' ] }, "a bracket too many: $_") for ']', '[]]', '[{}] ]', '{}]';

# A document is right, or wrong for the same reason, as for the type json.
{
	my @docs = ((map { mutate(pick(@whole)) } 1 .. 1500), (map { random_value(0) } 1 .. 300), (map { mutate(random_value(1)) } 1 .. 500), '', ' ', '{} x', '{}{}',
		'1 2', '[] "', "{}\n\n", '{} tru', '{} }', '[1]]', '"x" ');
	my $exact = psql('SHOW server_version_num') < 170000;
	my @bad;

	while (my @some = splice @docs, 0, 500)
	{
		push @bad, split /\n/, psql("SELECT to_json(ARRAY[doc, v::text, r::text]) FROM (VALUES " . join(",\n", map { '(' . lit($_) . ')' } @some) . ') d(doc),'
			. q{ LATERAL (SELECT unit.verdict(doc) v) x, LATERAL (SELECT piece, unit.json_read_as(convert_to(doc, 'UTF8'), '{x}', '{$}', 'r', piece, 3, false, 1000000) r}
			. q{ FROM unnest('{1,3,4096}'::int[]) piece) y WHERE array_length(r, 1) IS DISTINCT FROM 1 OR (v = '{ok}') <> (r[1][2] = 'ok') OR}
			. q{ (v = '{ok}' AND trim(E' \n\r\t' FROM doc) IS DISTINCT FROM r[1][9])}
			. ($exact ? q{ OR (v <> '{ok}' AND length(r[1][5]) < 100 AND ARRAY[r[1][3], r[1][4], r[1][5]] IS DISTINCT FROM v)} : ''));
	}
	ok(!@bad, 'documents') or diag(map { substr($_, 0, 600) . "\n" } @bad[ 0 .. ($#bad > 4 ? 4 : $#bad) ]);
}

#-------------------------------------------------------------------------
# The size of a record
#-------------------------------------------------------------------------

my @too_long = ('54000', 'JSON record is too long');
for my $mode (qw(objects arrays values document))
{
	my $row = $mode eq 'arrays' ? '["12345",6]' : '{"a":"12345"}';
	my $size = length $row;
	my @how = ('{v}', '{$}', 'r', records => $mode);

	is_deeply(outcomes($row, @how, max => $size), [ [ $row ] ], "$mode: a record of just the allowed size");
	is_deeply(outcomes($row, @how, max => $size - 1), [ { error => [ @too_long, "The limit is @{[ $size - 1 ]} bytes.", 'Raise the option max_record_size.' ] } ],
		"$mode: one byte more");
	next if $mode eq 'document';
	is_deeply(outcomes("$row\n" x 20, @how, max => $size), [ ([ $row ]) x 20 ], "$mode: many of these");
	is_deeply(outcomes('[' . ' ' x 100 . join(' , ', ($row) x 20) . ']', @how, max => $size), [ ([ $row ]) x 20 ], 'also within an array') if $mode eq 'objects';
}
is_deeply(outcomes('[{"a":1}, {"a":"' . 'x' x 50 . '"}]', '{a}', '{}', 't', max => 20), [ [ 1 ], { error => [ @too_long, 'The limit is 20 bytes.', 'Raise the option max_record_size.' ] } ],
	'an element that is too long');
is_deeply(outcomes('123 45678', '{a}', '{$}', 't', records => 'values', max => 5), [ [ 123 ], [ 45678 ] ], 'a number that ends with the file');

# Lines and offsets of every record cost no more than a pass over the bytes.
{
	my ($rows, $line, $offset, $seconds) = split /[|]/, psql(q{WITH t AS MATERIALIZED (SELECT clock_timestamp() began), r AS MATERIALIZED
		(SELECT unit.json_read_as(convert_to(repeat(E'{"a":1}\n', 150000), 'UTF8'), '{a}', '{}', 't', 2000000, 0, false, 100) r FROM t)
		SELECT array_length(r, 1), r[150000][1], r[150000][7], extract(epoch FROM clock_timestamp() - began) FROM r, t});

	is("$rows $line $offset", '150000 150000 ' . 149999 * 8, 'lines and offsets of many records');
	cmp_ok($seconds, '<', 5, 'in linear time');
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

		$oracle{ $row->{file} } = $row;
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
			fail("$file is no text, but a verdict is known") if $oracle{$file}{json} eq 'ok';
			next;
		}
		push @docs, $text, qq({"v":$text}), qq({"a":$text});
		push @verdicts, [ $file, $text, $oracle{$file}{json}, $oracle{$file}{jsonb} ];
	}
	cmp_ok(scalar @verdicts, '>', 250, sprintf 'JSONTestSuite: %d files, and %d that are not text',
		scalar @verdicts, $not_text);
	agrees('JSONTestSuite as they are, and as a value', 1, @docs);

	# As one value of json, which is then given to jsonb.  As values and arrays
	# texts may follow one another; apart from that the verdict is the same.
	my @wrong;
	while (my @some = splice @verdicts, 0, 50)
	{
		my $values = join ",\n", map { '(' . join(', ', map { lit($_) } @$_) . ')' } @some;

		push @wrong, split /\n/, psql("WITH v(file, doc, json, jsonb) AS (VALUES $values), r AS (SELECT *, unit.json_read_as(convert_to(doc, 'UTF8'),"
			  . " '{x}', '{\$}', 'r', piece, mode, false, 1000000) r FROM v, unnest('{1,3,1000000}'::int[]) piece, generate_series(1, 3) mode)"
			  . " SELECT file || ' mode ' || mode FROM r, LATERAL (SELECT array_length(r, 1) IS NOT DISTINCT FROM 1 AND (r[1][2] = 'ok' OR r[1][3] = '22P04')) y(one)"
			  . " WHERE mode < 3 AND (json = 'ok') <> one"
			  . " OR mode = 3 AND ((json = 'ok') <> one OR r[1][9] IS NOT NULL AND (unit.jsonb_verdict(r[1][9]))[1] <> split_part(jsonb, ' ', 1))");
	}
	is_deeply(\@wrong, [], 'the verdicts on record');
}

psql('SET client_min_messages = warning; DROP SCHEMA unit CASCADE');
done_testing();
