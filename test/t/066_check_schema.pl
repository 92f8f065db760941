#-------------------------------------------------------------------------
#
# 066_check_schema.pl
#		s3_check_schema() and extra_keys: what lies there now, and the table.
#
# IDENTIFICATION
#		test/t/066_check_schema.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use IO::Compress::Gzip ();
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'check-schema';
s3_make_bucket($bucket);
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR PUBLIC SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
END

sub check
{
	my ($table, $full) = @_;

	return psql("SELECT kind, column_name, replace(object, 's3://$bucket/', ''), line, detail, count "
		  . "FROM s3_check_schema('$table'" . ($full ? ', true' : '') . ") ORDER BY kind, column_name");
}

#-------------------------------------------------------------------------
# JSON
#-------------------------------------------------------------------------

my $late = join '', map { qq({"id": $_, "name": "n", "user": {"city": "x"}}\n) } 1 .. 2000;
s3_put_many($bucket, {
	'json/2026-01.json' => $late . qq({"id": 1, "late": true, "name": "n", "user": null}\n),
	'json/2026-02.json' => qq({"id": 1, "name": "a", "user": {"city": "y", "zip": 1}}\n)
	  . qq({"id": "two", "name": "b", "n\\u0061me": 1, "colour": "red", "ta\\tb": {"id": 1, "deep": 2}}\n)
	  . qq({"id": 3, "name": "c", "colour": "blue"}\n),
	'json/2026-03.json' => qq({"id": 99999999999}\n{"id": 4 "name": "x"}\n{"id": 5}\n),
	'json/2026-04.json.gz' => 'no gzip',
});
psql(<<"END");
CREATE FOREIGN TABLE j (id int, name text, city text OPTIONS (path 'user.city'), note text, key text OPTIONS (metadata 'key'))
	SERVER s3 OPTIONS (location 's3://$bucket/json/', format 'json');
END
my $expected = <<'END';
extra column|colour|json/2026-02.json|2|no column of the table reads it|2
extra column|n\u0061me|json/2026-02.json|2|no column of the table reads it|1
extra column|ta	b|json/2026-02.json|2|no column of the table reads it|1
missing column|city|json/2026-03.json||no record of the object has it|1
missing column|name|json/2026-03.json||no record of the object has it|1
missing column|note|json/2026-01.json||none of the first 1000 records of the object has it|3
object||json/2026-04.json.gz||object "s3://check-schema/json/2026-04.json.gz" is not gzip|1
record||json/2026-03.json|2|invalid input syntax for type json: "{"id": 4 "name": "x"}"|1
type|id|json/2026-02.json|2|value "two": invalid input syntax for type integer: "two"|2
END
my $found = check('j') . "\n";
$found =~ s/(\|json\/2026-04.json.gz\|\|).*\|1/$1...|1/;
$expected =~ s/(\|json\/2026-04.json.gz\|\|).*\|1/$1...|1/;
is($found, $expected, 'JSON: a sample');
like(check('j', 1), qr{^extra column\|late\|json/2026-01\.json\|2001\|}m, 'JSON: all of it');
like(check('j', 1), qr{^missing column\|note\|json/2026-01\.json\|\|no record of the object has it\|3}m,
	'JSON: all records');

#-------------------------------------------------------------------------
# CSV
#-------------------------------------------------------------------------

s3_put_many($bucket, {
	'csv/1.csv' => "id,name\n1,a\n2,b\n",
	'csv/2.csv' => "id,name,colour\n1,a,red\nx,b,blue\n",
	'csv/3.csv' => "name,identity\na,1\n",
	'csv/4.csv' => "id,name\n1,a\n2\n3,\"open\n",
});
psql(<<"END");
CREATE FOREIGN TABLE by_name (id int, name text) SERVER s3
	OPTIONS (location 's3://$bucket/csv/', header 'true', match_by 'name');
CREATE FOREIGN TABLE by_position (id int, name text) SERVER s3
	OPTIONS (location 's3://$bucket/csv/', header 'true');
