//! Predictions and what came, as every test of coverage counts and prints them.

use migtime::model::estimate::{Estimate, interval_at};
use migtime::stats::interval::{Interval, interval_score, wilson_interval};

/// Levels at which the intervals are tested.
pub const LEVELS: [f64; 3] = [0.5, 0.8, 0.95];

/// The prediction of one method for one series, and the actual duration.
#[derive(Clone, Copy)]
pub struct Outcome {
    pub intervals: [Interval; 3],
    pub point: f64,
    pub actual: f64,
}

pub fn outcome(estimate: &Estimate, actual: f64) -> Outcome {
    let interval = |level| {
        let interval = interval_at(&estimate.total.intervals, level);
        Interval {
            lower_bound: interval.lower_seconds,
            upper_bound: interval.upper_seconds,
        }
    };
    Outcome {
        intervals: LEVELS.map(interval),
        point: estimate.total.point_seconds,
        actual,
    }
}

pub fn coverage(outcomes: &[Outcome], level: usize) -> f64 {
    let held = |outcome: &&Outcome| {
        let interval = outcome.intervals[level];
        (interval.lower_bound..=interval.upper_bound).contains(&outcome.actual)
    };
    outcomes.iter().filter(held).count() as f64 / outcomes.len() as f64
}

/// Mean interval score at 95 %, relative to the true duration.
pub fn mean_score(outcomes: &[Outcome]) -> f64 {
    let score = |outcome: &Outcome| interval_score(outcome.intervals[2], outcome.actual, 0.95) / outcome.actual;
    outcomes.iter().map(score).sum::<f64>() / outcomes.len() as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Median half width of the 95 % intervals, relative to the prediction.
pub fn half_width(outcomes: &[Outcome]) -> f64 {
    let half_widths = outcomes.iter().map(|outcome| {
        let interval = outcome.intervals[2];
        0.5 * (interval.upper_bound - interval.lower_bound) / outcome.point
    });
    median(half_widths.collect())
}

/// Median error of the predictions, without its sign.
pub fn median_error(outcomes: &[Outcome]) -> f64 {
    let errors = outcomes
        .iter()
        .map(|outcome| (outcome.point / outcome.actual - 1.0).abs());
    median(errors.collect())
}

pub fn print_row(name: &str, outcomes: &[Outcome]) {
    let covered = LEVELS.iter().enumerate().map(|(level, _)| coverage(outcomes, level));
    let covered: Vec<String> = covered.map(|share| format!("{:4.0}", 100.0 * share)).collect();
    let hits = (coverage(outcomes, 2) * outcomes.len() as f64).round() as u64;
    let wilson = wilson_interval(hits, outcomes.len() as u64, 0.95);
    println!(
        "{name:38} n {:4}  covers 50/80/95: {} (95 %: {:.1}–{:.1})  ±{:3.0} %  MdAPE {:4.1} %  score {:.2}",
        outcomes.len(),
        covered.join("/"),
        100.0 * wilson.lower_bound,
        100.0 * wilson.upper_bound,
        100.0 * half_width(outcomes),
        100.0 * median_error(outcomes),
        mean_score(outcomes)
    );
}
