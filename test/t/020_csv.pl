#-------------------------------------------------------------------------
#
# 020_csv.pl
#		The CSV reader and writer against the server's own COPY.
#
# The same bytes are read by COPY and by the reader, the latter in pieces of
# several sizes: rows, or SQLSTATE, message and hint of the error must agree.
#
#	S3_TEST_CSV_CASES	how many random files (default 6000)
#	S3_TEST_SEED		seed of the random files (default 1)
#
# IDENTIFICATION
#		test/t/020_csv.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use JSON::PP ();
use S3Test;
use Test::More;

plan skip_all => 'no unit test module' if !defined unit_lib();

my $lib = lit(unit_lib());
my $tmp = server_tmp();
my $random_cases = $ENV{S3_TEST_CSV_CASES} || 6000;
my $seed = defined $ENV{S3_TEST_SEED} ? $ENV{S3_TEST_SEED} : 1;
my @piece_sizes = (1, 2, 3, 7, 64, 65, 4096);
my $version = psql('SHOW server_version_num');

srand($seed);

my $read_args = 'data bytea, delimiter text, quote text, escape text, "null" text,'
  . ' header text, columns text[], needed bool[], force_not_null bool[],'
  . ' force_null bool[], piece int, encoding text';

psql(<<"END");
CREATE FUNCTION unit_csv_read($read_args) RETURNS SETOF text[] AS $lib LANGUAGE c;
CREATE FUNCTION unit_csv_trace($read_args) RETURNS SETOF text[] AS $lib LANGUAGE c;
CREATE FUNCTION unit_csv_write(fields text[], columns text[], delimiter text,
	quote text, escape text, "null" text, header text, force_quote bool[],
	numbers bool) RETURNS bytea AS $lib LANGUAGE c;
CREATE FUNCTION unit_csv_long(bytes bigint, quoted bool) RETURNS text AS $lib LANGUAGE c;
CREATE FUNCTION unit_csv_scan(data bytea) RETURNS bool AS $lib LANGUAGE c STRICT;
CREATE FUNCTION unit_text(data bytea, encoding text, piece int) RETURNS bytea[]
	AS $lib LANGUAGE c;
CREATE TABLE cases (id int, path text, ncolumns int, delimiter text, quote text,
	escape text, "null" text, header text, force_not_null bool[],
	force_null bool[], needed bool[], encoding text);

-- What COPY makes of a file.
CREATE FUNCTION copy_rows(c cases) RETURNS text LANGUAGE plpgsql AS \$\$
DECLARE
	names text[] := (ARRAY['a', 'b', 'c', 'd'])[:c.ncolumns];
	options text;
	forced text;
	result text;
	code text;
	message text;
	hint text;
BEGIN
	options := format('format csv, delimiter %L, quote %L, escape %L, null %L, header %s, encoding %L',
		c.delimiter, c.quote, c.escape, c."null", c.header, c.encoding);
	SELECT string_agg(n, ',') INTO forced
		FROM unnest(names, c.force_not_null[:c.ncolumns]) AS u(n, f) WHERE f;
	options := options || coalesce(', force_not_null (' || forced || ')', '');
	SELECT string_agg(n, ',') INTO forced
		FROM unnest(names, c.force_null[:c.ncolumns]) AS u(n, f) WHERE f;
	options := options || coalesce(', force_null (' || forced || ')', '');
	EXECUTE format('COPY pg_temp.t%s %s FROM %L (%s)', c.ncolumns,
		'(' || nullif(array_to_string(names, ','), '') || ')', c.path, options);
	EXECUTE format(
		'WITH gone AS (DELETE FROM pg_temp.t%1\$s RETURNING %3\$s AS place, ARRAY[%2\$s]::text[] AS row) '
		'SELECT string_agg(row::text, E''\\n'' ORDER BY place) FROM gone',
		c.ncolumns, array_to_string(names, ','),
		CASE WHEN c.ncolumns = 0 THEN '0' ELSE 'place' END) INTO result;
	RETURN 'rows: ' || coalesce(result, 'none');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		hint = PG_EXCEPTION_HINT;
	RETURN format('%s: %s (%s)', code, message, hint);
