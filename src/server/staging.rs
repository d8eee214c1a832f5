//! The staging clone: may be changed once it is certain that it is neither production nor a primary of it.

use std::time::Duration;

use postgres::Client;
use postgres::error::SqlState;

use super::cancel_on_interrupt::CancelOnInterrupt;
use super::held_locks::{Waiter, with_holder};
use super::identity::Identity;
use super::interruption::nothing_measured;
use super::line::Line;
use super::parameters::ConnectionParameters;
use super::pooler;
use super::reader::{LOCK_TIMEOUT, Limits, Reader, read_only};
use super::unsafe_target::{SAME_IDENTITY, same_as_production, unsafe_target};
use crate::error::{Error, ErrorKind, Result};

/// Nobody else uses a clone, so the limit only ends what would never end.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(600);

const ADVICE_WHEN_LOCKED: &str = "end the session that holds the lock on the clone, or wait longer with --lock-timeout";

/// Time between the server's checks whether the client still exists.
const CHECK_INTERVAL: &str = "5s";

/// A session on the disposable database on which a migration is rehearsed.
pub struct Staging {
    client: Client,
    line: Line,
    parameters: ConnectionParameters,
    is_beside_production: bool,
    /// Process id of the session on the server.
    process: i32,
    /// Longest wait of a look-up for a lock.
    lock_timeout: Duration,
}

impl Staging {
    /// Opens the session and checks that the database can be written to.
    ///
    /// # Errors
    /// `Connection`, as [`ConnectionParameters::connect`]; `UnsafeTarget` for a standby, a read-only database, or a
    /// pooler that assigns sessions per transaction.
    pub fn connect(parameters: &ConnectionParameters) -> Result<Staging> {
        let (mut client, line, parameters) = parameters.connect_and_pin()?;
        // Checked before anything is set or prepared, because that would stay in the pool.
        let process = pooler::process_of_its_own(&mut client, &line, &parameters)?;
        let mut staging = Staging {
            client,
            line,
            parameters,
            is_beside_production: false,
            process,
            lock_timeout: LOCK_TIMEOUT,
        };
        staging.refuse_if_not_writable()?;
        staging.end_statements_of_a_dead_program();
        Ok(staging)
    }

    /// Refuses a target that names the same database as production, before connecting.
    ///
    /// # Errors
    /// `UnsafeTarget`.
    pub fn refuse_same_name(staging: &ConnectionParameters, production: &ConnectionParameters) -> Result<()> {
        if staging.names_same_database(production) {
            return Err(same_as_production(staging, "both names lead to one place"));
        }
        Ok(())
    }

    /// Refuses to continue if this is the production database, whatever name it was reached by.
    ///
    /// # Errors
    /// `UnsafeTarget`; `Connection` when the identity cannot be read.
    pub fn refuse_if_same(&mut self, production: &Identity) -> Result<()> {
        if self.identity()?.is_same_database(production) {
            return Err(same_as_production(&self.parameters, SAME_IDENTITY));
        }
        Ok(())
    }

    /// Records that production is on the same server.
    pub(super) fn note_beside_production(&mut self) {
        self.is_beside_production = true;
    }

    /// Returns whether production, if it was named, is another database on the same server.
    pub fn is_beside_production(&self) -> bool {
        self.is_beside_production
    }

    /// Sets how long look-ups may wait for a lock, in seconds, instead of 2 s.
    pub fn wait_for_locks(&mut self, seconds: f64) {
        self.lock_timeout = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    }

    /// Returns the process id of the session on the server.
    pub(super) fn process(&self) -> i32 {
        self.process
    }

