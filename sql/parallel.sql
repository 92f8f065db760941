--
-- Parallel scans: workers and leader share the objects of one listing.
--
SELECT sum(rows) FROM generate_series(1, 12) o,
  s3_export(format($$SELECT i, %s AS object, 'text ' || i FROM generate_series(1, %s) i$$, o, o * 100),
    format('s3://regress/out/parallel/%s.csv', o));
CREATE FOREIGN TABLE many (n int, object int, t text) SERVER s3
  OPTIONS (location 's3://regress/out/parallel/');
CREATE VIEW summary AS
  SELECT count(*) AS rows, sum(n) AS n, sum(n * object) AS product,
         sum(hashtext(object || t)::bigint) AS digest FROM many;
CREATE TABLE serial AS SELECT * FROM summary;

-- A small prefix is not worth it.
SELECT plan('SELECT sum(n) FROM many');

-- A large one would be; here it is made so.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT plan('SELECT sum(n) FROM many');

-- Every row once, whoever reads it, with the leader's help or without, and
-- with as many processes as objects.
SELECT * FROM serial INTERSECT SELECT * FROM summary;
SET parallel_leader_participation = off;
SELECT * FROM serial INTERSECT SELECT * FROM summary;
RESET parallel_leader_participation;
SET s3_fdw.read_concurrency = 1;
SET s3_fdw.range_size = '64kB';
SELECT * FROM serial INTERSECT SELECT * FROM summary;
RESET s3_fdw.read_concurrency;
RESET s3_fdw.range_size;
ALTER FOREIGN TABLE many OPTIONS (ADD header 'false');
SET max_parallel_workers_per_gather = 6;
SELECT * FROM serial INTERSECT SELECT * FROM summary;
SET max_parallel_workers_per_gather = 2;

-- What the processes asked for is added up.
SELECT plan('SELECT sum(n) FROM many', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF')
EXCEPT
SELECT plan('SELECT sum(n) FROM many', 'COSTS OFF')
ORDER BY 1;

-- Joins of two; a join that scans again for each row of the other.
SELECT count(*), sum(a.n) FROM many a JOIN many b USING (object, n) WHERE a.n <= 50;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
SELECT o, s FROM generate_series(1, 3) o, LATERAL (SELECT sum(n) AS s FROM many WHERE object = o) sums ORDER BY o;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_material;

-- Rows that are not all wanted, and cursors, which do not scan in parallel.
SELECT count(*) FROM (SELECT n FROM many LIMIT 7000) part;
BEGIN;
DECLARE c CURSOR FOR SELECT object, n FROM many;
FETCH 2 FROM c;
MOVE 7700 IN c;
FETCH 1 FROM c;
COMMIT;

-- An error in a worker is the statement's; the session goes on.
DROP VIEW summary;
ALTER FOREIGN TABLE many ALTER COLUMN t TYPE date;
CALL fails('SELECT max(t) FROM many');
SELECT count(*) FROM many;

-- A prefix without objects has nothing to share; the next listing may have.
CREATE FOREIGN TABLE few (n int) SERVER s3 OPTIONS (location 's3://regress/out/few/');
SELECT plan('SELECT count(*) FROM few');
SELECT count(*) FROM few;

DROP FOREIGN TABLE few;
DROP TABLE serial;
DROP FOREIGN TABLE many;
RESET ALL;
