//! One direction of a migration: which parts of which file, in which transaction, and how they are sent.

use std::ops::Range;

use super::source_file::SourceFile;

/// The scope of a tool's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionScope {
    /// One script.
    PerScript,
    /// All pending migrations.
    AllPending,
    /// None: the tool opens no transaction.
    None,
}

/// How a part is sent to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    /// Each statement separately.
    PerStatement,
    /// In one message, which is one transaction when it holds several statements.
    Whole,
}

/// One direction of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub(super) file: SourceFile,
    /// The parts of the file's text, in order, as byte ranges.
    pub(super) parts: Vec<Range<usize>>,
    /// The scope of the tool's transaction.
    pub transaction: TransactionScope,
    /// How each part is sent.
    pub send: Send,
    /// Files that the tool runs before it, in the same transaction.
    pub(super) before: Vec<SourceFile>,
    /// Files that the tool runs after it, in the same transaction.
    pub(super) after: Vec<SourceFile>,
}

impl Script {
    /// Returns a script that consists of a whole file.
    pub(super) fn whole_file(file: &SourceFile, transaction: TransactionScope, send: Send) -> Script {
        Script::of_part(file, 0..file.text().len(), transaction, send)
    }

    /// Returns a script that consists of one part of a file.
    pub(super) fn of_part(file: &SourceFile, part: Range<usize>, transaction: TransactionScope, send: Send) -> Script {
        Script {
            file: file.clone(),
            parts: vec![part],
            transaction,
            send,
            before: Vec::new(),
            after: Vec::new(),
        }
    }

    /// Returns its text: the parts of its file, one after the other.
    pub fn text(&self) -> String {
        let parts = self.parts.iter().map(|part| &self.file.text()[part.clone()]);
        parts.collect()
    }

    /// Returns the name of its file.
    pub fn file(&self) -> &str {
        &self.file.name
    }
}
