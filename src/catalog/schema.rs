//! What a schema consists of, as far as it decides what a statement locks, rewrites and scans: plain data, and the query for it.
//!
//! Knows nothing of statements. Names of relations are qualified and quoted where SQL needs it; all other names are bare.

use std::collections::{BTreeMap, BTreeSet};

use postgres::types::Type;
use serde::Deserialize;

use super::document;
use super::relations::Relations;
use crate::error::Result;
use crate::server::Reader;

/// The relations, types and functions a migration may meet.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SchemaFacts {
    /// `server_version_num`, e.g. 150018; 0 when no server was asked, and then everything else is empty.
    pub version_num: u32,
    /// Time zone of the session.
    pub timezone: String,
    /// Tablespace of the database.
    pub tablespace: String,
    /// Schemas in which unqualified names are looked up, in order.
    pub search_path: Vec<String>,
    /// Tables, views, materialised views, sequences and foreign tables; indexes stand with their tables.
    pub relations: Relations,
    /// Domains and enums.
    pub types: Vec<TypeFacts>,
    /// The most volatile of the functions of each name: `i`, `s`, `v`, or `u` where it is not known.
    pub functions: BTreeMap<String, String>,
    /// Pairs of types, as `format_type` prints them, of which the first is stored like the second.
    pub binary_casts: Vec<(String, String)>,
}

/// Where a relation comes from, as statements change the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// It is in the catalog under its name.
    #[default]
    Catalog,
    /// It is in the catalog under this qualified name.
    Renamed(String),
    /// A statement made it.
    Made,
}

/// One relation.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RelationFacts {
    /// Qualified name, quoted where SQL needs it.
    pub name: String,
    /// Schema, bare.
    pub schema: String,
    /// Own name, bare.
    pub bare_name: String,
    /// `pg_class.relkind`: `r`, `p`, `v`, `m`, `S` or `f`.
    pub kind: String,
    /// `pg_class.relpersistence`: `p`, `u` or `t`.
    pub persistence: String,
    /// Whether its row-level security policies are in force.
    pub row_security: bool,
    /// Whether they are in force for its owner, too.
    pub row_security_forced: bool,
    /// Whether its heap has no page.
    pub empty: bool,
    /// Access method, e.g. `heap`.
    pub access_method: Option<String>,
    /// Tablespace, when it is not the database's.
    pub tablespace: Option<String>,
    /// Columns, in order.
    pub columns: Vec<ColumnFacts>,
    /// Constraints by name.
    pub constraints: Vec<ConstraintFacts>,
    /// Indexes by name.
    pub indexes: Vec<SchemaIndex>,
    /// Qualified names of the tables it inherits from or is a partition of.
    pub parents: Vec<String>,
    /// `FOR VALUES …` or `DEFAULT`, when it is a partition.
    pub bound: Option<String>,
    /// As `RANGE (created_at)`, when it is partitioned.
    pub partition_key: Option<String>,
    /// Qualified names of the relations a view reads.
    pub reads: Vec<String>,
    /// Qualified names of the sequences that belong to its columns.
    pub sequences: Vec<String>,
    /// Names of its own triggers.
    pub triggers: Vec<String>,
    /// Where it comes from.
    #[serde(skip)]
    pub origin: Origin,
}

/// One column.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ColumnFacts {
    /// Bare name.
    pub name: String,
    /// As `format_type` prints it.
    pub data_type: String,
    /// Collation, when it is not that of the type.
    pub collation: Option<String>,
    /// Whether it is known to hold no NULL.
    pub not_null: bool,
}

/// One constraint.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ConstraintFacts {
    /// Bare name.
    pub name: String,
    /// `pg_constraint.contype`: `c`, `f`, `p`, `u`, `x` or `n`.
    pub kind: String,
    /// Whether all rows are known to meet it.
    pub valid: bool,
    /// Columns, bare.
    pub columns: Vec<String>,
    /// As `pg_get_constraintdef` prints it.
    pub definition: String,
    /// The table a foreign key refers to.
    pub references: Option<String>,
    /// What a foreign key does on DELETE: `a`, `r`, `c`, `n` or `d`.
    pub on_delete: Option<String>,
    /// The index that enforces it.
    pub index: Option<String>,
}

