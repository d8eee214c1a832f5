//! Facts about a server and its tables: plain data, the same in memory and in `rehearsal.json`.
//!
//! This room holds no connection and computes next to nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a server says about itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerFacts {
    /// `server_version_num`, e.g. 150018.
    pub version_num: u32,
    /// Settings that change how long a migration takes, as `SHOW` prints them.
    pub settings: BTreeMap<String, String>,
}

/// What the catalog says about one table (all partitions together for a partitioned one).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableFacts {
    /// Schema-qualified name, each part quoted where SQL needs it; usable in SQL as it stands.
    pub name: String,
    /// What kind of relation it is.
    pub kind: TableKind,
    /// `pg_class.reltuples`, -1 when never analysed (0 before PostgreSQL 14); summed over leaves.
    pub reltuples: f64,
    /// `pg_class.relpages`; summed over leaves.
    pub relpages: u64,
    /// Size of the heap now.
    pub heap_bytes: u64,
    /// Size of a block of the server that it is on.
    #[serde(default = "usual_block", skip_serializing_if = "is_usual_block")]
    pub block_bytes: u64,
    /// Size of the TOAST table and its index now.
    pub toast_bytes: u64,
    /// Size of all indexes now.
    pub index_bytes: u64,
    /// Each index; for a partitioned table the leaves' indexes summed under their parent.
    pub indexes: Vec<IndexFacts>,
    /// Best estimate of the current number of rows.
    pub estimated_rows: f64,
    /// Relative standard deviation of `estimated_rows`; 0 when counted.
    pub rows_relative_sd: f64,
    /// Where `estimated_rows` comes from.
    pub rows_source: RowsSource,
    /// Dead rows, as the statistics system counts them.
    #[serde(default)]
    pub dead_rows: u64,
    /// Rows changed since the last ANALYZE.
    #[serde(default)]
    pub modified_since_analyze: u64,
    /// Last ANALYZE, manual or automatic, RFC 3339; `None` when never.
    #[serde(default)]
    pub last_analyze: Option<String>,
    /// Number of leaf partitions; 0 for a plain table.
    #[serde(default)]
    pub partitions: u32,
    /// Number of partitions that are foreign tables. Their rows are not included in these numbers.
    #[serde(default)]
    pub foreign_partitions: u32,
    /// Columns of the primary key, or else of the best unique key without NULLs, in order; empty when there is none.
    #[serde(default)]
    pub key: Vec<Column>,
    /// All columns with their types, in order; names quoted where SQL needs it.
    #[serde(default)]
    pub columns: Vec<Column>,
    /// Enabled user triggers that fire on rows.
    #[serde(default)]
    pub triggers: Vec<String>,
    /// Foreign keys of this table, as `name → table`.
    #[serde(default)]
    pub foreign_keys: Vec<String>,
    /// Foreign keys of other tables that point here, as `table.name`.
    #[serde(default)]
    pub referenced_by: Vec<String>,
}

/// Bytes of a block of nearly every server, which documents leave out.
fn usual_block() -> u64 {
    8192
}

fn is_usual_block(bytes: &u64) -> bool {
    *bytes == usual_block()
}

impl TableFacts {
    /// Returns the number of blocks of the heap now.
    pub fn heap_blocks(&self) -> u64 {
        self.heap_bytes.div_ceil(self.block_bytes.max(1))
    }
}

/// The kinds of relation that hold rows a migration can work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableKind {
    /// An ordinary table.
    Table,
    /// A partitioned table, or one with inheritance children; the facts are those of its leaves together.
    Partitioned,
    /// A materialised view.
    MaterializedView,
}

/// Where the number of rows comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowsSource {
    /// `reltuples / relpages × current pages`, as the planner does.
    Planner,
    /// Never analysed: pages times a density guessed from the column widths.
    NeverAnalysed,
    /// A sample of blocks (`TABLESAMPLE SYSTEM`).
    Sample,
    /// Counted.
    Exact,
}

/// One index of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexFacts {
    /// Name without schema.
    pub name: String,
    /// Access method, e.g. `btree`.
    pub method: String,
    /// Key columns or expressions, as `pg_get_indexdef` prints them.
    pub columns: Vec<String>,
    /// Columns used anywhere in the index: keys, INCLUDE, expressions, predicate; quoted where SQL needs it.
    /// An update of none of them may be HOT.
    #[serde(default)]
    pub used_columns: Vec<String>,
    /// Whether it enforces uniqueness.
    pub unique: bool,
    /// Whether it is the primary key.
    pub primary: bool,
    /// Whether queries may use it (`indisvalid`).
    pub valid: bool,
    /// Whether it is partial.
    #[serde(default)]
    pub partial: bool,
    /// Size now.
    pub bytes: u64,
    /// `pg_class.reltuples` of the index.
    #[serde(default)]
    pub reltuples: f64,
    /// Correlation of its first column with the heap's order (`pg_stats.correlation`), if known.
    #[serde(default)]
    pub correlation: Option<f64>,
    /// For an integer as first column: how many integers there are from its smallest to its largest value, at the last
    /// ANALYZE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values_between: Option<f64>,
}

/// A column of a table, as SQL can name it; the key by which a table is walked is a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Column name, quoted where SQL needs it.
    pub name: String,
    /// Its type as `format_type` prints it, e.g. `bigint`.
    pub data_type: String,
}
