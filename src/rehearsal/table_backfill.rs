//! A backfill on a real table: finds the batches' windows and runs each in one transaction and one round trip.
//!
//! The windows of a keyset walk are looked up some hundred batches ahead, as a keyset loop does right before its batch,
//! so batches find their pages as warm as that loop would; the look-ups are timed apart.

use std::collections::VecDeque;
use std::time::Instant;

use postgres::{Client, SimpleQueryMessage};

use super::backfill::{Backfill, Measured};
use super::observer::Observer;
use super::session::failure;
use super::statement::{affected_rows, insert_position, text_rows};
use super::walk_plan::{Bounds, WalkPlan};
use crate::error::{Error, Result};
use crate::migration::{Batching, LockMode, Walk, WalkFrom, Window, batches_sql};
use crate::observation::LockRecord;

/// Windows looked up at a time.
const LOOKUP_BATCHES: u64 = 200;
/// Compiling a look-up can take longer than running it, and the server does so where it thinks a table large; this holds
/// for the look-up's transaction only.
const WITHOUT_JIT: &str = "SET LOCAL jit = off";

/// A backfill on a real table.
pub struct TableBackfill<'a> {
    client: &'a mut Client,
    observer: &'a Observer,
    batching: &'a Batching,
    plan: &'a WalkPlan,
    probe: String,
    version_num: u32,
    queue: VecDeque<PlannedBatch>,
    next: Next,
    lookup_batches: u64,
    wal_position: u64,
    checkpoints_before: u64,
    started: Instant,
    /// Seconds spent on looking up windows, and how many there were.
    pub lookups: (f64, u64),
    /// Locks that one batch holds on tables, seen in the first.
    pub locks: Option<Vec<LockRecord>>,
}

struct PlannedBatch {
    window: Window,
    position: f64,
}

/// The key at which a look-up begins.
enum From {
    Beginning,
    At(Vec<String>),
    After(Vec<String>),
}

/// Where the batches after those in the queue come from.
enum Next {
    /// A keyset look-up from here on.
    Keys { from: From, rows_before: f64 },
    /// The batch with this index.
    Index(u64),
    /// There are none.
    End,
}

