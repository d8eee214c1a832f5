//! A prediction by anybody, migtime or a baseline, beside the outcome.

use super::pair::Pair;
use crate::stats::distribution::two_sided_factor;
use crate::stats::interval::Interval;

/// The levels at which predictions are judged.
pub const LEVELS: [f64; 3] = [0.5, 0.8, 0.95];

/// A prediction beside the outcome, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome<'a> {
    /// Name of its family.
    pub family: &'a str,
    /// What was predicted.
    pub point: f64,
    /// Intervals at [`LEVELS`].
    pub intervals: [Interval; 3],
    /// What came.
    pub actual: f64,
}

impl<'a> Outcome<'a> {
    fn of(pair: &'a Pair, point: f64, intervals: [Interval; 3]) -> Outcome<'a> {
        Outcome {
            family: &pair.family,
            point,
            intervals,
            actual: pair.actual,
        }
    }

    /// Returns what migtime predicted; `None` if it refused.
    pub fn of_migtime(pair: &'a Pair) -> Option<Outcome<'a>> {
        let (point, bounds) = pair.prediction()?;
        let interval = |(lower_bound, upper_bound)| Interval {
            lower_bound,
            upper_bound,
        };
        Some(Outcome::of(pair, point, bounds.map(interval)))
    }

    /// Returns the straight line through the beginning, with its t-interval.
    pub fn of_line(pair: &'a Pair) -> Option<Outcome<'a>> {
        let (line, error, degrees) = (pair.linear?, pair.linear_error?, pair.linear_degrees?);
        Some(Outcome::of(
            pair,
            line,
            LEVELS.map(|level| around(line, two_sided_factor(level, degrees) * error)),
        ))
    }

    /// Returns the time left at the last rate, which has no width.
    pub fn of_last_rate(pair: &'a Pair) -> Option<Outcome<'a>> {
        let point = pair.last_rate?;
        Some(Outcome::of(pair, point, [around(point, 0.0); 3]))
    }

    /// Returns the mean of the segments times and divided by a factor for each level.
    pub fn of_factor(pair: &'a Pair, factors: &[f64; 3]) -> Option<Outcome<'a>> {
        let point = pair.segment_mean?;
        Some(Outcome::of(pair, point, factors.map(|factor| by_factor(point, factor))))
    }

    /// Returns whether the interval at `LEVELS[level]` held the outcome.
    pub fn is_held(&self, level: usize) -> bool {
        let interval = self.intervals[level];
        (interval.lower_bound..=interval.upper_bound).contains(&self.actual)
    }

    /// Returns half the width of the 95 % interval as a share of the prediction.
    pub fn half_width(&self) -> f64 {
        let [_, _, interval] = self.intervals;
        0.5 * (interval.upper_bound - interval.lower_bound) / self.point
    }

    /// Returns the error of the prediction as a share of the outcome; above 0 where it was too high.
    pub fn error(&self) -> f64 {
        self.point / self.actual - 1.0
    }

    /// Returns the bin of the probability integral transform, 0 to 7, into which the outcome fell: between which two of
    /// the quantiles 2.5, 10, 25, 50, 75, 90 and 97.5 %.
    ///
    /// Source: Gneiting, Balabdaoui & Raftery (2007), Probabilistic forecasts, calibration and sharpness, §3.1.
    pub fn bin(&self) -> usize {
        let [half, most, nearly_all] = self.intervals;
        let below = [nearly_all, most, half].map(|interval| interval.lower_bound);
        let above = [half, most, nearly_all].map(|interval| interval.upper_bound);
        let quantiles = below.into_iter().chain([self.point]).chain(above);
        quantiles.filter(|quantile| self.actual > *quantile).count()
    }
}

/// Returns the interval of `point` divided and multiplied by a factor.
pub(super) fn by_factor(point: f64, factor: f64) -> Interval {
    Interval {
        lower_bound: point / factor,
        upper_bound: point * factor,
    }
}

fn around(point: f64, half_width: f64) -> Interval {
    Interval {
        lower_bound: point - half_width,
        upper_bound: point + half_width,
    }
}

#[cfg(test)]
mod tests {
    use super::super::pair::tests::pair;
    use super::*;

    #[test]
    fn the_bin_counts_the_quantiles_below() {
        for (actual, bin) in [
            (5.0, 0),
            (8.5, 1),
            (9.2, 2),
            (9.8, 3),
            (10.0, 3),
            (10.2, 4),
            (10.7, 5),
            (11.5, 6),
            (13.0, 7),
        ] {
            let pair = pair("a", true, 10.0, actual);
            assert_eq!(Outcome::of_migtime(&pair).expect("predicted").bin(), bin, "{actual}");
        }
    }

    // scipy.stats.t.ppf(0.975, 149) * 0.02 * 10 = 0.39520263
    #[test]
    fn the_line_has_a_t_interval() {
        let pair = pair("a", true, 10.0, 10.0);
        let line = Outcome::of_line(&pair).expect("a line");
        assert!((line.intervals[2].upper_bound - 9.395_202_63).abs() < 1e-6, "{line:?}");
        assert!((line.error() + 0.1).abs() < 1e-12 && !line.is_held(2));
        assert_eq!(Outcome::of_last_rate(&pair).expect("a rate").half_width(), 0.0);
    }
}
