//! JUnit XML: one suite per migration, one case per statement and one for the whole. A failed gate is a failure, an
//! error of the server an error.

use super::common;
use super::name::{WHOLE, title};
use super::{Finding, Level, Prediction, Rule, Verdict};
use crate::report::junit_xml::{Case, CaseOutcome, Failure, Suite, suites_xml};

/// Returns the verdicts as JUnit XML.
pub fn junit(verdicts: &[Verdict]) -> String {
    let suites: Vec<Suite> = verdicts
        .iter()
        .map(|verdict| Suite {
            name: verdict.name(),
            class: verdict.migration.clone(),
            seconds: verdict.total.map(|total| total.point_seconds),
            cases: cases(verdict),
        })
        .collect();
    suites_xml(&suites)
}

fn cases(verdict: &Verdict) -> Vec<Case> {
    let statements = verdict.statements.iter().map(|statement| {
        let findings: Vec<&Finding> = verdict.findings_of(Some(statement.number)).collect();
        case(
            title(statement),
            statement.duration,
            statement.passed_over.as_deref(),
            &findings,
        )
    });
    let of_whole: Vec<&Finding> = verdict.findings_of(None).collect();
    let whole = case(WHOLE.to_string(), verdict.total, None, &of_whole);
    statements.chain([whole]).collect()
}

fn case(name: String, time: Option<Prediction>, skipped: Option<&str>, findings: &[&Finding]) -> Case {
    let (errors, others): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.level == Level::Error);
    let broken = errors.iter().find(|finding| did_not_finish(finding.rule));
    let failure = |first: &Finding| Failure {
        kind: first.rule.name().to_string(),
        message: first.message.clone(),
        text: told(&errors),
    };
    Case {
        name,
        seconds: time.map(|time| time.point_seconds),
        outcome: match (broken, errors.first(), skipped) {
            (Some(broken), ..) => CaseOutcome::Broken(failure(broken)),
            (None, Some(first), _) => CaseOutcome::Failed(failure(first)),
            (None, None, Some(reason)) => CaseOutcome::Skipped(reason.to_string()),
            (None, None, None) => CaseOutcome::Passed,
        },
        output: told(&others),
    }
}

/// Returns whether the rule means that something did not run to its end, instead of exceeding a limit.
fn did_not_finish(rule: Rule) -> bool {
    matches!(rule, Rule::MigrationFailed | Rule::RollbackFailed | Rule::NotJudged)
}

fn told(findings: &[&Finding]) -> String {
    let lines = findings.iter();
    lines
        .map(|finding| format!("{}\n  {}\n", common::line_of(finding), finding.rule.help()))
        .collect()
}
