//! Queries every object of a database with its attributes.

use std::collections::BTreeMap;

use postgres::types::Type;

use crate::catalog::document;
use crate::catalog::snapshot::{Attribute, ObjectName, SchemaObject, SchemaSnapshot};
use crate::error::Result;
use crate::server::Reader;

/// Reads the schema of the whole database. Three round trips.
///
/// # Errors
/// `Connection` when the catalog cannot be read.
pub fn snapshot(reader: &mut Reader) -> Result<SchemaSnapshot> {
    // JIT compilation of a query that runs only once would take longer than the query itself.
    let sql =
        "SELECT current_setting('search_path'), set_config('search_path', '', true), set_config('jit', 'off', true)";
    let before = reader.query(sql, &[])?;
    let search_path: String = before
        .first()
        .ok_or_else(|| document::unreadable("no row"))?
        .try_get(0)
        .map_err(document::unreadable)?;
    let rows = reader.query(include_str!("sql/snapshot.sql"), &[])?;
    reader.query(
        "SELECT set_config('search_path', $1, true)",
        &[(&search_path, Type::TEXT)],
    )?;
    let mut objects = BTreeMap::new();
    for row in &rows {
        let text = |column: usize| row.try_get::<_, String>(column).map_err(document::unreadable);
        let part_of = row.try_get::<_, Vec<String>>(1).map_err(document::unreadable)?;
        let attributes: BTreeMap<String, Option<Attribute>> = document::parse(&text(3)?)?;
        let attributes = attributes
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let name = ObjectName {
            class: text(0)?,
            name: text(2)?,
        };
        objects.insert(name, SchemaObject { part_of, attributes });
    }
    Ok(SchemaSnapshot { objects })
}
