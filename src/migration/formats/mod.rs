//! Files of migration tools → scripts, in the order and the transactions in which the tool would run them.
//!
//! One room a tool or a family of like tools; each cuts its files into scripts and parses no SQL. Files come in as text: what
//! a tool's own table of applied migrations holds, and what its configuration says, is not known here.

mod atlas;
mod directories;
mod drizzle;
mod file_name;
mod flyway;
mod graphile;
mod lines;
mod liquibase;
mod pairs;
mod plain;
mod recognise;
mod script;
mod sections;
mod single_files;

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};

pub use super::tool::Tool;
pub use recognise::{companions, is_of_interest};
pub use script::{Script, Scripts, Send, TransactionScope};

/// A file as the caller found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Name for messages.
    pub name: String,
    /// Path below the directory that was named, with `/`; of a single file and its companions their name behind that of their
    /// directory.
    pub path: String,
    /// Its text; `None` for one of which only the name matters.
    pub text: Option<Arc<str>>,
}

impl SourceFile {
    fn text(&self) -> &str {
        // A byte order mark hides the marker of a first line.
        let text = self.text.as_deref().unwrap_or_default();
        text.strip_prefix('\u{feff}').unwrap_or(text)
    }

    fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the directories between the named one and the file, joined by `/`; empty when there are none.
    fn directory(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(directory, _)| directory)
    }
}

/// What the person named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// One file; the first of those given. The others are its companions.
    File,
    /// A directory with all its files.
    Directory,
}

/// One migration of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its version as written, e.g. `0007` or `1.2`; its name, where the tool knows no versions.
    pub version: String,
    /// What it is called: its file, or `author:id`.
    pub name: String,
    /// What it does.
    pub up: Script,
    /// What undoes it, where that is written.
    pub down: Option<Script>,
}

impl Migration {
    /// Says whether a person means this one: by its version, with or without leading zeros, or by its name.
    pub fn is_called(&self, wanted: &str) -> bool {
        let name = self.name.rsplit('/').next().unwrap_or_default();
        let bare_name = name.strip_suffix(".sql").unwrap_or(name);
        [self.version.as_str(), self.name.as_str(), name, bare_name].contains(&wanted)
            || file_name::numbers(&self.version)
                .is_some_and(|version| file_name::numbers(wanted).as_ref() == Some(&version))
    }
}

/// The migrations of a directory or a file, in the order in which their tool runs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The tool.
    pub tool: Tool,
    /// Its migrations; at least one.
    pub migrations: Vec<Migration>,
    /// What a person should know of how the files were read.
    pub remarks: Vec<String>,
}

impl History {
    /// Keeps the migration of one file; a file that undoes another is then what is run.
    fn take_only(&mut self, file: &SourceFile) {
        let undoes = |migration: &Migration| {
            let down = migration.down.as_ref().filter(|down| down.file() == file.name);
            down.filter(|_| migration.up.file() != file.name).cloned()
        };
        if let Some(down) = self.migrations.iter().find_map(undoes) {
            self.migrations = vec![Migration {
                version: file.file_name().to_owned(),
                name: file.path.clone(),
                up: down,
                down: None,
            }];
        } else {
            self.migrations.retain(|migration| migration.up.file() == file.name);
        }
    }
}

/// Files whose directory is their name.
const NAMED_BY_DIRECTORY: [&str; 3] = ["up.sql", "down.sql", "migration.sql"];

/// Finds out whose files these are, and puts their migrations into order.
///
/// `name` is the directory or file for messages; `told` overrides what the files look like.
///
/// # Errors
/// `Usage` with the file, and where possible its line, for what the tool itself would refuse: no migration at all, two of one
/// version, markers in a wrong order; and for migrations that are written in another language than SQL.
pub fn read(name: &str, mut files: Vec<SourceFile>, place: Place, told: Option<Tool>) -> Result<History> {
    if place == Place::File && !NAMED_BY_DIRECTORY.contains(&files[0].file_name()) {
        for file in &mut files {
            file.path = file
                .path
                .split_once('/')
                .map_or(file.path.clone(), |(_, path)| path.to_owned());
        }
    }
    let files = files.as_slice();
    let tool = match told {
        Some(tool) => tool,
        None => recognise::tool(name, files, place)?,
    };
    let mut history = History {
        tool,
        migrations: migrations(tool, files, place)?,
        remarks: Vec::new(),
    };
    if history.migrations.is_empty() {
        return Err(recognise::nothing_found(name, files, tool));
    }
    if place == Place::File {
        history.take_only(&files[0]);
    }
    history.remarks = recognise::remarks(&history, files, place, told.is_some());
    Ok(history)
}

fn migrations(tool: Tool, files: &[SourceFile], place: Place) -> Result<Vec<Migration>> {
    match tool {
        Tool::PlainSql => plain::migrations(files, place),
        Tool::Flyway => flyway::migrations(files),
        Tool::Refinery => flyway::migrations_of_refinery(files),
        Tool::GolangMigrate => pairs::migrations_of_golang_migrate(files),
        Tool::Sqlx => pairs::migrations_of_sqlx(files),
        Tool::Diesel => directories::migrations_of_diesel(files),
        Tool::Prisma => directories::migrations_of_prisma(files),
        Tool::Goose => sections::migrations_of_goose(files, place),
        Tool::SqlMigrate => sections::migrations_of_sql_migrate(files, place),
        Tool::Dbmate => single_files::migrations_of_dbmate(files, place),
        Tool::Tern => single_files::migrations_of_tern(files, place),
        Tool::NodePgMigrate => single_files::migrations_of_node_pg_migrate(files, place),
        Tool::GraphileMigrate => graphile::migrations(files, place),
        Tool::Atlas => atlas::migrations(files, place),
        Tool::Liquibase => liquibase::migrations(files, place),
        Tool::Drizzle => drizzle::migrations(files, place),
    }
}

/// Returns a usage error at a line of a file.
fn refused(file: &SourceFile, line: usize, message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Usage, format!("{}:{line}: {message}", file.name))
}

#[cfg(test)]
mod tests;
