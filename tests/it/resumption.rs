//! A rehearsal that was cut off goes on, by whatever it was cut off: no batch runs twice and none is left out.

use std::path::Path;
use std::process::{Child, Output};

use migtime::observation::{EndReason, Rehearsal, UnderWay};
use postgres::Client;
use rustix::process::Signal;

use crate::bad_input::{Folder, check_error, check_refused, finished, run, send, start};
use crate::support::{self, Database, await_condition};

/// Four hundred rows of which nothing is done; the batches of the rows with numbers 205 and 305 wait for the advisory lock 42.
const WALKED: &str = "
CREATE TABLE walked (id KEY PRIMARY KEY, number int NOT NULL, done int NOT NULL DEFAULT 0);
INSERT INTO walked SELECT (FROM_NUMBER), n FROM generate_series(1, 400) AS n;
CREATE TABLE archive (id KEY, number int);
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NULL; END $$;
CREATE TRIGGER hold AFTER UPDATE OR DELETE ON walked FOR EACH ROW WHEN (OLD.number IN (205, 305)) EXECUTE FUNCTION hold();
CREATE TRIGGER hold AFTER INSERT ON archive FOR EACH ROW WHEN (NEW.number = 205) EXECUTE FUNCTION hold();
ANALYZE walked";

const BY_RANGE: &str = "UPDATE walked SET done = done + 1 WHERE id BETWEEN <batch_start> AND <batch_end>;";
const BY_ROWS: &str = "-- migtime: batch key=id size=50\nUPDATE walked SET done = done + 1;";
const ALL_ONCE: &str = "SELECT count(*) = 400 AND min(done) = 1 AND max(done) = 1 FROM walked";

/// How a rehearsal is cut off while the batch of row 205 runs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    /// Before it is committed.
    BeforeItsCommit,
    /// After it is committed, and before the program hears of it.
    AfterItsCommit,
}

fn walked(key: &str, from_number: &str) -> Database {
    let database = Database::create();
    database.execute(
        &WALKED
            .replace("KEY PRIMARY", &format!("{key} PRIMARY"))
            .replace("id KEY", &format!("id {key}"))
            .replace("FROM_NUMBER", from_number),
    );
    database
}

/// A rehearsal that waits at row 205.
struct Held {
    database: Database,
    folder: Folder,
    migration: String,
    child: Child,
    holder: Client,
    waiting: i32,
}

impl Held {
    fn begin(database: Database, sql: &str, options: &[&str]) -> Held {
        let folder = Folder::new();
        let migration = folder.file("m.sql", sql);
        let mut holder = database.client();
        holder.batch_execute("SELECT pg_advisory_lock(42)").expect("the lock");
        let child = start(&mut command(&database, &folder, &migration, options));
        let waiting = await_waiting(&database);
        Held {
            database,
            folder,
            migration,
            child,
            holder,
            waiting,
        }
    }

    /// Returns the numbers of the transactions that were acknowledged.
    fn acknowledged(&self) -> Vec<u64> {
        let text = std::fs::read_to_string(self.folder.path("out/rehearsal.resume")).expect("the log");
        let lines = text
            .lines()
            .filter_map(|line| line.split_once("{\"batch\":{\"transaction\":"));
        lines
            .map(|(_, rest)| {
                rest.split(',')
                    .next()
                    .and_then(|number| number.parse().ok())
                    .expect("a number")
            })
            .collect()
    }

    fn release(&mut self) {
        self.holder
            .batch_execute("SELECT pg_advisory_unlock(42)")
            .expect("released");
    }

    /// Kills the program; `is_done` tells whether the batch is committed.
    fn cut_off(&mut self, when: When, is_done: &str) {
        if when == When::AfterItsCommit {
            send(&self.child, Signal::STOP);
            self.release();
            let mut client = self.database.client();
            await_condition("the batch is committed", || {
                client.query_one(is_done, &[]).expect("row").get(0)
            });
        }
        self.child.kill().expect("kill -9");
        self.child.wait().expect("dead");
    }

    /// Goes on, and returns what that said.
    fn go_on(&mut self, when: When, options: &[&str]) -> Output {
        let options: Vec<&str> = options.iter().copied().chain(["--resume"]).collect();
        let child = start(&mut command(&self.database, &self.folder, &self.migration, &options));
        if when == When::BeforeItsCommit {
            let mut client = self.database.client();
            let is_gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'advisory')";
            await_condition("the old session is gone", || {
                client.query_one(is_gone, &[&self.waiting]).expect("row").get(0)
            });
            self.release();
        }
        finished(child)
    }
}

/// Waits until a batch waits for the lock, and returns the process of its session.
fn await_waiting(database: &Database) -> i32 {
    let mut client = database.client();
    let waits = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
    let mut waiting = 0;
    await_condition("the batch waits", || {
        let found = client.query_opt(waits, &[]).expect("rows");
        found.map(|row| waiting = row.get(0)).is_some()
    });
    waiting
}

fn command(database: &Database, folder: &Folder, migration: &str, options: &[&str]) -> std::process::Command {
    let (url, out) = (database.url(), folder.path("out"));
    let fixed = [
        "rehearse",
        migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--waive",
        "clients",
        "--provisional",
    ];
    support::migtime(&fixed.iter().copied().chain(options.iter().copied()).collect::<Vec<_>>())
}

