//! The measurements of a batched step, and the work to be predicted, in numbers.
//!
//! Decides where runs begin and end, which of them are whole, and how large a target is in the unit of the
//! measurements.

use super::Target;
use super::blocks::{self, Block, WorkUnit};
use super::evidence::Extent;
use super::forecast::{rows_relative_sd, size_ratio};
use crate::migration::Walk;
use crate::observation::{BatchingRecord, Observation, StepRecord};

/// The measurements of one step, in numbers.
pub struct Measured<'step> {
    /// The record of the step.
    pub step: &'step StepRecord,
    /// How its walk is divided into batches.
    pub batching: &'step BatchingRecord,
    /// The blocks of its settled batches.
    pub blocks: Vec<Block>,
    /// The unit in which their work is counted.
    pub unit: WorkUnit,
    /// What part of the walk was measured.
    pub extent: Extent,
    /// Batches of the clone's whole walk.
    pub batches: f64,
    /// Rows of the clone's whole walk.
    pub rows: f64,
}

/// Work to be predicted.
pub struct Plan {
    /// Rows that will be processed.
    pub rows: f64,
    /// Batches that will be executed.
    pub batches: f64,
    /// Both, in the unit of work of the measured blocks.
    pub work: f64,
    /// Relative standard deviation of `work`.
    pub work_relative_sd: f64,
    /// The work as a multiple of the clone's whole walk.
    pub ratio: f64,
}

/// Whole runs found among the observations.
pub struct WholeRuns {
    /// Seconds spent in batches, run by run.
    pub seconds: Vec<f64>,
    /// Batches of one run, on average.
    pub batches: f64,
    /// Rows of one run, on average.
    pub rows: f64,
}

impl<'step> Measured<'step> {
    /// Builds it from the record; `None` when no batch was measured.
    pub fn new(
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
    /// Plans the whole walk on the target if there is one, else on the clone.
    pub fn new(measured: &Measured, target: Option<&Target>) -> Plan {
        let ratio = size_ratio(Some(measured.rows), target);
        let rows = measured.rows * ratio;
        let batches = target
            .and_then(|target| target.batches)
            .unwrap_or(measured.batches * ratio);
        let work = measured.unit.work(batches, rows).max(f64::MIN_POSITIVE);
        // The number of batches of rows is as uncertain as the number of rows; the number of windows of keys or blocks
        // is known.
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

impl WholeRuns {
    /// Returns the runs that walked the whole table; `None` when the step was not executed completely.
    ///
    /// A run that was cut off is shorter than the longest one and is left out.
    pub fn find(step: &StepRecord) -> Option<WholeRuns> {
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
                .map(|run| run.iter().map(Observation::working_seconds).sum())
                .collect(),
            batches: batches as f64 / runs.len() as f64,
            rows: rows / runs.len() as f64,
        })
    }
}

/// Returns batches and rows of all observations.
pub fn observed(step: &StepRecord) -> (f64, f64) {
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

/// Returns whether every run is a single stretch that starts at the first batch.
fn is_beginning(step: &StepRecord, batching: &BatchingRecord) -> bool {
    let one_batch = 1.5 / batching.total_batches.max(1.0);
    let runs = step.observations.chunk_by(|one, other| one.run == other.run);
    runs.into_iter().all(|run| {
        let one_segment = run.windows(2).all(|pair| pair[0].segment == pair[1].segment);
        one_segment && run.first().is_some_and(|observation| observation.position <= one_batch)
    })
}
