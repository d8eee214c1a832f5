//! A statement that may be split into batches: what is known about it, and how its batches are described.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::facts::{Column, TableFacts};
use crate::error::Result;
use crate::migration::directive::{BatchDirective, DEFAULT_BATCH_SIZE, Directive};
use crate::migration::named_relation::Relation;
use crate::migration::names::{name_path, same_name};
use crate::migration::outline::Scope;
use crate::migration::template::is_integer_key;
use crate::migration::{Batching, RecognisedBy, Statement, Template, Walk, templating};
use crate::units::Count;

/// Size of a block in bytes with PostgreSQL's default build options.
#[derive(Clone, Debug)]
pub struct NotInCatalog(pub String);

/// The catalog's facts about a migration's tables, by their names as written.
pub type Tables = BTreeMap<String, TableFacts>;

/// Fewest rows for which a plain `UPDATE` or `DELETE` is worth batches.
pub const BIG_TABLE_ROWS: f64 = 100_000.0;

/// How to batch a statement that does not say so itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchOptions {
    /// Rows in a batch (key values for a key-range walk); overrides a directive.
    pub batch_size: Option<u64>,
    /// How to walk; overrides a directive.
    pub walk: Option<Walk>,
    /// Fewest rows for which a plain `UPDATE` or `DELETE` is batched; `None` where it stays one statement, as its tool
    /// sends it.
    pub big_table_rows: Option<f64>,
}

/// The tables at the moment a statement runs.
pub(in crate::migration) struct Catalog<'facts> {
    tables: &'facts Tables,
    /// Tables that earlier statements create: the catalog's facts under these names are about other tables.
    pub created: Vec<Vec<String>>,
}

impl<'facts> Catalog<'facts> {
    /// Starts without created tables.
    pub fn new(tables: &'facts Tables) -> Self {
        Catalog {
            tables,
            created: Vec::new(),
        }
    }

    /// Returns the facts about a table by its name as written.
    pub fn facts(&self, name: &str) -> Option<&'facts TableFacts> {
        self.tables
            .get(name)
            .filter(|_| !self.created.contains(&name_path(name)))
    }
}

/// How a statement runs, and what the reader should know about that.
#[derive(Default)]
pub(in crate::migration) struct Decision {
    /// `None` when it runs whole.
    pub batching: Option<Batching>,
    pub notes: Vec<String>,
}

/// Returns the decision that a statement runs whole, for the reason in `note`.
pub(super) fn whole(note: impl Into<String>) -> Decision {
    Decision {
        batching: None,
        notes: vec![note.into()],
    }
}

/// A statement to decide about, with what is known.
pub(super) struct Request<'input> {
    pub statement: &'input Statement,
    pub catalog: &'input Catalog<'input>,
    pub options: &'input BatchOptions,
    pub in_transaction: bool,
}

/// What is walked, before the text is changed.
pub(super) struct WalkedTable<'input> {
    pub relation: &'input Relation,
    pub facts: &'input TableFacts,
    pub scope: &'input Scope,
    pub key: Vec<Column>,
    pub recognised_by: RecognisedBy,
}

impl Request<'_> {
    pub(super) fn batching(&self, walked: &WalkedTable, walk: Walk, template: Template) -> Result<Batching> {
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
            predicate: templating::predicate(&self.statement.sql, walked.scope, walked.relation, &has_column),
            recognised_by: walked.recognised_by,
            template,
        })
    }

    pub(super) fn directive(&self) -> Option<&BatchDirective> {
        match &self.statement.directive {
            Some(Directive::Batch(directive)) => Some(directive),
            _ => None,
        }
    }

    pub(super) fn known(&self, relation: &Relation) -> Result<&TableFacts> {
        self.catalog.facts(&relation.name).ok_or_else(|| {
            self.statement
                .error_at_start(format!(
                    "{} is not in the catalog, so its key is not known",
                    relation.name
                ))
                .with_hint("check the name and the schema; a table made by this very migration cannot be batched")
                .because(NotInCatalog(relation.name.clone()))
        })
    }

    /// Finds the table's columns by their names as written.
    pub(super) fn key_columns(
        &self,
        facts: &TableFacts,
        columns: &[String],
        relation: &Relation,
    ) -> Result<Vec<Column>> {
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

/// Returns how many blocks hold about `rows` rows.
fn blocks_of(rows: u64, facts: &TableFacts) -> u64 {
    let blocks = (facts.heap_blocks() as f64).max(1.0);
    let rows_in_block = (facts.estimated_rows / blocks).max(1.0);
    ((rows as f64 / rows_in_block).round() as u64).max(1)
}

/// Returns the columns of a key: `tenant_id, id`.
pub(super) fn described(key: &[Column]) -> String {
    let names: Vec<&str> = key.iter().map(|column| column.name.as_str()).collect();
    names.join(", ")
}

/// Describes how a statement is batched: "batched by its primary key (id), 5,000 rows a batch".
pub(super) fn note_of(batching: &Batching, facts: &TableFacts) -> String {
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

/// Warns about a key that is not known to be unique and never NULL.
pub(super) fn note_of_other_key(batching: &Batching) -> Option<String> {
    (batching.walk != Walk::Blocks && !batching.key_is_unique).then(|| {
        format!(
            "({}) is not the table's own key: rows where it is NULL are left out, and rows with the same value share a \
             batch",
            described(&batching.key)
        )
    })
}
