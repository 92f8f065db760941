#-------------------------------------------------------------------------
#
# 054_progress.pl
#		Exports and loads are seen in pg_stat_progress_copy while they run.
#		(s3_concat() in 046_concat.pl.)
#
# IDENTIFICATION
#		test/t/054_progress.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'progress';
s3_make_bucket($bucket);
psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE FOREIGN TABLE numbers (n int, pad text) SERVER s3 OPTIONS (location 's3://$bucket/numbers.csv');
CREATE TABLE loaded (n int, pad text);
CREATE TABLE source AS SELECT i AS n, repeat('x', 200) AS pad FROM generate_series(1, 40000) i;
ANALYZE source;
CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS
	\$\$ BEGIN PERFORM pg_sleep(0.001) WHERE \$1 % 10 = 0; RETURN \$1; END \$\$;
SQL
my $content = join '', map { "$_," . ('x' x 100) . "\n" } 1 .. 20000;
s3_put($bucket, 'numbers.csv', $content);

# The rows (command|relation|type|bytes|total|rows) that are seen of a statement.
sub watch
{
	my ($sql, $condition, $name) = @_;
	my $session = psql_start('SELECT 1', go_on => 1);
	my $seen = '';

	S3Test::write_psql($session, "$sql;");
	ok( wait_until(
			sub {
				$seen = psql("SELECT command, relid::regclass, type, bytes_processed, bytes_total, tuples_processed"
					  . " FROM pg_stat_progress_copy WHERE pid = $session->{pid}");
				return $condition->(split /\|/, $seen);
			},
			20),
		"$name: it is seen") or diag("last seen: $seen");
	my ($out, $err) = psql_finish($session);
	is($err, '', "$name: it ends well");
	return $out;
}

my $half = sub { @_ == 6 && $_[5] > 0 && $_[5] < 40000 };

watch("SELECT rows FROM s3_export('SELECT slow(n), pad FROM source ORDER BY 1', 's3://$bucket/serial.csv')",
	sub { $half->(@_) && $_[0] eq 'COPY TO' && $_[1] eq '-' && $_[2] eq 'CALLBACK' && $_[3] > 0 },
	'export of one object');
watch("SELECT sum(rows) FROM s3_export('SELECT slow(n), pad FROM source', 's3://$bucket/files/', rows_per_file => 5000, parallel => false)",
	sub { $half->(@_) && $_[0] eq 'COPY TO' && $_[3] > 0 }, 'export of files');

# The leader does not take part, and still shows what the workers do.
watch("SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_leader_participation = off;
	SELECT rows FROM s3_export('SELECT slow(n), pad FROM source', 's3://$bucket/parallel.csv')",
	sub { $half->(@_) && $_[0] eq 'COPY TO' && $_[3] > 0 }, 'export by workers alone');
watch("SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_leader_participation = off;
	SELECT sum(rows) FROM s3_export('SELECT slow(n), pad FROM source', 's3://$bucket/parallel/')",
	sub { $half->(@_) && $_[0] eq 'COPY TO' && $_[3] > 0 }, 'export of files by workers alone');

my $size = length $content;
watch('INSERT INTO loaded SELECT slow(n), pad FROM numbers',
	sub {
		@_ == 6 && $_[0] eq 'COPY FROM' && $_[1] eq 'numbers' && $_[2] eq 'CALLBACK'
		  && $_[3] > 0 && $_[4] == $size && $_[5] > 0 && $_[5] <= 20000;
	},
	'load');
is(psql('SELECT count(*), sum(n) FROM loaded'), '20000|200010000', 'all rows were loaded');

# A query is no load; an error ends what is shown.
my $session = psql_start("SELECT count(slow(n)) FROM numbers", go_on => 1);
S3Test::write_psql($session, "SELECT count(slow(n)) FROM numbers;");
is(psql("SELECT count(*) FROM pg_stat_progress_copy WHERE pid = $session->{pid}"), 0, 'a query is not shown');
psql_send($session, 'INSERT INTO loaded SELECT 1 / (n - 15000), pad FROM numbers');
is(psql("SELECT count(*) FROM pg_stat_progress_copy WHERE pid = $session->{pid}"), 0, 'an error ends a load');
psql_finish($session);

done_testing();
