//! Monitors a rehearsal for the person: draws its progress, passes on interrupts, applies the stopping rule.

use std::collections::BTreeMap;

use super::output;
use super::progress::Progress;
use crate::model::stopping::{self, Precision};
use crate::observation::{Observation, Rehearsal, Resumption, StepRecord, UnderWay};
use crate::rehearsal::{ProgressListener, RehearsalMonitor};
use crate::units::Seconds;

/// Confidence level at which the precision of a rehearsal is judged.
pub const LEVEL: f64 = 0.95;

/// The monitor of a rehearsal on the command line.
pub struct Watcher {
    precision: Option<f64>,
    expected: BTreeMap<String, f64>,
    progress: Option<Progress>,
}

impl Watcher {
    /// Watches a rehearsal that may stop at `precision` (0.1 for ±10 %).
    pub fn new(precision: Option<f64>) -> Watcher {
        Watcher {
            precision,
            expected: BTreeMap::new(),
            progress: None,
        }
    }

    /// Sets the expected seconds of each statement, which are shown next to its elapsed time.
    pub fn expecting(self, expected: BTreeMap<String, f64>) -> Watcher {
        Watcher { expected, ..self }
    }
}

impl RehearsalMonitor for Watcher {
    fn goes_on(&mut self, resumption: &Resumption) {
        let what = match resumption.under_way {
            UnderWay::Nothing => "nothing was under way",
            UnderWay::Committed => "what was under way had been committed, and is not run again",
            UnderWay::NotCommitted => "what was under way had not been committed, and is run again",
            UnderWay::LeftBehind => "the place of the walk that was under way is left as it is",
        };
        let away = resumption
            .away_seconds
            .map(|seconds| format!(" after {}", Seconds(seconds)));
        output::print_note(&format!(
            "going on at step {}{}: {what}",
            resumption.step,
            away.unwrap_or_default()
        ));
    }

    fn step_begins(&mut self, step: &StepRecord) {
        self.progress = Some(Progress::step(step, self.expected.get(&step.statement).copied()));
    }

    fn batch_done(&mut self, _step: &StepRecord, observations: &[Observation], planned_batches: f64) {
        if let Some(progress) = &mut self.progress {
            progress.batch(observations, planned_batches);
        }
    }

    fn is_enough(&mut self, so_far: &Rehearsal, step: &StepRecord, checkpoints: u64) -> bool {
        let Some(precision) = self.precision else {
            return false;
        };
        matches!(
            stopping::judge(so_far, step, checkpoints, precision, LEVEL),
            Precision::PreciseEnough { .. }
        )
    }

    fn progress_listener(&self) -> ProgressListener {
        match &self.progress {
            Some(progress) => progress.statement(),
            None => Box::new(|_| {}),
        }
    }

    fn decided(&mut self, reason: &str) {
        match &self.progress {
            Some(progress) => progress.note(reason),
            None => output::print_note(reason),
        }
    }
}
