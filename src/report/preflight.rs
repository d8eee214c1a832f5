//! Go or no-go, as text for a terminal, JSON, Markdown and JUnit XML.

use super::junit_xml::{Case, CaseOutcome, Failure, Suite, suites_xml};
use super::markdown::{code, escaped, table};
use super::terminal::Page;
use crate::model::preflight::{Check, CheckVerdict, Preflight};
use crate::units::counted;

/// Returns the answer as JSON.
pub fn preflight_json(preflight: &Preflight) -> String {
    let mut text = serde_json::to_string_pretty(preflight).expect("a preflight holds what JSON can hold");
    text.push('\n');
    text
}

/// Returns the answer as text for a terminal of `width` columns; bold only when `colour`.
pub fn preflight_terminal(preflight: &Preflight, width: u16, colour: bool) -> String {
    let page = Page { width, colour };
    let mut text = page.bold(&answer(preflight));
    let rows: Vec<Vec<String>> = ordered(preflight)
        .map(|check| vec![mark(check), check.check.name(), check.evidence.join("; ")])
        .collect();
    text += &format!("\n{}\n", page.table(&["", "Check", "Found"], 3, &rows));
    for check in ordered(preflight).filter(|check| has_advice(check)) {
        text.push('\n');
        text += &page.wrapped(&format!("{}: {}", check.check.name(), advice(check)), 0);
        for command in &check.commands {
            text += &format!("  {command}\n");
        }
    }
    text
}

/// Returns the answer as GitHub-flavoured Markdown.
pub fn preflight_markdown(preflight: &Preflight) -> String {
    let mut text = format!("**{}**\n\n", escaped(&answer(preflight)));
    let header = ["", "Check", "Found"];
    let rows: Vec<Vec<String>> = ordered(preflight)
        .map(|check| {
            let found = escaped(&check.evidence.join("; "));
            vec![mark(check), check.check.name(), found]
        })
        .collect();
    text += &table(&header.map(|name| if name.is_empty() { " " } else { name }), &rows);
    let told = ordered(preflight).filter(|check| has_advice(check)).map(|check| {
        let commands: Vec<String> = check.commands.iter().map(|command| code(command)).collect();
        let told = escaped(&format!("{}: {}", check.check.name(), advice(check)));
        format!("- {told} {}\n", commands.join(" "))
    });
    let told: String = told.collect();
    if !told.is_empty() {
        text += &format!("\n{told}");
    }
    text
}

/// Returns the answer as JUnit XML, a case a check.
pub fn preflight_junit(preflight: &Preflight) -> String {
    let cases = preflight.checks.iter().map(|check| {
        let text: String = check.evidence.iter().map(|sentence| format!("{sentence}\n")).collect();
        let failure = || Failure {
            kind: check.check.name(),
            message: check.evidence.first().cloned().unwrap_or_default(),
            text: text.clone(),
        };
        let (outcome, output) = match check.counted() {
            CheckVerdict::NoGo => (CaseOutcome::Failed(failure()), String::new()),
            CheckVerdict::Unknown => (CaseOutcome::Broken(failure()), String::new()),
            CheckVerdict::Skipped => (CaseOutcome::Skipped(failure().message), String::new()),
            CheckVerdict::Go | CheckVerdict::Warning => (CaseOutcome::Passed, text),
        };
        Case {
            name: check.check.name(),
            seconds: None,
            outcome,
            output,
        }
    });
    suites_xml(&[Suite {
        name: format!("preflight of {}", preflight.migration),
        class: preflight.migration.clone(),
        seconds: None,
        cases: cases.collect(),
    }])
}

/// Returns the checks, worst first.
fn ordered(preflight: &Preflight) -> impl Iterator<Item = &Check> {
    let mut checks: Vec<&Check> = preflight.checks.iter().collect();
    checks.sort_by_key(|check| std::cmp::Reverse(check.counted()));
    checks.into_iter()
}

fn answer(preflight: &Preflight) -> String {
    let against = preflight.count(CheckVerdict::NoGo);
    let unknown = preflight.count(CheckVerdict::Unknown);
    let warnings = preflight.count(CheckVerdict::Warning);
    let head = match (against, unknown) {
        (0, 0) => "go".to_string(),
        (0, unknown) => format!("not known: {} cannot be judged", counted(unknown, "check", "checks")),
        (against, _) => format!("no-go: {} against it", counted(against, "check speaks", "checks speak")),
    };
    let told = |count: usize, one: &str, many: &str| match count {
        0 => String::new(),
        count => format!(", {}", counted(count, one, many)),
    };
    let warned = told(warnings, "warning", "warnings");
    let skipped = told(
        preflight.count(CheckVerdict::Skipped),
        "check without anything to judge by",
        "checks without anything to judge by",
    );
    format!(
        "{} on {}: {head}{warned}{skipped}",
        preflight.migration, preflight.database
    )
}

fn mark(check: &Check) -> String {
    let mark = match (check.verdict, &check.waived) {
        (_, Some(_)) => "waived",
        (CheckVerdict::Go, _) => "go",
        (CheckVerdict::Skipped, _) => "–",
        (CheckVerdict::Warning, _) => "warning",
        (CheckVerdict::Unknown, _) => "not known",
        (CheckVerdict::NoGo, _) => "no-go",
    };
    mark.to_string()
}

fn has_advice(check: &Check) -> bool {
    check.remedy.is_some() || check.waived.is_some()
}

fn advice(check: &Check) -> String {
    match (&check.waived, &check.remedy) {
        (Some(waived), _) => format!("waived until {}: {}", waived.until, waived.reason),
        (None, remedy) => remedy.clone().unwrap_or_default(),
    }
}
