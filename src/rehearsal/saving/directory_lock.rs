//! Reserves the directory into which a run writes its results: a second run into the same directory is refused.
//!
//! The owner is the process that holds the lock on a hidden file in the directory. The kernel releases the lock
//! whenever that process ends, so a leftover file blocks nobody.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::fallback_directory;
use crate::error::{Error, ErrorKind, Result, reason};

/// Must not begin with the prefix of torn files, which are cleaned up.
const FILE: &str = ".migtime.lock";

/// How often a directory that vanishes is created again.
const ATTEMPTS: u32 = 10;

/// A directory into which no other run writes while this value lives.
pub struct DirectoryLock {
    file: Option<(File, PathBuf)>,
    /// The directories created for it, deepest first.
    made: Vec<PathBuf>,
}

impl DirectoryLock {
    /// Claims `directory`, creating it if necessary.
    ///
    /// If the disk accepts no file or has no locks, nobody is refused, so that work can go on.
    ///
    /// # Errors
    /// `Usage` when another run owns it, naming that run's process, or when the directory cannot be created.
    pub fn of(directory: &Path) -> Result<DirectoryLock> {
        let missing = directory.ancestors().take_while(|ancestor| !ancestor.exists());
        let mut held = DirectoryLock {
            file: None,
            made: missing.map(Path::to_path_buf).collect(),
        };
        let path = directory.join(FILE);
        let mut locked = std::fs::create_dir_all(directory).and_then(|()| lock(&path));
        for _ in 0..ATTEMPTS {
            // An earlier run that created the directory and wrote nothing may have removed it in between.
            match &locked {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    locked = std::fs::create_dir_all(directory).and_then(|()| lock(&path));
                }
                _ => break,
            }
        }
        match locked {
            Ok(Lock::Taken(file)) => held.file = Some((file, path)),
            Ok(Lock::OfAnother(owner)) => return Err(in_use(directory, &owner)),
            Err(error) if fallback_directory::is_of_the_disk(&error) => {}
            Err(error) => {
                let message = format!("cannot write {}: {}", directory.display(), reason(&error));
                return Err(Error::new(ErrorKind::Usage, message).with_hint("name another place"));
            }
        }
        Ok(held)
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        if let Some((_lock, path)) = &self.file {
            // Removed while still locked: anyone who locks it later sees that its name is gone.
            let _ = std::fs::remove_file(path);
        }
        for directory in &self.made {
            // Succeeds only if the directory is empty.
            let _ = std::fs::remove_dir(directory);
        }
    }
}

enum Lock {
    Taken(File),
    OfAnother(String),
}

fn lock(path: &Path) -> std::io::Result<Lock> {
    loop {
        let mut file = open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // The owner's name may not be written yet; then nobody is named.
                let _ = file.read_to_string(&mut owner);
                return Ok(Lock::OfAnother(owner.trim().to_string()));
            }
            // Some file systems have no locks.
            Err(std::fs::TryLockError::Error(_)) => return Ok(Lock::Taken(file)),
        }
        // The previous owner may have removed the file after it was opened here.
        if path.metadata().is_ok_and(|named| is_same(&named, &file)) {
            // If the disk has no room for the name, the lock is enough.
            let _ = name_owner(&mut file);
            return Ok(Lock::Taken(file));
        }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    let opened = options.read(true).write(true).create(true).truncate(false).open(path);
    // A file created by another account can still be locked, opened read-only.
    opened.or_else(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => File::open(path).map_err(|_| error),
        _ => Err(error),
    })
}

fn name_owner(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "process {}", std::process::id())
}

fn is_same(named: &std::fs::Metadata, file: &File) -> bool {
    let id = |found: &std::fs::Metadata| (found.dev(), found.ino());
    file.metadata().is_ok_and(|opened| id(&opened) == id(named))
}

fn in_use(directory: &Path, owner: &str) -> Error {
    let who = match owner {
        "" => "another migtime".to_string(),
        owner => format!("another migtime, {owner},"),
    };
    let message = format!("{who} is writing its results into {}", directory.display());
    Error::new(ErrorKind::Usage, message).with_hint("wait for its end, or name another place with --output")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_directory_is_of_one_at_a_time() {
        let parent = tempfile::tempdir().expect("temporary directory");
        let directory = parent.path().join("reports/m");
        let first = DirectoryLock::of(&directory).expect("free");
        let refused = DirectoryLock::of(&directory).err().expect("in use");
        assert!(refused.message().contains(&format!("process {}", std::process::id())));
        drop(first);
        assert!(!parent.path().join("reports").exists(), "nothing was written into it");
        let second = DirectoryLock::of(&directory).expect("free again");
        std::fs::write(directory.join("rehearsal.json"), "").expect("file");
        drop(second);
        assert_eq!(std::fs::read_dir(&directory).expect("directory").count(), 1);
    }

    #[test]
    fn of_many_at_once_one_has_it_at_a_time() {
        let parent = tempfile::tempdir().expect("temporary directory");
        let (directory, held) = (parent.path().join("out"), AtomicU32::new(0));
        let claimed: u32 = std::thread::scope(|scope| {
            let race = || {
                let locks = (0..200).filter_map(|_| DirectoryLock::of(&directory).ok());
                let mut claimed = 0;
                for lock in locks {
                    assert_eq!(held.fetch_add(1, Ordering::SeqCst), 0, "two have it");
                    std::thread::yield_now();
                    held.fetch_sub(1, Ordering::SeqCst);
                    drop(lock);
                    claimed += 1;
                }
                claimed
            };
            let racers: Vec<_> = (0..8).map(|_| scope.spawn(race)).collect();
            racers.into_iter().map(|racer| racer.join().expect("no panic")).sum()
        });
        assert!(claimed > 0);
    }

    #[test]
    fn a_file_that_was_left_behind_keeps_nobody_out() {
        let directory = tempfile::tempdir().expect("temporary directory");
        std::fs::write(directory.path().join(FILE), "process 4711").expect("file");
        assert!(DirectoryLock::of(directory.path()).is_ok());
    }
}
