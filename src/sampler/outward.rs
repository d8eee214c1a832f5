//! Asks what of a database may lead out of it without a statement that says so.

use postgres::types::Type;

use crate::catalog::document;
use crate::catalog::{LeadingOut, OutwardFacts};
use crate::error::Result;
use crate::server::Reader;

/// Returns what may lead out of the database. One round trip.
///
/// # Errors
/// `Connection` when the catalog cannot be read.
pub fn outward(reader: &mut Reader) -> Result<OutwardFacts> {
    document::parse(&super::document(reader, include_str!("sql/outward.sql"), &[])?)
}

/// Returns the relations that lead to a foreign table, or to a trigger that runs one of `routines`, when they are written to.
/// One round trip.
///
/// # Errors
/// `Connection` when the catalog cannot be read.
pub fn leading_out(reader: &mut Reader, routines: &[u32]) -> Result<Vec<LeadingOut>> {
    let text = super::document(
        reader,
        include_str!("sql/leading_out.sql"),
        &[(&routines, Type::OID_ARRAY)],
    )?;
    document::parse(&text)
}
