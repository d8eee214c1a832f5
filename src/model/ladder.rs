//! The ladder: predicts how long a statement takes on a larger table from its runs on smaller ones.
//!
//! The prediction starts from the largest run. The smaller ones only show how much runs scatter: within a ladder,
//! cliffs and noise look like curvature, and a fitted exponent is worse than none (`tests/it/ladder_coverage.rs` has
//! the figures). The step from the largest run to the full size is a mixture: with some probability there is a cliff (a
//! sort that spills, a cache that is too small), otherwise none. This file knows only fractions and seconds; `regimes`
//! decides what the thresholds are.

use super::priors::{scaling_sd, short_run_sd};
use super::run_deviation::RunDeviation;
use crate::stats::distribution::normal_cumulative;
use crate::stats::log_mixture::{Component, LogMixture};

/// Shortest run that is used: shorter ones have been seen to scatter by 14 to 103 %.
const SHORTEST_SECONDS: f64 = 2.0;
/// Standard deviation of the logarithm of a threshold's size.
const THRESHOLD_SD: f64 = 0.25;
/// Probability that crossing a threshold costs anything.
const CLIFF_PROBABILITY: f64 = 0.6;
/// Mean and standard deviation of the logarithm of a cliff's cost factor.
const CLIFF: (f64, f64) = (0.22, 0.16);

/// One run of the statement on a smaller table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LadderRun {
    /// Size of its table, as a fraction of the table to be predicted.
    pub fraction: f64,
    /// How long it took.
    pub seconds: f64,
}

/// All that is known of a statement on smaller tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ladder {
    /// Its runs, in any order; runs on the same table have the same fraction.
    pub runs: Vec<LadderRun>,
    /// Seconds it takes on an empty table.
    pub empty_seconds: f64,
    /// Sizes at which its cost per row may change, as fractions of the table to be predicted.
    pub thresholds: Vec<f64>,
    /// How its duration grows with the table.
    pub growth: Growth,
    /// How much two runs of the same work differ there, as far as other work shows.
    pub deviation: RunDeviation,
}

/// How a duration grows with the size of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// The power of the size.
    pub power: f64,
    /// Standard deviation of the logarithm added per growth by a factor of e.
    pub sd_per_e_fold: f64,
}

impl Default for Growth {
    /// Returns n log n between neighbouring sizes, known exactly.
    fn default() -> Growth {
        Growth {
            power: 1.01,
            sd_per_e_fold: 0.0,
        }
    }
}

/// The ladder's prediction for the full size.
#[derive(Clone, Debug, PartialEq)]
pub struct Climbed {
    /// Distribution of the seconds of one run.
    pub prediction: LogMixture,
    /// Distribution that describes what is known of the mean of several runs.
    pub mean: LogMixture,
    /// Fraction of the largest table that is used.
    pub top_fraction: f64,
    /// Probability of a cliff between that table and the full size that costs something.
    pub cliff_probability: f64,
    /// Runs on smaller tables that were long enough to tell how much runs scatter.
    pub lower_runs: usize,
}

impl Ladder {
    /// Predicts the full size; `None` without runs.
    ///
    /// With the top rung's n runs T of the fraction f and the empty table's seconds a: m = mean ln(T − a) + x ln(1/f);
    /// c = 0.6(1 − Π(1 − p)), p = Φ(−ln θ/.25) − Φ((ln f − ln θ)/.25) for each threshold θ; ln(seconds − a) is a
    /// mixture over σ of (1 − c) N(m, v) + c N(m + 0.22, v + 0.16²) with v = σ²(1 + 1/n) + s(T)²/n +
    /// s(eᵐ)² + (σ_x ln(1/f))², s being the deviation of short runs. The weights of σ come from all runs of the same
    /// size. Source: the project's own simulation, `tests/it/ladder_coverage.rs`, against fits of exponents and of
    /// a + bn + cn log n (Venkataraman et al. 2016, Ernest).
    pub fn climb(&self) -> Option<Climbed> {
        let rungs = self.rungs();
        let top = self.logarithms(rungs.first()?);
        let count = top.len() as f64;
        let log_seconds = top.iter().sum::<f64>() / count;
        let deviation = rungs
            .iter()
            .fold(self.deviation.clone(), |known, rung| known.and(&self.logarithms(rung)));
        let fraction = rungs[0][0].fraction;
        let mean = log_seconds - self.growth.power * fraction.ln();
        let scaling = scaling_sd(1.0 / fraction, self.growth.sd_per_e_fold);
        // The full run is longer, so it scatters less than those on parts.
        let short_rung = short_run_sd(log_seconds.exp()) / count.sqrt();
        let short_full = short_run_sd(mean.exp());
        let cliff = self.cliff_probability(fraction);
        let mixture = |runs: f64, short: f64| {
            let spread = scaling.hypot(short);
            let component = |weight, mean, standard_deviation| Component {
                weight,
                mean,
                standard_deviation,
                degrees_of_freedom: f64::INFINITY,
            };
            let plain = component(1.0 - cliff, mean, spread);
            let beyond = component(cliff, mean + CLIFF.0, spread.hypot(CLIFF.1));
            let growing = LogMixture::new(vec![plain, beyond])?;
            Some(self.with_empty(&deviation.added_to(&growing, runs)))
        };
        Some(Climbed {
            prediction: mixture(1.0 + 1.0 / count, short_rung.hypot(short_full))?,
            mean: mixture(1.0 / count, short_rung)?,
            top_fraction: fraction,
            cliff_probability: cliff,
            lower_runs: rungs[1..].iter().map(Vec::len).sum(),
        })
    }

