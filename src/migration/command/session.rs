//! Statements that steer transactions and the session, as plain data.

/// A statement that begins or ends a transaction, or speaks of the one it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// `BEGIN`, `START TRANSACTION`.
    Begin,
    /// `COMMIT`, `END`.
    Commit {
        chain: bool,
    },
    /// `ROLLBACK`, `ABORT`.
    Rollback {
        chain: bool,
    },
    /// `SAVEPOINT`, `RELEASE`.
    Savepoint,
    RollbackToSavepoint,
    /// `PREPARE TRANSACTION`, `COMMIT PREPARED`, `ROLLBACK PREPARED`.
    Prepared,
    /// `SET TRANSACTION`.
    Modes,
}

/// A statement about the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Session {
    /// `SET`, in all its forms but those of transactions and constraints.
    Set(Setting),
    /// `SET SESSION CHARACTERISTICS`.
    Characteristics,
    /// `SET CONSTRAINTS`.
    Constraints,
    Reset,
    Show,
    Discard {
        all: bool,
    },
    /// `PREPARE` of a statement.
    Prepare,
    Deallocate,
    /// `DECLARE`; with `hold` the cursor outlives its transaction.
    Declare {
        hold: bool,
    },
    Listen,
    Unlisten,
    Notify,
    Load,
}

/// What `SET` sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `SET LOCAL`.
    pub local: bool,
    /// In lower case; `timezone`, `role` and the like for the forms with words of their own.
    pub name: String,
    /// The content of a single string, else as written.
    pub value: String,
}
