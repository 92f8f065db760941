#-------------------------------------------------------------------------
#
# 036_stretch_faults.pl
#		Requests of a parallel scan of one object fail, each in its turn.
#
# A fault that passes is not noticed; one that does not is a clean error, never
# a row too few, and never a wait without end.
#
# IDENTIFICATION
#		test/t/036_stretch_faults.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use S3Test;
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'there is no fault proxy' if !$ENV{S3_TEST_PROXY};

s3_make_bucket('stretchfaults');
s3_put('stretchfaults', 'one.csv', join '', map { qq{$_,"line $_\n""quoted"""\n} } 1 .. 9000);
s3_put('stretchfaults', 'one.json', join "\n", map { qq({"n": $_, "t": "line $_ {"}) } 1 .. 9000);
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE FOREIGN TABLE csv (n int, t text) SERVER s3 OPTIONS (location 's3://stretchfaults/one.csv');
CREATE FOREIGN TABLE json (n int, t text) SERVER s3
	OPTIONS (location 's3://stretchfaults/one.json', format 'json');
END

my $settings = <<'END';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET s3_fdw.chunk_size = '32kB';
SET s3_fdw.stall_timeout = '1s';
SET s3_fdw.max_retries = 3;
SET statement_timeout = '30s';
END
my %right = (csv => '9000|40504500', json => '9000|40504500');

sub run
{
	my ($table) = @_;
	return psql_err("$settings SELECT count(*), sum(n) FROM $table");
}

for my $table ('csv', 'json')
{
	fault_reset();
	is((run($table))[0], $right{$table}, "$table: a clean run");

	# Of a listing for the plan, one for the scan, and the stretches.
	my $exchanges = fault_count();
	my $stretches = grep { $_->{uri} =~ m{/one\.} } fault_log();
	cmp_ok($stretches, '>=', 8, "$table: read in stretches");

	for my $case (
		[ 'reset', { close => 1 } ],
		[ '503', { status => 503, code => 'SlowDown' } ],
		[ 'cut body', { truncate => 20 } ],
		[ 'no answer', { delay => 20, close => 1 } ],
		[ 'stalled body', { hang => 20, seconds => 20 } ])
	{
		my ($what, $rule) = @$case;
		my @wrong;

		for my $n (1 .. $exchanges)
		{
			# Few waits of a second are enough.
			next if $what =~ /no answer|stalled/ && $n % 4 != 3;
			fault_reset();
			fault(%$rule, nth => $n);
			my ($out, $err) = run($table);
			push @wrong, "exchange $n: $out $err" if $out ne $right{$table};
		}
		is("@wrong", '', "$table, $what: not noticed");
	}

	for my $case (
		[ 'changed object', { status => 412, code => 'PreconditionFailed' }, '55000' ],
		[ 'deleted object', { status => 404, code => 'NoSuchKey' }, '58P01' ],
		[ 'refusal', { status => 403, code => 'AccessDenied' }, '42501' ],
		[ 'no answer', { delay => 5, close => 1 }, '08\w{3}' ])
	{
		my ($what, $rule, $state) = @$case;
		my @wrong;

		for my $skip (grep { $what eq 'no answer' ? $_ == 4 : $_ % 3 == 0 } 0 .. $stretches - 1)
		{
			fault_reset();
			fault(%$rule, match => '/one\.', skip => $skip, count => -1);
			my $begin = time;
			my ($out, $err) = run($table);
			push @wrong, "behind $skip: $out $err" if $err !~ /ERROR:  $state:.*one\./s;
			push @wrong, "behind $skip: it took " . (time - $begin) if time - $begin > 25;
		}
		is("@wrong", '', "$table, $what for ever: an error that names the object");
	}
}

fault_reset();
s3_drop_bucket('stretchfaults');
done_testing();
