//! What several formats share: a finding on one line, JSON, counts of findings.

use serde::Serialize;

use super::level::Level;
use super::verdict::{Finding, Verdict};

/// The reason to expect that writing to a `String` succeeds.
pub(super) const STRING: &str = "writing to a string does not fail";

/// Numbers of findings by level, without notes.
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

/// Returns a document as JSON that ends with a line break.
pub(super) fn json_text(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a document holds only what JSON can hold");
    text.push('\n');
    text
}
