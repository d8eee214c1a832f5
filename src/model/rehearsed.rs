//! Estimates the rehearsed steps: combines their forecasts and checks whether their evidence is enough.

use super::assemble::{Told, assemble, tell_common};
use super::backfill::Known;
use super::estimate::{Basis, Estimate, Origin, TargetKind};
use super::forecast::Forecast;
use super::hardware::Hardware;
use super::options::EstimateOptions;
use super::regimes::Settings;
use super::rule_of_thumb::UnmeasuredStep;
use super::run_deviation::RunDeviation;
use super::scale::scales;
use super::step_size::StepSize;
use super::thin_clone::Fullness;
use super::{backfill, forecast, learned, lock_holds, priors, rule_of_thumb, statement, storage};
use crate::catalog::facts::TableFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::StepKind;
use crate::observation::{EndReason, EventKind, Rehearsal, StepRecord, Target};

/// Estimates the steps of a rehearsal, without its rollback; see [`estimate`](super::estimate()).
///
/// # Errors
/// The same as of [`estimate`](super::estimate()).
pub(super) fn estimate(
    rehearsal: &Rehearsal,
    targets: &[Option<Target>],
    options: &EstimateOptions,
) -> Result<Estimate> {
    check_question(rehearsal, options)?;
    let fullness = Fullness::new(rehearsal, targets);
    let scales = scales(rehearsal, targets, options.growth.map(|growth| growth.factor()));
    let size = |index: usize| StepSize {
        target: targets.get(index).and_then(Option::as_ref),
        scale: scales.get(index).and_then(Option::as_ref),
    };
    let sizes: Vec<StepSize> = (0..rehearsal.steps.len()).map(size).collect();
    let mut told: Vec<Told> = rehearsal
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| Told {
            number: step.number,
            kind: statement::kind(step),
            statement: step.statement.clone(),
            table: step.table.clone(),
            forecast: forecast_step(rehearsal, step, sizes[index], &fullness, options.level),
            lock_hold: None,
        })
        .collect();
    let is_for_production = targets.iter().any(Option::is_some);
    let transfer = options.transfer.as_ref().filter(|_| is_for_production);
    // Outcomes contain the difference in hardware already.
    let hardware = options.hardware.as_ref().filter(|_| transfer.is_none());
    if let Some(hardware) = hardware {
        shift(&mut told, rehearsal, targets, hardware, options.level);
    }
    lock_holds::until_commit(&mut told, &rehearsal.steps, options.level);
    let mut too_thin = too_thin(&told);
    too_thin.extend(broken_off(rehearsal));
    if !too_thin.is_empty() && !options.provisional {
        return Err(Error::new(
            ErrorKind::TooLittleEvidence,
            format!("too little evidence to promise a duration: {}", too_thin.join("; ")),
        )
        .with_hint(what_to_do(&told, is_thin(rehearsal, &sizes, &fullness))));
    }
    let mut estimate = assemble(told, options, too_thin);
    storage::tell(&mut estimate, rehearsal, &sizes, options.free_disk);
    estimate.origin = Some(origin(rehearsal, targets));
    if let Some(transfer) = transfer {
        learned::apply(&mut estimate, transfer, options.window);
    }
    tell_common(&mut estimate, rehearsal, options);
    if let Some(hardware) = hardware {
        let measured = estimate.steps.iter().filter(|step| step.basis != Basis::RuleOfThumb);
        let kinds: Vec<StepKind> = measured.map(|step| step.kind).collect();
        // The first sentence says that hardware is alike.
        estimate.assumptions.splice(..1, hardware.told(&kinds));
    }
    Ok(estimate)
}

/// Returns what the estimate is of.
fn origin(rehearsal: &Rehearsal, targets: &[Option<Target>]) -> Origin {
    Origin {
        migration: rehearsal.migration.clone(),
        rehearsed_at: rehearsal.started_at.clone(),
        migtime_version: env!("CARGO_PKG_VERSION").to_string(),
        server_version_num: rehearsal.server.version_num,
        target: match targets.iter().any(Option::is_some) {
            _ if rehearsal.throwaway => TargetKind::Throwaway,
            true => TargetKind::Production,
            false => TargetKind::Clone,
        },
    }
}

/// Shifts the forecasts to production's hardware.
fn shift(told: &mut [Told], rehearsal: &Rehearsal, targets: &[Option<Target>], hardware: &Hardware, level: f64) {
    for (index, (told, step)) in told.iter_mut().zip(&rehearsal.steps).enumerate() {
        let pauses = step.batching.as_ref().map_or(0.0, |batching| {
            let walked = targets.get(index).copied().flatten().and_then(|target| target.batches);
            let by_rows = || told.forecast.rows.unwrap_or_default() / batching.batch_size.max(1) as f64;
            batching.batch_delay_seconds * (walked.unwrap_or_else(by_rows) - 1.0).max(0.0)
        });
        hardware.shift(told.kind, pauses, level, &mut told.forecast);
    }
}

