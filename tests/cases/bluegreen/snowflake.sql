-- What blue and green send to Snowflake, as the driver is given it.

-- make ready
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.durable_state (pipeline VARCHAR, object VARCHAR, organization_id VARCHAR, watermark TIMESTAMP_NTZ, row_function VARCHAR, rows_live NUMBER(38,0), last_run_id VARCHAR, updated_at TIMESTAMP_NTZ, loaded_at TIMESTAMP_NTZ);
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.durable_ledger (pipeline VARCHAR, run_id VARCHAR, object VARCHAR, batch NUMBER(38,0), inserted NUMBER(38,0), updated NUMBER(38,0), deleted NUMBER(38,0), unchanged NUMBER(38,0), rejected NUMBER(38,0), duplicates NUMBER(38,0), skipped NUMBER(38,0), pipeline_version VARCHAR, committed_at TIMESTAMP_NTZ, content VARCHAR, is_last NUMBER(38,0));
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.durable_lock (pipeline VARCHAR, owner VARCHAR, fence NUMBER(38,0), expires_at TIMESTAMP_NTZ);
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.durable_tombstone (table_name VARCHAR, object VARCHAR, source_id VARCHAR, deleted_at TIMESTAMP_NTZ);
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.durable_green (pipeline VARCHAR, side VARCHAR, phase VARCHAR, version VARCHAR, blue VARCHAR, green VARCHAR, compared VARCHAR, updated_at TIMESTAMP_NTZ);

-- build
SELECT object, watermark
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
BEGIN TRANSACTION;
DELETE FROM CRM.ANALYTICS.durable_green
  WHERE pipeline = ? AND side = ?;
INSERT INTO CRM.ANALYTICS.durable_green (pipeline, side, phase, version, blue, green, compared, updated_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?);
COMMIT;
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.customers (source_object VARCHAR, source_id VARCHAR, source_modified_at TIMESTAMP_NTZ, is_deleted BOOLEAN, deleted_at TIMESTAMP_NTZ, deleted_reason VARCHAR, name VARCHAR, amount NUMBER(38,18), opened_at TIMESTAMP_NTZ, email VARCHAR, created_date TIMESTAMP_NTZ, dedupe_key VARCHAR, extensions VARIANT, row_hash VARCHAR, loaded_at TIMESTAMP_NTZ, run_id VARCHAR, pipeline_version VARCHAR);
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.customers__duplicates (source_object VARCHAR, source_id VARCHAR, source_modified_at TIMESTAMP_NTZ, is_deleted BOOLEAN, deleted_at TIMESTAMP_NTZ, deleted_reason VARCHAR, name VARCHAR, amount NUMBER(38,18), opened_at TIMESTAMP_NTZ, email VARCHAR, created_date TIMESTAMP_NTZ, dedupe_key VARCHAR, extensions VARIANT, row_hash VARCHAR, loaded_at TIMESTAMP_NTZ, run_id VARCHAR, pipeline_version VARCHAR, winner_id VARCHAR);
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.customers__rejects (source_object VARCHAR, source_id VARCHAR, source_modified_at TIMESTAMP_NTZ, rule VARCHAR, requirement VARCHAR, message VARCHAR, record VARCHAR, run_id VARCHAR, rejected_at TIMESTAMP_NTZ);
CREATE OR REPLACE TABLE CRM.ANALYTICS.customers__green CLONE CRM.ANALYTICS.customers COPY GRANTS;
CREATE OR REPLACE TABLE CRM.ANALYTICS.customers__green__duplicates CLONE CRM.ANALYTICS.customers__duplicates COPY GRANTS;
CREATE OR REPLACE TABLE CRM.ANALYTICS.customers__green__rejects CLONE CRM.ANALYTICS.customers__rejects COPY GRANTS;
BEGIN TRANSACTION;
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
DELETE FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
DELETE FROM CRM.ANALYTICS.durable_ledger
  WHERE pipeline = ?;
DELETE FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ?;
DELETE FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
INSERT INTO CRM.ANALYTICS.durable_state (pipeline, object, organization_id, watermark, row_function, rows_live, last_run_id, updated_at, loaded_at)
  SELECT CAST(? AS VARCHAR), object, organization_id, watermark, row_function, rows_live, last_run_id, updated_at, loaded_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
