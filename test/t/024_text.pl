#-------------------------------------------------------------------------
#
# 024_text.pl
#		The reader of text format against the server's own COPY.
#
# The same bytes are read by COPY and by the reader, the latter in pieces of
# several sizes: rows, or SQLSTATE, message and hint of the error must agree.
# The alphabet is made of what means something to COPY.  All of this in
# databases of several encodings, as decoded escapes must be valid in them.
#
#	S3_TEST_TEXT_CASES	how many random files (default 6000)
#	S3_TEST_SEED		seed of the random files (default 1)
#
# IDENTIFICATION
#		test/t/024_text.pl
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
my $tmp = server_tmp();
my $random_cases = $ENV{S3_TEST_TEXT_CASES} || 6000;
my $seed = defined $ENV{S3_TEST_SEED} ? $ENV{S3_TEST_SEED} : 1;
my @piece_sizes = (1, 2, 3, 7, 64, 65, 4096);

srand($seed);

#-------------------------------------------------------------------------
# Databases and functions
#-------------------------------------------------------------------------

my %databases = (UTF8 => $ENV{PGDATABASE});

for my $encoding (qw(SQL_ASCII LATIN1 EUC_JP))
{
	$databases{$encoding} = "$ENV{PGDATABASE}_" . lc $encoding;
	psql(qq{CREATE DATABASE "$databases{$encoding}" ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0});
}

my $functions = <<"END";
CREATE FUNCTION unit_lines(data bytea, options text[], columns text[], needed bool[],
	middle text, header text[], piece int, places bool) RETURNS SETOF text[]
	AS $lib LANGUAGE c;
CREATE TABLE cases (id int, path text, ncolumns int, delimiter text, "null" text,
	header text, needed bool[]);

-- What COPY makes of a file.
CREATE FUNCTION copy_rows(c cases) RETURNS text LANGUAGE plpgsql AS \$\$
DECLARE
	names text[] := (ARRAY['a', 'b', 'c', 'd'])[:c.ncolumns];
	result text;
	code text;
	message text;
	hint text;
BEGIN
	EXECUTE format('COPY pg_temp.t%s %s FROM %L (format text, delimiter %L, null %L, header %s, encoding %L)',
		c.ncolumns, '(' || nullif(array_to_string(names, ','), '') || ')', c.path,
		c.delimiter, c."null", c.header, current_setting('server_encoding'));
	EXECUTE format(
		'WITH gone AS (DELETE FROM pg_temp.t%1\$s RETURNING %3\$s AS place, ARRAY[%2\$s]::text[] AS row) '
		'SELECT string_agg((''{ok}''::text[] || row)::text, E''\\n'' ORDER BY place) FROM gone',
		c.ncolumns, array_to_string(names, ','),
		CASE WHEN c.ncolumns = 0 THEN '0' ELSE 'place' END) INTO result;
	RETURN 'rows: ' || coalesce(result, 'none');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		hint = PG_EXCEPTION_HINT;
	RETURN format('%s: %s (%s)', code, message, hint);
END \$\$;

-- What the reader makes of it.
CREATE FUNCTION reader_rows(c cases, data bytea, piece int, OUT trace text, OUT result text)
LANGUAGE plpgsql AS \$\$
DECLARE
	bad text[];
BEGIN
	SELECT string_agg(r::text, E'\\n' ORDER BY ord),
		string_agg(CASE WHEN r[3] = 'ok' THEN r[3:]::text END, E'\\n' ORDER BY ord),
		((array_agg(r::text ORDER BY ord) FILTER (WHERE r[3] <> 'ok'))[1])::text[]
		INTO trace, result, bad
		FROM unit_lines(data, ARRAY['format', 'text', 'delimiter', c.delimiter, 'null',
				c."null", 'header', c.header], (ARRAY['a', 'b', 'c', 'd'])[:c.ncolumns],
			c.needed, NULL, NULL, piece, true) WITH ORDINALITY AS t(r, ord);
	result := 'rows: ' || coalesce(result, 'none');
	IF bad IS NOT NULL THEN
		result := format('%s: %s (%s)', bad[4], bad[5], bad[7]);
	END IF;
END \$\$;

