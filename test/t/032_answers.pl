#-------------------------------------------------------------------------
#
# 032_answers.pl
#		Single faults of a store, and what exactly comes of each: the result,
#		or the SQLSTATE and the words of the message, and how many requests
#		were sent.
#
# No message of the whole run may hold a secret; see the end.
#
# IDENTIFICATION
#		test/t/032_answers.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use Digest::MD5 qw(md5 md5_hex);
use FindBin;
use IO::Compress::Gzip ();
use Test::More;
use Time::HiRes qw(time sleep);

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'answers';
my $out = 'out/result.csv';
my $messages = '';

#-------------------------------------------------------------------------
# What is there
#-------------------------------------------------------------------------

my $small = "1,one\n2,two\n3,three\n";
my $large = join '', map { "$_,\"" . 'quoted, ' x 10 . "\n$_\"\n" } 1 .. 4000;
my $large_result = '4000|8002000|' . length(join '', map { 'quoted, ' x 10 . "\n$_" } 1 .. 4000);

s3_make_bucket($bucket);
s3_put_many($bucket,
	{
		'small/1.csv' => $small,
		'large/1.csv' => $large,
		'empty/1.csv' => ''
	});

psql(<<"SQL");
-- Requests are counted here: planning is to send none but for its listing.
DO \$\$ BEGIN
	EXECUTE format('ALTER DATABASE %I SET s3_fdw.plan_sample_size = 0', current_database());
END \$\$;
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}', region 'us-east-1');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
SQL

sub make_table
{
	my ($folder, $options) = @_;

	psql("CREATE FOREIGN TABLE $folder (id int, data text) SERVER s3 "
		  . "OPTIONS (location 's3://$bucket/$folder/'" . ($options || '') . ')');
}
make_table($_) for qw(small large empty);

my $list = "SELECT key, size FROM s3_list('s3://$bucket/small/', 's3')";
my $list_result = 'small/1.csv|' . length $small;
my $read = "SELECT string_agg(id || data, ' ' ORDER BY id) FROM small";
my $read_result = '1one 2two 3three';
my $read_large = 'SELECT count(*), sum(id), sum(length(data)) FROM large';

sub export_sql
{
	my ($query, $more) = @_;

	return 'SELECT rows, bytes, etag FROM s3_export('
	  . lit($query) . ", 's3://$bucket/$out', 's3', part_size => '5MB'" . ($more || '') . ')';
}
my $put = export_sql('SELECT g FROM generate_series(1, 3) g');
my $put_bytes = "1\n2\n3\n";
my $put_result = '3|6|' . md5_hex($put_bytes);
my $parts = export_sql('SELECT g, repeat(md5(g::text), 30) FROM generate_series(1, 12500) g');
my $parts_bytes = join '', map { "$_," . md5_hex($_) x 30 . "\n" } 1 .. 12500;
my $parts_result = '12500|' . length($parts_bytes) . '|'
  . md5_hex(join '', map { md5($_) } unpack '(a5242880)*', $parts_bytes) . '-3';

#-------------------------------------------------------------------------
# One fault
#-------------------------------------------------------------------------

# Run a statement with these rules, the first of which to match applies.
sub run_with
{
	my ($rules, $sql, %set) = @_;
	my %settings = (retries => 3, range => '256kB', stall => '30s', abort => '5s', %set);

	fault_reset();
	fault(%$_) for reverse @$rules;
	my ($result, $err) = psql_err(<<"SQL");
SET s3_fdw.max_retries = $settings{retries};
SET s3_fdw.range_size = '$settings{range}';
SET s3_fdw.stall_timeout = '$settings{stall}';
SET s3_fdw.abort_timeout = '$settings{abort}';
SET s3_fdw.upload_memory = '10MB';
$sql;
SQL
	$messages .= $err;
	return ($result, $err, fault_log());
}

