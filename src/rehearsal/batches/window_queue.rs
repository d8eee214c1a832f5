//! The windows of the next batches: looked up along the key a few hundred batches ahead, or computed by arithmetic.
//!
//! A production keyset loop looks up its window right before the batch; this queue stays so close to the batches that
//! they find their pages as warm as that loop would. Look-ups are timed separately. On a long walk, all but the first
//! are made in a second session while batches run.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

use super::look_ahead::{Found, LookAhead};
use super::planned_batch::PlannedBatch;
use super::walk_plan::{Bounds, WalkPlan};
use crate::error::Result;
use crate::migration::{Batching, WalkFrom, WalkRange, Window, look_up_sql};
use crate::rehearsal::failure::failure;
use crate::rehearsal::resume::{ResumeLog, Start};
use crate::rehearsal::session_queries::text_rows;
use crate::server::Staging;

/// Windows looked up at a time.
const LOOKUP_BATCHES: u64 = 200;
/// Number of remaining windows at which the next ones are requested.
const ASK_AT: usize = 100;
/// Whether a second session may look up windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::rehearsal) enum SecondSession {
    /// It sees the same data as the first.
    SeesTheSame {
        /// Longest wait for a lock.
        lock_timeout: f64,
    },
    /// It lacks what earlier steps left in the first session (settings, temporary tables).
    MaySeeOther,
}

/// The windows of the next batches.
pub(in crate::rehearsal) struct WindowQueue<'a> {
    batching: &'a Batching,
    plan: &'a WalkPlan,
    queue: VecDeque<PlannedBatch>,
    next: Next,
    lookup_batches: u64,
    /// Where the place ends that is sought next, as a share of the walk.
    end: f64,
    /// The key before which the batches of this place end.
    before: Option<Vec<String>>,
    /// The last key of the batches that were taken last.
    taken: Option<Vec<String>>,
    /// The last key of the beginning, after which all other places lie.
    after: Option<Vec<String>>,
    second_session: SecondSession,
    ahead: Option<LookAhead>,
    log: Rc<ResumeLog>,
    /// Seconds spent on looking up windows, and the number of windows.
    pub lookups: (f64, u64),
}

/// The key at which a look-up begins.
enum From {
    Beginning,
    At(Vec<String>),
    After(Vec<String>),
}

/// Where the batches after those in the queue are found.
enum Next {
    /// By a keyset look-up from this key.
    Keys { from: From, rows_before: f64 },
    /// By arithmetic, starting at the batch with this index.
    Index(u64),
    /// There are no more batches.
    End,
}

