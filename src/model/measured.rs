//! The measurements of a batched step, and the work to be predicted, in numbers.
//!
//! Decides where runs begin and end, which of them are whole, and how large a target is in the unit of the
//! measurements.

use super::Target;
use super::blocks::{self, Block, Condensed};
use super::evidence::Extent;
use super::forecast::{rows_relative_sd, size_ratio};
use super::stalls::Stalls;
use super::stretches::{WorkUnit, stretches};
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
    /// Its stalls, which are not part of the blocks.
    pub stalls: Stalls,
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
        let Condensed { blocks, unit, stalls } = blocks::cut(step, batching.walk, batches);
        Some(Measured {
            step,
            batching,
            blocks,
            unit,
            stalls,
            extent,
            batches,
            rows,
        })
    }
}

impl Measured<'_> {
    /// Returns the share of the clone's whole walk that the longest run measured, 0 to 1.
    pub fn share(&self) -> f64 {
        let whole = self.unit.work(self.batches, self.rows).max(f64::MIN_POSITIVE);
        let runs = self.step.observations.chunk_by(|one, other| one.run == other.run);
        let work = runs.map(|run| {
            let rows = run.iter().map(|observation| observation.rows as f64).sum();
            self.unit.work(run.len() as f64, rows)
        });
        (work.fold(0.0, f64::max) / whole).min(1.0)
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

/// Returns whether every run starts at the first batch and goes on without a gap, whatever its segments are called.
fn is_beginning(step: &StepRecord, batching: &BatchingRecord) -> bool {
    let one_batch = 1.5 / batching.total_batches.max(1.0);
    let rows = step.total_rows.unwrap_or(f64::INFINITY).max(1.0);
    let goes_on = |pair: &[Observation]| {
        let gap = pair[1].position - pair[0].position;
        pair[0].segment == pair[1].segment || (gap >= 0.0 && gap <= one_batch.max(1.5 * pair[0].rows as f64 / rows))
    };
    let runs = step.observations.chunk_by(|one, other| one.run == other.run);
    runs.into_iter()
        .all(|run| run.windows(2).all(goes_on) && run.iter().any(|observation| observation.position <= one_batch))
}

/// Returns the number of distinct places of the walk that were visited: a stretch whose middle lies within another
/// counts once.
pub fn places(observations: &[Observation]) -> usize {
    let mut visited: Vec<(f64, f64)> = stretches(observations)
        .iter()
        .filter(|stretch| stretch.settled >= blocks::FEWEST_BATCHES)
        .map(|stretch| {
            let positions = observations[stretch.start..stretch.end].iter().map(|one| one.position);
            positions.fold((f64::INFINITY, 0.0f64), |(low, high), at| (low.min(at), high.max(at)))
        })
        .collect();
    visited.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut places = 0;
    let mut reached = f64::NEG_INFINITY;
    for (begin, end) in visited {
        if 0.5 * (begin + end) > reached {
            places += 1;
        }
        reached = reached.max(end);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(segments: &[(u32, f64)], expected: usize) {
        let batches = segments.iter().enumerate().flat_map(|(segment, (run, position))| {
            (0..25).map(move |batch| Observation {
                run: *run,
                segment: segment as u32,
                position: position + 0.001 * batch as f64,
                ..Observation::default()
            })
        });
        assert_eq!(places(&batches.collect::<Vec<_>>()), expected);
    }

    #[test]
    fn a_place_that_is_visited_again_counts_once() {
        check(&[(0, 0.0), (0, 0.5), (0, 0.25)], 3);
        check(&[(0, 0.0), (0, 0.5), (1, 0.0), (1, 0.5)], 2);
        check(&[(0, 0.1), (0, 0.105), (0, 0.11)], 1);
        // They touch each other.
        check(&[(0, 0.1), (0, 0.125), (0, 0.15)], 3);
        check(&[], 0);
    }
}
