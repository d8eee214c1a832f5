//! What statements that read or change rows lock and scan: queries, `INSERT`, `UPDATE`, `DELETE`, `MERGE`, `COPY`.
//!
//! Which tables a query reads from end to end is the planner's choice: it is foretold only as far as a missing or a
//! fitting index decides it.

use super::judge::{Judge, NamedRelation};
use super::keyed_rows::keyed_rows;
use super::routines;
use super::row_checks::Done;
use crate::catalog::{RelationFacts, RelationKind};
use crate::migration::LockMode::{RowExclusive, RowShare};
use crate::migration::command::{
    Body, Change, Condition, Copied, Copy, CreateTableAs, Expression, Insert, Merge, NamedTable, Part, Query, Select,
};
use crate::migration::named_relation::Relation;
use crate::migration::{StepKind, Trap};

/// Functions that migrations call by `SELECT` and that touch no table.
const HARMLESS: &[&str] = &[
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "clock_timestamp",
    "count",
    "gen_random_uuid",
    "json_agg",
    "jsonb_agg",
    "max",
    "min",
    "pg_advisory_lock",
    "pg_advisory_unlock",
    "pg_advisory_xact_lock",
    "pg_notify",
    "pg_sleep",
    "pg_try_advisory_lock",
    "pg_try_advisory_xact_lock",
    "random",
    "set_config",
    "string_agg",
    "sum",
    "txid_current",
];

/// Judges a query, or a change of rows, with the common table expressions before it.
pub(super) fn query(judge: &mut Judge, query: &Query) {
    query.with.iter().for_each(|common| common_table(judge, common));
    match &query.body {
        Body::Select(select) => {
            let changed = judge.effects.locks.iter().any(|(_, mode)| *mode >= RowExclusive);
            judge.effects.base = changed.then_some(StepKind::Dml);
            self::select(judge, select, &query.calls);
        }
        body => {
            judge.effects.base = Some(StepKind::Dml);
            change(judge, body);
        }
    }
    if !query.with.is_empty() {
        // Each part of it may change rows, and not all are counted.
        judge.effects.rows = None;
    }
}

/// Judges a common table expression, which may change rows itself.
fn common_table(judge: &mut Judge, common: &Query) {
    match &common.body {
        Body::Select(_) => read(judge, common),
        _ => query(judge, common),
    }
}

/// Judges a query whose rows are all that is wanted of it.
pub(super) fn read(judge: &mut Judge, query: &Query) {
    query.with.iter().for_each(|common| common_table(judge, common));
    if let Body::Select(select) = &query.body {
        select.parts.iter().for_each(|part| scan_part(judge, part));
    }
}

fn select(judge: &mut Judge, select: &Select, calls: &[String]) {
    if select.into.is_some() {
        judge.effects.base = Some(StepKind::Dml);
    }
    let (made, calls): (Vec<&String>, Vec<&String>) =
        calls.iter().partition(|name| judge.schema.routines.contains_key(*name));
    for name in made {
        if !routines::call(judge, name) {
            judge.effects.unknown(format!("what function {name} does"));
        }
    }
    let own = |name: &&&String| !HARMLESS.contains(&name.as_str()) && judge.is_volatile(name) != Some(false);
    let is_of_sequence = |name: &&&String| matches!(name.as_str(), "setval" | "nextval");
    if let Some(name) = calls.iter().find(own).filter(|name| !is_of_sequence(name)) {
        judge.effects.unknown(format!("what function {name} does"));
    }
    if let Some(names) = &select.locked {
        judge.effects.base = Some(StepKind::Dml);
        let is_named = |source: &&Relation| names.is_empty() || names.iter().any(|name| source.is_called(name));
        for source in select.parts.iter().flat_map(|part| &part.sources).filter(is_named) {
            let table = judge.relation(&source.name);
            judge.lock_all(&judge.reached(&table, source.only), RowShare);
            if table.facts.is_some_and(|facts| facts.kind == RelationKind::View) {
                judge.lock_all(&judge.read_by(&table), RowShare);
            }
        }
    }
    let levels = select.parts.iter().chain(&select.within);
    levels.for_each(|part| scan_part(judge, part));
}