# check($name, [rules], $sql, %expected): the result is out; or the error is
# [SQLSTATE, words ...], regular expressions found in message, detail or hint.
# requests => [pattern, number] tells how many requests match.  An export that
# fails must leave nothing behind.
sub check
{
	my ($name, $rules, $sql, %expected) = @_;
	my ($result, $err, @log) = run_with($rules, $sql, %{ $expected{set} || {} });

	if (defined $expected{out})
	{
		is($result, $expected{out}, "$name: the result") or diag($err);
	}
	if ($expected{error})
	{
		my ($state, @words) = @{ $expected{error} };

		like($err, qr/^ERROR:  $state:/m, "$name: $state");
		like($err, $_, "$name: the message") for @words;
	}
	else
	{
		is($err, '', "$name: no message");
	}
	if ($expected{requests})
	{
		my ($pattern, $number) = @{ $expected{requests} };

		is(scalar(grep { "$_->{method} $_->{uri}" =~ $pattern } @log),
			$number, "$name: the number of requests")
		  or diag(join "\n", map { "$_->{method} $_->{uri} $_->{status}" } @log);
	}
	if ($sql =~ /s3_export/ && !$expected{leaves})
	{
		my $bytes = $expected{error} ? $expected{there}
		  : $sql eq $put ? $put_bytes : $parts_bytes;
		my $found = s3_get($bucket, $out);

		ok(defined $bytes ? defined $found && $found eq $bytes : !defined $found,
			"$name: " . (defined $bytes ? 'the object' : 'no object'));
		is_deeply([ map { $_->{key} } s3_uploads($bucket) ], [], "$name: no upload is open");
		s3_request('DELETE', $bucket, $out);
	}
	return ($err, @log);
}

my $get = qr{^GET /$bucket/(?:small|large)/};
my $listing = qr{^GET /$bucket/\?list-type};
my $part_2 = qr/partNumber=2/;
my $complete = qr/^POST .*\?uploadId=/;
my %part_2 = (method => 'PUT', match => 'partNumber=2');
my %complete = (method => 'POST', match => 'uploadId=');

#-------------------------------------------------------------------------
# Throttling and failures of the store
#-------------------------------------------------------------------------

