//! What a whole migration does, statement by statement: each against the schema that those before it leave, and what
//! goes wrong between them.
//!
//! Pure. What one statement does is for `effects` to say; here are transactions, settings and the traps of their order.

use super::command::{Command, TableAction};
use super::course::Course;
use super::effects::{Effects, effects, refusals};
use super::names::name_path;
use super::tool::Tool;
use super::transactions::{self, Edge};
use super::{OutsideKind, Statement, Trap, Warning, reaches};
use crate::catalog::{Origin, SchemaFacts};

mod kept_locks;
mod planned;
mod so_far;
mod unindexed;

pub use planned::{PlannedStatement, PlannedTable};

use kept_locks::{warn_of_held_locks, warn_of_implicit_transaction};
use so_far::{SoFar, sets_locally};

/// Returns what each statement does, on the schema as those before it leave it.
///
/// With `SchemaFacts::default()` what depends on the catalog is said to be unknown.
pub fn plan(statements: &[Statement], schema: &SchemaFacts) -> Vec<PlannedStatement> {
    let mut course = Course::new(statements, schema);
    let mut so_far = SoFar::default();
    let mut planned = Vec::new();
    let blocks = transactions::follow(statements).blocks;
    for (statement, block) in statements.iter().zip(blocks) {
        let edge = Edge::of(statement.command());
        let schema = course.arrive(block.map(|block| block.number));
        so_far.enter(block);
        let (found, mut warnings) = match edge {
            Some(edge) => (None, so_far.warnings_of_edge(statement, edge)),
            None => {
                let found = effects(statement, schema);
                let mut warnings = found.warnings.clone();
                warnings.extend(so_far.warnings(statement, &found, statements));
                // What was not understood may have changed the schema.
                if !so_far.is_uncertain() {
                    warnings.extend(refused(statement, schema));
                }
                warnings.extend(unindexed::warnings(statement, schema));
                (Some(found), warnings)
            }
        };
        let is_refused = warnings.iter().any(|warning| warning.trap == Trap::RefusedByServer);
        warnings.extend(leaving(&statement.sql));
        planned.push(PlannedStatement {
            statement: statement.clone(),
            tables: found.iter().flat_map(|found| own_tables(found, schema)).collect(),
            effects: found,
            transaction_block: block.map(|block| block.number),
            warnings,
        });
        // What the server refuses changes nothing.
        if is_refused {
            continue;
        }
        course.follow(statement);
        // Outside a block SET LOCAL is forgotten at once.
        if block.is_some() || !sets_locally(statement.command()) {
            let found = planned
                .last()
                .and_then(|planned: &PlannedStatement| planned.effects.as_ref());
            so_far.follow(statement.command(), found);
        }
    }
    unindexed::warn_of_added(&mut planned, course.schema());
    warn_of_held_locks(&mut planned);
    // How a tool sends a file is known; of plain SQL it is not.
    for file in planned.chunk_by_mut(|one, other| one.statement.file == other.statement.file) {
        if file[0].statement.sending.tool == Tool::PlainSql {
            warn_of_implicit_transaction(file);
        }
    }
    planned
}

/// Says why the server refuses a statement, whatever the rows are.
fn refused(statement: &Statement, schema: &SchemaFacts) -> Option<Warning> {
    let reasons = refusals(statement, schema);
    let text = format!("the server refuses it: {}", reasons.join("; "));
    (!reasons.is_empty()).then(|| Warning::new(Trap::RefusedByServer, text))
}

/// Names what a statement reaches outside its database; what is put together at run time is only known to be unknown.
fn leaving(sql: &str) -> impl Iterator<Item = Warning> {
    let found = reaches(sql).into_iter();
    let known = found.filter(|(outside, _)| *outside != OutsideKind::DynamicSql);
    known.map(|(outside, words)| {
        let text = format!(
            "{words} reaches {}: rehearsed only with --allow-outside {}, or --scratch",
            outside.in_words(),
            outside.name()
        );
        Warning::new(Trap::LeavesTheDatabase, text)
    })
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

/// Returns names in a migration, as SQL sees them: those of functions whose volatility the catalog tells are among
/// them, and those of what is dropped with what depends on it.
pub fn names_in(statements: &[Statement]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for statement in statements {
        names.extend(statement.outline.calls.iter().cloned());
        names.extend(taken_along(statement.command()));
        // What is dropped under its new name, the catalog has under its old one.
        let renamed = statement.command().renaming();
        names.extend(renamed.and_then(|(_, old, _)| name_path(old).pop()));
    }
    names.sort();
    names.dedup();
    names
}

fn taken_along(command: &Command) -> Vec<String> {
    let last = |written: &String| name_path(written).pop();
    match command {
        Command::Drop(dropped) if dropped.cascade => dropped.names.iter().filter_map(last).collect(),
        Command::DropOwned(roles) | Command::ReassignOwned(roles) => roles.clone(),
        Command::AlterTable(alter) => {
            let columns = alter.actions.iter().filter_map(|action| match action {
                TableAction::DropColumn { column, cascade: true } => Some(column.clone()),
                _ => None,
            });
            let mut names: Vec<String> = columns.collect();
            if !names.is_empty() {
                names.extend(last(&alter.table));
            }
            names
        }
        _ => Vec::new(),
    }
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

    #[test]
    fn what_leaves_the_database_is_named() {
        check(
            "ALTER TABLE a ADD b int;\nALTER ROLE app NOLOGIN;",
            2,
            "ALTER ROLE reaches roles of the whole server",
        );
        check("SELECT dblink_exec('c', 'x');", 1, "--allow-outside foreign");
        check_silent("UPDATE a SET b = 1;", "reaches");
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
    fn a_file_that_is_sent_whole_is_one_transaction() {
        let text = "keeps its lock through 1 that works on rows";
        check("ALTER TABLE t ADD COLUMN x int; UPDATE t SET x = 1;", 1, text);
        check_silent("UPDATE t SET x = 1; ALTER TABLE t ADD COLUMN x int;", "keeps its lock");
        check_silent(
            "BEGIN; ALTER TABLE t ADD COLUMN x int; COMMIT; UPDATE t SET x = 1;",
            "keeps its lock",
        );
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
