//! A duet: two backfills take turns, segment by segment at the same places, so that a drift in the machine's speed
//! favours neither.
//!
//! Each runs on its own copy of one database. Which of the two begins a pair is random. The measurements become the
//! observations of two rehearsals; whether they differ is not decided here.

use std::rc::Rc;

use super::batches::backfill::Backfill;
use super::batches::segments::{Range, Segment, spread};
use super::batches::step::describe_walk;
use super::batches::table_backfill::{PlannedWalk, TableBackfill};
use super::batches::walk_plan::WalkPlan;
use super::batches::walk_survey::survey;
use super::batches::window_queue::SecondSession;
use super::conditions::Conditions;
use super::monitor::RehearsalMonitor;
use super::observer::Observer;
use super::rehearse::{Workplace, rehearse};
use super::saving::journal::Journal;
use super::session_queries::prepare_session;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{Batching, Step, StepKind};
use crate::observation::{EndReason, Ending, Observation, Rehearsal, SHORTEST_SEGMENT, StepRecord, WARM_UP_BATCHES};
use crate::server::{Interruption, Staging};
use crate::stats::random::{generator, uniform};

/// Pairs of segments; with 20 the interval of their mean is about 2.1 standard errors on each side.
pub const PAIRS: u32 = 20;
/// Fewest batches in a segment.
const FEWEST_BATCHES: u64 = 6;
/// Largest share of the walk that is replayed, so that segments do not overlap.
const LARGEST_SHARE: f64 = 0.75;

/// One of the two backfills.
pub struct Voice<'a> {
    /// The copy it runs on.
    pub clone: &'a mut Staging,
    /// All steps of its migration.
    pub steps: &'a [Step],
    /// Where its observations go.
    pub rehearsal: &'a mut Rehearsal,
}

/// Receives the progress of a duet.
struct Unwatched;

impl RehearsalMonitor for Unwatched {}

/// Returns the index of the backfill that two migrations with these steps can run in turns: the only batched step, if
/// all other steps only change the catalog. `None` if whole runs must be compared instead.
pub fn backfill_of(steps: &[Step]) -> Option<usize> {
    let index = steps.iter().position(|step| step.batching.is_some())?;
    let others = steps.iter().enumerate().filter(|(other, _)| *other != index);
    others
        .into_iter()
        .all(|(_, step)| step.batching.is_none() && step.kind == StepKind::CatalogOnly)
        .then_some(index)
}

/// Runs both backfills in turns, after the steps before them; later steps are left out.
///
/// Returns whether the duet came to its end; `false` means that the person interrupted it.
///
/// # Errors
/// `MigrationFailed` when a statement fails, `Connection` when the connection is lost, `TooLittleEvidence` when there
/// is nothing to process or the walk is too short for [`PAIRS`] segments.
pub fn play(
    mut base: Voice,
    mut new: Voice,
    conditions: &Conditions,
    monitor: &mut dyn RehearsalMonitor,
) -> Result<bool> {
    let base_walk = prepare(&mut base, conditions)?;
    let new_walk = prepare(&mut new, conditions)?;
    let turns = Turns {
        seed: conditions.seed,
        batch_delay: conditions.batch_delay,
        interruption: base.clone.parameters().interruption().clone(),
    };
    let version_num = base.rehearsal.server.version_num;
    let (base_observer, new_observer) = (observer(&mut base, conditions)?, observer(&mut new, conditions)?);
    let mut bases = TableBackfill::new(base.clone, &base_observer, version_num, base_walk.planned());
    let mut news = TableBackfill::new(new.clone, &new_observer, version_num, new_walk.planned());
    let mut observations = (Vec::new(), Vec::new());
    let played = in_turns((&mut bases, &mut news), &turns, &mut observations, monitor);
    for (rehearsal, observations) in [(base.rehearsal, observations.0), (new.rehearsal, observations.1)] {
        if let Some(step) = rehearsal.steps.last_mut() {
            step.observations = observations;
        }
        let reason = match played {
            Ok(true) => EndReason::Fraction,
            Ok(false) => EndReason::Interrupted,
            Err(_) => EndReason::Failed,
        };
        rehearsal.ended = Some(Ending {
            reason,
            message: reason.sentence().to_string(),
        });
    }
    played
}

