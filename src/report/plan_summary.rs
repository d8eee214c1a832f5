//! The plan of a long history for the terminal: what kinds of work there are, each trap once a file, and the statements
//! that matter most.

use super::plan::{PlanReport, StatementReport, headline, shown};
use super::terminal::Page;
use super::{text, words};
use crate::report::ci::Rule;
use crate::units::{Count, Seconds, counted};

/// Number of statements up to which a plan is shown whole.
const WHOLE: usize = 40;
/// Most statements of a longer one that are shown, and most traps.
const MOST: usize = 20;
/// Number of characters of a statement that are shown.
const STATEMENT_LENGTH: usize = 100;

/// Returns a summary of a plan for a terminal of `width` columns; `None` for one that is short enough to show whole.
pub fn plan_summary(report: &PlanReport, width: u16, colour: bool) -> Option<String> {
    let statements: Vec<&StatementReport> = shown(report).collect();
    if statements.len() <= WHOLE {
        return None;
    }
    let page = Page { width, colour };
    let mut text = page.bold(&headline(report));
    text += &page.wrapped(&report.rules, 0);
    text += &format!("\n{}", page.table(&["Kind", "Statements"], 2, &kinds(&statements)));
    let traps = traps(&statements);
    if !traps.is_empty() {
        text += "\n";
        for trap in traps.iter().take(MOST) {
            text += &page.labelled("warning", trap);
        }
        text += &left_out(&page, traps.len(), "warning", "warnings");
    }
    let mut matter: Vec<&StatementReport> = statements
        .iter()
        .copied()
        .filter(|statement| statement.safe_form.is_some())
        .collect();
    // The longest first; those of unknown length before all.
    matter.sort_by(|one, other| expected(other).total_cmp(&expected(one)));
    for statement in matter.iter().take(MOST) {
        let sql = text::shortened(&statement.statement, STATEMENT_LENGTH);
        let place = format!("{}:{}", statement.file, statement.line);
        text += &format!("\n{}", page.bold(&format!("{}. {sql} ({place})", statement.number)));
        for lock in statement.locks.iter().filter(|lock| lock.keeps_others_waiting) {
            let held = lock
                .held
                .map_or(String::new(), |held| format!(", about {}", Seconds(held.point_seconds)));
            text += &page.wrapped(
                &format!("{} on {}{held}", words::lock_name(lock.mode), lock.relation),
                2,
            );
        }
        text += &page.wrapped(
            &format!("safe form: {}", statement.safe_form.as_deref().unwrap_or_default()),
            2,
        );
    }
    text += &left_out(&page, matter.len(), "such statement", "such statements");
    text += &format!(
        "\n{}",
        page.wrapped(
            &format!("--all shows all {} statements.", Count(statements.len() as f64)),
            0
        )
    );
    Some(text)
}

fn left_out(page: &Page, all: usize, one: &str, many: &str) -> String {
    match all.saturating_sub(MOST) {
        0 => String::new(),
        more => page.wrapped(&format!("and {} more", counted(more, one, many)), 0),
    }
}

fn expected(statement: &StatementReport) -> f64 {
    statement
        .duration
        .map_or(f64::INFINITY, |duration| duration.point_seconds)
}

/// Returns the kinds of work with the numbers of their statements, the most frequent first.
fn kinds(statements: &[&StatementReport]) -> Vec<Vec<String>> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for statement in statements {
        let name = words::kind_name(statement.step_kind);
        match counts.iter_mut().find(|(kind, _)| *kind == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
        .into_iter()
        .map(|(kind, count)| vec![kind.to_owned(), Count(count as f64).to_string()])
        .collect()
}

/// Returns a line for each trap and file: the first warning, and how many more there are.
fn traps(statements: &[&StatementReport]) -> Vec<String> {
    let mut found: Vec<(Rule, &str, &StatementReport, &str, usize)> = Vec::new();
    for statement in statements {
        for warning in &statement.warnings {
            let same = found
                .iter_mut()
                .find(|(rule, file, ..)| *rule == warning.rule && *file == statement.file);
            match same {
                Some((.., count)) => *count += 1,
                None => found.push((warning.rule, &statement.file, statement, &warning.text, 1)),
            }
        }
    }
    let line = |(rule, file, statement, text, count): (Rule, &str, &StatementReport, &str, usize)| {
        let more = match count {
            1 => String::new(),
            count => format!(" (and {} more like it)", Count((count - 1) as f64)),
        };
        format!("{} {file}:{}: {text}{more}", rule.id(), statement.line)
    };
    found.into_iter().map(line).collect()
}
