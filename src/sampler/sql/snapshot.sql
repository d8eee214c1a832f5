-- Everything that makes up the schema of a database, one row an object: class, the objects with which it comes and goes, name,
-- attributes.
--
-- Runs with an empty search_path, so that every name in an expression is qualified. Attributes that are as PostgreSQL makes
-- them are left out (null). Privileges are written out with the defaults, because a GRANT and its REVOKE leave the defaults
-- behind as an explicit list. Objects of extensions are their extension's; temporary ones are nobody's.
WITH members AS MATERIALIZED (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), spaces AS MATERIALIZED (
    SELECT * FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), relations AS MATERIALIZED (
    SELECT c.*, quote_ident(nspname) || '.' || quote_ident(relname) AS name,
           CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
                        WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'table' END AS class
    FROM pg_class AS c JOIN spaces ON spaces.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM members WHERE classid = 'pg_class'::regclass AND objid = c.oid)
), types AS MATERIALIZED (
    SELECT t.*, quote_ident(nspname) || '.' || quote_ident(typname) AS name,
           CASE typtype WHEN 'd' THEN 'domain' ELSE 'type' END AS class
    FROM pg_type AS t JOIN spaces ON spaces.oid = typnamespace
    WHERE typtype IN ('b', 'd', 'e', 'r') AND typcategory <> 'A'
      AND NOT EXISTS (SELECT FROM members WHERE classid = 'pg_type'::regclass AND objid = t.oid)
), acls (class, id, place, list) AS (
    SELECT 'pg_class', oid, 0, coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
    FROM relations WHERE relkind <> 'c'
    UNION ALL
    SELECT 'pg_class', attrelid, attnum, attacl FROM pg_attribute WHERE attacl IS NOT NULL AND NOT attisdropped
    UNION ALL
    SELECT 'pg_type', oid, 0, coalesce(typacl, acldefault('T', typowner)) FROM types
    UNION ALL
    SELECT 'pg_type', reltype, 0, coalesce(typacl, acldefault('T', typowner))
    FROM relations JOIN pg_type ON pg_type.oid = reltype WHERE relkind = 'c'
    UNION ALL
    SELECT 'pg_proc', p.oid, 0, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc AS p JOIN spaces ON spaces.oid = pronamespace
    UNION ALL
    SELECT 'pg_namespace', oid, 0, coalesce(nspacl, acldefault('n', nspowner)) FROM spaces
    UNION ALL
    SELECT 'pg_default_acl', oid, 0, defaclacl FROM pg_default_acl
    UNION ALL
    SELECT 'pg_foreign_server', oid, 0, coalesce(srvacl, acldefault('S', srvowner)) FROM pg_foreign_server
), privileges AS MATERIALIZED (
    SELECT class, id, place, jsonb_agg(line ORDER BY line) AS lines
    FROM acls, LATERAL (
        SELECT privilege_type || ' to ' || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END
               || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS line
        FROM aclexplode(list)
    ) AS exploded
    GROUP BY class, id, place
)

