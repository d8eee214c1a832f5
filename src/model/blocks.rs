//! Condenses observations into blocks: a million batches become a few dozen numbers in one pass.
//!
//! A block is a stretch of consecutive batches of one segment, long enough for the logarithm of its mean cost to be
//! nearly normal. Batches labelled as warm-up are left out. Only the cost of a batch relative to that of a row is
//! fitted here.

use super::stalls::Stalls;
use super::stretches::{Stretch, WorkUnit, stretches};
use crate::migration::Walk;
use crate::observation::{Observation, StepRecord};

/// Most blocks of one run, and most blocks of one segment where there are several.
const MOST_BLOCKS: usize = 48;
const MOST_BLOCKS_PER_SEGMENT: usize = 5;
/// Fewest batches in a block.
pub const FEWEST_BATCHES: usize = 4;
/// Largest number of segments that are used, so that an unusual file cannot take hours; a replay has at most 24.
const MOST_SEGMENTS: usize = 240;

/// The mean cost of a stretch of batches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    /// Repetition it belongs to.
    pub run: u32,
    /// Stretch it is a part of, in the order of execution.
    pub stretch: u32,
    /// Logarithm of seconds per unit of work.
    pub log_cost: f64,
    /// Position in the walk, 0 to 1.
    pub position: f64,
    /// Share of the walk's batches that this run had already executed before the block, 0 to 1.
    pub executed: f64,
    /// Work in the block, in average batches.
    pub batches: f64,
    /// Work per batch, relative to the average.
    pub density: f64,
    /// Whether its run had executed all batches before it, as a whole run does.
    pub in_order: bool,
}

/// The batches of a step, condensed.
#[derive(Clone, Debug)]
pub struct Condensed {
    /// The blocks, in the order of execution; blocks without any work are left out.
    pub blocks: Vec<Block>,
    /// The unit in which their work is counted.
    pub unit: WorkUnit,
    /// The stalls, which are not part of the blocks' costs.
    pub stalls: Stalls,
}

/// Sums over the batches of a block.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    run: u32,
    stretch: u32,
    batches: f64,
    rows: f64,
    seconds: f64,
    position: f64,
    executed: f64,
    fewest_rows: u64,
    most_rows: u64,
    in_order: bool,
    rows_squared: f64,
    rows_times_seconds: f64,
}

impl Sums {
    fn of_stretch(run: u32, stretch: u32) -> Sums {
        Sums {
            run,
            stretch,
            fewest_rows: u64::MAX,
            ..Sums::default()
        }
    }
}

/// Cuts the settled batches of a step into blocks; `total_batches` is the length of the whole walk.
pub fn cut(step: &StepRecord, walk: Walk, total_batches: f64) -> Condensed {
    let rows_are_known = step.total_rows.is_some_and(|rows| rows > 0.0);
    let stretches = stretches(&step.observations);
    let sums = block_sums(&step.observations, &stretches, total_batches, &Stalls::default());
    let stalls = Stalls::find(&step.observations, &stretches, work_unit(&sums, walk, rows_are_known));
    let sums = block_sums(&step.observations, &stretches, total_batches, &stalls);
    let unit = work_unit(&sums, walk, rows_are_known);
    let batches: f64 = sums.iter().map(|sum| sum.batches).sum();
    let rows: f64 = sums.iter().map(|sum| sum.rows).sum();
    let work_per_batch = unit.work(batches, rows) / batches.max(1.0);
    let blocks = sums
        .iter()
        .filter_map(|sum| {
            let work = unit.work(sum.batches, sum.rows);
            (work > 0.0).then(|| Block {
                run: sum.run,
                stretch: sum.stretch,
                // A clock that shows 0 is counted as one microsecond per batch.
                log_cost: (sum.seconds.max(1e-6 * sum.batches) / work).ln(),
                position: sum.position / sum.batches,
                executed: (sum.executed / sum.batches).min(1.0),
                batches: work / work_per_batch,
                density: work / sum.batches / work_per_batch,
                in_order: sum.in_order,
            })
        })
        .collect();
    Condensed { blocks, unit, stalls }
}

