#-------------------------------------------------------------------------
#
# 073_unload.pl
#		Redshift's UNLOAD: names, bytes and manifests of its files, what it
#		refuses, and what it does about files that are there already.
#
# Statements and results are those of the guide to Redshift, where it shows
# both; VENUE is that of its sample database, which skips without the corpora.
#
# IDENTIFICATION
#		test/t/073_unload.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;
use utf8;

use FindBin;
use IO::Uncompress::Gunzip ();
use JSON::PP ();
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Store;
use S3Test;

my $bucket = 'unloads';
my $role = "iam_role 'arn:aws:iam::0123456789012:role/MyRedshiftRole'";
my $store = store_start(\&store_answer);

s3_make_bucket($bucket);
psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}', region 'us-east-1');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE TABLE venue (venueid smallint NOT NULL, venuename varchar(100), venuecity varchar(30), venuestate char(2), venueseats integer);
CREATE TABLE three (LIKE venue);
INSERT INTO three VALUES (1, 'Pinewood Racetrack', 'Akron', 'OH', 0), (2, 'Columbus "Crew" Stadium', 'Columbus', 'OH', 0),
	(4, 'Community, Ballpark, Arena', 'Kansas City', 'KS', 0);
CREATE TABLE large AS SELECT n, md5(n::text) AS t, n % 3 AS k FROM generate_series(1, 400000) n;
ANALYZE large;
SQL

# Run UNLOAD; its messages, or the error.
sub unload
{
	my ($query, $place, $options, $settings) = @_;
	my $statement = 'unload (' . lit($query) . ")\nto 's3://$bucket/$place'\n$role\n" . ($options || '');
	my ($out, $err, $rc) = psql_err(($settings ? "$settings;\n" : '') . 'SELECT redshift(' . lit($statement) . ')');

	$err =~ s/^(?:LOCATION|CONTEXT|SQL function|SQL statement|STATEMENT|parallel worker).*\n//mg;
	$err =~ s/^(\w+:)  \w{5}: /$1 /mg;
	$err =~ s/^psql:<stdin>:\d+: //mg;
	return $err;
}

sub done
{
	return "INFO: UNLOAD completed, $_[0] record(s) unloaded successfully.\n";
}

# The names below a place, behind it.
sub names
{
	my ($place) = @_;

	return join ' ', sort map { substr $_, length $place } s3_keys($bucket, $place);
}

sub content
{
	return s3_get($bucket, $_[0]);
}

# Run it in a new place: its only file.
my $serial = 0;

sub unloaded
{
	my ($query, $options, $settings) = @_;
	my $place = 'only/' . ++$serial . '_';
	my $messages = unload($query, $place, $options, $settings);
	my @keys = s3_keys($bucket, $place);

	return $messages if $messages !~ /^INFO/ || @keys != 1;
	return content($keys[0]);
}

#-------------------------------------------------------------------------
# The guide's examples
#-------------------------------------------------------------------------

is(unloaded('select * from three', 'JSON'), <<'END', 'JSON');
{"venueid":1,"venuename":"Pinewood Racetrack","venuecity":"Akron","venuestate":"OH","venueseats":0}
{"venueid":2,"venuename":"Columbus \"Crew\" Stadium","venuecity":"Columbus","venuestate":"OH","venueseats":0}
{"venueid":4,"venuename":"Community, Ballpark, Arena","venuecity":"Kansas City","venuestate":"KS","venueseats":0}
END

is(unloaded('select * from three', 'CSV'), <<'END', 'CSV');
1,Pinewood Racetrack,Akron,OH,0
2,"Columbus ""Crew"" Stadium",Columbus,OH,0
4,"Community, Ballpark, Arena",Kansas City,KS,0
END

is( unloaded("select venueid, replace(venuename, 'Racet', 'Race|t') AS venuename, venuecity, venuestate, venueseats from three", "CSV DELIMITER AS '|'"), <<'END', 'CSV with a delimiter');
1|"Pinewood Race|track"|Akron|OH|0
2|"Columbus ""Crew"" Stadium"|Columbus|OH|0
4|Community, Ballpark, Arena|Kansas City|KS|0
END

