//! SQL that finds the windows of a walk: a sample of the keys, and where batches begin and end.
//!
//! Pure text. Key values are read as text and sent back as literals of their type, so the session must keep the same
//! `DateStyle` and `extra_float_digits` throughout; ISO and the default lose nothing. `min` and `max` of keys are not
//! used, since uuid and rows have none before PostgreSQL 18. All names are qualified by the alias, so that a column may
//! have any name; the aliases added here begin with `migtime_`.

use super::template::{in_row, key_columns, row};
use super::{Batching, Walk};

/// Where a walk over the keys continues; keys as text, one value for each column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkFrom<'key> {
    /// At the first key.
    Beginning,
    /// At this key, or at the next one if it no longer exists.
    At(&'key [String]),
    /// After this key, the last one of the previous batch.
    After(&'key [String]),
}

/// A part of a walk over the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkRange<'key> {
    /// Where it begins.
    pub from: WalkFrom<'key>,
    /// It begins after this key, if that is later.
    pub after: Option<&'key [String]>,
    /// It ends before this key.
    pub before: Option<&'key [String]>,
}

impl WalkRange<'_> {
    /// The whole walk.
    pub const ALL: WalkRange<'static> = WalkRange {
        from: WalkFrom::Beginning,
        after: None,
        before: None,
    };
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
        where_clause(batching, None),
        listed(batching, |column| column),
    )
}

/// Returns the query for the bounds of up to `batches` consecutive batches of `batch_size` rows.
///
/// It goes from batch to batch as a keyset loop does: each step reads a short range of the key's index and sorts
/// nothing. Rows with the same key are never separated, so a batch may be larger if the key is not unique. Rows with a
/// NULL in the key are left out; no window contains them. Columns: number of rows (bigint; for a unique key always
/// `batch_size`, though the last batch may have fewer), first key's columns as text, last key's columns as text; one
/// row per batch, in order.
pub fn batches_sql(batching: &Batching, range: WalkRange, batches: u64) -> String {
    let first = numbered(batching, "first_");
    let last = numbered(batching, "last_");
    let next = compared(batching, ">", &numbered(batching, "migtime_batch.last_"));
    let texts: Vec<String> = first
        .iter()
        .chain(&last)
        .map(|name| format!("migtime_batch.{name}::text"))
        .collect();
    format!(
        "WITH RECURSIVE migtime_batch (number, {first}, {last}) AS (\
         SELECT 1, {bounds_from_start} UNION ALL \
         SELECT migtime_batch.number + 1, {bounds_from_next} WHERE migtime_batch.number < {batches}) \
         SELECT {rows}, {texts} FROM migtime_batch ORDER BY migtime_batch.number",
        first = first.join(", "),
        last = last.join(", "),
        bounds_from_start = bounds(batching, "", start_condition(batching, range), range.before),
        bounds_from_next = bounds(batching, "migtime_batch CROSS JOIN ", Some(next), range.before),
        rows = rows_in_batch(batching),
        texts = texts.join(", "),
    )
}

/// Returns the messages that look up the bounds of up to `batches` batches, as [`batches_sql`] does; the settings apply
/// to their transaction only.
///
/// JIT compilation can take longer than the look-up itself, and the server does it where it believes a table to be
/// large. Where the walk is dense (most rows along the key are wanted), the look-up must go along the key: the server
/// has no statistics on a column that was just added and believes `IS NULL` to be rare, so for each window it would
/// read and sort all rows after the key, through a bitmap scan if the keys are scattered.
pub fn look_up_sql(batching: &Batching, range: WalkRange, batches: u64, is_dense: bool) -> String {
    let along_the_key = if is_dense {
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;"
    } else {
        ""
    };
    let look_up = batches_sql(batching, range, batches);
    format!("SET LOCAL jit = off;{along_the_key}{look_up}")
}

/// Returns the select list and the `FROM` clause for the bounds of the batch whose first key is the first to match
/// `condition`.
///
/// If fewer than `batch_size` rows are left, the last key is that of the last row.
fn bounds(batching: &Batching, relations: &str, condition: Option<String>, end: Option<&[String]>) -> String {
    let within = |condition: Option<String>| {
        let before_end = end.map(|key| compared_with_key(batching, "<", key));
        let conditions: Vec<String> = condition.into_iter().chain(before_end).collect();
        (!conditions.is_empty()).then(|| conditions.join(" AND "))
    };
    let onwards = compared(batching, ">=", &numbered(batching, "migtime_first.key_"));
    let too_few = format!("migtime_whole.key_1 IS NULL AND {onwards}");
    let last: Vec<String> = numbered(batching, "key_")
        .iter()
        .map(|name| format!("coalesce(migtime_whole.{name}, migtime_rest.{name})"))
        .collect();
    format!(
        "{first}, {last} FROM {relations}LATERAL {first_key} AS migtime_first \
         LEFT JOIN LATERAL {whole} AS migtime_whole ON true LEFT JOIN LATERAL {rest} AS migtime_rest ON true",
        first = numbered(batching, "migtime_first.key_").join(", "),
        last = last.join(", "),
        first_key = one_key(batching, within(condition), "", 0),
        whole = one_key(
            batching,
            within(Some(onwards)),
            "",
            batching.batch_size.saturating_sub(1)
        ),
        rest = one_key(batching, within(Some(too_few)), " DESC", 0),
    )
}

