//! The output of `estimate --table`: the facts of one table, and how long each class of change would take.
//!
//! One struct and four formats; like the rest of this room, it prints nothing itself.

use serde::Serialize;

use crate::catalog::facts::{ServerFacts, TableFacts};
use crate::model::estimate::{Basis, Interval, Rate, interval_at};
use crate::observation::FORMAT_VERSION;
use crate::report::csv::{Cell, CsvColumn, Predicted, csv_of, duration_columns};
use crate::report::data_table;
use crate::report::markdown::{bullets, code, escaped, table as markdown_rows};
use crate::report::terminal::Page;
use crate::report::text;
use crate::report::words;
use crate::units::Seconds;

/// The facts of one table and how long each class of change takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableReport {
    /// The server that was asked.
    pub server: ServerFacts,
    /// The catalog's facts about the table.
    pub table: TableFacts,
    /// Level of the interval shown first, 0 to 1.
    pub level: f64,
    /// Each class of change.
    pub classes: Vec<ClassEstimate>,
    /// Hints on what to do next.
    pub hints: Vec<String>,
}

/// How long one class of change takes on the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassEstimate {
    /// The change in words, e.g. `UPDATE every row, one column`.
    pub label: String,
    /// Median duration, in seconds.
    pub point_seconds: f64,
    /// Prediction intervals at the usual levels and at the requested one; not empty.
    pub intervals: Vec<Interval>,
    /// Throughput, where rows are processed.
    pub rows_per_second: Option<Rate>,
    /// The evidence behind it.
    pub basis: Basis,
    /// A remark, e.g. on which rehearsal it is based or what it locks; may be empty.
    pub note: String,
}

/// Returns the report as text for a terminal of `width` columns; bold only when `colour`.
pub fn terminal_table(report: &TableReport, width: u16, colour: bool) -> String {
    let page = Page { width, colour };
    let facts = data_table::tables(std::slice::from_ref(&report.table));
    let header: Vec<&str> = facts.header.iter().map(String::as_str).collect();
    let level_head = format!("{} interval", words::percent(report.level));
    let classes: Vec<Vec<String>> = report
        .classes
        .iter()
        .map(|class| class_row(class, report.level))
        .collect();
    let mut text = page.bold(&headline(report));
    text += &format!("\n{}\n", page.table(&header, 2, &facts.rows));
    text += &format!("\n{}\n\n", page.table(&class_header(&level_head), 1, &classes));
    for class in report.classes.iter().filter(|class| !class.note.is_empty()) {
        text += &page.wrapped(&format!("{}: {}", class.label, class.note), 2);
    }
    for hint in &report.hints {
        text += &page.hint(hint);
    }
    text
}

/// Returns the report as GitHub-flavoured Markdown.
pub fn table_markdown(report: &TableReport) -> String {
    let facts = data_table::tables(std::slice::from_ref(&report.table));
    let facts: Vec<Vec<String>> = facts
        .rows
        .iter()
        .map(|row| vec![row[0].clone(), markdown_cell(&row[1])])
        .collect();
    let level_head = format!("{} interval", words::percent(report.level));
    let mut header = class_header(&level_head).to_vec();
    header.push("Note");
    let classes: Vec<Vec<String>> = report
        .classes
        .iter()
        .map(|class| {
            let cells = class_row(class, report.level).into_iter().chain([class.note.clone()]);
            cells.map(|cell| markdown_cell(&cell)).collect()
        })
        .collect();
    let mut text = format!("**{}**\n\n", escaped(&headline(report)));
    text += &markdown_rows(&header, &classes);
    text += "\n";
    text += &markdown_rows(&["Table", &code(&report.table.name)], &facts);
    if !report.hints.is_empty() {
        text += "\n";
        text += &bullets(&report.hints);
    }
    text
}

/// Returns the classes as CSV: `class`, `point_seconds`, `level` with `lower_seconds` and `upper_seconds`, the same at
/// 50, 80 and 95 % (`lower_50_seconds` …), `rows_per_second`, `basis`, `note`.
pub fn table_csv(report: &TableReport) -> Vec<u8> {
    let mut columns: Vec<CsvColumn<ClassRow>> = vec![("class", |row| Cell::of(&row.class.label))];
    columns.extend(duration_columns());
    let others: [CsvColumn<ClassRow>; 3] = [
        ("rows_per_second", |row| {
            Cell::known(row.class.rows_per_second.map(|rate| rate.point.round()))
        }),
        ("basis", |row| Cell::of(words::basis_name(row.class.basis))),
        ("note", |row| Cell::of(&row.class.note)),
    ];
    columns.extend(others);
    let level = report.level;
    csv_of(&columns, report.classes.iter().map(|class| ClassRow { class, level }))
}

/// A row of the CSV file.
struct ClassRow<'a> {
    class: &'a ClassEstimate,
    /// Level of the interval that is shown first.
    level: f64,
}

impl Predicted for ClassRow<'_> {
    fn point_seconds(&self) -> f64 {
        self.class.point_seconds
    }

    fn interval(&self, level: Option<f64>) -> Interval {
        interval_at(&self.class.intervals, level.unwrap_or(self.level))
    }
}

/// Returns the report as JSON of kind `table-estimate`; the same report gives the same bytes.
pub fn table_json(report: &TableReport) -> String {
    #[derive(Serialize)]
    struct File<'a> {
        kind: &'static str,
        format_version: u32,
        #[serde(flatten)]
        report: &'a TableReport,
    }
    let file = File {
        kind: "table-estimate",
        format_version: FORMAT_VERSION,
        report,
    };
    let mut text = serde_json::to_string_pretty(&file).expect("a table report holds only what JSON can hold");
    text.push('\n');
    text
}

fn headline(report: &TableReport) -> String {
    let table = &report.table;
    format!(
        "{}: {} rows ({}) on {}",
        text::one_line(&table.name),
        words::rows(table.estimated_rows, table.rows_relative_sd),
        data_table::rows_source(table.rows_source),
        words::server_version(report.server.version_num)
    )
}

fn class_header(level_head: &str) -> [&str; 5] {
    ["Change", "Duration", level_head, "Rows/s", "Basis"]
}

fn class_row(class: &ClassEstimate, level: f64) -> Vec<String> {
    vec![
        text::one_line(&class.label),
        Seconds(class.point_seconds).to_string(),
        words::interval(interval_at(&class.intervals, level)),
        words::rate_cell(class.rows_per_second),
        words::basis_name(class.basis).to_string(),
    ]
}

fn markdown_cell(text: &str) -> String {
    text.lines().map(escaped).collect::<Vec<_>>().join("<br>")
}
