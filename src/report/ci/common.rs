//! What several formats write alike: a finding on one line, JSON, how many findings there are.

use serde::Serialize;

use super::level::Level;
use super::verdict::{Finding, Verdict};

/// Why writing to a `String` is expected to go well.
pub(super) const STRING: &str = "writing to a string does not fail";

/// How many findings there are of the levels that people act on.
pub(super) struct Totals {
    pub errors: usize,
    pub warnings: usize,
}

/// Counts the findings of all verdicts.
pub(super) fn totals(verdicts: &[Verdict]) -> Totals {
    let count = |level: Level| {
        let findings = verdicts.iter().flat_map(|verdict| &verdict.findings);
        findings.filter(|finding| finding.level == level).count()
    };
    Totals {
        errors: count(Level::Error),
        warnings: count(Level::Warning),
    }
}

/// Returns a finding on one line: `MT001 m.sql:3: …`.
pub(super) fn line_of(finding: &Finding) -> String {
    format!(
        "{} {}:{}: {}",
        finding.rule.id(),
        finding.file,
        finding.line,
        finding.message
    )
}

/// Returns a document as JSON with a line break at its end.
pub(super) fn json_text(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a document holds only what JSON can hold");
    text.push('\n');
    text
}
