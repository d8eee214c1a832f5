//! The throwaway server's directory, and the directories that a killed migtime left behind.
//!
//! The owner of a directory is the process that holds the lock on its `owner` file. The kernel releases the lock
//! whenever that process ends, even by `kill -9`. So a lock that can be taken proves that the owner is dead, without
//! relying on process ids, even between containers that share a temporary directory. The file gets its name only after
//! it is locked; a directory without `owner` is still being created and is left alone.

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::account::RunAs;
use crate::error::{Error, ErrorKind, Result};

const PREFIX: &str = "migtime-server-";

const OWNER: &str = "owner";

/// Longest socket path that every platform accepts (macOS 103 bytes, Linux 107).
const LONGEST_SOCKET_PATH: usize = 103;

/// A private directory owned by this process while this value lives.
pub struct OwnedDirectory {
    path: PathBuf,
    _lock: File,
}

impl OwnedDirectory {
    /// Creates the directory, with a path short enough for a socket and reachable by `run_as`.
    ///
    /// # Errors
    /// `Connection` when no temporary directory can be written to.
    pub fn create(run_as: RunAs) -> Result<OwnedDirectory> {
        let parent = temporary_directories()
            .into_iter()
            .find(|parent| run_as.can_enter(parent) && socket_fits(parent))
            .unwrap_or_else(|| PathBuf::from("/tmp"));
        Self::create_in(&parent, run_as).map_err(|error| {
            Error::new(
                ErrorKind::Connection,
                format!(
                    "cannot create a directory for the server in {}: {error}",
                    parent.display()
                ),
            )
            .with_hint("set TMPDIR to a directory that can be written to")
        })
    }

    fn create_in(parent: &Path, run_as: RunAs) -> std::io::Result<OwnedDirectory> {
        let directory = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)?;
        let unnamed = directory.path().join("owner.new");
        let mut lock = File::create(&unnamed)?;
        lock.lock()?;
        writeln!(lock, "migtime, process {}", std::process::id())?;
        std::fs::rename(&unnamed, directory.path().join(OWNER))?;
        run_as.give(directory.path())?;
        Ok(OwnedDirectory {
            path: directory.keep(),
            _lock: lock,
        })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Calls `clean` with every directory whose owner is dead and that belongs to the account of `run_as`.
pub fn for_each_leftover(run_as: RunAs, clean: impl Fn(&Path)) {
    for parent in temporary_directories() {
        for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            let named_so = entry.file_name().to_string_lossy().starts_with(PREFIX);
            // Not through a symbolic link: `DirEntry::metadata` describes the link itself.
            let ours = entry
                .metadata()
                .is_ok_and(|found| found.is_dir() && found.uid() == run_as.user_id());
            if named_so
                && ours
                && let Some(_lock) = lock_of_dead_owner(&entry.path())
            {
                clean(&entry.path());
            }
        }
    }
}

fn lock_of_dead_owner(directory: &Path) -> Option<File> {
    let lock = File::open(directory.join(OWNER)).ok()?;
    lock.try_lock().ok()?;
    Some(lock)
}

fn temporary_directories() -> Vec<PathBuf> {
    let mut directories = vec![std::env::temp_dir(), PathBuf::from("/tmp")];
    directories.dedup();
    directories
}

fn socket_fits(parent: &Path) -> bool {
    let socket = parent.join(format!("{PREFIX}123456/.s.PGSQL.65535"));
    socket.as_os_str().len() <= LONGEST_SOCKET_PATH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_a_leftover_only_when_its_owner_is_gone() {
        let parent = tempfile::tempdir().expect("temporary directory");
        let owned = OwnedDirectory::create_in(parent.path(), RunAs::Oneself).expect("directory");
        let path = owned.path().to_path_buf();
        assert!(lock_of_dead_owner(&path).is_none());
        drop(owned);
        assert!(lock_of_dead_owner(&path).is_some());
    }

    #[test]
    fn a_directory_that_is_still_being_made_is_left_alone() {
        let parent = tempfile::tempdir().expect("temporary directory");
        File::create(parent.path().join("owner.new")).expect("file");
        assert!(lock_of_dead_owner(parent.path()).is_none());
    }

    #[test]
    fn a_long_temporary_directory_is_not_used_for_sockets() {
        assert!(socket_fits(Path::new("/tmp")));
        assert!(!socket_fits(Path::new(&format!("/tmp/{}", "x".repeat(70)))));
    }
}
