//! Reads a migration, or a directory's history, from disk, selects the requested part, and splits it into steps once
//! the tables are known.

use std::path::{Path, PathBuf};

use super::arguments::{BatchArguments, SelectionArguments};
use super::included_files::IncludedFiles;
use super::output::print_note;
use super::{source_files, tool_settings};
use crate::catalog::facts::TableFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::formats::{self, History, Migration, NamedAs, Script, Scripts};
use crate::migration::{self, BIG_TABLE_ROWS, BatchOptions, NotInCatalog, Statement, Step, Tables, Tool};
use crate::sampler;
use crate::server::{Readable, Reader};
use crate::units::counted;

/// The note of a step for rows that `COPY` brings along.
const COPIED: &str = "COPY … FROM STDIN is rehearsed as an INSERT of the same rows, which takes longer";

/// A migration as read from disk: a single one, or the selected ones of a history.
pub struct MigrationFile {
    /// Name of the file or directory and of the selected part, for reports.
    pub name: String,
    /// The file or directory itself.
    place: PathBuf,
    tool: Tool,
    statements: Vec<Statement>,
    /// The history's migrations before the first selected one.
    earlier: Vec<Migration>,
    picked: Vec<Migration>,
}

/// A migration whose tables are known.
pub struct PlannedMigration {
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// The catalog's facts about its tables, each once.
    pub tables: Vec<TableFacts>,
    /// The same facts, by the tables' names as written.
    pub by_name: Tables,
}

impl MigrationFile {
    /// Reads everything in `path`, a file or a directory; see [`MigrationFile::select`].
    ///
    /// # Errors
    /// As [`MigrationFile::select`].
    pub fn read(path: &Path) -> Result<MigrationFile> {
        MigrationFile::select(path, &SelectionArguments::default())
    }

    /// Reads the selected part of `path`, following `\i` and `\ir` where psql would, and reports on stderr what it was
    /// read as.
    ///
    /// # Errors
    /// `Usage` with `file:line` for a file that cannot be read, is not SQL, or would be refused by its tool; `Usage`
    /// when the selected part does not exist.
    pub fn select(path: &Path, selection: &SelectionArguments) -> Result<MigrationFile> {
        let name = path.display().to_string();
        let (files, place) = source_files::read(path)?;
        let mut history = formats::read(&name, files, place, selection.format_of)?;
        selection
            .tool_version
            .iter()
            .for_each(|version| history.as_of_version(version));
        tell(&history, place);
        tool_settings::tell(history.tool, path);
        let tool = history.tool;
        let (earlier, picked) = selection.pick(history.migrations, &name)?;
        let name = format!("{name}{}", selection.in_words());
        let statements = statements_in(path, tool, picked.iter().map(|migration| &migration.up))?;
        // A tool passes over a migration without statements. A person who names such a file means another.
        if statements.is_empty() && tool == Tool::PlainSql && place == NamedAs::File {
            return Err(migration::no_statement(&name));
        }
        Ok(MigrationFile {
            name,
            place: path.to_path_buf(),
            tool,
            statements,
            earlier,
            picked,
        })
    }

    /// Takes migrations of a history that was already read, which are run together; the first gives the name.
    ///
    /// # Errors
    /// `Usage` with `file:line` for text that is not SQL, or would be refused by its tool.
    pub fn of(tool: Tool, migrations: &[Migration]) -> Result<MigrationFile> {
        let name = migrations
            .first()
            .map_or("", |migration| migration.up.file())
            .to_string();
        Ok(MigrationFile {
            place: PathBuf::from(&name),
            name,
            tool,
            statements: statements(tool, migrations.iter().map(|migration| &migration.up))?,
            earlier: Vec::new(),
            picked: migrations.to_vec(),
        })
    }

    /// Takes plain SQL that is in no file; `name` stands for one.
    ///
    /// # Errors
    /// `Usage` with `name:line` for text that is not SQL.
    pub fn of_text(sql: &str, name: &str) -> Result<MigrationFile> {
        Ok(MigrationFile {
            name: name.to_string(),
            place: PathBuf::from(name),
            tool: Tool::PlainSql,
            statements: migration::parse(sql, name)?,
            earlier: Vec::new(),
            picked: Vec::new(),
        })
    }

    /// Returns the tool that uses these files.
    pub fn tool(&self) -> Tool {
        self.tool
    }

    /// Returns its statements, in order.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Returns whether there is nothing to do, and says so.
    pub fn is_empty(&self) -> bool {
        let is_empty = self.statements.is_empty();
        if is_empty {
            print_note(&format!(
                "{}: there is no statement in it, so nothing is to be done",
                self.name
            ));
        }
        is_empty
    }

    /// Returns the statements of the migrations before the first selected one, in order.
    ///
    /// # Errors
    /// `Usage` with `file:line` for text that is not SQL.
    pub fn earlier(&self) -> Result<Vec<Statement>> {
        statements_in(
            &self.place,
            self.tool,
            self.earlier.iter().map(|migration| &migration.up),
        )
    }

    /// Returns the migrations before the first selected one.
    pub fn earlier_migrations(&self) -> &[Migration] {
        &self.earlier
    }

