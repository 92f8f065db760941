--
-- s3_export() of many files: names, sizes, folders, manifests, what was there.
--
SET datestyle = 'ISO';
CREATE FOREIGN TABLE raw (line text) SERVER s3
  OPTIONS (location 's3://regress/files/manifest/_manifest', delimiter E'\x01', quote E'\x02');
CREATE TABLE days (day date, shop text, id int, note text);
INSERT INTO days SELECT '2026-01-01'::date + i % 3, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN 'a/b' ELSE 'x=' || i % 4 END,
  i, 'note ' || i FROM generate_series(1, 24) i;

-- Without more, one file.
SELECT location, rows, bytes, action FROM s3_export('TABLE days', 's3://regress/files/one/', header => true);

-- Rows and sizes: a file ends between two rows, and has its own header.
SELECT location, rows, bytes FROM s3_export('SELECT id, note FROM days ORDER BY id', 's3://regress/files/rows/',
  rows_per_file => 10, header => true);
SELECT location, rows, bytes FROM s3_export('SELECT id, note FROM days ORDER BY id', 's3://regress/files/bytes/',
  max_file_size => '100', header => true);
CREATE FOREIGN TABLE notes (id int, note text, file text OPTIONS (metadata 'key')) SERVER s3
  OPTIONS (location 's3://regress/files/bytes/', header 'match');
SELECT count(*), sum(id), count(DISTINCT file) FROM notes;
SELECT location, rows, bytes FROM s3_export('SELECT id FROM days ORDER BY id', 's3://regress/files/array/',
  format => 'json', "array" => true, rows_per_file => 12);

-- Names.
SELECT location FROM s3_export('SELECT id FROM days ORDER BY id', 's3://regress/files/names/x-',
  file_name => '{slice}_part_{part:2}.csv.gz', rows_per_file => 20);
SELECT s3_export('TABLE days', 's3://regress/files/names/', file_name => 'x{part');
SELECT s3_export('TABLE days', 's3://regress/files/names/', file_name => 'x{number}');
SELECT s3_export('TABLE days', 's3://regress/files/names/', file_name => 'x', rows_per_file => 10);

-- Folders.
SELECT location, rows FROM s3_export('SELECT * FROM days ORDER BY day, shop, id', 's3://regress/files/folders/',
  partition_by => 'day, shop');
CREATE FOREIGN TABLE days_back (day date OPTIONS (partition 'day'), shop text OPTIONS (partition 'shop'), id int, note text)
  SERVER s3 OPTIONS (location 's3://regress/files/folders/');
SELECT count(*) FROM (TABLE days EXCEPT TABLE days_back) d;
SELECT location, rows FROM s3_export('SELECT * FROM days WHERE id < 3', 's3://regress/files/kept/',
  partition_by => 'day', keep_partition_columns => true, header => true, file_name => '{slice}-{part}.csv');
SELECT s3_export('TABLE days', 's3://regress/files/folders2/', partition_by => 'dya');
SELECT s3_export('TABLE days', 's3://regress/files/folders2/', partition_by => 'day, day');
SELECT s3_export('SELECT day FROM days', 's3://regress/files/folders2/', partition_by => 'day');

-- What is there is an error, is replaced, or deleted.
SELECT s3_export('SELECT 1', 's3://regress/files/rows/');
SELECT location, action FROM s3_export('SELECT 1', 's3://regress/files/rows/', overwrite => 'replace');
SELECT location, action FROM s3_export('SELECT 1', 's3://regress/files/rows/', overwrite => 'clean', dry_run => true);
SELECT location, rows, action FROM s3_export('SELECT 1', 's3://regress/files/rows/', overwrite => 'clean',
  file_name => 'new.csv', success_marker => true, parallel => false);
SELECT key FROM s3_list('s3://regress/files/rows/');
SELECT s3_export('SELECT 1', 's3://regress/', overwrite => 'clean');
SELECT s3_export('SELECT 1', 's3://regress/files/ro', overwrite => 'clean', file_name => 'x', parallel => false);
SELECT s3_export('SELECT 1', 's3://regress/files/one.csv', overwrite => 'clean');

-- A manifest names the files, and tables read it.
SELECT location, rows, action FROM s3_export('SELECT id, note FROM days ORDER BY id', 's3://regress/files/manifest/',
  rows_per_file => 10, manifest => 'verbose', success_marker => true);
CREATE FOREIGN TABLE manifest_back (id int, note text) SERVER s3
  OPTIONS (location 's3://regress/files/manifest/_manifest', manifest 'true');
SELECT count(*), sum(id) FROM manifest_back;
SELECT regexp_replace(line, '"version":"[0-9.]*"', '"version":"..."') AS line FROM raw;

-- No rows: one file, or none.
SELECT location, rows, bytes FROM s3_export('SELECT * FROM days WHERE false', 's3://regress/files/empty/', header => true);
SELECT location, rows FROM s3_export('SELECT * FROM days WHERE false', 's3://regress/files/empty2/', empty_result => 'none');
SELECT location, rows FROM s3_export('SELECT * FROM days WHERE false', 's3://regress/files/empty2/', partition_by => 'day');
SELECT location, rows FROM s3_export('SELECT 1 WHERE false', 's3://regress/files/empty.csv', empty_result => 'none');
SELECT count(*) FROM s3_list('s3://regress/files/empty2/');

-- Options that make no sense together.
SELECT s3_export('SELECT 1', 's3://regress/files/x.csv', rows_per_file => 1);
SELECT s3_export('SELECT 1', 's3://regress/files/x.csv', manifest => 'plain');
SELECT s3_export('SELECT 1', 's3://regress/files/x/', rows_per_file => 0);
SELECT s3_export('SELECT 1', 's3://regress/files/x/', max_file_size => '0');
SELECT s3_export('SELECT 1', 's3://regress/files/x/', keep_partition_columns => true);
SELECT s3_export('SELECT 1', 's3://regress/files/x/', overwrite => 'always');
SELECT count(*) FROM s3_uploads('s3://regress/files/');
DROP FOREIGN TABLE raw, notes, days_back, manifest_back;
DROP TABLE days;
