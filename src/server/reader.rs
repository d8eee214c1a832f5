//! A read-only transaction: the only thing the sampler ever gets to see of a server.

use postgres::types::ToSql;
use postgres::{Row, Transaction};

use crate::error::{Error, ErrorKind, Result};

/// A transaction that was started `READ ONLY`; it has no method that writes.
pub struct Reader<'connection> {
    transaction: Transaction<'connection>,
}

impl<'connection> Reader<'connection> {
    /// Wraps a transaction that was started `READ ONLY`.
    pub(super) fn new(transaction: Transaction<'connection>) -> Self {
        Reader { transaction }
    }

    /// Runs one query and returns its rows.
    ///
    /// # Errors
    /// `Connection` with the server's message.
    pub fn query(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        self.transaction
            .query(sql, parameters)
            .map_err(|error| super::server_error(&error, ErrorKind::Connection))
    }
}
