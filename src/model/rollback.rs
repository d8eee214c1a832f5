//! Estimates how long the rollback takes, for the table size at which it will run.
//!
//! The rollback was rehearsed after the migration. If the migration was replayed only in part, the rollback had to undo
//! only that part of the changed rows. Its work on rows is then scaled up to all of them, and the estimate says so.

use super::estimate::{RollbackEstimate, Total};
use super::options::EstimateOptions;
use super::rehearsed;
use crate::catalog::facts::TableFacts;
use crate::error::Result;
use crate::migration::StepKind;
use crate::observation::{EndReason, Rehearsal, RollbackRecord, StepRecord, Target};
use crate::units::Seconds;

/// Returns the estimate of the rollback; `None` when it was not rehearsed. `targets` are those of the migration's
/// steps.
///
/// # Errors
/// `Usage` for a level outside (0, 1).
pub fn rollback(
    rehearsal: &Rehearsal,
    targets: &[Option<Target>],
    options: &EstimateOptions,
) -> Result<Option<RollbackEstimate>> {
    let Some(record) = &rehearsal.rollback else {
        return Ok(None);
    };
    let mut told = RollbackEstimate {
        file: record.file.clone(),
        verdict: record.verdict(),
        ended: record.ended.as_ref().map(|ended| ended.message.clone()),
        changes: record.changes.len(),
        undone: record.undone(),
        differences: record.differences.clone(),
        irreversible: record.irreversible.clone(),
        reapplied: record.reapplied.clone(),
        total: None,
        too_thin: Vec::new(),
        steps: Vec::new(),
        assumptions: Vec::new(),
    };
    let finished = record.ended.as_ref().is_some_and(|ended| {
        !matches!(
            ended.reason,
            EndReason::Failed | EndReason::ConnectionLost | EndReason::Interrupted
        )
    });
    if !finished || record.steps.is_empty() {
        return Ok(Some(told));
    }
    let of_steps: Vec<Option<Target>> = record
        .steps
        .iter()
        .map(|step| target(rehearsal, targets, step))
        .collect();
    let options = EstimateOptions {
        window: None,
        // Missing evidence is reported next to the number; it must not withhold the migration's own estimate.
        provisional: true,
        ..*options
    };
    let estimate = rehearsed::estimate(&alone(rehearsal, record), &of_steps, &options)?;
    told.total = Some(Total {
        percentiles: Vec::new(),
        ..estimate.total
    });
    told.too_thin = estimate.too_thin;
    told.steps = estimate.steps;
    told.assumptions = record
        .after_part_of
        .iter()
        .map(|number| scaled(rehearsal, *number))
        .collect();
    Ok(Some(told))
}

/// Returns the rollback as a rehearsal of its own.
fn alone(rehearsal: &Rehearsal, record: &RollbackRecord) -> Rehearsal {
    Rehearsal {
        migration: record.file.clone(),
        throwaway: rehearsal.throwaway,
        server: rehearsal.server.clone(),
        tables: rehearsal.tables.clone(),
        steps: record.steps.clone(),
        events: record.events.clone(),
        ended: record.ended.clone(),
        ..Rehearsal::default()
    }
}

/// Returns how large a step of the rollback is. Its rehearsed size is multiplied by how much larger production is than
/// the clone, and by how many more rows the migration changes than its rehearsal did.
fn target(rehearsal: &Rehearsal, targets: &[Option<Target>], step: &StepRecord) -> Option<Target> {
    let table = step.table.as_ref()?;
    let facts = rehearsal.tables.iter().find(|facts| facts.name == *table);
    let clone_rows = step.total_rows.or(facts.map(|facts| facts.estimated_rows))?;
    let (growth, growth_sd) = growth(rehearsal, targets, table, facts).unwrap_or((1.0, 0.0));
    let changes_rows = matches!(step.kind, StepKind::Backfill | StepKind::Dml);
    let (part, part_sd) = part(rehearsal, table).filter(|_| changes_rows).unwrap_or((1.0, 0.0));
    if (growth - 1.0).abs() < 1e-9 && (part - 1.0).abs() < 1e-9 {
        return None;
    }
    Some(Target {
        rows: clone_rows * growth * part,
        rows_relative_sd: growth_sd.hypot(part_sd).hypot(step.total_rows_relative_sd),
        batches: None,
        table_rows: None,
    })
}

