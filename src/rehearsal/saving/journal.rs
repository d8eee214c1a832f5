//! Saves `rehearsal.json` regularly during the rehearsal, so that an interruption loses almost nothing.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::torn_files::{self, remove_torn_files};
use super::{earlier_results, fallback_directory};
use crate::error::{Error, ErrorKind, Result, reason};
use crate::observation::Rehearsal;
use crate::rehearsal::resume::{CutOff, ResumeLog};

/// Saving may take at most one part in this many of the rehearsal's time.
const SHARE_OF_TIME: u32 = 100;
/// Shortest time between two saves.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);
/// The hint for a place that cannot be written.
const ANOTHER_PLACE: &str = "name another place, or make room there";

/// The file to which a rehearsal is saved repeatedly.
pub struct Journal {
    path: Option<PathBuf>,
    next_save: Instant,
    has_saved: bool,
    /// Whether the file is an earlier rehearsal that must not be lost; `None` until that is checked.
    holds_earlier: Option<bool>,
    unsaved: Option<Error>,
    fallback: Option<PathBuf>,
    tell: fn(&str),
    enclosing: Option<Enclosing>,
    log: Rc<ResumeLog>,
}

/// Builds the file's content from a part of the rehearsal that is recorded separately.
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

    /// Sets `tell`, which is called with a message when the journal saves elsewhere or keeps an earlier file.
    pub fn telling(mut self, tell: fn(&str)) -> Self {
        self.tell = tell;
        self
    }

    /// Stores `log`, with which the rehearsal can be resumed if it is cut off.
    pub fn keep_log(&mut self, log: ResumeLog) {
        self.log = Rc::new(log);
    }

    /// Returns the log of the running rehearsal, which may be switched off.
    pub fn log(&self) -> Rc<ResumeLog> {
        Rc::clone(&self.log)
    }

    /// Treats the existing file as this rehearsal's own if it belongs to the rehearsal that was `cut_off`.
    pub fn go_on_with(&mut self, cut_off: &CutOff) {
        let text = self.path.as_deref().and_then(|path| std::fs::read_to_string(path).ok());
        let found = text.and_then(|text| Rehearsal::from_json(&text, "").ok());
        if found.is_some_and(|found| found.started_at == cut_off.rehearsal.started_at) {
            self.holds_earlier = Some(false);
        }
    }

    /// From now on, saves what `enclosing` makes of each rehearsal, or the rehearsal itself for `None`. A rollback is
    /// saved as a part of its migration's rehearsal.
    pub fn enclose(&mut self, enclosing: Option<Enclosing>) {
        self.enclosing = enclosing;
    }

    /// Returns whether the last save is long enough ago; a file of a million batches must not be written every second.
    pub fn is_due(&self) -> bool {
        self.path.is_some() && Instant::now() >= self.next_save
    }

    /// Saves for the first time. If an earlier rehearsal must stay until something is measured, only checks that saving
    /// would work.
    ///
    /// # Errors
    /// `Usage` when the file cannot be written and nothing is measured yet, or the fallback cannot be written either.
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

    /// Saves if possible, in the temporary directory if necessary: a full disk must not end a rehearsal, as there may
    /// be room again by its end.
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

    /// Returns whether this journal has saved anything.
    pub fn has_saved(&self) -> bool {
        self.has_saved
    }

    /// Returns whether the file is still that of an earlier rehearsal, because this one measured nothing.
    pub fn holds_earlier(&self) -> bool {
        self.holds_earlier == Some(true)
    }

    /// Checks that the latest state is saved at the intended path.
    ///
    /// # Errors
    /// `Usage` with the reason why it is not, and where it was saved instead.
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

    /// Saves in the temporary directory after `error` prevented saving at the intended path.
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
/// A symbolic link stays a link. Anything that is not a regular file (a pipe, a device) is written to and never
/// replaced.
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

/// Checks that `content` could be written to the file at `path`, and leaves that file unchanged.
fn could_write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    write_beside(&path.canonicalize()?, content).map(drop)
}

/// Writes a temporary file into the directory of `path`; it is deleted when the value is dropped.
fn write_beside(path: &Path, content: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    // Like any other new file, subject to the umask.
    let as_any_other = std::fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new()
        .prefix(torn_files::PREFIX)
        .permissions(as_any_other)
        .tempfile_in(directory)?;
    // Without locks in the file system, the only loss is that a clean-up a minute later may remove the file.
    let _ = file.as_file().try_lock();
    file.write_all(content)?;
    file.as_file().sync_all()?;
    Ok(file)
}
