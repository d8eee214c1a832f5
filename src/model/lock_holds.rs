//! How long the locks of a step are held: a transaction keeps them to its end, so that the steps after it count too.
//!
//! Knows nothing of single locks: all that a step takes are held equally long.

use super::assemble::Told;
use super::bundle::SumOfMedians;
use super::estimate::LockHold;
use crate::observation::{LockRecord, StepRecord};

/// Sets the hold times of the locks of each step that has later steps in its transaction: the sum of what is predicted
/// from its beginning to the commit. `steps` are the records of the steps that `told` is about; `level` is that of the
/// interval.
///
/// Locks that were sampled from another session are left as they were seen.
pub(super) fn until_commit(told: &mut [Told], steps: &[StepRecord], level: f64) {
    let transactions = steps.iter().map(|step| step.transaction);
    let places: Vec<(usize, u32)> = transactions
        .enumerate()
        .filter_map(|(place, transaction)| Some((place, transaction?)))
        .collect();
    for block in places.chunk_by(|one, other| one.1 == other.1) {
        let mut sum = SumOfMedians::default();
        let mut last = None;
        for (place, _) in block.iter().rev() {
            let Some(step) = told.get_mut(*place) else { continue };
            sum.add(&step.forecast);
            // The last step holds its locks as long as it takes itself.
            match last {
                Some(until_step) => hold(step, until_step, &sum, level),
                None => last = Some(step.number),
            }
        }
    }
}

fn hold(step: &mut Told, until_step: u32, sum: &SumOfMedians, level: f64) {
    let duration = sum.duration();
    let point_seconds = duration.quantile(0.5);
    let interval = duration.central_interval(level);
    step.lock_hold = Some(LockHold {
        until_step,
        point_seconds,
        lower_seconds: interval.lower_bound,
        upper_seconds: interval.upper_bound,
    });
    let exact = |lock: &&mut LockRecord| lock.sampled_every_seconds.is_none();
    for lock in step.forecast.locks.iter_mut().filter(exact) {
        lock.held_seconds = lock.held_seconds.map(|_| point_seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::{LockMode, StepKind};
    use crate::model::estimate::Basis;
    use crate::model::forecast::Forecast;
    use crate::model::repeated::student;

    fn told(number: u32, seconds: f64, deviation: f64) -> Told {
        let lock = |sampled_every_seconds| LockRecord {
            relation: "public.t".to_string(),
            mode: LockMode::AccessExclusive,
            held_seconds: Some(1.0),
            sampled_every_seconds,
        };
        Told {
            number,
            kind: StepKind::CatalogOnly,
            statement: String::new(),
            table: None,
            forecast: Forecast {
                duration: student(seconds.ln(), deviation, f64::INFINITY),
                shared_deviation: 0.0,
                short_kind: None,
                rows: None,
                rate: None,
                wal_bytes: None,
                locks: vec![lock(None), lock(Some(0.1))],
                basis: Basis::Rehearsal,
                too_thin: Vec::new(),
                assumptions: Vec::new(),
                warnings: Vec::new(),
            },
            lock_hold: None,
        }
    }

    fn held(transactions: &[Option<u32>], told: &mut [Told]) {
        let steps: Vec<StepRecord> = transactions
            .iter()
            .map(|transaction| StepRecord {
                transaction: *transaction,
                ..StepRecord::default()
            })
            .collect();
        until_commit(told, &steps, 0.95);
    }

    // python: sd = sqrt((.0003*1)**2 + (30*.1)**2 + (1*.2)**2)/31.0003; 31.0003*exp(-/+ 1.959964*sd)
    #[test]
    fn a_short_step_holds_its_locks_until_the_commit_as_surely_as_the_long_ones_after_it() {
        let mut steps = [
            told(1, 0.0003, 1.0),
            told(2, 30.0, 0.1),
            told(3, 1.0, 0.2),
            told(4, 9.0, 0.1),
        ];
        held(&[Some(1), Some(1), Some(1), None], &mut steps);
        let hold = steps[0].lock_hold.expect("two steps follow");
        assert_eq!(hold.until_step, 3);
        for (value, expected) in [
            (hold.point_seconds, 31.0003),
            (hold.lower_seconds, 25.633_54),
            (hold.upper_seconds, 37.490_57),
        ] {
            assert!((value / expected - 1.0).abs() < 1e-4, "{value}, not {expected}");
        }
        let seconds: Vec<Option<f64>> = steps[0].forecast.locks.iter().map(|lock| lock.held_seconds).collect();
        assert_eq!(seconds, [Some(hold.point_seconds), Some(1.0)], "the second was sampled");
        assert!(steps[1].lock_hold.is_some() && steps[2].lock_hold.is_none() && steps[3].lock_hold.is_none());
    }

    #[test]
    fn each_transaction_has_its_own_end() {
        let mut steps = [
            told(1, 1.0, 0.1),
            told(2, 2.0, 0.1),
            told(3, 4.0, 0.1),
            told(4, 8.0, 0.1),
        ];
        held(&[Some(1), Some(1), Some(2), Some(2)], &mut steps);
        let points: Vec<Option<f64>> = steps
            .iter()
            .map(|step| step.lock_hold.map(|hold| hold.point_seconds.round()))
            .collect();
        assert_eq!(points, [Some(3.0), None, Some(12.0), None]);
    }
}
