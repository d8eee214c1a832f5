-- Who follows the server, and what is kept for whom.
SELECT json_build_object(
    'is_standby', pg_is_in_recovery(),
    'sees_all', pg_has_role('pg_read_all_stats', 'USAGE'),
    'synchronous_names', current_setting('synchronous_standby_names'),
    'commits_wait', current_setting('synchronous_commit') NOT IN ('off', 'local'),
    'followers', coalesce((
        SELECT json_agg(json_build_object(
            'name', r.application_name, 'state', r.state, 'sync_state', r.sync_state,
            'lag_seconds', extract(epoch FROM r.replay_lag),
            'lag_bytes', CASE WHEN NOT pg_is_in_recovery()
                THEN pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn) END
        ) ORDER BY r.application_name, r.pid)
        FROM pg_stat_replication r), '[]'),
    'slots', coalesce((
        SELECT json_agg(json_build_object(
            'name', s.slot_name, 'active', s.active,
            'kept_bytes', CASE WHEN NOT pg_is_in_recovery()
                THEN pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn) END,
            'safe_bytes', s.safe_wal_size, 'wal_status', s.wal_status
        ) ORDER BY s.slot_name)
        FROM pg_replication_slots s), '[]')
)::text
