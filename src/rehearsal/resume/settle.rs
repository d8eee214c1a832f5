//! What only the server knows: whether the batch, or the statement, that was under way when a rehearsal was cut off was committed.
//!
//! Of a statement the number of its transaction was written down before its commit was sent. Of a batch only its window is known:
//! a round trip for its number would cost as much as a small batch. Its rows tell, as each carries the number of the transaction
//! that wrote it (`xmin`): where one of them is newer than the last acknowledged batch, the batch was committed. A batch that
//! writes no row can run again without harm.

use std::time::{Duration, Instant};

use super::cut_off::{Commit, CutOff};
use super::log::{GoingOn, Start};
use super::session_state::statements_to_repeat;
use super::walk_under_way::{TransactionNumbers, WalkUnderWay};
use crate::error::{Error, ErrorKind, Result};
use crate::migration::Step;
use crate::observation::{Observation, UnderWay};
use crate::rehearsal::session::failure;
use crate::rehearsal::walk_plan::WalkPlan;
use crate::server::Staging;

/// How long the session of the rehearsal that was cut off may take to end.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// How a rehearsal goes on.
#[derive(Debug)]
pub(in crate::rehearsal) struct Continuation {
    /// The first step to run.
    pub step: usize,
    /// Steps before it that were committed while nobody measured them.
    pub unmeasured: std::ops::Range<usize>,
    /// Statements that put the session into the state that it had.
    pub repeated: Vec<String>,
    /// How its walk goes on, where it had begun.
    pub walk: Option<GoOn>,
    /// What became of what was under way.
    pub under_way: UnderWay,
}

/// How a walk goes on.
#[derive(Clone, Debug)]
pub(in crate::rehearsal) struct GoOn {
    /// What was known of it before its first batch.
    pub plan: WalkPlan,
    /// The place that comes next, in the order of execution.
    pub place: usize,
    /// Where in that; `None` for where the design says.
    pub start: Option<Start>,
    /// What was measured of it.
    pub observations: Vec<Observation>,
    /// How many of its batches were committed and not measured.
    pub unmeasured: usize,
}

impl GoOn {
    /// Begins a walk of which nothing is done.
    pub fn from_the_beginning(plan: &WalkPlan) -> GoOn {
        GoOn {
            plan: plan.clone(),
            place: 0,
            start: None,
            observations: Vec::new(),
            unmeasured: 0,
        }
    }

    /// Returns the place that comes next, how the walk goes on there, and what was measured before.
    pub fn apart(self) -> (usize, Option<GoingOn>, Vec<Observation>) {
        let going_on = GoingOn {
            start: self.start,
            kept: self.observations.len(),
            unmeasured: self.unmeasured,
        };
        (self.place, Some(going_on), self.observations)
    }
}

/// Finds out how the rehearsal of `steps` on `clone` goes on; its old session is ended first.
///
/// # Errors
/// `Usage` when it cannot be told what was committed; `UnsafeTarget` when the clone was set back; `Connection`.
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
        // A crash may have lost it, where commits do not wait for the disk.
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

/// Tells whether a statement, or the block that it begins, was committed.
fn is_committed(clone: &mut Staging, commit: Commit, step: &Step) -> Result<bool> {
    match commit {
        // Its transaction ended with its session. One that has no number changed nothing.
        Commit::NotSent | Commit::Sent(None) => Ok(false),
        Commit::Sent(Some(transaction)) => match status(clone, transaction)? {
            Some(committed) => Ok(committed),
            None => Err(cannot_be_told(step, "its transaction is too old")),
        },
        Commit::InParts => Err(cannot_be_told(step, "it commits in parts, and may be half done")),
    }
}

/// Returns the number that the server gives to its next transaction.
pub(in crate::rehearsal) fn next_transaction(clone: &mut Staging) -> Result<u64> {
    let sql = "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint";
    let row = clone.client().query_one(sql, &[]).map_err(|error| failure(&error))?;
    Ok(row.get::<_, i64>(0).cast_unsigned())
}

/// Returns whether a transaction was committed; `None` when the server has forgotten it.
pub(super) fn status(clone: &mut Staging, transaction: u64) -> Result<Option<bool>> {
    let sql = format!("SELECT pg_catalog.pg_xact_status('{transaction}'::xid8) = 'committed'");
    let row = clone.client().query_one(&sql, &[]).map_err(|error| failure(&error))?;
    Ok(row.get(0))
}

/// Ends the session of the rehearsal that was cut off, should it still run, and waits for its end.
///
/// Where it cannot be told from another one of the same process number, it is only waited for.
fn end_session(clone: &mut Staging, process: i32, started: Option<i64>) -> Result<()> {
    let sql = "SELECT CASE WHEN s.start = $2 THEN pg_catalog.pg_terminate_backend(s.pid) END FROM (SELECT pid, datname, \
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

pub(super) fn set_back(clone: &Staging) -> Error {
    let message = format!(
        "{} is not as the rehearsal left it: it was set back, or lost its last commits",
        clone.parameters()
    );
    Error::new(ErrorKind::UnsafeTarget, message).with_hint("rehearse again from the beginning, without --resume")
}

pub(super) fn cannot_be_told(step: &Step, why: &str) -> Error {
    let message = format!(
        "step {} at {}: whether it was committed cannot be told: {why}",
        step.number,
        step.location()
    );
    Error::new(ErrorKind::Usage, message).with_hint("rehearse again, on a new clone")
}
