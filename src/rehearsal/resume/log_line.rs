//! The lines of the log of a rehearsal under way: what can happen. Plain data.

use serde::{Deserialize, Serialize};

use super::beginning::Beginning;
use crate::observation::{Event, Observation, Resumption, StepRecord};
use crate::rehearsal::batches::planned_batch::PlannedBatch;
use crate::rehearsal::batches::walk_plan::WalkPlan;

/// What can happen.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LogLine {
    /// The rehearsal began.
    Begin(Box<Beginning>),
    /// It goes on in this session of the server.
    Session {
        /// Its process.
        process: i32,
        /// When that started, in microseconds since 1970; `None` where the role that was set may not see its own login's.
        started: Option<i64>,
        /// The start of the machine on which migtime runs, where it says.
        boot: Option<String>,
    },
    /// A step begins; of a transaction block its first.
    Step {
        /// Its place among the steps, from 0.
        index: usize,
        /// The number that the server gives to the next transaction.
        next_transaction: u64,
    },
    /// The statement that runs commits in parts, or cannot run in a transaction block.
    Alone,
    /// The commit of the statement, or of the block, is sent next; without a number there is nothing to commit.
    Committing { transaction: Option<u64> },
    /// What is known of the walk that begins.
    Walk(WalkPlan),
    /// Batches of this place follow.
    Place {
        /// Its number, in the order of execution.
        number: usize,
        /// How the walk goes on there, where it was cut off before.
        going_on: Option<GoingOn>,
    },
    /// These batches run next, in this order.
    Windows(Vec<PlannedBatch>),
    /// A batch was committed.
    Batch {
        /// Its number; `None` where it changed nothing.
        transaction: Option<u64>,
        /// What was measured.
        observation: Observation,
        /// The full-page images of the batch before, which are known only now.
        full_page_images_before: Option<u64>,
    },
    /// Steps are done, and committed.
    Done {
        /// Each with its place among the steps.
        records: Vec<(usize, StepRecord)>,
        /// All that was seen on the server until now.
        events: Vec<Event>,
    },
    /// It went on after it had been cut off.
    Resumed(Resumption),
}

/// How a walk goes on after it was cut off: written down at once with its place, so that a second cut cannot fall between.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::rehearsal) struct GoingOn {
    /// Where in the place it goes on; `None` for where the design says.
    pub start: Option<Start>,
    /// Of what was measured of the walk, so many batches stand: the server lost the others.
    pub kept: usize,
    /// How many of its batches were committed and not measured.
    pub unmeasured: usize,
}

/// Where the rest of a whole walk begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::rehearsal) struct Start {
    /// Last key, or block, of what is done; `None` when nothing is.
    pub after: Option<Vec<String>>,
    /// Fraction of the walk's work that lies before it, 0 to 1.
    pub position: f64,
}
