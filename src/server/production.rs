//! Production: only read, in short read-only transactions, and never blocked by us.

use std::time::Duration;

use postgres::Client;

use super::cancel_on_interrupt::CancelOnInterrupt;
use super::identity::Identity;
use super::interruption::nothing_measured;
use super::line::Line;
use super::parameters::ConnectionParameters;
use super::reader::{LOCK_TIMEOUT, Limits, Reader, read_only};
use super::signals::AtForcedExit;
use crate::error::Result;

/// Longest time for one statement, unless a caller needs longer.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// The holder of a lock decides what can be done about it.
const ADVICE_WHEN_LOCKED: &str =
    "try again when that lock is released: nothing may queue up on production, so no more than 2 s are waited for it";

/// A session on the database for which the migration is planned; it has no method that writes.
pub struct Production {
    client: Client,
    line: Line,
    parameters: ConnectionParameters,
}

impl Production {
    /// Opens the session.
    ///
    /// # Errors
    /// `Connection`, as [`ConnectionParameters::connect`].
    pub fn connect(parameters: &ConnectionParameters) -> Result<Production> {
        let (client, line, parameters) = parameters.connect_and_pin()?;
        Ok(Production {
            client,
            line,
            parameters,
        })
    }

    /// Runs `work` in one read-only transaction; a statement is cancelled after 30 s, a lock wait after 2 s.
    ///
    /// # Errors
    /// What `work` returns; `Connection` when the transaction cannot be started or ended, or the server stops
    /// answering; `Interrupted`.
    pub fn read<T>(&mut self, work: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T> {
        if self.parameters.interruption().is_asked() {
            // A short query after the interrupt belongs to the orderly end: what was rehearsed still gets its target.
            return read_only(&mut self.client, &self.line, &limits(STATEMENT_TIMEOUT), work);
        }
        self.read_within(STATEMENT_TIMEOUT, work)
    }

    /// As [`Production::read`], with another limit for a statement, e.g. for an exact count.
    ///
    /// An interrupt cancels the query on the server too, however the program ends, so that no count keeps running
    /// unused.
    ///
    /// # Errors
    /// As [`Production::read`].
    pub fn read_within<T>(&mut self, limit: Duration, work: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T> {
        self.parameters.interruption().refuse()?;
        let token = self.client.cancel_token();
        let to_cancel = (self.parameters.clone(), token.clone());
        let leftover = format!(
            "a query in {}, which the server ends at its time limit",
            self.parameters
        );
        let _at_forced_exit = AtForcedExit::register(leftover, move || {
            // If the cancel request fails, the server's time limit ends the query.
            let _ = to_cancel.0.cancel(&to_cancel.1);
        });
        let watch = CancelOnInterrupt::watch_look_up(&self.parameters, token, &self.line);
        let found = read_only(&mut self.client, &self.line, &limits(limit), work);
        match (watch.end(), found) {
            (true, Err(_)) => Err(nothing_measured()),
            (_, found) => found,
        }
    }

    /// Returns the identity of this database.
    ///
    /// # Errors
    /// `Connection` when the identity cannot be read.
    pub fn identity(&mut self) -> Result<Identity> {
        let identity = self.read(Identity::read)?;
        let log = self.read(|reader| identity.read_log(reader)).unwrap_or_default();
        Ok(identity.with_log(log))
    }
}

fn limits(statement: Duration) -> Limits {
    Limits {
        statement,
        lock: LOCK_TIMEOUT,
        advice_when_locked: ADVICE_WHEN_LOCKED,
    }
}
