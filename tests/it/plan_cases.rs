//! A plan describes what the server really does: compared with recorded cases, and with this server.

use std::collections::{BTreeMap, BTreeSet};

use migtime::catalog::{RelationKind, SchemaFacts};
use migtime::migration::{self, LockMode, PlannedStatement};
use migtime::sampler;
use migtime::server::Production;
use serde::Deserialize;

use crate::support::Database;

/// Locks on tables and views, rewritten tables and indexes, scanned tables; names without their schema.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Done {
    locks: BTreeSet<(String, LockMode)>,
    rewritten: BTreeSet<String>,
    scanned: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Case {
    id: u32,
    sql: String,
    before: Option<String>,
    error: Option<String>,
    locks: BTreeMap<String, LockMode>,
    rewritten: BTreeSet<String>,
    scanned: BTreeSet<String>,
}

pub(crate) fn database() -> Database {
    let database = Database::create();
    let setup = std::fs::read_to_string("tests/data/lock-cases/setup.sql").expect("the schema is there");
    for statement in setup.replace("300000", "3000").split_inclusive(";\n") {
        database.execute(statement);
    }
    database
}

pub(crate) fn schema(database: &Database, sql: &str) -> SchemaFacts {
    let words = migration::names_in(&migration::parse(sql, "m.sql").expect(sql));
    let mut production = Production::connect(&database.parameters()).expect("the database takes connections");
    production
        .read(|reader| sampler::schema(reader, &words))
        .expect("the catalog is readable")
}

/// Returns the plan's effects of the last statement before COMMIT: only what was not already held before.
pub(crate) fn foretold(schema: &SchemaFacts, before: Option<&str>, sql: &str) -> Done {
    let text = match before {
        Some(before) => format!("BEGIN;\n{before};\n{sql};\nCOMMIT;"),
        None => sql.to_string(),
    };
    let planned = migration::plan(&migration::parse(&text, "m.sql").expect(sql), schema);
    let done = |planned: &PlannedStatement| {
        let effects = planned.effects.clone().unwrap_or_default();
        assert!(effects.unknown.is_empty(), "{sql}: {:?}", effects.unknown);
        let bare = |name: &String| name.trim_start_matches("public.").to_string();
        Done {
            locks: effects.locks.iter().map(|(name, mode)| (bare(name), *mode)).collect(),
            rewritten: effects.rewritten.iter().map(bare).collect(),
            scanned: effects.scanned.iter().map(bare).collect(),
        }
    };
    match before {
        None => done(&planned[0]),
        Some(_) => {
            let held = done(&planned[1]).locks;
            let mut found = done(&planned[2]);
            found.locks = found.locks.difference(&held).cloned().collect();
            found
        }
    }
}

/// Keeps only locks on tables: the rules name no index except the one that a statement is about.
pub(crate) fn on_tables(schema: &SchemaFacts, mut done: Done) -> Done {
    done.locks.retain(|(name, _)| {
        let path = [name.clone()];
        schema
            .relation(&path)
            .is_some_and(|relation| relation.kind != RelationKind::Sequence)
    });
    done
}

