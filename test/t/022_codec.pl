#-------------------------------------------------------------------------
#
# 022_codec.pl
#		The codecs in and out: against the programs of the same names, and with
#		every byte of a file cut or spoilt.
#
# Codecs whose library was missing at build time are skipped but for the error
# that says so.
#
# IDENTIFICATION
#		test/t/022_codec.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $lib = unit_lib();
plan skip_all => 'the unit test module is not built' unless defined $lib;

psql(<<"SQL");
SET client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS unit;
CREATE OR REPLACE FUNCTION unit.codec_read(bytea, text, int) RETURNS bytea
	LANGUAGE C STRICT AS @{[ lit($lib) ]}, 'unit_codec_read';
CREATE OR REPLACE FUNCTION unit.codec_read(bytea, text, int, text, text) RETURNS bytea
	LANGUAGE C AS @{[ lit($lib) ]}, 'unit_codec_read';
CREATE OR REPLACE FUNCTION unit.codec_encoding(text) RETURNS text
	LANGUAGE C STRICT AS @{[ lit($lib) ]}, 'unit_codec_encoding';
CREATE OR REPLACE FUNCTION unit.codec_recognizes(bytea) RETURNS bool
	LANGUAGE C STRICT AS @{[ lit($lib) ]}, 'unit_codec_recognizes';
CREATE OR REPLACE FUNCTION unit.codec_write(bytea, text, int) RETURNS bytea
	LANGUAGE C STRICT AS @{[ lit($lib) ]}, 'unit_codec_write';
CREATE OR REPLACE FUNCTION unit.codec_suffix(text) RETURNS text
	LANGUAGE C STRICT AS @{[ lit($lib) ]}, 'unit_codec_suffix';

