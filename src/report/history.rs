//! Recorded outcomes: a line for each prediction, and how right they were as a whole.

use std::fmt::Write;

use serde_json::json;

use crate::model::history::{SIGNIFICANT, Summary};
use crate::model::outcome::Outcome;
use crate::observation::FORMAT_VERSION;
use crate::report::csv::{Cell, CsvColumn, csv_of};
use crate::report::markdown::{bullets, escaped, table as markdown_table};
use crate::report::terminal::Page;
use crate::report::{text, words};
use crate::units::{Seconds, counted};

/// Number of characters of a migration's name that are shown.
const NAME_LENGTH: usize = 40;

const HEADER: [&str; 7] = [
    "Recorded",
    "Migration",
    "Kind",
    "Predicted",
    "95 % interval",
    "Actual",
    "Ratio",
];

/// Returns the outcomes and their summary as text for a terminal of `width` columns; bold only when `colour`.
pub fn history_terminal(outcomes: &[Outcome], summary: &Summary, width: u16, colour: bool) -> String {
    let page = Page { width, colour };
    let rows: Vec<Vec<String>> = outcomes.iter().map(row).collect();
    let mut text = page.bold(&headline(summary));
    if !rows.is_empty() {
        write!(text, "\n{}\n\n", page.table(&HEADER, 3, &rows)).expect(STRING);
    }
    for sentence in sentences(summary) {
        text += &page.wrapped(&sentence, 0);
    }
    text
}

/// Returns the same as GitHub-flavoured Markdown.
pub fn history_markdown(outcomes: &[Outcome], summary: &Summary) -> String {
    let cells = |outcome: &Outcome| row(outcome).iter().map(|cell| escaped(cell)).collect();
    let rows: Vec<Vec<String>> = outcomes.iter().map(cells).collect();
    let mut text = format!("**{}**\n\n", escaped(&headline(summary)));
    if !rows.is_empty() {
        text += &markdown_table(&HEADER, &rows);
        text.push('\n');
    }
    text + &bullets(&sentences(summary))
}

/// Returns the outcomes and their summary as JSON.
pub fn history_json(outcomes: &[Outcome], summary: &Summary) -> String {
    let document = json!({
        "kind": "history",
        "format_version": FORMAT_VERSION,
        "summary": summary,
        "outcomes": outcomes,
    });
    let mut text = serde_json::to_string_pretty(&document).expect("a history holds only what JSON can hold");
    text.push('\n');
    text
}

/// Returns the outcomes as CSV: `recorded_at`, `migration`, `step`, `kind` (empty where none takes half of the time),
/// `basis`, `predicted_seconds` with `lower_95` and `upper_95`, `on_clone_seconds` (the rehearsal's own prediction),
/// `actual_seconds`, `ratio` of actual to predicted, `held_95`, and in `left_out` why nothing is learned from it.
pub fn history_csv(outcomes: &[Outcome]) -> Vec<u8> {
    let columns: [CsvColumn<&Outcome>; 13] = [
        ("recorded_at", |row| Cell::of(&row.recorded_at)),
        ("migration", |row| Cell::known(row.migration.as_ref())),
        ("step", |row| Cell::known(row.step)),
        ("kind", |row| Cell::known(row.main_kind().map(words::kind_name))),
        ("basis", |row| Cell::of(words::basis_name(row.basis))),
        ("predicted_seconds", |row| Cell::of(row.predicted.point_seconds)),
        ("lower_95", |row| {
            Cell::known(row.predicted.at(0.95).map(|interval| interval.lower_seconds))
        }),
        ("upper_95", |row| {
            Cell::known(row.predicted.at(0.95).map(|interval| interval.upper_seconds))
        }),
        ("on_clone_seconds", |row| Cell::of(row.by_rehearsal().point_seconds)),
        ("actual_seconds", |row| Cell::of(row.actual_seconds)),
        ("ratio", |row| Cell::estimated(ratio(row))),
        ("held_95", |row| Cell::known(held(row))),
        ("left_out", |row| Cell::known(row.why_not_counted())),
    ];
    csv_of(&columns, outcomes)
}

