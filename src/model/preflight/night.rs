//! What is judged: the migration's work, what is known of production, and from where on something is too much.

use super::evidence::{Backup, Rehearsed};
use super::rules::PreflightRules;
use crate::catalog::facts::{ServerFacts, TableFacts};
use crate::catalog::server_state::{ServerState, TimeOut};
use crate::migration::{LockMode, PlannedStatement, StepKind, timeout_set, waits_for_snapshots};
use crate::model::estimate::{Estimate, Prediction, StepEstimate, interval_at};
use crate::model::planned::Times;
use crate::shown::without_secrets;
use crate::units::{Date, Seconds};

/// Everything that is judged.
pub struct Night<'a> {
    /// The migration.
    pub work: Work,
    /// What is predicted for it by a rehearsal, if there was one.
    pub estimate: Option<&'a Estimate>,
    /// The server and the tables of that rehearsal, if it was found.
    pub rehearsed: Option<Rehearsed>,
    /// Production.
    pub server: &'a ServerFacts,
    /// The tables as production has them.
    pub tables: &'a [TableFacts],
    /// Why the tables could not be read, if somebody's lock was in the way.
    pub locked_out: Option<String>,
    /// What is going on there.
    pub state: &'a ServerState,
    /// What is known of backups.
    pub backup: Backup,
    /// The time allowed.
    pub window: Option<Seconds>,
    /// From where on something is too much.
    pub thresholds: Thresholds,
    /// What the team requires and waives.
    pub rules: &'a PreflightRules,
    /// The day.
    pub today: Date,
}

/// From where on something is too much.
#[derive(Clone, Copy, Debug)]
pub struct Thresholds {
    /// Age of a transaction.
    pub transaction: Seconds,
    /// Lag of a standby.
    pub lag: Seconds,
    /// Age of a backup.
    pub backup: Seconds,
    /// Days since the rehearsal.
    pub rehearsal_days: i64,
}

/// What a migration does, statement by statement.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// The statements that work, in order.
    pub statements: Vec<PlannedWork>,
    /// Number of them that were rehearsed, by their text.
    pub rehearsed: usize,
}

/// What one statement does.
#[derive(Clone, Debug, Default)]
pub struct PlannedWork {
    /// How it is called: `step 2`, or the beginning of its text.
    pub name: String,
    /// The strongest lock on each relation.
    pub locks: Vec<(String, LockMode)>,
    /// Whether it waits for every older snapshot of the database: the `CONCURRENTLY` forms.
    pub waits_for_snapshots: bool,
    /// How long the server works on it, or on one batch of it, if that can be told.
    pub seconds: Option<Prediction>,
    /// How long it is from its beginning to the COMMIT, if that can be told.
    pub until_commit: Option<Prediction>,
    /// The time-outs that the migration itself has set before it.
    pub own_timeouts: Vec<TimeOut>,
}

impl Work {
    /// Collects the work of planned statements with their times: those of a rehearsal, or else the rules of thumb in
    /// `times`.
    pub fn new(planned: &[PlannedStatement], times: &[Times], estimate: Option<&Estimate>) -> Work {
        let mut own_timeouts: Vec<TimeOut> = Vec::new();
        let mut statements = Vec::new();
        let mut rehearsed = 0;
        let mut steps = estimate.map_or(&[][..], |estimate| &estimate.steps).iter();
        for (planned, times) in planned.iter().zip(times) {
            if let Some((name, value)) = timeout_set(&planned.statement) {
                own_timeouts.retain(|known| known.name != name);
                own_timeouts.push(TimeOut {
                    name: name.to_string(),
                    value: Some(value.to_string()),
                    source: "the migration".to_string(),
                });
            }
            let Some(effects) = &planned.effects else { continue };
            let text = without_secrets(&planned.statement.sql);
            // What was not rehearsed does not move the place.
            let mut ahead = steps.clone();
            let step = ahead.find(|step| step.statement == text);
            if step.is_some() {
                rehearsed += 1;
                steps = ahead;
            }
            let level = estimate.map_or(0.95, |estimate| estimate.level);
            statements.push(PlannedWork {
                name: format!("step {}", statements.len() + 1),
                locks: effects.locks.clone(),
                waits_for_snapshots: waits_for_snapshots(&planned.statement),
                seconds: step.map_or(times.duration, |step| Some(of_statement(step, level))),
                until_commit: step.map_or(times.held, |step| Some(until_commit(step, level))),
                own_timeouts: own_timeouts.clone(),
            });
        }
        Work { statements, rehearsed }
    }

    /// Returns the relations that it locks, each once.
    pub fn relations(&self) -> Vec<String> {
        let mut names: Vec<String> = self.locks().map(|(name, _)| name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Returns the first statement that waits for every older snapshot of the database.
    pub(super) fn waiter(&self) -> Option<&PlannedWork> {
        self.statements.iter().find(|statement| statement.waits_for_snapshots)
    }

    /// Returns a lock of the migration that cannot be taken while `mode` on `relation` is held.
    pub(super) fn conflict(&self, relation: &str, mode: &str) -> Option<LockMode> {
        let held = LockMode::from_name(mode)?;
        let mine = self.locks().filter(|(name, _)| name == relation).map(|(_, mode)| *mode);
        mine.filter(|mode| mode.conflicts_with(held)).max()
    }

    fn locks(&self) -> impl Iterator<Item = &(String, LockMode)> {
        self.statements.iter().flat_map(|statement| &statement.locks)
    }
}

/// Returns how long one statement takes: of a backfill, its longest batch.
fn of_statement(step: &StepEstimate, level: f64) -> Prediction {
    let longest = step
        .locks
        .iter()
        .filter_map(|lock| lock.held_seconds)
        .fold(0.0, f64::max);
    if step.kind == StepKind::Backfill {
        return prediction(step, (longest, longest, longest), level);
    }
    let interval = interval_at(&step.intervals, level);
    prediction(
        step,
        (step.point_seconds, interval.lower_seconds, interval.upper_seconds),
        level,
    )
}

fn until_commit(step: &StepEstimate, level: f64) -> Prediction {
    match step.lock_hold {
        Some(hold) => prediction(
            step,
            (hold.point_seconds, hold.lower_seconds, hold.upper_seconds),
            level,
        ),
        None => of_statement(step, level),
    }
}

fn prediction(step: &StepEstimate, (point, lower, upper): (f64, f64, f64), level: f64) -> Prediction {
    Prediction {
        point_seconds: point,
        lower_seconds: lower,
        upper_seconds: upper,
        level,
        basis: step.basis,
    }
}
