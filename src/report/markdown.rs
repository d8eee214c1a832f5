//! The summary in Markdown, for a pull request: the answer, the steps, the warnings; readable in ten seconds.
//!
//! Names and SQL come from outside and are escaped here, so that they cannot break the table or become markup.

use std::fmt::Write;

use crate::model::estimate::{Estimate, StepEstimate, interval_at};
use crate::observation::{Rehearsal, StepRecord};
use crate::report::rollback::{self, RollbackSection};
use crate::report::words::{self, Answer};
use crate::report::{statement_details, storage, text};
use crate::units::{Bytes, Count, Seconds};

/// Characters of a statement that fit a table cell.
const STATEMENT_LENGTH: usize = 80;

/// Returns the summary as GitHub-flavoured Markdown.
pub fn markdown(rehearsal: &Rehearsal, estimate: &Estimate) -> String {
    let mut text = format!("**{}**\n\n", escaped(&Answer::new(rehearsal, estimate).to_string()));
    if estimate.provisional {
        text.push_str("**Provisional**: the evidence is too thin to promise this interval.\n\n");
        text.push_str(&bullets(&estimate.too_thin));
        text.push('\n');
    }
    for sentence in words::outcome(estimate)
        .into_iter()
        .chain([words::evidence(rehearsal, estimate)])
    {
        writeln!(text, "{}\n", escaped(&sentence)).expect(STRING);
    }
    text.push_str(&step_table(estimate));
    let stored = storage::rows(estimate);
    if !stored.is_empty() {
        write!(text, "\n**Disk and WAL**\n\n{}", table(&storage::HEADER, &stored)).expect(STRING);
        for sentence in storage::sentences(estimate) {
            write!(text, "\n{}\n", escaped(&sentence)).expect(STRING);
        }
    }
    text.push_str(&rollback(estimate));
    let seen = seen(rehearsal);
    if !seen.is_empty() {
        text.push_str("\n<details><summary>Seen on the clone</summary>\n\n");
        text.push_str(&bullets(&seen));
        text.push_str("\n</details>\n");
    }
    if !estimate.warnings.is_empty() {
        text.push_str("\n**Warnings**\n\n");
        text.push_str(&bullets(&estimate.warnings));
    }
    if !estimate.assumptions.is_empty() {
        text.push_str("\n<details><summary>Assumptions</summary>\n\n");
        text.push_str(&bullets(&estimate.assumptions));
        text.push_str("\n</details>\n");
    }
    text
}

/// Returns a Markdown table; cells must be escaped already.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|{}\n", header.join(" | "), " --- |".repeat(header.len()));
    for row in rows {
        writeln!(text, "| {} |", row.join(" | ")).expect(STRING);
    }
    text
}

/// Returns a bullet list of sentences, or nothing.
pub(super) fn bullets(sentences: &[String]) -> String {
    sentences.iter().fold(String::new(), |mut text, sentence| {
        writeln!(text, "- {}", escaped(sentence)).expect(STRING);
        text
    })
}

/// Returns text on one line with all markup escaped.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text::one_line(text).chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '&' | '!' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// Returns text as a code span, whatever backticks and pipes it contains.
pub(super) fn code(text: &str) -> String {
    let line = text::one_line(text);
    let longest_run = line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest_run + 1);
    let pad = if line.is_empty() || line.starts_with('`') || line.ends_with('`') {
        " "
    } else {
        ""
    };
    // GitHub splits a table row at pipes before it looks for code spans.
    format!("{fence}{pad}{}{pad}{fence}", line.replace('|', "\\|"))
}

fn facts(facts: &[rollback::Fact]) -> String {
    facts.iter().fold(String::new(), |mut text, fact| {
        writeln!(text, "- {}", escaped(&fact.sentence)).expect(STRING);
        for item in &fact.items {
            writeln!(text, "  - {}", escaped(item)).expect(STRING);
        }
        text
    })
}

fn rollback(estimate: &Estimate) -> String {
    let Some(back) = RollbackSection::new(estimate) else {
        return String::new();
    };
    let mut text = format!("\n**{}**\n\n{}", escaped(&back.answer), facts(&back.facts));
    let rows = back.steps.iter().map(|row| {
        let cells = row.iter().enumerate();
        cells
            .map(|(column, cell)| {
                if column == rollback::STATEMENT {
                    code(cell)
                } else {
                    escaped(cell)
                }
            })
            .collect()
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if !rows.is_empty() {
        writeln!(
            text,
            "\n{}",
            table(&rollback::header(estimate.level).each_ref().map(String::as_str), &rows)
        )
        .expect(STRING);
    }
    text
}

const STRING: &str = "writing to a string does not fail";

fn seen(rehearsal: &Rehearsal) -> Vec<String> {
    let of_step = |step: &StepRecord| {
        let sentences = statement_details::sentences(step).into_iter();
        let number = step.number;
        sentences.map(move |sentence| format!("Step {number}: {sentence}"))
    };
    rehearsal.steps.iter().flat_map(of_step).collect()
}

fn step_table(estimate: &Estimate) -> String {
    let interval_head = words::interval_head(estimate.level);
    let header = [
        "#",
        "Step",
        "Statement",
        "Rows",
        "Duration",
        &interval_head,
        "Rows/s",
        "WAL",
        "Basis",
        "Locks",
    ];
    let rows: Vec<Vec<String>> = estimate
        .steps
        .iter()
        .map(|step| step_row(step, estimate.level))
        .collect();
    table(&header, &rows)
}

fn step_row(step: &StepEstimate, level: f64) -> Vec<String> {
    let locks: Vec<String> = step.locks.iter().map(|lock| escaped(&words::lock(lock))).collect();
    vec![
        step.number.to_string(),
        words::kind_name(step.kind).to_string(),
        code(&text::shortened(&step.statement, STATEMENT_LENGTH)),
        step.rows.map_or("–".to_string(), |rows| Count(rows).to_string()),
        Seconds(step.point_seconds).to_string(),
        words::interval(interval_at(&step.intervals, level)),
        words::rate_cell(step.rows_per_second).replace('\n', "<br>"),
        step.wal_bytes
            .map_or("–".to_string(), |bytes| Bytes(bytes as u64).to_string()),
        words::basis_name(step.basis).to_string(),
        if locks.is_empty() {
            "none seen".to_string()
        } else {
            locks.join("<br>")
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_spans_stay_closed() {
        assert_eq!(code("a | b"), "`a \\| b`");
        assert_eq!(code("a ` b `` c"), "```a ` b `` c```");
        assert_eq!(code("`a`"), "`` `a` ``");
    }

    #[test]
    fn prose_holds_no_markup() {
        assert_eq!(escaped("a_b <script>\n*x*|"), "a\\_b &lt;script> \\*x\\*\\|");
    }
}
