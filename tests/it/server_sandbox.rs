//! The sandbox: an exact copy, dropped afterwards; leftovers of dead runs are dropped, and nothing else.

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

    // A session that is still open does not prevent the drop.
    drop(sandbox);
    assert!(!exists(&database, &name));
}

#[test]
fn leftovers_of_the_dead_are_dropped_and_nothing_else() {
    // On a shared server, another test's sandbox would clean up before this one does.
    let database = Database::create_alone();
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

#[test]
fn the_settings_of_the_template_hold_in_the_copy() {
    let database = Database::create();
    let name = database.name();
    database.execute(&format!(
        "CREATE SCHEMA \"Odd, \"\"one\"; CREATE TABLE \"Odd, \"\"one\".orders (); CREATE ROLE \"a%s \"\"b\" LOGIN; \
         ALTER DATABASE {name} SET search_path = '$user', 'Odd, \"one', public; \
         ALTER DATABASE {name} SET work_mem = '7MB'; \
         ALTER DATABASE {name} SET app.motto = E'it''s a \\\\ = \"b\", c'; \
         ALTER ROLE \"a%s \"\"b\" IN DATABASE {name} SET search_path = ''; \
         ALTER ROLE \"a%s \"\"b\" IN DATABASE {name} SET work_mem = '9MB'"
    ));
    let sandbox = Sandbox::copy(&database.parameters()).expect("sandbox");
    let copy = sandbox.parameters().database();
    // The settings of both, literally; then their effect in a session.
    let sql = "SELECT setrole, array_remove(setconfig, 'migtime.disposable=on') FROM pg_db_role_setting AS s \
               JOIN pg_database AS d ON d.oid = setdatabase \
               WHERE datname = $1 ORDER BY setrole";
    let of = |database_name: &str| -> Vec<(u32, Vec<String>)> {
        let rows = database.client().query(sql, &[&database_name]).expect("settings");
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    };
    assert_eq!(of(name).len(), 2);
    assert_eq!(of(copy), of(name));
    let mut client = sandbox.parameters().connect().expect("connection");
    client.query("SELECT FROM orders", &[]).expect("found by search_path");
    let row = client
        .query_one("SELECT current_setting('work_mem'), current_setting('app.motto')", &[])
        .expect("row");
    assert_eq!(row.get::<_, &str>(0), "7MB");
    assert_eq!(row.get::<_, &str>(1), r#"it's a \ = "b", c"#);
    drop(client);
    drop(sandbox);
    database.execute(r#"DROP OWNED BY "a%s ""b"; DROP ROLE "a%s ""b""#);
}

#[test]
fn a_setting_that_the_role_may_not_make_is_named_and_no_copy_is_left() {
    let database = Database::create();
    let name = database.name();
    database.execute(&format!(
        "CREATE ROLE cannot_set LOGIN CREATEDB; ALTER DATABASE {name} OWNER TO cannot_set; \
         ALTER DATABASE {name} SET log_min_duration_statement = 0"
    ));
    let target = database.url().replace("migtime@", "cannot_set@");
    let error = Sandbox::copy(&support::resolve(&target)).err().expect("not allowed");
    assert_eq!(error.kind(), ErrorKind::Connection);
    let expected =
        format!("cannot copy the setting log_min_duration_statement of the database {name}: permission denied");
    assert!(error.message().contains(&expected), "{error}");
    let undo = format!("ALTER DATABASE {name} RESET log_min_duration_statement");
    assert!(error.hint().is_some_and(|hint| hint.contains(&undo)), "{error}");
    let sql = "SELECT count(*) FROM pg_database WHERE datdba = 'cannot_set'::regrole";
    let owned: i64 = database.client().query_one(sql, &[]).expect("row").get(0);
    assert_eq!(owned, 1, "only the template is left");
    database.execute(&format!("ALTER DATABASE {name} OWNER TO migtime; DROP ROLE cannot_set"));
}
