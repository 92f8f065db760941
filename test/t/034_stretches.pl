#-------------------------------------------------------------------------
#
# 034_stretches.pl
#		One object read in stretches by several processes, and by one.
#
# The same object is read serially and by a parallel scan with stretches of a
# few bytes: rows must be the same, or both must fail.
#
# IDENTIFICATION
#		test/t/034_stretches.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use File::Basename qw(basename);
use JSON::PP ();
use S3Test;
use Test::More;

srand(20261121);

s3_make_bucket('stretches');
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
END

# What makes the planner share a scan of next to nothing.
my $parallel = <<'END';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
END

psql(<<'SQL');
CREATE TABLE cases (number int, key text, columns text, options text, sizes int[]);
CREATE TABLE results (number int, size int, failed text, digest text, rows text);

-- size 0 is the serial scan.
CREATE FUNCTION read(c cases, size int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	message text;
	found text;
BEGIN
	PERFORM set_config('s3_fdw.chunk_size', greatest(size, 1)::text, true),
		set_config('max_parallel_workers_per_gather', CASE size WHEN 0 THEN '0' ELSE '2' END, true);
	BEGIN
		EXECUTE format('SELECT string_agg(t::text, chr(10) ORDER BY t::text COLLATE "C") FROM t%s t', c.number)
			INTO found;
		INSERT INTO results VALUES (c.number, size, NULL, md5(found), left(found, 500));
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
		INSERT INTO results VALUES (c.number, size, message, NULL, NULL);
	END;
END
$$;
SQL

my @cases;

# A case: how it is called, the object's bytes, the table's columns and options.
sub add_case
{
	my ($name, $bytes, $columns, %options) = @_;
	my $len = length $bytes;
	my $number = @cases + 1;
	my $suffix = delete $options{suffix} || 'dat';
	my @sizes;

	return if $len < 3;

	# Each stretch is a request: of the sizes that make at most 250, the least
	# and another.
	@sizes = grep { $len / $_ <= 250 && $_ < $len } 1, 2, 3, 5, 8, 13, 64, 700;
	@sizes = (1 + int($len / 250)) if @sizes == 0;
	@sizes = ($sizes[0], @sizes > 1 ? $sizes[ 1 + int rand(@sizes - 1) ] : ());
	push @cases,
	  {
		name => $name,
		number => $number,
		key => "$number.$suffix",
		bytes => $bytes,
		columns => $columns,
		options => join(', ', map { "$_ " . lit($options{$_}) } sort keys %options),
		sizes => \@sizes
	  };
}

sub text_columns
{
	my ($n) = @_;
	return join ', ', map { "c$_ text" } 1 .. $n;
}

#-------------------------------------------------------------------------
# Published files
#-------------------------------------------------------------------------

my $corpora = corpora();

if (defined $corpora)
{
	for my $file (sort glob("$corpora/csv/csv-spectrum/csvs/*.csv"),
		glob("$corpora/csv/postgres-file_fdw/data/*"),
		glob("$corpora/demo/noaa-stormevents/*.csv"),
		glob("$corpora/demo/tickit/*/*.csv"))
	{
		my $bytes = slurp($file);
		my ($line) = split /[\r\n]/, $bytes;
		my $columns = text_columns(1 + ($line =~ tr/,//));

		add_case(basename($file), $bytes, $columns, header => $_) for 'false', 'true';
		add_case(basename($file) . ' as text', $bytes, text_columns(1 + ($line =~ tr/\t//)),
			format => 'text');
	}
	for my $file (sort glob("$corpora/demo/tickit/tickit/*_pipe.txt"))
	{
		my $bytes = slurp($file);
		my ($line) = split /\n/, $bytes;

		add_case(basename($file), $bytes, text_columns(1 + ($line =~ tr/|//)),
			delimiter => '|', format => $_) for 'csv', 'text';
	}
	if (-f "$corpora/csv/papaparse/cases.json")
	{
		my $papa = JSON::PP->new->utf8->decode(slurp("$corpora/csv/papaparse/cases.json"));

		for my $case (map { @{ $papa->{$_} } } 'core_parse', 'parse')
		{
			my $input = $case->{input};

			next if !defined $input || ref $input;
			utf8::encode($input);
			my ($line) = split /[\r\n]/, $input;
			$line = '' if !defined $line;
			my $n = 1 + ($line =~ tr/,//);
			my $delimiter = $case->{config}{delimiter};

			# As COPY would read it, and as the case means it.
			next if $n > 1600;
			add_case("papaparse: $case->{description}",
				$input, text_columns($n), header => $_)
			  for 'false', 'true';
			next if !defined $delimiter || ref $delimiter || $delimiter !~ /^[\x01-\x7f]{1,16}$/
			  || $delimiter =~ /[",\r\n]/;
			add_case("papaparse: $case->{description}, by its delimiter",
				$input, text_columns(1 + (() = $line =~ /\Q$delimiter\E/g)), delimiter => $delimiter,
				missing_fields => 'null', extra_fields => 'ignore');
		}
	}
	for my $file (sort glob("$corpora/json/JSONTestSuite/test_parsing/*.json"))
	{
		add_case(basename($file), slurp($file), 'doc jsonb OPTIONS (path ' . lit('$') . ')',
			format => 'json', records => $_)
		  for 'objects', 'arrays';
	}
	for my $file (sort glob("$corpora/json/dynamodb/*/*.json*"))
	{
		add_case(basename($file), slurp($file), 'doc jsonb OPTIONS (path ' . lit('$') . ')',
			format => 'json');
	}
}
else
{
	note('no corpora beside the project: published files are left out');
}
my $published = @cases;

#-------------------------------------------------------------------------
# Generated files, hostile at every cut
#-------------------------------------------------------------------------

sub pick { return $_[ int rand @_ ] }

# A well-formed CSV file whose fields hold everything that may need quotes.
sub csv_file
{
	my ($eol, $quote, $escape, $delimiter) = @_;
	my $text = '';

	for (1 .. 3 + int rand 12)
	{
		my @fields;

		for (1 .. 3)
		{
			my $value = join '', map
			{
				pick('a', 'b', ' ', $delimiter, $quote, $escape, "\n", "\r", "\r\n", '\\', '.', '\\.', "\xc3\xa9")
			} 1 .. int rand 6;
			if ($value =~ /[\r\n\Q$quote$delimiter\E]/ || $value eq '\\.' || rand() < 0.2)
			{
				$value =~ s/([\Q$quote$escape\E])/$escape$1/g;
				$value = "$quote$value$quote";
			}
			push @fields, $value;
		}
		$text .= join($delimiter, @fields) . $eol;
	}
	$text = substr $text, 0, length($text) - length $eol if rand() < 0.3;
	return $text;
}

# Anything at all.
sub noise
{
	my @alphabet = @_;
	return join '', map { pick(@alphabet) } 1 .. 5 + int rand 60;
}

sub json_value
{
	my ($depth) = @_;
	my $kind = int rand($depth > 2 ? 4 : 7);

	return pick('1', '-2.5e3', 'true', 'null') if $kind < 2;
	return JSON::PP->new->allow_nonref->encode(join '',
		map { pick('a', '{', '}', '[', ']', '"', '\\', "\n", ',', '\\"', '\\\\') } 1 .. int rand 6)
	  if $kind < 4;
	return '[' . join(',', map { json_value($depth + 1) } 1 .. int rand 3) . ']' if $kind < 5;
	return json_object($depth + 1);
}

sub json_object
{
	my ($depth) = @_;
	my @members =
	  map { JSON::PP->new->allow_nonref->encode(pick('a', 'b', '"', '}')) . pick(':', ' : ') . json_value($depth) }
	  1 .. int rand 4;

	return '{' . join(pick(',', ",\n "), @members) . pick('', "\n") . '}';
}

for my $i (1 .. 40)
{
	my $eol = pick("\n", "\r\n", "\r");
	my $escape = pick('"', '"', '\\', 'e');

	add_case("csv $i", csv_file($eol, '"', $escape, ','), text_columns(3), escape => $escape,
		missing_fields => 'null', extra_fields => 'ignore', header => pick('false', 'true'));
	add_case("noise as csv $i", noise('"', ',', "\n", pick("\r", "\n"), 'a', '\\', '\\.', '\\.' . $eol, $escape),
		text_columns(3), escape => $escape, missing_fields => 'null', extra_fields => 'ignore');
	add_case("noise as text $i",
		noise("\t", "\n", pick("\r", "\n"), 'a', '\\', '.', '\\.', $eol . '\\.' . $eol, '\\N'),
		text_columns(3), format => 'text', missing_fields => 'null', extra_fields => 'ignore');
	add_case("lines $i", join($eol, map { noise('a', '"', ' ', '\\') } 1 .. 8), text_columns(2),
		format => 'fixedwidth', fixedwidth => '2,3', missing_fields => 'null', extra_fields => 'ignore');
	add_case("json $i", join('', map { json_object(0) . pick('', ' ', "\n", "\r\n\n") } 1 .. 3 + int rand 9),
		'doc jsonb OPTIONS (path ' . lit('$') . ')', format => 'json');
	add_case("json arrays $i",
		join('', map { '[' . join(', ', map { json_value(0) } 1 .. 2) . ']' . pick('', "\n") } 1 .. 6),
		'doc jsonb OPTIONS (path ' . lit('$') . ')', format => 'json', records => 'arrays');
	add_case("array of json $i", pick('', ' ') . '[' . join(',', map { json_object(0) } 1 .. 6) . ']',
		'doc jsonb OPTIONS (path ' . lit('$') . ')', format => 'json');
	add_case("noise as json $i", noise('{', '}', '[', ']', '"', '\\', ':', ',', '1', "\n", '{}', '{"a":1}'),
		'doc jsonb OPTIONS (path ' . lit('$') . ')', format => 'json');
}

#-------------------------------------------------------------------------
# The comparison
#-------------------------------------------------------------------------

s3_put_many('stretches', { map { ($_->{key} => $_->{bytes}) } @cases });
psql(join "\n", map
	{
		"CREATE FOREIGN TABLE t$_->{number} ($_->{columns}) SERVER s3"
		  . " OPTIONS (location 's3://stretches/$_->{key}', $_->{options});\n"
		  . "INSERT INTO cases VALUES ($_->{number}, "
		  . join(', ', map { lit($_) } @$_{qw(key columns options)})
		  . ', ARRAY[0, ' . join(', ', @{ $_->{sizes} }) . ']);'
	} @cases);
psql("$parallel SELECT read(c, size) FROM cases c, unnest(sizes) size ORDER BY number, size",
	timeout => 900);

my $different = psql(<<'END');
SELECT format('case %s, stretches of %s: in one %s, in stretches %s', a.number, b.size,
	coalesce('it fails with ' || a.failed, 'it gives ' || coalesce(a.rows, 'no rows')),
	coalesce('it fails with ' || b.failed, 'it gives ' || coalesce(b.rows, 'no rows')))
FROM results a JOIN results b USING (number)
WHERE a.size = 0 AND b.size > 0 AND (a.digest, a.failed IS NULL) IS DISTINCT FROM (b.digest, b.failed IS NULL)
ORDER BY a.number, b.size LIMIT 20
END
is($different, '', 'stretches give what the whole object gives');
for ($different =~ /^case (\d+),/mg)
{
	diag("case $_ is $cases[$_ - 1]{name} ($cases[$_ - 1]{options}): "
		  . JSON::PP->new->allow_nonref->encode($cases[$_ - 1]{bytes}));
}
is(psql('SELECT count(*) FROM results'), psql('SELECT sum(cardinality(sizes)) FROM cases'),
	@cases . " cases were read, $published of them published files");
note(psql(q{SELECT format('%s readings in stretches give rows, %s fail', count(rows), count(failed)) FROM results WHERE size > 0}));

# That this was about stretches at all.
my $number = (grep { $_->{name} =~ /^csv / } @cases)[0]{number};
like(psql("$parallel SET s3_fdw.chunk_size = 1; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM t$number"),
	qr/Parallel Foreign Scan.*S3 Objects Cut: 1/s, 'the plan says that an object is cut');

#-------------------------------------------------------------------------
# Nobody waits for ever
#-------------------------------------------------------------------------

# Rows so wide that a worker soon has to wait for the leader to take them, while
# the leader reads a stretch behind one that this worker has claimed.
s3_put('stretches', 'wide.csv', join '', map { $_ . ',"' . (chr(97 + $_ % 26) x 4000) . "\n\"\n" } 1 .. 6000);
psql(q{CREATE FOREIGN TABLE wide (n int, t text) SERVER s3 OPTIONS (location 's3://stretches/wide.csv')});
for my $size ('64kB', '1MB', '1200kB', '1MB')
{
	is( psql("$parallel SET s3_fdw.chunk_size = '$size'; SET statement_timeout = '60s';"
			  . 'SELECT count(*), sum(n), sum(length(t)) FROM (SELECT * FROM wide OFFSET 0) w'),
		'6000|18003000|24006000',
		"wide rows in stretches of $size");
}

# Names in a header line that another process reads, or that is in another object.
s3_put('stretches', 'names/1.csv', "b,a\n" . join '', map { "x$_,$_\n" } 1 .. 50);
s3_put('stretches', 'names/2.csv', join '', map { "y$_,$_\n" } 51 .. 100);
s3_put('stretches', 'named.csv', "b,\"\nx\",a\n" . join '', map { "x$_,,$_\n" } 1 .. 50);
psql(q{CREATE FOREIGN TABLE names (a int, b text) SERVER s3
	OPTIONS (location 's3://stretches/names/', header 'first', match_by 'name');
CREATE FOREIGN TABLE named (a int, b text) SERVER s3
	OPTIONS (location 's3://stretches/named.csv', header 'true', match_by 'name')});
for my $size (1, 7, 100)
{
	my $set = "$parallel SET s3_fdw.chunk_size = $size;";

	is(psql("$set SELECT count(*), sum(a), count(*) FILTER (WHERE b LIKE 'x%') FROM names"),
		'100|5050|50', "header in the first object, stretches of $size");
	is(psql("$set SELECT count(*), sum(a), count(*) FILTER (WHERE b = 'x' || a) FROM named"),
		'50|1275|50', "header in each object, stretches of $size");
}

# Line numbers and byte offsets count from the object's beginning.
psql(q{CREATE FOREIGN TABLE places (n int, t text, line bigint OPTIONS (metadata 'line_number'),
	at bigint OPTIONS (metadata 'byte_offset')) SERVER s3 OPTIONS (location 's3://stretches/wide.csv')});
is( psql("$parallel SET s3_fdw.chunk_size = '64kB'; SELECT n, line, at FROM places WHERE n IN (1, 2, 3999) ORDER BY n"),
	"1|1|0\n2|3|4006\n3999|7997|" . (9 * 4006 + 90 * 4007 + 900 * 4008 + 2999 * 4009),
	'line numbers and byte offsets in stretches');
psql(q{CREATE FOREIGN TABLE bad (n int, t date) SERVER s3 OPTIONS (location 's3://stretches/bad.csv')});
s3_put('stretches', 'bad.csv', join '', map { "$_," . ($_ == 900 ? 'never' : '2026-01-31') . "\n" } 1 .. 1000);
like((psql_err("$parallel SET s3_fdw.chunk_size = 500; SELECT count(t) FROM bad"))[1],
	qr/bad\.csv", line 900, column t: "never"/, 'an error names the line of the object');

s3_drop_bucket('stretches');
done_testing();
