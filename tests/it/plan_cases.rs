//! What a plan says of a statement is what the server does: against recorded cases, and against this server.

use std::collections::{BTreeMap, BTreeSet};

use migtime::catalog::{self, SchemaFacts};
use migtime::migration::{self, LockMode, PlannedStatement};
use migtime::server::Production;
use serde::Deserialize;

use crate::support::Database;

/// Locks on tables and views, rewritten tables and indexes, scanned tables; names without their schema.
#[derive(Clone, Debug, Default, PartialEq)]
struct Done {
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

fn database() -> Database {
    let database = Database::create();
    let setup = std::fs::read_to_string("tests/data/lock-cases/setup.sql").expect("the schema is there");
    for statement in setup.replace("300000", "3000").split_inclusive(";\n") {
        database.execute(statement);
    }
    database
}

fn schema(database: &Database, sql: &str) -> SchemaFacts {
    let words = migration::names_in(&migration::parse(sql, "m.sql").expect(sql));
    let mut production = Production::connect(&database.parameters()).expect("the database takes connections");
    production
        .read(|reader| catalog::schema(reader, &words))
        .expect("the catalog is readable")
}

/// Returns what the plan says of the last statement but COMMIT: what it takes that was not held before.
fn foretold(schema: &SchemaFacts, before: Option<&str>, sql: &str) -> Done {
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

/// Leaves only locks on tables: the rules name no index but the one a statement is about.
fn on_tables(schema: &SchemaFacts, mut done: Done) -> Done {
    done.locks.retain(|(name, _)| {
        let path = [name.clone()];
        schema.relation(&path).is_some_and(|relation| relation.kind != "S")
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
