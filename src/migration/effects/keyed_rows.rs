//! How many rows a condition picks at most, where it names the values of a key in so many words: `id = 7`, `id IN (1, 2)`.
//!
//! Knows nothing of locks or statements; what it does not understand picks any number of rows.

use std::collections::BTreeMap;

use crate::catalog::RelationFacts;
use crate::migration::names::name_path;
use crate::migration::words::Words;

/// Returns the largest number of rows of `table` that meet `condition`; `None` where no key decides it.
pub(super) fn keyed_rows(table: &RelationFacts, condition: &Words) -> Option<f64> {
    if condition.holds("OR") {
        return None;
    }
    let mut values = BTreeMap::new();
    for term in condition.split_at("AND") {
        values.extend(values_of_a_column(term));
    }
    let keys = table.constraints.iter().filter(|found| found.kind.is_key());
    keys.filter_map(|key| {
        key.columns
            .iter()
            .map(|column| values.get(column))
            .product::<Option<f64>>()
    })
    .min_by(f64::total_cmp)
}

/// Returns the column that a term compares with values in the text, and how many these are.
fn values_of_a_column(mut term: Words) -> Option<(String, f64)> {
    let column = name_path(&term.name()?).pop()?;
    let values = match term.accept_any(&["=", "IN"])? {
        "=" => vec![term],
        _ => term.parenthesis()?.split_at_commas(),
    };
    let count = values.len() as f64;
    values.into_iter().all(is_literal).then_some((column, count))
}

/// Says whether this is a number or a string, perhaps with its type behind it.
fn is_literal(mut value: Words) -> bool {
    let number = value.text().starts_with(|first: char| first.is_ascii_digit());
    if number {
        value.skip();
    } else if value.string().is_none() {
        return false;
    }
    let of_a_type =
        |text: &str| text.starts_with(':') && text.chars().all(|one| one.is_alphanumeric() || ": _\"".contains(one));
    value.is_empty() || of_a_type(&value.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{ConstraintFacts, ConstraintKind};

    #[test]
    fn rows_by_the_values_of_a_key() {
        let constraint = |kind, columns: &[&str]| ConstraintFacts {
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
            assert_eq!(keyed_rows(&table, &Words::new(condition)), rows, "{condition}");
        }
    }
}
