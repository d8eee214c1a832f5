//! What else was going on while a rehearsal ran: its durations hold for a load like that.

use serde::{Deserialize, Serialize};

/// The load beside the rehearsal, as averages over looks at regular intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Load {
    /// Number of looks.
    pub looks: u64,
    /// Other sessions that ran a statement; `None` where the role may not see them.
    pub other_sessions: Option<f64>,
    /// Tasks of the machine that ran or waited for a processor, those of the rehearsal among them; `None` where the
    /// server is on another machine.
    pub runnable_tasks: Option<f64>,
}

impl Load {
    /// Returns the averages over the looks of both.
    pub fn and(self, other: Load) -> Load {
        let share = self.looks as f64 / (self.looks + other.looks).max(1) as f64;
        let mean = |one: Option<f64>, other: Option<f64>| Some(share * one? + (1.0 - share) * other?);
        Load {
            looks: self.looks + other.looks,
            other_sessions: mean(self.other_sessions, other.other_sessions),
            runnable_tasks: mean(self.runnable_tasks, other.runnable_tasks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_weighted_by_looks() {
        let load = |looks, other_sessions, runnable_tasks| Load {
            looks,
            other_sessions,
            runnable_tasks,
        };
        let both = load(3, Some(1.0), Some(2.0)).and(load(1, Some(5.0), None));
        assert_eq!(both, load(4, Some(2.0), None));
    }
}
