//! Reads the files that `\i` and `\ir` name, but only inside the migration's tree: a migration under review must not be
//! able to show, or hang on, other files of the machine that rehearses it.
//!
//! The tree is the repository that contains the migration, without hidden files (`.env`, `.git`). Outside a repository
//! it is the migration's own directory, or the directory that was named. Symbolic links are resolved before the check.

use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use super::output::text_of;
use crate::error::{Error, ErrorKind, Result, reason};
use crate::migration::{Include, Included};

/// Far more files than any migration includes; stops recursive includes, such as twenty levels that each include the
/// next twice.
const MOST_FILES: usize = 5_000;
/// Largest size of an included file, in bytes.
const MOST_BYTES: u64 = 64 << 20;
/// Largest total size of all included files, in bytes.
const MOST_BYTES_TOGETHER: u64 = 256 << 20;

/// The files that a migration may include, and how much it has included so far.
pub struct IncludedFiles {
    tree: Tree,
    files: usize,
    bytes: u64,
}

impl IncludedFiles {
    /// Starts with the tree around `named`, a file or a directory.
    pub fn around(named: &Path) -> IncludedFiles {
        IncludedFiles {
            tree: Tree::around(named),
            files: 0,
            bytes: 0,
        }
    }

    /// Reads an included file, named relative to the working directory or to the including file, as in psql.
    ///
    /// # Errors
    /// `Usage` when it cannot be read, lies outside the tree, is not a plain file, or is far too large.
    pub fn read(&mut self, include: &Include) -> Result<Included> {
        let path = match (include.relative, Path::new(include.file).parent()) {
            (true, Some(directory)) => directory.join(include.path),
            _ => PathBuf::from(include.path),
        };
        let text = self.text(&path)?;
        Ok(Included {
            file: path.display().to_string(),
            text,
        })
    }

    fn text(&mut self, path: &Path) -> Result<String> {
        let found = self.tree.find(path)?;
        self.files += 1;
        if self.files > MOST_FILES {
            return Err(usage(path, &format!("more than {MOST_FILES} files are included"))
                .with_hint("does a file include the next one more than once?"));
        }
        let left = MOST_BYTES.min(MOST_BYTES_TOGETHER - self.bytes);
        let unreadable = |error: std::io::Error| usage(path, &format!("cannot be read: {}", reason(&error)));
        let mut bytes = Vec::new();
        open(&found)
            .map_err(unreadable)?
            .take(left + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > left {
            let message = format!(
                "included files may hold {} MB each and {} MB together",
                MOST_BYTES >> 20,
                MOST_BYTES_TOGETHER >> 20
            );
            return Err(usage(path, &message));
        }
        self.bytes += bytes.len() as u64;
        text_of(bytes, path)
    }
}

/// Where the files of a migration are.
pub struct Tree {
    root: PathBuf,
    /// The directory that was named, or the one of the named file; it may itself be hidden.
    named: PathBuf,
}

impl Tree {
    /// Returns the tree of `named`: the repository around it, or else `named` itself if it is a directory, or else the
    /// directory that contains it. For anything that is not a plain file, such as a pipe, this is the working
    /// directory.
    pub fn around(named: &Path) -> Tree {
        let found = named.canonicalize().unwrap_or_else(|_| named.to_path_buf());
        let current = || std::env::current_dir().unwrap_or_default();
        let directory = match (found.is_dir(), found.is_file()) {
            (true, _) => found,
            (_, true) => found.parent().map_or_else(current, Path::to_path_buf),
            _ => current(),
        };
        let named = directory.canonicalize().unwrap_or(directory);
        let repository = named.ancestors().find(|parent| parent.join(".git").exists());
        Tree {
            root: repository.map_or(named.clone(), Path::to_path_buf),
            named,
        }
    }

    /// Returns the resolved path of `path`, if that is a plain file in the tree.
    ///
    /// # Errors
    /// `Usage` when it is not; a file outside the tree is never read.
    pub fn find(&self, path: &Path) -> Result<PathBuf> {
        let found = path.canonicalize().map_err(|error| {
            Error::new(
                ErrorKind::Usage,
                format!("cannot read {}: {}", path.display(), reason(&error)),
            )
        })?;
        let is_hidden = |part: Component| part.as_os_str().as_encoded_bytes().starts_with(b".");
        let inner = found
            .strip_prefix(&self.named)
            .or_else(|_| found.strip_prefix(&self.root));
        match inner {
            Err(_) => {
                let message = format!("lies outside the migration's tree, {}", self.root.display());
                Err(usage(path, &message).with_hint(
                    "a migration is made of files of its repository, or else of the directory that is named or that \
                     its file is in",
                ))
            }
            Ok(inner) if inner.components().any(is_hidden) => {
                Err(usage(path, "is hidden, or lies in a hidden directory").with_hint("no hidden file is a migration"))
            }
            Ok(_) if !found.is_file() => Err(usage(path, "is not a plain file")),
            Ok(_) => Ok(found),
        }
    }
}

/// Opens a file without blocking: it may have become a pipe since it was checked.
fn open(path: &Path) -> std::io::Result<std::fs::File> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    std::fs::File::options()
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)
}

fn usage(path: &Path, message: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{}: {message}", path.display()))
}
