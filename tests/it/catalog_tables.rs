//! The sampler's facts about real tables agree with what the server itself reports.

use migtime::catalog::facts::{IndexFacts, RowsSource, TableFacts, TableKind};
use migtime::sampler;

use crate::catalog_reader::{analyze_after, facts, read, wait_until};
use crate::support::Database;

const QUIET: &str = "WITH (autovacuum_enabled = off)";

fn planned_rows(database: &Database, table: &str) -> f64 {
    let sql = format!("EXPLAIN SELECT * FROM {table}");
    let plan: String = database.client().query_one(&sql, &[]).unwrap().get(0);
    let rows = plan.split("rows=").nth(1).and_then(|rest| rest.split(' ').next());
    rows.and_then(|rows| rows.parse().ok())
        .unwrap_or_else(|| panic!("no rows in {plan}"))
}

fn number(database: &Database, expression: &str) -> u64 {
    let row = database
        .client()
        .query_one(&format!("SELECT ({expression})::bigint"), &[])
        .unwrap();
    row.get::<_, i64>(0) as u64
}

fn index<'a>(facts: &'a TableFacts, name: &str) -> &'a IndexFacts {
    let found = facts.indexes.iter().find(|index| index.name == name);
    found.unwrap_or_else(|| panic!("{} has no index {name}", facts.name))
}

fn key(facts: &TableFacts) -> Vec<(&str, &str)> {
    facts
        .key
        .iter()
        .map(|column| (column.name.as_str(), column.data_type.as_str()))
        .collect()
}

#[test]
fn rows_are_those_of_the_planner_before_and_after_growth() {
    let database = Database::create();
    database.execute(&format!(
        "CREATE TABLE orders (id bigint PRIMARY KEY, note text) {QUIET};
         INSERT INTO orders SELECT i, md5(i::text) FROM generate_series(1, 20000) i"
    ));
    analyze_after(&database, "orders", 20_000);
    let fresh = facts(&database, "orders");
    assert_eq!(
        (fresh.estimated_rows, fresh.rows_source),
        (20_000.0, RowsSource::Planner)
    );
    assert_eq!(
        (fresh.reltuples, fresh.rows_relative_sd, fresh.modified_since_analyze),
        (20_000.0, 0.01, 0)
    );
    assert!(
        fresh
            .last_analyze
            .is_some_and(|time| time.ends_with('Z') && time.len() == 20)
    );

    database.execute("INSERT INTO orders SELECT i, md5(i::text) FROM generate_series(20001, 30000) i");
    wait_until(&database, "pg_stat_get_mod_since_analyze('orders'::regclass) = 10000");
    let grown = facts(&database, "orders");
    assert_eq!(grown.reltuples, 20_000.0);
    assert_eq!(grown.estimated_rows, planned_rows(&database, "orders"));
    assert!(
        (grown.estimated_rows - 30_000.0).abs() < 300.0,
        "{}",
        grown.estimated_rows
    );
    assert_eq!(grown.rows_relative_sd, 0.01f64.hypot(0.25));
}

#[test]
fn a_table_never_analysed_has_the_planners_guess_and_says_so() {
    let database = Database::create();
    database.execute(&format!(
        "CREATE TABLE orders (id bigint, code char(7), name varchar(40), price numeric(12, 2), note text, flags \
         bit(9)) {QUIET};
         INSERT INTO orders SELECT i, 'a', 'b', i, md5(i::text), B'101010101' FROM generate_series(1, 20000) i"
    ));
    let never = facts(&database, "orders");
    assert_eq!(
        (never.rows_source, never.rows_relative_sd),
        (RowsSource::NeverAnalysed, 0.5)
    );
    assert_eq!(never.estimated_rows, planned_rows(&database, "orders"));
    assert!(never.reltuples <= 0.0, "{}", never.reltuples);
    assert_eq!(never.last_analyze, None);
}

#[test]
fn an_empty_table_has_no_rows_analysed_or_not() {
    let database = Database::create();
    database.execute(&format!(
        "CREATE TABLE seen (id int) {QUIET}; CREATE TABLE unseen (id int) {QUIET}; ANALYZE seen"
    ));
    wait_until(&database, "pg_stat_get_last_analyze_time('seen'::regclass) IS NOT NULL");
    for name in ["seen", "unseen"] {
        let empty = facts(&database, name);
        assert_eq!(
            (empty.estimated_rows, empty.heap_bytes, empty.key.len()),
            (0.0, 0, 0),
            "{name}"
        );
    }
    assert_eq!(facts(&database, "seen").rows_source, RowsSource::Planner);
    assert!(facts(&database, "seen").last_analyze.is_some());
}

