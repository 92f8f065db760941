#-------------------------------------------------------------------------
#
# 070_redshift_statements.pl
#		Statements written for Redshift: which are read, and as what; which are
#		refused, why and where; and that no key is ever shown.
#
# The published statements' outcomes are in test/data/redshift_statements: file,
# line or ordinal, outcome.
#
# IDENTIFICATION
#		test/t/070_redshift_statements.pl
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

my $functions = join "\n", map { "CREATE FUNCTION pg_temp.$_ RETURNS text LANGUAGE C STRICT AS " . lit($lib) . ", '" . (/^(\w+)/)[0] . "';" } (
	'unit_redshift_parse(text)', 'unit_redshift_redact(text)', 'unit_redshift_parameters()');

# What the parser makes of each statement: (hash, ...).
sub parse
{
	my $sql = join '', map { 'SELECT pg_temp.unit_redshift_parse(' . lit($_) . ");\n" } @_;

	return map { decode_json($_) } split /\n/, psql("$functions\n$sql");
}

my @cases;

# A case: statement, and what is in the hash, or (as a string) "sqlstate message".
sub case
{
	my ($sql, $expected) = @_;

	push @cases, [ $sql, $expected ];
}

# The same of a COPY or UNLOAD that has all it needs, and further parameters.
sub copy
{
	my ($parameters, $expected) = @_;

	case("COPY t FROM 's3://b/k' IAM_ROLE 'r' $parameters",
		ref $expected ? { command => 'COPY', table => 't', location => 's3://b/k', roles => ['r'], %$expected } : $expected);
}

sub unload
{
	my ($parameters, $expected) = @_;

	case("UNLOAD ('select 1') TO 's3://b/k' IAM_ROLE 'r' $parameters",
		ref $expected ? { command => 'UNLOAD', query => 'select 1', location => 's3://b/k', roles => ['r'], %$expected } : $expected);
}

sub shown
{
	my ($s) = @_;

	$s =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
	return length $s > 110 ? substr($s, 0, 107) . '...' : $s;
}

sub run_cases
{
	my @got = parse(map { $_->[0] } @cases);

	for my $i (0 .. $#cases)
	{
		my ($sql, $expected) = @{ $cases[$i] };
		my $got = $got[$i];
		my $name = shown($sql);

		if (ref $expected)
		{
			is_deeply($got, $expected, $name) or diag(JSON::PP->new->canonical->encode($got));
		}
		else
		{
			is(exists $got->{error} ? "$got->{error} $got->{message}" : 'no error', $expected, $name);
		}
	}
	@cases = ();
}

my $t = JSON::PP::true;

# A word that is nearly a parameter
{
	my @got = parse("COPY t FROM 's3://b/k' IAM_ROLE default MAXEROR 2", "UNLOAD ('select 1') TO 's3://b/k' IAM_ROLE default Manifst",
		"COPY t FROM 's3://b/k' IAM_ROLE default LIMIT 2");

	is_deeply([ map { $_->{hint} } @got ], [ 'Perhaps you meant MAXERROR.', 'Perhaps you meant MANIFEST.', undef ], 'hints');
}

#-------------------------------------------------------------------------
# Published statements
#-------------------------------------------------------------------------

SKIP:
{
	my $dir = corpora();
	skip 'the published statements are not there', 1 unless defined $dir && -d "$dir/redshift";
	my @statements;

	for my $file ('copy.sql', 'unload.sql')
	{
		open my $fh, '<:raw', "$dir/redshift/sqlfluff/$file" or die "could not open $file: $!\n";
		my $text = do { local $/; <$fh> };
		my $n = 0;
		push @statements, [ "sqlfluff/$file", ++$n, $1 ]
		  while $text =~ /\G\s*((?:--[^\n]*\n|'(?:[^']|'')*'|[^';])*);\s*/gc;
	}
	open my $fh, '<:raw', "$dir/redshift/statements.jsonl" or die "could not open statements.jsonl: $!\n";
	while (<$fh>)
	{
		my $row = decode_json($_);
		push @statements, [ 'statements.jsonl', "$row->{doc}:$row->{line}", $row->{sql} ];
	}
	close $fh;

	my @table;
	open $fh, '<:raw', "$FindBin::Bin/../data/redshift_statements" or die "could not open the table: $!\n";
	while (<$fh>)
	{
		chomp;
		push @table, [ split /\t/ ] unless /^#/;
	}
	is(scalar @statements, 121, 'all statements are there');
	is_deeply([ map { "@$_[0, 1]" } @table ], [ map { "@$_[0, 1]" } @statements ], 'the table has them all');

	my @got = parse(map { $_->[2] } @statements);
	for my $i (0 .. $#table)
	{
		my $got = $got[$i];
		is(exists $got->{error} ? "refused: $got->{error} $got->{message}" : 'parses',
			$table[$i][2] =~ /^refused/ ? $table[$i][2] : 'parses',
			"$table[$i][0] $table[$i][1]");
	}

	# Some of them, compared with the strings that are in them
	my %by_id = map { ("@{$statements[$_]}[0, 1]" => [ $got[$_], $statements[$_][2] =~ /'((?:\\.|''|[^'\\])*)'/g ]) } 0 .. $#statements;
	my ($got, @strings) = @{ $by_id{'statements.jsonl t_Unloading_tables.md:126'} };
	s/\\'/'/g for @strings;
	like($strings[0], qr/='..'/, 'a query with escaped quotes');
	is_deeply($got, { command => 'UNLOAD', query => $strings[0], location => $strings[1], roles => [ $strings[2] ] }, '... is as it is meant');
	($got, @strings) = @{ $by_id{'statements.jsonl tutorial-loading-run-copy.md:326'} };
	$strings[2] =~ s/ //g;
	is($got->{fixedwidth}, $strings[2], 'widths with blanks');
	($got) = @{ $by_id{'statements.jsonl tutorial-loading-run-copy.md:209'} };
	is_deeply([ $got->{null_is_nul}, $got->{null_as} ], [ $t, undef ], 'NUL for NULL');
	($got, @strings) = @{ $by_id{'sqlfluff/copy.sql 8'} };
	is_deeply($got,
		{ command => 'COPY', table => 'event', location => $strings[0], roles => [ $strings[1] ], remove_quotes => $t,
			empty_as_null => $t, blanks_as_null => $t, max_errors => 5, delimiter => '|', timeformat => $strings[3] }, 'many parameters');
	($got, @strings) = @{ $by_id{'sqlfluff/unload.sql 17'} };
	is_deeply($got,
		{ command => 'UNLOAD', query => $strings[0], location => $strings[1], format => 'CSV',
			header => $t, extension => 'csv', serial => $t, access_key_id => '<set>', secret_access_key => '<set>' },
		'keys in a string');
}

#-------------------------------------------------------------------------
# As programs write them
#-------------------------------------------------------------------------

# schedulers: keys in CREDENTIALS on lines of their own, parameters one a line
case(<<"END",
\n                    COPY public.orders (id, "Total", note)
                    FROM 's3://stage/orders/2024-01-01.csv'
                    credentials
                    'aws_access_key_id=AKIAIOSFODNN7EXAMPLE;aws_secret_access_key=a/b+c=;token=IQoJb3=='
                    csv
\t\t\tIGNOREHEADER 1
\t\t\tdelimiter as ';'\n;
END
	{ command => 'COPY', schema => 'public', table => 'orders', columns => [ 'id', 'Total', 'note' ],
		location => 's3://stage/orders/2024-01-01.csv', access_key_id => '<set>', secret_access_key => '<set>',
		session_token => '<set>', format => 'CSV', ignore_header => 1, delimiter => ';' });
