-- Every statement of a run, mode history, layout unified, as the driver is given it.

-- prepare
SELECT table_name, table_type
  FROM CRM.INFORMATION_SCHEMA.TABLES
  WHERE table_schema = 'ANALYTICS' AND table_name IN ('CUSTOMERS', 'CUSTOMERS__DUPLICATES', 'CUSTOMERS__REJECTS', 'DURABLE_STATE', 'DURABLE_LEDGER', 'DURABLE_LOCK', 'DURABLE_TOMBSTONE');
SELECT table_name, 'VIEW'
  FROM CRM.INFORMATION_SCHEMA.VIEWS
  WHERE table_schema = 'ANALYTICS' AND table_name IN ('CUSTOMERS', 'CUSTOMERS__DUPLICATES', 'CUSTOMERS__REJECTS', 'DURABLE_STATE', 'DURABLE_LEDGER', 'DURABLE_LOCK', 'DURABLE_TOMBSTONE');
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.customers (source_object VARCHAR, source_id VARCHAR, source_modified_at TIMESTAMP_NTZ, is_deleted BOOLEAN, deleted_at TIMESTAMP_NTZ, deleted_reason VARCHAR, valid_from TIMESTAMP_NTZ, valid_to TIMESTAMP_NTZ, is_current BOOLEAN, name VARCHAR, amount NUMBER(38,18), opened_at TIMESTAMP_NTZ, email VARCHAR, created_date TIMESTAMP_NTZ, dedupe_key VARCHAR, extensions VARIANT, row_hash VARCHAR, loaded_at TIMESTAMP_NTZ, run_id VARCHAR, pipeline_version VARCHAR);
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.customers__duplicates (source_object VARCHAR, source_id VARCHAR, source_modified_at TIMESTAMP_NTZ, is_deleted BOOLEAN, deleted_at TIMESTAMP_NTZ, deleted_reason VARCHAR, valid_from TIMESTAMP_NTZ, valid_to TIMESTAMP_NTZ, is_current BOOLEAN, name VARCHAR, amount NUMBER(38,18), opened_at TIMESTAMP_NTZ, email VARCHAR, created_date TIMESTAMP_NTZ, dedupe_key VARCHAR, extensions VARIANT, row_hash VARCHAR, loaded_at TIMESTAMP_NTZ, run_id VARCHAR, pipeline_version VARCHAR, winner_id VARCHAR);
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.customers__rejects (source_object VARCHAR, source_id VARCHAR, source_modified_at TIMESTAMP_NTZ, rule VARCHAR, requirement VARCHAR, message VARCHAR, record VARCHAR, run_id VARCHAR, rejected_at TIMESTAMP_NTZ);
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.durable_state (pipeline VARCHAR, object VARCHAR, organization_id VARCHAR, watermark TIMESTAMP_NTZ, row_function VARCHAR, rows_live NUMBER(38,0), last_run_id VARCHAR, updated_at TIMESTAMP_NTZ, loaded_at TIMESTAMP_NTZ);
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.durable_ledger (pipeline VARCHAR, run_id VARCHAR, object VARCHAR, batch NUMBER(38,0), inserted NUMBER(38,0), updated NUMBER(38,0), deleted NUMBER(38,0), unchanged NUMBER(38,0), rejected NUMBER(38,0), duplicates NUMBER(38,0), skipped NUMBER(38,0), pipeline_version VARCHAR, committed_at TIMESTAMP_NTZ, content VARCHAR, is_last NUMBER(38,0));
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.durable_lock (pipeline VARCHAR, owner VARCHAR, fence NUMBER(38,0), expires_at TIMESTAMP_NTZ);
CREATE TABLE IF NOT EXISTS CRM.ANALYTICS.durable_tombstone (table_name VARCHAR, object VARCHAR, source_id VARCHAR, deleted_at TIMESTAMP_NTZ);
CREATE STAGE IF NOT EXISTS CRM.ANALYTICS.durable_stage;

-- take the lease
SELECT owner, fence, expires_at
  FROM CRM.ANALYTICS.durable_lock
  WHERE pipeline = ?;
MERGE INTO CRM.ANALYTICS.durable_lock AS t
  USING (SELECT CAST(? AS VARCHAR) AS pipeline, CAST(? AS VARCHAR) AS owner, CAST(? AS NUMBER(38,0)) AS fence, CAST(? AS NUMBER(38,0)) AS old_fence, CAST(? AS TIMESTAMP_NTZ) AS expires_at) AS s ON t.pipeline = s.pipeline
  WHEN MATCHED AND t.fence = s.old_fence THEN UPDATE SET owner = s.owner, fence = s.fence, expires_at = s.expires_at
  WHEN NOT MATCHED THEN INSERT (pipeline, owner, fence, expires_at)
  VALUES (s.pipeline, s.owner, s.fence, s.expires_at);
SELECT COUNT(*)
  FROM CRM.ANALYTICS.durable_lock
  WHERE pipeline = ?;

-- load Accounts
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__before (source_id VARCHAR, was_live NUMBER(38,0), was_flagged NUMBER(38,0), was_duplicate NUMBER(38,0), same NUMBER(38,0), stale NUMBER(38,0));
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__versions (source_id VARCHAR, newest_at TIMESTAMP_NTZ, opened_at TIMESTAMP_NTZ, closed_at TIMESTAMP_NTZ, newest_hash VARCHAR, is_open NUMBER(38,0));
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__staged (source_object VARCHAR, source_id VARCHAR, source_modified_at TIMESTAMP_NTZ, is_deleted BOOLEAN, __created_at TIMESTAMP_NTZ, name VARCHAR, amount NUMBER(38,18), opened_at TIMESTAMP_NTZ, dedupe_key VARCHAR, extensions VARCHAR, row_hash VARCHAR, __outcome VARCHAR, __rule VARCHAR, __requirement VARCHAR, __message VARCHAR, __record VARCHAR, loaded_at TIMESTAMP_NTZ, run_id VARCHAR, pipeline_version VARCHAR);
REMOVE @CRM.ANALYTICS.durable_stage/customers/;
PUT 'file:///state/staged/run-1-Account-0.parquet' @CRM.ANALYTICS.durable_stage/customers/run-1/Account AUTO_COMPRESS=FALSE OVERWRITE=TRUE;
COPY INTO CRM.ANALYTICS.customers__staged
  FROM @CRM.ANALYTICS.durable_stage/customers/run-1/Account/run-1-Account-0.parquet
  FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE) MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT;
SELECT COUNT(*), MIN(source_modified_at), MAX(source_modified_at), MIN(__created_at), MAX(__created_at), MIN(opened_at), MAX(opened_at), MIN(loaded_at), MAX(loaded_at)
  FROM CRM.ANALYTICS.customers__staged;
CREATE OR REPLACE VIEW CRM.ANALYTICS.customers__stage AS SELECT l.*, CASE WHEN v.source_id IS NULL THEN COALESCE(l.source_modified_at, l.loaded_at) WHEN l.__outcome <> 'live' THEN v.opened_at WHEN (l.source_modified_at < v.newest_at OR (v.is_open = 0 AND l.source_modified_at < v.closed_at AND v.newest_hash NOT LIKE 'left:%')) THEN l.source_modified_at WHEN l.source_modified_at > v.newest_at THEN GREATEST(l.source_modified_at, v.opened_at, COALESCE(v.closed_at, v.opened_at)) ELSE GREATEST(l.loaded_at, v.opened_at, COALESCE(v.closed_at, v.opened_at)) END AS valid_from, CASE WHEN l.source_modified_at > v.opened_at THEN l.source_modified_at ELSE GREATEST(l.loaded_at, COALESCE(v.opened_at, l.loaded_at)) END AS left_at
  FROM CRM.ANALYTICS.customers__staged l
  LEFT JOIN CRM.ANALYTICS.customers__before b ON b.source_id = l.source_id
  LEFT JOIN CRM.ANALYTICS.customers__versions v ON v.source_id = l.source_id
  WHERE b.source_id IS NULL OR (b.stale = 0 AND b.same = 0);
BEGIN TRANSACTION;
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
SELECT l.inserted, l.updated, l.deleted, l.unchanged, l.rejected, l.duplicates, l.skipped
  FROM CRM.ANALYTICS.durable_ledger l
  WHERE l.pipeline = ? AND l.object = ? AND l.run_id = ? AND l.batch = ?;
INSERT INTO CRM.ANALYTICS.customers__versions (source_id, newest_at, opened_at, closed_at, newest_hash, is_open)
  SELECT v.source_id, v.source_modified_at, v.opened_at, v.deleted_at, v.row_hash, v.is_open
  FROM (SELECT t.source_id, t.source_modified_at, t.valid_from AS opened_at, t.deleted_at, t.row_hash, CASE WHEN t.is_current THEN 1 ELSE 0 END AS is_open, ROW_NUMBER() OVER (PARTITION BY t.source_id ORDER BY t.valid_from DESC, t.source_modified_at DESC) AS place
  FROM CRM.ANALYTICS.customers t
  JOIN CRM.ANALYTICS.customers__staged l ON l.source_id = t.source_id
  WHERE t.source_object = 'Account') v
  WHERE v.place = 1;
