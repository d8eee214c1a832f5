//! A backfill on a real table: runs each batch in one transaction and one round trip, and measures its cost.
//!
//! A probe query is sent along with each batch and asks for the WAL position and the number of full-page images. It is
//! prepared once: parsing and planning it each time would cost more than the two round trips that a plain client spends
//! on BEGIN and COMMIT.

use std::rc::Rc;
use std::time::Instant;

use postgres::SimpleQueryMessage;

use super::backfill::{Backfill, MeasuredBatch};
use super::planned_batch::PlannedBatch;
use super::segments::Segment;
use super::walk_plan::WalkPlan;
use super::window_queue::{SecondSession, WindowQueue};
use crate::error::{Error, Result};
use crate::migration::{Batching, LockMode, Walk, Window};
use crate::observation::{LockRecord, WaitRecord};
use crate::rehearsal::failure::failure;
use crate::rehearsal::observer::Observer;
use crate::rehearsal::resume::{GoingOn, ResumeLog};
use crate::rehearsal::statements::lock_waits::{add_wait, total_seconds};
use crate::rehearsal::statements::statement::{affected_rows, insert_position};
use crate::server::Staging;

/// Name of the prepared probe query.
const PROBE: &str = "migtime_probe";

/// A backfill on a real table.
pub struct TableBackfill<'a> {
    clone: &'a mut Staging,
    observer: &'a Observer,
    batching: &'a Batching,
    plan: &'a WalkPlan,
    probe: String,
    version_num: u32,
    windows: WindowQueue<'a>,
    /// Where a walk that was cut off continues in the first place that is sought.
    going_on: Option<GoingOn>,
    log: Rc<ResumeLog>,
    wal_position: u64,
    checkpoints_before: u64,
    started: Instant,
    /// Table locks that one batch holds, as seen in the first batch.
    pub locks: Option<Vec<LockRecord>>,
    /// Locks of other sessions that the batches waited for.
    pub waits: Vec<WaitRecord>,
}

/// A walk as planned, and what goes with it.
pub(in crate::rehearsal) struct PlannedWalk<'a> {
    /// How it is cut into batches.
    pub batching: &'a Batching,
    /// Where they begin and end.
    pub plan: &'a WalkPlan,
    /// Whether another session sees what this one does.
    pub second_session: SecondSession,
    /// Where each batch is written down.
    pub log: Rc<ResumeLog>,
}

impl<'a> TableBackfill<'a> {
    /// Prepares to replay `walk`.
    pub(in crate::rehearsal) fn new(
        clone: &'a mut Staging,
        observer: &'a Observer,
        version_num: u32,
        walk: PlannedWalk<'a>,
    ) -> TableBackfill<'a> {
        let PlannedWalk {
            batching,
            plan,
            second_session,
            log,
        } = walk;
        let probe = prepare_probe(clone, version_num);
        TableBackfill {
            clone,
            observer,
            batching,
            plan,
            probe,
            version_num,
            windows: WindowQueue::new(batching, plan, second_session, Rc::clone(&log)),
            going_on: None,
            log,
            wal_position: 0,
            checkpoints_before: observer.completed_checkpoints(),
            started: Instant::now(),
            locks: None,
            waits: Vec::new(),
        }
    }

    /// Sets where the walk continues in the first place that is sought.
    pub(in crate::rehearsal) fn going_on(mut self, going_on: Option<GoingOn>) -> TableBackfill<'a> {
        self.going_on = going_on;
        self
    }

    /// Returns the seconds spent on looking up windows, and the number of windows.
    pub fn lookups(&self) -> (f64, u64) {
        self.windows.lookups
    }

    /// Returns when the clock of the observations began.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Returns how long the batch that began at `begin` and took `seconds` waited for locks of other sessions.
    fn waited(&mut self, begin: Instant, seconds: f64) -> Option<f64> {
        let waits = self.observer.lock_waits(begin, Instant::now());
        let waited = total_seconds(&waits).min(seconds);
        waits.into_iter().for_each(|wait| add_wait(&mut self.waits, wait));
        (waited > 0.0).then_some(waited)
    }

    fn batch_failure(&self, error: &postgres::Error, window: &Window) -> Error {
        let key: Vec<&str> = match self.batching.walk {
            Walk::Blocks => vec!["block"],
            _ => self.batching.key.iter().map(|column| column.name.as_str()).collect(),
        };
        let failed = self
            .clone
            .naming_holder(failure(error), error, Some(&self.batching.table));
        failed.in_context(format!(
            "batch of {} with {} from {} to {}",
            self.batching.table,
            key.join(", "),
            window.start.join(", "),
            window.end.join(", ")
        ))
    }
}

