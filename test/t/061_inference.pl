#-------------------------------------------------------------------------
#
# 061_inference.pl
#		Schemas told from samples: types against the server's input functions,
#		hostile names, dialects, drift between objects, published data.
#
# IDENTIFICATION
#		test/t/061_inference.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use JSON::PP ();
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'inference';
s3_make_bucket($bucket);
psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE FUNCTION accepts(value text, type text) RETURNS text LANGUAGE plpgsql AS \$\$
DECLARE r text;
BEGIN
	EXECUTE format('SELECT %L::%s::text', value, type) INTO r;
	RETURN r;
EXCEPTION WHEN OTHERS THEN RETURN NULL;
END\$\$;
SQL

my $serial = 0;

# "name type" of the columns that objects have; or the error.
sub infer
{
	my ($objects, %args) = @_;
	my $prefix = 'case' . ++$serial . '/';
	my $wanted = delete $args{wanted} || "column_name || ' ' || type";
	my $stated = join '', map { ", $_ => " . lit($args{$_}) } sort keys %args;

	$objects = { 'a.csv' => $objects } if !ref $objects;
	s3_put_many($bucket, { map { ("$prefix$_" => $objects->{$_}) } keys %$objects });
	my ($out, $err) = psql_err("SELECT $wanted FROM s3_infer_schema('s3://$bucket/$prefix'$stated)");
	return wantarray ? ($out, $err) : $out;
}

# The same, and make a table t of it.
sub import_case
{
	my ($objects, %options) = @_;
	my $prefix = 'case' . ++$serial . '/';

	s3_put_many($bucket, { map { ("$prefix$_" => $objects->{$_}) } keys %$objects });
	my $options = join ', ', map { "$_ " . lit($options{$_}) } sort keys %options;
	return psql_err(<<"SQL");
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS i CASCADE;
CREATE SCHEMA i;
IMPORT FOREIGN SCHEMA "s3://$bucket/$prefix" FROM SERVER s3 INTO i @{[$options ? "OPTIONS ($options)" : '']};
SQL
}

#-------------------------------------------------------------------------
# Types
#-------------------------------------------------------------------------