for ([ 'list', $list, $list_result, $listing, match => 'list-type' ],
	[ 'read', $read, $read_result, $get, match => 'small/1' ],
	[ 'part', $parts, $parts_result, $part_2, %part_2 ])
{
	my ($name, $sql, $result, $pattern, %rule) = @$_;

	check("F01 $name, 503 SlowDown once", [ { %rule, status => 503, code => 'SlowDown' } ],
		$sql, out => $result, $name eq 'read' || $name eq 'part' ? (requests => [ $pattern, 2 ]) : ());
	check("F02 $name, 503 SlowDown for ever", [ { %rule, status => 503, code => 'SlowDown', count => -1 } ],
		$sql,
		set => { retries => 1 },
		error => [ '53000', qr{could not \w+ "s3://$bucket/}, qr/503 SlowDown \(attempts: 2, request id: FAULT0001\)/ ],
		requests => [ $pattern, 2 ]);
	check("F03 $name, 500 in XML, 502 in HTML, 504 without a body",
		[
			{ %rule, status => 500, code => 'InternalError' },
			{ %rule, status => 502, type => 'text/html', xml => '<html><body>Bad Gateway<p></html>' },
			{ %rule, status => 504, type => 'text/plain', xml => '' }
		],
		$sql, out => $result, $name eq 'list' ? () : (requests => [ $pattern, 4 ]));
	check("F03 $name, 502 in HTML for ever",
		[ { %rule, status => 502, type => 'text/html', xml => '<html>&nbsp;<p></html>', count => -1 } ],
		$sql,
		set => { retries => 1 },
		error => [ 'HV000', qr/The service answered 502 \(attempts: 2/ ],
		requests => [ $pattern, 2 ]);
	check("F04 $name, 400 RequestTimeout", [ { %rule, status => 400, code => 'RequestTimeout' } ],
		$sql, out => $result);
	for my $code ('AccessDenied', 'SignatureDoesNotMatch', 'InvalidAccessKeyId')
	{
		check("F07 $name, 403 $code", [ { %rule, status => 403, code => $code, count => -1 } ],
			$sql,
			error => [ '42501', qr/403 $code \(attempts: 1/ ],
			requests => [ $pattern, 1 ]);
	}
	check("F06 $name, ExpiredToken", [ { %rule, status => 400, code => 'ExpiredToken', count => -1 } ],
		$sql,
		error => [ '42501', qr/session token has expired/ ],
		requests => [ $pattern, 1 ]);
}

{
	my $begin = time;

	check('F01 Retry-After', [ { match => 'list-type', status => 503, code => 'SlowDown', retry_after => 2 } ],
		$list, out => $list_result, requests => [ $listing, 2 ]);
	cmp_ok(time - $begin, '>=', 2, 'F01 Retry-After: the time the store asked for');
}

# A clock that is wrong: the store's time is in the header of its refusal.
check('F05 RequestTimeTooSkewed, once',
	[ { match => 'list-type', status => 403, code => 'RequestTimeTooSkewed' } ],
	$list, out => $list_result, requests => [ $listing, 2 ]);
check('F05 RequestTimeTooSkewed, for ever',
	[ { match => 'list-type', status => 403, code => 'RequestTimeTooSkewed', count => -1 } ],
	$list, error => [ '42501', qr/Check the clock/ ], requests => [ $listing, 2 ]);

#-------------------------------------------------------------------------
# Things that are not there
#-------------------------------------------------------------------------

check('F08 object gone after the listing', [ { match => 'small/1', status => 404, code => 'NoSuchKey', count => -1 } ],
	$read,
	error => [ '58P01', qr{could not read "s3://$bucket/small/1\.csv"} ],
	requests => [ $get, 1 ]);
check('F09 no such bucket', [], "SELECT * FROM s3_list('s3://nosuchbucket-x/', 's3')",
	error => [ 'HV00R', qr{s3://nosuchbucket-x}, qr/404 NoSuchBucket \(attempts: 1/ ],
	requests => [ qr/nosuchbucket/, 1 ]);
check('F09 no object below a prefix', [], "SELECT count(*) FROM s3_list('s3://$bucket/nothing/', 's3')", out => '0');

#-------------------------------------------------------------------------
# Other regions, other hosts
#-------------------------------------------------------------------------

my %moved = (match => 'list-type', status => 301, code => 'PermanentRedirect', region => 'eu-west-1');

check('F10 301 with x-amz-bucket-region', [ \%moved ], "$list; $list",
	out => "$list_result\n$list_result", requests => [ $listing, 3 ]);
check('F10 400 with Region',
	[ { match => 'list-type', status => 400, code => 'AuthorizationHeaderMalformed', extra => '<Region>eu-central-1</Region>' } ],
	$list, out => $list_result, requests => [ $listing, 2 ]);
check('F10 301 for an export', [ { %moved, match => $out } ], $put, out => $put_result);
check('F12 301 again and again', [ { %moved, count => -1 } ], $list,
	error => [ 'HV00N', qr/301 PermanentRedirect/ ], requests => [ $listing, 2 ]);
check('F12 a region that is none', [ { %moved, region => 'evil.example/x', count => -1 } ], $list,
	error => [ 'HV00N', qr/301 PermanentRedirect/ ], requests => [ $listing, 1 ]);
for my $target ('http://169.254.169.254/latest/meta-data/', 'https://elsewhere.example/')
{
	check("F12 307 to $target",
		[ { match => 'list-type', status => 307, code => 'TemporaryRedirect', redirect => $target, count => -1 } ],
		$list, error => [ 'HV000', qr/307 TemporaryRedirect/ ], requests => [ $listing, 1 ]);
}

psql(<<"SQL");
CREATE SERVER metadata FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint 'http://169.254.169.254', region 'us-east-1');
CREATE SERVER refused FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint 'http://127.0.0.1:9', region 'us-east-1');
CREATE SERVER tls FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY_TLS}', region 'us-east-1');
CREATE SERVER tls_ca FOREIGN DATA WRAPPER s3_fdw
	OPTIONS (endpoint '$ENV{S3_TEST_PROXY_TLS}', region 'us-east-1', ca_file '/nonexistent');
CREATE SERVER payer FOREIGN DATA WRAPPER s3_fdw
	OPTIONS (endpoint '$ENV{S3_TEST_PROXY}', region 'us-east-1', requester_pays 'true');
CREATE SERVER wrong FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}', region 'us-east-1');
CREATE USER MAPPING FOR CURRENT_USER SERVER wrong
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecretbutwrong');
SQL
psql(<<"SQL") for qw(metadata refused tls tls_ca payer);
CREATE USER MAPPING FOR CURRENT_USER SERVER $_
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
SQL

sub list_by
{
	my ($server) = @_;

	return "SELECT key, size FROM s3_list('s3://$bucket/small/', '$server')";
}
check('F12 a link-local endpoint', [], list_by('metadata'), error => [ '42501', qr/link-local/ ]);
check('F13 connection refused', [], list_by('refused'),
	set => { retries => 1 },
	error => [ '08001', qr/127\.0\.0\.1(:| port )9\b/, qr/There was no answer \(attempts: 2\)/ ]);
check('F51 a certificate of an unknown authority', [], list_by('tls'),
	error => [ '08001', qr/certificate/, qr/ca_file/, qr/attempts: 1\)/ ], requests => [ qr/./, 0 ]);
check('F51 a file of authorities that is not there', [], list_by('tls_ca'),
	error => [ '08001', qr/attempts: 1\)/ ], requests => [ qr/./, 0 ]);
