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

use crate::model::estimate::{Estimate, Interval, SizeInterval, StepEstimate, interval_at};
use crate::observation::{DiskRecord, LockRecord, Observation, Rehearsal, StepRecord};
use crate::report::words;

/// A column: its name in the header, and its cell in a row.
pub(super) type CsvColumn<Row> = (&'static str, fn(&Row) -> Cell);

/// A cell as text; empty where nothing is known.
pub(super) struct Cell(String);

/// A row that predicts a duration.
pub(super) trait Predicted {
    /// Returns the most likely duration, in seconds.
    fn point_seconds(&self) -> f64;

    /// Returns its interval at a level; that of the row for `None`.
    fn interval(&self, level: Option<f64>) -> Interval;
}

/// A row of `steps.csv`.
struct StepRow<'a> {
    step: &'a StepEstimate,
    record: Option<&'a StepRecord>,
    /// Level of the interval that is shown first.
    level: f64,
}

/// A row of `observations.csv`.
struct ObservationRow<'a> {
    step: &'a StepRecord,
    observation: &'a Observation,
}

/// Returns all measurements as CSV, with the columns of the table above.
pub fn observations_csv(rehearsal: &Rehearsal) -> Vec<u8> {
    let steps = rehearsal.steps.iter();
    let rows = steps.flat_map(|step| {
        let observations = step.observations.iter();
        observations.map(move |observation| ObservationRow { step, observation })
    });
    csv_of(&observation_columns(), rows)
}

/// Returns all steps, predicted and measured, as CSV, with the columns described above.
pub fn steps_csv(rehearsal: &Rehearsal, estimate: &Estimate) -> Vec<u8> {
    let mut columns: Vec<CsvColumn<StepRow>> = vec![
        ("step", |row| Cell::of(row.step.number)),
        ("kind", |row| Cell::of(words::kind_name(row.step.kind))),
        ("table", |row| Cell::known(row.step.table.as_ref())),
        ("line", |row| Cell::known(row.record.map(|record| record.line))),
        ("rows", |row| Cell::known(row.step.rows.map(f64::round))),
    ];
    columns.extend(duration_columns());
    columns.extend(throughput_columns());
    columns.extend(measured_columns());
    columns.extend(disk_columns());
    columns.extend(statement_columns());
    columns.extend(storage_columns());
    let rows = estimate.steps.iter().map(|step| StepRow {
        step,
        record: words::record_of(rehearsal, step.number),
        level: estimate.level,
    });
    csv_of(&columns, rows)
}

/// Returns a CSV file: a header, then a line a row.
pub(super) fn csv_of<Row>(columns: &[CsvColumn<Row>], rows: impl IntoIterator<Item = Row>) -> Vec<u8> {
    const IN_MEMORY: &str = "a CSV file in memory takes every row of the header's length";
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let header = columns.iter().map(|(name, _)| name);
    writer.write_record(header).expect(IN_MEMORY);
    for row in rows {
        let cells = columns.iter().map(|(_, cell)| cell(&row).0);
        writer.write_record(cells).expect(IN_MEMORY);
    }
    writer.into_inner().expect(IN_MEMORY)
}

impl Cell {
    /// Returns the cell of a value.
    pub fn of(value: impl Display) -> Cell {
        Cell(value.to_string())
    }

    /// Returns the cell of a value that may not be known.
    pub fn known(value: Option<impl Display>) -> Cell {
        Cell(value.map(|value| value.to_string()).unwrap_or_default())
    }

    /// Returns the cell of an estimated number, with six significant digits.
    pub fn estimated(value: f64) -> Cell {
        Cell::of(significant(value, 6))
    }

    fn estimated_if_known(value: Option<f64>) -> Cell {
        Cell::known(value.map(|value| significant(value, 6)))
    }
}

/// Returns the columns of a predicted duration: its point, its interval, and that at each usual level.
pub(super) fn duration_columns<Row: Predicted>() -> Vec<CsvColumn<Row>> {
    vec![
        ("point_seconds", |row| Cell::estimated(row.point_seconds())),
        ("level", |row| Cell::of(row.interval(None).level)),
        ("lower_seconds", |row| Cell::estimated(row.interval(None).lower_seconds)),
        ("upper_seconds", |row| Cell::estimated(row.interval(None).upper_seconds)),
        ("lower_50_seconds", |row| {
            Cell::estimated(row.interval(Some(0.5)).lower_seconds)
        }),
        ("upper_50_seconds", |row| {
            Cell::estimated(row.interval(Some(0.5)).upper_seconds)
        }),
        ("lower_80_seconds", |row| {
            Cell::estimated(row.interval(Some(0.8)).lower_seconds)
        }),
        ("upper_80_seconds", |row| {
            Cell::estimated(row.interval(Some(0.8)).upper_seconds)
        }),
        ("lower_95_seconds", |row| {
            Cell::estimated(row.interval(Some(0.95)).lower_seconds)
        }),
        ("upper_95_seconds", |row| {
            Cell::estimated(row.interval(Some(0.95)).upper_seconds)
        }),
    ]
}

impl Predicted for StepRow<'_> {
    fn point_seconds(&self) -> f64 {
        self.step.point_seconds
    }

    fn interval(&self, level: Option<f64>) -> Interval {
        interval_at(&self.step.intervals, level.unwrap_or(self.level))
    }
}

