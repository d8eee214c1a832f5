//! The current schema of a database: every object with its attributes, as plain data that can be compared with a later
//! snapshot.
//!
//! Deliberately left out: rows, the positions of sequences, what belongs to the whole server (roles, tablespaces),
//! large objects, security labels and subscriptions.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The objects of a database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaSnapshot {
    /// The objects, by class (`column`, `index`, …) and name as people write it (`public.orders.note`, `orders_check on
    /// public.orders`).
    pub objects: BTreeMap<ObjectName, SchemaObject>,
}

/// Identifies an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectName {
    /// What it is: `table`, `column`, `index`, `function` …
    pub class: String,
    /// Its name, qualified and quoted where SQL needs it.
    pub name: String,
}

/// One object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaObject {
    /// The objects with which it is created and dropped, as [`ObjectName`] prints them: its table, and what it is
    /// inherited from.
    pub part_of: Vec<String>,
    /// The attributes that differ from PostgreSQL's defaults, by familiar names.
    pub attributes: BTreeMap<String, Attribute>,
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Attribute {
    /// One value.
    Text(String),
    /// A number.
    Number(i64),
    /// Several values.
    List(Vec<Option<Attribute>>),
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.class, self.name)
    }
}

impl std::fmt::Display for Attribute {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Attribute::Text(text) => formatter.write_str(text),
            Attribute::Number(number) => write!(formatter, "{number}"),
            Attribute::List(_) => formatter.write_str(&self.items().join(", ")),
        }
    }
}

impl Attribute {
    /// Returns the values of a list as text; a single value is a list of one.
    pub fn items(&self) -> Vec<String> {
        match self {
            Attribute::List(items) => items
                .iter()
                .map(|item| item.as_ref().map(ToString::to_string).unwrap_or_default())
                .collect(),
            single => vec![single.to_string()],
        }
    }
}

impl SchemaSnapshot {
    /// Returns the object of this class and name.
    pub fn object(&self, class: &str, name: &str) -> Option<&SchemaObject> {
        self.objects.get(&ObjectName {
            class: class.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl SchemaObject {
    /// Returns an attribute as text.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.attributes.get(name).map(ToString::to_string)
    }
}
