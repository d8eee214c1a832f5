//! Rehearses with a person's own tool: runs its command against the clone and writes down the statements that were seen.
//!
//! The tool decides what is sent and when; a second connection looks on. What is written down is sampled and says so.

use super::activity::{Activity, ActivityWatch};
use super::exec_saves::{self, SavesMeanwhile};
use super::foreign_command::{CommandEnd, run_command};
use super::journal::Journal;
use super::relations::RelationNames;
use super::seen_statements::SeenStatement;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{self, LockMode, StepKind};
use crate::observation::{EndReason, Ending, LockRecord, Observation, Rehearsal, StepRecord};
use crate::server::{Staging, server_error};
use crate::shown::without_secrets;
use crate::units::Seconds;

/// Queries that take less are look-ups of the tool's own.
const SHORT_LOOKUP_SECONDS: f64 = 0.1;

/// What was seen while the command ran, summed up for the person.
pub struct CommandSeen {
    /// How long the command took, in seconds.
    pub seconds: f64,
    /// How much of that the statements written down took, in seconds.
    pub statement_seconds: f64,
    /// Statements that only steer the session and short look-ups, which are not written down.
    pub left_out: usize,
    /// How long those took, in seconds.
    pub left_out_seconds: f64,
}

/// Runs `command`, shown as the rehearsal's migration, against `clone` and appends the statements that were seen to `rehearsal`, saving it.
///
/// # Errors
/// `MigrationFailed` with what the command said last, when it fails; `Connection` when the clone cannot be watched;
/// `TooLittleEvidence` when no statement was seen. What was seen until then is in `rehearsal`, which also says how it ended.
pub fn observe(
    command: &str,
    clone: &mut Staging,
    rehearsal: &mut Rehearsal,
    journal: &mut Journal,
) -> Result<CommandSeen> {
    journal.begin(rehearsal)?;
    let lost = |error: postgres::Error| server_error(&error, ErrorKind::Connection).in_context("watching the command");
    let watch = ActivityWatch::start(clone.second_connection()?).map_err(lost)?;
    let version_num = rehearsal.server.version_num;
    let ended = {
        let mut saves = SavesMeanwhile::new(&watch, rehearsal, journal);
        run_command(command, clone.parameters(), version_num, &mut || saves.save_if_due())
    };
    let (activity, watched) = {
        // Should the network stand still, the watch is cut off together with the session.
        let _answer = clone.line().await_answer(clone.longest_silence());
        watch.end()
    };
    let seconds = ended.as_ref().map_or(0.0, |end| end.seconds);
    let seen = record(&activity, seconds, rehearsal);
    let end = match watched.map_err(|error| broken_off(error.map(lost))).and(ended) {
        Ok(end) => end,
        Err(error) => {
            exec_saves::mark_unfinished(&activity, rehearsal);
            rehearsal.ended = Some(without_end(&error));
            journal.try_save(rehearsal);
            return Err(error);
        }
    };
    if end.interrupted || !end.status.success() {
        mark_unfinished(rehearsal);
    }
    let outcome = judge(&end, rehearsal);
    rehearsal.ended = Some(ending(&end, &outcome));
    journal.try_save(rehearsal);
    outcome.map(|()| seen)
}

fn broken_off(why: Option<Error>) -> Error {
    why.unwrap_or_else(|| Error::new(ErrorKind::Connection, "the watch over the command broke off"))
}

/// Returns how it ended where the command's own end is not known, or there was none.
fn without_end(error: &Error) -> Ending {
    let reason = match error.kind() {
        ErrorKind::Connection => EndReason::ConnectionLost,
        _ => EndReason::Failed,
    };
    Ending {
        reason,
        message: error.message().to_string(),
    }
}

/// Whether the last statement came to its end, and what would have followed it, nobody knows: its time is no whole time.
fn mark_unfinished(rehearsal: &mut Rehearsal) {
    if let Some(last) = rehearsal.steps.last_mut() {
        last.complete = false;
    }
}

fn judge(end: &CommandEnd, rehearsal: &Rehearsal) -> Result<()> {
    let command = &rehearsal.migration;
    if !end.interrupted && !end.status.success() {
        let how = match end.status.code() {
            Some(code) => format!("with exit code {code}"),
            None => "by a signal".to_string(),
        };
        let error = Error::new(ErrorKind::MigrationFailed, format!("`{command}` ended {how}"));
        return Err(match end.last_lines.as_slice() {
            [] => error.with_hint("it said nothing"),
            lines => error.with_excerpt(lines.join("\n")),
        });
    }
    if !end.interrupted && rehearsal.steps.is_empty() {
        return Err(
            Error::new(ErrorKind::TooLittleEvidence, format!("no statement of `{command}` was seen on the clone")).with_hint(
                "it finds the clone by DATABASE_URL or libpq's PG* variables: does it read another configuration, or was there nothing \
                 to migrate?",
            ),
        );
    }
    Ok(())
}

fn ending(end: &CommandEnd, outcome: &Result<()>) -> Ending {
    let reason = match outcome {
        _ if end.interrupted => EndReason::Interrupted,
        Ok(()) => EndReason::Complete,
        Err(_) => EndReason::Failed,
    };
    let message = match outcome {
        Err(error) => error.message().to_string(),
        Ok(()) => reason.sentence().to_string(),
    };
    Ending { reason, message }
}

/// Writes the statements down, each text once, in the order in which they were first seen.
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
            // All that ran when the command was told to end were cut off, not only the last.
            complete: !runs.iter().any(|run| activity.seen.is_cut_off(run)),
            ..step(number, text, runs, before, after, activity.seen.longest_gap)
        });
    }
    attribute_rewrites(&mut steps, before, after);
    rehearsal.steps = steps;
    told
}

fn is_steering(statement: &SeenStatement) -> bool {
    let only_reads = statement.locks.keys().all(|(_, mode)| mode == "AccessShareLock");
    let is_short_lookup = only_reads && statement.end - statement.begin < SHORT_LOOKUP_SECONDS;
    // `COMMIT` among them, whose time is told apart.
    migration::steers_its_session(&statement.sql) || (is_short_lookup && migration::looks_up(&statement.sql))
}

fn step(
    number: u32,
    text: &str,
    runs: &[&SeenStatement],
    before: &RelationNames,
    after: &RelationNames,
    gap: f64,
) -> StepRecord {
    let (kind, table) = classify(text);
    let locks = locks(runs, before, after, gap);
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
        "seen from a second connection in looks up to {gap} apart; locks and WAL are sampled, rows and scans are not known"
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

/// Returns the kind of work and the table it mainly is on, as far as the text tells.
fn classify(text: &str) -> (StepKind, Option<String>) {
    let parsed = migration::parse(text, "the statement");
    let steps = parsed.and_then(|statements| migration::steps(&statements, &Default::default(), &Default::default()));
    match steps.as_deref() {
        Ok([step]) => (step.kind, step.table.clone()),
        _ => (StepKind::Unclassified, None),
    }
}

fn locks(runs: &[&SeenStatement], before: &RelationNames, after: &RelationNames, gap: f64) -> Vec<LockRecord> {
    let mut locks: Vec<LockRecord> = Vec::new();
    for (lock, seconds) in runs.iter().flat_map(|run| &run.locks) {
        for mut record in before.name_locks(after, [lock.clone()]) {
            record.held_seconds = Some(*seconds);
            record.sampled_every_seconds = Some(gap);
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

/// Gives each rewritten relation to the longest statement that held the lock which a rewrite needs on its table; one that
/// changes rows only holds that of a statement before it in its transaction.
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
