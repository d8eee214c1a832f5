//! Statements that the server refuses whatever the rows are: facts of the catalog and of its version tell.
//!
//! Only what is certain is said, as a valid statement must never be held up; rows that stand in the way, and rights,
//! are not looked at. The words are those of the server's messages, with what stands in the way.

mod altered;
mod attached;
mod casts;
mod columns;
mod constraints;
mod dropped;
mod indexes;
mod versions;

use crate::catalog::{RelationFacts, RelationKind, SchemaFacts};
use crate::migration::Statement;
use crate::migration::command::{Command, CreateTable, Creation, ObjectKind};
use crate::migration::names::name_path;
use crate::migration::syntax;

/// Returns why the server refuses a statement on a schema as it stands; nothing without a catalog.
pub(in crate::migration) fn refusals(statement: &Statement, schema: &SchemaFacts) -> Vec<String> {
    if !schema.is_known() {
        return Vec::new();
    }
    let mut refusals = Refusals {
        schema,
        found: versions::too_new(statement, schema.version_num),
    };
    match statement.command() {
        Command::AlterTable(alter) => refusals.alter_table(alter),
        Command::CreateTable(create) => refusals.create_table(create),
        Command::CreateTableAs(create) => refusals.create(&create.made),
        Command::Create(made) if made.kind == ObjectKind::View => refusals.create(made),
        Command::CreateIndex(create) => refusals.create_index(create),
        Command::Refresh(refresh) => refusals.refresh(refresh),
        Command::Reindex(reindex) => refusals.reindex(reindex),
        Command::Drop(dropped) => refusals.drop(dropped),
        Command::Truncate(truncate) => refusals.truncate(truncate),
        _ => {}
    }
    refusals.found
}

/// The facts at hand, and what was found.
struct Refusals<'facts> {
    schema: &'facts SchemaFacts,
    found: Vec<String>,
}

impl<'facts> Refusals<'facts> {
    fn add(&mut self, why: impl Into<String>) {
        let why = why.into();
        if !self.found.contains(&why) {
            self.found.push(why);
        }
    }

    fn relation(&self, written: &str) -> Option<&'facts RelationFacts> {
        self.schema.relation(&name_path(written))
    }

    /// Refuses a name that a relation or index of the schema has already; `home` is the schema it would be in.
    fn taken(&mut self, home: Option<&String>, name: &str) {
        let path = home.map(|home| [home.clone(), name.to_owned()]);
        let is_there = |path: &[String; 2]| self.schema.relation(path).is_some() || self.schema.index(path).is_some();
        if path.is_some_and(|path| is_there(&path)) {
            self.add(format!("relation {name} exists already"));
        }
    }

    fn create(&mut self, made: &Creation) {
        let Some(written) = made.name.as_ref().filter(|_| !made.temporary) else {
            return;
        };
        let path = name_path(written);
        let Some((name, qualifier)) = path.split_last().filter(|_| !made.if_not_exists && !made.replaces) else {
            return;
        };
        let home = self.schema.home_of(qualifier, made.temporary);
        self.taken(home.as_ref(), name);
    }

    fn create_table(&mut self, create: &CreateTable) {
        self.create(&create.made);
        let Some((parent, bound)) = &create.partition_of else {
            return;
        };
        let is_there = create
            .made
            .name
            .as_ref()
            .is_some_and(|name| self.relation(name).is_some());
        if create.made.if_not_exists && is_there {
            return;
        }
        if let Some(parent) = self.relation(parent) {
            self.becomes_partition(parent, &bound.rows);
        }
    }
}

/// Says whether facts about a table's columns are those of a catalog, and not of statements that made it.
fn is_from_catalog(facts: &RelationFacts) -> bool {
    facts.origin != crate::catalog::Origin::Made
}

fn is_partitioned(facts: &RelationFacts) -> bool {
    facts.kind == RelationKind::PartitionedTable
}

/// Returns the columns of a partition key, as `pg_get_partkeydef` prints it, and whether it has an expression; `None`
/// where it cannot be read.
fn partition_key(facts: &RelationFacts) -> Option<(Vec<String>, bool)> {
    let (_, listed) = facts.partition_key.as_deref()?.split_once('(')?;
    let listed = listed.strip_suffix(')')?;
    let words = syntax::words(&format!("({listed}) IS NULL"));
    let known = |word: &String| facts.columns.iter().any(|column| column.name == *word);
    let columns: Vec<String> = words?
        .iter()
        .filter_map(|word| name_path(word).pop())
        .filter(known)
        .collect();
    Some((columns, listed.contains('(')))
}