/// The walk of one of the two backfills.
struct Walk<'a> {
    batching: &'a Batching,
    plan: WalkPlan,
}

impl Walk<'_> {
    fn planned(&self) -> PlannedWalk<'_> {
        PlannedWalk {
            batching: self.batching,
            plan: &self.plan,
            // Nothing may run beside one of the two.
            second_session: SecondSession::MaySeeOther,
            log: Rc::default(),
        }
    }
}

/// Runs the steps before the backfill and plans its walk.
fn prepare<'a>(voice: &mut Voice<'a>, conditions: &Conditions) -> Result<Walk<'a>> {
    let steps: &'a [Step] = voice.steps;
    let no_backfill = || Error::new(ErrorKind::Usage, "there is no backfill to play in turns");
    let index = backfill_of(steps).ok_or_else(no_backfill)?;
    let batching = steps[index].batching.as_ref().ok_or_else(no_backfill)?;
    let mut nowhere = Journal::new(None);
    let workplace = Workplace {
        clone: voice.clone,
        conditions,
        rehearsal: voice.rehearsal,
        journal: &mut nowhere,
        monitor: &mut Unwatched,
    };
    rehearse(workplace, &steps[..index], 0)?;
    let plan = survey(voice.clone, batching, conditions)?;
    let mut record = StepRecord::new(&steps[index]);
    describe_walk(&mut record, batching, &plan, conditions.batch_delay);
    voice.rehearsal.steps.push(record);
    Ok(Walk { batching, plan })
}

fn observer(voice: &mut Voice, conditions: &Conditions) -> Result<Observer> {
    let worker = prepare_session(voice.clone.client(), conditions.lock_timeout)?;
    let version_num = voice.rehearsal.server.version_num;
    Observer::start(voice.clone, version_num, worker)
}

/// How both are played.
struct Turns {
    /// Of the places, and of who comes first.
    seed: u64,
    /// Pause between two batches, in seconds.
    batch_delay: f64,
    /// What ends it early.
    interruption: Interruption,
}

/// Replays [`PAIRS`] pairs of segments in random order within each pair; returns whether it came to its end.
fn in_turns(
    backfills: (&mut dyn Backfill, &mut dyn Backfill),
    turns: &Turns,
    observations: &mut (Vec<Observation>, Vec<Observation>),
    monitor: &mut dyn RehearsalMonitor,
) -> Result<bool> {
    let (base_total, new_total) = (backfills.0.total_batches(), backfills.1.total_batches());
    let segments = places(base_total, new_total, turns.seed)?;
    let mut players = [
        Player::new(backfills.0, base_total, turns.batch_delay, &mut observations.0),
        Player::new(backfills.1, new_total, turns.batch_delay, &mut observations.1),
    ];
    let mut generator = generator(turns.seed);
    for segment in segments {
        let first = usize::from(uniform(&mut generator) < 0.5);
        for player in [first, 1 - first] {
            let share = segment.batches as f64 / base_total;
            if !players[player].segment(&segment, share, &turns.interruption)? {
                // Half a pair cannot be compared.
                for player in &mut players {
                    player.forget(segment.number);
                }
                return Ok(false);
            }
        }
        monitor.pair_done(segment.number + 1);
    }
    Ok(true)
}

/// Places the segments by the number of batches of BASE.
fn places(base_total: f64, new_total: f64, seed: u64) -> Result<Vec<Segment>> {
    let fitting = |total: f64| (LARGEST_SHARE * total / f64::from(PAIRS)).floor() as u64;
    let batches = fitting(base_total).min(SHORTEST_SEGMENT as u64);
    if batches < FEWEST_BATCHES || fitting(new_total) < FEWEST_BATCHES {
        let fewest = base_total.min(new_total);
        return Err(Error::new(
            ErrorKind::TooLittleEvidence,
            format!("a walk of {fewest:.0} batches is too short for {PAIRS} segments"),
        )
        .with_hint("compare whole runs with --runs 5, or use smaller batches"));
    }
    let all = Range {
        first: 0.0,
        end: base_total,
    };
    Ok(spread(all, u64::from(PAIRS), batches, seed))
}

