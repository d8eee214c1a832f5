//! Columns that cannot be dropped or change their type, because something else is made of them.
//!
//! After `ATExecDropColumn`, `ATPrepAlterColumnType` and `RememberAllDependentForRebuilding` in
//! `src/backend/commands/tablecmds.c`.

use super::altered::Altered;
use super::casts::is_assignable;
use super::{Refusals, partition_key};
use crate::catalog::{ColumnUse, ColumnUser, RelationFacts};
use crate::migration::command::{TableAction, TypeChange};
use crate::migration::effects::data_type::DataType;
use crate::migration::effects::proofs::referenced_columns;

impl<'facts> Refusals<'facts> {
    pub(super) fn drop_column(&mut self, altered: &Altered<'facts, '_>, column: &str, cascade: bool) {
        let facts = altered.facts;
        if facts.column(column).is_none() {
            return;
        }
        if self.is_part_of_key(facts, column) {
            return;
        }
        if self.is_inherited(facts, column) {
            return self.add(format!(
                "column {column} is inherited from {}",
                facts.parents.join(", ")
            ));
        }
        if altered.only && super::is_partitioned(facts) && self.reaches_children(facts, column) {
            self.add("the column cannot be dropped from the partitioned table only: leave ONLY out");
        }
        if cascade {
            return;
        }
        let gone_before = |user: &ColumnUse| {
            let before = altered.actions.iter().take_while(
                |action| !matches!(action, TableAction::DropColumn { column: dropped, .. } if dropped == column),
            );
            let mut dropped = before.filter_map(|action| match action {
                TableAction::DropColumn { column, .. } => Some(column),
                _ => None,
            });
            user.by == ColumnUser::Generated && dropped.any(|name| *name == user.name)
        };
        // Up to PostgreSQL 14 a generated column goes with those it is computed from.
        let holds = |user: &&ColumnUse| {
            !gone_before(user) && (user.by != ColumnUser::Generated || self.schema.version_num >= 150_000)
        };
        let users: Vec<String> = self.users(altered, column).filter(holds).map(in_words).collect();
        self.in_the_way(column, &users);
        let mut referencing = self.schema.referencing(&facts.name).into_iter();
        let refers = referencing.find(|(_, key)| referenced_columns(key).iter().any(|name| name == column));
        if let Some((table, key)) = refers {
            self.add(format!(
                "foreign key {} of {} refers to column {column}",
                key.name, table.name
            ));
        }
    }

    pub(super) fn set_type(&mut self, altered: &Altered<'facts, '_>, column: &str, change: &TypeChange) {
        let facts = altered.facts;
        if self.is_part_of_key(facts, column) {
            return;
        }
        if self.is_inherited(facts, column) {
            self.add(format!(
                "column {column} is inherited from {}",
                facts.parents.join(", ")
            ));
        } else if altered.only && self.reaches_children(facts, column) {
            self.add("the type must change in the child tables too: leave ONLY out");
        }
        let holds = |user: &&ColumnUse| user.by != ColumnUser::Generated || !altered.drops(&user.name);
        let users: Vec<String> = self.users(altered, column).filter(holds).map(in_words).collect();
        self.in_the_way(column, &users);
        let Some(present) = facts.column(column).filter(|_| change.using.is_none()) else {
            return;
        };
        let (old, new) = (DataType::parse(&present.data_type), DataType::of(&change.data_type));
        if is_assignable(&old, &new, self.schema) == Some(false) {
            self.add(format!(
                "{} cannot be cast automatically to {}: say how with USING",
                present.data_type, change.data_type.written
            ));
        }
    }

    /// Returns what uses a column of a table or of its partitions and children, and is still there.
    fn users(&self, altered: &Altered<'facts, '_>, column: &str) -> impl Iterator<Item = &'facts ColumnUse> {
        let children = if altered.only {
            Vec::new()
        } else {
            self.schema.descendants(&altered.facts.name)
        };
        let all = std::iter::once(altered.facts).chain(children);
        let uses = all.flat_map(|facts| facts.uses.iter().map(move |found| (facts, found)));
        uses.filter(|(facts, found)| {
            let is_there = match found.by {
                ColumnUser::View => self.schema.named(&found.name).is_some(),
                ColumnUser::Generated => facts.column(&found.name).is_some(),
                ColumnUser::Rule | ColumnUser::Trigger | ColumnUser::Policy | ColumnUser::Function => true,
            };
            found.column == column && is_there
        })
        .map(|(_, found)| found)
        .collect::<Vec<_>>()
        .into_iter()
    }

    fn in_the_way(&mut self, column: &str, users: &[String]) {
        match users {
            [] => {}
            [only] => self.add(format!("{only} uses column {column}")),
            several => self.add(format!("column {column} is used by {}", several.join(", "))),
        }
    }

    fn is_part_of_key(&mut self, facts: &RelationFacts, column: &str) -> bool {
        let key = partition_key(facts);
        let is_part = key.is_some_and(|(columns, _)| columns.iter().any(|name| name == column));
        if is_part {
            self.add(format!(
                "column {column} is part of the partition key of {}",
                facts.name
            ));
        }
        is_part
    }
}

fn in_words(found: &ColumnUse) -> String {
    format!("{} {}", found.by.in_words(), found.name)
}
