//! What undoes a statement, where that is certain: SQL to run as it stands.
//!
//! `tests/it/plan_rollbacks.rs` runs each of them on a server and compares the schemas. Where something stays behind,
//! an SQL comment at its end says what. What was perhaps there before the statement is not taken away.

use super::data_type::DataType;
use super::kept_values::keeps_values;
use super::types::computes;
use crate::catalog::{ConstraintKind, Persistence, RelationFacts};
use crate::migration::command::{
    AlterTable, ColumnAction, Command, ConstraintDefinition, CreateIndex, Firing, ObjectKind, PartVerb, TableAction,
    TableConstraint, TablePart,
};
use crate::migration::names::{last_part, name_path, quoted};

/// Returns what undoes the one subcommand of an `ALTER TABLE`; `facts` are those of the table before it, if it is
/// known, and `is_known` says whether a catalog was asked.
pub(super) fn of_alter_table(alter: &AlterTable, facts: Option<&RelationFacts>, is_known: bool) -> Option<String> {
    let [action] = alter.actions.as_slice() else {
        return None;
    };
    let is_missing = is_known && facts.is_none();
    let table = &alter.table;
    match action {
        TableAction::RenameTo(to) if !is_missing || !alter.if_exists => {
            Some(renamed_back(alter.called.keywords(), table, to))
        }
        _ if is_missing => None,
        TableAction::SetSchema(schema) => {
            let moved = format!("{}.{}", quoted(schema), last_part(table));
            Some(format!("ALTER TABLE {moved} SET SCHEMA {}", quoted(&facts?.schema)))
        }
        action => Some(format!("ALTER TABLE {table} {}", of_action(action, facts, is_known)?)),
    }
}

fn of_action(action: &TableAction, facts: Option<&RelationFacts>, is_known: bool) -> Option<String> {
    let persistence = facts.map(|facts| facts.persistence);
    Some(match action {
        TableAction::AddColumn { column, if_not_exists } => {
            let there = facts.and_then(|facts| facts.column(&column.name));
            let certain = !if_not_exists || (is_known && there.is_none());
            certain.then(|| format!("DROP COLUMN {}", column.written_name))?
        }
        TableAction::AlterColumn { column, action } => of_column_action(column, action, facts)?,
        TableAction::AddConstraint(constraint) => of_constraint(constraint, facts)?,
        TableAction::DropConstraint { constraint, .. } => restored_constraint(constraint, facts?)?,
        TableAction::RenameColumn { from, to } => format!("RENAME COLUMN {} TO {}", quoted(to), quoted(from)),
        TableAction::RenameConstraint { from, to } => format!("RENAME CONSTRAINT {} TO {}", quoted(to), quoted(from)),
        TableAction::AttachPartition { partition, .. } => {
            format!("DETACH PARTITION {partition} -- the indexes, keys and triggers that it got on joining stay")
        }
        TableAction::SetLogged(true) if persistence != Some(Persistence::Permanent) => "SET UNLOGGED".to_owned(),
        TableAction::SetLogged(false) if persistence != Some(Persistence::Unlogged) => "SET LOGGED".to_owned(),
        TableAction::Inherit(parent) => format!("NO INHERIT {parent}"),
        TableAction::NoInherit(parent) => format!("INHERIT {parent}"),
        // What ENABLE found is not known: it may have been enabled before, or for replicas only.
        TableAction::Trigger {
            firing: Firing::Disabled,
            trigger,
        } => format!("ENABLE TRIGGER {trigger}"),
        TableAction::Rule {
            firing: Firing::Disabled,
            rule,
        } => format!("ENABLE RULE {rule}"),
        TableAction::RowSecurity(enabled) if facts.is_none_or(|facts| facts.row_security != *enabled) => {
            let undo = if *enabled { "DISABLE" } else { "ENABLE" };
            format!("{undo} ROW LEVEL SECURITY")
        }
        TableAction::ForceRowSecurity(forced) if facts.is_none_or(|facts| facts.row_security_forced != *forced) => {
            let undo = if *forced { "NO FORCE" } else { "FORCE" };
            format!("{undo} ROW LEVEL SECURITY")
        }
        _ => return None,
    })
}

fn of_column_action(name: &str, action: &ColumnAction, facts: Option<&RelationFacts>) -> Option<String> {
    let column = facts.and_then(|facts| facts.column(name));
    let undo = match action {
        ColumnAction::SetType(change) if !computes(name, change) && change.collation.is_none() => {
            let old = column?;
            let kept = keeps_values(&DataType::parse(&old.data_type), &DataType::of(&change.data_type));
            let loss = if kept {
                ""
            } else {
                " -- what the new type cannot hold stays lost"
            };
            let collation = old.collation.as_ref().map(|name| format!(" COLLATE {}", quoted(name)));
            format!("TYPE {}{}{loss}", old.data_type, collation.unwrap_or_default())
        }
        ColumnAction::SetNotNull if column.is_none_or(|column| !column.not_null) => "DROP NOT NULL".to_owned(),
        ColumnAction::DropNotNull if column.is_none_or(|column| column.not_null) => "SET NOT NULL".to_owned(),
        ColumnAction::AddIdentity => "DROP IDENTITY".to_owned(),
        _ => return None,
    };
    Some(format!("ALTER COLUMN {} {undo}", quoted(name)))
}

