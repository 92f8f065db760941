#-------------------------------------------------------------------------
#
# 053_export_target.pl
#		Exports of many files: what is at the location before, what is added and
#		deleted after, and folders by the thousand.
#
# The number of partitions is 1,000, and with S3_TEST_LONG 10,000, which takes
# minutes.
#
# IDENTIFICATION
#		test/t/053_export_target.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;
use utf8;

use FindBin;
use JSON::PP ();
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Store;
use S3Test;

my $bucket = 'target';
my $store = store_start(\&store_answer);

s3_make_bucket($bucket);
psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}', region 'us-east-1');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE SERVER direct FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}', region 'us-east-1');
CREATE USER MAPPING FOR CURRENT_USER SERVER direct
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE SERVER fake FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$store');
CREATE USER MAPPING FOR CURRENT_USER SERVER fake
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE FOREIGN TABLE listed (a int, b int) SERVER s3 OPTIONS (location 's3://$bucket/x', manifest 'true');
SQL

# One row makes one file, named by file_name unless more says otherwise.
sub export_sql
{
	my ($location, $more, $query, $result) = @_;

	$query = 'SELECT 1, 2' if !defined $query;
	return 'SELECT ' . ($result || 'action, location, rows, bytes') . ' FROM s3_export(' . lit($query) . ', '
	  . lit("s3://$bucket/$location") . ", 's3'" . ($more ? ", $more" : '') . ')';
}

sub export_error
{
	my $error = (psql_err(export_sql(@_)))[1];

	$error =~ s/^(?:LOCATION|CONTEXT|SQL function|STATEMENT):.*\n//mg;
	return $error;
}

sub keys_of
{
	return join ' ', s3_keys($bucket, $_[0]);
}

sub manifest
{
	my $text = s3_get($bucket, $_[0]);

	return defined $text ? JSON::PP->new->utf8->decode($text) : undef;
}

# What a table over the manifest reads.
sub read_listed
{
	return psql("ALTER FOREIGN TABLE listed OPTIONS (SET location 's3://$bucket/$_[0]'); SELECT count(*), sum(b) FROM listed");
}

sub no_uploads
{
	is(join(' ', map { $_->{key} } s3_uploads($bucket)), '', "$_[0]: no upload is left open");
}

# As many objects as one pass of deletions has not.
my @old = map { sprintf 'k%03d', $_ } 0 .. 40;

sub fill
{
	my ($folder, @more) = @_;

	s3_put_many($bucket, { map { ("$folder$_" => 'abc') } @old, @more });
}

#-------------------------------------------------------------------------
# Manifests and markers
#-------------------------------------------------------------------------

my $types = q{SELECT n AS a, 'x'::varchar(25) AS "b ""q"" é", 1::numeric(10, 2) AS n, 1::numeric AS m, 'c'::char(3) AS c,}
  . q{ 1::numeric(3, -2) AS neg, '2026-01-02'::date AS d, 'p'::text AS part, 'z'::information_schema.sql_identifier AS dom}
  . q{ FROM generate_series(1, 3) n};
my $out = psql(export_sql('f/', q(manifest => 'verbose', success_marker => true, partition_by => 'part', rows_per_file => 1,)
	  . q( file_name => E'b "q" \\\\ é%25+\\t{slice}-{part}.csv'), $types));
