//! A table of text, which HTML, Markdown and the terminal each render in their own way.

use crate::catalog::facts::{IndexFacts, RowsSource, TableFacts};
use crate::migration::{StepKind, Walk};
use crate::observation::{Rehearsal, StepRecord};
use crate::report::text;
use crate::report::words;
use crate::units::{Bytes, Count, Seconds, counted};

/// A table whose first column names each row. A cell may have several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataTable {
    /// What the table shows.
    pub caption: String,
    /// Head of each column.
    pub header: Vec<String>,
    /// The rows, each as long as the header.
    pub rows: Vec<Vec<String>>,
    /// Whether the cells are numbers, to be aligned on the right.
    pub numeric: bool,
}

/// The name of a fact, and the function that prints it for a table.
type Fact = (&'static str, fn(&TableFacts) -> String);

/// Returns the catalog's facts about the tables, one column per table.
pub fn tables(tables: &[TableFacts]) -> DataTable {
    let rows: [Fact; 11] = [
        ("Rows (± 95 %)", |table| {
            let source = rows_source(table.rows_source);
            format!(
                "{}\n{source}",
                words::rows(table.estimated_rows, table.rows_relative_sd)
            )
        }),
        ("Heap", |table| Bytes(table.heap_bytes).to_string()),
        ("TOAST", |table| Bytes(table.toast_bytes).to_string()),
        ("Indexes", indexes),
        ("Dead rows", |table| Count(table.dead_rows as f64).to_string()),
        ("Changed since ANALYZE", |table| {
            Count(table.modified_since_analyze as f64).to_string()
        }),
        ("Last ANALYZE", |table| match &table.last_analyze {
            Some(time) => minute(time),
            None => "never".to_string(),
        }),
        ("Partitions", |table| Count(f64::from(table.partitions)).to_string()),
        ("Row triggers", |table| list(&table.triggers)),
        ("Foreign keys", |table| list(&table.foreign_keys)),
        ("Referenced by", |table| list(&table.referenced_by)),
    ];
    let names = tables.iter().map(|table| text::one_line(&table.name));
    DataTable {
        caption: "What the catalog says, before the rehearsal".to_string(),
        header: std::iter::once("Table".to_string()).chain(names).collect(),
        rows: rows
            .iter()
            .map(|(name, cell)| {
                std::iter::once(name.to_string())
                    .chain(tables.iter().map(cell))
                    .collect()
            })
            .collect(),
        numeric: false,
    }
}

/// Returns the measurements of each step, one row per step.
pub fn measured(rehearsal: &Rehearsal) -> DataTable {
    DataTable {
        caption: "What was measured".to_string(),
        header: ["Step", "Measurements", "Rows", "Time", "WAL", "Walk"]
            .map(str::to_string)
            .to_vec(),
        rows: rehearsal.steps.iter().map(measured_row).collect(),
        numeric: false,
    }
}

/// Returns the settings of the server that change how long a migration takes.
pub fn settings(rehearsal: &Rehearsal) -> DataTable {
    let version = [
        "server version".to_string(),
        words::server_version(rehearsal.server.version_num),
    ];
    let settings = rehearsal.server.settings.iter();
    let settings = settings.map(|(name, value)| vec![text::one_line(name), text::one_line(value)]);
    DataTable {
        caption: "Settings of the server it was rehearsed on".to_string(),
        header: ["Setting", "Value"].map(str::to_string).to_vec(),
        rows: std::iter::once(version.to_vec()).chain(settings).collect(),
        numeric: false,
    }
}

/// Returns an RFC 3339 time in UTC as `2026-11-22 07:12 UTC`; any other text is returned unchanged.
pub fn minute(time: &str) -> String {
    match (time.get(..10), time.get(10..11), time.get(11..16), time.ends_with('Z')) {
        (Some(day), Some("T" | " "), Some(minute), true) => format!("{day} {minute} UTC"),
        _ => text::one_line(time),
    }
}

/// Returns a description of how a number of rows was obtained.
pub fn rows_source(source: RowsSource) -> &'static str {
    match source {
        RowsSource::Planner => "as the planner estimates",
        RowsSource::NeverAnalysed => "guessed: never analysed",
        RowsSource::Sample => "from a sample of blocks",
        RowsSource::Exact => "counted",
    }
}

fn measured_row(step: &StepRecord) -> Vec<String> {
    let seconds = step.observations.iter().map(|observation| observation.seconds).sum();
    let rows: u64 = step.observations.iter().map(|observation| observation.rows).sum();
    vec![
        format!("{} {}", step.number, words::kind_name(step.kind)),
        measurements(step),
        Count(rows as f64).to_string(),
        Seconds(seconds).to_string(),
        step.wal_bytes
            .map_or("not known".to_string(), |bytes| Bytes(bytes).to_string()),
        walk(step),
    ]
}

fn measurements(step: &StepRecord) -> String {
    let Some(batching) = &step.batching else {
        let (one, many) = if step.kind == StepKind::Backfill {
            ("batch", "batches")
        } else {
            ("run", "runs")
        };
        let runs = counted(step.observations.len(), one, many);
        return if step.complete {
            runs
        } else {
            format!("{runs}, cut off")
        };
    };
    let warm_up = step
        .observations
        .iter()
        .filter(|observation| observation.warm_up)
        .count();
    let runs = 1 + step
        .observations
        .iter()
        .map(|observation| observation.run)
        .max()
        .unwrap_or(0);
    let all = batching.total_batches * f64::from(runs);
    format!(
        "{} of {} batches ({})\n{} of them warm-up",
        Count(step.observations.len() as f64),
        Count(all),
        words::percent(step.observations.len() as f64 / all.max(1.0)),
        Count(warm_up as f64)
    )
}

fn walk(step: &StepRecord) -> String {
    let Some(batching) = &step.batching else {
        let walk = if step.kind == StepKind::Backfill {
            "not known"
        } else {
            "one statement"
        };
        return walk.to_string();
    };
    let key = text::one_line(&batching.key.join(", "));
    let size = Count(batching.batch_size as f64);
    let walk = match batching.walk {
        Walk::Rows => format!("{size} rows a batch, by {key}"),
        Walk::KeyRange => format!("{size} values of {key} a batch"),
        Walk::Blocks => format!("{size} blocks a batch"),
    };
    if batching.batch_delay_seconds > 0.0 {
        format!(
            "{walk}\npause of {} between batches",
            Seconds(batching.batch_delay_seconds)
        )
    } else {
        walk
    }
}

fn indexes(table: &TableFacts) -> String {
    let all = Bytes(table.index_bytes).to_string();
    let each = table.indexes.iter().map(index);
    std::iter::once(all).chain(each).collect::<Vec<_>>().join("\n")
}

fn index(index: &IndexFacts) -> String {
    let mut traits = vec![format!("{} ({})", index.method, index.columns.join(", "))];
    if index.primary {
        traits.push("primary key".to_string());
    } else if index.unique {
        traits.push("unique".to_string());
    }
    if index.partial {
        traits.push("partial".to_string());
    }
    if !index.valid {
        traits.push("invalid".to_string());
    }
    let text = format!("{}: {}, {}", index.name, Bytes(index.bytes), traits.join(", "));
    text::one_line(&text)
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_string(),
        names => names
            .iter()
            .map(|name| text::one_line(name))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_to_the_minute() {
        assert_eq!(minute("2026-11-22T07:12:55.3Z"), "2026-11-22 07:12 UTC");
        assert_eq!(minute("yesterday"), "yesterday");
    }
}
