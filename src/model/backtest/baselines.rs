//! What is predicted without a model, to compare with: straight lines through what was measured.

use crate::observation::{Observation, Rehearsal, StepRecord};

/// Share of the whole run after which a person would look at its progress.
const PREFIX: f64 = 0.15;
/// Share of that beginning which counts as "now".
const RECENT: f64 = 0.1;

/// Straight lines through the beginning of a whole run, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extrapolation {
    /// The mean batch of the beginning times all batches.
    pub linear: f64,
    /// Its standard error, as if batches were independent.
    pub linear_error: f64,
    /// Degrees of freedom of that error.
    pub linear_degrees: f64,
    /// What has passed, and the rest at the rate of the last batches.
    pub last_rate: f64,
}

/// Extrapolates from the first 15 % of the batches of a whole run, whose seconds are given in order. As it is the very
/// run that is to be predicted, this flatters the straight lines: they need not cover how runs differ. `None` for fewer
/// than two batches in the beginning.
pub fn extrapolated(seconds: &[f64]) -> Option<Extrapolation> {
    let count = (PREFIX * seconds.len() as f64).ceil() as usize;
    let beginning = seconds.get(..count).filter(|beginning| beginning.len() >= 2)?;
    let (size, all) = (count as f64, seconds.len() as f64);
    let mean = mean(beginning);
    let variance = beginning.iter().map(|second| (second - mean).powi(2)).sum::<f64>() / (size - 1.0);
    let recent = (RECENT * size).ceil() as usize;
    let passed: f64 = beginning.iter().sum();
    Some(Extrapolation {
        linear: all * mean,
        linear_error: all / size * (variance * size).sqrt(),
        linear_degrees: size - 1.0,
        last_rate: passed + (all - size) * self::mean(&beginning[count - recent..]),
    })
}

/// Returns the mean of the segments' seconds per batch times all batches, with what finding the windows took, and
/// without warm-up where there is more. For single statements, it is the mean run times `growth`, production's size as
/// a multiple of the clone's. `None` if nothing was measured.
pub fn mean_of_segments(rehearsal: &Rehearsal, growth: f64) -> Option<f64> {
    rehearsal.steps.iter().map(|step| of_step(step, growth)).sum()
}

fn of_step(step: &StepRecord, growth: f64) -> Option<f64> {
    let Some(batching) = &step.batching else {
        let seconds: Vec<f64> = step.observations.iter().map(|one| one.seconds).collect();
        return (!seconds.is_empty()).then(|| growth * mean(&seconds));
    };
    let is_warm_up_only = step.observations.iter().all(|one| one.warm_up);
    let counts = |one: &&Observation| is_warm_up_only || !one.warm_up;
    let measured: Vec<&Observation> = step.observations.iter().filter(counts).collect();
    let segments: Vec<f64> = measured
        .chunk_by(|one, other| one.segment == other.segment)
        .map(|batches| mean(&batches.iter().map(|one| one.seconds).collect::<Vec<_>>()))
        .collect();
    let look_up = batching.lookup_seconds / (batching.lookup_batches.max(1) as f64);
    (!segments.is_empty()).then(|| batching.total_batches * (mean(&segments) + look_up))
}

/// Returns the share of the work that was replayed, 0 to 1: of the batches, or of the rows of single statements, whose
/// table in production is `growth` times as large.
pub fn share_replayed(rehearsal: &Rehearsal, growth: f64) -> f64 {
    let shares = rehearsal.steps.iter().map(|step| match &step.batching {
        Some(batching) => step.observations.len() as f64 / batching.total_batches.max(1.0),
        None if step.observations.is_empty() => 0.0,
        None => 1.0 / growth,
    });
    let shares: Vec<f64> = shares.map(|share| share.min(1.0)).collect();
    if shares.is_empty() { 0.0 } else { mean(&shares) }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-9, "{actual} is not {expected}");
    }

    // numpy: s = 1 + 0.1 * (np.arange(40) % 3); p = s[:6]; 40 * p.mean(), 40 / 6 * np.sqrt(p.var(ddof=1) * 6),
    // p.sum() + 34 * p[-1:].mean()
    #[test]
    fn straight_lines_agree_with_numpy() {
        let seconds: Vec<f64> = (0..40).map(|batch| 1.0 + 0.1 * f64::from(batch % 3)).collect();
        let lines = extrapolated(&seconds).expect("a beginning of six");
        check(lines.linear, 44.0);
        check(lines.linear_error, 1.460_593_486_680_443_4);
        check(lines.linear_degrees, 5.0);
        check(lines.last_rate, 47.4);
        assert_eq!(extrapolated(&[1.0; 6]), None);
        assert_eq!(extrapolated(&[]), None);
    }

    #[test]
    fn segments_count_alike_and_a_statement_grows() {
        let log = "rows,seconds,segment,position\n10,1,0,0\n10,1,0,0.1\n10,4,1,0.5\n";
        let mut rehearsal = crate::model::batch_log::read(log, "log.csv", 100.0).expect("a log");
        for observation in &mut rehearsal.steps[0].observations {
            observation.warm_up = false;
        }
        let batching = rehearsal.steps[0].batching.as_mut().expect("batched");
        (batching.total_batches, batching.lookup_seconds, batching.lookup_batches) = (10.0, 0.6, 3);
        // (1 + 4) / 2 seconds a batch, and 0.2 to find it
        check(mean_of_segments(&rehearsal, 1.0).expect("measured"), 27.0);
        check(share_replayed(&rehearsal, 1.0), 0.3);
        rehearsal.steps[0].batching = None;
        rehearsal.steps[0].observations = vec![Observation {
            seconds: 2.0,
            ..Observation::default()
        }];
        check(mean_of_segments(&rehearsal, 4.0).expect("measured"), 8.0);
        check(share_replayed(&rehearsal, 4.0), 0.25);
        rehearsal.steps[0].observations.clear();
        assert_eq!(mean_of_segments(&rehearsal, 4.0), None);
    }
}
