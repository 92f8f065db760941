#-------------------------------------------------------------------------
#
# 030_faults.pl
#		The fault loop: every exchange of every kind of statement fails once
#		in every way, and then fails and goes on failing.
#
# For each scenario, a clean run tells how many exchanges there are, N.  Then
# each of 1 .. N meets each fault.  Whatever happens, the statement gives the
# right result or a clean error.  After an error there is no new object, the
# old one is as it was and no upload is open; if the faults went on for so
# long that this could not be seen to, a warning says what may be left.  The
# session goes on.  A fault that passes is survived, where it is of a kind
# that can be.
#
# The scenarios run side by side, each in a process and with a fault proxy of
# its own, and write their results to files that are reported here.
#
# S3_TEST_FAULTS names scenarios to run, between blanks; all if not set.
#
# IDENTIFICATION
#		test/t/030_faults.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use FindBin;
use IO::Compress::Gzip ();
use IO::Handle;
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'faults';

# No statement here takes longer, however many faults it meets.
my $time_limit = 15;

# A query of 12 MB, which makes three parts, and one of 1 kB.
my $large_query = 'SELECT g, repeat(md5(g::text), 30) FROM generate_series(1, 12500) g';
my $small_query = 'SELECT g, md5(g::text) FROM generate_series(1, 30) g';
my $large_bytes = join '', map { "$_," . md5_hex($_) x 30 . "\n" } 1 .. 12500;
my $small_bytes = join '', map { "$_," . md5_hex($_) . "\n" } 1 .. 30;

# The rows of the scan: of no pattern, so that a compressed file is not small.
my @scan_rows = map { [ $_, join '', map { md5_hex("row $_") } $_ * 3 .. $_ * 3 + 2 ] } 1 .. 4500;
my $scan_result = join '|', scalar @scan_rows, md5_hex(join ',', map { "$_->[0]:$_->[1]" } @scan_rows);

my @list_keys = sort map { sprintf 'many/%05d%s', $_, $_ % 7 ? '' : ' +&=%<' } 1 .. 2501;
my $list_result = join '|', scalar @list_keys, md5_hex(join ',', @list_keys);

sub export_sql
{
	my ($query, $key, $more) = @_;

	return "SELECT location, rows, bytes, etag FROM s3_export("
	  . lit($query) . ", 's3://$bucket/$key', 'SERVER'$more)";
}

my %scenarios = (
	scan => {
		sql => <<~'SQL',
			SELECT count(*), md5(string_agg(id || ':' || data, ',' ORDER BY id))
			FROM (SELECT * FROM csv_SERVER UNION ALL SELECT * FROM json_SERVER) t
			SQL
		result => $scan_result,
	},
	put => {
		sql => export_sql($small_query, 'put/out.csv', ''),
		key => 'put/out.csv',
		bytes => $small_bytes,
		rows => 30,
	},
	multipart => {
		sql => export_sql($large_query, 'multipart/out.csv', ", part_size => '5MB'"),
		key => 'multipart/out.csv',
		bytes => $large_bytes,
		rows => 12500,
	},
	overwrite => {
		sql => export_sql($large_query, 'overwrite/out.csv', ", part_size => '5MB', overwrite => 'replace'"),
		key => 'overwrite/out.csv',
		bytes => $large_bytes,
		rows => 12500,
		old => "the old content\n",
	},
	list => {
		sql => <<~"SQL",
			SELECT count(*), md5(string_agg(key, ',' ORDER BY n))
			FROM s3_list('s3://$bucket/many/', 'SERVER') WITH ORDINALITY
				AS t (key, size, etag, last_modified, storage_class, n)
			SQL
		result => $list_result,
	});

# The longest first.
my @names = qw(multipart overwrite scan list put);

