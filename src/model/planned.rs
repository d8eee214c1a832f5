//! Rules of thumb for how long the statements of a plan take and how long their locks are held, before anything is
//! measured.
//!
//! A lock is held from the statement that takes it to the COMMIT; in a transaction block, the later statements
//! therefore count too. A statement whose size is unknown has no duration, and neither has a sum that contains it.

use std::collections::BTreeMap;

use super::estimate::{Basis, Prediction};
use super::rule_of_thumb::{self, MACHINE_SD, UnmeasuredStep};
use crate::catalog::facts::TableFacts;
use crate::catalog::{RelationKind, SchemaFacts};
use crate::migration::{Effects, PlannedStatement, PlannedTable, StepKind};
use crate::stats::lognormal_sum::{Lognormal, Sum};

/// Sizes of tables, by qualified name.
pub type Sizes = BTreeMap<String, TableFacts>;

/// The prediction for one statement; `None` where its size is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// How long it takes.
    pub duration: Option<Prediction>,
    /// How long it holds its locks, until the COMMIT.
    pub held: Option<Prediction>,
}

/// Returns the times of each statement, in order, and the duration of the whole migration. `sizes` contains the tables
/// named by [`tables`]; it is empty when no catalog was read.
pub fn times(planned: &[PlannedStatement], sizes: &Sizes, level: f64) -> (Vec<Times>, Option<Prediction>) {
    let durations = durations(planned, sizes);
    let mut times = vec![Times::default(); planned.len()];
    let mut block: Option<u32> = None;
    let mut sum = Some(Sum::default());
    // Backwards, so that the durations of the later statements of the block are already summed up.
    for place in (0..planned.len()).rev() {
        let own = planned[place].transaction_block;
        if own.is_none() || own != block {
            (block, sum) = (own, Some(Sum::default()));
        }
        if planned[place].effects.is_none() {
            continue;
        }
        sum = with(sum, durations[place]);
        times[place] = Times {
            duration: durations[place].map(|duration| prediction(duration, level)),
            // A backfill releases its locks after each batch.
            held: match planned[place].kind() {
                StepKind::Backfill => batch_duration(&planned[place]).map(|batch| prediction(batch, level)),
                _ => sum.and_then(|sum| predicted(sum, level)),
            },
        };
    }
    let mut whole = Some(Sum::default());
    for (planned, duration) in planned.iter().zip(&durations) {
        if planned.effects.is_some() {
            whole = with(whole, *duration);
        }
    }
    (times, whole.and_then(|sum| predicted(sum, level)))
}

/// Returns the catalog names of all tables whose rows the migration reads or changes, without duplicates.
pub fn tables(planned: &[PlannedStatement]) -> Vec<&str> {
    let mut names: Vec<&str> = planned
        .iter()
        .flat_map(|planned| {
            let worked_on = planned.effects.iter().flat_map(worked_on);
            worked_on.filter_map(|name| match planned.tables.get(name) {
                None => Some(name),
                Some(PlannedTable::Renamed(old)) => Some(old.as_str()),
                Some(PlannedTable::Empty | PlannedTable::Filled) => None,
            })
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the tables whose rows a statement reads or changes.
fn worked_on(effects: &Effects) -> Vec<&str> {
    let mut names: Vec<&str> = effects
        .scanned
        .iter()
        .chain(&effects.indexed)
        .map(String::as_str)
        .collect();
    if names.is_empty() && effects.kind() == StepKind::Dml {
        names.extend(written_to(effects));
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the table whose rows a statement changes: the first of those with the strongest lock. A partitioned table
/// stands before its partitions, and its size is the sum of theirs.
fn written_to(effects: &Effects) -> Option<&str> {
    let strongest = effects.locks.iter().map(|(_, mode)| *mode).max()?;
    let mut locks = effects.locks.iter();
    locks
        .find(|(_, mode)| *mode == strongest)
        .map(|(name, _)| name.as_str())
}

fn with(sum: Option<Sum>, duration: Option<Lognormal>) -> Option<Sum> {
    sum.zip(duration).map(|(mut sum, duration)| {
        sum.add(duration);
        sum
    })
}

fn predicted(sum: Sum, level: f64) -> Option<Prediction> {
    sum.total(MACHINE_SD).map(|total| prediction(total, level))
}

fn prediction(duration: Lognormal, level: f64) -> Prediction {
    Prediction {
        point_seconds: duration.median,
        lower_seconds: duration.quantile(0.5 - level / 2.0),
        upper_seconds: duration.quantile(0.5 + level / 2.0),
        level,
        basis: Basis::RuleOfThumb,
    }
}

/// Returns the duration of each statement; also `None` for BEGIN, COMMIT and the like.
fn durations(planned: &[PlannedStatement], sizes: &Sizes) -> Vec<Option<Lognormal>> {
    let of = |planned: &PlannedStatement| {
        let size = |name: &str| {
            let known = |name: &str| sizes.get(name).map_or(Size::Unknown, Size::Known);
            match planned.tables.get(name) {
                None => known(name),
                Some(PlannedTable::Renamed(old)) => known(old),
                Some(PlannedTable::Empty) => Size::Empty,
                Some(PlannedTable::Filled) => Size::Unknown,
            }
        };
        planned.effects.as_ref().and_then(|effects| duration(effects, size))
    };
    planned.iter().map(of).collect()
}

/// Returns the duration of one batch of a backfill.
fn batch_duration(backfill: &PlannedStatement) -> Option<Lognormal> {
    let mut batch = backfill.effects.clone()?;
    batch.rows = Some(backfill.batch_size()? as f64);
    duration(&batch, |_| Size::Unknown)
}

enum Size<'facts> {
    Known(&'facts TableFacts),
    Empty,
    Unknown,
}

fn duration<'facts>(effects: &Effects, size: impl Fn(&str) -> Size<'facts>) -> Option<Lognormal> {
    if !effects.unknown.is_empty() {
        return None;
    }
    let kind = effects.kind();
    let mut sum = Sum::default();
    for name in worked_on(effects) {
        let table = match (size(name), effects.rows) {
            (Size::Known(table), _) => Some(table),
            (Size::Unknown, None) => return None,
            (Size::Empty | Size::Unknown, _) => None,
        };
        sum.add(rule_of_thumb::lognormal(&UnmeasuredStep {
            number: 1,
            kind,
            statement: String::new(),
            table,
            rows: effects.rows,
            rows_relative_sd: table.map_or(0.0, |table| table.rows_relative_sd),
            joins: false,
            pause_seconds: 0.0,
        }));
    }
    // Besides its work on tables, every statement reads and changes the catalog.
    sum.add(rule_of_thumb::lognormal(&UnmeasuredStep {
        number: 1,
        kind: StepKind::CatalogOnly,
        statement: String::new(),
        table: None,
        rows: None,
        rows_relative_sd: 0.0,
        joins: false,
        pause_seconds: 0.0,
    }));
    sum.total(MACHINE_SD)
}
/// Returns the names of the tables whose rows the migration reads or changes and whose size the catalog knows.
pub fn tables_with_rows<'planned>(planned: &'planned [PlannedStatement], schema: &SchemaFacts) -> Vec<&'planned str> {
    let mut names = tables(planned);
    names.retain(|name| {
        schema
            .named(name)
            .is_some_and(|found| found.kind.holds_rows() || found.kind == RelationKind::PartitionedTable)
    });
    names
}
