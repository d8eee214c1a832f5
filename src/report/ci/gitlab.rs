//! Output for GitLab besides JUnit and OpenMetrics: the code quality report.

use serde_json::json;

use super::common::json_text;
use super::name::fingerprints;
use super::{Level, Verdict};

/// Returns the findings as a code quality report, `artifacts:reports:codequality`.
pub fn code_quality(verdicts: &[Verdict]) -> String {
    let issues: Vec<_> = verdicts
        .iter()
        .flat_map(|verdict| verdict.findings.iter().zip(fingerprints(verdict)))
        .map(|(finding, fingerprint)| {
            json!({
                "description": finding.message,
                "check_name": format!("{} {}", finding.rule.id(), finding.rule.name()),
                "fingerprint": fingerprint,
                "severity": severity(finding.level),
                "location": { "path": finding.file, "lines": { "begin": finding.line } },
            })
        })
        .collect();
    json_text(&issues)
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::Note => "info",
        Level::Warning => "minor",
        Level::Error => "critical",
    }
}
