//! What a rehearsal can resume besides batches, and where it refuses to: statements, blocks, copies, clones that have
//! changed.

use migtime::observation::{EndReason, UnderWay};
use rustix::process::Signal;

use crate::bad_input::{Folder, check_error, check_refused, finished, run, send, start};
use crate::cut_off_fixture::{ALL_ONCE, BY_RANGE, Held, WALKED, When, check_done, command, holds, walked};
use crate::support::{self, Database, await_condition};

#[test]
fn a_copy_that_was_left_behind_is_gone_on_with_and_dropped() {
    let database = Database::create_alone();
    database.execute(
        &WALKED
            .replace("KEY PRIMARY", "bigint PRIMARY")
            .replace("id KEY", "id bigint")
            .replace("FROM_NUMBER", "n"),
    );
    // This also holds in the copy, where a lock on the original has no effect.
    let slowly = "CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS \
                  $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$";
    database.execute(slowly);
    let folder = Folder::new();
    let migration = folder.file("m.sql", BY_RANGE);
    let options = ["--sandbox", "--full", "--batch-size", "50"];
    let (url, out) = (database.url(), folder.path("out"));
    let fixed = [
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--provisional",
    ];
    let arguments: Vec<&str> = fixed.iter().copied().chain(options).collect();
    let mut child = start(&mut support::migtime(&arguments));
    // An open session on the original would prevent copying it.
    let mut client = database.parameters_of("postgres").connect().expect("a session");
    let sleeps = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname LIKE \
                  'migtime_sandbox_%')";
    await_condition("a batch sleeps", || client.query_one(sleeps, &[]).expect("row").get(0));
    child.kill().expect("kill -9");
    child.wait().expect("dead");
    let arguments: Vec<&str> = fixed.iter().copied().chain(["--resume"]).collect();
    // A small mistake must not cost hours of measurements.
    folder.file(
        "m.sql",
        "UPDATE walked SET done = 7 WHERE id BETWEEN <batch_start> AND <batch_end>;",
    );
    check_error(&arguments, 2, &["is not what was being rehearsed"]);
    folder.file("m.sql", BY_RANGE);
    check_done(&run(&mut support::migtime(&arguments)));
    folder.check_saved(EndReason::Complete, 7);
    let rows: u64 = folder.rehearsal().steps[0]
        .observations
        .iter()
        .map(|batch| batch.rows)
        .sum();
    assert!(rows == 400 || rows == 350, "{rows} rows");
    holds(
        &database,
        "SELECT count(*) = 0 FROM pg_database WHERE datname LIKE 'migtime_sandbox_%'",
    );
    holds(&database, "SELECT max(done) = 0 FROM walked");
    // Nothing is left to resume.
    check_error(&arguments, 2, &["there is no rehearsal to go on with", "hint: "]);
}

#[test]
fn a_server_that_crashed_lost_no_batch() {
    let database = Database::create_alone();
    database.execute(
        &WALKED
            .replace("KEY PRIMARY", "bigint PRIMARY")
            .replace("id KEY", "id bigint")
            .replace("FROM_NUMBER", "n"),
    );
    database.execute("CHECKPOINT");
    let writer = support::hold_back_commits(&database);
    let mut held = Held::begin(database, BY_RANGE, &["--full", "--batch-size", "20"]);
    let before = held.acknowledged();
    assert!(before.len() >= 9, "{before:?}");
    support::crash(&held.database, &mut held.holder, writer);
    held.holder = held.database.client();
    let child = std::mem::replace(&mut held.child, start(&mut support::migtime(&["--version"])));
    check_refused(finished(child), 3, &["connection was lost", "--resume"]);
    let left = "SELECT count(*) FROM walked WHERE done = 1";
    let kept: i64 = held.database.client().query_one(left, &[]).expect("row").get(0);
    let acknowledged = i64::try_from(20 * before.len()).expect("rows");
    assert!(kept < acknowledged, "{kept} rows of {acknowledged}: nothing was lost");
    check_done(&run(&mut command(
        &held.database,
        &held.folder,
        &held.migration,
        &["--resume"],
    )));
    holds(&held.database, ALL_ONCE);
    let rehearsal = held.folder.rehearsal();
    let rows: u64 = rehearsal.steps[0].observations.iter().map(|batch| batch.rows).sum();
    assert_eq!(rows, 400);
    assert_eq!(rehearsal.resumptions[0].under_way, UnderWay::NotCommitted);
}

#[test]
fn a_clone_that_was_set_back_is_refused() {
    let mut held = Held::begin(walked("bigint", "n"), BY_RANGE, &["--full", "--batch-size", "50"]);
    held.cut_off(When::BeforeItsCommit, "");
    held.release();
    let log = held.folder.path("out/rehearsal.resume");
    let text = std::fs::read_to_string(&log).expect("the log");
    let next: i64 = held
        .database
        .client()
        .query_one("SELECT pg_current_xact_id()::text::bigint", &[])
        .expect("row")
        .get(0);
    let last = *held.acknowledged().last().expect("batches");
    let check = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}: {text}");
        std::fs::write(&log, text.replace(from, to)).expect("the log");
        let output = run(&mut command(
            &held.database,
            &held.folder,
            &held.migration,
            &["--resume"],
        ));
        check_refused(
            output,
            3,
            &[
                "is not as the rehearsal left it",
                "hint: rehearse again from the beginning",
            ],
        );
    };
    // As if the server had assigned fewer numbers than when the step began.
    let begun = text
        .split("\"next_transaction\":")
        .nth(1)
        .and_then(|rest| rest.split('}').next())
        .expect("a step");
    check(
        &format!("\"next_transaction\":{begun}"),
        "\"next_transaction\":99999999999",
    );
    // As if the last batch's number had been assigned to another transaction, which did not touch those rows.
    check(&format!("\"transaction\":{last}"), &format!("\"transaction\":{next}"));
}

