//! Small, known work on a server, timed by the server itself, without the way to it and back.
//!
//! Nothing is written, no table of somebody's is read but a sample of single pages of the largest one, and each query
//! takes a fraction of a second on an ordinary server.

use postgres::types::Type;

use crate::error::{Error, ErrorKind, Result};
use crate::server::Reader;

/// Values that are hashed or sorted, and rows that are looked up, by one query.
const VALUES: u32 = 100_000;

/// Pages that one query is to read.
const PAGES: f64 = 200.0;

/// Fewest pages of a table of which a sample is likely to be outside PostgreSQL's memory.
const FEWEST_PAGES: i64 = 2_000;

/// Work and the time that it took.
#[derive(Clone, Copy, Debug)]
pub struct TimedWork {
    /// How much was done: values, rows, pages, flushes.
    pub amount: f64,
    /// How long it took on the server, in seconds.
    pub seconds: f64,
}

/// A table whose pages are read.
#[derive(Clone, Debug)]
pub struct LargestTable {
    /// Qualified name, quoted where SQL needs it.
    pub name: String,
    /// Pages of its heap, as the catalog has it.
    pub pages: i64,
}

/// Returns the name of the database and `server_version_num`.
///
/// # Errors
/// `Connection`.
pub fn asked_server(reader: &mut Reader) -> Result<(String, u32)> {
    let sql = "SELECT pg_catalog.current_database()::text, pg_catalog.current_setting('server_version_num')::int";
    let rows = reader.query(sql, &[])?;
    let row = rows.first().ok_or_else(|| unreadable("its name"))?;
    Ok((row.get(0), row.get::<_, i32>(1).unsigned_abs()))
}

/// Hashes short texts, one after the other.
///
/// # Errors
/// `Connection`.
pub fn hashing(reader: &mut Reader) -> Result<TimedWork> {
    let sql = format!("SELECT count(pg_catalog.md5(i::text)) FROM pg_catalog.generate_series(1, {VALUES}) AS i");
    timed(reader, &sql, f64::from(VALUES))
}

/// Sorts numbers in no order within `work_mem`.
///
/// # Errors
/// `Connection`.
pub fn sorting(reader: &mut Reader) -> Result<TimedWork> {
    // OFFSET 0 keeps the planner from leaving the sort out, as nobody sees its order.
    let sql = format!(
        "SELECT count(*) FROM (SELECT pg_catalog.hashint4(i) AS value FROM pg_catalog.generate_series(1, {VALUES}) \
         AS i ORDER BY value OFFSET 0) AS sorted"
    );
    timed(reader, &sql, f64::from(VALUES))
}

/// Finds rows of `pg_proc`, which is alike in every database, by its index. Its pages are in memory after the first
/// time, which is left to the caller to leave out.
///
/// # Errors
/// `Connection`.
pub fn look_ups(reader: &mut Reader) -> Result<TimedWork> {
    let sql = format!(
        "WITH known AS MATERIALIZED (SELECT array(SELECT p.oid FROM pg_catalog.pg_proc AS p WHERE p.oid < 10000 \
         ORDER BY pg_catalog.hashoid(p.oid) LIMIT 1000) AS oids) \
         SELECT count(p.proname) FROM known, pg_catalog.generate_series(1, {VALUES}) AS i, pg_catalog.pg_proc AS p \
         WHERE p.oid = known.oids[1 + i % 1000]"
    );
    let plan = explained(reader, &sql)?;
    if !plan.contains("Index Scan") {
        return Err(unreadable("a plan that looks rows up by an index"));
    }
    Ok(TimedWork {
        amount: f64::from(VALUES),
        seconds: number(&plan, "Execution Time")? / 1000.0,
    })
}

/// Returns the largest table that may be read, if it is large enough to have pages outside PostgreSQL's memory.
///
/// Tables with row security are left out: their policies would run.
///
/// # Errors
/// `Connection`.
pub fn largest_table(reader: &mut Reader) -> Result<Option<LargestTable>> {
    let sql = "SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), c.relpages::int8 \
               FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
               JOIN pg_catalog.pg_am AS a ON a.oid = c.relam \
               WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p' AND NOT c.relrowsecurity \
               AND a.amname = 'heap' AND c.relpages >= $1 AND n.nspname <> 'pg_catalog' \
               AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') \
               ORDER BY c.relpages DESC, 1 LIMIT 1";
    let rows = reader.query(sql, &[(&FEWEST_PAGES, Type::INT8)])?;
    Ok(rows.first().map(|row| LargestTable {
        name: row.get(0),
        pages: row.get(1),
    }))
}

