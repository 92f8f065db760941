#-------------------------------------------------------------------------
#
# 010_sigv4.pl
#		Signatures against published vectors, every intermediate compared,
#		and against a second signer written here.
#
# IDENTIFICATION
#		test/t/010_sigv4.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use Digest::SHA qw(sha256_hex hmac_sha256 hmac_sha256_hex);
use FindBin;
use JSON::PP;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $lib = unit_lib();
plan skip_all => 'the unit test module is not built' unless defined $lib;

my $functions = join "\n", map { "CREATE FUNCTION pg_temp.$_ LANGUAGE C AS " . lit($lib) . ", '" . (/^(\w+)/)[0] . "';" } (
	'unit_sigv4_sign(text, text, text[], text[], text, text, text, text, bool, bool, text, text) RETURNS text[]',
	'unit_sigv4_encode(bytea, bool) RETURNS text',
	'unit_sigv4_sha256(bytea) RETURNS text',
	'unit_sigv4_md5(bytea) RETURNS bytea');

sub run
{
	my ($sql) = @_;

	return psql("$functions\n$sql");
}

sub bytea
{
	my ($bytes) = @_;

	return q{'\x} . unpack('H*', $bytes) . q{'::bytea};
}

# Sign a list of requests; returns as many hashes of what came out.
sub sign
{
	my (@requests) = @_;
	my $sql = '';

	for my $r (@requests)
	{
		my @pairs = map {
			my $list = $_;
			'ARRAY[' . join(',', map { lit($_) } map { @$_ } @$list) . ']::text[]'
		} ($r->{query}, $r->{headers});

		$sql .= 'SELECT to_json(pg_temp.unit_sigv4_sign(' . join(', ',
			lit($r->{method}), lit($r->{path}), @pairs,
			map({ lit($_) } @$r{qw(payload_hash amz_date region service)}),
			map({ $_ ? 'true' : 'false' } @$r{qw(double_encode normalize)}),
			map({ lit($_) } @$r{qw(access_key secret_key)})) . "));\n";
	}
	return map {
		my %result;
		@result{qw(creq sts signed_headers signature authorization)} = @{ decode_json($_) };
		\%result;
	} split /\n/, run($sql);
}

# A file of one value; some of them end in a newline.
sub slurp_value
{
	my $value = slurp(@_);

	$value =~ s/\r//g;
	$value =~ s/\n\z//;
	return $value;
}

sub decode
{
	my ($s) = @_;

	$s =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	return $s;
}

