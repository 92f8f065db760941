#-------------------------------------------------------------------------
#
# 040_corpora.pl
#		Published data sets through foreign tables and through COPY.
#
# The same files are uploaded and read by a foreign table, and loaded by COPY
# with the same options: rows must be the same, or both must fail.
#
# IDENTIFICATION
#		test/t/040_corpora.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use File::Basename qw(basename);
use IO::Compress::Gzip qw(gzip $GzipError);
use JSON::PP ();
use S3Test;
use Test::More;

my $corpora = corpora();
plan skip_all => 'no corpora beside the project' if !defined $corpora;

my $tmp = server_tmp();

s3_make_bucket('corpora');
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
END

# Make a file that the server can read; returns its path.
sub server_file
{
	my ($name, $bytes) = @_;
	my $path = "$tmp/$name";

	open my $fh, '>:raw', $path or die "could not create $path: $!\n";
	print $fh $bytes;
	close $fh or die "could not write $path: $!\n";
	chmod 0644, $path;
	return $path;
}

#-------------------------------------------------------------------------
# Four part files of one table
#-------------------------------------------------------------------------

SKIP:
{
	my @files = sort glob "$corpora/demo/noaa-stormevents/*.csv";
	skip 'no demo/noaa-stormevents', 5 if @files == 0;

	my $columns = 'yearmonth int, episode_id int, event_id int, location_index int, range numeric,'
	  . ' azimuth text, location text, latitude float8, longitude float8, lat2 int, lon2 int';
	my $sums = 'count(*), sum(yearmonth), sum(event_id), sum(range), sum(lat2), count(azimuth),'
	  . ' sum(length(location)), md5(string_agg(latitude::text, chr(44) ORDER BY event_id, location_index, latitude))';

	for my $file (@files)
	{
		s3_put('corpora', 'storm/' . basename($file), slurp($file));
	}
	psql("CREATE FOREIGN TABLE storm ($columns) SERVER s3"
		  . " OPTIONS (location 's3://corpora/storm/', header 'true')");
	psql("CREATE TABLE storm_copied ($columns)");
	psql(join ';', map
		{
			'COPY storm_copied FROM '
			  . lit(server_file(basename($_), slurp($_))) . ' (FORMAT csv, HEADER)'
		} @files);

	is(psql('SELECT count(*) FROM storm'), 175348, 'storm events: all rows of four objects');
	is(psql("SELECT $sums FROM storm"),
		psql("SELECT $sums FROM storm_copied"), 'storm events: sums as by COPY');
	is(psql('SELECT count(*) FROM (TABLE storm EXCEPT ALL TABLE storm_copied) x'),
		0, 'storm events: rows as by COPY');
	psql(q{ALTER FOREIGN TABLE storm OPTIONS (SET location 's3://corpora/storm/*_d2016_*.csv')});
	is(psql('SELECT count(*) FROM storm'),
		psql('SELECT count(*) FROM storm_copied WHERE yearmonth BETWEEN 201601 AND 201612'),
		'storm events: one year by a glob');
	psql(q{ALTER FOREIGN TABLE storm OPTIONS (SET header 'match')});
	like((psql_err('SELECT location FROM storm'))[1],
		qr/column name mismatch in header line field 1: got "YEARMONTH", expected "yearmonth"/,
		'storm events: header names differ in case');
	psql('DROP FOREIGN TABLE storm; DROP TABLE storm_copied');
}

#-------------------------------------------------------------------------
# TICKIT, plain and compressed
#-------------------------------------------------------------------------

my %tickit = (
	venue => [
		'venue_pipe.txt', 202,
		'venueid smallint, venuename varchar(100), venuecity varchar(30), venuestate char(2),'
		  . ' venueseats integer'
	],
	category => [
		'category_pipe.txt', 11,
		'catid smallint, catgroup varchar(10), catname varchar(10), catdesc varchar(50)'
	],
	date => [
		'date2008_pipe.txt', 365,
		'dateid smallint, caldate date, day char(3), week smallint, month char(5), qtr char(5),'
		  . ' year smallint, holiday boolean'
	],
	event => [
		'allevents_pipe.txt', 8798,
		'eventid integer, venueid smallint, catid smallint, dateid smallint,'
		  . ' eventname varchar(200), starttime timestamp'
	]);

