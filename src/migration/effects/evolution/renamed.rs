//! The schema with other names of relations and indexes, everywhere they are mentioned.

use super::made::qualified;
use crate::catalog::{DependedOn, Origin, SchemaFacts};

/// Gives a relation another schema or name, everywhere it is mentioned.
pub(super) fn rename(position: usize, home: Option<&String>, name: Option<&String>, schema: &mut SchemaFacts) {
    let relation = &mut schema.relations[position];
    let old = relation.name.clone();
    relation.schema = home.unwrap_or(&relation.schema).clone();
    relation.bare_name = name.unwrap_or(&relation.bare_name).clone();
    relation.name = qualified(&relation.schema, &relation.bare_name);
    let new = relation.name.clone();
    if relation.origin == Origin::Catalog {
        relation.origin = Origin::Renamed(old.clone());
    }
    if let Some(home) = home {
        let former = schema
            .dependents
            .iter_mut()
            .filter(|known| known.kind == DependedOn::Schema && known.name != *home);
        former.for_each(|known| known.relations.retain(|name| *name != old));
    }
    let relation = &mut schema.relations[position];
    for index in &mut relation.indexes {
        index.name = qualified(&relation.schema, &index.bare_name);
    }
    let lists = schema
        .dependents
        .iter_mut()
        .flat_map(|known| [&mut known.relations, &mut known.own]);
    let published = schema.publications.iter_mut().map(|known| &mut known.tables);
    for mention in lists.chain(published).flatten().filter(|mention| **mention == old) {
        mention.clone_from(&new);
    }
    for other in &mut schema.relations {
        let references = other
            .constraints
            .iter_mut()
            .filter_map(|constraint| constraint.references.as_mut());
        let used = other.rules.iter_mut().flat_map(|rule| &mut rule.uses);
        let others = other
            .parents
            .iter_mut()
            .chain(&mut other.reads)
            .chain(&mut other.sequences);
        for mention in others.chain(references).chain(used) {
            if *mention == old {
                mention.clone_from(&new);
            }
        }
    }
}

/// Renames an index, and the constraint that it enforces.
pub(super) fn rename_index(old: &str, to: &str, schema: &mut SchemaFacts) {
    let mut new = String::new();
    for relation in &mut schema.relations {
        let home = relation.schema.clone();
        for index in relation.indexes.iter_mut().filter(|index| index.name == old) {
            let constraints = relation.constraints.iter_mut();
            for constraint in constraints.filter(|constraint| constraint.index.as_ref() == Some(&index.bare_name)) {
                to.clone_into(&mut constraint.name);
                constraint.index = Some(to.to_owned());
            }
            to.clone_into(&mut index.bare_name);
            index.name = qualified(&home, to);
            new.clone_from(&index.name);
        }
    }
    let indexes = schema.relations.iter_mut().flat_map(|relation| &mut relation.indexes);
    for index in indexes.filter(|index| index.parent.as_deref() == Some(old)) {
        index.parent = Some(new.clone());
    }
}
