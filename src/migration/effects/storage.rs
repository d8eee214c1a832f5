//! What is done to the storage of tables: written anew, read, indexed, locked.

use super::judge::{Effects, Judge, NamedRelation};
use super::proofs::referenced_columns;
use crate::catalog::ConstraintFacts;
use crate::migration::{LockMode, Trap};

impl<'facts> Judge<'facts> {
    /// Writes a table and its indexes anew; indexes on `rebuilt` are replaced by others, which is no change of theirs.
    pub fn rewrite(&mut self, table: &NamedRelation<'facts>, rebuilt: Option<&str>) {
        if !table.has_storage() {
            return;
        }
        Effects::note(&mut self.effects.rewritten, &table.name);
        for index in table.facts.iter().flat_map(|facts| &facts.indexes) {
            let replaced = rebuilt.is_some_and(|column| index.used_columns.iter().any(|used| used == column));
            if !replaced {
                Effects::note(&mut self.effects.rewritten, &index.name);
            }
        }
        self.scan(table);
    }

    /// Gives a table and its indexes new, empty storage.
    pub fn empty(&mut self, table: &NamedRelation<'facts>) {
        let scanned = self.effects.scanned.clone();
        self.rewrite(table, None);
        self.effects.scanned = scanned;
        self.effects.emptied = true;
    }

    /// Reads a table from end to end, if there is anything in it.
    pub fn scan(&mut self, table: &NamedRelation<'facts>) {
        if table.holds_rows() {
            self.effects.scan(&table.name);
        }
    }

    /// Builds an index on each of the tables.
    pub fn index(&mut self, tables: &[NamedRelation<'facts>]) {
        for table in tables.iter().filter(|table| table.has_storage()) {
            self.effects.build_index(&table.name);
            self.scan(table);
        }
    }

    /// Locks every one of the relations.
    pub fn lock_all(&mut self, relations: &[NamedRelation<'facts>], mode: LockMode) {
        for relation in relations {
            self.effects.lock(&relation.name, mode);
        }
    }

    /// Adds a foreign key to tables: both sides are locked against writing, and read when it is checked.
    pub fn foreign_key(&mut self, tables: &[NamedRelation<'facts>], referenced: &str, checked: bool) {
        let referenced = self.relation(referenced);
        let itself = tables.iter().any(|table| table.name == referenced.name);
        let all_referenced = self.with_descendants(&referenced);
        if !itself {
            self.lock_all(&all_referenced, LockMode::ShareRowExclusive);
        }
        if checked && tables.iter().any(NamedRelation::holds_rows) {
            for table in tables.iter().chain(&all_referenced) {
                self.scan(table);
            }
        }
    }

    /// Locks the tables with foreign keys to a table, with their partitions.
    pub fn lock_referencing(&mut self, table: &NamedRelation<'facts>, mode: LockMode) {
        for (child, _) in self.schema.referencing(&table.name) {
            self.effects.lock(&child.name, mode);
        }
    }

    /// Takes away the foreign keys to a table whose referenced columns are such.
    pub fn drop_dependents(&mut self, table: &NamedRelation<'facts>, are_such: impl Fn(&Vec<String>) -> bool) {
        for (child, constraint) in self.schema.referencing(&table.name) {
            if are_such(&referenced_columns(constraint)) {
                self.effects.lock(&child.name, LockMode::AccessExclusive);
                self.effects.warn(
                    Trap::OtherTableLocked,
                    format!(
                        "CASCADE drops foreign key {} and locks {} too",
                        constraint.name, child.name
                    ),
                );
            }
        }
    }

    /// Takes a foreign key away, or puts another in its place: its triggers stand on both tables.
    pub fn drop_foreign_key(&mut self, constraint: &ConstraintFacts) {
        if let Some(referenced) = &constraint.references {
            let referenced = self.qualified(referenced);
            let all = self.with_descendants(&referenced);
            // Before PostgreSQL 14 the triggers stand on the partitions alone.
            let only_partitions = self.version < 140_000 && all.len() > 1;
            for relation in all.iter().skip(usize::from(only_partitions)) {
                self.effects.lock(&relation.name, LockMode::AccessExclusive);
            }
            self.effects.warn(
                Trap::OtherTableLocked,
                format!("dropping foreign key {} locks {} too", constraint.name, referenced.name),
            );
        }
    }
}
