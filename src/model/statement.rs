//! The duration of a step that runs as one statement: its own runs, scaled to the target where its kind grows with rows.

use super::Target;
use super::estimate::Basis;
use super::evidence::ratio_rule;
use super::forecast::{Forecast, rate, rows_relative_sd, size_ratio};
use super::priors::{RUN_SD, scaling_sd};
use super::repeated::RepeatedRuns;
use crate::catalog::facts::TableFacts;
use crate::migration::StepKind;
use crate::observation::{LockRecord, StepRecord};

/// How a kind of work grows with the rows.
struct Growth {
    /// Duration grows as rows to this power; 0 when it does not depend on them.
    exponent: f64,
    /// Standard deviation of the logarithm that scaling by a factor of e adds.
    sd_per_e_fold: f64,
}

/// Predicts a step that is not batched; `None` when it was never measured. `table` is what is known of the clone's table.
pub fn forecast(
    step: &StepRecord,
    target: Option<&Target>,
    table: Option<&TableFacts>,
    confidence_level: f64,
) -> Option<Forecast> {
    let seconds: Vec<f64> = step
        .observations
        .iter()
        .map(|observation| observation.seconds)
        .collect();
    let runs = RepeatedRuns::new(&seconds)?;
    let clone_rows = step
        .total_rows
        .or(table.map(|table| table.estimated_rows))
        .filter(|rows| *rows > 0.0);
    let growth = growth(step.kind);
    let grows = growth.exponent > 0.0;
    let target = target.filter(|_| grows);
    let ratio = size_ratio(clone_rows, target);
    let factor = ratio.powf(growth.exponent);
    // On the clone the statement met the rows there are, however many: only another number of rows is uncertain.
    let rows_sd = target.map_or(0.0, |target| rows_relative_sd(step, Some(target)));
    let added_sd = scaling_sd(ratio, growth.sd_per_e_fold).hypot(rows_sd);
    let processed = match step.kind {
        StepKind::Dml => Some(mean_rows(step)),
        _ => clone_rows,
    };
    let rows = processed.filter(|_| grows).map(|rows| rows * ratio);
    let mean = runs.mean().scaled(factor);
    Some(Forecast {
        duration: runs.prediction().scaled(factor).widened(added_sd * added_sd),
        shared_deviation: std::f64::consts::SQRT_2 * RUN_SD,
        rows,
        rate: rows.and_then(|rows| rate(rows, mean.quantile(0.5), mean.central_interval(confidence_level))),
        wal_bytes: step.wal_bytes.map(|bytes| bytes as f64 * ratio),
        locks: locks(step, factor),
        basis: Basis::Rehearsal,
        too_thin: too_thin(step, ratio),
        assumptions: assumptions(step, ratio),
        warnings: warnings(step, &runs, ratio),
    })
}

/// Returns the rows that a run of the statement affected on average.
fn mean_rows(step: &StepRecord) -> f64 {
    let rows: u64 = step.observations.iter().map(|observation| observation.rows).sum();
    rows as f64 / step.observations.len().max(1) as f64
}

/// Returns how a kind grows: 1.01 is n log n of a sort between the sizes in question; rewrites meet the WAL's and the
/// checkpoints' limits only at full size (a quarter was 33 % too fast); what is not understood may not grow at all.
fn growth(kind: StepKind) -> Growth {
    let (exponent, sd_per_e_fold) = match kind {
        StepKind::CatalogOnly => (0.0, 0.0),
        StepKind::IndexBuild => (1.01, 0.1),
        StepKind::TableScan => (1.0, 0.1),
        StepKind::TableRewrite | StepKind::Dml | StepKind::Backfill => (1.0, 0.2),
        StepKind::Unclassified => (1.0, 0.5),
    };
    Growth {
        exponent,
        sd_per_e_fold,
    }
}

/// Returns the locks with their hold times scaled: a statement holds them as long as it runs.
fn locks(step: &StepRecord, factor: f64) -> Vec<LockRecord> {
    let scaled = |lock: &LockRecord| LockRecord {
        held_seconds: lock.held_seconds.map(|seconds| seconds * factor),
        ..lock.clone()
    };
    step.locks.iter().map(scaled).collect()
}

fn too_thin(step: &StepRecord, ratio: f64) -> Vec<String> {
    let unfinished = (!step.complete).then(|| "the statement did not run to its end".to_string());
    unfinished.into_iter().chain(ratio_rule(ratio)).collect()
}

fn assumptions(step: &StepRecord, ratio: f64) -> Vec<String> {
    if (ratio - 1.0).abs() < 1e-9 {
        return Vec::new();
    }
    let certainty = if step.kind == StepKind::Unclassified {
        ", which is not known of this kind"
    } else {
        ""
    };
    vec![format!(
        "The duration grows with the rows, {ratio:.2} times those of the clone{certainty}."
    )]
}

fn warnings(step: &StepRecord, runs: &RepeatedRuns, ratio: f64) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(cold) = runs.cold_seconds {
        warnings.push(format!(
            "The first run, with cold caches, took {} and is left out; the others count.",
            crate::units::Seconds(cold)
        ));
    }
    if step.kind == StepKind::TableRewrite && ratio > 2.0 {
        warnings.push(
            "A table rewrite can be half as slow again at full size, where checkpoints and WAL limit it: rehearse on a larger \
             clone."
                .to_string(),
        );
    }
    warnings
}