INSERT INTO CRM.ANALYTICS.durable_ledger (pipeline, run_id, object, batch, inserted, updated, deleted, unchanged, rejected, duplicates, skipped, pipeline_version, committed_at, content, is_last)
  SELECT CAST(? AS VARCHAR), l.run_id, l.object, l.batch, l.inserted, l.updated, l.deleted, l.unchanged, l.rejected, l.duplicates, l.skipped, l.pipeline_version, l.committed_at, l.content, l.is_last
  FROM CRM.ANALYTICS.durable_ledger l
  LEFT JOIN CRM.ANALYTICS.durable_ledger x ON x.pipeline = ? AND x.run_id = l.run_id AND x.object = l.object AND x.batch = l.batch
  WHERE l.pipeline = ? AND l.run_id IN (SELECT s.last_run_id
  FROM CRM.ANALYTICS.durable_state s
  WHERE s.pipeline = ?) AND x.run_id IS NULL;
DELETE FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ?;
INSERT INTO CRM.ANALYTICS.durable_tombstone (table_name, object, source_id, deleted_at)
  SELECT CAST(? AS VARCHAR), object, source_id, deleted_at
  FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ?;
SELECT object, watermark, row_function, rows_live, last_run_id, updated_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? ORDER BY object;
SELECT object, watermark, row_function, rows_live, last_run_id, updated_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? ORDER BY object;
DELETE FROM CRM.ANALYTICS.durable_green
  WHERE pipeline = ? AND side = ?;
INSERT INTO CRM.ANALYTICS.durable_green (pipeline, side, phase, version, blue, green, compared, updated_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?);
COMMIT;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__green;

-- note that green is loaded
DELETE FROM CRM.ANALYTICS.durable_green
  WHERE pipeline = ? AND side = ?;
INSERT INTO CRM.ANALYTICS.durable_green (pipeline, side, phase, version, blue, green, compared, updated_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- compare
SELECT phase, version, blue, green, compared, updated_at
  FROM CRM.ANALYTICS.durable_green
  WHERE pipeline = ? AND side = ?;
SELECT object, watermark, row_function, rows_live, last_run_id, updated_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? ORDER BY object;
SELECT object, watermark, row_function, rows_live, last_run_id, updated_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? ORDER BY object;
SELECT l.pipeline_version
  FROM CRM.ANALYTICS.durable_ledger l
  WHERE l.pipeline = ? ORDER BY l.committed_at DESC, l.run_id DESC LIMIT 1;
SELECT object, watermark
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
SELECT object, watermark
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
SELECT *
  FROM CRM.ANALYTICS.customers LIMIT 0;
SELECT *
  FROM CRM.ANALYTICS.customers__green LIMIT 0;
SELECT DISTINCT f.key AS name
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers r
  WHERE r.source_object = 'Account') r, LATERAL FLATTEN(INPUT => r.extensions) f;
SELECT DISTINCT f.key AS name
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__green r
  WHERE r.source_object = 'Account') r, LATERAL FLATTEN(INPUT => r.extensions) f;
SELECT COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND (b.source_modified_at IS DISTINCT FROM g.source_modified_at OR b.is_deleted IS DISTINCT FROM g.is_deleted OR b.deleted_reason IS DISTINCT FROM g.deleted_reason OR b.name IS DISTINCT FROM g.name OR b.amount IS DISTINCT FROM g.amount OR b.opened_at IS DISTINCT FROM g.opened_at OR b.email IS DISTINCT FROM g.email OR b.created_date IS DISTINCT FROM g.created_date) THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NULL AND g.source_id IS NOT NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.source_modified_at IS DISTINCT FROM g.source_modified_at THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.is_deleted IS DISTINCT FROM g.is_deleted THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.deleted_reason IS DISTINCT FROM g.deleted_reason THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.name IS DISTINCT FROM g.name THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.amount IS DISTINCT FROM g.amount THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.opened_at IS DISTINCT FROM g.opened_at THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.email IS DISTINCT FROM g.email THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.created_date IS DISTINCT FROM g.created_date THEN 1 ELSE 0 END), 0)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers r
  WHERE r.source_object = 'Account') b FULL OUTER
  JOIN (SELECT r.*
  FROM CRM.ANALYTICS.customers__green r
  WHERE r.source_object = 'Account') g ON b.source_id = g.source_id;
SELECT COUNT(*)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers r
  WHERE r.source_object = 'Account') r;
SELECT COUNT(*)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__green r
  WHERE r.source_object = 'Account') r;
