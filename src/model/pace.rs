//! A lasting change of pace during the measurement: burst credits used up, autovacuum, other load.
//!
//! What is known of the cost beforehand (the split wave) is subtracted first. A change that is left is one more course
//! of the cost, with the level after it for the rest of the walk; where the pace kept on changing, nothing is promised.

use super::blocks::Block;
use super::kriging::{Course, Shape, Shapes, cells};
use super::order;

/// Critical value for stretches at random places, which are nearly independent: 1 % of the maximum of a Brownian
/// bridge (Kolmogorov's distribution).
const CRITICAL_BETWEEN_PLACES: f64 = 1.63;
/// Critical value for blocks that follow each other, where checkpoints and the like make neighbours alike.
const CRITICAL_IN_ORDER: f64 = 3.0;
/// Fewest values with which a change can be distinguished from noise.
const FEWEST_VALUES: usize = 8;
/// Smallest lasting change of the logarithm that is looked for.
const SMALLEST: f64 = 0.15;
/// Fewest blocks after a change that say how the pace is then.
const FEWEST_AFTERWARDS: usize = 3;
/// Factors by which the change may be larger than the difference of the means.
const SIZES: [f64; 3] = [0.75, 1.0, 1.25];
/// Probability that what was found is a change of pace and not one of the place, or noise.
const PROBABILITY: f64 = 0.5;

/// A lasting change of pace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Share of the walk executed before it, 0 to 1.
    pub executed: f64,
    /// Change of the logarithm of the cost.
    pub size: f64,
    /// Whether too little was measured after it to say how the pace is then.
    pub is_recent: bool,
}

/// Whether the pace changed while the costs were measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Not as far as can be told.
    Steady,
    /// Once, for good; the change is part of the prediction.
    Changed(Change),
    /// More than once, so that no level can be told for the rest.
    Unsettled,
}

impl Pace {
    /// Returns, if it is not met, the rule that the level of the rest must be known.
    pub fn unmet_rule(&self) -> Option<String> {
        match self {
            Pace::Steady => None,
            Pace::Changed(change) => change.is_recent.then(|| {
                "the pace changed at the end of the measurement, and too little was measured after it".to_string()
            }),
            Pace::Unsettled => Some("the pace kept on changing, so that of the rest is not known".to_string()),
        }
    }
}

/// The logarithm of the cost at one time.
#[derive(Clone, Copy)]
struct Level {
    cost: f64,
    executed: f64,
    batches: f64,
}

/// Returns the largest lasting change of the costs, in the order of execution; `None` where they keep their level.
///
/// max |Σᵢ≤ₖ (yᵢ − ȳ)| / (s √n), where s² = mean(Δy²)/2 is taken from successive values and hardly affected by
/// a lasting change. The values are the means of stretches at different places, or the blocks of a single stretch. The
/// change is between the blocks where it leaves the smallest squares.
/// Source: Page (1954), cumulative sums; von Neumann (1941), the mean square successive difference.
pub fn change(blocks: &[Block]) -> Option<Change> {
    let found = comparable(blocks).filter_map(change_of_run);
    found.max_by(|one, other| one.size.abs().total_cmp(&other.size.abs()))
}

/// Returns the blocks in groups whose level can be compared: of one run, and either in order or not where the order may
/// matter. Such a difference is no change of pace.
fn comparable(blocks: &[Block]) -> impl Iterator<Item = &[Block]> {
    let matters = order::may_matter(blocks);
    blocks.chunk_by(move |one, other| one.run == other.run && (!matters || one.in_order == other.in_order))
}

fn change_of_run(blocks: &[Block]) -> Option<Change> {
    let each: Vec<Level> = blocks.iter().map(|block| level(std::slice::from_ref(block))).collect();
    let places: Vec<Level> = blocks
        .chunk_by(|one, other| one.stretch == other.stretch)
        .map(level)
        .collect();
    let changes = match places.len() {
        1 => largest_sum(&each) > CRITICAL_IN_ORDER,
        _ => largest_sum(&places) > CRITICAL_BETWEEN_PLACES,
    };
    if !changes {
        return None;
    }
    let (before, after) = each.split_at(best_cut(&each)?);
    let size = mean_of(after) - mean_of(before);
    (size.abs() > SMALLEST).then(|| Change {
        executed: 0.5 * (before[before.len() - 1].executed + after[0].executed),
        size,
        is_recent: after.len() < FEWEST_AFTERWARDS,
    })
}

/// Returns max |Σᵢ≤ₖ (yᵢ − ȳ)| / (s √n); 0 for too few values.
fn largest_sum(levels: &[Level]) -> f64 {
    if levels.len() < FEWEST_VALUES {
        return 0.0;
    }
    let count = levels.len() as f64;
    let mean = levels.iter().map(|level| level.cost).sum::<f64>() / count;
    let successive: f64 = levels
        .windows(2)
        .map(|pair| (pair[1].cost - pair[0].cost).powi(2))
        .sum();
    let scale = (successive / (2.0 * (count - 1.0)) * count)
        .sqrt()
        .max(f64::MIN_POSITIVE);
    let mut sum = 0.0;
    levels.iter().fold(0.0, |largest: f64, level| {
        sum += level.cost - mean;
        largest.max(sum.abs() / scale)
    })
}

