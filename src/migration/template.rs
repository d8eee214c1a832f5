//! A batch's window as SQL: literals, conditions, and the statement with its holes filled.
//!
//! Pure text; which windows exist is decided elsewhere.

use super::{Batching, Template, TemplatePart, Walk, Window};
use crate::catalog::facts::Column;

/// Types whose values need no quotes when they are not negative.
const INTEGER_TYPES: [&str; 3] = ["bigint", "integer", "smallint"];

/// First server version (`server_version_num`) that reads a range of `ctid`s without reading the whole table.
const TID_RANGE_SCAN: u32 = 140_000;

impl Template {
    /// Returns the statement of one batch for a server with this `server_version_num`.
    pub fn render(&self, batching: &Batching, window: &Window, version_num: u32) -> String {
        let mut sql = String::new();
        for part in &self.parts {
            match part {
                TemplatePart::Text(text) => sql.push_str(text),
                TemplatePart::Start => sql.push_str(&row(&batching.key, &window.start)),
                TemplatePart::End => sql.push_str(&row(&batching.key, &window.end)),
                TemplatePart::Condition => sql.push_str(&condition(batching, window, version_num)),
            }
        }
        sql
    }
}

/// Returns whether the key is a single integer column, so that its values can be enumerated.
pub fn is_integer_key(key: &[Column]) -> bool {
    matches!(key, [column] if INTEGER_TYPES.contains(&column.data_type.as_str()))
}

/// Returns the condition that restricts `batching.alias` to the window.
///
/// A composite key is compared as a row, for which an index on it can be used. Blocks are ranges of `ctid`; before
/// PostgreSQL 14, every possible `ctid` of the blocks is listed instead, for a TID scan.
pub fn condition(batching: &Batching, window: &Window, version_num: u32) -> String {
    if batching.walk == Walk::Blocks {
        return block_condition(&batching.alias, window, version_num);
    }
    let columns = key_columns(batching);
    let start = row(&batching.key, &window.start);
    let end = row(&batching.key, &window.end);
    format!("{columns} >= {start} AND {columns} <= {end}")
}

/// Returns the key as an operand: `o.id`, or `(o.tenant_id, o.id)`.
pub(super) fn key_columns(batching: &Batching) -> String {
    in_row(
        batching
            .key
            .iter()
            .map(|column| format!("{}.{}", batching.alias, column.name)),
    )
}

/// Returns key values as a literal, or a row of literals.
pub(super) fn row(key: &[Column], values: &[String]) -> String {
    in_row(
        key.iter()
            .zip(values)
            .map(|(column, value)| literal(value, &column.data_type)),
    )
}

/// Returns a single operand unchanged, several as a row.
pub(super) fn in_row(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.as_slice() {
        [single] => single.clone(),
        several => format!("({})", several.join(", ")),
    }
}

/// Returns `value` as a literal of `data_type`, as `E''` if it contains a backslash, so that
/// `standard_conforming_strings` does not matter.
fn literal(value: &str, data_type: &str) -> String {
    let plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if plain && INTEGER_TYPES.contains(&data_type) {
        return value.to_owned();
    }
    let quoted = value.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'::{data_type}", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'::{data_type}")
    }
}

fn block_condition(alias: &str, window: &Window, version_num: u32) -> String {
    let block = |values: &[String]| {
        values
            .first()
            .and_then(|value| value.parse::<u64>().ok())
            .unwrap_or_default()
    };
    let (first, last) = (block(&window.start), block(&window.end));
    if version_num >= TID_RANGE_SCAN {
        return format!(
            "{alias}.ctid >= '({first},0)'::tid AND {alias}.ctid < '({},0)'::tid",
            last + 1
        );
    }
    // A row takes at least 28 bytes of a block: a header of 24 and a line pointer of 4.
    format!(
        "{alias}.ctid = ANY (ARRAY(SELECT format('(%s,%s)', block, item)::tid \
         FROM generate_series({first}, {last}) AS block, \
         generate_series(1, current_setting('block_size')::integer / 28) AS item))"
    )
}

#[cfg(test)]
mod tests {
    use super::super::RecognisedBy;
    use super::*;

