//! The program's output: data on stdout; progress, hints and errors on stderr; files complete or not at all.

use std::io::{IsTerminal, Write};
use std::path::Path;

use crate::error::{Error, ErrorKind, Location, Result, reason};
use crate::shown::{printable_line, without_secrets};

use crate::rehearsal::saving::fallback_directory;
pub use crate::rehearsal::saving::journal::write_atomically;

/// Lets `write` write its files into `directory`, or all of them into the temporary directory if one cannot be written.
///
/// # Errors
/// `Usage` with the reason why they are not in `directory`, and where they are instead.
pub fn or_in_refuge(directory: &Path, write: impl Fn(&Path) -> Result<()>) -> Result<()> {
    let Err(error) = write(directory) else { return Ok(()) };
    let Some(fallback) = fallback_directory::instead_of(directory).filter(|fallback| write(fallback).is_ok()) else {
        return Err(error);
    };
    let message = format!("{error}; the results are in {}", fallback.display());
    let moved = Error::new(error.kind(), message);
    Err(match error.hint() {
        Some(hint) => moved.with_hint(hint),
        None => moved,
    })
}

/// Writes measurements to the file at `path`, or into the temporary directory if that fails.
///
/// # Errors
/// `Usage` with the reason why they are not at `path`, and where they are instead.
pub fn write_measured(path: &Path, content: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default();
    let directory = path.parent().unwrap_or(Path::new(""));
    or_in_refuge(directory, |directory| write_atomically(&directory.join(name), content))
}

/// Prints an error: `error:`, the marked input if there is any, and a `hint:`.
pub fn print_error(error: &Error) {
    let mut text = format!("error: {}\n", fit(error.message()));
    for line in error.excerpt().unwrap_or_default().trim_end().lines() {
        text.push_str(&fit(line));
        text.push('\n');
    }
    if let Some(hint) = error.hint() {
        text.push_str(&format!("hint: {}\n", fit(hint)));
    }
    print_note_text(&text);
}

/// Prints a line for the person on stderr.
pub fn print_note(line: &str) {
    print_note_text(&format!("{}\n", fit(line)));
}

/// Sanitises a line: names and server messages may contain line breaks, escape sequences, secrets, and CI commands.
fn fit(line: &str) -> String {
    printable_line(&without_secrets(line))
}

fn print_note_text(text: &str) {
    // If stderr is closed, the error cannot be reported.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes a result to `file`, or to stdout.
///
/// # Errors
/// `Usage` when it cannot be written; a pipe closed by its reader is not an error.
pub fn deliver(content: &[u8], file: Option<&Path>) -> Result<()> {
    if let Some(path) = file {
        return write_atomically(path, content);
    }
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(content).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::new(
            ErrorKind::Usage,
            format!("cannot write to stdout: {}", reason(&error)),
        )),
        _ => Ok(()),
    }
}

/// Returns the width of the terminal on stdout, or a readable width for a file, and whether to use colour.
pub fn terminal() -> (u16, bool) {
    let is_terminal = std::io::stdout().is_terminal();
    let width = match rustix::termios::tcgetwinsize(std::io::stdout()) {
        Ok(size) if is_terminal && size.ws_col >= 40 => size.ws_col.min(140),
        _ => 100,
    };
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    (width, is_terminal && !plain)
}

/// Reads a text file.
///
/// # Errors
/// `Usage` with the path and the reason.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|error| {
        Error::new(
            ErrorKind::Usage,
            format!("cannot read {}: {}", path.display(), reason(&error)),
        )
    })?;
    text_of(bytes, path)
}

/// Decodes a file's bytes as text.
///
/// # Errors
/// `Usage` with the line that is not UTF-8.
pub fn text_of(bytes: Vec<u8>, path: &Path) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        let location = Location::line(Some(&path.display().to_string()), line);
        Error::at(ErrorKind::Usage, location, "not UTF-8").with_hint("convert it, for example with iconv -t UTF-8")
    })
}
