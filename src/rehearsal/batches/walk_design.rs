//! Decides which batches of a walk are replayed under the given conditions. Pure.

use super::segments::{Amount, ReplayDesign, budget_of_fraction};
use crate::rehearsal::conditions::Conditions;

/// Returns which batches of a walk of `total_batches` to replay.
pub(in crate::rehearsal) fn design_of(conditions: &Conditions, total_batches: f64) -> ReplayDesign {
    let amount = match conditions.fraction {
        _ if conditions.full => Amount::Whole,
        Some(fraction) => Amount::Batches(budget_of_fraction(total_batches, fraction)),
        None => Amount::WhatFits,
    };
    ReplayDesign::new(amount, total_batches, conditions.seed)
}
