//! A comparison in the terminal, as Markdown, and as verdicts of CI.

use super::words;
use super::words::comparison_answer;
use crate::model::compare::{ChangeVerdict, Comparison, Judgement, StepChange};
use crate::report::ci::{self, Finding, Rule};
use crate::report::markdown::{bullets, escaped, table as markdown_table};
use crate::report::terminal::Page;
use crate::report::text;
use crate::units::Seconds;

/// Number of characters of a statement that are shown.
const STATEMENT_LENGTH: usize = 60;

/// Returns the comparison as text for a terminal of `width` columns; bold and colour only when `colour`.
pub fn comparison_terminal(comparison: &Comparison, width: u16, colour: bool) -> String {
    let page = Page { width, colour };
    let rows: Vec<Vec<String>> = comparison.judgements.iter().map(row).collect();
    let mut text = page.bold(&comparison_answer(comparison));
    text += &format!("\n{}\n\n", page.table(&header(comparison), 1, &rows));
    for judgement in &comparison.judgements {
        // If there is only one judgement, the answer already contains it.
        if comparison.judgements.len() > 1 {
            text += &page.wrapped(&words::sentence(judgement, comparison), 2);
        }
        for step in &judgement.steps {
            text += &page.indented(&step_sentence(step), 2);
        }
    }
    if text.ends_with("\n\n") {
        text.pop();
    }
    text.push('\n');
    for warning in warnings(comparison) {
        text += &page.labelled("warning", &warning);
    }
    text += &page.wrapped(&words::method(comparison), 0);
    for hint in words::hints(comparison) {
        text += &page.hint(&hint);
    }
    text
}

/// Returns the comparison as GitHub-flavoured Markdown.
pub fn comparison_markdown(comparison: &Comparison) -> String {
    let rows: Vec<Vec<String>> = comparison
        .judgements
        .iter()
        .map(|judgement| row(judgement).iter().map(|cell| escaped(cell)).collect())
        .collect();
    let sentences: Vec<String> = comparison
        .judgements
        .iter()
        .flat_map(|judgement| {
            let steps = judgement.steps.iter().map(step_sentence);
            let sentence = (comparison.judgements.len() > 1).then(|| words::sentence(judgement, comparison));
            sentence.into_iter().chain(steps)
        })
        .collect();
    let header = header(comparison);
    let header: Vec<&str> = header
        .iter()
        .map(|name| if name.is_empty() { " " } else { name })
        .collect();
    let mut text = format!("**{}**\n\n", escaped(&comparison_answer(comparison)));
    text += &markdown_table(&header, &rows);
    if !sentences.is_empty() {
        text += &format!("\n{}", bullets(&sentences));
    }
    let warnings = warnings(comparison);
    if !warnings.is_empty() {
        text += &format!("\n**Warnings**\n\n{}", bullets(&warnings));
    }
    text + &format!("\n{}\n", escaped(&words::method(comparison)))
}

/// Returns the comparison as input for the formats for reviewers and machines, one verdict per migration; `place`
/// returns the path of a migration in its repository.
pub fn comparison_verdicts(comparison: &Comparison, place: &dyn Fn(&str) -> String) -> Vec<ci::Verdict> {
    let mut verdicts: Vec<ci::Verdict> = Vec::new();
    for judgement in &comparison.judgements {
        let migration = place(&judgement.migration);
        if !verdicts.iter().any(|verdict| verdict.migration == migration) {
            verdicts.push(ci::Verdict {
                migration,
                ..ci::Verdict::default()
            });
        }
    }
    for mut finding in comparison_findings(comparison) {
        finding.file = place(&finding.file);
        if let Some(verdict) = verdicts.iter_mut().find(|verdict| verdict.migration == finding.file) {
            verdict.findings.push(finding);
        }
    }
    verdicts
}

/// Returns findings for regressions and for what could not be judged.
pub fn comparison_findings(comparison: &Comparison) -> Vec<Finding> {
    let finding = |judgement: &Judgement| {
        let rule = match judgement.verdict {
            ChangeVerdict::Regression => Rule::Regression,
            ChangeVerdict::TooFewRuns | ChangeVerdict::NotComparable => Rule::CannotBeJudged,
            ChangeVerdict::Improvement | ChangeVerdict::NoDifferenceSeen => return None,
        };
        let sentence = words::sentence(judgement, comparison);
        Some(Finding::of_migration(rule, &judgement.migration, sentence))
    };
    comparison.judgements.iter().filter_map(finding).collect()
}

fn header(comparison: &Comparison) -> [&'static str; 8] {
    let unit = if comparison.judgements.iter().all(|judgement| judgement.in_pairs) {
        "Pairs"
    } else {
        "Runs"
    };
    ["", unit, "BASE", "NEW", "Change", "Interval", "p", "Unseen below"]
}

fn row(judgement: &Judgement) -> Vec<String> {
    let (base, new) = (judgement.base, judgement.new);
    let runs = if judgement.in_pairs {
        base.runs.to_string()
    } else {
        format!("{} v {}", base.runs, new.runs)
    };
    let mean = |side: crate::model::compare::Side| match side.runs {
        0 => "–".to_string(),
        _ => Seconds(side.mean_seconds).to_string(),
    };
    let or_dash = |cell: Option<String>| cell.unwrap_or("–".to_string());
    vec![
        text::one_line(&words::name(judgement)),
        runs,
        mean(base),
        mean(new),
        or_dash(judgement.ratio.map(|ratio| words::change(ratio.point))),
        or_dash(judgement.ratio.map(words::change_interval)),
        or_dash(judgement.adjusted_p_value.map(words::p_value)),
        or_dash(judgement.minimum_detectable.map(words::change)),
    ]
}

fn step_sentence(step: &StepChange) -> String {
    let change = match step.ratio {
        Some(ratio) => format!(": {} ({})", words::change(ratio.point), words::change_interval(ratio)),
        None => String::new(),
    };
    format!(
        "step {}, {}: {} → {}{change}",
        step.step.number,
        text::shortened(&step.step.statement, STATEMENT_LENGTH),
        Seconds(step.base_seconds),
        Seconds(step.new_seconds)
    )
}

/// Returns each warning once; if it does not apply to all scenarios, with the names of those it applies to.
fn warnings(comparison: &Comparison) -> Vec<String> {
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    for judgement in &comparison.judgements {
        for warning in &judgement.warnings {
            match all.iter_mut().find(|(known, _)| known == warning) {
                Some((_, names)) if names.contains(&judgement.name.as_str()) => {}
                Some((_, names)) => names.push(&judgement.name),
                None => all.push((warning, vec![&judgement.name])),
            }
        }
    }
    let scenarios: std::collections::BTreeSet<&str> = comparison
        .judgements
        .iter()
        .map(|judgement| judgement.name.as_str())
        .collect();
    let mut told: Vec<String> = all
        .into_iter()
        .map(|(warning, names)| {
            if names.len() == scenarios.len() {
                warning.to_string()
            } else {
                format!("{}: {warning}", names.join(", "))
            }
        })
        .collect();
    for (side, names) in [("BASE", &comparison.only_in_base), ("NEW", &comparison.only_in_new)] {
        if !names.is_empty() {
            told.push(format!("only in {side}, and not compared: {}", names.join(", ")));
        }
    }
    told
}

#[cfg(test)]
mod tests;
