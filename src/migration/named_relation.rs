//! A table as a query names it, with the name under which its columns are known.

use super::names::name_path;

/// A table as a query names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    /// As written; empty for a subquery, a function or a CTE.
    pub name: String,
    /// Name under which its columns are known.
    pub alias: String,
    /// `ONLY`: without its partitions and children.
    pub only: bool,
    /// Whether the statement writes to it.
    pub target: bool,
}

impl Relation {
    /// Says whether a qualifier as written means this table: its alias, or its name where it has no alias.
    pub fn is_called(&self, qualifier: &str) -> bool {
        let path = name_path(qualifier);
        let whole_name = name_path(&self.name);
        path == name_path(&self.alias) || (path == whole_name && whole_name.last() == name_path(&self.alias).last())
    }
}
