//! Two tests that treat every value as independent, as tools do that compare batches; they are here to be evaluated,
//! not used.

use super::distribution::{normal_cumulative, student_cumulative};

/// Returns the one-sided p-value of "`new` is greater" by the rank-sum test, in the normal approximation with
/// corrections for ties and continuity; 1 when a group is empty or all values are equal.
///
/// Source: Mann & Whitney (1947); Lehmann (1975), Nonparametrics, §1.4 for ties.
pub fn rank_sum_p_value(base: &[f64], new: &[f64]) -> f64 {
    let (base_size, new_size) = (base.len() as f64, new.len() as f64);
    let mut all: Vec<(f64, bool)> = base.iter().map(|value| (*value, false)).collect();
    all.extend(new.iter().map(|value| (*value, true)));
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    let total = base_size + new_size;
    let (mut rank_sum, mut ties, mut before) = (0.0, 0.0, 0.0);
    for group in all.chunk_by(|one, other| one.0 == other.0) {
        let size = group.len() as f64;
        let mid_rank = before + (size + 1.0) / 2.0;
        rank_sum += mid_rank * group.iter().filter(|(_, is_new)| *is_new).count() as f64;
        ties += size.powi(3) - size;
        before += size;
    }
    let statistic = rank_sum - new_size * (new_size + 1.0) / 2.0;
    let variance = base_size * new_size / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance > 0.0 {
        1.0 - normal_cumulative((statistic - base_size * new_size / 2.0 - 0.5) / variance.sqrt())
    } else {
        1.0
    }
}

/// Returns the one-sided p-value of "the mean of `new` is greater" by Welch's t; 1 with fewer than two values in a
/// group.
///
/// Source: Welch (1947), The generalization of Student's problem when several different population variances are
/// involved.
pub fn welch_p_value(base: &[f64], new: &[f64]) -> f64 {
    if base.len() < 2 || new.len() < 2 {
        return 1.0;
    }
    let ((base_mean, base_error), (new_mean, new_error)) = (mean_and_squared_error(base), mean_and_squared_error(new));
    let squared_error = base_error + new_error;
    if squared_error == 0.0 {
        return 1.0;
    }
    let degrees_of_freedom = squared_error.powi(2)
        / (base_error.powi(2) / (base.len() as f64 - 1.0) + new_error.powi(2) / (new.len() as f64 - 1.0));
    1.0 - student_cumulative((new_mean - base_mean) / squared_error.sqrt(), degrees_of_freedom)
}

fn mean_and_squared_error(values: &[f64]) -> (f64, f64) {
    let size = values.len() as f64;
    let mean = values.iter().sum::<f64>() / size;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, squares / (size - 1.0) / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-7, "{actual} is not {expected}");
    }

    const BASE: [f64; 8] = [1.0, 2.0, 2.0, 3.5, 4.0, 5.0, 6.0, 2.5];
    const NEW: [f64; 6] = [2.0, 4.5, 6.5, 7.0, 5.0, 8.0];

    // scipy.stats.mannwhitneyu(NEW, BASE, alternative="greater", method="asymptotic"),
    // scipy.stats.ttest_ind(NEW, BASE, equal_var=False, alternative="greater")
    #[test]
    fn agree_with_scipy() {
        check(rank_sum_p_value(&BASE, &NEW), 0.03457751865322331);
        check(welch_p_value(&BASE, &NEW), 0.0309049148187355);
    }

    #[test]
    fn values_that_tell_nothing_call_nothing() {
        assert_eq!(rank_sum_p_value(&[1.0, 1.0], &[1.0, 1.0]), 1.0);
        assert_eq!(rank_sum_p_value(&[], &[1.0]), 1.0);
        assert_eq!(welch_p_value(&[1.0, 1.0], &[1.0, 1.0]), 1.0);
        assert_eq!(welch_p_value(&[1.0], &[1.0, 2.0]), 1.0);
    }
}
