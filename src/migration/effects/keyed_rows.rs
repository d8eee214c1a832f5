//! How many rows a condition picks at most, where it names the values of a key in so many words: `id = 7`, `id IN (1,
//! 2)`.
//!
//! Knows nothing of locks or statements; what it does not understand picks any number of rows.

use std::collections::BTreeMap;

use crate::catalog::RelationFacts;
use crate::migration::command::{Condition, Expression};

/// Returns the largest number of rows of `table` that meet `condition`; `None` where no key decides it.
pub(super) fn keyed_rows(table: &RelationFacts, condition: &Condition) -> Option<f64> {
    let values: BTreeMap<&String, f64> = condition
        .terms
        .iter()
        .filter_map(|term| values_of_a_column(&term.expression))
        .collect();
    let keys = table.constraints.iter().filter(|found| found.kind.is_key());
    keys.filter_map(|key| {
        key.columns
            .iter()
            .map(|column| values.get(column))
            .product::<Option<f64>>()
    })
    .min_by(f64::total_cmp)
}

/// Returns the column that a term compares with values that are written out, and how many these are.
fn values_of_a_column(term: &Expression) -> Option<(&String, f64)> {
    let Expression::Operation { operator, operands } = term else {
        return None;
    };
    let (Expression::Name(column), values) = operands.split_first()? else {
        return None;
    };
    let compares = matches!(operator.as_str(), "=" | "in") && values.iter().all(is_written_out);
    compares.then(|| column.last().zip(Some(values.len() as f64))).flatten()
}

/// Says whether this is a number or a string, perhaps with its type.
fn is_written_out(value: &Expression) -> bool {
    match value {
        Expression::Number(_) | Expression::Text(_) => true,
        Expression::Cast { value, .. } => is_written_out(value),
        Expression::Operation { operator, operands } => {
            operator == "-" && matches!(operands.as_slice(), [Expression::Number(_)])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{ConstraintFacts, ConstraintKind};
    use crate::migration::command::{Body, Command};
    use crate::migration::parse;

    #[test]
    fn rows_by_the_values_of_a_key() {
        let constraint = |kind: ConstraintKind, columns: &[&str]| ConstraintFacts {
            kind,
            columns: columns.iter().map(|column| column.to_string()).collect(),
            ..ConstraintFacts::default()
        };
        let table = RelationFacts {
            constraints: vec![
                constraint(ConstraintKind::PrimaryKey, &["id"]),
                constraint(ConstraintKind::Unique, &["a", "b"]),
                constraint(ConstraintKind::ForeignKey, &["c"]),
            ],
            ..RelationFacts::default()
        };
        for (condition, rows) in [
            ("id = 7", Some(1.0)),
            ("t.id = '7'::bigint AND v > 3", Some(1.0)),
            ("v > 3 AND \"id\" IN (1, 2, '3')", Some(3.0)),
            ("a IN (1, 2) AND b IN (3, 4)", Some(4.0)),
            ("a IN (1, 2) AND b = 3 AND id IN (1, 2, 3)", Some(2.0)),
            ("a = 1", None),
            ("c = 1", None),
            ("id = 7 OR v > 3", None),
            ("id = other", None),
            ("id = 7 + v", None),
            ("id IN (SELECT 1)", None),
            ("id > 7", None),
            ("NOT id = 7", None),
            ("id BETWEEN 1 AND 7", None),
        ] {
            let statements = parse(&format!("DELETE FROM t WHERE {condition}"), "m.sql").expect("parses");
            let Command::Query(query) = statements[0].command() else {
                panic!("{condition}");
            };
            let Body::Delete(delete) = &query.body else {
                panic!("{condition}");
            };
            let read = delete.condition.as_ref().expect("a condition");
            assert_eq!(keyed_rows(&table, read), rows, "{condition}");
        }
    }
}
