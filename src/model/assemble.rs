//! Combines the forecasts of the steps into the reported estimate: the total, the shares of variance, the sentences.
//!
//! Predicts nothing itself.

use super::estimate::{Basis, Estimate, LockHold, StepEstimate, interval_at};
use super::forecast::Forecast;
use super::options::EstimateOptions;
use super::{total, transfer, unlike_production};
use crate::migration::StepKind;
use crate::observation::{EndReason, FORMAT_VERSION, Load, Rehearsal, Resumption};
use crate::units::{Seconds, counted};

/// A step's forecast, with what identifies the step to the reader.
pub struct Told {
    /// Number of the step.
    pub number: u32,
    /// Kind of work.
    pub kind: StepKind,
    /// The statement as written.
    pub statement: String,
    /// Main table.
    pub table: Option<String>,
    /// What is predicted for it.
    pub forecast: Forecast,
    /// How long its locks are held, where later steps share its transaction.
    pub lock_hold: Option<LockHold>,
}

/// Combines the forecasts of the steps into one estimate; there must be at least one.
pub fn assemble(told: Vec<Told>, options: &EstimateOptions, too_thin: Vec<String>) -> Estimate {
    let forecasts: Vec<&Forecast> = told.iter().map(|told| &told.forecast).collect();
    let sum = total::sum(&forecasts, options.level, options.window, options.seed);
    Estimate {
        kind: "estimate".to_string(),
        format_version: FORMAT_VERSION,
        seed: options.seed,
        level: options.level,
        basis: weakest_basis(&forecasts, &sum.shares),
        provisional: !too_thin.is_empty(),
        too_thin,
        origin: None,
        learned: None,
        assumptions: sentences(&told, |forecast| &forecast.assumptions),
        warnings: sentences(&told, |forecast| &forecast.warnings),
        total: sum.total,
        steps: told
            .into_iter()
            .zip(sum.shares)
            .map(|(told, share)| step_estimate(told, share, options.level))
            .collect(),
        storage: None,
        actual_seconds: None,
        rollback: None,
    }
}

/// Collects the sentences of all steps; when there are several steps, each sentence starts with its step's number.
fn sentences(told: &[Told], of: fn(&Forecast) -> &Vec<String>) -> Vec<String> {
    told.iter()
        .flat_map(|step| of(&step.forecast).iter().map(|sentence| (step.number, sentence)))
        .map(|(number, sentence)| match told {
            [_] => sentence.clone(),
            _ => format!("Step {number}: {sentence}"),
        })
        .collect()
}

fn step_estimate(told: Told, share_of_variance: f64, level: f64) -> StepEstimate {
    let forecast = told.forecast;
    StepEstimate {
        number: told.number,
        kind: told.kind,
        statement: told.statement,
        table: told.table,
        rows: forecast.rows,
        point_seconds: forecast.duration.quantile(0.5),
        intervals: total::intervals(&forecast.duration, level),
        on_clone: None,
        rows_per_second: forecast.rate,
        basis: forecast.basis,
        locks: forecast.locks,
        lock_hold: told.lock_hold,
        wal_bytes: forecast.wal_bytes,
        wal_interval: None,
        disk: None,
        share_of_variance,
    }
}

/// Returns the weakest basis among the steps that contribute at least a tenth of the total's variance, or among all
/// steps if no step contributes that much.
fn weakest_basis(forecasts: &[&Forecast], shares: &[f64]) -> Basis {
    let strength = |basis: &Basis| match basis {
        Basis::RuleOfThumb => 0,
        Basis::Ladder => 1,
        Basis::Rehearsal => 2,
    };
    let matters = forecasts.iter().zip(shares).filter(|(_, share)| **share >= 0.1);
    matters
        .map(|(forecast, _)| forecast.basis)
        .min_by_key(strength)
        .or_else(|| forecasts.iter().map(|forecast| forecast.basis).min_by_key(strength))
        .unwrap_or(Basis::Rehearsal)
}

