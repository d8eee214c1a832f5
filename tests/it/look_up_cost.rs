//! Finding the windows of a walk reads no more blocks than the look-ups of a plain keyset loop, with any key.

use std::collections::BTreeMap;

use migtime::migration::{self, BatchOptions, Batching, Walk, WalkRange, look_up_sql};
use migtime::sampler;
use migtime::server::Staging;
use postgres::{Client, SimpleQueryMessage};
use serde_json::Value;

use crate::support::Database;

/// Windows that are looked up, and rows of each.
const WINDOWS: u64 = 60;
const BATCH_SIZE: u64 = 200;
/// A window's first key is looked up too, which a plain loop does not need: a second descent of the index, for each
/// partition.
const MOST_TIMES: u64 = 2;

/// A person who writes such a loop sees to it that it goes along the key.
const ALONG_THE_KEY: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off";

/// Returns how many blocks `sql` reads or finds in memory.
fn blocks(client: &mut Client, sql: &str) -> u64 {
    let (settings, query) = sql.rsplit_once(';').map_or(("SELECT 1", sql), |parts| parts);
    let explained = format!("BEGIN; {settings}; EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}; ROLLBACK");
    let messages = client.simple_query(&explained).expect("it can be explained");
    let text: String = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).filter(|text| text.starts_with('[')),
            _ => None,
        })
        .collect();
    let plan: Value = serde_json::from_str(&text).expect("a plan");
    let count = |field: &str| plan[0]["Plan"][field].as_u64().expect("a number of blocks");
    count("Shared Hit Blocks") + count("Shared Read Blocks")
}

/// Looks up the windows as a plain loop does, each where the last one ended, and returns the blocks.
fn blocks_of_a_loop(client: &mut Client, key: &str, predicate: &str) -> u64 {
    let columns = |form: fn(&str) -> String| key.split(", ").map(form).collect::<Vec<_>>().join(", ");
    let (order, texts) = (
        columns(|column| format!("t.{column}")),
        columns(|column| format!("t.{column}::text")),
    );
    let offset = BATCH_SIZE - 1;
    let mut after = String::new();
    let mut sum = 0;
    for _ in 0..WINDOWS {
        let rest = format!("FROM t WHERE {predicate}{after} ORDER BY {order} OFFSET {offset} LIMIT 1");
        sum += blocks(client, &format!("{ALONG_THE_KEY};SELECT {order} {rest}"));
        let end = client
            .query_one(&format!("SELECT {texts} {rest}"), &[])
            .expect("a window");
        let values: Vec<String> = (0..end.len()).map(|column| end.get(column)).collect();
        after = format!(" AND ({order}) > ('{}')", values.join("', '"));
    }
    sum
}

fn check(setup: &str, key: &str, predicate: &str) {
    let database = Database::create();
    database.execute(setup);
    let mut clone = Staging::connect(&database.parameters()).expect("the clone is writable");
    let facts = clone
        .read(|reader| sampler::table(reader, "t"))
        .expect("the table is there");
    let statements =
        migration::parse(&format!("UPDATE t SET done = 1 WHERE {predicate}"), "migration.sql").expect("plain SQL");
    let options = BatchOptions {
        batch_size: Some(BATCH_SIZE),
        walk: Some(Walk::Rows),
        big_table_rows: Some(1.0),
    };
    let steps = migration::steps(&statements, &BTreeMap::from([("t".to_owned(), facts)]), &options).expect("steps");
    let batching: &Batching = steps[0].batching.as_ref().expect("batched");
    assert_eq!(
        batching
            .key
            .iter()
            .map(|column| column.name.as_str())
            .collect::<Vec<_>>()
            .join(", "),
        key
    );
    let client = clone.client();
    let ours = blocks(client, &look_up_sql(batching, WalkRange::ALL, WINDOWS, true));
    let loops = blocks_of_a_loop(client, key, predicate);
    println!("({key}) {predicate}: {ours} blocks for {WINDOWS} windows, a plain loop {loops}");
    assert!(ours <= MOST_TIMES * loops, "{ours} blocks, a plain loop {loops}");
}

const ROWS: &str = "FROM generate_series(1, 15000) AS g";

#[test]
fn an_integer_key_after_add_column() {
    check(
        &format!(
            "CREATE TABLE t (id bigint PRIMARY KEY, note text); INSERT INTO t SELECT g, repeat('x', g % 90) {ROWS}; \
             ANALYZE t; ALTER TABLE t ADD done integer"
        ),
        "id",
        "done IS NULL",
    );
}

#[test]
fn a_key_in_another_order_than_the_heap() {
    check(
        &format!(
            "CREATE TABLE t (id uuid PRIMARY KEY, done integer); \
             INSERT INTO t SELECT md5(g::text)::uuid, NULL {ROWS}; ANALYZE t"
        ),
        "id",
        "done IS NULL",
    );
}

#[test]
fn a_composite_key_over_partitions() {
    check(
        &format!(
            "CREATE TABLE t (id uuid NOT NULL, at timestamptz NOT NULL, done integer, PRIMARY KEY (id, at)) \
             PARTITION BY RANGE (at); \
             DO $$ BEGIN FOR m IN 1..12 LOOP EXECUTE format('CREATE TABLE t_%s PARTITION OF t FOR VALUES FROM (%L) TO \
             (%L)', m, make_date(2025, m, 1), make_date(2025, m, 1) + interval '1 month'); END LOOP; END $$; \
             INSERT INTO t SELECT (lpad(to_hex(g), 12, '0') || substr(md5(g::text), 1, 20))::uuid, \
             timestamptz '2025-01-02' + g * interval '30 minutes', NULL {ROWS}; ANALYZE t"
        ),
        "id, at",
        "done IS NULL",
    );
}

#[test]
fn a_partial_index_beside_the_key_does_not_mislead() {
    check(
        &format!(
            "CREATE TABLE t (id bigint PRIMARY KEY, done integer, grade integer); \
             INSERT INTO t SELECT g, NULL, g % 7 {ROWS}; CREATE INDEX ON t (grade) WHERE done IS NULL; ANALYZE t"
        ),
        "id",
        "done IS NULL",
    );
}
