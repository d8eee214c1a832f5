//! Foreign servers of a database: a write to their tables changes another server, so a copy must not write to them.
//!
//! Only `postgres_fdw` can be told not to write (`updatable`, and `truncatable` from version 14). In a copy there is a
//! second protection: its sessions on the other server also start read-only, which covers tables that the migration
//! creates.

use postgres::types::Type;

use super::parameters::ConnectionParameters;
use super::reader::Reader;
use super::staging::Staging;
use super::unsafe_target::unsafe_target;
use crate::error::{Error, ErrorKind, Result};

/// A foreign server of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignServer {
    /// Its name, quoted where SQL needs it.
    pub name: String,
    /// The foreign-data wrapper it belongs to.
    pub wrapper: String,
    /// Whether it accepts writes.
    pub writes: ForeignWrites,
}

/// Whether a foreign server accepts writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForeignWrites {
    /// No: its wrapper only reads, or is set not to write.
    Closed,
    /// Yes, until these statements are run.
    Open(Vec<String>),
    /// Yes, until these statements are run by a role that owns the server and its tables.
    OpenOfOthers(Vec<String>),
    /// Probably: its wrapper has no option that would prevent writes.
    Unknown,
}

/// `$1`: whether sessions on the other servers should be read-only too. A wrapper is recognised by its handler
/// function, whatever its name; a wrapper without a handler has no accessible tables.
const SERVERS: &str = "\
WITH options AS (SELECT unnest(CASE WHEN current_setting('server_version_num')::integer >= 140000 \
                               THEN array['updatable', 'truncatable'] ELSE array['updatable'] END) AS name), \
servers AS (SELECT s.*, w.fdwname, coalesce(h.proname::text, '') AS handler \
            FROM pg_catalog.pg_foreign_server AS s \
            JOIN pg_catalog.pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw \
            LEFT JOIN pg_catalog.pg_proc AS h ON h.oid = w.fdwhandler), \
lines AS ( \
    SELECT s.oid, 1 AS place, pg_has_role(s.srvowner, 'USAGE') AS may, \
           format('ALTER SERVER %I OPTIONS (%s %s ''false'')', s.srvname, \
                  CASE WHEN v.option_value IS NULL THEN 'ADD' ELSE 'SET' END, o.name) AS line \
    FROM servers AS s CROSS JOIN options AS o \
    LEFT JOIN LATERAL pg_options_to_table(s.srvoptions) AS v ON v.option_name = o.name \
    WHERE lower(coalesce(v.option_value, 'true')) NOT IN ('false', 'off', '0') \
    UNION ALL \
    SELECT s.oid, 2, pg_has_role(c.relowner, 'USAGE'), \
           format('ALTER FOREIGN TABLE %I.%I OPTIONS (SET %s ''false'')', n.nspname, c.relname, v.option_name) \
    FROM servers AS s JOIN pg_catalog.pg_foreign_table AS t ON t.ftserver = s.oid \
    JOIN pg_catalog.pg_class AS c ON c.oid = t.ftrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
    CROSS JOIN LATERAL pg_options_to_table(t.ftoptions) AS v JOIN options AS o ON o.name = v.option_name \
    WHERE lower(v.option_value) NOT IN ('false', 'off', '0') \
    UNION ALL \
    SELECT s.oid, 3, pg_has_role(s.srvowner, 'USAGE'), \
           format('ALTER SERVER %I OPTIONS (%s options %L)', s.srvname, \
                  CASE WHEN v.option_value IS NULL THEN 'ADD' ELSE 'SET' END, \
                  concat_ws(' ', nullif(v.option_value, ''), '-c default_transaction_read_only=on')) \
    FROM servers AS s LEFT JOIN LATERAL pg_options_to_table(s.srvoptions) AS v ON v.option_name = 'options' \
    WHERE $1 AND coalesce(v.option_value, '') NOT LIKE '%-c default_transaction_read_only=on') \
SELECT quote_ident(s.srvname), s.fdwname::text, s.handler, \
       coalesce((SELECT bool_and(l.may) FROM lines AS l WHERE l.oid = s.oid), true), \
       array(SELECT l.line FROM lines AS l WHERE l.oid = s.oid ORDER BY l.place, l.line) \
FROM servers AS s ORDER BY s.srvname";

/// Handlers of wrappers that cannot write.
const READERS: [&str; 2] = ["", "file_fdw_handler"];

/// Reads the foreign servers of the database.
///
/// # Errors
/// `Connection` when the foreign servers cannot be read.
pub fn foreign_servers(reader: &mut Reader) -> Result<Vec<ForeignServer>> {
    read(reader, false)
}

/// Sets the foreign servers of a copy to write nothing. Nobody else may use the copy.
///
/// # Errors
/// `UnsafeTarget` when one of them would still write; `Connection`.
pub(super) fn close_foreign_servers(copy: &ConnectionParameters) -> Result<()> {
    let mut staging = Staging::connect(copy)?;
    let lines: Vec<String> = staging
        .read(|reader| read(reader, true))?
        .into_iter()
        .flat_map(|server| match server.writes {
            ForeignWrites::Open(lines) => lines,
            _ => Vec::new(),
        })
        .collect();
    if !lines.is_empty() {
        staging
            .client()
            .batch_execute(&lines.join("; "))
            .map_err(|error| refused(&super::server_error(&error, ErrorKind::UnsafeTarget).to_string()))?;
    }
    let servers = staging.read(foreign_servers)?;
    match servers.iter().find(|server| server.writes != ForeignWrites::Closed) {
        Some(server) => Err(refused(&format!("{} still takes them", server.name))),
        None => Ok(()),
    }
}

fn refused(words: &str) -> Error {
    unsafe_target(format!(
        "the copy's foreign servers cannot be closed to writes: {words}"
    ))
    .with_hint("drop them on the staging clone; or, if those servers are disposable too: --allow-outside foreign")
}

fn read(reader: &mut Reader, closes_sessions: bool) -> Result<Vec<ForeignServer>> {
    let rows = reader.query(SERVERS, &[(&closes_sessions, Type::BOOL)])?;
    let server = |row: &postgres::Row| {
        let (handler, may_close, lines): (&str, bool, Vec<String>) = (row.get(2), row.get(3), row.get(4));
        ForeignServer {
            name: row.get(0),
            wrapper: row.get(1),
            writes: match (handler, lines.is_empty(), may_close) {
                (handler, _, _) if READERS.contains(&handler) => ForeignWrites::Closed,
                ("postgres_fdw_handler", true, _) => ForeignWrites::Closed,
                ("postgres_fdw_handler", false, true) => ForeignWrites::Open(lines),
                ("postgres_fdw_handler", false, false) => ForeignWrites::OpenOfOthers(lines),
                _ => ForeignWrites::Unknown,
            },
        }
    };
    Ok(rows.iter().map(server).collect())
}
