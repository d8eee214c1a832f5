//! `migtime rehearse --resume`: resumes a rehearsal that was cut off, and writes the log that makes this possible.

use std::path::Path;

use super::arguments::RehearseArguments;
use super::job::{Job, growth, tell_unfinished};
use super::migration_file::{self, PlannedMigration};
use super::staging_area::StagingArea;
use super::watching::Watcher;
use super::{in_place, output, rollback};
use crate::error::{Error, ErrorKind, Result};
use crate::migration::Step;
use crate::observation::{EndReason, Ending, FORMAT_VERSION, Rehearsal, StepRecord};
use crate::rehearsal::resume::{self, Beginning, CutOff, RehearsalPlace, ResumeLog, go_on};
use crate::rehearsal::saving::journal::Journal;
use crate::rehearsal::{Conditions, Workplace};
use crate::server::{DatabaseIdentity, Staging};

/// The log file next to the rehearsal, which records how far it got.
pub const LOG: &str = resume::FILE;

/// Reads the rehearsal in `directory` that was cut off, if it is to be resumed.
///
/// # Errors
/// `Usage` when there is no such rehearsal, or its log cannot be read.
pub fn cut_off_in(directory: &Path, arguments: &RehearseArguments) -> Result<Option<CutOff>> {
    let log = arguments.resume.then(|| directory.join(LOG));
    log.map(|log| CutOff::read(&log)).transpose()
}

/// Returns whether it is resumed in the copy that the rehearsal left; if not, checks that the database itself may be
/// changed.
///
/// # Errors
/// `UnsafeTarget` when the person has not confirmed again that the database may be changed; `Connection`.
pub fn works_on_a_copy(staging: &mut Staging, arguments: &RehearseArguments, left: &RehearsalPlace) -> Result<bool> {
    if left.is_copy {
        return Ok(true);
    }
    left.database.check(staging)?;
    if !arguments.sandbox && !in_place::works_on_a_copy(staging, &arguments.in_place)? {
        return Ok(false);
    }
    let name = left.database.name();
    let message = format!("the rehearsal that was cut off changed {} itself", staging.parameters());
    Err(Error::new(ErrorKind::UnsafeTarget, message)
        .with_hint(format!("to go on in it: --disposable {}", in_place::shell_word(name))))
}

/// Reports how to resume if that is possible, and removes the log if it is not.
pub fn tell(staging_area: &StagingArea, journal: &Journal, outcome: &Result<Rehearsal>) {
    let log = journal.log();
    let is_lost = matches!(outcome, Err(error) if error.kind() == ErrorKind::Connection);
    if staging_area.works_on_copies() && !is_lost {
        // The copy has been dropped.
        log.remove();
    }
    if log.is_on() {
        output::print_note("hint: --resume goes on where it was cut off, while the clone stays as it is");
    }
}

/// A rehearsal that is about to run.
pub struct Begun<'a> {
    /// Its steps.
    pub planned: &'a PlannedMigration,
    /// On which conditions.
    pub conditions: &'a Conditions,
    /// What is known before the first step.
    pub rehearsal: &'a Rehearsal,
}

impl Job<'_> {
    /// Begins the log of a rehearsal that has `begun`.
    pub(super) fn begin_log(
        &self,
        log: &Path,
        staging_area: &StagingArea,
        begun: &Begun,
        clone: &mut Staging,
    ) -> Result<ResumeLog> {
        let planned = begun.planned;
        let beginning = Beginning {
            format_version: FORMAT_VERSION,
            place: RehearsalPlace {
                database: DatabaseIdentity::of(clone)?,
                is_copy: staging_area.works_on_copies(),
            },
            tables: planned.by_name.clone(),
            batching: migration_file::options(self.batching),
            conditions: begun.conditions.clone(),
            rehearsal: Rehearsal {
                steps: records(&planned.steps),
                ..begun.rehearsal.clone()
            },
        };
        Ok(ResumeLog::begin(log, beginning, output::print_note))
    }

    /// Resumes the rehearsal that was `cut_off` on `staging_area`.
    ///
    /// # Errors
    /// As [`go_on`]; `Usage` when the migration has changed.
    pub(super) fn go_on(
        &self,
        cut_off: &CutOff,
        staging_area: &StagingArea,
        journal: &mut Journal,
    ) -> Result<Rehearsal> {
        let beginning = &cut_off.beginning;
        // Done first, because a copy that is taken over is dropped at the end, whatever happens.
        let planned = self.migration.plan_for(&beginning.tables, &beginning.batching)?;
        refuse_other(
            &records(&planned.steps),
            &beginning.rehearsal.steps,
            &self.migration.name,
        )?;
        let site = staging_area.site()?;
        let clone = &mut site.connect()?;
        clone.wait_for_locks(self.conditions.lock_timeout);
        tell_unfinished(clone)?;
        self.production.prepare(clone)?;
        beginning.place.database.check(clone)?;
        let conditions = Conditions {
            growth: growth(&planned.tables, &self.production.tables),
            lock_timeout: self.conditions.lock_timeout,
            ..beginning.conditions.clone()
        };
        let mut rehearsal = cut_off.rehearsal.clone();
        journal.go_on_with(cut_off);
        if let Some(path) = &self.resumable.log {
            journal.keep_log(ResumeLog::go_on(path, cut_off, output::print_note));
        }
        let workplace = Workplace {
            clone,
            conditions: &conditions,
            rehearsal: &mut rehearsal,
            journal,
            monitor: &mut Watcher::new(self.precision),
        };
        go_on(workplace, &planned.steps, cut_off)?;
        if let Some(file) = self.rollback {
            rollback::not_come_to(file, &mut rehearsal);
            if let Some(ended) = rehearsal.rollback.as_mut().and_then(|record| record.ended.as_mut()) {
                *ended = no_rollback();
            }
            journal.try_save(&rehearsal);
        }
        Ok(rehearsal)
    }
}

fn records(steps: &[Step]) -> Vec<StepRecord> {
    steps.iter().map(StepRecord::new).collect()
}

fn refuse_other(steps: &[StepRecord], begun: &[StepRecord], name: &str) -> Result<()> {
    let is_other = |(step, begun): (&StepRecord, &StepRecord)| {
        (step.statement != begun.statement || step.kind != begun.kind).then(|| step.location().to_string())
    };
    let differs = steps.iter().zip(begun).find_map(is_other);
    if differs.is_none() && steps.len() == begun.len() {
        return Ok(());
    }
    let place = differs.unwrap_or_else(|| "its number of statements".to_string());
    let message = format!("{name} is not what was being rehearsed: it differs at {place}");
    Err(Error::new(ErrorKind::Usage, message).with_hint("name the migration as it was; a new one needs a new clone"))
}

/// Returns the reason why the rollback is not rehearsed: the schema before the migration is no longer known.
fn no_rollback() -> Ending {
    Ending {
        reason: EndReason::Interrupted,
        message: "The rehearsal of the migration was cut off; the schema before it is gone.".to_string(),
    }
}