/// Judges `CREATE TABLE … AS` and `CREATE MATERIALIZED VIEW`.
pub(super) fn create_table_as(judge: &mut Judge, create: &CreateTableAs) {
    if !create.with_data {
        return;
    }
    if create.made.if_not_exists && judge.exists(create.made.name.as_deref()) {
        return;
    }
    judge.effects.base = Some(StepKind::Dml);
    match &create.query {
        Some(query) => read(judge, query),
        None => judge.effects.unknown("what a prepared statement reads"),
    }
}

fn scan_part(judge: &mut Judge, part: &Part) {
    if let ([source], Some(column), None) = (part.sources.as_slice(), &part.extreme, &part.condition) {
        let table = judge.relation(&source.name);
        // The end of an index tells it.
        let tells = |facts: &RelationFacts| {
            let mut indexes = facts.indexes.iter().filter(|index| index.valid);
            indexes.any(|index| index.plain && index.columns.first() == Some(column))
        };
        let is_view = table.facts.is_some_and(|facts| facts.kind == RelationKind::View);
        if table.facts.is_some() && !is_view {
            for part in judge.reached(&table, source.only) {
                if !part.facts.is_some_and(tells) {
                    judge.scan(&part);
                }
            }
            return;
        }
    }
    scan_sources(judge, &part.sources, part.condition.as_ref());
}

/// Notes which of the tables that a query names are read from end to end.
pub(super) fn scan_sources(judge: &mut Judge, sources: &[Relation], condition: Option<&Condition>) {
    for source in sources {
        let table = judge.relation(&source.name);
        // What the catalog does not have fails.
        if table.facts.is_none() && judge.schema.is_known() {
            continue;
        }
        let is_view = table.facts.is_some_and(|facts| facts.kind == RelationKind::View);
        let tables = if is_view {
            judge.read_by(&table)
        } else {
            judge.reached(&table, source.only)
        };
        for table in tables.iter().filter(|table| reads_whole(table.facts, condition)) {
            judge.scan(table);
        }
    }
}

/// Says whether a table is read from end to end: no index begins with a column of the condition.
pub(super) fn reads_whole(facts: Option<&RelationFacts>, condition: Option<&Condition>) -> bool {
    let (Some(facts), Some(condition)) = (facts, condition) else {
        return condition.is_none();
    };
    let picking = condition.terms.iter().filter(|term| !joins_columns(&term.expression));
    let names: Vec<&String> = picking.flat_map(|term| &term.columns).collect();
    !facts
        .indexes
        .iter()
        .any(|index| index.valid && index.columns.first().is_some_and(|first| names.contains(&first)))
}

/// Says whether a column is set equal to another, which picks no rows of either table.
fn joins_columns(term: &Expression) -> bool {
    match term {
        Expression::Operation { operator, operands } => {
            operator == "=" && matches!(operands.as_slice(), [Expression::Name(_), Expression::Name(_)])
        }
        _ => false,
    }
}

pub(super) fn change(judge: &mut Judge, body: &Body) {
    match body {
        Body::Select(_) => {}
        Body::Insert(insert) => self::insert(judge, insert),
        Body::Update(update) => change_found(judge, update, Done::Assigned(&update.assigned)),
        Body::Delete(delete) => change_found(judge, delete, Done::Deleted),
        Body::Merge(merge) => self::merge(judge, merge),
    }
}

fn insert(judge: &mut Judge, insert: &Insert) {
    let named = NamedTable {
        name: insert.table.clone(),
        only: false,
    };
    let done = Done::Added(insert.columns.as_deref());
    let tables = lock_changed(judge, &named, done);
    match insert.query.as_deref() {
        None => judge.effects.rows = Some(1.0),
        Some(source) => {
            if let Body::Select(select) = &source.body {
                judge.effects.rows = select.values.map(|rows| rows as f64);
            }
            read(judge, source);
        }
    }
    tables
        .first()
        .into_iter()
        .for_each(|table| follow_changes(judge, table, done));
}

