//! Rehearses with a person's own tool: runs its command against the clone and records the statements that were seen.
//!
//! The tool decides what is sent and when; a second connection observes. The record is based on sampling and says so.

use super::activity::ActivityWatch;
use super::command::{CommandEnd, run_command};
use super::record::{CommandSeen, record};
use super::saves::{self, SavesMeanwhile};
use crate::error::{Error, ErrorKind, Result};
use crate::observation::{EndReason, Ending, Rehearsal};
use crate::rehearsal::saving::journal::Journal;
use crate::server::{Staging, server_error};

/// Runs `command`, which the rehearsal shows as its migration, against `clone`. Appends the statements that were seen
/// to `rehearsal` and saves it.
///
/// # Errors
/// `MigrationFailed` with the command's last lines of output, when it fails; `Connection` when the clone cannot be
/// watched; `TooLittleEvidence` when no statement was seen. In each case `rehearsal` holds what was seen until then and
/// how it ended.
pub fn observe(
    command: &str,
    clone: &mut Staging,
    rehearsal: &mut Rehearsal,
    journal: &mut Journal,
) -> Result<CommandSeen> {
    journal.begin(rehearsal)?;
    let lost = |error: postgres::Error| server_error(&error, ErrorKind::Connection).in_context("watching the command");
    let watch = ActivityWatch::start(clone.second_connection()?, clone.parameters().interruption()).map_err(lost)?;
    let version_num = rehearsal.server.version_num;
    let ended = {
        let mut saves = SavesMeanwhile::new(&watch, rehearsal, journal);
        run_command(command, clone.parameters(), version_num, &mut || saves.save_if_due())
    };
    let (activity, watched) = {
        // If the network stalls, the watch is cut off together with the session.
        let _answer = clone.line().await_answer(clone.longest_silence());
        watch.end()
    };
    let seconds = ended.as_ref().map_or(0.0, |end| end.seconds);
    let seen = record(&activity, seconds, rehearsal);
    let end = match watched.map_err(|error| broken_off(error.map(lost))).and(ended) {
        Ok(end) => end,
        Err(error) => {
            saves::mark_unfinished(&activity, rehearsal);
            rehearsal.ended = Some(without_end(&error));
            journal.try_save(rehearsal);
            return Err(error);
        }
    };
    if end.interrupted || !end.status.success() {
        mark_unfinished(rehearsal);
    }
    let outcome = judge(&end, rehearsal);
    rehearsal.ended = Some(ending(&end, &outcome));
    journal.try_save(rehearsal);
    outcome.map(|()| seen)
}

fn broken_off(why: Option<Error>) -> Error {
    why.unwrap_or_else(|| Error::new(ErrorKind::Connection, "the watch over the command broke off"))
}

/// Returns the ending of a rehearsal whose command did not end, or ended in an unknown way.
fn without_end(error: &Error) -> Ending {
    let reason = match error.kind() {
        ErrorKind::Connection => EndReason::ConnectionLost,
        _ => EndReason::Failed,
    };
    Ending {
        reason,
        message: error.message().to_string(),
    }
}

/// Marks the last statement as incomplete: whether it ran to its end, and what would have followed, is unknown, so its
/// time is not that of a whole run.
fn mark_unfinished(rehearsal: &mut Rehearsal) {
    if let Some(last) = rehearsal.steps.last_mut() {
        last.complete = false;
    }
}

fn judge(end: &CommandEnd, rehearsal: &Rehearsal) -> Result<()> {
    let command = &rehearsal.migration;
    if !end.interrupted && !end.status.success() {
        let how = match end.status.code() {
            Some(code) => format!("with exit code {code}"),
            None => "by a signal".to_string(),
        };
        let error = Error::new(ErrorKind::MigrationFailed, format!("`{command}` ended {how}"));
        return Err(match end.last_lines.as_slice() {
            [] => error.with_hint("it said nothing"),
            lines => error.with_excerpt(lines.join("\n")),
        });
    }
    if !end.interrupted && rehearsal.steps.is_empty() {
        return Err(Error::new(
            ErrorKind::TooLittleEvidence,
            format!("no statement of `{command}` was seen on the clone"),
        )
        .with_hint(
            "it finds the clone by DATABASE_URL or libpq's PG* variables: does it read another configuration, or \
                 was there nothing to migrate?",
        ));
    }
    Ok(())
}

fn ending(end: &CommandEnd, outcome: &Result<()>) -> Ending {
    let reason = match outcome {
        _ if end.interrupted => EndReason::Interrupted,
        Ok(()) => EndReason::Complete,
        Err(_) => EndReason::Failed,
    };
    let message = match outcome {
        Err(error) => error.message().to_string(),
        Ok(()) => reason.sentence().to_string(),
    };
    Ending { reason, message }
}