check('F07 a wrong secret key', [], list_by('wrong'), error => [ '42501', qr/403/ ], requests => [ $listing, 1 ]);
check('F47 requester pays', [], list_by('payer'), out => $list_result);

#-------------------------------------------------------------------------
# Bodies that stop, are cut, or are something else
#-------------------------------------------------------------------------

# What the second request for an object asks for.
sub resumed
{
	my ($name, $from, @log) = @_;
	my @gets = grep { "$_->{method} $_->{uri}" =~ $get } @log;

	like($gets[1]{range}, qr/^bytes=$from-/, "$name: continues where it stopped");
	is($gets[1]{if_match}, $gets[0]{if_match}, "$name: in the same version");
	isnt($gets[0]{if_match}, '-', "$name: which is named");
}

my ($err, @log) = check('F15 stall within the body', [ { match => 'large/1', hang => 1000, seconds => 60 } ],
	$read_large, out => $large_result, set => { stall => '1s' });
resumed('F15 stall within the body', 1000, @log);

for my $cut (0, 1, 30, 1000, length($large) / 2, 200000)
{
	for my $way ('reset', 'closed')
	{
		my $name = "F16 body cut after " . int($cut) . " bytes, $way";

		(undef, @log) = check($name,
			[ { match => 'large/1', truncate => int $cut, $way eq 'closed' ? (fin => 1) : () } ],
			$read_large, out => $large_result);
		resumed($name, int $cut, @log) if $cut > 0;
	}
}
check('F16 body cut before the last byte', [ { match => 'small/1', truncate => length($small) - 1, fin => 1 } ],
	$read, out => $read_result, requests => [ $get, 2 ]);
check('F16 body cut every time', [ { match => 'small/1', truncate => 0, count => -1 } ],
	$read, set => { retries => 2 }, error => [ '08006', qr/attempts: 3/ ], requests => [ $get, 3 ]);
check('F17 chunked body without an end', [ { match => 'small/1', truncate => 8, fin => 1, set => { 'Content-Length' => '' } } ],
	$read, out => $read_result, requests => [ $get, 2 ]);
check('F17 chunked body, complete', [ { match => 'small/1', set => { 'Content-Length' => '' }, count => -1 } ],
	$read, out => $read_result, requests => [ $get, 1 ]);
check('F17 whole body that is too short', [ { match => 'small/1', after => 1, xml => substr($small, 0, 8) } ],
	$read, out => $read_result, requests => [ $get, 2 ]);
check('F17 whole body that is too short, every time', [ { match => 'small/1', after => 1, xml => '', count => -1 } ],
	$read, set => { retries => 1 }, error => [ '08006', qr/shorter than announced/ ], requests => [ $get, 2 ]);
check('F18 body longer than the object', [ { match => 'small/1', after => 1, xml => $small . "4,four\n", count => -1 } ],
	$read, error => [ '54000', qr/more than was asked for/ ], requests => [ $get, 1 ]);

# A listing that says something else than the object.
my $document = s3_request('GET', $bucket, undef,
	query => { 'list-type' => 2, 'encoding-type' => 'url', prefix => 'small/' })->{content};

sub listing
{
	my ($from, $to) = @_;
	my $changed = $document;

	$changed =~ s/$from/$to/ or die "the listing has no $from\n";
	return { match => 'list-type', status => 200, xml => $changed, count => -1 };
}
for my $size (length($small) - 6, length($small) + 6)
{
	check("F18 size $size in the listing", [ listing(qr{<Size>\d+</Size>}, "<Size>$size</Size>") ],
		$read, error => [ '55000', qr/changed while it was being read/ ]);
}
check('F19 replaced since the listing', [ listing(qr/[0-9a-f]{32}/, 'd' x 32) ],
	$read, error => [ '55000', qr/changed while it was being read/, qr/Run the query again/ ], requests => [ $get, 1 ]);
check('F19 replaced since the listing, in a store without If-Match',
	[ { match => 'small/1', set => { ETag => '"' . 'd' x 32 . '"' }, count => -1 } ],
	$read, error => [ '55000', qr/changed while it was being read/ ], requests => [ $get, 1 ]);

