//! The schema with what `CREATE` of tables, views and indexes adds.

use super::altered;
use super::made::{add_index, bound_of, qualified};
use crate::catalog::{ConstraintKind, Origin, Persistence, RelationFacts, RelationKind, SchemaFacts};
use crate::migration::command::{
    Body, Command, CreateIndex, CreateTable, CreateTableAs, Creation, Like, ObjectKind, Query, Select,
};
use crate::migration::names::name_path;

/// Adds what a statement makes, and returns its place.
fn add_relation(made: &Creation, schema: &mut SchemaFacts) -> Option<usize> {
    let kind = match made.kind {
        ObjectKind::Table => RelationKind::Table,
        ObjectKind::MaterializedView => RelationKind::MaterializedView,
        ObjectKind::View => RelationKind::View,
        ObjectKind::Sequence => RelationKind::Sequence,
        ObjectKind::ForeignTable => RelationKind::ForeignTable,
        _ => return None,
    };
    let path = name_path(made.name.as_ref()?);
    let (name, qualifier) = path.split_last()?;
    let home = schema.home_of(qualifier, made.temporary)?;
    let present = schema.position(&[home.clone(), name.clone()]);
    if made.replaces && present.is_some() {
        return present;
    }
    // Where no server was asked, a table that may be there already is not known.
    if present.is_some() || (made.if_not_exists && !schema.is_known()) {
        return None;
    }
    Some(schema.relations.push(RelationFacts {
        name: qualified(&home, name),
        schema: home,
        bare_name: name.clone(),
        kind,
        persistence: if made.temporary {
            Persistence::Temporary
        } else {
            Persistence::Permanent
        },
        empty: kind == RelationKind::Table,
        origin: Origin::Made,
        ..RelationFacts::default()
    }))
}

/// Adds a sequence, foreign table or the like.
pub(super) fn create(made: &Creation, schema: &mut SchemaFacts) {
    add_relation(made, schema);
}

pub(super) fn create_table(create: &CreateTable, schema: &mut SchemaFacts) {
    let Some(position) = add_relation(&create.made, schema) else {
        return;
    };
    if let Some(key) = &create.partition_key {
        let relation = &mut schema.relations[position];
        relation.kind = RelationKind::PartitionedTable;
        relation.partition_key = Some(key.clone());
    }
    if let Some((parent, bound)) = &create.partition_of {
        let bound = bound_of(bound);
        let parent = schema.position(&name_path(parent));
        let partition = &mut schema.relations[position];
        partition.bound = Some(bound);
        partition.empty = partition.kind.holds_rows();
        if let Some(parent) = parent {
            join_parent(position, parent, true, schema);
        }
    }
    for like in &create.like {
        copy(position, like, schema);
    }
    for parent in &create.inherits {
        if let Some(parent) = schema.position(&name_path(parent)) {
            join_parent(position, parent, false, schema);
        }
    }
    for column in &create.columns {
        altered::add_column(position, column, schema);
    }
    for constraint in &create.constraints {
        altered::add_constraint(position, constraint, schema);
    }
    if let Some(of_type) = &create.of_type {
        schema.relations[position].of_type = Some(of_type.clone());
    }
}

/// Gives a table what it has from a parent: of a partitioned one also keys, foreign keys and indexes.
pub(super) fn join_parent(position: usize, parent: usize, is_partition: bool, schema: &mut SchemaFacts) {
    let parent = schema.relations[parent].clone();
    let child = &mut schema.relations[position];
    for column in parent.columns {
        if child.column(&column.name).is_none() {
            child.columns.push(column);
        }
    }
    for mut constraint in parent.constraints {
        if constraint.is_passed_on(is_partition) && child.constraint(&constraint.name).is_none() {
            constraint.inherited = true;
            child.constraints.push(constraint);
        }
    }
    if is_partition {
        child.triggers.extend(parent.row_triggers.iter().cloned());
        child.row_triggers.extend(parent.row_triggers);
        for index in parent.indexes {
            let suffix = if index.primary_like(&child.constraints) {
                "pkey".to_owned()
            } else {
                format!("{}_idx", index.columns.join("_"))
            };
            let name = format!("{}_{suffix}", child.bare_name);
            let unused = unused_name(child, &name);
            add_index(child, &unused, index.columns, index.unique, index.plain);
            if let Some(own) = child.indexes.last_mut() {
                own.parent = Some(index.name);
                own.used_columns = index.used_columns;
            }
        }
    }
    child.parents.push(parent.name);
}