SELECT *
  FROM (SELECT 0 AS place, CAST(b.source_id AS VARCHAR) AS key_0, CAST(b.name AS VARCHAR) AS blue, CAST(g.name AS VARCHAR) AS green
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers r
  WHERE r.source_object = 'Account') b FULL OUTER
  JOIN (SELECT r.*
  FROM CRM.ANALYTICS.customers__green r
  WHERE r.source_object = 'Account') g ON b.source_id = g.source_id
  WHERE b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.name IS DISTINCT FROM g.name ORDER BY key_0 LIMIT 5) s0;
SELECT *
  FROM CRM.ANALYTICS.customers__duplicates LIMIT 0;
SELECT *
  FROM CRM.ANALYTICS.customers__green__duplicates LIMIT 0;
SELECT DISTINCT f.key AS name
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__duplicates r
  WHERE r.source_object = 'Account') r, LATERAL FLATTEN(INPUT => r.extensions) f;
SELECT DISTINCT f.key AS name
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__green__duplicates r
  WHERE r.source_object = 'Account') r, LATERAL FLATTEN(INPUT => r.extensions) f;
SELECT COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND (b.source_modified_at IS DISTINCT FROM g.source_modified_at OR b.is_deleted IS DISTINCT FROM g.is_deleted OR b.deleted_reason IS DISTINCT FROM g.deleted_reason OR b.name IS DISTINCT FROM g.name OR b.amount IS DISTINCT FROM g.amount OR b.opened_at IS DISTINCT FROM g.opened_at OR b.email IS DISTINCT FROM g.email OR b.created_date IS DISTINCT FROM g.created_date OR b.winner_id IS DISTINCT FROM g.winner_id) THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NULL AND g.source_id IS NOT NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.source_modified_at IS DISTINCT FROM g.source_modified_at THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.is_deleted IS DISTINCT FROM g.is_deleted THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.deleted_reason IS DISTINCT FROM g.deleted_reason THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.name IS DISTINCT FROM g.name THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.amount IS DISTINCT FROM g.amount THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.opened_at IS DISTINCT FROM g.opened_at THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.email IS DISTINCT FROM g.email THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.created_date IS DISTINCT FROM g.created_date THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.winner_id IS DISTINCT FROM g.winner_id THEN 1 ELSE 0 END), 0)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__duplicates r
  WHERE r.source_object = 'Account') b FULL OUTER
  JOIN (SELECT r.*
  FROM CRM.ANALYTICS.customers__green__duplicates r
  WHERE r.source_object = 'Account') g ON b.source_id = g.source_id;
SELECT COUNT(*)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__duplicates r
  WHERE r.source_object = 'Account') r;
SELECT COUNT(*)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__green__duplicates r
  WHERE r.source_object = 'Account') r;
SELECT *
  FROM CRM.ANALYTICS.customers__rejects LIMIT 0;
SELECT *
  FROM CRM.ANALYTICS.customers__green__rejects LIMIT 0;
SELECT COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND (b.source_modified_at IS DISTINCT FROM g.source_modified_at OR b.rule IS DISTINCT FROM g.rule OR b.requirement IS DISTINCT FROM g.requirement OR b.message IS DISTINCT FROM g.message) THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NULL AND g.source_id IS NOT NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.source_modified_at IS DISTINCT FROM g.source_modified_at THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.rule IS DISTINCT FROM g.rule THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.requirement IS DISTINCT FROM g.requirement THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.message IS DISTINCT FROM g.message THEN 1 ELSE 0 END), 0)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Account') b FULL OUTER
  JOIN (SELECT r.*
  FROM CRM.ANALYTICS.customers__green__rejects r
  WHERE r.source_object = 'Account') g ON b.source_id = g.source_id;
SELECT COUNT(*)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Account') r;
SELECT COUNT(*)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__green__rejects r
  WHERE r.source_object = 'Account') r;
SELECT *
  FROM CRM.ANALYTICS.customers LIMIT 0;
SELECT *
  FROM CRM.ANALYTICS.customers__green LIMIT 0;
SELECT DISTINCT f.key AS name
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers r
  WHERE r.source_object = 'Contact') r, LATERAL FLATTEN(INPUT => r.extensions) f;
SELECT DISTINCT f.key AS name
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__green r
  WHERE r.source_object = 'Contact') r, LATERAL FLATTEN(INPUT => r.extensions) f;
