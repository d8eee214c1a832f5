//! Applies `--deny`: one line per violation on stderr, and the exit code.

use super::output;
use crate::error::{Error, ErrorKind, Result};
use crate::report::ci::{Finding, Gate, Rule, Verdict};
use crate::units::counted;

/// Adds the gates' findings to those of `verdict`, in the order of the statements.
pub fn judge(gates: &[Gate], verdict: &mut Verdict) {
    let found: Vec<Finding> = gates.iter().flat_map(|gate| gate.judge(verdict)).collect();
    verdict.findings.extend(found);
    verdict.findings.sort_by_key(|finding| finding.statement);
}

/// Reports the gates' findings, and those that tell of a failure.
///
/// # Errors
/// `MigrationFailed` when the server refuses a statement; `Gate` when one was violated; `TooLittleEvidence` when none
/// was, but one could not be decided.
pub fn enforce(verdict: &Verdict) -> Result<()> {
    let is_refused = |finding: &&Finding| finding.rule.says_that_it_fails();
    let refused: Vec<&Finding> = verdict.findings.iter().filter(is_refused).collect();
    for finding in &refused {
        output::print_note(&format!("{}:{}: {}", finding.file, finding.line, finding.message));
    }
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
    if !refused.is_empty() {
        let refused = counted(refused.len(), "statement", "statements");
        return Err(Error::new(
            ErrorKind::MigrationFailed,
            format!("the server would refuse {refused}"),
        ));
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
