//! The schemas of what `catalog` writes into a document: its facts, field by field.
//!
//! Written separately because the types of `catalog` do not derive schemas. `tests/it/published_schemas.rs` validates
//! documents with every field against the published schemas, which allow no unknown fields. So a field that is added to
//! `catalog` but not here is noticed.
#![expect(dead_code, reason = "only their schemas are made")]

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::catalog;

/// Gives the types of `catalog` the schemas of those of the same names here.
macro_rules! schemas {
    ($($name:ident of $written:ty),+ $(,)?) => {$(
        impl JsonSchema for $written {
            fn schema_name() -> Cow<'static, str> {
                $name::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                $name::json_schema(generator)
            }
        }
    )+};
}

schemas!(
    ServerFacts of catalog::facts::ServerFacts,
    TableFacts of catalog::facts::TableFacts,
    TableKind of catalog::facts::TableKind,
    RowsSource of catalog::facts::RowsSource,
    IndexFacts of catalog::facts::IndexFacts,
    Column of catalog::facts::Column,
    SchemaDifference of catalog::SchemaDifference,
    SchemaChange of catalog::SchemaChange,
    RelationSize of catalog::RelationSize,
    CloneDifference of catalog::CloneDifference,
    MissingIndex of catalog::MissingIndex,
);

/// What a server says about itself.
#[derive(JsonSchema)]
struct ServerFacts {
    /// `server_version_num`, e.g. 150018.
    version_num: u32,
    /// Settings that change how long a migration takes, as `SHOW` prints them.
    settings: BTreeMap<String, String>,
}

/// Says which property is optional; never called.
fn is_usual_block(_: &u64) -> bool {
    true
}

/// What the catalog says about one table (all partitions together for a partitioned one).
#[derive(JsonSchema)]
struct TableFacts {
    /// Schema-qualified name, each part quoted where SQL needs it; usable in SQL as it stands.
    name: String,
    /// What kind of relation it is.
    kind: TableKind,
    /// `pg_class.reltuples`, -1 when never analysed (0 before PostgreSQL 14); summed over leaves.
    reltuples: f64,
    /// `pg_class.relpages`; summed over leaves.
    relpages: u64,
    /// Size of the heap now.
    heap_bytes: u64,
    /// Block size of its server, in bytes; missing if it is 8,192.
    #[serde(default, skip_serializing_if = "is_usual_block")]
    block_bytes: u64,
    /// Size of the TOAST table and its index now.
    toast_bytes: u64,
    /// Size of all indexes now.
    index_bytes: u64,
    /// Each index; for a partitioned table the leaves' indexes summed under their parent.
    indexes: Vec<IndexFacts>,
    /// Best estimate of the current number of rows.
    estimated_rows: f64,
    /// Relative standard deviation of `estimated_rows`; 0 when counted.
    rows_relative_sd: f64,
    /// Where `estimated_rows` comes from.
    rows_source: RowsSource,
    /// Dead rows, as the statistics system counts them.
    #[serde(default)]
    dead_rows: u64,
    /// Rows changed since the last ANALYZE.
    #[serde(default)]
    modified_since_analyze: u64,
    /// Last ANALYZE, manual or automatic, RFC 3339; `None` when never.
    #[serde(default)]
    last_analyze: Option<String>,
    /// Number of leaf partitions; 0 for a plain table.
    #[serde(default)]
    partitions: u32,
    /// Number of partitions that are foreign tables. Their rows are not included in these numbers.
    #[serde(default)]
    foreign_partitions: u32,
    /// Columns of the primary key, or else of the best unique key without NULLs, in order; empty when there is none.
    #[serde(default)]
    key: Vec<Column>,
    /// All columns with their types, in order; names quoted where SQL needs it.
    #[serde(default)]
    columns: Vec<Column>,
    /// Enabled user triggers that fire on rows.
    #[serde(default)]
    triggers: Vec<String>,
    /// Foreign keys of this table, as `name → table`.
    #[serde(default)]
    foreign_keys: Vec<String>,
    /// Foreign keys of other tables that point here, as `table.name`.
    #[serde(default)]
    referenced_by: Vec<String>,
}

/// The kinds of relation that hold rows a migration can work on.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum TableKind {
    /// An ordinary table.
    Table,
    /// A partitioned table, or one with inheritance children; the facts are those of its leaves together.
    Partitioned,
    /// A materialised view.
    MaterializedView,
}

/// Where the number of rows comes from.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RowsSource {
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
#[derive(JsonSchema)]
struct IndexFacts {
    /// Name without schema.
    name: String,
    /// Access method, e.g. `btree`.
    method: String,
    /// Key columns or expressions, as `pg_get_indexdef` prints them.
    columns: Vec<String>,
    /// Columns used anywhere in the index: keys, INCLUDE, expressions, predicate; quoted where SQL needs it.
    /// An update of none of them may be HOT.
    #[serde(default)]
    used_columns: Vec<String>,
    /// Whether it enforces uniqueness.
    unique: bool,
    /// Whether it is the primary key.
    primary: bool,
    /// Whether queries may use it (`indisvalid`).
    valid: bool,
    /// Whether it is partial.
    #[serde(default)]
    partial: bool,
    /// Size now.
    bytes: u64,
    /// `pg_class.reltuples` of the index.
    #[serde(default)]
    reltuples: f64,
    /// Correlation of its first column with the heap's order (`pg_stats.correlation`), if known.
    #[serde(default)]
    correlation: Option<f64>,
    /// For an integer as first column: how many integers there are from its smallest to its largest value, at the last
    /// ANALYZE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values_between: Option<f64>,
}

/// A column of a table, as SQL can name it; the key by which a table is walked is a list of them.
#[derive(JsonSchema)]
struct Column {
    /// Column name, quoted where SQL needs it.
    name: String,
    /// Its type as `format_type` prints it, e.g. `bigint`.
    data_type: String,
}

/// One difference between an earlier and a later schema.
#[derive(JsonSchema)]
struct SchemaDifference {
    /// The object, such as `column public.orders.note`.
    object: String,
    /// How it changed.
    change: SchemaChange,
    /// The same in words, without a full stop.
    sentence: String,
    /// Whether no SQL can restore it, such as a column's position or a value added to an enum.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unavoidable: bool,
}

/// How an object changed.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum SchemaChange {
    /// It was removed.
    Gone,
    /// It was added.
    Added,
    /// It was modified.
    Changed,
}

/// How large one relation is that holds rows of its own: a table, a partition or a materialised view.
#[derive(JsonSchema)]
struct RelationSize {
    /// Schema-qualified name, each part quoted where SQL needs it.
    name: String,
    /// The partitioned table at the top, if it is a partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    /// `pg_class.reltuples`, -1 when never analysed (0 before PostgreSQL 14).
    reltuples: f64,
    /// `pg_class.relpages`.
    relpages: u64,
    /// Blocks of the heap now.
    blocks: u64,
    /// Number of its indexes.
    indexes: u32,
}

/// Something that is different on the clone.
#[derive(JsonSchema)]
struct CloneDifference {
    /// What differs, such as `index public.orders_total`.
    what: String,
    /// The relation that it belongs to, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relation: Option<String>,
    /// Its definition or value on the clone; `None` if it is not there.
    on_clone: Option<String>,
    /// Its definition or value in production; `None` if it is not there.
    on_production: Option<String>,
}

/// A foreign key without an index.
#[derive(JsonSchema)]
struct MissingIndex {
    /// The referring table, qualified.
    relation: String,
    /// Name of the foreign key.
    foreign_key: String,
    /// The statement that creates the index.
    create: String,
}
