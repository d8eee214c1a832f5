//! Atlas: files in order of their names, each in a transaction, with each statement sent separately; directives at the
//! head of a file change that.

use std::ops::Range;

use super::file_name::split_digits;
use super::history::Migration;
use super::lines::lines;
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
    forward.into_iter().map(migration).collect()
}

fn migration(file: &SourceFile) -> Result<Migration> {
    let mut scope = TransactionScope::PerScript;
    let mut delimiter = None;
    for line in lines(file.text()).take_while(|line| line.text.starts_with("--")) {
        if let Some(mode) = line.comment_behind("atlas:txmode") {
            scope = match mode {
                "none" => TransactionScope::None,
                _ => TransactionScope::PerScript,
            };
        } else if let Some(written) = line.comment_behind("atlas:delimiter") {
            delimiter = Some((line.range.end, written.replace("\\n", "\n").replace("\\t", "\t")));
        } else if line.comment_behind("atlas:txtar").is_some() {
            return Err(refused(file, line.number, "archives with checks (txtar) are not read")
                .with_hint("give its migration.sql as a file of its own"));
        }
    }
    let name = file.file_name();
    let version = split_digits(name).map_or(name, |(digits, _)| digits);
    let up = match delimiter {
        Some((start, delimiter)) if !delimiter.is_empty() => Script {
            parts: cut(file.text(), start, &delimiter),
            file: file.clone(),
            transaction: scope,
            send: Send::Whole,
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
