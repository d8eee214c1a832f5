//! What statements about indexes lock, build and rewrite.

use super::judge::{Effects, Judge, NamedRelation, TransactionRule};
use super::storage_options::STRONG_OPTIONS;
use super::undo;
use crate::catalog::RelationKind;
use crate::migration::LockMode::{self, AccessExclusive, Share, ShareUpdateExclusive};
use crate::migration::Trap;
use crate::migration::command::{AlterIndex, CreateIndex, DropObjects, IndexAction, Reindex, ReindexTarget};
use crate::migration::names::name_path;

pub(super) fn create_index(judge: &mut Judge, create: &CreateIndex) {
    let written = &create.table.name;
    let table = judge.relation(written);
    judge.note_missing(&table, written);
    judge.effects.rollback = undo::of_index(create, table.facts);
    let mode = if create.concurrently {
        ShareUpdateExclusive
    } else {
        Share
    };
    // An index has the schema of its table, and every relation there may have its name.
    let name = table
        .facts
        .zip(create.name.as_ref())
        .map(|(facts, name)| [facts.schema.clone(), name.clone()]);
    let existing = name.as_ref().and_then(|path| judge.schema.index(path));
    let tables = judge.reached(&table, create.table.only || !table.is_partitioned());
    if create.if_not_exists
        && let Some((_, index)) = existing
    {
        if !index.valid {
            judge.effects.warn(
                Trap::InvalidIndexKept,
                format!(
                    "index {} is there and invalid: IF NOT EXISTS keeps it as it is",
                    index.name
                ),
            );
        }
    } else {
        judge.index(&tables);
    }
    judge.lock_all(&tables, mode);
    if create.concurrently {
        judge.effects.transaction = TransactionRule::Forbidden;
        if create.if_not_exists {
            judge.effects.warn(
                Trap::InvalidIndexKept,
                "CREATE INDEX CONCURRENTLY IF NOT EXISTS skips an invalid index that a failed attempt has left",
            );
        }
    }
}

pub(super) fn drop_index(judge: &mut Judge, dropped: &DropObjects) {
    let mode = if dropped.concurrently {
        ShareUpdateExclusive
    } else {
        AccessExclusive
    };
    if dropped.concurrently {
        judge.effects.transaction = TransactionRule::Forbidden;
    }
    for written in &dropped.names {
        match judge.schema.index(&name_path(written)) {
            Some((table, index)) => {
                let table = judge.qualified(&table.name);
                judge.lock_all(&judge.reached(&table, !table.is_partitioned()), mode);
                judge.effects.lock(&index.name, mode);
            }
            None if judge.schema.is_known() && dropped.if_exists => {}
            None => {
                judge.effects.lock(written, mode);
                judge.effects.warn(
                    Trap::OtherTableLocked,
                    format!("the table of index {written} is locked too; which one only the catalog tells"),
                );
            }
        }
    }
}

pub(super) fn alter_index(judge: &mut Judge, alter: &AlterIndex) {
    let found = judge.schema.index(&name_path(&alter.index)).map(|(_, index)| index);
    // The name may be a table's: then it is altered like one.
    let relation = judge.relation(&alter.index);
    if found.is_none() && judge.schema.is_known() {
        if relation.facts.is_some() {
            judge.effects.lock(&relation.name, AccessExclusive);
        }
        return;
    }
    let name = found.map_or(&alter.index, |index| &index.name);
    if let IndexAction::Attach(written) = &alter.action {
        let attached = judge.schema.index(&name_path(written)).map(|(_, index)| &index.name);
        judge.effects.lock(attached.unwrap_or(written), AccessExclusive);
    }
    let mode = match &alter.action {
        // PostgreSQL 12: renaming an index no longer stops its readers.
        IndexAction::Rename(_) if judge.version >= 120_000 => ShareUpdateExclusive,
        IndexAction::Parameters(names) if !names.iter().any(|name| STRONG_OPTIONS.contains(&name.as_str())) => {
            ShareUpdateExclusive
        }
        IndexAction::Attach(_) => ShareUpdateExclusive,
        IndexAction::Rename(_) | IndexAction::Parameters(_) | IndexAction::SetTablespace(_) | IndexAction::Other => {
            AccessExclusive
        }
    };
    judge.effects.lock(name, mode);
    if let IndexAction::SetTablespace(wanted) = &alter.action {
        match found {
            Some(index) if index.tablespace.as_ref().unwrap_or(&judge.schema.tablespace) != wanted => {
                Effects::note(&mut judge.effects.rewritten, name);
            }
            Some(_) => {}
            None => judge
                .effects
                .unknown(format!("whether the index is in tablespace {wanted} already")),
        }
    }
}

