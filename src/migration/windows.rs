//! SQL that finds the windows of a walk: where a sample of the keys lies, and where batches begin and end.
//!
//! Plain text. Key values come back as text and go back in as literals of their type, so the session must keep the
//! same `DateStyle` and `extra_float_digits` throughout; ISO and the default lose nothing. No `min` or `max` over
//! keys, since uuid and rows have none before PostgreSQL 18. All names are qualified by the alias, so that a column
//! may be called anything.

use super::template::{key_columns, row};
use super::{Batching, Walk};

/// Where a walk over the keys goes on; keys as text, one value for each column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkFrom<'key> {
    /// At the first key.
    Beginning,
    /// At this key, or the next one when it is gone.
    At(&'key [String]),
    /// Behind this key, the last one of the batch before.
    After(&'key [String]),
}

/// Returns the query for a sample of the keys to be processed, in key order.
///
/// `percent` of the table's blocks are read (above 0, at most 100); the same `seed` reads the same blocks.
/// Columns: each key column as text.
pub fn sample_sql(batching: &Batching, percent: f64, seed: u64) -> String {
    format!(
        "SELECT {} FROM {} AS {} TABLESAMPLE SYSTEM ({percent}) REPEATABLE ({seed}){} ORDER BY {}",
        listed(batching, |column| format!("{column}::text")),
        batching.table,
        batching.alias,
        where_clause(batching, WalkFrom::Beginning),
        listed(batching, |column| column),
    )
}

/// Returns the query for the bounds of up to `batches` consecutive batches of `batch_size` rows.
///
/// Rows with the same key are never parted: a batch of a key that is not unique may be larger. Rows with a NULL in the
/// key are left out; no window holds them.
/// Columns: number of rows (bigint), first key's columns as text, last key's columns as text; one row a batch, in
/// order.
pub fn batches_sql(batching: &Batching, from: WalkFrom, batches: u64) -> String {
    let names: Vec<String> = (1..=batching.key.len())
        .map(|position| format!("key_{position}"))
        .collect();
    let keys = names.join(", ");
    let renamed: Vec<String> = batching
        .key
        .iter()
        .zip(&names)
        .map(|(column, name)| format!("{}.{} AS {name}", batching.alias, column.name))
        .collect();
    let edge = |order: &str| {
        let values = names
            .iter()
            .map(|name| format!("(array_agg({name}::text ORDER BY position{order}))[1]"));
        values.collect::<Vec<_>>().join(", ")
    };
    format!(
        "WITH matching AS (SELECT {renamed} FROM {table} AS {alias}{conditions} ORDER BY {ordered} \
         FETCH FIRST {limit} ROWS WITH TIES), \
         numbered AS (SELECT {keys}, row_number() OVER (ORDER BY {keys}) AS position, \
         (rank() OVER (ORDER BY {keys}) - 1) / {size} AS batch FROM matching), \
         neighbours AS (SELECT *, lag(batch) OVER (ORDER BY position) AS before, \
         lead(batch) OVER (ORDER BY position) AS after FROM numbered) \
         SELECT max(position) - min(position) + 1, {first}, {last} FROM neighbours \
         WHERE batch IS DISTINCT FROM before OR batch IS DISTINCT FROM after GROUP BY batch ORDER BY batch",
        renamed = renamed.join(", "),
        table = batching.table,
        alias = batching.alias,
        conditions = where_clause(batching, from),
        ordered = listed(batching, |column| column),
        limit = batches.saturating_mul(batching.batch_size).min(i64::MAX as u64),
        size = batching.batch_size,
        first = edge(""),
        last = edge(" DESC"),
    )
}

/// Returns the query for the ends of a key-range walk: the whole table, as a script that counts through ids does.
///
/// Columns: smallest and largest key as text, both NULL when the table is empty.
pub fn key_range_sql(batching: &Batching) -> String {
    let column = key_columns(batching);
    format!(
        "SELECT min({column})::text, max({column})::text FROM {} AS {}",
        batching.table, batching.alias
    )
}

fn listed(batching: &Batching, form: impl Fn(String) -> String) -> String {
    let columns = batching
        .key
        .iter()
        .map(|column| form(format!("{}.{}", batching.alias, column.name)));
    columns.collect::<Vec<_>>().join(", ")
}

fn where_clause(batching: &Batching, from: WalkFrom) -> String {
    debug_assert!(batching.walk != Walk::Blocks, "blocks have no keys");
    let mut conditions: Vec<String> = Vec::new();
    conditions.extend(batching.predicate.as_ref().map(|predicate| format!("({predicate})")));
    conditions.extend(
        batching
            .key
            .iter()
            .map(|column| format!("{}.{} IS NOT NULL", batching.alias, column.name)),
    );
    conditions.extend(match from {
        WalkFrom::Beginning => None,
        WalkFrom::At(key) => Some(format!("{} >= {}", key_columns(batching), row(&batching.key, key))),
        WalkFrom::After(key) => Some(format!("{} > {}", key_columns(batching), row(&batching.key, key))),
    });
    format!(" WHERE {}", conditions.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::super::{RecognisedBy, Template};
    use super::*;
    use crate::catalog::facts::Column;

    fn batching(key: &[(&str, &str)], predicate: Option<&str>) -> Batching {
        Batching {
            table: "public.\"Orders\"".to_owned(),
            alias: "o".to_owned(),
            key: key
                .iter()
                .map(|(name, data_type)| Column {
                    name: (*name).to_owned(),
                    data_type: (*data_type).to_owned(),
                })
                .collect(),
            walk: Walk::Rows,
            batch_size: 100,
            predicate: predicate.map(str::to_owned),
            recognised_by: RecognisedBy::Placeholders,
            template: Template { parts: Vec::new() },
        }
    }

    #[test]
    fn samples() {
        assert_eq!(
            sample_sql(&batching(&[("id", "bigint")], Some("o.a IS NULL")), 0.5, 7),
            "SELECT o.id::text FROM public.\"Orders\" AS o TABLESAMPLE SYSTEM (0.5) REPEATABLE (7) \
             WHERE (o.a IS NULL) AND o.id IS NOT NULL ORDER BY o.id"
        );
    }

    #[test]
    fn bounds_of_batches() {
        assert_eq!(
            batches_sql(
                &batching(&[("a", "integer"), ("b", "text")], None),
                WalkFrom::At(&["1".to_owned(), "it's".to_owned()]),
                3
            ),
            "WITH matching AS (SELECT o.a AS key_1, o.b AS key_2 FROM public.\"Orders\" AS o \
             WHERE o.a IS NOT NULL AND o.b IS NOT NULL AND (o.a, o.b) >= (1, 'it''s'::text) \
             ORDER BY o.a, o.b FETCH FIRST 300 ROWS WITH TIES), \
             numbered AS (SELECT key_1, key_2, row_number() OVER (ORDER BY key_1, key_2) AS position, \
             (rank() OVER (ORDER BY key_1, key_2) - 1) / 100 AS batch FROM matching), \
             neighbours AS (SELECT *, lag(batch) OVER (ORDER BY position) AS before, \
             lead(batch) OVER (ORDER BY position) AS after FROM numbered) \
             SELECT max(position) - min(position) + 1, \
             (array_agg(key_1::text ORDER BY position))[1], (array_agg(key_2::text ORDER BY position))[1], \
             (array_agg(key_1::text ORDER BY position DESC))[1], (array_agg(key_2::text ORDER BY position DESC))[1] \
             FROM neighbours \
             WHERE batch IS DISTINCT FROM before OR batch IS DISTINCT FROM after GROUP BY batch ORDER BY batch"
        );
    }

    #[test]
    fn a_walk_goes_on_behind_its_last_batch() {
        let from_key = |from| batches_sql(&batching(&[("id", "bigint")], Some("o.a")), from, 1);
        let last = ["9".to_owned()];
        let after = from_key(WalkFrom::After(&last));
        assert!(
            after.contains("WHERE (o.a) AND o.id IS NOT NULL AND o.id > 9 ORDER BY"),
            "{after}"
        );
        let beginning = from_key(WalkFrom::Beginning);
        assert!(
            beginning.contains("WHERE (o.a) AND o.id IS NOT NULL ORDER BY"),
            "{beginning}"
        );
    }

    #[test]
    fn ends_of_a_key_range() {
        assert_eq!(
            key_range_sql(&batching(&[("id", "bigint")], Some("o.a IS NULL"))),
            "SELECT min(o.id)::text, max(o.id)::text FROM public.\"Orders\" AS o"
        );
    }
}
