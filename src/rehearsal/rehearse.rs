//! Runs the steps of a migration once, in order, on one clone, and records each as it is measured.

use std::collections::BTreeMap;
use std::time::Instant;

use super::conditions::Conditions;
use super::failure::failure;
use super::monitor::RehearsalMonitor;
use super::observer::Observer;
use super::resume::{GoOn, next_transaction};
use super::saving::journal::Journal;
use super::session_queries::prepare_session;
use super::statements::session_view::SessionView;
use super::walker::Walker;
use crate::catalog::RelationSize;
use crate::error::{ErrorKind, Result};
use crate::migration::Step;
use crate::observation::{EndReason, Ending, Rehearsal, StepRecord};
use crate::sampler;
use crate::server::{Staging, server_error};

/// Runs `steps` on `clone` as repetition `run`. Appends the measurements to `rehearsal` and saves it as it goes.
///
/// # Errors
/// `MigrationFailed` when a statement fails, `Connection` when the server is lost; in both cases `rehearsal` holds what
/// was measured until then and how it ended. `Usage` when `journal` cannot be written to, before anything is run.
pub struct Workplace<'a> {
    /// The clone.
    pub clone: &'a mut Staging,
    /// On which conditions.
    pub conditions: &'a Conditions,
    /// What is measured is appended to it.
    pub rehearsal: &'a mut Rehearsal,
    /// It is saved there as it goes.
    pub journal: &'a mut Journal,
    /// The one who watches.
    pub monitor: &'a mut dyn RehearsalMonitor,
}

/// Runs `steps` at `workplace` as repetition `run`.
///
/// # Errors
/// `MigrationFailed` when a statement fails, `Connection` when the server is lost; what was measured until then is in
/// the rehearsal, which also says how it ended. `Usage` when its journal cannot be written to, before anything is run.
pub fn rehearse(workplace: Workplace, steps: &[Step], run: u32) -> Result<()> {
    workplace.journal.begin(workplace.rehearsal)?;
    if run == 0 {
        // All of them at once: a step that is never reached must not be missing from the estimate.
        workplace.rehearsal.steps = steps.iter().map(StepRecord::new).collect();
    }
    let begin = Begin {
        run,
        step: 0,
        go_on: None,
    };
    walk(workplace, steps, begin)
}

/// Where a run through the steps begins.
pub(super) struct Begin {
    /// The repetition.
    pub run: u32,
    /// The first step to run.
    pub step: usize,
    /// How that step's walk continues, if it had begun.
    pub go_on: Option<GoOn>,
}

/// Runs `steps` from `begin` on.
///
/// # Errors
/// As [`rehearse`].
pub(super) fn walk(workplace: Workplace, steps: &[Step], begin: Begin) -> Result<()> {
    let Workplace {
        clone,
        conditions,
        rehearsal,
        journal,
        monitor,
    } = workplace;
    let version_num = rehearsal.server.version_num;
    clone.wait_for_locks(conditions.lock_timeout);
    let worker = prepare_session(clone.client(), conditions.lock_timeout)?;
    note_session(clone, journal)?;
    let observer = Observer::start(clone, version_num, worker)?;
    let view = SessionView::new(clone.second_connection()?, version_num, worker)
        .map_err(|error| server_error(&error, ErrorKind::Connection))?;
    let (census, missing_indexes) = match begin.run {
        0 => (census(clone)?, clone.read(sampler::missing_indexes)?),
        _ => (BTreeMap::new(), Vec::new()),
    };
    let mut walker = Walker {
        clone,
        observer,
        worker,
        view: Some(view),
        conditions,
        seconds_left: conditions.max_seconds - seconds_of_walks(&rehearsal.steps, begin.go_on.as_ref()),
        go_on: begin.go_on,
        run: begin.run,
        rehearsal,
        journal,
        monitor,
        open_block: None,
        reason: EndReason::Complete,
        census,
        missing_indexes,
    };
    let outcome = walker.walk(steps, begin.step);
    let reason = walker.reason;
    let load = walker.observer.load();
    rehearsal.load = match (rehearsal.load, load) {
        (Some(before), Some(load)) => Some(before.and(load)),
        (before, load) => before.or(load),
    };
    rehearsal.ended = Some(ending(reason, &outcome));
    // A full disk must hide neither the statement that failed nor what was measured.
    journal.try_save(rehearsal);
    if outcome.is_ok() && reason != EndReason::Interrupted {
        journal.log().remove();
    }
    outcome
}

