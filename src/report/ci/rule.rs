//! The rules that findings refer to: identifiers that never change, names and help texts.
//!
//! 001 to 099 are gates, which fail a job; 101 and above are traps, which do not, but for those that tell of a
//! statement that the server refuses. An identifier is never reused for another rule.

use super::Level;
use crate::migration::Trap;

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// A denied lock is held for longer than allowed.
    LockHeldTooLong,
    /// A denied kind of work takes longer than allowed.
    WorkTooLong,
    /// The whole migration may take longer than its budget.
    OverBudget,
    /// It writes more WAL than allowed.
    WalOverBudget,
    /// It needs more disk than allowed, or than there is.
    DiskOverBudget,
    /// It is slower than in the base.
    Regression,
    /// It failed in rehearsal.
    MigrationFailed,
    /// A gate could not be checked.
    CannotBeJudged,
    /// Its rollback failed, or did not bring the schema back.
    RollbackFailed,
    /// The job stopped before it was judged.
    NotJudged,
    /// A strong lock may be held for a long time.
    LongLock,
    /// Its locks are unknown.
    Unclassified,
    /// It was changed although the base branch already has it.
    ChangedOnBase,
    /// One of the traps.
    Trap(Trap),
}

/// The texts of a rule.
struct Entry {
    rule: Rule,
    id: &'static str,
    name: &'static str,
    level: Level,
    summary: &'static str,
    help: &'static str,
}

const fn entry(
    rule: Rule,
    (id, name): (&'static str, &'static str),
    level: Level,
    summary: &'static str,
    help: &'static str,
) -> Entry {
    Entry {
        rule,
        id,
        name,
        level,
        summary,
        help,
    }
}

