//! A rehearsal that is incomplete, or reported in a file that cannot be complete, passes no gate.

use crate::bad_input::{Folder, ORDERS, check_error, check_refused, finished, run, send, start};
use crate::report_fixture;
use crate::support::{self, Database};
use migtime::observation::{EndReason, Ending, RollbackVerdict};
use rustix::process::Signal;

#[test]
fn an_interrupted_command_promises_nothing() {
    let database = Database::create();
    database.execute(ORDERS);
    let (folder, url) = (Folder::new(), database.url());
    let out = folder.path("out");
    let command = "psql -X -c 'UPDATE orders SET customer_id = 2 WHERE pg_sleep(100) IS NOT NULL'";
    let child = start(&mut support::migtime(&[
        "rehearse",
        "--exec",
        command,
        "--staging",
        &url,
        "--output",
        &out,
        "--budget",
        "1h",
    ]));
    let mut client = database.client();
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
               AND query LIKE 'UPDATE orders%' \
               AND clock_timestamp() - query_start > interval '2 seconds')";
    support::await_condition("the command runs", || client.query_one(sql, &[]).expect("row").get(0));
    drop(client);
    send(&child, Signal::INT);
    check_refused(finished(child), 5, &[]);
    assert!(folder.rehearsal().steps.iter().any(|step| !step.complete));
}

#[test]
fn a_rehearsal_with_a_step_twice_is_refused() {
    let folder = Folder::new();
    let mut rehearsal = report_fixture::rehearsal();
    let again = rehearsal.steps[0].clone();
    rehearsal.steps.push(again);
    let file = folder.file("twice.json", rehearsal.to_json());
    let out = folder.path("out");
    check_error(
        &["report", &file, "--output", &out],
        2,
        &["twice.json: steps[", "is there twice"],
    );
}

#[test]
fn a_log_of_more_rows_than_there_are_is_refused() {
    let folder = Folder::new();
    let log = folder.file("log.csv", "rows,seconds\n600,0.1\n600,0.1\n");
    check_error(
        &["estimate", "--batches", &log, "--rows", "1000"],
        2,
        &["holds 1200 rows, more than the 1000", "hint: --rows"],
    );
}

#[test]
fn all_statements_that_ran_when_a_command_was_interrupted_are_incomplete() {
    let database = Database::create();
    database.execute(ORDERS);
    let (folder, url) = (Folder::new(), database.url());
    let out = folder.path("out");
    let update = |id: u32| {
        format!("psql -X -c 'UPDATE orders SET customer_id = 2 WHERE id = {id} AND pg_sleep(100) IS NOT NULL'")
    };
    let command = format!(
        "psql -X -c 'CREATE INDEX done ON orders (user_id)'; {} & {}; wait",
        update(1),
        update(2)
    );
    let child = start(&mut support::migtime(&[
        "rehearse",
        "--exec",
        &command,
        "--staging",
        &url,
        "--output",
        &out,
    ]));
    let mut client = database.client();
    let sql = "SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() \
               AND query LIKE 'UPDATE orders%' \
               AND clock_timestamp() - query_start > interval '1 second'";
    support::await_condition("both statements run", || {
        client.query_one(sql, &[]).expect("row").get(0)
    });
    drop(client);
    send(&child, Signal::INT);
    check_refused(finished(child), 5, &["did not run to its end"]);
    for step in folder.rehearsal().steps {
        let cut_off = step.statement.starts_with("UPDATE");
        assert_eq!(step.complete, !cut_off, "{}", step.statement);
    }
}

#[test]
fn a_rollback_that_was_never_come_to_is_not_passed() {
    let database = Database::create();
    database.execute(ORDERS);
    let (folder, url) = (Folder::new(), database.url());
    let migration = folder.file(
        "a.up.sql",
        "ALTER TABLE orders ADD COLUMN note text;\nSELECT pg_sleep(602);",
    );
    folder.file("a.down.sql", "ALTER TABLE orders DROP COLUMN note;");
    let out = folder.path("out");
    let arguments = [
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--provisional",
    ];
    let child = start(&mut support::migtime(&arguments));
    let mut client = database.client();
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(602)%' \
               AND state = 'active' \
               AND pid <> pg_backend_pid())";
    support::await_condition("the migration runs", || client.query_one(sql, &[]).expect("row").get(0));
    send(&child, Signal::INT);
    let words = [
        "a.down.sql was not rehearsed to its end: it was interrupted",
        "hint: rehearse again",
    ];
    check_refused(finished(child), 5, &words);
    let rollback = folder.rehearsal().rollback.expect("it is on record");
    assert_eq!(rollback.verdict(), RollbackVerdict::Unfinished);
    let file = folder.path("out/rehearsal.json");
    let output = check_error(&["report", &file, "--provisional", "--format", "junit"], 5, &words);
    let junit = String::from_utf8_lossy(&output.stdout);
    assert!(
        junit.contains("was not rehearsed to its end\" type=\"CannotBeJudged\""),
        "{junit}"
    );
}

#[test]
fn a_rehearsal_that_failed_or_was_lost_promises_nothing_later_either() {
    for (reason, code) in [(EndReason::Failed, 4), (EndReason::ConnectionLost, 0)] {
        let folder = Folder::new();
        let mut rehearsal = report_fixture::rehearsal();
        // Every statement ran; what failed was the commit.
        rehearsal.ended = Some(Ending {
            reason,
            message: "a deferred constraint is violated".to_string(),
        });
        let (file, out) = (folder.file("broken.json", rehearsal.to_json()), folder.path("out"));
        let words = ["the rehearsal did not come to its end: a deferred constraint is violated"];
        check_error(&["report", &file, "--output", &out, "--budget", "1000h"], 5, &words);
        let shown = run(&mut support::migtime(&[
            "report",
            &file,
            "--output",
            &out,
            "--provisional",
        ]));
        assert_eq!(
            shown.status.code(),
            Some(code),
            "{}",
            String::from_utf8_lossy(&shown.stderr)
        );
    }
}
