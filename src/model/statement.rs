//! The duration of a step that runs as one statement: from its own runs when they had the predicted size, else from the
//! ladder of its runs on smaller tables.

use super::estimate::Basis;
use super::evidence::ratio_rule;
use super::forecast::{Forecast, SAME_SIZE, rate};
use super::ladder::{Climbed, Growth, Ladder, LadderRun};
use super::priors::{RUN_SD, short_run_sd};
use super::regimes::{Settings, Work, scaled_whole_run};
use super::repeated::RepeatedRuns;
use super::run_deviation::RunDeviation;
use super::scale::Scale;
use super::step_size::StepSize;
use super::{step_words, waits};
use crate::catalog::facts::TableFacts;
use crate::migration::{StepKind, only_sets_not_null};
use crate::observation::{EventKind, LockRecord, Rehearsal, StepRecord};
use crate::stats::log_mixture::LogMixture;

/// The prediction for a statement and its basis.
struct Predicted {
    duration: LogMixture,
    /// What is known of the mean.
    mean: LogMixture,
    basis: Basis,
    climbed: Option<Climbed>,
}

/// Predicts a step that is not batched; `None` when it was not measured. `table` is the clone's table.
pub fn forecast(
    rehearsal: &Rehearsal,
    step: &StepRecord,
    size: StepSize,
    table: Option<&TableFacts>,
    confidence_level: f64,
) -> Option<Forecast> {
    let kind = kind(step);
    let seconds: Vec<f64> = step.observations.iter().map(|one| one.working_seconds()).collect();
    let deviation = RunDeviation::learned(&rehearsal.run_history);
    let runs = RepeatedRuns::new(&seconds, &deviation)?;
    let clone_rows = step.total_rows.or(table.map(|table| table.estimated_rows));
    let clone_rows = clone_rows.filter(|rows| *rows > 0.0);
    let grows = grows(step, size);
    let multiple = size.multiple(step, clone_rows, grows);
    let ratio = multiple.work;
    let predicted = if ratio.ln().abs() <= SAME_SIZE.ln() {
        Predicted {
            duration: runs.prediction().scaled(ratio),
            mean: runs.mean().scaled(ratio),
            basis: Basis::Rehearsal,
            climbed: None,
        }
    } else {
        let scaled = Scaled {
            step,
            kind,
            table,
            ratio,
            is_observed: size.scale.is_some(),
        };
        climb(&ladder(rehearsal, &scaled, &seconds, &deviation))?
    };
    let processed = match kind {
        StepKind::Dml => Some(mean_rows(step)),
        _ => clone_rows,
    };
    let rows = processed.filter(|_| grows).map(|rows| rows * ratio);
    let mean = &predicted.mean.scaled(multiple.beyond);
    let factor = mean.quantile(0.5) / runs.mean().quantile(0.5);
    let repeats = size.scale.and_then(|scale| step_words::repeats(scale, rehearsal));
    let duration = predicted.duration.scaled(multiple.beyond);
    Some(Forecast {
        rate: rows.and_then(|rows| rate(rows, mean.quantile(0.5), mean.central_interval(confidence_level))),
        duration: duration.widened(multiple.log_sd.powi(2)),
        shared_deviation: std::f64::consts::SQRT_2 * deviation.root_mean_square(),
        short_kind: (short_run_sd(runs.mean().quantile(0.5)) > RUN_SD).then_some(kind),
        rows,
        wal_bytes: step.wal_bytes.map(|bytes| bytes as f64 * multiple.written),
        locks: waits::scaled_locks(step, factor),
        basis: predicted.basis,
        too_thin: too_thin(rehearsal, step, ratio, size.scale),
        assumptions: step_words::assumptions(kind, ratio, size.scale, predicted.climbed.as_ref()),
        warnings: waits::warnings(step).into_iter().chain(repeats).collect(),
    })
}

/// Says whether the step takes longer where there are more rows: not if it only changes the catalog, as far as its text
/// and what was observed of it tell.
pub fn grows(step: &StepRecord, size: StepSize) -> bool {
    kind(step) != StepKind::CatalogOnly || size.scale.is_some_and(|scale| scale.worked)
}

/// Returns the kind of work of the statement; if its text does not show it, what it did on the clone does.
pub fn kind(step: &StepRecord) -> StepKind {
    match step.kind {
        StepKind::Unclassified if !step.rewritten.is_empty() => StepKind::TableRewrite,
        StepKind::TableScan if believed_a_check(step) => StepKind::CatalogOnly,
        kind => kind,
    }
}

