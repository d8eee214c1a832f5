//! The seconds that each whole run of a rehearsal took, step by step.
//!
//! The batches of one run share its checkpoints, caches and day; only whole runs are independent of each other.

use crate::observation::{EndReason, Observation, Rehearsal, StepRecord};

/// Returns the numbers of the runs that were not cut off, in order.
///
/// A benchmark lists them. Of another rehearsal, all runs count, except the last one if the rehearsal was interrupted
/// or failed.
pub fn complete_runs(rehearsal: &Rehearsal) -> Vec<u32> {
    if let Some(benchmark) = &rehearsal.benchmark {
        return benchmark.runs.iter().map(|run| run.number).collect();
    }
    let mut runs: Vec<u32> = rehearsal
        .steps
        .iter()
        .flat_map(|step| step.observations.iter().map(|observation| observation.run))
        .collect();
    runs.sort_unstable();
    runs.dedup();
    let cut_off = match &rehearsal.ended {
        Some(ended) => matches!(
            ended.reason,
            EndReason::Interrupted | EndReason::Failed | EndReason::ConnectionLost
        ),
        None => true,
    };
    if cut_off {
        runs.pop();
    }
    runs
}

/// Returns the seconds of each complete run, from the beginning to the end of all its steps, which must have been
/// executed completely.
pub fn whole_seconds(rehearsal: &Rehearsal) -> Vec<f64> {
    complete_runs(rehearsal)
        .into_iter()
        .map(|run| rehearsal.steps.iter().map(|step| step_seconds(step, run)).sum())
        .collect()
}

/// Returns the seconds of one step in one run, without the observed waits for other sessions. For a backfill that is
/// the time from its first batch to its last, including look-ups and pauses.
pub fn step_seconds(step: &StepRecord, run: u32) -> f64 {
    let observations = observations_of(step, run);
    match step.batching {
        Some(_) => {
            let (elapsed, waited) = observations.fold((0.0_f64, 0.0), |(elapsed, waited), one| {
                (elapsed.max(one.elapsed), waited + one.waited_seconds.unwrap_or(0.0))
            });
            (elapsed - waited).max(0.0)
        }
        None => observations.map(Observation::working_seconds).sum(),
    }
}

/// Returns the observations of one run of a step.
pub fn observations_of(step: &StepRecord, run: u32) -> impl Iterator<Item = &Observation> {
    step.observations
        .iter()
        .filter(move |observation| observation.run == run)
}

/// Returns the geometric mean of durations, the mean that matches differences of logarithms; 0 when there are none.
pub fn mean_seconds(seconds: &[f64]) -> f64 {
    if seconds.is_empty() {
        return 0.0;
    }
    let sum: f64 = seconds.iter().map(|seconds| logarithm(*seconds)).sum();
    (sum / seconds.len() as f64).exp()
}

/// Returns the logarithm of a duration; durations too short for the clock count as one microsecond.
pub fn logarithm(seconds: f64) -> f64 {
    seconds.max(1e-6).ln()
}
