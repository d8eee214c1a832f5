-- One JSON document: the database's name and every relation whose name is about as long as the wanted one, or equal to it.
--
-- $1: the wanted name, folded and unquoted; $2: how much longer or shorter a near match may be.
SELECT json_build_object(
    'database', current_database(),
    'relations', (
        SELECT json_agg(json_build_object(
            'schema', n.nspname,
            'name', c.relname,
            'quoted', quote_ident(n.nspname) || '.' || quote_ident(c.relname),
            'temporary', c.relpersistence = 't'))
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f')
          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
          AND abs(length(c.relname) - length($1)) <= $2)
)::text
