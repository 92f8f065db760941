#!/usr/bin/env perl
#-------------------------------------------------------------------------
#
# demo_data.pl [BUCKET]
#		Make the bucket of the demonstration (demo): a week of a small shop.
#
#	events/2025-03-0N/part-0.json[.gz]	what visitors did: JSON, a folder per
#										day, the last two not yet compressed
#	sales/part-0000N.csv				what was sold: CSV, a header each
#	stock/2025-03-08.txt				what is left: pipes, as Redshift reads them,
#										with a word for a number
#
# and what the programs that write such files leave beside them: _SUCCESS,
# folder markers, an empty part.  An order placed on the web site has an event
# with its order_id; the others came by telephone.
#
# The same bytes are made every time.  Reads the server's address from
# S3_TEST_ENDPOINT.
#
# IDENTIFICATION
#		test/demo_data.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use File::Basename qw(dirname);
use IO::Compress::Gzip qw(gzip $GzipError);

BEGIN
{
	# This is no test, and needs no database.
	$ENV{S3_TEST_OWN_DATABASE} = '';
}
use lib dirname(__FILE__) . '/perl';
use S3Test;

my $bucket = @ARGV ? $ARGV[0] : 'demo';

srand 20250384;

# Products and prices in cents.
my @products = (
	[ 'Blue mug', 895 ],
	[ 'Teapot, 1.5 l', 3490 ],
	[ '12" ruler', 350 ],
	[ 'Notebook "A5"', 590 ],
	[ 'Pencils, 10', 420 ],
	[ 'Desk lamp', 4900 ]);

# undef is NULL: nothing between the commas; '' is written as "".
my @notes = (
	(undef) x 12, ('') x 3,
	"Leave at the\nback door",
	'Card: "Happy birthday!"',
	'Ring twice, please',
	"Two parcels:\n\"A\" first,\nthen \"B\"");

# undef: the visitor came by no campaign, and the key is missing.
my @campaigns = (undef, undef, undef, 'newsletter', 'newsletter', 'search', 'search', 'spring');

sub pick { return $_[ int rand @_ ] }

sub csv_field
{
	my ($value) = @_;

	return '' if !defined $value;
	return $value if length $value && $value !~ /[",\r\n]/;
	$value =~ s/"/""/g;
	return qq{"$value"};
}

sub json_event
{
	my ($time, $type, $order_id, $campaign, $device) = @_;
	my $visit = defined $campaign ? qq{"campaign":"$campaign",} : '';

	return qq({"ts":"$time","type":"$type",)
	  . (defined $order_id ? qq("order_id":$order_id,) : '')
	  . sprintf('"session":"%08x",', int rand 2**32)
	  . qq("visit":{$visit"device":"$device"}}\n);
}

my %objects;
my @sales;
my $order_id = 100000;

for my $day (1 .. 7)
{
	my @events;
	my $n = 1300 + int rand 500;

	for my $second (sort { $a <=> $b } map { int rand 86400 } 1 .. $n)
	{
		my $time = sprintf '2025-03-%02dT%02d:%02d:%02dZ', $day,
		  $second / 3600, $second / 60 % 60, $second % 60;
		my $type = pick(('view') x 7, 'cart', 'cart', 'order', 'call');
		my $sold = $type eq 'order' || $type eq 'call';
		my $id = $sold ? ++$order_id : undef;

		if ($sold)
		{
			my ($name, $price) = @{ pick(@products) };
			my $quantity = pick(1, 1, 1, 2, 2, 3, 5);

			push @sales, join ',', $id, $time, csv_field($name), $quantity,
			  sprintf('%.2f', $quantity * $price / 100), csv_field(pick(@notes));
		}
		push @events, json_event($time, $type, $id, pick(@campaigns), pick(qw(phone laptop)))
		  if $type ne 'call';
	}

	my $key = "events/2025-03-0$day/part-0.json";
	my $bytes = join '', @events;
	if ($day <= 5)
	{
		gzip(\$bytes => \my $packed, -Time => 0) or die "gzip: $GzipError\n";
		$objects{"$key.gz"} = $packed;
	}
	else
	{
		$objects{$key} = $bytes;
	}
}
$objects{'events/_SUCCESS'} = '';

for my $part (0 .. 3)
{
	my $first = int @sales * $part / 4;
	my $last = int(@sales * ($part + 1) / 4) - 1;

	$objects{"sales/part-0000$part.csv"} = join "\n",
	  'order_id,sold_at,product,quantity,amount,note', @sales[ $first .. $last ], '';
}
my $stock = 0;
$objects{'stock/2025-03-08.txt'} = join '', map { ++$stock . "|$_|2025-03-08\n" }
  'Blue mug|40', 'Teapot, 1.5 l|12', 'Eraser|plenty', 'Pencils, 10|130', 'Desk lamp|7';
$objects{$_} = '' for 'sales/', 'sales_$folder$', 'sales/_SUCCESS', 'sales/part-00004.csv';

s3_make_bucket($bucket);
s3_put_many($bucket, \%objects);
