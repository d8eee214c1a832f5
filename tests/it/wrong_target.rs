//! A wrong `--staging` alone changes nothing: a database is changed in place only if it is marked or named, and nobody
//! depends on it.

use std::process::Output;

use migtime::server::{ConnectionParameters, ThrowawayServer};

use crate::bad_input::{BACKFILL, Folder, ORDERS, check_refused, run};
use crate::support::{self, Database};

fn rehearse(staging: &str, options: &[&str]) -> Output {
    let folder = Folder::new();
    let (migration, out) = (folder.file("backfill.sql", BACKFILL), folder.path("out"));
    let fixed = ["rehearse", &migration, "--staging", staging, "--output", &out, "--full"];
    let mut command = support::migtime(&[&fixed[..], options].concat());
    // A session's own setting says nothing about the database.
    run(command.env("PGOPTIONS", "-c migtime.disposable=on"))
}

fn is_changed(database: &ConnectionParameters) -> bool {
    let mut client = database.connect().expect("connection");
    let sql = "SELECT EXISTS (SELECT FROM orders WHERE customer_id IS NOT NULL)";
    client.query_one(sql, &[]).expect("row").get(0)
}

fn check_done(output: &Output, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains(words), "{said}");
}

fn check_in_place(database: &ConnectionParameters, options: &[&str]) {
    let output = rehearse(&database.to_string(), options);
    check_done(&output, "which is changed by it (--sandbox works on a copy)");
    assert!(is_changed(database));
}

fn check_left_alone(database: &ConnectionParameters, options: &[&str], words: &[&str]) {
    check_refused(rehearse(&database.to_string(), options), 3, words);
    assert!(!is_changed(database));
}

fn marked() -> Database {
    let database = Database::create();
    database.execute(ORDERS);
    database
}

fn unmarked() -> Database {
    let database = marked();
    database.execute(&format!("ALTER DATABASE {} RESET migtime.disposable", database.name()));
    database
}

/// Starts a server with these settings, whose database `postgres` has the orders.
fn server(settings: &[(&str, &str)]) -> ThrowawayServer {
    let mut options = support::options();
    let settings = settings
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()));
    options.settings.extend(settings);
    let server = ThrowawayServer::start(&options).expect("server");
    let mut client = server.parameters("postgres").connect().expect("connection");
    client.batch_execute(ORDERS).expect("orders");
    server
}

#[test]
fn without_a_mark_a_copy_is_changed() {
    let database = unmarked();
    let output = rehearse(&database.url(), &[]);
    let words = format!(
        "which is dropped afterwards (in place: --disposable {})",
        database.name()
    );
    check_done(&output, &words);
    assert!(!is_changed(&database.parameters()));
}

#[test]
fn a_role_that_may_not_copy_needs_a_mark_or_the_name() {
    let database = unmarked();
    let name = database.name();
    database.execute("CREATE ROLE makes_no_copies LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO makes_no_copies");
    let modest = support::resolve(&database.url().replace("migtime@", "makes_no_copies@"));
    let words = [
        "is not marked as disposable, and the role makes_no_copies may not make a copy of it".to_string(),
        format!("--disposable {name}"),
        format!("ALTER DATABASE {name} SET migtime.disposable = on"),
        "ALTER ROLE makes_no_copies CREATEDB".to_string(),
    ];
    check_left_alone(&modest, &[], &words.each_ref().map(String::as_str));
    // Another tool's command does not even start.
    let folder = Folder::new();
    let command = format!("touch '{}'", folder.path("reached"));
    let target = modest.to_string();
    let arguments = [
        "rehearse",
        "--exec",
        &command,
        "--staging",
        &target,
        "--output",
        &folder.path("out"),
    ];
    check_refused(run(&mut support::migtime(&arguments)), 3, &[&words[0]]);
    assert!(folder.names("").is_empty(), "{:?}", folder.names(""));
    // The right to create databases is not enough: the role can copy only databases it owns.
    database.execute("ALTER ROLE makes_no_copies CREATEDB");
    check_left_alone(&modest, &[], &[&words[0]]);
    database.execute(&format!("ALTER DATABASE {name} SET migtime.disposable = on"));
    check_in_place(&modest, &[]);
    database.execute("DROP OWNED BY makes_no_copies; DROP ROLE makes_no_copies");
}

