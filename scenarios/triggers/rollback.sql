-- The trigger writes this down as well: the log keeps both changes.
ALTER TABLE accounts ALTER COLUMN risk_class DROP DEFAULT;
UPDATE accounts SET risk_class = NULL WHERE risk_class IS NOT NULL;
