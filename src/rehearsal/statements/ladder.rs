//! The ladder of a statement: if production's table is larger than the clone's, the statement first runs on parts of
//! the clone's table.
//!
//! For each run, `maintenance_work_mem` and the number of parallel workers are scaled by the ratio of its table to
//! production's, so that a sort works in the same regime (similitude). Everything happens in a transaction that is
//! rolled back. A statement that cannot run in a transaction has no ladder; its run on the clone is the only rung.

use std::time::Instant;

use postgres::Client;
use postgres::error::SqlState;

use super::sub_tables::{Memory, RungMeasured, SubTable, SubTables};
use crate::catalog::facts::{TableFacts, TableKind};
use crate::error::Result;
use crate::migration::{Step, StepKind, alters};
use crate::observation::{EndReason, LadderRecord, Rung};
use crate::rehearsal::failure::failure;
use crate::rehearsal::walker::Walker;
use crate::server::CancelOnInterrupt;
use crate::stats::random::{generator, uniform};

/// Sizes of the sub-tables, as parts of the clone's table; the smallest is the pilot.
const FRACTIONS: [f64; 3] = [1.0 / 16.0, 1.0 / 8.0, 1.0 / 4.0];
/// Runs on each sub-table.
const REPEATS: usize = 2;
/// Runs expected to be shorter than this, in seconds, show nothing and are skipped.
const SHORTEST_SECONDS: f64 = 1.0;
/// A run on the whole of the clone's table that is expected to be shorter than this, in seconds, is repeated.
const SHORT_SECONDS: f64 = 20.0;
/// Growth of the table from which a ladder is worth its time.
const LEAST_GROWTH: f64 = 1.1;
/// Smallest table, in bytes, whose time matters.
const LEAST_BYTES: u64 = 8 << 20;
/// Least memory for a sort, in bytes.
const LEAST_MEMORY: u64 = 1 << 20;
/// Bytes that a sort needs for each byte of the index it builds, uncertain by ± half.
const SORT_BYTES_PER_INDEX_BYTE: f64 = 2.0;

/// What is measured, and under which conditions.
struct Climb<'a> {
    sql: &'a str,
    table: &'a TableFacts,
    kind: StepKind,
    /// How many times larger production's table is.
    growth: f64,
    seed: u64,
    max_seconds: f64,
}

/// The server's settings for memory and workers.
struct Means {
    memory: u64,
    most_workers: u32,
    least_parallel_pages: f64,
    may_checkpoint: bool,
}

impl Walker<'_> {
    /// Runs step `index` on parts of its table and records the rungs, if production's table is larger and that can show
    /// something. A ladder that fails is no evidence against the migration: the reason is noted.
    pub(in crate::rehearsal) fn ladder(&mut self, index: usize, step: &Step) -> Result<()> {
        let tables = self.rehearsal.tables.clone();
        let Some(table) = tables.iter().find(|table| Some(&table.name) == step.table.as_ref()) else {
            return Ok(());
        };
        let growth = self.conditions.growth.get(&table.name).copied().unwrap_or(1.0);
        let is_large = table.heap_bytes >= LEAST_BYTES;
        if self.run > 0 || growth < LEAST_GROWTH || !is_large || !grows_with_its_table(step) {
            return Ok(());
        }
        if table.kind != TableKind::Table {
            return self.no_ladder(index, "it works on partitions");
        }
        let climb = Climb {
            sql: &step.sql,
            table,
            kind: step.kind,
            growth,
            seed: self.conditions.seed,
            max_seconds: self.conditions.max_seconds,
        };
        let (enter, leave) = match step.transaction_block {
            Some(_) => (
                "SAVEPOINT migtime_ladder",
                "ROLLBACK TO SAVEPOINT migtime_ladder; RELEASE SAVEPOINT migtime_ladder",
            ),
            None => ("BEGIN", "ROLLBACK"),
        };
        let token = self.clone.client().cancel_token();
        let watch = CancelOnInterrupt::watch(self.clone.parameters(), token);
        self.execute(enter)?;
        let climbed = climb.run(self.clone.client());
        let interrupted = watch.end();
        self.execute(leave)?;
        // The ladder's checkpoints do not belong to the step.
        drop(self.observer.take_events(self.run, step.number, Instant::now()));
        match climbed {
            Ok(ladder) => {
                self.rehearsal.steps[index].ladder = Some(ladder);
                self.save_if_due();
                Ok(())
            }
            Err(error) if interrupted && error.code() == Some(&SqlState::QUERY_CANCELED) => {
                self.reason = EndReason::Interrupted;
                Ok(())
            }
            Err(error) if error.code() == Some(&SqlState::ACTIVE_SQL_TRANSACTION) => {
                self.no_ladder(index, "it cannot run in a transaction")
            }
            // Some rows violate a constraint because an earlier step, replayed only in part, did not fix them.
            Err(error) if error.code().is_some_and(|code| code.code().starts_with("23")) => Ok(()),
            Err(error) => {
                let failure = failure(&error);
                self.no_ladder(index, failure.message())
            }
        }
    }

    fn no_ladder(&mut self, index: usize, reason: &str) -> Result<()> {
        self.rehearsal.steps[index].notes.push(format!(
            "not run on parts of its table: {reason}; production's size is extrapolated from the run on the clone alone"
        ));
        Ok(())
    }
}

