-- One row for every wanted name, in order: null when there is no such relation, else a JSON document of the relation, the
-- storage of every leaf below it, and all their indexes with what they are attached to.
--
-- $1, $2, $3: database, schema (both null when not given) and name of each wanted relation, already folded and unquoted.
-- Reads nothing that a role without privileges may not read, and no column that only some of PostgreSQL 13 to 18 have.
-- Sets of relations are handed on as arrays: the planner takes an array for ten elements, while it would take the recursive
-- queries for millions of rows and spend seconds on compiling (jit) what runs for milliseconds.
WITH wanted AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS w (database, schema, name, position)
),
root AS (
    SELECT w.position, c.oid, c.relname, c.relkind, c.relpersistence, n.nspname
    FROM wanted w
    JOIN pg_class c ON c.relname = w.name::name
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (w.database IS NULL OR w.database = current_database())
      AND CASE WHEN w.schema IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = w.schema::name END
)
SELECT CASE WHEN r.oid IS NOT NULL THEN json_build_object(
    'name', quote_ident(r.nspname) || '.' || quote_ident(r.relname),
    'schema', r.nspname,
    'kind', r.relkind,
    'temporary', r.relpersistence = 't',
    'page', json_build_object(
        'block_size', current_setting('block_size')::int,
        'max_bytes_per_character', pg_encoding_max_length(
            (SELECT encoding FROM pg_database WHERE datname = current_database()))),
    'columns', (
        SELECT json_agg(json_build_object(
            'name', quote_ident(a.attname),
            'data_type', format_type(a.atttypid, a.atttypmod),
            'type_oid', a.atttypid::bigint,
            'type_length', a.attlen,
            'type_modifier', a.atttypmod
        ) ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'leaves', (
        SELECT json_agg(json_build_object(
            'foreign', c.relkind = 'f',
            'reltuples', c.reltuples,
            -- Stored signed, meant unsigned: beyond 16 TB it reads negative.
            'relpages', c.relpages::bigint & 4294967295,
            'heap_bytes', pg_relation_size(c.oid),
            'toast_bytes', pg_total_relation_size(nullif(c.reltoastrelid, 0)),
            'fillfactor', (
                SELECT o.option_value::int FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'fillfactor'),
            'dead_rows', pg_stat_get_dead_tuples(c.oid),
            'modified_since_analyze', pg_stat_get_mod_since_analyze(c.oid),
            'last_analyze', to_char(
                greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid))
                    AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))
        FROM unnest(tree.oids) t (oid) JOIN pg_class c ON c.oid = t.oid
        WHERE c.relkind IN ('r', 'm', 'f')),
    'indexes', (
        SELECT json_agg(json_build_object(
            'oid', c.oid::bigint,
            'parent', (SELECT i.inhparent::bigint FROM pg_inherits i WHERE i.inhrelid = c.oid),
            'bytes', pg_relation_size(c.oid),
            'reltuples', c.reltuples,
            -- Statistics of the largest leaf stand for all; those of an expression stand under the index's own name.
            'statistics', CASE WHEN x.indrelid = tree.largest THEN (
                SELECT json_build_object(
                    'correlation', p.correlation,
                    'values_between', CASE WHEN a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
                        THEN p.bounds[array_upper(p.bounds, 1)]::numeric - p.bounds[1]::numeric + 1 END)
                FROM pg_attribute i
                LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0] AND a.attnum <> 0
                JOIN pg_class h ON h.oid = CASE WHEN a.attname IS NULL THEN x.indexrelid ELSE x.indrelid END
                JOIN pg_namespace n ON n.oid = h.relnamespace
                CROSS JOIN LATERAL (
                    SELECT correlation, histogram_bounds::text::text[] AS bounds FROM pg_stats p
                    WHERE p.schemaname = n.nspname AND p.tablename = h.relname
                      AND p.attname = coalesce(a.attname, i.attname) AND NOT p.inherited
                    LIMIT 1) p
                WHERE i.attrelid = x.indexrelid AND i.attnum = 1) END,
            -- An index attached to another one is described by that one.
            'definition', CASE WHEN x.indrelid = r.oid OR NOT c.relispartition THEN json_build_object(
                'name', c.relname,
                'of_root', x.indrelid = r.oid,
                'method', (SELECT amname FROM pg_am WHERE oid = c.relam),
                'unique', x.indisunique,
                'primary', x.indisprimary,
                'valid', x.indisvalid,
                'immediate', x.indimmediate,
                'partial', x.indpred IS NOT NULL,
                'columns', (
                    SELECT json_agg(json_build_object(
                        'definition', pg_get_indexdef(x.indexrelid, k.place::int, true),
                        'name', quote_ident(a.attname),
                        -- A domain is compared as the type below it.
                        'data_type', CASE WHEN y.typbasetype <> 0
                            THEN format_type(y.typbasetype, y.typtypmod) ELSE format_type(a.atttypid, a.atttypmod) END,
                        -- From PostgreSQL 18 on attnotnull is set even while a NOT NULL constraint is NOT VALID.
                        'not_null', coalesce(a.attnotnull, false) AND NOT EXISTS (
                            SELECT FROM pg_constraint n
                            WHERE n.conrelid = x.indrelid AND n.contype = 'n' AND NOT n.convalidated
                              AND a.attnum = ANY (n.conkey))
                    ) ORDER BY k.place)
                    FROM unnest(x.indkey::int2[]) WITH ORDINALITY k (attnum, place)
                    LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum AND a.attnum <> 0
                    LEFT JOIN pg_type y ON y.oid = a.atttypid
                    WHERE k.place <= x.indnkeyatts),
                'used_columns', (
                    SELECT json_agg(quote_ident(a.attname) ORDER BY a.attnum) FROM pg_attribute a
                    WHERE a.attrelid = x.indrelid AND a.attnum > 0 AND (
                        a.attnum = ANY (x.indkey::int2[])
                        -- Columns inside expressions and the predicate are known by what the index depends on.
                        OR a.attnum IN (
                            SELECT d.refobjsubid FROM pg_depend d
                            WHERE d.classid = 'pg_class'::regclass AND d.objid = x.indexrelid
                              AND d.refclassid = 'pg_class'::regclass AND d.refobjid = x.indrelid)))
            ) END
        ) ORDER BY c.relname, c.oid)
        FROM unnest(tree.oids) t (oid)
        JOIN pg_index x ON x.indrelid = t.oid
        JOIN pg_class c ON c.oid = x.indexrelid),
    'triggers', (
        SELECT json_agg(DISTINCT g.tgname)
        FROM unnest(tree.oids) t (oid) JOIN pg_trigger g ON g.tgrelid = t.oid
        -- Bit 0 of tgtype: for each row. Clones on partitions carry the name of the parent's trigger, and pass for internal
        -- before PostgreSQL 15; those of foreign keys have a constraint.
        WHERE g.tgenabled IN ('O', 'A') AND g.tgtype & 1 = 1
          AND (NOT g.tgisinternal OR g.tgparentid <> 0 AND g.tgconstraint = 0)),
    'foreign_keys', (
        SELECT json_agg(quote_ident(k.conname) || ' → ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname)
                        ORDER BY k.conname)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE k.conrelid = r.oid AND k.contype = 'f' AND k.conparentid = 0),
    'referenced_by', (
        SELECT json_agg(quote_ident(n.nspname) || '.' || quote_ident(c.relname) || '.' || quote_ident(k.conname)
                        ORDER BY n.nspname, c.relname, k.conname)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE k.confrelid = r.oid AND k.contype = 'f' AND k.conparentid = 0),
    -- What to name instead: the tables a view reads, the table of an index, the owner of a sequence, a foreign server.
    'belongs_to', CASE
        WHEN r.relkind = 'v' THEN (
            SELECT json_agg(DISTINCT c.oid::regclass::text)
            FROM pg_rewrite w
            JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
            JOIN pg_class c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p', 'm')
            WHERE w.ev_class = r.oid)
        WHEN r.relkind IN ('i', 'I') THEN (
            SELECT json_build_array(x.indrelid::regclass::text) FROM pg_index x WHERE x.indexrelid = r.oid)
        WHEN r.relkind = 'S' THEN (
            SELECT json_agg(d.refobjid::regclass::text) FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid
              AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
        WHEN r.relkind = 'f' THEN (
            SELECT json_build_array(s.srvname)
            FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = r.oid)
    END
) END::text
FROM wanted w
LEFT JOIN root r ON r.position = w.position
-- The relation, its partitions and its inheritance children at any depth; OFFSET 0 keeps it from being worked out thrice.
CROSS JOIN LATERAL (
    SELECT t.oids, (
        SELECT c.oid FROM unnest(t.oids) m (oid) JOIN pg_class c ON c.oid = m.oid
        WHERE c.relkind IN ('r', 'm')
        ORDER BY c.relpages DESC, c.oid LIMIT 1) AS largest
    FROM (
        SELECT ARRAY (
            WITH RECURSIVE tree AS (
                SELECT r.oid WHERE r.relkind IN ('r', 'p', 'm')
                UNION
                SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
            )
            SELECT oid FROM tree) AS oids
        OFFSET 0
    ) t
    OFFSET 0
) tree
ORDER BY w.position