my $name = qq(b "q" \\ é%25+\t);
is(join(' ', map { /^written\|.*\|\|/ ? 1 : 0 } split /\n/, $out), '0 0 0 1 1', 'the manifest and the marker come last and have no rows');
my $json = manifest('f/_manifest');
is_deeply([ map { $_->{url} } @{ $json->{entries} } ], [ map { "s3://$bucket/f/part=p/${name}0-$_.csv" } 0 .. 2 ], 'verbose: URLs, as keys are');
is(join(' ', map { "$_->{meta}{record_count}" } @{ $json->{entries} }), '1 1 1', 'verbose: rows');
is(join(' ', map { $_->{meta}{content_length} } @{ $json->{entries} }), join(' ', map { $_->{size} } s3_list($bucket, 'f/part=p/')), 'verbose: sizes');
is(scalar(grep { $_->{mandatory} } @{ $json->{entries} }), 3, 'verbose: mandatory');
is($json->{meta}{record_count}, 3, 'verbose: rows in all');
my $bytes = 0;
$bytes += $_->{size} for s3_list($bucket, 'f/part=p/');
is($json->{meta}{content_length}, $bytes, 'verbose: bytes in all');
is($json->{author}{name}, 's3_fdw', 'verbose: author');
is_deeply($json->{schema}{elements}, [
		{ name => 'a', type => { base => 'integer' } },
		{ name => 'b "q" é', type => { base => 'character varying', max_length => 25 } },
		{ name => 'n', type => { base => 'numeric', precision => 10, scale => 2 } },
		{ name => 'm', type => { base => 'numeric' } },
		{ name => 'c', type => { base => 'character', max_length => 3 } },
		{ name => 'neg', type => { base => 'numeric', precision => 3, scale => -2 } },
		{ name => 'd', type => { base => 'date' } },
		{ name => 'dom', type => { base => 'name' } } ], 'verbose: columns of the files');
is(s3_head($bucket, 'f/_manifest')->{'content-type'}, 'application/json', 'the type of a manifest');
is(s3_get($bucket, 'f/_SUCCESS'), '', 'the marker is empty');
psql(export_sql('f/', q(manifest => 'plain', overwrite => 'clean', rows_per_file => 1, partition_by => 'p, q'),
		q(SELECT n AS a, n * 2 AS b, n AS p, 'é "\\' AS q FROM generate_series(1, 3) n)));
$json = manifest('f/_manifest');
is_deeply([ sort keys %$json ], ['entries'], 'plain: entries alone');
is_deeply([ map { join ' ', sort(keys %$_), keys %{ $_->{meta} } } @{ $json->{entries} } ],
	[ ('mandatory meta url content_length') x 3 ], 'plain: URL and size');
is(read_listed('f/_manifest'), '3|12', 'our own tables read it');
psql(export_sql('e/', q(manifest => 'plain', empty_result => 'none'), 'SELECT 1, 2 WHERE false'));
is(keys_of('e/'), 'e/_manifest', 'no rows: a manifest and no file');
is_deeply(manifest('e/_manifest'), { entries => [] }, 'of nothing');
is(read_listed('e/_manifest'), '0|', 'and so it is read');
psql(export_sql('many/', q(manifest => 'verbose', rows_per_file => 1), 'SELECT n, 1 FROM generate_series(1, 300) n'));
is(read_listed('many/_manifest'), '300|300', 'of 300 files');
psql(export_sql('raw/part-', q(manifest => 'plain', success_marker => true, file_name => '{slice}.csv')));
is(keys_of('raw/'), 'raw/_SUCCESS raw/part-0.csv raw/part-manifest', 'names beside a prefix that is no folder');
is(read_listed('raw/part-manifest'), '1|2', 'and that manifest is read');
psql(export_sql('', q(overwrite => 'replace', file_name => 'top-{slice}', manifest => 'plain', success_marker => true)));
is(keys_of('manifest') . ' ' . keys_of('_') . ' ' . keys_of('top'), 'manifest _SUCCESS top-0', 'at the top of a bucket');
s3_delete($bucket, 'manifest', '_SUCCESS', 'top-0');

#-------------------------------------------------------------------------
# What is there: an error, replaced
#-------------------------------------------------------------------------

my $new = q(file_name => 'new-{slice}');

like(export_error('f/', $new), qr/^ERROR:  58P02: location ".*" is not empty\n.*^DETAIL:  It holds "s3:.*^HINT:  .*overwrite => 'replace'/ms,
	'error: there is something');
