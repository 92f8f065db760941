#-------------------------------------------------------------------------
#
# 072_redshift_dialect.pl
#		Files as Redshift's COPY reads them: records, values, and its words for
#		what is wrong.
#
# Each case is a file, options, the columns of a table, and the rows that must
# come of it, whatever the size of the pieces in which it is read.  A row that is
# bad has its line, err_code, column and err_reason as stl_load_errors has them.
# What Redshift's documentation shows is told with data of its own.
#
# IDENTIFICATION
#		test/t/072_redshift_dialect.pl
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
my @piece_sizes = (1, 2, 3, 7, 64, 65, 4096);
my $pieces = join ',', @piece_sizes;

psql(<<"END");
CREATE FUNCTION unit_redshift(data bytea, options text[], rel regclass, piece int)
	RETURNS SETOF text[] AS $lib LANGUAGE c;
CREATE FUNCTION unit_lines(data bytea, options text[], columns text[], needed bool[],
	middle text, header text[], piece int, places bool) RETURNS SETOF text[]
	AS $lib LANGUAGE c;
CREATE TABLE results (id int, piece int, ord bigint, row text[]);
CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0);
CREATE DOMAIN holiday AS date CHECK (VALUE > '2000-01-01');
SET client_min_messages = error;
END

my @cases;

# add($name, [options], 'columns', $data, [row...]...)
sub add
{
	my ($name, $options, $columns, $data, @rows) = @_;

	push @cases, { name => $name, options => $options, columns => $columns, data => $data,
		rows => \@rows };
}

sub ok_row { return [ 'ok', @_ ] }

sub bad_row
{
	my ($line, $code, $column, $reason) = @_;

	return [ 'bad', $line, $code, $column, $reason ];
}

sub show
{
	my ($rows) = @_;

	return join "\n", map { join '|', map { defined $_ ? "<$_>" : 'NULL' } @$_ } @$rows;
}

sub array
{
	return 'ARRAY[' . join(',', map { defined $_ ? lit($_) : 'NULL' } @_) . ']::text[]';
}