/// Judges `UPDATE` and `DELETE`.
fn change_found(judge: &mut Judge, change: &Change, done: Done) {
    let tables = lock_changed(judge, &change.table, done);
    let condition = change.condition.as_ref();
    judge.effects.rows = match (tables.first().and_then(|table| table.facts), condition) {
        (Some(facts), Some(condition)) if change.others.is_empty() => keyed_rows(facts, condition),
        _ => None,
    };
    scan_sources(judge, &change.others, condition);
    change.within.iter().for_each(|part| scan_part(judge, part));
    // A cursor knows where its row is.
    for table in tables.iter().filter(|_| !change.current_of) {
        if reads_whole(table.facts, condition) {
            judge.scan(table);
        }
    }
    tables
        .first()
        .into_iter()
        .for_each(|table| follow_changes(judge, table, done));
}

fn merge(judge: &mut Judge, merge: &Merge) {
    let tables = lock_changed(judge, &merge.table, Done::Merged);
    tables.iter().for_each(|table| judge.scan(table));
    scan_sources(judge, &merge.others, None);
    tables
        .first()
        .into_iter()
        .for_each(|table| follow_changes(judge, table, Done::Merged));
}

/// Locks the table that is changed, and returns it with its partitions and children; of a view, the tables below it.
fn lock_changed<'facts>(judge: &mut Judge<'facts>, named: &NamedTable, done: Done) -> Vec<NamedRelation<'facts>> {
    // Rows may be added to any partition, but to no child.
    let is_own = |table: &NamedRelation| matches!(done, Done::Added(_)) && !table.is_partitioned();
    let table = judge.relation(&named.name);
    judge.note_missing(&table, &named.name);
    let tables = judge.reached(&table, named.only || is_own(&table) || table.facts.is_none());
    let Some(facts) = table.facts else {
        judge.lock_all(&tables, RowExclusive);
        return tables;
    };
    judge.lock_all(&tables, RowExclusive);
    let rules = facts.rules.iter().filter(|rule| rule.event == done.event());
    let mut instead = facts.instead.iter().any(|event| event == done.event());
    for rule in rules {
        instead |= rule.instead;
        for used in &rule.uses {
            let used = judge.qualified(used);
            judge.lock_all(&judge.with_descendants(&used), RowExclusive);
            judge.scan(&used);
        }
    }
    if facts.kind != RelationKind::View {
        return tables;
    }
    if instead {
        if !matches!(done, Done::Added(_)) {
            judge.read_by(&table).iter().for_each(|read| judge.scan(read));
        }
        return Vec::new();
    }
    // What the server changes through a view reads one table.
    match facts.reads.as_slice() {
        [below] => {
            let below = NamedTable {
                name: below.clone(),
                only: false,
            };
            lock_changed(judge, &below, done)
        }
        _ => {
            judge.effects.unknown("a view passes the change on to its tables");
            Vec::new()
        }
    }
}

/// Judges what a change of rows sets off: checks of foreign keys, and triggers.
fn follow_changes(judge: &mut Judge, table: &NamedRelation, done: Done) {
    judge.foreign_keys(table, done);
    if table.facts.is_some_and(|facts| !facts.triggers.is_empty()) {
        judge.effects.warn(
            Trap::TriggersDoMore,
            format!("triggers of {} may lock and change more", table.name),
        );
    }
}

pub(super) fn copy(judge: &mut Judge, copy: &Copy) {
    let written = match &copy.what {
        Copied::Query(copied) if matches!(copied.body, Body::Select(_)) => return read(judge, copied),
        Copied::Query(copied) => return query(judge, copied),
        Copied::Table(written) => written,
    };
    let table = judge.relation(written);
    judge.note_missing(&table, written);
    if copy.from {
        judge.effects.base = Some(StepKind::Dml);
        judge.effects.lock(&table.name, RowExclusive);
        judge.foreign_keys(&table, Done::Added(None));
    } else {
        judge.scan(&table);
    }
}
