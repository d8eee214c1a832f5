//! Shows that the rollback which `plan` prints for a statement undoes it: each runs on a server, and schemas are
//! compared.

use migtime::catalog::{self, differences};
use migtime::migration;
use migtime::sampler::{self, snapshot};
use migtime::server::{Sandbox, Staging};

use crate::support::{Database, said};

/// In addition to the schema of the recorded cases: names that need quotes, keywords as names, a second schema.
const MORE: &str = "
    CREATE SCHEMA \"Other Dept\";
    CREATE TABLE \"Other Dept\".\"Order Lines\" (\"Id\" bigint PRIMARY KEY, \"user\" text, \"Is \"\"it\"\"\" integer, \
    plain integer);
    CREATE TABLE \"select\" (\"order\" integer, \"group\" text NOT NULL);
    CREATE INDEX \"Line.Index\" ON \"Other Dept\".\"Order Lines\" (plain);
    CREATE TABLE elder (a integer); CREATE TABLE younger (a integer) INHERITS (elder); \
    CREATE TABLE stranger (a integer);
    CREATE TABLE keyed (id integer, v integer CONSTRAINT keyed_v CHECK (v > 0)); \
    CREATE UNIQUE INDEX keyed_id ON keyed (id);
    CREATE TABLE whole (id integer NOT NULL, v integer);
    CREATE TRIGGER watch BEFORE INSERT ON stranger FOR EACH ROW EXECUTE FUNCTION trg();
    CREATE RULE quiet AS ON DELETE TO stranger DO INSTEAD NOTHING";

