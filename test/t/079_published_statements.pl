#-------------------------------------------------------------------------
#
# 079_published_statements.pl
#		Each statement of Redshift's guide that is read is run as it stands, on
#		tables and objects as its page describes them.
#
# What comes of each is in test/data/redshift_statements: for those that run,
# what the client is told; for others, the error.  Objects of which the guide
# does not show anything are made of few rows, so that their statement has
# something to load.
#
# IDENTIFICATION
#		test/t/079_published_statements.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use IO::Compress::Gzip qw(gzip);
use JSON::PP;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $dir = corpora();
plan skip_all => 'the published statements are not there' unless defined $dir && -d "$dir/redshift";

my $tickit = "$dir/demo/tickit/tickit";
my %rows = map { ($_ => slurp("$tickit/$_.txt")) } qw(venue_pipe category_pipe date2008_pipe allevents_pipe);

#-------------------------------------------------------------------------
# The statements, and what comes of them
#-------------------------------------------------------------------------

my @statements;
for my $file ('copy.sql', 'unload.sql')
{
	my $text = slurp("$dir/redshift/sqlfluff/$file");
	my $n = 0;

	push @statements, [ "sqlfluff/$file", ++$n, $1 ]
	  while $text =~ /\G\s*((?:--[^\n]*\n|'(?:[^']|'')*'|[^';])*);\s*/gc;
}
for (split /\n/, slurp("$dir/redshift/statements.jsonl"))
{
	my $row = decode_json($_);

	push @statements, [ 'statements.jsonl', "$row->{doc}:$row->{line}", $row->{sql} ];
}

my %outcome;
for (split /\n/, slurp("$FindBin::Bin/../data/redshift_statements"))
{
	my ($file, $id, $outcome) = split /\t/;

	$outcome{"$file $id"} = $outcome unless /^#/;
}

#-------------------------------------------------------------------------
# Tables and objects
#-------------------------------------------------------------------------

s3_make_bucket($_) for qw(mybucket redshift-downloads awssampledb redshift-ml-multiclass
  redshift-ml-bikesharing-data redshiftbucket-ml-sagemaker);

psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}', iam_role '*');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');

-- TICKIT
CREATE TABLE venue (venueid smallint NOT NULL, venuename varchar(100), venuecity varchar(30),
	venuestate char(2), venueseats integer);
CREATE TABLE loadvenue (LIKE venue);
CREATE TABLE venue_new (LIKE venue);
CREATE TABLE category (catid smallint NOT NULL, catgroup varchar(10), catname varchar(10), catdesc varchar(50));
CREATE TABLE date (dateid smallint NOT NULL, caldate date NOT NULL, day char(3) NOT NULL,
	week smallint NOT NULL, month char(5) NOT NULL, qtr char(5) NOT NULL, year smallint NOT NULL,
	holiday boolean DEFAULT false);
CREATE TABLE event (eventid integer NOT NULL, venueid smallint NOT NULL, catid smallint NOT NULL,
	dateid smallint NOT NULL, eventname varchar(200), starttime timestamp);
CREATE TABLE listing (listid integer NOT NULL, sellerid integer NOT NULL, eventid integer NOT NULL,
	dateid smallint NOT NULL, numtickets smallint NOT NULL, priceperticket decimal(8,2),
	totalprice decimal(8,2), listtime timestamp);
CREATE TABLE sales (salesid integer NOT NULL, listid integer NOT NULL, sellerid integer NOT NULL,
	buyerid integer NOT NULL, eventid integer NOT NULL, dateid smallint NOT NULL, qtysold smallint NOT NULL,
	pricepaid decimal(8,2), commission decimal(8,2), saletime timestamp);

-- the Star Schema Benchmark's
CREATE TABLE part (p_partkey integer NOT NULL, p_name varchar(22), p_mfgr varchar(6), p_category varchar(7),
	p_brand1 varchar(9), p_color varchar(11), p_type varchar(25), p_size integer, p_container varchar(10));
CREATE TABLE supplier (s_suppkey integer NOT NULL, s_name varchar(25), s_address varchar(25), s_city varchar(10),
	s_nation varchar(15), s_region varchar(12), s_phone varchar(15));
