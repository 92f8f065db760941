--
-- Options: what may be set where, and what becomes of mistakes.
--

-- Set one option on one kind of object, and take it back.
CREATE FUNCTION try_option(kind text, option text, value text)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE CASE kind
    WHEN 'server' THEN format('CREATE SERVER try FOREIGN DATA WRAPPER s3_fdw OPTIONS (%I %L)', option, value)
    WHEN 'mapping' THEN format('CREATE USER MAPPING FOR PUBLIC SERVER s3 OPTIONS (%I %L)', option, value)
    WHEN 'table' THEN format('CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (%s %I %L)',
      CASE WHEN option <> 'location' THEN 'location ''s3://bucket/key'',' END, option, value)
    WHEN 'column' THEN format('CREATE FOREIGN TABLE try (a text OPTIONS (%I %L)) SERVER s3 OPTIONS (location ''s3://bucket/key'')', option, value)
    WHEN 'wrapper' THEN format('ALTER FOREIGN DATA WRAPPER s3_fdw OPTIONS (%I %L)', option, value)
  END;
  RAISE SQLSTATE 'UU000';
EXCEPTION
  WHEN SQLSTATE 'UU000' THEN RETURN 'yes';
  WHEN fdw_invalid_option_name THEN RETURN '';
END
$$;

-- Every option is accepted where it belongs, and nowhere else.
SELECT option,
       try_option('server', option, value) AS server,
       try_option('mapping', option, value) AS mapping,
       try_option('table', option, value) AS "table",
       try_option('column', option, value) AS "column",
       try_option('wrapper', option, value) AS wrapper
FROM (VALUES ('endpoint', 'https://s3.example.com'), ('region', 'eu-central-1'),
  ('url_style', 'path'), ('requester_pays', 'true'), ('ca_file', '/ca.pem'),
  ('access_key_id', 'AKIDEXAMPLE'), ('secret_access_key', 'canary'), ('session_token', 'canary'),
  ('location', 's3://bucket/'), ('format', 'csv'), ('compression', 'gzip'),
  ('encoding', 'latin1'), ('header', 'match'), ('delimiter', '|'), ('quote', ''''),
  ('escape', '\'), ('null', '\N'), ('force_null', 'true'), ('force_not_null', 'true'),
  ('force_quote', '*'), ('overwrite', 'replace'), ('part_size', '16MB'),
  ('content_type', 'text/plain'), ('password', 'canary')) AS options (option, value);

-- A typo gets a hint, a name unlike any other does not.
CREATE SERVER try FOREIGN DATA WRAPPER s3_fdw OPTIONS (regoin 'eu-central-1');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', delimeter '|');
CREATE FOREIGN TABLE try (a text OPTIONS (force_notnull 'true')) SERVER s3 OPTIONS (location 's3://bucket/');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', filename 'x.csv');
ALTER FOREIGN DATA WRAPPER s3_fdw OPTIONS (location 's3://bucket/');

-- Secrets stand in user mappings only, and no message repeats their value.
CREATE SERVER try FOREIGN DATA WRAPPER s3_fdw OPTIONS (secret_access_key 'canary');
CREATE USER MAPPING FOR PUBLIC SERVER s3 OPTIONS (secret_acces_key 'canary');
CREATE USER MAPPING FOR PUBLIC SERVER s3 OPTIONS (access_key_id 'a', access_key_id 'canary');

-- Values of servers.
CREATE SERVER try FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint 's3.example.com');
CREATE SERVER try FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint 'ftp://s3.example.com');
CREATE SERVER try FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint 'https://s3.example.com/path');
CREATE SERVER try FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint 'https://s3.example.com@evil.example');
CREATE SERVER try FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint 'https://s3.example.com:99999');
CREATE SERVER try FOREIGN DATA WRAPPER s3_fdw OPTIONS (region 'evil.com/#');
CREATE SERVER try FOREIGN DATA WRAPPER s3_fdw OPTIONS (region '');
CREATE SERVER try FOREIGN DATA WRAPPER s3_fdw OPTIONS (url_style 'dns');
CREATE SERVER try FOREIGN DATA WRAPPER s3_fdw OPTIONS (requester_pays 'perhaps');

-- A table has a location.
CREATE FOREIGN TABLE try (a text) SERVER s3;
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location '');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location '/tmp/x.csv');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 'https://bucket/x.csv');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3:///x.csv');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://evil.com?x/y');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://.bucket/');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location E's3://bu\ncket/');

-- Values of tables and columns.
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', format 'parquet');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', compression 'lzop');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', header 'maybe');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', encoding 'klingon');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', delimiter '12345678901234567');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', delimiter '');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', delimiter E'\n');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', delimiter '"');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', quote '€');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', null 'a,b');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', null '"');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', null E'\n');
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/', format 'json', header 'true');
CREATE FOREIGN TABLE try (a text OPTIONS (force_null 'x')) SERVER s3 OPTIONS (location 's3://bucket/');

-- The same checks count for ALTER.
CREATE FOREIGN TABLE try (a text) SERVER s3 OPTIONS (location 's3://bucket/');
ALTER FOREIGN TABLE try OPTIONS (DROP location);
ALTER FOREIGN TABLE try OPTIONS (SET location 'bucket');
ALTER FOREIGN TABLE try OPTIONS (ADD format 'xml');
ALTER FOREIGN TABLE try ALTER COLUMN a OPTIONS (ADD null 'x');
ALTER FOREIGN TABLE try OPTIONS (ADD format 'JSON', ADD encoding 'UTF8', ADD compression 'None');
ALTER FOREIGN TABLE try OPTIONS (ADD quote '''');
DROP FOREIGN TABLE try;

-- Functions check theirs in the same way, before they ask the service.
SELECT s3_export('SELECT 1', 's3://bucket/x', format => 'xml');
SELECT s3_export('SELECT 1', 's3://bucket/x', part_size => '1MB');
SELECT s3_export('SELECT 1', 's3://bucket/x', part_size => '6GB');
SELECT s3_export('SELECT 1', 's3://bucket/x', part_size => 'many');
SELECT s3_export('SELECT 1', 's3://bucket/x', part_size => '-16MB');
SELECT s3_export('SELECT 1', 's3://bucket/x', part_size => 'NaN');
SELECT s3_export('SELECT 1', 's3://bucket/x', header => true, format => 'json');
SELECT s3_export('SELECT 1', 's3://bucket/x', format => 'json', delimiter => '|');
SELECT s3_export('SELECT 1', 's3://bucket/x', force_quote => 'a,,b');
SELECT s3_list('bucket/x');
SELECT s3_list(NULL);
SELECT s3_uploads('s3://b');
SELECT s3_abort_uploads('s3://bucket/', older_than => NULL);

-- Settings have limits, and names that are none are refused.
LOAD 's3_fdw';
\set VERBOSITY sqlstate
SET s3_fdw.part_size = '1MB';
SET s3_fdw.read_memory = '1TB';
SET s3_fdw.max_retries = -1;
\set VERBOSITY default
SET s3_fdw.rangesize = '1MB';
SELECT name, setting, unit, context FROM pg_settings WHERE name LIKE 's3\_fdw.%' ORDER BY name COLLATE "C";

DROP FUNCTION try_option;
