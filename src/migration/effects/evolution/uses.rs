//! What uses columns, as statements leave it.
//!
//! Views and generated columns are known by being there; the rest is followed here.

use crate::catalog::{ColumnUser, SchemaFacts};
use crate::migration::command::{AlterTable, ColumnAction, Command, DropObjects, ObjectKind, PartVerb, TableAction};
use crate::migration::names::{last_part, name_path};

/// Follows a statement that ends or renames what uses a column.
pub(super) fn follow(command: &Command, schema: &mut SchemaFacts) {
    match command {
        Command::TablePart(part) if part.verb == PartVerb::Drop => {
            let by = match part.kind {
                ObjectKind::Policy => ColumnUser::Policy,
                ObjectKind::Rule => ColumnUser::Rule,
                ObjectKind::Trigger => ColumnUser::Trigger,
                _ => return,
            };
            forget(schema, by, &part.name);
        }
        Command::Drop(DropObjects {
            kind: ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine,
            names,
            ..
        }) => {
            for name in names {
                forget(schema, ColumnUser::Function, last_part(name));
            }
        }
        Command::AlterTable(alter) => follow_table(alter, schema),
        _ => {}
    }
}

fn follow_table(alter: &AlterTable, schema: &mut SchemaFacts) {
    let Some(position) = schema.position(&name_path(&alter.table)) else {
        return;
    };
    let uses = &mut schema.relations[position].uses;
    for action in &alter.actions {
        match action {
            TableAction::RenameColumn { from, to } => {
                for found in uses.iter_mut().filter(|found| found.column == *from) {
                    found.column.clone_from(to);
                }
                for found in uses.iter_mut() {
                    if found.by == ColumnUser::Generated && found.name == *from {
                        found.name.clone_from(to);
                    }
                }
            }
            TableAction::DropColumn { column, .. } => uses.retain(|found| found.column != *column),
            TableAction::AlterColumn {
                column,
                action: ColumnAction::DropExpression,
            } => uses.retain(|found| found.by != ColumnUser::Generated || found.name != *column),
            _ => {}
        }
    }
}

/// Forgets all uses by objects of this kind and name.
fn forget(schema: &mut SchemaFacts, by: ColumnUser, name: &str) {
    let bare = name_path(name).pop().unwrap_or_default();
    for relation in &mut schema.relations {
        relation.uses.retain(|found| found.by != by || found.name != bare);
    }
}
