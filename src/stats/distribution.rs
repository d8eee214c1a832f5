//! Distribution functions and quantiles of the normal and Student's t distribution, standardised.
//!
//! A thin layer over `statrs`: infinite degrees of freedom mean the normal distribution.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Returns the probability that a standard normal value is at most `value`.
pub fn normal_cumulative(value: f64) -> f64 {
    Normal::standard().cdf(value)
}

/// Returns the standard normal quantile of `probability` (strictly between 0 and 1).
pub fn normal_quantile(probability: f64) -> f64 {
    Normal::standard().inverse_cdf(probability)
}

/// Returns the probability that a standard t value is at most `value`.
pub fn student_cumulative(value: f64, degrees_of_freedom: f64) -> f64 {
    student(degrees_of_freedom).map_or_else(|| normal_cumulative(value), |student| student.cdf(value))
}

/// Returns the standard t quantile of `probability` (strictly between 0 and 1).
pub fn student_quantile(probability: f64, degrees_of_freedom: f64) -> f64 {
    student(degrees_of_freedom).map_or_else(
        || normal_quantile(probability),
        |student| student.inverse_cdf(probability),
    )
}

/// Returns the factor by which a standard error is multiplied for a two-sided interval at `confidence_level`.
pub fn two_sided_factor(confidence_level: f64, degrees_of_freedom: f64) -> f64 {
    student_quantile(0.5 + confidence_level / 2.0, degrees_of_freedom)
}

fn student(degrees_of_freedom: f64) -> Option<StudentsT> {
    if degrees_of_freedom.is_finite() {
        StudentsT::new(0.0, 1.0, degrees_of_freedom).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-7, "{actual} is not {expected}");
    }

    // scipy.stats.norm.cdf(1.3), norm.ppf(0.975), norm.ppf(0.01)
    #[test]
    fn normal_agrees_with_scipy() {
        check(normal_cumulative(1.3), 0.9031995154143897);
        check(normal_quantile(0.975), 1.959963984540054);
        check(normal_quantile(0.01), -2.3263478740408408);
    }

    // scipy.stats.t.cdf(1.3, 4), t.cdf(-2.5, 7.5), t.ppf(0.975, 4), t.ppf(0.9, 11); norm.ppf(0.975) without degrees
    #[test]
    fn student_agrees_with_scipy() {
        check(student_cumulative(1.3, 4.0), 0.868274201764388);
        check(student_cumulative(-2.5, 7.5), 0.019410129136812764);
        check(student_quantile(0.975, 4.0), 2.7764451051977934);
        check(two_sided_factor(0.8, 11.0), 1.3634303180205407);
        check(two_sided_factor(0.95, f64::INFINITY), 1.959963984540054);
    }
}
