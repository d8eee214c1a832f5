-- `state` replaces the question whether `read_at` is empty.
-- migtime: batch key=id size=5000 walk=key-range
UPDATE notifications
SET state = CASE WHEN read_at IS NULL THEN 'sent' ELSE 'read' END
WHERE state IS NULL;
