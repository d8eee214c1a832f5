//! What may surprise whoever runs a statement: a kind that stays the same between versions, and a sentence for this
//! statement.
//!
//! Knows no statement; `effects` and `plan` find the traps.

/// A kind of surprise. What each means, and what to do about it, is told by the report's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trap {
    /// `SET LOCAL` outside a transaction block.
    SetLocalOutsideTransaction,
    /// A statement that no transaction block may hold stands in one.
    RefusedInTransaction,
    /// The same, where the whole file is sent as one.
    RefusedWhenSentWhole,
    /// A strong lock that is short by itself is kept to the end, where the whole file is sent as one.
    KeptWhenSentWhole,
    /// A statement that needs a transaction block stands outside.
    RefusedOutsideTransaction,
    /// `lock_timeout` is set while an index is built concurrently.
    LockTimeoutCancelsConcurrently,
    /// A constraint is validated in the transaction that added it `NOT VALID`.
    ValidatedWhereAdded,
    /// `statement_timeout` is set.
    StatementTimeoutCountsWaits,
    /// `IF NOT EXISTS` keeps an invalid index.
    InvalidIndexKept,
    /// A strong lock is kept to the COMMIT, through other statements.
    LockKeptToCommit,
    /// Another table is locked too.
    OtherTableLocked,
    /// What is removed or added cannot be taken back.
    CannotComeBack,
    /// Triggers change more than the statement says.
    TriggersDoMore,
    /// It fails when the table has rows.
    FailsOnRows,
    /// A file begins or ends a transaction inside the one of its tool.
    TransactionOfToolEnded,
    /// It waits for a transaction that its own tool keeps open.
    WaitsForItsTool,
    /// It acts outside the one database.
    LeavesTheDatabase,
    /// The server refuses it, whatever the rows are.
    RefusedByServer,
    /// A foreign key without an index makes it, or later statements, read a whole table for each row.
    ForeignKeyWithoutIndex,
    /// The planner's statistics of a column are gone.
    StatisticsLost,
}

impl Trap {
    /// Every kind.
    pub const ALL: [Trap; 20] = [
        Trap::SetLocalOutsideTransaction,
        Trap::RefusedInTransaction,
        Trap::RefusedWhenSentWhole,
        Trap::KeptWhenSentWhole,
        Trap::RefusedOutsideTransaction,
        Trap::LockTimeoutCancelsConcurrently,
        Trap::ValidatedWhereAdded,
        Trap::StatementTimeoutCountsWaits,
        Trap::InvalidIndexKept,
        Trap::LockKeptToCommit,
        Trap::OtherTableLocked,
        Trap::CannotComeBack,
        Trap::TriggersDoMore,
        Trap::FailsOnRows,
        Trap::TransactionOfToolEnded,
        Trap::WaitsForItsTool,
        Trap::LeavesTheDatabase,
        Trap::RefusedByServer,
        Trap::ForeignKeyWithoutIndex,
        Trap::StatisticsLost,
    ];

    /// Says whether the server refuses the statement, so that the migration fails there.
    pub fn is_refusal(self) -> bool {
        matches!(
            self,
            Trap::RefusedInTransaction | Trap::RefusedOutsideTransaction | Trap::RefusedByServer
        )
    }
}

/// A surprise in one statement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// What kind it is.
    pub trap: Trap,
    /// The sentence, without a full stop.
    pub text: String,
}

impl Warning {
    /// Creates a warning.
    pub fn new(trap: Trap, text: impl Into<String>) -> Warning {
        Warning {
            trap,
            text: text.into(),
        }
    }
}