fn block_sums(observations: &[Observation], stretches: &[Stretch], total_batches: f64, stalls: &Stalls) -> Vec<Sums> {
    let runs = stretches.chunk_by(|one, other| one.run == other.run).count().max(1);
    let usable = stretches
        .iter()
        .filter(|stretch| stretch.settled >= FEWEST_BATCHES)
        .count();
    let is_beginning = |stretch: &Stretch, executed: usize| {
        executed == 0 && observations[stretch.start].position <= 1.5 / total_batches.max(1.0)
    };
    // A beginning in order gets half of the blocks, since its cost may change as it goes.
    let shared = if stretches.first().is_some_and(|first| is_beginning(first, 0)) {
        MOST_BLOCKS / 2
    } else {
        MOST_BLOCKS
    };
    let per_stretch = match usable {
        0 | 1 => MOST_BLOCKS,
        _ if usable == runs => MOST_BLOCKS,
        _ => (shared * runs / usable).clamp(1, MOST_BLOCKS_PER_SEGMENT),
    };
    let skip = stretches.len().div_ceil(MOST_SEGMENTS).max(1);
    let mut sums = Vec::new();
    let mut executed = 0;
    let mut run = None;
    for (number, stretch) in stretches.iter().enumerate() {
        if run != Some(stretch.run) {
            (run, executed) = (Some(stretch.run), 0);
        }
        if number % skip == 0 && stretch.settled >= FEWEST_BATCHES {
            let in_order = is_beginning(stretch, executed);
            let most = if in_order {
                per_stretch.max(MOST_BLOCKS / 2)
            } else {
                per_stretch
            };
            let pieces = most.min(stretch.settled / FEWEST_BATCHES);
            let first = sums.len();
            let none = Sums {
                in_order,
                ..Sums::of_stretch(stretch.run, number as u32)
            };
            sums.resize(first + pieces, none);
            add_batches(&mut sums[first..], observations, stretch, stalls);
            sums[first..]
                .iter_mut()
                .for_each(|sum| sum.executed = (sum.executed + executed as f64 * sum.batches) / total_batches.max(1.0));
        }
        executed += stretch.end - stretch.start;
    }
    sums
}

/// Adds the settled batches of one stretch to the `sums` of its blocks, which get nearly equal numbers of them. What is
/// executed is counted from the beginning of the stretch.
fn add_batches(sums: &mut [Sums], observations: &[Observation], stretch: &Stretch, stalls: &Stalls) {
    let pieces = sums.len();
    let settled = observations[stretch.start..stretch.end]
        .iter()
        .enumerate()
        .filter(|(_, observation)| !observation.warm_up);
    for (number, (index, observation)) in settled.enumerate() {
        let sum = &mut sums[number * pieces / stretch.settled];
        let rows = observation.rows as f64;
        let seconds = observation.working_seconds() - stalls.excess(stretch.start + index);
        sum.batches += 1.0;
        sum.rows += rows;
        sum.seconds += seconds;
        sum.position += observation.position;
        sum.executed += index as f64;
        sum.fewest_rows = sum.fewest_rows.min(observation.rows);
        sum.most_rows = sum.most_rows.max(observation.rows);
        sum.rows_squared += rows * rows;
        sum.rows_times_seconds += rows * seconds;
    }
}

/// Returns the unit of work for which the cost is nearly constant.
///
/// Rows, where all batches have the same number of rows; batches, where they are windows of keys or blocks. Where the
/// number of rows varies much and the total is known, it is the cost s = c₀ + c·r, fitted by least squares with both
/// parts at least 0.
fn work_unit(sums: &[Sums], walk: Walk, rows_are_known: bool) -> WorkUnit {
    let plain = if walk == Walk::Rows {
        WorkUnit::ROW
    } else {
        WorkUnit::BATCH
    };
    let total = sums.iter().fold(Sums::default(), |total, sum| Sums {
        batches: total.batches + sum.batches,
        rows: total.rows + sum.rows,
        seconds: total.seconds + sum.seconds,
        rows_squared: total.rows_squared + sum.rows_squared,
        rows_times_seconds: total.rows_times_seconds + sum.rows_times_seconds,
        ..total
    });
    if total.rows == 0.0 {
        return WorkUnit::BATCH;
    }
    if !rows_differ(sums) || !(rows_are_known || walk == Walk::Rows) {
        return plain;
    }
    let spread = total.rows_squared - total.rows * total.rows / total.batches;
    let common = total.rows_times_seconds - total.rows * total.seconds / total.batches;
    let per_row = common / spread;
    let per_batch = (total.seconds - per_row * total.rows) / total.batches;
    match (per_batch > 0.0, per_row > 0.0) {
        (true, true) => WorkUnit { per_batch, per_row },
        (false, true) => WorkUnit::ROW,
        _ => WorkUnit::BATCH,
    }
}

