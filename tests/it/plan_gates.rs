//! `migtime plan --deny`: the estimated hold time, from the statement to the COMMIT, decides; nothing passes without
//! being checked.

use serde_json::Value;

use crate::support::{Database, migtime};

/// The program's output and exit status.
struct Ran {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

fn plan(sql: &str, more: &[&str]) -> Ran {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("0042.sql");
    std::fs::write(&path, sql).expect("the file is written");
    let mut arguments = vec!["plan", path.to_str().expect("a path")];
    arguments.extend(more);
    let output = migtime(&arguments).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is text");
    Ran {
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        code: output.status.code(),
    }
}

/// Creates a table whose rewrite takes seconds by rule of thumb, a table whose rewrite takes no time, and an
/// independent view.
fn shop() -> Database {
    let database = Database::create();
    database.execute(
        "CREATE UNLOGGED TABLE big AS SELECT g AS id, g AS a, repeat('x', 100) AS filling \
         FROM generate_series(1, 700000) g;
         CREATE TABLE small AS SELECT g AS id, g AS a FROM generate_series(1, 300) g",
    );
    database
}

const REWRITE: &str = "ADD COLUMN at timestamptz NOT NULL DEFAULT clock_timestamp();";

#[test]
fn the_same_statement_passes_on_a_small_table_and_not_on_a_big_one() {
    let database = shop();
    let url = database.url();
    let gate = ["--url", &url, "--deny", "access-exclusive>2s"];
    let small = plan(&format!("ALTER TABLE small {REWRITE}"), &gate);
    assert_eq!(small.code, Some(0), "{}", small.stderr);
    let big = plan(&format!("SELECT 1;\nALTER TABLE big {REWRITE}"), &gate);
    assert_eq!(big.code, Some(1), "{}", big.stderr);
    let lines: Vec<&str> = big.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{}", big.stderr);
    assert!(
        lines[0].contains("/0042.sql:2: AccessExclusiveLock on public.big may be held for up to ")
            && lines[0].ends_with("rule-of-thumb), denied by --deny \"access-exclusive>2s\""),
        "{}",
        big.stderr
    );
    assert_eq!(lines[1], "error: a gate said no to 1 statement");
    assert!(
        big.stdout.contains("AccessExclusiveLock"),
        "the plan is shown all the same"
    );
}

#[test]
fn rows_picked_by_their_key_are_not_the_whole_table() {
    let database = shop();
    database.execute("ALTER TABLE big ADD PRIMARY KEY (id)");
    let url = database.url();
    let gate = ["--url", &url, "--deny", "row-exclusive>2s"];
    for (sql, code) in [
        ("UPDATE big SET a = 0 WHERE id IN (1, 2);", 0),
        ("DELETE FROM big AS b WHERE b.id = 7 AND b.a > 0;", 0),
        ("UPDATE big SET a = 0 WHERE id > 7;", 1),
        (
            "WITH gone AS (DELETE FROM big WHERE id = 7 RETURNING a) UPDATE big SET a = 0;",
            1,
        ),
    ] {
        let planned = plan(sql, &gate);
        assert_eq!(planned.code, Some(code), "{sql}: {}", planned.stderr);
    }
}

#[test]
fn in_a_block_the_later_statements_count() {
    let database = shop();
    let url = database.url();
    let gate = ["--url", &url, "--deny", "access-exclusive>2s"];
    let quick = "ALTER TABLE small ADD COLUMN x int;";
    let slow = "UPDATE big SET a = a + 1;";
    let apart = plan(&format!("{quick}\n{slow}"), &gate);
    assert_eq!(apart.code, Some(0), "{}", apart.stderr);
    let together = plan(&format!("BEGIN;\n{quick}\n{slow}\nCOMMIT;"), &gate);
    assert_eq!(together.code, Some(1), "{}", together.stderr);
    assert!(
        together
            .stderr
            .contains("0042.sql:2: AccessExclusiveLock on public.small"),
        "{}",
        together.stderr
    );
    let last = plan(&format!("BEGIN;\n{slow}\n{quick}\nCOMMIT;"), &gate);
    assert_eq!(last.code, Some(0), "{}", last.stderr);
}

#[test]
fn kinds_of_work_and_weaker_modes_are_gates_too() {
    let database = shop();
    let url = database.url();
    let check = |sql: &str, gate: &str, code: i32| {
        let ran = plan(sql, &["--url", &url, "--deny", gate]);
        assert_eq!(ran.code, Some(code), "{gate}: {}", ran.stderr);
    };
    check("CREATE INDEX i ON big (a)", "share>2s", 1);
    check("CREATE INDEX i ON big (a)", "access-exclusive>2s", 0);
    check("CREATE INDEX CONCURRENTLY i ON big (a)", "share>2s", 0);
    check("CREATE INDEX CONCURRENTLY i ON big (a)", "index-build>2s", 1);
    check("ALTER TABLE small ALTER COLUMN a SET NOT NULL", "scan", 1);
    check("ALTER TABLE small ALTER COLUMN a SET NOT NULL", "scan>10s", 0);
    check(&format!("ALTER TABLE small {REWRITE}"), "rewrite>2s", 0);
    check("INSERT INTO big VALUES (1, 2, 'x'), (2, 3, 'y')", "row-exclusive>2s", 0);
    check("INSERT INTO big SELECT * FROM big", "row-exclusive>2s", 1);
}

#[test]
fn what_the_migration_makes_itself_keeps_nobody_waiting() {
    let database = shop();
    let url = database.url();
    let gate = ["--url", &url, "--deny", "share>2s"];
    let fresh = "BEGIN; CREATE TABLE made (id int); CREATE INDEX ON made (id); ALTER TABLE made ADD COLUMN x int;
                 UPDATE big SET a = 1; COMMIT;";
    let ran = plan(fresh, &gate);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let renamed = "ALTER TABLE big RENAME TO huge;\nCREATE INDEX ON huge (a);";
    let ran = plan(renamed, &gate);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("0042.sql:2: ShareLock on public.huge"),
        "{}",
        ran.stderr
    );
}

