//! Migrations that are not SQL, concern no table, or have nothing to do; and migrations without anything to batch.

use migtime::migration::{LockMode, StepKind};
use migtime::observation::{EndReason, StepRecord};

use crate::bad_input::{BACKFILL, Folder, ORDERS, check_done, check_error};
use crate::support::Database;

/// Rehearses `migration` on `database`, and checks that it is refused with `exit_code`.
fn check(database: &Database, migration: &str, exit_code: i32, words: &[&str]) -> Folder {
    let folder = Folder::new();
    let file = folder.file("m.sql", migration);
    let (url, out) = (database.url(), folder.path("out"));
    check_error(
        &[
            "rehearse",
            &file,
            "--staging",
            &url,
            "--output",
            &out,
            "--batch-size",
            "100",
        ],
        exit_code,
        words,
    );
    folder
}

/// Rehearses `migration` on `database`; returns the saved files and the output.
fn rehearse(database: &Database, migration: &str, options: &[&str]) -> (Folder, String) {
    let folder = Folder::new();
    let file = folder.file("m.sql", migration);
    let (url, out) = (database.url(), folder.path("out"));
    let fixed = ["rehearse", &file, "--staging", &url, "--output", &out, "--provisional"];
    let printed = check_done(&[&fixed[..], options].concat());
    (folder, printed)
}

#[test]
fn texts_that_are_no_migration() {
    let check = |migration: &str, words: &[&str]| {
        let folder = Folder::new();
        let file = folder.file("m.sql", migration);
        // The program must not connect before it has parsed the file.
        check_error(&["rehearse", &file, "--staging", "host=/nonexistent"], 2, words);
    };
    check(
        "SELECT 1;\nUPDATEX orders SET;\n",
        &["m.sql:2:1: ", "2 | UPDATEX orders SET;", "| ^^^^^^^"],
    );
    check("SELECT 'abc\n", &["m.sql:1:8: string is never closed", "|        ^"]);
    check(
        "\\d orders\n",
        &[
            "m.sql:1:1: \\d is a command of psql",
            "hint: only \\i and \\ir are followed",
        ],
    );
    check(
        "COPY (SELECT 1) TO STDOUT;",
        &[
            "m.sql:1:1: COPY … TO STDOUT sends its rows to the client",
            "hint: take it out",
        ],
    );
    check(
        "-- migtime: batch size=18446744073709551615\nUPDATE orders SET customer_id = 1;",
        &["m.sql:1:1: size=18446744073709551615 is not a whole number above 0"],
    );
    check(
        "SELECT 1;\n\\i missing.sql\n",
        &["m.sql:2: cannot read missing.sql: No such file"],
    );
    check("-- nothing\n", &["m.sql: there is no statement in it", "hint:"]);
    check_error(
        &["rehearse", "/missing.sql", "--staging", "x"],
        2,
        &["cannot read /missing.sql"],
    );
    let empty = Folder::new();
    check_error(
        &["rehearse", &empty.path("."), "--staging", "x"],
        2,
        &["there is no .sql file in it", "hint: name a file of SQL"],
    );
}

#[test]
fn tables_that_are_none() {
    let database = Database::create();
    database.execute(ORDERS);
    database.execute(
        "CREATE VIEW recent AS SELECT * FROM orders; CREATE EXTENSION postgres_fdw; \
         CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw; CREATE FOREIGN TABLE elsewhere (id int) SERVER far",
    );
    let url = database.url();
    let estimate = |table: &str, words: &[&str]| check_error(&["estimate", "-t", table, "--url", &url], 2, words);
    estimate(
        "ordrs",
        &["there is no table ordrs", "hint: did you mean public.orders?"],
    );
    estimate(
        "recent",
        &["public.recent is a view", "hint: name a table it reads: orders"],
    );
    estimate(
        "elsewhere",
        &[
            "public.elsewhere is a foreign table",
            "hint: connect to the server behind \"far\"",
        ],
    );
    estimate("a.b.c.d", &["a.b.c.d"]);
    estimate("\"open", &["\"open"]);
    estimate("", &["name"]);

    // If the foreign server accepted writes, the refusal would be about it, not about the table.
    database.execute("ALTER SERVER far OPTIONS (ADD updatable 'false')");
    let version: i32 = database
        .client()
        .query_one("SELECT current_setting('server_version_num')::int", &[])
        .expect("row")
        .get(0);
    if version >= 140_000 {
        database.execute("ALTER SERVER far OPTIONS (ADD truncatable 'false')");
    }
    let backfill = |table: &str, words: &[&str]| check(&database, &BACKFILL.replace("orders", table), 2, words);
    backfill(
        "ordrs",
        &["m.sql:1: ordrs is not in the catalog", "did you mean public.orders?"],
    );
    backfill(
        "recent",
        &["m.sql:1: recent is not in the catalog", "public.recent is a view"],
    );
    let folder = check(
        &database,
        &BACKFILL.replace("orders", "elsewhere"),
        3,
        &[
            "m.sql:1: a write to elsewhere",
            "foreign table public.elsewhere of the server far",
        ],
    );
    assert!(!std::path::Path::new(&folder.path("out")).exists(), "nothing was begun");
}

