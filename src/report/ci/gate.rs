//! Gates such as `access-exclusive>1s`: they limit how long a lock is held or a kind of work takes, whatever the
//! statement is called.
//!
//! As for a budget, the upper end of the prediction interval must not exceed the limit. A gate that cannot be checked
//! fails.

use super::{Finding, HeldLock, Prediction, Rule, StatementVerdict, Verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{LockMode, StepKind, nearest};
use crate::report::words;
use crate::units::{Seconds, counted, parse_duration};

/// A lock or a kind of work that is denied for longer than a limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    denied: Denied,
    limit: Seconds,
    /// Its name in messages.
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denied {
    /// This mode, or a stronger one.
    Lock(LockMode),
    /// This kind of work.
    Work(StepKind),
}

/// What can be denied: PostgreSQL's lock modes and kinds of work.
const DENIABLE: [(&str, Denied); 11] = [
    ("access-share", Denied::Lock(LockMode::AccessShare)),
    ("row-share", Denied::Lock(LockMode::RowShare)),
    ("row-exclusive", Denied::Lock(LockMode::RowExclusive)),
    ("share-update-exclusive", Denied::Lock(LockMode::ShareUpdateExclusive)),
    ("share", Denied::Lock(LockMode::Share)),
    ("share-row-exclusive", Denied::Lock(LockMode::ShareRowExclusive)),
    ("exclusive", Denied::Lock(LockMode::Exclusive)),
    ("access-exclusive", Denied::Lock(LockMode::AccessExclusive)),
    ("rewrite", Denied::Work(StepKind::TableRewrite)),
    ("scan", Denied::Work(StepKind::TableScan)),
    ("index-build", Denied::Work(StepKind::IndexBuild)),
];

impl Gate {
    /// Reads `access-exclusive>1s`, `share>30s`, `rewrite>1m`; without a limit any duration is too long.
    ///
    /// # Errors
    /// `Usage` with the most similar valid word.
    pub fn parse(text: &str) -> Result<Gate> {
        let (what, limit) = match text.split_once('>') {
            Some((what, limit)) => (what.trim(), parse_duration(limit)?),
            None => (text.trim(), Seconds(0.0)),
        };
        let name = what.to_ascii_lowercase().replace(['_', ' '], "-");
        let name = name.strip_suffix("-lock").unwrap_or(&name);
        match DENIABLE.iter().find(|(known, _)| *known == name) {
            Some((_, denied)) => Ok(Gate {
                denied: *denied,
                limit,
                name: format!("--deny \"{}\"", text.trim()),
            }),
            None => Err(not_understood(what, name)),
        }
    }

    /// Sets the name used in messages, for a gate that was not given with `--deny`.
    pub fn called(self, name: impl Into<String>) -> Gate {
        Gate {
            name: name.into(),
            ..self
        }
    }

    /// Returns one finding for each statement that violates the gate or cannot be checked.
    pub fn judge(&self, verdict: &Verdict) -> Vec<Finding> {
        let statements = verdict.statements.iter();
        statements
            .filter_map(|statement| self.judge_statement(statement))
            .collect()
    }

    fn judge_statement(&self, statement: &StatementVerdict) -> Option<Finding> {
        let nothing_known = statement.kind == StepKind::Unclassified && statement.duration.is_none();
        if nothing_known {
            let message = format!("what it does is not known, so {} cannot judge it", self.name);
            return Some(Finding::of_statement(Rule::CannotBeJudged, statement, message));
        }
        if statement.passed_over.is_some() {
            let message = format!("nothing of it was measured, so {} cannot judge it", self.name);
            return Some(Finding::of_statement(Rule::CannotBeJudged, statement, message));
        }
        match self.denied {
            Denied::Lock(mode) => self.judge_locks(statement, mode),
            Denied::Work(kind) if statement.kind == kind => {
                let work = words::kind_name(kind);
                self.judge_time(
                    statement,
                    Rule::WorkTooLong,
                    &format!("the {work} may take"),
                    statement.duration,
                )
            }
            Denied::Work(_) => None,
        }
    }

    /// Checks the longest of the denied locks, so that a statement gets one finding however many partitions it locks.
    fn judge_locks(&self, statement: &StatementVerdict, mode: LockMode) -> Option<Finding> {
        let upper = |lock: &HeldLock| lock.held.map_or(f64::INFINITY, |held| held.upper_seconds);
        let denied: Vec<&HeldLock> = statement.locks.iter().filter(|lock| lock.mode >= mode).collect();
        let longest = denied
            .iter()
            .max_by(|one, other| upper(one).total_cmp(&upper(other)).then(one.mode.cmp(&other.mode)))?;
        let others = match denied.len() - 1 {
            0 => String::new(),
            others => format!(" and {}", counted(others, "other relation", "other relations")),
        };
        let what = format!(
            "{} on {}{others} may be held for",
            words::lock_name(longest.mode),
            longest.relation
        );
        self.judge_time(statement, Rule::LockHeldTooLong, &what, longest.held)
    }

    fn judge_time(
        &self,
        statement: &StatementVerdict,
        rule: Rule,
        what: &str,
        time: Option<Prediction>,
    ) -> Option<Finding> {
        let gate = &self.name;
        let Some(time) = time else {
            let message = format!("{what} a time that is not known, so {gate} cannot judge it");
            return Some(Finding::of_statement(Rule::CannotBeJudged, statement, message));
        };
        let message = format!(
            "{what} up to {} (about {}, {} interval, {}), denied by {gate}",
            Seconds(time.upper_seconds),
            Seconds(time.point_seconds),
            words::percent(time.level),
            words::basis_name(time.basis)
        );
        (time.upper_seconds > self.limit.0).then(|| Finding::of_statement(rule, statement, message))
    }
}

fn not_understood(what: &str, name: &str) -> Error {
    let known: Vec<&str> = DENIABLE.iter().map(|(known, _)| *known).collect();
    let hint = match nearest(name, &known) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("it is one of {}", known.join(", ")),
    };
    Error::new(
        ErrorKind::Usage,
        format!("\"{what}\" is no lock mode and no kind of work"),
    )
    .with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    fn check(gate: &str, expected: &[(&str, usize)]) {
        let findings = Gate::parse(gate).expect(gate).judge(&example::verdict());
        let found: Vec<(&str, usize)> = findings
            .iter()
            .map(|finding| (finding.rule.id(), finding.line))
            .collect();
        assert_eq!(found, expected, "{gate}");
    }

    // The example: AccessExclusiveLock up to 1,624.8 s on line 3, ShareLock up to 122.4 s on line 5.
    #[test]
    fn the_upper_bound_decides() {
        check("access-exclusive>1s", &[("MT001", 3)]);
        check("access-exclusive > 27m", &[("MT001", 3)]);
        check(
            "AccessExclusiveLock>1700s"
                .replace("AccessExclusiveLock", "access_exclusive_lock")
                .as_str(),
            &[],
        );
        check("share>1s", &[("MT001", 3), ("MT001", 5)]);
        check("share>2m 3s", &[("MT001", 3)]);
        check("rewrite", &[("MT002", 3)]);
        check("index-build>2m", &[("MT002", 5)]);
        check("scan", &[]);
    }

    #[test]
    fn what_cannot_be_judged_does_not_pass() {
        let mut verdict = example::verdict();
        verdict.statements[1].locks[0].held = None;
        verdict.statements[0].kind = StepKind::Unclassified;
        verdict.statements[0].duration = None;
        verdict.statements.push(verdict.statements[1].clone());
        verdict.statements[2].passed_over = Some("a check failed".to_string());
        let found = Gate::parse("share>1h").expect("a gate").judge(&verdict);
        let ids: Vec<&str> = found.iter().map(|finding| finding.rule.id()).collect();
        assert_eq!(ids, ["MT008", "MT008", "MT008"]);
    }

    #[test]
    fn wrong_words_get_the_nearest_right_one() {
        fn check(text: &str, message: &str, hint: &str) {
            let error = Gate::parse(text).expect_err(text);
            assert!(error.message().contains(message), "{error}");
            assert!(
                error.hint().is_some_and(|found| found.contains(hint)),
                "{:?}",
                error.hint()
            );
        }
        check(
            "acess-exclusive>1s",
            "\"acess-exclusive\" is no lock mode",
            "did you mean access-exclusive?",
        );
        check("everything", "\"everything\"", "it is one of access-share, ");
        check("share>30", "\"30\" is not a duration", "90s");
    }

    #[test]
    fn a_statement_gets_one_line_however_many_partitions_it_locks() {
        let mut verdict = example::verdict();
        let lock = verdict.statements[0].locks[0].clone();
        verdict.statements[0].locks = vec![lock; 100];
        let found = Gate::parse("access-exclusive>1s").expect("a gate").judge(&verdict);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].message.contains("and 99 other relations may be held"),
            "{}",
            found[0].message
        );
    }
}
