//! Shows that a whole walk visits every row exactly once, with any key, and finds its windows along the key's index.

use std::collections::BTreeMap;

use migtime::migration::{self, BatchOptions, Batching, Step, Walk, WalkFrom, WalkRange, batches_sql};
use migtime::observation::{EndReason, Rehearsal, StepRecord};
use migtime::rehearsal::Conditions;
use migtime::sampler;
use migtime::server::Staging;

use crate::support::{self, Database, rehearse_once, said};

/// Rows of each table.
const ROWS: u64 = 3_000;
/// So small that a walk of 3,000 rows needs three look-ups of windows.
const BATCH_SIZE: u64 = 7;

fn conditions() -> Conditions {
    Conditions {
        full: true,
        ..Conditions::default()
    }
}

/// Creates the table `walked` with a counter `visits` and returns the database.
fn table(columns: &str, fill: &str) -> Database {
    let database = Database::create();
    database.execute(&format!(
        "CREATE TABLE walked ({columns}); INSERT INTO walked {fill}; \
         ALTER TABLE walked ADD visits integer NOT NULL DEFAULT 0; ANALYZE walked"
    ));
    database
}

fn steps(clone: &mut Staging, sql: &str, walk: Option<Walk>) -> Vec<Step> {
    let facts = clone
        .read(|reader| sampler::table(reader, "walked"))
        .expect("the table is there");
    let statements = migration::parse(sql, "migration.sql").expect("plain SQL");
    let options = BatchOptions {
        batch_size: Some(BATCH_SIZE),
        walk,
        big_table_rows: Some(1.0),
    };
    migration::steps(&statements, &BTreeMap::from([("walked".to_owned(), facts)]), &options).expect("steps")
}

/// Replays every batch of `sql` and returns the record.
fn replay(database: &Database, sql: &str, walk: Option<Walk>) -> Rehearsal {
    let mut clone = Staging::connect(&database.parameters()).expect("the clone is writable");
    let steps = steps(&mut clone, sql, walk);
    let mut rehearsal = Rehearsal {
        migration: "migration.sql".to_owned(),
        throwaway: true,
        ..Rehearsal::default()
    };
    rehearse_once(&mut clone, &steps, &conditions(), &mut rehearsal);
    rehearsal
}

/// Replays `sql` and checks that exactly the rows that match `visited` were visited, each once.
fn check_walk(database: &Database, sql: &str, walk: Option<Walk>, visited: &str) -> StepRecord {
    let rehearsal = replay(database, sql, walk);
    assert_eq!(rehearsal.ended.map(|ended| ended.reason), Some(EndReason::Complete));
    let step = rehearsal.steps.into_iter().next_back().expect("a step");
    assert!(step.batching.is_some() && step.complete, "{:?}", step.notes);
    let counts = format!(
        "SELECT count(*) FILTER (WHERE {visited}), count(*) FILTER (WHERE visits <> (CASE WHEN {visited} THEN 1 \
         ELSE 0 END)) \
         FROM walked"
    );
    let row = database.client().query_one(&counts, &[]).expect("it can be counted");
    let (expected, wrong): (i64, i64) = (row.get(0), row.get(1));
    assert!(expected > 0, "the check has rows to look at");
    assert_eq!(wrong, 0, "{sql}: rows visited another number of times");
    let rows: u64 = step.observations.iter().map(|observation| observation.rows).sum();
    assert_eq!(rows, expected as u64, "{sql}: rows in the observations");
    assert!(
        step.observations
            .iter()
            .all(|observation| (0.0..=1.0).contains(&observation.position))
    );
    step
}

/// Walks a whole table by its own key and returns the step.
fn check_key(columns: &str, fill: &str) -> StepRecord {
    let database = table(columns, fill);
    let step = check_walk(&database, "UPDATE walked SET visits = visits + 1", None, "true");
    let batches = ROWS.div_ceil(BATCH_SIZE);
    assert_eq!(step.observations.len() as u64, batches, "{columns}");
    let batching = step.batching.as_ref().expect("batched");
    assert_eq!((batching.lookup_batches, batching.walk), (batches, Walk::Rows));
    assert!(
        step.observations[..step.observations.len() - 1]
            .iter()
            .all(|observation| observation.rows == BATCH_SIZE)
    );
    step
}

