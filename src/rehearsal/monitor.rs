//! Who watches a rehearsal: what it hears, and what it is asked.

use super::statements::watch::ProgressListener;
use crate::observation::{Observation, Rehearsal, Resumption, StepRecord};

/// The one who watches a rehearsal: shows progress, and decides when the evidence is enough.
///
/// One that implements nothing shows nothing and lets the rehearsal run to its end.
pub trait RehearsalMonitor {
    /// Hears that a rehearsal that was cut off goes on.
    fn goes_on(&mut self, _resumption: &Resumption) {}

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

    /// Hears that a pair of segments is done, where two migrations are replayed in turns.
    fn pair_done(&mut self, _pairs: u32) {}
}
