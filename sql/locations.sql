--
-- Locations: which objects belong to a table.
--
CREATE FOREIGN TABLE t (id int) SERVER s3 OPTIONS (location 's3://regress/tree/a/');

-- The ids found at a location.
CREATE FUNCTION ids(location text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format('ALTER FOREIGN TABLE t OPTIONS (SET location %L)', location);
  SELECT string_agg(id::text, ' ' ORDER BY id) INTO result FROM t;
  RETURN result;
END
$$;

-- All there is, markers and all.
SELECT key, size FROM s3_list('s3://regress/tree/') ORDER BY key COLLATE "C";

-- A folder is everything below it.  Empty objects, and those of which a part of
-- the name begins with '_' or '.', or that only mark a folder, are passed over.
SELECT ids('s3://regress/tree/a/');

-- Without a slash at the end, it is a prefix of keys, as S3 has it.
SELECT ids('s3://regress/tree/a');
SELECT ids('s3://regress/tree/a/1');
SELECT ids('s3://regress/tree/a/1.csv');

-- What is hidden can be named.
SELECT ids('s3://regress/tree/a/_temporary/');
SELECT ids('s3://regress/tree/a/.hidden.csv');

-- Globs: '*' and '?' stay in a folder, '**' does not; sets.
SELECT pattern, ids('s3://regress/tree/' || pattern) FROM (VALUES
  ('*'), ('*.csv'), ('a/*'), ('a/*.csv'), ('a/**'), ('**'), ('**/*.csv'), ('a/**/*.csv'),
  ('*/*.csv'), ('?/*.csv'), ('a*/*.csv'), ('a/[12].csv'), ('a/[!1].csv'), ('a/[0-9].csv'),
  ('*/'), ('a/*/'), ('a/b/[a-c]/'), ('nothing*')) AS patterns (pattern);

-- s3_list() sees what is passed over, and takes the same locations.
SELECT key FROM s3_list('s3://regress/tree/a/*') ORDER BY key COLLATE "C";

-- A bucket alone is all of it.
SELECT count(*) > 20 AS everything FROM s3_list('s3://regress');
SELECT (SELECT count(*) FROM s3_list('s3://regress')) = (SELECT count(*) FROM s3_list('s3://regress/')) AS same;

-- Keys are bytes: what means something in a URL, a path or a shell does not
-- here.  Each is written, read back alone and found in the listing.
CREATE TABLE odd (id int, name text);
INSERT INTO odd VALUES (1, 'two  spaces'), (2, 'a+b'), (3, '100%'), (4, '%41%2F'), (5, 'é'),
  (6, E'e\u0301'), (7, '日本語'), (8, '🙂'), (9, 'x//y'), (10, 'x/../y'), (11, 'x/./y'), (12, '/x'),
  (13, 'a"b''c'), (14, '<&>'), (15, 'a=b&c#d?e'), (16, '~!@$^(){}|;:,'), (17, 'back\slash'),
  (18, 'x '), (19, 'x.'), (20, 'a*b'), (21, 'a[1]');
-- In a location a backslash takes the special meaning of * ? [ away.
ALTER TABLE odd ADD location text GENERATED ALWAYS AS
  ('s3://regress/out/odd/' || id || '=' || regexp_replace(name, '([*?[\\])', '\\\1', 'g')) STORED;
SELECT count(*), bool_and(e.location = odd.location) AS as_named
FROM odd, s3_export('SELECT ' || id, odd.location) e;
SELECT count(*) AS listed FROM odd JOIN s3_list('s3://regress/out/odd/') ON key = 'out/odd/' || id || '=' || name;
SELECT count(*) AS read
FROM odd, ids(location)
WHERE ids = id::text;
SELECT ids('s3://regress/out/odd/*=?');
SELECT ids('s3://regress/out/odd/*=[é日-🙂]*');

-- A folder takes them all but those with a part of the name that hides them.
SELECT ids('s3://regress/out/odd/');

-- Control characters too; messages show them escaped, results do not.
SELECT location = E's3://regress/out/control/a\tb' AS same FROM s3_export('SELECT 1', E's3://regress/out/control/a\tb');
SELECT ids(E's3://regress/out/control/a\tb');
SELECT s3_export('SELECT 1', E's3://regress/out/control/a\tb');

DROP FUNCTION ids;
DROP FOREIGN TABLE t;
DROP TABLE odd;
