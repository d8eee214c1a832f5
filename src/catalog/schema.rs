//! Those parts of a schema that decide what a statement locks, rewrites and scans: plain data.
//!
//! Knows nothing of statements. Names of relations are qualified and quoted where SQL needs it; all other names are
//! bare.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::kinds::Volatility;
use super::relation::{ConstraintFacts, RelationFacts, SchemaIndex};
use super::relations::Relations;
use crate::quoting::names_of_list;

/// The relations, types and functions that a migration may use.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SchemaFacts {
    /// `server_version_num`, e.g. 150018. If it is 0, no server was asked, and everything else is empty.
    pub version_num: u32,
    /// What the session is set to.
    pub settings: SessionSettings,
    /// What the session began with, to which `RESET` returns.
    pub initial: SessionSettings,
    /// Schemas that the session may use, bare; none where that is not known.
    pub schemas: Vec<String>,
    /// Tablespace of the database.
    pub tablespace: String,
    /// Tables, views, materialised views, sequences and foreign tables; indexes stand with their tables.
    pub relations: Relations,
    /// Domains and enums.
    pub types: Vec<TypeFacts>,
    /// The most volatile of the functions of each name.
    pub functions: BTreeMap<String, Volatility>,
    /// Pairs of types, as `format_type` prints them, of which the first is stored like the second.
    pub binary_casts: Vec<(String, String)>,
    /// The publications, with their tables.
    pub publications: Vec<PublicationFacts>,
    /// What goes with what is dropped by CASCADE, of the names that were asked for.
    pub dependents: Vec<Dependents>,
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

/// The settings of a session that decide what a statement means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SessionSettings {
    /// Its time zone.
    pub timezone: String,
    /// Schemas in which unqualified names are searched, in order, bare; `$user` stands for that of the user.
    #[serde(deserialize_with = "names")]
    pub search_path: Vec<String>,
    /// Its user, as whom it does everything.
    pub user: String,
}

fn names<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    String::deserialize(deserializer).map(|list| names_of_list(&list))
}

/// The schema of temporary tables, as SQL may write it.
pub const TEMPORARY: &str = "pg_temp";

/// One domain or enum.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TypeFacts {
    /// Schema, bare.
    pub schema: String,
    /// Bare name.
    pub name: String,
    /// The base type of a domain.
    pub base: Option<String>,
    /// Whether the domain, or a domain it is based on, has a constraint.
    pub constrained: bool,
    /// Whether its own default gives every row another value.
    pub volatile_default: bool,
}

/// One publication.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PublicationFacts {
    /// Bare name.
    pub name: String,
    /// Qualified names.
    pub tables: Vec<String>,
}

/// Kinds of objects that CASCADE may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DependedOn {
    /// A collation.
    Collation,
    /// An extension.
    Extension,
    /// A relation, or a column of it.
    Relation,
    /// All that a role owns.
    Role,
    /// A function, procedure or aggregate; of several with one name, each.
    Routine,
    /// A schema.
    Schema,
    /// A foreign server or its wrapper.
    Server,
    /// A type or domain.
    Type,
}

/// The relations that are dropped, or lose a part, when something is dropped with CASCADE.
#[derive(Clone, Debug, Deserialize)]
pub struct Dependents {
    /// What it is.
    pub kind: DependedOn,
    /// Its schema, bare; empty where it has none.
    pub schema: String,
    /// Bare name.
    pub name: String,
    /// Bare name of the column, or empty.
    pub part: String,
    /// Qualified names.
    pub relations: Vec<String>,
    /// Of a role: the relations that it owns.
    pub own: Vec<String>,
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

    /// Returns the schemas in which unqualified names are searched, as far as they exist.
    fn path(&self) -> impl Iterator<Item = &str> {
        let settings = &self.settings;
        let named = settings.search_path.iter().map(|name| match name.as_str() {
            "$user" => settings.user.as_str(),
            name => name,
        });
        named.filter(|name| self.schemas.is_empty() || self.schemas.iter().any(|known| known == name))
    }

    /// Returns the schema in which a new object of an unqualified name is made. Where no server was asked, that is the
    /// nameless one if no statement has set another.
    pub fn home(&self) -> Option<&str> {
        let nameless = (!self.is_known()).then_some("");
        self.path().next().map(|name| self.known_as(name)).or(nameless)
    }

    /// Returns the schema of a new object whose name has these parts before the last.
    pub fn home_of(&self, qualifier: &[String], temporary: bool) -> Option<String> {
        let home = match qualifier.last() {
            _ if temporary => TEMPORARY,
            Some(schema) => self.known_as(schema),
            None => self.home()?,
        };
        Some(home.to_owned())
    }

    /// Where no server was asked, `public` is where unqualified names belong.
    fn known_as<'name>(&self, schema: &'name str) -> &'name str {
        if schema == "public" && !self.is_known() {
            ""
        } else {
            schema
        }
    }

    /// Looks up a path of names along the search path; temporary objects come first.
    fn search<T>(&self, path: &[String], found: impl Fn(&str, &str) -> Option<T>) -> Option<T> {
        match path {
            [name] => found(TEMPORARY, name)
                .or_else(|| self.path().find_map(|schema| found(self.known_as(schema), name)))
                .or_else(|| {
                    self.home()
                        .filter(|_| !self.is_known())
                        .and_then(|home| found(home, name))
                }),
            [.., schema, name] => found(self.known_as(schema), name),
            [] => None,
        }
    }

    /// Returns the position of a relation in `relations`; see [`relation`](Self::relation).
    pub fn position(&self, path: &[String]) -> Option<usize> {
        self.search(path, |schema, name| self.relations.place_in(schema, name))
    }

    /// Returns the relation of this qualified name.
    pub fn named(&self, name: &str) -> Option<&RelationFacts> {
        self.relations.get(self.relations.place_of(name)?)
    }

    /// Returns the index of this path, and its table.
    pub fn index(&self, path: &[String]) -> Option<(&RelationFacts, &SchemaIndex)> {
        self.search(path, |schema, name| {
            let (table, index) = self.relations.index_in(schema, name)?;
            let table = self.relations.get(table)?;
            Some((table, table.indexes.get(index)?))
        })
    }

    /// Returns the domain or enum of this path; see [`relation`](Self::relation).
    pub fn type_of(&self, path: &[String]) -> Option<&TypeFacts> {
        self.search(path, |schema, name| {
            let mut types = self.types.iter();
            types.find(|known| known.schema == schema && known.name == name)
        })
    }

    /// Returns what goes with an object of this path, or with a column of it, when it is dropped with CASCADE.
    pub fn dependents(&self, kind: DependedOn, path: &[String], part: &str) -> Vec<&Dependents> {
        let of = |schema: &str, name: &str| -> Option<Vec<&Dependents>> {
            let all = self
                .dependents
                .iter()
                .filter(|known| known.kind == kind && known.part == part);
            let found: Vec<&Dependents> = all
                .filter(|known| known.schema == schema && known.name == name)
                .collect();
            (!found.is_empty()).then_some(found)
        };
        let without_schema = path.last().and_then(|name| of("", name));
        let found = without_schema.or_else(|| self.search(path, of));
        // A statement before may have moved it.
        let of_any_schema = || {
            let all = self
                .dependents
                .iter()
                .filter(|known| known.kind == kind && known.part == part);
            all.filter(|known| Some(&known.name) == path.last()).collect()
        };
        found.unwrap_or_else(of_any_schema)
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
