//! A read-only transaction: the only thing the sampler ever gets to see of a server.

use std::time::Duration;

use postgres::error::SqlState;
use postgres::types::{ToSql, Type};
use postgres::{Client, Row, Transaction};

use super::held_locks::{Waiter, with_holder};
use super::line::Line;
use crate::error::{Error, ErrorKind, Result};

/// Longest wait of a reader for a lock, unless a person says so: nothing may queue up behind a reader that waits.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the server's own limit for a statement may have passed without a word of it; then the network is to blame.
const MARGIN: Duration = Duration::from_secs(5);

/// Longest that a transaction stays open with nothing asked: it holds back vacuum.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Time between two looks of the server whether the program is still there; there is no such setting before 14.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// A transaction that was started `READ ONLY`; it has no method that writes.
pub struct Reader<'connection> {
    transaction: Transaction<'connection>,
    line: &'connection Line,
    limit: Duration,
    /// Whether a query failed because it waited too long for a lock.
    was_locked_out: bool,
}

/// What the statements of one transaction may take.
pub(super) struct Limits {
    /// The longest that one may take.
    pub statement: Duration,
    /// The longest that one may wait for a lock.
    pub lock: Duration,
    /// What to do when that was too short.
    pub advice_when_locked: &'static str,
}

impl<'connection> Reader<'connection> {
    /// Runs one query and returns its rows. Parameters come with their types, so that it is one round trip.
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

    /// Runs one query that holds SQL a person wrote, and returns its rows. One round trip.
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

/// Lets `work` read in one read-only transaction, within `limits`; a lock that it waited for in vain is told with its holder.
///
/// The limits are set for the transaction only, never for the session: behind a pooler the session is somebody else's
/// next. Nothing is compiled either: that takes the server seconds for what it looks up in one. They are set by a query, because the first query makes it impossible to turn the transaction read-write again.
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
            Err(with_holder(client, error, Waiter::Reader).with_hint(limits.advice_when_locked))
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
    transaction
        .simple_query(&format!(
            "SELECT set_config(name, CASE name WHEN 'lock_timeout' THEN '{}' WHEN 'statement_timeout' THEN '{}' \
             WHEN 'idle_in_transaction_session_timeout' THEN '{}' WHEN 'jit_above_cost' THEN '-1' ELSE '{}' END, true) \
             FROM pg_catalog.pg_settings WHERE name IN ('lock_timeout', 'statement_timeout', \
             'idle_in_transaction_session_timeout', 'client_connection_check_interval', 'jit_above_cost')",
            limits.lock.as_millis().clamp(1, i32::MAX as u128),
            limits.statement.as_millis().min(i32::MAX as u128),
            IDLE_TIMEOUT.as_millis(),
            CHECK_INTERVAL.as_millis()
        ))
        .map_err(|error| connection_error(&error))?;
    drop(answer);
    let mut reader = Reader {
        transaction,
        line,
        limit: limits.statement,
        was_locked_out: false,
    };
    let result = work(&mut reader);
    // It is rolled back where the work failed, and that too may find the network at a standstill.
    let _answer = line.await_answer(MARGIN);
    *was_locked_out = reader.was_locked_out;
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
