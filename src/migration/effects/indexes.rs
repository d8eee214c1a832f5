//! What statements about indexes lock, build and rewrite.

use super::judge::{Effects, Judge, NamedRelation, TransactionRule};
use super::undo;
use crate::catalog::RelationKind;
use crate::migration::LockMode::{self, AccessExclusive, Share, ShareUpdateExclusive};
use crate::migration::Trap;
use crate::migration::names::name_path;
use crate::migration::words::Words;

pub(super) fn create_index(judge: &mut Judge, words: &mut Words) {
    let concurrently = words.accept("CONCURRENTLY");
    let if_not_exists = words.accept("IF NOT EXISTS");
    let name = if words.at("ON") { None } else { words.identifier() };
    words.accept("ON");
    let Some((written, only)) = words.table() else {
        return judge.effects.unknown("the table's name was not understood");
    };
    let table = judge.relation(&written);
    judge.note_missing(&table, &written);
    judge.effects.rollback = name
        .as_ref()
        .and_then(|name| undo::of_index(name, &written, table.facts, concurrently, if_not_exists));
    let existing = name.and_then(|name| table.facts?.indexes.iter().find(|index| index.bare_name == name));
    if if_not_exists && let Some(index) = existing {
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
        let tables = if only {
            vec![table.clone()]
        } else {
            judge.with_descendants(&table)
        };
        judge.lock_all(&tables, if concurrently { ShareUpdateExclusive } else { Share });
        judge.index(&tables);
    }
    judge
        .effects
        .lock(&table.name, if concurrently { ShareUpdateExclusive } else { Share });
    if concurrently {
        judge.effects.transaction = TransactionRule::Forbidden;
        if if_not_exists {
            judge.effects.warn(
                Trap::InvalidIndexKept,
                "CREATE INDEX CONCURRENTLY IF NOT EXISTS skips an invalid index that a failed attempt has left",
            );
        }
    }
}

pub(super) fn drop_index(judge: &mut Judge, words: &mut Words) {
    let concurrently = words.accept("CONCURRENTLY");
    words.accept("IF EXISTS");
    let mode = if concurrently {
        ShareUpdateExclusive
    } else {
        AccessExclusive
    };
    if concurrently {
        judge.effects.transaction = TransactionRule::Forbidden;
    }
    for mut part in words.until(&["CASCADE", "RESTRICT"]).split_at_commas() {
        let Some(written) = part.name() else { continue };
        match judge.schema.index(&name_path(&written)) {
            Some((table, index)) => {
                let table = judge.qualified(&table.name);
                judge.lock_all(&judge.with_descendants(&table), mode);
                judge.effects.lock(&index.name, mode);
            }
            None => {
                judge.effects.lock(&written, mode);
                judge.effects.warn(
                    Trap::OtherTableLocked,
                    format!("the table of index {written} is locked too; which one only the catalog tells"),
                );
            }
        }
    }
}

pub(super) fn alter_index(judge: &mut Judge, words: &mut Words) {
    words.accept("IF EXISTS");
    let Some(written) = words.name() else {
        return judge.effects.unknown("the index's name was not understood");
    };
    let found = judge.schema.index(&name_path(&written)).map(|(_, index)| index);
    let name = found.map_or(written.clone(), |index| index.name.clone());
    let mut moved = false;
    let mode = if words.at("RENAME") {
        // PostgreSQL 12: renaming an index no longer stops its readers.
        if judge.version >= 120_000 {
            ShareUpdateExclusive
        } else {
            AccessExclusive
        }
    } else if words.accept("SET TABLESPACE") {
        let wanted = words.identifier().unwrap_or_default();
        match found {
            Some(index) => moved = *index.tablespace.as_ref().unwrap_or(&judge.schema.tablespace) != wanted,
            None => judge
                .effects
                .unknown(format!("whether the index is in tablespace {wanted} already")),
        }
        AccessExclusive
    } else if words.at("SET") || words.at("RESET") || words.at("ALTER") {
        ShareUpdateExclusive
    } else {
        AccessExclusive
    };
    judge.effects.lock(&name, mode);
    if moved {
        Effects::note(&mut judge.effects.rewritten, &name);
    }
}

pub(super) fn reindex(judge: &mut Judge, words: &mut Words) {
    let options = words.parenthesis();
    let what = words.accept_any(&["INDEX", "TABLE", "SCHEMA", "DATABASE", "SYSTEM"]);
    let concurrently = words.accept("CONCURRENTLY") || options.is_some_and(|options| options.holds("CONCURRENTLY"));
    if concurrently || !matches!(what, Some("INDEX" | "TABLE")) {
        judge.effects.transaction = TransactionRule::Forbidden;
    }
    let Some(written) = words.name() else {
        return judge.effects.unknown("every table of the database is reindexed");
    };
    match what {
        Some("INDEX") => reindex_index(judge, &written, concurrently),
        Some("TABLE") => {
            let table = judge.relation(&written);
            judge.note_missing(&table, &written);
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
        _ => judge.effects.unknown(format!("every table of {written} is reindexed")),
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
    match concurrently {
        true => (ShareUpdateExclusive, ShareUpdateExclusive),
        false => (Share, AccessExclusive),
    }
}
