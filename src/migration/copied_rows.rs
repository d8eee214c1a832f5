//! `COPY … FROM stdin` with its data, as `pg_dump` writes it, in the form of an `INSERT`: a rehearsal sends text only.
//!
//! The format is PostgreSQL's text format ("COPY", File Formats).

use std::sync::Arc;

use super::outline::Outline;
use super::statement::Statement;
use super::syntax;
use super::tool::Tool;
use crate::error::Result;
use crate::quoting::literal;

/// Most rows that are turned into one statement; the server takes a few kB for each to read it.
const MOST_ROWS: usize = 20_000;

/// Returns a statement that inserts the rows that a `COPY` brings along; any other statement as it is.
///
/// # Errors
/// `Usage` with `file:line` for a tool that cannot send rows (only psql and Flyway do), another format than that of
/// `pg_dump`, or more rows than fit into a statement.
pub fn inserting(statement: &Statement) -> Result<Statement> {
    let Some(data) = &statement.data else {
        return Ok(statement.clone());
    };
    let refused = |message: &str| {
        let hint = "load the data with INSERT, or with COPY … FROM 'file' or PROGRAM on the server";
        Err(statement.error_at_start(message).with_hint(hint))
    };
    let tool = statement.sending.tool;
    if !matches!(tool, Tool::PlainSql | Tool::Flyway) {
        return refused(&format!(
            "{} cannot send the rows of COPY … FROM STDIN, so it fails here",
            tool.name()
        ));
    }
    let Some(target) = target_of(&statement.sql) else {
        return refused("COPY … FROM STDIN is rehearsed only in the form that pg_dump writes, without options");
    };
    let rows: Vec<&str> = data.lines().collect();
    if rows.len() > MOST_ROWS {
        return refused("COPY … FROM STDIN of more than 20,000 rows is not rehearsed");
    }
    // As COPY does, it also gives values to columns that are always generated as identity.
    let head = format!("INSERT INTO {target} OVERRIDING SYSTEM VALUE");
    let values: Vec<String> = rows.iter().map(|row| values_of(row)).collect();
    let sql = if values.is_empty() {
        format!("{head} SELECT WHERE false")
    } else {
        format!("{head} VALUES {}", values.join(", "))
    };
    Ok(Statement {
        sql,
        data: None,
        outline: outline_of(&format!("{head} VALUES (NULL)"), statement),
        ..statement.clone()
    })
}

/// Returns `t (a, b)` of `COPY t (a, b) FROM stdin`.
fn target_of(sql: &str) -> Option<&str> {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let [copy, .., from, stdin] = words.as_slice() else {
        return None;
    };
    let is_plain =
        copy.eq_ignore_ascii_case("copy") && from.eq_ignore_ascii_case("from") && stdin.eq_ignore_ascii_case("stdin");
    let end = sql.len() - sql.chars().rev().scan(0, behind).sum::<usize>();
    is_plain.then(|| sql[4..end].trim())
}

/// Counts the bytes of the last two words and of the space before each, from the end.
fn behind(words: &mut i32, character: char) -> Option<usize> {
    // Even: between words; odd: in a word.
    if character.is_whitespace() == (*words % 2 == 1) {
        *words += 1;
    }
    (*words < 4).then(|| character.len_utf8())
}

/// Returns the row as `('a', NULL)`.
fn values_of(row: &str) -> String {
    let values: Vec<String> = row
        .split('\t')
        .map(|field| match field {
            "\\N" => "NULL".to_owned(),
            field => literal(&unescaped(field)),
        })
        .collect();
    format!("({})", values.join(", "))
}

fn unescaped(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut characters = field.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('v') => text.push('\u{b}'),
            Some(digit @ '0'..='7') => {
                let mut code = digit.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    let Some(next) = characters.peek().and_then(|next| next.to_digit(8)) else {
                        break;
                    };
                    code = code * 8 + next;
                    characters.next();
                }
                text.extend(char::from_u32(code));
            }
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

/// Returns what a statement of one row says, so that thousands need not be read.
fn outline_of(sql: &str, copy: &Statement) -> Arc<Outline> {
    syntax::read(sql).map_or_else(|_| Arc::clone(&copy.outline), Arc::new)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn check(text: &str, expected: &str) {
        let statements = parse(text, "m.sql").expect("parses");
        let found = match inserting(&statements[0]) {
            Ok(statement) => statement.sql,
            Err(error) => error.message().to_owned(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn rows_are_inserted() {
        check(
            "COPY public.t (a, \"b c\") FROM stdin;\n1\tit's\n\\N\ta\\tb\\\\c\\101\n\\.\n",
            "INSERT INTO public.t (a, \"b c\") OVERRIDING SYSTEM VALUE VALUES ('1', 'it''s'), (NULL, 'a\tb\\cA')",
        );
        check(
            "copy t from STDIN;\n\\.\n",
            "INSERT INTO t OVERRIDING SYSTEM VALUE SELECT WHERE false",
        );
        check("SELECT 1;", "SELECT 1");
    }

    #[test]
    fn what_cannot_be_rehearsed_is_refused() {
        check(
            "COPY t FROM stdin WITH (FORMAT csv);\n1,2\n\\.\n",
            "m.sql:1: COPY … FROM STDIN is rehearsed only in the form that pg_dump writes, without options",
        );
        check(
            &format!("COPY t FROM stdin;\n{}\\.\n", "1\n".repeat(MOST_ROWS + 1)),
            "m.sql:1: COPY … FROM STDIN of more than 20,000 rows is not rehearsed",
        );
    }
}
