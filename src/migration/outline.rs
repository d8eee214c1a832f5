//! What the parser tells about one statement: plain data between `syntax` and the rooms that decide.
//!
//! Names are as written; ranges are bytes of the statement's text.

use std::ops::Range;

use super::command::{Command, Routine};
use super::lexer::BatchEdge;
use super::named_relation::Relation;

/// What a statement says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outline {
    pub command: Command,
    /// Tables it works on, the main one first.
    pub tables: Vec<String>,
    /// Tables that exist only once it has run.
    pub creates: Vec<String>,
    /// Functions that it calls, by the last part of their names.
    pub calls: Vec<String>,
    /// What its body runs, for `DO`, `CREATE FUNCTION` and `CREATE PROCEDURE`.
    pub routine: Option<Routine>,
    /// Where `CONCURRENTLY` could be written, in a command that has it and does without.
    pub place_of_concurrently: Option<usize>,
    /// Why it could not be read, with the place: then nothing else is known.
    pub unread: Option<String>,
    /// Its parts, for `UPDATE`, `DELETE` and `INSERT`.
    pub dml: Option<Dml>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Update,
    Delete,
    Insert,
}

/// The parts of an `UPDATE`, `DELETE` or `INSERT`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dml {
    pub verb: Verb,
    pub target: Relation,
    pub with_clause: bool,
    /// `WHERE CURRENT OF cursor`.
    pub current_of: bool,
    /// Whether a subquery picks a limited number of the target's own rows: one iteration of somebody's loop.
    pub limited_subquery: bool,
    /// Columns in the `SET` lists of the statement and of the `UPDATE`s in its `WITH` clause.
    pub assigned: Vec<Assignment>,
    /// Every query level with a row source, outermost first: for `UPDATE` and `DELETE` the statement itself comes
    /// first.
    pub scopes: Vec<Scope>,
}

/// A column that an `UPDATE` assigns, with its table; both as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub table: String,
    pub column: String,
    pub range: Range<usize>,
}

/// One level of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scope {
    /// Whether it is the statement's own level: the `UPDATE` itself, or the `SELECT` of an `INSERT`.
    pub outermost: bool,
    pub relations: Vec<Relation>,
    /// The expression behind `WHERE`.
    pub condition: Option<Range<usize>>,
    /// Where `WHERE` could be added when there is none.
    pub where_position: usize,
    /// The parts of the condition that are joined by `AND`.
    pub conjuncts: Vec<Conjunct>,
    /// Why a window over one of its tables would change the result, as "DISTINCT".
    pub indivisible: Option<&'static str>,
}

/// One condition that every row must meet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Conjunct {
    pub range: Range<usize>,
    pub columns: Vec<ColumnUse>,
    /// Tables of subqueries inside.
    pub inner: Vec<Relation>,
    /// Comparisons of a placeholder.
    pub bounds: Vec<Bound>,
    pub has_placeholder: bool,
}

/// A column as a condition names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ColumnUse {
    /// Table name or alias before the dot, as written.
    pub qualifier: Option<String>,
    /// Where the qualifier stands; empty without one.
    pub qualifier_range: Range<usize>,
    pub name: String,
}

/// A comparison of columns with one placeholder.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bound {
    pub edge: BatchEdge,
    /// The columns; `None` when it is some other expression.
    pub columns: Option<Vec<ColumnUse>>,
    pub inclusive: bool,
    /// End of the comparison operator.
    pub operator_end: usize,
}
