//! Replays a backfill: its beginning in order, then place by place, until the evidence is enough or a limit is reached.
//!
//! Works on any [`Backfill`], real or simulated. Its [`Scribe`] decides what this file cannot know: whether the
//! estimate is precise enough.

use super::backfill::{Backfill, MeasuredBatch};
use super::segments::{Amount, Beginning, Decision, ReplayDesign, Segment, may_look_after};
use crate::error::{ErrorKind, Result};
use crate::observation::{EndReason, Observation, SHORTEST_SEGMENT};
use crate::server::Interruption;

/// Longest time between two checks for an interrupt, in seconds.
const LONGEST_PAUSE: f64 = 0.1;
/// Shortest time between two looks at whether a walk fits into its time limit, in seconds.
const BETWEEN_DECISIONS: f64 = 0.05;
/// Seconds after which it is told whether all batches are replayed; before that, caches may be cold.
const TOLD_AFTER: f64 = 2.0;
/// How far a walk that was expected to fit may exceed its time limit, as a factor.
const LONGEST_EXCESS: f64 = 1.2;

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

    /// Returns whether the observations so far are enough. Asked only after the places at which the stopping rule may
    /// look.
    fn is_enough(&mut self, observations: &[Observation], checkpoints: u64) -> bool;

    /// Called when it is known whether all batches are replayed, and when that turns out otherwise.
    fn decided(&mut self, _decision: &Decision) {}
}

/// What is to be replayed.
#[derive(Clone, Debug)]
pub struct ReplayPlan<'a> {
    /// How much of the walk is replayed, and where.
    pub design: &'a ReplayDesign,
    /// Its limits.
    pub limits: ReplayLimits,
    /// The repetition, from 0.
    pub run: u32,
    /// Number of the first place to be visited; the observations of those before are there. 0 is the beginning.
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
    let elapsed_before = observations.last().map_or(0.0, |last| last.elapsed);
    let mut replay = Replay {
        backfill,
        plan,
        begin: None,
        elapsed_before,
        observations,
        scribe,
        told: None,
        looked_at: 0.0,
        shortened: false,
    };
    let beginning = plan.design.beginning();
    if plan.first_place == 0 {
        match replay.visit(&beginning, f64::INFINITY)? {
            Visited::Ended(reason) => return Ok(reason),
            Visited::EndOfWalk => return Ok(EndReason::Complete),
            Visited::Left => {}
        }
    }
    replay.places(plan.first_place.max(1))
}

/// How a visit to a place ended.
enum Visited {
    /// The replay ends with it.
    Ended(EndReason),
    /// There are no more batches in the walk.
    EndOfWalk,
    /// The replay goes on at the next place.
    Left,
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
    /// Whether it was told that all batches are replayed, or not.
    told: Option<bool>,
    /// When it was last looked at whether the walk fits, in seconds since the first batch.
    looked_at: f64,
    /// Whether the time limit made a place shorter than designed.
    shortened: bool,
}

