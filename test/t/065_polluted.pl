#-------------------------------------------------------------------------
#
# 065_polluted.pl
#		CSV with what goes wrong in practice: strictly, as COPY takes it, and
#		tolerantly, where each line is loaded, repaired or recorded.
#
# Each file is a clean one with one kind of dirt: delimiters missing or too
# many, stray quotes, line ends of several kinds, blank and short lines, trouble
# with the header, lines that belong to another table.
#
# IDENTIFICATION
#		test/t/065_polluted.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Copy;
use S3Test;

my $bucket = 'polluted';
s3_make_bucket($bucket);
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR PUBLIC SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
END

my $header = 'id,name,price,day';

sub line
{
	my ($n) = @_;

	return $n % 10 == 7 ? qq($n,"name, with ""quotes"" $n",$n.5,2026-01-02)
	  : $n % 10 == 8 ? qq($n,"two\nlines $n",$n.5,2026-01-02)
	  : "$n,name $n,$n.5,2026-01-02";
}

# A file of 60 rows in which number 30 is what is given, or a list of that.
sub file
{
	my ($dirt, %opts) = @_;
	my @lines = map { $_ == 30 && defined $dirt ? $dirt : line($_) } 1 .. 60;

	return join($opts{end} || "\n", $header, @lines) . "\n";
}

