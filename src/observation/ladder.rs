//! The measurements of a ladder: a statement run on sub-tables of the clone, so that the prediction for a larger table
//! is based on more than one size.
//!
//! Plain data of `rehearsal.json`; the room `rehearsal` makes the sub-tables.

use serde::{Deserialize, Serialize};

/// The rungs of a statement's ladder, in the order in which they ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LadderRecord {
    /// Seconds the statement took on an empty table of the same shape.
    pub empty_seconds: f64,
    /// `maintenance_work_mem` of the session in bytes, with which the statement itself ran on the clone.
    pub maintenance_work_mem_bytes: u64,
    /// The runs that were measured.
    pub rungs: Vec<Rung>,
}

/// One run of the statement on a part of the clone's table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Rung {
    /// The sub-table as a fraction of the clone's table, by blocks drawn; 1 for the table itself, with less memory.
    pub fraction: f64,
    /// Rows of the sub-table.
    pub rows: u64,
    /// Client-side time of the statement, in seconds, without a commit.
    pub seconds: f64,
    /// WAL inserted on the server during that time, in bytes.
    pub wal_bytes: u64,
    /// `maintenance_work_mem` of the run, in bytes.
    pub maintenance_work_mem_bytes: u64,
}
