//! The order of whole runs, chosen so that a drift in the machine's speed favours none of them. Pure arithmetic.

use crate::stats::random::{generator, uniform};

/// Returns the order in which to run `done.len()` things until each has run `runs` times; `done` says how often each
/// has already run.
///
/// Each round runs every thing once, in random order (randomised complete blocks; source: Fisher (1935), The Design of
/// Experiments, §26), so at any point the numbers of runs differ by at most one. The same seed continues the same
/// order.
pub fn schedule(done: &[u32], runs: u32, seed: u64) -> Vec<usize> {
    let mut generator = generator(seed);
    (0..runs)
        .flat_map(|round| {
            let mut order: Vec<usize> = (0..done.len()).collect();
            // Source: Knuth, The Art of Computer Programming, vol. 2, §3.4.2, algorithm P.
            for last in (1..order.len()).rev() {
                order.swap(last, (uniform(&mut generator) * (last + 1) as f64) as usize);
            }
            order.retain(|index| done[*index] <= round);
            order
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_has_each_once_and_a_seed_goes_on_where_it_was() {
        let all = schedule(&[0, 0, 0], 4, 7);
        for round in all.chunks(3) {
            let mut round = round.to_vec();
            round.sort_unstable();
            assert_eq!(round, [0, 1, 2]);
        }
        let mut done = [0; 3];
        for index in &all[..5] {
            done[*index] += 1;
        }
        assert_eq!(schedule(&done, 4, 7), all[5..]);
        assert!(schedule(&[4, 5, 4], 4, 7).is_empty());
        assert_eq!(schedule(&[], 4, 7), Vec::<usize>::new());
    }

    #[test]
    fn every_order_of_a_round_is_as_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..1200 {
            *counts.entry(schedule(&[0, 0, 0], 1, seed)).or_insert(0) += 1;
        }
        // 200 are expected for each; four standard deviations of a binomial count are 52.
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (148..=252).contains(count)), "{counts:?}");
    }
}