#[test]
fn whole_numbers_also_below_zero() {
    check_key("id integer PRIMARY KEY", "SELECT generate_series(1, 3000)");
    let step = check_key("id bigint PRIMARY KEY", "SELECT generate_series(-1500, 1499)");
    let positions: Vec<f64> = step
        .observations
        .iter()
        .map(|observation| observation.position)
        .collect();
    assert!(positions.is_sorted() && positions[0] == 0.0, "the walk goes forward");
    assert!((positions[positions.len() / 2] - 0.5).abs() < 0.01);
}

#[test]
fn uuids_and_points_in_time() {
    check_key(
        "id uuid PRIMARY KEY",
        "SELECT md5(g::text)::uuid FROM generate_series(1, 3000) AS g",
    );
    check_key(
        "at timestamptz PRIMARY KEY",
        "SELECT timestamptz '2024-03-31 00:59:00 Europe/Berlin' + g * interval '1.234567 seconds' FROM \
         generate_series(1, 3000) AS g",
    );
    check_key(
        "price numeric(10, 2) PRIMARY KEY",
        "SELECT (g - 1000) / 4.0 FROM generate_series(1, 3000) AS g",
    );
}

#[test]
fn windows_of_scattered_keys_are_found_along_the_index() {
    let database = table(
        "id uuid PRIMARY KEY, filling text",
        &format!("SELECT md5(n::text)::uuid, repeat('x', 500) FROM generate_series(1, {ROWS}) AS n"),
    );
    // The planner believes `IS NULL` to be rare in such a new column, and would sort all rows after the key.
    database.execute("ALTER TABLE walked ADD mark text");
    replay(&database, "UPDATE walked SET mark = 'x' WHERE mark IS NULL", None);
    let mut client = database.client();
    let sql =
        "SELECT coalesce(idx_tup_fetch, 0) + seq_tup_read, n_tup_upd FROM pg_stat_user_tables WHERE relname = 'walked'";
    let mut read = 0;
    support::await_condition("the sessions have told what they read", || {
        let row = client.query_one(sql, &[]).expect("row");
        read = row.get(0);
        row.get::<_, i64>(1) == ROWS as i64
    });
    // Each row is read once for the places, once for the windows, and once to change it; a sort for each window would
    // read more than 200 times all rows.
    assert!(read < 20 * ROWS as i64, "{read} rows were read");
}

#[test]
fn text_with_quotes_backslashes_and_collations() {
    let awkward = "SELECT CASE g % 5 WHEN 0 THEN 'it''s ' WHEN 1 THEN E'\\\\' WHEN 2 THEN E'a\\n' WHEN 3 THEN 'Ä' \
                   ELSE '' END \
                   || CASE g WHEN 4 THEN '' ELSE md5(g::text) END";
    check_key(
        "name text PRIMARY KEY",
        &format!("{awkward} FROM generate_series(1, 3000) AS g"),
    );
    check_key(
        "name varchar(40) COLLATE \"C\" PRIMARY KEY",
        &format!("{awkward} FROM generate_series(1, 3000) AS g"),
    );
    check_key(
        "code character(8) PRIMARY KEY",
        "SELECT to_hex(g) FROM generate_series(1, 3000) AS g",
    );
}

#[test]
fn keys_of_several_columns() {
    check_key(
        "tenant integer, id bigint, PRIMARY KEY (tenant, id)",
        "SELECT g % 11, g - 1500 FROM generate_series(1, 3000) AS g",
    );
    check_key(
        "region text COLLATE \"C\", name varchar(10), number smallint, PRIMARY KEY (region, name, number)",
        "SELECT chr(65 + g % 3), 'n''' || g % 50, g FROM generate_series(1, 3000) AS g",
    );
}

