//! Tells a direct session on the server from one that a pooler assigns for a transaction at a time.
//!
//! Behind such a pooler, a setting stays for whoever gets the session next, and locks and the process belong to no one.
//! The pooler is recognised by the answering process id: two direct sessions each have a process and keep it. The check
//! changes no settings.

use postgres::{Client, SimpleQueryMessage};

use super::line::Line;
use super::parameters::ConnectionParameters;
use super::unsafe_target::unsafe_target;
use crate::error::{Error, ErrorKind, Result};

const PROCESS: &str = "SELECT pg_catalog.pg_backend_pid()";
const PROCESS_IN_TRANSACTION: &str = "BEGIN; SELECT pg_catalog.pg_backend_pid()";

const ADVICE: &str = "name the server itself, or a pool with pool_mode = session: what a rehearsal sets and locks \
                      would stay behind in others' sessions";

/// Number of rounds, because chance may hide a pool that others use too.
const ROUNDS: usize = 3;

/// Returns the process id of the session `client`, which stays the same while the session lives.
///
/// # Errors
/// `UnsafeTarget` behind a pooler that assigns sessions per transaction; `Connection`.
pub(super) fn process_of_its_own(client: &mut Client, line: &Line, parameters: &ConnectionParameters) -> Result<i32> {
    let mut first = |sql| ask(client, line, parameters, sql);
    let (mut other, other_line) = parameters.connect_on_line()?;
    let mut second = |sql| ask(&mut other, &other_line, parameters, sql);
    let own = first(PROCESS)?;
    for _ in 0..ROUNDS {
        // While the second connection is in a transaction, the pooler must assign another session to the first.
        let beside = second(PROCESS_IN_TRANSACTION).map_err(|error| no_transaction(parameters, error))?;
        let again = if beside == own { Ok(own) } else { first(PROCESS) };
        // The transaction is ended in any case: otherwise the pooler would have to close the session.
        second("COMMIT")?;
        if beside == own || again? != own || second(PROCESS)? != beside {
            return Err(lent(parameters));
        }
    }
    Ok(own)
}

/// Runs `sql` and returns the number in its row, or 0. Nothing is prepared, because that would stay in the pool.
fn ask(client: &mut Client, line: &Line, parameters: &ConnectionParameters, sql: &str) -> Result<i32> {
    let _answer = line.await_answer(parameters.longest_silence());
    let messages = client
        .simple_query(sql)
        .map_err(|error| super::server_error(&error, ErrorKind::Connection))?;
    let process = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).and_then(|text| text.parse().ok()),
        _ => None,
    });
    Ok(process.unwrap_or(0))
}

fn lent(parameters: &ConnectionParameters) -> Error {
    unsafe_target(format!(
        "{parameters} leads through a pooler that lends a session for one transaction only, as PgBouncer does with \
         pool_mode = transaction"
    ))
    .with_hint(ADVICE)
}

/// Describes the error of a pooler that assigns sessions per statement: it may close the connection when a transaction
/// begins.
fn no_transaction(parameters: &ConnectionParameters, error: Error) -> Error {
    let context = format!("{parameters} gives no session for a transaction");
    error.in_context(context).with_hint(ADVICE)
}
