//! Scenarios: a folder with a schema that fills itself with data, a migration and its rollback, of any size, from a
//! seed.
//!
//! They are used by the demo, the tests and the benchmark, and a team can add its own. This file reads and fills them;
//! it neither plans nor times their migrations.

use std::path::{Path, PathBuf};

use postgres::Client;
use postgres::error::ErrorPosition;
use serde::Deserialize;

use super::history;
use crate::error::{Error, ErrorKind, Location, Result, reason};
use crate::migration::{self, Statement, StepKind};
use crate::server::server_error;

const DESCRIPTION: &str = "scenario.toml";
const SCHEMA: &str = "schema.sql";
const MIGRATION: &str = "migration.sql";
const ROLLBACK: &str = "rollback.sql";

/// One scenario, as its `scenario.toml` describes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Folder that holds its four files.
    #[serde(skip)]
    pub directory: PathBuf,
    /// What happens, in one line.
    pub title: String,
    /// What it shows, and why its duration is hard to predict.
    pub shows: String,
    /// Default number of rows of `table`.
    pub rows: u64,
    /// Default seed of its data.
    pub seed: u64,
    /// Batch size with which its backfills are meant to be walked: rows, or key values for a walk by key range.
    #[serde(default = "default_batch_size")]
    pub batch_size: u64,
    /// Table that the migration works on, quoted for SQL where necessary.
    pub table: String,
    /// Kinds of the migration's steps, in order, as far as its text shows.
    pub steps: Vec<StepKind>,
    /// Whether the rollback brings back the rows of `table` as well as the schema.
    pub reversible: bool,
}

impl Scenario {
    /// Reads the scenario in `directory`.
    ///
    /// # Errors
    /// `Usage` when one of its four files is missing, or with file and line when `scenario.toml` cannot be read.
    pub fn load(directory: &Path) -> Result<Scenario> {
        let file = directory.join(DESCRIPTION);
        let text = read(&file)?;
        let mut scenario: Scenario = toml::from_str(&text).map_err(|error| not_understood(&file, &text, &error))?;
        if scenario.rows == 0 || scenario.batch_size == 0 {
            let message = format!("{}: rows and batch_size must be above 0", file.display());
            return Err(Error::new(ErrorKind::Usage, message));
        }
        for name in [SCHEMA, MIGRATION, ROLLBACK] {
            if !directory.join(name).is_file() {
                return Err(not_a_scenario(directory, name));
            }
        }
        scenario.directory = directory.to_path_buf();
        Ok(scenario)
    }

    /// Reads every scenario below `directory`, in the order of their names.
    ///
    /// # Errors
    /// `Usage` when `directory` cannot be read, holds no folder, or one of its folders is not a scenario.
    pub fn all(directory: &Path) -> Result<Vec<Scenario>> {
        let unreadable = |error| cannot_read(directory, &error);
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.is_dir() {
                folders.push(path);
            }
        }
        if folders.is_empty() {
            let message = format!("{} holds no scenarios", directory.display());
            return Err(Error::new(ErrorKind::Usage, message));
        }
        folders.sort();
        folders.iter().map(|folder| Scenario::load(folder)).collect()
    }

    /// Returns the name of its folder.
    pub fn name(&self) -> String {
        let name = self.directory.file_name().unwrap_or(self.directory.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Returns the file of its migration.
    pub fn migration(&self) -> PathBuf {
        self.directory.join(MIGRATION)
    }

    /// Returns the file that undoes its migration.
    pub fn rollback(&self) -> PathBuf {
        self.directory.join(ROLLBACK)
    }

    /// Creates its tables in an empty database, fills them with `rows` rows drawn from `seed`, and vacuums and analyses
    /// them. The same rows and seed give the same data.
    ///
    /// # Errors
    /// `Usage` with file and line when a statement of `schema.sql` fails; `Connection` when the connection is lost.
    pub fn fill(&self, client: &mut Client, rows: u64, seed: u64) -> Result<()> {
        fill_from(&self.directory.join(SCHEMA), client, rows, seed)
    }
}

/// Runs the statements of a schema file in an empty database, with `:rows` and `:seed` replaced, and vacuums and
/// analyses what they made.
///
/// # Errors
/// As [`Scenario::fill`].
pub fn fill_from(schema: &Path, client: &mut Client, rows: u64, seed: u64) -> Result<()> {
    let text = std::fs::read_to_string(schema).map_err(|error| cannot_read(schema, &error))?;
    fill_with(&text, &schema.display().to_string(), client, rows, seed)
}

/// Does the same with the text of a schema; `file` is its name in error messages.
///
/// # Errors
/// As [`Scenario::fill`].
pub fn fill_with(schema: &str, file: &str, client: &mut Client, rows: u64, seed: u64) -> Result<()> {
    let variables = [("rows", rows.to_string()), ("seed", seed_literal(seed))];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let text = migration::substitute(schema, file, &variables)?;
    for statement in migration::parse(&text, file)? {
        history::run(client, &statement).map_err(|error| failed(&statement, &error))?;
    }
    // Insert counters that arrive after the ANALYZE would look like changes made since (PostgreSQL 15 and later publish
    // them when a session goes idle, or on request).
    let publish = "DO 'BEGIN IF current_setting(''server_version_num'')::int >= 150000 THEN \
                   PERFORM pg_catalog.pg_stat_force_next_flush(); END IF; END'";
    client
        .batch_execute(publish)
        .and_then(|()| client.batch_execute("VACUUM (ANALYZE)"))
        .map_err(|error| server_error(&error, ErrorKind::Usage).in_context(file))
}

fn default_batch_size() -> u64 {
    migration::DEFAULT_BATCH_SIZE
}

/// Returns the seed as a `bigint`, PostgreSQL's largest integer, which is signed; different seeds stay different.
fn seed_literal(seed: u64) -> String {
    format!("({})", seed as i64)
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|error| match (error.kind(), file.parent()) {
        (std::io::ErrorKind::NotFound, Some(directory)) if directory.is_dir() => not_a_scenario(directory, DESCRIPTION),
        _ => cannot_read(file, &error),
    })
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("cannot read {}: {}", path.display(), reason(error)),
    )
}

