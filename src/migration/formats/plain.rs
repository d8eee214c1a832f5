//! Files of SQL without a tool: run by name, as `psql -f` would, and paired by the usual names of what undoes them.

use std::cmp::Ordering;

use super::file_name::{by_leading_number, split_digits};
use super::history::Migration;
use super::script::{Script, Send, TransactionScope};
use super::source_file::{NamedAs, SourceFile};
use crate::error::Result;

/// Endings of the scripts that undo others, each with the endings of those.
const PAIRS: [(&str, [&str; 2]); 5] = [
    (".down.sql", [".up.sql", ".sql"]),
    ("_down.sql", ["_up.sql", ".sql"]),
    (".rollback.sql", [".sql", ".up.sql"]),
    ("down.sql", ["up.sql", "forward.sql"]),
    ("rollback.sql", ["migration.sql", "forward.sql"]),
];

/// Returns the files that lie directly in the directory, or the one file.
pub(super) fn migrations(files: &[SourceFile], place: NamedAs) -> Result<Vec<Migration>> {
    let mut forward: Vec<&SourceFile> = match place {
        NamedAs::File => files.iter().take(1).collect(),
        NamedAs::Directory => files
            .iter()
            .filter(|file| file.directory().is_empty() && is_sql(file) && !undoes_another(file, files))
            .collect(),
    };
    forward.sort_by(|one, other| in_order(one.file_name(), other.file_name()));
    Ok(forward.into_iter().map(|file| migration(file, files)).collect())
}

/// Says whether a file is one of SQL, whatever the case of its ending.
pub(super) fn is_sql(file: &SourceFile) -> bool {
    file.text.is_some() && file.path.to_ascii_lowercase().ends_with(".sql")
}

/// Returns the names that the script which undoes this one may have.
pub(super) fn names_of_down(name: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (down, ups) in PAIRS {
        for up in ups {
            // A whole name is one; anything else is an ending behind a name.
            let whole = !down.starts_with(['.', '_']);
            match name.strip_suffix(up) {
                Some("") if whole => names.push(down.to_owned()),
                Some(stem) if !whole && !stem.is_empty() => names.push(format!("{stem}{down}")),
                _ => {}
            }
        }
    }
    names.retain(|down| down != name);
    names
}

fn in_order(one: &str, other: &str) -> Ordering {
    by_leading_number(one, other)
}

fn undoes_another(file: &SourceFile, files: &[SourceFile]) -> bool {
    PAIRS.iter().any(|(ending, _)| file.file_name().ends_with(ending))
        && files.iter().any(|other| {
            other.directory() == file.directory()
                && names_of_down(other.file_name())
                    .iter()
                    .any(|name| name == file.file_name())
        })
}

fn migration(file: &SourceFile, files: &[SourceFile]) -> Migration {
    let names = names_of_down(file.file_name());
    let down = names.iter().find_map(|name| {
        files
            .iter()
            .find(|other| other.directory() == file.directory() && other.file_name() == name)
    });
    let script = |file| Script::whole_file(file, TransactionScope::None, Send::PerStatement);
    let version = split_digits(file.file_name()).map_or(file.file_name(), |(digits, _)| digits);
    Migration {
        version: version.to_owned(),
        name: file.path.clone(),
        up: script(file),
        down: down.map(script),
    }
}
