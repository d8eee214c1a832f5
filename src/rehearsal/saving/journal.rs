//! Keeps `rehearsal.json` on disk while the rehearsal goes on, so that whatever interrupts it loses next to nothing.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::torn_files::{self, remove_torn_files};
use super::{earlier_results, fallback_directory};
use crate::error::{Error, ErrorKind, Result, reason};
use crate::observation::Rehearsal;
use crate::rehearsal::resume::{CutOff, ResumeLog};

/// A save may take at most this share of the rehearsal's time.
const SHARE_OF_TIME: u32 = 100;
/// Saves are at least this far apart.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);
/// What to do where nothing can be written.
const ANOTHER_PLACE: &str = "name another place, or make room there";

/// The file a rehearsal is saved to, again and again.
pub struct Journal {
    path: Option<PathBuf>,
    next_save: Instant,
    has_saved: bool,
    /// Whether the file is an earlier rehearsal that is not to be lost; `None` before that was looked at.
    holds_earlier: Option<bool>,
    unsaved: Option<Error>,
    fallback: Option<PathBuf>,
    tell: fn(&str),
    enclosing: Option<Enclosing>,
    log: Rc<ResumeLog>,
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
            holds_earlier: None,
            unsaved: None,
            fallback: None,
            tell: |_| {},
            enclosing: None,
            log: Rc::default(),
        }
    }

    /// Lets `tell` hear, in words for the person, where it saves instead and what it keeps.
    pub fn telling(mut self, tell: fn(&str)) -> Self {
        self.tell = tell;
        self
    }

    /// Keeps `log`, with which the rehearsal can go on when it is cut off.
    pub fn keep_log(&mut self, log: ResumeLog) {
        self.log = Rc::new(log);
    }

    /// Returns the log of the rehearsal under way, which may be none.
    pub fn log(&self) -> Rc<ResumeLog> {
        Rc::clone(&self.log)
    }

    /// Takes the file for this rehearsal's own where it is that of the one that was `cut_off`.
    pub fn go_on_with(&mut self, cut_off: &CutOff) {
        let text = self.path.as_deref().and_then(|path| std::fs::read_to_string(path).ok());
        let found = text.and_then(|text| Rehearsal::from_json(&text, "").ok());
        if found.is_some_and(|found| found.started_at == cut_off.rehearsal.started_at) {
            self.holds_earlier = Some(false);
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

    /// Saves for the first time, or makes sure that it could where an earlier rehearsal stays until something is measured.
    ///
    /// # Errors
    /// `Usage` when nothing can be written there and nothing is lost by saying so, or nothing elsewhere either.
    pub fn begin(&mut self, rehearsal: &Rehearsal) -> Result<()> {
        let Err(error) = self.write(rehearsal) else {
            return Ok(());
        };
        if fallback_directory::is_of_the_disk(&error) || self.has_saved {
            self.take_refuge(rehearsal, &error);
        }
        match self.fallback {
            Some(_) => Ok(()),
            None => Err(self.cannot_write(&error)),
        }
    }

    /// Saves if it is possible, in the temporary directory if not here: a full disk must not end a rehearsal that may find room
    /// again at its end.
    pub fn try_save(&mut self, rehearsal: &Rehearsal) {
        match self.write(rehearsal) {
            Ok(()) => {
                self.unsaved = None;
                if let Some(fallback) = self.fallback.take() {
                    let _ = std::fs::remove_file(fallback);
                }
            }
            Err(error) => self.take_refuge(rehearsal, &error),
        }
    }

    /// Tells whether there is something on disk that this journal saved.
    pub fn has_saved(&self) -> bool {
        self.has_saved
    }

    /// Tells whether the file still is that of an earlier rehearsal, because this one measured nothing.
    pub fn holds_earlier(&self) -> bool {
        self.holds_earlier == Some(true)
    }

    /// Tells whether the last state that was to be saved is on disk, where it was to be.
    ///
    /// # Errors
    /// `Usage` with why it is not, and where it is instead.
    pub fn is_saved(&self) -> Result<()> {
        match &self.unsaved {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    fn write(&mut self, rehearsal: &Rehearsal) -> std::io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let begin = Instant::now();
        let enclosed = self.enclosing.as_ref().map(|enclosing| enclosing(rehearsal));
        let rehearsal = enclosed.as_ref().unwrap_or(rehearsal);
        let text = rehearsal.to_json();
        if !self.has_saved
            && let Some(directory) = path.parent()
        {
            remove_torn_files(directory);
        }
        if *self
            .holds_earlier
            .get_or_insert_with(|| earlier_results::is_worth_keeping(path))
        {
            if !earlier_results::has_measured(rehearsal) {
                self.next_save = Instant::now() + SHORTEST_PAUSE;
                return could_write(path, text.as_bytes());
            }
            earlier_results::keep(path)?;
            self.holds_earlier = Some(false);
            (self.tell)(&format!(
                "the earlier rehearsal is kept as {}",
                earlier_results::kept_as(path).display()
            ));
        }
        try_write(path, text.as_bytes())?;
        self.has_saved = true;
        self.next_save = Instant::now() + (begin.elapsed() * SHARE_OF_TIME).max(SHORTEST_PAUSE);
        Ok(())
    }

    /// Saves in the temporary directory, after `error` kept it from its own place.
    fn take_refuge(&mut self, rehearsal: &Rehearsal, error: &std::io::Error) {
        self.next_save = Instant::now() + SHORTEST_PAUSE;
        let unsaved = self.cannot_write(error);
        let enclosed = self.enclosing.as_ref().map(|enclosing| enclosing(rehearsal));
        let text = enclosed.as_ref().unwrap_or(rehearsal).to_json();
        let Some(fallback) = self.path.as_deref().and_then(fallback_place) else {
            self.unsaved = Some(unsaved);
            return;
        };
        if try_write(&fallback, text.as_bytes()).is_err() {
            self.unsaved = Some(unsaved);
            return;
        }
        let message = format!("{unsaved}; what is measured is saved as {}", fallback.display());
        if self.fallback.is_none() {
            (self.tell)(&format!("warning: {message}"));
        }
        self.has_saved = true;
        self.fallback = Some(fallback);
        self.unsaved = Some(Error::new(ErrorKind::Usage, message).with_hint(ANOTHER_PLACE));
    }

    fn cannot_write(&self, error: &std::io::Error) -> Error {
        cannot_write(self.path.as_deref().unwrap_or(Path::new("")), error)
    }
}

fn fallback_place(path: &Path) -> Option<PathBuf> {
    let directory = fallback_directory::instead_of(path.parent().unwrap_or(Path::new("")))?;
    Some(directory.join(path.file_name()?))
}

/// Writes a file so that a reader sees either the old or the new content, never a part.
///
/// A symbolic link stays one. What is no regular file (a pipe, a device) is written to and never replaced.
///
/// # Errors
/// `Usage` with the path and the reason (disk full, no permission, no such directory).
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<()> {
    try_write(path, content).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Error {
    let message = format!("cannot write {}: {}", path.display(), reason(error));
    Error::new(ErrorKind::Usage, message).with_hint(ANOTHER_PLACE)
}

fn try_write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write;

    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    if path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return std::fs::File::options().write(true).open(&path)?.write_all(content);
    }
    let written = write_beside(&path, content)?;
    written.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// Makes sure that `content` could be written to the file that is at `path`, and leaves that as it is.
fn could_write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    write_beside(&path.canonicalize()?, content).map(drop)
}

/// Writes a file under a name of its own into the directory of `path`; it is gone with the value.
fn write_beside(path: &Path, content: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

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
    Ok(file)
}
