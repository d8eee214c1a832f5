//! A table is found by the name that psql would accept; any other name gives a one-line error with the names that may
//! have been meant.

use migtime::error::ErrorKind;

use crate::catalog_reader::{facts, refusal};
use crate::support::Database;

fn check_found(database: &Database, name: &str, expected: &str) {
    assert_eq!(facts(database, name).name, expected, "{name}");
}

fn check_refused(database: &Database, name: &str, message: &str, hint: &str) {
    let error = refusal(database, name);
    let message = message.replace("{database}", database.name());
    assert_eq!(
        (error.message(), error.hint()),
        (message.as_str(), Some(hint)),
        "{name}"
    );
    assert_eq!(error.kind(), ErrorKind::Usage, "{name}");
}

#[test]
fn names_are_resolved_as_psql_does() {
    let database = Database::create();
    database.execute(
        "CREATE TABLE orders (id int); CREATE TABLE \"Orders\" (id int); CREATE TABLE \"weird.name\" (id int);
         CREATE SCHEMA sales; CREATE TABLE sales.orders (id int); CREATE TABLE sales.invoices (id int);
         CREATE SCHEMA \"Mixed Schema\"; CREATE TABLE \"Mixed Schema\".\"select\" (id int)",
    );
    check_found(&database, "orders", "public.orders");
    check_found(&database, "ORDERS", "public.orders");
    check_found(&database, "\"Orders\"", "public.\"Orders\"");
    check_found(&database, "sales.orders", "sales.orders");
    check_found(&database, " Sales . Orders ", "sales.orders");
    check_found(&database, "\"weird.name\"", "public.\"weird.name\"");
    check_found(&database, "\"Mixed Schema\".\"select\"", "\"Mixed Schema\".\"select\"");
    check_found(&database, &format!("{}.sales.orders", database.name()), "sales.orders");
    database.execute(&format!(
        "ALTER DATABASE {} SET search_path = sales, public",
        database.name()
    ));
    check_found(&database, "orders", "sales.orders");
    check_found(&database, "invoices", "sales.invoices");
}

#[test]
fn a_name_longer_than_the_server_keeps_is_cut_as_the_server_cuts_it() {
    let database = Database::create();
    let name = "ä".repeat(40);
    database.execute(&format!("CREATE TABLE {name} (id int)"));
    check_found(&database, &name, &format!("public.\"{}\"", "ä".repeat(31)));
}

#[test]
fn a_missing_table_brings_near_matches() {
    let database = Database::create();
    database.execute(
        "CREATE TABLE orders (id int); CREATE TABLE \"Customers\" (id int);
         CREATE SCHEMA sales; CREATE TABLE sales.order_lines (id int); CREATE TABLE sales.orders (id int)",
    );
    check_refused(
        &database,
        "ordres",
        "there is no table ordres in database \"{database}\"",
        "did you mean public.orders or sales.orders?",
    );
    check_refused(
        &database,
        "order_lines",
        "there is no table order_lines in database \"{database}\"",
        "did you mean sales.order_lines?",
    );
    check_refused(
        &database,
        "customers",
        "there is no table customers in database \"{database}\"",
        "did you mean public.\"Customers\"?",
    );
    check_refused(
        &database,
        "sales.invoices",
        "there is no table sales.invoices in database \"{database}\"",
        "check the database connected to, the schema and search_path",
    );
    check_refused(
        &database,
        "elsewhere.public.orders",
        "there is no table elsewhere.public.orders in database \"{database}\"",
        "did you mean public.orders or sales.orders?",
    );
}

#[test]
fn what_is_no_table_is_said_to_be_what_it_is() {
    let database = Database::create();
    database.execute(
        "CREATE TABLE orders (id bigserial PRIMARY KEY); CREATE VIEW recent AS SELECT * FROM orders;
         CREATE SEQUENCE loose; CREATE TYPE point3 AS (x int, y int, z int);
         CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER archive FOREIGN DATA WRAPPER nowhere;
         CREATE FOREIGN TABLE old_orders (id int) SERVER archive",
    );
    check_refused(
        &database,
        "recent",
        "public.recent is a view; it holds no rows of its own",
        "name a table it reads: orders",
    );
    check_refused(
        &database,
        "orders_pkey",
        "public.orders_pkey is an index",
        "name its table: orders",
    );
    check_refused(
        &database,
        "orders_id_seq",
        "public.orders_id_seq is a sequence",
        "name the table that owns it: orders",
    );
    check_refused(
        &database,
        "loose",
        "public.loose is a sequence",
        "name the table that uses it",
    );
    check_refused(
        &database,
        "point3",
        "public.point3 is a type, not a table",
        "name a table",
    );
    check_refused(
        &database,
        "old_orders",
        "public.old_orders is a foreign table; its rows live on another server",
        "connect to the server behind \"archive\" and name the table there",
    );
    check_refused(
        &database,
        "pg_class",
        "pg_catalog.pg_class is a system table",
        "name a table of your own; migrations do not change the catalog itself",
    );
}

#[test]
fn a_temporary_table_of_another_session_is_said_to_be_one() {
    let database = Database::create();
    let mut owner = database.client();
    owner.batch_execute("CREATE TEMPORARY TABLE basket (id int)").unwrap();
    let hint = "name a permanent table; a temporary one is gone before a migration could reach it";
    check_refused(&database, "basket", "basket is a temporary table of one session", hint);
    let schema: String = owner
        .query_one("SELECT pg_my_temp_schema()::regnamespace::text", &[])
        .unwrap()
        .get(0);
    let name = format!("{schema}.basket");
    check_refused(
        &database,
        &name,
        &format!("{name} is a temporary table of one session"),
        hint,
    );
}

#[test]
fn malformed_names_never_reach_the_server() {
    let database = Database::create();
    for name in [
        "",
        ".",
        "orders.",
        "\"orders",
        "my table",
        "a.b.c.d",
        "orders; DROP TABLE x",
    ] {
        assert_eq!(refusal(&database, name).kind(), ErrorKind::Usage, "{name}");
    }
}
