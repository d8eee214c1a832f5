//! One batched step of a rehearsal: plans its walk, replays it, and writes the batches down as they come.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::conditions::Conditions;
use super::journal::Journal;
use super::rehearse::{RehearsalMonitor, Walker};
use super::replay::{self, Monitor, ReplayLimits};
use super::resume::{GoOn, ResumeLog};
use super::segments::{self, SegmentDesign};
use super::table_backfill::TableBackfill;
use super::walk_plan::WalkPlan;
use super::window_queue::SecondSession;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{Batching, keeps_to_tables};
use crate::observation::{BatchingRecord, EndReason, LockRecord, Observation, Rehearsal, StepRecord};

impl Walker<'_> {
    /// Replays a backfill as the conditions ask for, and records it as step `index`.
    ///
    /// It may take an equal share of the time that is left for `backfills_left` of them. One that finds nothing to do on
    /// the clone is passed over, unless it `is_all` there is.
    pub(super) fn backfill(
        &mut self,
        index: usize,
        batching: &Batching,
        backfills_left: usize,
        is_all: bool,
    ) -> Result<()> {
        let go_on = self.go_on.take();
        let read = match &go_on {
            Some(go_on) => Ok(go_on.plan.clone()),
            None => WalkPlan::read(self.clone, batching, self.conditions),
        };
        let plan = match read {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.reason = EndReason::Interrupted;
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::TooLittleEvidence && !is_all => {
                self.rehearsal.steps[index].passed_over = Some(error.message().to_string());
                return Ok(());
            }
            plan => plan.map_err(|error| plan_failure(error, &self.rehearsal.steps[index]))?,
        };
        let design = design_of(self.conditions, plan.total_batches);
        let record = &mut self.rehearsal.steps[index];
        if self.run == 0 {
            describe_walk(record, batching, &plan, self.conditions.batch_delay);
        }
        let kept = record.observations.len();
        let log = self.journal.log();
        if go_on.is_none() {
            log.walk(&plan);
        }
        let (place, going_on, mut observations) = go_on.map(GoOn::apart).unwrap_or_default();
        let unmeasured = going_on.as_ref().map_or(0, |going_on| going_on.unmeasured);
        note_unmeasured(record, unmeasured);
        let limits = ReplayLimits {
            batch_delay: self.conditions.batch_delay,
            max_seconds: self.seconds_left / backfills_left as f64,
        };
        let version_num = self.rehearsal.server.version_num;
        let second_session = self.second_session(index);
        let mut backfill = TableBackfill::new(
            self.clone,
            &self.observer,
            version_num,
            batching,
            &plan,
            second_session,
            Rc::clone(&log),
        )
        .going_on(going_on);
        let mut scribe = Scribe {
            index,
            kept,
            may_go_on: self.conditions.fraction.is_none(),
            rehearsal: self.rehearsal,
            journal: self.journal,
            log,
            monitor: self.monitor,
        };
        let before =
            Duration::try_from_secs_f64(observations.last().map_or(0.0, |last| last.elapsed)).unwrap_or_default();
        let outcome = replay::go_on(
            &mut backfill,
            &design,
            &limits,
            self.run,
            place,
            &mut observations,
            &mut scribe,
        );
        scribe.write_down(&observations);
        self.seconds_left -= observations.last().map_or(0.0, |last| last.elapsed);
        // The clock of a walk that went on had run before.
        let begin = backfill.started().checked_sub(before).unwrap_or(backfill.started());
        let lookups = backfill.lookups();
        let locks = backfill.locks.take().unwrap_or_default();
        let waits = std::mem::take(&mut backfill.waits);
        drop(backfill);
        if self.run == 0 {
            self.rehearsal.steps[index].waits = waits;
        }
        self.finish_backfill(index, begin, lookups, locks, outcome)?;
        if unmeasured > 0 {
            count_unmeasured(&mut self.rehearsal.steps[index], unmeasured);
        }
        Ok(())
    }

    /// Tells whether another session sees what this one does: after statements that change tables and nothing else.
    fn second_session(&self, index: usize) -> SecondSession {
        let keeps_to_tables = |step: &StepRecord| step.batching.is_some() || keeps_to_tables(&step.statement);
        match self.rehearsal.steps[..index].iter().all(keeps_to_tables) {
            true => SecondSession::SeesTheSame {
                lock_timeout: self.conditions.lock_timeout,
            },
            false => SecondSession::MaySeeOther,
        }
    }

    fn finish_backfill(
        &mut self,
        index: usize,
        begin: Instant,
        lookups: (f64, u64),
        locks: Vec<LockRecord>,
        outcome: Result<EndReason>,
    ) -> Result<()> {
        let number = self.rehearsal.steps[index].number;
        self.rehearsal
            .events
            .extend(self.observer.take_events(self.run, number, begin));
        let record = &mut self.rehearsal.steps[index];
        if let Some(batching) = &mut record.batching {
            batching.lookup_seconds += lookups.0;
            batching.lookup_batches += lookups.1;
        }
        record.locks = locks;
        summarise(record);
        let reason = outcome.map_err(|error| error.in_context(format!("step {number} at {}", record.place())))?;
        // A run that was cut off is not made whole by a later one.
        record.complete = reason == EndReason::Complete && (self.run == 0 || record.complete);
        if reason != EndReason::Complete {
            self.reason = reason;
        }
        self.save_if_due();
        Ok(())
    }
}