# name => [ bytes, ids that must be missing, texts recorded, table options ]
my %files = (
	clean => [ file(undef), [], [] ],
	no_end => [ substr(file(undef), 0, -1), [], [] ],
	two_ends => [ file(undef) . "\n\n", [], [] ],
	empty => [ '', [ 1 .. 60 ], [] ],
	header_only => [ "$header\n", [ 1 .. 60 ], [] ],
	missing_delimiter => [ file('30,name 30 30.5,2026-01-02'), [30], ['30,name 30 30.5,2026-01-02'] ],
	missing_delimiter_null =>
	  [ file('30,name 30'), [], ['30,name 30'], "missing_fields 'null'" ],
	extra_delimiter => [ file('30,name, 30,30.5,2026-01-02'), [30], ['30,name, 30,30.5,2026-01-02'] ],
	extra_delimiter_ignored =>
	  [ file('30,name 30,30.5,2026-01-02,,'), [], ['30,name 30,30.5,2026-01-02,,'], "extra_fields 'ignore'" ],
	other_delimiter => [ file('30;name 30;30.5;2026-01-02'), [30], ['30;name 30;30.5;2026-01-02'] ],
	short_line => [ file('30'), [30], ['30'] ],
	blank_line => [ file("\n" . line(30) . "\n\n"), [], [] ],
	quote_within => [ file('30,na"me 30,30.5,2026-01-02'), [], ['30,na"me 30,30.5,2026-01-02'] ],
	quote_at_end => [ file('30,name 30",30.5,2026-01-02'), [], ['30,name 30",30.5,2026-01-02'] ],
	quote_at_begin => [ file('30,"name 30,30.5,2026-01-02'), [30], ['30,"name 30,30.5,2026-01-02'] ],
	quotes_within_quotes => [ file('30,"na"me" 30",30.5,2026-01-02'), [], ['30,"na"me" 30",30.5,2026-01-02'] ],
	quote_before_blank => [ file('30,"name 30" ,30.5,2026-01-02'), [], ['30,"name 30" ,30.5,2026-01-02'] ],
	quote_after_blank => [ file('30, "name 30",30.5,2026-01-02'), [], ['30, "name 30",30.5,2026-01-02'] ],
	quote_last_line => [ file(undef) . '61,"name', [], ['61,"name'] ],
	cr_lf => [ file(undef) =~ s/\n/\r\n/gr, [], [] ],
	cr => [ file(undef) =~ s/\n/\r/gr, [], [] ],
	mixed_ends => [ file(line(30) . "\r"), [], [] ],
	mixed_ends_2 => [ file(line(30) . "\r" . line(61)), [], [] ],
	mixed_ends_3 => [ file(undef) . join("\r\n", map { line($_) } 61 .. 70) . "\n", [], [] ],
	bad_number => [ file('30,name 30,abc,2026-01-02'), [30], ['30,name 30,abc,2026-01-02'] ],
	bad_date => [ file('30,name 30,30.5,2026-02-30'), [30], ['30,name 30,30.5,2026-02-30'] ],
	footer => [ file(undef) . "Total,,1830,\n", [], ['Total,,1830,'] ],
	second_table => [ file(undef) . "\ncode,label\na,b\nc,d\n", [], [ 'a,b', 'c,d', 'code,label' ] ],
	two_headers => [ "$header\n" . file(undef), [], [$header] ],
	preamble => [ "Report of 2026\n\n" . file(undef), [], [], "skip_lines '2'" ],
	comments => [ file("# a \"comment\n" . line(30)), [], [], "comment '#'" ],
	header_short => [ file(undef) =~ s/^\S+/id,name/r, [], [] ],
	header_quote => [ file(undef) =~ s/^\S+/id,"name,price,day/r, [], [] ],
	header_renamed => [ file(undef) =~ s/^\S+/day,Name,extra,id,price/r =~ s/^(\d+),(.*),([\d.]+),(\S+)$/$4,$2,x,$1,$3/mgr
		  =~ s/^(\d+),"(.*?)\n(.*?)",([\d.]+),(\S+)$/$5,"$2\n$3",x,$1,$4/mgr,
		[], [], "match_by 'name', ignore_case 'true'" ],
	marker => [ file("\\."), [30], ["\\."] ],
	nothing_right => [ join('', map { "\"$_\"\"\n" } 1 .. 200), [ 1 .. 60 ], [ map { "\"$_\"\"" } 2 .. 200 ] ],
);
s3_put_many($bucket, { map { ("$_/a.csv" => $files{$_}[0]) } keys %files });

sub columns
{
	return '(id int, name text, price numeric, day date)';
}

for my $name (sort keys %files)
{
	my ($bytes, $missing, $recorded, $options) = @{ $files{$name} };
	my $location = "s3://$bucket/$name/";
	my %missing = map { $_ => 1 } @$missing;

	psql("CREATE FOREIGN TABLE lax_$name " . columns() . ' SERVER s3 OPTIONS '
		  . "(location '$location', header 'true', tolerant 'true', on_error 'skip'"
		  . ($options ? ", $options" : '') . ')');

	# Tolerantly: all rows but those, and what is recorded.
	psql('SELECT s3_clear_rejected()');
	my ($out, $err) = psql_err("SELECT string_agg(id::text, ',' ORDER BY id) FROM lax_$name WHERE id <= 60");
	unlike($err, qr/ERROR/, "$name: tolerant") or next;
	is($out, join(',', grep { !$missing{$_} } 1 .. 60), "$name: rows");
	is(psql('SELECT raw_line FROM s3_rejected GROUP BY 1 ORDER BY raw_line COLLATE "C"'),
		join("\n", sort @$recorded), "$name: what is recorded");
	like($err, qr/NOTICE:.*foreign table "lax_$name": /, "$name: and told") if @$recorded;

	# Which rows they are does not depend on what is read.
	is(psql("SELECT count(*) = (SELECT count(*) FROM (SELECT * FROM lax_$name) s) FROM lax_$name"),
		't', "$name: count(*) and SELECT * agree");
	is(psql("SELECT bool_and(name LIKE '%name $_->[0]' AND price = $_->[0] + 0.5) FROM lax_$name WHERE id = $_->[0]"),
		't', "$name: values of row $_->[0]")
	  for @$missing < 60 ? ([29], [31]) : ();
	is(psql("SELECT name = E'two\\nlines 28' FROM lax_$name WHERE id = 28"),
		$name =~ /^cr/ ? 'f' : 't', "$name: a line end within quotes")
	  if @$missing < 60;
}

# Strictly: COPY's rows, or refused as by COPY.
{
	my ($differences) = compare_with_copy($bucket, map
		{
			my $name = $_;
			map {
				{ name => "$name, header $_", bytes => $files{$name}[0], format => 'csv', header => $_,
					columns => 'id int, name text, price numeric, day date' }
			} 0, 1
		} sort keys %files);
	is(join("\n", @$differences), '', 'strictly, as COPY takes them');
}

is(psql('SELECT name FROM lax_quote_within WHERE id = 30'), 'na"me 30', 'a quote within a field');
is(psql('SELECT name FROM lax_quotes_within_quotes WHERE id = 30'), 'na"me" 30', 'quotes within quotes');
is(psql('SELECT name FROM lax_quote_before_blank WHERE id = 30'), 'name 30', 'a blank behind a quote');
is(psql('SELECT name FROM lax_quote_after_blank WHERE id = 30'), ' "name 30"', 'a blank before a quote');

# In pieces of any size, the same records at the same places.
psql("CREATE FUNCTION unit_lines(data bytea, options text[], columns text[], needed bool[], "
	  . "middle text, header text[], piece int, places bool) RETURNS SETOF text[] AS '"
	  . unit_lib() . "' LANGUAGE C");
psql('CREATE TABLE bytes (name text, data bytea, options text[])');
for my $name (sort keys %files)
{
	my $options = $files{$name}[3] || '';
	my @options = ('format', 'csv', 'header', 'true', 'tolerant', 'true', $options =~ /(\w+) '([^']*)'/g);

	psql('INSERT INTO bytes VALUES (' . lit($name) . ", decode('" . unpack('H*', $files{$name}[0])
		  . "', 'hex'), ARRAY[" . join(', ', map { lit($_) } @options) . '])');
}
is(psql(q{
	SELECT string_agg(DISTINCT name || ' ' || piece, ', ')
	FROM bytes, unnest('{1,2,3,5,17,64,1000}'::int[]) piece
	WHERE (SELECT md5(string_agg(r::text, E'\n'))
			FROM unit_lines(data, options, '{id,name,price,day}', NULL, NULL, NULL, 1000000, true) r)
		IS DISTINCT FROM
		(SELECT md5(string_agg(r::text, E'\n'))
			FROM unit_lines(data, options, '{id,name,price,day}', NULL, NULL, NULL, piece, true) r)}),
	'', 'in pieces of any size');
