//! The server's transaction numbers and statuses, and the errors for a server that cannot say enough.

use crate::error::{Error, ErrorKind, Result};
use crate::migration::Step;
use crate::rehearsal::failure::failure;
use crate::server::Staging;

/// Returns the number of the server's next transaction.
pub(in crate::rehearsal) fn next_transaction(clone: &mut Staging) -> Result<u64> {
    let sql = "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint";
    let row = clone.client().query_one(sql, &[]).map_err(|error| failure(&error))?;
    Ok(row.get::<_, i64>(0).cast_unsigned())
}

/// Returns whether a transaction was committed; `None` if the server no longer knows.
pub(super) fn status(clone: &mut Staging, transaction: u64) -> Result<Option<bool>> {
    let sql = format!("SELECT pg_catalog.pg_xact_status('{transaction}'::xid8) = 'committed'");
    let row = clone.client().query_one(&sql, &[]).map_err(|error| failure(&error))?;
    Ok(row.get(0))
}

pub(super) fn set_back(clone: &Staging) -> Error {
    let message = format!(
        "{} is not as the rehearsal left it: it was set back, or lost its last commits",
        clone.parameters()
    );
    Error::new(ErrorKind::UnsafeTarget, message).with_hint("rehearse again from the beginning, without --resume")
}

pub(super) fn cannot_be_told(step: &Step, why: &str) -> Error {
    let message = format!(
        "step {} at {}: whether it was committed cannot be told: {why}",
        step.number,
        step.location()
    );
    Error::new(ErrorKind::Usage, message).with_hint("rehearse again, on a new clone")
}
