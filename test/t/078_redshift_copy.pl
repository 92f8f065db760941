#-------------------------------------------------------------------------
#
# 078_redshift_copy.pl
#		COPY as written for Redshift: targets, columns, locations, manifests,
#		jsonpaths, thresholds, messages.
#
# What values become is the business of 072_redshift_dialect.pl.
#
# IDENTIFICATION
#		test/t/078_redshift_copy.pl
#
#-------------------------------------------------------------------------
use strict;
use warnings;

use FindBin;
use Test::More;

use lib "$FindBin::Bin/../perl";
use S3Test;

my $bucket = 'redshift-copy';
my $other = 'redshift-other';
my $role = "copier_$$";

s3_make_bucket($_) for $bucket, $other;
psql(<<"END");
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint '$ENV{S3_TEST_PROXY}');
CREATE USER MAPPING FOR PUBLIC SERVER s3
	OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CREATE TABLE t (id int, name varchar(20));
END

# What COPY says: its messages, and its error with SQLSTATE.
sub copy
{
	my ($statement, %opts) = @_;
	my ($out, $err, $rc) = psql_err(($opts{before} || '') . 'SELECT redshift(' . lit("COPY $statement") . ');'
		  . ($opts{after} || ''));

	# A stand-in for the journal talks.
	return join "\n", grep { /^(INFO|ERROR|DETAIL|HINT):/ } split /\n/, $err;
}

sub loaded
{
	my ($table, $n) = @_;

	return qr/\AINFO:  00000: Load into table '$table' completed, $n record\(s\) loaded successfully\.\z/;
}

sub rows
{
	my ($table) = @_;
	my $rows = psql("SELECT string_agg(t::text, ' ' ORDER BY t) FROM $table t");

	psql("TRUNCATE $table");
	return $rows;
}

my $from = "IAM_ROLE DEFAULT";

#-------------------------------------------------------------------------
# Locations
#-------------------------------------------------------------------------

s3_put($bucket, 'venue.txt', "1|one\n");
s3_put($bucket, 'venue_2.txt', "2|two\n");
s3_put($bucket, 'venue/3.txt', "3|three\n");
s3_put($bucket, 'venue/_SUCCESS', '');
s3_put($bucket, 'other.txt', "4|four\n");
like(copy("t FROM 's3://$bucket/venue' $from"), loaded('t', 3), 'a prefix of keys');
is(rows('t'), '(1,one) (2,two) (3,three)', '... files and folders');
like(copy("t FROM 's3://$bucket/venue/' $from"), loaded('t', 1), 'a folder');
is(rows('t'), '(3,three)', '... alone');
like(copy("t from 's3://$bucket/other.txt' iam_role default delimiter '|';"), loaded('t', 1), 'a file');
is(rows('t'), '(4,four)', '... alone');
is( copy("t FROM 's3://$bucket/no such/thing' $from"),
	"ERROR:  XX000: The specified S3 prefix 'no such/thing' does not exist",
	'nothing is there');
s3_put($bucket, 'nothing/_SUCCESS', '');
like(copy("t FROM 's3://$bucket/nothing/' $from"), loaded('t', 0), 'only an empty marker');

