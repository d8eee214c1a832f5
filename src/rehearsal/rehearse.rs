//! Runs the steps of a migration once, in order, on one clone, and writes each down as it is measured.

use std::collections::BTreeMap;
use std::time::Instant;

use postgres::Client;
use postgres::error::SqlState;

use super::interruption::CancelOnInterrupt;
use super::journal::Journal;
use super::observer::Observer;
use super::statement::{self, StatementMeasured};
use crate::error::{ErrorKind, Result};
use crate::migration::Step;
use crate::observation::{EndReason, Ending, Observation, Rehearsal, StepRecord};
use crate::server::{Staging, server_error, signals};

/// Under which conditions a migration is rehearsed.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// Seed of the segments' places.
    pub seed: u64,
    /// Share of the batches to replay, 0 to 1; `None` for the default, which grows on small tables until the evidence suffices.
    pub fraction: Option<f64>,
    /// Replay every batch.
    pub full: bool,
    /// Longest time the backfills together may take, in seconds.
    pub max_seconds: f64,
    /// Pause between two batches, in seconds.
    pub batch_delay: f64,
    /// Longest wait for a lock, in seconds.
    pub lock_timeout: f64,
    /// Count the rows instead of sampling them.
    pub count_exactly: bool,
    /// How many times as large as the clone's each table is in production, by its name, where that is known.
    pub growth: BTreeMap<String, f64>,
    /// The migration's step, replayed only in part, on whose outcome this builds; for a rollback.
    pub after_part_of: Option<u32>,
}

impl Default for Conditions {
    /// Returns the conditions of a rehearsal of a part that nobody hurries.
    fn default() -> Conditions {
        Conditions {
            seed: 1,
            fraction: None,
            full: false,
            max_seconds: f64::INFINITY,
            batch_delay: 0.0,
            lock_timeout: 10.0,
            count_exactly: false,
            growth: BTreeMap::new(),
            after_part_of: None,
        }
    }
}

/// The one who watches a rehearsal: shows progress, and decides when the evidence is enough.
pub trait RehearsalMonitor {
    /// Hears that a step begins.
    fn step_begins(&mut self, step: &StepRecord);

    /// Hears of each batch of the step that runs, with all observations of this run so far.
    fn batch_done(&mut self, step: &StepRecord, observations: &[Observation], planned_batches: f64);

    /// Returns whether `step` of `so_far` is measured well enough; asked only when a look is due.
    fn is_enough(&mut self, so_far: &Rehearsal, step: &StepRecord, checkpoints: u64) -> bool;

    /// Returns whether the person asked to stop.
    fn is_interrupted(&self) -> bool;
}

/// Runs `steps` on `clone` as repetition `run`, appending what is measured to `rehearsal` and saving it as it goes.
///
/// # Errors
/// `MigrationFailed` when a statement fails, `Connection` when the server is lost; what was measured until then is in
/// `rehearsal`, which also says how it ended. `Usage` when `journal` cannot be written to, before anything is run.
pub fn rehearse(
    clone: &mut Staging,
    steps: &[Step],
    run: u32,
    conditions: &Conditions,
    rehearsal: &mut Rehearsal,
    journal: &mut Journal,
    monitor: &mut dyn RehearsalMonitor,
) -> Result<()> {
    journal.save(rehearsal)?;
    let version_num = rehearsal.server.version_num;
    let worker = prepare_session(clone.client(), conditions.lock_timeout)?;
    let observer = Observer::start(clone.second_connection()?, version_num, worker);
    let mut walker = Walker {
        clone,
        observer,
        conditions,
        seconds_left: conditions.max_seconds,
        run,
        rehearsal,
        journal,
        monitor,
        open_block: None,
        reason: EndReason::Complete,
    };
    let outcome = walker.walk(steps);
    let reason = walker.reason;
    rehearsal.ended = Some(ending(reason, &outcome));
    // A disk that is full by now must hide neither the statement that failed nor what was measured.
    journal.try_save(rehearsal);
    outcome
}

