//! What statements that read or change rows lock and scan: queries, `INSERT`, `UPDATE`, `DELETE`, `MERGE`, `COPY`.
//!
//! Which tables a query reads from end to end is the planner's choice: it is foretold only as far as a missing or a
//! fitting index decides it.

use super::judge::{Judge, NamedRelation};
use super::keyed_rows::keyed_rows;
use super::routines;
use crate::catalog::{ConstraintKind, ForeignKeyAction, RelationFacts, RelationKind};
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
    if let Some(name) = calls.iter().find(own) {
        if ["setval", "nextval"].contains(&name.as_str()) {
            return;
        }
        judge.effects.unknown(format!("what function {name} does"));
    }
    if let Some(names) = &select.locked {
        judge.effects.base = Some(StepKind::Dml);
        let is_named = |source: &&Relation| names.is_empty() || names.iter().any(|name| source.is_called(name));
        for source in select.parts.iter().flat_map(|part| &part.sources).filter(is_named) {
            let table = judge.relation(&source.name);
            judge.lock_all(&judge.reached(&table, source.only), RowShare);
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
    judge.effects.base = Some(StepKind::Dml);
    match &create.query {
        Some(query) => read(judge, query),
        None => judge.effects.unknown("what a prepared statement reads"),
    }
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

fn scan_part(judge: &mut Judge, part: &Part) {
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
            read_by(judge, &table)
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

/// What is done to the rows of a table, as far as foreign keys care.
#[derive(Clone, Copy)]
enum Done<'change> {
    Added,
    /// These columns were given values.
    Assigned(&'change [String]),
    Deleted,
    /// By `MERGE`, which says it row by row.
    Merged,
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
    let table = NamedTable {
        name: insert.table.clone(),
        only: true,
    };
    let tables = lock_changed(judge, &table);
    match insert.query.as_deref() {
        None => judge.effects.rows = Some(1.0),
        Some(source) => {
            if let Body::Select(select) = &source.body {
                judge.effects.rows = select.values.map(|rows| rows as f64);
            }
            read(judge, source);
        }
    }
    follow_changes(judge, &tables[0], Done::Added);
}

/// Judges `UPDATE` and `DELETE`.
fn change_found(judge: &mut Judge, change: &Change, done: Done) {
    let tables = lock_changed(judge, &change.table);
    let condition = change.condition.as_ref();
    judge.effects.rows = match (tables[0].facts, condition) {
        (Some(facts), Some(condition)) if change.others.is_empty() => keyed_rows(facts, condition),
        _ => None,
    };
    scan_sources(judge, &change.others, condition);
    // A cursor knows where its row is.
    for table in tables.iter().filter(|_| !change.current_of) {
        if reads_whole(table.facts, condition) {
            judge.scan(table);
        }
    }
    follow_changes(judge, &tables[0], done);
}

fn merge(judge: &mut Judge, merge: &Merge) {
    let tables = lock_changed(judge, &merge.table);
    tables.iter().for_each(|table| judge.scan(table));
    for other in &merge.others {
        let other = judge.relation(&other.name);
        judge.scan(&other);
    }
    follow_changes(judge, &tables[0], Done::Merged);
}

/// Locks the table that is changed, and returns it with its partitions and children.
fn lock_changed<'facts>(judge: &mut Judge<'facts>, named: &NamedTable) -> Vec<NamedRelation<'facts>> {
    let tables = judge.named(std::slice::from_ref(named));
    if tables[0].facts.is_some_and(|facts| facts.kind == RelationKind::View) {
        judge.effects.unknown("a view passes the change on to its tables");
    }
    judge.lock_all(&tables, RowExclusive);
    tables
}

/// Judges what a change of rows sets off: checks of foreign keys, and triggers.
fn follow_changes(judge: &mut Judge, table: &NamedRelation, done: Done) {
    foreign_keys(judge, table, done);
    if table.facts.is_some_and(|facts| !facts.triggers.is_empty()) {
        judge.effects.warn(
            Trap::TriggersDoMore,
            format!("triggers of {} may lock and change more", table.name),
        );
    }
}

/// Checks of foreign keys lock the rows of the other table when there is a row to check.
fn foreign_keys(judge: &mut Judge, table: &NamedRelation, done: Done) {
    let is_checked = |columns: &[String]| match done {
        Done::Added | Done::Merged => true,
        Done::Assigned(assigned) => columns.iter().any(|column| assigned.contains(column)),
        Done::Deleted => false,
    };
    let outgoing = table.facts.into_iter().flat_map(|facts| &facts.constraints);
    for constraint in outgoing.filter(|found| found.kind == ConstraintKind::ForeignKey && is_checked(&found.columns)) {
        if let Some(referenced) = &constraint.references {
            judge.effects.lock(referenced, RowShare);
        }
    }
    if let Done::Deleted = done {
        for (child, constraint) in judge.schema.referencing(&table.name) {
            let changes = constraint.on_delete.is_some_and(ForeignKeyAction::changes_rows);
            judge
                .effects
                .lock(&child.name, if changes { RowExclusive } else { RowShare });
        }
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
        foreign_keys(judge, &table, Done::Added);
    } else {
        judge.scan(&table);
    }
}
