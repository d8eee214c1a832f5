//! What a few values say about the next one: a normal mean and variance, both unknown, with a conjugate prior.
//!
//! Source: Gelman et al., Bayesian Data Analysis, 3rd ed., §3.3 (normal with a normal-inverse-χ² prior). An observation
//! with a weight counts as that many observations.

/// What is believed of the mean and the variance of a normal distribution, before or after values were seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalInverseGamma {
    /// Most likely mean: m.
    pub mean: f64,
    /// Number of values that the knowledge of the mean is worth: k.
    pub weight: f64,
    /// Standard deviation of one value: s.
    pub standard_deviation: f64,
    /// Number of values that the knowledge of the standard deviation is worth: ν.
    pub degrees_of_freedom: f64,
}

/// A value, and the weight with which it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted {
    /// The value.
    pub value: f64,
    /// Its weight, at least 0; 1 for a whole observation.
    pub weight: f64,
}

impl NormalInverseGamma {
    /// Returns the belief after `values` were seen; W is the sum of their weights a.
    ///
    /// k′ = k + W; m′ = (k m + Σ a z)/k′; ν′ = ν + W; ν′ s′² = ν s² + Σ a (z − z̄)² + (k W/k′)(z̄ − m)².
    pub fn updated(&self, values: &[Weighted]) -> NormalInverseGamma {
        let total: f64 = values.iter().map(|value| value.weight).sum();
        if total <= 0.0 {
            return *self;
        }
        let average = values.iter().map(|value| value.weight * value.value).sum::<f64>() / total;
        let squares: f64 = values
            .iter()
            .map(|value| value.weight * (value.value - average).powi(2))
            .sum();
        let weight = self.weight + total;
        let degrees_of_freedom = self.degrees_of_freedom + total;
        let between = self.weight * total / weight * (average - self.mean).powi(2);
        let before = self.degrees_of_freedom * self.standard_deviation.powi(2);
        NormalInverseGamma {
            mean: (self.weight * self.mean + total * average) / weight,
            weight,
            standard_deviation: ((before + squares + between) / degrees_of_freedom).sqrt(),
            degrees_of_freedom,
        }
    }

    /// Returns the scale of Student's t distribution of the next value, around the mean: s √(1 + 1/k).
    pub fn prediction_error(&self) -> f64 {
        self.standard_deviation * (1.0 + 1.0 / self.weight).sqrt()
    }

    /// Returns the standard error of the mean: s/√k.
    pub fn standard_error(&self) -> f64 {
        self.standard_deviation / self.weight.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::distribution::two_sided_factor;

    const PRIOR: NormalInverseGamma = NormalInverseGamma {
        mean: 0.0,
        weight: 0.25,
        standard_deviation: 0.25,
        degrees_of_freedom: 4.0,
    };

    fn weighted(values: &[f64], weights: &[f64]) -> Vec<Weighted> {
        let pairs = values.iter().zip(weights);
        pairs
            .map(|(value, weight)| Weighted {
                value: *value,
                weight: *weight,
            })
            .collect()
    }

    fn check(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-9, "{actual} is not {expected}");
    }

    // numpy: z = [.2, .35, .1, .5, .28]; k = .25 + 5; m = sum(z)/k; v = 4 + 5; s = sqrt((4*.25**2 + ((z - mean(z))**2)
    // .sum() + .25*5/k*mean(z)**2)/v); e = s*sqrt(1 + 1/k); scipy.stats.t(v, m, e).ppf([.025, .975])
    #[test]
    fn whole_values_agree_with_numpy() {
        let after = PRIOR.updated(&weighted(&[0.2, 0.35, 0.1, 0.5, 0.28], &[1.0; 5]));
        check(after.mean, 0.2723809523809524);
        check(after.weight, 5.25);
        check(after.standard_deviation, 0.20038719134472258);
        check(after.degrees_of_freedom, 9.0);
        check(after.prediction_error(), 0.21864035062780734);
        let half_width = two_sided_factor(0.95, after.degrees_of_freedom) * after.prediction_error();
        assert!(((after.mean - half_width).exp() - 0.80074088).abs() < 1e-6);
        assert!(((after.mean + half_width).exp() - 2.15325314).abs() < 1e-6);
    }

    // The same with a = .97**np.arange(4, -1, -1.); W = a.sum(); z̄ = (a*z).sum()/W
    #[test]
    fn weighted_values_agree_with_numpy() {
        let weights = [4, 3, 2, 1, 0].map(|age| 0.97f64.powi(age));
        let after = PRIOR.updated(&weighted(&[0.2, 0.35, 0.1, 0.5, 0.28], &weights));
        check(after.mean, 0.27336575820752046);
        check(after.standard_deviation, 0.20245319899491568);
        check(after.degrees_of_freedom, 8.708865809999999);
    }

    // exp(scipy.stats.t.ppf(.975, 4)*.25*sqrt(1 + 1/.25)) = 4.721280228892191
    #[test]
    fn without_values_the_prior_stays() {
        let after = PRIOR.updated(&[]);
        assert_eq!(after, PRIOR);
        let factor = (two_sided_factor(0.95, after.degrees_of_freedom) * after.prediction_error()).exp();
        assert!((factor - 4.721280228892191).abs() < 1e-6, "{factor}");
    }
}
