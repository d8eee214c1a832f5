//! Replaces the name of a column in SQL printed by PostgreSQL, and generates names that are unused and short enough.

use super::super::lexer::{Lexer, TokenKind};
use super::super::names::{name_path, quoted};

/// Longest name in bytes; PostgreSQL truncates longer ones.
const LONGEST_NAME: usize = 63;

/// Returns `sql` with the column `name` (bare) replaced by `replacement`, which is already quoted.
///
/// A name after a dot or a cast, or before a parenthesis, is not a column of the table but a field, a type or a
/// function.
pub fn with_column(sql: &str, name: &str, replacement: &str) -> String {
    let tokens = tokens(sql);
    let mut text = String::new();
    for (place, (kind, token)) in tokens.iter().enumerate() {
        let before = tokens[..place].iter().rev().find(|(kind, _)| *kind != TokenKind::Space);
        let after = tokens[place + 1..].iter().find(|(kind, _)| *kind != TokenKind::Space);
        let foreign = before.is_some_and(|(_, text)| matches!(*text, "." | "::"))
            || after.is_some_and(|(kind, text)| *kind == TokenKind::OpenParenthesis || *text == ".");
        if is_name(*kind, token) && name_path(token).concat() == name && !foreign {
            text.push_str(replacement);
        } else {
            text.push_str(token);
        }
    }
    text
}

/// Returns whether the SQL mentions a column of this bare name.
pub fn mentions(sql: &str, name: &str) -> bool {
    tokens(sql)
        .iter()
        .any(|(kind, token)| is_name(*kind, token) && name_path(token).concat() == name)
}

/// Returns `stem` with `suffix`, shortened to PostgreSQL's limit, and different from all of `taken`.
pub fn free_name(stem: &str, suffix: &str, taken: &[String]) -> String {
    let candidates = std::iter::once(suffix.to_owned()).chain((2..).map(|number| format!("{suffix}{number}")));
    let named = candidates.map(|suffix| {
        let mut end = stem.len().min(LONGEST_NAME - suffix.len());
        while !stem.is_char_boundary(end) {
            end -= 1;
        }
        format!("{}{suffix}", &stem[..end])
    });
    named
        .into_iter()
        .find(|name| !taken.contains(name))
        .expect("there are names without end")
}

/// Returns the bare name, quoted if SQL requires it.
pub fn quote(name: &str) -> String {
    quoted(name)
}

fn is_name(kind: TokenKind, token: &str) -> bool {
    match kind {
        TokenKind::Word => !token.starts_with(|first: char| first.is_ascii_digit()),
        TokenKind::Quoted => token.starts_with('"'),
        _ => false,
    }
}

fn tokens(sql: &str) -> Vec<(TokenKind, &str)> {
    let mut lexer = Lexer::new(sql);
    let mut tokens = Vec::new();
    while let Ok(Some(token)) = lexer.next() {
        tokens.push((token.kind, &sql[token.range]));
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_column_is_renamed() {
        let check = |sql: &str, expected: &str| assert_eq!(with_column(sql, "date", "date_new"), expected);
        check(
            "btree (date, lower(date::text)) WHERE date > '2024-01-01'::date",
            "btree (date_new, lower(date_new::text)) WHERE date_new > '2024-01-01'::date",
        );
        check(
            "date(date) || 'date' || x.date || \"date\"",
            "date(date_new) || 'date' || x.date || date_new",
        );
        assert!(mentions("SELECT t.\"Date\"", "Date") && !mentions("SELECT t.Date", "Date"));
    }

    #[test]
    fn names_fit() {
        assert_eq!(free_name("a", "_new", &["a_new".to_owned()]), "a_new2");
        let long = free_name(&"ä".repeat(40), "_new", &[]);
        assert!(long.len() <= 63 && long.ends_with("_new"), "{long}");
    }
}
