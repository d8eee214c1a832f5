//! What earlier statements of a migration have left in their session, and what that means for the next one.

use crate::migration::command::{Command, IndexAction, Session, Setting, TableAction};
use crate::migration::effects::{Effects, TransactionRule};
use crate::migration::tool::Tool;
use crate::migration::transactions::{Edge, OpenedBy, TransactionBlock};
use crate::migration::{Statement, Trap, Warning};

/// What earlier statements have left in the session.
#[derive(Default)]
pub(super) struct SoFar {
    block: Option<TransactionBlock>,
    /// Constraints added NOT VALID in the open block.
    not_valid: Vec<String>,
    lock_timeout: bool,
    /// Whether a statement was not understood, so that the schema may be another than is known.
    uncertain: bool,
}

impl SoFar {
    pub fn enter(&mut self, block: Option<TransactionBlock>) {
        if self.block.map(|block| block.number) != block.map(|block| block.number) {
            self.not_valid.clear();
        }
        self.block = block;
    }

    /// Says whether the schema may be another than is known, by what earlier statements do unseen.
    pub fn is_uncertain(&self) -> bool {
        self.uncertain
    }

    pub fn follow(&mut self, command: &Command, found: Option<&Effects>) {
        self.uncertain |= leaves_doubt(command) || found.is_some_and(|found| !found.unknown.is_empty());
        if self.block.is_some() {
            self.not_valid.extend(added_not_valid(command));
        }
        if let Some(setting) = set(command, "lock_timeout") {
            self.lock_timeout = !setting.default && setting.value != "0";
        }
    }

    /// What goes wrong when a file manages transactions inside the one of its tool.
    pub fn warnings_of_edge(&self, statement: &Statement, edge: Edge) -> Vec<Warning> {
        let tool = statement.sending.tool;
        if self.block.is_none_or(|block| block.by != OpenedBy::Tool) {
            return Vec::new();
        }
        let text = match edge {
            Edge::Begin => format!(
                "{} {} already: the server only warns that there is one",
                tool.name(),
                tool.transaction_in_words()
            ),
            Edge::End | Edge::Chain => format!(
                "it ends the transaction of {}: what comes behind it is no longer undone together with it",
                tool.name()
            ),
            Edge::Inside => return Vec::new(),
        };
        vec![Warning::new(Trap::TransactionOfToolEnded, text)]
    }

    /// Why the server will not run a statement that must stand outside of transactions, if so.
    fn refusal(&self, statements: &[Statement]) -> Option<Warning> {
        let Some(block) = self.block else {
            let unknown_sender = statements.len() > 1 && statements[0].sending.tool == Tool::PlainSql;
            return unknown_sender.then(|| {
                Warning::new(
                    Trap::RefusedWhenSentWhole,
                    "sent together with other statements (psql -c, or a tool that sends the file whole) it is inside \
                     one transaction, and refused",
                )
            });
        };
        let text = match block.way_out(statements) {
            None => format!(
                "the server refuses it inside the transaction block of line {}",
                statements[block.opened_at].line
            ),
            Some(way_out) => format!("the server refuses it inside a transaction; {way_out}"),
        };
        Some(Warning::new(Trap::RefusedInTransaction, text))
    }

    pub fn warnings(&self, statement: &Statement, found: &Effects, statements: &[Statement]) -> Vec<Warning> {
        let command = statement.command();
        let mut warnings = Vec::new();
        if found.transaction == TransactionRule::Forbidden {
            warnings.extend(self.refusal(statements));
        }
        let mut warn = |trap, text: &str| warnings.push(Warning::new(trap, text));
        match (found.transaction, self.block) {
            (TransactionRule::Required, None) if sets_locally(command) => {
                warn(
                    Trap::SetLocalOutsideTransaction,
                    "SET LOCAL outside a transaction block does nothing",
                );
            }
            (TransactionRule::Required, None) => warn(
                Trap::RefusedOutsideTransaction,
                "the server refuses it outside a transaction block",
            ),
            _ => {}
        }
        let builds_concurrently = command.builds_concurrently() && !found.indexed.is_empty();
        if builds_concurrently && self.lock_timeout {
            warn(
                Trap::LockTimeoutCancelsConcurrently,
                "lock_timeout also cancels the waits of CONCURRENTLY and leaves an invalid index: set it to 0 here",
            );
        }
        if builds_concurrently && statements[0].sending.tool == Tool::Flyway {
            warn(
                Trap::WaitsForItsTool,
                "Flyway keeps its lock in an open transaction, for whose end CONCURRENTLY waits for ever: set \
                 flyway.postgresql.transactional.lock=false",
            );
        }
        if validated(command).any(|name| self.not_valid.contains(name)) {
            warn(
                Trap::ValidatedWhereAdded,
                "in the transaction that added it NOT VALID, so the strong lock of that is held while all rows are \
                 read: commit in between",
            );
        }
        if set(command, "statement_timeout").is_some() {
            warn(
                Trap::StatementTimeoutCountsWaits,
                "statement_timeout counts the time spent waiting for locks too",
            );
        }
        warnings
    }
}

/// Returns what a statement gives a setting of this name, if it does.
fn set<'command>(command: &'command Command, name: &str) -> Option<&'command Setting> {
    match command {
        Command::Session(Session::Set(setting)) if setting.name == name => Some(setting),
        _ => None,
    }
}

/// Says whether a statement is a `SET LOCAL`, which outside a block is forgotten at once.
pub(super) fn sets_locally(command: &Command) -> bool {
    matches!(command, Command::Session(Session::Set(setting)) if setting.local)
}

/// Says whether a statement changes what is in the schema, or how names are looked up, in a way that is not followed.
fn leaves_doubt(command: &Command) -> bool {
    match command {
        Command::AlterTable(altered) => altered
            .actions
            .iter()
            .any(|action| matches!(action, TableAction::Inherit(_) | TableAction::NoInherit(_))),
        Command::Drop(dropped) => dropped.cascade,
        // Which of its branches ran is not known.
        Command::Do(_) | Command::Call(_) => true,
        Command::Session(Session::Set(setting)) => setting.name == "search_path",
        Command::AlterIndex(altered) => matches!(altered.action, IndexAction::Rename(_)),
        _ => false,
    }
}

/// Returns the names of the constraints that a statement adds `NOT VALID`.
fn added_not_valid(command: &Command) -> impl Iterator<Item = String> {
    actions(command).iter().filter_map(|action| match action {
        TableAction::AddConstraint(constraint) if constraint.not_valid => constraint.name.clone(),
        _ => None,
    })
}

/// Returns the names of the constraints that a statement validates.
fn validated(command: &Command) -> impl Iterator<Item = &String> {
    actions(command).iter().filter_map(|action| match action {
        TableAction::ValidateConstraint(name) => Some(name),
        _ => None,
    })
}

fn actions(command: &Command) -> &[TableAction] {
    match command {
        Command::AlterTable(altered) => &altered.actions,
        _ => &[],
    }
}
