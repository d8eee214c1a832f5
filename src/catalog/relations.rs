//! The relations of a schema, with lookups by name, parent or index that do not scan all of them: there may be tens of
//! thousands, and each partition of a table is looked up.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use serde::Deserialize;

use super::relation::RelationFacts;

/// The relations of a schema, in order. The lookup tables are built on first use after a change.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Vec<RelationFacts>")]
pub struct Relations {
    list: Vec<RelationFacts>,
    places: OnceLock<Places>,
}

/// The positions in the list.
#[derive(Clone, Debug, Default)]
struct Places {
    by_name: HashMap<String, usize>,
    by_path: HashMap<String, HashMap<String, usize>>,
    /// For an index, the position of its table and its own position in that table.
    indexes: HashMap<String, HashMap<String, (usize, usize)>>,
    children: HashMap<String, Vec<usize>>,
    readers: HashMap<String, Vec<usize>>,
    /// For foreign keys, by the table they refer to: the position of their table and their own position in it.
    foreign_keys: HashMap<String, Vec<(usize, usize)>>,
}

impl Relations {
    /// Returns the position of the relation with this qualified name.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        self.places().by_name.get(name).copied()
    }

    /// Returns the position of the relation with this schema and name, both bare.
    pub(super) fn place_in(&self, schema: &str, name: &str) -> Option<usize> {
        self.places().by_path.get(schema)?.get(name).copied()
    }

    /// Returns the positions of an index with this schema and name, both bare: that of its table, and its own in that
    /// table.
    pub(super) fn index_in(&self, schema: &str, name: &str) -> Option<(usize, usize)> {
        self.places().indexes.get(schema)?.get(name).copied()
    }

    /// Returns the positions of the direct partitions and children of a relation.
    pub(super) fn children_of(&self, name: &str) -> &[usize] {
        self.places().children.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns the views that read a relation directly.
    pub fn readers_of(&self, name: &str) -> impl Iterator<Item = &RelationFacts> {
        let places = self.places().readers.get(name).map_or(&[][..], Vec::as_slice);
        places.iter().map(|place| &self.list[*place])
    }

    /// Returns the positions of the foreign keys that refer to a relation: that of their table, and their own in that
    /// table.
    pub(super) fn foreign_keys_to(&self, name: &str) -> &[(usize, usize)] {
        self.places().foreign_keys.get(name).map_or(&[], Vec::as_slice)
    }

    /// Adds a relation and returns its position.
    pub fn push(&mut self, relation: RelationFacts) -> usize {
        self.places.take();
        self.list.push(relation);
        self.list.len() - 1
    }

    /// Keeps only those of which `wanted` says so.
    pub fn retain(&mut self, wanted: impl Fn(&RelationFacts) -> bool) {
        self.places.take();
        self.list.retain(wanted);
    }

    /// Removes the relation at a position.
    pub fn remove(&mut self, place: usize) {
        self.places.take();
        self.list.remove(place);
    }

    fn places(&self) -> &Places {
        self.places.get_or_init(|| Places::of(&self.list))
    }
}

impl Places {
    fn of(list: &[RelationFacts]) -> Places {
        let mut places = Places::default();
        for (place, relation) in list.iter().enumerate() {
            // If several relations have the same name, the first one counts.
            places.by_name.entry(relation.name.clone()).or_insert(place);
            let in_schema = places.by_path.entry(relation.schema.clone()).or_default();
            in_schema.entry(relation.bare_name.clone()).or_insert(place);
            let indexes = places.indexes.entry(relation.schema.clone()).or_default();
            for (own, index) in relation.indexes.iter().enumerate() {
                indexes.entry(index.bare_name.clone()).or_insert((place, own));
            }
            note_each(&mut places.children, &relation.parents, place);
            note_each(&mut places.readers, &relation.reads, place);
            for (own, constraint) in relation.constraints.iter().enumerate() {
                if let Some(referenced) = &constraint.references {
                    let keys = places.foreign_keys.entry(referenced.clone()).or_default();
                    keys.push((place, own));
                }
            }
        }
        places
    }
}

/// Adds a position once under each of the names.
fn note_each(places: &mut HashMap<String, Vec<usize>>, names: &[String], place: usize) {
    for name in names {
        let found = places.entry(name.clone()).or_default();
        if found.last() != Some(&place) {
            found.push(place);
        }
    }
}

impl From<Vec<RelationFacts>> for Relations {
    fn from(list: Vec<RelationFacts>) -> Relations {
        Relations {
            list,
            places: OnceLock::new(),
        }
    }
}

impl Deref for Relations {
    type Target = [RelationFacts];

    fn deref(&self) -> &[RelationFacts] {
        &self.list
    }
}

impl DerefMut for Relations {
    fn deref_mut(&mut self) -> &mut [RelationFacts] {
        self.places.take();
        &mut self.list
    }
}

impl<'relations> IntoIterator for &'relations Relations {
    type Item = &'relations RelationFacts;
    type IntoIter = std::slice::Iter<'relations, RelationFacts>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

impl<'relations> IntoIterator for &'relations mut Relations {
    type Item = &'relations mut RelationFacts;
    type IntoIter = std::slice::IterMut<'relations, RelationFacts>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}
