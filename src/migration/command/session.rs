//! Statements that steer transactions and the session, as plain data.

/// A statement that begins or ends a transaction, or speaks of the one it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// `BEGIN`, `START TRANSACTION`.
    Begin,
    /// `COMMIT`, `END`.
    Commit {
        /// `AND CHAIN`: another one begins.
        chain: bool,
    },
    /// `ROLLBACK`, `ABORT`.
    Rollback {
        /// `AND CHAIN`: another one begins.
        chain: bool,
    },
    /// `SAVEPOINT`.
    Savepoint,
    /// `RELEASE`.
    Release,
    /// `ROLLBACK TO`.
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
    /// `RESET` of a setting, named as in [`Setting`]; of all without one.
    Reset(Option<String>),
    /// `SHOW`.
    Show,
    /// `DISCARD`.
    Discard {
        /// `ALL`.
        all: bool,
    },
    /// `PREPARE` of a statement.
    Prepare,
    /// `DEALLOCATE`.
    Deallocate,
    /// `DECLARE`.
    Declare {
        /// `WITH HOLD`: the cursor outlives its transaction.
        hold: bool,
    },
    /// `LISTEN`.
    Listen,
    /// `UNLISTEN`.
    Unlisten,
    /// `NOTIFY`.
    Notify,
    /// `LOAD`.
    Load,
}

/// What `SET` sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// `SET LOCAL`.
    pub local: bool,
    /// In lower case; `timezone`, `role` and the like for the forms with words of their own.
    pub name: String,
    /// The content of a single string, else as written.
    pub value: String,
    /// Names in a list, as PostgreSQL sees them; `None` for `DEFAULT`, and for a value that is only known at run time.
    pub list: Option<Vec<String>>,
    /// `DEFAULT`: what the session began with.
    pub default: bool,
}
