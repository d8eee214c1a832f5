//! The schema without what statements drop, and with what they rename: everywhere it is mentioned.

use super::made::qualified;
use super::renamed::{rename, rename_index};
use crate::catalog::{DependedOn, RelationKind, SchemaFacts};
use crate::migration::command::{
    AlterDomain, AlterIndex, AlterSequence, AlterType, Alteration, DomainAction, DropObjects, IndexAction, ObjectKind,
    PartVerb, Publication, SequenceAction, TablePart, TypeAction,
};
use crate::migration::names::name_path;

pub(super) fn drop_each(dropped: &DropObjects, schema: &mut SchemaFacts) {
    for path in dropped.names.iter().map(|name| name_path(name)) {
        match dropped.kind {
            ObjectKind::Index => drop_index(&path, schema),
            ObjectKind::ForeignTable
            | ObjectKind::MaterializedView
            | ObjectKind::Sequence
            | ObjectKind::Table
            | ObjectKind::View => {
                if let Some(position) = schema.position(&path) {
                    drop_relation(position, schema);
                }
            }
            ObjectKind::Schema => drop_schema(&path.concat(), schema),
            ObjectKind::Domain | ObjectKind::Type => drop_type(&path, schema),
            ObjectKind::Publication => schema.publications.retain(|known| known.name != path.concat()),
            ObjectKind::Statistics => {
                for relation in &mut schema.relations {
                    relation.statistics.retain(|known| !name_path(known).ends_with(&path));
                }
            }
            _ => {}
        }
    }
}

fn drop_index(path: &[String], schema: &mut SchemaFacts) {
    let Some(name) = schema.index(path).map(|(_, index)| index.name.clone()) else {
        return;
    };
    let mut gone = vec![name];
    while let Some(name) = gone.pop() {
        for relation in &mut schema.relations {
            let below = relation
                .indexes
                .iter()
                .filter(|index| index.parent.as_ref() == Some(&name));
            gone.extend(below.map(|index| index.name.clone()));
            relation.indexes.retain(|index| index.name != name);
        }
    }
}

/// Takes a relation away, with its partitions and children, its sequences, the views that read it and the foreign keys
/// to it: where those are in the way, the server refuses.
pub(super) fn drop_relation(position: usize, schema: &mut SchemaFacts) {
    let mut gone = vec![schema.relations[position].name.clone()];
    let mut next = 0;
    while let Some(name) = gone.get(next).cloned() {
        let descendants = schema.descendants(&name).into_iter();
        let mut more: Vec<String> = descendants.map(|relation| relation.name.clone()).collect();
        more.extend(schema.relations.readers_of(&name).map(|view| view.name.clone()));
        if let Some(relation) = schema.named(&name) {
            more.extend(relation.sequences.iter().cloned());
        }
        more.retain(|name| !gone.contains(name));
        gone.append(&mut more);
        next += 1;
    }
    for name in gone {
        if let Some(place) = schema.relations.place_of(&name) {
            schema.relations.remove(place);
        }
        for relation in &mut schema.relations {
            relation
                .constraints
                .retain(|constraint| constraint.references.as_ref() != Some(&name));
            relation.sequences.retain(|sequence| *sequence != name);
        }
        for publication in &mut schema.publications {
            publication.tables.retain(|table| *table != name);
        }
    }
}

fn drop_schema(name: &str, schema: &mut SchemaFacts) {
    while let Some(place) = schema.relations.iter().position(|relation| relation.schema == name) {
        drop_relation(place, schema);
    }
    schema.types.retain(|known| known.schema != name);
    schema.schemas.retain(|known| known != name);
}

/// Columns of the type go with it.
fn drop_type(path: &[String], schema: &mut SchemaFacts) {
    let Some(name) = path.last().cloned() else { return };
    let affected: Vec<String> = schema
        .dependents(DependedOn::Type, path, "")
        .into_iter()
        .flat_map(|found| found.relations.clone())
        .collect();
    let is_such = |data_type: &str| name_path(data_type.trim_end_matches("[]")).last() == Some(&name);
    for relation in schema
        .relations
        .iter_mut()
        .filter(|relation| affected.contains(&relation.name))
    {
        relation.columns.retain(|column| !is_such(&column.data_type));
    }
    if let Some(known) = schema.type_of(path) {
        let (home, name) = (known.schema.clone(), known.name.clone());
        schema.types.retain(|known| known.schema != home || known.name != name);
    }
}

