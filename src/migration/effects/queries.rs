//! What statements that read and change rows lock and scan: `SELECT`, DML, `COPY`, tables made from queries.
//!
//! Which tables a query reads from end to end is the planner's choice: it is foretold only as far as a missing or a fitting
//! index decides it.

use super::judge::{Judge, NamedRelation};
use super::keyed_rows::keyed_rows;
use crate::catalog::{ConstraintKind, ForeignKeyAction, RelationFacts, RelationKind};
use crate::migration::LockMode::{RowExclusive, RowShare};
use crate::migration::names::name_path;
use crate::migration::words::Words;
use crate::migration::{StepKind, Trap};

/// Functions that migrations call by `SELECT` and that touch no table.
const HARMLESS: &[&str] = &[
    "set_config",
    "pg_advisory_lock",
    "pg_advisory_xact_lock",
    "pg_advisory_unlock",
    "pg_sleep",
];

/// Words that end a `FROM` list.
const FROM_ENDS: &[&str] = &[
    "WHERE",
    "GROUP BY",
    "HAVING",
    "WINDOW",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "ORDER BY",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "FOR UPDATE",
    "FOR NO KEY UPDATE",
    "FOR SHARE",
    "FOR KEY SHARE",
    "RETURNING",
    "ON CONFLICT",
    "WITH DATA",
    "WITH NO DATA",
    "SET",
];

/// Judges `INSERT`, `UPDATE`, `DELETE`, `MERGE` and what begins with `WITH`; the first keyword is read already.
pub(super) fn change_rows(judge: &mut Judge, words: &mut Words) {
    judge.effects.base = Some(StepKind::Dml);
    if holds_common_table(words) || words.at("RECURSIVE") {
        common_tables(judge, words);
        change_rows_alone(judge, words);
        // Each part of it may change rows, and not all are counted.
        judge.effects.rows = None;
    } else {
        change_rows_alone(judge, words);
    }
}

/// Judges what is left when the common table expressions are read.
fn change_rows_alone(judge: &mut Judge, words: &mut Words) {
    if words.at("SELECT") {
        let changed = judge.effects.locks.iter().any(|(_, mode)| *mode >= RowExclusive);
        judge.effects.base = changed.then_some(StepKind::Dml);
        return select(judge, words);
    }
    let (verb, mut rest) = match verb_of(words) {
        Some(found) => found,
        None => {
            judge.effects.base = None;
            return judge
                .effects
                .unknown("what a query with WITH locks is not covered by the rules");
        }
    };
    let Some((written, only)) = rest.table() else {
        return judge.effects.unknown("the table's name was not understood");
    };
    let table = judge.relation(&written);
    judge.note_missing(&table, &written);
    if table.facts.is_some_and(|facts| facts.kind == RelationKind::View) {
        judge.effects.unknown("a view passes the change on to its tables");
    }
    let tables = if only || verb == Verb::Insert {
        vec![table.clone()]
    } else {
        judge.with_descendants(&table)
    };
    judge.lock_all(&tables, RowExclusive);
    let assigned = assigned_columns(&rest);
    let from = rest.clone();
    rest.until(FROM_ENDS);
    if verb == Verb::Update {
        rest.until(&["FROM", "WHERE", "RETURNING"]);
    }
    match verb {
        Verb::Insert => insert_reads(judge, words),
        Verb::Merge => {
            tables.iter().for_each(|table| judge.scan(table));
            let list = behind("USING", &from);
            listed(judge, list).iter().for_each(|table| judge.scan(table));
        }
        Verb::Update | Verb::Delete => {
            let condition = condition(&rest);
            let list = behind(if verb == Verb::Update { "FROM" } else { "USING" }, &from);
            let others = listed(judge, list);
            judge.effects.rows = match (table.facts, &condition) {
                (Some(facts), Some(condition)) if others.is_empty() => keyed_rows(facts, condition),
                _ => None,
            };
            scan_tables(judge, others, condition.as_ref());
            tables
                .iter()
                .filter(|table| reads_whole(table.facts, condition.as_ref()))
                .for_each(|table| judge.scan(table));
        }
    }
    foreign_keys(judge, &table, verb, &assigned);
    if table.facts.is_some_and(|facts| !facts.triggers.is_empty()) {
        judge.effects.warn(
            Trap::TriggersDoMore,
            format!("triggers of {} may lock and change more", table.name),
        );
    }
}

