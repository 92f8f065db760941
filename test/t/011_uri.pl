#-------------------------------------------------------------------------
#
# 011_uri.pl
#		Locations: what is accepted, which keys belong to one.
#
# IDENTIFICATION
#		test/t/011_uri.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use lib "$FindBin::Bin/../perl";
use S3Test;

my $lib = unit_lib();
plan skip_all => 'the unit test module is not built' unless defined $lib;

my $functions = join "\n", map { "CREATE FUNCTION pg_temp.$_ LANGUAGE C AS " . lit($lib) . ", '" . (/^(\w+)/)[0] . "';" } (
	'unit_uri_parse(bytea) RETURNS text[]',
	'unit_uri_check(bytea) RETURNS bool',
	'unit_uri_matches(bytea, bytea) RETURNS bool',
	'unit_uri_hidden(bytea, bytea, bigint) RETURNS bool',
	'unit_uri_dns(bytea) RETURNS bool',
	'unit_uri_format(bytea, bytea) RETURNS text');

sub bytea
{
	my ($bytes) = @_;

	return q{'\x} . unpack('H*', $bytes) . q{'::bytea};
}

# Call a function once per list of SQL arguments; returns as many results.
sub call
{
	my ($function, $wrap, @calls) = @_;
	my $sql = join '', map {
		'SELECT ' . sprintf($wrap, "pg_temp.$function(" . join(', ', @$_) . ')') . ";\n"
	} @calls;

	return split /\n/, psql("$functions\n$sql"), -1;
}

sub parse
{
	return map { decode_json($_) } call('unit_uri_parse', 'to_json(%s)', map { [ bytea($_) ] } @_);
}

sub shown
{
	my ($s) = @_;

	$s =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
	return length $s > 60 ? substr($s, 0, 57) . '...' : $s;
}

is(psql('SHOW server_encoding'), 'UTF8', 'the database is in UTF-8');

#-------------------------------------------------------------------------
# Buckets
#-------------------------------------------------------------------------

{
	my @good = (
		'abc', 'a1b', '123', 'my-bucket', 'my.bucket.example', 'a' x 63, 'Old_Bucket', 'a--b',
		'a..b', 'xn--bcher-kva', '192.168.0.1', 'evil.com');
	my @got = parse(map { ("s3://$_", "s3://$_/", "s3://$_/k") } @good);

	for my $bucket (@good)
	{
		my @three = splice @got, 0, 3;

		is_deeply(\@three, [ [ $bucket, '', 'f', '' ], [ $bucket, '', 'f', '' ], [ $bucket, 'k', 'f', 'k' ] ],
			"bucket accepted: $bucket");
	}

	my $length = 'A bucket name has 3 to 63 characters.';
	my $chars = 'A bucket name holds only letters, digits, periods, hyphens and underscores.';
	my $ends = 'A bucket name begins and ends with a letter or digit.';
	my $scheme = 'A location begins with "s3://".';
	my @bad = (
		[ '', $scheme ], [ 's3', $scheme ], [ 's3:', $scheme ], [ 's3:/', $scheme ],
		[ 's3:/bucket/key', $scheme ], [ 'S3://bucket/key', $scheme ], [ 's3n://bucket', $scheme ],
		[ ' s3://bucket', $scheme ], [ 'http://bucket/key', $scheme ], [ '/etc/passwd', $scheme ],
		[ 's3://', $length ], [ 's3:///', $length ], [ 's3:///key', $length ],
		[ 's3://ab', $length ], [ 's3://ab/key', $length ], [ 's3://' . 'a' x 64, $length ],
		[ 's3://..', $length ], [ 's3://../../etc', $length ], [ 's3://./x', $length ],
		[ 's3://...', $ends ], [ 's3://.../key', $ends ], [ 's3://-abc', $ends ],
		[ 's3://abc-', $ends ], [ 's3://.abc', $ends ], [ 's3://abc./k', $ends ],
		[ 's3://_abc', $ends ], [ 's3://abc_', $ends ],
		[ 's3://evil.com?x', $chars ], [ 's3://evil.com#', $chars ], [ 's3://a@evil.com/x', $chars ],
		[ 's3://user:pass@evil.com/x', $chars ], [ 's3://evil.com:8080/x', $chars ],
		[ 's3://evil.com\\x', $chars ], [ 's3://a b c', $chars ], [ "s3://abc\r\nHost: x", $chars ],
		[ "s3://abc\n", $chars ], [ "s3://abc\t/k", $chars ], [ 's3://a%2fb', $chars ],
		[ 's3://[::1]', $chars ], [ 's3://abc*', $chars ], [ "s3://b\xc3\xbccher", $chars ],
		[ "s3://abc\x7f", $chars ], [ 's3://arn:aws:s3:us-east-1:1:accesspoint', $chars ],
		[ "s3://abc\xff", $chars ]);

	@got = parse(map { $_->[0] } @bad);
	is_deeply($got[$_], [ $bad[$_][1] ], 'refused: ' . shown($bad[$_][0])) for 0 .. $#bad;

	# a slash ends the bucket, whatever follows
	is_deeply((parse('s3://evil.com/x?'))[0], [ 'evil.com', 'x?', 't', 'x' ], 'a "?" after the slash is of the key');

	my (undef, $err, $rc) = psql_err("$functions SELECT pg_temp.unit_uri_check(" . bytea("s3://a\@evil/\x01") . ')');
	isnt($rc, 0, 'a bad location raises an error');
	like($err, qr/HV024: invalid S3 location: "s3:\/\/a\@evil\/\\x01"/, 'its code and message');
	like($err, qr/DETAIL:  \Q$chars\E/, 'its detail');
	like($err, qr/HINT:  A location looks like/, 'its hint');
	(undef, $err, $rc) = psql_err("$functions SELECT pg_temp.unit_uri_check(" . bytea("s3://abc/\xff\xc3") . ')');
	like($err, qr/HV024: invalid S3 location: "s3:\/\/abc\/\\xff\\xc3"/, 'invalid bytes can be reported');
}

