//! The duration of a batched step: taken from whole runs if there are any, else by kriging from the replayed places.

use super::Target;
use super::estimate::Basis;
use super::evidence::{Checkpoints, Evidence, Extent, unmet_rules};
use super::forecast::{Forecast, rate};
use super::kriging::{self, MeanCost, Shapes};
use super::measured::{Measured, Plan, WholeRuns, observed, places};
use super::pace::{self, Pace};
use super::priors::{DRIFT_SD, LONE_BLOCK_SD, RUN_SD, UNSEEN_CHECKPOINT_SD, burst_sd, scaling_sd, short_run_sd};
use super::regimes::Settings;
use super::remarks::{assumptions, warnings};
use super::repeated::{RepeatedRuns, student};
use super::run_deviation::RunDeviation;
use super::split_wave;
use super::waits;
use crate::catalog::facts::TableFacts;
use crate::observation::{BatchingRecord, Observation, StepRecord};
use crate::stats::log_mixture::{Component, LogMixture};

/// Standard deviation of the logarithm added when predicting e times as many rows as were measured.
const SCALING_SD: f64 = 0.05;

/// What is known of a batched step besides its own record.
pub struct Known<'a> {
    /// Checkpoints completed since its first batch; `None` when checkpoints were not observed.
    pub checkpoints: Option<u64>,
    /// The server's settings.
    pub settings: Settings<'a>,
    /// The clone's table.
    pub table: Option<&'a TableFacts>,
    /// How much two runs of the same work differ there.
    pub deviation: &'a RunDeviation,
}

/// What is predicted of the batches alone.
struct Execution {
    /// Distribution of the seconds of one more run.
    seconds: LogMixture,
    /// What is known of their mean.
    mean: LogMixture,
    /// Whether the pace changed while it was measured.
    pace: Pace,
}

/// Predicts a batched step.
pub fn forecast(
    step: &StepRecord,
    batching: &BatchingRecord,
    target: Option<&Target>,
    known: &Known,
    confidence_level: f64,
) -> Option<Forecast> {
    let whole_runs = WholeRuns::find(step);
    let measured = Measured::new(step, batching, whole_runs.as_ref())?;
    let plan = Plan::new(&measured, target);
    let checkpoints = checkpoints(&measured, &plan, known);
    let evidence = Evidence {
        batches: step.observations.len(),
        places: places(&step.observations),
        share: measured.share(),
        checkpoints,
        extent: measured.extent,
        ratio: plan.ratio,
    };
    let Execution { seconds, mean, pace } = match &whole_runs {
        Some(runs) => repeated(runs, &measured, &plan, known.deviation)?,
        None => extrapolated(&measured, &plan, known)?,
    };
    let unseen = checkpoints.filter(|_| measured.extent != Extent::Whole);
    let unseen_sd = UNSEEN_CHECKPOINT_SD * unseen.map_or(0.0, |checkpoints| checkpoints.unseen());
    let scaling = scaling_sd(plan.ratio, SCALING_SD).powi(2) + unseen_sd.powi(2);
    let lookups = lookup_seconds(batching, &plan);
    let delay = batching.batch_delay_seconds.max(0.0) * (plan.batches - 1.0).max(0.0);
    Some(Forecast {
        duration: with_delay(&with_lookups(&seconds, lookups).widened(scaling), delay)
            .widened(plan.work_relative_sd.powi(2)),
        shared_deviation: std::f64::consts::SQRT_2 * known.deviation.root_mean_square(),
        short_kind: whole_runs
            .filter(|_| short_run_sd(mean.quantile(0.5)) > RUN_SD)
            .map(|_| step.kind),
        rows: Some(plan.rows),
        rate: rate(plan.rows, mean.quantile(0.5), mean.central_interval(confidence_level)),
        wal_bytes: wal_bytes(&measured, &plan),
        locks: step.locks.clone(),
        basis: Basis::Rehearsal,
        too_thin: unmet_rules(&evidence).into_iter().chain(pace.unmet_rule()).collect(),
        assumptions: assumptions(&measured, &plan, checkpoints, lookups, delay),
        warnings: warnings(&measured, pace)
            .into_iter()
            .chain(waits::warnings(step))
            .collect(),
    })
}

/// Returns the checkpoints seen during the measurement and those expected during the planned work; `None` when
/// checkpoints were not observed.
pub fn checkpoints(measured: &Measured, plan: &Plan, known: &Known) -> Option<Checkpoints> {
    let (batches, rows) = observed(measured.step);
    let share = measured.unit.work(batches, rows) / plan.work;
    let seconds: f64 = measured.step.observations.iter().map(|one| one.working_seconds()).sum();
    let pauses = measured.batching.batch_delay_seconds.max(0.0) * plan.batches;
    let planned_seconds = seconds / share.max(1e-9) + lookup_seconds(measured.batching, plan) + pauses;
    let wal_bytes = wal_bytes(measured, plan).unwrap_or(0.0);
    let cycles = known.settings.cycles(planned_seconds, wal_bytes);
    let cycles = cycles.map(|cycles| cycles.measured);
    known.checkpoints.map(|seen| Checkpoints::new(seen, share, cycles))
}

/// Predicts from whole runs.
fn repeated(runs: &WholeRuns, measured: &Measured, plan: &Plan, deviation: &RunDeviation) -> Option<Execution> {
    let factor = plan.work / measured.unit.work(runs.batches, runs.rows);
    let repeated = RepeatedRuns::new(&runs.seconds, deviation)?;
    Some(Execution {
        seconds: repeated.prediction().scaled(factor),
        mean: repeated.mean().scaled(factor),
        pace: Pace::Steady,
    })
}

