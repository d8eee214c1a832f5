//! The CSV files: plain numbers with their units in the header, for spreadsheets, R and pandas.
//!
//! `observations.csv`, one row a measurement, in the order it was made:
//!
//! | column | meaning |
//! | --- | --- |
//! | `step` | number of the step |
//! | `kind` | its kind, e.g. `backfill` |
//! | `table` | table it mainly works on; empty when none |
//! | `run` | whole repetition, from 0 |
//! | `segment` | segment of the key space, from 0, in the order of execution |
//! | `rows` | rows the server reported as affected |
//! | `seconds` | from sending the batch to its acknowledged commit |
//! | `wal_bytes` | WAL inserted meanwhile; empty when not known |
//! | `full_page_images` | full-page images among it; empty when not known |
//! | `position` | fraction of the walk's work that lies before it, 0 to 1 |
//! | `elapsed_seconds` | since the step's first batch of this run began, at the end of this one |
//! | `warm_up` | `true` while the caches of a new segment were still cold |
//!
//! `steps.csv`, one row per step of the estimate: `step`, `kind`, `table`, `line`; predicted: `rows`, `point_seconds`,
//! `level` with `lower_seconds` and `upper_seconds`, the same at 50, 80 and 95 % (`lower_50_seconds` …),
//! `rows_per_second` with `rows_per_second_lower` and `rows_per_second_upper`, `basis`, `wal_bytes`,
//! `share_of_variance`; measured: `measurements`, `measured_rows`, `measured_seconds`, of which `waited_seconds` for
//! other sessions (sampled; empty where not observed), `measured_wal_bytes`, `complete`, `failed_attempts`,
//! `disk_before_bytes`, `disk_after_bytes` and `disk_peak_temporary_bytes` (an upper bound) of the relations it
//! touched; `locks` (`mode relation held_seconds`, separated by `; `) and `statement`; predicted, at the level of the
//! row: `wal_bytes_lower` and `wal_bytes_upper`, and with the same two ends `growth_bytes`, the permanent growth, and
//! `peak_bytes`, the disk that must be free meanwhile, without WAL. Estimates have six significant digits.

use std::fmt::Display;

use crate::model::estimate::{Estimate, LEVELS, SizeInterval, StepEstimate, interval_at};
use crate::observation::{LockRecord, Observation, Rehearsal, StepRecord};
use crate::report::words;

const OBSERVATION_COLUMNS: [&str; 12] = [
    "step",
    "kind",
    "table",
    "run",
    "segment",
    "rows",
    "seconds",
    "wal_bytes",
    "full_page_images",
    "position",
    "elapsed_seconds",
    "warm_up",
];

const STEP_COLUMNS: [&str; 31] = [
    "step",
    "kind",
    "table",
    "line",
    "rows",
    "point_seconds",
    "level",
    "lower_seconds",
    "upper_seconds",
    "lower_50_seconds",
    "upper_50_seconds",
    "lower_80_seconds",
    "upper_80_seconds",
    "lower_95_seconds",
    "upper_95_seconds",
    "rows_per_second",
    "rows_per_second_lower",
    "rows_per_second_upper",
    "basis",
    "wal_bytes",
    "share_of_variance",
    "measurements",
    "measured_rows",
    "measured_seconds",
    "waited_seconds",
    "measured_wal_bytes",
    "complete",
    "failed_attempts",
    "disk_before_bytes",
    "disk_after_bytes",
    "disk_peak_temporary_bytes",
];

const STORAGE_COLUMNS: [&str; 8] = [
    "wal_bytes_lower",
    "wal_bytes_upper",
    "growth_bytes",
    "growth_bytes_lower",
    "growth_bytes_upper",
    "peak_bytes",
    "peak_bytes_lower",
    "peak_bytes_upper",
];

/// Returns all measurements as CSV, with the columns of the table above.
pub fn observations_csv(rehearsal: &Rehearsal) -> Vec<u8> {
    let mut table = CsvTable::new(OBSERVATION_COLUMNS);
    for step in &rehearsal.steps {
        for observation in &step.observations {
            observation_row(&mut table, step, observation);
        }
    }
    table.bytes()
}

/// Returns all steps, predicted and measured, as CSV, with the columns described above.
pub fn steps_csv(rehearsal: &Rehearsal, estimate: &Estimate) -> Vec<u8> {
    let mut table = CsvTable::new(
        STEP_COLUMNS
            .into_iter()
            .chain(["locks", "statement"])
            .chain(STORAGE_COLUMNS),
    );
    for step in &estimate.steps {
        let record = words::record_of(rehearsal, step.number);
        predicted_cells(&mut table, step, record, estimate.level);
        measured_cells(&mut table, record);
        let locks: Vec<String> = step.locks.iter().map(lock_cell).collect();
        table.cell(locks.join("; "));
        table.cell(&step.statement);
        storage_cells(&mut table, step);
        table.end_row();
    }
    table.bytes()
}

/// A CSV file in memory, written cell by cell.
pub(super) struct CsvTable {
    writer: ::csv::Writer<Vec<u8>>,
    buffer: String,
}

impl CsvTable {
    /// Starts a file with its header.
    pub fn new(columns: impl IntoIterator<Item = &'static str>) -> CsvTable {
        let mut table = CsvTable {
            writer: ::csv::Writer::from_writer(Vec::new()),
            buffer: String::new(),
        };
        columns.into_iter().for_each(|column| table.cell(column));
        table.end_row();
        table
    }

