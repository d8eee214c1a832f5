//! Targets that cannot be connected to or must not be rehearsed on: exit 3, and nothing is changed there.

use std::net::TcpListener;

use migtime::server::{ThrowawayOptions, ThrowawayServer};

use crate::bad_input::{BACKFILL, Folder, ORDERS, check_error, check_refused, run};
use crate::support::{self, Database};

/// Checks that `staging` is refused with the variables of `environment` set.
fn check_staging(database: &Database, staging: &str, environment: &[(&str, &str)], options: &[&str], words: &[&str]) {
    let folder = Folder::new();
    let migration = folder.file("backfill.sql", BACKFILL);
    let out = folder.path("out");
    let fixed = ["rehearse", &migration, "--staging", staging, "--output", &out];
    let mut command = support::migtime(&[&fixed[..], options].concat());
    check_refused(run(command.envs(environment.iter().copied())), 3, words);
    let sql = "SELECT count(*) FROM orders WHERE customer_id IS NOT NULL";
    let changed: i64 = database.client().query_one(sql, &[]).expect("row").get(0);
    assert_eq!(changed, 0);
    assert!(!std::path::Path::new(&out).exists(), "nothing was rehearsed");
}

fn orders() -> Database {
    let database = Database::create();
    database.execute(ORDERS);
    database
}

#[test]
fn no_server_binaries() {
    let folder = Folder::new();
    let migration = folder.file("backfill.sql", BACKFILL);
    let words = [
        "/nonexistent has no `initdb`",
        "hint: name the directory that holds initdb, pg_ctl and postgres",
    ];
    let scratch = [
        "rehearse",
        &migration,
        "--scratch",
        "--schema",
        &migration,
        "--pg-bin",
        "/nonexistent",
    ];
    check_error(&scratch, 3, &words);
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/simple-backfill");
    let out = folder.path("out");
    let demo = [
        "demo",
        "--scenario",
        scenario,
        "--pg-bin",
        "/nonexistent",
        "--output",
        &out,
    ];
    check_error(&demo, 3, &words);
}

#[test]
fn a_password_that_is_wrong_or_missing_is_never_shown() {
    let server = ThrowawayServer::start(&support::options()).expect("server");
    let hba = server.directory().join("data/pg_hba.conf");
    let rules = std::fs::read_to_string(&hba).expect("pg_hba.conf");
    std::fs::write(&hba, format!("local all modest scram-sha-256\n{rules}")).expect("rules");
    let mut client = server.parameters("postgres").connect().expect("connection");
    client
        .batch_execute("CREATE ROLE modest LOGIN PASSWORD 'right'; SELECT pg_reload_conf()")
        .expect("role");
    let socket = server.directory().display();
    let without = format!("postgresql://modest@/postgres?host={socket}");
    support::await_condition("the rules are read", || support::resolve(&without).connect().is_err());

    let with = format!("postgresql://modest:geheim@/postgres?host={socket}");
    let refused = check_error(
        &["estimate", "--table", "orders", "--url", &with],
        3,
        &["password authentication failed for user", "hint: a password comes from"],
    );
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!said.contains("geheim"), "{said}");
    check_error(
        &["estimate", "--table", "orders", "--url", &without],
        3,
        &["the server asks for a password", "hint: a password comes from"],
    );
    let folder = Folder::new();
    let migration = folder.file("backfill.sql", BACKFILL);
    let refused = check_error(
        &["rehearse", &migration, "--staging", &with],
        3,
        &["password authentication failed"],
    );
    assert!(!String::from_utf8_lossy(&refused.stderr).contains("geheim"));
}

#[test]
fn targets_that_are_no_targets() {
    let check = |url: &str, exit_code: i32, words: &[&str]| {
        let refused = check_error(&["estimate", "--table", "orders", "--url", url], exit_code, words);
        assert!(!String::from_utf8_lossy(&refused.stderr).contains("geheim"), "{url}");
    };
    let database = Database::create();
    let nowhere = database.url().replace(database.name(), "nowhere");
    check(&nowhere, 3, &["database \"nowhere\" does not exist", "hint:"]);
    check(
        "postgresql:///postgres?host=/nonexistent",
        3,
        &["hint: is the server running there"],
    );
    check("postgresql://u:geheim@host:port/shop", 2, &["a port is not a number"]);
    check(
        "postgresql://u:ge/heim@host/shop",
        2,
        &["an @ that does not end user and password", "encode @"],
    );
    check(
        "postgresql://u:5432/geheim@host/shop",
        2,
        &["an @ that does not end user and password"],
    );
    check("postgresql://u:geheim@[::1/shop", 2, &["an IPv6 address"]);
    check("mysql://u:geheim@host/shop", 2, &["starts with postgresql://"]);
    check("postgres:/u:geheim@host/shop", 2, &["starts with postgresql://"]);
    check("u:geheim@host/shop", 2, &["starts with postgresql://"]);
    check("password='geheim", 2, &["without its closing quote"]);
    check("host=h nosuch=1", 2, &["unknown connection option `nosuch`"]);
}

#[test]
fn staging_that_is_production() {
    let database = orders();
    let url = database.url();
    let name = database.name().to_string();
    // Another path to the same socket: only the server itself can show that it is the same one.
    let socket = database.socket_directory().display().to_string();
    let detour = format!(
        "{socket}/../{}",
        database.socket_directory().file_name().expect("name").display()
    );
    let alias = format!("postgresql://migtime@/{name}?host={detour}");
    let is_production = [
        "is the production database",
        "hint: name a disposable clone with --staging",
    ];
    check_staging(&database, &url, &[], &["--production", &url], &is_production);
    check_staging(&database, &url, &[], &["--production", &alias], &is_production);
    check_staging(&database, &url, &[("DATABASE_URL", &url)], &[], &is_production);
    check_staging(&database, &url, &[("DATABASE_URL", &alias)], &[], &is_production);
    let variables = [
        ("PGHOST", socket.as_str()),
        ("PGUSER", "migtime"),
        ("PGDATABASE", &name),
    ];
    check_staging(&database, &url, &variables, &["--sandbox"], &is_production);
    let variables = [
        ("PGHOST", detour.as_str()),
        ("PGUSER", "migtime"),
        ("PGDATABASE", &name),
    ];
    check_staging(&database, &url, &variables, &[], &is_production);
}

