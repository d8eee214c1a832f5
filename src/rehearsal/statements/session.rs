//! The session that runs the unbatched statements, and what is measured of each.

use std::time::Instant;

use postgres::Client;

use super::session_view::SessionView;
use super::watch::ProgressListener;
use super::work::Worked;
use crate::error::{Error, ErrorKind};
use crate::observation::{DiskRecord, FailedAttempt, LockRecord, WaitRecord};
use crate::rehearsal::failure::failure;
use crate::rehearsal::resume::ResumeLog;
use crate::rehearsal::session_queries::milliseconds;
use crate::server::ConnectionParameters;
use crate::units::Seconds;

/// The session, and what watches it.
pub struct Session<'a> {
    /// Runs the statements.
    pub client: &'a mut Client,
    /// Its process id on the server.
    pub process: i32,
    /// How to reach its server.
    pub parameters: &'a ConnectionParameters,
    /// Version of the server, as `server_version_num`.
    pub version_num: u32,
    /// Longest wait for a lock, in seconds.
    pub lock_timeout: f64,
    /// Polls it from a second connection; `None` when that connection was lost.
    pub view: &'a mut Option<SessionView>,
    /// Records what is about to be committed.
    pub log: &'a ResumeLog,
    /// Creates a listener for a statement's progress.
    pub listener: &'a dyn Fn() -> ProgressListener,
}

/// What one statement did.
#[derive(Clone, Debug, Default)]
pub struct StatementMeasured {
    /// Seconds from sending it to its commit, or to its end inside a transaction block.
    pub seconds: f64,
    /// The start and end of those times: the statement, and its commit.
    pub busy: Vec<(Instant, Instant)>,
    /// How many of those seconds it waited for others, sampled; `None` where that was not observed.
    pub waited_seconds: Option<f64>,
    /// Rows affected, as the server reported.
    pub rows: u64,
    /// WAL inserted on the server during the statement, in bytes.
    pub wal_bytes: u64,
    /// Locks it acquired and held until its commit.
    pub locks: Vec<LockRecord>,
    /// Relations whose storage it replaced.
    pub rewritten: Vec<String>,
    /// Tables it read from end to end.
    pub scanned: Vec<String>,
    /// What it did to each relation.
    pub work: Vec<Worked>,
    /// Disk space it needed.
    pub disk: Option<DiskRecord>,
    /// What it waited for.
    pub waits: Vec<WaitRecord>,
    /// Earlier runs of it that failed.
    pub failed_attempts: Vec<FailedAttempt>,
    /// What the reader should know of how it was run.
    pub notes: Vec<String>,
}

/// Why a statement failed, and what became of its leftovers.
#[derive(Debug)]
pub struct StatementFailed {
    /// The server's error.
    pub error: postgres::Error,
    /// Whether it was cancelled because the person interrupted.
    pub interrupted: bool,
    /// What it waited for too long, if it was cancelled for that reason.
    pub waited_too_long: Option<String>,
    /// Failed runs, including this one, after which something had to be cleared away.
    pub attempts: Vec<FailedAttempt>,
    /// Partitions it left half detached, whose detachment was completed.
    pub detached: Vec<String>,
    /// Statements that a person must run to clear away the rest.
    pub remedies: Vec<String>,
}

impl From<postgres::Error> for StatementFailed {
    fn from(error: postgres::Error) -> StatementFailed {
        StatementFailed {
            error,
            interrupted: false,
            waited_too_long: None,
            attempts: Vec::new(),
            detached: Vec::new(),
            remedies: Vec::new(),
        }
    }
}

impl Session<'_> {
    /// Returns the longest wait for a lock in the server's unit, milliseconds.
    pub fn lock_timeout_milliseconds(&self) -> u64 {
        milliseconds(self.lock_timeout)
    }

    /// Returns the bytes of temporary files that sessions of this database have written so far; `None` before version
    /// 15, which reports them late.
    pub fn temporary_file_bytes(&mut self) -> Result<Option<u64>, postgres::Error> {
        if self.version_num < 150_000 {
            return Ok(None);
        }
        self.client
            .query_one("SELECT pg_catalog.pg_stat_force_next_flush()", &[])?;
        let sql = "SELECT temp_bytes FROM pg_catalog.pg_stat_database WHERE datname = current_database()";
        let bytes: i64 = self.client.query_one(sql, &[])?.get(0);
        Ok(Some(bytes.try_into().unwrap_or(0)))
    }
}

impl StatementFailed {
    /// Describes the failure; `lock_timeout` is the longest wait in seconds.
    pub fn describe(&self, lock_timeout: f64) -> Error {
        let mut error = match &self.waited_too_long {
            Some(what) => Error::new(
                ErrorKind::MigrationFailed,
                format!("it waited longer than {}: {what}", Seconds(lock_timeout)),
            )
            .with_hint(
                "end the sessions it waits for (an old transaction anywhere in the database counts), or raise \
                        --lock-timeout",
            ),
            None => failure(&self.error),
        };
        if let [first, second, ..] = self.attempts.as_slice() {
            let context = if first.error == second.error {
                "failed twice".to_string()
            } else {
                format!("failed twice, the first time because {}", first.error)
            };
            error = error.in_context(context);
        }
        match self.remedies.as_slice() {
            [] => error,
            remedies => error.with_hint(format!("this is left behind; run: {}", remedies.join("; "))),
        }
    }
}
