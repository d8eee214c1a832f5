//! Statements about indexes, as plain data.

use super::NamedTable;

#[derive(Clone, Debug, PartialEq)]
pub struct CreateIndex {
    /// As PostgreSQL sees it; `None` where the server is to choose.
    pub name: Option<String>,
    pub table: NamedTable,
    /// Key columns as PostgreSQL sees them; for an expression, what the server would call its column.
    pub columns: Vec<String>,
    /// Whether it has neither expressions nor a predicate.
    pub plain: bool,
    pub unique: bool,
    pub concurrently: bool,
    pub if_not_exists: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterIndex {
    pub index: String,
    pub if_exists: bool,
    pub action: IndexAction,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexAction {
    /// To this name, as PostgreSQL sees it.
    Rename(String),
    SetTablespace(String),
    /// `SET (…)`, `RESET (…)`, `ALTER COLUMN … SET STATISTICS`.
    Parameters,
    /// `ATTACH PARTITION`, `DEPENDS ON EXTENSION`.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reindex {
    pub target: ReindexTarget,
    pub concurrently: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReindexTarget {
    Index(String),
    Table(String),
    Schema(String),
    /// `DATABASE` or `SYSTEM`, whose name is that of the database it runs in.
    Database(Option<String>),
}
