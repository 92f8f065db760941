#-------------------------------------------------------------------------
#
# 047_export_attributes.pl
#		How an exported object is labelled, and the checksums that go with it.
#
# Two stores: the real one tells what it has kept; a small one of our own, which
# takes everything, tells what exactly it was sent.
#
# IDENTIFICATION
#		test/t/047_export_attributes.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;
no warnings 'portable';

use File::Temp ();
use FindBin;
use MIME::Base64 qw(encode_base64);
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Store;
use S3Test;

my $bucket = 'labels';
my $scratch = File::Temp->newdir('s3test_XXXXXX', TMPDIR => 1);

#-------------------------------------------------------------------------
# Checksums, by their definitions
#-------------------------------------------------------------------------

is(crc('crc32c', '123456789'), encode_base64(pack('H*', 'e3069283'), ''), 'the check value of CRC32C');
is(crc('crc64nvme', '123456789'), encode_base64(pack('H*', 'ae8b14860a799888'), ''),
	'the check value of CRC-64/NVME');

SKIP:
{
	skip 'the unit test module is not built', 2 unless defined unit_lib();
	psql('CREATE FUNCTION unit_crc64(bytea, int) RETURNS text LANGUAGE C AS '
		  . lit(unit_lib()) . ", 'unit_crc64'");
	is(psql("SELECT unit_crc64('123456789', 4), unit_crc64('', 0), unit_crc64('\\x00', 0)"),
		'ae8b14860a799888|0000000000000000|'
		  . unpack('H*', pack 'Q>', ~0 ^ (0xFF_FFFF_FFFF_FFFF ^ crc_table(0x9A6C9329AC4BC9B5)->[255])),
		'CRC-64/NVME');
	psql("SELECT unit_crc64(decode(repeat(md5(n::text), 20), 'hex'), n * 5) FROM generate_series(0, 80) n;"
		  . "SELECT unit_crc64(convert_to(repeat('x', n * 77777), 'UTF8'), 12345) FROM generate_series(1, 9) n");
	pass('parts add up, wherever they are cut');
}

#-------------------------------------------------------------------------
# A store that takes everything and writes down what it was sent
#-------------------------------------------------------------------------

# Files in $scratch change what it says.  refuse holds a status, which answers
# all requests with a header for checksums; damage answers one PUT with BadDigest;
# lose leaves a PUT without an answer, and shows an object from then on.
sub answer
{
	my ($method, $target, $headers, $body) = @_;

	if (-s "$scratch/refuse" && grep { /^x-amz-(?:sdk-)?checksum/ } keys %$headers)
	{
		open my $fh, '<', "$scratch/refuse" or die;
		my $status = <$fh>;
		return ($status, '', '<Error><Code>NotImplemented</Code><Message>No such header.</Message></Error>');
	}
	return (400, '', '<Error><Code>BadDigest</Code></Error>')
	  if $method eq 'PUT' && unlink "$scratch/damage";
	return () if $method eq 'PUT' && rename "$scratch/lose", "$scratch/lost";
	return (200, "ETag: \"0123456789abcdef0123456789abcdef\"\r\nContent-Length: 10\r\n", undef)
	  if $method eq 'HEAD' && -e "$scratch/lost";
	return store_answer(@_);
}

my $store = store_start(\&answer);

s3_make_bucket($bucket);
psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE SERVER real FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR CURRENT_USER SERVER real
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE SERVER fake FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$store');
CREATE USER MAPPING FOR CURRENT_USER SERVER fake
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
SQL

my $few = 'SELECT 123456789';
my $many = "SELECT n, repeat('x', 1000) FROM generate_series(1, 5400) n";
my $many_bytes = join '', map { "$_," . 'x' x 1000 . "\n" } 1 .. 5400;

sub export_sql
{
	my ($server, $query, $key, $more) = @_;

	return 'SELECT rows FROM s3_export(' . lit($query) . ', ' . lit("s3://$bucket/$key")
	  . ", '$server', part_size => '5MB'" . ($more ? ", $more" : '') . ')';
}

#-------------------------------------------------------------------------
# What is sent
#-------------------------------------------------------------------------

my $labels = q(content_encoding => 'identity', content_type => 'text/x-test; charset="utf-8"',)
  . q( metadata => '{"Owner": "a  b; c", "x!#": "", "z": "=,\\\\"}', tags => '{"k=1": "a b&c", "é": "+"}',)
  . q( storage_class => 'STANDARD_IA', sse => 'aws:kms', kms_key_id => 'arn:aws:kms:eu-1:1:key/a-b',)
  . q( acl => 'bucket-owner-full-control');
