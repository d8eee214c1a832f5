//! Migrations of each tool on a real server: they run in the tool's transactions, so CONCURRENTLY works exactly where
//! it works with the tool.

use migtime::migration::StepKind;
use migtime::observation::EndReason;

use crate::bad_input::{Folder, check_done, check_error};
use crate::support::Database;

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, a int)";
const INDEX: &str = "CREATE INDEX CONCURRENTLY t_a ON t (a);";

/// Writes files into a folder `m`; `INDEX` in a text stands for the statement.
fn history(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new();
    for (path, text) in files {
        let path = format!("m/{path}");
        let directory = folder.path(path.rsplit_once('/').expect("a directory").0);
        std::fs::create_dir_all(directory).expect("a directory");
        folder.file(&path, text.replace("INDEX", INDEX));
    }
    folder
}

fn arguments<'a>(migrations: &'a str, url: &'a str, out: &'a str) -> Vec<&'a str> {
    vec![
        "rehearse",
        migrations,
        "--staging",
        url,
        "--output",
        out,
        "--provisional",
    ]
}

fn rehearse(files: &[(&str, &str)], options: &[&str], expected: Result<&[&str], (i32, &[&str])>) -> (Database, Folder) {
    let database = Database::create();
    database.execute(TABLE);
    let folder = history(files);
    let (migrations, url, out) = (folder.path("m"), database.url(), folder.path("out"));
    let mut arguments = arguments(&migrations, &url, &out);
    arguments.extend(options);
    match expected {
        Ok(words) => {
            let printed = check_done(&arguments);
            for word in words {
                assert!(printed.contains(word), "{word}: {printed}");
            }
        }
        Err((exit_code, words)) => {
            check_error(&arguments, exit_code, words);
        }
    }
    (database, folder)
}

fn has_index(database: &Database) -> bool {
    let sql = "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('t_a') AND indisvalid";
    database.client().query_one(sql, &[]).expect("row").get::<_, i64>(0) == 1
}

/// Checks that the tool runs the statement outside transactions.
fn check_works(files: &[(&str, &str)]) {
    let (database, folder) = rehearse(files, &[], Ok(&[]));
    assert!(has_index(&database), "{files:?}");
    folder.check_saved(EndReason::Complete, 1);
}

/// Checks that the tool runs the statement in a transaction, where the server refuses it; `hint` says how to avoid that
/// with the tool.
fn check_refused(files: &[(&str, &str)], hint: &str) {
    let refusal = "CREATE INDEX CONCURRENTLY cannot run inside a transaction block (SQLSTATE 25001)";
    let (database, _) = rehearse(files, &[], Err((4, &[refusal, "hint: ", hint])));
    assert!(!has_index(&database), "{files:?}");
}

#[test]
fn tools_that_send_a_file_whole() {
    check_works(&[("1_a.up.sql", "INDEX")]);
    check_refused(&[("1_a.up.sql", "SELECT 1;\nINDEX")], "x-multi-statement=true");
    check_refused(
        &[("1_a.up.sql", "BEGIN;SELECT 1;COMMIT;\nINDEX")],
        "golang-migrate sends it together",
    );
    check_works(&[("20240101_a/migration.sql", "SELECT 1;\nINDEX")]);
    check_works(&[("1_a.sql", "-- migrate:up transaction:false\nINDEX")]);
    check_refused(
        &[("1_a.sql", "-- migrate:up transaction:false\nSELECT 1;INDEX")],
        "section of its own",
    );
    let graphile = "--! Previous: -\n--! Hash: sha1:1\n\n";
    check_works(&[("committed/000001.sql", &format!("{graphile}--! no-transaction\nINDEX"))]);
}

