//! The schema as `ALTER TABLE` leaves it.

use super::super::data_type::is_serial;
use super::super::proofs::referenced_columns;
use super::inherited::join_parent;
use super::made::{add_index, bound_of, qualified};
use super::renamed::{rename, rename_index};
use crate::catalog::{
    ColumnFacts, ConstraintFacts, ConstraintKind, Persistence, RelationFacts, RelationKind, SchemaFacts,
};
use crate::migration::command::{
    AlterTable, ColumnAction, ColumnDefinition, ConstraintChange, ConstraintDefinition, PartitionBound, TableAction,
    TableConstraint,
};
use crate::migration::names::{name_path, quoted};

pub(super) fn alter(alter: &AlterTable, schema: &mut SchemaFacts) {
    let path = name_path(&alter.table);
    let Some(position) = schema.position(&path) else {
        // ALTER TABLE renames indexes too.
        let index = schema.index(&path).map(|(_, index)| index.name.clone());
        if let (Some(index), [TableAction::RenameTo(to)]) = (index, alter.actions.as_slice()) {
            rename_index(&index, to, schema);
        }
        return;
    };
    // What an action does moves no relation to another place.
    let descendants = schema.places_of_descendants(&schema.relations[position].name);
    for action in &alter.actions {
        let passed_on = !alter.only && is_passed_on(action, &schema.relations[position]);
        apply(position, action, schema);
        for child in descendants.iter().filter(|_| passed_on) {
            apply(*child, action, schema);
        }
    }
}

/// Says whether the children of a table get an action too.
fn is_passed_on(action: &TableAction, relation: &RelationFacts) -> bool {
    let partitioned = relation.kind == RelationKind::PartitionedTable;
    match action {
        TableAction::AddConstraint(constraint) => match constraint.definition {
            ConstraintDefinition::Check { .. } | ConstraintDefinition::NotNull => !constraint.no_inherit,
            _ => partitioned,
        },
        TableAction::DropConstraint { constraint: name, .. } => {
            let found = relation.constraint(name);
            found.is_some_and(|constraint| constraint.is_passed_on(partitioned))
        }
        TableAction::RenameConstraint { from: name, .. } => {
            let found = relation.constraint(name);
            found.is_some_and(|constraint| constraint.is_passed_on(false))
        }
        TableAction::RenameTo(_)
        | TableAction::AttachPartition { .. }
        | TableAction::DetachPartition { .. }
        | TableAction::Inherit(_)
        | TableAction::NoInherit(_)
        | TableAction::NotOf
        | TableAction::SetSchema(_)
        | TableAction::SetTablespace(_)
        | TableAction::SetLogged(_) => false,
        TableAction::AlterColumn { action, .. } => !matches!(
            action,
            ColumnAction::AddIdentity | ColumnAction::DropIdentity | ColumnAction::SetSequence
        ),
        _ => true,
    }
}