impl<'a> TableBackfill<'a> {
    /// Prepares to replay `batching` as planned.
    pub fn new(
        client: &'a mut Client,
        observer: &'a Observer,
        version_num: u32,
        batching: &'a Batching,
        plan: &'a WalkPlan,
    ) -> TableBackfill<'a> {
        TableBackfill {
            client,
            observer,
            batching,
            plan,
            probe: probe_sql(version_num),
            version_num,
            queue: VecDeque::new(),
            next: Next::End,
            lookup_batches: LOOKUP_BATCHES,
            wal_position: 0,
            checkpoints_before: observer.completed_checkpoints(),
            started: Instant::now(),
            lookups: (0.0, 0),
            locks: None,
        }
    }

    /// Returns when the clock of the observations began.
    pub fn started(&self) -> Instant {
        self.started
    }

    fn look_up(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.next, Next::End) {
            Next::Keys { from, rows_before } => self.look_up_keys(&from, rows_before),
            Next::Index(index) => {
                self.plan_by_arithmetic(index);
                Ok(())
            }
            Next::End => Ok(()),
        }
    }

    fn look_up_keys(&mut self, from: &From, mut rows_before: f64) -> Result<()> {
        let from = match from {
            From::Beginning => WalkFrom::Beginning,
            From::At(key) => WalkFrom::At(key),
            From::After(key) => WalkFrom::After(key),
        };
        let begin = Instant::now();
        let sql = format!(
            "{WITHOUT_JIT};{}",
            batches_sql(self.batching, from, self.lookup_batches)
        );
        let rows =
            text_rows(self.client, &sql).map_err(|error| failure(&error).in_context("looking up the batches' keys"))?;
        self.lookups.0 += begin.elapsed().as_secs_f64();
        self.lookups.1 += rows.len() as u64;
        let width = self.batching.key.len();
        let found_all = (rows.len() as u64) < self.lookup_batches;
        for row in rows {
            let window = Window {
                start: row[1..=width].to_vec(),
                end: row[width + 1..].to_vec(),
            };
            let position = rows_before / self.plan.total_rows.max(1.0);
            rows_before += row[0].parse().unwrap_or(self.batching.batch_size as f64);
            self.queue.push_back(PlannedBatch { window, position });
        }
        if let Some(last) = self.queue.back().filter(|_| !found_all) {
            self.next = Next::Keys {
                from: From::After(last.window.end.clone()),
                rows_before,
            };
        }
        Ok(())
    }

    fn plan_by_arithmetic(&mut self, first_index: u64) {
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

    fn batch_failure(&self, error: &postgres::Error, window: &Window) -> Error {
        let key: Vec<&str> = match self.batching.walk {
            Walk::Blocks => vec!["block"],
            _ => self.batching.key.iter().map(|column| column.name.as_str()).collect(),
        };
        failure(error).in_context(format!(
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

    fn seek(&mut self, position: f64, batches: u64) -> Result<()> {
        self.queue.clear();
        self.lookup_batches = batches.min(LOOKUP_BATCHES);
        self.next = match &self.plan.bounds {
            Bounds::Quantiles(quantiles) => {
                let place = (position * quantiles.len() as f64) as usize;
                let key = quantiles.get(place).filter(|_| position > 0.0);
                let from = key.map_or(From::Beginning, |key| From::At(key.clone()));
                Next::Keys {
                    from,
                    rows_before: position * self.plan.total_rows,
                }
            }
            Bounds::Integers { .. } => Next::Index((position * self.plan.total_batches) as u64),
        };
        self.look_up()?;
        self.wal_position = insert_position(self.client).map_err(|error| failure(&error))?;
        Ok(())
    }

    fn run_next(&mut self) -> Result<Option<Measured>> {
        if self.queue.is_empty() {
            self.look_up()?;
        }
        let Some(PlannedBatch { window, position }) = self.queue.pop_front() else {
            return Ok(None);
        };
        let statement = self.batching.template.render(self.batching, &window, self.version_num);
        let first = self.locks.is_none();
        let sql = match first {
            true => format!("{statement};{LOCKS_SQL};{}", self.probe),
            false => format!("{statement};{}", self.probe),
        };
        let begin = Instant::now();
        let messages = self
            .client
            .simple_query(&sql)
            .map_err(|error| self.batch_failure(&error, &window))?;
        let seconds = begin.elapsed().as_secs_f64();
        if first {
            self.locks = Some(read_locks(&messages));
        }
        let (wal_position, full_page_images_before) = read_probe(&messages);
        let wal_bytes = wal_position.map(|now| now.saturating_sub(self.wal_position));
        self.wal_position = wal_position.unwrap_or(self.wal_position);
        Ok(Some(Measured {
            rows: affected_rows(&messages),
            seconds,
            wal_bytes,
            full_page_images_before,
            position,
        }))
    }

    fn full_page_images(&mut self) -> Option<u64> {
        read_probe(&self.client.simple_query(&self.probe).ok()?).1
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

/// Asked along with the first batch, right before its commit: the locks it holds on tables, one a line.
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

/// Returns what is asked along with each batch: where the WAL is, and the full-page images up to the batch before.
///
/// A backend publishes its WAL counters when it goes idle; `pg_stat_force_next_flush` makes it do so after this batch.
fn probe_sql(version_num: u32) -> String {
    let position = "pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn";
    if version_num >= 150_000 {
        format!(
            "SELECT {position}, (SELECT wal_fpi FROM pg_catalog.pg_stat_wal), pg_catalog.pg_stat_force_next_flush()"
        )
    } else {
        format!("SELECT {position}, NULL")
    }
}

fn read_probe(messages: &[SimpleQueryMessage]) -> (Option<u64>, Option<u64>) {
    let last_row = messages.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let column = |index| {
        last_row
            .and_then(|row| row.get(index))
            .and_then(|text: &str| text.parse().ok())
    };
    (column(0), column(1))
}
