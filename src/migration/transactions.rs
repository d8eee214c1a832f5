//! In which transaction each statement runs: its own `BEGIN`, the one its tool opens, or the one that a message of
//! several statements is.
//!
//! Pure, and the one place that knows; what follows from it is for `plan` and `steps`.
//!
//! PostgreSQL's protocol ("Multiple Statements in a Simple Query"): a message of several statements is one transaction,
//! unless it holds `COMMIT` or `ROLLBACK`, behind which another one begins; a `BEGIN` inside makes it a block that
//! outlives the message.

use super::Statement;
use super::command::{Command, Transaction};

/// A transaction that spans statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TransactionBlock {
    /// Number from 1, in the order in which they are opened.
    pub number: u32,
    /// Place, among the statements, of the one that opened it.
    pub opened_at: usize,
    pub by: OpenedBy,
}

/// What opened a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenedBy {
    /// `BEGIN`, or `COMMIT AND CHAIN`.
    Begin,
    /// The tool, around the file, section or everything that is pending.
    Tool,
    /// A message of several statements.
    Message,
}

impl TransactionBlock {
    /// Returns why the tool makes it a transaction, and what lets a statement run outside of it; `None` where it is the
    /// file's own.
    pub fn way_out(&self, statements: &[Statement]) -> Option<String> {
        let tool = statements[self.opened_at].sending.tool;
        let name = tool.name();
        match self.by {
            OpenedBy::Begin => None,
            OpenedBy::Tool => Some(format!(
                "{name} {}: {}",
                tool.transaction_in_words(),
                tool.way_out_of_transaction()
            )),
            OpenedBy::Message => Some(format!(
                "{name} sends it together with other statements, which makes them one transaction: {}",
                tool.way_out_of_message()
            )),
        }
    }
}

/// Where a statement begins or ends a transaction, or speaks of the one it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Begin,
    End,
    Chain,
    /// A savepoint, or a mode of the transaction.
    Inside,
}

impl Edge {
    /// Returns what a statement is to transactions; `None` for one that works.
    pub fn of(command: &Command) -> Option<Edge> {
        let Command::Transaction(transaction) = command else {
            return None;
        };
        Some(match transaction {
            Transaction::Begin => Edge::Begin,
            Transaction::Commit { chain: true } | Transaction::Rollback { chain: true } => Edge::Chain,
            Transaction::Commit { .. } | Transaction::Rollback { .. } | Transaction::Prepared => Edge::End,
            Transaction::Savepoint | Transaction::Release | Transaction::RollbackToSavepoint | Transaction::Modes => {
                Edge::Inside
            }
        })
    }
}

impl Statement {
    /// Says whether it only begins or ends a transaction, or speaks of the one it is in.
    pub fn is_transaction_edge(&self) -> bool {
        Edge::of(self.command()).is_some()
    }
}

/// The transactions of a migration.
pub(super) struct Transactions {
    /// The block in which each statement runs; a `BEGIN` stands before the block it opens, a `COMMIT` in the one it
    /// ends.
    pub blocks: Vec<Option<TransactionBlock>>,
    /// The block that nothing ends.
    pub left_open: Option<TransactionBlock>,
}

/// Follows the transactions through the statements of a migration.
pub(super) fn follow(statements: &[Statement]) -> Transactions {
    let mut follower = Follower {
        statements,
        open: None,
        opened: 0,
    };
    let mut blocks = Vec::with_capacity(statements.len());
    for (place, statement) in statements.iter().enumerate() {
        follower.arrive(place);
        blocks.push(follower.open);
        match Edge::of(statement.command()) {
            Some(Edge::Begin) => follower.begin(place),
            Some(Edge::End) => follower.end(place),
            Some(Edge::Chain) => follower.open(place, OpenedBy::Begin),
            Some(Edge::Inside) | None => {}
        }
    }
    Transactions {
        blocks,
        // What a file begins anew in the transaction of its tool, the tool commits.
        left_open: follower.open.filter(|block| {
            let in_transaction_of_tool = statements.last().is_some_and(|last| last.sending.transaction.is_some());
            block.by == OpenedBy::Begin && !in_transaction_of_tool
        }),
    }
}

struct Follower<'migration> {
    statements: &'migration [Statement],
    open: Option<TransactionBlock>,
    opened: u32,
}

