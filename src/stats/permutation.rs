//! The exact permutation test of two groups: how many of the other ways to divide the same values have as large a
//! difference?
//!
//! Knows nothing of what the values mean, and assumes no distribution. If the order of the measurements was random, the
//! probability of reporting a difference that does not exist is at most the stated one.

use rand::Rng;

use super::random::uniform;

/// Up to this many divisions, all are enumerated; beyond it, random ones are drawn.
const MOST_ENUMERATED: f64 = 200_000.0;
/// Number of divisions that are drawn when there are too many to enumerate.
const DRAWS: u32 = 20_000;
/// Tolerance, relative to the sum of the magnitudes: sums of the same values in another order differ by rounding.
const ROUNDING: f64 = 1e-12;

/// Returns the one-sided p-value of "the mean of `new` is greater than that of `base`", strictly above 0 and at most 1.
///
/// p = #{divisions of all values into groups of the same sizes with Δ ≥ Δ_observed} / C(n_base + n_new, n_new), the
/// observed division included. Source: Fisher (1935), The Design of Experiments, §21. With more than 200,000 divisions,
/// 20,000 are drawn from `generator` and p = (hits + 1) / (draws + 1), which keeps the error probability; source:
/// Phipson & Smyth (2010), Permutation p-values should never be zero. `None` when a group is empty or a value is not
/// finite.
pub fn permutation_p_value(base: &[f64], new: &[f64], generator: &mut impl Rng) -> Option<f64> {
    let all: Vec<f64> = base.iter().chain(new).copied().collect();
    if base.is_empty() || new.is_empty() || !all.iter().all(|value| value.is_finite()) {
        return None;
    }
    let rounding = ROUNDING * all.iter().map(|value| value.abs()).sum::<f64>();
    // For given sizes, the difference of the means increases with the sum of the new group alone.
    let threshold = new.iter().sum::<f64>() - rounding;
    let divisions = divisions(base.len(), new.len());
    if divisions <= MOST_ENUMERATED {
        let hits = count_sums(&all, new.len(), 0.0, threshold);
        return Some(hits as f64 / divisions);
    }
    let hits = (0..DRAWS)
        .filter(|_| drawn_sum(&all, new.len(), generator) >= threshold)
        .count();
    Some((hits as f64 + 1.0) / (f64::from(DRAWS) + 1.0))
}

/// Returns the smallest p-value that groups of these sizes can give; 1 when one is empty.
pub fn smallest_p_value(base_size: usize, new_size: usize) -> f64 {
    if base_size == 0 || new_size == 0 {
        return 1.0;
    }
    let divisions = divisions(base_size, new_size);
    if divisions <= MOST_ENUMERATED {
        1.0 / divisions
    } else {
        1.0 / (f64::from(DRAWS) + 1.0)
    }
}

/// Returns the largest attainable level up to `alpha`: all p-values are multiples of the share of one division.
pub fn attainable_level(alpha: f64, base_size: usize, new_size: usize) -> f64 {
    let smallest = smallest_p_value(base_size, new_size);
    // If `alpha` is such a multiple itself, rounding must not lower the level.
    (alpha / smallest + 1e-9).floor() * smallest
}

/// Returns C(n_base + n_new, n_new), in floating point, since it soon exceeds every integer.
fn divisions(base_size: usize, new_size: usize) -> f64 {
    let total = base_size + new_size;
    (1..=base_size.min(new_size))
        .fold(1.0, |product, index| {
            product * (total + 1 - index) as f64 / index as f64
        })
        .round()
}

/// Counts the choices of `left` values whose sum, added to `sum`, is at least `threshold`.
fn count_sums(values: &[f64], left: usize, sum: f64, threshold: f64) -> u64 {
    if left == 0 {
        return u64::from(sum >= threshold);
    }
    if values.len() < left {
        return 0;
    }
    let (first, rest) = (values[0], &values[1..]);
    count_sums(rest, left - 1, sum + first, threshold) + count_sums(rest, left, sum, threshold)
}

