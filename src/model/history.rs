//! How right past predictions were: coverage, error, bias, and whether the way to production drifts.

use serde::Serialize;

use super::estimate::LEVELS;
use super::outcome::Outcome;
use super::transfer::Transfer;
use crate::stats::interval::wilson_interval;
use crate::stats::quantile::quantile;
use crate::stats::trend::mann_kendall;

/// Level of the intervals that say how sure the summary itself is.
pub const CONFIDENCE_LEVEL: f64 = 0.95;
/// A p-value at or below which a drift is called one.
pub const SIGNIFICANT: f64 = 0.05;
/// Fewest outcomes of which a drift could be significant: of five in perfect order, p = 0.017.
const FEWEST_FOR_DRIFT: usize = 5;

/// What a history says as a whole. Only outcomes that count are in its numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Number of outcomes.
    pub outcomes: usize,
    /// Number of those that count: measured on a clone, and not provisional.
    pub counted: usize,
    /// How often the intervals held, at each of the usual levels.
    pub coverage: Vec<Coverage>,
    /// Median of |actual/predicted − 1|, as predicted then.
    pub median_error: Option<f64>,
    /// Geometric mean of actual/predicted, as predicted then.
    pub mean_ratio: Option<f64>,
    /// Whether production became slower or faster against the clone.
    pub drift: Option<Drift>,
    /// What the next estimate for production is multiplied by.
    pub next: Option<NextFactor>,
}

/// How often the interval of a level held.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// The level, 0 to 1.
    pub level: f64,
    /// Outcomes inside.
    pub held: usize,
    /// Outcomes with an interval of that level.
    pub of: usize,
    /// Lower end of Wilson's 95 % interval of the share.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
}

/// The order in time of actual/predicted by the rehearsal alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// Kendall's τ: above 0 where production becomes slower against the clone.
    pub tau: f64,
    /// Two-sided p-value of the Mann-Kendall test.
    pub p_value: f64,
}

/// The factor of the next estimate, over all kinds of steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NextFactor {
    /// Its centre.
    pub factor: f64,
    /// The factor up and down from it within which 95 % of the durations are expected.
    pub within: f64,
}

/// Sorts outcomes by the time at which they were recorded, and leaves out lines that a merge doubled.
pub fn ordered(mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
    outcomes.sort_by(|one, other| one.recorded_at.cmp(&other.recorded_at));
    let mut kept: Vec<Outcome> = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        let same_time = kept
            .iter()
            .rev()
            .take_while(|one| one.recorded_at == outcome.recorded_at);
        if !same_time.into_iter().any(|one| *one == outcome) {
            kept.push(outcome);
        }
    }
    kept
}