# What globs, escapes and lists of locations give a meaning has none here.
my @odd = ('star*', 'set[ab]', 'what?', 'back\\*slash', 'comma,s3://' . $other . '/x', 'comma, b', "quote''s");
for my $i (0 .. $#odd)
{
	my $key = "odd/$odd[$i]" =~ s/''/'/r;

	s3_put($bucket, "$key.1", "$i|odd\n");
	s3_put($bucket, "$key.2", "$i|odd\n");
}
s3_put($bucket, 'odd/starless', "99|not this\n");
s3_put($bucket, 'odd/seta', "99|not this\n");
s3_put($bucket, 'odd/whatever', "99|not this\n");
for my $i (0 .. $#odd)
{
	like(copy("t FROM 's3://$bucket/odd/$odd[$i]' $from"), loaded('t', 2), "key $odd[$i]");
	is(rows('t'), "($i,odd) ($i,odd)", '... the rows');
}

#-------------------------------------------------------------------------
# Targets and columns
#-------------------------------------------------------------------------

is(copy("nowhere FROM 's3://$bucket/venue' $from"), 'ERROR:  XX000: Cannot COPY into nonexistent table nowhere',
	'no such table');
psql(<<'END');
CREATE SCHEMA side;
CREATE TABLE side.t (name text, id int, extra text DEFAULT 'extra', twice int GENERATED ALWAYS AS (id * 2) STORED,
	auto int GENERATED ALWAYS AS IDENTITY);
CREATE TABLE side.sole (a int, b text);
END
like(copy("side.t (id, name) FROM 's3://$bucket/other.txt' $from"), loaded('t', 1), 'schema and columns');
is(psql('SELECT * FROM side.t; TRUNCATE side.t'), 'four|4|extra|8|1', '... the row');
like(copy("sole FROM 's3://$bucket/other.txt' $from", before => 'SET search_path = side, public;'),
	loaded('sole', 1), 'search_path');
like(copy("t FROM 's3://$bucket/other.txt' $from",
		before => "CREATE TEMP TABLE t (x int, y text);\n", after => 'SELECT count(*) FROM public.t'),
	loaded('t', 1), 'a temporary table');
is(psql('SELECT count(*) FROM t'), 0, '... not the other');
s3_put($bucket, 'three.txt', "n|5|e\n");
like(copy("side.t FROM 's3://$bucket/three.txt' $from"), loaded('t', 1), 'all columns but those that are made');
is(psql('SELECT * FROM side.t; TRUNCATE side.t'), 'n|5|e|10|2', '... the row');
s3_put($bucket, 'four.txt', "n|5|e|77\n");
like(copy("side.t FROM 's3://$bucket/four.txt' $from EXPLICIT_IDS"), loaded('t', 1), 'EXPLICIT_IDS');
is(psql('SELECT * FROM side.t; TRUNCATE side.t'), 'n|5|e|10|77', '... the row');
like(copy("side.t (id, auto) FROM 's3://$bucket/other.txt' $from"),
	qr/^ERROR:  42P10: cannot load identity column "auto" without EXPLICIT_IDS/, 'identity column listed');
like(copy("side.t (id, nope) FROM 's3://$bucket/other.txt' $from"),
	qr/^ERROR:  42703: column "nope" of relation "t" does not exist/, 'no such column');
like(copy("side.t (id, id) FROM 's3://$bucket/other.txt' $from"),
	qr/^ERROR:  42701: column "id" specified more than once/, 'a column twice');

psql(<<"END");
CREATE ROLE $role;
GRANT USAGE ON FOREIGN SERVER s3 TO $role;
END
my @as = (before => "SET ROLE $role;\n");
like(copy("t FROM 's3://$bucket/venue' $from", @as), qr/ERROR:  42501: permission denied for function redshift/,
	'not everybody may');
psql("GRANT EXECUTE ON FUNCTION redshift(text) TO $role");
like(copy("t FROM 's3://$bucket/venue' $from", @as), qr/ERROR:  42501: permission denied for table t/,
	'no right to the table');
like(copy("t FROM 's3://$bucket/venue' $from FORMAT JSON 's3://$bucket/no-jsonpaths'", @as),
	qr/ERROR:  42501: permission denied for table t/, '... before jsonpaths are read');
psql("GRANT INSERT (id, name) ON t TO $role");
like(copy("t FROM 's3://$bucket/other.txt' $from", @as), loaded('t', 1), 'right to the columns');
like(copy("t FROM 's3://$bucket/other.txt' $from STATUPDATE ON", @as), qr/ERROR:  42501: must be owner of table t/,
	'STATUPDATE ON is for the owner');
rows('t');
is(psql("CALL redshift_execute(" . lit("COPY t FROM 's3://$bucket/other.txt' $from") . '); SELECT * FROM t; TRUNCATE t'),
	'4|four', 'the procedure');
is(psql('SELECT redshift(' . lit("COPY t FROM 's3://$bucket/other.txt' $from") . '); TRUNCATE t'), 'COPY', 'the tag');

#-------------------------------------------------------------------------
# Thresholds
#-------------------------------------------------------------------------

psql('CREATE TABLE strict (id int NOT NULL, name text NOT NULL)');
s3_put($bucket, 'bad/1.txt', "1|one\nx|two\n3|three\n");
s3_put($bucket, 'bad/2.txt', "4|four|more\n5|five\nsix|six\n");
my $failed = qr/^ERROR:  XX000: Load into table 'strict' failed\.  Check 'stl_load_errors' system table for details\.\n/;
for my $max ('', 'MAXERROR 0', 'MAXERROR 1', 'MAXERROR 2', 'MAXERROR AS 3')
{
	my $said = copy("strict FROM 's3://$bucket/bad/' $from $max");

	like($said, qr{${failed}DETAIL:  The first one: object "s3://$bucket/bad/1.txt", line 2, column id: }, "$max: fails");
	is(psql('SELECT count(*) FROM strict'), 0, '... nothing is left');
}
for my $max ('MAXERROR 4', 'IGNOREALLERRORS')
{
	is( copy("strict FROM 's3://$bucket/bad/' $from $max"),
		"INFO:  00000: Load into table 'strict' completed, 3 record(s) loaded successfully.\n"
		  . "INFO:  00000: Load into table 'strict' completed, 3 record(s) could not be loaded.  Check 'stl_load_errors' system table for details.",
		"$max: succeeds");
	is(rows('strict'), '(1,one) (3,three) (5,five)', '... the rows');
}
s3_put($bucket, 'null.txt', "1|\\N\n2|two\n");
like(copy("strict FROM 's3://$bucket/null.txt' $from"), qr/${failed}DETAIL:.*line 1, column name: Missing data for not-null field/,
	'NULL for a NOT NULL column');
like(copy("strict FROM 's3://$bucket/null.txt' $from MAXERROR 2"), qr/1 record\(s\) loaded.*\n.* 1 record\(s\) could not/,
	'... counts');
rows('strict');
is(copy("t FROM 's3://$bucket/venue' $from NOLOAD"),
	"INFO:  00000: Load into table 't' completed, 0 record(s) loaded successfully.", 'NOLOAD');
is(psql('SELECT count(*) FROM t'), 0, '... loads nothing');
like(copy("strict FROM 's3://$bucket/bad/' $from NOLOAD"), $failed, '... finds what is bad');
s3_put($bucket, 'header/1.txt', "id|name\n--\n1|one\n");
s3_put($bucket, 'header/2.txt', "id|name\n--\n2|two\n");
like(copy("t FROM 's3://$bucket/header/' $from IGNOREHEADER 2"), loaded('t', 2), 'IGNOREHEADER in each file');
rows('t');

#-------------------------------------------------------------------------
# Statistics
#-------------------------------------------------------------------------

sub analyzed
{
	my ($options, $before) = @_;

	psql("DROP TABLE IF EXISTS stats; CREATE TABLE stats (id int, name text) WITH (autovacuum_enabled = off); $before");
	copy("stats FROM 's3://$bucket/venue' $from $options");
	return psql("SELECT reltuples FROM pg_class WHERE relname = 'stats'");
}

is(analyzed('', ''), 3, 'an empty table is analyzed');
is(analyzed('', 'INSERT INTO stats VALUES (1)'), -1, '... no other');
is(analyzed('STATUPDATE ON', 'INSERT INTO stats VALUES (1)'), 4, 'STATUPDATE ON');
is(analyzed('STATUPDATE OFF', ''), -1, 'STATUPDATE OFF');
is(analyzed('NOLOAD', ''), -1, 'not with NOLOAD');

#-------------------------------------------------------------------------
# Manifests
#-------------------------------------------------------------------------

s3_put($other, 'elsewhere.txt', "9|nine\n");
sub manifest
{
	my ($text, $options) = @_;

	s3_put($bucket, 'manifest/m', $text);
	return copy("t FROM 's3://$bucket/manifest/m' $from MANIFEST " . ($options || ''));
}
my $one = qq({"url":"s3://$bucket/venue.txt","mandatory":true});
like(manifest(qq({"entries":[$one, {"url":"s3://$other/elsewhere.txt","meta":{"content_length":5}}, $one]})),
	loaded('t', 3), 'a manifest');
is(rows('t'), '(1,one) (1,one) (9,nine)', '... with another bucket, and a file twice');
like(manifest(qq({"entries":[$one, {"url":"s3://$bucket/gone"}]})), loaded('t', 1), 'a file that is not mandatory');
rows('t');
like(manifest(qq({"entries":[$one, {"url":"s3://$bucket/gone","mandatory":true}]})), qr/^ERROR: /, 'one that is');
like(manifest(qq({"entries":[{"url":"s3://$bucket/gone"}]})), qr/^ERROR:  \S+ none of the objects/, 'none exists');
like(manifest(qq({"entries":[{"url":"venue.txt"}]})), qr/^ERROR:  \S+ malformed manifest.*\nDETAIL:  "venue.txt" is no location/,
	'a key alone');
like(manifest("s3://$bucket/venue.txt\n"), qr/^ERROR:  \S+ malformed manifest/, 'a list of lines');
like(manifest('{"entries":'), qr/^ERROR: /, 'half a manifest');
like(copy("t FROM 's3://$bucket/manifest/' $from MANIFEST"), qr/^ERROR:  22023: .* is not the location of a manifest/,
	'a folder of manifests');
like(copy("t FROM 's3://$bucket/manifest/none' $from MANIFEST"), qr/^ERROR: /, 'no manifest');
is(psql('SELECT count(*) FROM t'), 0, 'nothing came of these');

#-------------------------------------------------------------------------
# JSON
#-------------------------------------------------------------------------

s3_put($bucket, 'json/1.json', qq({"id": 1, "NAME": "upper", "name": "one", "x": {"id": [5, 6]}}\n{"id": 2}\n));
like(copy("t FROM 's3://$bucket/json/' $from FORMAT AS JSON 'auto'"), loaded('t', 2), "JSON 'auto'");
is(rows('t'), '(1,one) (2,)', '... the rows');
s3_put($bucket, 'upper/1.json', qq({"ID": 1, "Name": "one"}));
like(copy("t FROM 's3://$bucket/upper/' $from JSON 'auto'"), loaded('t', 1), '... by letters');
is(rows('t'), '(,)', '... the row');
like(copy("t FROM 's3://$bucket/upper/' $from JSON 'auto ignorecase'"), loaded('t', 1), "'auto ignorecase'");
is(rows('t'), '(1,one)', '... the row');
psql('CREATE TABLE whole (j jsonb)');
like(copy("whole FROM 's3://$bucket/json/' $from JSON 'noshred'"), loaded('whole', 2), "'noshred'");
is(psql("SELECT j->'x'->'id'->0 FROM whole ORDER BY 1 LIMIT 1"), 5, '... the documents');
like(copy("t FROM 's3://$bucket/json/' $from JSON 'noshred'"), qr/^ERROR:  0A000: JSON 'noshred' loads one column/, '... one column');

sub paths
{
	my ($text, $table) = @_;

	s3_put($bucket, 'paths.json', $text);
	return copy(($table || 't') . " FROM 's3://$bucket/json/1' $from JSON 's3://$bucket/paths.json'");
}
s3_put($bucket, 'json/1.json', qq({"id": 1, "NAME": "upper", "name": "one", "x": {"id": [5, 6]}}\n));
like(paths(q({"jsonpaths": ["$['x']['id'][1]", "$['NAME']"]})), loaded('t', 1), 'jsonpaths');
is(rows('t'), '(6,upper)', '... the row');
like(paths(q({"jsonpaths": ["$.name", "$.id"]}), 't (name, id)'), loaded('t', 1), 'jsonpaths for a list of columns');
is(rows('t'), '(1,one)', '... the row');
like(paths(q({"paths": ["$['NAME']"]})), loaded('t', 1), 'another key at the top means auto');
is(rows('t'), '(1,one)', '... the row');
like(paths(q({"jsonpaths": ["$.id"]})),
	qr/^ERROR:  XX000: Number of jsonpaths and the number of columns should match\. JSONPath size: 1, Number of columns in table or column list: 2/,
	'too few paths');
like(paths($_), qr/^ERROR:  22P02: .*is no jsonpaths file/, "jsonpaths $_")
  for q({"jsonpaths": ["$.id", ""]}), q({"jsonpaths": ["$.id", 5]}), q({"jsonpaths": ["$.*", "$.id"]}), q(["$.id"]);
like(paths('{"jsonpaths": ['), qr/^ERROR:  22P02/, 'half a jsonpaths file');
s3_put($bucket, 'json/paths', q({"jsonpaths": ["$.id", "$.name"]}));
like(copy("t FROM 's3://$bucket/json/' $from JSON 's3://$bucket/json/paths'"),
	qr/^ERROR:  22023: the jsonpaths file .* is below the data's prefix/, 'jsonpaths among the data');
s3_put($bucket, 'arrays/1.json', qq([1, "one"] [2, "two"]));
s3_put($bucket, 'paths.json', q({"jsonpaths": ["$[0]", "$[1]"]}));
like(copy("t FROM 's3://$bucket/arrays/' $from JSON 's3://$bucket/paths.json'"), loaded('t', 2), 'arrays by jsonpaths');
is(rows('t'), '(1,one) (2,two)', '... the rows');

# An export of DynamoDB
s3_put($bucket, 'AWSDynamoDB/01/data/a.json', qq({"Item":{"id":{"N":"7"},"name":{"S":"seven"}}}\n));
like(copy("t FROM 's3://$bucket/AWSDynamoDB/01/data/' $from JSON 'auto'"), loaded('t', 1), "DynamoDB's export");
is(rows('t'), '(7,seven)', '... the item');

# Keys in a statement are not logged with its errors.
my $keys = "ACCESS_KEY_ID 'demokey' SECRET_ACCESS_KEY 'secret-of-$$'";
my $log = "$ENV{PGHOST}/server.log";
like(copy("$_ FROM 's3://$bucket/venue' $keys"), qr/^ERROR/, "keys, and a fault: $_") for 'nowhere', 't', 't SOME';
SKIP:
{
	skip 'the server log is elsewhere', 2 if !-r $log;
	open my $fh, '<', $log or die;
	my $text = join '', <$fh>;
	close $fh;
	like($text, qr/nonexistent table nowhere/, 'the log has the error');
	unlike($text, qr/secret-of-$$/, '... but not the key');
}

psql("DROP OWNED BY $role; DROP ROLE $role");
done_testing();