CREATE TABLE customer (c_custkey integer NOT NULL, c_name varchar(25), c_address varchar(25), c_city varchar(10),
	c_nation varchar(15), c_region varchar(12), c_phone varchar(15), c_mktsegment varchar(10));
CREATE TABLE lineorder (lo_orderkey integer NOT NULL, lo_linenumber integer, lo_quantity integer);
CREATE TABLE lineitem (l_orderkey integer, l_shipdate date);

-- others
CREATE TABLE biglist (id integer, name text);
CREATE TABLE time (timeid smallint, hour smallint);
CREATE TABLE timestamp1 (timestamp1 timestamp);
CREATE TABLE redshiftinfo (infoid integer, tableinfo varchar(50));
CREATE TABLE t2 (c1 integer, c2 varchar(80));
CREATE TABLE tbl (a integer, b text);
CREATE TABLE location (id integer, location text);
CREATE TABLE some_table (a integer, b varchar(5));
CREATE TABLE region_nations_noshred (rdata jsonb);
CREATE TABLE region_nations (r_regionkey smallint, r_name varchar, r_comment varchar, r_nations jsonb);
CREATE TABLE nations (regionkey smallint, name varchar, comment jsonb, nation varchar);
CREATE TABLE customer_orders_lineitem (c_custkey bigint, c_name varchar, c_orders jsonb);
CREATE TABLE abalone_xgb (length_val float, diameter float, rings int, record_number int);
CREATE TABLE abalone_dataset (id int, sex varchar, length float);
CREATE TABLE accommodations (id integer PRIMARY KEY, name varchar(100), price smallint);
CREATE TABLE zipcode (ogc_field integer PRIMARY KEY NOT NULL, spatial_name varchar(256));
CREATE TABLE ridership (trip_count int, pickup_date date, pickup_time timestamp);
CREATE TABLE weather (daytime timestamp, temperature decimal(5,2));
CREATE TABLE holiday (holiday_date date, description varchar(100));
CREATE TABLE banknoteauthentication_train (variance float, skewness float, class int);
CREATE TABLE banknoteauthentication_test (LIKE banknoteauthentication_train);

INSERT INTO lineorder SELECT n, 1, n % 50 FROM generate_series(1, 1000) n;
INSERT INTO lineitem VALUES (1, '2026-01-31');
INSERT INTO location VALUES (1, 'Phoenix, AZ'), (2, 'San Diego, CA'), (3, 'Chicago, IL');
INSERT INTO tbl VALUES (1, 'a'), (2, 'b,c');
SQL

sub zip
{
	my ($text) = @_;
	my $zipped;

	gzip(\$text => \$zipped) or die "could not compress\n";
	return $zipped;
}

my $venue_lf = $rows{venue_pipe} =~ s/\r//gr;
my $listings = "1|36861|1|1827|4|182.00|728.00|2008-01-01 02:36:48\n2|16002|2|1828|10|233.00|2330.00|2008-01-02 08:44:36\n";
my $ssb_customer = join '', map { sprintf "%-10s%-25s%-25s%-10s%-15s%-12s%-15s%-10s\n", @$_ } (
	[ 1, 'Customer#000000001', 'IVhzIApeRb', 'MOROCCO  0', 'MOROCCO', 'AFRICA', '25-989-741-2988', 'BUILDING' ],
	[ 2, 'Customer#000000002', 'XSTf4,NCwDVaW', 'JORDAN   1', 'JORDAN', 'MIDDLE EAST', '23-768-687-3665', 'AUTOMOBILE' ]);