/// Judges the common table expressions that come next, which may change rows themselves, and steps over them.
fn common_tables(judge: &mut Judge, words: &mut Words) {
    words.accept("RECURSIVE");
    while holds_common_table(words) {
        words.identifier();
        words.parenthesis();
        words.accept("AS");
        words.accept_any(&["MATERIALIZED", "NOT MATERIALIZED"]);
        let Some(mut body) = words.parenthesis() else { return };
        if body.accept_any(&["INSERT", "UPDATE", "DELETE", "MERGE"]).is_some() {
            change_rows(judge, &mut body);
        } else {
            scan_sources(judge, &body);
        }
        words.accept(",");
    }
}

/// Returns the list of tables that stands behind a keyword, before the condition.
fn behind<'text>(keyword: &str, words: &Words<'text>) -> Words<'text> {
    let mut rest = words.clone();
    rest.until(&[keyword, "WHERE", "RETURNING", "ON", "WHEN"]);
    if !rest.accept(keyword) {
        return Words::new("");
    }
    rest.until(&["WHERE", "RETURNING", "ON", "WHEN"])
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Insert,
    Update,
    Delete,
    Merge,
}

/// Finds the verb: what stands next tells which one was read.
fn verb_of<'text>(words: &Words<'text>) -> Option<(Verb, Words<'text>)> {
    let mut rest = words.clone();
    // Behind common table expressions it is still to be read.
    if let Some(verb) = rest.accept_any(&["INSERT", "UPDATE", "DELETE", "MERGE"]) {
        return verb_named(verb, rest);
    }
    if rest.holds("MATCHED") && rest.at("INTO") {
        return verb_named("MERGE", rest);
    }
    let verb = if rest.at("INTO") {
        "INSERT"
    } else if rest.at("FROM") {
        "DELETE"
    } else {
        "UPDATE"
    };
    verb_named(verb, rest)
}

fn verb_named<'text>(verb: &str, mut rest: Words<'text>) -> Option<(Verb, Words<'text>)> {
    let found = match verb {
        "INSERT" => Verb::Insert,
        "UPDATE" => Verb::Update,
        "DELETE" => Verb::Delete,
        _ => Verb::Merge,
    };
    rest.accept_any(&["INTO", "FROM"]);
    Some((found, rest))
}

/// Says whether a name is followed by `AS (`, with a list of columns or without: a common table expression.
fn holds_common_table(words: &Words) -> bool {
    let mut rest = words.clone();
    rest.identifier();
    rest.parenthesis();
    rest.accept("AS") && (rest.accept_any(&["MATERIALIZED", "NOT MATERIALIZED"]).is_some() || rest.at("("))
}

fn assigned_columns(words: &Words) -> Vec<String> {
    let mut rest = words.clone();
    rest.until(&["SET"]);
    if !rest.accept("SET") {
        return Vec::new();
    }
    let assignments = rest.until(&["FROM", "WHERE", "RETURNING"]).split_at_commas();
    let mut columns = Vec::new();
    for mut assignment in assignments {
        match assignment.parenthesis() {
            Some(mut list) => columns.extend(list.identifiers()),
            None => columns.extend(assignment.identifier()),
        }
    }
    columns
}

/// Checks of foreign keys lock the rows of the other table when there is a row to check.
fn foreign_keys(judge: &mut Judge, table: &NamedRelation, verb: Verb, assigned: &[String]) {
    let touched = |columns: &[String]| verb != Verb::Update || columns.iter().any(|column| assigned.contains(column));
    let outgoing = table.facts.into_iter().flat_map(|facts| &facts.constraints);
    for constraint in outgoing.filter(|found| found.kind == ConstraintKind::ForeignKey && touched(&found.columns)) {
        if let (false, Some(referenced)) = (verb == Verb::Delete, &constraint.references) {
            judge.effects.lock(referenced, RowShare);
        }
    }
    if verb == Verb::Delete {
        for (child, constraint) in judge.schema.referencing(&table.name) {
            let changes = constraint.on_delete.is_some_and(ForeignKeyAction::changes_rows);
            judge
                .effects
                .lock(&child.name, if changes { RowExclusive } else { RowShare });
        }
    }
}

