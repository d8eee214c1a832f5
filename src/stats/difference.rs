//! The difference between the means of two groups: its size, its uncertainty, and the smallest one that would have been
//! detected.

use super::distribution::{student_cumulative, student_quantile, two_sided_factor};
use super::interval::{Interval, PooledSample};

/// A difference, with the values from which its standard error was computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Mean of the new group minus the mean of the base group.
    pub point_estimate: f64,
    /// Pooled standard deviation of one value; for pairs, of the difference of one pair.
    pub standard_deviation: f64,
    /// Standard error of `point_estimate`.
    pub standard_error: f64,
    /// Degrees of freedom of `standard_error`.
    pub degrees_of_freedom: f64,
}

impl Difference {
    /// Compares two independent groups with a common spread, which is pooled with a prior one.
    ///
    /// Δ = ȳ_new − ȳ_base; s² = (ν₀ s₀² + SS_base + SS_new) / (ν₀ + n_base + n_new − 2); se = s √(1/n_base + 1/n_new).
    /// Source: Student's two-sample t with a scaled inverse χ² prior (Gelman et al., Bayesian Data Analysis, 3rd ed.,
    /// §3.3). `None` when a group is empty, or nothing is known of the spread.
    pub fn between(
        base: &[f64],
        new: &[f64],
        prior_standard_deviation: f64,
        prior_degrees_of_freedom: f64,
    ) -> Option<Difference> {
        let degrees_of_freedom = prior_degrees_of_freedom + (base.len() + new.len()) as f64 - 2.0;
        if base.is_empty() || new.is_empty() || degrees_of_freedom <= 0.0 {
            return None;
        }
        let prior = prior_degrees_of_freedom * prior_standard_deviation.powi(2);
        let squares = prior + squares_about_mean(base) + squares_about_mean(new);
        let standard_deviation = (squares / degrees_of_freedom).sqrt();
        Some(Difference {
            point_estimate: mean(new) - mean(base),
            standard_deviation,
            standard_error: standard_deviation * (1.0 / base.len() as f64 + 1.0 / new.len() as f64).sqrt(),
            degrees_of_freedom,
        })
    }

    /// Computes the mean difference of pairs; each value is new minus base.
    ///
    /// Source: Student (1908), The probable error of a mean: d̄ ± t_{n−1} s_d / √n. `None` for fewer than two pairs.
    pub fn of_pairs(differences: &[f64]) -> Option<Difference> {
        let sample = PooledSample::new(differences, 0.0, 0.0).filter(|sample| sample.size > 1)?;
        Some(Difference {
            point_estimate: sample.point_estimate,
            standard_deviation: sample.standard_deviation,
            standard_error: sample.standard_error(),
            degrees_of_freedom: sample.degrees_of_freedom,
        })
    }

    /// Returns the interval that contains the true difference at `confidence_level`: Δ ± t_ν se.
    pub fn interval(&self, confidence_level: f64) -> Interval {
        let half_width = two_sided_factor(confidence_level, self.degrees_of_freedom) * self.standard_error;
        Interval {
            lower_bound: self.point_estimate - half_width,
            upper_bound: self.point_estimate + half_width,
        }
    }

    /// Returns the one-sided p-value of "the difference is above 0" by Student's t. Without any spread it is 0 for a
    /// difference above 0, and 1 otherwise.
    pub fn p_value(&self) -> f64 {
        if self.standard_error > 0.0 {
            return 1.0 - student_cumulative(self.point_estimate / self.standard_error, self.degrees_of_freedom);
        }
        f64::from(u8::from(self.point_estimate <= 0.0))
    }

