//! The report as one self-contained HTML page: first the answer, then pictures, tables, assumptions, settings.
//!
//! The page is `templates/report.html` and its style `templates/style.css`; this file only fills in the values. The
//! template escapes every text, except the content of `<svg>`, which this crate's own `picture` draws.

use askama::Template;

use crate::model::estimate::{Estimate, StepEstimate, interval_at};
use crate::observation::{EndReason, Rehearsal};
use crate::report::data_table::{self, DataTable};
use crate::report::picture::{self, Figure};
use crate::report::rollback::{self, RollbackSection};
use crate::report::statement_details;
use crate::report::words::{self, Answer};
use crate::report::{storage, text};
use crate::units::{Bytes, Count, RowsPerSecond, Seconds, counted};

/// Number of characters of a statement that are shown without unfolding it.
const STATEMENT_LENGTH: usize = 90;

/// Returns the report as one HTML page without any script, file or network access.
pub fn html(rehearsal: &Rehearsal, estimate: &Estimate) -> String {
    let page = Page {
        answer: Answer::new(rehearsal, estimate),
        migration: text::one_line(&rehearsal.migration),
        provisional: estimate.provisional,
        too_thin: sentences(&estimate.too_thin),
        outcome: words::outcome(estimate).map(tied),
        evidence: tied(words::evidence(rehearsal, estimate)),
        ending: ending(rehearsal),
        level: tied(words::percent(estimate.level)),
        intervals: intervals(estimate),
        figures: figures(rehearsal, estimate),
        steps: estimate
            .steps
            .iter()
            .map(|step| StepRow::new(rehearsal, step, estimate.level))
            .collect(),
        rollback: RollbackSection::new(estimate),
        rollback_steps: rollback_steps(estimate),
        storage: storage_table(estimate),
        storage_sentences: sentences(&storage::sentences(estimate)),
        tables: (!rehearsal.tables.is_empty()).then(|| data_table::tables(&rehearsal.tables)),
        measured: data_table::measured(rehearsal),
        settings: data_table::settings(rehearsal),
        assumptions: sentences(&estimate.assumptions),
        warnings: sentences(&estimate.warnings),
        warning_count: counted(estimate.warnings.len(), "warning", "warnings"),
        version: text::one_line(&rehearsal.migtime_version),
        started_at: data_table::minute(&rehearsal.started_at),
        seed: estimate.seed,
    };
    page.render().expect("rendering into a string does not fail")
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    answer: Answer,
    migration: String,
    provisional: bool,
    too_thin: Vec<String>,
    outcome: Option<String>,
    evidence: String,
    ending: Option<String>,
    level: String,
    intervals: Vec<(String, String)>,
    figures: Vec<Figure>,
    steps: Vec<StepRow>,
    rollback: Option<RollbackSection>,
    rollback_steps: Option<DataTable>,
    storage: Option<DataTable>,
    storage_sentences: Vec<String>,
    tables: Option<DataTable>,
    measured: DataTable,
    settings: DataTable,
    assumptions: Vec<String>,
    warnings: Vec<String>,
    warning_count: String,
    version: String,
    started_at: String,
    seed: u64,
}

/// A row of the table of steps.
struct StepRow {
    number: u32,
    kind: &'static str,
    line: Option<usize>,
    statement: String,
    /// The whole statement, when it is longer than the part shown.
    whole: Option<String>,
    rows: String,
    duration: String,
    interval: String,
    rate: Option<(String, String)>,
    locks: Vec<String>,
    seen: Vec<String>,
    wal: String,
    basis: &'static str,
}

