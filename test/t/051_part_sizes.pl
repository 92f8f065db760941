#-------------------------------------------------------------------------
#
# 051_part_sizes.pl
#		How large the parts of an upload are: simulated up to the largest
#		object there can be, done for real with limits that are soon reached,
#		and told beforehand with expected_size.
#
# IDENTIFICATION
#		test/t/051_part_sizes.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use S3Test;
use Test::More;

my $lib = lit(unit_lib());
psql(<<SQL);
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
SQL

# In a session of its own: the module is made of the extension's objects.
psql(<<SQL);
CREATE FUNCTION unit_part_size(bigint, int) RETURNS bigint AS $lib LANGUAGE C STRICT;
CREATE FUNCTION unit_fitting_part_size(bigint) RETURNS bigint AS $lib LANGUAGE C STRICT;
CREATE FUNCTION unit_upload(name, text, text, bigint, bigint, int, int, int)
	RETURNS text AS $lib LANGUAGE C STRICT;
-- The parts of an object of unknown size: how many bytes do n of them hold?
CREATE FUNCTION capacity(first bigint, n int) RETURNS numeric LANGUAGE sql
	RETURN (SELECT sum(unit_part_size(first, i)) FROM generate_series(1, n) i);
SQL

# 48.8 TiB is 10,000 parts of 5 GiB.
my $most = 10000 * 5 * 2**30;

#-------------------------------------------------------------------------
# Objects of unknown size
#-------------------------------------------------------------------------

is( psql('SELECT count(DISTINCT unit_part_size(12582912, n)) FROM generate_series(1, 7100) n'),
	1, '7,100 equal parts');
is( psql(<<SQL), 't|t|t', 'then growing ones that never shrink, within limits');
SELECT bool_and(size >= before), bool_and(size <= 2 * before OR before = 0),
	max(size) <= 5368709120
FROM (SELECT unit_part_size(12582912, n) AS size,
             lag(unit_part_size(12582912, n), 1, 0::bigint) OVER (ORDER BY n) AS before
      FROM generate_series(1, 10000) n) AS parts
SQL
is(psql('SELECT capacity(12582912, 10000) > 4e12'), 't', '4 TB with the default part_size');
is(psql('SELECT capacity(16777216, 10000) > 5.49e12'), 't', '5 TiB with parts of 16 MB at first');
is(psql("SELECT capacity(5368709120, 10000) = $most"), 't', '48.8 TiB with the largest parts');

# From the smallest part to the largest: nowhere a step out of line.
is( psql(<<'SQL'), '', 'part sizes from 5 MB to 5 GB: equal at first, within limits, and larger ones hold more');
SELECT mb FROM (
	SELECT mb, capacity(mb * 1048576, 10000) AS all_parts,
		lag(capacity(mb * 1048576, 10000)) OVER (ORDER BY mb) AS before,
		(SELECT max(unit_part_size(mb * 1048576, n)) FROM generate_series(1, 10000) n) AS largest,
		unit_part_size(mb * 1048576, 7100) AS last_equal
	FROM unnest(ARRAY[5, 6, 8, 12, 16, 32, 64, 100, 128, 256, 512, 1000, 1024, 2048, 4096, 5120]::bigint[]) mb) s
WHERE NOT (all_parts >= coalesce(before, 0) AND largest <= 5368709120 AND last_equal = mb * 1048576)
SQL

#-------------------------------------------------------------------------
# Objects of a size that is told
#-------------------------------------------------------------------------

# 200 sizes up to the most: the parts are enough, and no larger than needed.
is( psql(<<SQL), '', 'expected sizes up to 48.8 TiB fit into 10,000 parts');
SELECT size, part FROM (
	SELECT size, unit_fitting_part_size(size) AS part
	FROM (SELECT ($most * power(2, -i / 8.0))::bigint AS size FROM generate_series(0, 199) i) s) s
WHERE NOT (part <= 5368709120 AND part % 1048576 = 0 AND capacity(part, 10000) >= size
	AND (part = 5368709120 OR part::numeric * 7100 >= size)
	AND (part - 1048576)::numeric * 7100 < size)
SQL

# The error, or ''.
sub failure
{
	my ($sql) = @_;
	my ($out, $err) = psql_err($sql);

	return $err;
}

sub expect
{
	my ($size) = @_;

	return failure("SELECT s3_export('SELECT 1', 's3://sizes/expected.csv', expected_size => "
		  . lit($size) . ')');
}

s3_make_bucket('sizes');
is(psql("SELECT rows FROM s3_export('SELECT 1', 's3://sizes/told.csv', expected_size => '82GB')"),
	1, '82 GB are told, one row comes');
like(expect('500GB'), qr/53400: an object of 536870912000 bytes needs parts of 73 MB, of which two do not fit in s3_fdw.upload_memory\nHINT:  Set s3_fdw.upload_memory to at least "146MB", or write several files\./,
	'500 GB need more memory, which is said before anything is done');
is( psql("SET s3_fdw.upload_memory = '146MB'; SELECT rows FROM s3_export('SELECT 1', 's3://sizes/told2.csv', expected_size => '500GB')"),
	1, 'with that much memory it begins');
like(expect('49TB'), qr/54000: an object of 53876069761024 bytes is too large\nDETAIL:  S3 takes at most 10000 parts of 5368709120 bytes\./,
	'49 TB are too many');
like(expect('-1'), qr/HV024: invalid value for option "expected_size"/, 'a negative size');
like(failure("SELECT s3_export('SELECT 1', 's3://sizes/files/', expected_size => '1GB')"),
	qr/HV024: option "expected_size" is for exports of one object/, 'not for files');

#-------------------------------------------------------------------------
# Limits that are soon reached: 3 equal parts of 5 MB, then 10, 20 and 40 MB
#-------------------------------------------------------------------------

my $mb = 1024 * 1024;
my $room = (3 * 5 + 10 + 20 + 40) * $mb;

for my $case ([ 1, 0 ], [ 5 * $mb, 0 ], [ 5 * $mb + 1, 2 ], [ 15 * $mb, 3 ],
	[ 15 * $mb + 1, 4 ], [ 45 * $mb, 5 ], [ 45 * $mb + 1, 6 ], [ $room, 6 ])
{
	my ($size, $parts) = @$case;
	my $etag = psql("SELECT unit_upload('s3', 'sizes', 'tiny', 5 * $mb, $size, 3, 1, 6)");

	like($etag, $parts ? qr/^[0-9a-f]{32}-$parts$/ : qr/^[0-9a-f]{32}$/,
		"$size bytes: " . ($parts ? "$parts parts" : 'put at once'));
	is(psql("SELECT size FROM s3_list('s3://sizes/tiny')"), $size, "$size bytes arrived");
}
like( failure("SELECT unit_upload('s3', 'sizes', 'toomuch', 5 * $mb, $room + 1, 3, 1, 6)"),
	qr{54000: object "s3://sizes/toomuch" would need more than 6 parts\nHINT:  Choose a larger part_size\.},
	'a byte more than there is room for');
is(psql("SELECT count(*) FROM s3_list('s3://sizes/toomuch')"), 0, 'leaves no object');
is(psql("SELECT string_agg(key, ' ') FROM s3_uploads('s3://sizes/')"), '', 'and no upload');

done_testing();
