//! Decides whether a statement is cut into batches, over which key, and what to tell the reader about it.
//!
//! Placeholders come first, then a directive, then the size of the table. The text is cut in `weave`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::directive::{BatchDirective, DEFAULT_BATCH_SIZE, Directive};
use super::names::{name_path, same_name};
use super::outline::{Dml, Outline, Relation, Scope, Verb};
use super::template::is_integer_key;
use super::{Batching, RecognisedBy, Statement, Template, Walk, weave};
use crate::catalog::facts::{Column, TableFacts, TableKind};
use crate::error::Result;
use crate::units::Count;

mod moving_key;
mod placeholders;

/// Size of a block where PostgreSQL was not built otherwise, in bytes.
const BLOCK_BYTES: f64 = 8192.0;

/// What the catalog says about the tables of a migration, by their names as written.
pub type Tables = BTreeMap<String, TableFacts>;

/// How to batch where a statement does not say it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchOptions {
    /// Rows in a batch (key values for a key-range walk); goes before what a directive says.
    pub batch_size: Option<u64>,
    /// How to walk; goes before what a directive says.
    pub walk: Option<Walk>,
    /// Rows from which on a bare `UPDATE` or `DELETE` is batched.
    pub big_table_rows: f64,
}

impl Default for BatchOptions {
    fn default() -> Self {
        BatchOptions {
            batch_size: None,
            walk: None,
            big_table_rows: 100_000.0,
        }
    }
}

/// The tables as they are when a statement runs.
pub(super) struct Catalog<'facts> {
    tables: &'facts Tables,
    /// Tables that earlier statements create: what the catalog says under such a name is about another table.
    pub created: Vec<Vec<String>>,
}

impl<'facts> Catalog<'facts> {
    /// Begins with nothing created.
    pub fn new(tables: &'facts Tables) -> Self {
        Catalog {
            tables,
            created: Vec::new(),
        }
    }

    /// Returns what is known about a table by its name as written.
    pub fn facts(&self, name: &str) -> Option<&'facts TableFacts> {
        self.tables
            .get(name)
            .filter(|_| !self.created.contains(&name_path(name)))
    }
}

/// How a statement runs, and what the reader should know about that.
#[derive(Default)]
pub(super) struct Decision {
    /// `None` when it runs whole.
    pub batching: Option<Batching>,
    pub notes: Vec<String>,
}

/// Decides how a statement runs.
///
/// # Errors
/// `Usage` with `file:line` when it asks for batches in a way that cannot be followed.
pub(super) fn decide(
    statement: &Statement,
    outline: &Outline,
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
    match (&statement.directive, &outline.dml) {
        _ if !statement.placeholders.is_empty() => request.by_placeholders(outline.dml.as_ref()),
        (Some(Directive::NoBatch), _) => Ok(whole("kept whole by a migtime comment")),
        (Some(Directive::Batch(directive)), Some(dml)) => request.by_directive(dml, directive),
        (Some(Directive::Batch(_)), None) => Err(statement
            .error_at_start("only UPDATE, DELETE and INSERT … SELECT can be batched")
            .with_hint("take the migtime comment away")),
        (None, Some(dml)) => request.by_table_size(dml),
        (None, None) => Ok(Decision::default()),
    }
}

fn whole(note: impl Into<String>) -> Decision {
    Decision {
        batching: None,
        notes: vec![note.into()],
    }
}

struct Request<'input> {
    statement: &'input Statement,
    catalog: &'input Catalog<'input>,
    options: &'input BatchOptions,
    in_transaction: bool,
}

