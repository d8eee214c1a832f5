//! Shows that the rollback is really rehearsed: what is restored, what is not, what fails, and that the migration
//! applies again.

use std::path::Path;

use migtime::migration::StepKind;
use migtime::model::estimate::Estimate;
use migtime::observation::{EndReason, RollbackRecord, RollbackVerdict};
use rustix::process::Signal;

use crate::bad_input::{Folder, ORDERS, check_refused, finished, run, send, start};
use crate::published_schemas;
use crate::support::{self, Database, await_condition};

const SCHEMA: &str = "CREATE TABLE \"Order Lines\" \
                      (id bigint PRIMARY KEY, quantity integer NOT NULL, note text, \"Sku\" text); \
                      INSERT INTO \"Order Lines\" SELECT n, n, 'n' || n, 's' FROM generate_series(1, 500) AS n; \
                      CREATE INDEX lines_sku ON \"Order Lines\" (\"Sku\"); CREATE TYPE mood AS ENUM ('sad'); \
                      CREATE VIEW notes AS SELECT note FROM \"Order Lines\"; COMMENT ON VIEW notes IS 'for the boss'; \
                      GRANT SELECT ON notes TO PUBLIC; \
                      CREATE TABLE events (at date, what text) PARTITION BY RANGE (at); \
                      CREATE TABLE events_1 PARTITION OF events DEFAULT; CREATE INDEX events_what ON events (what)";

/// A rehearsal of a migration with its rollback on a copy of a database.
struct Rehearsed {
    database: Database,
    folder: Folder,
    record: RollbackRecord,
    said: String,
}

impl Rehearsed {
    fn estimate(&self) -> Estimate {
        let text = std::fs::read_to_string(self.folder.path("out/estimate.json")).expect("estimate.json");
        published_schemas::check("estimate", &text);
        serde_json::from_str(&text).expect("an estimate")
    }

    fn sentences(&self) -> Vec<String> {
        let differences = self.record.differences.iter().flatten();
        differences.map(|difference| difference.sentence.clone()).collect()
    }
}

/// Rehearses `forward` and `back` completely on a copy of a database with `schema`, and expects this exit code.
fn rehearse(schema: &str, forward: &str, back: &str, options: &[&str], exit_code: i32) -> Rehearsed {
    let database = Database::create();
    database.execute(schema);
    let folder = Folder::new();
    let migration = folder.file("change.up.sql", forward);
    folder.file("change.down.sql", back);
    let (url, out) = (database.url(), folder.path("out"));
    let mut arguments = vec![
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--sandbox",
        "--provisional",
    ];
    arguments.extend(options);
    let output = run(&mut support::migtime(&arguments));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(exit_code), "{said}");
    let record = folder.rehearsal().rollback.expect("the rollback is on record");
    Rehearsed {
        database,
        folder,
        record,
        said,
    }
}

fn check(forward: &str, back: &str, exit_code: i32, verdict: RollbackVerdict, differences: &[&str]) -> Rehearsed {
    let rehearsed = rehearse(SCHEMA, forward, back, &["--full"], exit_code);
    assert_eq!(rehearsed.sentences(), differences, "{}", rehearsed.said);
    assert_eq!(rehearsed.record.verdict(), verdict, "{}", rehearsed.said);
    rehearsed
}

#[test]
fn a_rollback_that_brings_everything_back() {
    let rehearsed = check(
        "ALTER TABLE \"Order Lines\" ADD COLUMN total integer;\n\
         UPDATE \"Order Lines\" SET total = quantity * 2 WHERE id BETWEEN <batch_start> AND <batch_end>;\n\
         CREATE INDEX CONCURRENTLY lines_total ON \"Order Lines\" (total);",
        "DROP INDEX CONCURRENTLY lines_total;\nALTER TABLE \"Order Lines\" DROP COLUMN total;",
        0,
        RollbackVerdict::ComesBack,
        &[],
    );
    let record = &rehearsed.record;
    assert_eq!((record.changes.len(), record.undone()), (2, 2), "{:?}", record.changes);
    assert!(record.irreversible.is_empty() && record.after_part_of.is_empty());
    assert!(
        record
            .steps
            .iter()
            .all(|step| step.complete && step.observations[0].seconds > 0.0)
    );
    let lock = &record.steps[1].locks[0];
    assert_eq!(
        (lock.relation.as_str(), lock.mode.to_string().as_str()),
        ("public.\"Order Lines\"", "AccessExclusiveLock")
    );
    let again = record.reapplied.as_ref().expect("applied again");
    assert_eq!(
        (again.ended.reason, again.differences.as_deref()),
        (EndReason::Complete, Some(&[][..]))
    );

    let estimate = rehearsed
        .estimate()
        .rollback
        .expect("the rollback is part of the estimate");
    assert_eq!(estimate.steps.len(), 2);
    assert!(estimate.total.expect("a duration").point_seconds > 0.0);
    for report in ["out/report.html", "out/report.md"] {
        let text = std::fs::read_to_string(rehearsed.folder.path(report)).expect(report);
        assert!(
            text.contains("brings the schema back as it was") && text.contains("DROP INDEX CONCURRENTLY"),
            "{report}"
        );
    }
    // The database it was copied from is untouched.
    let sql = "SELECT count(*) FROM pg_attribute WHERE attrelid = '\"Order Lines\"'::regclass AND attname = 'total'";
    assert_eq!(
        rehearsed
            .database
            .client()
            .query_one(sql, &[])
            .expect("row")
            .get::<_, i64>(0),
        0
    );
}

