//! Atlas: files in order of their names, each in a transaction, with each statement sent separately; directives at the
//! head of a file change that. As Atlas does (`sql/migrate/dir.go`, `lex.go`).

use std::ops::Range;

use super::file_name::split_digits;
use super::history::Migration;
use super::lines::{Line, lines};
use super::plain::is_sql;
use super::script::{Script, Send, TransactionScope};
use super::source_file::{NamedAs, SourceFile, refused};
use crate::error::Result;

/// Returns the migrations of Atlas.
pub(super) fn migrations(files: &[SourceFile], place: NamedAs) -> Result<Vec<Migration>> {
    let mut forward: Vec<&SourceFile> = match place {
        NamedAs::File => files.iter().take(1).collect(),
        NamedAs::Directory => files
            .iter()
            .filter(|file| file.directory().is_empty() && is_sql(file))
            .collect(),
    };
    forward.sort_by(|one, other| one.file_name().cmp(other.file_name()));
    // A database that is empty is brought to the last checkpoint at once, instead of by the files before it.
    let checkpoint = forward.iter().rposition(|file| is_checkpoint(file)).unwrap_or(0);
    forward.into_iter().skip(checkpoint).map(migration).collect()
}

/// Returns whether a migration holds the whole schema up to it, which only empty databases need.
pub fn is_checkpoint_of_atlas(migration: &Migration) -> bool {
    is_checkpoint(&migration.up.file)
}

fn is_checkpoint(file: &SourceFile) -> bool {
    directives(file).any(|line| line.comment_behind("atlas:checkpoint").is_some())
}

/// Returns the comments at the head of a file, which count as directives only if an empty line follows them.
fn directives(file: &SourceFile) -> impl Iterator<Item = Line<'_>> {
    let is_comment = |line: &Line| line.text.starts_with("--") || line.text.starts_with('#');
    let behind = lines(file.text()).find(|line| !is_comment(line));
    let count = behind
        .filter(|line| &file.text()[line.range.clone()] == "\n")
        .map_or(0, |line| line.number - 1);
    lines(file.text()).take(count)
}

fn migration(file: &SourceFile) -> Result<Migration> {
    let mut scope = TransactionScope::PerScript;
    for line in directives(file) {
        if line.comment_behind("atlas:txmode") == Some("none") {
            scope = TransactionScope::None;
        } else if line.comment_behind("atlas:txtar").is_some() {
            return Err(refused(file, line.number, "archives with checks (txtar) are not read")
                .with_hint("give its migration.sql as a file of its own"));
        }
    }
    let first = lines(file.text()).next();
    let delimiter = first.as_ref().and_then(|line| {
        let written = line.comment_behind("atlas:delimiter")?;
        Some((line.range.end, written.replace("\\n", "\n").replace("\\t", "\t")))
    });
    let name = file.file_name();
    let version = split_digits(name).map_or(name, |(digits, _)| digits);
    let up = match delimiter {
        Some((start, delimiter)) if !delimiter.is_empty() => Script {
            parts: cut(file.text(), start, &delimiter),
            file: file.clone(),
            transaction: scope,
            send: Send::Whole,
            before: Vec::new(),
            after: Vec::new(),
        },
        _ => Script::whole_file(file, scope, Send::PerStatement),
    };
    Ok(Migration {
        version: version.to_owned(),
        name: file.path.clone(),
        up,
        down: None,
        repeats: false,
    })
}

/// Splits a text at each delimiter, from a byte offset on.
pub(super) fn cut(text: &str, start: usize, delimiter: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut from = start;
    for (place, found) in text[start..].match_indices(delimiter) {
        parts.push(from..start + place);
        from = start + place + found.len();
    }
    parts.push(from..text.len());
    parts
}
