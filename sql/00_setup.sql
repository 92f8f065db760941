--
-- What the other files use: the extension, a server, a mapping, two helpers.
-- The bucket "regress" holds the files below test/data.
--
\getenv endpoint S3_TEST_ENDPOINT

SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS s3_fdw;
RESET client_min_messages;

CREATE SERVER s3 FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint :'endpoint');
CREATE USER MAPPING FOR CURRENT_USER SERVER s3
  OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');

-- Run a statement that is to fail, and show the error with its SQLSTATE, but
-- without request ids and libcurl's own words.
CREATE PROCEDURE fails(statement text) LANGUAGE plpgsql AS $$
DECLARE
  state text;
  message text;
  detail text;
  hint text;
BEGIN
  EXECUTE statement;
  RAISE INFO 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
    detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  message := regexp_replace(message, '(user mapping not found).*', '\1');
  message := regexp_replace(message, 'k{20,}', 'kkk...');
  IF state = '08001' THEN
    message := regexp_replace(message, '": .*', '": ...');
  END IF;
  detail := regexp_replace(detail, 'request id: [^),]+', 'request id: ...');
  RAISE INFO '%: %', state, message;
  IF detail <> '' THEN
    RAISE INFO '  detail: %', detail;
  END IF;
  IF hint <> '' THEN
    RAISE INFO '  hint: %', hint;
  END IF;
END
$$;

-- The plan of a query, without what varies from run to run or by version.
CREATE FUNCTION plan(query text, options text DEFAULT 'COSTS OFF')
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, query) LOOP
    CONTINUE WHEN line ~ '^ *(Planning|Execution Time|Buffers|Memory|JIT)';
    line := regexp_replace(line, '(Requests|Bytes Received): \d+', '\1: N');
    line := regexp_replace(line, 'rows=(\d+)\.00', 'rows=\1');
    RETURN NEXT regexp_replace(line, '\n *"Disabled": false,', '', 'g');
  END LOOP;
END
$$;

-- The fixtures are there.
SELECT count(*) > 0 AS fixtures FROM s3_list('s3://regress/csv/');
