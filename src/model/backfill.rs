//! The duration of a batched step: kriging of the replayed places, or the whole runs themselves when there are any.

use super::Target;
use super::blocks::{self, Block, WorkUnit};
use super::estimate::Basis;
use super::evidence::{Evidence, Extent, unmet_rules};
use super::forecast::{Forecast, rate, rows_relative_sd, size_ratio};
use super::kriging::{self, MeanCost};
use super::priors::{DRIFT_MEAN, DRIFT_SD, LONE_BLOCK_SD, RUN_SD, scaling_sd};
use super::repeated::{RepeatedRuns, student};
use super::residuals::changes_pace;
use super::wave;
use crate::catalog::facts::TableFacts;
use crate::migration::Walk;
use crate::observation::{BatchingRecord, StepRecord};
use crate::stats::log_mixture::{Component, LogMixture};
use crate::units::{Count, Seconds};

/// What running on more rows than were measured adds to the logarithm's standard deviation, at a factor of e.
const SCALING_SD: f64 = 0.05;

/// What was measured of one step, in numbers.
struct Measured<'step> {
    step: &'step StepRecord,
    batching: &'step BatchingRecord,
    blocks: Vec<Block>,
    unit: WorkUnit,
    extent: Extent,
    /// Batches and rows of the clone's whole walk.
    batches: f64,
    rows: f64,
}

/// Work to be predicted.
struct Plan {
    rows: f64,
    batches: f64,
    /// In the unit of the measured blocks.
    work: f64,
    work_relative_sd: f64,
    ratio: f64,
}

/// Whole runs found among the observations: seconds in batches, in the order of the runs.
struct WholeRuns {
    seconds: Vec<f64>,
    batches: f64,
    rows: f64,
}

/// Predicts a batched step; `checkpoints` is `None` when nobody watched for them, `table` what is known of the clone's table.
pub fn forecast(
    step: &StepRecord,
    batching: &BatchingRecord,
    target: Option<&Target>,
    checkpoints: Option<u64>,
    table: Option<&TableFacts>,
    confidence_level: f64,
) -> Option<Forecast> {
    let whole_runs = whole_runs(step);
    let measured = Measured::new(step, batching, whole_runs.as_ref())?;
    let plan = Plan::new(&measured, target);
    let stretches = blocks::stretches(&step.observations);
    let evidence = Evidence {
        batches: step.observations.len(),
        segments: stretches.len(),
        checkpoints,
        extent: measured.extent,
        ratio: plan.ratio,
    };
    let (execution, mean) = match &whole_runs {
        Some(runs) => {
            let factor = plan.work / measured.unit.work(runs.batches, runs.rows);
            let repeated = RepeatedRuns::new(&runs.seconds)?;
            (repeated.prediction().scaled(factor), repeated.mean().scaled(factor))
        }
        None => extrapolated(&measured, &plan, table)?,
    };
    let scaling = scaling_sd(plan.ratio, SCALING_SD).powi(2);
    let delay = batching.batch_delay_seconds.max(0.0) * (plan.batches - 1.0).max(0.0);
    let duration = with_delay(&execution.widened(scaling), delay).widened(plan.work_relative_sd.powi(2));
    let wal = step
        .observations
        .iter()
        .filter_map(|observation| observation.wal_bytes)
        .sum::<u64>();
    let (observed_batches, observed_rows) = observed(step);
    let observed_work = measured.unit.work(observed_batches, observed_rows);
    Some(Forecast {
        duration,
        shared_deviation: std::f64::consts::SQRT_2 * RUN_SD,
        rows: Some(plan.rows),
        rate: rate(plan.rows, mean.quantile(0.5), mean.central_interval(confidence_level)),
        wal_bytes: (wal > 0 && observed_work > 0.0).then(|| wal as f64 * plan.work / observed_work),
        locks: step.locks.clone(),
        basis: Basis::Rehearsal,
        too_thin: unmet_rules(&evidence),
        assumptions: assumptions(&measured, &plan, checkpoints, delay),
        warnings: warnings(&measured, whole_runs.as_ref()),
    })
}

