//! Which changes of a type keep every value, so that a change back brings them all back.

use super::data_type::DataType;

/// Types of which every value has its like in the next ones, and comes back from there unchanged.
const WIDER: &[(&str, &[&str])] = &[
    (
        "smallint",
        &["integer", "bigint", "numeric", "real", "double precision", "text"],
    ),
    ("integer", &["bigint", "numeric", "double precision", "text"]),
    ("bigint", &["numeric", "text"]),
    ("real", &["double precision"]),
    ("numeric", &["text"]),
    ("character varying", &["text"]),
    ("uuid", &["text"]),
    ("boolean", &["text"]),
    ("date", &["timestamp without time zone", "text"]),
    ("json", &["text"]),
    ("inet", &["text"]),
];

/// Says whether every value of the one type has its like in the other, and comes back from there unchanged.
pub(in crate::migration) fn keeps_values(old: &DataType, new: &DataType) -> bool {
    if old.array != new.array {
        return false;
    }
    if old.base == new.base {
        return match (old.modifiers.as_slice(), new.modifiers.as_slice()) {
            (_, []) => true,
            ([old], [new]) => old <= new,
            ([precision, scale], [new_precision, new_scale]) => {
                scale <= new_scale && precision - scale <= new_precision - new_scale
            }
            _ => false,
        };
    }
    let wider = WIDER.iter().find(|(base, _)| *base == old.base);
    new.modifiers.is_empty() && wider.is_some_and(|(_, wider)| wider.contains(&new.base.as_str()))
}