is(keys_of('f/new'), '', 'error: nothing is written');
s3_put($bucket, $_, '') for 'mk/', 'mk/sub/';
psql(export_sql('mk/', $new));
is(keys_of('mk/'), 'mk/ mk/new-0 mk/sub/', 'error: empty objects for folders do not count');
s3_put($bucket, 'mk2/', 'x');
like(export_error('mk2/', $new), qr/is not empty/, 'error: but others of such names do');
s3_delete($bucket, 'raw/part-0.csv', 'raw/part-manifest');
like(export_error('raw/part-', "$new, success_marker => true"), qr/^ERROR:  58P02: object ".*_SUCCESS" already exists/m,
	'error: a marker beside the prefix');
is(keys_of('raw/'), 'raw/_SUCCESS', 'error: nothing is written');
psql(export_sql('raw/part-', $new));
is(keys_of('raw/'), 'raw/_SUCCESS raw/part-new-0', 'error: of no concern without a marker of ours');
like(export_error('f/', q(dry_run => true, file_name => 'x{slice}')), qr/is not empty/, 'error: a dry run tells');
is(psql(export_sql('nothing/', 'dry_run => true', 'SELECT 1 / 0')), '', 'error: and does not run the query');

fill('r/', 'part-00000-00000.csv', '_manifest', '_SUCCESS');
psql(export_sql('r/', q(overwrite => 'replace', manifest => 'plain', success_marker => true)));
is(scalar(my @there = s3_keys($bucket, 'r/')), 44, 'replace: others stay');
is(s3_get($bucket, 'r/part-00000-00000.csv') . s3_get($bucket, 'r/_SUCCESS'), "1,2\n", 'replace: those of the same names do not');
is(read_listed('r/_manifest'), '1|2', 'replace: nor the manifest');
is(psql(export_sql('r/', q(overwrite => 'replace', dry_run => true))), '', 'replace: a dry run has nothing to delete');

#-------------------------------------------------------------------------
# Clean
#-------------------------------------------------------------------------

for my $case (
	[ '', $new, 'All of the bucket' ],
	[ 'raw/p', $new, 'does not end in a slash' ],
	[ 'raw/p', 'parallel => false', 'for exports of many files' ])
{
	my ($location, $more, $words) = @$case;

	like(export_error($location, "$more, overwrite => 'clean'" . ($words =~ /many/ ? '' : ', parallel => false')),
		qr/^ERROR:  HV024: .*\Q$words\E/ms, "clean: refused: $words");
	like(export_error($location, "$more, overwrite => 'clean', dry_run => true"), qr/^ERROR:  HV024/m, 'clean: and by a dry run');
}

fill('cl/', '_SUCCESS', 'sub/x y', 'new-0', 'é', '_manifest');
s3_put($bucket, $_, '') for 'cl/', 'cl/sub/';
s3_put($bucket, 'clean', 'a neighbour');
my $before = keys_of('cl/');
my $clean = "$new, overwrite => 'clean'";
my @rows = split /\n/, psql(export_sql('cl/', "$clean, dry_run => true, manifest => 'plain'", 'SELECT 1 / 0'));
is(scalar @rows, 45, 'clean: a dry run tells of all that may be deleted');
is(join(' ', grep { !/^to be deleted\|s3:.*\|\|3$/ } @rows), '', 'clean: with their sizes');
is(join("\n", @rows), join("\n", sort @rows), 'clean: in order');
is(keys_of('cl/'), $before, 'clean: and deletes nothing');
like(export_error('cl/', $clean, 'SELECT 1 / (n - 5) FROM generate_series(1, 10) n'), qr/division by zero/, 'clean: a query fails');
is(keys_of('cl/'), $before, 'clean: and nothing is deleted');
no_uploads('clean');

