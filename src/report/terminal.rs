//! The estimate in the terminal: first the answer in one sentence, then intervals, steps, warnings and hints.
//!
//! Returns text; the caller knows whether there is a terminal, how wide it is and whether it shows colour.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use crate::model::estimate::{Basis, Estimate, StepEstimate, interval_at};
use crate::observation::Rehearsal;
use crate::report::rollback::{self, RollbackSection};
use crate::report::words::{self, Answer};
use crate::report::{statement_details, storage, text};
use crate::units::{Bytes, Count, Seconds};

/// Number of characters of a statement that are shown.
const STATEMENT_LENGTH: usize = 120;

/// Returns the estimate as text for a terminal of `width` columns; bold and colour only when `colour`.
pub fn terminal(rehearsal: &Rehearsal, estimate: &Estimate, width: u16, colour: bool) -> String {
    let page = Page { width, colour };
    let mut text = page.bold(&Answer::new(rehearsal, estimate).to_string());
    if estimate.provisional {
        text += &page.labelled("provisional", "the evidence is too thin to promise this interval");
        for reason in &estimate.too_thin {
            text += &page.wrapped(&format!("- {reason}"), 2);
        }
    }
    if let Some(outcome) = words::outcome(estimate) {
        text += &page.wrapped(&outcome, 0);
    }
    text += &page.wrapped(&words::evidence(rehearsal, estimate), 0);
    writeln!(
        text,
        "\n{}",
        page.table(&["Prediction", "Lower", "Upper"], 1, &interval_rows(estimate))
    )
    .expect(STRING);
    let interval = words::interval_head(estimate.level);
    let header = ["#", "Step", "Rows", "Duration", &interval, "Rows/s"];
    let rows: Vec<Vec<String>> = estimate
        .steps
        .iter()
        .map(|step| step_row(step, estimate.level))
        .collect();
    writeln!(text, "\n{}\n", page.table(&header, 2, &rows)).expect(STRING);
    for step in &estimate.steps {
        text += &step_details(&page, step);
        let record = words::record_of(rehearsal, step.number);
        let seen = record.map(statement_details::sentences).unwrap_or_default();
        text.extend(seen.iter().map(|sentence| page.bullet(sentence)));
    }
    let stored = storage::rows(estimate);
    if !stored.is_empty() {
        write!(text, "\nDisk and WAL\n{}\n", page.table(&storage::HEADER, 1, &stored)).expect(STRING);
        text.extend(
            storage::sentences(estimate)
                .iter()
                .map(|sentence| page.wrapped(sentence, 0)),
        );
    }
    text.push('\n');
    text += &rollback(&page, estimate);
    for warning in &estimate.warnings {
        text += &page.labelled("warning", warning);
    }
    let assumptions = estimate.assumptions.iter();
    text.extend(assumptions.map(|assumption| page.wrapped(&format!("assumes: {assumption}"), 2)));
    text.extend(hints(estimate).iter().map(|hint| page.hint(hint)));
    text
}

/// The layout of the text.
pub(super) struct Page {
    /// Columns of the terminal.
    pub width: u16,
    /// Whether to use escape sequences.
    pub colour: bool,
}

impl Page {
    /// Returns a table; the first `left` columns are aligned on the left, the others on the right.
    pub fn table(&self, header: &[&str], left: usize, rows: &[Vec<String>]) -> String {
        let style = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
        let align = |(index, text): (usize, &str)| {
            let alignment = if index < left {
                CellAlignment::Left
            } else {
                CellAlignment::Right
            };
            Cell::new(text).set_alignment(alignment)
        };
        let mut table = Table::new();
        table
            .load_style(style)
            .force_no_tty()
            .set_width(self.width)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(header.iter().copied().enumerate().map(align));
        for row in rows {
            table.add_row(row.iter().map(String::as_str).enumerate().map(align));
        }
        table.column_iter_mut().for_each(|column| {
            column.set_padding((0, 2));
        });
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_string()).collect();
        lines.join("\n")
    }

    /// Returns a paragraph in bold, if escape sequences are used.
    pub fn bold(&self, text: &str) -> String {
        self.styled("1", self.wrapped(text, 0).trim_end()) + "\n"
    }

    /// Returns a `hint:` line.
    pub fn hint(&self, text: &str) -> String {
        self.wrapped(&format!("hint: {text}"), 2)
    }

    /// Returns a paragraph `label: text` with a highlighted label.
    pub fn labelled(&self, label: &str, text: &str) -> String {
        let paragraph = self.wrapped(&format!("{label}: {text}"), 2);
        match paragraph.strip_prefix(label) {
            Some(rest) => self.styled("1;33", label) + rest,
            None => paragraph,
        }
    }

    /// Returns the text broken at spaces, lines after the first indented.
    pub fn wrapped(&self, text: &str, indent: usize) -> String {
        self.broken(text, 0, indent)
    }

    /// Returns the text broken at spaces, every line indented.
    pub fn indented(&self, text: &str, indent: usize) -> String {
        " ".repeat(indent) + &self.broken(text, indent, indent)
    }

    /// Returns the text as an item of a list, indented.
    pub fn bullet(&self, text: &str) -> String {
        "  ".to_string() + &self.broken(&format!("- {text}"), 2, 4)
    }

    fn broken(&self, text: &str, start: usize, indent: usize) -> String {
        let width = usize::from(self.width).max(20);
        let mut lines = String::new();
        let mut column = start;
        for word in text::one_line(text).split(' ') {
            let length = word.chars().count();
            let begun = !lines.is_empty();
            if begun && column + 1 + length > width {
                lines.push('\n');
                lines.push_str(&" ".repeat(indent));
                column = indent;
            } else if begun {
                lines.push(' ');
                column += 1;
            }
            lines.push_str(word);
            column += length;
        }
        lines.push('\n');
        lines
    }

    fn styled(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_string()
        }
    }
}

