//! Keeps `rehearsal.json` on disk while the rehearsal goes on, so that whatever interrupts it loses next to nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::observation::Rehearsal;

/// A save may take at most this share of the rehearsal's time.
const SHARE_OF_TIME: u32 = 100;
/// Saves are at least this far apart.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);

/// The file a rehearsal is saved to, again and again.
pub struct Journal {
    path: Option<PathBuf>,
    next_save: Instant,
}

impl Journal {
    /// Creates a journal that saves to `path`, or nowhere.
    pub fn new(path: Option<PathBuf>) -> Self {
        Journal {
            path,
            next_save: Instant::now(),
        }
    }

    /// Returns whether the last save is long enough ago; a file of a million batches must not be written every second.
    pub fn is_due(&self) -> bool {
        self.path.is_some() && Instant::now() >= self.next_save
    }

    /// Saves if it is possible: a full disk must not end a rehearsal that may find room again at its end.
    pub fn try_save(&mut self, rehearsal: &Rehearsal) {
        if self.save(rehearsal).is_err() {
            self.next_save = Instant::now() + SHORTEST_PAUSE;
        }
    }

    /// Saves at once.
    ///
    /// # Errors
    /// `Usage` when the file cannot be written; the previous version then stands.
    pub fn save(&mut self, rehearsal: &Rehearsal) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let begin = Instant::now();
        write_atomically(path, rehearsal.to_json().as_bytes())?;
        self.next_save = Instant::now() + (begin.elapsed() * SHARE_OF_TIME).max(SHORTEST_PAUSE);
        Ok(())
    }
}

/// Writes a file so that a reader sees either the old or the new content, never a part.
///
/// # Errors
/// `Usage` with the path and the reason (disk full, no permission, no such directory).
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<()> {
    try_write(path, content).map_err(|error| {
        Error::new(ErrorKind::Usage, format!("cannot write {}: {error}", path.display()))
            .with_hint("name another place with --output DIR, or make room there")
    })
}

fn try_write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write;

    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mut file = tempfile::Builder::new().prefix(".migtime-").tempfile_in(directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    make_readable(file.as_file())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Gives the file the permissions any other new file would have; temporary files are private.
fn make_readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}
