//! What the rules find out about one statement, and the facts by which they do.

use std::collections::BTreeSet;

use crate::catalog::{RelationFacts, RelationKind, SchemaFacts};
use crate::migration::command::{Command, NamedTable};
use crate::migration::names::name_path;
use crate::migration::{LockMode, StepKind, Trap, Warning};

/// Whether a statement may run in a transaction block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TransactionRule {
    /// Required: it does nothing or fails outside a block.
    Required,
    /// It works inside and outside a block.
    #[default]
    Allowed,
    /// Forbidden: the server refuses it inside a block, and in one message with other statements.
    Forbidden,
}

/// What one statement does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// The strongest lock on each relation that was there before; `AccessShareLock`, which every reader takes, is left
    /// out. Of indexes only those that the statement names are listed.
    pub locks: Vec<(String, LockMode)>,
    /// Tables and indexes that get new storage (`pg_class.relfilenode` changes).
    pub rewritten: Vec<String>,
    /// Tables that are read from end to end.
    pub scanned: Vec<String>,
    /// Tables on which an index is built.
    pub indexed: Vec<String>,
    /// Whether it may run in a transaction block.
    pub transaction: TransactionRule,
    /// SQL that undoes it, where that is obvious.
    pub rollback: Option<String>,
    /// Warnings about surprising effects.
    pub warnings: Vec<Warning>,
    /// What could not be told, and why; not empty makes it unclassified.
    pub unknown: Vec<String>,
    /// Rows it writes at most, where the text counts them.
    pub rows: Option<f64>,
    /// What it is when it neither rewrites, scans nor builds: catalog-only, or rows that are changed. Changed rows, and
    /// what is not known of a body, outweigh all else.
    pub(super) base: Option<StepKind>,
    /// Whether new storage is empty, so that nothing is written.
    pub(super) emptied: bool,
}

impl Effects {
    /// Returns the kind of work, decided by its most expensive part.
    pub fn kind(&self) -> StepKind {
        match self.base {
            Some(kind @ (StepKind::Dml | StepKind::Unclassified)) => kind,
            _ if !self.rewritten.is_empty() && !self.emptied && self.indexed.is_empty() => StepKind::TableRewrite,
            _ if !self.unknown.is_empty() => StepKind::Unclassified,
            _ if !self.indexed.is_empty() => StepKind::IndexBuild,
            _ if !self.scanned.is_empty() => StepKind::TableScan,
            Some(kind) => kind,
            None => StepKind::CatalogOnly,
        }
    }

    pub(super) fn lock(&mut self, relation: &str, mode: LockMode) {
        self.locks.push((relation.to_owned(), mode));
    }

    /// What is there already is noted again: of tens of thousands, [`tidy`](Self::tidy) finds that faster at the end.
    pub(super) fn note(list: &mut Vec<String>, name: &str) {
        list.push(name.to_owned());
    }

    pub(super) fn scan(&mut self, relation: &str) {
        Self::note(&mut self.scanned, relation);
    }

    pub(super) fn build_index(&mut self, relation: &str) {
        Self::note(&mut self.indexed, relation);
    }

    pub(super) fn unknown(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        if !self.unknown.contains(&reason) {
            self.unknown.push(reason);
        }
    }

    pub(super) fn warn(&mut self, trap: Trap, text: impl Into<String>) {
        self.warnings.push(Warning::new(trap, text));
    }

    /// Puts everything in order, and leaves each thing once: of locks on one relation the strongest.
    pub(super) fn tidy(&mut self) {
        self.locks
            .sort_by(|(one, weaker), (other, stronger)| one.cmp(other).then(stronger.cmp(weaker)));
        self.locks.dedup_by(|(one, _), (other, _)| one == other);
        for list in [&mut self.rewritten, &mut self.scanned] {
            list.sort();
            list.dedup();
        }
        let mut known = BTreeSet::new();
        self.indexed.retain(|table| known.insert(table.clone()));
        self.warnings.sort_by(|one, other| one.text.cmp(&other.text));
        self.warnings.dedup();
    }
}

/// The facts at hand, and what was found out so far.
pub(super) struct Judge<'facts> {
    pub(super) schema: &'facts SchemaFacts,
    pub(super) version: u32,
    pub(super) effects: Effects,
    /// How many bodies of routines it is in.
    pub(super) depth: usize,
    /// What judges a command of such a body.
    pub(super) rules: fn(&mut Judge, &Command),
}

