//! graphile-migrate: committed files in order of their names, then the current one; each sent whole, in a transaction
//! unless it says otherwise.

use std::sync::Arc;

use super::file_name::split_digits;
use super::history::Migration;
use super::lines::lines;
use super::plain::is_sql;
use super::script::{Script, Send, TransactionScope};
use super::source_file::{NamedAs, SourceFile, refused};
use crate::error::Result;

/// Returns the migrations of graphile-migrate, from its `migrations` directory or from `committed` itself.
pub(super) fn migrations(files: &[SourceFile], place: NamedAs) -> Result<Vec<Migration>> {
    let mut forward: Vec<&SourceFile> = match place {
        NamedAs::File => files.iter().take(1).collect(),
        NamedAs::Directory => files
            .iter()
            .filter(|file| is_sql(file) && rank(file).is_some())
            .collect(),
    };
    forward.sort_by(|one, other| (rank(one), one.file_name()).cmp(&(rank(other), other.file_name())));
    forward.into_iter().map(migration).collect()
}

/// Returns whether a committed file has the header that the tool writes.
pub(super) fn has_header(file: &SourceFile) -> bool {
    file.text().starts_with("--! Previous:")
}

/// Sorts committed files before the current one.
fn rank(file: &SourceFile) -> Option<u8> {
    let committed = split_digits(file.file_name()).is_some_and(|(digits, _)| digits.len() >= 6);
    match (file.directory(), file.file_name()) {
        ("" | "committed", _) if committed => Some(0),
        ("", "current.sql") | ("current", _) => Some(1),
        _ => None,
    }
}

/// The placeholders that the tool itself fills in (1.4, `placeholders`), and what stands for them here, of the same
/// length: the role that rehearses owns the database, whose name is another each time.
const PLACEHOLDERS: [(&str, &str); 2] = [
    (":DATABASE_OWNER", "CURRENT_USER   "),
    (":DATABASE_NAME", "postgres      "),
];

/// Returns the file with its placeholders filled in.
fn filled_in(file: &SourceFile) -> SourceFile {
    let fill_in = |text: &Arc<str>| {
        let filled = |text: String, (name, value): (&str, &str)| text.replace(name, value);
        Arc::from(PLACEHOLDERS.into_iter().fold(text.to_string(), filled))
    };
    SourceFile {
        text: file.text.as_ref().map(fill_in),
        ..file.clone()
    }
}

fn migration(file: &SourceFile) -> Result<Migration> {
    let file = &filled_in(file);
    let mut scope = TransactionScope::PerScript;
    for line in lines(file.text()) {
        let Some(marker) = line.text.strip_prefix("--!").map(str::trim) else {
            continue;
        };
        if marker.starts_with("include") {
            return Err(refused(file, line.number, "included fixtures are not read")
                .with_hint("commit it with graphile-migrate first, which writes them into the file"));
        }
        if marker.split_whitespace().next() == Some("no-transaction") && is_first_of_body(file, line.range.start) {
            scope = TransactionScope::None;
        }
    }
    let name = file.file_name();
    Ok(Migration {
        version: split_digits(name).map_or(name, |(digits, _)| digits).to_owned(),
        name: file.path.clone(),
        up: Script::whole_file(file, scope, Send::Whole),
        down: None,
        repeats: rank(file) == Some(1),
    })
}

/// Returns whether only the header comes before `place`.
fn is_first_of_body(file: &SourceFile, place: usize) -> bool {
    lines(&file.text()[..place]).all(|line| line.text.is_empty() || line.text.starts_with("--!"))
}