# The faults.  A function gives the rule for an exchange, whose method and URI
# are given; undef if the fault cannot be had there.
#
# survived: one occurrence must not be noticed.
my @faults = (
	[ 'reset', 'survived', sub { { close => 1 } } ],
	[ '500', 'survived', sub { { status => 500, code => 'InternalError' } } ],
	[ '503 SlowDown', 'survived', sub { { status => 503, code => 'SlowDown' } } ],
	[ '403', '', sub { { status => 403, code => 'AccessDenied' } } ],
	[ 'body cut at its beginning', 'survived',
		sub { $_[0] =~ /GET|POST/ ? { truncate => 20 } : undef } ],
	[ 'body cut in the middle', 'survived',
		sub { $_[0] eq 'GET' ? { truncate => 40000 } : undef } ],
	[ 'no answer', 'survived', sub { is_complete(@_) ? undef : { delay => 20, close => 1 } } ],
	[ 'stall in the body', 'survived',
		sub {
			# The store may take its time to complete an upload, so that is
			# no stall until minutes have passed.
			return { hang => 20, seconds => 1 } if is_complete(@_);
			return $_[0] =~ /GET|POST/ ? { hang => 20, seconds => 20 } : undef;
		}
	],
	[ '200 with an error', 'survived', sub { { status => 200, code => 'InternalError' } } ],
	[ 'answer lost to a 503', 'survived',
		sub { { after => 1, status => 503, code => 'ServiceUnavailable' } } ],
	[ 'answer lost to a reset', 'survived', sub { { after => 1, close => 1 } } ]);

# Have all rules met the requests they were made for?
sub all_met
{
	my $rules = JSON::PP::decode_json(S3Client::fault_control('GET', 'rules'));

	return !grep { $_->{count} > 0 } @$rules;
}

sub is_complete
{
	my ($method, $uri) = @_;

	return $method eq 'POST' && $uri =~ /uploadId=/;
}

#-------------------------------------------------------------------------
# One scenario, in a process of its own
#-------------------------------------------------------------------------

my $session;

# A session as this test wants it; kept until it is spoilt.
sub session
{
	my ($retries) = @_;

	$session ||= psql_start(<<~'SQL', go_on => 1);
		SET s3_fdw.range_size = '64kB';
		SET s3_fdw.upload_memory = '10MB';
		SET s3_fdw.stall_timeout = '1s';
		SET s3_fdw.connect_timeout = '1s';
		SET s3_fdw.abort_timeout = '1500ms';
		SET max_parallel_workers_per_gather = 0;
		SQL
	psql_send($session, "SET s3_fdw.max_retries = $retries");
	return $session;
}

# A new process has a new quota of repetitions.
sub new_session
{
	psql_finish($session) if $session;
	$session = undef;
}

# What is wrong with the object and the uploads, given the result or error.
sub faults_of_store
{
	my ($scenario, $ok, $err, $lasting) = @_;
	my ($key, $old) = @$scenario{qw(key old)};
	my @wrong;

	return () if !defined $key;
	my $found = s3_get($bucket, $key);
	my @open = grep { $_->{key} eq $key } s3_uploads($bucket);
	my $warned = $err =~ m{^WARNING:.*"s3://\Q$bucket/$key\E"}m;

	if ($ok)
	{
		push @wrong, 'the object is not what was written'
		  if !defined $found || $found ne $scenario->{bytes};
	}
	elsif (defined $old ? !defined $found || $found ne $old : defined $found)
	{
		push @wrong, defined $found ? 'an object was left' : 'the old object is gone'
		  unless $warned && $lasting && defined $found && $found eq $scenario->{bytes};
		push @wrong, 'half an object was left'
		  if defined $found && $found ne $scenario->{bytes};
	}
	push @wrong, 'an upload is open' if @open && !($warned && $lasting && !$ok);

	# As it was.
	for my $upload (@open)
	{
		s3_request('DELETE', $bucket, $upload->{key},
			query => { uploadId => $upload->{upload_id} });
	}
	if (defined $old)
	{
		s3_put($bucket, $key, $old) if !defined $found || $found ne $old;
	}
	else
	{
		s3_delete($bucket, $key) if defined $found;
	}
	return @wrong;
}