    /// Returns the client of the session, for the rehearsal.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Runs `work` in one read-only transaction; an interrupt ends it.
    ///
    /// # Errors
    /// What `work` returns; `Connection` when the transaction cannot be started or ended; `Interrupted`.
    pub fn read<T>(&mut self, work: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T> {
        let line = self.line.clone();
        let limits = Limits {
            statement: STATEMENT_TIMEOUT.saturating_add(self.lock_timeout),
            lock: self.lock_timeout,
            advice_when_locked: ADVICE_WHEN_LOCKED,
        };
        self.look(|client| read_only(client, &line, &limits, work))
    }

    /// Runs a look-up `work` in the session. An interrupt cancels it, as no measurement is lost.
    ///
    /// A look-up that begins after the interrupt belongs to the orderly end and is not cancelled.
    ///
    /// # Errors
    /// What `work` returns; `Interrupted` when it was cancelled.
    pub fn look<T>(&mut self, work: impl FnOnce(&mut Client) -> Result<T>) -> Result<T> {
        if self.parameters.interruption().is_asked() {
            return work(&mut self.client);
        }
        let token = self.client.cancel_token();
        let watch = CancelOnInterrupt::watch_look_up(&self.parameters, token, &self.line);
        let found = work(&mut self.client);
        match (watch.end(), found) {
            (true, Err(_)) => Err(nothing_measured()),
            (_, found) => found,
        }
    }

    /// As [`Staging::look`], for a query on a table; `describe` turns the server's error into one of this program.
    ///
    /// # Errors
    /// What `describe` returns, with the holder of the lock if a lock wait took too long; `Interrupted`.
    pub fn look_on<T>(
        &mut self,
        table: &str,
        work: impl FnOnce(&mut Client) -> Result<T, postgres::Error>,
        describe: impl Fn(&postgres::Error) -> Error,
    ) -> Result<T> {
        let mut cause = None;
        let looked = self.look(|client| {
            work(client).map_err(|error| {
                let described = describe(&error);
                cause = Some(error);
                described
            })
        });
        match (looked, cause) {
            (Err(error), Some(cause)) => Err(self.naming_holder(error, &cause, Some(table))),
            (looked, _) => looked,
        }
    }

    /// Adds to `error` who holds the lock, if a statement failed because it waited for a lock too long. `cause` is the
    /// server's error, and `table` the statement's table.
    pub fn naming_holder(&self, error: Error, cause: &postgres::Error, table: Option<&str>) -> Error {
        if cause.code() != Some(&SqlState::LOCK_NOT_AVAILABLE) {
            return error;
        }
        // A new connection is used because the session itself may be in a failed transaction.
        let Ok((mut client, line)) = self.parameters().connect_on_line() else {
            return error;
        };
        let _answer = line.await_answer(self.longest_silence());
        let process = self.process();
        with_holder(&mut client, error, Waiter::Statement { table, process })
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

    /// Opens another session on the same database, for observation; it is cut together with this one.
    ///
    /// # Errors
    /// `Connection`, as [`ConnectionParameters::connect`].
    pub fn second_connection(&self) -> Result<Client> {
        let (client, line) = self.parameters.connect_on_line()?;
        self.line.take_along(&line);
        Ok(client)
    }

    /// Returns the line that the session is on.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// Returns how long the server may be silent before the network counts as dead.
    pub fn longest_silence(&self) -> Duration {
        self.parameters.longest_silence()
    }

    /// Returns the parameters of exactly this server, even if several were named.
    pub fn parameters(&self) -> &ConnectionParameters {
        &self.parameters
    }

    /// Makes the server check every few seconds whether this program still exists; otherwise, after `kill -9`, a
    /// statement would run to its end. Not possible on servers before 14 and on some systems.
    fn end_statements_of_a_dead_program(&mut self) {
        let _answer = self.line.await_answer(self.longest_silence());
        // Everything is in one statement: if the setting is unknown, nothing is set and nothing fails.
        let _ = self.client.simple_query(&format!(
            "SELECT set_config(name, '{CHECK_INTERVAL}', false) FROM pg_catalog.pg_settings \
             WHERE name = 'client_connection_check_interval'"
        ));
    }

    fn refuse_if_not_writable(&mut self) -> Result<()> {
        let _answer = self.line.await_answer(self.longest_silence());
        let row = self
            .client
            .query_one(
                "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'",
                &[],
            )
            .map_err(|error| super::server_error(&error, ErrorKind::Connection))?;
        let (is_standby, is_read_only): (bool, bool) = (row.get(0), row.get(1));
        if is_standby {
            return Err(unsafe_target(format!("{} is a standby", self.parameters))
                .with_hint("rehearse on a clone that is cut off from production and promoted"));
        }
        if is_read_only {
            return Err(unsafe_target(format!("{} is read-only", self.parameters)).with_hint(
                "default_transaction_read_only is on for this server, database or role; on a disposable clone, turn it \
                 off",
            ));
        }
        Ok(())
    }
}
