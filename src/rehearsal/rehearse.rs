//! Runs the steps of a migration once, in order, on one clone, and writes each down as it is measured.

use std::collections::BTreeMap;
use std::time::Instant;

use postgres::Client;

use super::journal::Journal;
use super::observer::Observer;
use super::session::{failure, milliseconds};
use super::session_view::SessionView;
use super::statement_watch::ProgressListener;
use crate::error::{ErrorKind, Result};
use crate::migration::Step;
use crate::observation::{EndReason, Ending, Observation, Rehearsal, StepRecord};
use crate::server::{Staging, server_error};

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
///
/// One that implements nothing shows nothing and lets the rehearsal run to its end.
pub trait RehearsalMonitor {
    /// Hears that a step begins.
    fn step_begins(&mut self, _step: &StepRecord) {}

    /// Hears of each batch of the step that runs, with all observations of this run so far.
    fn batch_done(&mut self, _step: &StepRecord, _observations: &[Observation], _planned_batches: f64) {}

    /// Returns whether `step` of `so_far` is measured well enough; asked only when a look is due.
    fn is_enough(&mut self, _so_far: &Rehearsal, _step: &StepRecord, _checkpoints: u64) -> bool {
        false
    }

    /// Returns one who hears how far the statement of the step that began has come, where the server tells.
    fn progress_listener(&self) -> ProgressListener {
        Box::new(|_| {})
    }

    /// Returns whether more of `step` has to be replayed for the sake of its checkpoints; asked when the planned share is done
    /// and the person named none.
    fn lacks_checkpoints(&mut self, _so_far: &Rehearsal, _step: &StepRecord, _checkpoints: u64) -> bool {
        false
    }

    /// Returns whether the person asked to stop.
    fn is_interrupted(&self) -> bool {
        false
    }
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
    journal.begin(rehearsal)?;
    let version_num = rehearsal.server.version_num;
    clone.wait_for_locks(conditions.lock_timeout);
    let worker = prepare_session(clone.client(), conditions.lock_timeout)?;
    let observer = Observer::start(clone, version_num, worker)?;
    let view = SessionView::new(clone.second_connection()?, version_num, worker)
        .map_err(|error| server_error(&error, ErrorKind::Connection))?;
    let mut walker = Walker {
        clone,
        observer,
        worker,
        view: Some(view),
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
pub(super) fn prepare_session(client: &mut Client, lock_timeout: f64) -> Result<i32> {
    let sql = format!(
        "SET lock_timeout = {}; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0",
        milliseconds(lock_timeout)
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

/// Goes through the steps; batched ones are walked in `batched_step`, the others run in `statement_step`.
pub(super) struct Walker<'a> {
    pub(super) clone: &'a mut Staging,
    pub(super) observer: Observer,
    /// Process of the session on the server.
    pub(super) worker: i32,
    /// Looks at the session while a statement runs; `None` when its connection was lost.
    pub(super) view: Option<SessionView>,
    pub(super) conditions: &'a Conditions,
    /// Seconds that the backfills may still take.
    pub(super) seconds_left: f64,
    pub(super) run: u32,
    pub(super) rehearsal: &'a mut Rehearsal,
    pub(super) journal: &'a mut Journal,
    pub(super) monitor: &'a mut dyn RehearsalMonitor,
    /// The transaction block that is open, when its first statement began, and the steps in it.
    pub(super) open_block: Option<(u32, Instant, Vec<usize>)>,
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
                    let before = self.bytes_of_tables();
                    self.backfill(index, batching, left, steps.len() == 1)?;
                    self.record_growth(index, before);
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
        self.clone.client().batch_execute(sql).map_err(|error| failure(&error))
    }

    pub(super) fn save_if_due(&mut self) {
        if self.journal.is_due() {
            self.journal.try_save(self.rehearsal);
        }
    }
}
