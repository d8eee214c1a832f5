//! Reads what `\i` and `\ir` name, inside the migration's tree only: a migration under review must not show, or hang on, other
//! files of the machine that rehearses it.
//!
//! The tree is the repository that the migration lies in, without what is hidden in it (`.env`, `.git`); outside a repository it
//! is the migration's own directory, or the one that was named. Links are followed before it is decided.

use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use super::output::text_of;
use crate::error::{Error, ErrorKind, Result, reason};
use crate::migration::{Include, Included};

/// Far more files than any migration includes; one that includes the next twice, twenty deep, is stopped here.
const MOST_FILES: usize = 5_000;
/// The largest file that is included.
const MOST_BYTES: u64 = 64 << 20;
/// The most that all included files may hold together.
const MOST_BYTES_TOGETHER: u64 = 256 << 20;

/// The files that one migration may include, and how much it has included so far.
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

    /// Reads what an include names: from the working directory, or from the including file's, as psql does.
    ///
    /// # Errors
    /// `Usage` when it cannot be read, lies outside the tree, is no plain file, or is far too much.
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
    /// The directory that was named, or that of the file; it may be hidden itself.
    named: PathBuf,
}

impl Tree {
    /// Returns the repository around `named`, else itself where it is a directory, else the directory it lies in; for what is no
    /// plain file, such as a pipe, the working directory.
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

    /// Returns where `path` really is, if that is a plain file of the tree.
    ///
    /// # Errors
    /// `Usage` when it is not; nothing of a file outside is read.
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
                    "a migration is made of files of its repository, or else of the directory that is named or that its file is in",
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

/// Opens a file without waiting: it may have become a pipe since it was looked at.
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
