//! The order of the batches: a replay that leaves batches out may cost less than a whole run, which leaves out none.
//!
//! An update that is not heap-only adds an entry to every index. In key order, the server keeps removing dead versions
//! from full leaf pages; scattered, it does not find them together, and the pages split.

use super::blocks::Block;
use super::priors::ORDER_MATTERS;

/// Returns whether leaving batches out may have made the later ones cheaper than in a whole run. Nothing is known that
/// makes them dearer: a rise has another cause.
pub fn may_matter(blocks: &[Block]) -> bool {
    let mean = |counts: fn(&Block) -> bool| {
        let costs = blocks.iter().filter(|block| counts(block)).map(|block| block.log_cost);
        let (sum, count) = costs.fold((0.0, 0.0), |(sum, count), cost| (sum + cost, count + 1.0));
        (count > 0.0).then(|| sum / count)
    };
    let (in_order, late) = (mean(|block| block.in_order), mean(is_late_place));
    in_order.zip(late).is_some_and(|(in_order, late)| late < in_order)
}

/// Returns 1 for the blocks whose cost may differ from that of a whole run because batches before them were left out,
/// else 0.
///
/// What the whole run costs more is then common to them, and only blocks in order can tell it.
pub fn out_of_order(blocks: &[Block]) -> Vec<f64> {
    let matters = may_matter(blocks);
    let differs = |block: &Block| matters && is_late_place(block);
    blocks.iter().map(|block| f64::from(u8::from(differs(block)))).collect()
}

fn is_late_place(block: &Block) -> bool {
    !block.in_order && block.executed >= ORDER_MATTERS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(executed: f64, in_order: bool, log_cost: f64) -> Block {
        Block {
            run: 0,
            stretch: 0,
            log_cost,
            position: 0.5,
            executed,
            batches: 10.0,
            density: 1.0,
            in_order,
        }
    }

    #[test]
    fn only_late_places_may_differ_if_the_order_was_seen_and_they_are_cheaper() {
        let blocks = |late: f64| {
            [
                block(0.05, true, 0.0),
                block(0.2, true, 0.1),
                block(0.08, false, 0.0),
                block(0.3, false, late),
            ]
        };
        assert_eq!(out_of_order(&blocks(-0.3)), [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(out_of_order(&blocks(0.3)), [0.0; 4]);
        assert_eq!(out_of_order(&blocks(-0.3)[2..]), [0.0, 0.0]);
    }
}
