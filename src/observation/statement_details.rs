//! What was observed of a statement besides its time and locks: disk, waits, failed attempts.
//!
//! Plain data of `rehearsal.json`; the room `rehearsal` observes it. Each number says whether it is exact, a bound or
//! sampled.

use serde::{Deserialize, Serialize};

/// Disk that a statement took, over the relations it touched: those it changed, made, dropped or locked against others'
/// writes or schema changes, each with its TOAST and indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiskRecord {
    /// Size of those relations before it, in bytes.
    pub before_bytes: u64,
    /// Size of those relations after it, in bytes.
    pub after_bytes: u64,
    /// Most bytes that were in use only while it ran, on top of the larger of the two sizes: storage that was being
    /// replaced, which is freed at the commit, and temporary files. An upper bound, because the files are counted as if
    /// all had existed at once.
    pub peak_temporary_bytes: u64,
    /// Bytes of temporary files among it, of all sessions of the database; `None` inside a transaction block, where the
    /// server does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporary_file_bytes: Option<u64>,
}

/// A wait for other sessions, seen by sampling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WaitRecord {
    /// What it waited for, in the server's words: a phase of its progress view such as `waiting for old snapshots`,
    /// else the wait event such as `Lock: relation`.
    pub waiting_for: String,
    /// How long in all, in seconds.
    pub seconds: f64,
}

/// A run of a statement that failed and was made again, or would have been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FailedAttempt {
    /// Why it failed, in the server's words.
    pub error: String,
    /// How long it had run, in seconds; not part of any observation.
    pub seconds: f64,
    /// Invalid indexes it left, which were dropped.
    pub invalid_indexes: Vec<String>,
}

impl DiskRecord {
    /// Returns the free disk it needed while it ran, in bytes: its permanent growth plus what it used temporarily.
    pub fn needed_bytes(&self) -> u64 {
        self.after_bytes.saturating_sub(self.before_bytes) + self.peak_temporary_bytes
    }
}
