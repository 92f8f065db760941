#-------------------------------------------------------------------------
#
# 076_aws_s3.pl
#		The extensions aws_commons and aws_s3: code written for RDS and Aurora.
#
# Calls are written as AWS documents them and as clients send them.  What an
# export writes is compared with the bytes of COPY TO, what an import reads with
# the rows of COPY FROM, for the same options.
#
# IDENTIFICATION
#		test/t/076_aws_s3.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;
use utf8;

use FindBin;
use IO::Compress::Gzip qw(gzip);
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'aws-s3-demo';
my $tmp = server_tmp();

s3_make_bucket($bucket);

# As migrations written for RDS have it, in any version that RDS had
psql(<<"SQL");
CREATE EXTENSION IF NOT EXISTS aws_s3 VERSION '1.1' CASCADE;
ALTER EXTENSION aws_s3 UPDATE TO '1.2';
ALTER EXTENSION aws_commons UPDATE;
CREATE EXTENSION IF NOT EXISTS aws_s3 WITH SCHEMA public CASCADE;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}', region 'us-west-2');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
SQL
is(psql("SELECT string_agg(extname || ' ' || extversion, ', ' ORDER BY extname) FROM pg_extension WHERE extname ~ 'aws|s3'"),
	'aws_commons 1.2, aws_s3 1.2, s3_fdw 1.0', 'the extensions');

# SQLSTATE and message, detail and hint of an error.
sub error_of
{
	my (undef, $error, $rc) = psql_err(@_);

	return 'no error' if $rc == 0;
	$error =~ s/^(?:LOCATION|STATEMENT):.*\n//mg;
	return $error;
}

sub gz
{
	my ($bytes) = @_;

	gzip(\$bytes => \my $packed) or die;
	return $packed;
}

#-------------------------------------------------------------------------
# Types, names, results
#-------------------------------------------------------------------------

