//! Finds the lock behind a lock timeout: on which relation it is, and which session holds it.
//!
//! The server only says that a wait took too long. So the holder is queried right afterwards, while the lock is most
//! likely still held; a lock that has been released is not reported.

use postgres::Client;
use postgres::types::Type;

use crate::error::Error;

/// Only the strongest lock mode blocks a reader. A statement of a migration is blocked by the stronger modes on any
/// relation it touches, and by weaker ones on its own table. A lock that is only requested blocks later requests just
/// as well.
///
/// $1: `true` if a statement waited, `false` for a reader; $2: the statement's table; $3: a process to leave out.
const HELD: &str = r#"
WITH own AS (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()),
locks AS (
    SELECT l.*, coalesce(t.oid, i.indrelid, l.relation) AS table_oid,
           pg_catalog.array_position(
               ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock',
                     'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'], l.mode) AS strength
    FROM pg_catalog.pg_locks l
    LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = l.relation
    LEFT JOIN pg_catalog.pg_class t ON t.reltoastrelid = coalesce(i.indrelid, l.relation) AND t.reltoastrelid <> 0
    WHERE l.locktype = 'relation' AND l.database = (SELECT oid FROM own)
      AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() AND ($3 IS NULL OR l.pid IS DISTINCT FROM $3)
), holders AS (
    SELECT DISTINCT ON (pid, virtualtransaction) *,
           coalesce(table_oid = pg_catalog.to_regclass($2)::oid, false) AS is_named
    FROM locks
    WHERE strength = 8 OR ($1 AND (strength >= 5 OR table_oid = pg_catalog.to_regclass($2)::oid))
    ORDER BY pid, virtualtransaction, coalesce(table_oid = pg_catalog.to_regclass($2)::oid, false) DESC,
             granted DESC, strength DESC
)
SELECT coalesce(pg_catalog.format('%I.%I', n.nspname, c.relname), 'relation ' || h.relation) || ' is '
       || CASE WHEN h.granted THEN 'locked' ELSE 'waited for' END || ' ('
       || upper(pg_catalog.regexp_replace(
              pg_catalog.regexp_replace(h.mode, 'Lock$', ''), '([a-z])([A-Z])', '\1 \2', 'g')) || ') by '
       || CASE WHEN h.pid IS NULL THEN coalesce((
              SELECT 'the prepared transaction ' || pg_catalog.quote_literal(p.gid) || ' of ' || p.owner
                     || pg_catalog.to_char(p.prepared, '", since "YYYY-MM-DD HH24:MI:SS TZ')
              FROM pg_catalog.pg_locks x JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid
              WHERE x.locktype = 'transactionid' AND x.pid IS NULL
                AND x.virtualtransaction = h.virtualtransaction LIMIT 1),
              'a prepared transaction')
          ELSE 'server process ' || h.pid || coalesce(' of ' || a.usename, '')
              || coalesce(' (' || nullif(a.application_name, '') || ')', '')
              || coalesce(pg_catalog.to_char(a.xact_start, '", in a transaction since "YYYY-MM-DD HH24:MI:SS TZ'), '')
          END
       || CASE WHEN h.granted THEN '' ELSE ', which waits itself for server process '
              || pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(h.pid), ', ') END
       || CASE WHEN count(*) OVER () > 1 THEN pg_catalog.format(', and by %s more', count(*) OVER () - 1) ELSE '' END
FROM holders h
LEFT JOIN pg_catalog.pg_class c ON c.oid = h.table_oid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = h.pid
ORDER BY h.is_named DESC, h.granted DESC, h.strength DESC, a.xact_start
LIMIT 1"#;

/// Limits, because the catalog itself may be locked.
const LIMITS: &str =
    "SELECT pg_catalog.set_config('lock_timeout', '1s', true), pg_catalog.set_config('statement_timeout', '5s', true)";

/// What waited for the lock.
#[derive(Clone, Copy)]
pub(super) enum Waiter<'a> {
    /// A query that only reads.
    Reader,
    /// A statement of the migration on `table`, whose own session `process` is left out.
    Statement { table: Option<&'a str>, process: i32 },
}

/// Adds to `error`, a lock timeout, which relation is locked and by whom, as far as `client` may see it.
pub(super) fn with_holder(client: &mut Client, error: Error, waiter: Waiter) -> Error {
    // If this fails, the error stays as it is.
    match look(client, waiter) {
        Ok(Some(held)) => error.in_context(held),
        Ok(None) | Err(_) => error,
    }
}

fn look(client: &mut Client, waiter: Waiter) -> Result<Option<String>, postgres::Error> {
    let (is_statement, table, process) = match waiter {
        Waiter::Reader => (false, None, None),
        Waiter::Statement { table, process } => (true, table, Some(process)),
    };
    let mut transaction = client.build_transaction().read_only(true).start()?;
    transaction.simple_query(LIMITS)?;
    let parameters: [(&(dyn postgres::types::ToSql + Sync), Type); 3] = [
        (&is_statement, Type::BOOL),
        (&table, Type::TEXT),
        (&process, Type::INT4),
    ];
    let rows = transaction.query_typed(HELD, &parameters)?;
    transaction.commit()?;
    rows.first().map(|row| row.try_get(0)).transpose()
}