const STATEMENTS: &[&str] = &[
    "ALTER TABLE \"Other Dept\".\"Order Lines\" ADD COLUMN \"From\" date",
    "ALTER TABLE \"Other Dept\".\"Order Lines\" ADD \"From\" date, ADD CONSTRAINT \"C 1\" CHECK (plain > 0)",
    "ALTER TABLE \"Other Dept\".\"Order Lines\" ADD COLUMN IF NOT EXISTS plain integer",
    "ALTER TABLE \"Other Dept\".\"Order Lines\" ADD COLUMN IF NOT EXISTS plainer integer",
    "ALTER TABLE \"Other Dept\".\"Order Lines\" RENAME TO \"Lines.2\"",
    "ALTER TABLE \"Other Dept\".\"Order Lines\" RENAME COLUMN \"user\" TO \"User\"",
    "ALTER TABLE \"Other Dept\".\"Order Lines\" RENAME COLUMN \"Is \"\"it\"\"\" TO it",
    "ALTER TABLE \"Other Dept\".\"Order Lines\" RENAME plain TO \"all\"",
    "ALTER TABLE \"Other Dept\".\"Order Lines\" RENAME CONSTRAINT \"Order Lines_pkey\" TO \"check\"",
    "ALTER TABLE \"Other Dept\".\"Order Lines\" ALTER COLUMN \"user\" SET NOT NULL",
    "ALTER TABLE \"Other Dept\".\"Order Lines\" ALTER COLUMN \"Id\" SET NOT NULL",
    "ALTER TABLE \"Other Dept\".\"Order Lines\" SET SCHEMA public",
    "ALTER INDEX \"Other Dept\".\"Line.Index\" RENAME TO \"end\"",
    "CREATE INDEX \"New Index\" ON \"Other Dept\".\"Order Lines\" (plain)",
    "CREATE INDEX CONCURRENTLY \"select\" ON \"Other Dept\".\"Order Lines\" (plain)",
    "CREATE INDEX ON \"Other Dept\".\"Order Lines\" (plain)",
    "CREATE INDEX IF NOT EXISTS \"Line.Index\" ON \"Other Dept\".\"Order Lines\" (plain)",
    "CREATE INDEX CONCURRENTLY new_index ON ONLY t (b)",
    "ALTER TABLE \"select\" ALTER COLUMN \"group\" DROP NOT NULL",
    "ALTER TABLE \"select\" ALTER COLUMN \"order\" SET NOT NULL",
    "ALTER TABLE \"select\" ALTER COLUMN \"order\" DROP NOT NULL",
    "ALTER TABLE \"select\" ADD CONSTRAINT \"primary\" PRIMARY KEY (\"order\")",
    "ALTER TABLE \"select\" RENAME TO \"table\"",
    "ALTER TABLE IF EXISTS \"select\" ADD COLUMN x integer",
    "ALTER TABLE IF EXISTS nowhere ADD COLUMN x integer",
    "ALTER TABLE keyed ADD CONSTRAINT keyed_key UNIQUE USING INDEX keyed_id",
    "ALTER TABLE keyed ADD CONSTRAINT keyed_pk PRIMARY KEY (id)",
    "ALTER TABLE whole ADD CONSTRAINT whole_pk PRIMARY KEY (id)",
    "ALTER TABLE whole ADD CONSTRAINT whole_key UNIQUE (v)",
    "ALTER TABLE keyed RENAME CONSTRAINT keyed_v TO v",
    "ALTER TABLE keyed ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE whole ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE younger NO INHERIT elder",
    "ALTER TABLE stranger INHERIT elder",
    "ALTER TABLE elder ADD COLUMN b text",
    "ALTER TABLE ONLY elder ADD CONSTRAINT c CHECK (a > 0) NO INHERIT",
    "ALTER TABLE elder ADD CONSTRAINT c CHECK (a > 0)",
    "ALTER TABLE stranger DISABLE TRIGGER watch",
    "ALTER TABLE stranger DISABLE TRIGGER ALL",
    "ALTER TABLE stranger ENABLE TRIGGER watch",
    "ALTER TABLE stranger ENABLE ALWAYS TRIGGER watch",
    "ALTER TABLE stranger DISABLE RULE quiet",
    "ALTER TABLE stranger ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE stranger DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE stranger FORCE ROW LEVEL SECURITY",
    "ALTER TABLE stranger NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE stranger SET UNLOGGED",
    "ALTER TABLE stranger SET LOGGED",
    "ALTER TABLE ul SET LOGGED",
    "ALTER TABLE part ADD COLUMN x integer",
    "ALTER TABLE part ADD CONSTRAINT pc CHECK (id > 0)",
    "ALTER TABLE part ATTACH PARTITION part_3 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01')",
    "ALTER TABLE part DETACH PARTITION part_def",
    "ALTER TABLE part_1 ADD CONSTRAINT only_here CHECK (id > 0)",
    "CREATE TABLE \"Other Dept\".\"Table 2\" (a integer)",
    "CREATE TABLE IF NOT EXISTS whole (a integer)",
    "CREATE TABLE part_x PARTITION OF part FOR VALUES FROM ('2025-01-01') TO ('2025-02-01')",
    "CREATE UNLOGGED TABLE faster (a integer)",
    "CREATE TABLE copied AS SELECT * FROM whole",
    "CREATE VIEW \"Other Dept\".seen AS SELECT 1 AS a",
    "CREATE OR REPLACE VIEW tv AS SELECT id, a FROM t WHERE a > 0",
    "CREATE OR REPLACE VIEW new_view AS SELECT 1 AS a",
    "CREATE RECURSIVE VIEW numbers (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 9",
    "CREATE MATERIALIZED VIEW kept AS SELECT 1 AS a",
    "CREATE SEQUENCE \"Other Dept\".\"Numbers\"",
    "CREATE SEQUENCE IF NOT EXISTS sq",
    "CREATE TYPE \"Other Dept\".\"Mood\" AS ENUM ('x')",
    "CREATE DOMAIN \"Positive\" AS integer CHECK (VALUE > 0)",
    "CREATE SCHEMA \"New One\"",
    "CREATE SCHEMA IF NOT EXISTS \"Other Dept\"",
    "CREATE STATISTICS st ON a, b FROM t",
    "CREATE TRIGGER \"Look\" BEFORE INSERT ON \"Other Dept\".\"Order Lines\" FOR EACH ROW EXECUTE FUNCTION trg()",
    "CREATE CONSTRAINT TRIGGER later AFTER INSERT ON stranger DEFERRABLE FOR EACH ROW EXECUTE FUNCTION trg()",
    "CREATE TRIGGER g BEFORE INSERT ON part FOR EACH ROW EXECUTE FUNCTION trg()",
    "CREATE OR REPLACE TRIGGER watch AFTER INSERT ON stranger FOR EACH ROW EXECUTE FUNCTION trg()",
    "CREATE OR REPLACE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'begin return null; end'",
    "CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE POLICY \"Mine\" ON whole USING (true)",
    "CREATE RULE r AS ON DELETE TO whole DO ALSO NOTHING",
    "CREATE PUBLICATION news FOR TABLE whole",
    "ALTER TYPE mood RENAME VALUE 'a' TO 'it''s'",
    "ALTER TYPE mood RENAME TO \"Mood\"",
    "ALTER VIEW tv RENAME TO \"Tv 2\"",
    "ALTER VIEW tv RENAME COLUMN a TO \"A\"",
    "ALTER MATERIALIZED VIEW mv RENAME TO mv2",
    "ALTER SEQUENCE sq RENAME TO sq2",
    "ALTER SCHEMA \"Other Dept\" RENAME TO same",
    "ALTER TABLE t_a RENAME TO a_t",
    "ALTER TABLE tv RENAME TO tv3",
];