    fn batching(key: &[(&str, &str)], walk: Walk) -> Batching {
        Batching {
            table: "public.orders".to_owned(),
            alias: "o".to_owned(),
            key: key
                .iter()
                .map(|(name, data_type)| Column {
                    name: (*name).to_owned(),
                    data_type: (*data_type).to_owned(),
                })
                .collect(),
            walk,
            batch_size: 10,
            predicate: None,
            key_is_unique: true,
            recognised_by: RecognisedBy::TableSize,
            template: Template { parts: Vec::new() },
        }
    }

    fn window(start: &[&str], end: &[&str]) -> Window {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        Window {
            start: owned(start),
            end: owned(end),
        }
    }

    fn check(key: &[(&str, &str)], start: &[&str], end: &[&str], expected: &str) {
        assert_eq!(
            condition(&batching(key, Walk::Rows), &window(start, end), 150_000),
            expected
        );
    }

    #[test]
    fn conditions_of_every_key() {
        check(&[("id", "bigint")], &["1"], &["500"], "o.id >= 1 AND o.id <= 500");
        check(
            &[("id", "integer")],
            &["-5"],
            &["0"],
            "o.id >= '-5'::integer AND o.id <= 0",
        );
        check(
            &[("\"Id\"", "uuid")],
            &["00000000-0000-0000-0000-000000000000"],
            &["ffffffff-ffff-ffff-ffff-ffffffffffff"],
            "o.\"Id\" >= '00000000-0000-0000-0000-000000000000'::uuid \
             AND o.\"Id\" <= 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid",
        );
        check(
            &[("name", "text")],
            &["O'Hara; DROP TABLE t; --"],
            &["\\'"],
            "o.name >= 'O''Hara; DROP TABLE t; --'::text AND o.name <= E'\\\\'''::text",
        );
        check(
            &[("a", "integer"), ("b", "timestamp with time zone")],
            &["1", "2024-01-01 00:00:00.000001+00"],
            &["1", "2024-01-02 00:00:00+00"],
            "(o.a, o.b) >= (1, '2024-01-01 00:00:00.000001+00'::timestamp with time zone) \
             AND (o.a, o.b) <= (1, '2024-01-02 00:00:00+00'::timestamp with time zone)",
        );
        check(
            &[("code", "text")],
            &["007"],
            &[""],
            "o.code >= '007'::text AND o.code <= ''::text",
        );
    }

    #[test]
    fn conditions_of_blocks() {
        let batching = batching(&[], Walk::Blocks);
        let window = window(&["8"], &["15"]);
        assert_eq!(
            condition(&batching, &window, 140_000),
            "o.ctid >= '(8,0)'::tid AND o.ctid < '(16,0)'::tid"
        );
        assert_eq!(
            condition(&batching, &window, 130_022),
            "o.ctid = ANY (ARRAY(SELECT format('(%s,%s)', block, item)::tid FROM generate_series(8, 15) AS block, \
             generate_series(1, current_setting('block_size')::integer / 28) AS item))"
        );
    }

    #[test]
    fn holes_are_filled() {
        let mut batching = batching(&[("id", "bigint")], Walk::Rows);
        batching.template.parts = vec![
            TemplatePart::Text("DELETE FROM orders o WHERE o.id BETWEEN ".to_owned()),
            TemplatePart::Start,
            TemplatePart::Text(" AND ".to_owned()),
            TemplatePart::End,
            TemplatePart::Text(" AND ".to_owned()),
            TemplatePart::Condition,
        ];
        assert_eq!(
            batching.template.render(&batching, &window(&["3"], &["9"]), 150_000),
            "DELETE FROM orders o WHERE o.id BETWEEN 3 AND 9 AND o.id >= 3 AND o.id <= 9"
        );
    }

    #[test]
    fn only_one_whole_number_can_be_counted() {
        assert!(is_integer_key(&batching(&[("id", "integer")], Walk::Rows).key));
        assert!(!is_integer_key(&batching(&[("id", "numeric")], Walk::Rows).key));
        assert!(!is_integer_key(
            &batching(&[("a", "integer"), ("b", "integer")], Walk::Rows).key
        ));
    }
}
