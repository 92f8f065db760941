--
-- Layouts: columns about the object, lists of locations.
--
CREATE PROCEDURE put(rows text, key text) LANGUAGE sql AS $$
  SELECT s3_export('SELECT * FROM (VALUES ' || rows || ') v', 's3://regress/out/layouts/' || key)
$$;

-- Metadata, each read by its column's type.
CALL put('(1), (2)', 'meta/a.csv');
CALL put('(30)', 'meta/b é.csv');
CREATE FOREIGN TABLE meta (
  id int,
  location text OPTIONS (metadata 'location'),
  key varchar(100) OPTIONS (metadata 'key'),
  size bigint OPTIONS (metadata 'size'),
  size_text text OPTIONS (metadata 'size'),
  etag text OPTIONS (metadata 'etag'),
  modified timestamptz OPTIONS (metadata 'last_modified'),
  modified_utc timestamp OPTIONS (metadata 'last_modified'),
  day date OPTIONS (metadata 'last_modified'),
  class text OPTIONS (metadata 'storage_class'),
  line int OPTIONS (metadata 'line_number'),
  byte numeric OPTIONS (metadata 'byte_offset')
) SERVER s3 OPTIONS (location 's3://regress/out/layouts/meta/');
SELECT id, location, key, size, size_text, etag, class, line, byte FROM meta ORDER BY id;
SELECT count(*) FROM meta
WHERE modified BETWEEN now() - interval '1 hour' AND now() + interval '1 hour'
  AND modified_utc = modified AT TIME ZONE 'UTC' AND day = modified_utc::date;
SET timezone = 'Asia/Kolkata';
SET datestyle = 'SQL, DMY';
SELECT count(*) FROM meta WHERE modified_utc = modified AT TIME ZONE 'UTC' AND day = modified_utc::date;
RESET timezone;
RESET datestyle;
SELECT id FROM meta WHERE size > 4 ORDER BY id;
SELECT plan('SELECT id FROM meta WHERE size = 3');
-- The columns in between are not in the file.
ALTER FOREIGN TABLE meta ALTER line OPTIONS (SET metadata 'none');
CALL fails('SELECT id, line FROM meta');
CALL fails($$ALTER FOREIGN TABLE meta ALTER key OPTIONS (ADD partition 'k')$$);
CALL fails($$ALTER FOREIGN TABLE meta ALTER key OPTIONS (SET metadata 'owner')$$);
ALTER FOREIGN TABLE meta ALTER line OPTIONS (SET metadata 'line_number');
-- A value that does not fit its column
ALTER FOREIGN TABLE meta ALTER size TYPE boolean;
CALL fails('SELECT size FROM meta');
SELECT count(*) FROM meta;

-- Folders k=v
CALL put('(1)', 'folders/dt=2024-02-29/city=Z%C3%BCrich%2FWest/a.csv');
CALL put('(2)', 'folders/dt=2024-03-01/city=__HIVE_DEFAULT_PARTITION__/a.csv');
CALL put('(3)', 'folders/dt=2024-03-01/city=/x/a.csv');
CALL put('(4)', 'folders/dt=2024-03-01/city=a=b%zz/city=c/city=d.csv');
CREATE FOREIGN TABLE folders (dt date OPTIONS (partition 'dt'), id int, city text OPTIONS (partition 'city'))
  SERVER s3 OPTIONS (location 's3://regress/out/layouts/folders/');
SELECT * FROM folders ORDER BY id;
SELECT id FROM folders WHERE dt = '2024-02-29';
SELECT id FROM folders WHERE city IS NULL;
SELECT id FROM folders WHERE city LIKE 'Z%' OR dt > '2025-01-01';
SELECT plan('SELECT id FROM folders WHERE dt > ''2024-02-29'' AND city = ''a=b%zz''');
-- Part of the location
ALTER FOREIGN TABLE folders OPTIONS (SET location 's3://regress/out/layouts/folders/dt=2024-03-01/');
SELECT * FROM folders ORDER BY id;
SELECT count(*) FROM folders WHERE dt = '2024-02-29';
-- A folder that is missing, or says nothing the type can read
CALL put('(5)', 'folders/dt=2024-03-01/a.csv');
CALL fails('SELECT count(*) FROM folders');
CALL fails('SELECT count(*) FROM folders WHERE city = ''x''');
SELECT count(*) FROM folders WHERE dt = '2024-02-29';
ALTER FOREIGN TABLE folders OPTIONS (SET location 's3://regress/out/layouts/folders/dt=2024-02-29/');
ALTER FOREIGN TABLE folders ALTER city TYPE int;
SELECT id FROM folders;
CALL fails('SELECT * FROM folders');
CALL put('(6)', 'latin1/city=caf%E9/a.csv');
CALL put('(6)', 'zero/city=%00/a.csv');
ALTER FOREIGN TABLE folders DROP COLUMN dt, ALTER city TYPE text;
ALTER FOREIGN TABLE folders OPTIONS (SET location 's3://regress/out/layouts/latin1/');
CALL fails('SELECT * FROM folders');
ALTER FOREIGN TABLE folders OPTIONS (SET location 's3://regress/out/layouts/zero/');
CALL fails('SELECT * FROM folders');

