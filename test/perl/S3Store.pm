#-------------------------------------------------------------------------
#
# S3Store.pm
#		A store that takes everything and writes down what it was sent, and
#		checksums by their definitions.
#
# It keeps no object.  What it answers is up to the test, which may fall back
# on store_answer(); it runs in processes of its own, one for each connection,
# so that a test steers it by files.
#
# Above: tests of what exactly is sent.  The real store tells what it has kept.
#
# IDENTIFICATION
#		test/perl/S3Store.pm
#
#-------------------------------------------------------------------------
package S3Store;

use strict;
use warnings;
no warnings 'portable';

use Digest::MD5 qw(md5_hex);
use Exporter 'import';
use Fcntl qw(:flock);
use File::Temp ();
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use POSIX ();

our @EXPORT = qw(store_start store_requests store_answer crc crc_table);

my $scratch = File::Temp->newdir('s3store_XXXXXX', TMPDIR => 1);
my $owner = $$;
my @servers;

END
{
	if ($owner == $$)
	{
		kill 'TERM', $_ for @servers;
	}
}

#-------------------------------------------------------------------------
# Checksums
#-------------------------------------------------------------------------

# crc_table($polynomial): of the 256 bytes, reflected.
sub crc_table
{
	my ($polynomial) = @_;

	return [
		map {
			my $value = $_;
			$value = $value & 1 ? ($value >> 1) ^ $polynomial : $value >> 1 for 1 .. 8;
			$value;
		} 0 .. 255 ];
}

my %crc_tables = (crc32c => crc_table(0x82F63B78), crc64nvme => crc_table(0x9A6C9329AC4BC9B5));

# crc($kind, $data): in base64, as S3 has it.
sub crc
{
	my ($kind, $data) = @_;
	my $table = $crc_tables{$kind};
	my $all = $kind eq 'crc32c' ? 0xFFFFFFFF : ~0;
	my $crc = $all;

	$crc = ($crc >> 8) ^ $table->[ ($crc ^ $_) & 0xFF ] for unpack 'C*', $data;
	return encode_base64(pack($kind eq 'crc32c' ? 'N' : 'Q>', $crc ^ $all), '');
}

#-------------------------------------------------------------------------
# The store
#-------------------------------------------------------------------------

# store_answer($method, $target, $headers, $body): success of whatever it is, as
# (status, further header lines, content or undef).
sub store_answer
{
	my ($method, $target, $headers, $body) = @_;

	return (404, '', '') if $method eq 'HEAD';
	return (204, '', '') if $method eq 'DELETE';
	return (200, 'ETag: "' . md5_hex($body) . "\"\r\n", '') if $method eq 'PUT';
	return (200, '', '<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>')
	  if $method eq 'GET';
	return (200, '', '<InitiateMultipartUploadResult><UploadId>one</UploadId></InitiateMultipartUploadResult>')
	  if $target =~ /[?&]uploads=/;
	return (200, '', '<CompleteMultipartUploadResult><ETag>"done-2"</ETag></CompleteMultipartUploadResult>');
}

# Large bodies are in files of their own.
sub record
{
	my ($method, $target, $headers, $body, $lines) = @_;

	if (length $body > 1 << 16)
	{
		my $path = "$scratch/body." . md5_hex($body);

		open my $fh, '>:raw', $path or die;
		print $fh $body;
		close $fh;
		$body = "file:$path";
	}
	open my $log, '>>:raw', "$scratch/log" or die;
	flock $log, LOCK_EX;
	print $log JSON::PP->new->ascii->encode(
		{ method => $method, target => $target, headers => $headers, body => $body, lines => $lines }),
	  "\n";
	close $log;
}

sub serve_connection
{
	my ($socket, $answer) = @_;
	my $buffer = '';

	while (1)
	{
		while ($buffer !~ /\r\n\r\n/)
		{
			sysread($socket, $buffer, 1 << 20, length $buffer) or return;
		}
		$buffer =~ s/^(\S+) (\S+) [^\r]*\r\n(.*?\r\n)\r\n//s or return;
		my ($method, $target, $head) = ($1, $2, $3);
		my %headers = map { /^([^:]+):[ \t]*(.*?)[ \t]*$/ ? (lc $1, $2) : () } split /\r\n/, $head;
		my $length = $headers{'content-length'} || 0;

		if (lc($headers{expect} || '') eq '100-continue' && !length $buffer)
		{
			syswrite $socket, "HTTP/1.1 100 Continue\r\n\r\n";
		}
		while (length $buffer < $length)
		{
			sysread($socket, $buffer, 1 << 20, length $buffer) or return;
		}
		my $body = substr $buffer, 0, $length, '';
		my ($status, $more, $content) = $answer->($method, $target, \%headers, $body);

		record($method, $target, \%headers, $body, scalar split /\r\n/, $head);
		return if !defined $status;
		$more .= 'Content-Length: ' . length($content) . "\r\n" if defined $content;
		syswrite $socket, "HTTP/1.1 $status Answer\r\n$more\r\n" . (defined $content ? $content : '');
	}
}

# store_start(\&answer): the URL of a store that answers so, or with no status
# closes the connection; it ends with the test.
sub store_start
{
	my ($answer) = @_;
	my $listener =
	  IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 20, ReuseAddr => 1)
	  or die "could not listen: $!\n";
	my $server = fork();

	die "fork: $!\n" if !defined $server;
	if ($server == 0)
	{
		local $SIG{CHLD} = 'IGNORE';
		while (my $socket = $listener->accept)
		{
			my $child = fork();

			if (defined $child && $child == 0)
			{
				eval { serve_connection($socket, $answer) };
				print STDERR $@ if $@;
				POSIX::_exit(0);
			}
			close $socket;
		}
		POSIX::_exit(0);
	}
	push @servers, $server;
	return 'http://127.0.0.1:' . $listener->sockport;
}

# store_requests(): those since the last time, each a hash of method, target,
# headers (lower-case names), body and the number of header lines.
sub store_requests
{
	open my $fh, '<:raw', "$scratch/log" or return ();
	my @log = map { JSON::PP->new->decode($_) } <$fh>;
	close $fh;
	unlink "$scratch/log";
	for my $request (@log)
	{
		next if $request->{body} !~ s/^file://;
		my $path = $request->{body};

		open my $body, '<:raw', $path or die;
		local $/;
		$request->{body} = <$body>;
	}
	unlink glob "$scratch/body.*";
	return @log;
}

1;