# The guide says that all fields get quotes, and shows it of strings alone.
psql(q(CREATE TABLE location (id int, location char(64)); INSERT INTO location VALUES (1, 'Phoenix, AZ'), (2, 'San Diego, CA'), (3, 'Chicago, IL')));
is(unloaded('select id, location from location', "delimiter ',' addquotes"), <<'END', 'ADDQUOTES');
"1","Phoenix, AZ"
"2","San Diego, CA"
"3","Chicago, IL"
END

is(unload('select * from three', 'unload/venue_pipe_', 'manifest'), done(3), 'its message');
is(names('unload/'), 'venue_pipe_0000_part_00 venue_pipe_manifest', 'names with a prefix');
is(content('unload/venue_pipe_manifest'), <<"END", 'a manifest');
{
  "entries": [
    {"url":"s3://$bucket/unload/venue_pipe_0000_part_00"}
  ]
}
END
is(unload('select * from three', 'unload/'), done(3), 'files of other names are in nobody\'s way');
is(names('unload/'), '0000_part_00 venue_pipe_0000_part_00 venue_pipe_manifest', 'names in a folder');

is(unload('select * from three', 'verbose/', 'manifest verbose header'), done(3), 'MANIFEST VERBOSE');
is(content('verbose/manifest'), <<"END", 'a verbose manifest, in which header lines count');
{
  "entries": [
    {"url":"s3://$bucket/verbose/0000_part_00", "meta": { "content_length": 168, "record_count": 4 }}
  ],
  "schema": {
    "elements": [
      {"name": "venueid", "type": { "base": "smallint" }},
      {"name": "venuename", "type": { "base": "character varying", "max_length": 100 }},
      {"name": "venuecity", "type": { "base": "character varying", "max_length": 30 }},
      {"name": "venuestate", "type": { "base": "character", "max_length": 2 }},
      {"name": "venueseats", "type": { "base": "integer" }}
    ]
  },
  "meta": {
    "content_length": 168,
    "record_count": 4
  },
  "author": {
    "name": "s3_fdw",
    "version": "1.0"
  }
}
END
is(content('verbose/0000_part_00'), <<'END', 'HEADER');
venueid|venuename|venuecity|venuestate|venueseats
1|Pinewood Racetrack|Akron|OH|0
2|Columbus "Crew" Stadium|Columbus|OH|0
4|Community, Ballpark, Arena|Kansas City|KS|0
END
is(unload("select a::numeric(18,2) AS n, 'x'::text AS t, '1'::jsonb AS j FROM generate_series(1, 2) a", 'types/', 'manifest verbose'), done(2), 'other types');
is_deeply(JSON::PP::decode_json(content('types/manifest'))->{schema}{elements},
	[ { name => 'n', type => { base => 'numeric', precision => 18, scale => 2 } },
	  { name => 't', type => { base => 'character varying', max_length => 65535 } },
	  { name => 'j', type => { base => 'super' } } ], 'in a manifest');

like(unload('select * from three', 'unload/venue_pipe_', 'manifest'),
	qr{^ERROR: Specified unload destination on S3 is not empty\nDETAIL: +It holds "s3://$bucket/unload/venue_pipe_0000_part_00"}, 'the same twice fails');
is(unload('select * from three where venueid < 3', 'unload/venue_pipe_', 'manifest allowoverwrite'), done(2), 'ALLOWOVERWRITE');
is(unload('select * from three where venueid < 2', 'unload/venue_pipe_', 'allowoverwrite manifest'), done(1), 'again');
is(content('unload/venue_pipe_0000_part_00'), "1|Pinewood Racetrack|Akron|OH|0\n", 'it overwrites');
is(unload('select 1', 'nomanifest_', ''), done(1), 'another one');
s3_delete($bucket, 'nomanifest_0000_part_00');
s3_put($bucket, 'nomanifest_manifest', '{}');
is(unload('select 1', 'nomanifest_', ''), done(1), 'a manifest that is not written is in nobody\'s way');
s3_delete($bucket, 'nomanifest_0000_part_00');
like(unload('select 1', 'nomanifest_', 'manifest'), qr{not empty\n.*nomanifest_manifest}, 'one that would be is');
s3_put($bucket, 'slice_0003_part_17', '');
like(unload('select 1', 'slice_', ''), qr{not empty\n.*slice_0003_part_17}, 'so is any slice');
is(unload('select 1', 'slice_', 'parallel off'), done(1), 'but not for PARALLEL OFF');