SELECT COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND (b.source_modified_at IS DISTINCT FROM g.source_modified_at OR b.is_deleted IS DISTINCT FROM g.is_deleted OR b.deleted_reason IS DISTINCT FROM g.deleted_reason OR b.name IS DISTINCT FROM g.name OR b.amount IS DISTINCT FROM g.amount OR b.opened_at IS DISTINCT FROM g.opened_at OR b.email IS DISTINCT FROM g.email OR b.created_date IS DISTINCT FROM g.created_date) THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NULL AND g.source_id IS NOT NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.source_modified_at IS DISTINCT FROM g.source_modified_at THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.is_deleted IS DISTINCT FROM g.is_deleted THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.deleted_reason IS DISTINCT FROM g.deleted_reason THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.name IS DISTINCT FROM g.name THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.amount IS DISTINCT FROM g.amount THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.opened_at IS DISTINCT FROM g.opened_at THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.email IS DISTINCT FROM g.email THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.created_date IS DISTINCT FROM g.created_date THEN 1 ELSE 0 END), 0)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers r
  WHERE r.source_object = 'Contact') b FULL OUTER
  JOIN (SELECT r.*
  FROM CRM.ANALYTICS.customers__green r
  WHERE r.source_object = 'Contact') g ON b.source_id = g.source_id;
SELECT COUNT(*)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers r
  WHERE r.source_object = 'Contact') r;
SELECT COUNT(*)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__green r
  WHERE r.source_object = 'Contact') r;
SELECT *
  FROM CRM.ANALYTICS.customers__duplicates LIMIT 0;
SELECT *
  FROM CRM.ANALYTICS.customers__green__duplicates LIMIT 0;
SELECT DISTINCT f.key AS name
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__duplicates r
  WHERE r.source_object = 'Contact') r, LATERAL FLATTEN(INPUT => r.extensions) f;
SELECT DISTINCT f.key AS name
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__green__duplicates r
  WHERE r.source_object = 'Contact') r, LATERAL FLATTEN(INPUT => r.extensions) f;
SELECT COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND (b.source_modified_at IS DISTINCT FROM g.source_modified_at OR b.is_deleted IS DISTINCT FROM g.is_deleted OR b.deleted_reason IS DISTINCT FROM g.deleted_reason OR b.name IS DISTINCT FROM g.name OR b.amount IS DISTINCT FROM g.amount OR b.opened_at IS DISTINCT FROM g.opened_at OR b.email IS DISTINCT FROM g.email OR b.created_date IS DISTINCT FROM g.created_date OR b.winner_id IS DISTINCT FROM g.winner_id) THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NULL AND g.source_id IS NOT NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.source_modified_at IS DISTINCT FROM g.source_modified_at THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.is_deleted IS DISTINCT FROM g.is_deleted THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.deleted_reason IS DISTINCT FROM g.deleted_reason THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.name IS DISTINCT FROM g.name THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.amount IS DISTINCT FROM g.amount THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.opened_at IS DISTINCT FROM g.opened_at THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.email IS DISTINCT FROM g.email THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.created_date IS DISTINCT FROM g.created_date THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.winner_id IS DISTINCT FROM g.winner_id THEN 1 ELSE 0 END), 0)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__duplicates r
  WHERE r.source_object = 'Contact') b FULL OUTER
  JOIN (SELECT r.*
  FROM CRM.ANALYTICS.customers__green__duplicates r
  WHERE r.source_object = 'Contact') g ON b.source_id = g.source_id;
SELECT COUNT(*)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__duplicates r
  WHERE r.source_object = 'Contact') r;
SELECT COUNT(*)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__green__duplicates r
  WHERE r.source_object = 'Contact') r;
SELECT *
  FROM CRM.ANALYTICS.customers__rejects LIMIT 0;
SELECT *
  FROM CRM.ANALYTICS.customers__green__rejects LIMIT 0;
SELECT COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND (b.source_modified_at IS DISTINCT FROM g.source_modified_at OR b.rule IS DISTINCT FROM g.rule OR b.requirement IS DISTINCT FROM g.requirement OR b.message IS DISTINCT FROM g.message) THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NULL AND g.source_id IS NOT NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.source_modified_at IS DISTINCT FROM g.source_modified_at THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.rule IS DISTINCT FROM g.rule THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.requirement IS DISTINCT FROM g.requirement THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN b.source_id IS NOT NULL AND g.source_id IS NOT NULL AND b.message IS DISTINCT FROM g.message THEN 1 ELSE 0 END), 0)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Contact') b FULL OUTER
  JOIN (SELECT r.*
  FROM CRM.ANALYTICS.customers__green__rejects r
  WHERE r.source_object = 'Contact') g ON b.source_id = g.source_id;