SKIP:
{
	skip 'no demo/tickit', 16 if !-d "$corpora/demo/tickit/tickit";

	for my $name (sort keys %tickit)
	{
		my ($file, $rows, $columns) = @{ $tickit{$name} };
		my $bytes = slurp("$corpora/demo/tickit/tickit/$file");
		my $packed;

		gzip(\$bytes => \$packed) or die "gzip failed: $GzipError\n";
		s3_put('corpora', "tickit/$file", $bytes);
		s3_put('corpora', "tickit_gzip/$file.gz", $packed);
		psql(qq{CREATE TABLE "${name}_copied" ($columns)});
		psql(qq{COPY "${name}_copied" FROM }
			  . lit(server_file($file, $bytes))
			  . q{ (FORMAT csv, DELIMITER '|', NULL '\N')});
		for my $folder ('tickit', 'tickit_gzip')
		{
			psql(qq{CREATE FOREIGN TABLE "$name" ($columns) SERVER s3 OPTIONS}
				  . qq{ (location 's3://corpora/$folder/$file', delimiter '|', null '\\N')});
			is(psql(qq{SELECT count(*) FROM "$name"}), $rows, "$folder: rows of $name");
			is( psql(
					qq{SELECT count(*) FROM ((TABLE "$name" EXCEPT ALL TABLE "${name}_copied")}
					  . qq{ UNION ALL (TABLE "${name}_copied" EXCEPT ALL TABLE "$name")) x}),
				0,
				"$folder: rows of $name as by COPY");
			psql(qq{DROP FOREIGN TABLE "$name"});
		}
	}
}

#-------------------------------------------------------------------------
# Every CSV file there is
#-------------------------------------------------------------------------

# Fields in the first record, parsed leniently.
sub count_fields
{
	my ($bytes, $delimiter, $quote, $escape) = @_;
	my ($fields, $quoted) = (1, 0);

	for (my $i = 0; $i < length $bytes; $i++)
	{
		my $c = substr $bytes, $i, 1;

		if ($quoted && $c eq $escape && $escape ne $quote) { $i++ }
		elsif ($c eq $quote) { $quoted = !$quoted }
		elsif ($quoted) { next }
		elsif ($c eq $delimiter) { $fields++ }
		elsif ($c eq "\n" || $c eq "\r") { last }
	}
	return $fields;
}

my @cases;

sub add_case
{
	my ($name, $bytes, %options) = @_;
	my $number = @cases + 1;
	my $quote = $options{quote} || '"';
	my $columns = count_fields($bytes, $options{delimiter} || ',',
		$quote, $options{escape} || $quote);

	# COPY has a limit of its own.
	return if $columns > 1600;
	server_file("$number.csv", $bytes);
	push @cases,
	  {
		name => $name,
		number => $number,
		bytes => $bytes,
		columns => $columns,
		options => \%options
	  };
}

my @files = (
	glob("$corpora/csv/csv-spectrum/csvs/*.csv"),
	glob("$corpora/csv/postgres-file_fdw/data/*"));
for my $file (sort @files)
{
	for my $delimiter (',', ';', "\t", '@')
	{
		add_case(basename($file) . " delimiter $delimiter", slurp($file), delimiter => $delimiter);
	}
}

my $unmapped = 0;
if (-f "$corpora/csv/papaparse/cases.json")
{
	my $papa = JSON::PP->new->utf8->decode(slurp("$corpora/csv/papaparse/cases.json"));

	for my $case (map { @{ $papa->{$_} } } 'core_parse', 'parse')
	{
		my $config = $case->{config} || {};
		my $input = $case->{input};
		my %options;

		next if !defined $input || ref $input;
		utf8::encode($input);
		for my $pair ([ 'delimiter', 'delimiter' ], [ 'quoteChar', 'quote' ], [ 'escapeChar', 'escape' ])
		{
			my ($theirs, $ours) = @$pair;
			$options{$ours} = $config->{$theirs} if defined $config->{$theirs};
		}

		# Options that COPY has not, such as a delimiter of two characters.
		if (grep { ref $_ || length $_ != 1 || /[^\x01-\x7f]/ } values %options)
		{
			$unmapped++;
			next;
		}
		add_case("papaparse: $case->{description}", $input, %options);
	}
}