/// What is walked, before the text is cut.
struct Walked<'input> {
    relation: &'input Relation,
    facts: &'input TableFacts,
    scope: &'input Scope,
    key: Vec<Column>,
    recognised_by: RecognisedBy,
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
            Walked {
                relation,
                facts,
                scope,
                key,
                recognised_by,
            },
        )
    }

    /// Returns the query level whose rows can be cut without changing the result.
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
        if facts.estimated_rows < self.options.big_table_rows {
            return Ok(Decision::default());
        }
        if let Some(reason) = why_whole(dml) {
            return Ok(whole(format!("not batched: {reason}")));
        }
        if self.in_transaction {
            return Ok(whole("inside a transaction: not batched"));
        }
        let walked = Walked {
            relation: &dml.target,
            facts,
            scope,
            key: facts.key.clone(),
            recognised_by: RecognisedBy::TableSize,
        };
        self.woven(dml, walked)
    }

    /// A bare `INSERT … SELECT` is not cut unasked: how many of its rows may be in one transaction, only its writer knows.
    fn insert_of(&self, scope: &Scope) -> Decision {
        let reads_a_table = scope.relations.iter().any(|relation| !relation.name.is_empty());
        if self.in_transaction || !scope.outermost || scope.indivisible.is_some() || !reads_a_table {
            return Decision::default();
        }
        whole("runs whole; to cut it by the key of the table it reads, write before it: -- migtime: batch")
    }

    /// Cuts the statement by a condition of our own: over the key, or over blocks when there is none.
    fn woven(&self, dml: &Dml, mut walked: Walked) -> Result<Decision> {
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
        let template = weave::with_condition(&self.statement.sql, walked.scope);
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

    fn batching(&self, walked: &Walked, walk: Walk, template: Template) -> Result<Batching> {
        if walk == Walk::KeyRange && !is_integer_key(&walked.key) {
            return Err(self
                .statement
                .error_at_start(format!(
                    "a key-range walk needs a key of one whole-number column, and {} {}",
                    walked.facts.name,
                    match walked.key.as_slice() {
                        [] => "has no key".to_string(),
                        key => format!("is walked by ({})", described(key)),
                    }
                ))
                .with_hint("walk by rows instead"));
        }
        let asked = self
            .options
            .batch_size
            .or(self.directive().and_then(|directive| directive.size));
        let rows = asked.unwrap_or(DEFAULT_BATCH_SIZE).max(1);
        let has_column = |name: &str| walked.facts.columns.iter().any(|column| same_name(&column.name, name));
        Ok(Batching {
            table: walked.facts.name.clone(),
            alias: walked.relation.alias.clone(),
            key: walked.key.clone(),
            key_is_unique: is_own_key(&walked.key, walked.facts),
            walk,
            batch_size: match walk {
                Walk::Blocks => blocks_of(rows, walked.facts),
                Walk::Rows | Walk::KeyRange => rows,
            },
            predicate: weave::predicate(&self.statement.sql, walked.scope, walked.relation, &has_column),
            recognised_by: walked.recognised_by,
            template,
        })
    }

    fn directive(&self) -> Option<&BatchDirective> {
        match &self.statement.directive {
            Some(Directive::Batch(directive)) => Some(directive),
            _ => None,
        }
    }

    fn known(&self, relation: &Relation) -> Result<&TableFacts> {
        self.catalog.facts(&relation.name).ok_or_else(|| {
            self.statement
                .error_at_start(format!(
                    "{} is not in the catalog, so its key is not known",
                    relation.name
                ))
                .with_hint("check the name and the schema; a table made by this very migration cannot be batched")
        })
    }

    /// Finds columns as written among the table's.
    fn key_columns(&self, facts: &TableFacts, columns: &[String], relation: &Relation) -> Result<Vec<Column>> {
        let known = || facts.columns.iter().chain(&facts.key);
        columns
            .iter()
            .map(|written| {
                known()
                    .find(|column| same_name(&column.name, written))
                    .cloned()
                    .ok_or_else(|| {
                        self.statement
                            .error_at_start(format!("{} has no column {written} to walk by", relation.name))
                            .with_hint(match facts.key.as_slice() {
                                [] => "it has no key; leave the key out to walk it by blocks".to_string(),
                                key => format!("its key is ({})", described(key)),
                            })
                    })
            })
            .collect()
    }
}

/// Says why a statement without placeholders has to run whole.
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

/// Returns how many blocks hold about `rows` rows.
fn blocks_of(rows: u64, facts: &TableFacts) -> u64 {
    let blocks = (facts.heap_bytes as f64 / BLOCK_BYTES).max(1.0);
    let rows_in_block = (facts.estimated_rows / blocks).max(1.0);
    ((rows as f64 / rows_in_block).round() as u64).max(1)
}

fn described(key: &[Column]) -> String {
    let names: Vec<&str> = key.iter().map(|column| column.name.as_str()).collect();
    names.join(", ")
}

/// Says how a statement is batched: "batched by its primary key (id), 5,000 rows a batch".
fn note_of(batching: &Batching, facts: &TableFacts) -> String {
    let size = Count(batching.batch_size as f64);
    let key = described(&batching.key);
    let is_primary = facts
        .indexes
        .iter()
        .any(|index| index.primary && index.columns.iter().eq(batching.key.iter().map(|column| &column.name)));
    let kind = if is_primary { "primary key" } else { "key" };
    match batching.walk {
        Walk::Rows => format!("batched by its {kind} ({key}), {size} rows a batch"),
        Walk::KeyRange => format!("batched by ranges of its {kind} ({key}), {size} key values a batch"),
        Walk::Blocks => format!("batched by blocks, {size} a batch"),
    }
}

fn is_own_key(key: &[Column], facts: &TableFacts) -> bool {
    key.len() == facts.key.len() && key.iter().all(|column| facts.key.contains(column))
}

/// Warns of a key that is not known to be unique and never NULL.
fn note_of_other_key(batching: &Batching) -> Option<String> {
    (batching.walk != Walk::Blocks && !batching.key_is_unique).then(|| {
        format!(
            "({}) is not the table's own key: rows where it is NULL are left out, and rows with the same value share a batch",
            described(&batching.key)
        )
    })
}
