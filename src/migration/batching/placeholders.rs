//! Determines what a statement's placeholders walk: the key they are compared with, and its table.

use super::super::lexer::BatchEdge;
use super::super::named_relation::Relation;
use super::super::names::same_name;
use super::super::outline::{Bound, ColumnUse, Dml, Scope};
use super::super::{Directive, RecognisedBy, Walk, templating};
use super::request::{Decision, Request, WalkedTable, described, note_of, note_of_other_key};
use crate::catalog::facts::IndexFacts;
use crate::error::{Error, Result};

/// Rows for each value of an integer key from which a loop is expected to count through the values. With more gaps,
/// most of its batches would be half empty, and people look for the next rows.
const DENSE_KEY: f64 = 0.5;

const OF_COUNTING: &str = "the key has few gaps, so the loop is taken to count through its values; if it looks for the \
                           next rows that match, say --walk rows";

const EXAMPLE: &str = "compare a key with both in the WHERE clause: id BETWEEN <batch_start> AND <batch_end>";

/// A key compared with both placeholders.
struct Walkable<'outline> {
    scope: &'outline Scope,
    relation: &'outline Relation,
    start: &'outline Bound,
    end: &'outline Bound,
    columns: &'outline [ColumnUse],
}

impl Request<'_> {
    pub(super) fn by_placeholders(&self, dml: Option<&Dml>) -> Result<Decision> {
        if matches!(self.statement.directive, Some(Directive::NoBatch)) {
            return Err(self.placeholder_error("placeholders in a statement that a migtime comment keeps whole"));
        }
        if self.in_transaction {
            return Err(self
                .placeholder_error("placeholders inside a transaction: every batch is a transaction of its own")
                .with_hint("take the statement out of BEGIN … COMMIT"));
        }
        let dml = dml.ok_or_else(|| {
            self.placeholder_error("only UPDATE, DELETE and INSERT … SELECT can be batched")
                .with_hint(EXAMPLE)
        })?;
        let candidates = self.candidates(dml);
        let chosen = candidates
            .iter()
            .find(|candidate| candidate.relation.target)
            .or(candidates.first())
            .ok_or_else(|| self.why_no_key(dml))?;
        if candidates
            .iter()
            .any(|candidate| !candidate.start.inclusive && !candidate.end.inclusive)
        {
            return Err(self
                .placeholder_error("the window leaves out both its ends, so a loop over it would skip rows")
                .with_hint("use >= with <batch_start>, or <= with <batch_end>"));
        }
        // In the person's loop one end may be exclusive; our windows are inclusive and hold exactly the same rows.
        let widened: Vec<usize> = candidates
            .iter()
            .flat_map(|candidate| [candidate.start, candidate.end])
            .filter(|bound| !bound.inclusive)
            .map(|bound| bound.operator_end)
            .collect();
        self.cut(dml, chosen, &widened)
    }

    fn cut(&self, dml: &Dml, chosen: &Walkable, widened: &[usize]) -> Result<Decision> {
        let facts = self.known(chosen.relation)?;
        let written: Vec<String> = chosen.columns.iter().map(|column| column.name.clone()).collect();
        self.check_directive_key(&written)?;
        let walked = WalkedTable {
            relation: chosen.relation,
            facts,
            scope: chosen.scope,
            key: self.key_columns(facts, &written, chosen.relation)?,
            recognised_by: RecognisedBy::Placeholders,
        };
        let asked = self
            .options
            .walk
            .or(self.directive().and_then(|directive| directive.walk));
        let expected = if counts_through(&walked) {
            Walk::KeyRange
        } else {
            Walk::Rows
        };
        let walk = asked.unwrap_or(expected);
        if walk == Walk::Blocks {
            return Err(self
                .placeholder_error(format!(
                    "the placeholders name a key ({}), so it cannot be walked by blocks",
                    described(&walked.key)
                ))
                .with_hint("walk by rows, or take the comparison with the placeholders out"));
        }
        if let Some(moving) = self.moving_key(dml, &walked) {
            return Err(moving.error(self.statement).with_hint(
                "compare another key with the placeholders, or take them out and write: -- migtime: no-batch",
            ));
        }
        let template = templating::with_holes(&self.statement.sql, &self.statement.placeholders, widened);
        let batching = self.batching(&walked, walk, template)?;
        let mut notes = vec![note_of(&batching, facts)];
        if asked.is_none() && walk == Walk::KeyRange {
            notes.push(OF_COUNTING.to_owned());
        }
        notes.extend(note_of_other_key(&batching));
        Ok(Decision {
            batching: Some(batching),
            notes,
        })
    }

    /// Checks that a directive names no other key; it may repeat the same one.
    fn check_directive_key(&self, written: &[String]) -> Result<()> {
        if let Some(asked) = self.directive().and_then(|directive| directive.key.as_ref()) {
            let same =
                asked.len() == written.len() && asked.iter().zip(written).all(|(one, other)| same_name(one, other));
            if !same {
                return Err(self.placeholder_error(format!(
                    "the migtime comment says key ({}), but the placeholders are compared with ({})",
                    asked.join(", "),
                    written.join(", ")
                )));
            }
        }
        Ok(())
    }

    fn candidates<'outline>(&self, dml: &'outline Dml) -> Vec<Walkable<'outline>> {
        let mut found = Vec::new();
        for scope in &dml.scopes {
            let bounds = |edge| {
                let all = scope.conjuncts.iter().flat_map(|conjunct| &conjunct.bounds);
                all.filter(move |bound| bound.edge == edge)
            };
            for start in bounds(BatchEdge::Start) {
                for end in bounds(BatchEdge::End) {
                    if let (Some(columns), Some(others)) = (&start.columns, &end.columns)
                        && same_columns(columns, others)
                        && let Some(relation) = self.table_of(scope, columns)
                    {
                        found.push(Walkable {
                            scope,
                            relation,
                            start,
                            end,
                            columns,
                        });
                    }
                }
            }
        }
        found
    }

    /// Returns the table that has all the columns. In a query over several tables, an unqualified name belongs to the
    /// table known to have it; if two had it, the server would reject it as ambiguous.
    fn table_of<'outline>(&self, scope: &'outline Scope, columns: &[ColumnUse]) -> Option<&'outline Relation> {
        let has = |relation: &Relation, column: &ColumnUse| match &column.qualifier {
            Some(qualifier) => relation.is_called(qualifier),
            None if scope.relations.len() == 1 => true,
            None => self.catalog.facts(&relation.name).is_some_and(|facts| {
                facts
                    .columns
                    .iter()
                    .chain(&facts.key)
                    .any(|known| same_name(&known.name, &column.name))
            }),
        };
        let mut tables = scope.relations.iter().filter(|relation| !relation.name.is_empty());
        tables.find(|relation| columns.iter().all(|column| has(relation, column)))
    }

    fn why_no_key(&self, dml: &Dml) -> Error {
        let has = |edge| self.statement.placeholders.iter().any(|(_, found)| *found == edge);
        let bounds = || {
            let conjuncts = dml.scopes.iter().flat_map(|scope| &scope.conjuncts);
            conjuncts.flat_map(|conjunct| &conjunct.bounds)
        };
        let message = if !has(BatchEdge::Start) {
            "<batch_start> is missing"
        } else if !has(BatchEdge::End) {
            "<batch_end> is missing"
        } else if bounds().any(|bound| bound.columns.is_some()) {
            "the placeholders are not compared with the same columns of one table"
        } else {
            "the placeholders are not compared with plain columns in a condition that every row must meet"
        };
        self.placeholder_error(message).with_hint(EXAMPLE)
    }

    /// Returns an error that marks the first placeholder.
    fn placeholder_error(&self, message: impl std::fmt::Display) -> Error {
        match self.statement.placeholders.first() {
            Some((range, _)) => self.statement.error(range.clone(), message),
            None => self.statement.error_at_start(message),
        }
    }
}

/// Returns whether a loop over the placeholders would count through the key, as it does for integers with few gaps,
/// rather than look for the next rows.
fn counts_through(walked: &WalkedTable) -> bool {
    let [column] = walked.key.as_slice() else { return false };
    let is_its_own = |index: &&IndexFacts| index.unique && index.columns.as_slice() == [column.name.as_str()];
    let index = walked.facts.indexes.iter().find(is_its_own);
    let values = index.and_then(|index| index.values_between);
    values.is_some_and(|values| walked.facts.reltuples >= DENSE_KEY * values)
}

fn same_columns(one: &[ColumnUse], other: &[ColumnUse]) -> bool {
    let same_qualifier = |one: &ColumnUse, other: &ColumnUse| match (&one.qualifier, &other.qualifier) {
        (Some(one), Some(other)) => same_name(one, other),
        (None, None) => true,
        _ => false,
    };
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| same_name(&one.name, &other.name) && same_qualifier(one, other))
}