pub(super) fn reindex(judge: &mut Judge, reindex: &Reindex) {
    let concurrently = reindex.concurrently;
    if concurrently {
        judge.effects.transaction = TransactionRule::Forbidden;
    }
    match &reindex.target {
        ReindexTarget::Index(written) => reindex_index(judge, written, concurrently),
        ReindexTarget::Table(written) => {
            let table = judge.relation(written);
            judge.note_missing(&table, written);
            if !table
                .facts
                .is_some_and(|facts| facts.kind == RelationKind::PartitionedTable)
            {
                return reindex_table(judge, &table, concurrently);
            }
            judge.effects.transaction = TransactionRule::Forbidden;
            // PostgreSQL 13 only warns that it cannot.
            let all = judge.reached(&table, judge.version < 140_000);
            all.iter().for_each(|table| reindex_table(judge, table, concurrently));
        }
        ReindexTarget::Schema(name) if judge.schema.is_known() => {
            judge.effects.transaction = TransactionRule::Forbidden;
            let home = name_path(name).concat();
            let all = judge.schema.relations.iter();
            for relation in all.filter(|relation| relation.schema == home && relation.kind.holds_rows()) {
                reindex_table(judge, &judge.qualified(&relation.name), concurrently);
            }
        }
        ReindexTarget::Schema(name) | ReindexTarget::Database(Some(name)) => {
            judge.effects.transaction = TransactionRule::Forbidden;
            judge.effects.unknown(format!("every table of {name} is reindexed"));
        }
        ReindexTarget::Database(None) => {
            judge.effects.transaction = TransactionRule::Forbidden;
            judge.effects.unknown("every table of the database is reindexed");
        }
    }
}

fn reindex_index(judge: &mut Judge, written: &str, concurrently: bool) {
    let Some((table, index)) = judge.schema.index(&name_path(written)) else {
        judge.effects.lock(
            written,
            if concurrently {
                ShareUpdateExclusive
            } else {
                AccessExclusive
            },
        );
        judge.effects.build_index(written);
        return judge.effects.warn(
            Trap::OtherTableLocked,
            format!("the table of index {written} is locked too; which one only the catalog tells"),
        );
    };
    let table = judge.qualified(&table.name);
    if table
        .facts
        .is_some_and(|facts| facts.kind == RelationKind::PartitionedTable)
    {
        // Each partition's index is built in a transaction of its own.
        judge.effects.transaction = TransactionRule::Forbidden;
    }
    let (on_table, on_index) = reindex_locks(concurrently);
    let mut attached = vec![(table, index.name.clone())];
    while let Some((table, index)) = attached.pop() {
        judge.index(std::slice::from_ref(&table));
        judge.effects.lock(&table.name, on_table);
        judge.effects.lock(&index, on_index);
        if !concurrently && table.has_storage() {
            Effects::note(&mut judge.effects.rewritten, &index);
        }
        for child in judge.schema.children(&table.name) {
            let below = child
                .indexes
                .iter()
                .filter(|below| below.parent.as_ref() == Some(&index));
            attached.extend(below.map(|below| (judge.qualified(&child.name), below.name.clone())));
        }
    }
}

fn reindex_table(judge: &mut Judge, table: &NamedRelation, concurrently: bool) {
    let (on_table, _) = reindex_locks(concurrently);
    judge.effects.lock(&table.name, on_table);
    judge.effects.build_index(&table.name);
    let indexes = || table.facts.into_iter().flat_map(|facts| &facts.indexes);
    if table.holds_rows() && indexes().next().is_some() {
        judge.effects.scan(&table.name);
    }
    if !concurrently && table.has_storage() {
        indexes().for_each(|index| Effects::note(&mut judge.effects.rewritten, &index.name));
    }
}

fn reindex_locks(concurrently: bool) -> (LockMode, LockMode) {
    if concurrently {
        (ShareUpdateExclusive, ShareUpdateExclusive)
    } else {
        (Share, AccessExclusive)
    }
}
