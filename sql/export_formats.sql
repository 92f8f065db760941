--
-- s3_export(): text, fixed width, one JSON array; codecs; what is refused.
--
CREATE TABLE sample (id int, name text, price numeric, at timestamptz, tags text[]);
INSERT INTO sample VALUES
  (1, 'plain', 1.50, '2026-01-02 03:04:05+00', '{a,b}'),
  (2, E'tab\t back\\slash\nline', NULL, NULL, '{}'),
  (3, '', 'NaN', '-infinity', NULL),
  (4, E'\\.', 1e-10, '2026-01-02 03:04:05.678+00', '{NULL,"NULL",""}'),
  (5, '\N', -7, NULL, '{"x\\y"}');
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- An object as it stands: one column of one line each.
CREATE FOREIGN TABLE raw (line text) SERVER s3
  OPTIONS (location 's3://regress/out/formats/', delimiter E'\x01', quote E'\x02', null '(no such text)');
CREATE FUNCTION lines(location text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER FOREIGN TABLE raw OPTIONS (SET location %L)', location);
  RETURN QUERY SELECT line FROM raw;
END
$$;

-- Text is what COPY writes.
COPY sample TO STDOUT (FORMAT text, HEADER);
SELECT rows FROM s3_export('TABLE sample', 's3://regress/out/formats/all.txt', format => 'text', header => true);
SELECT * FROM lines('s3://regress/out/formats/all.txt');
COPY (SELECT id, name, -1 AS "a|b" FROM sample) TO STDOUT (FORMAT text, HEADER, DELIMITER '|', NULL 'none');
SELECT rows FROM s3_export('SELECT id, name, -1 AS "a|b" FROM sample', 's3://regress/out/formats/bars.txt',
  format => 'text', header => true, delimiter => '|', "null" => 'none');
SELECT * FROM lines('s3://regress/out/formats/bars.txt');

-- and reads back as what it was.
CREATE FOREIGN TABLE back (id int, name text, price numeric, at timestamptz, tags text[]) SERVER s3
  OPTIONS (location 's3://regress/out/formats/all.txt', format 'text', header 'match');
SELECT count(*) FROM (TABLE sample EXCEPT TABLE back) d;
SELECT count(*) FROM back;
DROP FOREIGN TABLE back;

-- Fixed width: at the left, in characters; NULL is blank, or its text.
SELECT rows, bytes FROM s3_export($$VALUES (1, 'Málaga', 1.5, NULL), (-20, NULL, 2.25, 'x')$$,
  's3://regress/out/formats/fixed.txt', format => 'fixedwidth', fixedwidth => 'id:3,city:8,price:5,note:1');
SELECT line || '.' AS line FROM lines('s3://regress/out/formats/fixed.txt') line;
SELECT rows FROM s3_export($$SELECT NULL AS a, 1 AS bb, NULL::text AS c$$,
  's3://regress/out/formats/nulls.txt', format => 'fixedwidth', fixedwidth => '4,2,6', header => true, "null" => 'null');
SELECT line || '.' AS line FROM lines('s3://regress/out/formats/nulls.txt') line;
CREATE FOREIGN TABLE back (id int, city text, price numeric, note text) SERVER s3
  OPTIONS (location 's3://regress/out/formats/fixed.txt', format 'fixedwidth', fixedwidth '3,8,5,1');
SELECT * FROM back;
DROP FOREIGN TABLE back;
SELECT bytes FROM s3_export($$SELECT 'Málaga'$$, 's3://regress/out/formats/latin1.txt',
  format => 'fixedwidth', fixedwidth => '8', encoding => 'latin1');

CALL fails($$SELECT s3_export('SELECT 123456 AS amount', 's3://regress/out/formats/none', format => 'fixedwidth', fixedwidth => 'amount:5')$$);
CALL fails($$SELECT s3_export('SELECT ''Málaga'' AS city', 's3://regress/out/formats/none', format => 'fixedwidth', fixedwidth => 'city:5')$$);
CALL fails($$SELECT s3_export('SELECT NULL AS a', 's3://regress/out/formats/none', format => 'fixedwidth', fixedwidth => 'a:3', "null" => 'null')$$);
CALL fails($$SELECT s3_export('SELECT 1 AS amount', 's3://regress/out/formats/none', format => 'fixedwidth', fixedwidth => 'amount:5', header => true)$$);
CALL fails($$SELECT s3_export('SELECT E''a\nb'' AS a', 's3://regress/out/formats/none', format => 'fixedwidth', fixedwidth => 'a:5')$$);
CALL fails($$SELECT s3_export('SELECT 1, 2', 's3://regress/out/formats/none', format => 'fixedwidth', fixedwidth => '5')$$);
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress/out/formats/none', format => 'fixedwidth', fixedwidth => 'a:b')$$);
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress/out/formats/none', format => 'fixedwidth')$$);
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress/out/formats/none', fixedwidth => '5')$$);

-- One JSON array of objects; of no rows too.
SELECT rows FROM s3_export('SELECT id, name, tags FROM sample', 's3://regress/out/formats/all.json', format => 'json', "array" => true);
SELECT * FROM lines('s3://regress/out/formats/all.json');
SELECT string_agg(line, E'\n')::jsonb = (SELECT jsonb_agg(to_jsonb(s)) FROM (SELECT id, name, tags FROM sample) s) AS same FROM raw;
SELECT rows, bytes FROM s3_export('SELECT 1 AS a WHERE false', 's3://regress/out/formats/no.json', format => 'json', "array" => true);
SELECT * FROM lines('s3://regress/out/formats/no.json');
SELECT rows FROM s3_export('SELECT FROM generate_series(1, 2)', 's3://regress/out/formats/bare.json', format => 'json', "array" => true);
SELECT * FROM lines('s3://regress/out/formats/bare.json');
SELECT rows, bytes FROM s3_export($$SELECT 'é' AS a FROM generate_series(1, 2)$$, 's3://regress/out/formats/latin1.json',
  format => 'json', "array" => true, encoding => 'latin1');
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress/out/formats/none', "array" => true)$$);

-- Codecs, by the end of the key and by option, and back.
DO $$
DECLARE
  written record;
  codec text[];
BEGIN
  FOREACH codec SLICE 1 IN ARRAY ARRAY[['gzip', 'gz'], ['zstd', 'zst'], ['bzip2', 'bz2'], ['xz', 'xz'], ['lz4', 'lz4']] LOOP
    SELECT * INTO written FROM s3_export('SELECT i FROM generate_series(1, 20000) i',
      's3://regress/out/formats/n/a.' || codec[2], format => 'text');
    RAISE INFO '%: % rows, compressed: %', codec[2], written.rows, written.bytes < 108000;
    SELECT * INTO written FROM s3_export('SELECT i FROM generate_series(1, 20000) i',
      's3://regress/out/formats/n/' || codec[1], compression => codec[1]);
    RAISE INFO '%: % rows, compressed: %', codec[1], written.rows, written.bytes < 108000;
  END LOOP;
END
$$;
SELECT count(*), sum(line::int) FROM lines('s3://regress/out/formats/n/') AS line;

-- What COPY refuses, and what can only be read.
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress/out/formats/none', format => 'text', delimiter => 'a')$$);
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress/out/formats/none', format => 'text', delimiter => '||')$$);
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress/out/formats/none', format => 'text', quote => '"')$$);
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress/out/formats/none', format => 'text', encoding => 'utf16')$$);
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress/out/formats/none', format => 'parquet')$$);
SELECT count(*) FROM s3_list('s3://regress/out/formats/none');
SELECT count(*) FROM s3_uploads('s3://regress/');

DROP FUNCTION lines;
DROP FOREIGN TABLE raw;
DROP TABLE sample;
