-- One JSON document: the facts in which a clone should be like production, each with its class, its name, the relation it
-- belongs to and its value.
--
-- $1: names of settings.
WITH spaces AS (
    SELECT oid, quote_ident(nspname) AS name FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
tables AS (
    SELECT c.oid, spaces.name || '.' || quote_ident(c.relname) AS name, c.relkind, c.relpersistence, c.reloptions,
           c.relispartition
    FROM pg_class c JOIN spaces ON spaces.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm')
),
facts (class, name, relation, value) AS (
    SELECT 'server version', 'of PostgreSQL', NULL, current_setting('server_version_num')::int / 10000 || ''
    UNION ALL
    SELECT 'setting', name, NULL, current_setting(name, true) FROM unnest($1::text[]) AS name
    WHERE current_setting(name, true) IS NOT NULL
    UNION ALL
    SELECT 'extension', quote_ident(extname), NULL, extversion FROM pg_extension
    UNION ALL
    SELECT 'collation', 'of the database', NULL,
           concat_ws(', version ', datcollate, to_jsonb(d) ->> 'datcollversion')
    FROM pg_database d WHERE datname = current_database()
    UNION ALL
    SELECT 'column', tables.name || '.' || quote_ident(a.attname), tables.name, concat_ws(', ',
        format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attnotnull THEN 'NOT NULL' END,
        CASE WHEN a.attstorage <> y.typstorage THEN 'storage ' || a.attstorage::text END,
        CASE WHEN nullif(nullif(to_jsonb(a) ->> 'attstattarget', '-1'), '') IS NOT NULL
             THEN 'statistics target ' || (to_jsonb(a) ->> 'attstattarget') END)
    FROM tables JOIN pg_attribute a ON a.attrelid = tables.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type y ON y.oid = a.atttypid
    WHERE NOT tables.relispartition
    UNION ALL
    SELECT 'index', spaces.name || '.' || quote_ident(i.relname), tables.name,
           pg_get_indexdef(x.indexrelid) || CASE WHEN x.indisvalid THEN '' ELSE ', invalid' END
    FROM tables JOIN pg_index x ON x.indrelid = tables.oid
    JOIN pg_class i ON i.oid = x.indexrelid JOIN spaces ON spaces.oid = i.relnamespace
    WHERE NOT tables.relispartition
    UNION ALL
    SELECT 'constraint', quote_ident(k.conname) || ' on ' || tables.name, tables.name,
           pg_get_constraintdef(k.oid) || CASE WHEN k.convalidated THEN '' ELSE ', not validated' END
    FROM tables JOIN pg_constraint k ON k.conrelid = tables.oid
    WHERE k.contype IN ('c', 'f', 'x') AND NOT tables.relispartition
    UNION ALL
    SELECT 'trigger', quote_ident(g.tgname) || ' on ' || tables.name, tables.name,
           pg_get_triggerdef(g.oid) || CASE g.tgenabled WHEN 'O' THEN '' ELSE ', fires ' || g.tgenabled::text END
    FROM tables JOIN pg_trigger g ON g.tgrelid = tables.oid
    WHERE NOT g.tgisinternal AND NOT tables.relispartition
    UNION ALL
    SELECT 'number of partitions', 'of ' || tables.name, tables.name,
           (SELECT count(*) FROM pg_partition_tree(tables.oid) WHERE isleaf)::text
    FROM tables WHERE tables.relkind = 'p' AND NOT tables.relispartition
    UNION ALL
    SELECT 'storage', 'of ' || tables.name, tables.name, concat_ws(', ',
        CASE tables.relpersistence WHEN 'u' THEN 'unlogged' END, array_to_string(tables.reloptions, ', '))
    FROM tables WHERE NOT tables.relispartition
)
SELECT coalesce(json_agg(json_build_object(
    'class', class, 'name', name, 'relation', relation, 'value', value)), '[]')::text
FROM facts
