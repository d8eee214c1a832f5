//! What is read from the files of each tool: the tool, the order, the rollback, the transaction, and how it is sent.

mod histories;
mod marked_files;
mod named_files;

use std::sync::Arc;

use super::*;
use crate::migration::Statement;
use crate::migration::formats::{Script, Scripts, TransactionScope};

/// Returns files with these paths and texts; the text `-` means that only the name matters.
fn files(files: &[(&str, &str)]) -> Vec<SourceFile> {
    let file = |(path, text): &(&str, &str)| SourceFile {
        name: (*path).to_owned(),
        path: (*path).to_owned(),
        text: (*text != "-").then(|| Arc::from(*text)),
    };
    files.iter().map(file).collect()
}

/// Writes a history as `tool: version up / down`, with the statements of each script, the transaction's scope
/// (`s`cript, `p`ending, `n`one), and in brackets what is sent in one message.
fn written(history: &History) -> String {
    let mut lines = vec![history.tool.name().to_owned()];
    for migration in &history.migrations {
        let down = migration
            .down
            .as_ref()
            .map(|down| format!(" / {}", script(history.tool, down)));
        lines.push(format!(
            "{} {}{}",
            migration.version,
            script(history.tool, &migration.up),
            down.unwrap_or_default()
        ));
    }
    lines.join("\n")
}

fn script(tool: Tool, script: &Script) -> String {
    let statements = statements(tool, script).unwrap_or_else(|error| panic!("{error}"));
    let scope = match statements.first().map(|first| first.sending.transaction) {
        Some(Some(_)) if script.transaction == TransactionScope::AllPending => "p",
        Some(Some(_)) => "s",
        _ => "n",
    };
    let mut messages = Vec::new();
    for message in statements.chunk_by(|one, other| one.sending.message.is_some() && one.sending == other.sending) {
        let inside: Vec<String> = message
            .iter()
            .map(|statement| {
                format!(
                    "{}@{}",
                    statement.sql.split_whitespace().collect::<Vec<_>>().join(" "),
                    statement.line
                )
            })
            .collect();
        messages.push(match message {
            [only] if only.sending.message.is_none() => inside.join(";"),
            _ => format!("[{}]", inside.join(";")),
        });
    }
    format!("{scope}:{}", messages.join(", "))
}

fn statements(tool: Tool, script: &Script) -> Result<Vec<Statement>> {
    let scripts = Scripts {
        tool,
        scripts: vec![script],
    };
    scripts.statements(&mut |wanted| panic!("included {}", wanted.path))
}

fn check(named: &[(&str, &str)], expected: &str) {
    let history = read("dir", files(named), NamedAs::Directory, None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(written(&history), expected);
}

fn check_file(named: &[(&str, &str)], expected: &str) {
    let history = read("file", files(named), NamedAs::File, None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(written(&history), expected);
}

/// Checks the error for files that cannot be read, or whose statements cannot be.
fn check_refused(named: &[(&str, &str)], told: Option<Tool>, expected: &str) {
    let refused = read("dir", files(named), NamedAs::Directory, told).and_then(|history| {
        for migration in &history.migrations {
            statements(history.tool, &migration.up)?;
        }
        Ok(history)
    });
    let error = refused.map(|history| written(&history)).expect_err(expected);
    let hint = error.hint().map(|hint| format!("\n{hint}")).unwrap_or_default();
    assert_eq!(format!("{}{hint}", error.message()), expected);
}

fn check_remarks(named: &[(&str, &str)], expected: &[&str]) {
    let history = read("dir", files(named), NamedAs::Directory, None).unwrap_or_else(|error| panic!("{error}"));
    for words in expected {
        let found = history.remarks.iter().any(|remark| remark.contains(words));
        assert!(found, "{words}: {:?}", history.remarks);
    }
    assert_eq!(history.remarks.len(), expected.len(), "{:?}", history.remarks);
}
