//! How long one run of the same work took in BASE and in NEW: the whole migration, or the places that both replayed.

use std::collections::BTreeMap;

use super::{Side, StepName};
use crate::model::priors::{RUN_SD, short_run_sd};
use crate::model::runs::{complete_runs, logarithm, mean_seconds, observations_of, step_seconds};
use crate::observation::{Observation, Rehearsal, StepRecord};
use crate::stats::difference::Difference;

/// Segments whose starts differ by at most this share of the walk are the same place.
const SAME_PLACE: f64 = 1e-3;

/// Weight of the prior spread, in measurements.
///
/// The prior spread is that of quiet machines and serves as a lower limit, because a few runs can be alike by chance.
/// On a busy machine runs differ by 40 to 65 % (`reports/aa`). There, with a prior of 6 %, the 95 % interval of five
/// runs against three would contain the true value only 77 % of the time with a weight of ten, and 87 % with a weight
/// of four.
const PRIOR_DEGREES_OF_FREEDOM: f64 = 1.0;

/// The seconds that are compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// Independent runs of each side.
    Runs {
        /// Seconds of each run of BASE.
        base: Vec<f64>,
        /// Seconds of each run of NEW.
        new: Vec<f64>,
    },
    /// Pairs of segments, run one after the other in random order, one with each migration.
    Pairs {
        /// Seconds that the whole walk would take at the rate of each segment, in BASE.
        base: Vec<f64>,
        /// The same in NEW, in the same order.
        new: Vec<f64>,
    },
}

impl Sample {
    /// Returns what was measured of each side.
    pub fn sides(&self) -> (Side, Side) {
        let (Sample::Runs { base, new } | Sample::Pairs { base, new }) = self;
        let side = |seconds: &[f64]| Side {
            runs: seconds.len(),
            mean_seconds: mean_seconds(seconds),
        };
        (side(base), side(new))
    }

    /// Returns the difference of the logarithms; `None` without any values.
    ///
    /// For runs, the spread is the measured one, or the pooled one with the prior if that is larger. For pairs, it is
    /// the measured one.
    pub fn difference(&self) -> Option<Difference> {
        let logarithms = |seconds: &[f64]| -> Vec<f64> { seconds.iter().map(|seconds| logarithm(*seconds)).collect() };
        match self {
            Sample::Runs { base, new } => {
                let prior_sd = RUN_SD.hypot(short_run_sd(mean_seconds(base)));
                let (base, new) = (logarithms(base), logarithms(new));
                let shown = Difference::between(&base, &new, 0.0, 0.0);
                let pooled = Difference::between(&base, &new, prior_sd, PRIOR_DEGREES_OF_FREEDOM)?;
                Some(
                    shown
                        .filter(|shown| shown.standard_error > pooled.standard_error)
                        .unwrap_or(pooled),
                )
            }
            Sample::Pairs { base, new } => {
                let differences: Vec<f64> = logarithms(new)
                    .iter()
                    .zip(logarithms(base))
                    .map(|(new, base)| new - base)
                    .collect();
                Difference::of_pairs(&differences)
            }
        }
    }
}

/// Returns the runs of the whole migration, or the reason why they did not do the same work.
pub fn of_whole(base: &Rehearsal, new: &Rehearsal) -> Result<Sample, String> {
    if in_pairs(base) && in_pairs(new) {
        return pairs_of(base, new);
    }
    if is_whole(base) && is_whole(new) {
        let seconds = |side: &Rehearsal| -> Vec<f64> {
            let runs = complete_runs(side).into_iter();
            runs.map(|run| side.steps.iter().map(|step| step_seconds(step, run)).sum())
                .collect()
        };
        return Ok(Sample::Runs {
            base: seconds(base),
            new: seconds(new),
        });
    }
    let mut sums: Option<(Vec<f64>, Vec<f64>)> = None;
    for (_, sample) in of_steps(base, new)? {
        let (Sample::Runs { base, new } | Sample::Pairs { base, new }) = sample?;
        sums = Some(match sums {
            None => (base, new),
            Some((bases, news)) => (added(&bases, &base), added(&news, &new)),
        });
    }
    let (base, new) = sums.ok_or("nothing was measured in both")?;
    Ok(Sample::Runs { base, new })
}

/// Returns the runs of each step that was measured on both sides, or the reason why the steps do not correspond.
#[expect(
    clippy::type_complexity,
    reason = "a list of steps, each with its sample or a reason"
)]
pub fn of_steps(base: &Rehearsal, new: &Rehearsal) -> Result<Vec<(StepName, Result<Sample, String>)>, String> {
    let correspond = |(base, new): (&StepRecord, &StepRecord)| base.kind == new.kind && base.table == new.table;
    if base.steps.len() != new.steps.len() || !base.steps.iter().zip(&new.steps).all(correspond) {
        return Err(format!(
            "the steps of BASE ({}) and NEW ({}) do not correspond, and not all of them were run whole",
            base.steps.len(),
            new.steps.len()
        ));
    }
    let (base_runs, new_runs) = (complete_runs(base), complete_runs(new));
    let steps = base.steps.iter().zip(&new.steps);
    Ok(steps
        .filter(|(base, new)| !base.observations.is_empty() || !new.observations.is_empty())
        .map(|(base, new)| {
            let name = StepName {
                number: new.number,
                kind: new.kind,
                statement: new.statement.clone(),
            };
            (name, of_step((base, &base_runs), (new, &new_runs)))
        })
        .collect())
}

