//! What is known of a walk before its first batch, as plain data.

use serde::{Deserialize, Serialize};

/// What is known of a walk before its first batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WalkPlan {
    /// Rows to process in all.
    pub total_rows: f64,
    /// Relative standard deviation of `total_rows`; 0 when counted.
    pub total_rows_relative_sd: f64,
    /// Batches of the whole walk.
    pub total_batches: f64,
    /// Whether so many of the table's rows are processed that a walk along the key passes few rows it does not need.
    pub is_dense: bool,
    /// How windows are found.
    pub bounds: Bounds,
}

/// How the windows of a walk are found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Bounds {
    /// Keyset: quantiles of the key, first to last, as text values of its columns; empty if every batch is replayed.
    Quantiles(Vec<Vec<String>>),
    /// Arithmetic: key values, or blocks, from the first to the last.
    Integers {
        /// The first.
        first: i128,
        /// The last, inclusive.
        last: i128,
    },
}