-- The differences between both.
CREATE FUNCTION compare(c cases) RETURNS SETOF text LANGUAGE plpgsql AS \$\$
DECLARE
	wanted text := copy_rows(c);
	all_trace text;
	got record;
	whole cases := c;
	data bytea := pg_read_binary_file(c.path);
BEGIN
	whole.needed := NULL;
	SELECT * INTO got FROM reader_rows(whole, data, 1000000);
	all_trace := got.trace;
	IF got.result IS DISTINCT FROM wanted THEN
		RETURN NEXT format(E'case %s (%s columns, delimiter %L null %L header %s):\\n%s\\nCOPY: %s\\nread: %s',
			c.id, c.ncolumns, c.delimiter, c."null", c.header, left(encode(data, 'escape'), 2000),
			left(wanted, 1000), left(got.result, 1000));
		RETURN;
	END IF;
	FOR got IN SELECT p, t.* FROM unnest(ARRAY[@{[join ',', @piece_sizes]}]) p, reader_rows(whole, data, p) t LOOP
		IF got.trace IS DISTINCT FROM all_trace THEN
			RETURN NEXT format(E'case %s in pieces of %s: %s\\nnot: %s\\nof: %s', c.id, got.p,
				left(got.trace, 1000), left(all_trace, 1000), left(encode(data, 'escape'), 2000));
		END IF;
	END LOOP;

	-- If not all columns are needed, the others are as before; what is not
	-- needed is not decoded.
	SELECT * INTO got FROM reader_rows(c, data, 65);
	FOR got IN
		SELECT x.r::text[] AS x, y.r::text[] AS y
		FROM string_to_table(all_trace, E'\\n{') WITH ORDINALITY AS u(t, ord),
			LATERAL (SELECT CASE ord WHEN 1 THEN t ELSE '{' || t END) x(r),
			string_to_table(got.trace, E'\\n{') WITH ORDINALITY AS v(t, ord2),
			LATERAL (SELECT CASE ord2 WHEN 1 THEN v.t ELSE '{' || v.t END) y(r)
		WHERE ord = ord2 AND position('\\n{' IN encode(data, 'escape')) = 0
			AND position('{' IN encode(data, 'escape')) = 0
	LOOP
		IF got.x[4] IS DISTINCT FROM '22021' AND got.y IS DISTINCT FROM
			ARRAY(SELECT CASE WHEN got.x[3] <> 'ok' OR i <= 3 OR c.needed[i - 3] THEN got.x[i] END
				FROM generate_series(1, array_length(got.x, 1)) i ORDER BY i) THEN
			RETURN NEXT format(E'case %s with columns %s: %s\\nnot: %s\\nof: %s', c.id, c.needed,
				left(got.y::text, 1000), left(got.x::text, 1000), left(encode(data, 'escape'), 2000));
		END IF;
	END LOOP;
END \$\$;
END

psql($functions, db => $databases{$_}) for sort keys %databases;

#-------------------------------------------------------------------------
# Cases
#-------------------------------------------------------------------------

my @cases;

sub add
{
	my ($data, %opts) = @_;
	my $path = "$tmp/" . @cases . '.txt';

	open my $fh, '>:raw', $path or die "could not create $path: $!\n";
	print $fh $data;
	close $fh or die "could not write $path: $!\n";
	chmod 0644, $path;
	push @cases, {
		ncolumns => 2,
		delimiter => "\t",
		null => '\\N',
		header => 'false',
		needed => [ map { int rand 2 } 1 .. 4 ],
		%opts };
}

sub pick
{
	return $_[ rand @_ ];
}