SKIP:
{
	my $file = (corpora() || '') . '/demo/tickit/tickit/venue_pipe.txt';

	skip 'no corpus of the sample database', 9 if !-f $file;
	open my $fh, '<:raw', $file or die "could not open $file: $!\n";
	local $/;
	my $whole = <$fh>;
	$whole =~ s/\r//g;
	my $rows = () = $whole =~ /\n/g;
	psql("COPY venue FROM STDIN WITH (DELIMITER '|');\n$whole\\.\n");

	is(unloaded('select * from venue', q(null as '\N')), $whole, 'VENUE is written as it was read');
	is(unload('select * from venue', 'tickit/venue_', ''), done($rows), 'VENUE');
	is(names('tickit/venue_'), '0000_part_00', 'its file');
	is(unload('select * from venue', 'tickit/venue_', "parallel off\nmaxfilesize 100 mb"), done($rows), 'in series');
	is(names('tickit/venue_'), '000 0000_part_00', 'its file');
	is( unloaded('select * from venue where venueseats > 75000 order by venueid in (79), venueid', "header\nparallel off"), <<'END', 'a header');
venueid|venuename|venuecity|venuestate|venueseats
6|New York Giants Stadium|East Rutherford|NJ|80242
78|INVESCO Field|Denver|CO|76125
83|FedExField|Landover|MD|91704
79|Arrowhead Stadium|Kansas City|MO|79451
END
	is(unloaded("select * from venue where venueid <= 5 order by venueid", "fixedwidth as 'venueid:3,venuename:39,venuecity:16,venuestate:2,venueseats:6'"),
		join('', map { sprintf "%-3s%-39s%-16s%-2s%-6s\n", @$_ } [ 1, 'Toyota Park', 'Bridgeview', 'IL', 0 ],
			[ 2, 'Columbus Crew Stadium', 'Columbus', 'OH', 0 ], [ 3, 'RFK Stadium', 'Washington', 'DC', 0 ],
			[ 4, 'CommunityAmerica Ballpark', 'Kansas City', 'KS', 0 ], [ 5, 'Gillette Stadium', 'Foxborough', 'MA', 68756 ]),
		'fixed width');
	is(unloaded('select * from venue where venueid <= 5 order by venueid', q(delimiter as '\t')), <<"END", 'tabs');
1\tToyota Park\tBridgeview\tIL\t0
2\tColumbus Crew Stadium\tColumbus\tOH\t0
3\tRFK Stadium\tWashington\tDC\t0
4\tCommunityAmerica Ballpark\tKansas City\tKS\t0
5\tGillette Stadium\tFoxborough\tMA\t68756
END
	psql("UPDATE venue SET venuestate = NULL WHERE venuecity = 'Cleveland'");
	is(unloaded('select * from venue where venueid in (248, 251, 22, 101) order by venueid % 200', "null as 'fred'"), <<'END', 'NULL AS');
22|Quicken Loans Arena|Cleveland|fred|0
248|Charles Playhouse|Boston|MA|0
251|Paris Hotel|Las Vegas|NV|fred
101|Progressive Field|Cleveland|fred|43345
END
}

#-------------------------------------------------------------------------
# Names
#-------------------------------------------------------------------------

for my $case (
	[ '', '0000_part_00' ], [ 'parallel off', '000' ], [ 'parallel false csv', '000' ], [ 'gzip', '0000_part_00.gz' ],
	[ 'bzip2', '0000_part_00.bz2' ], [ 'zstd', '0000_part_00.zst' ], [ 'parallel off gzip', '000.gz' ],
	[ "extension 'txt.gz' gzip", '0000_part_00.txt.gz' ], [ "extension 'csv' gzip csv", '0000_part_00.csv' ],
	[ "extension '{x}' parallel off", '000.{x}' ])
{
	my $place = 'names/' . ++$serial . '/p_';

	is(unload('select 1', $place, $case->[0]), done(1), "with \"$case->[0]\"");
	is(names($place), $case->[1], "it is called $case->[1]");
}
is(unload('select * from three', 'odd*[a]?\\{1},', 'manifest'), done(3), 'characters that mean something in our locations');
is(names('odd'), '*[a]?\\{1},0000_part_00 *[a]?\\{1},manifest', 'mean nothing here');

my $zipped = unloaded('select * from three', 'gzip');
my $plain;
IO::Uncompress::Gunzip::gunzip(\$zipped => \$plain);
is($plain, unloaded('select * from three'), 'what GZIP holds');