/// Sets what must hold in the session that runs the steps and returns its process id.
fn prepare_session(client: &mut Client, lock_timeout: f64) -> Result<i32> {
    let milliseconds = (lock_timeout * 1000.0).round().clamp(1.0, f64::from(i32::MAX));
    let sql = format!(
        "SET lock_timeout = {milliseconds}; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"
    );
    client
        .batch_execute(&sql)
        .map_err(|error| server_error(&error, ErrorKind::Connection))?;
    let row = client
        .query_one("SELECT pg_catalog.pg_backend_pid()", &[])
        .map_err(|error| server_error(&error, ErrorKind::Connection))?;
    Ok(row.get(0))
}

fn ending(reason: EndReason, outcome: &Result<()>) -> Ending {
    match outcome {
        Ok(()) => Ending {
            reason,
            message: reason.sentence().to_string(),
        },
        Err(error) => {
            let reason = match error.kind() {
                ErrorKind::Connection => EndReason::ConnectionLost,
                _ => EndReason::Failed,
            };
            Ending {
                reason,
                message: error.message().to_string(),
            }
        }
    }
}

/// Goes through the steps; batched ones are walked in `batched_step`.
pub(super) struct Walker<'a> {
    pub(super) clone: &'a mut Staging,
    pub(super) observer: Observer,
    pub(super) conditions: &'a Conditions,
    /// Seconds that the backfills may still take.
    pub(super) seconds_left: f64,
    pub(super) run: u32,
    pub(super) rehearsal: &'a mut Rehearsal,
    pub(super) journal: &'a mut Journal,
    pub(super) monitor: &'a mut dyn RehearsalMonitor,
    /// The transaction block that is open, when its first statement began, and the steps in it.
    open_block: Option<(u32, Instant, Vec<usize>)>,
    pub(super) reason: EndReason,
}

