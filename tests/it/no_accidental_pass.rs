//! What was not measured whole, or is told in a file that cannot be, passes no gate.

use crate::bad_input::{Folder, ORDERS, check_error, check_refused, finished, send, start};
use crate::report_fixture;
use crate::support::{self, Database};
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
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'UPDATE orders%' \
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
