//! Parts of statements that stand alone, mostly as PostgreSQL prints them from its catalog: read by putting them into a
//! statement.

use squawk_syntax::SourceFile;

use super::super::command::{ColumnAction, ConstraintDefinition, Expression, TableAction, TableConstraint, TypeName};
use super::super::depth::with_stack_for;
use super::alter_table::alter_table;
use super::node::statements;

/// Reads a constraint as `pg_get_constraintdef` prints it, such as `CHECK ((a > 0)) NOT VALID`.
pub(in crate::migration) fn constraint(definition: &str) -> Option<TableConstraint> {
    match only_action(&format!("ADD {definition}"))? {
        TableAction::AddConstraint(constraint) => Some(constraint),
        _ => None,
    }
}

/// Reads an expression, such as `lower(name)`.
pub(in crate::migration) fn expression(text: &str) -> Option<Expression> {
    match constraint(&format!("CHECK ({text}\n)"))?.definition {
        ConstraintDefinition::Check { condition, .. } => Some(condition),
        _ => None,
    }
}

/// Reads the name of a type as `format_type` prints it, such as `character varying(20)[]`.
pub(in crate::migration) fn type_name(text: &str) -> Option<TypeName> {
    match only_action(&format!("ALTER c TYPE {text}"))? {
        TableAction::AlterColumn {
            action: ColumnAction::SetType(change),
            ..
        } if change.using.is_none() && change.collation.is_none() => Some(change.data_type),
        _ => None,
    }
}

/// Reads a subcommand of `ALTER TABLE`; `None` when it is not exactly one.
fn only_action(action: &str) -> Option<TableAction> {
    let statement = format!("ALTER TABLE t {action}");
    let read = || {
        let parsed = SourceFile::parse(&statement);
        let tree = parsed.tree();
        let mut found = statements(&tree);
        let alter = alter_table(&found.next()?)?;
        let is_whole = parsed.errors().is_empty() && found.next().is_none();
        is_whole.then_some(alter.actions)
    };
    match with_stack_for(&statement, read)??.as_slice() {
        [action] => Some(action.clone()),
        _ => None,
    }
}