my %labels = (
	'content-type' => 'text/x-test; charset="utf-8"',
	'content-encoding' => 'identity',
	'x-amz-meta-owner' => 'a  b; c',
	'x-amz-meta-x!#' => '',
	'x-amz-meta-z' => '=,\\',
	'x-amz-tagging' => '%C3%A9=%2B&k%3D1=a%20b%26c',
	'x-amz-storage-class' => 'STANDARD_IA',
	'x-amz-server-side-encryption' => 'aws:kms',
	'x-amz-server-side-encryption-aws-kms-key-id' => 'arn:aws:kms:eu-1:1:key/a-b',
	'x-amz-acl' => 'bucket-owner-full-control');

# Those of a request that say something about the object.
sub labels_of
{
	my ($request) = @_;
	my $headers = $request->{headers};

	return {
		map { $_ => $headers->{$_} }
		grep { /^(?:content-(?:type|encoding)|x-amz-.*)$/ && !/^x-amz-(?:date|content-sha256)$/ }
		  keys %$headers
	};
}

psql(export_sql('fake', $few, 'few', $labels));
my ($put) = grep { $_->{method} eq 'PUT' } store_requests();
is_deeply(labels_of($put), \%labels, 'PutObject has the labels');
is($put->{body}, "123456789\n", 'and the bytes');
like($put->{headers}{authorization}, qr/SignedHeaders=[^,]*x-amz-meta-owner;x-amz-meta-x!#;/, 'they are signed');

psql(export_sql('fake', $many, 'many', $labels));
my @log = store_requests();
my ($create) = grep { $_->{target} =~ /[?&]uploads=/ } @log;
is_deeply(labels_of($create), \%labels, 'CreateMultipartUpload has the labels');
is_deeply([ map { labels_of($_) } grep { $_->{method} eq 'PUT' } @log ], [ {}, {} ], 'parts have none');

psql(export_sql('fake', $few, 'few'));
($put) = grep { $_->{method} eq 'PUT' } store_requests();
is_deeply(labels_of($put), { 'content-type' => 'text/csv' }, 'only the type by default');
for my $type (["format => 'json'", 'application/x-ndjson'], ["format => 'json', \"array\" => true", 'application/json'],
	["format => 'text'", 'text/plain'], ["format => 'fixedwidth', fixedwidth => '9'", 'text/plain'])
{
	psql(export_sql('fake', $few, 'few', $type->[0]));
	($put) = grep { $_->{method} eq 'PUT' } store_requests();
	is($put->{headers}{'content-type'}, $type->[1], "the type with $type->[0]");
}

psql(export_sql('fake', $few, 'few', q(sse => 'aes256', acl => 'bucket-owner-read')));
($put) = grep { $_->{method} eq 'PUT' } store_requests();
is_deeply(labels_of($put),
	{
		'content-type' => 'text/csv',
		'x-amz-server-side-encryption' => 'AES256',
		'x-amz-acl' => 'bucket-owner-read'
	},
	'SSE-S3');
my $wide = '{' . join(', ', map { "\"k$_\": \"v\"" } 1 .. 100) . '}';
psql(export_sql('fake', $few, 'few', "metadata => '$wide'"));
($put) = grep { $_->{method} eq 'PUT' } store_requests();
is(scalar(grep { /^x-amz-meta-k\d+$/ } keys %{ $put->{headers} }), 100, 'many metadata');

# The codecs by their magic numbers.
my %magic = (gzip => '1f8b', zstd => '28b52ffd', bzip2 => '425a68', xz => 'fd377a585a00', lz4 => '04224d18', none => '313233');
for my $codec (sort keys %magic)
{
	psql(export_sql('fake', $few, 'few', "compression => '$codec'"));
	($put) = grep { $_->{method} eq 'PUT' } store_requests();
	my $bytes = unpack 'H*', $put->{body};
	like($bytes, qr/^$magic{$codec}/, "compression $codec");
}

#-------------------------------------------------------------------------
# Checksums
#-------------------------------------------------------------------------

for my $case (['crc32c', 'CRC32C', 'COMPOSITE'], ['crc64nvme', 'CRC64NVME', 'FULL_OBJECT'])
{
	my ($kind, $algorithm, $type) = @$case;
	my $name = "x-amz-checksum-$kind";

	psql(export_sql('fake', $few, 'few', "checksum => '$kind'"));
	($put) = grep { $_->{method} eq 'PUT' } store_requests();
	is_deeply(labels_of($put),
		{
			'content-type' => 'text/csv',
			$name => crc($kind, "123456789\n"),
			'x-amz-sdk-checksum-algorithm' => $algorithm
		},
		"$kind of an object put at once");

	psql(export_sql('fake', 'SELECT 1 WHERE false', 'few', "checksum => '$kind'"));
	($put) = grep { $_->{method} eq 'PUT' } store_requests();
	is($put->{headers}{$name}, crc($kind, ''), "$kind of no bytes");

	psql(export_sql('fake', $many, 'many', "checksum => '$kind'"));
	@log = store_requests();
	($create) = grep { $_->{target} =~ /[?&]uploads=/ } @log;
	is_deeply(labels_of($create),
		{
			'content-type' => 'text/csv',
			'x-amz-checksum-algorithm' => $algorithm,
			'x-amz-checksum-type' => $type
		},
		"$kind is announced");
	my @parts = sort { $a->{target} cmp $b->{target} } grep { $_->{method} eq 'PUT' } @log;
	is(join('', map { $_->{body} } @parts), $many_bytes, "$kind: the bytes");
	my @sums = map { crc($kind, $_->{body}) } @parts;
	is_deeply([ map { labels_of($_) } @parts ],
		[ map { +{ $name => $_, 'x-amz-sdk-checksum-algorithm' => $algorithm } } @sums ], "$kind of the parts");
	my ($complete) = grep { $_->{method} eq 'POST' && $_->{target} =~ /uploadId=/ } @log;
	is_deeply([ $complete->{body} =~ m{<Part><PartNumber>\d</PartNumber><ETag>[^<]*</ETag><Checksum$algorithm>([^<]*)</Checksum$algorithm></Part>}g ],
		\@sums, "$kind in the list of parts");
	is_deeply(labels_of($complete),
		{
			'content-type' => 'application/xml',
			'x-amz-checksum-type' => $type,
			$type eq 'FULL_OBJECT' ? ($name => crc($kind, $many_bytes)) : ()
		},
		"$kind of the object");
}

# What was damaged on its way is sent again.
for my $query ($few, $many)
{
	open my $fh, '>', "$scratch/damage" or die;
	close $fh;
	store_requests();
	psql(export_sql('fake', $query, 'again', "checksum => 'crc64nvme'"));
	is(scalar(grep { $_->{method} eq 'PUT' } store_requests()), $query eq $few ? 2 : 3, 'damage is repaired');
}

# A lost answer, and an entity tag that proves nothing.
{
	open my $fh, '>', "$scratch/lose" or die;
	close $fh;
	my (undef, $err) = psql_err('SET s3_fdw.max_retries = 0; '
		  . export_sql('fake', $few, 'lost', "sse => 'aws:kms'"));
	like($err, qr/^ERROR:/m, 'SSE-KMS: without an answer the export fails');
	like($err, qr/^WARNING: .*may have been written although the command failed/m, 'and warns');
	is(scalar(grep { $_->{method} eq 'DELETE' } store_requests()), 0, 'and deletes nothing');
	unlink "$scratch/lost" or die;
}

# A store that does not know them.
for my $status (400, 501)
{
	open my $fh, '>', "$scratch/refuse" or die;
	print $fh $status;
	close $fh;
	for my $query ($few, $many)
	{
		my (undef, $err) = psql_err(export_sql('fake', $query, 'refused', "checksum => 'crc32c'"));
		like($err, qr/^HINT:  .*checksum => 'none'/m, "$status: the hint names the option");
		like($err, qr/No such header/, "$status: the store's own words");
	}
}
psql(export_sql('fake', $few, 'few'));
unlink "$scratch/refuse";
store_requests();

#-------------------------------------------------------------------------
# What is refused, before anything is sent
#-------------------------------------------------------------------------

my $long = 'x' x 257;
my $many_tags = '{' . join(', ', map { "\"k$_\": \"v\"" } 1 .. 11) . '}';
my $big = '{"a": "' . 'x' x 2048 . '"}';
for my $case (
	[ q(content_type => E'text/csv\r\nX-Evil: 1'), 'control characters' ],
	[ q(content_type => E'a\nb'), 'control characters' ],
	[ q(content_type => ''), 'must not be empty' ],
	[ q(content_type => 'é'), 'ASCII' ],
	[ q(content_type => ' a'), 'begin or end with a blank' ],
	[ q(content_encoding => E'gzip\rX-Evil: 1'), 'control characters' ],
	[ q(metadata => '{"a": "b\\r\\nX-Evil: 1"}'), 'control characters' ],
	[ q(metadata => '{"a": "b\\u0001"}'), 'control characters' ],
	[ q(metadata => '{"a": "b\\u007f"}'), 'control characters' ],
	[ q(metadata => '{"a\\r\\nX-Evil": "b"}'), 'name of an HTTP header' ],
	[ q(metadata => '{"a: 1": "b"}'), 'name of an HTTP header' ],
	[ q(metadata => '{"": "b"}'), 'name of an HTTP header' ],
	[ q(metadata => '{"é": "b"}'), 'name of an HTTP header' ],
	[ q(metadata => '{"a": "é"}'), 'ASCII' ],
	[ q(metadata => '{"a": "b "}'), 'begin or end with a blank' ],
	[ q(metadata => '{"a": 1}'), 'is no string' ],
	[ q(metadata => '{"a": null}'), 'is no string' ],
	[ q(metadata => '{"a": {"b": "c"}}'), 'is no string' ],
	[ q(metadata => '["a"]'), 'JSON object of strings' ],
	[ q(metadata => '"a"'), 'JSON object of strings' ],
	[ q(metadata => '{"a": "1", "A": "2"}'), 'comes twice' ],
	[ "metadata => '$big'", 'at most 2048' ],
	[ "tags => '$many_tags'", 'at most 10 tags' ],
	[ q(tags => '{"a": "b\\r\\n"}'), 'control characters' ],
	[ q(tags => '{"": "b"}'), 'must not be empty' ],
	[ "tags => '{\"a\": \"$long\"}'", 'too long' ],
	[ "tags => '{\"$long\": \"a\"}'", 'too long' ],
	[ q(tags => '[]'), 'JSON object of strings' ],
	[ q(storage_class => E'STANDARD\r\nX-Evil: 1'), 'upper-case letters' ],
	[ q(storage_class => 'standard'), 'upper-case letters' ],
	[ q(storage_class => ''), 'upper-case letters' ],
	[ q(sse => 'aws:kms2'), 'Expected "none", "aes256" or "aws:kms"' ],
	[ q(kms_key_id => 'a'), 'needs sse "aws:kms"', ],
	[ q(kms_key_id => 'a', sse => 'aes256'), 'needs sse "aws:kms"' ],
	[ q(kms_key_id => E'a\r\nX-Evil: 1', sse => 'aws:kms'), 'control characters' ],
	[ q(acl => E'private\r\nX-Evil: 1'), 'Expected' ],
	[ q(acl => 'log-delivery-write'), 'Expected' ],
	[ q(checksum => 'md5'), 'Expected "none", "crc32c" or "crc64nvme"' ])
{
	my ($options, $words) = @$case;
	my (undef, $err) = psql_err(export_sql('fake', $few, 'few', $options));
	my $shown = substr $options, 0, 60;

	like($err, qr/^ERROR:  HV024:.*\Q$words\E/ms, "refused: $shown");
}
is(scalar(my @sent = store_requests()), 0, 'and nothing was sent');

#-------------------------------------------------------------------------
# What a real store keeps
#-------------------------------------------------------------------------

for my $case ([ 'few', $few, "123456789\n" ], [ 'many', $many, $many_bytes ])
{
	my ($key, $query, $bytes) = @$case;

	psql(export_sql('real', $query, $key,
		q(content_type => 'text/x-test', content_encoding => 'identity', metadata => '{"Owner": "a  b; c", "n": "1"}',)
		  . q( tags => '{"k=1": "a b&c", "é": "+"}', acl => 'bucket-owner-full-control')));
	my $head = s3_head($bucket, $key);
	is($head->{'content-type'}, 'text/x-test', "$key: Content-Type");
	is($head->{'content-encoding'}, 'identity', "$key: Content-Encoding");
	is($head->{'x-amz-meta-owner'}, 'a  b; c', "$key: metadata");
	is($head->{'x-amz-meta-n'}, '1', "$key: more metadata");
	is(s3_get($bucket, $key), $bytes, "$key: the bytes");

	# Ceph before 18 drops the tags of a multipart upload.
	my $tags = s3_request('GET', $bucket, $key, query => { tagging => undef })->{content};
	my %tags = $tags =~ m{<Key>([^<]*)</Key><Value>([^<]*)</Value>}g;
	is_deeply(\%tags, { 'k=1' => 'a b&amp;c', "\xc3\xa9" => '+' }, "$key: tags")
	  if $key eq 'few' || %tags;

	# whether it compares them or not
	for my $kind ('crc32c', 'crc64nvme')
	{
		psql(export_sql('real', $query, "$key.$kind", "checksum => '$kind'"));
		is(s3_get($bucket, "$key.$kind"), $bytes, "$key: the bytes with $kind");
	}
}
psql(export_sql('real', $few, 'empty', q(metadata => '{"a": "", "b": "x"}')));
is(s3_head($bucket, 'empty')->{'x-amz-meta-b'}, 'x', 'an empty value beside another');

is(scalar(my @open = s3_uploads($bucket)), 0, 'no upload is left open');
s3_drop_bucket($bucket);
done_testing();
