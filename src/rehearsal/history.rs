//! Applies the migrations before those that are rehearsed, as their tool would, without measuring anything.

use postgres::Client;

use super::session::failure;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::Statement;

/// Runs the statements in the transactions and messages in which their tool sends them, and vacuums and analyses what they made.
///
/// # Errors
/// `MigrationFailed` with `file:line` and the server's words; `Connection` when the server is lost; `Usage` for a statement with
/// batch placeholders, which only a rehearsal fills in.
pub fn apply(client: &mut Client, statements: &[Statement]) -> Result<()> {
    let mut open = None;
    for message in statements.chunk_by(|one, other| one.sending.message.is_some() && one.sending == other.sending) {
        let transaction = message[0].sending.transaction;
        if transaction != open {
            if open.is_some() {
                execute(client, "COMMIT", &message[0])?;
            }
            if transaction.is_some() {
                execute(client, "BEGIN", &message[0])?;
            }
            open = transaction;
        }
        send(client, message)?;
    }
    if let (Some(_), Some(last)) = (open, statements.last()) {
        execute(client, "COMMIT", last)?;
    }
    client
        .batch_execute("VACUUM (ANALYZE)")
        .map_err(|error| failure(&error))
}

/// Sends one message; statement by statement where that is the same, so that a failure has its line.
fn send(client: &mut Client, message: &[Statement]) -> Result<()> {
    let manages_transactions = message.iter().any(|statement| statement.is_transaction_edge());
    if message.len() > 1 && manages_transactions {
        let whole: Vec<&str> = message.iter().map(|statement| statement.sql.as_str()).collect();
        return execute(client, &whole.join(";\n"), &message[0]);
    }
    let by_itself = message.len() > 1 && message[0].sending.transaction.is_none();
    if by_itself {
        execute(client, "BEGIN", &message[0])?;
    }
    for statement in message {
        if !statement.placeholders.is_empty() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "{}:{}: an earlier migration with batch placeholders cannot be applied",
                    statement.file, statement.line
                ),
            )
            .with_hint("write the statement without them, or begin with this migration (--from)"));
        }
        execute(client, &statement.sql, statement)?;
    }
    if by_itself {
        execute(client, "COMMIT", &message[0])?;
    }
    Ok(())
}

fn execute(client: &mut Client, sql: &str, statement: &Statement) -> Result<()> {
    client
        .batch_execute(sql)
        .map_err(|error| failure(&error).in_context(format!("{}:{}", statement.file, statement.line)))
}