/// The outcome of one statement.
enum Outcome {
    /// The server refuses it, or it does nothing.
    Idle,
    Undone,
    Wrong(String),
}

/// Copies of a database, one at a time; an unchanged copy is used again.
struct Copies<'a> {
    template: &'a Database,
    copy: Option<Sandbox>,
}

impl Copies<'_> {
    /// Runs a statement and its claimed rollback; whatever the rollback declares as left behind may remain.
    fn judge(&mut self, sql: &str, rollback: &str, with_catalog: bool) -> Outcome {
        let copy = self
            .copy
            .take()
            .unwrap_or_else(|| Sandbox::copy(&self.template.parameters()).expect("a copy"));
        let mut session = Staging::connect(copy.parameters()).expect("a writable copy");
        let before = session.read(snapshot).expect("schema");
        if session.client().batch_execute(sql).is_err() {
            self.copy = Some(copy);
            return Outcome::Idle;
        }
        let after = session.read(snapshot).expect("schema");
        if !with_catalog && differences(&before, &after).is_empty() {
            self.copy = Some(copy);
            return Outcome::Idle;
        }
        if let Err(error) = session.client().batch_execute(rollback) {
            return Outcome::Wrong(format!("{sql}\n    {rollback}\n    {}", said(&error)));
        }
        let found = differences(&before, &session.read(snapshot).expect("schema"));
        let says_so = rollback.contains(" -- ");
        if found.is_empty() && !says_so {
            self.copy = Some(copy);
        }
        if found.is_empty() || (says_so && found.len() <= 2) {
            return Outcome::Undone;
        }
        let sentences: Vec<String> = found
            .iter()
            .map(|difference| format!("\n    {}", difference.sentence))
            .collect();
        Outcome::Wrong(format!("{sql}\n    {rollback}{}", sentences.concat()))
    }
}

fn check(with_catalog: bool, at_least: usize) {
    let template = Database::create();
    let setup = std::fs::read_to_string("tests/data/lock-cases/setup.sql").expect("the schema is there");
    for statement in setup.replace("300000", "30").split_inclusive(";\n") {
        template.execute(statement);
    }
    template.execute(MORE);
    let cases: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string("tests/data/lock-cases/cases.json").expect("cases"))
            .expect("JSON");
    let mut session = Staging::connect(&template.parameters()).expect("a connection");
    let recorded = cases
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|case| case["sql"].as_str());
    let planned: Vec<(&str, Option<String>)> = recorded
        .chain(STATEMENTS.iter().copied())
        .map(|sql| {
            let statements = migration::parse(sql, "m.sql").expect(sql);
            let names = migration::names_in(&statements);
            let schema = if with_catalog {
                session.read(|reader| sampler::schema(reader, &names)).expect("schema")
            } else {
                catalog::SchemaFacts::default()
            };
            let effects = migration::plan(&statements, &schema)[0].effects.clone();
            (sql, effects.and_then(|effects| effects.rollback))
        })
        .collect();
    // A database cannot be copied while somebody is connected.
    drop(session);
    let mut copies = Copies {
        template: &template,
        copy: None,
    };
    let (mut undone, mut silent, mut wrong) = (0, Vec::new(), Vec::new());
    for (sql, rollback) in planned {
        let Some(rollback) = rollback else {
            silent.push(sql);
            continue;
        };
        match copies.judge(sql, &rollback, with_catalog) {
            Outcome::Undone => undone += 1,
            Outcome::Wrong(how) => wrong.push(how),
            Outcome::Idle => {}
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        wrong.len() + undone,
        wrong.join("\n")
    );
    assert!(
        undone >= at_least,
        "{undone} rollbacks undo their statement; none is claimed for {silent:#?}"
    );
}

#[test]
fn a_printed_rollback_undoes_its_statement() {
    check(true, 60);
}

#[test]
fn a_rollback_printed_without_the_catalog_undoes_its_statement_too() {
    check(false, 40);
}
