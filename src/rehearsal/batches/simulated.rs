//! A simulated database whose truth is known: a backfill of hours replays in milliseconds on a virtual clock.
//!
//! Its batches cost what real ones were observed to cost: autocorrelated heavy-tailed noise, checkpoints, stalls, cold
//! caches at each new place, costs that depend on the place, drift with the share executed, and a run effect that no
//! single run can show. It implements the same [`Backfill`] trait as the real database and knows no estimate.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::backfill::{Backfill, MeasuredBatch};
use crate::error::Result;
use crate::migration::Walk;
use crate::stats::random::{between, generator, standard_normal, standard_student, uniform};

/// The classes of tables and servers that are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulatedScenario {
    /// The same cost everywhere and at all times, apart from noise, checkpoints and stalls.
    Stationary,
    /// Batches get slower (or a little faster) as more has been executed: bloat, page splits.
    Drift,
    /// Costs differ between places, smoothly or in steps.
    Heterogeneous,
    /// Costs differ between places, and ranges of keys are sparse or empty.
    KeyGaps,
    /// All of the above together.
    Everything,
    /// Costs differ between places, and nearly all leaf pages of a randomly ordered index split at about the same time.
    SplitWave,
}

/// All scenario classes.
pub const SCENARIOS: [SimulatedScenario; 6] = [
    SimulatedScenario::Stationary,
    SimulatedScenario::Drift,
    SimulatedScenario::Heterogeneous,
    SimulatedScenario::KeyGaps,
    SimulatedScenario::Everything,
    SimulatedScenario::SplitWave,
];

/// Rows of a batch that has no gaps.
const BATCH_SIZE: f64 = 5_000.0;
/// Standard deviation of the logarithm of the time between two runs of the same work.
const RUN_SD: f64 = 0.05;

/// A backfill on a database that exists only as numbers.
#[derive(Clone, Debug)]
pub struct SimulatedDatabase {
    truth: Truth,
    run: Run,
    /// The next batch, and the batch before which the segment ends.
    next: usize,
    end: usize,
    clock: f64,
}

/// What is the same in every run over this table.
#[derive(Clone, Debug)]
struct Truth {
    walk: Walk,
    /// Rows of each batch, in key order.
    rows: Vec<u64>,
    /// Expected seconds of each batch, in key order, before drift and noise.
    seconds: Vec<f64>,
    /// `drift` is the logarithm of how much slower a whole run is on average than its first batch; `drift_power` is the
    /// power of the share executed with which it grows.
    drift: f64,
    drift_power: f64,
    wave: Option<Wave>,
    noise_sd: f64,
    autocorrelation: f64,
    checkpoint_every: f64,
    checkpoint_batches: f64,
    checkpoint_factor: f64,
    cold_factor: f64,
}

/// The additional cost around the share executed at which leaf pages split.
#[derive(Clone, Copy, Debug)]
struct Wave {
    crest: f64,
    spread: f64,
    height: f64,
    afterwards: f64,
}

/// What differs from run to run.
#[derive(Clone, Debug)]
struct Run {
    generator: ChaCha8Rng,
    effect: f64,
    noise: f64,
    /// How far into the first checkpoint cycle the run begins, in batches.
    phase: f64,
    executed: usize,
    since_seek: usize,
}

impl SimulatedDatabase {
    /// Creates a table of `total_batches` batches of the given class and begins a run on it; the seed determines both.
    pub fn new(scenario: SimulatedScenario, total_batches: usize, seed: u64) -> SimulatedDatabase {
        let mut generator = generator(seed);
        let truth = Truth::new(scenario, total_batches, &mut generator);
        let run = Run::new(&truth, generator);
        SimulatedDatabase {
            truth,
            run,
            next: 0,
            end: 0,
            clock: 0.0,
        }
    }

    /// Returns how long an independent whole run over a fresh copy of the same table takes, in seconds.
    pub fn full_run_seconds(&self, seed: u64) -> f64 {
        let mut run = Run::new(&self.truth, generator(seed));
        (0..self.truth.rows.len())
            .map(|batch| run.execute(&self.truth, batch))
            .sum()
    }

    /// Returns how the key space is walked.
    pub fn walk(&self) -> Walk {
        self.truth.walk
    }

    /// Returns the correlation of the table's index with the heap's order: 1, or 0 where its leaf pages split in a
    /// wave.
    pub fn index_correlation(&self) -> f64 {
        if self.truth.wave.is_some() { 0.0 } else { 1.0 }
    }

    /// Returns the rows of the whole table.
    pub fn total_rows(&self) -> f64 {
        self.truth.rows.iter().sum::<u64>() as f64
    }
}

impl Backfill for SimulatedDatabase {
    fn total_batches(&self) -> f64 {
        self.truth.rows.len() as f64
    }

