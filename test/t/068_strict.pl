#-------------------------------------------------------------------------
#
# 068_strict.pl
#		Strict reading refuses exactly what COPY refuses: files with random
#		faults, as many with a header line as without.
#
# S3_TEST_SEED chooses other faults, S3_TEST_MUTATIONS how many files.
#
# IDENTIFICATION
#		test/t/068_strict.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Copy;
use S3Test;

my $seed = $ENV{S3_TEST_SEED} || 67;
my $wanted = $ENV{S3_TEST_MUTATIONS} || 2000;
my $bucket = 'strict';

s3_make_bucket($bucket);
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR PUBLIC SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
END

# A generator that gives the same numbers everywhere.
my $state = $seed;

sub any
{
	my ($n) = @_;

	$state = ($state * 1103515245 + 12345) % 2147483648;
	return int($state / 65536) % $n;
}

my $columns = 'id int, name text, price numeric, day date';

sub csv_line
{
	my ($n) = @_;

	return (
		"$n,name $n,$n.5,2026-01-02", qq($n,"name, with ""quotes""",,2026-01-02),
		qq($n,"two\nlines",$n,2026-01-02), "$n,,,", qq("$n","","$n.25","2026-12-31"))[ any(5) ];
}

sub text_line
{
	my ($n) = @_;

	return ("$n\tname $n\t$n.5\t2026-01-02", "$n\ta\\tb\\\\\\101\t\\N\t2026-01-02",
		"$n\ttwo\\\nlines\t$n\t\\N", "$n\t\t\\N\t2026-01-02")[ any(4) ];
}

my @bits = ('"', '""', ',', "\t", "\n", "\r", "\r\n", '\\', '\\.', "\\.\n", "\n\\.\n", '\\N', ' ', ';', 'x', '7',
	"\n\n", "\xc3\xa9", "\xff", "\xef\xbb\xbf", "\x00", '\\x4', '-', "\r\r");

sub spoil
{
	my ($bytes) = @_;
	my $at = any(length($bytes) + 1);
	my $what = any(8);
	my @lines = split /(?<=\n)/, $bytes;

	if ($what == 0) { substr $bytes, $at, 1 + any(3), '' if $at < length $bytes }
	elsif ($what == 1) { $bytes = substr $bytes, 0, $at }
	elsif ($what == 2) { my $i = any(scalar @lines); splice @lines, $i, 1, $lines[$i], $lines[$i]; $bytes = join '', @lines }
	elsif ($what == 3) { $bytes =~ s/(.{$at}[^\n]*)\r?\n/$1 . ("\r", "\r\n", "\n\r", '')[ any(4) ]/se if $at < 32000 }
	elsif ($what == 4) { substr $bytes, $at, 1, $bits[ any(scalar @bits) ] if $at < length $bytes }
	else { substr $bytes, $at, 0, $bits[ any(scalar @bits) ] }
	return length $bytes ? $bytes : "\n";
}

my @cases;
for my $number (1 .. $wanted)
{
	my $format = any(3) == 0 ? 'text' : 'csv';
	my $header = any(2);
	my @lines = map { $format eq 'csv' ? csv_line($_) : text_line($_) } 1 .. 3 + any(6);
	my $end = ("\n", "\n", "\r\n", "\r")[ any(4) ];
	my $bytes;

	unshift @lines, join($format eq 'csv' ? ',' : "\t", 'id', 'name', 'price', 'day') if $header;
	$bytes = join('', map { $_ . $end } @lines);
	$bytes = spoil($bytes) for 0 .. any(3);
	push @cases, { name => "file $number", bytes => $bytes, format => $format, header => $header, columns => $columns };
}

my ($differences, $counts) = compare_with_copy($bucket, @cases);
is(scalar @$differences, 0, "$wanted files with faults, as COPY takes them")
  or diag(join "\n", "seed $seed", @$differences > 20 ? @$differences[ 0 .. 19 ] : @$differences);
note(join ', ', map { "$_ $counts->{$_}" } sort keys %$counts);
cmp_ok($counts->{rows} || 0, '>', $wanted / 10, 'many of which give rows');
cmp_ok($counts->{failed} || 0, '>', $wanted / 3, 'and many fail');

done_testing();
