//! An interrupted rehearsal saves what was measured, and leaves no sandbox and no server behind.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Output};
use std::time::{Duration, Instant};

use migtime::observation::EndReason;
use rustix::process::Signal;

use crate::bad_input::{
    BACKFILL, Folder, ORDERS, SLOWLY, UnderWay, await_no_sessions, check_refused, finished, run, send, servers_in,
    start,
};
use crate::support::{self, Database};

fn slow_orders() -> Database {
    let database = Database::create();
    database.execute(ORDERS);
    database.execute(SLOWLY);
    database
}

#[test]
fn an_interrupt_ends_with_what_was_measured() {
    for signal in [Signal::INT, Signal::TERM] {
        let database = slow_orders();
        let rehearsal = UnderWay::begin(&database, &["--full"]);
        send(&rehearsal.child, signal);
        let words = ["too little evidence", "hint: rehearse more", "saved "];
        check_refused(finished(rehearsal.child), 5, &words);
        rehearsal.folder.check_saved(EndReason::Interrupted, 1);
        await_no_sessions(&database);
        let saved: u64 = rehearsal.folder.rehearsal().steps[0]
            .observations
            .iter()
            .map(|batch| batch.rows)
            .sum();
        let sql = "SELECT count(*) FROM orders WHERE customer_id IS NOT NULL";
        let updated: i64 = database.client().query_one(sql, &[]).expect("row").get(0);
        assert_eq!(saved, updated as u64, "the last batch was finished and written down");
    }
}

#[test]
fn an_interrupt_can_still_give_an_estimate() {
    let database = slow_orders();
    let rehearsal = UnderWay::begin(&database, &["--full", "--provisional"]);
    send(&rehearsal.child, Signal::INT);
    let output = finished(rehearsal.child);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("95 % probability"));
    assert!(rehearsal.folder.names("out").contains(&"report.html".to_string()));
}

#[test]
fn an_interrupt_does_not_wait_for_a_pause_between_batches() {
    let database = Database::create();
    database.execute(ORDERS);
    let folder = Folder::new();
    let migration = folder.file("m.sql", BACKFILL);
    let (url, out) = (database.url(), folder.path("out"));
    let arguments = [
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--full",
        "--batch-delay",
        "1h",
        "--batch-size",
        "10",
    ];
    let child = start(&mut support::migtime(&arguments));
    let mut client = database.client();
    let sql = "SELECT EXISTS (SELECT FROM orders WHERE customer_id IS NOT NULL)";
    support::await_condition("the first batch", || client.query_one(sql, &[]).expect("row").get(0));
    let begin = Instant::now();
    send(&child, Signal::INT);
    check_refused(finished(child), 5, &["too little evidence"]);
    assert!(begin.elapsed() < Duration::from_secs(60));
    folder.check_saved(EndReason::Interrupted, 1);
}

#[test]
fn an_interrupted_transaction_is_rolled_back() {
    let database = Database::create();
    database.execute(ORDERS);
    let folder = Folder::new();
    let migration = "BEGIN;\nALTER TABLE orders ADD COLUMN half int;\nSELECT pg_sleep(600);\nCOMMIT;";
    let (migration, url, out) = (folder.file("m.sql", migration), database.url(), folder.path("out"));
    let child = start(&mut support::migtime(&[
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
    ]));
    let mut client = database.client();
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
               AND query LIKE 'SELECT pg_sleep%' AND state = 'active')";
    support::await_condition("the statement runs", || client.query_one(sql, &[]).expect("row").get(0));
    send(&child, Signal::INT);
    let output = finished(child);
    assert!(
        matches!(output.status.code(), Some(0 | 5)),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    folder.check_saved(EndReason::Interrupted, 1);
    let sql = "SELECT count(*) FROM pg_attribute WHERE attname = 'half'";
    assert_eq!(client.query_one(sql, &[]).expect("row").get::<_, i64>(0), 0);
}