# F20: the object is replaced by another of the same size between two ranges.
{
	my $session = psql_start(<<'SQL', go_on => 1);
SET s3_fdw.range_size = '64kB';
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM large;
SQL
	my ($first) = psql_send($session, 'FETCH 1 FROM c');
	(my $other = $large) =~ s/quoted/QUOTED/g;

	is($first, '1', 'F20 replaced between ranges: the first row');
	s3_put($bucket, 'large/1.csv', $other);
	my (undef, $err) = psql_send($session, 'FETCH ALL FROM c');
	like($err, qr/^ERROR:  55000:.*changed while it was being read/m, 'F20 replaced between ranges: 55000');
	$messages .= $err;
	psql_finish($session);
	s3_put($bucket, 'large/1.csv', $large);
}

check('F21 another range than asked for', [ { match => 'small/1', set => { 'Content-Range' => 'bytes 1-19/20' } } ],
	$read, out => $read_result, requests => [ $get, 2 ]);
check('F21 no Content-Range', [ { match => 'small/1', set => { 'Content-Range' => '' } } ],
	$read, out => $read_result, requests => [ $get, 2 ]);
check('F21 another range every time', [ { match => 'small/1', set => { 'Content-Range' => 'bytes 1-19/20' }, count => -1 } ],
	$read, set => { retries => 1 }, error => [ 'HV000', qr/did not send the range/ ], requests => [ $get, 2 ]);
check('F21 200 and the whole object', [ { match => 'small/1', after => 1, status => 200, count => -1 } ],
	$read, out => $read_result, requests => [ $get, 1 ]);
check('F21 200 and a part of the object', [ { match => 'large/1', after => 1, status => 200, count => -1 } ],
	$read_large,
	set => { retries => 1, range => '64kB' },
	error => [ 'HV000', qr/did not send the range/ ]);
for my $page (
	[ 'an error document', undef ],
	[ 'a login page', "<html>\n<body>\nPlease log in\n</body>\n</html>\n" ],
	[ 'a page of rows', "7,seven\n" ])
{
	my ($name, $xml) = @$page;

	check("F52 200 and $name instead of the object",
		[ { match => 'small/1', status => 200, code => 'InternalError', xml => $xml, type => 'text/html' } ],
		$read, out => $read_result, requests => [ $get, 2 ]);
	check("F52 200 and $name instead of the object, every time",
		[ { match => 'small/1', status => 200, code => 'InternalError', xml => $xml, type => 'text/html', count => -1 } ],
		$read, set => { retries => 1 }, error => [ 'HV000', qr/did not send the range/ ], requests => [ $get, 2 ]);
}

check('F22 416 for an object that shrank', [ { match => 'small/1', status => 416, code => 'InvalidRange', count => -1 } ],
	$read, error => [ '55000', qr/changed while it was being read/ ], requests => [ $get, 1 ]);
check('F22 an empty object', [], 'SELECT count(*) FROM empty', out => '0', requests => [ qr{GET /$bucket/empty}, 0 ]);

(undef, @log) = check('F23 no entity tag in the listing', [ listing(qr{<ETag>.*?</ETag>}, '') ],
	$read, out => $read_result, requests => [ $get, 1 ]);
is((grep { $_->{uri} =~ /small/ && $_->{range} ne '-' } @log)[0]{if_match}, '-',
	'F23 no entity tag in the listing: no condition');
check('F23 an entity tag without quotes in the listing', [ listing(qr/&quot;([0-9a-f]{32})&quot;/, substr(md5_hex($small), 0)) ],
	$read, out => $read_result, requests => [ $get, 1 ]);
check('F23 no entity tag of a part, once', [ { %part_2, set => { ETag => '' } } ],
	$parts, out => $parts_result, requests => [ $part_2, 2 ]);
check('F23 no entity tag of a part, every time', [ { %part_2, set => { ETag => '' }, count => -1 } ],
	$parts, set => { retries => 1 }, error => [ 'HV000', qr/no entity tag/ ], requests => [ $part_2, 2 ]);

#-------------------------------------------------------------------------
# The end of an upload
#-------------------------------------------------------------------------

check('F27 complete: 200 with InternalError, once', [ { %complete, status => 200, code => 'InternalError' } ],
	$parts, out => $parts_result);
check('F27 complete: 200 with InternalError, every time',
	[ { %complete, status => 200, code => 'InternalError', count => -1 } ],
	$parts, set => { retries => 1 },
	error => [ 'HV000', qr/could not finish writing/, qr/200 InternalError/ ], requests => [ $complete, 2 ]);
check('F27 complete: 200 with SlowDown, every time', [ { %complete, status => 200, code => 'SlowDown', count => -1 } ],
	$parts, set => { retries => 1 }, error => [ '53000', qr/200 SlowDown/ ], requests => [ $complete, 2 ]);