# What a type is guessed from is taken by its input function, and comes back
# the same but for what is no part of the value.
{
	my @values = (
		0, 1, -1, '-0', '007', '+5', ' 5', '5 ', '1073741823', '1073741824', '-2147483649', '9223372036854775807',
		'9223372036854775808', '-9223372036854775808', '123456789012345678901234567890', '1.5', '.5', '5.', '.', '-.5',
		'00.5', '0.50', '1e5', '1E-5', '1e400', '1e-400', '1e', 'e5', '1e+5', '1.2.3', '1_000', '0x1F', '1,5', '$5',
		'--1', '-', '12345678901234567.5e3', '1e999999', '1e1000', 'NaN', 'nan', 'Infinity', '-inf', 'inf', 'true',
		'FALSE', 'True', 't', 'f', 'T', 'yes', 'no', 'on', 'y', '2024-01-02', '2024-02-29', '2023-02-29', '2024-13-01',
		'2024-00-10', '2024-1-2', '0000-01-01', '0001-01-01', '9999-12-31', '20240102', '01/02/2024', '1900-02-29',
		'2000-02-29', '2024-01-02 03:04', '2024-01-02 03:04:05', '2024-01-02T03:04:05', '2024-01-02t03:04:05',
		'2024-01-02T03:04', '2024-01-02 24:00:00', '2024-01-02 23:60:00', '2024-01-02 23:59:60', '2024-01-02 3:04:05',
		'2024-01-02 03:04:05.5', '2024-01-02 03:04:05.123456', '2024-01-02 03:04:05.123456789',
		'2024-01-02 03:04:05.123000000', '2024-01-02 03:04:05.', '2024-01-02T03:04:05Z', '2024-01-02T03:04:05+00',
		'2024-01-02T03:04:05+0530', '2024-01-02T03:04:05-05:30', '2024-01-02 03:04:05 UTC', '2024-01-02T03:04:05+15:60',
		'2024-01-02T03:04:05+99', '2024-01-02T03:04:05+', '2024-01-02 03:04:05 CET', '2024-01-02 03:04Z', 'now', 'today',
		'epoch', 'infinity', '8c3bc9b8-ee3d-4a0b-8b5b-2f3e0a4d6c11', '8C3BC9B8-EE3D-4A0B-8B5B-2F3E0A4D6C11',
		'8c3bc9b8ee3d4a0b8b5b2f3e0a4d6c11', '8c3bc9b8-ee3d-4a0b-8b5b-2f3e0a4d6c1', 'x', ' ', 'null', '{}', '[1]',
		"\xc3\xa9", '1 2', '2024-01-02  ', '12:30:00', '192.168.0.1', '1h', '%41', 'a b');
	my $random = 42;
	my @chars = split //, '0123456789.-+eE: TZ/ft';

	my @base = @values;

	for (1 .. 2500)
	{
		$random = ($random * 1103515245 + 12345) % 2147483648;
		my $value = $base[ ($random >> 8) % @base ];
		for my $edit (0 .. ($random >> 5) % 2)
		{
			$random = ($random * 1103515245 + 12345) % 2147483648;
			my $at = ($random >> 8) % (length($value) + 1);
			substr($value, $at, ($random >> 4) % 2, $chars[ ($random >> 16) % @chars ]) if $at < length $value;
		}
		push @values, $value if $value !~ /[\x80-\xff]/;
	}
	my $json = JSON::PP->new->canonical;
	my $bad = '';
	my $typed = 0;
	my %seen;

	# One line of many columns; the source name is the value.
	for my $chunk (0 .. int($#values / 400))
	{
		my @some = grep { !$seen{$_}++ } grep { defined } @values[ $chunk * 400 .. $chunk * 400 + 399 ];
		my $csv = join(',', map { "c$_" } 0 .. $#some) . "\n" .
		  join(',', map { (my $v = $_) =~ s/"/""/g; "\"$v\"" } @some) . "\n";
		my $array = lit(join "\x1f", @some);
		my $key = 'types' . $chunk;

		s3_put($bucket, $key, $csv);
		my $out = psql(<<"SQL");
SET timezone = 'UTC'; SET datestyle = 'ISO, DMY';
SELECT type, v, accepts(v, type) IS NOT NULL, coalesce(CASE
	WHEN type IN ('integer', 'bigint', 'boolean') THEN lower(replace(trim(v), '-0', '0')) IN (accepts(v, type), accepts(v, type)::text || 'x')
		OR (type = 'boolean' AND lower(trim(v)) = accepts(v, type)) OR trim(v)::numeric = accepts(v, type)::numeric
	WHEN type IN ('numeric', 'double precision') THEN accepts(v, 'numeric')::numeric = accepts(v, type)::numeric
	WHEN type IN ('date', 'uuid') THEN lower(trim(v)) = accepts(v, type)
	WHEN type = 'timestamp' THEN replace(trim(v), 'T', ' ') LIKE accepts(v, type) || '%'
		OR accepts(v, type) LIKE replace(trim(v), 'T', ' ') || '%'
		OR rtrim(replace(trim(v), 'T', ' '), '0') = accepts(v, type)
	ELSE true END, false)
FROM s3_infer_schema('s3://$bucket/$key', header => true, delimiter => ',', quote => '"') WITH ORDINALITY i
JOIN unnest(string_to_array($array, E'\\x1f')) WITH ORDINALITY u(v, ordinality) USING (ordinality)
WHERE type <> 'text';
SQL
		for my $line (split /\n/, $out)
		{
			$typed++;
			$bad .= "$line\n" if $line !~ /\|t\|t$/;
		}
	}
	is($bad, '', 'guessed types take the values they were guessed from, unchanged');
	cmp_ok($typed, '>', 250, "$typed values of " . keys(%seen) . ' had a type');
}

# One column from its values.
sub type_of
{
	my (@values) = @_;

	return infer("c,k\n" . join('', map { "$_,x\n" } @values), wanted => 'type') =~ /^(.*)\ntext$/ ? $1 : 'failed';
}

is(type_of(1, 2), 'integer', 'integers');
is(type_of(1, 2000000000), 'bigint', 'integers near the end of their range');
is(type_of(1, '9223372036854775808'), 'numeric', 'whole numbers beyond bigint');
is(type_of(1, '.5'), 'numeric', 'decimals');
is(type_of('1.5', '1e3'), 'double precision', 'exponents');
is(type_of('12345678901234567.8', '1e3'), 'numeric', 'what double precision would round');
is(type_of('1.5', 'NaN'), 'double precision', 'not a number');
is(type_of('NaN', 'NaN'), 'text', 'nothing but NaN');
is(type_of('007', '008'), 'text', 'leading zeros');
is(type_of(7, '08'), 'text', 'one leading zero');
is(type_of('t', 'f'), 'boolean', 't and f');
is(type_of('t', 't'), 'text', 'only t');
is(type_of('true', 'FALSE'), 'boolean', 'true and FALSE');
is(type_of('2024-01-01', '2024-01-01 10:00:00'), 'timestamp', 'dates and times');
is(type_of('2024-01-01T00:00:00Z', '2024-01-01T00:00:00+02:00'), 'timestamptz', 'zones');
is(type_of('2024-01-01T00:00:00Z', '2024-01-01 10:00:00'), 'text', 'some with zones and some without');
is(type_of('2024-02-30', '2024-01-01'), 'text', 'no such day');
is(type_of('', ''), 'text', 'nothing');
is(type_of('', 5), 'integer', 'a NULL and a number');

# Quoted empty strings are NULL for a number, which the option says.
{
	my ($out, $err) = import_case({ 'q.csv' => qq{a,b\n"",x\n"5",""\n} });
	is(psql('SELECT count(*), sum(a), count(b) FROM i.q'), '2|5|2', 'quoted empty strings');
}

#-------------------------------------------------------------------------
# Names
#-------------------------------------------------------------------------

my @names = ('a"b', "a'b", "a\\b", "tab\there", "line\nbreak", '"; DROP TABLE x; --', "'); DROP TABLE x; --", 'x' x 500,
	"\xc3\xa9" x 100, 'select', 'ctid', 'xmin', 'A', 'a', 'A ', 'a_2', '1st', '___', '%', "\$\$", '`', '${x}',
	'user', 'table', 'TIMESTAMP', 'req.id', 'device-type', 'a,b', ' lead', "\x7f", "\x01\x02", "''", '""', '{', '[0]', '$');
{
	my $json = JSON::PP->new;
	my %row;
	my @keys = map { my $n = $_; utf8::decode($n); $n } @names, '';
	my $line = '{' . join(', ', map { $json->encode([ $keys[$_] ]) =~ s/^\[|\]$//gr . ": $_" } 0 .. $#keys) . '}';
	utf8::encode($line) if utf8::is_utf8($line);
	my ($out, $err) = import_case({ 'n.json' => "$line\n$line\n" });
	is($err, '', 'hostile keys: imported');
	my $columns = psql("SELECT string_agg(format('sum(%I)', attname), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'i.n'::regclass AND attnum > 0");
	is(psql("SELECT $columns FROM i.n"), join('|', map { 2 * $_ } 0 .. $#keys), 'hostile keys: each column has its values');
	is(psql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'i.n'::regclass AND attnum > 0
		AND (attname !~ '^[a-z_\xc3\xa9][a-z0-9_\xc3\xa9]*\$' OR octet_length(attname) > 63)"), 0, 'hostile keys: clean names');
	is(psql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'i.n'::regclass AND attname IN
		('select_', 'ctid_', 'a', 'a_2', 'a_3', 'a_2_2', '_1st', 'req_id', 'device_type', 'timestamp_')"), 10, 'names as expected')
	  or diag psql("SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = 'i.n'::regclass AND attnum > 0");

	# The same as a header; nothing in it is run in any dialect.
	my $csv = join(',', map { (my $n = $_) =~ s/"/""/g; "\"$n\"" } @names) . "\n" . join(',', 1 .. @names) . "\n";
	($out, $err) = import_case({ 'n.csv' => $csv });
	is($err, '', 'hostile header: imported');
	$columns = psql("SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'i.n'::regclass AND attnum > 0");
	is(psql("SELECT $columns FROM i.n"), join('|', 1 .. @names), 'hostile header: each column has its values');
	my $folder = "case$serial/";
	for my $dialect (qw(postgres redshift athena))
	{
		my $ddl = psql("SELECT s3_schema_ddl('s3://$bucket/$folder', dialect => '$dialect', table_name => 'x\"; DROP')");
		unlike($ddl, qr/[\x01-\x08\x7f]/, "$dialect: no control characters") if $dialect ne 'postgres';
		(my $bare = $ddl) =~ s/E?'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"//gs;
		unlike($bare, qr/DROP TABLE|;./s, "$dialect: nothing outside of quotes") if $dialect ne 'athena';
		like($ddl, qr/`x_drop`/, 'athena: clean table name') if $dialect eq 'athena';
	}
}

# Names of files and folders, too.
{
	my %objects = map { ("$_/x.csv" => "a\n1\n", "$_.csv" => "a\n1\n") }
	  ('a*b', 'a[b]', "o'k", 'q"uote', 'back\\slash', "caf\xc3\xa9", 'sp ace', '1', 'select', 'x' x 300);
	my ($out, $err) = import_case(\%objects, delimiter => ',', header => 'true');
	is($err, '', 'hostile file names: imported');
	my @tables = split /\n/, psql("SELECT format('%I', foreign_table_name) FROM information_schema.foreign_tables
		WHERE foreign_table_schema = 'i'");
	is(scalar @tables, scalar keys %objects, 'hostile file names: a table each');
	is(psql(join ' UNION ALL ', map { "SELECT count(*) FROM i.$_ HAVING count(*) <> 1" } @tables), '',
		'hostile file names: each has its row');

	# A comma that would begin another location.
	my $location = 's3://' . $bucket . '/comma, s3://';
	s3_put($bucket, 'comma, s3://x/1.csv', "1,2\n");
	s3_put($bucket, 'comma, s3://y.csv', "3,4\n");
	psql("CREATE SCHEMA comma; IMPORT FOREIGN SCHEMA x FROM SERVER s3 INTO comma OPTIONS (location '$location')");
	is(psql('SELECT * FROM comma.x UNION ALL SELECT * FROM comma.y'), "1|2\n3|4", 'a comma before s3://');
}

#-------------------------------------------------------------------------
# Groups of files, folders of partitions
#-------------------------------------------------------------------------

{
	my ($out, $err) = import_case({
		'part-00000.csv' => "1,a\n", 'part-00001.csv' => "2,b\n", 'part-00000.csv.old.csv' => "9,z\n",
		'orders' => "id,n\n1,2\n", 'orders_2024.csv' => "x,y\n1,2\n2,3\n",
		'year=2024/m=1/a' => "id\n5\n", 'year=2025/m=__HIVE_DEFAULT_PARTITION__/a' => "id\n6\n",
		'_SUCCESS' => 'x', 'readme.md' => '# x', 'empty.csv' => '' });
	is(psql("SELECT string_agg(foreign_table_name, ' ' ORDER BY 1) FROM information_schema.foreign_tables
		WHERE foreign_table_schema = 'i'"), "case$serial orders orders_2024 part part_00000_csv_old", 'groups');
	like($err, qr/^$/, 'no warning');
	is(psql("SELECT count(*), sum(column_1) FROM i.part"), '2|3', 'a group takes only its files');
	is(psql("SELECT count(*), sum(n) FROM i.orders"), '1|2', 'a file whose name begins others');
	is(psql("SELECT string_agg(id || '-' || year || '-' || coalesce(m, 0), ' ' ORDER BY id) FROM i.case$serial"),
		'5-2024-1 6-2025-0', 'partitions, beside files');
}

# Header lines: in all objects, in the first one only, in none.
{
	my ($out, $err) = import_case({ 'f/1.csv' => "name,city\nAnn,Berlin\n", 'f/2.csv' => "name,city\nBob,Oslo\n",
		'g/1.csv' => "id,n\n1,2\n", 'g/2.csv' => "3,4\n", 'h/1.csv' => "Ann,Berlin\nBob,Oslo\n", 'h/2.csv' => "Cid,Rome\n" });
	is(psql("SELECT (SELECT count(*) FROM i.f) || ' ' || (SELECT sum(n) FROM i.g) || ' ' || (SELECT count(*) FROM i.h)"),
		'2 6 3', 'header lines told apart');
	is($err, '', 'without a warning');
}

# Delimiters and quotes.
for ([',', '"'], [';', '"'], ['|', '"'], ["\t", '"'], [';', "'"])
{
	my ($delimiter, $quote) = @$_;
	my $text = join "\r\n", map { join $delimiter, @$_ } ['id', 'text', 'price'], [1, "${quote}a${delimiter}b${quote}", '1.5'],
	  [2, "${quote}line\nbreak${quote}", '2.5'], [3, 'plain', '3.5'];
	$text .= "\r\n";
	my ($out, $err) = import_case({ 'd.txt' => $text });
	is(psql('SELECT count(*), sum(id), sum(price), max(length(text)) FROM i.d'), '3|6|7.5|10', 'delimiter ' . ($delimiter eq "\t" ? 'tab' : $delimiter) . " quote $quote");
}
is(infer(qq{id|size\n1|5" pipe\n2|6"\n3|x\n}, wanted => 'count(*)'), 2, 'a quote that quotes nothing');
is(infer("1\t\\N\tx\n2\t5\ty\n", wanted => 'string_agg(type, \' \')'), 'integer integer text', 'text format');
is(infer("\xef\xbb\xbfid,n\n1,2\n"), "id integer\nn integer", 'byte order mark');

#-------------------------------------------------------------------------
# Samples
#-------------------------------------------------------------------------

# What is in the middle of a large object is looked at, and full looks at all.
{
	my $text = "id,v\n" . join('', map { "$_," . ($_ == 150000 ? 'odd' : $_ % 50000 == 49999 ? '1' : $_ > 60000 ? '2.5' : '2') . "\n" } 1 .. 300000);
	s3_put($bucket, 'large.csv', $text);
	is(psql("SELECT type FROM s3_infer_schema('s3://$bucket/large.csv') WHERE column_name = 'v'"), 'numeric', 'ranges');
	is(psql("SELECT type, contradiction_object, contradiction_line FROM s3_infer_schema('s3://$bucket/large.csv', \"full\" => true)
		WHERE column_name = 'v'"), "text|s3://$bucket/large.csv|150001", 'all records');
	is(psql("SELECT type FROM s3_infer_schema('s3://$bucket/large.csv', sample_rows => 10, quote => '\"') WHERE column_name = 'id'"), 'integer', 'few rows');
}

# In the middle of quotes that go over lines, nothing is misread.
{
	s3_put($bucket, 'quoted.csv', "id,note\n" . join '', map { "$_,\"more\nlines, with \"\"quotes\"\" $_\"\n" } 1 .. 60000);
	is(psql("SELECT string_agg(type, ' ') FROM s3_infer_schema('s3://$bucket/quoted.csv')"), 'integer text', 'quoted lines');
}

# A new column in a late object, JSON and CSV; types of all of them.
{
	my ($out, $err) = import_case({ (map { ("j/$_.json" => "{\"a\": $_}\n") } 1 .. 8), 'j/9.json' => "{\"a\": 1, \"b\": [1]}\n",
		(map { ("c/$_.csv.x" => "a,b\n$_,1\n") } 1 .. 8), 'c/9.csv.x' => "b,c,a\n1,x,2.5\n" });
	is(psql('SELECT count(*), sum(a), count(b) FROM i.j'), '9|37|1', 'a new key');
	is(psql('SELECT count(*), sum(a), sum(b), count(c) FROM i.c'), '9|38.5|9|1', 'a new column');
}

# What cannot be read at all, or only in part.
like((infer("a,b\n1,2\n3,4\n5\n6,7\n" x 1))[1], qr/WARNING.*1 of 4 records.*missing data/s, 'short lines are counted');
like((infer({ 'x' => '' }))[1], qr/ERROR:  02000: there is no object/, 'an empty object');
like((infer({ 'x.json' => "{\"a\": 1\n" }))[1], qr/ERROR:  22000: no record of the sample can be read.*x\.json/s, 'broken JSON');
like((infer({ 'x.csv' => "a,b\n1,\xff\n" }))[1], qr/ERROR:  22021:/, 'bytes that are no text');
like((infer({ 'x.json' => '{' . join(',', map { "\"c$_\": 1" } 1 .. 1700) . "}\n" }))[1], qr/ERROR:  54011:/, 'too many columns');

# Only those who may.
is(psql("SELECT count(*) FROM pg_proc WHERE proname IN ('s3_infer_schema', 's3_schema_ddl')
	AND NOT has_function_privilege('pg_monitor', oid, 'EXECUTE') AND obj_description(oid, 'pg_proc') <> ''"), 2, 'not for everybody, and described');

#-------------------------------------------------------------------------
# Published data
#-------------------------------------------------------------------------

SKIP:
{
	my $corpora = corpora();
	skip 'no ../shared/corpora', 6 if !defined $corpora || !-d "$corpora/demo";
	my %objects;

	for my $path (glob("$corpora/demo/noaa-stormevents/*.csv"), glob("$corpora/demo/tickit/tickit/*.txt"),
		glob("$corpora/demo/tickit/jaffle_shop/*.csv"), glob("$corpora/json/dynamodb/fixture/*-normal.json"))
	{
		open my $fh, '<:raw', $path or die "could not open $path: $!\n";
		local $/;
		$objects{ $path =~ m{([^/]+)$} ? $1 : '' } = scalar <$fh>;
	}
	my ($out, $err) = import_case(\%objects);
	is($err, '', 'imported at one go');
	is(psql('SELECT count(*), sum(event_id), sum(lat2), sum(range) FROM i.stormevents_locations_ftp_v1_0'),
		'175348|104337714369|553913352262|463910.64', 'NOAA');
	is(psql("SELECT string_agg(format_type(atttypid, NULL), ', ' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0
		AND attrelid = 'i.stormevents_locations_ftp_v1_0'::regclass"),
		'integer, integer, integer, integer, numeric, text, text, numeric, numeric, integer, integer', 'NOAA: types');
	is(psql('SELECT (SELECT count(*) FROM i.category_pipe), (SELECT count(*) FROM i.date2008_pipe WHERE column_8),
		(SELECT sum(column_5) FROM i.venue_pipe), (SELECT count(*) FROM i.allevents_pipe WHERE column_6 >= \'2008-07-01\')'),
		'11|' . (() = $objects{'date2008_pipe.txt'} =~ /TRUE/g) . '|' . do {
			my $sum = 0; $sum += $_ for $objects{'venue_pipe.txt'} =~ /\|(\d+)\r?$/mg; $sum
		} . '|' . (() = $objects{'allevents_pipe.txt'} =~ /\|2008-(?:0[7-9]|1[0-2])-/g), 'TICKIT');
	is(psql('SELECT sum(amount), (SELECT max(order_date) FROM i.raw_orders), (SELECT count(*) FROM i.raw_customers) FROM i.raw_payments'),
		psql('SELECT sum(amount::int), \'2018-04-09\'::date, 100 FROM i.raw_payments'), 'jaffle shop');
	is(psql("SELECT count(*), min(profile ->> 'firstName'), max(lastlogin) IS NOT NULL FROM i.users_normal"), '2|Alice|t', 'JSON');
}

SKIP:
{
	my $corpora = corpora();
	skip 'no ../shared/corpora', 8 if !defined $corpora || !-d "$corpora/json/dynamodb";
	open my $fh, '<:raw', "$corpora/json/dynamodb/fixture/users-dynamodb.jsonl" or die;
	my $text = join '', <$fh>;
	is(infer({ 'x.json' => $text }), <<'END' =~ s/\n\z//r, 'items of DynamoDB');
userid text
username text
email text
age integer
isactive boolean
roles jsonb
favoritenumbers jsonb
profile jsonb
preferences jsonb
createdat timestamptz
lastlogin timestamptz
tags jsonb
score numeric
END
	like(psql("SELECT s3_schema_ddl('s3://$bucket/case$serial/')"), qr/format 'json', records 'dynamodb'/, 'and the option');

	# Exports of tables, imported as they lie there, without DDL.
	for my $name (qw(users-dynamodb.jsonl products-dynamodb.jsonl book-dynamodb.json all-types-dynamodb.json))
	{
		open my $file, '<:raw', "$corpora/json/dynamodb/fixture/$name" or die;
		local $/;
		my ($table) = $name =~ /^([a-z-]+)-dynamodb/;
		s3_put($bucket, 'dynamodb/' . ($table =~ tr/-/_/r) . "/AWSDynamoDB/0123-abcd/data/$name", <$file>);
	}
	psql("CREATE SCHEMA dynamodb; IMPORT FOREIGN SCHEMA \"s3://$bucket/dynamodb/\" FROM SERVER s3 INTO dynamodb");
	is(psql("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'dynamodb'::regnamespace"),
		'all_types book products users', 'tables of DynamoDB are found');
	is(psql('SELECT count(*) = count(userid) AND count(*) > 0 AND bool_and(age > 0) FROM dynamodb.users'), 't',
		'and queried');
	for my $table (qw(all_types book products users))
	{
		like(psql("SELECT count(*) FROM (SELECT * FROM dynamodb.$table) t WHERE t IS NOT NULL OR NOT t IS NOT NULL"),
			qr/^[1-9]\d*$/, "all of $table is read");
	}
}

done_testing();
