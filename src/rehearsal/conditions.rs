//! The conditions under which a migration is rehearsed. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The conditions under which a migration is rehearsed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Conditions {
    /// Seed of the segments' positions.
    pub seed: u64,
    /// Share of the batches to replay, 0 to 1; `None` for the default, which grows on small tables until there is
    /// enough evidence.
    pub fraction: Option<f64>,
    /// Replay every batch.
    pub full: bool,
    /// Longest time the backfills together may take, in seconds.
    #[serde(with = "no_limit_as_null")]
    pub max_seconds: f64,
    /// Pause between two batches, in seconds.
    pub batch_delay: f64,
    /// Longest wait for a lock, in seconds.
    pub lock_timeout: f64,
    /// Count the rows instead of sampling them.
    pub count_exactly: bool,
    /// For each table by name, how many times larger it is in production than in the clone, where known.
    pub growth: BTreeMap<String, f64>,
    /// For a rollback: the migration's step that was replayed only in part and whose result the rollback builds on.
    pub after_part_of: Option<u32>,
}

impl Default for Conditions {
    /// Returns the conditions for replaying part of each backfill without a time limit.
    fn default() -> Conditions {
        Conditions {
            seed: 1,
            fraction: None,
            full: false,
            max_seconds: f64::INFINITY,
            batch_delay: 0.0,
            lock_timeout: 10.0,
            count_exactly: false,
            growth: BTreeMap::new(),
            after_part_of: None,
        }
    }
}

/// Writes an infinite limit as `null`, because JSON has no infinity.
mod no_limit_as_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(seconds: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        seconds.is_finite().then_some(*seconds).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
    }
}
