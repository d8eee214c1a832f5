//! The sizes of many relations, each in one line, and their foreign keys without an index, in one query each.

use postgres::types::Type;

use crate::catalog::{MissingIndex, RelationSize, document};
use crate::error::Result;
use crate::server::Reader;

/// Returns the sizes of the named relations and of all partitions of the named tables, or of all relations. One round
/// trip.
///
/// # Errors
/// `Connection` when the catalog cannot be read.
pub fn sizes(reader: &mut Reader, names: Option<&[String]>) -> Result<Vec<RelationSize>> {
    let rows = reader.query(include_str!("sql/sizes.sql"), &[(&names, Type::TEXT_ARRAY)])?;
    let size = |row: &postgres::Row| -> Result<RelationSize, postgres::Error> {
        Ok(RelationSize {
            oid: row.try_get(0)?,
            name: row.try_get(1)?,
            root: row.try_get(2)?,
            reltuples: row.try_get(3)?,
            relpages: row.try_get::<_, i64>(4)?.cast_unsigned(),
            blocks: row.try_get::<_, i64>(5)?.cast_unsigned(),
            indexes: row.try_get::<_, i64>(6)?.try_into().unwrap_or(0),
        })
    };
    let sizes = rows.iter().map(|row| size(row).map_err(document::unreadable));
    sizes.collect()
}

/// Returns the foreign keys of the database that have no index. One round trip.
///
/// # Errors
/// `Connection` when the catalog cannot be read.
pub fn missing_indexes(reader: &mut Reader) -> Result<Vec<MissingIndex>> {
    document::parse(&super::document(reader, include_str!("sql/unindexed.sql"), &[])?)
}
