//! Decides whether a statement is split into batches, over which key, and what to tell the reader about it.
//!
//! Placeholders take precedence, then a directive. A plain `UPDATE` or `DELETE` is one statement to whatever sends it,
//! so it is batched only where the options ask for batches. `templating` changes the text.

use super::directive::{BatchDirective, DEFAULT_BATCH_SIZE, Directive};
use super::outline::{Dml, Scope, Verb};
use super::{Batching, RecognisedBy, Statement, Tool, Walk, templating};
use crate::catalog::facts::TableKind;
use crate::error::Result;

mod moving_key;
mod placeholders;
mod request;

pub use request::{BIG_TABLE_ROWS, BatchOptions, NotInCatalog, Tables};
pub(super) use request::{Catalog, Decision};

use request::{Request, WalkedTable, described, note_of, note_of_other_key, whole};

/// Decides how a statement runs.
///
/// # Errors
/// `Usage` with `file:line` when it requests batches in an impossible way.
pub(super) fn decide(
    statement: &Statement,
    catalog: &Catalog,
    options: &BatchOptions,
    in_transaction: bool,
) -> Result<Decision> {
    let request = Request {
        statement,
        catalog,
        options,
        in_transaction,
    };
    let dml = statement.outline.dml.as_ref();
    match (&statement.directive, dml) {
        _ if !statement.placeholders.is_empty() => request.by_placeholders(dml),
        (Some(Directive::NoBatch), _) => Ok(whole("kept whole by a migtime comment")),
        (Some(Directive::Batch(directive)), Some(dml)) => request.by_directive(dml, directive),
        (Some(Directive::Batch(_)), None) => Err(statement
            .error_at_start("only UPDATE, DELETE and INSERT … SELECT can be batched")
            .with_hint("take the migtime comment away")),
        (None, Some(dml)) => request.by_table_size(dml),
        (None, None) => Ok(Decision::default()),
    }
}