# Compare all cases added so far, under one name, in a database.
sub compare_cases
{
	my ($name, $encoding) = @_;
	my $n = @cases;
	my $sql = '';

	my @rows = map {
		my $c = $cases[$_];
		'(' . join(',', $_, lit("$tmp/$_.txt"), $c->{ncolumns},
			map({ lit($c->{$_}) } qw(delimiter null header)),
			"'{" . join(',', map { $_ ? 't' : 'f' } @{ $c->{needed} }) . "}'") . ')';
	} 0 .. $#cases;
	while (my @batch = splice @rows, 0, 250)
	{
		$sql .= "TRUNCATE cases, t0, t1, t2, t3, t4;\n"
		  . "INSERT INTO cases VALUES " . join(",\n", @batch) . ";\n"
		  . "SELECT d FROM cases c, compare(c) d ORDER BY c.id;\n";
	}
	my $out = psql(<<"END", db => $databases{$encoding});
SET client_min_messages = error;
SET jit = off;
SET client_encoding = sql_ascii;
CREATE TEMP TABLE t0 ();
CREATE TEMP TABLE t1 (a text, place serial);
CREATE TEMP TABLE t2 (a text, b text, place serial);
CREATE TEMP TABLE t3 (a text, b text, c text, place serial);
CREATE TEMP TABLE t4 (a text, b text, c text, d text, place serial);
$sql
END
	is(substr($out, 0, 4000), '', "$name, $encoding: $n files, each in " . (1 + @piece_sizes) . ' ways');
	unlink map { "$tmp/$_.txt" } 0 .. $#cases;
	@cases = ();
}

for my $eol ("\n", "\r", "\r\n")
{
	for my $header ('false', 'true', 'match')
	{
		for my $line ('', 'a', "a\tb", "a\tb\tc", "\t", "\t\t", '\\N', "\\N\t\\N", "\\N\\\tb", '\\\\N',
			"\\b\\f\\n\\r\\t\\v\tx", "\\x41\\x4\\x\\xg\t\\x414", "\\101\\1\\12\\0101\t\\9\\8", "a\\\tb",
			"a\\${eol}b\tc", "a\\\nb\tc", "a\\\rb\tc", "a\\\r\nb\tc", '\\', "a\t\\", "a\t\\N\\", "a\t\\\\",
			"\\x00\tb", "\\0\tb\tc", "\\377\tb", "\\xc3\\xa9\tb", "\\xc3\tb", "\\xc3\t", "\\xc3",
			"a\\.", "a\t\\.b", "\\.", "\\\\.", "\\\\\\.", '.', 'é	日本', "\\é\t\\日", "q\t\\q\\\"")
		{
			for my $end ('', $eol, "$eol\\.", "$eol\\.$eol", "$eol\\.\n", "$eol\\.\r", "$eol\\.\r\n",
				"$eol\\.\r\r", "$eol\\.x", "$eol\\.${eol}a\tb$eol", "${eol}x\ty\\.${eol}a\tb$eol",
				"${eol}a\tb\n", "${eol}a\tb\r", "${eol}a\tb\r\n", "$eol$eol")
			{
				add("a\tb$eol$line$end", header => $header)
				  if $header ne 'true' || rand() < 0.2;
				add("$line$end", ncolumns => int rand 4, header => $header)
				  if rand() < 0.3;
			}
		}
	}
}
compare_cases('by hand', 'UTF8');

for my $data ('', "\n", "\r\n\r\n", "\n\n\n", "x\n", '\\', "\\.\n", "\\.", "\r", "a\n", "\n\\.\n", "\n\r")
{
	for my $header ('false', 'true', 'match')
	{
		add($data, ncolumns => $_, header => $header) for 0 .. 3;
	}
}
add("a|\\|b\n\\||c\n", delimiter => '|');
add("a,N\nN\\,,\\N\n", delimiter => ',', null => 'N');
add("a\tb\n\\x61\tb\n", header => 'match', null => $_) for 'a', '\\x61', '';
add("\\x61\tb\n1\t2\n", header => 'match');
add("a\t\\N\n1\t2\n", header => 'match');
add("a\tb\n" . ('x\\ty' x 70000) . "\t" . ("\\\n" x 30000) . "\n1\t2\n");

# The first line end around the end of a window, and of a block.
for my $len (4093 .. 4098, 62 .. 66)
{
	add(('x' x $len) . "$_" . "a\n", ncolumns => 1) for "\r\n", "\r", "\\\r\n", "\\\\\r\n", "\\.\n", "\\\n";
	add(('x' x $len) . "\r\na\r\n$_\r\nb\r\n", ncolumns => 1) for 'y', "\\\r", "\\", "\\.", "\\\\";
}
compare_cases('special cases', 'UTF8');

#-------------------------------------------------------------------------
# Published files
#-------------------------------------------------------------------------

