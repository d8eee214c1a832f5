//! Facts of the server and of tables, asked in a few queries however many tables there are.

use postgres::types::{ToSql, Type};

use crate::catalog::document;
use crate::catalog::facts::{ServerFacts, TableFacts};
use crate::catalog::{self, RelationName, facts_from_document};
use crate::error::{Error, ErrorKind, Result};
use crate::server::Reader;

/// Settings that change or explain how long a migration takes.
const SETTINGS: [&str; 36] = [
    "archive_mode",
    "autovacuum",
    "autovacuum_analyze_scale_factor",
    "autovacuum_vacuum_cost_delay",
    "autovacuum_vacuum_cost_limit",
    "autovacuum_vacuum_scale_factor",
    "bgwriter_lru_maxpages",
    "block_size",
    "checkpoint_completion_target",
    "checkpoint_timeout",
    "commit_delay",
    "data_checksums",
    "default_statistics_target",
    "effective_cache_size",
    "effective_io_concurrency",
    "fsync",
    "full_page_writes",
    "huge_pages",
    "io_method",
    "jit",
    "maintenance_io_concurrency",
    "maintenance_work_mem",
    "max_parallel_maintenance_workers",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "max_wal_size",
    "random_page_cost",
    "seq_page_cost",
    "shared_buffers",
    "synchronous_commit",
    "synchronous_standby_names",
    "temp_buffers",
    "wal_buffers",
    "wal_compression",
    "wal_level",
    "work_mem",
];

/// Number of tables described by one query. With many more, the planner considers the query costly enough to compile
/// (`jit`), which takes seconds.
pub const TABLES_A_QUERY: usize = 8;

/// Returns the server's version and the settings that matter for durations. One round trip.
pub fn server_facts(reader: &mut Reader) -> Result<ServerFacts> {
    let text = document(
        reader,
        include_str!("sql/settings.sql"),
        &[(&&SETTINGS[..], Type::TEXT_ARRAY)],
    )?;
    document::parse(&text)
}

/// Returns the facts of each named table, in the order of `names`. One round trip for every [`TABLES_A_QUERY`] of them.
///
/// Names are read as in psql: folded to lower case unless quoted, looked up along `search_path` unless qualified.
///
/// # Errors
/// `Usage` when a name is malformed, is not found (with near matches), or is not a table of this database but a view,
/// an index, a foreign table and so on (with what to name instead).
pub fn tables(reader: &mut Reader, names: &[&str]) -> Result<Vec<TableFacts>> {
    let wanted = parsed(names)?;
    let mut facts = Vec::with_capacity(wanted.len());
    for some in wanted.chunks(TABLES_A_QUERY) {
        for (found, name) in describe(reader, some)?.iter().zip(some) {
            match found {
                Some(text) => facts.push(facts_from_document(text)?),
                None => return Err(not_found(reader, name)?),
            }
        }
    }
    Ok(facts)
}

/// Returns the facts of each named table that exists; see [`tables`]. One round trip for every [`TABLES_A_QUERY`] of
/// them.
///
/// # Errors
/// `Usage` when a name is malformed; `Connection`.
pub fn tables_there(reader: &mut Reader, names: &[&str]) -> Result<Vec<Option<TableFacts>>> {
    let mut facts = Vec::with_capacity(names.len());
    for some in parsed(names)?.chunks(TABLES_A_QUERY) {
        for found in describe(reader, some)? {
            facts.push(match found.map(|text| facts_from_document(&text)).transpose() {
                Err(error) if error.kind() == ErrorKind::Usage => None,
                found => found?,
            });
        }
    }
    Ok(facts)
}

fn parsed(names: &[&str]) -> Result<Vec<RelationName>> {
    names.iter().map(|name| RelationName::parse(name)).collect()
}

/// Returns the facts of one table; see [`tables`].
pub fn table(reader: &mut Reader, name: &str) -> Result<TableFacts> {
    let mut facts = tables(reader, &[name])?;
    facts
        .pop()
        .ok_or_else(|| document::unreadable("no row for the wanted name"))
}

/// Queries the documents of `sql/tables.sql`, one for each name; `None` where there is no such relation.
fn describe(reader: &mut Reader, wanted: &[RelationName]) -> Result<Vec<Option<String>>> {
    let databases: Vec<Option<&str>> = wanted.iter().map(|name| name.database.as_deref()).collect();
    let schemas: Vec<Option<&str>> = wanted.iter().map(|name| name.schema.as_deref()).collect();
    let names: Vec<&str> = wanted.iter().map(|name| name.name.as_str()).collect();
    let rows = reader.query(
        include_str!("sql/tables.sql"),
        &[
            (&databases, Type::TEXT_ARRAY),
            (&schemas, Type::TEXT_ARRAY),
            (&names, Type::TEXT_ARRAY),
        ],
    )?;
    let documents = rows.iter().map(|row| row.try_get(0).map_err(document::unreadable));
    documents.collect()
}

/// Returns the error for a table that does not exist, with similar names.
fn not_found(reader: &mut Reader, wanted: &RelationName) -> Result<Error> {
    let slack = catalog::slack(&wanted.name) as i32;
    let text = document(
        reader,
        include_str!("sql/near_matches.sql"),
        &[(&wanted.name, Type::TEXT), (&slack, Type::INT4)],
    )?;
    Ok(catalog::not_found(wanted, &document::parse(&text)?))
}

/// Runs a query that returns one JSON document, and returns its text.
pub(super) fn document(reader: &mut Reader, sql: &str, parameters: &[(&(dyn ToSql + Sync), Type)]) -> Result<String> {
    let rows = reader.query(sql, parameters)?;
    let row = rows.first().ok_or_else(|| document::unreadable("no row"))?;
    row.try_get(0).map_err(document::unreadable)
}