SELECT COUNT(*)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Contact') r;
SELECT COUNT(*)
  FROM (SELECT r.*
  FROM CRM.ANALYTICS.customers__green__rejects r
  WHERE r.source_object = 'Contact') r;
BEGIN TRANSACTION;
SELECT object, watermark, row_function, rows_live, last_run_id, updated_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? ORDER BY object;
SELECT object, watermark, row_function, rows_live, last_run_id, updated_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? ORDER BY object;
DELETE FROM CRM.ANALYTICS.durable_green
  WHERE pipeline = ? AND side = ?;
INSERT INTO CRM.ANALYTICS.durable_green (pipeline, side, phase, version, blue, green, compared, updated_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?);
COMMIT;

-- promote
SELECT phase, version, blue, green, compared, updated_at
  FROM CRM.ANALYTICS.durable_green
  WHERE pipeline = ? AND side = ?;
SELECT object, watermark, row_function, rows_live, last_run_id, updated_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? ORDER BY object;
SELECT object, watermark, row_function, rows_live, last_run_id, updated_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? ORDER BY object;
SHOW GRANTS ON TABLE CRM.ANALYTICS.customers;
SELECT policy_name, policy_kind, ref_column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'CRM.ANALYTICS.customers', REF_ENTITY_DOMAIN => 'TABLE'));
SELECT tag_name, tag_value, CAST(NULL AS VARCHAR) AS column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.TAG_REFERENCES('CRM.ANALYTICS.customers', 'TABLE'));
SELECT tag_name, tag_value, column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.TAG_REFERENCES_ALL_COLUMNS('CRM.ANALYTICS.customers', 'TABLE'));
SHOW TABLES LIKE 'customers' IN SCHEMA CRM.ANALYTICS;
SELECT policy_name, policy_kind, ref_column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'CRM.ANALYTICS.customers__duplicates', REF_ENTITY_DOMAIN => 'TABLE'));
SELECT policy_name, policy_kind, ref_column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'CRM.ANALYTICS.customers__rejects', REF_ENTITY_DOMAIN => 'TABLE'));
SELECT l.pipeline_version
  FROM CRM.ANALYTICS.durable_ledger l
  WHERE l.pipeline = ? ORDER BY l.committed_at DESC, l.run_id DESC LIMIT 1;
BEGIN TRANSACTION;
DELETE FROM CRM.ANALYTICS.durable_green
  WHERE pipeline = ? AND side = ?;
DELETE FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
DELETE FROM CRM.ANALYTICS.durable_ledger
  WHERE pipeline = ?;
DELETE FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ?;
COMMIT;
CREATE OR REPLACE TABLE CRM.ANALYTICS.customers__blue CLONE CRM.ANALYTICS.customers COPY GRANTS;
CREATE OR REPLACE TABLE CRM.ANALYTICS.customers__blue__duplicates CLONE CRM.ANALYTICS.customers__duplicates COPY GRANTS;
CREATE OR REPLACE TABLE CRM.ANALYTICS.customers__blue__rejects CLONE CRM.ANALYTICS.customers__rejects COPY GRANTS;
SELECT table_name, table_type
  FROM CRM.INFORMATION_SCHEMA.TABLES
  WHERE table_schema = 'ANALYTICS' AND table_name IN ('CUSTOMERS', 'CUSTOMERS__DUPLICATES', 'CUSTOMERS__REJECTS', 'DURABLE_STATE', 'DURABLE_LEDGER', 'DURABLE_LOCK', 'DURABLE_TOMBSTONE');
SELECT table_name, 'VIEW'
  FROM CRM.INFORMATION_SCHEMA.VIEWS
  WHERE table_schema = 'ANALYTICS' AND table_name IN ('CUSTOMERS', 'CUSTOMERS__DUPLICATES', 'CUSTOMERS__REJECTS', 'DURABLE_STATE', 'DURABLE_LEDGER', 'DURABLE_LOCK', 'DURABLE_TOMBSTONE');
DESCRIBE TABLE CRM.ANALYTICS.customers;
DESCRIBE TABLE CRM.ANALYTICS.customers__duplicates;
DESCRIBE TABLE CRM.ANALYTICS.customers__rejects;
DESCRIBE TABLE CRM.ANALYTICS.durable_ledger;
DESCRIBE TABLE CRM.ANALYTICS.durable_lock;
DESCRIBE TABLE CRM.ANALYTICS.durable_state;
DESCRIBE TABLE CRM.ANALYTICS.durable_tombstone;
CREATE STAGE IF NOT EXISTS CRM.ANALYTICS.durable_stage;
BEGIN TRANSACTION;
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
SELECT phase, version, blue, green, compared, updated_at
  FROM CRM.ANALYTICS.durable_green
  WHERE pipeline = ? AND side = ?;
