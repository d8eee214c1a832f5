//! A second simulated database, whose mechanisms are not those that the model assumes.
//!
//! Costs come from counters that a run carries along (leaves not yet split, dead rows, credits, the time since the last
//! checkpoint), not from curves over the share executed, and noise from gamma and Pareto variates.

use migtime::error::Result;
use migtime::migration::Walk;
use migtime::rehearsal::batches::backfill::{Backfill, MeasuredBatch};
use migtime::stats::random::{between, generator, standard_normal, uniform};
use rand_chacha::ChaCha8Rng;

use crate::simulated_replay::Simulated;

/// What makes the costs of one kind of table and server differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// Nothing but noise.
    Quiet,
    /// Deletion passes keep leaves from splitting, and batches expensive, where the walk goes on in key order.
    DeletionPasses,
    /// Rows are wider in some places, by waves and by a trend.
    Places,
    /// The first write of a page after a checkpoint logs the whole page.
    FullPageImages,
    /// A vacuum runs beside the batches once a fifth of the rows is dead.
    Autovacuum,
    /// The working set outgrows the cache.
    CacheMisses,
    /// The disk is throttled once its credits are used up.
    BurstCredits,
    /// A job of somebody else runs at regular times.
    Neighbour,
    /// Key ranges are sparse or empty.
    SparseKeys,
    /// Batches stall for a long time, seldom.
    Stalls,
    /// All of them.
    Everything,
}

/// All mechanisms.
pub const MECHANISMS: [Mechanism; 11] = [
    Mechanism::Quiet,
    Mechanism::DeletionPasses,
    Mechanism::Places,
    Mechanism::FullPageImages,
    Mechanism::Autovacuum,
    Mechanism::CacheMisses,
    Mechanism::BurstCredits,
    Mechanism::Neighbour,
    Mechanism::SparseKeys,
    Mechanism::Stalls,
    Mechanism::Everything,
];

/// Rows of a full batch.
const BATCH_SIZE: f64 = 5_000.0;

/// A backfill on a database that exists only as numbers.
#[derive(Clone, Debug)]
pub struct OtherDatabase {
    table: Table,
    run: Run,
    next: usize,
    end: usize,
}

/// What is the same in every run.
#[derive(Clone, Debug)]
struct Table {
    mechanism: Mechanism,
    /// Rows of each window, in key order.
    rows: Vec<u64>,
    /// Seconds of a full batch, and the part of them that a window without rows costs.
    batch_seconds: f64,
    fixed: f64,
    run_sd: f64,
    /// Variates that one gamma variate of the noise is a sum of: their number is 1/CV².
    noise_shape: u32,
    /// Waves and trend of the width of rows.
    wave: (f64, f64, f64),
    trend: f64,
    /// Share of passes that succeed in key order, and what a batch costs more while leaves are full.
    passes: f64,
    full_leaves: f64,
    /// Additional cost right after a checkpoint, batches until all pages were logged, and seconds between checkpoints.
    images: (f64, f64, f64),
    /// Additional cost beside a vacuum, and how long one lasts as a share of the walk.
    vacuum: (f64, f64),
    /// Additional cost of a batch whose pages are all read from disk, share cached at first and growth of what is not.
    misses: (f64, f64, f64),
    /// Seconds of work until the credits are used up, and how much slower it is then.
    credits: (f64, f64),
    /// Seconds between two jobs of the neighbour, how long each takes, and how much slower it is meanwhile.
    neighbour: (f64, f64, f64),
    /// Probability of a stall, and its least seconds.
    stalls: (f64, f64),
}

/// What a run carries along.
#[derive(Clone, Debug)]
struct Run {
    generator: ChaCha8Rng,
    speed: f64,
    clock: f64,
    executed: f64,
    last: Option<usize>,
    /// Batches since the walk last jumped.
    in_order: f64,
    /// Share of the leaves that have split.
    split: f64,
    dead: f64,
    vacuum_left: f64,
    vacuumed_at: f64,
    checkpoint_at: f64,
    checkpoints: u64,
    since_checkpoint: f64,
    neighbour_phase: f64,
}

impl OtherDatabase {
    /// Creates a table of `batches` batches and begins a run on it; the seed determines both.
    pub fn new(mechanism: Mechanism, batches: usize, seed: u64) -> OtherDatabase {
        let mut generator = generator(seed);
        let table = Table::new(mechanism, batches, &mut generator);
        let run = Run::new(&table, generator);
        OtherDatabase {
            table,
            run,
            next: 0,
            end: 0,
        }
    }

    /// Returns how long an independent whole run, in key order, takes, in seconds.
    pub fn whole_run_seconds(&self, seed: u64) -> f64 {
        let mut run = Run::new(&self.table, generator(seed));
        (0..self.table.rows.len())
            .map(|batch| run.execute(&self.table, batch))
            .sum()
    }
}

