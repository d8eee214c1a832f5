//! Converts a plan to a verdict: its warnings become findings.

use super::{Finding, HeldLock, StatementVerdict, Verdict};
use crate::report::{PlanReport, StatementReport};

/// Returns the verdict on a plan. `place` converts the name of a file as given to its path from the root of the
/// repository.
pub fn of_plan(migration: &str, report: &PlanReport, place: &dyn Fn(&str) -> String) -> Verdict {
    let mut verdict = Verdict {
        migration: place(migration),
        total: report.total,
        ..Verdict::default()
    };
    // What begins or ends a transaction is told of only where it surprises.
    let told = |planned: &&StatementReport| !planned.is_transaction_edge || !planned.warnings.is_empty();
    for planned in report.statements.iter().filter(told) {
        let statement = statement(planned, place);
        let remarks = planned.warnings.iter();
        verdict
            .findings
            .extend(remarks.map(|remark| Finding::of_statement(remark.rule, &statement, remark.text.clone())));
        verdict.statements.push(statement);
    }
    verdict
}

fn statement(planned: &StatementReport, place: &dyn Fn(&str) -> String) -> StatementVerdict {
    StatementVerdict {
        number: planned.number,
        file: place(&planned.file),
        line: planned.line,
        sql: planned.statement.clone(),
        kind: planned.step_kind,
        duration: planned.duration,
        locks: planned
            .locks
            .iter()
            .filter(|lock| lock.keeps_others_waiting)
            .map(|lock| HeldLock {
                relation: lock.relation.clone(),
                mode: lock.mode,
                held: lock.held,
            })
            .collect(),
        wal_bytes: None,
        passed_over: None,
    }
}
