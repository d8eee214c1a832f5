//! A lock that another session already holds: the error names the table and the holder, and no wait is endless.

use migtime::server::{ThrowawayOptions, ThrowawayServer};
use postgres::Client;

use crate::bad_input::{BACKFILL, Folder, ORDERS, check_error, check_refused, finished, run, start};
use crate::support::{self, Database, await_condition};

fn orders() -> Database {
    let database = Database::create();
    database.execute(ORDERS);
    database
}

/// A session of another program, in a transaction.
struct Holder {
    client: Client,
    process: i32,
}

impl Holder {
    /// Begins a transaction and runs `sql` in it.
    fn begin(database: &Database, sql: &str) -> Holder {
        let mut client = database.client();
        client
            .batch_execute(&format!("SET application_name = 'nightly job'; BEGIN; {sql}"))
            .unwrap_or_else(|error| panic!("{sql}: {}", support::said(&error)));
        let row = client.query_one("SELECT pg_backend_pid()", &[]).expect("row");
        Holder {
            process: row.get(0),
            client,
        }
    }

    fn locked(database: &Database) -> Holder {
        Holder::begin(database, "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
    }

    /// Returns the words that name it in a message.
    fn words(&self, mode: &str) -> String {
        let process = self.process;
        format!(
            "public.orders is locked ({mode}) by server process {process} of migtime (nightly job), in a transaction \
             since 2"
        )
    }

    fn release(mut self) {
        self.client.batch_execute("ROLLBACK").expect("released");
    }
}

/// Returns the arguments to rehearse `sql` on `database` although the holder of the lock is connected.
fn rehearse(folder: &Folder, database: &Database, sql: &str, lock_timeout: &str) -> Vec<String> {
    let (migration, url, out) = (folder.file("m.sql", sql), database.url(), folder.path("out"));
    let fixed = [
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--full",
        "--waive",
        "clients",
        "--lock-timeout",
        lock_timeout,
    ];
    fixed.map(str::to_string).to_vec()
}

fn as_slices(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn a_rehearsal_names_who_locked_its_table_before_it_came() {
    let database = orders();
    let holder = Holder::locked(&database);
    let words = holder.words("ACCESS EXCLUSIVE");
    for sql in [BACKFILL, "ALTER TABLE orders ADD COLUMN note text;"] {
        let folder = Folder::new();
        let arguments = rehearse(&folder, &database, sql, "200ms");
        let hint = "hint: end the session that holds the lock on the clone, or wait longer with --lock-timeout";
        let words = [&words, "canceling statement due to lock timeout (SQLSTATE 55P03)", hint];
        check_error(&as_slices(&arguments), 3, &words);
    }
    holder.release();
}

#[test]
fn a_rehearsal_waits_for_a_table_as_long_as_it_may() {
    let database = orders();
    let holder = Holder::locked(&database);
    let folder = Folder::new();
    let arguments = rehearse(&folder, &database, BACKFILL, "10m");
    let child = start(&mut support::migtime(&as_slices(&arguments)));
    let mut client = database.client();
    // Longer than the lock timeout for production.
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
                 AND wait_event_type = 'Lock' \
                 AND clock_timestamp() - query_start > interval '3 seconds')";
    await_condition("the rehearsal waits", || {
        client.query_one(waits, &[]).expect("row").get(0)
    });
    holder.release();
    let output = finished(child);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn a_statement_names_who_has_a_weaker_lock_on_its_table() {
    let database = orders();
    let holder = Holder::begin(&database, "UPDATE orders SET user_id = 1 WHERE id = 1");
    let folder = Folder::new();
    let arguments = rehearse(&folder, &database, "CREATE INDEX by_user ON orders (user_id);", "200ms");
    let words = holder.words("ROW EXCLUSIVE");
    let words = [
        &words,
        "step 1 at line 1",
        "hint: another session holds a lock on the clone",
        "--lock-timeout",
    ];
    check_error(&as_slices(&arguments), 4, &words);
    holder.release();
}

#[test]
fn production_names_it_too() {
    let database = orders();
    let holder = Holder::locked(&database);
    let folder = Folder::new();
    let (migration, url) = (folder.file("m.sql", BACKFILL), database.url());
    let words = holder.words("ACCESS EXCLUSIVE");
    let hint = "hint: try again when that lock is released";
    for arguments in [
        &["plan", &migration, "--url", &url][..],
        &["estimate", "--table", "orders", "--url", &url],
        &["estimate", "--table", "orders", "--exact", "--url", &url],
    ] {
        check_error(arguments, 3, &[&words, hint]);
    }
    holder.release();
}

#[test]
fn a_lock_that_is_itself_waited_for_is_told_with_what_it_waits_for() {
    let database = orders();
    let reader = Holder::begin(&database, "SELECT count(*) FROM orders");
    let mut other = database.client();
    let waiter: i32 = other.query_one("SELECT pg_backend_pid()", &[]).expect("row").get(0);
    let altering = std::thread::spawn(move || other.batch_execute("ALTER TABLE orders ADD COLUMN note text"));
    let mut client = database.client();
    await_condition("the other waits", || {
        let sql = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)";
        client.query_one(sql, &[&waiter]).expect("row").get(0)
    });
    let first = format!("public.orders is waited for (ACCESS EXCLUSIVE) by server process {waiter} of migtime");
    let second = format!("which waits itself for server process {}", reader.process);
    let url = database.url();
    check_error(&["estimate", "--table", "orders", "--url", &url], 3, &[&first, &second]);
    reader.release();
    altering.join().expect("the thread ends").expect("altered");
}

#[test]
fn a_prepared_transaction_is_told_by_its_name() {
    let options = support::options();
    let settings = [
        options.settings,
        vec![("max_prepared_transactions".to_string(), "2".to_string())],
    ];
    let options = ThrowawayOptions {
        settings: settings.concat(),
        ..options
    };
    let server = ThrowawayServer::start(&options).expect("server");
    let parameters = server.parameters("postgres");
    let mut client = parameters.connect().expect("connection");
    client.batch_execute(ORDERS).expect("orders");
    client
        .batch_execute(
            "BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; INSERT INTO orders VALUES (0, 0, 0); PREPARE \
             TRANSACTION 'forgotten'",
        )
        .expect("prepared");
    let words =
        "public.orders is locked (ACCESS EXCLUSIVE) by the prepared transaction 'forgotten' of migtime, since 2";
    let url = parameters.to_string();
    check_error(&["estimate", "--table", "orders", "--url", &url], 3, &[words]);
}

#[test]
fn a_command_is_watched_without_a_wait_for_what_others_lock() {
    let database = orders();
    let holder = Holder::locked(&database);
    let folder = Folder::new();
    let (url, out) = (database.url(), folder.path("out"));
    let output = run(&mut support::migtime(&[
        "rehearse",
        "--staging",
        &url,
        "--output",
        &out,
        "--waive",
        "clients",
        "--exec",
        "true",
    ]));
    check_refused(output, 5, &["no statement of `true` was seen"]);
    holder.release();
}
