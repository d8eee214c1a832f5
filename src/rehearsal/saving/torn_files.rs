//! Temporary files that a killed program left next to its results: the next run that saves there finds and removes
//! them.
//!
//! A file is written under a temporary name, locked, and renamed when complete. If such a file can be locked, its
//! writer is gone, because the kernel releases a lock when its process ends. A file younger than a minute may not be
//! locked yet.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// The prefix of every temporary name.
pub const PREFIX: &str = ".migtime-";

const YOUNG: Duration = Duration::from_secs(60);

/// Removes the torn files in `directory`; a file that cannot be removed does no harm.
pub fn remove_torn_files(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let named_so = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // Not through a symbolic link: `DirEntry::metadata` describes the link itself.
        let is_old = entry.metadata().is_ok_and(|found| {
            let age = found.modified().ok().and_then(|modified| modified.elapsed().ok());
            found.is_file() && age.is_some_and(|age| age >= YOUNG)
        });
        if named_so
            && is_old
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn a_file_is_torn_only_when_its_writer_is_gone() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let make = |name: &str, age: Duration| {
            let file = File::create(directory.path().join(name)).expect(name);
            file.set_modified(SystemTime::now() - age).expect(name);
            file
        };
        let hour = Duration::from_secs(3600);
        make(".migtime-torn", hour);
        make(".migtime-new", Duration::ZERO);
        make("rehearsal.json", hour);
        let written = make(".migtime-written", hour);
        written.lock().expect("lock");
        remove_torn_files(directory.path());
        let is_there = |name: &str| directory.path().join(name).exists();
        assert!(!is_there(".migtime-torn"));
        assert!(is_there(".migtime-new") && is_there("rehearsal.json") && is_there(".migtime-written"));
    }
}
