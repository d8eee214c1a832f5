-- One JSON document: the relations, types and functions that decide what a statement locks, rewrites and scans.
--
-- $1: words of the migration; functions of these names are looked up. Reads the catalog only, no table, and no column that only
-- some of PostgreSQL 13 to 18 have.
SELECT json_build_object(
    'version_num', current_setting('server_version_num')::int,
    'settings', json_build_object(
        'timezone', current_setting('TimeZone'), 'search_path', current_setting('search_path'), 'user', current_user),
    'initial', (
        SELECT json_build_object(
            'timezone', max(reset_val) FILTER (WHERE name = 'TimeZone'),
            'search_path', max(reset_val) FILTER (WHERE name = 'search_path'),
            'user', session_user)
        FROM pg_settings WHERE name IN ('TimeZone', 'search_path')),
    'schemas', (
        SELECT json_agg(nspname) FROM pg_namespace
        WHERE nspname !~ '^pg_(toast|temp)' AND has_schema_privilege(oid, 'USAGE')),
    'tablespace', (
        SELECT s.spcname FROM pg_database d JOIN pg_tablespace s ON s.oid = d.dattablespace
        WHERE d.datname = current_database()),
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
                        WHERE k.conrelid = c.oid AND k.contype = 'n' AND NOT k.convalidated AND a.attnum = ANY (k.conkey)),
                    'has_default', a.atthasdef OR a.attidentity <> '' OR y.typdefault IS NOT NULL,
                    'identity', a.attidentity <> '',
                    'is_virtual', a.attgenerated = 'v'
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
                    'on_update', CASE WHEN k.contype = 'f' THEN k.confupdtype END,
                    'inherited', k.conparentid <> 0 OR NOT k.conislocal,
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
                    'parent', (
                        SELECT quote_ident(pn.nspname) || '.' || quote_ident(p.relname)
                        FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent
                        JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE h.inhrelid = i.oid),
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
                WHERE w.ev_class = c.oid AND c.relkind IN ('v', 'm') AND w.rulename = '_RETURN'),
            'rules', (
                SELECT coalesce(json_agg(json_build_object(
                    'name', w.rulename,
                    'event', w.ev_type,
                    'instead', w.is_instead,
                    'uses', (
                        SELECT coalesce(json_agg(DISTINCT quote_ident(rn.nspname) || '.' || quote_ident(r.relname)), '[]')
                        FROM pg_depend d JOIN pg_class r ON r.oid = d.refobjid AND r.relkind IN ('r', 'p', 'm', 'v', 'f')
                        JOIN pg_namespace rn ON rn.oid = r.relnamespace
                        WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                          AND d.refclassid = 'pg_class'::regclass AND r.oid <> c.oid)
                )), '[]')
                FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.rulename <> '_RETURN'),
            'policies', (SELECT coalesce(json_agg(p.polname), '[]') FROM pg_policy p WHERE p.polrelid = c.oid),
            'statistics', (
                SELECT coalesce(json_agg(quote_ident(sn.nspname) || '.' || quote_ident(s.stxname)), '[]')
                FROM pg_statistic_ext s JOIN pg_namespace sn ON sn.oid = s.stxnamespace WHERE s.stxrelid = c.oid),
            'of_type', (
                SELECT quote_ident(tn.nspname) || '.' || quote_ident(t.typname)
                FROM pg_type t JOIN pg_namespace tn ON tn.oid = t.typnamespace WHERE t.oid = c.reloftype),
            'sequences', (
                SELECT coalesce(json_agg(quote_ident(sn.nspname) || '.' || quote_ident(s.relname) ORDER BY s.relname), '[]')
                FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
                JOIN pg_namespace sn ON sn.oid = s.relnamespace
                WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                  AND d.refobjid = c.oid AND d.deptype IN ('a', 'i')),
            'triggers', (
                SELECT coalesce(json_agg(g.tgname ORDER BY g.tgname), '[]') FROM pg_trigger g
                WHERE g.tgrelid = c.oid AND NOT g.tgisinternal),
            'row_triggers', (
                SELECT coalesce(json_agg(g.tgname ORDER BY g.tgname), '[]') FROM pg_trigger g
                WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgtype & 1 = 1),
            'instead', (
                SELECT coalesce(json_agg(e.event), '[]')
                FROM pg_trigger g JOIN (VALUES ('3', 4), ('4', 8), ('2', 16)) AS e (event, bit) ON g.tgtype & e.bit = e.bit
                WHERE g.tgrelid = c.oid AND g.tgtype & 64 = 64),
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
            'volatile_default', t.typtype = 'd' AND EXISTS (
                SELECT FROM regexp_matches(t.typdefault, '(\w+)\(', 'g') AS called (names)
                JOIN pg_proc p ON p.proname = called.names[1] WHERE p.provolatile = 'v'),
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
        -- can be done, and then as volatile as its body: 'u', not known. What an argument defaults to counts too. Before
        -- PostgreSQL 14, timezone() of a time of day is volatile, which no stored default is.
        FROM (SELECT p.proname, max(CASE
                  WHEN p.provolatile <> 'v' AND EXISTS (
                      SELECT FROM regexp_matches(pg_get_expr(p.proargdefaults, 0), '(\w+)\(', 'g') AS called (names)
                      JOIN pg_proc o ON o.proname = called.names[1] WHERE o.provolatile = 'v') THEN 'v'
                  WHEN l.lanname = 'sql' AND p.provolatile = 'v' THEN 'u'
                  ELSE p.provolatile::text END) AS volatility
              FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
              WHERE p.proname = ANY ($1::text[])
                AND NOT (p.proname = 'timezone' AND p.prorettype = 'timetz'::regtype) GROUP BY p.proname) f),
    'publications', (
        SELECT coalesce(json_agg(json_build_object('name', b.pubname, 'tables', (
            SELECT coalesce(json_agg(quote_ident(n.nspname) || '.' || quote_ident(c.relname)), '[]')
            FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE r.prpubid = b.oid))), '[]')
        FROM pg_publication b),
    -- What goes when something is dropped with CASCADE, after findDependentObjects() in dependency.c: what depends on it,
    -- and what that is an internal part of.
    'dependents', (
        WITH RECURSIVE named (kind, home, name, part, classid, objid, objsubid) AS (
            SELECT 'routine', n.nspname, p.proname, '', 'pg_proc'::regclass, p.oid, 0
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.proname = ANY ($1) AND p.oid >= 16384
            UNION ALL
            SELECT 'type', n.nspname, t.typname, '', 'pg_type'::regclass, t.oid, 0
            FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typname = ANY ($1) AND t.oid >= 16384
            UNION ALL
            SELECT 'relation', n.nspname, c.relname, '', 'pg_class'::regclass, c.oid, 0
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = ANY ($1) AND c.oid >= 16384
            UNION ALL
            SELECT 'relation', n.nspname, c.relname, a.attname, 'pg_class'::regclass, c.oid, a.attnum
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND a.attname = ANY ($1)
            WHERE c.relname = ANY ($1) AND c.oid >= 16384
            UNION ALL
            SELECT 'collation', n.nspname, c.collname, '', 'pg_collation'::regclass, c.oid, 0
            FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.collname = ANY ($1)
            UNION ALL
            SELECT 'schema', '', nspname, '', 'pg_namespace'::regclass, oid, 0 FROM pg_namespace WHERE nspname = ANY ($1)
            UNION ALL
            SELECT 'extension', '', extname, '', 'pg_extension'::regclass, oid, 0
            FROM pg_extension WHERE extname = ANY ($1)
            UNION ALL
            SELECT 'server', '', srvname, '', 'pg_foreign_server'::regclass, oid, 0
            FROM pg_foreign_server WHERE srvname = ANY ($1)
            UNION ALL
            SELECT 'server', '', fdwname, '', 'pg_foreign_data_wrapper'::regclass, oid, 0
            FROM pg_foreign_data_wrapper WHERE fdwname = ANY ($1)
            UNION ALL
            SELECT 'role', '', CASE WHEN r.rolname = ANY ($1) THEN r.rolname ELSE 'current_user' END, '',
                d.classid::regclass, d.objid, d.objsubid
            FROM pg_roles r JOIN pg_shdepend d ON d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid
            WHERE (r.rolname = ANY ($1) OR (r.rolname = current_user AND 'current_user' = ANY ($1)))
              AND d.deptype = 'o' AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        ), reached (kind, home, name, part, classid, objid, objsubid, depth) AS (
            SELECT kind, home, name, part, classid::oid, objid, objsubid, 0 FROM named
            UNION
            SELECT r.kind, r.home, r.name, r.part, e.classid, e.objid, e.objsubid, 1
            FROM reached r CROSS JOIN LATERAL (
                SELECT d.classid, d.objid, d.objsubid FROM pg_depend d
                WHERE d.refclassid = r.classid AND d.refobjid = r.objid AND r.objsubid IN (0, d.refobjsubid)
                UNION ALL
                SELECT d.refclassid, d.refobjid, d.refobjsubid FROM pg_depend d
                WHERE d.classid = r.classid AND d.objid = r.objid AND d.objsubid = r.objsubid
                  AND d.deptype = 'i' AND r.depth > 0) e
        ), homes (kind, home, name, part, relation, direct) AS (
            SELECT kind, home, name, part, CASE classid::regclass::text
                    WHEN 'pg_class' THEN coalesce((SELECT x.indrelid FROM pg_index x WHERE x.indexrelid = objid), objid)
                    WHEN 'pg_constraint' THEN (SELECT k.conrelid FROM pg_constraint k WHERE k.oid = objid)
                    WHEN 'pg_trigger' THEN (SELECT g.tgrelid FROM pg_trigger g WHERE g.oid = objid)
                    WHEN 'pg_policy' THEN (SELECT p.polrelid FROM pg_policy p WHERE p.oid = objid)
                    WHEN 'pg_rewrite' THEN (SELECT w.ev_class FROM pg_rewrite w WHERE w.oid = objid)
                    WHEN 'pg_attrdef' THEN (SELECT f.adrelid FROM pg_attrdef f WHERE f.oid = objid)
                END, depth = 0 AND classid = 'pg_class'::regclass
            FROM reached
        )
        SELECT coalesce(json_agg(json_build_object(
            'kind', kind, 'schema', home, 'name', name, 'part', part, 'relations', relations, 'own', own)), '[]')
        FROM (
            SELECT h.kind, h.home, h.name, h.part,
                json_agg(DISTINCT quote_ident(n.nspname) || '.' || quote_ident(c.relname)) AS relations,
                coalesce(json_agg(DISTINCT quote_ident(n.nspname) || '.' || quote_ident(c.relname)) FILTER (WHERE direct), '[]')
                    AS own
            FROM homes h JOIN pg_class c ON c.oid = h.relation JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_(toast|temp)'
            GROUP BY h.kind, h.home, h.name, h.part) found),
    'binary_casts', (
        SELECT coalesce(json_agg(json_build_array(
            format_type(k.castsource, NULL), format_type(k.casttarget, NULL))), '[]')
        FROM pg_cast k WHERE k.castmethod = 'b'),
    'assignment_casts', (
        SELECT coalesce(json_agg(json_build_array(
            format_type(k.castsource, NULL), format_type(k.casttarget, NULL))), '[]')
        FROM pg_cast k WHERE k.castcontext <> 'e')
)::text
