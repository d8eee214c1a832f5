//! Applies what was learned from outcomes to an estimate for production, after it was made for the clone's machine.
//!
//! Outcomes are of whole migrations, so their distribution is that of a whole: the total becomes one t distribution
//! around its point on the clone times the factor. Its width holds the errors of the rehearsals before; only what this
//! rehearsal is less certain than those is added. Each step likewise. How the steps share the variance stays as the
//! clone said.

use super::estimate::{Basis, Estimate, Learned, Predicted, Rate, StepEstimate};
use super::repeated::student;
use super::total;
use super::transfer::{Shift, Transfer};
use crate::stats::distribution::two_sided_factor;
use crate::stats::log_mixture::LogMixture;
use crate::units::Seconds;

/// Shortest duration that has a logarithm.
const SHORTEST_SECONDS: f64 = 1e-9;

/// Turns an estimate for the clone's machine into one for production; `window` is the time allowed.
///
/// Steps that were not measured keep their rule of thumb.
pub(super) fn apply(estimate: &mut Estimate, transfer: &Transfer, window: Option<Seconds>) {
    let shift = common_shift(estimate, transfer);
    let on_clone = Predicted {
        point_seconds: estimate.total.point_seconds,
        intervals: estimate.total.intervals.clone(),
    };
    let duration = shifted(&on_clone, &shift, transfer);
    estimate.total = total::alone(&duration, estimate.level, window);
    estimate.learned = Some(Learned {
        outcomes: transfer.outcomes(),
        factor: shift.mean.exp(),
        on_clone,
    });
    let level = estimate.level;
    let before: Vec<f64> = estimate.steps.iter().map(|step| step.point_seconds).collect();
    for step in estimate.steps.iter_mut().filter(|step| is_measured(step)) {
        let shift = transfer.shift(Some(step.kind));
        apply_to_step(step, &shift, transfer, level);
    }
    let reach = two_sided_factor(level, f64::INFINITY) * shift.standard_deviation;
    shift_lock_holds(&mut estimate.steps, &before, reach);
}

/// Shifts how long locks are held until a commit as the steps until then were: these took `before` seconds on the
/// clone. `reach` is how far the logarithm of the factor reaches to either side.
fn shift_lock_holds(steps: &mut [StepEstimate], before: &[f64], reach: f64) {
    let after: Vec<f64> = steps.iter().map(|step| step.point_seconds).collect();
    let numbers: Vec<u32> = steps.iter().map(|step| step.number).collect();
    for (place, step) in steps.iter_mut().enumerate() {
        let Some(hold) = &mut step.lock_hold else { continue };
        let end = numbers.iter().rposition(|number| *number == hold.until_step);
        let range = place..=end.unwrap_or(place);
        let factor = after[range.clone()].iter().sum::<f64>() / before[range].iter().sum::<f64>();
        let widened = |end: f64| (end / hold.point_seconds).ln().hypot(reach).exp();
        let (lower, upper) = (widened(hold.lower_seconds), widened(hold.upper_seconds));
        hold.point_seconds *= factor;
        (hold.lower_seconds, hold.upper_seconds) = (hold.point_seconds / lower, hold.point_seconds * upper);
        let exact = step
            .locks
            .iter_mut()
            .filter(|lock| lock.sampled_every_seconds.is_none());
        exact.for_each(|lock| lock.held_seconds = lock.held_seconds.map(|_| hold.point_seconds));
    }
}

/// Returns the factor of the whole: that of each step, by its share of the time. All steps share one machine and one
/// load, so that their scales add up and do not cancel out.
fn common_shift(estimate: &Estimate, transfer: &Transfer) -> Shift {
    let whole: f64 = estimate.steps.iter().map(|step| step.point_seconds).sum();
    let mut shift = Shift {
        degrees_of_freedom: f64::INFINITY,
        mean: 0.0,
        standard_deviation: 0.0,
        standard_error: 0.0,
    };
    let mut factor = 0.0;
    for step in &estimate.steps {
        let share = step.point_seconds / whole.max(SHORTEST_SECONDS);
        if !is_measured(step) {
            factor += share;
            continue;
        }
        let own = transfer.shift(Some(step.kind));
        factor += share * own.mean.exp();
        shift.standard_deviation += share * own.standard_deviation;
        shift.standard_error += share * own.standard_error;
        shift.degrees_of_freedom = shift.degrees_of_freedom.min(own.degrees_of_freedom);
    }
    shift.mean = if factor > 0.0 { factor.ln() } else { 0.0 };
    shift
}

fn is_measured(step: &StepEstimate) -> bool {
    step.basis != Basis::RuleOfThumb
}

fn apply_to_step(step: &mut StepEstimate, shift: &Shift, transfer: &Transfer, level: f64) {
    let on_clone = Predicted {
        point_seconds: step.point_seconds,
        intervals: std::mem::take(&mut step.intervals),
    };
    let duration = shifted(&on_clone, shift, transfer);
    step.point_seconds = duration.quantile(0.5);
    step.intervals = total::intervals(&duration, level);
    step.rows_per_second = step.rows_per_second.map(|rate| slower(rate, shift, level));
    for lock in &mut step.locks {
        lock.held_seconds = lock.held_seconds.map(|seconds| seconds * shift.mean.exp());
    }
    step.on_clone = Some(on_clone);
}