#[test]
fn what_is_dropped_comes_back_empty_and_elsewhere() {
    let rehearsed = check(
        "ALTER TABLE \"Order Lines\" DROP COLUMN quantity;",
        "ALTER TABLE \"Order Lines\" ADD COLUMN quantity integer NOT NULL DEFAULT 0;\n\
         ALTER TABLE \"Order Lines\" ALTER COLUMN quantity DROP DEFAULT;",
        0,
        RollbackVerdict::WithLosses,
        &["column public.\"Order Lines\".quantity came back at place 4, was at 2"],
    );
    let lost = &rehearsed.record.irreversible;
    assert_eq!(lost.len(), 1);
    assert!(
        lost[0].line == 1 && lost[0].what.starts_with("the values of \"Order Lines\".quantity"),
        "{lost:?}"
    );
}

#[test]
fn an_enum_keeps_its_value() {
    let stays = "type public.mood: enum value 'glad' was not there before: ALTER TYPE … ADD VALUE cannot be undone";
    let once = check(
        "ALTER TYPE mood ADD VALUE 'glad';",
        "SELECT 1;",
        4,
        RollbackVerdict::NotRepeatable,
        &[stays],
    );
    assert!(
        once.said.contains("does not apply again") && once.said.contains("change.up.sql:1: enum label"),
        "{}",
        once.said
    );
    check(
        "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'glad';",
        "SELECT 1;",
        0,
        RollbackVerdict::WithLosses,
        &[stays],
    );
}

#[test]
fn a_rollback_that_fails_halfway() {
    let forward =
        "ALTER TABLE \"Order Lines\" ADD COLUMN a integer;\nDROP INDEX lines_sku;\nCREATE TABLE extra (id integer);";
    let back = "ALTER TABLE \"Order Lines\" DROP COLUMN a;\n\nCREATE INDEX lines_sku ON \"Order Lines\" (sku);\nDROP \
                TABLE extra;";
    let halfway = check(
        forward,
        back,
        4,
        RollbackVerdict::Failed,
        &[
            "index public.lines_sku is gone",
            "table public.extra was not there before",
        ],
    );
    assert_eq!(halfway.record.undone(), 1);
    for words in [
        "change.down.sql:3: column \"sku\" does not exist (SQLSTATE 42703)",
        "1 of 3 changes were undone; not as before:",
        "  index public.lines_sku is gone",
    ] {
        assert!(halfway.said.contains(words), "{}", halfway.said);
    }
    assert!(halfway.record.reapplied.is_none());
    assert!(halfway.record.steps[0].complete && !halfway.record.steps[1].complete);

    // In one transaction, no part of it remains.
    let whole = check(
        forward,
        &format!("BEGIN;\n{back}\nCOMMIT;"),
        4,
        RollbackVerdict::Failed,
        &[
            "index public.lines_sku is gone",
            "column public.\"Order Lines\".a was not there before",
            "table public.extra was not there before",
        ],
    );
    assert_eq!(whole.record.undone(), 0);
}

#[test]
fn privileges_and_comments_that_a_new_view_has_not() {
    let rehearsed = check(
        "DROP VIEW notes;\nALTER TABLE \"Order Lines\" ALTER COLUMN note TYPE varchar(100);",
        "ALTER TABLE \"Order Lines\" ALTER COLUMN note TYPE text;\nCREATE VIEW notes AS SELECT note FROM \"Order \
         Lines\";",
        1,
        RollbackVerdict::Differs,
        &[
            "view public.notes: comment is gone, was for the boss",
            "view public.notes: privilege SELECT to PUBLIC is gone",
        ],
    );
    assert!(
        rehearsed.said.contains("does not bring the schema back"),
        "{}",
        rehearsed.said
    );
}

#[test]
fn an_index_that_is_left_invalid() {
    check(
        "DROP INDEX events_what;",
        "CREATE INDEX events_what ON ONLY events (what);",
        1,
        RollbackVerdict::Differs,
        &[
            "index public.events_1_what_idx is gone",
            "index public.events_what: validity is INVALID: no query uses it, was not set",
        ],
    );
}

