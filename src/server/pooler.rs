//! Tells a session of the server's own from one that a pooler lends for a transaction at a time.
//!
//! Behind such a pooler a setting stays with whoever is lent the session next, and locks and process are anybody's. It is told
//! by the process that answers: two sessions each have one to themselves, and keep it. Nothing is set to find out.

use postgres::{Client, SimpleQueryMessage};

use super::line::Line;
use super::parameters::ConnectionParameters;
use super::unsafe_target::unsafe_target;
use crate::error::{Error, ErrorKind, Result};

const PROCESS: &str = "SELECT pg_catalog.pg_backend_pid()";
const PROCESS_IN_TRANSACTION: &str = "BEGIN; SELECT pg_catalog.pg_backend_pid()";

const ADVICE: &str = "name the server itself, or a pool with pool_mode = session: what a rehearsal sets and locks would stay behind \
                      in others' sessions";

/// Where others use the pool too, chance may hide it once.
const ROUNDS: usize = 3;

/// Returns the process of the session `client`, which is its own for as long as it lives.
///
/// # Errors
/// `UnsafeTarget` behind a pooler that lends sessions for a transaction; `Connection`.
pub(super) fn process_of_its_own(client: &mut Client, line: &Line, parameters: &ConnectionParameters) -> Result<i32> {
    let mut first = |sql| ask(client, line, parameters, sql);
    let (mut other, other_line) = parameters.connect_on_line()?;
    let mut second = |sql| ask(&mut other, &other_line, parameters, sql);
    let own = first(PROCESS)?;
    for _ in 0..ROUNDS {
        // While the second is in a transaction, the pooler has to lend the first another one.
        let beside = second(PROCESS_IN_TRANSACTION).map_err(|error| no_transaction(parameters, error))?;
        let again = if beside == own { Ok(own) } else { first(PROCESS) };
        // Whatever was found: a session that is given back in a transaction, the pooler would have to close.
        second("COMMIT")?;
        if beside == own || again? != own || second(PROCESS)? != beside {
            return Err(lent(parameters));
        }
    }
    Ok(own)
}

/// Runs `sql` and returns the number in its row, or 0; nothing is prepared, since that would stay behind too.
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
        "{parameters} leads through a pooler that lends a session for one transaction only, as PgBouncer does with pool_mode = \
         transaction"
    ))
    .with_hint(ADVICE)
}

/// A pooler that lends sessions for a statement may just hang up on whoever begins a transaction.
fn no_transaction(parameters: &ConnectionParameters, error: Error) -> Error {
    let context = format!("{parameters} gives no session for a transaction");
    error.in_context(context).with_hint(ADVICE)
}
