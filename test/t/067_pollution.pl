#-------------------------------------------------------------------------
#
# 067_pollution.pl
#		Polluted CSV as other tools read it: PapaParse's cases, and the kinds of
#		pollution of the Pollock benchmark (Vitagliano et al., VLDB 2023).
#
# What is expected of the latter is in the tables below: the rows, and the lines
# that are recorded.  Where Python's csv module, PapaParse and csv-parse (with
# relax_quotes and relax_column_count) or two of them agree on the rows, these
# are expected, cut or filled up to the table's columns; where they do not, "why"
# says what is better.
#
# IDENTIFICATION
#		test/t/067_pollution.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use JSON::PP ();
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Copy;
use S3Test;

my $bucket = 'pollution';
my $end = "\r\n";
my @header = ('id', 'name', 'price', 'note');
my @clean = (
	[ '1', 'Ada', '10.50', 'x' ],
	[ '2', 'Bo, the 2nd', '20.50', '' ],
	[ '3', 'C "three"', '30.50', 'y y' ],
	[ '4', 'Dee', '', 'z' ],
	[ '5', 'Eve', '50.50', 'v' ],
	[ '6', "two\r\nlines", '60.50', 'w' ]);

#-------------------------------------------------------------------------
# Pollutions: each a function that returns bytes.  Row 0 is the header.
#-------------------------------------------------------------------------

# How a file is written.
sub dialect
{
	return { delimiter => ',', quote => '"', escape => '"', end => $end, @_ };
}

sub cell
{
	my ($value, $d) = @_;

	$value =~ s/\Q$d->{quote}\E/$d->{escape}$d->{quote}/g;
	return "$d->{quote}$value$d->{quote}";
}

# The line of a row, its cells and what is between them changed by a function.
sub line
{
	my ($row, $d, $change) = @_;
	my @parts = map { (cell($_, $d), $d->{delimiter}) } @$row;

	pop @parts;
	$change->(\@parts) if $change;
	return join '', @parts, $d->{end};
}

# A file; changes: row number => function.
sub file
{
	my ($rows, $d, %changes) = @_;

	return join '', map { line($rows->[$_], $d, $changes{$_}) } 0 .. $#$rows;
}

