#-------------------------------------------------------------------------
#
# 012_xml.pl
#		Reading answers in XML: good ones, hostile ones, damaged ones.
#
# IDENTIFICATION
#		test/t/012_xml.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use JSON::PP;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $lib = unit_lib();
plan skip_all => 'the unit test module is not built' unless defined $lib;

my $functions = join "\n", map { "CREATE FUNCTION pg_temp.$_ LANGUAGE C AS " . lit($lib) . ", '" . (/^(\w+)/)[0] . "';" } (
	'unit_xml_parse(bytea, text) RETURNS text[]',
	'unit_xml_fuzz(bytea, int, int) RETURNS int');

sub bytea
{
	my ($bytes) = @_;

	return q{'\x} . unpack('H*', $bytes) . q{'::bytea};
}

# ("ok" or the error, events...)
sub parse
{
	my ($document, $stop_at) = @_;
	my $out = psql("$functions\nSELECT to_json(pg_temp.unit_xml_parse("
		  . bytea($document) . ', ' . lit($stop_at) . '))');

	return @{ decode_json($out) };
}

# Texts of the elements that have any, as "path|text".
sub texts
{
	my ($result, @events) = parse(@_);

	return ($result, map { /^=(.*\|.+)$/s ? $1 : () } @events);
}

sub refused
{
	my ($document, $reason, $name) = @_;
	my ($result) = parse($document);

	like($result, $reason, $name);
}

my $declaration = qq{<?xml version="1.0" encoding="UTF-8"?>\n};
my $ns = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

#-------------------------------------------------------------------------
# Answers
#-------------------------------------------------------------------------

my $list = $declaration . <<"END";
<ListBucketResult $ns>
  <Name>bucket</Name>
  <Prefix>a/</Prefix>
  <KeyCount>2</KeyCount>
  <MaxKeys>1000</MaxKeys>
  <IsTruncated>true</IsTruncated>
  <NextContinuationToken>1x/+==</NextContinuationToken>
  <Contents>
    <Key>a/b &amp; c&lt;d&gt;.csv</Key>
    <LastModified>2024-02-29T12:00:00.000Z</LastModified>
    <ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag>
    <Size>12345678901</Size>
    <StorageClass>STANDARD</StorageClass>
  </Contents>
  <Contents>
    <Key>a/&#252;&#x1F600;\xc3\xbc&#10;x</Key>
    <LastModified>2024-02-29T12:00:01.000Z</LastModified>
    <ETag>&#34;0123456789abcdef0123456789abcdef-3&#34;</ETag>
    <Size>0</Size>
    <Owner><ID>o</ID><DisplayName/></Owner>
  </Contents>
  <CommonPrefixes><Prefix>a/e/</Prefix></CommonPrefixes>
</ListBucketResult>
END

is_deeply(
	[ texts($list) ],
	[
		'ok',
		'ListBucketResult/Name|bucket',
		'ListBucketResult/Prefix|a/',
		'ListBucketResult/KeyCount|2',
		'ListBucketResult/MaxKeys|1000',
		'ListBucketResult/IsTruncated|true',
		'ListBucketResult/NextContinuationToken|1x/+==',
		'ListBucketResult/Contents/Key|a/b & c<d>.csv',
		'ListBucketResult/Contents/LastModified|2024-02-29T12:00:00.000Z',
		'ListBucketResult/Contents/ETag|"0123456789abcdef0123456789abcdef"',
		'ListBucketResult/Contents/Size|12345678901',
		'ListBucketResult/Contents/StorageClass|STANDARD',
		"ListBucketResult/Contents/Key|a/\x{fc}\x{1f600}\x{fc}\nx",
		'ListBucketResult/Contents/LastModified|2024-02-29T12:00:01.000Z',
		'ListBucketResult/Contents/ETag|"0123456789abcdef0123456789abcdef-3"',
		'ListBucketResult/Contents/Size|0',
		'ListBucketResult/Contents/Owner/ID|o',
		'ListBucketResult/CommonPrefixes/Prefix|a/e/'
	],
	'list');

is_deeply(
	[ parse("$declaration<InitiateMultipartUploadResult $ns><Bucket>b</Bucket><Key>k</Key><UploadId>VXBs.b2Fk_-</UploadId></InitiateMultipartUploadResult>") ],
	[
		'ok', '+InitiateMultipartUploadResult',
		'+InitiateMultipartUploadResult/Bucket', '=InitiateMultipartUploadResult/Bucket|b',
		'+InitiateMultipartUploadResult/Key', '=InitiateMultipartUploadResult/Key|k',
		'+InitiateMultipartUploadResult/UploadId', '=InitiateMultipartUploadResult/UploadId|VXBs.b2Fk_-',
		'=InitiateMultipartUploadResult|'
	],
	'initiate, with every event');

