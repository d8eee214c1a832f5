//! Signs that the speed changed during the measurement: reported to the reader, not modelled.

use super::blocks::Block;

/// Cumulative sum above which a change of speed is reported.
const CRITICAL: f64 = 3.0;
/// Fewest blocks with which a change can be distinguished from noise.
const FEWEST_BLOCKS: usize = 8;

/// Returns whether the costs of the blocks, in the order of execution, change their level permanently.
///
/// max |Σᵢ≤ₖ (yᵢ − ȳ)| / (s √n) > 3, where s² = mean(Δy²)/2 is taken from successive blocks and hardly affected by a
/// lasting change.
/// Source: Page (1954), cumulative sums; von Neumann (1941), the mean square successive difference.
pub fn changes_pace(blocks: &[Block]) -> bool {
    if blocks.len() < FEWEST_BLOCKS {
        return false;
    }
    let count = blocks.len() as f64;
    let mean = blocks.iter().map(|block| block.log_cost).sum::<f64>() / count;
    let successive: f64 = blocks
        .windows(2)
        .map(|pair| (pair[1].log_cost - pair[0].log_cost).powi(2))
        .sum();
    let scale = (successive / (2.0 * (count - 1.0)) * count).sqrt();
    let mut sum = 0.0;
    scale > 0.0
        && blocks.iter().any(|block| {
            sum += block.log_cost - mean;
            sum.abs() > CRITICAL * scale
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::{generator, standard_normal};

    fn check(level_change: f64, expected: bool) {
        let mut generator = generator(5);
        let blocks: Vec<Block> = (0..48)
            .map(|number| Block {
                run: 0,
                log_cost: 0.1 * standard_normal(&mut generator) + if number >= 24 { level_change } else { 0.0 },
                position: number as f64 / 48.0,
                executed: number as f64 / 480.0,
                batches: 10.0,
                density: 1.0,
                in_order: false,
            })
            .collect();
        assert_eq!(changes_pace(&blocks), expected);
    }

    #[test]
    fn a_lasting_change_is_told_and_noise_is_not() {
        check(0.0, false);
        check(0.05, false);
        check(0.4, true);
        check(-0.4, true);
        assert!(!changes_pace(&[]));
    }
}
