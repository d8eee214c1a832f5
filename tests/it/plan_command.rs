//! `migtime plan` as a person runs it: with and without a database, in every format.

use std::path::PathBuf;

use serde_json::Value;

use crate::published_schemas;
use crate::support::{Database, migtime};

const MIGRATION: &str = "\
ALTER TABLE big ADD COLUMN at timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE small ADD COLUMN at timestamptz NOT NULL DEFAULT clock_timestamp();
CREATE INDEX CONCURRENTLY big_a ON big (a);
DO $$ BEGIN EXECUTE lower('SELECT'); END $$;
";

fn file(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("migtime-plan-{}-{name}.sql", std::process::id()));
    std::fs::write(&path, text).expect("the file is written");
    path
}

fn run(arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = migtime(arguments).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is text");
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn the_size_of_the_table_decides_what_is_dangerous() {
    let database = Database::create();
    database.execute(
        "CREATE UNLOGGED TABLE big AS SELECT g AS id, g AS a, repeat('x', 100) AS filling \
         FROM generate_series(1, 700000) g;
         CREATE TABLE small AS SELECT g AS id FROM generate_series(1, 300) g",
    );
    let path = file("sizes", MIGRATION);
    let (stdout, stderr, code) = run(&[
        "plan",
        &path.display().to_string(),
        "--url",
        &database.url(),
        "--format",
        "json",
    ]);
    std::fs::remove_file(&path).expect("the file was there");
    assert_eq!(code, Some(0), "{stderr}");
    published_schemas::check("plan", &stdout);
    let plan: Value = serde_json::from_str(&stdout).expect("the output is JSON");
    assert_eq!((&plan["kind"], &plan["format_version"]), (&"plan".into(), &1.into()));
    assert_eq!(plan["recognised_as"], "plain-sql");
    let statements = plan["statements"].as_array().expect("statements");
    assert_eq!(statements.len(), 4);
    let [big, small, index, block] = &statements[..] else {
        unreachable!()
    };
    assert_eq!(big["step_kind"], "table-rewrite");
    assert_eq!(big["locks"][0]["relation"], "public.big");
    assert_eq!(big["locks"][0]["mode"], "AccessExclusiveLock");
    assert_eq!(big["rewritten"][0], "public.big");
    assert_eq!(big["rollback"], "ALTER TABLE big DROP COLUMN at");
    assert!(
        big["safe_form"]
            .as_str()
            .is_some_and(|form| form.contains("in batches")),
        "{big}"
    );
    let held = |warnings: &Value| warnings.to_string().contains("holds AccessExclusiveLock for about");
    assert!(held(&big["warnings"]), "{big}");
    assert_eq!(small["step_kind"], "table-rewrite");
    assert!(small["safe_form"].is_null() && !held(&small["warnings"]), "{small}");
    assert_eq!(
        (&index["transaction"], &index["line"]),
        (&"forbidden".into(), &3.into())
    );
    assert_eq!(index["rollback"], "DROP INDEX CONCURRENTLY big_a");
    assert_eq!(block["step_kind"], "unclassified");
    assert!(
        block["warnings"].to_string().contains("put together at run time"),
        "{block}"
    );
}

#[test]
fn without_a_database_the_unknown_is_said() {
    let path = file(
        "alone",
        "ALTER TABLE t ALTER COLUMN a TYPE bigint;\nCREATE INDEX i ON t (a);\n",
    );
    let path = path.display().to_string();
    let (stdout, stderr, code) = run(&["plan", &path]);
    assert_eq!(code, Some(0), "{stderr}");
    for expected in [
        "unclassified",
        "unknown: whether the present type of a",
        "reads, writes",
        "CREATE INDEX CONCURRENTLY i",
    ] {
        assert!(stdout.contains(expected), "{expected}: {stdout}");
    }
    assert!(stderr.contains("hint: name the database with --url"), "{stderr}");
    let (markdown, ..) = run(&["plan", &path, "--format", "markdown"]);
    std::fs::remove_file(&path).expect("the file was there");
    assert!(
        markdown.contains("| # | Statement |") && markdown.contains("`CREATE INDEX i ON t (a)`"),
        "{markdown}"
    );
}

#[test]
fn a_backfill_holds_its_locks_for_a_batch() {
    let database = Database::create();
    database.execute(
        "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, customer_id bigint); ANALYZE orders; \
         UPDATE pg_class SET reltuples = 3e8, relpages = 1 WHERE relname = 'orders'; \
         INSERT INTO orders SELECT 1",
    );
    let windows = "UPDATE orders SET customer_id = user_id WHERE id BETWEEN <batch_start> AND <batch_end>";
    let script = format!(
        "{windows};\n-- migtime: batch key=id size=100\nUPDATE orders SET customer_id = user_id;\n\
         UPDATE orders SET customer_id = user_id;\nBEGIN;\n{windows};\nCOMMIT;\n"
    );
    let path = file("batches", &script);
    let arguments = [
        "plan",
        &path.display().to_string(),
        "--url",
        &database.url(),
        "--format",
        "json",
    ];
    let (stdout, stderr, code) = run(&arguments);
    std::fs::remove_file(&path).expect("the file was there");
    assert_eq!(code, Some(0), "{stderr}");
    published_schemas::check("plan", &stdout);
    let plan: Value = serde_json::from_str(&stdout).expect("the output is JSON");
    let kinds: Vec<&str> = plan["statements"]
        .as_array()
        .expect("statements")
        .iter()
        .filter_map(|statement| statement["step_kind"].as_str())
        .collect();
    assert_eq!(
        kinds,
        ["backfill", "backfill", "dml", "catalog-only", "dml", "catalog-only"]
    );
    let says = |place: usize, what: &str| plan["statements"][place].to_string().contains(what);
    for batched in [0, 1] {
        assert!(
            !says(batched, "holds RowExclusiveLock") && !says(batched, "in batches"),
            "{plan}"
        );
    }
    for whole in [2, 4] {
        assert!(says(whole, "holds RowExclusiveLock"), "{plan}");
    }
}
