//! Turns files of migration tools into scripts, in the order and the transactions in which the tool would run them.
//!
//! One file per tool or family of similar tools; each splits its files into scripts without parsing SQL. Files are
//! given as text; the tool's table of applied migrations and its configuration are not known here.

mod atlas;
mod directories;
mod drizzle;
mod file_name;
mod flyway;
mod graphile;
mod history;
mod lines;
mod liquibase;
mod pairs;
mod plain;
mod recognise;
mod script;
mod scripts;
mod sections;
mod single_files;
mod source_file;

use crate::error::Result;

pub use super::tool::Tool;
pub use history::{History, Migration, NoMigration};
pub use recognise::{companions, is_of_interest};
pub use script::{Script, Send, TransactionScope};
pub use scripts::Scripts;
pub use source_file::{NamedAs, SourceFile};

/// File names for which the directory gives the migration's name.
const NAMED_BY_DIRECTORY: [&str; 3] = ["up.sql", "down.sql", "migration.sql"];

/// Determines the tool that uses these files, and puts their migrations in order.
///
/// `name` is the directory or file for messages; `told` overrides the recognised tool.
///
/// # Errors
/// `Usage` with the file, and where possible its line, for what the tool itself would refuse: no migration at all, two
/// of the same version, markers in the wrong order; also for migrations in a language other than SQL.
pub fn read(name: &str, mut files: Vec<SourceFile>, place: NamedAs, told: Option<Tool>) -> Result<History> {
    if place == NamedAs::File && !NAMED_BY_DIRECTORY.contains(&files[0].file_name()) {
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
    if place == NamedAs::File {
        history.take_only(&files[0]);
        if history.migrations.is_empty() {
            return Err(source_file::not_run(&files[0], tool));
        }
    }
    history.remarks = recognise::remarks(&history, files, place, told.is_some());
    Ok(history)
}

fn migrations(tool: Tool, files: &[SourceFile], place: NamedAs) -> Result<Vec<Migration>> {
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

#[cfg(test)]
mod tests;
