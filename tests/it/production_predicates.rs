//! A condition written by somebody else runs on production only if it does nothing but read.

use std::process::Output;

use crate::bad_input::{Folder, ORDERS, check_refused, run};
use crate::support::{self, Database};

fn estimate(database: &Database, condition: &str, how: &str) -> Output {
    let folder = Folder::new();
    let sql = format!(
        "UPDATE orders SET customer_id = user_id WHERE ({condition}) AND id BETWEEN <batch_start> AND <batch_end>;"
    );
    let migration = folder.file("backfill.sql", sql);
    let url = database.url();
    run(&mut support::migtime(&[
        "estimate",
        "--migration",
        &migration,
        "--url",
        &url,
        how,
    ]))
}

fn counted(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("rows of public.orders meet"), "{said}");
    said
}

fn orders() -> Database {
    let database = Database::create();
    database.execute(ORDERS);
    database
}

#[test]
fn what_may_do_more_than_read_is_refused_with_its_name() {
    let database = orders();
    database.execute(
        "CREATE SEQUENCE s; CREATE SCHEMA evil; CREATE FUNCTION evil.same(int, int) RETURNS boolean LANGUAGE sql AS \
         'SELECT true'; \
         CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.same)",
    );
    for (condition, part) in [
        ("nextval('s') > 0", "nextval()"),
        ("lo_create(0) > 0", "lo_create()"),
        ("pg_reload_conf()", "pg_reload_conf()"),
        ("pg_catalog.pg_read_file('PG_VERSION') <> ''", "pg_read_file()"),
        ("set_config('work_mem', '1MB', false) <> ''", "set_config()"),
        (
            "public.dblink_exec('dbname=postgres', 'SELECT 1') = ''",
            "dblink_exec()",
        ),
        ("user_id OPERATOR(evil.=) 1", "OPERATOR"),
        ("user_id IN (SELECT 1)", "SELECT"),
    ] {
        for how in ["--exact", "--sample"] {
            check_refused(
                estimate(&database, condition, how),
                2,
                &[part, "may do more than read its columns"],
            );
        }
    }
    let row = "SELECT (SELECT count(*) FROM pg_largeobject_metadata) = 0 AND NOT (SELECT is_called FROM s)";
    assert!(database.client().query_one(row, &[]).expect("row").get::<_, bool>(0));
}

#[test]
fn a_function_or_an_operator_of_the_same_name_is_not_called() {
    let database = orders();
    database.execute(
        "CREATE SEQUENCE calls; ALTER TABLE orders ADD name varchar DEFAULT 'x'; \
         CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM nextval('calls'); RETURN 'x'; END $$; \
         CREATE FUNCTION public.same(varchar, varchar) RETURNS boolean LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM nextval('calls'); RETURN true; END $$; \
         CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.same); \
         ANALYZE orders",
    );
    for condition in ["lower(name) = 'x'", "name = name"] {
        counted(&estimate(&database, condition, "--exact"));
    }
    let is_called = "SELECT is_called FROM calls";
    assert!(
        !database
            .client()
            .query_one(is_called, &[])
            .expect("row")
            .get::<_, bool>(0)
    );
}

#[test]
fn a_column_of_somebodys_own_type_and_a_policy_are_refused() {
    let database = orders();
    database.execute(
        "CREATE TYPE pair AS (a int, b int); ALTER TABLE orders ADD both_of pair; \
         CREATE TYPE state AS ENUM ('new', 'done'); ALTER TABLE orders ADD state state DEFAULT 'new'; ANALYZE orders",
    );
    check_refused(
        estimate(&database, "both_of IS NULL", "--exact"),
        2,
        &["to compare both_of"],
    );
    counted(&estimate(&database, "state = 'new' AND user_id > 0", "--exact"));
}

#[test]
fn an_ordinary_condition_is_counted() {
    let database = orders();
    let said = counted(&estimate(
        &database,
        "user_id BETWEEN 1 AND 1000 AND coalesce(customer_id, 0) = 0",
        "--exact",
    ));
    assert!(said.contains("1,000 rows"), "{said}");
}
