//! Tables as a catalog would describe them, and short ways to plan a migration on them, without a server.

use migtime::catalog::facts::{Column, IndexFacts, RowsSource, TableFacts, TableKind};
use migtime::error::ErrorKind;
use migtime::migration::{
    BIG_TABLE_ROWS, BatchOptions, Batching, Step, StepKind, Tables, Window, parse, steps, tables_of,
};

pub fn column(name: &str, data_type: &str) -> Column {
    Column {
        name: name.to_owned(),
        data_type: data_type.to_owned(),
    }
}

pub fn table(name: &str, rows: f64, key: &[(&str, &str)], others: &[(&str, &str)]) -> TableFacts {
    let key: Vec<Column> = key.iter().map(|(name, data_type)| column(name, data_type)).collect();
    let others = others.iter().map(|(name, data_type)| column(name, data_type));
    TableFacts {
        name: name.to_owned(),
        kind: TableKind::Table,
        reltuples: rows,
        relpages: (rows / 40.0) as u64,
        heap_bytes: (rows / 40.0) as u64 * 8192,
        block_bytes: 8192,
        toast_bytes: 0,
        index_bytes: 0,
        indexes: vec![IndexFacts {
            name: "pkey".to_owned(),
            method: "btree".to_owned(),
            columns: key.iter().map(|column| column.name.clone()).collect(),
            used_columns: Vec::new(),
            unique: true,
            primary: true,
            valid: true,
            partial: false,
            bytes: 0,
            reltuples: rows,
            correlation: None,
            values_between: None,
        }],
        estimated_rows: rows,
        rows_relative_sd: 0.0,
        rows_source: RowsSource::Exact,
        dead_rows: 0,
        modified_since_analyze: 0,
        last_analyze: None,
        partitions: 0,
        foreign_partitions: 0,
        columns: key.iter().cloned().chain(others).collect(),
        key,
        triggers: Vec::new(),
        foreign_keys: Vec::new(),
        referenced_by: Vec::new(),
    }
}

pub fn facts_of(written: &str) -> Option<TableFacts> {
    Some(match written {
        "orders" | "public.orders" => table(
            "public.orders",
            6e6,
            &[("id", "bigint")],
            &[
                ("customer_id", "bigint"),
                ("user_id", "bigint"),
                ("created_at", "timestamp with time zone"),
            ],
        ),
        "\"Order Lines\"" => table("public.\"Order Lines\"", 6e6, &[("\"Id\"", "uuid")], &[]),
        "events" => table("public.events", 6e6, &[("tenant_id", "integer"), ("id", "bigint")], &[]),
        "logs" => TableFacts {
            indexes: Vec::new(),
            ..table("public.logs", 4e6, &[], &[("line", "text")])
        },
        "parts" => TableFacts {
            kind: TableKind::Partitioned,
            ..table("public.parts", 4e6, &[], &[])
        },
        "users" => table("public.users", 500.0, &[("id", "bigint")], &[("name", "text")]),
        _ => return None,
    })
}

pub fn planned(sql: &str, options: &BatchOptions) -> migtime::error::Result<Vec<Step>> {
    let statements = parse(sql, "m.sql")?;
    let found = tables_of(&statements)
        .into_iter()
        .filter_map(|name| Some((name.clone(), facts_of(&name)?)));
    steps(&statements, &found.collect::<Tables>(), options)
}

/// The options of somebody who asks for batches.
pub fn in_batches() -> BatchOptions {
    BatchOptions {
        big_table_rows: Some(BIG_TABLE_ROWS),
        ..BatchOptions::default()
    }
}

pub fn only(sql: &str) -> Step {
    planned(sql, &in_batches()).expect("plans").remove(0)
}

pub fn batching(sql: &str) -> Batching {
    let step = only(sql);
    assert_eq!(step.kind, StepKind::Backfill, "{:?}", step.notes);
    step.batching.expect("a backfill is batched")
}

/// Renders the batch between the given keys.
pub fn rendered(batching: &Batching, start: &[&str], end: &[&str]) -> String {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let window = Window {
        start: owned(start),
        end: owned(end),
    };
    batching.template.render(batching, &window, 150_000)
}

pub fn check_refused(sql: &str, message: &str) {
    let error = planned(sql, &BatchOptions::default()).expect_err(sql);
    assert_eq!((error.kind(), error.message()), (ErrorKind::Usage, message), "{sql}");
    assert!(error.excerpt().is_some(), "{sql}");
}

pub fn check_whole(sql: &str, note: &str) {
    let step = only(sql);
    assert_eq!(step.kind, StepKind::Dml, "{sql}");
    assert_eq!(step.batching, None, "{sql}");
    assert!(step.notes.join("; ").contains(note), "{sql}: {:?}", step.notes);
}
