//! Statements about whole tables and materialised views, as plain data.

use super::{ColumnDefinition, Creation, NamedTable, PartitionBound, Query, TableConstraint};
use crate::migration::LockMode;

/// `CREATE TABLE` and `CREATE FOREIGN TABLE`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    /// The table.
    pub made: Creation,
    /// Its columns, but for those it has from other tables.
    pub columns: Vec<ColumnDefinition>,
    /// Constraints that stand by themselves.
    pub constraints: Vec<TableConstraint>,
    /// Parents in `INHERITS (…)`.
    pub inherits: Vec<String>,
    /// The table of which it is a partition, and for which rows.
    pub partition_of: Option<(String, PartitionBound)>,
    /// What decides its partitions, as `RANGE (created_at)`, if it has some.
    pub partition_key: Option<String>,
    /// Tables in `LIKE`, as written.
    pub like: Vec<Like>,
    /// The composite type in `OF`, as written.
    pub of_type: Option<String>,
}

/// `LIKE table` among the columns of a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Like {
    /// As written.
    pub table: String,
    /// `INCLUDING ALL` or `INCLUDING INDEXES`.
    pub with_indexes: bool,
    /// `INCLUDING ALL` or `INCLUDING CONSTRAINTS`.
    pub with_checks: bool,
}

/// `CREATE TABLE … AS` and `CREATE MATERIALIZED VIEW`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTableAs {
    /// The table or view.
    pub made: Creation,
    /// What its rows are; `None` for `EXECUTE`.
    pub query: Option<Query>,
    /// Not `WITH NO DATA`.
    pub with_data: bool,
}

/// `TRUNCATE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Truncate {
    /// The tables it names.
    pub tables: Vec<NamedTable>,
    /// Whether tables that refer to them are emptied too.
    pub cascade: bool,
    /// Whether their sequences begin again.
    pub restart_identity: bool,
}

/// `LOCK TABLE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Lock {
    /// The tables and views it names.
    pub tables: Vec<NamedTable>,
    /// As which they are locked.
    pub mode: LockMode,
}

/// `VACUUM`; of all tables without any.
#[derive(Clone, Debug, PartialEq)]
pub struct Vacuum {
    /// `FULL`, as a word or as an option.
    pub full: bool,
    /// Not `PROCESS_MAIN false`: the tables themselves, not only what is stored beside them.
    pub main: bool,
    /// The tables it names.
    pub tables: Vec<NamedTable>,
}

/// `CLUSTER`; of all tables that were clustered before without one.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// As written.
    pub table: Option<String>,
}

/// `REFRESH MATERIALIZED VIEW`.
#[derive(Clone, Debug, PartialEq)]
pub struct Refresh {
    /// As written.
    pub view: String,
    /// `CONCURRENTLY`.
    pub concurrently: bool,
    /// Not `WITH NO DATA`.
    pub with_data: bool,
}