fn shifted(on_clone: &Predicted, shift: &Shift, transfer: &Transfer) -> LogMixture {
    let excess = transfer.excess(on_clone.log_variance().unwrap_or_default());
    student(
        on_clone.point_seconds.max(SHORTEST_SECONDS).ln() + shift.mean,
        (shift.standard_deviation.powi(2) + excess).sqrt(),
        shift.degrees_of_freedom,
    )
}

/// Returns the mean rate on production: the uncertainty of the factor is added to that of the rate.
fn slower(rate: Rate, shift: &Shift, level: f64) -> Rate {
    let of_factor = two_sided_factor(level, shift.degrees_of_freedom) * shift.standard_error;
    let reach = |end: f64| (end / rate.point).ln().hypot(of_factor).exp();
    let point = rate.point / shift.mean.exp();
    Rate {
        point,
        lower: point / reach(rate.lower),
        upper: point * reach(rate.upper),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::{LockMode, StepKind};
    use crate::model::EstimateOptions;
    use crate::model::outcome::Outcome;
    use crate::model::rule_of_thumb::{UnmeasuredStep, estimate};
    use crate::observation::LockRecord;

    /// Backfills that took twice as long as predicted, and index builds that took as long.
    fn transfer() -> Transfer {
        let outcome = |(index, (kind, ratio)): (usize, (StepKind, f64))| {
            let predicted = Predicted {
                point_seconds: 10.0,
                intervals: Vec::new(),
            };
            let scatter = if index % 4 < 2 { 1.1 } else { 1.0 / 1.1 };
            Outcome::bare(
                kind,
                predicted,
                10.0 * ratio * scatter,
                "2026-05-31T14:30:00Z".to_string(),
            )
        };
        let both = [(StepKind::Backfill, 2.0), (StepKind::IndexBuild, 1.0)];
        let history: Vec<Outcome> = both.into_iter().cycle().take(18).enumerate().map(outcome).collect();
        Transfer::learn(&history, 0).expect("outcomes")
    }

    fn step(number: u32, kind: StepKind) -> UnmeasuredStep<'static> {
        UnmeasuredStep {
            number,
            kind,
            statement: String::new(),
            table: None,
            rows: Some(1e6),
            rows_relative_sd: 0.0,
            joins: false,
            pause_seconds: 0.0,
        }
    }

    /// An estimate of a backfill, an index build and a scan, of which the scan was not measured.
    fn estimated() -> Estimate {
        let kinds = [StepKind::Backfill, StepKind::IndexBuild, StepKind::TableScan];
        let steps: Vec<UnmeasuredStep> = (1..).zip(kinds).map(|(number, kind)| step(number, kind)).collect();
        let mut estimate = estimate(&steps, &EstimateOptions::default());
        for step in &mut estimate.steps[..2] {
            step.basis = Basis::Rehearsal;
            step.locks = vec![LockRecord {
                relation: "t".to_string(),
                mode: LockMode::Share,
                held_seconds: Some(3.0),
                sampled_every_seconds: None,
            }];
        }
        estimate
    }

    #[test]
    fn each_kind_has_its_factor_and_the_whole_has_their_mean() {
        let (before, transfer) = (estimated(), transfer());
        let mut after = before.clone();
        apply(&mut after, &transfer, Some(Seconds(1e6)));
        let point = |estimate: &Estimate, index: usize| estimate.steps[index].point_seconds;
        let factors = [0, 1, 2].map(|index| point(&after, index) / point(&before, index));
        assert!((1.6..2.0).contains(&factors[0]), "{factors:?}");
        assert!((1.0..1.25).contains(&factors[1]), "{factors:?}");
        assert_eq!(after.steps[2], before.steps[2], "it was not measured");
        let sum = |estimate: &Estimate| (0..3).map(|index| point(estimate, index)).sum::<f64>();
        let learned = after.learned.as_ref().expect("it learned");
        assert!(
            (learned.factor / (sum(&after) / sum(&before)) - 1.0).abs() < 1e-6,
            "{learned:?}"
        );
        assert!((after.total.point_seconds / before.total.point_seconds / learned.factor - 1.0).abs() < 1e-6);
        for (step, factor) in after.steps.iter().zip(factors).take(2) {
            let held = step.locks[0].held_seconds.expect("a time");
            assert!((held / 3.0 / factor - 1.0).abs() < 1e-6, "{held}");
        }
        assert!(after.total.fits_window.is_some_and(|fits| fits.probability > 0.99));
    }

    #[test]
    fn what_a_rehearsal_is_less_certain_than_others_stays_uncertain() {
        let width = |predicted: &Predicted| {
            let duration = shifted(predicted, &transfer().shift(None), &transfer());
            duration.quantile(0.975) / duration.quantile(0.025)
        };
        let of = |reach: f64| Predicted {
            point_seconds: 100.0,
            intervals: vec![crate::model::estimate::Interval {
                level: 0.95,
                lower_seconds: 100.0 / reach,
                upper_seconds: 100.0 * reach,
            }],
        };
        assert_eq!(width(&of(1.05)), width(&of(1.25)), "no better than past ones");
        assert!(width(&of(3.0)) > 1.5 * width(&of(1.25)));
    }
}