impl Follower<'_> {
    /// Ends what the tool or the message before ends, and opens what it opens before this statement.
    fn arrive(&mut self, place: usize) {
        let now = self.statements[place].sending;
        let before = place.checked_sub(1).map(|before| self.statements[before].sending);
        let other_transaction = before.is_none_or(|before| before.transaction != now.transaction);
        let other_message = before.is_none_or(|before| before.message != now.message);
        let ended = match self.open.map(|block| block.by) {
            // The tool's own COMMIT ends whatever the file left open.
            Some(_) if other_transaction && before.is_some_and(|before| before.transaction.is_some()) => true,
            Some(OpenedBy::Tool) => other_transaction,
            Some(OpenedBy::Message) => other_message,
            Some(OpenedBy::Begin) | None => false,
        };
        if ended {
            self.open = None;
        }
        if self.open.is_some() {
            return;
        }
        if now.transaction.is_some() && other_transaction {
            self.open(place, OpenedBy::Tool);
        } else if now.message.is_some() && other_message {
            self.open(place, OpenedBy::Message);
        }
    }

    fn begin(&mut self, place: usize) {
        match &mut self.open {
            None => self.open(place, OpenedBy::Begin),
            // From here on it outlives the message.
            Some(block) if block.by == OpenedBy::Message => block.by = OpenedBy::Begin,
            Some(_) => {}
        }
    }

    fn end(&mut self, place: usize) {
        self.open = None;
        let message = self.statements[place].sending.message;
        let next = self.statements.get(place + 1);
        if message.is_some() && next.is_some_and(|next| next.sending.message == message) {
            self.open(place + 1, OpenedBy::Message);
        }
    }

    fn open(&mut self, place: usize, by: OpenedBy) {
        self.opened += 1;
        self.open = Some(TransactionBlock {
            number: self.opened,
            opened_at: place,
            by,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::super::statement::Sending;
    use super::*;

    /// Checks the block of each statement: `-`, or its number and who opened it. Each statement is preceded by
    /// `transaction/message`.
    fn check(migration: &[(&str, &str)], expected: &str) {
        let text: Vec<&str> = migration.iter().map(|(_, sql)| *sql).collect();
        let mut statements = parse(&text.join(";"), "m.sql").expect("parses");
        for (statement, (sending, _)) in statements.iter_mut().zip(migration) {
            let (transaction, message) = sending.split_once('/').expect("two numbers");
            statement.sending = Sending {
                transaction: transaction.parse().ok(),
                message: message.parse().ok(),
                ..Sending::default()
            };
        }
        let found: Vec<String> = follow(&statements)
            .blocks
            .iter()
            .map(|block| match block {
                None => "-".to_owned(),
                Some(block) => {
                    let by = match block.by {
                        OpenedBy::Begin => "b",
                        OpenedBy::Tool => "t",
                        OpenedBy::Message => "m",
                    };
                    format!("{}{by}", block.number)
                }
            })
            .collect();
        assert_eq!(found.join(" "), expected, "{migration:?}");
    }

    #[test]
    fn of_their_own() {
        check(
            &[("/", "begin"), ("/", "select 1"), ("/", "commit"), ("/", "select 2")],
            "- 1b 1b -",
        );
        check(
            &[
                ("/", "begin"),
                ("/", "commit and chain"),
                ("/", "select 1"),
                ("/", "end"),
            ],
            "- 1b 2b 2b",
        );
        check(&[("/", "begin"), ("/", "begin"), ("/", "rollback to a")], "- 1b 1b");
    }

    #[test]
    fn of_the_tool() {
        check(
            &[
                ("1/", "select 1"),
                ("1/", "select 2"),
                ("2/", "select 3"),
                ("/", "select 4"),
            ],
            "1t 1t 2t -",
        );
        // The file's own COMMIT ends the tool's transaction; per statement, nothing follows it.
        check(
            &[
                ("1/", "begin"),
                ("1/", "select 1"),
                ("1/", "commit"),
                ("1/", "select 2"),
                ("2/", "select 3"),
            ],
            "1t 1t 1t - 2t",
        );
        check(&[("1/", "commit"), ("1/", "begin"), ("2/", "select 1")], "1t - 3t");
    }

    #[test]
    fn of_a_message() {
        check(
            &[
                ("/1", "select 1"),
                ("/1", "select 2"),
                ("/2", "select 3"),
                ("/", "select 4"),
            ],
            "1m 1m 2m -",
        );
        check(
            &[
                ("/1", "select 1"),
                ("/1", "begin"),
                ("/1", "select 2"),
                ("/1", "commit"),
                ("/1", "select 3"),
            ],
            "1m 1m 1b 1b 2m",
        );
        check(
            &[("1/1", "commit"), ("1/1", "select 1"), ("2/2", "select 2")],
            "1t 2m 3t",
        );
    }

    #[test]
    fn what_is_never_ended() {
        let open = |sql: &str| {
            follow(&parse(sql, "m.sql").expect("parses"))
                .left_open
                .map(|block| block.opened_at)
        };
        assert_eq!(open("select 1; begin; select 2"), Some(1));
        assert_eq!(open("begin; commit"), None);
        // The tool commits what a file of it leaves open.
        let mut statements = parse("commit; select 1; begin", "m.sql").expect("parses");
        statements
            .iter_mut()
            .for_each(|statement| statement.sending.transaction = Some(1));
        assert!(follow(&statements).left_open.is_none());
    }
}
