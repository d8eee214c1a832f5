//! What the body of a `DO` block, a function or a procedure runs, as plain data.

use super::Command;

/// The body of a routine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routine {
    /// Its bare name; `None` for a `DO` block.
    pub name: Option<String>,
    /// What it runs, in the order of the text; each branch is taken for run.
    pub runs: Vec<Run>,
    /// Functions that it calls, by the last part of their names.
    pub calls: Vec<String>,
}

/// A part of a body that does something to the database.
#[derive(Clone, Debug, PartialEq)]
pub enum Run {
    /// A statement of its text, or one that is executed from a constant text.
    Statement {
        /// The statement.
        command: Box<Command>,
        /// Whether it stands in a loop.
        repeated: bool,
    },
    /// Something that only its run shows, in words.
    Unseen(String),
    /// `COMMIT` or `ROLLBACK`.
    EndsTransaction,
}
