//! What statements about views, sequences, types, domains, triggers, rules, policies, publications, statistics and
//! comments lock and scan.

use super::judge::{Effects, Judge, TransactionRule};
use super::undo;
use crate::catalog::{RelationFacts, RelationKind};
use crate::migration::LockMode::{AccessExclusive, RowExclusive, Share, ShareRowExclusive, ShareUpdateExclusive};
use crate::migration::Trap;
use crate::migration::command::{
    AlterDomain, AlterSequence, AlterType, Commented, Creation, DomainAction, DropObjects, ObjectKind, PartVerb,
    Publication, SequenceAction, TablePart, TypeAction,
};
use crate::migration::names::name_path;

/// Judges a trigger, rule or policy that is made, altered or dropped.
pub(super) fn table_part(judge: &mut Judge, part: &TablePart) {
    let table = judge.relation(&part.table);
    let is_new = matches!(part.verb, PartVerb::Create | PartVerb::Replace);
    let is_partitioned = table
        .facts
        .is_some_and(|facts| facts.kind == RelationKind::PartitionedTable);
    if part.kind == ObjectKind::Trigger && is_new {
        judge.note_missing(&table, &part.table);
        judge.lock_all(
            &judge.reached(&table, !(part.for_each_row && is_partitioned)),
            ShareRowExclusive,
        );
        judge.effects.rollback = undo::of_trigger(part, table.facts);
        return;
    }
    let name = name_path(&part.name).concat();
    if part.verb == PartVerb::Drop && part.if_exists && table.facts.is_some_and(|facts| !has_part(facts, part, &name)) {
        return;
    }
    // A trigger of a partitioned table has clones on its partitions, if it fires for each row.
    let has_clones = part.kind == ObjectKind::Trigger
        && is_partitioned
        && match part.verb {
            // PostgreSQL 15: partitions are locked to rename the clones.
            PartVerb::Alter => judge.version >= 150_000,
            _ => table.facts.is_some_and(|facts| facts.row_triggers.contains(&name)),
        };
    judge.lock_all(&judge.reached(&table, !has_clones), AccessExclusive);
    // What a rule does is read like a statement of its own.
    for written in part.does.iter().filter_map(|action| action.body.target()) {
        let target = judge.relation(written);
        judge.effects.lock(&target.name, RowExclusive);
    }
}

fn has_part(facts: &RelationFacts, part: &TablePart, name: &str) -> bool {
    match part.kind {
        ObjectKind::Trigger => facts.triggers.iter().any(|known| known == name),
        ObjectKind::Policy => facts.policies.iter().any(|known| known == name),
        _ => facts.rules.iter().any(|known| known.name == name),
    }
}

/// `CREATE OR REPLACE VIEW` locks a view that is there.
pub(super) fn create_view(judge: &mut Judge, made: &Creation) {
    if let Some(written) = made.name.as_ref().filter(|_| made.replaces && !made.temporary) {
        let view = judge.relation(written);
        if view.facts.is_some() || !judge.schema.is_known() {
            judge.effects.lock(&view.name, AccessExclusive);
        }
    }
}

pub(super) fn create_statistics(judge: &mut Judge, made: &Creation, written: &str) {
    let table = judge.relation(written);
    let exists = table.facts.is_some_and(|facts| {
        let name = made
            .name
            .as_deref()
            .map(|name| name_path(name).pop().unwrap_or_default());
        let known = facts
            .statistics
            .iter()
            .map(|known| name_path(known).pop().unwrap_or_default());
        name.is_some_and(|name| known.into_iter().any(|known| known == name))
    });
    if !(made.if_not_exists && exists) {
        judge.effects.lock(&table.name, ShareUpdateExclusive);
    }
}

pub(super) fn drop_statistics(judge: &mut Judge, dropped: &DropObjects) {
    if !judge.schema.is_known() {
        return judge
            .effects
            .unknown("the table of the statistics is locked; which one only the catalog tells");
    }
    for path in dropped.names.iter().map(|name| name_path(name)) {
        let is_such = |known: &String| {
            let known = name_path(known);
            known.ends_with(&path)
        };
        let mut relations = judge.schema.relations.iter();
        if let Some(table) = relations.find(|relation| relation.statistics.iter().any(is_such)) {
            judge.effects.lock(&table.name, ShareUpdateExclusive);
        }
    }
}

