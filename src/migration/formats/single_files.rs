//! dbmate, tern and node-pg-migrate: both directions in one file, each sent whole.

use std::cmp::Ordering;
use std::ops::Range;

use super::file_name::{by_numbers, numbered, numbers, split_digits};
use super::history::Migration;
use super::lines::{Line, lines};
use super::pairs::in_order;
use super::script::{Script, Send, TransactionScope};
use super::sections::candidates;
use super::source_file::{NamedAs, SourceFile, refused};
use crate::error::Result;
use crate::units::days_since_1970;

/// The separator line in tern's files.
pub(super) const TERN_SEPARATOR: &str = "---- create above / drop below ----";

const TERN_WITHOUT_TRANSACTION: &str = "---- tern: disable-tx ----";

/// Returns the migrations of dbmate, by name; a file may hold several pairs of sections.
pub(super) fn migrations_of_dbmate(files: &[SourceFile], place: NamedAs) -> Result<Vec<Migration>> {
    let numbered = |file: &&SourceFile| split_digits(file.file_name()).is_some();
    let mut named: Vec<&SourceFile> = candidates(files, place)
        .filter(|file| place == NamedAs::File || numbered(file))
        .collect();
    named.sort_by(|one, other| one.file_name().cmp(other.file_name()));
    let mut migrations = Vec::new();
    for file in named {
        migrations.extend(sections_of_dbmate(file)?);
    }
    Ok(migrations)
}

/// Returns the rest of a line that begins a section of dbmate: `-- migrate:up transaction:false`.
pub(super) fn section_of_dbmate<'text>(line: &Line<'text>, direction: &str) -> Option<&'text str> {
    line.comment_behind(&format!("migrate:{direction}"))
}

fn sections_of_dbmate(file: &SourceFile) -> Result<Vec<Migration>> {
    let name = file.file_name();
    let version = split_digits(name).map_or(name, |(digits, _)| digits);
    let mut migrations: Vec<Migration> = Vec::new();
    for line in lines(file.text()) {
        let up = section_of_dbmate(&line, "up");
        let Some(options) = up.or_else(|| section_of_dbmate(&line, "down")) else {
            if migrations.is_empty() && !line.is_blank_or_comment() {
                return Err(refused(
                    file,
                    line.number,
                    "dbmate wants -- migrate:up before the first statement",
                ));
            }
            continue;
        };
        if let Some(open) = migrations.last_mut() {
            let script = open.down.as_mut().unwrap_or(&mut open.up);
            script.parts[0].end = line.range.start;
        }
        let scope = if options.split_whitespace().any(|option| option == "transaction:false") {
            TransactionScope::None
        } else {
            TransactionScope::PerScript
        };
        let script = Script::of_part(file, line.range.end..file.text().len(), scope, Send::Whole);
        match migrations.last_mut() {
            _ if up.is_some() => migrations.push(Migration {
                version: version.to_owned(),
                name: file.path.clone(),
                up: script,
                down: None,
                repeats: false,
            }),
            Some(open) if open.down.is_none() => open.down = Some(script),
            _ => {
                return Err(refused(
                    file,
                    line.number,
                    "dbmate wants -- migrate:up before each -- migrate:down",
                ));
            }
        }
    }
    if migrations.is_empty() {
        return Err(refused(file, 1, "dbmate finds no -- migrate:up in this file"));
    }
    Ok(migrations)
}

/// Returns the migrations of tern, `001_name.sql`, which must be numbered without a gap.
pub(super) fn migrations_of_tern(files: &[SourceFile], place: NamedAs) -> Result<Vec<Migration>> {
    let named = candidates(files, place).filter_map(|file| {
        let version = numbered(file.file_name()).map(|(version, _)| version);
        (place == NamedAs::File || version.is_some()).then(|| {
            let (up, down) = match file.text().split_once(TERN_SEPARATOR) {
                Some((up, down)) => (0..up.len(), Some(file.text().len() - down.len()..file.text().len())),
                None => (0..file.text().len(), None),
            };
            Migration {
                version: version.unwrap_or(file.file_name()).to_owned(),
                name: file.path.clone(),
                up: script_of_tern(file, up),
                down: down.map(|down| script_of_tern(file, down)),
                repeats: false,
            }
        })
    });
    let migrations = in_order(named.collect(), "tern")?;
    if place == NamedAs::Directory {
        for (place, migration) in (1..).zip(&migrations) {
            if numbers(&migration.version) != Some(vec![place]) {
                let message = format!("tern wants a migration {place:03} before this one");
                return Err(refused(&migration.up.file, 1, message));
            }
        }
    }
    Ok(migrations)
}

fn script_of_tern(file: &SourceFile, part: Range<usize>) -> Script {
    let without = lines(&file.text()[part.clone()]).any(|line| line.text == TERN_WITHOUT_TRANSACTION);
    let (transaction, send) = if without {
        (TransactionScope::None, Send::PerStatement)
    } else {
        (TransactionScope::PerScript, Send::Whole)
    };
    Script::of_part(file, part, transaction, send)
}

/// Returns the node-pg-migrate migrations that are written in SQL, by time stamp, all pending ones in one transaction.
pub(super) fn migrations_of_node_pg_migrate(files: &[SourceFile], place: NamedAs) -> Result<Vec<Migration>> {
    let mut migrations: Vec<Migration> = candidates(files, place).map(migration_of_node_pg_migrate).collect();
    migrations.sort_by(|one, other| by_time(one, other).then_with(|| one.name.cmp(&other.name)));
    Ok(migrations)
}

/// Returns whether a line is node-pg-migrate's marker of a direction: `-- Up Migration`.
pub(super) fn is_marker_of_node_pg_migrate(line: &Line, direction: &str) -> bool {
    let text = line.text.trim_start().to_ascii_lowercase();
    let Some(comment) = text.strip_prefix("--") else {
        return false;
    };
    let mut words = comment.trim_start_matches(['-', ' ', '\t']).split_whitespace();
    words.next() == Some(direction) && words.next().is_some_and(|word| word.starts_with("migration"))
}

fn migration_of_node_pg_migrate(file: &SourceFile) -> Migration {
    let text = file.text();
    let marker = |direction: &str| {
        lines(text)
            .find(|line| is_marker_of_node_pg_migrate(line, direction))
            .map(|line| line.range.start)
    };
    let (up, down) = (marker("up"), marker("down"));
    let until = |start: usize, other: Option<usize>| start..other.filter(|other| *other > start).unwrap_or(text.len());
    let script = |part| Script::of_part(file, part, TransactionScope::AllPending, Send::Whole);
    let name = file.file_name();
    Migration {
        version: numbered(name).map_or(name, |(version, _)| version).to_owned(),
        name: file.path.clone(),
        up: script(up.map_or(0..text.len(), |start| until(start, down))),
        down: down.map(|start| script(until(start, up))),
        repeats: false,
    }
}

/// Orders by milliseconds since 1970; a name of 17 digits is read as a date and time in UTC.
fn by_time(one: &Migration, other: &Migration) -> Ordering {
    match (milliseconds(&one.version), milliseconds(&other.version)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => by_numbers(&one.version, &other.version),
    }
}

fn milliseconds(version: &str) -> Option<i64> {
    let number = |range: Range<usize>| version.get(range)?.parse::<i64>().ok();
    if version.len() != 17 {
        return version.parse().ok();
    }
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let seconds =
        (days_since_1970(year, month, day) * 24 + number(8..10)?) * 3600 + number(10..12)? * 60 + number(12..14)?;
    Some(seconds * 1000 + number(14..17)?)
}
