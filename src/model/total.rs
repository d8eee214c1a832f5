//! The sum of the steps: its distribution, and how much each step contributes to the uncertainty.
//!
//! Neither the ends of intervals nor their squares may be added, since all steps share one machine and one day. Seeded
//! Monte Carlo gives the distribution of the sum; a migration of one step keeps its exact distribution.

use super::bundle::{Bundle, bundles};
use super::estimate::{FitsWindow, Interval, LEVELS, Total};
use super::forecast::Forecast;
use crate::stats::log_mixture::LogMixture;
use crate::stats::quantile::quantile;
use crate::stats::random::{generator, standard_normal};
use crate::units::Seconds;

/// Draws of the sum.
const DRAWS: usize = 10_000;

/// The predicted duration of the migration, and each step's share of its variance.
pub struct SumOfSteps {
    /// The total, as reported.
    pub total: Total,
    /// Share of the variance that each step contributes, in order. They sum to 1, except for sampling errors of tiny
    /// steps.
    pub shares: Vec<f64>,
}

/// Adds up the steps, of which there must be at least one; `confidence_level` is the requested level, `window` the time
/// allowed.
pub fn sum(forecasts: &[&Forecast], confidence_level: f64, window: Option<Seconds>, seed: u64) -> SumOfSteps {
    if let [only] = forecasts {
        return SumOfSteps {
            total: alone(&only.duration, confidence_level, window),
            shares: vec![1.0],
        };
    }
    let bundles = bundles(forecasts);
    let draws = draw(&bundles, seed);
    let mut sums: Vec<f64> = draws.iter().map(|steps| steps.iter().sum()).collect();
    let mut of_steps = vec![0.0; forecasts.len()];
    for (bundle, share) in bundles.iter().zip(shares(&draws)) {
        for (step, part) in &bundle.steps {
            of_steps[*step] = share * part;
        }
    }
    sums.sort_by(f64::total_cmp);
    let fits = window.map(|window| {
        let within = sums.partition_point(|sum| *sum <= window.0);
        fits(window, within as f64 / DRAWS as f64)
    });
    SumOfSteps {
        total: total(|probability| quantile(&sums, probability), confidence_level, fits),
        shares: of_steps,
    }
}

/// Returns the total whose distribution is `duration`.
pub fn alone(duration: &LogMixture, confidence_level: f64, window: Option<Seconds>) -> Total {
    let fits = window.map(|window| fits(window, duration.cumulative(window.0)));
    total(|probability| duration.quantile(probability), confidence_level, fits)
}

/// Returns the prediction intervals of one distribution at [`LEVELS`] and at the requested level.
pub fn intervals(duration: &LogMixture, confidence_level: f64) -> Vec<Interval> {
    intervals_of(|probability| duration.quantile(probability), confidence_level)
}

fn total(quantile: impl Fn(f64) -> f64, confidence_level: f64, fits_window: Option<FitsWindow>) -> Total {
    Total {
        point_seconds: quantile(0.5),
        intervals: intervals_of(&quantile, confidence_level),
        percentiles: (1..100).map(|percent| quantile(percent as f64 / 100.0)).collect(),
        fits_window,
    }
}

fn fits(window: Seconds, probability: f64) -> FitsWindow {
    FitsWindow {
        window_seconds: window.0,
        probability,
    }
}

fn intervals_of(quantile: impl Fn(f64) -> f64, confidence_level: f64) -> Vec<Interval> {
    let mut levels = LEVELS.to_vec();
    if !levels.contains(&confidence_level) {
        levels.push(confidence_level);
        levels.sort_by(f64::total_cmp);
    }
    let interval = |level: f64| Interval {
        level,
        lower_seconds: quantile(0.5 - level / 2.0),
        upper_seconds: quantile(0.5 + level / 2.0),
    };
    levels.into_iter().map(interval).collect()
}

/// Upper limit of a drawn duration, longer than the age of the universe. Without it, very uncertain steps can give
/// infinite draws, and their sum has no variance.
const LONGEST_DRAW: f64 = 1e30;

/// Draws the seconds of each bundle [`DRAWS`] times; the shared part is drawn once for all.
fn draw(bundles: &[Bundle], seed: u64) -> Vec<Vec<f64>> {
    let mut generator = generator(seed);
    let one = |_| {
        let shared = standard_normal(&mut generator);
        let bundle = |bundle: &Bundle| {
            let seconds = bundle.duration.sample(&mut generator, shared, bundle.shared_deviation);
            seconds.min(LONGEST_DRAW)
        };
        bundles.iter().map(bundle).collect()
    };
    (0..DRAWS).map(one).collect()
}

/// Cov(Tᵢ, T) / Var(T): the shares of a sum's variance, which sum to 1.
///
/// Each step's draws are first limited to its own 1 % and 99 % quantiles (winsorised). The exponential of a Student t
/// has no variance, and extreme draws of a step of a millisecond must not dominate those of a step of an hour.
fn shares(draws: &[Vec<f64>]) -> Vec<f64> {
    let steps = draws.first().map_or(0, Vec::len);
    let columns: Vec<Vec<f64>> = (0..steps)
        .map(|step| winsorised(draws.iter().map(|draw| draw[step]).collect()))
        .collect();
    let sums: Vec<f64> = (0..draws.len())
        .map(|draw| columns.iter().map(|column| column[draw]).sum())
        .collect();
    let mean = sums.iter().sum::<f64>() / draws.len() as f64;
    let variance: f64 = sums.iter().map(|sum| (sum - mean).powi(2)).sum();
    let share = |column: &Vec<f64>| {
        let covariance: f64 = column.iter().zip(&sums).map(|(step, sum)| step * (sum - mean)).sum();
        if variance > 0.0 {
            // For a very small step, the sampled covariance may be negative.
            (covariance / variance).clamp(0.0, 1.0)
        } else {
            1.0 / steps as f64
        }
    };
    columns.iter().map(share).collect()
}