type Runs<'a> = (&'a StepRecord, &'a [u32]);

fn of_step(base: Runs, new: Runs) -> Result<Sample, String> {
    let number = new.0.number;
    if base.0.observations.is_empty() || new.0.observations.is_empty() {
        let where_measured = if new.0.observations.is_empty() { "BASE" } else { "NEW" };
        return Err(format!("step {number} was measured in {where_measured} only"));
    }
    match (base.0.complete, new.0.complete) {
        (true, true) => {
            let seconds = |(step, runs): Runs| runs.iter().map(|run| step_seconds(step, *run)).collect();
            Ok(Sample::Runs {
                base: seconds(base),
                new: seconds(new),
            })
        }
        (false, false) => same_places(base, new).ok_or(format!("step {number} was replayed at other places")),
        _ => Err(format!("step {number} was run whole in one and in part in the other")),
    }
}

fn is_whole(rehearsal: &Rehearsal) -> bool {
    rehearsal.steps.iter().all(|step| step.complete)
}

fn in_pairs(rehearsal: &Rehearsal) -> bool {
    rehearsal.benchmark.as_ref().is_some_and(|benchmark| benchmark.in_pairs)
}

fn added(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| one + other).collect()
}

type Segments<'a> = BTreeMap<u32, Vec<&'a Observation>>;

fn segments(step: &StepRecord, run: u32) -> Segments<'_> {
    let mut segments = Segments::new();
    for observation in observations_of(step, run) {
        segments.entry(observation.segment).or_default().push(observation);
    }
    segments
}

/// Returns, for each run, the seconds of the whole walk at the rate of those batches that every run of both sides
/// replayed; `None` when there are no such batches.
fn same_places(base: Runs, new: Runs) -> Option<Sample> {
    let (base_runs, new_runs) = (segments_of(base), segments_of(new));
    let first = base_runs.first()?;
    let common: BTreeMap<u32, usize> = first
        .iter()
        .filter_map(|(segment, batches)| {
            let everywhere: Option<Vec<&Vec<&Observation>>> =
                base_runs.iter().chain(&new_runs).map(|run| run.get(segment)).collect();
            let everywhere = everywhere?;
            let begin = batches.first()?.position;
            let same = everywhere.iter().all(|batches| {
                batches
                    .first()
                    .is_some_and(|batch| (batch.position - begin).abs() < SAME_PLACE)
            });
            let fewest = everywhere.iter().map(|batches| batches.len()).min()?;
            same.then_some((*segment, fewest))
        })
        .collect();
    let seconds = |(step, _): Runs, runs: &[Segments]| -> Option<Vec<f64>> {
        runs.iter()
            .map(|run| {
                let batches = common
                    .iter()
                    .flat_map(|(segment, fewest)| run[segment].iter().take(*fewest).copied());
                walk_seconds(step, batches)
            })
            .collect()
    };
    Some(Sample::Runs {
        base: seconds(base, &base_runs)?,
        new: seconds(new, &new_runs)?,
    })
}

fn segments_of<'a>((step, runs): Runs<'a>) -> Vec<Segments<'a>> {
    runs.iter().map(|run| segments(step, *run)).collect()
}

/// Returns the seconds of the whole walk at the mean rate of some of its batches; `None` when all of them were warm-up.
fn walk_seconds<'a>(step: &StepRecord, batches: impl Iterator<Item = &'a Observation>) -> Option<f64> {
    let seconds: Vec<f64> = batches
        .filter(|batch| !batch.warm_up)
        .map(|batch| batch.working_seconds())
        .collect();
    let batching = step.batching.as_ref()?;
    let pace = seconds.iter().sum::<f64>() / seconds.len() as f64 + batching.batch_delay_seconds;
    (!seconds.is_empty()).then_some(pace * batching.total_batches)
}

/// Returns the segments of a duet as pairs, from the one batched step that both files have.
fn pairs_of(base: &Rehearsal, new: &Rehearsal) -> Result<Sample, String> {
    let walked = |side: &Rehearsal| side.steps.iter().position(|step| step.batching.is_some());
    let (Some(base_index), Some(new_index)) = (walked(base), walked(new)) else {
        return Err("a duet of segments needs a backfill in both".to_string());
    };
    let (base_step, new_step) = (&base.steps[base_index], &new.steps[new_index]);
    let (bases, news) = (segments(base_step, 0), segments(new_step, 0));
    let (base, new) = bases
        .iter()
        .filter_map(|(segment, batches)| {
            let base = walk_seconds(base_step, batches.iter().copied())?;
            let new = walk_seconds(new_step, news.get(segment)?.iter().copied())?;
            Some((base, new))
        })
        .unzip();
    Ok(Sample::Pairs { base, new })
}
