--
-- The demonstration, after test/demo_data.pl: tables over a bucket, a join of
-- CSV with JSON, and its result written back.  test/demo runs it with
-- psql --echo-queries, so what is seen is what the \echo lines say, each
-- statement, and its result.
--
\set ON_ERROR_STOP on
\set QUIET on
\pset null '(null)'
\unset QUIET
\getenv endpoint S3_TEST_ENDPOINT

\echo '-- 1. Say where the objects are, and with which key to ask for them.'
\echo
CREATE EXTENSION s3_fdw;
CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw
  OPTIONS (endpoint :'endpoint');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
  OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');

\echo
\echo '-- 2. What is there: a week of a shop, and the markers that jobs leave behind.'
\echo
SELECT key, size FROM s3_list('s3://demo/');

\echo '-- 3. A table is a prefix.  JSON keys go to columns by name, objects to jsonb.'
\echo
CREATE FOREIGN TABLE sales (
  order_id bigint,
  sold_at  timestamptz,
  product  text,
  quantity integer,
  amount   numeric(10,2),
  note     text
) SERVER s3 OPTIONS (location 's3://demo/sales/', format 'csv', header 'true');
CREATE FOREIGN TABLE events (
  ts       timestamptz,
  type     text,
  order_id bigint,
  visit    jsonb
) SERVER s3 OPTIONS (location 's3://demo/events/', format 'json');

