//! Replaces the name of a column in SQL that PostgreSQL printed, and makes names that are free and not too long.

use super::super::lexer::{Lexer, TokenKind};
use super::super::names::{name_path, quoted};

/// Bytes of a name that PostgreSQL keeps.
const LONGEST_NAME: usize = 63;

/// Returns `sql` with `replacement` (as it is to be written) in place of the column `name` (bare).
///
/// A name behind a dot or a cast, or before a parenthesis, is no column of the table: it is a field, a type or a function.
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

/// Says whether the SQL mentions a column of this bare name.
pub fn mentions(sql: &str, name: &str) -> bool {
    tokens(sql)
        .iter()
        .any(|(kind, token)| is_name(*kind, token) && name_path(token).concat() == name)
}

/// Returns `stem` with `suffix`, cut so that PostgreSQL keeps all of it, and unlike any of `taken`.
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

/// Returns the bare name quoted where SQL needs it.
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