is(unload('select n, t from large order by n', 'max/', 'maxfilesize as 5 mb parallel off manifest'), done(400000), 'MAXFILESIZE');
is(names('max/'), '000 001 002 003 manifest', 'makes files');
my @files = map { content("max/00$_") } 0 .. 3;
ok((!grep { length > 5 * 1024 * 1024 } @files), 'none is larger');
ok((!grep { length $_ < 4999900 } @files[ 0 .. 2 ]), 'nor much smaller');
is(join('', @files), psql("SELECT string_agg(n || '|' || t, E'\\n' ORDER BY n) FROM large") . "\n", 'all of the rows, in their order');
is(join(' ', map { $_->{url} } @{ JSON::PP::decode_json(content('max/manifest'))->{entries} }),
	join(' ', map { "s3://$bucket/max/00$_" } 0 .. 3), 'the manifest has them all');

my $parallel = <<'SQL';
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_leader_participation = off;
SET max_parallel_workers_per_gather = 2
SQL
is(unload('select n, t from large', 'slices/', 'maxfilesize 5 mb', $parallel), done(400000), 'with workers');
like(names('slices/'), qr/^0000_part_00 .*\b0001_part_00\b/, 'each is a slice');
my @lines = sort map { split /(?<=\n)/, content($_) } s3_keys($bucket, 'slices/');
is(scalar @lines, 400000, 'which have all rows together');
is(join('', @lines), join('', sort map { split /(?<=\n)/, $_ } @files), 'the same');
is(unload('select n, t from large order by n', 'order/', '', $parallel), done(400000), 'with an order there is one slice');
is(names('order/'), '0000_part_00', 'the first');

#-------------------------------------------------------------------------
# Partitions
#-------------------------------------------------------------------------

my $states = 'select * from three union all select 5, $$x$$, $$y$$, null, null';
is(unload($states, 'part', 'csv partition by (venuestate) manifest'), done(4), 'PARTITION BY');
is(names('part'), '/manifest /venuestate=KS/0000_part_00 /venuestate=OH/0000_part_00 /venuestate=__HIVE_DEFAULT_PARTITION__/0000_part_00',
	'has its folders below the prefix, and the manifest beside them');