check('F28 complete: 200 with AccessDenied', [ { %complete, status => 200, code => 'AccessDenied', count => -1 } ],
	$parts, error => [ '42501', qr/200 AccessDenied/ ], requests => [ $complete, 1 ]);
check('F29 complete: blanks for 3 s, then the result', [ { %complete, pad => 15, every => 0.2 } ],
	$parts, out => $parts_result, set => { stall => '1s' });
check('F29 complete: nothing for 3 s, then the result', [ { %complete, delay => 3 } ],
	$parts, out => $parts_result, set => { stall => '1s' });
for my $answer (
	[ 'empty', '' ],
	[ 'HTML', '<html><body>OK<br></body></html>' ],
	[ 'cut', '<?xml version="1.0"?><CompleteMultipartUploadResult><ETag>"' ],
	[ 'without entity tag', '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>' ])
{
	my ($what, $xml) = @$answer;

	check("F30 complete: done, but the answer is $what", [ { %complete, after => 1, xml => $xml, count => -1 } ],
		$parts, set => { retries => 1 }, out => $parts_result, requests => [ $complete, 2 ]);
	check("F30 complete: not done, and the answer is $what", [ { %complete, status => 200, xml => $xml, count => -1 } ],
		$parts, set => { retries => 1 },
		error => [ 'HV000', qr/could not finish writing/ ], requests => [ $complete, 2 ]);
}
check('F31 complete: answer lost, then NoSuchUpload',
	[ { %complete, after => 1, close => 1 }, { %complete, status => 404, code => 'NoSuchUpload', count => -1 } ],
	$parts, out => $parts_result, requests => [ $complete, 2 ]);
check('F31 complete: NoSuchUpload, and there is no object', [ { %complete, status => 404, code => 'NoSuchUpload', count => -1 } ],
	$parts, error => [ '42704', qr/404 NoSuchUpload/ ], requests => [ $complete, 1 ]);
check('F31 single write: answer lost', [ { method => 'PUT', after => 1, close => 1 } ],
	$put, out => $put_result, requests => [ qr/^PUT/, 2 ]);
check('F32 part: answer lost', [ { %part_2, after => 1, close => 1 } ],
	$parts, out => $parts_result, requests => [ $part_2, 2 ]);
check('F32 creation: answer lost', [ { method => 'POST', match => 'uploads', after => 1, close => 1 } ],
	$parts, out => $parts_result);
check('F33 the last part is refused', [ { method => 'PUT', match => 'partNumber=3', status => 403, code => 'AccessDenied', count => -1 } ],
	$parts, error => [ '42501', qr/could not write/ ], requests => [ qr/^DELETE .*uploadId=/, 1 ]);

# Eight parts at a time; those under way arrive after the upload was aborted.
{
	my ($result, $err) = run_with(
		[
			{ method => 'PUT', match => 'partNumber=3', status => 403, code => 'AccessDenied' },
			{ method => 'PUT', match => 'partNumber=', delay => 0.7, count => -1 }
		],
		"SET s3_fdw.upload_memory = '48MB'; "
		  . export_sql('SELECT g, repeat(md5(g::text), 30) FROM generate_series(1, 45000) g'));

	like($err, qr/^ERROR:  42501:/m, 'F33 a part is refused while others are under way: 42501');
	unlike($err, qr/^WARNING/m, 'F33 a part is refused while others are under way: no warning');
	sleep 1.5;
	is_deeply([ s3_uploads($bucket) ], [], 'F33 a part is refused while others are under way: no upload is open');
	is(s3_get($bucket, $out), undef, 'F33 a part is refused while others are under way: no object');
}

($err) = check('F34 the upload cannot be aborted',
	[ { %part_2, status => 403, code => 'AccessDenied' },
		{ method => 'DELETE', status => 503, code => 'SlowDown', count => -1 } ],
	$parts, set => { retries => 1, abort => '3s' }, leaves => 1,
	error => [ '42501', qr/could not write/ ]);
{
	my ($left) = s3_uploads($bucket);
	my $id = $left ? $left->{upload_id} : 'none';

	like($err, qr{^WARNING:.*"s3://$bucket/$out" may be left open$}m, 'F34 the upload cannot be aborted: a warning');
	like($err, qr/upload id is "\Q$id\E"/, 'F34 the upload cannot be aborted: its id');
	like($err, qr/s3_abort_uploads/, 'F34 the upload cannot be aborted: what to do');
	fault_reset();
	is(psql("SELECT upload_id FROM s3_abort_uploads('s3://$bucket/', '0', 's3')"), $id,
		'F34 the upload cannot be aborted: it can be later');
	is_deeply([ s3_uploads($bucket) ], [], 'F34 the upload cannot be aborted: now it is gone');
	is(s3_get($bucket, $out), undef, 'F34 the upload cannot be aborted: no object');
}

