//! Queries in what a clone should be like production.

use postgres::types::Type;

use crate::catalog::document;
use crate::catalog::{LikenessFact, SERVER_SETTINGS, SESSION_SETTINGS};
use crate::error::Result;
use crate::server::Reader;

/// Returns the facts of the whole database and of this session. One round trip.
///
/// # Errors
/// `Connection` when the catalog cannot be read.
pub fn likeness(reader: &mut Reader) -> Result<Vec<LikenessFact>> {
    let settings: Vec<&str> = SESSION_SETTINGS.into_iter().chain(SERVER_SETTINGS).collect();
    let text = super::document(
        reader,
        include_str!("sql/likeness.sql"),
        &[(&settings, Type::TEXT_ARRAY)],
    )?;
    document::parse(&text)
}
