//! Shows that a statement runs on parts of its table before it runs on the whole, that the parts resemble the table,
//! and that nothing of them remains.

use std::collections::BTreeMap;

use migtime::migration::{self, BatchOptions, StepKind};
use migtime::observation::{LadderRecord, Rehearsal};
use migtime::rehearsal::Conditions;
use migtime::sampler;
use migtime::server::Staging;

use crate::support::{Database, rehearse_once};

/// Rows of each table: enough to exceed the 8 MB below which a ladder is not worthwhile.
const ROWS: u64 = 100_000;
/// Everything in the catalog that a ladder could leave behind or change.
const CATALOG: &str = "SELECT string_agg(format('%s %s %s %s %s', c.oid, c.relnamespace::regnamespace, c.relname, \
                       c.relfilenode, \
    c.reloptions), E'\\n' ORDER BY c.oid) FROM pg_class c WHERE c.oid >= 16384";

/// Creates a table with everything that makes it hard to copy: quoted names, an identity, a generated column, a fill
/// factor, a dropped column, a constraint that is not yet valid, and a table that refers to it.
fn database() -> Database {
    let database = Database::create_alone();
    database.execute(&format!(
        "CREATE SCHEMA \"Odd % schema\";
         CREATE TABLE public.parents (id int PRIMARY KEY);
         INSERT INTO public.parents SELECT generate_series(1, 1000);
         CREATE TABLE \"Odd % schema\".\"It's \"\"it\"\"\" (
             id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone text, parent_id int, name text NOT NULL DEFAULT 'x',
             doubled int GENERATED ALWAYS AS (parent_id * 2) STORED, CONSTRAINT \"Named\" CHECK (parent_id > 0)
         ) WITH (fillfactor = 80);
         ALTER TABLE \"Odd % schema\".\"It's \"\"it\"\"\" DROP COLUMN gone;
         INSERT INTO \"Odd % schema\".\"It's \"\"it\"\"\" (parent_id, name)
             SELECT 1 + g % 1000, repeat('x', 60) || g FROM generate_series(1, {ROWS}) AS g;
         CREATE TABLE children (it int REFERENCES \"Odd % schema\".\"It's \"\"it\"\"\" (id));
         CREATE VIEW seen AS SELECT name FROM \"Odd % schema\".\"It's \"\"it\"\"\";
         ANALYZE"
    ));
    database
}

const TABLE: &str = "\"Odd % schema\".\"It's \"\"it\"\"\"";

/// Rehearses `sql` on `database` for a production that is four times larger.
fn rehearsed(database: &Database, sql: &str, table: &str) -> Rehearsal {
    let mut clone = Staging::connect(&database.parameters()).expect("the clone is writable");
    let facts = clone
        .read(|reader| sampler::table(reader, table))
        .expect("the table is there");
    let statements = migration::parse(sql, "migration.sql").expect("plain SQL");
    let tables = BTreeMap::from([(table.to_owned(), facts.clone())]);
    let steps = migration::steps(&statements, &tables, &BatchOptions::default()).expect("steps");
    let mut rehearsal = Rehearsal {
        tables: vec![facts.clone()],
        ..Rehearsal::default()
    };
    let conditions = Conditions {
        growth: BTreeMap::from([(facts.name, 4.0)]),
        ..Conditions::default()
    };
    rehearse_once(&mut clone, &steps, &conditions, &mut rehearsal);
    rehearsal
}

fn ask(database: &Database, sql: &str) -> String {
    database.client().query_one(sql, &[]).expect(sql).get(0)
}

/// Checks that `sql` first ran on a part of the table, with less memory and proportionally less WAL than on the whole.
fn check(database: &Database, sql: &str) -> LadderRecord {
    let rehearsal = rehearsed(database, sql, TABLE);
    let step = rehearsal.steps.last().expect("a step");
    let ladder = step.ladder.clone().unwrap_or_else(|| panic!("{sql}: {:?}", step.notes));
    let pilot = ladder.rungs.first().expect("a pilot");
    assert_eq!(pilot.fraction, 1.0 / 16.0, "{sql}");
    // Blocks are drawn at random: within five standard deviations of a sixteenth of 1,000 and more.
    assert!((3_000..11_000).contains(&pilot.rows), "{sql}: {} rows", pilot.rows);
    assert!(pilot.maintenance_work_mem_bytes < ladder.maintenance_work_mem_bytes);
    let whole = step.wal_bytes.expect("it was measured");
    if step.kind != StepKind::TableScan {
        // Other tests write to the same WAL at the same time, so the statement's share cannot be checked here.
        assert!(
            pilot.wal_bytes > 0 && whole > 0,
            "{sql}: {} and {whole} bytes",
            pilot.wal_bytes
        );
    }
    let left = "SELECT count(*)::text FROM pg_class WHERE relname LIKE '%migtime%'";
    assert_eq!(ask(database, left), "0", "{sql}");
    ladder
}