SELECT relations.class, '{}'::text[] AS part_of, name, jsonb_build_object(
    'kind', CASE relkind WHEN 'p' THEN 'partitioned' END,
    'owner', relowner::regrole,
    'persistence', CASE relpersistence WHEN 'u' THEN 'unlogged' END,
    'access method', (SELECT amname FROM pg_am WHERE pg_am.oid = relam),
    'tablespace', (SELECT spcname FROM pg_tablespace WHERE pg_tablespace.oid = reltablespace),
    'options', to_jsonb(reloptions),
    'TOAST options', (SELECT to_jsonb(toast.reloptions) FROM pg_class AS toast WHERE toast.oid = relations.reltoastrelid),
    'replica identity', CASE WHEN relkind IN ('r', 'p', 'm') THEN
        CASE relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN 'an index' END END,
    'row-level security', CASE WHEN relrowsecurity THEN 'enabled' END,
    'row-level security of the owner', CASE WHEN relforcerowsecurity THEN 'forced' END,
    'of type', CASE WHEN reloftype <> 0 THEN reloftype::regtype END,
    'definition', CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END,
    'contents', CASE WHEN relkind = 'm' AND NOT relispopulated THEN 'not populated' END,
    'partition key', CASE WHEN relkind = 'p' THEN pg_get_partkeydef(oid) END,
    'partition bound', pg_get_expr(relpartbound, oid),
    'parents', (SELECT jsonb_agg(inhparent::regclass ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = relations.oid),
    'foreign table', (SELECT jsonb_build_array(srvname) || coalesce(to_jsonb(ftoptions), '[]')
                      FROM pg_foreign_table JOIN pg_foreign_server ON pg_foreign_server.oid = ftserver
                      WHERE ftrelid = relations.oid),
    'definition of the sequence', (
        SELECT format('AS %s START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s%s', seqtypid::regtype, seqstart, seqincrement,
                      seqmin, seqmax, seqcache, CASE WHEN seqcycle THEN ' CYCLE' END)
        FROM pg_sequence WHERE seqrelid = relations.oid),
    'owning column', (
        SELECT refobjid::regclass || '.' || quote_ident(attname)
        FROM pg_depend JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
        WHERE relkind = 'S' AND classid = 'pg_class'::regclass AND objid = relations.oid
          AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')),
    'privileges', coalesce(of_table.lines, of_type.lines),
    'comment', CASE relkind WHEN 'c' THEN obj_description(reltype, 'pg_type') ELSE obj_description(oid, 'pg_class') END
)::text AS attributes
FROM relations
LEFT JOIN privileges AS of_table ON of_table.class = 'pg_class' AND of_table.id = oid AND of_table.place = 0
LEFT JOIN privileges AS of_type ON of_type.class = 'pg_type' AND of_type.id = reltype

UNION ALL
SELECT 'column', ARRAY[relations.class || ' ' || relations.name] || ARRAY(
           SELECT 'column ' || inhparent::regclass || '.' || quote_ident(attname) FROM pg_inherits
           WHERE inhrelid = attrelid AND attinhcount > 0), relations.name || '.' || quote_ident(attname), jsonb_build_object(
    'place', row_number() OVER (PARTITION BY attrelid ORDER BY attnum),
    'type', format_type(atttypid, atttypmod),
    'NULL', CASE WHEN attnotnull THEN 'refused' END,
    'default', CASE attgenerated WHEN '' THEN pg_get_expr(adbin, adrelid) END,
    'expression', CASE WHEN attgenerated <> '' THEN
        pg_get_expr(adbin, adrelid) || CASE attgenerated WHEN 's' THEN ' STORED' ELSE ' VIRTUAL' END END,
    'identity', CASE attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END,
    'collation', CASE WHEN attcollation <> typcollation THEN attcollation::regcollation END,
    'storage', CASE WHEN attstorage <> typstorage THEN attstorage END,
    'compression', nullif(to_jsonb(a) ->> 'attcompression', ''),
    'statistics target', nullif(attstattarget, -1),
    'options', to_jsonb(attoptions),
    'options of the foreign table', to_jsonb(attfdwoptions),
    'inheritance', CASE WHEN attinhcount > 0 AND attislocal AND NOT relispartition THEN 'defined here too' END,
    'privileges', lines,
    'comment', col_description(attrelid, attnum)
)::text
FROM relations
JOIN pg_attribute AS a ON attrelid = relations.oid AND attnum > 0 AND NOT attisdropped
JOIN pg_type ON pg_type.oid = atttypid
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
LEFT JOIN privileges ON privileges.class = 'pg_class' AND id = attrelid AND privileges.place = attnum
WHERE relkind <> 'S'

UNION ALL
SELECT 'constraint', ARRAY[coalesce(relations.class || ' ' || relations.name, types.class || ' ' || types.name)] || ARRAY(
           SELECT 'constraint ' || quote_ident(parent.conname) || ' on ' || parent.conrelid::regclass FROM pg_constraint AS parent
           WHERE parent.oid = c.conparentid
           UNION ALL
           SELECT 'constraint ' || quote_ident(c.conname) || ' on ' || inhparent::regclass FROM pg_inherits
           WHERE inhrelid = c.conrelid AND c.coninhcount > 0 AND c.conparentid = 0),
       quote_ident(conname) || ' on ' || coalesce(relations.name, types.name), jsonb_build_object(
    'definition', regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', ''),
    'validation', CASE WHEN NOT convalidated THEN 'not done' END,
    'triggers', (SELECT jsonb_agg(DISTINCT tgenabled) FROM pg_trigger
                 WHERE tgconstraint = c.oid AND tgisinternal AND tgenabled <> 'O'),
    'inheritance', CASE WHEN coninhcount > 0 AND conislocal AND NOT relispartition THEN 'defined here too' END,
    'comment', obj_description(c.oid, 'pg_constraint')
)::text
FROM pg_constraint AS c LEFT JOIN relations ON relations.oid = conrelid LEFT JOIN types ON types.oid = contypid
-- From 18 on a NOT NULL is a constraint as well, whose name nobody gave and which is the column's own property here.
WHERE contype <> 't' AND NOT (contype = 'n' AND convalidated) AND (relations.oid IS NOT NULL OR types.oid IS NOT NULL)

UNION ALL
SELECT 'index', ARRAY[coalesce('constraint ' || quote_ident(conname) || ' on ', relations.class || ' ') || relations.name] || ARRAY(
           SELECT 'index ' || inhparent::regclass FROM pg_inherits WHERE inhrelid = i.indexrelid),
       i.indexrelid::regclass::text, jsonb_build_object(
    'definition', pg_get_indexdef(indexrelid),
    'validity', CASE WHEN NOT indisvalid THEN 'INVALID: no query uses it' END,
    'readiness', CASE WHEN NOT indisready OR NOT indislive THEN 'writes do not maintain it' END,
    'clustering', CASE WHEN indisclustered THEN 'by this index' END,
    'replica identity', CASE WHEN indisreplident THEN 'this index' END,
    'tablespace', (SELECT spcname FROM pg_tablespace WHERE pg_tablespace.oid = index_class.reltablespace),
    'parent', (SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = indexrelid),
    'statistics targets', (SELECT jsonb_agg(attname || ' ' || attstattarget ORDER BY attnum) FROM pg_attribute
                           WHERE attrelid = indexrelid AND attstattarget >= 0),
    'comment', obj_description(indexrelid, 'pg_class')
)::text
FROM pg_index AS i JOIN relations ON relations.oid = indrelid JOIN pg_class AS index_class ON index_class.oid = indexrelid
LEFT JOIN pg_constraint ON conindid = indexrelid AND conrelid = indrelid AND contype IN ('p', 'u', 'x')

UNION ALL
SELECT 'trigger', ARRAY[relations.class || ' ' || name] || ARRAY(
           SELECT 'trigger ' || quote_ident(parent.tgname) || ' on ' || parent.tgrelid::regclass FROM pg_trigger AS parent
           WHERE parent.oid = t.tgparentid), quote_ident(tgname) || ' on ' || name, jsonb_build_object(
    'definition', pg_get_triggerdef(t.oid),
    'state', CASE tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on replicas only' WHEN 'A' THEN 'always' END,
    'comment', obj_description(t.oid, 'pg_trigger')
)::text
FROM pg_trigger AS t JOIN relations ON relations.oid = tgrelid WHERE NOT tgisinternal

UNION ALL
SELECT 'rule', ARRAY[relations.class || ' ' || name], quote_ident(rulename) || ' on ' || name, jsonb_build_object(
    'definition', pg_get_ruledef(r.oid),
    'state', CASE ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on replicas only' WHEN 'A' THEN 'always' END,
    'comment', obj_description(r.oid, 'pg_rewrite')
)::text
FROM pg_rewrite AS r JOIN relations ON relations.oid = ev_class WHERE rulename <> '_RETURN'

UNION ALL
SELECT 'policy', ARRAY[relations.class || ' ' || name], quote_ident(polname) || ' on ' || name, jsonb_build_object(
    'command', polcmd,
    'kind', CASE WHEN NOT polpermissive THEN 'restrictive' END,
    'roles', (SELECT jsonb_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE role::regrole::text END) FROM unnest(polroles) AS role),
    'USING', pg_get_expr(polqual, polrelid),
    'WITH CHECK', pg_get_expr(polwithcheck, polrelid),
    'comment', obj_description(p.oid, 'pg_policy')
)::text
FROM pg_policy AS p JOIN relations ON relations.oid = polrelid

UNION ALL
SELECT 'statistics object', ARRAY[relations.class || ' ' || relations.name], quote_ident(nspname) || '.' || quote_ident(stxname), jsonb_build_object(
    'definition', pg_get_statisticsobjdef(s.oid),
    'owner', stxowner::regrole,
    'statistics target', nullif(stxstattarget, -1),
    'comment', obj_description(s.oid, 'pg_statistic_ext')
)::text
FROM pg_statistic_ext AS s JOIN relations ON relations.oid = stxrelid JOIN spaces ON spaces.oid = stxnamespace

UNION ALL
SELECT types.class, '{}', name, jsonb_build_object(
    'kind', CASE typtype WHEN 'b' THEN 'base type' WHEN 'e' THEN 'enum' WHEN 'r' THEN 'range' END,
    'owner', typowner::regrole,
    'base type', CASE typtype WHEN 'd' THEN format_type(typbasetype, typtypmod) END,
    'NULL', CASE WHEN typnotnull THEN 'refused' END,
    'default', typdefault,
    'collation', CASE WHEN typtype = 'd' AND typcollation <> 0 THEN typcollation::regcollation END,
    'enum values', (SELECT jsonb_agg(quote_literal(enumlabel) ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = types.oid),
    'subtype', (SELECT jsonb_build_array(rngsubtype::regtype, rngcollation::regcollation, rngcanonical, rngsubdiff)
                FROM pg_range WHERE rngtypid = types.oid),
    'functions', CASE typtype WHEN 'b' THEN jsonb_build_array(typinput, typoutput, typlen, typstorage, typalign) END,
    'privileges', lines,
    'comment', obj_description(oid, 'pg_type')
)::text
FROM types LEFT JOIN privileges ON privileges.class = 'pg_type' AND id = oid

UNION ALL
SELECT CASE prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, '{}',
       format('%I.%I(%s)', nspname, proname, pg_get_function_identity_arguments(p.oid)), jsonb_build_object(
    'definition', CASE WHEN prokind <> 'a' THEN pg_get_functiondef(p.oid) END,
    'parts', (SELECT jsonb_build_array(aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn,
                                       aggmfinalfn, aggtranstype::regtype, aggsortop::regoperator, agginitval, aggminitval)
              FROM pg_aggregate WHERE aggfnoid = p.oid),
    'owner', proowner::regrole,
    'privileges', lines,
    'comment', obj_description(p.oid, 'pg_proc')
)::text
FROM pg_proc AS p JOIN spaces ON spaces.oid = pronamespace LEFT JOIN privileges ON privileges.class = 'pg_proc' AND id = p.oid
WHERE NOT EXISTS (SELECT FROM members WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
  -- The constructors of a range type come and go with it.
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'i')

UNION ALL
SELECT 'schema', '{}', quote_ident(nspname), jsonb_build_object(
    'owner', nspowner::regrole, 'privileges', lines, 'comment', obj_description(oid, 'pg_namespace')
)::text
FROM spaces LEFT JOIN privileges ON privileges.class = 'pg_namespace' AND id = oid
WHERE NOT EXISTS (SELECT FROM members WHERE classid = 'pg_namespace'::regclass AND objid = spaces.oid)

UNION ALL
SELECT 'extension', '{}', quote_ident(extname), jsonb_build_object(
    'version', extversion, 'schema', extnamespace::regnamespace, 'comment', obj_description(oid, 'pg_extension')
)::text
FROM pg_extension

UNION ALL
SELECT 'default privileges', '{}', format('of %s%s on %s', defaclrole::regrole, ' in schema ' || nullif(defaclnamespace, 0)::regnamespace,
       CASE defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
                          WHEN 'n' THEN 'schemas' ELSE defaclobjtype::text END),
       jsonb_build_object('privileges', lines)::text
FROM pg_default_acl LEFT JOIN privileges ON privileges.class = 'pg_default_acl' AND id = oid

UNION ALL
SELECT 'publication', '{}', quote_ident(pubname), jsonb_build_object(
    'definition', (to_jsonb(p) - 'oid' - 'pubowner')::text,
    'owner', pubowner::regrole,
    'tables', (SELECT jsonb_agg(to_jsonb(t)::text ORDER BY schemaname, tablename) FROM pg_publication_tables AS t WHERE t.pubname = p.pubname),
    'comment', obj_description(oid, 'pg_publication')
)::text
FROM pg_publication AS p

UNION ALL
SELECT 'event trigger', '{}', quote_ident(evtname), jsonb_build_object(
    'definition', jsonb_build_array(evtevent, evtfoid::regprocedure), 'tags', to_jsonb(evttags), 'owner', evtowner::regrole,
    'state', evtenabled, 'comment', obj_description(oid, 'pg_event_trigger')
)::text
FROM pg_event_trigger AS t
WHERE NOT EXISTS (SELECT FROM members WHERE classid = 'pg_event_trigger'::regclass AND objid = t.oid)

UNION ALL
SELECT 'server', '{}', quote_ident(srvname), jsonb_build_object(
    'wrapper', (SELECT fdwname FROM pg_foreign_data_wrapper AS w WHERE w.oid = srvfdw), 'owner', srvowner::regrole, 'type', srvtype,
    'version', srvversion, 'options', to_jsonb(srvoptions), 'privileges', lines, 'comment', obj_description(s.oid, 'pg_foreign_server')
)::text
FROM pg_foreign_server AS s LEFT JOIN privileges ON privileges.class = 'pg_foreign_server' AND id = s.oid

UNION ALL
-- Options may hold a password: only whether they changed is told.
SELECT 'user mapping', ARRAY['server ' || quote_ident(srvname)], format('of %I on %I', usename, srvname),
       jsonb_build_object('hash of the options', md5(umoptions::text))::text
FROM pg_user_mappings

UNION ALL
SELECT 'setting', '{}', format('%s for %s', split_part(setting, '=', 1), CASE setrole WHEN 0 THEN 'everyone' ELSE setrole::regrole::text END),
       jsonb_build_object('value', substr(setting, strpos(setting, '=') + 1))::text
FROM pg_db_role_setting, unnest(setconfig) AS setting
WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())

UNION ALL
-- The rarer kinds of object: what they are called, and their row of the catalog without what a new object has anew.
SELECT identified.type, '{}', identified.identity, jsonb_build_object(
    'definition', (fact - 'oid' - 'opcfamily' - 'cfgnamespace')::text, 'comment', obj_description(id, catalog)
)::text
FROM (
    SELECT 'pg_operator' AS catalog, oid AS id, to_jsonb(o) - 'oprcom' - 'oprnegate' - 'oprleft' - 'oprright' - 'oprresult' AS fact FROM pg_operator AS o
    UNION ALL SELECT 'pg_opclass', oid, to_jsonb(o) FROM pg_opclass AS o
    UNION ALL SELECT 'pg_opfamily', oid, to_jsonb(o) FROM pg_opfamily AS o
    UNION ALL SELECT 'pg_cast', oid, to_jsonb(o) - 'castfunc' - 'castsource' - 'casttarget' FROM pg_cast AS o
    UNION ALL SELECT 'pg_collation', oid, to_jsonb(o) FROM pg_collation AS o
    UNION ALL SELECT 'pg_conversion', oid, to_jsonb(o) FROM pg_conversion AS o
    UNION ALL SELECT 'pg_language', oid, to_jsonb(o) - 'lanplcallfoid' - 'laninline' - 'lanvalidator' FROM pg_language AS o
    UNION ALL SELECT 'pg_transform', oid, to_jsonb(o) FROM pg_transform AS o
    UNION ALL SELECT 'pg_ts_config', oid, to_jsonb(o) FROM pg_ts_config AS o
    UNION ALL SELECT 'pg_ts_dict', oid, to_jsonb(o) FROM pg_ts_dict AS o
    UNION ALL SELECT 'pg_ts_parser', oid, to_jsonb(o) FROM pg_ts_parser AS o
    UNION ALL SELECT 'pg_ts_template', oid, to_jsonb(o) FROM pg_ts_template AS o
    UNION ALL SELECT 'pg_am', oid, to_jsonb(o) FROM pg_am AS o
    UNION ALL SELECT 'pg_foreign_data_wrapper', oid, to_jsonb(o) FROM pg_foreign_data_wrapper AS o
) AS other, LATERAL pg_identify_object(catalog::regclass, id, 0) AS identified
WHERE id >= 16384 AND NOT EXISTS (SELECT FROM members WHERE classid = catalog::regclass AND objid = id)
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = catalog::regclass AND objid = id AND deptype = 'i')
ORDER BY 1, 3
