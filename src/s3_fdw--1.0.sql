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
  message text NOT NULL);

CREATE INDEX ON s3_rejected_rows (userid, scan);
REVOKE ALL ON s3_rejected_rows, s3_rejected_scans FROM PUBLIC;
COMMENT ON TABLE s3_rejected_rows IS 'what scans of foreign tables rejected or repaired, of all users';

CREATE VIEW s3_rejected WITH (security_barrier) AS
  SELECT id, scan, at, userid, pid, statement_at, query_id, relid,
    relid::regclass::text AS table_name, object, version, line, byte_offset,
    column_name, column_type, raw_line, raw_value, action, sqlstate, message
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
