//! Runs a statement that the server accepts only outside a transaction: `CONCURRENTLY`, `VACUUM`, procedures that
//! commit.
//!
//! A second connection observes its locks and waits. The server's `lock_timeout` would cancel the waits of
//! `CONCURRENTLY` and leave an invalid index. So it is switched off meanwhile, and the same limit is enforced by
//! cancelling the statement. What a failed run leaves unfinished is cleared away, and the statement then runs once
//! more.

use std::time::{Duration, Instant};

use postgres::{Client, SimpleQueryMessage};

use super::relations::{RelationLock, RelationNames};
use super::session::{Session, StatementFailed, StatementMeasured};
use super::statement::{affected_rows, insert_position};
use super::unfinished::{Cleared, Clearing, Unfinished};
use super::watch::{StatementWatch, WaitLimit, Watched};
use super::work::{Place, WorkCounters};
use crate::error::ErrorKind;
use crate::observation::{FailedAttempt, LockRecord};
use crate::server::{CancelOnInterrupt, server_error};
use crate::units::Seconds;

/// Time between two checks whether a session has ended.
const POLL: Duration = Duration::from_millis(10);

/// A run of the statement that succeeded.
struct Run {
    seconds: f64,
    rows: u64,
    wal_bytes: u64,
    temporary_file_bytes: Option<u64>,
    watched: Option<Watched>,
    /// The counters before it and after it.
    counters: (WorkCounters, WorkCounters),
}

