//! What statements about indexes, views, sequences, domains, triggers and whole tables lock, rewrite and scan.

use super::alter_table::{column_definition, table_constraint};
use super::rules::mode_in_words;
use super::table_rules::quoted;
use super::words::Words;
use super::{Effects, Judge, Named, TransactionRule, name_path, queries};
use crate::migration::LockMode::{self, AccessExclusive, Exclusive, Share, ShareRowExclusive, ShareUpdateExclusive};
use crate::migration::StepKind;

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
    if let Some(name) = &name {
        let keyword = if concurrently { "CONCURRENTLY " } else { "" };
        let schema = written
            .rsplit_once('.')
            .map_or(String::new(), |(schema, _)| format!("{schema}."));
        judge.effects.rollback = Some(format!("DROP INDEX {keyword}{schema}{}", quoted(name)));
    }
    let existing = name.and_then(|name| table.facts?.indexes.iter().find(|index| index.bare_name == name));
    if if_not_exists && let Some(index) = existing {
        if !index.valid {
            judge.effects.warn(format!(
                "index {} is there and invalid: IF NOT EXISTS keeps it as it is",
                index.name
            ));
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
            judge
                .effects
                .warn("CREATE INDEX CONCURRENTLY IF NOT EXISTS skips an invalid index that a failed attempt has left");
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
                judge.effects.warn(format!(
                    "the table of index {written} is locked too; which one only the catalog tells"
                ));
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
            if table.facts.is_some_and(|facts| facts.kind == "p") {
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
        return judge.effects.warn(format!(
            "the table of index {written} is locked too; which one only the catalog tells"
        ));
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

fn reindex_table(judge: &mut Judge, table: &Named, concurrently: bool) {
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

pub(super) fn create_table(judge: &mut Judge, words: &mut Words) {
    words.accept("IF NOT EXISTS");
    let mut rest = words.clone();
    let name = rest.name().unwrap_or_default();
    let whole = rest.clone();
    if whole.holds("AS") && !whole.at("PARTITION OF") {
        return queries::create_table_as(judge, words);
    }
    if rest.accept("PARTITION OF")
        && let Some(written) = rest.name()
    {
        let parent = judge.relation(&written);
        judge.note_missing(&parent, &written);
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
    }
    let own = Named { name, facts: None };
    if let Some(mut elements) = rest.parenthesis() {
        for mut element in elements.split_at_commas() {
            create_element(judge, &own, &mut element);
        }
    }
    if rest.accept("INHERITS")
        && let Some(mut parents) = rest.parenthesis()
    {
        for mut part in parents.split_at_commas() {
            if let Some(written) = part.name() {
                let parent = judge.relation(&written);
                judge.effects.lock(&parent.name, ShareUpdateExclusive);
            }
        }
    }
}

/// Foreign keys of a new table lock the tables they refer to; the new one nobody else knows.
fn create_element(judge: &mut Judge, own: &Named, element: &mut Words) {
    let constraints = match table_constraint(&mut element.clone()) {
        Some(constraint) => vec![constraint],
        None => column_definition(element, false)
            .map(|column| column.constraints)
            .unwrap_or_default(),
    };
    for constraint in constraints.iter().filter(|constraint| constraint.kind == 'f') {
        let itself = constraint
            .references
            .as_deref()
            .is_some_and(|name| name_path(name) == name_path(&own.name));
        if !itself {
            judge.foreign_key(&[], constraint, false);
        }
    }
}

pub(super) fn drop_tables(judge: &mut Judge, words: &mut Words) {
    words.accept("IF EXISTS");
    let cascade = words.holds("CASCADE");
    for mut part in words.until(&["CASCADE", "RESTRICT"]).split_at_commas() {
        let Some(written) = part.name() else { continue };
        let table = judge.relation(&written);
        drop_table(judge, &table, cascade);
    }
}

fn drop_table(judge: &mut Judge, table: &Named, cascade: bool) {
    let all: Vec<String> = judge
        .with_descendants(table)
        .into_iter()
        .map(|part| part.name)
        .collect();
    for name in &all {
        let part = judge.qualified(name);
        judge.effects.lock(name, AccessExclusive);
        for constraint in part.facts.iter().flat_map(|facts| &facts.constraints) {
            if constraint
                .references
                .as_ref()
                .is_some_and(|referenced| !all.contains(referenced))
            {
                judge.drop_foreign_key(constraint);
            }
        }
        if cascade {
            for (child, _) in judge.schema.referencing(name) {
                judge.effects.lock(&child.name, AccessExclusive);
            }
            for view in judge.schema.relations.iter().filter(|view| view.reads.contains(name)) {
                judge.effects.lock(&view.name, AccessExclusive);
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
    judge.effects.warn("what is dropped cannot be brought back");
}

pub(super) fn drop_schema(judge: &mut Judge, words: &mut Words) {
    words.accept("IF EXISTS");
    if !words.holds("CASCADE") {
        return;
    }
    if !judge.schema.is_known() {
        return judge
            .effects
            .unknown("every relation of the schema is dropped; which ones only the catalog tells");
    }
    let schemas = words.until(&["CASCADE"]).identifiers();
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

pub(super) fn truncate(judge: &mut Judge, words: &mut Words) {
    words.accept("TABLE");
    let (cascade, restart) = (words.holds("CASCADE"), words.holds("RESTART IDENTITY"));
    let ends = ["CASCADE", "RESTRICT", "RESTART", "CONTINUE"];
    let mut tables: Vec<Named> = Vec::new();
    for mut part in words.until(&ends).split_at_commas() {
        if let Some((written, only)) = part.table() {
            let table = judge.relation(&written);
            judge.note_missing(&table, &written);
            tables.extend(if only {
                vec![table]
            } else {
                judge.with_descendants(&table)
            });
        }
    }
    let mut next = 0;
    while let Some(name) = tables.get(next).map(|table| table.name.clone()).filter(|_| cascade) {
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
        if restart {
            judge.effects.lock(sequence, AccessExclusive);
            Effects::note(&mut judge.effects.rewritten, sequence);
        }
    }
    judge.effects.warn("truncated rows cannot be brought back");
}

pub(super) fn cluster(judge: &mut Judge, words: &mut Words) {
    words.parenthesis();
    words.accept("VERBOSE");
    let Some(written) = words.name() else {
        judge.effects.transaction = TransactionRule::Forbidden;
        return judge
            .effects
            .unknown("every table that was clustered before is clustered again");
    };
    let table = judge.relation(&written);
    judge.note_missing(&table, &written);
    judge.effects.lock(&table.name, AccessExclusive);
    if table.facts.is_some_and(|facts| facts.kind == "p") {
        judge.effects.transaction = TransactionRule::Forbidden;
    }
    for part in judge.with_descendants(&table) {
        judge.effects.lock(&part.name, AccessExclusive);
        judge.rewrite(&part, None);
    }
}

pub(super) fn vacuum(judge: &mut Judge, words: &mut Words) {
    judge.effects.transaction = TransactionRule::Forbidden;
    let options = words.parenthesis();
    let full = words.accept("FULL") || options.is_some_and(|options| options.holds("FULL"));
    while words.accept_any(&["FREEZE", "VERBOSE", "ANALYZE"]).is_some() {}
    let tables = listed_tables(judge, words);
    if tables.is_empty() {
        return judge.effects.unknown("every table of the database is vacuumed");
    }
    for table in tables {
        judge
            .effects
            .lock(&table.name, if full { AccessExclusive } else { ShareUpdateExclusive });
        match full {
            true => judge.rewrite(&table, None),
            false => judge.scan(&table),
        }
    }
}

pub(super) fn analyze(judge: &mut Judge, words: &mut Words) {
    words.parenthesis();
    words.accept("VERBOSE");
    let tables = listed_tables(judge, words);
    if tables.is_empty() {
        return judge.effects.unknown("every table of the database is analysed");
    }
    // A sample of blocks is read, at most the whole table.
    judge.effects.base = Some(StepKind::TableScan);
    judge.lock_all(&tables, ShareUpdateExclusive);
}

fn listed_tables<'facts>(judge: &mut Judge<'facts>, words: &mut Words) -> Vec<Named<'facts>> {
    let mut tables = Vec::new();
    for mut part in words.split_at_commas() {
        if let Some((written, only)) = part.table() {
            let table = judge.relation(&written);
            judge.note_missing(&table, &written);
            tables.extend(if only {
                vec![table]
            } else {
                judge.with_descendants(&table)
            });
        }
    }
    tables
}

pub(super) fn lock(judge: &mut Judge, words: &mut Words) {
    words.accept("TABLE");
    judge.effects.transaction = TransactionRule::Required;
    let mut names = words.until(&["IN", "NOWAIT"]);
    let mode = match words.accept("IN") {
        true => mode_in_words(&words.until(&["MODE"]).text()),
        false => Some(AccessExclusive),
    };
    let Some(mode) = mode else {
        return judge.effects.unknown("the lock mode was not understood");
    };
    for table in listed_tables(judge, &mut names) {
        judge.effects.lock(&table.name, mode);
        for read in table.facts.iter().flat_map(|facts| &facts.reads) {
            judge.effects.lock(read, mode);
        }
    }
    judge.effects.locks.retain(|(_, mode)| *mode > LockMode::AccessShare);
}

pub(super) fn refresh(judge: &mut Judge, words: &mut Words) {
    let concurrently = words.accept("CONCURRENTLY");
    let Some(written) = words.name() else {
        return judge.effects.unknown("the view's name was not understood");
    };
    let view = judge.relation(&written);
    judge.note_missing(&view, &written);
    judge
        .effects
        .lock(&view.name, if concurrently { Exclusive } else { AccessExclusive });
    if words.holds("WITH NO DATA") {
        return judge.empty(&view);
    }
    if concurrently {
        judge.effects.base = Some(StepKind::Dml);
        judge.scan(&view);
    } else {
        let has_index = view.facts.is_some_and(|facts| !facts.indexes.is_empty());
        judge.rewrite(&view, None);
        if !has_index {
            judge.effects.scanned.retain(|name| *name != view.name);
        }
    }
    for table in queries::read_by(judge, &view) {
        judge.scan(&table);
    }
}

pub(super) fn create_trigger(judge: &mut Judge, words: &mut Words) {
    let name = words.identifier();
    words.until(&["ON"]);
    words.accept("ON");
    let Some((written, _)) = words.table() else {
        return judge.effects.unknown("the table's name was not understood");
    };
    let table = judge.relation(&written);
    judge.note_missing(&table, &written);
    judge.lock_all(&judge.with_descendants(&table), ShareRowExclusive);
    judge.effects.rollback = name.map(|name| format!("DROP TRIGGER {} ON {written}", quoted(&name)));
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
        judge
            .effects
            .warn("a value of an enum cannot be taken away again, nor used in the transaction that adds it");
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