#[test]
fn the_mark_or_the_name_lets_it_be_changed() {
    check_in_place(&marked().parameters(), &[]);
    let database = unmarked();
    let other = [
        "--disposable shop_clone is not the database that staging leads to",
        &format!("--disposable {}", database.name()),
    ];
    check_left_alone(&database.parameters(), &["--disposable", "shop_clone"], &other);
    check_in_place(&database.parameters(), &["--disposable", database.name()]);
    let database = marked();
    check_done(&rehearse(&database.url(), &["--sandbox"]), "saved ");
    assert!(!is_changed(&database.parameters()), "--sandbox always copies");
}

#[test]
fn a_database_to_which_others_are_connected_is_not_changed() {
    let database = marked();
    let target = format!("{}?application_name=shop", database.url());
    let client = support::resolve(&target).connect().expect("connection");
    let words = [
        "is not changed in place: other clients are connected (shop as migtime)",
        "hint: work on a copy with --sandbox; or, if it is disposable all the same: --waive clients",
    ];
    check_left_alone(&database.parameters(), &[], &words);
    check_left_alone(&database.parameters(), &["--disposable", database.name()], &words);
    // They count even for a role that may not see what they do.
    database.execute("CREATE ROLE sees_no_clients LOGIN; GRANT ALL ON orders TO sees_no_clients");
    let modest = support::resolve(&database.url().replace("migtime@", "sees_no_clients@"));
    check_left_alone(&modest, &[], &words);
    check_left_alone(&database.parameters(), &["--waive", "slots,replicas"], &words[..1]);
    check_in_place(&database.parameters(), &["--waive", "clients"]);
    drop(client);
    database.execute("DROP OWNED BY sees_no_clients; DROP ROLE sees_no_clients");
}

#[test]
fn a_database_that_replicas_follow_is_not_changed() {
    let primary = server(&[]);
    let replica = ThrowawayServer::start(&support::options()).expect("server");
    support::follow(&replica, &primary);
    let database = primary.parameters("postgres");
    let slots = format!("replication slots are active ({})", support::SLOT);
    let words = [
        "is not changed in place: replicas are attached (",
        &slots,
        "--waive replicas,slots",
    ];
    check_left_alone(&database, &["--disposable", "postgres"], &words);
    // They count even for a role that may not see what they are.
    let mut client = database.connect().expect("connection");
    let sql = "CREATE ROLE sees_little LOGIN; GRANT ALL ON orders TO sees_little";
    client.batch_execute(sql).expect("role");
    drop(client);
    let modest = support::resolve(&database.to_string().replace("migtime@", "sees_little@"));
    check_left_alone(&modest, &["--disposable", "postgres"], &words);
    let one = ["--disposable", "postgres", "--waive", "replicas"];
    check_left_alone(&database, &one, &[&slots]);
    check_in_place(&database, &["--disposable", "postgres", "--waive", "replicas,slots"]);
}

#[test]
fn a_database_whose_log_is_archived_is_not_changed() {
    let server = server(&[("archive_mode", "on"), ("archive_command", "exit 0")]);
    let database = server.parameters("postgres");
    let words = ["its log is archived (archive_mode = on)", "--waive archiving"];
    check_left_alone(&database, &["--disposable", "postgres"], &words);
    check_in_place(&database, &["--disposable", "postgres", "--waive", "archiving"]);

    // A copy is made, and the reasons against a clone are reported.
    let mut client = database.connect().expect("connection");
    client.batch_execute("CREATE DATABASE shop").expect("database");
    drop(client);
    let shop = server.parameters("shop");
    let mut client = shop.connect().expect("connection");
    client.batch_execute(ORDERS).expect("orders");
    drop(client);
    let warning = "warning: this may be no clone: its log is archived (archive_mode = on)";
    check_done(&rehearse(&shop.to_string(), &[]), warning);
    assert!(!is_changed(&shop));
}