#-------------------------------------------------------------------------
# An object in the way
#-------------------------------------------------------------------------

for ([ 'single write', $put ], [ 'upload', $parts ])
{
	my ($name, $sql) = @$_;

	s3_put($bucket, $out, "another's\n");
	check("F41 $name, exists", [], $sql,
		error => [ '58P02', qr{object "s3://$bucket/$out" already exists} ],
		there => "another's\n", requests => [ qr/./, 1 ]);
}
for (
	[ 'single write, appears after the look-up', $put, { method => 'PUT', delay => 2 }, qr/already exists/ ],
	[ 'upload, appears while parts are sent', $parts, { %part_2, delay => 2 }, qr/already exists/ ])
{
	my ($name, $sql, $rule, $words) = @$_;
	my $child = fork();

	if ($child == 0)
	{
		sleep 1.2;
		s3_put($bucket, $out, "another's\n");
		POSIX::_exit(0);
	}
	check("F41 $name", [$rule], $sql, error => [ '58P02', $words ], there => "another's\n");
	waitpid $child, 0;
}
check('F41 upload, 412 at its end', [ { %complete, status => 412, code => 'PreconditionFailed', count => -1 } ],
	$parts, error => [ '58P02', qr/already exists/ ], requests => [ $complete, 1 ]);
check('F41 upload, 409 at its end', [ { %complete, status => 409, code => 'ConditionalRequestConflict', count => -1 } ],
	$parts, error => [ '55006', qr/409 ConditionalRequestConflict/ ]);
(undef, @log) = check('F41 a store without conditional writes', [ { method => 'PUT', status => 501, code => 'NotImplemented' } ],
	$put, out => $put_result, requests => [ qr/^PUT/, 2 ]);
is_deeply([ map { $_->{if_none_match} } grep { $_->{method} eq 'PUT' } @log ],
	[ '*', '-' ], 'F41 a store without conditional writes: asked, and then not');

#-------------------------------------------------------------------------
# Listings
#-------------------------------------------------------------------------

sub page
{
	my ($token, @keys) = @_;
	my $xml = '<?xml version="1.0" encoding="UTF-8"?>'
	  . '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>x</Name>'
	  . '<EncodingType>url</EncodingType><IsTruncated>'
	  . (defined $token ? "true</IsTruncated><NextContinuationToken>$token</NextContinuationToken>" : 'false</IsTruncated>');

	$xml .= "<Contents><Key>$_</Key><Size>1</Size><ETag>&quot;e&quot;</ETag>"
	  . '<LastModified>2026-01-02T03:04:05.000Z</LastModified><StorageClass>STANDARD</StorageClass></Contents>'
	  for @keys;
	return { match => 'list-type', status => 200, xml => "$xml</ListBucketResult>" };
}
my $keys = "SELECT string_agg(key, ' ' ORDER BY n) FROM s3_list('s3://$bucket/', 's3')"
  . ' WITH ORDINALITY AS t (key, size, etag, modified, class, n)';

(undef, @log) = check('F42 an odd token', [ page('a+/=&amp;b c', 'k1', 'k2'), page(undef, 'k3') ],
	$keys, out => 'k1 k2 k3', requests => [ $listing, 2 ]);
like($log[1]{uri}, qr/[?&]continuation-token=a%2B%2F%3D%26b%20c(?:&|$)/, 'F42 an odd token: as it was given');
check('F42 an empty page', [ page('t1', 'k1'), page('t2'), page(undef, 'k2') ],
	$keys, out => 'k1 k2', requests => [ $listing, 3 ]);
check('F42 503 on the second page',
	[ page('t1', 'k1'), { match => 'list-type', status => 503, code => 'SlowDown' }, page(undef, 'k2') ],
	$keys, out => 'k1 k2', requests => [ $listing, 3 ]);
check('F42 the same token twice', [ page('t1', 'k1'), { %{ page('t1', 'k1') }, count => -1 } ],
	$keys, error => [ 'HV000', qr/same continuation token twice/ ]);
check('F42 truncated, but no token', [ { %{ page('', 'k1') }, xml => '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>', count => -1 } ],
	$keys, set => { retries => 1 }, error => [ 'HV000', qr/does not say where it continues/ ], requests => [ $listing, 2 ]);
