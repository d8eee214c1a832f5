//! Durations without any measurement: typical rates with honestly wide intervals.
//!
//! Used for a first look at a table and for steps that a rehearsal did not reach; always labelled `rule-of-thumb`.

use super::assemble::{Told, assemble};
use super::estimate::{Basis, Estimate};
use super::forecast::{Forecast, rate};
use super::growth::Growth;
use super::options::EstimateOptions;
use super::repeated::student;
use super::storage;
use crate::catalog::facts::TableFacts;
use crate::migration::StepKind;
use crate::stats::lognormal_sum::Lognormal;

/// A step of which only the catalog's facts are known.
#[derive(Clone, Debug)]
pub struct UnmeasuredStep<'facts> {
    /// Number of the step, from 1.
    pub number: u32,
    /// Kind of work.
    pub kind: StepKind,
    /// The statement as written, or a name for the class of change.
    pub statement: String,
    /// The table it mainly works on, if known.
    pub table: Option<&'facts TableFacts>,
    /// Rows it will process; if `None`, all rows of the table.
    pub rows: Option<f64>,
    /// Relative standard deviation of those rows.
    pub rows_relative_sd: f64,
    /// Whether each row needs a lookup in another table.
    pub joins: bool,
    /// Sum of the pauses between batches, in seconds.
    pub pause_seconds: f64,
}

/// A typical duration: seconds, and the standard deviation of its logarithm.
struct Typical {
    seconds: f64,
    standard_deviation: f64,
    rows: Option<f64>,
}

/// Rows per second of a simple `UPDATE`, and of one with a join to another table.
const ROWS_PER_SECOND: f64 = 100_000.0;
const ROWS_PER_SECOND_JOINED: f64 = 10_000.0;
/// A factor of 7 either way at 95 %: 42,000 rows/s were measured on two cores with three indexes, several 100,000 on
/// narrow tables without indexes.
const DML_SD: f64 = 1.0;
/// Rows per second of an index build: sorting and writing about 20 bytes a row.
const INDEXED_ROWS_PER_SECOND: f64 = 700_000.0;
/// Bytes per second when rewriting a table and its indexes, WAL included, and when reading a heap.
const REWRITTEN_BYTES_PER_SECOND: f64 = 60e6;
const SCANNED_BYTES_PER_SECOND: f64 = 400e6;
/// A factor of 6 either way at 95 %, because storage varies that much.
const STORAGE_SD: f64 = 0.9;
/// A change of the catalog alone, without waiting for its lock; a factor of 10 either way.
const CATALOG_SECONDS: f64 = 0.01;
const CATALOG_SD: f64 = 1.2;
/// Standard deviation of the machine's speed, which is common to all steps.
pub(super) const MACHINE_SD: f64 = 0.6;
/// Bytes per row when the table is unknown.
const UNKNOWN_ROW_BYTES: f64 = 150.0;

/// Estimates steps that were not measured; `steps` must not be empty.
pub fn estimate(steps: &[UnmeasuredStep], options: &EstimateOptions) -> Estimate {
    let Some(growth) = &options.growth else {
        return of_sizes(steps, options);
    };
    let tables: Vec<Option<TableFacts>> = steps
        .iter()
        .map(|step| step.table.map(|table| growth.of_table(table)))
        .collect();
    let later = steps.iter().zip(&tables);
    let later: Vec<UnmeasuredStep> = later.map(|(step, table)| grown(step, table.as_ref(), growth)).collect();
    let mut estimate = of_sizes(&later, options);
    let known = steps.iter().filter_map(|step| step.table);
    let told = growth.sentences(known.map(|table| (Some(table.name.as_str()), table.estimated_rows)));
    estimate.assumptions.extend(told);
    estimate
}

/// Returns a step on `table` as it will be.
fn grown<'facts>(step: &UnmeasuredStep, table: Option<&'facts TableFacts>, growth: &Growth) -> UnmeasuredStep<'facts> {
    UnmeasuredStep {
        number: step.number,
        kind: step.kind,
        statement: step.statement.clone(),
        table,
        rows: step.rows.map(|rows| rows * growth.factor()),
        rows_relative_sd: step.rows_relative_sd.hypot(growth.relative_sd()),
        joins: step.joins,
        pause_seconds: step.pause_seconds * growth.factor().max(1.0),
    }
}

fn of_sizes(steps: &[UnmeasuredStep], options: &EstimateOptions) -> Estimate {
    let told = steps.iter().map(|step| Told {
        number: step.number,
        kind: step.kind,
        statement: step.statement.clone(),
        table: step.table.map(|table| table.name.clone()),
        forecast: forecast(step, options.level),
        lock_hold: None,
    });
    let mut estimate = assemble(told.collect(), options, Vec::new());
    estimate.storage = storage::total(&estimate, options.free_disk);
    estimate
}

