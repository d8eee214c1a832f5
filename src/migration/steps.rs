//! Statements → steps: what is timed on its own, in which transaction, and how it is cut.
//!
//! Pure: what the catalog knows of the tables is given.

use super::batching::{Catalog, decide};
use super::names::name_path;
use super::outline::Outline;
use super::statement::masked;
use super::{BatchOptions, Statement, Step, StepKind, Tables, kind, syntax};
use crate::error::Result;

/// Returns the names of the tables the statements work on, as written, each once, in order.
///
/// Tables that an earlier statement creates are not among them. A name may still be absent from the catalog (made by
/// `CREATE TABLE IF NOT EXISTS`, or misspelt) or be a view; [`steps`] says so where it needs to know the table.
pub fn tables_of(statements: &[Statement]) -> Vec<String> {
    let mut created: Vec<Vec<String>> = Vec::new();
    let mut found: Vec<String> = Vec::new();
    for statement in statements {
        let outline = outline_of(statement);
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

/// Returns the steps of a migration, each with its kind and, for a backfill, how it is cut into batches.
///
/// `tables` maps names as written, those of [`tables_of`], to what the catalog says.
///
/// # Errors
/// `Usage` with `file:line` for placeholders or directives that cannot be followed, and for transactions that cannot be
/// replayed.
pub fn steps(statements: &[Statement], tables: &Tables, options: &BatchOptions) -> Result<Vec<Step>> {
    let mut planner = Planner {
        catalog: Catalog::new(tables),
        options,
        steps: Vec::new(),
        blocks: 0,
        opened_by: None,
    };
    for statement in statements {
        let outline = outline_of(statement);
        if !planner.follow_transaction(statement, &outline)? {
            planner.add_step(statement, &outline)?;
        }
        planner
            .catalog
            .created
            .extend(outline.creates.iter().map(|name| name_path(name)));
    }
    match planner.opened_by {
        Some(begin) => Err(begin
            .error_at_start("this transaction is never committed, so psql would roll it back")
            .with_hint("end it with COMMIT")),
        None => Ok(planner.steps),
    }
}

fn outline_of(statement: &Statement) -> Outline {
    syntax::outline(&masked(&statement.sql, &statement.placeholders))
}

/// Tells whether the statement reads more than one table.
fn joins(outline: &Outline) -> bool {
    let scopes = outline.dml.iter().flat_map(|dml| &dml.scopes);
    scopes.map(|scope| scope.relations.len()).sum::<usize>() > 1
}

struct Planner<'migration> {
    catalog: Catalog<'migration>,
    options: &'migration BatchOptions,
    steps: Vec<Step>,
    /// Number of transaction blocks opened so far.
    blocks: u32,
    /// Statement that opened the block we are in.
    opened_by: Option<&'migration Statement>,
}

impl<'migration> Planner<'migration> {
    /// Follows `BEGIN` and its like; says whether the statement was one of them.
    fn follow_transaction(&mut self, statement: &'migration Statement, outline: &Outline) -> Result<bool> {
        match outline.command.as_str() {
            "BEGIN" if self.opened_by.is_none() => self.open(statement),
            "BEGIN" | "SET TRANSACTION" | "SAVEPOINT CREATE" | "RELEASE SAVEPOINT" => {}
            "COMMIT TRANSACTION" => self.opened_by = None,
            "COMMIT TRANSACTION AND CHAIN" => self.open(statement),
            "ROLLBACK TRANSACTION" => {
                self.note_rollback();
                self.opened_by = None;
            }
            "ROLLBACK TRANSACTION AND CHAIN" => {
                self.note_rollback();
                self.open(statement);
            }
            "ROLLBACK TO SAVEPOINT" => {
                return Err(statement
                    .error_at_start("a rehearsal cannot go back to a savepoint")
                    .with_hint("take out what is rolled back"));
            }
            "PREPARE TRANSACTION" | "COMMIT PREPARED" | "ROLLBACK PREPARED" => {
                return Err(statement
                    .error_at_start("prepared transactions are not rehearsed")
                    .with_hint("end the transaction with COMMIT"));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn open(&mut self, statement: &'migration Statement) {
        self.blocks += 1;
        self.opened_by = Some(statement);
    }

    fn note_rollback(&mut self) {
        let ended = self.block();
        for step in self
            .steps
            .iter_mut()
            .filter(|step| ended.is_some() && step.transaction_block == ended)
        {
            step.notes
                .push("its transaction ends in ROLLBACK; rehearsed as if committed".to_owned());
        }
    }

    fn block(&self) -> Option<u32> {
        self.opened_by.map(|_| self.blocks)
    }

    fn add_step(&mut self, statement: &Statement, outline: &Outline) -> Result<()> {
        let decision = decide(
            statement,
            outline,
            &self.catalog,
            self.options,
            self.opened_by.is_some(),
        )?;
        let main_table = outline.tables.first().map(|name| match self.catalog.facts(name) {
            Some(facts) => facts.name.clone(),
            None => name.clone(),
        });
        let (kind, table) = match &decision.batching {
            Some(batching) => (StepKind::Backfill, Some(batching.table.clone())),
            None => (kind::classify(&statement.sql), main_table),
        };
        self.steps.push(Step {
            number: self.steps.len() as u32 + 1,
            kind,
            sql: statement.sql.clone(),
            line: statement.line,
            table,
            transaction_block: self.block(),
            joins: joins(outline),
            batching: decision.batching,
            notes: decision.notes,
        });
        Ok(())
    }
}
