//! The traps that a plan detects: each is first shown to be one on this server, then found in the plan.

use migtime::migration::{self, LockMode, Trap};
use migtime::sampler;
use migtime::server::Production;
use postgres::Client;

use crate::support::{Database, said};

/// Returns the traps that the plan finds in `sql`, with the numbers of their statements.
fn found(database: &Database, sql: &str) -> Vec<(u32, Trap)> {
    let statements = migration::parse(sql, "m.sql").expect(sql);
    let words = migration::names_in(&statements);
    let mut production = Production::connect(&database.parameters()).expect("the database takes connections");
    let schema = production
        .read(|reader| sampler::schema(reader, &words))
        .expect("the catalog is readable");
    migration::plan(&statements, &schema)
        .iter()
        .flat_map(|planned| {
            let traps = planned.warnings.iter().map(|warning| warning.trap);
            traps.map(|trap| (planned.statement.number, trap)).collect::<Vec<_>>()
        })
        .collect()
}

fn refusal(client: &mut Client, sql: &str) -> String {
    said(&client.batch_execute(sql).expect_err(sql))
}

/// Returns the strongest lock that this session holds on a table.
fn held(client: &mut Client, table: &str) -> Option<LockMode> {
    let sql = "SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = $1::text::regclass";
    let rows = client.query(sql, &[&table]).expect("locks");
    rows.iter().filter_map(|row| LockMode::from_name(row.get(0))).max()
}

fn shop() -> Database {
    let database = Database::create();
    database.execute(
        "CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 10);
         CREATE TABLE t (id int PRIMARY KEY, a int REFERENCES parent); INSERT INTO t SELECT g, g \
         FROM generate_series(1, 10) g",
    );
    database
}

#[test]
fn several_statements_in_one_simple_query_are_one_transaction() {
    let database = shop();
    let mut client = database.client();
    let concurrently = "ANALYZE t; CREATE INDEX CONCURRENTLY i ON t (a)";
    assert!(refusal(&mut client, concurrently).contains("cannot run inside a transaction block"));
    assert!(found(&database, concurrently).contains(&(2, Trap::RefusedWhenSentWhole)));

    // The second statement fails, and takes the first with it.
    let whole = "ALTER TABLE t ADD COLUMN x int; UPDATE t SET a = 1 / 0";
    refusal(&mut client, whole);
    let sql = "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'x'";
    assert_eq!(client.query_one(sql, &[]).expect("a count").get::<_, i64>(0), 0);
    assert!(found(&database, whole).contains(&(1, Trap::KeptWhenSentWhole)));
}

#[test]
fn set_local_outside_a_transaction_does_nothing() {
    let database = shop();
    let mut client = database.client();
    let sql = "SET LOCAL lock_timeout = '5s'";
    client.batch_execute(sql).expect("a warning, no error");
    let now = client.query_one("SHOW lock_timeout", &[]).expect("a setting");
    assert_eq!(now.get::<_, &str>(0), "0");
    assert_eq!(found(&database, sql), [(1, Trap::SetLocalOutsideTransaction)]);
}

#[test]
fn if_not_exists_keeps_an_invalid_index() {
    let database = shop();
    let mut client = database.client();
    database.execute("UPDATE t SET a = 1");
    refusal(&mut client, "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)");
    let again = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)";
    client.batch_execute(again).expect("it succeeds");
    let valid = client.query_one("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass", &[]);
    assert!(!valid.expect("an index").get::<_, bool>(0));
    let statements = migration::parse(again, "m.sql").expect("parses");
    let mut production = Production::connect(&database.parameters()).expect("the database takes connections");
    let schema = production
        .read(|reader| sampler::schema(reader, &[]))
        .expect("the catalog");
    let planned = migration::plan(&statements, &schema);
    let expected = "index public.i is there and invalid: IF NOT EXISTS keeps it as it is";
    let mut warnings = planned[0].warnings.iter();
    assert!(warnings.any(|warning| warning.trap == Trap::InvalidIndexKept && warning.text == expected));
}

#[test]
fn lock_timeout_cancels_the_waits_of_concurrently() {
    let database = shop();
    let (mut other, mut client) = (database.client(), database.client());
    let mut writer = other.transaction().expect("a transaction");
    writer.execute("UPDATE t SET a = a", &[]).expect("an update");
    client.batch_execute("SET lock_timeout = '50ms'").expect("a setting");
    assert!(refusal(&mut client, "CREATE INDEX CONCURRENTLY i ON t (a)").contains("lock timeout"));
    writer.rollback().expect("a rollback");
    let valid = client.query_one("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass", &[]);
    assert!(!valid.expect("an index is left behind").get::<_, bool>(0));
    client.batch_execute("DROP INDEX i").expect("dropped");
    let sql = "SET lock_timeout = '50ms'; CREATE INDEX CONCURRENTLY i ON t (a)";
    assert!(found(&database, sql).contains(&(2, Trap::LockTimeoutCancelsConcurrently)));
}

#[test]
fn validating_in_the_same_transaction_keeps_the_strong_lock() {
    let database = shop();
    let mut client = database.client();
    let add = "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID";
    let validate = "ALTER TABLE t VALIDATE CONSTRAINT c";
    client.batch_execute("BEGIN").expect("a block");
    client.batch_execute(add).expect(add);
    client.batch_execute(validate).expect(validate);
    assert_eq!(held(&mut client, "t"), Some(LockMode::AccessExclusive));
    client.batch_execute("ROLLBACK").expect("a rollback");
    let sql = format!("BEGIN; {add}; {validate}; COMMIT");
    assert!(found(&database, &sql).contains(&(3, Trap::ValidatedWhereAdded)));
}

#[test]
fn dropping_a_foreign_key_locks_both_tables() {
    let database = shop();
    let mut client = database.client();
    let sql = "ALTER TABLE t DROP CONSTRAINT t_a_fkey";
    client.batch_execute("BEGIN").expect("a block");
    client.batch_execute(sql).expect(sql);
    for table in ["t", "parent"] {
        assert_eq!(held(&mut client, table), Some(LockMode::AccessExclusive), "{table}");
    }
    client.batch_execute("ROLLBACK").expect("a rollback");
    assert_eq!(found(&database, sql), [(1, Trap::OtherTableLocked)]);
}

#[test]
fn statement_timeout_counts_lock_waits() {
    let database = shop();
    let (mut other, mut client) = (database.client(), database.client());
    let mut holder = other.transaction().expect("a transaction");
    holder.execute("LOCK TABLE t", &[]).expect("a lock");
    client
        .batch_execute("SET statement_timeout = '50ms'")
        .expect("a setting");
    assert!(refusal(&mut client, "SELECT count(*) FROM t").contains("statement timeout"));
    holder.rollback().expect("a rollback");
    let sql = "SET statement_timeout = '50ms'";
    assert_eq!(found(&database, sql), [(1, Trap::StatementTimeoutCountsWaits)]);
}