my %objects = (
	'mybucket/data/category_pipe.txt' => $rows{category_pipe},
	'mybucket/custdata.1' => $rows{category_pipe},
	'mybucket/biglist.txt' => "1|a\n2|b\n",
	'mybucket/cust.manifest' => '{"entries": [{"url": "s3://mybucket/mydata.1", "mandatory": true}]}',
	'mybucket/mydata.1' => "1|Customer#1|Street 1|CITY|NATION|REGION|25-989|BUILDING\n",
	'mybucket/data/listing/part-0' => $listings,
	'mybucket/data/listings_pipe.txt' => $listings,
	'mybucket/data/allevents_pipe.txt' => $rows{allevents_pipe},
	'mybucket/data/venue_fw.txt' => "1  Toyota Park              Bridgeview  IL0\n2  Columbus Crew Stadium    Columbus    OH0\n",
	'mybucket/data/venue.txt' => $rows{venue_pipe},
	'mybucket/data/venue_noseats.txt' => $rows{venue_pipe} =~ s/\|[^|\n]*\n/\n/gr,
	'mybucket/data/timerows.gz' => zip("0|0\n1|0\n60|1\n"),
	'mybucket/data/time.txt' => "2008-09-26 05:43:12\n2008-09-26 05:43:12.25\n",
	'mybucket/data/redshiftinfo.txt' => "1|public\\|event\n2|public\\\\sales\n3|two\\\nlines\n",
	'mybucket/data/nlTest2.txt' => "1|an embedded\\\nline end\n2|none\n",
	'mybucket/category_object_auto.json' => <<'END',
{ "catdesc": "Major League Baseball", "catid": 1, "catgroup": "Sports", "catname": "MLB" }
{ "catgroup": "Sports", "catid": 2, "catname": "NHL", "catdesc": "National Hockey League" }
{ "catid": 3, "catname": "NFL", "catgroup": "Sports", "catdesc": "National Football League" }
END
	'mybucket/category_array_data.json' => <<'END',
[1,"Sports","MLB","Major League Baseball"]
[2,"Sports","NHL","National Hockey League"]
[3,"Sports","NFL","National Football League"]
END
	'mybucket/category_array_jsonpath.json' => '{"jsonpaths": ["$[0]", "$[1]", "$[2]", "$[3]"]}',
	'mybucket/venue_pipe_0000_part_00' => $venue_lf,
	'mybucket/venue' => $venue_lf,
	'mybucket/load/part-csv.tbl-000' => qq{1,"lace, spring",MFGR#1,MFGR#11,MFGR#1121,goldenrod,PROMO BURNISHED COPPER,7,JUMBO PKG\n} .
	  qq{2,rosy metallic,MFGR#4,MFGR#43,MFGR#4318,blush,\0,1,LG CASE\n},
	'mybucket/load/customer-fw.tbl-000' => $ssb_customer,
	'awssampledb/ssbgz/supplier.tbl_0000_part_00.gz' => zip("1|Supplier#000000001|sdrGnXCDRcf|PERU     0|PERU|AMERICA|27-989-741-2988\n"),
	'awssampledb/load/lo/lineorder-multi.tbl-000.gz' => zip("1|1|17\n1|2|36\n"),
	'redshift-downloads/semistructured/tpch-nested/data/json/region_nation' =>
	  qq({"r_regionkey": 0, "r_name": "AFRICA", "r_comment": "lar deposits", "r_nations": [{"n_nationkey": 0, "n_name": "ALGERIA"}]}\n),
	'redshift-downloads/semistructured/tpch-nested/data/jsonpaths/nations_jsonpaths.json' =>
	  '{"jsonpaths": ["$.r_regionkey", "$.r_name", "$.r_nations", "$.r_nations[0].n_name"]}',
	'redshift-downloads/semistructured/tpch-nested/data/csv/region_nation' =>
	  qq(0,AFRICA,lar deposits,"[{""n_nationkey"": 0}]"\n),
	'redshift-downloads/semistructured/tpch-nested/data/json/customer_orders_lineitem' =>
	  qq({"c_custkey": 1, "c_name": "Customer#000000001", "c_orders": []}\n),
	'redshift-downloads/redshift-ml/abalone_xg/abalone.csv' => "length,diameter,rings,n\n0.455,0.365,15,1\n",
	'redshift-downloads/spatial-data/accommodations.csv' => "id;name;price\n1;Hotel \"Zur Post\";90\n",
	'redshift-downloads/spatial-data/zipcode.csv' => "id;name\n10115;Berlin, Mitte\n",
	'redshift-ml-multiclass/abalone.csv' => "id,sex,length\n1,M,0.455\n2,NULL,NULL\n",
	'redshift-ml-bikesharing-data/bike-sharing-data/ridership/a.gz' => zip("n,d,t\n12,2017-01-01,2017-01-01 13:00:00\n"),
	'redshift-ml-bikesharing-data/bike-sharing-data/weather/a.gz' => zip("t,c\n2017-01-01T13:00:00Z,-1.5\n"),
	'redshift-ml-bikesharing-data/bike-sharing-data/holiday/a.gz' => zip("d,n\n01/02/2017,New Year's Day\n"),
	'redshiftbucket-ml-sagemaker/banknote_authentication/train_data/a.csv' => "v,s,c\n3.6216,8.6661,0\n",
	'redshiftbucket-ml-sagemaker/banknote_authentication/test_data/a.csv' => "v,s,c\n4.5459,8.1674,0\n",
);
s3_put(split(m{/}, $_, 2), $objects{$_}) for sort keys %objects;

# The guide has one file twice, with two kinds of quotes.
my $category = qq{12,Shows,Musicals,Musical theatre\n13,Shows,Plays,"All ""non-musical"" theatre"\n} .
  qq{14,Shows,Opera,"All opera, light, and ""rock"" opera"\n15,Concerts,Classical,"All symphony, concerto, and choir concerts"\n};
my %category = (double => $category, percent => $category =~ s/""/!/gr =~ s/"/%/gr =~ s/!/"/gr);

#-------------------------------------------------------------------------
# Run them
#-------------------------------------------------------------------------

sub delete_below
{
	my ($prefix) = @_;

	s3_delete('mybucket', $_) for grep { /^\Q$prefix\E/ } s3_keys('mybucket');
}

my @outcomes;
for (@statements)
{
	my ($file, $id, $sql) = @$_;
	my $name = "$file $id";

	# as the guide tells its readers to
	$sql =~ s/<your-bucket-name>/mybucket/;

	# A table that a statement fills is empty before; what another one wrote has gone.
	my ($table) = $sql =~ /^\s*copy\s+([\w.]+)/i;
	my $prefix;
	my $prepare = $table && $table ne 'table' && $sql =~ /from/i ?
	  "SELECT format('TRUNCATE %s', c.oid::regclass) FROM pg_class c WHERE c.oid = to_regclass(" . lit($table) . ") \\gexec\n" : '';
	s3_put('mybucket', 'data/category_csv.txt', $category{ $sql =~ /%/ ? 'percent' : 'double' }) if $sql =~ /category_csv/;
	if ($sql =~ /^\s*unload.*\bto\s+'s3:\/\/mybucket\/([^']*)'/is)
	{
		$prefix = $1;
		delete_below($prefix);
		$prepare .= "TRUNCATE venue, date, event, sales;\n" .
		  "INSERT INTO sales VALUES (1, 1, 36861, 21191, 1, 1827, 4, 728.00, 109.20, '2008-01-01 02:36:48');\n" .
		  "\\copy venue FROM '$tickit/venue_pipe.txt' (DELIMITER '|')\n" .
		  "\\copy date FROM '$tickit/date2008_pipe.txt' (DELIMITER '|')\n" .
		  "\\copy event FROM '$tickit/allevents_pipe.txt' (DELIMITER '|')\n";
	}
	psql($prepare) if $prepare;
	my ($out, $err) = psql_err('SELECT redshift(' . lit($sql) . ')');
	my $got;

	if (my ($state, $message) = $err =~ /ERROR:  (\w{5}): (.*)/)
	{
		$got = ($outcome{$name} =~ /^refused/ ? 'refused' : 'fails') . ": $state $message";
	}
	else
	{
		$got = $err =~ /^INFO:  (?:00000: )?(.*)/m ? $1 : "no message";
	}
	push @outcomes, "$file\t$id\t$got";
	is($got, $outcome{$name}, $name) or diag($err);

	# The guide loads what this one has written; all others are as if never run.
	next if !defined $prefix || $prefix eq 'tickit/venue/reload_';
	delete_below($prefix);
	s3_put(split(m{/}, $_, 2), $objects{$_}) for grep { m{^mybucket/\Q$prefix\E} } keys %objects;
}
if ($ENV{S3_TEST_OUTCOMES})
{
	open my $fh, '>', $ENV{S3_TEST_OUTCOMES} or die;
	print $fh "$_\n" for @outcomes;
}
done_testing();
