//! What statements about views, sequences, types, domains, triggers, rules, policies, publications, statistics and
//! comments lock and scan.

use super::judge::{Effects, Judge, TransactionRule};
use super::undo;
use crate::catalog::RelationFacts;
use crate::migration::LockMode::{AccessExclusive, Share, ShareRowExclusive, ShareUpdateExclusive};
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
    if part.kind == ObjectKind::Trigger && is_new {
        judge.note_missing(&table, &part.table);
        judge.lock_all(&judge.with_descendants(&table), ShareRowExclusive);
        judge.effects.rollback = undo::of_trigger(part, table.facts);
        return;
    }
    let name = name_path(&part.name).concat();
    // A trigger of a partitioned table has clones on its partitions.
    let has_clones =
        part.kind == ObjectKind::Trigger && table.facts.is_some_and(|facts| facts.triggers.contains(&name));
    judge.lock_all(&judge.reached(&table, !has_clones), AccessExclusive);
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

pub(super) fn create_statistics(judge: &mut Judge, written: &str) {
    let table = judge.relation(written);
    judge.effects.lock(&table.name, ShareUpdateExclusive);
}

pub(super) fn publication(judge: &mut Judge, publication: &Publication) {
    for named in &publication.tables {
        let table = judge.relation(&named.name);
        judge.lock_all(&judge.reached(&table, named.only), ShareUpdateExclusive);
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
        TypeAction::Attributes { cascade: true, .. } => {
            judge.effects.unknown("typed tables of this type are altered too");
        }
        TypeAction::Rename(_) | TypeAction::Attributes { .. } | TypeAction::Other => {}
    }
}

/// With CASCADE the columns of a type go with it.
pub(super) fn drop_types(judge: &mut Judge, dropped: &DropObjects) {
    if !judge.cascades(
        dropped.cascade,
        "tables with columns of the type lose them; which ones only the catalog tells",
    ) {
        return;
    }
    for written in &dropped.names {
        for relation in judge.schema.relations.iter().filter(|relation| uses(relation, written)) {
            judge.effects.lock(&relation.name, AccessExclusive);
        }
    }
    judge.effects.warn(
        Trap::CannotComeBack,
        "the data of columns of the type cannot be brought back",
    );
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
