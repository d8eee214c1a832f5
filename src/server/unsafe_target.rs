//! Errors for targets that must not be written to, shared by several checks.

use super::parameters::ConnectionParameters;
use crate::error::{Error, ErrorKind};

/// The fact that proves two sessions to be on one database, however they were reached.
pub(super) const SAME_IDENTITY: &str = "its server started at the same microsecond and the database has the same name";

/// Returns the error for a clone that `fact` shows to be production.
pub(super) fn same_as_production(staging: &ConnectionParameters, fact: &str) -> Error {
    unsafe_target(format!("{staging} is the production database: {fact}"))
        .with_hint("name a disposable clone with --staging or MIGTIME_STAGING_URL")
}

/// Returns the error for a target that must not be written to.
pub(super) fn unsafe_target(message: String) -> Error {
    Error::new(ErrorKind::UnsafeTarget, message)
}
