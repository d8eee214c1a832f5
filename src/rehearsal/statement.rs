//! Runs one statement as it stands and measures what it did: time, rows, WAL, locks, rewrites and scans.
//!
//! Every fact is the server's own: locks from `pg_locks` before the commit, a rewrite from a changed `relfilenode`, a scan
//! from the difference in `pg_stat_xact_user_tables`, WAL from the difference of insert positions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use postgres::error::SqlState;
use postgres::{Client, SimpleQueryMessage};

use crate::error::{Error, ErrorKind};
use crate::migration::LockMode;
use crate::observation::LockRecord;
use crate::server::server_error;

/// What one statement did.
#[derive(Clone, Debug, Default)]
pub struct StatementMeasured {
    /// Seconds from sending it to its commit, or to its end inside a transaction block.
    pub seconds: f64,
    /// Rows affected, as the server reported.
    pub rows: u64,
    /// WAL inserted on the server meanwhile, in bytes.
    pub wal_bytes: u64,
    /// Locks it acquired, held until its commit.
    pub locks: Vec<LockRecord>,
    /// Relations whose storage it replaced.
    pub rewritten: Vec<String>,
    /// Tables it read from end to end.
    pub scanned: Vec<String>,
    /// Whether it ran outside a transaction because the server demands that; its locks are then not known.
    pub outside_transaction: bool,
}

/// Runs `sql` in a transaction of its own, or outside one where the server says it must be.
pub fn run_alone(client: &mut Client, sql: &str) -> Result<StatementMeasured, postgres::Error> {
    let before = Relations::read(client)?;
    client.batch_execute("BEGIN")?;
    match run_inside(client, sql, &before) {
        Ok(mut measured) => {
            let begin = Instant::now();
            client.batch_execute("COMMIT")?;
            measured.seconds += begin.elapsed().as_secs_f64();
            for lock in &mut measured.locks {
                lock.held_seconds = Some(measured.seconds);
            }
            measured.rewritten = before.rewritten_since(&Relations::read(client)?);
            Ok(measured)
        }
        Err(error) => {
            // A connection that is gone cannot roll back, and need not: the server does.
            let _ = client.batch_execute("ROLLBACK");
            // The second is a procedure or DO block that commits by itself; it was rolled back before its first commit.
            let alone = [
                SqlState::ACTIVE_SQL_TRANSACTION,
                SqlState::INVALID_TRANSACTION_TERMINATION,
            ];
            if error.code().is_some_and(|code| alone.contains(code)) {
                run_outside_transaction(client, sql, &before)
            } else {
                Err(error)
            }
        }
    }
}

/// Runs `sql` inside the transaction block that is open; hold times are known only at its commit.
pub fn run_in_block(client: &mut Client, sql: &str) -> Result<StatementMeasured, postgres::Error> {
    let before = Relations::read(client)?;
    let mut measured = run_inside(client, sql, &before)?;
    measured.rewritten = before.rewritten_since(&Relations::read(client)?);
    Ok(measured)
}

fn run_inside(client: &mut Client, sql: &str, before: &Relations) -> Result<StatementMeasured, postgres::Error> {
    let locks_before = own_locks(client)?;
    let scans_before = scans(client)?;
    let position = insert_position(client)?;
    let begin = Instant::now();
    let messages = client.simple_query(sql)?;
    let seconds = begin.elapsed().as_secs_f64();
    let wal_bytes = insert_position(client)?.saturating_sub(position);
    let scanned = scans(client)?
        .into_iter()
        .filter(|(oid, count)| *count > scans_before.get(oid).copied().unwrap_or(0))
        .filter_map(|(oid, _)| before.names.get(&oid).cloned())
        .collect();
    let new_locks: BTreeSet<_> = own_locks(client)?.difference(&locks_before).cloned().collect();
    Ok(StatementMeasured {
        seconds,
        rows: affected_rows(&messages),
        wal_bytes,
        locks: before.name_locks(client, new_locks)?,
        scanned,
        ..StatementMeasured::default()
    })
}

fn run_outside_transaction(
    client: &mut Client,
    sql: &str,
    before: &Relations,
) -> Result<StatementMeasured, postgres::Error> {
    let position = insert_position(client)?;
    let begin = Instant::now();
    let messages = client
        .simple_query(sql)
        .inspect_err(|_| drop_half_built_indexes(client, before))?;
    let seconds = begin.elapsed().as_secs_f64();
    Ok(StatementMeasured {
        seconds,
        rows: affected_rows(&messages),
        wal_bytes: insert_position(client)?.saturating_sub(position),
        rewritten: before.rewritten_since(&Relations::read(client)?),
        outside_transaction: true,
        ..StatementMeasured::default()
    })
}

