//! Drizzle: migrations in the order of the journal, all pending ones in one transaction, split at each `-->
//! statement-breakpoint`.

use serde::Deserialize;

use super::atlas::cut;
use super::directories::{sorted, version};
use super::file_name::{by_leading_number, split_digits};
use super::history::Migration;
use super::plain::is_sql;
use super::script::{Script, Send, TransactionScope};
use super::source_file::{NamedAs, SourceFile, refused};
use crate::error::Result;

/// The separator between two statements.
pub(super) const BREAKPOINT: &str = "--> statement-breakpoint";

/// The path of the journal.
pub(super) const JOURNAL: &str = "meta/_journal.json";

#[derive(Deserialize)]
struct Journal {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    idx: u64,
    tag: String,
}

/// Returns the migrations of Drizzle: those in the journal, or one directory for each, as newer versions write them.
pub(super) fn migrations(files: &[SourceFile], place: NamedAs) -> Result<Vec<Migration>> {
    if place == NamedAs::File {
        return Ok(files
            .iter()
            .take(1)
            .map(|file| migration(file, file.file_name()))
            .collect());
    }
    let Some(journal) = files.iter().find(|file| file.path == JOURNAL) else {
        let nested = sorted(files, "migration.sql").into_iter();
        let nested: Vec<Migration> = nested.map(|file| migration(file, &version(file))).collect();
        return Ok(if nested.is_empty() { by_name(files) } else { nested });
    };
    let mut entries = serde_json::from_str::<Journal>(journal.text())
        .map_err(|error| refused(journal, error.line(), "this is no journal of Drizzle's"))?
        .entries;
    entries.sort_by_key(|entry| entry.idx);
    let found = entries.iter().map(|entry| {
        let name = format!("{}.sql", entry.tag);
        match files.iter().find(|file| file.path == name) {
            Some(file) => Ok(migration(file, &entry.tag)),
            None => Err(refused(
                journal,
                1,
                format!("the journal names {name}, which is not there"),
            )),
        }
    });
    found.collect()
}

/// Returns the migrations without a journal; the numbers in their names have the same order.
fn by_name(files: &[SourceFile]) -> Vec<Migration> {
    let mut named: Vec<&SourceFile> = files
        .iter()
        .filter(|file| file.directory().is_empty() && is_sql(file))
        .collect();
    named.sort_by(|one, other| by_leading_number(one.file_name(), other.file_name()));
    named
        .into_iter()
        .map(|file| migration(file, file.file_name()))
        .collect()
}

fn migration(file: &SourceFile, tag: &str) -> Migration {
    Migration {
        version: split_digits(tag).map_or(tag, |(digits, _)| digits).to_owned(),
        name: file.path.clone(),
        up: Script {
            parts: cut(file.text(), 0, BREAKPOINT),
            file: file.clone(),
            transaction: TransactionScope::AllPending,
            send: Send::Whole,
            before: Vec::new(),
            after: Vec::new(),
        },
        down: None,
        repeats: false,
    }
}
