//! How large one relation is that holds rows of its own, as the catalog says in one line; and how much larger it is
//! elsewhere.

use serde::{Deserialize, Serialize};

/// Relative standard deviation of a ratio of two analysed tables' rows, each known from a sample.
const ANALYSED_SD: f64 = 0.02;
/// The same where only the blocks can be compared, whose fill differs: a restored clone has no dead rows.
const BLOCKS_SD: f64 = 0.15;

/// A table, a partition or a materialised view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RelationSize {
    /// Schema-qualified name, each part quoted where SQL needs it.
    pub name: String,
    /// The partitioned table at the top, if it is a partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// `pg_class.reltuples`, -1 when never analysed (0 before PostgreSQL 14).
    pub reltuples: f64,
    /// `pg_class.relpages`.
    pub relpages: u64,
    /// Blocks of the heap now.
    pub blocks: u64,
    /// Number of its indexes.
    pub indexes: u32,
    /// Object id, which lasts when it is renamed; 0 in a saved file.
    #[serde(skip)]
    pub oid: u32,
}

/// How many times as large something is elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SizeGrowth {
    /// Its rows there as a multiple of those here.
    pub factor: f64,
    /// Relative standard deviation of `factor`.
    pub relative_sd: f64,
}

impl SizeGrowth {
    /// The same size.
    pub const NONE: SizeGrowth = SizeGrowth {
        factor: 1.0,
        relative_sd: 0.0,
    };
}

impl RelationSize {
    /// Returns its rows as the planner estimates them; `None` when it was never analysed.
    pub fn rows(&self) -> Option<f64> {
        match (self.blocks, self.relpages) {
            (0, _) => Some(0.0),
            (_, 0) => None,
            (blocks, pages) => (self.reltuples > 0.0).then(|| self.reltuples / pages as f64 * blocks as f64),
        }
    }
}

/// Returns how much larger `there` is than `here`, each being a relation or all partitions of a table: by their rows
/// where all were analysed, else by their blocks.
pub fn growth_of_sizes(here: &[&RelationSize], there: &[&RelationSize]) -> SizeGrowth {
    let rows = |sizes: &[&RelationSize]| sizes.iter().map(|size| size.rows()).sum::<Option<f64>>();
    let blocks = |sizes: &[&RelationSize]| sizes.iter().map(|size| size.blocks as f64).sum::<f64>();
    match (rows(here), rows(there)) {
        (Some(here), Some(there)) => SizeGrowth {
            factor: there / here.max(1.0),
            relative_sd: ANALYSED_SD,
        },
        _ => SizeGrowth {
            factor: blocks(there) / blocks(here).max(1.0),
            relative_sd: BLOCKS_SD,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(reltuples: f64, relpages: u64, blocks: u64) -> RelationSize {
        RelationSize {
            reltuples,
            relpages,
            blocks,
            ..RelationSize::default()
        }
    }

    #[test]
    fn rows_count_where_both_are_analysed_and_blocks_elsewhere() {
        let check = |here: RelationSize, there: RelationSize, factor: f64, relative_sd: f64| {
            assert_eq!(growth_of_sizes(&[&here], &[&there]), SizeGrowth { factor, relative_sd });
        };
        // Production is bloated: twice the blocks a row.
        check(size(1000.0, 10, 10), size(8000.0, 160, 160), 8.0, ANALYSED_SD);
        check(size(-1.0, 0, 10), size(8000.0, 160, 160), 16.0, BLOCKS_SD);
        check(size(0.0, 0, 0), size(500.0, 5, 5), 500.0, ANALYSED_SD);
        check(size(1000.0, 10, 10), size(0.0, 0, 0), 0.0, ANALYSED_SD);
    }
}
