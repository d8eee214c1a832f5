//! Finds the new migrations: those of the current history that the base's history does not contain.
//!
//! Histories are compared, not files: a tool may keep several migrations in one file, or one in several.

use std::path::Path;
use std::sync::Arc;

use super::super::{files_below, output, source_files};
use super::git::Repository;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::Tool;
use crate::migration::formats::{self, History, Migration, NamedAs, NoMigration, SourceFile};

/// What a branch changes in a history.
pub struct Pending {
    /// The tool that uses these files.
    pub tool: Tool,
    /// The migrations already applied to databases that follow the base, in order, as the base has them.
    pub applied: Vec<Migration>,
    /// The migrations that the branch adds, in order.
    pub new: Vec<Migration>,
    /// The migrations of the base that the branch changed, as they are now.
    pub changed: Vec<Migration>,
}

impl Pending {
    /// Compares `path` now with `path` at `commit`.
    ///
    /// # Errors
    /// `Usage` for what cannot be read; see [`formats::read`].
    pub fn since(repository: &Repository, commit: &str, path: &Path, told: Option<Tool>) -> Result<Pending> {
        let name = path.display().to_string();
        let (files, place) = source_files::read(path)?;
        let now = formats::read(&name, files, place, told)?;
        for remark in &now.remarks {
            output::print_note(&format!("hint: {remark}"));
        }
        let files = files_at(repository, commit, path, place)?;
        let before = if files.iter().any(|file| file.text.is_some()) {
            read_before(&name, files, place, now.tool)?
        } else {
            Vec::new()
        };
        Ok(compared(now, before))
    }
}

/// Reads the history of the base; empty if it had no migration yet.
fn read_before(name: &str, files: Vec<SourceFile>, place: NamedAs, tool: Tool) -> Result<Vec<Migration>> {
    match formats::read(name, files, place, Some(tool)) {
        Ok(history) => Ok(history.migrations),
        Err(error) if error.cause::<NoMigration>().is_some() => Ok(Vec::new()),
        Err(error) => Err(error.in_context("on the base")),
    }
}

fn compared(now: History, before: Vec<Migration>) -> Pending {
    let mut pending = Pending {
        tool: now.tool,
        applied: before,
        new: Vec::new(),
        changed: Vec::new(),
    };
    for migration in now.migrations {
        let before = pending
            .applied
            .iter()
            .find(|before| before.version == migration.version);
        match before.map(|before| before.up.text() == migration.up.text()) {
            None => pending.new.push(migration),
            Some(false) => pending.changed.push(migration),
            Some(true) => {}
        }
    }
    pending
}

/// Returns the files that `source_files::read` would have found at `commit`.
fn files_at(repository: &Repository, commit: &str, path: &Path, place: NamedAs) -> Result<Vec<SourceFile>> {
    let absolute = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let root = std::fs::canonicalize(repository.root()).unwrap_or_else(|_| repository.root().to_path_buf());
    let inside = absolute.strip_prefix(&root).map_err(|_| {
        let message = format!("{} is not in the repository {}", path.display(), root.display());
        Error::new(ErrorKind::Usage, message)
    })?;
    let inside = inside.to_string_lossy().into_owned();
    if place == NamedAs::File {
        return companions_at(repository, commit, &inside);
    }
    let prefix = match inside.as_str() {
        "" => String::new(),
        inside => format!("{inside}/"),
    };
    let mut files: Vec<SourceFile> = repository
        .files_at(commit, &prefix)?
        .into_iter()
        .filter_map(|file| {
            let relative = file.path.strip_prefix(&prefix)?.to_string();
            files_below::is_within_reach(&relative).then(|| source_file(&file.path, relative, &file.content))
        })
        .collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// Returns a file at `commit` with the files next to it that say how it is run; empty if it did not exist.
fn companions_at(repository: &Repository, commit: &str, inside: &str) -> Result<Vec<SourceFile>> {
    let (directory, name) = inside.rsplit_once('/').unwrap_or(("", inside));
    let parent = directory.rsplit('/').next().unwrap_or_default();
    let mut files = Vec::new();
    for name in std::iter::once(name.to_string()).chain(formats::companions(name)) {
        let path = if directory.is_empty() {
            name.clone()
        } else {
            format!("{directory}/{name}")
        };
        for file in repository.files_at(commit, &path)? {
            files.push(source_file(&file.path, format!("{parent}/{name}"), &file.content));
        }
        if files.is_empty() {
            break;
        }
    }
    Ok(files)
}

fn source_file(name: &str, path: String, content: &[u8]) -> SourceFile {
    let text = formats::is_of_interest(&path).then(|| Arc::from(String::from_utf8_lossy(content).as_ref()));
    SourceFile {
        name: name.to_string(),
        path,
        text,
    }
}
