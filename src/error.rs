//! The one error type: what went wrong in one line, what to do about it, and which exit code it means.
//!
//! An error is a sentence for a person. It never contains a password or a `Debug` form. This room knows no other room:
//! the code that raises an error writes its text.

use std::fmt;

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

/// An error for a person: one clear line, optionally an excerpt (a caret under the SQL) and a hint.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    excerpt: Option<String>,
    hint: Option<String>,
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
        }
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

    /// Returns what the error means to the caller.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the one-line message.
    pub fn message(&self) -> &str {
        &self.message
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
