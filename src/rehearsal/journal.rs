//! Keeps `rehearsal.json` on disk while the rehearsal goes on, so that whatever interrupts it loses next to nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::torn_files::{self, remove_torn_files};
use crate::error::{Error, ErrorKind, Result, reason};
use crate::observation::Rehearsal;

/// A save may take at most this share of the rehearsal's time.
const SHARE_OF_TIME: u32 = 100;
/// Saves are at least this far apart.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);

/// The file a rehearsal is saved to, again and again.
pub struct Journal {
    path: Option<PathBuf>,
    next_save: Instant,
    has_saved: bool,
    unsaved: Option<Error>,
    enclosing: Option<Enclosing>,
}

/// What the file holds while a part of the rehearsal is kept apart, made of that part.
type Enclosing = Box<dyn Fn(&Rehearsal) -> Rehearsal>;

impl Journal {
    /// Creates a journal that saves to `path`, or nowhere.
    pub fn new(path: Option<PathBuf>) -> Self {
        Journal {
            path,
            next_save: Instant::now(),
            has_saved: false,
            unsaved: None,
            enclosing: None,
        }
    }

    /// Saves what `enclosing` makes of each rehearsal in its stead, until told otherwise: a rollback is saved as a part of its
    /// migration's rehearsal.
    pub fn enclose(&mut self, enclosing: Option<Enclosing>) {
        self.enclosing = enclosing;
    }

    /// Returns whether the last save is long enough ago; a file of a million batches must not be written every second.
    pub fn is_due(&self) -> bool {
        self.path.is_some() && Instant::now() >= self.next_save
    }

    /// Saves if it is possible: a full disk must not end a rehearsal that may find room again at its end.
    pub fn try_save(&mut self, rehearsal: &Rehearsal) {
        self.unsaved = self.save(rehearsal).err();
        if self.unsaved.is_some() {
            self.next_save = Instant::now() + SHORTEST_PAUSE;
        }
    }

    /// Tells whether there is something on disk that this journal saved.
    pub fn has_saved(&self) -> bool {
        self.has_saved
    }

    /// Tells whether the last state that was to be saved is on disk.
    ///
    /// # Errors
    /// `Usage` with why it is not.
    pub fn is_saved(&self) -> Result<()> {
        match &self.unsaved {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Saves at once.
    ///
    /// # Errors
    /// `Usage` when the file cannot be written; the previous version then stands.
    pub fn save(&mut self, rehearsal: &Rehearsal) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let begin = Instant::now();
        let text = match &self.enclosing {
            Some(enclosing) => enclosing(rehearsal).to_json(),
            None => rehearsal.to_json(),
        };
        if !self.has_saved
            && let Some(directory) = path.parent()
        {
            remove_torn_files(directory);
        }
        write_atomically(path, text.as_bytes())?;
        self.has_saved = true;
        self.next_save = Instant::now() + (begin.elapsed() * SHARE_OF_TIME).max(SHORTEST_PAUSE);
        Ok(())
    }
}

/// Writes a file so that a reader sees either the old or the new content, never a part.
///
/// A symbolic link stays one. What is no regular file (a pipe, a device) is written to and never replaced.
///
/// # Errors
/// `Usage` with the path and the reason (disk full, no permission, no such directory).
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<()> {
    try_write(path, content).map_err(|error| {
        Error::new(
            ErrorKind::Usage,
            format!("cannot write {}: {}", path.display(), reason(&error)),
        )
        .with_hint("name another place, or make room there")
    })
}

fn try_write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    if path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return std::fs::File::options().write(true).open(&path)?.write_all(content);
    }
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    // As any other new file: what the person's umask keeps from others stays theirs.
    let as_any_other = std::fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new()
        .prefix(torn_files::PREFIX)
        .permissions(as_any_other)
        .tempfile_in(directory)?;
    // Where the file system has no locks, the file is only not protected from a clean-up that comes a minute later.
    let _ = file.as_file().try_lock();
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
