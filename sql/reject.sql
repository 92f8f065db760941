--
-- Bad rows: left out or repaired, counted, recorded.  The numbers of scans and
-- the times are not the same each time, so notices are shown without hints.
--
\set VERBOSITY terse
SELECT rows FROM s3_export(
  $$SELECT * FROM (VALUES ('1', '10.5', 'one'), ('2', 'x', 'two'), ('three', '30', 'three'), ('4', '40', 'four')) v (a, b, c)$$,
  's3://regress/out/reject/a.csv', overwrite => 'replace');
CREATE FOREIGN TABLE rejects (id int, price numeric, name varchar(4)) SERVER s3
  OPTIONS (location 's3://regress/out/reject/', on_error 'skip');

-- The row is bad whatever columns are read.
SELECT * FROM rejects;
SELECT count(*) FROM rejects;
SELECT name FROM rejects;
SELECT line, byte_offset, column_name, column_type, raw_line, raw_value, action, sqlstate, message
  FROM s3_rejected WHERE scan = (SELECT max(scan) FROM s3_rejected) ORDER BY id;
SELECT count(*), count(DISTINCT scan), bool_and(table_name = 'rejects'), bool_and(object = 's3://regress/out/reject/a.csv')
  FROM s3_rejected;
SELECT s3_clear_rejected('1 hour');
SELECT s3_clear_rejected();
SELECT count(*) FROM s3_rejected;

-- NULL for the value; strings cut.
ALTER FOREIGN TABLE rejects OPTIONS (SET on_error 'null', ADD truncate_strings 'true');
SELECT * FROM rejects;
SELECT line, column_name, raw_value, action, sqlstate FROM s3_rejected ORDER BY id;

-- Too many.
ALTER FOREIGN TABLE rejects OPTIONS (ADD max_errors '1');
SELECT count(*) FROM rejects;
ALTER FOREIGN TABLE rejects OPTIONS (DROP max_errors, ADD max_error_ratio '0.49');
SELECT count(*) FROM rejects;
ALTER FOREIGN TABLE rejects OPTIONS (SET max_error_ratio '0.5');
SELECT count(*) FROM rejects;


-- By default the first bad value that is read is an error.
ALTER FOREIGN TABLE rejects OPTIONS (DROP on_error, DROP max_error_ratio, DROP truncate_strings);
SELECT count(*) FROM rejects;
SELECT id FROM rejects;
ALTER FOREIGN TABLE rejects OPTIONS (ADD validate 'all');
SELECT count(*) FROM rejects;

-- Options.
ALTER FOREIGN TABLE rejects OPTIONS (ADD on_error 'ignore');
ALTER FOREIGN TABLE rejects OPTIONS (ADD max_errors '-1');
ALTER FOREIGN TABLE rejects OPTIONS (ADD max_error_ratio '1.5');
ALTER FOREIGN TABLE rejects OPTIONS (ADD encoding 'utf16', ADD encoding_errors 'replace');
ALTER FOREIGN TABLE rejects OPTIONS (ADD format 'json', ADD tolerant 'true');

-- What lies there now.
ALTER FOREIGN TABLE rejects OPTIONS (DROP validate);
SELECT * FROM s3_check_schema('rejects');
DROP FOREIGN TABLE rejects;
SELECT s3_clear_rejected() > 0 AS cleared;