#[test]
fn tools_that_open_a_transaction() {
    check_refused(&[("1_a.sql", "-- +goose Up\nINDEX")], "-- +goose NO TRANSACTION");
    check_refused(&[("1_a.sql", "-- migrate:up\nINDEX")], "transaction:false");
    check_refused(&[("1_a.sql", "-- +migrate Up\nINDEX")], "notransaction");
    check_refused(
        &[("001_a.sql", "INDEX\n---- create above / drop below ----\nSELECT 1;")],
        "disable-tx",
    );
    check_refused(
        &[("1700000000000_a.sql", "-- Up Migration\nINDEX")],
        "all pending migrations",
    );
    check_refused(
        &[("2024_a/up.sql", "INDEX"), ("2024_a/down.sql", "SELECT 1")],
        "metadata.toml",
    );
    check_refused(
        &[("20240101_a.sql", "INDEX"), ("atlas.sum", "h1:")],
        "atlas:txmode none",
    );
    check_refused(
        &[("a.sql", "--liquibase formatted sql\n--changeset a:1\nINDEX")],
        "runInTransaction:false",
    );
    check_refused(
        &[("0000_a.sql", "SELECT 1;--> statement-breakpoint\nINDEX")],
        "run the statement by hand",
    );
    check_refused(&[("U1__a.sql", "SELECT 1;"), ("V2__b.sql", "INDEX")], "refinery");
    check_refused(
        &[("1_a.sql", "-- no-transaction\nSELECT 1;"), ("2_b.sql", "INDEX")],
        "starts with -- no-transaction",
    );
}

#[test]
fn what_lets_a_statement_out_of_the_transaction() {
    check_works(&[("1_a.sql", "SELECT 1;\nINDEX")]);
    check_works(&[("V1__a.sql", "INDEX")]);
    check_works(&[("1_a.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\nINDEX")]);
    check_works(&[("1_a.sql", "-- +migrate Up notransaction\nSELECT 1;\nINDEX")]);
    check_works(&[("001_a.sql", "---- tern: disable-tx ----\nSELECT 1;\nINDEX")]);
    check_works(&[
        ("2024_a/up.sql", "INDEX"),
        ("2024_a/metadata.toml", "run_in_transaction = false"),
    ]);
    check_works(&[("1_a.sql", "-- no-transaction\nINDEX")]);
    check_works(&[
        ("20240101_a.sql", "-- atlas:txmode none\n\nSELECT 1;\nINDEX"),
        ("atlas.sum", "h1:"),
    ]);
    check_works(&[(
        "a.sql",
        "--liquibase formatted sql\n--changeset a:1 runInTransaction:false\nSELECT 1;\nINDEX",
    )]);
    // goose sends two statements on one line as one message.
    check_refused(
        &[("1_a.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1; INDEX\n")],
        "line break behind each ;",
    );
}

#[test]
fn what_fails_in_the_transaction_of_a_tool_is_undone_with_it() {
    let count = |database: &Database| -> i64 {
        let sql = "SELECT count(*) FROM pg_class WHERE relname IN ('one', 'two')";
        database.client().query_one(sql, &[]).expect("row").get(0)
    };
    let failing = "CREATE TABLE two ();\nSELECT 1/0;";
    let words = ["step 3 at ", "2_b.sql:3: division by zero"];
    let (database, folder) = rehearse(
        &[
            ("1_a.sql", "-- +goose Up\nCREATE TABLE one ();\n"),
            ("2_b.sql", &format!("-- +goose Up\n{failing}\n")),
        ],
        &[],
        Err((4, &words)),
    );
    assert_eq!(count(&database), 1, "the file before it stays");
    let steps = folder.rehearsal().steps;
    assert!(steps.iter().all(|step| step.file.is_some()));

    let (database, _) = rehearse(
        &[
            ("1_a.sql", "-- Up Migration\nCREATE TABLE one ();\n"),
            ("2_b.sql", failing),
        ],
        &[],
        Err((4, &["division by zero"])),
    );
    assert_eq!(count(&database), 0, "all that is pending is one transaction");
}

#[test]
fn bad_input_of_tools() {
    let check = |files: &[(&str, &str)], exit_code, words: &[&str]| {
        rehearse(files, &[], Err((exit_code, words)));
    };
    check(
        &[("V1__a.sql", "SET lock_timeout = 0;\nINDEX")],
        2,
        &[
            "V1__a.sql:2: Flyway refuses a file that mixes",
            "hint: put it into a file of its own",
        ],
    );
    check(
        &[("1_a.sql", "-- +goose Up\n\\set x 1\n")],
        2,
        &["1_a.sql:2:1: \\set is a command of psql, not SQL"],
    );
    check(
        &[("1_a.sql", "-- +goose Up\n\\i other.sql\n;\n")],
        2,
        &["1_a.sql:2: \\i and \\ir are commands of psql, which goose does not know"],
    );
    check(
        &[("20240101_a.rb", "class A; end")],
        2,
        &["is a program in Ruby", "hint: run the tool itself: --exec"],
    );
    check(
        &[("1_a.sql", "-- migrate:up\nCREATE EXTENSION no_such_extension;")],
        4,
        &["step 1 at line 2: ", "no_such_extension", "hint: "],
    );
    check(
        &[("1_a.sql", "-- migrate:up\nSELECT ${name};\n")],
        2,
        &["1_a.sql:2:", "hint: placeholders of a migration tool"],
    );
}

