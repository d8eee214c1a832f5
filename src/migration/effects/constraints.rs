//! What adding, validating and dropping constraints locks, scans and builds.

use super::judge::{Judge, NamedRelation};
use super::target::AlteredTable;
use crate::catalog::{ConstraintFacts, RelationFacts, RelationKind};
use crate::migration::LockMode::{AccessExclusive, RowShare, Share, ShareRowExclusive, ShareUpdateExclusive};
use crate::migration::Trap;
use crate::migration::command::{ConstraintChange, ConstraintDefinition, TableConstraint};

impl<'facts> Judge<'facts> {
    /// Returns the tables that get a key, index or foreign key of the one that is altered: partitions, no children.
    pub(super) fn with_keys(&self, target: &AlteredTable<'facts>) -> Vec<NamedRelation<'facts>> {
        if target.table.facts.is_none_or(is_partitioned) {
            target.tables.clone()
        } else {
            vec![target.table.clone()]
        }
    }

    pub(super) fn add_constraint(&mut self, target: &AlteredTable<'facts>, constraint: &TableConstraint) {
        let tables = match constraint.definition {
            ConstraintDefinition::Check { .. } | ConstraintDefinition::NotNull if constraint.no_inherit => {
                vec![target.table.clone()]
            }
            ConstraintDefinition::Check { .. } | ConstraintDefinition::NotNull => target.tables.clone(),
            _ => self.with_keys(target),
        };
        let of_index = matches!(
            constraint.definition,
            ConstraintDefinition::Unique { .. } | ConstraintDefinition::Exclude
        );
        // Before PostgreSQL 18 the indexes of partitions are made like any other.
        let on_partitions = if of_index && self.version < 180_000 {
            Share
        } else {
            target.lock
        };
        self.lock_all(&tables, on_partitions);
        // From PostgreSQL 18 on all descendants are locked before it is known whether they get it too.
        if self.version >= 180_000 {
            self.lock_all(&target.tables, target.lock);
        }
        let checked = constraint.is_checked();
        match &constraint.definition {
            ConstraintDefinition::ForeignKey { table, .. } => {
                self.foreign_key(&tables, table, checked);
                if checked {
                    self.effects.warn(
                        Trap::OtherTableLocked,
                        "both tables are locked against writing while all rows are checked",
                    );
                }
            }
            ConstraintDefinition::Check { .. } if checked => tables.iter().for_each(|table| self.scan(table)),
            ConstraintDefinition::NotNull if checked => constraint
                .columns
                .iter()
                .for_each(|column| self.set_not_null(&tables, column)),
            ConstraintDefinition::Check { .. } | ConstraintDefinition::NotNull => {}
            ConstraintDefinition::PrimaryKey {
                using_index: Some(name),
            } => self.use_index(target, name, true),
            ConstraintDefinition::Unique {
                using_index: Some(name),
            } => self.use_index(target, name, false),
            ConstraintDefinition::PrimaryKey { .. } => {
                self.index(&tables);
                self.forbid_nulls(target, &constraint.columns);
            }
            ConstraintDefinition::Unique { .. } | ConstraintDefinition::Exclude => self.index(&tables),
        }
    }

    /// The columns of a primary key become NOT NULL, those of children too.
    fn forbid_nulls(&mut self, target: &AlteredTable<'facts>, columns: &[String]) {
        let Some(facts) = target.table.facts else { return };
        let may_be_null = |name: &&String| facts.column(name).is_some_and(|column| !column.not_null);
        for column in columns.iter().filter(may_be_null) {
            self.lock_all(&target.tables, target.lock);
            self.set_not_null(&target.tables, column);
        }
    }

    /// Makes an index that is there the one of a constraint; the columns of a primary key become NOT NULL.
    fn use_index(&mut self, target: &AlteredTable<'facts>, name: &str, is_primary: bool) {
        let known = target
            .table
            .facts
            .map(|facts| facts.indexes.iter().find(|index| index.bare_name == name));
        match known {
            Some(Some(index)) => {
                self.effects.lock(&index.name, ShareUpdateExclusive);
                if is_primary {
                    index
                        .columns
                        .iter()
                        .for_each(|column| self.set_not_null(&target.tables, column));
                }
            }
            _ if is_primary => self
                .effects
                .unknown(format!("whether the columns of {name} are NOT NULL")),
            _ => {}
        }
    }

    /// Judges `ALTER CONSTRAINT`; `[NOT] ENFORCED` and `[NO] INHERIT` are PostgreSQL 18's.
    pub(super) fn alter_constraint(&mut self, target: &AlteredTable<'facts>, name: &str, change: ConstraintChange) {
        let found = target.table.facts.and_then(|facts| facts.constraint(name));
        match change {
            ConstraintChange::Inherit(inherits) if found.is_some_and(|found| found.stands_alone() != inherits) => {}
            ConstraintChange::Inherit(_) => {
                for child in self.schema.children(&target.table.name) {
                    self.effects.lock(&child.name, target.lock);
                }
            }
            ConstraintChange::Enforced(enforced) => {
                let Some(found) = found else {
                    return self.effects.unknown(format!("which tables constraint {name} is about"));
                };
                let changes = found.is_enforced() != enforced;
                if let Some(referenced) = found.references.as_ref().filter(|_| changes) {
                    let referenced = self.qualified(referenced);
                    self.enforce_foreign_key(target, &referenced, enforced);
                }
            }
            // The triggers of partitions change with those of their parent.
            ConstraintChange::Deferral if target.table.facts.is_some_and(is_partitioned) => {
                self.lock_all(&target.tables, target.lock);
            }
            ConstraintChange::Deferral => {}
        }
    }

    fn enforce_foreign_key(
        &mut self,
        target: &AlteredTable<'facts>,
        referenced: &NamedRelation<'facts>,
        enforced: bool,
    ) {
        let all = self.with_descendants(referenced);
        self.lock_all(&target.tables, target.lock);
        if !enforced {
            // Its triggers are dropped.
            return self.lock_all(&all, AccessExclusive);
        }
        self.lock_all(&all, ShareRowExclusive);
        target.tables.iter().chain(&all).for_each(|table| self.scan(table));
    }

    pub(super) fn validate(&mut self, target: &AlteredTable<'facts>, name: &str) {
        let constraint = target.table.facts.and_then(|facts| facts.constraint(name));
        match constraint {
            Some(constraint) if constraint.valid => {}
            Some(ConstraintFacts {
                references: Some(referenced),
                ..
            }) => {
                let referenced = self.qualified(referenced);
                self.effects.lock(&referenced.name, RowShare);
                for table in target.tables.iter().chain([&referenced]) {
                    self.scan(table);
                }
            }
            _ => target.tables.iter().for_each(|table| self.scan(table)),
        }
    }

    pub(super) fn drop_constraint(&mut self, target: &AlteredTable<'facts>, name: &str, cascade: bool) {
        match target.table.facts.map(|facts| facts.constraint(name)) {
            Some(Some(constraint)) => {
                self.drop_foreign_key(constraint);
                // The index goes, and those of the partitions with it, even with ONLY.
                if constraint.index.is_some() && target.table.facts.is_some_and(is_partitioned) {
                    self.lock_all(&self.with_descendants(&target.table), target.lock);
                }
                if cascade && constraint.kind.is_key() {
                    self.drop_dependents(&target.table, |referenced| *referenced == constraint.columns);
                }
            }
            Some(None) => {}
            None => self.effects.warn(
                Trap::OtherTableLocked,
                "a foreign key stands on two tables, and dropping it locks both",
            ),
        }
    }
}

fn is_partitioned(facts: &RelationFacts) -> bool {
    facts.kind == RelationKind::PartitionedTable
}