{
	my %dns = (
		'abc' => 't', 'my-bucket' => 't', '123' => 't', 'a' x 63 => 't', 'a' x 64 => 'f', 'ab' => 'f',
		'my.bucket' => 'f', 'Old' => 'f', 'old_bucket' => 'f', '-abc' => 'f', 'abc-' => 'f',
		'evil.com' => 'f', 'a@b' => 'f', 'a/b' => 'f', '' => 'f', "b\xc3\xbcch" => 'f');
	my @names = sort keys %dns;
	my @got = call('unit_uri_dns', '%s', map { [ bytea($_) ] } @names);

	is($got[$_], $dns{ $names[$_] }, 'host name or not: ' . shown($names[$_])) for 0 .. $#names;
}

#-------------------------------------------------------------------------
# Keys
#-------------------------------------------------------------------------

{
	my @plain = (
		'', '/', '//', 'a//b', '/../x', 'a/../b', './x', 'with space', ' leading', 'trailing ', 'a+b', 'a%20b',
		'100%', '%', '%zz', 'a&b=c;d:e@f,g$h', '<xml>&amp;', 'a\'b"c', 'a#b', "\xc3\xbcn\xc3\xaf", "\xe6\x97\xa5\xe6\x9c\xac/",
		"\xf0\x9f\x98\x80", "tab\there", "line\nbreak", "\x01", 'back\\slash', 'end\\', 'a]b', '{a,b}', '!x', 'k' x 1024,
		"\xc3\xbc" x 512);
	my @got = parse(map { "s3://bucket/$_" } @plain);

	for my $i (0 .. $#plain)
	{
		utf8::decode(my $key = $plain[$i]);
		is_deeply($got[$i], [ 'bucket', $key, 'f', $key ], 'key as it is: ' . shown($plain[$i]));
	}

	my $long = 'An object key has at most 1024 bytes.';
	my $invalid = 'The object key is not valid in the server encoding.';
	my @bad = (
		[ 'k' x 1025, $long ], [ "\xc3\xbc" x 512 . 'x', $long ], [ 'k' x 1_000_000, $long ],
		[ "a\xff", $invalid ], [ "\xc3", $invalid ], [ "\xc0\xaf", $invalid ], [ "\xed\xa0\x80", $invalid ]);

	@got = parse(map { "s3://bucket/$_->[0]" } @bad);
	is_deeply($got[$_], [ $bad[$_][1] ], 'key refused: ' . shown($bad[$_][0])) for 0 .. $#bad;

	# key => [is it a pattern, what can be listed]
	my @globs = (
		[ 'a*', 't', 'a' ], [ '*', 't', '' ], [ 'a/b?c', 't', 'a/b' ], [ 'a[bc]', 't', 'a' ],
		[ 'a\\*b', 'f', 'a*b' ], [ 'a\\*b*c', 't', 'a*b' ], [ 'a\\\\*', 't', 'a\\' ],
		[ 'a\\?\\[x', 'f', 'a?[x' ], [ 'a\\\\\\*', 'f', 'a\\*' ], [ 'a\\n*', 't', 'a\\n' ],
		[ 'x/**/y', 't', 'x/' ]);
	@got = parse(map { "s3://bucket/$_->[0]" } @globs);
	is_deeply($got[$_], [ 'bucket', @{ $globs[$_] } ], "pattern or not: $globs[$_][0]") for 0 .. $#globs;
}

{
	my @format = (
		[ 'bucket', '', 's3://bucket/' ], [ 'bucket', 'a/b c', 's3://bucket/a/b c' ],
		[ 'bucket', "a\r\nb\x7f\x1b[0m", 's3://bucket/a\\x0d\\x0ab\\x7f\\x1b[0m' ],
		[ 'bucket', "\xc3\xbc", "s3://bucket/\xc3\xbc" ], [ 'bucket', "\xff\xc3", 's3://bucket/\\xff\\xc3' ]);
	my @got = call('unit_uri_format', '%s', map { [ map { bytea($_) } @$_[ 0, 1 ] ] } @format);

	is($got[$_], $format[$_][2], 'for a message: ' . shown($format[$_][2])) for 0 .. $#format;
}

#-------------------------------------------------------------------------
# Which keys belong to a location
#-------------------------------------------------------------------------

{
	# location's key, those that belong to it, those that do not
	my @table = (
		[ '', [ 'a', 'a/b', '_x' ], [] ],
		[ 'dir/', [ 'dir/a', 'dir/a/b', 'dir//', 'dir/*' ], [ 'dir', 'dirx', 'dir-2/a', 'xdir/a', 'DIR/a', '' ] ],
		[ 'dir/part', [ 'dir/part', 'dir/part-0', 'dir/part/x' ], [ 'dir/par', 'dir/Part-0', 'part' ] ],
		[ 'a\\*b', [ 'a*b', 'a*bc' ], [ 'axb', 'a\\*b' ] ],
		[ 'a\\n', [ 'a\\n', 'a\\nx' ], [ "a\n" ] ],
		[ '*', [ 'a', '', 'abc.csv' ], [ 'a/b', '/' ] ],
		[ '*.csv', [ 'a.csv', '.csv', 'a.csv.csv' ], [ 'a.csv.gz', 'd/a.csv', 'acsv' ] ],
		[ 'd/*.csv', [ 'd/a.csv' ], [ 'd/e/a.csv', 'a.csv', 'd/a.csv/' ] ],
		[ 'd/*/f', [ 'd/e/f', 'd//f' ], [ 'd/f', 'd/e/e/f' ] ],
		[ 'd/**', [ 'd/', 'd/a', 'd/a/b/c' ], [ 'd', 'e/a' ] ],
		[ 'd/**.csv', [ 'd/a.csv', 'd/e/f/a.csv' ], [ 'd/a.csv.gz' ] ],
		[ 'd/**/f', [ 'd/f', 'd/e/f', 'd/e/e/f', 'd//f' ], [ 'd/ef', 'df', 'd/e/xf', 'd/f/' ] ],
		[ '**/f', [ 'f', 'e/f', 'e/e/f' ], [ 'ef', 'e/ef' ] ],
		[ 'd**f', [ 'df', 'd/f', 'dx/yf' ], [ 'd', 'f' ] ],
		[ 'd**/f', [ 'd/f', 'dx/y/f' ], [ 'df' ] ],
		[ '**/**/f', [ 'f', 'a/f', 'a/b/c/f' ], [ 'af' ] ],
		[ 'a***b', [ 'ab', 'a/b' ], [ 'a' ] ],
		[ 'y=*/', [ 'y=1/a', 'y=/a/b', 'y=1/' ], [ 'y=1', 'x/y=1/a' ] ],
		[ 'a?c', [ 'abc', 'a?c', "a\xc3\xbcc", "a\xf0\x9f\x98\x80c" ], [ 'a/c', 'ac', 'abbc' ] ],
		[ '??', [ 'ab', "\xc3\xbc\xc3\xbc" ], [ "\xc3\xbc", 'abc' ] ],
		[ '[abc]', [ 'a', 'c' ], [ 'd', '', 'ab', '[abc]' ] ],
		[ '[a-c]x', [ 'ax', 'bx', 'cx' ], [ 'dx', '-x', 'Ax' ] ],
		[ '[!a-c]', [ 'd', '!', "\xc3\xbc" ], [ 'a', 'c', '/', '' ] ],
		[ '[a-]', [ 'a', '-' ], [ 'b' ] ],
		[ '[]a]', [ ']', 'a' ], [ '[' ] ],
		[ '[!]a]', [ 'b' ], [ ']', 'a' ] ],
		[ '[a\\]b]', [ 'a', ']', 'b' ], [ '\\' ] ],
		[ '[z-a]', [], [ 'a', 'm', 'z' ] ],
		[ '[,-0]', [ ',', '.', '0' ], [ '/' ] ],
		[ "[\xc3\xa4-\xc3\xbc]", [ "\xc3\xb6" ], [ "\xc3\xa3", 'a' ] ],
		[ '[0-9][0-9]', [ '42' ], [ '4', '4a' ] ],
		[ '[*]', [ '*' ], [ 'a' ] ],
		[ '[', [ '[' ], [ '', 'a' ] ],
		[ 'a[b*', [ 'a[b', 'a[bc' ], [ 'ab' ] ],
		[ 'a\\[b*', [ 'a[b', 'a[bc' ], [ 'ab' ] ],
		[ '*\\*', [ '*', 'a*' ], [ 'a' ] ],
		[ '*\\\\', [ 'a\\' ], [ 'a' ] ],
		[ 'a*b*c', [ 'abc', 'axbxbxc', 'abbcc' ], [ 'ab', 'ac', 'abcx' ] ],
		[ '*a/b*', [ 'a/b', 'xa/bx', 'aa/bb' ], [ 'a/a/b', 'xa/xb' ] ],
		[ '**a*b', [ 'a/ab', 'a/b/axb' ], [ 'a/b' ] ],
		[ "\xc3\xbc*", [ "\xc3\xbc", "\xc3\xbcx" ], [ "\xc3\xa4x", 'u' ] ],
		[ '*x', [ "\xffx" ], [ "\xff" ] ]);
	my (@calls, @names, @want);

	for my $row (@table)
	{
		for my $expected (1, 2)
		{
			for my $key (@{ $row->[$expected] })
			{
				push @calls, [ bytea("s3://bucket/$row->[0]"), bytea($key) ];
				push @want, $expected == 1 ? 't' : 'f';
				push @names, shown("'$row->[0]' " . ($expected == 1 ? 'takes' : 'does not take') . " '$key'");
			}
		}
	}
	my @got = call('unit_uri_matches', '%s', @calls);
	is($got[$_], $want[$_], $names[$_]) for 0 .. $#want;
}

# Generated patterns, against Perl's regular expressions.
{
	my @tokens = ('a', 'b', '/', '*', '**', '?', '[ab]', '[!a]', '\\*', 'a/', '/**/', '**/');
	my @letters = ('a', 'a', 'b', '/', '/', '*');
	my (@patterns, @keys, @want);

	srand 11;
	for (1 .. 20_000)
	{
		my @parts = map { $tokens[ rand @tokens ] } 0 .. rand 7;
		my $pattern = join '', @parts;
		my $key = join '', map { $letters[ rand @letters ] } 1 .. rand 9;
		my $rest = $pattern;
		my $re = '';
		my $after_slash = 1;

		next unless grep { /^[^\\]*[*?\[]/ } @parts;
		while (length $rest)
		{
			if ($after_slash && $rest =~ s{^\*\*+/}{})
			{
				$re .= '(?:.*/)?';
				next;
			}
			$after_slash = $rest =~ m{^/};
			if ($rest =~ s/^\*\*+//) { $re .= '.*' }
			elsif ($rest =~ s/^\*//) { $re .= '[^/]*' }
			elsif ($rest =~ s/^\?//) { $re .= '[^/]' }
			elsif ($rest =~ s/^\[ab\]//) { $re .= '[ab]' }
			elsif ($rest =~ s/^\[!a\]//) { $re .= '[^a/]' }
			elsif ($rest =~ s/^\\\*//) { $re .= '\\*' }
			else { $re .= substr $rest, 0, 1, '' }
		}
		$re .= '.*' if $pattern =~ m{/\z};
		push @patterns, $pattern;
		push @keys, $key;
		push @want, $key =~ /\A$re\z/s ? 't' : 'f';
	}

	my $got = psql("$functions
		SELECT string_agg(left(pg_temp.unit_uri_matches(convert_to('s3://bucket/' || p, 'UTF8'),
														convert_to(k, 'UTF8'))::text, 1), '' ORDER BY n)
		FROM unnest(ARRAY[" . join(',', map { lit($_) } @patterns) . '], ARRAY['
		  . join(',', map { lit($_) } @keys) . ']) WITH ORDINALITY AS u(p, k, n)');
	my @got = split //, $got;
	my @wrong = grep { $got[$_] ne $want[$_] } 0 .. $#want;

	cmp_ok(scalar(grep { $_ eq 't' } @want), '>', 1000, 'enough generated keys match');
	is(scalar @got, scalar @want, 'every generated pattern was tried');
	is_deeply([ map { "$patterns[$_] on $keys[$_]: $got[$_]" } @wrong ], [], 'regular expressions agree');
}

# The time does not depend on how clever the pattern is.
{
	my @hostile = (
		[ 'a*' x 500 . 'b', 'a' x 1024 ], [ '*a' x 500 . 'b', 'a' x 1024 ],
		[ '**a' x 340 . 'b', 'a' x 1024 ], [ '**/' x 340 . 'b', '/' x 1024 ],
		[ '**/*a' x 200 . 'b', 'a/' x 512 ], [ '*' x 1023 . 'b', 'a' x 1024 ],
		[ '*?' x 500 . 'b', 'a' x 1024 ], [ '*' . '[' x 1000, '[' x 1024 ],
		[ '*' . '[a]' x 340 . 'b', 'a' x 1024 ], [ '*[' . 'b' x 1000 . ']', 'a' x 1024 ],
		[ '**' . "\xc3\xbc*" x 300 . 'b', "\xc3\xbc" x 512 ]);

	for my $case (@hostile)
	{
		my $start = time;
		my $got = eval {
			local $SIG{ALRM} = sub { die "took more than 60 s\n" };
			alarm 60;
			my $result = psql("$functions SELECT pg_temp.unit_uri_matches("
				  . bytea("s3://bucket/$case->[0]") . ', ' . bytea($case->[1]) . ')');
			alarm 0;
			$result;
		} // $@;

		is($got, $case->[0] =~ /\[{9}/ ? 't' : 'f', 'hostile pattern: ' . shown($case->[0]));
		cmp_ok(time - $start, '<', 5, 'and at once');
	}
	my $long = psql("$functions SELECT pg_temp.unit_uri_matches(" . bytea('s3://bucket/*') . ', '
		  . bytea('a' x 100_000) . ')');
	is($long, 'f', 'a key longer than keys can be matches no pattern');
}

#-------------------------------------------------------------------------
# Objects passed over
#-------------------------------------------------------------------------

{
	# location's key, key, size, hidden
	my @table = (
		[ 'd/', 'd/a.csv', 1, 'f' ], [ 'd/', 'd/a.csv', 0, 't' ], [ 'd/', 'd/a.csv', 5_000_000_000, 'f' ],
		[ 'd/', 'd/', 0, 't' ], [ 'd/', 'd/e/', 7, 't' ], [ 'd/', 'd/_SUCCESS', 1, 't' ],
		[ 'd/', 'd/.part.crc', 1, 't' ], [ 'd/', 'd/_temporary/0/a', 1, 't' ], [ 'd/', 'd/e/.hidden/a', 1, 't' ],
		[ 'd/', 'd/e/_a', 1, 't' ], [ 'd/', 'd/a_b.c', 1, 'f' ], [ 'd/', 'd/e_/a._', 1, 'f' ],
		[ 'd/', 'd/e_$folder$', 1, 't' ], [ 'd/', 'd/_$folder$', 1, 't' ], [ 'd/', 'd/e_$folder$x', 1, 'f' ],
		[ '', '_a', 1, 't' ], [ '', '.a/b', 1, 't' ], [ '', 'a/b', 1, 'f' ], [ '', 'a', 1, 'f' ],

		# what the location itself names is not hidden by its name
		[ '_d/', '_d/a', 1, 'f' ], [ '.d/e/', '.d/e/a', 1, 'f' ], [ '_d/', '_d/_a', 1, 't' ],
		[ 'd/_a', 'd/_a.csv', 1, 'f' ], [ 'd/_a.csv', 'd/_a.csv', 1, 'f' ], [ 'd/_a', 'd/_a/_b', 1, 't' ],
		[ 'd/_a.csv', 'd/_a.csv', 0, 't' ], [ 'd', 'd/_a', 1, 't' ], [ 'd', 'd_a', 1, 'f' ],
		[ 'd/*', 'd/_a', 1, 't' ], [ 'd/_*', 'd/_a', 1, 'f' ], [ 'd/*/_a', 'd/e/_a', 1, 't' ],
		[ '_\\*/', '_*/a', 1, 'f' ]);
	my @got = call('unit_uri_hidden', '%s',
		map { [ bytea("s3://bucket/$_->[0]"), bytea($_->[1]), $_->[2] ] } @table);

	for my $i (0 .. $#table)
	{
		my ($location, $key, $size, $hidden) = @{ $table[$i] };

		is($got[$i], $hidden,
			"'$key' of $size bytes is " . ($hidden eq 't' ? '' : 'not ') . "passed over below '$location'");
	}
}

done_testing();
