#-------------------------------------------------------------------------
#
# 025_encoding.pl
#		Bytes in the encodings of files to text: every character of UTF-16
#		in pieces of all sizes, byte order marks, and what PostgreSQL converts,
#		as it does, into databases of several encodings.
#
# S3_TEST_SEED chooses other random texts, S3_TEST_SCALE more of them.
#
# IDENTIFICATION
#		test/t/025_encoding.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use Encode ();
use FindBin;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $lib = unit_lib();
plan skip_all => 'the unit test module is not built' unless defined $lib;

my $seed = $ENV{S3_TEST_SEED} || 20;
my $scale = $ENV{S3_TEST_SCALE} || 1;
srand $seed;
note "seed $seed";

my $functions = join "\n", map { "CREATE FUNCTION $_ STRICT LANGUAGE C AS " . lit($lib) . ", '" . (/^(\w+)/)[0] . "';" }
  ('unit_decode(bytea, text, bool, int) RETURNS text', 'unit_encoding_is_safe(text) RETURNS bool');
psql($functions);

sub hex_of
{
	return unpack 'H*', $_[0];
}

# The answer to bytes in an encoding; of several sizes of pieces they must all
# be the same.
sub decode
{
	my ($bytes, $encoding, %opts) = @_;
	my $at_beginning = $opts{middle} ? 'false' : 'true';
	my $pieces = $opts{pieces} || '1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1000000';

	return psql("SELECT string_agg(DISTINCT answer, ' or ') FROM unnest(ARRAY[$pieces]) AS piece,"
		  . " unit_decode('\\x" . hex_of($bytes) . "', " . lit($encoding) . ", $at_beginning, piece) AS answer",
		  defined $opts{db} ? (db => $opts{db}) : ());
}

sub invalid
{
	my ($before, $encoding, $bytes) = @_;

	return hex_of($before) . qq(|22021|invalid byte sequence for encoding "$encoding": $bytes);
}

my %order = (UTF16LE => 'UTF-16LE', UTF16BE => 'UTF-16BE', UTF16 => 'UTF-16BE');

#-------------------------------------------------------------------------
# UTF-16
#-------------------------------------------------------------------------

# A number of random characters, of which those at the edges are frequent.
sub random_text
{
	my ($n) = @_;
	my @edges = (1, 0x7f, 0x80, 0xff, 0x100, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfeff, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x10ffff,
		0x1f600, 0x103ff, 0x10400);
	my $text = '';

	while (length $text < $n)
	{
		my $c = rand() < 0.3 ? $edges[rand @edges] : int(rand() < 0.5 ? rand 0x80 : rand() < 0.5 ? rand 0x10000 : rand 0x110000);

		next if $c == 0 || ($c >= 0xd800 && $c <= 0xdfff);
		$text .= rand() < 0.2 ? join('', map { chr(32 + $_) } 1 .. rand 12) : chr $c;
	}
	return "x$text";
}

# Perl's own UTF-16 refuses what is no character, so it is put together here.
sub utf16
{
	my ($text, $encoding) = @_;
	my $unit = $order{$encoding} eq 'UTF-16LE' ? 'v' : 'n';

	return join '', map {
		my $c = ord;
		$c < 0x10000 ? pack $unit, $c
		  : pack "$unit$unit", 0xd800 + (($c - 0x10000) >> 10), 0xdc00 + ($c & 0x3ff)
	} split //, $text;
}

sub utf8_bytes
{
	my ($text) = @_;

	utf8::encode($text);
	return $text;
}

is(hex_of(utf16("a\x{e9}\x{20ac}\x{1f600}", $_)), hex_of(Encode::encode($order{$_}, "a\x{e9}\x{20ac}\x{1f600}")), "this test's $_ is that of Perl")
  for sort keys %order;