/// Returns before which value the costs are cut if two levels are to leave the smallest squares.
fn best_cut(levels: &[Level]) -> Option<usize> {
    let count = levels.len() as f64;
    let mean = levels.iter().map(|level| level.cost).sum::<f64>() / count;
    let mut sum = 0.0;
    let explained = levels[..levels.len().checked_sub(1)?]
        .iter()
        .enumerate()
        .map(|(index, level)| {
            sum += level.cost - mean;
            let before = index as f64 + 1.0;
            (index + 1, sum * sum / (before * (count - before)))
        });
    explained
        .max_by(|one, other| one.1.total_cmp(&other.1))
        .map(|best| best.0)
}

fn level(blocks: &[Block]) -> Level {
    let batches: f64 = blocks.iter().map(|block| block.batches).sum();
    let mean = |value: fn(&Block) -> f64| blocks.iter().map(|one| one.batches * value(one)).sum::<f64>() / batches;
    Level {
        cost: mean(|block| block.log_cost),
        executed: mean(|block| block.executed),
        batches,
    }
}

fn mean_of(levels: &[Level]) -> f64 {
    let batches: f64 = levels.iter().map(|level| level.batches).sum();
    levels.iter().map(|level| level.batches * level.cost).sum::<f64>() / batches
}

/// Returns whether the costs change further and end at another level than they began with.
pub fn keeps_changing(blocks: &[Block]) -> bool {
    change(blocks).is_some() && ends_elsewhere(blocks)
}

/// Returns whether the last quarter of the costs, or the last sixteenth, is at another level than the first quarter: a
/// rise that is over is no lasting change.
pub fn ends_elsewhere(blocks: &[Block]) -> bool {
    comparable(blocks).any(group_ends_elsewhere)
}

fn group_ends_elsewhere(blocks: &[Block]) -> bool {
    let (quarter, sixteenth) = (blocks.len().div_ceil(4), blocks.len().div_ceil(16));
    let first = level(&blocks[..quarter]).cost;
    [quarter, sixteenth].iter().any(|last| {
        let last = level(&blocks[blocks.len() - last..]).cost;
        (last - first).abs() > SMALLEST
    })
}

/// Returns the blocks without what `shape` says of them.
pub fn without(blocks: &[Block], shapes: &Shapes, shape: usize) -> Vec<Block> {
    let mut left = blocks.to_vec();
    for (course, factor) in &shapes.shapes[shape].parts {
        for (block, value) in left.iter_mut().zip(&shapes.courses[*course].at_blocks) {
            block.log_cost -= factor * value;
        }
    }
    left
}

/// Adds the change to the possible courses of the cost, as one that lasts.
pub fn add(change: Change, blocks: &[Block], shapes: &mut Shapes) {
    let after = |executed: f64| f64::from(u8::from(executed >= change.executed));
    for shape in &mut shapes.shapes {
        shape.log_weight += (1.0 - PROBABILITY).ln();
    }
    for size in SIZES {
        shapes.shapes.push(Shape {
            log_weight: (PROBABILITY / SIZES.len() as f64).ln(),
            parts: vec![(shapes.courses.len(), size * change.size)],
        });
    }
    shapes.courses.push(Course {
        at_blocks: blocks.iter().map(|block| after(block.executed)).collect(),
        at_cells: cells().map(after).collect(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::{generator, standard_normal};

    fn blocks(per_stretch: u32, log_cost: impl Fn(usize) -> f64) -> Vec<Block> {
        let mut generator = generator(5);
        (0..48)
            .map(|number| Block {
                in_order: false,
                run: 0,
                stretch: number as u32 / per_stretch,
                log_cost: 0.1 * standard_normal(&mut generator) + log_cost(number),
                position: number as f64 / 48.0,
                executed: number as f64 / 480.0,
                batches: 10.0,
                density: 1.0,
            })
            .collect()
    }

    fn check(level_change: f64, expected: bool) {
        for per_stretch in [48, 3] {
            let blocks = blocks(per_stretch, |number| if number >= 24 { level_change } else { 0.0 });
            let change = change(&blocks);
            assert_eq!(change.is_some(), expected, "{change:?}");
            if let Some(change) = change {
                assert!((change.size - level_change).abs() < 0.05, "{change:?}");
                assert!(
                    (change.executed - 0.049).abs() < 0.004 && !change.is_recent,
                    "{change:?}"
                );
            }
        }
    }

    #[test]
    fn a_lasting_change_is_told_and_noise_is_not() {
        check(0.0, false);
        check(0.05, false);
        check(0.4, true);
        check(-0.4, true);
        assert_eq!(change(&[]), None);
    }

    #[test]
    fn a_change_within_a_stretch_is_found_where_it_is() {
        let blocks = blocks(3, |number| if number >= 23 { 0.9 } else { 0.0 });
        let change = change(&blocks).expect("a change");
        assert!((change.executed - 22.5 / 480.0).abs() < 1e-9, "{change:?}");
    }

    #[test]
    fn the_level_after_it_is_that_of_the_rest() {
        let blocks = blocks(48, |number| if number >= 24 { 0.9 } else { 0.0 });
        let mut shapes = Shapes::none();
        add(change(&blocks).expect("a change"), &blocks, &mut shapes);
        assert!(!keeps_changing(&without(&blocks, &shapes, 2)) && keeps_changing(&blocks));
        let costs = crate::model::kriging::mean_costs(&blocks, &shapes, 4800.0);
        let weight: f64 = costs.iter().map(|cost| cost.weight).sum();
        let mean: f64 = costs.iter().map(|cost| cost.weight * cost.log_cost).sum::<f64>() / weight;
        assert!((0.8..0.95).contains(&mean), "{mean}");
        let best = costs.iter().max_by(|one, other| one.weight.total_cmp(&other.weight));
        assert!(best.expect("costs").shape > 0);
    }
}
