//! Statements that commit in parts: their locks and waits are observed, and no failure leaves an invalid index.

use std::process::{Child, Output};
use std::time::Instant;

use migtime::migration::LockMode;
use migtime::observation::{EndReason, StepRecord};
use postgres::Client;
use rustix::process::Signal;

use crate::bad_input::{Folder, check_refused, finished, send, start};
use crate::support::{self, Database, await_condition};

const ITEMS: &str = r#"CREATE SCHEMA "My Shop";
    CREATE TABLE "My Shop"."Items" (id bigint PRIMARY KEY, code int NOT NULL, note text);
    INSERT INTO "My Shop"."Items" SELECT n, n / 2, repeat('x', 20) FROM generate_series(1, 20000) AS n"#;
const INDEX: &str = r#"CREATE INDEX CONCURRENTLY "By Code" ON "My Shop"."Items" (code)"#;
const WAITING: &str = "waiting for old snapshots";

/// A running rehearsal in its own database, where another session holds an old snapshot.
struct Concurrently {
    database: Database,
    folder: Folder,
    child: Option<Child>,
}

impl Concurrently {
    fn begin(setup: &str, migration: &str, options: &[&str]) -> (Concurrently, Client) {
        Concurrently::begin_while(setup, "SELECT count(*) FROM pg_class", migration, options)
    }

    /// Starts it while another session is in a transaction that has run `sql`.
    fn begin_while(setup: &str, sql: &str, migration: &str, options: &[&str]) -> (Concurrently, Client) {
        let database = Database::create();
        database.execute(setup);
        let mut other = database.client();
        other
            .batch_execute(&format!("BEGIN ISOLATION LEVEL REPEATABLE READ; {sql}"))
            .expect("an old snapshot");
        let folder = Folder::new();
        let (file, url, out) = (folder.file("m.sql", migration), database.url(), folder.path("out"));
        let mut arguments = vec!["rehearse", &file, "--staging", &url, "--output", &out];
        arguments.extend(options);
        let child = Some(start(&mut support::migtime(&arguments)));
        (
            Concurrently {
                database,
                folder,
                child,
            },
            other,
        )
    }

    /// Waits until the statement waits for others, and returns its process id.
    fn await_waiting(&self) -> i32 {
        let mut client = self.database.client();
        let mut found = 0;
        let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
                   AND application_name = 'migtime' \
                   AND wait_event_type = 'Lock' AND query ~* 'concurrently'";
        await_condition("the statement waits", || {
            found = client.query_opt(sql, &[]).expect("row").map_or(0, |row| row.get(0));
            found != 0
        });
        found
    }

    /// Cancels the statement as soon as it waits.
    fn cancel(&self) {
        let session = self.await_waiting();
        let sql = "SELECT pg_cancel_backend($1)";
        self.database.client().execute(sql, &[&session]).expect("cancelled");
    }