SELECT object, watermark, row_function, rows_live, last_run_id, updated_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? ORDER BY object;
SELECT object, watermark, row_function, rows_live, last_run_id, updated_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? ORDER BY object;
DELETE FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
INSERT INTO CRM.ANALYTICS.durable_state (pipeline, object, organization_id, watermark, row_function, rows_live, last_run_id, updated_at, loaded_at)
  SELECT CAST(? AS VARCHAR), object, organization_id, watermark, row_function, rows_live, last_run_id, updated_at, loaded_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
INSERT INTO CRM.ANALYTICS.durable_ledger (pipeline, run_id, object, batch, inserted, updated, deleted, unchanged, rejected, duplicates, skipped, pipeline_version, committed_at, content, is_last)
  SELECT CAST(? AS VARCHAR), l.run_id, l.object, l.batch, l.inserted, l.updated, l.deleted, l.unchanged, l.rejected, l.duplicates, l.skipped, l.pipeline_version, l.committed_at, l.content, l.is_last
  FROM CRM.ANALYTICS.durable_ledger l
  LEFT JOIN CRM.ANALYTICS.durable_ledger x ON x.pipeline = ? AND x.run_id = l.run_id AND x.object = l.object AND x.batch = l.batch
  WHERE l.pipeline = ? AND l.run_id IN (SELECT s.last_run_id
  FROM CRM.ANALYTICS.durable_state s
  WHERE s.pipeline = ?) AND x.run_id IS NULL;
DELETE FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ?;
INSERT INTO CRM.ANALYTICS.durable_tombstone (table_name, object, source_id, deleted_at)
  SELECT CAST(? AS VARCHAR), object, source_id, deleted_at
  FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ?;
SELECT *
  FROM CRM.ANALYTICS.customers__green LIMIT 0;
INSERT OVERWRITE INTO CRM.ANALYTICS.customers (source_object, source_id, source_modified_at, is_deleted, deleted_at, deleted_reason, name, amount, opened_at, email, created_date, dedupe_key, extensions, row_hash, loaded_at, run_id, pipeline_version)
  SELECT source_object, source_id, source_modified_at, is_deleted, deleted_at, deleted_reason, name, amount, opened_at, email, created_date, dedupe_key, extensions, row_hash, loaded_at, run_id, pipeline_version
  FROM CRM.ANALYTICS.customers__green;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__green;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers;
SELECT *
  FROM CRM.ANALYTICS.customers__green__duplicates LIMIT 0;
INSERT OVERWRITE INTO CRM.ANALYTICS.customers__duplicates (source_object, source_id, source_modified_at, is_deleted, deleted_at, deleted_reason, name, amount, opened_at, email, created_date, dedupe_key, extensions, row_hash, loaded_at, run_id, pipeline_version, winner_id)
  SELECT source_object, source_id, source_modified_at, is_deleted, deleted_at, deleted_reason, name, amount, opened_at, email, created_date, dedupe_key, extensions, row_hash, loaded_at, run_id, pipeline_version, winner_id
  FROM CRM.ANALYTICS.customers__green__duplicates;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__green__duplicates;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__duplicates;
SELECT *
  FROM CRM.ANALYTICS.customers__green__rejects LIMIT 0;
INSERT OVERWRITE INTO CRM.ANALYTICS.customers__rejects (source_object, source_id, source_modified_at, rule, requirement, message, record, run_id, rejected_at)
  SELECT source_object, source_id, source_modified_at, rule, requirement, message, record, run_id, rejected_at
  FROM CRM.ANALYTICS.customers__green__rejects;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__green__rejects;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__rejects;
DELETE FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
INSERT INTO CRM.ANALYTICS.durable_state (pipeline, object, organization_id, watermark, row_function, rows_live, last_run_id, updated_at, loaded_at)
  SELECT CAST(? AS VARCHAR), object, organization_id, watermark, row_function, rows_live, last_run_id, updated_at, loaded_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
