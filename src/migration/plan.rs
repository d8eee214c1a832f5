//! What a whole migration does, statement by statement: each against the schema that those before it leave, and what goes wrong
//! between them.
//!
//! Pure. What one statement does is for `effects` to say; here are transactions, settings and the traps of their order.

use std::collections::BTreeMap;

use super::effects::{Effects, TransactionRule, Words, effects, evolve};
use super::{LockMode, Statement, StepKind, Trap, Warning};
use crate::catalog::{Origin, SchemaFacts};

/// One statement with what it will do.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedStatement {
    /// The statement.
    pub statement: Statement,
    /// What it does; `None` for `BEGIN`, `COMMIT` and their like.
    pub effects: Option<Effects>,
    /// Tables it works on or locks that the catalog does not have under that name.
    pub tables: BTreeMap<String, PlannedTable>,
    /// Line of the `BEGIN` of its transaction block; `None` when it commits by itself.
    pub block_line: Option<usize>,
    /// What may surprise whoever runs it, here in this migration.
    pub warnings: Vec<Warning>,
}

/// A table as an earlier statement of the migration has left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedTable {
    /// The catalog has it under this qualified name.
    Renamed(String),
    /// The migration made it and has put no row into it.
    Empty,
    /// The migration made it and has filled it.
    Filled,
}

/// Returns what each statement does, on the schema as those before it leave it.
///
/// With `SchemaFacts::default()` what depends on the catalog is said to be unknown.
pub fn plan(statements: &[Statement], schema: &SchemaFacts) -> Vec<PlannedStatement> {
    let mut schema = schema.clone();
    let mut session = Session::default();
    let mut planned = Vec::new();
    for statement in statements {
        let words = Words::new(&statement.sql);
        let edge = Edge::of(&words);
        let found = match edge {
            Some(_) => None,
            None => Some(effects(&statement.sql, &schema)),
        };
        let mut warnings = found
            .iter()
            .flat_map(|found| found.warnings.clone())
            .collect::<Vec<_>>();
        if let Some(found) = &found {
            warnings.extend(session.warnings(&words, found, statements.len()));
        }
        planned.push(PlannedStatement {
            statement: statement.clone(),
            tables: found.iter().flat_map(|found| own_tables(found, &schema)).collect(),
            effects: found,
            block_line: session.opened_at,
            warnings,
        });
        // Outside a block SET LOCAL is forgotten at once.
        if session.opened_at.is_some() || !words.at("SET LOCAL") {
            evolve(&statement.sql, &mut schema);
            session.follow(&words, edge, statement.line);
        }
    }
    warn_of_held_locks(&mut planned);
    planned
}

fn own_tables(found: &Effects, schema: &SchemaFacts) -> Vec<(String, PlannedTable)> {
    let locked = found.locks.iter().map(|(name, _)| name);
    let names = locked.chain(&found.scanned).chain(&found.indexed);
    names
        .filter_map(|name| {
            let relation = schema.named(name)?;
            let table = match &relation.origin {
                Origin::Catalog => return None,
                Origin::Renamed(old) => PlannedTable::Renamed(old.clone()),
                Origin::Made if relation.empty => PlannedTable::Empty,
                Origin::Made => PlannedTable::Filled,
            };
            Some((name.clone(), table))
        })
        .collect()
}

/// Returns the names in a migration, as SQL sees them: those of functions whose volatility the catalog tells are among them.
pub fn names_in(statements: &[Statement]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for statement in statements {
        let (calls, _) = Words::new(&statement.sql).calls_and_names();
        names.extend(calls);
    }
    names.sort();
    names.dedup();
    names
}

/// Where a transaction block begins or ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    Begin,
    End,
    Chain,
    /// A savepoint, or a mode of the transaction.
    Inside,
}

impl Edge {
    fn of(words: &Words) -> Option<Edge> {
        let is_one_of = |all: &[&str]| all.iter().any(|keywords| words.at(keywords));
        if is_one_of(&["BEGIN", "START TRANSACTION"]) {
            return Some(Edge::Begin);
        }
        if is_one_of(&["SAVEPOINT", "RELEASE", "SET TRANSACTION"]) || (words.at("ROLLBACK") && words.holds("TO")) {
            return Some(Edge::Inside);
        }
        let ends = is_one_of(&["COMMIT", "END", "ROLLBACK", "ABORT", "PREPARE TRANSACTION"]);
        ends.then(|| {
            if words.holds("AND CHAIN") {
                Edge::Chain
            } else {
                Edge::End
            }
        })
    }
}

