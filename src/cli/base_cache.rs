//! Servers that were filled with the base of a pull request, kept so that the next job need not fill one again.
//!
//! In `$XDG_CACHE_HOME/migtime/bases` (usually below `~/.cache`), one directory each, named after a hash of everything
//! on which its content depends. Where that directory cannot be written, nothing is kept.

use std::fs::{DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::staging_area::StagingArea;
use crate::error::Result;

/// Most servers that are kept; each takes about 50 MB, more with rows.
const MOST: usize = 5;

/// The place of one kept server.
pub struct BaseCache {
    directory: PathBuf,
}

impl BaseCache {
    /// Returns the place for what depends on `key`; `None` where nothing can be kept.
    pub fn of(key: &str) -> Option<BaseCache> {
        let absolute = |name: &str| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
        let bases = cache.join("migtime/bases");
        DirBuilder::new().recursive(true).mode(0o700).create(&bases).ok()?;
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Some(BaseCache {
            directory: bases.join(format!("{:016x}", hasher.finish())),
        })
    }

    /// Returns the directory of the kept server, if there is one, and notes that it was used.
    pub fn find(&self) -> Option<PathBuf> {
        let directory = File::open(&self.directory).ok()?;
        // Only says which one is removed first.
        let _ = directory.set_modified(SystemTime::now());
        Some(self.directory.clone())
    }

    /// Removes the kept server.
    pub fn remove(&self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }

    /// Keeps a server, and removes those that were not used for the longest time.
    ///
    /// # Errors
    /// `Connection` when the server does not start again. That it cannot be kept is no error.
    pub fn keep(&self, staging_area: &StagingArea) -> Result<()> {
        let unfinished = self.directory.with_extension(std::process::id().to_string());
        let kept = staging_area.keep(&unfinished);
        if kept.is_ok() && std::fs::rename(&unfinished, &self.directory).is_ok() {
            self.remove_others();
        } else {
            let _ = std::fs::remove_dir_all(&unfinished);
        }
        // What counts is whether the server runs.
        staging_area.staged().map(drop)
    }

    fn remove_others(&self) {
        let bases = self.directory.parent().unwrap_or(Path::new(""));
        let entries = std::fs::read_dir(bases).into_iter().flatten().flatten();
        let mut kept: Vec<(SystemTime, PathBuf)> = entries
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        kept.sort();
        let excess = kept.len().saturating_sub(MOST);
        for (_, directory) in kept
            .into_iter()
            .take(excess)
            .filter(|(_, directory)| *directory != self.directory)
        {
            let _ = std::fs::remove_dir_all(directory);
        }
    }
}