impl<'a> WindowQueue<'a> {
    /// Creates an empty queue; call [`WindowQueue::seek`] before taking batches.
    pub fn new(
        batching: &'a Batching,
        plan: &'a WalkPlan,
        second_session: SecondSession,
        log: Rc<ResumeLog>,
    ) -> WindowQueue<'a> {
        WindowQueue {
            batching,
            plan,
            queue: VecDeque::new(),
            next: Next::End,
            lookup_batches: LOOKUP_BATCHES,
            end: 1.0,
            before: None,
            taken: None,
            after: None,
            second_session,
            ahead: None,
            log,
            lookups: (0.0, 0),
        }
    }

    /// Sets where the place ends that is sought next, 0 to 1. Places that overlap would do the same work twice.
    pub fn end_at(&mut self, end: f64) {
        self.end = end;
    }

    /// Goes to `position` (0 to 1), where `batches` batches are wanted.
    ///
    /// # Errors
    /// The server's error for the look-up; `Interrupted`.
    pub fn seek(&mut self, clone: &mut Staging, position: f64, batches: u64) -> Result<()> {
        self.queue.clear();
        // A pending answer belongs to the previous place.
        self.ahead = None;
        self.lookup_batches = batches.min(LOOKUP_BATCHES);
        self.next = match &self.plan.bounds {
            Bounds::Quantiles(quantiles) => {
                let key_at = |share: f64| quantiles.get((share * quantiles.len() as f64) as usize);
                self.before = key_at(self.end).cloned();
                self.after = self.after.take().or(self.taken.take());
                let key = key_at(position).filter(|_| position > 0.0);
                let from = key.map_or(From::Beginning, |key| From::At(key.clone()));
                Next::Keys {
                    from,
                    rows_before: position * self.plan.total_rows,
                }
            }
            Bounds::Integers { .. } => Next::Index((position * self.plan.total_batches) as u64),
        };
        self.fill(clone)?;
        if batches <= LOOKUP_BATCHES {
            // The queue already holds every batch wanted at this place.
            self.next = Next::End;
        }
        Ok(())
    }

    /// Continues a whole walk from `start` to its end.
    ///
    /// # Errors
    /// As [`WindowQueue::seek`].
    pub fn go_on(&mut self, clone: &mut Staging, start: &Start) -> Result<()> {
        self.next = match self.plan.bounds {
            Bounds::Quantiles(_) => Next::Keys {
                from: start.after.clone().map_or(From::Beginning, From::After),
                rows_before: start.position * self.plan.total_rows,
            },
            Bounds::Integers { first, .. } => {
                let last_done = start.after.as_deref().and_then(|key| key.first()?.parse::<i64>().ok());
                let done = last_done.map_or(0, |last| i128::from(last) - first + 1);
                let size = i128::from(self.batching.batch_size.max(1));
                Next::Index(u64::try_from((done + size - 1) / size).unwrap_or(0))
            }
        };
        self.fill(clone)
    }

    /// Takes the next batch; `None` at the end of the walk or after the number of batches wanted.
    ///
    /// # Errors
    /// As [`WindowQueue::seek`].
    pub fn next(&mut self, clone: &mut Staging) -> Result<Option<PlannedBatch>> {
        if self.queue.is_empty() {
            self.fill(clone)?;
        } else if self.queue.len() <= ASK_AT {
            self.ask_ahead(clone);
        }
        let next = self.queue.pop_front();
        if let Some(batch) = next.as_ref().filter(|_| self.after.is_none()) {
            self.taken = Some(batch.window.end.clone());
        }
        Ok(next)
    }

    /// Requests the windows after those in the queue from the second session, if that helps and is not done yet.
    fn ask_ahead(&mut self, clone: &Staging) {
        let (SecondSession::SeesTheSame { lock_timeout }, Some(sql)) = (self.second_session, self.question()) else {
            return;
        };
        let ahead = self.ahead.get_or_insert_with(|| LookAhead::start(clone, lock_timeout));
        if !ahead.is_asked() {
            ahead.ask(sql);
        }
    }

    /// Returns the query for the windows after those in the queue; `None` if no more are needed.
    fn question(&self) -> Option<String> {
        let Next::Keys { from, .. } = &self.next else {
            return None;
        };
        let from = match from {
            From::Beginning => WalkFrom::Beginning,
            From::At(key) => WalkFrom::At(key),
            From::After(key) => WalkFrom::After(key),
        };
        let range = WalkRange {
            from,
            after: self.after.as_deref(),
            before: self.before.as_deref(),
        };
        let is_dense = self.plan.is_dense;
        Some(look_up_sql(self.batching, range, self.lookup_batches, is_dense))
    }

    fn fill(&mut self, clone: &mut Staging) -> Result<()> {
        let before = self.queue.len();
        self.look_for_more(clone)?;
        self.log.windows(self.queue.range(before..));
        Ok(())
    }

    fn look_for_more(&mut self, clone: &mut Staging) -> Result<()> {
        if let Some(sql) = self.question() {
            let found = match self.answered_ahead()? {
                Some(found) => found,
                None => look_up(clone, &sql, &self.batching.table)?,
            };
            self.take(found);
        } else if let Next::Index(index) = self.next {
            self.count_out(index);
        }
        Ok(())
    }

    /// Returns what the second session found; `None` if it was not asked. After a failure it returns `None` and the
    /// second session is not used again.
    fn answered_ahead(&mut self) -> Result<Option<Found>> {
        let Some(ahead) = self.ahead.as_mut().filter(|ahead| ahead.is_asked()) else {
            return Ok(None);
        };
        let found = ahead.answer()?;
        if found.is_none() {
            self.ahead = None;
            self.second_session = SecondSession::MaySeeOther;
        }
        Ok(found)
    }

    fn take(&mut self, found: Found) {
        let Next::Keys { mut rows_before, .. } = std::mem::replace(&mut self.next, Next::End) else {
            return;
        };
        self.lookups.0 += found.seconds;
        self.lookups.1 += found.rows.len() as u64;
        let width = self.batching.key.len();
        let found_all = (found.rows.len() as u64) < self.lookup_batches;
        for row in found.rows {
            let window = Window {
                start: row[1..=width].to_vec(),
                end: row[width + 1..].to_vec(),
            };
            // There may be more rows than the sample predicted.
            let position = (rows_before / self.plan.total_rows.max(1.0)).min(1.0);
            rows_before += row[0].parse().unwrap_or(self.batching.batch_size as f64);
            self.queue.push_back(PlannedBatch { window, position });
        }
        if let Some(last) = self.queue.back().filter(|_| !found_all) {
            self.next = Next::Keys {
                from: From::After(last.window.end.clone()),
                rows_before,
            };
        }
    }

    fn count_out(&mut self, first_index: u64) {
        self.next = Next::End;
        let Bounds::Integers { first, last } = self.plan.bounds else {
            return;
        };
        let size = i128::from(self.batching.batch_size);
        for index in first_index..first_index + LOOKUP_BATCHES {
            let start = first + i128::from(index) * size;
            if start > last {
                return;
            }
            let end = (start + size - 1).min(last);
            let position = index as f64 / self.plan.total_batches;
            let window = Window {
                start: vec![start.to_string()],
                end: vec![end.to_string()],
            };
            self.queue.push_back(PlannedBatch { window, position });
        }
        self.next = Next::Index(first_index + LOOKUP_BATCHES);
    }
}

/// Looks up windows in the session that runs the batches.
fn look_up(clone: &mut Staging, sql: &str, table: &str) -> Result<Found> {
    let begin = Instant::now();
    let describe = |error: &postgres::Error| failure(error).in_context("looking up the batches' keys");
    let rows = clone.look_on(table, |client| text_rows(client, sql), describe)?;
    Ok(Found {
        rows,
        seconds: begin.elapsed().as_secs_f64(),
    })
}
