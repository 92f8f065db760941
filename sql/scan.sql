--
-- Scans: rescans, cursors, plans, prepared statements.
--
CREATE FOREIGN TABLE fruit (id int, name text, price numeric) SERVER s3
  OPTIONS (location 's3://regress/csv/parts/', header 'true');
CREATE FOREIGN TABLE numbers (n int, t text) SERVER s3 OPTIONS (location 's3://regress/out/scan/numbers/');
SELECT rows FROM s3_export($$SELECT i, 'number ' || i FROM generate_series(1, 50000) i$$, 's3://regress/out/scan/numbers/1.csv');
SELECT rows FROM s3_export($$SELECT i, 'number ' || i FROM generate_series(50001, 50010) i$$, 's3://regress/out/scan/numbers/2.csv');
SELECT count(*), sum(n), min(t), max(length(t)) FROM numbers;

-- Tiny requests give the same.
SET s3_fdw.range_size = '64kB';
SET s3_fdw.read_memory = '1MB';
SET s3_fdw.read_concurrency = 2;
SELECT count(*), sum(n), min(t), max(length(t)) FROM numbers;
RESET s3_fdw.range_size;
RESET s3_fdw.read_memory;
RESET s3_fdw.read_concurrency;

-- A scan may end early, and begin again.
SELECT * FROM numbers LIMIT 2;
SELECT * FROM numbers LIMIT 0;
SELECT n FROM numbers OFFSET 50008;

-- So may many of them, from the middle of an object.
SET s3_fdw.range_size = '64kB';
SELECT count(*), bool_and(sum = k::bigint * (k + 1) / 2) AS right_sums
FROM (SELECT i * 2503 % 50010 + 1 AS k FROM generate_series(1, 40) i) limits,
  LATERAL (SELECT sum(n) FROM (SELECT n FROM numbers LIMIT k) first) sums;
RESET s3_fdw.range_size;

-- Nested loops scan again, from the beginning.
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
SELECT plan('SELECT * FROM fruit a JOIN fruit b USING (id)');
SELECT a.name, b.price FROM fruit a JOIN fruit b USING (id) ORDER BY id;
SELECT i, name FROM generate_series(1, 2) i, LATERAL (SELECT name FROM fruit WHERE id > i LIMIT 2) f;
SELECT i, (SELECT t FROM numbers WHERE n = i * 50005) FROM generate_series(0, 1) i;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_material;

-- Joins of several tables.
SELECT f.id, n.t FROM fruit f JOIN numbers n ON n.n = f.id ORDER BY 1;

-- Cursors, also backwards.
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id, name FROM fruit;
FETCH 2 FROM c;
FETCH BACKWARD 1 FROM c;
FETCH LAST FROM c;
MOVE ABSOLUTE 0 IN c;
FETCH ALL FROM c;
COMMIT;
BEGIN;
DECLARE kept CURSOR WITH HOLD FOR SELECT id FROM fruit;
DECLARE left_open CURSOR FOR SELECT n FROM numbers;
FETCH 1 FROM left_open;
COMMIT;
FETCH 2 FROM kept;
CLOSE kept;

-- A prepared statement sees what is there when it runs.
SET plan_cache_mode = force_generic_plan;
PREPARE q AS SELECT count(*), max(n) FROM numbers;
EXECUTE q;
SELECT rows FROM s3_export($$SELECT 60000, 'new'$$, 's3://regress/out/scan/numbers/3.csv');
EXECUTE q;
ALTER FOREIGN TABLE numbers OPTIONS (SET location 's3://regress/out/scan/numbers/2');
EXECUTE q;
ALTER FOREIGN TABLE numbers OPTIONS (SET location 's3://regress/out/scan/numbers/');
DEALLOCATE q;
RESET plan_cache_mode;

-- Views, subqueries, whole rows, system columns, INSERT ... SELECT.
CREATE VIEW cheap AS SELECT name, price FROM fruit WHERE price < 0.3;
SELECT * FROM cheap;
SELECT fruit FROM fruit WHERE id = 1;
SELECT tableoid::regclass, id FROM fruit LIMIT 1;
CREATE TEMP TABLE copied AS SELECT * FROM fruit;
INSERT INTO copied SELECT id + 10, name, price FROM fruit WHERE name LIKE 'p%';
SELECT count(*), sum(id) FROM copied;

SELECT id FROM fruit WHERE id = 2 FOR UPDATE;

-- A partition, its columns in another order than its parent's.
CREATE TABLE years (year int, id int, name text) PARTITION BY LIST (year);
CREATE TABLE this_year PARTITION OF years FOR VALUES IN (2026);
INSERT INTO this_year VALUES (2026, 3, 'here');
CREATE FOREIGN TABLE last_year (dropped int, name text, id int, year int) SERVER s3
  OPTIONS (location 's3://regress/out/scan/2025.csv');
ALTER FOREIGN TABLE last_year DROP COLUMN dropped;
ALTER TABLE years ATTACH PARTITION last_year FOR VALUES IN (2025);
SELECT rows FROM s3_export($$VALUES ('there', 1, 2025), ('too', 2, 2025)$$, 's3://regress/out/scan/2025.csv');
SELECT * FROM years ORDER BY id;
SELECT years FROM years WHERE year = 2025;
SELECT name FROM years WHERE id > 1 ORDER BY name;
SELECT plan('SELECT name FROM years WHERE year = 2026');
INSERT INTO years VALUES (2025, 4, 'no');
DROP TABLE years;

-- A prefix without objects is an empty table; a missing bucket is an error.
CREATE FOREIGN TABLE nothing (a int, b int) SERVER s3 OPTIONS (location 's3://regress/no/such/prefix/');
SELECT * FROM nothing;
SELECT plan('SELECT * FROM nothing', 'ANALYZE, COSTS OFF, TIMING OFF');
ALTER FOREIGN TABLE nothing OPTIONS (SET location 's3://regress-no-such-bucket/');
CALL fails('SELECT * FROM nothing');

-- EXPLAIN shows the location and what is there.
SELECT plan('SELECT name FROM fruit WHERE id = 2');
SELECT plan('SELECT name FROM fruit WHERE id = 2', 'VERBOSE, COSTS OFF');
SELECT plan('SELECT name FROM fruit WHERE id = 2', 'ANALYZE, COSTS OFF, TIMING OFF');
SELECT plan('SELECT n FROM numbers LIMIT 1', 'ANALYZE, COSTS OFF, TIMING OFF');
ALTER FOREIGN TABLE nothing OPTIONS (SET location 's3://regress/tree/a/', ADD format 'json');
SELECT plan('SELECT count(*) FROM nothing');
SELECT plan('SELECT * FROM fruit', 'FORMAT json, COSTS OFF');

-- Estimates follow the size of the objects.
CREATE FUNCTION estimated_rows(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
  j json;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO j;
  RETURN j->0->'Plan'->'Plan Rows';
END
$$;
SELECT estimated_rows('SELECT * FROM numbers') BETWEEN 10000 AND 200000 AS many,
       estimated_rows('SELECT * FROM fruit') < 20 AS few;

-- Read only.
INSERT INTO fruit VALUES (1, 'fig', 1);
UPDATE fruit SET price = 0;
DELETE FROM fruit;
TRUNCATE fruit;

DROP VIEW cheap;
DROP FUNCTION estimated_rows;
DROP FOREIGN TABLE fruit, numbers, nothing;
