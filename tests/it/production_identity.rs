//! Production is recognised by any name: a standby of staging, a further host, a variable, a port that does not answer.

use std::net::TcpListener;

use migtime::error::{Error, ErrorKind};
use migtime::server::{Met, Production, Staging, ThrowawayServer};

use crate::bad_input::{BACKFILL, Folder, ORDERS, check_refused, run};
use crate::support::{self, Database, await_condition};

/// Rehearses on a copy of `staging` with these environment variables, and returns stderr.
fn check_rehearsed(staging: &str, environment: &[(&str, &str)], options: &[&str]) -> String {
    let folder = Folder::new();
    let (migration, out) = (folder.file("backfill.sql", BACKFILL), folder.path("out"));
    let fixed = [
        "rehearse",
        &migration,
        "--staging",
        staging,
        "--output",
        &out,
        "--sandbox",
    ];
    let mut command = support::migtime(&[&fixed[..], options].concat());
    let output = run(command.envs(environment.iter().copied()));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

/// Checks that nothing is rehearsed, and that stderr contains all `words`.
fn check_kept_off(staging: &str, environment: &[(&str, &str)], options: &[&str], words: &[&str]) {
    let folder = Folder::new();
    let (migration, out) = (folder.file("backfill.sql", BACKFILL), folder.path("out"));
    let fixed = [
        "rehearse",
        &migration,
        "--staging",
        staging,
        "--output",
        &out,
        "--sandbox",
    ];
    let mut command = support::migtime(&[&fixed[..], options].concat());
    check_refused(run(command.envs(environment.iter().copied())), 3, words);
    assert!(!std::path::Path::new(&out).exists(), "nothing was rehearsed");
}

fn server() -> ThrowawayServer {
    ThrowawayServer::start(&support::options()).expect("server")
}

fn fill(server: &ThrowawayServer) {
    let mut client = server.parameters("postgres").connect().expect("connection");
    client.batch_execute("CREATE DATABASE shop").expect("database");
    let mut client = server.parameters("shop").connect().expect("connection");
    client.batch_execute(ORDERS).expect("orders");
}

fn met(server: &ThrowawayServer) -> Met {
    let parameters = server.parameters("shop");
    let identity = Production::connect(&parameters).and_then(|mut production| production.identity());
    Met {
        identity: identity.expect("identity"),
        parameters,
    }
}

/// Compares a database of `staging` with the given production servers, as the program does.
fn compare(staging: &ThrowawayServer, servers: &[&ThrowawayServer]) -> Result<(), Error> {
    let met: Vec<Met> = servers.iter().map(|server| met(server)).collect();
    let mut staging = Staging::connect(&staging.parameters("shop")).expect("staging");
    staging.refuse_kin(&met).map(|neighbour| assert!(neighbour.is_none()))
}

#[test]
fn the_primary_of_a_production_that_is_a_replica_is_refused() {
    let (primary, replica) = (server(), server());
    fill(&primary);
    support::follow(&replica, &primary);
    let of = |server: &ThrowawayServer| server.parameters("shop").to_string();
    let (staging, production) = (of(&primary), of(&replica));
    let words = [
        "may be the primary of postgresql://migtime@",
        "that is a standby with the same system identifier ",
        "on the same timeline 1",
        "hint: rehearse on a clone that was promoted",
    ];
    check_kept_off(&staging, &[], &["--production", &production], &words);
    check_kept_off(&staging, &[("MIGTIME_PRODUCTION_URL", &production)], &[], &words);
    check_kept_off(&staging, &[("DATABASE_URL", &production)], &[], &words);

    let folder = Folder::new();
    let host = replica.directory().display().to_string();
    let services = format!("[shop]\nhost={host}\nuser=migtime\ndbname=shop\n");
    let services = folder.file("services", &services);
    let by_service = [("PGSERVICE", "shop"), ("PGSERVICEFILE", &services)];
    check_kept_off(&staging, &by_service, &[], &words);
    let by_variables = [("PGHOST", host.as_str()), ("PGDATABASE", "shop"), ("PGUSER", "migtime")];
    check_kept_off(&staging, &by_variables, &[], &words);

    // A host that is not the first, under a name that only the server itself can identify.
    let (first, second) = (replica.directory().display(), primary.directory().display());
    let folder = primary.directory().file_name().expect("name").display();
    let both = format!("postgresql://migtime@/shop?host={first},{second}/../{folder}");
    let is_production = ["is the production database: its server started at the same microsecond"];
    check_kept_off(&staging, &[], &["--production", &both], &is_production);
    check_kept_off(&staging, &[("MIGTIME_PRODUCTION_URL", &both)], &[], &is_production);

    // After promotion it is a clone like any other.
    let mut client = replica.parameters("postgres").connect().expect("connection");
    client.query_one("SELECT pg_promote()", &[]).expect("promoted");
    drop(client);
    compare(&primary, &[&replica]).expect("no standby any more");
    compare(&replica, &[&primary]).expect("a clone of its own");
}

#[test]
fn a_snapshot_of_a_primary_is_told_from_it_by_the_log_or_by_the_primary() {
    let (primary, replica, snapshot) = (server(), server(), server());
    fill(&primary);
    support::become_snapshot(&snapshot, &primary);
    support::follow(&replica, &primary);
    compare(&snapshot, &[&primary]).expect("another server");

    // The standby has replayed more than the snapshot contains, so the snapshot cannot be its primary.
    let mut client = primary.parameters("shop").connect().expect("connection");
    let sql = "CREATE TABLE filler AS SELECT n, repeat('x', 1000) FROM generate_series(1, 5000) AS n";
    client.batch_execute(sql).expect("filler");
    let written: String = client
        .query_one("SELECT pg_current_wal_lsn()::text", &[])
        .expect("row")
        .get(0);
    let mut watcher = replica.parameters("shop").connect().expect("connection");
    let sql = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn";
    await_condition("the replica catches up", || {
        watcher.query_one(sql, &[&written]).expect("row").get(0)
    });
    drop((client, watcher));
    compare(&snapshot, &[&replica]).expect("it is behind");

    // Once the snapshot has written more than that, only the primary can settle it.
    let mut client = snapshot.parameters("shop").connect().expect("connection");
    let sql = "CREATE TABLE filler AS SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) AS n";
    client.batch_execute(sql).expect("filler");
    drop(client);
    let error = compare(&snapshot, &[&replica]).expect_err("nothing rules it out");
    assert_eq!(error.kind(), ErrorKind::UnsafeTarget);
    assert!(error.message().contains("may be the primary of"), "{error}");
    compare(&snapshot, &[&replica, &primary]).expect("the primary is known");
}

#[test]
fn a_standby_whose_system_identifier_cannot_be_read_is_a_doubt() {
    let (standby, other) = (server(), server());
    fill(&standby);
    fill(&other);
    let mut client = other.parameters("shop").connect().expect("connection");
    let sql = "CREATE ROLE modest LOGIN; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC; \
               CREATE TABLE filler AS SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) AS n";
    client.batch_execute(sql).expect("role");
    drop(client);
    support::restart_as_standby(&standby);
    compare(&other, &[&standby]).expect("another system");

    let modest = support::resolve(&other.parameters("shop").to_string().replace("migtime@", "modest@"));
    let mut staging = Staging::connect(&modest).expect("staging");
    let error = staging.refuse_kin(&[met(&standby)]).err().expect("a doubt");
    assert_eq!(error.kind(), ErrorKind::UnsafeTarget);
    let fact = "the system identifier of one of the two cannot be read";
    assert!(error.message().contains(fact), "{error}");
    let grant = "GRANT EXECUTE ON FUNCTION pg_control_system() TO modest";
    assert!(error.hint().is_some_and(|hint| hint.contains(grant)));
}

#[test]
fn a_forwarded_port_that_does_not_answer_is_a_doubt() {
    let database = Database::create();
    database.execute(ORDERS);
    // Free once the listener is dropped, so nobody answers there.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("address").port();
    drop(listener);
    let silent = format!("postgresql://migtime@localhost:{port}/shop");
    let words = [
        "may be the production database: cannot connect to postgresql://migtime@localhost:",
        "is another server; let it answer, or unset what names it",
    ];
    for name in ["DATABASE_URL", "MIGTIME_PRODUCTION_URL"] {
        check_kept_off(&database.url(), &[(name, &silent)], &[], &words);
    }
    // Also after a host that answers.
    let other = Database::create();
    let directory = other.socket_directory().display();
    let both = format!(
        "host={directory},localhost port=5432,{port} user=migtime dbname={}",
        other.name()
    );
    check_kept_off(&database.url(), &[], &["--production", &both], &words);
    // A variable that names no database does not name production.
    check_rehearsed(
        &database.url(),
        &[("PGPORT", &port.to_string()), ("PGUSER", "nobody")],
        &[],
    );
}

#[test]
fn another_database_of_productions_server_is_warned_of() {
    let (database, production) = (Database::create(), Database::create());
    database.execute(ORDERS);
    let said = check_rehearsed(&database.url(), &[("MIGTIME_PRODUCTION_URL", &production.url())], &[]);
    assert!(
        said.contains("warning: staging is a database of production's own server"),
        "{said}"
    );
}
