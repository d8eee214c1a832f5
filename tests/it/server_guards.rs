//! Production is only read, and staging is refused when it is production, a standby or read-only.

use std::time::{Duration, Instant};

use migtime::error::{Error, ErrorKind};
use migtime::server::{Production, Staging, ThrowawayServer, free_disk};

use crate::support::{self, Database};

fn check_unsafe(result: Result<impl Sized, Error>, expected: &str) {
    let error = result.err().expect(expected);
    assert_eq!(error.kind(), ErrorKind::UnsafeTarget, "{error}");
    assert!(error.message().contains(expected), "{error}");
    assert!(error.hint().is_some(), "{error}");
}

#[test]
fn production_cannot_be_written_to() {
    let database = Database::create();
    database.execute("CREATE TABLE orders (id integer); INSERT INTO orders VALUES (1)");
    let mut production = Production::connect(&database.parameters()).expect("production");
    for sql in [
        "UPDATE orders SET id = 2",
        "CREATE TABLE other ()",
        "SET TRANSACTION READ WRITE",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT id FROM orders FOR UPDATE",
    ] {
        let error = production
            .read(|reader| reader.query(sql, &[]).map(drop))
            .expect_err(sql);
        assert_eq!(error.kind(), ErrorKind::Connection, "{sql}");
        assert!(error.message().contains("read"), "{sql}: {error}");
    }
    let rows = production.read(|reader| reader.query("SELECT id FROM orders", &[]));
    assert_eq!(rows.expect("rows")[0].get::<_, i32>(0), 1);
}

#[test]
fn reading_leaves_no_setting_behind_for_whoever_has_the_session_next() {
    let database = Database::create();
    let mut staging = Staging::connect(&database.parameters()).expect("staging");
    let sql = "SELECT current_setting('lock_timeout'), current_setting('statement_timeout'), \
               current_setting('transaction_read_only')";
    let inside = staging.read(|reader| reader.query(sql, &[])).expect("rows");
    assert_eq!(inside[0].get::<_, &str>(0), "2s");
    assert_eq!(inside[0].get::<_, &str>(2), "on");
    let outside = staging.client().query_one(sql, &[]).expect("row");
    for (column, expected) in ["0", "0", "off"].into_iter().enumerate() {
        assert_eq!(outside.get::<_, &str>(column), expected);
    }
}

#[test]
fn a_reader_does_not_queue_up_behind_a_lock() {
    let database = Database::create();
    database.execute("CREATE TABLE orders (id integer)");
    let mut holder = database.client();
    let mut transaction = holder.transaction().expect("transaction");
    transaction
        .batch_execute("LOCK orders IN ACCESS EXCLUSIVE MODE")
        .expect("lock");

    let mut production = Production::connect(&database.parameters()).expect("production");
    let start = Instant::now();
    let error = production
        .read(|reader| reader.query("SELECT * FROM orders", &[]).map(drop))
        .expect_err("locked");
    assert!(error.message().contains("lock timeout"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn a_statement_on_production_is_stopped_in_time() {
    let database = Database::create();
    let mut production = Production::connect(&database.parameters()).expect("production");
    let error = production
        .read_within(Duration::from_millis(50), |reader| {
            reader.query("SELECT pg_sleep(600)", &[]).map(drop)
        })
        .expect_err("too long");
    assert!(error.message().contains("statement timeout"), "{error}");
}

#[test]
fn staging_that_is_production_is_refused() {
    let database = Database::create();
    let parameters = database.parameters();
    check_unsafe(
        Staging::refuse_same_name(&parameters, &parameters),
        "is the production database",
    );
    let identity = Production::connect(&parameters)
        .and_then(|mut production| production.identity())
        .expect("identity");
    let mut staging = Staging::connect(&parameters).expect("staging");
    check_unsafe(staging.refuse_if_same(&identity), "is the production database");

    let clone = Database::create();
    let mut staging = Staging::connect(&clone.parameters()).expect("staging");
    staging.refuse_if_same(&identity).expect("another database");
    assert!(staging.identity().expect("identity").is_same_server(&identity));
}

#[test]
fn production_is_recognised_by_a_role_that_may_not_ask_for_the_system_identifier() {
    let server = ThrowawayServer::start(&support::options()).expect("server");
    let mut client = server.parameters("postgres").connect().expect("connection");
    client
        .batch_execute("CREATE ROLE modest LOGIN; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        .expect("role");
    let mut production = Production::connect(&server.parameters("postgres")).expect("production");
    let known = production.identity().expect("identity");

    let target = server.parameters("postgres").to_string().replace("migtime@", "modest@");
    let modest = support::resolve(&target);
    let mut staging = Staging::connect(&modest).expect("staging");
    check_unsafe(staging.refuse_if_same(&known), "is the production database");
}

#[test]
fn free_disk_is_seen_by_a_role_that_may_see_where_the_server_keeps_its_data() {
    let database = Database::create();
    database.execute("CREATE ROLE no_settings LOGIN");
    let mut seen = Production::connect(&database.parameters()).expect("production");
    let free = seen
        .read(free_disk)
        .expect("an answer")
        .expect("the server is on this machine");
    let found = rustix::fs::statvfs(database.socket_directory()).expect("its directory");
    let here = found.f_blocks * found.f_frsize;
    assert!(free > 0 && free <= here, "{free} of {here}");

    let target = database.url().replace("migtime@", "no_settings@");
    let mut unseen = Production::connect(&support::resolve(&target)).expect("production");
    assert_eq!(unseen.read(free_disk).expect("an answer"), None);
    database.execute("DROP ROLE no_settings");
}

#[test]
fn a_standby_is_refused() {
    let server = ThrowawayServer::start(&support::options()).expect("server");
    support::restart_as_standby(&server);

    let parameters = server.parameters("postgres");
    check_unsafe(Staging::connect(&parameters), "is a standby");
    let mut production = Production::connect(&parameters).expect("a standby may be read");
    production.identity().expect("identity");
}

#[test]
fn a_read_only_database_is_refused() {
    let database = Database::create();
    database.execute(&format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        database.name()
    ));
    check_unsafe(Staging::connect(&database.parameters()), "is read-only");
}