impl StepRow {
    fn new(rehearsal: &Rehearsal, step: &StepEstimate, level: f64) -> StepRow {
        let record = words::record_of(rehearsal, step.number);
        let statement = text::shortened(&step.statement, STATEMENT_LENGTH);
        let whole = statement.ends_with('…').then(|| text::printable(&step.statement));
        let rate = step.rows_per_second;
        StepRow {
            number: step.number,
            kind: words::kind_name(step.kind),
            line: record.map(|record| record.line),
            statement,
            whole,
            rows: step.rows.map_or("–".to_string(), |rows| Count(rows).to_string()),
            duration: Seconds(step.point_seconds).to_string(),
            interval: words::interval(interval_at(&step.intervals, level)),
            rate: rate.map(|rate| (RowsPerSecond(rate.point).to_string(), words::rate_interval(rate))),
            locks: step.locks.iter().map(words::lock).collect(),
            seen: record
                .map(|record| sentences(&statement_details::sentences(record)))
                .unwrap_or_default(),
            wal: step
                .wal_bytes
                .map_or("–".to_string(), |bytes| Bytes(bytes as u64).to_string()),
            basis: words::basis_name(step.basis),
        }
    }
}

fn rollback_steps(estimate: &Estimate) -> Option<DataTable> {
    let back = RollbackSection::new(estimate).filter(|back| !back.steps.is_empty())?;
    Some(DataTable {
        caption: "Each step of the rollback".to_string(),
        header: rollback::header(estimate.level).to_vec(),
        rows: back.steps,
        numeric: false,
    })
}

fn storage_table(estimate: &Estimate) -> Option<DataTable> {
    let rows = storage::rows(estimate);
    (!rows.is_empty()).then(|| DataTable {
        caption: format!(
            "Predicted, with {} intervals; WAL is not in the free disk",
            words::percent(estimate.level)
        ),
        header: storage::HEADER.map(str::to_string).to_vec(),
        rows,
        numeric: true,
    })
}

fn figures(rehearsal: &Rehearsal, estimate: &Estimate) -> Vec<Figure> {
    let mut figures = picture::throughput(rehearsal, estimate);
    figures.extend(picture::distribution(estimate));
    figures.extend(picture::steps(estimate));
    for figure in &mut figures {
        figure.finding = tied(std::mem::take(&mut figure.finding));
    }
    figures
}

fn intervals(estimate: &Estimate) -> Vec<(String, String)> {
    let intervals = estimate.total.intervals.iter();
    intervals
        .map(|interval| (tied(words::percent(interval.level)), words::interval(*interval)))
        .collect()
}

fn sentences(sentences: &[String]) -> Vec<String> {
    sentences
        .iter()
        .map(|sentence| tied(text::one_line(sentence)))
        .collect()
}

/// Returns why the rehearsal ended, unless it was complete.
fn ending(rehearsal: &Rehearsal) -> Option<String> {
    match &rehearsal.ended {
        None => Some("The rehearsal was cut off before it could say why it ended.".to_string()),
        Some(ending) if ending.reason == EndReason::Complete => None,
        Some(ending) => Some(tied(text::one_line(&ending.message))),
    }
}

/// Joins percent signs and the parts of durations (`2m 4s`) with no-break spaces.
fn tied(text: String) -> String {
    let characters: Vec<char> = text.chars().collect();
    let tie = |index: usize| {
        let before = &characters[..index];
        let in_duration = matches!(before, [.., digit, 'd' | 'h' | 'm'] if digit.is_ascii_digit())
            && characters.get(index + 1).is_some_and(char::is_ascii_digit);
        in_duration || characters.get(index + 1) == Some(&'%')
    };
    let tied = characters.iter().enumerate();
    tied.map(|(index, &character)| {
        if character == ' ' && tie(index) {
            '\u{a0}'
        } else {
            character
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_do_not_break() {
        let tied = |text: &str| tied(text.to_string()).replace('\u{a0}', "_");
        assert_eq!(tied("in 2m 4s, 95 % of 3 runs"), "in 2m_4s, 95_% of 3 runs");
        assert_eq!(tied("from 1d 2h 3 times"), "from 1d_2h_3 times");
        assert_eq!(tied("%"), "%");
    }
}
