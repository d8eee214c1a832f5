//! A file of a migration tool as text, and errors at its lines.

use std::sync::Arc;

use super::super::tool::Tool;
use crate::error::{Error, ErrorKind, Location};

/// A file as the caller found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Name for messages.
    pub name: String,
    /// Path below the directory that was named, with `/`; of a single file and its companions their name behind that of their
    /// directory.
    pub path: String,
    /// Its text; `None` for one of which only the name matters.
    pub text: Option<Arc<str>>,
}

impl SourceFile {
    pub(super) fn text(&self) -> &str {
        // A byte order mark hides the marker of a first line.
        let text = self.text.as_deref().unwrap_or_default();
        text.strip_prefix('\u{feff}').unwrap_or(text)
    }

    pub(super) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the directories between the named one and the file, joined by `/`; empty when there are none.
    pub(super) fn directory(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(directory, _)| directory)
    }
}

/// What the person named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedAs {
    /// One file; the first of those given. The others are its companions.
    File,
    /// A directory with all its files.
    Directory,
}

/// Returns a usage error at a line of a file.
pub(super) fn refused(file: &SourceFile, line: usize, message: impl std::fmt::Display) -> Error {
    Error::at(ErrorKind::Usage, Location::line(Some(&file.name), line), message)
}

/// Says that a file stands beside a migration, and is none.
pub(super) fn not_run(file: &SourceFile, tool: Tool) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("{}: {} does not run this file", file.name, tool.name()),
    )
    .with_hint("name the migration beside it, or their directory")
}
