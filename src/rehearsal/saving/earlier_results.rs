//! The rehearsal that an earlier command left at the path of a new one: it stays until the new one has measured
//! something, and is then kept next to it.

use std::io::Result;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::torn_files;
use crate::observation::{Rehearsal, StepRecord};

/// The suffix of a kept file, replacing the extension.
pub const SUFFIX: &str = ".previous.json";

/// Returns whether a rehearsal holds anything that another run would have to measure again.
pub fn has_measured(rehearsal: &Rehearsal) -> bool {
    let rollback = rehearsal.rollback.iter().flat_map(|record| &record.steps);
    rehearsal.steps.iter().chain(rollback).any(has_measured_step)
}

fn has_measured_step(step: &StepRecord) -> bool {
    let climbed = step.ladder.as_ref().is_some_and(|ladder| !ladder.rungs.is_empty());
    !step.observations.is_empty() || !step.failed_attempts.is_empty() || climbed
}

/// Returns whether the file at `path` must not be lost: it holds a rehearsal with measurements, or only another version
/// can read it.
pub fn is_worth_keeping(path: &Path) -> bool {
    if !path.metadata().is_ok_and(|found| found.is_file() && found.len() > 0) {
        return false;
    }
    let text = std::fs::read_to_string(path).unwrap_or_default();
    match Rehearsal::from_json(&text, "") {
        Ok(rehearsal) => has_measured(&rehearsal),
        Err(_) => true,
    }
}

/// Returns the name under which the file at `path` is kept: `rehearsal.previous.json` for `rehearsal.json`.
pub fn kept_as(path: &Path) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(SUFFIX);
    path.with_file_name(name)
}

/// Gives the file at `path` its second name as well, until the file is replaced; at no moment does it have neither
/// name.
///
/// # Errors
/// The system's error, for example when the disk is full.
pub fn keep(path: &Path) -> Result<()> {
    let (target, kept) = (path.canonicalize()?, kept_as(path));
    // Both names already refer to one file after a crash between the two steps; renaming one name to the other would do
    // nothing.
    if is_same_file(&target, &kept) {
        return Ok(());
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let unique =
        tempfile::Builder::new()
            .prefix(torn_files::PREFIX)
            .make_in(directory.unwrap_or(Path::new(".")), |new| {
                // A hard link needs no room; a copy is made if the file system has no hard links or the file is on
                // another one.
                std::fs::hard_link(&target, new).or_else(|error| match error.kind() {
                    std::io::ErrorKind::AlreadyExists => Err(error),
                    _ => std::fs::copy(&target, new).map(drop),
                })
            })?;
    unique.into_temp_path().persist(kept).map_err(|error| error.error)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| path.metadata().map(|found| (found.dev(), found.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Observation;

    #[test]
    fn what_measured_nothing_is_not_worth_keeping() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("rehearsal.json");
        let check = |content: &str, expected: bool| {
            std::fs::write(&path, content).expect("file");
            assert_eq!(is_worth_keeping(&path), expected, "{content}");
        };
        assert!(!is_worth_keeping(&path));
        check("", false);
        check("of another version", true);
        let mut rehearsal = Rehearsal {
            steps: vec![StepRecord::default()],
            ..Rehearsal::default()
        };
        check(&rehearsal.to_json(), false);
        rehearsal.steps[0].observations.push(Observation::default());
        check(&rehearsal.to_json(), true);
    }

    #[test]
    fn it_is_kept_beside_its_name_also_when_that_is_a_link() {
        let (directory, elsewhere) = (
            tempfile::tempdir().expect("directory"),
            tempfile::tempdir().expect("directory"),
        );
        let (path, target) = (directory.path().join("rehearsal.json"), elsewhere.path().join("target"));
        std::fs::write(&target, "old").expect("file");
        std::os::unix::fs::symlink(&target, &path).expect("link");
        keep(&path).expect("kept");
        keep(&path).expect("kept already");
        let kept = std::fs::read_to_string(directory.path().join("rehearsal.previous.json"));
        assert_eq!(kept.expect("kept"), "old");
        assert_eq!(std::fs::read_dir(directory.path()).expect("directory").count(), 2);
    }
}
