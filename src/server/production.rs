//! Production: only ever read, in short read-only transactions, and never kept waiting by us.

use std::time::Duration;

use postgres::Client;

use super::identity::Identity;
use super::parameters::ConnectionParameters;
use super::reader::{Reader, read_only};
use crate::error::Result;

/// Longest that one statement may take, unless a caller knows it needs longer.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// A session on the database the migration is planned for; it has no method that writes.
pub struct Production {
    client: Client,
}

impl Production {
    /// Opens the session.
    ///
    /// # Errors
    /// `Connection`, as [`ConnectionParameters::connect`].
    pub fn connect(parameters: &ConnectionParameters) -> Result<Production> {
        let client = parameters.connect()?;
        Ok(Production { client })
    }

    /// Lets `work` read in one read-only transaction; a statement is stopped after 30 s, a wait for a lock after 2 s.
    ///
    /// # Errors
    /// What `work` returns; `Connection` when the transaction cannot be started or ended.
    pub fn read<T>(&mut self, work: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T> {
        self.read_within(STATEMENT_TIMEOUT, work)
    }

    /// As [`Production::read`], with another limit for a statement, e.g. for an exact count.
    ///
    /// # Errors
    /// As [`Production::read`].
    pub fn read_within<T>(&mut self, limit: Duration, work: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T> {
        read_only(&mut self.client, limit, work)
    }

    /// Returns what tells this database from every other.
    ///
    /// # Errors
    /// `Connection` when it cannot be read.
    pub fn identity(&mut self) -> Result<Identity> {
        let identity = self.read(Identity::read)?;
        let log = self.read(|reader| identity.read_log(reader)).unwrap_or_default();
        Ok(identity.with_log(log))
    }
}
