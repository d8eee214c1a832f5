//! One batched step of a rehearsal: plans its walk, replays it, and records the batches as they come.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::replay::{ReplayLimits, ReplayPlan, Scribe, replay};
use super::segments::Decision;
use super::table_backfill::{PlannedWalk, TableBackfill};
use super::walk_design::design_of;
use super::walk_plan::WalkPlan;
use super::walk_survey::survey;
use super::window_queue::SecondSession;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{Batching, keeps_to_tables};
use crate::observation::{BatchingRecord, EndReason, LockRecord, Observation, Rehearsal, StepRecord, WaitRecord};
use crate::rehearsal::monitor::RehearsalMonitor;
use crate::rehearsal::resume::{GoOn, ResumeLog};
use crate::rehearsal::saving::journal::Journal;
use crate::rehearsal::walker::Walker;

/// What a replay measured besides its batches.
struct Replayed {
    begin: Instant,
    /// Seconds since the walk's first batch.
    seconds: f64,
    /// Seconds spent on looking up windows, and the number of windows.
    lookups: (f64, u64),
    locks: Vec<LockRecord>,
    waits: Vec<WaitRecord>,
    outcome: Result<EndReason>,
}

impl Walker<'_> {
    /// Replays a backfill under the given conditions and records it as step `index`.
    ///
    /// It may take an equal share of the time left for `backfills_left` backfills. A backfill that has nothing to do on
    /// the clone is skipped, unless `is_all` says that it is the only one.
    pub(in crate::rehearsal) fn backfill(
        &mut self,
        index: usize,
        batching: &Batching,
        backfills_left: usize,
        is_all: bool,
    ) -> Result<()> {
        let go_on = self.go_on.take();
        let Some(plan) = self.plan_walk(index, batching, go_on.as_ref(), is_all)? else {
            return Ok(());
        };
        let unmeasured = go_on.as_ref().map_or(0, |go_on| go_on.unmeasured);
        let record = &mut self.rehearsal.steps[index];
        if self.run == 0 {
            describe_walk(record, batching, &plan, self.conditions.batch_delay);
        }
        note_unmeasured(record, unmeasured);
        let limits = ReplayLimits {
            batch_delay: self.conditions.batch_delay,
            max_seconds: self.seconds_left / backfills_left as f64,
        };
        let walk = PlannedWalk {
            batching,
            plan: &plan,
            second_session: self.second_session(index),
            log: self.journal.log(),
        };
        let replayed = self.replay_walk(index, walk, go_on, limits);
        self.seconds_left -= replayed.seconds;
        if self.run == 0 {
            self.rehearsal.steps[index].waits.clone_from(&replayed.waits);
        }
        self.finish_backfill(index, replayed)?;
        if unmeasured > 0 {
            count_unmeasured(&mut self.rehearsal.steps[index], unmeasured);
        }
        Ok(())
    }

    /// Surveys the walk before its first batch; `None` if interrupted, or skipped because there is nothing to do.
    fn plan_walk(
        &mut self,
        index: usize,
        batching: &Batching,
        go_on: Option<&GoOn>,
        is_all: bool,
    ) -> Result<Option<WalkPlan>> {
        if let Some(go_on) = go_on {
            return Ok(Some(go_on.plan.clone()));
        }
        match survey(self.clone, batching, self.conditions) {
            Ok(plan) => {
                self.journal.log().walk(&plan);
                Ok(Some(plan))
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.reason = EndReason::Interrupted;
                Ok(None)
            }
            Err(error) if error.kind() == ErrorKind::TooLittleEvidence && !is_all => {
                self.rehearsal.steps[index].passed_over = Some(error.message().to_string());
                Ok(None)
            }
            Err(error) => Err(plan_failure(error, &self.rehearsal.steps[index])),
        }
    }

    /// Replays the batches of the walk that the conditions ask for, starting where an earlier run was cut off.
    fn replay_walk(&mut self, index: usize, walk: PlannedWalk, go_on: Option<GoOn>, limits: ReplayLimits) -> Replayed {
        let (place, going_on, mut observations) = go_on.map(GoOn::apart).unwrap_or_default();
        let log = Rc::clone(&walk.log);
        let design = design_of(self.conditions, walk.plan.total_batches);
        let version_num = self.rehearsal.server.version_num;
        let interruption = self.clone.parameters().interruption().clone();
        let mut backfill = TableBackfill::new(self.clone, &self.observer, version_num, walk).going_on(going_on);
        let mut scribe = StepScribe {
            index,
            kept: self.rehearsal.steps[index].observations.len(),
            rehearsal: self.rehearsal,
            journal: self.journal,
            log,
            monitor: self.monitor,
        };
        let seconds = |observations: &[Observation]| observations.last().map_or(0.0, |last| last.elapsed);
        let before = Duration::try_from_secs_f64(seconds(&observations)).unwrap_or_default();
        let replay_plan = ReplayPlan {
            design: &design,
            limits,
            run: self.run,
            first_place: place,
            interruption,
        };
        let outcome = replay(&mut backfill, &replay_plan, &mut observations, &mut scribe);
        scribe.write_down(&observations);
        Replayed {
            // For a continued walk, the time it had already taken counts too.
            begin: backfill.started().checked_sub(before).unwrap_or(backfill.started()),
            seconds: seconds(&observations),
            lookups: backfill.lookups(),
            locks: backfill.locks.take().unwrap_or_default(),
            waits: std::mem::take(&mut backfill.waits),
            outcome,
        }
    }

    /// Returns whether a second session sees the same data as this one. It does if the steps so far were only
    /// statements that change tables.
    fn second_session(&self, index: usize) -> SecondSession {
        let keeps_to_tables = |step: &StepRecord| step.batching.is_some() || keeps_to_tables(&step.statement);
        if self.rehearsal.steps[..index].iter().all(keeps_to_tables) {
            SecondSession::SeesTheSame {
                lock_timeout: self.conditions.lock_timeout,
            }
        } else {
            SecondSession::MaySeeOther
        }
    }

    fn finish_backfill(&mut self, index: usize, replayed: Replayed) -> Result<()> {
        let number = self.rehearsal.steps[index].number;
        self.rehearsal
            .events
            .extend(self.observer.take_events(self.run, number, replayed.begin));
        let record = &mut self.rehearsal.steps[index];
        if let Some(batching) = &mut record.batching {
            batching.lookup_seconds += replayed.lookups.0;
            batching.lookup_batches += replayed.lookups.1;
        }
        record.locks = replayed.locks;
        summarise(record);
        let reason = replayed.outcome.map_err(|error| record.naming(error))?;
        // A step whose first run was cut off stays incomplete, whatever later runs do.
        record.complete = reason == EndReason::Complete && (self.run == 0 || record.complete);
        if reason != EndReason::Complete {
            self.reason = reason;
        }
        self.save_if_due();
        Ok(())
    }
}