pub(super) fn alter_index(alter: &AlterIndex, schema: &mut SchemaFacts) {
    let path = name_path(&alter.index);
    let Some(old) = schema.index(&path).map(|(_, index)| index.name.clone()) else {
        // The name may be a table's.
        if let (IndexAction::Rename(to), Some(position)) = (&alter.action, schema.position(&path)) {
            rename(position, None, Some(to), schema);
        }
        return;
    };
    match &alter.action {
        IndexAction::Rename(to) => rename_index(&old, to, schema),
        IndexAction::Attach(written) => {
            let attached = schema.index(&name_path(written)).map(|(_, index)| index.name.clone());
            let indexes = schema.relations.iter_mut().flat_map(|relation| &mut relation.indexes);
            for index in indexes.filter(|index| Some(&index.name) == attached.as_ref()) {
                index.parent = Some(old.clone());
            }
        }
        _ => {}
    }
}

pub(super) fn alter_sequence(alter: &AlterSequence, schema: &mut SchemaFacts) {
    if let (SequenceAction::Rename(to), Some(position)) = (&alter.action, schema.position(&name_path(&alter.sequence)))
    {
        rename(position, None, Some(to), schema);
    }
}

pub(super) fn alter_type(alter: &AlterType, schema: &mut SchemaFacts) {
    if let TypeAction::Rename(to) = &alter.action {
        rename_type(&name_path(&alter.name), to, schema);
    }
}

pub(super) fn alter_domain(alter: &AlterDomain, schema: &mut SchemaFacts) {
    let path = name_path(&alter.name);
    match &alter.action {
        DomainAction::Rename(to) => rename_type(&path, to, schema),
        DomainAction::AddConstraint { .. } | DomainAction::SetNotNull => {
            let Some(found) = schema.type_of(&path) else { return };
            let (home, name) = (found.schema.clone(), found.name.clone());
            let is_such = |known: &&mut crate::catalog::TypeFacts| known.schema == home && known.name == name;
            schema
                .types
                .iter_mut()
                .filter(is_such)
                .for_each(|known| known.constrained = true);
        }
        DomainAction::ValidateConstraint | DomainAction::Other => {}
    }
}

fn rename_type(path: &[String], to: &str, schema: &mut SchemaFacts) {
    let Some(old) = path.last() else { return };
    if let Some(found) = schema.type_of(path) {
        let (home, name) = (found.schema.clone(), found.name.clone());
        let mut types = schema.types.iter_mut();
        if let Some(known) = types.find(|known| known.schema == home && known.name == name) {
            to.clone_into(&mut known.name);
        }
    }
    for column in schema.relations.iter_mut().flat_map(|relation| &mut relation.columns) {
        let bare = column.data_type.trim_end_matches("[]").to_owned();
        if name_path(&bare).last() == Some(old) {
            let suffix = column.data_type[bare.len()..].to_owned();
            let mut new = name_path(&bare);
            new.pop();
            new.push(to.to_owned());
            let new: Vec<String> = new.iter().map(|part| crate::migration::names::quoted(part)).collect();
            column.data_type = new.join(".") + &suffix;
        }
    }
    for known in schema
        .dependents
        .iter_mut()
        .filter(|known| known.kind == DependedOn::Type && known.name == *old)
    {
        to.clone_into(&mut known.name);
    }
    for relation in &mut schema.relations {
        if let Some(of_type) = relation.of_type.as_mut().filter(|of| name_path(of).last() == Some(old)) {
            let home = name_path(of_type);
            *of_type = qualified(&home[..home.len() - 1].concat(), to);
        }
    }
}