const ENTRIES: [Entry; 33] = [
    entry(
        Rule::LockHeldTooLong,
        ("MT001", "LockHeldTooLong"),
        Level::Error,
        "A denied lock may be held for longer than allowed.",
        "Everything that conflicts with the lock waits from its acquisition to the COMMIT, and whatever comes after \
         those waits behind them. Use the safe form that `migtime plan` prints, commit earlier, or allow more with \
         --deny.",
    ),
    entry(
        Rule::WorkTooLong,
        ("MT002", "WorkTooLong"),
        Level::Error,
        "A denied kind of work may take longer than allowed.",
        "Rewrites, scans and index builds take as long as the table is large. Split the change into steps that need \
         none, or allow more with --deny.",
    ),
    entry(
        Rule::OverBudget,
        ("MT003", "OverBudget"),
        Level::Error,
        "The whole migration may take longer than its budget.",
        "The upper bound of the prediction interval exceeds the budget. Rehearse more to narrow the interval, make the \
         migration faster, or run it in parts.",
    ),
    entry(
        Rule::WalOverBudget,
        ("MT004", "WalOverBudget"),
        Level::Error,
        "The migration writes more WAL than allowed.",
        "WAL fills disks and delays standbys. Write fewer rows at a time, with pauses, or drop indexes that are built \
         anew anyway.",
    ),
    entry(
        Rule::DiskOverBudget,
        ("MT005", "DiskOverBudget"),
        Level::Error,
        "The migration needs more disk than allowed, or than there is.",
        "A rewrite needs room for the table and its indexes once more until it commits. Make room, or change the table \
         in batches.",
    ),
    entry(
        Rule::Regression,
        ("MT006", "Regression"),
        Level::Error,
        "The migration is slower than its base.",
        "The difference is larger than the margin and than what chance explains. `migtime compare` shows the runs.",
    ),
    entry(
        Rule::MigrationFailed,
        ("MT007", "MigrationFailed"),
        Level::Error,
        "The migration failed in rehearsal.",
        "The server's own words are in the message. What was measured until then is in rehearsal.json.",
    ),
    entry(
        Rule::CannotBeJudged,
        ("MT008", "CannotBeJudged"),
        Level::Error,
        "A gate could not judge a statement.",
        "A gate lets nothing pass that it cannot judge. Name the database, so that sizes are known, or rehearse the \
         migration, which measures what no rule covers.",
    ),
    entry(
        Rule::RollbackFailed,
        ("MT009", "RollbackFailed"),
        Level::Error,
        "The rollback failed, or did not bring the schema back.",
        "The message says what is different afterwards. Mend the down script, or say that it cannot be rolled back.",
    ),
    entry(
        Rule::NotJudged,
        ("MT010", "NotJudged"),
        Level::Error,
        "The job broke off before the migration was judged.",
        "Nothing is known of the migration: the message says what kept the job from judging it. Mend that and run the \
         job again.",
    ),
    entry(
        Rule::Trap(Trap::SetLocalOutsideTransaction),
        ("MT101", "SetLocalOutsideTransaction"),
        Level::Warning,
        "SET LOCAL outside a transaction block does nothing.",
        "It lasts until the end of the transaction, which outside a block is the statement itself. Use SET, or open a \
         block with BEGIN.",
    ),
    entry(
        Rule::Trap(Trap::RefusedInTransaction),
        ("MT102", "RefusedInTransaction"),
        Level::Error,
        "The server refuses the statement inside a transaction block.",
        "Move it behind the COMMIT, into a migration that your tool runs without a transaction.",
    ),
    entry(
        Rule::Trap(Trap::RefusedWhenSentWhole),
        ("MT103", "RefusedWhenSentWhole"),
        Level::Note,
        "Sent together with other statements it is inside one transaction, and refused.",
        "Several statements in one simple query (psql -c, or a tool that sends the file whole) are one implicit \
         transaction. Put the statement into a file of its own.",
    ),
    entry(
        Rule::Trap(Trap::RefusedOutsideTransaction),
        ("MT104", "RefusedOutsideTransaction"),
        Level::Error,
        "The server refuses the statement outside a transaction block.",
        "Open a block with BEGIN before it.",
    ),
    entry(
        Rule::Trap(Trap::LockTimeoutCancelsConcurrently),
        ("MT105", "LockTimeoutCancelsConcurrently"),
        Level::Warning,
        "lock_timeout also cancels the waits of CONCURRENTLY and leaves an invalid index.",
        "CONCURRENTLY waits for every older transaction, and lock_timeout counts those waits. SET lock_timeout = 0 \
         before it, and drop an invalid index concurrently before the next attempt.",
    ),
    entry(
        Rule::Trap(Trap::ValidatedWhereAdded),
        ("MT106", "ValidatedWhereAdded"),
        Level::Warning,
        "A constraint is validated in the transaction that added it NOT VALID.",
        "The strong lock of ADD CONSTRAINT is then held while all rows are read, which NOT VALID was to prevent. \
         COMMIT in between.",
    ),
    entry(
        Rule::Trap(Trap::StatementTimeoutCountsWaits),
        ("MT107", "StatementTimeoutCountsWaits"),
        Level::Note,
        "statement_timeout counts the time spent waiting for locks too.",
        "A statement that is fast by itself is cancelled when it waits long enough. lock_timeout limits the waits \
         alone.",
    ),
    entry(
        Rule::Trap(Trap::InvalidIndexKept),
        ("MT108", "InvalidIndexKept"),
        Level::Warning,
        "IF NOT EXISTS keeps an invalid index that a failed attempt has left.",
        "The statement succeeds and no query can use the index. DROP INDEX CONCURRENTLY IF EXISTS before it.",
    ),
    entry(
        Rule::Trap(Trap::LockKeptToCommit),
        ("MT109", "LockKeptToCommit"),
        Level::Warning,
        "A strong lock is kept to the COMMIT, through other statements.",
        "Locks are released at the end of the transaction only. COMMIT before the slow statements, or put the strong \
         lock last.",
    ),
    entry(
        Rule::Trap(Trap::OtherTableLocked),
        ("MT110", "OtherTableLocked"),
        Level::Warning,
        "Another table than the one that is named is locked too.",
        "A foreign key stands on two tables; adding or dropping it locks both. Plan for the load on the other one too, \
         and set lock_timeout.",
    ),
    entry(
        Rule::Trap(Trap::CannotComeBack),
        ("MT111", "CannotComeBack"),
        Level::Warning,
        "What is done here cannot be taken back.",
        "No rollback brings dropped data back, nor takes a value of an enum away. Keep a copy, or drop it in a later \
         release.",
    ),
    entry(
        Rule::Trap(Trap::TriggersDoMore),
        ("MT112", "TriggersDoMore"),
        Level::Note,
        "Triggers of the table may lock and change more.",
        "What a trigger does is not in the statement. A rehearsal measures it.",
    ),
    entry(
        Rule::Trap(Trap::FailsOnRows),
        ("MT113", "FailsOnRows"),
        Level::Warning,
        "The statement fails when the table has rows.",
        "A column that is NOT NULL needs a default for the rows that are there.",
    ),
    entry(
        Rule::Trap(Trap::TransactionOfToolEnded),
        ("MT114", "TransactionOfToolEnded"),
        Level::Warning,
        "A file begins or ends a transaction inside the one of its tool.",
        "COMMIT ends the tool's transaction; what comes behind it runs outside, and is not undone when the migration \
         fails. Leave transactions to the tool, or switch its own off for this migration.",
    ),
    entry(
        Rule::Trap(Trap::WaitsForItsTool),
        ("MT115", "WaitsForItsTool"),
        Level::Warning,
        "The statement waits for a transaction that its own tool keeps open.",
        "CONCURRENTLY waits for every transaction with an older snapshot, the tool's own among them: the migration \
         hangs. The message names the setting.",
    ),
    entry(
        Rule::Trap(Trap::KeptWhenSentWhole),
        ("MT116", "KeptWhenSentWhole"),
        Level::Note,
        "Sent together with other statements it keeps its lock until the last of them.",
        "Several statements in one simple query (psql -c, or a tool that sends the file whole) are one implicit \
         transaction. Send them one by one, or put the slow ones into a migration of their own.",
    ),
    entry(
        Rule::Trap(Trap::LeavesTheDatabase),
        ("MT117", "LeavesTheDatabase"),
        Level::Warning,
        "The statement acts outside its database.",
        "Roles, other databases, settings and files are the whole server's, and other servers are others' altogether: \
         no copy of a database holds them. A rehearsal refuses it on a staging server unless --allow-outside names it; \
         --scratch rehearses it.",
    ),
    entry(
        Rule::Trap(Trap::RefusedByServer),
        ("MT118", "RefusedByServer"),
        Level::Error,
        "The server refuses the statement.",
        "The catalog, or the server's version, tells that it fails whatever the rows are; what follows it in its \
         transaction does not run either. The message says what stands in the way.",
    ),
    entry(
        Rule::Trap(Trap::ForeignKeyWithoutIndex),
        ("MT119", "ForeignKeyWithoutIndex"),
        Level::Warning,
        "A foreign key has no index on the referring side.",
        "The server then reads the whole referring table for each row that is deleted from the other one, or whose key \
         changes: twice the rows take four times as long. Create the index first.",
    ),
    entry(
        Rule::LongLock,
        ("MT120", "LongLock"),
        Level::Warning,
        "A lock that blocks writes may be held for long.",
        "At this table's size the statement works for longer than applications like to wait. Use the safe form that \
         `migtime plan` prints.",
    ),
    entry(
        Rule::Unclassified,
        ("MT121", "Unclassified"),
        Level::Note,
        "What the statement locks is not known.",
        "The rules do not cover it, or the catalog was not read. Name the database, or rehearse the migration, which \
         measures it.",
    ),
    entry(
        Rule::ChangedOnBase,
        ("MT122", "ChangedOnBase"),
        Level::Warning,
        "A migration was changed although the base has it.",
        "Databases that ran it as it was will not run it again, and some tools then refuse to go on. Put the change \
         into a new migration, unless no database has run this one yet.",
    ),
    entry(
        Rule::Trap(Trap::StatisticsLost),
        ("MT123", "StatisticsLost"),
        Level::Note,
        "A change of type drops the planner's statistics of the column.",
        "Until ANALYZE has run, the planner guesses, and queries may be slow. Put ANALYZE behind the statement.",
    ),
];

impl Rule {
    /// Returns every rule, ordered by identifier.
    pub fn all() -> impl Iterator<Item = Rule> {
        ENTRIES.iter().map(|entry| entry.rule)
    }

    /// Returns the stable identifier, e.g. `MT001`.
    pub fn id(self) -> &'static str {
        self.entry().id
    }

    /// Returns the stable name, e.g. `LockHeldTooLong`.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Says whether the migration fails, in a rehearsal or because the server refuses a statement.
    pub fn says_that_it_fails(self) -> bool {
        match self {
            Rule::MigrationFailed => true,
            Rule::Trap(trap) => trap.is_refusal(),
            _ => false,
        }
    }

    /// Returns the level of its findings.
    pub fn level(self) -> Level {
        self.entry().level
    }

    /// Returns a one-sentence summary.
    pub fn summary(self) -> &'static str {
        self.entry().summary
    }

    /// Returns why it matters and what to do.
    pub fn help(self) -> &'static str {
        self.entry().help
    }

    fn entry(self) -> &'static Entry {
        ENTRIES
            .iter()
            .find(|entry| entry.rule == self)
            .expect("every rule has an entry: a test sees to it")
    }
}

#[cfg(test)]
mod tests;
