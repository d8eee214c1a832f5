//! Where measurements are saved if their own directory cannot be written: a full disk, or one that became read-only.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const PREFIX: &str = "migtime-results-";

static DIRECTORY: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Returns the fallback for `directory`: a directory inside the temporary one that only this account can read, created
/// on first use. `None` if that cannot be written either.
pub fn instead_of(directory: &Path) -> Option<PathBuf> {
    let make = || {
        let made = tempfile::Builder::new().prefix(PREFIX).tempdir();
        made.ok().map(tempfile::TempDir::keep)
    };
    let fallback = DIRECTORY.get_or_init(make).as_ref()?;
    Some(match directory.file_name() {
        Some(name) => fallback.join(name),
        None => fallback.clone(),
    })
}

/// Returns whether the disk or its permissions refuse the file, as opposed to a path that could never hold one.
pub fn is_of_the_disk(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::FileTooLarge
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::PermissionDenied
    ) || error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}