is_deeply(
	[ texts("$declaration<CompleteMultipartUploadResult $ns><Location>http://b.example/k</Location><ETag>\"1-2\"</ETag></CompleteMultipartUploadResult>") ],
	[ 'ok', 'CompleteMultipartUploadResult/Location|http://b.example/k', 'CompleteMultipartUploadResult/ETag|"1-2"' ],
	'complete');

is_deeply(
	[ texts("$declaration<Error><Code>NoSuchKey</Code><Message>The key does not exist.</Message><RequestId>1</RequestId><HostId/></Error>") ],
	[ 'ok', 'Error/Code|NoSuchKey', 'Error/Message|The key does not exist.', 'Error/RequestId|1' ],
	'error');

is_deeply(
	[ texts(" \r\n\t" x 5000 . "$declaration<Error><Code>InternalError</Code></Error>\n \n") ],
	[ 'ok', 'Error/Code|InternalError' ], 'blanks before the declaration');

is_deeply(
	[ texts('<Error><Code>InternalError</Code></Error>') ],
	[ 'ok', 'Error/Code|InternalError' ], 'no declaration');

is_deeply(
	[ texts("<s:A xmlns:s='urn:x'><s:B>1</s:B><t:C>2</t:C><D>3</D></s:A>") ],
	[ 'ok', 'A/B|1', 'A/C|2', 'A/D|3' ], 'name space prefixes are taken off');

is_deeply(
	[ texts("<A><B> x <![CDATA[<&>]]]]>&apos;<!-- no --> y<?pi no?></B><C a='1' b=\"2\"/></A>") ],
	[ 'ok', "A/B| x <&>]]' y" ], 'text in pieces, CDATA, comments, attributes');

is_deeply(
	[ parse('<A>one<B>two</B>three</A>') ],
	[ 'ok', '+A', '+A/B', '=A/B|two', '=A|' ], 'text beside elements is not told');

is_deeply(
	[ texts("<A><B>x\r\ny\rz&#13;</B></A>") ], [ 'ok', "A/B|x\ny\nz\r" ], 'line ends as XML has them');

is_deeply(
	[ texts("<?xml version='1.0' encoding='ISO-8859-1'?><A><B>\xfc</B></A>") ],
	[ 'ok', "A/B|\x{fc}" ], 'another encoding comes out as UTF-8');

is_deeply([ parse("\xef\xbb\xbf<A/>") ], [ 'ok', '+A', '=A|' ], 'byte order mark');

#-------------------------------------------------------------------------
# Limits
#-------------------------------------------------------------------------

{
	my $deep = sub { join('', map { "<e$_>" } 1 .. $_[0]) . 'x' . join('', map { "</e$_>" } reverse 1 .. $_[0]) };

	is((texts($deep->(16)))[1], join('/', map { "e$_" } 1 .. 16) . '|x', '16 levels');
	refused($deep->(17), qr/^elements are nested too deeply$/, '17 levels');
	refused('<a>' x 100_000, qr/^elements are nested too deeply$/, 'any number of levels');

	my ($result, $text) = texts('<A><B>' . 'x' x 65536 . '</B></A>');
	is($result, 'ok', 'text of 64 kB');
	is(length $text, 65536 + length 'A/B|', 'and all of it');
	refused('<A><B>' . 'x' x 65537 . '</B></A>', qr/^text of an element is too long$/, 'text of 64 kB and a byte');
	refused('<A><B>' . '&amp;' x 65537 . '</B></A>', qr/^text of an element is too long$/, 'and so in pieces');
	refused('<A><B>' . 'x<!-- -->' x 65537 . '</B></A>', qr/^text of an element is too long$/, 'and so with comments');
	is((parse('<A>' . (' ' x 60_000 . '<B/>') x 10 . '</A>'))[0], 'ok', 'blanks between elements do not add up');
	is((parse('<A>' . ('<B>' . 'x' x 60_000 . '</B>') x 10 . '</A>'))[0], 'ok', 'texts do not add up');

	# the path: 1024 bytes with its slashes
	is((parse('<' . 'n' x 511 . '><' . 'm' x 512 . '/></' . 'n' x 511 . '>'))[0], 'ok', 'long names');
	refused('<' . 'n' x 512 . '><' . 'm' x 512 . '/></' . 'n' x 512 . '>',
		qr/^element names are too long$/, 'names that are too long');
	refused('<' . 'n' x 1_000_000 . '/>', qr/^element names are too long$/, 'one name that is too long');

	# the document is fed to expat in pieces of 1 MB
	my $big = '<A>' . ('<B>' . 'y' x 5000 . '</B>') x 500 . '</A>';
	($result, my @texts) = texts($big);
	is($result, 'ok', 'a document of more than one piece');
	is(scalar @texts, 500, 'with all its elements');
	is(scalar(grep { length $_ != 5000 + length 'A/B|' } @texts), 0, 'and texts');
}