/// What earlier statements have left in the session.
#[derive(Default)]
struct Session {
    /// Line of the `BEGIN` of the open block.
    opened_at: Option<usize>,
    /// Constraints added NOT VALID in the open block.
    not_valid: Vec<String>,
    lock_timeout: bool,
}

impl Session {
    fn follow(&mut self, words: &Words, edge: Option<Edge>, line: usize) {
        match edge {
            Some(Edge::Begin) if self.opened_at.is_none() => self.opened_at = Some(line),
            Some(Edge::End) => (self.opened_at, self.not_valid) = (None, Vec::new()),
            Some(Edge::Chain) => (self.opened_at, self.not_valid) = (Some(line), Vec::new()),
            _ => {}
        }
        if self.opened_at.is_some() && words.at("ALTER TABLE") && words.holds("NOT VALID") {
            self.not_valid.extend(named_behind(words, "ADD CONSTRAINT"));
        }
        if let Some(value) = setting(words, "lock_timeout") {
            self.lock_timeout = !matches!(value.as_str(), "0" | "DEFAULT" | "default");
        }
    }

    fn warnings(&self, words: &Words, found: &Effects, statements: usize) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |trap, text: &str| warnings.push(Warning::new(trap, text));
        match (found.transaction, self.opened_at) {
            (TransactionRule::Forbidden, Some(line)) => {
                let text = format!("the server refuses it inside the transaction block of line {line}");
                warn(Trap::RefusedInTransaction, &text);
            }
            (TransactionRule::Forbidden, None) if statements > 1 => warn(
                Trap::RefusedWhenSentWhole,
                "sent together with other statements (psql -c, or a tool that sends the file whole) it is inside one transaction, and refused",
            ),
            (TransactionRule::Required, None) if words.at("SET LOCAL") => {
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
        let builds_concurrently = words.holds("CONCURRENTLY") && !found.indexed.is_empty();
        if builds_concurrently && self.lock_timeout {
            warn(
                Trap::LockTimeoutCancelsConcurrently,
                "lock_timeout also cancels the waits of CONCURRENTLY and leaves an invalid index: set it to 0 here",
            );
        }
        let validated = named_behind(words, "VALIDATE CONSTRAINT");
        if validated.is_some_and(|name| self.not_valid.contains(&name)) {
            warn(
                Trap::ValidatedWhereAdded,
                "in the transaction that added it NOT VALID, so the strong lock of that is held while all rows are read: commit in between",
            );
        }
        if setting(words, "statement_timeout").is_some() {
            warn(
                Trap::StatementTimeoutCountsWaits,
                "statement_timeout counts the time spent waiting for locks too",
            );
        }
        warnings
    }
}

/// Returns the value that `SET name` gives, as written.
fn setting(words: &Words, name: &str) -> Option<String> {
    let mut words = words.clone();
    if !words.accept("SET") {
        return None;
    }
    words.accept_any(&["LOCAL", "SESSION"]);
    if !words.accept(name) {
        return None;
    }
    words.accept_any(&["TO", "="]);
    words.string().or_else(|| Some(words.text()))
}

/// Returns the identifier that stands behind some keywords.
fn named_behind(words: &Words, keywords: &str) -> Option<String> {
    let mut words = words.clone();
    words.until(&[keywords]);
    if words.accept(keywords) {
        words.identifier()
    } else {
        None
    }
}

/// Says which strong locks of a block are held through the statements behind them.
fn warn_of_held_locks(planned: &mut [PlannedStatement]) {
    for place in 0..planned.len() {
        let Some(line) = planned[place].block_line else {
            continue;
        };
        let later = planned[place + 1..]
            .iter()
            .take_while(|other| other.block_line == Some(line))
            .filter_map(|other| other.effects.as_ref())
            .collect::<Vec<_>>();
        let slow = later
            .iter()
            .filter(|effects| effects.kind() != StepKind::CatalogOnly)
            .count();
        let already: Vec<&str> = planned[..place]
            .iter()
            .filter(|other| other.block_line == Some(line))
            .filter_map(|other| other.effects.as_ref())
            .flat_map(|effects| &effects.locks)
            .filter(|(_, mode)| *mode >= LockMode::Share)
            .map(|(name, _)| name.as_str())
            .collect();
        let held: Vec<&str> = planned[place]
            .effects
            .iter()
            .flat_map(|effects| &effects.locks)
            .filter(|(name, mode)| *mode >= LockMode::Share && !already.contains(&name.as_str()))
            .map(|(name, _)| name.as_str())
            .collect();
        if held.is_empty() || later.is_empty() {
            continue;
        }
        let through = match slow {
            0 => format!("{} more in its block", count(later.len())),
            slow => format!(
                "{} more in its block, {slow} of which {} on rows",
                count(later.len()),
                if slow == 1 { "works" } else { "work" }
            ),
        };
        let warning = format!("holds its lock on {} to the COMMIT, through {through}", held.join(", "));
        planned[place]
            .warnings
            .push(Warning::new(Trap::LockKeptToCommit, warning));
    }
}

fn count(statements: usize) -> String {
    format!("{statements} statement{}", if statements == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    /// Checks that the statement of this number has a warning that begins so.
    fn check(sql: &str, number: usize, expected: &str) {
        let statements = parse(sql, "m.sql").expect("parses");
        let planned = plan(&statements, &SchemaFacts::default());
        let warnings = &planned[number - 1].warnings;
        assert!(
            warnings.iter().any(|warning| warning.text.contains(expected)),
            "{sql}: {warnings:?}"
        );
    }

    fn check_silent(sql: &str, unexpected: &str) {
        let statements = parse(sql, "m.sql").expect("parses");
        for planned in plan(&statements, &SchemaFacts::default()) {
            assert!(
                !planned.warnings.iter().any(|warning| warning.text.contains(unexpected)),
                "{sql}"
            );
        }
    }

    #[test]
    fn a_block_keeps_its_strongest_lock() {
        let block = "BEGIN; ALTER TABLE t ADD COLUMN x int; UPDATE t SET x = 1; COMMIT;";
        check(
            block,
            2,
            "holds its lock on t to the COMMIT, through 1 statement more in its block, 1 of which works on rows",
        );
        check_silent("ALTER TABLE t ADD COLUMN x int; UPDATE t SET x = 1;", "to the COMMIT");
    }

    #[test]
    fn settings_that_do_not_do_what_they_seem_to() {
        check("SET LOCAL lock_timeout = '5s'; SELECT 1;", 1, "does nothing");
        check_silent("BEGIN; SET LOCAL lock_timeout = '5s'; COMMIT;", "does nothing");
        check("SET statement_timeout = '5s'", 1, "waiting for locks too");
        let index = "CREATE INDEX CONCURRENTLY i ON t (a);";
        check(
            &format!("SET lock_timeout = '5s'; {index}"),
            2,
            "leaves an invalid index",
        );
        check_silent(
            &format!("SET lock_timeout = '5s'; SET lock_timeout = 0; {index}"),
            "leaves an invalid index",
        );
    }

    #[test]
    fn concurrently_and_transactions() {
        check(
            "BEGIN; CREATE INDEX CONCURRENTLY i ON t (a); COMMIT;",
            2,
            "refuses it inside the transaction block of line 1",
        );
        check(
            "DROP INDEX CONCURRENTLY i; SELECT 1;",
            1,
            "inside one transaction, and refused",
        );
        check(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
            1,
            "skips an invalid index",
        );
        check("LOCK TABLE t", 1, "refuses it outside a transaction block");
    }

    #[test]
    fn not_valid_and_validate_want_two_transactions() {
        let both = "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c;";
        check(&format!("BEGIN; {both} COMMIT;"), 3, "commit in between");
        check_silent(both, "commit in between");
    }

    #[test]
    fn dropping_a_foreign_key_locks_two_tables() {
        check("ALTER TABLE t DROP CONSTRAINT c", 1, "dropping it locks both");
    }
}
