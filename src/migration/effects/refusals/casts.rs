//! Whether values of one type become those of another without `USING`: by a cast for assignment.
//!
//! After `find_coercion_pathway` in `src/backend/parser/parse_coerce.c`.

use crate::catalog::SchemaFacts;
use crate::migration::effects::data_type::{BUILT_IN, DataType};

/// Types to whose text every value can be assigned.
const STRINGS: [&str; 4] = ["text", "character varying", "character", "name"];

/// Says whether a column of type `old` can become one of type `new` without `USING`; `None` where a type is not known.
pub(super) fn is_assignable(old: &DataType, new: &DataType, schema: &SchemaFacts) -> Option<bool> {
    let (old, new) = (old.stored_as(schema), new.stored_as(schema));
    let known = |data_type: &DataType| BUILT_IN.contains(&data_type.base.as_str()) || is_enum(data_type, schema);
    if schema.assignment_casts.is_empty() || !known(&old) || !known(&new) {
        return None;
    }
    let is_string = STRINGS.contains(&new.base.as_str()) && !new.array;
    let listed = || {
        let casts = &schema.assignment_casts;
        casts.iter().any(|(from, to)| *from == old.base && *to == new.base)
    };
    Some(is_string || (old.array == new.array && (old.base == new.base || elements_of_text(&old, &new) || listed())))
}

/// Says whether both are arrays, whose elements become text like any value.
fn elements_of_text(old: &DataType, new: &DataType) -> bool {
    old.array && new.array && STRINGS.contains(&new.base.as_str())
}

fn is_enum(data_type: &DataType, schema: &SchemaFacts) -> bool {
    let name = data_type.base.as_str();
    let mut found = schema.types.iter().filter(|known| known.base.is_none());
    found.any(|known| known.name == name || format!("{}.{}", known.schema, known.name) == name)
}