#[test]
fn columns_may_be_called_anything() {
    check_key(
        "\"key_1\" integer, \"last_1\" text, \"Number\" integer, PRIMARY KEY (\"last_1\", \"Number\", \"key_1\")",
        "SELECT g, g % 7, g % 3 FROM generate_series(1, 3000) AS g",
    );
}

#[test]
fn only_the_rows_that_meet_the_condition() {
    let database = table("id integer PRIMARY KEY", "SELECT generate_series(1, 3000)");
    let sql = "UPDATE walked SET visits = visits + 1 WHERE visits = 0 AND id % 3 = 0";
    let step = check_walk(&database, sql, None, "id % 3 = 0");
    assert_eq!(step.observations.len() as u64, 1000_u64.div_ceil(BATCH_SIZE));
}

#[test]
fn a_key_with_ties_and_nulls() {
    let database = table(
        "id integer PRIMARY KEY, grade integer",
        "SELECT g, CASE WHEN g % 10 > 0 THEN (sqrt(g))::integer END FROM generate_series(1, 3000) AS g",
    );
    database.execute("CREATE INDEX ON walked (grade); ANALYZE walked");
    let sql = "-- migtime: batch key=grade\nUPDATE walked SET visits = visits + 1";
    let step = check_walk(&database, sql, None, "grade IS NOT NULL");
    let last = step.observations.last().expect("batches");
    assert!(last.rows > BATCH_SIZE, "rows of one grade are never parted");
    let before_last = step.total_rows.expect("counted") - last.rows as f64;
    // The rows without a grade count as work of the walk, although no window contains them.
    assert!(
        (last.position - (before_last - 300.0) / 3000.0).abs() < 0.01,
        "{}",
        last.position
    );
}

#[test]
fn a_composite_key_with_nulls_behind_its_first_column() {
    let database = table(
        "id integer PRIMARY KEY, a integer, b integer",
        "SELECT g, g % 20, nullif(g % 9, 0) FROM generate_series(1, 3000) AS g",
    );
    let sql = "-- migtime: batch key=(a, b)\nUPDATE walked SET visits = visits + 1";
    check_walk(&database, sql, None, "a IS NOT NULL AND b IS NOT NULL");
}

#[test]
fn ranges_of_a_key_with_gaps() {
    let database = table(
        "id bigint PRIMARY KEY",
        "SELECT g * 3 - 2000 + CASE WHEN g > 1500 THEN 5000 ELSE 0 END FROM generate_series(1, 3000) AS g",
    );
    let sql = "UPDATE walked SET visits = visits + 1";
    let step = check_walk(&database, sql, Some(Walk::KeyRange), "true");
    let empty = step
        .observations
        .iter()
        .filter(|observation| observation.rows == 0)
        .count();
    assert!(empty as u64 >= 5000 / BATCH_SIZE - 1, "{empty} batches lie in the gap");
}

#[test]
fn blocks_of_a_table_without_a_key() {
    let database = table("note text", "SELECT repeat('x', 200) FROM generate_series(1, 3000)");
    // An earlier step makes the table larger than it was when the migration was planned.
    let sql = "ALTER TABLE walked ADD padding text NOT NULL DEFAULT repeat('y', 300 + (random() * 0)::integer);\n\
               UPDATE walked SET visits = visits + 1 WHERE visits = 0";
    let step = check_walk(&database, sql, None, "true");
    let batching = step.batching.as_ref().expect("batched");
    assert_eq!(batching.walk, Walk::Blocks);
    assert!(
        batching.total_batches > 3000.0 * 500.0 / 8192.0,
        "{}",
        batching.total_batches
    );
}

#[test]
fn a_partitioned_table() {
    let database = Database::create();
    database.execute(
        "CREATE TABLE walked (id bigint PRIMARY KEY, visits integer NOT NULL DEFAULT 0) PARTITION BY RANGE (id); \
         CREATE TABLE walked_1 PARTITION OF walked FOR VALUES FROM (MINVALUE) TO (1000); \
         CREATE TABLE walked_2 PARTITION OF walked FOR VALUES FROM (1000) TO (1003); \
         CREATE TABLE walked_3 PARTITION OF walked DEFAULT; \
         INSERT INTO walked SELECT g * 2 FROM generate_series(-100, 2899) AS g; ANALYZE walked",
    );
    let step = check_walk(&database, "UPDATE walked SET visits = visits + 1", None, "true");
    assert_eq!(step.observations.len() as u64, ROWS.div_ceil(BATCH_SIZE));
}

