//! What attaching and detaching partitions locks and scans.
//!
//! After `ATExecAttachPartition` and `ATExecDetachPartition` in `src/backend/commands/tablecmds.c`. That a CHECK proves
//! the bound is seen where it is written like the bound, over one column; otherwise the partition counts as scanned.

use super::judge::{Judge, NamedRelation, TransactionRule};
use super::proofs::{holds_no_null, prove};
use super::target::AlteredTable;
use crate::catalog::{ConstraintKind, RelationFacts};
use crate::migration::LockMode::{AccessExclusive, ShareRowExclusive, ShareUpdateExclusive};
use crate::migration::command::{DetachManner, Expression, PartitionBound, PartitionRows};
use crate::migration::syntax;

impl<'facts> Judge<'facts> {
    pub(super) fn attach(&mut self, target: &AlteredTable<'facts>, written: &str, bound: &PartitionBound) {
        let partition = self.relation(written);
        self.note_missing(&partition, written);
        let parts = self.with_descendants(&partition);
        self.lock_all(&parts, AccessExclusive);
        let parent = target.table.facts;
        let proven = partition
            .facts
            .zip(parent)
            .is_some_and(|(facts, parent)| within_bound(facts, parent, &bound.rows));
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
        self.attach_foreign_keys(parent, &partition, &parts);
        // Foreign keys to the parent refer to the partition too from now on.
        if self.version >= 140_000 {
            self.lock_referencing(&target.table, ShareRowExclusive);
        }
    }

    /// A foreign key of the parent is added to the partition, unless that has the same: its triggers on the referenced
    /// table go then, and nothing is checked (`tryAttachPartitionForeignKey`).
    fn attach_foreign_keys(
        &mut self,
        parent: Option<&RelationFacts>,
        partition: &NamedRelation<'facts>,
        parts: &[NamedRelation<'facts>],
    ) {
        let keys = parent.into_iter().flat_map(|facts| &facts.constraints);
        for constraint in keys.filter(|found| found.kind == ConstraintKind::ForeignKey) {
            let Some(referenced) = &constraint.references else {
                continue;
            };
            let own = partition.facts.into_iter().flat_map(|facts| &facts.constraints);
            let same = own.into_iter().any(|own| {
                own.kind == ConstraintKind::ForeignKey
                    && own.valid
                    && own.columns == constraint.columns
                    && own.references == constraint.references
                    && own.on_delete == constraint.on_delete
                    && own.on_update == constraint.on_update
            });
            if same {
                self.effects.lock(referenced, AccessExclusive);
                continue;
            }
            self.effects.lock(referenced, ShareRowExclusive);
            let referenced = self.qualified(referenced);
            parts.iter().chain([&referenced]).for_each(|table| self.scan(table));
        }
    }

    /// The default partition is locked when another comes or goes, and read when rows of it might belong to the new
    /// one.
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

    pub(super) fn detach(&mut self, target: &AlteredTable<'facts>, written: &str, manner: DetachManner) {
        let partition = self.relation(written);
        // Before PostgreSQL 14 only one of which something is taken away is locked for itself; from then on any, by
        // CONCURRENTLY in the second of its two transactions.
        let is_default = partition
            .facts
            .is_some_and(|facts| facts.bound.as_deref() == Some("DEFAULT"));
        let loses = partition.facts.is_none_or(|facts| {
            let mut constraints = facts.constraints.iter();
            !facts.triggers.is_empty() || constraints.any(|found| found.index.is_some() || found.references.is_some())
        });
        let mode = if self.version < 140_000 && !is_default && !loses {
            ShareUpdateExclusive
        } else {
            AccessExclusive
        };
        let parts = self.with_descendants(&partition);
        self.lock_all(&parts, mode);
        match manner {
            DetachManner::Concurrently => self.effects.transaction = TransactionRule::Forbidden,
            DetachManner::AtOnce => self.default_changes(&target.table, &partition.name, false),
            DetachManner::Finalize => {}
        }
        for constraint in partition.facts.iter().flat_map(|facts| &facts.constraints) {
            if let (DetachManner::AtOnce | DetachManner::Concurrently, Some(referenced)) =
                (manner, &constraint.references)
            {
                self.effects.lock(referenced, ShareRowExclusive);
            }
        }
        self.detach_referenced(target, &partition);
    }

    /// Rows that foreign keys refer to may not leave with the partition: they are looked for
    /// (`ATDetachCheckNoForeignKeyRefs`).
    fn detach_referenced(&mut self, target: &AlteredTable<'facts>, partition: &NamedRelation<'facts>) {
        for (child, _) in self.schema.referencing(&target.table.name) {
            self.effects.lock(&child.name, AccessExclusive);
            let child = self.qualified(&child.name);
            [&child, partition].into_iter().for_each(|table| self.scan(table));
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

/// Says whether valid CHECKs of a table prove that all its rows are within the bound of a range or list over one
/// column.
fn within_bound(facts: &RelationFacts, parent: &RelationFacts, rows: &PartitionRows) -> bool {
    let Some(column) = parent.partition_key.as_deref().and_then(only_column) else {
        return false;
    };
    if !holds_no_null(facts, &column, 120_000) {
        return false;
    }
    let condition = |operator: &str, value: &Expression| Expression::Operation {
        operator: operator.to_owned(),
        operands: vec![Expression::Name(vec![column.clone()]), value.clone()],
    };
    let wanted: Vec<Expression> = match rows {
        PartitionRows::Range { from, to } => match (from.as_slice(), to.as_slice()) {
            ([from], [to]) => [(">=", from, "minvalue"), ("<", to, "maxvalue")]
                .into_iter()
                .filter(|(_, value, unlimited)| !value.is_column(unlimited))
                .map(|(operator, value, _)| condition(operator, value))
                .collect(),
            _ => return false,
        },
        PartitionRows::List(values) => match values.as_slice() {
            [value] => vec![condition("=", value)],
            _ => return false,
        },
        PartitionRows::Default | PartitionRows::Hash => return false,
    };
    let wanted: Vec<Expression> = wanted.into_iter().map(Expression::with_bare_literals).collect();
    !wanted.is_empty() && prove(&facts.constraints, &wanted)
}

/// Returns the one column of a key as `pg_get_partkeydef` prints it: `RANGE (d)`.
fn only_column(key: &str) -> Option<String> {
    let (_, columns) = key.split_once('(')?;
    match syntax::expression(columns.strip_suffix(')')?)? {
        Expression::Name(path) => <[String; 1]>::try_from(path).ok().map(|[column]| column),
        _ => None,
    }
}
