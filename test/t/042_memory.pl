#-------------------------------------------------------------------------
#
# 042_memory.pl
#		A scan and an export need little memory, however large the object is.
#
#	S3_TEST_MEMORY_MB	size of each object (default 256)
#
# Exports have a limit of their own for parts under way, s3_fdw.upload_memory,
# which comes on top where it is set.
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

# Run a statement in a process of its own, and of its workers: its output.  What
# it may take above an idle process is $limit, and further bytes if given;
# it is also put into $result.
sub measure
{
	my ($name, $sql, $more, $result) = @_;
	my $most = $limit + ($more || 0);
	my $idle = psql_start('SELECT 1');
	my $session = psql_start(undef, go_on => 1);

	psql_send($idle, 'SELECT 1');
	psql_send($session, 'SELECT 1');
	my $base = backend_rss($idle->{pid});
	my $tracker = track_rss($session->{pid});
	my ($out, $err) = psql_send($session, $sql, timeout => $timeout);
	my $used = peak_rss($tracker) - $base;
	$$result = $used if $result;

	psql_finish($_) for $idle, $session;
	is($err, '', "$name: no error");
	diag(sprintf '%s: %.1f MB at the peak', $name, $used / 1048576);
  SKIP:
	{
		skip 'a sanitizer keeps freed memory', 1 if $ENV{S3_TEST_ASAN};
		cmp_ok($used, '<=', $most, sprintf '%s: at most %d MB', $name, $most / 1048576);
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
		"SELECT rows, bytes, etag LIKE '%-%' FROM s3_export($query, 's3://memory/$key', 's3', format => '$format')");
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

# Parts of 5 MB, of which so many are under way while the next one is filled,
# since the store takes its time for each; so that is what is measured.
my $part = 5;

psql(<<"END");
CREATE SERVER slow FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}');
CREATE USER MAPPING FOR CURRENT_USER SERVER slow
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
END
for my $case ([ 1, 0.3 ], [ 4, 1 ], [ 16, 4 ])
{
	my ($parts, $delay) = @$case;
	my $memory = $part * ($parts + 1);
	my $rows = int $part * ($parts + 4) * 1048576 / 80;
	my $used;

	fault(method => 'PUT', match => 'partNumber', delay => $delay, count => -1);
	is( measure("CSV export with $parts parts of $part MB under way",
			"SET s3_fdw.upload_memory = '${memory}MB'; SELECT rows, etag LIKE '%-%' FROM s3_export("
			  . lit(rows_query($rows))
			  . ", 's3://memory/parts.csv', 'slow', part_size => '${part}MB', parallel => false)",
			$memory * 1048576, \$used),
		"$rows|t", "$parts parts: all rows");

	# a busy machine may not get them all under way before the first is done
	cmp_ok($used, '>=', $part * $parts * 1048576 * 0.7, "$parts parts were under way");
	fault_reset();
	s3_delete('memory', 'parts.csv');
}

# Each worker has as much.  A row of the table, which fills a block so that all of
# them get some, becomes many.
my $blocks = 512;
my $per_block = int $megabytes * 1048576 / 90 / $blocks;
my $all_rows = $blocks * $per_block;
psql(<<"END");
CREATE TABLE blocks (first int, pad text) WITH (parallel_workers = 2);
ALTER TABLE blocks ALTER pad SET STORAGE PLAIN;
INSERT INTO blocks SELECT n * $per_block, repeat('x', 7000) FROM generate_series(0, $blocks - 1) n;
ANALYZE blocks;
END
my $shared = "SELECT i, md5(i::text) AS hash, i * 0.25 AS price, 'some text for row number ' || i AS note"
  . " FROM blocks, generate_series(first, first + $per_block - 1) i";
for my $case (
	[ 'one object', 'shared.csv', q(format => 'csv') ],
	[ 'one object of gzip', 'shared.csv.gz', q(format => 'csv') ],
	[ 'one JSON array', 'shared.json', q(format => 'json', "array" => true) ],
	[ 'files', 'shared/', q(max_file_size => '16MB') ],
	[ 'folders', 'shared/', q(partition_by => 'folder') ])
{
	my ($name, $location, $options) = @$case;
	my $folders = int $megabytes / $part;
	my $query = $name eq 'folders' ? $shared =~ s/SELECT i,/SELECT i % $folders AS folder, i,/r : $shared;

	for my $memory ($name eq 'one object' ? (10, 36) : 36)
	{
		my $leader = $memory == 36 ? 'on' : 'off';

		fault(method => 'PUT', match => 'partNumber', delay => 0.02 * $memory, count => -1) if $name eq 'one object';
		is( measure("parallel export, $name, upload_memory ${memory}MB",
				"SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_leader_participation = $leader;"
				  . " SET s3_fdw.upload_memory = '${memory}MB';"
				  . " SELECT sum(rows), count(DISTINCT substring(location, 'part-[0-9]*')) > 1 FROM s3_export(" . lit($query)
				  . ", 's3://memory/$location', 'slow', part_size => '${part}MB', $options)",
				$memory * 1048576),
			"$all_rows|" . ($location =~ /\/$/ ? 't' : 'f'), "parallel export, $name: all rows, and files of several processes");
		fault_reset();
		s3_delete('memory', s3_keys('memory', 'shared'));
	}
}

s3_drop_bucket('memory');
done_testing();
