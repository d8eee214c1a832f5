//! What CHECK constraints say of tables that no catalog tells, as statements add, validate and drop them.

use crate::catalog::{ConstraintFacts, ConstraintKind, SchemaFacts};
use crate::migration::command::{Command, ConstraintDefinition, TableAction, TableConstraint};
use crate::migration::names::name_path;

/// Applies a statement to the checks that the statements before it made.
pub(super) fn follow(command: &Command, schema: &mut SchemaFacts) {
    match command {
        Command::AlterTable(alter) => {
            let table = name_path(&alter.table);
            for action in &alter.actions {
                apply(&table, action, alter.only, schema);
            }
        }
        // A table of the same name may follow.
        Command::Drop(dropped) => {
            for name in &dropped.names {
                schema.added_checks.remove(&name_path(name));
            }
        }
        _ => {}
    }
}

fn apply(table: &[String], action: &TableAction, only: bool, schema: &mut SchemaFacts) {
    match action {
        // With ONLY, the partitions and children have no such check.
        TableAction::AddConstraint(constraint) if !only => {
            if let Some(check) = check_of(table, constraint) {
                schema.added_checks.entry(table.to_vec()).or_default().push(check);
            }
        }
        TableAction::ValidateConstraint(name) => {
            let checks = schema.added_checks.get_mut(table).into_iter().flatten();
            checks
                .filter(|check| check.name == *name)
                .for_each(|check| check.valid = true);
        }
        TableAction::DropConstraint { constraint: name, .. } => {
            if let Some(checks) = schema.added_checks.get_mut(table) {
                checks.retain(|check| check.name != *name);
            }
        }
        // Names change, and a check may go with its column: then nothing is known any more.
        TableAction::DropColumn { .. }
        | TableAction::RenameColumn { .. }
        | TableAction::RenameConstraint { .. }
        | TableAction::RenameTo(_)
        | TableAction::SetSchema(_) => {
            schema.added_checks.remove(table);
        }
        _ => {}
    }
}

fn check_of(table: &[String], constraint: &TableConstraint) -> Option<ConstraintFacts> {
    let ConstraintDefinition::Check { written, .. } = &constraint.definition else {
        return None;
    };
    let default_name = || format!("{}_check", table.last().map_or("", String::as_str));
    (!constraint.not_enforced).then(|| ConstraintFacts {
        name: constraint.name.clone().unwrap_or_else(default_name),
        kind: ConstraintKind::Check,
        valid: constraint.is_checked(),
        definition: format!("CHECK ({written})"),
        ..ConstraintFacts::default()
    })
}