    fn seek(&mut self, position: f64, batches: u64) -> Result<()> {
        let total = self.truth.rows.len();
        self.next = ((position.clamp(0.0, 1.0) * total as f64) as usize).min(total);
        let batches = batches.min((total - self.next) as u64);
        self.end = self.next + batches as usize;
        self.run.since_seek = 0;
        Ok(())
    }

    fn run_next(&mut self) -> Result<Option<MeasuredBatch>> {
        if self.next >= self.end {
            return Ok(None);
        }
        let batch = self.next;
        self.next += 1;
        let seconds = self.run.execute(&self.truth, batch);
        self.clock += seconds;
        Ok(Some(MeasuredBatch {
            rows: self.truth.rows[batch],
            seconds,
            waited_seconds: None,
            wal_bytes: Some(300 * self.truth.rows[batch]),
            full_page_images_before: None,
            position: batch as f64 / self.truth.rows.len() as f64,
        }))
    }

    fn clock(&self) -> f64 {
        self.clock
    }

    fn pause(&mut self, seconds: f64) {
        self.clock += seconds;
    }

    fn checkpoints(&self) -> u64 {
        let begun_at = self.run.phase + self.run.executed as f64;
        (begun_at / self.truth.checkpoint_every) as u64
    }
}

impl Truth {
    fn new(scenario: SimulatedScenario, total_batches: usize, generator: &mut impl Rng) -> Truth {
        let drifts = matches!(scenario, SimulatedScenario::Drift | SimulatedScenario::Everything);
        let differs = !matches!(scenario, SimulatedScenario::Stationary | SimulatedScenario::Drift);
        let gaps = matches!(scenario, SimulatedScenario::KeyGaps | SimulatedScenario::Everything);
        let place = if differs {
            place_effects(total_batches, generator)
        } else {
            vec![0.0; total_batches]
        };
        let density = if gaps {
            densities(total_batches, generator)
        } else {
            vec![1.0; total_batches]
        };
        let full_batch = between(generator, 0.05, 0.5);
        let checkpoint_every = between(generator, 100.0, 400.0);
        Truth {
            walk: if gaps { Walk::KeyRange } else { Walk::Rows },
            rows: density
                .iter()
                .map(|density| (density * BATCH_SIZE).round() as u64)
                .collect(),
            seconds: place
                .iter()
                .zip(&density)
                .map(|(place, density)| full_batch * (0.1 + 0.9 * density) * place.exp())
                .collect(),
            drift: if drifts { between(generator, 0.9, 1.5).ln() } else { 0.0 },
            // From a drift that comes early and ends to one that is slow and steady: no model knows the shape.
            drift_power: between(generator, 0.25, 1.25),
            wave: (scenario == SimulatedScenario::SplitWave).then(|| Wave {
                crest: between(generator, 0.10, 0.18),
                spread: between(generator, 0.015, 0.035),
                height: between(generator, 0.0, 2.0),
                afterwards: between(generator, 0.0, 0.3),
            }),
            noise_sd: between(generator, 0.08, 0.20),
            autocorrelation: between(generator, 0.3, 0.9),
            checkpoint_every,
            checkpoint_batches: checkpoint_every * between(generator, 0.04, 0.12),
            checkpoint_factor: between(generator, 1.5, 2.8),
            cold_factor: between(generator, 0.3, 1.5),
        }
    }
}

impl Run {
    fn new(truth: &Truth, mut generator: ChaCha8Rng) -> Run {
        let effect = RUN_SD * standard_normal(&mut generator);
        let noise = truth.noise_sd * standard_normal(&mut generator);
        let phase = uniform(&mut generator) * truth.checkpoint_every;
        Run {
            generator,
            effect,
            noise,
            phase,
            executed: 0,
            since_seek: 0,
        }
    }

    /// Returns the seconds of one batch and advances the run.
    fn execute(&mut self, truth: &Truth, batch: usize) -> f64 {
        // A t variate of 4 degrees of freedom has variance 2.
        let innovation = standard_student(&mut self.generator, 4.0) / std::f64::consts::SQRT_2;
        let innovation_sd = truth.noise_sd * (1.0 - truth.autocorrelation.powi(2)).sqrt();
        self.noise = truth.autocorrelation * self.noise + innovation_sd * innovation;
        let executed = self.executed as f64 / truth.rows.len() as f64;
        let drift = (1.0 + truth.drift_power) * truth.drift * executed.powf(truth.drift_power);
        let wave = truth.wave.map_or(1.0, |wave| wave.factor(executed));
        let in_cycle = (self.phase + self.executed as f64) % truth.checkpoint_every;
        let checkpoint = if in_cycle < truth.checkpoint_batches {
            truth.checkpoint_factor
        } else {
            1.0
        };
        let stall = if uniform(&mut self.generator) < 0.003 {
            between(&mut self.generator, 3.0, 8.0)
        } else {
            1.0
        };
        let cold = 1.0 + truth.cold_factor * (-(self.since_seek as f64) / 3.0).exp();
        self.executed += 1;
        self.since_seek += 1;
        truth.seconds[batch] * (self.effect + drift + self.noise).exp() * wave * checkpoint * stall * cold
    }
}

