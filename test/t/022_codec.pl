#-------------------------------------------------------------------------
#
# 022_codec.pl
#		gzip in and out: against the gzip program, and with every byte of a
#		file cut or spoilt.
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
CREATE OR REPLACE FUNCTION unit.codec_write(bytea, text, int) RETURNS bytea
	LANGUAGE C STRICT AS @{[ lit($lib) ]}, 'unit_codec_write';
CREATE OR REPLACE FUNCTION unit.codec_suffix(text) RETURNS text
	LANGUAGE C STRICT AS @{[ lit($lib) ]}, 'unit_codec_suffix';

-- The decoded bytes in hexadecimal, or the error.
CREATE OR REPLACE FUNCTION unit.outcome(data bytea, compression text, piece int) RETURNS text
LANGUAGE plpgsql AS \$\$
DECLARE
	state text; message text;
BEGIN
	RETURN 'ok ' || encode(unit.codec_read(data, compression, piece), 'hex');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
	RETURN state || ' ' || message;
END \$\$;

-- Decode data with every byte changed in some ways: results that are neither
-- right nor an error.
CREATE OR REPLACE FUNCTION unit.spoilt(data bytea, good bytea, piece int)
	RETURNS TABLE (at int, flip int, result text)
LANGUAGE sql AS \$\$
	SELECT i, f, r
	FROM generate_series(0, length(data) - 1) i, unnest(ARRAY[1, 4, 32, 128, 255]) f,
		LATERAL unit.outcome(set_byte(data, i, get_byte(data, i) # f), 'gzip', piece) r
	WHERE r NOT LIKE '22P04 %' AND r <> 'ok ' || encode(good, 'hex')
\$\$;

-- Decode every true beginning of data: those that are no error.
CREATE OR REPLACE FUNCTION unit.cut(data bytea, piece int) RETURNS TABLE (at int, result text)
LANGUAGE sql AS \$\$
	SELECT i, r
	FROM generate_series(1, length(data) - 1) i,
		LATERAL unit.outcome(substr(data, 1, i), 'gzip', piece) r
	WHERE r <> '22P04 gzip data ends unexpectedly'
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
	my @results = split /\n/, psql('SELECT DISTINCT unit.outcome(' . bytea($bytes) . ', ' . lit($compression)
		  . ', piece) FROM unnest(ARRAY[' . join(', ', @pieces ? @pieces : (1, 2, 3, 7, 64, 4096, 1000000)) . ']) piece');

	return join ' or ', map { s/^ok (.*)/'ok ' . pack('H*', $1)/er } @results;
}

# Run gzip over bytes; none of its options name a file.
my $have_gzip = !system('gzip --version >/dev/null 2>&1');

sub gzip_program
{
	my ($bytes, @options) = @_;

	spew('in', $bytes);
	my $out = `gzip @options < $dir/in`;
	die "gzip failed\n" if $?;
	return $out;
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
	is(outcome($plain . "\x1f\x8c more", $compression), $corrupt, "$compression: half a magic number, then garbage");
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
}

#-------------------------------------------------------------------------
# Cut and spoilt at every byte
#-------------------------------------------------------------------------

my $text = join '', map { "$_,some text,@{[ $_ * $_ ]}\n" } 1 .. 40;
my $gz = $have_gzip ? gzip_program($text, '-9') : member($text);

is(psql('SELECT * FROM unit.cut(' . bytea($gz) . ", $_)"), '', "cut at every byte, pieces of $_") for 1, 7, 100000;
is(psql('SELECT * FROM unit.cut(' . bytea($full) . ", $_)"), '', "cut in every part of the header, pieces of $_") for 1, 4096;
is(psql('SELECT * FROM unit.spoilt(' . bytea($gz) . ', ' . bytea($text) . ", $_)"), '',
	"spoilt at every byte, pieces of $_") for 3, 100000;
is(psql('SELECT * FROM unit.spoilt(' . bytea($full) . ', ' . bytea("world\n") . ', 5)'), '', 'every byte of a full header spoilt');
{
	my @cuts = split /\n/, psql('SELECT * FROM unit.cut(' . bytea($plain . $full) . ', 3)');

	is_deeply(\@cuts, [ length($plain) . '|ok ' . unpack 'H*', "hello\n" ], 'a cut between members is not seen');
}

#-------------------------------------------------------------------------
# The gzip program
#-------------------------------------------------------------------------

SKIP:
{
	skip 'there is no gzip program', 1 unless $have_gzip;

	srand(42);
	my $random = join '', map { chr int rand 256 } 1 .. 100000;
	my $lines = join '', map { "$_," . int(rand 1000) . ",abcdefghijk\n" } 1 .. 60000;

	for my $case ([ 'empty', '' ], [ 'a byte', 'x' ], [ 'random', $random ], [ 'lines', $lines ], [ 'zeros', "\0" x 2_000_000 ])
	{
		my ($name, $bytes) = @$case;

		spew('plain', $bytes);
		for my $level (1, 6, 9)
		{
			spew('coded', gzip_program($bytes, "-$level"));
			is(psql("SELECT bool_and(unit.codec_read(pg_read_binary_file(f || '/coded'), 'auto', piece)"
					  . " = pg_read_binary_file(f || '/plain')) FROM (VALUES (" . lit($dir) . ')) v(f),'
					  . ' unnest(ARRAY[13, 4096, 10000000]) piece'),
				't', "$name: what gzip -$level wrote");
		}

		my $coded = psql('SELECT DISTINCT unit.codec_write(pg_read_binary_file(' . lit("$dir/plain")
			  . "), 'gzip', piece) FROM unnest(ARRAY[10, 4096, 300000, 10000000]) piece");

		unlike($coded, qr/\n/, "$name: the coded bytes do not depend on the pieces written");
		$coded = pack 'H*', substr $coded, 2;
		is(unpack('H*', substr $coded, 0, 8), '1f8b080000000000', "$name: no name and no time in the header");
		ok(gzip_program($coded, '-dc') eq $bytes, "$name: gzip reads what we wrote");
		cmp_ok(length $coded, '<', length($bytes) / 2 + 50, "$name: it is smaller") if $name =~ /lines|zeros/;
		is(psql('SELECT unit.codec_read(' . bytea($coded . $coded) . ", 'gzip', 999) = b || b FROM pg_read_binary_file("
				  . lit("$dir/plain") . ') b'), 't', "$name: and so do we, twice");
	}
}

#-------------------------------------------------------------------------
# Suffixes
#-------------------------------------------------------------------------

is(psql("SELECT string_agg(coalesce(unit.codec_suffix(k), '-'), ' ' ORDER BY n) FROM"
		  . " unnest('{a.gz,a.csv.GZ,.gz,a.Gz,gz,a.gz.csv,agz,a.gzip,a.gz/,\"\"}'::text[]) WITH ORDINALITY u(k, n)"),
	'gzip gzip gzip gzip - - - - - -', 'suffixes of keys');

psql('SET client_min_messages = warning; DROP SCHEMA unit CASCADE');
done_testing();
