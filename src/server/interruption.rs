//! Cancels the running statement when the person interrupts: a batch may finish, but a six-hour index build must not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// A request for an orderly end, which may come at any time; clones are one request. By default there is nobody to ask
/// for it.
#[derive(Clone, Debug, Default)]
pub struct Interruption(Option<Arc<AtomicBool>>);

impl Interruption {
    /// Returns a request that can be made.
    pub fn new() -> Interruption {
        Interruption(Some(Arc::default()))
    }

    /// Asks for the end; returns whether that had been asked for before.
    pub fn ask(&self) -> bool {
        self.0.as_ref().is_some_and(|asked| asked.swap(true, Ordering::SeqCst))
    }

    /// Tells whether the end was asked for.
    pub fn is_asked(&self) -> bool {
        self.0.as_ref().is_some_and(|asked| asked.load(Ordering::SeqCst))
    }

    /// Ends what cannot go on once the end was asked for.
    ///
    /// # Errors
    /// `Interrupted` then.
    pub fn refuse(&self) -> Result<()> {
        if self.is_asked() {
            Err(nothing_measured())
        } else {
            Ok(())
        }
    }
}

impl PartialEq for Interruption {
    fn eq(&self, other: &Interruption) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl Eq for Interruption {}

/// Returns the error of a run that was ended too early to know anything.
pub fn nothing_measured() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted before anything was measured")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_are_one_request() {
        let interruption = Interruption::new();
        let passed_on = interruption.clone();
        assert!(passed_on.refuse().is_ok());
        assert!(!interruption.ask());
        assert!(passed_on.ask(), "it had been asked for");
        assert!(passed_on.refuse().is_err());
        assert!(interruption == passed_on && interruption != Interruption::new());
        let nobody = Interruption::default();
        nobody.ask();
        assert!(!nobody.is_asked());
    }
}
