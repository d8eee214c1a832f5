//! One statement of a plan.

use std::collections::BTreeMap;

use crate::migration::effects::Effects;
use crate::migration::{Statement, StepKind, Warning};

/// One statement with what it will do.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedStatement {
    /// The statement.
    pub statement: Statement,
    /// What it does; `None` for `BEGIN`, `COMMIT` and their like.
    pub effects: Option<Effects>,
    /// Tables it works on or locks that the catalog does not have under that name.
    pub tables: BTreeMap<String, PlannedTable>,
    /// Number of the transaction that it shares with others, as in
    /// [`Step::transaction_block`](crate::migration::Step::transaction_block); `None` when it commits by itself.
    pub transaction_block: Option<u32>,
    /// What may surprise whoever runs it, here in this migration.
    pub warnings: Vec<Warning>,
}

impl PlannedStatement {
    /// Returns what kind of step it is.
    pub fn kind(&self) -> StepKind {
        let kind = self.effects.as_ref().map_or(StepKind::CatalogOnly, Effects::kind);
        match (kind, self.batch_size()) {
            (StepKind::Dml, Some(_)) => StepKind::Backfill,
            _ => kind,
        }
    }

    /// Returns the tables that it reads from end to end; a batch finds its window by the key.
    pub fn scanned(&self) -> &[String] {
        match (&self.effects, self.kind()) {
            (None, _) | (_, StepKind::Backfill) => &[],
            (Some(effects), _) => &effects.scanned,
        }
    }

    /// Returns how many rows it changes from one COMMIT to the next; `None` where that is all of them.
    pub fn batch_size(&self) -> Option<u64> {
        let alone = self.transaction_block.is_none();
        self.statement.batch_size().filter(|_| alone)
    }
}

/// A table as an earlier statement of the migration has left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedTable {
    /// The catalog has it under this qualified name.
    Renamed(String),
    /// The migration made it and has put no row into it.
    Empty,
    /// The migration made it and has filled it.
    Filled,
}
