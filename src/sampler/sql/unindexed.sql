-- One JSON document: the foreign keys without an index on the referring side, each with its table, its name and the
-- statement that creates the index. An index helps when its first column is one of the key's and it holds all rows.
SELECT coalesce(json_agg(json_build_object(
    'relation', quote_ident(n.nspname) || '.' || quote_ident(c.relname),
    'foreign_key', k.conname,
    'create', 'CREATE INDEX ' || CASE c.relkind WHEN 'p' THEN '' ELSE 'CONCURRENTLY ' END || 'ON '
        || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || ' (' || (
            SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place)
            FROM unnest(k.conkey) WITH ORDINALITY u (attnum, place)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) || ')'
) ORDER BY n.nspname, c.relname, k.conname), '[]')::text
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND NOT EXISTS (
    SELECT FROM pg_index x
    WHERE x.indrelid = k.conrelid AND x.indisvalid AND x.indpred IS NULL AND x.indkey[0] = ANY (k.conkey))