fault_reset();
@rows = split /\n/, psql(export_sql('cl/', "$clean, success_marker => true, manifest => 'verbose'"));
is(keys_of('cl/'), 'cl/ cl/_SUCCESS cl/_manifest cl/new-0 cl/sub/', 'clean: the new ones are left');
is(join(' ', map { /^written\|.*?([^\/|]+)\|/ ? $1 : () } @rows), 'new-0 _manifest _SUCCESS', 'clean: written');
is(scalar(grep { /^deleted\|s3:.*\|\|3$/ } @rows), 43, 'clean: deleted, with sizes');
is(scalar @rows, 46, 'clean: and no others');
is(s3_get($bucket, 'clean'), 'a neighbour', 'clean: what begins alike is another folder');
is(read_listed('cl/_manifest'), '1|2', 'clean: the manifest is new');
my @requests = grep { $_->{method} =~ /^(?:DELETE|PUT|POST)$/ } fault_log();
my ($first, @deletes) = grep { $_->{method} eq 'DELETE' } @requests;
like($first->{uri}, qr/_SUCCESS/, 'clean: the old marker goes first');
is(scalar(grep { $_->{uri} =~ /_SUCCESS|new-0|_manifest/ } @deletes), 0, 'clean: once, and no new one');
like($requests[-1]{method} . $requests[-1]{uri}, qr/^PUT.*_SUCCESS/, 'clean: the new marker comes last');
fault_reset();
is(psql(export_sql('cl/', $clean)) =~ s/^written.*\n//r,
	"deleted|s3://$bucket/cl/_SUCCESS||0\ndeleted|s3://$bucket/cl/_manifest||" . $rows[1] =~ s/.*\|//r,
	'clean: without a marker and a manifest of its own, both go');
is(psql(export_sql('cl/', "$clean, empty_result => 'none'", 'SELECT 1, 2 WHERE false')), "deleted|s3://$bucket/cl/new-0||4", 'clean: no rows');
is(psql(export_sql('nothing/', $clean, undef, 'action')), 'written', 'clean: nothing was there');

# A store that lists in another order.
my $listing = join '', map { sprintf '<Contents><Key>big/k%05d</Key><Size>5</Size><ETag>"x"</ETag></Contents>', $_ } reverse 0 .. 49999;
fault(match => 'list-type', status => 200, count => -1,
	xml => "<ListBucketResult><IsTruncated>false</IsTruncated>$listing</ListBucketResult>");
@rows = split /\n/, psql(export_sql('big/', "$clean, dry_run => true", undef, 'location'));
is(scalar @rows, 50000, 'clean: many');
is(join(' ', @rows[ 0, 1, -1 ]), "s3://$bucket/big/k00000 s3://$bucket/big/k00001 s3://$bucket/big/k49999", 'clean: in order, whatever the store says');
fault_reset();

#-------------------------------------------------------------------------
# Failures
#-------------------------------------------------------------------------

fill('cl/');
fault(method => 'DELETE', match => 'k003', status => 403, code => 'AccessDenied', count => -1);
fault(method => 'DELETE', match => 'k030', status => 403, code => 'AccessDenied', count => -1);
fault(method => 'DELETE', match => 'k031', status => 404, code => 'NoSuchKey', count => -1);
like(export_error('cl/', "$clean, success_marker => true"),
	qr/^ERROR:  \w+: could not delete "s3:.*k003": .*^DETAIL:  .*of the objects to be deleted, 39 were and 2 were not\./ms,
	'failing deletions are reported');
is(keys_of('cl/'), 'cl/ cl/k003 cl/k030 cl/k031 cl/new-0 cl/sub/', 'all others are tried, files stay, and there is no marker');
no_uploads('failing deletions');
fault_reset();
s3_delete($bucket, s3_keys($bucket, 'cl/'));

my $session = psql_start("SET s3_fdw.stall_timeout = 60000", go_on => 1);

# Run a statement, cancel it when a request of the pattern has come, and return
# its messages.
sub cancelled
{
	my ($sql, $seconds) = @_;

	S3Test::write_psql($session, "$sql;");
	ok(wait_until(sub { psql("SELECT state = 'active' AND now() - query_start > '$seconds s' FROM pg_stat_activity WHERE pid = $session->{pid}") eq 't' }, 30),
		'it runs');
	psql("SELECT pg_cancel_backend($session->{pid})");
	return (psql_send($session, ''))[1];
}

fill('cl/');
fault(method => 'DELETE', match => 'k020', delay => 30);
like(cancelled(export_sql('cl/', "$clean, success_marker => true"), 1.5), qr/^ERROR:  57014/m, 'a cancel while others are deleted');
is(s3_get($bucket, 'cl/_SUCCESS'), undef, 'no marker');
is(s3_get($bucket, 'cl/new-0'), "1,2\n", 'the files stay');
fault_reset();