impl Session<'_> {
    /// Runs `sql` outside a transaction; `before` holds the current relations.
    pub(super) fn run_outside(
        &mut self,
        sql: &str,
        before: &RelationNames,
    ) -> Result<StatementMeasured, StatementFailed> {
        let unfinished = Unfinished::read(self.client, self.version_num)?;
        let lock_timeout: String = self.client.query_one("SHOW lock_timeout", &[])?.get(0);
        self.client.batch_execute("SET lock_timeout = 0")?;
        self.log.alone();
        let measured = self.run_twice(sql, before, &unfinished);
        let restored = self
            .client
            .batch_execute(&format!("SET lock_timeout = '{lock_timeout}'"));
        let mut measured = measured?;
        restored?;
        measured.notes.extend(self.note_lock_timeout(sql, &lock_timeout));
        measured.notes.extend(kept_invalid(
            sql,
            &unfinished,
            &Unfinished::read(self.client, self.version_num)?,
        ));
        Ok(measured)
    }

    fn run_twice(
        &mut self,
        sql: &str,
        before: &RelationNames,
        unfinished: &Unfinished,
    ) -> Result<StatementMeasured, StatementFailed> {
        let mut attempts = Vec::new();
        loop {
            let begin = Instant::now();
            let mut failed = match self.run_once(sql) {
                Ok(run) => return Ok(self.measured(run, before, attempts)?),
                Err(failed) => failed,
            };
            let seconds = begin.elapsed().as_secs_f64();
            let is_last = !attempts.is_empty() || failed.interrupted;
            let cleared = self.clear(unfinished, before, is_last);
            let again = !is_last && cleared.is_worth_another_run() && !self.client.is_closed();
            if attempts.is_empty() && !again && !cleared.is_any() {
                return Err(failed);
            }
            attempts.push(FailedAttempt {
                error: failed.sentence(self.lock_timeout),
                seconds,
                invalid_indexes: cleared.dropped_indexes,
            });
            if !again {
                failed.detached = cleared.detached;
                failed.remedies = cleared.remedies;
                failed.attempts = attempts;
                return Err(failed);
            }
            self.client.batch_execute("SET lock_timeout = 0")?;
        }
    }

    fn run_once(&mut self, sql: &str) -> Result<Run, StatementFailed> {
        let temporary_before = self.temporary_file_bytes()?;
        let work_before = self.work_counters(Place::Outside)?;
        let position = insert_position(self.client)?;
        let token = self.client.cancel_token();
        let limit = WaitLimit {
            seconds: self.lock_timeout,
            parameters: self.parameters.clone(),
            token: token.clone(),
        };
        let view = self.view.take();
        let watch = view.map(|view| StatementWatch::closely(view, (self.listener)(), limit));
        let interruption = CancelOnInterrupt::watch(self.parameters, token);
        let begin = Instant::now();
        let outcome = self.client.simple_query(sql);
        let seconds = begin.elapsed().as_secs_f64();
        let mut watched = watch.map(StatementWatch::end);
        let interrupted = interruption.end();
        *self.view = watched.as_mut().and_then(|watched| watched.view.take());
        let messages: Vec<SimpleQueryMessage> = outcome.map_err(|error| StatementFailed {
            interrupted,
            waited_too_long: watched.as_mut().and_then(|watched| watched.waited_too_long.take()),
            ..StatementFailed::from(error)
        })?;
        let wal_bytes = insert_position(self.client)?.saturating_sub(position);
        let work_after = self.work_counters(Place::Outside)?;
        let temporary_after = self.temporary_file_bytes()?;
        let temporary = temporary_before.zip(temporary_after);
        Ok(Run {
            seconds,
            rows: affected_rows(&messages),
            wal_bytes,
            temporary_file_bytes: temporary.map(|(before, after)| after.saturating_sub(before)),
            watched,
            counters: (work_before, work_after),
        })
    }

    fn measured(
        &mut self,
        run: Run,
        before: &RelationNames,
        failed_attempts: Vec<FailedAttempt>,
    ) -> Result<StatementMeasured, postgres::Error> {
        let after = RelationNames::read(self.client)?;
        let work = run.counters.0.until(&run.counters.1, before, &after);
        let sightings = run.watched.map(|watched| watched.sightings);
        let locks = sightings.as_ref().map(|sightings| {
            let gap = sightings.longest_gap();
            let held = sightings.locks().iter();
            merged(held.filter_map(|(lock, seconds)| sampled(before, &after, lock, *seconds, gap)))
        });
        let taken = sightings.iter().flat_map(|sightings| sightings.locks().keys());
        let waits = sightings.as_ref().map(|sightings| sightings.waits());
        let waited = waits
            .as_ref()
            .map(|waits| waits.iter().map(|wait| wait.seconds).sum::<f64>());
        let mut notes = vec![note_of_locks(
            locks.as_deref(),
            sightings.as_ref().map(|seen| seen.longest_gap()),
        )];
        notes.extend(failed_attempts.iter().map(note_of_attempt));
        Ok(StatementMeasured {
            seconds: run.seconds,
            rows: run.rows,
            wal_bytes: run.wal_bytes,
            rewritten: before.rewritten_since(&after),
            work,
            disk: before.disk_until(&after, taken, run.temporary_file_bytes),
            locks: locks.unwrap_or_default(),
            waited_seconds: waited.filter(|seconds| *seconds > 0.0),
            waits: waits.unwrap_or_default(),
            failed_attempts,
            notes,
            ..StatementMeasured::default()
        })
    }

    /// Clears away what the failed statement left, in a new session if its own has ended.
    fn clear(&mut self, unfinished: &Unfinished, before: &RelationNames, is_last: bool) -> Cleared {
        let clearing = Clearing {
            before,
            lock_timeout_milliseconds: self.lock_timeout_milliseconds(),
            is_last,
        };
        // A terminated session is noticed only when something is sent to it.
        if self.client.batch_execute("SELECT").is_ok() {
            return unfinished.clear(self.client, self.version_num, &clearing);
        }
        let Ok(mut client) = self.parameters.connect() else {
            return Cleared::default();
        };
        self.await_end(&mut client);
        let clearing = Clearing {
            is_last: true,
            ..clearing
        };
        unfinished.clear(&mut client, self.version_num, &clearing)
    }

    /// Waits until the server has removed the terminated session: until then, its index counts as being built.
    fn await_end(&self, client: &mut Client) {
        let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1)";
        let begin = Instant::now();
        while begin.elapsed().as_secs_f64() < self.lock_timeout
            && client.query_one(sql, &[&self.process]).is_ok_and(|row| row.get(0))
        {
            std::thread::sleep(POLL);
        }
    }

    /// Returns a note if the migration set a `lock_timeout` that was not in force.
    fn note_lock_timeout(&self, sql: &str, lock_timeout: &str) -> Option<String> {
        let ours = Seconds(self.lock_timeout_milliseconds() as f64 / 1000.0);
        let theirs = crate::units::parse_duration(&lock_timeout.replace("min", "m")).ok();
        let differs = lock_timeout != "0" && theirs.is_none_or(|theirs| (theirs.0 - ours.0).abs() > 1e-3);
        (differs && mentions(sql, "concurrently")).then(|| {
            format!(
                "the migration sets lock_timeout = {lock_timeout}, which was off for this statement: it would cancel \
                 its waits and leave an invalid index"
            )
        })
    }
}

