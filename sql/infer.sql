--
-- Schemas inferred: s3_infer_schema(), s3_schema_ddl(), IMPORT FOREIGN SCHEMA.
--
\pset null '(null)'
SET datestyle = 'ISO';

-- Put an object of these lines.
CREATE FUNCTION put(key text, lines text) RETURNS bigint LANGUAGE sql AS $$
  SELECT rows FROM s3_export(format('SELECT unnest(string_to_array(%L, E''\n''))', lines),
    's3://regress/infer/' || key, delimiter => E'\x01', quote => E'\x02', compression => 'none')
$$;
SELECT put('csv/1.csv', E'req.id,Device-Type,price,when,zip,user,user,flag\n'
  '1,phone,9.99,2024-01-02,007,a,b,true\n2,tablet,,2024-02-29,11111,a,b,false');
SELECT put('union/1.csv', E'id;name;day\n1;Ann;2024-01-01\n2;Bob;2024-01-02');
SELECT put('union/2.csv', E'day;id;score\n2024-01-03 10:00:00;4000000000;1.5');
SELECT put('json/1.json', E'{"id": 1, "at": "2024-01-02T03:04:05Z", "tags": ["a"], "zip": "0123"}\n'
  '{"id": 2.5, "at": null, "uuid": "8c3bc9b8-ee3d-4a0b-8b5b-2f3e0a4d6c11"}\n{"id": 1e3, "ts": 1700000000}');
SELECT put('sales/year=2024/month=01/a.csv', E'1|x\n2|y');
SELECT put('sales/year=2025/month=02/a.csv', E'3|z');

-- Names are cleaned; values with leading zeros stay text.  Two columns of one
-- name can be told apart by their places only.
SELECT column_name, type, source_name, null_share FROM s3_infer_schema('s3://regress/infer/csv/');
SELECT s3_schema_ddl('s3://regress/infer/csv/');

-- Columns of all objects, by name; the wider type.  What makes a column wider
-- than nearly all values need is shown.
SELECT column_name, type, source_name, null_share FROM s3_infer_schema('s3://regress/infer/union/');
SELECT s3_schema_ddl('s3://regress/infer/union/', table_name => 'Union Table');

-- What is stated is not looked for.
SELECT column_name, type FROM s3_infer_schema('s3://regress/infer/union/', delimiter => '|', header => false);

-- JSON: keys, and the types that JSON tells.  Epochs on request.
SELECT column_name, type, null_share::numeric(3, 2) FROM s3_infer_schema('s3://regress/infer/json/');
SELECT s3_schema_ddl('s3://regress/infer/json/', table_name => 'docs', epoch => true);

-- The first value that contradicts what the others are.
SELECT put('odd.csv', E'n,d\n1,2024-01-01\n2,2024-01-02\n3,n/a\nx,2024-01-03');
SELECT * FROM s3_infer_schema('s3://regress/infer/odd.csv');

-- Other systems' statements.
SELECT s3_schema_ddl('s3://regress/infer/csv/', dialect => 'redshift', table_name => 'events');
SELECT s3_schema_ddl('s3://regress/infer/csv/', dialect => 'athena', table_name => 'events');
SELECT s3_schema_ddl('s3://regress/infer/sales/', dialect => 'athena');
SELECT s3_schema_ddl('s3://regress/infer/json/', dialect => 'athena');
CALL fails($$SELECT s3_schema_ddl('s3://regress/infer/csv/', dialect => 'oracle')$$);
CALL fails($$SELECT s3_schema_ddl('s3://regress/infer/csv/1.csv', dialect => 'athena')$$);

-- Tables of a prefix can be queried at once: one for each folder, and for each
-- group of files beside them.
SELECT put('day-1.csv', E'a,b\n1,x'), put('day-2.csv', E'a,b\n2,y');
CREATE SCHEMA imported;
IMPORT FOREIGN SCHEMA "s3://regress/infer/" FROM SERVER s3 INTO imported;
SELECT foreign_table_name FROM information_schema.foreign_tables
  WHERE foreign_table_schema = 'imported' ORDER BY 1;
SET search_path = imported;
SELECT * FROM csv;
SELECT * FROM union_ ORDER BY id;
SELECT id, at AT TIME ZONE 'UTC' AS at, tags, zip, uuid, ts FROM json;
SELECT * FROM sales WHERE year = 2025;
SELECT sum(a) FROM day;
RESET search_path;

-- Only some of them.
CREATE SCHEMA few;
IMPORT FOREIGN SCHEMA "s3://regress/infer" LIMIT TO (sales) FROM SERVER s3 INTO few
  OPTIONS (delimiter '|', header 'false');
IMPORT FOREIGN SCHEMA anything EXCEPT (sales) FROM SERVER s3 INTO few
  OPTIONS (location 's3://regress/infer/sales/year=2024/', sample_rows '10');
SELECT s.foreign_table_name, o.option_name, o.option_value FROM information_schema.foreign_tables s
  JOIN information_schema.foreign_table_options o USING (foreign_table_schema, foreign_table_name)
  WHERE foreign_table_schema = 'few' ORDER BY 1, 2;
SELECT * FROM few.sales ORDER BY 1;

-- Mistakes.
CALL fails($$IMPORT FOREIGN SCHEMA "s3://regress/infer" LIMIT TO (odd) FROM SERVER s3 INTO few OPTIONS (delimeter ';')$$);
CALL fails($$SELECT * FROM s3_infer_schema('s3://regress/infer/none/')$$);
CALL fails($$IMPORT FOREIGN SCHEMA "s3://regress/infer/none" FROM SERVER s3 INTO few$$);
CALL fails($$IMPORT FOREIGN SCHEMA "s3://regress/infer/*" FROM SERVER s3 INTO few$$);
CALL fails($$IMPORT FOREIGN SCHEMA x FROM SERVER s3 INTO few$$);
CALL fails($$IMPORT FOREIGN SCHEMA "s3://regress/infer/a-folder-name-that-is-so-long-that-it-is-cut-off/" FROM SERVER s3 INTO few$$);
CALL fails($$IMPORT FOREIGN SCHEMA "s3://regress/infer/" FROM SERVER s3 INTO few OPTIONS (manifest 'true')$$);
CALL fails($$SELECT * FROM s3_infer_schema('s3://regress/infer/csv/', sample_rows => 0)$$);
CALL fails($$SELECT * FROM s3_infer_schema(NULL)$$);

SET client_min_messages = warning;
DROP SCHEMA imported, few CASCADE;
DROP FUNCTION put;
