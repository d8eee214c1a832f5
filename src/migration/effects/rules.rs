//! Which rules judge which statement: the table of contents, and the statements that touch no rows.
//!
//! Locks are those of PostgreSQL's documentation ("Explicit Locking") and of the sources named beside them.

use super::judge::{Effects, Judge, TransactionRule};
use super::{indexes, other_objects, queries, table_rules, undo, whole_tables};
use crate::catalog::SchemaFacts;
use crate::migration::LockMode::{AccessExclusive, ShareUpdateExclusive};
use crate::migration::words::Words;

/// Version whose rules hold when no server was asked: the oldest that its project still maintains.
const ASSUMED_VERSION: u32 = 140_000;

type Rule = fn(&mut Judge, &mut Words);

/// Statements whose locks depend on what follows their keywords; the first that fits counts.
const RULES: &[(&str, Rule)] = &[
    ("ALTER DOMAIN", other_objects::alter_domain),
    ("ALTER FOREIGN TABLE", table_rules::alter_table),
    ("ALTER INDEX", indexes::alter_index),
    ("ALTER MATERIALIZED VIEW", table_rules::alter_table),
    ("ALTER POLICY", on_table_exclusively),
    ("ALTER RULE", on_table_exclusively),
    ("ALTER SEQUENCE", other_objects::alter_sequence),
    ("ALTER TABLE ALL IN TABLESPACE", not_covered),
    ("ALTER TABLE", table_rules::alter_table),
    ("ALTER TRIGGER", on_table_exclusively),
    ("ALTER TYPE", other_objects::alter_type),
    ("ALTER VIEW", table_rules::alter_table),
    ("ANALYZE", whole_tables::analyze),
    ("ANALYSE", whole_tables::analyze),
    ("CLUSTER", whole_tables::cluster),
    ("COMMENT ON", other_objects::comment),
    ("COPY", queries::copy),
    ("CREATE CONSTRAINT TRIGGER", other_objects::create_trigger),
    ("CREATE INDEX", indexes::create_index),
    ("CREATE MATERIALIZED VIEW", queries::create_table_as),
    ("CREATE OR REPLACE RULE", on_table_exclusively),
    ("CREATE OR REPLACE TRIGGER", other_objects::replace_trigger),
    ("CREATE OR REPLACE VIEW", other_objects::replace_view),
    ("CREATE POLICY", on_table_exclusively),
    ("CREATE RULE", on_table_exclusively),
    ("CREATE STATISTICS", other_objects::create_statistics),
    ("CREATE TABLE", whole_tables::create_table),
    ("CREATE TRIGGER", other_objects::create_trigger),
    ("CREATE UNIQUE INDEX", indexes::create_index),
    ("CREATE UNLOGGED TABLE", whole_tables::create_table),
    ("DELETE", queries::change_rows),
    ("DROP DOMAIN", other_objects::drop_types),
    ("DROP FOREIGN TABLE", whole_tables::drop_tables),
    ("DROP INDEX", indexes::drop_index),
    ("DROP MATERIALIZED VIEW", whole_tables::drop_tables),
    ("DROP POLICY", on_table_exclusively),
    ("DROP RULE", on_table_exclusively),
    ("DROP SCHEMA", whole_tables::drop_schema),
    ("DROP SEQUENCE", whole_tables::drop_tables),
    ("DROP TABLE", whole_tables::drop_tables),
    ("DROP TRIGGER", on_table_exclusively),
    ("DROP TYPE", other_objects::drop_types),
    ("DROP VIEW", whole_tables::drop_tables),
    ("INSERT", queries::change_rows),
    ("LOCK", whole_tables::lock),
    ("MERGE", queries::change_rows),
    ("REFRESH MATERIALIZED VIEW", whole_tables::refresh),
    ("REINDEX", indexes::reindex),
    ("SELECT", queries::select),
    ("SET LOCAL", only_in_a_block),
    ("SET TRANSACTION", only_in_a_block),
    ("TABLE", queries::select),
    ("TRUNCATE", whole_tables::truncate),
    ("UPDATE", queries::change_rows),
    ("VACUUM", whole_tables::vacuum),
    ("VALUES", queries::select),
    ("WITH", queries::change_rows),
];

