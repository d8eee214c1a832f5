//! Changes of types: whether values of one are stored like those of another.
//!
//! After `ATColumnChangeRequiresRewrite` in `src/backend/commands/tablecmds.c` and the support functions of the length
//! coercions (`varchar_support`, `numeric_support`, `varbit_support`, `TemporalSimplify`).

use super::data_type::{BUILT_IN, DataType};
use crate::catalog::SchemaFacts;
use crate::migration::command::{Expression, TypeChange};

/// What a change of type does to stored values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Every value is converted and written anew.
    Rewrite,
    /// Values stay as they are stored.
    Keep,
    /// It depends on what is not known.
    Unknown,
}

/// Built-in pairs of which the first is stored like the second (`pg_cast.castmethod = 'b'`), for want of a catalog.
const BINARY_CASTS: &[(&str, &str)] = &[
    ("bit", "bit varying"),
    ("bit varying", "bit"),
    ("character varying", "text"),
    ("character varying", "character"),
    ("cidr", "inet"),
    ("integer", "oid"),
    ("oid", "integer"),
    ("text", "character varying"),
    ("text", "character"),
    ("xml", "character varying"),
    ("xml", "text"),
];

/// Types whose default operator classes are the same, so that an index serves both.
const SAME_OPERATORS: &[[&str; 2]] = &[["character varying", "text"], ["cidr", "inet"]];

/// Zones that are never off UTC.
const UTC_ZONES: &[&str] = &[
    "utc",
    "gmt",
    "uct",
    "zulu",
    "universal",
    "greenwich",
    "gmt0",
    "gmt+0",
    "gmt-0",
    "etc/utc",
    "etc/gmt",
    "etc/uct",
    "etc/zulu",
    "etc/universal",
    "etc/greenwich",
    "etc/gmt0",
    "etc/gmt+0",
    "etc/gmt-0",
    "0",
    "+00",
    "+00:00",
    "<+00>+00",
    "<+00>-00",
];

/// Says whether `USING` computes something else than the column itself, or its cast to the new type: what happens
/// without it too.
pub(in crate::migration) fn computes(column: &str, change: &TypeChange) -> bool {
    match &change.using {
        None => false,
        Some(Expression::Cast { value, to }) if value.is_column(column) => {
            DataType::of(to) != DataType::of(&change.data_type)
        }
        Some(using) => !using.is_column(column),
    }
}

/// Returns what a change of a column from `old` to `new` does to the stored values.
pub(super) fn change(old: &DataType, new: &DataType, schema: &SchemaFacts) -> Change {
    if new.constrained(schema) == Some(true) && old != new {
        return Change::Rewrite;
    }
    let from_domain = old.domain(schema).is_some() && old != new;
    let (mut old, new) = (old.stored_as(schema), new.stored_as(schema));
    if from_domain {
        // A value of a domain comes without its length, so that a type with one checks it again.
        old.modifiers.clear();
    }
    if old == new {
        return Change::Keep;
    }
    if old.array || new.array {
        // Elements are converted one by one unless nothing at all has to be done to them.
        let drops_length = old.base == new.base && new.modifiers.is_empty();
        return if old.array && new.array && drops_length {
            Change::Keep
        } else {
            Change::Rewrite
        };
    }
    if is_timestamp(&old) && is_timestamp(&new) && old.base != new.base {
        // PostgreSQL 12: a session in UTC converts nothing.
        let full_precision = new.modifiers.first().is_none_or(|precision| *precision >= 6);
        let utc = UTC_ZONES.contains(&schema.settings.timezone.to_ascii_lowercase().as_str());
        return if utc && full_precision && schema.version_num >= 120_000 {
            Change::Keep
        } else {
            Change::Rewrite
        };
    }
    if old.base != new.base && !binary(&old.base, &new.base, schema) {
        let known = |data_type: &DataType| BUILT_IN.contains(&data_type.base.as_str()) || schema.is_known();
        return if known(&old) && known(&new) {
            Change::Rewrite
        } else {
            Change::Unknown
        };
    }
    // A length is only known to be kept when the old type has one too, and that of its own kind.
    let given: &[i64] = if old.base == new.base || same_text(&old.base, &new.base) {
        &old.modifiers
    } else {
        &[]
    };
    if keeps_length(&new.base, given, &new.modifiers) {
        Change::Keep
    } else {
        Change::Rewrite
    }
}

/// Says whether an index on a column of type `old` serves the type `new` as it is.
pub(super) fn same_operators(old: &DataType, new: &DataType, schema: &SchemaFacts) -> bool {
    let (old, new) = (old.stored_as(schema), new.stored_as(schema));
    let both = |pair: &[&str; 2]| pair.contains(&old.base.as_str()) && pair.contains(&new.base.as_str());
    old.array == new.array && (old.base == new.base || SAME_OPERATORS.iter().any(both))
}

fn is_timestamp(data_type: &DataType) -> bool {
    data_type.base.starts_with("timestamp ")
}

fn same_text(old: &str, new: &str) -> bool {
    old == "character varying" && new == "character varying"
}

fn binary(old: &str, new: &str, schema: &SchemaFacts) -> bool {
    let listed = schema
        .binary_casts
        .iter()
        .any(|(source, target)| source == old && target == new);
    listed || BINARY_CASTS.contains(&(old, new))
}

/// Says whether every value of length `old` is one of length `new` as it stands.
fn keeps_length(base: &str, old: &[i64], new: &[i64]) -> bool {
    if old == new || new.is_empty() {
        return true;
    }
    let temporal = base.starts_with("time") || base == "interval";
    match (base, old, new) {
        ("character varying" | "bit varying", [old], [new]) => new >= old,
        ("numeric", [old, old_scale], [new, scale]) => new >= old && scale == old_scale,
        (_, _, [new]) if temporal && *new >= 6 => true,
        (_, [old], [new]) if temporal => new >= old,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::SessionSettings;

    fn check(old: &str, new: &str, expected: Change) {
        let schema = SchemaFacts {
            version_num: 150_000,
            settings: SessionSettings {
                timezone: "Etc/UTC".to_owned(),
                ..SessionSettings::default()
            },
            ..SchemaFacts::default()
        };
        assert_eq!(
            change(&DataType::parse(old), &DataType::parse(new), &schema),
            expected,
            "{old} → {new}"
        );
    }

    #[test]
    fn lengths() {
        check("varchar(50)", "varchar(60)", Change::Keep);
        check("varchar(50)", "varchar(20)", Change::Rewrite);
        check("varchar", "varchar(20)", Change::Rewrite);
        check("char(5)", "char(6)", Change::Rewrite);
        check("numeric(10,2)", "numeric(12,2)", Change::Keep);
        check("numeric(10,2)", "numeric(12,3)", Change::Rewrite);
        check("numeric(10,2)", "numeric", Change::Keep);
        check("numeric", "numeric(12,2)", Change::Rewrite);
        check("varbit(8)", "varbit(16)", Change::Keep);
        check("timestamptz(3)", "timestamptz(4)", Change::Keep);
        check("timestamptz", "timestamptz(3)", Change::Rewrite);
    }

    #[test]
    fn other_types() {
        check("varchar(5)", "text", Change::Keep);
        check("text", "varchar(5)", Change::Rewrite);
        check("char(5)", "text", Change::Rewrite);
        check("int", "bigint", Change::Rewrite);
        check("cidr", "inet", Change::Keep);
        check("inet", "cidr", Change::Rewrite);
        check("timestamp", "timestamptz", Change::Keep);
        check("timestamp(3)", "timestamptz(3)", Change::Rewrite);
    }
}