fault(match => '_SUCCESS', method => 'PUT', status => 403, code => 'AccessDenied', count => -1);
my $error = (psql_err(export_sql('mf/', "$new, manifest => 'plain', success_marker => true")))[1];
like($error, qr/^ERROR:  42501/m, 'the marker fails');
like($error, qr/writing the success marker; all files of the export are complete/, 'and that is told');
is(keys_of('mf/'), 'mf/_manifest mf/new-0', 'the others stay');
fault_reset();

my $several = "SELECT n, 1 FROM generate_series(1, 40) n";
my $many = q(rows_per_file => 1, manifest => 'plain', success_marker => true);
fault(match => 'manifest', method => 'PUT', status => 403, code => 'AccessDenied', count => -1);
like(export_error('mg/', $many, $several), qr/^ERROR:  42501/m, 'the manifest fails');
is(keys_of('mg/'), '', 'nothing is left');
no_uploads('the manifest fails');
fault_reset();

fault(match => 'manifest', method => 'PUT', after => 1, delay => 30);
like(cancelled(export_sql('mh/', $many, $several), 1.5), qr/^ERROR:  57014/m, 'a cancel while the manifest is sent');
is(keys_of('mh/'), '', 'nothing is left');
no_uploads('the manifest is cancelled');
fault_reset();

fault(match => 'uploadId=', method => 'POST', skip => 20, status => 403, code => 'AccessDenied', count => -1);
like(export_error('mi/', "$many, overwrite => 'clean'", $several), qr/^ERROR:  42501/m, 'a completion fails');
fault_reset();
my $left = keys_of('mi/');
is($left, '', 'nothing is left') if $left eq '';
like($left, qr/^mi\/part/, 'with overwrite, what is complete may have replaced others, and stays') if $left ne '';
no_uploads('a completion fails');
fault(match => 'uploadId=', method => 'POST', skip => 20, status => 403, code => 'AccessDenied', count => -1);
like(export_error('mj/', $many, $several), qr/^ERROR:  42501/m, 'a completion fails where nothing was');
fault_reset();
is(keys_of('mj/'), '', 'nothing is left');
no_uploads('a completion fails where nothing was');
psql_finish($session);

#-------------------------------------------------------------------------
# Labels
#-------------------------------------------------------------------------

my %labels = (
	'x-amz-meta-owner' => 'a b',
	'x-amz-tagging' => 'k=v',
	'x-amz-storage-class' => 'STANDARD_IA',
	'x-amz-server-side-encryption' => 'aws:kms',
	'x-amz-server-side-encryption-aws-kms-key-id' => 'key',
	'x-amz-acl' => 'bucket-owner-full-control');
psql("SELECT s3_export('SELECT n, 1 FROM generate_series(1, 3) n', 's3://$bucket/l/', 'fake', overwrite => 'replace',"
	  . q( rows_per_file => 1, manifest => 'plain', success_marker => true, content_type => 'text/x-test', content_encoding => 'identity',)
	  . q( metadata => '{"Owner": "a b"}', tags => '{"k": "v"}', storage_class => 'STANDARD_IA', sse => 'aws:kms', kms_key_id => 'key',)
	  . q( acl => 'bucket-owner-full-control', checksum => 'crc64nvme') . ')');
my %sent;
for my $request (store_requests())
{
	my $headers = $request->{headers};
	next if $request->{target} =~ /uploadId=/ || $request->{method} !~ /^(?:PUT|POST)$/;
	my ($key) = $request->{target} =~ m{/l/([^?]*)};
	$sent{$key} = { map { $_ => $headers->{$_} } grep { exists $labels{$_} } keys %$headers };
	my $type = $key eq '_SUCCESS' ? undef : $key eq '_manifest' ? 'application/json' : 'text/x-test';
	is($headers->{'content-type'}, $type, "$key: its type") if defined $type;
	is($headers->{'content-encoding'}, $type && $type =~ /^text/ ? 'identity' : undef, "$key: its encoding");
	ok((grep { /^x-amz-checksum/ } keys %$headers), "$key: a checksum");
}
is_deeply(\%sent, { map { $_ => \%labels } (map { "part-00000-0000$_.csv" } 0 .. 2), '_manifest', '_SUCCESS' },
	'labels of all objects');

