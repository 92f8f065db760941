#-------------------------------------------------------------------------
#
# 080_redshift_flow.pl
#		Redshift's flow from end to end: the tutorial's load of TICKIT, what
#		UNLOAD writes read back by COPY, MAXERROR, exports of DynamoDB.
#
# Rows are compared as text, both ways.  The oracle of the tutorial is core's
# COPY of the same files; of a round trip, the table that was unloaded.
#
# IDENTIFICATION
#		test/t/080_redshift_flow.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;
use utf8;

use FindBin;
use IO::Compress::Gzip ();
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'redshift-flow';
my $other = 'redshift-flow-2';
my $arn = 'arn:aws:iam::0123456789012:role/MyRedshiftRole';
my $role = "flow_$$";

s3_make_bucket($_) for $bucket, $other;
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}', iam_role '$arn');
CREATE USER MAPPING FOR PUBLIC SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE ROLE $role LOGIN;
END

# Run a statement: what it says, and the rows that come after it.
sub redshift
{
	my ($statement, %opts) = @_;
	my ($out, $err) = psql_err(($opts{before} || '') . "SELECT FROM redshift(" . lit($statement) . ");\n"
		  . ($opts{after} || ''), %{ $opts{psql} || {} });

	$err =~ s/^psql:<stdin>:\d+: //mg;
	$out =~ s/\A\n+//;
	return (join("\n", grep { /^(?:INFO|WARNING|ERROR|DETAIL|HINT):/ } split /\n/, $err), $out);
}

sub said { return (redshift(@_))[0] }

sub loaded
{
	my ($table, $n) = @_;

	return "INFO:  00000: Load into table '$table' completed, $n record(s) loaded successfully.";
}

sub skipped
{
	my ($table, $n, $bad) = @_;

	return loaded($table, $n) . "\nINFO:  00000: Load into table '$table' completed, $bad record(s) could not be loaded."
	  . "  Check 'stl_load_errors' system table for details.";
}

sub unloaded { return "INFO:  00000: UNLOAD completed, $_[0] record(s) unloaded successfully." }

my $failed = "ERROR:  XX000: Load into table '%s' failed.  Check 'stl_load_errors' system table for details.\n";

# Rows of one query that the other one lacks, both ways.
sub differences
{
	my ($want, $got) = @_;

	return psql(<<"END");
SELECT 'lost: ' || r FROM (SELECT (w.*)::text AS r FROM ($want) w EXCEPT ALL SELECT (g.*)::text FROM ($got) g) d
UNION ALL
SELECT 'made: ' || r FROM (SELECT (g.*)::text AS r FROM ($got) g EXCEPT ALL SELECT (w.*)::text FROM ($want) w) d
END
}

#-------------------------------------------------------------------------
# The tutorial
#-------------------------------------------------------------------------

sub gzipped
{
	my ($bytes) = @_;
	my $result;

	IO::Compress::Gzip::gzip(\$bytes => \$result);
	return $result;
}

SKIP:
{
	my $dir = (corpora() || '') . '/demo/tickit/tickit';
	my %files = (venue => 'venue_pipe.txt', category => 'category_pipe.txt',
		date => 'date2008_pipe.txt', event => 'allevents_pipe.txt');
	my %counts = (venue => 202, category => 11, date => 365, event => 8798);
	my $role_clause = "credentials 'aws_iam_role=$arn'";
	my $tables = <<'END';
create table %1$s.venue(venueid smallint not null, venuename varchar(100), venuecity varchar(30), venuestate char(2), venueseats integer);
create table %1$s.category(catid smallint not null, catgroup varchar(10), catname varchar(10), catdesc varchar(50));
create table %1$s.date(dateid smallint not null, caldate date not null, day character(3) not null, week smallint not null,
	month character(5) not null, qtr character(5) not null, year smallint not null, holiday boolean default('N'));
create table %1$s.event(eventid integer not null, venueid smallint not null, catid smallint not null, dateid smallint not null,
	eventname varchar(200), starttime timestamp);
END

	skip 'no corpus of the sample database', 1 if !-d $dir;
	psql('CREATE SCHEMA core;' . sprintf($tables, 'public') . sprintf($tables, 'core'));
	for my $table (sort keys %files)
	{
		my $bytes = slurp("$dir/$files{$table}");
		my $path = server_tmp() . "/$table";

		s3_put($bucket, "tickit/$files{$table}", $bytes);
		open my $fh, '>:raw', $path or die "$path: $!\n";
		print $fh $bytes;
		close $fh;
		chmod 0644, $path;

		# In the files, an empty string is what COPY takes for NULL in no column but those of numbers.
		psql("COPY core.$table FROM " . lit($path) . " (DELIMITER '|', NULL '\\N')");

		# The files once more in two parts, gzipped.
		my @lines = split /(?<=\n)/, $bytes;
		my @first = splice @lines, 0, @lines / 2;
		s3_put($bucket, "parts/$table.0.gz", gzipped(join '', @first));
		s3_put($other, "parts/$table.1.gz", gzipped(join '', @lines));
		s3_put($bucket, "parts/$table.manifest", <<"END");
{
  "entries": [
    {"url":"s3://$bucket/parts/$table.0.gz", "mandatory":true},
    {"url":"s3://$other/parts/$table.1.gz", "mandatory":true}
  ]
}
END
	}
	my $history = q(SELECT pg_last_copy_count(), pg_last_copy_id() > 0, pg_last_copy_id() = pg_last_query_id();
SELECT count(*), count(DISTINCT filename), sum(lines_scanned), sum(errors), min(status), string_agg(rtrim(filename), ' ' ORDER BY filename)
	FROM stl_load_commits WHERE query = pg_last_copy_id();
SELECT status, table_name, data_source, file_format, loaded_rows, source_file_count, file_count_scanned, error_count,
	source_file_bytes, database_name = current_database()
	FROM sys_load_history WHERE query_id = pg_last_copy_id());

	for my $table (qw(venue category date event))
	{
		my $n = $counts{$table};
		my $key = "tickit/$files{$table}";
		my $time = $table eq 'event' ? " timeformat 'YYYY-MM-DD HH:MI:SS'" : '';
		my $size = -s "$dir/$files{$table}";
		my ($said, $out) = redshift("copy $table from 's3://$bucket/$key' \n$role_clause \ndelimiter '|'$time region 'us-east-1';",
			before => "SET search_path = public, redshift;\n", after => $history);

		is($said, loaded($table, $n), "the tutorial's COPY of $table");
		is($out, "$n|t|t\n1|1|$n|0|1|s3://$bucket/$key\n"
			  . "completed|$table|s3://$bucket/$key|text|$n|1|1|0|$size|t", '... counts, files, history');
		is(psql("SELECT count(*) FROM public.$table"), $n, '... the number of rows');
		is(differences("SELECT * FROM core.$table", "SELECT * FROM public.$table"), '', '... the rows of COPY');

		# By a manifest
		psql("TRUNCATE public.$table");
		$size = length(s3_get($bucket, "parts/$table.0.gz")) + length(s3_get($other, "parts/$table.1.gz"));
		($said, $out) = redshift("copy $table\nfrom 's3://$bucket/parts/$table.manifest'\niam_role '$arn'\n"
			  . "gzip delimiter as '|'$time manifest;",
			before => "SET search_path = public, redshift;\n", after => $history);
		is($said, loaded($table, $n), "$table by a manifest of two gzipped files");
		is($out, "$n|t|t\n2|2|$n|0|1|s3://$other/parts/$table.1.gz s3://$bucket/parts/$table.0.gz\n"
			  . "completed|$table|s3://$bucket/parts/$table.manifest|text|$n|2|2|0|$size|t", '... counts, files, history');
		is(differences("SELECT * FROM core.$table", "SELECT * FROM public.$table"), '', '... the rows of COPY');
	}

	# And back: what the guide calls reloading.
	is(said("unload ('select * from venue order by venueid')\nto 's3://$bucket/tickit/venue/reload_'\niam_role '$arn'\n"
			  . "manifest\ndelimiter '|'"), unloaded(202), 'unloading VENUE');
	is(said("copy venue\nfrom 's3://$bucket/tickit/venue/reload_manifest'\niam_role '$arn'\nmanifest\ndelimiter '|'",
			before => "TRUNCATE venue;\n"), loaded('venue', 202), 'reloading it by the manifest');
	is(differences('SELECT * FROM core.venue', 'SELECT * FROM venue'), '', '... the same');
}

