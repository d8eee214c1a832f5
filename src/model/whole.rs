//! The estimate of a whole rehearsal, with its rollback.

use super::estimate::Estimate;
use super::options::EstimateOptions;
use super::{rehearsed, rollback};
use crate::error::Result;
use crate::observation::Target;
use crate::observation::{Rehearsal, StepRecord};

/// Estimates how long the rehearsed migration takes.
///
/// `targets` has one entry per step, in order: the size of the step in production, or `None` for a run on a clone like
/// the rehearsed one; missing entries count as `None`.
///
/// # Errors
/// `Usage` for a level outside (0, 1) or a rehearsal without steps; `TooLittleEvidence` with every rule that is not
/// met, unless a provisional estimate is requested.
pub fn estimate(rehearsal: &Rehearsal, targets: &[Option<Target>], options: &EstimateOptions) -> Result<Estimate> {
    let Some(growth) = &options.growth else {
        return of_sizes(rehearsal, targets, options);
    };
    let mut estimate = of_sizes(rehearsal, &growth.of_targets(rehearsal, targets), options)?;
    estimate.assumptions.extend(growth.told_of(rehearsal, targets));
    Ok(estimate)
}

fn of_sizes(rehearsal: &Rehearsal, targets: &[Option<Target>], options: &EstimateOptions) -> Result<Estimate> {
    let mut estimate = rehearsed::estimate(rehearsal, targets, options)?;
    estimate.rollback = rollback::rollback(rehearsal, targets, options)?;
    Ok(estimate)
}

