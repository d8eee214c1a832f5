//! The schema with what `CREATE` of tables, views and indexes adds.

use super::altered;
use super::inherited::{copy, join_parent, unused_name};
use super::made::{add_index, bound_of, qualified};
use crate::catalog::{Origin, Persistence, RelationFacts, RelationKind, SchemaFacts};
use crate::migration::command::{Body, CreateIndex, CreateTable, CreateTableAs, Creation, ObjectKind, Query, Select};
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
