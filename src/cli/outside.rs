//! What a migration does outside its one database is refused before anything runs, except on a throwaway server, or where it was allowed by name.

use super::arguments::OutsideArguments;
use super::migration_file::MigrationFile;
use super::output;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{Outside, Statement, reaches};

/// Refuses statements that reach outside their database; staging may be on production's own server.
///
/// What is put together at run time cannot be judged: it is said, and refused where staging is on production's own server.
///
/// # Errors
/// `UnsafeTarget` with the place of the first such statement, what it reaches and what would allow it.
pub fn refuse<'a>(
    is_beside_production: bool,
    files: impl IntoIterator<Item = &'a MigrationFile>,
    allowed: &OutsideArguments,
) -> Result<()> {
    let statements = files.into_iter().flat_map(MigrationFile::statements);
    let mut unknown = Vec::new();
    for statement in statements {
        for (outside, words) in reaches(&statement.sql) {
            if allowed.allows(outside) {
                continue;
            }
            if outside == Outside::DynamicSql && !is_beside_production {
                unknown.push(place(statement));
                continue;
            }
            return Err(refused(statement, outside, &words, is_beside_production));
        }
    }
    if let Some(first) = unknown.first() {
        let further = match unknown.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        output::print_note(&format!(
            "warning: {first}{further}: a statement is put together when it runs; whether it stays in its database is not known"
        ));
    }
    Ok(())
}

fn refused(statement: &Statement, outside: Outside, words: &str, is_beside_production: bool) -> Error {
    let reason = match (outside, is_beside_production) {
        (Outside::DynamicSql, _) => " and staging is on production's own server",
        (_, true) => ", on production's own server",
        (_, false) => ", which outlives the clone",
    };
    Error::new(
        ErrorKind::UnsafeTarget,
        format!("{}: {words} reaches {}{reason}", place(statement), outside.in_words()),
    )
    .with_hint(format!(
        "--scratch rehearses it on a throwaway server; if staging's server is disposable: --allow-outside {}",
        outside.name()
    ))
}

fn place(statement: &Statement) -> String {
    format!("{}:{}", statement.file, statement.line)
}
