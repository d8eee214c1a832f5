//! Any text as a migration of plain SQL is either refused with its position, or planned, split into steps and shown in
//! every format.

use std::str::from_utf8;
use std::sync::LazyLock;

use migtime::catalog::SchemaFacts;
use migtime::catalog::snapshot::SchemaSnapshot;
use migtime::error::Result;
use migtime::migration::{self, BatchOptions, Statement, Step, Tables, Walk, Window};
use migtime::model::planned::{self, Sizes};
use migtime::report::ci::{Document, of_plan};
use migtime::report::{self, PlanReport, PlannedLock, Remark, StatementReport};
use migtime::shown::without_secrets;

use crate::fuzzed::{SECRET, announces_secret, check_prediction, shown};

/// The catalog of the corpora: a plain table, a partitioned one, a view, and foreign keys.
static SCHEMA: LazyLock<SchemaFacts> =
    LazyLock::new(|| serde_json::from_str(include_str!("data/fuzzed-schema.json")).expect("the schema reads"));

/// The facts of its tables, under every form of their names in the corpora.
static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let tables: Tables = serde_json::from_str(include_str!("data/fuzzed-tables.json")).expect("the tables read");
    let bare = |name: &String| name.trim_start_matches("public.").to_string();
    let again: Tables = tables.iter().map(|(name, facts)| (bare(name), facts.clone())).collect();
    tables.into_iter().chain(again).collect()
});

/// Reads a migration, and uses it in every way that needs no database.
pub fn run(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let mut said = Vec::new();
    match migration::parse(text, "m.sql") {
        Ok(statements) => {
            check_places(&statements, text);
            said.extend(check(&statements));
            said.extend(reports(&statements, text.len()));
        }
        Err(error) => {
            assert!(error.message().starts_with("m.sql"), "{error}");
            said.push(shown(&error));
        }
    }
    match migration::substitute(text, "m.sql", &[("rows", "1000"), ("seed", "1")]) {
        Ok(_) => {}
        Err(error) => said.push(shown(&error)),
    }
    if announces_secret(text) {
        for text in said {
            assert!(!text.contains(SECRET), "{text}");
        }
    }
}

/// Checks that the text at each statement's position is that statement.
fn check_places(statements: &[Statement], text: &str) {
    let mut end = 0;
    for (index, statement) in statements.iter().enumerate() {
        assert_eq!(statement.number as usize, index + 1);
        let range = statement.byte_range.clone();
        assert!(range.start >= end, "{range:?} begins before {end}");
        end = range.end;
        assert_eq!(text.get(range.clone()), Some(statement.sql.as_str()));
        assert_eq!(statement.line, 1 + text[..range.start].matches('\n').count());
        for (place, _) in &statement.placeholders {
            assert!(statement.sql.get(place.clone()).is_some(), "{place:?}");
        }
    }
}

/// Plans the statements with and without a catalog, splits them into steps, and returns the reasons for refusals.
pub fn check(statements: &[Statement]) -> Vec<String> {
    let mut said = Vec::new();
    migration::tables_of(statements);
    migration::names_in(statements);
    for statement in statements {
        check_alone(statement);
    }
    for schema in [&SchemaFacts::default(), &*SCHEMA] {
        planned(statements, schema);
        migration::losses(statements, schema);
        let phases = migration::expand_and_contract(statements, schema, &SchemaSnapshot::default());
        said.extend(check_phases(phases));
    }
    for walk in [None, Some(Walk::Rows), Some(Walk::KeyRange), Some(Walk::Blocks)] {
        let options = BatchOptions {
            walk,
            big_table_rows: walk.map(|_| 1.0),
            ..BatchOptions::default()
        };
        match migration::steps(statements, &TABLES, &options) {
            Ok(steps) => steps.iter().for_each(check_step),
            Err(error) => said.push(shown(&error)),
        }
    }
    said
}

/// Returns the plan as text, and one of the machine-readable documents, chosen by `turn` because each takes time.
fn reports(statements: &[Statement], turn: usize) -> Vec<String> {
    let report = planned(statements, &SCHEMA);
    let verdict = [of_plan("m.sql", &report, &str::to_string)];
    vec![
        report::plan_json(&report),
        report::plan_markdown(&report),
        report::plan_terminal(&report, 60, true),
        Document::ALL[turn % Document::ALL.len()].render(&verdict),
    ]
}

fn check_alone(statement: &Statement) {
    let sql = statement.sql.as_str();
    migration::reaches(sql);
    migration::reaches_in_body(sql);
    migration::written(sql);
    migration::called(sql);
    migration::command(sql);
    migration::more_than_reading(sql);
    migration::names_of(sql);
    statement.is_transaction_edge();
    migration::safe_form(statement);
}

/// Checks that every phase is a readable migration; returns the reason if there are no phases.
fn check_phases(phases: Result<Vec<migration::PhaseFile>>) -> Option<String> {
    match phases {
        Ok(files) => {
            for file in files {
                let read = migration::parse(&file.text, &file.name);
                assert!(read.is_ok(), "{read:?}: {}", file.text);
            }
            None
        }
        Err(error) => Some(shown(&error)),
    }
}

fn check_step(step: &Step) {
    let Some(batching) = &step.batching else { return };
    let bound = |value: &str| vec![value.to_string(); batching.key.len().max(1)];
    let window = Window {
        start: bound("1"),
        end: bound("100"),
    };
    for version in [130_000, 180_000] {
        let sql = batching.template.render(batching, &window, version);
        assert!(
            migration::parse(&sql, "batch.sql").is_ok(),
            "{} is run as {sql}",
            step.sql
        );
    }
    if let Some(predicate) = &batching.predicate {
        migration::more_than_reading(predicate);
    }
}

/// The report of `migtime plan`, with everything that a statement can add to it.
fn planned(statements: &[Statement], schema: &SchemaFacts) -> PlanReport {
    let planned = migration::plan(statements, schema);
    assert_eq!(planned.len(), statements.len());
    let sizes: Sizes = if schema.is_known() {
        TABLES.clone()
    } else {
        Sizes::new()
    };
    planned::tables(&planned);
    let (times, total) = planned::times(&planned, &sizes, 0.95);
    let predictions = times.iter().flat_map(|times| [times.duration, times.held]);
    for prediction in predictions.chain([total]).flatten() {
        check_prediction("a statement", &prediction);
    }
    let statements = planned.into_iter().zip(times).map(|(planned, times)| {
        let step_kind = planned.kind();
        let scanned = planned.scanned().to_vec();
        let is_transaction_edge = planned.effects.is_none();
        let effects = planned.effects.unwrap_or_default();
        let locks = effects.locks.into_iter().map(|(relation, mode)| PlannedLock {
            relation,
            mode,
            held: times.held,
            keeps_others_waiting: true,
        });
        StatementReport {
            number: planned.statement.number,
            file: planned.statement.file.clone(),
            line: planned.statement.line,
            statement: without_secrets(&planned.statement.sql),
            step_kind,
            duration: times.duration,
            locks: locks.collect(),
            rewritten: effects.rewritten,
            scanned,
            transaction: effects.transaction,
            rollback: effects.rollback.map(|words| without_secrets(&words)),
            safe_form: migration::safe_form(&planned.statement).map(|sql| without_secrets(&sql)),
            warnings: planned.warnings.into_iter().map(Remark::from).collect(),
            is_transaction_edge,
        }
    });
    PlanReport {
        recognised_as: "plain-sql",
        total,
        statements: statements.collect(),
        rules: "By the rules of the tests.".to_string(),
    }
}
