#-------------------------------------------------------------------------
#
# 045_manifests.pl
#		Manifest objects, archived objects, versions.
#
# IDENTIFICATION
#		test/t/045_manifests.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use JSON::PP ();
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'manifests';
s3_make_bucket($_) for $bucket, 'manifests2';
psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE FOREIGN TABLE t (id int, key text OPTIONS (metadata 'key'), size int OPTIONS (metadata 'size'))
	SERVER s3 OPTIONS (location 's3://$bucket/m', manifest 'true');
SQL

my %objects = map { ("data/day=$_/part.csv" => "$_\n") } 1 .. 40;
s3_put_many($bucket, { %objects, 'data/_hidden' => "50\n", 'data/a*[b]?.csv' => "60\n", "data/caf\xc3\xa9" => "70\n",
	'data/empty' => '', 'data/a"b' => "80\n" });
s3_put('manifests2', 'data/1.csv', "100\n");

# What a manifest gives: ids in the order of reading, or the error.
sub read_manifest
{
	my ($text, $columns) = @_;

	s3_put($bucket, 'm', $text);
	$columns = 'string_agg(id::text, \' \')' if !defined $columns;
	my ($out, $err) = psql_err("SET max_parallel_workers_per_gather = 0; SELECT $columns FROM t");
	return $err eq '' ? $out : $err;
}

sub json
{
	my (@entries) = @_;

	return JSON::PP->new->canonical->utf8->encode({ entries => \@entries });
}

sub entry
{
	my ($key, %more) = @_;

	return { url => "s3://$bucket/$key", %more };
}

#-------------------------------------------------------------------------
# JSON
#-------------------------------------------------------------------------

is(read_manifest(json(map { entry("data/day=$_/part.csv", mandatory => JSON::PP::true) } 3, 1, 2)), '3 1 2',
	'objects in the order of entries');
is(read_manifest(json(map { entry("data/day=$_/part.csv") } 1 .. 40, 40)), join(' ', 1 .. 40, 40),
	'more than are asked for at a time, and one twice');
is(read_manifest(json(entry('data/day=1/part.csv', meta => { content_length => 2 }),
	entry('data/day=12/part.csv', meta => { content_length => 3, record_count => 1 }))), '1 12', 'with lengths');
is(read_manifest(json(entry('data/_hidden'), entry('data/a*[b]?.csv'), entry("data/caf\x{e9}"), entry('data/empty'))), '50 60 70',
	'nothing is hidden, and no character is special');
is(read_manifest(json(entry('data/day=1/part.csv'), entry('data/none'), entry('data/day=2/part.csv'))), '1 2',
	'a missing object that is not mandatory');
is(read_manifest("\xef\xbb\xbf \n" . json(entry('data/day=1/part.csv'))), '1', 'after a byte order mark and blanks');
is(read_manifest('{"entries":[{"url":"s3://' . $bucket . '/data/day=5/part.csv","meta":{"content_length":2,"record_count":1}}],'
	. '"schema":{"elements":[{"name":"id","type":{"base":"integer"}}]},"meta":{"content_length":2,"record_count":1},'
	. '"author":{"name":"Amazon Redshift","version":"1.0.0"}}'), '5', "UNLOAD's verbose form");
is(read_manifest(json(entry('data/day=4/part.csv'), entry('data/day=5/part.csv')), "string_agg(key || size, ' ')"),
	'data/day=4/part.csv2 data/day=5/part.csv2', 'key and size');
is(read_manifest('{"entries": []}', 'count(*)'), '0', 'no entries');