impl<'step> Measured<'step> {
    fn new(
        step: &'step StepRecord,
        batching: &'step BatchingRecord,
        whole_runs: Option<&WholeRuns>,
    ) -> Option<Measured<'step>> {
        let (observed_batches, observed_rows) = observed(step);
        if observed_batches == 0.0 {
            return None;
        }
        let extent = match whole_runs {
            Some(_) => Extent::Whole,
            None if is_beginning(step, batching) => Extent::Beginning,
            None => Extent::Places,
        };
        let batches = whole_runs.map_or(batching.total_batches.max(longest_run(step)), |runs| runs.batches);
        let known_rows = whole_runs
            .map(|runs| runs.rows)
            .or(step.total_rows)
            .filter(|rows| *rows > 0.0);
        let rows = known_rows.unwrap_or(batches * observed_rows / observed_batches);
        let (blocks, unit) = blocks::cut(step, batching.walk, batches);
        Some(Measured {
            step,
            batching,
            blocks,
            unit,
            extent,
            batches,
            rows,
        })
    }
}

impl Plan {
    fn new(measured: &Measured, target: Option<&Target>) -> Plan {
        let ratio = size_ratio(Some(measured.rows), target);
        let rows = measured.rows * ratio;
        let batches = target
            .and_then(|target| target.batches)
            .unwrap_or(measured.batches * ratio);
        let work = measured.unit.work(batches, rows).max(f64::MIN_POSITIVE);
        // Batches that are counted by rows are as uncertain as the rows; windows of keys or blocks are known.
        let windows_are_known =
            measured.batching.walk != Walk::Rows && target.is_none_or(|target| target.batches.is_some());
        let share = if windows_are_known {
            measured.unit.work(0.0, rows) / work
        } else {
            1.0
        };
        let rows_sd = match (measured.extent, target) {
            (Extent::Whole, None) => 0.0,
            _ => rows_relative_sd(measured.step, target),
        };
        Plan {
            rows,
            batches,
            work,
            work_relative_sd: share * rows_sd,
            ratio: work
                / measured
                    .unit
                    .work(measured.batches, measured.rows)
                    .max(f64::MIN_POSITIVE),
        }
    }
}

/// Returns the seconds of execution of a further run, and what is known of their mean, from places of the walk.
fn extrapolated(measured: &Measured, plan: &Plan, table: Option<&TableFacts>) -> Option<(LogMixture, LogMixture)> {
    if measured.blocks.is_empty() {
        // Fewer batches than a block needs: their mean, as wide as one block's.
        let (batches, rows) = observed(measured.step);
        let work = measured.unit.work(batches, rows);
        let seconds: f64 = measured
            .step
            .observations
            .iter()
            .map(|observation| observation.seconds)
            .sum();
        let log_seconds = (seconds.max(1e-6) / work.max(f64::MIN_POSITIVE) * plan.work).ln();
        let mean = student(log_seconds, LONE_BLOCK_SD.hypot(DRIFT_SD), f64::INFINITY);
        return Some((mean.widened(2.0 * RUN_SD * RUN_SD), mean));
    }
    let shapes = wave::shapes(&measured.blocks, table);
    let costs = kriging::mean_costs(&measured.blocks, &shapes, plan.batches);
    let several_runs = measured.blocks.windows(2).any(|pair| pair[0].run != pair[1].run);
    // The covariance of several runs holds the rehearsals' run effects already; the target's own comes on top.
    let run_variance = if several_runs {
        RUN_SD * RUN_SD
    } else {
        2.0 * RUN_SD * RUN_SD
    };
    let mixture = |variance: &dyn Fn(&MeanCost) -> f64| {
        let components = costs.iter().map(|cost| Component {
            weight: cost.weight,
            mean: cost.log_cost + plan.work.ln(),
            standard_deviation: variance(cost).sqrt(),
            degrees_of_freedom: f64::INFINITY,
        });
        LogMixture::new(components.collect()).map(|mixture| mixture.condensed())
    };
    let prediction = mixture(&|cost| cost.variance + cost.noise_variance + run_variance)?;
    let mean = mixture(&|cost| cost.variance)?;
    Some((prediction, mean))
}

/// Adds a constant `delay` to durations: ln(e^m + d), of whose change only the executing share's passes through.
fn with_delay(duration: &LogMixture, delay: f64) -> LogMixture {
    if delay <= 0.0 {
        return duration.clone();
    }
    duration.map(|component| {
        let seconds = component.mean.exp();
        Component {
            mean: (seconds + delay).ln(),
            standard_deviation: component.standard_deviation * seconds / (seconds + delay),
            ..component
        }
    })
}

