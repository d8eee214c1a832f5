//! Reads the file or directory that a person named as a migration: its texts, and the names of neighbouring files.

use std::path::Path;
use std::sync::Arc;

use super::included_files::Tree;
use super::output::read_text;
use crate::error::{Error, ErrorKind, Result, reason};
use crate::migration::formats::{self, NamedAs, SourceFile};

/// Depth of directories that are read below the named one; Flyway's may be nested by year and month.
const DEPTH: usize = 3;

/// Most files in a directory, far more than any history of migrations has.
const MOST_FILES: usize = 20_000;

/// Reads the file or directory at `path`.
///
/// # Errors
/// `Usage` when it cannot be read, is not UTF-8, or is a directory with far too many files.
pub fn read(path: &Path) -> Result<(Vec<SourceFile>, NamedAs)> {
    if !path.is_dir() {
        return Ok((with_companions(path)?, NamedAs::File));
    }
    let mut paths = Vec::new();
    collect(path, "", DEPTH, &mut paths)?;
    paths.sort();
    let tree = Tree::around(path);
    let files = paths
        .into_iter()
        .map(|relative| file(&path.join(&relative), relative, &tree));
    Ok((files.collect::<Result<_>>()?, NamedAs::Directory))
}

fn with_companions(path: &Path) -> Result<Vec<SourceFile>> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let directory = path.parent().unwrap_or(Path::new(""));
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let parent = absolute.parent().and_then(Path::file_name).unwrap_or_default();
    let parent = parent.to_string_lossy();
    let mut files = vec![SourceFile {
        name: path.display().to_string(),
        path: format!("{parent}/{name}"),
        text: Some(Arc::from(read_text(path)?)),
    }];
    for beside in formats::companions(&name) {
        let path = directory.join(&beside);
        if path.is_file() {
            files.push(file(&path, format!("{parent}/{beside}"), &Tree::around(directory))?);
        }
    }
    Ok(files)
}

/// Reads a file that was found, not named; a symbolic link must not lead out of `tree`.
fn file(path: &Path, relative: String, tree: &Tree) -> Result<SourceFile> {
    let read = || tree.find(path).and_then(|_| read_text(path)).map(Arc::from);
    let text = formats::is_of_interest(&relative).then(read);
    Ok(SourceFile {
        name: path.display().to_string(),
        text: text.transpose()?,
        path: relative,
    })
}

/// Returns the error for a path that is not UTF-8: tools know migrations by their names, which are text.
fn not_utf8(path: &Path) -> Error {
    Error::new(ErrorKind::Usage, format!("{}: its name is not UTF-8", path.display()))
        .with_hint("rename it, or name the one file to be read")
}

/// Collects the paths of the files below a directory.
fn collect(directory: &Path, prefix: &str, depth: usize, files: &mut Vec<String>) -> Result<()> {
    let unreadable = |error: std::io::Error| {
        Error::new(
            ErrorKind::Usage,
            format!("cannot read {}: {}", directory.display(), reason(&error)),
        )
    };
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let relative = format!("{prefix}{name}");
        let is_read = entry.path().is_dir() || formats::is_of_interest(&relative);
        if entry.file_name().to_str().is_none() && is_read {
            return Err(not_utf8(&entry.path()));
        }
        // A linked directory may form a cycle, so it is skipped; a linked file is read.
        if entry.file_type().map_err(unreadable)?.is_dir() {
            if depth > 0 {
                collect(&entry.path(), &format!("{relative}/"), depth - 1, files)?;
            }
        } else if entry.path().is_file() {
            files.push(relative);
        }
        if files.len() > MOST_FILES {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("{}: more than {MOST_FILES} files lie below it", directory.display()),
            )
            .with_hint("name the directory that holds the migrations"));
        }
    }
    Ok(())
}