/// A partitioned table is published as one; the children of others each for themselves.
pub(super) fn publication(judge: &mut Judge, publication: &Publication) {
    for named in &publication.tables {
        let table = judge.relation(&named.name);
        let is_partitioned = table
            .facts
            .is_some_and(|facts| facts.kind == RelationKind::PartitionedTable);
        judge.lock_all(
            &judge.reached(&table, named.only || is_partitioned),
            ShareUpdateExclusive,
        );
    }
    let Some(name) = publication.altered.as_ref().filter(|_| publication.sets) else {
        return;
    };
    if !judge.schema.is_known() {
        return judge
            .effects
            .unknown("tables that are published so far are locked; which ones only the catalog tells");
    }
    let known = judge.schema.publications.iter().filter(|known| known.name == *name);
    for table in known.flat_map(|known| &known.tables) {
        judge.effects.lock(table, ShareUpdateExclusive);
    }
}

/// Comments lock what they are about like any other change of its definition, but for its parts.
pub(super) fn comment(judge: &mut Judge, comment: &Commented) {
    let name = match comment {
        Commented::Relation(written) => judge.relation(written).name,
        Commented::Index(written) => {
            let found = judge.schema.index(&name_path(written));
            found.map_or(written, |(_, index)| &index.name).clone()
        }
        Commented::Other => return,
    };
    judge.effects.lock(&name, ShareUpdateExclusive);
}

pub(super) fn alter_sequence(judge: &mut Judge, alter: &AlterSequence) {
    let sequence = judge.relation(&alter.sequence);
    let mode = match alter.action {
        SequenceAction::Rename(_) | SequenceAction::OfRelation => AccessExclusive,
        SequenceAction::OwnedBy | SequenceAction::Options => ShareRowExclusive,
    };
    judge.effects.lock(&sequence.name, mode);
    // Its one row is written to new storage; whom it belongs to is no part of that.
    if alter.action == SequenceAction::Options {
        Effects::note(&mut judge.effects.rewritten, &sequence.name);
        judge.effects.emptied = true;
    }
}

pub(super) fn alter_type(judge: &mut Judge, alter: &AlterType) {
    match &alter.action {
        TypeAction::AddValue(_) => {
            // PostgreSQL 12: allowed in a block, but the value cannot be used before the commit.
            if judge.version < 120_000 {
                judge.effects.transaction = TransactionRule::Forbidden;
            }
            judge.effects.warn(
                Trap::CannotComeBack,
                "a value of an enum cannot be taken away again, nor used in the transaction that adds it",
            );
        }
        TypeAction::RenameValue { from, to } => {
            judge.effects.rollback = Some(format!(
                "ALTER TYPE {} RENAME VALUE {} TO {}",
                alter.name,
                literal(to),
                literal(from)
            ));
        }
        TypeAction::Attributes { cascade, .. } => typed_tables(judge, &alter.name, *cascade),
        TypeAction::Rename(_) | TypeAction::Other => {}
    }
}

/// With CASCADE, tables of the type are altered with it.
fn typed_tables(judge: &mut Judge, written: &str, cascade: bool) {
    if !judge.cascades(cascade, "typed tables of this type are altered too") {
        return;
    }
    let path = name_path(written);
    let is_typed = |relation: &&RelationFacts| {
        let of_type = relation.of_type.as_deref().map(name_path);
        of_type.is_some_and(|of_type| of_type.ends_with(&path))
    };
    for table in judge.schema.relations.iter().filter(is_typed) {
        let table = judge.qualified(&table.name);
        judge.lock_all(&judge.with_descendants(&table), AccessExclusive);
    }
}

/// Says whether a relation has a column of the type, or of an array of it.
fn uses(relation: &RelationFacts, written: &str) -> bool {
    let path = name_path(written);
    let mut columns = relation.columns.iter();
    columns.any(|column| name_path(column.data_type.trim_end_matches("[]")).last() == path.last())
}

/// Every table with a column of the domain is locked against writing and read, when its values are checked.
pub(super) fn alter_domain(judge: &mut Judge, alter: &AlterDomain) {
    let checks = match alter.action {
        DomainAction::AddConstraint { not_valid } => !not_valid,
        DomainAction::SetNotNull | DomainAction::ValidateConstraint => true,
        DomainAction::Rename(_) | DomainAction::Other => false,
    };
    if !checks {
        return;
    }
    if !judge.schema.is_known() {
        return judge
            .effects
            .unknown("tables with columns of this domain are read; which ones only the catalog tells");
    }
    for relation in &judge.schema.relations {
        let table = judge.qualified(&relation.name);
        if table.has_storage() && uses(relation, &alter.name) {
            judge.effects.lock(&relation.name, Share);
            judge.scan(&table);
        }
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