/// Returns a subquery for the key of one row, as `key_1`, `key_2` …: the row that comes `skipped` rows after the first.
fn one_key(batching: &Batching, condition: Option<String>, order: &str, skipped: u64) -> String {
    let names = numbered(batching, "key_");
    let selected: Vec<String> = columns(batching)
        .zip(&names)
        .map(|(column, name)| format!("{column} AS {name}"))
        .collect();
    format!(
        "(SELECT {} FROM {} AS {}{} ORDER BY {} OFFSET {skipped} LIMIT 1)",
        selected.join(", "),
        batching.table,
        batching.alias,
        where_clause(batching, condition),
        listed(batching, |column| format!("{column}{order}")),
    )
}

/// Returns an expression for the number of rows in a batch of `migtime_batch`; a unique key needs no counting.
fn rows_in_batch(batching: &Batching) -> String {
    if batching.key_is_unique {
        return batching.batch_size.to_string();
    }
    let window = format!(
        "{} AND {}",
        compared(batching, ">=", &numbered(batching, "migtime_batch.first_")),
        compared(batching, "<=", &numbered(batching, "migtime_batch.last_")),
    );
    format!(
        "(SELECT count(*) FROM {} AS {}{})",
        batching.table,
        batching.alias,
        where_clause(batching, Some(window))
    )
}

/// Returns the query for the ends of a key-range walk over the whole table, as in a script that counts through ids.
///
/// Columns: smallest and largest key as text, both NULL when the table is empty.
pub fn key_range_sql(batching: &Batching) -> String {
    let column = key_columns(batching);
    format!(
        "SELECT min({column})::text, max({column})::text FROM {} AS {}",
        batching.table, batching.alias
    )
}

/// Returns a name for each column of the key: `prefix` and its position, from 1.
fn numbered(batching: &Batching, prefix: &str) -> Vec<String> {
    (1..=batching.key.len())
        .map(|place| format!("{prefix}{place}"))
        .collect()
}

fn columns(batching: &Batching) -> impl Iterator<Item = String> {
    let names = batching.key.iter();
    names.map(|column| format!("{}.{}", batching.alias, column.name))
}

fn listed(batching: &Batching, form: impl Fn(String) -> String) -> String {
    columns(batching).map(form).collect::<Vec<_>>().join(", ")
}

/// Compares the key with other columns, as a row if it has several, for which an index on the key can be used.
fn compared(batching: &Batching, operator: &str, others: &[String]) -> String {
    format!(
        "{} {operator} {}",
        key_columns(batching),
        in_row(others.iter().cloned())
    )
}

fn start_condition(batching: &Batching, range: WalkRange) -> Option<String> {
    let from = match range.from {
        WalkFrom::Beginning => None,
        WalkFrom::At(key) => Some((">=", key)),
        WalkFrom::After(key) => Some((">", key)),
    };
    let conditions: Vec<String> = from
        .into_iter()
        .chain(range.after.map(|key| (">", key)))
        .map(|(operator, key)| compared_with_key(batching, operator, key))
        .collect();
    (!conditions.is_empty()).then(|| conditions.join(" AND "))
}

fn compared_with_key(batching: &Batching, operator: &str, key: &[String]) -> String {
    format!("{} {operator} {}", key_columns(batching), row(&batching.key, key))
}

