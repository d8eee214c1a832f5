-- How the log is archived.
SELECT json_build_object(
    'mode', current_setting('archive_mode'),
    'last_archived_seconds', (SELECT extract(epoch FROM clock_timestamp() - last_archived_time) FROM pg_stat_archiver),
    'is_failing', (SELECT last_failed_time > coalesce(last_archived_time, '-infinity') FROM pg_stat_archiver) IS TRUE
)::text
