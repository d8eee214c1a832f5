//! What one statement locks, rewrites and scans, and in which transaction it may run: facts of the statement and of the schema,
//! put together by PostgreSQL's own rules.
//!
//! Pure. A statement that the rules do not cover is [`StepKind::Unclassified`] and says so; nothing is guessed.

mod alter_table;
mod columns;
mod constraints;
mod evolution;
mod indexes;
mod keyed_rows;
mod losses;
mod other_objects;
mod partitions;
mod queries;
mod rules;
mod safe_form;
mod storage;
mod table_rules;
mod types;
mod undo;
mod whole_tables;

use std::collections::BTreeSet;

use super::names::name_path;
use super::words::Words;
use super::{LockMode, StepKind, Trap, Warning};
use crate::catalog::{RelationFacts, SchemaFacts};

pub(super) use alter_table::Action;
pub(super) use evolution::evolve;
pub use losses::{Loss, losses};
pub use safe_form::safe_form;

/// Version whose rules hold when no server was asked: the oldest that its project still maintains.
pub(super) const ASSUMED_VERSION: u32 = 140_000;

/// Whether a statement may stand in a transaction block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransactionRule {
    /// It does nothing, or fails, outside a block.
    Required,
    /// Both work.
    #[default]
    Allowed,
    /// The server refuses it inside a block, and in several statements sent as one.
    Forbidden,
}

/// What one statement does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// The strongest lock on each relation that was there before; `AccessShareLock`, which every reader takes, is left out.
    /// Of indexes only those that the statement names are listed.
    pub locks: Vec<(String, LockMode)>,
    /// Tables and indexes that get new storage (`pg_class.relfilenode` changes).
    pub rewritten: Vec<String>,
    /// Tables that are read from end to end.
    pub scanned: Vec<String>,
    /// Tables on which an index is built.
    pub indexed: Vec<String>,
    /// Whether it may stand in a transaction block.
    pub transaction: TransactionRule,
    /// What undoes it, where that is obvious.
    pub rollback: Option<String>,
    /// What may surprise whoever runs it.
    pub warnings: Vec<Warning>,
    /// What could not be told, and why; not empty makes it unclassified.
    pub unknown: Vec<String>,
    /// Rows it writes at most, where the text counts them.
    pub rows: Option<f64>,
    /// What it is when it neither rewrites, scans nor builds: catalog-only, or rows that are changed.
    base: Option<StepKind>,
    /// Whether new storage is empty, so that nothing is written.
    emptied: bool,
}

impl Effects {
    /// Returns the kind of work, decided by its most expensive part.
    pub fn kind(&self) -> StepKind {
        match self.base {
            Some(StepKind::Dml) => StepKind::Dml,
            _ if !self.rewritten.is_empty() && !self.emptied && self.indexed.is_empty() => StepKind::TableRewrite,
            _ if !self.unknown.is_empty() => StepKind::Unclassified,
            _ if !self.indexed.is_empty() => StepKind::IndexBuild,
            _ if !self.scanned.is_empty() => StepKind::TableScan,
            Some(kind) => kind,
            None => StepKind::CatalogOnly,
        }
    }

    fn lock(&mut self, relation: &str, mode: LockMode) {
        self.locks.push((relation.to_owned(), mode));
    }

    /// What is there already is noted again: of tens of thousands, [`tidy`](Self::tidy) finds that faster at the end.
    fn note(list: &mut Vec<String>, name: &str) {
        list.push(name.to_owned());
    }

    fn scan(&mut self, relation: &str) {
        Self::note(&mut self.scanned, relation);
    }

    fn build_index(&mut self, relation: &str) {
        Self::note(&mut self.indexed, relation);
    }

    fn unknown(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        if !self.unknown.contains(&reason) {
            self.unknown.push(reason);
        }
    }

    fn warn(&mut self, trap: Trap, text: impl Into<String>) {
        self.warnings.push(Warning::new(trap, text));
    }

    /// Puts everything in order, and leaves each thing once: of locks on one relation the strongest.
    fn tidy(&mut self) {
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

/// Returns what a statement does to a schema as it stands; `sql` is one valid statement without its semicolon.
///
/// Without facts (`SchemaFacts::default()`) everything is told that the text alone decides.
pub fn effects(sql: &str, schema: &SchemaFacts) -> Effects {
    let mut judge = Judge {
        schema,
        version: if schema.is_known() {
            schema.version_num
        } else {
            ASSUMED_VERSION
        },
        effects: Effects::default(),
    };
    rules::judge(&mut judge, &mut Words::new(sql));
    let mut effects = judge.effects;
    effects.tidy();
    effects
}

/// Reads an `ALTER TABLE` as its table, as written, and what is done to it; `None` for every other statement.
pub(super) fn actions_of(statement: &Words) -> Option<(String, Vec<Action>)> {
    let mut words = statement.clone();
    if !words.accept("ALTER TABLE") {
        return None;
    }
    words.accept("IF EXISTS");
    let (table, _) = words.table()?;
    Some((table, alter_table::actions(&mut words)))
}

/// The facts at hand, and what was found out so far.
struct Judge<'facts> {
    schema: &'facts SchemaFacts,
    version: u32,
    effects: Effects,
}

/// A relation as a statement names it.
#[derive(Clone)]
struct Named<'facts> {
    /// Qualified when the schema is known, otherwise as written.
    name: String,
    facts: Option<&'facts RelationFacts>,
}

impl<'facts> Judge<'facts> {
    fn relation(&self, written: &str) -> Named<'facts> {
        let facts = self.schema.relation(&name_path(written));
        Named {
            name: facts.map_or(written.to_owned(), |facts| facts.name.clone()),
            facts,
        }
    }

    /// Tells whether a CASCADE takes along what the catalog tells; `lost` is what is unknown where no catalog was read.
    fn cascades(&mut self, words: &Words, lost: &str) -> bool {
        if words.holds("CASCADE") && !self.schema.is_known() {
            self.effects.unknown(lost);
        }
        words.holds("CASCADE") && self.schema.is_known()
    }

    /// Returns the relation by its qualified name.
    fn qualified(&self, name: &str) -> Named<'facts> {
        Named {
            name: name.to_owned(),
            facts: self.schema.named(name),
        }
    }

    /// Returns a relation with its partitions and inheritance children.
    fn with_descendants(&self, table: &Named<'facts>) -> Vec<Named<'facts>> {
        let descendants = self.schema.descendants(&table.name).into_iter().map(|facts| Named {
            name: facts.name.clone(),
            facts: Some(facts),
        });
        std::iter::once(table.clone()).chain(descendants).collect()
    }

    /// Returns the default partition of a partitioned table, but for `except`.
    fn default_partition(&self, parent: &str, except: &str) -> Option<Named<'facts>> {
        let mut children = self.schema.children(parent);
        let facts = children.find(|child| child.bound.as_deref() == Some("DEFAULT") && child.name != except)?;
        Some(Named {
            name: facts.name.clone(),
            facts: Some(facts),
        })
    }
}

impl Named<'_> {
    /// Says whether it has storage of its own that may hold rows.
    fn holds_rows(&self) -> bool {
        self.facts
            .is_none_or(|facts| matches!(facts.kind.as_str(), "r" | "m") && !facts.empty)
    }

    /// Says whether it is a table or materialised view, which has storage even when that is empty.
    fn has_storage(&self) -> bool {
        self.facts.is_none_or(|facts| matches!(facts.kind.as_str(), "r" | "m"))
    }
}