/// One index.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SchemaIndex {
    /// Qualified name, quoted where SQL needs it.
    pub name: String,
    /// Own name, bare.
    pub bare_name: String,
    /// Key columns, bare; empty for an expression.
    pub columns: Vec<String>,
    /// Columns used anywhere in it, bare.
    pub used_columns: Vec<String>,
    /// Whether it has neither expressions nor a predicate.
    pub plain: bool,
    /// Whether it enforces uniqueness.
    pub unique: bool,
    /// Whether queries may use it.
    pub valid: bool,
    /// Tablespace, when it is not the database's.
    pub tablespace: Option<String>,
}

/// One domain or enum.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TypeFacts {
    /// Schema, bare.
    pub schema: String,
    /// Bare name.
    pub name: String,
    /// The type below a domain.
    pub base: Option<String>,
    /// Whether the domain, or one below it, has a constraint.
    pub constrained: bool,
}

/// Returns the facts of the whole database; `words` are those of the migration, which decide what functions are looked up.
/// One round trip.
///
/// # Errors
/// `Connection` when the catalog cannot be read.
pub fn schema(reader: &mut Reader, words: &[String]) -> Result<SchemaFacts> {
    let text = super::document(reader, include_str!("sql/schema.sql"), &[(&words, Type::TEXT_ARRAY)])?;
    document::parse(&text)
}

impl SchemaFacts {
    /// Says whether a server was asked.
    pub fn is_known(&self) -> bool {
        self.version_num > 0
    }

    /// Returns the relation of this path (`[name]` or `[schema, name]`, bare), looked up along the search path.
    pub fn relation(&self, path: &[String]) -> Option<&RelationFacts> {
        let position = self.position(path)?;
        self.relations.get(position)
    }

    /// Returns the place of a relation in `relations`; see [`relation`](Self::relation).
    pub fn position(&self, path: &[String]) -> Option<usize> {
        let found = |schema: &str, name: &str| self.relations.place_in(schema, name);
        match path {
            [name] => self.search_path.iter().find_map(|schema| found(schema, name)),
            [.., schema, name] => found(schema, name),
            [] => None,
        }
    }

    /// Returns the relation of this qualified name.
    pub fn named(&self, name: &str) -> Option<&RelationFacts> {
        self.relations.get(self.relations.place_of(name)?)
    }

    /// Returns the index of this path, and its table.
    pub fn index(&self, path: &[String]) -> Option<(&RelationFacts, &SchemaIndex)> {
        let found = |schema: &str, name: &str| {
            let (table, index) = self.relations.index_in(schema, name)?;
            let table = self.relations.get(table)?;
            Some((table, table.indexes.get(index)?))
        };
        match path {
            [name] => self.search_path.iter().find_map(|schema| found(schema, name)),
            [.., schema, name] => found(schema, name),
            [] => None,
        }
    }

    /// Returns the partitions and inheritance children of a relation, at any depth.
    pub fn descendants(&self, name: &str) -> Vec<&RelationFacts> {
        let places = self.places_of_descendants(name);
        places.into_iter().map(|place| &self.relations[place]).collect()
    }

    /// Returns the places of its descendants in `relations`; see [`descendants`](Self::descendants).
    pub fn places_of_descendants(&self, name: &str) -> Vec<usize> {
        let mut found = Vec::new();
        let mut known = BTreeSet::new();
        let mut parents = vec![name];
        while let Some(parent) = parents.pop() {
            for child in self.relations.children_of(parent) {
                if known.insert(*child) {
                    found.push(*child);
                    parents.push(&self.relations[*child].name);
                }
            }
        }
        found
    }

    /// Returns the partitions and children right below a relation.
    pub fn children(&self, name: &str) -> impl Iterator<Item = &RelationFacts> {
        let places = self.relations.children_of(name);
        places.iter().map(|place| &self.relations[*place])
    }

    /// Returns the foreign keys of other tables that refer to this one, with their tables.
    pub fn referencing(&self, name: &str) -> Vec<(&RelationFacts, &ConstraintFacts)> {
        let all = self.relations.foreign_keys_to(name).iter().map(|(table, constraint)| {
            let table = &self.relations[*table];
            (table, &table.constraints[*constraint])
        });
        all.filter(|(table, _)| table.name != name).collect()
    }
}

impl RelationFacts {
    /// Returns the column of this bare name.
    pub fn column(&self, name: &str) -> Option<&ColumnFacts> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Returns the constraint of this bare name.
    pub fn constraint(&self, name: &str) -> Option<&ConstraintFacts> {
        self.constraints.iter().find(|constraint| constraint.name == name)
    }
}
