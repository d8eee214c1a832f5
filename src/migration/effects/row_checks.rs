//! What changes of rows do to other tables by foreign keys: checks, and changes that cascade, at any depth.
//!
//! After `src/backend/utils/adt/ri_triggers.c`. Where no index of a referencing table begins with the columns of its
//! key, each check reads it from end to end.

use std::collections::BTreeSet;

use super::judge::{Judge, NamedRelation};
use super::proofs::referenced_columns;
use crate::catalog::{ConstraintFacts, ConstraintKind, ForeignKeyAction, RelationFacts};
use crate::migration::LockMode::{RowExclusive, RowShare};

/// What is done to the rows of a table, as far as foreign keys care.
#[derive(Clone, Copy)]
pub(super) enum Done<'change> {
    /// Rows were added, with values for these columns; for all without them.
    Added(Option<&'change [String]>),
    /// These columns were given values.
    Assigned(&'change [String]),
    Deleted,
    /// By `MERGE`, which says it row by row.
    Merged,
}

impl Done<'_> {
    /// Returns the event of rules that apply, as the catalog has it.
    pub fn event(self) -> &'static str {
        match self {
            Done::Assigned(_) => "2",
            Done::Added(_) => "3",
            Done::Deleted => "4",
            Done::Merged => "",
        }
    }
}

impl Judge<'_> {
    /// Checks of foreign keys lock the rows of the other table when there is a row to check.
    pub(super) fn foreign_keys(&mut self, table: &NamedRelation, done: Done) {
        let Some(facts) = table.facts else { return };
        for constraint in facts.constraints.iter().filter(|found| is_checked(facts, found, done)) {
            if let Some(referenced) = &constraint.references {
                self.effects.lock(referenced, RowShare);
            }
        }
        match done {
            // Where there is no row, none is changed.
            Done::Deleted | Done::Assigned(_) if facts.kind.holds_rows() && facts.empty => {}
            Done::Deleted => self.changed(&table.name, None),
            Done::Assigned(assigned) => self.changed(&table.name, Some(assigned)),
            Done::Added(_) | Done::Merged => {}
        }
    }

    /// Rows of a table are gone, or these of their columns have other values: those that refer to them are looked up.
    fn changed(&mut self, name: &str, assigned: Option<&[String]>) {
        let mut open: Vec<(String, Option<Vec<String>>)> = vec![(name.to_owned(), assigned.map(<[String]>::to_vec))];
        let mut known = BTreeSet::new();
        while let Some((name, assigned)) = open.pop() {
            for (child, constraint) in self.schema.referencing(&name) {
                let referred = referenced_columns(constraint);
                let is_touched = |assigned: &Vec<String>| referred.iter().any(|column| assigned.contains(column));
                if !assigned.as_ref().is_none_or(is_touched)
                    || !known.insert((child.name.clone(), constraint.name.clone()))
                {
                    continue;
                }
                let action = match assigned {
                    Some(_) => constraint.on_update,
                    None => constraint.on_delete,
                };
                let changes = action.is_some_and(ForeignKeyAction::changes_rows);
                self.look_up(child, constraint, changes);
                if changes {
                    let deletes = assigned.is_none() && action == Some(ForeignKeyAction::Cascade);
                    open.push((child.name.clone(), (!deletes).then(|| constraint.columns.clone())));
                }
            }
        }
    }

    fn look_up(&mut self, child: &RelationFacts, constraint: &ConstraintFacts, changes: bool) {
        let child = self.qualified(&child.name);
        for part in self.with_descendants(&child) {
            self.effects
                .lock(&part.name, if changes { RowExclusive } else { RowShare });
            let begins = |first: &String| constraint.columns.contains(first);
            let has_index = part.facts.is_some_and(|facts| {
                let mut indexes = facts.indexes.iter().filter(|index| index.valid && index.plain);
                indexes.any(|index| index.columns.first().is_some_and(begins))
            });
            if !has_index {
                self.scan(&part);
            }
        }
    }
}

fn is_checked(facts: &RelationFacts, constraint: &ConstraintFacts, done: Done) -> bool {
    let has_value = |columns: &[String], column: &String| {
        columns.contains(column) || facts.column(column).is_some_and(|column| column.has_default)
    };
    let columns = &constraint.columns;
    constraint.kind == ConstraintKind::ForeignKey
        && constraint.is_enforced()
        && match done {
            Done::Added(None) | Done::Merged => true,
            Done::Added(Some(named)) => columns.iter().all(|column| has_value(named, column)),
            Done::Assigned(assigned) => columns.iter().any(|column| assigned.contains(column)),
            Done::Deleted => false,
        }
}
