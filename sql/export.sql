--
-- s3_export(): the result of a query as one object.
--
CREATE TABLE sample (id int, name text, price numeric, at timestamptz, tags text[], extra jsonb);
INSERT INTO sample VALUES
  (1, 'plain', 1.50, '2026-01-02 03:04:05+00', '{a,b}', '{"k": [1, null]}'),
  (2, 'comma, "quote"' || E'\nline', NULL, NULL, '{}', NULL),
  (3, '', 'NaN', '-infinity', NULL, '"text"'),
  (4, E'\\.', 1e-10, '2026-01-02 03:04:05.678+00', '{NULL,"NULL",""}', '{}');
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- An object as it stands: one column of one line each.
CREATE FOREIGN TABLE raw (line text) SERVER s3
  OPTIONS (location 's3://regress/out/export/', delimiter E'\x01', quote E'\x02', null '(no such text)');
CREATE FUNCTION lines(location text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER FOREIGN TABLE raw OPTIONS (SET location %L)', location);
  RETURN QUERY SELECT line FROM raw;
END
$$;

-- The entity tag of an object written in one piece is its MD5 sum.
SELECT location, rows, bytes, etag = md5(E'1,plain\n') AS etag
FROM s3_export('SELECT id, name FROM sample WHERE id = 1', 's3://regress/out/export/one.csv');
SELECT size, etag = md5(E'1,plain\n') AS etag FROM s3_list('s3://regress/out/export/one.csv');

-- What is there is not replaced, unless that is asked for.
SELECT s3_export('SELECT 2', 's3://regress/out/export/one.csv');
SELECT * FROM lines('s3://regress/out/export/one.csv');
SELECT rows FROM s3_export('SELECT 2', 's3://regress/out/export/one.csv', overwrite => 'replace');
SELECT * FROM lines('s3://regress/out/export/one.csv');

-- CSV is what COPY writes.
COPY sample TO STDOUT (FORMAT csv, HEADER);
SELECT rows FROM s3_export('TABLE sample', 's3://regress/out/export/all.csv', header => true);
SELECT * FROM lines('s3://regress/out/export/all.csv');

COPY sample TO STDOUT (FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '\', NULL '\N', FORCE_QUOTE (name, tags));
SELECT rows FROM s3_export('TABLE sample', 's3://regress/out/export/dialect.csv',
  delimiter => ';', quote => '''', escape => '\', "null" => '\N', force_quote => 'name, tags');
SELECT * FROM lines('s3://regress/out/export/dialect.csv');

SELECT rows FROM s3_export('SELECT 1 AS a, NULL AS b, ''x'' AS c', 's3://regress/out/export/star.csv', force_quote => '*');
SELECT * FROM lines('s3://regress/out/export/star.csv');
SELECT s3_export('SELECT 1 AS a', 's3://regress/out/export/none.csv', force_quote => 'b');

-- JSON is one row_to_json() per line.
SELECT rows FROM s3_export('TABLE sample', 's3://regress/out/export/all.json', format => 'json');
SELECT * FROM lines('s3://regress/out/export/all.json');
SELECT bool_and(line = row_to_json(sample)::text) AS same
FROM (SELECT line, row_number() OVER () AS id FROM raw) r JOIN sample USING (id);

-- Another encoding.
SELECT bytes FROM s3_export($$SELECT 'Málaga'$$, 's3://regress/out/export/latin1.csv', encoding => 'latin1');
SELECT s3_export($$SELECT '日本'$$, 's3://regress/out/export/none.csv', encoding => 'latin1');

-- Compression, by the suffix or by the option, and back.
SELECT rows, bytes < 30000 AS compressed FROM s3_export('SELECT i FROM generate_series(1, 10000) i', 's3://regress/out/export/n.csv.gz');
SELECT rows, bytes < 30000 AS compressed FROM s3_export('SELECT i FROM generate_series(1, 10000) i', 's3://regress/out/export/n.none', compression => 'none');
SELECT rows, bytes < 30000 AS compressed FROM s3_export('SELECT i FROM generate_series(1, 10000) i', 's3://regress/out/export/n.csv', compression => 'gzip');
SELECT count(*), sum(line::int) FROM lines('s3://regress/out/export/n.') AS line;

-- No rows, no columns.
SELECT rows, bytes FROM s3_export('SELECT 1 AS a WHERE false', 's3://regress/out/export/empty.csv');
SELECT rows, bytes FROM s3_export('SELECT 1 AS a WHERE false', 's3://regress/out/export/header.csv', header => true);
SELECT rows, bytes FROM s3_export('SELECT FROM generate_series(1, 2)', 's3://regress/out/export/columns.csv');

-- Statements with RETURNING; what they see and do belongs to the transaction,
-- the object does not.
BEGIN;
SELECT rows FROM s3_export('DELETE FROM sample WHERE id > 2 RETURNING id', 's3://regress/out/export/deleted.csv');
SELECT count(*) FROM sample;
ROLLBACK;
SELECT count(*) FROM sample;
SELECT * FROM lines('s3://regress/out/export/deleted.csv');

-- Several parts make the same object.
SET s3_fdw.part_size = '5MB';
SET s3_fdw.upload_memory = '10MB';
SELECT rows, bytes, etag ~ '-3$' AS three_parts
FROM s3_export($$SELECT i, repeat('x', 90) FROM generate_series(1, 120000) i$$, 's3://regress/out/export/parts.csv');
RESET s3_fdw.part_size;
RESET s3_fdw.upload_memory;
SELECT count(*), sum(split_part(line, ',', 1)::int), min(length(split_part(line, ',', 2)))
FROM lines('s3://regress/out/export/parts.csv') AS line;

-- A query that fails leaves nothing behind, also after parts were sent.
SELECT s3_export('SELECT 1 / (3 - i) FROM generate_series(1, 5) i', 's3://regress/out/export/failed.csv');
SELECT s3_export($$SELECT 1 / (150000 - i), repeat('x', 90) FROM generate_series(1, 150000) i$$,
  's3://regress/out/export/failed.csv', part_size => '5MB');
SELECT count(*) FROM s3_list('s3://regress/out/export/failed');
SELECT count(*) FROM s3_uploads('s3://regress/');

-- One statement that returns rows, and no other.
SELECT s3_export('SELECT 1; SELECT 2', 's3://regress/out/export/none.csv');
SELECT s3_export('', 's3://regress/out/export/none.csv');
SELECT s3_export('SELECT FROM nowhere', 's3://regress/out/export/none.csv');
SELECT s3_export('SELEC 1', 's3://regress/out/export/none.csv');
SELECT s3_export('DELETE FROM sample', 's3://regress/out/export/none.csv');
SELECT s3_export('CREATE TABLE x (a int)', 's3://regress/out/export/none.csv');
SELECT s3_export('SELECT 1 INTO x', 's3://regress/out/export/none.csv');
SELECT s3_export('COPY sample TO STDOUT', 's3://regress/out/export/none.csv');
SELECT s3_export('SELECT $1', 's3://regress/out/export/none.csv');
SELECT s3_export('COMMIT', 's3://regress/out/export/none.csv');
SELECT s3_export(NULL, 's3://regress/out/export/none.csv');
SELECT s3_export('SELECT 1', 's3://regress/out/export/part-*.csv');
SELECT s3_export('SELECT 1', NULL);
SELECT count(*) FROM s3_list('s3://regress/out/export/none');

DROP FUNCTION lines;
DROP FOREIGN TABLE raw;
DROP TABLE sample;
