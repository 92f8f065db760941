#-------------------------------------------------------------------------
#
# 048_export_formats.pl
#		The bytes of an exported object: those of COPY (query) TO with the same
#		options, of every type, and what comes back through a foreign table.
#
# S3_TEST_SEED chooses other random values, S3_TEST_SCALE more of them.
#
# IDENTIFICATION
#		test/t/048_export_formats.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $seed = $ENV{S3_TEST_SEED} || 48;
my $scale = $ENV{S3_TEST_SCALE} || 1;
srand $seed;
note "seed $seed";

my $bucket = 'formats';
my $path = server_tmp() . '/copied';

sub pick
{
	return $_[ int rand @_ ];
}

s3_make_bucket($bucket);
psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE types (id int, i2 int2, i8 int8, f4 float4, f8 float8, n numeric, t text, v varchar, c char(5),
	b boolean, d date, ts timestamp, tz timestamptz, tm time, iv interval, by bytea, j json, jb jsonb,
	ta text[], ia int[], p pair, u uuid, net inet, r int4range, x "char", bits varbit);
INSERT INTO types VALUES
	(1, -32768, 9223372036854775807, 1.5, 0.1, 1e-20, E'tab\\t nl\\n cr\\r bs\\\\ bk\\b ff\\f vt\\v soh\\x01', '', 'ab', true,
	 '2026-01-02', '2026-01-02 03:04:05.678', '2026-01-02 03:04:05+02', '03:04:05', '1 mon -3 days 04:05:06.7',
	 '\\x00ff5c', '{"a": "b\\\\n"}', '{"a": [1, null]}', '{a,NULL,"",",","\\\\"}', '{1,NULL}', '(1,"x,y")',
	 '00000000-0000-0000-0000-000000000001', '10.0.0.1/8', '[1,5)', 'q', B'101'),
	(2, 0, 0, 'NaN', '-Infinity', 'NaN', '\\N', '\\.', '', false, 'infinity', '-infinity', 'infinity', '24:00', '0',
	 '', 'null', 'null', '{}', '{}', '(,)', NULL, '::1', 'empty', '', B''),
	(3, 5, -1, '-0', 1e300, '-12345678901234567890.10', 'é日', '"', '|', NULL, '0044-03-15 BC', '0044-03-15 BC',
	 '1000-01-01', NULL, '-1 year', '\\x0a', '[]', '"x"', '{{a,b},{c,d}}', '{{1}}', '(,"")', NULL, NULL, NULL, 'z', NULL);
INSERT INTO types VALUES (4);
SQL

#-------------------------------------------------------------------------
# Text and CSV are what COPY writes
#-------------------------------------------------------------------------

my @failed;

# Write the rows of a query with COPY and with s3_export().
sub compare
{
	my ($query, $settings, %opts) = @_;
	my @copy = ("FORMAT $opts{format}");
	my @export;

	for my $name (sort keys %opts)
	{
		push @copy, "$name " . lit($opts{$name}) if $name !~ /^(?:format|header)$/;
		push @copy, "header $opts{$name}" if $name eq 'header';
		push @export, ($name eq 'null' ? '"null"' : $name) . ' => ' . lit($opts{$name});
	}
	psql("$settings;\nCOPY ($query) TO " . lit($path) . ' (' . join(', ', @copy) . ");\n"
		  . 'SELECT rows FROM s3_export(' . lit($query) . ", 's3://$bucket/o', overwrite => 'replace', "
		  . join(', ', @export) . ')');
	my ($copied, $exported) = (slurp($path), s3_get($bucket, 'o'));
	push @failed, "$query, $settings: " . join(', ', @export) . "\n$copied---\n$exported"
	  if $copied ne $exported;
}

