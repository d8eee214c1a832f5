//! A history in a file: one outcome a line, only ever appended to.
//!
//! The file is locked while it is read and appended to, so that two who record at once lose nothing and double nothing.
//! What is appended is written in one piece, or taken back.

use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::new_outcome::{NewOutcome, no_history, unknown};
use crate::cli::output::text_of;
use crate::error::{Error, ErrorKind, Result, reason};
use crate::model::outcome::Outcome;

/// Reads the outcomes, in the order of the lines.
///
/// # Errors
/// `Usage` when there is no such file, or a line is no outcome.
pub fn read(path: &Path) -> Result<Vec<Outcome>> {
    let mut file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => no_history(&path.display().to_string()),
        _ => failed("read", path, &error),
    })?;
    // Some file systems have no locks; there, a line that is being written may look cut off.
    let _ = file.lock_shared();
    outcomes(&text(&mut file, path)?, path)
}

/// Appends the outcomes that are not there yet, and returns which these are.
///
/// # Errors
/// `Usage` when the file cannot be written, or a line of it is no outcome.
pub fn append(path: &Path, new: &[NewOutcome]) -> Result<Vec<bool>> {
    let mut file = open_locked(path)?;
    let before = text(&mut file, path)?;
    let added = unknown(&outcomes(&before, path)?, new);
    let mut lines = String::new();
    for (new, _) in new.iter().zip(&added).filter(|(_, added)| **added) {
        lines.push_str(&new.outcome.to_line());
    }
    if lines.is_empty() {
        return Ok(added);
    }
    if !before.is_empty() && !before.ends_with('\n') {
        // An editor left the last line without its end.
        lines.insert(0, '\n');
    }
    let written = file.write_all(lines.as_bytes()).and_then(|()| file.sync_data());
    written.map_err(|error| {
        // A part of a line would make the file unreadable; if it cannot be taken back either, the next one who reads is
        // told where it is.
        let _ = file.set_len(before.len() as u64);
        failed("write", path, &error)
    })?;
    Ok(added)
}

/// Opens the file for appending and waits until nobody else has locked it.
fn open_locked(path: &Path) -> Result<File> {
    loop {
        let opened = File::options().read(true).append(true).create(true).open(path);
        let file = opened.map_err(|error| failed("write", path, &error))?;
        let _ = file.lock();
        // While this waited, the file may have been replaced, as git does.
        let is_still_it = |named: Metadata| {
            let open = file.metadata();
            open.is_ok_and(|open| (open.dev(), open.ino()) == (named.dev(), named.ino()))
        };
        if path.metadata().is_ok_and(is_still_it) {
            return Ok(file);
        }
    }
}

fn text(file: &mut File, path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|error| failed("read", path, &error))?;
    text_of(bytes, path)
}

fn outcomes(text: &str, path: &Path) -> Result<Vec<Outcome>> {
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let read = |(line, number): (&str, usize)| {
        let outcome = Outcome::from_line(line, &format!("{}:{number}", path.display()));
        outcome.map_err(|error| match error.hint() {
            None => error.with_hint("take that line out, or take the file from where it was committed"),
            Some(_) => error,
        })
    };
    lines.map(read).collect()
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let message = format!("cannot {what} {}: {}", path.display(), reason(error));
    Error::new(ErrorKind::Usage, message).with_hint("name another file, or a database, with --history")
}