#[test]
fn recorded_cases_are_foretold() {
    let database = database();
    let cases = std::fs::read_to_string("tests/data/lock-cases/cases.json").expect("the cases are there");
    let cases: Vec<Case> = serde_json::from_str(&cases).expect("the cases are JSON");
    let all: String = cases.iter().map(|case| format!("{};\n", case.sql)).collect();
    let schema = schema(&database, &all);
    let (mut right, mut wrong) = (0, Vec::new());
    for case in cases.iter().filter(|case| case.error.is_none()) {
        let recorded = Done {
            locks: case.locks.iter().map(|(name, mode)| (name.clone(), *mode)).collect(),
            rewritten: case.rewritten.clone(),
            scanned: case.scanned.clone(),
        };
        let recorded = on_tables(&schema, recorded);
        let found = on_tables(&schema, foretold(&schema, case.before.as_deref(), &case.sql));
        if found == recorded {
            right += 1;
        } else {
            wrong.push(format!(
                "{} {}\n  plan   {found:?}\n  server {recorded:?}",
                case.id, case.sql
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{right} right, {} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(right, 76);
}

#[test]
fn each_statement_meets_the_schema_that_those_before_it_leave() {
    let database = database();
    let sql = "ALTER TABLE nn ADD CONSTRAINT c CHECK (v IS NOT NULL) NOT VALID;
               ALTER TABLE nn VALIDATE CONSTRAINT c;
               ALTER TABLE nn ALTER COLUMN v SET NOT NULL;
               ALTER TABLE nn DROP CONSTRAINT c;
               CREATE TABLE fresh (id int, v varchar(5));
               ALTER TABLE fresh ALTER COLUMN v TYPE varchar(9);
               ALTER TABLE fresh RENAME TO renamed;
               CREATE INDEX CONCURRENTLY i ON renamed (v);";
    let statements = migration::parse(sql, "m.sql").expect("parses");
    let planned = migration::plan(&statements, &schema(&database, sql));
    let effects: Vec<_> = planned.iter().filter_map(|planned| planned.effects.as_ref()).collect();
    let scanned: Vec<bool> = effects.iter().map(|effects| !effects.scanned.is_empty()).collect();
    assert_eq!(scanned, [false, true, false, false, false, false, false, false]);
    assert!(
        effects
            .iter()
            .all(|effects| effects.unknown.is_empty() && effects.rewritten.is_empty())
    );
    assert_eq!(effects[7].indexed, ["public.renamed"]);
    // Of the checks, the text tells as much.
    let untold = migration::plan(&statements[..4], &SchemaFacts::default());
    let untold: Vec<bool> = untold.iter().map(|planned| !planned.scanned().is_empty()).collect();
    assert_eq!(untold, [false, true, false, false]);
}

/// Statements without a recorded file: their plan is compared with what this server does.
const STATEMENTS: &[&str] = &[
    "ALTER TABLE t ADD COLUMN x timestamptz NOT NULL DEFAULT now()",
    "ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS (a + 1) STORED",
    "ALTER TABLE t ADD COLUMN x int DEFAULT 5, ALTER COLUMN b SET NOT NULL",
    "ALTER TABLE t ADD COLUMN x mood DEFAULT 'a'",
    "ALTER TABLE t ALTER COLUMN b TYPE bigint",
    "ALTER TABLE t ALTER COLUMN s TYPE varchar(60)",
    "ALTER TABLE t ALTER COLUMN s TYPE varchar USING s::varchar",
    "ALTER TABLE t ALTER COLUMN s TYPE text USING lower(s)",
    "ALTER TABLE t ALTER COLUMN arr TYPE bigint[]",
    "ALTER TABLE t ALTER COLUMN ts TYPE timestamptz",
    "ALTER TABLE t ALTER COLUMN tz TYPE timestamptz(3)",
    "ALTER TABLE t ALTER COLUMN c TYPE char(20)",
    "ALTER TABLE t ALTER COLUMN iv TYPE cidr USING iv::cidr",
    "ALTER TABLE t ALTER COLUMN vb TYPE varbit",
    "ALTER TABLE t ALTER COLUMN n TYPE numeric(12,4)",
    "ALTER TABLE t ALTER COLUMN txt TYPE text COLLATE \"C\"",
    "ALTER TABLE dm ALTER COLUMN d TYPE int",
    "ALTER TABLE parent ALTER COLUMN id TYPE int",
    "ALTER TABLE t ADD CHECK (a > 0), ADD COLUMN y text",
    "ALTER TABLE fk_nv VALIDATE CONSTRAINT fk_nv_ref",
    "ALTER TABLE fk_nv DROP COLUMN ref",
    "ALTER TABLE t ALTER COLUMN a SET STATISTICS 500",
    "ALTER TABLE t ALTER COLUMN a SET (n_distinct = 100)",
    "ALTER TABLE t SET (autovacuum_vacuum_scale_factor = 0.1, user_catalog_table = true)",
    "ALTER TABLE t DISABLE TRIGGER ALL",
    "ALTER TABLE t CLUSTER ON t_a",
    "ALTER TABLE t OWNER TO CURRENT_USER",
    "ALTER TABLE nn RENAME COLUMN v TO w",
    "ALTER TABLE nn ADD UNIQUE (v)",
    "ALTER TABLE ul SET LOGGED",
    "ALTER TABLE part ADD COLUMN x int",
    "ALTER TABLE part ADD CONSTRAINT pc CHECK (id > 0)",
    "ALTER TABLE part ATTACH PARTITION part_3 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01')",
    "DROP TABLE part_1",
    "DROP TABLE fk_nv",
    "DROP VIEW tv",
    "DROP MATERIALIZED VIEW mv",
    "ALTER VIEW tv RENAME TO tv2",
    "CREATE OR REPLACE VIEW tv AS SELECT id, a FROM t",
    "TRUNCATE part",
    "TRUNCATE parent CASCADE",
    "COMMENT ON COLUMN t.a IS 'x'",
    "COMMENT ON TABLE t IS 'x'",
    "REFRESH MATERIALIZED VIEW mv",
    "CREATE INDEX ON mv (a)",
    "CREATE UNIQUE INDEX ON nn (v) WHERE v > 10",
    "REINDEX TABLE t",
    "LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE",
    "CREATE STATISTICS st ON a, b FROM t",
    "CREATE RULE r AS ON DELETE TO t DO ALSO NOTHING",
    "CREATE TABLE child (id bigint REFERENCES parent)",
    "CREATE TABLE kid () INHERITS (nn)",
    "CREATE MATERIALIZED VIEW mv2 AS SELECT * FROM nn",
    "INSERT INTO fk_nv VALUES (9999999, 1)",
    "INSERT INTO em (id) SELECT id FROM parent",
    "UPDATE t SET b = 2",
    "DELETE FROM nn",
    "SELECT * FROM nn FOR SHARE",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TYPE mood2 AS ENUM ('x')",
    "ALTER SEQUENCE sq RESTART",
    "ALTER SEQUENCE sq OWNED BY t.id",
    "ALTER SEQUENCE sq INCREMENT 5",
    "ALTER TABLE t ALTER COLUMN s TYPE varchar[] USING ARRAY[s]",
    "ALTER TABLE part DETACH PARTITION part_def",
    "ALTER TABLE part ALTER COLUMN id TYPE int",
    "ALTER TABLE part ALTER COLUMN id SET DEFAULT 5",
    "ALTER TABLE part ADD CONSTRAINT pf FOREIGN KEY (id) REFERENCES parent",
    "CREATE TRIGGER g BEFORE INSERT ON part FOR EACH ROW EXECUTE FUNCTION trg()",
    "CREATE TABLE part_x PARTITION OF part FOR VALUES FROM ('2025-01-01') TO ('2025-02-01')",
    "ALTER INDEX t_a SET (fillfactor = 70)",
];

#[test]
fn this_server_does_what_is_foretold() {
    let database = database();
    let mut client = database.client();
    let all: String = STATEMENTS.iter().map(|sql| format!("{sql};\n")).collect();
    let schema = schema(&database, &all);
    let mut wrong = Vec::new();
    for sql in STATEMENTS {
        let measured = on_tables(&schema, measured(&mut client, sql));
        let found = on_tables(&schema, foretold(&schema, None, sql));
        if found != measured {
            wrong.push(format!("{sql}\n  plan   {found:?}\n  server {measured:?}"));
        }
    }
    let right = STATEMENTS.len() - wrong.len();
    assert!(
        wrong.is_empty(),
        "{right} right, {} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Runs a statement, reads from the server what it did, and rolls it back.
pub(crate) fn measured(client: &mut postgres::Client, sql: &str) -> Done {
    let storage = "SELECT oid, relname::text, relfilenode FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    // Rows are counted, not scans: an index on emptied storage is built by a scan that reads nothing.
    let scans = "SELECT relname::text, seq_tup_read FROM pg_stat_xact_user_tables WHERE schemaname = 'public'";
    let mut transaction = client.transaction().expect("a transaction");
    let read_storage = |transaction: &mut postgres::Transaction| -> BTreeMap<u32, (String, u32)> {
        let rows = transaction.query(storage, &[]).expect("relations");
        rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect()
    };
    let read_scans = |transaction: &mut postgres::Transaction| -> BTreeMap<String, i64> {
        let rows = transaction.query(scans, &[]).expect("scans");
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    };
    let (storage_before, scans_before) = (read_storage(&mut transaction), read_scans(&mut transaction));
    transaction
        .batch_execute(sql)
        .unwrap_or_else(|error| panic!("{sql}: {}", crate::support::said(&error)));
    let mut locks: BTreeMap<String, LockMode> = BTreeMap::new();
    let held = "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'";
    for row in transaction.query(held, &[]).expect("locks") {
        let mode = LockMode::from_name(row.get(1)).expect("a lock mode");
        if let Some((name, _)) = storage_before.get(&row.get(0)).filter(|_| mode > LockMode::AccessShare) {
            let strongest = locks.entry(name.clone()).or_insert(mode);
            *strongest = (*strongest).max(mode);
        }
    }
    let (storage_after, scans_after) = (read_storage(&mut transaction), read_scans(&mut transaction));
    transaction.rollback().expect("a rollback");
    let changed = |(oid, (name, file)): (&u32, &(String, u32))| {
        let now = storage_after.get(oid)?.1;
        (now != *file).then(|| name.clone())
    };
    let counted = |(name, count): (&String, &i64)| {
        let known = storage_before.values().any(|(known, _)| known == name);
        (known && *count > scans_before.get(name).copied().unwrap_or(0)).then(|| name.clone())
    };
    Done {
        locks: locks.into_iter().collect(),
        rewritten: storage_before.iter().filter_map(changed).collect(),
        scanned: scans_after.iter().filter_map(counted).collect(),
    }
}