END \$\$;

-- What the reader makes of it: every record with its line.
CREATE FUNCTION reader_trace(c cases, piece int, OUT trace text, OUT result text)
LANGUAGE plpgsql AS \$\$
DECLARE
	names text[] := (ARRAY['a', 'b', 'c', 'd'])[:c.ncolumns];
	data bytea := pg_read_binary_file(c.path);
	bad text[];
	code text;
	message text;
	hint text;
BEGIN
	BEGIN
		SELECT string_agg(r::text, E'\\n' ORDER BY ord),
			string_agg(CASE WHEN r[2] = 'ok' THEN r[3:]::text END, E'\\n' ORDER BY ord),
			((array_agg(r::text ORDER BY ord) FILTER (WHERE r[2] <> 'ok'))[1])::text[]
			INTO trace, result, bad
			FROM unit_csv_trace(data, c.delimiter, c.quote, c.escape, c."null",
				c.header, names, c.needed, c.force_not_null, c.force_null, piece,
				c.encoding) WITH ORDINALITY AS t(r, ord);
		result := 'rows: ' || coalesce(result, 'none');
		IF bad IS NOT NULL THEN
			result := format('%s: %s (%s)', bad[3], bad[4], bad[6]);
		END IF;
	EXCEPTION WHEN OTHERS THEN
		-- Thrown by the source of the text.  Was there a bad record before it?
		trace := SQLSTATE || SQLERRM;
		PERFORM unit_csv_read(data, c.delimiter, c.quote, c.escape, c."null",
			c.header, names, c.needed, c.force_not_null, c.force_null, piece,
			c.encoding);
		result := 'no error';
	END;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		hint = PG_EXCEPTION_HINT;
	result := format('%s: %s (%s)', code, message, hint);
END \$\$;

-- The differences between both.
CREATE FUNCTION compare(c cases) RETURNS SETOF text LANGUAGE plpgsql AS \$\$
DECLARE
	wanted text;
	all_trace text;
	got record;
	whole cases := c;
	names text[] := (ARRAY['a', 'b', 'c', 'd'])[:c.ncolumns];
	data bytea := pg_read_binary_file(c.path);
BEGIN
	wanted := copy_rows(c);
	whole.needed := NULL;
	SELECT * INTO got FROM reader_trace(whole, 1000000);
	all_trace := got.trace;
	IF got.result IS DISTINCT FROM wanted THEN
		RETURN NEXT format(E'case %s (%s columns, delimiter %L quote %L escape %L null %L header %s):\\n%s\\nCOPY: %s\\nread: %s',
			c.id, c.ncolumns, c.delimiter, c.quote, c.escape, c."null", c.header,
			left(data::text, 2000), left(wanted, 1000),
			left(got.result, 1000));
		RETURN;
	END IF;
	FOR got IN SELECT p, t.* FROM unnest(ARRAY[@{[join ',', @piece_sizes]}]) p, reader_trace(whole, p) t LOOP
		IF got.trace IS DISTINCT FROM all_trace OR got.result IS DISTINCT FROM wanted THEN
			RETURN NEXT format(E'case %s in pieces of %s: %s\\nnot: %s\\nof: %s', c.id, got.p,
				left(got.trace, 1000), left(all_trace, 1000),
				left(data::text, 2000));
		END IF;
	END LOOP;

	-- If not all columns are needed, the others are as before.
	BEGIN
		FOR got IN
			SELECT p, x.r AS x, y.r AS y
			FROM unnest(ARRAY[65, 1000000]) p,
				unit_csv_trace(data, c.delimiter, c.quote, c.escape, c."null",
					c.header, names, NULL, c.force_not_null, c.force_null, p,
					NULL) WITH ORDINALITY AS x(r, ord)
				FULL JOIN
				unit_csv_trace(data, c.delimiter, c.quote, c.escape, c."null",
					c.header, names, c.needed, c.force_not_null, c.force_null, p,
					NULL) WITH ORDINALITY AS y(r, ord) USING (ord)
			WHERE y.r IS DISTINCT FROM
				ARRAY(SELECT CASE WHEN x.r[2] <> 'ok' OR i <= 2 OR c.needed[i - 2] THEN x.r[i] END
					FROM generate_series(1, array_length(x.r, 1)) i ORDER BY i)
		LOOP
			RETURN NEXT format(E'case %s with columns %s in pieces of %s: %s\\nnot: %s\\nof: %s',
				c.id, c.needed, got.p, left(got.y::text, 1000), left(got.x::text, 1000), left(data::text, 2000));
		END LOOP;
	EXCEPTION WHEN character_not_in_repertoire THEN
		NULL;
	END;
