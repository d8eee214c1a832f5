//! A rehearsal that was cut off for any reason can be resumed: no batch runs twice and none is left out.

use std::path::Path;

use migtime::observation::{EndReason, Rehearsal, UnderWay};

use crate::bad_input::start;
use crate::cut_off_fixture::{
    ALL_ONCE, BY_RANGE, BY_ROWS, Held, When, await_waiting, check_done, command, holds, walked,
};
use crate::support::Database;

/// Cuts off the rehearsal of `sql` at row 205 and resumes it. `is_done` tests whether that row's batch is committed,
/// and `all_once` whether in the end each row was processed exactly once.
fn check(
    database: Database,
    sql: &str,
    when: When,
    (is_done, all_once): (&str, &str),
    expected: UnderWay,
) -> Rehearsal {
    let mut held = Held::begin(database, sql, &["--full", "--batch-size", "50"]);
    held.cut_off(when, is_done);
    // The same command again.
    check_done(&held.go_on(when, &["--full", "--batch-size", "50"]));
    holds(&held.database, all_once);
    held.folder.check_saved(EndReason::Complete, 7);
    assert!(!Path::new(&held.folder.path("out/rehearsal.resume")).exists());
    let rehearsal = held.folder.rehearsal();
    let [resumption] = &rehearsal.resumptions[..] else {
        panic!("{:?}", rehearsal.resumptions)
    };
    assert_eq!(resumption.under_way, expected, "{when:?}: {sql}");
    let elapsed: Vec<f64> = rehearsal.steps[0]
        .observations
        .iter()
        .map(|batch| batch.elapsed)
        .collect();
    assert!(elapsed.is_sorted(), "{elapsed:?}");
    rehearsal
}

/// Checks both moments of cutting off an `UPDATE` that must not run twice.
fn check_update(key: &str, from_number: &str, sql: &str) {
    let is_done = "SELECT bool_or(done > 0) FROM walked WHERE number = 205";
    let rehearsal = check(
        walked(key, from_number),
        sql,
        When::BeforeItsCommit,
        (is_done, ALL_ONCE),
        UnderWay::NotCommitted,
    );
    let step = &rehearsal.steps[0];
    assert!(
        step.complete && step.notes.iter().all(|note| !note.contains("cut off")),
        "{:?}",
        step.notes
    );
    assert_eq!(step.observations.iter().map(|batch| batch.rows).sum::<u64>(), 400);
    let rehearsal = check(
        walked(key, from_number),
        sql,
        When::AfterItsCommit,
        (is_done, ALL_ONCE),
        UnderWay::Committed,
    );
    let step = &rehearsal.steps[0];
    // Unmeasured batches are neither invented nor left out of the total.
    assert!(!step.complete);
    let (rows, batching) = (step.total_rows.expect("rows"), step.batching.as_ref().expect("batched"));
    assert!((rows - 400.0).abs() < 1e-6 && batching.total_batches == 8.0, "{rows}");
    assert!(
        step.notes
            .iter()
            .any(|note| note.contains("a batch was committed whose time nobody measured"))
    );
    assert_eq!(step.observations.iter().map(|batch| batch.rows).sum::<u64>(), 350);
}

#[test]
fn a_range_of_keys_is_done_once() {
    check_update("bigint", "n", BY_RANGE);
}

#[test]
fn windows_of_rows_are_done_once() {
    check_update("text", "lpad(n::text, 6, '0')", BY_ROWS);
}

#[test]
fn rows_of_partitions_are_done_once() {
    let parted = || {
        let database = walked("bigint", "n");
        database.execute(
            "ALTER TABLE walked RENAME TO whole; CREATE TABLE walked (LIKE whole INCLUDING ALL) \
             PARTITION BY RANGE (id); \
             CREATE TABLE low PARTITION OF walked FOR VALUES FROM (0) TO (220); \
             CREATE TABLE high PARTITION OF walked FOR VALUES FROM (220) TO (1000); INSERT INTO walked SELECT * \
             FROM whole; \
             CREATE TRIGGER hold AFTER UPDATE ON walked FOR EACH ROW \
             WHEN (OLD.number = 205) EXECUTE FUNCTION hold(); ANALYZE walked",
        );
        database
    };
    let is_done = "SELECT bool_or(done > 0) FROM walked WHERE number = 205";
    check(
        parted(),
        BY_ROWS,
        When::AfterItsCommit,
        (is_done, ALL_ONCE),
        UnderWay::Committed,
    );
    check(
        parted(),
        BY_ROWS,
        When::BeforeItsCommit,
        (is_done, ALL_ONCE),
        UnderWay::NotCommitted,
    );
}