# Run the statement; returns whether it succeeded, its error's SQLSTATE and
# what is wrong.
sub run_statement
{
	my ($scenario, $retries, $lasting) = @_;
	my $handle = session($retries);
	my $pid = $handle->{pid};
	my $begin = time;
	my ($out, $err) = psql_send($handle, $scenario->{sql});
	my $seconds = time - $begin;
	my ($state) = $err =~ /^ERROR:  (\w{5}):/m;
	my $ok = !defined $state && $err !~ /FATAL|server closed|connection/;
	my @wrong;

	push @wrong, "it took $seconds s" if $seconds > $time_limit;
	push @wrong, "a warning without a reason: $err" if !$lasting && $err =~ /^WARNING/m;
	push @wrong, 'the error is an internal one' if defined $state && $state =~ /^XX/;
	push @wrong, 'a secret is in a message'
	  if $err =~ /demosecret|AWS4-HMAC|Signature=/;
	if ($ok)
	{
		my $result = $scenario->{result};

		$result = join '|', "s3://$bucket/$scenario->{key}", $scenario->{rows},
		  length $scenario->{bytes}, $scenario->{etag}
		  if defined $scenario->{key};
		push @wrong, "the result is wrong: $out" if $out ne $result;
	}
	my ($now) = eval { psql_send($handle, 'SELECT pg_backend_pid()') };
	if (!defined $now || $now ne $pid)
	{
		push @wrong, 'the session ended';
		$session = undef;
	}
	push @wrong, faults_of_store($scenario, $ok, $err, $lasting);
	return ($ok, $state, $err, @wrong);
}

# Run a scenario with the proxy in S3_TEST_PROXY, writing lines of
# "ok|not ok TAB name TAB remarks" to the standard output.
sub run_scenario
{
	my ($name) = @_;
	my $scenario = $scenarios{$name};
	my $report = sub {
		my ($test, @wrong) = @_;
		my $remarks = join '; ', @wrong;

		$remarks =~ s/\s+/ /g;
		print join("\t", @wrong ? 'not ok' : 'ok', "$name: $test", $remarks), "\n";
	};

	STDOUT->autoflush(1);
	$scenario->{sql} =~ s/SERVER/$name/g;
	if (defined $scenario->{key})
	{
		my @parts = unpack '(a' . 5 * 1024 * 1024 . ')*', $scenario->{bytes};

		$scenario->{etag} = @parts == 1 ? md5_hex($parts[0])
		  : md5_hex(join '', map { Digest::MD5::md5($_) } @parts) . '-' . @parts;
		s3_put($bucket, $scenario->{key}, $scenario->{old}) if defined $scenario->{old};
	}

	# Twice, for what a process learns once.
	my ($ok, $state, $err, @wrong);
	for (1 .. 2)
	{
		fault_reset();
		($ok, $state, $err, @wrong) = run_statement($scenario, 2, 0);
	}
	$report->('a clean run', @wrong, $ok ? () : $err);
	my @exchanges = fault_log();
	$report->('all exchanges are known', @exchanges && @exchanges == fault_count() ? () : 'they are not');

	for my $n (1 .. @exchanges)
	{
		my ($method, $uri) = @{ $exchanges[ $n - 1 ] }{qw(method uri)};

		# A store may complete an upload and not tell the entity tag, so that
		# it is asked again: not always, and nothing depends on the answer.
		my $again = $n > 1 && is_complete($method, $uri)
		  && is_complete(@{ $exchanges[ $n - 2 ] }{qw(method uri)});

		for my $fault (@faults)
		{
			my ($what, $survived, $make) = @$fault;
			my $rule = $make->($method, $uri);
			my $met;

			next if !defined $rule;

			# Once.
			my $test = "exchange $n ($method), $what";
			fault_reset();
			fault(%$rule, nth => $n);
			($ok, $state, $err, @wrong) = run_statement($scenario, 2, 0);
			$met = all_met();
			push @wrong, 'the fault did not happen' if !$met && !$again;

			# A store may answer 403 to looking up an object that is not there.
			if (!$met || $again)
			{
				push @wrong, "it was not survived: $err" if !$ok;
			}
			elsif ($what eq '403' && $method ne 'HEAD')
			{
				push @wrong, 'it succeeded or failed otherwise: ' . ($ok ? 'ok' : $err)
				  if $ok || $state ne '42501';
			}
			elsif ($survived)
			{
				push @wrong, "it was not survived: $err" if !$ok;
			}
			$report->("$test, once", @wrong);

			# From here to the end.
			fault_reset();
			fault(%$rule, skip => $n - 1, count => -1);
			($ok, $state, $err, @wrong) = run_statement($scenario, 1, 1);
			$report->("$test, and ever after", @wrong);
		}
		new_session();
	}
	fault_reset();
}

