//! Applies the migrations that precede the rehearsed ones, as their tool would, without measuring anything.

use std::io::Write;

use postgres::Client;

use super::failure::failure;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::Statement;

/// Runs the statements in the same transactions and messages as their tool, and vacuums and analyses the tables they
/// created.
///
/// # Errors
/// `MigrationFailed` with `file:line` and the server's message; `Connection` when the server is lost; `Usage` for a
/// statement with batch placeholders, which only a rehearsal fills in.
pub fn apply(client: &mut Client, statements: &[Statement]) -> Result<()> {
    let mut open = None;
    let mut file = None;
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
        if file
            .replace(&message[0].file)
            .is_some_and(|before| *before != message[0].file)
        {
            execute(client, FIND_TABLES_AGAIN, &message[0])?;
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

/// Resets the search path if the file before has emptied it, as `pg_dump` does: the next file ran in another session,
/// or its tool (Flyway) resets it.
const FIND_TABLES_AGAIN: &str = r#"DO $$ BEGIN
    IF pg_catalog.current_setting('search_path') IN ('', '""') THEN RESET search_path; END IF;
END $$"#;

/// Runs one statement as it is written, with the data behind it.
///
/// # Errors
/// The server's.
pub fn run(client: &mut Client, statement: &Statement) -> Result<(), postgres::Error> {
    let Some(data) = &statement.data else {
        return client.batch_execute(&statement.sql);
    };
    let mut copy = client.copy_in(&statement.sql)?;
    // If the server refuses the data, it says why at the end.
    let _ = copy.write_all(data.as_bytes());
    copy.finish().map(drop)
}

/// Sends one message. Sends its statements one by one if that gives the same result, so that an error can name the
/// line.
fn send(client: &mut Client, message: &[Statement]) -> Result<()> {
    let manages_transactions = message.iter().any(|statement| statement.is_transaction_edge());
    let copies = message.iter().any(|statement| statement.data.is_some());
    if message.len() > 1 && manages_transactions && !copies {
        let whole: Vec<&str> = message.iter().map(|statement| statement.sql.as_str()).collect();
        return execute(client, &whole.join(";\n"), &message[0]);
    }
    let by_itself = message.len() > 1 && message[0].sending.transaction.is_none();
    if by_itself {
        execute(client, "BEGIN", &message[0])?;
    }
    for statement in message {
        if !statement.placeholders.is_empty() {
            return Err(Error::at(
                ErrorKind::Usage,
                statement.location(),
                "an earlier migration with batch placeholders cannot be applied",
            )
            .with_hint("write the statement without them, or begin with this migration (--from)"));
        }
        run(client, statement).map_err(|error| failure(&error).located(statement.location()))?;
    }
    if by_itself {
        execute(client, "COMMIT", &message[0])?;
    }
    Ok(())
}

fn execute(client: &mut Client, sql: &str, statement: &Statement) -> Result<()> {
    client
        .batch_execute(sql)
        .map_err(|error| failure(&error).located(statement.location()))
}
