//! What is assumed before anything is measured: every number that the estimate takes on trust, with its source.
//!
//! The values were set on simulated series and checked on other, unseen ones. They should be replaced by the outcomes
//! of real migrations.

/// Mean of the logarithm of the drift: how much slower the last batch of a walk is than the first, at equal places.
///
/// Bloat, index splits and full-page images make updates slower more often than faster.
pub const DRIFT_MEAN: f64 = 0.05;
/// Standard deviation of the logarithm of the drift. A short replay cannot measure the drift, so this limits its
/// precision.
pub const DRIFT_SD: f64 = 0.20;
/// Standard deviation of the logarithm of what a batch costs less where batches before it were left out.
///
/// Before a full leaf page splits, the server looks for dead versions (bottom-up deletion, PostgreSQL 14). In key order
/// that succeeds and is done again and again; scattered, the leaf splits. Measured where a key recurs in step with the
/// heap: 42 against 70 to 85 ms a batch; where keys are random, no difference.
pub const ORDER_SD: f64 = 0.30;
/// Share executed from which the order can matter: before that, leaf pages filled to 90 % have room.
pub const ORDER_MATTERS: f64 = 0.10;
/// Standard deviation of the logarithm between two runs of the same work on the same machine under similar load.
///
/// Measured: 82, 70, 72 s on a quiet machine; 142, 158, 148, 147, 137, 130 s for another table (6.6 %).
pub const RUN_SD: f64 = 0.06;
/// Weight of [`RUN_SD`], in measurements, when it is pooled with measured values.
pub const RUN_DEGREES_OF_FREEDOM: f64 = 4.0;
/// Standard deviation of the logarithm that one checkpoint adds to a run when none occurred during the measurement.
///
/// Full-page images and writing make 4–12 % of a cycle's batches 1.5 to 2.8 times as expensive: 2 to 20 % of the time.
pub const UNSEEN_CHECKPOINT_SD: f64 = 0.10;
/// Added to the variance of the logarithm when the rules of evidence are not met.
pub const PROVISIONAL_VARIANCE: f64 = 0.10 * 0.10;
/// Standard deviation of the cost of a single block, when there is only one and the spread cannot be measured.
pub const LONE_BLOCK_SD: f64 = 0.30;

/// Returns the standard deviation of the logarithm that a measurement of `seconds` has because it is short.
///
/// Measured coefficients of variation: 14–103 % below half a second, under 5 % above two.
pub fn short_run_sd(seconds: f64) -> f64 {
    (0.075 / seconds.max(1e-6)).min(0.5)
}

/// Returns the standard deviation for the effects that a partial replay of `seconds` seconds is too short to include.
///
/// The kernel starts to write dirty pages back after 30 s (`dirty_expire_centisecs`), and autovacuum runs once a
/// minute. A replay of a few seconds writes into caches at a rate that the whole walk cannot keep. The value is set
/// from replays of 5 to 10 s compared with whole runs of a minute: they differed by 0.28 on the log scale, where the
/// model without this term predicted 0.14.
pub fn burst_sd(seconds: f64) -> f64 {
    0.25 * (-seconds.max(0.0) / 30.0).exp()
}

/// Returns the standard deviation added by running on `ratio` times as many rows.
///
/// `per_e_fold` is the standard deviation at a factor of e for this kind of work. The prediction from a table rewrite
/// at a quarter of the size was 33 % too fast; those from index builds were within 11 %.
pub fn scaling_sd(ratio: f64, per_e_fold: f64) -> f64 {
    per_e_fold * ratio.max(1e-9).ln().abs()
}
