-- Sessions that expired before the summer of 2023 go.
DELETE FROM sessions WHERE expires_at < timestamptz '2023-06-15 UTC';

DO $books$
BEGIN
    DELETE FROM session_totals;
    INSERT INTO session_totals SELECT '2023-06-15 UTC', count(*) FROM sessions;
END
$books$;

VACUUM FULL sessions;