case(q{UNLOAD ($$SELECT a, 'x\d' FROM "s"."t" WHERE b = 'it''s'$$) TO 's3://stage/out/' credentials
	'aws_iam_role=arn:aws:iam::1:role/r' HEADER PARALLEL OFF MAXFILESIZE 100MB;},
	{ command => 'UNLOAD', query => q{SELECT a, 'x\d' FROM "s"."t" WHERE b = 'it''s'}, location => 's3://stage/out/',
		roles => ['arn:aws:iam::1:role/r'], header => $t, serial => $t, max_file_size => 104857600 });
# data frames
case(qq{COPY "sch"."tab" ("a","b")\nFROM 's3://b/p/' \nACCESS_KEY_ID 'AKIAX'\nSECRET_ACCESS_KEY 's'\nSESSION_TOKEN 't'\nFORMAT AS PARQUET SERIALIZETOJSON},
	'0A000 PARQUET is not supported');
case(qq{UNLOAD ('SELECT * FROM t WHERE a = ''x''')\nTO 's3://b/p/'\nIAM_ROLE 'arn:1'\nALLOWOVERWRITE\n\nPARALLEL ON\nFORMAT CSV\nENCRYPTED\nKMS_KEY_ID 'k'\nPARTITION BY (y,m)\nREGION AS 'eu-west-1'\nMAXFILESIZE AS 50.5 MB},
	{ command => 'UNLOAD', query => q{SELECT * FROM t WHERE a = 'x'}, location => 's3://b/p/', roles => ['arn:1'],
		allow_overwrite => $t, format => 'CSV', encrypted => $t, kms_key_id => 'k', partition_by => [ 'y', 'm' ],
		region => 'eu-west-1', max_file_size => 52953088 });
case(q{copy t ("id") from 's3://b/k.csv' delimiter ',' ignoreheader 1 csv quote as '"' dateformat 'auto' timeformat 'auto'
	access_key_id 'a' secret_access_key 'b';},
	{ command => 'COPY', table => 't', columns => ['id'], location => 's3://b/k.csv', delimiter => ',', ignore_header => 1,
		format => 'CSV', quote => '"', dateformat => 'auto', timeformat => 'auto', access_key_id => '<set>',
		secret_access_key => '<set>' });
# connectors of clusters: backslashes in the query, WITH CREDENTIALS
case(q{UNLOAD ('SELECT "a" FROM "t" WHERE "b" = \\'it\\'\\'s\\' AND c = \\'\\\\\\\\d\\'') TO 's3://b/x/' WITH CREDENTIALS 'aws_access_key_id=a;aws_secret_access_key=b' ESCAPE MANIFEST},
	{ command => 'UNLOAD', query => q{SELECT "a" FROM "t" WHERE "b" = 'it''s' AND c = '\\\\d'}, location => 's3://b/x/',
		access_key_id => '<set>', secret_access_key => '<set>', escape => $t, manifest => $t });
case(q{COPY "PUBLIC"."t" FROM 's3://b/manifest.json' WITH CREDENTIALS AS 'aws_iam_role=arn:1' FORMAT AS CSV NULL AS '@NULL@' manifest},
	{ command => 'COPY', schema => 'PUBLIC', table => 't', location => 's3://b/manifest.json', roles => ['arn:1'],
		format => 'CSV', null_as => '@NULL@', manifest => $t });
# streams: a manifest of JSON
case(q{COPY events FROM 's3://b/m/2024/01/manifest' CREDENTIALS 'aws_iam_role=arn:aws:iam::1:role/f' MANIFEST JSON 's3://b/jp.json' gzip;},
	{ command => 'COPY', table => 'events', location => 's3://b/m/2024/01/manifest', roles => ['arn:aws:iam::1:role/f'],
		manifest => $t, format => 'JSON', json => 'paths', json_paths => 's3://b/jp.json', compression => 'gzip' });
case(q{COPY atomic.events FROM 's3://b/run/' CREDENTIALS 'aws_iam_role=a' REGION AS 'eu-west-1' MAXERROR AS 1 TIMEFORMAT AS 'auto' DELIMITER '\t' EMPTYASNULL FILLRECORD TRUNCATECOLUMNS ACCEPTINVCHARS},
	{ command => 'COPY', schema => 'atomic', table => 'events', location => 's3://b/run/', roles => ['a'], region => 'eu-west-1',
		max_errors => 1, timeformat => 'auto', delimiter => "\t", empty_as_null => $t, fill_record => $t,
		truncate_columns => $t, replacement => '?' });
# loaders
case(q{copy s.t from 's3://b/m' with credentials as 'aws_access_key_id=a;aws_secret_access_key=b' manifest CSV DELIMITER ',' IGNOREHEADER 1 COMPUPDATE OFF STATUPDATE OFF NULL AS '\\\\N' ACCEPTINVCHARS AS '~' TRUNCATECOLUMNS BZIP2 DATEFORMAT AS 'MM/DD/YYYY' ;},
	{ command => 'COPY', schema => 's', table => 't', location => 's3://b/m', access_key_id => '<set>', secret_access_key => '<set>',
		manifest => $t, format => 'CSV', delimiter => ',', ignore_header => 1, update_statistics => 'off', null_as => '\\N',
		replacement => '~', truncate_columns => $t, compression => 'bzip2', dateformat => 'MM/DD/YYYY' });
# macros
case(q{UNLOAD ('SELECT * FROM "s"."t"') TO 's3://b/t/' IAM_ROLE 'arn:1' MANIFEST VERBOSE HEADER DELIMITER AS ',' NULL AS '' MAXFILESIZE AS 6 GB ESCAPE ADDQUOTES ALLOWOVERWRITE PARALLEL FALSE REGION AS 'us-east-1' ZSTD},
	{ command => 'UNLOAD', query => 'SELECT * FROM "s"."t"', location => 's3://b/t/', roles => ['arn:1'], manifest => $t,
		manifest_verbose => $t, header => $t, delimiter => ',', null_as => '', max_file_size => 6442450944, escape => $t,
		add_quotes => $t, allow_overwrite => $t, serial => $t, region => 'us-east-1', compression => 'zstd' });