# Run the cases added so far, and compare.
sub run_cases
{
	my (%opts) = @_;
	my $sql = "SET client_encoding = 'UTF8';\n" . ($opts{set} || '');

	for my $i (0 .. $#cases)
	{
		my $case = $cases[$i];
		my $hex = unpack 'H*', $case->{data};

		$sql .= "CREATE TEMP TABLE t$i ($case->{columns});\n"
		  . "INSERT INTO results SELECT $i, p, t.ord, t.row FROM unnest(ARRAY[$pieces]) p, "
		  . "unit_redshift('\\x$hex', " . array(@{ $case->{options} })
		  . ", 't$i', p) WITH ORDINALITY AS t(row, ord);\n";
	}
	psql("TRUNCATE results;\n$sql");

	my @got = split /\n/, psql(<<'END');
SELECT id || ' ' || piece || ' ' || coalesce((SELECT string_agg(coalesce(encode(convert_to(x, 'UTF8'), 'hex'), 'null'), ' ' ORDER BY n)
	FROM unnest(row) WITH ORDINALITY u(x, n)), '')
FROM results ORDER BY id, piece, ord;
END
	my %results;
	for (@got)
	{
		my ($id, $piece, @fields) = split / /, $_, -1;

		push @{ $results{$id}{$piece} },
		  [ map { $_ eq 'null' ? undef : pack('H*', $_) } @fields ];
	}
	for my $i (0 .. $#cases)
	{
		my $case = $cases[$i];
		my $want = show($case->{rows});
		my @differ = grep { show($results{$i}{$_} || []) ne $want } @piece_sizes;

		ok(!@differ, $case->{name})
		  or diag("in pieces of @differ:\n" . show($results{$i}{ $differ[0] } || [])
			  . "\nwanted:\n$want");
	}
	@cases = ();
}

#-------------------------------------------------------------------------
# Delimited text
#-------------------------------------------------------------------------

my $ab = 'a int, b text';
my $not_found = 'Delimiter not found';
my $extra = 'Extra column(s) found';
my $open = 'Delimited value missing end quote';
my $stray = 'Invalid quote formatting for CSV';

add('plain text: nothing is special but the delimiter', [], $ab,
	"1|x\\ty\n2|\"q\"\n3|\\N\n4|\\.\n\\.|x\n5|it's\n",
	ok_row(1, 'x\\ty'), ok_row(2, '"q"'), ok_row(3, undef), ok_row(4, '\\.'),
	bad_row(5, 1207, 'a', "Invalid digit, Value '\\', Pos 0, Type: Integer"),
	ok_row(5, "it's"));
add('line ends: LF, CR LF, none at the end; a CR alone is data', [], $ab,
	"1|a\r\n2|b\n3|c\rd\n4|e", ok_row(1, 'a'), ok_row(2, 'b'), ok_row(3, "c\rd"), ok_row(4, 'e'));
add('a CR before the end of the file is dropped', [], $ab, "1|a\r", ok_row(1, 'a'));
add('an empty file', [], $ab, '');
add('missing and extra fields', [], $ab, "1\n2|b|c\n3|d\n\n4|e\n",
	bad_row(1, 1214, undef, $not_found), bad_row(2, 1202, undef, $extra), ok_row(3, 'd'),
	bad_row(4, 1214, undef, $not_found), ok_row(4, 'e'));
add('a delimiter behind the last field', [], $ab, "1|a|\n2|b||\n3||\n",
	ok_row(1, 'a'), bad_row(2, 1202, undef, $extra), ok_row(3, ''));
add('other delimiters', [ delimiter => "\t" ], $ab, "1\ta|b\n2\t\n", ok_row(1, 'a|b'), ok_row(2, ''));
add('a delimiter that is a control character', [ delimiter => "\x01" ], $ab, "1\x01a\n", ok_row(1, 'a'));
add('a delimiter of several bytes', [ delimiter => '||' ], $ab, "1||a|b\n2|x\n",
	ok_row(1, 'a|b'), bad_row(2, 1214, undef, $not_found));
add('lines at the beginning are skipped', [ skip_lines => 2 ], $ab, "x\ny|z|1\n1|a\n", ok_row(1, 'a'));
add('more lines are to be skipped than there are', [ skip_lines => 3 ], $ab, "x\ny|z|1\n");
add('blank lines', [ ignore_blank_lines => 'true' ], $ab, "\n1|a\n\r\n\n2|b\n \n",
	ok_row(1, 'a'), ok_row(2, 'b'), bad_row(6, 1214, undef, $not_found));
add('a blank line of one column is a value', [], 'b text', "a\n\nb\n",
	ok_row('a'), ok_row(''), ok_row('b'));
add('text of NULL', [ null => 'nil' ], $ab, "nil|nil\n1|\\N\n2|nils\n",
	ok_row(undef, undef), ok_row(1, '\\N'), ok_row(2, 'nils'));
add('an empty text of NULL', [ null => '' ], $ab, "1|\n|x\n", ok_row(1, undef), ok_row(undef, 'x'));
add('too long a line is bad, and no more than it', [ max_record_size => 10 ], $ab,
	"1|abcdefghijklmnop\n2|b\n3|12345678\n4|123456789\n",
	bad_row(1, 1216, undef, 'Record is longer than 10 bytes'), ok_row(2, 'b'), ok_row(3, '12345678'),
	bad_row(4, 1216, undef, 'Record is longer than 10 bytes'));

# NUL
add('NUL ends a record', [], $ab, "1|ab\0cd|x\n2|\0\n3\0|x\n4|d\n",
	ok_row(1, 'ab'), ok_row(2, ''), bad_row(3, 1214, undef, $not_found), ok_row(4, 'd'));
add('NUL stands for NULL', [ null_is_nul => 'true' ], $ab, "1|\0\n\0|a\n3|b\0\n4|b\0c\n5|\\N\n",
	ok_row(1, undef), ok_row(undef, 'a'), ok_row(3, 'b'),
	bad_row(4, 1218, undef, 'Invalid null byte - field longer than 1 byte'), ok_row(5, '\\N'));

# ESCAPE
add('escapes: newline, backslash, delimiter', [ escape => 'true' ], $ab,
	"1|The first line\\\nand the second.\n2|C\\\\D\\\\E\n3|x \\| y \\| z\n4|\\012\\x41\\n\n",
	ok_row(1, "The first line\nand the second."), ok_row(2, 'C\\D\\E'), ok_row(3, 'x | y | z'),
	ok_row(4, '012x41n'));
add('escapes: NULL, escaped or not', [ escape => 'true' ], $ab, "1|\\N\n2|\\\\N\n3|\\\\\\N\n",
	ok_row(1, undef), ok_row(2, undef), ok_row(3, '\\N') );
add('escapes: only the default text of NULL may be escaped', [ escape => 'true', null => 'N' ], $ab,
	"1|N\n2|\\N\n", ok_row(1, undef), ok_row(2, 'N'));
add('escapes and CR LF', [ escape => 'true' ], $ab, "1|a\\\r\\\nb\r\n2|a\\\\\r\n3|a\\\r\n4|b\n",
	ok_row(1, "a\r\nb"), ok_row(2, 'a\\'), ok_row(3, "a\r"), ok_row(4, 'b'));
add('an escape at the end of the file', [ escape => 'true' ], $ab, "1|a\\", ok_row(1, 'a'));
add('escaped newlines count as lines', [ escape => 'true' ], $ab, "1|a\\\nb\nx|c\n",
	ok_row(1, "a\nb"), bad_row(3, 1207, 'a', "Invalid digit, Value 'x', Pos 0, Type: Integer"));

# REMOVEQUOTES
my @quotes = (remove_quotes => 'true');
add('quotes around fields', \@quotes, $ab,
	"1|\"The delimiter is a pipe (|) character\"\n2|'Red'\n3|\"Green\"\n4|Grey'\n5|' ''Red' ''\n6|' '\n7|''\n8|\"it's\"\n",
	ok_row(1, 'The delimiter is a pipe (|) character'), ok_row(2, 'Red'), ok_row(3, 'Green'),
	ok_row(4, "Grey'"), ok_row(5, " ''Red' '"), ok_row(6, ' '), ok_row(7, ''), ok_row(8, "it's"));
add('a quote that is not closed', \@quotes, $ab, "1|'Red\n2|\"Green\n3|'Blue'\n4|\"Grey'\n5|e\n",
	bad_row(1, 1216, undef, $open), bad_row(2, 1216, undef, $open), ok_row(3, 'Blue'),
	bad_row(4, 1216, undef, $open), ok_row(5, 'e'));
add('a newline in quotes', \@quotes, 'a int, b text, c text',
	"1|\"a\nb|c\n\nd\"|x\n2|'e\r\nf'|\"g\nh\"\r\nz|3|4\n",
	ok_row(1, "a\nb|c\n\nd", 'x'), ok_row(2, "e\r\nf", "g\nh"),
	bad_row(8, 1207, 'a', "Invalid digit, Value 'z', Pos 0, Type: Integer"));
add('an apostrophe does not swallow the lines behind it', \@quotes, $ab,
	"1|'tis\n2|x\n3|boss'\n", bad_row(1, 1216, undef, $open), ok_row(2, 'x'), ok_row(3, "boss'"));
add('escapes and quotes', [ escape => 'true', @quotes ], $ab,
	"1| 'A Winter\\'s Tale'\n2|\"\\\"a\\\"\"\n3|\\'b\\'\n4|\"c\\\nd\"\n5|'e\\|f|g'\n",
	ok_row(1, "A Winter's Tale"), ok_row(2, '"a"'), ok_row(3, "'b'"), ok_row(4, "c\nd"),
	ok_row(5, 'e|f|g'));
add('NULL in quotes is text', \@quotes, $ab, "1|\"\\N\"\n2|\\N\n", ok_row(1, '\\N'), ok_row(2, undef));
add('a value in quotes of a number', \@quotes, $ab, "\"1\"|a\n' 2 '|b\n", ok_row(1, 'a'), ok_row(2, 'b'));

# FILLRECORD, EMPTYASNULL
my $four = 'a char(6), b varchar(6), c int, d text';
add('missing fields: NULL, or empty strings', [ fill_record => 'true' ], $four,
	"apple\n||1\nx|y|2|z\nx|y|2|z|w\n",
	ok_row('apple ', '', undef, ''), ok_row('      ', '', 1, ''), ok_row('x     ', 'y', 2, 'z'),
	bad_row(4, 1202, undef, $extra));
add('missing fields with EMPTYASNULL', [ fill_record => 'true', empty_as_null => 'true' ], $four,
	"apple\n||1\n", ok_row('apple ', undef, undef, undef), ok_row(undef, undef, 1, undef));
add('missing fields with an empty text of NULL', [ fill_record => 'true', null => '' ], $four,
	"apple\n", ok_row('apple ', undef, undef, undef));
add('missing fields of CSV', [ format => 'csv', fill_record => 'true' ], $four, "apple\n",
	ok_row('apple ', '', undef, ''));

#-------------------------------------------------------------------------
# CSV
#-------------------------------------------------------------------------

my @csv = (format => 'csv');
add('CSV: quotes, doubled quotes, blanks around quotes', \@csv, $ab,
	"1,\"A \"\"quoted\"\" word\"\n2, \"b\" \n\"3\"\t, \"c,d\"\r\n4,e f \n5,\"\"\"\"\n",
	ok_row(1, 'A "quoted" word'), ok_row(2, 'b'), ok_row(3, 'c,d'), ok_row(4, 'e f '), ok_row(5, '"'));
add('CSV: a delimiter that is white space', [ @csv, delimiter => "\t" ], $ab,
	"1\t\"a\tb\"\t\n2\t\"c\"\n3\t \"d\"\n",
	bad_row(1, 1202, undef, $extra), ok_row(2, 'c'), ok_row(3, 'd'));
add('CSV: another quote', [ @csv, quote => '%' ], $ab, "1,%a%%b,\"%\n2,\"c\"\n",
	ok_row(1, 'a%b,"'), ok_row(2, '"c"'));
add('CSV: quoted newlines', \@csv, 'a int, b text, c text',
	"1,\"x\r\ny\",\"z\n\"\n2,\"\n\n\",\"\"\"\n\"\n3,\"a\nb\"\n4,c,d\n",
	ok_row(1, "x\r\ny", "z\n"), ok_row(2, "\n\n", "\"\n"), bad_row(8, 1214, undef, $not_found),
	ok_row(4, 'c', 'd'));
add('CSV: quotes out of place are a bad line each', \@csv, $ab,
	"1,a\"b\n2,\"c\"d\n3,\"e\n4,f\n5,\"g\",\n6,\"h\n7,\"i\"\n8,j\n",
	bad_row(1, 1216, undef, $stray), bad_row(2, 1216, undef, $stray), bad_row(3, 1216, undef, $open),
	ok_row(4, 'f'), bad_row(5, 1202, undef, $extra), bad_row(6, 1216, undef, $open),
	ok_row(7, 'i'), ok_row(8, 'j'));
add('CSV: empty fields', \@csv, 'a int, b text, c varchar(3), d char(2)', ",,,\n\"\",\"\",\"\",\"\"\n",
	ok_row(undef, '', '', '  '), ok_row(undef, '', '', '  '));
add('CSV: empty fields with EMPTYASNULL', [ @csv, empty_as_null => 'true' ],
	'a int, b text, c varchar(3), d char(2)', ",,,\n\"\",\"\",\"\",\"\"\n",
	ok_row(undef, undef, undef, undef), ok_row(undef, '', '', '  '));
add('CSV: NULL', \@csv, $ab, "\\N,\\N\n1,\"\\N\"\n", ok_row(undef, undef), ok_row(1, '\\N'));
add('CSV: NUL', \@csv, $ab, "1,a\0b,c\n2,\"x\0\"\n3,y\n",
	ok_row(1, 'a'), bad_row(2, 1216, undef, $open), ok_row(3, 'y'));
add('CSV: the guide\'s categories', [ @csv, skip_lines => 1 ],
	'catid int, catgroup varchar(12), catname varchar(12), catdesc varchar(50)',
	"id,group,name,description\n"
	  . "21,\"Shows\",Magic,\"All \"\"conjurers\"\" and tricks\"\n22,Concerts,Jazz,\"All jazz, \nold and new\"\n",
	ok_row(21, 'Shows', 'Magic', 'All "conjurers" and tricks'),
	ok_row(22, 'Concerts', 'Jazz', "All jazz, \nold and new"));

#-------------------------------------------------------------------------
# Fixed width
#-------------------------------------------------------------------------

my @fixed = (format => 'fixed', fixedwidth => 'a:3,b:6,c:2');
add('fixed width', \@fixed, 'a int, b text, c char(2)',
	"1  abcdefNY\n 2 ab    CA\r\n    x     \n4  a|\"b\\c  \n\n5  \xc3\xa4\xe2\x82\xac    NV\n",
	ok_row(1, 'abcdef', 'NY'), ok_row(2, 'ab    ', 'CA'), ok_row(undef, ' x    ', ' 'x2),
	ok_row(4, 'a|"b\\c', '  '), bad_row(5, 1214, undef, $not_found),
	ok_row(5, "\xc3\xa4\xe2\x82\xac    ", 'NV'));
add('fixed width: length of lines', \@fixed, 'a int, b text, c char(2)',
	"1  abcdef\n2  abcdefN\n3  abcdefNYx\n", bad_row(1, 1214, undef, $not_found),
	ok_row(2, 'abcdef', 'N '), bad_row(3, 1202, undef, $extra));
add('fixed width: NULL, and blanks', [ @fixed, blanks_as_null => 'true', null => 'nil' ],
	'a int, b text, c char(2)', "nilnil     \n", ok_row(undef, undef, undef));
add('fixed width: TRIMBLANKS, FILLRECORD', [ @fixed, trim_blanks => 'true', fill_record => 'true' ],
	'a int, b text, c varchar(2)', "1  ab    x \n2  ab\n3\n",
	ok_row(1, 'ab', 'x'), ok_row(2, 'ab', undef), ok_row(3, undef, undef));

run_cases();

#-------------------------------------------------------------------------
# JSON
#-------------------------------------------------------------------------

my @json = (format => 'json');
my $cat = 'catid int, catname varchar(20), note text';
my $value = 'Invalid value.';
my $range = 'Invalid JSONPath format: Not an array or index out of range.';

add('JSON: objects, one after another', \@json, $cat,
	qq({"catid":1,"catname":"Jazz","x":[1]}\n{ "note": null,\n  "catname": "a\\tb\\n\\u00e4",\n "catid": "2" } {"CATID":3}\n{}),
	ok_row(1, 'Jazz', undef), ok_row(2, "a\tb\n\xc3\xa4", undef), ok_row(undef, undef, undef),
	ok_row(undef, undef, undef));
add('JSON: names without regard to case', [ @json, ignore_case => 'true' ], $cat,
	qq({"CatId":1,"CATNAME":"x"}), ok_row(1, 'x', undef));
add('JSON: nested values are text', \@json, $cat,
	qq({"catid":1,"catname":[1, 2],"note":{"a" : true}}\n{"catname":true,"note":1.50}),
	ok_row(1, '[1, 2]', '{"a" : true}'), ok_row(undef, 'true', '1.50'));
add('JSON: commas between objects', \@json, $cat,
	qq({"catid":1},\n{"catid":2}\n, {"catid":3},{"catid":4}),
	ok_row(1, undef, undef), bad_row(1, 1216, undef, $value), ok_row(2, undef, undef),
	bad_row(3, 1216, undef, $value), ok_row(3, undef, undef), bad_row(3, 1216, undef, $value),
	ok_row(4, undef, undef));
add('JSON: arrays are no rows', \@json, $cat, qq([{"catid":1}]\n{"catid":2}\n7\n{"catid":3}),
	bad_row(1, 1216, undef, $value), ok_row(2, undef, undef), bad_row(3, 1216, undef, $value),
	ok_row(3, undef, undef));
add('JSON: behind a fault, the next line', \@json, $cat,
	qq({"catid":1,}\n{"catid":2}\n{"catid":3\n{"catid":4}\n{"catid":5}{"catid":}{"catid":6}\n{"catid":7}\n),
	bad_row(1, 1216, undef, $value), ok_row(2, undef, undef), bad_row(4, 1216, undef, $value),
	ok_row(4, undef, undef), ok_row(5, undef, undef), bad_row(5, 1216, undef, $value),
	ok_row(7, undef, undef));
add('JSON: a faulty object of many lines is one fault', \@json, $cat,
	qq({\n "catid": 1,\n "catname": oops,\n "note":\n  {"a": 1}\n}\n{\n "catid": 2\n}\n),
	bad_row(3, 1216, undef, $value), ok_row(2, undef, undef));
add('JSON: the same, indented', \@json, $cat,
	qq(  {\n   "catid": x,\n   "note": [\n    {"a": 1}]\n  }\n  {\n   "catid": 2\n  }\n),
	bad_row(2, 1216, undef, $value), ok_row(2, undef, undef));
add('JSON: an end too early', \@json, $cat, qq({"catid":1}\n{"catid":2,), ok_row(1, undef, undef),
	bad_row(2, 1216, undef, $value));
add('JSON: the line of an error is the last one of its object', \@json, $cat,
	qq({"catid":\n"x",\n"note":1\n}\n{"catid":1}),
	bad_row(4, 1207, 'catid', "Invalid digit, Value 'x', Pos 0, Type: Integer"),
	ok_row(1, undef, undef));
add('JSON: lines at the beginning are skipped', [ @json, skip_lines => 2 ], $cat,
	qq(# one\n# {"catid":\n{"catid":1}), ok_row(1, undef, undef));
add('JSON: too long an object', [ @json, max_record_size => 40 ], $cat,
	qq({"catid":1}\n{"note":") . ('x' x 60) . qq("}\n{"catid":2}\n),
	ok_row(1, undef, undef), bad_row(2, 1216, undef, 'Invalid value.'), ok_row(2, undef, undef));
add('JSON: EMPTYASNULL, BLANKSASNULL', [ @json, empty_as_null => 'true', blanks_as_null => 'true' ], $cat,
	qq({"catid":"","catname":"","note":"  "}), ok_row(undef, undef, undef));
add('JSON: empty strings', \@json, $cat, qq({"catid":" ","catname":"","note":"  "}),
	ok_row(undef, '', '  '));
add('JSON: a NUL by an escape', \@json, $cat, qq({"note":"a\\u0000b"}\n{"catid":1}),
	bad_row(1, 1218, undef, 'unsupported Unicode escape sequence'), ok_row(1, undef, undef));

my @paths = (@json, map { (path => $_) } q($['catid']), '$.names[1]', '$.x.y');
add('JSON paths: members may be missing, elements not', \@paths, $cat,
	qq({"catid":1,"names":["a","b"],"x":{"y":5}}\n{"names":["a",null]}\n{"names":["a"]}\n{"names":{"1":"b"}}\n)
	  . qq({"catid":2}\n{"names":null,"x":null}\n{"names":[1,2],"x":7}\n{"names":"ab"}\n{"names":[[1],[2]],"x":{}}\n),
	ok_row(1, 'b', '5'), ok_row(undef, undef, undef), bad_row(3, 1216, undef, $range),
	bad_row(4, 1216, undef, $range), ok_row(2, undef, undef), ok_row(undef, undef, undef),
	bad_row(7, 1216, undef, 'Invalid JSONPath format: Member is not an object.'),
	bad_row(8, 1216, undef, $range), ok_row(undef, '[2]', undef));
add('JSON paths: arrays are rows', [ @json, map { (path => "\$[$_]") } 0 .. 2 ], $cat,
	qq([1,"Jazz",{"a":[]}]\n[2, "x",\n null] [3,"y"]\n[4,"z",[],5],[]),
	ok_row(1, 'Jazz', '{"a":[]}'), ok_row(2, 'x', undef), bad_row(3, 1216, undef, $range),
	ok_row(4, 'z', '[]'), bad_row(4, 1216, undef, $value), bad_row(4, 1216, undef, $range));
add('JSON noshred', [ @json, records => 'values', path => '$' ], 'doc jsonb',
	qq({"a": [1, null]}\n{"b": "\xc3\xa4"}), ok_row('{"a": [1, null]}'), ok_row(qq({"b": "\xc3\xa4"})));
add('DynamoDB', [ @json, records => 'dynamodb', ignore_case => 'true' ], $cat,
	qq({"Item":{"CatId":{"N":"7"},"catname":{"S":"x"}}}\n{"a":1}\n{"Item":{"catid":{"S":"y"}}}),
	ok_row(7, 'x', undef), bad_row(2, 1216, undef, 'malformed DynamoDB item'),
	bad_row(3, 1207, 'catid', "Invalid digit, Value 'y', Pos 0, Type: Integer"));

run_cases();

#-------------------------------------------------------------------------
# Values: type, options, text, and the value or [code, reason]
#-------------------------------------------------------------------------

sub digit { return [ 1207, "Invalid digit, Value '$_[0]', Pos $_[1], Type: $_[2]" ] }
sub overflow { return [ $_[2] || 1222, "Overflow, Value '$_[0]', Type: $_[1]" ] }

my $length10 = [ 1205, 'Invalid Date Format - length must be 10 or more' ];
my $bad_date = [ 1205, 'Invalid date format or value [YYYY-MM-DD]' ];
my $bad_stamp = [ 1206, 'Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]' ];
my $bad_auto = [ 1206, 'Invalid timestamp format or value [auto]' ];
my $bool = [ 1210, 'Unknown boolean format' ];
my $ddl = [ 1204, 'String length exceeds DDL length' ];

my @values = (
	# numbers
	[ 'int', '', '12' => 12 ], [ 'int', '', ' -12 ' => -12 ], [ 'int', '', '+7' => 7 ],
	[ 'int', '', '' => undef ], [ 'int', '', "  \t" => undef ], [ 'int', '', 'a' => digit('a', 0, 'Integer') ],
	[ 'int', '', '12.5' => digit('.', 2, 'Integer') ], [ 'int', '', ' 1x' => digit('x', 2, 'Integer') ],
	[ 'int', '', '1 2' => digit(' ', 1, 'Integer') ], [ 'int', '', '-' => digit('-', 0, 'Integer') ],
	[ 'int', '', '0x1' => digit('x', 1, 'Integer') ], [ 'int', '', '1_000' => digit('_', 1, 'Integer') ],
	[ 'int', '', "1\xc3\xa4" => digit("\xc3\xa4", 1, 'Integer') ], [ 'int', '', "1\xff" => digit('?', 1, 'Integer') ],
	[ 'int', '', '2147483647' => 2147483647 ], [ 'int', '', '-2147483648' => -2147483648 ],
	[ 'int', '', '2147483648' => overflow('2147483648', 'Integer') ],
	[ 'int', '', '-2147483649' => overflow('-2147483649', 'Integer') ],
	[ 'int2', '', '32767' => 32767 ], [ 'int2', '', '32768' => overflow('32768', 'Short') ],
	[ 'int2', '', '-32768' => -32768 ], [ 'int2', '', '-32769' => overflow('-32769', 'Short') ],
	[ 'int2', '', 'NULL' => digit('N', 0, 'Short') ],
	[ 'int8', '', '9223372036854775807' => '9223372036854775807' ],
	[ 'int8', '', '-9223372036854775808' => '-9223372036854775808' ],
	[ 'int8', '', '9223372036854775808' => overflow('9223372036854775808', 'Long') ],
	[ 'int8', '', '99999999999999999999' => overflow('99999999999999999999', 'Long') ],
	[ 'even', '', ' 4 ' => 4 ], [ 'even', '', 'x' => digit('x', 0, 'Integer') ],
	[ 'even', '', '' => undef ],
	[ 'numeric(8,2)', '', '20.259' => '20.25' ], [ 'numeric(8,2)', 'round_decimals', '20.259' => '20.26' ],
	[ 'numeric(8,2)', '', '-20.259' => '-20.25' ], [ 'numeric(8,2)', 'round_decimals', '-20.255' => '-20.26' ],
	[ 'numeric(8,2)', '', '2.0259e1' => '20.25' ], [ 'numeric(8,2)', 'round_decimals', '2.0259e1' => '20.26' ],
	[ 'numeric(8,2)', '', '1e3' => '1000.00' ], [ 'numeric(8,2)', '', '1E-5' => '0.00' ],
	[ 'numeric(8,2)', '', '.5' => '0.50' ], [ 'numeric(8,2)', '', '5.' => '5.00' ],
	[ 'numeric(8,2)', '', '1' => '1.00' ], [ 'numeric(8,2)', '', ' 1.239 ' => '1.23' ],
	[ 'numeric(4,0)', '', '12.99' => '12' ], [ 'numeric(4,0)', 'round_decimals', '12.99' => '13' ],
	[ 'numeric(5,2)', '', '999.999' => '999.99' ], [ 'numeric(5,2)', '', '0000000012.5' => '12.50' ],
	[ 'numeric(5,2)', 'round_decimals', '999.999' => overflow('999.999', 'Decimal', 1204) ],
	[ 'numeric(5,2)', '', '1000' => overflow('1000', 'Decimal', 1204) ],
	[ 'numeric(5,2)', '', '1e10' => overflow('1e10', 'Decimal', 1204) ],
	[ 'numeric(5,2)', '', '1e9999999' => overflow('1e9999999', 'Decimal', 1204) ],
	[ 'numeric', '', '1.23456789012345678901' => '1.23456789012345678901' ],
	[ 'numeric(8,2)', '', 'NaN' => digit('N', 0, 'Decimal') ], [ 'numeric(8,2)', '', '1.2.3' => digit('.', 3, 'Decimal') ],
	[ 'numeric(8,2)', '', '1e' => digit('e', 1, 'Decimal') ], [ 'numeric(8,2)', '', '.' => digit('.', 0, 'Decimal') ],
	[ 'numeric(8,2)', '', '$5' => digit('$', 0, 'Decimal') ], [ 'numeric(8,2)', '', '' => undef ],
	[ 'float8', '', ' 1.5e3 ' => '1500' ], [ 'float8', '', 'inf' => digit('i', 0, 'Double') ],
	[ 'float8', '', 'NaN' => digit('N', 0, 'Double') ], [ 'float8', '', '1e400' => overflow('1e400', 'Double', 1204) ],
	[ 'float8', '', '.25' => '0.25' ], [ 'float4', '', '1,5' => digit(',', 1, 'Float') ],
	[ 'float4', '', '' => undef ], [ 'float8', '', '0x10' => digit('x', 1, 'Double') ],

	# booleans
	(map { [ 'bool', '', $_ => 't' ] } 't', 'T', 'true', 'TRUE', 'yes', 'y', 'Y', '1', ' True '),
	(map { [ 'bool', '', $_ => 'f' ] } 'f', 'false', 'No', 'n', '0'),
	[ 'bool', '', '' => undef ], (map { [ 'bool', '', $_ => $bool ] } 'on', 'tr', '2', 'ok'),

	# strings
	[ 'varchar(5)', '', 'abcde' => 'abcde' ], [ 'varchar(5)', '', 'abcdef' => $ddl ],
	[ 'varchar(5)', '', 'abcde  ' => 'abcde' ], [ 'varchar(5)', 'truncate_strings', 'abcdef' => 'abcde' ],
	[ 'varchar(5)', '', "\xc3\xa4\xc3\xa4\xc3\xa4" => $ddl ],
	[ 'varchar(5)', 'truncate_strings', "\xc3\xa4\xc3\xa4\xc3\xa4" => "\xc3\xa4\xc3\xa4" ],
	[ 'char(3)', '', 'abcd' => [ 1204, 'Char length exceeds DDL length' ] ],
	[ 'char(3)', 'truncate_strings', 'abcd' => 'abc' ], [ 'char(3)', '', 'a     ' => 'a  ' ],
	[ 'char(9)', '', "a\xe0\xa1\x87" => [ 1220, 'Multibyte character not supported for CHAR (Hint: Try using VARCHAR). Invalid char: e0 a1 87' ] ],
	[ 'text', '', ' a ' => ' a ' ], [ 'text', 'trim_blanks', " a \t" => ' a' ], [ 'text', 'trim_blanks', '  ' => '' ],
	[ 'text', '', '  ' => '  ' ], [ 'text', 'blanks_as_null', " \t " => undef ], [ 'text', 'blanks_as_null', '' => '' ],
	[ 'text', 'blanks_as_null trim_blanks', '  ' => undef ], [ 'text', 'empty_as_null', '' => undef ],
	[ 'text', 'empty_as_null', ' ' => ' ' ], [ 'varchar(9)', 'trim_blanks', 'a   ' => 'a' ],
	[ 'text', '', "a\xa4b" => [ 1220, 'String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: a4 (error 3)' ] ],
	[ 'text', '', "a\xe2\x82" => [ 1220, 'String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: e2 82 (error 2)' ] ],
	[ 'text', '', "a\xe2x\x82" => [ 1220, 'String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: e2 78 82 (error 4)' ] ],
	[ 'text', '', "\xed\xa0\x80" => [ 1220, 'String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: ed a0 80 (error 5)' ] ],
	[ 'uuid', '', ' 00000000-0000-0000-0000-000000000001 ' => '00000000-0000-0000-0000-000000000001' ],
	[ 'uuid', '', 'x' => [ 1223, 'invalid input syntax for type uuid: "x"' ] ],
	[ 'time', '', '12:30' => '12:30:00' ], [ 'jsonb', '', '{"a":1}' => '{"a": 1}' ],
	[ 'jsonb', '', '{"a":' => [ 1224, 'invalid input syntax for type json' ] ], [ 'jsonb', '', ' ' => undef ],

	# dates, default format
	[ 'date', '', '2019-02-11' => '2019-02-11' ], [ 'date', '', '2019-02-11 05:09:12' => '2019-02-11' ],
	[ 'date', '', '2019-02-11T05:09:12Z' => '2019-02-11' ], [ 'date', '', '2019-2-1' => $length10 ],
	[ 'date', '', 'x' => $length10 ], [ 'date', '', '' => undef ], [ 'date', '', '02/11/2019' => $bad_date ],
	[ 'date', '', '2019-02-30' => $bad_date ], [ 'date', '', '2019-13-01' => $bad_date ],
	[ 'date', '', '0000-00-00' => $bad_date ], [ 'date', '', '2019-02-111' => $bad_date ],
	[ 'date', 'accept_any_date', '02/11/2019' => undef ], [ 'date', 'accept_any_date', '00/00/00 00:00:00' => undef ],
	[ 'holiday', '', '2019-02-11' => '2019-02-11' ], [ 'holiday', '', '' => undef ],

	# bytes
	[ 'bytea', '', '00fF5c' => '\\x00ff5c' ], [ 'bytea', '', ' 6162 ' => '\\x6162' ], [ 'bytea', '', '\\x6162' => '\\x6162' ],
	[ 'bytea', '', '' => undef ], [ 'bytea', '', '616' => [ 1219, 'Invalid hexadecimal value: odd number of digits' ] ],
	[ 'bytea', '', 'abcg' => [ 1219, 'Invalid hexadecimal value' ] ],

	# dates by a format
	[ 'date', 'dateformat=MM-DD-YYYY', '02-11-2019' => '2019-02-11' ],
	[ 'date', 'dateformat=MM/DD/YYYY', '2/1/2019' => '2019-02-01' ],
	[ 'date', 'dateformat=MON-DD-YYYY', 'Jan-01-1999' => '1999-01-01' ],
	[ 'date', 'dateformat=mon dd yyyy', 'September 5 1999' => '1999-09-05' ],
	[ 'date', 'dateformat=YYYYMMDD', '20190211' => '2019-02-11' ],
	[ 'date', 'dateformat=YYYYMMDD', '2019211' => [ 1205, 'Invalid date format or value [YYYYMMDD]' ] ],
	[ 'date', 'dateformat=DD.MM.YY', '11.02.69' => '2069-02-11' ], [ 'date', 'dateformat=DD.MM.YY', '11.02.70' => '1970-02-11' ],
	[ 'date', 'dateformat=YYYY-MM-DD', '19-02-11' => [ 1205, 'Invalid date format or value [YYYY-MM-DD]' ] ],
	[ 'date', 'dateformat=MM/DD/YYYY HH:MI', '02/11/2019 05:09' => '2019-02-11' ],
	[ 'date', 'dateformat=MM/DD/YYYY', '02/11/2019 05:09' => '2019-02-11' ],
	[ 'date', 'dateformat=MM/DD/YYYY accept_any_date', '2019-02-11' => undef ],

	# by 'auto'
	[ 'date', 'dateformat=auto', 'J2451187' => '1999-01-08' ], [ 'date', 'dateformat=auto', '1996.008' => '1996-01-08' ],
	[ 'date', 'dateformat=auto', '19960108' => '1996-01-08' ], [ 'date', 'dateformat=auto', '960108 040809' => '1996-01-08' ],
	[ 'date', 'dateformat=auto', 'Jan-08-95 BC' => '0095-01-08 BC' ], [ 'date', 'dateformat=auto', '1/8/1999' => '1999-01-08' ],
	[ 'date', 'dateformat=auto', '2019-02-11T05:09:12.195Z' => '2019-02-11' ],
	[ 'date', 'dateformat=auto', 'today' => [ 1205, 'Invalid date format or value [auto]' ] ],
	[ 'date', 'dateformat=auto', 'infinity' => [ 1205, 'Invalid date format or value [auto]' ] ],
	[ 'date', 'dateformat=AUTO', '2019-02-11' => [ 1205, 'Invalid date format or value [AUTO]' ] ],
	[ 'timestamp', 'timeformat=auto', 'J2345678 04:05:06.789' => '1710-02-23 04:05:06.789' ],
	[ 'timestamp', 'timeformat=auto', '19960108 040809' => '1996-01-08 04:08:09' ],
	[ 'timestamp', 'timeformat=auto', '960108 040809' => '1996-01-08 04:08:09' ],
	[ 'timestamp', 'timeformat=auto', '1996-01-08 04:05:06.789' => '1996-01-08 04:05:06.789' ],
	[ 'timestamp', 'timeformat=auto', '17 Dec 07:37:16 1997 PST' => '1997-12-17 07:37:16' ],
	[ 'timestamp', 'timeformat=auto', '12/17/1997 07:37:16.00 PST' => '1997-12-17 07:37:16' ],
	[ 'timestamp', 'timeformat=auto', '12.17.1997 07:37:16.00 PST' => '1997-12-17 07:37:16' ],
	[ 'timestamptz', 'timeformat=auto', '1997-12-17 07:37:16-08' => '1997-12-17 15:37:16+00' ],
	[ 'timestamptz', 'timeformat=auto', '12/17/1997 07:37:16.00 PST' => '1997-12-17 15:37:16+00' ],
	[ 'timestamptz', 'timeformat=auto', '2019-02-11T05:09:12.195Z' => '2019-02-11 05:09:12.195+00' ],
	[ 'timestamp', 'timeformat=auto', '2019-02-11' => '2019-02-11 00:00:00' ],
	[ 'timestamp', 'timeformat=auto', '1549861752' => $bad_auto ], [ 'timestamp', 'timeformat=auto', 'now' => $bad_auto ],
	[ 'timestamp', 'timeformat=auto accept_any_date', 'soon' => undef ],

	# timestamps, default format
	[ 'timestamp', '', '2019-02-11 05:09:12' => '2019-02-11 05:09:12' ],
	[ 'timestamp', '', '2019-02-11 05:09:12.195' => '2019-02-11 05:09:12.195' ],
	[ 'timestamp', '', '2019-02-11 05:09:12.1234567' => '2019-02-11 05:09:12.123456' ],
	[ 'timestamp', '', '2019-02-11' => '2019-02-11 00:00:00' ], [ 'timestamp', '', '' => undef ],
	[ 'timestamp', '', '2019-02-11T05:09:12' => $bad_stamp ], [ 'timestamp', '', '2019-02-11 24:00:00' => $bad_stamp ],
	[ 'timestamp', '', '2019-02-11 05:09' => $bad_stamp ], [ 'timestamp', '', '2019-02-11 05:09:12+01' => $bad_stamp ],
	[ 'timestamp(0)', '', '2019-02-11 05:09:12.7' => '2019-02-11 05:09:13' ],
	[ 'timestamptz', '', '2019-02-11 05:09:12' => '2019-02-11 05:09:12+00' ],
	[ 'timestamptz', '', '2019-02-11 05:09:12+01' => '2019-02-11 04:09:12+00' ],
	[ 'timestamptz', '', '2019-02-11 05:09:12.5 -08:30' => '2019-02-11 13:39:12.5+00' ],
	[ 'timestamptz', '', '2019-02-11 05:09:12-8:00' => '2019-02-11 13:09:12+00' ],
	[ 'timestamptz', '', '2019-02-11 05:09:12+0130' => '2019-02-11 03:39:12+00' ],
	[ 'timestamptz', '', '1880-01-01 00:53:28+00:53:28' => '1880-01-01 00:00:00+00' ],
	[ 'timestamptz', '', '2019-02-11 05:09:12+01:00:60' => $bad_stamp ],
	[ 'timestamptz', '', '2019-02-11 05:09:12Z' => '2019-02-11 05:09:12+00' ],
	[ 'timestamptz', '', '2019-02-11 05:09:12 nowhere' => $bad_stamp ],

	# timestamps by a format
	[ 'timestamp', 'timeformat=DD.MM.YYYY HH:MI:SS', '11.02.2019 15:09:12.5' => '2019-02-11 15:09:12.5' ],
	[ 'timestamp', 'timeformat=MM/DD/YY HH12:MI AM', '02/11/19 12:09 am' => '2019-02-11 00:09:00' ],
	[ 'timestamp', 'timeformat=MM/DD/YY HH:MI:SS PM', '02/11/19 3:09:01 PM' => '2019-02-11 15:09:01' ],
	[ 'timestamp', 'timeformat=MON DD,YYYY HH:MI:SS', 'Jul 22,2009 15:04:05' => '2009-07-22 15:04:05' ],
	[ 'timestamp', 'timeformat=YYYY-MM-DDTHH:MI:SS', '2019-02-11T05:09:12' => '2019-02-11 05:09:12' ],
	[ 'timestamp', 'timeformat=YYYY-MM-DDTHH:MI:SS.SSSZ', '2019-02-11T05:09:12.195Z' => '2019-02-11 05:09:12.195' ],
	[ 'timestamp', 'timeformat=YYYYMMDDHH24MISS', '20190211050912' => '2019-02-11 05:09:12' ],
	[ 'timestamp', 'timeformat=HH:MI', '05:09' => [ 1206, 'Invalid timestamp format or value [HH:MI]' ] ],
	[ 'timestamp', 'timeformat=epochsecs', '1549861752' => '2019-02-11 05:09:12' ],
	[ 'timestamp', 'timeformat=epochsecs', '-1.5' => '1969-12-31 23:59:58.5' ],
	[ 'timestamp', 'timeformat=epochmillisecs', '1549861752195' => '2019-02-11 05:09:12.195' ],
	[ 'timestamptz', 'timeformat=epochmillisecs', '0' => '1970-01-01 00:00:00+00' ],
	[ 'timestamp', 'timeformat=epochsecs', '1e9' => [ 1206, 'Invalid timestamp format or value [epochsecs]' ] ],
	[ 'timestamp', 'timeformat=epochsecs', '99999999999999999999' => [ 1206, 'Invalid timestamp format or value [epochsecs]' ] ],
	[ 'timestamp', 'timeformat=EPOCHSECS', '1549861752' => [ 1206, 'Invalid timestamp format or value [EPOCHSECS]' ] ],
	[ 'date', 'timeformat=epochsecs', '2019-02-11' => '2019-02-11' ],
);

# An option's value may hold blanks, as none of its name does.
sub options_of
{
	my ($text) = @_;
	my @options;

	while ($text =~ /(\w+)(?:=(.*?))?(?= [a-z]+_[a-z_]+(?:\s|$)|$| (?=\w+_\w+$))/g)
	{
		push @options, $1, defined $2 ? $2 : 'true' if length $1;
	}
	return @options;
}

for my $set ('', "SET datestyle = 'ISO, DMY';\n")
{
	for (@values)
	{
		my ($type, $options, $text, $want) = @$_;

		add("$type '" . ($text =~ s/[^ -~]/?/gr) . "'" . ($options && " with $options") . ($set && ' in DMY'),
			[ delimiter => "\x01", null => '\\N', options_of($options) ],
			"x $type, y text", "$text\x01end\n",
			ref $want ? bad_row(1, $want->[0], 'x', $want->[1]) : ok_row($want, 'end'));
	}
	run_cases(set => "SET timezone = 'UTC';\n$set");
}

#-------------------------------------------------------------------------
# Bytes that are no text
#-------------------------------------------------------------------------

my $replaced = sub { return [ 'repaired', $_[0], 1220, $_[1], 'Invalid UTF8 codepoints were replaced' ] };

add('invalid characters are replaced byte by byte', [ replacement => '^' ],
	'a int, b varchar(8), c text', "1|a\xe2\x82\xffb|\xc3\xa4\n2|x|\xed\xa0\x80\n\xff|x|y\n",
	$replaced->(1, 'b'), ok_row(1, 'a^^^b', "\xc3\xa4"), $replaced->(2, 'c'), ok_row(2, 'x', '^^^'),
	bad_row(3, 1207, 'a', "Invalid digit, Value '?', Pos 0, Type: Integer"));
add('an invalid character spoils its own row', [], $ab, "1|a\n2|\xff\n3|c\n", ok_row(1, 'a'),
	bad_row(2, 1220, 'b', 'String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: ff (error 3)'),
	ok_row(3, 'c'));
add('invalid characters in JSON', [ format => 'json', replacement => '?' ], $ab,
	qq({"a":1,"b":"x\xffy"}\n{"a":2,"\xff":1,"b":"z"}\n), $replaced->(1, 'b'), ok_row(1, 'x?y'),
	ok_row(2, 'z'));
add('invalid characters in JSON without replacement', [ format => 'json', ignore_case => 'true' ], $ab,
	qq({"a":1,"b":"x\xffy"}\n{"A":2,"\xff":1,"B":"z"}\n{"a":\xff}\n{"a":3}\n),
	bad_row(1, 1220, 'b', 'String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: ff (error 3)'),
	ok_row(2, 'z'), bad_row(3, 1216, undef, $value), ok_row(3, undef));
run_cases();

#-------------------------------------------------------------------------
# Other readers are as before: bytes that are no text end the file
#-------------------------------------------------------------------------

my (undef, $err) = psql_err(
	"SELECT unit_lines('\\x317c610a327cff0a', '{format,text,delimiter,|}', '{a,b}', NULL, NULL, NULL, 100, false)");
like($err, qr/22021: invalid byte sequence/, 'without these rules, bytes that are no text are an error');

done_testing();
