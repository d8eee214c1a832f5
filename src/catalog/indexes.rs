//! The indexes of a table, with those of its leaves added to the ones they are attached to, and the key for walking the
//! table.
//!
//! Pure: works on the documents that `sampler/sql/tables.sql` returns.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::facts::{Column, IndexFacts};

/// An index of the relation or of one of its leaves.
#[derive(Debug, Deserialize)]
pub(super) struct IndexDocument {
    oid: u32,
    /// The parent table's index to which it is attached.
    parent: Option<u32>,
    /// Null when the index has just been dropped.
    bytes: Option<u64>,
    reltuples: f64,
    /// Of its first column; known on the largest leaf only.
    statistics: Option<ColumnStatistics>,
    /// Omitted where it is the same as the parent's.
    definition: Option<IndexDefinition>,
}

/// What ANALYZE found in a column.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct ColumnStatistics {
    correlation: Option<f64>,
    /// For integers: how many there are from the smallest to the largest.
    values_between: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct IndexDefinition {
    name: String,
    of_root: bool,
    method: Option<String>,
    unique: bool,
    primary: bool,
    valid: bool,
    immediate: bool,
    partial: bool,
    columns: Option<Vec<IndexColumn>>,
    used_columns: Option<Vec<String>>,
}

/// A key column of an index; for an expression, only `definition` is set.
#[derive(Debug, Deserialize)]
struct IndexColumn {
    definition: Option<String>,
    name: Option<String>,
    data_type: Option<String>,
    not_null: bool,
}

/// Returns each index that is not attached to another one of the table, including the sums of the indexes attached to
/// it; in the order of the documents.
pub(super) fn facts(indexes: &[IndexDocument]) -> Vec<IndexFacts> {
    let parents: BTreeMap<u32, Option<u32>> = indexes.iter().map(|index| (index.oid, index.parent)).collect();
    let mut members: BTreeMap<u32, Vec<&IndexDocument>> = BTreeMap::new();
    for index in indexes {
        members.entry(topmost(index.oid, &parents)).or_default().push(index);
    }
    indexes
        .iter()
        .filter_map(|index| {
            let members = members.get(&index.oid)?;
            Some(summed(index.definition.as_ref()?, members))
        })
        .collect()
}

/// Returns the primary key, or else the shortest unique B-tree key without NULLs, integers first; empty when there is
/// none.
pub(super) fn key(indexes: &[IndexDocument]) -> Vec<Column> {
    let definitions = indexes.iter().filter_map(|index| index.definition.as_ref());
    let candidates = definitions.filter_map(|definition| Some((definition, key_columns(definition)?)));
    candidates
        .min_by_key(|(definition, columns)| {
            let integers = columns.iter().all(|column| is_integer(&column.data_type));
            (!definition.primary, columns.len(), !integers, &definition.name)
        })
        .map(|(_, columns)| columns)
        .unwrap_or_default()
}

/// Returns whether a type, as `format_type` prints it, is an integer type.
pub(crate) fn is_integer(data_type: &str) -> bool {
    ["smallint", "integer", "bigint"].contains(&data_type)
}

/// Follows the attachments upwards as long as the parent is one of the same documents.
fn topmost(oid: u32, parents: &BTreeMap<u32, Option<u32>>) -> u32 {
    match parents.get(&oid).copied().flatten() {
        Some(parent) if parents.contains_key(&parent) => topmost(parent, parents),
        _ => oid,
    }
}

fn summed(definition: &IndexDefinition, members: &[&IndexDocument]) -> IndexFacts {
    let columns = definition.columns.iter().flatten();
    // A partitioned index has no storage, and its reltuples repeats that of its partitions.
    let stored = || {
        members
            .iter()
            .filter(|member| member.bytes.is_some_and(|bytes| bytes > 0))
    };
    let statistics = members.iter().find_map(|member| member.statistics).unwrap_or_default();
    IndexFacts {
        name: definition.name.clone(),
        method: definition.method.clone().unwrap_or_default(),
        columns: columns.filter_map(|column| column.definition.clone()).collect(),
        used_columns: definition.used_columns.clone().unwrap_or_default(),
        unique: definition.unique,
        primary: definition.primary,
        valid: definition.valid,
        partial: definition.partial,
        bytes: stored().filter_map(|member| member.bytes).sum(),
        reltuples: stored().map(|member| member.reltuples.max(0.0)).sum(),
        correlation: statistics.correlation,
        // The statistics of one leaf do not tell which values the others have.
        values_between: statistics.values_between.filter(|_| members.len() == 1),
    }
}

