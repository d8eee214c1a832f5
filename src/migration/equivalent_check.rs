//! Checks of all rows that hold whatever the rows contain: what a statement's own check costs can be measured on them
//! where the rows are not ready for it yet.
//!
//! The condition `((…) IS NULL) IS NOT NULL` is always true, but the server must compute what is inside for each row,
//! in the same scan under the same lock.

use super::command::{ColumnAction, Command, ConstraintDefinition, TableAction, TableConstraint};
use super::syntax;
use crate::quoting::identifier;

/// Name of the constraint; it is never committed.
const NAME: &str = "migtime_equivalent";

/// What a statement checks in all rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowCheck {
    /// This condition, of a table as written.
    Condition {
        /// The table.
        table: String,
        /// The condition, or a part of it that costs as much, as SQL.
        condition: String,
    },
    /// A constraint that is there, not yet valid.
    Constraint {
        /// Its table, as written.
        table: String,
        /// Its name as PostgreSQL sees it.
        name: String,
    },
}

/// Returns what the statement checks in all rows, if it does nothing else.
pub fn row_check(sql: &str) -> Option<RowCheck> {
    let Command::AlterTable(alter) = syntax::outline(sql).command else {
        return None;
    };
    let [action] = alter.actions.as_slice() else {
        return None;
    };
    let table = alter.table.clone();
    match action {
        TableAction::AlterColumn {
            column,
            action: ColumnAction::SetNotNull,
        } => Some(RowCheck::Condition {
            table,
            condition: identifier(column),
        }),
        TableAction::AddConstraint(TableConstraint {
            definition: ConstraintDefinition::Check { written, .. },
            not_valid: false,
            not_enforced: false,
            ..
        }) => Some(RowCheck::Condition {
            table,
            condition: written.clone(),
        }),
        TableAction::ValidateConstraint(name) => Some(RowCheck::Constraint {
            table,
            name: name.clone(),
        }),
        _ => None,
    }
}

/// Returns the statements that do the check at the cost of the original: preparations, then the one to be measured.
pub fn equivalent_check(table: &str, condition: &str, is_validation: bool) -> (Option<String>, String) {
    let add = format!("ALTER TABLE {table} ADD CONSTRAINT {NAME} CHECK ((({condition}) IS NULL) IS NOT NULL)");
    if is_validation {
        let validate = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {NAME}");
        (Some(format!("{add} NOT VALID")), validate)
    } else {
        (None, add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: Option<(&str, &str)>) {
        let expected = expected.map(|(table, condition)| RowCheck::Condition {
            table: table.to_string(),
            condition: condition.to_string(),
        });
        assert_eq!(row_check(sql), expected, "{sql}");
    }

    #[test]
    fn a_statement_that_only_checks_rows_is_told() {
        check(
            "ALTER TABLE s.t ALTER COLUMN \"C d\" SET NOT NULL",
            Some(("s.t", "\"C d\"")),
        );
        check("ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0)", Some(("t", "a > 0")));
        check("ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID", None);
        check("ALTER TABLE t ALTER a SET NOT NULL, ADD b int", None);
        check("ALTER TABLE t ADD UNIQUE (a)", None);
        check("CREATE INDEX ON t (a)", None);
        assert_eq!(
            row_check("ALTER TABLE t VALIDATE CONSTRAINT K"),
            Some(RowCheck::Constraint {
                table: "t".to_string(),
                name: "k".to_string(),
            })
        );
    }

    #[test]
    fn the_equivalent_is_always_true_and_validates_where_the_original_does() {
        let (prepared, measured) = equivalent_check("t", "a > 0", false);
        assert_eq!(prepared, None);
        assert!(
            measured.ends_with("CHECK (((a > 0) IS NULL) IS NOT NULL)"),
            "{measured}"
        );
        let (prepared, measured) = equivalent_check("t", "a > 0", true);
        assert!(prepared.is_some_and(|sql| sql.ends_with("NOT VALID")));
        assert!(measured.starts_with("ALTER TABLE t VALIDATE CONSTRAINT"), "{measured}");
    }
}