/// Returns the rows of production's table as a multiple of the clone's, with their relative standard deviation.
fn growth(
    rehearsal: &Rehearsal,
    targets: &[Option<Target>],
    table: &str,
    facts: Option<&TableFacts>,
) -> Option<(f64, f64)> {
    let steps = rehearsal.steps.iter().zip(targets);
    let mut known = steps
        .filter(|(step, _)| step.table.as_deref() == Some(table))
        .filter_map(|(step, target)| {
            let clone_rows = step.total_rows.or(facts.map(|facts| facts.estimated_rows))?;
            let target = (*target)?;
            (clone_rows > 0.0).then(|| (target.rows / clone_rows, target.rows_relative_sd))
        });
    known.next()
}

/// Returns how many times as many rows of a table the migration's backfills change as they did in the rehearsal.
fn part(rehearsal: &Rehearsal, table: &str) -> Option<(f64, f64)> {
    let partial =
        |step: &&StepRecord| step.batching.is_some() && !step.complete && step.table.as_deref() == Some(table);
    let (mut total, mut done, mut sd) = (0.0, 0.0, 0.0_f64);
    for step in rehearsal.steps.iter().filter(partial) {
        total += step.total_rows?;
        done += rows_of_first_run(step);
        sd = sd.max(step.total_rows_relative_sd);
    }
    (done > 0.0 && total > done).then(|| (total / done, sd))
}

fn rows_of_first_run(step: &StepRecord) -> f64 {
    let first_run = step.observations.iter().filter(|observation| observation.run == 0);
    first_run.map(|observation| observation.rows as f64).sum()
}

fn scaled(rehearsal: &Rehearsal, number: u32) -> String {
    let step = rehearsal.steps.iter().find(|step| step.number == number);
    match step {
        Some(step) if step.passed_over.is_none() && step.batching.is_some() => {
            let share = rows_of_first_run(step) / step.total_rows.unwrap_or(f64::NAN);
            let seconds: f64 = step.observations.iter().map(|observation| observation.seconds).sum();
            format!(
                "When the rollback ran, {:.0} % of the rows of step {number} had been changed (in {}); its work on \
                 rows is scaled up to all of them. --full measures it on all.",
                100.0 * share.min(1.0),
                Seconds(seconds)
            )
        }
        _ => format!(
            "Step {number} had not run to its end when the rollback was rehearsed; --full rehearses both whole."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch_log;
    use crate::observation::Ending;

    /// A migration of 40,000 rows, of which 100 batches of 100 were replayed, and the rollback of these batches.
    fn rehearsed() -> Rehearsal {
        let log = |batches: usize| "rows,seconds\n".to_string() + &"100,0.01\n".repeat(batches);
        let mut rehearsal = batch_log::read(&log(100), "log.csv", 40_000.0).expect("a batch log");
        rehearsal.steps[0].table = Some("public.t".to_owned());
        let mut back = batch_log::read(&log(100), "log.csv", 10_000.0).expect("a batch log");
        back.steps[0].table = Some("public.t".to_owned());
        rehearsal.rollback = Some(RollbackRecord {
            steps: back.steps,
            after_part_of: vec![1],
            differences: Some(Vec::new()),
            ended: Some(Ending {
                reason: EndReason::Complete,
                message: String::new(),
            }),
            ..RollbackRecord::default()
        });
        rehearsal
    }

    fn seconds(rehearsal: &Rehearsal, targets: &[Option<Target>]) -> f64 {
        let told = rollback(rehearsal, targets, &EstimateOptions::default())
            .expect("an estimate")
            .expect("a rollback");
        told.total.expect("it ran").point_seconds
    }

    #[test]
    fn the_rollback_of_a_part_is_scaled_to_the_whole() {
        // 400 batches of 10 ms, of which the rollback had to undo 100.
        let found = seconds(&rehearsed(), &[]);
        assert!((found / 4.0 - 1.0).abs() < 0.1, "{found} s");
    }

    #[test]
    fn production_makes_the_rollback_longer_too() {
        let target = Some(Target {
            rows: 80_000.0,
            rows_relative_sd: 0.0,
            batches: None,
            table_rows: None,
        });
        let found = seconds(&rehearsed(), &[target]);
        assert!((found / 8.0 - 1.0).abs() < 0.1, "{found} s");
    }

    #[test]
    fn a_rollback_that_failed_has_no_duration() {
        let mut rehearsal = rehearsed();
        if let Some(Ending { reason, .. }) = rehearsal.rollback.as_mut().and_then(|record| record.ended.as_mut()) {
            *reason = EndReason::Failed;
        }
        let told = rollback(&rehearsal, &[], &EstimateOptions::default()).expect("no error");
        assert!(told.expect("a rollback").total.is_none());
    }
}