INSERT INTO CRM.ANALYTICS.customers__before (source_id, was_live, was_flagged, was_duplicate, same, stale)
  SELECT k.source_id, MAX(k.live), MAX(k.flagged), MAX(k.duplicate), MIN(k.same), MAX(k.stale)
  FROM (SELECT v.source_id, v.is_open AS live, 1 - v.is_open AS flagged, 0 AS duplicate, CASE WHEN l.__outcome <> 'live' THEN 1 - v.is_open WHEN (l.source_modified_at < v.newest_at OR (v.is_open = 0 AND l.source_modified_at < v.closed_at AND v.newest_hash NOT LIKE 'left:%')) THEN CASE WHEN o.source_id IS NULL THEN 0 ELSE 1 END WHEN v.is_open = 1 AND l.row_hash = v.newest_hash THEN 1 ELSE 0 END AS same, CASE WHEN l.__outcome <> 'live' AND l.source_modified_at < v.newest_at THEN 1 ELSE 0 END AS stale
  FROM CRM.ANALYTICS.customers__versions v
  JOIN CRM.ANALYTICS.customers__staged l ON l.source_id = v.source_id
  LEFT JOIN (SELECT DISTINCT t.source_id, t.source_modified_at
  FROM CRM.ANALYTICS.customers t
  JOIN CRM.ANALYTICS.customers__staged y ON y.source_id = t.source_id AND y.source_modified_at = t.source_modified_at
  WHERE t.source_object = 'Account' ) o ON o.source_id = l.source_id AND o.source_modified_at = l.source_modified_at
  UNION ALL SELECT r.source_id, 0 AS live, 0 AS flagged, 0 AS duplicate, CASE WHEN l.__outcome = 'rejected' AND r.source_modified_at IS NOT DISTINCT FROM l.source_modified_at AND r.rule = l.__rule AND r.requirement IS NOT DISTINCT FROM l.__requirement AND r.message IS NOT DISTINCT FROM l.__message AND r.record IS NOT DISTINCT FROM l.__record THEN 1 ELSE 0 END AS same, CASE WHEN l.source_modified_at < r.source_modified_at THEN 1 ELSE 0 END AS stale
  FROM CRM.ANALYTICS.customers__rejects r
  JOIN CRM.ANALYTICS.customers__staged l ON r.source_id = l.source_id
  WHERE r.source_object = 'Account'
  UNION ALL SELECT l.source_id, 0, 0, 0, 0, 0
  FROM CRM.ANALYTICS.customers__staged l
  WHERE l.__outcome = 'rejected' AND l.source_id NOT IN (SELECT r.source_id
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Account')) k
  GROUP BY k.source_id;
DELETE FROM CRM.ANALYTICS.customers__duplicates
  WHERE source_object = 'Account' AND source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s);
MERGE INTO CRM.ANALYTICS.customers AS t
  USING (SELECT x.source_object, x.source_id, x.source_modified_at, FALSE AS is_deleted, CAST(NULL AS TIMESTAMP_NTZ) AS deleted_at, CAST(NULL AS VARCHAR) AS deleted_reason, x.valid_from, CAST(NULL AS TIMESTAMP_NTZ) AS valid_to, TRUE AS is_current, x.name, x.amount, x.opened_at, x.dedupe_key, PARSE_JSON(x.extensions) AS extensions, x.row_hash, x.loaded_at, x.run_id, x.pipeline_version
  FROM CRM.ANALYTICS.customers__stage x
  WHERE x.__outcome = 'live') AS s ON t.source_object = s.source_object AND t.source_id = s.source_id AND t.valid_from = s.valid_from
  WHEN MATCHED AND s.source_modified_at >= t.source_modified_at AND (s.row_hash IS DISTINCT FROM t.row_hash OR t.is_deleted) THEN UPDATE SET source_modified_at = s.source_modified_at, is_deleted = s.is_deleted, deleted_at = s.deleted_at, deleted_reason = s.deleted_reason, name = s.name, amount = s.amount, opened_at = s.opened_at, dedupe_key = s.dedupe_key, extensions = s.extensions, row_hash = s.row_hash, loaded_at = s.loaded_at, run_id = s.run_id, pipeline_version = s.pipeline_version
  WHEN NOT MATCHED THEN INSERT (source_object, source_id, source_modified_at, is_deleted, deleted_at, deleted_reason, valid_from, valid_to, is_current, name, amount, opened_at, dedupe_key, extensions, row_hash, loaded_at, run_id, pipeline_version)
  VALUES (s.source_object, s.source_id, s.source_modified_at, s.is_deleted, s.deleted_at, s.deleted_reason, s.valid_from, s.valid_to, s.is_current, s.name, s.amount, s.opened_at, s.dedupe_key, s.extensions, s.row_hash, s.loaded_at, s.run_id, s.pipeline_version);
MERGE INTO CRM.ANALYTICS.customers AS t
  USING (SELECT x.source_object, x.source_id, v.opened_at AS valid_from, TRUE AS is_deleted, x.left_at AS deleted_at, CASE x.__outcome WHEN 'filtered' THEN 'left_filter' ELSE x.__outcome END AS deleted_reason, CASE WHEN x.source_modified_at > v.opened_at THEN v.newest_hash ELSE 'left:' || v.newest_hash END AS row_hash, x.loaded_at, x.run_id, x.pipeline_version
  FROM CRM.ANALYTICS.customers__stage x
  JOIN CRM.ANALYTICS.customers__versions v ON v.source_id = x.source_id
  WHERE x.__outcome <> 'live' AND v.is_open = 1) AS s ON t.source_object = s.source_object AND t.source_id = s.source_id AND t.valid_from = s.valid_from
  WHEN MATCHED THEN UPDATE SET is_deleted = s.is_deleted, deleted_at = s.deleted_at, deleted_reason = s.deleted_reason, row_hash = s.row_hash, loaded_at = s.loaded_at, run_id = s.run_id, pipeline_version = s.pipeline_version;
DELETE FROM CRM.ANALYTICS.customers__rejects
  WHERE source_object = 'Account' AND source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s);
INSERT INTO CRM.ANALYTICS.customers__rejects (source_object, source_id, source_modified_at, rule, requirement, message, record, run_id, rejected_at)
  SELECT s.source_object, s.source_id, s.source_modified_at, s.__rule, s.__requirement, s.__message, s.__record, s.run_id, s.loaded_at
  FROM CRM.ANALYTICS.customers__stage s
  WHERE s.__outcome = 'rejected';
