//! How long the sampler's own work takes, without a server: parsing documents, adding up leaves, finding similar names.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use migtime::catalog::{self, KnownRelation, RelationName};
use serde_json::{Value, json};

const COLUMNS: u32 = 20;
const INDEXES: u32 = 5;

/// Returns a document as the server sends it, for a table with `partitions` leaves (0 for a plain one).
fn document(partitions: u32) -> String {
    let leaf = json!({ "foreign": false, "reltuples": 1e6, "relpages": 12000, "heap_bytes": 99_000_000,
                       "toast_bytes": 8192,
                       "fillfactor": null, "dead_rows": 12, "modified_since_analyze": 3400,
                       "last_analyze": "2026-01-02T03:04:05Z" });
    let columns: Vec<Value> = (0..COLUMNS)
        .map(|number| {
            json!({ "name": format!("column_{number}"), "type_oid": 20, "type_length": 8,
                        "type_modifier": -1 })
        })
        .collect();
    let tops = (0..INDEXES).map(|number| index(number, None, Some(definition(number))));
    let attached = (0..partitions * INDEXES).map(|number| index(INDEXES + number, Some(number % INDEXES), None));
    json!({
        "name": "public.orders", "schema": "public", "kind": if partitions > 0 { "p" } else { "r" }, "temporary": false,
        "page": { "block_size": 8192, "max_bytes_per_character": 4 }, "columns": columns,
        "leaves": vec![leaf; partitions.max(1) as usize], "indexes": tops.chain(attached).collect::<Vec<_>>(),
        "triggers": ["stamp"], "foreign_keys": ["of_customer → public.customers"], "referenced_by": null,
        "belongs_to": null
    })
    .to_string()
}

fn index(oid: u32, parent: Option<u32>, definition: Option<Value>) -> Value {
    json!({ "oid": oid, "parent": parent, "bytes": 21_000_000, "reltuples": 1e6, "correlation": 0.98,
            "definition": definition })
}

fn definition(number: u32) -> Value {
    let column = format!("column_{number}");
    json!({ "name": format!("index_{number}"), "of_root": true, "method": "btree", "unique": number == 0,
            "primary": number == 0,
            "valid": true, "immediate": true, "partial": false, "used_columns": [&column],
            "columns": [{ "definition": &column, "name": &column, "data_type": "bigint", "not_null": true }] })
}

fn known_relations(count: u32) -> Vec<KnownRelation> {
    (0..count)
        .map(|number| KnownRelation {
            schema: "public".to_string(),
            name: format!("customer_orders_{number}"),
            quoted: format!("public.customer_orders_{number}"),
            temporary: false,
        })
        .collect()
}

fn sampler(criterion: &mut Criterion) {
    for (name, partitions) in [("plain table", 0), ("1,000 partitions", 1000)] {
        let text = document(partitions);
        let facts = catalog::facts_from_document(&text).expect("the document is one the server could send");
        assert_eq!(facts.indexes.len() as u32, INDEXES);
        criterion.bench_function(&format!("facts of a {name}"), |bencher| {
            bencher.iter(|| catalog::facts_from_document(black_box(&text)));
        });
    }
    let relations = known_relations(10_000);
    let wanted = RelationName::parse("custmer_orders_77").expect("a name");
    criterion.bench_function("near matches among 10,000 tables", |bencher| {
        bencher.iter(|| catalog::nearest(black_box(&wanted), &relations));
    });
}

criterion_group!(benches, sampler);
criterion_main!(benches);
