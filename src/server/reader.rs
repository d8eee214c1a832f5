//! A read-only transaction: the only access the sampler has to a server.

use std::time::Duration;

use postgres::error::SqlState;
use postgres::types::{ToSql, Type};
use postgres::{Client, Row, Transaction};

use super::held_locks::{Waiter, with_holder};
use super::line::Line;
use crate::error::{Error, ErrorKind, Result};

/// Longest wait of a reader for a lock, unless the person sets another: nobody should queue up behind a waiting reader.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// Time after the server's own statement limit when silence means that the network failed.
const MARGIN: Duration = Duration::from_secs(5);

/// Longest time that a transaction may stay open and idle: it holds back vacuum.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Time between the server's checks whether the client still exists; the setting exists from version 14.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// A transaction started with `READ ONLY`; it has no method that writes.
pub struct Reader<'connection> {
    transaction: Transaction<'connection>,
    line: &'connection Line,
    limit: Duration,
    /// Whether a query failed because it waited too long for a lock.
    was_locked_out: bool,
}

/// The cause of an error: a query waited too long for a lock.
#[derive(Clone, Copy, Debug)]
pub struct LockedOut;

/// Limits for the statements of one transaction.
pub(super) struct Limits {
    /// Longest time for one statement.
    pub statement: Duration,
    /// Longest wait of one statement for a lock.
    pub lock: Duration,
    /// The hint for a lock timeout.
    pub advice_when_locked: &'static str,
}

impl<'connection> Reader<'connection> {
    /// Runs one query and returns its rows. Parameters carry their types, so that one round trip is enough.
    ///
    /// # Errors
    /// `Connection` with the server's message.
    pub fn query(&mut self, sql: &str, parameters: &[(&(dyn ToSql + Sync), Type)]) -> Result<Vec<Row>> {
        let _answer = self.line.await_answer(self.limit.saturating_add(MARGIN));
        self.transaction.query_typed(sql, parameters).map_err(|error| {
            self.was_locked_out |= error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE);
            connection_error(&error)
        })
    }

    /// Asks the server whether it can read a statement, without running it.
    ///
    /// # Errors
    /// `Usage` with the server's message when it is no valid syntax.
    pub fn check_syntax(&mut self, sql: &str) -> Result<()> {
        let _answer = self.line.await_answer(self.limit.saturating_add(MARGIN));
        match self.transaction.prepare(sql) {
            Err(error) if error.code() == Some(&SqlState::SYNTAX_ERROR) => {
                Err(super::server_error(&error, ErrorKind::Usage))
            }
            // What it misses besides is found when it runs.
            _ => Ok(()),
        }
    }

    /// Runs one query that contains SQL written by a person, and returns its rows. One round trip.
    ///
    /// # Errors
    /// `Usage` when the server refuses what was written (unknown names, no privilege, bad data: SQLSTATE classes 42 and
    /// 22), otherwise `Connection`; with the server's message.
    pub fn query_written_by_user(&mut self, sql: &str) -> Result<Vec<Row>> {
        let _answer = self.line.await_answer(self.limit.saturating_add(MARGIN));
        self.transaction.query_typed(sql, &[]).map_err(|error| {
            self.was_locked_out |= error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE);
            let class = error.code().map_or("", |state| &state.code()[..2]);
            let kind = match class {
                "42" | "22" => ErrorKind::Usage,
                _ => ErrorKind::Connection,
            };
            super::server_error(&error, kind)
        })
    }
}

/// Runs `work` in one read-only transaction, within `limits`; a lock timeout is reported with the lock's holder.
///
/// The limits apply to the transaction only, never to the session: behind a pooler, the session belongs to somebody
/// else next. JIT compilation is off too: it can take seconds for queries that run once. The limits are set by a query
/// because, after the first query, the transaction can no longer be made read-write. Those for waits come first and by
/// themselves: the other query reads views of the catalog, which may be locked.
pub(super) fn read_only<T>(
    client: &mut Client,
    line: &Line,
    limits: &Limits,
    work: impl FnOnce(&mut Reader) -> Result<T>,
) -> Result<T> {
    let mut was_locked_out = false;
    let found = read_in_transaction(client, line, limits, &mut was_locked_out, work);
    match found {
        Err(error) if was_locked_out => {
            let _answer = line.await_answer(MARGIN);
            Err(with_holder(client, error, Waiter::Reader)
                .with_hint(limits.advice_when_locked)
                .because(LockedOut))
        }
        found => found,
    }
}

fn read_in_transaction<T>(
    client: &mut Client,
    line: &Line,
    limits: &Limits,
    was_locked_out: &mut bool,
    work: impl FnOnce(&mut Reader) -> Result<T>,
) -> Result<T> {
    let answer = line.await_answer(MARGIN);
    let mut transaction = client
        .build_transaction()
        .read_only(true)
        .start()
        .map_err(|error| connection_error(&error))?;
    let limited = format!(
        "SELECT pg_catalog.set_config('lock_timeout', '{}', true), \
         pg_catalog.set_config('statement_timeout', '{}', true), \
         pg_catalog.set_config('idle_in_transaction_session_timeout', '{}', true)",
        limits.lock.as_millis().clamp(1, i32::MAX as u128),
        limits.statement.as_millis().min(i32::MAX as u128),
        IDLE_TIMEOUT.as_millis()
    );
    let others = format!(
        "SELECT set_config(name, CASE name WHEN 'jit_above_cost' THEN '-1' ELSE '{}' END, true) \
         FROM pg_catalog.pg_settings WHERE name IN ('client_connection_check_interval', 'jit_above_cost')",
        CHECK_INTERVAL.as_millis()
    );
    for settings in [limited, others] {
        transaction.simple_query(&settings).map_err(|error| {
            *was_locked_out |= error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE);
            connection_error(&error)
        })?;
    }
    drop(answer);
    let mut reader = Reader {
        transaction,
        line,
        limit: limits.statement,
        was_locked_out: false,
    };
    let result = work(&mut reader);
    // If the work failed, the transaction is rolled back, and the network may have stalled by then.
    let _answer = line.await_answer(MARGIN);
    *was_locked_out |= reader.was_locked_out;
    let Reader { transaction, .. } = reader;
    match result {
        Ok(result) => {
            transaction.commit().map_err(|error| connection_error(&error))?;
            Ok(result)
        }
        Err(error) => {
            drop(transaction);
            Err(error)
        }
    }
}

fn connection_error(error: &postgres::Error) -> Error {
    super::server_error(error, ErrorKind::Connection)
}