INSERT INTO CRM.ANALYTICS.durable_ledger (pipeline, run_id, object, batch, inserted, updated, deleted, unchanged, rejected, duplicates, skipped, pipeline_version, committed_at, content, is_last)
  SELECT CAST(? AS VARCHAR), l.run_id, l.object, l.batch, l.inserted, l.updated, l.deleted, l.unchanged, l.rejected, l.duplicates, l.skipped, l.pipeline_version, l.committed_at, l.content, l.is_last
  FROM CRM.ANALYTICS.durable_ledger l
  LEFT JOIN CRM.ANALYTICS.durable_ledger x ON x.pipeline = ? AND x.run_id = l.run_id AND x.object = l.object AND x.batch = l.batch
  WHERE l.pipeline = ? AND x.run_id IS NULL;
DELETE FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ?;
INSERT INTO CRM.ANALYTICS.durable_tombstone (table_name, object, source_id, deleted_at)
  SELECT CAST(? AS VARCHAR), object, source_id, deleted_at
  FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ?;
DELETE FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
DELETE FROM CRM.ANALYTICS.durable_ledger
  WHERE pipeline = ?;
DELETE FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ?;
DELETE FROM CRM.ANALYTICS.durable_green
  WHERE pipeline = ? AND side = ?;
SELECT object, watermark, row_function, rows_live, last_run_id, updated_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? ORDER BY object;
SELECT object, watermark, row_function, rows_live, last_run_id, updated_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? ORDER BY object;
DELETE FROM CRM.ANALYTICS.durable_green
  WHERE pipeline = ? AND side = ?;
INSERT INTO CRM.ANALYTICS.durable_green (pipeline, side, phase, version, blue, green, compared, updated_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?);
COMMIT;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__green;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__green__duplicates;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__green__rejects;
SELECT object, watermark
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
SHOW GRANTS ON TABLE CRM.ANALYTICS.customers;
SELECT policy_name, policy_kind, ref_column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'CRM.ANALYTICS.customers', REF_ENTITY_DOMAIN => 'TABLE'));
SELECT tag_name, tag_value, CAST(NULL AS VARCHAR) AS column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.TAG_REFERENCES('CRM.ANALYTICS.customers', 'TABLE'));
SELECT tag_name, tag_value, column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.TAG_REFERENCES_ALL_COLUMNS('CRM.ANALYTICS.customers', 'TABLE'));
SHOW TABLES LIKE 'customers' IN SCHEMA CRM.ANALYTICS;
SELECT policy_name, policy_kind, ref_column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'CRM.ANALYTICS.customers__duplicates', REF_ENTITY_DOMAIN => 'TABLE'));
SELECT policy_name, policy_kind, ref_column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'CRM.ANALYTICS.customers__rejects', REF_ENTITY_DOMAIN => 'TABLE'));

-- take it back
SELECT phase, version, blue, green, compared, updated_at
  FROM CRM.ANALYTICS.durable_green
  WHERE pipeline = ? AND side = ?;
SHOW GRANTS ON TABLE CRM.ANALYTICS.customers;
SELECT policy_name, policy_kind, ref_column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'CRM.ANALYTICS.customers', REF_ENTITY_DOMAIN => 'TABLE'));
SELECT tag_name, tag_value, CAST(NULL AS VARCHAR) AS column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.TAG_REFERENCES('CRM.ANALYTICS.customers', 'TABLE'));
SELECT tag_name, tag_value, column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.TAG_REFERENCES_ALL_COLUMNS('CRM.ANALYTICS.customers', 'TABLE'));
SHOW TABLES LIKE 'customers' IN SCHEMA CRM.ANALYTICS;
SELECT policy_name, policy_kind, ref_column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'CRM.ANALYTICS.customers__duplicates', REF_ENTITY_DOMAIN => 'TABLE'));
SELECT policy_name, policy_kind, ref_column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'CRM.ANALYTICS.customers__rejects', REF_ENTITY_DOMAIN => 'TABLE'));
SELECT l.pipeline_version
  FROM CRM.ANALYTICS.durable_ledger l
  WHERE l.pipeline = ? ORDER BY l.committed_at DESC, l.run_id DESC LIMIT 1;
BEGIN TRANSACTION;
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
SELECT *
  FROM CRM.ANALYTICS.customers__blue LIMIT 0;
INSERT OVERWRITE INTO CRM.ANALYTICS.customers (source_object, source_id, source_modified_at, is_deleted, deleted_at, deleted_reason, name, amount, opened_at, email, created_date, dedupe_key, extensions, row_hash, loaded_at, run_id, pipeline_version)
  SELECT source_object, source_id, source_modified_at, is_deleted, deleted_at, deleted_reason, name, amount, opened_at, email, created_date, dedupe_key, extensions, row_hash, loaded_at, run_id, pipeline_version
  FROM CRM.ANALYTICS.customers__blue;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__blue;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers;
