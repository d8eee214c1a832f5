//! Runs one unbatched statement and measures what it did: time, rows, WAL, locks, rewrites and scans.
//!
//! Every fact comes from the server: locks from `pg_locks` before the commit, a rewrite from a changed `relfilenode`,
//! rows, blocks and scans from its counters, WAL from the difference of insert positions, disk space from the sizes
//! before and after.

use std::collections::BTreeSet;
use std::time::Instant;

use postgres::error::SqlState;
use postgres::{Client, SimpleQueryMessage};

use super::relations::{RelationLock, RelationNames};
use super::session::{Session, StatementFailed, StatementMeasured};
use super::watch::StatementWatch;
use super::work::{Place, WorkCounters};
use crate::rehearsal::session_queries::transaction;
use crate::server::CancelOnInterrupt;

/// What a statement did while its transaction is still open.
struct Inside {
    measured: StatementMeasured,
    locks: BTreeSet<RelationLock>,
    /// The counters before it and after it.
    counters: (WorkCounters, WorkCounters),
}

impl Session<'_> {
    /// Runs `sql` in its own transaction, or outside one where the server requires that.
    pub fn run_alone(&mut self, sql: &str) -> Result<StatementMeasured, StatementFailed> {
        let before = RelationNames::read(self.client)?;
        let temporary_before = self.temporary_file_bytes()?;
        self.client.batch_execute("BEGIN")?;
        let inside = match self.run_inside(sql) {
            Ok(inside) => inside,
            Err(failed) => {
                // A lost connection cannot roll back and need not: the server does.
                let _ = self.client.batch_execute("ROLLBACK");
                return if must_be_alone(&failed.error) {
                    self.run_outside(sql, &before)
                } else {
                    Err(failed)
                };
            }
        };
        if self.log.is_on() {
            self.log.committing(transaction(self.client)?);
        }
        let begin = Instant::now();
        self.client.batch_execute("COMMIT")?;
        let commit = (begin, Instant::now());
        let temporary = temporary_before.zip(self.temporary_file_bytes()?);
        let temporary = temporary.map(|(before, after)| after.saturating_sub(before));
        let after = RelationNames::read(self.client)?;
        let mut measured = inside.complete(&before, &after, temporary);
        measured.busy.push(commit);
        measured.seconds += commit.1.duration_since(commit.0).as_secs_f64();
        for lock in &mut measured.locks {
            lock.held_seconds = Some(measured.seconds);
        }
        Ok(measured)
    }

    /// Runs `sql` inside the open transaction block; how long locks are held is known only at the block's commit.
    pub fn run_in_block(&mut self, sql: &str) -> Result<StatementMeasured, StatementFailed> {
        let before = RelationNames::read_in_block(self.client)?;
        let inside = self.run_inside(sql)?;
        let after = RelationNames::read_in_block(self.client)?;
        Ok(inside.complete(&before, &after, None))
    }

    fn run_inside(&mut self, sql: &str) -> Result<Inside, StatementFailed> {
        let locks_before = own_locks(self.client)?;
        let work_before = self.work_counters(Place::InTransaction)?;
        let position = insert_position(self.client)?;
        let (messages, busy) = self.send(sql)?;
        let wal_bytes = insert_position(self.client)?.saturating_sub(position);
        let work_after = self.work_counters(Place::InTransaction)?;
        let measured = StatementMeasured {
            seconds: busy.1.duration_since(busy.0).as_secs_f64(),
            busy: vec![busy],
            rows: affected_rows(&messages),
            wal_bytes,
            ..StatementMeasured::default()
        };
        let locks = own_locks(self.client)?.difference(&locks_before).cloned().collect();
        Ok(Inside {
            measured,
            locks,
            counters: (work_before, work_after),
        })
    }

    /// Reads the counters of rows and blocks.
    pub(super) fn work_counters(&mut self, place: Place) -> Result<WorkCounters, postgres::Error> {
        WorkCounters::read(self.client, self.version_num, place)
    }

    /// Sends the statement, waits for its end, and returns when it started and ended; an interrupt cancels it.
    fn send(&mut self, sql: &str) -> Result<(Vec<SimpleQueryMessage>, (Instant, Instant)), StatementFailed> {
        let view = self.view.take();
        let watch = view.map(|view| StatementWatch::progress(view, (self.listener)()));
        let token = self.client.cancel_token();
        let interruption = CancelOnInterrupt::watch(self.parameters, token);
        let begin = Instant::now();
        let outcome = self.client.simple_query(sql);
        let end = Instant::now();
        let interrupted = interruption.end();
        *self.view = watch.and_then(|watch| watch.end().view);
        match outcome {
            Ok(messages) => Ok((messages, (begin, end))),
            Err(error) => Err(StatementFailed {
                interrupted,
                ..StatementFailed::from(error)
            }),
        }
    }
}

impl Inside {
    /// Returns what was measured, with what the relations before and after the statement show about it.
    fn complete(
        self,
        before: &RelationNames,
        after: &RelationNames,
        temporary_file_bytes: Option<u64>,
    ) -> StatementMeasured {
        let (work_before, work_after) = &self.counters;
        let work = work_before.until(work_after, before, after);
        let scanned = work.iter().filter(|(_, work)| work.scans > 0);
        // Until the commit, other sessions can neither see nor wait for an object that the statement created.
        let others_see = self.locks.iter().filter(|(oid, _)| before.name(*oid).is_some());
        StatementMeasured {
            rewritten: before.rewritten_since(after),
            locks: before.name_locks(after, others_see.cloned()),
            disk: before.disk_until(after, &self.locks, temporary_file_bytes),
            scanned: scanned.filter_map(|(oid, _)| before.name(*oid).cloned()).collect(),
            work,
            ..self.measured
        }
    }
}

/// Returns whether the server refused the statement only because it was in a transaction.
fn must_be_alone(error: &postgres::Error) -> bool {
    let alone = [
        SqlState::ACTIVE_SQL_TRANSACTION,
        // A procedure or DO block that commits by itself; it was rolled back before its first commit.
        SqlState::INVALID_TRANSACTION_TERMINATION,
    ];
    error.code().is_some_and(|code| alone.contains(code))
}

/// Returns the number of rows that the first command of a simple query affected.
pub(in crate::rehearsal) fn affected_rows(messages: &[SimpleQueryMessage]) -> u64 {
    messages
        .iter()
        .find_map(|message| match message {
            SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
            _ => None,
        })
        .unwrap_or(0)
}

/// Returns the server's WAL insert position, in bytes since the beginning of its timeline.
pub(in crate::rehearsal) fn insert_position(client: &mut Client) -> Result<u64, postgres::Error> {
    let sql = "SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint";
    Ok(client.query_one(sql, &[])?.get::<_, i64>(0) as u64)
}

fn own_locks(client: &mut Client) -> Result<BTreeSet<RelationLock>, postgres::Error> {
    let sql = "SELECT l.relation, l.mode FROM pg_catalog.pg_locks l \
               WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted \
               AND l.relation >= 16384";
    Ok(client
        .query(sql, &[])?
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect())
}
