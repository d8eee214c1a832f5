//! What constraints say, as `pg_get_constraintdef` prints them: what they prove without reading, what they refer to.

use crate::catalog::{ConstraintFacts, ConstraintKind, RelationFacts};
use crate::migration::command::{ConstraintDefinition, Expression};
use crate::migration::syntax;

/// Says whether a column is known to hold no NULL: it is NOT NULL, or from PostgreSQL 12 on a valid CHECK says so.
pub(super) fn holds_no_null(facts: &RelationFacts, column: &str, version: u32) -> bool {
    let declared = facts.column(column).is_some_and(|column| column.not_null);
    declared || (version >= 120_000 && say_not_null(&facts.constraints, column))
}

/// Says whether a valid CHECK among the constraints of a table says that a column holds no NULL.
pub(super) fn say_not_null(constraints: &[ConstraintFacts], column: &str) -> bool {
    let named = || Box::new(Expression::Name(vec![column.to_owned()]));
    let there = Expression::IsNotNull(named());
    let not_missing = Expression::Not(Box::new(Expression::IsNull(named())));
    prove(constraints, &[there]) || prove(constraints, &[not_missing])
}

/// Says whether the valid CHECKs among the constraints of a table contain every one of the conditions, whose literals
/// are bare.
pub(super) fn prove(constraints: &[ConstraintFacts], conditions: &[Expression]) -> bool {
    let checks = constraints
        .iter()
        .filter(|constraint| constraint.kind == ConstraintKind::Check && constraint.valid);
    let known: Vec<Expression> = checks
        .filter_map(|check| match syntax::constraint(&check.definition)?.definition {
            ConstraintDefinition::Check { condition, .. } => Some(condition.with_bare_literals()),
            _ => None,
        })
        .collect();
    // What an OR joins proves nothing on its own.
    let parts: Vec<&Expression> = known.iter().flat_map(Expression::conjuncts).collect();
    conditions.iter().all(|condition| parts.contains(&condition))
}

/// Returns the columns that a foreign key refers to, bare.
pub(super) fn referenced_columns(constraint: &ConstraintFacts) -> Vec<String> {
    match syntax::constraint(&constraint.definition).map(|found| found.definition) {
        Some(ConstraintDefinition::ForeignKey { columns, .. }) => columns,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(definition: &str, conditions: &[&str], expected: bool) {
        let constraints = [ConstraintFacts {
            kind: ConstraintKind::Check,
            valid: !definition.ends_with("NOT VALID"),
            definition: definition.to_owned(),
            ..ConstraintFacts::default()
        }];
        let read = |condition: &&str| syntax::expression(condition).expect("is read").with_bare_literals();
        let conditions: Vec<Expression> = conditions.iter().map(read).collect();
        assert_eq!(prove(&constraints, &conditions), expected, "{definition}");
    }

    #[test]
    fn checks_prove_what_they_say() {
        check("CHECK ((v IS NOT NULL))", &["v is not null"], true);
        check("CHECK ((v IS NOT NULL)) NOT VALID", &["v is not null"], false);
        check("CHECK ((v > 0))", &["v is not null"], false);
        check("CHECK (((v IS NOT NULL) OR (a > 0)))", &["v is not null"], false);
        check("CHECK (((a > 0) AND (v IS NOT NULL)))", &["v is not null"], true);
        check(
            "CHECK (((d >= '2024-02-01'::date) AND (d < '2024-03-01'::date)))",
            &["d >= '2024-02-01'", "d < '2024-03-01'"],
            true,
        );
        check(
            "CHECK (((d >= '2024-02-01'::date) AND (d < '2024-03-02'::date)))",
            &["d < '2024-03-01'"],
            false,
        );
    }
}