/// Does to one relation what an action says.
fn apply(position: usize, action: &TableAction, schema: &mut SchemaFacts) {
    let relation = &mut schema.relations[position];
    match action {
        TableAction::AddColumn { column, .. } => add_column(position, column, schema),
        TableAction::DropColumn { column: name, .. } => drop_column(position, name, schema),
        TableAction::AlterColumn { column, action } => alter_column(relation, column, action),
        TableAction::AddConstraint(constraint) => add_constraint(position, constraint, schema),
        TableAction::ValidateConstraint(name) => {
            for constraint in named(relation, name) {
                constraint.valid = true;
            }
            validate_not_null(relation, name);
        }
        TableAction::AlterConstraint {
            constraint: name,
            change: ConstraintChange::Enforced(enforced),
        } => {
            for constraint in named(relation, name) {
                constraint.valid = *enforced;
                constraint.definition = constraint.definition.replace(" NOT ENFORCED", "");
                if !enforced {
                    constraint.definition.push_str(" NOT ENFORCED");
                }
            }
        }
        TableAction::DropConstraint { constraint: name, .. } => drop_constraint(position, name, schema),
        TableAction::RenameColumn { from, to } => rename_column(relation, from, to),
        TableAction::RenameConstraint { from, to } => {
            let index = relation.constraint(from).and_then(|found| found.index.clone());
            let old = index.map(|index| qualified(&relation.schema, &index));
            for constraint in named(relation, from) {
                constraint.name.clone_from(to);
            }
            if let Some(old) = old {
                rename_index(&old, to, schema);
            }
        }
        TableAction::RenameTo(name) => rename(position, None, Some(name), schema),
        TableAction::SetSchema(name) => move_to(position, name, schema),
        TableAction::SetLogged(logged) => relation.persistence = Persistence::of_table(*logged),
        TableAction::SetTablespace(name) => relation.tablespace = Some(name.clone()),
        TableAction::NotOf => relation.of_type = None,
        TableAction::AttachPartition { partition, bound } => attach(position, partition, bound, schema),
        TableAction::DetachPartition { partition, .. } => leave(position, partition, schema),
        TableAction::Inherit(parent) => {
            if let Some(parent) = schema.relation(&name_path(parent)).map(|parent| parent.name.clone()) {
                schema.relations[position].parents.push(parent);
            }
        }
        TableAction::NoInherit(parent) => {
            if let Some(parent) = schema.relation(&name_path(parent)).map(|parent| parent.name.clone()) {
                schema.relations[position].parents.retain(|known| *known != parent);
            }
        }
        _ => {}
    }
}

/// Moves a relation to another schema, with its sequences.
fn move_to(position: usize, home: &String, schema: &mut SchemaFacts) {
    let sequences = schema.relations[position].sequences.clone();
    rename(position, Some(home), None, schema);
    for sequence in sequences {
        if let Some(place) = schema.relations.place_of(&sequence) {
            rename(place, Some(home), None, schema);
        }
    }
}

fn attach(position: usize, partition: &str, bound: &PartitionBound, schema: &mut SchemaFacts) {
    let Some(child) = schema.position(&name_path(partition)) else {
        return;
    };
    let empty = schema.relations[child].empty;
    join_parent(child, position, true, schema);
    let child = &mut schema.relations[child];
    child.bound = Some(bound_of(bound));
    child.empty = empty;
}

fn leave(position: usize, partition: &str, schema: &mut SchemaFacts) {
    let (home, bare) = (
        schema.relations[position].schema.clone(),
        schema.relations[position].bare_name.clone(),
    );
    let parent = schema.relations[position].name.clone();
    if let Some(child) = schema.position(&name_path(partition)) {
        let gone = schema.relations[child].name.clone();
        let own = schema
            .dependents
            .iter_mut()
            .filter(|known| known.schema == home && known.name == bare);
        own.for_each(|known| known.relations.retain(|name| *name != gone));
        let child = &mut schema.relations[child];
        child.parents.retain(|known| *known != parent);
        child.bound = None;
        child.indexes.iter_mut().for_each(|index| index.parent = None);
        child
            .constraints
            .iter_mut()
            .for_each(|constraint| constraint.inherited = false);
    }
}

fn drop_column(position: usize, name: &String, schema: &mut SchemaFacts) {
    let relation = &mut schema.relations[position];
    let table = relation.name.clone();
    relation.columns.retain(|column| column.name != *name);
    relation
        .constraints
        .retain(|constraint| !constraint.columns.contains(name));
    relation.indexes.retain(|index| !index.used_columns.contains(name));
    for other in &mut schema.relations {
        other.constraints.retain(|constraint| {
            constraint.references.as_ref() != Some(&table) || !referenced_columns(constraint).contains(name)
        });
    }
}

