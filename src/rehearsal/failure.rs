//! Turns the server's error for a statement of a rehearsal into an error of this program.

use postgres::error::SqlState;

use crate::error::{Error, ErrorKind};
use crate::server::server_error;

/// Describes a failed statement. A server that went away is a lost connection, not a failed migration.
pub(super) fn failure(error: &postgres::Error) -> Error {
    const GONE: [SqlState; 3] = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
    ];
    let kind = match error.code() {
        Some(code) if !GONE.contains(code) => ErrorKind::MigrationFailed,
        _ => ErrorKind::Connection,
    };
    let failure = server_error(error, kind);
    if kind == ErrorKind::Connection {
        return failure.in_context("the connection was lost");
    }
    // PostgreSQL 15 and later give this hint themselves. The error code alone can mean other missing files; the
    // routine's name is the same in every language.
    let routine = error.as_db_error().and_then(|server| server.routine());
    if routine == Some("parse_extension_control_file") {
        return failure.with_hint("The extension must first be installed on the system where PostgreSQL is running.");
    }
    if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
        return failure.with_hint("another session holds a lock on the clone; end it, or raise --lock-timeout");
    }
    failure
}