impl Simulated for OtherDatabase {
    fn walk(&self) -> Walk {
        if self.table.has(Mechanism::SparseKeys) {
            Walk::KeyRange
        } else {
            Walk::Rows
        }
    }

    fn index_correlation(&self) -> f64 {
        if self.table.has(Mechanism::DeletionPasses) {
            0.0
        } else {
            1.0
        }
    }

    fn total_rows(&self) -> f64 {
        self.table.rows.iter().sum::<u64>() as f64
    }
}

impl Backfill for OtherDatabase {
    fn total_batches(&self) -> f64 {
        self.table.rows.len() as f64
    }

    fn seek(&mut self, position: f64, batches: u64) -> Result<()> {
        let total = self.table.rows.len();
        self.next = ((position.clamp(0.0, 1.0) * total as f64) as usize).min(total);
        self.end = self.next + batches.min((total - self.next) as u64) as usize;
        Ok(())
    }

    fn run_next(&mut self) -> Result<Option<MeasuredBatch>> {
        if self.next >= self.end {
            return Ok(None);
        }
        let batch = self.next;
        self.next += 1;
        Ok(Some(MeasuredBatch {
            rows: self.table.rows[batch],
            seconds: self.run.execute(&self.table, batch),
            waited_seconds: None,
            wal_bytes: Some(300 * self.table.rows[batch]),
            full_page_images_before: None,
            position: batch as f64 / self.table.rows.len() as f64,
        }))
    }

    fn clock(&self) -> f64 {
        self.run.clock
    }

    fn pause(&mut self, seconds: f64) {
        self.run.clock += seconds;
    }

    fn checkpoints(&self) -> u64 {
        self.run.checkpoints
    }
}

impl Table {
    fn new(mechanism: Mechanism, batches: usize, generator: &mut ChaCha8Rng) -> Table {
        let batch_seconds = between(generator, 0.03, 0.3);
        let whole = batch_seconds * batches as f64;
        // All together, each does half as much.
        let strength = if mechanism == Mechanism::Everything { 0.5 } else { 1.0 };
        let sparse = matches!(mechanism, Mechanism::SparseKeys | Mechanism::Everything);
        let rows = if sparse {
            sparse_rows(batches, generator)
        } else {
            vec![BATCH_SIZE as u64; batches]
        };
        Table {
            mechanism,
            rows,
            batch_seconds,
            fixed: between(generator, 0.02, 0.15),
            run_sd: between(generator, 0.03, 0.10),
            noise_shape: between(generator, 20.0, 60.0) as u32,
            wave: (
                strength * between(generator, 0.05, 0.3),
                between(generator, 0.5, 4.0),
                uniform(generator),
            ),
            trend: strength * between(generator, -0.3, 0.3),
            passes: between(generator, 0.3, 0.95),
            full_leaves: strength * between(generator, 0.3, 1.0),
            images: (
                strength * between(generator, 0.3, 1.5),
                between(generator, 10.0, 60.0),
                batch_seconds * between(generator, 40.0, 120.0),
            ),
            vacuum: (strength * between(generator, 0.05, 0.35), between(generator, 0.05, 0.2)),
            misses: (
                strength * between(generator, 0.5, 1.5),
                between(generator, 0.6, 1.0),
                between(generator, 0.2, 0.8),
            ),
            // Used up after 2 to 50 % of the whole, as often in each doubling.
            credits: (
                whole * 0.02 * 25f64.powf(uniform(generator)),
                1.0 + strength * between(generator, 0.5, 2.0),
            ),
            neighbour: (
                batch_seconds * between(generator, 20.0, 120.0),
                between(generator, 0.15, 0.4),
                1.0 + strength * between(generator, 0.3, 1.0),
            ),
            stalls: (
                between(generator, 0.004, 0.02),
                batch_seconds * between(generator, 5.0, 20.0),
            ),
        }
    }

    fn has(&self, mechanism: Mechanism) -> bool {
        self.mechanism == mechanism || self.mechanism == Mechanism::Everything
    }

    /// Returns the relative width of the rows at `place`, 0 to 1.
    fn width(&self, place: f64) -> f64 {
        let (height, waves, phase) = self.wave;
        (height * (std::f64::consts::TAU * (waves * place + phase)).sin() + self.trend * place).exp()
    }
}

impl Run {
    fn new(table: &Table, mut generator: ChaCha8Rng) -> Run {
        let speed = (table.run_sd * standard_normal(&mut generator)).exp();
        let checkpoint_at = table.images.2 * uniform(&mut generator);
        let neighbour_phase = table.neighbour.0 * uniform(&mut generator);
        Run {
            generator,
            speed,
            clock: 0.0,
            executed: 0.0,
            last: None,
            in_order: 0.0,
            split: 0.0,
            dead: 0.0,
            vacuum_left: 0.0,
            vacuumed_at: 0.0,
            checkpoint_at,
            checkpoints: 0,
            since_checkpoint: 0.0,
            neighbour_phase,
        }
    }