    /// Returns its rollback as its tool would run it, newest migration first; `None` if one of them has no rollback.
    ///
    /// # Errors
    /// `Usage` with `file:line` for text that is not SQL.
    pub fn down(&self) -> Result<Option<MigrationFile>> {
        let scripts: Option<Vec<&Script>> = self
            .picked
            .iter()
            .rev()
            .map(|migration| migration.down.as_ref())
            .collect();
        let Some(scripts) = scripts else {
            return Ok(None);
        };
        let name = match scripts.as_slice() {
            [only] => only.file().to_string(),
            _ => format!("the rollback of {}", self.name),
        };
        let statements = statements_in(&self.place, self.tool, scripts)?;
        Ok((!statements.is_empty()).then(|| MigrationFile {
            name,
            place: self.place.clone(),
            tool: self.tool,
            statements,
            earlier: Vec::new(),
            picked: Vec::new(),
        }))
    }

    /// Looks up the tables and splits the migration into steps.
    ///
    /// # Errors
    /// `Usage` with `file:line` for batches that cannot be made; `Connection` when the catalog cannot be read.
    pub fn plan(&self, database: &mut impl Readable, batching: &BatchArguments) -> Result<PlannedMigration> {
        let (tables, refused) = database.read(|reader| self.look_up(reader))?;
        self.cut(tables, &refused, &options(batching))
    }

    /// Splits the migration into steps, given the tables by their names as written.
    ///
    /// # Errors
    /// As [`MigrationFile::plan`].
    pub fn plan_for(&self, tables: &Tables, options: &BatchOptions) -> Result<PlannedMigration> {
        self.cut(tables.clone(), &[], options)
    }

    fn cut(&self, tables: Tables, refused: &[(String, Error)], options: &BatchOptions) -> Result<PlannedMigration> {
        let statements: Vec<Statement> = self
            .statements
            .iter()
            .map(migration::inserting)
            .collect::<Result<_>>()?;
        let mut steps = migration::steps(&statements, &tables, options).map_err(|error| explained(error, refused))?;
        for copied in self.statements.iter().filter(|statement| statement.data.is_some()) {
            let of_it = |step: &&mut Step| step.line == copied.line && step.sql.starts_with("INSERT INTO ");
            if let Some(step) = steps.iter_mut().find(of_it) {
                step.notes.push(COPIED.to_owned());
            }
        }
        Ok(PlannedMigration {
            steps,
            tables: each_once(tables.clone()),
            by_name: tables,
        })
    }

    /// Looks up those of its tables that exist.
    ///
    /// # Errors
    /// `Connection` when the catalog cannot be read.
    pub fn tables(&self, reader: &mut Reader) -> Result<Vec<TableFacts>> {
        self.look_up(reader).map(|(tables, _)| each_once(tables))
    }

    /// Returns the tables by their names as written, and the errors for the others.
    fn look_up(&self, reader: &mut Reader) -> Result<(Tables, Vec<(String, Error)>)> {
        let mut tables = Tables::new();
        let mut refused = Vec::new();
        for name in migration::tables_of(&self.statements) {
            match sampler::table(reader, &name) {
                Ok(facts) => {
                    tables.insert(name, facts);
                }
                // The migration may create the table first, or work on a view; the server will report what is wrong
                // with it.
                Err(error) if error.kind() == ErrorKind::Usage => refused.push((name, error)),
                Err(error) => return Err(error),
            }
        }
        Ok((tables, refused))
    }
}

/// Returns how unbatched statements are batched, from the arguments: only where one of them speaks of batches.
pub fn options(batching: &BatchArguments) -> BatchOptions {
    let asked = batching.batch_size.is_some() || batching.walk.is_some() || batching.batch_delay.is_some();
    BatchOptions {
        batch_size: batching.batch_size,
        walk: batching.walk.map(Into::into),
        big_table_rows: asked.then_some(BIG_TABLE_ROWS),
    }
}

fn each_once(tables: Tables) -> Vec<TableFacts> {
    let mut tables: Vec<TableFacts> = tables.into_values().collect();
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    tables.dedup_by(|one, other| one.name == other.name);
    tables
}

/// Reports what was recognised, if it is more than a file of plain SQL.
fn tell(history: &History, place: NamedAs) {
    let count = history.migrations.len();
    if place == NamedAs::Directory || history.tool != Tool::PlainSql {
        let count = counted(count, "migration", "migrations");
        print_note(&format!("read as {}, {count}", history.tool.name()));
    }
    for remark in &history.remarks {
        print_note(&format!("hint: {remark}"));
    }
}

/// Reads the statements of scripts, in order; they may include files of the tree around the first.
///
/// # Errors
/// `Usage` with `file:line` for text that is not SQL, or would be refused by the tool.
pub fn statements<'a>(tool: Tool, scripts: impl IntoIterator<Item = &'a Script>) -> Result<Vec<Statement>> {
    let scripts: Vec<&Script> = scripts.into_iter().collect();
    let first = scripts.first().map_or("", |script| script.file());
    statements_in(Path::new(first), tool, scripts)
}

/// Reads the statements of scripts, in order; they may include files of the tree around `place`.
fn statements_in<'a>(
    place: &Path,
    tool: Tool,
    scripts: impl IntoIterator<Item = &'a Script>,
) -> Result<Vec<Statement>> {
    let scripts = Scripts {
        tool,
        scripts: scripts.into_iter().collect(),
    };
    let mut files = IncludedFiles::around(place);
    scripts.statements(&mut |include| files.read(include))
}

/// Adds the reason why the catalog does not have the table that is to be batched.
fn explained(error: Error, refused: &[(String, Error)]) -> Error {
    let missing = error.cause::<NotInCatalog>();
    match refused
        .iter()
        .find(|(name, _)| missing.is_some_and(|missing| missing.0 == *name))
    {
        Some((_, reason)) => {
            let advice = reason.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            error.with_hint(format!("{reason}{advice}"))
        }
        None => error,
    }
}