#[test]
fn sizes_and_counters_are_the_servers() {
    let database = Database::create();
    database.execute(&format!(
        "CREATE TABLE documents (id int PRIMARY KEY, body text) {QUIET};
         ALTER TABLE documents ALTER body SET STORAGE EXTERNAL;
         INSERT INTO documents SELECT i, repeat(md5(i::text), 200) FROM generate_series(1, 500) i;
         DELETE FROM documents WHERE id <= 100"
    ));
    analyze_after(&database, "documents", 600);
    let documents = facts(&database, "documents");
    assert_eq!(documents.kind, TableKind::Table);
    assert_eq!(documents.heap_bytes, number(&database, "pg_relation_size('documents')"));
    assert_eq!(
        documents.index_bytes,
        number(&database, "pg_relation_size('documents_pkey')")
    );
    let toast = "SELECT pg_total_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'documents'";
    assert_eq!(documents.toast_bytes, number(&database, toast));
    assert!(documents.toast_bytes > 500 * 6400, "{}", documents.toast_bytes);
    assert_eq!(documents.dead_rows, 100);
    let columns: Vec<&str> = documents.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns, ["id", "body"]);
}

#[test]
fn indexes_tell_all_the_columns_they_use() {
    let database = Database::create();
    database.execute(&format!(
        "CREATE TABLE people (id int PRIMARY KEY, \"Name\" text, mail text, born date, active bool) {QUIET};
         CREATE INDEX by_mail ON people (lower(mail), born DESC) INCLUDE (active) WHERE \"Name\" IS NOT NULL;
         CREATE UNIQUE INDEX by_born ON people (born, id);
         CREATE INDEX hashed ON people USING hash (\"Name\");
         INSERT INTO people SELECT i, 'n' || i, md5(i::text), DATE '2000-01-01' - i, true \
         FROM generate_series(1, 1000) i;
         ANALYZE people"
    ));
    let people = facts(&database, "people");
    let by_mail = index(&people, "by_mail");
    assert_eq!(by_mail.columns, ["lower(mail)", "born"]);
    assert_eq!(by_mail.used_columns, ["\"Name\"", "mail", "born", "active"]);
    assert!(by_mail.partial && !by_mail.unique && by_mail.valid);
    assert!(by_mail.correlation.is_some(), "statistics of an expression");
    assert_eq!(index(&people, "people_pkey").correlation, Some(1.0));
    assert_eq!(index(&people, "people_pkey").values_between, Some(1000.0));
    assert_eq!(index(&people, "by_born").values_between, None, "a date is no integer");
    let by_born = index(&people, "by_born");
    assert_eq!(
        (by_born.correlation, by_born.unique, by_born.reltuples),
        (Some(-1.0), true, 1000.0)
    );
    assert_eq!(by_born.bytes, number(&database, "pg_relation_size('by_born')"));
    let hashed = index(&people, "hashed");
    assert_eq!(
        (hashed.method.as_str(), &hashed.columns[..]),
        ("hash", &["\"Name\"".to_string()][..])
    );
    assert_eq!(key(&people), [("id", "integer")]);
}

#[test]
fn the_key_is_whatever_walks_all_rows_once() {
    let database = Database::create();
    database.execute(
        "CREATE DOMAIN order_number AS bigint;
         CREATE TABLE of_uuid (id uuid PRIMARY KEY, n int);
         CREATE TABLE of_domain (id order_number PRIMARY KEY);
         CREATE TABLE composite (\"Tenant\" int, at timestamptz, PRIMARY KEY (\"Tenant\", at) INCLUDE (n), n int);
         CREATE TABLE without (id int, code text);
         CREATE TABLE second_best (code text NOT NULL UNIQUE, at timestamptz NOT NULL, tenant int NOT NULL, n bigint \
         NOT NULL UNIQUE);
         CREATE TABLE unfit (a int UNIQUE, b int NOT NULL, c int NOT NULL UNIQUE DEFERRABLE);
         CREATE UNIQUE INDEX ON unfit (b) WHERE b > 0; CREATE UNIQUE INDEX ON unfit ((b + 1))",
    );
    assert_eq!(key(&facts(&database, "of_uuid")), [("id", "uuid")]);
    assert_eq!(key(&facts(&database, "of_domain")), [("id", "bigint")]);
    let composite = [("\"Tenant\"", "integer"), ("at", "timestamp with time zone")];
    assert_eq!(key(&facts(&database, "composite")), composite);
    assert_eq!(key(&facts(&database, "second_best")), [("n", "bigint")]);
    assert_eq!(key(&facts(&database, "without")), []);
    assert_eq!(key(&facts(&database, "unfit")), []);
}

#[test]
fn triggers_and_foreign_keys_are_named() {
    let database = Database::create();
    database.execute(
        "CREATE TABLE customers (id int PRIMARY KEY, parent int REFERENCES customers);
         CREATE TABLE orders (id int PRIMARY KEY, customer int CONSTRAINT of_customer REFERENCES customers);
         CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
         CREATE TRIGGER stamp BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION noop();
         CREATE TRIGGER summary AFTER UPDATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION noop();
         CREATE TRIGGER asleep BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION noop();
         CREATE TRIGGER on_replica BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION noop();
         ALTER TABLE orders DISABLE TRIGGER asleep; ALTER TABLE orders ENABLE REPLICA TRIGGER on_replica",
    );
    let orders = facts(&database, "orders");
    assert_eq!(orders.triggers, ["stamp"]);
    assert_eq!(orders.foreign_keys, ["of_customer → public.customers"]);
    assert!(orders.referenced_by.is_empty());
    let customers = facts(&database, "customers");
    assert_eq!(customers.foreign_keys, ["customers_parent_fkey → public.customers"]);
    let referenced_by = ["public.customers.customers_parent_fkey", "public.orders.of_customer"];
    assert_eq!(customers.referenced_by, referenced_by);
    assert!(
        customers.triggers.is_empty(),
        "those of foreign keys are not the user's"
    );
}

fn create_partitioned(database: &Database) {
    database.execute(&format!(
        "CREATE TABLE events (id bigint NOT NULL, at date NOT NULL, note text, PRIMARY KEY (id, at)) \
         PARTITION BY RANGE (at);
         CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') \
         PARTITION BY HASH (id);
         CREATE TABLE events_2020_0 PARTITION OF events_2020 FOR VALUES WITH (MODULUS 2, REMAINDER 0) {QUIET};
         CREATE TABLE events_2020_1 PARTITION OF events_2020 FOR VALUES WITH (MODULUS 2, REMAINDER 1) {QUIET};
         CREATE TABLE events_2021 PARTITION OF events FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') {QUIET};
         CREATE INDEX by_note ON events (note); CREATE INDEX stray ON events_2021 (at);
         CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
         CREATE TRIGGER stamp BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION noop();
         INSERT INTO events SELECT i, DATE '2020-01-01' + i % 700, md5(i::text) FROM generate_series(1, 7000) i"
    ));
    for (table, rows) in [("events_2020_0", 0), ("events_2020_1", 0), ("events_2021", 3340)] {
        let counted = format!("pg_stat_get_mod_since_analyze('{table}'::regclass)");
        wait_until(
            database,
            &format!("{counted} > 0 AND ({rows} = 0 OR {counted} = {rows})"),
        );
    }
    database.execute("ANALYZE events");
}

#[test]
fn partitions_are_summed_at_any_depth() {
    let database = Database::create();
    create_partitioned(&database);
    let events = facts(&database, "events");
    assert_eq!(
        (events.kind, events.partitions, events.foreign_partitions),
        (TableKind::Partitioned, 3, 0)
    );
    assert_eq!(
        (events.estimated_rows, events.rows_source),
        (7000.0, RowsSource::Planner)
    );
    let leaves = ["events_2020_0", "events_2020_1", "events_2021"];
    let sum = |suffix: &str| -> u64 {
        leaves
            .iter()
            .map(|leaf| number(&database, &format!("pg_relation_size('{leaf}{suffix}')")))
            .sum()
    };
    assert_eq!(events.heap_bytes, sum(""));
    assert_eq!(index(&events, "events_pkey").bytes, sum("_pkey"));
    let names: Vec<&str> = events.indexes.iter().map(|index| index.name.as_str()).collect();
    assert_eq!(names, ["by_note", "events_pkey", "stray"]);
    assert_eq!(key(&events), [("id", "bigint"), ("at", "date")]);
    assert_eq!(events.triggers, ["stamp"]);

    let branch = facts(&database, "events_2020");
    assert_eq!(
        (branch.kind, branch.partitions, branch.estimated_rows),
        (TableKind::Partitioned, 2, 3660.0)
    );
    assert_eq!(
        (branch.triggers.len(), key(&branch).len(), branch.indexes.len()),
        (1, 2, 2)
    );
    let leaf = facts(&database, "events_2020_0");
    assert_eq!((leaf.kind, leaf.partitions, key(&leaf).len()), (TableKind::Table, 0, 2));
    assert_eq!(leaf.triggers, ["stamp"]);
}

#[test]
fn a_partition_on_another_server_is_counted_as_such() {
    let database = Database::create();
    database.execute(
        "CREATE TABLE events (id int, at date) PARTITION BY RANGE (at);
         CREATE TABLE recent PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
         CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER archive FOREIGN DATA WRAPPER nowhere;
         CREATE FOREIGN TABLE old PARTITION OF events FOR VALUES FROM ('2010-01-01') TO ('2020-01-01') SERVER archive",
    );
    let events = facts(&database, "events");
    assert_eq!((events.partitions, events.foreign_partitions), (2, 1));
    let error = read(&database, |reader| sampler::exact(reader, &events, None)).unwrap_err();
    assert_eq!(
        error.message(),
        "1 of the partitions of public.events are foreign tables"
    );
}

#[test]
fn inheritance_children_belong_to_their_parent() {
    let database = Database::create();
    database.execute(&format!(
        "CREATE TABLE readings (id int PRIMARY KEY) {QUIET};
         CREATE TABLE readings_old () INHERITS (readings) {QUIET}; \
         CREATE TABLE readings_older () INHERITS (readings_old) {QUIET};
         INSERT INTO readings_older SELECT generate_series(1, 1000)"
    ));
    analyze_after(&database, "readings_older", 1000);
    let readings = facts(&database, "readings");
    assert_eq!((readings.kind, readings.partitions), (TableKind::Partitioned, 3));
    assert_eq!((readings.estimated_rows, readings.key.len()), (1000.0, 0));
}

#[test]
fn a_materialised_view_is_a_table_to_a_migration() {
    let database = Database::create();
    database.execute("CREATE MATERIALIZED VIEW totals AS SELECT generate_series(1, 100) AS n; ANALYZE totals");
    let totals = facts(&database, "totals");
    assert_eq!(
        (totals.kind, totals.estimated_rows),
        (TableKind::MaterializedView, 100.0)
    );
}

#[test]
fn a_role_without_privileges_still_sees_the_facts() {
    let database = Database::create();
    let role = format!("nobody_of_{}", database.name());
    database.execute(&format!(
        "CREATE SCHEMA secret; CREATE TABLE secret.orders (id int PRIMARY KEY) {QUIET};
         INSERT INTO secret.orders SELECT generate_series(1, 1000)"
    ));
    analyze_after(&database, "secret.orders", 1000);
    let own = facts(&database, "secret.orders");
    // All later sessions of the tests' user act as this role; the session that is already open does not.
    let mut owner = database.client();
    owner
        .batch_execute(&format!(
            "CREATE ROLE {role}; ALTER ROLE migtime IN DATABASE {} SET role = '{role}'",
            database.name()
        ))
        .unwrap();
    let seen = facts(&database, "secret.orders");
    let refused = read(&database, |reader| sampler::exact(reader, &seen, None)).unwrap_err();
    let unqualified = read(&database, |reader| sampler::table(reader, "orders")).unwrap_err();
    let settings = read(&database, sampler::server_facts);
    owner
        .batch_execute(&format!(
            "ALTER ROLE migtime IN DATABASE {} RESET role; DROP ROLE {role}",
            database.name()
        ))
        .unwrap();
    assert_eq!(
        (own.indexes[0].correlation, seen.indexes[0].correlation),
        (Some(1.0), None)
    );
    let mut expected = own;
    expected.indexes[0].correlation = None;
    expected.indexes[0].values_between = None;
    assert_eq!(seen, expected);
    assert_eq!(refused.kind().exit_code(), 2);
    assert!(refused.message().contains("permission denied"), "{}", refused.message());
    assert_eq!(unqualified.hint(), Some("did you mean secret.orders?"));
    assert!(settings.is_ok());
}

#[test]
fn many_tables_come_in_the_order_of_their_names() {
    let database = Database::create();
    let names: Vec<String> = (0..2 * sampler::TABLES_A_QUERY + 1)
        .map(|number| format!("public.t{}", number * 7 % 17))
        .collect();
    for name in &names {
        database.execute(&format!("CREATE TABLE {name} (id int)"));
    }
    let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = read(&database, |reader| sampler::tables(reader, &wanted)).unwrap();
    let found: Vec<&str> = found.iter().map(|facts| facts.name.as_str()).collect();
    assert_eq!(found, wanted);
    let twice = read(&database, |reader| sampler::tables(reader, &["t1", "T1"])).unwrap();
    assert_eq!(twice[0], twice[1]);
}
