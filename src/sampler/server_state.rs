//! Asks what is going on on a server, each question in a transaction of its own: one that is refused spoils no other.

use postgres::types::{ToSql, Type};
use serde::de::DeserializeOwned;

use super::document;
use crate::catalog::document::parse;
use crate::catalog::server_state::{Answer, ServerState};
use crate::error::{ErrorKind, Result};
use crate::server::Production;

/// Returns what is going on on `production`: on the tables named in `tables` (qualified), and for `role`, or the
/// connection's own. One round trip a question.
///
/// # Errors
/// `Connection` when the session is lost; `Interrupted`. What the server refuses becomes the answer to that question.
pub fn server_state(production: &mut Production, tables: &[String], role: Option<&str>) -> Result<ServerState> {
    let of_tables: &[(&(dyn ToSql + Sync), Type)] = &[(&tables, Type::TEXT_ARRAY)];
    Ok(ServerState {
        sessions: ask(production, include_str!("sql/state_sessions.sql"), of_tables)?,
        vacuums: ask(production, include_str!("sql/state_vacuums.sql"), of_tables)?,
        tables: ask(production, include_str!("sql/state_tables.sql"), of_tables)?,
        replication: ask(production, include_str!("sql/state_replication.sql"), &[])?,
        limits: ask(production, include_str!("sql/state_limits.sql"), &[(&role, Type::TEXT)])?,
        archiver: ask(production, include_str!("sql/state_archiver.sql"), &[])?,
    })
}

fn ask<T: DeserializeOwned>(
    production: &mut Production,
    sql: &str,
    parameters: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Answer<T>> {
    match production.read(|reader| document(reader, sql, parameters).and_then(|text| parse(&text))) {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
        // A lost session refuses this one, too.
        Err(error) => production
            .read(|reader| reader.query("SELECT 1", &[]).map(|_| ()))
            .map(|()| Err(error.message().to_string())),
    }
}