const STRING: &str = "writing to a string does not fail";

fn interval_rows(estimate: &Estimate) -> Vec<Vec<String>> {
    let intervals = estimate.total.intervals.iter();
    let rows = intervals.map(|interval| {
        vec![
            words::percent(interval.level),
            Seconds(interval.lower_seconds).to_string(),
            Seconds(interval.upper_seconds).to_string(),
        ]
    });
    rows.collect()
}

fn step_row(step: &StepEstimate, level: f64) -> Vec<String> {
    vec![
        step.number.to_string(),
        words::kind_name(step.kind).to_string(),
        step.rows.map_or("–".to_string(), |rows| Count(rows).to_string()),
        Seconds(step.point_seconds).to_string(),
        words::interval(interval_at(&step.intervals, level)),
        words::rate_cell(step.rows_per_second),
    ]
}

fn step_details(page: &Page, step: &StepEstimate) -> String {
    let mut details = vec![format!("basis {}", words::basis_name(step.basis))];
    if step.wal_interval.is_none() {
        details.extend(step.wal_bytes.map(|bytes| format!("{} of WAL", Bytes(bytes as u64))));
    }
    details.extend(step.locks.iter().map(words::lock));
    let statement = text::shortened(&step.statement, STATEMENT_LENGTH);
    page.wrapped(&format!("step {}: {statement}", step.number), 2) + &page.indented(&details.join("; "), 2)
}

fn rollback(page: &Page, estimate: &Estimate) -> String {
    let Some(back) = RollbackSection::new(estimate) else {
        return String::new();
    };
    let mut text = page.bold(&back.answer);
    for fact in &back.facts {
        text += &page.wrapped(&format!("- {}", fact.sentence), 2);
        text.extend(fact.items.iter().map(|item| page.indented(&format!("- {item}"), 4)));
    }
    if !back.steps.is_empty() {
        let header = rollback::header(estimate.level);
        let header = header.each_ref().map(String::as_str);
        writeln!(text, "\n{}", page.table(&header, header.len(), &back.steps)).expect(STRING);
    }
    text.push('\n');
    text
}

fn hints(estimate: &Estimate) -> Vec<String> {
    let mut hints = Vec::new();
    if estimate.basis == Basis::RuleOfThumb {
        hints.push("`migtime rehearse MIGRATION --staging URL` measures it instead of guessing".to_string());
    } else if estimate.provisional {
        hints.push(
            "rehearse a larger share of the batches (--fraction, --max-duration), or all of them (--full)".to_string(),
        );
    }
    let uncertain = estimate
        .steps
        .iter()
        .max_by(|one, other| one.share_of_variance.total_cmp(&other.share_of_variance));
    match uncertain {
        Some(step) if estimate.steps.len() > 1 && step.share_of_variance > 0.5 => hints.push(format!(
            "{} of the uncertainty comes from step {}; measuring it longer narrows the interval most",
            words::percent(step.share_of_variance),
            step.number
        )),
        _ => {}
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let page = Page {
            width: 20,
            colour: false,
        };
        assert_eq!(page.wrapped(text, 2), expected);
    }

    #[test]
    fn paragraphs_break_at_spaces() {
        check("short", "short\n");
        check("a paragraph longer than twenty", "a paragraph longer\n  than twenty\n");
        check("", "\n");
    }
}
