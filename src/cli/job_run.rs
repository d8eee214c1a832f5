//! Runs a job: each repetition on its own clone, with the rollback after the first.

use super::job::{Job, Prepared, growth, has_observations, is_interrupted, now, tell_unfinished};
use super::migration_file::PlannedMigration;
use super::resume::Begun;
use super::staging_area::StagingArea;
use super::watching::Watcher;
use super::{output, plan, rollback, run_history};
use crate::catalog::facts::TableFacts;
use crate::error::Result;
use crate::observation::Rehearsal;
use crate::rehearsal::saving::journal::Journal;
use crate::rehearsal::{Conditions, Workplace, rehearse};
use crate::sampler;
use crate::server::{Staging, free_disk, nothing_measured, signals};
use crate::units::{Bytes, Count};

impl Job<'_> {
    /// Rehearses on `staging_area`, saving the measurements in `journal` all the time.
    ///
    /// # Errors
    /// Those of [`rehearse`]; the journal then shows how far it got. `Interrupted` when the person interrupts before
    /// anything was measured.
    pub fn run(&self, staging_area: &StagingArea, journal: &mut Journal) -> Result<Rehearsal> {
        let rehearsal = self.rehearse(staging_area, journal)?;
        run_history::remember(&rehearsal, staging_area.parameters());
        Ok(rehearsal)
    }

    fn rehearse(&self, staging_area: &StagingArea, journal: &mut Journal) -> Result<Rehearsal> {
        if let Some(cut_off) = &self.resumable.cut_off {
            let rehearsal = self.go_on(cut_off, staging_area, journal)?;
            return unless_nothing_was_measured(Some(rehearsal));
        }
        let mut rehearsal = None;
        for run in 0..self.runs {
            if rehearsal.is_some() && signals::interruption().is_asked() {
                break;
            }
            let site = staging_area.site()?;
            let mut clone = site.connect()?;
            clone.wait_for_locks(self.conditions.lock_timeout);
            tell_unfinished(&mut clone)?;
            let prepared = self.production.prepare(&mut clone)?;
            let planned = self.migration.plan(&mut clone, self.batching)?;
            let rollback = match self.rollback {
                Some(file) if run == 0 => Some(rollback::Preparation::new(file, self.migration, &site, &mut clone)?),
                _ => None,
            };
            let rehearsal = match &mut rehearsal {
                Some(rehearsal) => rehearsal,
                None => rehearsal.insert(self.begin(&mut clone, &planned, prepared)?),
            };
            let mut watcher = self.watcher(&mut clone);
            let conditions = Conditions {
                growth: growth(&planned.tables, &self.production.tables),
                ..self.conditions.clone()
            };
            if let Some(log) = &self.resumable.log {
                let begun = Begun {
                    planned: &planned,
                    conditions: &conditions,
                    rehearsal,
                };
                journal.keep_log(self.begin_log(log, staging_area, &begun, &mut clone)?);
            }
            let workplace = Workplace {
                clone: &mut clone,
                conditions: &conditions,
                rehearsal,
                journal,
                monitor: &mut watcher,
            };
            rehearse(workplace, &planned.steps, run)?;
            if is_interrupted(rehearsal) {
                self.note_rollback_left_out(run, rehearsal, journal);
                break;
            }
            let Some(rollback) = rollback else { continue };
            drop(clone);
            let setting = rollback::Setting {
                job: self,
                conditions: &conditions,
                site: &site,
            };
            rollback.rehearse(&setting, &planned.steps, rehearsal, journal)?;
        }
        unless_nothing_was_measured(rehearsal)
    }

    fn watcher(&self, clone: &mut Staging) -> Watcher {
        // Only for display: a failure to read this must not end a rehearsal.
        let expected = plan::expected_seconds(self.migration, clone);
        Watcher::new(self.precision).expecting(expected.unwrap_or_default())
    }

    fn note_rollback_left_out(&self, run: u32, rehearsal: &mut Rehearsal, journal: &mut Journal) {
        if let (Some(file), 0) = (self.rollback, run) {
            rollback::not_come_to(file, rehearsal);
            journal.try_save(rehearsal);
        }
    }

    fn begin(&self, clone: &mut Staging, planned: &PlannedMigration, prepared: Prepared) -> Result<Rehearsal> {
        for table in &planned.tables {
            output::print_note(&sampled(table));
        }
        Ok(Rehearsal {
            started_at: now(),
            seed: self.conditions.seed,
            migration: self.migration.name.clone(),
            throwaway: self.throwaway,
            server: clone.read(sampler::server_facts)?,
            free_disk_bytes: clone.read(free_disk)?,
            clone_differences: prepared.differences,
            adopted_settings: prepared.adopted,
            tables: planned.tables.clone(),
            run_history: run_history::known(clone.parameters()),
            ..Rehearsal::default()
        })
    }
}

fn unless_nothing_was_measured(rehearsal: Option<Rehearsal>) -> Result<Rehearsal> {
    match rehearsal {
        Some(rehearsal) if !is_interrupted(&rehearsal) || has_observations(&rehearsal) => Ok(rehearsal),
        _ => Err(nothing_measured()),
    }
}

/// Describes in one line what the sampler found about a table.
fn sampled(table: &TableFacts) -> String {
    format!(
        "{}: {} rows ± {:.0} %, heap {}, TOAST {}, {} indexes {}",
        table.name,
        Count(table.estimated_rows.round()),
        196.0 * table.rows_relative_sd,
        Bytes(table.heap_bytes),
        Bytes(table.toast_bytes),
        table.indexes.len(),
        Bytes(table.index_bytes)
    )
}
