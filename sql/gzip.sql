--
-- gzip: found by its first bytes, read to its very end.
--
CREATE FOREIGN TABLE t (id int, name text) SERVER s3 OPTIONS (location 's3://regress/gzip/members.csv.gz');

-- Several members are one stream, wherever they are cut.
SELECT * FROM t;

-- Zero bytes may follow.
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/gzip/padded.csv.gz');
SELECT * FROM t;

-- Content decides, then the name; the option can insist.
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/gzip/unnamed');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/gzip/plain.csv.gz');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (ADD compression 'none');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET compression 'gzip');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET compression 'none', SET location 's3://regress/gzip/unnamed');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (DROP compression);

-- A stream that was cut is an error, even if only the checksum is missing, or
-- nothing of the data is wanted.
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/gzip/cut.csv.gz');
SELECT count(*) FROM t;
SELECT sum(id) FROM t;
SELECT * FROM t LIMIT 2;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/gzip/cut_trailer.csv.gz');
SELECT * FROM t;

-- So is a wrong checksum, and data that is no gzip after the end.
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/gzip/wrong_sum.csv.gz');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/gzip/trailing.csv.gz');
SELECT * FROM t;

-- JSON works the same, and the suffix makes s3_export() compress.
SELECT rows, bytes < 10000 AS compressed
FROM s3_export($$SELECT i AS id, 'number ' || i % 3 AS name FROM generate_series(1, 1000) i$$,
  's3://regress/out/gzip/x.json.gz', format => 'json');
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/out/gzip/', ADD format 'json');
SELECT count(*), sum(id), max(name) FROM t;

-- An empty result is a gzip stream of nothing.
SELECT rows, bytes > 0 AS something FROM s3_export('SELECT 1 WHERE false', 's3://regress/out/gzip/x.json.gz',
  overwrite => 'replace', compression => 'gzip', format => 'json');
SELECT count(*) FROM t;
DROP FOREIGN TABLE t;