/// Returns whether the statement works on every row of its table and can run on another table. A statement that is not
/// understood runs only once, on the clone.
fn grows_with_its_table(step: &Step) -> bool {
    match step.kind {
        StepKind::IndexBuild | StepKind::TableScan | StepKind::TableRewrite => true,
        StepKind::Unclassified => alters(&step.sql),
        StepKind::Backfill | StepKind::Dml | StepKind::CatalogOnly => false,
    }
}

impl Climb<'_> {
    fn run(&self, client: &mut Client) -> Result<LadderRecord, postgres::Error> {
        let begin = Instant::now();
        let means = Means::read(client)?;
        let with_indexes = !matches!(self.kind, StepKind::IndexBuild | StepKind::TableScan);
        let mut parts = SubTables::new(client, &self.table.name, with_indexes)?;
        let checkpoint = means.may_checkpoint;

        let empty = parts.make(0.0, 0)?;
        let mut record = LadderRecord {
            empty_seconds: parts
                .run(Some(&empty), self.sql, self.memory(&means, 0.0), false)?
                .seconds,
            maintenance_work_mem_bytes: means.memory,
            rungs: Vec::new(),
        };
        let pilot = parts.make(FRACTIONS[0], self.seed)?;
        let memory = self.memory(&means, FRACTIONS[0]);
        let measured = parts.run(Some(&pilot), self.sql, memory, checkpoint)?;
        record
            .rungs
            .push(self.rung(FRACTIONS[0], pilot.rows as f64, &measured, memory));
        let whole_seconds = measured.seconds / FRACTIONS[0];
        let time_is_left = |seconds: f64| begin.elapsed().as_secs_f64() + seconds < self.max_seconds;

        let mut cut = vec![(FRACTIONS[0], pilot)];
        for fraction in FRACTIONS[1..].iter().copied() {
            // Filling a part takes about as long as running the statement on it.
            let expected = (1 + REPEATS) as f64 * fraction * whole_seconds;
            if fraction * whole_seconds >= SHORTEST_SECONDS && time_is_left(expected) {
                cut.push((fraction, parts.make(fraction, self.seed)?));
            }
        }
        for place in self.order(&cut, whole_seconds) {
            let (fraction, part) = &cut[place];
            if time_is_left(fraction * whole_seconds) {
                let memory = self.memory(&means, *fraction);
                let measured = parts.run(Some(part), self.sql, memory, checkpoint)?;
                record
                    .rungs
                    .push(self.rung(*fraction, part.rows as f64, &measured, memory));
            }
        }
        let sorted = SORT_BYTES_PER_INDEX_BYTE * measured.growth_bytes.max(0) as f64 / FRACTIONS[0];
        for _ in 0..self.repeats_of_all(whole_seconds, sorted, &means) {
            if !time_is_left(whole_seconds) {
                break;
            }
            let memory = self.memory(&means, 1.0);
            let measured = parts.run(None, self.sql, memory, checkpoint)?;
            record
                .rungs
                .push(self.rung(1.0, self.table.estimated_rows, &measured, memory));
        }
        Ok(record)
    }

    /// Returns how often the statement runs on all of the clone's table, besides its own run.
    ///
    /// That is nearest to production's table. A short run tells little, and is cheap to repeat.
    fn repeats_of_all(&self, whole_seconds: f64, sorted_bytes: f64, means: &Means) -> usize {
        if whole_seconds < SHORT_SECONDS {
            REPEATS
        } else {
            usize::from(self.spills_only_in_production(sorted_bytes, means))
        }
    }

    /// Returns the indexes of the parts for the runs still to be made, in random order; the pilot has already run once.
    fn order(&self, cut: &[(f64, SubTable)], whole_seconds: f64) -> Vec<usize> {
        let repeats = |place: usize| if place == 0 { REPEATS - 1 } else { REPEATS };
        let long = |place: &usize| cut[*place].0 * whole_seconds >= SHORTEST_SECONDS;
        let mut order: Vec<usize> = (0..cut.len())
            .filter(long)
            .flat_map(|place| std::iter::repeat_n(place, repeats(place)))
            .collect();
        let mut generator = generator(self.seed);
        for last in (1..order.len()).rev() {
            order.swap(last, (uniform(&mut generator) * (last + 1) as f64) as usize);
        }
        order
    }

    fn rung(&self, fraction: f64, rows: f64, measured: &RungMeasured, memory: Memory) -> Rung {
        Rung {
            fraction,
            rows: rows as u64,
            seconds: measured.seconds,
            wal_bytes: measured.wal_bytes,
            maintenance_work_mem_bytes: memory.bytes,
        }
    }

    /// Returns the memory and workers for a part, scaled as the part is to production's table.
    fn memory(&self, means: &Means, fraction: f64) -> Memory {
        let bytes = (means.memory as f64 * fraction / self.growth) as u64;
        Memory {
            bytes: bytes.clamp(LEAST_MEMORY, means.memory.max(LEAST_MEMORY)),
            workers: (self.kind == StepKind::IndexBuild).then(|| self.workers(means)),
        }
    }

    /// Returns how many workers the server would give production's index build.
    ///
    /// Source: PostgreSQL, `plan_create_index_workers` and `compute_parallel_worker`: one worker from
    /// `min_parallel_table_scan_size` on and one more for each factor of three, each with at least 32 MB of the memory.
    fn workers(&self, means: &Means) -> u32 {
        let pages = self.table.relpages as f64 * self.growth;
        let (mut workers, mut threshold) = (0, means.least_parallel_pages.max(1.0));
        while pages >= threshold && workers < means.most_workers {
            workers += 1;
            threshold *= 3.0;
        }
        while workers > 0 && means.memory / u64::from(workers + 1) < 32 << 20 {
            workers -= 1;
        }
        workers
    }

    /// Returns whether the sort may fit into memory on the clone but not in production. The clone's own run is then in
    /// another regime, and a run with less memory is needed.
    fn spills_only_in_production(&self, sorted_bytes: f64, means: &Means) -> bool {
        let memory = means.memory as f64;
        self.kind == StepKind::IndexBuild && sorted_bytes < 1.5 * memory && sorted_bytes * self.growth > memory / 1.5
    }
}

