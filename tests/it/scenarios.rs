//! Shows that every scenario is complete, fills itself identically each time, and that its migration and rollback run.

use std::path::Path;

use migtime::catalog::facts::TableFacts;
use migtime::migration::{self, BIG_TABLE_ROWS, BatchEdge, BatchOptions, Statement, StepKind, Tables};
use migtime::rehearsal::scenario::Scenario;
use postgres::Client;

use crate::bad_input::{Folder, check_done};
use crate::support::{Database, said};

const ROWS: u64 = 2_000;

/// The catalog as a text: columns in their order, indexes, constraints, triggers.
const SCHEMA_SNAPSHOT: &str = "
    SELECT string_agg(line, E'\n' ORDER BY line) FROM (
        SELECT format('%s column %s: %s%s%s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod),
                      CASE WHEN attnotnull THEN ' NOT NULL' END, ' DEFAULT ' || pg_get_expr(adbin, adrelid),
                      row_number() OVER (PARTITION BY attrelid ORDER BY attnum))
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace = 'public'::regnamespace
        UNION ALL
        SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL
        SELECT pg_get_triggerdef(pg_trigger.oid)
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal
    ) AS catalog (line)";

const NOT_VACUUMED: &str = "
    SELECT count(*)::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND (reltuples < 0 OR relallvisible < relpages)";

fn scenarios() -> Vec<Scenario> {
    Scenario::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")).expect("every scenario loads")
}

fn statements(file: &Path) -> Vec<Statement> {
    let text = std::fs::read_to_string(file).expect("the file is there");
    migration::parse(&text, &file.display().to_string()).expect("it is plain SQL")
}

fn ask(client: &mut Client, sql: &str) -> String {
    let row = client
        .query_one(sql, &[])
        .unwrap_or_else(|error| panic!("{sql}: {}", said(&error)));
    row.get::<_, Option<String>>(0).unwrap_or_default()
}

fn checksum(client: &mut Client, table: &str) -> String {
    ask(
        client,
        &format!("SELECT count(*) || ' ' || md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} AS t"),
    )
}

/// Returns one line for each table of the database.
fn all_checksums(client: &mut Client) -> Vec<String> {
    let tables = ask(
        client,
        "SELECT string_agg(oid::regclass::text, ',' ORDER BY relname) FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')",
    );
    let tables = tables.split(',');
    tables
        .map(|table| format!("{table}: {}", checksum(client, table)))
        .collect()
}

/// Runs a file as a single batch, as a person would: from the table's first key to its last.
fn run(client: &mut Client, file: &Path, table: &str) {
    for statement in statements(file) {
        let mut sql = statement.sql.clone();
        for (range, edge) in statement.placeholders.iter().rev() {
            let order = match edge {
                BatchEdge::Start => "id",
                BatchEdge::End => "id DESC",
            };
            let bound = format!("SELECT quote_literal(id) FROM {table} ORDER BY {order} LIMIT 1");
            sql.replace_range(range.clone(), &ask(client, &bound));
        }
        client
            .batch_execute(&sql)
            .unwrap_or_else(|error| panic!("{}:{}: {}", statement.file, statement.line, said(&error)));
    }
}

/// Returns the facts that decide a table's steps: its name, columns and key, at a size at which nobody updates it as a
/// whole.
fn facts_at_full_size(client: &mut Client, table: &str, rows: u64) -> TableFacts {
    let facts = format!(
        "WITH columns AS (
             SELECT attnum, json_build_object('name', attname, 'data_type', format_type(atttypid, atttypmod)) AS fact
             FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped
         )
         SELECT json_build_object(
             'name', format('%s.%s', relnamespace::regnamespace, relname),
             'kind', CASE relkind WHEN 'p' THEN 'partitioned' ELSE 'table' END,
             'reltuples', {rows}, 'relpages', {rows} / 100, 'heap_bytes', {rows} * 80, 'toast_bytes', 0,
             'index_bytes', 0, 'indexes', '[]'::json, 'estimated_rows', {rows}, 'rows_relative_sd', 0,
             'rows_source', 'exact',
             'key', (SELECT json_agg(fact ORDER BY array_position(indkey::int2[], attnum))
                     FROM pg_index JOIN columns ON attnum = ANY (indkey)
                     WHERE indrelid = pg_class.oid AND indisprimary),
             'columns', (SELECT json_agg(fact ORDER BY attnum) FROM columns))::text
         FROM pg_class WHERE oid = '{table}'::regclass"
    );
    serde_json::from_str(&ask(client, &facts)).expect("facts")
}

