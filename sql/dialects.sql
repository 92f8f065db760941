--
-- Lines of other dialects than plain CSV: text format, headers by name or in
-- the first object only, lines to pass over, ragged lines, delimiters of any
-- kind, fixed widths.
--
\pset null '(null)'

-- Text format is COPY's, down to its end marker.
CREATE FOREIGN TABLE notes (id int, note text, amount numeric) SERVER s3
  OPTIONS (location 's3://regress/dialects/text.tsv', format 'text', header 'match');
SELECT id, replace(replace(note, E'\t', '<tab>'), E'\n', '<newline>') AS note, amount FROM notes;
CREATE FOREIGN TABLE pipes (id int, note text, more text) SERVER s3
  OPTIONS (location 's3://regress/dialects/pipes.txt', format 'text', delimiter '|', null '');
SELECT id, replace(note, E'\t', '<tab>') AS note, more FROM pipes;

-- Escapes must make characters, in the columns that are needed.
ALTER FOREIGN TABLE pipes DROP COLUMN more;
ALTER FOREIGN TABLE pipes ALTER COLUMN id TYPE text;
ALTER FOREIGN TABLE pipes OPTIONS (SET location 's3://regress/dialects/bad_escape.tsv', DROP delimiter, DROP null);
SELECT note FROM pipes;
SELECT * FROM pipes;

-- Only the first object may have the header line.
CREATE FOREIGN TABLE fruits (id int, name text, price numeric) SERVER s3
  OPTIONS (location 's3://regress/dialects/first/', header 'first');
SELECT * FROM fruits ORDER BY id;
ALTER FOREIGN TABLE fruits OPTIONS (ADD match_by 'name');
SELECT price, id FROM fruits ORDER BY id;

-- Columns are found by name, whatever else is there and in which order.
ALTER FOREIGN TABLE fruits OPTIONS (SET header 'true', SET location 's3://regress/dialects/named/part-0.csv');
SELECT * FROM fruits;
ALTER FOREIGN TABLE fruits OPTIONS (SET location 's3://regress/dialects/named/');
CALL fails('SELECT * FROM fruits');
ALTER FOREIGN TABLE fruits OPTIONS (ADD ignore_case 'true');
SELECT * FROM fruits ORDER BY id;
ALTER FOREIGN TABLE fruits ALTER COLUMN name OPTIONS (column_name 'COLOUR');
SELECT * FROM fruits WHERE id < 3;
ALTER FOREIGN TABLE fruits ALTER COLUMN name OPTIONS (DROP column_name);

-- A name may be missing only where fields may.
ALTER FOREIGN TABLE fruits OPTIONS (SET location 's3://regress/dialects/no_price.csv');
CALL fails('SELECT id FROM fruits');
ALTER FOREIGN TABLE fruits OPTIONS (ADD missing_fields 'null');
SELECT * FROM fruits;
ALTER FOREIGN TABLE fruits OPTIONS (SET location 's3://regress/dialects/twice.csv');
CALL fails('SELECT id FROM fruits');
DROP FOREIGN TABLE fruits;

-- Lines before the header are skipped however they end, and comments are
-- passed over whatever is in them.
CREATE FOREIGN TABLE report (id int, name text, price numeric) SERVER s3
  OPTIONS (location 's3://regress/dialects/report.csv', skip_lines '2', header 'match', delimiter ';', comment '#');
SELECT * FROM report;
ALTER FOREIGN TABLE report OPTIONS (SET skip_lines '100');
SELECT * FROM report;
ALTER FOREIGN TABLE report OPTIONS (SET skip_lines '2', DROP comment);
CALL fails('SELECT * FROM report');

-- A line with too few fields, or too many, is an error unless told otherwise.
-- An empty line is a record of one empty field.
CREATE FOREIGN TABLE ragged (id int, name text, price numeric) SERVER s3
  OPTIONS (location 's3://regress/dialects/ragged.csv');
SELECT * FROM ragged;
ALTER FOREIGN TABLE ragged OPTIONS (ADD missing_fields 'null');
SELECT * FROM ragged;
SELECT * FROM ragged LIMIT 3;
ALTER FOREIGN TABLE ragged OPTIONS (ADD extra_fields 'ignore');
SELECT * FROM ragged;
ALTER FOREIGN TABLE ragged OPTIONS (DROP missing_fields);
SELECT count(*) FROM ragged;

-- A delimiter may have several bytes, or be a control character.
ALTER FOREIGN TABLE ragged OPTIONS (SET location 's3://regress/dialects/bars.txt', ADD delimiter '||');
SELECT id, name FROM ragged;
ALTER FOREIGN TABLE ragged OPTIONS (SET location 's3://regress/dialects/control.txt', SET delimiter E'\001');
SELECT * FROM ragged;
ALTER FOREIGN TABLE ragged OPTIONS (SET location 's3://regress/dialects/broken_bar.txt', SET delimiter '¦');
SELECT * FROM ragged;

-- Columns of fixed width: blanks at their ends do not count.
CREATE FOREIGN TABLE fixed (id int, name text, price numeric) SERVER s3
  OPTIONS (location 's3://regress/dialects/fixed.txt', format 'fixedwidth', fixedwidth 'id:5,name:7,price:4',
    comment '  #');
SELECT * FROM fixed;
ALTER FOREIGN TABLE fixed OPTIONS (SET location 's3://regress/dialects/fixed_ragged.txt');
SELECT * FROM fixed;
ALTER FOREIGN TABLE fixed OPTIONS (ADD missing_fields 'null', ADD extra_fields 'ignore');
SELECT * FROM fixed;

-- A text may stand for the column's default.
CREATE FOREIGN TABLE defaults (id int, name text DEFAULT 'of the table') SERVER s3
  OPTIONS (location 's3://regress/dialects/default.csv', default 'D');
SELECT * FROM defaults;

-- Where a record is: line and offset count from the beginning of the object.
CREATE FOREIGN TABLE places (id int, note text, line bigint OPTIONS (metadata 'line_number'),
  place bigint OPTIONS (metadata 'byte_offset')) SERVER s3
  OPTIONS (location 's3://regress/dialects/places.csv', header 'true');
SELECT id, line, place FROM places;

-- A record that is larger than it may be.
CREATE FOREIGN TABLE long (id int, note text) SERVER s3
  OPTIONS (location 's3://regress/dialects/long.csv', max_record_size '42');
SELECT id, length(note) FROM long;
ALTER FOREIGN TABLE long OPTIONS (SET max_record_size '41');
CALL fails('SELECT * FROM long');

\pset null ''
DROP FOREIGN TABLE notes, pipes, report, ragged, fixed, defaults, places, long;
