//! Intervals and their evaluation: pooled Student intervals, Wilson's interval of a coverage, the interval score.

use super::distribution::two_sided_factor;

/// A range of values; the function that returns it says what it means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub lower_bound: f64,
    /// Upper end.
    pub upper_bound: f64,
}

/// A few repeated measurements, with a spread that is pooled with a prior one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PooledSample {
    /// Mean of the values.
    pub point_estimate: f64,
    /// Pooled standard deviation of one value.
    pub standard_deviation: f64,
    /// Degrees of freedom of that standard deviation.
    pub degrees_of_freedom: f64,
    /// Number of values.
    pub size: usize,
}

impl PooledSample {
    /// Pools `values` with a prior standard deviation worth `prior_degrees_of_freedom` measurements.
    ///
    /// s² = (ν₀ s₀² + Σ(z − z̄)²) / (ν₀ + n − 1), ν = ν₀ + n − 1.
    /// Source: Gelman et al., Bayesian Data Analysis, 3rd ed., §3.3 (scaled inverse χ² prior). `None` without values.
    pub fn new(values: &[f64], prior_standard_deviation: f64, prior_degrees_of_freedom: f64) -> Option<PooledSample> {
        if values.is_empty() {
            return None;
        }
        let size = values.len();
        let point_estimate = values.iter().sum::<f64>() / size as f64;
        let squares: f64 = values.iter().map(|value| (value - point_estimate).powi(2)).sum();
        let degrees_of_freedom = prior_degrees_of_freedom + size as f64 - 1.0;
        let pooled = (prior_degrees_of_freedom * prior_standard_deviation.powi(2) + squares) / degrees_of_freedom;
        Some(PooledSample {
            point_estimate,
            standard_deviation: pooled.sqrt(),
            degrees_of_freedom,
            size,
        })
    }

    /// Returns the standard error of the mean: s / √n.
    pub fn standard_error(&self) -> f64 {
        self.standard_deviation / (self.size as f64).sqrt()
    }

    /// Returns the standard error of one further value: s √(1 + 1/n).
    pub fn prediction_error(&self) -> f64 {
        self.standard_deviation * (1.0 + 1.0 / self.size as f64).sqrt()
    }

    /// Returns the interval in which one further value falls with probability `confidence_level`.
    pub fn prediction_interval(&self, confidence_level: f64) -> Interval {
        let half_width = two_sided_factor(confidence_level, self.degrees_of_freedom) * self.prediction_error();
        Interval {
            lower_bound: self.point_estimate - half_width,
            upper_bound: self.point_estimate + half_width,
        }
    }
}

/// Returns Wilson's score interval of a proportion of `hits` among `trials` (at least 1).
///
/// Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.
pub fn wilson_interval(hits: u64, trials: u64, confidence_level: f64) -> Interval {
    let trials = trials as f64;
    let share = hits as f64 / trials;
    let factor = two_sided_factor(confidence_level, f64::INFINITY);
    let denominator = 1.0 + factor * factor / trials;
    let center = (share + factor * factor / (2.0 * trials)) / denominator;
    let half_width =
        factor / denominator * (share * (1.0 - share) / trials + factor * factor / (4.0 * trials * trials)).sqrt();
    Interval {
        lower_bound: (center - half_width).max(0.0),
        upper_bound: (center + half_width).min(1.0),
    }
}

/// Returns the interval score of `interval` for the outcome `actual`: its width plus 2/α per unit outside; lower is
/// better.
///
/// Source: Gneiting & Raftery (2007), Strictly proper scoring rules, equation 43; α = 1 − `confidence_level`.
pub fn interval_score(interval: Interval, actual: f64, confidence_level: f64) -> f64 {
    let penalty = 2.0 / (1.0 - confidence_level);
    let below = (interval.lower_bound - actual).max(0.0);
    let above = (actual - interval.upper_bound).max(0.0);
    interval.upper_bound - interval.lower_bound + penalty * (below + above)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-7, "{actual} is not {expected}");
    }

    // numpy: z = [1.0, 1.1, 0.9]; s2 = (4*0.06**2 + ((z - z.mean())**2).sum()) / 6;
    // z.mean() -/+ scipy.stats.t.ppf(0.975, 6) * sqrt(s2 * (1 + 1/3))
    #[test]
    fn pooled_prediction_agrees_with_scipy() {
        let sample = PooledSample::new(&[1.0, 1.1, 0.9], 0.06, 4.0).expect("values");
        let interval = sample.prediction_interval(0.95);
        check(sample.standard_error(), 0.043716256828680015);
        check(interval.lower_bound, 0.7860603461564105);
        check(interval.upper_bound, 1.2139396538435894);
        assert!(PooledSample::new(&[], 0.06, 4.0).is_none());
    }

    // scipy.stats.binomtest(19, 20).proportion_ci(0.95, method="wilson") and binomtest(380, 400)
    #[test]
    fn wilson_agrees_with_scipy() {
        let interval = wilson_interval(19, 20, 0.95);
        check(interval.lower_bound, 0.763868806553258);
        check(interval.upper_bound, 0.9911185511992047);
        let interval = wilson_interval(380, 400, 0.95);
        check(interval.lower_bound, 0.9240363649362804);
        check(interval.upper_bound, 0.9674025701628528);
    }

    // numpy: (u - l) + 2/alpha*(l - y)*(y < l) + 2/alpha*(y - u)*(y > u) with l, u = 90, 120
    #[test]
    fn interval_score_penalises_what_fell_outside() {
        let interval = Interval {
            lower_bound: 90.0,
            upper_bound: 120.0,
        };
        check(interval_score(interval, 100.0, 0.95), 30.0);
        check(interval_score(interval, 85.0, 0.95), 230.0);
        check(interval_score(interval, 121.5, 0.8), 45.0);
    }
}
