//! Statements that read and change rows, as plain data.

use super::{Creation, Expression, NamedTable, Setting};
use crate::migration::named_relation::Relation;

/// A query or a change of rows, with the common table expressions before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The queries behind `WITH`, which may change rows themselves.
    pub with: Vec<Query>,
    /// The statement behind them.
    pub body: Body,
    /// Functions that are called anywhere in it, by the last part of their names.
    pub calls: Vec<String>,
    /// What it sets by `set_config`.
    pub sets: Vec<Setting>,
}

/// A query or a change of rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// `SELECT`, `TABLE`, `VALUES`.
    Select(Select),
    /// `INSERT`.
    Insert(Insert),
    /// `UPDATE`.
    Update(Change),
    /// `DELETE`.
    Delete(Change),
    /// `MERGE`.
    Merge(Merge),
}

impl Body {
    /// Returns the table whose rows it changes, as written.
    pub fn target(&self) -> Option<&str> {
        match self {
            Body::Select(_) => None,
            Body::Insert(insert) => Some(&insert.table),
            Body::Update(change) | Body::Delete(change) => Some(&change.table.name),
            Body::Merge(merge) => Some(&merge.table.name),
        }
    }
}

/// `SELECT`, `TABLE` or `VALUES`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Select {
    /// One, or those that `UNION`, `INTERSECT` and `EXCEPT` put together, with the queries they read `FROM`.
    pub parts: Vec<Part>,
    /// Queries in its expressions.
    pub within: Vec<Part>,
    /// What `INTO` makes.
    pub into: Option<Creation>,
    /// How many rows `VALUES` has.
    pub values: Option<usize>,
    /// The names in `FOR UPDATE OF …` and its like; none for all tables.
    pub locked: Option<Vec<String>>,
}

/// One level of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Tables in `FROM`, but for common table expressions, queries and functions.
    pub sources: Vec<Relation>,
    /// What stands behind `WHERE`.
    pub condition: Option<Condition>,
    /// The column of which it wants the largest or smallest value and nothing else.
    pub extreme: Option<String>,
}

/// An `INSERT`.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    /// As written.
    pub table: String,
    /// The columns it names, as PostgreSQL sees them; `None` for all.
    pub columns: Option<Vec<String>>,
    /// What it adds; `None` for `DEFAULT VALUES`.
    pub query: Option<Box<Query>>,
}

/// An `UPDATE` or `DELETE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The table whose rows are changed.
    pub table: NamedTable,
    /// Columns that are assigned, as PostgreSQL sees them.
    pub assigned: Vec<String>,
    /// Other tables, in `FROM` or `USING`.
    pub others: Vec<Relation>,
    /// Queries in its expressions.
    pub within: Vec<Part>,
    /// What stands behind `WHERE`.
    pub condition: Option<Condition>,
    /// `WHERE CURRENT OF cursor`.
    pub current_of: bool,
}

/// A `MERGE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// The table whose rows are changed.
    pub table: NamedTable,
    /// The table it compares with.
    pub others: Vec<Relation>,
}

/// A `COPY`.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    /// Whose rows.
    pub what: Copied,
    /// Whether rows are written into the table.
    pub from: bool,
}

/// Whose rows are copied.
#[derive(Clone, Debug, PartialEq)]
pub enum Copied {
    /// A table's, as written.
    Table(String),
    /// Those of a query.
    Query(Query),
}

/// What stands behind `WHERE`: terms that are joined by `AND`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// Each holds for every row that is meant.
    pub terms: Vec<Term>,
}

/// A part of a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Columns that it mentions, in its subqueries too, as PostgreSQL sees the last part of their names.
    pub columns: Vec<String>,
    /// What it says.
    pub expression: Expression,
}