/// Returns how long the whole migration took in the first run of a complete rehearsal, in seconds.
///
/// For a backfill that is the time from its first batch to its last, including look-ups and pauses.
pub fn measured_seconds(rehearsal: &Rehearsal) -> f64 {
    let first_run = |step: &StepRecord| {
        let observations = step.observations.iter().filter(|observation| observation.run == 0);
        match step.batching {
            Some(_) => observations.map(|observation| observation.elapsed).fold(0.0, f64::max),
            None => observations.map(|observation| observation.seconds).sum(),
        }
    };
    rehearsal.steps.iter().map(first_run).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::migration::{StepKind, Walk};
    use crate::model::estimate::Basis;

    /// A walk of 400 batches of 100 rows at 10 ms each, of which the first `batches` were measured.
    fn walked(batches: usize) -> Rehearsal {
        let log = "rows,seconds\n".to_string() + &"100,0.01\n".repeat(batches);
        crate::model::batch_log::read(&log, "log.csv", 40_000.0).expect("a batch log")
    }

    fn statement(kind: StepKind, seconds: f64) -> Rehearsal {
        let mut rehearsal = walked(400);
        let step = &mut rehearsal.steps[0];
        step.kind = kind;
        step.batching = None;
        step.observations.truncate(1);
        step.observations[0].seconds = seconds;
        rehearsal
    }

    fn target(rows: f64) -> Option<Target> {
        Some(Target {
            rows,
            rows_relative_sd: 0.0,
            batches: None,
            table_rows: None,
        })
    }

    fn check(rehearsal: &Rehearsal, target: Option<Target>, point: f64, half_width: f64) -> Estimate {
        let estimate = estimate(rehearsal, &[target], &EstimateOptions::default()).expect("an estimate");
        let interval = estimate.interval();
        let actual = 0.5 * (interval.upper_seconds / interval.lower_seconds).ln();
        let actual_point = estimate.total.point_seconds;
        assert!(
            (actual_point / point - 1.0).abs() < 0.01,
            "{actual_point} s, not {point} s"
        );
        assert!((actual / half_width - 1.0).abs() < 0.02, "±{actual}, not ±{half_width}");
        estimate
    }

    fn check_refused(rehearsal: &Rehearsal, expected: &str) -> Estimate {
        let error = estimate(rehearsal, &[], &EstimateOptions::default()).expect_err("must be refused");
        assert_eq!(error.kind(), ErrorKind::TooLittleEvidence);
        assert!(error.message().contains(expected), "{}", error.message());
        let options = EstimateOptions {
            provisional: true,
            ..EstimateOptions::default()
        };
        let provisional = estimate(rehearsal, &[], &options).expect("shown when asked for");
        assert!(provisional.provisional && !provisional.too_thin.is_empty());
        provisional
    }

    // As in repeated.rs: log(upper/T) is 0.19417 at T = 4 s, 0.18890 at 1000 s
    #[test]
    fn a_whole_walk_is_as_sure_as_runs_repeat() {
        let estimate = check(&walked(400), None, 4.0, 0.1942);
        let rate = estimate.steps[0].rows_per_second.expect("rows");
        assert!((rate.point - 10_000.0).abs() < 1.0 && rate.lower < rate.point && rate.point < rate.upper);
        let percentiles = &estimate.total.percentiles;
        assert!(percentiles.windows(2).all(|pair| pair[0] < pair[1]));
        check(&statement(StepKind::Dml, 1000.0), None, 1000.0, 0.1889);
    }

    #[test]
    fn more_rows_take_longer_except_where_only_the_catalog_changes() {
        check(&walked(400), target(48_000.0), 4.8, 0.1948);
        check(
            &statement(StepKind::CatalogOnly, 1000.0),
            target(400_000.0),
            1000.0,
            0.1889,
        );
        // A factor of 10 at 0.04 per e-fold: the same with sqrt(2*s**2 + (.04*log(10))**2)
        let ladder = check(
            &statement(StepKind::IndexBuild, 1000.0),
            target(400_000.0),
            1000.0 * 10f64.powf(1.01),
            0.2540,
        );
        assert_eq!(ladder.basis, Basis::Ladder);
        let same_size = check(
            &statement(StepKind::IndexBuild, 1000.0),
            target(42_000.0),
            1050.0,
            0.1889,
        );
        assert_eq!(same_size.basis, Basis::Rehearsal);
    }

    #[test]
    fn a_scan_that_a_check_spared_the_clone_is_none_on_production() {
        let mut rehearsal = statement(StepKind::TableScan, 0.002);
        let step = &mut rehearsal.steps[0];
        step.statement = "ALTER TABLE t ALTER COLUMN a SET NOT NULL".to_owned();
        step.locks = vec![crate::observation::LockRecord {
            relation: "public.t".to_owned(),
            mode: crate::migration::LockMode::AccessExclusive,
            held_seconds: Some(0.002),
            sampled_every_seconds: None,
        }];
        let estimated = |rehearsal: &Rehearsal| {
            let options = EstimateOptions {
                provisional: true,
                ..EstimateOptions::default()
            };
            let estimate = estimate(rehearsal, &[target(400_000.0)], &options).expect("an estimate");
            (estimate.steps[0].kind, estimate.total.point_seconds < 0.01)
        };
        assert_eq!(estimated(&rehearsal), (StepKind::CatalogOnly, true));
        rehearsal.steps[0].scanned = vec!["public.t".to_owned()];
        assert_eq!(estimated(&rehearsal), (StepKind::TableScan, false));
        // Nobody saw whether a session of somebody else scanned.
        rehearsal.steps[0].scanned.clear();
        rehearsal.steps[0].locks[0].sampled_every_seconds = Some(0.05);
        assert_eq!(estimated(&rehearsal), (StepKind::TableScan, false));
    }

    #[test]
    fn pauses_between_batches_are_added_and_are_certain() {
        let mut rehearsal = walked(400);
        rehearsal.steps[0]
            .batching
            .as_mut()
            .expect("batched")
            .batch_delay_seconds = 0.09;
        check(&rehearsal, None, 4.0 + 399.0 * 0.09, 0.01946);
    }

    #[test]
    fn finding_the_windows_is_part_of_the_prediction() {
        let mut rehearsal = walked(400);
        let batching = rehearsal.steps[0].batching.as_mut().expect("batched");
        (batching.lookup_seconds, batching.lookup_batches) = (0.5, 200);
        // 400 batches at 10 ms, and 400 look-ups at 2.5 ms
        let estimate = check(&rehearsal, None, 5.0, 0.1942);
        let sentence = "Finding the batches' windows takes about 1.0s of it.";
        assert!(
            estimate
                .assumptions
                .iter()
                .any(|assumption| assumption.contains(sentence)),
            "{:?}",
            estimate.assumptions
        );
        let silent = check(&walked(400), None, 4.0, 0.1942).assumptions;
        assert!(
            !silent.iter().any(|assumption| assumption.contains("windows")),
            "{silent:?}"
        );
    }

    #[test]
    fn a_beginning_is_extrapolated_when_it_is_long_enough() {
        let estimate = estimate(&walked(250), &[], &EstimateOptions::default()).expect("an estimate");
        assert!(
            (3.9..4.6).contains(&estimate.total.point_seconds),
            "{}",
            estimate.total.point_seconds
        );
        assert!(
            estimate
                .assumptions
                .iter()
                .any(|assumption| assumption.contains("nobody watched"))
        );
        check_refused(&walked(199), "batches measured: 199");
        check_refused(&walked(2), "batches measured: 2");
    }

    /// A walk of 2,000 batches of 100 rows, of which the first 300 were measured.
    fn begun(seconds: impl Fn(usize) -> f64) -> Rehearsal {
        // Some noise, which repeats every eleven batches.
        let line = |batch: usize| format!("100,{}\n", seconds(batch) * (0.95 + 0.01 * (batch * 4 % 11) as f64));
        let log = "rows,seconds\n".to_string() + &(0..300).map(line).collect::<String>();
        crate::model::batch_log::read(&log, "log.csv", 200_000.0).expect("a batch log")
    }

    fn check_held(rehearsal: &Rehearsal, actual: f64) -> Estimate {
        let estimate = estimate(rehearsal, &[], &EstimateOptions::default()).expect("an estimate");
        let (point, interval) = (estimate.total.point_seconds, estimate.interval());
        assert!((point / actual).ln().abs() < 0.1, "{point} s, not {actual} s");
        assert!(
            (interval.lower_seconds..=interval.upper_seconds).contains(&actual),
            "{interval:?}"
        );
        estimate
    }

    #[test]
    fn stalls_count_in_proportion() {
        let stalled = check_held(&begun(|batch| if batch % 100 == 50 { 30.0 } else { 0.1 }), 798.0);
        let steady = check_held(&begun(|_| 0.1), 200.0);
        let width = |estimate: &Estimate| estimate.interval().upper_seconds / estimate.interval().lower_seconds;
        // Three of them say little about how many will come.
        assert!(width(&stalled) > 2.0 * width(&steady), "{}", width(&stalled));
    }

    #[test]
    fn a_lasting_change_of_pace_is_part_of_the_prediction_or_refused() {
        let slower = check_held(&begun(|batch| if batch < 150 { 0.1 } else { 0.25 }), 477.5);
        assert!(
            slower.warnings[0].contains("took 2.50 times as long"),
            "{:?}",
            slower.warnings
        );
        check_held(&begun(|batch| if batch < 150 { 0.3 } else { 0.1 }), 230.0);
        // What is over does not last.
        let over = begun(|batch| if (100..150).contains(&batch) { 0.15 } else { 0.1 });
        let over = estimate(&over, &[], &EstimateOptions::default()).expect("an estimate");
        assert!(over.warnings.is_empty(), "{:?}", over.warnings);
        let changing = |seconds: &dyn Fn(usize) -> f64| check_refused(&begun(seconds), "the pace");
        changing(&|batch| 0.1 * 2f64.powi(batch as i32 / 100));
        changing(&|batch| 0.1 + 0.1 * batch as f64 / 300.0);
        changing(&|batch| if batch < 290 { 0.1 } else { 0.25 });
    }

    #[test]
    fn a_beginning_of_less_than_a_twentieth_says_nothing_of_the_rest() {
        let mut rehearsal = begun(|_| 0.1);
        rehearsal.steps[0].total_rows = Some(601_000.0);
        rehearsal.steps[0].batching.as_mut().expect("batched").total_batches = 6010.0;
        check_refused(&rehearsal, "from its beginning: 4.99 %, needed: at least 5 %");
    }

    #[test]
    fn what_was_never_measured_falls_back_to_the_rule_of_thumb_only_when_asked() {
        let mut rehearsal = walked(400);
        let mut unreached = rehearsal.steps[0].clone();
        unreached.number = 2;
        unreached.complete = false;
        unreached.observations.clear();
        rehearsal.steps.push(unreached);
        let provisional = check_refused(&rehearsal, "step 2: nothing of it was measured");
        assert_eq!(provisional.steps[1].basis, Basis::RuleOfThumb);
        assert_eq!(provisional.steps[0].basis, Basis::Rehearsal);
    }

    #[test]
    fn empty_batches_and_empty_tables_break_nothing() {
        for walk in [Walk::Rows, Walk::KeyRange, Walk::Blocks] {
            for complete in [true, false] {
                let mut rehearsal = walked(250);
                let step = &mut rehearsal.steps[0];
                step.batching.as_mut().expect("batched").walk = walk;
                step.complete = complete;
                for observation in &mut step.observations[..120] {
                    observation.rows = 0;
                    observation.seconds = 0.0;
                }
                let sparse = estimate(&rehearsal, &[], &EstimateOptions::default()).expect("an estimate");
                assert!(sparse.total.point_seconds > 0.0 && sparse.total.point_seconds < 10.0);
                let step = &mut rehearsal.steps[0];
                step.total_rows = Some(0.0);
                step.observations
                    .iter_mut()
                    .for_each(|observation| observation.rows = 0);
                let empty = estimate(&rehearsal, &[], &EstimateOptions::default()).expect("an estimate");
                assert!(empty.total.point_seconds.is_finite() && empty.steps[0].rows_per_second.is_none());
            }
        }
        let mut nothing = walked(1);
        nothing.steps[0].total_rows = Some(0.0);
        nothing.steps[0].complete = true;
        nothing.steps[0].observations.clear();
        let nothing = estimate(&nothing, &[], &EstimateOptions::default()).expect("nothing to do");
        assert!(nothing.total.point_seconds < 0.01);
    }

    #[test]
    fn impossible_questions_are_refused() {
        for level in [0.0, 1.0, f64::NAN] {
            let options = EstimateOptions {
                level,
                ..EstimateOptions::default()
            };
            let error = estimate(&walked(400), &[], &options).expect_err("no such level");
            assert_eq!(error.kind(), ErrorKind::Usage);
        }
    }
}