if (@ARGV && $ARGV[0] eq '--scenario')
{
	run_scenario($ARGV[1]);
	exit 0;
}

#-------------------------------------------------------------------------
# All of them
#-------------------------------------------------------------------------

my $proxy_program = "$FindBin::Bin/../faultproxy/run";
my ($upstream) = ($ENV{S3_TEST_ENDPOINT} || '') =~ /:(\d+)$/;
my $dir = server_tmp();
my $main = $$;
my @proxies;

plan skip_all => 'there is no S3 server' if !defined $upstream;

sub start_proxy
{
	my ($name) = @_;
	my $answer = `$proxy_program start '$dir/$name' $upstream 0`;
	my ($url) = $answer =~ m{^export S3_TEST_PROXY=(\S+)}m or die "could not start a proxy\n";

	push @proxies, "$dir/$name";
	return $url;
}

END
{
	if (defined $main && $$ == $main)
	{
		my $status = $?;
		system $proxy_program, 'stop', $_ for @proxies;
		$? = $status;
	}
}

my %wanted = map { $_ => 1 } split ' ', $ENV{S3_TEST_FAULTS} || "@names";

# What is read: CSV, CSV in gzip, lines of JSON, and things to pass over.
my @thirds = map { [ @scan_rows[ $_ * 1500 .. $_ * 1500 + 1499 ] ] } 0 .. 2;
my ($csv, $plain, $json) = map { '' } 1 .. 3;
$csv .= "$_->[0],\"$_->[1]\"\n" for @{ $thirds[0] };
$plain .= "$_->[0],$_->[1]\n" for @{ $thirds[1] };
$json .= "{\"id\": $_->[0], \"data\": \"$_->[1]\"}\n" for @{ $thirds[2] };
IO::Compress::Gzip::gzip(\$plain, \my $gzip) or die "could not compress\n";

s3_make_bucket($bucket);
s3_put_many($bucket,
	{
		'csv/part-1.csv' => $csv,
		'csv/part-2.csv.gz' => $gzip,
		'csv/' => '',
		'csv/_SUCCESS' => '',
		'csv/.hidden' => "not,read\n",
		'json/part-3.json' => $json,
		'json/_SUCCESS' => '{"not": "read"}'
	});
s3_put_many($bucket, { map { $_ => '' } @list_keys }) if $wanted{list};

psql('CREATE EXTENSION s3_fdw;');

my %urls;
my %running;
for my $name (grep { $wanted{$_} } @names)
{
	$urls{$name} = start_proxy($name);
	psql(<<~"SQL");
		CREATE SERVER "$name" FOREIGN DATA WRAPPER s3_fdw
			OPTIONS (endpoint '$urls{$name}', region 'us-east-1');
		CREATE USER MAPPING FOR CURRENT_USER SERVER "$name"
			OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
		SQL
	psql(<<~"SQL") if $name eq 'scan';
		CREATE FOREIGN TABLE csv_scan (id int, data text) SERVER scan
			OPTIONS (location 's3://$bucket/csv/', format 'csv');
		CREATE FOREIGN TABLE json_scan (id int, data text) SERVER scan
			OPTIONS (location 's3://$bucket/json/', format 'json');
		SQL
}

for my $name (grep { $wanted{$_} } @names)
{
	my $child = fork();
	die "fork: $!\n" if !defined $child;
	if ($child == 0)
	{
		$ENV{S3_TEST_PROXY} = $urls{$name};
		open STDOUT, '>', "$dir/$name.result" or POSIX::_exit(127);
		exec $^X, $0, '--scenario', $name or POSIX::_exit(127);
	}
	$running{$child} = $name;
}

while (%running)
{
	my $child = waitpid(-1, 0);
	my $status = $?;
	my $name = delete $running{$child};

	next if !defined $name;
	open my $fh, '<', "$dir/$name.result" or die "could not read the results of $name: $!\n";
	while (<$fh>)
	{
		chomp;
		my ($ok, $test, $remarks) = split /\t/;

		ok($ok eq 'ok', $test) or diag($remarks);
	}
	is($status, 0, "$name: the scenario came to its end");
}

is_deeply([ s3_uploads($bucket) ], [], 'no upload is open in the end');
done_testing();