is(content('part/venuestate=KS/0000_part_00'), qq(4,"Community, Ballpark, Arena",Kansas City,0\n), 'without the column');
is(content('part/manifest'), <<"END", 'the manifest');
{
  "entries": [
    {"url":"s3://$bucket/part/venuestate=KS/0000_part_00"},
    {"url":"s3://$bucket/part/venuestate=OH/0000_part_00"},
    {"url":"s3://$bucket/part/venuestate=__HIVE_DEFAULT_PARTITION__/0000_part_00"}
  ]
}
END
is(unload($states, 'include/', 'partition by (venuestate, venueseats) include extension \'txt\''), done(4), 'INCLUDE');
is(content('include/venuestate=KS/venueseats=0/0000_part_00.txt'), "4|Community, Ballpark, Arena|Kansas City|KS|0\n", 'has it');
like(unload("select * from three where venuestate = 'OH'", 'part', 'csv partition by (venuestate)'),
	qr{not empty\n.*part/venuestate=OH/0000_part_00"}, 'an existing partition');
is(unload("select 1 as a, 'NY' as venuestate", 'part', 'csv partition by (venuestate)'), done(1), 'a new one');
like(unload("select 1 as a, 'NV' as venuestate", 'part', 'csv partition by (venuestate) manifest'), qr{not empty\n.*part/manifest"}, 'a manifest');
s3_put($bucket, 'part/venuestate=OH/other', 'x');
is(unload("select * from three where venueid = 1", 'part/', 'csv partition by (venuestate) cleanpath parallel off'), done(1), 'CLEANPATH');
is(names('part/'), 'manifest venuestate=KS/0000_part_00 venuestate=NY/0000_part_00 venuestate=OH/000 venuestate=__HIVE_DEFAULT_PARTITION__/0000_part_00',
	'deletes what is in folders that get files');
is(unload('select n, k from large', 'partslice/', 'partition by (k)', $parallel), done(400000), 'partitions and workers');
is(names('partslice/'), join(' ', map { ("k=$_/0000_part_00", "k=$_/0001_part_00") } 0 .. 2), 'slices in each of them');
for my $case (
	[ "select 1 as a", 'a', qr/all columns/ ], [ 'select 1 as a', 'b', qr/column "b".* is not in/ ],
	[ "select 1 as a, '{}'::jsonb as b", 'b', qr/column "b" of type jsonb cannot be/ ],
	[ "select 1 as a, 1.5::float8 as b", 'b', qr/cannot be a partition column/ ])
{
	like(unload($case->[0], 'never/', "partition by ($case->[1])"), qr/^ERROR: .*$case->[2]/, "refused: $case->[0] by $case->[1]");
}

#-------------------------------------------------------------------------
# What is there already
#-------------------------------------------------------------------------

s3_put($bucket, "clean/$_", 'x') for qw(old a/b 0000_part_07 manifest);
is(unload('select 1', 'clean/', 'cleanpath'), done(1), 'CLEANPATH of a folder');
is(names('clean/'), '0000_part_00', 'deletes all in it');
s3_put($bucket, "clean/$_", 'x') for qw(p_old p_folder/b q);
is(unload('select 1', 'clean/p_', 'cleanpath manifest'), done(1), 'of a prefix');
is(names('clean/'), '0000_part_00 p_0000_part_00 p_folder/b p_manifest q', 'what begins with it, but no folders');
like(unload('select 1/0', 'clean/', 'cleanpath'), qr/division by zero/, 'a failure');
is(names('clean/'), '0000_part_00 p_0000_part_00 p_folder/b p_manifest q', 'deletes nothing');
is(unload('select 1 where false', 'clean/', 'cleanpath json'), done(0), 'nothing to write');
is(names('clean/'), '', 'deletes as well');

#-------------------------------------------------------------------------
# No rows
#-------------------------------------------------------------------------

is(unload('select 1 as a where false', 'none/csv_', 'csv header manifest verbose'), done(0), 'no rows');
is(content('none/csv_0000_part_00'), "a\n", 'make one file without rows');
is(JSON::PP::decode_json(content('none/csv_manifest'))->{meta}{record_count}, 1, 'but for the header');
is(unload('select 1 as a where false', 'none/text_', 'parallel off'), done(0), 'of text');
is(content('none/text_000'), '', 'an empty one');
is(unload('select 1 as a where false', 'none/json_', 'json manifest'), done(0), 'of JSON');
is(unload('select 1 as a, 2 as b where false', 'none/part_', 'partition by (a)'), done(0), 'of partitions');
is(names('none/'), 'csv_0000_part_00 csv_manifest text_000', 'none');

#-------------------------------------------------------------------------
# Values
#-------------------------------------------------------------------------

my $values = <<'SQL';
select 1 as id, true as b, -5::int2 as i2, 9223372036854775807 as i8, 1.1::float4 as f4, 0.1::float8 as f8, 3.10::numeric(10,2) as n,
	'ab'::char(5) as c, '2026-01-02'::date as d, '2026-01-02 03:04:05.678'::timestamp as ts, '2026-01-02 03:04:05+02'::timestamptz as tz,
	'\x00ff5c'::bytea as by, '{"a": [1, null, "|"]}'::jsonb as j
SQL
my $settings = "SET datestyle = 'German'; SET bytea_output = escape; SET extra_float_digits = -5; SET timezone = 'UTC'";
my $line = '1|t|-5|9223372036854775807|1.1|0.1|3.10|ab|2026-01-02|2026-01-02 03:04:05.678|2026-01-02 01:04:05+00|00ff5c|{"a": [1, null, "|"]}';
is(unloaded($values, '', $settings), "$line\n", 'text does not depend on settings');
is(unloaded($values, "delimiter '.' escape addquotes", $settings), <<'END', 'what stands between quotes is escaped');
"1"."t"."-5"."9223372036854775807"."1\.1"."0\.1"."3\.10"."ab"."2026-01-02"."2026-01-02 03:04:05\.678"."2026-01-02 01:04:05+00"."00ff5c"."{\"a\": [1, null, \"|\"]}"
END
is(unloaded($values, 'json', $settings), <<'END', 'nor does JSON');
{"id":1,"b":true,"i2":-5,"i8":9223372036854775807,"f4":1.1,"f8":0.1,"n":3.10,"c":"ab","d":"2026-01-02","ts":"2026-01-02 03:04:05.678","tz":"2026-01-02 01:04:05+00","by":"00ff5c","j":{"a": [1, null, "|"]}}
END

my $odd = q(select E'a|b\\\\c\\nd\\re"f\\'g,h\\ti' as s, '' as e, null as n, '\\N' as m, 'x' as x);
for my $case (
	[ '', qq(a|b\\c\nd\re"f'g,h\ti|||\\N|x) ],
	[ 'escape', qq(a\\|b\\\\c\\\nd\\\re"f'g,h\ti|||\\\\N|x) ],
	[ q(escape null as '\N'), qq(a\\|b\\\\c\\\nd\\\re"f'g,h\ti||\\N|\\\\N|x) ],
	[ q(addquotes), qq("a|b\\c\nd\re"f'g,h\ti"|""||"\\N"|"x") ],
	[ q(addquotes escape null as 'x'), qq("a\\|b\\\\c\\\nd\\\re\\"f\\'g,h\ti"|""|x|"\\\\N"|"x") ],
	[ q(delimiter 'b' escape), qq(a|\\b\\\\c\\\nd\\\re"f'g,h\tibbb\\\\Nbx) ],
	[ q(csv), qq("a|b\\c\nd\re""f'g,h\ti",,,\\N,x) ],
	[ q(csv null as 'x'), qq("a|b\\c\nd\re""f'g,h\ti",,x,\\N,"x") ],
	[ q(csv null as '\N'), qq("a|b\\c\nd\re""f'g,h\ti",,\\N,"\\N",x) ])
{
	is(unloaded($odd, $case->[0]), "$case->[1]\n", "bytes with \"$case->[0]\"");
}
is(unloaded(q(select '\\.' as "a|b", '\\.' as c), 'escape header'), "a\\|b|c\n\\\\.|\\\\.\n", 'the header is escaped, too');
is(unloaded(q(select '\\.' as a), 'csv'), "\\.\n", 'no end marker in CSV');
is(unloaded(q(select '\\.' as a)), "\\.\n", 'nor in text');

is(unloaded('select 1 as a, null as b, null::text as c', q(fixedwidth 'a:2,b:3,c:1')), "1     \n", 'NULL is blank in fixed width');
is(unloaded('select 1 as a, null::int as b, null::text as c', q(fixedwidth 'a:2,b:3,c:4' null as 'fred')), "1    fred\n", 'a null text too long for a number is left out');
like(unloaded('select null::text as c', q(fixedwidth 'c:3' null as 'fred')), qr/^ERROR: value too long for column "c"/, 'of a string it is an error');
like(unloaded('select 12345 as c', q(fixedwidth 'c:3')), qr/^ERROR: value too long for column "c" of width 3/, 'nothing is cut');
like(unloaded('select 12345 as c', q(fixedwidth 'c:3,d:4')), qr/^ERROR: .*describes 2 fields, but there are 1/, 'widths must be as many as columns');
like(unloaded('select 1 as a, 2 as a', 'json'), qr/^ERROR: column "a" appears more than once/, 'names in JSON are unique');

#-------------------------------------------------------------------------
# Queries
#-------------------------------------------------------------------------

my $limit = qr/LIMIT clause is not supported in the outermost SELECT/;
for my $case (
	[ 'select 1; select 2', qr/exactly one statement/ ], [ '', qr/exactly one statement|query/ ],
	[ 'delete from three', qr/needs a SELECT/ ], [ 'delete from three returning *', qr/needs a SELECT/ ],
	[ "insert into three values (1) returning 1", qr/needs a SELECT/ ], [ 'update three set venueid = 1 returning 1', qr/needs a SELECT/ ],
	[ 'with d as (delete from three returning *) select * from d', qr/needs a SELECT.*\nDETAIL: +.*modifies data/ ],
	[ 'with r as (select 1) delete from three returning *', qr/needs a SELECT/ ],
	[ 'select * into other from three', qr/needs a SELECT/ ], [ 'create table other as select 1', qr/needs a SELECT/ ],
	[ 'drop table three', qr/needs a SELECT/ ], [ "copy three to program 'false'", qr/needs a SELECT/ ],
	[ 'explain analyze delete from three', qr/needs a SELECT/ ], [ 'do $$ begin end $$', qr/needs a SELECT/ ],
	[ 'select * from three limit 10', $limit ], [ '(select * from three limit 10)', $limit ],
	[ 'select 1 union all select 2 limit 1', $limit ], [ 'select * from three order by 1 fetch first row only', $limit ],
	[ 'select * form three', qr/syntax error.*\nLINE 1: select \* form three\n {16,}\^/ ],
	[ 'select * from nowhere', qr/relation "nowhere" does not exist/ ])
{
	like(unload($case->[0], 'refused/'), qr/^ERROR: .*$case->[1]/, "refused: $case->[0]");
}
is(names('refused/'), '', 'nothing was written for them');
is(psql('SELECT count(*) FROM three'), 3, 'nor changed');
for my $query (
	'select * from (select * from three limit 1) t', 'select * from three where venueid in (select venueid from three order by venueid desc limit 1)',
	'(select * from three limit 1) union (select * from three where false limit 5)', 'with r as (select * from three limit 1) select * from r',
	"select 'a limit 1; delete' as x;", '-- select 1; select 2' . "\nselect 1", 'select 1 offset 0')
{
	is(unload($query, 'allowed/' . ++$serial), done(1), "allowed: $query");
}

# As the current user
psql(<<"SQL");
CREATE ROLE regress_unloader;
GRANT USAGE ON FOREIGN SERVER s3 TO regress_unloader;
GRANT EXECUTE ON FUNCTION redshift(text) TO regress_unloader;
CREATE USER MAPPING FOR regress_unloader SERVER s3 OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
SQL
like(unload('select * from three', 'user/', '', 'SET ROLE regress_unloader'), qr/permission denied for table three/, 'SELECT is needed');
psql('GRANT SELECT ON three TO regress_unloader; ALTER TABLE three ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON three USING (venueid = 2)');
is(unload('select venueid from three', 'user/', '', 'SET ROLE regress_unloader'), done(1), 'and row security counts');
is(content('user/0000_part_00'), "2\n", 'as in any query');

#-------------------------------------------------------------------------
# Keys of the statement, encryption
#-------------------------------------------------------------------------

# Without a mapping, and with workers to be had
sub unload_with_keys
{
	my ($secret, $place) = @_;
	my $statement = "unload ('select n from large') to 's3://$bucket/$place' access_key_id 'demokey' secret_access_key '$secret'";

	return (psql_err("$parallel;\nBEGIN; DROP USER MAPPING FOR CURRENT_USER SERVER s3; SELECT redshift(" . lit($statement) . '); COMMIT'))[1];
}
my $err = unload_with_keys('wrongsecret', 'keys/');
like($err, qr/SignatureDoesNotMatch/, 'wrong keys are used');
unlike($err, qr/wrongsecret/, 'and not shown');
like(unload_with_keys('demosecret', 'keys/'), qr/UNLOAD completed, 400000 record/, 'right keys do without a mapping');
is(names('keys/'), '0000_part_00', 'without workers');
psql("CREATE USER MAPPING FOR CURRENT_USER SERVER s3 OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret')");

# Of a request, "name: value" for headers of encryption
sub encryption
{
	my ($request) = @_;
	my $headers = $request->{headers};

	return join ' ', map { "$_: $headers->{$_}" } sort grep { /^x-amz-server-side/ } keys %$headers;
}
psql("ALTER SERVER s3 OPTIONS (SET endpoint '$store')");
store_requests();
for my $case ([ '', '' ], [ 'encrypted auto', '' ],
	[ "kms_key_id '1234abcd-12ab-34cd-56ef-1234567890ab' encrypted manifest",
	  'x-amz-server-side-encryption: aws:kms x-amz-server-side-encryption-aws-kms-key-id: 1234abcd-12ab-34cd-56ef-1234567890ab' ])
{
	is(unload('select 1', "encrypted/", "$case->[0] allowoverwrite"), done(1), "with \"$case->[0]\"");
	my @written = grep { $_->{method} eq 'POST' ? $_->{target} =~ /uploads/ : $_->{method} eq 'PUT' && $_->{target} !~ /partNumber/ } store_requests();
	cmp_ok(scalar @written, '>', 0, 'it writes');
	is(join('; ', map { encryption($_) } @written), join('; ', ($case->[1]) x @written), 'its headers');
}

psql('DROP OWNED BY regress_unloader; DROP ROLE regress_unloader');
done_testing();