fn drop_constraint(position: usize, name: &str, schema: &mut SchemaFacts) {
    let relation = &mut schema.relations[position];
    let table = relation.name.clone();
    let Some(dropped) = relation.constraint(name).cloned() else {
        return;
    };
    relation
        .indexes
        .retain(|known| Some(&known.bare_name) != dropped.index.as_ref());
    relation.constraints.retain(|constraint| constraint.name != *name);
    if dropped.kind == ConstraintKind::NotNull {
        dropped
            .columns
            .iter()
            .for_each(|column| set_not_null(relation, column, false));
    }
    if dropped.kind.is_key() {
        for other in &mut schema.relations {
            other.constraints.retain(|constraint| {
                constraint.references.as_ref() != Some(&table) || referenced_columns(constraint) != dropped.columns
            });
        }
    }
}

/// From PostgreSQL 18 on NOT NULL is a constraint that may be added NOT VALID.
fn validate_not_null(relation: &mut RelationFacts, name: &str) {
    let found = relation
        .constraint(name)
        .filter(|found| found.kind == ConstraintKind::NotNull);
    for column in found.map(|found| found.columns.clone()).unwrap_or_default() {
        set_not_null(relation, &column, true);
    }
}

fn named<'a>(relation: &'a mut RelationFacts, name: &str) -> impl Iterator<Item = &'a mut ConstraintFacts> {
    let constraints = relation.constraints.iter_mut();
    constraints.filter(move |constraint| constraint.name == name)
}

pub(super) fn add_column(position: usize, column: &ColumnDefinition, schema: &mut SchemaFacts) {
    let relation = &mut schema.relations[position];
    if relation.column(&column.name).is_some() {
        return;
    }
    relation.columns.push(ColumnFacts {
        name: column.name.clone(),
        data_type: column
            .data_type
            .as_ref()
            .map(|name| name.written.clone())
            .unwrap_or_default(),
        collation: None,
        not_null: column.not_null || is_serial(column),
        has_default: column.has_default() || column.is_identity() || column.is_stored() || is_serial(column),
        identity: column.is_identity(),
        is_virtual: column.is_virtual(),
    });
    for constraint in &column.constraints {
        add_constraint(position, constraint, schema);
    }
}

fn alter_column(relation: &mut RelationFacts, name: &str, action: &ColumnAction) {
    let Some(column) = relation.columns.iter_mut().find(|column| column.name == name) else {
        return;
    };
    match action {
        ColumnAction::SetType(change) => {
            column.data_type.clone_from(&change.data_type.written);
            column.collation = change.collation.as_ref().and_then(|written| name_path(written).pop());
        }
        ColumnAction::SetNotNull => column.not_null = true,
        ColumnAction::DropNotNull => column.not_null = false,
        ColumnAction::SetDefault(_) => column.has_default = true,
        ColumnAction::DropDefault => column.has_default = false,
        ColumnAction::AddIdentity => (column.identity, column.has_default) = (true, true),
        ColumnAction::DropIdentity => (column.identity, column.has_default) = (false, false),
        _ => {}
    }
}

fn set_not_null(relation: &mut RelationFacts, name: &str, not_null: bool) {
    for column in relation.columns.iter_mut().filter(|column| column.name == name) {
        column.not_null = not_null;
    }
}

fn rename_column(relation: &mut RelationFacts, from: &str, to: &str) {
    let lists = relation
        .indexes
        .iter_mut()
        .flat_map(|index| [&mut index.columns, &mut index.used_columns]);
    let names = lists
        .chain(
            relation
                .constraints
                .iter_mut()
                .map(|constraint| &mut constraint.columns),
        )
        .flatten();
    for name in names.chain(relation.columns.iter_mut().map(|column| &mut column.name)) {
        if name == from {
            *name = to.to_owned();
        }
    }
}