#[test]
fn a_table_without_rows() {
    let database = Database::create();
    database.execute("CREATE TABLE orders (id bigint PRIMARY KEY, user_id int, customer_id int); ANALYZE orders");
    let words = [
        "step 1 at line 1: public.orders is empty on the clone",
        "hint: is the clone filled",
    ];
    check(&database, BACKFILL, 5, &words);
    let printed = check_done(&["estimate", "--table", "orders", "--url", &database.url()]);
    assert!(printed.contains("0 rows"), "{printed}");
    let never_analysed = Database::create();
    never_analysed.execute("CREATE TABLE orders (id bigint PRIMARY KEY)");
    let printed = check_done(&["estimate", "--table", "orders", "--url", &never_analysed.url()]);
    assert!(printed.contains("never analysed"), "{printed}");
}

#[test]
fn migrations_without_a_backfill() {
    let database = Database::create();
    database.execute(ORDERS);
    for migration in [
        "ALTER TABLE orders ADD COLUMN note text;",
        "BEGIN; ALTER TABLE orders ADD COLUMN paid bool; CREATE INDEX by_user ON orders (user_id); COMMIT;",
        "CREATE INDEX CONCURRENTLY by_customer ON orders (customer_id);",
        "SET lock_timeout = '1s';\nDROP TABLE IF EXISTS nothing;",
    ] {
        let (folder, printed) = rehearse(&database, migration, &[]);
        assert!(printed.contains("probability"), "{migration}: {printed}");
        folder.check_saved(EndReason::Complete, 1);
        assert!(folder.rehearsal().steps.iter().all(|step| step.complete), "{migration}");
    }
}

#[test]
fn statements_that_the_server_refuses() {
    let database = Database::create();
    database.execute(ORDERS);
    let words = [
        "step 2 at line 3: column \"id\" of relation \"orders\" already exists",
        "saved ",
    ];
    let folder = check(
        &database,
        "SELECT 1;\n\nALTER TABLE orders ADD COLUMN id int;",
        4,
        &words,
    );
    folder.check_saved(EndReason::Failed, 1);

    check(
        &database,
        "BEGIN;\nCREATE TABLE half ();\nALTER TABLE orders ADD COLUMN id int;\nCOMMIT;",
        4,
        &["step 2 at line 3"],
    );
    let half = "SELECT count(*) FROM pg_class WHERE relname = 'half'";
    assert_eq!(database.client().query_one(half, &[]).expect("row").get::<_, i64>(0), 0);

    let unknown = "\nUPDATE orders SET customer_id = 1 WHERE nosuch = 1 AND id BETWEEN <batch_start> AND <batch_end>;";
    let folder = check(
        &database,
        unknown,
        4,
        &["step 1 at line 2: ", "column \"nosuch\" does not exist"],
    );
    folder.check_saved(EndReason::Failed, 0);
    let unknown = BACKFILL.replace("customer_id =", "nosuch =");
    check(
        &database,
        &unknown,
        4,
        &["step 1 at line 1: batch of public.orders with id from 1 to 100: column \"nosuch\""],
    );
}