fn check_done(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

fn holds(database: &Database, sql: &str) {
    let row = database.client().query_one(sql, &[]).expect(sql);
    assert!(row.get::<_, bool>(0), "{sql}");
}

/// Cuts the rehearsal of `sql` off at row 205 and goes on; `is_done` tells whether that row's batch is committed, `all_once` whether
/// in the end each was exactly once.
fn check(database: Database, sql: &str, when: When, is_done: &str, all_once: &str, expected: UnderWay) -> Rehearsal {
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

/// Checks both ways of cutting off an `UPDATE` that must not run twice.
fn check_update(key: &str, from_number: &str, sql: &str) {
    let is_done = "SELECT bool_or(done > 0) FROM walked WHERE number = 205";
    let rehearsal = check(
        walked(key, from_number),
        sql,
        When::BeforeItsCommit,
        is_done,
        ALL_ONCE,
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
        is_done,
        ALL_ONCE,
        UnderWay::Committed,
    );
    let step = &rehearsal.steps[0];
    // What nobody measured is not made up, and not left out of the whole.
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
            "ALTER TABLE walked RENAME TO whole; CREATE TABLE walked (LIKE whole INCLUDING ALL) PARTITION BY RANGE (id); \
             CREATE TABLE low PARTITION OF walked FOR VALUES FROM (0) TO (220); \
             CREATE TABLE high PARTITION OF walked FOR VALUES FROM (220) TO (1000); INSERT INTO walked SELECT * FROM whole; \
             CREATE TRIGGER hold AFTER UPDATE ON walked FOR EACH ROW WHEN (OLD.number = 205) EXECUTE FUNCTION hold(); ANALYZE walked",
        );
        database
    };
    let is_done = "SELECT bool_or(done > 0) FROM walked WHERE number = 205";
    check(
        parted(),
        BY_ROWS,
        When::AfterItsCommit,
        is_done,
        ALL_ONCE,
        UnderWay::Committed,
    );
    check(
        parted(),
        BY_ROWS,
        When::BeforeItsCommit,
        is_done,
        ALL_ONCE,
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
        is_done,
        all_once,
        UnderWay::NotCommitted,
    );
    check(
        walked("bigint", "n"),
        sql,
        When::AfterItsCommit,
        is_done,
        all_once,
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
    // No row is left to tell; what is gone is not deleted again.
    check(
        walked("bigint", "n"),
        sql,
        When::BeforeItsCommit,
        is_done,
        all_once,
        UnderWay::NotCommitted,
    );
    check(
        walked("bigint", "n"),
        sql,
        When::AfterItsCommit,
        is_done,
        all_once,
        UnderWay::NotCommitted,
    );
}

#[test]
fn blocks_are_done_once() {
    let blocks = || {
        let database = walked("bigint", "n");
        // Some forty rows a block, and no key.
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
fn a_copy_that_was_left_behind_is_gone_on_with_and_dropped() {
    let database = Database::create_alone();
    database.execute(
        &WALKED
            .replace("KEY PRIMARY", "bigint PRIMARY")
            .replace("id KEY", "id bigint")
            .replace("FROM_NUMBER", "n"),
    );
    // In the copy too, where the lock of the original would not hold.
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
    // A session on the original would keep it from being copied.
    let mut client = database.parameters_of("postgres").connect().expect("a session");
    let sleeps = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname LIKE 'migtime_sandbox_%')";
    await_condition("a batch sleeps", || client.query_one(sleeps, &[]).expect("row").get(0));
    child.kill().expect("kill -9");
    child.wait().expect("dead");
    let arguments: Vec<&str> = fixed.iter().copied().chain(["--resume"]).collect();
    // A slip must not cost what took hours.
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
    // There is nothing to go on with any more.
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
    // The tests' servers acknowledge a commit before it is on disk: the crash loses the last of them.
    database.execute("ALTER SYSTEM SET wal_writer_delay = '10s'");
    database.execute("SELECT pg_reload_conf()");
    database.execute("CHECKPOINT");
    let mut held = Held::begin(database, BY_RANGE, &["--full", "--batch-size", "20"]);
    let before = held.acknowledged();
    assert!(before.len() >= 9, "{before:?}");
    support::crash(held.database.server());
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
    // As if the server had given out fewer numbers than when the step began.
    let begun = text
        .split("\"next_transaction\":")
        .nth(1)
        .and_then(|rest| rest.split('}').next())
        .expect("a step");
    check(
        &format!("\"next_transaction\":{begun}"),
        "\"next_transaction\":99999999999",
    );
    // As if the last batch's number had been given to another transaction, which left those rows alone.
    check(&format!("\"transaction\":{last}"), &format!("\"transaction\":{next}"));
}

#[test]
fn places_that_were_visited_are_not_visited_again() {
    let database = walked("bigint", "n");
    database.execute("INSERT INTO walked SELECT n, n FROM generate_series(401, 20000) AS n; ANALYZE walked");
    database.execute(
        "DROP TRIGGER hold ON walked; CREATE SEQUENCE calls; CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS \
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

#[test]
fn a_statement_is_run_again_only_when_it_was_not_committed() {
    let sql = "SET search_path = public;\nALTER TABLE walked ADD COLUMN one int;\nUPDATE walked SET done = done + 1 WHERE number = 205;\n\
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
    let sql = "BEGIN;\nALTER TABLE walked ADD COLUMN one int;\nUPDATE walked SET done = done + 1 WHERE number = 205;\nCOMMIT;\n\
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
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE 'waiting%')";
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
    // The refusals took nothing away.
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
    // Of the migration itself all is done; its batch under way may have been committed by the session that was left.
    holds(&held.database, ALL_ONCE);
    held.folder.check_saved(EndReason::Complete, 7);
}
