//! What attaching and detaching partitions locks and scans.
//!
//! After `ATExecAttachPartition` and `ATExecDetachPartition` in `src/backend/commands/tablecmds.c`. That a CHECK proves the bound
//! is seen where it is written like the bound, over one column; otherwise the partition counts as scanned.

use super::constraint_text::{holds_no_null, plain, proves};
use super::judge::{Judge, NamedRelation, TransactionRule};
use super::target::AlteredTable;
use crate::catalog::{ConstraintKind, RelationFacts};
use crate::migration::LockMode::{AccessExclusive, ShareRowExclusive, ShareUpdateExclusive};
use crate::migration::names::name_path;
use crate::migration::words::Words;

impl<'facts> Judge<'facts> {
    pub(super) fn attach(&mut self, target: &AlteredTable<'facts>, written: &str, bound: &str) {
        let partition = self.relation(written);
        self.note_missing(&partition, written);
        let parts = self.with_descendants(&partition);
        self.lock_all(&parts, AccessExclusive);
        let parent = target.table.facts;
        let proven = partition
            .facts
            .zip(parent)
            .is_some_and(|(facts, parent)| within_bound(facts, parent, bound));
        if !proven {
            parts.iter().for_each(|part| self.scan(part));
        }
        let lacks_index = partition
            .facts
            .zip(parent)
            .is_some_and(|(facts, parent)| lacks_an_index(facts, parent));
        if lacks_index {
            self.index(&parts);
        }
        self.default_changes(&target.table, &partition.name, true);
        for constraint in parent
            .iter()
            .flat_map(|facts| &facts.constraints)
            .filter(|found| found.kind == ConstraintKind::ForeignKey)
        {
            if let Some(referenced) = &constraint.references {
                self.effects.lock(referenced, ShareRowExclusive);
                let referenced = self.qualified(referenced);
                parts.iter().chain([&referenced]).for_each(|table| self.scan(table));
            }
        }
    }

    /// The default partition is locked when another comes or goes, and read when rows of it might belong to the new one.
    pub(super) fn default_changes(&mut self, parent: &NamedRelation<'facts>, partition: &str, read: bool) {
        let Some(default) = self.default_partition(&parent.name, partition) else {
            return;
        };
        for part in self.with_descendants(&default) {
            self.effects.lock(&part.name, AccessExclusive);
            if read {
                self.scan(&part);
            }
        }
    }

    pub(super) fn detach(&mut self, target: &AlteredTable<'facts>, written: &str, concurrently: bool, finalize: bool) {
        let partition = self.relation(written);
        // Before PostgreSQL 14 only the default partition is taken for itself; from then on any, by CONCURRENTLY in the second of
        // its two transactions.
        let is_default = partition
            .facts
            .is_some_and(|facts| facts.bound.as_deref() == Some("DEFAULT"));
        let mode = match self.version < 140_000 && !is_default {
            true => ShareUpdateExclusive,
            false => AccessExclusive,
        };
        self.effects.lock(&partition.name, mode);
        if concurrently {
            self.effects.transaction = TransactionRule::Forbidden;
        } else if !finalize {
            self.default_changes(&target.table, &partition.name, false);
        }
        for constraint in partition.facts.iter().flat_map(|facts| &facts.constraints) {
            if let (false, Some(referenced)) = (finalize, &constraint.references) {
                self.effects.lock(referenced, ShareRowExclusive);
            }
        }
    }
}

/// Says whether the partitioned table has an index that the table to attach has no equal of.
fn lacks_an_index(facts: &RelationFacts, parent: &RelationFacts) -> bool {
    let has = |wanted: &crate::catalog::SchemaIndex| {
        facts.indexes.iter().any(|index| {
            index.columns == wanted.columns
                && index.unique == wanted.unique
                && index.plain == wanted.plain
                && index.valid
        })
    };
    !parent.indexes.iter().all(has)
}

/// Says whether valid CHECKs of a table prove that all its rows are within the bound of a range or list over one column.
fn within_bound(facts: &RelationFacts, parent: &RelationFacts, bound: &str) -> bool {
    let Some(key) = parent.partition_key.as_deref() else {
        return false;
    };
    let column = key.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
    if column.contains([',', '(']) || !holds_no_null(facts, &name_path(column).concat(), 120_000) {
        return false;
    }
    let mut words = Words::new(bound);
    words.accept("FOR VALUES");
    let wanted = if words.accept("FROM") {
        let lower = words.parenthesis().map(|inner| inner.text());
        words.accept("TO");
        let upper = words.parenthesis().map(|inner| inner.text());
        let sides = [(">=", lower, "minvalue"), ("<", upper, "maxvalue")];
        let limits = sides.into_iter().filter_map(|(operator, value, unlimited)| {
            let value = value?;
            (!value.eq_ignore_ascii_case(unlimited)).then(|| plain(&format!("{column} {operator} {value}")))
        });
        limits.collect()
    } else if words.accept("IN") {
        words
            .parenthesis()
            .map(|inner| plain(&format!("{column} = {}", inner.text())))
            .into_iter()
            .collect()
    } else {
        Vec::new()
    };
    !wanted.is_empty() && proves(facts, &wanted)
}