    /// Returns the logarithms of the seconds that grow with the table.
    fn logarithms(&self, rung: &[LadderRun]) -> Vec<f64> {
        let growing = |run: &LadderRun| (run.seconds - self.empty_seconds).max(0.1 * run.seconds).max(1e-6);
        rung.iter().map(|run| growing(run).ln()).collect()
    }

    /// Returns the runs that are long enough (if none is, the longest one), grouped by table, the largest first.
    fn rungs(&self) -> Vec<Vec<LadderRun>> {
        let mut runs: Vec<LadderRun> = self.runs.iter().copied().filter(|run| run.fraction > 0.0).collect();
        runs.sort_by(|one, other| other.fraction.total_cmp(&one.fraction));
        let tables = runs.chunk_by(|one, other| one.fraction == other.fraction);
        let long = |table: &&[LadderRun]| table.iter().all(|run| run.seconds >= SHORTEST_SECONDS);
        let kept: Vec<Vec<LadderRun>> = tables.clone().filter(long).map(<[LadderRun]>::to_vec).collect();
        if kept.is_empty() {
            tables.take(1).map(<[LadderRun]>::to_vec).collect()
        } else {
            kept
        }
    }

    fn cliff_probability(&self, fraction: f64) -> f64 {
        let none = |threshold: &f64| {
            let place = threshold.max(1e-9).ln();
            let crossed =
                normal_cumulative(-place / THRESHOLD_SD) - normal_cumulative((fraction.ln() - place) / THRESHOLD_SD);
            1.0 - crossed.max(0.0)
        };
        CLIFF_PROBABILITY * (1.0 - self.thresholds.iter().map(none).product::<f64>())
    }

    /// Adds the seconds that do not grow with the table: ln(eᵐ + a). The deviation of the logarithm shrinks by the
    /// growing part's share.
    fn with_empty(&self, growing: &LogMixture) -> LogMixture {
        growing.map(|component| {
            let seconds = component.mean.exp();
            Component {
                mean: (seconds + self.empty_seconds).ln(),
                standard_deviation: component.standard_deviation * seconds / (seconds + self.empty_seconds),
                ..component
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(runs: &[(f64, f64)], thresholds: &[f64]) -> Ladder {
        Ladder {
            runs: runs
                .iter()
                .map(|(fraction, seconds)| LadderRun {
                    fraction: *fraction,
                    seconds: *seconds,
                })
                .collect(),
            empty_seconds: 0.0,
            thresholds: thresholds.to_vec(),
            growth: Growth {
                sd_per_e_fold: 0.04,
                ..Growth::default()
            },
            deviation: RunDeviation::default(),
        }
    }

    fn check(ladder: &Ladder, expected: [f64; 3]) {
        let climbed = ladder.climb().expect("runs");
        let interval = climbed.prediction.central_interval(0.95);
        let actual = [
            interval.lower_bound,
            climbed.prediction.quantile(0.5),
            interval.upper_bound,
        ];
        for (actual, expected) in actual.into_iter().zip(expected) {
            assert!((actual / expected - 1.0).abs() < 2e-3, "{actual}, not {expected}");
        }
    }

    // The formula of `climb` in numpy and scipy: exp(brentq(lambda l: sum(w*norm.cdf((l - m)/sd)) - q, -10, 20)).
    // Merging components changes the third digit of a width.
    #[test]
    fn quantiles_agree_with_scipy() {
        check(
            &ladder(&[(0.25, 100.0)], &[]),
            [327.9288657212589, 405.5837919160121, 501.62772924293955],
        );
        let several = [
            (0.0625, 25.0),
            (0.25, 100.0),
            (0.015625, 1.0),
            (0.25, 104.0),
            (0.0625, 27.0),
        ];
        check(
            &ladder(&several, &[0.5, 0.2]),
            [351.7760958886608, 455.39208573613564, 707.4217736824312],
        );
        let with_overhead = Ladder {
            empty_seconds: 2.0,
            ..ladder(&[(0.25, 10.0)], &[0.5])
        };
        check(
            &with_overhead,
            [28.823147035889626, 37.80896761722647, 58.145727541479786],
        );
    }

    #[test]
    fn short_runs_count_only_when_there_is_nothing_else() {
        check(
            &ladder(&[(0.1, 0.4), (0.25, 1.0)], &[]),
            [3.132963377708923, 4.055837919160116, 5.250562883540175],
        );
        let climbed = ladder(&[(0.1, 2.5), (0.25, 1.0)], &[]).climb().expect("runs");
        assert_eq!(climbed.top_fraction, 0.1);
        assert!(ladder(&[], &[]).climb().is_none());
    }

    #[test]
    fn a_cliff_is_expected_only_between_the_top_rung_and_the_full_size() {
        for (threshold, crossed) in [(0.5, true), (0.05, false), (4.0, false)] {
            let climbed = ladder(&[(0.25, 100.0)], &[threshold]).climb().expect("runs");
            assert_eq!(climbed.cliff_probability > 0.5, crossed, "{threshold}");
            assert_eq!(climbed.cliff_probability < 0.01, !crossed, "{threshold}");
        }
    }
}
