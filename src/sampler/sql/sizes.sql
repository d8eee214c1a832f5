-- One row for each relation with rows of its own: object id, name, the partitioned table at its top (null if none),
-- reltuples, relpages, blocks now, indexes. Relations that others lock in the strongest mode are left out: their size
-- could not be read without waiting.
--
-- $1: qualified names to be read with the partitions of the tables at their tops, or null for all.
WITH named AS (
    SELECT c.oid, c.reltuples, c.relpages, c.relispartition,
           quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
           CASE WHEN c.relispartition THEN (
               SELECT quote_ident(rn.nspname) || '.' || quote_ident(r.relname)
               FROM pg_class r JOIN pg_namespace rn ON rn.oid = r.relnamespace
               WHERE r.oid = pg_partition_root(c.oid)) END AS root
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
)
SELECT oid, name, root, reltuples::float8, relpages::bigint & 4294967295,
       coalesce(pg_relation_size(oid), 0) / current_setting('block_size')::bigint,
       (SELECT count(*) FROM pg_index x WHERE x.indrelid = oid)
FROM named
WHERE ($1::text[] IS NULL OR name = ANY ($1::text[]) OR root = ANY ($1::text[]))
  AND oid NOT IN (
      SELECT l.relation FROM pg_locks l
      WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid()
        AND l.relation IS NOT NULL)
ORDER BY name
