//! The prediction for one step, before it is put into words: a distribution and its basis.

use super::Target;
use super::estimate::{Basis, Rate};
use crate::migration::StepKind;
use crate::observation::{LockRecord, StepRecord};
use crate::stats::interval::Interval;
use crate::stats::log_mixture::LogMixture;

/// Up to this factor the clone counts as production's size: the duration of its run is scaled by the rows only.
pub const SAME_SIZE: f64 = 1.1;

/// The predicted duration of one step, and everything that will be reported about it.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// Distribution of the seconds.
    pub duration: LogMixture,
    /// Standard deviation of the part of the logarithm that is common to all steps: the speed of the run and of the
    /// machine.
    pub shared_deviation: f64,
    /// Its kind of work, if it ran so shortly that most of its error is its own: such steps of one kind are added up
    /// together.
    pub short_kind: Option<StepKind>,
    /// Rows it will process.
    pub rows: Option<f64>,
    /// Throughput with the confidence interval of its mean.
    pub rate: Option<Rate>,
    /// Predicted WAL, in bytes.
    pub wal_bytes: Option<f64>,
    /// Its locks, with their predicted hold times.
    pub locks: Vec<LockRecord>,
    /// The evidence behind it.
    pub basis: Basis,
    /// Rules of evidence that are not met, as sentences without a full stop.
    pub too_thin: Vec<String>,
    /// What the prediction assumes.
    pub assumptions: Vec<String>,
    /// Warnings for the reader.
    pub warnings: Vec<String>,
}

/// Returns the target's rows as a multiple of the clone's; 1 when either is unknown.
pub fn size_ratio(clone_rows: Option<f64>, target: Option<&Target>) -> f64 {
    match (clone_rows, target) {
        // An empty target still takes one batch.
        (Some(clone), Some(target)) if clone > 0.0 => target.rows.max(1.0) / clone,
        _ => 1.0,
    }
}

/// Returns the relative standard deviation of the rows that will be processed.
pub fn rows_relative_sd(step: &StepRecord, target: Option<&Target>) -> f64 {
    let deviation = target.map_or(step.total_rows_relative_sd, |target| target.rows_relative_sd);
    if deviation.is_finite() { deviation.max(0.0) } else { 0.0 }
}

/// Returns the throughput for `rows` rows whose mean duration lies in the interval `seconds`; `None` without rows.
pub fn rate(rows: f64, point_seconds: f64, seconds: Interval) -> Option<Rate> {
    (rows > 0.0).then(|| Rate {
        point: rows / point_seconds,
        lower: rows / seconds.upper_bound,
        upper: rows / seconds.lower_bound,
    })
}
