//! Decides which batches of a walk are replayed under the given conditions. Pure.

use super::segments::{self, SegmentDesign};
use crate::rehearsal::conditions::Conditions;

/// Returns which batches of a walk of `total_batches` to replay.
pub(in crate::rehearsal) fn design_of(conditions: &Conditions, total_batches: f64) -> SegmentDesign {
    if conditions.full {
        return SegmentDesign::whole_walk();
    }
    let budget = match conditions.fraction {
        Some(fraction) => segments::budget_of_fraction(total_batches, fraction),
        None => segments::default_budget(total_batches),
    };
    SegmentDesign::new(total_batches, budget, conditions.seed)
}
