//! Whether a condition that somebody wrote only reads the columns of its table: what may be asked of production.
//!
//! A read-only transaction does not make a function harmless: `nextval`, `pg_reload_conf`, `lo_create` and
//! `dblink_exec` run in it as well. So only what is known is let through: comparisons, arithmetic, built-in functions
//! without effects, built-in types.

use super::names::name_path;
use super::syntax::{self, Use};

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

/// What compares with the elements of an array and is written like a call.
const COMPARISONS: &[&str] = &["all", "any", "some"];

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

/// Returns the first part of `condition` that may do more than read columns; `None` where all is known to be harmless.
pub fn more_than_reading(condition: &str) -> Option<String> {
    let Some(uses) = syntax::uses(condition) else {
        return Some(condition.to_owned());
    };
    // A quoted name is known to nobody.
    let is_one_of = |name: &str, known: &[&str]| known.contains(&name.to_ascii_lowercase().as_str());
    uses.iter().find_map(|used| match used {
        Use::Function(path) => {
            let (name, home) = path.split_last()?;
            let is_built_in = match home {
                [] => true,
                [schema] => schema.eq_ignore_ascii_case("pg_catalog"),
                _ => false,
            };
            let is_known = is_built_in && (is_one_of(name, FUNCTIONS) || is_one_of(name, COMPARISONS));
            (!is_known).then(|| format!("{name}()"))
        }
        Use::Type(path) => match path.as_slice() {
            [name] if is_one_of(name, TYPES) => None,
            path => path.first().cloned(),
        },
        Use::Other(word) => Some(word.clone()),
    })
}

/// Returns the names in a condition, as PostgreSQL sees them, and its keywords.
pub fn names_of(condition: &str) -> Vec<String> {
    let words = syntax::words(condition).unwrap_or_default();
    words.iter().map(|word| name_path(word).concat()).collect()
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
        check("row_number() OVER (w) = 1", Some("row_number()"));
        check("exists (SELECT 1)", Some("exists()"));
        check("a) OR (b", Some("a) OR (b"));
        check("a = 1; SELECT 1", Some("a = 1; SELECT 1"));
    }
}
