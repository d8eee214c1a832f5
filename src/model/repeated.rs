//! Predicts the duration of one more run from whole runs of the same work, one or several.
//!
//! Extrapolates only from one run to the next; the spread between runs is pooled with the prior spread.

use super::priors::{RUN_DEGREES_OF_FREEDOM, RUN_SD, short_run_sd};
use crate::stats::interval::PooledSample;
use crate::stats::log_mixture::{Component, LogMixture};

/// Whole runs of the same work, on the logarithmic scale.
#[derive(Clone, Debug, PartialEq)]
pub struct RepeatedRuns {
    /// The logarithms of the seconds, pooled with the prior spread.
    pub sample: PooledSample,
}

impl RepeatedRuns {
    /// Pools the seconds of whole runs; `None` when there are none.
    ///
    /// Each run starts from a fresh copy, so the first one is as cold as any other and counts the same (measured, in
    /// order: 142, 158, 148, 147, 137, 130 s).
    pub fn new(seconds: &[f64]) -> Option<RepeatedRuns> {
        let logarithms: Vec<f64> = seconds.iter().map(|seconds| seconds.max(1e-6).ln()).collect();
        if logarithms.is_empty() {
            return None;
        }
        let typical = (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp();
        let prior_sd = RUN_SD.hypot(short_run_sd(typical));
        PooledSample::new(&logarithms, prior_sd, RUN_DEGREES_OF_FREEDOM).map(|sample| RepeatedRuns { sample })
    }

    /// Returns the distribution of the seconds of one more run: exp(z̄ + t_ν s √(1 + 1/n)).
    pub fn prediction(&self) -> LogMixture {
        student(
            self.sample.point_estimate,
            self.sample.prediction_error(),
            self.sample.degrees_of_freedom,
        )
    }

    /// Returns the distribution that describes what is known of the mean: exp(z̄ + t_ν s / √n).
    pub fn mean(&self) -> LogMixture {
        student(
            self.sample.point_estimate,
            self.sample.standard_error(),
            self.sample.degrees_of_freedom,
        )
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
        let interval = RepeatedRuns::new(seconds)
            .expect("runs")
            .prediction()
            .central_interval(0.95);
        assert!((interval.lower_bound / lower - 1.0).abs() < 1e-6, "{interval:?}");
        assert!((interval.upper_bound / upper - 1.0).abs() < 1e-6, "{interval:?}");
    }

    // scipy: z = log(seconds); n = len(z); T = exp(z.mean());
    // s2 = (4*(0.06**2 + (0.075/T)**2) + ((z - z.mean())**2).sum()) / (4 + n - 1)
    // exp(z.mean() -/+ t.ppf(0.975, 3 + n) * sqrt(s2*(1 + 1/n)))
    #[test]
    fn prediction_agrees_with_scipy() {
        check(&[100.0], 79.0090657, 126.567754);
        check(&[82.0, 70.0, 72.0], 61.27545435763651, 90.54748366069943);
        check(
            &[142.0, 158.0, 148.0, 147.0, 137.0, 130.0],
            122.54380966862352,
            167.79206645590813,
        );
        assert!(RepeatedRuns::new(&[]).is_none());
    }

    #[test]
    fn every_run_on_a_fresh_copy_counts() {
        let median = |seconds: &[f64]| RepeatedRuns::new(seconds).expect("runs").prediction().quantile(0.5);
        let (one, other) = (median(&[82.0, 70.0, 72.0]), median(&[70.0, 72.0, 82.0]));
        assert!(
            (one - other).abs() < 1e-6 && (one / 74.48717 - 1.0).abs() < 1e-6,
            "{one}"
        );
    }
}