for my $format ('text', 'csv')
{
	for my $settings ('SET datestyle = ISO', "SET datestyle = 'German'", "SET datestyle = 'SQL, MDY'; SET intervalstyle = iso_8601",
		"SET timezone = 'Asia/Kathmandu'; SET bytea_output = escape; SET extra_float_digits = -5")
	{
		compare('TABLE types', $settings, format => $format);
		for my $delimiter (',', '-', '+', '/', ':', 'N', ' ', "\x01", "\x08")
		{
			compare('TABLE types', $settings, format => $format, header => 'true', delimiter => $delimiter, null => 'none');
		}
	}
	compare('SELECT t FROM types WHERE id < 3', '', format => $format, encoding => 'latin1');
	compare("SELECT E'\\\\.' AS \"\\\\.\"", '', format => $format, header => 'true');
	compare("SELECT U&'\\8868\\30BD|\\FF5C\\005C|' AS \"\x{8868}|\\\", 1", '', format => $format, header => 'true',
		encoding => 'sjis', delimiter => '|', null => "\x{8868}");
	compare("SELECT U&'\\8868\\30BD|\\FF5C\\005C|', 1", '', format => $format, encoding => 'gb18030', delimiter => '|');
	compare('SELECT FROM generate_series(1, 3)', '', format => $format);
	compare('SELECT 1 AS a WHERE false', '', format => $format, header => 'true');
}

my @pieces = (undef, '', 'x', '\\', '.', '\\.', '\\N', 'N', ',', '|', "\t", "\n", "\r", "\b", "\f", "\x0b", "\x01", "\x7f",
	"\x{e9}", "\x{1f600}", 'a' x 70, '"', ' ');
for my $n (1 .. 40 * $scale)
{
	my $rows = join ', ', map {
		'(' . join(', ', map {
			my @parts = map { pick(@pieces) } 1 .. pick(1, 1, 2, 5);
			(grep { !defined } @parts) ? 'NULL' : lit(join '', @parts) . '::text';
		} 1 .. 3) . ')'
	} 1 .. 30;

	my $delimiter = pick(',', '|', "\t", 'N', ' ', "\x01", "\x0b", ';');

	compare("VALUES $rows", '', format => pick('text', 'text', 'csv'), header => pick('true', 'false'),
		delimiter => $delimiter, null => pick($delimiter eq 'N' ? 'x' : '\\N', '', 'null', '.'));
}
is(join("\n", @failed), '', "the bytes are those of COPY TO");

#-------------------------------------------------------------------------
# And back
#-------------------------------------------------------------------------

# Every value must be the same, in its type's own text.
my %how = (
	csv => ["header => true", "header 'match'"],
	text => ["header => true", "header 'match'"],
	lines => ["format => 'json'", "format 'json'"],
	array => ["format => 'json', \"array\" => true", "format 'json'"]);
for my $name (sort keys %how)
{
	my ($write, $read) = @{ $how{$name} };

	$write .= ", format => 'text'" if $name eq 'text';
	$read .= ", format 'text'" if $name eq 'text';
	# JSON has no way to say what NULL json is, and takes the numbers of non-finite
	# floats as strings.
	my $columns = $name =~ /csv|text/ ? '*' : 'id, i2, i8, f4, f8, n, t, v, c, b, d, ts, tz, tm, iv, by, ta, ia, p, u, net, r, bits';
	for my $codec ('none', 'gzip', 'zstd', 'bzip2', 'xz', 'lz4')
	{
		my $result = psql("SET timezone = 'UTC';"
			  . "SELECT FROM s3_export('SELECT $columns FROM types', 's3://$bucket/back', overwrite => 'replace', "
			  . "compression => '$codec', $write);\n"
			  . "CREATE TEMP TABLE wanted AS SELECT $columns FROM types;\n"
			  . "DO \$\$ BEGIN EXECUTE (SELECT format('CREATE FOREIGN TABLE got (%s) SERVER s3 OPTIONS (location ''s3://$bucket/back'', compression %L, %s)', "
			  . "string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum), '$codec', "
			  . lit($read) . ") FROM pg_attribute WHERE attrelid = 'wanted'::regclass AND attnum > 0); END \$\$;\n"
			  . "SELECT count(*) FROM wanted w JOIN got g ON w.id = g.id AND w::text = g::text;\n"
			  . 'SELECT w, g FROM wanted w JOIN got g ON w.id = g.id AND w::text <> g::text;'
			  . 'DROP FOREIGN TABLE got');
		is($result, 4, "$name, $codec: every value comes back");
	}
}

s3_drop_bucket($bucket);
done_testing();
