-- Deleted sessions do not come back; their users log in again.
DELETE FROM session_totals;
