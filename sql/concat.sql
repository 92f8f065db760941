--
-- s3_concat(): objects of a location joined into one.
--
CREATE FOREIGN TABLE joined (line text) SERVER s3
  OPTIONS (location 's3://regress/out/concat/', delimiter E'\x01', quote E'\x02', null '(no such text)');
CREATE FUNCTION lines(location text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER FOREIGN TABLE joined OPTIONS (SET location %L)', location);
  RETURN QUERY SELECT line FROM joined;
END
$$;

-- Three part files with a header line, which may hold a newline, and a marker.
SELECT rows FROM s3_export($$SELECT i AS "a", 'x' AS "b
b" FROM generate_series(1, 2) i$$, 's3://regress/out/concat/in/part-1.csv', header => true);
SELECT rows FROM s3_export($$SELECT i AS "a", 'y' AS "b
b" FROM generate_series(3, 4) i$$, 's3://regress/out/concat/in/part-2.csv', header => true);
SELECT rows FROM s3_export($$SELECT 0 AS "a", 'z' AS "b
b" WHERE false$$, 's3://regress/out/concat/in/part-3.csv', header => true);
SELECT rows FROM s3_export('SELECT 1', 's3://regress/out/concat/in/_SUCCESS');

-- With the header line of the first; the entity tag is that of the bytes.
SELECT location, objects, bytes, etag = md5(E'a,"b\nb"\n1,x\n2,x\n3,y\n4,y\n') AS etag, deleted
FROM s3_concat('s3://regress/out/concat/in/', 's3://regress/out/concat/all.csv', header => true);
SELECT * FROM lines('s3://regress/out/concat/all.csv');

-- As they are: lists, patterns, in the order of the list and of the keys.
SELECT objects, bytes FROM s3_concat('s3://regress/out/concat/in/part-2, s3://regress/out/concat/in/part-[1-2].csv',
  's3://regress/out/concat/list.csv');
SELECT * FROM lines('s3://regress/out/concat/list.csv');

-- A target that is there, or is to be read.
SELECT s3_concat('s3://regress/out/concat/in/', 's3://regress/out/concat/all.csv');
SELECT objects, bytes FROM s3_concat('s3://regress/out/concat/in/', 's3://regress/out/concat/all.csv', overwrite => 'replace');
SELECT s3_concat('s3://regress/out/concat/', 's3://regress/out/concat/all.csv', overwrite => 'replace');

-- Compressed members.
SELECT rows FROM s3_export('SELECT 1', 's3://regress/out/concat/gz/1.csv.gz');
SELECT rows FROM s3_export('SELECT 2', 's3://regress/out/concat/gz/2.csv.gz');
SELECT objects FROM s3_concat('s3://regress/out/concat/gz/', 's3://regress/out/concat/both.csv.gz');
SELECT * FROM lines('s3://regress/out/concat/both.csv.gz');
SELECT s3_concat('s3://regress/out/concat/gz/', 's3://regress/out/concat/none', header => true);
SELECT s3_concat('s3://regress/out/concat/in/part-1, s3://regress/out/concat/gz/', 's3://regress/out/concat/none');

-- Deleted once they are joined.
SELECT objects, deleted FROM s3_concat('s3://regress/out/concat/in/part', 's3://regress/out/concat/moved.csv',
  header => true, delete_sources => true);
SELECT key FROM s3_list('s3://regress/out/concat/in/');
SELECT count(*) FROM lines('s3://regress/out/concat/moved.csv');

-- Not so.
SELECT s3_concat('s3://regress/out/concat/in/', 's3://regress/out/concat/none');
SELECT s3_concat('s3://regress/out/concat/gz/', 's3://regress/out/concat/');
SELECT s3_concat('s3://regress/out/concat/gz/', 's3://regress/out/concat/*');
SELECT s3_concat('regress/out', 's3://regress/out/concat/none');
SELECT s3_concat('s3://regress/out/concat/gz/', NULL);
SELECT s3_concat('s3://regress/out/concat/gz/', 's3://regress/out/concat/none', 'nowhere');
SELECT s3_concat('s3://regress/out/concat/gz/', 's3://regress/out/concat/none', overwrite => 'clean');
SELECT s3_concat('s3://regress/out/concat/gz/', 's3://regress/out/concat/none', content_type => E'a\nb');

-- It takes EXECUTE, and USAGE on the server.
CREATE ROLE joiner;
SET ROLE joiner;
SELECT s3_concat('s3://regress/out/concat/gz/', 's3://regress/out/concat/none', 's3');
RESET ROLE;
GRANT EXECUTE ON FUNCTION s3_concat TO joiner;
SET ROLE joiner;
SELECT s3_concat('s3://regress/out/concat/gz/', 's3://regress/out/concat/none', 's3');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION s3_concat FROM joiner;
DROP ROLE joiner;

SELECT count(*) FROM s3_list('s3://regress/out/concat/none');
SELECT count(*) FROM s3_uploads('s3://regress/out/concat/');
DROP FUNCTION lines;
DROP FOREIGN TABLE joined;