/// Drops what a failed or cancelled `CREATE INDEX CONCURRENTLY` leaves behind; an index that another session is building
/// is not ours.
fn drop_half_built_indexes(client: &mut Client, before: &Relations) {
    let sql = "SELECT i.indexrelid, pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_index i \
               JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
               WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname !~ '^pg_toast' \
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)";
    // Where the connection is gone as well, the statement's own error says so.
    for row in client.query(sql, &[]).unwrap_or_default() {
        if !before.names.contains_key(&row.get::<_, u32>(0)) {
            let _ = client.batch_execute(&format!("DROP INDEX {}", row.get::<_, &str>(1)));
        }
    }
}

/// Puts a failed statement into words; a server that went away is a lost connection, not a failed migration.
pub(super) fn failure(error: &postgres::Error) -> Error {
    const GONE: [SqlState; 3] = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
    ];
    let kind = match error.code() {
        Some(code) if !GONE.contains(code) => ErrorKind::MigrationFailed,
        _ => ErrorKind::Connection,
    };
    let failure = server_error(error, kind);
    if kind == ErrorKind::Connection {
        return failure.in_context("the connection was lost");
    }
    if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
        return failure.with_hint("another session holds a lock on the clone; end it, or raise --lock-timeout");
    }
    failure
}

/// Returns the rows the first command of a simple query affected.
pub(super) fn affected_rows(messages: &[SimpleQueryMessage]) -> u64 {
    messages
        .iter()
        .find_map(|message| match message {
            SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
            _ => None,
        })
        .unwrap_or(0)
}

/// Runs a query whose columns are all text and returns its rows.
pub(super) fn text_rows(client: &mut Client, sql: &str) -> Result<Vec<Vec<String>>, postgres::Error> {
    let messages = client.simple_query(sql)?;
    Ok(messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|index| row.get(index).unwrap_or_default().to_string())
                    .collect(),
            ),
            _ => None,
        })
        .collect())
}

/// Returns the server's WAL insert position, in bytes since the beginning of its timeline.
pub(super) fn insert_position(client: &mut Client) -> Result<u64, postgres::Error> {
    let sql = "SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint";
    Ok(client.query_one(sql, &[])?.get::<_, i64>(0) as u64)
}

type RelationLock = (u32, String);

fn own_locks(client: &mut Client) -> Result<BTreeSet<RelationLock>, postgres::Error> {
    let sql = "SELECT l.relation, l.mode FROM pg_catalog.pg_locks l \
               WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384";
    Ok(client
        .query(sql, &[])?
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect())
}

fn scans(client: &mut Client) -> Result<BTreeMap<u32, i64>, postgres::Error> {
    let sql = "SELECT relid, seq_scan FROM pg_catalog.pg_stat_xact_user_tables WHERE seq_scan > 0";
    Ok(client
        .query(sql, &[])?
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect())
}

/// The relations of the database as they were: names and storage, by object id.
#[derive(Default)]
struct Relations {
    names: BTreeMap<u32, String>,
    storage: BTreeMap<u32, u32>,
}

impl Relations {
    fn read(client: &mut Client) -> Result<Relations, postgres::Error> {
        let sql = "SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relfilenode \
                   FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   WHERE c.oid >= 16384 AND n.nspname !~ '^pg_toast'";
        let mut relations = Relations::default();
        for row in client.query(sql, &[])? {
            let oid: u32 = row.get(0);
            relations.names.insert(oid, row.get(1));
            relations.storage.insert(oid, row.get(2));
        }
        Ok(relations)
    }

    fn rewritten_since(&self, after: &Relations) -> Vec<String> {
        let mut names: Vec<String> = self
            .storage
            .iter()
            .filter(|(oid, storage)| after.storage.get(oid).is_some_and(|now| now != *storage))
            .filter_map(|(oid, _)| self.names.get(oid).cloned())
            .collect();
        names.sort();
        names
    }

    fn name_locks(
        &self,
        client: &mut Client,
        locks: BTreeSet<RelationLock>,
    ) -> Result<Vec<LockRecord>, postgres::Error> {
        let unknown = locks.iter().any(|(oid, _)| !self.names.contains_key(oid));
        let now = if unknown {
            Relations::read(client)?
        } else {
            Relations::default()
        };
        let mut records: Vec<LockRecord> = locks
            .into_iter()
            .filter_map(|(oid, mode)| {
                let relation = self.names.get(&oid).or_else(|| now.names.get(&oid))?.clone();
                Some(LockRecord {
                    relation,
                    mode: LockMode::from_name(&mode)?,
                    held_seconds: None,
                    sampled_every_seconds: None,
                })
            })
            .collect();
        records.sort_by(|one, other| (&one.relation, one.mode).cmp(&(&other.relation, other.mode)));
        Ok(records)
    }
}
