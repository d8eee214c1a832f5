//! A step of a migration: one statement, how it is timed, and how it is split into batches.

use serde::{Deserialize, Serialize};

use crate::catalog::facts::Column;
use crate::error::Location;

/// The kinds of work a step can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Batched `UPDATE`, `DELETE` or `INSERT … SELECT`.
    Backfill,
    /// `UPDATE`, `DELETE`, `INSERT` that runs as one statement.
    Dml,
    /// An index is built.
    IndexBuild,
    /// The table is rewritten.
    TableRewrite,
    /// The table is read from end to end under a lock.
    TableScan,
    /// Only the catalog changes.
    CatalogOnly,
    /// Not classified; it is rehearsed anyway.
    Unclassified,
}

/// How the table is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Walk {
    /// A fixed number of rows in key order (keyset).
    Rows,
    /// A fixed range of key values; sparse keys give emptier batches.
    KeyRange,
    /// A fixed number of heap blocks (`ctid` ranges), for tables without a key.
    Blocks,
}

/// Why migtime batches a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RecognisedBy {
    /// `<batch_start>` / `<batch_end>` or `:batch_start` / `:batch_end` in the statement.
    Placeholders,
    /// A `-- migtime: batch …` comment.
    Directive,
    /// `--batch-size`, `--walk` or `--batch-delay`: a plain `UPDATE` or `DELETE` on a big table is batched by its key.
    TableSize,
}

/// A step to rehearse.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Number from 1, in the migration's order.
    pub number: u32,
    /// Kind of work.
    pub kind: StepKind,
    /// The statement as written, without its semicolon.
    pub sql: String,
    /// The statement's file, if the migration consists of several.
    pub file: Option<String>,
    /// Line on which it starts, from 1.
    pub line: usize,
    /// Name of the table it mainly works on, as in [`TableFacts::name`](crate::catalog::facts::TableFacts::name); for a
    /// backfill, the walked table.
    pub table: Option<String>,
    /// The transaction that it shares with other steps, numbered from 1: its `BEGIN … COMMIT`, the tool's transaction,
    /// or a message of several statements. `None` if it commits separately.
    pub transaction_block: Option<u32>,
    /// How to run it outside the tool's transaction, for a statement that the server refuses inside one.
    pub way_out: Option<String>,
    /// Whether it reads more than one table.
    pub joins: bool,
    /// How it is batched; `Some` exactly for [`StepKind::Backfill`].
    pub batching: Option<Batching>,
    /// What the reader should know: "batched by its primary key", "inside a transaction: not batched".
    pub notes: Vec<String>,
}

impl Step {
    /// Returns its position for messages: `line 3`, or `dir/0002_x.sql:3`.
    pub fn location(&self) -> Location {
        Location::line(self.file.as_deref(), self.line)
    }
}

/// How a backfill is split into batches.
#[derive(Clone, Debug, PartialEq)]
pub struct Batching {
    /// The table whose key space is walked, quoted for SQL.
    pub table: String,
    /// The table's alias in `predicate` and in the statement.
    pub alias: String,
    /// The key by which it is walked; empty for [`Walk::Blocks`].
    pub key: Vec<Column>,
    /// Whether the key is the table's own key, so that no two rows share a value and none is NULL.
    pub key_is_unique: bool,
    /// How the table is walked.
    pub walk: Walk,
    /// Rows, key values or blocks in a batch.
    pub batch_size: u64,
    /// Condition for a row to be processed, over `alias` alone. Conditions that need other tables are left out; `None`
    /// if nothing remains.
    pub predicate: Option<String>,
    /// What made migtime batch the statement.
    pub recognised_by: RecognisedBy,
    /// The statement with holes for the window.
    pub template: Template,
}

/// A statement with holes for a batch's window.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Text and holes, in order.
    pub parts: Vec<TemplatePart>,
}

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq)]
pub enum TemplatePart {
    /// Literal SQL.
    Text(String),
    /// The window's first key value as a literal; a row of literals for a composite key.
    Start,
    /// The window's last key value, inclusive, as a literal.
    End,
    /// A complete condition that restricts `alias` to the window.
    Condition,
}

/// The bounds of one batch, both inclusive, as text values of each key column (block numbers for [`Walk::Blocks`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// First key.
    pub start: Vec<String>,
    /// Last key.
    pub end: Vec<String>,
}
