--
-- Privileges: who may use what, and with whose keys.
--
\getenv endpoint S3_TEST_ENDPOINT
CREATE ROLE regress_s3_plain;
CREATE ROLE regress_s3_reader;
CREATE ROLE regress_s3_owner;
CREATE FOREIGN TABLE t (id int) SERVER s3 OPTIONS (location 's3://regress/tree/a/');

-- A plain role can make nothing and call nothing.
SET ROLE regress_s3_plain;
CREATE SERVER mine FOREIGN DATA WRAPPER s3_fdw;
CREATE USER MAPPING FOR CURRENT_USER SERVER s3 OPTIONS (access_key_id 'a', secret_access_key 'b');
CREATE USER MAPPING FOR PUBLIC SERVER s3;
CREATE FOREIGN TABLE pg_temp.mine (id int) SERVER s3 OPTIONS (location 's3://regress/tree/a/');
ALTER FOREIGN TABLE t OPTIONS (SET location 's3://regress/tree/ab/');
SELECT * FROM t;
EXPLAIN SELECT * FROM t;
SELECT s3_export('SELECT 1', 's3://regress/out/privilege/x.csv');
SELECT s3_list('s3://regress/');
SELECT s3_uploads('s3://regress/');
SELECT s3_abort_uploads('s3://regress/');
SET s3_fdw.allowed_endpoints = 'http://127.0.0.1';
RESET ROLE;
SELECT proname FROM pg_proc JOIN pg_depend d ON d.objid = pg_proc.oid AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 's3_fdw')
WHERE has_function_privilege('regress_s3_plain', pg_proc.oid, 'EXECUTE') ORDER BY 1;

-- EXECUTE alone is not enough: the server needs USAGE, and the role a mapping.
GRANT EXECUTE ON FUNCTION s3_list(text, name) TO regress_s3_plain;
GRANT EXECUTE ON FUNCTION s3_export TO regress_s3_plain;
SET ROLE regress_s3_plain;
SELECT s3_list('s3://regress/');
SELECT s3_list('s3://regress/', server => 's3');
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER s3 TO regress_s3_plain;
SET ROLE regress_s3_plain;
CALL fails($$SELECT s3_list('s3://regress/', server => 's3')$$);

-- With USAGE a role may make its own mapping, and tables.
CREATE USER MAPPING FOR CURRENT_USER SERVER s3 OPTIONS (access_key_id 'otherkey', secret_access_key 'othersecret');
CALL fails($$SELECT s3_list('s3://regress/', server => 's3')$$);
ALTER USER MAPPING FOR CURRENT_USER SERVER s3 OPTIONS (SET access_key_id 'demokey', SET secret_access_key 'demosecret');
SELECT count(*) FROM s3_list('s3://regress/tree/ab/', server => 's3');
CREATE FOREIGN TABLE pg_temp.mine (id int) SERVER s3 OPTIONS (location 's3://regress/tree/a/');
SELECT sum(id) FROM mine;
DROP FOREIGN TABLE mine;

-- A mapping without keys borrows no others: not those of PUBLIC, nor those of
-- the machine.
ALTER USER MAPPING FOR CURRENT_USER SERVER s3 OPTIONS (DROP access_key_id, DROP secret_access_key);
CALL fails($$SELECT s3_list('s3://regress/', server => 's3')$$);
ALTER USER MAPPING FOR CURRENT_USER SERVER s3 OPTIONS (ADD access_key_id 'demokey', ADD secret_access_key 'demosecret');

-- The query of an export runs as its caller, and so does row security.
RESET ROLE;
CREATE TABLE secrets (tenant text, v int);
INSERT INTO secrets VALUES ('regress_s3_plain', 1), ('other', 2);
SET ROLE regress_s3_plain;
SELECT s3_export('SELECT * FROM secrets', 's3://regress/out/privilege/x.csv');
RESET ROLE;
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secrets USING (tenant = CURRENT_USER);
GRANT SELECT ON secrets TO regress_s3_plain;
SET ROLE regress_s3_plain;
SELECT rows FROM s3_export('SELECT * FROM secrets', 's3://regress/out/privilege/x.csv');
SET row_security = off;
SELECT s3_export('SELECT * FROM secrets', 's3://regress/out/privilege/y.csv');
RESET row_security;
RESET ROLE;