impl Backfill for TableBackfill<'_> {
    fn total_batches(&self) -> f64 {
        self.plan.total_batches
    }

    fn reach(&mut self, place: &Segment) {
        self.log.place(place.number as usize, self.going_on.as_ref());
        self.windows.end_at(place.end);
    }

    fn seek(&mut self, position: f64, batches: u64) -> Result<()> {
        match &self.going_on.take().and_then(|going_on| going_on.start) {
            Some(start) => self.windows.go_on(self.clone, start)?,
            None => self.windows.seek(self.clone, position, batches)?,
        }
        self.wal_position = insert_position(self.clone.client()).map_err(|error| failure(&error))?;
        Ok(())
    }

    fn run_next(&mut self) -> Result<Option<MeasuredBatch>> {
        let Some(PlannedBatch { window, position }) = self.windows.next(self.clone)? else {
            return Ok(None);
        };
        let statement = self.batching.template.render(self.batching, &window, self.version_num);
        let first = self.locks.is_none();
        let sql = if first {
            format!("{statement};{LOCKS_SQL};{}", self.probe)
        } else {
            format!("{statement};{}", self.probe)
        };
        let begin = Instant::now();
        let messages = self
            .clone
            .client()
            .simple_query(&sql)
            .map_err(|error| self.batch_failure(&error, &window))?;
        let seconds = begin.elapsed().as_secs_f64();
        if first {
            self.locks = Some(read_locks(&messages));
        }
        let Probed {
            wal_position,
            full_page_images: full_page_images_before,
            transaction,
        } = read_probe(&messages);
        self.log.acknowledge(transaction);
        let wal_bytes = wal_position.map(|now| now.saturating_sub(self.wal_position));
        self.wal_position = wal_position.unwrap_or(self.wal_position);
        Ok(Some(MeasuredBatch {
            rows: affected_rows(&messages),
            seconds,
            waited_seconds: self.waited(begin, seconds),
            wal_bytes,
            full_page_images_before,
            position,
        }))
    }

    fn full_page_images(&mut self) -> Option<u64> {
        read_probe(&self.clone.client().simple_query(&self.probe).ok()?).full_page_images
    }

    fn clock(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn pause(&mut self, seconds: f64) {
        std::thread::sleep(std::time::Duration::from_secs_f64(seconds));
    }

    fn checkpoints(&self) -> u64 {
        self.observer.completed_checkpoints() - self.checkpoints_before
    }
}

impl Drop for TableBackfill<'_> {
    fn drop(&mut self) {
        // If the session is lost, so is its prepared statement.
        let _ = self.clone.client().simple_query(&format!("DEALLOCATE {PROBE}"));
    }
}

/// Sent along with the first batch, right before its commit: the locks it holds on tables, one a line.
const LOCKS_SQL: &str = "SELECT string_agg(format('%I.%I %s', n.nspname, c.relname, l.mode), E'\\n' ORDER BY 1) \
    FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted \
    AND c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm')";

/// Reads the answer to [`LOCKS_SQL`], which is the row before the probe's.
fn read_locks(messages: &[SimpleQueryMessage]) -> Vec<LockRecord> {
    let mut rows = messages.iter().rev().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let text = rows.nth(1).and_then(|row| row.get(0)).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let (relation, mode) = line.rsplit_once(' ')?;
            let mode = LockMode::from_name(mode)?;
            Some(LockRecord {
                relation: relation.to_string(),
                mode,
                held_seconds: None,
                sampled_every_seconds: None,
            })
        })
        .collect()
}

/// Returns the probe sent along with each batch: the WAL position, the full-page images up to the previous batch, and
/// the batch's transaction number.
///
/// A backend publishes its WAL counters when it goes idle; `pg_stat_force_next_flush` makes it do so after this batch.
fn probe_sql(version_num: u32) -> String {
    let position = "pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn";
    let transaction = "pg_catalog.pg_current_xact_id_if_assigned()";
    if version_num >= 150_000 {
        format!(
            "SELECT {position}, (SELECT wal_fpi FROM pg_catalog.pg_stat_wal), {transaction}, \
             pg_catalog.pg_stat_force_next_flush()"
        )
    } else {
        format!("SELECT {position}, NULL, {transaction}")
    }
}

/// Prepares the probe in the session and returns how to run it: by name, or in full if it cannot be prepared.
fn prepare_probe(clone: &mut Staging, version_num: u32) -> String {
    let sql = probe_sql(version_num);
    match clone.client().simple_query(&format!("PREPARE {PROBE} AS {sql}")) {
        Ok(_) => format!("EXECUTE {PROBE}"),
        Err(_) => sql,
    }
}

/// The answer to the probe of one batch.
struct Probed {
    wal_position: Option<u64>,
    full_page_images: Option<u64>,
    transaction: Option<u64>,
}

fn read_probe(messages: &[SimpleQueryMessage]) -> Probed {
    let last_row = messages.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let column = |index| {
        last_row
            .and_then(|row| row.get(index))
            .and_then(|text: &str| text.parse().ok())
    };
    Probed {
        wal_position: column(0),
        full_page_images: column(1),
        transaction: column(2),
    }
}
