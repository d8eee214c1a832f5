//! `migtime preflight` on real servers: what is in the way is named, and what cannot be known is no go.

use migtime::server::ThrowawayServer;
use postgres::Client;
use serde_json::Value;

use crate::bad_input::{Folder, check_done, check_error};
use crate::published_schemas;
use crate::support::{self, Database};

const TABLE: &str = "CREATE TABLE orders (id bigint PRIMARY KEY, user_id int NOT NULL, total int);
    INSERT INTO orders SELECT n, n, n FROM generate_series(1, 2000) AS n; ANALYZE orders";

const MIGRATION: &str = "SET lock_timeout = '5s';
ALTER TABLE orders ADD COLUMN note text;
ALTER TABLE orders ALTER COLUMN total TYPE bigint;
CREATE INDEX CONCURRENTLY orders_user ON orders (user_id);
";

/// Runs a preflight that ends with `code`, and returns its document.
fn document(code: i32, arguments: &[&str]) -> Value {
    let arguments = [&["preflight", "--format", "json"], arguments].concat();
    let text = match code {
        0 => check_done(&arguments),
        code => String::from_utf8(check_error(&arguments, code, &[]).stdout).expect("UTF-8"),
    };
    published_schemas::check("preflight", &text);
    serde_json::from_str(&text).expect("JSON")
}

/// Checks how one check came out, and that its evidence, remedy and commands contain all `words`.
fn check(document: &Value, name: &str, verdict: &str, words: &[&str]) {
    let checks = document["checks"].as_array().expect("checks");
    let found = checks.iter().find(|check| check["check"] == name).expect(name);
    assert_eq!(found["verdict"], verdict, "{found}");
    for word in words {
        assert!(found.to_string().contains(word), "{word:?} is not in {found}");
    }
}

#[test]
fn what_was_rehearsed_is_compared_with_production_as_it_is() {
    let database = Database::create();
    database.execute(TABLE);
    let folder = Folder::new();
    let (migration, out, url) = (folder.file("m.sql", MIGRATION), folder.path("out"), database.url());
    check_done(&["rehearse", &migration, "--staging", &url, "--sandbox", "--output", &out]);
    let asked = [&migration[..], "--url", &url, "--estimate", &out, "--window", "1h"];
    let quiet = document(0, &asked);
    for name in [
        "window",
        "schema-drift",
        "settings",
        "timeouts",
        "leftovers",
        "lock-queue",
        "connections",
    ] {
        check(&quiet, name, "go", &[]);
    }
    check(&quiet, "estimate", "warning", &["not for production's size"]);
    check(&quiet, "rollback", "skipped", &[]);
    assert_eq!(quiet["verdict"], "warning");
    let other = folder.file("other.sql", "ALTER TABLE orders ADD COLUMN other text;");
    let other = document(1, &[&other[..], "--url", &url, "--estimate", &out]);
    check(
        &other,
        "estimate",
        "no-go",
        &["it is of another migration: 0 of its 4 steps"],
    );

    database.execute("ALTER TABLE orders ALTER COLUMN user_id TYPE bigint; CREATE INDEX ON orders (total)");
    let short = [&migration[..], "--url", &url, "--estimate", &out, "--window", "1ms"];
    let drifted = document(1, &short);
    check(
        &drifted,
        "schema-drift",
        "no-go",
        &["column user_id bigint", "index on total"],
    );
    check(&drifted, "window", "no-go", &["does not surely fit"]);
    let commanded = [&migration[..], "--url", &url, "--backup-command", "echo of today"];
    check(&document(0, &commanded), "backup", "go", &["of today"]);
    let commanded = [&migration[..], "--url", &url, "--backup-command", "exit 1"];
    check(&document(1, &commanded), "backup", "no-go", &["failed"]);
}

/// A server on which transactions can be prepared and slots made, with [`TABLE`].
fn server() -> ThrowawayServer {
    let mut options = support::options();
    for (name, value) in [
        ("max_prepared_transactions", "2"),
        ("max_replication_slots", "2"),
        ("wal_level", "replica"),
    ] {
        options.settings.push((name.to_string(), value.to_string()));
    }
    let server = ThrowawayServer::start(&options).expect("server");
    let mut client = connect(&server);
    client.batch_execute(TABLE).expect("the table");
    server
}

fn connect(server: &ThrowawayServer) -> Client {
    server.parameters("postgres").connect().expect("connection")
}

/// Leaves unfinished whatever can be left unfinished on [`TABLE`].
fn make_a_mess(client: &mut Client) {
    let mess = "INSERT INTO orders VALUES (5001, 7, 1), (5002, 7, 2);
        ALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0) NOT VALID;
        CREATE ROLE deployer LOGIN; ALTER ROLE deployer SET statement_timeout = '1ms';
        CREATE PUBLICATION all_orders FOR TABLE orders";
    client.batch_execute(mess).expect("done");
    let duplicates = client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY twice ON orders (user_id)");
    assert!(duplicates.is_err(), "two rows are alike");
    let prepared = "BEGIN; UPDATE orders SET total = 3 WHERE id = 1; PREPARE TRANSACTION 'left'";
    client.batch_execute(prepared).expect("prepared");
    let slot = "SELECT pg_create_physical_replication_slot('unread', true)";
    client.execute(slot, &[]).expect("a slot");
}