/// Adds the rows of committed batches that were not measured, in a walk that is complete: the average of the measured
/// batches, or none. Everything else about the walk's length is known.
fn count_unmeasured(record: &mut StepRecord, unmeasured: usize) {
    let came_to_its_end = std::mem::take(&mut record.complete);
    let measured = record.observations.len();
    if !came_to_its_end || measured == 0 {
        return;
    }
    let rows = record.observations.iter().map(|batch| batch.rows as f64).sum::<f64>();
    let missing = rows / measured as f64 * unmeasured as f64;
    record.total_rows = Some(rows + missing);
    record.total_rows_relative_sd = missing / (rows + missing).max(1.0);
    if let Some(batching) = &mut record.batching {
        batching.total_batches = (measured + unmeasured) as f64;
    }
}

fn note_unmeasured(record: &mut StepRecord, batches: usize) {
    let batches = match batches {
        0 => return,
        1 => "a batch was committed whose time nobody".to_string(),
        several => format!("{several} batches were committed whose time nobody"),
    };
    let note = format!("when the rehearsal was cut off, {batches} measured; it was not run again");
    record.notes.push(note);
}

/// Writes a replay's observations into the rehearsal and passes them on to the monitor.
struct StepScribe<'a> {
    index: usize,
    /// Observations from earlier runs of the step, which stay.
    kept: usize,
    rehearsal: &'a mut Rehearsal,
    journal: &'a mut Journal,
    log: Rc<ResumeLog>,
    monitor: &'a mut dyn RehearsalMonitor,
}

impl StepScribe<'_> {
    fn write_down(&mut self, observations: &[Observation]) {
        let record = &mut self.rehearsal.steps[self.index];
        record.observations.truncate(self.kept);
        record.observations.extend_from_slice(observations);
    }
}

impl Scribe for StepScribe<'_> {
    fn batch_done(&mut self, observations: &[Observation], planned_batches: f64) {
        self.log.batch(observations);
        self.monitor
            .batch_done(&self.rehearsal.steps[self.index], observations, planned_batches);
        if self.journal.is_due() {
            self.write_down(observations);
            self.journal.try_save(self.rehearsal);
        }
    }

    fn is_enough(&mut self, observations: &[Observation], checkpoints: u64) -> bool {
        self.write_down(observations);
        self.monitor
            .is_enough(self.rehearsal, &self.rehearsal.steps[self.index], checkpoints)
    }

    fn decided(&mut self, decision: &Decision) {
        let note = decision.to_string();
        self.monitor.decided(&note);
        if self.kept == 0 {
            self.rehearsal.steps[self.index].notes.push(note);
        }
    }
}

/// A look-up that the server refuses is a mistake in the migration, just like a statement that it refuses.
fn plan_failure(error: Error, step: &StepRecord) -> Error {
    let kind = match error.kind() {
        ErrorKind::Usage => ErrorKind::MigrationFailed,
        kind => kind,
    };
    step.naming(error.of_kind(kind))
}

pub(in crate::rehearsal) fn describe_walk(
    record: &mut StepRecord,
    batching: &Batching,
    plan: &WalkPlan,
    batch_delay: f64,
) {
    record.total_rows = Some(plan.total_rows);
    record.total_rows_relative_sd = plan.total_rows_relative_sd;
    record.batching = Some(BatchingRecord {
        total_batches: plan.total_batches,
        ..BatchingRecord::new(batching, batch_delay)
    });
}

/// Sums up what the batches have in common: the WAL of the first run, and the longest hold of each lock.
fn summarise(record: &mut StepRecord) {
    let first_run = record.observations.iter().filter(|observation| observation.run == 0);
    let wal: Option<u64> = first_run.map(|observation| observation.wal_bytes).sum();
    record.wal_bytes = wal.filter(|_| !record.observations.is_empty());
    let longest = record
        .observations
        .iter()
        .map(Observation::working_seconds)
        .fold(0.0, f64::max);
    for lock in &mut record.locks {
        lock.held_seconds = Some(longest);
    }
}
