//! Draws from a seeded generator that is passed in; the same seed gives the same bits on every run.
//!
//! `ChaCha8Rng` because its stream is documented as portable, unlike `StdRng`.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Returns the generator used for all random numbers of an estimate.
pub fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Draws uniformly from 0 (inclusive) to 1 (exclusive).
pub fn uniform(generator: &mut impl Rng) -> f64 {
    generator.random::<f64>()
}

/// Draws uniformly between two bounds.
pub fn between(generator: &mut impl Rng, lower_bound: f64, upper_bound: f64) -> f64 {
    lower_bound + (upper_bound - lower_bound) * uniform(generator)
}

/// Draws a standard normal value.
///
/// Source: Box & Muller (1958), A note on the generation of random normal deviates.
pub fn standard_normal(generator: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(generator)).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(generator)).cos()
}

/// Draws the factor √(ν/χ²_ν) that makes a normal value a t value; 1 for infinite degrees of freedom.
///
/// χ²_ν is drawn as a Gamma(ν/2) variate. Source: Marsaglia & Tsang (2000), A simple method for generating gamma
/// variables.
pub fn student_scale(generator: &mut impl Rng, degrees_of_freedom: f64) -> f64 {
    if !degrees_of_freedom.is_finite() {
        return 1.0;
    }
    (degrees_of_freedom / (2.0 * standard_gamma(generator, degrees_of_freedom / 2.0))).sqrt()
}

/// Draws from Gamma(shape, 1), for a shape of at least 1.
fn standard_gamma(generator: &mut impl Rng, shape: f64) -> f64 {
    let d = shape.max(1.0) - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let normal = standard_normal(generator);
        let v = (1.0 + c * normal).powi(3);
        let accepted = v > 0.0 && (1.0 - uniform(generator)).ln() < 0.5 * normal * normal + d - d * v + d * v.ln();
        if accepted {
            return d * v;
        }
    }
}

/// Draws a standard t value; infinite degrees of freedom give a normal one.
///
/// Source: Bailey (1994), Polar generation of random variates with the t-distribution: √(ν(U^(−2/ν) − 1)) cos 2πV.
pub fn standard_student(generator: &mut impl Rng, degrees_of_freedom: f64) -> f64 {
    if !degrees_of_freedom.is_finite() {
        return standard_normal(generator);
    }
    let first = 1.0 - uniform(generator);
    let radius = (degrees_of_freedom * (first.powf(-2.0 / degrees_of_freedom) - 1.0)).sqrt();
    radius * (std::f64::consts::TAU * uniform(generator)).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::distribution::{normal_cumulative, student_cumulative};

    /// Kolmogorov-Smirnov distance; for 20,000 draws it exceeds 0.0138 with probability 0.001
    /// (scipy.stats.kstwo.isf(0.001, 20000)).
    fn check(mut draw: impl FnMut() -> f64, cumulative: impl Fn(f64) -> f64) {
        let mut draws: Vec<f64> = (0..20_000).map(|_| draw()).collect();
        draws.sort_by(f64::total_cmp);
        let distance = draws
            .iter()
            .enumerate()
            .map(|(index, value)| (cumulative(*value) - (index as f64 + 0.5) / 20_000.0).abs())
            .fold(0.0, f64::max);
        assert!(distance < 0.01378, "distance {distance}");
    }

    #[test]
    fn draws_follow_their_distributions() {
        let mut one = generator(7);
        check(|| standard_normal(&mut one), normal_cumulative);
        check(
            || standard_student(&mut one, 4.0),
            |value| student_cumulative(value, 4.0),
        );
        check(
            || student_scale(&mut one, 4.0) * standard_normal(&mut one),
            |value| student_cumulative(value, 4.0),
        );
        check(|| between(&mut one, 2.0, 4.0), |value| (value - 2.0) / 2.0);
    }

    #[test]
    fn the_same_seed_gives_the_same_bits() {
        let draws = |seed| {
            let mut generator = generator(seed);
            (0..8)
                .map(|_| standard_normal(&mut generator).to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(draws(3), draws(3));
        assert_ne!(draws(3), draws(4));
    }
}
