//! Rehearses the rollback: runs it after the migration, compares the schema, and runs the migration once more.
//!
//! The schema is read from a separate session, which is unaffected by settings that the migration's session changes.
//! The rollback is run and measured like a migration: time, locks and WAL.

use std::collections::BTreeMap;

use super::conditions::Conditions;
use super::rehearse::{Workplace, rehearse};
use crate::catalog::differences;
use crate::catalog::snapshot::SchemaSnapshot;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::migration::Step;
use crate::observation::{EndReason, Ending, Irreversible, Reapplication, Rehearsal, RollbackRecord};
use crate::sampler::snapshot;
use crate::server::{ConnectionParameters, Staging};

/// Share of the batches to replay when a partly replayed migration is applied again: enough to see that it runs.
const SHARE_OF_AGAIN: f64 = 0.02;
/// Longest time for that replay, in seconds.
const SECONDS_OF_AGAIN: f64 = 60.0;

/// Reads the schema before the migration, after it, and after its rollback.
pub struct SchemaWitness {
    session: Staging,
    /// The table of the migration tool, which is not part of the schema.
    own_table: Option<&'static str>,
    before: SchemaSnapshot,
    after: SchemaSnapshot,
}

impl SchemaWitness {
    /// Reads the schema before the migration. `own_table` is the table in which the migration's tool notes what it has
    /// run; what becomes of it is not compared.
    ///
    /// # Errors
    /// `Connection` when the catalog cannot be read.
    pub fn before(parameters: &ConnectionParameters, own_table: Option<&'static str>) -> Result<SchemaWitness> {
        let mut witness = SchemaWitness {
            session: Staging::connect(parameters)?,
            own_table,
            before: SchemaSnapshot::default(),
            after: SchemaSnapshot::default(),
        };
        witness.before = witness.look()?;
        Ok(witness)
    }

    fn look(&mut self) -> Result<SchemaSnapshot> {
        let mut found = self.session.read(snapshot)?;
        if let Some(own) = self.own_table.map(|table| format!("table public.{table}")) {
            found.objects.retain(|name, _| name.to_string() != own);
        }
        Ok(found)
    }

    /// Reads the schema after the migration and begins the record of its rollback from `file`.
    ///
    /// # Errors
    /// `Connection` when the catalog cannot be read.
    pub fn after(
        &mut self,
        file: &str,
        irreversible: Vec<Irreversible>,
        forward: &Rehearsal,
    ) -> Result<RollbackRecord> {
        self.after = self.look()?;
        let unfinished = forward.steps.iter().filter(|step| !step.complete);
        Ok(RollbackRecord {
            file: file.to_owned(),
            irreversible,
            after_part_of: unfinished.map(|step| step.number).collect(),
            changes: differences(&self.before, &self.after),
            ..RollbackRecord::default()
        })
    }
}

/// Runs the rollback's `steps` on `clone`, writes them into `rehearsal.rollback` as they are measured, and compares the
/// schema with the one before the migration. The record says how the rollback ended, in success or failure.
pub fn roll_back(workplace: Workplace, steps: &[Step], witness: &mut SchemaWitness) {
    let Workplace { rehearsal, journal, .. } = workplace;
    let Some(mut record) = rehearsal.rollback.take() else {
        return;
    };
    let mut inner = Rehearsal {
        migration: record.file.clone(),
        server: rehearsal.server.clone(),
        tables: rehearsal.tables.clone(),
        ..Rehearsal::default()
    };
    let conditions = Conditions {
        after_part_of: record.after_part_of.first().copied(),
        ..workplace.conditions.clone()
    };
    let shell = (rehearsal.clone(), record.clone());
    journal.enclose(Some(Box::new(move |inner| enclosed(&shell.0, &shell.1, inner))));
    let inside = Workplace {
        clone: workplace.clone,
        conditions: &conditions,
        rehearsal: &mut inner,
        journal,
        monitor: workplace.monitor,
    };
    let outcome = rehearse(inside, steps, 0);
    journal.enclose(None);
    let ended = ending(&inner, &record.file, outcome);
    record.steps = inner.steps;
    record.events = inner.events;
    record.ended = Some(ended);
    record.differences = match witness.look() {
        Ok(now) => Some(differences(&witness.before, &now)),
        // The record then says that the schema was not compared.
        Err(_) => None,
    };
    rehearsal.rollback = Some(record);
    journal.try_save(rehearsal);
}

/// Runs the migration's `steps` once more and compares the schema with the one after the first time.
pub fn apply_again(workplace: Workplace, steps: &[Step], witness: &mut SchemaWitness) {
    let rehearsal = workplace.rehearsal;
    let mut inner = Rehearsal {
        server: rehearsal.server.clone(),
        tables: rehearsal.tables.clone(),
        ..Rehearsal::default()
    };
    let mut conditions = Conditions {
        growth: BTreeMap::new(),
        ..workplace.conditions.clone()
    };
    if !conditions.full {
        conditions.fraction = Some(SHARE_OF_AGAIN);
        conditions.max_seconds = conditions.max_seconds.min(SECONDS_OF_AGAIN);
    }
    let inside = Workplace {
        clone: workplace.clone,
        conditions: &conditions,
        rehearsal: &mut inner,
        journal: workplace.journal,
        monitor: workplace.monitor,
    };
    let outcome = rehearse(inside, steps, 0);
    let ended = ending(&inner, &rehearsal.migration, outcome);
    let now = witness.look().ok();
    if let Some(record) = &mut rehearsal.rollback {
        record.reapplied = Some(Reapplication {
            ended,
            differences: now.map(|now| differences(&witness.after, &now)),
        });
    }
}

/// Returns the ending of a run of `file` that could not even begin.
pub fn not_begun(error: &Error) -> Ending {
    Ending {
        reason: match error.kind() {
            ErrorKind::Connection => EndReason::ConnectionLost,
            _ => EndReason::Failed,
        },
        message: error.message().to_owned(),
    }
}

/// Returns what is saved while the rollback runs: the migration's rehearsal with what is known of the rollback so far.
fn enclosed(rehearsal: &Rehearsal, record: &RollbackRecord, inner: &Rehearsal) -> Rehearsal {
    Rehearsal {
        rollback: Some(RollbackRecord {
            steps: inner.steps.clone(),
            events: inner.events.clone(),
            ..record.clone()
        }),
        ..rehearsal.clone()
    }
}

/// Returns how a run ended; a failure names the file and line of its statement.
fn ending(inner: &Rehearsal, file: &str, outcome: Result<()>) -> Ending {
    let Err(error) = outcome else {
        return inner.ended.clone().unwrap_or(Ending {
            reason: EndReason::Complete,
            message: EndReason::Complete.sentence().to_owned(),
        });
    };
    if error.kind() == ErrorKind::TooLittleEvidence {
        // The only backfill finds no row to change, which is normal for a rollback or a second run.
        return Ending {
            reason: EndReason::Complete,
            message: "There was no row to change.".to_owned(),
        };
    }
    let message = error.message();
    let reached = inner
        .steps
        .iter()
        .find(|step| !step.complete && step.passed_over.is_none());
    let message = match reached {
        Some(step) => {
            let location = Location::line(Some(step.file.as_deref().unwrap_or(file)), step.line);
            format!("{location}: {}", error.what())
        }
        None => format!("{file}: {message}"),
    };
    Ending {
        message,
        ..not_begun(&error)
    }
}
