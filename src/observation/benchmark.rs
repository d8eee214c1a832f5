//! The runs of a benchmark and their conditions: the part of a rehearsal's file that shows which runs may be compared.

use serde::{Deserialize, Serialize};

/// Common facts of a benchmark's runs, and when each was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Benchmark {
    /// Name that pairs two files: the name of the scenario's folder.
    pub scenario: String,
    /// Number of rows generated; `None` if an existing database was copied.
    #[serde(default)]
    pub rows: Option<u64>,
    /// SHA-256 of the schema's text, in hexadecimal; empty if an existing database was copied.
    #[serde(default)]
    pub schema_sha256: String,
    /// SHA-256 of the migration's text, in hexadecimal.
    pub migration_sha256: String,
    /// The machine that migtime ran on; on a throwaway server also the server's.
    pub machine: Machine,
    /// Whether each segment is half of a pair: run right before or after the same place with the other migration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_pairs: bool,
    /// The complete runs, in the order in which they were made.
    pub runs: Vec<RunRecord>,
}

/// Facts that determine a machine's speed, as far as the system reports them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Machine {
    /// Name of the processor; empty if unknown.
    pub processor: String,
    /// Number of usable processors.
    pub processors: u64,
    /// Memory in bytes; 0 if unknown.
    pub memory_bytes: u64,
}

/// One complete run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunRecord {
    /// Its number, from 0: the `run` of its observations.
    pub number: u32,
    /// When it began, RFC 3339, UTC.
    pub started_at: String,
}
