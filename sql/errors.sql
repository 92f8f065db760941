--
-- Errors of the service: SQLSTATE, words and advice; the session goes on.
--
CREATE FOREIGN TABLE t (id int) SERVER s3 OPTIONS (location 's3://regress/tree/a/');
CREATE USER MAPPING FOR PUBLIC SERVER s3;
CREATE ROLE regress_s3_errors;
GRANT SELECT ON t TO regress_s3_errors;
GRANT USAGE ON FOREIGN SERVER s3 TO regress_s3_errors;
GRANT EXECUTE ON FUNCTION s3_list(text, name) TO regress_s3_errors;
GRANT EXECUTE ON FUNCTION s3_uploads(text, name) TO regress_s3_errors;
GRANT EXECUTE ON FUNCTION s3_export TO regress_s3_errors;
SET ROLE regress_s3_errors;

-- No keys at all: those of the machine the server runs on are not used.
CALL fails('SELECT * FROM t');
CALL fails($$SELECT s3_list('s3://regress/')$$);
RESET ROLE;
DROP USER MAPPING FOR PUBLIC SERVER s3;
SET ROLE regress_s3_errors;
CALL fails('SELECT * FROM t');
RESET ROLE;

-- A wrong secret, a key that is not known, a key without rights.
CREATE USER MAPPING FOR regress_s3_errors SERVER s3
  OPTIONS (access_key_id 'demokey', secret_access_key 'wrong');
SET ROLE regress_s3_errors;
CALL fails('SELECT * FROM t');
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress/out/errors/x.csv')$$);
RESET ROLE;
ALTER USER MAPPING FOR regress_s3_errors SERVER s3 OPTIONS (SET access_key_id 'nobody');
SET ROLE regress_s3_errors;
CALL fails('SELECT * FROM t');
RESET ROLE;
ALTER USER MAPPING FOR regress_s3_errors SERVER s3
  OPTIONS (SET access_key_id 'otherkey', SET secret_access_key 'othersecret');
SET ROLE regress_s3_errors;
CALL fails('SELECT * FROM t');
CALL fails($$SELECT s3_list('s3://regress/')$$);
CALL fails($$SELECT s3_uploads('s3://regress/')$$);
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress/out/errors/x.csv')$$);
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress/out/errors/x.csv', overwrite => 'replace')$$);
RESET ROLE;

-- With the right keys it works at once.
SELECT sum(id) FROM t;

-- Buckets that are not there, or cannot be.
CALL fails($$SELECT s3_list('s3://regress-no-such-bucket/')$$);
CALL fails($$SELECT s3_uploads('s3://regress-no-such-bucket/')$$);
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress-no-such-bucket/x.csv')$$);
CALL fails($$SELECT s3_list('s3://ab/')$$);
CALL fails($$SELECT s3_list('s3://under score/')$$);
CALL fails($$SELECT s3_list('s3://a@evil.example/')$$);
CALL fails($$SELECT s3_list('s3://a.example:80/')$$);
CALL fails(format('SELECT s3_list(%L)', 's3://' || repeat('b', 64) || '/'));
CALL fails(format('SELECT s3_list(%L)', 's3://regress/' || repeat('k', 1025)));

-- Nobody listens there; no such host.
SET s3_fdw.max_retries = 1;
CREATE SERVER nowhere FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint 'http://127.0.0.1:1');
CREATE USER MAPPING FOR CURRENT_USER SERVER nowhere
  OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
CALL fails($$SELECT s3_list('s3://regress/', server => 'nowhere')$$);
CALL fails($$SELECT s3_export('SELECT 1', 's3://regress/out/errors/x.csv', server => 'nowhere')$$);
ALTER SERVER nowhere OPTIONS (SET endpoint 'http://s3.invalid');
CALL fails($$SELECT s3_list('s3://regress/', server => 'nowhere')$$);

-- Addresses that hand out credentials are not connected to, however written.
DO $$
DECLARE
  endpoint text;
BEGIN
  FOREACH endpoint IN ARRAY ARRAY['http://169.254.169.254', 'http://169.254.169.254:80', 'http://2852039166',
    'http://0xa9fea9fe', 'https://169.254.1', 'http://[::ffff:169.254.169.254]', 'http://[fe80::1]'] LOOP
    EXECUTE format('ALTER SERVER nowhere OPTIONS (SET endpoint %L)', endpoint);
    RAISE INFO '%', endpoint;
    CALL fails($call$SELECT s3_list('s3://regress/', server => 'nowhere')$call$);
  END LOOP;
END
$$;

-- After all that, the session goes on.
SELECT sum(id) FROM t;
RESET s3_fdw.max_retries;

-- Which server, if there are several; and what is none.
CALL fails($$SELECT s3_list('s3://regress/')$$);
CALL fails($$SELECT s3_list('s3://regress/', server => 'elsewhere')$$);
CREATE FOREIGN DATA WRAPPER other;
CREATE SERVER not_s3 FOREIGN DATA WRAPPER other;
CALL fails($$SELECT s3_list('s3://regress/', server => 'not_s3')$$);
DROP FOREIGN DATA WRAPPER other CASCADE;
SET client_min_messages = warning;
DROP SERVER nowhere CASCADE;
RESET client_min_messages;

-- Errors in a subtransaction leave the transaction usable, and a scan of the
-- same table open around it.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t;
FETCH 1 FROM c;
SAVEPOINT s;
SELECT s3_list('s3://b');
ROLLBACK TO s;
FETCH 1 FROM c;
CALL fails($$SELECT s3_list('s3://regress-no-such-bucket/')$$);
FETCH 1 FROM c;
COMMIT;

DROP FOREIGN TABLE t;
DROP OWNED BY regress_s3_errors;
DROP ROLE regress_s3_errors;