/// Says whether the server believed a constraint instead of reading the table, as it does for `SET NOT NULL` where a
/// valid CHECK was there before the migration. Only a session of our own tells scans: its locks are measured exactly.
fn believed_a_check(step: &StepRecord) -> bool {
    let own_session = |lock: &LockRecord| lock.sampled_every_seconds.is_none();
    !step.observations.is_empty()
        && step.scanned.is_empty()
        && !step.locks.is_empty()
        && step.locks.iter().all(own_session)
        && only_sets_not_null(&step.statement)
}

/// A statement and the table that it is predicted for.
struct Scaled<'a> {
    step: &'a StepRecord,
    kind: StepKind,
    /// The clone's table.
    table: Option<&'a TableFacts>,
    /// How many times as large the other is.
    ratio: f64,
    /// Whether what it did to each relation was observed.
    is_observed: bool,
}

/// Collects the runs of the statement, with sizes as fractions of the predicted table.
fn ladder(rehearsal: &Rehearsal, scaled: &Scaled, seconds: &[f64], deviation: &RunDeviation) -> Ladder {
    let Scaled {
        step,
        kind,
        table,
        ratio,
        is_observed,
    } = *scaled;
    let run = |fraction: f64, seconds: f64| LadderRun {
        fraction: fraction / ratio,
        seconds,
    };
    let mut runs: Vec<LadderRun> = Vec::new();
    // The clone's own run does not count when its sort had more memory, relative to the table, than in production.
    if kind != StepKind::IndexBuild || scaled_whole_run(step).is_none() {
        runs.extend(seconds.iter().map(|seconds| run(1.0, *seconds)));
    }
    let record = step.ladder.as_ref();
    let rungs = record.iter().flat_map(|record| &record.rungs);
    runs.extend(rungs.map(|rung| run(rung.fraction, rung.seconds)));
    let settings = Settings(&rehearsal.server.settings);
    Ladder {
        runs,
        empty_seconds: record.map_or(0.0, |record| record.empty_seconds),
        thresholds: table.map_or(Vec::new(), |table| {
            settings.thresholds(&Work::new(step, kind, table, ratio))
        }),
        growth: growth(kind, is_observed),
        deviation: deviation.clone(),
    }
}

fn climb(ladder: &Ladder) -> Option<Predicted> {
    let climbed = ladder.climb()?;
    Some(Predicted {
        duration: climbed.prediction.clone(),
        mean: climbed.mean.clone(),
        basis: Basis::Ladder,
        climbed: Some(climbed),
    })
}

/// Returns the rows that a run of the statement affected on average.
fn mean_rows(step: &StepRecord) -> f64 {
    let rows: u64 = step.observations.iter().map(|observation| observation.rows).sum();
    rows as f64 / step.observations.len().max(1) as f64
}

/// Returns how the duration of a statement of this kind grows with its table.
///
/// Index builds and scans do more of the same. Rewrites and single statements over many rows also meet bloat and more
/// checkpoints (the prediction from a rewrite at a quarter of the size was 33 % too fast). Unclassified work that was
/// not observed may not grow at all.
fn growth(kind: StepKind, is_observed: bool) -> Growth {
    let sd_per_e_fold = match kind {
        StepKind::IndexBuild | StepKind::TableScan | StepKind::CatalogOnly => 0.04,
        StepKind::TableRewrite => 0.1,
        StepKind::Dml | StepKind::Backfill => 0.2,
        StepKind::Unclassified if is_observed => 0.2,
        StepKind::Unclassified => 0.5,
    };
    Growth {
        sd_per_e_fold,
        ..Growth::default()
    }
}

fn too_thin(rehearsal: &Rehearsal, step: &StepRecord, ratio: f64, scale: Option<&Scale>) -> Vec<String> {
    let unfinished = (!step.complete).then(|| "the statement did not run to its end".to_string());
    let rewrites = kind(step) == StepKind::TableRewrite && ratio > SAME_SIZE;
    let cycle = rewrites.then(|| cycle_rule(rehearsal, step, ratio)).flatten();
    let size = match scale {
        Some(scale) => scale.too_thin.clone(),
        None => ratio_rule(ratio).into_iter().collect(),
    };
    unfinished.into_iter().chain(size).chain(cycle).collect()
}

/// Returns, if it is not met, the rule that the longest run of a rewrite must have included a checkpoint cycle.
fn cycle_rule(rehearsal: &Rehearsal, step: &StepRecord, ratio: f64) -> Option<String> {
    let seconds = step.observations.iter().map(|one| one.seconds).fold(0.0, f64::max);
    let wal_bytes = step.wal_bytes.unwrap_or(0) as f64;
    let cycles = Settings(&rehearsal.server.settings).cycles(seconds, wal_bytes)?;
    let of_step = rehearsal
        .events
        .iter()
        .filter(|event| (event.step, event.run) == (step.number, 0));
    let complete = of_step.filter(|event| event.event == EventKind::CheckpointComplete);
    cycles.unmet_rule(ratio, complete.count())
}