sub table { return [ \@header, @clean ] }
sub extra_delimiter { my ($row, $col) = @_; return file(table(), dialect(), $row => sub { splice @{ $_[0] }, 2 * $col, 0, ',' }) }
sub missing_delimiter { my ($row, $col) = @_; return file(table(), dialect(), $row => sub { splice @{ $_[0] }, 2 * $col - 1, 1 }) }
sub extra_quote { my ($row, $col) = @_; return file(table(), dialect(), $row => sub { $_[0][ 2 * $col ] =~ s/^"/""/ }) }
sub missing_quote { my ($row, $col) = @_; return file(table(), dialect(), $row => sub { $_[0][ 2 * $col ] =~ s/^"// }) }
sub text_behind { my ($row, $col, $text) = @_; return file(table(), dialect(), $row => sub { $_[0][ 2 * $col ] .= $text }) }
sub row_delimiter { my ($row) = @_; return file(table(), dialect(), $row => sub { $_ eq ',' and $_ = ' ' for @{ $_[0] } }) }
sub row_end { my ($row, $to) = @_; return file(table(), dialect(), $row => sub { push @{ $_[0] }, $to }) =~ s/\Q$to\E\r\n/$to/r }
sub written { return file(table(), dialect(@_)) }
sub second_table
{
	my ($columns) = @_;

	return written() . file([ [ map { "h$_" } 1 .. $columns ], [ map { "d$_" } 1 .. $columns ] ], dialect());
}

#-------------------------------------------------------------------------
# What is expected
#-------------------------------------------------------------------------

# Each: name, bytes, options that the user states, and of the rows of the clean
# file those that become others: row number => fields, or undef if it is left
# out; rows that come before ("0") or behind ("99"); and lines recorded.
my @tests;

sub expect
{
	my ($name, $bytes, $options, $rows, $lines, %more) = @_;

	push @tests, { name => $name, bytes => $bytes, options => $options, rows => $rows, lines => $lines, %more };
}

sub by_cell
{
	my ($name, $pollute, $expected, @cells) = @_;

	for my $cell (@cells)
	{
		my ($row, $col) = @$cell;
		my ($rows, %more) = $expected->($row, $col);

		expect("$name, row $row column $col", $pollute->($row, $col), '',
			$row == 0 ? {} : { $row => $rows }, $row == 0 ? [] : [ $row + 1 ], %more);
	}
}
my @cells = map { my $row = $_; map { [ $row, $_ ] } 0 .. 3 } 0 .. 5;

# The file as a whole
expect('clean', written(), '', {}, []);
expect('no bytes', '', '', { map { $_ => undef } 1 .. 6 }, []);
expect('no end of the last line', written() =~ s/\r\n\z//r, '', {}, []);
expect('two ends of the last line', written() . $end, '', {}, []);
expect('header line only', file([ \@header ], dialect()), '', { map { $_ => undef } 1 .. 6 }, []);
expect('one row', file([ \@header, $clean[0] ], dialect()), '', { map { $_ => undef } 2 .. 6 }, []);
expect('lines end in LF', written(end => "\n"), '', {}, []);
expect('lines end in CR', written(end => "\r"), '', {}, []);
expect("delimiter $_", written(delimiter => $_), "delimiter '$_'", {}, []) for ';', "\t", ' ', ', ';
expect('apostrophes for quotes', written(quote => "'", escape => "'"), "quote ''''", {}, []);
expect('backslash for escape', written(escape => '\\'), "escape E'\\\\'", {}, []);
expect('backslash for escape, not stated', written(escape => '\\'), '',
	{ 3 => [ '3', 'C \\"three\\"', '30.50', 'y y' ] }, [4],
	why => 'the quote before the delimiter ends the field');
expect('no escape', written(escape => ''), '', {}, [4], why => 'that is what was meant');

# Header and other lines that are no data
expect('no header line, and none stated', file(\@clean, dialect()), "header 'false'", {}, []);
expect('no header line', file(\@clean, dialect()), '', { 1 => undef }, []);
expect("$_ header lines", file([ (\@header) x $_, @clean ], dialect()), '', { 0 => [ (\@header) x ($_ - 1) ] }, [])
  for 2, 3;
expect('preamble', file([ [ 'PREAMBLE', '', '', '' ], [ ('') x 4 ], \@header, @clean ], dialect()), '',
	{ 0 => [ [ ('') x 4 ], \@header ] }, []);
expect('preamble passed over', file([ [ 'PREAMBLE', '', '', '' ], [ ('') x 4 ], \@header, @clean ], dialect()),
	"skip_lines '2'", {}, []);
expect('preamble without delimiters', "PREAMBLE\r\n\r\n" . written(), "skip_lines '2'", {}, []);
expect('footnote', written() . "\r\nFOOTNOTE\r\n", '', { 99 => [ ['FOOTNOTE'] ] }, [10]);
expect('second table, fewer columns', second_table(3), '',
	{ 99 => [ [ 'h1', 'h2', 'h3' ], [ 'd1', 'd2', 'd3' ] ] }, [ 9, 10 ]);
expect('second table, as many columns', second_table(4), '',
	{ 99 => [ [ 'h1', 'h2', 'h3', 'h4' ], [ 'd1', 'd2', 'd3', 'd4' ] ] }, []);
expect('second table, more columns', second_table(5), '',
	{ 99 => [ [ 'h1', 'h2', 'h3', 'h4' ], [ 'd1', 'd2', 'd3', 'd4' ] ] }, [ 9, 10 ]);
expect('blank lines', written() =~ s/\r\n"([245])"/\r\n\r\n"$1"/gr, '', {}, []);
expect("row $_ ends in LF", row_end($_, "\n"), '', {}, []) for 0 .. 5;
expect("row $_ ends in CR", row_end($_, "\r"), '', {}, []) for 0 .. 5;

# One cell, or one row
sub without { my ($row, $change) = @_; my @fields = @{ $clean[ $row - 1 ] }; $change->(\@fields); return \@fields }

by_cell('extra delimiter', \&extra_delimiter,
	sub { my ($row, $col) = @_; return $row && without($row, sub { splice @{ $_[0] }, $col, 0, ''; pop @{ $_[0] } }) }, @cells);
by_cell('missing delimiter', \&missing_delimiter,
	sub {
		my ($row, $col) = @_;

		return $row && without($row, sub { my $f = $_[0]; splice @$f, $col - 1, 2, $f->[ $col - 1 ] . '"' . $f->[$col] });
	},
	grep { $_->[1] > 0 && ($_->[0] == 0 || ($clean[ $_->[0] - 1 ][ $_->[1] - 1 ] ne '' && $clean[ $_->[0] - 1 ][ $_->[1] ] ne '')) } @cells);
by_cell('extra quote', \&extra_quote,
	sub { my ($row, $col) = @_; return ($row && without($row, sub { $_[0][$col] = '"' . $_[0][$col] }), why => 'that is what was meant') },
	grep { $_->[0] == 0 || $clean[ $_->[0] - 1 ][ $_->[1] ] ne '' } @cells);
by_cell('no quote at the beginning', \&missing_quote,
	sub { my ($row, $col) = @_; return $row && without($row, sub { $_[0][$col] .= '"' }) },
	grep { $_->[0] != 2 && $_->[0] != 3 && ($_->[0] != 4 || $_->[1] != 2) } @cells);
by_cell('text behind the quote', sub { return text_behind(@_, 'st') },
	sub { my ($row, $col) = @_; return ($row && without($row, sub { $_[0][$col] .= 'st' }), why => 'as COPY and Python read it') },
	grep { $_->[0] != 3 } @cells);
by_cell('blanks behind the quote', sub { return text_behind(@_, " \t") },
	sub { return ($_[0] && $clean[ $_[0] - 1 ], why => 'PapaParse reads it so; the quotes say where the value ends') }, @cells);
by_cell('blanks for delimiters', sub { return row_delimiter($_[0]) },
	sub { my ($row) = @_; return ($row && [ join '" "', @{ $clean[ $row - 1 ] } ], why => 'as PapaParse; one field in each tool') },
	map { [ $_, 0 ] } 0, 1, 5);

# A quote that none closes swallows the rest of the file in PapaParse and Python,
# and is an error for csv-parse.
expect('no quote at the end', file(table(), dialect(), 5 => sub { chop $_[0][6] }), '',
	{ 5 => undef }, [6], why => 'one row is lost, not all that follow', lost => 1);
expect('an empty cell and an extra quote', extra_quote(4, 2), '', { 4 => [ '4', 'Dee', '"', 'z' ] }, [5],
	why => 'that is what was meant');
expect('a quote at the end', file(table(), dialect(), 5 => sub { $_[0][2] =~ s/"$/""/ }), '',
	{ 5 => [ '5', 'Eve"', '50.50', 'v' ] }, [6], why => 'the others lose all that follows');
expect('a line end within quotes, and a delimiter missing', missing_delimiter(6, 2), '',
	{ 6 => undef, 99 => [ [ 'lines""60.50"', 'w' ] ] }, [ 7, 8 ],
	why => 'a quoted field may hold line ends only in a record that is right', lost => 1);

#-------------------------------------------------------------------------
# Read them
#-------------------------------------------------------------------------

s3_make_bucket($bucket);
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR PUBLIC SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
END
s3_put_many($bucket, { map { ("pollock/$_.csv" => $tests[$_]{bytes}) } 0 .. $#tests });

my $json = JSON::PP->new->utf8->canonical;

# The rows that a table gives, what it records, and what it tells.
sub read_table
{
	my ($object, $columns, $options) = @_;
	my $names = join ', ', map { "c$_" } 1 .. $columns;

	my ($out, $told) = psql_err("DROP FOREIGN TABLE IF EXISTS t;\n"
		  . "SELECT s3_clear_rejected();\n"
		  . 'CREATE FOREIGN TABLE t (' . join(', ', map { "c$_ text" } 1 .. $columns)
		  . ", number bigint OPTIONS (metadata 'byte_offset'))\n"
		  . "SERVER s3 OPTIONS (location 's3://$bucket/$object', $options);\n"
		  . "SELECT json_build_array($names) FROM t ORDER BY number;\n"
		  . "SELECT json_build_object('line', line, 'action', action) FROM s3_rejected ORDER BY line, id;");
	my @rows = map { $json->decode($_) } grep { /^\[/ } split /\n/, $out;
	my @recorded = map { $json->decode($_) } grep { /^\{/ } split /\n/, $out;

	return (\@rows, \@recorded, $told);
}

# The numbers in the notice: rows rejected, repairs.
sub told
{
	my ($told) = @_;

	return (($told =~ /(\d+) rows? rejected/)[0] || 0) + (($told =~ /(\d+) repairs?/)[0] || 0);
}

sub show { return $json->encode($_[0]) }

for my $number (0 .. $#tests)
{
	my $test = $tests[$number];
	my %expected = %{ $test->{rows} };
	my @rows = (
		@{ $expected{0} || [] },
		(map { exists $expected{$_} ? $expected{$_} || () : $clean[ $_ - 1 ] } 1 .. 6),
		@{ $expected{99} || [] });
	my $options = "tolerant 'true', on_error 'skip', \"null\" '<null>'"
	  . ($test->{options} =~ /header/ ? '' : ", header 'true'") . ($test->{options} ? ", $test->{options}" : '');

	@rows = map { [@$_] } @rows;
	$#$_ = 3 for @rows;
	my ($got, $recorded, $told) = read_table("pollock/$number.csv", 4,
		"$options, missing_fields 'null', extra_fields 'ignore'");
	is(show($got), show(\@rows), "$test->{name}: rows" . ($test->{why} ? " ($test->{why})" : ''));
	is(join(' ', map { $_->{line} } @$recorded), join(' ', @{ $test->{lines} }), "$test->{name}: lines recorded")
	  or diag(show($recorded));
	is(told($told), scalar @{ $test->{lines} }, "$test->{name}: and told");

	# Lines with too few or too many fields are left out unless that is allowed;
	# the others stay as they are.
	my ($kept, $ragged) = read_table("pollock/$number.csv", 4, $options);
	my @ragged = grep { $_->{action} eq 'row skipped' } @$ragged;
	my %left = map { show($_) => 1 } @rows;
	is(scalar(grep { !$left{ show($_) } } @$kept), 0, "$test->{name}: no other rows if fields must be there");
	is(@$kept + @ragged - ($test->{lost} ? 1 : 0), scalar @rows, "$test->{name}: and each row is there or recorded");
}

# Strictly: as COPY.
{
	my ($differences, $counts) = compare_with_copy($bucket, map
		{
			my $test = $_;
			map {
				{ name => "$test->{name}, header $_", bytes => $test->{bytes}, format => 'csv', header => $_,
					columns => 'id int, name text, price text, note text' }
			} 0, 1
		} @tests);
	is(join("\n", @$differences), '', 2 * @tests . ' readings as by COPY');
	cmp_ok($counts->{failed}, '>', @tests, 'most of which fail');
}

# A header line that is not the table's is told.
psql("CREATE FOREIGN TABLE matched (id text, name text, price text, note text) SERVER s3 OPTIONS "
	  . "(location 's3://$bucket/pollock/', tolerant 'true', header 'match', on_error 'skip', on_bad_object 'skip', "
	  . "\"null\" '<null>')");
psql('SELECT s3_clear_rejected(); SELECT count(*) FROM matched');
for my $number (grep { $tests[$_]{name} =~ /^(?:no header line|preamble|clean$)/ } 0 .. $#tests)
{
	is( psql("SELECT string_agg(line || ' ' || action, ',') FROM s3_rejected WHERE object LIKE '%/$number.csv' AND action NOT LIKE 'row%'"),
		$tests[$number]{name} eq 'clean' ? '' : '1 rest of object skipped',
		"$tests[$number]{name}: header 'match'");
}

#-------------------------------------------------------------------------
# PapaParse's cases
#-------------------------------------------------------------------------

# Those that are read in another way, by their names: our rows, lines recorded.
my %differ = (
	'Quoted field has no closing quote' => [ [ [ 'd', 'e', 'f' ] ], [1] ],
	'Quoted field has invalid trailing quote after delimiter' => [ [ [ 'd', 'e', 'f' ] ], [1] ],
	'Quoted field has invalid trailing quote before delimiter' => [ [ [ 'a', 'bc', 'd' ], [ 'e', 'f', 'g' ] ], [1] ],
	'Quoted field has invalid trailing quote after new line' => [ [ [ 'd"e', 'f', 'g' ] ], [ 1, 2 ] ],
	'Mixed slash n and slash r should choose first as precident' =>
	  [ [ [ 'a', 'b', 'c' ], [ 'd', 'e', 'f' ], [ 'g', 'h', 'i' ] ], [] ]);

# The first three are of a record that PapaParse makes of all lines, so its
# number of fields is not that of the table meant.
my %columns = map { $_ => 3 } keys %differ;

SKIP:
{
	my $path = (corpora() || '') . '/csv/papaparse/cases.json';
	skip "no csv/papaparse in the corpora", 1 if !-f $path;

	open my $fh, '<:raw', $path or die "$path: $!\n";
	my $papa = $json->decode(do { local $/; <$fh> });
	my ($done, $left_out, %objects) = (0, 0);

	for my $case (map { @{ $papa->{$_} } } 'core_parse', 'parse')
	{
		my $name = $case->{description};
		my $config = $case->{config} || {};
		my $data = $case->{expected}{data};
		my $options = "tolerant 'true', on_error 'skip', \"null\" '<null>', missing_fields 'null', extra_fields 'ignore'";
		my $delimiter = $config->{delimiter} || ($case->{expected}{meta} || {})->{delimiter} || ',';
		my $header = $config->{header};
		my $bytes = $case->{input};
		my @names;

		# Conversions, functions, guesses, parts of a file: not the reader's.
		if ($case->{has_function} || !defined $bytes || ref $bytes || !@$data
			|| grep { exists $config->{$_} } 'dynamicTyping', 'preview')
		{
			$left_out++;
			next;
		}
		$delimiter = '|' if $bytes =~ /^one\|/;
		$delimiter = ';' if $bytes =~ /^[^\n]*Field1\S*;/;
		$delimiter = ',' if $delimiter eq "\n";
		utf8::encode($bytes);
		$options .= ', delimiter ' . lit($delimiter);
		$options .= ', quote ' . lit($config->{quoteChar}) if $config->{quoteChar};
		$options .= ', escape ' . lit($config->{escapeChar}) if $config->{escapeChar};
		$options .= ', comment ' . lit(ref $config->{comments} ? '#' : $config->{comments})
		  if $config->{comments} && $config->{comments} ne '5';
		$options .= ", skip_lines '$config->{skipFirstNLines}'" if ($config->{skipFirstNLines} || 0) > 0;
		$options .= ", encoding 'UTF8BOM'" if $bytes =~ /^\xef\xbb\xbf/;
		if ($header && ref $data->[0] eq 'HASH')
		{
			my @lines = grep { !/^#/ } split /\r?\n/, $bytes =~ s/^\xef\xbb\xbf//r;

			@names = map { s/"//gr } split /,/, $lines[ $config->{skipFirstNLines} || 0 ];
			$options .= ", header 'true'";
		}
		elsif ($header)
		{
			# names made anew
			$left_out++;
			next;
		}

		my @rows = map { ref $_ eq 'HASH' ? [ @$_{@names} ] : $_ } @$data;

		# Empty lines are passed over; of "greedy", those that hold blanks are not.
		@rows = grep { @$_ != 1 || $_->[0] ne '' } @rows;
		if (($config->{skipEmptyLines} || '') eq 'greedy')
		{
			$left_out++;
			next;
		}
		my $columns = $columns{$name} || 1;
		$columns = @$_ > $columns ? @$_ : $columns for $columns{$name} ? () : @rows;
		my $lines;
		($data, $lines) = @{ $differ{$name} || [ \@rows ] };
		@rows = map { [@$_] } @$data;
		$#$_ = $columns - 1 for @rows;
		$done++;
		s3_put($bucket, "papaparse/$done.csv", $bytes);
		my ($got, $recorded, $told) = read_table("papaparse/$done.csv", $columns, $options);
		is(show($got), show(\@rows), "PapaParse: $name");
		is(told($told), scalar @$recorded, "PapaParse: $name: told");

		# What it reports is recorded here.
		my @errors = grep { $_->{code} ne 'UndetectableDelimiter' } @{ $case->{expected}{errors} || [] };
		ok(@$recorded > 0, "PapaParse: $name: recorded") if @errors;
		is(join(' ', map { $_->{line} } @$recorded), join(' ', @$lines), "PapaParse: $name: lines recorded") if $lines;
	}
	cmp_ok($done, '>', 100, 'cases of PapaParse');
	note("$left_out cases are not about reading");
}

done_testing();