#[test]
fn staging_that_is_the_environments_production_beside_a_named_one() {
    let (database, other) = (orders(), orders());
    let (url, named) = (database.url(), other.url());
    let socket = database.socket_directory().display().to_string();
    let folder = database.socket_directory().file_name().expect("name").display();
    let alias = format!("postgresql://migtime@/{}?host={socket}/../{folder}", database.name());
    let named = ["--production", &named];
    let is_production = [
        "is the production database",
        "hint: name a disposable clone with --staging",
    ];
    check_staging(&database, &url, &[("DATABASE_URL", &url)], &named, &is_production);
    check_staging(&database, &url, &[("DATABASE_URL", &alias)], &named, &is_production);
    // Where the environment names two databases, both count as production.
    let both = [
        ("PGHOST", socket.as_str()),
        ("PGUSER", "migtime"),
        ("PGDATABASE", other.name()),
        ("DATABASE_URL", &alias),
    ];
    check_staging(&database, &url, &both, &named, &is_production);
}

#[test]
fn staging_that_could_be_where_an_unanswering_production_is() {
    let (database, other) = (orders(), orders());
    let url = database.url();
    let silent = url.replace(database.name(), "nowhere");
    let may_be = [
        "may be the production database: ",
        "database \"nowhere\" does not exist",
        "hint: nothing shows that postgresql://migtime@",
        "is another server; let it answer, or unset what names it",
    ];
    let environment = [("DATABASE_URL", silent.as_str())];
    check_staging(&database, &url, &environment, &[], &may_be);
    check_staging(&database, &url, &environment, &["--production", &other.url()], &may_be);

    // A production on another server, judging by its name, only causes a warning.
    let folder = Folder::new();
    let migration = folder.file("backfill.sql", BACKFILL);
    let out = folder.path("out");
    let mut command = support::migtime(&["rehearse", &migration, "--staging", &url, "--output", &out, "--sandbox"]);
    let output = run(command.env("DATABASE_URL", "postgresql://migtime@production.invalid/app"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("warning: not compared with the production"), "{said}");
}

#[test]
fn staging_that_is_production_by_another_protocol() {
    let server = server_on_tcp();
    let mut client = server.parameters("postgres").connect().expect("connection");
    client.batch_execute(ORDERS).expect("orders");
    let port: String = client.query_one("SHOW port", &[]).expect("row").get(0);
    let folder = Folder::new();
    let migration = folder.file("backfill.sql", BACKFILL);
    let staging = format!("postgresql://migtime@localhost:{port}/postgres");
    let production = server.parameters("postgres").to_string();
    check_error(
        &[
            "rehearse",
            &migration,
            "--staging",
            &staging,
            "--production",
            &production,
        ],
        3,
        &["is the production database"],
    );
}

#[test]
fn staging_is_never_taken_from_where_production_is_named() {
    let database = orders();
    let folder = Folder::new();
    let migration = folder.file("backfill.sql", BACKFILL);
    let socket = database.socket_directory().display().to_string();
    let url = database.url();
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("PGHOST", &socket),
        ("PGUSER", "migtime"),
        ("PGDATABASE", database.name()),
    ];
    let no_staging = [
        "no staging clone is named",
        "hint: name a disposable one with --staging URL",
    ];
    for arguments in [
        vec!["rehearse", &migration],
        vec!["rehearse", &migration, "--staging", ""],
    ] {
        let mut command = support::migtime(&arguments);
        check_refused(run(command.envs(environment)), 2, &no_staging);
        check_refused(run(command.env("MIGTIME_STAGING_URL", "")), 2, &no_staging);
    }
    // Variables that name a staging server must not prevent the use of a throwaway server.
    let schema = folder.file("schema.sql", "SELECT 1/0;");
    let mut command = support::migtime(&["rehearse", &migration, "--scratch", "--schema", &schema]);
    check_refused(
        run(command.env("MIGTIME_STAGING_URL", &url)),
        2,
        &["schema.sql:1: division by zero"],
    );
}

#[test]
fn staging_that_cannot_be_written_to() {
    let database = orders();
    database.execute(&format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        database.name()
    ));
    check_staging(
        &database,
        &database.url(),
        &[],
        &[],
        &["is read-only", "hint: default_transaction_read_only"],
    );

    let server = ThrowawayServer::start(&support::options()).expect("server");
    support::restart_as_standby(&server);
    let folder = Folder::new();
    let migration = folder.file("backfill.sql", BACKFILL);
    check_error(
        &[
            "rehearse",
            &migration,
            "--staging",
            &server.parameters("postgres").to_string(),
        ],
        3,
        &[
            "is a standby",
            "hint: rehearse on a clone that is cut off from production",
        ],
    );
}

/// Starts a server that also listens on a free TCP port of this machine.
fn server_on_tcp() -> ThrowawayServer {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("address").port().to_string();
    drop(listener);
    let mut options: ThrowawayOptions = support::options();
    options.settings.push(("listen_addresses".into(), "127.0.0.1".into()));
    options.settings.push(("port".into(), port));
    ThrowawayServer::start(&options).expect("server")
}
