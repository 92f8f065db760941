#-------------------------------------------------------------------------
#
# 041_listing.pl
#		Listings of many pages, and keys of all kinds.
#
# IDENTIFICATION
#		test/t/041_listing.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use S3Test;
use Test::More;

s3_make_bucket('listing');
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE FOREIGN TABLE t (id int) SERVER s3 OPTIONS (location 's3://listing/many/');
END

# What a scan of a location gives: ids in order, joined.
sub ids
{
	my ($location) = @_;

	return psql('ALTER FOREIGN TABLE t OPTIONS (SET location '
		  . lit($location)
		  . q{); SELECT string_agg(id::text, ' ' ORDER BY id) FROM t});
}

# A location that means just this key.
sub location_of
{
	my ($key) = @_;

	$key =~ s/([*?\[\\])/\\$1/g;
	return "s3://listing/$key";
}

#-------------------------------------------------------------------------
# Three pages of keys
#-------------------------------------------------------------------------

my %many = map { (sprintf('many/%05d.csv', $_) => "$_\n") } 1 .. 2501;
s3_put_many('listing', { %many, 'many' => "-1\n", 'many0' => "-2\n" });

is(psql(q{SELECT count(*), sum(size), min(key), max(key) FROM s3_list('s3://listing/many/')}),
	join('|', 2501, eval { my $n = 0; $n += length for values %many; $n }, 'many/00001.csv', 'many/02501.csv'),
	'all keys are listed');
is( psql(
		q{SELECT string_agg(key, ' ') = string_agg(key, ' ' ORDER BY key COLLATE "C")}
		  . q{ FROM s3_list('s3://listing/many/')}),
	't',
	'keys come in order');
is(psql('SELECT count(*), sum(id), count(DISTINCT id) FROM t'),
	join('|', 2501, 2501 * 2502 / 2, 2501), 'all objects are read, each once');
is(psql(q{SET max_parallel_workers_per_gather = 0; SELECT bool_and(id = n) FROM (SELECT id, row_number() OVER () AS n FROM t) x}),
	't', 'objects are read in the order of keys by one process');
is(psql('SELECT id FROM t OFFSET 2499'), "2500\n2501", 'the last ones are there');
is(psql('SELECT count(*) FROM (SELECT id FROM t LIMIT 1001) x'), 1001, 'a scan may end early');
like(psql('EXPLAIN (COSTS OFF) SELECT * FROM t'), qr/S3 Objects: 2501\n/, 'EXPLAIN counts them');
is(psql(q{SELECT count(*) FROM s3_list('s3://listing/many')}),
	2503, 'a prefix takes its neighbours too');
is(psql(q{SELECT count(*) FROM s3_list('s3://listing/many/*0.csv')}), 250, 'a glob of 2,501 keys');
is(ids('s3://listing/many/0100[0-3].csv'), '1000 1001 1002 1003',
	'a glob across the border of two pages');
is(ids('s3://listing/many/02501'), '2501', 'the last key by a prefix');

# Exactly full pages.
s3_delete('listing', 'many/02501.csv');
is(psql(q{SELECT count(*) FROM s3_list('s3://listing/many/0')}), 2500, '2,500 keys');
is(psql(q{SELECT count(*) FROM s3_list('s3://listing/many/00')}), 999, '999 keys');
is(psql(q{SELECT count(*) FROM s3_list('s3://listing/many/01')}), 1000, 'a page that is full');
is(psql(q{SELECT count(*) FROM s3_list('s3://listing/many/0?*')}), 2500, 'a glob over all pages');
is(psql(q{SELECT count(*) FROM s3_list('s3://listing/none/')}), 0, 'no keys');

#-------------------------------------------------------------------------
# Keys of all kinds
#-------------------------------------------------------------------------

my @odd = (
	'space in it', ' leading', 'trailing ', '+', 'a+b', '%', '%25', '%2F', '%zz', "caf\x{e9}",
	"cafe\x{301}", "\x{1f600}", "\x{10ffff}", "\x{feff}bom", "\x{202e}rtl", 'a//b', '/leading',
	'//x', 'a/../b', '../up', './here', 'a/./b', q{"double"}, q{'single'}, '<tag>&amp;', ']]>',
	'a?b=c&d', 'a#b', 'a;b', 'a:b', 'a@b', 'a$b', 'a,b', 'a=b', '~tilde', 'back\\slash', 'a|b',
	'{a}', '[a]', 'a*b', '^`', '!()', "\x{df}\x{130}\x{131}", 'AWS4-HMAC-SHA256', '0', 'nul\\0',
	'x' x (1024 - length '00/'), "\x{e9}" x 510, "tab\there", "bell\x07", "escape\x1b[31m",
	"newline\nhere", "return\rhere", "one\x01", "delete\x7f", "\x{85}next line");

utf8::encode($_) for @odd;

# Keys that the server takes; some take no control characters.
my %taken;
for my $i (0 .. $#odd)
{
	my $key = sprintf '%02d/%s', $i, $odd[$i];
	my $response = s3_request('PUT', 'listing', $key, body => "$i\n");

	if ($response->{success}) { $taken{$key} = $i }
	else { diag("the server refuses key number $i: $response->{status} $response->{content}") }
}

# By one listing.  Keys are compared as hexadecimal digits.
my %listed = map { split /\|/ }
  split /\n/,
  psql(q{SELECT encode(convert_to(key, 'UTF8'), 'hex') || '|' || size FROM s3_list('s3://listing/')}
	  . q{ WHERE key NOT LIKE 'many%'});
is_deeply(
	\%listed,
	{ map { (unpack('H*', $_) => 1 + length "$taken{$_}") } keys %taken },
	scalar(keys %taken) . ' odd keys are listed as they are');

# Each by itself: written by us, read by us.
my (@wrong_read, @wrong_written);
for my $key (sort { $taken{$a} <=> $taken{$b} } keys %taken)
{
	my $i = $taken{$key};

	# The server's listing is no XML if such a character is in its prefix.
	push @wrong_read, $i
	  if $key !~ /[\x00-\x08\x0b-\x1f]/ && ids(location_of($key)) ne $i;
	psql("SELECT s3_export('SELECT $i + 100', " . lit(location_of($key)) . ", overwrite => 'replace')");
	push @wrong_written, $i if s3_get('listing', $key) ne $i + 100 . "\n";
}
is_deeply(\@wrong_read, [], 'each odd key is read by its name');
is_deeply(\@wrong_written, [], 'each odd key is written by its name');
is(scalar s3_keys('listing'), 2502 + keys %taken, 'and no other');

# Together; parts of a name that begin with a dot hide the object.
is( ids('s3://listing/[0-9]*/'),
	join(' ', map { $_ + 100 } sort { $a <=> $b }
		  map { $taken{$_} } grep { !m{/[._][^/]*} } keys %taken),
	'a folder glob takes all that are not hidden');

#-------------------------------------------------------------------------
# Folders, prefixes, globs
#-------------------------------------------------------------------------

my %tree = (
	'tree/2026/01/a.csv' => 1,
	'tree/2026/01/b.csv' => 2,
	'tree/2026/02/a.csv' => 3,
	'tree/2025/12/a.csv' => 4,
	'tree/2025/12/a.csv.old' => 5,
	'tree/2025/a.csv' => 6,
	'tree/2025' => 7,
	'tree/20256' => 8,
	'tree/é/a.csv' => 9,
	'tree/ee/a.csv' => 10);
s3_put_many('listing', { map { ($_ => "$tree{$_}\n") } keys %tree });
s3_put('listing', 'tree/2025/', '');
s3_put('listing', 'tree/2025_$folder$', 'x');
s3_put('listing', 'tree/2025/_SUCCESS', 'x');
s3_put('listing', 'tree/2025/12/.a.csv.crc', 'x');
s3_put('listing', 'tree/2025/_temporary/0/a.csv', 'x');
s3_put('listing', 'tree/2025/12/empty.csv', '');

my %expected = (
	'tree/' => '1 2 3 4 5 6 7 8 9 10',
	'tree/2025/' => '4 5 6',
	'tree/2025' => '4 5 6 7 8',
	'tree/2025/12/a.csv' => '4 5',
	'tree/*/*/a.csv' => '1 3 4',
	'tree/*/a.csv' => '6 9 10',
	'tree/**/a.csv' => '1 3 4 6 9 10',
	'tree/**' => '1 2 3 4 5 6 7 8 9 10',
	'**/b.csv' => '2',
	'tree/202[56]/??/[ab].csv' => '1 2 3 4',
	'tree/202[!5]/*/' => '1 2 3',
	'tree/202*' => '7 8',
	'tree/?/a.csv' => '9',
	'tree/??/a.csv' => '10',
	'tree/[à-ï]/*' => '9',
	'tree/[a-z]*/*' => '10',
	'tree/*.old' => '',
	'tree/**.old' => '5',
	'tree/\\*' => '');
for my $pattern (sort keys %expected)
{
	is(ids("s3://listing/$pattern"), $expected{$pattern}, "location $pattern");
}

# Keys that are not text in the database's encoding cannot be shown, and must
# not be passed over.
SKIP:
{
	skip 'the server takes no key that is not UTF-8', 1
	  if !s3_request('PUT', 'listing', "latin1/caf\xe9.csv", body => "1\n")->{success};
	my (undef, $error) = psql_err(q{SELECT key FROM s3_list('s3://listing/latin1/')});
	like($error, qr/^ERROR:  22021: /m, 'a key that is not valid text is an error');
}

s3_drop_bucket('listing');
done_testing();
