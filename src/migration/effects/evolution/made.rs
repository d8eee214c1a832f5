//! Facts of what statements make: indexes, bounds of partitions, qualified names.

use crate::catalog::{RelationFacts, SchemaIndex};
use crate::migration::command::{PartitionBound, PartitionRows};
use crate::migration::names::quoted;

/// Returns a bound as the catalog has it.
pub(super) fn bound_of(bound: &PartitionBound) -> String {
    match bound.rows {
        PartitionRows::Default => "DEFAULT".to_owned(),
        _ => bound.written.clone(),
    }
}

/// Adds an index, unless there is one of this name.
///
/// An index of an expression uses more columns than it has keys: which, only the server knows.
pub(super) fn add_index(relation: &mut RelationFacts, name: &str, columns: Vec<String>, unique: bool, plain: bool) {
    if relation.indexes.iter().all(|index| index.bare_name != name) {
        relation.indexes.push(SchemaIndex {
            name: qualified(&relation.schema, name),
            bare_name: name.to_owned(),
            used_columns: columns.clone(),
            columns,
            plain,
            unique,
            valid: true,
            tablespace: None,
            parent: None,
        });
    }
}

/// Returns a qualified name, quoted where SQL needs it.
pub(super) fn qualified(schema: &str, name: &str) -> String {
    if schema.is_empty() {
        return quoted(name);
    }
    format!("{}.{}", quoted(schema), quoted(name))
}
