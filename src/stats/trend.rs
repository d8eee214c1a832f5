//! Whether values that follow each other in time rise or fall: the Mann-Kendall test.

use super::distribution::normal_cumulative;

/// A trend, and how surprising it would be without one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Kendall's τ_b: 1 if each value is above all earlier ones, −1 if below, 0 without any order.
    pub tau: f64,
    /// Two-sided p-value of "the values have no order in time".
    pub p_value: f64,
}

/// Largest number of values for which the distribution is enumerated; the normal approximation is close long before.
const MOST_ENUMERATED: usize = 50;

/// Tests whether `values`, in the order of time, have a trend; `None` with fewer than 3, or when all are equal.
///
/// Exact without ties and up to 50 values; otherwise by the normal approximation with the variance corrected for ties.
///
/// Source: Mann (1945), Nonparametric tests against trend; Kendall (1970), Rank Correlation Methods, 4th ed., §1 and §4
/// for ties.
pub fn mann_kendall(values: &[f64]) -> Option<Trend> {
    let count = values.len();
    let pairs = (count * count.saturating_sub(1) / 2) as f64;
    let mut score = 0.0;
    for (index, later) in values.iter().enumerate() {
        for earlier in &values[..index] {
            score += f64::from(i8::from(later > earlier) - i8::from(later < earlier));
        }
    }
    let groups = sizes_of_ties(values);
    let tied: f64 = groups.iter().map(|size| size * (size - 1.0) / 2.0).sum();
    if count < 3 || tied >= pairs {
        return None;
    }
    let p_value = if tied == 0.0 && count <= MOST_ENUMERATED {
        exact(count, ((pairs + score.abs()) / 2.0).round() as usize)
    } else {
        let spread = |size: f64| size * (size - 1.0) * (2.0 * size + 5.0);
        let variance = (spread(count as f64) - groups.into_iter().map(spread).sum::<f64>()) / 18.0;
        2.0 * normal_cumulative(-score.abs() / variance.sqrt())
    };
    Some(Trend {
        tau: score / (pairs * (pairs - tied)).sqrt(),
        p_value: p_value.min(1.0),
    })
}

fn sizes_of_ties(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .chunk_by(|one, other| one == other)
        .map(|group| group.len() as f64)
        .collect()
}

/// Returns twice the probability that at least `concordant` pairs of a random order of `count` values rise.
///
/// The n-th value rises above 0 to n − 1 of the earlier ones, each as likely, so that the distribution of the number of
/// pairs is that of n − 1 values spread evenly over n more places.
fn exact(count: usize, concordant: usize) -> f64 {
    let mut probabilities = vec![1.0];
    for size in 2..=count {
        let mut next = vec![0.0; probabilities.len() + size - 1];
        for (pairs, probability) in probabilities.iter().enumerate() {
            for more in 0..size {
                next[pairs + more] += probability / size as f64;
            }
        }
        probabilities = next;
    }
    2.0 * probabilities.iter().skip(concordant).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], tau: f64, p_value: f64) {
        let trend = mann_kendall(values).expect("values");
        assert!((trend.tau - tau).abs() < 1e-9, "{trend:?}, not {tau}");
        assert!((trend.p_value - p_value).abs() < 1e-9, "{trend:?}, not {p_value}");
    }

    // scipy.stats.kendalltau(range(8), z, method="exact")
    #[test]
    fn few_values_agree_with_scipy() {
        let values = [0.1, 0.3, -0.2, 0.4, 0.25, 0.5, 0.45, 0.6];
        check(&values, 0.6428571428571428, 0.03115079365079365);
        let falling = values.map(|value| -value);
        check(&falling, -0.6428571428571428, 0.03115079365079365);
    }

    // scipy.stats.kendalltau(range(8), z, method="asymptotic")
    #[test]
    fn ties_agree_with_scipy() {
        let values = [0.1, 0.3, 0.1, 0.4, 0.25, 0.5, 0.45, 0.6];
        check(&values, 0.6910233190806424, 0.017844011512848347);
    }

    #[test]
    fn nothing_is_said_of_too_few_or_equal_values() {
        assert_eq!(mann_kendall(&[1.0, 2.0]), None);
        assert_eq!(mann_kendall(&[1.0; 9]), None);
        // No order is as likely as its reverse: p is at most 1.
        check(&[1.0, 3.0, 0.0, 2.0], 0.0, 1.0);
    }
}
