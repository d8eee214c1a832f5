//! Why a target must not be written to, in words that several checks share.

use super::parameters::ConnectionParameters;
use crate::error::{Error, ErrorKind};

/// What makes two sessions be on one database, whatever they were reached by.
pub(super) const SAME_IDENTITY: &str = "its server started at the same microsecond and the database has the same name";

/// Refuses a clone that is production, as `fact` shows.
pub(super) fn same_as_production(staging: &ConnectionParameters, fact: &str) -> Error {
    unsafe_target(format!("{staging} is the production database: {fact}"))
        .with_hint("name a disposable clone with --staging or MIGTIME_STAGING_URL")
}

/// Refuses a target that must not be written to.
pub(super) fn unsafe_target(message: String) -> Error {
    Error::new(ErrorKind::UnsafeTarget, message)
}
