//! diesel and Prisma: a directory for each migration.

use super::history::Migration;
use super::script::{Script, Send, TransactionScope};
use super::source_file::{SourceFile, refused};
use crate::error::{Error, ErrorKind, Result};

/// Returns diesel's migrations: `<version>_name/up.sql` and `down.sql`, each sent whole, in a transaction unless the
/// directory's `metadata.toml` says `run_in_transaction = false`.
pub(super) fn migrations_of_diesel(files: &[SourceFile]) -> Result<Vec<Migration>> {
    let mut migrations = Vec::new();
    for file in sorted(files, "up.sql") {
        let beside = |name: &str| {
            files
                .iter()
                .find(|other| other.directory() == file.directory() && other.file_name() == name)
        };
        let scope = match beside("metadata.toml") {
            Some(metadata) if !runs_in_transaction(metadata)? => TransactionScope::None,
            _ => TransactionScope::PerScript,
        };
        migrations.push(Migration {
            version: version(file),
            name: file.directory().to_owned(),
            up: Script::whole_file(file, scope, Send::Whole),
            down: beside("down.sql").map(|down| Script::whole_file(down, scope, Send::Whole)),
            repeats: false,
        });
    }
    // diesel (`version_from_string`) takes the dashes out before it compares versions as texts.
    migrations.sort_by_key(|migration: &Migration| migration.version.replace('-', ""));
    Ok(migrations)
}

/// Returns Prisma's migrations: `<version>_name/migration.sql`, statement by statement, as Prisma 7.4 and newer send
/// them, without a transaction or a rollback.
pub(super) fn migrations_of_prisma(files: &[SourceFile]) -> Result<Vec<Migration>> {
    let migrations = sorted(files, "migration.sql").into_iter().map(|file| Migration {
        version: version(file),
        name: file.directory().to_owned(),
        up: Script::whole_file(file, TransactionScope::None, Send::PerStatement),
        down: None,
        repeats: false,
    });
    Ok(migrations.collect())
}

/// Returns the files of this name, sorted by directory.
pub(super) fn sorted<'files>(files: &'files [SourceFile], name: &str) -> Vec<&'files SourceFile> {
    let mut found: Vec<&SourceFile> = files
        .iter()
        .filter(|file| file.file_name() == name && !file.directory().is_empty() && !file.directory().contains('/'))
        .collect();
    found.sort_by(|one, other| one.directory().cmp(other.directory()));
    found
}

/// Returns the part of the directory's name before the first `_`.
pub(super) fn version(file: &SourceFile) -> String {
    let directory = file.directory();
    directory.split('_').next().unwrap_or(directory).to_owned()
}

fn runs_in_transaction(metadata: &SourceFile) -> Result<bool> {
    let table: toml::Table = toml::from_str(metadata.text()).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| 1 + metadata.text()[..span.start].matches('\n').count());
        refused(metadata, line, error.message())
    })?;
    match table.get("run_in_transaction") {
        None => Ok(true),
        Some(toml::Value::Boolean(value)) => Ok(*value),
        Some(_) => Err(Error::new(
            ErrorKind::Usage,
            format!("{}: run_in_transaction must be true or false", metadata.name),
        )),
    }
}