fn winsorised(values: Vec<f64>) -> Vec<f64> {
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    let (lowest, highest) = (quantile(&sorted, 0.01), quantile(&sorted, 0.99));
    values.into_iter().map(|value| value.clamp(lowest, highest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::StepKind;
    use crate::model::estimate::Basis;
    use crate::model::repeated::student;

    fn step(median_seconds: f64, standard_deviation: f64, shared_deviation: f64) -> Forecast {
        Forecast {
            duration: student(median_seconds.ln(), standard_deviation, f64::INFINITY),
            shared_deviation,
            short_kind: None,
            rows: None,
            rate: None,
            wal_bytes: None,
            locks: Vec::new(),
            basis: Basis::Rehearsal,
            too_thin: Vec::new(),
            assumptions: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn check(forecasts: &[Forecast], lower: f64, upper: f64) {
        let forecasts: Vec<&Forecast> = forecasts.iter().collect();
        let sum = sum(&forecasts, 0.95, None, 1);
        let interval = sum.total.intervals.last().expect("intervals");
        assert!(
            (interval.lower_seconds / lower - 1.0).abs() < 0.01,
            "{interval:?}, not {lower}"
        );
        assert!(
            (interval.upper_seconds / upper - 1.0).abs() < 0.01,
            "{interval:?}, not {upper}"
        );
        assert!((sum.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    // numpy: r = default_rng(0); e = r.standard_normal((2000000, 9)); sum over k of 100*exp(0.2*e[:, k]), k < 8;
    // and with half of the variance shared: 100*exp(0.2*(sqrt(.5)*e[:, 8] + sqrt(.5)*e[:, k])); quantile [0.025, 0.975]
    #[test]
    fn sums_agree_with_numpy() {
        check(&[step(100.0, 0.2, 0.0)], 67.56971, 147.9953);
        check(&vec![step(100.0, 0.2, 0.0); 8], 707.804832, 936.453303);
        check(&vec![step(100.0, 0.2, 0.2 * 0.5f64.sqrt()); 8], 601.219, 1082.94386);
    }

    // numpy: r = default_rng(0); e = r.standard_normal((4000000, 4)); 100*exp(.085*e[:, 3] + sqrt(.2**2 - .085**2)*e[:,
    // 0]) + 20*exp(.6*e[:, 3] + sqrt(.9**2 - .6**2)*e[:, 1]) + 50*exp(.1*e[:, 2]); quantile [0.025, 0.975]; shares of
    // what is clipped to its own [0.01, 0.99] quantiles: cov(x, S)/var(S)
    #[test]
    fn steps_of_different_basis_share_one_day_each_as_much_as_it_does() {
        let steps = [step(100.0, 0.2, 0.085), step(20.0, 0.9, 0.6), step(50.0, 0.1, 0.0)];
        check(&steps, 126.80847689, 288.03384167);
        let shares = sum(&steps.each_ref(), 0.95, None, 1).shares;
        for (share, expected) in shares.iter().zip([0.3563, 0.6277, 0.0160]) {
            assert!((share - expected).abs() < 0.02, "{shares:?}");
        }
    }

    // python: s = 2*.06**2; v = .5/1600; V = s + v; V*V/(s*s/4 + v*v/1600/4) = 4.3548
    // t with 0.975 below it, by Simpson's rule: 2.68948; 4.8*exp(-/+ 2.68948*sqrt(V))
    #[test]
    fn many_short_steps_are_no_less_sure_than_their_sum() {
        let short = |kind| Forecast {
            duration: student(0.003f64.ln(), (2.0 * (0.06f64.powi(2) + 0.5f64.powi(2))).sqrt(), 4.0),
            short_kind: kind,
            ..step(0.003, 0.0, 2f64.sqrt() * 0.06)
        };
        check(&vec![short(Some(StepKind::Dml)); 1600], 3.80192, 6.0601);
        // A long step among them keeps its own distribution.
        let mut steps = vec![short(Some(StepKind::Dml)); 1600];
        steps.push(step(1000.0, 0.2, 0.0));
        check(&steps, 680.6, 1484.7);
        let alone = sum(&[&short(None), &step(1000.0, 0.2, 0.0)], 0.95, None, 1)
            .total
            .point_seconds;
        assert!((alone / 1000.0 - 1.0).abs() < 0.01, "{alone}");
    }

    #[test]
    fn no_share_is_negative() {
        let mut steps = vec![step(1e-6, 0.1, 0.0); 20];
        steps.push(step(1000.0, 0.3, 0.0));
        let steps: Vec<&Forecast> = steps.iter().collect();
        let shares = sum(&steps, 0.95, None, 1).shares;
        assert!(shares.contains(&0.0), "none came out below 0: {shares:?}");
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
    }

    #[test]
    fn the_uncertain_step_has_the_share_of_the_variance() {
        let sum = sum(
            &[&step(100.0, 0.3, 0.0), &step(100.0, 0.03, 0.0)],
            0.9,
            Some(Seconds(200.0)),
            1,
        );
        assert!(sum.shares[0] > 0.97, "{:?}", sum.shares);
        let levels: Vec<f64> = sum.total.intervals.iter().map(|interval| interval.level).collect();
        assert_eq!(levels, [0.5, 0.8, 0.9, 0.95]);
        let probability = sum.total.fits_window.expect("a window").probability;
        assert!((probability - 0.5).abs() < 0.03, "{probability}");
        assert_eq!(sum.total.percentiles.len(), 99);
    }
}