# temporary tables, roles in a chain
case(q{copy #stage from 's3://b/k' iam_role 'arn:1, arn:2'}, { command => 'COPY', table => '#stage', location => 's3://b/k', roles => [ 'arn:1', 'arn:2' ] });
run_cases();

#-------------------------------------------------------------------------
# Words
#-------------------------------------------------------------------------

copy('', {});
copy(';', {});
copy(" ; ;\n; -- the end", {});
copy("/* a /* nested */ 'comment' */ CSV -- 'another", { format => 'CSV' });
copy("cSv--x\nGzIp/**/ESCAPE", '0A000 ESCAPE argument is not supported for CSV based COPY');
copy('; SELECT 1', '42601 only one statement can be run at a time');
copy("; COPY t FROM 's3://b/k' IAM_ROLE 'r'", '42601 only one statement can be run at a time');
copy("; 'open", '42601 unterminated quoted string');
case(q{COPY "A ""b".c FROM 's3://b/k' IAM_ROLE default}, { command => 'COPY', schema => 'A "b', table => 'c', location => 's3://b/k', default_role => $t });
case(q{COPY Foo.BAR (A, "B", time) FROM $x$s3://b/k$x$ iam_role DEFAULT}, { command => 'COPY', schema => 'foo', table => 'bar', columns => [ 'a', 'B', 'time' ], location => 's3://b/k', default_role => $t });
case(q{COPY postgres_no.s.t FROM 's3://b/k' IAM_ROLE default}, '0A000 cross-database references are not implemented');
case(q{COPY job FROM 's3://b/k' IAM_ROLE default}, { command => 'COPY', table => 'job', location => 's3://b/k', default_role => $t });
case(q{COPY job.x FROM 's3://b/k' IAM_ROLE default}, { command => 'COPY', schema => 'job', table => 'x', location => 's3://b/k', default_role => $t });
case("COPY t\xc3\xa4 FROM 's3://b/\xe2\x82\xac' IAM_ROLE default", { command => 'COPY', table => "t\x{e4}", location => "s3://b/\x{20ac}", default_role => $t });
case('COPY ' . 'x' x 70 . q{ FROM 's3://b/k' IAM_ROLE default}, { command => 'COPY', table => 'x' x 63, location => 's3://b/k', default_role => $t });
case(q{COPY t FROM E's3://b/\x61\u00e4\101' IAM_ROLE default}, { command => 'COPY', table => 't', location => "s3://b/a\x{e4}A", default_role => $t });
case(qq{COPY t FROM 's3://b/'\n  'k' IAM_ROLE default}, { command => 'COPY', table => 't', location => 's3://b/k', default_role => $t });
case(q{COPY t FROM 's3://b/' 'k' IAM_ROLE default}, '42601 syntax error');
case(q{COPY t FROM E's3://b/\xff' IAM_ROLE default}, '42601 invalid escape sequence in a string');
case(q{COPY t FROM E's3://b/\000' IAM_ROLE default}, '42601 invalid escape sequence in a string');
case(q{COPY t FROM E's3://b/\u12' IAM_ROLE default}, '42601 invalid escape sequence in a string');
case(q{COPY t FROM E's3://b/\ud800' IAM_ROLE default}, '42601 invalid escape sequence in a string');
case(q{COPY t FROM $a$s3://b/$b$}, '42601 unterminated dollar-quoted string');
case(q{COPY "t FROM}, '42601 unterminated quoted identifier');
case(q{COPY "" FROM}, '42601 zero-length delimited identifier');
case(q{COPY t /* /* */ FROM}, '42601 unterminated comment');
case('', '42601 syntax error at end of input');
case(';', '42601 syntax error at or near ";"');
case('-- nothing', '42601 syntax error at end of input');
case('SELECT 1', '42601 syntax error at or near "SELECT"');
case('COPY', '42601 syntax error at end of input');
case('COPY t', '42601 syntax error at end of input');
case('COPY t FROM stdin', '42601 syntax error at or near "stdin"');
case(q{COPY t TO 's3://b/k'}, '42601 syntax error at or near "TO"');
case(q{COPY (select 1) FROM 's3://b/k'}, '42601 syntax error at or near "("');
case(q{COPY t () FROM 's3://b/k'}, '42601 syntax error at or near ")"');
case(q{COPY t (a,) FROM 's3://b/k'}, '42601 syntax error at or near ")"');
case(q{COPY t (a b) FROM 's3://b/k'}, '42601 syntax error at or near "b"');
case(q{COPY t; DROP TABLE t}, '42601 syntax error at or near ";"');
case(q{COPY select FROM 's3://b/k'}, '42601 syntax error at or near "select"');
case(q{COPY a.b.c.d FROM 's3://b/k'}, '0A000 cross-database references are not implemented');
case(q{COPY 't' FROM 's3://b/k'}, '42601 syntax error');
case(q{COPY t FROM PROGRAM 'id' IAM_ROLE default}, '42601 syntax error at or near "PROGRAM"');
case(q{UNLOAD 'select 1' TO 's3://b/k' IAM_ROLE default}, '42601 syntax error');
case(q{UNLOAD (select 1) TO 's3://b/k' IAM_ROLE default}, '42601 syntax error at or near "select"');
case(q{UNLOAD ('select 1', 'select 2') TO 's3://b/k' IAM_ROLE default}, '42601 syntax error at or near ","');
case(q{UNLOAD ('select 1') FROM 's3://b/k' IAM_ROLE default}, '42601 syntax error at or near "FROM"');
copy('FORMATT CSV', '42601 syntax error at or near "FORMATT"');
copy('CSV, GZIP', '42601 syntax error at or near ","');
copy('(CSV)', '42601 syntax error at or near "("');
copy('"csv"', '42601 syntax error');
copy("'csv'", '42601 syntax error');
copy('WITH CSV', '42601 syntax error at or near "CSV"');
copy('WITH', '42601 syntax error at end of input');
copy('FORMAT GZIP', '42601 syntax error at or near "GZIP"');
copy('FORMAT AS', '42601 syntax error at end of input');
copy('HEADER', '42601 syntax error at or near "HEADER"');
unload('IGNOREHEADER 1', '42601 syntax error at or near "IGNOREHEADER"');
case('COPY ' . '(' x 200000, '42601 syntax error at or near "("');
case(q{COPY t (} . 'a,' x 60000 . q{a) FROM 's3://b/k' IAM_ROLE default}, '54000 the statement is too long');
case(q{COPY t FROM 's3://b/k' } . '/*' x 50000, '42601 unterminated comment');
run_cases();

#-------------------------------------------------------------------------
# Authorization
#-------------------------------------------------------------------------

my $invalid = "22023 Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or 'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'";
my %base = (command => 'COPY', table => 't', location => 's3://b/k');
my %keys = (%base, access_key_id => '<set>', secret_access_key => '<set>');

sub authorized
{
	my ($authorization, $expected) = @_;

	case("COPY t FROM 's3://b/k' $authorization", $expected);
}

authorized(q{ACCESS_KEY_ID 'a' SECRET_ACCESS_KEY 'b'}, {%keys});
authorized(q{SECRET_ACCESS_KEY AS 'b' CSV ACCESS_KEY_ID AS 'a'}, { %keys, format => 'CSV' });
authorized(q{ACCESS_KEY_ID 'a' SECRET_ACCESS_KEY 'b' SESSION_TOKEN 'c'}, { %keys, session_token => '<set>' });
authorized(q{ACCESS_KEY_ID 'a' SECRET_ACCESS_KEY 'b' TOKEN 'c'}, { %keys, session_token => '<set>' });
authorized(q{CREDENTIALS 'aws_secret_access_key=b=;aws_access_key_id=a;'}, {%keys});
authorized(q{WITH CREDENTIALS AS 'aws_iam_role=a,b'}, { %base, roles => [ 'a', 'b' ] });
authorized('', '42601 the statement has no authorization');
authorized('CSV', '42601 the statement has no authorization');
authorized(q{ACCESS_KEY_ID 'a'}, '42601 SECRET_ACCESS_KEY is missing');
authorized(q{SECRET_ACCESS_KEY 'a'}, '42601 ACCESS_KEY_ID is missing');
authorized(q{SESSION_TOKEN 'a'}, '42601 ACCESS_KEY_ID is missing');
authorized(q{ACCESS_KEY_ID '' SECRET_ACCESS_KEY 'b'}, '22023 invalid argument of ACCESS_KEY_ID');
authorized(q{ACCESS_KEY_ID a SECRET_ACCESS_KEY 'b'}, '42601 syntax error');
authorized(q{IAM_ROLE ''}, '22023 invalid argument of IAM_ROLE');
authorized(q{IAM_ROLE 'a,,b'}, '22023 invalid argument of IAM_ROLE');
authorized(q{IAM_ROLE}, '42601 syntax error at end of input');
authorized(q{IAM_ROLE default IAM_ROLE 'r'}, '42601 conflicting or redundant options');
for my $two (
	[ q{IAM_ROLE 'r'}, q{ACCESS_KEY_ID 'a'} ], [ q{IAM_ROLE default}, q{SECRET_ACCESS_KEY 'a'} ],
	[ q{IAM_ROLE 'r'}, q{SESSION_TOKEN 'a'} ], [ q{IAM_ROLE 'r'}, q{TOKEN 'a'} ],
	[ q{IAM_ROLE 'r'}, q{CREDENTIALS 'aws_iam_role=r'} ], [ q{CREDENTIALS 'aws_iam_role=r'}, q{ACCESS_KEY_ID 'a'} ],
	[ q{CREDENTIALS 'aws_iam_role=r'}, q{SECRET_ACCESS_KEY 'a'} ], [ q{CREDENTIALS 'aws_iam_role=r'}, q{TOKEN 'a'} ],
	[ q{CREDENTIALS 'aws_iam_role=r'}, q{SESSION_TOKEN 'a'} ], [ q{TOKEN 'a'}, q{SESSION_TOKEN 'a'} ])
{
	authorized("$two->[0] $two->[1]", '42601 conflicting or redundant options');
	authorized("$two->[1] CSV $two->[0]", '42601 conflicting or redundant options');
}
authorized("CREDENTIALS '$_'", $invalid) for (
	'', 'x', 'aws_iam_role', 'aws_iam_role=', 'AWS_IAM_ROLE=r', 'aws_iam_role=r aws', 'aws_iam_role= r', 'aws_iam_role=r,',
	'aws_access_key_id=a', 'aws_secret_access_key=b', 'token=c', 'aws_access_key_id=a;token=c',
	'aws_iam_role=r;aws_access_key_id=a', 'aws_iam_role=r;aws_access_key_id=a;aws_secret_access_key=b', 'aws_iam_role=r;token=c',
	'aws_iam_role=r;aws_iam_role=r', 'aws_access_key_id=a;aws_secret_access_key=b;region=x', ';', "aws_access_key_id=a;\naws_secret_access_key=b");
authorized(q{CREDENTIALS 'aws_access_key_id=a;aws_secret_access_key=b;master_symmetric_key=c'}, '0A000 MASTER_SYMMETRIC_KEY is not supported');
authorized(q{IAM_ROLE 'r' MASTER_SYMMETRIC_KEY 'c' ENCRYPTED}, '0A000 MASTER_SYMMETRIC_KEY is not supported');
authorized(q{IAM_ROLE 'r' ENCRYPTED}, '0A000 ENCRYPTED is not supported');
run_cases();

#-------------------------------------------------------------------------
# Values
#-------------------------------------------------------------------------

for my $one (
	[ q{'|'}, '|' ], [ q{AS ','}, ',' ], [ q{'\\t'}, "\t" ], [ q{'\\\\t'}, "\t" ], [ "'\t'", "\t" ], [ q{E'\\t'}, "\t" ], [ q{'\\001'}, "\x01" ],
	[ q{'\\1'}, "\x01" ], [ q{'\\036'}, "\x1e" ], [ q{'\\174'}, '|' ], [ q{'\\|'}, '|' ], [ q{''''}, q{'} ], [ q{'\\''}, q{'} ], [ q{'\\\\'}, '\\' ], [ q{$$^$$}, '^' ], [ q{' '}, ' ' ])
{
	copy("DELIMITER $one->[0]", { delimiter => $one->[1] });
	unload("DELIMITER $one->[0]", { delimiter => $one->[1] });
	copy("CSV QUOTE $one->[0] DELIMITER '~'", { format => 'CSV', delimiter => '~', quote => $one->[1] });
	copy("ACCEPTINVCHARS $one->[0]", { replacement => $one->[1] });
}
for my $bad (q{''}, q{'||'}, q{'\\n'}, q{'\\012'}, q{'\\015'}, q{'\\000'}, q{'\\200'}, q{'\\377'}, q{'\\0011'}, q{'\\x01'}, q{'\\q'}, q{'\\8'}, qq{'\xc3\xa4'}, qq{'\n'})
{
	copy("DELIMITER $bad", '22023 invalid argument of DELIMITER');
	copy("CSV QUOTE AS $bad", '22023 invalid argument of QUOTE');
	copy("ACCEPTINVCHARS $bad", '22023 invalid argument of ACCEPTINVCHARS');
}
copy('DELIMITER', '42601 syntax error at end of input');
copy('DELIMITER |', '42601 syntax error at or near "|"');
copy('ACCEPTINVCHARS AS CSV', '42601 syntax error at or near "CSV"');
copy(q{QUOTE '"'}, '0A000 QUOTE can be used only with CSV');
copy(q{CSV DELIMITER '"'}, '22023 delimiter and quote must be different');
copy(q{CSV QUOTE ','}, '22023 delimiter and quote must be different');
copy(q{CSV QUOTE '%' DELIMITER '%'}, '22023 delimiter and quote must be different');
unload(q{CSV DELIMITER '"'}, '22023 delimiter and quote must be different');

for my $one (
	[ q{'\\N'}, '\\N' ], [ q{'\\\\N'}, '\\N' ], [ q{E'\\\\N'}, '\\N' ], [ q{''}, '' ], [ q{'NULL'}, 'NULL' ], [ q{'\\t'}, "\t" ], [ q{'a\\101b'}, 'aAb' ], [ q{'a\\b'}, 'a\\b' ], [ qq{'\xc3\xa4'}, "\x{e4}" ], [ q{'it''s'}, q{it's} ])
{
	copy("NULL AS $one->[0]", { null_as => $one->[1] });
	unload("NULL $one->[0]", { null_as => $one->[1] });
}
copy("NULL AS $_", { null_is_nul => $t }) for (q{'\\0'}, q{'\\000'}, q{'\\\\000'});
copy("NULL AS $_", '22023 invalid argument of NULL') for (q{'\\n'}, q{'\\r'}, q{'a\\n'}, qq{'\n'}, q{'\\012'}, q{'a\\000'}, q{'\\1'}, q{'\\12'}, q{'\\377'});
copy(q{NULL}, '42601 syntax error at end of input');

copy(q{FIXEDWIDTH ' a : 3 ,b c:12'}, { format => 'FIXEDWIDTH', fixedwidth => 'a:3,b c:12' });
copy(q{FORMAT AS FIXEDWIDTH AS '0:3,1:012'}, { format => 'FIXEDWIDTH', fixedwidth => '0:3,1:12' });
copy("FIXEDWIDTH '$_'", '22023 invalid argument of FIXEDWIDTH') for ('', 'a', 'a:', ':3', 'a:3,', ',a:3', 'a:b', 'a:-3', 'a:0', 'a:1.5', 'a:9999999999', 'a:1 2', 'a:1:2');

copy("MAXERROR $_->[0]", { $_->[1] ? (max_errors => $_->[1]) : () }) for ([ '0', 0 ], [ 'AS 1', 1 ], [ '100000', 100000 ], [ '00007', 7 ]);
copy("MAXERROR $_", '22023 MAXERROR must be between 0 and 100000') for ('100001', '-1', '99999999999999999999999999');
copy("MAXERROR $_", '42601 syntax error at or near "' . (split ' ')[-1] . '"') for ('1.5', '1e3', 'ten', '- x');
copy(q{MAXERROR '5'}, '42601 syntax error');
copy('IGNOREHEADER AS 2', { ignore_header => 2 });
copy('IGNOREHEADER -1', '22023 IGNOREHEADER must be between 0 and 2147483647');
copy('IGNOREHEADER 2147483648', '22023 IGNOREHEADER must be between 0 and 2147483647');
copy('COMPROWS 1000', {});
copy('COMPROWS 999', '22023 COMPROWS must be between 1000 and 2147483647');
copy("COMPUPDATE $_ GZIP", { compression => 'gzip' }) for ('', 'ON', 'OFF', 'TRUE', 'FALSE', 'PRESET');
copy("STATUPDATE $_->[0] GZIP", { compression => 'gzip', update_statistics => $_->[1] }) for ([ '', 'on' ], [ 'ON', 'on' ], [ 'TRUE', 'on' ], [ 'OFF', 'off' ], [ 'FALSE', 'off' ]);
copy('STATUPDATE PRESET', '42601 syntax error at or near "PRESET"');
copy('MAXERROR 1 IGNOREALLERRORS', '42601 conflicting or redundant options');
copy('IGNOREALLERRORS MAXERROR 1', '42601 conflicting or redundant options');
copy('IGNOREALLERRORS NOLOAD', { ignore_all_errors => $t, no_load => $t });

copy("ENCODING $_->[0]", { $_->[1] ? (encoding => $_->[1]) : () }) for ([ 'UTF8', 0 ], [ 'AS utf16', 1001 ], [ q{'UTF16LE'}, 1002 ], [ q{AS 'utf16be'}, 1003 ], [ 'ISO88591', 8 ]);
copy("ENCODING $_", '22023 invalid argument of ENCODING') for ('latin9', q{''}, q{'UTF-8'});
copy(q{FIXEDWIDTH 'a:1' ENCODING UTF16}, '0A000 files of FIXEDWIDTH must be in UTF8');
copy(q{FIXEDWIDTH 'a:1' ENCODING UTF8}, { format => 'FIXEDWIDTH', fixedwidth => 'a:1' });
copy("REGION '$_'", '22023 invalid argument of REGION') for ('', 'US-EAST-1', 'us east', 'evil.com/', 'a' x 64);

copy(q{DATEFORMAT 'auto' TIMEFORMAT 'epochmillisecs' ACCEPTANYDATE}, { dateformat => 'auto', timeformat => 'epochmillisecs', accept_any_date => $t });
copy(q{DATETIME AS 'MON-DD-YYYY'}, { dateformat => 'MON-DD-YYYY' });
copy(q{DATEFORMAT 'DD.MM.YY' DATETIME 'x'}, '42601 conflicting or redundant options');
copy("DATEFORMAT '$_'", '22023 invalid argument of DATEFORMAT') for ('', 'AUTO', 'epochsecs');
copy("TIMEFORMAT '$_'", '22023 invalid argument of TIMEFORMAT') for ('', 'Auto', 'EPOCHSECS', 'YYYY-MM-DD HH:MI:SSOF', 'YYYY-MM-DD HH24:MI:SS tz');

copy('JSON', { format => 'JSON', json => 'auto' });
copy(q{FORMAT AS JSON AS 'auto ignorecase'}, { format => 'JSON', json => 'auto ignorecase' });
copy(q{JSON 'noshred' GZIP}, { format => 'JSON', json => 'noshred', compression => 'gzip' });
copy("JSON $_", '22023 invalid argument of JSON') for (q{''}, q{'paths'}, q{'s3://b'}, q{'s3://b/'}, q{'s3:///k'}, q{'s3://b/k/'}, q{'http://b/k'});
copy('JSON AS GZIP', '42601 syntax error at or near "GZIP"');
unload(q{JSON 'auto'}, q{42601 syntax error at or near "'auto'"});

unload("MAXFILESIZE $_->[0]", { max_file_size => $_->[1] }) for ([ '5', 5242880 ], [ '5 mb', 5242880 ], [ 'AS 0.5gb', 536870912 ], [ '1 GB', 1073741824 ], [ '6200', 6501171200 ]);
unload('MAXFILESIZE 6.2 GB', {});
unload("MAXFILESIZE $_", '22023 MAXFILESIZE must be between 5 MB and 6.2 GB') for ('4.99', '0', '6.21 GB', '-10', '1e400', '7000 MB', '0.001 gb');
unload('MAXFILESIZE 10 KB', '42601 syntax error at or near "KB"');
unload(q{MAXFILESIZE '10 MB'}, '42601 syntax error');
unload('ROWGROUPSIZE 32 MB', '0A000 ROWGROUPSIZE is not supported');
unload("PARALLEL $_ CSV", { format => 'CSV' }) for ('', 'ON', 'TRUE');
unload("PARALLEL $_ CSV", { format => 'CSV', serial => $t }) for ('OFF', 'FALSE');
unload('PARTITION BY (a, "B c") INCLUDE CSV', { partition_by => [ 'a', 'B c' ], partition_include => $t, format => 'CSV' });
unload('PARTITION BY (a)', { partition_by => ['a'] });
unload('PARTITION BY ()', '42601 syntax error at or near ")"');
unload(q{PARTITION BY ('a')}, '42601 syntax error');
unload('PARTITION (a)', '42601 syntax error at or near "("');
unload('INCLUDE', '42601 syntax error at or near "INCLUDE"');
unload('VERBOSE', '42601 syntax error at or near "VERBOSE"');
unload(q{EXTENSION 'csv.gz' GZIP CLEANPATH}, { extension => 'csv.gz', compression => 'gzip', clean_path => $t });
unload('CLEANPATH ALLOWOVERWRITE', '42601 conflicting or redundant options');
unload('ALLOWOVERWRITE CLEANPATH', '42601 conflicting or redundant options');
unload('ENCRYPTED', { encrypted => $t });
unload('ENCRYPTED AUTO', { encrypted => $t, encrypted_auto => $t });
unload(q{KMS_KEY_ID 'k' ENCRYPTED}, { encrypted => $t, kms_key_id => 'k' });
unload(q{KMS_KEY_ID 'k'}, '42601 KMS_KEY_ID can be used only with ENCRYPTED');
unload(q{KMS_KEY_ID 'k' ENCRYPTED AUTO}, '42601 conflicting or redundant options');
case(q{UNLOAD ('select 1') TO 's3://b/k' CREDENTIALS 'aws_iam_role=r' ENCRYPTED KMS_KEY_ID 'k'}, '42601 conflicting or redundant options');
unload(q{MASTER_SYMMETRIC_KEY 'k' ENCRYPTED}, '0A000 MASTER_SYMMETRIC_KEY is not supported');

case("COPY t FROM '$_' IAM_ROLE default", '22023 invalid location of files') for ('', 'x', 's3://', 's3:///k', 'S3://b/k', '/etc/passwd', 'http://b/k', 'ssh://x');
case("COPY t FROM 'dynamodb://t' READRATIO 50", '0A000 COPY from DynamoDB is not supported');
case("COPY t FROM 'emr://j-1/p'", '0A000 COPY from Amazon EMR is not supported');
case("UNLOAD ('select 1') TO 'dynamodb://t' IAM_ROLE default", '22023 invalid location of files');
copy('READRATIO 50', '0A000 READRATIO is not supported');
copy('READRATIO 201', '22023 READRATIO must be between 1 and 200');
copy('SSH', '0A000 SSH is not supported');
copy('LZOP', '0A000 LZOP is not supported');
run_cases();

#-------------------------------------------------------------------------
# What excludes what
#-------------------------------------------------------------------------

my %not_with = (
	COPY => {
		CSV => [ q{ESCAPE}, q{REMOVEQUOTES} ],
		q{FIXEDWIDTH 'a:1'} => [ q{DELIMITER ','}, q{ESCAPE} ],
		JSON => [ q{DELIMITER ','}, q{ESCAPE}, q{FILLRECORD}, q{IGNOREBLANKLINES}, q{NULL AS 'x'}, q{REMOVEQUOTES} ],
	},
	UNLOAD => {
		CSV => [ q{ESCAPE}, q{ADDQUOTES} ],
		q{FIXEDWIDTH 'a:1'} => [ q{DELIMITER ','}, q{ESCAPE}, q{ADDQUOTES}, q{HEADER} ],
		JSON => [ q{DELIMITER ','}, q{ESCAPE}, q{ADDQUOTES}, q{HEADER}, q{NULL AS 'x'} ],
	});
for my $command (sort keys %not_with)
{
	my $function = $command eq 'COPY' ? \&copy : \&unload;
	for my $format (sort keys %{ $not_with{$command} })
	{
		for my $other (@{ $not_with{$command}{$format} })
		{
			my $expected = '0A000 ' . (split ' ', $other)[0] . ' argument is not supported for ' . (split ' ', $format)[0] . " based $command";
			$function->("$format $other", $expected);
			$function->("$other FORMAT AS $format", $expected);
		}
	}
	my @formats = ('CSV', 'JSON', q{FIXEDWIDTH 'a:1'}, 'PARQUET');
	for my $one (@formats)
	{
		$function->("$one $_", '42601 conflicting or redundant options') for @formats;
	}
	$function->("$_ $_", '42601 conflicting or redundant options') for ('GZIP', 'MANIFEST', q{NULL AS 'x'}, q{DELIMITER ','}, q{REGION 'a'});
	$function->('GZIP ZSTD', '42601 conflicting or redundant options');
	$function->('BZIP2 GZIP', '42601 conflicting or redundant options');
}
copy("FORMAT AS $_->[0]", "0A000 $_->[1] is not supported") for (
	[ 'AVRO', 'AVRO' ], [ q{AVRO 'auto'}, 'AVRO' ], [ q{AVRO AS 's3://b/p'}, 'AVRO' ], [ 'ORC', 'ORC' ], [ 'PARQUET', 'PARQUET' ],
	[ 'ORC SERIALIZETOJSON', 'ORC' ], [ 'RCFILE', 'RCFILE' ], [ 'SEQUENCEFILE', 'SEQUENCEFILE' ], [ 'SHAPEFILE', 'SHAPEFILE' ],
	[ 'SHAPEFILE SIMPLIFY', 'SHAPEFILE' ], [ 'SHAPEFILE SIMPLIFY AUTO', 'SHAPEFILE' ], [ 'SHAPEFILE SIMPLIFY 0.5', 'SHAPEFILE' ], [ 'SHAPEFILE SIMPLIFY AUTO 1.1E-05 GZIP', 'SHAPEFILE' ]);
run_cases();

# any order, any case
{
	my @parameters = ('CSV', q{DELIMITER ';'}, q{QUOTE AS ''''}, 'GZIP', 'IGNOREHEADER AS 3', q{NULL AS 'n'}, q{REGION 'eu-west-1'},
		'EMPTYASNULL', 'BLANKSASNULL', 'FILLRECORD', 'TRIMBLANKS', 'TRUNCATECOLUMNS', 'ROUNDEC', 'EXPLICIT_IDS', 'IGNOREBLANKLINES',
		q{ACCEPTINVCHARS '^'}, 'MAXERROR 9', 'COMPUPDATE', 'STATUPDATE OFF', 'ENCODING UTF16LE', q{TIMEFORMAT 'auto'}, 'MANIFEST', 'NOLOAD',
		'COMPROWS 5000', q{IAM_ROLE 'r'});
	my %all = (%base, format => 'CSV', delimiter => ';', quote => q{'}, compression => 'gzip', ignore_header => 3, null_as => 'n', region => 'eu-west-1',
		empty_as_null => $t, blanks_as_null => $t, fill_record => $t, trim_blanks => $t, truncate_columns => $t, round_decimals => $t, explicit_ids => $t,
		ignore_blank_lines => $t, replacement => '^', max_errors => 9, update_statistics => 'off', encoding => 1002, timeformat => 'auto', manifest => $t,
		no_load => $t, roles => ['r']);
	my @statements;

	srand 70;
	for my $n (1 .. 200)
	{
		my @order = map { $_->[1] } sort { $a->[0] <=> $b->[0] } map { [ rand, $_ ] } @parameters;
		s/^([^']+)/join '', map { rand() < 0.5 ? lc : uc } split m{}, $1/e for @order;
		push @statements, "COPY t FROM 's3://b/k' " . join((' ', "\n", '/**/ ', "--x\n")[ $n % 4 ], @order);
	}
	my @got = parse(@statements);
	my $bad = grep { JSON::PP->new->canonical->encode($_) ne JSON::PP->new->canonical->encode(\%all) } @got;
	is($bad, 0, 'parameters in any order and case');
}

#-------------------------------------------------------------------------
# COPY JOB
#-------------------------------------------------------------------------

copy('CSV JOB CREATE j', { command => 'CREATE', format => 'CSV', job_name => 'j', copy_text => q{COPY t FROM 's3://b/k' IAM_ROLE 'r' CSV} });
copy('JOB CREATE "My Job" AUTO ON GZIP;', { command => 'CREATE', compression => 'gzip', job_name => 'My Job', job_auto => 'on', copy_text => q{COPY t FROM 's3://b/k' IAM_ROLE 'r' GZIP} });
copy("/* SECRET_ACCESS_KEY 'x' */ job create J auto off -- y\n", { command => 'CREATE', job_name => 'j', job_auto => 'off', copy_text => q{COPY t FROM 's3://b/k' IAM_ROLE 'r'} });
case(q{copy s.t(a,b)from's3://b/k'iam_role'r'delimiter'|'job create j}, { %base, command => 'CREATE', schema => 's', columns => [ 'a', 'b' ], roles => ['r'],
	delimiter => '|', job_name => 'j', copy_text => q{copy s.t(a,b)from's3://b/k'iam_role'r'delimiter'|'} });
copy("$_ JOB CREATE j", '0A000 ' . (split)[0] . ' cannot be used in a COPY JOB') for ('MAXERROR 1', 'IGNOREALLERRORS', 'MANIFEST');
authorized(q{ACCESS_KEY_ID 'a' SECRET_ACCESS_KEY 'b' JOB CREATE j}, '0A000 ACCESS_KEY_ID cannot be used in a COPY JOB');
authorized(q{CREDENTIALS 'aws_iam_role=r' JOB CREATE j}, '0A000 CREDENTIALS cannot be used in a COPY JOB');
copy('JOB CREATE j PARQUET', '0A000 PARQUET is not supported');
copy('JOB CREATE a JOB CREATE b', '42601 conflicting or redundant options');
copy('JOB CREATE', '42601 syntax error at end of input');
copy('JOB RUN j', '42601 syntax error at or near "RUN"');
copy('JOB CREATE a-b', '42601 syntax error at or near "-"');
copy('JOB CREATE "a-b"', '42602 the name of a job cannot contain hyphens');
copy('JOB CREATE j AUTO', '42601 syntax error at end of input');
unload('JOB CREATE j', '42601 syntax error at or near "JOB"');
case('COPY JOB RUN j', { command => 'RUN', job_name => 'j' });
case('copy job show "J";', { command => 'SHOW', job_name => 'J' });
case('COPY JOB DROP j', { command => 'DROP', job_name => 'j' });
case('COPY JOB LIST', { command => 'LIST' });
case('COPY JOB ALTER j AUTO ON', { command => 'ALTER', job_name => 'j', job_auto => 'on' });
case('COPY JOB ALTER j AUTO OFF;', { command => 'ALTER', job_name => 'j', job_auto => 'off' });
case('COPY JOB ALTER j', { command => 'ALTER', job_name => 'j' });
case('COPY JOB LIST j', '42601 syntax error at or near "j"');
case('COPY JOB RUN', '42601 syntax error at end of input');
case('COPY JOB RUN j AUTO ON', '42601 syntax error at or near "AUTO"');
case('COPY JOB START j', '42601 syntax error at or near "START"');
case('COPY JOB RUN j; COPY JOB RUN k', '42601 only one statement can be run at a time');
run_cases();

#-------------------------------------------------------------------------
# Where an error is, and what is shown of the statement
#-------------------------------------------------------------------------

{
	my $key = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
	my $id = 'AKIAIOSFODNN7EXAMPLE';
	my @shown = (
		# statement, what may be seen at the position, what is shown
		[ q{COPY t FROM 's3://b/k' IAM_ROLE 'arn:1' FORMATT CSV}, 'FORMATT CSV', q{COPY t FROM 's3://b/k' IAM_ROLE 'arn:1' FORMATT CSV} ],
		[ "COPY t\xc3\xa4 FROM 's3://b/\xe2\x82\xac' CSVV", 'CSVV', "COPY t\xc3\xa4 FROM 's3://b/\xe2\x82\xac' CSVV" ],
		[ "COPY t FROM 's3://b/k' ACCESS_KEY_ID '$id' SECRET_ACCESS_KEY '$key' CSVV", 'CSVV',
			"COPY t FROM 's3://b/k' ACCESS_KEY_ID " . '*' x 22 . ' SECRET_ACCESS_KEY ' . '*' x 42 . ' CSVV' ],
		[ "COPY t FROM 's3://b/k' ACCESS_KEY_ID '$id' SECRET_ACCESS_KEY '$key", '*' x 41,
			"COPY t FROM 's3://b/k' ACCESS_KEY_ID " . '*' x 22 . ' SECRET_ACCESS_KEY ' . '*' x 41 ],
		[ "COPY t FROM 's3://b/k' ACCESS_KEY_ID '$id SECRET_ACCESS_KEY '$key'", undef, undef ],
		[ "COPY t FROM 's3://b/k ACCESS_KEY_ID '$id' SECRET_ACCESS_KEY '$key'", undef, undef ],
		[ "COPY t FROM 's3://b/k' ACCES_KEY_ID '$id' SECRET_ACCES_KEY '$key'", undef, undef ],
		[ "COPY t FROM 's3://b/k' ACCESS_KEY_ID $id SECRET_ACCESS_KEY $key", undef, undef ],
		[ qq{COPY t FROM 's3://b/k' ACCESS_KEY_ID "$id" SECRET_ACCESS_KEY "$key"}, undef, undef ],
		[ "COPY t FROM 's3://b/k' CREDENTIALS 'aws_access_key_id=$id;aws_secret_access_key=$key", undef, undef ],
		[ "COPY t FROM 's3://b/k' CREDENTIALS 'aws_access_key_id=$id;aws_secret_access_key=$key;x=y'", undef, undef ],
		[ "COPY t FROM 's3://b/k' CREDENTIALS aws_access_key_id=$id;aws_secret_access_key=$key", undef, undef ],
		[ "COPY t FROM 's3://b/k' CREDENTIALS ('$id', '$key')", undef, undef ],
		[ "COPY t FROM 's3://b/k' PASSWORD '$key'", undef, undef ],
		[ "COPY t FROM 's3://b/k' IAM_ROLE '$key' x", undef, undef ],
		[ "COPY t FROM 's3://b/k' CSV -- $key\n x", undef, undef ],
		[ "COPY t FROM 's3://b/k' CSV /* $key", undef, undef ],
		[ "COPY t FROM 's3://b/k' ENCRYPTED MASTER_SYMMETRIC_KEY '$key' x", undef, undef ],
		[ "COPY t FROM 's3://b/k' MASTER_SYMMETRIC_KEY '$key' ENCRYPTED IAM_ROLE default", undef, undef ],
		[ "COPY t FROM '$key' IAM_ROLE default", undef, undef ],
		[ "COPY t '$key' FROM", undef, undef ],
		[ "'$key' COPY t FROM", undef, undef ],
		[ "$key", undef, undef ],
		[ "UNLOAD ('$key') 's3://b/k'", undef, undef ],
		[ "UNLOAD ('select 1') TO 's3://b/k' SECRET_ACCESS_KEY '$key' ACCESS_KEY_ID '$id' SESSION_TOKEN '$key' MAXFILESIZE 1", undef, undef ],
		[ "COPY t FROM 's3://b/k' SECRET_ACCESS_KEY E'$key' DELIMITER '||'", undef, undef ],
		[ "COPY t FROM 's3://b/k' SECRET_ACCESS_KEY \$\$$key\$\$ DELIMITER '||'", undef, undef ],
		[ "COPY t FROM 's3://b/k' TOKEN '$key' TOKEN '$key'", undef, undef ],
		[ "COPY t FROM 's3://b/k' SECRET_ACCESS_KEY '${key}'x", undef, undef ]);
	my @got = parse(map { $_->[0] } @shown);

	for my $i (0 .. $#shown)
	{
		my ($sql, $at, $query) = @{ $shown[$i] };
		my $got = $got[$i];
		my $all = join "\n", map { $got->{$_} // '' } qw(message detail hint context query);
		my $name = shown($sql);

		utf8::decode($_) for grep { defined } $sql, $at, $query;
		ok(exists $got->{error}, "an error: $name");
		ok($all !~ /[A-Za-z0-9]{6}EXAMPLE|wJalrX|K7MDENG|bPxRfi|AKIA/, "no key: $name") or diag($all);
		is(length $got->{query}, length $sql, "as long: $name");
		is(substr($got->{query}, $got->{position} - 1), $at, "position: $name") if defined $at;
		is($got->{query}, $query, "shown: $name") if defined $query;
	}
}

#-------------------------------------------------------------------------
# Statements that nobody wrote
#-------------------------------------------------------------------------

{
	my $secret = 'Zq8kP2vN7xT4mB9wL3cR6yH1dF5gJ0sAuEiOpQzX';
	my @bases = (
		"COPY t FROM 's3://b/k' ACCESS_KEY_ID '$secret' SECRET_ACCESS_KEY '$secret' SESSION_TOKEN '$secret' CSV IGNOREHEADER 1",
		"COPY s.t (a, b) FROM 's3://b/k' CREDENTIALS 'aws_access_key_id=$secret;aws_secret_access_key=$secret;token=$secret' GZIP DELIMITER '\\t'",
		"UNLOAD ('select a from t where b = ''x''') TO 's3://b/k' SECRET_ACCESS_KEY '$secret' ACCESS_KEY_ID '$secret' MANIFEST VERBOSE",
		"UNLOAD (\$\$select 1\$\$) TO 's3://b/k' WITH CREDENTIALS AS 'aws_secret_access_key=$secret;aws_access_key_id=$secret' PARTITION BY (a, b) INCLUDE",
		"copy t from 's3://b/k' iam_role 'arn:aws:iam::1:role/r' master_symmetric_key '$secret' encrypted maxerror 5",
		"COPY t FROM 's3://b/k' TOKEN AS '$secret' SECRET_ACCESS_KEY AS E'$secret' ACCESS_KEY_ID AS \$x\$$secret\$x\$ FIXEDWIDTH 'a:3, b:4'",
		"COPY t FROM 's3://b/k' IAM_ROLE default JSON 's3://b/p' JOB CREATE j AUTO ON",
		"COPY JOB ALTER j AUTO OFF");
	my @words = (qw(COPY UNLOAD FROM TO AS CSV JSON FORMAT WITH CREDENTIALS IAM_ROLE ACCESS_KEY_ID SECRET_ACCESS_KEY DEFAULT JOB CREATE AUTO ON NULL
		DELIMITER PARTITION BY MAXERROR MAXFILESIZE GB MANIFEST x), '(', ')', ',', ';', '.', "'", '"', '$$', '$x$', '--', "\n", '/*', '*/', '\\', "''", '0', '1.5e3', '-', "E'", '=', "'s3://b/k'", "\xc3\xa4", "\t");
	my %grams = map { (substr($secret, $_, 8) => 1) } 0 .. length($secret) - 8;
	my $leak = join '|', sort keys %grams;
	my @statements;

	srand 1070;
	for my $n (1 .. 20000)
	{
		my $sql = $bases[ rand @bases ];
		if ($n % 4 == 0)
		{
			$sql = join ' ', map { rand() < 0.15 ? "'$secret'" : $words[ rand @words ] } 0 .. rand 20;
		}
		for (0 .. rand 3)
		{
			my @tokens = $sql =~ /'[^']*'|[A-Za-z_0-9]+|\s+|./gs;
			my $kind = int rand 7;
			my $at = int rand(@tokens + 1);

			splice @tokens, $at, 0, (rand() < 0.5 ? ' ' : ''), $words[ rand @words ] if $kind == 0;
			splice @tokens, $at, 1 + int rand 2 if $kind == 1 && $at < @tokens;
			splice @tokens, $at if $kind == 2 && rand() < 0.3;
			@tokens[ $at, $at - 1 ] = @tokens[ $at - 1, $at ] if $kind == 3 && $at && $at < @tokens;
			splice @tokens, $at, 0, $tokens[ rand @tokens ] if $kind == 4 && @tokens;
			$sql = join '', @tokens;
			substr($sql, int rand length $sql, 1) = '' if $kind == 5 && length $sql;
			substr($sql, int rand(1 + length $sql)) = '' if $kind == 6 && rand() < 0.3;
		}
		utf8::decode($sql) or next;
		utf8::encode($sql);
		push @statements, $sql;
	}
	my $rows = join '', map { my $s = $_; $s =~ s/\\/\\\\/g; $s =~ s/\t/\\t/g; $s =~ s/\n/\\n/g; "$s\n" } @statements;
	my @got = split /\n/, psql(<<"END");
$functions
CREATE TEMP TABLE fuzz (sql text, n serial);
COPY fuzz (sql) FROM STDIN;
$rows\\.
SELECT json_build_array(pg_temp.unit_redshift_parse(sql), pg_temp.unit_redshift_redact(sql)) FROM fuzz ORDER BY n;
END
	my ($errors, @leaks, @lengths, @positions) = (0);

	is(scalar @got, scalar @statements, 'the server answered for each of ' . @statements);
	for my $i (0 .. $#got)
	{
		my ($result, $redacted) = @{ decode_json($got[$i]) };
		my $sql = $statements[$i];
		$result = decode_json(do { utf8::encode(my $s = $result); $s });
		utf8::decode($sql);

		push @lengths, $sql if length $redacted != length $sql;
		push @leaks, "$sql => $redacted" if $redacted =~ /$leak/;
		next if !exists $result->{error};
		$errors++;
		push @leaks, "$sql => " . join ' | ', map { "$_: $result->{$_}" } sort keys %$result
		  if grep { ($result->{$_} // '') =~ /$leak/ } qw(message detail hint context query);
		push @positions, $sql if $result->{query} ne $redacted || $result->{position} < 1 || $result->{position} > 1 + length $sql;
	}
	ok($errors > 10000 && $errors < @got, "$errors errors");
	is(scalar @leaks, 0, 'no key in an error or in what is shown') or diag(map { "$_\n" } @leaks[ 0 .. ($#leaks < 20 ? $#leaks : 20) ]);
	is(scalar @lengths, 0, 'what is shown is as long as the statement') or diag($lengths[0]);
	is(scalar @positions, 0, 'the position is in the statement') or diag($positions[0]);
}

#-------------------------------------------------------------------------
# The document has all parameters
#-------------------------------------------------------------------------

{
	my %table;
	for (split /\n/, psql("$functions SELECT pg_temp.unit_redshift_parameters();"))
	{
		my ($name, $command, $outcome) = /^(\S+) (\S+) (.+)$/ or next;
		$table{$command}{$name} = $outcome;
	}
	my %documented;
	my $command;
	open my $fh, '<', "$FindBin::Bin/../../docs/redshift.md" or die "could not open docs/redshift.md: $!\n";
	while (<$fh>)
	{
		$command = $1 if /^## (COPY|UNLOAD|\w+)/;
		next if !defined $command || !exists $table{$command};
		s/\\\|/ or /g;
		next if !/^\| ([^|]+) \| ([^|]+) \|/;
		my ($names, $outcome) = ($1, $2);
		$outcome = $outcome =~ /^refused/ ? 'refused' : $outcome =~ /^accepted without effect/ ? 'no effect' : 'supported';
		$documented{$command}{$_} = $outcome for $names =~ /`(?:\[WITH\] )?([A-Z_0-9]+)/g;
	}
	delete $documented{COPY}{FROM};
	delete $documented{COPY}{FORMAT};
	delete $documented{UNLOAD}{FORMAT};
	delete $documented{UNLOAD}{TO};
	is_deeply($documented{$_}, $table{$_}, "docs/redshift.md has the parameters of $_, and what becomes of them") for ('COPY', 'UNLOAD');
}

done_testing();