fn of_constraint(constraint: &TableConstraint, facts: Option<&RelationFacts>) -> Option<String> {
    let drop = format!("DROP CONSTRAINT {}", quoted(constraint.name.as_ref()?));
    Some(match (&constraint.definition, facts) {
        (ConstraintDefinition::PrimaryKey { using_index: Some(_) }, _) => {
            format!("{drop} -- the index goes with it, and its columns stay NOT NULL")
        }
        (ConstraintDefinition::Unique { using_index: Some(_) }, _) => format!("{drop} -- the index goes with it"),
        (ConstraintDefinition::PrimaryKey { .. }, None) => format!("{drop} -- its columns stay NOT NULL"),
        (ConstraintDefinition::PrimaryKey { .. }, Some(facts)) => {
            let nullable = constraint.columns.iter().filter(|name| {
                let column = facts.column(name);
                column.is_some_and(|column| !column.not_null)
            });
            let nullable = nullable.map(|name| format!(", ALTER COLUMN {} DROP NOT NULL", quoted(name)));
            drop + &nullable.collect::<String>()
        }
        _ => drop,
    })
}

/// Returns what makes a dropped constraint again; a key to which foreign keys may refer is left to its owner.
fn restored_constraint(name: &str, facts: &RelationFacts) -> Option<String> {
    let found = facts
        .constraint(name)
        .filter(|found| matches!(found.kind, ConstraintKind::Check | ConstraintKind::ForeignKey))?;
    Some(format!("ADD CONSTRAINT {} {}", quoted(name), found.definition))
}

/// Returns what gives an object its old name back.
fn renamed_back(what: &str, written: &str, to: &str) -> String {
    let old = last_part(written);
    let qualifier = &written[..written.len() - old.len()];
    format!("ALTER {what} {qualifier}{} RENAME TO {old}", quoted(to))
}

/// Returns the `ALTER … RENAME TO` that undoes another.
pub(super) fn of_rename(command: &Command) -> Option<String> {
    let (kind, written, to) = command.renaming()?;
    Some(renamed_back(kind.keywords(), written, to))
}

/// Returns the `DROP` that undoes a plain `CREATE`.
pub(super) fn of_creation(command: &Command) -> Option<String> {
    if let Command::TablePart(part) = command {
        let certain = part.verb == PartVerb::Create && part.kind != ObjectKind::Trigger;
        return certain.then(|| format!("DROP {} {} ON {}", part.kind.keywords(), part.name, part.table));
    }
    let made = command.creation()?;
    // What may have been there before must not be dropped.
    let certain = !made.if_not_exists && !made.replaces && !made.temporary;
    let name = made.name.as_ref().filter(|_| certain)?;
    Some(format!("DROP {} {name}", made.kind.keywords()))
}

/// Returns the `DROP INDEX` of an index just made, unless it was perhaps there before; `facts` are those of its table.
pub(super) fn of_index(create: &CreateIndex, facts: Option<&RelationFacts>) -> Option<String> {
    let name = create.name.as_ref()?;
    let certain = match facts {
        Some(facts) => !facts.indexes.iter().any(|index| index.bare_name == *name),
        None => !create.if_not_exists,
    };
    let table = &create.table.name;
    let qualifier = &table[..table.len() - last_part(table).len()];
    let keyword = if create.concurrently { "CONCURRENTLY " } else { "" };
    certain.then(|| format!("DROP INDEX {keyword}{qualifier}{}", quoted(name)))
}

/// Returns the `DROP TRIGGER` of a trigger just made, unless it was perhaps there before; `facts` are those of its
/// table.
pub(super) fn of_trigger(part: &TablePart, facts: Option<&RelationFacts>) -> Option<String> {
    let name = name_path(&part.name).concat();
    let certain = match facts {
        Some(facts) => !facts.triggers.contains(&name),
        None => part.verb == PartVerb::Create,
    };
    certain.then(|| format!("DROP TRIGGER {} ON {}", quoted(&name), part.table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::parse;

    fn check(sql: &str, expected: Option<&str>) {
        let statement = parse(sql, "m.sql").expect("parses").remove(0);
        let command = statement.command();
        let found = of_rename(command).or_else(|| of_creation(command));
        assert_eq!(found.as_deref(), expected, "{sql}");
    }

    #[test]
    fn names_keep_their_quotes_and_dots() {
        check(
            "ALTER VIEW s.\"a.b\" RENAME TO \"user\"",
            Some("ALTER VIEW s.\"user\" RENAME TO \"a.b\""),
        );
        check("CREATE TABLE \"S\".\"T\" (a int)", Some("DROP TABLE \"S\".\"T\""));
    }

    #[test]
    fn what_may_have_been_there_stays() {
        check("CREATE TABLE IF NOT EXISTS t (a int)", None);
        check("CREATE SCHEMA AUTHORIZATION joe", None);
        check("CREATE OR REPLACE VIEW v AS SELECT 1", None);
    }
}
