//! Statements about indexes, as plain data.

use super::NamedTable;

/// `CREATE INDEX`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateIndex {
    /// As PostgreSQL sees it; `None` where the server is to choose.
    pub name: Option<String>,
    /// The table it is made on.
    pub table: NamedTable,
    /// Key columns as PostgreSQL sees them; for an expression, what the server would call its column.
    pub columns: Vec<String>,
    /// Whether it has neither expressions nor a predicate.
    pub plain: bool,
    /// `UNIQUE`.
    pub unique: bool,
    /// `CONCURRENTLY`.
    pub concurrently: bool,
    /// Whether it may be there already.
    pub if_not_exists: bool,
}

/// `ALTER INDEX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterIndex {
    /// As written.
    pub index: String,
    /// Whether it may be missing.
    pub if_exists: bool,
    /// What is altered.
    pub action: IndexAction,
}

/// What `ALTER INDEX` alters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexAction {
    /// To this name, as PostgreSQL sees it.
    Rename(String),
    /// To this tablespace, as PostgreSQL sees its name.
    SetTablespace(String),
    /// `SET (…)`, `RESET (…)`, `ALTER COLUMN … SET STATISTICS`: the names of the storage parameters in lower case.
    Parameters(Vec<String>),
    /// `ATTACH PARTITION` of this index, as written.
    Attach(String),
    /// `DEPENDS ON EXTENSION`.
    Other,
}

/// `REINDEX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reindex {
    /// Whose indexes are built again.
    pub target: ReindexTarget,
    /// `CONCURRENTLY`, as a word or as an option.
    pub concurrently: bool,
}

/// What `REINDEX` names, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReindexTarget {
    /// One index.
    Index(String),
    /// All of a table.
    Table(String),
    /// All of the tables of a schema.
    Schema(String),
    /// `DATABASE` or `SYSTEM`, whose name is that of the database it runs in.
    Database(Option<String>),
}
