//! Queries that read rows, not only the catalog: a sample of blocks, a full count, the range of a key.
//!
//! Each is one round trip. The predicate is SQL that a person wrote; it runs in the reader's read-only transaction.

use crate::catalog::document;
use crate::catalog::facts::{Column, TableFacts};
use crate::catalog::{self, Moments, Sampled};
use crate::error::{Error, ErrorKind, Result};
use crate::server::Reader;

/// The alias of a table that is counted without a predicate.
const NO_ALIAS: &str = "counted";

/// How much of a table to sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleOptions {
    /// Blocks to read; a table with no more blocks is counted instead.
    pub blocks: u64,
}

impl Default for SampleOptions {
    /// 10,000 blocks: about 80 MB read for a standard deviation of about 1 %.
    fn default() -> Self {
        SampleOptions { blocks: 10_000 }
    }
}

/// Samples blocks of a table for its number of rows and the share of them that match a predicate.
///
/// `predicate` is an alias and a condition over it. The same seed on an unchanged table gives the same result.
///
/// # Errors
/// `Usage` when the server refuses the predicate or the role may not read the table, or when partitions are foreign.
pub fn sample(
    reader: &mut Reader,
    facts: &TableFacts,
    predicate: Option<(&str, &str)>,
    seed: u64,
    options: SampleOptions,
) -> Result<Sampled> {
    let table_blocks = facts.heap_blocks();
    if table_blocks <= options.blocks {
        return exact(reader, facts, predicate);
    }
    refuse_foreign_partitions(facts)?;
    let percent = (100.0 * options.blocks as f64 / table_blocks as f64) as f32;
    let (alias, condition) = predicate.unwrap_or((NO_ALIAS, "true"));
    let text = ask(
        reader,
        facts,
        &sample_query(&facts.name, alias, condition, percent, seed),
    )?;
    let moments: Moments = document::parse(&text)?;
    Ok(catalog::from_moments(
        &moments,
        f64::from(percent) / 100.0,
        predicate.is_some(),
    ))
}

/// Counts the rows of a table, and those that match a predicate; reads the whole table.
///
/// # Errors
/// As [`sample`].
pub fn exact(reader: &mut Reader, facts: &TableFacts, predicate: Option<(&str, &str)>) -> Result<Sampled> {
    refuse_foreign_partitions(facts)?;
    let (alias, condition) = predicate.unwrap_or((NO_ALIAS, "true"));
    let text = ask(reader, facts, &count_query(&facts.name, alias, condition))?;
    let (rows, matching): (u64, u64) = document::parse(&text)?;
    let blocks = facts.heap_blocks();
    Ok(catalog::from_count(rows, predicate.map(|_| matching), blocks))
}

/// Returns the smallest and the greatest value of an integer key; `None` when the table is empty.
///
/// Reads only both ends of the key's index.
///
/// # Errors
/// `Usage` when the column does not hold integers, or the role may not read it.
pub fn key_range(reader: &mut Reader, facts: &TableFacts, column: &Column) -> Result<Option<(i128, i128)>> {
    let (key, table) = (&column.name, &facts.name);
    if !catalog::is_integer(&column.data_type) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!(
                "the key {key} of {table} is of type {}, so it has no ranges to walk",
                column.data_type
            ),
        )
        .with_hint("walk it by rows instead"));
    }
    let sql = format!("SELECT json_build_array(min({key})::text, max({key})::text)::text FROM {table}");
    let (least, greatest): (Option<String>, Option<String>) = document::parse(&ask(reader, facts, &sql)?)?;
    let number = |text: String| text.parse::<i128>().map_err(document::unreadable);
    match (least, greatest) {
        (Some(least), Some(greatest)) => Ok(Some((number(least)?, number(greatest)?))),
        _ => Ok(None),
    }
}

/// Groups the rows of sampled blocks on the server, so that one row of sums comes back, whatever the sample's size.
///
/// A line break follows the condition, because it may end in a line comment.
fn sample_query(table: &str, alias: &str, condition: &str, percent: f32, seed: u64) -> String {
    format!(
        "SELECT json_build_object(
    'blocks', count(*), 'rows', coalesce(sum(y), 0), 'rows_squared', coalesce(sum(y * y), 0),
    'matching', coalesce(sum(x), 0), 'matching_squared', coalesce(sum(x * x), 0), 'matching_rows', coalesce(sum(x * \
    y), 0)
)::text
FROM (
    SELECT count(*)::float8 AS y, count(*) FILTER (WHERE {condition}
    )::float8 AS x
    FROM {table} AS {alias} TABLESAMPLE SYSTEM ({percent}) REPEATABLE ({seed})
    GROUP BY {alias}.tableoid, ({alias}.ctid::text::point)[0]
) AS block"
    )
}

fn count_query(table: &str, alias: &str, condition: &str) -> String {
    format!(
        "SELECT json_build_array(count(*), count(*) FILTER (WHERE {condition}
))::text
FROM {table} AS {alias}"
    )
}

fn ask(reader: &mut Reader, facts: &TableFacts, sql: &str) -> Result<String> {
    let rows = reader
        .query_written_by_user(sql)
        .map_err(|error| error.in_context(format!("reading {}", facts.name)))?;
    let row = rows.first().ok_or_else(|| document::unreadable("no row"))?;
    row.try_get(0).map_err(document::unreadable)
}

/// The server cannot sample foreign partitions; it would read them whole, over the network.
fn refuse_foreign_partitions(facts: &TableFacts) -> Result<()> {
    if facts.foreign_partitions == 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Usage,
        format!(
            "{} of the partitions of {} are foreign tables",
            facts.foreign_partitions, facts.name
        ),
    )
    .with_hint("name the local partitions one by one"))
}
