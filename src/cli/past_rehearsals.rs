//! Finds the rehearsals that earlier commands saved, for use in an estimate.

use std::path::{Path, PathBuf};

use super::files_below::DirectoryWalk;
use super::job::REHEARSAL_FILE;
use super::output::{print_note, read_text};
use crate::observation::{Rehearsal, StepRecord};
use crate::report::PastRehearsal;

/// Returns the rehearsals of staging clones below `directory` that work on one of `tables`, newest first.
///
/// Rehearsals on throwaway servers are left out: neither their data nor their machine is production's. A file that
/// cannot be read is reported on stderr and skipped.
pub fn find(directory: &Path, tables: &[&str]) -> Vec<PastRehearsal> {
    let mut found: Vec<PastRehearsal> = files(directory)
        .into_iter()
        .filter_map(|path| {
            read(&path).map(|rehearsal| PastRehearsal {
                place: path.display().to_string(),
                rehearsal,
            })
        })
        .filter(|past| !past.rehearsal.throwaway)
        .filter(|past| {
            past.rehearsal
                .tables
                .iter()
                .any(|table| tables.contains(&table.name.as_str()))
        })
        .collect();
    found.sort_by(|one, other| other.rehearsal.started_at.cmp(&one.rehearsal.started_at));
    found
}

/// Returns whether `steps` are the steps of the rehearsal, statement by statement, ignoring white space.
pub fn is_of(rehearsal: &Rehearsal, steps: &[StepRecord]) -> bool {
    let words = |step: &StepRecord| step.statement.split_whitespace().collect::<Vec<_>>().join(" ");
    rehearsal.steps.len() == steps.len()
        && rehearsal
            .steps
            .iter()
            .zip(steps)
            .all(|(one, other)| words(one) == words(other))
}

fn read(path: &Path) -> Option<Rehearsal> {
    let read = read_text(path).and_then(|text| Rehearsal::from_json(&text, &path.display().to_string()));
    match read {
        Ok(rehearsal) => Some(rehearsal),
        Err(error) => {
            print_note(&format!("warning: passed over: {error}"));
            None
        }
    }
}

/// Collects the rehearsal files; directories that cannot be listed are skipped.
fn files(directory: &Path) -> Vec<PathBuf> {
    let walk = DirectoryWalk {
        follows_links: true,
        leaves_out_unreadable: true,
        ..DirectoryWalk::default()
    };
    let mut files = Vec::new();
    let walked = walk.each_below(directory, &mut |found| {
        let is_one = !found.is_directory && found.path.file_name().is_some_and(|name| name == REHEARSAL_FILE);
        files.extend(is_one.then_some(found.path));
        Ok(())
    });
    debug_assert!(walked.is_ok(), "what cannot be listed is passed over");
    files.sort();
    files
}
