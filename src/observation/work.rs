//! What a statement did to each relation: rows and blocks that it read and wrote, as the server's counters say.
//!
//! Plain data of `rehearsal.json`. Everything is counted whoever caused it: a function, a trigger, a view, a cascade.

use serde::{Deserialize, Serialize};

/// The work of one run of a step on one relation, with its indexes and its TOAST table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WorkRecord {
    /// Schema-qualified name: at the beginning of the migration, or now if the migration made it.
    pub relation: String,
    /// Whether it was not there at the beginning of the migration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made: bool,
    /// Sequential scans, also those that ended early.
    pub scans: u64,
    /// Scans of its indexes.
    pub lookups: u64,
    /// Rows that sequential scans returned, and rows or entries that scans of its indexes did.
    pub rows_read: u64,
    /// Rows inserted.
    pub rows_inserted: u64,
    /// Rows updated.
    pub rows_updated: u64,
    /// Rows deleted.
    pub rows_deleted: u64,
    /// Blocks that were looked at, in memory or on disk.
    pub blocks: u64,
}

impl WorkRecord {
    /// Returns the rows that it changed.
    pub fn rows_written(&self) -> u64 {
        self.rows_inserted + self.rows_updated + self.rows_deleted
    }
}