/// Interrupts a rehearsal of a backfill with an endless condition, once a query like `pattern` sleeps and `rows` rows
/// have been changed.
fn interrupted_query(setup: &str, pattern: &str, rows: i64) -> (Folder, Output) {
    let database = Database::create();
    database.execute(ORDERS);
    database.execute(setup);
    let folder = Folder::new();
    let migration =
        "UPDATE orders SET customer_id = user_id WHERE is_wanted(id) AND id BETWEEN <batch_start> AND <batch_end>;";
    let (migration, url, out) = (folder.file("m.sql", migration), database.url(), folder.path("out"));
    let child = start(&mut support::migtime(&[
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--full",
        "--walk",
        "rows",
        "--batch-size",
        "10",
    ]));
    let mut client = database.client();
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE $1 \
               AND wait_event = 'PgSleep')";
    support::await_condition("the query sleeps", || {
        client.query_one(sql, &[&pattern]).expect("row").get(0)
    });
    let sql = "SELECT count(*) = $1 FROM orders WHERE customer_id IS NOT NULL";
    support::await_condition("the batches are done", || {
        client.query_one(sql, &[&rows]).expect("row").get(0)
    });
    let begin = Instant::now();
    send(&child, Signal::INT);
    let output = finished(child);
    assert!(begin.elapsed() < Duration::from_secs(60));
    drop(client);
    await_no_sessions(&database);
    (folder, output)
}

#[test]
fn an_interrupt_ends_a_count() {
    let setup = "CREATE FUNCTION is_wanted(bigint) RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(600) IS NOT NULL'";
    let (_, output) = interrupted_query(setup, "%json_build_array%", 0);
    check_refused(output, 5, &["interrupted before anything was measured"]);
}

#[test]
fn an_interrupt_ends_a_look_up_of_windows_in_either_session() {
    // First the look-up at the start, in the session of the batches; then the one after 200 batches, in a session of
    // its own. These 200 batches are enough for an estimate.
    for (slow_from, batches) in [(0, 0), (2500, 200)] {
        let setup = format!(
            "CREATE FUNCTION is_wanted(bigint) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN \
             IF $1 > {slow_from} AND current_query() LIKE ''%RECURSIVE%'' THEN PERFORM pg_sleep(600); END IF; \
             RETURN true; END'"
        );
        let (folder, output) = interrupted_query(&setup, "%RECURSIVE%", 10 * batches);
        folder.check_saved(EndReason::Interrupted, batches as usize);
        if batches == 0 {
            check_refused(output, 5, &["interrupted before anything was measured"]);
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{said}");
        }
    }
}

#[test]
fn an_interrupt_drops_the_sandbox() {
    let database = slow_orders();
    // A database cannot be copied while a session is connected to it, so the test connects to another one.
    let elsewhere = Database::create();
    let folder = Folder::new();
    let migration = folder.file("m.sql", BACKFILL);
    let (url, out) = (database.url(), folder.path("out"));
    let arguments = [
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--sandbox",
        "--full",
        "--batch-size",
        "10",
    ];
    let child = start(&mut support::migtime(&arguments));
    let mut client = elsewhere.client();
    let sql = "SELECT datname::text FROM pg_stat_activity WHERE datname LIKE 'migtime_sandbox_%' \
               AND query LIKE 'UPDATE orders%BETWEEN%'";
    let mut sandbox = None;
    support::await_condition("a batch in the sandbox", || {
        sandbox = client
            .query(sql, &[])
            .expect("rows")
            .first()
            .map(|row| row.get::<_, String>(0));
        sandbox.is_some()
    });
    send(&child, Signal::INT);
    check_refused(finished(child), 5, &["too little evidence"]);
    let sql = "SELECT count(*) FROM pg_database WHERE datname = $1";
    assert_eq!(client.query_one(sql, &[&sandbox]).expect("row").get::<_, i64>(0), 0);
    folder.check_saved(EndReason::Interrupted, 1);
}

