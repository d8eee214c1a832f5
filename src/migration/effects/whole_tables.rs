//! What `CREATE`, `DROP`, `TRUNCATE` and `LOCK` of whole tables and materialised views lock and rewrite.

use super::cascades;
use super::judge::{Effects, Judge, NamedRelation, TransactionRule};
use crate::catalog::{DependedOn, RelationKind};
use crate::migration::LockMode::{self, AccessExclusive, ShareRowExclusive, ShareUpdateExclusive};
use crate::migration::Trap;
use crate::migration::command::{ConstraintDefinition, CreateTable, DropObjects, Lock, TableConstraint, Truncate};
use crate::migration::names::name_path;

pub(super) fn create_table(judge: &mut Judge, create: &CreateTable) {
    if create.made.if_not_exists && judge.exists(create.made.name.as_deref()) {
        return;
    }
    if let Some((written, _)) = &create.partition_of {
        create_partition(judge, written);
    }
    let own = create.made.name.as_deref().map(name_path);
    let of_columns = create.columns.iter().flat_map(|column| &column.constraints);
    for constraint in of_columns.chain(&create.constraints) {
        reference(judge, constraint, own.as_deref());
    }
    for written in &create.inherits {
        let parent = judge.relation(written);
        judge.effects.lock(&parent.name, ShareUpdateExclusive);
    }
}

fn create_partition(judge: &mut Judge, written: &str) {
    let parent = judge.relation(written);
    judge.note_missing(&parent, written);
    if !judge.schema.is_known() {
        judge
            .effects
            .unknown("whether there is a default partition, which is read");
    }
    judge.effects.lock(&parent.name, AccessExclusive);
    judge.default_changes(&parent, "", true);
    for constraint in parent.facts.iter().flat_map(|facts| &facts.constraints) {
        if let Some(referenced) = &constraint.references {
            judge.effects.lock(referenced, ShareRowExclusive);
        }
    }
    if judge.version >= 140_000 {
        judge.lock_referencing(&parent, ShareRowExclusive);
    }
}

/// Foreign keys of a new table lock the tables they refer to; the new one nobody else knows.
fn reference(judge: &mut Judge, constraint: &TableConstraint, own: Option<&[String]>) {
    if let ConstraintDefinition::ForeignKey { table, .. } = &constraint.definition
        && Some(name_path(table).as_slice()) != own
    {
        let referenced = judge.relation(table);
        judge.lock_all(&judge.with_descendants(&referenced), ShareRowExclusive);
    }
}

pub(super) fn drop_tables(judge: &mut Judge, dropped: &DropObjects) {
    for written in &dropped.names {
        let table = judge.relation(written);
        // IF EXISTS passes over what is not there.
        if table.facts.is_some() || !judge.schema.is_known() || !dropped.if_exists {
            drop_table(judge, &table, dropped.cascade);
        }
    }
}

fn drop_table(judge: &mut Judge, table: &NamedRelation, cascade: bool) {
    let all: Vec<String> = judge
        .with_descendants(table)
        .into_iter()
        .map(|part| part.name)
        .collect();
    for name in &all {
        let part = judge.qualified(name);
        judge.effects.lock(name, AccessExclusive);
        for constraint in part.facts.iter().flat_map(|facts| &facts.constraints) {
            let is_outward = constraint
                .references
                .as_ref()
                .is_some_and(|referenced| !all.contains(referenced));
            // One that comes from a parent has its triggers there.
            if is_outward && !constraint.inherited && constraint.is_enforced() {
                judge.drop_foreign_key(constraint);
            }
        }
        if cascade {
            let path: Vec<String> = name_path(name);
            cascades::take_along(judge, DependedOn::Relation, &path, "");
            judge.lock_referencing(&part, AccessExclusive);
            for view in readers_of(judge, name) {
                judge.effects.lock(&view, AccessExclusive);
            }
        }
    }
    for sequence in table.facts.iter().flat_map(|facts| &facts.sequences) {
        judge.effects.lock(sequence, AccessExclusive);
    }
    if let Some(facts) = table.facts.filter(|facts| facts.bound.is_some()) {
        for parent in &facts.parents {
            let parent = judge.qualified(parent);
            judge.effects.lock(&parent.name, AccessExclusive);
            judge.default_changes(&parent, &table.name, false);
        }
    }
    judge
        .effects
        .warn(Trap::CannotComeBack, "what is dropped cannot be brought back");
}

/// Returns the views that read a relation, themselves or through others.
fn readers_of(judge: &Judge, name: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = vec![name.to_owned()];
    while let Some(read) = open.pop() {
        for view in judge.schema.relations.readers_of(&read) {
            if !found.contains(&view.name) {
                found.push(view.name.clone());
                open.push(view.name.clone());
            }
        }
    }
    found
}

pub(super) fn drop_schema(judge: &mut Judge, dropped: &DropObjects) {
    if !judge.cascades(
        dropped.cascade,
        "every relation of the schema is dropped; which ones only the catalog tells",
    ) {
        return;
    }
    for name in &dropped.names {
        cascades::take_along(judge, DependedOn::Schema, &name_path(name), "");
    }
    let schemas: Vec<String> = dropped.names.iter().map(|name| name_path(name).concat()).collect();
    for relation in judge
        .schema
        .relations
        .iter()
        .filter(|relation| schemas.contains(&relation.schema))
    {
        let table = judge.qualified(&relation.name);
        drop_table(judge, &table, true);
    }
}

pub(super) fn truncate(judge: &mut Judge, truncate: &Truncate) {
    let mut tables = judge.named(&truncate.tables);
    let mut next = 0;
    while let Some(name) = tables
        .get(next)
        .map(|table| table.name.clone())
        .filter(|_| truncate.cascade)
    {
        for (child, _) in judge.schema.referencing(&name) {
            let child = judge.qualified(&child.name);
            for part in judge.with_descendants(&child) {
                if !tables.iter().any(|known| known.name == part.name) {
                    tables.push(part);
                }
            }
        }
        next += 1;
    }
    judge.lock_all(&tables, AccessExclusive);
    tables.iter().for_each(|table| judge.empty(table));
    for sequence in tables
        .iter()
        .filter_map(|table| table.facts)
        .flat_map(|facts| &facts.sequences)
    {
        if truncate.restart_identity {
            judge.effects.lock(sequence, AccessExclusive);
            Effects::note(&mut judge.effects.rewritten, sequence);
        }
    }
    judge
        .effects
        .warn(Trap::CannotComeBack, "truncated rows cannot be brought back");
}

pub(super) fn lock(judge: &mut Judge, lock: &Lock) {
    judge.effects.transaction = TransactionRule::Required;
    for table in judge.named(&lock.tables) {
        judge.effects.lock(&table.name, lock.mode);
        let is_view = table.facts.is_some_and(|facts| facts.kind == RelationKind::View);
        if is_view {
            judge.lock_all(&judge.read_by(&table), lock.mode);
        }
    }
    judge.effects.locks.retain(|(_, mode)| *mode > LockMode::AccessShare);
}
