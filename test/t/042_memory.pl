#-------------------------------------------------------------------------
#
# 042_memory.pl
#		A scan and an export need little memory, however large the object is.
#
#	S3_TEST_MEMORY_MB	size of each object (default 256)
#
# What counts is the private memory of the server process at its peak, less
# that of a process that has done nothing yet.  The objects are made by
# s3_export() from generated rows, so that nothing large is on disk.  The S3
# server's memstore keeps each byte twice; for 4096 MB, start it with
# STORE=bluestore.
#
# IDENTIFICATION
#		test/t/042_memory.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use S3Test;
use Test::More;

plan skip_all => 'no /proc' if !defined backend_rss($$);

my $megabytes = $ENV{S3_TEST_MEMORY_MB} || 256;
my $limit = 64 * 1024 * 1024;
my $timeout = 120 + $megabytes;

s3_make_bucket('memory');
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
END

# Run a statement in a process of its own: its output, and the memory it took.
sub measure
{
	my ($name, $sql) = @_;
	my $idle = psql_start('SELECT 1');
	my $session = psql_start(undef, go_on => 1);

	psql_send($idle, 'SELECT 1');
	psql_send($session, 'SELECT 1');
	my $base = backend_rss($idle->{pid});
	my $tracker = track_rss($session->{pid});
	my ($out, $err) = psql_send($session, $sql, timeout => $timeout);
	my $used = peak_rss($tracker) - $base;

	psql_finish($_) for $idle, $session;
	is($err, '', "$name: no error");
	diag(sprintf '%s of %d MB: %.1f MB at the peak', $name, $megabytes, $used / 1048576);
  SKIP:
	{
		skip 'a sanitizer keeps freed memory', 1 if $ENV{S3_TEST_ASAN};
		cmp_ok($used, '<=', $limit, "$name: at most 64 MB");
	}
	return $out;
}

# As many rows as make the megabytes; a set-returning function in the select
# list is not materialized, one in FROM is.
sub rows_query
{
	my ($rows) = @_;

	return "SELECT i, md5(i::text) AS hash, i * 0.25 AS price,"
	  . " 'some text for row number ' || i AS note"
	  . " FROM (SELECT generate_series(1, $rows) AS i) s";
}

for my $case (
	[ 'CSV', 'big.csv', 'csv', 90 ],
	[ 'JSON', 'big.json', 'json', 125 ],
	[ 'gzip', 'big.csv.gz', 'csv', 90 ])
{
	my ($name, $key, $format, $row_bytes) = @$case;
	my $rows = int $megabytes * 1048576 / $row_bytes;
	my $query = lit(rows_query($rows));
	my $result = measure("$name export",
		"SELECT rows, bytes, etag LIKE '%-%' FROM s3_export($query, 's3://memory/$key', format => '$format')");
	my ($written, $bytes, $parts) = split /\|/, $result;

	is($written, $rows, "$name export: all rows");
	is($parts, $bytes > 16 * 1048576 ? 't' : 'f', "$name export: several parts");
	note("$bytes bytes");
	psql(<<"END");
CREATE FOREIGN TABLE big (i bigint, hash text, price numeric, note text) SERVER s3
	OPTIONS (location 's3://memory/$key', format '$format')
END
	for my $workers ($name eq 'gzip' ? 0 : (0, 2))
	{
		my $set = "SET max_parallel_workers_per_gather = $workers;";
		my $how = $workers ? "parallel $name scan" : "$name scan";

		is( measure($how,
				"$set SELECT count(*), sum(i), sum(price), max(hash) IS NOT NULL, min(length(note)) FROM big"),
			join('|', $rows, sprintf('%.0f', $rows * ($rows + 1) / 2), sprintf('%.2f', $rows * ($rows + 1) / 8), 't', 26),
			"$how: all rows");
		measure("$how without columns", "$set SELECT count(*) FROM big") if $name eq 'CSV';
	}
	psql('DROP FOREIGN TABLE big');
	s3_delete('memory', $key);
}

s3_drop_bucket('memory');
done_testing();