fn not_a_scenario(directory: &Path, missing: &str) -> Error {
    let message = format!("{} is not a scenario: it has no {missing}", directory.display());
    Error::new(ErrorKind::Usage, message).with_hint(format!(
        "a scenario is a folder with {DESCRIPTION}, {SCHEMA}, {MIGRATION} and {ROLLBACK}"
    ))
}

fn not_understood(file: &Path, text: &str, error: &toml::de::Error) -> Error {
    let line = match error.span() {
        Some(span) => format!(":{}", line_of(text, span.start)),
        None => String::new(),
    };
    let message = error.message().replace('\n', "; ");
    Error::new(ErrorKind::Usage, format!("{}{line}: {message}", file.display()))
}

/// Returns the error with the line the server points at, or else the statement's first line.
fn failed(statement: &Statement, error: &postgres::Error) -> Error {
    let line = match error.as_db_error().and_then(|server| server.position()) {
        Some(ErrorPosition::Original(character)) => {
            let before = statement.sql.chars().take(*character as usize);
            statement.line + before.filter(|character| *character == '\n').count()
        }
        _ => statement.line,
    };
    server_error(error, ErrorKind::Usage).located(Location::line(Some(&statement.file), line))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESCRIBED: &str = "title = \"t\"\nshows = \"s\"\nrows = 10\nseed = 1\nbatch_size = 5\ntable = \"public.t\"\n\
                             steps = [\"backfill\"]\nreversible = true\n";

    fn folder(description: &str, files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("temporary directory");
        std::fs::write(folder.path().join(DESCRIPTION), description).expect("file");
        for file in files {
            std::fs::write(folder.path().join(file), "").expect("file");
        }
        folder
    }

    fn check(description: &str, files: &[&str], expected: &str) {
        let folder = folder(description, files);
        let error = Scenario::load(folder.path()).expect_err(expected);
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!(
            error.message().replace(&*folder.path().to_string_lossy(), "x"),
            expected
        );
    }

    #[test]
    fn a_complete_folder_is_a_scenario() {
        let folder = folder(DESCRIBED, &[SCHEMA, MIGRATION, ROLLBACK]);
        let scenario = Scenario::load(folder.path()).expect("complete");
        assert_eq!(scenario.steps, [StepKind::Backfill]);
        assert_eq!(scenario.migration(), folder.path().join(MIGRATION));
    }

    #[test]
    fn what_is_wrong_with_a_folder_is_said_with_file_and_line() {
        let all = [SCHEMA, MIGRATION, ROLLBACK];
        check(
            DESCRIBED,
            &[SCHEMA, MIGRATION],
            "x is not a scenario: it has no rollback.sql",
        );
        let described = DESCRIBED.replace("seed", "sed");
        check(
            &described,
            &all,
            "x/scenario.toml:4: unknown field `sed`, expected one of `title`, `shows`, `rows`, `seed`, `batch_size`, \
             `table`, `steps`, `reversible`",
        );
        check(
            &DESCRIBED.replace("batch_size = 5", "batch_size = 0"),
            &all,
            "x/scenario.toml: rows and batch_size must be above 0",
        );
        check("", &all, "x/scenario.toml:1: missing field `title`");
    }

    #[test]
    fn a_folder_of_something_else_is_refused() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let error = Scenario::load(folder.path()).expect_err("empty");
        assert!(
            error.message().ends_with("is not a scenario: it has no scenario.toml"),
            "{error}"
        );
        let error = Scenario::all(folder.path()).expect_err("empty");
        assert!(error.message().ends_with("holds no scenarios"), "{error}");
    }

    #[test]
    fn every_seed_is_a_bigint() {
        assert_eq!(seed_literal(7), "(7)");
        assert_eq!(seed_literal(u64::MAX), "(-1)");
    }
}
