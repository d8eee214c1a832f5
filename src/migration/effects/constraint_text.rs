//! What constraints say, in the words of `pg_get_constraintdef`: what they prove without reading, what they refer to.

use crate::catalog::{ConstraintFacts, ConstraintKind, RelationFacts};
use crate::migration::words::Words;

/// Says whether a column is known to hold no NULL: it is NOT NULL, or from PostgreSQL 12 on a valid CHECK says so.
pub(super) fn holds_no_null(facts: &RelationFacts, column: &str, version: u32) -> bool {
    let declared = facts.column(column).is_some_and(|column| column.not_null);
    declared || (version >= 120_000 && proves(facts, &[format!("{} is not null", column.to_ascii_lowercase())]))
}

/// Says whether valid CHECK constraints of a table contain every one of the conditions, which are in the form of [`plain`].
pub(super) fn proves(facts: &RelationFacts, conditions: &[String]) -> bool {
    let checks = facts
        .constraints
        .iter()
        .filter(|constraint| constraint.kind == ConstraintKind::Check && constraint.valid);
    let known: Vec<String> = checks.flat_map(|check| conjuncts(&check.definition)).collect();
    conditions.iter().all(|condition| known.contains(condition))
}

/// Returns the conditions that a CHECK joins by AND, each in the form of [`plain`].
fn conjuncts(definition: &str) -> Vec<String> {
    let body = definition.trim().strip_prefix("CHECK").unwrap_or(definition).trim();
    let end = closing(body).unwrap_or(body.len());
    let mut parts = Vec::new();
    split_conjunction(&body[..end], &mut parts);
    parts
}

/// Returns the end of the parenthesis with which a text begins.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    for (place, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(place + 1);
                }
            }
            (None, _) if depth == 0 => return None,
            (None, _) => {}
        }
    }
    None
}

fn split_conjunction(text: &str, parts: &mut Vec<String>) {
    let text = text.trim();
    if text.starts_with('(') && closing(text) == Some(text.len()) {
        return split_conjunction(&text[1..text.len() - 1], parts);
    }
    let mut depth = 0usize;
    let mut quoted = false;
    let mut start = 0;
    let mut pieces = Vec::new();
    for (place, character) in text.char_indices() {
        match character {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        let at_and = depth == 0
            && !quoted
            && text[place..]
                .get(..5)
                .is_some_and(|word| word.eq_ignore_ascii_case(" and "));
        if at_and {
            pieces.push(&text[start..place]);
            start = place + 5;
        }
        // What an OR joins proves nothing on its own.
        if depth == 0
            && !quoted
            && text[place..]
                .get(..4)
                .is_some_and(|word| word.eq_ignore_ascii_case(" or "))
        {
            parts.push(plain(text));
            return;
        }
    }
    pieces.push(&text[start..]);
    match pieces.as_slice() {
        [one] => parts.push(plain(one)),
        several => several.iter().for_each(|piece| split_conjunction(piece, parts)),
    }
}

/// Returns a condition without casts of literals, quotes of names, outer parentheses and double spaces, in lower case outside
/// strings: `(d >= '2024-02-01'::date)` → `d >= '2024-02-01'`.
pub(super) fn plain(condition: &str) -> String {
    let mut text = condition.trim();
    while text.starts_with('(') && closing(text) == Some(text.len()) {
        text = text[1..text.len() - 1].trim();
    }
    let mut result = String::new();
    for (number, piece) in text.split('\'').enumerate() {
        if number % 2 == 1 {
            result.push('\'');
            result.push_str(piece);
            result.push('\'');
            continue;
        }
        let after_string = number > 0;
        let outside = match piece.strip_prefix("::") {
            Some(cast) if after_string => {
                cast.trim_start_matches(|character: char| character.is_alphanumeric() || character == '_')
            }
            _ => piece,
        };
        result.push_str(&outside.replace('"', "").to_ascii_lowercase());
    }
    let words: Vec<&str> = result.split_whitespace().collect();
    words.join(" ").trim_start_matches('(').trim_end_matches(')').to_owned()
}

/// Returns the columns that a foreign key refers to, bare.
pub(super) fn referenced_columns(constraint: &ConstraintFacts) -> Vec<String> {
    let key = constraint
        .definition
        .rsplit_once("REFERENCES")
        .map_or("", |(_, key)| key);
    let mut words = Words::new(key);
    words.name();
    words
        .parenthesis()
        .map(|mut columns| columns.identifiers())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(definition: &str, conditions: &[&str], expected: bool) {
        let facts = RelationFacts {
            constraints: vec![ConstraintFacts {
                kind: ConstraintKind::Check,
                valid: !definition.ends_with("NOT VALID"),
                definition: definition.to_owned(),
                ..ConstraintFacts::default()
            }],
            ..RelationFacts::default()
        };
        let conditions: Vec<String> = conditions.iter().map(|condition| (*condition).to_owned()).collect();
        assert_eq!(proves(&facts, &conditions), expected, "{definition}");
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
