--
-- zstd, bzip2, xz and lz4; what decides which codec an object needs.
--
CREATE FOREIGN TABLE t (id text, name text) SERVER s3 OPTIONS (location 's3://regress/codecs/frames.csv.zst');

-- Several frames are one stream, empty ones among them.
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/frames.csv.bz2');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/frames.csv.xz');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/frames.csv.lz4');
SELECT * FROM t;

-- First bytes decide: names that say nothing, or something else.
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/unnamed_*');
SELECT name, count(*) FROM t GROUP BY name ORDER BY name;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/misnamed.csv.gz');
SELECT * FROM t;

-- Text may begin as bzip2 does, and empty objects have no format.
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/bzh.csv');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/empty.csv.zst');
SELECT * FROM t;

-- Skippable frames belong to zstd and lz4; then the name decides.
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/skippable.csv.lz4');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/skipping');
SELECT count(*) FROM t;

-- Text that is called compressed is an error, unless the option says better:
-- by its name,
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/plain.csv.zst');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/plain.csv.bz2');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/plain.csv.xz');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/plain.csv.lz4');
SELECT * FROM t;
-- by its Content-Encoding,
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/encoded/gzip.csv');
SELECT * FROM t;
-- which may also speak of the upload only.
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/encoded/chunked.csv');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (ADD compression 'none', SET location 's3://regress/codecs/encoded/');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/plain.csv.*');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET compression 'lz4', SET location 's3://regress/codecs/unnamed_zstd');
SELECT * FROM t;
ALTER FOREIGN TABLE t OPTIONS (DROP compression);

-- Streams that were cut, spoilt, or followed by something else.
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/cut.csv.zst');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/cut.csv.bz2');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/cut.csv.xz');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/cut.csv.lz4');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/corrupt.csv.zst');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/corrupt.csv.bz2');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/corrupt.csv.xz');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/corrupt.csv.lz4');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/trailing.csv.zst');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/trailing.csv.bz2');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/trailing.csv.xz');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/trailing.csv.lz4');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/codecs/legacy.csv.lz4');
SELECT count(*) FROM t;

-- s3_export() compresses by the suffix or the option; all of it is read again.
SELECT bytes < 100000 AS compressed FROM unnest('{a.zst,b.bz2,c.xz,d.lz4}'::text[]) u(name),
  s3_export($$SELECT i AS id, 'number ' || i % 3 AS name FROM generate_series(1, 10000) i$$,
    's3://regress/out/codecs/' || name);
SELECT bytes < 100000 AS compressed FROM unnest('{zstd,bzip2,xz,lz4}'::text[]) u(method),
  s3_export($$SELECT i AS id, 'number ' || i % 3 AS name FROM generate_series(1, 10000) i$$,
    's3://regress/out/codecs/' || method || '.csv', compression => method);
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/out/codecs/');
SELECT count(*), sum(id::int), count(DISTINCT name) FROM t;
DROP FOREIGN TABLE t;
