//! Queries what in a database may act outside it although no statement says so.

use postgres::types::Type;

use crate::catalog::document;
use crate::catalog::{LeadingOut, OutwardFacts};
use crate::error::Result;
use crate::server::Reader;

/// Returns what may act outside the database. One round trip.
///
/// # Errors
/// `Connection` when the catalog cannot be read.
pub fn outward(reader: &mut Reader) -> Result<OutwardFacts> {
    document::parse(&super::document(reader, include_str!("sql/outward.sql"), &[])?)
}

/// Returns the relations for which a write reaches a foreign table, or a trigger that runs one of `routines`. One round
/// trip.
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