impl Walker<'_> {
    fn walk(&mut self, steps: &[Step]) -> Result<()> {
        if self.run == 0 {
            // All of them at once: a step that is never reached must not be missing from the estimate.
            self.rehearsal.steps = steps.iter().map(StepRecord::new).collect();
        }
        for (index, step) in steps.iter().enumerate() {
            if self.monitor.is_interrupted() {
                self.reason = EndReason::Interrupted;
            }
            if self.reason == EndReason::Interrupted {
                return self.leave_block();
            }
            self.enter_block(step.transaction_block)?;
            self.monitor.step_begins(&self.rehearsal.steps[index]);
            match &step.batching {
                Some(batching) => {
                    let left = steps[index..].iter().filter(|step| step.batching.is_some()).count();
                    self.backfill(index, batching, left, steps.len() == 1)?;
                }
                None => {
                    self.ladder(index, step)?;
                    if self.reason != EndReason::Interrupted {
                        self.statement(index, step)?;
                    }
                }
            }
        }
        self.enter_block(None)
    }

    /// Commits the open transaction block and begins the next one, where they differ.
    fn enter_block(&mut self, block: Option<u32>) -> Result<()> {
        if self.open_block.as_ref().map(|(number, ..)| *number) == block {
            return Ok(());
        }
        if let Some((_, _, steps)) = self.open_block.take() {
            let begin = Instant::now();
            self.execute("COMMIT")?;
            let commit = begin.elapsed().as_secs_f64();
            self.close_block(&steps, commit);
        }
        if let Some(number) = block {
            self.execute("BEGIN")?;
            self.open_block = Some((number, Instant::now(), Vec::new()));
        }
        Ok(())
    }

    /// Rolls the open transaction block back: half of what was meant to be one must not be committed.
    fn leave_block(&mut self) -> Result<()> {
        match self.open_block.take() {
            Some(_) => self.execute("ROLLBACK"),
            None => Ok(()),
        }
    }

    /// Adds the commit's time to the block's last step and ends the locks of all its steps there.
    fn close_block(&mut self, steps: &[usize], commit: f64) {
        let mut until_commit = commit;
        for (place, index) in steps.iter().rev().enumerate() {
            let record = &mut self.rehearsal.steps[*index];
            let Some(observation) = record.observations.last_mut() else {
                continue;
            };
            if place == 0 {
                observation.seconds += commit;
                until_commit = 0.0;
            }
            until_commit += observation.seconds;
            for lock in &mut record.locks {
                lock.held_seconds = Some(until_commit);
            }
        }
    }

    pub(super) fn execute(&mut self, sql: &str) -> Result<()> {
        self.clone
            .client()
            .batch_execute(sql)
            .map_err(|error| statement::failure(&error))
    }

    fn statement(&mut self, index: usize, step: &Step) -> Result<()> {
        let begin = Instant::now();
        let token = self.clone.client().cancel_token();
        let watch = CancelOnInterrupt::watch(self.clone.parameters(), token, signals::interrupted);
        let measured = match step.transaction_block {
            Some(_) => statement::run_in_block(self.clone.client(), &step.sql),
            None => statement::run_alone(self.clone.client(), &step.sql),
        };
        let interrupted = watch.end();
        let events = self.observer.take_events(self.run, step.number, begin);
        self.rehearsal.events.extend(events);
        match measured {
            Ok(measured) => self.record_statement(index, begin, measured),
            Err(error) if interrupted && error.code() == Some(&SqlState::QUERY_CANCELED) => {
                self.reason = EndReason::Interrupted;
            }
            Err(error) => return self.statement_failed(index, step, &error),
        }
        self.save_if_due();
        Ok(())
    }

    fn record_statement(&mut self, index: usize, begin: Instant, measured: StatementMeasured) {
        if let Some((_, _, steps)) = &mut self.open_block {
            steps.push(index);
        }
        let run = self.run;
        let record = &mut self.rehearsal.steps[index];
        record.observations.push(Observation {
            run,
            segment: 0,
            rows: measured.rows,
            seconds: measured.seconds,
            waited_seconds: None,
            wal_bytes: Some(measured.wal_bytes),
            full_page_images: None,
            position: 0.0,
            elapsed: begin.elapsed().as_secs_f64(),
            warm_up: false,
        });
        record.complete = true;
        if run == 0 {
            record.wal_bytes = Some(measured.wal_bytes);
            record.locks = measured.locks;
            record.rewritten = measured.rewritten;
            record.scanned = measured.scanned;
            if measured.outside_transaction {
                record
                    .notes
                    .push("runs outside a transaction; its locks were not observed".to_string());
            }
        }
    }

    /// A check that fails because an earlier backfill was replayed only in part says nothing against the migration.
    fn statement_failed(&mut self, index: usize, step: &Step, error: &postgres::Error) -> Result<()> {
        let violated = matches!(
            error.code(),
            Some(
                &SqlState::NOT_NULL_VIOLATION
                    | &SqlState::CHECK_VIOLATION
                    | &SqlState::FOREIGN_KEY_VIOLATION
                    | &SqlState::UNIQUE_VIOLATION
                    | &SqlState::EXCLUSION_VIOLATION
            )
        );
        let partial = self.rehearsal.steps[..index]
            .iter()
            .find(|earlier| earlier.batching.is_some() && !earlier.complete);
        let partial = match (partial, self.conditions.after_part_of) {
            (Some(earlier), _) => Some(format!("step {}", earlier.number)),
            (None, Some(number)) => Some(format!("the migration's step {number}")),
            (None, None) => None,
        };
        match partial {
            Some(earlier) if violated && step.transaction_block.is_none() => {
                let reason = format!(
                    "it needs the whole of {earlier}, of which only a part was replayed; rehearse with --full to measure it"
                );
                self.rehearsal.steps[index].passed_over = Some(reason);
                Ok(())
            }
            _ => Err(statement::failure(error).in_context(format!("step {} at line {}", step.number, step.line))),
        }
    }

    pub(super) fn save_if_due(&mut self) {
        if self.journal.is_due() {
            self.journal.try_save(self.rehearsal);
        }
    }
}