#[test]
fn every_kind_of_statement_runs_on_parts_of_its_table_and_leaves_nothing() {
    let database = database();
    let index = check(&database, &format!("CREATE INDEX \"An index\" ON {TABLE} (name)"));
    // Its sort fits the clone's memory but not production's, so the whole index is also built with a quarter of the
    // memory.
    let last = index.rungs.last().expect("rungs");
    assert_eq!(last.fraction, 1.0);
    assert_eq!(last.maintenance_work_mem_bytes, index.maintenance_work_mem_bytes / 4);
    check(&database, &format!("CREATE UNIQUE INDEX ON {TABLE} (doubled, id)"));
    check(
        &database,
        &format!(
            "ALTER TABLE {TABLE} ADD CONSTRAINT \"not null\" CHECK (parent_id IS NOT NULL) NOT VALID; \
        ALTER TABLE {TABLE} VALIDATE CONSTRAINT \"not null\""
        ),
    );
    check(
        &database,
        &format!(
            "ALTER TABLE {TABLE} ADD FOREIGN KEY (parent_id) REFERENCES parents NOT VALID; \
        BEGIN; ALTER TABLE {TABLE} VALIDATE CONSTRAINT \"It's \"\"it\"\"_parent_id_fkey\"; COMMIT"
        ),
    );
    check(
        &database,
        &format!("ALTER TABLE {TABLE} ALTER COLUMN name SET NOT NULL"),
    );
    check(
        &database,
        &format!("ALTER TABLE {TABLE} ADD COLUMN at timestamptz NOT NULL DEFAULT clock_timestamp()"),
    );
    check(&database, &format!("ALTER TABLE {TABLE} ALTER COLUMN id TYPE bigint"));
    assert_eq!(
        ask(&database, &format!("SELECT count(*)::text FROM {TABLE}")),
        ROWS.to_string()
    );
    database.execute(&format!(
        "ALTER TABLE {TABLE} ALTER COLUMN name DROP NOT NULL; SELECT name FROM seen LIMIT 1"
    ));
}

#[test]
fn rows_that_break_a_constraint_nobody_checked_yet_are_in_the_parts_too() {
    let database = database();
    database.execute(&format!(
        "ALTER TABLE {TABLE} ADD CONSTRAINT \"most break it\" CHECK (parent_id < 10) NOT VALID"
    ));
    check(&database, &format!("CREATE INDEX ON {TABLE} (parent_id)"));
    check(
        &database,
        &format!("ALTER TABLE {TABLE} ALTER COLUMN name SET NOT NULL"),
    );
}

#[test]
fn what_cannot_be_put_on_a_part_says_so_and_runs_all_the_same() {
    let check = |database: &Database, sql: &str, table: &str, expected: Option<&str>| {
        let before = ask(database, CATALOG);
        let rehearsal = rehearsed(database, sql, table);
        let step = rehearsal.steps.last().expect("a step");
        assert!(step.ladder.is_none(), "{sql}");
        assert!(step.complete, "{sql}");
        let notes = step.notes.join("\n");
        match expected {
            Some(expected) => assert!(notes.contains(expected), "{sql}: {notes}"),
            None => assert!(!notes.contains("parts of its table"), "{sql}: {notes}"),
        }
        before
    };
    let odd = database();
    check(
        &odd,
        &format!("CREATE INDEX CONCURRENTLY ON {TABLE} (name)"),
        TABLE,
        Some("it cannot run in a transaction"),
    );
    check(
        &odd,
        &format!("CLUSTER {TABLE} USING \"It's \"\"it\"\"_pkey\""),
        TABLE,
        Some("not run on parts of its table"),
    );
    let before = check(
        &odd,
        &format!("ALTER TABLE {TABLE} ALTER COLUMN name SET STATISTICS 50"),
        TABLE,
        None,
    );
    assert_eq!(ask(&odd, CATALOG), before, "only the catalog of columns changed");

    let partitioned = Database::create();
    partitioned.execute(&format!(
        "CREATE TABLE parted (id bigint, note text) PARTITION BY RANGE (id); \
         CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1000000); \
         INSERT INTO parted SELECT g, repeat('x', 80) FROM generate_series(1, {ROWS}) AS g; ANALYZE"
    ));
    check(
        &partitioned,
        "CREATE INDEX ON parted (id)",
        "parted",
        Some("it works on partitions"),
    );
}
