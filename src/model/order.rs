//! The order of the batches: a replay that leaves batches out may cost less than a whole run, which leaves out none.
//!
//! An update that is not heap-only adds an entry to every index. In key order, the server keeps removing dead versions
//! from full leaf pages; scattered, it does not find them together, and the pages split.

use super::blocks::Block;
use super::priors::ORDER_MATTERS;

/// Returns 1 for the blocks whose cost may differ from that of a whole run because batches before them were left out,
/// else 0.
///
/// What the whole run costs more or less is then common to them, and only blocks in order can tell it.
pub fn out_of_order(blocks: &[Block]) -> Vec<f64> {
    let one_is_in_order = blocks.iter().any(|block| block.in_order);
    let differs = |block: &Block| one_is_in_order && !block.in_order && block.executed >= ORDER_MATTERS;
    blocks.iter().map(|block| f64::from(u8::from(differs(block)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(executed: f64, in_order: bool) -> Block {
        Block {
            run: 0,
            stretch: 0,
            log_cost: 0.0,
            position: 0.5,
            executed,
            batches: 10.0,
            density: 1.0,
            in_order,
        }
    }

    #[test]
    fn only_late_places_may_differ_and_only_if_the_order_was_seen() {
        let blocks = [
            block(0.05, true),
            block(0.2, true),
            block(0.08, false),
            block(0.3, false),
        ];
        assert_eq!(out_of_order(&blocks), [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(out_of_order(&blocks[2..]), [0.0, 0.0]);
    }
}
