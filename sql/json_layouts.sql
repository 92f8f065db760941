--
-- JSON: what a record is, and where in it a column's value is.
--
\pset null '(null)'

-- A path leads to a value at any depth.  What is not there is NULL, as is what
-- a path through a string or number would lead to; of equal keys the last one
-- counts, also on the way.
CREATE FOREIGN TABLE people (id int, name text OPTIONS (path 'user.name'), city text OPTIONS (path 'user.address[0].city'),
  second_tag text OPTIONS (path '$.user.tags[1]'), third_tag jsonb OPTIONS (path '$["user"].tags[2]'),
  tags json OPTIONS (path $$user['tags']$$), number numeric OPTIONS (path $$['a.b'].c$$)) SERVER s3
  OPTIONS (location 's3://regress/json_layouts/people.json', format 'json');
SELECT * FROM people;
SELECT id FROM people WHERE city = 'Oslo';
SELECT count(*) FROM people;

-- The same value for several columns, a value and what is in it, the whole record.
CREATE FOREIGN TABLE parts (name text OPTIONS (path 'user.name'), person json OPTIONS (path 'user'),
  again text OPTIONS (path '$.user.name'), record json OPTIONS (path '$'), big numeric OPTIONS (path 'user.tags[1].deep[1]')) SERVER s3
  OPTIONS (location 's3://regress/json_layouts/people.json', format 'json');
SELECT name, person, again, record->>'id' AS id, length(big::text) AS digits FROM parts;

-- A path is checked when it is set.
ALTER FOREIGN TABLE parts ALTER COLUMN big OPTIONS (SET path 'user.tags[-1]');
ALTER FOREIGN TABLE parts ALTER COLUMN big OPTIONS (SET path 'user..tags');
ALTER FOREIGN TABLE parts ALTER COLUMN big OPTIONS (SET path '$.user[*]');
ALTER FOREIGN TABLE parts ALTER COLUMN big OPTIONS (SET path '$user');
ALTER FOREIGN TABLE parts ALTER COLUMN big OPTIONS (SET path '');

-- Paths from a file, one for each column in order.
CREATE FOREIGN TABLE listed (a int, b text, c text) SERVER s3 OPTIONS (location 's3://regress/json_layouts/people.json',
  format 'json', jsonpaths 's3://regress/json_layouts/paths.jsonpaths');
SELECT * FROM listed;
ALTER FOREIGN TABLE listed OPTIONS (SET jsonpaths 's3://regress/json_layouts/wrong.jsonpaths');
CALL fails('SELECT * FROM listed');
ALTER FOREIGN TABLE listed OPTIONS (SET jsonpaths 's3://regress/json_layouts/people.json');
CALL fails('SELECT * FROM listed');

-- Keys without regard to case.
CREATE FOREIGN TABLE cases (id int, name text, first text OPTIONS (path 'name.first')) SERVER s3
  OPTIONS (location 's3://regress/json_layouts/case.json', format 'json');
SELECT * FROM cases;
ALTER FOREIGN TABLE cases OPTIONS (ADD ignore_case 'true');
SELECT * FROM cases;

-- The elements of an array are records, too.
CREATE FOREIGN TABLE items (id int, name text) SERVER s3
  OPTIONS (location 's3://regress/json_layouts/array.json', format 'json');
SELECT * FROM items;
ALTER FOREIGN TABLE items OPTIONS (SET location 's3://regress/json_layouts/comma.json');
SELECT * FROM items;
ALTER FOREIGN TABLE items OPTIONS (SET location 's3://regress/json_layouts/cut.json');
SELECT * FROM items;
ALTER FOREIGN TABLE items OPTIONS (SET location 's3://regress/json_layouts/mixed.json');
SELECT * FROM items;
ALTER FOREIGN TABLE items OPTIONS (SET location 's3://regress/json_layouts/rows.json');
SELECT * FROM items;

-- Records that are arrays: columns take the elements in order.
CREATE FOREIGN TABLE rows (id int, name text, more jsonb) SERVER s3
  OPTIONS (location 's3://regress/json_layouts/rows.json', format 'json', records 'arrays');
SELECT * FROM rows;
ALTER FOREIGN TABLE rows ALTER COLUMN more OPTIONS (ADD path '[2][1]');
SELECT * FROM rows;
ALTER FOREIGN TABLE rows OPTIONS (SET location 's3://regress/json_layouts/long_row.json');
SELECT * FROM rows;
ALTER FOREIGN TABLE rows ALTER COLUMN more OPTIONS (DROP path);
SELECT * FROM rows;
SELECT count(*) FROM rows;
ALTER FOREIGN TABLE rows OPTIONS (SET location 's3://regress/json_layouts/array.json');
SELECT * FROM rows;
ALTER FOREIGN TABLE rows OPTIONS (SET location 's3://regress/json_layouts/people.json');
SELECT * FROM rows;

-- Records of any kind.
CREATE FOREIGN TABLE anything (id int, x text OPTIONS (path '[1].x'), value jsonb OPTIONS (path '$'), as_text text OPTIONS (path '$')) SERVER s3
  OPTIONS (location 's3://regress/json_layouts/values.json', format 'json', records 'values');
SELECT * FROM anything;

-- The whole file is one.
CREATE FOREIGN TABLE documents (type text, doc jsonb OPTIONS (path '$'), east float8 OPTIONS (path 'features[1].at[0]')) SERVER s3
  OPTIONS (location 's3://regress/json_layouts/document.json', format 'json', records 'document');
SELECT type, east, f->>'id' AS id, f->'at' AS at FROM documents, jsonb_array_elements(doc->'features') f;
ALTER FOREIGN TABLE documents OPTIONS (SET location 's3://regress/json_layouts/two_documents.json');
SELECT * FROM documents;
ALTER FOREIGN TABLE documents OPTIONS (SET location 's3://regress/json_layouts/blank.json');
SELECT * FROM documents;

-- A record has a largest size; of an array, this is one element's.
ALTER FOREIGN TABLE documents OPTIONS (SET location 's3://regress/json_layouts/document.json', ADD max_record_size '100B');
CALL fails('SELECT * FROM documents');
ALTER FOREIGN TABLE items OPTIONS (SET location 's3://regress/json_layouts/array.json', ADD max_record_size '50B');
SELECT count(*) FROM items;
ALTER FOREIGN TABLE items OPTIONS (SET max_record_size '20B');
CALL fails('SELECT * FROM items');

DROP FOREIGN TABLE people, parts, listed, cases, items, rows, anything, documents;
