-- One row for every wanted name, in order: null when there is no such relation, else a JSON document of the relation, the
-- storage of every leaf below it, and its indexes summed under their topmost parent.
--
-- $1, $2, $3: database, schema (both null when not given) and name of each wanted relation, already folded and unquoted.
-- Reads nothing that a role without privileges may not read, and no column that only some of PostgreSQL 13 to 18 have.
WITH RECURSIVE wanted AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS w (database, schema, name, position)
),
root AS (
    SELECT w.position, c.oid, c.relname, c.relkind, c.relpersistence, n.nspname
    FROM wanted w
    JOIN pg_class c ON c.relname = w.name::name
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (w.database IS NULL OR w.database = current_database())
      AND CASE WHEN w.schema IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = w.schema::name END
),
-- The relation, its partitions and its inheritance children at any depth.
tree AS (
    SELECT position, oid FROM root WHERE relkind IN ('r', 'p', 'm')
    UNION
    SELECT t.position, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
),
leaf AS (
    SELECT t.position, json_agg(json_build_object(
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
            greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) AT TIME ZONE 'UTC',
            'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    )) AS documents
    FROM tree t JOIN pg_class c ON c.oid = t.oid
    WHERE c.relkind IN ('r', 'm', 'f')
    GROUP BY t.position
),
-- Every index of the tree with the topmost index it is attached to; a leaf's own index is its own top.
index_tree AS (
    SELECT t.position, x.indexrelid AS top, x.indexrelid AS oid
    FROM tree t JOIN pg_index x ON x.indrelid = t.oid
    WHERE NOT EXISTS (
        SELECT FROM pg_inherits i
        JOIN pg_index parent ON parent.indexrelid = i.inhparent
        JOIN tree p ON p.oid = parent.indrelid AND p.position = t.position
        WHERE i.inhrelid = x.indexrelid)
    UNION ALL
    SELECT t.position, t.top, i.inhrelid FROM index_tree t JOIN pg_inherits i ON i.inhparent = t.oid
),
index_storage AS (
    SELECT t.position, t.top,
        sum(pg_relation_size(c.oid)) AS bytes,
        sum(greatest(c.reltuples, 0)) FILTER (WHERE c.relkind = 'i') AS reltuples,
        (array_agg(c.oid ORDER BY c.relpages DESC, c.oid) FILTER (WHERE c.relkind = 'i'))[1] AS largest
    FROM index_tree t JOIN pg_class c ON c.oid = t.oid
    GROUP BY t.position, t.top
),
index AS (
    SELECT s.position, json_agg(json_build_object(
        'name', c.relname,
        'of_root', x.indrelid = r.oid,
        'method', (SELECT amname FROM pg_am WHERE oid = c.relam),
        'unique', x.indisunique,
        'primary', x.indisprimary,
        'valid', x.indisvalid,
        'immediate', x.indimmediate,
        'partial', x.indpred IS NOT NULL,
        'bytes', s.bytes,
        'reltuples', s.reltuples,
        'columns', (
            SELECT json_agg(json_build_object(
                'definition', pg_get_indexdef(x.indexrelid, k, true),
                'name', quote_ident(a.attname),
                'data_type', format_type(a.atttypid, a.atttypmod),
                -- From PostgreSQL 18 on a NOT NULL constraint may be NOT VALID while attnotnull is already set.
                'not_null', coalesce(a.attnotnull, false) AND NOT EXISTS (
                    SELECT FROM pg_constraint n
                    WHERE n.conrelid = x.indrelid AND n.contype = 'n' AND NOT n.convalidated AND a.attnum = ANY (n.conkey))
            ) ORDER BY k)
            FROM generate_series(1, x.indnkeyatts::int) k
            LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[k - 1] AND a.attnum <> 0),
        'used_columns', (
            SELECT json_agg(quote_ident(a.attname) ORDER BY a.attnum) FROM pg_attribute a
            WHERE a.attrelid = x.indrelid AND a.attnum > 0 AND (
                a.attnum = ANY (x.indkey::int2[])
                -- Columns inside expressions and the predicate are known by what the index depends on.
                OR a.attnum IN (
                    SELECT d.refobjsubid FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = x.indexrelid
                      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = x.indrelid))),
        -- Statistics of the largest leaf; those of an expression stand under the index's own name.
        'correlation', (
            SELECT p.correlation
            FROM pg_index l
            JOIN pg_attribute i ON i.attrelid = l.indexrelid AND i.attnum = 1
            LEFT JOIN pg_attribute a ON a.attrelid = l.indrelid AND a.attnum = l.indkey[0] AND a.attnum <> 0
            JOIN pg_class h ON h.oid = CASE WHEN a.attname IS NULL THEN l.indexrelid ELSE l.indrelid END
            JOIN pg_namespace n ON n.oid = h.relnamespace
            CROSS JOIN LATERAL (
                SELECT correlation FROM pg_stats p
                WHERE p.schemaname = n.nspname AND p.tablename = h.relname
                  AND p.attname = coalesce(a.attname, i.attname) AND NOT p.inherited
                LIMIT 1) p
            WHERE l.indexrelid = s.largest)
    ) ORDER BY c.relname) AS documents
    FROM index_storage s
    JOIN root r ON r.position = s.position
    JOIN pg_class c ON c.oid = s.top
    JOIN pg_index x ON x.indexrelid = s.top
    GROUP BY s.position
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
            'type_oid', a.atttypid::bigint,
            'type_length', a.attlen,
            'type_modifier', a.atttypmod
        ) ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'leaves', leaf.documents,
    'indexes', index.documents,
    'triggers', (
        SELECT json_agg(DISTINCT g.tgname) FROM tree t JOIN pg_trigger g ON g.tgrelid = t.oid
        -- Bit 0 of tgtype: for each row. Clones on partitions carry the name of the parent's trigger.
        WHERE t.position = r.position AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A') AND g.tgtype & 1 = 1),
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
LEFT JOIN leaf ON leaf.position = w.position
LEFT JOIN index ON index.position = w.position
ORDER BY w.position