/// Summarises outcomes that are [`ordered`].
pub fn summarise(outcomes: &[Outcome]) -> Summary {
    let counted: Vec<&Outcome> = outcomes
        .iter()
        .filter(|outcome| outcome.why_not_counted().is_none())
        .collect();
    let ratios: Vec<f64> = counted
        .iter()
        .map(|outcome| outcome.actual_seconds / outcome.predicted.point_seconds)
        .collect();
    let mut errors: Vec<f64> = ratios.iter().map(|ratio| (ratio - 1.0).abs()).collect();
    errors.sort_by(f64::total_cmp);
    let any = |value: f64| Some(value).filter(|_| !counted.is_empty());
    let in_time: Vec<f64> = counted.iter().map(|outcome| outcome.log_ratio()).collect();
    let trend = mann_kendall(&in_time).filter(|_| in_time.len() >= FEWEST_FOR_DRIFT);
    let next = Transfer::learn(outcomes, 0).map(|transfer| transfer.shift(None));
    Summary {
        outcomes: outcomes.len(),
        counted: counted.len(),
        coverage: LEVELS.iter().filter_map(|level| coverage(&counted, *level)).collect(),
        median_error: any(quantile(&errors, 0.5)),
        mean_ratio: any((ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()),
        drift: trend.map(|trend| Drift {
            tau: trend.tau,
            p_value: trend.p_value,
        }),
        next: next.map(|shift| NextFactor {
            factor: shift.mean.exp(),
            within: shift.factor_at(CONFIDENCE_LEVEL),
        }),
    }
}

fn coverage(outcomes: &[&Outcome], level: f64) -> Option<Coverage> {
    let with_interval = outcomes
        .iter()
        .filter_map(|outcome| outcome.predicted.at(level).map(|interval| (outcome, interval)));
    let held: Vec<bool> = with_interval
        .map(|(outcome, interval)| (interval.lower_seconds..=interval.upper_seconds).contains(&outcome.actual_seconds))
        .collect();
    let inside = held.iter().filter(|held| **held).count();
    let share = (!held.is_empty()).then(|| wilson_interval(inside as u64, held.len() as u64, CONFIDENCE_LEVEL))?;
    Some(Coverage {
        level,
        held: inside,
        of: held.len(),
        lower: share.lower_bound,
        upper: share.upper_bound,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::StepKind;
    use crate::model::estimate::{Interval, Predicted};

    fn outcome(day: usize, actual_seconds: f64) -> Outcome {
        let interval = |level, reach: f64| Interval {
            level,
            lower_seconds: 100.0 / reach,
            upper_seconds: 100.0 * reach,
        };
        let predicted = Predicted {
            point_seconds: 100.0,
            intervals: vec![interval(0.5, 1.05), interval(0.95, 1.25)],
        };
        let recorded_at = format!("2026-05-{day:02}T10:00:00Z");
        Outcome::bare(StepKind::Backfill, predicted, actual_seconds, recorded_at)
    }

    // numpy: r = np.array([1.02, .9, 1.1, 1.2, 1.4, 1.5]); np.median(abs(r - 1)); np.exp(np.log(r).mean());
    // scipy.stats.kendalltau(range(6), r, method="exact"); binomtest(1, 6) and (4, 6).proportion_ci(method="wilson")
    #[test]
    fn a_history_is_summarised_as_scipy_does() {
        let mut history: Vec<Outcome> = [102.0, 90.0, 110.0, 120.0, 140.0, 150.0]
            .into_iter()
            .zip(1..)
            .map(|(actual, day)| outcome(day, actual))
            .collect();
        let mut provisional = outcome(7, 900.0);
        provisional.provisional = true;
        history.push(provisional);
        let summary = summarise(&history);
        let check = |actual: f64, expected: f64| assert!((actual - expected).abs() < 1e-6, "{actual} not {expected}");
        assert_eq!((summary.outcomes, summary.counted), (7, 6));
        check(summary.median_error.expect("outcomes"), 0.15);
        check(summary.mean_ratio.expect("outcomes"), 1.1684388389970823);
        let drift = summary.drift.expect("enough outcomes");
        check(drift.tau, 0.8666666666666666);
        check(drift.p_value, 0.016666666666666666);
        let held: Vec<(f64, usize, usize)> = summary
            .coverage
            .iter()
            .map(|one| (one.level, one.held, one.of))
            .collect();
        assert_eq!(held, [(0.5, 1, 6), (0.95, 4, 6)]);
        check(summary.coverage[1].lower, 0.299993315138392);
        check(summary.coverage[1].upper, 0.9032285888942195);
    }

    #[test]
    fn lines_are_put_into_order_and_doubled_ones_left_out() {
        let history = vec![outcome(3, 1.0), outcome(1, 2.0), outcome(3, 1.0), outcome(3, 2.0)];
        let days: Vec<String> = ordered(history)
            .iter()
            .map(|one| one.recorded_at[8..10].to_string())
            .collect();
        assert_eq!(days, ["01", "03", "03"]);
        assert_eq!(summarise(&[]).median_error, None);
    }
}
