//! A family of pairs: one kind of work on one kind of table.

use super::plan::Design;

/// One kind of work on one kind of table. All pairs of a family are judged together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name, which tells its properties.
    pub name: String,
    /// Whether it judges; the others are there to fit constants.
    pub judges: bool,
    /// Rows of its table in production, at scale 1.
    pub rows: u64,
    /// Whether its table is several times the size of the server's cache.
    pub exceeds_cache: bool,
    /// SQL that creates and fills its tables, with `:rows` and `:seed`.
    pub setup: String,
    /// What its migration does.
    pub work: Work,
}

/// What a family's migration does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Rows in batches, rehearsed on a copy of the same size.
    Walk(WalkedWork),
    /// One statement, rehearsed on a clone with a quarter of the rows.
    Statement(String),
}

/// Work in batches, as a plain loop and as migtime would do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkedWork {
    /// The table that is walked.
    pub table: String,
    /// The column whose values are the windows' bounds.
    pub key: String,
    /// The statement up to its condition; a window is added by `AND`.
    pub statement: String,
    /// Which rows it changes: its condition without the window.
    pub predicate: String,
    /// Rows in a batch, or values of the key for a walk by ranges.
    pub batch_size: u64,
    /// Whether it walks by rows in key order; otherwise by ranges of the key.
    pub by_rows: bool,
}

impl Family {
    /// Returns the number of rows at `scale`.
    pub fn rows_at(&self, scale: f64) -> u64 {
        ((self.rows as f64 * scale).round() as u64).max(FEWEST_ROWS)
    }

    /// Returns the ways in which its migration is predicted.
    pub fn designs(&self) -> &'static [Design] {
        match self.work {
            Work::Walk(_) => &[Design::Whole, Design::Partial],
            Work::Statement(_) => &[Design::Quarter],
        }
    }

    /// Returns its migration as it is given to migtime.
    pub fn migration(&self) -> String {
        match &self.work {
            Work::Statement(sql) => format!("{sql};\n"),
            Work::Walk(walk) => format!(
                "-- migtime: batch key={} size={} walk={}\n{} WHERE {};\n",
                walk.key,
                walk.batch_size,
                if walk.by_rows { "rows" } else { "key-range" },
                walk.statement,
                walk.predicate
            ),
        }
    }
}

/// Below this, a quarter of the table would be next to nothing.
const FEWEST_ROWS: u64 = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_is_a_bare_statement_with_a_directive() {
        let family = Family {
            name: "f".to_string(),
            judges: true,
            rows: 1000,
            exceeds_cache: false,
            setup: String::new(),
            work: Work::Walk(WalkedWork {
                table: "t".to_string(),
                key: "id".to_string(),
                statement: "DELETE FROM t".to_string(),
                predicate: "old".to_string(),
                batch_size: 50,
                by_rows: false,
            }),
        };
        let expected = "-- migtime: batch key=id size=50 walk=key-range\nDELETE FROM t WHERE old;\n";
        assert_eq!(family.migration(), expected);
        assert_eq!((family.rows_at(0.5), family.rows_at(0.001)), (500, 400));
    }
}