for my $encoding (sort keys %order)
{
	my $wrong = '';

	for my $n (map { ($_ % 40) } 1 .. 60 * $scale)
	{
		my $text = random_text($n);
		my $got = decode(utf16($text, $encoding), $encoding);

		$wrong .= hex_of(utf16($text, $encoding)) . ": $got\n" if $got ne hex_of(utf8_bytes($text));
	}
	is($wrong, '', "random texts in $encoding, in pieces");

	# All characters, in pieces of sizes that cut them and of one that does not.
	my $all = join '', map { chr } grep { $_ < 0xd800 || $_ > 0xdfff } 1 .. 0x11fff, map { $_ * 1021 } 0x50 .. 0x440;

	is(psql("SELECT string_agg(DISTINCT md5(unit_decode('\\x" . hex_of(utf16($all, $encoding)) . "', '$encoding', false, piece)), ' ')"
			  . ' FROM unnest(ARRAY[1, 7, 4097, 1000000]) AS piece'),
		psql("SELECT md5('" . hex_of(utf8_bytes($all)) . "')"), "many characters in $encoding");

	# No text, a mark alone, a mark, and two of them.
	my $mark = utf16("\x{feff}", $encoding);

	is(decode('', $encoding), '', "no text in $encoding");
	is(decode($mark, $encoding), '', "a byte order mark alone in $encoding");
	is(decode($mark . utf16('ab', $encoding), $encoding), '6162', "a byte order mark in $encoding");
	is(decode("$mark$mark", $encoding), 'efbbbf', "is one only in $encoding");
	is(decode(utf16('a', $encoding) . $mark, $encoding), '61efbbbf', "and only at the beginning in $encoding");
	is(decode($mark . utf16('a', $encoding), $encoding, middle => 1), 'efbbbf61', "of the file in $encoding");

	# Faults, before and behind other text.
	my $name = $encoding =~ s/UTF/UTF-/r;
	my $unit = $order{$encoding} eq 'UTF-16LE' ? 'v' : 'n';
	my $show = sub { join ' ', map { sprintf '0x%02x', ord } split //, join '', map { pack $unit, $_ } @_ };

	for my $before ('', 'ab', "\x{1f600}", 'abcdefgh' x 3)
	{
		my $bytes = utf16($before, $encoding);
		my $text = utf8_bytes($before);

		for my $fault ([ [0xd800] ], [ [0xdbff] ], [ [0xdc00] ], [ [0xdfff] ], [ [ 0xd83d, 0x61 ] ], [ [ 0xd83d, 0xd83d ] ], [ [ 0xd83d, 0 ] ],
			[ [0] ], [ [ 0xd83d, 0xe000 ] ], [ [ 0xd83d, 0xdbff ] ])
		{
			my $units = $fault->[0];
			my $bad = join '', map { pack $unit, $_ } @$units;
			my $shown = $show->(@$units);

			is(decode($bytes . $bad, $encoding), invalid($text, $name, $shown), "$encoding: $shown behind " . length($before) . ' characters');
			next if @$units == 1 && $units->[0] >= 0xd800 && $units->[0] <= 0xdbff;
			is(decode($bytes . $bad . utf16('cd', $encoding), $encoding), invalid($text, $name, $shown), "$encoding: and in the middle");
		}
		is(decode("${bytes}c", $encoding), invalid($text, $name, '0x63'), "$encoding: half a unit");
		is(decode($bytes . pack($unit, 0xd83d) . 'c', $encoding), invalid($text, $name, $show->(0xd83d) . ' 0x63'),
			"$encoding: one and a half");
	}
}

# Whose mark it is
is(decode("\xff\xfea\0b\0", 'UTF16'), '6162', 'the byte order mark tells little-endian');
is(decode("\xfe\xff\0a\0b", 'UTF16'), '6162', 'and big-endian');
is(decode("\xff\xfe=\xd8\0\xde", 'UTF16'), 'f09f9880', 'with surrogates');
is(decode("\0a\0b", 'UTF16'), '6162', 'none is big-endian');
is(decode("\xff\xfe\xff\xfea\0", 'UTF16'), 'efbbbf61', 'a second one is text');
is(decode("\xff\xfea\0", 'UTF16', middle => 1), 'efbfbee68480', 'in the middle of a file it is text');
is(decode("\xff\xfe\0a", 'UTF16BE'), '|22021|byte order mark does not fit encoding "UTF-16BE"', 'the mark of the other order');
is(decode("\xfe\xffa\0", 'UTF16LE'), '|22021|byte order mark does not fit encoding "UTF-16LE"', 'in both orders');
is(decode("\xff", 'UTF16'), invalid('', 'UTF-16', '0xff'), 'half a mark');
is(decode("id,name\n1,x\n", 'UTF16LE'), decode("id,name\n1,x\n", 'UTF16LE', pieces => '1'), 'ASCII is no UTF-16, but may be valid');

# Buffers are filled to every byte.
is(psql(<<'END'), 't', 'long texts, at every offset');
SELECT bool_and(unit_decode(convert_to(repeat('z', n), 'UTF8') || bytes, 'UTF16BE', true, piece) =
		encode(convert_to(repeat('空', n / 2), 'UTF8'), 'hex') || text)
	FROM (SELECT decode(repeat('d83dde00', 40000), 'hex'), repeat('f09f9880', 40000)
		UNION ALL SELECT decode(repeat('00e9', 80000), 'hex'), repeat('c3a9', 80000)
		UNION ALL SELECT decode(repeat('0061', 150000), 'hex'), repeat('61', 150000)
		UNION ALL SELECT decode(repeat('20ac0061', 60000), 'hex'), repeat('e282ac61', 60000)) AS t(bytes, text),
		unnest(ARRAY[0, 2, 4, 6]) AS n, unnest(ARRAY[65536, 99999, 1000000]) AS piece
END

#-------------------------------------------------------------------------
# UTF-8 with a byte order mark
#-------------------------------------------------------------------------

for my $case (
	[ "\xef\xbb\xbfab", '6162' ], [ 'ab', '6162' ], [ '', '' ], [ "\xef\xbb\xbf", '' ], [ "\xef\xbb\xbf\xef\xbb\xbf", 'efbbbf' ],
	[ "a\xef\xbb\xbf", '61efbbbf' ], [ "\xef\xbc\x81b", 'efbc8162' ], [ "\xef\xbb\x81b", 'efbb8162' ], [ "\xe2\x82\xac", 'e282ac' ],
	[ "\xef\xbb\xbf\xf0\x9f\x98\x80", 'f09f9880' ],
	[ "\xef\xbb", invalid('', 'UTF8', '0xef 0xbb') ], [ "\xef", invalid('', 'UTF8', '0xef') ],
	[ "\xef\xbba", invalid('', 'UTF8', '0xef 0xbb 0x61') ],
	[ "\xef\xbb\xbfab\xff", invalid('ab', 'UTF8', '0xff') ], [ "\xef\xbb\xbfab\0", invalid('ab', 'UTF8', '0x00') ])
{
	is(decode($case->[0], 'UTF8_BOM'), $case->[1], 'UTF8_BOM: ' . hex_of($case->[0]));
}
is(decode("\xef\xbb\xbfab", 'UTF8_BOM', middle => 1), 'efbbbf6162', 'in the middle of a file a mark is text');
is(decode("\xef\xbb\xbfab", $_), 'efbbbf6162', "and so it is in $_") for qw(UTF8 database);

#-------------------------------------------------------------------------
# What PostgreSQL converts
#-------------------------------------------------------------------------

my %texts = (
	LATIN1 => "caf\xe9 \xa0\xff", LATIN2 => "\xb1\xe6\xbf", LATIN9 => "\xa4", WIN1250 => "\x9c\xb9", WIN1251 => "\xcf\xf0\xe8", WIN1252 => "\x80 \x93",
	KOI8R => "\xf0\xd2", ISO_8859_5 => "\xbf\xe0", EUC_JP => "\xc6\xfc\xcb\xdc\x8e\xb1", SJIS => "\x93\xfa\x96\x7b\x83\x5c", EUC_KR => "\xc7\xd1",
	UHC => "\xc7\xd1\x81\x41", BIG5 => "\xa4\xa4\xa5\x5c", GBK => "\xd6\xd0\x81\x40", GB18030 => "\xd6\xd0\x81\x30\x81\x30", EUC_CN => "\xd6\xd0",
	EUC_TW => "\xc4\xe3", JOHAB => "\xe0\xa1", SHIFT_JIS_2004 => "\x93\xfa", UTF8 => "\xc3\xa9\xf0\x9f\x98\x80");
for my $encoding (sort keys %texts)
{
	my $bytes = "x,$texts{$encoding},\n" x 5;

	is(decode($bytes, $encoding), psql("SELECT encode(convert_to(convert_from('\\x" . hex_of($bytes) . "', '$encoding'), 'UTF8'), 'hex')"), $encoding);
}
is(decode("a\x81", 'WIN1252'), '61|22P05|character with byte sequence 0x81 in encoding "WIN1252" has no equivalent in encoding "UTF8"',
	'a byte without a character');

is(psql("SELECT string_agg(e, ' ' ORDER BY e) FROM unnest(ARRAY['database', 'UTF8_BOM', 'UTF16', 'UTF16LE', 'UTF16BE', "
	  . join(', ', map { "'$_'" } sort keys %texts) . "]) AS e WHERE NOT unit_encoding_is_safe(e)"),
	'BIG5 GB18030 GBK JOHAB SHIFT_JIS_2004 SJIS UHC UTF16 UTF16BE UTF16LE', 'encodings that cannot be cut');

#-------------------------------------------------------------------------
# Databases of other encodings
#-------------------------------------------------------------------------

for my $encoding (qw(LATIN1 SQL_ASCII EUC_JP))
{
	my $db = "encoding_\L$encoding\E_$$";

	psql("CREATE DATABASE $db TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'");
	psql($functions, db => $db);
	if ($encoding eq 'LATIN1')
	{
		for my $file ([ 'UTF16', "\xff\xfea\0\xe9\0" ], [ 'UTF16', "\xfe\xff\0a\0\xe9" ], [ 'UTF16LE', "a\0\xe9\0" ], [ 'UTF16BE', "\0a\0\xe9" ],
			[ 'UTF8_BOM', "\xef\xbb\xbfa\xc3\xa9" ], [ 'UTF8_BOM', "a\xc3\xa9" ], [ 'UTF8', "a\xc3\xa9" ], [ 'database', "a\xe9" ])
		{
			is(decode($file->[1], $file->[0], db => $db), '61e9', "$file->[0] in a database in LATIN1");
		}
		is(decode("\0a\x20\xac", 'UTF16BE', db => $db),
			'61|22P05|character with byte sequence 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1"',
			'a character that the database cannot have');
		is(decode("\0a\xd8\0", 'UTF16BE', db => $db), '61|22021|invalid byte sequence for encoding "UTF-16BE": 0xd8 0x00', 'a fault below');
		is(decode("\xef\xbb", 'UTF8_BOM', db => $db), invalid('', 'UTF8', '0xef 0xbb'), 'half a mark');
		is(decode("\xef\xbba", 'UTF8_BOM', db => $db), invalid('', 'UTF8', '0xef 0xbb 0x61'), 'a broken one');
	}
	elsif ($encoding eq 'SQL_ASCII')
	{
		is(decode("\0a\x20\xac", 'UTF16BE', db => $db), '61e282ac', 'UTF-16 in a database in SQL_ASCII');
		is(decode("\xef\xbb\xbfa\xe2\x82\xac", 'UTF8_BOM', db => $db), '61e282ac', 'UTF-8 with a mark');
	}
	else
	{
		is(decode("\xfe\xff\x65\xe5\0a", 'UTF16', db => $db), 'c6fc61', 'UTF-16 in a database in EUC_JP');
	}
	psql("DROP DATABASE $db");
}

done_testing();
