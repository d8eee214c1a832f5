//! Where a history is kept: named, or found from the current directory.

use std::fmt;
use std::path::{Path, PathBuf};

use super::new_outcome::NewOutcome;
use super::{file, table};
use crate::cli::arguments::HistoryFlags;
use crate::error::Result;
use crate::model::history::ordered;
use crate::model::outcome::Outcome;

/// The file that is used where none is named.
const FILE: &str = "migtime-history.jsonl";
/// The configuration of `migtime ci`, beside which the file belongs.
const CONFIGURATION: &str = "migtime.toml";

/// A place where outcomes are kept.
pub enum Place {
    /// A file of one outcome a line.
    File(PathBuf),
    /// The table `migtime_history` of the database with this name.
    Table(String),
}

impl Place {
    /// Returns the named place; a name that is no connection URI and no service is a file.
    pub fn named(name: &str) -> Place {
        let begins = |prefix: &&str| name.starts_with(*prefix);
        if ["postgres://", "postgresql://", "service="].iter().any(begins) {
            Place::Table(name.to_string())
        } else {
            Place::File(PathBuf::from(name))
        }
    }

    /// Returns the named place, or else the file that is usual here, which need not exist.
    pub fn named_or_usual(name: Option<&str>) -> Place {
        match name {
            Some(name) => Place::named(name),
            None => Place::File(usual(&std::env::current_dir().unwrap_or_default())),
        }
    }

    /// Reads all outcomes, in the order in which they were recorded.
    ///
    /// # Errors
    /// `Usage` when there is no history, or a line of it is none; `Connection`, `UnsafeTarget` for a table.
    pub fn read(&self, no_password: bool) -> Result<Vec<Outcome>> {
        let outcomes = match self {
            Place::File(path) => file::read(path)?,
            Place::Table(url) => table::read(url, no_password)?,
        };
        Ok(ordered(outcomes))
    }

    /// Records those of `outcomes` that are not there yet: all of them or, on an error, none. Returns for each whether
    /// it was added.
    ///
    /// # Errors
    /// As [`Place::read`], except that a history that is not there is begun.
    pub fn record(&self, outcomes: &[NewOutcome], no_password: bool) -> Result<Vec<bool>> {
        match self {
            Place::File(path) => file::append(path, outcomes),
            Place::Table(url) => table::insert(url, outcomes, no_password),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => write!(formatter, "{}", path.display()),
            Place::Table(url) => write!(formatter, "{} of {url}", table::TABLE),
        }
    }
}

/// Returns the outcomes from which an estimate learns: of the named place, or of the usual file if there is one.
///
/// # Errors
/// As [`Place::read`].
pub fn known(flags: &HistoryFlags, no_password: bool) -> Result<Vec<Outcome>> {
    let place = Place::named_or_usual(flags.history.as_deref());
    let is_missing = matches!(&place, Place::File(path) if flags.history.is_none() && !path.exists());
    if flags.no_history || is_missing {
        return Ok(Vec::new());
    }
    place.read(no_password)
}

/// Returns the file in `directory` or in the nearest one above, up to the root of the repository; if there is none,
/// where it would be begun: beside the configuration, or in `directory`.
fn usual(directory: &Path) -> PathBuf {
    let in_repository = directory.ancestors().any(|above| above.join(".git").exists());
    let mut places = vec![directory];
    for above in directory.ancestors().skip(1).filter(|_| in_repository) {
        if places.last().is_some_and(|below| below.join(".git").exists()) {
            break;
        }
        places.push(above);
    }
    let holds = |name: &str| places.iter().find(|place| place.join(name).exists());
    let place = holds(FILE).or_else(|| holds(CONFIGURATION)).unwrap_or(&directory);
    match place.strip_prefix(directory) {
        Ok(_) => PathBuf::from(FILE),
        Err(_) => place.join(FILE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_table_if_it_leads_to_a_database() {
        for name in ["postgres://h/d", "postgresql:///d", "service=shared"] {
            assert!(matches!(Place::named(name), Place::Table(url) if url == name), "{name}");
        }
        assert!(matches!(Place::named("a=b/history.jsonl"), Place::File(_)));
    }

    #[test]
    fn the_file_is_looked_for_up_to_the_root_of_the_repository() {
        let outside = tempfile::tempdir().expect("a directory");
        let (root, below) = (outside.path().join("shop"), outside.path().join("shop/db/migrations"));
        std::fs::create_dir_all(&below).expect("directories");
        let write = |path: PathBuf| std::fs::write(path, "").expect("a file");
        write(outside.path().join(FILE));
        assert_eq!(usual(&below), Path::new(FILE), "without a repository, only here");
        std::fs::create_dir(root.join(".git")).expect("a directory");
        assert_eq!(usual(&below), Path::new(FILE), "not beyond the repository");
        write(root.join(CONFIGURATION));
        assert_eq!(usual(&below), root.join(FILE));
        write(root.join("db").join(FILE));
        assert_eq!(usual(&below), root.join("db").join(FILE));
        assert_eq!(usual(&root), Path::new(FILE));
    }
}
