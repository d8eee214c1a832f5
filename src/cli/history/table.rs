//! A history in a table, for teams that share a database rather than a repository.
//!
//! The database is never production: it is named like a staging clone, its session is one that may write, and it is
//! refused where it is the database that the environment names as production.

use postgres::types::Type;
use postgres::{Client, Transaction};

use super::new_outcome::{NewOutcome, no_history, unknown};
use crate::cli::connection;
use crate::error::{Error, ErrorKind, Result};
use crate::model::outcome::Outcome;
use crate::server::{self, Staging};

/// The table, in the first schema of the search path.
pub const TABLE: &str = "migtime_history";

/// Reads the outcomes.
///
/// # Errors
/// `Usage` when there is no table, or a row is no outcome; `Connection`; `UnsafeTarget` for production, a standby and a
/// read-only database.
pub fn read(url: &str, no_password: bool) -> Result<Vec<Outcome>> {
    in_transaction(url, no_password, |transaction| {
        if is_there(transaction)? {
            rows(transaction)
        } else {
            Err(no_history(url))
        }
    })
}

/// Inserts the outcomes that are not there yet, and returns which these are. The table is created where it is missing.
///
/// # Errors
/// As [`read`], apart from the missing table.
pub fn insert(url: &str, new: &[NewOutcome], no_password: bool) -> Result<Vec<bool>> {
    in_transaction(url, no_password, |transaction| {
        // One at a time: two who create the table, or record the same outcome, at once would fail or double it.
        let lock = format!("SELECT pg_advisory_xact_lock(hashtext('{TABLE}'))");
        transaction.batch_execute(&lock).map_err(|error| failed(&error))?;
        if !is_there(transaction)? {
            let create = format!(
                "CREATE TABLE {TABLE} (recorded_at timestamptz NOT NULL, predicted_seconds float8 NOT NULL, \
                 actual_seconds float8 NOT NULL, outcome text NOT NULL)"
            );
            transaction.batch_execute(&create).map_err(|error| failed(&error))?;
        }
        let added = unknown(&rows(transaction)?, new);
        let insert = format!(
            "INSERT INTO {TABLE} (recorded_at, predicted_seconds, actual_seconds, outcome) \
             VALUES ($1::text::timestamptz, $2, $3, $4)"
        );
        let types = [Type::TEXT, Type::FLOAT8, Type::FLOAT8, Type::TEXT];
        let statement = transaction
            .prepare_typed(&insert, &types)
            .map_err(|error| failed(&error))?;
        for (new, _) in new.iter().zip(&added).filter(|(_, added)| **added) {
            let outcome = &new.outcome;
            let line = outcome.to_line();
            transaction
                .execute(
                    &statement,
                    &[
                        &outcome.recorded_at,
                        &outcome.predicted.point_seconds,
                        &outcome.actual_seconds,
                        &line.trim_end(),
                    ],
                )
                .map_err(|error| failed(&error))?;
        }
        Ok(added)
    })
}

fn in_transaction<T>(url: &str, no_password: bool, work: impl FnOnce(&mut Transaction) -> Result<T>) -> Result<T> {
    let mut session = session(url, no_password)?;
    let (line, silence) = (session.line().clone(), session.longest_silence());
    session.look(|client: &mut Client| {
        let _answer = line.await_answer(silence);
        let mut transaction = client.transaction().map_err(|error| failed(&error))?;
        let done = work(&mut transaction)?;
        transaction.commit().map_err(|error| failed(&error))?;
        Ok(done)
    })
}

fn session(url: &str, no_password: bool) -> Result<Staging> {
    connection::history(url, no_password).map_err(|error| match error.kind() {
        ErrorKind::UnsafeTarget => error
            .in_context("the history")
            .with_hint("a history is kept in a file, or in a database that is not production: --history postgres://…"),
        _ => error.in_context("the history"),
    })
}

fn is_there(transaction: &mut Transaction) -> Result<bool> {
    let asked = format!("SELECT to_regclass('{TABLE}') IS NOT NULL");
    let row = transaction.query_one(&asked, &[]).map_err(|error| failed(&error))?;
    Ok(row.get(0))
}

fn rows(transaction: &mut Transaction) -> Result<Vec<Outcome>> {
    let asked = format!("SELECT outcome FROM {TABLE} ORDER BY recorded_at");
    let rows = transaction.query(&asked, &[]).map_err(|error| failed(&error))?;
    let read = |(row, number): (&postgres::Row, usize)| {
        let line: String = row.try_get(0).map_err(|error| failed(&error))?;
        Outcome::from_line(&line, &format!("row {number} of {TABLE}"))
    };
    rows.iter().zip(1..).map(read).collect()
}

fn failed(error: &postgres::Error) -> Error {
    server::server_error(error, ErrorKind::Connection).in_context(TABLE)
}