END \$\$;
END

#-------------------------------------------------------------------------
# Cases
#-------------------------------------------------------------------------

my @cases;

sub write_file
{
	my ($path, $data) = @_;

	open my $fh, '>:raw', $path or die "could not create $path: $!\n";
	print $fh $data;
	close $fh or die "could not write $path: $!\n";
	chmod 0644, $path;
}

# Add a case: bytes, and what differs from a file of two columns in the default
# dialect.
sub add
{
	my ($data, %opts) = @_;
	my $id = @cases;
	my %case = (
		ncolumns => 2,
		delimiter => ',',
		quote => '"',
		null => '',
		header => 'false',
		encoding => 'UTF8',
		force_not_null => [],
		force_null => [],
		needed => [ map { int rand 2 } 1 .. 4 ],
		%opts);

	$case{escape} = $case{quote} if !defined $case{escape};
	write_file("$tmp/$id.csv", $data);
	push @cases, \%case;
}

sub bools
{
	my ($list) = @_;

	return "'{" . join(',', map { $_ ? 't' : 'f' } @$list) . "}'";
}

# Compare all cases added so far, under one name.
sub compare_cases
{
	my ($name) = @_;
	my $sql = '';
	my @bad;
	my $n = @cases;

	my @rows = map {
		my $c = $cases[$_];
		'(' . join(',', $_, lit("$tmp/$_.csv"), $c->{ncolumns},
			map({ lit($c->{$_}) } qw(delimiter quote escape null header)),
			map({ bools($c->{$_}) } qw(force_not_null force_null needed)),
			lit($c->{encoding})) . ')';
	} 0 .. $#cases;
	while (my @batch = splice @rows, 0, 250)
	{
		$sql .= "TRUNCATE cases, t0, t1, t2, t3, t4;\n"
		  . "INSERT INTO cases VALUES " . join(",\n", @batch) . ";\n"
		  . "SELECT d FROM cases c, compare(c) d ORDER BY c.id;\n";
	}
	my $out = psql(<<"END");
SET client_min_messages = error;
SET jit = off;
CREATE TEMP TABLE t0 ();
CREATE TEMP TABLE t1 (a text, place serial);
CREATE TEMP TABLE t2 (a text, b text, place serial);
CREATE TEMP TABLE t3 (a text, b text, c text, place serial);
CREATE TEMP TABLE t4 (a text, b text, c text, d text, place serial);
$sql
END
	is(substr($out, 0, 4000), '', "$name: $n files, each in " . (1 + @piece_sizes) . ' ways');
	unlink map { "$tmp/$_.csv" } 0 .. $#cases;
	@cases = ();
}

#-------------------------------------------------------------------------
# By hand
#-------------------------------------------------------------------------

