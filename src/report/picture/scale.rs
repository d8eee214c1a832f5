//! The positions and labels of the ticks on an axis.

use crate::units::Seconds;

/// Returns ticks at round numbers (1, 2, 5 × 10ⁿ) within `start..=end`, at most `most`.
pub fn round_ticks(start: f64, end: f64, most: usize) -> Vec<f64> {
    let rough = (end - start) / most as f64;
    let decade = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * decade);
    let step = steps.into_iter().find(|step| *step >= rough).unwrap_or(decade * 10.0);
    multiples(start, end, step)
}

/// Returns ticks at durations people use (1 s, 15 s, 5 min, 2 h …) within `start..=end`, at most `most`.
pub fn time_ticks(start: f64, end: f64, most: usize) -> Vec<f64> {
    const STEPS: [f64; 20] = [
        0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
        10_800.0, 21_600.0, 43_200.0,
    ];
    if end < 1.0 {
        return round_ticks(start, end, most);
    }
    if end - start > 43_200.0 * most as f64 {
        return round_ticks(start / 86_400.0, end / 86_400.0, most)
            .iter()
            .map(|day| day * 86_400.0)
            .collect();
    }
    // Longer durations are printed less precisely, and finer ticks would have repeated labels.
    let coarsest_print = match end {
        end if end >= 86_400.0 => 3600.0,
        end if end >= 600.0 => 60.0,
        end if end >= 9.9 => 1.0,
        _ => 0.1,
    };
    let rough = ((end - start) / most as f64).max(coarsest_print);
    let step = STEPS.into_iter().find(|step| *step >= rough).unwrap_or(86_400.0);
    multiples(start, end, step)
}

/// Returns the smallest round number at or above `value` that would be a tick of an axis from 0 with at most `most`
/// ticks.
pub fn round_up(value: f64, most: usize) -> f64 {
    match round_ticks(0.0, value, most).as_slice() {
        [.., below, last] if *last < value => last + (last - below),
        [.., last] if *last > 0.0 => *last,
        _ => value,
    }
}

/// Returns a duration as the label of an axis.
pub fn time_label(seconds: &f64) -> String {
    if seconds.abs() < 1e-9 {
        "0".to_string()
    } else {
        Seconds(*seconds).to_string().replace(".0s", "s")
    }
}

fn multiples(start: f64, end: f64, step: f64) -> Vec<f64> {
    let first = (start / step - 1e-9).ceil() as i64;
    let last = (end / step + 1e-9).floor() as i64;
    (first..=last).map(|index| index as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ticks: Vec<f64>, expected: &[&str]) {
        let labels: Vec<String> = ticks.iter().map(time_label).collect();
        assert_eq!(labels, expected);
    }

    #[test]
    fn ticks_are_round_and_differ() {
        check(time_ticks(0.0, 142.0, 8), &["0", "30s", "60s", "90s", "2m"]);
        check(time_ticks(100.0, 190.0, 4), &["2m", "2m 30s", "3m"]);
        check(time_ticks(600.0, 660.0, 8), &["10m", "11m"]);
        check(time_ticks(0.0, 5.0, 4), &["0", "2s", "4s"]);
        check(time_ticks(0.0, 30_000.0, 4), &["0", "3h", "6h"]);
        assert_eq!(round_up(61_000.0, 4), 80_000.0);
        assert_eq!(round_up(60_000.0, 4), 60_000.0);
        assert_eq!(round_ticks(0.0, 61_000.0, 4), [0.0, 20_000.0, 40_000.0, 60_000.0]);
    }
}
