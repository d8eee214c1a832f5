//! What statements about whole tables and materialised views lock, rewrite and scan: `CREATE`, `DROP`, `TRUNCATE`, maintenance.

use super::alter_table::{column_definition, table_constraint};
use super::judge::{Effects, Judge, NamedRelation, TransactionRule};
use super::queries;
use crate::catalog::{ConstraintKind, RelationKind};
use crate::migration::LockMode::{self, AccessExclusive, Exclusive, ShareRowExclusive, ShareUpdateExclusive};
use crate::migration::names::name_path;
use crate::migration::words::Words;
use crate::migration::{StepKind, Trap};

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
    let own = NamedRelation { name, facts: None };
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
fn create_element(judge: &mut Judge, own: &NamedRelation, element: &mut Words) {
    let constraints = match table_constraint(&mut element.clone()) {
        Some(constraint) => vec![constraint],
        None => column_definition(element, false)
            .map(|column| column.constraints)
            .unwrap_or_default(),
    };
    for constraint in constraints
        .iter()
        .filter(|constraint| constraint.kind == ConstraintKind::ForeignKey)
    {
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

pub(super) fn drop_schema(judge: &mut Judge, words: &mut Words) {
    words.accept("IF EXISTS");
    if !judge.cascades(
        words,
        "every relation of the schema is dropped; which ones only the catalog tells",
    ) {
        return;
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
    let mut tables = listed_tables(judge, &mut words.until(&ends));
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
    judge
        .effects
        .warn(Trap::CannotComeBack, "truncated rows cannot be brought back");
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
    if table
        .facts
        .is_some_and(|facts| facts.kind == RelationKind::PartitionedTable)
    {
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

fn listed_tables<'facts>(judge: &mut Judge<'facts>, words: &mut Words) -> Vec<NamedRelation<'facts>> {
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
        true => LockMode::from_words(&words.until(&["MODE"]).text()),
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