#-------------------------------------------------------------------------
# Folders by the thousand
#-------------------------------------------------------------------------

my $partitions = $ENV{S3_TEST_LONG} ? 10000 : 1000;
my $rows = 6 * $partitions;
my $limit = (64 + 36) * 1024 * 1024;

psql(<<"SQL");
CREATE TABLE events (id int, p int, note text) WITH (parallel_workers = 2);
INSERT INTO events SELECT i, i % $partitions, md5(i::text) FROM generate_series(1, $rows) i ORDER BY md5(i::text);
ANALYZE events;
CREATE FOREIGN TABLE events_back (id int, p int OPTIONS (partition 'p'), note text) SERVER direct
	OPTIONS (location 's3://$bucket/events/');
SQL
my $sums = 'SELECT count(*), count(DISTINCT p), sum(id), sum(hashtextextended(id || note, p)::numeric) FROM';
my $expected = psql("$sums events");

for my $case (
	[ 'random order', 'SELECT * FROM events', 2, 'parallel => false' ],
	[ 'random order, in parallel', 'SELECT * FROM events', 6, 'parallel => true' ],
	[ 'ordered', 'SELECT * FROM events ORDER BY p', 1, 'parallel => true' ])
{
	my ($case_name, $query, $most, $more) = @$case;
	my $worker = psql_start(undef, go_on => 1);
	my $idle = psql_start('SELECT 1');

	psql_send($worker, "SET s3_fdw.upload_memory = '36MB'; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET work_mem = '1MB'");
	my $tracker = track_rss($worker->{pid});
	my $sql = 'SELECT count(*), sum(rows) FROM s3_export(' . lit($query)
	  . ", 's3://$bucket/events/', 'direct', partition_by => 'p', overwrite => 'replace', $more)";
	my ($result, $err) = psql_send($worker, $sql, timeout => 600);
	my $peak = peak_rss($tracker) - backend_rss($idle->{pid});

	psql_finish($_) for $worker, $idle;
	is($err, '', "$case_name: no error");
	my @files = s3_keys($bucket, 'events/');
	my (%folders, %slices);
	for (@files)
	{
		m{^events/(p=\d+)/part-(\d{5})-(\d{5})\.csv$} or fail("$case_name: $_");
		$folders{$1}{$2}++;
		$slices{$2}++;
	}
	my ($most_of_all) = sort { $b <=> $a } map { my $n = 0; $n += $_ for values %$_; $n } values %folders;
	my ($most_of_one) = sort { $b <=> $a } map { values %$_ } values %folders;
	is($result, @files . "|$rows", "$case_name: the result tells all files and rows");
	is(scalar keys %folders, $partitions, "$case_name: folders");
	cmp_ok($most_of_one, '<=', $most == 1 ? 1 : 2, "$case_name: files of a folder and process");
	cmp_ok($most_of_all, '<=', $most, "$case_name: files of a folder");
	is(psql("$sums events_back"), $expected, "$case_name: the rows come back");
	diag(sprintf '%s: %d folders, %d files by %d processes, %.1f MB at the peak', $case_name, scalar keys %folders, scalar @files,
		scalar keys %slices, $peak / 1048576);
  SKIP:
	{
		skip 'a sanitizer keeps freed memory, or there is no /proc', 1 if $ENV{S3_TEST_ASAN} || !defined backend_rss($$);
		cmp_ok($peak, '<=', $limit, "$case_name: memory");
	}
	no_uploads($case_name);
	psql("SELECT FROM s3_export('SELECT 1 WHERE false', 's3://$bucket/events/', 'direct', overwrite => 'clean', empty_result => 'none')");
	is(keys_of('events/'), '', "$case_name: and all is cleaned");
}

s3_drop_bucket($bucket);
done_testing();
