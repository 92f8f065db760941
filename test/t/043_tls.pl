#-------------------------------------------------------------------------
#
# 043_tls.pl
#		HTTPS: certificates are checked, and nothing falls back to HTTP.
#
# IDENTIFICATION
#		test/t/043_tls.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use File::Copy qw(copy);
use S3Test;
use Test::More;

plan skip_all => 'no TLS endpoint'
  if !defined $ENV{S3_TEST_ENDPOINT_TLS} || !defined $ENV{S3_TEST_CA};

my ($port) = $ENV{S3_TEST_ENDPOINT_TLS} =~ /:(\d+)$/;
my ($plain_port) = $ENV{S3_TEST_ENDPOINT} =~ /:(\d+)$/;
my $ca_file = server_tmp() . '/ca.crt';
my $other_file = server_tmp() . '/other.crt';

copy($ENV{S3_TEST_CA}, $ca_file) or die "could not copy $ENV{S3_TEST_CA}: $!\n";
chmod 0644, $ca_file;

s3_make_bucket('tls');
s3_put('tls', 'x.csv', "1\n");
psql(<<'END');
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint 'https://localhost', url_style 'auto');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE FOREIGN TABLE t (a int) SERVER s3 OPTIONS (location 's3://tls/x.csv');
END

# Read and write by an endpoint; both outputs and both errors together.
my $written = 0;

sub try_endpoint
{
	my ($endpoint, %opts) = @_;
	my $key = 'written/' . ++$written;
	my ($out, $err) = psql_err(
		"ALTER SERVER s3 OPTIONS (SET endpoint '$endpoint', SET url_style '"
		  . ($opts{url_style} || 'auto') . "');"
		  . ($opts{ca_file} ? "ALTER SERVER s3 OPTIONS (ADD ca_file '$opts{ca_file}');" : '')
		  . 'SELECT a FROM t;'
		  . "SELECT rows FROM s3_export('SELECT 2', 's3://tls/$key');"
		  . ($opts{ca_file} ? 'ALTER SERVER s3 OPTIONS (DROP ca_file);' : ''),
		go_on => 1);

	return ($out, $err, s3_get('tls', $key));
}

sub refused
{
	my ($name, $endpoint, $reason, %opts) = @_;
	my ($out, $err, $object) = try_endpoint($endpoint, %opts);

	is($out, '', "$name: no row");
	is(() = $err =~ /^ERROR:  08001: could not /mg, 2, "$name: reading and writing are errors")
	  or diag($err);
	like($err, $reason, "$name: says why");
	is($object, undef, "$name: nothing was written");
	unlike($err, qr/demosecret|Signature=/, "$name: no secret shown");
}

sub accepted
{
	my ($name, $endpoint, %opts) = @_;
	my ($out, $err, $object) = try_endpoint($endpoint, %opts);

	is($err, '', "$name: no error");
	is($out, "1\n1", "$name: read and written");
	is($object, "2\n", "$name: the object is there");
}

# The certificate's authority has to be known.
my $endpoint = $ENV{S3_TEST_ENDPOINT_TLS};
refused('unknown authority', $endpoint, qr/certificate/);
accepted('ca_file', $endpoint, ca_file => $ca_file);
refused('unknown authority again', $endpoint, qr/certificate/);

# The connection just opened with the file is not used without it.
my ($out, $err) = psql_err(
	"ALTER SERVER s3 OPTIONS (SET endpoint '$endpoint', ADD ca_file '$ca_file');"
	  . 'SELECT a FROM t; ALTER SERVER s3 OPTIONS (DROP ca_file); SELECT a FROM t;',
	go_on => 1);
is($out, '1', 'one session: with the file only');
like($err, qr/^ERROR:  08001: .*certificate/m, 'one session: an error without it');

# A file of another authority, none at all, or no certificate.
my $made = system('openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other'
	  . " -keyout $other_file.key -out $other_file >/dev/null 2>&1");
SKIP:
{
	skip 'no openssl', 5 if $made != 0;
	chmod 0644, $other_file;
	refused('other authority', $endpoint, qr/certificate/, ca_file => $other_file);
}
refused('no such file', $endpoint, qr/could not/, ca_file => "$ca_file.none");
open my $fh, '>', "$ca_file.empty" or die;
print $fh "secret words of a file\n";
close $fh;
chmod 0644, "$ca_file.empty";
refused('not a certificate', $endpoint, qr/could not/, ca_file => "$ca_file.empty");
unlike((try_endpoint($endpoint, ca_file => "$ca_file.empty"))[1],
	qr/secret words/, 'not a certificate: its content is not shown');

# The name has to be the certificate's.
refused('other name', "https://s4.localhost:$port", qr/s4\.localhost/,
	ca_file => $ca_file, url_style => 'path');

# Buckets before the host name.
accepted('virtual host', "https://s3.localhost:$port", url_style => 'virtual', ca_file => $ca_file);
accepted('path', "https://s3.localhost:$port", url_style => 'path', ca_file => $ca_file);
accepted('auto', "https://s3.localhost:$port", ca_file => $ca_file);
accepted('virtual host without TLS', "http://s3.localhost:$plain_port", url_style => 'virtual');

# A wildcard covers one label: the option decides, or else a bucket with a
# period in its name goes into the path.
s3_make_bucket('tls.dot');
s3_put('tls.dot', 'x.csv', "3\n");
psql("ALTER FOREIGN TABLE t OPTIONS (SET location 's3://tls.dot/x.csv')");
accepted_dotted('auto', '3');
accepted_dotted('virtual', undef);

sub accepted_dotted
{
	my ($style, $expected) = @_;
	my ($found, $message) = psql_err(
		"ALTER SERVER s3 OPTIONS (SET endpoint 'https://s3.localhost:$port', SET url_style '$style',"
		  . " ADD ca_file '$ca_file'); SELECT a FROM t; ALTER SERVER s3 OPTIONS (DROP ca_file);",
		go_on => 1);

	return is($found, $expected, "bucket with a period, $style") if defined $expected;
	like($message, qr/^ERROR:  08001: .*tls\.dot\.s3\.localhost/m, "bucket with a period, $style");
}

# HTTPS to a port that speaks HTTP, and the other way round.
psql("ALTER FOREIGN TABLE t OPTIONS (SET location 's3://tls/x.csv')");
refused('https to http', "https://127.0.0.1:$plain_port", qr/SSL|TLS/, ca_file => $ca_file);
my (undef, $mixed, $object) = try_endpoint("http://127.0.0.1:$port");
is(() = $mixed =~ /^ERROR: /mg, 2, 'http to https: errors');
is($object, undef, 'http to https: nothing was written');

s3_drop_bucket($_) for 'tls', 'tls.dot';
done_testing();
