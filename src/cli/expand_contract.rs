//! `migtime plan --expand-and-contract`: writes the phases of column renames and type changes into a directory.

use std::path::Path;

use super::output;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{self, Statement};
use crate::sampler::{self, snapshot};
use crate::server::Production;

/// Writes the files of the plan and prints their names in the order in which to run them.
///
/// # Errors
/// `Usage` when the plan cannot be written out, when there is no database to read the columns from, or when one of the
/// files already exists; `Connection` when the catalog cannot be read.
pub fn write(statements: &[Statement], production: Option<&mut Production>, directory: &Path) -> Result<()> {
    let Some(production) = production else {
        return Err(Error::new(
            ErrorKind::Usage,
            "expand and contract needs the catalog: types, keys, indexes and defaults are not in the migration",
        )
        .with_hint("name the database with --url"));
    };
    let names = migration::names_in(statements);
    let schema = production.read(|reader| sampler::schema(reader, &names))?;
    let snapshot = production.read(snapshot)?;
    let files = migration::expand_and_contract(statements, &schema, &snapshot)?;
    let there = files
        .iter()
        .map(|file| directory.join(&file.name))
        .find(|path| path.exists());
    if let Some(path) = there {
        return Err(
            Error::new(ErrorKind::Usage, format!("{} is there already", path.display()))
                .with_hint("name an empty directory: a phase that was written before may have been run"),
        );
    }
    let mut listing = String::new();
    for file in &files {
        let path = directory.join(&file.name);
        output::write_atomically(&path, file.text.as_bytes())?;
        listing += &format!("{}\n", path.display());
    }
    output::deliver(listing.as_bytes(), None)?;
    output::print_note(
        "hint: rehearse them in this order, each with the rollback beside it: migtime rehearse 01_expand.sql --staging \
         URL",
    );
    Ok(())
}
