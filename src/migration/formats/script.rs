//! One direction of a migration: which parts of which file, in which transaction, sent how.

use std::ops::Range;

use super::source_file::SourceFile;

/// What a tool's transaction spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionScope {
    /// The script.
    PerScript,
    /// All that is pending.
    AllPending,
    /// Nothing: the tool opens none.
    None,
}

/// How a part is sent to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    /// Each statement by itself.
    PerStatement,
    /// In one message, which is one transaction when it holds several statements.
    Whole,
}

/// What a migration does in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub(super) file: SourceFile,
    /// Parts of the file's text, in order, in bytes.
    pub(super) parts: Vec<Range<usize>>,
    /// What its tool's transaction spans.
    pub transaction: TransactionScope,
    /// How each part is sent.
    pub send: Send,
}

impl Script {
    /// Returns the script that is a whole file.
    pub(super) fn whole_file(file: &SourceFile, transaction: TransactionScope, send: Send) -> Script {
        Script::of_part(file, 0..file.text().len(), transaction, send)
    }

    /// Returns the script that is one part of a file.
    pub(super) fn of_part(file: &SourceFile, part: Range<usize>, transaction: TransactionScope, send: Send) -> Script {
        Script {
            file: file.clone(),
            parts: vec![part],
            transaction,
            send,
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
