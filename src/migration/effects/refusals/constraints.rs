//! Constraints that cannot be added or dropped.

use super::altered::Altered;
use super::{Refusals, is_from_catalog, is_partitioned, partition_key};
use crate::catalog::{ConstraintFacts, ConstraintKind, Persistence, RelationFacts, SchemaIndex};
use crate::migration::command::{ConstraintDefinition, TableAction, TableConstraint};
use crate::migration::effects::proofs::referenced_columns;

impl<'facts> Refusals<'facts> {
    pub(super) fn add_constraint(&mut self, altered: &Altered<'facts, '_>, constraint: &TableConstraint) {
        let facts = altered.facts;
        if let Some(name) = &constraint.name
            && facts.constraint(name).is_some()
            && !altered.drops_constraint(name)
        {
            self.add(format!("constraint {name} of {} exists already", facts.name));
        }
        match &constraint.definition {
            ConstraintDefinition::ForeignKey { table, columns } => {
                self.add_foreign_key(altered, constraint, table, columns);
            }
            ConstraintDefinition::PrimaryKey { using_index } => {
                self.second_primary_key(altered);
                self.add_key(facts, constraint, using_index.as_ref());
            }
            ConstraintDefinition::Unique { using_index } => self.add_key(facts, constraint, using_index.as_ref()),
            ConstraintDefinition::Exclude if is_partitioned(facts) && self.schema.version_num < 170_000 => {
                self.add("exclusion constraints are not supported on partitioned tables before PostgreSQL 17");
            }
            _ => {}
        }
    }

    fn second_primary_key(&mut self, altered: &Altered) {
        let mut constraints = altered.facts.constraints.iter();
        let present = constraints.find(|constraint| constraint.kind == ConstraintKind::PrimaryKey);
        if present.is_some_and(|present| !altered.drops_constraint(&present.name)) {
            self.add(format!("{} has a primary key already", altered.facts.name));
        }
    }

    fn add_key(&mut self, facts: &RelationFacts, constraint: &TableConstraint, using_index: Option<&String>) {
        let Some(name) = using_index else {
            return self.unique(facts, &constraint.columns);
        };
        let index = facts.indexes.iter().find(|index| index.bare_name == *name);
        let why = match index {
            Some(index) if !index.unique => "is not unique",
            Some(index) if !index.plain => "has a condition or an expression",
            Some(index) if !index.valid => "is not valid",
            _ if is_partitioned(facts) => "cannot be used: the table is partitioned",
            _ => return,
        };
        self.add(format!("index {name} {why}"));
    }

    /// Refuses a unique key of a partitioned table that lacks a column of the partition key.
    pub(super) fn unique(&mut self, facts: &RelationFacts, columns: &[String]) {
        match partition_key(facts) {
            Some((_, true)) => self.add("the partition key has an expression, so that no key can be unique"),
            Some((key, false)) => {
                if let Some(lacking) = key.iter().find(|column| !columns.contains(column)) {
                    self.add(format!(
                        "a unique key must include column {lacking} of the partition key"
                    ));
                }
            }
            None => {}
        }
    }

    fn add_foreign_key(
        &mut self,
        altered: &Altered<'facts, '_>,
        constraint: &TableConstraint,
        table: &str,
        columns: &[String],
    ) {
        let facts = altered.facts;
        if is_partitioned(facts) && altered.only {
            self.add("a foreign key of a partitioned table cannot be added with ONLY");
        }
        if is_partitioned(facts) && constraint.not_valid && self.schema.version_num < 180_000 {
            self.add("a foreign key of a partitioned table cannot be NOT VALID before PostgreSQL 18");
        }
        for column in &constraint.columns {
            self.lacks_column(altered, column);
        }
        let Some(referenced) = self.relation(table) else {
            return;
        };
        if facts.persistence == Persistence::Permanent && referenced.persistence == Persistence::Unlogged {
            self.add(format!(
                "{} is unlogged: only unlogged tables may refer to it",
                referenced.name
            ));
        }
        let is_itself = referenced.name == facts.name;
        let adds_key = is_itself && altered.actions.iter().any(adds_key);
        if is_from_catalog(referenced) && !adds_key && !is_unique(referenced, columns) {
            self.add(match columns {
                [] => format!("{} has no primary key", referenced.name),
                columns => format!("({}) of {} is not unique", columns.join(", "), referenced.name),
            });
        }
    }

    pub(super) fn drop_constraint(&mut self, altered: &Altered<'facts, '_>, name: &str, cascade: bool) {
        let facts = altered.facts;
        let Some(constraint) = facts.constraint(name) else {
            return;
        };
        if self.is_inherited_constraint(facts, constraint) {
            self.add(format!(
                "constraint {name} is inherited from {}",
                facts.parents.join(", ")
            ));
        }
        if cascade || !constraint.kind.is_key() {
            return;
        }
        let other = |index: &&SchemaIndex| Some(&index.bare_name) != constraint.index.as_ref();
        let others: Vec<&SchemaIndex> = facts.indexes.iter().filter(other).collect();
        let needs = |key: &ConstraintFacts| {
            let columns = referenced_columns(key);
            same_columns(&columns, &constraint.columns) && !others.iter().any(|index| serves(index, &columns))
        };
        let mut referencing = self.schema.referencing(&facts.name).into_iter();
        if let Some((table, key)) = referencing.find(|(_, key)| needs(key)) {
            self.add(format!("foreign key {} of {} depends on it", key.name, table.name));
        }
    }

    fn is_inherited_constraint(&self, facts: &RelationFacts, constraint: &ConstraintFacts) -> bool {
        let passes_on = matches!(constraint.kind, ConstraintKind::Check | ConstraintKind::ForeignKey)
            && !constraint.definition.contains("NO INHERIT");
        let same = |parent: &String| {
            let found = self
                .schema
                .named(parent)
                .and_then(|parent| parent.constraint(&constraint.name));
            found.is_some_and(|found| found.definition == constraint.definition)
        };
        passes_on && facts.parents.iter().any(same)
    }
}

fn adds_key(action: &TableAction) -> bool {
    let TableAction::AddConstraint(constraint) = action else {
        return matches!(action, TableAction::AddColumn { .. });
    };
    matches!(
        constraint.definition,
        ConstraintDefinition::PrimaryKey { .. } | ConstraintDefinition::Unique { .. }
    )
}

/// Says whether foreign keys may refer to these columns; to the primary key where none are given.
fn is_unique(facts: &RelationFacts, columns: &[String]) -> bool {
    if columns.is_empty() {
        let mut constraints = facts.constraints.iter();
        return constraints.any(|constraint| constraint.kind == ConstraintKind::PrimaryKey);
    }
    facts.indexes.iter().any(|index| serves(index, columns))
}

fn serves(index: &SchemaIndex, columns: &[String]) -> bool {
    index.unique && index.plain && index.valid && same_columns(&index.columns, columns)
}

fn same_columns(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|column| other.contains(column))
}
