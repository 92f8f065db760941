/* src/aws_s3--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION aws_s3 CASCADE" to load this file. \quit

CREATE SCHEMA aws_s3;
COMMENT ON SCHEMA aws_s3 IS 'import and export of data from and to S3';

-- Of import, a call has all arguments, or ends before credentials or keys.

CREATE FUNCTION aws_s3.table_import_from_s3(
  table_name text,
  column_list text,
  options text,
  s3_info aws_commons._s3_uri_1)
RETURNS text
AS 'MODULE_PATHNAME', 'aws_table_import_uri' LANGUAGE C;

CREATE FUNCTION aws_s3.table_import_from_s3(
  table_name text,
  column_list text,
  options text,
  s3_info aws_commons._s3_uri_1,
  credentials aws_commons._aws_credentials_1)
RETURNS text
AS 'MODULE_PATHNAME', 'aws_table_import_uri' LANGUAGE C;

CREATE FUNCTION aws_s3.table_import_from_s3(
  table_name text,
  column_list text,
  options text,
  bucket text,
  file_path text,
  region text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'aws_table_import' LANGUAGE C;

CREATE FUNCTION aws_s3.table_import_from_s3(
  table_name text,
  column_list text,
  options text,
  bucket text,
  file_path text,
  region text,
  access_key text,
  secret_key text,
  session_token text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'aws_table_import' LANGUAGE C;

REVOKE ALL ON FUNCTION
  aws_s3.table_import_from_s3(text, text, text, aws_commons._s3_uri_1),
  aws_s3.table_import_from_s3(text, text, text, aws_commons._s3_uri_1, aws_commons._aws_credentials_1),
  aws_s3.table_import_from_s3(text, text, text, text, text, text),
  aws_s3.table_import_from_s3(text, text, text, text, text, text, text, text, text)
FROM PUBLIC;
COMMENT ON FUNCTION aws_s3.table_import_from_s3(text, text, text, aws_commons._s3_uri_1) IS
  'load an object into a table, by COPY''s rules';
COMMENT ON FUNCTION aws_s3.table_import_from_s3(text, text, text, aws_commons._s3_uri_1, aws_commons._aws_credentials_1) IS
  'load an object into a table, by COPY''s rules, with keys of one''s own';
COMMENT ON FUNCTION aws_s3.table_import_from_s3(text, text, text, text, text, text) IS
  'load an object into a table, by COPY''s rules';
COMMENT ON FUNCTION aws_s3.table_import_from_s3(text, text, text, text, text, text, text, text, text) IS
  'load an object into a table, by COPY''s rules, with keys of one''s own';

CREATE FUNCTION aws_s3.query_export_to_s3(
  query text,
  s3_info aws_commons._s3_uri_1,
  options text DEFAULT NULL,
  kms_key text DEFAULT NULL,
  OUT rows_uploaded bigint,
  OUT files_uploaded bigint,
  OUT bytes_uploaded bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'aws_query_export_uri' LANGUAGE C ROWS 1;

CREATE FUNCTION aws_s3.query_export_to_s3(
  query text,
  bucket text,
  file_path text,
  region text DEFAULT NULL,
  options text DEFAULT NULL,
  kms_key text DEFAULT NULL,
  OUT rows_uploaded bigint,
  OUT files_uploaded bigint,
  OUT bytes_uploaded bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'aws_query_export' LANGUAGE C ROWS 1;

REVOKE ALL ON FUNCTION
  aws_s3.query_export_to_s3(text, aws_commons._s3_uri_1, text, text),
  aws_s3.query_export_to_s3(text, text, text, text, text, text)
FROM PUBLIC;
COMMENT ON FUNCTION aws_s3.query_export_to_s3(text, aws_commons._s3_uri_1, text, text) IS
  'write the result of a query to S3, by COPY''s rules';
COMMENT ON FUNCTION aws_s3.query_export_to_s3(text, text, text, text, text, text) IS
  'write the result of a query to S3, by COPY''s rules';