SELECT *
  FROM CRM.ANALYTICS.customers__blue__duplicates LIMIT 0;
INSERT OVERWRITE INTO CRM.ANALYTICS.customers__duplicates (source_object, source_id, source_modified_at, is_deleted, deleted_at, deleted_reason, name, amount, opened_at, email, created_date, dedupe_key, extensions, row_hash, loaded_at, run_id, pipeline_version, winner_id)
  SELECT source_object, source_id, source_modified_at, is_deleted, deleted_at, deleted_reason, name, amount, opened_at, email, created_date, dedupe_key, extensions, row_hash, loaded_at, run_id, pipeline_version, winner_id
  FROM CRM.ANALYTICS.customers__blue__duplicates;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__blue__duplicates;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__duplicates;
SELECT *
  FROM CRM.ANALYTICS.customers__blue__rejects LIMIT 0;
INSERT OVERWRITE INTO CRM.ANALYTICS.customers__rejects (source_object, source_id, source_modified_at, rule, requirement, message, record, run_id, rejected_at)
  SELECT source_object, source_id, source_modified_at, rule, requirement, message, record, run_id, rejected_at
  FROM CRM.ANALYTICS.customers__blue__rejects;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__blue__rejects;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__rejects;
DELETE FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
INSERT INTO CRM.ANALYTICS.durable_state (pipeline, object, organization_id, watermark, row_function, rows_live, last_run_id, updated_at, loaded_at)
  SELECT CAST(? AS VARCHAR), object, organization_id, watermark, row_function, rows_live, last_run_id, updated_at, loaded_at
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
INSERT INTO CRM.ANALYTICS.durable_ledger (pipeline, run_id, object, batch, inserted, updated, deleted, unchanged, rejected, duplicates, skipped, pipeline_version, committed_at, content, is_last)
  SELECT CAST(? AS VARCHAR), l.run_id, l.object, l.batch, l.inserted, l.updated, l.deleted, l.unchanged, l.rejected, l.duplicates, l.skipped, l.pipeline_version, l.committed_at, l.content, l.is_last
  FROM CRM.ANALYTICS.durable_ledger l
  LEFT JOIN CRM.ANALYTICS.durable_ledger x ON x.pipeline = ? AND x.run_id = l.run_id AND x.object = l.object AND x.batch = l.batch
  WHERE l.pipeline = ? AND x.run_id IS NULL;
DELETE FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ?;
INSERT INTO CRM.ANALYTICS.durable_tombstone (table_name, object, source_id, deleted_at)
  SELECT CAST(? AS VARCHAR), object, source_id, deleted_at
  FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ?;
DELETE FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
DELETE FROM CRM.ANALYTICS.durable_ledger
  WHERE pipeline = ?;
DELETE FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ?;
DELETE FROM CRM.ANALYTICS.durable_green
  WHERE pipeline = ? AND side = ?;
COMMIT;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__blue;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__blue__duplicates;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__blue__rejects;
SELECT object, watermark
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
SHOW GRANTS ON TABLE CRM.ANALYTICS.customers;
SELECT policy_name, policy_kind, ref_column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'CRM.ANALYTICS.customers', REF_ENTITY_DOMAIN => 'TABLE'));
SELECT tag_name, tag_value, CAST(NULL AS VARCHAR) AS column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.TAG_REFERENCES('CRM.ANALYTICS.customers', 'TABLE'));
SELECT tag_name, tag_value, column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.TAG_REFERENCES_ALL_COLUMNS('CRM.ANALYTICS.customers', 'TABLE'));
SHOW TABLES LIKE 'customers' IN SCHEMA CRM.ANALYTICS;
SELECT policy_name, policy_kind, ref_column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'CRM.ANALYTICS.customers__duplicates', REF_ENTITY_DOMAIN => 'TABLE'));
SELECT policy_name, policy_kind, ref_column_name
  FROM TABLE(CRM.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'CRM.ANALYTICS.customers__rejects', REF_ENTITY_DOMAIN => 'TABLE'));

-- discard
BEGIN TRANSACTION;
DELETE FROM CRM.ANALYTICS.durable_green
  WHERE pipeline = ? AND side = ?;
DELETE FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ?;
DELETE FROM CRM.ANALYTICS.durable_ledger
  WHERE pipeline = ?;
DELETE FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ?;
COMMIT;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__blue;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__blue__duplicates;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__blue__rejects;
