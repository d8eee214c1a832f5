//! Finds the PostgreSQL server binaries of this machine.
//!
//! Distributions install them in different places, and Debian's are not even on `PATH`. Nothing is ever downloaded: if
//! none are found, the error says what to install.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// The programs that an installation must have.
const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Returns the directory that holds `initdb`, `pg_ctl` and `postgres`.
///
/// Search order: `explicit`, the directories of `path`, then where packages install them, highest version first.
///
/// # Errors
/// `Connection` when there are none, or `explicit` lacks one of them.
pub fn find_server_binaries(explicit: Option<&Path>, path: Option<&std::ffi::OsStr>) -> Result<PathBuf> {
    if let Some(directory) = explicit {
        return check_explicit(directory);
    }
    let on_path = path
        .map(|path| std::env::split_paths(path).collect())
        .unwrap_or_default();
    [on_path, packaged_directories()]
        .concat()
        .into_iter()
        .find(|directory| missing_program(directory).is_none())
        .ok_or_else(|| Error::new(ErrorKind::Connection, "no PostgreSQL server binaries found").with_hint(remedy()))
}

fn check_explicit(directory: &Path) -> Result<PathBuf> {
    match missing_program(directory) {
        None => std::path::absolute(directory).map_err(|error| {
            Error::new(
                ErrorKind::Connection,
                format!("cannot use {}: {error}", directory.display()),
            )
        }),
        Some(program) => Err(Error::new(
            ErrorKind::Connection,
            format!("{} has no `{program}`", directory.display()),
        )
        .with_hint("name the directory that holds initdb, pg_ctl and postgres")),
    }
}

fn missing_program(directory: &Path) -> Option<&'static str> {
    NEEDED.into_iter().find(|program| !directory.join(program).is_file())
}

/// Returns the directories into which packages install, highest version first within each family.
fn packaged_directories() -> Vec<PathBuf> {
    let families = [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/usr/libexec", "postgresql", ""),
        ("/opt/homebrew/opt", "postgresql@", "bin"),
        ("/usr/local/opt", "postgresql@", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ];
    families
        .into_iter()
        .flat_map(|(parent, prefix, suffix)| {
            let names = std::fs::read_dir(parent)
                .into_iter()
                .flatten()
                .flatten()
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect();
            newest_first(names, prefix)
                .into_iter()
                .map(move |name| Path::new(parent).join(name).join(suffix))
        })
        .collect()
}

/// Returns the names that consist of `prefix` and a version, highest version first.
fn newest_first(names: Vec<String>, prefix: &str) -> Vec<String> {
    let mut versions: Vec<(Vec<u32>, String)> = names
        .into_iter()
        .filter_map(|name| {
            let version = name.strip_prefix(prefix)?;
            let parts: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
            parts.map(|parts| (parts, name))
        })
        .collect();
    versions.sort_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, name)| name).collect()
}

fn remedy() -> &'static str {
    if cfg!(target_os = "macos") {
        "`brew install postgresql@17`, or name their directory with --pg-bin DIR or MIGTIME_PG_BIN"
    } else {
        "`apt install postgresql`, `dnf install postgresql-server` or `apk add postgresql`, \
         or name their directory with --pg-bin DIR or MIGTIME_PG_BIN"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], prefix: &str, expected: &[&str]) {
        let names = names.iter().map(|name| name.to_string()).collect();
        assert_eq!(newest_first(names, prefix), expected);
    }

    #[test]
    fn versions_are_ordered_as_numbers() {
        check(&["9.6", "15", "13", "18"], "", &["18", "15", "13", "9.6"]);
        check(&["pgsql-9", "share", "pgsql-16"], "pgsql-", &["pgsql-16", "pgsql-9"]);
        check(&["postgresql", "postgresql@17"], "postgresql@", &["postgresql@17"]);
    }

    #[test]
    fn a_directory_is_taken_only_when_it_has_every_program() {
        let directory = tempfile::tempdir().expect("temporary directory");
        for program in ["initdb", "postgres"] {
            std::fs::write(directory.path().join(program), "").expect("file");
        }
        let error = find_server_binaries(Some(directory.path()), None).expect_err("pg_ctl is missing");
        assert_eq!(error.kind(), ErrorKind::Connection);
        assert!(error.message().ends_with("has no `pg_ctl`"), "{error}");

        std::fs::write(directory.path().join("pg_ctl"), "").expect("file");
        let found = find_server_binaries(None, Some(directory.path().as_os_str())).expect("all are there");
        assert_eq!(found, directory.path());
    }
}
