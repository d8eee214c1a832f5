//! Replaces psql variables by their values: `:rows` in the text of a script.
//!
//! As in psql, `::` is a cast, and strings, quoted names, dollar quotes and comments are left alone. Knows nothing of
//! the variables' meanings.

use std::ops::Range;

use super::lexer::{Lexer, TokenKind};
use super::source::Source;
use super::splitter::{Piece, split};
use crate::error::Result;

/// Returns `text` with each `:name` of `variables` replaced by its value; other names stay as they are.
///
/// Values must not contain line breaks, so that line numbers stay the same.
///
/// # Errors
/// `Usage` with `file:line:column` for a quote or comment that is never closed.
pub fn substitute(text: &str, file: &str, variables: &[(&str, &str)]) -> Result<String> {
    let source = Source::new(file, text);
    let (pieces, _) = split(&source, 0)?;
    let mut substituted = String::with_capacity(text.len());
    let mut copied = 0;
    for piece in pieces {
        let Piece::Statement(statement) = piece else { continue };
        substituted.push_str(&text[copied..statement.range.start]);
        copied = statement.range.end;
        fill_in(&source, statement.range, variables, &mut substituted)?;
    }
    substituted.push_str(&text[copied..]);
    Ok(substituted)
}

fn fill_in(source: &Source, range: Range<usize>, variables: &[(&str, &str)], substituted: &mut String) -> Result<()> {
    let statement = source.up_to(range.end);
    let mut lexer = Lexer::starting_at(statement.text, range.start);
    let mut after_colon = false;
    while let Some(token) = lexer
        .next()
        .map_err(|open| source.never_closed(open.range, open.what))?
    {
        let written = &source.text[token.range];
        let value = variables.iter().find(|(name, _)| after_colon && *name == written);
        match value {
            Some((_, value)) => {
                substituted.pop();
                substituted.push_str(value);
            }
            None => substituted.push_str(written),
        }
        after_colon = token.kind == TokenKind::Symbol && written == ":";
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let variables = [("rows", "2000"), ("seed", "7")];
        assert_eq!(
            substitute(text, "schema.sql", &variables).expect("terminated"),
            expected
        );
    }

    #[test]
    fn variables_are_replaced_where_psql_replaces_them() {
        check("generate_series(1, :rows), :seed;", "generate_series(1, 2000), 7;");
        check("SELECT g/:rows+:seed", "SELECT g/2000+7");
        check("SELECT x[1:rows]", "SELECT x[12000]");
    }

    #[test]
    fn casts_strings_names_and_comments_are_left_alone() {
        for text in [
            "SELECT 1::rows, 1 :: rows",
            "SELECT ':rows', e'it\\':rows', \":rows\", U&':rows'",
            "DO $$ BEGIN :rows; END $$; SELECT $tag$ :seed $tag$",
            "-- :rows\nSELECT 1 /* :rows /* :seed */ :rows */",
            ":rows_total :seeds :Rows : rows",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn data_in_the_file_is_left_alone() {
        check(
            "COPY t FROM stdin;\nit's :rows\n\\.\nSELECT :rows;",
            "COPY t FROM stdin;\nit's :rows\n\\.\nSELECT 2000;",
        );
    }

    #[test]
    fn a_string_that_is_never_closed_is_named_with_its_line() {
        let error = substitute("SELECT 1;\nSELECT 'open", "schema.sql", &[]).expect_err("open string");
        assert_eq!(error.message(), "schema.sql:2:8: string is never closed");
    }
}