/// Returns which batches of a walk of `total_batches` to replay.
pub(super) fn design_of(conditions: &Conditions, total_batches: f64) -> SegmentDesign {
    if conditions.full {
        return SegmentDesign::whole_walk();
    }
    let budget = match conditions.fraction {
        Some(fraction) => segments::budget_of_fraction(total_batches, fraction),
        None => segments::default_budget(total_batches),
    };
    SegmentDesign::new(total_batches, budget, conditions.seed)
}

/// A walk that came to its end knows how long it was, but for the rows of the batches that nobody measured: as many as in the others
/// on average, or none.
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

/// Writes a replay's observations into the rehearsal, between the replay and the one who watches.
struct Scribe<'a> {
    index: usize,
    /// Observations of the step from earlier runs, which stay.
    kept: usize,
    /// Whether the share to replay is ours to choose.
    may_go_on: bool,
    rehearsal: &'a mut Rehearsal,
    journal: &'a mut Journal,
    log: Rc<ResumeLog>,
    monitor: &'a mut dyn RehearsalMonitor,
}

impl Scribe<'_> {
    fn write_down(&mut self, observations: &[Observation]) {
        let record = &mut self.rehearsal.steps[self.index];
        record.observations.truncate(self.kept);
        record.observations.extend_from_slice(observations);
    }
}

impl Monitor for Scribe<'_> {
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

    fn lacks_checkpoints(&mut self, observations: &[Observation], checkpoints: u64) -> bool {
        if !self.may_go_on {
            return false;
        }
        self.write_down(observations);
        self.monitor
            .lacks_checkpoints(self.rehearsal, &self.rehearsal.steps[self.index], checkpoints)
    }

    fn is_interrupted(&self) -> bool {
        self.monitor.is_interrupted()
    }
}

/// What the server refuses to look up is the migration's own mistake, as it is when it refuses to run it.
fn plan_failure(error: Error, step: &StepRecord) -> Error {
    let kind = match error.kind() {
        ErrorKind::Usage => ErrorKind::MigrationFailed,
        kind => kind,
    };
    error
        .of_kind(kind)
        .in_context(format!("step {} at {}", step.number, step.place()))
}

pub(super) fn describe_walk(record: &mut StepRecord, batching: &Batching, plan: &WalkPlan, batch_delay: f64) {
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
