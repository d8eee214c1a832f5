//! What adding, validating and dropping constraints locks, scans and builds.

use super::alter_table::Constraint;
use super::judge::Judge;
use super::target::AlteredTable;
use crate::catalog::{ConstraintFacts, ConstraintKind};
use crate::migration::LockMode::{RowShare, ShareUpdateExclusive};
use crate::migration::Trap;

impl<'facts> Judge<'facts> {
    pub(super) fn add_constraint(&mut self, target: &AlteredTable<'facts>, constraint: &Constraint) {
        let tables = target.tables.clone();
        let checked = !constraint.not_valid && !constraint.not_enforced;
        match constraint.kind {
            ConstraintKind::ForeignKey => {
                self.foreign_key(&tables, constraint, checked);
                if checked {
                    self.effects.warn(
                        Trap::OtherTableLocked,
                        "both tables are locked against writing while all rows are checked",
                    );
                }
            }
            ConstraintKind::Check if checked => tables.iter().for_each(|table| self.scan(table)),
            ConstraintKind::NotNull if checked => constraint
                .columns
                .iter()
                .for_each(|column| self.set_not_null(&tables, column)),
            ConstraintKind::Unique | ConstraintKind::PrimaryKey | ConstraintKind::Exclusion => {
                match &constraint.using_index {
                    Some(name) => self.use_index(target, constraint, name),
                    None => self.index(&tables),
                }
            }
            ConstraintKind::Check | ConstraintKind::NotNull => {}
        }
    }

    /// Makes an index that is there the one of a constraint; the columns of a primary key become NOT NULL.
    pub(super) fn use_index(&mut self, target: &AlteredTable<'facts>, constraint: &Constraint, name: &str) {
        let known = target
            .table
            .facts
            .map(|facts| facts.indexes.iter().find(|index| index.bare_name == name));
        match known {
            Some(Some(index)) => {
                self.effects.lock(&index.name, ShareUpdateExclusive);
                if constraint.kind == ConstraintKind::PrimaryKey {
                    index
                        .columns
                        .iter()
                        .for_each(|column| self.set_not_null(&target.tables.clone(), column));
                }
            }
            _ if constraint.kind == ConstraintKind::PrimaryKey => self
                .effects
                .unknown(format!("whether the columns of {name} are NOT NULL")),
            _ => {}
        }
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

    pub(super) fn drop_constraint(&mut self, target: &AlteredTable<'facts>, name: &str) {
        match target.table.facts.map(|facts| facts.constraint(name)) {
            Some(Some(constraint)) => {
                self.drop_foreign_key(constraint);
                if target.cascade && constraint.kind.is_key() {
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
