//! Small queries in the session that runs the steps.

use std::collections::BTreeMap;

use postgres::{Client, SimpleQueryMessage};

use crate::error::{ErrorKind, Result};
use crate::server::{Staging, server_error};

/// Converts a limit from seconds to the server's whole milliseconds; at least 1, because 0 means no limit.
pub(super) fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0).round().clamp(1.0, f64::from(i32::MAX)) as u64
}

/// Returns the number of the open transaction, if it has one.
pub fn transaction(client: &mut Client) -> Result<Option<u64>, postgres::Error> {
    let row = client.query_one("SELECT pg_catalog.pg_current_xact_id_if_assigned()::text::bigint", &[])?;
    Ok(row.get::<_, Option<i64>>(0).map(i64::cast_unsigned))
}

/// Runs a query whose columns are all text and returns its rows.
pub(super) fn text_rows(client: &mut Client, sql: &str) -> Result<Vec<Vec<String>>, postgres::Error> {
    let messages = client.simple_query(sql)?;
    Ok(messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|index| row.get(index).unwrap_or_default().to_string())
                    .collect(),
            ),
            _ => None,
        })
        .collect())
}

/// Prepares the session that runs the steps and returns its process id.
pub(super) fn prepare_session(client: &mut Client, lock_timeout: f64) -> Result<i32> {
    let sql = format!(
        "SET lock_timeout = {}; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0",
        milliseconds(lock_timeout)
    );
    client
        .batch_execute(&sql)
        .map_err(|error| server_error(&error, ErrorKind::Connection))?;
    let row = client
        .query_one("SELECT pg_catalog.pg_backend_pid()", &[])
        .map_err(|error| server_error(&error, ErrorKind::Connection))?;
    Ok(row.get(0))
}

/// Gives the session of `clone` the `settings` of production, and returns those that the server accepted: some need a
/// superuser.
pub fn adopt(clone: &mut Staging, settings: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let client = clone.client();
    let sql = "SELECT pg_catalog.set_config($1, $2, false)";
    let accepted = settings
        .iter()
        .filter(|(name, value)| client.query_one(sql, &[name, value]).is_ok());
    accepted.map(|(name, value)| (name.clone(), value.clone())).collect()
}
