//! Assumptions and warnings for the reader of a backfill's estimate, as sentences.

use super::evidence::{Checkpoints, Extent};
use super::measured::{Measured, Plan, observed};
use super::pace::Pace;
use super::priors::{DRIFT_MEAN, DRIFT_SD};
use crate::units::{Count, Seconds};

/// Returns the assumptions of the prediction; `lookups` and `delay` are the total seconds of look-ups and of pauses.
pub fn assumptions(
    measured: &Measured,
    plan: &Plan,
    checkpoints: Option<Checkpoints>,
    lookups: f64,
    delay: f64,
) -> Vec<String> {
    let mut assumptions = Vec::new();
    if measured.extent != Extent::Whole {
        assumptions.push(format!(
            "The last batches cost {:+.0} % against the first, give or take {:.0} % (one standard deviation): a short \
             replay cannot see this drift.",
            100.0 * DRIFT_MEAN,
            100.0 * DRIFT_SD
        ));
        match checkpoints {
            None => {
                assumptions.push("Enough checkpoints fell into the measured time: nobody watched them.".to_string());
            }
            Some(checkpoints) if checkpoints.unseen() > 0.0 => assumptions.push(format!(
                "No checkpoint was complete during the replay; {:.1} are expected in the whole, at about a tenth of \
                 its time each.",
                checkpoints.expected
            )),
            Some(_) => {}
        }
    }
    if measured.extent == Extent::Beginning {
        assumptions.push("The rest of the table is like its beginning, as far as its batches vary there.".to_string());
    }
    if plan.ratio > 1.0 + 1e-9 || plan.ratio < 1.0 - 1e-9 {
        assumptions.push(format!(
            "{} rows are processed, {:.2} times as many as on the clone, at the clone's cost per row.",
            Count(plan.rows.round()),
            plan.ratio
        ));
    }
    if delay > 0.0 {
        assumptions.push(format!("{} of the time are pauses between batches.", Seconds(delay)));
    }
    if lookups > 0.0 {
        assumptions.push(format!(
            "Finding the batches' windows takes about {} of it.",
            Seconds(lookups)
        ));
    }
    assumptions
}

/// Returns what the reader should look at.
pub fn warnings(measured: &Measured, pace: Pace) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Pace::Changed(change) = pace {
        warnings.push(format!(
            "The pace changed after {:.0} % of the whole: batches took {:.2} times as long as before (burst credits \
             used up, autovacuum, or other load). The prediction takes it to last, as far as the places measured bear \
             it out.",
            100.0 * change.executed,
            change.size.exp()
        ));
    }
    let (batches, rows) = observed(measured.step);
    let expected = measured.rows / measured.batches * batches;
    if measured.extent != Extent::Whole && (rows > 1.5 * expected || rows < expected / 1.5) {
        warnings.push(format!(
            "The measured batches processed {} rows where the plan leads to expect {}: the number of rows may be \
             wrong.",
            Count(rows),
            Count(expected.round())
        ));
    }
    warnings
}
