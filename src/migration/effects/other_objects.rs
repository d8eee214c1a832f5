//! What statements about views, sequences, types, domains, triggers, statistics and comments lock and scan.

use super::judge::{Effects, Judge, TransactionRule};
use super::undo;
use crate::migration::LockMode::{AccessExclusive, Share, ShareRowExclusive, ShareUpdateExclusive};
use crate::migration::Trap;
use crate::migration::names::name_path;
use crate::migration::words::Words;

pub(super) fn create_trigger(judge: &mut Judge, words: &mut Words) {
    trigger(judge, words, false);
}

pub(super) fn replace_trigger(judge: &mut Judge, words: &mut Words) {
    trigger(judge, words, true);
}

fn trigger(judge: &mut Judge, words: &mut Words, replaces: bool) {
    let name = words.identifier();
    words.until(&["ON"]);
    words.accept("ON");
    let Some((written, _)) = words.table() else {
        return judge.effects.unknown("the table's name was not understood");
    };
    let table = judge.relation(&written);
    judge.note_missing(&table, &written);
    judge.lock_all(&judge.with_descendants(&table), ShareRowExclusive);
    judge.effects.rollback = name.and_then(|name| undo::of_trigger(&name, &written, table.facts, replaces));
}

pub(super) fn replace_view(judge: &mut Judge, words: &mut Words) {
    if let Some(written) = words.name() {
        let view = judge.relation(&written);
        if view.facts.is_some() || !judge.schema.is_known() {
            judge.effects.lock(&view.name, AccessExclusive);
        }
    }
}

pub(super) fn create_statistics(judge: &mut Judge, words: &mut Words) {
    words.until(&["FROM"]);
    words.accept("FROM");
    if let Some(written) = words.name() {
        let table = judge.relation(&written);
        judge.effects.lock(&table.name, ShareUpdateExclusive);
    }
}

/// Comments lock what they are about like any other change of its definition, but for its parts.
pub(super) fn comment(judge: &mut Judge, words: &mut Words) {
    let what = words.accept_any(&[
        "TABLE",
        "VIEW",
        "MATERIALIZED VIEW",
        "FOREIGN TABLE",
        "SEQUENCE",
        "INDEX",
        "COLUMN",
    ]);
    let Some((what, written)) = what.zip(words.name()) else {
        return;
    };
    let name = match what {
        "INDEX" => judge
            .schema
            .index(&name_path(&written))
            .map_or(written, |(_, index)| index.name.clone()),
        "COLUMN" => {
            judge
                .relation(written.rsplit_once('.').map_or("", |(table, _)| table))
                .name
        }
        _ => judge.relation(&written).name,
    };
    judge.effects.lock(&name, ShareUpdateExclusive);
}

pub(super) fn alter_sequence(judge: &mut Judge, words: &mut Words) {
    words.accept("IF EXISTS");
    let Some(written) = words.name() else {
        return judge.effects.unknown("the sequence's name was not understood");
    };
    let sequence = judge.relation(&written);
    let by_table = ["RENAME", "SET SCHEMA", "OWNER TO", "SET LOGGED", "SET UNLOGGED"];
    let mode = if by_table.iter().any(|keywords| words.at(keywords)) {
        AccessExclusive
    } else {
        ShareRowExclusive
    };
    judge.effects.lock(&sequence.name, mode);
    // Its one row is written to new storage; whom it belongs to is no part of that.
    if mode == ShareRowExclusive && !words.at("OWNED BY") {
        Effects::note(&mut judge.effects.rewritten, &sequence.name);
        judge.effects.emptied = true;
    }
}

pub(super) fn alter_type(judge: &mut Judge, words: &mut Words) {
    let Some(written) = words.name() else {
        return judge.effects.unknown("the type's name was not understood");
    };
    if words.accept("ADD VALUE") {
        // PostgreSQL 12: allowed in a block, but the value cannot be used before the commit.
        if judge.version < 120_000 {
            judge.effects.transaction = TransactionRule::Forbidden;
        }
        judge.effects.warn(
            Trap::CannotComeBack,
            "a value of an enum cannot be taken away again, nor used in the transaction that adds it",
        );
    } else if words.accept("RENAME VALUE") {
        let (from, to) = (words.string(), words.accept("TO").then(|| words.string()).flatten());
        judge.effects.rollback = from.zip(to).map(|(from, to)| {
            format!(
                "ALTER TYPE {written} RENAME VALUE '{}' TO '{}'",
                to.replace('\'', "''"),
                from.replace('\'', "''")
            )
        });
    } else if words.holds("ATTRIBUTE") && words.holds("CASCADE") {
        judge.effects.unknown("typed tables of this type are altered too");
    }
}

/// With CASCADE the columns of a type go with it.
pub(super) fn drop_types(judge: &mut Judge, words: &mut Words) {
    words.accept("IF EXISTS");
    if !judge.cascades(
        words,
        "tables with columns of the type lose them; which ones only the catalog tells",
    ) {
        return;
    }
    for mut part in words.until(&["CASCADE", "RESTRICT"]).split_at_commas() {
        let Some(path) = part.name().map(|written| name_path(&written)) else {
            continue;
        };
        let uses = |data_type: &str| name_path(data_type.trim_end_matches("[]")).last() == path.last();
        for relation in &judge.schema.relations {
            if relation.columns.iter().any(|column| uses(&column.data_type)) {
                judge.effects.lock(&relation.name, AccessExclusive);
            }
        }
    }
    judge.effects.warn(
        Trap::CannotComeBack,
        "the data of columns of the type cannot be brought back",
    );
}

/// Every table with a column of the domain is locked against writing and read, when its values are checked.
pub(super) fn alter_domain(judge: &mut Judge, words: &mut Words) {
    let Some(written) = words.name() else {
        return judge.effects.unknown("the domain's name was not understood");
    };
    let added = words.accept("ADD") && !words.holds("NOT VALID");
    let checks = added || words.at("SET NOT NULL") || words.at("VALIDATE CONSTRAINT");
    if !checks {
        return;
    }
    if !judge.schema.is_known() {
        return judge
            .effects
            .unknown("tables with columns of this domain are read; which ones only the catalog tells");
    }
    let path = name_path(&written);
    let uses = |data_type: &str| name_path(data_type.trim_end_matches("[]")).last() == path.last();
    for relation in &judge.schema.relations {
        let table = judge.qualified(&relation.name);
        if table.has_storage() && relation.columns.iter().any(|column| uses(&column.data_type)) {
            judge.effects.lock(&relation.name, Share);
            judge.scan(&table);
        }
    }
}
