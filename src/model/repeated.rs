//! Predicts the duration of one more run from whole runs of the same work, one or several.
//!
//! Extrapolates only from one run to the next; the spread between them is learned from all runs of
//! identical work.

use super::priors::short_run_sd;
use super::run_deviation::RunDeviation;
use crate::stats::log_mixture::{Component, LogMixture};

/// Whole runs of the same work, on the logarithmic scale.
#[derive(Clone, Debug, PartialEq)]
pub struct RepeatedRuns {
    runs: f64,
    /// Mean of the logarithms.
    mean: f64,
    /// Standard deviation that a measurement of this length has because it is short.
    short_run_sd: f64,
    deviation: RunDeviation,
}

impl RepeatedRuns {
    /// Takes the seconds of whole runs, and what is known of the deviation between runs without them; `None` when there
    /// are no runs.
    ///
    /// Each run starts from a fresh copy, so the first one is as cold as any other and counts the same (measured, in
    /// order: 142, 158, 148, 147, 137, 130 s).
    pub fn new(seconds: &[f64], known: &RunDeviation) -> Option<RepeatedRuns> {
        let logarithms: Vec<f64> = seconds.iter().map(|seconds| seconds.max(1e-6).ln()).collect();
        if logarithms.is_empty() {
            return None;
        }
        let runs = logarithms.len() as f64;
        let mean = logarithms.iter().sum::<f64>() / runs;
        Some(RepeatedRuns {
            runs,
            mean,
            short_run_sd: short_run_sd(mean.exp()),
            deviation: known.and(&logarithms),
        })
    }

    /// Returns the distribution of the seconds of one more run: a mixture over σ of
    /// exp(N(z̄, (σ² + σ_short²)(1 + 1/n))).
    pub fn prediction(&self) -> LogMixture {
        self.spread(1.0 + 1.0 / self.runs)
    }

    /// Returns the distribution that describes what is known of the mean: the same with (σ² + σ_short²)/n.
    pub fn mean(&self) -> LogMixture {
        self.spread(1.0 / self.runs)
    }

    fn spread(&self, factor: f64) -> LogMixture {
        let point = student(self.mean, factor.sqrt() * self.short_run_sd, f64::INFINITY);
        self.deviation.added_to(&point, factor)
    }
}

/// Returns one t distribution on the logarithmic scale; its parameters must be finite.
pub fn student(mean: f64, standard_deviation: f64, degrees_of_freedom: f64) -> LogMixture {
    LogMixture::new(vec![Component {
        weight: 1.0,
        mean,
        standard_deviation,
        degrees_of_freedom,
    }])
    .expect("the logarithm of a positive number of seconds is finite")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seconds: &[f64], lower: f64, upper: f64) {
        let interval = RepeatedRuns::new(seconds, &RunDeviation::default())
            .expect("runs")
            .prediction()
            .central_interval(0.95);
        assert!((interval.lower_bound / lower - 1.0).abs() < 2e-4, "{interval:?}");
        assert!((interval.upper_bound / upper - 1.0).abs() < 2e-4, "{interval:?}");
    }

    // numpy: z = log(seconds); n = len(z); T = exp(z.mean()); s and w as in run_deviation.rs with the group (n,
    // z.std(ddof=1)); d = sqrt((s**2 + (.075/T)**2)*(1 + 1/n));
    // T*exp(brentq(lambda x: (w*norm.cdf(x/d)).sum() - p, -2, 2)) for p = .025, .975
    #[test]
    fn prediction_agrees_with_scipy() {
        check(&[100.0], 82.78617361673999, 120.79311753548582);
        check(&[82.0, 70.0, 72.0], 61.37056946012364, 90.40714875320056);
        check(
            &[142.0, 158.0, 148.0, 147.0, 137.0, 130.0],
            122.42172152729371,
            167.9594013150158,
        );
        assert!(RepeatedRuns::new(&[], &RunDeviation::default()).is_none());
    }

    #[test]
    fn every_run_on_a_fresh_copy_counts() {
        let median = |seconds: &[f64]| {
            let runs = RepeatedRuns::new(seconds, &RunDeviation::default());
            runs.expect("runs").prediction().quantile(0.5)
        };
        let (one, other) = (median(&[82.0, 70.0, 72.0]), median(&[70.0, 72.0, 82.0]));
        assert!(
            (one - other).abs() < 1e-6 && (one / 74.48717 - 1.0).abs() < 1e-6,
            "{one}"
        );
    }
}