for my $eol ("\n", "\r", "\r\n")
{
	for my $header ('false', 'true', 'match')
	{
		for my $line (
			'', 'a', 'a,b', 'a,b,c', ',', ',,', '"",""', 'ab"c,d"e,x', '"a""b",c',
			'"a' . $eol . 'b",c', 'x,"', '"', '""', '"""', 'x,"a', '\\.', '\\.,b',
			'a,\\.', '\\.x', '"\\.",b', '"a"b"c",d', ' "a" , b ', 'é,日本', '\\', '\\,b',
			'"x",' . $eol . ',"y"')
		{
			for my $end ('', $eol, "$eol\\.", "$eol\\.$eol", "$eol\\.\r", "$eol\\.\n",
				"$eol\\.\r\r", "$eol\\.\rx", "$eol\\.\r\n", "${eol}x\\.$eol", "${eol}a,b\n", "${eol}a,b\r",
				"${eol}a,b\r\n", "$eol$eol", "$eol,\"\nb\"$eol", "$eol\\.${eol}a,\"b")
			{
				add("a,b$eol$line$end", header => $header)
				  if $header ne 'true' || rand() < 0.2;
				add("$line$end", ncolumns => 1 + int rand 3, header => $header)
				  if rand() < 0.4;
			}
		}
	}
}
compare_cases('by hand');

