//! A read-only transaction: the only thing the sampler ever gets to see of a server.

use postgres::types::{ToSql, Type};
use postgres::{Row, Transaction};

use crate::error::{ErrorKind, Result};

/// A transaction that was started `READ ONLY`; it has no method that writes.
pub struct Reader<'connection> {
    transaction: Transaction<'connection>,
}

impl<'connection> Reader<'connection> {
    /// Wraps a transaction that was started `READ ONLY`.
    pub(super) fn new(transaction: Transaction<'connection>) -> Self {
        Reader { transaction }
    }

    /// Runs one query and returns its rows. Parameters come with their types, so that it is one round trip.
    ///
    /// # Errors
    /// `Connection` with the server's message.
    pub fn query(&mut self, sql: &str, parameters: &[(&(dyn ToSql + Sync), Type)]) -> Result<Vec<Row>> {
        self.transaction
            .query_typed(sql, parameters)
            .map_err(|error| super::server_error(&error, ErrorKind::Connection))
    }

    /// Runs one query that holds SQL a person wrote, and returns its rows. One round trip.
    ///
    /// # Errors
    /// `Usage` when the server refuses what was written (unknown names, no privilege, bad data: SQLSTATE classes 42 and
    /// 22), otherwise `Connection`; with the server's message.
    pub fn query_written_by_user(&mut self, sql: &str) -> Result<Vec<Row>> {
        self.transaction.query_typed(sql, &[]).map_err(|error| {
            let class = error.code().map_or("", |state| &state.code()[..2]);
            let kind = match class {
                "42" | "22" => ErrorKind::Usage,
                _ => ErrorKind::Connection,
            };
            super::server_error(&error, kind)
        })
    }
}
