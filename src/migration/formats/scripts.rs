//! The statements of many scripts, in the order in which their tool runs them.

use super::flyway;
use super::script::{Script, Send, TransactionScope};
use super::source_file::SourceFile;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::source::{NeverClosed, Source};
use crate::migration::statement::{Include, Included, Sending, Statement, parse_part};
use crate::migration::tool::Tool;

/// Scripts to run one after the other.
pub struct Scripts<'a> {
    /// Their tool.
    pub tool: Tool,
    /// The scripts, in order.
    pub scripts: Vec<&'a Script>,
}

impl Scripts<'_> {
    /// Reads the statements, numbered from 1; each records the transaction and message in which its tool sends it.
    ///
    /// `include` finds the files that `\i` and `\ir` name, which only psql follows.
    ///
    /// # Errors
    /// `Usage` with `file:line:column` for invalid SQL, for psql's other commands, for statements that the tool would
    /// split in the middle, and for statements that the tool refuses to run together.
    pub fn statements(&self, include: &mut dyn FnMut(&Include) -> Result<Included>) -> Result<Vec<Statement>> {
        let mut gathered = Gathered::default();
        for script in &self.scripts {
            self.gather(script, include, &mut gathered)?;
        }
        Ok(gathered.statements)
    }

    fn gather(
        &self,
        script: &Script,
        include: &mut dyn FnMut(&Include) -> Result<Included>,
        gathered: &mut Gathered,
    ) -> Result<()> {
        let text = script.file.text();
        let source = Source::new(&script.file.name, text);
        let mut include = |wanted: &Include| match self.tool {
            Tool::PlainSql => include(wanted),
            tool => Err(Error::new(
                ErrorKind::Usage,
                format!("\\i and \\ir are commands of psql, which {} does not know", tool.name()),
            )),
        };
        let mut parts = Vec::with_capacity(script.parts.len());
        for part in &script.parts {
            let statements = parse_part(&source.up_to(part.end), part.start, &mut include);
            parts.push(statements.map_err(|error| self.explained(error, part.end < text.len()))?);
        }
        // Batch placeholders are meant for migtime: the tool itself could not run this script.
        let in_batches = parts
            .iter()
            .flatten()
            .any(|statement| !statement.placeholders.is_empty());
        let (transaction, send) = match self.tool {
            _ if in_batches => (TransactionScope::None, Send::PerStatement),
            Tool::Flyway => (flyway::transaction_of(script, &parts)?, script.send),
            _ => (script.transaction, script.send),
        };
        let around = |file: &SourceFile, include: &mut dyn FnMut(&Include) -> Result<Included>| {
            parse_part(&Source::new(&file.name, file.text()), 0, include)
        };
        for file in &script.after {
            parts.push(around(file, &mut include)?);
        }
        for file in script.before.iter().rev() {
            parts.insert(0, around(file, &mut include)?);
        }
        // psql runs each file in a session of its own, and Flyway restores the search path behind each.
        let restores = matches!(self.tool, Tool::PlainSql | Tool::Flyway);
        if std::mem::take(&mut gathered.search_path_is_empty) && restores {
            let reset = parse_part(&Source::new(&script.file.name, "RESET search_path"), 0, &mut include)?;
            parts.insert(0, reset);
        }
        gathered.search_path_is_empty = script.text().contains(EMPTIES_SEARCH_PATH);
        gathered.add(self.tool, transaction, send, parts);
        Ok(())
    }

    /// Adds the reason why a statement ends too early, if a line-based tool has split it.
    fn explained(&self, error: Error, more_follows: bool) -> Error {
        let cut = error.cause::<NeverClosed>().is_some() && more_follows;
        match self.tool {
            Tool::Goose | Tool::SqlMigrate if cut => error.with_hint(format!(
                "{} ends a statement at each line that ends with ;: put its markers StatementBegin and StatementEnd \
                 around this one",
                self.tool.name()
            )),
            Tool::Liquibase if cut => error.with_hint(
                "Liquibase cuts statements at ; and does not know dollar quotes: give the changeset \
                 splitStatements:false, or another endDelimiter",
            ),
            _ => error,
        }
    }
}

/// How `pg_dump` makes sure that all names in a dump have their schema.
const EMPTIES_SEARCH_PATH: &str = "set_config('search_path', '', false)";

#[derive(Default)]
struct Gathered {
    /// Whether the script before has left no search path.
    search_path_is_empty: bool,
    statements: Vec<Statement>,
    transactions: u32,
    messages: u32,
    /// The transaction of all pending migrations, once it is open.
    pending: Option<u32>,
}

impl Gathered {
    fn add(&mut self, tool: Tool, scope: TransactionScope, send: Send, parts: Vec<Vec<Statement>>) {
        if parts.iter().all(Vec::is_empty) {
            return;
        }
        let transaction = match (scope, self.pending) {
            (TransactionScope::None, _) => None,
            (TransactionScope::AllPending, Some(pending)) => Some(pending),
            _ => {
                self.transactions += 1;
                Some(self.transactions)
            }
        };
        if scope == TransactionScope::AllPending {
            self.pending = transaction;
        }
        for statements in parts {
            let together = send == Send::Whole && statements.len() > 1;
            self.messages += u32::from(together);
            for statement in statements {
                self.statements.push(Statement {
                    number: self.statements.len() as u32 + 1,
                    sending: Sending {
                        tool,
                        transaction,
                        message: together.then_some(self.messages),
                    },
                    ..statement
                });
            }
        }
    }
}
