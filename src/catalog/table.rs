//! Converts the document of a table to its facts: what the table is, and the sums over its leaves.

use super::document::{Leaf, RelationDocument, parse};
use super::facts::{Column, TableFacts, TableKind};
use super::kinds::RelationKind;
use super::{indexes, refusal, rows};
use crate::error::Result;

/// Returns the facts in a document of `sampler/sql/tables.sql`.
///
/// # Errors
/// `Usage` when a migration cannot work on the relation; `Connection` when the document cannot be parsed.
pub fn facts_from_document(text: &str) -> Result<TableFacts> {
    let relation: RelationDocument = parse(text)?;
    match refusal::not_a_table(&relation) {
        Some(error) => Err(error),
        None => Ok(facts(relation)),
    }
}

fn facts(relation: RelationDocument) -> TableFacts {
    let all_leaves = relation.leaves.unwrap_or_default();
    let partitions = all_leaves.len() as u32;
    let leaves: Vec<Leaf> = all_leaves.into_iter().filter(|leaf| !leaf.foreign).collect();
    let columns = relation.columns.unwrap_or_default();
    let indexes = relation.indexes.unwrap_or_default();
    let index_facts = indexes::facts(&indexes);
    let partitioned = relation.kind == RelationKind::PartitionedTable;
    let inherited = !partitioned && partitions > 1;
    let estimate = rows::estimate(&leaves, &columns, relation.page);
    let sum = |of: fn(&Leaf) -> u64| leaves.iter().map(of).sum::<u64>();
    TableFacts {
        name: relation.name,
        kind: match relation.kind {
            RelationKind::MaterializedView => TableKind::MaterializedView,
            _ if partitioned || inherited => TableKind::Partitioned,
            _ => TableKind::Table,
        },
        reltuples: reltuples(&leaves),
        relpages: sum(|leaf| leaf.relpages),
        heap_bytes: sum(|leaf| leaf.heap_bytes.unwrap_or(0)),
        block_bytes: relation.page.block_size,
        toast_bytes: sum(|leaf| leaf.toast_bytes.unwrap_or(0)),
        index_bytes: index_facts.iter().map(|index| index.bytes).sum(),
        // A unique index of an inheritance parent does not apply to the rows of its children.
        key: if inherited { Vec::new() } else { indexes::key(&indexes) },
        indexes: index_facts,
        estimated_rows: estimate.rows,
        rows_relative_sd: estimate.relative_sd,
        rows_source: estimate.source,
        dead_rows: sum(|leaf| leaf.dead_rows),
        modified_since_analyze: sum(|leaf| leaf.modified_since_analyze),
        last_analyze: oldest_analyze(&leaves),
        partitions: if partitioned || inherited { partitions } else { 0 },
        foreign_partitions: partitions - leaves.len() as u32,
        columns: columns
            .into_iter()
            .map(|column| Column {
                name: column.name,
                data_type: column.data_type,
            })
            .collect(),
        triggers: relation.triggers.unwrap_or_default(),
        foreign_keys: relation.foreign_keys.unwrap_or_default(),
        referenced_by: relation.referenced_by.unwrap_or_default(),
    }
}

/// Returns the sum over the analysed leaves; -1 if there is none.
fn reltuples(leaves: &[Leaf]) -> f64 {
    let analyzed = || leaves.iter().map(|leaf| leaf.reltuples).filter(|&rows| rows >= 0.0);
    match analyzed().next() {
        Some(_) => analyzed().sum(),
        None => -1.0,
    }
}

/// Returns the oldest time of the last ANALYZE among the leaves that are not empty; `None` when one was never analysed.
fn oldest_analyze(leaves: &[Leaf]) -> Option<String> {
    leaves
        .iter()
        .filter(|leaf| leaves.len() == 1 || leaf.heap_bytes != Some(0))
        .map(|leaf| leaf.last_analyze.clone())
        .min()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::facts::RowsSource;
    use crate::error::ErrorKind;
    use serde_json::{Value, json};

    fn leaf(rows: f64, pages: u64) -> Value {
        json!({ "foreign": false, "reltuples": rows, "relpages": pages, "heap_bytes": pages * 8192, "toast_bytes": 8192,
                "fillfactor": null, "dead_rows": 3, "modified_since_analyze": 0,
                "last_analyze": "2026-01-02T03:04:05Z" })
    }

    fn unique_index() -> Value {
        let column = json!({ "definition": "id", "name": "id", "data_type": "bigint", "not_null": true });
        json!({ "oid": 7, "parent": null, "bytes": 16384, "reltuples": 100.0, "definition": {
            "name": "u", "of_root": true, "method": "btree", "unique": true, "primary": false, "valid": true,
            "immediate": true, "partial": false, "columns": [column], "used_columns": ["id"] } })
    }

    fn table(leaves: Vec<Value>, indexes: Vec<Value>) -> Value {
        json!({ "name": "public.orders", "schema": "public", "kind": "r", "temporary": false,
                "page": { "block_size": 8192, "max_bytes_per_character": 4 },
                "columns": [{ "name": "id", "data_type": "bigint", "type_oid": 20, "type_length": 8,
                              "type_modifier": -1 }],
                "leaves": leaves, "indexes": indexes })
    }

    fn with(mut document: Value, key: &str, value: Value) -> Value {
        document[key] = value;
        document
    }

    fn check_refused(kind: &str, belongs_to: Value, message: &str, hint: &str) {
        let document = with(
            with(table(vec![], vec![]), "kind", json!(kind)),
            "belongs_to",
            belongs_to,
        );
        let error = facts_from_document(&document.to_string()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!((error.message(), error.hint()), (message, Some(hint)));
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
        assert_eq!(
            (facts.reltuples, facts.relpages, facts.heap_bytes),
            (150.0, 3, 3 * 8192)
        );
        assert_eq!(facts.dead_rows, 9);
        assert_eq!((facts.estimated_rows, facts.rows_source), (150.0, RowsSource::Planner));
        assert_eq!(facts.last_analyze.as_deref(), Some("2026-01-02T03:04:05Z"));
    }

    #[test]
    fn inheritance_children_count_but_give_no_key() {
        let document = table(vec![leaf(0.0, 0), leaf(50.0, 1)], vec![unique_index()]);
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
        check_refused(
            "i",
            json!(["orders"]),
            "public.orders is an index",
            "name its table: orders",
        );
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
