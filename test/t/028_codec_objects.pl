#-------------------------------------------------------------------------
#
# 028_codec_objects.pl
#		Compressed objects through foreign tables: with every byte cut off, and
#		with every byte spoilt.
#
# A small object of two members or frames gives its rows, or those of its first
# member where it is cut right behind that, or an error that names the object.
#
# IDENTIFICATION
#		test/t/028_codec_objects.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use S3Test;
use Test::More;

s3_make_bucket('codecs');
psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE FOREIGN TABLE t (n int, t text) SERVER s3 OPTIONS (location 's3://codecs/');

-- The rows of an object; or the state of the error, and the object it names.
CREATE FUNCTION outcome(key text) RETURNS text LANGUAGE plpgsql AS \$\$
DECLARE
	found text;
	state text;
	context text;
BEGIN
	EXECUTE format('ALTER FOREIGN TABLE t OPTIONS (SET location %L)', 's3://codecs/' || key);
	SELECT string_agg(r::text, ' ' ORDER BY n) INTO found FROM t AS r;
	RETURN 'rows ' || coalesce(found, '');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, context = PG_EXCEPTION_CONTEXT;
	RETURN state || ' ' || coalesce(substring(context FROM 'object "([^"]*)"'), '');
END
\$\$;
SQL

my @rows = ([ 1, 2 ], [ 3 ]);

sub rows_of
{
	return 'rows ' . join ' ', map { qq{($_,"row $_")} } @_;
}

for my $codec ([ 'gzip', 'gz' ], [ 'zstd', 'zst' ], [ 'bzip2', 'bz2' ], [ 'xz', 'xz' ], [ 'lz4', 'lz4' ])
{
	my ($name, $suffix) = @$codec;

  SKIP:
	{
		my ($out, $err) = psql_err(join '', map
			{
				"SELECT s3_export('SELECT n, ''row '' || n FROM unnest(''{" . join(',', @{ $rows[$_] })
				  . "}''::int[]) n', 's3://codecs/$name/member$_.csv.$suffix');"
			} 0, 1);
		skip "$name is not in this build", 4 if $err =~ /not supported by this build/;

		my @members = map { s3_get('codecs', "$name/member$_.csv.$suffix") } 0, 1;
		my $whole = join '', @members;
		my %objects = ("$name/whole.csv.$suffix" => $whole);

		for my $at (1 .. length($whole) - 1)
		{
			$objects{"$name/cut/$at.csv.$suffix"} = substr $whole, 0, $at;
		}
		for my $at (0 .. length($whole) - 1)
		{
			for my $bits (0x01, 0x80, 0xff)
			{
				my $spoilt = $whole;
				substr($spoilt, $at, 1) ^= chr $bits;
				$objects{"$name/spoilt/$at.$bits.csv.$suffix"} = $spoilt;
			}
		}
		s3_put_many('codecs', \%objects);
		my @keys = sort keys %objects;
		my %outcome;
		@outcome{@keys} = split /\n/, psql(join '', map { 'SELECT outcome(' . lit($_) . ");\n" } @keys);

		my $good = rows_of(map { @$_ } @rows);
		is($outcome{"$name/whole.csv.$suffix"}, $good, "$name: two members");

		my $first = length $members[0];
		is($outcome{"$name/cut/$first.csv.$suffix"}, rows_of(@{ $rows[0] }), "$name: cut between them");
		for my $how ('cut', 'spoilt')
		{
			my @wrong;
			my $errors = 0;

			for my $key (grep { m{/$how/} && $_ ne "$name/cut/$first.csv.$suffix" } @keys)
			{
				my $named = $outcome{$key} =~ /^(?!XX)\w{5} s3:\/\/codecs\/\Q$key\E$/;

				$errors++ if $named;
				push @wrong, "$key: $outcome{$key}"
				  if !$named && ($how eq 'cut' || $outcome{$key} ne $good);
			}
			is(join("\n", @wrong), '', "$name, $how at every byte: right rows, or an error that names the object");
			note("$errors errors");
		}
	}
}

s3_drop_bucket('codecs');
done_testing();