#[test]
fn nothing_passes_unjudged() {
    let database = shop();
    let url = database.url();
    let ran = plan(
        "DO $$ BEGIN EXECUTE lower('SELECT'); END $$",
        &["--url", &url, "--deny", "access-exclusive>1h"],
    );
    assert_eq!(ran.code, Some(5), "{}", ran.stderr);
    assert!(ran.stderr.contains("what it does is not known"), "{}", ran.stderr);
    let blind = plan(
        "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
        &["--deny", "access-exclusive>1h"],
    );
    assert_eq!(blind.code, Some(5), "{}", blind.stderr);
    assert!(
        blind.stderr.contains("hint: name the database with --url"),
        "{}",
        blind.stderr
    );
    let catalog_only = plan("ALTER TABLE t ADD COLUMN x int", &["--deny", "access-exclusive>1s"]);
    assert_eq!(catalog_only.code, Some(0), "{}", catalog_only.stderr);
}

#[test]
fn a_wrong_gate_is_refused_with_the_nearest_right_one() {
    let ran = plan("SELECT 1", &["--deny", "acess-exclusive>1s"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("did you mean access-exclusive?"), "{}", ran.stderr);
}

#[test]
fn findings_are_printed_for_machines() {
    let database = shop();
    let url = database.url();
    let sql = format!("ALTER TABLE big {REWRITE}\nSET statement_timeout = '5s';");
    let gates = ["--url", &url, "--deny", "access-exclusive>2s"];
    let run = |format: &str| {
        let mut more = gates.to_vec();
        more.extend(["--format", format]);
        let ran = plan(&sql, &more);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        ran.stdout
    };
    let sarif: Value = serde_json::from_str(&run("sarif")).expect("JSON");
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let ids: Vec<&str> = results.iter().filter_map(|result| result["ruleId"].as_str()).collect();
    assert_eq!(ids, ["MT120", "MT001", "MT107"]);
    let region = |place: usize| &results[place]["locations"][0]["physicalLocation"]["region"]["startLine"];
    assert_eq!((region(0), region(1), region(2)), (&1.into(), &1.into(), &2.into()));
    assert!(run("github").starts_with("::error file="));
    let junit = run("junit");
    let report = junit_parser::from_reader(junit.as_bytes()).expect("JUnit");
    assert_eq!((report.tests, report.failures), (3, 1));
    assert!(run("gitlab").contains("\"MT001 LockHeldTooLong\""));
    assert!(run("openmetrics").ends_with("# EOF\n"));
    let json: Value = serde_json::from_str(&run("json")).expect("JSON");
    let held = &json["statements"][0]["locks"][0]["held"];
    assert!(
        held["upper_seconds"].as_f64().is_some_and(|upper| upper > 2.0),
        "{json}"
    );
    assert_eq!(held["basis"], "rule-of-thumb");
}
