/* src/s3_fdw--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION s3_fdw" to load this file. \quit

CREATE FUNCTION s3_fdw_handler() RETURNS fdw_handler
AS 'MODULE_PATHNAME' LANGUAGE C STRICT;

CREATE FUNCTION s3_fdw_validator(options text[], catalog oid) RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C STRICT;

CREATE FOREIGN DATA WRAPPER s3_fdw
  HANDLER s3_fdw_handler
  VALIDATOR s3_fdw_validator;

COMMENT ON FOREIGN DATA WRAPPER s3_fdw IS
  'S3 prefixes of CSV and JSON files as foreign tables';

CREATE FUNCTION s3_export(
  query text,
  location text,
  server name DEFAULT NULL,
  format text DEFAULT NULL,
  compression text DEFAULT NULL,
  header boolean DEFAULT NULL,
  delimiter text DEFAULT NULL,
  quote text DEFAULT NULL,
  escape text DEFAULT NULL,
  "null" text DEFAULT NULL,
  force_quote text DEFAULT NULL,
  fixedwidth text DEFAULT NULL,
  "array" boolean DEFAULT NULL,
  encoding text DEFAULT NULL,
  overwrite text DEFAULT NULL,
  dry_run boolean DEFAULT NULL,
  empty_result text DEFAULT NULL,
  parallel boolean DEFAULT NULL,
  file_name text DEFAULT NULL,
  max_file_size text DEFAULT NULL,
  rows_per_file bigint DEFAULT NULL,
  partition_by text DEFAULT NULL,
  keep_partition_columns boolean DEFAULT NULL,
  manifest text DEFAULT NULL,
  success_marker boolean DEFAULT NULL,
  part_size text DEFAULT NULL,
  expected_size text DEFAULT NULL,
  checksum text DEFAULT NULL,
  content_type text DEFAULT NULL,
  content_encoding text DEFAULT NULL,
  metadata jsonb DEFAULT NULL,
  tags jsonb DEFAULT NULL,
  storage_class text DEFAULT NULL,
  sse text DEFAULT NULL,
  kms_key_id text DEFAULT NULL,
  acl text DEFAULT NULL,
  OUT location text,
  OUT rows bigint,
  OUT bytes bigint,
  OUT etag text,
  OUT action text)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

REVOKE ALL ON FUNCTION s3_export FROM PUBLIC;
COMMENT ON FUNCTION s3_export IS
  'write the result of a query to one S3 object, or to files below a location that ends in /; returns a row per object: its location, rows, bytes and entity tag, and whether it was written or deleted';

CREATE FUNCTION s3_concat(
  sources text,
  target text,
  server name DEFAULT NULL,
  header boolean DEFAULT false,
  overwrite text DEFAULT 'error',
  delete_sources boolean DEFAULT false,
  content_type text DEFAULT NULL,
  OUT location text,
  OUT objects bigint,
  OUT bytes bigint,
  OUT etag text,
  OUT deleted bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

REVOKE ALL ON FUNCTION s3_concat(text, text, name, boolean, text, boolean, text) FROM PUBLIC;
COMMENT ON FUNCTION s3_concat(text, text, name, boolean, text, boolean, text) IS
  'join the objects of a location into one; returns its location, the number of objects joined, its bytes and entity tag, the number of objects deleted';

CREATE FUNCTION s3_list(
  location text,
  server name DEFAULT NULL,
  OUT key text,
  OUT size bigint,
  OUT etag text,
  OUT last_modified timestamptz,
  OUT storage_class text)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

REVOKE ALL ON FUNCTION s3_list(text, name) FROM PUBLIC;
COMMENT ON FUNCTION s3_list(text, name) IS
  'list the objects of a location: key, size in bytes, entity tag, time of last change, storage class';

CREATE FUNCTION s3_uploads(
  location text,
  server name DEFAULT NULL,
  OUT key text,
  OUT upload_id text,
  OUT initiated timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

REVOKE ALL ON FUNCTION s3_uploads(text, name) FROM PUBLIC;
COMMENT ON FUNCTION s3_uploads(text, name) IS
  'list the multipart uploads of a location that were neither completed nor aborted';

CREATE FUNCTION s3_abort_uploads(
  location text,
  older_than interval DEFAULT '1 day',
  server name DEFAULT NULL,
  OUT key text,
  OUT upload_id text,
  OUT initiated timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

REVOKE ALL ON FUNCTION s3_abort_uploads(text, interval, name) FROM PUBLIC;
COMMENT ON FUNCTION s3_abort_uploads(text, interval, name) IS
  'abort the multipart uploads of a location begun longer ago than the interval; returns those aborted';

CREATE FUNCTION s3_infer_schema(
  location text,
  server name DEFAULT NULL,
  format text DEFAULT NULL,
  header boolean DEFAULT NULL,
  delimiter text DEFAULT NULL,
  quote text DEFAULT NULL,
  escape text DEFAULT NULL,
  "null" text DEFAULT NULL,
  compression text DEFAULT NULL,
  encoding text DEFAULT NULL,
  records text DEFAULT NULL,
  fixedwidth text DEFAULT NULL,
  skip_lines bigint DEFAULT NULL,
  comment text DEFAULT NULL,
  sample_rows bigint DEFAULT 5000,
  "full" boolean DEFAULT false,
  epoch boolean DEFAULT false,
  OUT column_name name,
  OUT type text,
  OUT source_name text,
  OUT null_share double precision,
  OUT contradiction_object text,
  OUT contradiction_line bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

REVOKE ALL ON FUNCTION s3_infer_schema FROM PUBLIC;
COMMENT ON FUNCTION s3_infer_schema IS
  'tell from a sample which columns the objects of a location have: name, type, name in the objects, share of NULLs, and the first object and line that contradicts what most values are';

CREATE FUNCTION s3_schema_ddl(
  location text,
  server name DEFAULT NULL,
  format text DEFAULT NULL,
  header boolean DEFAULT NULL,
  delimiter text DEFAULT NULL,
  quote text DEFAULT NULL,
  escape text DEFAULT NULL,
  "null" text DEFAULT NULL,
  compression text DEFAULT NULL,
  encoding text DEFAULT NULL,
  records text DEFAULT NULL,
  fixedwidth text DEFAULT NULL,
  skip_lines bigint DEFAULT NULL,
  comment text DEFAULT NULL,
  sample_rows bigint DEFAULT 5000,
  "full" boolean DEFAULT false,
  epoch boolean DEFAULT false,
  dialect text DEFAULT 'postgres',
  table_name text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

REVOKE ALL ON FUNCTION s3_schema_ddl FROM PUBLIC;
COMMENT ON FUNCTION s3_schema_ddl IS
  'the statement that makes a table for the objects of a location, in the dialect of postgres, redshift or athena';

-- Statements written for Redshift, word for word.
CREATE FUNCTION redshift(statement text) RETURNS SETOF text
AS 'MODULE_PATHNAME', 's3_redshift' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;

CREATE PROCEDURE redshift_execute(statement text)
AS 'MODULE_PATHNAME', 's3_redshift_execute' LANGUAGE C;

REVOKE ALL ON FUNCTION redshift(text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE redshift_execute(text) FROM PUBLIC;
COMMENT ON FUNCTION redshift(text) IS
  'run a COPY or UNLOAD statement as written for Redshift; returns its command tag, or what COPY JOB lists';
COMMENT ON PROCEDURE redshift_execute(text) IS
  'run a COPY or UNLOAD statement as written for Redshift';

-- What scans rejected.  A background worker inserts into the table; users see
-- their own rows, through the view.
CREATE SEQUENCE s3_rejected_scans;

CREATE TABLE s3_rejected_rows (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  scan bigint NOT NULL,
  at timestamptz NOT NULL,
  userid oid NOT NULL,
  pid integer NOT NULL,
  statement_at timestamptz NOT NULL,
  query_id bigint,
  relid oid NOT NULL,
  object text,
  version text,
  line bigint,
  byte_offset bigint,
  column_name text,
  column_type text,
  raw_line text,
  raw_value text,
  action text NOT NULL,
  sqlstate text NOT NULL,
  message text NOT NULL,
  fault text NOT NULL,
  load_code smallint,
  fields jsonb);

CREATE INDEX ON s3_rejected_rows (userid, scan);
CREATE INDEX ON s3_rejected_rows (scan);
REVOKE ALL ON s3_rejected_rows, s3_rejected_scans FROM PUBLIC;
COMMENT ON TABLE s3_rejected_rows IS 'what scans of foreign tables rejected or repaired, of all users';

CREATE VIEW s3_rejected WITH (security_barrier) AS
  SELECT id, scan, at, userid, pid, statement_at, query_id, relid,
    relid::regclass::text AS table_name, object, version, line, byte_offset,
    column_name, column_type, raw_line, raw_value, action, sqlstate, message, fault
  FROM s3_rejected_rows
  WHERE userid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user);

GRANT SELECT, DELETE ON s3_rejected TO PUBLIC;
COMMENT ON VIEW s3_rejected IS
  'what scans of foreign tables rejected or repaired for the current user: object, place, raw text, reason';

CREATE FUNCTION s3_clear_rejected(older_than interval DEFAULT '0') RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
  WITH gone AS (
    DELETE FROM s3_rejected WHERE at <= clock_timestamp() - older_than RETURNING 1)
  SELECT count(*) FROM gone;
END;

COMMENT ON FUNCTION s3_clear_rejected(interval) IS
  'delete what was recorded in s3_rejected for the current user longer ago than the interval; returns how many rows that were';

CREATE FUNCTION s3_check_schema(
  foreign_table regclass,
  "full" boolean DEFAULT false,
  OUT kind text,
  OUT column_name text,
  OUT object text,
  OUT line bigint,
  OUT detail text,
  OUT count bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;

REVOKE ALL ON FUNCTION s3_check_schema(regclass, boolean) FROM PUBLIC;
COMMENT ON FUNCTION s3_check_schema(regclass, boolean) IS
  'compare a foreign table with its objects: extra and missing columns, values that do not fit, records and objects that cannot be read; the first place of each, and how often';

-- The history of statements written for Redshift.  A background worker inserts
-- into the journal_* tables, so rows are there whatever becomes of the
-- transaction; users see their own rows, superusers all, through views that have
-- Redshift's columns.
CREATE SCHEMA redshift;
GRANT USAGE ON SCHEMA redshift TO PUBLIC;
COMMENT ON SCHEMA redshift IS
  'what Redshift has in its system catalog about COPY and UNLOAD, for statements run by s3_fdw';

CREATE TABLE redshift.journal_loads (
  query_id bigint PRIMARY KEY,
  user_id oid NOT NULL,
  session_id integer NOT NULL,
  transaction_id bigint,
  recorded_at timestamptz NOT NULL,
  status text NOT NULL,
  table_id oid,
  table_name text,
  start_time timestamptz NOT NULL,
  end_time timestamptz,
  data_source text,
  file_format text,
  loaded_rows bigint,
  loaded_bytes bigint,
  source_file_count bigint,
  source_file_bytes bigint,
  file_count_scanned bigint,
  file_bytes_scanned bigint,
  error_count bigint,
  copy_job_id bigint);

CREATE TABLE redshift.journal_load_files (
  query_id bigint NOT NULL,
  user_id oid NOT NULL,
  session_id integer NOT NULL,
  transaction_id bigint,
  recorded_at timestamptz NOT NULL,
  slice integer,
  file_name text NOT NULL,
  file_etag text,
  bytes bigint,
  lines_scanned bigint,
  errors bigint,
  status integer,
  file_format text,
  start_time timestamptz NOT NULL,
  copy_job_id bigint);

CREATE TABLE redshift.journal_replacements (
  query_id bigint NOT NULL,
  user_id oid NOT NULL,
  session_id integer NOT NULL,
  transaction_id bigint,
  recorded_at timestamptz NOT NULL,
  slice integer,
  table_id oid,
  start_time timestamptz NOT NULL,
  file_name text,
  line_number bigint,
  column_name text,
  raw_line text);

CREATE TABLE redshift.journal_unloads (
  query_id bigint PRIMARY KEY,
  user_id oid NOT NULL,
  session_id integer NOT NULL,
  transaction_id bigint,
  recorded_at timestamptz NOT NULL,
  status text NOT NULL,
  start_time timestamptz NOT NULL,
  end_time timestamptz,
  file_format text,
  compression_type text,
  unloaded_location text,
  unloaded_rows bigint,
  unloaded_files_count bigint,
  unloaded_files_size bigint,
  error_message text);

CREATE TABLE redshift.journal_unload_files (
  query_id bigint NOT NULL,
  user_id oid NOT NULL,
  session_id integer NOT NULL,
  transaction_id bigint,
  recorded_at timestamptz NOT NULL,
  slice integer,
  file_name text NOT NULL,
  start_time timestamptz NOT NULL,
  end_time timestamptz,
  line_count bigint,
  transfer_size bigint,
  file_format text);

CREATE INDEX ON redshift.journal_load_files (query_id);
CREATE INDEX ON redshift.journal_replacements (query_id);
CREATE INDEX ON redshift.journal_unload_files (query_id);

COMMENT ON TABLE redshift.journal_loads IS 'every COPY, of all users';
COMMENT ON TABLE redshift.journal_load_files IS 'every file that a COPY has read to its end';
COMMENT ON TABLE redshift.journal_replacements IS 'rows in which a COPY has replaced what is no text';
COMMENT ON TABLE redshift.journal_unloads IS 'every UNLOAD, of all users';
COMMENT ON TABLE redshift.journal_unload_files IS 'every file that an UNLOAD has written';

CREATE VIEW redshift.journal_viewer AS
  SELECT oid AS id, rolsuper AS sees_all FROM pg_catalog.pg_roles WHERE rolname = current_user;

COMMENT ON VIEW redshift.journal_viewer IS 'the current user, and whether that user sees the rows of all';

-- integer: int4 and 0; character varying(10): varchar and 10
CREATE FUNCTION redshift.journal_type(type text, OUT name text, OUT length text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE base
      WHEN 'smallint' THEN 'int2'
      WHEN 'integer' THEN 'int4'
      WHEN 'bigint' THEN 'int8'
      WHEN 'real' THEN 'float4'
      WHEN 'double precision' THEN 'float8'
      WHEN 'boolean' THEN 'bool'
      WHEN 'character' THEN 'char'
      WHEN 'character varying' THEN 'varchar'
      WHEN 'timestamp without time zone' THEN 'timestamp'
      WHEN 'timestamp with time zone' THEN 'timestamptz'
      WHEN 'time without time zone' THEN 'time'
      WHEN 'time with time zone' THEN 'timetz'
      ELSE coalesce(base, '')
    END,
    coalesce(substring(type FROM '[(](.*)[)]'), '0')
  FROM (SELECT regexp_replace(type, '[(].*[)]', '') AS base) b;
END;

COMMENT ON FUNCTION redshift.journal_type(text) IS 'a type''s name and length as Redshift''s system tables have them';

-- What rejected rows are to Redshift.
CREATE VIEW redshift.journal_errors AS
  SELECT r.id, r.scan AS query_id, r.userid AS user_id, r.pid AS session_id,
    l.transaction_id, l.start_time, r.at AS error_time, r.relid AS table_id,
    r.object AS file_name, coalesce(r.line, 0) AS line_number,
    coalesce(r.column_name, '') AS column_name,
    t.name AS column_type, t.length AS column_length,
    coalesce(substring(r.message FROM 'Pos ([0-9]{1,9})')::integer, 0) AS position,
    coalesce(r.raw_line, '') AS raw_line, coalesce(r.raw_value, '') AS raw_value,
    coalesce(r.load_code::integer,
      CASE r.fault
        WHEN 'missing_fields' THEN 1214
        WHEN 'extra_fields' THEN 1202
        WHEN 'too_long' THEN 1204
        WHEN 'not_null' THEN 1213
        WHEN 'encoding' THEN CASE r.sqlstate WHEN '22P05' THEN 1218 ELSE 1220 END
        WHEN 'quote' THEN 1216
        WHEN 'line' THEN 1216
        WHEN 'json' THEN 1216
        WHEN 'json_path' THEN 1216
        ELSE
          CASE
            WHEN t.name = '' THEN 1200
            WHEN t.name = 'date' THEN 1205
            WHEN t.name IN ('timestamp', 'timestamptz') THEN 1206
            WHEN t.name IN ('int2', 'int4', 'int8') THEN CASE r.sqlstate WHEN '22003' THEN 1222 ELSE 1207 END
            WHEN t.name IN ('numeric', 'float4', 'float8') THEN
              CASE r.sqlstate WHEN '22003' THEN 1204 WHEN '22P02' THEN 1207
                ELSE CASE t.name WHEN 'numeric' THEN 1209 ELSE 1208 END END
            WHEN t.name = 'bool' THEN 1210
            WHEN t.name = 'bytea' THEN 1219
            WHEN t.name IN ('json', 'jsonb') THEN 1224
            ELSE 1223
          END
      END) AS code,
    r.message, r.fields, l.copy_job_id
  FROM @extschema@.s3_rejected_rows r
    JOIN redshift.journal_loads l ON l.query_id = r.scan AND l.table_id = r.relid
    CROSS JOIN LATERAL redshift.journal_type(r.column_type) t
    JOIN redshift.journal_viewer v ON v.sees_all OR v.id = r.userid
  WHERE r.action IN ('row skipped', 'rest of object skipped');

COMMENT ON VIEW redshift.journal_errors IS 'rejected rows of COPY, with Redshift''s numbers and names of types';

REVOKE ALL ON redshift.journal_loads, redshift.journal_load_files, redshift.journal_replacements,
  redshift.journal_unloads, redshift.journal_unload_files, redshift.journal_viewer,
  redshift.journal_errors FROM PUBLIC;

CREATE VIEW redshift.stl_load_errors WITH (security_barrier) AS
  SELECT user_id::integer AS userid, 0 AS slice, table_id::integer AS tbl,
    error_time AT TIME ZONE 'UTC' AS starttime, session_id AS session, query_id::integer AS query,
    file_name::char(256) AS filename, line_number, column_name::char(127) AS colname,
    column_type::char(10) AS type, column_length::char(10) AS col_length, position,
    raw_line::char(1024), raw_value::char(1024) AS raw_field_value, code AS err_code,
    message::char(100) AS err_reason, 0 AS is_partial, 0::bigint AS start_offset, copy_job_id
  FROM redshift.journal_errors;

COMMENT ON VIEW redshift.stl_load_errors IS 'rows that COPY could not load, and why';

CREATE VIEW redshift.stl_loaderror_detail WITH (security_barrier) AS
  SELECT e.user_id::integer AS userid, 0 AS slice, e.session_id AS session,
    e.query_id::integer AS query, e.file_name::char(256) AS filename, e.line_number,
    coalesce(f.number - 1, 0)::integer AS field,
    coalesce(f.field ->> 'name', e.column_name)::char(1024) AS colname,
    coalesce(f.field ->> 'value', e.raw_value)::char(1024) AS value,
    (CASE WHEN f.field ? 'value' AND f.field ->> 'value' IS NULL THEN 1 ELSE 0 END) AS is_null,
    (CASE WHEN f.field IS NULL THEN e.column_type ELSE t.name END)::char(10) AS type,
    (CASE WHEN f.field IS NULL THEN e.column_length ELSE t.length END)::char(10) AS col_length
  FROM (SELECT *, row_number() OVER (PARTITION BY query_id ORDER BY id) AS number
        FROM redshift.journal_errors) e
    LEFT JOIN LATERAL jsonb_array_elements(e.fields) WITH ORDINALITY AS f (field, number) ON true
    CROSS JOIN LATERAL redshift.journal_type(f.field ->> 'type') t
  WHERE e.number <= 20;

COMMENT ON VIEW redshift.stl_loaderror_detail IS
  'the fields of rows that COPY could not load, up to the faulty one; of the first 20 rows of a COPY';

CREATE VIEW redshift.stl_load_commits WITH (security_barrier) AS
  SELECT f.user_id::integer AS userid, f.query_id::integer AS query, coalesce(f.slice, 0) AS slice,
    f.file_name::char(256) AS name, f.file_name::char(256) AS filename,
    least(coalesce(f.bytes, 0), 2147483647)::integer AS byte_offset,
    least(coalesce(f.lines_scanned, 0), 2147483647)::integer AS lines_scanned,
    least(coalesce(f.errors, 0), 2147483647)::integer AS errors, f.recorded_at AT TIME ZONE 'UTC' AS curtime,
    coalesce(f.status, 1) AS status, coalesce(f.file_format, '')::char(16) AS file_format,
    0 AS is_partial, 0::bigint AS start_offset, f.copy_job_id
  FROM redshift.journal_load_files f
    JOIN redshift.journal_viewer v ON v.sees_all OR v.id = f.user_id;

COMMENT ON VIEW redshift.stl_load_commits IS 'files that COPY has read; also of transactions that were rolled back';

CREATE VIEW redshift.stl_replacements WITH (security_barrier) AS
  SELECT r.user_id::integer AS userid, r.query_id::integer AS query, coalesce(r.slice, 0) AS slice,
    r.table_id::integer AS tbl, r.start_time AT TIME ZONE 'UTC' AS starttime,
    r.session_id AS session, r.file_name::char(256) AS filename, r.line_number,
    coalesce(r.column_name, '')::char(127) AS colname, r.raw_line::char(1024) AS raw_line
  FROM redshift.journal_replacements r
    JOIN redshift.journal_viewer v ON v.sees_all OR v.id = r.user_id
  UNION ALL
  SELECT r.userid::integer, r.scan::integer, 0, r.relid::integer, l.start_time AT TIME ZONE 'UTC',
    r.pid, r.object::char(256), r.line, coalesce(r.column_name, '')::char(127), r.raw_line::char(1024)
  FROM @extschema@.s3_rejected_rows r
    JOIN redshift.journal_loads l ON l.query_id = r.scan AND l.table_id = r.relid
    JOIN redshift.journal_viewer v ON v.sees_all OR v.id = r.userid
  WHERE r.action IN ('row repaired', 'characters replaced') AND r.sqlstate = '22021';

COMMENT ON VIEW redshift.stl_replacements IS 'rows in which COPY has replaced what is no text';

CREATE VIEW redshift.stl_unload_log WITH (security_barrier) AS
  SELECT f.user_id::integer AS userid, f.query_id::integer AS query, coalesce(f.slice, 0) AS slice,
    f.session_id AS pid, f.file_name::char(1280) AS path,
    f.start_time AT TIME ZONE 'UTC' AS start_time,
    coalesce(f.end_time, f.recorded_at) AT TIME ZONE 'UTC' AS end_time,
    f.line_count, f.transfer_size, coalesce(f.file_format, '')::char(10) AS file_format
  FROM redshift.journal_unload_files f
    JOIN redshift.journal_viewer v ON v.sees_all OR v.id = f.user_id;

COMMENT ON VIEW redshift.stl_unload_log IS 'files that UNLOAD has written';

-- What ran when its server process ended without a word does not run any more.
CREATE VIEW redshift.sys_load_history WITH (security_barrier) AS
  SELECT l.user_id::integer AS user_id, l.query_id, l.transaction_id, l.session_id,
    current_database()::text AS database_name,
    (CASE WHEN l.status = 'running' AND NOT EXISTS (
       SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = l.session_id)
     THEN 'aborted' ELSE l.status END)::text AS status,
    coalesce(l.table_name, '') AS table_name, l.start_time AT TIME ZONE 'UTC' AS start_time,
    l.end_time AT TIME ZONE 'UTC' AS end_time,
    (extract(epoch FROM coalesce(l.end_time, clock_timestamp()) - l.start_time) * 1000000)::bigint AS duration,
    coalesce(l.data_source, '') AS data_source, coalesce(l.file_format, '') AS file_format,
    coalesce(l.loaded_rows, 0) AS loaded_rows, coalesce(l.loaded_bytes, 0) AS loaded_bytes,
    coalesce(l.source_file_count, 0)::integer AS source_file_count,
    coalesce(l.source_file_bytes, 0) AS source_file_bytes,
    coalesce(l.file_count_scanned, 0)::integer AS file_count_scanned,
    coalesce(l.file_bytes_scanned, 0) AS file_bytes_scanned,
    coalesce(l.error_count, 0) AS error_count, l.copy_job_id
  FROM redshift.journal_loads l
    JOIN redshift.journal_viewer v ON v.sees_all OR v.id = l.user_id;

COMMENT ON VIEW redshift.sys_load_history IS 'every COPY: its table, source, state and sums';

CREATE VIEW redshift.sys_load_error_detail WITH (security_barrier) AS
  SELECT user_id::integer AS user_id, query_id, transaction_id, session_id,
    current_database()::text AS database_name, table_id::integer AS table_id,
    error_time AT TIME ZONE 'UTC' AS start_time, file_name::char(256) AS file_name, line_number,
    column_name::char(127) AS column_name, column_type::char(10) AS column_type,
    column_length::char(10) AS column_length, position, code AS error_code,
    message::char(512) AS error_message
  FROM redshift.journal_errors;

COMMENT ON VIEW redshift.sys_load_error_detail IS 'rows that COPY could not load, and why';

CREATE VIEW redshift.sys_load_detail WITH (security_barrier) AS
  SELECT f.user_id::integer AS user_id, f.query_id, f.file_name::char(256) AS file_name,
    coalesce(f.bytes, 0) AS bytes_scanned, coalesce(f.lines_scanned, 0) AS lines_scanned,
    f.recorded_at AT TIME ZONE 'UTC' AS record_time, 1 AS splits_scanned,
    f.start_time AT TIME ZONE 'UTC' AS start_time, f.recorded_at AT TIME ZONE 'UTC' AS end_time,
    f.file_etag::char(256) AS file_etag
  FROM redshift.journal_load_files f
    JOIN redshift.journal_viewer v ON v.sees_all OR v.id = f.user_id;

COMMENT ON VIEW redshift.sys_load_detail IS 'files that COPY has read; also of transactions that were rolled back';

CREATE VIEW redshift.sys_unload_history WITH (security_barrier) AS
  SELECT u.user_id::integer AS user_id, u.query_id, u.transaction_id, u.session_id,
    current_database()::text AS database_name,
    (CASE WHEN u.status = 'running' AND NOT EXISTS (
       SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = u.session_id)
     THEN 'aborted' ELSE u.status END)::text AS status,
    u.start_time AT TIME ZONE 'UTC' AS start_time, u.end_time AT TIME ZONE 'UTC' AS end_time,
    (extract(epoch FROM coalesce(u.end_time, clock_timestamp()) - u.start_time) * 1000000)::bigint AS duration,
    coalesce(u.file_format, '') AS file_format, coalesce(u.compression_type, '') AS compression_type,
    coalesce(u.unloaded_location, '') AS unloaded_location, coalesce(u.unloaded_rows, 0) AS unloaded_rows,
    coalesce(u.unloaded_files_count, 0) AS unloaded_files_count,
    coalesce(u.unloaded_files_size, 0) AS unloaded_files_size,
    coalesce(u.error_message, '') AS error_message
  FROM redshift.journal_unloads u
    JOIN redshift.journal_viewer v ON v.sees_all OR v.id = u.user_id;

COMMENT ON VIEW redshift.sys_unload_history IS 'every UNLOAD: its target, state and sums';

CREATE VIEW redshift.sys_unload_detail WITH (security_barrier) AS
  SELECT f.user_id::integer AS user_id, f.query_id, f.session_id, f.transaction_id,
    f.file_name::char(256) AS file_name, f.start_time AT TIME ZONE 'UTC' AS start_time,
    coalesce(f.end_time, f.recorded_at) AT TIME ZONE 'UTC' AS end_time,
    f.line_count, f.transfer_size, coalesce(f.file_format, '')::char(10) AS file_format
  FROM redshift.journal_unload_files f
    JOIN redshift.journal_viewer v ON v.sees_all OR v.id = f.user_id;

COMMENT ON VIEW redshift.sys_unload_detail IS 'files that UNLOAD has written';

-- What is loaded already, written by the loading transactions themselves.
CREATE TABLE redshift.loaded_files (
  target regclass NOT NULL,
  server text NOT NULL,
  bucket text NOT NULL,
  key text NOT NULL,
  etag text NOT NULL,
  size bigint NOT NULL,
  query_id bigint NOT NULL,
  loaded_at timestamptz NOT NULL,
  loaded_by regrole NOT NULL,
  copy_job_id bigint,
  PRIMARY KEY (target, server, bucket, key));

REVOKE ALL ON redshift.loaded_files FROM PUBLIC;
-- A number that stood for a table that is gone is another table's elsewhere.
SELECT pg_catalog.pg_extension_config_dump('redshift.loaded_files',
  'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = target)');
COMMENT ON TABLE redshift.loaded_files IS
  'the objects in each table that COPY was to load once; written in the loading transaction';

CREATE VIEW redshift.load_ledger WITH (security_barrier) AS
  SELECT f.target, f.server, f.bucket, f.key, f.etag, f.size, f.query_id, f.loaded_at, f.loaded_by, f.copy_job_id
  FROM redshift.loaded_files f
    JOIN redshift.journal_viewer v ON v.sees_all OR v.id = f.loaded_by;

COMMENT ON VIEW redshift.load_ledger IS 'the objects that the current user had COPY load once, and into which table';

CREATE TABLE redshift.copy_jobs (
  job_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  owner regrole NOT NULL,
  name text NOT NULL,
  statement text NOT NULL,
  location text NOT NULL,
  auto boolean NOT NULL,
  created_at timestamptz NOT NULL,
  UNIQUE (owner, name));

REVOKE ALL ON redshift.copy_jobs, redshift.copy_jobs_job_id_seq FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('redshift.copy_jobs',
  'WHERE EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = owner)');
SELECT pg_catalog.pg_extension_config_dump('redshift.copy_jobs_job_id_seq', '');
COMMENT ON TABLE redshift.copy_jobs IS 'the COPY statements stored by COPY ... JOB CREATE';

CREATE VIEW redshift.sys_copy_job WITH (security_barrier) AS
  SELECT j.job_id, j.name AS job_name, j.owner::oid::integer AS job_owner, j.location AS data_source,
    j.statement AS job_text, j.auto, j.created_at
  FROM redshift.copy_jobs j
    JOIN redshift.journal_viewer v ON v.sees_all OR v.id = j.owner;

COMMENT ON VIEW redshift.sys_copy_job IS 'the jobs of COPY ... JOB CREATE';

CREATE VIEW redshift.sys_copy_job_detail WITH (security_barrier) AS
  SELECT f.loaded_by::oid::integer AS user_id, current_database()::text AS database_name,
    f.copy_job_id AS job_id, coalesce(j.name, '') AS job_name, f.bucket AS file_location,
    f.key AS file_name, f.size AS file_size, f.etag AS file_etag, coalesce(j.statement, '') AS job_text,
    NULL::timestamp AS modification_time, f.loaded_at AT TIME ZONE 'UTC' AS enqueue_time,
    'loaded'::text AS status
  FROM redshift.loaded_files f
    LEFT JOIN redshift.copy_jobs j ON j.job_id = f.copy_job_id
    JOIN redshift.journal_viewer v ON v.sees_all OR v.id = f.loaded_by
  WHERE f.copy_job_id IS NOT NULL;

COMMENT ON VIEW redshift.sys_copy_job_detail IS 'the files that jobs of COPY have loaded';

GRANT SELECT ON redshift.stl_load_errors, redshift.stl_loaderror_detail, redshift.stl_load_commits,
  redshift.stl_replacements, redshift.stl_unload_log, redshift.sys_load_history,
  redshift.sys_load_error_detail, redshift.sys_load_detail, redshift.sys_unload_history,
  redshift.sys_unload_detail, redshift.load_ledger, redshift.sys_copy_job,
  redshift.sys_copy_job_detail TO PUBLIC;

CREATE FUNCTION redshift.pg_last_copy_count() RETURNS bigint
AS 'MODULE_PATHNAME', 'redshift_last_copy_count' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

CREATE FUNCTION redshift.pg_last_copy_id() RETURNS integer
AS 'MODULE_PATHNAME', 'redshift_last_copy_id' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

CREATE FUNCTION redshift.pg_last_unload_count() RETURNS bigint
AS 'MODULE_PATHNAME', 'redshift_last_unload_count' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

CREATE FUNCTION redshift.pg_last_unload_id() RETURNS integer
AS 'MODULE_PATHNAME', 'redshift_last_unload_id' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

CREATE FUNCTION redshift.pg_last_query_id() RETURNS integer
AS 'MODULE_PATHNAME', 'redshift_last_query_id' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION redshift.pg_last_copy_count() IS
  'rows loaded by the last COPY of this session; 0 if it failed, or there was none';
COMMENT ON FUNCTION redshift.pg_last_copy_id() IS
  'the query id of the last COPY of this session that has begun to load; -1 if there was none';
COMMENT ON FUNCTION redshift.pg_last_unload_count() IS
  'rows written by the last UNLOAD of this session; 0 if it failed, or there was none';
COMMENT ON FUNCTION redshift.pg_last_unload_id() IS
  'the query id of the last UNLOAD of this session; -1 if there was none';
COMMENT ON FUNCTION redshift.pg_last_query_id() IS
  'the query id of the last COPY or UNLOAD of this session; -1 if there was none';

CREATE FUNCTION redshift.clear_history(older_than interval DEFAULT '0') RETURNS bigint
AS 'MODULE_PATHNAME', 'redshift_clear_history' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION redshift.clear_history(interval) IS
  'delete what the views of this schema tell of the current user''s statements that began longer ago than the interval; returns how many statements that were';

CREATE FUNCTION redshift.forget_loaded(target regclass, prefix text DEFAULT '') RETURNS bigint
AS 'MODULE_PATHNAME', 'redshift_forget_loaded' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION redshift.forget_loaded(regclass, text) IS
  'let COPY load objects into the table again whose s3:// locations begin with the prefix; for the table''s owner; returns how many objects that were';
