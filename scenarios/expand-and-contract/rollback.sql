-- The old column was kept in step, so names go back and the twin goes, with its index and constraints.
BEGIN;
SET LOCAL lock_timeout = '5s';
DROP TRIGGER zz_reports_device_id_in_step ON reports;
DROP FUNCTION reports_device_id_in_step();
ALTER TABLE reports DROP COLUMN device_id;
ALTER TABLE reports RENAME COLUMN device_id_old TO device_id;
ALTER INDEX reports_device_id_reported_at_old RENAME TO reports_device_id_reported_at;
ALTER TABLE reports RENAME CONSTRAINT reports_device_id_fkey_old TO reports_device_id_fkey;
COMMIT;