#-------------------------------------------------------------------------
# There and back
#-------------------------------------------------------------------------

psql(<<'END');
CREATE TABLE every (id int NOT NULL, i2 smallint, i8 bigint, n numeric, np numeric(38,10), r real, d double precision,
	b boolean, c char(10), v varchar(300), t text, da date, ts timestamp, tz timestamptz, ti time, by bytea, j jsonb, u uuid);
INSERT INTO every (id) VALUES (0);
INSERT INTO every VALUES
	(1, 1, 1, 1.50, 1.5, 1.5, 1.5, true, 'char', 'varchar', 'text', '2026-01-02', '2026-01-02 03:04:05.678901',
	 '2026-01-02 03:04:05.678901+02', '03:04:05.678901', '\x00ff5c0a0d7c2c22', '{"a": [1, null, "|"], "b\"": "c\\d,\ne"}',
	 '12345678-9abc-def0-1234-56789abcdef0'),
	(2, -32768, -9223372036854775808, -1e100, -9999999999999999999999999999.9999999999, -3.4028235e38, -1.7976931348623157e308,
	 false, '', '', '', '0001-01-01', '0001-01-01 00:00:00', '0001-01-02 00:00:00+00', '00:00:00', '\x00', '[]',
	 '00000000-0000-0000-0000-000000000000'),
	(3, 32767, 9223372036854775807, 123456789012345678901234567890.123456789012345678901234567890,
	 9999999999999999999999999999.9999999999, 3.4028235e38, 1.7976931348623157e308, true, '0123456789', repeat('v', 300),
	 repeat('long ', 20000) || 'text', '9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-30 23:59:59.999999+00',
	 '23:59:59.999999', decode(repeat('00ff0a5c', 1000), 'hex'), jsonb_build_object('long', repeat('x', 10000)),
	 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
	(4, 0, 0, 0.000, 0.0000000001, 1.17549435e-38, 2.2250738585072014e-308, false, 'a', 'b', 'c', '2000-02-29',
	 '2000-02-29 23:59:59.1', '1883-11-18 12:00:00+00', '12:00:00', '\xdeadbeef', '"string"', NULL),
	(5, NULL, NULL, 1e-30, -0.0000000001, 1e-45, 5e-324, NULL, NULL, NULL, NULL, '1582-10-15', '1969-12-31 23:59:59',
	 '1969-12-31 23:59:59+00', NULL, NULL, '12.50', NULL),
	(6, NULL, NULL, 42, 0, '-0', '-0', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'true', NULL),
	(7, NULL, NULL, NULL, NULL, 0.1, 0.1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '[{}, [null, ""]]', NULL);

-- strings, in varchar and text
CREATE TABLE strings (n int GENERATED ALWAYS AS IDENTITY, s text);
INSERT INTO strings (s) VALUES
	(' '), ('   '), (' a'), ('a '), (E'\t'), (E'a\tb'), ('"'), ('""'), ('"quoted"'), ('a"b'), (''''), ('''quoted'''), ('it''s'),
	('"open'), ('''open'), (' "x"'), (' ''x'' '), (E'\\'), (E'\\\\'), (E'a\\b'), (E'\\n'), (E'a\\'), (E'\\|'), (E'\\"'), (E'\\.'),
	(E'\n'), (E'a\nb'), (E'\na'), (E'a\n'), (E'\n\n'), (E'\r'), (E'a\rb'), (E'a\r'), (E'\r\n'), (E'a\r\nb'), (E'a\r\n'),
	(E'a\n1|b\n2|c'), (E'"a\nb"'), (E'''a\n'), ('|'), ('a|b'), ('||'), (','), ('a,b'), (',,'), (';'), ('~'), ('a~b'), ('NULL'), ('null'),
	('\N '), ('nothing'), ('ä€𝄞'), ('日本語|"\'), ('{"a": "b"}'), ('#'), ('--'), (E'\x01\x7f'), (E'a\u00a0'), ('00'), ('t'),
	(repeat('"', 99)), (repeat(E'\\', 99)), (repeat(E'\n', 99)), (repeat('|', 99)), (repeat('ä', 149));
INSERT INTO every (id, v, t, c) SELECT 100 + n, s, s, CASE WHEN s ~ '^[[:ascii:]]{0,10}$' AND s <> '\N ' THEN s END FROM strings;

-- only those whose text is found again in lines without escapes, and in columns of fixed width
CREATE VIEW plain AS SELECT * FROM every WHERE id < 100 AND id <> 1 AND id <> 3
	OR id > 100 AND t !~ E'[|\n\r]';
CREATE VIEW lines AS SELECT * FROM every WHERE id < 100 AND id <> 3 OR id > 100 AND t !~ E'[\n\r]';
CREATE TABLE back (LIKE every);
END
my $nstrings = psql('SELECT count(*) FROM strings');

# COPY's own words for spelling must not matter, nor UNLOAD's.
my $unload_settings = "SET timezone = 'Europe/Berlin'; SET datestyle = 'German'; SET extra_float_digits = -3;"
  . " SET bytea_output = 'escape'; SET intervalstyle = 'iso_8601';\n";
my $copy_settings = "SET timezone = 'America/Lima'; SET datestyle = 'SQL, DMY'; TRUNCATE back;\n";
my $serial = 0;

# Unload a query with options, and load that with others; what comes back must be
# what another query says.
sub round_trip
{
	my ($name, $query, $unload_options, $copy_options, $want, %opts) = @_;
	my $place = 'trip/' . ++$serial . '/';
	my $n = psql("SELECT count(*) FROM ($query) q");
	my $source = $place . ($copy_options =~ /\bMANIFEST\b/ ? 'manifest' : '');

	is(said('UNLOAD (' . lit($query) . ") TO 's3://$bucket/$place' IAM_ROLE '$arn' $unload_options",
			before => $unload_settings . ($opts{settings} || '')), unloaded($n), "$name: UNLOAD");
	is(said("COPY back FROM 's3://$bucket/$source' IAM_ROLE '$arn' $copy_options", before => $copy_settings),
		loaded('back', $n), "$name: COPY");
	my $differences = differences($want || $query, 'SELECT * FROM back');
	ok($differences eq '', "$name: the rows") or diag(substr $differences, 0, 3000);
	return $place;
}

my $all = 'SELECT * FROM every';
my @columns = split / /, psql("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'every'::regclass AND attnum > 0");

# As all, but with expressions in the place of columns.
sub all_but
{
	my ($from, %instead) = @_;

	$instead{c} = "($instead{c})::char(10)" if exists $instead{c};
	return 'SELECT ' . join(', ', map { exists $instead{$_} ? "$instead{$_} AS $_" : $_ } @columns) . " FROM $from";
}

# Strings that are NULL come back empty, where nothing tells NULL.
my %no_null = map { $_ => "coalesce($_, '')" } qw(c v t);

# What may be said besides a format
my @variants = ([ 'GZIP', 'GZIP' ], [ 'PARALLEL OFF MANIFEST BZIP2', 'BZIP2 MANIFEST' ],
	[ 'ZSTD MANIFEST VERBOSE', 'MANIFEST ZSTD' ], [ 'PARALLEL OFF', '' ], [ 'GZIP MANIFEST', 'GZIP MANIFEST' ]);

my $widths = join ',', map { "$_:" . ({ id => 11, t => 400, n => 110, j => 200, by => 60, v => 300 }->{$_} || 45) } @columns;
my @formats = (
	[ 'CSV', $all, 'CSV', 'CSV', all_but('every', %no_null) ],
	[ 'CSV, EMPTYASNULL', $all, 'CSV', 'CSV EMPTYASNULL', all_but('every', map { $_ => "nullif($_, '')" } qw(c v t)) ],
	[ 'CSV, NULL AS', $all, q(CSV NULL AS '\N'), 'CSV' ],
	[ 'CSV, another NULL AS', $all, q(CSV NULL AS 'nothing'), q(CSV NULL AS 'nothing') ],
	[ 'CSV with bars and a header', $all, q(CSV DELIMITER '|' HEADER NULL '\N'), q(CSV DELIMITER AS '|' IGNOREHEADER 1) ],
	[ 'CSV with tabs', $all, q(CSV DELIMITER '\t' NULL '\N'), q(CSV DELIMITER '\t') ],
	[ 'CSV with tildes', $all, q(CSV DELIMITER '~' NULL '\N' HEADER), q(CSV DELIMITER '~' IGNOREHEADER AS 1) ],
	[ 'text', 'SELECT * FROM plain', '', '', all_but('plain', %no_null) ],
	[ 'text, NULL AS', 'SELECT * FROM plain', q(NULL AS '\N'), '' ],
	[ 'ESCAPE', $all, 'ESCAPE', 'ESCAPE', all_but('every', %no_null) ],
	[ 'ESCAPE, NULL AS', $all, q(ESCAPE NULL AS '\N' HEADER), 'ESCAPE IGNOREHEADER 1' ],
	[ 'ESCAPE, another NULL AS', $all, q(ESCAPE NULL AS '@' DELIMITER ';'), q(DELIMITER ';' ESCAPE NULL AS '@') ],
	[ 'ADDQUOTES, ESCAPE', $all, q(ADDQUOTES ESCAPE NULL AS '\N'), 'REMOVEQUOTES ESCAPE' ],
	[ 'ADDQUOTES, ESCAPE, NULL AS', $all, q(ADDQUOTES ESCAPE NULL AS 'nothing' DELIMITER ',' HEADER),
		q(REMOVEQUOTES ESCAPE NULL AS 'nothing' DELIMITER ',' IGNOREHEADER 1) ],
	[ 'ADDQUOTES, ESCAPE, empty', $all, 'ADDQUOTES ESCAPE', q(REMOVEQUOTES ESCAPE NULL AS '') ],
	[ 'JSON', $all, 'JSON', "JSON 'auto'" ],
	[ 'JSON, ignorecase', $all, 'FORMAT AS JSON', "FORMAT JSON 'auto ignorecase'" ],

	# Blanks at the end are lost; so is the difference between '', blanks and NULL.
	[ 'FIXEDWIDTH', 'SELECT * FROM lines', "FIXEDWIDTH '$widths'", "FIXEDWIDTH '$widths' TRIMBLANKS",
		all_but('lines', c => "coalesce(c, '')", map { $_ => "nullif(rtrim(coalesce($_, ''), E' \\t'), '\\N')" } qw(v t)) ],
	[ 'FIXEDWIDTH, BLANKSASNULL', 'SELECT * FROM lines', "FIXEDWIDTH '$widths'", "FIXEDWIDTH '$widths' TRIMBLANKS BLANKSASNULL",
		all_but('lines', map { $_ => "nullif(nullif(rtrim($_, E' \\t'), ''), '\\N')" } qw(c v t)) ],
	[ 'FIXEDWIDTH, NULL AS', 'SELECT * FROM lines', "FIXEDWIDTH '$widths' NULL AS '\\N'", "FIXEDWIDTH '$widths' TRIMBLANKS",
		all_but('lines', map { $_ => "nullif(rtrim($_, E' \\t'), '\\N')" } qw(v t)) ]);

for my $format (@formats)
{
	my ($name, $query, $unload, $copy, $want) = @$format;

	# Each as it is, and in one other way
	push @variants, shift @variants;
	for my $variant ([ '', '' ], $variants[0])
	{
		round_trip($variant->[0] ? "$name, $variant->[0]" : $name, $query, "$unload $variant->[0]", "$copy $variant->[1]", $want);
	}
}

# What a value is that reads as NULL is, where nothing is quoted, lost.
psql('CREATE TABLE marks (id int, v varchar(10), t text); CREATE TABLE marks_back (LIKE marks)');
psql(q(INSERT INTO marks VALUES (1, '\N', '\N'), (2, 'nil', 'nil'), (3, '', ''), (4, ' ', ' '), (5, NULL, NULL)));
for my $case (
	[ q(CSV NULL AS '\N'), 'CSV', '1:\N 2:nil 3: 4:  5:NULL' ],
	[ q(CSV NULL AS 'nil'), q(CSV NULL AS 'nil'), '1:\N 2:nil 3: 4:  5:NULL' ],
	[ 'CSV', 'CSV', '1:NULL 2:nil 3: 4:  5:' ], [ 'CSV', 'CSV BLANKSASNULL EMPTYASNULL', '1:NULL 2:nil 3:NULL 4:NULL 5:NULL' ],
	[ q(NULL AS 'nil'), q(NULL AS 'nil'), '1:\N 2:NULL 3: 4:  5:NULL' ],
	[ q(ESCAPE NULL AS '\N'), 'ESCAPE', '1:NULL 2:nil 3: 4:  5:NULL' ],
	[ q(ESCAPE NULL AS 'nil'), q(ESCAPE NULL AS 'nil'), '1:\N 2:NULL 3: 4:  5:NULL' ],
	[ q(ADDQUOTES ESCAPE NULL AS '\N'), 'REMOVEQUOTES ESCAPE', '1:\N 2:nil 3: 4:  5:NULL' ],
	[ q(ADDQUOTES ESCAPE NULL AS 'nil'), q(REMOVEQUOTES ESCAPE NULL AS 'nil'), '1:\N 2:nil 3: 4:  5:NULL' ],
	[ q(JSON), q(JSON 'auto'), '1:\N 2:nil 3: 4:  5:NULL' ],
	[ q(FIXEDWIDTH 'id:2,v:3,t:3'), q(FIXEDWIDTH 'id:2,v:3,t:3'), '1:NULL 2:nil 3:    4:    5:   ' ],
	[ q(FIXEDWIDTH 'id:2,v:3,t:3' NULL AS 'nil'), q(FIXEDWIDTH 'id:2,v:3,t:3' NULL AS 'nil' TRIMBLANKS), '1:\N 2:NULL 3: 4: 5:NULL' ])
{
	my ($unload, $copy, $want) = @$case;
	my $place = 'marks/' . ++$serial;

	is(said("UNLOAD ('SELECT * FROM marks') TO 's3://$bucket/$place' IAM_ROLE '$arn' $unload"), unloaded(5), "marks of NULL: UNLOAD $unload");
	is(said("COPY marks_back FROM 's3://$bucket/$place' IAM_ROLE '$arn' $copy"), loaded('marks_back', 5), "... COPY $copy");
	is(psql("SELECT string_agg(id || ':' || coalesce(t, 'NULL'), ' ' ORDER BY id), count(*) FILTER (WHERE v IS DISTINCT FROM t) "
			  . 'FROM marks_back; TRUNCATE marks_back'), "$want|0", '... what is NULL then');
}

# What Redshift's COPY does not take: NaN, infinities, bytes in ways of their own.
psql(<<'END');
CREATE TABLE floats (id int, r real, d double precision, n numeric);
INSERT INTO floats VALUES (1, 1.5, 2.5, 3.5), (2, 'NaN', NULL, NULL), (3, NULL, 'NaN', NULL), (4, 'inf', NULL, NULL),
	(5, NULL, '-inf', NULL), (6, NULL, NULL, 'NaN');
CREATE TABLE floats_back (LIKE floats);
END
for my $case ([ 'CSV', 'CSV' ], [ '', '' ], [ 'ADDQUOTES ESCAPE', 'REMOVEQUOTES ESCAPE' ], [ 'JSON', "JSON 'auto'" ],
	[ (q(FIXEDWIDTH 'id:2,r:20,d:20,n:20')) x 2 ])
{
	my ($unload, $copy) = @$case;
	my $place = 'floats/' . ++$serial;

	is(said("UNLOAD ('SELECT * FROM floats ORDER BY id') TO 's3://$bucket/$place' IAM_ROLE '$arn' $unload"), unloaded(6), "no numbers: UNLOAD $unload");
	my ($said, $out) = redshift("COPY floats_back FROM 's3://$bucket/$place' IAM_ROLE '$arn' $copy MAXERROR 9",
		before => "SET search_path = public, redshift;\n",
		after => "SELECT string_agg(rtrim(err_reason) || ' ' || err_code, '; ' ORDER BY line_number) FROM stl_load_errors WHERE query = pg_last_copy_id()");
	is($said, skipped('floats_back', 1, 5), '... COPY');
	is($out, join('; ', map { "Invalid digit, Value '$_->[0]', Pos $_->[1], Type: $_->[2] 1207" }
			[ 'N', 0, 'Float' ], [ 'N', 0, 'Double' ], [ 'I', 0, 'Float' ], [ 'I', 1, 'Double' ], [ 'N', 0, 'Decimal' ]), '... why');

	# Not in JSON, nor between quotes
	next if $copy =~ /JSON|REMOVEQUOTES/;
	is(said("COPY floats_back FROM 's3://$bucket/$place' IAM_ROLE '$arn' $copy NULL AS 'NaN' MAXERROR 9"),
		skipped('floats_back', 4, 2), "... NULL AS 'NaN'");
}

# Dates and times beyond the default formats
psql(<<'END');
CREATE TABLE times (id int, da date, ts timestamp, tz timestamptz);
INSERT INTO times VALUES (1, '4713-01-01 BC', '4713-01-01 00:00:00 BC', '4713-01-02 00:00:00+00 BC'),
	(2, '0044-03-15 BC', '0044-03-15 12:00:00.5 BC', '0044-03-15 12:00:00.5+00 BC'),
	(3, '0001-12-31 BC', '0001-12-31 23:59:59.999999 BC', '0001-12-31 00:00:00+00 BC'),
	(4, '10000-01-01', '10000-01-01 00:00:00', '10000-01-01 12:00:00+00'),
	(5, '294276-12-31', '294276-12-31 23:59:59.999999', '294276-12-30 23:59:59.999999+00'),
	(6, '2026-10-25', '2026-10-25 02:30:00', '2026-10-25 00:30:00+00'), (7, '2026-10-25', NULL, '2026-10-25 01:30:00+00');
CREATE TABLE times_back (LIKE times);
END
for my $case ([ 'CSV', 'CSV' ], [ 'ESCAPE', 'ESCAPE' ], [ 'JSON', "JSON 'auto'" ],
	[ ("FIXEDWIDTH 'id:2,da:20,ts:40,tz:40'") x 2 ])
{
	my ($unload, $copy) = @$case;
	my $place = 'times/' . ++$serial;

	is(said("UNLOAD ('SELECT * FROM times') TO 's3://$bucket/$place' IAM_ROLE '$arn' $unload", before => $unload_settings), unloaded(7), "far times: UNLOAD $unload");
	is(said("COPY times_back FROM 's3://$bucket/$place' IAM_ROLE '$arn' $copy DATEFORMAT 'auto' TIMEFORMAT 'auto'", before => $copy_settings),
		loaded('times_back', 7), "... COPY $copy by 'auto'");
	is(differences('SELECT * FROM times', 'SELECT * FROM times_back'), '', '... the same');
	psql('TRUNCATE times_back');
	is(said("COPY times_back FROM 's3://$bucket/$place' IAM_ROLE '$arn' $copy MAXERROR 9", before => $copy_settings),
		skipped('times_back', 2, 5), '... by the default, years of four digits only');
	is(differences('SELECT * FROM times WHERE id > 5', 'SELECT * FROM times_back'), '', '... the same');
	psql('TRUNCATE times_back');
}
is(said("UNLOAD ('SELECT 1, ''infinity''::date') TO 's3://$bucket/infinity' IAM_ROLE '$arn'"), unloaded(1), 'a date without end');
like(said("COPY times_back (id, da) FROM 's3://$bucket/infinity' IAM_ROLE '$arn' DATEFORMAT 'auto'"), qr/column da: Invalid date format or value \[auto\]$/,
	'... is none');

# null of JSON
psql(q(CREATE TABLE nulls (id int, j jsonb); INSERT INTO nulls VALUES (1, 'null'), (2, NULL); CREATE TABLE nulls_back (LIKE nulls)));
for my $case ([ 'CSV', 'CSV', '1:null 2:' ], [ 'JSON', "JSON 'auto'", '1: 2:' ])
{
	my ($unload, $copy, $want) = @$case;
	my $place = 'nulls/' . ++$serial;

	is(said("UNLOAD ('SELECT * FROM nulls') TO 's3://$bucket/$place' IAM_ROLE '$arn' $unload"), unloaded(2), "JSON's null: UNLOAD $unload");
	is(said("COPY nulls_back FROM 's3://$bucket/$place' IAM_ROLE '$arn' $copy"), loaded('nulls_back', 2), '... COPY');
	is(psql("SELECT string_agg(id || ':' || coalesce(j::text, ''), ' ' ORDER BY id) FROM nulls_back; TRUNCATE nulls_back"), $want, '... is');
}

# Several slices, several files each, and partitions
psql(<<'END');
CREATE TABLE many AS SELECT n AS id, (n % 3)::smallint AS i2, md5(n::text) AS t, 'a|"b' || n AS v, '2026-01-01'::date + n % 2 AS da FROM generate_series(1, 150000) n;
ALTER TABLE many ADD COLUMN b boolean;
UPDATE many SET b = id % 2 = 0 WHERE id % 10 > 0;
VACUUM ANALYZE many;
CREATE TABLE many_back (LIKE many);
END
my $parallel = <<'END';
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET max_parallel_workers_per_gather = 2;
END
for my $case (
	[ 'ON', 'CSV', 'CSV', qr/^0000_part_00 .*0001_part_00/ ],
	[ 'ON', 'ESCAPE MANIFEST MAXFILESIZE 5 MB', 'ESCAPE MANIFEST', qr/^0000_part_00 .*manifest$/ ],
	[ 'OFF', 'JSON MAXFILESIZE 5 MB', "JSON 'auto'", qr/^000 001 002/ ],
	[ 'OFF', 'CSV GZIP', 'CSV GZIP', qr/^000\.gz$/ ],
	[ 'TRUE', 'CSV PARTITION BY (i2, da, b) INCLUDE', 'CSV', qr{^i2=0/da=2026-01-01/b=__HIVE_DEFAULT_PARTITION__/0000_part_00 } ],
	[ 'OFF', "PARTITION BY (b) INCLUDE ADDQUOTES ESCAPE ZSTD MANIFEST", 'REMOVEQUOTES ESCAPE ZSTD MANIFEST',
		qr{^b=__HIVE_DEFAULT_PARTITION__/000\.zst b=f\S*/000\.zst b=t\S*/000\.zst manifest$} ])
{
	my ($mode, $unload, $copy, $names) = @$case;
	my $place = 'many/' . ++$serial . '/';
	my $from = $place . ($copy =~ /MANIFEST/ ? 'manifest' : '');

	is(said("UNLOAD ('SELECT * FROM many') TO 's3://$bucket/$place' IAM_ROLE '$arn' $unload PARALLEL $mode", before => $parallel),
		unloaded(150000), "PARALLEL $mode: UNLOAD $unload");
	like(join(' ', map { substr $_, length $place } s3_keys($bucket, $place)), $names, '... the names');
	is(said("COPY many_back FROM 's3://$bucket/$from' IAM_ROLE '$arn' $copy"), loaded('many_back', 150000), "... COPY $copy");
	is(differences('SELECT * FROM many', 'SELECT * FROM many_back'), '', '... the same');
	psql('TRUNCATE many_back');
}

#-------------------------------------------------------------------------
# MAXERROR
#-------------------------------------------------------------------------

psql(<<"END");
CREATE TABLE target (id int, name varchar(5), day date, ok boolean);
GRANT USAGE ON FOREIGN SERVER s3 TO $role;
GRANT EXECUTE ON FUNCTION redshift(text) TO $role;
END
my $digit = "Invalid digit, Value 'x', Pos 0, Type: Integer";
my $ddl = 'String length exceeds DDL length';
my $bad_date = 'Invalid date format or value [YYYY-MM-DD]';

# The files, and of each of the three bad rows: file, line, column, type, length,
# raw line, raw value, code, reason; and the fields up to the faulty one.
my %kinds = (
	text => {
		options => '',
		files => [ "1|one|2026-01-01|t\nx2|two|2026-01-02|t\n3|three|2026-01-03|f\n",
			"4|four|2026-01-04|y\n5|toolong|2026-01-05|t\n6|six|2026-13-06|t\n7|seven|2026-01-07|0\n" ],
		errors => [ [ 0, 2, 'id', 'int4', 0, 'x2|two|2026-01-02|t', 'x2', 1207, $digit ],
			[ 1, 2, 'name', 'varchar', 5, '5|toolong|2026-01-05|t', 'toolong', 1204, $ddl ],
			[ 1, 3, 'day', 'date', 0, '6|six|2026-13-06|t', '2026-13-06', 1205, $bad_date ] ],
		detail => [ [ 0, 2, 0, 'id', 'x2' ], [ 1, 2, 0, 'id', '5' ], [ 1, 2, 1, 'name', 'toolong' ],
			[ 1, 3, 0, 'id', '6' ], [ 1, 3, 1, 'name', 'six' ], [ 1, 3, 2, 'day', '2026-13-06' ] ]
	},
	csv => {
		options => 'CSV IGNOREHEADER 1',
		rows => qq((1,"o\nne",2026-01-01,t) (3,three,2026-01-03,f) (4,"fo""r",2026-01-04,t) (7,seven,2026-01-07,f)),
		files => [ qq(id,name,day,ok\n1,"o\nne",2026-01-01,t\n"x2",two,2026-01-02,t\n3,three,2026-01-03,f\n),
			qq(id,name,day,ok\r\n4,"fo""r",2026-01-04,y\r\n5,five,2026-01-05\r\n6,"s"ix,2026-01-06,t\r\n7,seven,2026-01-07,0\r\n) ],
		errors => [ [ 0, 4, 'id', 'int4', 0, '"x2",two,2026-01-02,t', 'x2', 1207, $digit ],
			[ 1, 3, '', '', 0, '5,five,2026-01-05', '', 1214, 'Delimiter not found' ],
			[ 1, 4, '', '', 0, '6,"s"ix,2026-01-06,t', '', 1216, 'Invalid quote formatting for CSV' ] ],
		detail => [ [ 0, 4, 0, 'id', 'x2' ], [ 1, 3, 0, '', '' ], [ 1, 4, 0, '', '' ] ]
	},
	json => {
		options => "JSON 'auto'",
		files => [ qq({"id": 1, "name": "one", "day": "2026-01-01", "ok": true}\n{"name": "two",\n "id": "x2"\n}\n)
			  . qq({"id": 3, "name": "three", "day": "2026-01-03", "ok": false}\n),
			qq({"id": 4, "name": "four", "day": "2026-01-04", "ok": "y"}\n{"id": 5, "name": "toolong"}\n{"id": 6, "name": six}\n)
			  . qq({"id": 7, "name": "seven", "day": "2026-01-07", "ok": 0}) ],
		errors => [ [ 0, 4, 'id', 'int4', 0, qq({"name": "two",\n "id": "x2"\n}), 'x2', 1207, $digit ],
			[ 1, 2, 'name', 'varchar', 5, '{"id": 5, "name": "toolong"}', 'toolong', 1204, $ddl ],
			[ 1, 3, '', '', 0, '{"id": 6, "name": six}', '', 1216, 'Invalid value.' ] ],
		detail => [ [ 0, 4, 0, 'id', 'x2' ], [ 1, 2, 0, 'id', '5' ], [ 1, 2, 1, 'name', 'toolong' ], [ 1, 3, 0, '', '' ] ]
	},
	fixed => {
		options => "FIXEDWIDTH 'id:3,name:7,day:10,ok:1' TRIMBLANKS",
		files => [ "1  one    2026-01-01t\nx2 two    2026-01-02t\n3  three  2026-01-03f\n",
			"4  four   2026-01-04y\n5  toolong2026-01-05t\n6  six    2026-01-06q\n7  seven  2026-01-070\n" ],
		errors => [ [ 0, 2, 'id', 'int4', 0, 'x2 two    2026-01-02t', 'x2 ', 1207, $digit ],
			[ 1, 2, 'name', 'varchar', 5, '5  toolong2026-01-05t', 'toolong', 1204, $ddl ],
			[ 1, 3, 'ok', 'bool', 0, '6  six    2026-01-06q', 'q', 1210, 'Unknown boolean format' ] ],
		detail => [ [ 0, 2, 0, 'id', 'x2' ], [ 1, 2, 0, 'id', '5' ], [ 1, 2, 1, 'name', 'toolong' ],
			[ 1, 3, 0, 'id', '6' ], [ 1, 3, 1, 'name', 'six' ], [ 1, 3, 2, 'day', '2026-01-06' ], [ 1, 3, 3, 'ok', 'q' ] ]
	});
my $rows = '(1,one,2026-01-01,t) (3,three,2026-01-03,f) (4,four,2026-01-04,t) (7,seven,2026-01-07,f)';

# What the system tables say of a load, and what they should.
sub told
{
	my ($query) = @_;

	return (
		psql("SELECT string_agg(concat_ws('/', right(rtrim(filename), 1), line_number, rtrim(colname), rtrim(type), rtrim(col_length), "
			  . "rtrim(raw_line), rtrim(raw_field_value), err_code, rtrim(err_reason)), E'\\n' ORDER BY filename, line_number) "
			  . "FROM redshift.stl_load_errors WHERE query = $query AND tbl = 'target'::regclass AND session > 0"),
		psql("SELECT string_agg(concat_ws('/', right(rtrim(filename), 1), line_number, field, rtrim(colname), rtrim(value)), "
			  . "E'\\n' ORDER BY filename, line_number, field) FROM redshift.stl_loaderror_detail WHERE query = $query"));
}

sub lines_of
{
	return join "\n", map { join('/', @$_) =~ s/ +(?=\/|\z)//gr } @_;
}

for my $kind (sort keys %kinds)
{
	my $case = $kinds{$kind};
	my $from = "COPY target FROM 's3://$bucket/max/$kind/' IAM_ROLE '$arn' $case->{options}";
	my @errors = @{ $case->{errors} };
	my %copy_opts = (before => "SET search_path = public, redshift;\n", psql => { go_on => 1 },
		after => 'SELECT pg_last_copy_id(), pg_last_copy_count()');
	my ($said, $out, $query, $count, $first);

	s3_put($bucket, "max/$kind/$_", $case->{files}[$_]) for 0, 1;
	$first = sprintf qq(object "s3://$bucket/max/$kind/0", line %s, column %s: %s), @{ $errors[0] }[ 1, 2, 8 ];

	# n - 1 and n
	for my $max (2, 3)
	{
		($said, $out) = redshift("$from MAXERROR $max", %copy_opts);
		($query, $count) = split /\|/, $out;
		is($said, sprintf($failed, 'target') . "DETAIL:  The first one: $first", "$kind, MAXERROR $max: fails");
		is($count, 0, '... pg_last_copy_count()');
		is(psql('SELECT count(*) FROM target'), 0, '... nothing is loaded');
		my ($told, $detail) = told($query);
		my %in = map { ("$_->[0]/$_->[1]/" => 1) } @errors[ 0 .. $max - 1 ];
		is($told, lines_of(@errors[ 0 .. $max - 1 ]), '... stl_load_errors');
		is($detail, lines_of(grep { $in{"$_->[0]/$_->[1]/"} } @{ $case->{detail} }), '... stl_loaderror_detail');
		is(psql("SELECT status, loaded_rows, error_count FROM redshift.sys_load_history WHERE query_id = $query"), "aborted|0|$max",
			'... sys_load_history');
	}

	# n + 1, once more in a transaction that is rolled back
	for my $end ('', 'ROLLBACK;')
	{
		local $copy_opts{before} = $copy_opts{before} . ($end ? "BEGIN;\n" : '');

		($said, $out) = redshift("$from MAXERROR 4", %copy_opts, after => "$end $copy_opts{after}");
		($query, $count) = split /\|/, $out;
		is($said, skipped('target', 4, 3), "$kind, MAXERROR 4: succeeds" . ($end && ', rolled back'));
		is($count, 4, '... pg_last_copy_count()');
		is(psql("SELECT string_agg(t::text, ' ' ORDER BY id) FROM target t"), $end ? '' : $case->{rows} || $rows, '... the rows');
		my ($told, $detail) = told($query);
		is($told, lines_of(@errors), '... stl_load_errors');
		is($detail, lines_of(@{ $case->{detail} }), '... stl_loaderror_detail');
		is(psql("SELECT status, loaded_rows, error_count FROM redshift.sys_load_history WHERE query_id = $query"), "completed|4|3",
			'... sys_load_history');
		is(psql("SELECT string_agg(right(rtrim(filename), 1) || ' ' || lines_scanned || ' ' || errors, ', ' ORDER BY filename) "
				  . "FROM redshift.stl_load_commits WHERE query = $query"), '0 3 1, 1 4 2', '... stl_load_commits');
		is(psql("SELECT count(*) FROM redshift.sys_load_error_detail WHERE query_id = $query"), 3, '... sys_load_error_detail');
		psql('TRUNCATE target');
	}
	is(psql(join(' UNION ALL ', map { "SELECT count(*) FROM redshift.$_" }
				qw(stl_load_errors stl_loaderror_detail stl_load_commits sys_load_history sys_load_error_detail)), user => $role),
		join("\n", (0) x 5), "$kind: others see nothing of it");
}

# Each user has rows of his own.
psql("GRANT INSERT ON target TO $role");
like(said("COPY target FROM 's3://$bucket/max/text/' IAM_ROLE '$arn' MAXERROR 4", psql => { user => $role }), qr/3 record\(s\) could not/,
	'the other user loads');
is(psql('SELECT count(*), count(DISTINCT query) FROM redshift.stl_load_errors', user => $role), '3|1', '... and sees that only');
is(psql("SELECT count(DISTINCT query) FROM redshift.stl_load_errors WHERE userid = (SELECT oid::int FROM pg_roles WHERE rolname = '$role')"), 1,
	'... as does a superuser, of all');
psql('TRUNCATE target');

# MAXERROR 0, 1 and none fail at the first one; one that is in the way of none succeeds.
for my $max ('', 'MAXERROR 0', 'MAXERROR 1')
{
	like(said("COPY target FROM 's3://$bucket/max/text/0' IAM_ROLE '$arn' $max"), qr/^ERROR:  XX000: Load into table 'target' failed/, "one error, '$max': fails");
}
is(said("COPY target FROM 's3://$bucket/max/text/0' IAM_ROLE '$arn' MAXERROR 2"), skipped('target', 2, 1), 'MAXERROR 2: succeeds');
psql('TRUNCATE target');

#-------------------------------------------------------------------------
# Exports of DynamoDB
#-------------------------------------------------------------------------

SKIP:
{
	my $dir = (corpora() || '') . '/json/dynamodb/fixture';

	skip 'no corpus of DynamoDB', 1 if !-d $dir;
	psql(<<'END');
CREATE TABLE products ("productId" varchar(20), name varchar(40), price numeric(8,2), "inStock" boolean, quantity int, specs jsonb, tags jsonb,
	images bytea[], reviews jsonb);
CREATE TABLE whole (j jsonb);
END
	my $export = 'dynamo/AWSDynamoDB/01234567890123-abcdef12';
	my @lines = grep { length } split /\n/, slurp("$dir/products-dynamodb.jsonl");

	s3_put($bucket, "$export/data/a.json.gz", gzipped("$lines[0]\n"));
	s3_put($bucket, "$export/data/b.json.gz", gzipped("$lines[1]\n"));
	my $copy = "COPY products FROM 's3://$bucket/$export/data/' IAM_ROLE '$arn' JSON 'auto' GZIP";
	is(said($copy), loaded('products', 2), 'an export of DynamoDB');
	is(psql(q(SELECT "productId", name, price, "inStock", quantity, specs->>'color', tags->>0, images[1], reviews->>0 FROM products ORDER BY 1)),
		"prod-001|Wireless Mouse|29.99|t|150|Black|wireless|\\x696d616765312e706e67|\n"
		  . 'prod-002|USB-C Cable|12.99|t|500|White|cable|\x6361626c65312e6a7067|Excellent quality', '... its items');
	psql('TRUNCATE products');

	# Atomic over all files: the last one is bad in one way after another.
	my $whole = gzipped("$lines[1]\n");
	for my $last ([ 'half a gzip file', substr($whole, 0, 200), qr/22P04: gzip data ends unexpectedly/ ],
		[ 'no gzip', $lines[0], qr/22P04: data is not in gzip format/ ], [ 'no JSON', gzipped("$lines[0]\n{\"Item\":\n") ],
		[ 'a value that does not fit', gzipped($lines[0] =~ s/"150"/"many"/r) ], [ 'no item', gzipped(qq({"productId":"x"}\n)) ],
		[ 'a string too long', gzipped($lines[0] =~ s/prod-001/'x' x 21/er) ])
	{
		my ($name, $bytes, $broken) = @$last;
		my ($said, $out);

		s3_put($bucket, "$export/data/z.json.gz", $bytes);
		($said, $out) = redshift($copy, before => "SET search_path = public, redshift;\n", psql => { go_on => 1 },
			after => 'SELECT count(*), pg_last_copy_count() FROM products; SELECT status, error_count FROM sys_load_history WHERE query_id = pg_last_copy_id(); '
			  . 'SELECT rtrim(filename) FROM stl_load_errors WHERE query = pg_last_copy_id()');
		$broken ||= qr{XX000: Load into table 'products' failed\.  Check 'stl_load_errors' .*\nDETAIL:  The first one: object "s3://$bucket/$export/data/z\.json\.gz", line \d};
		like($said, qr/^ERROR:  $broken/, "a last file that is bad, $name: fails");

		# What is wrong with all of a file is the statement's error, and no row's.
		is($out, $last->[2] ? "0|0\naborted|0" : "0|0\naborted|1\ns3://$bucket/$export/data/z.json.gz", '... nothing is loaded');
		like(said("$copy MAXERROR 5"), qr/^ERROR:  $broken/, '... whatever MAXERROR is') if $last->[2];
	}
	is(psql('SELECT count(*) FROM products'), 0, 'nothing was loaded from any of them');
}

done_testing();
psql("DROP OWNED BY $role; DROP ROLE $role");