is(psql("SELECT aws_commons.create_s3_uri('b', 'dir/f', 'us-west-2')"), '(b,dir/f,us-west-2)', 'an object');
is(psql("SELECT (aws_commons.create_s3_uri('b', 'f')).region IS NULL"), 't', 'without a region');
is(psql("SELECT aws_commons.create_aws_credentials('a', 's', '')"), '(a,s,"")', 'credentials');
is(psql("SELECT oid::regprocedure || ' ' || array_to_string(proargnames, ',') || ' ' || pg_get_function_result(oid) FROM pg_proc
	WHERE pronamespace IN ('aws_s3'::regnamespace, 'aws_commons'::regnamespace) ORDER BY 1"), <<'END' =~ s/\n\z//r, 'signatures');
aws_commons.create_aws_credentials(text,text,text) access_key,secret_key,session_token aws_commons._aws_credentials_1
aws_commons.create_s3_uri(text,text,text) bucket,file_path,region aws_commons._s3_uri_1
aws_s3.query_export_to_s3(text,aws_commons._s3_uri_1,text,text) query,s3_info,options,kms_key,rows_uploaded,files_uploaded,bytes_uploaded SETOF record
aws_s3.query_export_to_s3(text,text,text,text,text,text) query,bucket,file_path,region,options,kms_key,rows_uploaded,files_uploaded,bytes_uploaded SETOF record
aws_s3.table_import_from_s3(text,text,text,aws_commons._s3_uri_1) table_name,column_list,options,s3_info text
aws_s3.table_import_from_s3(text,text,text,aws_commons._s3_uri_1,aws_commons._aws_credentials_1) table_name,column_list,options,s3_info,credentials text
aws_s3.table_import_from_s3(text,text,text,text,text,text) table_name,column_list,options,bucket,file_path,region text
aws_s3.table_import_from_s3(text,text,text,text,text,text,text,text,text) table_name,column_list,options,bucket,file_path,region,access_key,secret_key,session_token text
END
is(psql("SELECT count(*) FROM pg_proc WHERE pronamespace IN ('aws_s3'::regnamespace, 'aws_commons'::regnamespace)
	AND (obj_description(oid, 'pg_proc') IS NULL OR has_function_privilege('public', oid, 'EXECUTE'))"),
	0, 'all have a comment, and EXECUTE is nobody\'s');

#-------------------------------------------------------------------------
# Calls as they are documented: export
#-------------------------------------------------------------------------

psql(<<"SQL");
CREATE TABLE sample_table (bid bigint PRIMARY KEY, name varchar(80));
INSERT INTO sample_table VALUES (1, 'Monday'), (2, 'Tuesday'), (3, 'Wednes:day');
SQL
my $uri = qq{SELECT aws_commons.create_s3_uri('$bucket', 'sample-filepath', 'us-west-2') AS s3_uri_1 \\gset\n};

sub exported
{
	my ($call, $key) = @_;

	s3_delete($bucket, $_) for s3_keys($bucket, '');
	my $result = psql($call);

	return "$result " . s3_get($bucket, $key || 'sample-filepath');
}

my $text = "1\tMonday\n2\tTuesday\n3\tWednes:day\n";
is(exported("${uri}SELECT * FROM aws_s3.query_export_to_s3('select * from sample_table', :'s3_uri_1');"),
	"3|1|32 $text", 'a query and an object');
is(exported("${uri}SELECT * FROM aws_s3.query_export_to_s3('select * from sample_table', :'s3_uri_1', options :='format text');"),
	"3|1|32 $text", 'options by name');
is(exported("SELECT * from aws_s3.query_export_to_s3('select * from sample_table', '$bucket', 'sample-filepath', 'us-west-2');"),
	"3|1|32 $text", 'bucket, file_path and region');
is(exported("SELECT * from aws_s3.query_export_to_s3('select * from sample_table', '$bucket', 'sample-filepath', 'us-west-2', options :='format csv, delimiter \$\$:\$\$');"),
	"3|1|34 1:Monday\n2:Tuesday\n3:\"Wednes:day\"\n", 'a delimiter in dollar quotes');
is(exported("SELECT * from aws_s3.query_export_to_s3('select * from sample_table', '$bucket', 'sample-filepath', options => 'format csv, header');"),
	"3|1|41 bid,name\n1,Monday\n2,Tuesday\n3,Wednes:day\n", 'without a region');
is(exported("SELECT * from aws_s3.query_export_to_s3('select * from sample_table', '$bucket', 'sample-filepath', 'us-west-2', 'csv header delimiter ''|''');"),
	"3|1|41 bid|name\n1|Monday\n2|Tuesday\n3|Wednes:day\n", 'the old syntax of COPY');
is(exported("SELECT * from aws_s3.query_export_to_s3(query => 'select * from sample_table', bucket => '$bucket', file_path => 'sample-filepath', region => 'us-west-2', options => '(format csv)');"),
	"3|1|32 1,Monday\n2,Tuesday\n3,Wednes:day\n", 'all by name, options in parentheses');
is(exported("SELECT rows_uploaded, files_uploaded, bytes_uploaded FROM aws_s3.query_export_to_s3('select * from sample_table', aws_commons.create_s3_uri('$bucket', 'a/b c+d%ü[1]*.csv', 'us-west-2'), 'format csv', '');", 'a/b c+d%ü[1]*.csv'),
	"3|1|32 1,Monday\n2,Tuesday\n3,Wednes:day\n", 'any key');
is(exported("SELECT * FROM aws_s3.query_export_to_s3('select * from sample_table where false', '$bucket', 'sample-filepath', options => 'format csv')"),
	'0|1|0 ', 'no rows');
is(exported("SELECT * from aws_s3.query_export_to_s3('select 1', '$bucket', 'sample-filepath', 'us-west-2'); "
	  . "SELECT * from aws_s3.query_export_to_s3('select 22', '$bucket', 'sample-filepath', 'us-west-2')"),
	"1|1|2\n1|1|3 22\n", 'an object that is there is replaced');
is(exported("SELECT (aws_s3.query_export_to_s3('VALUES (1)', '$bucket', 'sample-filepath')).*"), "1|1|2 1\n", 'in a select list');
is(exported("SELECT * FROM aws_s3.query_export_to_s3('UPDATE sample_table SET bid = bid WHERE bid = 2 RETURNING name;', '$bucket', 'sample-filepath')"),
	"1|1|8 Tuesday\n", 'RETURNING, and a semicolon');

psql("SELECT * FROM aws_s3.query_export_to_s3('select 1', '$bucket', 'encrypted', 'us-west-2', 'format csv', 'testkey-1')");
is(s3_head($bucket, 'encrypted')->{'x-amz-server-side-encryption'} . ' '
	  . s3_head($bucket, 'encrypted')->{'x-amz-server-side-encryption-aws-kms-key-id'}, 'aws:kms testkey-1', 'kms_key');

#-------------------------------------------------------------------------
# Calls as they are documented: import
#-------------------------------------------------------------------------

s3_put($bucket, 'sample.csv', "foo,bar,baz\nx,,z\n");
s3_put($bucket, 'pipes', "1|a|2020-01-01|x\n2|b||\n");
s3_put($bucket, 'test-data.gz', gz("a,b,c\nd,e,f\n"), 'Content-Encoding' => 'gzip');
s3_put($bucket, 'raw.gz', gz("a,b,c\n"));
s3_put($bucket, 'SampleFile', "caf\xe9,2,3\n");
s3_put($bucket, 'empty', '');
psql('CREATE TABLE t1 (col1 varchar(80), col2 varchar(80), col3 varchar(80))');
my $s3_uri = qq{SELECT aws_commons.create_s3_uri('$bucket', 'sample.csv', 'us-west-2') AS s3_uri \\gset\n};

sub imported
{
	my ($call) = @_;

	return psql("TRUNCATE t1; $call; SELECT * FROM t1");
}

my $rows = "foo|bar|baz\nx||z";
my $said = '2 rows imported into relation "t1" from file sample.csv of 17 bytes';
is(imported("${s3_uri}SELECT aws_s3.table_import_from_s3('t1', '', '(format csv)', :'s3_uri')"), "$said\n$rows",
	'table, columns, options and an object');
is(imported("SELECT aws_s3.table_import_from_s3('t1', '', '(format csv)', aws_commons.create_s3_uri('$bucket', 'sample.csv', 'us-west-2'), aws_commons.create_aws_credentials('demokey', 'demosecret', ''))"),
	"$said\n$rows", 'with credentials');
is(imported("SELECT aws_s3.table_import_from_s3('t1', '', '(format csv)', aws_commons.create_s3_uri('$bucket', 'sample.csv', 'us-west-2'), NULL)"),
	"$said\n$rows", 'with none');
is(imported("SELECT aws_s3.table_import_from_s3('t1', '', '(format csv)', '$bucket', 'sample.csv', 'us-west-2')"),
	"$said\n$rows", 'bucket, file_path and region');
is(imported("SELECT aws_s3.table_import_from_s3('t1', '', '(format csv)', '$bucket', 'sample.csv', 'us-west-2', 'demokey', 'demosecret', '')"),
	"$said\n$rows", 'with keys');
is(imported("SELECT aws_s3.table_import_from_s3('t1', '', '(format csv)', '$bucket', 'sample.csv', 'us-west-2', 'demokey', 'demosecret')"),
	"$said\n$rows", 'and without a token');
is(imported("SELECT aws_s3.table_import_from_s3(table_name => 't1', column_list => 'col3, \"col2\",COL1', options => 'csv null as ''x''', bucket => '$bucket', file_path => 'sample.csv', region => 'us-west-2')"),
	"$said\nbaz|bar|foo\nz||", 'columns, and the old syntax');
is(imported("SELECT split_part(aws_s3.table_import_from_s3('public.t1', '  ', '(FORMAT CSV, NULL ''foo'')', '$bucket', 'sample.csv', 'us-west-2'), ' ', 1)::int"),
	"2\n|bar|baz\nx||z", 'the number that clients take from the result');
is(psql("CREATE TABLE test (a text, b text, d date, e text); SELECT aws_s3.table_import_from_s3('test', 'a,b,d,e', 'DELIMITER ''|'' NULL ''''', "
	  . "aws_commons.create_s3_uri('$bucket', 'pipes', 'us-west-2')); SELECT * FROM test"),
	qq{2 rows imported into relation "test" from file pipes of 23 bytes\n1|a|2020-01-01|x\n2|b||}, 'pipes');
like(imported("SELECT aws_s3.table_import_from_s3('t1', '', '(format csv)', '$bucket', 'test-data.gz', 'us-west-2')"),
	qr/^2 rows imported into relation "t1" from file test-data.gz of \d+ bytes\na\|b\|c\nd\|e\|f$/, 'gzip, as its Content-Encoding says');
like(error_of("SELECT aws_s3.table_import_from_s3('t1', '', '(format csv)', '$bucket', 'raw.gz', 'us-west-2')"),
	qr/22021|22P04|22P02/, 'but not as its name or its bytes say');
is(imported("SELECT aws_s3.table_import_from_s3('t1', '', 'format csv, encoding ''WIN1252''', '$bucket', 'SampleFile', 'us-west-2')"),
	qq{1 rows imported into relation "t1" from file SampleFile of 9 bytes\ncaf\xc3\xa9|2|3}, 'an encoding');
like(error_of("SELECT aws_s3.table_import_from_s3('t1', '', '(format csv)', '$bucket', 'empty', 'us-west-2')"),
	qr/22000: object "s3:\/\/$bucket\/empty" is empty/, 'an empty object');
like(error_of("SELECT aws_s3.table_import_from_s3('t1', '', '(format csv)', '$bucket', 'absent', 'us-west-2')"),
	qr/58P01: could not look up "s3:\/\/$bucket\/absent"/, 'none');

#-------------------------------------------------------------------------
# The oracle: COPY with the same options
#-------------------------------------------------------------------------

psql(<<'SQL');
CREATE TYPE mood AS ENUM ('sad', 'o,k');
CREATE DOMAIN word AS text CHECK (value <> 'never');
CREATE TABLE everything (i int, b bigint, n numeric, f float8, t text, v varchar(20), c char(5), d date, ts timestamp,
	tz timestamptz, bo boolean, by bytea, j jsonb, a text[], m mood, u uuid, w word, iv interval, ip inet);
INSERT INTO everything VALUES
	(1, 2, 3.140, 1e300, E'tab\tquote"comma,pipe|back\\slash', 'x', 'y', '2024-02-29', '2024-02-29 12:34:56.789', '2024-02-29 12:00+02', true,
	 '\x00ff', '{"a": [1, null]}', '{a,"b c",NULL}', 'o,k', '00000000-0000-0000-0000-000000000001', 'w', '1 mon 2 days', '10.0.0.1/8'),
	(NULL, NULL, 'NaN', '-Infinity', E'line\nfeed\r\n', '', '', '-infinity', 'infinity', NULL, NULL, '', '"s"', '{}', 'sad', NULL, '', NULL, NULL),
	(-1, 9223372036854775807, 1e40, 0.1, '\N', '\.', 'null', '0044-03-15 BC', NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, 'é', '1 sec', '::1');
INSERT INTO everything (i, t) SELECT g, repeat('ä"' || g, g % 50) FROM generate_series(1, 3000) g;
SQL

my $n = 0;
for my $options (
	'format text', 'format csv', 'format binary', 'format csv, header', 'format csv, header false, delimiter $$;$$',
	'format text, header true', "format text, delimiter '|', null 'NULL'", "format csv, quote '''', escape '/'",
	'format csv, force_quote (t, a, "m")', 'format csv, force_quote *, null $$NULL$$', "format csv, encoding 'utf16'",
	"format csv, encoding 'latin1'", "format text, encoding 'WIN1252'", "format csv, delimiter E'\\t'",
	'format binary, encoding WIN1253', 'format csv, null $$"$$', 'format csv, delimiter $$ab$$', 'format csv, format text',
	'format xml', 'force_quote (t)', 'format csv, force_quote (nope)', 'format csv, force_null (t)', 'format csv, header match',
	'format csv, nonsense 1', 'format binary, delimiter $$,$$', 'format csv, delimiter')
{
	my $query = 'SELECT * FROM everything';
	my $path = "$tmp/copy." . ++$n;
	my $copy = error_of("COPY ($query) TO '$path' ($options)");
	my $export = error_of("SELECT * FROM aws_s3.query_export_to_s3('$query', '$bucket', 'oracle', 'us-west-2', " . lit($options) . ')');

	if ($copy ne 'no error')
	{
		# The message is the same; the place is another.
		my ($message) = $copy =~ /^.*?ERROR:  (.*)$/m;

		like($export, qr/\Q$message\E/, "export fails as COPY does: $options");
		next;
	}
	is($export, 'no error', "export: $options") or next;
	my $same = s3_get($bucket, 'oracle') eq slurp($path);
	ok($same, "bytes of COPY TO: $options");

	# And back
	my $from = $options =~ s/, force_quote (?:\(.*\)|\*)//r;
	is(psql("CREATE TABLE by_copy (LIKE everything); CREATE TABLE by_import (LIKE everything);
		COPY by_copy FROM '$path' ($from);
		SELECT split_part(aws_s3.table_import_from_s3('by_import', '', " . lit("($from)") . ", '$bucket', 'oracle', 'us-west-2'), ' ', 1);
		SELECT count(*) FROM (TABLE by_copy EXCEPT ALL TABLE by_import) x;
		SELECT count(*) FROM (TABLE by_import EXCEPT ALL TABLE by_copy) x;
		DROP TABLE by_copy, by_import"), "3003\n0\n0", "rows of COPY FROM: $options");
}

# Without the option, the encoding is the client's.
for my $format ('csv', 'text', 'binary')
{
	my $path = "$tmp/client.$format";

	psql("SET client_encoding = 'LATIN1'; COPY (SELECT t, w FROM everything WHERE i <= 10) TO '$path' (format $format);"
		  . "SELECT * FROM aws_s3.query_export_to_s3('SELECT t, w FROM everything WHERE i <= 10', '$bucket', 'client', options := 'format $format')");
	ok(s3_get($bucket, 'client') eq slurp($path) && slurp($path) =~ /\xe4/, "the client's encoding: $format");
	is(psql("CREATE TEMP TABLE back (t text, w text); SET client_encoding = 'LATIN1';"
		  . "SELECT split_part(aws_s3.table_import_from_s3('back', '', '(format $format)', '$bucket', 'client'), ' ', 1);"
		  . "SELECT count(*) FROM (TABLE back EXCEPT ALL SELECT t, w FROM everything) x"), "12\n0", 'and back');
}

# Large objects, in many ranges
for my $gzip (0, 1)
{
	my $lines = join '', map { "$_,\"" . ('x' x ($_ % 97)) . "\n\"\n" } 1 .. 100_000;

	s3_put($bucket, 'large', $gzip ? gz($lines) : $lines, $gzip ? ('Content-Encoding' => 'gzip') : ());
	is(psql("SET s3_fdw.range_size = '64kB'; CREATE TEMP TABLE large (a int, b text);
		SELECT split_part(aws_s3.table_import_from_s3('large', '', '(format csv)', '$bucket', 'large', 'us-west-2'), ' ', 1);
		SELECT count(*), sum(a), sum(length(b)) FROM large"),
		"100000\n100000|5000050000|" . eval { my $s = 0; $s += $_ % 97 + 1 for 1 .. 100_000; $s }, 'a large object' . ($gzip ? ', packed' : ''));
}

#-------------------------------------------------------------------------
# Several files
#-------------------------------------------------------------------------

s3_delete($bucket, $_) for s3_keys($bucket, '');
is(psql("SET s3_fdw.aws_file_size = '100kB'; SELECT * FROM aws_s3.query_export_to_s3('SELECT g, repeat(''x'', 90) FROM generate_series(1, 3000) g', '$bucket', 'dir/many', 'us-west-2', 'format csv, header')"),
	'3000|3|' . (3 * 9 + 9 * 1 + 90 * 2 + 900 * 3 + 2001 * 4 + 3000 * 92), 'three files');
is(join(' ', s3_keys($bucket, '')), 'dir/many dir/many_part2 dir/many_part3', 'their names');
my @files = map { s3_get($bucket, $_) } s3_keys($bucket, '');
is(scalar(grep { /^g,repeat\n\d+,x{90}\n/ && /\n\z/ && length() <= 100 * 1024 + 200 } @files), 3, 'each is complete, and of its size');
is(join('', map { s/^g,repeat\n//r } @files), join('', map { "$_," . 'x' x 90 . "\n" } 1 .. 3000), 'together they are all rows, in order');
is(psql("SET s3_fdw.aws_file_size = '1kB'; SELECT rows_uploaded, files_uploaded FROM aws_s3.query_export_to_s3('SELECT g FROM generate_series(1, 300) g', '$bucket', 'binary', 'us-west-2', 'format binary')"),
	'300|3', 'also of the binary format');
is(psql("CREATE TABLE numbers (n int); " . join('', map { "SELECT aws_s3.table_import_from_s3('numbers', '', '(format binary)', '$bucket', 'binary$_', 'us-west-2'); " } '', '_part2', '_part3')
	  . "SELECT count(*), sum(n) FROM numbers") =~ s/.*\n//sr, '300|45150', 'each of which can be imported');

#-------------------------------------------------------------------------
# What fails leaves nothing
#-------------------------------------------------------------------------

s3_delete($bucket, $_) for s3_keys($bucket, '');
like(error_of("SET s3_fdw.aws_file_size = '1kB'; SELECT * FROM aws_s3.query_export_to_s3('SELECT 1 / (2000 - g) FROM generate_series(1, 3000) g', '$bucket', 'broken')"),
	qr/22012: division by zero/, 'a query that fails in its midst');
is(join(' ', s3_keys($bucket, '')), '', 'leaves no object');
is(scalar(my @uploads = s3_uploads($bucket)), 0, 'and no upload');
s3_put($bucket, 'bad.csv', "1,a,x\nb\n");
like(error_of("SELECT aws_s3.table_import_from_s3('t1', '', '(format csv)', '$bucket', 'bad.csv', 'us-west-2')"),
	qr/22P04: missing data for column "col2"\nCONTEXT:  COPY t1, line 2: "b"/, 'a bad line, told as COPY tells it');

#-------------------------------------------------------------------------
# Nothing breaks out
#-------------------------------------------------------------------------

psql('TRUNCATE t1; CREATE TABLE victim (a text)');
s3_put($bucket, 'row.csv', "a,b,c\n");

sub import_error
{
	my ($table, $columns, $options) = @_;

	return error_of('SELECT aws_s3.table_import_from_s3(' . join(', ', map { lit($_) } $table, $columns, $options, $bucket, 'row.csv', 'us-west-2') . ')');
}

for my $table ('t1; DROP TABLE victim', 't1 (col1) FROM PROGRAM $$true$$ --', "t1 FROM '/etc/passwd' --", '(SELECT 1)', '', 't1 t2', '"t1', 'a.b.c.d',
	't1"; DROP TABLE victim; --')
{
	like(import_error($table, '', '(format csv)'), qr/ERROR:  (?:42602|42P01|42601|0A000): (?:invalid name syntax|improper|cross-database|relation)/, "table_name: $table");
}
for my $columns ('col1) FROM STDIN; DROP TABLE victim; --', 'col1, col2) FROM PROGRAM $$true$$ --', 'col1,', '"col1', 'col1 col2', '*')
{
	like(import_error('t1', $columns, '(format csv)'), qr/ERROR:  (?:42602: invalid column_list|42703: column ".*" of relation "t1" does not exist)/s,
		"column_list: $columns");
}
like(import_error('t1', 'col1,col1,col2', '(format csv)'), qr/42701: column "col1" specified more than once/, 'a column twice');
for my $options (
	'(format csv); DROP TABLE victim', '(format csv); DROP TABLE victim; --', '(format csv) WHERE (SELECT true)', 'csv WHERE true',
	'format csv) WHERE (true', 'format csv); DROP TABLE victim; SELECT (1', "csv; COPY victim FROM PROGRAM 'true'", '(format csv', 'format csv)',
	'(format csv) -- ; DROP TABLE victim', "csv /* */; DROP TABLE victim", "format csv, delimiter ',') ; DROP TABLE victim; --", 'TO STDOUT', "\x{1}")
{
	my $error = import_error('t1', '', $options);

	if ($options =~ /^\(format csv\) --/)
	{
		is($error, 'no error', 'a comment is no harm');
		next;
	}
	like($error, qr/ERROR:  42601: (?:syntax error|options must be options of COPY and nothing else|option "to" not recognized)/, "options: $options");
}
like((psql_err("SELECT aws_s3.table_import_from_s3('t1', '', '(format csv, deli miter 1)', '$bucket', 'row.csv', 'us-west-2')"))[1],
	qr/syntax error at or near "1"\nLINE 1: \(format csv, deli miter 1\)\n +\^/, 'the position of a fault is one in the options');
for my $query ('SELECT 1; DROP TABLE victim', 'DROP TABLE victim', "COPY victim FROM PROGRAM 'true'", 'SELECT 1 INTO x', 'DELETE FROM victim', '', ';',
	'SELECT 1) TO STDOUT; DROP TABLE victim; --', 'BEGIN', 'CREATE TABLE x AS SELECT 1', 'EXPLAIN SELECT 1')
{
	like(error_of("SELECT * FROM aws_s3.query_export_to_s3(" . lit($query) . ", '$bucket', 'never')"),
		qr/ERROR:  (?:42601|0A000|42P13):/, "query: $query");
}
for my $object ("'bad/bucket', 'x'", "'$bucket', ''", "'A', 'x'", "NULL, 'x'", "'$bucket', NULL", "'169.254.169.254/', 'x'", "'$bucket', repeat('x', 1025)")
{
	like(error_of("SELECT * FROM aws_s3.query_export_to_s3('SELECT 1', $object)"), qr/ERROR:  (?:22023|22004):/, "bucket and file_path: $object");
}
like(error_of("SELECT * FROM aws_s3.query_export_to_s3('SELECT 1', '$bucket', 'never', kms_key => E'k\\r\\nx-amz-acl: public-read')"),
	qr/22023: invalid kms_key/, 'kms_key adds no header');
is(psql('SELECT count(*) FROM victim') . join(' ', s3_keys($bucket, 'never')), 0, 'nothing has happened');
like(error_of("SELECT * FROM aws_s3.query_export_to_s3('SELEC 1', '$bucket', 'never')"),
	qr/42601: syntax error at or near "SELEC"\nLINE 1: SELEC 1\n +\^\nQUERY:  SELEC 1/, 'a syntax error in the query');
like(error_of("SELECT aws_s3.table_import_from_s3('t1', '', '(format csv)', '$bucket', 'row.csv', 'us-west-2', 'akey', 'a-secret', 'a-token')"),
	qr/42501: could not look up(?!.*(?:a-secret|a-token))/s, 'keys that nobody knows; the secret is not told');

#-------------------------------------------------------------------------
# Privileges, as COPY and the servers have them
#-------------------------------------------------------------------------

psql(<<"SQL");
DROP ROLE IF EXISTS aws_user;
CREATE ROLE aws_user LOGIN;
CREATE TABLE columns (a text, b text, c text);
CREATE TABLE rls (a text, b text, c text);
ALTER TABLE rls ENABLE ROW LEVEL SECURITY;
CREATE VIEW a_view AS SELECT * FROM t1;
CREATE TABLE parted (a text, b text, c text) PARTITION BY LIST (a);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES IN ('a');
CREATE TABLE generated (a text, b text, c text, d text GENERATED ALWAYS AS (a || b) STORED, e int DEFAULT 5);
SQL
my $import = "SELECT split_part(aws_s3.table_import_from_s3('%s', '%s', '(format csv)', '$bucket', 'row.csv', 'us-west-2'), ' ', 1)";
my %user = (user => 'aws_user');

like(error_of(sprintf($import, 't1', ''), %user), qr/42501: permission denied for schema aws_s3/, 'no right at all');
psql('GRANT USAGE ON SCHEMA aws_s3, aws_commons TO aws_user');
like(error_of(sprintf($import, 't1', ''), %user), qr/42501: permission denied for function table_import_from_s3/, 'EXECUTE is needed');
like(error_of("SELECT * FROM aws_s3.query_export_to_s3('SELECT 1', '$bucket', 'x')", %user),
	qr/42501: permission denied for function query_export_to_s3/, 'for both');
psql('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA aws_s3, aws_commons TO aws_user');
like(error_of(sprintf($import, 't1', ''), %user), qr/42501: permission denied for table t1/, 'INSERT on the table');
psql('GRANT INSERT ON t1, rls, generated TO aws_user; GRANT INSERT (a, b) ON columns TO aws_user');
like(error_of(sprintf($import, 't1', ''), %user), qr/HV00N: there is no server of s3_fdw that you may use/, 'USAGE on the server');
psql('GRANT USAGE ON FOREIGN SERVER s3 TO aws_user');
like(error_of(sprintf($import, 't1', ''), %user), qr/42704: user mapping not found for/, 'and keys');
like((psql_err(sprintf($import, 't1', ''), %user))[1], qr/HINT:.*CREATE USER MAPPING FOR aws_user SERVER s3 OPTIONS/, 'with a hint');
is(psql("SELECT split_part(aws_s3.table_import_from_s3('t1', '', '(format csv)', '$bucket', 'row.csv', 'us-west-2', 'demokey', 'demosecret', ''), ' ', 1)", %user),
	1, 'the call\'s');
psql("CREATE USER MAPPING FOR aws_user SERVER s3 OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret')");
is(psql(sprintf($import, 't1', ''), %user), 1, 'or those of a mapping');
like(error_of(sprintf($import, 'columns', ''), %user), qr/42501: permission denied for table columns/, 'all columns');
like(error_of(sprintf($import, 'columns', 'a,c,b'), %user), qr/42501: permission denied for table columns/, 'or those listed');
like(error_of(sprintf($import, 'columns', 'a,b'), %user), qr/22P04: extra data after last expected column/, 'which is enough');
like(error_of(sprintf($import, 'rls', ''), %user), qr/0A000: COPY FROM not supported with row-level security\nHINT:  Use INSERT/, 'row security');
is(psql(sprintf($import, 'rls', '')), 1, 'which does not concern everybody');
like(error_of("SELECT * FROM aws_s3.query_export_to_s3('SELECT * FROM t1', '$bucket', 'x')", %user), qr/42501: permission denied for table t1/,
	'an export\'s query is the user\'s');
like(error_of('SET default_transaction_read_only = on; ' . sprintf($import, 't1', '')),
	qr/25006: cannot execute COPY FROM in a read-only transaction/, 'a read-only transaction');
is(psql('CREATE TEMP TABLE mine (LIKE t1); SET default_transaction_read_only = on; ' . sprintf($import, 'mine', '')), 1, 'but a temporary table');
like(error_of(sprintf($import, 'a_view', '')), qr/42809: cannot copy to view "a_view"/, 'a view');
is(psql(sprintf($import, 'parted', '') . '; SELECT * FROM parted_a'), "1\na|b|c", 'a partitioned table');
like(error_of(sprintf($import, 'generated', 'a,b,d')), qr/42P10: column "d" is a generated column/, 'a generated column');
is(psql(sprintf($import, 'generated', 'b,a,c') . '; SELECT * FROM generated'), "1\nb|a|c|ba|5", 'defaults and generated columns');

# Functions, triggers, savepoints
is(psql(<<"SQL"), "1\n3|2\n0", 'an import by a trigger of an import, and by a block that goes on after an error');
CREATE TABLE outer_table (a text, b text, c text);
CREATE TABLE inner_table (a text, b text, c text);
CREATE FUNCTION nested() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
	BEGIN
		PERFORM aws_s3.table_import_from_s3('inner_table', '', '(format csv)', '$bucket', 'bad.csv', 'us-west-2');
	EXCEPTION WHEN bad_copy_file_format THEN
		NULL;
	END;
	PERFORM aws_s3.table_import_from_s3('inner_table', '', '(format csv)', '$bucket', 'row.csv', 'us-west-2');
	RETURN new;
END \$\$;
CREATE TRIGGER nested BEFORE INSERT ON outer_table FOR EACH ROW EXECUTE FUNCTION nested();
@{[ sprintf($import, 'outer_table', '') ]};
DO \$\$
BEGIN
	PERFORM aws_s3.table_import_from_s3('outer_table', '', '(format csv)', '$bucket', 'row.csv', 'us-west-2');
	PERFORM aws_s3.table_import_from_s3('inner_table', '', '(format csv)', '$bucket', 'row.csv', 'us-west-2');
END \$\$;
SELECT (SELECT count(*) FROM inner_table), (SELECT count(*) FROM outer_table);
BEGIN;
TRUNCATE outer_table, t1;
\\o /dev/null
@{[ sprintf($import, 't1', '') ]};
\\o
ROLLBACK;
BEGIN;
TRUNCATE inner_table;
SELECT count(*) FROM inner_table;
COMMIT;
SQL

#-------------------------------------------------------------------------
# Regions
#-------------------------------------------------------------------------

psql(<<"SQL");
CREATE SERVER east FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}', region 'us-east-1');
CREATE USER MAPPING FOR CURRENT_USER SERVER east OPTIONS (access_key_id 'otherkey', secret_access_key 'othersecret');
SQL
is(psql(sprintf($import, 't1', '')), 1, 'of two servers that of the region');
like(error_of(sprintf($import, 't1', '') =~ s/us-west-2/us-east-1/r), qr/42501: could not look up/, 'and of the other region the other, with its keys');
like(error_of(sprintf($import, 't1', '') =~ s/us-west-2/eu-west-1/r), qr/HV00N: no server of s3_fdw is for region "eu-west-1"/, 'a third region');
like(error_of("SELECT * FROM aws_s3.query_export_to_s3('SELECT 1', '$bucket', 'x')"),
	qr/HV00N: several servers of s3_fdw are for role "default"\n.*\nHINT:  .*ALTER SERVER \w+ OPTIONS \(ADD iam_role 'default'\)/, 'none');
psql("ALTER SERVER s3 OPTIONS (ADD iam_role 'default')");
is(psql("SELECT * FROM aws_s3.query_export_to_s3('SELECT 1', '$bucket', 'x')"), '1|1|2', 'unless one is the default');

psql('DROP OWNED BY aws_user; DROP ROLE aws_user');
is(psql('DROP EXTENSION aws_commons, aws_s3; SELECT count(*) FROM pg_namespace WHERE nspname ~ $$^aws$$'), 0, 'they can be dropped');
done_testing();