/// Returns the sizes of all relations, by object id.
fn census(clone: &mut Staging) -> Result<BTreeMap<u32, RelationSize>> {
    let sizes = clone.read(|reader| sampler::sizes(reader, None))?;
    Ok(sizes.into_iter().map(|size| (size.oid, size)).collect())
}

/// Records which session runs the steps: it may outlive this program if that is killed.
fn note_session(clone: &mut Staging, journal: &Journal) -> Result<()> {
    let log = journal.log();
    if !log.is_on() {
        return Ok(());
    }
    let sql = "SELECT pid, (extract(epoch FROM backend_start) * 1000000)::bigint FROM pg_catalog.pg_stat_activity \
               WHERE pid = pg_catalog.pg_backend_pid()";
    let row = clone.client().query_one(sql, &[]).map_err(|error| failure(&error))?;
    log.session(row.get(0), row.get(1));
    Ok(())
}

/// Returns the seconds that the backfills took so far, including the one that is continued.
fn seconds_of_walks(steps: &[StepRecord], go_on: Option<&GoOn>) -> f64 {
    let walks = steps
        .iter()
        .filter(|step| step.batching.is_some())
        .map(|step| &step.observations);
    let walks = walks.chain(go_on.map(|go_on| &go_on.observations));
    walks
        .filter_map(|observations| observations.last())
        .map(|last| last.elapsed)
        .sum()
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

impl Walker<'_> {
    fn walk(&mut self, steps: &[Step], first: usize) -> Result<()> {
        for (index, step) in steps.iter().enumerate().skip(first) {
            if self.clone.parameters().interruption().is_asked() {
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
                    if self.go_on.is_none() {
                        self.log_step(index)?;
                    }
                    self.backfill(index, batching, left, steps.len() == 1)?;
                    self.record_growth(index, before);
                    if self.reason != EndReason::Interrupted {
                        self.log_done(&[index]);
                    }
                }
                None => {
                    self.ladder(index, step)?;
                    if self.reason != EndReason::Interrupted {
                        if self.open_block.as_ref().is_none_or(|(_, _, steps)| steps.is_empty()) {
                            self.log_step(index)?;
                        }
                        self.statement(index, step)?;
                        if self.open_block.is_none() && self.reason != EndReason::Interrupted {
                            self.log_done(&[index]);
                        }
                    }
                }
            }
        }
        if self.reason == EndReason::Interrupted {
            return self.leave_block();
        }
        self.enter_block(None)
    }

    /// Commits the open transaction block and begins the next, if `block` is a different one.
    fn enter_block(&mut self, block: Option<u32>) -> Result<()> {
        if self.open_block.as_ref().map(|(number, ..)| *number) == block {
            return Ok(());
        }
        if let Some((_, _, steps)) = self.open_block.take() {
            let transaction = self.transaction()?;
            self.journal.log().committing(transaction);
            let begin = Instant::now();
            self.execute("COMMIT")?;
            let commit = begin.elapsed().as_secs_f64();
            self.close_block(&steps, commit);
            self.log_done(&steps);
        }
        if let Some(number) = block {
            self.execute("BEGIN")?;
            self.open_block = Some((number, Instant::now(), Vec::new()));
        }
        Ok(())
    }

    /// Rolls the open transaction block back: part of a block must not be committed.
    fn leave_block(&mut self) -> Result<()> {
        match self.open_block.take() {
            Some(_) => self.execute("ROLLBACK"),
            None => Ok(()),
        }
    }

    /// Adds the commit's time to the block's last step; the locks of all its steps end at the commit.
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

    fn log_step(&mut self, index: usize) -> Result<()> {
        let log = self.journal.log();
        if log.is_on() {
            log.step(index, next_transaction(self.clone)?);
        }
        Ok(())
    }

    fn log_done(&self, steps: &[usize]) {
        let log = self.journal.log();
        if log.is_on() {
            let records = steps.iter().map(|index| (*index, self.rehearsal.steps[*index].clone()));
            log.done(records.collect(), &self.rehearsal.events);
        }
    }
}
