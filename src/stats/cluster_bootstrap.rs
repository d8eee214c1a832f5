//! The bootstrap over clusters: values of one cluster resemble each other, so clusters are what is drawn.

use rand::Rng;

use super::interval::Interval;
use super::quantile::quantile;
use super::random::uniform;

/// Returns the percentile interval of the mean of all values, drawing whole clusters with replacement. Each cluster is
/// the sum of its values and their number, at least 1. `None` for fewer than two clusters.
///
/// Source: Davison & Hinkley (1997), Bootstrap Methods and their Application, §3.8 (resampling of clusters) and §5.3.
pub fn cluster_interval(
    clusters: &[(f64, f64)],
    draws: usize,
    confidence_level: f64,
    generator: &mut impl Rng,
) -> Option<Interval> {
    if clusters.len() < 2 || draws == 0 {
        return None;
    }
    let mut means: Vec<f64> = (0..draws)
        .map(|_| {
            let (mut sum, mut count) = (0.0, 0.0);
            for _ in clusters {
                let drawn = clusters[(uniform(generator) * clusters.len() as f64) as usize];
                sum += drawn.0;
                count += drawn.1;
            }
            sum / count
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let tail = (1.0 - confidence_level) / 2.0;
    Some(Interval {
        lower_bound: quantile(&means, tail),
        upper_bound: quantile(&means, 1.0 - tail),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::generator;

    // numpy: s, n = np.array([3, 4, 1, 4, 2, 5.]), np.array([4, 4, 4, 4, 3, 6.]);
    // i = np.random.default_rng(1).integers(0, 6, (2000000, 6));
    // np.quantile(s[i].sum(1) / n[i].sum(1), [.025, .975])
    #[test]
    fn clusters_agree_with_numpy() {
        let clusters = [(3.0, 4.0), (4.0, 4.0), (1.0, 4.0), (4.0, 4.0), (2.0, 3.0), (5.0, 6.0)];
        let interval = cluster_interval(&clusters, 20_000, 0.95, &mut generator(1)).expect("six");
        assert!(
            (interval.lower_bound - 0.523_809_52).abs() < 0.01,
            "{}",
            interval.lower_bound
        );
        assert!(
            (interval.upper_bound - 0.923_076_92).abs() < 0.01,
            "{}",
            interval.upper_bound
        );
    }

    #[test]
    fn one_cluster_says_nothing_of_others() {
        assert_eq!(cluster_interval(&[(3.0, 4.0)], 100, 0.95, &mut generator(1)), None);
        let alike = cluster_interval(&[(1.0, 2.0); 5], 100, 0.95, &mut generator(1)).expect("five");
        assert_eq!((alike.lower_bound, alike.upper_bound), (0.5, 0.5));
    }
}
