-- Each kind of statement, behind a line with its name.
-- kind: do-update
DO $$ BEGIN UPDATE evt SET created_by = 'd'; END $$;
-- kind: do-loop-by-limit
DO $$
DECLARE n int;
BEGIN
  LOOP
    UPDATE evt SET created_by = 'l' WHERE id IN (SELECT id FROM evt WHERE created_by IS NULL LIMIT 10000);
    GET DIAGNOSTICS n = ROW_COUNT;
    EXIT WHEN n = 0;
  END LOOP;
END $$;
-- kind: call-with-commits
CALL backfill_in_parts();
-- kind: select-function
SELECT backfill();
-- kind: with-update
WITH x AS (UPDATE evt SET created_by = 'w' RETURNING id) SELECT count(*) FROM x;
-- kind: update-through-view
UPDATE evt_v SET created_by = 'v';
-- kind: update-whole
BEGIN;
UPDATE evt SET created_by = 'u';
COMMIT;
-- kind: update-indexed-column
BEGIN;
UPDATE evt SET k = k + 1;
COMMIT;
-- kind: update-from
BEGIN;
UPDATE evt SET created_by = other.pad FROM other WHERE other.id = evt.id;
COMMIT;
-- kind: update-from-small
BEGIN;
UPDATE evt SET created_by = fixed.name FROM fixed WHERE fixed.id = evt.k;
COMMIT;
-- kind: update-with-trigger
BEGIN;
UPDATE watched SET v = 1;
COMMIT;
-- kind: merge
MERGE INTO evt USING other ON other.id = evt.id WHEN MATCHED THEN UPDATE SET created_by = 'm';
-- kind: delete-part
BEGIN;
DELETE FROM evt WHERE k < 250;
COMMIT;
-- kind: delete-cascade
DELETE FROM parent WHERE id % 10 = 0;
-- kind: delete-cascade-without-index
DELETE FROM owner WHERE id % 10 = 0;
-- kind: insert-select
INSERT INTO sink SELECT id, k, pad FROM evt;
-- kind: insert-generated
INSERT INTO sink SELECT g, 1, 'z' FROM generate_series(1, 200000) g;
-- kind: create-table-as
CREATE TABLE made AS SELECT * FROM evt;
-- kind: create-materialized-view
CREATE MATERIALIZED VIEW sorted AS SELECT id, k FROM evt ORDER BY k;
-- kind: refresh
REFRESH MATERIALIZED VIEW copies;
-- kind: refresh-concurrently
REFRESH MATERIALIZED VIEW CONCURRENTLY copies;
-- kind: refresh-sums
REFRESH MATERIALIZED VIEW sums;
-- kind: select-count
SELECT count(*) FROM evt WHERE pad LIKE '%z%';
-- kind: alter-domain
ALTER DOMAIN positive ADD CONSTRAINT above CHECK (VALUE > 0);
-- kind: create-index
CREATE INDEX ON evt (amount);
-- kind: create-index-concurrently
CREATE INDEX CONCURRENTLY ON evt (amount);
-- kind: create-index-partitioned
CREATE INDEX ON parted (k);
-- kind: type-change
ALTER TABLE evt ALTER COLUMN amount TYPE bigint;
-- kind: type-change-partitioned
ALTER TABLE parted ALTER COLUMN k TYPE bigint;
-- kind: volatile-default
ALTER TABLE evt ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();
-- kind: set-not-null
ALTER TABLE evt ALTER COLUMN amount SET NOT NULL;
-- kind: add-check
ALTER TABLE evt ADD CONSTRAINT positive_amount CHECK (amount > 0);
-- kind: add-foreign-key
ALTER TABLE evt ADD CONSTRAINT of_fixed FOREIGN KEY (k) REFERENCES fixed (id);
-- kind: cluster
CLUSTER evt USING evt_k;
-- kind: reindex
REINDEX TABLE evt;
-- kind: vacuum-full
VACUUM (FULL) evt;
-- kind: add-column
ALTER TABLE evt ADD COLUMN note text;
