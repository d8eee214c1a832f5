//! Names of relations as psql reads them: folded to lower case unless quoted, split at dots outside quotes.
//!
//! Works on text only; it does not check whether a relation exists.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::quoting::identifier;

/// The name of a relation as a person wrote it, folded and unquoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationName {
    /// Database, when the name has three parts.
    pub database: Option<String>,
    /// Schema, when the name is qualified.
    pub schema: Option<String>,
    /// The relation's own name.
    pub name: String,
}

impl RelationName {
    /// Reads `orders`, `sales.orders`, `"Sales"."weird.name"` or `database.schema.table`.
    ///
    /// Only ASCII letters are folded, as the server does in a UTF-8 database. Unlike in SQL, an unquoted part may
    /// contain any characters except blanks, dots and quotes: psql's `\d my-table` finds such a table too.
    ///
    /// # Errors
    /// `Usage` when a quote is not closed, a part is empty, or there are more than three parts.
    pub fn parse(text: &str) -> Result<RelationName> {
        let mut parts = split(text).map_err(|what| malformed(text, what))?;
        if parts.len() > 3 {
            return Err(malformed(text, "it has more than three parts"));
        }
        let name = parts.pop().unwrap_or_default();
        Ok(RelationName {
            name,
            schema: parts.pop(),
            database: parts.pop(),
        })
    }
}

impl fmt::Display for RelationName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [self.database.as_deref(), self.schema.as_deref(), Some(&self.name)];
        let quoted: Vec<String> = parts.into_iter().flatten().map(identifier).collect();
        formatter.write_str(&quoted.join("."))
    }
}

/// Returns the largest distance at which another name still counts as similar to `name`.
pub(crate) fn slack(name: &str) -> usize {
    (name.chars().count() / 3).clamp(1, 4)
}

fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        let (part, after) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted_part(quoted)?
        } else {
            let end = rest
                .find(|c: char| c == '.' || c == '"' || c.is_whitespace())
                .unwrap_or(rest.len());
            (rest[..end].to_ascii_lowercase(), &rest[end..])
        };
        if part.is_empty() {
            return Err("a part of it is empty");
        }
        parts.push(part);
        let after = after.trim_start();
        match after.strip_prefix('.') {
            Some(next) => rest = next.trim_start(),
            None if after.is_empty() => return Ok(parts),
            None => return Err("a name with blanks or quotes must be quoted"),
        }
    }
}

/// Reads up to the closing quote; two quotes stand for one.
fn quoted_part(text: &str) -> Result<(String, &str), &'static str> {
    let mut part = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"').ok_or("a double quote is not closed")?;
        part.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(next) => {
                part.push('"');
                rest = next;
            }
            None => return Ok((part, rest)),
        }
    }
}

fn malformed(text: &str, what: &str) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("`{}` is not a table name: {what}", text.trim()),
    )
    .with_hint("write orders, sales.orders or, inside single quotes for the shell, 'sales.\"Mixed Case\"'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &[&str]) {
        let name = RelationName::parse(input).unwrap();
        let parts: Vec<String> = [name.database, name.schema, Some(name.name)]
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(parts, expected, "{input}");
    }

    fn check_refused(input: &str, expected: &str) {
        let error = RelationName::parse(input).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!(error.message(), expected);
    }

    #[test]
    fn names_are_folded_and_unquoted() {
        check("orders", &["orders"]);
        check(" Sales . Orders ", &["sales", "orders"]);
        check("\"Sales\".\"weird.name\"", &["Sales", "weird.name"]);
        check("shop.sales.orders", &["shop", "sales", "orders"]);
        check("\"say \"\"hi\"\"\"", &["say \"hi\""]);
        check("ÄRZTE", &["Ärzte"]);
        check("my-table", &["my-table"]);
    }

    #[test]
    fn malformed_names_are_refused_in_words() {
        check_refused("", "`` is not a table name: a part of it is empty");
        check_refused("sales.", "`sales.` is not a table name: a part of it is empty");
        check_refused("a.b.c.d", "`a.b.c.d` is not a table name: it has more than three parts");
        check_refused("\"open", "`\"open` is not a table name: a double quote is not closed");
        check_refused(
            "my table",
            "`my table` is not a table name: a name with blanks or quotes must be quoted",
        );
        check_refused(
            "a\"b\"",
            "`a\"b\"` is not a table name: a name with blanks or quotes must be quoted",
        );
    }

    #[test]
    fn names_print_quoted_where_needed() {
        assert_eq!(
            RelationName::parse("Sales.\"Orders\"").unwrap().to_string(),
            "sales.\"Orders\""
        );
    }
}
