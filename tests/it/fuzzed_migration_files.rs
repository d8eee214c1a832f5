//! Any texts as the files of a migration tool are either refused with their position, or read into scripts, statements
//! and rollbacks.

use std::str::from_utf8;

use migtime::error::{Error, ErrorKind};
use migtime::migration::Tool;
use migtime::migration::formats::{self, History, NamedAs, Script, Scripts, SourceFile};

use crate::fuzzed::shown;
use crate::fuzzed_sql;

/// Start of the line before each file, which contains the file's path in its directory.
const HEAD: &str = "=== ";

/// More files would not test anything more.
const MOST_FILES: usize = 20;

/// Reads concatenated files, each after a line `=== path`; the text before the first such line is the name of a tool,
/// as with `--format-of`.
pub fn run(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let (told, files) = files(text);
    if files.is_empty() {
        return;
    }
    for place in [NamedAs::Directory, NamedAs::File] {
        match formats::read("migrations", files.clone(), place, told) {
            Ok(history) => check(&history),
            Err(error) => _ = shown(&error),
        }
    }
    for file in &files {
        formats::is_of_interest(&file.path);
        formats::companions(file.path.rsplit('/').next().unwrap_or_default());
    }
}

fn files(text: &str) -> (Option<Tool>, Vec<SourceFile>) {
    let text = format!("\n{text}");
    let head = format!("\n{HEAD}");
    let mut parts = text.split(&head);
    let name = parts.next().unwrap_or_default().trim();
    let told = Tool::ALL.into_iter().find(|tool| tool.name() == name);
    let file = |part: &str| {
        let (path, text) = part.split_once('\n').unwrap_or((part, ""));
        SourceFile {
            name: path.to_string(),
            path: path.to_string(),
            text: Some(text.into()),
        }
    };
    (told, parts.take(MOST_FILES).map(file).collect())
}

fn check(history: &History) {
    assert!(!history.migrations.is_empty());
    for migration in &history.migrations {
        assert!(migration.is_called(&migration.version) && migration.is_called(&migration.name));
    }
    let downs = history
        .migrations
        .iter()
        .filter_map(|migration| migration.down.as_ref());
    check_scripts(
        history.tool,
        history.migrations.iter().map(|migration| &migration.up).collect(),
    );
    check_scripts(history.tool, downs.collect());
}

fn check_scripts(tool: Tool, scripts: Vec<&Script>) {
    scripts.iter().for_each(|script| _ = script.text());
    let scripts = Scripts { tool, scripts };
    let read = scripts.statements(&mut |_| Err(Error::new(ErrorKind::Usage, "nothing is included here")));
    match read {
        Ok(statements) => _ = fuzzed_sql::check(&statements),
        Err(error) => _ = shown(&error),
    }
}