#[test]
fn a_migration_that_does_not_apply_twice() {
    let rehearsed = check(
        "CREATE TABLE IF NOT EXISTS settings (id integer PRIMARY KEY);\nINSERT INTO events VALUES ('2024-01-01', \
         'x');\n\
         ALTER TABLE events ADD CHECK (what <> 'y');",
        "INSERT INTO events VALUES ('2024-01-01', 'y');\nDROP TABLE settings;",
        4,
        RollbackVerdict::Failed,
        &[
            "constraint events_what_check on public.events was not there before",
            "table public.settings was not there before",
        ],
    );
    assert!(
        rehearsed.said.contains("change.down.sql:1: new row for relation"),
        "{}",
        rehearsed.said
    );
    let rehearsed = check(
        "INSERT INTO \"Order Lines\" VALUES (1000, 1, '', '');",
        "SELECT count(*) FROM \"Order Lines\";",
        4,
        RollbackVerdict::NotRepeatable,
        &[],
    );
    assert!(
        rehearsed.said.contains("change.up.sql:1: duplicate key value"),
        "{}",
        rehearsed.said
    );
}

#[test]
fn the_rollback_of_a_part_says_so_and_is_scaled() {
    let rehearsed = rehearse(
        ORDERS,
        "UPDATE orders SET customer_id = user_id WHERE id BETWEEN <batch_start> AND <batch_end>;",
        "UPDATE orders SET customer_id = NULL WHERE customer_id IS NOT NULL;",
        &["--batch-size", "10", "--fraction", "50%"],
        0,
    );
    assert_eq!(rehearsed.record.after_part_of, [1]);
    assert_eq!(rehearsed.record.steps[0].kind, StepKind::Dml);
    let (met, estimate) = (rehearsed.record.steps[0].observations[0].rows, rehearsed.estimate());
    let back = estimate.rollback.expect("a rollback");
    let rows = back.steps[0].rows.expect("rows");
    assert!((1000..=3000).contains(&met), "{met} rows");
    assert!(
        (rows / 4000.0 - 1.0).abs() < 0.2,
        "the rollback of all meets {rows} rows, not {met}"
    );
    assert!(
        back.assumptions[0].contains("of the rows of step 1 had been changed"),
        "{:?}",
        back.assumptions
    );
}

#[test]
fn the_pair_is_found_named_or_left_out() {
    let database = Database::create();
    database.execute(SCHEMA);
    let folder = Folder::new();
    let migration = folder.file("a.up.sql", "CREATE TABLE extra (id integer);");
    folder.file("a.down.sql", "DROP TABLE extra;");
    let other = folder.file("other.sql", "DROP TABLE IF EXISTS extra;");
    let check = |options: &[&str], file: Option<&str>| {
        let (url, out) = (database.url(), folder.path("out"));
        let mut arguments = vec!["rehearse", &migration, "--staging", &url, "--output", &out, "--sandbox"];
        arguments.extend(options);
        let output = run(&mut support::migtime(&arguments));
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let found = folder.rehearsal().rollback.map(|record| record.file);
        assert_eq!(found.is_some(), file.is_some());
        assert!(found.unwrap_or_default().ends_with(file.unwrap_or_default()));
    };
    check(&[], Some("a.down.sql"));
    check(&["--rollback", &other], Some("other.sql"));
    check(&["--no-rollback"], None);
}

#[test]
fn a_rollback_that_is_no_sql_is_refused_before_anything_runs() {
    let database = Database::create();
    let folder = Folder::new();
    let migration = folder.file("a.up.sql", "CREATE TABLE extra (id integer);");
    folder.file("a.down.sql", "SELECT 1;\nDORP TABLE extra;");
    let (url, out) = (database.url(), folder.path("out"));
    let arguments = ["rehearse", &migration, "--staging", &url, "--output", &out];
    check_refused(
        run(&mut support::migtime(&arguments)),
        2,
        &["a.down.sql:2:1: expected command, found DORP"],
    );
    assert!(!Path::new(&folder.path("out")).exists());
}

#[test]
fn an_interrupt_of_the_rollback() {
    let database = Database::create();
    database.execute(SCHEMA);
    let folder = Folder::new();
    let migration = folder.file("a.up.sql", "CREATE TABLE extra (id integer);");
    folder.file("a.down.sql", "SELECT pg_sleep(600);\nDROP TABLE extra;");
    let (url, out) = (database.url(), folder.path("out"));
    let arguments = ["rehearse", &migration, "--staging", &url, "--output", &out];
    let child = start(&mut support::migtime(&arguments));
    let mut client = database.client();
    await_condition("the rollback runs", || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
                   AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()";
        client.query_one(sql, &[]).expect("row").get::<_, i64>(0) > 0
    });
    send(&child, Signal::INT);
    let output = finished(child);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(5), "{said}");
    let record = folder.rehearsal().rollback.expect("it is on record");
    assert_eq!(record.verdict(), RollbackVerdict::Unfinished);
    assert_eq!(record.ended.expect("it ended").reason, EndReason::Interrupted);
    assert!(record.reapplied.is_none());
}
