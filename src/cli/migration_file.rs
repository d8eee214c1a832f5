//! Reads a migration from disk with all that it includes, and cuts it into steps once the tables are known.

use std::path::{Path, PathBuf};

use super::arguments::BatchArguments;
use super::output::read_text;
use crate::catalog::{self, facts::TableFacts};
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{self, BatchOptions, Include, Included, Statement, Step, Tables};
use crate::server::Reader;

/// A migration as read from disk.
pub struct MigrationFile {
    /// Name of the file, for reports.
    pub name: String,
    statements: Vec<Statement>,
}

/// A migration whose tables are known.
pub struct PlannedMigration {
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// What the catalog says of its tables, each once.
    pub tables: Vec<TableFacts>,
}

impl MigrationFile {
    /// Reads the migration in `path`, following `\i` and `\ir` as psql does.
    ///
    /// # Errors
    /// `Usage` with `file:line` for what cannot be read or is no SQL.
    pub fn read(path: &Path) -> Result<MigrationFile> {
        let name = path.display().to_string();
        let statements = migration::parse_with(&read_text(path)?, &name, &mut |include| read_include(include))?;
        Ok(MigrationFile { name, statements })
    }

    /// Returns its statements, in order.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Looks the tables up and cuts the migration into steps.
    ///
    /// # Errors
    /// `Usage` with `file:line` for batches that cannot be made; `Connection` when the catalog cannot be read.
    pub fn plan(&self, reader: &mut Reader, batching: &BatchArguments) -> Result<PlannedMigration> {
        let (tables, refused) = self.look_up(reader)?;
        let options = BatchOptions {
            batch_size: batching.batch_size,
            walk: batching.walk.map(Into::into),
            ..BatchOptions::default()
        };
        let steps =
            migration::steps(&self.statements, &tables, &options).map_err(|error| explained(error, &refused))?;
        let tables = each_once(tables);
        Ok(PlannedMigration { steps, tables })
    }

    /// Looks up those of its tables that there are.
    ///
    /// # Errors
    /// `Connection` when the catalog cannot be read.
    pub fn tables(&self, reader: &mut Reader) -> Result<Vec<TableFacts>> {
        self.look_up(reader).map(|(tables, _)| each_once(tables))
    }

    /// Returns the tables by the names as written, and why others are none.
    fn look_up(&self, reader: &mut Reader) -> Result<(Tables, Vec<(String, Error)>)> {
        let mut tables = Tables::new();
        let mut refused = Vec::new();
        for name in migration::tables_of(&self.statements) {
            match catalog::table(reader, &name) {
                Ok(facts) => {
                    tables.insert(name, facts);
                }
                // The migration may make it first, or work on a view: the server will say what is wrong with it.
                Err(error) if error.kind() == ErrorKind::Usage => refused.push((name, error)),
                Err(error) => return Err(error),
            }
        }
        Ok((tables, refused))
    }
}

fn each_once(tables: Tables) -> Vec<TableFacts> {
    let mut tables: Vec<TableFacts> = tables.into_values().collect();
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    tables.dedup_by(|one, other| one.name == other.name);
    tables
}

/// Passes on why the catalog does not have the table that is to be batched.
fn explained(error: Error, refused: &[(String, Error)]) -> Error {
    let missing = |name: &str| error.message().contains(&format!(" {name} is not in the catalog"));
    match refused.iter().find(|(name, _)| missing(name)) {
        Some((_, reason)) => {
            let advice = reason.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            error.with_hint(format!("{reason}{advice}"))
        }
        None => error,
    }
}

fn read_include(include: &Include) -> Result<Included> {
    let path = match (include.relative, Path::new(include.file).parent()) {
        (true, Some(directory)) => directory.join(include.path),
        _ => PathBuf::from(include.path),
    };
    Ok(Included {
        file: path.display().to_string(),
        text: read_text(&path)?,
    })
}
