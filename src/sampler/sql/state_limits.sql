-- The time-outs of role $1 (null: the current one) in this database, and how many connections are left.
WITH migrating AS (
    SELECT r.oid, r.rolname, r.rolconnlimit, r.rolname = session_user AS is_own
    FROM pg_roles r WHERE r.rolname = coalesce($1::text, session_user::text)
),
here AS (SELECT oid, datname, datconnlimit FROM pg_database WHERE datname = current_database()),
configured AS (
    SELECT s.setdatabase, s.setrole, split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value
    FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c
),
-- In the order of precedence; what is set for the session's own role is in reset_val already.
known AS (
    SELECT s.name, k.value, k.source, k.rank
    FROM pg_settings s CROSS JOIN migrating m CROSS JOIN here h
    CROSS JOIN LATERAL (
        SELECT c.value, 'role ' || m.rolname || ' in database ' || h.datname, 1 FROM configured c
        WHERE c.name = s.name AND c.setrole = m.oid AND c.setdatabase = h.oid
        UNION ALL
        SELECT c.value, 'role ' || m.rolname, 2 FROM configured c
        WHERE c.name = s.name AND c.setrole = m.oid AND c.setdatabase = 0
        UNION ALL
        SELECT c.value, 'database ' || h.datname, 3 FROM configured c
        WHERE c.name = s.name AND c.setrole = 0 AND c.setdatabase = h.oid
        UNION ALL
        SELECT CASE WHEN m.is_own OR NOT EXISTS (
                SELECT FROM configured c JOIN pg_roles o ON o.oid = c.setrole
                WHERE c.name = s.name AND o.rolname = session_user) THEN s.reset_val END, 'the server', 4
    ) k (value, source, rank)
    WHERE s.name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
)
SELECT json_build_object(
    'role', (SELECT rolname FROM migrating),
    'timeouts', (
        SELECT json_agg(json_build_object('name', f.name, 'value', f.value, 'source', f.source) ORDER BY f.name)
        FROM (SELECT DISTINCT ON (name) * FROM known ORDER BY name, rank) f),
    'connections', current_setting('max_connections')::int - (
        SELECT sum(setting::int) FROM pg_settings
        WHERE name IN ('superuser_reserved_connections', 'reserved_connections')),
    'used', (SELECT sum(numbackends) FROM pg_stat_database),
    'of_role', (SELECT nullif(rolconnlimit, -1) FROM migrating),
    'used_by_role', (
        SELECT count(*) FROM pg_stat_activity a, migrating m WHERE a.usesysid = m.oid AND a.datname IS NOT NULL),
    'of_database', (SELECT nullif(datconnlimit, -1) FROM here),
    'used_in_database', (SELECT numbackends FROM pg_stat_database WHERE datname = current_database())
)::text
