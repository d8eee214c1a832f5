//! Detects whether a statement changes the key by which it would be walked.
//!
//! A row whose key changes may move ahead of the walk and be visited again, and a walk of such rows may never end.

use super::super::names::same_name;
use super::super::outline::{Assignment, Dml};
use super::request::{Request, WalkedTable};
use crate::error::Error;
use crate::migration::Statement;

/// A column of the key that the statement itself assigns.
pub(super) struct MovingKey<'walk> {
    column: &'walk str,
    assignment: &'walk Assignment,
}

impl Request<'_> {
    /// Returns the first key column that the statement assigns in the table it walks.
    pub(super) fn moving_key<'walk>(&self, dml: &'walk Dml, walked: &'walk WalkedTable) -> Option<MovingKey<'walk>> {
        let writes_walked = |assignment: &&Assignment| {
            let facts = self.catalog.facts(&assignment.table);
            facts.is_some_and(|facts| facts.name == walked.facts.name)
        };
        dml.assigned.iter().filter(writes_walked).find_map(|assignment| {
            let column = walked
                .key
                .iter()
                .find(|column| same_name(&column.name, &assignment.column))?;
            Some(MovingKey {
                column: &column.name,
                assignment,
            })
        })
    }
}

impl MovingKey<'_> {
    /// Returns why the statement is kept whole.
    pub fn note(&self) -> String {
        format!("not batched: it changes its own key column {}", self.column)
    }

    /// Returns an error that marks the assignment.
    pub fn error(&self, statement: &Statement) -> Error {
        statement.error(
            self.assignment.range.clone(),
            format!("this cannot be batched: it changes its own key column {}", self.column),
        )
    }
}