-- A view reads with the mapping of its owner, unless it is its invoker's.
CREATE VIEW by_owner AS SELECT sum(id) FROM t;
CREATE VIEW by_invoker WITH (security_invoker) AS SELECT sum(id) FROM t;
GRANT SELECT ON t, by_owner, by_invoker TO regress_s3_reader;
SET ROLE regress_s3_reader;
SELECT * FROM by_owner;
CALL fails('SELECT * FROM by_invoker');
CALL fails('SELECT * FROM t');
RESET ROLE;

-- So does a function with SECURITY DEFINER, and one without does not.
CREATE FUNCTION definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT sum(id) FROM t';
CREATE FUNCTION invoker() RETURNS bigint LANGUAGE sql AS 'SELECT sum(id) FROM t';
SET ROLE regress_s3_reader;
SELECT definer();
CALL fails('SELECT invoker()');
RESET ROLE;
DROP FUNCTION definer, invoker;

-- A mapping that changes, or goes, counts at once, also for a statement that is
-- prepared; and so does the role.
CREATE USER MAPPING FOR regress_s3_reader SERVER s3 OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
GRANT regress_s3_reader TO CURRENT_USER;
SET plan_cache_mode = force_generic_plan;
SET ROLE regress_s3_reader;
PREPARE q AS SELECT sum(id) FROM t;
EXECUTE q;
EXECUTE q;
RESET ROLE;
ALTER USER MAPPING FOR regress_s3_reader SERVER s3 OPTIONS (SET secret_access_key 'wrong');
SET ROLE regress_s3_reader;
CALL fails('EXECUTE q');
RESET ROLE;
EXECUTE q;
DROP USER MAPPING FOR regress_s3_reader SERVER s3;
SET ROLE regress_s3_reader;
CALL fails('EXECUTE q');
RESET ROLE;
REVOKE ALL ON t FROM regress_s3_reader;
SET ROLE regress_s3_reader;
CALL fails('EXECUTE q');
RESET ROLE;
DEALLOCATE q;
RESET plan_cache_mode;

-- Secrets are shown to nobody but those the server trusts with them.
SET ROLE regress_s3_reader;
SELECT usename, umoptions FROM pg_user_mappings WHERE srvname = 's3' AND usename LIKE 'regress%';
SELECT umoptions FROM pg_user_mapping;
SELECT count(option_value) FROM information_schema.user_mapping_options WHERE option_name LIKE 'secret%';
RESET ROLE;

-- Who owns a server, but is no superuser, may not send the server to any
-- endpoint, nor have it read a file.
GRANT USAGE ON FOREIGN DATA WRAPPER s3_fdw TO regress_s3_owner;
GRANT EXECUTE ON FUNCTION s3_list(text, name) TO regress_s3_owner;
SET ROLE regress_s3_owner;
CREATE SERVER owned FOREIGN DATA WRAPPER s3_fdw OPTIONS (endpoint :'endpoint');
CREATE USER MAPPING FOR CURRENT_USER SERVER owned OPTIONS (access_key_id 'demokey', secret_access_key 'demosecret');
SELECT count(*) FROM s3_list('s3://regress/tree/ab/', 'owned');
RESET ROLE;
SELECT set_config('s3_fdw.allowed_endpoints', 'https://elsewhere.example, ' || :'endpoint', false) <> '' AS listed;
SET ROLE regress_s3_owner;
SELECT count(*) FROM s3_list('s3://regress/tree/ab/', 'owned');
ALTER SERVER owned OPTIONS (ADD ca_file '/etc/passwd');
SELECT count(*) FROM s3_list('s3://regress/tree/ab/', 'owned');
ALTER SERVER owned OPTIONS (DROP ca_file, SET endpoint 'http://169.254.169.254');
SELECT count(*) FROM s3_list('s3://regress/tree/ab/', 'owned');
ALTER SERVER owned OPTIONS (SET endpoint 'https://evil.example');
SELECT count(*) FROM s3_list('s3://regress/tree/ab/', 'owned');
RESET ROLE;
RESET s3_fdw.allowed_endpoints;

DROP SERVER owned CASCADE;
DROP VIEW by_owner, by_invoker;
DROP TABLE secrets;
DROP FOREIGN TABLE t;
DROP OWNED BY regress_s3_plain, regress_s3_reader, regress_s3_owner;
DROP ROLE regress_s3_plain, regress_s3_reader, regress_s3_owner;