/// A relation as a statement names it.
#[derive(Clone)]
pub(super) struct NamedRelation<'facts> {
    /// Qualified when the schema is known, otherwise as written.
    pub(super) name: String,
    pub(super) facts: Option<&'facts RelationFacts>,
}

impl<'facts> Judge<'facts> {
    pub(super) fn relation(&self, written: &str) -> NamedRelation<'facts> {
        let facts = self.schema.relation(&name_path(written));
        NamedRelation {
            name: facts.map_or(written.to_owned(), |facts| facts.name.clone()),
            facts,
        }
    }

    /// Tells whether a CASCADE takes along what the catalog tells; `lost` is what is unknown where no catalog was read.
    pub(super) fn cascades(&mut self, cascade: bool, lost: &str) -> bool {
        if cascade && !self.schema.is_known() {
            self.effects.unknown(lost);
        }
        cascade && self.schema.is_known()
    }

    /// Returns the tables that a statement names, with their partitions and children where it does not say `ONLY`.
    pub(super) fn named(&mut self, tables: &[NamedTable]) -> Vec<NamedRelation<'facts>> {
        let mut found = Vec::new();
        for named in tables {
            let table = self.relation(&named.name);
            self.note_missing(&table, &named.name);
            found.extend(self.reached(&table, named.only));
        }
        found
    }

    /// Returns a relation with its partitions and children, unless `only` it is meant.
    pub(super) fn reached(&self, table: &NamedRelation<'facts>, only: bool) -> Vec<NamedRelation<'facts>> {
        if only {
            vec![table.clone()]
        } else {
            self.with_descendants(table)
        }
    }

    /// Returns the relation by its qualified name.
    pub(super) fn qualified(&self, name: &str) -> NamedRelation<'facts> {
        NamedRelation {
            name: name.to_owned(),
            facts: self.schema.named(name),
        }
    }

    /// Returns a relation with its partitions and inheritance children.
    pub(super) fn with_descendants(&self, table: &NamedRelation<'facts>) -> Vec<NamedRelation<'facts>> {
        let descendants = self
            .schema
            .descendants(&table.name)
            .into_iter()
            .map(|facts| NamedRelation {
                name: facts.name.clone(),
                facts: Some(facts),
            });
        std::iter::once(table.clone()).chain(descendants).collect()
    }

    /// Returns the tables that a view reads, through other views too.
    pub(super) fn read_by(&self, view: &NamedRelation<'facts>) -> Vec<NamedRelation<'facts>> {
        let mut found: Vec<NamedRelation> = Vec::new();
        let mut open = vec![view.clone()];
        while let Some(reader) = open.pop() {
            for name in reader.facts.iter().flat_map(|facts| &facts.reads) {
                let source = self.qualified(name);
                if !found.iter().any(|known| known.name == source.name) {
                    found.extend(self.with_descendants(&source));
                    if source.facts.is_some_and(|facts| facts.kind == RelationKind::View) {
                        open.push(source);
                    }
                }
            }
        }
        found
    }

    /// Says whether the catalog has a relation where one of this name would be made.
    pub(super) fn exists(&self, written: Option<&str>) -> bool {
        let path = written.map(name_path).unwrap_or_default();
        let Some((name, qualifier)) = path.split_last() else {
            return false;
        };
        let home = self.schema.home_of(qualifier, false);
        home.is_some_and(|home| self.schema.position(&[home, name.clone()]).is_some())
    }

    /// Returns the default partition of a partitioned table, but for `except`.
    pub(super) fn default_partition(&self, parent: &str, except: &str) -> Option<NamedRelation<'facts>> {
        let mut children = self.schema.children(parent);
        let facts = children.find(|child| child.bound.as_deref() == Some("DEFAULT") && child.name != except)?;
        Some(NamedRelation {
            name: facts.name.clone(),
            facts: Some(facts),
        })
    }
}

impl NamedRelation<'_> {
    /// Says whether it is partitioned, or may be.
    pub(super) fn is_partitioned(&self) -> bool {
        self.facts
            .is_none_or(|facts| facts.kind == RelationKind::PartitionedTable)
    }

    /// Says whether it has storage of its own that may hold rows.
    pub(super) fn holds_rows(&self) -> bool {
        self.facts.is_none_or(|facts| facts.kind.holds_rows() && !facts.empty)
    }

    /// Says whether it is a table or materialised view, which has storage even when that is empty.
    pub(super) fn has_storage(&self) -> bool {
        self.facts.is_none_or(|facts| facts.kind.holds_rows())
    }
}