for my $answer (
	[ 'cut', substr(page(undef, 'k1', 'k2')->{xml}, 0, 300) ],
	[ 'cut before its last byte', substr(page(undef, 'k1')->{xml}, 0, -1) ],
	[ 'invalid XML', '<ListBucketResult><Contents></ListBucketResult>' ],
	[ 'HTML', '<html><body>It works</body></html>' ],
	[ 'plain text', 'It works' ],
	[ 'empty', '' ],
	[ 'an object without a size', '<ListBucketResult><Contents><Key>k</Key></Contents></ListBucketResult>' ],
	[ 'an object of a negative size', '<ListBucketResult><Contents><Key>k</Key><Size>-1</Size></Contents></ListBucketResult>' ])
{
	my ($what, $xml) = @$answer;
	my $rule = { match => 'list-type', status => 200, xml => $xml };

	check("F43 listing: $what, once", [ $rule ], $list, out => $list_result, requests => [ $listing, 2 ]);
	check("F43 listing: $what, every time", [ { %$rule, count => -1 } ], $list,
		set => { retries => 1 }, error => [ 'HV000', qr/could not list/ ], requests => [ $listing, 2 ]);
}

#-------------------------------------------------------------------------
# Objects that need more than a GET
#-------------------------------------------------------------------------

check('F46 an archived object', [ { match => 'small/1', status => 403, code => 'InvalidObjectState', count => -1 } ],
	$read, error => [ '55000', qr{s3://$bucket/small/1\.csv}, qr/archived; restore it first/ ], requests => [ $get, 1 ]);

sub gzip
{
	my ($bytes) = @_;

	IO::Compress::Gzip::gzip(\$bytes, \my $packed) or die "could not compress\n";
	return $packed;
}

my $packed = gzip($small);
for my $case (
	[ 'whole', $packed, $read_result ],
	[ 'two members', gzip(substr $small, 0, 9) . gzip(substr $small, 9), $read_result ],
	[ 'cut', substr($packed, 0, -9), undef, qr/gzip data ends unexpectedly/ ],
	[ 'cut within the checksum', substr($packed, 0, -1), undef, qr/gzip data ends unexpectedly/ ],
	[ 'wrong checksum', substr($packed, 0, -8) . 'abcd' . substr($packed, -4), undef, qr/gzip data is corrupt/ ],
	[ 'followed by something else', $packed . 'garbage', undef, qr/followed by something else/ ],
	[ 'declared as Content-Encoding', $packed, $read_result, undef, 'content-encoding' => 'gzip' ])
{
	my ($what, $bytes, $result, $words, %headers) = @$case;
	my $folder = "gzip_$what";

	$folder =~ s/\W/_/g;
	s3_put($bucket, "$folder/1.csv.gz", $bytes, %headers);
	make_table($folder);
	(my $sql = $read) =~ s/small/$folder/;
	check("F48 gzip, $what", [], $sql,
		defined $result ? (out => $result)
		: (error => [ '22P04', $words, qr{object "s3://$bucket/$folder/1\.csv\.gz"} ]));
}

# F49: a reader that takes its time, longer than any timeout.
{
	my $session = psql_start(<<'SQL', go_on => 1);
SET s3_fdw.range_size = '64kB';
SET s3_fdw.connect_timeout = '1s';
SET s3_fdw.stall_timeout = '1s';
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM large;
SQL
	my ($rows, $err);

	fault_reset();
	($rows, $err) = psql_send($session, 'FETCH 1 FROM c');
	is($rows, '1', 'F49 slow reader: the first row');
	for my $last (1000, 2000, 4000)
	{
		sleep 1.6;
		($rows, $err) = psql_send($session, "MOVE @{[ $last == 1000 ? 998 : $last == 2000 ? 999 : 1999 ]} IN c; FETCH 1 FROM c");
		is("$rows$err", "$last", "F49 slow reader: row $last");
	}
	psql_finish($session);
}

#-------------------------------------------------------------------------
# What messages must not say
#-------------------------------------------------------------------------

cmp_ok(length $messages, '>', 10000, 'there were messages');
unlike($messages, qr/demosecret/, 'no message holds a secret key');
unlike($messages, qr/AWS4-HMAC|Signature=|Credential=/, 'no message holds a signature');
unlike($messages, qr/X-Amz-|uploadId=|list-type=/i, 'no message holds a query string or a header');
unlike($messages, qr/XX\d\d\d:/, 'no error is an internal one');

fault_reset();
done_testing();
