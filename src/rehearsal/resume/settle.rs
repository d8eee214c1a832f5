//! Asks the server what only it knows: whether the batch or statement that was under way at the cut was committed.
//!
//! For a statement, the log has its transaction number, written before the commit was sent. For a batch, the log has
//! only its window: asking for the number would cost a round trip, as much as a small batch. But each row carries the
//! number of the transaction that wrote it (`xmin`). If a row in the window is newer than the last acknowledged batch,
//! the batch was committed. A batch that writes no row can safely run again.

use std::time::{Duration, Instant};

use super::continuation::Continuation;
use super::cut_off::{Commit, CutOff};
use super::session_state::statements_to_repeat;
use super::transaction_status::{cannot_be_told, next_transaction, set_back, status};
use super::walk_under_way::{TransactionNumbers, WalkUnderWay};
use crate::error::{Error, ErrorKind, Result};
use crate::migration::Step;
use crate::observation::UnderWay;
use crate::rehearsal::failure::failure;
use crate::server::Staging;

/// How long to wait for the session of the interrupted rehearsal to end.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// Determines how the rehearsal of `steps` on `clone` continues, after ending its old session.
///
/// # Errors
/// `Usage` when it cannot be determined what was committed; `UnsafeTarget` when the clone was reset to an earlier
/// state; `Connection`.
pub(in crate::rehearsal) fn settle(clone: &mut Staging, cut_off: &CutOff, steps: &[Step]) -> Result<Continuation> {
    if let Some((process, started)) = cut_off.session {
        end_session(clone, process, started)?;
    }
    let index = cut_off.step.min(steps.len());
    let mut continuation = Continuation {
        step: index,
        unmeasured: index..index,
        repeated: Vec::new(),
        walk: None,
        under_way: UnderWay::Nothing,
    };
    let next = next_transaction(clone)?;
    if let Some(last) = cut_off.last_committed {
        // A crash may have lost it if commits do not wait for the disk.
        if last >= next || status(clone, last)? == Some(false) {
            return Err(set_back(clone));
        }
    }
    if let (Some(begun), Some(step)) = (cut_off.begun, steps.get(index)) {
        let transactions = TransactionNumbers { begun, next };
        if next < begun {
            return Err(set_back(clone));
        }
        match (&step.batching, &cut_off.walk) {
            (Some(batching), Some(walk)) => {
                let walked = WalkUnderWay {
                    step,
                    batching,
                    walk,
                    transactions,
                    version_num: cut_off.rehearsal.server.version_num,
                };
                let (go_on, under_way) = walked.settle(clone, cut_off)?;
                continuation.walk = Some(go_on);
                continuation.under_way = under_way;
            }
            (Some(_), None) => {}
            (None, _) => {
                if is_committed(clone, cut_off.commit, step)? {
                    let block = steps[index..].iter().take_while(|other| is_of_block(other, step));
                    continuation.step = index + block.count().max(1);
                    continuation.unmeasured = index..continuation.step;
                    continuation.under_way = UnderWay::Committed;
                } else {
                    continuation.under_way = UnderWay::NotCommitted;
                }
            }
        }
    }
    let repeated = statements_to_repeat(&steps[..continuation.step])?;
    continuation.repeated = repeated.into_iter().map(str::to_string).collect();
    Ok(continuation)
}

fn is_of_block(step: &Step, first: &Step) -> bool {
    step.transaction_block.is_some() && step.transaction_block == first.transaction_block
}

/// Returns whether a statement, or the block that begins with it, was committed.
fn is_committed(clone: &mut Staging, commit: Commit, step: &Step) -> Result<bool> {
    match commit {
        // Without a sent commit, the transaction was rolled back with its session. Without a number, it changed
        // nothing.
        Commit::NotSent | Commit::Sent(None) => Ok(false),
        Commit::Sent(Some(transaction)) => match status(clone, transaction)? {
            Some(committed) => Ok(committed),
            None => Err(cannot_be_told(step, "its transaction is too old")),
        },
        Commit::InParts => Err(cannot_be_told(step, "it commits in parts, and may be half done")),
    }
}

/// Ends the session of the interrupted rehearsal if it is still running, and waits for its end.
///
/// If the session cannot be told apart from a later one with the same process id, it is only waited for.
fn end_session(clone: &mut Staging, process: i32, started: Option<i64>) -> Result<()> {
    let sql = "SELECT CASE WHEN s.start = $2 THEN pg_catalog.pg_terminate_backend(s.pid) END \
               FROM (SELECT pid, datname, \
               (extract(epoch FROM backend_start) * 1000000)::bigint AS start FROM pg_catalog.pg_stat_activity) s \
               WHERE s.pid = $1 AND s.datname = current_database() AND coalesce(s.start = $2, true)";
    let begin = Instant::now();
    loop {
        let found = clone
            .client()
            .query_opt(sql, &[&process, &started])
            .map_err(|error| failure(&error))?;
        if found.is_none() {
            return Ok(());
        }
        if begin.elapsed() > PATIENCE {
            let message = format!("server process {process} of the rehearsal that was cut off does not end");
            return Err(Error::new(ErrorKind::Connection, message).with_hint("end it, then try again"));
        }
        std::thread::sleep(POLL);
    }
}