fn insert_reads(judge: &mut Judge, words: &Words) {
    let mut query = words.clone();
    query.until(&["SELECT", "TABLE", "VALUES", "DEFAULT VALUES"]);
    if query.accept("VALUES") {
        query = query.until(&["ON CONFLICT", "RETURNING"]);
        judge.effects.rows = Some(query.split_at_commas().len() as f64);
    } else if query.at("DEFAULT VALUES") {
        judge.effects.rows = Some(1.0);
    } else {
        scan_sources(judge, &query);
    }
}

pub(super) fn select(judge: &mut Judge, words: &mut Words) {
    let locking = ["FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE", "FOR KEY SHARE"]
        .iter()
        .any(|keywords| words.holds(keywords));
    if words.holds("INTO") {
        judge.effects.base = Some(StepKind::Dml);
    }
    let (calls, _) = words.calls_and_names();
    let own = |name: &String| !HARMLESS.contains(&name.as_str()) && judge.is_volatile(name) != Some(false);
    if let Some(name) = calls.iter().find(|name| own(name)) {
        if name == "setval" || name == "nextval" {
            return;
        }
        judge.effects.unknown(format!("what function {name} does"));
    }
    if locking {
        judge.effects.base = Some(StepKind::Dml);
        for table in row_locked(words, sources(judge, words)) {
            judge.lock_all(&judge.with_descendants(&table), RowShare);
        }
    }
    scan_sources(judge, words);
}

/// Returns those of the tables that `FOR UPDATE OF` names; all of them without `OF`, or where it names an alias.
fn row_locked<'facts>(query: &Words, tables: Vec<NamedRelation<'facts>>) -> Vec<NamedRelation<'facts>> {
    let mut rest = query.clone();
    rest.until(&[
        "FOR UPDATE OF",
        "FOR NO KEY UPDATE OF",
        "FOR SHARE OF",
        "FOR KEY SHARE OF",
    ]);
    rest.until(&["OF"]);
    if !rest.accept("OF") {
        return tables;
    }
    let names = rest.until(&["NOWAIT", "SKIP", "FOR", "LIMIT", "OFFSET"]).identifiers();
    let is_named = |table: &&NamedRelation| table.facts.is_some_and(|facts| names.contains(&facts.bare_name));
    let named: Vec<NamedRelation> = tables.iter().filter(is_named).cloned().collect();
    match named.len() == names.len() {
        true => named,
        false => tables,
    }
}

pub(super) fn copy(judge: &mut Judge, words: &mut Words) {
    if words.at("(") {
        if let Some(query) = words.parenthesis() {
            scan_sources(judge, &query);
        }
        return;
    }
    let Some(written) = words.name() else {
        return judge.effects.unknown("the table's name was not understood");
    };
    let table = judge.relation(&written);
    judge.note_missing(&table, &written);
    words.parenthesis();
    if words.at("FROM") {
        judge.effects.base = Some(StepKind::Dml);
        judge.effects.lock(&table.name, RowExclusive);
        foreign_keys(judge, &table, Verb::Insert, &[]);
    } else {
        judge.scan(&table);
    }
}

/// `CREATE TABLE … AS`, `CREATE MATERIALIZED VIEW`: the name comes next.
pub(super) fn create_table_as(judge: &mut Judge, words: &mut Words) {
    words.accept("IF NOT EXISTS");
    words.name();
    if words.holds("WITH NO DATA") {
        return;
    }
    judge.effects.base = Some(StepKind::Dml);
    words.until(&["AS"]);
    words.accept("AS");
    let query = match words.at("(") {
        true => words.parenthesis().unwrap_or_else(|| words.clone()),
        false => words.clone(),
    };
    scan_sources(judge, &query);
}

