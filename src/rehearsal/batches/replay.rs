//! Replays a backfill segment by segment until the evidence is enough or a limit is reached.
//!
//! Works on any [`Backfill`], real or simulated. Its [`Monitor`] decides what this file cannot know: whether the
//! estimate is precise enough, and whether the person wants to stop.

use super::backfill::{Backfill, MeasuredBatch};
use super::segments::SegmentDesign;
use crate::error::{ErrorKind, Result};
use crate::observation::{EndReason, Observation, SHORTEST_SEGMENT};
use crate::server::Interruption;

/// Longest time between two checks for an interrupt, in seconds.
const LONGEST_PAUSE: f64 = 0.1;

/// The limits of a replay.
#[derive(Clone, Debug)]
pub struct ReplayLimits {
    /// Pause between two batches, in seconds.
    pub batch_delay: f64,
    /// Longest time the replay may take, in seconds.
    pub max_seconds: f64,
}

/// The one who writes a replay down, and knows what it is for.
pub trait Scribe {
    /// Called after each batch with all observations of this run so far, newest last.
    fn batch_done(&mut self, observations: &[Observation], planned_batches: f64);

    /// Returns whether the observations so far are enough. Asked only after the segments at which the stopping rule may
    /// look.
    fn is_enough(&mut self, observations: &[Observation], checkpoints: u64) -> bool;

    /// Returns whether to replay more than the design because the replay has seen too few checkpoints so far.
    fn lacks_checkpoints(&mut self, _observations: &[Observation], _checkpoints: u64) -> bool {
        false
    }
}

/// What is to be replayed.
#[derive(Clone, Debug)]
pub struct ReplayPlan<'a> {
    /// The places, in the order in which they are visited.
    pub design: &'a SegmentDesign,
    /// Its limits.
    pub limits: ReplayLimits,
    /// The repetition, from 0.
    pub run: u32,
    /// Number of the first place to be visited; the observations of those before are there.
    pub first_place: usize,
    /// What ends it early.
    pub interruption: Interruption,
}

/// Replays `backfill` as planned, appending to `observations`, and returns why it ended.
///
/// # Errors
/// The error of the batch that failed; earlier observations are kept.
pub fn replay(
    backfill: &mut dyn Backfill,
    plan: &ReplayPlan,
    observations: &mut Vec<Observation>,
    scribe: &mut dyn Scribe,
) -> Result<EndReason> {
    let design = plan.design;
    let looks = design.looks();
    let elapsed_before = observations.last().map_or(0.0, |last| last.elapsed);
    let mut replay = Replay {
        backfill,
        plan,
        begin: None,
        elapsed_before,
        observations,
        scribe,
        shortened: false,
    };
    let further = design.further();
    for (index, segment) in design
        .segments
        .iter()
        .chain(&further)
        .enumerate()
        .skip(plan.first_place)
    {
        if index >= design.segments.len() && !replay.must_go_on() {
            break;
        }
        replay.backfill.reach(index);
        if unless_interrupted(replay.backfill.seek(segment.position, segment.batches))?.is_none() {
            return Ok(EndReason::Interrupted);
        }
        if let Some(reason) = replay.segment(segment.number, segment.batches)? {
            return Ok(reason);
        }
        if design.is_whole_walk() {
            return Ok(EndReason::Complete);
        }
        let checkpoints = replay.backfill.checkpoints();
        let look = looks.contains(&(index as u32 + 1));
        if look && replay.scribe.is_enough(replay.observations, checkpoints) {
            return Ok(EndReason::Precision);
        }
    }
    Ok(if replay.shortened {
        EndReason::MaxDuration
    } else {
        EndReason::Fraction
    })
}

struct Replay<'a> {
    backfill: &'a mut dyn Backfill,
    plan: &'a ReplayPlan<'a>,
    /// The clock when the first batch began.
    begin: Option<f64>,
    /// For a replay that is continued: the seconds that had passed before.
    elapsed_before: f64,
    observations: &'a mut Vec<Observation>,
    scribe: &'a mut dyn Scribe,
    /// Whether the time limit made a segment shorter than designed.
    shortened: bool,
}

