//! Refuses, before anything runs, what a migration does outside its one database, except on a throwaway server or where
//! it was allowed by name.

use super::arguments::OutsideArguments;
use super::migration_file::MigrationFile;
use super::output;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{Outlets, OutsideKind, Statement, reaches};

/// Refuses statements that act outside their database, directly or through its `outlets`; staging may be on
/// production's own server.
///
/// Dynamic SQL cannot be judged: it is reported, and refused if staging is on production's own server.
///
/// # Errors
/// `UnsafeTarget` with the place of the first such statement, what it reaches and the option that allows it.
pub fn refuse<'a>(
    is_beside_production: bool,
    files: impl IntoIterator<Item = &'a MigrationFile>,
    mut outlets: Outlets,
    allowed: &OutsideArguments,
) -> Result<()> {
    let statements: Vec<&Statement> = files.into_iter().flat_map(MigrationFile::statements).collect();
    if statements.iter().any(|statement| sets_search_path(&statement.sql)) {
        outlets.mean_every_schema();
    }
    let mut unknown = Vec::new();
    for statement in statements {
        let found = reaches(&statement.sql)
            .into_iter()
            .chain(outlets.reaches(&statement.sql));
        outlets.pass(&statement.sql);
        for (outside, words) in found {
            if allowed.allows(outside) {
                continue;
            }
            if outside == OutsideKind::DynamicSql && !is_beside_production {
                unknown.push(statement.location().to_string());
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
            "warning: {first}{further}: a statement is put together when it runs; whether it stays in its database is \
             not known"
        ));
        output::print_note(&format!("hint: {FEWER_RIGHTS}"));
    }
    Ok(())
}

/// Advice for dynamic SQL: it can do no more than its session has rights for.
const FEWER_RIGHTS: &str =
    "with options=-crole=NAME in staging's URL it has the rights of that role only: name the one that owns the tables";

fn sets_search_path(sql: &str) -> bool {
    let sql = sql.to_ascii_lowercase();
    sql.contains("search_path") || sql.trim_start().starts_with("set schema")
}

fn refused(statement: &Statement, outside: OutsideKind, words: &str, is_beside_production: bool) -> Error {
    let reason = match (outside, is_beside_production) {
        (OutsideKind::DynamicSql, _) => " and staging is on production's own server",
        (_, true) => ", on production's own server",
        (_, false) => ", which outlives the clone",
    };
    Error::new(
        ErrorKind::UnsafeTarget,
        format!(
            "{}: {words} reaches {}{reason}",
            statement.location(),
            outside.in_words()
        ),
    )
    .with_hint(match outside {
        OutsideKind::DynamicSql => format!(
            "--scratch rehearses it on a throwaway server; {FEWER_RIGHTS}, and then --allow-outside {}",
            outside.name()
        ),
        _ => format!(
            "--scratch rehearses it on a throwaway server; if {} is disposable: --allow-outside {}",
            match outside {
                OutsideKind::Foreign => "the other server",
                _ => "staging's server",
            },
            outside.name()
        ),
    })
}