    /// Waits until the statement has started again after it was cancelled.
    fn await_again(&self, cancelled_before: &str) {
        let mut client = self.database.client();
        let sql = format!(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name = 'migtime' \
             AND wait_event_type = 'Lock' AND query ~* 'concurrently' AND query_start > '{cancelled_before}')"
        );
        await_condition("it waits again", || client.query_one(&sql, &[]).expect("row").get(0));
    }

    fn now(&self) -> String {
        let sql = "SELECT clock_timestamp()::text";
        self.database.client().query_one(sql, &[]).expect("row").get(0)
    }

    fn finish(&mut self) -> Output {
        finished(self.child.take().expect("it runs"))
    }

    /// Waits for its end, which must be successful, and returns its stdout.
    fn finish_well(&mut self) -> String {
        let output = self.finish();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn check_indexes(&self, expected: i64) {
        let sql = "SELECT count(*) FILTER (WHERE NOT indisvalid), \
                   count(*) FILTER (WHERE indrelid NOT IN (SELECT oid FROM pg_class WHERE relkind = 't')) \
                   FROM pg_index WHERE indexrelid >= 16384";
        let row = self.database.client().query_one(sql, &[]).expect("row");
        assert_eq!(
            (row.get::<_, i64>(0), row.get::<_, i64>(1)),
            (0, expected),
            "invalid, all"
        );
    }

    fn step(&self) -> StepRecord {
        self.folder.rehearsal().steps.remove(0)
    }
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_wait_for_an_old_snapshot_is_told_apart_from_work() {
    let (mut run, mut other) = Concurrently::begin(ITEMS, INDEX, &[]);
    run.await_waiting();
    let waiting = Instant::now();
    let mut client = run.database.client();
    await_condition("a while", || {
        client.batch_execute("SELECT 1").expect("the server is there");
        waiting.elapsed().as_millis() > 300
    });
    let at_least = waiting.elapsed().as_secs_f64();
    other.batch_execute("COMMIT").expect("commit");
    let shown = run.finish_well();
    let step = run.step();
    let wait = step
        .waits
        .iter()
        .find(|wait| wait.waiting_for == WAITING)
        .expect("a wait");
    let observation = &step.observations[0];
    let waited = observation.waited_seconds.expect("waits were seen");
    let gap = step.locks[0].sampled_every_seconds.expect("sampled");
    assert!(wait.seconds >= at_least - gap, "{} of {at_least} s", wait.seconds);
    assert!(waited >= wait.seconds && waited <= observation.seconds);
    assert!(observation.working_seconds() <= observation.seconds - wait.seconds + 1e-9);
    let lock = step.locks.iter().find(|lock| lock.relation == r#""My Shop"."Items""#);
    let lock = lock.expect("a lock on the table");
    assert_eq!(lock.mode, LockMode::ShareUpdateExclusive);
    let held = lock.held_seconds.expect("a hold time");
    assert!(held >= at_least - gap && held <= observation.seconds, "{held}");
    assert!(on_one_line(&shown).contains(WAITING), "{shown}");
    run.check_indexes(2);
}

#[test]
fn a_unique_index_over_duplicates_is_tried_twice_and_leaves_nothing() {
    let migration = r#"CREATE UNIQUE INDEX CONCURRENTLY "By Code" ON "My Shop"."Items" (code)"#;
    let (mut run, mut other) = Concurrently::begin(ITEMS, migration, &[]);
    other.batch_execute("COMMIT").expect("commit");
    let words = [
        "step 1 at line 1",
        "could not create unique index",
        "failed twice",
        "saved ",
    ];
    check_refused(run.finish(), 4, &words);
    let attempts = run.step().failed_attempts;
    assert_eq!(attempts.len(), 2);
    for attempt in attempts {
        assert_eq!(attempt.invalid_indexes, [r#""My Shop"."By Code""#]);
        assert!(
            attempt.error.contains("could not create unique index"),
            "{}",
            attempt.error
        );
    }
    run.folder.check_saved(EndReason::Failed, 0);
    run.check_indexes(1);
}

#[test]
fn a_cancelled_build_is_dropped_and_made_again() {
    let (mut run, mut other) = Concurrently::begin(ITEMS, INDEX, &[]);
    let begin = run.now();
    run.await_waiting();
    let cancelled = run.now();
    assert!(begin < cancelled);
    run.cancel();
    run.await_again(&cancelled);
    other.batch_execute("COMMIT").expect("commit");
    let shown = run.finish_well();
    let step = run.step();
    assert!(step.complete);
    assert_eq!(step.failed_attempts.len(), 1);
    assert_eq!(step.failed_attempts[0].invalid_indexes, [r#""My Shop"."By Code""#]);
    assert!(
        step.notes.iter().any(|note| note.contains("dropped the invalid index")),
        "{:?}",
        step.notes
    );
    assert!(on_one_line(&shown).contains("dropped the invalid index"), "{shown}");
    run.check_indexes(2);
}

#[test]
fn a_wait_that_lasts_too_long_is_ended_without_lock_timeout() {
    let (mut run, _other) = Concurrently::begin(ITEMS, INDEX, &["--lock-timeout", "200ms"]);
    let words = [
        "it waited longer than 200ms: waiting for old snapshots",
        "hint: ",
        "--lock-timeout",
    ];
    check_refused(run.finish(), 4, &words);
    assert_eq!(run.step().failed_attempts.len(), 2);
    run.check_indexes(1);
}

#[test]
fn a_cancelled_reindex_leaves_neither_copy() {
    // Its TOAST table also has an index, which is rebuilt like the others.
    let migration = r#"REINDEX TABLE CONCURRENTLY "My Shop"."Items""#;
    let (mut run, mut other) = Concurrently::begin(ITEMS, migration, &[]);
    run.await_waiting();
    let cancelled = run.now();
    run.cancel();
    run.await_again(&cancelled);
    other.batch_execute("COMMIT").expect("commit");
    run.finish_well();
    let step = run.step();
    let dropped = &step.failed_attempts[0].invalid_indexes;
    assert!(
        dropped
            .iter()
            .any(|name| name.ends_with("_ccnew\"") || name.ends_with("_ccnew")),
        "{dropped:?}"
    );
    let disk = step.disk.expect("it touched the table");
    assert!(disk.peak_temporary_bytes > 0 && disk.before_bytes > disk.peak_temporary_bytes);
    run.check_indexes(1);
}

#[test]
fn a_partition_s_copy_is_dropped_too() {
    let setup = "CREATE TABLE p (id int, code int) PARTITION BY RANGE (id); CREATE TABLE p1 \
                 PARTITION OF p FOR VALUES FROM (0) TO (10000); \
                 INSERT INTO p SELECT n, n FROM generate_series(1, 9999) AS n; CREATE INDEX p_code ON p (code)";
    let (mut run, other) =
        Concurrently::begin(setup, "REINDEX INDEX CONCURRENTLY p_code", &["--lock-timeout", "200ms"]);
    check_refused(run.finish(), 4, &["waited longer than 200ms"]);
    let dropped = run.step().failed_attempts.remove(0).invalid_indexes;
    assert_eq!(dropped, ["public.p1_code_idx_ccnew"]);
    run.check_indexes(2);
    drop(other);
}

#[test]
fn an_interrupt_drops_the_index_and_does_not_build_it_again() {
    let (mut run, _other) = Concurrently::begin(ITEMS, INDEX, &[]);
    run.await_waiting();
    send(run.child.as_ref().expect("it runs"), Signal::INT);
    check_refused(run.finish(), 5, &["interrupted before anything was measured"]);
    let attempts = run.step().failed_attempts;
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].invalid_indexes, [r#""My Shop"."By Code""#]);
    run.check_indexes(1);
}

#[test]
fn a_session_that_is_ended_leaves_no_index_either() {
    let (mut run, other) = Concurrently::begin(ITEMS, INDEX, &[]);
    let session = run.await_waiting();
    let sql = "SELECT pg_terminate_backend($1)";
    run.database.client().execute(sql, &[&session]).expect("ended");
    check_refused(run.finish(), 3, &["the connection was lost"]);
    run.folder.check_saved(EndReason::ConnectionLost, 0);
    run.check_indexes(1);
    drop(other);
}

#[test]
fn a_cancelled_drop_is_made_again() {
    let setup = "CREATE TABLE t (id int); CREATE INDEX t_id ON t (id)";
    let migration = "DROP INDEX CONCURRENTLY t_id";
    // Only sessions that use the table make it wait.
    let (mut run, mut other) = Concurrently::begin_while(setup, "SELECT * FROM t", migration, &[]);
    run.await_waiting();
    let cancelled = run.now();
    run.cancel();
    run.await_again(&cancelled);
    other.batch_execute("COMMIT").expect("commit");
    run.finish_well();
    assert_eq!(run.step().failed_attempts.len(), 1);
    run.check_indexes(0);
}

#[test]
fn a_partition_that_is_half_detached_is_detached_wholly() {
    let setup =
        "CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)";
    let migration = "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY";
    let (mut run, mut other) = Concurrently::begin_while(setup, "SELECT * FROM p", migration, &[]);
    run.cancel();
    let pending = "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhdetachpending)";
    let mut client = run.database.client();
    await_condition("it is half detached", || {
        client.query_one(pending, &[]).expect("row").get(0)
    });
    other.batch_execute("COMMIT").expect("commit");
    check_refused(run.finish(), 4, &["canceling statement due to user request"]);
    let notes = run.step().notes;
    assert!(
        notes.iter().any(|note| note.contains("detached it wholly")),
        "{notes:?}"
    );
    let left = client.query_one("SELECT count(*) FROM pg_inherits", &[]).expect("row");
    assert_eq!(left.get::<_, i64>(0), 0);
}

#[test]
fn an_index_that_was_invalid_before_is_named_and_left_alone() {
    let setup = "CREATE TABLE t (id int); CREATE INDEX \"Broken\" ON t (id); \
                 UPDATE pg_index SET indisvalid = false WHERE indexrelid = '\"Broken\"'::regclass";
    let migration = "CREATE INDEX CONCURRENTLY IF NOT EXISTS \"Broken\" ON t (id)";
    let (mut run, other) = Concurrently::begin(setup, migration, &[]);
    drop(other);
    let output = run.finish();
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("warning: the index public.\"Broken\" was invalid before the rehearsal"),
        "{said}"
    );
    let notes = run.step().notes;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("was invalid before this statement and still is")),
        "{notes:?}"
    );
    let sql = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    let invalid: i64 = run.database.client().query_one(sql, &[]).expect("row").get(0);
    assert_eq!(invalid, 1);
}

#[test]
fn every_way_to_stand_outside_a_transaction_is_run_and_observed() {
    let setup = "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT n, n \
                 FROM generate_series(1, 200000) AS n; \
                 CREATE MATERIALIZED VIEW v AS SELECT id FROM t; CREATE UNIQUE INDEX ON v (id); \
                 CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET a = 0; COMMIT; UPDATE t SET a = 1; END \
                 $$";
    let migration = "VACUUM (FREEZE) t; CALL p(); REFRESH MATERIALIZED VIEW CONCURRENTLY v; \
                     BEGIN; ALTER TABLE t ALTER COLUMN a TYPE bigint; CREATE INDEX t_a ON t (a); COMMIT;";
    let (mut run, other) = Concurrently::begin(setup, migration, &["--provisional"]);
    drop(other);
    run.finish_well();
    let steps = run.folder.rehearsal().steps;
    assert!(steps.iter().all(|step| step.complete));
    let [vacuum, call, refresh, alter, index] = steps.as_slice() else {
        panic!("{} steps", steps.len())
    };
    for (step, mode) in [(vacuum, LockMode::ShareUpdateExclusive), (call, LockMode::RowExclusive)] {
        let lock = step
            .locks
            .iter()
            .find(|lock| (lock.relation.as_str(), lock.mode) == ("public.t", mode));
        assert!(
            lock.is_some_and(|lock| lock.sampled_every_seconds.is_some()),
            "{:?}",
            step.locks
        );
    }
    let grown = call.disk.expect("it wrote");
    assert!(grown.after_bytes > grown.before_bytes, "dead rows stay: {grown:?}");
    let lock = refresh
        .locks
        .iter()
        .find(|lock| (lock.relation.as_str(), lock.mode) == ("public.v", LockMode::Exclusive));
    assert!(
        lock.is_some_and(|lock| lock.sampled_every_seconds.is_none()),
        "in a transaction it is exact"
    );
    let rewrite = alter.disk.expect("it rewrote");
    let kept = rewrite.before_bytes.min(rewrite.after_bytes);
    assert_eq!(
        (rewrite.peak_temporary_bytes, rewrite.temporary_file_bytes),
        (kept, None),
        "both copies, until the commit"
    );
    let built = index.disk.expect("it built");
    assert!(built.needed_bytes() > 0 && built.before_bytes >= rewrite.after_bytes);
}
