//! A file of a migration tool as text, with errors at its lines.

use std::sync::Arc;

use super::super::tool::Tool;
use crate::error::{Error, ErrorKind, Location};

/// A file as the caller found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Name for messages.
    pub name: String,
    /// Path relative to the named directory, with `/`. For a single file and its companions: the directory's name
    /// followed by the file's name.
    pub path: String,
    /// Its text; `None` if only the name matters.
    pub text: Option<Arc<str>>,
}

impl SourceFile {
    pub(super) fn text(&self) -> &str {
        // A byte order mark would hide a marker on the first line.
        let text = self.text.as_deref().unwrap_or_default();
        text.strip_prefix('\u{feff}').unwrap_or(text)
    }

    pub(super) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the directories between the named one and the file, joined by `/`; may be empty.
    pub(super) fn directory(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(directory, _)| directory)
    }
}

/// What the person named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedAs {
    /// A file: the first of those given. The others are its companions.
    File,
    /// A directory with all its files.
    Directory,
}

/// Returns a usage error at a line of a file.
pub(super) fn refused(file: &SourceFile, line: usize, message: impl std::fmt::Display) -> Error {
    Error::at(ErrorKind::Usage, Location::line(Some(&file.name), line), message)
}

/// Returns the error for a file that lies next to a migration but is not one.
pub(super) fn not_run(file: &SourceFile, tool: Tool) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("{}: {} does not run this file", file.name, tool.name()),
    )
    .with_hint("name the migration beside it, or their directory")
}
