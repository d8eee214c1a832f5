//! The schema as `ALTER TABLE` leaves it.

use super::super::data_type::is_serial;
use super::made::{add_index, bound_of, qualified};
use crate::catalog::{ColumnFacts, ConstraintFacts, ConstraintKind, Origin, Persistence, RelationFacts, SchemaFacts};
use crate::migration::command::{
    AlterTable, ColumnAction, ColumnDefinition, ConstraintDefinition, TableAction, TableConstraint,
};
use crate::migration::names::name_path;

pub(super) fn alter(alter: &AlterTable, schema: &mut SchemaFacts) {
    let Some(position) = schema.position(&name_path(&alter.table)) else {
        return;
    };
    // What an action does moves no relation to another place.
    let descendants = schema.places_of_descendants(&schema.relations[position].name);
    for action in &alter.actions {
        apply(position, action, schema);
        let passed_on = !matches!(
            action,
            TableAction::RenameTo(_)
                | TableAction::AttachPartition { .. }
                | TableAction::DetachPartition { .. }
                | TableAction::SetSchema(_)
                | TableAction::SetLogged(_)
        );
        for child in descendants.iter().filter(|_| passed_on && !alter.only) {
            apply(*child, action, schema);
        }
    }
}

/// Does to one relation what an action says.
fn apply(position: usize, action: &TableAction, schema: &mut SchemaFacts) {
    let relation = &mut schema.relations[position];
    match action {
        TableAction::AddColumn { column, .. } => add_column(position, column, schema),
        TableAction::DropColumn { column: name, .. } => {
            relation.columns.retain(|column| column.name != *name);
            relation
                .constraints
                .retain(|constraint| !constraint.columns.contains(name));
            relation.indexes.retain(|index| !index.used_columns.contains(name));
        }
        TableAction::AlterColumn { column, action } => alter_column(relation, column, action),
        TableAction::AddConstraint(constraint) => add_constraint(position, constraint, schema),
        TableAction::ValidateConstraint(name) => {
            let mut demanded = Vec::new();
            for constraint in named(relation, name) {
                constraint.valid = true;
                if constraint.kind == ConstraintKind::NotNull {
                    demanded.extend(constraint.columns.iter().cloned());
                }
            }
            demanded.iter().for_each(|column| set_not_null(relation, column, true));
        }
        TableAction::DropConstraint { constraint: name, .. } => {
            let index = relation
                .constraint(name)
                .and_then(|constraint| constraint.index.clone());
            relation
                .indexes
                .retain(|known| Some(&known.bare_name) != index.as_ref());
            relation.constraints.retain(|constraint| constraint.name != *name);
        }
        TableAction::RenameColumn { from, to } => rename_column(relation, from, to),
        TableAction::RenameConstraint { from, to } => {
            for constraint in named(relation, from) {
                constraint.name.clone_from(to);
            }
        }
        TableAction::RenameTo(name) => rename(position, None, Some(name), schema),
        TableAction::SetSchema(name) => rename(position, Some(name), None, schema),
        TableAction::SetLogged(logged) => relation.persistence = Persistence::of_table(*logged),
        TableAction::SetTablespace(name) => relation.tablespace = Some(name.clone()),
        TableAction::AttachPartition { partition, bound } => {
            let parent = relation.name.clone();
            if let Some(child) = schema.position(&name_path(partition)) {
                schema.relations[child].parents.push(parent);
                schema.relations[child].bound = Some(bound_of(bound));
            }
        }
        TableAction::DetachPartition { partition, .. } => {
            if let Some(child) = schema.position(&name_path(partition)) {
                schema.relations[child].parents.clear();
                schema.relations[child].bound = None;
            }
        }
        _ => {}
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

/// Gives a relation another schema or name, everywhere it is mentioned.
fn rename(position: usize, home: Option<&String>, name: Option<&String>, schema: &mut SchemaFacts) {
    let relation = &mut schema.relations[position];
    let old = relation.name.clone();
    relation.schema = home.unwrap_or(&relation.schema).clone();
    relation.bare_name = name.unwrap_or(&relation.bare_name).clone();
    relation.name = qualified(&relation.schema, &relation.bare_name);
    let new = relation.name.clone();
    if relation.origin == Origin::Catalog {
        relation.origin = Origin::Renamed(old.clone());
    }
    for other in &mut schema.relations {
        let references = other
            .constraints
            .iter_mut()
            .filter_map(|constraint| constraint.references.as_mut());
        for mention in other.parents.iter_mut().chain(&mut other.reads).chain(references) {
            if *mention == old {
                mention.clone_from(&new);
            }
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
        definition: match &constraint.definition {
            ConstraintDefinition::Check { written, .. } => format!("CHECK ({written})"),
            _ => String::new(),
        },
        references,
        on_delete: None,
        index,
    });
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