/// Returns advice on how to get enough evidence: more batches for a backfill, a larger table for a statement.
fn what_to_do(told: &[Told], clone_is_thin: bool) -> &'static str {
    let mut thin = told.iter().filter(|told| !told.forecast.too_thin.is_empty());
    if clone_is_thin || thin.all(|told| told.kind == StepKind::TableRewrite) {
        "rehearse on a clone nearer to production's size, or see the numbers as they are with --provisional"
    } else {
        "rehearse more (--full, or a longer --max-duration), or see the numbers as they are with --provisional"
    }
}

fn check_question(rehearsal: &Rehearsal, options: &EstimateOptions) -> Result<()> {
    if !(options.level > 0.0 && options.level < 1.0) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("level {} is not between 0 and 1", options.level),
        )
        .with_hint("0.95 means right 95 % of the time"));
    }
    if rehearsal.steps.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "the rehearsal has no steps"));
    }
    Ok(())
}

/// Returns the forecast of one step: from its batches, from its runs, or by rule of thumb if it was not reached.
fn forecast_step(
    rehearsal: &Rehearsal,
    step: &StepRecord,
    size: StepSize,
    fullness: &Fullness,
    level: f64,
) -> Forecast {
    let target = size.target;
    let table = table_of(rehearsal, step);
    let forecast = match &step.batching {
        Some(batching) => {
            let deviation = RunDeviation::learned(&rehearsal.run_history);
            let known = Known {
                deviation: &deviation,
                checkpoints: checkpoints(rehearsal, step),
                settings: Settings(&rehearsal.server.settings),
                table,
            };
            backfill::forecast(step, batching, target, &known, level)
        }
        None => statement::forecast(rehearsal, step, size, table, level),
    };
    let mut forecast = match forecast {
        Some(mut forecast) => {
            let reason = step.passed_over.iter();
            forecast
                .warnings
                .extend(reason.map(|reason| format!("It was not judged: {reason}.")));
            forecast
        }
        None => unmeasured(step, target, table, level),
    };
    let how_it_runs = step.notes.iter().map(|note| format!("How it runs: {note}."));
    forecast.assumptions.extend(how_it_runs);
    forecast
        .too_thin
        .extend(fullness.unmet_rule(step, statement::kind(step), size));
    if !forecast.too_thin.is_empty() {
        forecast.duration = forecast.duration.widened(priors::PROVISIONAL_VARIANCE);
    }
    forecast
}

fn unmeasured(step: &StepRecord, target: Option<&Target>, table: Option<&TableFacts>, level: f64) -> Forecast {
    let unmeasured = UnmeasuredStep {
        number: step.number,
        kind: step.kind,
        statement: step.statement.clone(),
        table,
        rows: target.map(|target| target.rows).or(step.total_rows),
        rows_relative_sd: forecast::rows_relative_sd(step, target),
        joins: false,
        pause_seconds: 0.0,
    };
    let nothing_to_do = step.complete && unmeasured.rows.is_none_or(|rows| rows < 1.0);
    let mut forecast = rule_of_thumb::forecast(&unmeasured, level);
    match &step.passed_over {
        // Not an evidence rule: a wide but honest interval is still useful, and its width shows how little is known.
        Some(reason) => forecast.warnings.push(format!("It was not measured: {reason}.")),
        None if nothing_to_do => {}
        None => forecast.too_thin.push("nothing of it was measured".to_string()),
    }
    forecast
}

/// Returns what is known of the table of a step.
pub(super) fn table_of<'facts>(rehearsal: &'facts Rehearsal, step: &StepRecord) -> Option<&'facts TableFacts> {
    let name = step.table.as_ref()?;
    rehearsal.tables.iter().find(|table| table.name == *name)
}

/// Returns the checkpoints completed during one step; `None` when no server was observed, as for a batch log.
fn checkpoints(rehearsal: &Rehearsal, step: &StepRecord) -> Option<u64> {
    let complete =
        |event: &&crate::observation::Event| event.step == step.number && event.event == EventKind::CheckpointComplete;
    (rehearsal.server.version_num > 0).then(|| rehearsal.events.iter().filter(complete).count() as u64)
}

fn is_thin(rehearsal: &Rehearsal, sizes: &[StepSize], fullness: &Fullness) -> bool {
    let mut steps = rehearsal.steps.iter().zip(sizes);
    steps.any(|(step, size)| {
        let scale = size.scale.is_some_and(|scale| !scale.too_thin.is_empty());
        scale || fullness.unmet_rule(step, statement::kind(step), *size).is_some()
    })
}

/// Returns, if it is not met, the rule that the rehearsal must have run to its end: what had run before may have been
/// undone.
fn broken_off(rehearsal: &Rehearsal) -> Option<String> {
    let ended = rehearsal.ended.as_ref()?;
    matches!(ended.reason, EndReason::Failed | EndReason::ConnectionLost)
        .then(|| format!("the rehearsal did not come to its end: {}", ended.message))
}

fn too_thin(told: &[Told]) -> Vec<String> {
    let several = told.len() > 1;
    told.iter()
        .flat_map(|told| told.forecast.too_thin.iter().map(move |rule| (told.number, rule)))
        .map(|(number, rule)| {
            if several {
                format!("step {number}: {rule}")
            } else {
                rule.clone()
            }
        })
        .collect()
}