fn filled(database: &Database, scenario: &Scenario, seed: u64) -> Client {
    let mut client = database.client();
    // VACUUM marks a page as all-visible only if the commits of its rows have reached the disk.
    client.batch_execute("SET synchronous_commit = on").expect("setting");
    let result = scenario.fill(&mut client, ROWS, seed);
    result.unwrap_or_else(|error| panic!("{}: {error}", scenario.name()));
    client
}

#[test]
fn the_shapes_that_break_naive_estimates_are_all_there() {
    let names: Vec<String> = scenarios().iter().map(Scenario::name).collect();
    let expected = [
        "composite-key",
        "expand-and-contract",
        "foreign-key",
        "index-build",
        "index-concurrently",
        "index-unique",
        "indexed-column",
        "join-backfill",
        "not-null-through-check",
        "partitions",
        "purge",
        "row-widths",
        "simple-backfill",
        "sparse-ids",
        "toasted-json",
        "triggers",
        "type-change",
        "uuid-key",
        "volatile-default",
    ];
    assert_eq!(names, expected);
}

#[test]
fn every_step_kind_and_every_way_to_mark_a_batch_occurs() {
    let scenarios = scenarios();
    let kinds: std::collections::BTreeSet<StepKind> = scenarios.iter().flat_map(|one| one.steps.clone()).collect();
    assert_eq!(kinds.len(), 7, "{kinds:?}");

    let all: Vec<Statement> = scenarios.iter().flat_map(|one| statements(&one.migration())).collect();
    let marked = |mark: &str| all.iter().filter(|one| one.sql.contains(mark)).count();
    assert!(marked("<batch_start>") > 0);
    assert!(marked(":batch_start") > 0);
    assert!(all.iter().any(|one| one.directive.is_some()));
    let bare =
        |one: &&Statement| one.placeholders.is_empty() && one.directive.is_none() && one.sql.starts_with("UPDATE");
    assert!(all.iter().filter(bare).count() > 0);
}

#[test]
fn the_same_seed_gives_the_same_data_and_another_seed_other_data() {
    for scenario in scenarios() {
        let name = scenario.name();
        let database = Database::create();
        let draw = |seed| {
            database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
            let mut client = filled(&database, &scenario, seed);
            (all_checksums(&mut client), checksum(&mut client, &scenario.table))
        };
        let (tables, drawn) = draw(scenario.seed);
        let (tables_again, _) = draw(scenario.seed);
        let (_, other) = draw(u64::MAX);
        assert_eq!(tables, tables_again, "{name}");
        assert_ne!(drawn, other, "{name}");
        assert!(drawn.starts_with(&format!("{ROWS} ")), "{name}: {drawn}");
    }
}