/// Statements that change the catalog only and lock no table.
const CATALOG_ONLY: &[&str] = &[
    "ABORT",
    "ALTER AGGREGATE",
    "ALTER COLLATION",
    "ALTER DATABASE",
    "ALTER DEFAULT PRIVILEGES",
    "ALTER EVENT TRIGGER",
    "ALTER FUNCTION",
    "ALTER GROUP",
    "ALTER LARGE OBJECT",
    "ALTER OPERATOR",
    "ALTER PROCEDURE",
    "ALTER ROLE",
    "ALTER ROUTINE",
    "ALTER SCHEMA",
    "ALTER STATISTICS",
    "ALTER TEXT SEARCH",
    "ALTER USER",
    "BEGIN",
    "COMMIT",
    "CREATE ACCESS METHOD",
    "CREATE AGGREGATE",
    "CREATE CAST",
    "CREATE COLLATION",
    "CREATE DOMAIN",
    "CREATE EVENT TRIGGER",
    "CREATE FUNCTION",
    "CREATE GROUP",
    "CREATE OPERATOR",
    "CREATE OR REPLACE FUNCTION",
    "CREATE OR REPLACE PROCEDURE",
    "CREATE PROCEDURE",
    "CREATE ROLE",
    "CREATE SEQUENCE",
    "CREATE SERVER",
    "CREATE TEMP",
    "CREATE TEMPORARY",
    "CREATE TEXT SEARCH",
    "CREATE TYPE",
    "CREATE USER",
    "CREATE VIEW",
    "CREATE RECURSIVE VIEW",
    "DEALLOCATE",
    "DISCARD",
    "DROP AGGREGATE",
    "DROP CAST",
    "DROP COLLATION",
    "DROP EVENT TRIGGER",
    "DROP FUNCTION",
    "DROP GROUP",
    "DROP OPERATOR",
    "DROP PROCEDURE",
    "DROP ROLE",
    "DROP ROUTINE",
    "DROP SERVER",
    "DROP TEXT SEARCH",
    "DROP USER",
    "END",
    "GRANT",
    "LISTEN",
    "NOTIFY",
    "PREPARE TRANSACTION",
    "REASSIGN OWNED",
    "RELEASE",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SECURITY LABEL",
    "SET",
    "SHOW",
    "START TRANSACTION",
    "UNLISTEN",
];

/// Statements that the server refuses inside a transaction block, whatever they do.
const FORBIDDEN: &[&str] = &[
    "ALTER SYSTEM",
    "CREATE DATABASE",
    "CREATE SUBSCRIPTION",
    "CREATE TABLESPACE",
    "DISCARD ALL",
    "DROP DATABASE",
    "DROP SUBSCRIPTION",
    "DROP TABLESPACE",
];

/// Returns what a statement does to a schema as it stands; `sql` is one valid statement without its semicolon.
///
/// Without facts (`SchemaFacts::default()`) everything is told that the text alone decides.
pub fn effects(sql: &str, schema: &SchemaFacts) -> Effects {
    let mut judge = Judge {
        schema,
        version: if schema.is_known() {
            schema.version_num
        } else {
            ASSUMED_VERSION
        },
        effects: Effects::default(),
    };
    judge_statement(&mut judge, &mut Words::new(sql));
    let mut effects = judge.effects;
    effects.tidy();
    effects
}

/// Judges one statement.
fn judge_statement(judge: &mut Judge, words: &mut Words) {
    let whole = words.clone();
    if FORBIDDEN.iter().any(|keywords| words.at(keywords)) {
        judge.effects.transaction = TransactionRule::Forbidden;
    }
    if let Some((keywords, rule)) = RULES.iter().find(|(keywords, _)| words.at(keywords)) {
        words.accept(keywords);
        rule(judge, words);
    } else if words.at("CREATE SCHEMA") {
        // Its elements would be statements of their own.
        if ["CREATE TABLE", "CREATE INDEX", "CREATE TRIGGER"]
            .iter()
            .any(|inner| words.holds(inner))
        {
            not_covered(judge, words);
        }
    } else if words.at("CREATE PUBLICATION") || words.at("ALTER PUBLICATION") {
        publication(judge, words);
    } else if words.at("DROP STATISTICS") || !CATALOG_ONLY.iter().any(|keywords| words.at(keywords)) {
        not_covered(judge, words);
    }
    if judge.effects.rollback.is_none() {
        judge.effects.rollback = undo::of_creation(&whole).or_else(|| undo::of_rename(&whole));
    }
}

fn not_covered(judge: &mut Judge, _: &mut Words) {
    judge
        .effects
        .unknown("what this statement locks is not covered by the rules; a rehearsal shows it");
}

fn only_in_a_block(judge: &mut Judge, _: &mut Words) {
    judge.effects.transaction = TransactionRule::Required;
}

/// Triggers, rules and policies of a table: `… ON table`, or `TO table` of a rule.
fn on_table_exclusively(judge: &mut Judge, words: &mut Words) {
    words.accept("IF EXISTS");
    let name = words.identifier();
    let is_new_rule = words.at("AS ON");
    words.until(if is_new_rule { &["TO"] } else { &["ON"] });
    words.skip();
    match words.table() {
        Some((written, _)) => {
            let table = judge.relation(&written);
            let with_clones = name.is_some_and(|name| table.facts.is_some_and(|facts| facts.triggers.contains(&name)));
            let tables = if with_clones {
                judge.with_descendants(&table)
            } else {
                vec![table]
            };
            judge.lock_all(&tables, AccessExclusive);
        }
        None => judge.effects.unknown("the table's name was not understood"),
    }
}

fn publication(judge: &mut Judge, words: &mut Words) {
    words.until(&["TABLE"]);
    if words.accept("TABLE") {
        for mut part in words.split_at_commas() {
            part.accept("TABLE");
            if let Some((written, only)) = part.table() {
                let table = judge.relation(&written);
                let tables = if only {
                    vec![table]
                } else {
                    judge.with_descendants(&table)
                };
                judge.lock_all(&tables, ShareUpdateExclusive);
            }
        }
    }
}