impl Replay<'_> {
    /// Visits the places after the beginning, from number `first` on.
    fn places(&mut self, first: usize) -> Result<EndReason> {
        let beginning = self.beginning();
        let seconds_left = self.plan.limits.max_seconds - beginning.seconds;
        let places = self.plan.design.places_after(beginning, seconds_left);
        let fair_share = seconds_left / places.len().max(1) as f64;
        for place in places.iter().skip(first - 1) {
            if let Visited::Ended(reason) = self.visit(place, fair_share)? {
                return Ok(reason);
            }
            let checkpoints = self.backfill.checkpoints();
            if may_look_after(place.number) && self.scribe.is_enough(self.observations, checkpoints) {
                return Ok(EndReason::Precision);
            }
        }
        let by_time = self.shortened || self.plan.design.amount == Amount::WhatFits;
        Ok(if by_time {
            EndReason::MaxDuration
        } else {
            EndReason::Fraction
        })
    }

    /// Returns how far the beginning of this run has come.
    fn beginning(&self) -> Beginning {
        let done = self.observations.iter().take_while(|one| one.segment == 0);
        Beginning {
            batches: done.clone().count() as u64,
            seconds: done.last().map_or(0.0, |last| last.elapsed),
        }
    }

    /// Goes to `place` and runs its batches, for about `fair_share` seconds: if the places do not all fit into the time
    /// limit, they get shorter, not fewer. Places matter more than batches.
    fn visit(&mut self, place: &Segment, fair_share: f64) -> Result<Visited> {
        self.backfill.reach(place);
        if unless_interrupted(self.backfill.seek(place.position, place.batches))?.is_none() {
            return Ok(Visited::Ended(EndReason::Interrupted));
        }
        let mut counter_before_last = None;
        let visited = self.batches_of(place, fair_share, &mut counter_before_last)?;
        if counter_before_last.is_some() {
            let counter = self.backfill.full_page_images();
            self.settle_full_page_images(counter_before_last, counter);
        }
        Ok(visited)
    }

    fn batches_of(&mut self, place: &Segment, fair_share: f64, counter: &mut Option<u64>) -> Result<Visited> {
        let is_beginning = place.number == 0;
        let mut done = if is_beginning {
            self.observations.len() as u64
        } else {
            0
        };
        let arrived = self.backfill.clock();
        while done < place.batches {
            if let Some(reason) = self.reason_to_stop() {
                return Ok(Visited::Ended(reason));
            }
            let seconds = self.backfill.clock() - arrived;
            if !is_beginning && done >= SHORTEST_SEGMENT as u64 && seconds > fair_share {
                self.shortened = true;
                break;
            }
            if is_beginning && self.leaves_the_beginning(done) {
                break;
            }
            if self.begin.is_some() && !self.pause() {
                return Ok(Visited::Ended(EndReason::Interrupted));
            }
            let begin = *self
                .begin
                .get_or_insert_with(|| self.backfill.clock() - self.elapsed_before);
            let Some(measured) = unless_interrupted(self.backfill.run_next())? else {
                return Ok(Visited::Ended(EndReason::Interrupted));
            };
            let Some(measured) = measured else {
                return Ok(Visited::EndOfWalk);
            };
            self.settle_full_page_images(*counter, measured.full_page_images_before);
            *counter = measured.full_page_images_before;
            let elapsed = self.backfill.clock() - begin;
            let warm_up = !is_beginning && done < self.plan.design.warm_up_batches();
            self.record(place.number, elapsed, warm_up, measured);
            done += 1;
        }
        Ok(Visited::Left)
    }

    /// Returns whether the beginning ends after `batches` batches because the walk does not fit; tells the scribe.
    fn leaves_the_beginning(&mut self, batches: u64) -> bool {
        let seconds = self.elapsed();
        let max_seconds = self.plan.limits.max_seconds;
        if seconds < self.looked_at + BETWEEN_DECISIONS {
            return false;
        }
        self.looked_at = seconds;
        let so_far = Beginning { batches, seconds };
        let Some(decision) = self.plan.design.decide(so_far, max_seconds) else {
            return false;
        };
        let leaves = self.plan.design.leaves_the_beginning(so_far, max_seconds);
        let is_due = match self.told {
            None => leaves || seconds >= TOLD_AFTER.min(0.1 * max_seconds),
            // As long as the beginning goes on anyway, nothing has changed.
            Some(told) => leaves && told,
        };
        if is_due {
            self.told = Some(decision.whole);
            self.scribe.decided(&decision);
        }
        leaves
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

    /// Returns the seconds since the first batch, with those before the replay was continued.
    fn elapsed(&self) -> f64 {
        self.begin
            .map_or(self.elapsed_before, |begin| self.backfill.clock() - begin)
    }

    fn reason_to_stop(&self) -> Option<EndReason> {
        if self.plan.interruption.is_asked() {
            return Some(EndReason::Interrupted);
        }
        let excess = if self.told == Some(true) { LONGEST_EXCESS } else { 1.0 };
        (self.elapsed() >= excess * self.plan.limits.max_seconds).then_some(EndReason::MaxDuration)
    }

    fn record(&mut self, segment: u32, elapsed: f64, warm_up: bool, measured: MeasuredBatch) {
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
        let so_far = Beginning {
            batches: self.observations.len() as u64,
            seconds: elapsed,
        };
        let planned = self.plan.design.planned_batches(so_far, self.plan.limits.max_seconds);
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

    #[derive(Default)]
    struct Listener {
        decisions: Vec<Decision>,
    }

    impl Scribe for Listener {
        fn batch_done(&mut self, _observations: &[Observation], _planned_batches: f64) {}

        fn is_enough(&mut self, _observations: &[Observation], _checkpoints: u64) -> bool {
            false
        }

        fn decided(&mut self, decision: &Decision) {
            self.decisions.push(*decision);
        }
    }

    fn replayed(amount: Amount, max_seconds: f64) -> (EndReason, Vec<Observation>, Vec<Decision>) {
        let mut database = SimulatedDatabase::new(SimulatedScenario::Stationary, 10_000, 4);
        let design = ReplayDesign::new(amount, 10_000.0, 4);
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
        let mut listener = Listener::default();
        let reason = replay(&mut database, &plan, &mut observations, &mut listener);
        let reason = reason.expect("a simulated database does not fail");
        (reason, observations, listener.decisions)
    }

    fn seconds(observations: &[Observation]) -> f64 {
        observations.last().map_or(0.0, |last| last.elapsed)
    }

    fn places(observations: &[Observation]) -> usize {
        observations.chunk_by(|one, other| one.segment == other.segment).count()
    }

    #[test]
    fn too_little_time_shortens_the_places_and_keeps_them() {
        let (reason, all, _) = replayed(Amount::Batches(2400), f64::INFINITY);
        assert_eq!((reason, places(&all)), (EndReason::Fraction, 25));
        assert!((2376..=2400).contains(&all.len()), "{}", all.len());
        let (reason, fewer, _) = replayed(Amount::Batches(2400), 0.6 * seconds(&all));
        assert_eq!((reason, places(&fewer)), (EndReason::MaxDuration, 25));
        assert!((1300..1600).contains(&fewer.len()), "{} batches", fewer.len());
    }

    #[test]
    fn a_walk_that_fits_is_replayed_whole_and_that_is_told() {
        let (reason, all, decisions) = replayed(Amount::WhatFits, 1e9);
        assert_eq!((reason, all.len(), places(&all)), (EndReason::Complete, 10_000, 1));
        assert!(all.iter().all(|one| !one.warm_up));
        assert!(decisions.len() == 1 && decisions[0].whole, "{decisions:?}");
    }

    #[test]
    fn a_walk_that_does_not_fit_begins_in_order_and_visits_places_in_the_rest() {
        let (_, all, _) = replayed(Amount::WhatFits, f64::INFINITY);
        let limit = 0.4 * seconds(&all);
        let (reason, part, decisions) = replayed(Amount::WhatFits, limit);
        assert_eq!((reason, places(&part)), (EndReason::MaxDuration, 25));
        assert!((0.9 * limit..1.1 * limit).contains(&seconds(&part)));
        assert!(decisions.len() == 1 && !decisions[0].whole, "{decisions:?}");
        let beginning: Vec<&Observation> = part.iter().take_while(|one| one.segment == 0).collect();
        assert!((1200..2200).contains(&beginning.len()), "{}", beginning.len());
        let end = beginning.last().map_or(0.0, |last| last.position);
        assert!(part[beginning.len()..].iter().all(|one| one.position > end));
    }
}