/// Returns batches and rows of all observations.
fn observed(step: &StepRecord) -> (f64, f64) {
    let rows = step
        .observations
        .iter()
        .map(|observation| observation.rows as f64)
        .sum();
    (step.observations.len() as f64, rows)
}

fn longest_run(step: &StepRecord) -> f64 {
    let runs = step.observations.chunk_by(|one, other| one.run == other.run);
    runs.map(|run| run.len()).max().unwrap_or(0) as f64
}

/// Returns whether every run is one stretch from the first batch on.
fn is_beginning(step: &StepRecord, batching: &BatchingRecord) -> bool {
    let one_batch = 1.5 / batching.total_batches.max(1.0);
    let runs = step.observations.chunk_by(|one, other| one.run == other.run);
    runs.into_iter().all(|run| {
        let one_segment = run.windows(2).all(|pair| pair[0].segment == pair[1].segment);
        one_segment && run.first().is_some_and(|observation| observation.position <= one_batch)
    })
}

/// Returns the runs that walked the whole table; `None` when the step was not executed whole.
///
/// A run that was cut off is shorter than the longest and is not counted.
fn whole_runs(step: &StepRecord) -> Option<WholeRuns> {
    if !step.complete || step.observations.is_empty() {
        return None;
    }
    let longest = longest_run(step);
    let runs: Vec<_> = step
        .observations
        .chunk_by(|one, other| one.run == other.run)
        .filter(|run| run.len() as f64 >= 0.98 * longest)
        .collect();
    let batches: usize = runs.iter().map(|run| run.len()).sum();
    let rows: f64 = runs
        .iter()
        .flat_map(|run| run.iter())
        .map(|observation| observation.rows as f64)
        .sum();
    Some(WholeRuns {
        seconds: runs
            .iter()
            .map(|run| run.iter().map(|observation| observation.seconds).sum())
            .collect(),
        batches: batches as f64 / runs.len() as f64,
        rows: rows / runs.len() as f64,
    })
}

fn assumptions(measured: &Measured, plan: &Plan, checkpoints: Option<u64>, delay: f64) -> Vec<String> {
    let mut assumptions = Vec::new();
    if measured.extent != Extent::Whole {
        assumptions.push(format!(
            "The last batches cost {:+.0} % against the first, give or take {:.0} % (one standard deviation): a short replay \
             cannot see this drift.",
            100.0 * DRIFT_MEAN,
            100.0 * DRIFT_SD
        ));
        if checkpoints.is_none() {
            assumptions.push("Enough checkpoints fell into the measured time: nobody watched them.".to_string());
        }
    }
    if measured.extent == Extent::Beginning {
        assumptions.push("The rest of the table is like its beginning, as far as its batches vary there.".to_string());
    }
    if plan.ratio > 1.0 + 1e-9 || plan.ratio < 1.0 - 1e-9 {
        assumptions.push(format!(
            "{} rows are processed, {:.2} times as many as on the clone, at the clone's cost per row.",
            Count(plan.rows.round()),
            plan.ratio
        ));
    }
    if delay > 0.0 {
        assumptions.push(format!("{} of the time are pauses between batches.", Seconds(delay)));
    }
    let lookup = measured.batching.lookup_seconds / (measured.batching.lookup_batches.max(1) as f64) * plan.batches;
    if lookup > 1.0 {
        assumptions.push(format!(
            "Looking up the batches' bounds, about {}, is not included.",
            Seconds(lookup)
        ));
    }
    assumptions
}

fn warnings(measured: &Measured, whole_runs: Option<&WholeRuns>) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(cold) = whole_runs.and_then(|runs| RepeatedRuns::new(&runs.seconds)?.cold_seconds) {
        warnings.push(format!(
            "The first run, with cold caches, took {} and is left out; the others count.",
            Seconds(cold)
        ));
    }
    if changes_pace(&measured.blocks) {
        warnings.push(
            "The pace changed for good during the rehearsal: burst credits used up, autovacuum, or other load; look at the plot \
             over time."
                .to_string(),
        );
    }
    let (batches, rows) = observed(measured.step);
    let expected = measured.rows / measured.batches * batches;
    if measured.extent != Extent::Whole && (rows > 1.5 * expected || rows < expected / 1.5) {
        warnings.push(format!(
            "The measured batches processed {} rows where the plan leads to expect {}: the number of rows may be wrong.",
            Count(rows),
            Count(expected.round())
        ));
    }
    warnings
}
