-- The vacuums that run on the tables $1 (qualified names), as far as the role may see them.
SELECT json_build_object(
    'sees_all', pg_has_role('pg_read_all_stats', 'USAGE'),
    'running', coalesce((
        SELECT json_agg(json_build_object(
            'pid', p.pid, 'table', t.name, 'phase', p.phase,
            'scanned', CASE WHEN p.heap_blks_total > 0 THEN p.heap_blks_scanned::float8 / p.heap_blks_total END,
            'automatic', coalesce(a.backend_type = 'autovacuum worker', false),
            'prevents_wraparound', coalesce(a.query LIKE '%(to prevent wraparound)%', false)
        ) ORDER BY t.name)
        FROM unnest($1::text[]) t (name)
        JOIN pg_stat_progress_vacuum p ON p.relid = to_regclass(t.name) AND p.datname = current_database()
        LEFT JOIN pg_stat_activity a ON a.pid = p.pid), '[]')
)::text
