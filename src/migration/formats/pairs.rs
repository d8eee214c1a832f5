//! golang-migrate and sqlx: numbered files, with each rollback in a separate file.

use super::file_name::{by_numbers, numbered, numbers};
use super::history::Migration;
use super::script::{Script, Send, TransactionScope};
use super::source_file::{SourceFile, refused};
use crate::error::Result;

/// Returns golang-migrate's migrations: `0001_name.up.sql` and `.down.sql`, each sent whole, without a transaction.
pub(super) fn migrations_of_golang_migrate(files: &[SourceFile]) -> Result<Vec<Migration>> {
    let script = |file: &SourceFile| Script::whole_file(file, TransactionScope::None, Send::Whole);
    paired(files, "golang-migrate", script)
}

/// Returns sqlx's migrations: `0001_name.sql`, or a pair as in golang-migrate; each sent whole, in a transaction unless
/// it starts with `-- no-transaction`.
pub(super) fn migrations_of_sqlx(files: &[SourceFile]) -> Result<Vec<Migration>> {
    let script = |file: &SourceFile| {
        let scope = if refuses_transaction(file) {
            TransactionScope::None
        } else {
            TransactionScope::PerScript
        };
        Script::whole_file(file, scope, Send::Whole)
    };
    let mut migrations = paired(files, "sqlx", script)?;
    migrations.extend(simple(files, script));
    in_order(migrations, "sqlx")
}

/// Returns Supabase's migrations: `20240101000000_name.sql`, each sent in one pipeline, which is one transaction
/// (CLI 2, `ExecBatch`). A directive that says otherwise has no effect.
pub(super) fn migrations_of_supabase(files: &[SourceFile]) -> Result<Vec<Migration>> {
    let script = |file: &SourceFile| Script::whole_file(file, TransactionScope::None, Send::Whole);
    in_order(simple(files, script).collect(), "supabase")
}

fn simple(files: &[SourceFile], script: impl Fn(&SourceFile) -> Script) -> impl Iterator<Item = Migration> {
    let simple = files
        .iter()
        .filter(|file| file.directory().is_empty() && is_simple(file));
    simple.map(move |file| Migration {
        version: numbered(file.file_name()).unwrap_or_default().0.to_owned(),
        name: file.path.clone(),
        up: script(file),
        down: None,
        repeats: false,
    })
}

/// Returns whether sqlx runs the file outside a transaction.
pub(super) fn refuses_transaction(file: &SourceFile) -> bool {
    // Not even a byte order mark may come before it.
    let text = file.text.as_deref().unwrap_or_default();
    text.starts_with("-- no-transaction")
}

/// Returns the version and the direction of a name like `0001_name.up.sql`.
pub(super) fn direction(name: &str) -> Option<(&str, bool)> {
    let (version, rest) = numbered(name)?;
    if rest.ends_with(".up.sql") {
        Some((version, true))
    } else {
        rest.ends_with(".down.sql").then_some((version, false))
    }
}

fn is_simple(file: &SourceFile) -> bool {
    let name = file.file_name();
    numbered(name).is_some_and(|(_, rest)| rest.ends_with(".sql")) && direction(name).is_none()
}

fn paired(files: &[SourceFile], tool: &str, script: impl Fn(&SourceFile) -> Script) -> Result<Vec<Migration>> {
    let in_direction = |wanted: bool| {
        let top = files.iter().filter(|file| file.directory().is_empty());
        top.filter_map(move |file| match direction(file.file_name()) {
            Some((version, up)) if up == wanted => Some((version, file)),
            _ => None,
        })
    };
    let mut migrations: Vec<Migration> = in_direction(true)
        .map(|(version, file)| Migration {
            version: version.to_owned(),
            name: file.path.clone(),
            up: script(file),
            down: None,
            repeats: false,
        })
        .collect();
    for (version, file) in in_direction(false) {
        let forward = migrations
            .iter_mut()
            .find(|migration| numbers(&migration.version) == numbers(version));
        match forward {
            Some(forward) if forward.down.is_none() => forward.down = Some(script(file)),
            Some(_) => {
                return Err(refused(
                    file,
                    1,
                    format!("{tool} refuses a second rollback of version {version}"),
                ));
            }
            None => {}
        }
    }
    in_order(migrations, tool)
}

/// Sorts migrations by their numbers, and refuses two of the same version, as the tools do.
pub(super) fn in_order(mut migrations: Vec<Migration>, tool: &str) -> Result<Vec<Migration>> {
    migrations.sort_by(|one, other| by_numbers(&one.version, &other.version));
    for pair in migrations.windows(2) {
        if by_numbers(&pair[0].version, &pair[1].version).is_eq() {
            let message = format!(
                "{tool} refuses two migrations of version {}: the other is {}",
                pair[1].version, pair[0].up.file.name
            );
            return Err(refused(&pair[1].up.file, 1, message));
        }
    }
    Ok(migrations)
}