    /// Adds a cell to the row.
    pub fn cell(&mut self, value: impl Display) {
        use std::fmt::Write;
        self.buffer.clear();
        write!(self.buffer, "{value}").expect("writing to a string does not fail");
        self.writer.write_field(&self.buffer).expect(IN_MEMORY);
    }

    /// Adds a cell that is empty for an unknown value.
    pub fn optional(&mut self, value: Option<impl Display>) {
        match value {
            Some(value) => self.cell(value),
            None => self.cell(""),
        }
    }

    /// Adds an estimated number, with six significant digits.
    pub fn estimated(&mut self, value: f64) {
        self.cell(significant(value, 6));
    }

    /// Ends the row.
    pub fn end_row(&mut self) {
        self.writer.write_record(None::<&[u8]>).expect(IN_MEMORY);
    }

    /// Returns the file.
    pub fn bytes(self) -> Vec<u8> {
        self.writer.into_inner().expect(IN_MEMORY)
    }
}

const IN_MEMORY: &str = "a CSV file in memory takes every row of the header's length";

fn observation_row(table: &mut CsvTable, step: &StepRecord, observation: &Observation) {
    table.cell(step.number);
    table.cell(words::kind_name(step.kind));
    table.optional(step.table.as_ref());
    table.cell(observation.run);
    table.cell(observation.segment);
    table.cell(observation.rows);
    table.cell(observation.seconds);
    table.optional(observation.wal_bytes);
    table.optional(observation.full_page_images);
    table.cell(observation.position);
    table.cell(observation.elapsed);
    table.cell(observation.warm_up);
    table.end_row();
}

fn predicted_cells(table: &mut CsvTable, step: &StepEstimate, record: Option<&StepRecord>, level: f64) {
    table.cell(step.number);
    table.cell(words::kind_name(step.kind));
    table.optional(step.table.as_ref());
    table.optional(record.map(|record| record.line));
    table.optional(step.rows.map(f64::round));
    table.estimated(step.point_seconds);
    let shown = interval_at(&step.intervals, level);
    table.cell(shown.level);
    for interval in std::iter::once(shown).chain(LEVELS.map(|level| interval_at(&step.intervals, level))) {
        table.estimated(interval.lower_seconds);
        table.estimated(interval.upper_seconds);
    }
    let rate = step.rows_per_second;
    for value in [rate.map(|r| r.point), rate.map(|r| r.lower), rate.map(|r| r.upper)] {
        table.optional(value.map(|value| significant(value, 6)));
    }
    table.cell(words::basis_name(step.basis));
    table.optional(step.wal_bytes.map(|bytes| significant(bytes, 6)));
    table.estimated(step.share_of_variance);
}

fn storage_cells(table: &mut CsvTable, step: &StepEstimate) {
    let ends = |interval: Option<SizeInterval>| interval.map(|one| [one.point_bytes, one.lower_bytes, one.upper_bytes]);
    let wal = ends(step.wal_interval).map(|[_, lower, upper]| [lower, upper]);
    let growth = ends(step.disk.map(|disk| disk.growth));
    let peak = ends(step.disk.map(|disk| disk.peak));
    let cells = (0..2).map(|end| wal.map(|ends| ends[end]));
    let cells = cells.chain((0..3).map(|end| growth.map(|ends| ends[end])));
    for cell in cells.chain((0..3).map(|end| peak.map(|ends| ends[end]))) {
        table.optional(cell.map(|bytes| significant(bytes, 6)));
    }
}

fn measured_cells(table: &mut CsvTable, record: Option<&StepRecord>) {
    let observations = record.map(|record| record.observations.as_slice());
    table.optional(observations.map(<[Observation]>::len));
    table.optional(observations.map(|all| all.iter().map(|observation| observation.rows).sum::<u64>()));
    table.optional(observations.map(|all| {
        let seconds: f64 = all.iter().map(|observation| observation.seconds).sum();
        significant(seconds, 9)
    }));
    let waited = observations.and_then(|all| {
        all.iter()
            .map(|observation| observation.waited_seconds)
            .sum::<Option<f64>>()
    });
    table.optional(
        waited
            .filter(|_| observations.is_some_and(|all| !all.is_empty()))
            .map(|seconds| significant(seconds, 9)),
    );
    table.optional(record.and_then(|record| record.wal_bytes));
    table.optional(record.map(|record| record.complete));
    table.optional(record.map(|record| record.failed_attempts.len()));
    let disk = record.and_then(|record| record.disk);
    for bytes in [
        disk.map(|disk| disk.before_bytes),
        disk.map(|disk| disk.after_bytes),
        disk.map(|disk| disk.peak_temporary_bytes),
    ] {
        table.optional(bytes);
    }
}

fn lock_cell(lock: &LockRecord) -> String {
    let held = lock
        .held_seconds
        .map_or(String::new(), |seconds| format!(" {}", significant(seconds, 6)));
    format!("{} {}{held}", words::lock_name(lock.mode), lock.relation)
}

fn significant(value: f64, digits: i32) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    // Printed and parsed again, because scaling by a power of ten would leave digits like 0.30000000000000004.
    format!("{value:.*e}", digits as usize - 1).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_have_six_digits() {
        assert_eq!(significant(123.456_789_1, 6).to_string(), "123.457");
        assert_eq!(significant(0.1 + 0.2, 6).to_string(), "0.3");
        assert_eq!(significant(0.0, 6).to_string(), "0");
    }
}