/// A rehearsal on a throwaway server with a known temporary directory.
struct Scratch {
    child: Child,
    folder: Folder,
    temporary: tempfile::TempDir,
}

impl Scratch {
    /// Starts one and waits until `holds` is true; it is passed the files and the server's directory.
    fn begin(schema: &str, holds: impl Fn(&Folder, &Path) -> bool) -> Scratch {
        let temporary = tempfile::tempdir().expect("temporary directory");
        // The server may have to run as another user, who needs access to the directory.
        std::fs::set_permissions(temporary.path(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
        let folder = Folder::new();
        let (migration, schema) = (folder.file("m.sql", BACKFILL), folder.file("schema.sql", schema));
        let out = folder.path("out");
        let arguments = [
            "rehearse",
            &migration,
            "--scratch",
            "--schema",
            &schema,
            "--output",
            &out,
            "--full",
            "--batch-size",
            "10",
        ];
        let mut child = start(support::migtime(&arguments).env("TMPDIR", temporary.path()));
        support::await_condition("it runs", || {
            assert!(child.try_wait().expect("status").is_none(), "ended too early");
            servers_in(temporary.path())
                .first()
                .is_some_and(|server| holds(&folder, server))
        });
        Scratch {
            child,
            folder,
            temporary,
        }
    }

    fn servers(&self) -> Vec<PathBuf> {
        servers_in(self.temporary.path())
    }
}

fn rehearses(folder: &Folder, _server: &Path) -> bool {
    Path::new(&folder.path("out/rehearsal.json")).exists()
}

#[test]
fn an_interrupt_removes_the_throwaway_server() {
    let schema = format!("{ORDERS};{SLOWLY};");
    for signal in [Signal::INT, Signal::TERM] {
        let mut scratch = Scratch::begin(&schema, rehearses);
        send(&scratch.child, signal);
        let status = scratch.child.wait().expect("status");
        assert_eq!(status.code(), Some(5));
        assert_eq!(scratch.servers(), Vec::<PathBuf>::new());
        scratch.folder.check_saved(EndReason::Interrupted, 0);
    }
}

#[test]
fn an_interrupt_while_the_tables_are_filled_ends_it() {
    let mut scratch = Scratch::begin("CREATE TABLE orders (id int); SELECT pg_sleep(600);", |_, server| {
        let target = format!("postgresql://migtime@/postgres?host={}", server.display());
        let sql = "SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'";
        support::resolve(&target)
            .connect()
            .is_ok_and(|mut client| client.query(sql, &[]).is_ok_and(|rows| !rows.is_empty()))
    });
    send(&scratch.child, Signal::INT);
    assert_eq!(scratch.child.wait().expect("status").code(), Some(5));
    assert_eq!(scratch.servers(), Vec::<PathBuf>::new());
}

#[test]
fn a_killed_rehearsal_is_cleaned_up_after_by_the_next() {
    let mut scratch = Scratch::begin(&format!("{ORDERS};{SLOWLY};"), rehearses);
    scratch.child.kill().expect("kill -9");
    scratch.child.wait().expect("dead");
    assert_eq!(scratch.servers().len(), 1, "kill -9 leaves the server behind");
    // What had been saved before the kill can still be read.
    scratch.folder.rehearsal();

    let wrong = scratch.folder.file("wrong.sql", "SELECT 1;\nSELECT 1/0;");
    let migration = scratch.folder.path("m.sql");
    let mut command = support::migtime(&["rehearse", &migration, "--scratch", "--schema", &wrong]);
    let output = run(command.env("TMPDIR", scratch.temporary.path()));
    check_refused(output, 2, &["wrong.sql:2: division by zero"]);
    assert_eq!(
        scratch.servers(),
        Vec::<PathBuf>::new(),
        "neither the killed one's nor its own"
    );
}