impl Wave {
    /// Leaf pages split at shares executed that follow a logistic distribution around the crest.
    fn factor(&self, executed: f64) -> f64 {
        let split = 1.0 / (1.0 + (-1.7 * (executed - self.crest) / self.spread).exp());
        1.0 + self.height * 4.0 * split * (1.0 - split) + self.afterwards * split
    }
}

/// Returns the logarithm of each place's cost: an Ornstein-Uhlenbeck path, or a few levels.
fn place_effects(total_batches: usize, generator: &mut impl Rng) -> Vec<f64> {
    if uniform(generator) < 0.5 {
        let sd = between(generator, 0.05, 0.30);
        let range = between(generator, 0.05, 0.30) * total_batches as f64;
        let keep = (-1.0 / range).exp();
        let mut value = sd * standard_normal(generator);
        return (0..total_batches)
            .map(|_| {
                value = keep * value + sd * (1.0 - keep * keep).sqrt() * standard_normal(generator);
                value
            })
            .collect();
    }
    let sd = between(generator, 0.10, 0.35);
    stretches(
        total_batches,
        2 + (uniform(generator) * 4.0) as usize,
        generator,
        |generator| sd * standard_normal(generator),
    )
}

/// Returns the share of key values in use for each batch, in full, sparse and empty ranges.
fn densities(total_batches: usize, generator: &mut impl Rng) -> Vec<f64> {
    let mut densities = stretches(
        total_batches,
        4 + (uniform(generator) * 5.0) as usize,
        generator,
        |generator| match uniform(generator) {
            share if share < 0.65 => 1.0,
            share if share < 0.85 => between(generator, 0.05, 0.6),
            _ => 0.0,
        },
    );
    // A walk has rows at its first and last key.
    densities[0] = 1.0;
    if let Some(last) = densities.last_mut() {
        *last = 1.0;
    }
    densities
}

/// Cuts the walk into `count` stretches at random places, each with one value.
fn stretches<G: Rng>(total_batches: usize, count: usize, generator: &mut G, value: impl Fn(&mut G) -> f64) -> Vec<f64> {
    let mut cuts: Vec<usize> = (1..count)
        .map(|_| (uniform(generator) * total_batches as f64) as usize)
        .collect();
    cuts.sort_unstable();
    cuts.push(total_batches);
    let mut values = Vec::with_capacity(total_batches);
    for cut in cuts {
        let level = value(generator);
        values.resize(cut, level);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole_run(database: &mut SimulatedDatabase) -> Vec<MeasuredBatch> {
        database.seek(0.0, u64::MAX).unwrap();
        std::iter::from_fn(|| database.run_next().unwrap()).collect()
    }

    #[test]
    fn a_run_is_repeatable_and_another_differs_by_noise_only() {
        for scenario in SCENARIOS {
            let mut one = SimulatedDatabase::new(scenario, 1000, 3);
            let mut other = SimulatedDatabase::new(scenario, 1000, 3);
            let measured = whole_run(&mut one);
            assert_eq!(measured, whole_run(&mut other));
            let seconds: f64 = measured.iter().map(|batch| batch.seconds).sum();
            assert!((one.clock() - seconds).abs() < 1e-9);
            let again = one.full_run_seconds(77);
            assert_eq!(again, other.full_run_seconds(77));
            assert!(
                (again / seconds).ln().abs() < 0.35,
                "{scenario:?}: {seconds} and {again}"
            );
            assert_eq!(
                measured.iter().map(|batch| batch.rows).sum::<u64>() as f64,
                one.total_rows()
            );
        }
    }

    #[test]
    fn seeking_stays_within_the_walk() {
        let mut database = SimulatedDatabase::new(SimulatedScenario::Stationary, 1000, 1);
        assert_eq!(database.run_next().unwrap(), None);
        database.seek(0.995, 25).unwrap();
        assert_eq!(std::iter::from_fn(|| database.run_next().unwrap()).count(), 5);
        database.seek(1.0, 25).unwrap();
        assert_eq!(database.run_next().unwrap(), None);
    }

    #[test]
    fn gaps_leave_batches_with_fewer_rows() {
        let sparse = (0..20).any(|seed| {
            let mut database = SimulatedDatabase::new(SimulatedScenario::KeyGaps, 1000, seed);
            whole_run(&mut database).iter().any(|batch| batch.rows == 0)
        });
        assert!(sparse);
    }
}
