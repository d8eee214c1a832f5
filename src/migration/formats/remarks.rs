//! What the person should know about how files were read: other tools that fit their names, and what was left out.

use super::file_name::{numbered, split_digits};
use super::flyway;
use super::history::{History, LeftOut};
use super::source_file::{NamedAs, SourceFile};
use crate::migration::tool::Tool;

/// Returns what the person should know: other tools that fit the names, and what was left out.
pub(super) fn remarks(history: &History, files: &[SourceFile], place: NamedAs, told: bool) -> Vec<String> {
    let mut remarks = Vec::new();
    if !told {
        remarks.extend(others(history));
    }
    if place == NamedAs::Directory {
        remarks.extend(left_out(history));
    }
    for file in files
        .iter()
        .filter(|file| file.text().contains("flyway:executeInTransaction"))
    {
        remarks.push(format!(
            "{}: a comment does not set executeInTransaction as far as is known; Flyway reads it from {}.conf",
            file.name,
            file.file_name()
        ));
    }
    remarks
}

/// Returns which other tools use the same names, and what would differ.
fn others(history: &History) -> Option<String> {
    let first = &history.migrations[0].up.file;
    let advice = match history.tool {
        Tool::Flyway if flyway::refinery_version(first).is_some() => {
            "the names are also those of refinery, which sends each file whole"
        }
        Tool::GolangMigrate => "the names are also those of sqlx, which runs each file in a transaction",
        Tool::PlainSql if numbered(first.file_name()).is_some() => {
            "the names are also those of sqlx, tern and Atlas, which run each file in a transaction, and of \
             node-pg-migrate"
        }
        Tool::Diesel if split_digits(first.directory()).is_some_and(|(digits, _)| digits.len() == 13) => {
            return Some(
                "the names are those of Hasura, which runs each file in one transaction, as diesel does".into(),
            );
        }
        _ => return None,
    };
    Some(format!("{advice}: if that is yours, say so with --format-of"))
}

fn left_out(history: &History) -> Vec<String> {
    let named = |holds: fn(&LeftOut) -> bool| -> Vec<&str> {
        let left = history.left_out.iter().filter(|left| holds(left));
        left.map(|left| left.path.as_str()).collect()
    };
    let mut remarks = Vec::new();
    let unused = named(|left| left.language.is_none());
    if !unused.is_empty() {
        remarks.push(format!(
            "left out, because {} does not run them as migrations: {}",
            history.tool.name(),
            some_of(&unused)
        ));
    }
    let programs = named(|left| left.language.is_some());
    if !programs.is_empty() {
        remarks.push(format!("left out, because they are programs: {}", some_of(&programs)));
    }
    remarks
}

fn some_of(names: &[&str]) -> String {
    match names {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        _ => names.join(", "),
    }
}