/// Returns whether rows per batch vary more than threefold within a quarter of the blocks, or by half between blocks.
fn rows_differ(sums: &[Sums]) -> bool {
    let within = sums.iter().filter(|sum| sum.most_rows > 3 * sum.fewest_rows).count();
    let means = sums.iter().map(|sum| sum.rows / sum.batches);
    let (lowest, highest) = means.fold((f64::INFINITY, 0.0f64), |(low, high), mean| {
        (low.min(mean), high.max(mean))
    });
    4 * within > sums.len() || highest > 1.5 * lowest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch_log;

    /// A step with `segments` segments of 25 batches. A batch takes 1 ms plus 1 ms per ten rows; ten times that during
    /// warm-up.
    fn step(segments: usize, rows: impl Fn(usize) -> usize) -> StepRecord {
        let mut log = "rows,seconds,position,segment\n".to_string();
        for batch in 0..25 * segments {
            let (segment, rows) = (batch / 25, rows(batch));
            let slow = if batch % 25 < 3 { 10.0 } else { 1.0 };
            let seconds = slow * (0.001 + 0.0001 * rows as f64);
            log += &format!("{rows},{seconds},{},{segment}\n", segment as f64 / segments as f64);
        }
        batch_log::read(&log, "log.csv", 1e6)
            .expect("a batch log")
            .steps
            .remove(0)
    }

    fn check(step: &StepRecord, walk: Walk, blocks: usize, unit: WorkUnit, seconds_per_unit: f64) {
        let Condensed {
            blocks: actual,
            unit: actual_unit,
            ..
        } = cut(step, walk, 1000.0);
        assert_eq!(actual.len(), blocks);
        let near = |one: f64, other: f64| (one - other).abs() <= 1e-9 * other.abs();
        assert!(
            near(actual_unit.per_batch, unit.per_batch) && near(actual_unit.per_row, unit.per_row),
            "{actual_unit:?}"
        );
        for block in actual {
            assert!(near(block.log_cost.exp(), seconds_per_unit), "{block:?}");
        }
    }

    #[test]
    fn warm_up_is_left_out_and_blocks_keep_their_number() {
        check(&step(8, |_| 100), Walk::Rows, 26, WorkUnit::ROW, 0.011 / 100.0);
        // The first, where a whole run begins, has five; the others one.
        check(&step(24, |_| 100), Walk::KeyRange, 28, WorkUnit::BATCH, 0.011);
        let mut beginning = step(8, |_| 100);
        for observation in &mut beginning.observations {
            (observation.segment, observation.warm_up, observation.seconds) = (0, false, 0.011);
        }
        check(&beginning, Walk::Rows, 48, WorkUnit::ROW, 0.011 / 100.0);
    }

    #[test]
    fn the_cost_of_a_batch_is_told_from_that_of_its_rows() {
        let fitted = WorkUnit {
            per_batch: 0.001,
            per_row: 0.0001,
        };
        check(&step(8, |batch| 10 * (batch % 7)), Walk::KeyRange, 26, fitted, 1.0);
        check(
            &step(8, |batch| if batch < 100 { 0 } else { 100 }),
            Walk::KeyRange,
            26,
            fitted,
            1.0,
        );
        check(&step(8, |_| 0), Walk::Rows, 26, WorkUnit::BATCH, 0.001);
    }

    #[test]
    fn executed_counts_all_batches_before() {
        let blocks = cut(&step(8, |_| 100), Walk::Rows, 1000.0).blocks;
        // The last block holds the batches 193 to 199.
        assert!((blocks[25].executed - 0.196).abs() < 1e-9);
        assert!((blocks[25].position - 0.875).abs() < 1e-9);
        assert_eq!(cut(&step(300, |_| 100), Walk::Rows, 1e4).blocks.len(), 154);
    }
}
