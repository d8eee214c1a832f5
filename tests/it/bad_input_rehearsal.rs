//! Problems with a table or a connection during a rehearsal: a clear end, saved measurements, nothing left behind.

use std::collections::BTreeSet;

use migtime::observation::EndReason;
use migtime::server::ThrowawayServer;

use crate::bad_input::{
    BACKFILL, Folder, ORDERS, SLOWLY, UnderWay, await_no_sessions, check_error, check_refused, finished, run,
};
use crate::support::{self, Database};

fn slow_orders() -> Database {
    let database = Database::create();
    database.execute(ORDERS);
    database.execute(SLOWLY);
    database
}

#[test]
fn a_table_that_is_dropped_meanwhile() {
    let database = slow_orders();
    let rehearsal = UnderWay::begin(&database, &["--full"]);
    database.execute("DROP TABLE orders");
    let words = [
        "step 1 at line 1: batch of public.orders with id from",
        "\"orders\" does not exist",
        "saved ",
    ];
    check_refused(finished(rehearsal.child), 4, &words);
    rehearsal.folder.check_saved(EndReason::Failed, 1);
}

#[test]
fn a_table_that_is_locked_meanwhile() {
    let database = slow_orders();
    let rehearsal = UnderWay::begin(&database, &["--full", "--lock-timeout", "200ms"]);
    let mut other = database.client();
    let mut transaction = other.transaction().expect("transaction");
    transaction
        .batch_execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        .expect("lock");
    let words = [
        "id from",
        "public.orders is locked (ACCESS EXCLUSIVE) by server process",
        "canceling statement due to lock timeout",
        "hint: another session holds a lock",
        "--lock-timeout",
    ];
    check_refused(finished(rehearsal.child), 4, &words);
    rehearsal.folder.check_saved(EndReason::Failed, 1);
}

#[test]
fn rows_that_a_batch_fails_on() {
    let database = Database::create();
    database.execute(ORDERS);
    let folder = Folder::new();
    let migration = folder.file("m.sql", BACKFILL.replace("= user_id", "= 1 / (id - 3456)"));
    let (url, out) = (database.url(), folder.path("out"));
    check_error(
        &[
            "rehearse",
            &migration,
            "--staging",
            &url,
            "--output",
            &out,
            "--full",
            "--batch-size",
            "100",
        ],
        4,
        &["step 1 at line 1: batch of public.orders with id from 3401 to 3500: division by zero (SQLSTATE 22012)"],
    );
    folder.check_saved(EndReason::Failed, 34);
    await_no_sessions(&database);
    let sql = "SELECT count(*) FILTER (WHERE customer_id IS NOT NULL), count(*) FILTER (WHERE id > 3400 \
               AND customer_id \
               IS NOT NULL) FROM orders";
    let row = database.client().query_one(sql, &[]).expect("row");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (3400, 0));
}

#[test]
fn a_server_error_of_several_lines_stays_one_line() {
    let database = Database::create();
    database.execute(ORDERS);
    let folder = Folder::new();
    let migration = folder.file(
        "m.sql",
        "DO $$ BEGIN RAISE EXCEPTION E'first\\nerror: second\\033[2J'; END $$;",
    );
    let (url, out) = (database.url(), folder.path("out"));
    let words = ["step 1 at line 1: first\\nerror: second\\u{1b}[2J"];
    check_error(
        &["rehearse", &migration, "--staging", &url, "--output", &out],
        4,
        &words,
    );
}

#[test]
fn a_connection_that_is_lost_meanwhile() {
    let database = slow_orders();
    let rehearsal = UnderWay::begin(&database, &["--full"]);
    let mut client = database.client();
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
               AND state = 'active' AND query LIKE 'UPDATE orders%'";
    support::await_condition("a batch was cut off", || {
        !client.query(sql, &[]).expect("rows").is_empty()
    });
    check_refused(
        finished(rehearsal.child),
        3,
        &["the connection was lost", "id from", "saved "],
    );
    rehearsal.folder.check_saved(EndReason::ConnectionLost, 1);
}

