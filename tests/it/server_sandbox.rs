//! The sandbox: a true copy, gone afterwards; leftovers of dead runs are dropped, and nothing that is not ours.

use migtime::error::ErrorKind;
use migtime::server::Sandbox;

use crate::support::{self, Database};

fn exists(database: &Database, name: &str) -> bool {
    let sql = "SELECT count(*) FROM pg_database WHERE datname = $1";
    database
        .client()
        .query_one(sql, &[&name])
        .expect("row")
        .get::<_, i64>(0)
        == 1
}

#[test]
fn a_sandbox_is_a_copy_that_is_dropped() {
    let database = Database::create();
    database.execute("CREATE TABLE orders AS SELECT generate_series(1, 10) AS id");
    let sandbox = Sandbox::copy(&database.parameters()).expect("sandbox");
    let name = sandbox.parameters().database().to_string();
    let mut client = sandbox.parameters().connect().expect("connection");
    assert_eq!(client.execute("DELETE FROM orders", &[]).expect("delete"), 10);
    let row = database
        .client()
        .query_one("SELECT count(*) FROM orders", &[])
        .expect("row");
    assert_eq!(row.get::<_, i64>(0), 10);

    // A session that is still open does not keep it.
    drop(sandbox);
    assert!(!exists(&database, &name));
}

#[test]
fn leftovers_of_the_dead_are_dropped_and_nothing_else() {
    let database = Database::create();
    let (of_the_dead, in_use) = ("migtime_sandbox_00000000deadbeef", "migtime_sandbox_00000000feedbeef");
    let not_ours = "migtime_sandbox_of_somebody";
    for name in [of_the_dead, in_use, not_ours] {
        database.execute(&format!("CREATE DATABASE {name}"));
    }
    let session = database
        .parameters()
        .with_database(in_use)
        .connect()
        .expect("connection");
    let alive = Sandbox::copy(&database.parameters()).expect("sandbox");
    let beside = Sandbox::copy(&database.parameters()).expect("another sandbox");

    assert!(!exists(&database, of_the_dead));
    assert!(exists(&database, in_use));
    assert!(exists(&database, not_ours));
    assert!(exists(&database, alive.parameters().database()));
    drop(beside);
    assert!(exists(&database, alive.parameters().database()));

    drop(session);
    for name in [in_use, not_ours] {
        database.execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }
}

#[test]
fn a_template_in_use_is_an_error_that_names_the_sessions() {
    let database = Database::create();
    let _session = database.client();
    let error = Sandbox::copy(&database.parameters()).err().expect("in use");
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.message().contains("is being accessed by other users"), "{error}");
    assert!(
        error
            .excerpt()
            .is_some_and(|excerpt| excerpt.contains("of migtime (migtime)"))
    );
    assert!(error.hint().is_some());
}

#[test]
fn a_role_that_may_not_create_databases_is_told_how_to() {
    let database = Database::create();
    database.execute("CREATE ROLE cannot_create LOGIN");
    let target = database.url().replace("migtime@", "cannot_create@");
    let error = Sandbox::copy(&support::resolve(&target)).err().expect("not allowed");
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.message().contains("permission denied"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("CREATEDB")));
    database.execute("DROP ROLE cannot_create");
}
