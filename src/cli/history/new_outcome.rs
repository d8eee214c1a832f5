//! An outcome that is to be recorded, and whether it is recorded already.

use crate::error::{Error, ErrorKind};
use crate::model::outcome::Outcome;

/// An outcome to be recorded.
pub struct NewOutcome {
    /// The outcome.
    pub outcome: Outcome,
    /// Whether it says itself when it was; otherwise the same outcome at another time is the same one.
    pub dated: bool,
}

/// Returns, for each new outcome, whether it is in neither the history nor the earlier ones of the new.
pub(super) fn unknown(history: &[Outcome], outcomes: &[NewOutcome]) -> Vec<bool> {
    let is_new = |(index, new): (usize, &NewOutcome)| {
        let earlier = outcomes[..index].iter().map(|other| &other.outcome);
        let mut all = history.iter().chain(earlier);
        !all.any(|one| one.is_of_the_same_run(&new.outcome, new.dated))
    };
    outcomes.iter().enumerate().map(is_new).collect()
}

/// Returns the error for a history that is not there.
pub(super) fn no_history(place: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("there is no history in {place}"))
        .with_hint("migtime record ESTIMATE --actual 34m begins one")
}
