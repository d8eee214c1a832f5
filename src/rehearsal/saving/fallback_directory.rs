//! Where what was measured goes when its own place takes no more: a full disk, one that became read-only.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const PREFIX: &str = "migtime-results-";

static DIRECTORY: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Returns where the files of `directory` go instead: a directory that only this account reads, in the temporary one, made when
/// it is first needed; `None` where that takes nothing either.
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

/// Tells whether it is the disk or its rights that take no file, not a path that could never hold one.
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