#[test]
fn whatever_is_in_the_way_is_named_with_what_to_do() {
    let server = server();
    let mut client = connect(&server);
    make_a_mess(&mut client);
    let mut idle = connect(&server);
    idle.batch_execute("BEGIN; SELECT count(*) FROM orders")
        .expect("a snapshot was taken");
    let folder = Folder::new();
    let (migration, url) = (
        folder.file("m.sql", MIGRATION),
        server.parameters("postgres").to_string(),
    );
    let asked = [
        &migration[..],
        "--url",
        &url,
        "--transaction-age",
        "1ms",
        "--role",
        "deployer",
    ];
    let found = document(1, &asked);
    let held = [
        "idle in transaction",
        "AccessShareLock on public.orders",
        "AccessExclusiveLock",
        "pg_terminate_backend(",
    ];
    check(&found, "transactions", "no-go", &held);
    check(
        &found,
        "prepared-transactions",
        "no-go",
        &["RowExclusiveLock on public.orders", "ROLLBACK PREPARED 'left'"],
    );
    check(
        &found,
        "timeouts",
        "no-go",
        &[
            "will be cancelled at about",
            "role deployer",
            "SET statement_timeout = 0",
        ],
    );
    let left = [
        "twice on public.orders is not valid",
        "positive on public.orders is NOT VALID",
        "VALIDATE CONSTRAINT positive",
    ];
    check(&found, "leftovers", "warning", &left);
    check(
        &found,
        "slots",
        "warning",
        &["nobody reads slot unread", "pg_drop_replication_slot('unread')"],
    );
    check(&found, "publications", "warning", &["published by all_orders"]);
    check(&found, "replication", "go", &[]);
}

#[test]
fn whoever_waits_already_and_whoever_cannot_be_seen_is_no_go() {
    let server = server();
    let (mut client, mut holding, mut waiting) = (connect(&server), connect(&server), connect(&server));
    client
        .batch_execute("CREATE ROLE reader LOGIN; GRANT SELECT ON orders TO reader")
        .expect("a role");
    holding
        .batch_execute("BEGIN; SELECT count(*) FROM orders")
        .expect("a lock");
    let folder = Folder::new();
    let (migration, url) = (
        folder.file("m.sql", MIGRATION),
        server.parameters("postgres").to_string(),
    );
    let process: i32 = waiting.query_one("SELECT pg_backend_pid()", &[]).expect("row").get(0);
    let waiter = std::thread::spawn(move || waiting.batch_execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE"));
    let sql = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)";
    support::await_condition("the lock is waited for", || {
        client.query_one(sql, &[&process]).expect("row").get(0)
    });
    let queued = document(1, &[&migration, "--url", &url]);
    let words = [
        "is waited for (ACCESS EXCLUSIVE)",
        "waits for AccessExclusiveLock on orders, behind process",
    ];
    check(&queued, "lock-queue", "no-go", &words);
    client
        .execute("SELECT pg_terminate_backend($1)", &[&process])
        .expect("ended");
    assert!(waiter.join().expect("a thread").is_err());

    // A role that sees nothing of others gets no go.
    let reader = url.replacen("://migtime@", "://reader@", 1);
    let blind = document(5, &[&migration, "--url", &reader, "--transaction-age", "1ms"]);
    for name in ["transactions", "lock-queue", "autovacuum"] {
        check(&blind, name, "unknown", &["pg_monitor"]);
    }
}

#[test]
fn a_team_requires_and_waives_checks_until_a_day() {
    let database = Database::create();
    database.execute(TABLE);
    let folder = Folder::new();
    let (migration, url) = (folder.file("m.sql", MIGRATION), database.url());
    let with = |code: i32, rules: &str| {
        let rules = folder.file("migtime.toml", rules);
        document(code, &[&migration, "--url", &url, "--config", &rules])
    };
    let required = with(1, "[preflight]\nrequire = [\"rollback\"]\n");
    check(&required, "rollback", "no-go", &["migtime.toml requires this check"]);
    let rules = |until: &str| {
        format!(
            "[preflight]\nrequire = [\"rollback\"]\n[[preflight.waive]]\ncheck = \"rollback\"\n\
             reason = \"nothing to roll back\"\nuntil = \"{until}\"\n"
        )
    };
    let waived = with(0, &rules("2999-12-31"));
    check(&waived, "rollback", "no-go", &["nothing to roll back", "2999-12-31"]);
    check(
        &with(1, &rules("2001-01-01")),
        "rollback",
        "no-go",
        &["its waiver ended on 2001-01-01"],
    );
    let file = folder.file("migtime.toml", rules("soon"));
    let asked = ["preflight", &migration, "--url", &url, "--config", &file];
    check_error(&asked, 2, &["the waiver of rollback needs a reason and a day"]);
    let junit = check_done(&["preflight", &migration, "--url", &url, "--format", "junit"]);
    let suites = junit_parser::from_reader(junit.as_bytes()).expect("JUnit XML");
    assert_eq!((suites.suites[0].tests, suites.suites[0].failures), (17, 0));
    let markdown = check_done(&["preflight", &migration, "--url", &url, "--format", "markdown"]);
    assert!(markdown.contains("| go | lock-queue | nobody waits"), "{markdown}");
    let terminal = check_done(&["preflight", &migration, "--url", &url]);
    assert!(
        terminal.contains(&format!("m.sql on {}: go", database.name())),
        "{terminal}"
    );
}
