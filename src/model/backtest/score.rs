//! Interval scores relative to the outcome, and the fixed factor that has the best one.

use super::outcome::{LEVELS, Outcome, by_factor};
use super::pair::Pair;
use crate::stats::interval::{Interval, interval_score};

/// Natural logarithm of the step between two factors that are tried.
const STEP: f64 = 0.005;
/// Number of factors that are tried: up to e⁴, ×/÷ 55.
const TRIED: u32 = 800;

/// Returns for each of [`LEVELS`] the factor around the mean of the segments that has the best mean score on `pairs`;
/// `None` if none of them has such a mean.
pub(super) fn best_factors(pairs: &[&Pair]) -> Option<[f64; 3]> {
    let known = pairs.iter().filter_map(|pair| Some((pair.segment_mean?, pair.actual)));
    let known: Vec<(f64, f64)> = known.collect();
    let best = |level: f64| {
        let cost = |factor: f64| -> f64 {
            let scores = known
                .iter()
                .map(|(point, actual)| relative_score(by_factor(*point, factor), *actual, level));
            scores.sum()
        };
        let factors = (0..=TRIED).map(|step| (STEP * f64::from(step)).exp());
        let costs = factors.map(|factor| (cost(factor), factor));
        costs
            .min_by(|one, other| one.0.total_cmp(&other.0))
            .map_or(1.0, |(_, factor)| factor)
    };
    (!known.is_empty()).then(|| LEVELS.map(best))
}

/// Returns the interval score in units of the outcome.
fn relative_score(interval: Interval, actual: f64, level: f64) -> f64 {
    interval_score(interval, actual, level) / actual
}

/// Returns the mean interval score at `LEVELS[level]`, in units of the outcome; lower is better.
pub(super) fn mean_score(outcomes: &[Outcome], level: usize) -> f64 {
    let scores = outcomes
        .iter()
        .map(|outcome| relative_score(outcome.intervals[level], outcome.actual, LEVELS[level]));
    scores.sum::<f64>() / outcomes.len() as f64
}

#[cfg(test)]
mod tests {
    use super::super::pair::tests::pair;
    use super::*;

    // numpy: m = np.array([10, 8, 12, 9.]); T = np.array([9, 10, 12.6, 14.]);
    // f = np.exp(.005 * np.arange(801))[:, None];
    // s = lambda a: ((m*f - m/f + 2/a*np.maximum(m/f - T, 0) + 2/a*np.maximum(T - m*f, 0)) / T).sum(1);
    // [f[s(a).argmin(), 0] for a in (.5, .2, .05)]
    #[test]
    fn the_best_factor_agrees_with_numpy() {
        let pairs = [(10.0, 9.0), (8.0, 10.0), (12.0, 12.6), (9.0, 14.0)];
        let pairs = pairs.map(|(mean, actual)| pair("a", false, mean, actual));
        let pairs: Vec<&Pair> = pairs.iter().collect();
        let factors = best_factors(&pairs).expect("four means");
        let expected = [1.110_710_610_355_705, 1.552_707_218_511_336, 1.560_490_195_832_666_7];
        for (factor, expected) in factors.into_iter().zip(expected) {
            assert!((factor - expected).abs() < 1e-9, "{factors:?}");
        }
        assert_eq!(best_factors(&[]), None);
    }
}
