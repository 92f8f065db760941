#-------------------------------------------------------------------------
#
# 013_client.pl
#		Endpoints, the host of a request, and the addresses that are never
#		connected to.
#
# IDENTIFICATION
#		test/t/013_client.pl
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
CREATE FUNCTION unit_endpoint(text) RETURNS text AS $lib LANGUAGE C STRICT;
CREATE FUNCTION unit_host(text, bool, bool, text, text) RETURNS text AS $lib LANGUAGE C;
CREATE FUNCTION unit_address_is_forbidden(text) RETURNS bool AS $lib LANGUAGE C STRICT;
SQL

# Endpoints: a URL without path, user, query or fragment; '' is malformed.
my @endpoints = (
	[ 'https://s3.example.com', 'https s3.example.com' ],
	[ 'HTTPS://S3.Example.COM/', 'https s3.example.com' ],
	[ 'http://127.0.0.1:9000', 'http 127.0.0.1:9000' ],
	[ 'http://[::1]:9000', 'http [::1]:9000' ],
	[ 'http://minio_1:9000', 'http minio_1:9000' ],
	map { [ $_, '' ] } (
		'', 's3.example.com', 'ftp://s3.example.com', 'file:///etc/passwd',
		'https://', 'https:///', 'https://a/b', 'https://a//', 'https://a?x', 'https://a#x',
		'https://user@a', 'https://user:password@a', 'https://a:', 'https://a:0',
		'https://a:65536', 'https://a:9x', 'https://a b', "https://a\nb", 'https://.a',
		'https://-a', 'https://[::1', 'https://[::x]', 'https://[::1]x', 'https://a\\b',
		'https://' . 'a' x 254));
for my $case (@endpoints)
{
	my ($url, $expected) = @$case;

	is(psql('SELECT unit_endpoint(' . lit($url) . ')'), $expected,
		"endpoint " . ($url =~ s/\n/\\n/r));
}

# unit_host(host, path style, virtual style, bucket, region)
my @hosts = (
	[ undef, 0, 0, 'bucket', 'eu-central-1', 'bucket.s3.eu-central-1.amazonaws.com' ],
	[ undef, 0, 0, 'bucket', 'cn-north-1', 'bucket.s3.cn-north-1.amazonaws.com.cn' ],
	[ undef, 0, 0, 'my.bucket', 'us-east-1', 's3.us-east-1.amazonaws.com/my.bucket' ],
	[ undef, 0, 0, 'Old_Bucket', 'us-east-1', 's3.us-east-1.amazonaws.com/Old_Bucket' ],
	[ undef, 1, 0, 'bucket', 'us-east-1', 's3.us-east-1.amazonaws.com/bucket' ],
	[ 's3.example.com', 0, 0, 'bucket', 'x', 'bucket.s3.example.com' ],
	[ 's3.example.com:9000', 0, 1, 'my.bucket', 'x', 'my.bucket.s3.example.com:9000' ],
	[ '127.0.0.1:9000', 1, 0, 'bucket', 'x', '127.0.0.1:9000/bucket' ]);
for my $case (@hosts)
{
	my ($host, $path, $virtual, $bucket, $region, $expected) = @$case;

	is( psql(sprintf 'SELECT unit_host(%s, %s, %s, %s, %s)', lit($host),
			$path ? 'true' : 'false', $virtual ? 'true' : 'false', lit($bucket), lit($region)),
		$expected,
		'host for ' . ($host // 'AWS') . ", $bucket");
}

# Link-local addresses, however they are written
my %forbidden = (
	'169.254.169.254' => 't', '169.254.0.1' => 't', 'fe80::1' => 't', 'febf::1' => 't',
	'::ffff:169.254.169.254' => 't', 'fd00:ec2::254' => 't',
	'127.0.0.1' => 'f', '::1' => 'f', '169.253.0.1' => 'f', '10.0.0.1' => 'f',
	'::ffff:127.0.0.1' => 'f', 'fec0::1' => 'f', '2001:db8::1' => 'f');
is(psql('SELECT unit_address_is_forbidden(' . lit($_) . ')'), $forbidden{$_}, "address $_")
  for sort keys %forbidden;

# And in a request: by name, by address, in other notations
psql('CREATE EXTENSION s3_fdw');
for my $host ('169.254.169.254', '2852039166', '0xa9fea9fe', '[::ffff:169.254.169.254]', '[fe80::1]')
{
	psql("CREATE SERVER s FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint 'http://$host');"
		  . "CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (access_key_id 'a', secret_access_key 'b')");
	my ($out, $err) = psql_err("SELECT * FROM s3_list('s3://bucket/')", verbose => 1);
	like($err, qr/42501: .*link-local/, "an endpoint $host is refused");
	psql('DROP SERVER s CASCADE');
}

done_testing();