/// Returns the sum of `size` of the values, drawn without replacement.
///
/// Source: Knuth, The Art of Computer Programming, vol. 2, §3.4.2, algorithm S (selection sampling).
fn drawn_sum(values: &[f64], size: usize, generator: &mut impl Rng) -> f64 {
    let mut wanted = size;
    let mut sum = 0.0;
    for (index, value) in values.iter().enumerate() {
        let left = values.len() - index;
        if uniform(generator) * (left as f64) < wanted as f64 {
            sum += value;
            wanted -= 1;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::{generator, standard_normal};

    fn check(base: &[f64], new: &[f64], expected: f64) {
        let p = permutation_p_value(base, new, &mut generator(1)).expect("finite values");
        assert!((p - expected).abs() < 1e-12, "{p} is not {expected}");
    }

    // By hand: of the C(5, 2) = 10 pairs of {1, 2, 3, 4, 5} one sums to 9 or more, two to 8 or more, ten to 3 or more.
    #[test]
    fn small_cases_agree_with_counting_by_hand() {
        check(&[1.0, 2.0, 3.0], &[4.0, 5.0], 0.1);
        check(&[1.0, 2.0, 4.0], &[3.0, 5.0], 0.2);
        check(&[3.0, 4.0, 5.0], &[1.0, 2.0], 1.0);
        check(&[1.0], &[2.0], 0.5);
        check(&[7.0, 7.0, 7.0], &[7.0, 7.0], 1.0);
    }

    // scipy.stats.permutation_test((new, base), lambda x, y: x.mean() - y.mean(), alternative="greater",
    // n_resamples=inf)
    #[test]
    fn five_against_three_agrees_with_scipy() {
        let base = [1.02, 0.97, 1.05, 0.99, 1.01];
        check(&base, &[1.04, 1.10, 1.08], 2.0 / 56.0);
        check(&base, &[1.00, 0.98, 1.06], 26.0 / 56.0);
        check(&base, &[1.20, 1.10, 1.30], 1.0 / 56.0);
    }

    /// The same count by bit masks over all subsets, as an independent computation.
    fn by_masks(base: &[f64], new: &[f64]) -> f64 {
        let all: Vec<f64> = base.iter().chain(new).copied().collect();
        let difference = |mask: u32| {
            let mean = |inside: bool| {
                let group: Vec<f64> = (0..all.len())
                    .filter(|index| (mask >> index & 1 == 1) == inside)
                    .map(|index| all[index])
                    .collect();
                group.iter().sum::<f64>() / group.len() as f64
            };
            mean(true) - mean(false)
        };
        let observed = difference(((1 << new.len()) - 1) << base.len());
        let masks = (0..1u32 << all.len()).filter(|mask| mask.count_ones() as usize == new.len());
        let (mut hits, mut total) = (0, 0);
        for mask in masks {
            total += 1;
            hits += u32::from(difference(mask) >= observed - 1e-9);
        }
        f64::from(hits) / f64::from(total)
    }

    #[test]
    fn enumeration_agrees_with_brute_force() {
        let mut generator = generator(11);
        for round in 0..60 {
            let sizes = (1 + round % 6, 1 + round % 4);
            // Rounded to tenths, so that there are ties.
            let mut draw = |size| -> Vec<f64> {
                (0..size)
                    .map(|_| (10.0 * standard_normal(&mut generator)).round() / 10.0)
                    .collect()
            };
            let (base, new) = (draw(sizes.0), draw(sizes.1));
            check(&base, &new, by_masks(&base, &new));
        }
    }

    #[test]
    fn drawn_divisions_agree_with_all_of_them() {
        let mut generator = generator(5);
        let mut draw = |size: usize, shift: f64| -> Vec<f64> {
            (0..size).map(|_| shift + standard_normal(&mut generator)).collect()
        };
        let (base, new) = (draw(9, 0.0), draw(8, 0.6));
        let exact = count_sums(
            &base.iter().chain(&new).copied().collect::<Vec<_>>(),
            new.len(),
            0.0,
            new.iter().sum::<f64>() - 1e-9,
        ) as f64
            / divisions(9, 8);
        let all: Vec<f64> = base.iter().chain(&new).copied().collect();
        let threshold = new.iter().sum::<f64>() - 1e-9;
        let hits = (0..DRAWS)
            .filter(|_| drawn_sum(&all, new.len(), &mut generator) >= threshold)
            .count();
        let drawn = hits as f64 / f64::from(DRAWS);
        // Four standard errors of 20,000 draws.
        let tolerance = 4.0 * (exact * (1.0 - exact) / f64::from(DRAWS)).sqrt();
        assert!((drawn - exact).abs() < tolerance, "{drawn} is not {exact}");
    }

    #[test]
    fn large_groups_are_drawn_and_never_reach_zero() {
        let base: Vec<f64> = (0..30).map(f64::from).collect();
        let new: Vec<f64> = (100..130).map(f64::from).collect();
        check(&base, &new, 1.0 / 20_001.0);
        check(&new, &base, 1.0);
    }

    #[test]
    fn the_smallest_p_value_is_one_division() {
        assert!((smallest_p_value(5, 3) - 1.0 / 56.0).abs() < 1e-15);
        assert!((smallest_p_value(5, 5) - 1.0 / 252.0).abs() < 1e-15);
        assert_eq!(smallest_p_value(1, 1), 0.5);
        assert_eq!(smallest_p_value(0, 5), 1.0);
        assert_eq!(smallest_p_value(40, 40), 1.0 / 20_001.0);
    }

    #[test]
    fn levels_are_multiples_of_one_division() {
        assert!((attainable_level(0.05, 5, 3) - 2.0 / 56.0).abs() < 1e-12);
        assert!((attainable_level(0.05, 3, 3) - 0.05).abs() < 1e-12);
        assert_eq!(attainable_level(0.05, 2, 2), 0.0);
    }

    #[test]
    fn what_is_no_number_has_no_p_value() {
        assert!(permutation_p_value(&[], &[1.0], &mut generator(1)).is_none());
        assert!(permutation_p_value(&[1.0], &[f64::NAN], &mut generator(1)).is_none());
        assert!(permutation_p_value(&[f64::NEG_INFINITY], &[1.0], &mut generator(1)).is_none());
    }

    /// Exactly floor(α·C) of the C divisions of values without ties have p ≤ α.
    #[test]
    fn false_positives_are_exactly_what_is_promised() {
        let values: [f64; 8] = [0.11, 0.27, 0.35, 0.52, 0.64, 0.76, 0.83, 0.98];
        let mut called = 0;
        for mask in (0..256u32).filter(|mask| mask.count_ones() == 3) {
            let group = |inside: u32| -> Vec<f64> {
                (0..8)
                    .filter(|index| mask >> index & 1 == inside)
                    .map(|index| values[index])
                    .collect()
            };
            let p = permutation_p_value(&group(0), &group(1), &mut generator(1)).expect("finite");
            called += u32::from(p <= 0.05);
        }
        assert_eq!(called, 2, "2 of 56 are 3.6 %");
    }
}
