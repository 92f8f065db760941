#-------------------------------------------------------------------------
#
# S3Export.pm
#		Exports of every kind, for tests in which something goes wrong with
#		them: what they need, and whether what they leave is right.
#
#	single		one object by all processes of a query
#	alone		one object by one process
#	files		partitions, manifest and marker, by one process
#	parallel	the same by all processes
#	clean		the same where there was an export before
#	concat		s3_concat(), with copied ranges and small pieces
#
# Parallel queries are run by workers alone, so that what belongs to a worker
# is known.
#
# The cases run side by side: side_by_side() starts the test file again for each
# one, with a fault proxy of its own.
#
# IDENTIFICATION
#		test/perl/S3Export.pm
#
#-------------------------------------------------------------------------
package S3Export;

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use Exporter 'import';
use FindBin;
use JSON::PP ();
use POSIX ();
use Test::More;

use S3Test;

our @EXPORT = qw(
  export_tables export_case export_prepare export_objects export_wrong
  side_by_side report all_met
);

# 16 MB, which make three parts at least, however two workers share them, and
# 32 kB in three folders.
my $large_rows = 8700;
my $small_rows = 900;

my $files_options = "partition_by => 'k', manifest => 'verbose', success_marker => true";

my $parallel = <<'SQL';
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_leader_participation = off;
SET max_parallel_workers_per_gather = 2;
SQL
my $serial = "SET max_parallel_workers_per_gather = 0;\n";

# Of an export before: a file that will be replaced, files of other names.
my %before = (
	'k=0/part-00000-00000.csv' => "old,0\n",
	'k=7/part-00000-00000.csv' => "old,7\n",
	'k=7/part-00001-00000.csv' => "old,8\n",
	'_manifest' => "{}\n",
	'_SUCCESS' => '');

# What s3_concat() joins: ranges that are copied, and pieces between them.
sub source_lines
{
	my ($number, $size) = @_;
	my $line = md5_hex($number) . "\n";

	return $line x ($size / length $line);
}
my @sources = map { source_lines(@$_) }
  [ 1, 3300 ], [ 2, 6 * 1024 * 1024 ], [ 3, 330 ], [ 4, 33 ], [ 5, 11 * 1024 * 1024 ], [ 6, 990 ];

sub export_sql
{
	my ($query, $location, $more) = @_;

	return 'SELECT location, rows, bytes, etag, action FROM s3_export(' . lit($query)
	  . ", 's3://$location', 'SERVER', $more)";
}

my %cases = (
	single => {
		settings => $parallel,
		sql => export_sql('SELECT n, t FROM large', 'BUCKET/single/out.csv', "part_size => '5MB'"),
		object => 'out.csv',
		lines => \&large_lines,
	},
	alone => {
		settings => $serial,
		sql => export_sql('SELECT n, t FROM large', 'BUCKET/alone/out.csv', "part_size => '5MB'"),
		object => 'out.csv',
		lines => \&large_lines,
	},
	files => {
		settings => $serial,
		sql => export_sql('SELECT n, t, k FROM small', 'BUCKET/files/', $files_options),
		lines => \&small_lines,
	},
	parallel => {
		settings => $parallel,
		sql => export_sql('SELECT n, t, k FROM small', 'BUCKET/parallel/', $files_options),
		lines => \&small_lines,
	},
	clean => {
		settings => $parallel,
		sql => export_sql('SELECT n, t, k FROM small', 'BUCKET/clean/', "$files_options, overwrite => 'clean'"),
		lines => \&small_lines,
		old => \%before,
	},
	concat => {
		settings => $serial,
		sql => "SELECT * FROM s3_concat('s3://BUCKET/sources/', 's3://BUCKET/concat/out.csv', 'SERVER')",
		object => 'out.csv',
		content => join('', @sources),
	});

