//! SQL text → statements → steps: what a migration consists of, and how each part is to be timed.
//!
//! Pure: no database, file, clock or terminal. What the catalog knows comes in as [`TableFacts`](crate::catalog::facts::TableFacts).

use serde::{Deserialize, Serialize};

use crate::catalog::facts::Column;

mod batching;
mod command;
mod depth;
mod directive;
mod effects;
mod expand_contract;
pub mod formats;
mod kind;
mod lexer;
mod names;
mod outline;
mod plan;
mod predicate;
mod reach;
mod source;
mod splitter;
mod statement;
mod steps;
mod syntax;
mod template;
mod tool;
mod transactions;
mod trap;
mod variables;
mod weave;
mod windows;
mod words;

pub use batching::{BatchOptions, DEFAULT_BATCH_SIZE, Tables};
pub use command::command;
pub use directive::{BatchDirective, Directive};
pub use effects::{Effects, Loss, TransactionRule, effects, losses, safe_form};
pub use expand_contract::{PhaseFile, expand_and_contract};
pub use lexer::BatchEdge;
pub use names::nearest;
pub use plan::{PlannedStatement, PlannedTable, names_in, plan};
pub use predicate::{more_than_reading, names_of};
pub use reach::{Outlets, Outside, called, reaches, reaches_in_body, written};
pub use statement::{Include, Included, Sending, Statement, no_statement, parse, parse_with};
pub use steps::{steps, tables_of};
pub use template::{condition, is_integer_key};
pub use tool::Tool;
pub use transactions::is_transaction_edge;
pub use trap::{Trap, Warning};
pub use variables::substitute;
pub use windows::{WalkFrom, batches_sql, key_range_sql, sample_sql};

/// The kinds of work a step can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Batched `UPDATE`, `DELETE` or `INSERT … SELECT`.
    Backfill,
    /// `UPDATE`, `DELETE`, `INSERT` that runs as one statement.
    Dml,
    /// An index is built.
    IndexBuild,
    /// The table's storage is written anew.
    TableRewrite,
    /// The table is read from end to end under a lock.
    TableScan,
    /// Only the catalog changes.
    CatalogOnly,
    /// Not understood; rehearsed all the same.
    Unclassified,
}

/// What a batch is a window of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Walk {
    /// A fixed number of rows in key order (keyset).
    Rows,
    /// A fixed range of key values; sparse keys give emptier batches.
    KeyRange,
    /// A fixed number of heap blocks (`ctid` ranges), for tables without a key.
    Blocks,
}

/// What told migtime to batch a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecognisedBy {
    /// `<batch_start>` / `<batch_end>` or `:batch_start` / `:batch_end` in the statement.
    Placeholders,
    /// A `-- migtime: batch …` comment.
    Directive,
    /// A bare `UPDATE` or `DELETE` on a big table; batched by its key.
    TableSize,
}

/// PostgreSQL's table-level lock modes, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LockMode {
    /// `SELECT`.
    #[serde(rename = "AccessShareLock")]
    AccessShare,
    /// `SELECT FOR UPDATE` and the like.
    #[serde(rename = "RowShareLock")]
    RowShare,
    /// `UPDATE`, `DELETE`, `INSERT`.
    #[serde(rename = "RowExclusiveLock")]
    RowExclusive,
    /// `VACUUM`, `CREATE INDEX CONCURRENTLY`, `VALIDATE CONSTRAINT`.
    #[serde(rename = "ShareUpdateExclusiveLock")]
    ShareUpdateExclusive,
    /// `CREATE INDEX`.
    #[serde(rename = "ShareLock")]
    Share,
    /// `CREATE TRIGGER`, adding a foreign key.
    #[serde(rename = "ShareRowExclusiveLock")]
    ShareRowExclusive,
    /// `REFRESH MATERIALIZED VIEW CONCURRENTLY`.
    #[serde(rename = "ExclusiveLock")]
    Exclusive,
    /// Most of `ALTER TABLE`, `DROP`, `TRUNCATE`.
    #[serde(rename = "AccessExclusiveLock")]
    AccessExclusive,
}

impl std::fmt::Display for LockMode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(formatter)
    }
}

impl LockMode {
    /// Returns the mode that PostgreSQL calls `name`, e.g. `AccessExclusiveLock`.
    pub fn from_name(name: &str) -> Option<LockMode> {
        serde_json::from_value(serde_json::Value::from(name)).ok()
    }
}

/// A step to rehearse.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Number from 1, in the migration's order.
    pub number: u32,
    /// What kind of work it is.
    pub kind: StepKind,
    /// The statement as written, without its semicolon.
    pub sql: String,
    /// File it stands in, where the migration consists of several.
    pub file: Option<String>,
    /// Line on which it starts, from 1.
    pub line: usize,
    /// Name of the table it mainly works on, as in [`TableFacts::name`](crate::catalog::facts::TableFacts::name); for a
    /// backfill the one that is walked.
    pub table: Option<String>,
    /// Transaction that it shares with others, numbered from 1: its `BEGIN … COMMIT`, that of its tool, or that of a message of
    /// several statements. `None` when it commits by itself.
    pub transaction_block: Option<u32>,
    /// What lets it run outside of the transaction that its tool puts it in, for a statement that the server refuses there.
    pub way_out: Option<String>,
    /// Whether it reads more than one table.
    pub joins: bool,
    /// How it is batched; `Some` exactly for [`StepKind::Backfill`].
    pub batching: Option<Batching>,
    /// What the reader should know: "batched by its primary key", "inside a transaction: not batched".
    pub notes: Vec<String>,
}

impl Step {
    /// Returns where it stands, for messages: `line 3`, or `dir/0002_x.sql:3`.
    pub fn place(&self) -> String {
        place(self.file.as_deref(), self.line)
    }
}

/// Returns where a step stands, for messages: `line 3`, or `dir/0002_x.sql:3` where the migration consists of several files.
pub fn place(file: Option<&str>, line: usize) -> String {
    match file {
        Some(file) => format!("{file}:{line}"),
        None => format!("line {line}"),
    }
}

/// How a backfill is cut into batches.
#[derive(Clone, Debug, PartialEq)]
pub struct Batching {
    /// Table whose key space is walked, usable in SQL as it stands.
    pub table: String,
    /// Alias under which `predicate` and the statement know that table.
    pub alias: String,
    /// Key by which it is walked, empty for [`Walk::Blocks`].
    pub key: Vec<Column>,
    /// Whether it is the table's own key, so that no two rows share a value and none is NULL.
    pub key_is_unique: bool,
    /// What a batch is a window of.
    pub walk: Walk,
    /// Rows, key values or blocks in a batch.
    pub batch_size: u64,
    /// Condition a row must meet to be processed, over `alias` alone; conditions that need other tables are left out, and
    /// it is `None` when nothing remains.
    pub predicate: Option<String>,
    /// What told migtime to batch.
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
    /// SQL as it stands.
    Text(String),
    /// The window's first key value as a literal; a row of literals for a composite key.
    Start,
    /// The window's last key value, inclusive, as a literal.
    End,
    /// A whole condition that confines `alias` to the window.
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