#[test]
fn an_index_that_cannot_be_built_leaves_no_half_of_it() {
    let database = Database::create();
    database.execute(ORDERS);
    database.execute("UPDATE orders SET user_id = 7");
    let migration = "CREATE UNIQUE INDEX CONCURRENTLY by_user ON orders (user_id);";
    check(
        &database,
        migration,
        4,
        &["step 1 at line 1: failed twice: could not create unique index \"by_user\""],
    );
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(
        database.client().query_one(invalid, &[]).expect("row").get::<_, i64>(0),
        0
    );
}

#[test]
fn what_needs_the_whole_of_a_backfill_is_passed_over() {
    let database = Database::create();
    database.execute(ORDERS);
    let migration = format!(
        "{BACKFILL}ALTER TABLE orders ADD CONSTRAINT filled CHECK (customer_id IS NOT NULL) NOT VALID;\n\
         ALTER TABLE orders VALIDATE CONSTRAINT filled;\nALTER TABLE orders ALTER customer_id SET NOT NULL;"
    );
    let (folder, printed) = rehearse(&database, &migration, &["--batch-size", "10", "--fraction", "10%"]);
    let steps = folder.rehearsal().steps;
    let mode = |step: &StepRecord| {
        let lock = step.locks.iter().find(|lock| lock.relation == "public.orders");
        lock.expect("a lock on the table").mode
    };
    let check_measured = |step: &StepRecord| {
        let reason = step.passed_over.as_deref().expect("passed over");
        assert!(reason.contains("it needs the whole of step 1"), "{reason}");
        assert!(
            reason.ends_with("that of a check of all rows that always holds"),
            "{reason}"
        );
        assert!(
            step.observations.len() == 1 && step.scanned == ["public.orders"],
            "{step:?}"
        );
    };
    check_measured(&steps[2]);
    assert_eq!(mode(&steps[2]), LockMode::ShareUpdateExclusive);
    // Behind the valid check, it reads nothing, so there is no scan to be measured.
    let reason = steps[3].passed_over.as_deref().expect("passed over");
    assert!(reason.contains("it needs the whole of step 1"), "{reason}");
    assert!(steps[3].observations.is_empty() && steps[3].kind == StepKind::CatalogOnly);
    let alone = Database::create();
    alone.execute(ORDERS);
    let not_null = format!("{BACKFILL}ALTER TABLE orders ALTER customer_id SET NOT NULL;");
    let (folder_alone, _) = rehearse(&alone, &not_null, &["--batch-size", "10", "--fraction", "10%"]);
    let step = &folder_alone.rehearsal().steps[1];
    check_measured(step);
    assert_eq!(mode(step), LockMode::AccessExclusive);
    let left = "SELECT count(*) FROM pg_constraint WHERE conname LIKE 'migtime%'";
    assert_eq!(database.client().query_one(left, &[]).expect("row").get::<_, i64>(0), 0);
    assert!(printed.contains("it needs the whole of step 1"), "{printed}");

    let database = Database::create();
    database.execute(ORDERS);
    let (folder, _) = rehearse(&database, &migration, &["--batch-size", "10", "--full"]);
    assert!(folder.rehearsal().steps.iter().all(|step| step.complete));
}

#[test]
fn what_is_passed_over_inside_a_transaction_leaves_the_rest_of_it() {
    let database = Database::create();
    database.execute(ORDERS);
    let migration = format!(
        "{BACKFILL}BEGIN;\nALTER TABLE orders ADD COLUMN before int;\nALTER TABLE orders \
         ALTER customer_id SET NOT NULL;\n\
         ALTER TABLE orders ADD COLUMN behind int;\nCOMMIT;"
    );
    let (folder, _) = rehearse(&database, &migration, &["--batch-size", "10", "--fraction", "10%"]);
    let steps = folder.rehearsal().steps;
    let passed_over: Vec<bool> = steps.iter().map(|step| step.passed_over.is_some()).collect();
    assert_eq!(passed_over, [false, false, true, false]);
    assert!(steps[1].complete && steps[3].complete);
    let columns =
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname IN ('before', 'behind')";
    assert_eq!(
        database.client().query_one(columns, &[]).expect("row").get::<_, i64>(0),
        2
    );
}
