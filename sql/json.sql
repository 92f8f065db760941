--
-- JSON: one object a row, keys are columns.
--
\pset null '(null)'

-- Keys come in any order; one that is missing or null is NULL, others than the
-- columns are passed over, and of a key given twice the last counts.  White
-- space between objects does not matter, and one may go over several lines.
CREATE FOREIGN TABLE items (id int, name text, price numeric, tags text, fresh bool) SERVER s3
  OPTIONS (location 's3://regress/json/basic.json', format 'json');
SELECT id, replace(name, E'\n', '\n') AS name, price, tags, fresh FROM items;

-- Only columns that the query needs are converted, or even looked at.
SELECT count(*), count(name), count(tags) FROM items;
SELECT id FROM items WHERE fresh;

-- Strings, numbers and booleans are given to the column's type as their text.
-- json and jsonb columns get the value as it stands.
CREATE FOREIGN TABLE types (i bigint, n numeric, f float8, b bool, d date, t timestamptz,
  u uuid, y bytea, a int[], j json, jb jsonb) SERVER s3
  OPTIONS (location 's3://regress/json/types.json', format 'json');
\x on
SET timezone = 'UTC';
SET datestyle = 'ISO';
SELECT * FROM types;
\x off

-- Keys are case-sensitive, as column names are.
CREATE FOREIGN TABLE keys (id int, "Id" int, "ID" int, "iD" int) SERVER s3
  OPTIONS (location 's3://regress/json/case.json', format 'json');
SELECT * FROM keys;

-- The array of all rows that some programs write is opened.
ALTER FOREIGN TABLE keys OPTIONS (SET location 's3://regress/json/array.json');
SELECT id FROM keys;

-- Mistakes say where they are.
ALTER FOREIGN TABLE items OPTIONS (SET location 's3://regress/json/broken.json');
SELECT id, name FROM items LIMIT 1;
SELECT id, name FROM items;
SELECT count(*) FROM items;
ALTER FOREIGN TABLE items OPTIONS (SET location 's3://regress/json/bad_value.json');
SELECT name FROM items;
SELECT id FROM items;
ALTER FOREIGN TABLE items OPTIONS (SET location 's3://regress/json/nul.json');
SELECT id FROM items;
SELECT name FROM items;

-- What is CSV is not JSON.
ALTER FOREIGN TABLE items OPTIONS (SET location 's3://regress/csv/quotes.csv');
SELECT * FROM items;

-- Nor the other way round; the names of the objects give a hint.
CREATE FOREIGN TABLE forgotten (id int, name text) SERVER s3 OPTIONS (location 's3://regress/json/basic.json');
SELECT * FROM forgotten;
DROP FOREIGN TABLE forgotten;

-- Several objects, in the order of keys.
SELECT rows FROM s3_export($$SELECT 2 AS id, 'b' AS name$$, 's3://regress/out/json/2.json', format => 'json');
SELECT rows FROM s3_export($$SELECT 1 AS id, 'a' AS name$$, 's3://regress/out/json/1.json', format => 'json');
ALTER FOREIGN TABLE items OPTIONS (SET location 's3://regress/out/json/');
SELECT * FROM items;

DROP FOREIGN TABLE items, types, keys;