is(psql("SELECT count(*) FROM bytes, unit_lines(data, options, '{id,name,price,day}', NULL, NULL, NULL, 7, true) "
	  . "WHERE name = 'clean'"), 60, 'that is, all');

# A large file, by line numbers and offsets.
{
	my $text = join('', map { line($_) . ($_ % 3 ? "\n" : $_ % 2 ? "\r" : "\r\n") } 1 .. 30000);

	s3_put($bucket, 'large/a.csv', $text);
	psql("CREATE FOREIGN TABLE large (id int, name text, price numeric, day date, "
		  . "at bigint OPTIONS (metadata 'byte_offset'), line bigint OPTIONS (metadata 'line_number')) "
		  . "SERVER s3 OPTIONS (location 's3://$bucket/large/', tolerant 'true')");
	is(psql("SELECT count(*), sum(id), max(line), count(*) FILTER (WHERE name LIKE E'two\\nlines%') FROM large"),
		'30000|450015000|33000|3000', 'a large file');
	like(substr($text, psql('SELECT at FROM large WHERE id = 29991')), qr/^29991,/, 'byte offsets');
}

# Lines of which each could be part of a record that has no end.
s3_put($bucket, 'endless/a.csv', qq("x\n) . qq(y","z\n) x 8000);
psql('CREATE FOREIGN TABLE endless ' . columns()
	  . " SERVER s3 OPTIONS (location 's3://$bucket/endless/', tolerant 'true', on_error 'skip')");
is((psql_err("SET statement_timeout = '60s'; SELECT count(*) FROM endless"))[0], 0, 'lines of quotes, in time');
is(psql("SELECT count(*) FROM s3_rejected WHERE object LIKE '%/endless/%'"), 8001, 'and each recorded');

# Encodings.
s3_put($bucket, 'encoding/a.csv', "1,caf\xe9\n2,caf\xc3\xa9\n3,\"\xe2\x82\n\",\n4,\xff\xfe,\n" . "5,ok\n" x 20000
	  . "6,\x00\xf0\x9f\n");
psql("CREATE FOREIGN TABLE encoding (id int, name text) SERVER s3 OPTIONS "
	  . "(location 's3://$bucket/encoding/', extra_fields 'ignore', encoding_errors 'replace')");
psql('SELECT s3_clear_rejected()');
is(psql(q(SELECT string_agg(id || ':' || replace(name, U&'\FFFD', '?'), ',' ORDER BY id) FROM encoding WHERE id <> 5)),
	"1:caf?,2:caf\xc3\xa9,3:??\n,4:??,6:???", 'bytes replaced');
is(psql("SELECT string_agg(line || ' ' || left(message, 21), ',' ORDER BY id) FROM s3_rejected WHERE sqlstate = '22021'"),
	'1 1 byte was replaced t,3 2 bytes were replaced,5 2 bytes were replaced,20006 3 bytes were replaced', 'and recorded')
  or diag(psql('SELECT * FROM s3_rejected'));
like((psql_err('ALTER FOREIGN TABLE encoding OPTIONS (DROP encoding_errors); SELECT * FROM encoding'))[1],
	qr/22021: invalid byte sequence/, 'else it is an error');
psql("ALTER FOREIGN TABLE encoding OPTIONS (ADD encoding 'euc_jp', ADD encoding_errors 'replace')");
is(psql(q(SELECT replace(name, U&'\FFFD', '?') FROM encoding WHERE id = 4)), '??', 'with a conversion');

# Strings that are too long.
s3_put($bucket, 'strings/a.csv', "1,abc,abc\n2,abcdef,abcdef\n3,\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9,abcd    \n");
psql("CREATE FOREIGN TABLE strings (id int, v varchar(4), c char(4)) SERVER s3 OPTIONS "
	  . "(location 's3://$bucket/strings/', truncate_strings 'true')");
psql('SELECT s3_clear_rejected()');
is(psql('SELECT * FROM strings'), "1|abc|abc \n2|abcd|abcd\n3|\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9|abcd", 'strings cut');
is(psql("SELECT string_agg(concat_ws(' ', line, column_name, column_type, raw_value, action), ',' ORDER BY id) FROM s3_rejected"),
	"2 v character varying(4) abcdef value cut,2 c character(4) abcdef value cut,"
	  . "3 v character varying(4) \xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 value cut", 'and recorded');
psql("ALTER FOREIGN TABLE strings OPTIONS (DROP truncate_strings)");
like((psql_err('SELECT * FROM strings'))[1], qr/22001: value too long/, 'else it is an error');

done_testing();
