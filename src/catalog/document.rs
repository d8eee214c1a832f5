//! From the catalog's JSON documents to facts: sums over leaves, the choice of the key, the estimate of rows.
//!
//! Pure: the documents are those that `sql/tables.sql` returns; no connection is needed, or known, here.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::facts::{IndexFacts, KeyColumn, TableFacts, TableKind};
use super::{refusal, rows};
use crate::error::{Error, ErrorKind, Result};

/// A relation as `sql/tables.sql` describes it.
#[derive(Debug, Deserialize)]
pub(super) struct RelationDocument {
    pub name: String,
    pub schema: String,
    /// `pg_class.relkind`.
    pub kind: String,
    pub temporary: bool,
    pub page: rows::PageLayout,
    pub columns: Option<Vec<rows::Column>>,
    pub leaves: Option<Vec<Leaf>>,
    pub indexes: Option<Vec<IndexDocument>>,
    pub triggers: Option<Vec<String>>,
    pub foreign_keys: Option<Vec<String>>,
    pub referenced_by: Option<Vec<String>>,
    pub belongs_to: Option<Vec<String>>,
}

/// A relation that holds rows: the table itself, a leaf partition or an inheritance child.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Leaf {
    pub foreign: bool,
    pub reltuples: f64,
    pub relpages: u64,
    /// Null, like every size, when the relation was dropped a moment ago.
    pub heap_bytes: Option<u64>,
    pub toast_bytes: Option<u64>,
    pub fillfactor: Option<u32>,
    pub dead_rows: u64,
    pub modified_since_analyze: u64,
    pub last_analyze: Option<String>,
}

/// An index of the relation, or of one of its leaves alone.
#[derive(Debug, Deserialize)]
pub(super) struct IndexDocument {
    name: String,
    of_root: bool,
    method: Option<String>,
    unique: bool,
    primary: bool,
    valid: bool,
    immediate: bool,
    partial: bool,
    bytes: Option<u64>,
    reltuples: Option<f64>,
    columns: Option<Vec<IndexColumn>>,
    used_columns: Option<Vec<String>>,
    correlation: Option<f64>,
}

/// A key column of an index; an expression has a definition only.
#[derive(Debug, Deserialize)]
struct IndexColumn {
    definition: Option<String>,
    name: Option<String>,
    data_type: Option<String>,
    not_null: bool,
}

/// Returns the facts a document of `sql/tables.sql` states.
///
/// # Errors
/// `Usage` when the relation is no table a migration can work on; `Connection` when the document is not understood.
pub fn facts_from_document(text: &str) -> Result<TableFacts> {
    let relation: RelationDocument = parse(text)?;
    match refusal::not_a_table(&relation) {
        Some(error) => Err(error),
        None => Ok(facts(relation)),
    }
}

/// Reads a JSON document that a query returned.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(unreadable)
}

/// Says that the server's answer makes no sense to this program.
pub(super) fn unreadable(what: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::Connection,
        format!("the server's catalog was not understood: {what}"),
    )
    .with_hint("PostgreSQL 13 to 18 are supported; is this another server that speaks its protocol?")
}

fn facts(relation: RelationDocument) -> TableFacts {
    let leaves = relation.leaves.unwrap_or_default();
    let columns = relation.columns.unwrap_or_default();
    let indexes = relation.indexes.unwrap_or_default();
    let partitioned = relation.kind == "p";
    let inherited = !partitioned && leaves.len() > 1;
    let estimate = rows::estimate(&leaves, &columns, relation.page);
    let analyzed: Vec<f64> = leaves.iter().map(|leaf| leaf.reltuples).filter(|&rows| rows >= 0.0).collect();
    let sum = |of: fn(&Leaf) -> u64| leaves.iter().map(of).sum::<u64>();
    TableFacts {
        name: relation.name,
        kind: match relation.kind.as_str() {
            "m" => TableKind::MaterializedView,
            _ if partitioned || inherited => TableKind::Partitioned,
            _ => TableKind::Table,
        },
        reltuples: if analyzed.is_empty() && !leaves.is_empty() { -1.0 } else { analyzed.iter().sum() },
        relpages: sum(|leaf| leaf.relpages),
        heap_bytes: sum(|leaf| leaf.heap_bytes.unwrap_or(0)),
        toast_bytes: sum(|leaf| leaf.toast_bytes.unwrap_or(0)),
        index_bytes: indexes.iter().map(|index| index.bytes.unwrap_or(0)).sum(),
        // A unique index of an inheritance parent says nothing about its children's rows.
        key: if inherited { Vec::new() } else { key(&indexes) },
        indexes: indexes.into_iter().map(index_facts).collect(),
        estimated_rows: estimate.rows,
        rows_relative_sd: estimate.relative_sd,
        rows_source: estimate.source,
        dead_rows: sum(|leaf| leaf.dead_rows),
        modified_since_analyze: sum(|leaf| leaf.modified_since_analyze),
        last_analyze: oldest_analyze(&leaves),
        partitions: if partitioned || inherited { leaves.len() as u32 } else { 0 },
        foreign_partitions: leaves.iter().filter(|leaf| leaf.foreign).count() as u32,
        columns: columns.into_iter().map(|column| column.name).collect(),
        triggers: relation.triggers.unwrap_or_default(),
        foreign_keys: relation.foreign_keys.unwrap_or_default(),
        referenced_by: relation.referenced_by.unwrap_or_default(),
    }
}