#[test]
fn each_migration_is_planned_as_described_and_runs_and_its_rollback_undoes_it() {
    let server = Database::create_alone();
    for scenario in scenarios() {
        let name = scenario.name();
        let database = server.create_beside();
        let mut client = filled(&database, &scenario, scenario.seed);
        assert_eq!(
            ask(&mut client, NOT_VACUUMED),
            "0",
            "{name}: tables neither vacuumed nor analysed"
        );
        check_steps(&mut client, &scenario);

        let schema = ask(&mut client, SCHEMA_SNAPSHOT);
        let rows = checksum(&mut client, &scenario.table);
        run(&mut client, &scenario.migration(), &scenario.table);
        let migrated = (
            ask(&mut client, SCHEMA_SNAPSHOT),
            checksum(&mut client, &scenario.table),
        );
        assert_ne!(
            migrated,
            (schema.clone(), rows.clone()),
            "{name}: the migration changed nothing"
        );

        run(&mut client, &scenario.rollback(), &scenario.table);
        assert_eq!(
            ask(&mut client, SCHEMA_SNAPSHOT),
            schema,
            "{name}: schema after the rollback"
        );
        let restored = checksum(&mut client, &scenario.table) == rows;
        assert_eq!(restored, scenario.reversible, "{name}: rows after the rollback");
    }
}

fn check_steps(client: &mut Client, scenario: &Scenario) {
    let name = scenario.name();
    let statements = statements(&scenario.migration());
    let facts = |table: String| {
        let facts = facts_at_full_size(client, &table, scenario.rows);
        (table, facts)
    };
    let tables: Tables = migration::tables_of(&statements).into_iter().map(facts).collect();
    let options = BatchOptions {
        batch_size: Some(scenario.batch_size),
        big_table_rows: Some(BIG_TABLE_ROWS),
        ..BatchOptions::default()
    };
    let steps = migration::steps(&statements, &tables, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
    let kinds: Vec<StepKind> = steps.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, scenario.steps, "{name}");
    for step in steps.iter().filter(|step| step.kind == StepKind::Backfill) {
        assert_eq!(step.table.as_deref(), Some(scenario.table.as_str()), "{name}");
        let batching = step.batching.as_ref().expect("a backfill is batched");
        let walked = tables.values().find(|facts| facts.name == scenario.table);
        assert_eq!(batching.batch_size, scenario.batch_size, "{name}");
        assert_eq!(Some(&batching.key), walked.map(|facts| &facts.key), "{name}");
    }
}

#[test]
fn a_schema_that_fails_is_named_with_its_line() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let original = &scenarios()[0];
    for file in ["scenario.toml", "migration.sql", "rollback.sql"] {
        std::fs::copy(original.directory.join(file), folder.path().join(file)).expect("copy");
    }
    let database = Database::create();
    let check = |schema: &str, expected: &str| {
        std::fs::write(folder.path().join("schema.sql"), schema).expect("file");
        let scenario = Scenario::load(folder.path()).expect("complete");
        let error = scenario.fill(&mut database.client(), ROWS, 1).expect_err(expected);
        let expected = format!("{}/schema.sql:{expected}", folder.path().display());
        assert_eq!(error.message(), expected);
    };
    check(
        "SELECT 1;\n\nSELECT\n  1 / (:rows - 2000);",
        "3: division by zero (SQLSTATE 22012)",
    );
    check(
        "SELECT 1;\nSELECT 1,\n  missing;",
        "3: column \"missing\" does not exist (SQLSTATE 42703)",
    );
}

#[test]
fn the_server_does_not_scan_where_a_valid_check_spares_it() {
    let (database, folder) = (Database::create(), Folder::new());
    let all = scenarios();
    let scenario = all.iter().find(|scenario| scenario.name() == "not-null-through-check");
    filled(&database, scenario.expect("the scenario is there"), 1);
    let (file, out) = ("scenarios/not-null-through-check/migration.sql", folder.path("out"));
    check_done(&[
        "rehearse",
        file,
        "--staging",
        &database.url(),
        "--full",
        "--output",
        &out,
    ]);
    let steps = folder.rehearsal().steps;
    let seen: Vec<(StepKind, bool)> = steps.iter().map(|step| (step.kind, !step.scanned.is_empty())).collect();
    let expected = [
        (StepKind::CatalogOnly, false),
        (StepKind::TableScan, true),
        (StepKind::CatalogOnly, false),
        (StepKind::CatalogOnly, false),
    ];
    assert_eq!(seen, expected);
    assert!(steps[2].ladder.is_none(), "{:?}", steps[2].ladder);
}
