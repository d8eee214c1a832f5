//! How a rehearsal that was cut off goes on. Plain data.

use super::log_line::{GoingOn, Start};
use crate::observation::{Observation, UnderWay};
use crate::rehearsal::batches::walk_plan::WalkPlan;

/// How a rehearsal goes on.
#[derive(Debug)]
pub(in crate::rehearsal) struct Continuation {
    /// The first step to run.
    pub step: usize,
    /// Steps before it that were committed while nobody measured them.
    pub unmeasured: std::ops::Range<usize>,
    /// Statements that put the session into the state that it had.
    pub repeated: Vec<String>,
    /// How its walk goes on, where it had begun.
    pub walk: Option<GoOn>,
    /// What became of what was under way.
    pub under_way: UnderWay,
}

/// How a walk goes on.
#[derive(Clone, Debug)]
pub(in crate::rehearsal) struct GoOn {
    /// What was known of it before its first batch.
    pub plan: WalkPlan,
    /// The place that comes next, in the order of execution.
    pub place: usize,
    /// Where in that; `None` for where the design says.
    pub start: Option<Start>,
    /// What was measured of it.
    pub observations: Vec<Observation>,
    /// How many of its batches were committed and not measured.
    pub unmeasured: usize,
}

impl GoOn {
    /// Begins a walk of which nothing is done.
    pub fn from_the_beginning(plan: &WalkPlan) -> GoOn {
        GoOn {
            plan: plan.clone(),
            place: 0,
            start: None,
            observations: Vec::new(),
            unmeasured: 0,
        }
    }

    /// Returns the place that comes next, how the walk goes on there, and what was measured before.
    pub fn apart(self) -> (usize, Option<GoingOn>, Vec<Observation>) {
        let going_on = GoingOn {
            start: self.start,
            kept: self.observations.len(),
            unmeasured: self.unmeasured,
        };
        (self.place, Some(going_on), self.observations)
    }
}
