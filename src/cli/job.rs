//! What to rehearse and how, independent of the place; with what every rehearsal reports about itself and where it is
//! saved.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::arguments::{BatchArguments, RehearseArguments};
use super::migration_file::MigrationFile;
use super::output;
use crate::catalog::facts::TableFacts;
use crate::catalog::{CloneDifference, LikenessFact, clone_differences, to_adopt};
use crate::error::Result;
use crate::observation::{EndReason, Rehearsal};
use crate::rehearsal::resume::CutOff;
use crate::rehearsal::saving::journal::Journal;
use crate::rehearsal::{Conditions, Unfinished, adopt};
use crate::sampler;
use crate::server::{Reader, Staging};

/// The file in which a rehearsal is saved.
pub const REHEARSAL_FILE: &str = "rehearsal.json";

/// What to rehearse and how, independent of the place.
pub struct Job<'a> {
    /// The migration.
    pub migration: &'a MigrationFile,
    /// Its rollback, to be rehearsed after it.
    pub rollback: Option<&'a MigrationFile>,
    /// How bare statements are batched.
    pub batching: &'a BatchArguments,
    /// The conditions of the rehearsal.
    pub conditions: Conditions,
    /// Half width of the interval at which to stop, 0.1 for ±10 %.
    pub precision: Option<f64>,
    /// Whole repetitions, each on a fresh copy.
    pub runs: u32,
    /// Whether the staging area is a throwaway server.
    pub throwaway: bool,
    /// What is known of production, if it was read.
    pub production: ProductionFacts,
    /// The earlier part that was cut off, and the log with which this one can be resumed.
    pub resumable: Resumable,
}

/// What a rehearsal must know of production before it begins.
#[derive(Default)]
pub struct ProductionFacts {
    /// The migration's tables there.
    pub tables: Vec<TableFacts>,
    /// In what the clone should be like it; empty if it was not read.
    pub likeness: Vec<LikenessFact>,
}

impl ProductionFacts {
    /// Returns what is known where only the tables are: the server is the clone's own.
    pub fn of_tables(tables: Vec<TableFacts>) -> ProductionFacts {
        ProductionFacts {
            tables,
            likeness: Vec::new(),
        }
    }

    /// Reads them.
    ///
    /// # Errors
    /// `Connection` when the catalog cannot be read.
    pub fn read(reader: &mut Reader, migration: &MigrationFile) -> Result<ProductionFacts> {
        Ok(ProductionFacts {
            tables: migration.tables(reader)?,
            likeness: sampler::likeness(reader)?,
        })
    }

    /// Compares `clone` with it, and takes its settings over into the session of `clone`.
    ///
    /// # Errors
    /// `Connection` when the clone cannot be read.
    pub fn prepare(&self, clone: &mut Staging) -> Result<Prepared> {
        if self.likeness.is_empty() {
            return Ok(Prepared::default());
        }
        let before = clone.read(sampler::likeness)?;
        let wanted = to_adopt(&clone_differences(&before, &self.likeness));
        let adopted = adopt(clone, &wanted);
        let after = clone.read(sampler::likeness)?;
        Ok(Prepared {
            differences: clone_differences(&after, &self.likeness),
            adopted,
        })
    }
}

/// How a clone differs from production once its session has production's settings.
#[derive(Default)]
pub struct Prepared {
    /// What still differs.
    pub differences: Vec<CloneDifference>,
    /// The settings that were taken over.
    pub adopted: BTreeMap<String, String>,
}

/// How a rehearsal is resumed after it was cut off.
#[derive(Default)]
pub struct Resumable {
    /// The path of the log; `None` where resuming is not worth it.
    pub log: Option<PathBuf>,
    /// The rehearsal that was cut off and is to be resumed.
    pub cut_off: Option<CutOff>,
}

/// Returns for each table how many times larger it is in production than in the clone.
pub fn growth(clone: &[TableFacts], production: &[TableFacts]) -> BTreeMap<String, f64> {
    let of = |table: &TableFacts| {
        let there = production.iter().find(|there| there.name == table.name)?;
        let growth = there.estimated_rows / table.estimated_rows.max(1.0);
        Some((table.name.clone(), growth))
    };
    clone.iter().filter_map(of).collect()
}

/// Reports what others, or a run that was killed, left unfinished on the clone.
pub fn tell_unfinished(clone: &mut Staging) -> Result<()> {
    for warning in Unfinished::of(clone)?.warnings() {
        output::print_note(&format!("warning: {warning}"));
    }
    Ok(())
}

/// Returns whether the person ended the rehearsal.
pub fn is_interrupted(rehearsal: &Rehearsal) -> bool {
    rehearsal
        .ended
        .as_ref()
        .is_some_and(|ended| ended.reason == EndReason::Interrupted)
}

/// Returns whether anything was measured.
pub fn has_observations(rehearsal: &Rehearsal) -> bool {
    rehearsal.steps.iter().any(|step| !step.observations.is_empty())
}

/// Reports where the measurements are saved, when the command is about to fail.
pub fn tell_saved(journal: &Journal, file: &Path) {
    match journal.is_saved() {
        Ok(()) if journal.has_saved() => output::print_note(&format!("saved {}", file.display())),
        Ok(()) if journal.holds_earlier() => output::print_note(&format!(
            "nothing was measured: {} is still the earlier rehearsal",
            file.display()
        )),
        Ok(()) => {}
        Err(error) => output::print_note(&format!("warning: {error}")),
    }
}

/// Returns the current time in the format used in files: RFC 3339, UTC.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}

/// Returns the directory for the results.
pub fn directory(arguments: &RehearseArguments) -> PathBuf {
    let chosen = arguments.output.clone();
    chosen.unwrap_or_else(|| default_directory(&arguments.migration))
}

/// Returns `reports/<migration>`, where `migtime estimate` looks for rehearsals.
pub fn default_directory(migration: &Path) -> PathBuf {
    let absolute = std::path::absolute(migration).unwrap_or_else(|_| migration.to_path_buf());
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_owned();
    // For a tool that names the directory instead of the file.
    let named_by_directory = ["up.sql", "down.sql"].iter().any(|name| absolute.ends_with(name));
    let name = match absolute.parent() {
        Some(parent) if named_by_directory => stem(parent),
        _ => stem(&absolute),
    };
    Path::new("reports").join(name)
}