END
is(check('by_name'), <<'END' =~ s/\n\z//r, 'CSV by name');
extra column|colour|csv/2.csv|1|no column of the table reads it|1
extra column|identity|csv/3.csv|1|no column of the table reads it|1
missing column|id|csv/3.csv||the header line lacks it|1
record||csv/4.csv|3|line has 1 fields, but the header line has 2: "2"|2
type|id|csv/2.csv|3|value "x": invalid input syntax for type integer: "x"|1
END
is(check('by_position'), <<'END' =~ s/\n\z//r, 'CSV by position');
header|colour|csv/2.csv||field 3 is "colour", but in "s3://check-schema/csv/1.csv" it is missing|1
header|name|csv/3.csv||field 1 is "name", but in "s3://check-schema/csv/1.csv" it is "id"|1
record||csv/2.csv|2|extra data after last expected column: "1,a,red"|4
type|id|csv/3.csv|2|value "a": invalid input syntax for type integer: "a"|1
END
s3_put_many($bucket, { 'good/1.csv' => "id,name\n1,a\n2,b\n", 'good/2.csv' => "id,name\n" });
psql("CREATE FOREIGN TABLE good (id int, name text) SERVER s3 OPTIONS (location 's3://$bucket/good/', header 'true', match_by 'name')");
is(check('good'), '', 'nothing to tell');
psql("CREATE FOREIGN TABLE nothing (id int, name text) SERVER s3 OPTIONS (location 's3://$bucket/none/')");
is(check('nothing'), '', 'no object');

#-------------------------------------------------------------------------
# Who may
#-------------------------------------------------------------------------

psql('CREATE ROLE s3_check_user LOGIN; CREATE TABLE plain (id int); GRANT SELECT ON plain TO s3_check_user');
like((psql_err("SELECT * FROM s3_check_schema('good')", user => 's3_check_user'))[1],
	qr/42501: permission denied for function/, 'no EXECUTE');
psql('GRANT EXECUTE ON FUNCTION s3_check_schema TO s3_check_user');
like((psql_err("SELECT * FROM s3_check_schema('good')", user => 's3_check_user'))[1],
	qr/42501: permission denied for foreign table good/, 'no privilege');
like((psql_err("SELECT * FROM s3_check_schema('plain')"))[1], qr/"plain" is not a foreign table of s3_fdw/,
	'another table');
psql('DROP OWNED BY s3_check_user; DROP ROLE s3_check_user');

#-------------------------------------------------------------------------
# extra_keys
#-------------------------------------------------------------------------

my $serial = 'SET max_parallel_workers_per_gather = 0;';
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;'
  . 'SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;';
psql("CREATE FOREIGN TABLE k (id text, name text) SERVER s3 OPTIONS "
	  . "(location 's3://$bucket/json/2026-02.json', format 'json', extra_keys 'warn')");
my ($out, $err, $rc) = psql_err("$serial SELECT count(*) FROM k");
is($out, 3, 'warn: the rows');
is(scalar(() = $err =~ /WARNING/g), 1, 'warn: once');
like($err, qr/key "user" is read by no column of foreign table "k"\nDETAIL:  The first one is in object "s3:\S+02\.json", line 1\./,
	'warn: of the first one');
psql("ALTER FOREIGN TABLE k OPTIONS (SET extra_keys 'error')");
like((psql_err('SELECT count(*) FROM k'))[1], qr/HV005: key "user" is read by no column/, 'error');
psql("ALTER FOREIGN TABLE k ADD colour text, ADD tab text OPTIONS (column_name 'ta\tb'), ADD a text OPTIONS (path 'user.zip')");
like((psql_err('SELECT count(*) FROM k'))[1], qr/HV005: key "n\\u0061me" is read by no column/, 'error: the one left');
psql("ALTER FOREIGN TABLE k OPTIONS (SET extra_keys 'ignore')");
is((psql_err('SELECT count(*) FROM k'))[1], '', 'ignore');
psql("ALTER FOREIGN TABLE by_name OPTIONS (ADD extra_keys 'warn', ADD missing_fields 'null', ADD on_error 'skip', ADD on_bad_object 'skip')");
for my $mode ($serial, $parallel)
{
	($out, $err) = psql_err("$mode SELECT count(*) FROM by_name");
	is(scalar(() = $err =~ /WARNING/g), 1, 'names in a header: one warning') or diag($err);
}
psql("ALTER FOREIGN TABLE by_name OPTIONS (SET extra_keys 'error')");
like((psql_err("$serial SELECT count(*) FROM by_name"))[1], qr/HV005: key "colour"/, 'names in a header: error');
done_testing();