/// Returns what was predicted and how long it took, in one sentence.
pub fn outcome_sentence(outcome: &Outcome) -> String {
    let interval = match (outcome.predicted.at(0.95), held(outcome)) {
        (Some(interval), Some(held)) => format!(
            ", and is {} the 95 % interval, {}",
            if held { "inside" } else { "outside" },
            words::interval(interval)
        ),
        _ => String::new(),
    };
    format!(
        "{} took {}; that is {:.2} times the predicted {}{interval}",
        name(outcome),
        Seconds(outcome.actual_seconds),
        ratio(outcome),
        Seconds(outcome.predicted.point_seconds),
    )
}

const STRING: &str = "writing to a string does not fail";

fn headline(summary: &Summary) -> String {
    let all = counted(summary.outcomes, "recorded outcome", "recorded outcomes");
    match summary.outcomes - summary.counted {
        0 => all,
        left_out => format!("{all}, {left_out} of them left out of what follows"),
    }
}

fn row(outcome: &Outcome) -> Vec<String> {
    let dash = || "–".to_string();
    let mark = outcome
        .why_not_counted()
        .map(|why| format!(" ({why})"))
        .unwrap_or_default();
    vec![
        text::one_line(outcome.recorded_at.get(..10).unwrap_or(&outcome.recorded_at)),
        name(outcome),
        outcome.main_kind().map_or("mixed", words::kind_name).to_string() + &mark,
        Seconds(outcome.predicted.point_seconds).to_string(),
        outcome.predicted.at(0.95).map_or_else(dash, words::interval),
        Seconds(outcome.actual_seconds).to_string(),
        format!(
            "{:.2}{}",
            ratio(outcome),
            if held(outcome) == Some(false) { " (outside)" } else { "" }
        ),
    ]
}

fn name(outcome: &Outcome) -> String {
    let migration = text::shortened(outcome.migration.as_deref().unwrap_or("a migration"), NAME_LENGTH);
    match outcome.step {
        Some(step) => format!("{migration}, step {step}"),
        None => migration,
    }
}

fn ratio(outcome: &Outcome) -> f64 {
    outcome.actual_seconds / outcome.predicted.point_seconds
}

fn held(outcome: &Outcome) -> Option<bool> {
    let interval = outcome.predicted.at(0.95)?;
    Some((interval.lower_seconds..=interval.upper_seconds).contains(&outcome.actual_seconds))
}

fn sentences(summary: &Summary) -> Vec<String> {
    let mut sentences: Vec<String> = summary
        .coverage
        .iter()
        .map(|coverage| {
            format!(
                "The {} interval held {} of {} times: {} (95 % interval of that share, Wilson's: {} to {}).",
                words::percent(coverage.level),
                coverage.held,
                coverage.of,
                words::percent(coverage.held as f64 / coverage.of as f64),
                words::percent(coverage.lower),
                words::percent(coverage.upper)
            )
        })
        .collect();
    if let (Some(error), Some(mean)) = (summary.median_error, summary.mean_ratio) {
        sentences.push(format!(
            "Median error: {}. Mean bias: {} (the geometric mean of actual to predicted is {mean:.2}).",
            words::percent(error),
            bias(mean)
        ));
    }
    if summary.counted > 0 {
        sentences.push(drift(summary));
    }
    sentences.extend(summary.next.map(|next| {
        format!(
            "The next estimate for production is the rehearsal's times {:.2}, ×/÷ {:.2} at 95 %.",
            next.factor, next.within
        )
    }));
    sentences
}

fn bias(mean_ratio: f64) -> String {
    match mean_ratio {
        mean if (0.995..1.005).contains(&mean) => "none".to_string(),
        mean if mean > 1.0 => format!("{} longer than predicted", words::percent(mean - 1.0)),
        mean => format!("{} shorter than predicted", words::percent(1.0 - mean)),
    }
}

fn drift(summary: &Summary) -> String {
    let Some(drift) = summary.drift else {
        return "Drift: too few outcomes to tell.".to_string();
    };
    let said = match drift {
        drift if drift.p_value > SIGNIFICANT => "no drift is seen",
        drift if drift.tau > 0.0 => "production becomes slower against the clone",
        _ => "production becomes faster against the clone",
    };
    format!(
        "Drift: {said} (Mann-Kendall test of the ratio over time: τ = {:.2}, p = {:.3}).",
        drift.tau, drift.p_value
    )
}