/// Returns the columns of an index that gives all rows a unique order; `None` when the index does not.
fn key_columns(index: &IndexDefinition) -> Option<Vec<Column>> {
    let walkable = index.of_root
        && index.unique
        && index.valid
        && !index.partial
        && index.method.as_deref() == Some("btree")
        // A deferrable primary key is unique at every commit, and a walk sees only committed rows.
        && (index.immediate || index.primary);
    let column = |column: &IndexColumn| {
        column.not_null.then_some(())?;
        Some(Column {
            name: column.name.clone()?,
            data_type: column.data_type.clone()?,
        })
    };
    let columns: Vec<Column> = index.columns.as_ref()?.iter().map(column).collect::<Option<_>>()?;
    (walkable && !columns.is_empty()).then_some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn index(name: &str, columns: &[(&str, &str, bool)]) -> Value {
        let columns: Vec<Value> = columns
            .iter()
            .map(|(name, data_type, not_null)| {
                json!({ "definition": name, "name": name, "data_type": data_type, "not_null": not_null })
            })
            .collect();
        json!({ "name": name, "of_root": true, "method": "btree", "unique": true, "primary": false, "valid": true,
                "immediate": true, "partial": false, "columns": columns, "used_columns": ["id"] })
    }

    fn with(mut document: Value, key: &str, value: Value) -> Value {
        document[key] = value;
        document
    }

    fn documents(members: Vec<(u32, Option<u32>, u64, Value)>) -> Vec<IndexDocument> {
        let values = members.into_iter().map(|(oid, parent, bytes, definition)| {
            let statistics = (oid == 12).then(|| json!({ "correlation": 0.5, "values_between": 40 }));
            json!({ "oid": oid, "parent": parent, "bytes": bytes, "reltuples": 10.0, "statistics": statistics,
                    "definition": definition })
        });
        serde_json::from_value(values.collect()).unwrap()
    }

    fn check_key(definitions: Vec<Value>, expected: &[&str]) {
        let members = definitions
            .into_iter()
            .zip(1..)
            .map(|(definition, oid)| (oid, None, 8192, definition));
        let key = key(&documents(members.collect()));
        let names: Vec<&str> = key.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn the_primary_key_comes_first_then_the_shortest_then_integers() {
        let bigint = |name: &'static str| (name, "bigint", true);
        let primary = with(index("z", &[bigint("a"), bigint("b")]), "primary", json!(true));
        check_key(vec![index("u", &[bigint("id")]), primary], &["a", "b"]);
        check_key(
            vec![index("a", &[("code", "text", true)]), index("b", &[bigint("id")])],
            &["id"],
        );
        check_key(
            vec![
                index("a", &[bigint("a"), bigint("b")]),
                index("b", &[("code", "text", true)]),
            ],
            &["code"],
        );
    }

    #[test]
    fn only_a_whole_immediate_btree_without_nulls_is_a_key() {
        let good = || index("u", &[("id", "bigint", true)]);
        check_key(vec![good()], &["id"]);
        check_key(vec![index("u", &[("id", "bigint", false)])], &[]);
        for (key, value) in [
            ("unique", json!(false)),
            ("valid", json!(false)),
            ("immediate", json!(false)),
            ("partial", json!(true)),
            ("of_root", json!(false)),
            ("method", json!("gist")),
        ] {
            check_key(vec![with(good(), key, value)], &[]);
        }
        let deferrable = with(good(), "immediate", json!(false));
        check_key(vec![with(deferrable, "primary", json!(true))], &["id"]);
        let expression = json!([{ "definition": "lower(a)", "name": null, "data_type": null, "not_null": false }]);
        check_key(vec![with(good(), "columns", expression)], &[]);
    }

    #[test]
    fn indexes_of_leaves_are_summed_under_the_topmost() {
        let definition = |name| index(name, &[("id", "bigint", true)]);
        let indexes = documents(vec![
            (1, Some(99), 0, definition("parent")),
            (11, Some(1), 0, Value::Null),
            (12, Some(11), 16384, Value::Null),
            (13, Some(1), 8192, Value::Null),
            (20, None, 4096, with(definition("stray"), "of_root", json!(false))),
        ]);
        let facts = facts(&indexes);
        let summary: Vec<_> = facts
            .iter()
            .map(|one| (one.name.as_str(), one.bytes, one.reltuples, one.correlation))
            .collect();
        assert_eq!(
            summary,
            [("parent", 24576, 20.0, Some(0.5)), ("stray", 4096, 10.0, None)]
        );
    }
}