-- The decoded bytes in hexadecimal, or the error.
CREATE OR REPLACE FUNCTION unit.outcome(data bytea, compression text, piece int,
	key text DEFAULT NULL, encoding text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS \$\$
DECLARE
	state text; message text;
BEGIN
	RETURN 'ok ' || encode(unit.codec_read(data, compression, piece, key, encoding), 'hex');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
	RETURN state || ' ' || message;
END \$\$;

-- Decode data with every byte changed in some ways: results that are neither
-- right nor an error.
CREATE OR REPLACE FUNCTION unit.spoilt(data bytea, good bytea, compression text, piece int)
	RETURNS TABLE (at int, flip int, result text)
LANGUAGE sql AS \$\$
	SELECT i, f, r
	FROM generate_series(0, length(data) - 1) i, unnest(ARRAY[1, 4, 32, 128, 255]) f,
		LATERAL unit.outcome(set_byte(data, i, get_byte(data, i) # f), compression, piece) r
	WHERE r !~ '^(22P04|54000) ' AND r <> 'ok ' || encode(good, 'hex')
\$\$;

-- Decode every true beginning of data: those that are not found to be one.
CREATE OR REPLACE FUNCTION unit.cut(data bytea, compression text, piece int) RETURNS TABLE (at int, result text)
LANGUAGE sql AS \$\$
	SELECT i, r
	FROM generate_series(1, length(data) - 1) i,
		LATERAL unit.outcome(substr(data, 1, i), compression, piece) r
	WHERE r <> '22P04 ' || compression || ' data ends unexpectedly'
\$\$;
SQL

my $dir = server_tmp();
my $ended = '22P04 gzip data ends unexpectedly';
my $corrupt = '22P04 gzip data is corrupt';
my $followed = '22P04 gzip data is followed by something else';

sub spew
{
	my ($name, $bytes) = @_;

	open my $fh, '>:raw', "$dir/$name" or die "could not write $name: $!";
	print $fh $bytes;
	close $fh or die "could not write $name: $!";
}

sub bytea { return q{'\x} . unpack('H*', $_[0]) . q{'::bytea}; }

# What decoding gives in pieces of all sizes, which must be the same.
sub outcome
{
	my ($bytes, $compression, @pieces) = @_;

	return named_outcome($bytes, $compression, undef, undef, @pieces);
}

# The same, knowing the object's key and content encoding.
sub named_outcome
{
	my ($bytes, $compression, $key, $encoding, @pieces) = @_;
	my @results = split /\n/, psql('SELECT DISTINCT unit.outcome(' . bytea($bytes) . ', ' . lit($compression)
		  . ', piece, ' . lit($key) . ', ' . lit($encoding) . ') FROM unnest(ARRAY['
		  . join(', ', @pieces ? @pieces : (1, 2, 3, 7, 64, 4096, 1000000)) . ']) piece');

	return join ' or ', map { s/^ok (.*)/'ok ' . pack('H*', $1)/er } @results;
}

# The codecs, and what their programs read and write.
my %suffix = (gzip => '.gz', zstd => '.zst', bzip2 => '.bz2', xz => '.xz', lz4 => '.lz4');
my %levels = (gzip => [ '-1', '-6', '-9' ], zstd => [ '-1', '-3', '-19', '-3 --no-check' ], bzip2 => [ '-1', '-9' ],
	xz => [ '-0', '-6', '-2 --check=none', '-2 --check=crc32', '-2 --check=sha256', '-0 -T2 --block-size=4096' ],
	lz4 => [ '-1', '-9 -B4', '-1 -BD -B5', '-1 -BX', '-1 --no-frame-crc', '-1 --content-size' ]);
my %have_program = map { $_ => !system("$_ --version >/dev/null 2>&1") } keys %suffix;
my $have_gzip = $have_program{gzip};

# Run a codec's program over bytes; none of its options name a file.
sub program
{
	my ($codec, $bytes, @options) = @_;

	spew('in', $bytes);
	my $out = `$codec -c @options < $dir/in 2>/dev/null`;
	die "$codec failed\n" if $?;
	return $out;
}

sub gzip_program { return program('gzip', @_); }

# What we write.
sub encoded
{
	my ($codec, $bytes) = @_;

	return pack 'H*', substr psql('SELECT unit.codec_write(' . bytea($bytes) . ', ' . lit($codec) . ', 1000)'), 2;
}

#-------------------------------------------------------------------------
# A file by hand: every optional part of the header
#-------------------------------------------------------------------------

my @crc_table = map { my $c = $_; $c = $c & 1 ? 0xedb88320 ^ ($c >> 1) : $c >> 1 for 1 .. 8; $c } 0 .. 255;

sub crc32
{
	my $c = 0xffffffff;

	$c = $crc_table[ ($c ^ $_) & 0xff ] ^ ($c >> 8) for unpack 'C*', $_[0];
	return $c ^ 0xffffffff;
}

# One member with a stored block.
sub member
{
	my ($text, %with) = @_;
	my $flags = (exists $with{extra} ? 4 : 0) | (exists $with{name} ? 8 : 0) | (exists $with{comment} ? 16 : 0)
	  | ($with{header_crc} ? 2 : 0);
	my $head = pack 'C4VC2', 0x1f, 0x8b, 8, $flags, 1234567890, 0, 3;

	$head .= pack 'v/a', $with{extra} if exists $with{extra};
	$head .= "$with{name}\0" if exists $with{name};
	$head .= "$with{comment}\0" if exists $with{comment};
	$head .= pack 'v', crc32($head) & 0xffff if $with{header_crc};
	return $head . pack('Cvv', 1, length $text, ~length($text) & 0xffff) . $text
	  . pack('VV', crc32($text), length $text);
}

my $plain = member("hello\n");
my $full = member("world\n", extra => "AB\2\0xy", name => 'a.csv', comment => 'none', header_crc => 1);

for my $compression ('auto', 'gzip')
{
	is(outcome($plain, $compression), "ok hello\n", "$compression: a member");
	is(outcome($full, $compression), "ok world\n", "$compression: a member with every header field");
	is(outcome($plain . $full . $plain, $compression), "ok hello\nworld\nhello\n", "$compression: members are joined");
	is(outcome(member('') . $plain . member(''), $compression), "ok hello\n", "$compression: empty members");
	is(outcome(member(''), $compression), 'ok ', "$compression: nothing but an empty member");
	is(outcome('', $compression), 'ok ', "$compression: an empty file");
	is(outcome($plain . "\0" x 5000, $compression), "ok hello\n", "$compression: padded by zero bytes");
	is(outcome($plain . "\0\0" . $plain, $compression), $followed, "$compression: nothing may follow padding");
	is(outcome($plain . "\n", $compression), $followed, "$compression: trailing garbage");
	is(outcome($plain . "\x1f", $compression), $ended, "$compression: half a magic number behind a member");
	is(outcome($plain . "\x1f\x8c more", $compression), $followed, "$compression: half a magic number, then garbage");
	is(outcome(substr($plain, 0, 2), $compression), $ended, "$compression: a magic number alone");
}
is(outcome("id,name\n1,x\n", 'gzip'), '22P04 data is not in gzip format', 'gzip: plain text');
is(outcome("id,name\n1,x\n", $_), "ok id,name\n1,x\n", "$_: plain text") for 'auto', 'none';
is(outcome($_, 'auto'), "ok $_", 'auto: short plain text') for 'x', "\x1f", "\x8b", 'ab', "\x1fx\x8b", "\x8b\x1f";
is(outcome($plain, 'none'), "ok $plain", 'none: gzip is left alone');
{
	my $bad = $full;

	substr($bad, 5, 1) ^= 'x';
	is(outcome($bad, 'gzip'), $corrupt, 'the header is checked where it has a checksum');
	for my $at (2, 3, -8 .. -1)
	{
		$bad = $plain;
		substr($bad, $at, 1) ^= "\x80";
		is(outcome($bad, 'gzip'), $corrupt, "method, flags, checksum and length: byte $at");
	}
}

#-------------------------------------------------------------------------
# Cut and spoilt at every byte
#-------------------------------------------------------------------------

my $text = join '', map { "$_,some text,@{[ $_ * $_ ]}\n" } 1 .. 40;
my $gz = $have_gzip ? gzip_program($text, '-9') : member($text);

is(psql('SELECT * FROM unit.cut(' . bytea($gz) . ", 'gzip', $_)"), '', "cut at every byte, pieces of $_") for 1, 7, 100000;
is(psql('SELECT * FROM unit.cut(' . bytea($full) . ", 'gzip', $_)"), '', "cut in every part of the header, pieces of $_") for 1, 4096;
is(psql('SELECT * FROM unit.spoilt(' . bytea($gz) . ', ' . bytea($text) . ", 'gzip', $_)"), '',
	"spoilt at every byte, pieces of $_") for 3, 100000;
is(psql('SELECT * FROM unit.spoilt(' . bytea($full) . ', ' . bytea("world\n") . ", 'gzip', 5)"), '', 'every byte of a full header spoilt');
{
	my @cuts = split /\n/, psql('SELECT * FROM unit.cut(' . bytea($plain . $full) . ", 'gzip', 3)");

	is_deeply(\@cuts, [ length($plain) . '|ok ' . unpack 'H*', "hello\n" ], 'a cut between members is not seen');
}

#-------------------------------------------------------------------------
# gzip by any writer: zlib's, in all its ways, is at hand in Perl
#-------------------------------------------------------------------------

SKIP:
{
	skip 'Perl has no Compress::Raw::Zlib', 1 unless eval { require Compress::Raw::Zlib; 1 };

	srand(7);
	my @texts = ('', 'x', "1,2\n" x 5, join('', map { chr int rand 256 } 1 .. 300), $text, "\0" x 70000,
		join('', map { chr(97 + int rand(4)) } 1 .. 40000));
	my ($joined, $all, $n) = ('', '', 0);
	my $bad = '';

	# A member with flushes between parts of the text, which make blocks of all
	# kinds, empty ones too.
	my $deflated = sub {
		my ($bytes, $level, $strategy, $flush) = @_;
		my ($d) = Compress::Raw::Zlib::Deflate->new(-Level => $level, -Strategy => $strategy,
			-WindowBits => Compress::Raw::Zlib::WANT_GZIP(), -AppendOutput => 1);
		my $out = '';
		my $part = 1 + int(length($bytes) / 3);

		for (my $pos = 0; $pos < length $bytes; $pos += $part)
		{
			$d->deflate(substr($bytes, $pos, $part), $out);
			$d->flush($out, $flush) if $flush;
		}
		$d->flush($out);
		return $out;
	};

	for my $level (0, 1, 6, 9)
	{
		for my $strategy (0 .. 4)
		{
			for my $flush (0, 1, 2, 3)
			{
				my $bytes = $texts[ $n++ % @texts ];
				my $member = $deflated->($bytes, $level, $strategy, $flush);

				if (length $bytes < 2000)
				{
					$joined .= $member;
					$all .= $bytes;
				}
				my $is = outcome($member, 'gzip', 1, 5, 1000, 100000);
				$bad .= "level $level strategy $strategy flush $flush\n" if $is ne "ok $bytes";
			}
		}
	}
	is($bad, '', 'members by zlib, all levels, strategies and flushes');
	is(outcome($joined, 'gzip', 1 .. 40, 1000, 100000), "ok $all", 'small members in pieces of 1 to 40 bytes');

	# Small members: whatever is read ahead of a member's end belongs to the next.
	($joined, $all) = ('', '');
	for my $i (0 .. 199)
	{
		my $bytes = substr $text, $i, $i % 23;

		$joined .= $deflated->($bytes, (0, 1, 9)[ $i % 3 ], $i % 5, 0);
		$all .= $bytes;
	}
	is(outcome($joined, 'gzip', 1 .. 30, 4096), "ok $all", '200 tiny members in pieces of 1 to 30 bytes');
	is(outcome($joined . "\0" x 7, 'gzip', 1 .. 30, 4096), "ok $all", 'and padded');
}

#-------------------------------------------------------------------------
# Each codec
#-------------------------------------------------------------------------

srand(42);
my $random = join '', map { chr int rand 256 } 1 .. 100000;
my $lines = join '', map { "$_," . int(rand 1000) . ",abcdefghijk\n" } 1 .. 60000;
my @cases = ([ 'empty', '' ], [ 'a byte', 'x' ], [ 'random', $random ], [ 'lines', $lines ], [ 'zeros', "\0" x 2_000_000 ]);
my %have_codec;

for my $codec (qw(gzip zstd bzip2 xz lz4))
{
	my $missing = psql("SELECT unit.outcome('abc', " . lit($codec) . ', 1)');

	if ($missing =~ /^0A000/)
	{
		is($missing, "0A000 compression method $codec is not supported by this build", "$codec: not built in");
	  SKIP: { skip "$codec is not built in", 1; }
		next;
	}
	$have_codec{$codec} = 1;
	is($missing, "22P04 data is not in $codec format", "$codec: text");
	is(outcome('', $codec), 'ok ', "$codec: an empty file");

	# What we write: read by us and by the program
	for my $case (@cases)
	{
		my ($name, $bytes) = @$case;

		spew('plain', $bytes);
		my $coded = psql('SELECT DISTINCT unit.codec_write(pg_read_binary_file(' . lit("$dir/plain")
			  . '), ' . lit($codec) . ', piece) FROM unnest(ARRAY[10, 4096, 300000, 10000000]) piece');

		unlike($coded, qr/\n/, "$codec, $name: the coded bytes do not depend on the pieces written");
		$coded = pack 'H*', substr $coded, 2;
		is(unpack('H*', substr $coded, 0, 8), '1f8b080000000000', "$codec, $name: no name and no time in the header")
		  if $codec eq 'gzip';
		cmp_ok(length $coded, '<', length($bytes) / 2 + 50, "$codec, $name: it is smaller") if $name =~ /lines|zeros/;
		spew('coded', $coded);
		is(psql('SELECT bool_and(unit.codec_read(c || c, compression, piece) = b || b)'
				  . ' FROM pg_read_binary_file(' . lit("$dir/plain") . ') b, pg_read_binary_file(' . lit("$dir/coded") . ') c,'
				  . " unnest('{auto,$codec}'::text[]) compression, unnest(ARRAY[13, 4096, 10000000]) piece"),
			't', "$codec, $name: we read what we wrote, twice");
	  SKIP:
		{
			skip "there is no $codec program", 1 unless $have_program{$codec};
			ok(program($codec, $coded, '-d') eq $bytes, "$codec, $name: $codec reads what we wrote");
			for my $level (@{ $levels{$codec} })
			{
				spew('coded', program($codec, $bytes, $level));
				is(psql("SELECT bool_and(unit.codec_read(pg_read_binary_file(f || '/coded'), 'auto', piece)"
						  . " = pg_read_binary_file(f || '/plain')) FROM (VALUES (" . lit($dir) . ')) v(f),'
						  . ' unnest(ARRAY[13, 4096, 10000000]) piece'),
					't', "$codec, $name: what $codec $level wrote");
			}
		}
	}

	# Several frames, empty ones among them, cut into pieces of all sizes
	my $hello = encoded($codec, "hello\n");
	my $world = encoded($codec, "world\n");
	my $empty = encoded($codec, '');

	for my $compression ('auto', $codec)
	{
		is(outcome($hello . $world . $hello, $compression, 1 .. 80, 10000), "ok hello\nworld\nhello\n",
			"$codec as $compression: frames are joined");
		is(outcome($empty . $hello . $empty . $empty . $world . $empty, $compression, 1 .. 80, 10000), "ok hello\nworld\n",
			"$codec as $compression: empty frames");
		is(outcome($empty, $compression), 'ok ', "$codec as $compression: nothing but an empty frame");
		is(outcome("$hello\n", $compression), "22P04 $codec data is followed by something else",
			"$codec as $compression: trailing garbage");
		is(outcome($hello . "x" x 100, $compression), "22P04 $codec data is followed by something else",
			"$codec as $compression: more of it");
		is(outcome($hello . substr($world, 0, $_), $compression), "22P04 $codec data ends unexpectedly",
			"$codec as $compression: $_ bytes of a second frame") for 1, 2, 6;
	}

	# Cut and spoilt at every byte
	my %files = ('what we write' => encoded($codec, $text));

	$files{"what $codec writes"} = program($codec, $text, '-9') if $have_program{$codec};
	for my $name (sort keys %files)
	{
		my $file = $files{$name};

		is(psql('SELECT * FROM unit.cut(' . bytea($file) . ", '$codec', $_)"), '', "$codec, $name: cut at every byte, pieces of $_")
		  for 1, 7, 100000;
		is(psql('SELECT * FROM unit.spoilt(' . bytea($file) . ', ' . bytea($text) . ", '$codec', $_)"), '',
			"$codec, $name: spoilt at every byte, pieces of $_") for 3, 100000;
	}
	my @cuts = split /\n/, psql('SELECT * FROM unit.cut(' . bytea($hello . $world) . ", '$codec', 3)");

	is_deeply(\@cuts, [ length($hello) . '|ok ' . unpack 'H*', "hello\n" ], "$codec: a cut between frames is not seen");
	is(psql('SELECT * FROM unit.spoilt(' . bytea($hello . $world) . ', ' . bytea("hello\nworld\n") . ", '$codec', 5)"), '',
		"$codec: every byte of two frames spoilt");
}

#-------------------------------------------------------------------------
# What only one of them has
#-------------------------------------------------------------------------

my $skippable = "\x5a\x2a\x4d\x18" . pack('V', 5) . 'hello';

for my $codec (grep { $have_codec{$_} } qw(zstd lz4))
{
	my $frame = encoded($codec, "hello\n");

	is(outcome($skippable . $frame . $skippable . $frame, $codec, 1 .. 40, 1000), "ok hello\nhello\n", "$codec: skippable frames");
	is(outcome($skippable, $codec), 'ok ', "$codec: nothing but a skippable frame");
	is(outcome(substr($skippable, 0, $_), $codec), "22P04 $codec data ends unexpectedly", "$codec: $_ bytes of a skippable frame")
	  for 3, 4, 7, 8, 12;
	is(named_outcome($skippable . $frame, 'auto', "a$suffix{$codec}", undef), "ok hello\n",
		"$codec: the suffix tells whose a skippable frame is");
}
if ($have_codec{zstd})
{
	is(outcome($skippable . encoded('zstd', 'x'), 'auto'), 'ok x', 'without a suffix it is taken for zstd');
	is(outcome("\x28\xb5\x2f\xfd\x00\x90" . "\0" x 20, 'zstd'), '54000 zstd data needs a window of more than 128 MB',
		'zstd: a window too large');
	is(outcome("\x28\xb5\x2f\xfd\x00\x88\x01\0\0", 'zstd'), 'ok ', 'zstd: the largest window');
}
if ($have_codec{lz4})
{
	is(outcome("\x02\x21\x4c\x18" . pack('V', 3) . "\x20hi", $_), '0A000 lz4 data is in the legacy format', "$_: lz4's legacy format")
	  for 'auto', 'lz4';
}
if ($have_codec{xz})
{
	my $hello = encoded('xz', "hello\n");

	is(outcome($hello . "\0" x 4 . $hello . "\0" x 8, 'xz', 1 .. 20, 1000), "ok hello\nhello\n", 'xz: padding');
	is(outcome($hello . "\0" x 3, 'xz'), '22P04 xz data ends unexpectedly', 'xz: padding that was cut');
	is(outcome($hello . "\0" x 5 . $hello, 'xz'), '22P04 xz data is followed by something else', 'xz: padding not in fours');
	is(outcome("\0" x 4 . $hello, 'xz'), '22P04 data is not in xz format', 'xz: padding in front');

	# a block that wants a dictionary of 512 MB
	my $flags = "\x00\x04";
	my $block = "\x02\x00\x21\x01\x22\x00\x00\x00";
	my $big = "\xfd7zXZ\0$flags" . pack('V', crc32($flags)) . $block . pack('V', crc32($block)) . "\x00" x 20;

	is(outcome($big, 'xz'), '54000 xz data needs more than 256 MB of memory', 'xz: a dictionary too large');
}
if ($have_codec{bzip2})
{
	is(outcome($_, 'auto'), "ok $_", "auto: text that begins as bzip2 does") for 'BZh', 'BZh9', "BZh91AY&S,1\n", "BZhello, world\n";
}

#-------------------------------------------------------------------------
# Content, then name, then Content-Encoding
#-------------------------------------------------------------------------

is(named_outcome("1,x\n", 'auto', "a.csv$suffix{gzip}", undef), '22P04 data is not in gzip format', 'text under a name of gzip');
is(named_outcome("1,x\n", 'auto', 'a.csv', 'gzip'), '22P04 data is not in gzip format', 'text with the content encoding of gzip');
is(named_outcome("1,x\n", 'none', 'a.csv.gz', 'gzip'), "ok 1,x\n", 'none: neither counts');
is(named_outcome('', 'auto', 'a.csv.gz', 'gzip'), 'ok ', 'an empty object stays empty');
is(named_outcome($plain, 'auto', 'a.csv', undef), "ok hello\n", 'gzip under another name');
is(named_outcome($plain, 'auto', 'a.csv.zst', 'br'), "ok hello\n", 'content counts more than name and header');
is(named_outcome("\x1f", 'auto', 'a.gz', undef), $ended, 'a magic number cut, by its name');
is(named_outcome("\x1f", 'auto', 'a', 'x-gzip'), $ended, 'and by its content encoding');
is(named_outcome("1,x\n", 'auto', 'a.csv', $_), "ok 1,x\n", 'a content encoding that says nothing: ' . ($_ // 'none'))
  for undef, '', 'identity', 'aws-chunked', ' , ', 'utf-8', 'br', 'gzip,br';
is(named_outcome("1,x\n", 'auto', 'a.csv.gz', 'aws-chunked'), '22P04 data is not in gzip format', 'the name counts more than the header');
for my $codec (sort keys %have_codec)
{
	is(named_outcome(encoded($codec, "hello\n"), 'auto', 'a.csv.gz', 'identity'), "ok hello\n", "$codec under a name of gzip");
}
is( psql("SELECT string_agg(coalesce(unit.codec_encoding(e), '-'), ' ' ORDER BY n) FROM"
		  . ' unnest(ARRAY[' . join(', ', map { lit($_) } 'gzip', 'GZip', 'x-gzip', 'zstd', 'bzip2', 'x-bzip2', 'xz', 'lz4',
			'identity', 'aws-chunked', 'aws-chunked,gzip', 'gzip, aws-chunked', "gzip,\tidentity , aws-chunked ", 'zstd,gzip',
			'gzip , zstd', 'deflate', '', 'gzip,deflate', 'x-', ',gzip,')
		  . ']) WITH ORDINALITY u(e, n)'),
	'gzip gzip gzip zstd bzip2 bzip2 xz lz4 - - gzip gzip gzip gzip zstd - - - - gzip', 'content encodings');
is( psql('SELECT string_agg(unit.codec_recognizes(d)::text, $$ $$ ORDER BY n) FROM unnest(ARRAY['
		  . join(', ', map { bytea($_) } "\x1f\x8b", "\x1f", '', "\x28\xb5\x2f\xfd", "\x5f\x2a\x4d\x18", "BZh1\x31\x41\x59\x26\x53\x59",
			"BZh0\x31\x41\x59\x26\x53\x59", "BZh5\x17\x72\x45\x38\x50\x90", 'BZh91AY', "\xfd7zXZ\0", "\xfd7zXZ", "\x04\x22\x4d\x18", 'id,name')
		  . ']) WITH ORDINALITY u(d, n)'),
	'true false false true true true false true false true false true false', 'what is recognized');

#-------------------------------------------------------------------------
# Suffixes
#-------------------------------------------------------------------------

is(psql("SELECT string_agg(coalesce(unit.codec_suffix(k), '-'), ' ' ORDER BY n) FROM"
		  . " unnest('{a.gz,a.csv.GZ,.gz,a.Gz,gz,a.gz.csv,agz,a.gzip,a.gz/,\"\",a.zst,a.bz2,a.csv.xz,a.LZ4,a.gz.zst}'::text[]) WITH ORDINALITY u(k, n)"),
	'gzip gzip gzip gzip - - - - - - zstd bzip2 xz lz4 zstd', 'suffixes of keys');

psql('SET client_min_messages = warning; DROP SCHEMA unit CASCADE');
done_testing();
