//! What was observed of a statement besides its time and locks: disk, waits, failed attempts.
//!
//! Plain data of `rehearsal.json`; the room `rehearsal` observes it. Each number says whether it is exact, a bound or
//! sampled.

use serde::{Deserialize, Serialize};

/// Disk used by a statement, summed over the relations that it changed, created, dropped or locked against writes or
/// schema changes, each with its TOAST table and indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiskRecord {
    /// Size of those relations before it, in bytes.
    pub before_bytes: u64,
    /// Size of those relations after it, in bytes.
    pub after_bytes: u64,
    /// Peak of the bytes in use only while it ran, on top of the larger of the two sizes: replaced storage, which is
    /// freed at the commit, and temporary files. This is an upper bound: the files are counted as if all existed at
    /// once.
    pub peak_temporary_bytes: u64,
    /// Bytes of temporary files in the peak, from all sessions of the database; `None` inside a transaction block,
    /// where the server does not report them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporary_file_bytes: Option<u64>,
}

/// A wait for other sessions, found by sampling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WaitRecord {
    /// What it waited for, in the server's words: a phase of the progress view, such as `waiting for old snapshots`,
    /// else the wait event, such as `Lock: relation`.
    pub waiting_for: String,
    /// Total duration, in seconds.
    pub seconds: f64,
}

/// A failed run of a statement, which was repeated or would have been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FailedAttempt {
    /// Why it failed, in the server's words.
    pub error: String,
    /// How long it had run, in seconds; not part of any observation.
    pub seconds: f64,
    /// Invalid indexes that it left behind and that were dropped.
    pub invalid_indexes: Vec<String>,
}

impl DiskRecord {
    /// Returns the free disk it needed while it ran, in bytes: its permanent growth plus what it used temporarily.
    pub fn needed_bytes(&self) -> u64 {
        self.after_bytes.saturating_sub(self.before_bytes) + self.peak_temporary_bytes
    }
}
