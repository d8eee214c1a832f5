//! What one statement says, as plain data: a command with its names, options and flags, and its expressions as trees.
//!
//! `syntax` reads it, once; the rules, rollbacks, safe forms and batching match on it and never look at text again. Names are as
//! PostgreSQL sees them where it says so, else as written. Knows nothing of locks.

mod alter_table;
mod column_definition;
mod expression;
mod type_name;

pub(super) use alter_table::{
    AlterTable, AlteredKind, ColumnAction, DetachManner, Firing, PartitionBound, PartitionRows, TableAction, TypeChange,
};
pub(super) use column_definition::{ColumnDefinition, ConstraintDefinition, Generated, TableConstraint};
pub(super) use expression::Expression;
pub(super) use type_name::TypeName;

/// A statement that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Command {
    /// `ALTER TABLE`, and what has its form: `ALTER FOREIGN TABLE`, `ALTER VIEW`, `ALTER MATERIALIZED VIEW`.
    AlterTable(AlterTable),
    /// None of those above.
    Other,
}
