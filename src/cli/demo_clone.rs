//! The smaller clone for a demo without a backfill: a single statement cannot be replayed in part, so it is rehearsed
//! on a quarter of the rows, with a ladder of still smaller parts.

use super::migration_file::MigrationFile;
use super::progress::Progress;
use super::staging_area::StagingArea;
use super::targets;
use crate::catalog::facts::TableFacts;
use crate::error::Result;
use crate::migration::StepKind;
use crate::observation::Rehearsal;
use crate::rehearsal::scenario::Scenario;
use crate::units::Count;

/// How many times larger the whole database is than the clone.
const GROWTH: u64 = 4;

/// A clone of the scenario's database with fewer rows, and the catalog facts of the whole database.
pub struct SmallerClone {
    /// Where to rehearse.
    pub staging_area: StagingArea,
    /// The tables of the whole database.
    pub whole: Vec<TableFacts>,
}

/// Returns whether the scenario has no backfill that could be replayed in part.
pub fn is_needed(scenario: &Scenario) -> bool {
    !scenario.steps.contains(&StepKind::Backfill)
}

impl SmallerClone {
    /// Fills a second database on the server of `staging_area` from the same generator, with a quarter of its `rows`.
    ///
    /// # Errors
    /// Those of [`StagingArea::fill`]; `Connection` when the whole's catalog cannot be read.
    pub fn fill(
        staging_area: &StagingArea,
        scenario: &Scenario,
        migration: &MigrationFile,
        rows: u64,
        seed: u64,
    ) -> Result<SmallerClone> {
        let whole = staging_area.staged()?.read(|reader| migration.tables(reader))?;
        let rows = (rows / GROWTH).max(1);
        let clone = staging_area.beside("clone")?;
        let progress = Progress::spinner(format!("filling a clone with {} rows", Count(rows as f64)));
        clone.fill(|client| scenario.fill(client, rows, seed))?;
        progress.finish();
        Ok(SmallerClone {
            staging_area: clone,
            whole,
        })
    }

    /// Records how large each step is on the whole database.
    ///
    /// # Errors
    /// `Connection` when its catalog cannot be read.
    pub fn aim(&self, staging_area: &StagingArea, rehearsal: &mut Rehearsal) -> Result<()> {
        rehearsal.targets = staging_area
            .staged()?
            .read(|reader| targets::of(reader, rehearsal, &self.whole))?;
        Ok(())
    }
}
