//! The migrations of a tool in their order.

use super::file_name;
use super::script::{Script, Send};
use super::source_file::SourceFile;
use crate::migration::tool::Tool;

/// The cause of an error: of the tool that was meant there is no migration.
#[derive(Clone, Copy, Debug)]
pub struct NoMigration;

/// One migration of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its version as written, e.g. `0007` or `1.2`; or its name, if the tool has no versions.
    pub version: String,
    /// Its name: the file, or `author:id`.
    pub name: String,
    /// The forward direction.
    pub up: Script,
    /// The rollback, if there is one.
    pub down: Option<Script>,
    /// Whether the tool runs it again whenever it changes.
    pub repeats: bool,
}

/// A file beside the migrations that is not run with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Name for messages.
    pub file: String,
    /// Path relative to the named directory.
    pub path: String,
    /// The language, if it is a program.
    pub language: Option<&'static str>,
    /// Whether it is named like a migration.
    pub is_like_a_migration: bool,
}

impl Migration {
    /// Returns by what `tool` knows that a database has it already: its version, or its name where two may share one.
    pub fn identity(&self, tool: Tool) -> String {
        match tool {
            Tool::PlainSql
            | Tool::SqlMigrate
            | Tool::Prisma
            | Tool::Drizzle
            | Tool::NodePgMigrate
            | Tool::GraphileMigrate => self.name.clone(),
            Tool::Diesel => self.version.replace('-', ""),
            Tool::Liquibase => format!("{} {}", self.up.file.path, self.name),
            _ => match file_name::numbers(&self.version) {
                Some(numbers) => numbers.iter().map(u64::to_string).collect::<Vec<_>>().join("."),
                None => self.version.clone(),
            },
        }
    }

    /// Returns whether `wanted` means this migration: its version, with or without leading zeros, or its name.
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
    /// The files that are not run with them; none where a single file was named.
    pub left_out: Vec<LeftOut>,
    /// What the person should know about how the files were read.
    pub remarks: Vec<String>,
}

/// The first version of Prisma that sends a script statement by statement (prisma-engines, pull request 5847).
const PRISMA_SENDS_STATEMENTS: [u64; 2] = [7, 4];

impl History {
    /// Reads the migrations as a version of the tool runs them, instead of the newest one.
    pub fn as_of_version(&mut self, version: &str) {
        let numbers = file_name::numbers(version).unwrap_or_default();
        if self.tool == Tool::Prisma && numbers < PRISMA_SENDS_STATEMENTS.to_vec() {
            for migration in &mut self.migrations {
                migration.up.send = Send::Whole;
            }
        }
    }

    /// Keeps only the migration of one file; if that file is a rollback, it becomes what is run.
    pub(super) fn take_only(&mut self, file: &SourceFile) {
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
                repeats: false,
            }];
        } else {
            self.migrations.retain(|migration| migration.up.file() == file.name);
        }
    }
}
