//! The server's counters of rows and blocks for every relation, and what a statement added to them.
//!
//! Inside its transaction, a statement's work stands in the session's own counters, which nobody else writes to; a
//! session that commits (a procedure, `CONCURRENTLY`) hands them over to the server's. Their sum therefore tells
//! either, including what parallel workers did. Before PostgreSQL 15 the server's counters arrive late: there they are
//! awaited outside transactions, and left out inside.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use postgres::Client;

use super::relations::RelationNames;
use crate::observation::WorkRecord;

/// The version from which the server's counters are exact at once.
const SHARED_MEMORY: u32 = 150_000;
/// Time between two looks whether older servers have published their counters, and the longest wait for that.
const POLL: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// Whose counters count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Those of an open transaction.
    InTransaction,
    /// Those of a session that commits by itself.
    Outside,
}

/// The counters of one relation: scans, rows returned, rows fetched, inserted, updated, deleted, blocks.
type Counters = [i64; 7];

/// The counters at one moment, by object id.
pub struct WorkCounters(BTreeMap<u32, Counters>);

/// The work on a relation, with its object id.
pub type Worked = (u32, WorkRecord);

impl WorkCounters {
    /// Reads the counters.
    pub fn read(client: &mut Client, version_num: u32, place: Place) -> Result<WorkCounters, postgres::Error> {
        let is_late = version_num < SHARED_MEMORY;
        if is_late && place == Place::Outside {
            await_counters(client)?;
        }
        client.batch_execute("SELECT pg_catalog.pg_stat_clear_snapshot()")?;
        let shared = !is_late || place == Place::Outside;
        let rows = client.query(&counters_sql(shared), &[])?;
        let counters = rows.iter().map(|row| {
            let mut counters = Counters::default();
            for (place, counter) in counters.iter_mut().enumerate() {
                *counter = row.try_get(place + 1)?;
            }
            Ok((row.try_get(0)?, counters))
        });
        counters.collect::<Result<_, postgres::Error>>().map(WorkCounters)
    }

    /// Returns the work done between these counters and `after`, by table.
    pub fn until(&self, after: &WorkCounters, before: &RelationNames, now: &RelationNames) -> Vec<Worked> {
        let mut work: BTreeMap<u32, Sum> = BTreeMap::new();
        for (oid, counters) in &after.0 {
            let earlier = self.0.get(oid).copied().unwrap_or_default();
            let added: Vec<u64> = counters
                .iter()
                .zip(earlier)
                .map(|(after, before)| u64::try_from(after - before).unwrap_or(0))
                .collect();
            let table = now.table_of_oid(*oid).or_else(|| before.table_of_oid(*oid));
            let Some(table) = table.filter(|_| added.iter().any(|one| *one > 0)) else {
                continue;
            };
            let is_toast = now.name(*oid).or_else(|| before.name(*oid)).is_none();
            work.entry(table).or_default().add(&added, *oid == table, is_toast);
        }
        let named = work.into_iter().filter_map(|(table, sum)| {
            let name = now.name(table).or_else(|| before.name(table))?;
            Some((table, sum.record(name)))
        });
        named.collect()
    }
}

/// The work on a table, its indexes and its TOAST table.
#[derive(Default)]
struct Sum {
    record: WorkRecord,
    /// Entries that scans of its indexes returned.
    entries: u64,
    /// Rows that they led to: fewer where the entry was enough, and entries of bitmaps are not counted as fetched by
    /// the index but by the table.
    fetched: u64,
}

impl Sum {
    fn add(&mut self, added: &[u64], is_table: bool, is_toast: bool) {
        let [scans, returned, fetched, inserted, updated, deleted, blocks] = *added else {
            return;
        };
        let record = &mut self.record;
        record.blocks += blocks;
        if is_toast {
            return;
        }
        self.fetched += fetched;
        if is_table {
            record.scans += scans;
            record.rows_read += returned;
            record.rows_inserted += inserted;
            record.rows_updated += updated;
            record.rows_deleted += deleted;
        } else {
            record.lookups += scans;
            self.entries += returned;
        }
    }

    fn record(self, name: &str) -> WorkRecord {
        WorkRecord {
            relation: name.to_owned(),
            rows_read: self.record.rows_read + self.entries.max(self.fetched),
            ..self.record
        }
    }
}

/// Waits until the server has published the counters of everything that ended before now, as far as it does so in time.
fn await_counters(client: &mut Client) -> Result<(), postgres::Error> {
    let begin = Instant::now();
    let now = "SELECT pg_catalog.clock_timestamp()::text";
    let now: String = client.query_one(now, &[])?.get(0);
    let is_published = "SELECT pg_catalog.pg_stat_get_snapshot_timestamp() > $1::text::timestamptz";
    loop {
        client.batch_execute("SELECT pg_catalog.pg_stat_clear_snapshot()")?;
        let published: Option<bool> = client.query_one(is_published, &[&now])?.get(0);
        if published == Some(true) || begin.elapsed() > LONGEST_WAIT {
            return Ok(());
        }
        std::thread::sleep(POLL);
    }
}

/// Returns the query of the session's own counters, with the server's added where they are `shared`.
fn counters_sql(shared: bool) -> String {
    let columns = [
        "numscans",
        "tuples_returned",
        "tuples_fetched",
        "tuples_inserted",
        "tuples_updated",
        "tuples_deleted",
        "blocks_fetched",
    ];
    let counter = |name: &&str| {
        let own = format!("coalesce(pg_catalog.pg_stat_get_xact_{name}(c.oid), 0)");
        if shared {
            format!("{own} + coalesce(pg_catalog.pg_stat_get_{name}(c.oid), 0)")
        } else {
            own
        }
    };
    let counters: Vec<String> = columns.iter().map(counter).collect();
    format!(
        "SELECT c.oid, {} FROM pg_catalog.pg_class c WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm', 'i', 't')",
        counters.join(", ")
    )
}
