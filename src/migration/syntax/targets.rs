//! `INTO` in a statement of PL/pgSQL, which names variables where SQL would make a table: PostgreSQL takes it out
//! before it reads the statement, and so does this.

use std::ops::Range;

use crate::migration::lexer::{Lexer, Token, TokenKind};

/// Words of PL/pgSQL behind which a statement begins.
const BEFORE_STATEMENTS: [&str; 5] = ["begin", "then", "else", "loop", "declare"];

/// Statements whose `INTO` is no part of SQL.
const OWN_INTO: [&str; 3] = ["execute", "fetch", "move"];

/// Returns a body with blanks for each `INTO [STRICT] target, …` of a statement of SQL.
pub(super) fn blanked(body: &str) -> String {
    let tokens = significant(body);
    let mut blank: Vec<Range<usize>> = Vec::new();
    let mut first: Option<String> = None;
    for (place, token) in tokens.iter().enumerate() {
        let text = &body[token.range.clone()];
        let word = (token.kind == TokenKind::Word).then(|| text.to_ascii_lowercase());
        if token.kind == TokenKind::Semicolon || word.as_deref().is_some_and(|word| BEFORE_STATEMENTS.contains(&word)) {
            first = None;
            continue;
        }
        let before = place
            .checked_sub(1)
            .map(|before| body[tokens[before].range.clone()].to_ascii_lowercase());
        let of_sql = !matches!(before.as_deref(), Some("insert" | "merge"));
        let of_own = first.as_deref().is_some_and(|first| OWN_INTO.contains(&first));
        if word.as_deref() == Some("into") && of_sql && !of_own {
            let end = end_of_targets(body, &tokens, place + 1);
            blank.push(token.range.start..end);
        }
        if first.is_none() {
            first = Some(word.unwrap_or_default());
        }
    }
    let mut text = body.to_owned();
    for range in blank {
        text.replace_range(range.clone(), &" ".repeat(range.len()));
    }
    text
}

fn significant(body: &str) -> Vec<Token> {
    let mut lexer = Lexer::new(body);
    let mut tokens = Vec::new();
    while let Ok(Some(token)) = lexer.next() {
        if !matches!(token.kind, TokenKind::Space | TokenKind::Comment) {
            tokens.push(token);
        }
    }
    tokens
}

/// Returns where the list of targets ends that begins at this token.
fn end_of_targets(body: &str, tokens: &[Token], start: usize) -> usize {
    let text = |place: usize| tokens.get(place).map_or("", |token: &Token| &body[token.range.clone()]);
    let mut place = start;
    if text(place).eq_ignore_ascii_case("strict") {
        place += 1;
    }
    loop {
        // A target: a name, perhaps with fields and subscripts.
        place += 1;
        loop {
            match text(place) {
                "." => place += 2,
                "[" => {
                    while place < tokens.len() && text(place) != "]" {
                        place += 1;
                    }
                    place += 1;
                }
                _ => break,
            }
        }
        if text(place) != "," {
            break;
        }
        place += 1;
    }
    let last = tokens.get(place.min(tokens.len()).saturating_sub(1));
    last.map_or(body.len(), |token| token.range.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        let found = blanked(body);
        assert_eq!(found.len(), body.len());
        let words: Vec<&str> = found.split_whitespace().collect();
        assert_eq!(words.join(" "), expected, "{body}");
    }

    #[test]
    fn into_names_variables_but_in_insert_and_merge() {
        check("SELECT a INTO n FROM t;", "SELECT a FROM t;");
        check(
            "BEGIN SELECT INTO STRICT n, r.x, y[1] a FROM t;",
            "BEGIN SELECT a FROM t;",
        );
        check(
            "INSERT INTO t VALUES (1) RETURNING id INTO n;",
            "INSERT INTO t VALUES (1) RETURNING id ;",
        );
        check("SELECT a INTO n;", "SELECT a ;");
        check("EXECUTE 'x' INTO n USING 1;", "EXECUTE 'x' INTO n USING 1;");
        check("FETCH c INTO n;", "FETCH c INTO n;");
        check(
            "IF a THEN SELECT 'into x' INTO n; END IF;",
            "IF a THEN SELECT 'into x' ; END IF;",
        );
        check("SELECT a INTO", "SELECT a");
    }
}
