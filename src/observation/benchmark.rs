//! The runs of a benchmark and their conditions: the part of a rehearsal's file that shows which runs may be compared.

use serde::{Deserialize, Serialize};

/// What the runs of a benchmark have in common, and when each was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Benchmark {
    /// Name by which two files are paired: that of the scenario's folder.
    pub scenario: String,
    /// Rows that the schema was filled with; `None` where a database was copied as it was.
    #[serde(default)]
    pub rows: Option<u64>,
    /// SHA-256 of the schema's text, in hexadecimal; empty where a database was copied as it was.
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

/// What decides about the speed of a machine, as far as it tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Machine {
    /// The processor's name; empty where the system does not tell.
    pub processor: String,
    /// Processors that may be used.
    pub processors: u64,
    /// Memory; 0 where the system does not tell.
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
