//! Flyway, and refinery, which uses the same names: `V1.2__name.sql`.

use super::file_name::{by_numbers, numbers};
use super::history::Migration;
use super::pairs::in_order;
use super::script::{Script, Send, TransactionScope};
use super::source_file::SourceFile;
use crate::error::{ErrorKind, Result};
use crate::migration::command::{Command, ObjectKind, ReindexTarget, Session};
use crate::migration::statement::Statement;

/// A file name by Flyway's conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name<'name> {
    /// `V1.2__name.sql`.
    Versioned(&'name str),
    /// `R__name.sql`: run last, whenever it changes.
    Repeatable(&'name str),
    /// `U1.2__name.sql`: undoes the version.
    Undo(&'name str),
    /// `B5__name.sql`: replaces all versions up to it in an empty database.
    Baseline(&'name str),
    /// `afterMigrate.sql` and other callbacks.
    Callback,
}

/// Prefixes of the names of SQL callbacks.
const CALLBACKS: [&str; 10] = [
    "beforeMigrate",
    "beforeEach",
    "beforeRepeatables",
    "afterMigrate",
    "afterEach",
    "afterVersioned",
    "beforeUndo",
    "afterUndo",
    "createSchema",
    "beforeClean",
];

/// Reads a file's name; `None` for one that Flyway ignores.
pub(super) fn name(file: &SourceFile) -> Option<Name<'_>> {
    let stem = file.file_name().strip_suffix(".sql")?;
    if CALLBACKS.iter().any(|callback| stem.starts_with(callback)) {
        return Some(Name::Callback);
    }
    let (head, description) = stem.split_once("__").unwrap_or((stem, ""));
    if head == "R" && !description.is_empty() {
        return Some(Name::Repeatable(description));
    }
    let (prefix, version) = head.split_at_checked(1)?;
    numbers(version)?;
    match prefix {
        "V" => Some(Name::Versioned(version)),
        "U" => Some(Name::Undo(version)),
        "B" => Some(Name::Baseline(version)),
        _ => None,
    }
}

/// Returns Flyway's migrations: versions in order, then the repeatable ones by description. Each statement is sent
/// separately, in one transaction per file.
pub(super) fn migrations(files: &[SourceFile]) -> Result<Vec<Migration>> {
    let of = |wanted: for<'name> fn(Name<'name>) -> Option<&'name str>| {
        files
            .iter()
            .filter_map(move |file| name(file).and_then(wanted).map(|version| (version, file)))
    };
    let undo = |version: &str| {
        of(|name| match name {
            Name::Undo(version) => Some(version),
            _ => None,
        })
        .find(|(undone, _)| by_numbers(undone, version).is_eq())
        .map(|(_, file)| Script {
            before: Vec::new(),
            after: Vec::new(),
            ..script(file, files)
        })
    };
    let versioned = of(|name| match name {
        Name::Versioned(version) => Some(version),
        _ => None,
    });
    let versioned = versioned.map(|(version, file)| Migration {
        version: version.to_owned(),
        name: file.path.clone(),
        up: script(file, files),
        down: undo(version),
        repeats: false,
    });
    let mut migrations = in_order(versioned.collect(), "flyway")?;
    let mut repeatable: Vec<(&str, &SourceFile)> = of(|name| match name {
        Name::Repeatable(description) => Some(description),
        _ => None,
    })
    .collect();
    repeatable.sort_by_key(|(description, _)| *description);
    migrations.extend(repeatable.into_iter().map(|(description, file)| Migration {
        version: format!("R__{description}"),
        name: file.path.clone(),
        up: script(file, files),
        down: None,
        repeats: true,
    }));
    Ok(migrations)
}