/// Adds the assumptions and warnings that apply to every estimate from a rehearsal.
pub fn tell_common(estimate: &mut Estimate, rehearsal: &Rehearsal, options: &EstimateOptions) {
    let machine = about_the_machine(estimate, rehearsal, options);
    estimate.assumptions.splice(0..0, machine);
    estimate.assumptions.extend(unlike_production::adopted(rehearsal));
    estimate.warnings.splice(0..0, unlike_production::warnings(rehearsal));
    estimate
        .assumptions
        .push("Locks are granted without waiting.".to_string());
    for table in rehearsal.tables.iter().filter(|table| !table.triggers.is_empty()) {
        estimate.warnings.push(format!(
            "{} has row triggers ({}); their work is part of what was measured, their effects elsewhere are not.",
            table.name,
            table.triggers.join(", ")
        ));
    }
    for resumption in &rehearsal.resumptions {
        estimate.warnings.push(went_on(resumption));
    }
    let cut_off = |reason| {
        matches!(
            reason,
            EndReason::Failed | EndReason::ConnectionLost | EndReason::Interrupted
        )
    };
    if let Some(ending) = rehearsal.ended.as_ref().filter(|ending| cut_off(ending.reason)) {
        estimate
            .warnings
            .push(format!("The rehearsal did not come to its end: {}", ending.message));
    }
}

/// Says how production's machine is allowed for.
fn about_the_machine(estimate: &Estimate, rehearsal: &Rehearsal, options: &EstimateOptions) -> Vec<String> {
    if let Some(learned) = &estimate.learned {
        let interval = interval_at(&learned.on_clone.intervals, estimate.level);
        return vec![format!(
            "Production's hardware, settings and load differ from the clone's as they did for {}: it takes {:.2} times \
             as long there. By the rehearsal alone: {}, with {:.0} % probability between {} and {}.",
            counted(learned.outcomes, "recorded outcome", "recorded outcomes"),
            learned.factor,
            Seconds(learned.on_clone.point_seconds),
            100.0 * interval.level,
            Seconds(interval.lower_seconds),
            Seconds(interval.upper_seconds),
        )];
    }
    let mut sentences = vec![format!(
        "Hardware, settings and load are like those of the rehearsal{}; load alone has been seen to change a duration \
         2.5-fold.",
        beside(rehearsal.load)
    )];
    if rehearsal.server.version_num > 0 && !rehearsal.throwaway {
        sentences.push(match options.transfer {
            None => format!(
                "The interval is the clone's, not production's: no recorded outcome is known (`migtime record`). \
                 Until then, expect production's duration within a factor of {:.1} of it, at {:.0} %.",
                transfer::prior_factor(options.level),
                100.0 * options.level
            ),
            Some(transfer) => format!(
                "The interval is the clone's, not production's: {} will be applied where production's size is known \
                 (`--production`).",
                counted(transfer.outcomes(), "recorded outcome", "recorded outcomes")
            ),
        });
    }
    sentences
}

/// Says what was going on beside the rehearsal.
fn beside(load: Option<Load>) -> String {
    let Some(load) = load else { return String::new() };
    let sessions = load
        .other_sessions
        .map(|count| format!("{count:.1} other sessions active"));
    let tasks = load
        .runnable_tasks
        .map(|count| format!("{count:.1} tasks running or waiting for a processor"));
    let parts: Vec<String> = sessions.into_iter().chain(tasks).collect();
    if parts.is_empty() {
        return String::new();
    }
    format!(" (on average {})", parts.join(" and "))
}

fn went_on(resumption: &Resumption) -> String {
    let away = resumption
        .away_seconds
        .map(|seconds| format!(", {} later,", Seconds(seconds)));
    format!(
        "The rehearsal was cut off and went on{} at step {}: what was cached before may not have been any more; the \
         time in between is not counted.",
        away.unwrap_or_default(),
        resumption.step
    )
}
