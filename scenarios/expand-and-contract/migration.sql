-- device_id becomes a bigint without a long lock: what `migtime plan --expand-and-contract` writes, up to the switch.

-- Expand: a twin that every write keeps in step.
ALTER TABLE reports ADD COLUMN device_id_new bigint;
CREATE FUNCTION reports_device_id_in_step() RETURNS trigger LANGUAGE plpgsql AS $in_step$
BEGIN
    NEW.device_id_new := NEW.device_id::bigint;
    RETURN NEW;
END
$in_step$;
CREATE TRIGGER zz_reports_device_id_in_step BEFORE INSERT OR UPDATE ON reports
    FOR EACH ROW EXECUTE FUNCTION reports_device_id_in_step();

-- Backfill: the rows that were there before.
-- migtime: batch size=1000
UPDATE reports SET device_id_new = device_id::bigint WHERE device_id IS NOT NULL AND device_id_new IS NULL;

-- Constrain: only VALIDATE reads the table, and it lets writers through.
ALTER TABLE reports ADD CONSTRAINT device_id_new_is_there CHECK (device_id_new IS NOT NULL) NOT VALID;
ALTER TABLE reports VALIDATE CONSTRAINT device_id_new_is_there;
ALTER TABLE reports ALTER COLUMN device_id_new SET NOT NULL;
ALTER TABLE reports DROP CONSTRAINT device_id_new_is_there;
ALTER TABLE reports ADD CONSTRAINT reports_device_id_fkey_new FOREIGN KEY (device_id_new) REFERENCES devices (id) NOT VALID;
ALTER TABLE reports VALIDATE CONSTRAINT reports_device_id_fkey_new;

-- Index.
CREATE INDEX CONCURRENTLY reports_device_id_reported_at_new ON reports (device_id_new, reported_at);

-- Switch: names only. The old column follows until it is dropped, weeks later.
BEGIN;
SET LOCAL lock_timeout = '5s';
DROP TRIGGER zz_reports_device_id_in_step ON reports;
ALTER TABLE reports RENAME COLUMN device_id TO device_id_old;
ALTER TABLE reports RENAME COLUMN device_id_new TO device_id;
ALTER INDEX reports_device_id_reported_at RENAME TO reports_device_id_reported_at_old;
ALTER INDEX reports_device_id_reported_at_new RENAME TO reports_device_id_reported_at;
ALTER TABLE reports RENAME CONSTRAINT reports_device_id_fkey TO reports_device_id_fkey_old;
ALTER TABLE reports RENAME CONSTRAINT reports_device_id_fkey_new TO reports_device_id_fkey;
CREATE OR REPLACE FUNCTION reports_device_id_in_step() RETURNS trigger LANGUAGE plpgsql AS $in_step$
BEGIN
    NEW.device_id_old := NEW.device_id::integer;
    RETURN NEW;
END
$in_step$;
CREATE TRIGGER zz_reports_device_id_in_step BEFORE INSERT OR UPDATE ON reports
    FOR EACH ROW EXECUTE FUNCTION reports_device_id_in_step();
COMMIT;
