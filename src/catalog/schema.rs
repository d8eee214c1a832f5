//! Those parts of a schema that decide what a statement locks, rewrites and scans: plain data.
//!
//! Knows nothing of statements. Names of relations are qualified and quoted where SQL needs it; all other names are
//! bare.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::kinds::Volatility;
use super::relation::{ConstraintFacts, RelationFacts, SchemaIndex};
use super::relations::Relations;

/// The relations, types and functions that a migration may use.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SchemaFacts {
    /// `server_version_num`, e.g. 150018. If it is 0, no server was asked, and everything else is empty.
    pub version_num: u32,
    /// Time zone of the session.
    pub timezone: String,
    /// Tablespace of the database.
    pub tablespace: String,
    /// Schemas in which unqualified names are searched, in order.
    pub search_path: Vec<String>,
    /// Tables, views, materialised views, sequences and foreign tables; indexes stand with their tables.
    pub relations: Relations,
    /// Domains and enums.
    pub types: Vec<TypeFacts>,
    /// The most volatile of the functions of each name.
    pub functions: BTreeMap<String, Volatility>,
    /// Pairs of types, as `format_type` prints them, of which the first is stored like the second.
    pub binary_casts: Vec<(String, String)>,
    /// Pairs of types, as `format_type` prints them, of which values of the first can be assigned to the second.
    #[serde(default)]
    pub assignment_casts: Vec<(String, String)>,
    /// Functions and procedures that statements have made: the statement, by the bare name.
    #[serde(skip)]
    pub routines: BTreeMap<String, String>,
    /// Where no server was asked: CHECK constraints that statements have added, by the path of their table as written.
    #[serde(skip)]
    pub added_checks: BTreeMap<Vec<String>, Vec<ConstraintFacts>>,
}

/// One domain or enum.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TypeFacts {
    /// Schema, bare.
    pub schema: String,
    /// Bare name.
    pub name: String,
    /// The base type of a domain.
    pub base: Option<String>,
    /// Whether the domain, or a domain it is based on, has a constraint.
    pub constrained: bool,
}

impl SchemaFacts {
    /// Returns whether a server was asked.
    pub fn is_known(&self) -> bool {
        self.version_num > 0
    }

    /// Returns the relation of this path (`[name]` or `[schema, name]`, bare), searched along the search path.
    pub fn relation(&self, path: &[String]) -> Option<&RelationFacts> {
        let position = self.position(path)?;
        self.relations.get(position)
    }

    /// Returns the position of a relation in `relations`; see [`relation`](Self::relation).
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

    /// Returns the positions of its descendants in `relations`; see [`descendants`](Self::descendants).
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

    /// Returns the direct partitions and children of a relation.
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