my %wrong = (
	'a missing object' => [ json(entry('data/day=1/part.csv'), entry('data/none', mandatory => JSON::PP::true)),
		qr{58P01.*"s3://$bucket/data/none".*entry 2}s ],
	'all missing' => [ json(entry('data/none'), entry('data/none2')), qr{58P01: none of the objects that the manifest names exists} ],
	'another length' => [ json(entry('data/day=1/part.csv', meta => { content_length => 7 })),
		qr{55000: object "s3://$bucket/data/day=1/part.csv" has another size than its manifest says.*has 2 bytes; the manifest says 7.*entry 1}s ],
	'another scheme' => [ json(entry('data/day=1/part.csv'), { url => 'https://example.com/x' }),
		qr{22P04: malformed manifest "s3://$bucket/m".*https://example.com/x.*begins with "s3://".*entry 2}s ],
	'another bucket' => [ json({ url => 's3://manifests2/data/1.csv' }),
		qr{42501: manifest "s3://$bucket/m" names another bucket: "manifests2".*entry 1}s ],
	'a bad bucket' => [ json({ url => 's3://x_/y' }), qr{22P04.*entry 1}s ],
	'no key' => [ json({ url => "s3://$bucket/" }), qr{22P04.*names no object.*entry 1}s ],
	'no url' => [ json({ mandatory => JSON::PP::true }), qr{22P04.*no "url".*entry 1}s ],
	'url of another type' => [ '{"entries": [{"url": 5}]}', qr{22P04.*"url" is not a string}s ],
	'mandatory of another type' => [ qq({"entries": [{"url": "s3://$bucket/x", "mandatory": "yes"}]}), qr{22P04.*"mandatory" is not a boolean}s ],
	'length of another type' => [ qq({"entries": [{"url": "s3://$bucket/x", "meta": {"content_length": "1"}}]}), qr{22P04.*not a number}s ],
	'a length too large' => [ qq({"entries": [{"url": "s3://$bucket/x", "meta": {"content_length": 1e30}}]}), qr{22003.*entry 1}s ],
	'an entry of another type' => [ '{"entries": ["x"]}', qr{22P04.*not an object.*entry 1}s ],
	'entries of another type' => [ '{"entries": {}}', qr{22P04.*not an array}s ],
	'no entries' => [ '{"files": []}', qr{22P04.*no array "entries"}s ],
	'no JSON' => [ '{"entries": [', qr{22P02.*manifest "s3://$bucket/m"}s ],
	'a zero byte' => [ "{\"entries\": []}\0", qr{22P04.*zero byte}s ],
	'bytes that are no UTF-8' => [ qq({"entries": [{"url": "s3://$bucket/\xff"}]}), qr{22021} ],
	'deep nesting' => [ '{"entries": ' . '[' x 100000, qr{54001|22P02} ],
	'a line that is no location' => [ "s3://$bucket/data/day=1/part.csv\nday=2\n", qr{22P04.*"day=2" is no location.*line 2}s ],
	'a line that names a missing object' => [ "s3://$bucket/data/none\n", qr{58P01.*data/none.*line 1}s ],
	'an open quote' => [ qq("s3://$bucket/data/none\n), qr{22P04.*quote is not closed.*line 1}s ],
	'two locations in a line' => [ qq("s3://$bucket/a","s3://$bucket/b"\n), qr{22P04.*more than one location.*line 1}s ]);
like(read_manifest($wrong{$_}[0]), $wrong{$_}[1], $_) for sort keys %wrong;

# 64 MB are the limit, whatever is in them.
like(read_manifest("\n" x (64 * 1024 * 1024 + 1)),
	qr{54000: object "s3://$bucket/m" is too large\nDETAIL:  It has 67108865 bytes; at most 67108864 are read}, 'too large a manifest');

#-------------------------------------------------------------------------
# Lines
#-------------------------------------------------------------------------

is(read_manifest(join '', map { "s3://$bucket/data/day=$_/part.csv\n" } 2, 1, 2), '2 1 2', 'lines');
is(read_manifest("\r\n  s3://$bucket/data/day=7/part.csv  \r\n\n\"s3://$bucket/data/a\"\"b\"\ns3://$bucket/data/day=8/part.csv"), '7 80 8',
	'blank lines, quotes, no last newline');
is(read_manifest('', 'count(*)'), '0', 'an empty manifest');

# Several manifests: by a list, a folder, a glob
s3_put_many($bucket, { map { ("list/$_/manifest" => "s3://$bucket/data/day=$_/part.csv\n") } 1 .. 3 });
for my $case (
	[ "s3://$bucket/list/2/manifest, s3://$bucket/list/1/manifest", '2 1' ],
	[ "s3://$bucket/list/", '1 2 3' ],
	[ "s3://$bucket/list/[13]/manifest", '1 3' ])
{
	psql('ALTER FOREIGN TABLE t OPTIONS (SET location ' . lit($case->[0]) . ')');
	is(psql(q{SET max_parallel_workers_per_gather = 0; SELECT string_agg(id::text, ' ') FROM t}), $case->[1], "location $case->[0]");
}
psql("ALTER FOREIGN TABLE t OPTIONS (SET location 's3://$bucket/none')");
my (undef, $err) = psql_err('SELECT * FROM t');
like($err, qr{58P01.*s3://$bucket/none}, 'no manifest');

# Objects of any bucket that the location names
s3_put('manifests2', 'empty', '');
s3_put($bucket, 'm', json({ url => 's3://manifests2/data/1.csv' }, entry('data/day=1/part.csv')));
psql("ALTER FOREIGN TABLE t OPTIONS (SET location 's3://$bucket/m,s3://manifests2/empty')");
is(psql('SELECT sum(id) FROM t'), '101', 'two buckets');

# Filters: what the name tells is not asked for.
s3_put($bucket, 'm', json(map { entry("data/day=$_/part.csv") } 1 .. 40));
psql(<<"SQL");
CREATE FOREIGN TABLE days (id int, day int OPTIONS (partition 'day'), size int OPTIONS (metadata 'size'))
	SERVER s3 OPTIONS (location 's3://$bucket/m', manifest 'true');
SELECT * FROM days WHERE day = 4;
SQL
fault_reset();
is(psql('SELECT id, size FROM days WHERE day IN (4, 40) AND size = 3'), '40|3', 'a filter');
is(scalar(grep { $_->{method} eq 'HEAD' && $_->{uri} =~ /day/ } fault_log()), 2 * 2, 'asks for what it may want');
is(psql('SELECT count(*) FROM days WHERE size > 2'), '31', 'a filter on the size');

#-------------------------------------------------------------------------
# Archived objects
#-------------------------------------------------------------------------

psql(<<"SQL");
CREATE FOREIGN TABLE archived (id int, class text OPTIONS (metadata 'storage_class'), day int OPTIONS (partition 'day'))
	SERVER s3 OPTIONS (location 's3://$bucket/data/day=')
SQL
my @classes = ((map { "GLACIER" } 1 .. 4), 'DEEP_ARCHIVE', 'GLACIER_IR', 'STANDARD_IA');
my $listing = '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>' . join('', map {
	'<Contents><Key>' . "data/day=$_/part.csv" . '</Key><Size>2</Size><LastModified>2026-01-02T03:04:05.000Z</LastModified>'
	  . "<StorageClass>$classes[$_ - 1]</StorageClass></Contents>" } 1 .. @classes) . '</ListBucketResult>';

sub archived
{
	my ($where, %head) = @_;

	fault_reset();
	fault(match => 'list-type=2', after => 1, xml => $listing, count => -1);
	fault(method => 'HEAD', match => $_, set => $head{$_}, count => -1) for keys %head;
	my ($out, $err) = psql_err("SET max_parallel_workers_per_gather = 0; SELECT string_agg(id || class, ' ' ORDER BY id) FROM archived $where");
	return $err eq '' ? $out : $err;
}

my @glacier = map { ($_ => { 'x-amz-storage-class' => 'GLACIER' }) } map { "day%3D$_/" } 1 .. 5;
my $error = archived('', @glacier);
like($error, qr{55000: cannot read archived objects: "s3://$bucket/data/day=1/part.csv", "s3://$bucket/data/day=2/part.csv", "s3://$bucket/data/day=3/part.csv"\n},
	'archived objects are named');
like($error, qr{The scan would read 5 objects in archive storage classes}, 'and counted');
is(scalar(grep { $_->{method} eq 'GET' && $_->{uri} !~ /list-type/ } fault_log()), 0, 'before any is read');
is(archived('WHERE day >= 6', @glacier), '6GLACIER_IR 7STANDARD_IA', 'others are read');
is(archived(q{WHERE class NOT IN ('GLACIER', 'DEEP_ARCHIVE')}, @glacier), '6GLACIER_IR 7STANDARD_IA', 'a filter leaves them out');
my @restored = map { ($_ => { 'x-amz-storage-class' => 'GLACIER',
	'x-amz-restore' => 'ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"' }) } map { "day%3D$_/" } 1 .. 5;
is(archived('WHERE day <= 5', @restored), '1GLACIER 2GLACIER 3GLACIER 4GLACIER 5DEEP_ARCHIVE', 'restored ones are read');
like(archived('WHERE day <= 5', @restored, 'day%3D4/' => { 'x-amz-storage-class' => 'GLACIER', 'x-amz-restore' => 'ongoing-request="true"' }),
	qr{cannot read archived objects: "s3://$bucket/data/day=4/part.csv"\n}, 'one that is being restored');
fault_reset();

#-------------------------------------------------------------------------
# Versions
#-------------------------------------------------------------------------

s3_make_bucket('versions');
psql(<<"SQL");
CREATE FOREIGN TABLE versions (id int, version text OPTIONS (metadata 'version_id'), key text OPTIONS (metadata 'key'),
	etag text OPTIONS (metadata 'etag'), k text OPTIONS (partition 'k'))
	SERVER s3 OPTIONS (location 's3://versions/v/')
SQL
s3_put('versions', 'v/k=a/1', "1\n");
my $response = s3_request('PUT', 'versions', undef, query => { versioning => undef },
	body => '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>');
ok($response->{success}, 'versioning is on');
s3_put('versions', "v/k=a/$_ +%\xc3\xa9&<", "$_\n") for 2 .. 4;
s3_put('versions', "v/k=b/$_", "$_\n") for 5 .. 9;
for my $i (10 .. 13)
{
	s3_put('versions', 'v/k=b/6', "$i\n");
}
s3_delete('versions', 'v/k=b/7');
my $version = s3_head('versions', 'v/k=b/6')->{'x-amz-version-id'};
is(psql(q{SELECT string_agg(id::text, ' ' ORDER BY id) FROM versions}), '1 2 3 4 5 8 9 13', 'the newest versions');
is(psql('SELECT version FROM versions WHERE id = 13'), $version, 'the version id');
is(psql('SELECT version FROM versions WHERE id = 1'), 'null', 'of an object from before');
is(psql(q{SELECT etag FROM versions WHERE id = 1}), 'b026324c6904b2a9cb4b88d6d61c81d1', 'the entity tag has no quotes');
psql(q{SELECT * FROM versions WHERE k = 'b'});
fault_reset();
is(psql(q{LOAD 's3_fdw'; SET s3_fdw.plan_sample_size = 0; SELECT count(*), min(key) FROM versions WHERE k = 'b'}), '4|v/k=b/5', 'folders are left out');
my @log = fault_log();
is(scalar(grep { $_->{uri} =~ /versions=/ } @log), 4, 'by listing versions');
is(scalar(grep { $_->{uri} =~ /versionId=/ && $_->{if_match} ne '-' } @log), 4, 'and each is read as that version');

# Many versions of few keys, over pages of a few
s3_put('versions', 'v/k=c/1', "$_\n") for 1 .. 1100;
is(psql(q{SELECT string_agg(id::text, ' ' ORDER BY key) FROM versions WHERE k IN ('c', 'a')}), '1 2 3 4 1100', 'many versions');

s3_drop_bucket($_) for $bucket, 'manifests2', 'versions';
done_testing();