/// Reads a sample of single pages of a table and returns those that were not in PostgreSQL's memory: without
/// `track_io_timing` together with the time of those that were. `None` when nearly all of them were.
///
/// # Errors
/// `Connection`; a lock on the table, which is not waited for.
pub fn reads(reader: &mut Reader, table: &LargestTable, seed: u32) -> Result<Option<TimedWork>> {
    let percent = (100.0 * PAGES / table.pages as f64).min(100.0);
    let sql = format!(
        "SELECT count(*) FROM ONLY {} TABLESAMPLE SYSTEM ({percent}) REPEATABLE ({seed})",
        table.name
    );
    let plan = explained(reader, &sql)?;
    let (hit, read) = (
        number(&plan, "Shared Hit Blocks")?,
        number(&plan, "Shared Read Blocks")?,
    );
    if read < PAGES / 8.0 || hit > 4.0 * read {
        return Ok(None);
    }
    // The name changed in version 17; without track_io_timing it is 0, or not there.
    let waited = number(&plan, "Shared I/O Read Time").or_else(|_| number(&plan, "I/O Read Time"));
    let milliseconds = match waited {
        Ok(waited) if waited > 0.0 => waited,
        _ => number(&plan, "Execution Time")?,
    };
    Ok(Some(TimedWork {
        amount: read,
        seconds: milliseconds / 1000.0,
    }))
}

/// Returns how often the server made sure that its log is on disk, and how long it waited for that, since its counters
/// were reset; in words why that is not known.
///
/// # Errors
/// `Connection`.
pub fn commits(reader: &mut Reader, version_num: u32) -> Result<std::result::Result<TimedWork, &'static str>> {
    let sql = match version_num {
        180_000.. => {
            "SELECT sum(fsyncs)::float8, sum(fsync_time)::float8, \
             pg_catalog.current_setting('track_wal_io_timing')::bool FROM pg_catalog.pg_stat_io WHERE object = 'wal'"
        }
        140_000.. => {
            "SELECT wal_sync::float8, wal_sync_time::float8, \
             pg_catalog.current_setting('track_wal_io_timing')::bool FROM pg_catalog.pg_stat_wal"
        }
        _ => {
            return Ok(Err(
                "PostgreSQL 13 does not count how long its log takes to reach the disk",
            ));
        }
    };
    let rows = reader.query(sql, &[])?;
    let row = rows.first().ok_or_else(|| unreadable("its counters"))?;
    let (flushes, milliseconds): (Option<f64>, Option<f64>) = (row.get(0), row.get(1));
    let (flushes, milliseconds) = (flushes.unwrap_or(0.0), milliseconds.unwrap_or(0.0));
    Ok(match row.get(2) {
        false => Err("track_wal_io_timing is off, so the server does not time its log"),
        true if flushes < 10.0 || milliseconds <= 0.0 => Err("the server has flushed its log too seldom so far"),
        true => Ok(TimedWork {
            amount: flushes,
            seconds: milliseconds / 1000.0,
        }),
    })
}

fn timed(reader: &mut Reader, sql: &str, amount: f64) -> Result<TimedWork> {
    let plan = explained(reader, sql)?;
    Ok(TimedWork {
        amount,
        seconds: number(&plan, "Execution Time")? / 1000.0,
    })
}

/// Runs a query in one process and in memory, by a plan that is the same on every server, and returns the plan with
/// what it took. For the rest of the transaction only: settings that a version does not have are left out.
fn explained(reader: &mut Reader, sql: &str) -> Result<String> {
    reader.query(
        "SELECT pg_catalog.set_config(name, CASE name WHEN 'work_mem' THEN '32MB' \
         WHEN 'search_path' THEN 'pg_catalog' WHEN 'max_parallel_workers_per_gather' THEN '0' ELSE 'off' END, true) \
         FROM pg_catalog.pg_settings \
         WHERE name IN ('work_mem', 'search_path', 'max_parallel_workers_per_gather', 'enable_hashjoin', \
         'enable_mergejoin', 'enable_seqscan', 'enable_material', 'enable_memoize', 'enable_bitmapscan', \
         'enable_indexonlyscan')",
        &[],
    )?;
    // YAML is text, which JSON is not for the client library.
    let rows = reader.query(
        &format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT YAML) {sql}"),
        &[],
    )?;
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    Ok(lines.join("\n"))
}

/// Returns the first number of this name in a plan, which is that of the whole query.
fn number(plan: &str, name: &str) -> Result<f64> {
    let mut found = plan.lines().filter_map(|line| {
        let value = line.trim_start().strip_prefix(name)?.strip_prefix(':')?;
        value.trim().parse().ok()
    });
    found.next().ok_or_else(|| unreadable(name))
}

fn unreadable(what: &str) -> Error {
    Error::new(ErrorKind::Connection, format!("the server did not tell {what}"))
}
