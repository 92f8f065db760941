#-------------------------------------------------------------------------
#
# 069_standby.pl
#		A hot standby: what only reads the database works there, what would
#		write to it is refused, and says why.
#
# IDENTIFICATION
#		test/t/069_standby.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'standby';
my $dir = server_tmp();

s3_make_bucket($bucket);
s3_put($bucket, 'good/a.csv', "1,a\n2,b\n");
s3_put($bucket, 'good/b.csv', "3,c\n");
s3_put($bucket, 'bad/a.csv', "1,a\nx,b\n3,c\n");
psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_ENDPOINT}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE FOREIGN TABLE good (id int, name text) SERVER s3 OPTIONS (location 's3://$bucket/good/');
CREATE FOREIGN TABLE skipping (id int, name text) SERVER s3
	OPTIONS (location 's3://$bucket/bad/', on_error 'skip');
CREATE FOREIGN TABLE skipping_good (id int, name text) SERVER s3
	OPTIONS (location 's3://$bucket/good/', on_error 'skip');
SQL
ok(psql('SELECT count(*) FROM skipping') eq 2, 'a bad row is left out, and recorded, on the primary');

# Programs of the server run as its owner, who alone may start another one.
my $port = `$FindBin::Bin/../free_port`;
chomp $port;
my $bindir = `$ENV{PG_CONFIG} --bindir`;
chomp $bindir;
my $database = psql('SELECT current_database()');

sub as_owner
{
	my ($command) = @_;

	return (psql_err('COPY (SELECT) TO PROGRAM ' . lit("($command) >>$dir/log 2>&1")))[1];
}

my $err = as_owner("$bindir/pg_basebackup -h $ENV{PGHOST} -p $ENV{PGPORT} -U postgres -D $dir/data " .
	  "-c fast -X stream -R && echo \"port = $port\" >>$dir/data/postgresql.conf && " .
	  "echo \"shared_buffers = 32MB\" >>$dir/data/postgresql.conf && " .
	  "$bindir/pg_ctl -D $dir/data -w start");
is($err, '', 'a standby is started') or die slurp("$dir/log");

END
{
	if (-d "$dir/data")
	{
		my $status = $?;
		as_owner("$bindir/pg_ctl -D $dir/data -m immediate -w stop");
		$? = $status;
	}
}

# psql's results there.
sub standby
{
	my ($sql) = @_;
	local $ENV{PGPORT} = $port;

	return psql($sql, db => $database);
}

sub standby_err
{
	my ($sql) = @_;
	local $ENV{PGPORT} = $port;

	return (psql_err($sql, db => $database))[1];
}

wait_until(sub { standby('SELECT to_regclass(\'skipping_good\') IS NOT NULL') eq 't' }, 30);
is(standby('SELECT pg_is_in_recovery()'), 't', 'it is in recovery');

is(standby('SELECT count(*), sum(id) FROM good'), '3|6', 'a scan');
is(standby('SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; ' .
		'SELECT count(*), sum(id) FROM good'), '3|6', 'a scan by several processes');
is(standby("SELECT type FROM s3_infer_schema('s3://$bucket/good/') LIMIT 1"), 'integer', 'inference');
is(standby("SELECT rows FROM s3_export('SELECT * FROM good', 's3://$bucket/out.csv')"), '3', 'an export');
is(s3_get($bucket, 'out.csv'), "1,a\n2,b\n3,c\n", 'which is complete');
is(standby("SELECT string_agg(rows::text, '+') FROM s3_export('SELECT * FROM good', 's3://$bucket/files/', manifest => 'plain')"),
	'3', 'an export of files');
is(standby("SELECT objects FROM s3_concat('s3://$bucket/good/', 's3://$bucket/joined.csv')"), '2', 'joining');
is(standby('SELECT count(*) FROM skipping_good'), '3', 'a table that may leave rows out, with none to be left out');
is(standby('SELECT count(*) FROM s3_rejected WHERE table_name = \'skipping\''), '1',
	'what the primary has recorded can be seen');

$err = standby_err('SELECT count(*) FROM skipping');
like($err, qr/ERROR:  25006: cannot record rejected rows during recovery/, 'a bad row cannot be left out');
like($err, qr/HINT:  Set the table's option "on_error" to "stop"\./, 'and the hint says what helps');
like(standby_err("IMPORT FOREIGN SCHEMA \"s3://$bucket/\" FROM SERVER s3 INTO public"),
	qr/ERROR:  25006/, 'IMPORT FOREIGN SCHEMA is refused');
like(standby_err('ANALYZE good'), qr/ERROR:  25006|ERROR:  55000/, 'ANALYZE is refused');
is(standby("SELECT count(*) FROM s3_uploads('s3://$bucket/')"), '0', 'no upload is open');
done_testing();