/// Returns when the stalest leaf that holds anything was analysed; `None` when one never was.
fn oldest_analyze(leaves: &[Leaf]) -> Option<String> {
    leaves
        .iter()
        .filter(|leaf| !leaf.foreign && (leaves.len() == 1 || leaf.heap_bytes != Some(0)))
        .map(|leaf| leaf.last_analyze.clone())
        .min()
        .flatten()
}

/// Returns the primary key, or else the shortest unique B-tree key without NULLs, integers first.
fn key(indexes: &[IndexDocument]) -> Vec<KeyColumn> {
    let candidates = indexes.iter().filter_map(|index| Some((index, key_columns(index)?)));
    candidates
        .min_by_key(|(index, columns)| {
            let integers = columns.iter().all(|column| is_integer(&column.data_type));
            (!index.primary, columns.len(), !integers, index.name.clone())
        })
        .map(|(_, columns)| columns)
        .unwrap_or_default()
}

/// Returns the columns of an index by which all rows can be walked in a unique order; `None` when it is no such index.
fn key_columns(index: &IndexDocument) -> Option<Vec<KeyColumn>> {
    let walkable = index.of_root
        && index.unique
        && index.valid
        && !index.partial
        && index.method.as_deref() == Some("btree")
        // A deferrable primary key holds at every commit, and a walk sees committed rows only.
        && (index.immediate || index.primary);
    let column = |column: &IndexColumn| {
        column.not_null.then_some(())?;
        Some(KeyColumn {
            name: column.name.clone()?,
            data_type: column.data_type.clone()?,
        })
    };
    let columns: Vec<KeyColumn> = index.columns.as_ref()?.iter().map(column).collect::<Option<_>>()?;
    (walkable && !columns.is_empty()).then_some(columns)
}

/// Tells whether a type as `format_type` prints it is one of the integers.
pub(super) fn is_integer(data_type: &str) -> bool {
    ["smallint", "integer", "bigint"].contains(&data_type)
}