for my $data ('', "\n", "\r\n\r\n", "\n\n\n", "x\n", '"', "\\.\n", "\r", "a\n", "\n\\.\n", "\n\r")
{
	for my $header ('false', 'true', 'match')
	{
		add($data, ncolumns => $_, header => $header) for 0 .. 3;
	}
}
add("\xef\xbb\xbfa,b\nc,d\n", header => $_) for 'false', 'true', 'match';
add(qq{N,"N"\n"",\nx,NN\n"""N",N\n}, null => 'N', force_null => [0, 1], force_not_null => [1, 0]);
add(qq{N,"N"\n"",\nx,NN\n"""N",N\n}, null => 'N', force_null => [1, 1], force_not_null => [1, 1]);
add(qq{,""\n"",\n}, force_null => [0, 1], force_not_null => [1, 0]);
add(qq{a,b\n}, null => 'a', header => 'match');
add(qq{"a",b\n1,2\n}, header => 'match');
add(qq{A,b\n1,2\n}, header => 'match');
add(qq{a,"b\n1,2\n}, header => $_) for 'true', 'match';
add(qq{a,"b\nb"\n1,2\n}, header => $_) for 'true', 'match';
add("a,b\n" . ('x' x 70000) . ',"' . ("y\"\"\n" x 30000) . "\"\n1,2\n");

# The first line end around the end of a block, and of a window.
for my $len (62 .. 66, 4093 .. 4098)
{
	add(('x' x $len) . $_ . "a,b$_", ncolumns => 1), add(('x' x $len) . $_ . "a$_", ncolumns => 1)
	  for "\n", "\r\n", "\r";
}
add("a,b\n\x00,c\n");
add("a,b\nc\nd\xff\n");
add("a,b\nc,d\xe2\x82");
add("a,b\nc,d\xe2\x82\n");
add("a,b\nc,\xed\xa0\x80\n");
add("a,b\nc,\xf0\x9f\x98\x80\n\\.\n\xff");
add("a,b\nc,\xe9\n", encoding => 'LATIN1');
add("a,b\nc,\x81\n", encoding => 'WIN1252');
add("a,b\n\x83\x5c,\x93\xfa\x96{\n", encoding => 'SJIS');
add("a,b\n\x83,b\n", encoding => 'SJIS');
add("a,b\nc,\x83", encoding => 'SJIS');
add("a,b\n" . ("\xc6\xfc\xcb\xdc,\"\xb8\xec\n\"\n" x 9000) . "\xc6", encoding => 'EUC_JP');
add("a,b\n" . ("\x81\x30\x81\x30,\xc4\xe3\n" x 3000), encoding => 'GB18030');
compare_cases('special cases');

#-------------------------------------------------------------------------
# Published files
#-------------------------------------------------------------------------

SKIP:
{
	my $dir = corpora();
	my @files;

	skip 'no corpora beside the project', 3 if !defined $dir || !-d "$dir/csv";

	for my $path (sort glob "$dir/csv/csv-spectrum/csvs/*.csv")
	{
		my $data = slurp($path);
		my ($first) = $data =~ /^([^\r\n]*)/;
		my $ncolumns = 1 + ($first =~ tr/,//);

		# Some are not UTF-8, and one has more columns than the tables here.
		add($data, ncolumns => $ncolumns > 4 ? 4 : $ncolumns, header => $_,
			encoding => $data =~ /[\x80-\xff]/ && $path !~ /utf8/ ? 'LATIN1' : 'UTF8')
		  for 'false', 'true', 'match';
	}
	compare_cases('csv-spectrum');

	for my $path (sort glob "$dir/csv/postgres-file_fdw/data/*")
	{
		my $data = slurp($path);

		for my $ncolumns (1 .. 4)
		{
			add($data, ncolumns => $ncolumns, delimiter => $_, header => 'false'),
			  add($data, ncolumns => $ncolumns, delimiter => $_, header => 'true',
				null => 'NULL', force_null => [1, 1, 1, 1])
			  for ',', ';', '@', "\t";
			add($data, ncolumns => $ncolumns, delimiter => ';', quote => '@', escape => '"');
		}
	}
	compare_cases('data of file_fdw');

	my $papa = JSON::PP->new->utf8->decode(slurp("$dir/csv/papaparse/cases.json"));

	for my $case (@{ $papa->{core_parse} }, @{ $papa->{parse} })
	{
		my $config = $case->{config} || {};
		my $data = $case->{input};
		my $delimiter = $config->{delimiter};
		my $quote = defined $config->{quoteChar} ? $config->{quoteChar} : '"';
		my $escape = defined $config->{escapeChar} ? $config->{escapeChar} : $quote;

		next if ref $data || !defined $data;
		$delimiter = ',' if !defined $delimiter || ref $delimiter || $delimiter eq '';
		next if grep { length ne 1 || /[^\x01-\x7f]/ } $delimiter, $quote, $escape;
		next if $delimiter eq $quote || $delimiter =~ /[\r\n]/;
		utf8::encode($data);
		add($data, ncolumns => $_, delimiter => $delimiter, quote => $quote,
			escape => $escape, header => $config->{header} ? 'true' : 'false')
		  for 1 .. 4;
	}
	compare_cases('PapaParse');
}

#-------------------------------------------------------------------------
# At random
#-------------------------------------------------------------------------

sub pick
{
	return $_[ rand @_ ];
}

# Files of rows as they should be, and files of whatever comes.
sub random_case
{
	my $quote = pick('"', '"', '"', "'", 'q');
	my $delimiter = pick(',', ',', ',', ';', "\t", '|', ' ', 'a', '\\', '.');
	my $escape = pick($quote, $quote, $quote, '\\', '\\', 'x', ',', 'b', "'");
	my $null = pick('', '', '', 'b', 'bc', '\\N', 'NULL');
	my $ncolumns = pick(1, 2, 2, 3, 4);
	my $eol = pick("\n", "\n", "\r\n", "\r");
	my $header = pick('false', 'false', 'true', 'match');
	my @alphabet = ($quote, $quote, $quote, $delimiter, $delimiter, $eol, $eol, '\\', '.',
		'\\.', 'a', 'b', 'bc', 'x', 'é', '日', '😀', ' ', $escape, $null, "$eol\\.",
		"$quote$quote", "$escape$quote", "$delimiter$quote", "$quote$delimiter");
	my $data = '';
	my $size = pick(1, 3, 10, 30, 30, 100);

	$null = '' if index($null, $delimiter) >= 0 || index($null, $quote) >= 0;
	$size = pick(1000, 3000) if rand() < 0.02;
	push @alphabet, "\n", "\r", "\r\n" if rand() < 0.3;

	# After a CR, COPY looks at the next byte before it says what is wrong with
	# the line; an invalid one there is reported in place of that.
	push @alphabet, "\xff", "\x00", "\xc3" if rand() < 0.1 && !grep { /\r/ } @alphabet;

	$data = join($delimiter, ('a' .. 'd')[ 0 .. $ncolumns - 1 ]) . $eol
	  if $header ne 'false' && rand() < 0.9;
	if (rand() < 0.4)
	{
		$data .= pick(@alphabet) for 1 .. rand $size;
	}
	else
	{
		@alphabet = grep { !/[\x00\xff]|^\xc3$/ } @alphabet;
		for my $row (1 .. 1 + rand $size)
		{
			my @fields;

			for my $col (1 .. $ncolumns)
			{
				my $field = join '', map { pick(@alphabet) } 1 .. rand 6;

				if (rand() < 0.5)
				{
					# In quotes the line end may be of any kind.
					$field = join '', $field, pick('', '', "\n", "\r", "\r\n");
					$field =~ s/([\Q$quote$escape\E])/$escape$1/g;
					$field = "$quote$field$quote";
				}
				else
				{
					$field =~ s/[\Q$quote$delimiter\E\r\n]//g;
				}
				push @fields, $field;
			}
			$data .= join($delimiter, @fields) . $eol;
			$data .= pick(@alphabet) if rand() < 0.1 / $size;
		}
		chop $data if rand() < 0.1;
	}
	return if $delimiter eq $quote;
	add($data, ncolumns => $ncolumns, delimiter => $delimiter, quote => $quote,
		escape => $escape, null => $null, header => $header,
		force_not_null => [ map { rand() < 0.15 } 1 .. $ncolumns ],
		force_null => [ map { rand() < 0.15 } 1 .. $ncolumns ]);
}

random_case() for 1 .. $random_cases;
compare_cases("random, seed $seed");

#-------------------------------------------------------------------------
# What COPY can not tell
#-------------------------------------------------------------------------

# Read with the trace, in one piece and in pieces of one byte.
sub trace
{
	my ($data, %opts) = @_;
	my ($whole, $bytes) = map {
		psql("SELECT r FROM unit_csv_trace(" . join(',',
				"decode('" . unpack('H*', $data) . "', 'hex')", "','", "'\"'",
				lit(defined $opts{escape} ? $opts{escape} : '"'), "''",
				lit($opts{header} || 'false'), "'{a,b}'", 'NULL', 'NULL', 'NULL',
				$_, 'NULL') . ") r")
	} 1000000, 1;

	is($bytes, $whole, 'same in pieces of one byte');
	return $whole;
}

is(trace("1,2\n3\n4,5,6\n7,8\n"), <<'END' =~ s/\n\z//r, 'reading goes on after a bad record');
{1,ok,1,2}
{2,bad,22P04,"missing data for column \"b\"",NULL,NULL}
{3,bad,22P04,"extra data after last expected column",NULL,NULL}
{4,ok,7,8}
END
is(trace("a,b\r\n\"x\r\n\ny\",1\r\n2\r\n\"\r\n\",3\r\n4,5\n6,7\r\n", header => 'true'),
	<<"END" =~ s/\n\z//r, 'line numbers are those of first lines, and a wrong line end is fatal');
{2,ok,"x\r

y",1}
{5,bad,22P04,"missing data for column \\"b\\"",NULL,NULL}
{6,ok,"\r
",3}
{8,fatal,22P04,"unquoted newline found in data",NULL,"Use quoted CSV field to represent newline."}
END
is(trace("a,c\n1,2\n", header => 'match'),
	'{1,fatal,22P04,"column name mismatch in header line field 2: got \"c\", expected \"b\"",NULL,NULL}',
	'a wrong header is fatal');
is(trace("1,2\n3,\"4\n5,6\n"), <<'END' =~ s/\n\z//r, 'so is a lost quote');
{1,ok,1,2}
{2,fatal,22P04,"unterminated CSV quoted field",NULL,NULL}
END

# Forced columns are so whatever finds the fields.
for my $delimiter (',', '||')
{
	is(psql("SELECT string_agg(r[3:]::text, ' ') FROM unit_csv_trace(convert_to(replace(E'N,N\n\"N\",\"N\"\n,\"\"\n', ',', '$delimiter'), 'UTF8'),
		'$delimiter', '\"', '\"', 'N', 'false', '{a,b}', NULL, '{t,f}', '{f,t}', 3, NULL) r"),
		'{N,NULL} {N,NULL} {"",""}', "forced columns between $delimiter");
}

is(psql("SELECT bool_and(unit_csv_scan(convert_to(string_agg, 'UTF8')))
	FROM generate_series(1, 10) g,
		LATERAL (SELECT string_agg((ARRAY[',', '\"', E'\\r', E'\\n', 'x', 'é', chr(12), chr(45)])[1 + (random() * 7)::int], '')
			FROM generate_series(1, 190 + g)) s"),
	't', 'all instruction sets see the same bytes');

SKIP:
{
	skip 'set S3_TEST_CSV_LONG to read records of 1 GB', 2 if !$ENV{S3_TEST_CSV_LONG};
	is(psql('SELECT unit_csv_long(1073741823, false)'), 'ok', 'a record of 1 GB - 1');
	is(psql('SELECT unit_csv_long(1073741824, false)'), 'record is longer than 1073741823 bytes', 'a record of 1 GB');
}

#-------------------------------------------------------------------------
# Text sources
#-------------------------------------------------------------------------

sub text_pieces
{
	my ($data, $encoding, $piece) = @_;
	my ($out, $err) = psql_err("SELECT encode(string_agg(p, ''), 'hex') FROM unnest(unit_text(decode('"
		  . unpack('H*', $data) . "', 'hex'), " . lit($encoding) . ", $piece)) p");

	return $err =~ /^.*?ERROR:\s+(.*)/m ? $1 : $out;
}

for my $piece (1, 2, 3, 5, 1000000)
{
	is(text_pieces("a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80z", undef, $piece),
		unpack('H*', "a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80z"), "UTF-8 in pieces of $piece");
	is(text_pieces("a\xe6\x97", undef, $piece),
		'22021: invalid byte sequence for encoding "UTF8": 0xe6 0x97', "cut UTF-8 in pieces of $piece");
	is(text_pieces("\xe9\xe8", 'LATIN1', $piece), 'c3a9c3a8', "LATIN1 in pieces of $piece");
	is(text_pieces("\xff", 'SQL_ASCII', $piece),
		'22021: invalid byte sequence for encoding "UTF8": 0xff',
		"an unknown encoding must be valid all the same");
}
is(psql("SELECT string_agg(p, '') = d, max(length(p)) <= 131072
	FROM (SELECT convert_to('a' || repeat('日', 200000), 'UTF8') AS d) t,
		unnest(unit_text(d, NULL, 1000000)) p GROUP BY d"), 't|t', 'slices do not cut characters');
is(psql("SELECT convert_from(string_agg(p, ''), 'UTF8') = s, max(length(p)) <= 65536
	FROM (SELECT 'a' || repeat('日', 200000) AS s) t,
		unnest(unit_text(convert_to(s, 'EUC_JP'), 'EUC_JP', 70001)) p GROUP BY s"), 't|t',
	'nor does conversion');
is(text_pieces('x', 'MULE_INTERNAL', 1),
	'42883: default conversion function for encoding "MULE_INTERNAL" to "UTF8" does not exist',
	'no conversion');

#-------------------------------------------------------------------------
# The writer
#-------------------------------------------------------------------------

# Write the same rows with COPY TO a file and with the writer.
sub write_both
{
	my ($rows, $ncolumns, %opts) = @_;
	my $quote = defined $opts{quote} ? $opts{quote} : '"';
	my $escape = defined $opts{escape} ? $opts{escape} : $quote;
	my $delimiter = defined $opts{delimiter} ? $opts{delimiter} : ',';
	my $null = defined $opts{null} ? $opts{null} : '';
	my @names = @{ $opts{names} || [ ('a' .. 'd')[ 0 .. $ncolumns - 1 ] ] };
	my @force = map { $opts{force} ? int rand 2 : 0 } @names;
	my $columns = join ',', map { '"' . s/"/""/gr . '"' } @names;
	my $force = join ',', map { '"' . $names[$_] =~ s/"/""/gr . '"' } grep { $force[$_] } 0 .. $#names;
	my $values = join ',', map { my $row = $_; '(' . join(',', map { lit($_) . '::text' } @$row) . ')' } @$rows;
	my $path = "$tmp/written.csv";

	my $out = psql("COPY (SELECT * FROM (VALUES $values) AS v($columns)) TO " . lit($path)
		  . " (FORMAT csv, DELIMITER " . lit($delimiter) . ", QUOTE " . lit($quote)
		  . ", ESCAPE " . lit($escape) . ", NULL " . lit($null)
		  . ", HEADER " . ($opts{header} ? 'true' : 'false')
		  . ($force ? ", FORCE_QUOTE ($force)" : '') . ");\n"
		  . "SELECT w = f, w, f FROM pg_read_binary_file(" . lit($path) . ") f, "
		  . "unit_csv_write(ARRAY[" . join(',', map { lit($_) } map { @$_ } @$rows)
		  . "]::text[], ARRAY[" . join(',', map { lit($_) } @names) . "], "
		  . join(',', map { lit($_) } $delimiter, $quote, $escape, $null)
		  . ", " . ($opts{header} ? "'true'" : "'false'") . ", " . bools(\@force)
		  . ", " . ($opts{numbers} ? 'true' : 'false') . ") w");
	return $out =~ /^t\|/ ? '' : $out;
}

my @values = (undef, '', 'x', '\\.', '\\', '.', ',', '"', "'", '""', "a\nb", "\r", ' x ',
	'NULL', 'null', 'a"b', 'a,b', "é\t日", 'x' x 100, ';', 'q\\"', '0', '-1.5', '1');
my @failed;

push @failed, write_both([ map { [$_] } @values ], 1, %$_)
  for {}, { header => 1 }, { null => 'NULL' }, { null => '1', numbers => 0 },
  { escape => '\\' }, { delimiter => ';', quote => "'" }, { delimiter => '\\' },
  { names => ['\\.'], header => 1 }, { names => ['a,"b'], header => 1, force => 1 },
  { names => ['NULL'], null => 'NULL', header => 1 };
for my $n (1 .. 40)
{
	my @rows = map { [ map { pick(@values) } 1 .. 3 ] } 1 .. 20;

	push @failed, write_both(\@rows, 3, header => pick(0, 1), force => pick(0, 1),
		escape => pick('"', '\\', 'x'), delimiter => pick(',', ';', "\t", '.', '\\', '1'),
		null => pick('', 'NULL', 'x'));
}
for my $options ({}, { delimiter => '.' }, { delimiter => '1' }, { quote => '-' }, { null => '-1.5' },
	{ null => '0' }, { force => 1 })
{
	push @failed, write_both([ map { [ pick('0', '-1.5', '12345', undef), pick('1', '1.5'), '-7' ] } 1 .. 20 ],
		3, numbers => 1, %$options);
}
is(join("\n", grep { length } @failed), '', 'written bytes are those of COPY TO');

done_testing();