/// Predicts from places of the walk.
fn extrapolated(measured: &Measured, plan: &Plan, known: &Known) -> Option<Execution> {
    if measured.blocks.is_empty() {
        // With fewer batches than one block needs, their mean is used, with the spread of a single block.
        let (batches, rows) = observed(measured.step);
        let work = measured.unit.work(batches, rows);
        let seconds: f64 = measured
            .step
            .observations
            .iter()
            .map(Observation::working_seconds)
            .sum();
        let log_seconds = (seconds.max(1e-6) / work.max(f64::MIN_POSITIVE) * plan.work).ln();
        let mean = student(log_seconds, LONE_BLOCK_SD.hypot(DRIFT_SD), f64::INFINITY);
        return Some(Execution {
            seconds: known.deviation.added_to(&mean, 2.0),
            mean,
            pace: Pace::Steady,
        });
    }
    let (costs, pace) = costs(measured, plan, known.table);
    let several_runs = measured.blocks.windows(2).any(|pair| pair[0].run != pair[1].run);
    // With several runs, the covariance already contains their run effects; the run effect of the target is added to
    // it.
    let runs = if several_runs { 1.0 } else { 2.0 };
    let burst_variance = burst_sd(longest_seconds(measured.step)).powi(2);
    let mixture = |variance: &dyn Fn(&MeanCost) -> f64| {
        let components = costs.iter().map(|cost| Component {
            weight: cost.weight,
            mean: cost.log_cost + plan.work.ln(),
            standard_deviation: variance(cost).sqrt(),
            degrees_of_freedom: f64::INFINITY,
        });
        LogMixture::new(components.collect()).map(|mixture| mixture.condensed())
    };
    let stalls = &measured.stalls;
    let further = burst_variance + stalls.variance(plan.batches);
    let one_run = mixture(&|cost| cost.variance + cost.noise_variance + further)?;
    Some(Execution {
        seconds: known.deviation.added_to(&one_run, runs).scaled(stalls.factor()),
        mean: mixture(&|cost| cost.variance + stalls.mean_variance())?.scaled(stalls.factor()),
        pace,
    })
}

/// Returns the possible mean costs of the whole walk, and whether the pace changed while they were measured.
fn costs(measured: &Measured, plan: &Plan, table: Option<&TableFacts>) -> (Vec<MeanCost>, Pace) {
    let blocks = &measured.blocks;
    let mut shapes = split_wave::shapes(blocks, table);
    let costs = kriging::mean_costs(blocks, &shapes, plan.batches);
    let unexplained = |costs: &[MeanCost], shapes: &Shapes, first: usize| {
        let possible = costs.iter().filter(|cost| cost.shape >= first);
        let best = possible.max_by(|one, other| one.weight.total_cmp(&other.weight))?;
        Some(pace::without(blocks, shapes, best.shape))
    };
    let lasting = Some(blocks).filter(|blocks| pace::ends_elsewhere(blocks));
    let left = lasting.and_then(|_| unexplained(&costs, &shapes, 0));
    let Some(left) = left.and_then(|left| pace::change(&left)) else {
        return (costs, Pace::Steady);
    };
    // The shape may have taken the change for a part of itself; by itself, it is in the costs as they were measured.
    let change = pace::change(blocks).unwrap_or(left);
    let first = shapes.shapes.len();
    pace::add(change, blocks, &mut shapes);
    let costs = kriging::mean_costs(blocks, &shapes, plan.batches);
    let left = unexplained(&costs, &shapes, first).or_else(|| unexplained(&costs, &shapes, 0));
    let weight: f64 = costs.iter().map(|cost| cost.weight).sum();
    let changed: f64 = costs
        .iter()
        .filter(|cost| cost.shape >= first)
        .map(|cost| cost.weight)
        .sum();
    let pace = match left {
        Some(left) if pace::keeps_changing(&left) => Pace::Unsettled,
        _ if changed > 0.5 * weight => Pace::Changed(change),
        _ => Pace::Steady,
    };
    (costs, pace)
}

/// Returns the duration of the longest run of the replay, in seconds.
fn longest_seconds(step: &StepRecord) -> f64 {
    step.observations
        .iter()
        .map(|observation| observation.elapsed)
        .fold(0.0, f64::max)
}

/// Returns the seconds needed to look up the windows of all planned batches, at the rate of the replayed batches.
fn lookup_seconds(batching: &BatchingRecord, plan: &Plan) -> f64 {
    batching.lookup_seconds / batching.lookup_batches.max(1) as f64 * plan.batches
}

/// Adds the look-ups to the seconds in batches. They alternate on the same server, so they get the same relative
/// uncertainty.
fn with_lookups(execution: &LogMixture, lookups: f64) -> LogMixture {
    execution.scaled(1.0 + lookups / execution.quantile(0.5))
}

/// Adds a constant `delay` to durations: ln(e^m + d). The deviation of the logarithm shrinks by the share of execution
/// in the sum.
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

/// Returns the WAL that the whole work will write, in bytes; `None` when it was not measured.
fn wal_bytes(measured: &Measured, plan: &Plan) -> Option<f64> {
    let observations = &measured.step.observations;
    let bytes: u64 = observations
        .iter()
        .filter_map(|observation| observation.wal_bytes)
        .sum();
    let (batches, rows) = observed(measured.step);
    let work = measured.unit.work(batches, rows);
    (bytes > 0 && work > 0.0).then(|| bytes as f64 * plan.work / work)
}
