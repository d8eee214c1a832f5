//! A history in a table: begun where it is missing, shared by several writers, never production's; and both commands
//! that read production learn from it.

use migtime::model::estimate::{Estimate, TargetKind};

use crate::bad_input::{Folder, check_done, check_error, check_refused, finished, run, start};
use crate::support::{self, Database};

const HEADER: &str = "kind,predicted_seconds,actual_seconds\n";

fn rows(database: &Database) -> i64 {
    let counted = database.client().query_one("SELECT count(*) FROM migtime_history", &[]);
    counted.expect("the table").get(0)
}

fn csv(folder: &Folder, name: &str, lines: &str) -> String {
    folder.file(name, format!("{HEADER}{lines}"))
}

#[test]
fn a_table_holds_what_a_file_would() {
    let (folder, database) = (Folder::new(), Database::create());
    let url = database.url();
    check_error(
        &["history", &url],
        2,
        &["there is no history in", "hint: migtime record"],
    );
    let two = csv(&folder, "two.csv", "dml,100,120\nindex-build,10.25,9.1\n");
    check_done(&["record", "--csv", &two, "--history", &url]);
    check_done(&["record", "--csv", &two, "--history", &url]);
    assert_eq!(rows(&database), 2);
    let file = folder.path("history.jsonl");
    check_done(&["record", "--csv", &two, "--history", &file]);
    let (mut shown, mut in_file) = (check_done(&["history", &url]), check_done(&["history", &file]));
    for text in [&mut shown, &mut in_file] {
        // Both were recorded now, but not in the same second.
        *text = text.lines().map(|line| line.get(10..).unwrap_or_default()).collect();
    }
    assert_eq!(shown, in_file);
    let sum = "SELECT sum(actual_seconds)::float8 FROM migtime_history WHERE recorded_at <= now()";
    let sum: f64 = database.client().query_one(sum, &[]).expect("columns for SQL").get(0);
    assert!((sum - 129.1).abs() < 1e-9);

    database.execute("INSERT INTO migtime_history VALUES (now(), 1, 1, '{}')");
    check_error(&["history", &url], 2, &["row 3 of migtime_history is no outcome"]);
}

#[test]
fn several_who_begin_a_table_at_once_lose_nothing() {
    let (folder, database) = (Folder::new(), Database::create());
    let url = database.url();
    let writers: Vec<_> = (1..=6)
        .map(|writer| {
            let csv = csv(
                &folder,
                &format!("{writer}.csv"),
                &format!("dml,100,{writer}\ndml,50,60\n"),
            );
            start(&mut support::migtime(&["record", "--csv", &csv, "--history", &url]))
        })
        .collect();
    for writer in writers {
        let output = finished(writer);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(rows(&database), 7);
}

#[test]
fn production_keeps_no_history() {
    let (folder, database) = (Folder::new(), Database::create());
    let url = database.url();
    let one = csv(&folder, "one.csv", "dml,100,120\n");
    let mut command = support::migtime(&["record", "--csv", &one, "--history", &url]);
    let refused = run(command.env("DATABASE_URL", database.url()));
    check_refused(
        refused,
        3,
        &[
            "the history: ",
            "is the production database",
            "hint: a history is kept in a file",
        ],
    );
    let there = "SELECT to_regclass('migtime_history') IS NOT NULL";
    assert!(
        !database
            .client()
            .query_one(there, &[])
            .expect("an answer")
            .get::<_, bool>(0)
    );
    let nobody = "postgresql://%2Fnowhere/history";
    check_error(&["record", "--csv", &one, "--history", nobody], 3, &["the history: "]);
}

#[test]
fn a_rehearsal_and_an_estimate_for_production_learn_from_it() {
    let (folder, clone) = (Folder::new(), Database::create());
    let (production, shared) = (clone.create_beside(), clone.create_beside());
    for database in [&clone, &production] {
        database.execute("CREATE TABLE orders (id bigint PRIMARY KEY, note int)");
        database.execute("INSERT INTO orders SELECT g, g FROM generate_series(1, 20000) AS g; ANALYZE orders");
    }
    let history = shared.url();
    let one = csv(&folder, "one.csv", "index-build,100,200\n");
    check_done(&["record", "--csv", &one, "--history", &history]);
    let migration = folder.file("index.sql", "CREATE INDEX orders_note ON orders (note);\n");
    let (clone_url, production_url) = (clone.url(), production.url());
    let out = folder.path("reports/index");
    let common = ["--history", &history, "--format", "json"];
    let rehearse = [
        "rehearse",
        &migration,
        "--staging",
        &clone_url,
        "--production",
        &production_url,
        "--output",
        &out,
    ];
    let read = |text: &str| Estimate::from_json(text, "stdout").expect("an estimate");
    let estimate = read(&check_done(&[&rehearse[..], &common].concat()));
    // ln 2 drawn to 0 by the prior's weight of a quarter: 2^0.8.
    let factor = estimate.learned.as_ref().expect("it learned").factor;
    assert!((factor - 2f64.powf(0.8)).abs() < 1e-6, "{factor}");
    assert_eq!(
        estimate.origin.as_ref().map(|origin| origin.target),
        Some(TargetKind::Production)
    );

    let reports = folder.path("reports");
    let ask = [
        "estimate",
        "--migration",
        &migration,
        "--url",
        &production_url,
        "--reports",
        &reports,
    ];
    let again = read(&check_done(&[&ask[..], &common].concat()));
    assert_eq!(again.learned, estimate.learned);
    let without = read(&check_done(&[&ask[..], &["--format", "json", "--no-history"]].concat()));
    assert_eq!(
        without.total.point_seconds,
        again.learned.expect("it learned").on_clone.point_seconds
    );
}
