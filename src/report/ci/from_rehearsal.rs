//! Converts a rehearsal and its estimate to a verdict, with predicted durations and the locks that were seen.

use super::{Finding, HeldLock, Prediction, Rule, StatementVerdict, Verdict};
use crate::migration::StepKind;
use crate::model::estimate::{Basis, Estimate, Interval, RollbackEstimate, StepEstimate, interval_at};
use crate::observation::{EndReason, LockRecord, Rehearsal, RollbackVerdict, StepRecord};

/// Returns the verdict on a rehearsal. `place` converts the name of a file as given to its path from the root of the
/// repository.
pub fn of_rehearsal(rehearsal: &Rehearsal, estimate: &Estimate, place: &dyn Fn(&str) -> String) -> Verdict {
    let migration = place(&rehearsal.migration);
    let steps = rehearsal.steps.iter().map(|record| {
        let step = estimate.steps.iter().find(|step| step.number == record.number);
        let file = record.file.as_deref().map_or(migration.clone(), place);
        statement(record, step, estimate.level, &file)
    });
    let mut verdict = Verdict {
        statements: steps.collect(),
        total: Some(prediction(
            estimate.total.point_seconds,
            estimate.interval(),
            estimate.basis,
        )),
        migration,
        part: None,
        findings: Vec::new(),
    };
    let broken = rehearsal
        .ended
        .as_ref()
        .filter(|ended| ended.reason == EndReason::Failed);
    if let Some(ended) = broken {
        // The first incomplete step is the one that failed.
        let reached = rehearsal.steps.iter().position(|step| !step.complete).unwrap_or(0);
        let finding = match verdict.statements.get(reached) {
            Some(statement) => Finding::of_statement(Rule::MigrationFailed, statement, ended.message.clone()),
            None => Finding::of_migration(Rule::MigrationFailed, verdict.migration.clone(), ended.message.clone()),
        };
        verdict.findings.push(finding);
    }
    let back = estimate.rollback.iter();
    let found = back.filter_map(|back| rollback_failure(back, &verdict.migration));
    verdict.findings.extend(found.collect::<Vec<_>>());
    verdict
}

fn rollback_failure(back: &RollbackEstimate, migration: &str) -> Option<Finding> {
    let outcome = match back.verdict {
        RollbackVerdict::Failed => "fails",
        RollbackVerdict::Differs => "does not bring the schema back",
        RollbackVerdict::Unfinished => {
            let message = format!("the rollback {} was not rehearsed to its end", back.file);
            return Some(Finding::of_migration(Rule::CannotBeJudged, migration, message));
        }
        RollbackVerdict::NotRepeatable => {
            "brings the schema back, but the migration does not apply a second time as it did"
        }
        RollbackVerdict::WithLosses | RollbackVerdict::ComesBack => return None,
    };
    let message = format!("the rollback {} {outcome}", back.file);
    Some(Finding::of_migration(Rule::RollbackFailed, migration, message))
}

fn statement(record: &StepRecord, step: Option<&StepEstimate>, level: f64, file: &str) -> StatementVerdict {
    let locks = step.map_or(&record.locks, |step| &step.locks);
    StatementVerdict {
        number: record.number,
        file: file.to_string(),
        line: record.line,
        sql: record.statement.clone(),
        kind: record.kind,
        duration: step.map(|step| prediction(step.point_seconds, interval_at(&step.intervals, level), step.basis)),
        locks: locks.iter().map(|lock| held(lock, record, step, level)).collect(),
        wal_bytes: step.and_then(|step| step.wal_bytes),
        passed_over: not_measured(record),
    }
}

/// Returns why nothing was measured of a statement, if it was passed over.
fn not_measured(record: &StepRecord) -> Option<String> {
    let never_run = record.observations.is_empty() && !record.complete;
    let unreached = never_run.then(|| "the rehearsal never came to it".to_string());
    record.passed_over.clone().or(unreached)
}

/// Returns a lock with its hold time. Where no later step shares its transaction, that is as uncertain as the
/// statement's duration, except for a backfill, which holds its locks for one batch at a time.
fn held(lock: &LockRecord, record: &StepRecord, step: Option<&StepEstimate>, level: f64) -> HeldLock {
    let (lower, upper) = step
        .filter(|step| step.kind != StepKind::Backfill)
        .and_then(spread(level))
        .unwrap_or((1.0, 1.0));
    let basis = step.map_or(Basis::Rehearsal, |step| step.basis);
    HeldLock {
        relation: lock.relation.clone(),
        mode: lock.mode,
        held: lock
            .held_seconds
            .filter(|_| not_measured(record).is_none())
            .map(|seconds| Prediction {
                point_seconds: seconds,
                lower_seconds: seconds * lower,
                upper_seconds: seconds * upper,
                level,
                basis,
            }),
    }
}

/// Returns the ends of the interval of a step's hold time, as multiples of its point.
fn spread(level: f64) -> impl Fn(&StepEstimate) -> Option<(f64, f64)> {
    move |step| {
        let interval = interval_at(&step.intervals, level);
        let (point, lower, upper) = match step.lock_hold {
            Some(hold) => (hold.point_seconds, hold.lower_seconds, hold.upper_seconds),
            None => (step.point_seconds, interval.lower_seconds, interval.upper_seconds),
        };
        (point > 0.0).then(|| (lower / point, upper / point))
    }
}

fn prediction(point_seconds: f64, interval: Interval, basis: Basis) -> Prediction {
    Prediction {
        point_seconds,
        lower_seconds: interval.lower_seconds,
        upper_seconds: interval.upper_seconds,
        level: interval.level,
        basis,
    }
}
