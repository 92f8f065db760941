--
-- What fields become: dates and times in formats of their own, JSON arrays and
-- objects as arrays and composite values, defaults; and encodings of files.
--
\pset null '(null)'
SET timezone = 'America/New_York';
SET datestyle = 'ISO';

-- A template for dates, one for timestamps, others for columns of their own.
CREATE FOREIGN TABLE dates (id int, day date, moment timestamp, stamp timestamptz OPTIONS (timeformat 'YYYYMMDDHH24MISS'),
  secs timestamptz(1) OPTIONS (timeformat 'epochsecs'), millis timestamp OPTIONS (timeformat 'epochmillisecs'),
  clock time OPTIONS (timeformat 'HH24MI')) SERVER s3
  OPTIONS (location 's3://regress/values/dates.csv', dateformat 'DD.MM.YYYY', timeformat 'YYYY-MM-DDTHH24:MI:SS');
SELECT * FROM dates;

-- Numbers and strings of JSON; 'auto' is what the type reads.
CREATE FOREIGN TABLE json_dates (id int, secs timestamptz, millis timestamp OPTIONS (timeformat 'epochmillisecs'), day date,
  same text OPTIONS (column_name 'day'), own date OPTIONS (column_name 'day', dateformat 'auto')) SERVER s3
  OPTIONS (location 's3://regress/values/dates.json', format 'json', timeformat 'epochsecs', dateformat 'Mon DD, YYYY');
SELECT * FROM json_dates;

-- What does not fit is an error, which names the option.
CREATE FOREIGN TABLE faults (id int, day date) SERVER s3
  OPTIONS (location 's3://regress/values/impossible.csv', dateformat 'YYYY-MM-DD');
SELECT * FROM faults;
ALTER FOREIGN TABLE faults OPTIONS (SET location 's3://regress/values/trailing.csv');
SELECT * FROM faults;
ALTER FOREIGN TABLE faults OPTIONS (SET dateformat 'YYYY-MM-DD "and more"');
CALL fails('SELECT * FROM faults');
ALTER FOREIGN TABLE faults OPTIONS (SET dateformat 'HH24:MI');
CALL fails('SELECT * FROM faults');
ALTER FOREIGN TABLE faults OPTIONS (SET dateformat 'the day');
CALL fails('SELECT * FROM faults');
ALTER FOREIGN TABLE faults OPTIONS (SET location 's3://regress/values/soon.csv', SET dateformat 'epochsecs');
SELECT * FROM faults;
SELECT id FROM faults;
DROP FOREIGN TABLE dates, json_dates, faults;

-- JSON arrays and objects become arrays and composite values; of a string the
-- type reads its own notation.  Keys that the type does not have are passed
-- over, those that are missing are NULL.
CREATE TYPE address AS (street text, number int, floors int[]);
CREATE TYPE person AS (name text, born date);
CREATE DOMAIN positive AS int[] CHECK (0 < ALL (VALUE));
CREATE FOREIGN TABLE nested (id int, tags text[], matrix int[], address address, people person[], positive positive, big numeric[])
  SERVER s3 OPTIONS (location 's3://regress/values/nested.json', format 'json');
\x on
SELECT * FROM nested;
\x off
SELECT id, tags[2], (address).floors[1], (people[1]).born + 1 AS next FROM nested;
ALTER FOREIGN TABLE nested OPTIONS (SET location 's3://regress/values/misfit.json');
SELECT id FROM nested;
SELECT tags FROM nested;
CALL fails('SELECT matrix FROM nested');
CALL fails('SELECT address FROM nested');
CALL fails('SELECT positive FROM nested');
DROP FOREIGN TABLE nested;
DROP TYPE person, address;
DROP DOMAIN positive;

-- Defaults, where the marker is not quoted.
CREATE FOREIGN TABLE defaults (id int DEFAULT 6 * 7, name text DEFAULT 'nobody', day date) SERVER s3
  OPTIONS (location 's3://regress/values/defaults.csv', default '\D');
SELECT * FROM defaults;
ALTER FOREIGN TABLE defaults ALTER COLUMN day SET DEFAULT '2020-02-29';
SELECT * FROM defaults;
DROP FOREIGN TABLE defaults;

-- Encodings: a byte order mark is dropped, and tells the order of UTF-16.
CREATE FOREIGN TABLE texts (id int, name text) SERVER s3
  OPTIONS (location 's3://regress/values/utf16le_mark.csv', encoding 'UTF-16', header 'match');
SELECT * FROM texts;
ALTER FOREIGN TABLE texts OPTIONS (SET location 's3://regress/values/utf16be_mark.csv');
SELECT * FROM texts WHERE id = 3;
ALTER FOREIGN TABLE texts OPTIONS (SET location 's3://regress/values/utf16be.csv');
SELECT * FROM texts WHERE id = 3;
ALTER FOREIGN TABLE texts OPTIONS (SET location 's3://regress/values/utf16le.csv', SET encoding 'UTF-16LE');
SELECT * FROM texts WHERE id = 3;
ALTER FOREIGN TABLE texts OPTIONS (SET location 's3://regress/values/utf16le_mark.csv');
SELECT * FROM texts WHERE id = 3;
ALTER FOREIGN TABLE texts OPTIONS (SET location 's3://regress/values/utf8_mark.csv', SET encoding 'UTF-8-BOM');
SELECT * FROM texts WHERE id = 3;
ALTER FOREIGN TABLE texts OPTIONS (SET location 's3://regress/values/shift_jis.csv', SET encoding 'SJIS');
SELECT * FROM texts;

-- Without the right one, the file is refused.
ALTER FOREIGN TABLE texts OPTIONS (DROP encoding);
CALL fails('SELECT * FROM texts');
ALTER FOREIGN TABLE texts OPTIONS (SET location 's3://regress/values/utf16le_mark.csv');
CALL fails('SELECT * FROM texts');
ALTER FOREIGN TABLE texts OPTIONS (ADD encoding 'UTF-16BE');
CALL fails('SELECT * FROM texts');
ALTER FOREIGN TABLE texts OPTIONS (SET location 's3://regress/values/utf16_lone.csv');
SELECT id FROM texts LIMIT 1;
CALL fails('SELECT * FROM texts');
ALTER FOREIGN TABLE texts OPTIONS (SET location 's3://regress/values/utf16_odd.csv');
CALL fails('SELECT * FROM texts');
DROP FOREIGN TABLE texts;

-- JSON likewise.
CREATE FOREIGN TABLE texts (id int, name text) SERVER s3
  OPTIONS (location 's3://regress/values/utf16_json.json', format 'json', encoding 'UTF16');
SELECT * FROM texts;
DROP FOREIGN TABLE texts;
