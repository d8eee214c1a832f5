//! Statements about whole tables and materialised views, as plain data.

use super::{ColumnDefinition, Creation, PartitionBound, Query, TableConstraint};
use crate::migration::LockMode;

/// A table as a statement names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTable {
    /// As written, possibly qualified.
    pub name: String,
    /// `ONLY`: without its partitions and children.
    pub only: bool,
}

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
    /// Whether it has partitions itself.
    pub partitioned: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateTableAs {
    pub made: Creation,
    /// `None` for `EXECUTE`.
    pub query: Option<Query>,
    pub with_data: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Truncate {
    pub tables: Vec<NamedTable>,
    pub cascade: bool,
    pub restart_identity: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Lock {
    pub tables: Vec<NamedTable>,
    pub mode: LockMode,
}

/// `VACUUM`; of all tables without any.
#[derive(Clone, Debug, PartialEq)]
pub struct Vacuum {
    pub full: bool,
    pub tables: Vec<NamedTable>,
}

/// `CLUSTER`; of all tables that were clustered before without one.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    pub table: Option<String>,
}

/// `REFRESH MATERIALIZED VIEW`.
#[derive(Clone, Debug, PartialEq)]
pub struct Refresh {
    pub view: String,
    pub concurrently: bool,
    pub with_data: bool,
}