SKIP:
{
	my $dir = corpora();

	skip 'no corpora beside the project', 1 if !defined $dir || !-d "$dir/csv";

	for my $path (sort(glob("$dir/csv/csv-spectrum/csvs/*.csv"), glob("$dir/csv/postgres-file_fdw/data/*")))
	{
		my $data = slurp($path);

		# Some are not UTF-8.
		utf8::encode($data) if !utf8::decode(my $copy = $data);
		for my $delimiter (',', ';', '@', "\t", ' ')
		{
			add($data, ncolumns => $_, delimiter => $delimiter, header => pick('false', 'true', 'match')) for 1 .. 4;
		}
	}
	compare_cases('published files', 'UTF8');
}

#-------------------------------------------------------------------------
# At random
#-------------------------------------------------------------------------

sub random_case
{
	my ($encoding) = @_;
	my $delimiter = pick("\t", "\t", "\t", ',', '|', ' ', 'X', ';', "\x01");
	my $null = pick('\\N', '\\N', '\\N', '', 'N', 'NULL', '\\x41', '\\\\');
	my $ncolumns = pick(1, 2, 2, 3, 4);
	my $eol = pick("\n", "\n", "\r\n", "\r");
	my $header = pick('false', 'false', 'true', 'match');
	my @alphabet = ('\\', '\\', '\\', $delimiter, $delimiter, $eol, '.', 'N', 'n', 't', 'b', 'f', 'r', 'v',
		'x', 'x4', 'c', 'C3', 'A9', 'g', '0', '1', '7', '8', '12', '303', '251', '\\x', '\\3', "\\$eol", $null, 'a', ' ',
		"\\$delimiter");
	my $size = pick(1, 3, 10, 30, 30, 100);
	my $data = '';

	push @alphabet, 'é', '日', '😀' if $encoding eq 'UTF8';
	push @alphabet, "\xe9", "\xa4" if $encoding eq 'LATIN1' || $encoding eq 'SQL_ASCII';
	push @alphabet, "\xa4\xa2", "\x8f\xb0\xa1" if $encoding eq 'EUC_JP';
	push @alphabet, "\n", "\r", "\r\n" if rand() < 0.2;
	push @alphabet, "$eol\\.", "\\.$eol" if rand() < 0.2;
	$size = pick(1000, 3000) if rand() < 0.02;
	$null = '' if index($null, $delimiter) >= 0;

	$data = join($delimiter, ('a' .. 'd')[ 0 .. $ncolumns - 1 ]) . $eol
	  if $header ne 'false' && rand() < 0.9;
	if (rand() < 0.3)
	{
		$data .= pick(@alphabet) for 1 .. rand $size;
	}
	else
	{
		for my $row (1 .. 1 + rand $size)
		{
			my @fields;

			for my $col (1 .. $ncolumns)
			{
				my $field = join '', map { pick(@alphabet) } 1 .. rand 6;

				# Leave it as it is, or make it good data.
				if (rand() < 0.95)
				{
					$field =~ s/\\x([89a-f][0-9a-f]?|0(?![0-9a-f])|00)/x$1/gi;
					$field =~ s/\\([2367][0-7]{2}|[0-7])/$1/g;
					$field =~ s/\\\././g;
					$field =~ s/(?<!\\)((?:\\\\)*)[\Q$delimiter\E\r\n]/$1/g for 1 .. 3;
					$field =~ s/(?<!\\)((?:\\\\)*)\\\z/$1/;
					$field =~ s/\\\././g;
				}
				push @fields, $field;
			}
			$data .= join($delimiter, @fields) . $eol;
			$data .= pick(@alphabet) if rand() < 0.1 / $size;
		}
		$data =~ s/[\x01-\x7f]\z// if rand() < 0.1;
	}
	utf8::encode($data) if utf8::is_utf8($data);
	add($data, ncolumns => $ncolumns, delimiter => $delimiter, null => $null, header => $header);
}

for my $encoding (qw(UTF8 SQL_ASCII LATIN1 EUC_JP))
{
	random_case($encoding) for 1 .. $random_cases * ($encoding eq 'UTF8' ? 0.7 : 0.1);
	compare_cases("random, seed $seed", $encoding);
}

psql(qq{DROP DATABASE "$databases{$_}"}) for grep { $_ ne 'UTF8' } sort keys %databases;

done_testing();
