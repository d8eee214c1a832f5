//! What happened on the server during a rehearsal.

use serde::{Deserialize, Serialize};

/// Something that happened on the server during the rehearsal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Event {
    /// Whole repetition in which it happened.
    #[serde(default)]
    pub run: u32,
    /// Number of the step that was running.
    #[serde(default)]
    pub step: u32,
    /// Seconds since that step's first batch of that run began.
    pub elapsed: f64,
    /// What happened.
    pub event: EventKind,
}

/// Kinds of events that an observer distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A checkpoint began, timed or requested.
    CheckpointStart,
    /// A checkpoint completed.
    CheckpointComplete,
    /// An autovacuum worker was at work on a table of the migration.
    Autovacuum,
    /// Another session held a lock that a statement waited for.
    LockWait,
}