#[test]
fn partitions_by_hash_of_another_column() {
    let database = Database::create();
    database.execute(
        "CREATE TABLE walked (id bigint, shard integer, visits integer NOT NULL DEFAULT 0, PRIMARY KEY (id, shard)) \
         PARTITION BY HASH (shard); \
         CREATE TABLE walked_1 PARTITION OF walked FOR VALUES WITH (MODULUS 2, REMAINDER 0); \
         CREATE TABLE walked_2 PARTITION OF walked FOR VALUES WITH (MODULUS 2, REMAINDER 1); \
         INSERT INTO walked SELECT g / 2, g % 13 \
         FROM generate_series(1, 3000) AS g ON CONFLICT DO NOTHING; ANALYZE walked",
    );
    check_walk(&database, "UPDATE walked SET visits = visits + 1", None, "true");
}

#[test]
fn what_earlier_steps_left_in_the_session_counts_in_every_look_up() {
    let fill = "SELECT generate_series(1, 30000)";
    for before in [
        "SET walked.wanted = '3';",
        "SELECT set_config('walked.wanted', '3', false);",
    ] {
        let sql = format!(
            "{before} UPDATE walked SET visits = visits + 1 WHERE id % 10 = current_setting('walked.wanted')::integer"
        );
        check_walk(&table("id integer PRIMARY KEY", fill), &sql, None, "id % 10 = 3");
    }
    let sql = "CREATE TEMP TABLE wanted AS SELECT 3 AS rest; \
               UPDATE walked SET visits = visits + 1 WHERE id % 10 IN (SELECT rest FROM wanted)";
    check_walk(&table("id integer PRIMARY KEY", fill), sql, None, "id % 10 = 3");
}

/// Checks how the server finds the windows after the key `from`.
fn check_plan(columns: &str, fill: &str, from: &[&str]) {
    let database = table(columns, fill);
    let mut clone = Staging::connect(&database.parameters()).expect("the clone is writable");
    let steps = steps(
        &mut clone,
        "UPDATE walked SET visits = visits + 1 WHERE visits = 0",
        None,
    );
    let batching: &Batching = steps[0].batching.as_ref().expect("batched");
    let key: Vec<String> = from.iter().map(|value| (*value).to_owned()).collect();
    for from in [WalkFrom::Beginning, WalkFrom::At(&key), WalkFrom::After(&key)] {
        let range = WalkRange { from, ..WalkRange::ALL };
        let sql = format!("EXPLAIN (COSTS off) {}", batches_sql(batching, range, 200));
        let rows = clone
            .client()
            .query(&sql, &[])
            .unwrap_or_else(|error| panic!("{sql}: {}", said(&error)));
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        let sorts: Vec<&str> = plan.lines().filter(|line| line.contains("Sort Key")).collect();
        assert_eq!(sorts.len(), 1, "only the windows themselves are sorted:\n{plan}");
        assert!(sorts[0].ends_with("migtime_batch.number"), "{plan}");
        assert!(!plan.contains("Seq Scan"), "{plan}");
        assert!(plan.matches("Index").count() >= 6, "{plan}");
    }
}

#[test]
fn windows_are_found_along_the_index() {
    check_plan("id bigint PRIMARY KEY", "SELECT generate_series(1, 30000)", &["29000"]);
    check_plan(
        "id uuid PRIMARY KEY",
        "SELECT md5(g::text)::uuid FROM generate_series(1, 30000) AS g",
        &["80000000-0000-0000-0000-000000000000"],
    );
    check_plan(
        "tenant integer, name text, PRIMARY KEY (tenant, name)",
        "SELECT g % 11, 'n' || g FROM generate_series(1, 30000) AS g",
        &["5", "n17"],
    );
}
