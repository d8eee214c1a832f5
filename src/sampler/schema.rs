//! Queries the schema of a database.

use postgres::types::Type;

use crate::catalog::SchemaFacts;
use crate::catalog::document;
use crate::error::Result;
use crate::server::Reader;

/// Returns the facts of the whole database. `words` are the words of the migration, which decide which functions are
/// looked up. One round trip.
///
/// # Errors
/// `Connection` when the catalog cannot be read.
pub fn schema(reader: &mut Reader, words: &[String]) -> Result<SchemaFacts> {
    let text = super::document(reader, include_str!("sql/schema.sql"), &[(&words, Type::TEXT_ARRAY)])?;
    document::parse(&text)
}
