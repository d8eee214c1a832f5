//! What a table has from others: a parent, a partitioned table, `LIKE`.

use super::made::add_index;
use crate::catalog::{ConstraintKind, RelationFacts, SchemaFacts};
use crate::migration::command::Like;
use crate::migration::names::name_path;

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

/// Returns a name for an index that the table has not given to another one.
pub(super) fn unused_name(relation: &RelationFacts, name: &str) -> String {
    let is_used = |name: &str| relation.indexes.iter().any(|index| index.bare_name == name);
    let numbered = (1..).map(|number| format!("{name}{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !is_used(name)).unwrap_or_default()
}

/// Gives a table what `LIKE` copies.
pub(super) fn copy(position: usize, like: &Like, schema: &mut SchemaFacts) {
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
