-- One JSON document: the relations that lead out of the database when they are written to.
--
-- $1: functions that reach outside. A write goes from a parent to its partitions and children, from a view or a table with rules
-- to what these name, and from a table to those whose foreign keys follow it.
WITH RECURSIVE ways AS (
    SELECT h.inhparent AS above, h.inhrelid AS below FROM pg_inherits h
    UNION
    SELECT w.ev_class, d.refobjid
    FROM pg_rewrite w
    JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'r', 'p')
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
    -- What a view only reads matters where it can be written to.
    WHERE d.refobjid <> w.ev_class AND (v.relkind <> 'v' OR pg_relation_is_updatable(v.oid, true) <> 0)
    UNION
    SELECT k.confrelid, k.conrelid FROM pg_constraint k
    WHERE k.contype = 'f' AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
), ends AS (
    SELECT t.ftrelid AS relation, s.srvname AS server, NULL::name AS trigger, NULL::oid AS routine
    FROM pg_foreign_table t JOIN pg_foreign_server s ON s.oid = t.ftserver
    UNION ALL
    SELECT g.tgrelid, NULL, g.tgname, g.tgfoid
    FROM pg_trigger g
    -- Partitions have their parent's once more.
    WHERE NOT g.tgisinternal AND g.tgparentid = 0 AND g.tgenabled <> 'D' AND g.tgfoid = ANY ($1::oid[])
), led (relation, ending) AS (
    SELECT e.relation, e.relation FROM ends e
    UNION
    SELECT w.above, l.ending FROM led l JOIN ways w ON w.below = l.relation
)
SELECT coalesce(json_agg(json_build_object(
    'schema', n.nspname,
    'bare_name', c.relname,
    'is_visible', pg_table_is_visible(c.oid),
    'end', quote_ident(en.nspname) || '.' || quote_ident(ec.relname),
    'server', e.server,
    'trigger', CASE WHEN e.trigger IS NOT NULL THEN json_build_array(e.trigger, e.routine::bigint) END
) ORDER BY n.nspname, c.relname, e.server, e.trigger), '[]')::text
FROM led l
JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class ec ON ec.oid = l.ending JOIN pg_namespace en ON en.oid = ec.relnamespace
JOIN ends e ON e.relation = l.ending