/// Returns the tables that a view reads, through other views too.
pub(super) fn read_by<'facts>(judge: &Judge<'facts>, view: &NamedRelation<'facts>) -> Vec<NamedRelation<'facts>> {
    let mut found: Vec<NamedRelation> = Vec::new();
    let mut open = vec![view.clone()];
    while let Some(reader) = open.pop() {
        for name in reader.facts.iter().flat_map(|facts| &facts.reads) {
            let source = judge.qualified(name);
            if !found.iter().any(|known| known.name == source.name) {
                found.extend(judge.with_descendants(&source));
                if source.facts.is_some_and(|facts| facts.kind == RelationKind::View) {
                    open.push(source);
                }
            }
        }
    }
    found
}

fn scan_sources(judge: &mut Judge, query: &Words) {
    let condition = condition(query);
    let sources = sources(judge, query);
    scan_tables(judge, sources, condition.as_ref());
}

fn scan_tables<'facts>(judge: &mut Judge<'facts>, sources: Vec<NamedRelation<'facts>>, condition: Option<&Words>) {
    // What the catalog does not have is a common table expression, or fails.
    let is_there = |source: &NamedRelation| source.facts.is_some() || !judge.schema.is_known();
    for source in sources.into_iter().filter(is_there).collect::<Vec<_>>() {
        let is_view = source.facts.is_some_and(|facts| facts.kind == RelationKind::View);
        let tables = if is_view {
            read_by(judge, &source)
        } else {
            judge.with_descendants(&source)
        };
        for table in tables.iter().filter(|table| reads_whole(table.facts, condition)) {
            judge.scan(table);
        }
    }
}

/// Returns the tables in the `FROM` of a query's outermost level.
fn sources<'facts>(judge: &Judge<'facts>, query: &Words) -> Vec<NamedRelation<'facts>> {
    let mut rest = query.clone();
    if rest.accept("TABLE") {
        return rest
            .table()
            .map(|(written, _)| judge.relation(&written))
            .into_iter()
            .collect();
    }
    rest.until(&["FROM"]);
    if !rest.accept("FROM") {
        return Vec::new();
    }
    let list = rest.until(FROM_ENDS);
    listed(judge, list)
}

/// Returns the tables of a list with commas and joins.
fn listed<'facts>(judge: &Judge<'facts>, mut list: Words) -> Vec<NamedRelation<'facts>> {
    let mut found = Vec::new();
    for mut item in list.split_at_commas() {
        loop {
            item.accept("LATERAL");
            let named = item.table().filter(|_| !item.at("("));
            found.extend(named.map(|(written, _)| judge.relation(&written)));
            item.until(&["JOIN"]);
            if !item.accept("JOIN") {
                break;
            }
        }
    }
    found
}

/// Returns the condition behind `WHERE` of the outermost level.
fn condition<'text>(query: &Words<'text>) -> Option<Words<'text>> {
    let mut rest = query.clone();
    rest.until(&["WHERE"]);
    rest.accept("WHERE")
        .then(|| rest.until(&["RETURNING", "ORDER BY", "GROUP BY", "FOR UPDATE", "LIMIT"]))
}

/// Says whether a condition sets a column equal to another, which picks no rows of either.
fn joins_columns(condition: &Words) -> bool {
    const VALUES: &[&str] = &[
        "TRUE",
        "FALSE",
        "NULL",
        "CURRENT_DATE",
        "CURRENT_TIMESTAMP",
        "CURRENT_USER",
    ];
    let mut right = condition.clone();
    let mut left = right.until(&["="]);
    let is_column = |words: &mut Words| {
        let is_value = VALUES.iter().any(|value| words.at(value));
        !is_value && words.name().is_some() && words.is_empty()
    };
    right.accept("=") && is_column(&mut left) && is_column(&mut right)
}

/// Says whether a table is read from end to end: no index begins with a column of the condition.
fn reads_whole(facts: Option<&RelationFacts>, condition: Option<&Words>) -> bool {
    let (Some(facts), Some(condition)) = (facts, condition) else {
        return condition.is_none();
    };
    let mut names = Vec::new();
    let mut rest = condition.clone();
    while !rest.is_empty() {
        let part = rest.until(&["AND"]);
        rest.accept("AND");
        if !joins_columns(&part) {
            names.extend(part.calls_and_names().1.iter().flat_map(|name| name_path(name)));
        }
    }
    !facts
        .indexes
        .iter()
        .any(|index| index.valid && index.columns.first().is_some_and(|first| names.contains(first)))
}
