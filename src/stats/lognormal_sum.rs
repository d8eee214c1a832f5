//! Sums of lognormal durations, each known only to a factor. They are correlated because one machine does all the work.
//!
//! Fenton (1960), "The sum of log-normal probability distributions in scatter transmission systems": the sum is
//! approximated by the lognormal distribution of the same mean and variance. Exact for one duration, and close at the
//! upper end, which is what gates use.

use super::distribution::normal_quantile;

/// A lognormal duration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lognormal {
    /// Median, in seconds.
    pub median: f64,
    /// Standard deviation of the logarithm.
    pub standard_deviation: f64,
}

/// A sum to which durations are added one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    means: f64,
    squared_means: f64,
    variances: f64,
}

impl Lognormal {
    /// Returns the quantile at `probability`, in seconds.
    pub fn quantile(self, probability: f64) -> f64 {
        self.median * (self.standard_deviation * normal_quantile(probability)).exp()
    }
}

impl Sum {
    /// Adds a duration.
    pub fn add(&mut self, duration: Lognormal) {
        let variance = duration.standard_deviation.powi(2);
        let mean = duration.median * (variance / 2.0).exp();
        self.means += mean;
        self.squared_means += mean * mean;
        self.variances += mean * mean * variance.exp_m1();
    }

    /// Returns the distribution of the sum; `None` when nothing was added. `shared_deviation` is the standard deviation
    /// of the part that the logarithms of all durations have in common.
    pub fn total(self, shared_deviation: f64) -> Option<Lognormal> {
        if self.means <= 0.0 {
            return None;
        }
        // Cov(Tᵢ, Tⱼ) = E Tᵢ · E Tⱼ · (exp(shared²) − 1), summed over all pairs of two.
        let pairs = (self.means * self.means - self.squared_means).max(0.0);
        let variance = self.variances + pairs * shared_deviation.powi(2).exp_m1();
        let log_variance = (variance / (self.means * self.means)).ln_1p();
        Some(Lognormal {
            median: self.means * (-log_variance / 2.0).exp(),
            standard_deviation: log_variance.sqrt(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(durations: &[(f64, f64)], shared: f64) -> Lognormal {
        let mut sum = Sum::default();
        for (median, standard_deviation) in durations {
            sum.add(Lognormal {
                median: *median,
                standard_deviation: *standard_deviation,
            });
        }
        sum.total(shared).expect("a sum of something")
    }

    fn check(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual / expected - 1.0).abs() < tolerance, "{actual}, not {expected}");
    }

    #[test]
    fn one_duration_is_its_own_sum() {
        let one = sum(&[(10.0, 0.9)], 0.6);
        check(one.median, 10.0, 1e-12);
        check(one.quantile(0.975), 10.0 * (0.9f64 * 1.959_963_985).exp(), 1e-9);
        assert_eq!(Sum::default().total(0.6), None);
    }

    // numpy: g = default_rng(1); s = g.normal(size=10**7); d = 0; for m, sd in [(10, .9), (20, .9), (0.01, 1.2)]:
    //   d += m * np.exp(.6*s + np.sqrt(sd**2 - .36) * g.normal(size=10**7)); np.quantile(d, [.5, .975])
    #[test]
    fn several_durations_are_close_to_what_drawing_them_gives() {
        let several = sum(&[(10.0, 0.9), (20.0, 0.9), (0.01, 1.2)], 0.6);
        check(several.median, 32.872, 0.05);
        check(several.quantile(0.975), 155.456, 0.05);
    }
}