/// One backfill of a duet with its clock.
struct Player<'a> {
    backfill: &'a mut dyn Backfill,
    total_batches: f64,
    batch_delay: f64,
    observations: &'a mut Vec<Observation>,
    begin: f64,
}

impl<'a> Player<'a> {
    fn new(
        backfill: &'a mut dyn Backfill,
        total_batches: f64,
        batch_delay: f64,
        observations: &'a mut Vec<Observation>,
    ) -> Player<'a> {
        let begin = backfill.clock();
        Player {
            backfill,
            total_batches,
            batch_delay,
            observations,
            begin,
        }
    }

    /// Replays the segment, which is `share` of the walk; returns whether it ran to the segment's end.
    fn segment(&mut self, segment: &Segment, share: f64, interruption: &Interruption) -> Result<bool> {
        let batches = ((share * self.total_batches).round() as u64).max(FEWEST_BATCHES);
        self.backfill.seek(segment.position, batches)?;
        for done in 0..batches {
            if interruption.is_asked() {
                return Ok(false);
            }
            if done > 0 && self.batch_delay > 0.0 {
                self.backfill.pause(self.batch_delay);
            }
            let Some(measured) = self.backfill.run_next()? else {
                break;
            };
            self.observations.push(Observation {
                segment: segment.number,
                rows: measured.rows,
                seconds: measured.seconds,
                wal_bytes: measured.wal_bytes,
                position: measured.position.clamp(0.0, 1.0),
                elapsed: self.backfill.clock() - self.begin,
                // Of a short segment a third.
                warm_up: done < (WARM_UP_BATCHES as u64).min(batches / 3),
                ..Observation::default()
            });
        }
        Ok(true)
    }

    fn forget(&mut self, segment: u32) {
        self.observations.retain(|observation| observation.segment != segment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::batches::simulated::{SimulatedDatabase, SimulatedScenario};

    struct Until(u32, Interruption);

    impl RehearsalMonitor for Until {
        fn pair_done(&mut self, pairs: u32) {
            if pairs >= self.0 {
                self.1.ask();
            }
        }
    }

    fn played(base: usize, new: usize, until: u32) -> (Result<bool>, Vec<Observation>, Vec<Observation>) {
        let mut base = SimulatedDatabase::new(SimulatedScenario::Stationary, base, 4);
        let mut new = SimulatedDatabase::new(SimulatedScenario::Stationary, new, 4);
        let mut observations = (Vec::new(), Vec::new());
        let turns = Turns {
            seed: 7,
            batch_delay: 0.0,
            interruption: Interruption::new(),
        };
        let mut monitor = Until(until, turns.interruption.clone());
        let ended = in_turns((&mut base, &mut new), &turns, &mut observations, &mut monitor);
        (ended, observations.0, observations.1)
    }

    #[test]
    fn both_play_the_same_places() {
        let (ended, base, new) = played(4000, 4000, 99);
        assert!(ended.expect("no failure"));
        assert_eq!((base.len(), new.len()), (500, 500));
        assert!(base.iter().zip(&new).all(|(base, new)| base.position == new.position));
        assert_eq!(base.iter().filter(|batch| !batch.warm_up).count(), 20 * 22);
    }

    #[test]
    fn smaller_batches_are_more_of_them() {
        let (_, base, new) = played(1000, 2000, 99);
        assert_eq!((base.len(), new.len()), (500, 1000));
    }

    #[test]
    fn an_interrupt_leaves_whole_pairs() {
        let (ended, base, new) = played(4000, 4000, 7);
        assert!(!ended.expect("no failure"));
        assert_eq!((base.len(), new.len()), (7 * 25, 7 * 25));
    }

    #[test]
    fn a_short_walk_is_refused() {
        let (ended, ..) = played(150, 4000, 99);
        assert_eq!(ended.expect_err("too short").kind(), ErrorKind::TooLittleEvidence);
    }
}
