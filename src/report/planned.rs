//! Builds the report of a plan from the effects and the predicted times of each statement; decides what is long, and
//! what to do then.

use super::ci::Rule;
use super::plan::{PlanReport, PlannedLock, Remark, StatementReport};
use crate::catalog::SchemaFacts;
use crate::migration::{self, LockMode, PlannedStatement, PlannedTable, StepKind, Tool};
use crate::model::estimate::Prediction;
use crate::model::planned::{self, Sizes, Times};
use crate::shown::without_secrets;
use crate::units::Seconds;

/// Locks held longer than this deserve another form of the statement.
const LONG_SECONDS: f64 = 1.0;

/// Builds the report of a plan: what each statement does, how long it takes, and what to do if that is long.
pub fn assemble(
    tool: Tool,
    schema: &SchemaFacts,
    planned: Vec<PlannedStatement>,
    sizes: &Sizes,
    level: f64,
) -> PlanReport {
    let (times, total) = planned::times(&planned, sizes, level);
    PlanReport {
        recognised_as: tool.name(),
        total,
        statements: planned
            .into_iter()
            .zip(times)
            .map(|(planned, times)| statement(planned, times, schema))
            .collect(),
        rules: rules(schema),
    }
}

fn rules(schema: &SchemaFacts) -> String {
    match schema.version_num {
        0 => "By the rules of PostgreSQL 14, without a look into the catalog.".to_string(),
        version => format!(
            "By the rules of PostgreSQL {} and the catalog of the named database.",
            version / 10_000
        ),
    }
}

fn statement(planned: PlannedStatement, times: Times, schema: &SchemaFacts) -> StatementReport {
    let kind = planned.kind();
    let scanned = planned.scanned().to_vec();
    let is_transaction_edge = planned.effects.is_none();
    let strongest = strongest_lock(&planned);
    let may_be_long = may_be_long(kind, strongest, times, schema);
    let safe_form = may_be_long.then(|| migration::safe_form(&planned.statement)).flatten();
    let locks = locks(&planned, times);
    let effects = planned.effects.unwrap_or_default();
    let mut warnings: Vec<Remark> = planned.warnings.into_iter().map(Remark::from).collect();
    warnings.extend(effects.unknown.iter().map(|reason| Remark {
        rule: Rule::Unclassified,
        text: format!("unknown: {reason}"),
    }));
    if let (Some(held), Some(mode), true) = (times.held, strongest, may_be_long) {
        warnings.push(Remark {
            rule: Rule::LongLock,
            text: in_words(held, mode),
        });
    }
    StatementReport {
        number: planned.statement.number,
        file: planned.statement.file.clone(),
        line: planned.statement.line,
        statement: without_secrets(&planned.statement.sql),
        step_kind: kind,
        duration: times.duration,
        locks,
        rewritten: effects.rewritten,
        scanned,
        transaction: effects.transaction,
        rollback: effects.rollback.map(|words| without_secrets(&words)),
        safe_form: safe_form.map(|sql| without_secrets(&sql)),
        warnings,
        is_transaction_edge,
    }
}

/// Returns whether other sessions can wait for a relation; they cannot if the migration itself has created it.
fn others_wait(planned: &PlannedStatement, relation: &str) -> bool {
    !matches!(
        planned.tables.get(relation),
        Some(PlannedTable::Empty | PlannedTable::Filled)
    )
}

fn strongest_lock(planned: &PlannedStatement) -> Option<LockMode> {
    let locks = planned.effects.iter().flat_map(|effects| &effects.locks);
    locks
        .filter(|(relation, _)| others_wait(planned, relation))
        .map(|(_, mode)| *mode)
        .max()
}

/// Returns whether writers may have to wait for a long time; without known sizes, every table may be large.
fn may_be_long(kind: StepKind, strongest: Option<LockMode>, times: Times, schema: &SchemaFacts) -> bool {
    let works = kind != StepKind::CatalogOnly;
    let blocks_writes = works && (strongest.is_some_and(|mode| mode >= LockMode::Share) || kind == StepKind::Dml);
    blocks_writes
        && match times.held {
            Some(held) => held.point_seconds >= LONG_SECONDS,
            None => !schema.is_known(),
        }
}

fn locks(planned: &PlannedStatement, times: Times) -> Vec<PlannedLock> {
    let locks = planned.effects.iter().flat_map(|effects| &effects.locks);
    locks
        .map(|(relation, mode)| PlannedLock {
            keeps_others_waiting: others_wait(planned, relation),
            relation: relation.clone(),
            mode: *mode,
            held: times.held,
        })
        .collect()
}

fn in_words(held: Prediction, mode: LockMode) -> String {
    format!(
        "holds {mode} for about {} (rule of thumb; with {:.0} % probability between {} and {})",
        Seconds(held.point_seconds),
        held.level * 100.0,
        Seconds(held.lower_seconds),
        Seconds(held.upper_seconds)
    )
}
