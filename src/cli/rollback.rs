//! Rehearses the rollback of a migration after the migration, and interprets its outcome.

use super::job::Job;
use super::migration_file::MigrationFile;
use super::output;
use super::staging_area::Site;
use super::watching::Watcher;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::formats::own_table;
use crate::migration::{self, Step};
use crate::observation::{EndReason, Ending, Irreversible, Reapplication, Rehearsal, RollbackRecord, RollbackVerdict};
use crate::rehearsal::rollback::{self, SchemaWitness};
use crate::rehearsal::saving::journal::Journal;
use crate::rehearsal::{Conditions, Workplace};
use crate::sampler;
use crate::server::{Staging, signals};

/// Facts that must be read before the migration runs.
pub struct Preparation<'a> {
    rollback: &'a MigrationFile,
    irreversible: Vec<Irreversible>,
    witness: SchemaWitness,
}

/// Where and how the migration was rehearsed, and its rollback is.
pub struct Setting<'a> {
    /// What is rehearsed.
    pub job: &'a Job<'a>,
    /// On which conditions.
    pub conditions: &'a Conditions,
    /// On which clone.
    pub site: &'a Site,
}

impl<'a> Preparation<'a> {
    /// Reads the schema of `clone` before `migration` changes it.
    ///
    /// # Errors
    /// `Connection` when the catalog cannot be read.
    pub fn new(
        rollback: &'a MigrationFile,
        migration: &MigrationFile,
        site: &Site,
        clone: &mut Staging,
    ) -> Result<Preparation<'a>> {
        let statements = migration.statements();
        let schema = clone.read(|reader| sampler::schema(reader, &migration::names_in(statements)))?;
        let losses = migration::losses(statements, &schema).into_iter();
        Ok(Preparation {
            rollback,
            irreversible: losses
                .map(|loss| Irreversible {
                    line: loss.line,
                    what: loss.what,
                })
                .collect(),
            witness: SchemaWitness::before(site.parameters(), own_table(migration.tool()))?,
        })
    }

    /// Rehearses the rollback on the same database as the migration, and then the migration's steps once more. The
    /// outcome, including failures, is in `rehearsal.rollback`; [`check`] interprets it.
    ///
    /// # Errors
    /// `Connection` when the schema cannot be read.
    pub fn rehearse(
        mut self,
        setting: &Setting,
        forward: &[Step],
        rehearsal: &mut Rehearsal,
        journal: &mut Journal,
    ) -> Result<()> {
        output::print_note(&format!("rehearsing the rollback: {}", self.rollback.name));
        let irreversible = std::mem::take(&mut self.irreversible);
        let record = self.witness.after(&self.rollback.name, irreversible, rehearsal)?;
        rehearsal.rollback = Some(record);
        journal.try_save(rehearsal);
        self.roll_back(setting, rehearsal, journal);
        if came_to_its_end(rehearsal) && !signals::interruption().is_asked() {
            output::print_note("applying the migration again");
            self.apply_again(setting, forward, rehearsal);
        }
        journal.try_save(rehearsal);
        Ok(())
    }

    /// Runs the rollback in a new session, as for somebody who rolls back a week later.
    fn roll_back(&mut self, setting: &Setting, rehearsal: &mut Rehearsal, journal: &mut Journal) {
        let planned = setting.site.connect().and_then(|mut clone| {
            let planned = self.rollback.plan(&mut clone, setting.job.batching)?;
            Ok((clone, planned.steps))
        });
        match planned {
            Ok((mut clone, steps)) => {
                let workplace = Workplace {
                    clone: &mut clone,
                    conditions: setting.conditions,
                    rehearsal,
                    journal,
                    monitor: &mut Watcher::new(setting.job.precision),
                };
                rollback::roll_back(workplace, &steps, &mut self.witness);
            }
            Err(error) => {
                if let Some(record) = &mut rehearsal.rollback {
                    record.ended = Some(rollback::not_begun(&error));
                }
            }
        }
    }

    fn apply_again(&mut self, setting: &Setting, forward: &[Step], rehearsal: &mut Rehearsal) {
        match setting.site.connect() {
            Ok(mut clone) => {
                let workplace = Workplace {
                    clone: &mut clone,
                    conditions: setting.conditions,
                    rehearsal,
                    journal: &mut Journal::new(None),
                    monitor: &mut Watcher::new(setting.job.precision),
                };
                rollback::apply_again(workplace, forward, &mut self.witness);
            }
            Err(error) => {
                if let Some(record) = &mut rehearsal.rollback {
                    record.reapplied = Some(Reapplication {
                        ended: rollback::not_begun(&error),
                        differences: None,
                    });
                }
            }
        }
    }
}

