//! What statements about indexes lock, build and rewrite.

use super::judge::{Effects, Judge, NamedRelation, TransactionRule};
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
    let indexes = table.facts.iter().flat_map(|facts| &facts.indexes);
    let existing = indexes
        .into_iter()
        .find(|index| Some(&index.bare_name) == create.name.as_ref());
    if create.if_not_exists
        && let Some(index) = existing
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
        let tables = judge.reached(&table, create.table.only);
        judge.lock_all(&tables, mode);
        judge.index(&tables);
    }
    judge.effects.lock(&table.name, mode);
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
                judge.lock_all(&judge.with_descendants(&table), mode);
                judge.effects.lock(&index.name, mode);
            }
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
    let name = found.map_or(&alter.index, |index| &index.name);
    let mode = match &alter.action {
        // PostgreSQL 12: renaming an index no longer stops its readers.
        IndexAction::Rename(_) if judge.version >= 120_000 => ShareUpdateExclusive,
        IndexAction::Parameters => ShareUpdateExclusive,
        IndexAction::Rename(_) | IndexAction::SetTablespace(_) | IndexAction::Other => AccessExclusive,
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
            if table
                .facts
                .is_some_and(|facts| facts.kind == RelationKind::PartitionedTable)
            {
                judge.effects.transaction = TransactionRule::Forbidden;
            }
            for table in judge.with_descendants(&table) {
                reindex_table(judge, &table, concurrently);
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
    judge.index(std::slice::from_ref(&table));
    let (on_table, on_index) = reindex_locks(concurrently);
    judge.effects.lock(&table.name, on_table);
    judge.effects.lock(&index.name, on_index);
    if !concurrently {
        Effects::note(&mut judge.effects.rewritten, &index.name);
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
