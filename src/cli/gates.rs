//! What `--deny` comes to: one line a violation on stderr, and the exit code.

use super::output;
use crate::error::{Error, ErrorKind, Result};
use crate::report::ci::{Finding, Gate, Rule, Verdict};
use crate::units::counted;

/// Puts what the gates find among the findings of `verdict`, in the order of the statements.
pub fn judge(gates: &[Gate], verdict: &mut Verdict) {
    let found: Vec<Finding> = gates.iter().flat_map(|gate| gate.judge(verdict)).collect();
    verdict.findings.extend(found);
    verdict.findings.sort_by_key(|finding| finding.statement);
}

/// Tells what the gates found.
///
/// # Errors
/// `Gate` when one said no; `TooLittleEvidence` when none did, but one could not judge.
pub fn enforce(verdict: &Verdict) -> Result<()> {
    let is_denied = |finding: &&Finding| matches!(finding.rule, Rule::LockHeldTooLong | Rule::WorkTooLong);
    let denied: Vec<&Finding> = verdict.findings.iter().filter(is_denied).collect();
    let unjudged: Vec<&Finding> = verdict
        .findings
        .iter()
        .filter(|finding| finding.rule == Rule::CannotBeJudged)
        .collect();
    for finding in denied.iter().chain(&unjudged) {
        output::print_note(&format!("{}:{}: {}", finding.file, finding.line, finding.message));
    }
    match (denied.len(), unjudged.len()) {
        (0, 0) => Ok(()),
        (0, unjudged) => Err(Error::new(
            ErrorKind::TooLittleEvidence,
            format!(
                "too little evidence for a gate: {} cannot be judged",
                counted(unjudged, "statement", "statements")
            ),
        )
        .with_hint(
            "name the database with --url, so that sizes are known, or rehearse it: migtime rehearse takes --deny too",
        )),
        (denied, _) => Err(Error::new(
            ErrorKind::Gate,
            format!("a gate said no to {}", counted(denied, "statement", "statements")),
        )),
    }
}