fn index_facts(index: IndexDocument) -> IndexFacts {
    let columns = index.columns.unwrap_or_default();
    IndexFacts {
        name: index.name,
        method: index.method.unwrap_or_default(),
        columns: columns.into_iter().filter_map(|column| column.definition).collect(),
        used_columns: index.used_columns.unwrap_or_default(),
        unique: index.unique,
        primary: index.primary,
        valid: index.valid,
        partial: index.partial,
        bytes: index.bytes.unwrap_or(0),
        reltuples: index.reltuples.unwrap_or(0.0),
        correlation: index.correlation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::facts::RowsSource;
    use serde_json::{Value, json};

    fn leaf(rows: f64, pages: u64) -> Value {
        json!({ "foreign": false, "reltuples": rows, "relpages": pages, "heap_bytes": pages * 8192, "toast_bytes": 8192,
                "fillfactor": null, "dead_rows": 3, "modified_since_analyze": 0, "last_analyze": "2026-01-02T03:04:05Z" })
    }

    fn index(name: &str, columns: &[(&str, &str, bool)]) -> Value {
        let columns: Vec<Value> = columns
            .iter()
            .map(|(name, data_type, not_null)| {
                json!({ "definition": name, "name": name, "data_type": data_type, "not_null": not_null })
            })
            .collect();
        json!({ "name": name, "of_root": true, "method": "btree", "unique": true, "primary": false, "valid": true,
                "immediate": true, "partial": false, "bytes": 16384, "reltuples": 100.0, "columns": columns,
                "used_columns": ["id"], "correlation": 0.5 })
    }

    fn table(leaves: Vec<Value>, indexes: Vec<Value>) -> Value {
        json!({ "name": "public.orders", "schema": "public", "kind": "r", "temporary": false,
                "page": { "block_size": 8192, "max_bytes_per_character": 4 },
                "columns": [{ "name": "id", "type_oid": 20, "type_length": 8, "type_modifier": -1 }],
                "leaves": leaves, "indexes": indexes })
    }

    fn with(mut document: Value, key: &str, value: Value) -> Value {
        document[key] = value;
        document
    }

    fn check_key(indexes: Vec<Value>, expected: &[&str]) {
        let facts = facts_from_document(&table(vec![leaf(100.0, 1)], indexes).to_string()).unwrap();
        let names: Vec<&str> = facts.key.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, expected);
    }

    fn check_refused(kind: &str, belongs_to: Value, message: &str, hint: &str) {
        let document = with(with(table(vec![], vec![]), "kind", json!(kind)), "belongs_to", belongs_to);
        let error = facts_from_document(&document.to_string()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!((error.message(), error.hint()), (message, Some(hint)));
    }

    #[test]
    fn the_primary_key_comes_first_then_the_shortest_then_integers() {
        let bigint = |name: &'static str| (name, "bigint", true);
        let primary = with(index("z", &[bigint("a"), bigint("b")]), "primary", json!(true));
        check_key(vec![index("u", &[bigint("id")]), primary], &["a", "b"]);
        check_key(vec![index("a", &[("code", "text", true)]), index("b", &[bigint("id")])], &["id"]);
        check_key(vec![index("a", &[bigint("a"), bigint("b")]), index("b", &[("code", "text", true)])], &["code"]);
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
    fn leaves_are_summed() {
        let mut never = leaf(-1.0, 0);
        never["last_analyze"] = Value::Null;
        let foreign = with(with(never.clone(), "foreign", json!(true)), "heap_bytes", json!(0));
        let leaves = vec![leaf(100.0, 2), leaf(50.0, 1), never, foreign];
        let document = with(table(leaves, vec![]), "kind", json!("p"));
        let facts = facts_from_document(&document.to_string()).unwrap();
        assert_eq!(facts.kind, TableKind::Partitioned);
        assert_eq!((facts.partitions, facts.foreign_partitions), (4, 1));
        assert_eq!((facts.reltuples, facts.relpages, facts.heap_bytes), (150.0, 3, 3 * 8192));
        assert_eq!(facts.dead_rows, 12);
        assert_eq!((facts.estimated_rows, facts.rows_source), (150.0, RowsSource::Planner));
        assert_eq!(facts.last_analyze.as_deref(), Some("2026-01-02T03:04:05Z"));
    }

    #[test]
    fn inheritance_children_count_but_give_no_key() {
        let document = table(vec![leaf(0.0, 0), leaf(50.0, 1)], vec![index("u", &[("id", "bigint", true)])]);
        let facts = facts_from_document(&document.to_string()).unwrap();
        assert_eq!((facts.kind, facts.partitions), (TableKind::Partitioned, 2));
        assert!(facts.key.is_empty());
    }

    #[test]
    fn what_is_no_table_is_refused_with_what_to_name_instead() {
        check_refused(
            "v",
            json!(["orders", "people"]),
            "public.orders is a view; it holds no rows of its own",
            "name a table it reads: orders, people",
        );
        check_refused("i", json!(["orders"]), "public.orders is an index", "name its table: orders");
        check_refused(
            "f",
            json!(["archive"]),
            "public.orders is a foreign table; its rows live on another server",
            "connect to the server behind \"archive\" and name the table there",
        );
        check_refused(
            "S",
            Value::Null,
            "public.orders is a sequence",
            "name the table that uses it",
        );
        check_refused("c", Value::Null, "public.orders is a type, not a table", "name a table");
    }

    #[test]
    fn an_answer_that_is_no_document_is_an_error_not_a_panic() {
        for text in ["", "null", "{}", "[1]"] {
            assert_eq!(facts_from_document(text).unwrap_err().kind(), ErrorKind::Connection);
        }
    }
}
