-- Who has a transaction open, and the locks that each has, or waits for, on the tables $1 (qualified names).
WITH touched AS MATERIALIZED (
    SELECT to_regclass(name)::oid AS oid, name FROM unnest($1::text[]) t (name)
),
lock AS MATERIALIZED (
    SELECT l.pid, l.virtualtransaction, json_agg(json_build_object(
        'table', t.name, 'mode', l.mode, 'granted', l.granted) ORDER BY t.name, l.mode) AS locks
    FROM pg_locks l JOIN touched t ON t.oid = l.relation
    WHERE l.locktype = 'relation'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY l.pid, l.virtualtransaction
)
SELECT json_build_object(
    'sees_all', pg_has_role('pg_read_all_stats', 'USAGE'),
    'open', coalesce((
        SELECT json_agg(json_build_object(
            'pid', a.pid, 'user', a.usename, 'application', a.application_name,
            'here', a.datname IS NOT DISTINCT FROM current_database(), 'state', a.state,
            'seconds', extract(epoch FROM clock_timestamp() - a.xact_start),
            'holds_snapshot', a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL,
            'query', a.query,
            'waits_for', CASE WHEN a.wait_event_type = 'Lock' THEN to_json(pg_blocking_pids(a.pid)) ELSE '[]' END,
            'locks', coalesce((SELECT l.locks FROM lock l WHERE l.pid = a.pid), '[]')
        ) ORDER BY a.xact_start)
        FROM pg_stat_activity a
        WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL), '[]'),
    'prepared', coalesce((
        SELECT json_agg(json_build_object(
            'gid', p.gid, 'owner', p.owner, 'here', p.database = current_database(),
            'seconds', extract(epoch FROM clock_timestamp() - p.prepared),
            -- Its locks stand under the virtual transaction that also locks its own number.
            'locks', coalesce((
                SELECT l.locks FROM lock l JOIN pg_locks own ON own.virtualtransaction = l.virtualtransaction
                WHERE l.pid IS NULL AND own.pid IS NULL
                  AND own.locktype = 'transactionid' AND own.transactionid = p.transaction), '[]')
        ) ORDER BY p.prepared)
        FROM pg_prepared_xacts p), '[]')
)::text