    /// Runs one batch and returns its seconds.
    fn execute(&mut self, table: &Table, batch: usize) -> f64 {
        let total = table.rows.len() as f64;
        let goes_on = self.last.is_some_and(|last| last + 1 == batch);
        self.in_order = if goes_on { self.in_order + 1.0 } else { 0.0 };
        self.last = Some(batch);
        let full = table.rows[batch] as f64 / BATCH_SIZE;
        let mut seconds = table.batch_seconds * self.speed * self.noise(table.noise_shape);
        if table.has(Mechanism::Places) {
            seconds *= table.width(batch as f64 / total);
        }
        seconds *= 1.0 + self.leaves(table) + self.images(table, full) + self.vacuum(table, full) + self.misses(table);
        seconds *= table.fixed + (1.0 - table.fixed) * full;
        if table.has(Mechanism::BurstCredits) && self.clock > table.credits.0 {
            seconds *= table.credits.1;
        }
        let (every, share, slower) = table.neighbour;
        if table.has(Mechanism::Neighbour) && (self.clock + self.neighbour_phase) % every < share * every {
            seconds *= slower;
        }
        if table.has(Mechanism::Stalls) && uniform(&mut self.generator) < table.stalls.0 {
            // Pareto's distribution with the exponent 2, cut at fifty times its least value.
            seconds += table.stalls.1 * (1.0 - uniform(&mut self.generator)).powf(-0.5).min(50.0);
        }
        self.executed += 1.0 / total;
        self.clock += seconds;
        seconds
    }

    /// Returns a gamma variate with the mean 1, as the mean of exponential ones.
    fn noise(&mut self, shape: u32) -> f64 {
        let sum: f64 = (0..shape).map(|_| -(1.0 - uniform(&mut self.generator)).ln()).sum();
        sum / f64::from(shape)
    }

    /// Leaves fill up during the first tenth. Then each batch makes some split, unless a deletion pass finds dead rows,
    /// which it does where the walk has gone on in order for long.
    fn leaves(&mut self, table: &Table) -> f64 {
        if !table.has(Mechanism::DeletionPasses) || self.executed < 0.08 {
            return 0.0;
        }
        let together = (self.in_order / (0.1 * table.rows.len() as f64)).min(1.0);
        let splits = 25.0 / table.rows.len() as f64 * (1.0 - table.passes * together);
        self.split += splits * (1.0 - self.split);
        table.full_leaves * (1.0 - self.split)
    }

    fn images(&mut self, table: &Table, full: f64) -> f64 {
        if self.clock >= self.checkpoint_at {
            self.checkpoint_at += table.images.2;
            self.checkpoints += 1;
            self.since_checkpoint = 0.0;
        }
        self.since_checkpoint += full;
        let (height, pages, _) = table.images;
        if table.has(Mechanism::FullPageImages) {
            height * (-self.since_checkpoint / pages).exp()
        } else {
            0.0
        }
    }

    fn vacuum(&mut self, table: &Table, full: f64) -> f64 {
        self.dead += full / table.rows.len() as f64;
        if self.vacuum_left <= 0.0 && self.dead - self.vacuumed_at > 0.2 {
            self.vacuum_left = table.vacuum.1;
            self.vacuumed_at = self.dead;
        }
        self.vacuum_left -= 1.0 / table.rows.len() as f64;
        if table.has(Mechanism::Autovacuum) && self.vacuum_left > 0.0 {
            table.vacuum.0
        } else {
            0.0
        }
    }

    fn misses(&self, table: &Table) -> f64 {
        let (cost, cached, growth) = table.misses;
        if table.has(Mechanism::CacheMisses) {
            cost * (1.0 - cached / (1.0 + growth * self.executed))
        } else {
            0.0
        }
    }
}

/// Returns the rows of each window where old rows were deleted: few in some stretches, none in others.
fn sparse_rows(batches: usize, generator: &mut ChaCha8Rng) -> Vec<u64> {
    let period = batches as f64 / between(generator, 2.0, 8.0);
    let (kept, thin) = (between(generator, 0.4, 0.8), between(generator, 0.0, 0.4));
    let phase = uniform(generator);
    (0..batches)
        .map(|batch| {
            let place = (batch as f64 / period + phase) % 1.0;
            let share = if place < kept || batch == 0 || batch + 1 == batches {
                1.0
            } else {
                thin
            };
            (BATCH_SIZE * share * between(generator, 0.8, 1.0)).round() as u64
        })
        .collect()
}
