//! The trait that a rehearsal reports to and asks for decisions.

use super::statements::watch::ProgressListener;
use crate::observation::{Observation, Rehearsal, Resumption, StepRecord};

/// Watches a rehearsal: shows progress, and decides when the evidence is enough.
///
/// The default methods show nothing and let the rehearsal run to its end.
pub trait RehearsalMonitor {
    /// Called when a rehearsal that was cut off is resumed.
    fn goes_on(&mut self, _resumption: &Resumption) {}

    /// Called when a step begins.
    fn step_begins(&mut self, _step: &StepRecord) {}

    /// Called after each batch of the current step with all observations of this run so far.
    fn batch_done(&mut self, _step: &StepRecord, _observations: &[Observation], _planned_batches: f64) {}

    /// Returns whether `step` of `so_far` is measured well enough; called only when the stopping rule may look.
    fn is_enough(&mut self, _so_far: &Rehearsal, _step: &StepRecord, _checkpoints: u64) -> bool {
        false
    }

    /// Returns a listener for the progress of the current step's statement, where the server reports it.
    fn progress_listener(&self) -> ProgressListener {
        Box::new(|_| {})
    }

    /// Called when it is decided how much of the current step is replayed; `reason` is a sentence without a full stop.
    fn decided(&mut self, _reason: &str) {}

    /// Hears that a pair of segments is done, where two migrations are replayed in turns.
    fn pair_done(&mut self, _pairs: u32) {}
}
