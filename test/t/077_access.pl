#-------------------------------------------------------------------------
#
# 077_access.pl
#		Which server, and whose credentials, a statement written for AWS means;
#		roles that are assumed by STS.
#
# The real store has an STS and a role "demo" that user "demo" may assume.  What
# exactly is sent to an STS, and what becomes of its bad answers, a small store of
# our own tells.
#
# IDENTIFICATION
#		test/t/077_access.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha256_hex sha256_hex);
use File::Temp ();
use FindBin;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Store;
use S3Test;

plan skip_all => 'the unit test module is not built' if !defined unit_lib();

my $endpoint = $ENV{S3_TEST_ENDPOINT};
my $host = $endpoint =~ s{^http://}{}r;
my $role = 'arn:aws:iam:::role/demo';

s3_make_bucket('access');
s3_put('access', 'five', 'bytes');

psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE FUNCTION unit_access(roles text DEFAULT NULL, region text DEFAULT NULL, key text DEFAULT NULL,
	secret text DEFAULT NULL, token text DEFAULT NULL, bucket text DEFAULT NULL, object text DEFAULT NULL)
RETURNS text LANGUAGE C AS '@{[ unit_lib() ]}', 'unit_access';
SQL

sub access_to
{
	return psql("SELECT unit_access($_[0])");
}

# The first lines of an error: its SQLSTATE and message, detail and hint.
sub access_error
{
	my (undef, $error, $rc) = psql_err("SELECT unit_access($_[0])", @_[ 1 .. $#_ ]);

	return 'no error' if $rc == 0;
	$error =~ s/^(?:LOCATION|CONTEXT|SQL function|STATEMENT):.*\n//mg;
	return $error;
}

#-------------------------------------------------------------------------
# Which server
#-------------------------------------------------------------------------

like(access_error(''), qr/HV00N: there is no server of s3_fdw that you may use\nHINT:  Use CREATE SERVER/,
	'no server at all');

psql(<<"SQL");
CREATE SERVER plain FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$endpoint', region 'us-east-1');
CREATE USER MAPPING FOR PUBLIC SERVER plain OPTIONS (access_key_id 'plainkey', secret_access_key 's');
SQL
is(access_to(''), "plain $host us-east-1 plainkey", 'the only server, for no role');
is(access_to("'default'"), "plain $host us-east-1 plainkey", 'for the default role');
is(access_to("'arn:aws:iam::1:role/a'"), "plain $host us-east-1 plainkey", 'and for any role, as it names none');
is(access_to("NULL, 'eu-west-1'"), "plain $host us-east-1 plainkey",
	'a region changes nothing where there is an endpoint');
is(access_to("NULL, NULL, 'k', 's', 't'"), "plain $host us-east-1 k token", 'keys of the statement');

psql(<<"SQL");
CREATE SERVER listed FOREIGN DATA WRAPPER s3_fdw
	OPTIONS (region 'us-east-1', iam_role 'arn:aws:iam::1:role/a, arn:aws:iam::1:role/b');
CREATE SERVER anyrole FOREIGN DATA WRAPPER s3_fdw OPTIONS (region 'eu-west-1', iam_role '*');
CREATE USER MAPPING FOR PUBLIC SERVER listed OPTIONS (access_key_id 'listedkey', secret_access_key 's');
CREATE USER MAPPING FOR PUBLIC SERVER anyrole OPTIONS (access_key_id 'anykey', secret_access_key 's');
SQL
is(access_to("'arn:aws:iam::1:role/b'"), 'listed s3.us-east-1.amazonaws.com us-east-1 listedkey',
	'the server that lists the role');
is(access_to("'arn:aws:iam::1:role/x,arn:aws:iam::1:role/b'"),
	'listed s3.us-east-1.amazonaws.com us-east-1 listedkey', 'of a chain the last role counts');
is(access_to("'arn:aws:iam::1:role/b,arn:aws:iam::1:role/x'"),
	'anyrole s3.eu-west-1.amazonaws.com eu-west-1 anykey', 'else the one for any role');
is(access_to("'default'"), 'anyrole s3.eu-west-1.amazonaws.com eu-west-1 anykey', 'also for the default one');
is(access_to("'arn:aws:iam::1:role/b', 'ap-south-1'"),
	'listed s3.ap-south-1.amazonaws.com ap-south-1 listedkey',
	'without an endpoint the region decides where to go, and what to sign for');
like(access_error("NULL, 'x.evil.com/'"), qr/ERROR:  22023: invalid region: "x\.evil\.com\/"/,
	'a region that is none');

psql(<<"SQL");
DROP SERVER anyrole CASCADE;
DROP SERVER plain CASCADE;
SQL
like(access_error("'arn:aws:iam::1:role/c'"),
	qr/no server of s3_fdw is for role "arn:aws:iam::1:role\/c".*HINT:  .*ALTER SERVER listed OPTIONS \(SET iam_role 'arn:aws:iam::1:role\/a,arn:aws:iam::1:role\/b,arn:aws:iam::1:role\/c'\)\./s,
	'no server for a role: the hint is the statement that makes one so');
is(access_to("NULL, NULL, 'k', 's'"), 'listed s3.us-east-1.amazonaws.com us-east-1 k',
	'with keys any server will do');
like(access_error("NULL, NULL, 'k'"), qr/access key id without a secret access key/, 'half a key');
like(access_error("NULL, NULL, NULL, 'hidden'"), qr/secret access key without an access key id(?!.*hidden)/s, 'the other half');

psql(<<"SQL");
CREATE SERVER east FOREIGN DATA WRAPPER s3_fdw OPTIONS (region 'us-east-1', iam_role '*', endpoint 'http://east.example.com');
CREATE SERVER west FOREIGN DATA WRAPPER s3_fdw OPTIONS (region 'us-west-2', iam_role '*', endpoint 'http://west.example.com');
CREATE USER MAPPING FOR PUBLIC SERVER east OPTIONS (access_key_id 'eastkey', secret_access_key 's');
CREATE USER MAPPING FOR PUBLIC SERVER west OPTIONS (access_key_id 'westkey', secret_access_key 's');
SQL
is(access_to("NULL, 'us-west-2'"), 'west west.example.com us-west-2 westkey', 'of several servers, that of the region');
is(access_to("NULL, 'us-east-1'"), 'east east.example.com us-east-1 eastkey', 'and of the other');
like(access_error(''), qr/several servers of s3_fdw are for role "default"\nDETAIL:  Servers "east" and "west"/,
	'without a region they cannot be told apart');
psql("ALTER SERVER east OPTIONS (SET iam_role 'default')");
is(access_to("NULL, 'us-west-2'"), 'east east.example.com us-east-1 eastkey', 'a role that is listed comes before the region');
is(access_to("NULL, 'us-west-2', 'k', 's'"), 'west west.example.com us-west-2 k', 'with keys the region comes first');
psql("ALTER SERVER east OPTIONS (SET iam_role '*')");
like(access_error("NULL, 'eu-west-1'"), qr/no server of s3_fdw is for region "eu-west-1"\nHINT:/, 'none of that region');
psql("CREATE SERVER aws FOREIGN DATA WRAPPER s3_fdw OPTIONS (region 'eu-north-1', iam_role '*');"
	  . "CREATE USER MAPPING FOR PUBLIC SERVER aws OPTIONS (access_key_id 'awskey', secret_access_key 's')");
is(access_to("NULL, 'eu-west-1'"), 'aws s3.eu-west-1.amazonaws.com eu-west-1 awskey',
	'but one without an endpoint goes to any');

#-------------------------------------------------------------------------
# Who may
#-------------------------------------------------------------------------

psql(<<"SQL");
DROP ROLE IF EXISTS access_user;
CREATE ROLE access_user LOGIN;
GRANT USAGE ON FOREIGN SERVER west TO access_user;
SQL
is(psql("SET ROLE access_user; SELECT unit_access('default')"), 'west west.example.com us-west-2 westkey',
	'servers without USAGE do not count');
is(psql("SET ROLE access_user; SELECT unit_access(NULL, NULL, 'k', 's')"), 'west west.example.com us-west-2 k',
	'USAGE suffices for keys of one\'s own');
psql('REVOKE USAGE ON FOREIGN SERVER west FROM access_user');
like(access_error("NULL, NULL, 'k', 's'", user => 'access_user'), qr/there is no server of s3_fdw that you may use/,
	'keys do not help without USAGE');

for my $bad ('', ' , ', 'role', 'arn:a, role', 'arn:x default y')
{
	my (undef, $error) = psql_err("ALTER SERVER aws OPTIONS (SET iam_role '$bad')");
	like($error, qr/HV024: invalid value for option "iam_role"/, "iam_role '$bad'");
}
like((psql_err("ALTER SERVER aws OPTIONS (ADD sts_endpoint 'http://x/y')"))[1],
	qr/HV024: invalid value for option "sts_endpoint"/, 'sts_endpoint is a URL without a path');

#-------------------------------------------------------------------------
# Roles that are assumed, by a real STS
#-------------------------------------------------------------------------

psql(<<"SQL");
DROP SERVER east CASCADE; DROP SERVER west CASCADE; DROP SERVER aws CASCADE; DROP SERVER listed CASCADE;
CREATE SERVER rgw FOREIGN DATA WRAPPER s3_fdw
	OPTIONS (endpoint '$endpoint', region 'us-east-1', iam_role 'default,*', assume_role 'true', sts_endpoint '$endpoint');
CREATE USER MAPPING FOR PUBLIC SERVER rgw OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
SQL
SKIP:
{
	my $first = eval { access_to("'$role', NULL, NULL, NULL, NULL, 'access', 'five'") };

	skip 'the store has no STS', 5 if !defined $first && $@ =~ /405|501/;
	diag($@) if !defined $first;
	like($first, qr/^rgw \S+ us-east-1 (?!demokey)\S+ token 5$/, 'an object, read with a role');
	like(access_to("'default', NULL, NULL, NULL, NULL, 'access', 'five'"), qr/ demokey 5$/,
		'the default role is that of the mapping, if the server names none');
	psql("ALTER SERVER rgw OPTIONS (SET iam_role 'default,$role')");
	like(access_to("'default', NULL, NULL, NULL, NULL, 'access', 'five'"), qr/ token 5$/, 'and else that one');
	like(access_to("NULL, NULL, 'demokey', 'demosecret', NULL, 'access', 'five'"), qr/ demokey 5$/,
		'keys of the statement assume nothing');
	psql("ALTER SERVER rgw OPTIONS (SET iam_role '*'); ALTER USER MAPPING FOR PUBLIC SERVER rgw"
		  . " OPTIONS (SET access_key_id 'otherkey', SET secret_access_key 'othersecret')");
	my $error = access_error("'$role'");
	like($error, qr/could not assume role "\Q$role\E".*request id: \S+/s, 'a role that the user may not assume');
	unlike($error, qr/othersecret|otherkey/, 'no key is in the message');
}

#-------------------------------------------------------------------------
# What is sent to an STS, and its bad answers
#-------------------------------------------------------------------------

my $scratch = File::Temp->newdir('s3test_XXXXXX', TMPDIR => 1);

# A file in $scratch says what is wrong with the answer.
sub answer
{
	my ($method, $target, $headers, $body) = @_;
	my ($named) = $body =~ /RoleArn=[^&]*?role%2F(\w+)/;

	return store_answer(@_) if !defined $named;
	return (403, "x-amzn-RequestId: id-7\r\n",
		'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
		  . '<Code>AccessDenied</Code><Message>not you</Message></Error><RequestId>id-8</RequestId></ErrorResponse>')
	  if $named eq 'forbidden';
	return (200, '', '<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>half</AccessKeyId>'
		  . '</Credentials></AssumeRoleResult></AssumeRoleResponse>')
	  if $named eq 'half';
	return (503, '', '') if $named eq 'busy' && unlink "$scratch/busy";
	return (200, '', '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>') if $named eq 'evil';
	return (200, '', <<"XML");
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult>
<AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/$named</Arn></AssumedRoleUser>
<Credentials><SecretAccessKey>secret of $named</SecretAccessKey><SessionToken>token of $named</SessionToken>
<Expiration>2030-01-01T00:00:00Z</Expiration><AccessKeyId>KEY$named</AccessKeyId></Credentials>
</AssumeRoleResult>
<ResponseMetadata><RequestId>id-9</RequestId></ResponseMetadata>
</AssumeRoleResponse>
XML
}

my $sts = store_start(\&answer);

# How many requests there were since the last time.
sub asked
{
	my @requests = store_requests();

	return scalar @requests;
}

# The signature that a request should have, by the published rules.
sub signature
{
	my ($request, $secret) = @_;
	my ($scope, $signed, $is) =
	  $request->{headers}{authorization} =~ m{Credential=[^/]+/(\S+), ?SignedHeaders=(\S+), ?Signature=(\w+)}
	  or return ('none', 'some');
	my ($day, $region, $service) = split m{/}, $scope;
	my $canonical = join "\n", $request->{method}, $request->{target}, '',
	  (map { "$_:$request->{headers}{$_}" } split /;/, $signed), '', $signed, sha256_hex($request->{body});
	my $string = join "\n", 'AWS4-HMAC-SHA256', $request->{headers}{'x-amz-date'}, $scope, sha256_hex($canonical);
	my $key = "AWS4$secret";

	$key = hmac_sha256($_, $key) for $day, $region, $service, 'aws4_request';
	return ($is, hmac_sha256_hex($string, $key), $service, $region);
}

psql(<<"SQL");
DROP SERVER rgw CASCADE;
CREATE SERVER fake FOREIGN DATA WRAPPER s3_fdw
	OPTIONS (endpoint '$sts', region 'us-west-2', iam_role '*', assume_role 'true', sts_endpoint '$sts');
CREATE USER MAPPING FOR PUBLIC SERVER fake OPTIONS (access_key_id 'first', secret_access_key 'first secret');
SQL
is(access_to("'arn:aws:iam::1:role/one,arn:aws:iam::2:role/two'"), 'fake ' . $sts =~ s{^http://}{}r . ' us-west-2 KEYtwo token',
	'a chain of roles');
my @requests = store_requests();
is(scalar @requests, 2, 'one request each');
is($requests[0]{method} . ' ' . $requests[0]{target}, 'POST /', 'POST /');
like($requests[0]{body},
	qr{^Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fone&RoleSessionName=s3_fdw-\d+$},
	'a form');
like($requests[0]{headers}{'content-type'}, qr{^application/x-www-form-urlencoded}, 'which says so');
is_deeply([ signature($requests[0], 'first secret') ]->[0], [ signature($requests[0], 'first secret') ]->[1],
	'signed with the keys of the mapping');
is(join(' ', (signature($requests[0], ''))[ 2, 3 ]), 'sts us-west-2', 'for STS of the region');
is((signature($requests[1], 'secret of one'))[0], (signature($requests[1], 'secret of one'))[1],
	'the second role with those of the first');
like($requests[1]{headers}{authorization}, qr{Credential=KEYone/.*x-amz-security-token}, 'whose token goes along, signed');

my $error = access_error("'arn:aws:iam::1:role/forbidden'");
like($error,
	qr/ERROR:  42501: could not assume role "arn:aws:iam::1:role\/forbidden": not you.*request id: id-7.*HINT:  Check that the role's trust policy/s,
	'an error of STS');
unlike($error, qr/first secret/, 'without the secret');
like(access_error("'arn:aws:iam::1:role/half'"), qr/could not assume role.*does not confirm/s, 'an answer without keys');
like(access_error("'arn:aws:iam::1:role/evil'"), qr/could not assume role.*malformed/s, 'an answer with entities');
psql("ALTER SERVER fake OPTIONS (SET iam_role 'arn:aws:iam::2:role/two')");
asked();
like(access_error("'arn:aws:iam::1:role/one,arn:aws:iam::2:role/two'"),
	qr/42501: server "fake" assumes no role "arn:aws:iam::1:role\/one".*HINT:  Its owner can say so, as in: ALTER SERVER fake OPTIONS \(SET iam_role 'arn:aws:iam::2:role\/two,arn:aws:iam::1:role\/one'\)/s,
	'each role of a chain must be one of the server');
psql("ALTER SERVER fake OPTIONS (DROP iam_role)");
like(access_error("'arn:aws:iam::1:role/one'"), qr/42501: server "fake" assumes no role/,
	'a server that names no role assumes none');
is(asked(), 0, 'for which nothing is asked');
psql("ALTER SERVER fake OPTIONS (ADD iam_role '*')");
open my $fh, '>', "$scratch/busy" or die;
close $fh;
like(access_to("'arn:aws:iam::1:role/busy'"), qr/KEYbusy/, 'a failed request is repeated');
is(asked(), 2, 'once');
is(access_to("'arn:aws:iam::1:role/one', NULL, 'k', 's'"), 'fake ' . $sts =~ s{^http://}{}r . ' us-west-2 k',
	'keys of the statement, and no role');
is(asked(), 0, 'for which nothing is asked');

# An endpoint that the server's owner may not use
psql(<<"SQL");
GRANT USAGE ON FOREIGN DATA WRAPPER s3_fdw TO access_user;
SET ROLE access_user;
CREATE SERVER mine FOREIGN DATA WRAPPER s3_fdw OPTIONS (region 'us-west-2', assume_role 'true', iam_role '*', sts_endpoint '$sts');
CREATE USER MAPPING FOR access_user SERVER mine OPTIONS (access_key_id 'a', secret_access_key 'b');
SQL
like(access_error("'arn:aws:iam::1:role/one'", user => 'access_user'),
	qr/42501: sts_endpoint of server "mine" is not allowed\nDETAIL:.*\nHINT:  A superuser can add the endpoint to s3_fdw\.allowed_endpoints/,
	'an STS endpoint is subject to the rules for endpoints');
is(asked(), 0, 'and it is not asked');

psql('DROP OWNED BY access_user; DROP ROLE access_user');
done_testing();