-- Path templates
CALL put('(1)', 'paths/eu/2024-01.csv');
CALL put('(2)', 'paths/eu/2024-02.csv');
CALL put('(3)', 'paths/us-east/2024-02-b.csv');
CREATE FOREIGN TABLE paths (id int, region text, year int, month text)
  SERVER s3 OPTIONS (location 's3://regress/out/layouts/paths/', path_template '{region}/{year}-{month}.csv');
SELECT * FROM paths ORDER BY id;
SELECT * FROM paths WHERE region = 'eu' AND month = '02';
SELECT plan('SELECT * FROM paths WHERE region = ''us-east''');
SELECT plan('SELECT * FROM paths WHERE month = ''01''');
-- It is compared from behind the last slash of what the location fixes.
ALTER FOREIGN TABLE paths OPTIONS (SET location 's3://regress/out/layouts/pa*/??/*.csv', SET path_template 'paths/{region}/{month}.csv');
ALTER FOREIGN TABLE paths DROP COLUMN year;
SELECT * FROM paths ORDER BY id;
-- It may end before the key does, at a folder.
ALTER FOREIGN TABLE paths OPTIONS (SET path_template 'paths/{region}');
ALTER FOREIGN TABLE paths DROP COLUMN month;
SELECT * FROM paths ORDER BY id;
ALTER FOREIGN TABLE paths OPTIONS (SET path_template '{region}/eu/');
SELECT * FROM paths ORDER BY id;
-- Keys that do not match
ALTER FOREIGN TABLE paths OPTIONS (SET path_template 'paths/e{region}x');
CALL fails('SELECT count(*) FROM paths');
ALTER FOREIGN TABLE paths OPTIONS (SET path_template 'paths/eu{region}');
CALL fails('SELECT count(*) FROM paths');
ALTER FOREIGN TABLE paths OPTIONS (SET path_template 'paths/eu/{region}/');
CALL fails('SELECT count(*) FROM paths');
ALTER FOREIGN TABLE paths OPTIONS (SET path_template 'paths/{{eu}}/{region}');
CALL fails('SELECT count(*) FROM paths');
-- Templates that cannot be
CALL fails($$ALTER FOREIGN TABLE paths OPTIONS (SET path_template 'x')$$);
CALL fails($$ALTER FOREIGN TABLE paths OPTIONS (SET path_template '{}')$$);
CALL fails($$ALTER FOREIGN TABLE paths OPTIONS (SET path_template '{a')$$);
CALL fails($$ALTER FOREIGN TABLE paths OPTIONS (SET path_template 'a}')$$);
CALL fails($$ALTER FOREIGN TABLE paths OPTIONS (SET path_template '{a/b}')$$);
CALL fails($$ALTER FOREIGN TABLE paths OPTIONS (SET path_template '{a}{b}')$$);
CALL fails($$ALTER FOREIGN TABLE paths OPTIONS (SET path_template '{a}/{a}')$$);
CALL fails($$ALTER FOREIGN TABLE paths OPTIONS (SET path_template '/{a}')$$);
ALTER FOREIGN TABLE paths OPTIONS (SET path_template '{place}/');
CALL fails('SELECT count(*) FROM paths');
ALTER FOREIGN TABLE paths OPTIONS (SET path_template '{region}/');
ALTER FOREIGN TABLE paths ALTER region OPTIONS (ADD metadata 'key');
CALL fails('SELECT count(*) FROM paths');

-- Several locations
CREATE FOREIGN TABLE list (id int, key text OPTIONS (metadata 'key')) SERVER s3
  OPTIONS (location 's3://regress/out/layouts/meta/a.csv, s3://regress/out/layouts/paths/eu/');
SELECT * FROM list ORDER BY id, key;
-- What two of them name is read once.
ALTER FOREIGN TABLE list OPTIONS (SET location 's3://regress/out/layouts/paths/eu/,s3://regress/out/layouts/paths/*/*-02*.csv,s3://regress/out/layouts/paths/');
SELECT * FROM list ORDER BY id;
SELECT plan('SELECT * FROM list');
-- Another comma belongs to a key.
CALL put('(9)', 'comma/a, b,s3:/.csv');
ALTER FOREIGN TABLE list OPTIONS (SET location 's3://regress/out/layouts/comma/a, b,s3:/.csv');
SELECT * FROM list;
CALL fails($$ALTER FOREIGN TABLE list OPTIONS (SET location 's3://regress/a, s3://x/')$$);
CALL fails($$ALTER FOREIGN TABLE list OPTIONS (SET location ',s3://regress/a')$$);

DROP FOREIGN TABLE meta, folders, paths, list;
DROP PROCEDURE put;
