//! What is to be rehearsed and how, wherever that is; what every rehearsal says of itself and where it is kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::arguments::{BatchArguments, RehearseArguments};
use super::migration_file::MigrationFile;
use super::output;
use crate::catalog::facts::TableFacts;
use crate::error::Result;
use crate::observation::{EndReason, Rehearsal};
use crate::rehearsal::resume::CutOff;
use crate::rehearsal::saving::journal::Journal;
use crate::rehearsal::{Conditions, Unfinished};
use crate::server::Staging;

/// The file in which a rehearsal is kept.
pub const REHEARSAL_FILE: &str = "rehearsal.json";

/// What is to be rehearsed and how, wherever that is.
pub struct Job<'a> {
    /// The migration.
    pub migration: &'a MigrationFile,
    /// What undoes it, to be rehearsed after it.
    pub rollback: Option<&'a MigrationFile>,
    /// How bare statements are batched.
    pub batching: &'a BatchArguments,
    /// Under which conditions.
    pub conditions: Conditions,
    /// Half width of the interval at which to stop, 0.1 for ±10 %.
    pub precision: Option<f64>,
    /// Whole repetitions, each on a fresh copy.
    pub runs: u32,
    /// Whether the staging_area is a throwaway server.
    pub throwaway: bool,
    /// The tables in production, where that was asked.
    pub production: Vec<TableFacts>,
    /// What of it was cut off, and may be.
    pub resumable: Resumable,
}

/// How a rehearsal goes on after it was cut off.
#[derive(Default)]
pub struct Resumable {
    /// Where to write down what is needed for it; `None` where it is not worth it.
    pub log: Option<PathBuf>,
    /// The rehearsal that was cut off, to go on with.
    pub cut_off: Option<CutOff>,
}

/// Returns how many times as large as the clone's each of production's tables is.
pub fn growth(clone: &[TableFacts], production: &[TableFacts]) -> BTreeMap<String, f64> {
    let of = |table: &TableFacts| {
        let there = production.iter().find(|there| there.name == table.name)?;
        let growth = there.estimated_rows / table.estimated_rows.max(1.0);
        Some((table.name.clone(), growth))
    };
    clone.iter().filter_map(of).collect()
}

/// Names what others, or a run that was killed, left unfinished on the clone.
pub fn tell_unfinished(clone: &mut Staging) -> Result<()> {
    for warning in Unfinished::of(clone)?.warnings() {
        output::print_note(&format!("warning: {warning}"));
    }
    Ok(())
}

/// Tells whether the person ended the rehearsal.
pub fn is_interrupted(rehearsal: &Rehearsal) -> bool {
    rehearsal
        .ended
        .as_ref()
        .is_some_and(|ended| ended.reason == EndReason::Interrupted)
}

/// Tells whether anything was measured.
pub fn has_observations(rehearsal: &Rehearsal) -> bool {
    rehearsal.steps.iter().any(|step| !step.observations.is_empty())
}

/// Says where the measurements are, when the command is about to fail.
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

/// Returns the present time as files state it: RFC 3339, UTC.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}

/// Returns the directory for the results.
pub fn directory(arguments: &RehearseArguments) -> PathBuf {
    let chosen = arguments.output.clone();
    chosen.unwrap_or_else(|| default_directory(&arguments.migration))
}

/// Returns `reports/<migration>`, where `migtime estimate` looks for rehearsals.
fn default_directory(migration: &Path) -> PathBuf {
    let absolute = std::path::absolute(migration).unwrap_or_else(|_| migration.to_path_buf());
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_owned();
    // The file of a tool that names the directory instead.
    let named_by_directory = ["up.sql", "down.sql"].iter().any(|name| absolute.ends_with(name));
    let name = match absolute.parent() {
        Some(parent) if named_by_directory => stem(parent),
        _ => stem(&absolute),
    };
    Path::new("reports").join(name)
}