impl Cleared {
    fn is_worth_another_run(&self) -> bool {
        self.remedies.is_empty() && (self.half_dropped || !self.dropped_indexes.is_empty())
    }

    fn is_any(&self) -> bool {
        *self != Cleared::default()
    }
}

fn sampled(
    before: &RelationNames,
    after: &RelationNames,
    lock: &RelationLock,
    seconds: f64,
    gap: f64,
) -> Option<LockRecord> {
    let record = before.name_locks(after, [lock.clone()]).pop()?;
    Some(LockRecord {
        held_seconds: Some(seconds),
        sampled_every_seconds: Some(gap),
        ..record
    })
}

/// Merges locks by name, keeping the longest hold of each: a rebuilt index has the name of the one it replaces.
fn merged(locks: impl Iterator<Item = LockRecord>) -> Vec<LockRecord> {
    let mut merged: Vec<LockRecord> = Vec::new();
    for lock in locks {
        let same = |other: &&mut LockRecord| other.relation == lock.relation && other.mode == lock.mode;
        match merged.iter_mut().find(same) {
            Some(other) if other.held_seconds < lock.held_seconds => *other = lock,
            Some(_) => {}
            None => merged.push(lock),
        }
    }
    merged.sort_by(|one, other| (&one.relation, one.mode).cmp(&(&other.relation, other.mode)));
    merged
}

fn note_of_locks(locks: Option<&[LockRecord]>, gap: Option<f64>) -> String {
    match (locks, gap) {
        (None, _) | (_, None) => "runs outside a transaction; its locks were not observed".to_string(),
        (Some([]), Some(gap)) => format!(
            "runs outside a transaction; none of its locks was seen in looks up to {} apart",
            Seconds(gap)
        ),
        (Some(_), Some(gap)) => format!(
            "runs outside a transaction; its locks and waits were sampled, at most {} apart",
            Seconds(gap)
        ),
    }
}

fn note_of_attempt(attempt: &FailedAttempt) -> String {
    let dropped = match attempt.invalid_indexes.as_slice() {
        [] => String::new(),
        names => format!("dropped the invalid index {}, and ", names.join(", ")),
    };
    format!(
        "failed after {} ({}); {dropped}ran again",
        Seconds(attempt.seconds),
        attempt.error
    )
}

/// Returns a note if an index named in the statement was invalid before and still is.
fn kept_invalid(sql: &str, before: &Unfinished, after: &Unfinished) -> Option<String> {
    let still = after.invalid_indexes();
    let kept = before.invalid_indexes().into_iter().find(|name| {
        let bare = name.rsplit('.').next().unwrap_or(name);
        still.contains(name) && mentions(sql, bare)
    })?;
    Some(format!(
        "the index {kept} was invalid before this statement and still is"
    ))
}

fn mentions(sql: &str, word: &str) -> bool {
    sql.to_lowercase().contains(&word.to_lowercase())
}

impl StatementFailed {
    /// Returns in one sentence why the run failed; `lock_timeout` is the longest wait in seconds.
    pub(super) fn sentence(&self, lock_timeout: f64) -> String {
        match &self.waited_too_long {
            Some(what) => format!("it waited longer than {}: {what}", Seconds(lock_timeout)),
            None => server_error(&self.error, ErrorKind::MigrationFailed)
                .message()
                .to_string(),
        }
    }
}
