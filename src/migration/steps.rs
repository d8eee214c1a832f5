//! Turns statements into steps: what is timed separately, in which transaction, and how it is split into batches.
//!
//! Pure: the catalog's facts about the tables are given.

use super::batching::{Catalog, decide};
use super::command::{Command, Transaction};
use super::kind::KindsSoFar;
use super::names::name_path;
use super::outline::Outline;
use super::{BatchOptions, Statement, Step, StepKind, Tables, Tool, transactions};
use crate::error::Result;

/// Returns the names of the tables that the statements work on, as written, each once, in order.
///
/// Tables created by an earlier statement are left out. A name may still be missing from the catalog (created by
/// `CREATE TABLE IF NOT EXISTS`, or misspelt) or be a view; [`steps`] reports that if it needs the table.
pub fn tables_of(statements: &[Statement]) -> Vec<String> {
    let mut created: Vec<Vec<String>> = Vec::new();
    let mut found: Vec<String> = Vec::new();
    for statement in statements {
        let outline = &statement.outline;
        let read = outline.dml.iter().flat_map(|dml| &dml.scopes).filter(|scope| {
            let cut_by_placeholders = scope.conjuncts.iter().any(|conjunct| !conjunct.bounds.is_empty());
            cut_by_placeholders || (scope.outermost && statement.directive.is_some())
        });
        let read = read.flat_map(|scope| scope.relations.iter().map(|relation| relation.name.clone()));
        for name in outline.tables.iter().cloned().chain(read) {
            if !name.is_empty() && !found.contains(&name) && !created.contains(&name_path(&name)) {
                found.push(name);
            }
        }
        created.extend(outline.creates.iter().map(|name| name_path(name)));
    }
    found
}

/// Returns the steps of a migration, each with its kind and, for a backfill, how it is split into batches.
///
/// `tables` maps the names of [`tables_of`], as written, to the catalog's facts.
///
/// # Errors
/// `Usage` with `file:line` for invalid placeholders or directives, and for transactions that cannot be replayed.
pub fn steps(statements: &[Statement], tables: &Tables, options: &BatchOptions) -> Result<Vec<Step>> {
    let transactions = transactions::follow(statements);
    if let Some(block) = transactions.left_open {
        let begin = &statements[block.opened_at];
        let who = match begin.sending.tool {
            Tool::PlainSql => "psql",
            tool => tool.name(),
        };
        return Err(begin
            .error_at_start(format!(
                "this transaction is never committed: it is rolled back when {who} ends its session"
            ))
            .with_hint("end it with COMMIT"));
    }
    let several_files = statements.windows(2).any(|pair| pair[0].file != pair[1].file);
    let mut planner = Planner {
        catalog: Catalog::new(tables),
        options,
        steps: Vec::new(),
        kinds: KindsSoFar::new(statements),
        several_files,
    };
    for (statement, block) in statements.iter().zip(transactions.blocks) {
        let number = block.map(|block| block.number);
        if !planner.is_transaction_edge(statement, number)? {
            let way_out = block.and_then(|block| block.way_out(statements));
            planner.add_step(statement, number, way_out)?;
        }
        planner
            .catalog
            .created
            .extend(statement.outline.creates.iter().map(|name| name_path(name)));
    }
    Ok(planner.steps)
}

/// Returns whether the statement reads more than one table.
fn joins(outline: &Outline) -> bool {
    let scopes = outline.dml.iter().flat_map(|dml| &dml.scopes);
    scopes.map(|scope| scope.relations.len()).sum::<usize>() > 1
}

struct Planner<'migration> {
    catalog: Catalog<'migration>,
    options: &'migration BatchOptions,
    steps: Vec<Step>,
    kinds: KindsSoFar,
    /// Whether steps must name their file.
    several_files: bool,
}

impl Planner<'_> {
    /// Says whether the statement only begins or ends a transaction.
    fn is_transaction_edge(&mut self, statement: &Statement, block: Option<u32>) -> Result<bool> {
        let Command::Transaction(transaction) = statement.command() else {
            return Ok(false);
        };
        match transaction {
            Transaction::Begin
            | Transaction::Modes
            | Transaction::Savepoint
            | Transaction::Release
            | Transaction::Commit { .. } => {}
            Transaction::Rollback { .. } => self.note_rollback(block),
            Transaction::RollbackToSavepoint => {
                return Err(statement
                    .error_at_start("a rehearsal cannot go back to a savepoint")
                    .with_hint("take out what is rolled back"));
            }
            Transaction::Prepared => {
                return Err(statement
                    .error_at_start("prepared transactions are not rehearsed")
                    .with_hint("end the transaction with COMMIT"));
            }
        }
        Ok(true)
    }

    fn note_rollback(&mut self, ended: Option<u32>) {
        for step in self
            .steps
            .iter_mut()
            .filter(|step| ended.is_some() && step.transaction_block == ended)
        {
            step.notes
                .push("its transaction ends in ROLLBACK; rehearsed as if committed".to_owned());
        }
    }

    fn add_step(&mut self, statement: &Statement, block: Option<u32>, way_out: Option<String>) -> Result<()> {
        let outline = &statement.outline;
        let decision = decide(statement, &self.catalog, self.options, block.is_some())?;
        let main_table = outline.tables.first().map(|name| match self.catalog.facts(name) {
            Some(facts) => facts.name.clone(),
            None => name.clone(),
        });
        let (kind, table) = match &decision.batching {
            Some(batching) => (StepKind::Backfill, Some(batching.table.clone())),
            None => (self.kinds.classify(statement, block), main_table),
        };
        self.steps.push(Step {
            number: self.steps.len() as u32 + 1,
            kind,
            sql: statement.sql.clone(),
            file: self.several_files.then(|| statement.file.clone()),
            line: statement.line,
            table,
            transaction_block: block,
            way_out,
            joins: joins(outline),
            batching: decision.batching,
            notes: decision.notes,
        });
        Ok(())
    }
}
