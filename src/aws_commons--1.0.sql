/* src/aws_commons--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION aws_commons" to load this file. \quit

CREATE SCHEMA aws_commons;
COMMENT ON SCHEMA aws_commons IS 'what the extensions aws_* share';

CREATE TYPE aws_commons._s3_uri_1 AS (bucket text, file_path text, region text);
COMMENT ON TYPE aws_commons._s3_uri_1 IS 'an object of S3';

CREATE TYPE aws_commons._aws_credentials_1 AS (access_key text, secret_key text, session_token text);
COMMENT ON TYPE aws_commons._aws_credentials_1 IS 'keys for AWS';

CREATE FUNCTION aws_commons.create_s3_uri(bucket text, file_path text, region text DEFAULT NULL)
RETURNS aws_commons._s3_uri_1
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ROW(bucket, file_path, region)::aws_commons._s3_uri_1;

REVOKE ALL ON FUNCTION aws_commons.create_s3_uri FROM PUBLIC;
COMMENT ON FUNCTION aws_commons.create_s3_uri IS 'an object of S3, for the functions of aws_s3';

CREATE FUNCTION aws_commons.create_aws_credentials(access_key text, secret_key text,
  session_token text DEFAULT NULL)
RETURNS aws_commons._aws_credentials_1
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ROW(access_key, secret_key, session_token)::aws_commons._aws_credentials_1;

REVOKE ALL ON FUNCTION aws_commons.create_aws_credentials FROM PUBLIC;
COMMENT ON FUNCTION aws_commons.create_aws_credentials IS 'keys for AWS, for the functions of aws_s3';