fn where_clause(batching: &Batching, condition: Option<String>) -> String {
    debug_assert!(batching.walk != Walk::Blocks, "blocks have no keys");
    let predicate = batching.predicate.as_ref().map(|predicate| format!("({predicate})"));
    let present = columns(batching).map(|column| format!("{column} IS NOT NULL"));
    let conditions: Vec<String> = predicate.into_iter().chain(present).chain(condition).collect();
    format!(" WHERE {}", conditions.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::super::{RecognisedBy, Template};
    use super::*;
    use crate::catalog::facts::Column;

    fn from(from: WalkFrom) -> WalkRange {
        WalkRange { from, ..WalkRange::ALL }
    }

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
            key_is_unique: true,
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
            batches_sql(&batching(&[("id", "bigint")], None), WalkRange::ALL, 3),
            "WITH RECURSIVE migtime_batch (number, first_1, last_1) AS (\
             SELECT 1, migtime_first.key_1, coalesce(migtime_whole.key_1, migtime_rest.key_1) \
             FROM LATERAL (SELECT o.id AS key_1 FROM public.\"Orders\" AS o \
             WHERE o.id IS NOT NULL ORDER BY o.id OFFSET 0 LIMIT 1) AS migtime_first \
             LEFT JOIN LATERAL (SELECT o.id AS key_1 FROM public.\"Orders\" AS o \
             WHERE o.id IS NOT NULL AND o.id >= migtime_first.key_1 ORDER BY o.id OFFSET 99 LIMIT 1) \
             AS migtime_whole ON true \
             LEFT JOIN LATERAL (SELECT o.id AS key_1 FROM public.\"Orders\" AS o \
             WHERE o.id IS NOT NULL AND migtime_whole.key_1 IS NULL AND o.id >= migtime_first.key_1 \
             ORDER BY o.id DESC OFFSET 0 LIMIT 1) AS migtime_rest ON true \
             UNION ALL \
             SELECT migtime_batch.number + 1, migtime_first.key_1, coalesce(migtime_whole.key_1, migtime_rest.key_1) \
             FROM migtime_batch CROSS JOIN LATERAL (SELECT o.id AS key_1 FROM public.\"Orders\" AS o \
             WHERE o.id IS NOT NULL AND o.id > migtime_batch.last_1 ORDER BY o.id OFFSET 0 LIMIT 1) AS migtime_first \
             LEFT JOIN LATERAL (SELECT o.id AS key_1 FROM public.\"Orders\" AS o \
             WHERE o.id IS NOT NULL AND o.id >= migtime_first.key_1 ORDER BY o.id OFFSET 99 LIMIT 1) \
             AS migtime_whole ON true \
             LEFT JOIN LATERAL (SELECT o.id AS key_1 FROM public.\"Orders\" AS o \
             WHERE o.id IS NOT NULL AND migtime_whole.key_1 IS NULL AND o.id >= migtime_first.key_1 \
             ORDER BY o.id DESC OFFSET 0 LIMIT 1) AS migtime_rest ON true \
             WHERE migtime_batch.number < 3) \
             SELECT 100, migtime_batch.first_1::text, migtime_batch.last_1::text \
             FROM migtime_batch ORDER BY migtime_batch.number"
        );
    }

    #[test]
    fn several_columns_are_compared_as_a_row() {
        let key = ["1".to_owned(), "it's".to_owned()];
        let sql = batches_sql(
            &batching(&[("a", "integer"), ("b", "text")], None),
            from(WalkFrom::At(&key)),
            3,
        );
        for part in [
            "o.a IS NOT NULL AND o.b IS NOT NULL AND (o.a, o.b) >= (1, 'it''s'::text) ORDER BY o.a, o.b OFFSET 0 LIMIT \
             1",
            "(o.a, o.b) > (migtime_batch.last_1, migtime_batch.last_2)",
            "(o.a, o.b) >= (migtime_first.key_1, migtime_first.key_2) ORDER BY o.a DESC, o.b DESC",
        ] {
            assert!(sql.contains(part), "{part} is not in {sql}");
        }
    }

    #[test]
    fn rows_of_a_key_with_ties_are_counted() {
        let mut batching = batching(&[("grade", "integer")], Some("o.a"));
        batching.key_is_unique = false;
        let sql = batches_sql(&batching, WalkRange::ALL, 3);
        let counted = "SELECT (SELECT count(*) FROM public.\"Orders\" AS o WHERE (o.a) AND o.grade IS NOT NULL \
                       AND o.grade >= migtime_batch.first_1 AND o.grade <= migtime_batch.last_1), \
                       migtime_batch.first_1::text";
        assert!(sql.contains(counted), "{sql}");
    }

    #[test]
    fn a_walk_goes_on_behind_its_last_batch() {
        let from_key = |key| batches_sql(&batching(&[("id", "bigint")], Some("o.a")), from(key), 1);
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
    fn a_place_stays_between_its_neighbours() {
        let (at, after, before) = (["5".to_owned()], ["7".to_owned()], ["90".to_owned()]);
        let range = WalkRange {
            from: WalkFrom::At(&at),
            after: Some(&after),
            before: Some(&before),
        };
        let sql = batches_sql(&batching(&[("id", "bigint")], None), range, 3);
        assert!(
            sql.contains("AND o.id >= 5 AND o.id > 7 AND o.id < 90 ORDER BY o.id OFFSET 0"),
            "{sql}"
        );
        assert!(
            sql.contains("AND o.id > migtime_batch.last_1 AND o.id < 90 ORDER BY o.id OFFSET 0"),
            "{sql}"
        );
        assert_eq!(sql.matches("AND o.id < 90 ORDER BY").count(), 6, "{sql}");
    }

    #[test]
    fn ends_of_a_key_range() {
        assert_eq!(
            key_range_sql(&batching(&[("id", "bigint")], Some("o.a IS NULL"))),
            "SELECT min(o.id)::text, max(o.id)::text FROM public.\"Orders\" AS o"
        );
    }
}
