#-------------------------------------------------------------------------
#
# 035_rate.pl
#		The limit of requests per second of a server.
#
# IDENTIFICATION
#		test/t/035_rate.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use S3Test;
use Test::More;
use Time::HiRes qw(time);

s3_make_bucket('rate');
s3_put_many('rate', { map { ("part-$_.csv" => "$_\n") } 1 .. 40 });
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw
	OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}', requests_per_second '40');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE FOREIGN TABLE parts (n int) SERVER s3 OPTIONS (location 's3://rate/');
END

my $parallel = <<'END';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
END

# A listing and 40 objects: the last request is sent a second after the first
# at least, whoever sends it.
for my $how (['one process', 'SET max_parallel_workers_per_gather = 0;'], ['three processes', $parallel])
{
	my ($name, $settings) = @$how;
	my $start = time;

	is(psql("$settings SELECT count(*), sum(n) FROM parts"), '40|820', "$name: all rows");
	cmp_ok(time - $start, '>=', 1, "$name: the limit is kept");
	like(psql("$settings EXPLAIN (ANALYZE, COSTS OFF) SELECT count(*) FROM parts"),
		qr/S3 Requests: 41\b/, "$name: requests are added up");
}
like(psql("$parallel EXPLAIN (COSTS OFF) SELECT count(*) FROM parts"),
	qr/Parallel Foreign Scan/, 'and it was a parallel one');

# A wait for the limit ends with the statement.
psql(q{ALTER SERVER s3 OPTIONS (SET requests_per_second '1')});
my $start = time;
like((psql_err("SET statement_timeout = '1s'; SELECT count(*) FROM parts"))[1],
	qr/57014/, 'a statement is canceled while it waits');
cmp_ok(time - $start, '<', 10, 'at once');

like((psql_err(q{ALTER SERVER s3 OPTIONS (SET requests_per_second '0')}))[1],
	qr/HV024: invalid value for option "requests_per_second": "0"/, 'none is no limit');

s3_drop_bucket('rate');
done_testing();
