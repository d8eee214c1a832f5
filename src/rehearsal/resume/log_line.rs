//! The lines of the log of a running rehearsal: the possible events. Plain data.

use serde::{Deserialize, Serialize};

use super::beginning::Beginning;
use crate::observation::{Event, Observation, Resumption, StepRecord};
use crate::rehearsal::batches::planned_batch::PlannedBatch;
use crate::rehearsal::batches::walk_plan::WalkPlan;

/// An event.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LogLine {
    /// The rehearsal began.
    Begin(Box<Beginning>),
    /// The rehearsal continues in this session of the server.
    Session {
        /// Its process id.
        process: i32,
        /// When that started, in microseconds since 1970; `None` where the role set by `SET ROLE` may not see the login
        /// role's sessions.
        started: Option<i64>,
        /// The boot identifier of the machine on which migtime runs, if known.
        boot: Option<String>,
    },
    /// A step begins; for a transaction block, its first step.
    Step {
        /// The step's index, from 0.
        index: usize,
        /// The number of the server's next transaction.
        next_transaction: u64,
    },
    /// The running statement commits in parts, or cannot run in a transaction block.
    Alone,
    /// The commit of the statement or block is sent next; without a transaction number there is nothing to commit.
    Committing { transaction: Option<u64> },
    /// What is known of the walk that begins.
    Walk(WalkPlan),
    /// Batches of this place follow.
    Place {
        /// Its number, in the order of execution.
        number: usize,
        /// How the walk continues there, if it was cut off before.
        going_on: Option<GoingOn>,
    },
    /// These batches run next, in this order.
    Windows(Vec<PlannedBatch>),
    /// A batch was committed.
    Batch {
        /// Its transaction number; `None` if it changed nothing.
        transaction: Option<u64>,
        /// What was measured.
        observation: Observation,
        /// The full-page images of the previous batch, which become known only now.
        full_page_images_before: Option<u64>,
    },
    /// Steps are done, and committed.
    Done {
        /// The steps' records, each with the step's index.
        records: Vec<(usize, StepRecord)>,
        /// All events observed on the server so far.
        events: Vec<Event>,
    },
    /// The rehearsal was resumed after it had been cut off.
    Resumed(Resumption),
}

/// How a walk continues after it was cut off. Written in the same line as its place, so that a second cut cannot
/// separate them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::rehearsal) struct GoingOn {
    /// Where in the place it continues; `None` to start where the design says.
    pub start: Option<Start>,
    /// How many of the walk's measured batches remain valid; the server lost the others.
    pub kept: usize,
    /// How many of its batches were committed but not measured.
    pub unmeasured: usize,
}

/// Where the rest of a whole walk begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::rehearsal) struct Start {
    /// Last key or block that is done; `None` if nothing is done.
    pub after: Option<Vec<String>>,
    /// Fraction of the walk's work before this point, 0 to 1.
    pub position: f64,
}
