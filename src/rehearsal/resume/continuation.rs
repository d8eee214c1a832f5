//! How a rehearsal that was cut off continues. Plain data.

use super::log_line::{GoingOn, Start};
use crate::observation::{Observation, UnderWay};
use crate::rehearsal::batches::walk_plan::WalkPlan;

/// How a rehearsal continues.
#[derive(Debug)]
pub(in crate::rehearsal) struct Continuation {
    /// The first step to run.
    pub step: usize,
    /// Steps before it that were committed but not measured.
    pub unmeasured: std::ops::Range<usize>,
    /// Statements that restore the session's earlier state.
    pub repeated: Vec<String>,
    /// How its walk continues, if it had begun.
    pub walk: Option<GoOn>,
    /// What became of the work that was under way.
    pub under_way: UnderWay,
}

/// How a walk continues.
#[derive(Clone, Debug)]
pub(in crate::rehearsal) struct GoOn {
    /// What was known of it before its first batch.
    pub plan: WalkPlan,
    /// The next place, in the order of execution.
    pub place: usize,
    /// Where in that place; `None` to start where the design says.
    pub start: Option<Start>,
    /// What was measured so far.
    pub observations: Vec<Observation>,
    /// How many of its batches were committed but not measured.
    pub unmeasured: usize,
}

impl GoOn {
    /// Starts a walk from its beginning.
    pub fn from_the_beginning(plan: &WalkPlan) -> GoOn {
        GoOn {
            plan: plan.clone(),
            place: 0,
            start: None,
            observations: Vec::new(),
            unmeasured: 0,
        }
    }

    /// Returns the next place, how the walk continues there, and what was measured before.
    pub fn apart(self) -> (usize, Option<GoingOn>, Vec<Observation>) {
        let going_on = GoingOn {
            start: self.start,
            kept: self.observations.len(),
            unmeasured: self.unmeasured,
        };
        (self.place, Some(going_on), self.observations)
    }
}