impl Request<'_> {
    fn by_directive(&self, dml: &Dml, directive: &BatchDirective) -> Result<Decision> {
        if self.in_transaction {
            return Ok(whole("inside a transaction: not batched"));
        }
        if let Some(reason) = why_whole(dml) {
            return Err(self
                .statement
                .error_at_start(format!("this cannot be batched: {reason}")));
        }
        let scope = self.divisible_scope(dml)?;
        let relation = match dml.verb {
            Verb::Insert => scope.relations.iter().find(|relation| !relation.name.is_empty()),
            Verb::Update | Verb::Delete => Some(&dml.target),
        };
        let relation = relation.ok_or_else(|| {
            self.statement
                .error_at_start("this cannot be batched: it reads from no table")
        })?;
        let facts = self.known(relation)?;
        let key = match &directive.key {
            Some(columns) => self.key_columns(facts, columns, relation)?,
            None => facts.key.clone(),
        };
        let recognised_by = RecognisedBy::Directive;
        self.woven(
            dml,
            WalkedTable {
                relation,
                facts,
                scope,
                key,
                recognised_by,
            },
        )
    }

    /// Returns the query level whose rows can be split without changing the result.
    fn divisible_scope<'outline>(&self, dml: &'outline Dml) -> Result<&'outline Scope> {
        let scope = dml.scopes.first().filter(|scope| scope.outermost);
        let scope = scope.ok_or_else(|| {
            self.statement
                .error_at_start("this cannot be batched: its rows do not come from one SELECT over a table")
        })?;
        match scope.indivisible {
            None => Ok(scope),
            Some(clause) => Err(self.statement.error_at_start(format!(
                "this cannot be batched: {clause} would give another result for each window"
            ))),
        }
    }

    fn by_table_size(&self, dml: &Dml) -> Result<Decision> {
        let Some(scope) = dml.scopes.first() else {
            return Ok(Decision::default());
        };
        if dml.verb == Verb::Insert {
            return Ok(self.insert_of(scope));
        }
        let Some(facts) = self.catalog.facts(&dml.target.name) else {
            return Ok(whole(format!(
                "{} is not in the catalog yet: runs whole",
                dml.target.name
            )));
        };
        if facts.estimated_rows < self.options.big_table_rows.unwrap_or(BIG_TABLE_ROWS) {
            return Ok(Decision::default());
        }
        if let Some(reason) = why_whole(dml) {
            return Ok(whole(format!("not batched: {reason}")));
        }
        if self.in_transaction {
            return Ok(whole("inside a transaction: not batched"));
        }
        let walked = WalkedTable {
            relation: &dml.target,
            facts,
            scope,
            key: facts.key.clone(),
            recognised_by: RecognisedBy::TableSize,
        };
        let in_batches = self.woven(dml, walked)?;
        match (&in_batches.batching, self.options.big_table_rows) {
            (Some(batching), None) => Ok(whole(self.advice(batching))),
            _ => Ok(in_batches),
        }
    }

    /// Says that a statement which could be batched is not, as what sends it does not either.
    fn advice(&self, batching: &Batching) -> String {
        let sender = match self.statement.sending.tool {
            Tool::PlainSql => "psql",
            tool => tool.name(),
        };
        let by = match batching.walk {
            Walk::Blocks => "by blocks".to_owned(),
            Walk::Rows | Walk::KeyRange => format!("by ({})", described(&batching.key)),
        };
        format!(
            "one statement, as {sender} sends it, which holds its locks to its end; in batches {by} they would be \
             short: rehearse that with --batch-size {DEFAULT_BATCH_SIZE}"
        )
    }

    /// An `INSERT … SELECT` is not split unless requested: only its author knows how many of its rows may be in one
    /// transaction.
    fn insert_of(&self, scope: &Scope) -> Decision {
        let reads_a_table = scope.relations.iter().any(|relation| !relation.name.is_empty());
        if self.in_transaction || !scope.outermost || scope.indivisible.is_some() || !reads_a_table {
            return Decision::default();
        }
        whole("runs whole; to cut it by the key of the table it reads, write before it: -- migtime: batch")
    }

    /// Splits the statement by adding a condition on the key, or on blocks if there is no key.
    fn woven(&self, dml: &Dml, mut walked: WalkedTable) -> Result<Decision> {
        let asked = self
            .options
            .walk
            .or(self.directive().and_then(|directive| directive.walk));
        let walk = match asked {
            _ if walked.key.is_empty() && asked != Some(Walk::KeyRange) => Walk::Blocks,
            Some(walk) => walk,
            None => Walk::Rows,
        };
        if walk == Walk::Blocks {
            walked.key.clear();
            if walked.facts.kind == TableKind::Partitioned {
                return Ok(whole(
                    "not batched: a partitioned table without a key has no blocks of its own",
                ));
            }
        }
        if let Some(moving) = self.moving_key(dml, &walked) {
            return match walked.recognised_by {
                RecognisedBy::TableSize => Ok(whole(moving.note())),
                _ => Err(moving
                    .error(self.statement)
                    .with_hint("walk by another key (key=…), or write: -- migtime: no-batch")),
            };
        }
        let template = templating::with_condition(&self.statement.sql, walked.scope);
        let batching = self.batching(&walked, walk, template)?;
        let mut notes = vec![note_of(&batching, walked.facts)];
        if walk == Walk::Blocks && dml.verb == Verb::Update {
            notes.push("rows that the update moves to a later block may be visited twice".to_owned());
        }
        notes.extend(note_of_other_key(&batching));
        Ok(Decision {
            batching: Some(batching),
            notes,
        })
    }
}

/// Returns why a statement without placeholders has to run whole.
fn why_whole(dml: &Dml) -> Option<&'static str> {
    if dml.limited_subquery {
        Some(
            "it picks its rows by LIMIT, one iteration of a loop; to rehearse the loop, write it over a key: \
             WHERE id BETWEEN <batch_start> AND <batch_end>",
        )
    } else if dml.current_of {
        Some("WHERE CURRENT OF follows a cursor")
    } else if dml.with_clause {
        Some("its WITH clause would run once a batch; use <batch_start> and <batch_end> to say where to cut")
    } else {
        None
    }
}