fn script(file: &SourceFile, files: &[SourceFile]) -> Script {
    let beside = |name: String| files.iter().find(|other| other.path == name);
    let stem = file.path.strip_suffix(".sql").unwrap_or(&file.path);
    let settings = beside(format!("{}.conf", file.path)).or_else(|| beside(format!("{stem}.conf")));
    let scope = match settings.and_then(|settings| setting(settings, "executeInTransaction")) {
        Some("false") => TransactionScope::None,
        _ => TransactionScope::PerScript,
    };
    // Flyway: events BEFORE_EACH_MIGRATE and AFTER_EACH_MIGRATE, in the session and transaction of the migration.
    let callbacks = |event: &str| -> Vec<SourceFile> {
        let is_of = |file: &&SourceFile| {
            let stem = file.file_name().strip_suffix(".sql").unwrap_or_default();
            stem == event || stem.strip_prefix(event).is_some_and(|rest| rest.starts_with("__"))
        };
        files.iter().filter(is_of).cloned().collect()
    };
    Script {
        before: callbacks("beforeEachMigrate"),
        after: callbacks("afterEachMigrate"),
        ..Script::whole_file(file, scope, Send::PerStatement)
    }
}

fn setting<'file>(file: &'file SourceFile, name: &str) -> Option<&'file str> {
    file.text().lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// Says whether Flyway itself runs a statement outside of its transaction; for PostgreSQL 12 and newer.
fn is_outside_transaction(command: &Command) -> bool {
    let belongs_to_server = |kind| {
        matches!(
            kind,
            ObjectKind::Database | ObjectKind::Subscription | ObjectKind::Tablespace
        )
    };
    match command {
        Command::AlterSystem | Command::Vacuum(_) | Command::Session(Session::Discard { all: true }) => true,
        Command::Create(made) => belongs_to_server(made.kind),
        Command::Drop(dropped) => dropped.concurrently || belongs_to_server(dropped.kind),
        Command::CreateIndex(index) => index.concurrently,
        Command::Reindex(reindex) => matches!(reindex.target, ReindexTarget::Schema(_) | ReindexTarget::Database(_)),
        _ => false,
    }
}

/// Returns the scope of the transaction in which Flyway runs a script, from the script's statements.
///
/// # Errors
/// `Usage` for a file that mixes statements which need a transaction with statements which cannot run in one; Flyway
/// refuses such a file.
pub(super) fn transaction_of(script: &Script, parts: &[Vec<Statement>]) -> Result<TransactionScope> {
    if script.transaction == TransactionScope::None {
        return Ok(TransactionScope::None);
    }
    let outside = |statement: &&Statement| is_outside_transaction(statement.command());
    let statements = || parts.iter().flatten();
    let Some(first) = statements().find(outside) else {
        return Ok(TransactionScope::PerScript);
    };
    if statements().all(|statement| outside(&statement)) {
        Ok(TransactionScope::None)
    } else {
        Err(first
            .error_at_start(
                "Flyway refuses a file that mixes this statement, which cannot run in a transaction, with others \
                     that can",
            )
            .of_kind(ErrorKind::Usage)
            .with_hint(
                "put it into a file of its own; where flyway.mixed=true is set, read it with --format-of plain-sql",
            ))
    }
}

/// Returns refinery's migrations: `V1__name.sql` and also `U1__name.sql`, which unlike in Flyway is a forward
/// migration. Each is sent whole, in a transaction.
pub(super) fn migrations_of_refinery(files: &[SourceFile]) -> Result<Vec<Migration>> {
    let found = files.iter().filter_map(|file| {
        let version = refinery_version(file)?;
        Some(Migration {
            version: version.to_owned(),
            name: file.path.clone(),
            up: Script::whole_file(file, TransactionScope::PerScript, Send::Whole),
            down: None,
            repeats: false,
        })
    });
    in_order(found.collect(), "refinery")
}

/// Returns the version in a refinery file name.
pub(super) fn refinery_version(file: &SourceFile) -> Option<&str> {
    let name = file.file_name().strip_suffix(".sql")?;
    let (version, description) = name.strip_prefix(['V', 'U'])?.split_once("__")?;
    let is_word = |text: &str| {
        text.chars()
            .all(|character| character.is_alphanumeric() || character == '_')
    };
    let is_number = !version.contains('_') && numbers(version).is_some();
    (is_number && !description.is_empty() && is_word(description)).then_some(version)
}
