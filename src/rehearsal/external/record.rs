//! Records the statements that were seen while a person's command ran.

use super::activity::Activity;
use super::seen_statements::SeenStatement;
use crate::migration::{self, LockMode, StepKind};
use crate::observation::{LockRecord, Observation, Rehearsal, StepRecord};
use crate::rehearsal::statements::relations::RelationNames;
use crate::shown::without_secrets;
use crate::units::Seconds;

/// Queries that take less time, in seconds, count as the tool's own look-ups.
const SHORT_LOOKUP_SECONDS: f64 = 0.1;

/// What was seen while the command ran, summed up for the person.
pub struct CommandSeen {
    /// How long the command took, in seconds.
    pub seconds: f64,
    /// How many of those seconds the recorded statements took.
    pub statement_seconds: f64,
    /// Number of statements that are not recorded: session control and short look-ups.
    pub left_out: usize,
    /// How long the statements left out took, in seconds.
    pub left_out_seconds: f64,
}

/// Records the statements, each text once, in the order in which they were first seen.
pub(super) fn record(activity: &Activity, seconds: f64, rehearsal: &mut Rehearsal) -> CommandSeen {
    let mut told = CommandSeen {
        seconds,
        statement_seconds: 0.0,
        left_out: 0,
        left_out_seconds: 0.0,
    };
    let mut texts: Vec<(&str, Vec<&SeenStatement>)> = Vec::new();
    for statement in &activity.seen.statements {
        let lasted = statement.end - statement.begin;
        if is_steering(statement) {
            told.left_out += 1;
            told.left_out_seconds += lasted;
            continue;
        }
        told.statement_seconds += lasted;
        match texts.iter_mut().find(|(text, _)| *text == statement.sql) {
            Some((_, runs)) => runs.push(statement),
            None => texts.push((&statement.sql, vec![statement])),
        }
    }
    let (before, after) = &activity.relations;
    let mut steps: Vec<StepRecord> = Vec::new();
    for (text, runs) in &texts {
        let number = steps.len() as u32 + 1;
        steps.push(StepRecord {
            // All statements that ran when the command was told to end were cut off, not only the last.
            complete: !runs.iter().any(|run| activity.seen.is_cut_off(run)),
            ..step(number, text, runs, activity)
        });
    }
    attribute_rewrites(&mut steps, before, after);
    rehearsal.steps = steps;
    told
}

fn is_steering(statement: &SeenStatement) -> bool {
    let only_reads = statement.locks.keys().all(|(_, mode)| mode == "AccessShareLock");
    let is_short_lookup = only_reads && statement.end - statement.begin < SHORT_LOOKUP_SECONDS;
    // `COMMIT` is one of them: its time is reported separately.
    migration::steers_its_session(&statement.sql) || (is_short_lookup && migration::looks_up(&statement.sql))
}

fn step(number: u32, text: &str, runs: &[&SeenStatement], activity: &Activity) -> StepRecord {
    let gap = activity.seen.longest_gap;
    let (kind, table) = classify(text);
    let locks = locks(runs, activity);
    let named = table.as_ref().and_then(|table| {
        let suffix = format!(".{table}");
        locks.iter().find(|lock| lock.relation.ends_with(&suffix))
    });
    let table = named.map(|lock| lock.relation.clone()).or(table);
    let begin = runs.iter().map(|run| run.begin).fold(f64::INFINITY, f64::min);
    let end = runs.iter().map(|run| run.end).fold(begin, f64::max);
    let wal_bytes = runs.iter().map(|run| run.wal_bytes).sum();
    StepRecord {
        number,
        kind,
        statement: without_secrets(text),
        table,
        locks,
        wal_bytes: Some(wal_bytes),
        complete: true,
        notes: notes(runs, gap),
        observations: vec![Observation {
            seconds: runs.iter().map(|run| run.end - run.begin).sum(),
            wal_bytes: Some(wal_bytes),
            elapsed: end - begin,
            ..Observation::default()
        }],
        ..StepRecord::default()
    }
}

fn notes(runs: &[&SeenStatement], gap: f64) -> Vec<String> {
    let gap = Seconds(gap);
    let mut notes = vec![format!(
        "seen from a second connection in looks up to {gap} apart; locks and WAL are sampled, rows and scans are not \
         known"
    )];
    if runs.len() > 1 {
        notes.push(format!("seen {} times; the duration is that of all", runs.len()));
    }
    let inexact = runs.iter().filter(|run| !run.end_is_exact).count();
    if inexact > 0 {
        notes.push(format!(
            "the end of {inexact} of {} was not seen: up to {gap} longer each",
            runs.len()
        ));
    }
    notes
}

/// Returns the kind of work and the main table, as far as the text shows.
fn classify(text: &str) -> (StepKind, Option<String>) {
    let parsed = migration::parse(text, "the statement");
    let steps = parsed.and_then(|statements| migration::steps(&statements, &Default::default(), &Default::default()));
    match steps.as_deref() {
        Ok([step]) => (step.kind, step.table.clone()),
        _ => (StepKind::Unclassified, None),
    }
}

fn locks(runs: &[&SeenStatement], activity: &Activity) -> Vec<LockRecord> {
    let (before, after) = &activity.relations;
    let mut locks: Vec<LockRecord> = Vec::new();
    for (lock, seconds) in runs.iter().flat_map(|run| &run.locks) {
        for mut record in before.name_locks(after, [lock.clone()]) {
            record.held_seconds = Some(*seconds);
            record.sampled_every_seconds = Some(activity.seen.longest_gap);
            let same = |other: &&mut LockRecord| (&other.relation, other.mode) == (&record.relation, record.mode);
            match locks.iter_mut().find(same) {
                Some(other) if other.held_seconds < record.held_seconds => *other = record,
                Some(_) => {}
                None => locks.push(record),
            }
        }
    }
    locks.sort_by(|one, other| (&one.relation, one.mode).cmp(&(&other.relation, other.mode)));
    locks
}

/// Attributes each rewritten relation to the longest statement that held the lock a rewrite needs on its table. A
/// statement that only changes rows may hold that lock too, but only because an earlier one in its transaction took it.
fn attribute_rewrites(steps: &mut [StepRecord], before: &RelationNames, after: &RelationNames) {
    for relation in before.rewritten_since(after) {
        let table = before.table_of(&relation);
        let could = |step: &&mut StepRecord| {
            let mut locks = step.locks.iter();
            let rewrites = !matches!(step.kind, StepKind::Dml | StepKind::Backfill);
            rewrites
                && locks.any(|lock| {
                    (lock.relation == relation || Some(&lock.relation) == table)
                        && lock.mode == LockMode::AccessExclusive
                })
        };
        let seconds = |step: &StepRecord| step.observations.iter().map(|run| run.seconds).sum::<f64>();
        let step = steps
            .iter_mut()
            .filter(could)
            .max_by(|one, other| seconds(one).total_cmp(&seconds(other)));
        if let Some(step) = step {
            step.rewritten.push(relation);
        }
    }
}