#[test]
fn a_place_for_results_that_is_gone_at_the_end() {
    let database = slow_orders();
    let rehearsal = UnderWay::begin(&database, &["--fraction", "20%", "--provisional"]);
    let out = rehearsal.folder.path("out");
    std::fs::remove_dir_all(&out).expect("removed");
    std::fs::write(&out, "in the way").expect("file");
    let output = check_refused(
        finished(rehearsal.child),
        2,
        &["cannot write", "hint: name another place"],
    );
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        printed.contains("95 % probability"),
        "what was measured is told all the same: {printed}"
    );

    let folder = Folder::new();
    let migration = folder.file("m.sql", BACKFILL);
    let out = folder.file("taken", "");
    check_error(
        &["rehearse", &migration, "--staging", &database.url(), "--output", &out],
        2,
        &["cannot write"],
    );
}

#[test]
fn nothing_of_its_own_is_left_in_the_clone() {
    // A separate server, because other tests create and drop databases on the shared one.
    let server = ThrowawayServer::start(&support::options()).expect("server");
    let mut client = server.parameters("postgres").connect().expect("connection");
    client.batch_execute("CREATE DATABASE clone").expect("database");
    let clone = server.parameters("clone");
    let mut session = clone.connect().expect("connection");
    session.batch_execute(ORDERS).expect("orders");
    // A database in use cannot be copied to a sandbox.
    drop(session);
    let folder = Folder::new();
    let update = folder.file("update.sql", BACKFILL);
    let failing = folder.file("failing.sql", BACKFILL.replace("= user_id", "= 1 / (id - 3456)"));
    let (url, out) = (clone.to_string(), folder.path("out"));
    let before = catalog(&clone);
    for (migration, options, exit_code) in [
        (&update, &["--provisional"][..], 0),
        (&update, &["--provisional", "--sandbox"], 0),
        (&update, &["--provisional", "--runs", "2"], 0),
        (&failing, &["--full"], 4),
        (&failing, &["--full", "--sandbox"], 4),
    ] {
        let fixed = [
            "rehearse",
            migration,
            "--staging",
            &url,
            "--output",
            &out,
            "--batch-size",
            "50",
        ];
        let output = run(&mut support::migtime(&[&fixed[..], options].concat()));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit_code), "{options:?}: {said}");
        let after = catalog(&clone);
        let difference: Vec<_> = after.symmetric_difference(&before).collect();
        assert!(difference.is_empty(), "{options:?}: {difference:?}");
    }
}

/// Returns all relations, columns, functions, types, triggers, extensions, roles, databases and open prepared
/// transactions.
fn catalog(parameters: &migtime::server::ConnectionParameters) -> BTreeSet<String> {
    let sql = "SELECT 'relation ' || oid || relname || relfilenode || reloptions::text FROM pg_class \
               UNION ALL SELECT 'relation ' || oid || relname FROM pg_class \
               UNION ALL SELECT 'column ' || attrelid || attname || attnum FROM pg_attribute \
               UNION ALL SELECT 'function ' || oid || proname FROM pg_proc \
               UNION ALL SELECT 'type ' || oid || typname FROM pg_type \
               UNION ALL SELECT 'trigger ' || oid || tgname FROM pg_trigger \
               UNION ALL SELECT 'invalid index ' || indexrelid FROM pg_index WHERE NOT indisvalid \
               UNION ALL SELECT 'extension ' || extname FROM pg_extension \
               UNION ALL SELECT 'role ' || rolname FROM pg_roles \
               UNION ALL SELECT 'setting ' || setconfig::text FROM pg_db_role_setting \
               UNION ALL SELECT 'database ' || datname FROM pg_database \
               UNION ALL SELECT 'prepared ' || gid FROM pg_prepared_xacts";
    let mut client = parameters.connect().expect("connection");
    let rows = client.query(sql, &[]).expect("rows");
    rows.iter().filter_map(|row| row.get::<_, Option<String>>(0)).collect()
}