fn observation_columns<'a>() -> [CsvColumn<ObservationRow<'a>>; 12] {
    [
        ("step", |row| Cell::of(row.step.number)),
        ("kind", |row| Cell::of(words::kind_name(row.step.kind))),
        ("table", |row| Cell::known(row.step.table.as_ref())),
        ("run", |row| Cell::of(row.observation.run)),
        ("segment", |row| Cell::of(row.observation.segment)),
        ("rows", |row| Cell::of(row.observation.rows)),
        ("seconds", |row| Cell::of(row.observation.seconds)),
        ("wal_bytes", |row| Cell::known(row.observation.wal_bytes)),
        ("full_page_images", |row| Cell::known(row.observation.full_page_images)),
        ("position", |row| Cell::of(row.observation.position)),
        ("elapsed_seconds", |row| Cell::of(row.observation.elapsed)),
        ("warm_up", |row| Cell::of(row.observation.warm_up)),
    ]
}

fn throughput_columns<'a>() -> [CsvColumn<StepRow<'a>>; 6] {
    [
        ("rows_per_second", |row| {
            Cell::estimated_if_known(row.step.rows_per_second.map(|rate| rate.point))
        }),
        ("rows_per_second_lower", |row| {
            Cell::estimated_if_known(row.step.rows_per_second.map(|rate| rate.lower))
        }),
        ("rows_per_second_upper", |row| {
            Cell::estimated_if_known(row.step.rows_per_second.map(|rate| rate.upper))
        }),
        ("basis", |row| Cell::of(words::basis_name(row.step.basis))),
        ("wal_bytes", |row| Cell::estimated_if_known(row.step.wal_bytes)),
        ("share_of_variance", |row| Cell::estimated(row.step.share_of_variance)),
    ]
}

fn measured_columns<'a>() -> [CsvColumn<StepRow<'a>>; 7] {
    [
        ("measurements", |row| {
            Cell::known(row.observations().map(<[Observation]>::len))
        }),
        ("measured_rows", |row| {
            let rows = |all: &[Observation]| all.iter().map(|observation| observation.rows).sum::<u64>();
            Cell::known(row.observations().map(rows))
        }),
        ("measured_seconds", |row| {
            let seconds = |all: &[Observation]| all.iter().map(|observation| observation.seconds).sum();
            Cell::known(row.observations().map(seconds).map(|seconds| significant(seconds, 9)))
        }),
        ("waited_seconds", |row| {
            let observations = row.observations().filter(|all| !all.is_empty());
            let waited = observations.and_then(|all| all.iter().map(|observation| observation.waited_seconds).sum());
            Cell::known(waited.map(|seconds: f64| significant(seconds, 9)))
        }),
        ("measured_wal_bytes", |row| {
            Cell::known(row.record.and_then(|record| record.wal_bytes))
        }),
        ("complete", |row| Cell::known(row.record.map(|record| record.complete))),
        ("failed_attempts", |row| {
            Cell::known(row.record.map(|record| record.failed_attempts.len()))
        }),
    ]
}

fn disk_columns<'a>() -> [CsvColumn<StepRow<'a>>; 3] {
    [
        ("disk_before_bytes", |row| {
            Cell::known(row.disk().map(|disk| disk.before_bytes))
        }),
        ("disk_after_bytes", |row| {
            Cell::known(row.disk().map(|disk| disk.after_bytes))
        }),
        ("disk_peak_temporary_bytes", |row| {
            Cell::known(row.disk().map(|disk| disk.peak_temporary_bytes))
        }),
    ]
}

fn statement_columns<'a>() -> [CsvColumn<StepRow<'a>>; 2] {
    [
        ("locks", |row| {
            let locks: Vec<String> = row.step.locks.iter().map(lock_cell).collect();
            Cell::of(locks.join("; "))
        }),
        ("statement", |row| Cell::of(&row.step.statement)),
    ]
}

fn storage_columns<'a>() -> [CsvColumn<StepRow<'a>>; 8] {
    [
        ("wal_bytes_lower", |row| {
            Cell::estimated_if_known(row.step.wal_interval.map(|wal| wal.lower_bytes))
        }),
        ("wal_bytes_upper", |row| {
            Cell::estimated_if_known(row.step.wal_interval.map(|wal| wal.upper_bytes))
        }),
        ("growth_bytes", |row| {
            Cell::estimated_if_known(row.growth().map(|growth| growth.point_bytes))
        }),
        ("growth_bytes_lower", |row| {
            Cell::estimated_if_known(row.growth().map(|growth| growth.lower_bytes))
        }),
        ("growth_bytes_upper", |row| {
            Cell::estimated_if_known(row.growth().map(|growth| growth.upper_bytes))
        }),
        ("peak_bytes", |row| {
            Cell::estimated_if_known(row.peak().map(|peak| peak.point_bytes))
        }),
        ("peak_bytes_lower", |row| {
            Cell::estimated_if_known(row.peak().map(|peak| peak.lower_bytes))
        }),
        ("peak_bytes_upper", |row| {
            Cell::estimated_if_known(row.peak().map(|peak| peak.upper_bytes))
        }),
    ]
}

impl<'a> StepRow<'a> {
    fn observations(&self) -> Option<&'a [Observation]> {
        self.record.map(|record| record.observations.as_slice())
    }

    fn disk(&self) -> Option<DiskRecord> {
        self.record.and_then(|record| record.disk)
    }

    fn growth(&self) -> Option<SizeInterval> {
        self.step.disk.map(|disk| disk.growth)
    }

    fn peak(&self) -> Option<SizeInterval> {
        self.step.disk.map(|disk| disk.peak)
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