impl Means {
    fn read(client: &mut Client) -> Result<Means, postgres::Error> {
        let sql = "SELECT (SELECT setting::bigint * 1024 FROM pg_catalog.pg_settings \
                   WHERE name = 'maintenance_work_mem'), \
                   current_setting('max_parallel_maintenance_workers')::int, \
                   (SELECT setting::float8 FROM pg_catalog.pg_settings WHERE name = 'min_parallel_table_scan_size'), \
                   current_setting('is_superuser') = 'on'";
        let row = client.query_one(sql, &[])?;
        Ok(Means {
            memory: row.get::<_, i64>(0) as u64,
            most_workers: row.get::<_, i32>(1).max(0) as u32,
            least_parallel_pages: row.get(2),
            may_checkpoint: row.get(3),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEGABYTE: u64 = 1 << 20;

    /// Checks `plan_create_index_workers` with at most two workers and a least table size of 8 MB.
    fn check(megabytes: u64, growth: f64, memory_megabytes: u64, expected: u32) {
        let table = TableFacts {
            relpages: megabytes * 128,
            ..facts()
        };
        let climb = Climb {
            sql: "",
            table: &table,
            kind: StepKind::IndexBuild,
            growth,
            seed: 1,
            max_seconds: 1.0,
        };
        let means = Means {
            memory: memory_megabytes * MEGABYTE,
            most_workers: 2,
            least_parallel_pages: 1024.0,
            may_checkpoint: true,
        };
        let memory = climb.memory(&means, 0.25);
        assert_eq!(
            memory.workers,
            Some(expected),
            "{megabytes} MB, {growth}, {memory_megabytes} MB"
        );
        let scaled = (memory_megabytes * MEGABYTE) as f64 / growth / 4.0;
        assert_eq!(memory.bytes, (scaled as u64).max(MEGABYTE));
    }

    fn facts() -> TableFacts {
        let text = r#"{"name": "t", "kind": "table", "reltuples": 1, "relpages": 1, "heap_bytes": 0, "toast_bytes": 0,
            "index_bytes": 0, "indexes": [], "estimated_rows": 1, "rows_relative_sd": 0, "rows_source": "exact"}"#;
        serde_json::from_str(text).expect("facts")
    }

    #[test]
    fn memory_is_in_proportion_and_workers_are_those_of_production() {
        check(7, 1.0, 1024, 0);
        check(8, 1.0, 1024, 1);
        check(8, 3.0, 1024, 2);
        check(800, 4.0, 1024, 2);
        check(800, 4.0, 64, 1);
        check(800, 4.0, 63, 0);
        check(800, 100.0, 64, 1);
    }
}
