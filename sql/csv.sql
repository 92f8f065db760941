--
-- CSV: rows are what COPY ... (FORMAT csv) makes of the same file.
--

-- Newlines, delimiters and quotes inside quotes belong to the value.
CREATE FOREIGN TABLE quotes (id int, note text) SERVER s3
  OPTIONS (location 's3://regress/csv/quotes.csv', header 'true');
SELECT id, replace(note, E'\n', '\n') AS note FROM quotes;

-- An unquoted empty field is NULL, a quoted one is an empty string.
CREATE FOREIGN TABLE nulls (id int, a text, b text) SERVER s3
  OPTIONS (location 's3://regress/csv/nulls.csv', header 'true');
\pset null '(null)'
SELECT * FROM nulls;

-- Another text may stand for NULL; quoted it is a value like others.
ALTER FOREIGN TABLE nulls OPTIONS (ADD null 'NULL');
SELECT * FROM nulls;
ALTER FOREIGN TABLE nulls OPTIONS (DROP null);

-- force_not_null and force_null change both, column by column.
ALTER FOREIGN TABLE nulls ALTER COLUMN a OPTIONS (ADD force_not_null 'true');
ALTER FOREIGN TABLE nulls ALTER COLUMN b OPTIONS (ADD force_null 'true');
SELECT * FROM nulls;

-- Every object of a folder has a header of its own; the last line may lack
-- its newline.
CREATE FOREIGN TABLE fruit (id int, name text, price numeric(6,2)) SERVER s3
  OPTIONS (location 's3://regress/csv/parts/', header 'true');
SELECT * FROM fruit;
SELECT count(*), sum(price) FROM fruit;

-- header 'match' compares names, in every object.
ALTER FOREIGN TABLE fruit OPTIONS (SET header 'match');
SELECT count(*) FROM fruit;
ALTER FOREIGN TABLE fruit OPTIONS (SET location 's3://regress/csv/swapped/');
SELECT name FROM fruit;
ALTER FOREIGN TABLE fruit OPTIONS (SET header 'true', SET location 's3://regress/csv/parts/');

-- A file without a header has none to skip.
ALTER FOREIGN TABLE fruit OPTIONS (SET header 'false');
SELECT * FROM fruit;
ALTER FOREIGN TABLE fruit OPTIONS (SET header 'true');

-- Columns go by position: a column dropped here is not one of the file's.
ALTER FOREIGN TABLE fruit ADD COLUMN colour text;
SELECT * FROM fruit;
ALTER FOREIGN TABLE fruit DROP COLUMN colour;
SELECT * FROM fruit WHERE price > 0.25;

-- Lines may end in CR LF, but all in the same way.
CREATE FOREIGN TABLE lines (id int, name text) SERVER s3
  OPTIONS (location 's3://regress/csv/crlf.csv', header 'true');
SELECT id, replace(replace(name, E'\r', '\r'), E'\n', '\n') AS name FROM lines;
ALTER FOREIGN TABLE lines OPTIONS (SET location 's3://regress/csv/mixed_ends.csv', SET header 'false');
SELECT * FROM lines;

-- Delimiter, quote, escape and null are free to choose.
CREATE FOREIGN TABLE dialect (id int, a text, b text) SERVER s3
  OPTIONS (location 's3://regress/csv/dialect.txt', delimiter '|', quote '''', escape '\', null '\N');
SELECT * FROM dialect;

-- Another encoding is converted; bytes that are not in it are refused, and so
-- are bytes that are not in that of the database, if the option is not given.
CREATE FOREIGN TABLE places (id int, name text) SERVER s3
  OPTIONS (location 's3://regress/csv/latin1.csv', encoding 'latin1');
SELECT * FROM places;
ALTER FOREIGN TABLE places OPTIONS (SET encoding 'utf8', SET location 's3://regress/csv/bad_utf8.csv');
SELECT * FROM places LIMIT 1;
SELECT * FROM places;
ALTER FOREIGN TABLE places OPTIONS (DROP encoding);
SELECT id FROM places;

-- In some encodings a byte of a character looks like the delimiter.
CREATE FOREIGN TABLE bars (id int, name text) SERVER s3
  OPTIONS (location 's3://regress/out/csv/sjis.csv', encoding 'sjis', delimiter '|');
SELECT rows, bytes FROM s3_export($$VALUES (1, 'ポ|ポ'), (2, 'ポ')$$, 's3://regress/out/csv/sjis.csv',
  encoding => 'sjis', delimiter => '|');
SELECT * FROM bars;

-- As for COPY, a byte order mark is data.
ALTER FOREIGN TABLE places OPTIONS (SET location 's3://regress/csv/bom.csv', ADD header 'match');
SELECT * FROM places;

-- Only columns that the query needs are converted: the others may hold
-- anything.
CREATE FOREIGN TABLE bad (id int, name text, price numeric) SERVER s3
  OPTIONS (location 's3://regress/csv/bad_value.csv', header 'true');
SELECT count(*) FROM bad;
SELECT name FROM bad;
SELECT count(*) FROM bad WHERE name LIKE 'p%';

-- A bad value is an error that says where it is: object, line and column.
SELECT id FROM bad;
SELECT sum(price) FROM bad;
SELECT * FROM bad LIMIT 2;
SELECT bad FROM bad;

-- Every line has as many fields as the table has columns.
ALTER FOREIGN TABLE bad OPTIONS (SET header 'false', SET location 's3://regress/csv/few_fields.csv');
SELECT * FROM bad;
ALTER FOREIGN TABLE bad OPTIONS (SET location 's3://regress/csv/many_fields.csv');
SELECT * FROM bad;
SELECT count(*) FROM bad;

-- A quote that is not closed takes the rest of the object.
ALTER FOREIGN TABLE bad OPTIONS (SET location 's3://regress/csv/unterminated.csv');
SELECT * FROM bad;

-- An empty line is a row of one empty field.
CREATE FOREIGN TABLE blank (id int) SERVER s3 OPTIONS (location 's3://regress/csv/blank_line.csv');
SELECT * FROM blank;

-- Domains, type modifiers and constraints count as in COPY.
CREATE DOMAIN small AS int NOT NULL CHECK (VALUE < 3);
CREATE FOREIGN TABLE checked (id small, name varchar(3)) SERVER s3
  OPTIONS (location 's3://regress/csv/crlf.csv', header 'true');
SELECT id FROM checked LIMIT 2;
SELECT id FROM checked;
SELECT name FROM checked;
CREATE FOREIGN TABLE no_nulls (id small) SERVER s3 OPTIONS (location 's3://regress/csv/blank_line.csv');
SELECT * FROM no_nulls;

DROP FOREIGN TABLE quotes, nulls, fruit, lines, dialect, places, bars, bad, blank, checked, no_nulls;
DROP DOMAIN small;
