-- One JSON document: the relations, types and functions that decide what a statement locks, rewrites and scans.
--
-- $1: words of the migration; functions of these names are looked up. Reads the catalog only, no table, and no column that only
-- some of PostgreSQL 13 to 18 have.
SELECT json_build_object(
    'version_num', current_setting('server_version_num')::int,
    'timezone', current_setting('TimeZone'),
    'tablespace', (
        SELECT s.spcname FROM pg_database d JOIN pg_tablespace s ON s.oid = d.dattablespace
        WHERE d.datname = current_database()),
    'search_path', to_json(current_schemas(false)),
    'relations', (
        SELECT coalesce(json_agg(json_build_object(
            'name', quote_ident(n.nspname) || '.' || quote_ident(c.relname),
            'schema', n.nspname,
            'bare_name', c.relname,
            'kind', c.relkind,
            'persistence', c.relpersistence,
            'row_security', c.relrowsecurity,
            'row_security_forced', c.relforcerowsecurity,
            'empty', c.relkind IN ('r', 'm') AND coalesce(pg_relation_size(c.oid), 0) = 0,
            'access_method', (SELECT m.amname FROM pg_am m WHERE m.oid = c.relam),
            'tablespace', (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace),
            'columns', (
                SELECT coalesce(json_agg(json_build_object(
                    'name', a.attname,
                    'data_type', format_type(a.atttypid, a.atttypmod),
                    'collation', CASE WHEN a.attcollation <> y.typcollation THEN (
                        SELECT o.collname FROM pg_collation o WHERE o.oid = a.attcollation) END,
                    -- From PostgreSQL 18 on attnotnull is set even while a NOT NULL constraint is NOT VALID.
                    'not_null', a.attnotnull AND NOT EXISTS (
                        SELECT FROM pg_constraint k
                        WHERE k.conrelid = c.oid AND k.contype = 'n' AND NOT k.convalidated AND a.attnum = ANY (k.conkey))
                ) ORDER BY a.attnum), '[]')
                FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 'S'),
            'constraints', (
                SELECT coalesce(json_agg(json_build_object(
                    'name', k.conname,
                    'kind', k.contype,
                    'valid', k.convalidated,
                    'columns', (
                        SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]') FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)),
                    'definition', pg_get_constraintdef(k.oid),
                    'references', (
                        SELECT quote_ident(rn.nspname) || '.' || quote_ident(r.relname)
                        FROM pg_class r JOIN pg_namespace rn ON rn.oid = r.relnamespace WHERE r.oid = k.confrelid),
                    'on_delete', CASE WHEN k.contype = 'f' THEN k.confdeltype END,
                    'index', CASE WHEN k.contype IN ('p', 'u', 'x') THEN (
                        SELECT i.relname FROM pg_class i WHERE i.oid = k.conindid) END
                ) ORDER BY k.conname), '[]')
                FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('c', 'f', 'p', 'u', 'x', 'n')),
            'indexes', (
                SELECT coalesce(json_agg(json_build_object(
                    'name', quote_ident(n.nspname) || '.' || quote_ident(i.relname),
                    'bare_name', i.relname,
                    'columns', (
                        SELECT coalesce(json_agg(a.attname ORDER BY p.place), '[]')
                        FROM unnest(x.indkey::int2[]) WITH ORDINALITY p (attnum, place)
                        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.attnum
                        WHERE p.place <= x.indnkeyatts),
                    'used_columns', (
                        SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]') FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attnum > 0 AND (
                            a.attnum = ANY (x.indkey::int2[])
                            OR a.attnum IN (
                                SELECT d.refobjsubid FROM pg_depend d
                                WHERE d.classid = 'pg_class'::regclass AND d.objid = x.indexrelid
                                  AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid))),
                    'plain', x.indexprs IS NULL AND x.indpred IS NULL,
                    'unique', x.indisunique,
                    'valid', x.indisvalid,
                    'tablespace', (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = i.reltablespace)
                ) ORDER BY i.relname), '[]')
                FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid),
            'parents', (
                SELECT coalesce(json_agg(quote_ident(pn.nspname) || '.' || quote_ident(p.relname) ORDER BY h.inhseqno), '[]')
                FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
                WHERE h.inhrelid = c.oid),
            'bound', pg_get_expr(c.relpartbound, c.oid),
            'partition_key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
            'reads', (
                SELECT coalesce(json_agg(DISTINCT quote_ident(rn.nspname) || '.' || quote_ident(r.relname)), '[]')
                FROM pg_rewrite w
                JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
                JOIN pg_class r ON r.oid = d.refobjid AND r.oid <> c.oid AND r.relkind IN ('r', 'p', 'm', 'v')
                JOIN pg_namespace rn ON rn.oid = r.relnamespace
                WHERE w.ev_class = c.oid AND c.relkind IN ('v', 'm')),
            'sequences', (
                SELECT coalesce(json_agg(quote_ident(sn.nspname) || '.' || quote_ident(s.relname) ORDER BY s.relname), '[]')
                FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
                JOIN pg_namespace sn ON sn.oid = s.relnamespace
                WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                  AND d.refobjid = c.oid AND d.deptype IN ('a', 'i')),
            'triggers', (
                SELECT coalesce(json_agg(g.tgname ORDER BY g.tgname), '[]') FROM pg_trigger g
                WHERE g.tgrelid = c.oid AND NOT g.tgisinternal),
            'uses', (
                SELECT coalesce(json_agg(json_build_object('column', a.attname, 'by', u.kind, 'name', u.name)
                    ORDER BY a.attnum, u.kind, u.name), '[]')
                FROM pg_depend d JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
                CROSS JOIN LATERAL (
                    SELECT CASE WHEN v.oid = c.oid THEN 'rule' ELSE 'view' END AS kind,
                        CASE WHEN v.oid = c.oid THEN w.rulename::text
                            ELSE quote_ident(vn.nspname) || '.' || quote_ident(v.relname) END AS name
                    FROM pg_rewrite w JOIN pg_class v ON v.oid = w.ev_class JOIN pg_namespace vn ON vn.oid = v.relnamespace
                    WHERE d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
                    UNION
                    SELECT 'trigger', g.tgname FROM pg_trigger g
                    WHERE d.classid = 'pg_trigger'::regclass AND g.oid = d.objid AND NOT g.tgisinternal
                    UNION
                    SELECT 'policy', y.polname FROM pg_policy y WHERE d.classid = 'pg_policy'::regclass AND y.oid = d.objid
                    UNION
                    SELECT 'function', f.proname FROM pg_proc f WHERE d.classid = 'pg_proc'::regclass AND f.oid = d.objid
                    UNION
                    -- Up to PostgreSQL 14 the generated column itself depends on others, from 15 on its expression.
                    SELECT 'generated', b.attname FROM pg_attribute b
                    LEFT JOIN pg_attrdef x ON x.adrelid = b.attrelid AND x.adnum = b.attnum
                    WHERE b.attrelid = c.oid AND b.attgenerated <> '' AND b.attnum <> a.attnum AND (
                        d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = b.attnum
                        OR d.classid = 'pg_attrdef'::regclass AND d.objid = x.oid)
                ) u
                WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid > 0
                  AND (d.objsubid > 0 OR d.classid <> 'pg_class'::regclass))
        ) ORDER BY n.nspname, c.relname), '[]')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
          AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'),
    'types', (
        SELECT coalesce(json_agg(json_build_object(
            'schema', n.nspname,
            'name', t.typname,
            'base', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
            'constrained', EXISTS (
                WITH RECURSIVE below AS (
                    SELECT t.oid, t.typbasetype, t.typnotnull
                    UNION ALL
                    SELECT b.oid, b.typbasetype, b.typnotnull FROM below u JOIN pg_type b ON b.oid = u.typbasetype
                )
                SELECT FROM below u
                WHERE u.typnotnull OR EXISTS (SELECT FROM pg_constraint k WHERE k.contypid = u.oid))
        ) ORDER BY n.nspname, t.typname), '[]')
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE t.typtype IN ('d', 'e') AND n.nspname NOT IN ('pg_catalog', 'information_schema')),
    'functions', (
        SELECT coalesce(json_object_agg(f.proname, f.volatility), '{}')
        -- 'i' < 's' < 'u' < 'v': the greatest is the most volatile. A volatile one in SQL is put in place of its call where that
        -- can be done, and then as volatile as its body: 'u', not known.
        FROM (SELECT p.proname, max(CASE WHEN l.lanname = 'sql' AND p.provolatile = 'v' THEN 'u' ELSE p.provolatile::text END)
                  AS volatility
              FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
              WHERE p.proname = ANY ($1::text[]) GROUP BY p.proname) f),
    'binary_casts', (
        SELECT coalesce(json_agg(json_build_array(
            format_type(k.castsource, NULL), format_type(k.casttarget, NULL))), '[]')
        FROM pg_cast k WHERE k.castmethod = 'b'),
    'assignment_casts', (
        SELECT coalesce(json_agg(json_build_array(
            format_type(k.castsource, NULL), format_type(k.casttarget, NULL))), '[]')
        FROM pg_cast k WHERE k.castcontext <> 'e')
)::text