# The parts of an HTTP request in a file: method, path, query, headers, body.
sub parse_request
{
	my ($text) = @_;
	my ($head, $body) = split /\r?\n\r?\n/, $text, 2;
	my ($first, @lines) = split /\r?\n/, $head;
	my ($method, $target) = $first =~ m{^(\S+) (.*) HTTP/1\.1$} or die "not a request: $first\n";
	my ($path, $query) = split /\?/, $target, 2;
	my @headers;

	for (@lines)
	{
		if (/^\s/)
		{
			$headers[-1][1] .= "\n$_";
			next;
		}
		push @headers, [ split /:/, $_, 2 ];
	}
	return {
		method => $method,
		path => $path,
		query => [ map { my ($n, $v) = split /=/, $_, 2; [ decode($n), decode($v // '') ] }
			  split /&/, $query // '' ],
		headers => \@headers,
		body => $body // ''
	};
}

# Add what a presigned request carries in its query.
sub presign
{
	my ($r, $expires, $token) = @_;
	my %names = map { lc $_->[0] => 1 } @{ $r->{headers} };

	push @{ $r->{query} },
	  [ 'X-Amz-Algorithm', 'AWS4-HMAC-SHA256' ],
	  [ 'X-Amz-Credential', "$r->{access_key}/" . substr($r->{amz_date}, 0, 8)
		  . "/$r->{region}/$r->{service}/aws4_request" ],
	  [ 'X-Amz-Date', $r->{amz_date} ],
	  [ 'X-Amz-Expires', $expires ],
	  [ 'X-Amz-SignedHeaders', join ';', sort keys %names ];
	push @{ $r->{query} }, [ 'X-Amz-Security-Token', $token ] if defined $token;
}

#-------------------------------------------------------------------------
# Digests and encoding
#-------------------------------------------------------------------------

{
	my @data = ('', 'abc', "\0" x 64, join('', map { chr } 0 .. 255), 'a' x 100_003);
	my $sql = join '', map {
		my $data = bytea($_);
		"SELECT pg_temp.unit_sigv4_sha256($data) = encode(sha256($data), 'hex'),
			encode(pg_temp.unit_sigv4_md5($data), 'hex') = md5($data);\n"
	} @data;

	is(run($sql), join("\n", ('t|t') x @data), "digests are the server's own");

	my $all = join '', map { chr } 1 .. 255;
	my $want = join '', map {
		my $c = chr;
		$c =~ m{[A-Za-z0-9._~/-]} ? $c : sprintf '%%%02X', $_
	} 1 .. 255;

	is(run('SELECT pg_temp.unit_sigv4_encode(' . bytea($all) . ', true)'),
		$want, 'every byte encoded, slash kept');
	$want =~ s{/}{%2F};
	is(run('SELECT pg_temp.unit_sigv4_encode(' . bytea($all) . ', false)'),
		$want, 'every byte encoded, slash too');
}

#-------------------------------------------------------------------------
# A second signer, on generated requests
#-------------------------------------------------------------------------

sub perl_encode
{
	my ($s) = @_;

	$s =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
	return $s;
}

sub perl_sign
{
	my ($r) = @_;
	my %headers;

	for (@{ $r->{headers} })
	{
		my $value = join ' ', split ' ', $_->[1];
		push @{ $headers{ lc $_->[0] } }, $value;
	}
	my @names = sort keys %headers;
	my @query = sort { $a->[0] cmp $b->[0] || $a->[1] cmp $b->[1] }
	  map { [ perl_encode($_->[0]), perl_encode($_->[1]) ] } @{ $r->{query} };
	my $creq = join "\n", $r->{method}, $r->{path},
	  join('&', map { "$_->[0]=$_->[1]" } @query),
	  (map { "$_:" . join ',', @{ $headers{$_} } } @names),
	  '', join(';', @names), $r->{payload_hash};
	my $day = substr $r->{amz_date}, 0, 8;
	my $scope = "$day/$r->{region}/$r->{service}/aws4_request";
	my $sts = join "\n", 'AWS4-HMAC-SHA256', $r->{amz_date}, $scope, sha256_hex($creq);
	my $key = "AWS4$r->{secret_key}";

	$key = hmac_sha256($_, $key) for $day, $r->{region}, $r->{service}, 'aws4_request';
	my $signature = hmac_sha256_hex($sts, $key);
	return {
		creq => $creq,
		sts => $sts,
		signed_headers => join(';', @names),
		signature => $signature,
		authorization => "AWS4-HMAC-SHA256 Credential=$r->{access_key}/$scope, "
		  . 'SignedHeaders=' . join(';', @names) . ", Signature=$signature"
	};
}

{
	srand 20;
	my @chars = ('a' .. 'c', 'A', '0', '9', '-', '=', '&', '/', ' ', '+', '%', '~', "'", '*');
	my $word = sub { join '', map { $chars[ rand @chars ] } 1 .. int rand shift };
	my @requests = map {
		{
			method => (qw(GET PUT POST DELETE HEAD))[ rand 5 ],
			path => '/' . join('/', map { perl_encode($word->(9)) } 1 .. rand 5),
			query => [ map { [ $word->(4), $word->(6) ] } 1 .. rand 8 ],
			headers => [
				[ 'Host', 'bucket.example' ],
				(map { [ (qw(x-a X-A x-b X-aa x-a-b))[ rand 5 ], '  ' . $word->(9) . "\t " ] } 1 .. rand 6),
				[ 'x-amz-date', '20240229T235959Z' ]
			],
			payload_hash => 'UNSIGNED-PAYLOAD',
			amz_date => '20240229T235959Z',
			region => 'eu-west-1',
			service => 's3',
			access_key => 'key',
			secret_key => $word->(60),
			double_encode => 0,
			normalize => 0
		}
	} 1 .. 100;

	# paths that normalising would change are signed as they are
	push @requests, map { { %{ $requests[0] }, path => $_ } } '//', '/a/../b', '/./a//b/', '/a%20b%2Fc';
	push @requests, { %{ $requests[0] }, query => [ [ 'a', '' ], [ 'a-', '' ], [ 'a', '0' ], [ 'a0', '' ] ] };
	my @got = sign(@requests);

	is(scalar @got, scalar @requests, 'every generated request signed');
	my $json = JSON::PP->new->canonical;
	my @wrong = grep { $json->encode($got[$_]) ne $json->encode(perl_sign($requests[$_])) } 0 .. $#got;
	is(scalar @wrong, 0, 'a second signer agrees in every part')
	  or is_deeply($got[ $wrong[0] ], perl_sign($requests[ $wrong[0] ]), 'the first that differs');
}

#-------------------------------------------------------------------------
# Published vectors
#-------------------------------------------------------------------------

my $corpora = corpora();

sub check
{
	my ($name, $got, $creq, $sts, $signature, $authorization) = @_;

	is($got->{creq}, $creq, "$name: canonical request") if defined $creq;
	is($got->{sts}, $sts, "$name: string to sign");
	is($got->{signature}, $signature, "$name: signature");
	is($got->{authorization}, $authorization, "$name: Authorization header")
	  if defined $authorization;
}

SKIP:
{
	skip 'aws-c-auth: ../shared/corpora is absent', 1 unless defined $corpora;

	my $base = "$corpora/sigv4/aws-c-auth/tests/aws-signing-test-suite/v4";
	my @cases = sort map { m{([^/]+)/request\.txt$} } glob "$base/*/request.txt";
	my (@headers, @queries);

	for my $case (@cases)
	{
		my $context = decode_json(slurp("$base/$case/context.json"));
		my $credentials = $context->{credentials};
		my $amz_date = $context->{timestamp} =~ s/[-:]//gr;
		my $token = $context->{omit_session_token} ? undef : $credentials->{token};

		for my $kind ('header', 'query')
		{
			my $r = parse_request(slurp("$base/$case/request.txt"));

			%$r = (
				%$r,
				payload_hash => sha256_hex($r->{body}),
				amz_date => $amz_date,
				region => $context->{region},
				service => $context->{service},
				access_key => $credentials->{access_key_id},
				secret_key => $credentials->{secret_access_key},
				double_encode => 1,
				normalize => $context->{normalize});
			if ($kind eq 'query')
			{
				presign($r, $context->{expiration_in_seconds}, $token);
				push @queries, $r;
				next;
			}
			push @{ $r->{headers} }, [ 'X-Amz-Date', $amz_date ];
			push @{ $r->{headers} }, [ 'x-amz-content-sha256', $r->{payload_hash} ]
			  if $context->{sign_body};
			push @{ $r->{headers} }, [ 'X-Amz-Security-Token', $token ] if defined $token;
			push @headers, $r;
		}
	}

	is(scalar @cases, 38, 'aws-c-auth: number of cases');
	my @got = sign(@headers, @queries);

	for my $kind ('header', 'query')
	{
		for my $case (@cases)
		{
			my ($authorization) = slurp("$base/$case/$kind-signed-request.txt") =~ /^Authorization: ?(.*?)\r?$/m;

			check("aws-c-auth $case ($kind)", shift @got,
				(map { slurp_value("$base/$case/$kind-$_.txt") }
					qw(canonical-request string-to-sign signature)), $authorization);
		}
	}
}

SKIP:
{
	skip 'botocore: ../shared/corpora is absent', 1 unless defined $corpora;

	my $base = "$corpora/sigv4/botocore-aws4_testsuite";
	my @files = map { sort glob "$base/$_" } '*/*.req', '*/*/*.req';
	my @requests;
	my @checked;

	for my $file (@files)
	{
		my $r = parse_request(slurp($file));
		my ($name) = $file =~ m{^\Q$base\E/(.*)/[^/]*$};

		# token of the one case whose request does not carry it yet
		my ($token) = slurp($file =~ s/req$/sreq/r) =~ /^X-Amz-Security-Token: ?(.*?)\r?$/mi;
		push @{ $r->{headers} }, [ 'X-Amz-Security-Token', $token ]
		  if defined $token && $name eq 'get-vanilla-with-session-token';
		%$r = (
			%$r,
			payload_hash => sha256_hex($r->{body}),
			amz_date => '20150830T123600Z',
			region => 'us-east-1',
			service => 'service',
			access_key => 'AKIDEXAMPLE',
			secret_key => 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
			double_encode => 1,
			normalize => 1);
		push @requests, $r;
	}
	is(scalar @files, 34, 'botocore: number of cases');

	my @got = sign(@requests);
	for my $file (@files)
	{
		my ($name) = $file =~ m{^\Q$base\E/(.*)/[^/]*$};
		my $authorization = slurp_value($file =~ s/req$/authz/r);
		my ($signature) = $authorization =~ /Signature=(\w+)/;

		check("botocore $name", shift @got,
			slurp_value($file =~ s/req$/creq/r), slurp_value($file =~ s/req$/sts/r),
			$signature, $authorization);
	}
}

SKIP:
{
	skip 'S3 documentation examples: ../shared/corpora is absent', 1 unless defined $corpora;

	my @examples = @{ decode_json(slurp("$corpora/sigv4/s3-docs-examples.json")) };
	my @requests;

	for my $e (@examples)
	{
		my @lines = split /\n/, $e->{canonical_request}, -1;
		my $r = {
			%$e,
			payload_hash => $lines[-1],
			query => [ map { my ($n, $v) = split /=/, $_, 2; [ decode($n), decode($v // '') ] }
				  split /&/, $e->{query} ],
			headers => [ [ 'Host', $e->{host} ],
				map { [ $_, $e->{headers}{$_} ] } sort keys %{ $e->{headers} || {} } ],
			double_encode => 0,
			normalize => 0
		};

		if ($e->{presign})
		{
			presign($r, $e->{expires});
		}
		elsif (!$e->{headers})
		{
			# the streaming examples give their headers only in canonical form
			$r->{headers} = [ reverse map { [ /^([^:]+):(.*)$/ ] } grep { /^[a-z0-9-]+:/ } @lines ];
		}
		push @requests, $r;
	}
	is(scalar @examples, 7, 'S3 documentation: number of examples');

	my @got = sign(@requests);
	for my $i (0 .. $#examples)
	{
		my $e = $examples[$i];
		my $name = "S3 documentation $e->{name}";

		check($name, $got[$i], @$e{qw(canonical_request string_to_sign signature)});
		is(run('SELECT pg_temp.unit_sigv4_encode(' . bytea("/$e->{key}") . ', true)'),
			$e->{path}, "$name: path of the key")
		  if defined $e->{key};
		is(sha256_hex($e->{body}), $requests[$i]{payload_hash}, "$name: payload hash")
		  if defined $e->{body};

		# A chunk's signature begins with the request's, which is checked; the
		# project sends no signed chunks, so its signer cannot make the rest.
		my @chunks = @{ $e->{chunks} || [] };
		for my $c (0 .. $#chunks)
		{
			my @lines = split /\n/, $chunks[$c]{string_to_sign};

			is($lines[3], $c == 0 ? $got[$i]{signature} : $chunks[ $c - 1 ]{signature},
				"$name chunk $c: signature before it");
			is(run("SELECT pg_temp.unit_sigv4_sha256(convert_to(repeat('a', $chunks[$c]{bytes}), 'UTF8'))"),
				$lines[5], "$name chunk $c: hash of its bytes");
			SKIP: { skip "$name chunk $c: signature: the header signer signs no chunks", 1 }
		}
		SKIP:
		{
			skip "$name trailer: signature: the header signer signs no trailers", 1
			  if defined $e->{trailer};
		}
	}
}

done_testing();