#[test]
fn a_statement_is_run_again_only_when_it_was_not_committed() {
    let sql = "SET search_path = public;\nALTER TABLE walked ADD COLUMN one int;\nUPDATE walked SET done = done + 1 \
               WHERE number = 205;\n\
               ALTER TABLE walked ADD COLUMN two int;\n";
    let mut held = Held::begin(walked("bigint", "n"), sql, &[]);
    held.cut_off(When::BeforeItsCommit, "");
    check_done(&held.go_on(When::BeforeItsCommit, &[]));
    holds(&held.database, "SELECT done = 1 FROM walked WHERE number = 205");
    let rehearsal = held.folder.rehearsal();
    assert!(
        rehearsal
            .steps
            .iter()
            .all(|step| step.complete && step.observations.len() == 1)
    );
    assert_eq!(rehearsal.resumptions[0].step, 3);
}

#[test]
fn a_block_is_done_as_a_whole_or_not_at_all() {
    let sql = "BEGIN;\nALTER TABLE walked ADD COLUMN one int;\nUPDATE walked SET done = done + 1 \
               WHERE number = 205;\nCOMMIT;\n\
               ALTER TABLE walked ADD COLUMN two int;\n";
    let mut held = Held::begin(walked("bigint", "n"), sql, &[]);
    held.cut_off(When::BeforeItsCommit, "");
    check_done(&held.go_on(When::BeforeItsCommit, &[]));
    holds(&held.database, "SELECT done = 1 FROM walked WHERE number = 205");
    assert_eq!(held.folder.rehearsal().resumptions[0].step, 1);
}

#[test]
fn what_may_be_half_done_is_refused() {
    let sql = "ALTER TABLE walked ADD COLUMN one int;\nCREATE INDEX CONCURRENTLY half ON walked (number);\n";
    let (database, folder) = (walked("bigint", "n"), Folder::new());
    let migration = folder.file("m.sql", sql);
    // It waits for every older snapshot.
    let mut older = database.client();
    older
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .expect("a snapshot");
    let mut child = start(&mut command(&database, &folder, &migration, &[]));
    let mut client = database.client();
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase \
                 LIKE 'waiting%')";
    await_condition("the index build waits", || {
        client.query_one(waits, &[]).expect("row").get(0)
    });
    child.kill().expect("kill -9");
    child.wait().expect("dead");
    older.batch_execute("ROLLBACK").expect("released");
    let output = run(&mut command(&database, &folder, &migration, &["--resume"]));
    check_refused(
        output,
        2,
        &[
            "step 2 at line 2: whether it was committed cannot be told",
            "hint: rehearse again",
        ],
    );
}

#[test]
fn only_the_same_rehearsal_on_the_same_clone_goes_on() {
    let mut held = Held::begin(walked("bigint", "n"), BY_RANGE, &["--full", "--batch-size", "50"]);
    held.cut_off(When::BeforeItsCommit, "");
    held.release();
    held.folder.file(
        "m.sql",
        "UPDATE walked SET done = done + 2 WHERE id BETWEEN <batch_start> AND <batch_end>;",
    );
    let resume = |held: &Held| {
        run(&mut command(
            &held.database,
            &held.folder,
            &held.migration,
            &["--resume"],
        ))
    };
    check_refused(resume(&held), 2, &["is not what was being rehearsed", "hint: "]);
    held.folder.file("m.sql", BY_RANGE);
    let other = held.database.create_beside();
    let on_other = run(&mut command(&other, &held.folder, &held.migration, &["--resume"]));
    check_refused(on_other, 3, &["is not the database on which the rehearsal was cut off"]);
    // The refusals removed nothing.
    check_done(&resume(&held));
    holds(&held.database, ALL_ONCE);
}

#[test]
fn an_interrupted_rehearsal_in_place_goes_on() {
    let mut held = Held::begin(walked("bigint", "n"), BY_RANGE, &["--full", "--batch-size", "50"]);
    send(&held.child, Signal::INT);
    held.release();
    let child = std::mem::replace(&mut held.child, start(&mut support::migtime(&["--version"])));
    let said = String::from_utf8_lossy(&finished(child).stderr).into_owned();
    assert!(said.contains("--resume"), "{said}");
    let output = run(&mut command(
        &held.database,
        &held.folder,
        &held.migration,
        &["--resume"],
    ));
    check_done(&output);
    holds(&held.database, ALL_ONCE);
    let rehearsal = held.folder.rehearsal();
    assert_eq!(
        rehearsal.steps[0]
            .observations
            .iter()
            .map(|batch| batch.rows)
            .sum::<u64>(),
        400
    );
    assert!(rehearsal.steps[0].complete);
}

#[test]
fn a_rollback_that_can_no_longer_be_judged_is_not_passed() {
    let mut held = Held::begin(
        walked("bigint", "n"),
        BY_RANGE,
        &["--full", "--batch-size", "50", "--no-rollback"],
    );
    held.cut_off(When::BeforeItsCommit, "");
    held.release();
    held.folder.file("m.rollback.sql", "UPDATE walked SET done = 0;");
    let output = run(&mut command(
        &held.database,
        &held.folder,
        &held.migration,
        &["--resume"],
    ));
    check_refused(
        output,
        5,
        &[
            "going on at step 1",
            "m.rollback.sql was not rehearsed to its end",
            "--no-rollback",
        ],
    );
    // The migration itself is done; its batch under way may have been committed by the abandoned session.
    holds(&held.database, ALL_ONCE);
    held.folder.check_saved(EndReason::Complete, 7);
}
