//! `ALTER TABLE` that the server refuses: each subcommand by its own rules, after `ATPrepCmd` and `ATExecCmd` in
//! `src/backend/commands/tablecmds.c`.

use super::{Refusals, is_from_catalog, is_partitioned};
use crate::catalog::{ConstraintKind, Persistence, RelationFacts};
use crate::migration::command::{AlterTable, ColumnAction, ColumnDefinition, TableAction};

/// A table that a statement alters.
pub(super) struct Altered<'facts, 'sql> {
    pub facts: &'facts RelationFacts,
    pub only: bool,
    pub actions: &'sql [TableAction],
}

impl Altered<'_, '_> {
    /// Says whether another action of the statement makes a column, so that it need not be there before.
    pub fn adds(&self, name: &str) -> bool {
        let adds =
            |action: &TableAction| matches!(action, TableAction::AddColumn { column, .. } if column.name == name);
        self.actions.iter().any(adds)
    }

    /// Says whether an action of the statement drops a column; that is done before anything but other drops.
    pub fn drops(&self, name: &str) -> bool {
        let drops = |action: &TableAction| matches!(action, TableAction::DropColumn { column, .. } if column == name);
        self.actions.iter().any(drops)
    }

    /// Says whether an action of the statement drops a constraint.
    pub fn drops_constraint(&self, name: &str) -> bool {
        self.actions.iter().any(|action| match action {
            TableAction::DropConstraint { constraint, .. } => constraint == name,
            _ => false,
        })
    }
}

impl<'facts> Refusals<'facts> {
    pub(super) fn alter_table(&mut self, alter: &AlterTable) {
        let Some(facts) = self.relation(&alter.table) else {
            return;
        };
        let altered = Altered {
            facts,
            only: alter.only,
            actions: &alter.actions,
        };
        for action in &alter.actions {
            self.action(&altered, action);
        }
    }

    fn action(&mut self, altered: &Altered<'facts, '_>, action: &TableAction) {
        let facts = altered.facts;
        match action {
            TableAction::AddColumn { column, if_not_exists } => self.add_column(altered, column, *if_not_exists),
            TableAction::DropColumn { column, cascade } => self.drop_column(altered, column, *cascade),
            TableAction::AlterColumn { column, action } => self.alter_column(altered, column, action),
            TableAction::RenameColumn { from, to } => self.rename_column(altered, from, to),
            TableAction::AddConstraint(constraint) => self.add_constraint(altered, constraint),
            TableAction::ValidateConstraint(name) => self.lacks_constraint(altered, name),
            TableAction::DropConstraint { constraint, cascade } => self.drop_constraint(altered, constraint, *cascade),
            TableAction::AttachPartition { partition, bound } => self.attach(facts, partition, &bound.rows),
            TableAction::DetachPartition { partition, manner } => self.detach(facts, partition, *manner),
            TableAction::SetLogged(logged) => self.set_logged(facts, *logged),
            TableAction::RenameTo(name) => self.taken(Some(&facts.schema), name),
            TableAction::SetSchema(schema) => self.taken(Some(schema), &facts.bare_name),
            _ => {}
        }
    }

    fn add_column(&mut self, altered: &Altered<'facts, '_>, column: &ColumnDefinition, if_not_exists: bool) {
        let facts = altered.facts;
        let is_there = facts.column(&column.name).is_some() && !altered.drops(&column.name);
        if is_there && if_not_exists {
            return;
        }
        if is_there {
            self.add(format!("column {} of {} exists already", column.name, facts.name));
        }
        if facts.bound.is_some() {
            self.add(format!(
                "{} is a partition: add the column to {}",
                facts.name,
                facts.parents.join(", ")
            ));
        } else if altered.only && self.schema.children(&facts.name).next().is_some() {
            self.add("the column must be added to the child tables too: leave ONLY out");
        }
        for constraint in &column.constraints {
            self.add_constraint(altered, constraint);
        }
    }

    fn alter_column(&mut self, altered: &Altered<'facts, '_>, column: &str, action: &ColumnAction) {
        if self.lacks_column(altered, column) {
            return;
        }
        match action {
            ColumnAction::SetType(change) => self.set_type(altered, column, change),
            ColumnAction::DropNotNull => self.drop_not_null(altered, column),
            _ => {}
        }
    }