pub(super) fn add_constraint(position: usize, constraint: &TableConstraint, schema: &mut SchemaFacts) {
    let (kind, suffix) = match constraint.definition {
        ConstraintDefinition::Check { .. } => (ConstraintKind::Check, "check"),
        ConstraintDefinition::Exclude => (ConstraintKind::Exclusion, "excl"),
        ConstraintDefinition::ForeignKey { .. } => (ConstraintKind::ForeignKey, "fkey"),
        ConstraintDefinition::NotNull => (ConstraintKind::NotNull, "not_null"),
        ConstraintDefinition::PrimaryKey { .. } => (ConstraintKind::PrimaryKey, "pkey"),
        ConstraintDefinition::Unique { .. } => (ConstraintKind::Unique, "key"),
    };
    let references = match &constraint.definition {
        ConstraintDefinition::ForeignKey { table, .. } => {
            let known = schema.relation(&name_path(table));
            Some(known.map_or(table.clone(), |relation| relation.name.clone()))
        }
        _ => None,
    };
    let referenced = match &constraint.definition {
        ConstraintDefinition::ForeignKey { columns, .. } if !columns.is_empty() => columns.clone(),
        _ => primary_key(references.as_deref(), schema),
    };
    let relation = &mut schema.relations[position];
    let columns = constraint.columns.join("_");
    let default_name = if kind == ConstraintKind::PrimaryKey || columns.is_empty() {
        format!("{}_{suffix}", relation.bare_name)
    } else {
        format!("{}_{columns}_{suffix}", relation.bare_name)
    };
    let name = constraint.name.clone().unwrap_or(default_name);
    let index = add_index_of(relation, constraint, &name);
    if matches!(kind, ConstraintKind::PrimaryKey | ConstraintKind::NotNull) {
        constraint
            .columns
            .iter()
            .for_each(|column| set_not_null(relation, column, !constraint.not_valid));
    }
    relation.constraints.push(ConstraintFacts {
        name,
        kind,
        valid: constraint.is_checked(),
        columns: constraint.columns.clone(),
        definition: definition_of(constraint, &referenced),
        references,
        on_delete: None,
        on_update: None,
        inherited: false,
        index,
    });
}

/// Returns a constraint as the catalog would print it, as far as the rules read that.
fn definition_of(constraint: &TableConstraint, referenced: &[String]) -> String {
    match &constraint.definition {
        ConstraintDefinition::Check { written, .. } => {
            let suffix = if constraint.no_inherit { " NO INHERIT" } else { "" };
            let enforced = if constraint.not_enforced { " NOT ENFORCED" } else { "" };
            format!("CHECK ({written}){suffix}{enforced}")
        }
        ConstraintDefinition::ForeignKey { table, .. } => {
            let columns = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
            let referenced = columns(referenced);
            format!(
                "FOREIGN KEY ({}) REFERENCES {table}({referenced})",
                columns(&constraint.columns)
            )
        }
        _ => String::new(),
    }
}

/// Returns the columns of a table's primary key, to which a foreign key refers that names none.
fn primary_key(table: Option<&str>, schema: &SchemaFacts) -> Vec<String> {
    let constraints = table
        .and_then(|table| schema.named(table))
        .map(|facts| &facts.constraints);
    let mut constraints = constraints.into_iter().flatten();
    let key = constraints.find(|found| found.kind == ConstraintKind::PrimaryKey);
    key.map(|key| key.columns.clone()).unwrap_or_default()
}

/// Adds the index of a constraint that has one, or gives the one that is there its name, and returns that.
fn add_index_of(relation: &mut RelationFacts, constraint: &TableConstraint, name: &str) -> Option<String> {
    let columns = || constraint.columns.clone();
    match &constraint.definition {
        ConstraintDefinition::PrimaryKey {
            using_index: Some(existing),
        }
        | ConstraintDefinition::Unique {
            using_index: Some(existing),
        } => {
            for index in relation.indexes.iter_mut().filter(|index| index.bare_name == *existing) {
                name.clone_into(&mut index.bare_name);
                index.name = qualified(&relation.schema, name);
            }
        }
        ConstraintDefinition::PrimaryKey { .. } | ConstraintDefinition::Unique { .. } => {
            add_index(relation, name, columns(), true, true);
        }
        ConstraintDefinition::Exclude => add_index(relation, name, columns(), false, true),
        _ => return None,
    }
    Some(name.to_owned())
}