\echo
\echo '-- 4. CSV as COPY reads it: newlines and quotes in quotes; NULL is not ''''.'
\echo
SELECT order_id, product, quantity, amount, note
FROM sales
WHERE order_id <= 100006
ORDER BY order_id;

\echo '-- 5. JSON, gzip or not: keys may be missing.'
\echo
SELECT type, order_id, visit
FROM events
WHERE ts < '2025-03-01 00:10'
ORDER BY ts;

SELECT ts::date AS day, count(*) AS events, count(order_id) AS orders
FROM events
GROUP BY day
ORDER BY day;

\echo '-- 6. Join the two: what did each campaign sell?'
\echo
SELECT coalesce(e.visit->>'campaign', '(none)') AS campaign,
       count(*) AS orders, sum(s.amount) AS revenue
FROM sales s JOIN events e USING (order_id)
WHERE e.type = 'order'
GROUP BY campaign
ORDER BY revenue DESC;

\echo '-- 7. What that asked of S3.  Markers and the empty part are passed over.'
\echo
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF)
SELECT coalesce(e.visit->>'campaign', '(none)') AS campaign,
       count(*) AS orders, sum(s.amount) AS revenue
FROM sales s JOIN events e USING (order_id)
WHERE e.type = 'order'
GROUP BY campaign
ORDER BY revenue DESC;

\echo '-- 8. Folders are columns too, and so are values below the keys of JSON.  A'
\echo '--    condition on a folder decides what is listed and fetched.'
\echo
CREATE FOREIGN TABLE daily_events (
  day    date,
  type   text,
  device text OPTIONS (path 'visit.device'),
  file   text OPTIONS (metadata 'key')
) SERVER s3 OPTIONS (location 's3://demo/events/', format 'json', path_template '{day}/');
SELECT file, device, count(*) AS orders
FROM daily_events
WHERE day >= '2025-03-06' AND type = 'order'
GROUP BY file, device
ORDER BY file, device;

EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF)
SELECT count(*) FROM daily_events WHERE day >= '2025-03-06';

\echo '-- 9. Write the result of the join to one object.'
\echo
SELECT location, rows, bytes FROM s3_export($$
  SELECT coalesce(e.visit->>'campaign', '(none)') AS campaign,
         count(*) AS orders, sum(s.amount) AS revenue
  FROM sales s JOIN events e USING (order_id)
  WHERE e.type = 'order'
  GROUP BY campaign
  ORDER BY revenue DESC
$$, 's3://demo/reports/campaigns.csv', header => true);

\echo '-- 10. A larger result is sent in parts while the query runs.  (The entity tag'
\echo '--     of an object uploaded in parts ends in their number.)'
\echo
SELECT location, rows, bytes, split_part(etag, '-', 2) AS parts
FROM s3_export($$
  SELECT n, s.* FROM sales s, generate_series(1, 100) n
$$, 's3://demo/reports/sales_x100.csv', header => true, part_size => '5MB');

\echo '-- 11. Read it back and compare: rows, sums, NULLs and lengths agree.'
\echo
CREATE FOREIGN TABLE sales_x100 (
  n integer, order_id bigint, sold_at timestamptz, product text,
  quantity integer, amount numeric(10,2), note text
) SERVER s3 OPTIONS (location 's3://demo/reports/sales_x100.csv', header 'match');

\echo
SELECT 'sales x 100' AS source, 100 * count(*) AS rows, 100 * sum(amount) AS amount,
       100 * count(note) AS notes, 100 * sum(length(note)) AS note_length
FROM sales
UNION ALL
SELECT 'read back', count(*), sum(amount), count(note), sum(length(note))
FROM sales_x100;

\echo '-- 12. Part files become one object; the store itself copies what is large.'
\echo
SELECT location, objects, bytes
FROM s3_concat('s3://demo/sales/', 's3://demo/reports/sales.csv', header => true);

\echo '-- 13. A folder of files, one folder a day, with a list of them; a table over it'
\echo '--     has the day as a column.'
\echo
SELECT location, rows, action FROM s3_export($$
  SELECT sold_at::date AS day, order_id, product, amount FROM sales
  WHERE order_id < 100060 ORDER BY day, order_id
$$, 's3://demo/by_day/', header => true, partition_by => 'day', manifest => 'plain');
CREATE FOREIGN TABLE by_day (
  day date OPTIONS (partition 'day'), order_id bigint, product text, amount numeric(10,2)
) SERVER s3 OPTIONS (location 's3://demo/by_day/', header 'match');
SELECT day, count(*) AS orders, sum(amount) AS amount FROM by_day GROUP BY day ORDER BY day;

\echo '-- 14. Tables can be found: their columns, types and names come from the data.'
\echo
SELECT column_name, type, source_name, round(null_share::numeric, 2) AS null_share
FROM s3_infer_schema('s3://demo/events/');
CREATE SCHEMA found;
IMPORT FOREIGN SCHEMA "s3://demo/" EXCEPT (reports) FROM SERVER s3 INTO found;
SELECT day, count(*) FROM found.by_day GROUP BY day ORDER BY day LIMIT 2;

\echo '-- 15. An object that exists is not replaced unless you say so.'
\echo
\set ON_ERROR_STOP off
SELECT location FROM s3_export('SELECT 1', 's3://demo/reports/campaigns.csv');
\set ON_ERROR_STOP on

\echo
\echo '-- 16. Statements written for Redshift run as they are.  A role stands for a server;'
\echo '--     rows that do not fit are where a pipeline looks for them.'
\echo
CREATE TABLE stock (product_id int, product varchar(20), pieces int, counted_on date);
SELECT redshift($$
  COPY stock FROM 's3://demo/stock/'
  IAM_ROLE 'arn:aws:iam::123456789012:role/etl' DELIMITER '|' MAXERROR 2;
$$);
SELECT trim(filename) AS filename, line_number, trim(colname) AS colname, err_code,
       trim(err_reason) AS err_reason
FROM redshift.stl_load_errors;

SELECT redshift($$
  UNLOAD ('select * from stock where pieces > 10 order by product_id')
  TO 's3://demo/reports/stock_'
  IAM_ROLE 'arn:aws:iam::123456789012:role/etl' CSV HEADER PARALLEL OFF MANIFEST;
$$);
SELECT key, size FROM s3_list('s3://demo/reports/stock_');

\echo '-- 17. What is manifested is loaded again, and so by a call as of RDS and Aurora.'
\echo
CREATE EXTENSION aws_s3 CASCADE;
SELECT redshift($$
  COPY stock FROM 's3://demo/reports/stock_manifest'
  IAM_ROLE 'arn:aws:iam::123456789012:role/etl' CSV IGNOREHEADER 1 MANIFEST;
$$);
SELECT aws_s3.table_import_from_s3('stock', '', '(format csv, header)',
  aws_commons.create_s3_uri('demo', 'reports/stock_000', 'us-east-1'));

\echo '-- 18. And no unfinished upload is left to be paid for.'
\echo
SELECT key, initiated FROM s3_uploads('s3://demo/');
