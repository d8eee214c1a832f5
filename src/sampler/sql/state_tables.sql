-- The tables $1 (qualified names): their age, what is unfinished on them, and who publishes or writes them.
SELECT coalesce(json_agg(json_build_object(
    'table', t.name,
    'age', CASE WHEN c.relkind IN ('r', 'm', 't') AND c.relfrozenxid <> '0' THEN age(c.relfrozenxid) END,
    'freeze_age', current_setting('autovacuum_freeze_max_age')::float8,
    'invalid_indexes', coalesce((
        SELECT json_agg(i.indexrelid::regclass::text ORDER BY i.indexrelid) FROM pg_index i
        WHERE i.indrelid = c.oid AND NOT i.indisvalid), '[]'),
    'leftovers', coalesce((
        SELECT json_agg(i.indexrelid::regclass::text ORDER BY i.indexrelid)
        FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND x.relname ~ '_cc(new|old)[0-9]*$'), '[]'),
    'not_validated', coalesce((
        SELECT json_agg(quote_ident(k.conname) ORDER BY k.conname) FROM pg_constraint k
        WHERE k.conrelid = c.oid AND NOT k.convalidated), '[]'),
    'publications', coalesce((
        SELECT json_agg(p.pubname ORDER BY p.pubname) FROM pg_publication p
        WHERE p.puballtables AND c.relkind IN ('r', 'p')
           OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid)), '[]'),
    'subscriptions', (SELECT count(*) FROM pg_subscription_rel r WHERE r.srrelid = c.oid)
) ORDER BY t.name), '[]')::text
FROM unnest($1::text[]) t (name)
JOIN pg_class c ON c.oid = to_regclass(t.name)
WHERE c.relkind IN ('r', 'p', 'm')