#[test]
fn what_is_cut_off_twice_goes_on_twice() {
    let mut held = Held::begin(walked("bigint", "n"), BY_RANGE, &["--full", "--batch-size", "50"]);
    let is_done = |number| format!("SELECT bool_or(done > 0) FROM walked WHERE number = {number}");
    held.cut_off(When::AfterItsCommit, &is_done(205));
    held.holder
        .batch_execute("SELECT pg_advisory_lock(42)")
        .expect("the lock");
    held.child = start(&mut command(
        &held.database,
        &held.folder,
        &held.migration,
        &["--resume"],
    ));
    await_waiting(&held.database);
    held.cut_off(When::AfterItsCommit, &is_done(305));
    check_done(&held.go_on(When::AfterItsCommit, &[]));
    holds(&held.database, ALL_ONCE);
    let rehearsal = held.folder.rehearsal();
    let (step, resumptions) = (&rehearsal.steps[0], &rehearsal.resumptions);
    assert!(resumptions.len() == 2 && resumptions.iter().all(|one| one.under_way == UnderWay::Committed));
    assert_eq!(step.observations.iter().map(|batch| batch.rows).sum::<u64>(), 300);
    assert!(!step.complete && (step.total_rows.expect("rows") - 400.0).abs() < 1e-6);
    assert!(
        step.notes.iter().any(|note| note.contains("2 batches were committed")),
        "{:?}",
        step.notes
    );
}

#[test]
fn what_is_copied_elsewhere_is_copied_once() {
    let sql = "-- migtime: batch key=id size=50\nINSERT INTO archive SELECT w.id, w.number FROM walked w;";
    let is_done = "SELECT count(*) > 0 FROM archive WHERE number = 205";
    let all_once = "SELECT count(*) = 400 AND count(DISTINCT id) = 400 FROM archive";
    check(
        walked("bigint", "n"),
        sql,
        When::BeforeItsCommit,
        (is_done, all_once),
        UnderWay::NotCommitted,
    );
    check(
        walked("bigint", "n"),
        sql,
        When::AfterItsCommit,
        (is_done, all_once),
        UnderWay::Committed,
    );
}

#[test]
fn what_is_deleted_is_gone() {
    let sql = "-- migtime: batch key=id size=50\nDELETE FROM walked;";
    let (is_done, all_once) = (
        "SELECT count(*) = 0 FROM walked WHERE number = 205",
        "SELECT count(*) = 0 FROM walked",
    );
    // No row is left that could show it; a deleted row is not deleted again.
    check(
        walked("bigint", "n"),
        sql,
        When::BeforeItsCommit,
        (is_done, all_once),
        UnderWay::NotCommitted,
    );
    check(
        walked("bigint", "n"),
        sql,
        When::AfterItsCommit,
        (is_done, all_once),
        UnderWay::NotCommitted,
    );
}

#[test]
fn blocks_are_done_once() {
    let blocks = || {
        let database = walked("bigint", "n");
        // About forty rows per block, and no key.
        database.execute(
            "ALTER TABLE walked ADD filling text; UPDATE walked SET filling = repeat('x', 180) WHERE number <> 205; \
             ALTER TABLE walked DROP CONSTRAINT walked_pkey",
        );
        database.execute("VACUUM FULL walked");
        database.execute("ANALYZE walked");
        database
    };
    let sql = "-- migtime: batch size=2\nUPDATE walked SET done = done + 1 WHERE done = 0;";
    let is_done = "SELECT done > 0 FROM walked WHERE number = 205";
    for (when, expected) in [
        (When::BeforeItsCommit, UnderWay::NotCommitted),
        (When::AfterItsCommit, UnderWay::Committed),
    ] {
        let mut held = Held::begin(blocks(), sql, &["--full", "--batch-size", "2"]);
        held.cut_off(when, is_done);
        check_done(&held.go_on(when, &[]));
        holds(&held.database, ALL_ONCE);
        assert_eq!(held.folder.rehearsal().resumptions[0].under_way, expected);
    }
}

#[test]
fn places_that_were_visited_are_not_visited_again() {
    let database = walked("bigint", "n");
    database.execute("INSERT INTO walked SELECT n, n FROM generate_series(401, 20000) AS n; ANALYZE walked");
    database.execute(
        "DROP TRIGGER hold ON walked; CREATE SEQUENCE calls; CREATE \
         OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN IF nextval('calls') = 90 THEN PERFORM pg_advisory_xact_lock_shared(42); END IF; RETURN NULL; END $$; \
         CREATE TRIGGER hold AFTER UPDATE ON walked FOR EACH STATEMENT EXECUTE FUNCTION hold()",
    );
    let mut held = Held::begin(database, BY_ROWS, &["--batch-size", "10", "--fraction", "15%"]);
    held.cut_off(When::BeforeItsCommit, "");
    check_done(&held.go_on(When::BeforeItsCommit, &[]));
    holds(&held.database, "SELECT max(done) = 1 FROM walked");
    let rehearsal = held.folder.rehearsal();
    assert_eq!(rehearsal.resumptions[0].under_way, UnderWay::LeftBehind);
    let segments: Vec<u32> = rehearsal.steps[0]
        .observations
        .iter()
        .map(|batch| batch.segment)
        .collect();
    assert!(segments.is_sorted(), "{segments:?}");
    assert!(rehearsal.steps[0].observations.len() > 200);
}