    /// Returns the smallest true difference that is reported with probability `power` by a one-sided test at level
    /// `alpha`, if the observed difference must also be at least `margin`.
    ///
    /// max((t_{1−α} + t_power) se, margin + t_power se). Source of the first: Bloom (1995), Minimum detectable effects;
    /// the second is the same arithmetic for the condition Δ ≥ margin.
    pub fn minimum_detectable(&self, alpha: f64, power: f64, margin: f64) -> f64 {
        let quantile = |probability| student_quantile(probability, self.degrees_of_freedom);
        let by_test = (quantile(1.0 - alpha) + quantile(power)) * self.standard_error;
        by_test.max(margin + quantile(power) * self.standard_error)
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn squares_about_mean(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::{generator, standard_normal};

    const BASE: [f64; 5] = [1.02, 0.97, 1.05, 0.99, 1.01];
    const NEW: [f64; 3] = [1.04, 1.10, 1.08];

    fn check(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-7, "{actual} is not {expected}");
    }

    // scipy.stats.ttest_ind(NEW, BASE, alternative="greater"): pvalue and confidence_interval of the two-sided test
    #[test]
    fn without_a_prior_it_is_students_t() {
        let difference = Difference::between(&BASE, &NEW, 0.0, 0.0).expect("values");
        check(difference.p_value(), 0.012934206442172573);
        check(difference.interval(0.95).lower_bound, 0.011001032488328219);
        check(difference.interval(0.95).upper_bound, 0.11966563417833871);
    }

    // numpy: s = sqrt((10*0.06**2 + ss(BASE) + ss(NEW)) / 16); se = s*sqrt(1/5 + 1/3); d = NEW.mean() - BASE.mean()
    // d -/+ t.ppf(0.975, 16)*se
    #[test]
    fn a_prior_is_pooled() {
        let difference = Difference::between(&BASE, &NEW, 0.06, 10.0).expect("values");
        check(difference.standard_error, 0.037214095298540965);
        check(difference.interval(0.95).lower_bound, -0.013557024495768302);
        check(difference.interval(0.95).upper_bound, 0.14422369116243522);
        assert!(Difference::between(&[1.0], &[1.0], 0.0, 0.0).is_none());
        assert!(Difference::between(&[], &[1.0], 0.06, 10.0).is_none());
    }

    // scipy.stats.ttest_rel(pairs, zeros, alternative="greater")
    #[test]
    fn pairs_agree_with_scipy() {
        let difference = Difference::of_pairs(&[0.02, 0.05, -0.01, 0.04, 0.03]).expect("pairs");
        check(difference.p_value(), 0.032492955171060316);
        check(difference.interval(0.95).lower_bound, -0.0025852519098702245);
        assert!(Difference::of_pairs(&[0.02]).is_none());
    }

    #[test]
    fn values_without_spread_give_a_verdict_all_the_same() {
        let p = |new: &[f64]| {
            Difference::between(&[1.0, 1.0], new, 0.0, 0.0)
                .expect("values")
                .p_value()
        };
        assert_eq!((p(&[2.0, 2.0]), p(&[1.0, 1.0]), p(&[0.5, 0.5])), (0.0, 1.0, 1.0));
    }

    // numpy: se = 0.05*sqrt(1/5 + 1/3); exp((t.ppf(0.95, 16) + t.ppf(0.8, 16))*se) - 1; with a margin of log(1.05):
    // exp(max(that, log(1.05) + t.ppf(0.8, 16)*se)) - 1
    #[test]
    fn minimum_detectable_agrees_with_scipy() {
        let difference = |s: f64| Difference {
            point_estimate: 0.0,
            standard_deviation: s,
            standard_error: s * (1.0f64 / 5.0 + 1.0 / 3.0).sqrt(),
            degrees_of_freedom: 16.0,
        };
        check(
            difference(0.05).minimum_detectable(0.05, 0.8, 0.0).exp() - 1.0,
            0.10001501853650185,
        );
        check(
            difference(0.02).minimum_detectable(0.05, 0.8, 1.05f64.ln()).exp() - 1.0,
            0.0633448237228118,
        );
    }

    /// A true difference of the stated size is reported about as often as stated.
    #[test]
    fn the_minimum_detectable_difference_is_detected_as_often_as_said() {
        let mut generator = generator(3);
        let truth = |s: f64, margin: f64| {
            let difference = Difference {
                point_estimate: 0.0,
                standard_deviation: s,
                standard_error: s * (2.0f64 / 8.0).sqrt(),
                degrees_of_freedom: 14.0,
            };
            difference.minimum_detectable(0.05, 0.8, margin)
        };
        for (s, margin) in [(0.05, 0.0), (0.02, 0.05), (0.05, 0.05)] {
            let shift = truth(s, margin);
            let called = (0..2000)
                .filter(|_| {
                    let mut draw = |shift: f64| -> Vec<f64> {
                        (0..8).map(|_| shift + s * standard_normal(&mut generator)).collect()
                    };
                    let difference = Difference::between(&draw(0.0), &draw(shift), 0.0, 0.0).expect("values");
                    difference.p_value() <= 0.05 && difference.point_estimate >= margin
                })
                .count();
            let share = called as f64 / 2000.0;
            assert!((0.77..0.86).contains(&share), "{share} at {s} with {margin}");
        }
    }
}
