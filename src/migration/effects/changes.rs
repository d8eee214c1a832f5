//! What statements that change rows lock and scan: `INSERT`, `UPDATE`, `DELETE`, `MERGE`, `COPY`.

use super::judge::{Judge, NamedRelation};
use super::keyed_rows::keyed_rows;
use super::queries::{query, read, reads_whole, scan_sources};
use crate::catalog::{ConstraintKind, ForeignKeyAction, RelationKind};
use crate::migration::LockMode::{RowExclusive, RowShare};
use crate::migration::command::{Body, Change, Copied, Copy, Insert, Merge, NamedTable};
use crate::migration::{StepKind, Trap};

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
