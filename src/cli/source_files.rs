//! Reads the file or directory that a person named as a migration: its texts, and the names of neighbouring files.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use super::files_below::DirectoryWalk;
use super::included_files::Tree;
use super::output::read_text;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::formats::{self, NamedAs, SourceFile};

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
    let tree = Tree::around(path);
    let files = paths_below(path)?
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

/// Returns the paths below a directory of the files in it, sorted.
fn paths_below(directory: &Path) -> Result<Vec<String>> {
    // A linked directory may lead round in a circle; a linked file is a file.
    let walk = DirectoryWalk {
        leaves_out_hidden: true,
        ..DirectoryWalk::default()
    };
    let mut paths = Vec::new();
    walk.each_below(directory, &mut |found| {
        let is_read = found.path.is_dir() || formats::is_of_interest(&found.relative);
        if is_read && found.path.file_name().and_then(OsStr::to_str).is_none() {
            return Err(not_utf8(&found.path));
        }
        if found.path.is_file() {
            paths.push(found.relative);
        }
        if paths.len() > MOST_FILES {
            let directory = found.path.parent().unwrap_or(directory);
            return Err(Error::new(
                ErrorKind::Usage,
                format!("{}: more than {MOST_FILES} files lie below it", directory.display()),
            )
            .with_hint("name the directory that holds the migrations"));
        }
        Ok(())
    })?;
    paths.sort();
    Ok(paths)
}
