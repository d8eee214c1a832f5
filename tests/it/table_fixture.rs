//! Catalog facts of a table of 6,000,000 rows and of its server.

use std::collections::BTreeMap;

use migtime::catalog::facts::{Column, IndexFacts, RowsSource, ServerFacts, TableFacts, TableKind};

/// Its name.
pub const TABLE: &str = "public.orders";

/// Returns facts of a table of 6,000,000 rows.
pub fn table() -> TableFacts {
    TableFacts {
        name: TABLE.to_string(),
        kind: TableKind::Table,
        reltuples: 6_001_201.0,
        relpages: 83_068,
        heap_bytes: 680_493_056,
        block_bytes: 8192,
        toast_bytes: 8192,
        index_bytes: 336_592_896,
        indexes: vec![
            index("orders_pkey", &["id"], true, 134_758_400),
            index("orders_user_id_idx", &["user_id"], false, 67_379_200),
            index("orders_created_at_idx", &["created_at"], false, 134_455_296),
        ],
        estimated_rows: 6_001_201.0,
        rows_relative_sd: 0.004,
        rows_source: RowsSource::Planner,
        dead_rows: 12_400,
        modified_since_analyze: 31_020,
        last_analyze: Some("2026-11-21T23:05:12Z".to_string()),
        partitions: 0,
        foreign_partitions: 0,
        key: vec![Column {
            name: "id".to_string(),
            data_type: "bigint".to_string(),
        }],
        columns: ["id", "user_id", "customer_id", "created_at", "note"]
            .map(|name| Column {
                name: name.to_string(),
                data_type: "bigint".to_string(),
            })
            .to_vec(),
        triggers: vec!["orders_touch".to_string()],
        foreign_keys: vec!["orders_user_id_fkey → public.users".to_string()],
        referenced_by: vec!["public.order_items.order_items_order_id_fkey".to_string()],
    }
}

/// Returns the facts of a server.
pub fn server() -> ServerFacts {
    let settings = [
        ("checkpoint_timeout", "1min"),
        ("full_page_writes", "on"),
        ("fsync", "on"),
        ("maintenance_work_mem", "64MB"),
        ("max_wal_size", "384MB"),
        ("shared_buffers", "512MB"),
        ("synchronous_commit", "on"),
        ("wal_compression", "off"),
    ];
    let settings: BTreeMap<String, String> = settings
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .into();
    ServerFacts {
        version_num: 150_018,
        settings,
    }
}

fn index(name: &str, columns: &[&str], primary: bool, bytes: u64) -> IndexFacts {
    let columns: Vec<String> = columns.iter().map(|column| column.to_string()).collect();
    IndexFacts {
        name: name.to_string(),
        method: "btree".to_string(),
        columns: columns.clone(),
        used_columns: columns,
        unique: primary,
        primary,
        valid: true,
        partial: false,
        bytes,
        reltuples: 6_001_201.0,
        correlation: Some(1.0),
        values_between: None,
    }
}