impl Replay<'_> {
    /// Runs the batches of one segment; returns a reason if the replay has to end within it.
    fn segment(&mut self, segment: u32, batches: u64) -> Result<Option<EndReason>> {
        let mut counter_before_last = None;
        let mut done = 0;
        let mut end = None;
        // If the segments do not all fit into the time limit, they get shorter, not fewer: places matter more than
        // batches.
        let arrived = self.backfill.clock();
        let fair_share = if self.plan.design.is_whole_walk() {
            f64::INFINITY
        } else {
            self.plan.limits.max_seconds / self.plan.design.segments.len() as f64
        };
        while done < batches {
            if let Some(reason) = self.reason_to_stop() {
                end = Some(reason);
                break;
            }
            if done >= SHORTEST_SEGMENT as u64 && self.backfill.clock() - arrived > fair_share {
                self.shortened = true;
                break;
            }
            if self.begin.is_some() && !self.pause() {
                end = Some(EndReason::Interrupted);
                break;
            }
            let begin = *self
                .begin
                .get_or_insert_with(|| self.backfill.clock() - self.elapsed_before);
            let Some(measured) = unless_interrupted(self.backfill.run_next())? else {
                end = Some(EndReason::Interrupted);
                break;
            };
            let Some(measured) = measured else {
                break;
            };
            self.settle_full_page_images(counter_before_last, measured.full_page_images_before);
            counter_before_last = measured.full_page_images_before;
            let elapsed = self.backfill.clock() - begin;
            self.record(segment, done, elapsed, measured);
            done += 1;
        }
        if counter_before_last.is_some() {
            let counter = self.backfill.full_page_images();
            self.settle_full_page_images(counter_before_last, counter);
        }
        Ok(end)
    }

    /// Returns whether to visit more places than designed: time is left and checkpoints are missing.
    fn must_go_on(&mut self) -> bool {
        let checkpoints = self.backfill.checkpoints();
        !self.shortened && self.scribe.lacks_checkpoints(self.observations, checkpoints)
    }

    /// Waits between two batches, in steps short enough to notice an interrupt; returns whether to go on.
    fn pause(&mut self) -> bool {
        let end = self.backfill.clock() + self.plan.limits.batch_delay;
        loop {
            let left = end - self.backfill.clock();
            if left <= 0.0 {
                return true;
            }
            if self.plan.interruption.is_asked() {
                return false;
            }
            self.backfill.pause(left.min(LONGEST_PAUSE));
        }
    }

    fn reason_to_stop(&self) -> Option<EndReason> {
        if self.plan.interruption.is_asked() {
            return Some(EndReason::Interrupted);
        }
        let elapsed = self
            .begin
            .map_or(self.elapsed_before, |begin| self.backfill.clock() - begin);
        (elapsed >= self.plan.limits.max_seconds).then_some(EndReason::MaxDuration)
    }

    fn record(&mut self, segment: u32, index: u64, elapsed: f64, measured: MeasuredBatch) {
        let warm_up = !self.plan.design.is_whole_walk() && index < self.plan.design.warm_up_batches;
        self.observations.push(Observation {
            run: self.plan.run,
            segment,
            rows: measured.rows,
            seconds: measured.seconds,
            waited_seconds: measured.waited_seconds,
            wal_bytes: measured.wal_bytes,
            full_page_images: None,
            position: measured.position.clamp(0.0, 1.0),
            elapsed,
            warm_up,
        });
        let planned = if self.plan.design.is_whole_walk() {
            self.backfill.total_batches()
        } else {
            self.plan
                .design
                .segments
                .iter()
                .map(|segment| segment.batches as f64)
                .sum()
        };
        self.scribe.batch_done(self.observations, planned);
    }

    /// Records the full-page images of the last batch, which the server publishes only after the commit.
    fn settle_full_page_images(&mut self, before: Option<u64>, after: Option<u64>) {
        if let (Some(before), Some(after), Some(last)) = (before, after, self.observations.last_mut()) {
            last.full_page_images = Some(after.saturating_sub(before));
        }
    }
}

/// Turns an error caused by the person's interrupt into `None`: an interrupt ends the replay and is not a failure.
fn unless_interrupted<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(None),
        outcome => outcome.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::batches::simulated::{SimulatedDatabase, SimulatedScenario};

    struct Patient;

    impl Scribe for Patient {
        fn batch_done(&mut self, _observations: &[Observation], _planned_batches: f64) {}

        fn is_enough(&mut self, _observations: &[Observation], _checkpoints: u64) -> bool {
            false
        }
    }

    fn replayed(max_seconds: f64) -> (EndReason, Vec<Observation>) {
        let mut database = SimulatedDatabase::new(SimulatedScenario::Stationary, 10_000, 4);
        let design = SegmentDesign::new(10_000.0, 2400, 4);
        let plan = ReplayPlan {
            design: &design,
            limits: ReplayLimits {
                batch_delay: 0.0,
                max_seconds,
            },
            run: 0,
            first_place: 0,
            interruption: Interruption::default(),
        };
        let mut observations = Vec::new();
        let reason = replay(&mut database, &plan, &mut observations, &mut Patient);
        (reason.expect("a simulated database does not fail"), observations)
    }

    #[test]
    fn too_little_time_shortens_the_segments_and_keeps_the_places() {
        let (reason, all) = replayed(f64::INFINITY);
        assert_eq!((reason, all.len()), (EndReason::Fraction, 2400));
        let seconds = all.last().map_or(0.0, |last| last.elapsed);
        let (reason, fewer) = replayed(seconds / 2.0);
        assert_eq!(reason, EndReason::MaxDuration);
        assert!((600..1500).contains(&fewer.len()), "{} batches", fewer.len());
        let places = fewer.chunk_by(|one, other| one.segment == other.segment).count();
        assert!(places >= 22, "{places} places");
    }
}