fn came_to_its_end(rehearsal: &Rehearsal) -> bool {
    let ended = rehearsal.rollback.as_ref().and_then(|record| record.ended.as_ref());
    ended.is_some_and(|ended| {
        !matches!(
            ended.reason,
            EndReason::Failed | EndReason::ConnectionLost | EndReason::Interrupted
        )
    })
}

/// Turns the outcome of the rehearsed rollback into that of the command.
///
/// # Errors
/// `MigrationFailed` when the rollback fails, or the migration does not apply again; `Connection` when the server was
/// lost; `Gate` when the schema differs from before although SQL could restore it; `TooLittleEvidence` when it did not
/// finish.
pub fn check(rehearsal: &Rehearsal, changed_in_place: bool) -> Result<()> {
    let Some(record) = &rehearsal.rollback else {
        return Ok(());
    };
    let failed = |ended: &Ending, what: &str| {
        let kind = match ended.reason {
            EndReason::ConnectionLost => ErrorKind::Connection,
            _ => ErrorKind::MigrationFailed,
        };
        Error::new(kind, format!("{what}: {}", ended.message))
    };
    let remaining = record.differences.iter().flatten();
    let remaining: Vec<String> = remaining
        .map(|difference| format!("  {}", difference.sentence))
        .collect();
    match record.verdict() {
        RollbackVerdict::ComesBack | RollbackVerdict::WithLosses => Ok(()),
        RollbackVerdict::Unfinished => Err(unfinished(record)),
        RollbackVerdict::Differs => Err(Error::new(
            ErrorKind::Gate,
            format!("the rollback {} does not bring the schema back", record.file),
        )
        .with_excerpt(remaining.join("\n"))),
        RollbackVerdict::NotRepeatable => Err(match &record.reapplied {
            Some(again)
                if again.ended.reason == EndReason::Failed || again.ended.reason == EndReason::ConnectionLost =>
            {
                failed(&again.ended, "after its rollback the migration does not apply again")
            }
            _ => Error::new(
                ErrorKind::Gate,
                "applied again after its rollback, the migration leaves another schema than the first time",
            ),
        }),
        RollbackVerdict::Failed => {
            let ended = record.ended.as_ref();
            let error = ended.map_or_else(
                || Error::new(ErrorKind::MigrationFailed, "the rollback failed"),
                |ended| failed(ended, "the rollback failed"),
            );
            let rest = match (&record.differences, remaining.is_empty()) {
                (None, _) => "; the schema after it could not be looked at",
                (Some(_), true) => "",
                (Some(_), false) => "; not as before:",
            };
            let undone = format!(
                "{} of {} changes were undone{rest}",
                record.undone(),
                record.changes.len()
            );
            let lines: Vec<String> = std::iter::once(undone).chain(remaining).collect();
            let error = error.with_excerpt(lines.join("\n"));
            Err(if changed_in_place {
                error.with_hint("the clone is left as the failed rollback left it: make a new one, or use --sandbox")
            } else {
                error
            })
        }
    }
}

fn unfinished(record: &RollbackRecord) -> Error {
    let why = match (&record.ended, &record.differences, &record.reapplied) {
        (None, ..) => "it was cut off",
        (Some(ended), ..) if ended.reason == EndReason::Interrupted => "it was interrupted",
        (_, None, _) => "the schema after it could not be looked at",
        (.., None) => "the migration was not applied again after it",
        _ => "the migration was interrupted when it was applied again after it",
    };
    let message = format!("the rollback {} was not rehearsed to its end: {why}", record.file);
    Error::new(ErrorKind::TooLittleEvidence, message)
        .with_hint("rehearse again and let it come to its end, or leave the rollback out with --no-rollback")
}

/// Records that the rollback in `file` did not begin, because the person ended the migration's own rehearsal.
pub fn not_come_to(file: &MigrationFile, rehearsal: &mut Rehearsal) {
    rehearsal.rollback = Some(RollbackRecord {
        file: file.name.clone(),
        ended: rehearsal.ended.clone(),
        ..RollbackRecord::default()
    });
}
