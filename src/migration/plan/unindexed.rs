//! Warns where foreign keys without an index make a statement, or later ones, read a whole table for each row.

use crate::catalog::{ForeignKeyAction, MissingIndex, SchemaFacts, missing_index};
use crate::migration::command::{Body, Command, ConstraintDefinition, Query, TableAction};
use crate::migration::names::name_path;
use crate::migration::{PlannedStatement, Statement, Trap, Warning};

/// Returns what foreign keys without an index make slow in a statement that deletes rows or changes keys.
pub(super) fn warnings(statement: &Statement, schema: &SchemaFacts) -> Vec<Warning> {
    let Command::Query(query) = statement.command() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    of_query(query, schema, &mut found);
    found
}

fn of_query(query: &Query, schema: &SchemaFacts, found: &mut Vec<Warning>) {
    query.with.iter().for_each(|inner| of_query(inner, schema, found));
    let (change, deletes) = match &query.body {
        Body::Delete(change) => (change, true),
        Body::Update(change) => (change, false),
        _ => return,
    };
    let Some(table) = schema.relation(&name_path(&change.table.name)) else {
        return;
    };
    let keys = table.constraints.iter().filter(|found| found.kind.is_key());
    let mut key_columns = keys.flat_map(|key| &key.columns);
    if deletes || key_columns.any(|column| change.assigned.contains(column)) {
        let mut seen = Vec::new();
        follow(&table.name, deletes, schema, &mut seen, found);
    }
}

/// Warns of the foreign keys that refer to a table, and of those that refer to tables whose rows go with its rows.
fn follow(name: &str, deletes: bool, schema: &SchemaFacts, seen: &mut Vec<String>, found: &mut Vec<Warning>) {
    if seen.iter().any(|known| known == name) {
        return;
    }
    seen.push(name.to_owned());
    for (missing, _) in schema.unindexed_references(name) {
        found.push(Warning::new(
            Trap::ForeignKeyWithoutIndex,
            format!(
                "for each row that {} {name} it reads all of {}, whose foreign key {} has no index: {}",
                if deletes { "goes from" } else { "gets another key in" },
                missing.relation,
                missing.foreign_key,
                missing.create
            ),
        ));
    }
    if deletes {
        for (child, key) in schema.referencing(name) {
            if key.on_delete == Some(ForeignKeyAction::Cascade) {
                follow(&child.name, deletes, schema, seen, found);
            }
        }
    }
}

/// Warns at each foreign key that is added to a table and has no index when the migration is over, as `schema` then is.
pub(super) fn warn_of_added(planned: &mut [PlannedStatement], schema: &SchemaFacts) {
    for planned in planned {
        let added = added_without_index(&planned.statement, schema);
        planned.warnings.extend(added.into_iter().map(|missing| {
            Warning::new(
                Trap::ForeignKeyWithoutIndex,
                format!(
                    "no index helps to find the rows that refer to a row: each DELETE there reads all of {}: {}",
                    missing.relation, missing.create
                ),
            )
        }));
    }
}

fn added_without_index(statement: &Statement, schema: &SchemaFacts) -> Vec<MissingIndex> {
    let Command::AlterTable(alter) = statement.command() else {
        return Vec::new();
    };
    let Some(table) = schema.relation(&name_path(&alter.table)) else {
        return Vec::new();
    };
    let columns = alter.actions.iter().filter_map(|action| match action {
        TableAction::AddConstraint(added) => {
            matches!(added.definition, ConstraintDefinition::ForeignKey { .. }).then_some(&added.columns)
        }
        _ => None,
    });
    let keys = columns.filter_map(|columns| {
        table
            .constraints
            .iter()
            .find(|key| key.references.is_some() && key.columns == *columns)
    });
    keys.filter_map(|key| missing_index(table, key)).collect()
}
