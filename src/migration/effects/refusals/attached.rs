//! Partitions that cannot be attached or detached.
//!
//! After `ATExecAttachPartition`, `MergeAttributesIntoExisting` and `ATExecDetachPartition` in
//! `src/backend/commands/tablecmds.c`.

use super::{Refusals, is_from_catalog, is_partitioned};
use crate::catalog::{ConstraintKind, RelationFacts};
use crate::migration::command::{DetachManner, PartitionRows};
use crate::migration::effects::data_type::DataType;

/// Says whether two spellings mean the same type.
fn is_same_type(one: &str, other: &str) -> bool {
    let (one, other) = (DataType::parse(one), DataType::parse(other));
    (one.base, one.modifiers, one.array) == (other.base, other.modifiers, other.array)
}

impl Refusals<'_> {
    pub(super) fn attach(&mut self, parent: &RelationFacts, written: &str, rows: &PartitionRows) {
        self.becomes_partition(parent, rows);
        let Some(child) = self.relation(written) else {
            return;
        };
        if child.bound.is_some() {
            return self.add(format!("{} is a partition already", child.name));
        }
        if !is_from_catalog(parent) || !is_from_catalog(child) || !is_partitioned(parent) {
            return;
        }
        for column in &parent.columns {
            let Some(own) = child.column(&column.name) else {
                self.add(format!("{} has no column {}", child.name, column.name));
                continue;
            };
            if !is_same_type(&own.data_type, &column.data_type) {
                self.add(format!(
                    "column {} of {} is {}, not {}",
                    column.name, child.name, own.data_type, column.data_type
                ));
            }
            if column.not_null && !own.not_null {
                self.add(format!(
                    "column {} of {} must be NOT NULL first",
                    column.name, child.name
                ));
            }
        }
        let mut extra = child
            .columns
            .iter()
            .filter(|column| parent.column(&column.name).is_none());
        if let Some(column) = extra.next() {
            self.add(format!(
                "column {} of {} is not in {}",
                column.name, child.name, parent.name
            ));
        }
        for check in &parent.constraints {
            let passes_on = check.kind == ConstraintKind::Check && !check.definition.contains("NO INHERIT");
            if passes_on && child.constraint(&check.name).is_none() {
                self.add(format!("{} lacks constraint {}", child.name, check.name));
            }
        }
    }

    /// Refuses a partition of these rows.
    pub(super) fn becomes_partition(&mut self, parent: &RelationFacts, rows: &PartitionRows) {
        if !is_partitioned(parent) {
            return self.add(format!("{} is not partitioned", parent.name));
        }
        let strategy = parent.partition_key.as_deref().and_then(|key| key.split(' ').next());
        let wanted = match rows {
            PartitionRows::Default => None,
            PartitionRows::Range { .. } => Some("RANGE"),
            PartitionRows::List(_) => Some("LIST"),
            PartitionRows::Hash => Some("HASH"),
        };
        match (strategy, wanted) {
            (Some("HASH"), None) => self.add("a table partitioned by HASH has no default partition"),
            (Some(strategy), Some(wanted)) if strategy != wanted => {
                self.add(format!("{} is partitioned by {strategy}", parent.name));
            }
            _ => {}
        }
        let mut children = self.schema.children(&parent.name);
        let default = children.find(|child| child.bound.as_deref() == Some("DEFAULT"));
        if let (Some(default), PartitionRows::Default) = (default, rows) {
            self.add(format!("{} is the default partition already", default.name));
        }
    }

    pub(super) fn detach(&mut self, parent: &RelationFacts, written: &str, manner: DetachManner) {
        if let Some(child) = self.relation(written)
            && !child.parents.contains(&parent.name)
        {
            self.add(format!("{} is no partition of {}", child.name, parent.name));
        }
        let mut children = self.schema.children(&parent.name);
        let default = children.find(|child| child.bound.as_deref() == Some("DEFAULT"));
        if let (Some(default), DetachManner::Concurrently) = (default, manner) {
            self.add(format!(
                "CONCURRENTLY does not work beside the default partition {}",
                default.name
            ));
        }
    }
}
