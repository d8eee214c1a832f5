//! Conformal prediction: how large past errors were, without any assumption about their distribution.

use super::normal_inverse_gamma::Weighted;

/// Returns the score that the next one stays below with probability `level`; `None` when too few were seen to say so.
///
/// Without weights it is the ⌈(n + 1) level⌉-th smallest of n scores, which there is from n ≥ level/(1 − level): 19 for
/// 95 %. With weights it is the smallest score that, with all smaller ones, has the same share, level (n + 1)/n, of the
/// sum of weights.
///
/// Source: Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World, §2.2; with weights after Barber,
/// Candès, Ramdas & Tibshirani (2023), Conformal prediction beyond exchangeability.
pub fn conformal_score(scores: &[Weighted], level: f64) -> Option<f64> {
    let count = scores.len() as f64;
    let whole: f64 = scores.iter().map(|score| score.weight).sum();
    let wanted = level * (count + 1.0) / count * whole;
    let mut sorted: Vec<&Weighted> = scores.iter().collect();
    sorted.sort_by(|one, other| one.value.total_cmp(&other.value));
    let mut sum = 0.0;
    sorted.into_iter().find_map(|score| {
        sum += score.weight;
        // Sums of rounded weights may miss a whole rank by a rounding error.
        (sum >= wanted * (1.0 - 1e-9)).then_some(score.value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(count: usize, weight: impl Fn(usize) -> f64) -> Vec<Weighted> {
        // In no order: 7 and 100 have no common divisor.
        let score = |index: usize| Weighted {
            value: ((7 * index) % 100) as f64,
            weight: weight(index),
        };
        (0..count).map(score).collect()
    }

    // numpy: u = np.sort(7*np.arange(n) % 100); u[math.ceil((n + 1)*level) - 1]
    #[test]
    fn without_weights_it_is_a_rank() {
        for (count, level, expected) in [
            (19, 0.95, Some(98.0)),
            (18, 0.95, None),
            (19, 0.8, Some(77.0)),
            (100, 0.95, Some(95.0)),
            (100, 0.5, Some(50.0)),
            (0, 0.5, None),
        ] {
            assert_eq!(
                conformal_score(&scores(count, |_| 1.0), level),
                expected,
                "{count} {level}"
            );
            assert_eq!(
                conformal_score(&scores(count, |_| 0.3), level),
                expected,
                "{count} {level}"
            );
        }
    }

    #[test]
    fn what_has_no_weight_is_not_seen() {
        let recent = |index: usize| if index < 50 { 0.0 } else { 1.0 };
        let among_all = conformal_score(&scores(100, recent), 0.8).expect("enough scores");
        let alone: Vec<Weighted> = scores(100, recent).split_off(50);
        let among_recent = conformal_score(&alone, 0.8).expect("enough scores");
        assert!((among_all - among_recent).abs() <= 2.0, "{among_all} {among_recent}");
    }
}
