//! SQL files without a tool: run in order of their names, as with `psql -f`, and paired with rollbacks by the usual
//! names.

use std::cmp::Ordering;

use super::file_name::{by_leading_number, split_digits};
use super::history::Migration;
use super::script::{Script, Send, TransactionScope};
use super::source_file::{NamedAs, SourceFile};
use crate::error::Result;

/// Name endings of rollbacks, each with the endings of the scripts they undo.
const PAIRS: [(&str, [&str; 2]); 5] = [
    (".down.sql", [".up.sql", ".sql"]),
    ("_down.sql", ["_up.sql", ".sql"]),
    (".rollback.sql", [".sql", ".up.sql"]),
    ("down.sql", ["up.sql", "forward.sql"]),
    ("rollback.sql", ["migration.sql", "forward.sql"]),
];

/// Returns the files directly in the directory, or the single file.
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

/// Returns whether a file name ends in `.sql`, in upper or lower case.
pub(super) fn is_sql(file: &SourceFile) -> bool {
    file.text.is_some() && file.path.to_ascii_lowercase().ends_with(".sql")
}

/// Returns the possible names of this script's rollback.
pub(super) fn names_of_down(name: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (down, ups) in PAIRS {
        for up in ups {
            // An entry without a leading `.` or `_` is a whole name; any other is an ending of a name.
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
        repeats: false,
    }
}
