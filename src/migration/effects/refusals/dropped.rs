//! Objects that cannot be dropped, and tables that cannot be emptied, because others depend on them.

use std::collections::BTreeSet;

use super::{Refusals, is_partitioned};
use crate::catalog::{RelationFacts, RelationKind};
use crate::migration::command::{DropObjects, ObjectKind, Truncate};
use crate::migration::names::name_path;

impl<'facts> Refusals<'facts> {
    pub(super) fn drop(&mut self, dropped: &DropObjects) {
        match dropped.kind {
            ObjectKind::Index => self.drop_indexes(dropped),
            ObjectKind::Table | ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::ForeignTable => {
                self.drop_relations(dropped);
            }
            _ => {}
        }
    }

    fn drop_indexes(&mut self, dropped: &DropObjects) {
        if dropped.concurrently && dropped.names.len() > 1 {
            self.add("CONCURRENTLY drops only one index at a time");
        }
        if dropped.concurrently && dropped.cascade {
            self.add("CONCURRENTLY does not support CASCADE");
        }
        for name in &dropped.names {
            let Some((table, index)) = self.schema.index(&name_path(name)) else {
                continue;
            };
            if dropped.concurrently && is_partitioned(table) {
                self.add("a partitioned index cannot be dropped CONCURRENTLY");
            }
            let mut constraints = table.constraints.iter();
            let own = |name: &Option<String>| name.as_ref() == Some(&index.bare_name);
            if let Some(constraint) = constraints.find(|constraint| own(&constraint.index)) {
                self.add(format!("constraint {} of {} requires it", constraint.name, table.name));
            }
        }
    }

    fn drop_relations(&mut self, dropped: &DropObjects) {
        let found: Vec<&RelationFacts> = dropped.names.iter().filter_map(|name| self.relation(name)).collect();
        for facts in found.iter().filter(|facts| !is_called(facts, dropped.kind)) {
            self.add(format!(
                "{} is no {}",
                facts.name,
                dropped.kind.keywords().to_lowercase()
            ));
        }
        if dropped.cascade {
            return;
        }
        let all = self.with_partitions(&found);
        let gone: BTreeSet<&str> = all.iter().map(|facts| facts.name.as_str()).collect();
        for facts in &all {
            for view in self.schema.relations.readers_of(&facts.name) {
                if !gone.contains(view.name.as_str()) {
                    self.add(format!("{} reads {}", view.name, facts.name));
                }
            }
            for (table, key) in self.schema.referencing(&facts.name) {
                if !gone.contains(table.name.as_str()) {
                    self.add(format!(
                        "foreign key {} of {} refers to {}",
                        key.name, table.name, facts.name
                    ));
                }
            }
            for child in self.schema.children(&facts.name) {
                if child.bound.is_none() && !gone.contains(child.name.as_str()) {
                    self.add(format!("{} inherits from {}", child.name, facts.name));
                }
            }
        }
    }

    /// Returns relations with their partitions, which go with them.
    fn with_partitions(&self, found: &[&'facts RelationFacts]) -> Vec<&'facts RelationFacts> {
        let mut all = found.to_vec();
        for facts in found.iter().filter(|facts| is_partitioned(facts)) {
            all.extend(self.schema.descendants(&facts.name));
        }
        all
    }

    pub(super) fn truncate(&mut self, truncate: &Truncate) {
        if truncate.cascade {
            return;
        }
        let mut all = Vec::new();
        for table in &truncate.tables {
            let Some(facts) = self.relation(&table.name) else {
                continue;
            };
            all.push(facts);
            if !table.only {
                all.extend(self.schema.descendants(&facts.name));
            }
        }
        let gone: BTreeSet<&str> = all.iter().map(|facts| facts.name.as_str()).collect();
        for facts in &all {
            let referencing = self.schema.referencing(&facts.name);
            if let Some((table, key)) = referencing
                .iter()
                .find(|(table, _)| !gone.contains(table.name.as_str()))
            {
                self.add(format!(
                    "foreign key {} of {} refers to {}",
                    key.name, table.name, facts.name
                ));
            }
        }
    }
}

fn is_called(facts: &RelationFacts, kind: ObjectKind) -> bool {
    match facts.kind {
        RelationKind::Table | RelationKind::PartitionedTable => kind == ObjectKind::Table,
        RelationKind::View => kind == ObjectKind::View,
        RelationKind::MaterializedView => kind == ObjectKind::MaterializedView,
        RelationKind::ForeignTable => kind == ObjectKind::ForeignTable,
        _ => true,
    }
}
