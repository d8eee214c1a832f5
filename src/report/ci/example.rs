//! A verdict for the tests of this room: two statements, names that need escaping, and a finding of every level.

use super::{Finding, HeldLock, Prediction, Rule, StatementVerdict, Verdict};
use crate::migration::{LockMode, StepKind, Trap};
use crate::model::estimate::Basis;

/// Returns the example.
pub(super) fn verdict() -> Verdict {
    let prediction = |point: f64| Prediction {
        point_seconds: point,
        lower_seconds: point / 2.0,
        upper_seconds: point * 2.0,
        level: 0.95,
        basis: Basis::RuleOfThumb,
    };
    let statement = |number: u32, sql: &str, kind: StepKind, seconds: f64, mode: LockMode| StatementVerdict {
        number,
        file: "migrations/0042 orders.sql".to_string(),
        line: 1 + 2 * number as usize,
        sql: sql.to_string(),
        kind,
        duration: Some(prediction(seconds)),
        locks: vec![HeldLock {
            relation: "public.\"Or\\ders\"".to_string(),
            mode,
            held: Some(prediction(seconds)),
        }],
        wal_bytes: Some(1e9),
        passed_over: None,
    };
    let statements = vec![
        statement(
            1,
            "ALTER TABLE \"Or\\ders\" ALTER COLUMN id TYPE bigint",
            StepKind::TableRewrite,
            812.4,
            LockMode::AccessExclusive,
        ),
        statement(
            2,
            "CREATE INDEX i ON \"Or\\ders\" (id)",
            StepKind::IndexBuild,
            61.2,
            LockMode::Share,
        ),
    ];
    let of = |place: usize, rule: Rule, text: &str| Finding::of_statement(rule, &statements[place], text);
    let mut verdict = Verdict {
        migration: "migrations/0042 orders.sql".to_string(),
        total: Some(prediction(880.0)),
        findings: vec![
            of(
                0,
                Rule::LockHeldTooLong,
                "AccessExclusiveLock for up to 27m, \u{1}denied above 1s <&\">",
            ),
            of(1, Rule::LongLock, "holds ShareLock for about 1m 1s"),
            of(1, Rule::Trap(Trap::TriggersDoMore), "triggers may lock and change more"),
        ],
        statements,
        ..Verdict::default()
    };
    let over = Finding::of_migration(Rule::OverBudget, verdict.migration.clone(), "over budget");
    verdict.findings.push(over);
    verdict
}
