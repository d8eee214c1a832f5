//! The one error type: what went wrong in one line, what to do about it, and which exit code it means.
//!
//! An error is a sentence for a person. It never holds a password and never shows a `Debug` form. This room knows no
//! other room: whoever raises an error puts it into words. Whoever catches one never reads these words: it asks for the
//! kind, the location, or the cause, which is a type of the room that raised it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// What an error means to the caller of the program; determines the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A gate failed: over budget, outside the window (exit 1).
    Gate,
    /// Arguments, or a file that cannot be read, understood or written (exit 2).
    Usage,
    /// No connection, a lost connection, or no server binaries (exit 3).
    Connection,
    /// The target must not be written to: production, a standby, read-only (exit 3).
    UnsafeTarget,
    /// A statement of the migration failed in rehearsal (exit 4).
    MigrationFailed,
    /// Too little evidence to promise a number (exit 5).
    TooLittleEvidence,
    /// The user interrupted the program before there was an answer (exit 5).
    Interrupted,
}

impl ErrorKind {
    /// Returns the documented process exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Gate => 1,
            ErrorKind::Usage => 2,
            ErrorKind::Connection | ErrorKind::UnsafeTarget => 3,
            ErrorKind::MigrationFailed => 4,
            ErrorKind::TooLittleEvidence | ErrorKind::Interrupted => 5,
        }
    }
}

/// Where in a text something stands; printed as `file:line:column`, `file:line` or `line 3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file, as the person named it; `None` where there is only one.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: usize,
    /// The character of the line, from 1, where it is known.
    pub column: Option<usize>,
}

/// An error for a person: one clear line, optionally an excerpt (a caret under the SQL) and a hint.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    excerpt: Option<String>,
    hint: Option<String>,
    located: Option<Box<Located>>,
    cause: Option<Arc<dyn Any + Send + Sync>>,
}

#[derive(Clone, Debug)]
struct Located {
    location: Location,
    /// What happened there, without the location.
    what: String,
}

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Creates an error. `message` is one lower-case sentence without a full stop that says what went wrong, and where.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            kind,
            message: message.into(),
            excerpt: None,
            hint: None,
            located: None,
            cause: None,
        }
    }

    /// Creates an error at a location: `location: message`.
    pub fn at(kind: ErrorKind, location: Location, message: impl fmt::Display) -> Self {
        Error::new(kind, message.to_string()).located(location)
    }

    /// Changes the kind of the error, where the caller knows better what it means.
    pub fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Adds advice on what to do about it, shown after `hint:`.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds lines of the input with the position marked, shown below the message.
    pub fn with_excerpt(mut self, excerpt: impl Into<String>) -> Self {
        self.excerpt = Some(excerpt.into());
        self
    }

    /// Puts the failure into a wider context: `context: message`.
    pub fn in_context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// Says where it happened: `location: message`.
    pub fn located(self, location: Location) -> Self {
        let context = location.to_string();
        self.located_in(location, context)
    }

    /// Says where it happened, in a context that names the location: `context: message`. The innermost location stays.
    pub fn located_in(self, location: Location, context: impl fmt::Display) -> Self {
        self.with_location(location).in_context(context)
    }

    /// Says where it happened, which the message does already. The innermost location stays.
    pub fn with_location(mut self, location: Location) -> Self {
        if self.located.is_none() {
            let what = self.message.clone();
            self.located = Some(Box::new(Located { location, what }));
        }
        self
    }

    /// Adds what a caller may tell the error from others by: a value of a type of the room that raises it.
    pub fn because(mut self, cause: impl Any + Send + Sync) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// Returns what the error means to the caller.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the one-line message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns where it happened, if that is a place in a text.
    pub fn location(&self) -> Option<&Location> {
        self.located.as_ref().map(|located| &located.location)
    }

    /// Returns the message without its location and the contexts around it; the whole where it has none.
    pub fn what(&self) -> &str {
        self.located.as_ref().map_or(&self.message, |located| &located.what)
    }

    /// Returns the cause, if it is one of this type.
    pub fn cause<Cause: Any>(&self) -> Option<&Cause> {
        self.cause.as_ref()?.downcast_ref()
    }

    /// Returns the marked lines of input, if any.
    pub fn excerpt(&self) -> Option<&str> {
        self.excerpt.as_deref()
    }

    /// Returns what to do about it, if known.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// Returns the operating system's description of the error, without the error number.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_string(),
        None => text,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl Location {
    /// Returns a line of a file, or of the only one there is.
    pub fn line(file: Option<&str>, line: usize) -> Location {
        Location {
            file: file.map(str::to_string),
            line,
            column: None,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(formatter, "{file}:{}", self.line)?,
            None => write!(formatter, "line {}", self.line)?,
        }
        match self.column {
            Some(column) => write!(formatter, ":{column}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_an_error_stays_with_it_in_any_context() {
        #[derive(Debug, PartialEq)]
        struct NotThere(u32);
        let location = Location {
            file: Some("m.sql".to_string()),
            line: 3,
            column: Some(7),
        };
        let error = Error::at(ErrorKind::Usage, location.clone(), "is wrong")
            .because(NotThere(5))
            .located_in(Location::line(None, 9), "step 2 at line 9")
            .in_context("on the base");
        assert_eq!(error.message(), "on the base: step 2 at line 9: m.sql:3:7: is wrong");
        assert_eq!(error.location(), Some(&location), "the innermost");
        assert_eq!(error.what(), "is wrong");
        assert_eq!(error.cause(), Some(&NotThere(5)));
        assert_eq!(error.cause::<String>(), None);
    }
}