#-------------------------------------------------------------------------
# Documents that are refused
#-------------------------------------------------------------------------

{
	my $dtd = qr/^document type declarations are not accepted$/;
	my $laughs = '<!DOCTYPE a [<!ENTITY l0 "ha">'
	  . join('', map { "<!ENTITY l$_ \"" . ('&l' . ($_ - 1) . ';') x 10 . '">' } 1 .. 12)
	  . ']><a>&l12;</a>';

	refused('<!DOCTYPE a><a/>', $dtd, 'a bare DOCTYPE');
	refused("$declaration<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/x.dtd'><a/>", $dtd, 'an external DTD');
	refused("<!DOCTYPE a PUBLIC 'p' 'file:///etc/passwd'><a/>", $dtd, 'a public DTD');
	refused("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", $dtd, 'an external entity');
	refused("<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://127.0.0.1:1/'> %x;]><a/>", $dtd, 'a parameter entity');
	refused("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", $dtd, 'an internal entity');
	refused($laughs, $dtd, 'billion laughs');
	refused("  \n$laughs", $dtd, 'billion laughs after blanks');
	is_deeply([ parse('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>') ],
		[ 'document type declarations are not accepted' ], 'and nothing was told of it');

	my @malformed = (
		'', " \r\n\t", 'text', '{"a":1}', "\0", "\0\0\0\0", "\x1f\x8b\x08\0\0", '<', '<a', '<a>', '<a></b>', '<a><b></a></b>',
		'<a/><b/>', '<a/>text', 'text<a/>', '<a>&undefined;</a>', '<a>&#0;</a>', '<a>&#x110000;</a>', "<a>\0</a>",
		"<a>\x01</a>", "<a>\xff</a>", "<a>\xc3</a>", "<a>\xed\xa0\x80</a>", '<a b="1" b="2"/>', '<a b=1/>', '<a b="<"/>',
		'<a>]]></a>', '<a><![CDATA[x</a>', '<a><!-- x</a>', '<a><!-- -- --></a>', '<?xml version="1.0"?>',
		'<a/><?xml version="1.0"?>', '<?xml version="1.0" encoding="no-such"?><a/>',
		'<html><head><title>502</title><body>Bad Gateway<br></body></html>', '<!doctype html><p>x', '</a>');

	for my $document (@malformed)
	{
		my ($result) = parse($document);
		my $shown = $document =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;

		isnt($result, 'ok', "refused: '$shown' ($result)");
		isnt($result, '', 'with a reason');
	}

	my $accepted = psql("$functions
		SELECT count(*) FROM generate_series(0, length(" . bytea($list) . ") - 2) AS n
		WHERE (pg_temp.unit_xml_parse(substr(" . bytea($list) . ', 1, n), NULL))[1] = \'ok\'');
	is($accepted, 0, 'a list cut at any byte is refused');
}

is_deeply(
	[ parse('<A><B>1</B><C>2</C><D>3</D></A>', 'A/C') ],
	[ 'unexpected content', '+A', '+A/B', '=A/B|1' ], 'a handler that stops is not called again');
is_deeply([ parse('<A/>', 'A') ], [ 'unexpected content' ], 'nor at the end of an empty element');
is_deeply([ parse('<A><B/></A>', 'A/B') ], [ 'unexpected content', '+A' ], 'nor deeper');

#-------------------------------------------------------------------------
# Damaged documents
#-------------------------------------------------------------------------

{
	my @documents = ($list, '<A><B>x</B><B><![CDATA[y]]></B><!-- c --><n:C a="1">&amp;</n:C></A>',
		'<a>' x 15 . 'x' . '</a>' x 15);
	my $total = 0;

	for my $i (0 .. $#documents)
	{
		my $accepted = psql("$functions SELECT pg_temp.unit_xml_fuzz(" . bytea($documents[$i]) . ", $i + 1, 5000)");

		ok($accepted < 5000, "5000 damaged copies, $accepted still well-formed");
		$total += $accepted;
	}
	cmp_ok($total, '>', 0, 'some damage is harmless');
}

done_testing();
