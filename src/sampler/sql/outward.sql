-- One JSON document: routines that somebody wrote, event triggers and subscriptions of this database.
--
-- Members of extensions are left out: what they are is known by their name, and a bare mention of it is found where it is called.
SELECT json_build_object(
    'routines', (
        SELECT coalesce(json_agg(json_build_object(
            'id', p.oid::bigint,
            'name', p.proname,
            -- A body in the standard's form has no text of its own.
            'body', CASE WHEN p.prosrc <> '' THEN p.prosrc ELSE pg_get_functiondef(p.oid) END,
            'is_of_triggers', p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)
        ) ORDER BY p.oid), '[]')
        FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE l.lanname IN ('sql', 'plpgsql') AND p.prokind IN ('f', 'p')
          AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
          AND NOT EXISTS (
              SELECT FROM pg_depend d
              WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')),
    'event_triggers', (
        SELECT coalesce(json_agg(json_build_array(e.evtname, p.proname) ORDER BY e.evtname), '[]')
        FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid
        WHERE e.evtenabled <> 'D'),
    'subscriptions', (
        SELECT coalesce(json_agg(s.subname ORDER BY s.subname), '[]')
        FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
        WHERE d.datname = current_database() AND s.subenabled)
)::text
