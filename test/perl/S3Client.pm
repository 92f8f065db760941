#-------------------------------------------------------------------------
#
# S3Client.pm
#		A small S3 client for fixtures, and the fault proxy's controls.
#
# It signs by its own few lines, so that a mistake in the extension's signer
# is not made twice.  Failures die, unless said otherwise.  Plain HTTP only.
#
# Strings returned are bytes.  Strings given may be bytes or characters; the
# latter are sent as UTF-8.
#
# Tests use S3Test, which exports all of this.
#
# IDENTIFICATION
#		test/perl/S3Client.pm
#
#-------------------------------------------------------------------------
package S3Client;

use strict;
use warnings;

use Exporter 'import';
use Digest::MD5 qw(md5_base64);
use Digest::SHA qw(sha256_hex hmac_sha256 hmac_sha256_hex);
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time);

use S3Lane;

our @EXPORT = qw(
  s3_request s3_put s3_put_many s3_get s3_head s3_delete s3_list s3_keys
  s3_make_bucket s3_drop_bucket s3_uploads s3_start_upload
  fault fault_reset fault_count fault_log
);

sub octets
{
	my ($string) = @_;

	utf8::encode($string) if utf8::is_utf8($string);
	return $string;
}

sub uri_encode
{
	my ($string, $keep) = @_;

	$keep = '' if !defined $keep;
	$string = octets($string);
	$string =~ s/([^A-Za-z0-9\-._~$keep])/sprintf '%%%02X', ord $1/ge;
	return $string;
}

sub uri_decode
{
	my ($string) = @_;

	$string =~ tr/+/ /;
	$string =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	return $string;
}

