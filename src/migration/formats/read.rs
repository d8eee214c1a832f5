//! Reads the files of a tool into its history.

use super::super::tool::Tool;
use super::history::{History, Migration};
use super::source_file::{NamedAs, SourceFile};
use super::{
    atlas, directories, drizzle, flyway, graphile, liquibase, not_read, pairs, plain, recognise, remarks, sections,
    single_files, source_file,
};
use crate::error::Result;

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
    let migrations = migrations(tool, files, place)?;
    if migrations.is_empty() {
        return Err(not_read::nothing_found(name, files, tool));
    }
    let left_out = match place {
        NamedAs::File => Vec::new(),
        NamedAs::Directory => not_read::left_out(&migrations, files),
    };
    let mut history = History {
        tool,
        migrations,
        left_out,
        remarks: Vec::new(),
    };
    if place == NamedAs::File {
        history.take_only(&files[0]);
        if history.migrations.is_empty() {
            return Err(source_file::not_run(&files[0], tool));
        }
    }
    history.remarks = remarks::remarks(&history, files, place, told.is_some());
    Ok(history)
}

fn migrations(tool: Tool, files: &[SourceFile], place: NamedAs) -> Result<Vec<Migration>> {
    match tool {
        Tool::PlainSql => plain::migrations(files, place),
        Tool::Flyway => flyway::migrations(files),
        Tool::Refinery => flyway::migrations_of_refinery(files),
        Tool::GolangMigrate => pairs::migrations_of_golang_migrate(files),
        Tool::Sqlx => pairs::migrations_of_sqlx(files),
        Tool::Supabase => pairs::migrations_of_supabase(files),
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
