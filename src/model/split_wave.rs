//! The B-tree split wave: a temporary rise of the cost at a known share executed, which no extrapolated rate can
//! predict.
//!
//! An update that is not heap-only adds an entry to every index. Where these entries go to random places, all leaf
//! pages of a freshly built index (fillfactor 90) become full and split at about the same time: batches cost more than
//! twice as much for a tenth of the walk, and never again, since split pages are half empty. A short replay may lie
//! inside the wave and would take it for the normal cost. The blocks decide among a few forms whether there is a wave,
//! when, and how high.

use super::blocks::Block;
use super::kriging::{Course, Shape, Shapes, cells};
use crate::catalog::facts::{IndexFacts, TableFacts};
use crate::stats::distribution::normal_cumulative;

/// Share executed at the crest.
///
/// Entries fill the free tenth of a leaf at 0.1/0.9 = 0.11. Merging duplicates and removing dead entries first
/// (bottom-up deletion) delays it: 0.15 was measured.
const CREST: [f64; 4] = [0.11, 0.13, 0.15, 0.17];
/// Spread of the crest among leaves, as a share executed.
const SPREAD: f64 = 0.025;
/// Additional cost at the crest, as a multiple of the cost before.
const HEIGHT: [f64; 4] = [0.4, 0.8, 1.3, 2.0];
/// Additional cost after the wave: twice as many leaf pages become dirty, and each is logged as a full-page image after
/// each checkpoint.
const AFTERWARDS: [f64; 3] = [0.0, 0.15, 0.3];
/// Probability of a wave where an index may have one, or where the indexes are unknown.
const PROBABILITY: f64 = 0.5;
const PROBABILITY_UNKNOWN: f64 = 0.25;
/// Correlation of an index with the order of the heap above which entries fill one leaf after the other, not random
/// ones.
const ORDERED: f64 = 0.9;

/// Returns the possible forms of the cost's change with the share executed, with their prior weights.
///
/// On the log scale: ln(1 + A) e^(−u²/2) + ln(1 + B) Φ(u), u = (t − crest)/spread; the times at which leaves split are
/// nearly normal.
pub fn shapes(blocks: &[Block], table: Option<&TableFacts>) -> Shapes {
    let probability = match table {
        Some(table) if table.indexes.iter().any(may_split) => PROBABILITY,
        Some(_) => 0.0,
        None => PROBABILITY_UNKNOWN,
    };
    let mut shapes = Shapes::none();
    if probability == 0.0 {
        return shapes;
    }
    shapes.shapes[0].log_weight = (1.0f64 - probability).ln();
    let log_weight = (probability / (CREST.len() * HEIGHT.len() * AFTERWARDS.len()) as f64).ln();
    for crest in CREST {
        let hump = shapes.courses.len();
        shapes
            .courses
            .push(course(blocks, |executed| hump_at((executed - crest) / SPREAD)));
        shapes.courses.push(course(blocks, |executed| {
            normal_cumulative((executed - crest) / SPREAD)
        }));
        for height in HEIGHT {
            for afterwards in AFTERWARDS {
                let parts = vec![(hump, f64::ln_1p(height)), (hump + 1, f64::ln_1p(afterwards))];
                shapes.shapes.push(Shape { log_weight, parts });
            }
        }
    }
    shapes
}

fn course(blocks: &[Block], value: impl Fn(f64) -> f64) -> Course {
    Course {
        at_blocks: blocks.iter().map(|block| value(block.executed)).collect(),
        at_cells: cells().map(value).collect(),
    }
}

fn hump_at(distance: f64) -> f64 {
    (-0.5 * distance * distance).exp()
}

fn may_split(index: &IndexFacts) -> bool {
    index.method == "btree" && index.correlation.is_none_or(|correlation| correlation.abs() < ORDERED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(indexes: &[(&str, Option<f64>)], forms: usize) {
        let index = |(method, correlation): &(&str, Option<f64>)| IndexFacts {
            name: "index".to_string(),
            method: method.to_string(),
            columns: Vec::new(),
            used_columns: Vec::new(),
            unique: false,
            primary: false,
            valid: true,
            partial: false,
            bytes: 0,
            reltuples: 0.0,
            correlation: *correlation,
            values_between: None,
        };
        let table: TableFacts = serde_json::from_value(serde_json::json!({
            "name": "t", "kind": "table", "reltuples": 0.0, "relpages": 0, "heap_bytes": 0, "toast_bytes": 0,
            "index_bytes": 0,
            "indexes": indexes.iter().map(index).collect::<Vec<_>>(), "estimated_rows": 0.0, "rows_relative_sd": 0.0,
            "rows_source": "planner"
        }))
        .expect("facts");
        assert_eq!(shapes(&[], Some(&table)).shapes.len(), forms);
    }

    #[test]
    fn only_indexes_in_random_order_have_a_wave() {
        check(&[], 1);
        check(&[("btree", Some(1.0)), ("gin", None)], 1);
        check(&[("btree", Some(1.0)), ("btree", Some(0.02))], 49);
        check(&[("btree", None)], 49);
        let weights: f64 = shapes(&[], None)
            .shapes
            .iter()
            .map(|shape| shape.log_weight.exp())
            .sum();
        assert!((weights - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_wave_is_at_its_crest_and_leaves_a_step() {
        let shapes = shapes(&[], None);
        let (hump, step) = (&shapes.courses[0].at_cells, &shapes.courses[1].at_cells);
        // Cells lie at 0.0125, 0.0375 …; the first crest at 0.11 is nearest to the fifth.
        assert!(hump.iter().all(|value| *value <= hump[4]) && hump[4] > 0.99);
        assert!(hump[0] < 0.01 && hump[39] < 1e-9);
        assert!(step[0] < 0.01 && step[39] > 0.999);
    }
}