/// Follows the renaming of what is named nowhere else.
pub(super) fn alter(alter: &Alteration, schema: &mut SchemaFacts) {
    let (Some(name), Some(to)) = (&alter.name, &alter.renamed_to) else {
        return;
    };
    if matches!(
        alter.kind,
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine | ObjectKind::Collation | ObjectKind::Server
    ) {
        let old = name_path(name).pop();
        let known = schema.dependents.iter_mut();
        known
            .filter(|known| Some(&known.name) == old.as_ref() && known.kind != DependedOn::Relation)
            .for_each(|known| to.clone_into(&mut known.name));
    }
    if alter.kind == ObjectKind::Schema {
        let old = name_path(name).concat();
        while let Some(place) = schema.relations.iter().position(|relation| relation.schema == old) {
            rename(place, Some(to), None, schema);
        }
        let types = schema.types.iter_mut();
        types
            .filter(|known| known.schema == old)
            .for_each(|known| to.clone_into(&mut known.schema));
        let schemas = schema.schemas.iter_mut();
        schemas
            .filter(|known| **known == old)
            .for_each(|known| to.clone_into(known));
    }
}

pub(super) fn table_part(part: &TablePart, schema: &mut SchemaFacts) {
    let Some(position) = schema.position(&name_path(&part.table)) else {
        return;
    };
    let uses: Vec<String> = part
        .does
        .iter()
        .filter_map(|action| schema.relation(&name_path(action.body.target()?)))
        .map(|relation| relation.name.clone())
        .collect();
    let name = name_path(&part.name).concat();
    let is_new = matches!(part.verb, PartVerb::Create | PartVerb::Replace);
    let reaches_partitions = part.for_each_row || part.verb != PartVerb::Create;
    let is_partitioned = schema.relations[position].kind == RelationKind::PartitionedTable;
    let mut places = vec![position];
    if part.kind == ObjectKind::Trigger && reaches_partitions && is_partitioned {
        places.extend(schema.places_of_descendants(&schema.relations[position].name));
    }
    for place in places {
        let relation = &mut schema.relations[place];
        let lists: Vec<&mut Vec<String>> = match part.kind {
            ObjectKind::Trigger => vec![&mut relation.triggers, &mut relation.row_triggers],
            ObjectKind::Policy => vec![&mut relation.policies],
            _ => Vec::new(),
        };
        for (number, list) in lists.into_iter().enumerate() {
            let known = list.contains(&name);
            if part.verb == PartVerb::Drop || part.renamed_to.is_some() || part.verb == PartVerb::Replace {
                list.retain(|known| *known != name);
            }
            if is_new && (number == 0 || part.for_each_row) {
                list.push(name.clone());
            }
            list.extend(part.renamed_to.clone().filter(|_| known));
        }
        if part.kind == ObjectKind::Trigger && is_new && part.instead {
            relation.instead.extend(part.events.iter().cloned());
        }
        if part.kind == ObjectKind::Rule {
            follow_rule(relation, part, &name, &uses);
        }
    }
}

fn follow_rule(relation: &mut crate::catalog::RelationFacts, part: &TablePart, name: &str, uses: &[String]) {
    match (&part.renamed_to, part.verb) {
        (Some(to), _) => {
            let rules = relation.rules.iter_mut();
            rules
                .filter(|rule| rule.name == name)
                .for_each(|rule| to.clone_into(&mut rule.name));
        }
        (None, PartVerb::Drop) => relation.rules.retain(|rule| rule.name != name),
        (None, PartVerb::Alter) => {}
        (None, PartVerb::Create | PartVerb::Replace) => {
            relation.rules.retain(|rule| rule.name != name);
            relation.rules.push(crate::catalog::RuleFacts {
                name: name.to_owned(),
                event: part.events.concat(),
                instead: part.instead,
                uses: uses.to_vec(),
            });
        }
    }
}

pub(super) fn publication(publication: &Publication, schema: &mut SchemaFacts) {
    let tables: Vec<String> = publication
        .tables
        .iter()
        .filter_map(|named| schema.relation(&name_path(&named.name)))
        .map(|relation| relation.name.clone())
        .collect();
    if let Some(made) = &publication.made {
        schema.publications.push(crate::catalog::PublicationFacts {
            name: made
                .name
                .as_deref()
                .map(|name| name_path(name).concat())
                .unwrap_or_default(),
            tables,
        });
        return;
    }
    let altered = schema.publications.iter_mut();
    for known in altered.filter(|known| Some(&known.name) == publication.altered.as_ref()) {
        if publication.sets {
            known.tables.clone_from(&tables);
        } else if publication.drops {
            known.tables.retain(|table| !tables.contains(table));
        } else {
            known.tables.extend(tables.iter().cloned());
        }
    }
}
