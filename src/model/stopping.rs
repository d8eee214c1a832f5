//! When to stop replaying: when there is enough evidence and the requested precision is reached, checked only at a few
//! points.
//!
//! Checking after every batch would stop at lucky moments; the replay checks only after the segments that
//! `may_look_after` names.

use super::backfill::{self, Known};
use super::forecast::Forecast;
use super::priors::{DRIFT_SD, RUN_SD};
use super::regimes::Settings;
use super::rehearsed::table_of;
use super::run_deviation::RunDeviation;
use crate::observation::{Rehearsal, StepRecord};
use crate::stats::distribution::two_sided_factor;

/// The result of checking the evidence.
#[derive(Clone, Debug, PartialEq)]
pub enum Precision {
    /// Some rules of evidence are not met yet, one sentence each.
    TooThin(Vec<String>),
    /// The prediction interval is still wider than requested.
    TooWide {
        /// Half the width of its logarithm: 0.2 means about ±20 %.
        half_width: f64,
    },
    /// The prediction interval is as narrow as requested.
    PreciseEnough {
        /// Half the width of its logarithm.
        half_width: f64,
    },
}

/// Compares the precision reached so far for the batched step `step` with the requested one (0.1 for ±10 %) at
/// `confidence_level`.
///
/// `checkpoints` are those completed since its first batch; the facts about server and table are in `rehearsal`.
pub fn judge(
    rehearsal: &Rehearsal,
    step: &StepRecord,
    checkpoints: u64,
    precision: f64,
    confidence_level: f64,
) -> Precision {
    let known = Known {
        checkpoints: Some(checkpoints),
        settings: Settings(&rehearsal.server.settings),
        table: table_of(rehearsal, step),
        deviation: &RunDeviation::learned(&rehearsal.run_history),
    };
    let forecast = step
        .batching
        .as_ref()
        .and_then(|batching| backfill::forecast(step, batching, None, &known, confidence_level));
    match forecast {
        None => Precision::TooThin(vec!["no batch was measured".to_string()]),
        Some(forecast) if !forecast.too_thin.is_empty() => Precision::TooThin(forecast.too_thin),
        Some(forecast) => match half_width(&forecast, confidence_level) {
            half_width if half_width <= precision => Precision::PreciseEnough { half_width },
            half_width => Precision::TooWide { half_width },
        },
    }
}

/// Returns the smallest half width that a partial replay can reach: z √((τ_D/2)² + 2σ_run²), ±26 % at 95 %.
///
/// A request for less should be answered at once: only past outcomes or a replay of the whole walk can reach it.
pub fn narrowest_partial(confidence_level: f64) -> f64 {
    two_sided_factor(confidence_level, f64::INFINITY) * ((DRIFT_SD / 2.0).powi(2) + 2.0 * RUN_SD * RUN_SD).sqrt()
}

fn half_width(forecast: &Forecast, confidence_level: f64) -> f64 {
    let interval = forecast.duration.central_interval(confidence_level);
    0.5 * (interval.upper_bound / interval.lower_bound).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    // numpy: scipy.stats.norm.ppf(0.975) * sqrt(0.1**2 + 2*0.06**2)
    #[test]
    fn the_floor_agrees_with_scipy() {
        assert!((narrowest_partial(0.95) - 0.257046866769348).abs() < 1e-9);
    }
}