#[test]
fn included_files_are_followed_in_a_directory_of_plain_sql() {
    let files = [("1_a.sql", "\\ir parts/index.sql\n"), ("parts/index.sql", "INDEX")];
    check_works(&files);
}

#[test]
fn what_cannot_be_classified_is_rehearsed_all_the_same() {
    let block = "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN\n  EXECUTE lower('create index t_a on t (a)');\n\
                 END $$;\n-- +goose StatementEnd\n";
    let (database, folder) = rehearse(&[("1_a.sql", block)], &[], Ok(&[]));
    assert!(has_index(&database));
    let step = &folder.rehearsal().steps[0];
    assert_eq!((step.kind, step.complete, step.line), (StepKind::Unclassified, true, 3));
    assert!(
        step.locks.iter().any(|lock| lock.relation == "public.t"),
        "{:?}",
        step.locks
    );
}

#[test]
fn the_rollback_is_that_of_the_tool() {
    let files = [(
        "1_a.sql",
        "-- +goose Up\nALTER TABLE t ADD COLUMN x int;\n-- +goose Down\nALTER TABLE t DROP COLUMN x;\n",
    )];
    let (_, folder) = rehearse(&files, &["--sandbox"], Ok(&[]));
    let rollback = folder.rehearsal().rollback.expect("the rollback was rehearsed");
    assert_eq!(rollback.steps.len(), 1);
    assert_eq!(rollback.steps[0].line, 4);
}

#[test]
fn the_last_of_a_long_history_are_rehearsed_behind_the_others() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path("m")).expect("a directory");
    for number in 1..=300 {
        let reference = match number {
            1 => String::new(),
            _ => format!(
                "ALTER TABLE t{number} ADD FOREIGN KEY (id) REFERENCES t{};\n",
                number - 1
            ),
        };
        folder.file(
            // By name, 10 comes before 9.
            &format!("m/{number}_t.sql"),
            format!(
                "-- +goose Up\nCREATE TABLE t{number} (id int PRIMARY KEY);\n{reference}\n-- +goose Down\nDROP \
                     TABLE t{number};\n"
            ),
        );
    }
    let (migrations, out) = (folder.path("m"), folder.path("out"));
    let last = ["rehearse", &migrations, "--from", "299", "--scratch"];
    let scratch = [&last[..], &["--output", &out, "--provisional"]].concat();
    check_done(&scratch);
    let rehearsal = folder.rehearsal();
    let statements: Vec<&str> = rehearsal.steps.iter().map(|step| step.statement.as_str()).collect();
    assert_eq!(
        statements,
        [
            "CREATE TABLE t299 (id int PRIMARY KEY)",
            "ALTER TABLE t299 ADD FOREIGN KEY (id) REFERENCES t298",
            "CREATE TABLE t300 (id int PRIMARY KEY)",
            "ALTER TABLE t300 ADD FOREIGN KEY (id) REFERENCES t299",
        ]
    );
    assert!(rehearsal.steps.iter().all(|step| step.complete) && rehearsal.throwaway);
    assert!(rehearsal.migration.ends_with(" --from 299"), "{}", rehearsal.migration);

    check_error(
        &["plan", &migrations, "--only", "301"],
        2,
        &["there is no migration 301", "hint: name it by its version"],
    );
    let plan = check_done(&["plan", &migrations, "--only", "7,9", "--format", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("JSON");
    assert_eq!(
        (&plan["recognised_as"], plan["statements"].as_array().map(Vec::len)),
        (&"goose".into(), Some(4))
    );

    std::fs::write(folder.path("m/150_t.sql"), "-- +goose Up\nSELECT 1;\nSELECT 1/0;\n").expect("written");
    check_error(&scratch, 4, &["150_t.sql:3: division by zero"]);
}