# The tables that queries read; sources for s3_concat().
sub export_tables
{
	my ($bucket) = @_;

	psql(<<~"SQL");
		CREATE TABLE large AS
			SELECT n, repeat(md5(n::text), 58) AS t FROM generate_series(1, $large_rows) n;
		CREATE TABLE small AS
			SELECT n, md5(n::text) AS t, n % 3 AS k FROM generate_series(1, $small_rows) n;
		VACUUM ANALYZE large;
		VACUUM ANALYZE small;
		SQL
	s3_put_many($bucket, { map { ("sources/part-$_.csv" => $sources[$_]) } 0 .. $#sources });
}

# Lines of CSV as they will be in the object, or in "folder line", sorted.
sub large_lines
{
	return join '', sort map { "$_," . md5_hex($_) x 58 . "\n" } 1 .. $large_rows;
}

sub small_lines
{
	return join '', sort map { 'k=' . $_ % 3 . "/ $_," . md5_hex($_) . "\n" } 1 .. $small_rows;
}

# A case, with its server and bucket; key is where the object or its files are.
sub export_case
{
	my ($name, $bucket) = @_;
	my %case = (%{ $cases{$name} }, name => $name, bucket => $bucket, prefix => "$name/");

	$case{sql} =~ s/SERVER/$name/g;
	$case{sql} =~ s/BUCKET/$bucket/g;
	$case{content} = $case{lines}->() if $case{lines};
	$case{old} ||= {};
	return \%case;
}

# Put the location into the state that is to be before the export.
sub export_prepare
{
	my ($case) = @_;
	my $objects = export_objects($case);
	my $old = $case->{old};

	s3_delete($case->{bucket}, map { "$case->{prefix}$_" } grep { !exists $old->{$_} } keys %$objects);
	for my $key (keys %$old)
	{
		s3_put($case->{bucket}, "$case->{prefix}$key", $old->{$key})
		  if !defined $objects->{$key} || $objects->{$key} ne md5_hex($old->{$key});
	}
	for my $upload (grep { index($_->{key}, $case->{prefix}) == 0 } s3_uploads($case->{bucket}))
	{
		s3_request('DELETE', $case->{bucket}, $upload->{key},
			query => { uploadId => $upload->{upload_id} });
	}
}

# What is at the location: entity tags by name.
sub export_objects
{
	my ($case) = @_;
	my %objects;

	for my $object (s3_list($case->{bucket}, $case->{prefix}))
	{
		my $etag = $object->{etag};

		$etag =~ s/"//g;
		$objects{ substr $object->{key}, length $case->{prefix} } = $etag;
	}
	return \%objects;
}

sub content
{
	my ($case, $name) = @_;
	my $content = s3_get($case->{bucket}, "$case->{prefix}$name");

	return defined $content ? $content : '';
}

# Is the data whole?  What the manifest says counts, too.
sub wrong_data
{
	my ($case, $objects) = @_;
	my @wrong;

	if (defined $case->{object})
	{
		my $content = content($case, $case->{object});

		$content = join '', sort map { "$_\n" } split /\n/, $content if $case->{lines};
		return $content eq $case->{content} ? () : 'the object is not what was written';
	}
	my @files = grep { m{^k=[0-2]/} } keys %$objects;
	my @lines;
	for my $file (@files)
	{
		my ($folder) = $file =~ m{^(.*/)};
		push @lines, map { "$folder $_\n" } split /\n/, content($case, $file);
	}
	push @wrong, 'the files are not what was written' if join('', sort @lines) ne $case->{content};

	my $manifest = eval { JSON::PP::decode_json(content($case, '_manifest')) };
	my $named = join ' ', map { $_->{url} } @{ $manifest->{entries} || [] };
	push @wrong, "the manifest names other files: $named"
	  if $named ne join ' ', map { "s3://$case->{bucket}/$case->{prefix}$_" } sort @files;
	return @wrong;
}

# What is wrong with what a statement left.  how: "done"; "failed", nothing may
# be left; "late", it failed when only deletions and the marker were missing;
# "partly", it failed with some files complete that may not be undone.
sub export_wrong
{
	my ($case, $how) = @_;
	my $objects = export_objects($case);
	my $old = $case->{old};
	my @open = grep { index($_->{key}, $case->{prefix}) == 0 } s3_uploads($case->{bucket});
	my @wrong;

	push @wrong, 'uploads are open: ' . join ' ', map { $_->{key} } @open if @open;
	if ($how eq 'done' || $how eq 'late')
	{
		push @wrong, wrong_data($case, $objects);
		if (!defined $case->{object})
		{
			push @wrong, 'there is no marker' if $how eq 'done' && !exists $objects->{_SUCCESS};
			push @wrong, 'there is a marker'
			  if $how eq 'late' && exists $objects->{_SUCCESS} && !exists $old->{_SUCCESS};
		}
		push @wrong, 'old files are left'
		  if $how eq 'done' && grep { m{^k=7/} } keys %$objects;
	}
	else
	{
		for my $key (sort keys %$old)
		{
			next if $how eq 'partly' && $key =~ m{^k=[0-2]/};
			push @wrong, "the old $key is not as it was"
			  if !defined $objects->{$key} || $objects->{$key} ne md5_hex($old->{$key});
		}
		for my $key (sort keys %$objects)
		{
			next if exists $old->{$key} || ($how eq 'partly' && $key =~ m{^k=[0-2]/});
			push @wrong, "$key was left";
		}
	}
	return @wrong;
}

#-------------------------------------------------------------------------
# Side by side
#-------------------------------------------------------------------------

# Have all rules met the requests they were made for?
sub all_met
{
	my $rules = JSON::PP::decode_json(S3Client::fault_control('GET', 'rules'));

	return !grep { $_->{count} > 0 } @$rules;
}

# Of a case's process: "ok" or "not ok", the test's name, what is wrong.
sub report
{
	my ($test, @wrong) = @_;
	my $remarks = join '; ', @wrong;

	$remarks =~ s/\s+/ /g;
	print join("\t", @wrong ? 'not ok' : 'ok', $test, substr $remarks, 0, 1000), "\n";
}

my $proxy_program = "$FindBin::Bin/../faultproxy/run";
my $main = $$;
my @proxies;

# Run $0 --case NAME for each name, which reports to its standard output.
sub side_by_side
{
	my ($bucket, @names) = @_;
	my ($upstream) = $ENV{S3_TEST_ENDPOINT} =~ /:(\d+)$/;
	my $dir = server_tmp();
	my %running;

	for my $name (@names)
	{
		my $answer = `$proxy_program start '$dir/$name' $upstream 0`;
		my ($url) = $answer =~ m{^export S3_TEST_PROXY=(\S+)}m or die "could not start a proxy\n";

		push @proxies, "$dir/$name";
		psql(<<~"SQL");
			CREATE SERVER "$name" FOREIGN DATA WRAPPER s3_fdw
				OPTIONS (endpoint '$url', region 'us-east-1');
			CREATE USER MAPPING FOR CURRENT_USER SERVER "$name"
				OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
			SQL
		my $child = fork();
		die "fork: $!\n" if !defined $child;
		if ($child == 0)
		{
			$ENV{S3_TEST_PROXY} = $url;
			open STDOUT, '>', "$dir/$name.result" or POSIX::_exit(127);
			exec $^X, $0, '--case', $name or POSIX::_exit(127);
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

			ok($ok eq 'ok', "$name: $test") or diag($remarks);
		}
		is($status, 0, "$name: it came to its end");
	}
}

END
{
	if ($$ == $main)
	{
		my $status = $?;
		system $proxy_program, 'stop', $_ for @proxies;
		$? = $status;
	}
}

1;