sub xml_decode
{
	my ($string) = @_;
	my %entity = (lt => '<', gt => '>', quot => '"', apos => "'", amp => '&');

	$string =~ s{&(?:#x([0-9A-Fa-f]+)|#(\d+)|(\w+));}
		{ defined $3 ? $entity{$3} : octets(chr(defined $1 ? hex $1 : $2)) }ge;
	return $string;
}

sub xml_encode
{
	my ($string) = @_;

	$string =~ s/&/&amp;/g;
	$string =~ s/</&lt;/g;
	$string =~ s/>/&gt;/g;
	return $string;
}

# The text of the first element of a name, or undef.
sub xml_text
{
	my ($xml, $name) = @_;

	return $xml =~ m{<$name(?: [^>]*)?>([^<]*)</$name>} ? xml_decode($1) : undef;
}

# One connection per process and server, kept open.
my %connections;

sub connection
{
	my ($host) = @_;
	my ($address, $port) = $host =~ /^(.*?)(?::(\d+))?$/;

	return IO::Socket::INET->new(
		PeerAddr => $address,
		PeerPort => $port || 80,
		Timeout => 10) || die "could not connect to $host: $@\n";
}

# One HTTP exchange; dies if no whole answer comes.  (HTTP::Tiny would do, but
# sends head and body in two packets, which costs 40 ms on every small PUT.)
sub exchange
{
	my ($method, $host, $target, $headers, $body, $timeout) = @_;
	my $name = "$$ $host";
	my $head = "$method $target HTTP/1.1\r\nHost: $host\r\n"
	  . join '', map { "$_: $headers->{$_}\r\n" } sort keys %$headers;
	my $deadline = time + $timeout;
	my ($socket, $buffer, $response) = (undef, '');

	$head .= 'Content-Length: ' . length($body) . "\r\n"
	  if length $body || $method =~ /^(?:PUT|POST)$/;

	# A kept connection that turns readable has been closed by the server.
	$socket = delete $connections{$name}
	  if ($headers->{connection} || '') ne 'close';
	$socket = undef if $socket && IO::Select->new($socket)->can_read(0);
	$socket = connection($host) if !$socket;
	local $SIG{PIPE} = 'IGNORE';
	my $message = "$head\r\n$body";
	for (my $sent = 0; $sent < length $message;)
	{
		my $n = syswrite $socket, $message, 1 << 20, $sent;

		# The answer may have come before the body was sent.
		last if !defined $n;
		$sent += $n;
	}

	my $fill = sub {
		my $left = $deadline - time;
		$left > 0 && IO::Select->new($socket)->can_read($left)
		  or die "no whole answer in $timeout s\n";
		my $n = sysread $socket, $buffer, 1 << 20, length $buffer;
		die 'connection failed after ' . length($buffer) . " bytes: $!\n" if !defined $n;
		return $n;
	};
	my $take = sub {
		my ($length) = @_;

		while (length $buffer < $length)
		{
			$fill->()
			  or die 'body ended after ' . length($buffer) . " of $length bytes\n";
		}
		return substr $buffer, 0, $length, '';
	};
	my $line = sub {
		while ($buffer !~ /\n/) { $fill->() or die "connection closed without an answer\n" }
		$buffer =~ s/^([^\r\n]*)\r?\n//;
		return $1;
	};

	do
	{
		my $status = $line->();

		$status =~ m{^HTTP/1\.[01] (\d+) ?(.*)} or die "not HTTP: $status\n";
		$response = { status => $1, reason => $2, headers => {}, content => '' };
		while (length(my $field = $line->()))
		{
			my ($key, $value) = $field =~ /^([^:]+):\s*(.*?)\s*$/;
			$response->{headers}{ lc $key } = $value if defined $key;
		}
	} while ($response->{status} == 100);

	my $fields = $response->{headers};
	if ($method eq 'HEAD' || $response->{status} =~ /^(?:204|304)$/)
	{
	}
	elsif (($fields->{'transfer-encoding'} || '') =~ /chunked/i)
	{
		while (my $length = hex $line->())
		{
			$response->{content} .= $take->($length);
			$line->();
		}
		$line->();
	}
	elsif (defined $fields->{'content-length'})
	{
		$response->{content} = $take->($fields->{'content-length'});
	}
	else
	{
		1 while $fill->();
		$response->{content} = $buffer;
		$fields->{connection} = 'close';
	}
	$connections{$name} = $socket if ($fields->{connection} || '') !~ /close/i;
	return $response;
}

# The same, with failures as status 599.
sub http_request
{
	my $response = eval { exchange(@_) };

	$response = { status => 599, reason => 'Failed', headers => {}, content => $@ }
	  if !$response;
	$response->{success} = $response->{status} =~ /^2/;
	return $response;
}

# s3_request($method, $bucket, $key, %opts): one signed request, no retries.
# $bucket and $key may be undef.  Options: query (hash; a value of undef gives
# a bare name), headers (hash), body, endpoint, access_key, secret_key, region,
# timeout, unsigned (send no signature).  Returns a hash: status, reason, success,
# headers (lower-case names), content.  Status 599 is a network failure, its
# reason in content.
sub s3_request
{
	my ($method, $bucket, $key, %opts) = @_;
	my $endpoint = $opts{endpoint} || $ENV{S3_TEST_ENDPOINT}
	  or die "S3_TEST_ENDPOINT is not set\n";
	my ($host) = $endpoint =~ m{^http://([^/]+)};
	my $query = $opts{query} || {};
	my $region = $opts{region} || 'us-east-1';
	my $body = octets(defined $opts{body} ? $opts{body} : '');
	my %headers = %{ $opts{headers} || {} };
	my $path = '/';

	$path .= uri_encode($bucket) if defined $bucket;
	$path .= '/' . uri_encode($key, '/') if defined $key;
	my $query_string = join '&', sort map
	{
		uri_encode($_) . '=' . uri_encode(defined $query->{$_} ? $query->{$_} : '')
	} keys %$query;

	if (!$opts{unsigned})
	{
		my $now = POSIX::strftime('%Y%m%dT%H%M%SZ', gmtime);
		my $scope = substr($now, 0, 8) . "/$region/s3/aws4_request";

		$headers{'x-amz-date'} = $now;
		$headers{'x-amz-content-sha256'} = sha256_hex($body)
		  if !defined $headers{'x-amz-content-sha256'};

		my %signed = (host => $host);
		$signed{ lc $_ } = octets($headers{$_}) for grep { /^x-amz-/i } keys %headers;
		my $names = join ';', sort keys %signed;
		my $canonical = join "\n", $method, $path, $query_string,
		  (map { "$_:$signed{$_}" } sort keys %signed), '', $names,
		  $signed{'x-amz-content-sha256'};
		my $secret = defined $opts{secret_key} ? $opts{secret_key} : 'demosecret';
		my $signing_key = "AWS4$secret";
		$signing_key = hmac_sha256($_, $signing_key) for split m{/}, $scope;
		my $signature = hmac_sha256_hex(
			join("\n", 'AWS4-HMAC-SHA256', $now, $scope, sha256_hex($canonical)),
			$signing_key);
		my $access = defined $opts{access_key} ? $opts{access_key} : 'demokey';
		$headers{authorization} = "AWS4-HMAC-SHA256 Credential=$access/$scope,"
		  . "SignedHeaders=$names,Signature=$signature";
	}

	$headers{$_} = octets($headers{$_}) for keys %headers;
	$path .= "?$query_string" if length $query_string;
	return http_request($method, $host, $path, \%headers, $body, $opts{timeout} || 60);
}

# The same, dying unless the status is 2xx.
sub s3_success
{
	my ($method, $bucket, $key, %opts) = @_;
	my $response = s3_request($method, $bucket, $key, %opts);

	return $response if $response->{success};
	die sprintf "%s s3://%s/%s: %s %s\n%s\n", $method,
	  map { defined $_ ? $_ : '' } $bucket, $key,
	  @$response{qw(status reason content)};
}

# s3_put($bucket, $key, $bytes, %headers): returns the ETag.
sub s3_put
{
	my ($bucket, $key, $bytes, %headers) = @_;

	return s3_success('PUT', $bucket, $key, body => $bytes, headers => \%headers)
	  ->{headers}{etag};
}

# s3_put_many($bucket, \%objects): many small objects, by several processes.
sub s3_put_many
{
	my ($bucket, $objects, %headers) = @_;
	my @keys = sort keys %$objects;
	my $jobs = @keys < 50 ? 1 : 4;

	in_parallel($jobs,
		sub {
			my ($job) = @_;

			for (my $i = $job; $i < @keys; $i += $jobs)
			{
				s3_put($bucket, $keys[$i], $objects->{ $keys[$i] }, %headers);
			}
		});
	return scalar @keys;
}

# Call a function with 0 .. $jobs - 1, each in a process of its own.
sub in_parallel
{
	my ($jobs, $function) = @_;
	my @children;

	for my $job (1 .. $jobs - 1)
	{
		my $child = fork();
		die "fork: $!\n" if !defined $child;
		if ($child == 0)
		{
			my $ok = eval { $function->($job); 1 };
			print STDERR $@ if !$ok;
			POSIX::_exit($ok ? 0 : 1);
		}
		push @children, $child;
	}
	my $ok = eval { $function->(0); 1 };
	my $error = $@;
	for my $child (@children)
	{
		waitpid $child, 0;
		($ok, $error) = (0, "a parallel upload failed\n") if $? != 0;
	}
	die $error if !$ok;
}

# s3_get($bucket, $key): the bytes, or undef if there is no such object.
sub s3_get
{
	my ($bucket, $key, %opts) = @_;
	my $response = s3_request('GET', $bucket, $key, %opts);

	return undef if $response->{status} == 404;
	die "GET s3://$bucket/$key: $response->{status} $response->{content}\n"
	  if !$response->{success};
	return $response->{content};
}

# s3_head($bucket, $key): the headers, or undef if there is no such object.
sub s3_head
{
	my ($bucket, $key, %opts) = @_;
	my $response = s3_request('HEAD', $bucket, $key, %opts);

	return undef if $response->{status} == 404;
	die "HEAD s3://$bucket/$key: $response->{status} $response->{reason}\n"
	  if !$response->{success};
	return $response->{headers};
}

sub s3_delete
{
	my ($bucket, @keys) = @_;

	s3_success('DELETE', $bucket, $_) for @keys;
}

# s3_list($bucket, $prefix): all objects in the server's order, each a hash of
# key, size, etag (with its quotes) and modified.
sub s3_list
{
	my ($bucket, $prefix) = @_;
	my %query = (
		'list-type' => 2,
		'encoding-type' => 'url',
		prefix => defined $prefix ? $prefix : '');
	my @objects;

	while (1)
	{
		my $xml = s3_success('GET', $bucket, undef, query => \%query)->{content};

		while ($xml =~ m{<Contents>(.*?)</Contents>}gs)
		{
			my $entry = $1;
			push @objects,
			  {
				key => uri_decode(xml_text($entry, 'Key')),
				size => xml_text($entry, 'Size'),
				etag => xml_text($entry, 'ETag'),
				modified => xml_text($entry, 'LastModified')
			  };
		}
		last if xml_text($xml, 'IsTruncated') ne 'true';
		$query{'continuation-token'} = xml_text($xml, 'NextContinuationToken');
	}
	return @objects;
}

# s3_keys($bucket, $prefix): the keys alone.
sub s3_keys
{
	return map { $_->{key} } s3_list(@_);
}

# s3_make_bucket($bucket): an empty bucket, whether there was one or not.
sub s3_make_bucket
{
	my ($bucket, %headers) = @_;
	my $found = s3_request('HEAD', $bucket, undef);

	s3_drop_bucket($bucket) if $found->{status} != 404;
	s3_success('PUT', $bucket, undef, headers => \%headers);
}

# s3_drop_bucket($bucket): with all it holds: uploads, objects and versions.
sub s3_drop_bucket
{
	my ($bucket) = @_;
	my $response;

	for my $upload (s3_uploads($bucket))
	{
		s3_success('DELETE', $bucket, $upload->{key},
			query => { uploadId => $upload->{upload_id} });
	}
	while (1)
	{
		my $xml = s3_success('GET', $bucket, undef,
			query => { versions => undef, 'encoding-type' => 'url' })->{content};
		my $batch = '';

		while ($xml =~ m{<(Version|DeleteMarker)>(.*?)</\1>}gs)
		{
			my $entry = $2;
			my $key = uri_decode(xml_text($entry, 'Key'));
			my $version = xml_text($entry, 'VersionId');

			# XML cannot carry control characters.
			if ($key =~ /[\x00-\x1f\x7f]/)
			{
				s3_success('DELETE', $bucket, $key, query => { versionId => $version });
				next;
			}
			$batch .= sprintf '<Object><Key>%s</Key><VersionId>%s</VersionId></Object>',
			  xml_encode($key), xml_encode($version);
		}
		if (length $batch)
		{
			my $body = "<Delete><Quiet>true</Quiet>$batch</Delete>";
			s3_success('POST', $bucket, undef,
				query => { delete => undef },
				body => $body,
				headers => { 'content-md5' => md5_base64($body) . '==' });
		}
		last if xml_text($xml, 'IsTruncated') ne 'true';
	}
	$response = s3_request('DELETE', $bucket, undef);
	die "could not drop bucket $bucket: $response->{content}\n"
	  if !$response->{success} && $response->{status} != 404;
}

# s3_uploads($bucket): multipart uploads neither completed nor aborted, each a
# hash of key, upload_id and initiated.
sub s3_uploads
{
	my ($bucket) = @_;
	my %query = (uploads => undef, 'encoding-type' => 'url');
	my @uploads;

	while (1)
	{
		my $xml = s3_success('GET', $bucket, undef, query => \%query)->{content};

		while ($xml =~ m{<Upload>(.*?)</Upload>}gs)
		{
			my $entry = $1;
			push @uploads,
			  {
				key => uri_decode(xml_text($entry, 'Key')),
				upload_id => xml_text($entry, 'UploadId'),
				initiated => xml_text($entry, 'Initiated')
			  };
		}
		last if (xml_text($xml, 'IsTruncated') || '') ne 'true';
		$query{'key-marker'} = uri_decode(xml_text($xml, 'NextKeyMarker'));
		$query{'upload-id-marker'} = xml_text($xml, 'NextUploadIdMarker');
	}
	return @uploads;
}

# s3_start_upload($bucket, $key): open a multipart upload; its id.
sub s3_start_upload
{
	my ($bucket, $key) = @_;
	my $xml = s3_success('POST', $bucket, $key, query => { uploads => undef })->{content};

	return xml_text($xml, 'UploadId');
}

#-------------------------------------------------------------------------
# Faults
#
# What a rule may say stands in test/faultproxy/fault.lua.
#-------------------------------------------------------------------------

sub fault_control
{
	my ($method, $command, $body) = @_;
	my ($host) = ($ENV{S3_TEST_PROXY} || die "S3_TEST_PROXY is not set\n") =~ m{^http://([^/]+)};
	my $response = http_request($method, $host, "/__fault/$command",
		{ connection => 'close' },
		defined $body ? $body : '', 30);

	die "fault proxy: $response->{status} $response->{content}\n"
	  if !$response->{success};
	return $response->{content};
}

# fault(%rule): arm a rule; the newest that matches a request is applied.
# fault_reset(): forget all rules, the log and the count.
sub fault
{
	my (%rule) = @_;

	fault_control('POST', 'arm', JSON::PP->new->utf8->canonical->encode(\%rule));
}

sub fault_reset
{
	fault_control('POST', 'reset');
}

# fault_count(): how many requests came since the reset.
sub fault_count
{
	return 0 + fault_control('GET', 'count');
}

# fault_log(): the exchanges that ended since the reset, oldest first, each a
# hash of method, uri, status, range, received, sent, connection, authorization
# (yes or -), sha256, if_match, if_none_match, copy_source, copy_range,
# copy_if_match, token (yes or -) and fault (yes or -); '-' is an absent header.
sub fault_log
{
	return map { +{ map { split /=/, $_, 2 } split /\t/ } }
	  split /\n/, fault_control('GET', 'log');
}

1;
