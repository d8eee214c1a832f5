//! The files below a directory that a person named, as far down as anything of ours is looked for.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result, reason};

/// Directories below the named one that are read; Flyway's may be nested by year and month.
const DEPTH: usize = 3;

/// Which of the files below a directory are of interest.
#[derive(Clone, Copy, Debug, Default)]
pub struct DirectoryWalk {
    /// Whether directories are entered through links, which may lead round in a circle.
    pub follows_links: bool,
    /// Whether files and directories are passed over whose names begin with a dot.
    pub leaves_out_hidden: bool,
    /// Whether what cannot be listed is passed over.
    pub leaves_out_unreadable: bool,
}

/// A file or a directory that was found.
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// Its path below the named directory, with `/`; what is not UTF-8 in it is replaced.
    pub relative: String,
    /// Whether it is a directory.
    pub is_directory: bool,
}

impl DirectoryWalk {
    /// Calls `take` with each file and directory below `directory`, a directory before what is in it.
    ///
    /// # Errors
    /// `Usage` when a directory cannot be listed; what `take` returns.
    pub fn each_below(self, directory: &Path, take: &mut dyn FnMut(Found) -> Result<()>) -> Result<()> {
        self.walk(directory, "", take)
    }

    fn walk(self, directory: &Path, prefix: &str, take: &mut dyn FnMut(Found) -> Result<()>) -> Result<()> {
        let entries = match std::fs::read_dir(directory) {
            Err(_) if self.leaves_out_unreadable => return Ok(()),
            entries => entries.map_err(|error| unreadable(directory, &error))?,
        };
        for entry in entries {
            let entry = match entry {
                Err(_) if self.leaves_out_unreadable => continue,
                entry => entry.map_err(|error| unreadable(directory, &error))?,
            };
            let (path, name) = (entry.path(), entry.file_name());
            let relative = format!("{prefix}{}", name.to_string_lossy());
            if self.leaves_out_hidden && is_hidden(&relative) {
                continue;
            }
            let is_directory = path.is_dir() && (self.follows_links || !path.is_symlink());
            take(Found {
                path: path.clone(),
                relative: relative.clone(),
                is_directory,
            })?;
            if is_directory && depth(&relative) < DEPTH {
                self.walk(&path, &format!("{relative}/"), take)?;
            }
        }
        Ok(())
    }
}

/// Says whether a file of this path below a directory would be found there: it is not hidden, and not too deep.
pub fn is_within_reach(relative: &str) -> bool {
    !is_hidden(relative) && depth(relative) <= DEPTH
}

fn is_hidden(relative: &str) -> bool {
    relative.split('/').any(|part| part.starts_with('.'))
}

/// Returns how many directories lie between the named one and this path.
fn depth(relative: &str) -> usize {
    relative.matches('/').count()
}

fn unreadable(directory: &Path, error: &std::io::Error) -> Error {
    let message = format!("cannot read {}: {}", directory.display(), reason(error));
    Error::new(ErrorKind::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_deep_and_nothing_hidden() {
        let root = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(root.path().join("a/b/c/d")).expect("directories");
        std::fs::create_dir(root.path().join(".git")).expect("a directory");
        for file in ["1.sql", "a/b/c/2.sql", "a/b/c/d/3.sql", ".git/4.sql", "a/.5.sql"] {
            std::fs::write(root.path().join(file), "").expect("a file");
        }
        std::os::unix::fs::symlink(root.path(), root.path().join("a/round")).expect("a link");
        let files = |walk: DirectoryWalk| {
            let mut files = Vec::new();
            let mut take = |found: Found| {
                files.extend((!found.is_directory && found.path.is_file()).then_some(found.relative));
                Ok(())
            };
            walk.each_below(root.path(), &mut take).expect("a walk");
            files.sort();
            files
        };
        let visible = DirectoryWalk {
            leaves_out_hidden: true,
            ..DirectoryWalk::default()
        };
        assert_eq!(files(visible), ["1.sql", "a/b/c/2.sql"]);
        assert!(files(visible).iter().all(|file| is_within_reach(file)));
        assert!(!is_within_reach("a/b/c/d/3.sql") && !is_within_reach(".git/4.sql"));
        assert_eq!(
            files(DirectoryWalk::default()),
            [".git/4.sql", "1.sql", "a/.5.sql", "a/b/c/2.sql"]
        );
        let linked = DirectoryWalk {
            follows_links: true,
            ..visible
        };
        assert_eq!(files(linked), ["1.sql", "a/b/c/2.sql", "a/round/1.sql"]);
    }
}
