//! What a team requires of a preflight, and what it waives: `[preflight]` of `migtime.toml`.

use serde::Deserialize;

use super::check::{Check, CheckName, CheckVerdict, Waived};
use crate::units::Date;

/// The rules of a team.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PreflightRules {
    /// Checks that must be made: one that was skipped is a no-go.
    pub require: Vec<CheckName>,
    /// Checks that do not count.
    pub waive: Vec<Waiver>,
}

/// A check that does not count until a day, and why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The check.
    pub check: CheckName,
    /// Why it does not count.
    pub reason: String,
    /// The last day of it, as in 2027-01-15.
    pub until: String,
}

impl PreflightRules {
    /// Returns the first waiver whose day cannot be read, or that states no reason.
    pub fn malformed(&self) -> Option<&Waiver> {
        let is_well_formed =
            |waiver: &&Waiver| Date::parse(&waiver.until).is_some() && !waiver.reason.trim().is_empty();
        self.waive.iter().find(|waiver| !is_well_formed(waiver))
    }

    /// Applies the rules to a check on the day `today`.
    pub(super) fn apply(&self, mut check: Check, today: Date) -> Check {
        if check.verdict == CheckVerdict::Skipped && self.require.contains(&check.check) {
            check.verdict = CheckVerdict::NoGo;
            check.evidence.push("migtime.toml requires this check".to_string());
        }
        let waiver = self.waive.iter().find(|waiver| waiver.check == check.check);
        let (Some(waiver), true) = (waiver, check.verdict > CheckVerdict::Skipped) else {
            return check;
        };
        if Date::parse(&waiver.until).is_some_and(|until| today <= until) {
            check.waived = Some(Waived {
                reason: waiver.reason.clone(),
                until: waiver.until.clone(),
            });
        } else {
            check.evidence.push(format!("its waiver ended on {}", waiver.until));
        }
        check
    }
}