    /// Refuses a column that the table does not have; what a statement made may have more than is known.
    pub(super) fn lacks_column(&mut self, altered: &Altered, name: &str) -> bool {
        let facts = altered.facts;
        let lacks = is_from_catalog(facts) && facts.column(name).is_none() && !altered.adds(name);
        if lacks && !SYSTEM_COLUMNS.contains(&name) {
            self.add(format!("{} has no column {name}", facts.name));
        }
        lacks
    }

    fn drop_not_null(&mut self, altered: &Altered<'facts, '_>, column: &str) {
        let facts = altered.facts;
        let primary = facts.constraints.iter().find(|constraint| {
            constraint.kind == ConstraintKind::PrimaryKey && constraint.columns.iter().any(|name| name == column)
        });
        if primary.is_some_and(|primary| !altered.drops_constraint(&primary.name)) {
            self.add(format!("column {column} is in the primary key"));
        }
        let demands = |parent: &String| {
            let parent = self.schema.named(parent).and_then(|parent| parent.column(column));
            parent.is_some_and(|column| column.not_null)
        };
        let inherits = facts.bound.is_some() || self.schema.version_num >= 180_000;
        if inherits && facts.parents.iter().any(demands) {
            self.add(format!("column {column} is NOT NULL in {}", facts.parents.join(", ")));
        }
    }

    fn set_logged(&mut self, facts: &RelationFacts, logged: bool) {
        if is_partitioned(facts) {
            if self.schema.version_num >= 180_000 {
                self.add(format!("{} is partitioned: set it for its partitions", facts.name));
            }
            return;
        }
        if facts.persistence == Persistence::of_table(logged) {
            return;
        }
        let persistence = |name: &str| self.schema.named(name).map(|table| table.persistence);
        let in_the_way = if logged {
            let referenced = facts
                .constraints
                .iter()
                .filter_map(|constraint| constraint.references.as_ref());
            let mut others = referenced.filter(|name| **name != facts.name);
            others
                .find(|name| persistence(name) == Some(Persistence::Unlogged))
                .cloned()
        } else {
            let referencing = self.schema.referencing(&facts.name).into_iter();
            let mut names = referencing.map(|(table, _)| table.name.clone());
            names.find(|name| persistence(name) == Some(Persistence::Permanent))
        };
        match in_the_way {
            Some(other) if logged => self.add(format!("it refers to {other}, which is unlogged")),
            Some(other) => self.add(format!("{other} refers to it, and is logged")),
            None => {}
        }
    }

    fn rename_column(&mut self, altered: &Altered<'facts, '_>, from: &str, to: &str) {
        let facts = altered.facts;
        if self.lacks_column(altered, from) {
            return;
        }
        if facts.column(to).is_some() {
            self.add(format!("column {to} of {} exists already", facts.name));
        }
        if self.is_inherited(facts, from) {
            self.add(format!("column {from} is inherited from {}", facts.parents.join(", ")));
        } else if altered.only && self.reaches_children(facts, from) {
            self.add("the column must be renamed in the child tables too: leave ONLY out");
        }
    }

    /// Says whether a column comes from a parent.
    pub(super) fn is_inherited(&self, facts: &RelationFacts, column: &str) -> bool {
        let has = |parent: &String| {
            self.schema
                .named(parent)
                .is_some_and(|parent| parent.column(column).is_some())
        };
        facts.parents.iter().any(has)
    }

    /// Says whether children of a table have the column from it.
    pub(super) fn reaches_children(&self, facts: &RelationFacts, column: &str) -> bool {
        self.schema
            .children(&facts.name)
            .any(|child| child.column(column).is_some())
    }

    /// Refuses a constraint that the table does not have.
    fn lacks_constraint(&mut self, altered: &Altered, name: &str) {
        let facts = altered.facts;
        let adds = |action: &TableAction| match action {
            TableAction::AddConstraint(constraint) => constraint.name.as_deref() == Some(name),
            _ => false,
        };
        let lacks = is_from_catalog(facts) && facts.constraint(name).is_none() && !altered.actions.iter().any(adds);
        if lacks {
            self.add(format!("{} has no constraint {name}", facts.name));
        }
    }
}

/// Columns that every table has.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];
