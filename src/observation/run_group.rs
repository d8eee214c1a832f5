//! Whole runs of identical work on one machine, summed up: how much they differed.

use serde::{Deserialize, Serialize};

/// Runs of identical work, summed up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunGroup {
    /// Number of runs, at least 2.
    pub runs: u32,
    /// Standard deviation of the logarithm of their seconds, with n − 1 in the denominator.
    pub standard_deviation: f64,
}

impl RunGroup {
    /// Sums up runs, given the logarithms of their seconds; `None` for fewer than two.
    pub fn of(logarithms: &[f64]) -> Option<RunGroup> {
        let runs = u32::try_from(logarithms.len()).ok().filter(|runs| *runs >= 2)?;
        let mean = logarithms.iter().sum::<f64>() / f64::from(runs);
        let squares: f64 = logarithms.iter().map(|logarithm| (logarithm - mean).powi(2)).sum();
        Some(RunGroup {
            runs,
            standard_deviation: (squares / f64::from(runs - 1)).sqrt(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // numpy.std([1.0, 1.1, 0.9, 1.3], ddof=1)
    #[test]
    fn the_standard_deviation_agrees_with_numpy() {
        let group = RunGroup::of(&[1.0, 1.1, 0.9, 1.3]).expect("four runs");
        assert!((group.standard_deviation - 0.17078251276599332).abs() < 1e-12 && group.runs == 4);
        assert_eq!(RunGroup::of(&[1.0]), None);
    }
}
