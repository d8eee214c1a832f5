//! One whole run of a migration on a fresh copy, added to earlier runs.

use super::arguments::BatchArguments;
use super::job::{is_interrupted, now};
use super::migration_file::MigrationFile;
use crate::error::Result;
use crate::observation::{Benchmark, Rehearsal, RunRecord};
use crate::rehearsal::saving::journal::Journal;
use crate::rehearsal::{Conditions, RehearsalMonitor, Workplace, rehearse};
use crate::sampler;
use crate::server::Staging;

/// What to run, and how.
pub struct WholeRun<'a> {
    /// The migration.
    pub migration: &'a MigrationFile,
    /// How its statements are batched.
    pub batching: &'a BatchArguments,
    /// The conditions; every batch is replayed, whatever they say.
    pub conditions: Conditions,
    /// Whether the server is a throwaway one.
    pub throwaway: bool,
    /// What all runs have in common.
    pub benchmark: Benchmark,
}

impl WholeRun<'_> {
    /// Runs it on `clone` and returns `before` with the run added; `None` if the person interrupts it.
    ///
    /// # Errors
    /// Those of [`rehearse`].
    pub fn add_to(
        &self,
        before: Option<&Rehearsal>,
        clone: &mut Staging,
        monitor: &mut dyn RehearsalMonitor,
    ) -> Result<Option<Rehearsal>> {
        let planned = self.migration.plan(clone, self.batching)?;
        let mut rehearsal = match before {
            Some(before) => before.clone(),
            None => Rehearsal {
                started_at: now(),
                seed: self.conditions.seed,
                migration: self.migration.name.clone(),
                throwaway: self.throwaway,
                server: clone.read(sampler::server_facts)?,
                tables: planned.tables,
                benchmark: Some(self.benchmark.clone()),
                ..Rehearsal::default()
            },
        };
        let record = RunRecord {
            number: runs_of(&rehearsal),
            started_at: now(),
        };
        let conditions = Conditions {
            full: true,
            ..self.conditions.clone()
        };
        let mut nowhere = Journal::new(None);
        let workplace = Workplace {
            clone,
            conditions: &conditions,
            rehearsal: &mut rehearsal,
            journal: &mut nowhere,
            monitor,
        };
        rehearse(workplace, &planned.steps, record.number)?;
        if is_interrupted(&rehearsal) || clone.parameters().interruption().is_asked() {
            return Ok(None);
        }
        if let Some(benchmark) = &mut rehearsal.benchmark {
            benchmark.runs.push(record);
        }
        Ok(Some(rehearsal))
    }
}

/// Returns how many complete runs a bench holds.
pub fn runs_of(rehearsal: &Rehearsal) -> u32 {
    let benchmark = rehearsal.benchmark.as_ref();
    benchmark.map_or(0, |benchmark| benchmark.runs.len() as u32)
}

/// Returns the SHA-256 of a text, in hexadecimal.
pub fn sha256(text: &str) -> String {
    let digest = openssl::sha::sha256(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