/// Predicts one step by its kind, rows and bytes.
pub fn forecast(step: &UnmeasuredStep, confidence_level: f64) -> Forecast {
    let typical = typical(step);
    let sized = if typical.rows.is_some() {
        step.rows_relative_sd.max(0.0)
    } else {
        0.0
    };
    let standard_deviation = typical.standard_deviation.hypot(sized);
    let seconds = typical.seconds.max(1e-3);
    let working = student(seconds.ln(), standard_deviation, f64::INFINITY);
    let interval = working.central_interval(confidence_level);
    let total = seconds + step.pause_seconds.max(0.0);
    Forecast {
        duration: student(total.ln(), standard_deviation * seconds / total, f64::INFINITY),
        shared_deviation: MACHINE_SD * seconds / total,
        short_kind: None,
        rows: typical.rows,
        rate: typical.rows.and_then(|rows| rate(rows, seconds, interval)),
        wal_bytes: None,
        locks: Vec::new(),
        basis: Basis::RuleOfThumb,
        too_thin: Vec::new(),
        assumptions: vec![format!("{}; nothing was measured here.", describe(step))],
        warnings: Vec::new(),
    }
}

/// Returns the duration of a step as one lognormal distribution.
pub(super) fn lognormal(step: &UnmeasuredStep) -> Lognormal {
    let typical = typical(step);
    Lognormal {
        median: typical.seconds.max(1e-3),
        standard_deviation: typical.standard_deviation.hypot(step.rows_relative_sd.max(0.0)),
    }
}

fn typical(step: &UnmeasuredStep) -> Typical {
    let table_rows = step.table.map_or(0.0, |table| table.estimated_rows.max(0.0));
    let rows = step.rows.unwrap_or(table_rows).max(0.0);
    // Where the planned number of rows differs from the table's, its bytes are scaled with the rows.
    let growth = match step.rows {
        Some(rows) if table_rows >= 1.0 && rows > table_rows => rows / table_rows,
        _ => 1.0,
    };
    let bytes = |measured: fn(&TableFacts) -> u64| {
        step.table
            .map_or(rows * UNKNOWN_ROW_BYTES, |table| growth * measured(table) as f64)
    };
    let (seconds, standard_deviation, counts_rows) = match step.kind {
        StepKind::Backfill | StepKind::Dml => (rows / rows_per_second(step), DML_SD, true),
        StepKind::IndexBuild => {
            let scan = bytes(|table| table.heap_bytes) / SCANNED_BYTES_PER_SECOND;
            (table_rows.max(rows) / INDEXED_ROWS_PER_SECOND + scan, STORAGE_SD, true)
        }
        StepKind::TableScan => (
            bytes(|table| table.heap_bytes) / SCANNED_BYTES_PER_SECOND,
            STORAGE_SD,
            true,
        ),
        StepKind::TableRewrite => (rewrite_seconds(&bytes), STORAGE_SD, true),
        StepKind::CatalogOnly => (CATALOG_SECONDS, CATALOG_SD, false),
        // Anything from a catalog change to a rewrite.
        StepKind::Unclassified => (
            (CATALOG_SECONDS * rewrite_seconds(&bytes).max(CATALOG_SECONDS)).sqrt(),
            2.0,
            false,
        ),
    };
    Typical {
        seconds,
        standard_deviation,
        rows: counts_rows.then_some(rows),
    }
}

fn rows_per_second(step: &UnmeasuredStep) -> f64 {
    if step.joins {
        ROWS_PER_SECOND_JOINED
    } else {
        ROWS_PER_SECOND
    }
}

fn rewrite_seconds(bytes: &impl Fn(fn(&TableFacts) -> u64) -> f64) -> f64 {
    bytes(|table| table.heap_bytes + table.toast_bytes + table.index_bytes) / REWRITTEN_BYTES_PER_SECOND
}

fn describe(step: &UnmeasuredStep) -> String {
    match step.kind {
        StepKind::Backfill | StepKind::Dml => {
            let how = if step.joins { "with a join" } else { "of one table" };
            format!(
                "About {} for an update {how}",
                crate::units::RowsPerSecond(rows_per_second(step))
            )
        }
        StepKind::IndexBuild => "About 700,000 rows/s for an index build".to_string(),
        StepKind::TableScan => "About 400 MB/s for reading a table".to_string(),
        StepKind::TableRewrite => "About 60 MB/s for writing a table and its indexes anew".to_string(),
        StepKind::CatalogOnly => "About 10 ms for a change of the catalog, once its lock is granted".to_string(),
        StepKind::Unclassified => {
            "Between a change of the catalog and a rewrite for a statement of unknown kind".to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: StepKind, rows: f64, joins: bool, point: f64) {
        let step = UnmeasuredStep {
            number: 1,
            kind,
            statement: "…".to_string(),
            table: None,
            rows: Some(rows),
            rows_relative_sd: 0.1,
            joins,
            pause_seconds: 0.0,
        };
        let estimate = estimate(&[step], &EstimateOptions::default());
        let interval = estimate.interval();
        assert!(
            (estimate.total.point_seconds / point - 1.0).abs() < 1e-6,
            "{}",
            estimate.total.point_seconds
        );
        assert!(interval.upper_seconds / interval.lower_seconds > 25.0, "{interval:?}");
        assert_eq!(estimate.basis, Basis::RuleOfThumb);
    }

    #[test]
    fn rates_are_those_of_the_rule() {
        check(StepKind::Backfill, 6e6, false, 60.0);
        check(StepKind::Dml, 6e6, true, 600.0);
        check(StepKind::CatalogOnly, 6e6, false, 0.01);
        check(StepKind::TableRewrite, 4e6, false, 10.0);
        check(StepKind::Backfill, 0.0, false, 0.001);
    }
}
