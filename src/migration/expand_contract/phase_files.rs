//! The files of all phases of the changes that a migration makes.

use super::super::Statement;
use super::super::command::{AlteredKind, ColumnAction, Command, TableAction};
use super::super::effects::{Effects, effects};
use super::super::names::name_path;
use super::facts::ColumnChange;
use super::phase::Phase;
use super::{column, table};
use crate::catalog::SchemaFacts;
use crate::catalog::snapshot::SchemaSnapshot;
use crate::error::{Error, ErrorKind, Result};

/// A file of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseFile {
    /// Its name, e.g. `01_expand.sql`, with a folder when the migration has several such changes.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Returns the plan's files for every rename and rewriting type change among `statements`.
///
/// # Errors
/// `Usage` with `file:line` when one of them cannot be written safely, or when there is none.
pub fn expand_and_contract(
    statements: &[Statement],
    schema: &SchemaFacts,
    snapshot: &SchemaSnapshot,
) -> Result<Vec<PhaseFile>> {
    let mut plans: Vec<(String, Vec<Phase>)> = Vec::new();
    for statement in statements {
        let alter = match statement.command() {
            Command::AlterTable(alter) if alter.called == AlteredKind::Table => alter,
            _ => continue,
        };
        let wanted = alter
            .actions
            .iter()
            .filter(|action| is_wanted(action, || effects(statement, schema)));
        for action in wanted {
            let found = schema
                .relation(&name_path(&alter.table))
                .ok_or_else(|| refusal(statement, format!("{} is not in the catalog", alter.table)))?;
            let (name, phases) = match action {
                TableAction::RenameTo(to) => {
                    let phases = table::phases(found, to, schema, snapshot);
                    (
                        found.bare_name.clone(),
                        phases.map_err(|reason| refusal(statement, reason))?,
                    )
                }
                _ => {
                    let change = ColumnChange::new(found, action, schema, snapshot);
                    let change = change.map_err(|reason| refusal(statement, reason))?;
                    (format!("{}_{}", found.bare_name, change.old), column::phases(&change))
                }
            };
            plans.push((name, phases));
        }
    }
    if plans.is_empty() {
        return Err(Error::new(
            ErrorKind::Usage,
            "the migration has no rename and no change of type that rewrites its table",
        )
        .with_hint("`migtime plan` without --expand-and-contract names the safe form of other statements"));
    }
    let several = plans.len() > 1;
    let files = plans.iter().enumerate().flat_map(|(index, (name, phases))| {
        let folder = if several {
            format!("{}_{}/", index + 1, file_name(name))
        } else {
            String::new()
        };
        files(&folder, phases)
    });
    Ok(files.collect())
}

fn is_wanted(action: &TableAction, effects: impl Fn() -> Effects) -> bool {
    match action {
        TableAction::RenameTo(_) | TableAction::RenameColumn { .. } => true,
        TableAction::AlterColumn {
            action: ColumnAction::SetType(_),
            ..
        } => !effects().rewritten.is_empty(),
        _ => false,
    }
}

fn refusal(statement: &Statement, reason: String) -> Error {
    statement
        .error_at_start(format!("no expand and contract can be written for this: {reason}"))
        .with_hint("take that away first, or write the phases by hand")
}

fn file_name(name: &str) -> String {
    name.chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '_'
            }
        })
        .collect()
}

fn files(folder: &str, phases: &[Phase]) -> Vec<PhaseFile> {
    let mut files = Vec::new();
    for (index, phase) in phases.iter().enumerate() {
        let number = index + 1;
        let head = format!(
            "-- Phase {number} of {}, {}: {}\n",
            phases.len(),
            phase.name,
            phase.title
        );
        let notes: String = phase.notes.iter().map(|note| format!("-- {note}\n")).collect();
        let stem = format!("{folder}{number:02}_{}", phase.name);
        files.push(PhaseFile {
            name: format!("{stem}.sql"),
            text: format!("{head}{notes}\n{}\n", phase.forward.join("\n")),
        });
        files.push(PhaseFile {
            name: format!("{stem}.rollback.sql"),
            text: format!(
                "-- The rollback from phase {number}, {}.\n\n{}\n",
                phase.name,
                phase.back.join("\n")
            ),
        });
    }
    files
}
