//! What is known before anything is measured: every number the estimate takes on trust, with where it comes from.
//!
//! The values were set on simulated series and checked on others they had not seen; past outcomes should replace them.

/// Mean of the drift's logarithm: how much slower the last batch of a walk is than its first, places being equal.
///
/// Bloat, index splits and full-page images make updates slower more often than faster.
pub const DRIFT_MEAN: f64 = 0.05;
/// Standard deviation of the drift's logarithm; a short replay cannot see the drift, so this bounds what it can promise.
pub const DRIFT_SD: f64 = 0.20;
/// Standard deviation of the logarithm between two runs of the same work on the same machine under like load.
///
/// Measured: 82, 70, 72 s on a quiet machine; 142, 158, 148, 147, 137, 130 s for another table (6.6 %).
pub const RUN_SD: f64 = 0.06;
/// How many measurements [`RUN_SD`] is worth when it is pooled with measured ones.
pub const RUN_DEGREES_OF_FREEDOM: f64 = 4.0;
/// Standard deviation of the logarithm that one checkpoint adds to a run when none fell into its measurement.
///
/// Full-page images and writing make 4–12 % of a cycle's batches 1.5 to 2.8 times as dear: 2 to 20 % of the time.
pub const UNSEEN_CHECKPOINT_SD: f64 = 0.10;
/// Added to the variance of the logarithm when the rules of evidence are not met.
pub const PROVISIONAL_VARIANCE: f64 = 0.10 * 0.10;
/// Standard deviation of one block's cost when there is only one block and none can be measured.
pub const LONE_BLOCK_SD: f64 = 0.30;

/// Returns the standard deviation of the logarithm that a measurement of `seconds` has for being short.
///
/// Measured coefficients of variation: 14–103 % below half a second, under 5 % above two.
pub fn short_run_sd(seconds: f64) -> f64 {
    (0.075 / seconds.max(1e-6)).min(0.5)
}

/// Returns the standard deviation of what a replay of part of a walk, `seconds` long, was too short to meet.
///
/// The kernel begins to write dirty pages back after 30 s (`dirty_expire_centisecs`), autovacuum looks once a minute: a
/// replay of a few seconds writes into caches at a pace that the whole cannot keep. The height is set from replays of 5 to
/// 10 s against whole runs of a minute, which differed by 0.28 on the log scale where the model without this said 0.14.
pub fn burst_sd(seconds: f64) -> f64 {
    0.25 * (-seconds.max(0.0) / 30.0).exp()
}

/// Returns the standard deviation that running on `ratio` times as many rows adds, for work of a known kind.
///
/// `per_e_fold` is the standard deviation at a factor of e; a table rewrite measured at a quarter of its size was 33 % too
/// fast, index builds within 11 %.
pub fn scaling_sd(ratio: f64, per_e_fold: f64) -> f64 {
    per_e_fold * ratio.max(1e-9).ln().abs()
}