MERGE INTO CRM.ANALYTICS.customers AS t
  USING (SELECT z.source_object, z.source_id, z.valid_from, COALESCE(z.left_at, z.next_from) AS valid_to, (z.next_from IS NULL AND z.left_at IS NULL) AS is_current, (z.left_at IS NOT NULL) AS is_deleted, z.left_at AS deleted_at, z.reason AS deleted_reason
  FROM (SELECT e.source_object, e.source_id, e.valid_from, e.next_from, MIN(c.deleted_at) AS left_at, MIN(c.deleted_reason) AS reason
  FROM (SELECT t.source_object, t.source_id, t.valid_from, LEAD(t.valid_from) OVER (PARTITION BY t.source_id ORDER BY t.valid_from, t.source_modified_at) AS next_from
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Account' AND t.source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s)) e
  LEFT JOIN (SELECT t.source_id, t.valid_from, t.deleted_at, t.deleted_reason
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Account' AND t.is_deleted AND t.source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s)) c ON c.source_id = e.source_id AND ((c.deleted_at > e.valid_from AND (e.next_from IS NULL OR c.deleted_at <= e.next_from)) OR (c.valid_from = e.valid_from AND c.deleted_at = e.valid_from))
  GROUP BY e.source_object, e.source_id, e.valid_from, e.next_from) z) AS s ON t.source_object = s.source_object AND t.source_id = s.source_id AND t.valid_from = s.valid_from
  WHEN MATCHED AND (s.valid_to IS DISTINCT FROM t.valid_to OR s.is_current IS DISTINCT FROM t.is_current OR s.is_deleted IS DISTINCT FROM t.is_deleted OR s.deleted_at IS DISTINCT FROM t.deleted_at OR s.deleted_reason IS DISTINCT FROM t.deleted_reason) THEN UPDATE SET valid_to = s.valid_to, is_current = s.is_current, is_deleted = s.is_deleted, deleted_at = s.deleted_at, deleted_reason = s.deleted_reason;
SELECT c.category, COUNT(*)
  FROM (SELECT CASE WHEN b.stale = 1 OR b.same = 1 THEN 'unchanged' WHEN l.__outcome = 'rejected' THEN 'rejected' WHEN l.__outcome <> 'live' THEN CASE WHEN b.was_live = 1 THEN 'deleted' WHEN b.was_flagged = 1 THEN 'updated' ELSE 'skipped' END WHEN b.was_live = 1 OR b.was_flagged = 1 THEN 'updated' ELSE 'inserted' END AS category
  FROM CRM.ANALYTICS.customers__staged l
  LEFT JOIN CRM.ANALYTICS.customers__before b ON b.source_id = l.source_id) c
  GROUP BY c.category;
SELECT COUNT(*)
  FROM (SELECT t.source_id
  FROM CRM.ANALYTICS.customers t
  JOIN CRM.ANALYTICS.customers__staged l ON l.source_id = t.source_id
  WHERE t.source_object = 'Account'
  GROUP BY t.source_id HAVING COUNT(*) > COUNT(DISTINCT t.valid_from) OR SUM(CASE WHEN t.is_current THEN 1 ELSE 0 END) > 1) x;
INSERT INTO CRM.ANALYTICS.durable_ledger (pipeline, run_id, object, batch, inserted, updated, deleted, unchanged, rejected, duplicates, skipped, pipeline_version, committed_at, content, is_last)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
SELECT watermark, row_function
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? AND object = ?;
DELETE FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? AND object = ?;
SELECT COUNT(*), MAX(t.loaded_at)
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Account' AND t.is_current) t;
INSERT INTO CRM.ANALYTICS.durable_state (pipeline, object, organization_id, watermark, row_function, rows_live, loaded_at, last_run_id, updated_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
COMMIT;
REMOVE @CRM.ANALYTICS.durable_stage/customers/run-1/Account/run-1-Account-0.parquet;

-- load Contacts
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__before (source_id VARCHAR, was_live NUMBER(38,0), was_flagged NUMBER(38,0), was_duplicate NUMBER(38,0), same NUMBER(38,0), stale NUMBER(38,0));
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__versions (source_id VARCHAR, newest_at TIMESTAMP_NTZ, opened_at TIMESTAMP_NTZ, closed_at TIMESTAMP_NTZ, newest_hash VARCHAR, is_open NUMBER(38,0));
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__staged (source_object VARCHAR, source_id VARCHAR, source_modified_at TIMESTAMP_NTZ, is_deleted BOOLEAN, __created_at TIMESTAMP_NTZ, email VARCHAR, created_date TIMESTAMP_NTZ, dedupe_key VARCHAR, extensions VARCHAR, row_hash VARCHAR, __outcome VARCHAR, __rule VARCHAR, __requirement VARCHAR, __message VARCHAR, __record VARCHAR, loaded_at TIMESTAMP_NTZ, run_id VARCHAR, pipeline_version VARCHAR);
PUT 'file:///state/staged/run-1-Contact-0.parquet' @CRM.ANALYTICS.durable_stage/customers/run-1/Contact AUTO_COMPRESS=FALSE OVERWRITE=TRUE;
COPY INTO CRM.ANALYTICS.customers__staged
  FROM @CRM.ANALYTICS.durable_stage/customers/run-1/Contact/run-1-Contact-0.parquet
  FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE) MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT;
SELECT COUNT(*), MIN(source_modified_at), MAX(source_modified_at), MIN(__created_at), MAX(__created_at), MIN(created_date), MAX(created_date), MIN(loaded_at), MAX(loaded_at)
  FROM CRM.ANALYTICS.customers__staged;
CREATE OR REPLACE VIEW CRM.ANALYTICS.customers__stage AS SELECT l.*, CASE WHEN v.source_id IS NULL THEN COALESCE(l.source_modified_at, l.loaded_at) WHEN l.__outcome <> 'live' THEN v.opened_at WHEN (l.source_modified_at < v.newest_at OR (v.is_open = 0 AND l.source_modified_at < v.closed_at AND v.newest_hash NOT LIKE 'left:%')) THEN l.source_modified_at WHEN l.source_modified_at > v.newest_at THEN GREATEST(l.source_modified_at, v.opened_at, COALESCE(v.closed_at, v.opened_at)) ELSE GREATEST(l.loaded_at, v.opened_at, COALESCE(v.closed_at, v.opened_at)) END AS valid_from, CASE WHEN l.source_modified_at > v.opened_at THEN l.source_modified_at ELSE GREATEST(l.loaded_at, COALESCE(v.opened_at, l.loaded_at)) END AS left_at
  FROM CRM.ANALYTICS.customers__staged l
  LEFT JOIN CRM.ANALYTICS.customers__before b ON b.source_id = l.source_id
  LEFT JOIN CRM.ANALYTICS.customers__versions v ON v.source_id = l.source_id
  WHERE b.source_id IS NULL OR (b.stale = 0 AND b.same = 0);
BEGIN TRANSACTION;
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
SELECT l.inserted, l.updated, l.deleted, l.unchanged, l.rejected, l.duplicates, l.skipped
  FROM CRM.ANALYTICS.durable_ledger l
  WHERE l.pipeline = ? AND l.object = ? AND l.run_id = ? AND l.batch = ?;
INSERT INTO CRM.ANALYTICS.customers__versions (source_id, newest_at, opened_at, closed_at, newest_hash, is_open)
  SELECT v.source_id, v.source_modified_at, v.opened_at, v.deleted_at, v.row_hash, v.is_open
  FROM (SELECT t.source_id, t.source_modified_at, t.valid_from AS opened_at, t.deleted_at, t.row_hash, CASE WHEN t.is_current THEN 1 ELSE 0 END AS is_open, ROW_NUMBER() OVER (PARTITION BY t.source_id ORDER BY t.valid_from DESC, t.source_modified_at DESC) AS place
  FROM CRM.ANALYTICS.customers t
  JOIN CRM.ANALYTICS.customers__staged l ON l.source_id = t.source_id
  WHERE t.source_object = 'Contact') v
  WHERE v.place = 1;
INSERT INTO CRM.ANALYTICS.customers__before (source_id, was_live, was_flagged, was_duplicate, same, stale)
  SELECT k.source_id, MAX(k.live), MAX(k.flagged), MAX(k.duplicate), MIN(k.same), MAX(k.stale)
  FROM (SELECT v.source_id, v.is_open AS live, 1 - v.is_open AS flagged, 0 AS duplicate, CASE WHEN l.__outcome <> 'live' THEN 1 - v.is_open WHEN (l.source_modified_at < v.newest_at OR (v.is_open = 0 AND l.source_modified_at < v.closed_at AND v.newest_hash NOT LIKE 'left:%')) THEN CASE WHEN o.source_id IS NULL THEN 0 ELSE 1 END WHEN v.is_open = 1 AND l.row_hash = v.newest_hash THEN 1 ELSE 0 END AS same, CASE WHEN l.__outcome <> 'live' AND l.source_modified_at < v.newest_at THEN 1 ELSE 0 END AS stale
  FROM CRM.ANALYTICS.customers__versions v
  JOIN CRM.ANALYTICS.customers__staged l ON l.source_id = v.source_id
  LEFT JOIN (SELECT DISTINCT t.source_id, t.source_modified_at
  FROM CRM.ANALYTICS.customers t
  JOIN CRM.ANALYTICS.customers__staged y ON y.source_id = t.source_id AND y.source_modified_at = t.source_modified_at
  WHERE t.source_object = 'Contact' ) o ON o.source_id = l.source_id AND o.source_modified_at = l.source_modified_at
  UNION ALL SELECT r.source_id, 0 AS live, 0 AS flagged, 0 AS duplicate, CASE WHEN l.__outcome = 'rejected' AND r.source_modified_at IS NOT DISTINCT FROM l.source_modified_at AND r.rule = l.__rule AND r.requirement IS NOT DISTINCT FROM l.__requirement AND r.message IS NOT DISTINCT FROM l.__message AND r.record IS NOT DISTINCT FROM l.__record THEN 1 ELSE 0 END AS same, CASE WHEN l.source_modified_at < r.source_modified_at THEN 1 ELSE 0 END AS stale
  FROM CRM.ANALYTICS.customers__rejects r
  JOIN CRM.ANALYTICS.customers__staged l ON r.source_id = l.source_id
  WHERE r.source_object = 'Contact'
  UNION ALL SELECT l.source_id, 0, 0, 0, 0, 0
  FROM CRM.ANALYTICS.customers__staged l
  WHERE l.__outcome = 'rejected' AND l.source_id NOT IN (SELECT r.source_id
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Contact')) k
  GROUP BY k.source_id;
DELETE FROM CRM.ANALYTICS.customers__duplicates
  WHERE source_object = 'Contact' AND source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s);
MERGE INTO CRM.ANALYTICS.customers AS t
  USING (SELECT x.source_object, x.source_id, x.source_modified_at, FALSE AS is_deleted, CAST(NULL AS TIMESTAMP_NTZ) AS deleted_at, CAST(NULL AS VARCHAR) AS deleted_reason, x.valid_from, CAST(NULL AS TIMESTAMP_NTZ) AS valid_to, TRUE AS is_current, x.email, x.created_date, x.dedupe_key, PARSE_JSON(x.extensions) AS extensions, x.row_hash, x.loaded_at, x.run_id, x.pipeline_version
  FROM CRM.ANALYTICS.customers__stage x
  WHERE x.__outcome = 'live') AS s ON t.source_object = s.source_object AND t.source_id = s.source_id AND t.valid_from = s.valid_from
  WHEN MATCHED AND s.source_modified_at >= t.source_modified_at AND (s.row_hash IS DISTINCT FROM t.row_hash OR t.is_deleted) THEN UPDATE SET source_modified_at = s.source_modified_at, is_deleted = s.is_deleted, deleted_at = s.deleted_at, deleted_reason = s.deleted_reason, email = s.email, created_date = s.created_date, dedupe_key = s.dedupe_key, extensions = s.extensions, row_hash = s.row_hash, loaded_at = s.loaded_at, run_id = s.run_id, pipeline_version = s.pipeline_version
  WHEN NOT MATCHED THEN INSERT (source_object, source_id, source_modified_at, is_deleted, deleted_at, deleted_reason, valid_from, valid_to, is_current, email, created_date, dedupe_key, extensions, row_hash, loaded_at, run_id, pipeline_version)
  VALUES (s.source_object, s.source_id, s.source_modified_at, s.is_deleted, s.deleted_at, s.deleted_reason, s.valid_from, s.valid_to, s.is_current, s.email, s.created_date, s.dedupe_key, s.extensions, s.row_hash, s.loaded_at, s.run_id, s.pipeline_version);
MERGE INTO CRM.ANALYTICS.customers AS t
  USING (SELECT x.source_object, x.source_id, v.opened_at AS valid_from, TRUE AS is_deleted, x.left_at AS deleted_at, CASE x.__outcome WHEN 'filtered' THEN 'left_filter' ELSE x.__outcome END AS deleted_reason, CASE WHEN x.source_modified_at > v.opened_at THEN v.newest_hash ELSE 'left:' || v.newest_hash END AS row_hash, x.loaded_at, x.run_id, x.pipeline_version
  FROM CRM.ANALYTICS.customers__stage x
  JOIN CRM.ANALYTICS.customers__versions v ON v.source_id = x.source_id
  WHERE x.__outcome <> 'live' AND v.is_open = 1) AS s ON t.source_object = s.source_object AND t.source_id = s.source_id AND t.valid_from = s.valid_from
  WHEN MATCHED THEN UPDATE SET is_deleted = s.is_deleted, deleted_at = s.deleted_at, deleted_reason = s.deleted_reason, row_hash = s.row_hash, loaded_at = s.loaded_at, run_id = s.run_id, pipeline_version = s.pipeline_version;
DELETE FROM CRM.ANALYTICS.customers__rejects
  WHERE source_object = 'Contact' AND source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s);
INSERT INTO CRM.ANALYTICS.customers__rejects (source_object, source_id, source_modified_at, rule, requirement, message, record, run_id, rejected_at)
  SELECT s.source_object, s.source_id, s.source_modified_at, s.__rule, s.__requirement, s.__message, s.__record, s.run_id, s.loaded_at
  FROM CRM.ANALYTICS.customers__stage s
  WHERE s.__outcome = 'rejected';
MERGE INTO CRM.ANALYTICS.customers AS t
  USING (SELECT z.source_object, z.source_id, z.valid_from, COALESCE(z.left_at, z.next_from) AS valid_to, (z.next_from IS NULL AND z.left_at IS NULL) AS is_current, (z.left_at IS NOT NULL) AS is_deleted, z.left_at AS deleted_at, z.reason AS deleted_reason
  FROM (SELECT e.source_object, e.source_id, e.valid_from, e.next_from, MIN(c.deleted_at) AS left_at, MIN(c.deleted_reason) AS reason
  FROM (SELECT t.source_object, t.source_id, t.valid_from, LEAD(t.valid_from) OVER (PARTITION BY t.source_id ORDER BY t.valid_from, t.source_modified_at) AS next_from
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact' AND t.source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s)) e
  LEFT JOIN (SELECT t.source_id, t.valid_from, t.deleted_at, t.deleted_reason
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact' AND t.is_deleted AND t.source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s)) c ON c.source_id = e.source_id AND ((c.deleted_at > e.valid_from AND (e.next_from IS NULL OR c.deleted_at <= e.next_from)) OR (c.valid_from = e.valid_from AND c.deleted_at = e.valid_from))
  GROUP BY e.source_object, e.source_id, e.valid_from, e.next_from) z) AS s ON t.source_object = s.source_object AND t.source_id = s.source_id AND t.valid_from = s.valid_from
  WHEN MATCHED AND (s.valid_to IS DISTINCT FROM t.valid_to OR s.is_current IS DISTINCT FROM t.is_current OR s.is_deleted IS DISTINCT FROM t.is_deleted OR s.deleted_at IS DISTINCT FROM t.deleted_at OR s.deleted_reason IS DISTINCT FROM t.deleted_reason) THEN UPDATE SET valid_to = s.valid_to, is_current = s.is_current, is_deleted = s.is_deleted, deleted_at = s.deleted_at, deleted_reason = s.deleted_reason;
SELECT c.category, COUNT(*)
  FROM (SELECT CASE WHEN b.stale = 1 OR b.same = 1 THEN 'unchanged' WHEN l.__outcome = 'rejected' THEN 'rejected' WHEN l.__outcome <> 'live' THEN CASE WHEN b.was_live = 1 THEN 'deleted' WHEN b.was_flagged = 1 THEN 'updated' ELSE 'skipped' END WHEN b.was_live = 1 OR b.was_flagged = 1 THEN 'updated' ELSE 'inserted' END AS category
  FROM CRM.ANALYTICS.customers__staged l
  LEFT JOIN CRM.ANALYTICS.customers__before b ON b.source_id = l.source_id) c
  GROUP BY c.category;
SELECT COUNT(*)
  FROM (SELECT t.source_id
  FROM CRM.ANALYTICS.customers t
  JOIN CRM.ANALYTICS.customers__staged l ON l.source_id = t.source_id
  WHERE t.source_object = 'Contact'
  GROUP BY t.source_id HAVING COUNT(*) > COUNT(DISTINCT t.valid_from) OR SUM(CASE WHEN t.is_current THEN 1 ELSE 0 END) > 1) x;
INSERT INTO CRM.ANALYTICS.durable_ledger (pipeline, run_id, object, batch, inserted, updated, deleted, unchanged, rejected, duplicates, skipped, pipeline_version, committed_at, content, is_last)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
SELECT watermark, row_function
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? AND object = ?;
DELETE FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? AND object = ?;
SELECT COUNT(*), MAX(t.loaded_at)
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact' AND t.is_current) t;
INSERT INTO CRM.ANALYTICS.durable_state (pipeline, object, organization_id, watermark, row_function, rows_live, loaded_at, last_run_id, updated_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
COMMIT;
REMOVE @CRM.ANALYTICS.durable_stage/customers/run-1/Contact/run-1-Contact-0.parquet;

-- load nothing
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__before (source_id VARCHAR, was_live NUMBER(38,0), was_flagged NUMBER(38,0), was_duplicate NUMBER(38,0), same NUMBER(38,0), stale NUMBER(38,0));
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__versions (source_id VARCHAR, newest_at TIMESTAMP_NTZ, opened_at TIMESTAMP_NTZ, closed_at TIMESTAMP_NTZ, newest_hash VARCHAR, is_open NUMBER(38,0));
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__staged (source_object VARCHAR, source_id VARCHAR, source_modified_at TIMESTAMP_NTZ, is_deleted BOOLEAN, __created_at TIMESTAMP_NTZ, name VARCHAR, amount NUMBER(38,18), opened_at TIMESTAMP_NTZ, dedupe_key VARCHAR, extensions VARCHAR, row_hash VARCHAR, __outcome VARCHAR, __rule VARCHAR, __requirement VARCHAR, __message VARCHAR, __record VARCHAR, loaded_at TIMESTAMP_NTZ, run_id VARCHAR, pipeline_version VARCHAR);
CREATE OR REPLACE VIEW CRM.ANALYTICS.customers__stage AS SELECT l.*, CASE WHEN v.source_id IS NULL THEN COALESCE(l.source_modified_at, l.loaded_at) WHEN l.__outcome <> 'live' THEN v.opened_at WHEN (l.source_modified_at < v.newest_at OR (v.is_open = 0 AND l.source_modified_at < v.closed_at AND v.newest_hash NOT LIKE 'left:%')) THEN l.source_modified_at WHEN l.source_modified_at > v.newest_at THEN GREATEST(l.source_modified_at, v.opened_at, COALESCE(v.closed_at, v.opened_at)) ELSE GREATEST(l.loaded_at, v.opened_at, COALESCE(v.closed_at, v.opened_at)) END AS valid_from, CASE WHEN l.source_modified_at > v.opened_at THEN l.source_modified_at ELSE GREATEST(l.loaded_at, COALESCE(v.opened_at, l.loaded_at)) END AS left_at
  FROM CRM.ANALYTICS.customers__staged l
  LEFT JOIN CRM.ANALYTICS.customers__before b ON b.source_id = l.source_id
  LEFT JOIN CRM.ANALYTICS.customers__versions v ON v.source_id = l.source_id
  WHERE b.source_id IS NULL OR (b.stale = 0 AND b.same = 0);
BEGIN TRANSACTION;
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
SELECT l.inserted, l.updated, l.deleted, l.unchanged, l.rejected, l.duplicates, l.skipped
  FROM CRM.ANALYTICS.durable_ledger l
  WHERE l.pipeline = ? AND l.object = ? AND l.run_id = ? AND l.batch = ?;
INSERT INTO CRM.ANALYTICS.customers__versions (source_id, newest_at, opened_at, closed_at, newest_hash, is_open)
  SELECT v.source_id, v.source_modified_at, v.opened_at, v.deleted_at, v.row_hash, v.is_open
  FROM (SELECT t.source_id, t.source_modified_at, t.valid_from AS opened_at, t.deleted_at, t.row_hash, CASE WHEN t.is_current THEN 1 ELSE 0 END AS is_open, ROW_NUMBER() OVER (PARTITION BY t.source_id ORDER BY t.valid_from DESC, t.source_modified_at DESC) AS place
  FROM CRM.ANALYTICS.customers t
  JOIN CRM.ANALYTICS.customers__staged l ON l.source_id = t.source_id
  WHERE t.source_object = 'Account') v
  WHERE v.place = 1;
INSERT INTO CRM.ANALYTICS.customers__before (source_id, was_live, was_flagged, was_duplicate, same, stale)
  SELECT k.source_id, MAX(k.live), MAX(k.flagged), MAX(k.duplicate), MIN(k.same), MAX(k.stale)
  FROM (SELECT v.source_id, v.is_open AS live, 1 - v.is_open AS flagged, 0 AS duplicate, CASE WHEN l.__outcome <> 'live' THEN 1 - v.is_open WHEN (l.source_modified_at < v.newest_at OR (v.is_open = 0 AND l.source_modified_at < v.closed_at AND v.newest_hash NOT LIKE 'left:%')) THEN CASE WHEN o.source_id IS NULL THEN 0 ELSE 1 END WHEN v.is_open = 1 AND l.row_hash = v.newest_hash THEN 1 ELSE 0 END AS same, CASE WHEN l.__outcome <> 'live' AND l.source_modified_at < v.newest_at THEN 1 ELSE 0 END AS stale
  FROM CRM.ANALYTICS.customers__versions v
  JOIN CRM.ANALYTICS.customers__staged l ON l.source_id = v.source_id
  LEFT JOIN (SELECT DISTINCT t.source_id, t.source_modified_at
  FROM CRM.ANALYTICS.customers t
  JOIN CRM.ANALYTICS.customers__staged y ON y.source_id = t.source_id AND y.source_modified_at = t.source_modified_at
  WHERE t.source_object = 'Account' ) o ON o.source_id = l.source_id AND o.source_modified_at = l.source_modified_at
  UNION ALL SELECT r.source_id, 0 AS live, 0 AS flagged, 0 AS duplicate, CASE WHEN l.__outcome = 'rejected' AND r.source_modified_at IS NOT DISTINCT FROM l.source_modified_at AND r.rule = l.__rule AND r.requirement IS NOT DISTINCT FROM l.__requirement AND r.message IS NOT DISTINCT FROM l.__message AND r.record IS NOT DISTINCT FROM l.__record THEN 1 ELSE 0 END AS same, CASE WHEN l.source_modified_at < r.source_modified_at THEN 1 ELSE 0 END AS stale
  FROM CRM.ANALYTICS.customers__rejects r
  JOIN CRM.ANALYTICS.customers__staged l ON r.source_id = l.source_id
  WHERE r.source_object = 'Account'
  UNION ALL SELECT l.source_id, 0, 0, 0, 0, 0
  FROM CRM.ANALYTICS.customers__staged l
  WHERE l.__outcome = 'rejected' AND l.source_id NOT IN (SELECT r.source_id
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Account')) k
  GROUP BY k.source_id;
DELETE FROM CRM.ANALYTICS.customers__duplicates
  WHERE source_object = 'Account' AND source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s);
MERGE INTO CRM.ANALYTICS.customers AS t
  USING (SELECT x.source_object, x.source_id, x.source_modified_at, FALSE AS is_deleted, CAST(NULL AS TIMESTAMP_NTZ) AS deleted_at, CAST(NULL AS VARCHAR) AS deleted_reason, x.valid_from, CAST(NULL AS TIMESTAMP_NTZ) AS valid_to, TRUE AS is_current, x.name, x.amount, x.opened_at, x.dedupe_key, PARSE_JSON(x.extensions) AS extensions, x.row_hash, x.loaded_at, x.run_id, x.pipeline_version
  FROM CRM.ANALYTICS.customers__stage x
  WHERE x.__outcome = 'live') AS s ON t.source_object = s.source_object AND t.source_id = s.source_id AND t.valid_from = s.valid_from
  WHEN MATCHED AND s.source_modified_at >= t.source_modified_at AND (s.row_hash IS DISTINCT FROM t.row_hash OR t.is_deleted) THEN UPDATE SET source_modified_at = s.source_modified_at, is_deleted = s.is_deleted, deleted_at = s.deleted_at, deleted_reason = s.deleted_reason, name = s.name, amount = s.amount, opened_at = s.opened_at, dedupe_key = s.dedupe_key, extensions = s.extensions, row_hash = s.row_hash, loaded_at = s.loaded_at, run_id = s.run_id, pipeline_version = s.pipeline_version
  WHEN NOT MATCHED THEN INSERT (source_object, source_id, source_modified_at, is_deleted, deleted_at, deleted_reason, valid_from, valid_to, is_current, name, amount, opened_at, dedupe_key, extensions, row_hash, loaded_at, run_id, pipeline_version)
  VALUES (s.source_object, s.source_id, s.source_modified_at, s.is_deleted, s.deleted_at, s.deleted_reason, s.valid_from, s.valid_to, s.is_current, s.name, s.amount, s.opened_at, s.dedupe_key, s.extensions, s.row_hash, s.loaded_at, s.run_id, s.pipeline_version);
MERGE INTO CRM.ANALYTICS.customers AS t
  USING (SELECT x.source_object, x.source_id, v.opened_at AS valid_from, TRUE AS is_deleted, x.left_at AS deleted_at, CASE x.__outcome WHEN 'filtered' THEN 'left_filter' ELSE x.__outcome END AS deleted_reason, CASE WHEN x.source_modified_at > v.opened_at THEN v.newest_hash ELSE 'left:' || v.newest_hash END AS row_hash, x.loaded_at, x.run_id, x.pipeline_version
  FROM CRM.ANALYTICS.customers__stage x
  JOIN CRM.ANALYTICS.customers__versions v ON v.source_id = x.source_id
  WHERE x.__outcome <> 'live' AND v.is_open = 1) AS s ON t.source_object = s.source_object AND t.source_id = s.source_id AND t.valid_from = s.valid_from
  WHEN MATCHED THEN UPDATE SET is_deleted = s.is_deleted, deleted_at = s.deleted_at, deleted_reason = s.deleted_reason, row_hash = s.row_hash, loaded_at = s.loaded_at, run_id = s.run_id, pipeline_version = s.pipeline_version;
DELETE FROM CRM.ANALYTICS.customers__rejects
  WHERE source_object = 'Account' AND source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s);
INSERT INTO CRM.ANALYTICS.customers__rejects (source_object, source_id, source_modified_at, rule, requirement, message, record, run_id, rejected_at)
  SELECT s.source_object, s.source_id, s.source_modified_at, s.__rule, s.__requirement, s.__message, s.__record, s.run_id, s.loaded_at
  FROM CRM.ANALYTICS.customers__stage s
  WHERE s.__outcome = 'rejected';
MERGE INTO CRM.ANALYTICS.customers AS t
  USING (SELECT z.source_object, z.source_id, z.valid_from, COALESCE(z.left_at, z.next_from) AS valid_to, (z.next_from IS NULL AND z.left_at IS NULL) AS is_current, (z.left_at IS NOT NULL) AS is_deleted, z.left_at AS deleted_at, z.reason AS deleted_reason
  FROM (SELECT e.source_object, e.source_id, e.valid_from, e.next_from, MIN(c.deleted_at) AS left_at, MIN(c.deleted_reason) AS reason
  FROM (SELECT t.source_object, t.source_id, t.valid_from, LEAD(t.valid_from) OVER (PARTITION BY t.source_id ORDER BY t.valid_from, t.source_modified_at) AS next_from
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Account' AND t.source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s)) e
  LEFT JOIN (SELECT t.source_id, t.valid_from, t.deleted_at, t.deleted_reason
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Account' AND t.is_deleted AND t.source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s)) c ON c.source_id = e.source_id AND ((c.deleted_at > e.valid_from AND (e.next_from IS NULL OR c.deleted_at <= e.next_from)) OR (c.valid_from = e.valid_from AND c.deleted_at = e.valid_from))
  GROUP BY e.source_object, e.source_id, e.valid_from, e.next_from) z) AS s ON t.source_object = s.source_object AND t.source_id = s.source_id AND t.valid_from = s.valid_from
  WHEN MATCHED AND (s.valid_to IS DISTINCT FROM t.valid_to OR s.is_current IS DISTINCT FROM t.is_current OR s.is_deleted IS DISTINCT FROM t.is_deleted OR s.deleted_at IS DISTINCT FROM t.deleted_at OR s.deleted_reason IS DISTINCT FROM t.deleted_reason) THEN UPDATE SET valid_to = s.valid_to, is_current = s.is_current, is_deleted = s.is_deleted, deleted_at = s.deleted_at, deleted_reason = s.deleted_reason;
SELECT c.category, COUNT(*)
  FROM (SELECT CASE WHEN b.stale = 1 OR b.same = 1 THEN 'unchanged' WHEN l.__outcome = 'rejected' THEN 'rejected' WHEN l.__outcome <> 'live' THEN CASE WHEN b.was_live = 1 THEN 'deleted' WHEN b.was_flagged = 1 THEN 'updated' ELSE 'skipped' END WHEN b.was_live = 1 OR b.was_flagged = 1 THEN 'updated' ELSE 'inserted' END AS category
  FROM CRM.ANALYTICS.customers__staged l
  LEFT JOIN CRM.ANALYTICS.customers__before b ON b.source_id = l.source_id) c
  GROUP BY c.category;
SELECT COUNT(*)
  FROM (SELECT t.source_id
  FROM CRM.ANALYTICS.customers t
  JOIN CRM.ANALYTICS.customers__staged l ON l.source_id = t.source_id
  WHERE t.source_object = 'Account'
  GROUP BY t.source_id HAVING COUNT(*) > COUNT(DISTINCT t.valid_from) OR SUM(CASE WHEN t.is_current THEN 1 ELSE 0 END) > 1) x;
INSERT INTO CRM.ANALYTICS.durable_ledger (pipeline, run_id, object, batch, inserted, updated, deleted, unchanged, rejected, duplicates, skipped, pipeline_version, committed_at, content, is_last)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
SELECT watermark, row_function
  FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? AND object = ?;
DELETE FROM CRM.ANALYTICS.durable_state
  WHERE pipeline = ? AND object = ?;
SELECT COUNT(*), MAX(t.loaded_at)
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Account' AND t.is_current) t;
INSERT INTO CRM.ANALYTICS.durable_state (pipeline, object, organization_id, watermark, row_function, rows_live, loaded_at, last_run_id, updated_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
COMMIT;
REMOVE @CRM.ANALYTICS.durable_stage/customers/run-1/Account/run-1-Account-1.parquet;

-- answer a batch from the ledger
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__before (source_id VARCHAR, was_live NUMBER(38,0), was_flagged NUMBER(38,0), was_duplicate NUMBER(38,0), same NUMBER(38,0), stale NUMBER(38,0));
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__versions (source_id VARCHAR, newest_at TIMESTAMP_NTZ, opened_at TIMESTAMP_NTZ, closed_at TIMESTAMP_NTZ, newest_hash VARCHAR, is_open NUMBER(38,0));
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__staged (source_object VARCHAR, source_id VARCHAR, source_modified_at TIMESTAMP_NTZ, is_deleted BOOLEAN, __created_at TIMESTAMP_NTZ, email VARCHAR, created_date TIMESTAMP_NTZ, dedupe_key VARCHAR, extensions VARCHAR, row_hash VARCHAR, __outcome VARCHAR, __rule VARCHAR, __requirement VARCHAR, __message VARCHAR, __record VARCHAR, loaded_at TIMESTAMP_NTZ, run_id VARCHAR, pipeline_version VARCHAR);
PUT 'file:///state/staged/run-1-Contact-0.parquet' @CRM.ANALYTICS.durable_stage/customers/run-1/Contact AUTO_COMPRESS=FALSE OVERWRITE=TRUE;
COPY INTO CRM.ANALYTICS.customers__staged
  FROM @CRM.ANALYTICS.durable_stage/customers/run-1/Contact/run-1-Contact-0.parquet
  FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE) MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT;
SELECT COUNT(*), MIN(source_modified_at), MAX(source_modified_at), MIN(__created_at), MAX(__created_at), MIN(created_date), MAX(created_date), MIN(loaded_at), MAX(loaded_at)
  FROM CRM.ANALYTICS.customers__staged;
CREATE OR REPLACE VIEW CRM.ANALYTICS.customers__stage AS SELECT l.*, CASE WHEN v.source_id IS NULL THEN COALESCE(l.source_modified_at, l.loaded_at) WHEN l.__outcome <> 'live' THEN v.opened_at WHEN (l.source_modified_at < v.newest_at OR (v.is_open = 0 AND l.source_modified_at < v.closed_at AND v.newest_hash NOT LIKE 'left:%')) THEN l.source_modified_at WHEN l.source_modified_at > v.newest_at THEN GREATEST(l.source_modified_at, v.opened_at, COALESCE(v.closed_at, v.opened_at)) ELSE GREATEST(l.loaded_at, v.opened_at, COALESCE(v.closed_at, v.opened_at)) END AS valid_from, CASE WHEN l.source_modified_at > v.opened_at THEN l.source_modified_at ELSE GREATEST(l.loaded_at, COALESCE(v.opened_at, l.loaded_at)) END AS left_at
  FROM CRM.ANALYTICS.customers__staged l
  LEFT JOIN CRM.ANALYTICS.customers__before b ON b.source_id = l.source_id
  LEFT JOIN CRM.ANALYTICS.customers__versions v ON v.source_id = l.source_id
  WHERE b.source_id IS NULL OR (b.stale = 0 AND b.same = 0);
BEGIN TRANSACTION;
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
SELECT l.inserted, l.updated, l.deleted, l.unchanged, l.rejected, l.duplicates, l.skipped
  FROM CRM.ANALYTICS.durable_ledger l
  WHERE l.pipeline = ? AND l.object = ? AND l.run_id = ? AND l.batch = ?;
COMMIT;
REMOVE @CRM.ANALYTICS.durable_stage/customers/run-1/Contact/run-1-Contact-0.parquet;

-- forecast
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__arriving (source_id VARCHAR, source_modified_at TIMESTAMP_NTZ, outcome VARCHAR, row_hash VARCHAR);
REMOVE @CRM.ANALYTICS.durable_stage/__lists/customers/;
PUT 'file:///state/staged/arriving.parquet' @CRM.ANALYTICS.durable_stage/__lists/customers AUTO_COMPRESS=FALSE OVERWRITE=TRUE;
COPY INTO CRM.ANALYTICS.customers__arriving
  FROM @CRM.ANALYTICS.durable_stage/__lists/customers/arriving.parquet
  FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE) MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT;
SELECT COUNT(*), MIN(source_modified_at), MAX(source_modified_at)
  FROM CRM.ANALYTICS.customers__arriving;
REMOVE @CRM.ANALYTICS.durable_stage/__lists/customers/arriving.parquet;
DELETE FROM CRM.ANALYTICS.customers__arriving
  WHERE source_id IN (SELECT a.source_id
  FROM CRM.ANALYTICS.customers__arriving a
  JOIN (SELECT t.source_id, t.source_modified_at AS known_at
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact'
  UNION ALL SELECT r.source_id, r.source_modified_at
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Contact') k ON k.source_id = a.source_id
  WHERE a.source_modified_at < k.known_at);
SELECT COUNT(*)
  FROM (SELECT e.source_id
  FROM (SELECT p.source_id, p.source_modified_at
  FROM (SELECT t.source_id, t.source_modified_at
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact' AND t.is_current) t
  UNION ALL SELECT d.source_id, d.source_modified_at
  FROM CRM.ANALYTICS.customers__duplicates d
  WHERE d.source_object = 'Contact'
  UNION ALL SELECT r.source_id, r.source_modified_at
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Contact') p
  LEFT JOIN CRM.ANALYTICS.customers__arriving a ON a.source_id = p.source_id
  WHERE a.source_id IS NULL
  UNION ALL SELECT a.source_id, a.source_modified_at
  FROM CRM.ANALYTICS.customers__arriving a
  WHERE a.outcome IN ('live', 'rejected')) e
  GROUP BY e.source_id) x;
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__listed (source_id VARCHAR, source_modified_at TIMESTAMP_NTZ);
PUT 'file:///state/staged/listed.parquet' @CRM.ANALYTICS.durable_stage/__lists/customers AUTO_COMPRESS=FALSE OVERWRITE=TRUE;
COPY INTO CRM.ANALYTICS.customers__listed
  FROM @CRM.ANALYTICS.durable_stage/__lists/customers/listed.parquet
  FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE) MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT;
SELECT COUNT(*), MIN(source_modified_at), MAX(source_modified_at)
  FROM CRM.ANALYTICS.customers__listed;
REMOVE @CRM.ANALYTICS.durable_stage/__lists/customers/listed.parquet;
SELECT DISTINCT e.source_id
  FROM (SELECT p.source_id, p.source_modified_at
  FROM (SELECT t.source_id, t.source_modified_at
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact' AND t.is_current) t
  UNION ALL SELECT d.source_id, d.source_modified_at
  FROM CRM.ANALYTICS.customers__duplicates d
  WHERE d.source_object = 'Contact'
  UNION ALL SELECT r.source_id, r.source_modified_at
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Contact') p
  LEFT JOIN CRM.ANALYTICS.customers__arriving a ON a.source_id = p.source_id
  WHERE a.source_id IS NULL
  UNION ALL SELECT a.source_id, a.source_modified_at
  FROM CRM.ANALYTICS.customers__arriving a
  WHERE a.outcome IN ('live', 'rejected')) e
  JOIN CRM.ANALYTICS.customers__listed l ON l.source_id = e.source_id;
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__listed (source_id VARCHAR, source_modified_at TIMESTAMP_NTZ);
PUT 'file:///state/staged/listed.parquet' @CRM.ANALYTICS.durable_stage/__lists/customers AUTO_COMPRESS=FALSE OVERWRITE=TRUE;
COPY INTO CRM.ANALYTICS.customers__listed
  FROM @CRM.ANALYTICS.durable_stage/__lists/customers/listed.parquet
  FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE) MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT;
SELECT COUNT(*), MIN(source_modified_at), MAX(source_modified_at)
  FROM CRM.ANALYTICS.customers__listed;
REMOVE @CRM.ANALYTICS.durable_stage/__lists/customers/listed.parquet;
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__expected (source_id VARCHAR, source_modified_at TIMESTAMP_NTZ);
INSERT INTO CRM.ANALYTICS.customers__expected (source_id, source_modified_at)
  SELECT e.source_id, MAX(e.source_modified_at)
  FROM (SELECT p.source_id, p.source_modified_at
  FROM (SELECT t.source_id, t.source_modified_at
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact' AND t.is_current) t
  UNION ALL SELECT d.source_id, d.source_modified_at
  FROM CRM.ANALYTICS.customers__duplicates d
  WHERE d.source_object = 'Contact'
  UNION ALL SELECT r.source_id, r.source_modified_at
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Contact') p
  LEFT JOIN CRM.ANALYTICS.customers__arriving a ON a.source_id = p.source_id
  WHERE a.source_id IS NULL
  UNION ALL SELECT a.source_id, a.source_modified_at
  FROM CRM.ANALYTICS.customers__arriving a
  WHERE a.outcome IN ('live', 'rejected')) e
  GROUP BY e.source_id;
SELECT e.source_id
  FROM CRM.ANALYTICS.customers__expected e
  LEFT JOIN CRM.ANALYTICS.customers__listed l ON l.source_id = e.source_id
  WHERE l.source_id IS NULL;
SELECT DISTINCT l.source_id
  FROM CRM.ANALYTICS.customers__listed l
  LEFT JOIN CRM.ANALYTICS.customers__expected e ON e.source_id = l.source_id
  WHERE e.source_id IS NULL AND (l.source_modified_at IS NULL OR l.source_modified_at < CAST('2026-01-31 02:00:00.123456' AS TIMESTAMP_NTZ));
SELECT DISTINCT l.source_id
  FROM CRM.ANALYTICS.customers__listed l
  LEFT JOIN CRM.ANALYTICS.customers__expected e ON e.source_id = l.source_id
  WHERE l.source_modified_at > e.source_modified_at AND l.source_modified_at < CAST('2026-01-31 02:00:00.123456' AS TIMESTAMP_NTZ);
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__listed (source_id VARCHAR, source_modified_at TIMESTAMP_NTZ);
PUT 'file:///state/staged/listed.parquet' @CRM.ANALYTICS.durable_stage/__lists/customers AUTO_COMPRESS=FALSE OVERWRITE=TRUE;
COPY INTO CRM.ANALYTICS.customers__listed
  FROM @CRM.ANALYTICS.durable_stage/__lists/customers/listed.parquet
  FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE) MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT;
SELECT COUNT(*), MIN(source_modified_at), MAX(source_modified_at)
  FROM CRM.ANALYTICS.customers__listed;
REMOVE @CRM.ANALYTICS.durable_stage/__lists/customers/listed.parquet;
SELECT COALESCE(SUM(c.differs * (1 - c.leaves)), 0), COALESCE(SUM(c.leaves), 0)
  FROM (SELECT CASE WHEN l.source_id IS NOT NULL OR a.outcome <> 'live' THEN 1 ELSE 0 END AS leaves, CASE WHEN a.outcome = 'live' AND a.row_hash IS DISTINCT FROM t.row_hash THEN 1 ELSE 0 END AS differs
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact' AND t.is_current) t
  LEFT JOIN CRM.ANALYTICS.customers__arriving a ON a.source_id = t.source_id
  LEFT JOIN CRM.ANALYTICS.customers__listed l ON l.source_id = t.source_id
  WHERE a.source_id IS NOT NULL OR l.source_id IS NOT NULL) c;

-- mark Contacts as deleted
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__missing (source_id VARCHAR);
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__keys (dedupe_key VARCHAR);
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__losers (source_id VARCHAR, winner_id VARCHAR);
PUT 'file:///state/staged/gone-ids.parquet' @CRM.ANALYTICS.durable_stage/__lists/customers AUTO_COMPRESS=FALSE OVERWRITE=TRUE;
COPY INTO CRM.ANALYTICS.customers__missing
  FROM @CRM.ANALYTICS.durable_stage/__lists/customers/gone-ids.parquet
  FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE) MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__missing;
REMOVE @CRM.ANALYTICS.durable_stage/__lists/customers/gone-ids.parquet;
BEGIN TRANSACTION;
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;
SELECT COUNT(*)
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact' AND t.is_current) t
  JOIN CRM.ANALYTICS.customers__missing m ON m.source_id = t.source_id;
DELETE FROM CRM.ANALYTICS.customers__rejects
  WHERE source_object = 'Contact' AND source_id IN (SELECT m.source_id
  FROM CRM.ANALYTICS.customers__missing m);
DELETE FROM CRM.ANALYTICS.customers__duplicates
  WHERE source_object = 'Contact' AND source_id IN (SELECT m.source_id
  FROM CRM.ANALYTICS.customers__missing m);
MERGE INTO CRM.ANALYTICS.customers AS t
  USING (SELECT t.source_object, t.source_id, t.valid_from, GREATEST(CAST('2026-01-01 02:00:00.123456' AS TIMESTAMP_NTZ), t.valid_from) AS deleted_at, CAST('2026-01-01 02:00:00.123456' AS TIMESTAMP_NTZ) AS loaded_at, 'run-1' AS run_id, '1.0.0' AS pipeline_version, TRUE AS is_deleted, 'deleted' AS deleted_reason, GREATEST(CAST('2026-01-01 02:00:00.123456' AS TIMESTAMP_NTZ), t.valid_from) AS valid_to, FALSE AS is_current, 'left:' || t.row_hash AS row_hash
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact' AND t.is_current) t
  WHERE t.source_id IN (SELECT m.source_id
  FROM CRM.ANALYTICS.customers__missing m)) AS s ON t.source_object = s.source_object AND t.source_id = s.source_id AND t.valid_from = s.valid_from
  WHEN MATCHED THEN UPDATE SET deleted_at = s.deleted_at, loaded_at = s.loaded_at, run_id = s.run_id, pipeline_version = s.pipeline_version, is_deleted = s.is_deleted, deleted_reason = s.deleted_reason, valid_to = s.valid_to, is_current = s.is_current, row_hash = s.row_hash;
SELECT COUNT(*), MAX(t.loaded_at)
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact' AND t.is_current) t;
UPDATE CRM.ANALYTICS.durable_state SET rows_live = ?, loaded_at = ?
  WHERE pipeline = ? AND object = ?;
UPDATE CRM.ANALYTICS.durable_ledger SET content = NULL
  WHERE pipeline = ? AND object = ?;
COMMIT;

-- compare values
CREATE OR REPLACE TRANSIENT TABLE CRM.ANALYTICS.customers__values (source_id VARCHAR, __misfit VARCHAR, name VARCHAR, amount NUMBER(38,18), opened_at TIMESTAMP_NTZ, __extension_0 VARCHAR);
REMOVE @CRM.ANALYTICS.durable_stage/__values/customers/;
PUT 'file:///state/staged/values.parquet' @CRM.ANALYTICS.durable_stage/__values/customers AUTO_COMPRESS=FALSE OVERWRITE=TRUE;
COPY INTO CRM.ANALYTICS.customers__values
  FROM @CRM.ANALYTICS.durable_stage/__values/customers/values.parquet
  FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE) MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT;
SELECT COUNT(*), MIN(opened_at), MAX(opened_at)
  FROM CRM.ANALYTICS.customers__values;
REMOVE @CRM.ANALYTICS.durable_stage/__values/customers/values.parquet;
SELECT t.source_id
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Account' AND t.is_current) t
  JOIN CRM.ANALYTICS.customers__values v ON v.source_id = t.source_id
  WHERE t.source_object = 'Account' AND (v.__misfit IS NOT NULL OR t.name IS DISTINCT FROM v.name OR t.amount IS DISTINCT FROM v.amount OR t.opened_at IS DISTINCT FROM v.opened_at OR t.extensions:"Size__c"::VARCHAR IS DISTINCT FROM v.__extension_0) UNION SELECT t.source_id
  FROM CRM.ANALYTICS.customers__duplicates t
  JOIN CRM.ANALYTICS.customers__values v ON v.source_id = t.source_id
  WHERE t.source_object = 'Account' AND (v.__misfit IS NOT NULL OR t.name IS DISTINCT FROM v.name OR t.amount IS DISTINCT FROM v.amount OR t.opened_at IS DISTINCT FROM v.opened_at OR t.extensions:"Size__c"::VARCHAR IS DISTINCT FROM v.__extension_0);

-- list rejects
SELECT r.source_id
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Contact';

-- totals
SELECT COUNT(*), MAX(t.loaded_at)
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact' AND t.is_current) t;
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Contact';
SELECT COUNT(*)
  FROM CRM.ANALYTICS.customers__duplicates d
  WHERE d.source_object = 'Contact';

-- state
SELECT s.object, s.organization_id, s.watermark, s.row_function, s.rows_live, s.last_run_id, s.updated_at, s.loaded_at, COALESCE(l.batches, 0)
  FROM CRM.ANALYTICS.durable_state s
  LEFT JOIN (SELECT pipeline, object, run_id, COUNT(*) AS batches
  FROM CRM.ANALYTICS.durable_ledger
  GROUP BY pipeline, object, run_id) l ON l.pipeline = s.pipeline AND l.object = s.object AND l.run_id = s.last_run_id
  WHERE s.pipeline = ?;
SELECT COUNT(*), MAX(t.loaded_at)
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact' AND t.is_current) t;
SELECT COUNT(*), MAX(t.loaded_at)
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Account' AND t.is_current) t;

-- give the lease back
UPDATE CRM.ANALYTICS.durable_lock SET expires_at = ?
  WHERE pipeline = ? AND owner = ? AND fence = ?;

-- close
DROP VIEW IF EXISTS CRM.ANALYTICS.customers__stage;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__before;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__keys;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__losers;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__rivals;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__versions;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__missing;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__arriving;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__listed;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__expected;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__staged;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__values;
DROP TABLE IF EXISTS CRM.ANALYTICS.customers__values_text;

-- widen
ALTER TABLE CRM.ANALYTICS.customers ADD COLUMN IF NOT EXISTS rating VARCHAR;
ALTER TABLE CRM.ANALYTICS.customers__duplicates ADD COLUMN IF NOT EXISTS rating VARCHAR;

-- ==== What deletes: flag sends instead

-- load Accounts
INSERT INTO CRM.ANALYTICS.customers (source_object, source_id, source_modified_at, is_deleted, deleted_at, deleted_reason, valid_from, valid_to, is_current, name, amount, opened_at, extensions, row_hash, loaded_at, run_id, pipeline_version)
  SELECT s.source_object, s.source_id, s.source_modified_at, TRUE, s.valid_from, s.__outcome, s.valid_from, s.valid_from, FALSE, s.name, s.amount, s.opened_at, PARSE_JSON(s.extensions), CASE WHEN s.__outcome = 'live' THEN s.row_hash ELSE s.__outcome || ':' || COALESCE(s.row_hash, '') END, s.loaded_at, s.run_id, s.pipeline_version
  FROM CRM.ANALYTICS.customers__stage s
  LEFT JOIN CRM.ANALYTICS.customers t ON t.source_object = s.source_object AND t.source_id = s.source_id
  WHERE s.__outcome = 'deleted' AND t.source_id IS NULL;
SELECT c.category, COUNT(*)
  FROM (SELECT CASE WHEN b.stale = 1 OR b.same = 1 THEN 'unchanged' WHEN l.__outcome = 'rejected' THEN 'rejected' WHEN l.__outcome <> 'live' THEN CASE WHEN b.was_live = 1 THEN 'deleted' WHEN b.was_flagged = 1 THEN 'updated' WHEN l.__outcome = 'deleted' THEN 'inserted' ELSE 'skipped' END WHEN b.was_live = 1 OR b.was_flagged = 1 THEN 'updated' ELSE 'inserted' END AS category
  FROM CRM.ANALYTICS.customers__staged l
  LEFT JOIN CRM.ANALYTICS.customers__before b ON b.source_id = l.source_id) c
  GROUP BY c.category;

-- load Contacts
INSERT INTO CRM.ANALYTICS.customers (source_object, source_id, source_modified_at, is_deleted, deleted_at, deleted_reason, valid_from, valid_to, is_current, email, created_date, extensions, row_hash, loaded_at, run_id, pipeline_version)
  SELECT s.source_object, s.source_id, s.source_modified_at, TRUE, s.valid_from, s.__outcome, s.valid_from, s.valid_from, FALSE, s.email, s.created_date, PARSE_JSON(s.extensions), CASE WHEN s.__outcome = 'live' THEN s.row_hash ELSE s.__outcome || ':' || COALESCE(s.row_hash, '') END, s.loaded_at, s.run_id, s.pipeline_version
  FROM CRM.ANALYTICS.customers__stage s
  LEFT JOIN CRM.ANALYTICS.customers t ON t.source_object = s.source_object AND t.source_id = s.source_id
  WHERE s.__outcome = 'deleted' AND t.source_id IS NULL;
SELECT c.category, COUNT(*)
  FROM (SELECT CASE WHEN b.stale = 1 OR b.same = 1 THEN 'unchanged' WHEN l.__outcome = 'rejected' THEN 'rejected' WHEN l.__outcome <> 'live' THEN CASE WHEN b.was_live = 1 THEN 'deleted' WHEN b.was_flagged = 1 THEN 'updated' WHEN l.__outcome = 'deleted' THEN 'inserted' ELSE 'skipped' END WHEN b.was_live = 1 OR b.was_flagged = 1 THEN 'updated' ELSE 'inserted' END AS category
  FROM CRM.ANALYTICS.customers__staged l
  LEFT JOIN CRM.ANALYTICS.customers__before b ON b.source_id = l.source_id) c
  GROUP BY c.category;

-- ==== What deletes: remove sends instead

-- load Accounts
INSERT INTO CRM.ANALYTICS.customers__before (source_id, was_live, was_flagged, was_duplicate, same, stale)
  SELECT k.source_id, MAX(k.live), MAX(k.flagged), MAX(k.duplicate), MIN(k.same), MAX(k.stale)
  FROM (SELECT v.source_id, v.is_open AS live, 1 - v.is_open AS flagged, 0 AS duplicate, CASE WHEN l.__outcome <> 'live' THEN 1 - v.is_open WHEN (l.source_modified_at < v.newest_at OR (v.is_open = 0 AND l.source_modified_at < v.closed_at AND v.newest_hash NOT LIKE 'left:%')) THEN CASE WHEN o.source_id IS NULL THEN 0 ELSE 1 END WHEN v.is_open = 1 AND l.row_hash = v.newest_hash THEN 1 ELSE 0 END AS same, CASE WHEN l.__outcome <> 'live' AND l.source_modified_at < v.newest_at THEN 1 ELSE 0 END AS stale
  FROM CRM.ANALYTICS.customers__versions v
  JOIN CRM.ANALYTICS.customers__staged l ON l.source_id = v.source_id
  LEFT JOIN (SELECT DISTINCT t.source_id, t.source_modified_at
  FROM CRM.ANALYTICS.customers t
  JOIN CRM.ANALYTICS.customers__staged y ON y.source_id = t.source_id AND y.source_modified_at = t.source_modified_at
  WHERE t.source_object = 'Account' ) o ON o.source_id = l.source_id AND o.source_modified_at = l.source_modified_at
  UNION ALL SELECT r.source_id, 0 AS live, 0 AS flagged, 0 AS duplicate, CASE WHEN l.__outcome = 'rejected' AND r.source_modified_at IS NOT DISTINCT FROM l.source_modified_at AND r.rule = l.__rule AND r.requirement IS NOT DISTINCT FROM l.__requirement AND r.message IS NOT DISTINCT FROM l.__message AND r.record IS NOT DISTINCT FROM l.__record THEN 1 ELSE 0 END AS same, CASE WHEN l.source_modified_at < r.source_modified_at THEN 1 ELSE 0 END AS stale
  FROM CRM.ANALYTICS.customers__rejects r
  JOIN CRM.ANALYTICS.customers__staged l ON r.source_id = l.source_id
  WHERE r.source_object = 'Account'
  UNION ALL SELECT l.source_id, 0, 0, 0, 0, 0
  FROM CRM.ANALYTICS.customers__staged l
  WHERE l.__outcome = 'rejected' AND l.source_id NOT IN (SELECT r.source_id
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Account')
  UNION ALL SELECT x.source_id, 0, 0, 0, 0, CASE WHEN l.source_modified_at < x.deleted_at THEN 1 ELSE 0 END
  FROM CRM.ANALYTICS.durable_tombstone x
  JOIN CRM.ANALYTICS.customers__staged l ON x.source_id = l.source_id
  WHERE x.table_name = 'customers' AND x.object = 'Account') k
  GROUP BY k.source_id;
DELETE FROM CRM.ANALYTICS.customers
  WHERE source_object = 'Account' AND source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s
  WHERE s.__outcome <> 'live');
DELETE FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = 'customers' AND object = 'Account' AND source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s);
INSERT INTO CRM.ANALYTICS.durable_tombstone (table_name, object, source_id, deleted_at)
  SELECT 'customers', 'Account', s.source_id, s.source_modified_at
  FROM CRM.ANALYTICS.customers__stage s
  WHERE s.__outcome IN ('deleted', 'filtered');

-- load Contacts
INSERT INTO CRM.ANALYTICS.customers__before (source_id, was_live, was_flagged, was_duplicate, same, stale)
  SELECT k.source_id, MAX(k.live), MAX(k.flagged), MAX(k.duplicate), MIN(k.same), MAX(k.stale)
  FROM (SELECT v.source_id, v.is_open AS live, 1 - v.is_open AS flagged, 0 AS duplicate, CASE WHEN l.__outcome <> 'live' THEN 1 - v.is_open WHEN (l.source_modified_at < v.newest_at OR (v.is_open = 0 AND l.source_modified_at < v.closed_at AND v.newest_hash NOT LIKE 'left:%')) THEN CASE WHEN o.source_id IS NULL THEN 0 ELSE 1 END WHEN v.is_open = 1 AND l.row_hash = v.newest_hash THEN 1 ELSE 0 END AS same, CASE WHEN l.__outcome <> 'live' AND l.source_modified_at < v.newest_at THEN 1 ELSE 0 END AS stale
  FROM CRM.ANALYTICS.customers__versions v
  JOIN CRM.ANALYTICS.customers__staged l ON l.source_id = v.source_id
  LEFT JOIN (SELECT DISTINCT t.source_id, t.source_modified_at
  FROM CRM.ANALYTICS.customers t
  JOIN CRM.ANALYTICS.customers__staged y ON y.source_id = t.source_id AND y.source_modified_at = t.source_modified_at
  WHERE t.source_object = 'Contact' ) o ON o.source_id = l.source_id AND o.source_modified_at = l.source_modified_at
  UNION ALL SELECT r.source_id, 0 AS live, 0 AS flagged, 0 AS duplicate, CASE WHEN l.__outcome = 'rejected' AND r.source_modified_at IS NOT DISTINCT FROM l.source_modified_at AND r.rule = l.__rule AND r.requirement IS NOT DISTINCT FROM l.__requirement AND r.message IS NOT DISTINCT FROM l.__message AND r.record IS NOT DISTINCT FROM l.__record THEN 1 ELSE 0 END AS same, CASE WHEN l.source_modified_at < r.source_modified_at THEN 1 ELSE 0 END AS stale
  FROM CRM.ANALYTICS.customers__rejects r
  JOIN CRM.ANALYTICS.customers__staged l ON r.source_id = l.source_id
  WHERE r.source_object = 'Contact'
  UNION ALL SELECT l.source_id, 0, 0, 0, 0, 0
  FROM CRM.ANALYTICS.customers__staged l
  WHERE l.__outcome = 'rejected' AND l.source_id NOT IN (SELECT r.source_id
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Contact')
  UNION ALL SELECT x.source_id, 0, 0, 0, 0, CASE WHEN l.source_modified_at < x.deleted_at THEN 1 ELSE 0 END
  FROM CRM.ANALYTICS.durable_tombstone x
  JOIN CRM.ANALYTICS.customers__staged l ON x.source_id = l.source_id
  WHERE x.table_name = 'customers' AND x.object = 'Contact') k
  GROUP BY k.source_id;
DELETE FROM CRM.ANALYTICS.customers
  WHERE source_object = 'Contact' AND source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s
  WHERE s.__outcome <> 'live');
DELETE FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = 'customers' AND object = 'Contact' AND source_id IN (SELECT s.source_id
  FROM CRM.ANALYTICS.customers__stage s);
INSERT INTO CRM.ANALYTICS.durable_tombstone (table_name, object, source_id, deleted_at)
  SELECT 'customers', 'Contact', s.source_id, s.source_modified_at
  FROM CRM.ANALYTICS.customers__stage s
  WHERE s.__outcome IN ('deleted', 'filtered');
DELETE FROM CRM.ANALYTICS.durable_tombstone
  WHERE table_name = ? AND object = ? AND deleted_at < ?;

-- forecast
DELETE FROM CRM.ANALYTICS.customers__arriving
  WHERE source_id IN (SELECT a.source_id
  FROM CRM.ANALYTICS.customers__arriving a
  JOIN (SELECT t.source_id, t.source_modified_at AS known_at
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact'
  UNION ALL SELECT r.source_id, r.source_modified_at
  FROM CRM.ANALYTICS.customers__rejects r
  WHERE r.source_object = 'Contact'
  UNION ALL SELECT x.source_id, x.deleted_at
  FROM CRM.ANALYTICS.durable_tombstone x
  WHERE x.table_name = 'customers' AND x.object = 'Contact') k ON k.source_id = a.source_id
  WHERE a.source_modified_at < k.known_at);

-- mark Contacts as deleted
INSERT INTO CRM.ANALYTICS.durable_tombstone (table_name, object, source_id, deleted_at)
  SELECT 'customers', 'Contact', t.source_id, t.source_modified_at
  FROM (SELECT t.*
  FROM CRM.ANALYTICS.customers t
  WHERE t.source_object = 'Contact' AND t.is_current) t
  WHERE t.source_id IN (SELECT m.source_id
  FROM CRM.ANALYTICS.customers__missing m);
DELETE FROM CRM.ANALYTICS.customers
  WHERE source_object = 'Contact' AND source_id IN (SELECT m.source_id
  FROM CRM.ANALYTICS.customers__missing m);
