//! Whether a condition that somebody wrote only reads the columns of its table: what may be asked of production.
//!
//! A read-only transaction does not make a function harmless: `nextval`, `pg_reload_conf`, `lo_create` and `dblink_exec` run in it as
//! well. So only what is known is let through: comparisons, arithmetic, built-in functions without effects, built-in types.

use super::lexer::{Lexer, TokenKind};

/// Built-in functions that only compute; those of the current time are stable, and common in conditions.
const FUNCTIONS: &[&str] = &[
    "abs",
    "age",
    "array_length",
    "ascii",
    "btrim",
    "cardinality",
    "ceil",
    "ceiling",
    "char_length",
    "character_length",
    "coalesce",
    "concat",
    "date",
    "date_part",
    "date_trunc",
    "extract",
    "floor",
    "greatest",
    "initcap",
    "isfinite",
    "json_array_length",
    "json_typeof",
    "jsonb_array_length",
    "jsonb_exists",
    "jsonb_extract_path_text",
    "jsonb_typeof",
    "least",
    "left",
    "length",
    "lower",
    "ltrim",
    "make_date",
    "md5",
    "mod",
    "now",
    "nullif",
    "octet_length",
    "overlay",
    "position",
    "power",
    "replace",
    "reverse",
    "right",
    "round",
    "rtrim",
    "sign",
    "split_part",
    "starts_with",
    "strpos",
    "substr",
    "substring",
    "to_char",
    "to_date",
    "to_number",
    "to_timestamp",
    "trim",
    "trunc",
    "upper",
];

/// Words that may stand before a parenthesis without calling anything.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "between",
    "both",
    "case",
    "cast",
    "distinct",
    "else",
    "end",
    "false",
    "for",
    "from",
    "ilike",
    "in",
    "is",
    "isnull",
    "leading",
    "like",
    "not",
    "notnull",
    "null",
    "on",
    "or",
    "row",
    "similar",
    "some",
    "symmetric",
    "then",
    "to",
    "trailing",
    "true",
    "unknown",
    "when",
];

/// Built-in types, of which a cast runs nothing else.
const TYPES: &[&str] = &[
    "bigint",
    "bit",
    "bool",
    "boolean",
    "bpchar",
    "bytea",
    "char",
    "character",
    "date",
    "decimal",
    "double",
    "float",
    "float4",
    "float8",
    "inet",
    "int",
    "int2",
    "int4",
    "int8",
    "integer",
    "interval",
    "json",
    "jsonb",
    "numeric",
    "real",
    "smallint",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "uuid",
    "varchar",
];

/// Words that make a query, a window or an operator of somebody's own.
const REFUSED: &[&str] = &[
    "select", "with", "values", "table", "over", "filter", "within", "operator", "collate",
];

/// Returns the first part of `condition` that may do more than read columns; `None` where all is known to be harmless.
pub fn more_than_reading(condition: &str) -> Option<String> {
    let words = words(condition);
    for (at, (kind, text)) in words.iter().enumerate() {
        let name = text.to_ascii_lowercase();
        let text_at = |at: usize| words.get(at).map_or("", |(_, text)| *text);
        let before = |steps: usize| at.checked_sub(steps).map_or("", text_at);
        let is_qualified = before(1) == ".";
        if *kind == TokenKind::Word && !is_qualified && REFUSED.contains(&name.as_str()) {
            return Some(text.to_string());
        }
        let is_name = *kind == TokenKind::Word || text.starts_with('"');
        if is_name && text_at(at + 1) == "(" {
            let is_built_in = !is_qualified || before(2).eq_ignore_ascii_case("pg_catalog");
            let is_known = *kind == TokenKind::Word
                && is_built_in
                && [FUNCTIONS, KEYWORDS, TYPES]
                    .iter()
                    .any(|known| known.contains(&name.as_str()));
            if !is_known {
                return Some(format!("{text}()"));
            }
        }
        let is_cast = before(1) == "::" || (before(1).eq_ignore_ascii_case("as"));
        let next_is_string = words
            .get(at + 1)
            .is_some_and(|(kind, text)| *kind == TokenKind::Quoted && !text.starts_with('"'));
        let is_typed_string = is_name && next_is_string && !KEYWORDS.contains(&name.as_str()) && !is_second_word(&name);
        if (is_cast || is_typed_string) && !(*kind == TokenKind::Word && TYPES.contains(&name.as_str())) {
            return Some(text.to_string());
        }
        // Behind a cast a dot leads to a type of some schema.
        if is_cast && text_at(at + 1) == "." {
            return Some(text.to_string());
        }
    }
    None
}

/// Returns the names in a condition, as PostgreSQL sees them.
pub fn names_of(condition: &str) -> Vec<String> {
    let names = words(condition).into_iter().filter_map(|(kind, text)| {
        let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match (kind, quoted) {
            (_, Some(quoted)) => Some(quoted.replace("\"\"", "\"")),
            (TokenKind::Word, None) => Some(text.to_lowercase()),
            _ => None,
        }
    });
    names.collect()
}

/// The second words of `double precision`, `at time zone`, `similar to … escape`.
fn is_second_word(name: &str) -> bool {
    matches!(name, "precision" | "zone" | "escape" | "varying")
}

fn words(text: &str) -> Vec<(TokenKind, &str)> {
    let mut lexer = Lexer::new(text);
    let mut words = Vec::new();
    while let Ok(Some(token)) = lexer.next() {
        if !matches!(token.kind, TokenKind::Space | TokenKind::Comment) {
            words.push((token.kind, &text[token.range]));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(condition: &str, expected: Option<&str>) {
        assert_eq!(more_than_reading(condition).as_deref(), expected, "{condition}");
    }

    #[test]
    fn ordinary_conditions_only_read() {
        for condition in [
            "status = 'new' AND created_at < now() - interval '1 day'",
            "o.amount::numeric(10, 2) > 3 OR (o.amount IS NULL)",
            "name ILIKE 'a%' AND id IN (1, 2) AND NOT (paid)",
            "details ->> 'kind' = 'x' AND coalesce(note, '') <> ''",
            "created_at::date = date '2026-01-01' AND extract(epoch FROM updated_at) > 0",
            "CASE WHEN (a) THEN (b) ELSE (c) END = ANY (ARRAY[1, 2])",
            "pg_catalog.lower(\"Name\") = 'x' AND cast(a AS text) LIKE 'b%'",
            "created_at AT TIME ZONE 'UTC' < timestamp '2026-01-01' AND a::double precision > 1",
        ] {
            check(condition, None);
        }
    }

    #[test]
    fn the_part_that_may_do_more_is_named() {
        check("dblink_exec('a', 'b') = 'OK'", Some("dblink_exec()"));
        check("lo_create(0) > 0", Some("lo_create()"));
        check("pg_catalog.pg_reload_conf()", Some("pg_reload_conf()"));
        check("a = pg_read_file('/etc/passwd')", Some("pg_read_file()"));
        check("a = nextval /* x */ ('s')", Some("nextval()"));
        check("public.lower(a) = 'x'", Some("lower()"));
        check("\"lower\"(a) = 'x'", Some("\"lower\"()"));
        check("a OPERATOR(evil.=) 1", Some("OPERATOR"));
        check("a IN (SELECT b FROM c)", Some("SELECT"));
        check("a::evil > 1", Some("evil"));
        check("a::public.evil > 1", Some("public"));
        check("a = evil 'x'", Some("evil"));
        check("cast(a AS evil) = 1", Some("evil"));
        check("a = set_config('x', 'y', false)", Some("set_config()"));
    }
}