fn unused_name(relation: &RelationFacts, name: &str) -> String {
    let is_used = |name: &str| relation.indexes.iter().any(|index| index.bare_name == name);
    let numbered = (1..).map(|number| format!("{name}{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !is_used(name)).unwrap_or_default()
}

fn copy(position: usize, like: &Like, schema: &mut SchemaFacts) {
    let Some(origin) = schema.relation(&name_path(&like.table)).cloned() else {
        return;
    };
    let relation = &mut schema.relations[position];
    relation.columns.extend(origin.columns);
    let copied = |kind: ConstraintKind| match kind {
        ConstraintKind::Check => like.with_checks,
        ConstraintKind::PrimaryKey | ConstraintKind::Unique | ConstraintKind::Exclusion => like.with_indexes,
        ConstraintKind::NotNull => true,
        _ => false,
    };
    for mut constraint in origin
        .constraints
        .into_iter()
        .filter(|constraint| copied(constraint.kind))
    {
        constraint.inherited = false;
        if constraint.kind.is_key() {
            constraint.name = constraint.name.replacen(&origin.bare_name, &relation.bare_name, 1);
            constraint.index = Some(constraint.name.clone());
        }
        relation.constraints.push(constraint);
    }
    for index in origin.indexes.into_iter().filter(|_| like.with_indexes) {
        let is_key = relation.constraints.iter().find(|constraint| {
            constraint.kind.is_key() && constraint.columns == index.columns && constraint.index.is_some()
        });
        let name = match is_key {
            Some(constraint) => constraint.name.clone(),
            None => unused_name(
                relation,
                &format!("{}_{}_idx", relation.bare_name, index.columns.join("_")),
            ),
        };
        add_index(relation, &name, index.columns, index.unique, index.plain);
        if let Some(own) = relation.indexes.last_mut() {
            own.used_columns = index.used_columns;
        }
    }
}

/// Adds a table or materialised view with the rows of a query, or a view.
pub(super) fn create_as(create: &CreateTableAs, schema: &mut SchemaFacts) {
    let reads: Vec<String> = create.query.iter().flat_map(|query| read_by(query, schema)).collect();
    if let Some(position) = add_relation(&create.made, schema) {
        let relation = &mut schema.relations[position];
        relation.empty = false;
        if create.made.kind != ObjectKind::Table {
            relation.reads = reads;
        }
    }
}

/// Adds the table that `SELECT … INTO` makes.
pub(super) fn select_into(query: &Query, schema: &mut SchemaFacts) {
    if let Body::Select(Select { into: Some(made), .. }) = &query.body
        && let Some(position) = add_relation(made, schema)
    {
        schema.relations[position].empty = false;
    }
}

/// Returns the qualified names of the relations that a query reads itself.
pub(super) fn read_by(query: &Query, schema: &SchemaFacts) -> Vec<String> {
    let mut found: Vec<String> = query.with.iter().flat_map(|common| read_by(common, schema)).collect();
    if let Body::Select(select) = &query.body {
        let sources = select.parts.iter().chain(&select.within).flat_map(|part| &part.sources);
        let relations = sources.filter_map(|source| schema.relation(&name_path(&source.name)));
        found.extend(relations.map(|relation| relation.name.clone()));
    }
    found.sort();
    found.dedup();
    found
}

pub(super) fn create_index(create: &CreateIndex, schema: &mut SchemaFacts) {
    let Some(position) = schema.position(&name_path(&create.table.name)) else {
        return;
    };
    let relation = &schema.relations[position];
    let name = create.name.clone().unwrap_or_else(|| {
        unused_name(
            relation,
            &format!("{}_{}_idx", relation.bare_name, create.columns.join("_")),
        )
    });
    if schema.index(&[relation.schema.clone(), name.clone()]).is_some() {
        return;
    }
    index_each(position, &name, create, schema);
}

/// Adds an index, and one to each of the partitions.
fn index_each(position: usize, name: &str, create: &CreateIndex, schema: &mut SchemaFacts) {
    let relation = &mut schema.relations[position];
    add_index(relation, name, create.columns.clone(), create.unique, create.plain);
    let parent = relation.indexes.last().map(|index| index.name.clone());
    let is_partitioned = relation.kind == RelationKind::PartitionedTable;
    if is_partitioned
        && create.table.only
        && let Some(index) = relation.indexes.last_mut()
    {
        index.valid = false;
    }
    if !is_partitioned || create.table.only {
        return;
    }
    let table = relation.name.clone();
    let children: Vec<usize> = schema
        .children(&table)
        .filter_map(|child| schema.relations.place_of(&child.name))
        .collect();
    for child in children {
        let relation = &schema.relations[child];
        let own = unused_name(
            relation,
            &format!("{}_{}_idx", relation.bare_name, create.columns.join("_")),
        );
        index_each(child, &own, create, schema);
        let below = schema.relations[child].indexes.iter_mut();
        for index in below.filter(|index| index.bare_name == own) {
            index.parent.clone_from(&parent);
        }
    }
}

/// Returns the elements of a new schema as statements of their own, whose names belong to it.
pub(super) fn create_schema(made: &Creation, elements: &[Command], schema: &mut SchemaFacts) {
    let Some(name) = made.name.as_deref().map(|name| name_path(name).concat()) else {
        return;
    };
    if !schema.schemas.is_empty() && !schema.schemas.contains(&name) {
        schema.schemas.push(name.clone());
    }
    let path = schema.settings.search_path.clone();
    schema.settings.search_path.insert(0, name);
    elements.iter().for_each(|element| super::evolve_by(element, schema));
    schema.settings.search_path = path;
}
