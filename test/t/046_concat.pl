#-------------------------------------------------------------------------
#
# 046_concat.pl
#		s3_concat(): the right bytes, most of them copied by the store; and
#		what becomes of the target when requests fail.
#
# The target is compared with what Perl joins from the same sources.
#
# IDENTIFICATION
#		test/t/046_concat.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use FindBin;
use IO::Compress::Gzip ();
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time sleep);

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'concat';
my $other = 'concat-other';
my $MB = 1024 * 1024;
my $least_part = 5 * $MB;

s3_make_bucket($_) for $bucket, $other;
psql(<<"SQL");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}', region 'us-east-1');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
SQL

sub concat_sql
{
	my ($sources, $target, $more) = @_;

	$sources = "s3://$bucket/$sources" if $sources !~ m{^s3://};
	return 'SELECT * FROM s3_concat(' . lit($sources) . ", 's3://$bucket/$target'" . ($more || '') . ')';
}

# Lines of so many bytes in all, different for each seed.
sub lines
{
	my ($seed, $size, %how) = @_;
	my $text = defined $how{header} ? $how{header} : '';
	my $line = md5_hex($seed) . ",\"a \"\"quoted\"\" text\",$seed\n";

	$text .= $line x (int(($size - length $text) / length $line) + 1);
	$text = substr $text, 0, $size;
	substr($text, -1) = $how{open} ? 'z' : "\n";
	return $text;
}

# What is to come out.
sub joined
{
	my ($header, @texts) = @_;
	my $result = shift @texts;

	for my $text (@texts)
	{
		my $rows = $text;

		$rows = substr $rows, length $header if length $header;
		next if !length $rows;
		$result .= "\n" if $result !~ /\n\z/;
		$result .= $rows;
	}
	return $result;
}

# Put texts under the names part-00, ...
sub put_texts
{
	my ($folder, @texts) = @_;

	s3_put($bucket, sprintf('%s/part-%02d.csv', $folder, $_), $texts[$_]) for 0 .. $#texts;
}

# Compare without showing megabytes.
sub is_object
{
	my ($key, $want, $test) = @_;
	my $got = s3_get($bucket, $key);

	$got = '' if !defined $got;
	ok($got eq $want, $test)
	  or diag(length($got) . ' bytes instead of ' . length $want);
}

# Have the rules met the requests they were made for?
sub all_met
{
	my ($method) = @_;
	my $rules = JSON::PP::decode_json(S3Client::fault_control('GET', 'rules'));

	return !grep { $_->{count} > 0 && (!defined $method || $_->{method} eq $method) } @$rules;
}

sub copies
{
	return grep { $_->{copy_source} ne '-' } @_;
}

sub sum
{
	my $sum = 0;
	$sum += $_ for @_;
	return $sum;
}

#-------------------------------------------------------------------------
# A folder as Spark leaves it
#-------------------------------------------------------------------------

my $header = qq{id,"name\nof it",note\n};
{
	my @texts = map { lines("spark $_", 700 + $_ * 37, header => $header, open => $_ % 5 == 0) } 0 .. 39;

	$texts[7] = $header;
	put_texts('spark', @texts);
	s3_put($bucket, "spark/$_->[0]", $_->[1])
	  for ([ '_SUCCESS', '' ], [ '.part-00.csv.crc', 'crc' ], [ 'part-50.csv', '' ], [ '_temporary/0/part', 'no' ]);
	my $want = joined($header, @texts);

	fault_reset();
	is(psql(concat_sql('spark/', 'out/spark.csv', ', header => true')),
		join('|', "s3://$bucket/out/spark.csv", 40, length $want, md5_hex($want), 0),
		'Spark: the result');
	is_object('out/spark.csv', $want, 'Spark: one header, all rows');
	is(scalar(grep { $_->{method} eq 'PUT' } fault_log()), 1, 'Spark: written at once');

	psql(concat_sql('spark/part-0?.csv', 'out/glob.csv', ", content_type => 'text/plain'"));
	is_object('out/glob.csv', joined('', @texts[ 0 .. 9 ]), 'a glob, without a header');
	is(s3_head($bucket, 'out/glob.csv')->{'content-type'}, 'text/plain', 'the content type');

	# Sources of two buckets, in the order written; keys that need encoding.
	s3_put($other, 'b/x +%&=?.csv', "1\n");
	is(psql(concat_sql("s3://$other/b/, s3://$bucket/spark/part-03", 'out/two.csv')) =~ /\|2\|/, 1,
		'two buckets');
	is_object('out/two.csv', "1\n$texts[3]", 'two buckets: the bytes');
}

# The line end that is missing is that of the files.
for my $end ("\r\n", "\r")
{
	my $name = unpack 'H*', $end;

	s3_put($bucket, "ends-$name/1.csv", "h,h${end}1,2");
	s3_put($bucket, "ends-$name/2.csv", "\xef\xbb\xbfh,h${end}3,4");
	s3_put($bucket, "ends-$name/3.csv", "h,h${end}5,6${end}");
	psql(concat_sql("ends-$name/", "out/ends-$name", ', header => true'));
	is_object("out/ends-$name", "h,h${end}1,2${end}3,4${end}5,6${end}", "line ends $name");
}

# A header line longer than what is read at first.
{
	my $long = join(',', map { "column_$_" } 1 .. 20000) . "\n";
	my @texts = map { lines("long $_", 6 * $MB, header => $long) } 1, 2;

	put_texts('long', @texts);
	psql(concat_sql('long/', 'out/long.csv', ', header => true'));
	is_object('out/long.csv', joined($long, @texts), 'a long header line');
}

#-------------------------------------------------------------------------
# Sizes around the least part
#-------------------------------------------------------------------------

my @sizes = (100, $least_part - 1, $least_part, $least_part + 1, 12 * $MB, 200, 7 * $MB);

for my $order ([ 0 .. 6 ], [ 4, 3, 2, 1, 0 ], [ 2, 2 ], [ 3, 3 ], [4], [ 1, 0 ], [ 6, 5, 6 ])
{
	for my $how ('', 'open', 'header')
	{
		my $test = "sizes @$order $how";
		my $line = $how eq 'header' ? $header : '';
		my @texts = map { lines("size $_", $sizes[$_], header => $line, open => $how eq 'open') } @$order;
		my $want = joined($line, @texts);

		s3_delete($bucket, s3_keys($bucket, 'sizes/'));
		put_texts('sizes', @texts);
		fault_reset();
		my $result = psql(concat_sql('sizes/', 'out/sizes.csv',
			", overwrite => 'replace'" . ($how eq 'header' ? ', header => true' : '')));
		like($result, qr/\|@{[ scalar @texts ]}\|@{[ length $want ]}\|/, "$test: the result");
		is_object('out/sizes.csv', $want, "$test: the bytes");

		# Parts are large enough, and the copied ones go by their tags.
		my @parts = sort { $a->[0] <=> $b->[0] }
		  map { $_->{uri} =~ /partNumber=(\d+)/ ? [ $1, $_ ] : () } fault_log();
		my @small = grep
		{
			my ($first, $last) = $_->[1]{copy_range} =~ /(\d+)-(\d+)/;
			defined $first ? $last - $first + 1 < $least_part
			  : $_->[1]{copy_source} eq '-' && $_->[1]{received} < $least_part;
		} @parts;
		ok(@small == 0 || (@small == 1 && $small[0][0] == @parts), "$test: no part is too small");
		is(scalar(grep { $_->{copy_if_match} !~ /^"?[0-9a-f]{32}/ } copies(fault_log())), 0,
			"$test: copies have a condition");
		next if "@$order" !~ /^(?:2 2|3 3|4)$/ || ($how eq 'open' && @$order > 1);
		next if "@$order $how" eq '2 2 header';
		cmp_ok(sum(map { $_->{received} + $_->{sent} } fault_log()), '<', 300000,
			"$test: the store copies");
	}
}

# Through memory, little is needed.
SKIP: {
	skip 'no /proc', 2 if !defined backend_rss($$);
	my @texts = map { lines("memory $_", $MB + $_) } 0 .. 59;

	put_texts('memory', @texts, lines('memory', 13 * $MB));
	my $session = psql_start("SET s3_fdw.upload_memory = '10MB'; SELECT * FROM s3_list('s3://$bucket/none')");
	psql_send($session, '');
	my $before = backend_rss($session->{pid});
	my $tracker = track_rss($session->{pid});
	psql_send($session, concat_sql('memory/', 'out/memory.csv'));
	my $used = peak_rss($tracker) - $before;
	psql_finish($session);
  SKIP:
	{
		skip 'a sanitizer keeps freed memory', 1 if $ENV{S3_TEST_ASAN};
		cmp_ok($used, '<', 24 * $MB, 'memory') or diag($used);
	}
	is_object('out/memory.csv', joined('', @texts, lines('memory', 13 * $MB)), 'memory: the bytes');
}

# What is larger than a part can be is copied in several.  (There is no such
# object: the listing is made up, and so are the copies.)
for my $case ([ 12 * 1024 * $MB + 123, 96, 128 ], [ 40 * 1024 * 1024 * $MB, 8192, 5 * 1024 ])
{
	my ($size, $least, $largest) = @$case;
	my ($at, @wrong) = (0);

	fault_reset();
	fault(match => 'list-type', status => 200, xml => '<ListBucketResult><IsTruncated>false</IsTruncated>'
		  . "<Contents><Key>huge/a.gz</Key><Size>$size</Size><ETag>\"x\"</ETag></Contents></ListBucketResult>");
	fault(match => 'partNumber=', count => -1, status => 200,
		xml => '<CopyPartResult><ETag>"0123456789abcdef0123456789abcdef"</ETag></CopyPartResult>');
	my (undef, $err) = psql_err(concat_sql('huge/', 'out/huge.gz'));
	like($err, qr{^ERROR:  58P01: could not look up "s3://$bucket/huge/a.gz"}m, "$size bytes: the end of it");
	my @ranges = sort { $a->[0] <=> $b->[0] } map { [ $_->{copy_range} =~ /^bytes=(\d+)-(\d+)$/ ] } copies(fault_log());
	for my $range (@ranges)
	{
		push @wrong, "@$range" if $range->[0] != $at || $range->[1] - $range->[0] >= $largest * $MB;
		$at = $range->[1] + 1;
	}
	is("@wrong, $at", ", $size", "$size bytes: ranges side by side");
	cmp_ok(scalar @ranges, '>=', $least, "$size bytes: several copies");
	is_deeply([ s3_uploads($bucket) ], [], "$size bytes: no upload is open");
}
fault_reset();
fault(match => 'list-type', status => 200, xml => '<ListBucketResult><IsTruncated>false</IsTruncated>'
	  . '<Contents><Key>huge/a.gz</Key><Size>' . 49 * 1024 * 1024 * $MB
	  . '</Size><ETag>"x"</ETag></Contents></ListBucketResult>');
like((psql_err(concat_sql('huge/', 'out/huge.gz')))[1],
	qr{^ERROR:  54000: object "s3://$bucket/out/huge.gz" would need more than 10000 parts}m, 'too large');

#-------------------------------------------------------------------------
# Compressed sources
#-------------------------------------------------------------------------
{
	# Of no pattern, so that it stays large.
	my $noise = join '', map { md5_hex("noise $_") . "\n" } 1 .. 600000;
	my @plain = ("a\nb", $noise, '', "last\n");
	my @members = map
	{
		my $text = $_;
		IO::Compress::Gzip::gzip(\$text, \my $member) or die "could not compress\n";
		$member;
	} @plain;
	my $dir = server_tmp();

	# One is known by its content alone.
	s3_put($bucket, "gzip/$_" . ($_ == 1 ? '' : '.gz'), $members[$_]) for 0 .. 3;
	cmp_ok(length $members[1], '>', $least_part * 2, 'gzip: a large member');
	fault_reset();
	psql(concat_sql('gzip/', 'out/all.gz'));
	is_object('out/all.gz', join('', @members), 'gzip: members side by side');
	is(scalar(copies(fault_log())), 1, 'gzip: the store copies');
	open my $fh, '>:raw', "$dir/all.gz" or die;
	print $fh s3_get($bucket, 'out/all.gz');
	close $fh;
	ok(`gzip -dc $dir/all.gz` eq join('', @plain), 'gzip: gzip reads it');
	unlink "$dir/all.gz";

	for my $case (
		[ 'gzip/1', ', header => true', 'cannot cut the header line off "s3://concat/gzip/1"' ],
		[ "gzip/1, s3://$bucket/spark/", '', 'cannot join objects of different compression' ])
	{
		my ($sources, $more, $message) = @$case;
		my (undef, $err) = psql_err(concat_sql($sources, 'out/none', $more));

		like($err, qr/^ERROR:  0A000: \Q$message\E/m, $message);
	}
}

#-------------------------------------------------------------------------
# Refusals; deletion
#-------------------------------------------------------------------------

is((psql_err(concat_sql('spark/', 'spark/part-03.csv', ", overwrite => 'replace'")))[1] =~ /22023: target .* is one of the sources/,
	1, 'the target is a source');
like((psql_err(concat_sql('spark/', 'out/spark.csv')))[1], qr/58P02: object .* already exists/, 'the target exists');
like((psql_err(concat_sql('nothing/', 'out/none')))[1], qr/58P01: there is no object to join/, 'no source');
{
	s3_put($bucket, "heads/$_.csv", $_ == 3 ? "a,c\n1,2\n" : "a,b\n1,2\n") for 1 .. 3;
	like((psql_err(concat_sql('heads/', 'out/none', ', header => true')))[1],
		qr/22P04: the header line of "s3:\S*3\.csv" is another than that of "s3:\S*1\.csv"/,
		'header lines differ');
	is(s3_get($bucket, 'out/none'), undef, 'no target after these errors');
}
{
	my @texts = (lines('delete 1', 6 * $MB), lines('delete 2', 100), lines('delete 3', 200));
	my @keys = map { "delete/part-0$_.csv" } 0 .. 2;

	put_texts('delete', @texts);
	s3_put($bucket, 'delete/_SUCCESS', '');
	fault_reset();
	like(psql(concat_sql('delete/', 'out/deleted.csv', ', delete_sources => true')), qr/\|3\z/, 'delete_sources: the count');
	is_object('out/deleted.csv', join('', @texts), 'delete_sources: the target');
	is_deeply([ s3_keys($bucket, 'delete/') ], ['delete/_SUCCESS'], 'delete_sources: they are gone');
	my @log = fault_log();
	my ($complete) = grep { $log[$_]{method} eq 'POST' && $log[$_]{uri} =~ /uploadId/ } 0 .. $#log;
	is(scalar(grep { $log[$_]{method} eq 'DELETE' && $_ < $complete } 0 .. $#log), 0,
		'delete_sources: after the target is complete');

	# One cannot be deleted, one was replaced in between, one is gone.
	put_texts('delete', @texts);
	fault_reset();
	fault(method => 'DELETE', match => 'part-00', status => 403, code => 'AccessDenied');
	fault(method => 'POST', match => 'uploadId=', delay => 2);
	my $session = psql_start(concat_sql('delete/', 'out/deleted.csv', ", overwrite => 'replace', delete_sources => true"));
	wait_until(sub { all_met('POST') }, 20);
	s3_put($bucket, $keys[1], 'new');
	s3_delete($bucket, $keys[2]);
	my ($out, $err) = psql_finish($session);
	like($out, qr/\|0\z/, 'sources that stay: the count');
	like($err, qr/^WARNING:  42501: could not delete "s3:\S*part-00\.csv"/m, 'sources that stay: one may not be deleted');
	like($err, qr/3 of 3 sources were not deleted.*2 of them have changed or are gone, 1 could not be deleted/s,
		'sources that stay: how many and why');
	is(s3_get($bucket, $keys[1]), 'new', 'sources that stay: a newer one');
	is_object('out/deleted.csv', join('', @texts), 'sources that stay: the target');
}

#-------------------------------------------------------------------------
# Faults.  The parts: a copy, memory, a copy, memory.
#-------------------------------------------------------------------------

my @texts = (lines('fault 0', 6 * $MB), lines('fault 1', 300, open => 1), lines('fault 2', 11 * $MB), lines('fault 3', 100));
my $bytes = joined('', @texts);
my $fault_sql = concat_sql('fault/', 'out/fault.csv');
my $session;

put_texts('fault', @texts);

sub fault_session
{
	$session ||= psql_start(<<~'SQL', go_on => 1);
		SET s3_fdw.stall_timeout = '1s';
		SET s3_fdw.connect_timeout = '1s';
		SET s3_fdw.abort_timeout = '1500ms';
		SQL
	return $session;
}

# Run it; returns its SQLSTATE or '' and what is wrong with what it left.
sub run_fault
{
	my ($retries, $lasting) = @_;
	my $begin = time;
	my ($out, $err) = psql_send(fault_session(), "SET s3_fdw.max_retries = $retries; $fault_sql");
	my $seconds = time - $begin;
	my ($state) = $err =~ /^ERROR:  (\w{5}):/m;
	my $warned = $err =~ /^WARNING/m;
	my @wrong;
	my $object = s3_head($bucket, 'out/fault.csv');
	my @open = s3_uploads($bucket);

	$state = '' if !defined $state;
	push @wrong, "it took $seconds s" if $seconds > 15;
	push @wrong, "an internal error: $err" if $state =~ /^XX/;
	push @wrong, "a warning: $err" if $warned && !$lasting;
	if ($state eq '')
	{
		push @wrong, "the result: $out $err" if $out !~ /\|4\|@{[ length $bytes ]}\|/;
		push @wrong, 'the bytes are wrong' if (s3_get($bucket, 'out/fault.csv') // '') ne $bytes;
	}
	elsif ($object)
	{
		push @wrong, 'a target was left' if !$warned;
		push @wrong, 'half a target was left' if s3_get($bucket, 'out/fault.csv') ne $bytes;
	}
	push @wrong, 'an upload is open' if @open && !($warned && $state);
	s3_request('DELETE', $bucket, $_->{key}, query => { uploadId => $_->{upload_id} }) for @open;
	s3_delete($bucket, 'out/fault.csv') if $object;
	return ($state, $err, @wrong);
}

fault_reset();
is((run_fault(2))[0], '', 'faults: a clean run');
my @exchanges = fault_log();
is(scalar(copies(@exchanges)), 2, 'faults: with copies');
like(join(' ', map { $_->{copy_source} } copies(@exchanges)), qr{/$bucket/fault/part-00\.csv}, 'faults: of the sources');
psql_finish($session);
$session = undef;

my @faults = (
	[ 'close', { close => 1 } ],
	[ '500', { status => 500, code => 'InternalError' } ],
	[ '503', { status => 503, code => 'SlowDown' } ],
	[ '403', { status => 403, code => 'AccessDenied' } ],
	[ '200 with an error', { status => 200, code => 'InternalError' } ],
	[ 'answer lost', { after => 1, close => 1 } ],
	[ 'answer cut', { truncate => 20 } ]);

for my $fault (@faults)
{
	my ($what, $rule) = @$fault;
	my @failed;

	for my $n (1 .. @exchanges)
	{
		# The last look-up of the target may or may not be made.
		my ($state, $err, @wrong);

		fault_reset();
		fault(%$rule, nth => $n);
		($state, $err, @wrong) = run_fault(2);
		push @wrong, "not survived: $err" if $state ne '' && $what ne '403';
		push @failed, "exchange $n: @wrong" if @wrong;
		next if $what ne '500' && $what ne 'answer lost';

		fault_reset();
		fault(%$rule, skip => $n - 1, count => -1);
		($state, $err, @wrong) = run_fault(1, 1);
		push @failed, "exchange $n and ever after: @wrong" if @wrong;
		psql_finish($session);
		$session = undef;
	}
	is("@failed", '', "every exchange, $what");
	psql_finish($session) if $session;
	$session = undef;
}
fault_reset();

# A copy that takes its time, and then works, or fails in spite of its status.
fault(match => 'partNumber=1', pad => 15);
is((run_fault(0))[0], '', 'a slow copy');
fault_reset();
fault(match => 'partNumber=1', pad => 15, xml => '<Error><Code>AccessDenied</Code></Error>');
{
	my ($state, $err, @wrong) = run_fault(0);

	is("$state @wrong", '42501 ', 'a slow copy that fails');
	like($err, qr{could not copy "s3://$bucket/fault/part-00\.csv".*The service answered 200 AccessDenied.*request id}s,
		'a slow copy that fails: the message');
}
for my $xml ('', '<CopyPartResult/>', '<html/>', '<CopyPartResult><ETag>"0')
{
	fault_reset();
	fault(match => 'partNumber=1', after => 1, xml => $xml, count => -1);
	my ($state, $err, @wrong) = run_fault(1);
	is("$state @wrong", 'HV000 ', "a copy answered by '$xml'");
}

# The source was replaced after it was listed: the store says so, or does not.
fault_reset();
fault(match => 'partNumber=3', status => 412, code => 'PreconditionFailed');
{
	my ($state, $err, @wrong) = run_fault(2);

	is("$state @wrong", '55000 ', 'a source has changed, 412');
	like($err, qr{could not copy "s3://$bucket/fault/part-02\.csv": the object changed while it was being read},
		'a source has changed, 412: the message');
}
for my $part (1, 3)
{
	my $name = sprintf 'fault/part-%02d.csv', $part - 1;

	fault_reset();
	fault(match => "partNumber=$part", delay => 2);
	S3Test::write_psql(fault_session(), "$fault_sql;");
	wait_until(\&all_met, 20);
	s3_put($bucket, $name, scalar reverse $texts[ $part - 1 ]);
	my (undef, $err) = psql_send($session, '');
	like($err, qr/^ERROR:  55000: could not (?:copy|read) "s3:\S*\Q$name\E": the object changed/m, "$name has changed");
	is(s3_get($bucket, 'out/fault.csv'), undef, "$name has changed: no target");
	is_deeply([ s3_uploads($bucket) ], [], "$name has changed: no upload is open");
	s3_put($bucket, $name, $texts[ $part - 1 ]);
}

# A target that appears in between is not replaced.
fault_reset();
fault(match => 'partNumber=1', delay => 2);
S3Test::write_psql(fault_session(), "$fault_sql;");
wait_until(\&all_met, 20);
s3_put($bucket, 'out/fault.csv', 'theirs');
like((psql_send($session, ''))[1], qr/^ERROR:  58P02:/m, 'a target that appears');
is(s3_get($bucket, 'out/fault.csv'), 'theirs', 'a target that appears stays');
is_deeply([ s3_uploads($bucket) ], [], 'a target that appears: no upload is open');
s3_delete($bucket, 'out/fault.csv');

#-------------------------------------------------------------------------
# Cancel
#-------------------------------------------------------------------------

for my $state (
	[ 'listing', { match => 'list-type', delay => 60, close => 1 } ],
	[ 'reading', { match => 'part-01', delay => 60, close => 1 } ],
	[ 'copying', { match => 'partNumber=3', delay => 60, close => 1 } ],
	[ 'copying, within the answer', { match => 'partNumber=1', pad => 300 } ],
	[ 'sending', { match => 'partNumber=2', delay => 60, close => 1 } ],
	[ 'looking up', { method => 'HEAD', match => 'part-02', delay => 60, close => 1 } ],
	[ 'completing', { method => 'POST', match => 'uploadId=', delay => 60, close => 1 } ],
	[ 'deleting', { method => 'DELETE', match => 'part-', delay => 60, close => 1 } ])
{
	my ($name, $rule) = @$state;
	my $sql = $fault_sql;

	$sql =~ s/\)$/, delete_sources => true)/ if $name eq 'deleting';
	fault_reset();
	fault(%$rule);
	psql_send(fault_session(), 'RESET s3_fdw.abort_timeout; SET s3_fdw.stall_timeout = 60000');
	S3Test::write_psql($session, "$sql;");
	ok(wait_until(\&all_met, 20),
		"$name, canceled: the state was reached");
	sleep 0.3;
	my $begin = time;
	psql("SELECT pg_cancel_backend($session->{pid})");
	my (undef, $err) = psql_send($session, '');
	like($err, qr/^ERROR:  57014:/m, "$name, canceled: 57014");
	cmp_ok(time - $begin, '<', 3, "$name, canceled: in time");
	unlike($err, qr/^WARNING/m, "$name, canceled: no warning");
	is_deeply([ s3_uploads($bucket) ], [], "$name, canceled: no upload is open");
	if ($name eq 'deleting')
	{
		is_object('out/fault.csv', $bytes, "$name, canceled: the target stays");
		s3_delete($bucket, 'out/fault.csv');
	}
	else
	{
		is(s3_get($bucket, 'out/fault.csv'), undef, "$name, canceled: no target");
	}
}

#-------------------------------------------------------------------------
# Progress
#-------------------------------------------------------------------------

sub progress
{
	return psql("SELECT command, type, bytes_processed, bytes_total, tuples_processed FROM pg_stat_progress_copy WHERE pid = $session->{pid}");
}

# The second source is late, and the last one more so.
put_texts('fault', @texts);
for my $case ([ 'alone', $fault_sql ], [ 'within COPY', "COPY ($fault_sql) TO STDOUT" ])
{
	my ($name, $sql) = @$case;

	fault_reset();
	fault(method => 'GET', match => 'part-01', delay => 1);
	fault(method => 'GET', match => 'part-03', delay => 4);
	S3Test::write_psql(fault_session(), "$sql;");
	if ($name eq 'alone')
	{
		ok(wait_until(sub { progress() =~ /^COPY TO\|CALLBACK\|0\|@{[ sum(map { length } @texts) ]}\|0$/ }, 20),
			'progress: it begins');
		ok(wait_until(sub { progress() =~ /\|CALLBACK\|(\d+)\|\d+\|0$/ && $1 >= length $texts[0] && $1 < length $bytes }, 20),
			'progress: it goes on') or diag(progress());
	}
	else
	{
		ok(wait_until(\&all_met, 20), "progress $name: the state was reached");
		sleep 1.5;
		like(progress(), qr/^COPY TO\|PIPE\|/, "progress $name: the place is taken");
	}
	my (undef, $err) = psql_send($session, '');
	is($err, '', "progress $name: no error");
	is(progress(), '', "progress $name: it ends");
	is_object('out/fault.csv', $bytes, "progress $name: the bytes");
	s3_delete($bucket, 'out/fault.csv');
}
fault_reset();
fault(match => 'partNumber=3', status => 403, code => 'AccessDenied');
like((psql_send($session, $fault_sql))[1], qr/^ERROR:  42501:/m, 'progress: an error');
is(progress(), '', 'progress: an error ends it');

psql_finish($session);
fault_reset();
done_testing();