SKIP:
{
	skip 'no csv corpus', 3 if @cases == 0;

	s3_put_many('corpora', { map { ("csv/$_->{number}.csv" => $_->{bytes}) } @cases });

	# What a statement finds: its rows in order, or that it failed and how.
	psql(<<'SQL');
CREATE TABLE cases (number int, header bool, columns int, options text[]);
CREATE TABLE results (number int, header bool, how text, failed text, rows text);

CREATE FUNCTION try(c cases, dir text, how text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	options text := format('header %L', c.header::text);
	names text;
	message text;
	found text;
BEGIN
	FOR i IN 1 .. coalesce(array_length(c.options, 1), 0) BY 2 LOOP
		options := options || format(', %s %L', c.options[i], c.options[i + 1]);
	END LOOP;
	SELECT string_agg(format('c%s text', i), ', ') INTO names FROM generate_series(1, c.columns) i;
	BEGIN
		IF how = 'copy' THEN
			EXECUTE format('CREATE TEMP TABLE t (%s)', names);
			EXECUTE format('COPY t FROM %L (FORMAT csv, %s)', dir || '/' || c.number || '.csv', options);
		ELSE
			EXECUTE format('CREATE FOREIGN TABLE t (%s) SERVER s3 OPTIONS (location %L, %s)', names,
				's3://corpora/csv/' || c.number || '.csv', options);
		END IF;
		EXECUTE 'SELECT string_agg(t::text, chr(10)) FROM t' INTO found;
		INSERT INTO results VALUES (c.number, c.header, how, NULL, found);
		IF how = 'copy' THEN DROP TABLE t; ELSE DROP FOREIGN TABLE t; END IF;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
		INSERT INTO results VALUES (c.number, c.header, how, message, NULL);
	END;
END
$$;
SQL
	psql(
		join "\n",
		map
		{
			my $case = $_;
			my $options = join ', ', map { lit($_) } %{ $case->{options} };

			map
			{ "INSERT INTO cases VALUES ($case->{number}, $_, $case->{columns}, ARRAY[$options]::text[]);" }
			  'false', 'true'
		} @cases);
	my $dir = lit("$tmp");
	psql("SELECT try(c, $dir, 'copy'), try(c, $dir, 's3') FROM cases c");

	my $number = @cases * 2;
	my $different = psql(<<'END');
SELECT format('case %s, header %s: COPY %s, foreign table %s', number, header,
	coalesce('fails with ' || a.failed, 'gives ' || coalesce(a.rows, 'no rows')),
	coalesce('fails with ' || b.failed, 'gives ' || coalesce(b.rows, 'no rows')))
FROM results a FULL JOIN (SELECT * FROM results WHERE how = 's3') b USING (number, header)
WHERE a.how = 'copy' AND (a.rows, a.failed IS NULL) IS DISTINCT FROM (b.rows, b.failed IS NULL)
ORDER BY number, header
END
	is($different, '', "$number readings of CSV files agree with COPY");
	for ($different =~ /^case (\d+),/mg)
	{
		diag("case $_ is $cases[$_ - 1]{name}: $cases[$_ - 1]{bytes}");
	}
	is(psql(q{SELECT count(*) FROM results WHERE how = 's3'}), $number, 'none was left out');
	is( psql(<<'END'), '', 'where both fail, they say the same');
SELECT number, a.failed, b.failed
FROM (SELECT * FROM results WHERE how = 'copy') a JOIN (SELECT * FROM results WHERE how = 's3') b USING (number, header)
WHERE a.failed <> b.failed AND a.failed NOT LIKE 'COPY %' ORDER BY 1, 2
END
	note(psql(q{SELECT format('%s readings give rows, %s fail', count(*) FILTER (WHERE failed IS NULL), count(failed)) FROM results WHERE how = 's3'}));
	note("$unmapped PapaParse cases have no COPY options to match");
}

#-------------------------------------------------------------------------
# Every JSON file there is, as a document in one column
#-------------------------------------------------------------------------

SKIP:
{
	my $suite = "$corpora/json/JSONTestSuite";
	skip 'no JSONTestSuite', 4 if !-f "$suite/pg15-oracle.jsonl";

	my @verdicts = map { JSON::PP->new->decode($_) } split /\n/, slurp("$suite/pg15-oracle.jsonl");
	my $n = 0;

	for my $verdict (@verdicts)
	{
		$verdict->{number} = ++$n;
		$verdict->{bytes} = slurp("$suite/$verdict->{file}");
	}
	s3_put_many('corpora', { map { ("suite/$_->{number}.json" => $_->{bytes}) } @verdicts });
	psql(<<'SQL');
CREATE TABLE found (number int, type text, verdict text, digest text);
CREATE FUNCTION try_json(number int, type text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	state text;
	digest text;
	rows int;
BEGIN
	EXECUTE format('CREATE FOREIGN TABLE t (doc %s OPTIONS (path %L)) SERVER s3'
		' OPTIONS (location %L, format %L, records %L)', type, '$',
		's3://corpora/suite/' || number || '.json', 'json', 'document');
	BEGIN
		SELECT count(*), min(md5(doc::text)) INTO rows, digest FROM t;
		IF rows <> 1 THEN
			RAISE 'there are % rows', rows;
		END IF;
		INSERT INTO found VALUES (number, type, 'ok', digest);
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
		INSERT INTO found VALUES (number, type, state, NULL);
	END;
	DROP FOREIGN TABLE t;
END
$$;
SQL
	psql("SELECT try_json(n, 'json'), try_json(n, 'jsonb') FROM generate_series(1, $n) n");
	my %found = map { my ($number, $type, @rest) = split /\|/; ("$number $type" => \@rest) }
	  split /\n/, psql('SELECT * FROM found');

	for my $type ('json', 'jsonb')
	{
		my @different = grep
		{
			my ($expected) = $_->{$type} =~ /^(?:ENC:)?(\w+)/;
			$found{"$_->{number} $type"}[0] ne $expected
		} @verdicts;

		is(join("\n", map { "$_->{file}: " . $found{"$_->{number} $type"}[0] . " instead of $_->{$type}" } @different),
			'', "$n documents as PostgreSQL's $type takes them");
	}
	is( join(' ', map { $_->{file} } grep
			{
				defined $_->{jsonb_md5} && $found{"$_->{number} jsonb"}[1] ne $_->{jsonb_md5}
			} @verdicts),
		'', 'with the same values');
	cmp_ok($n, '>', 300, 'and that is all of them');
}

s3_drop_bucket('corpora');
done_testing();
