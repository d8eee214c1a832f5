//! What a whole migration does, statement by statement: each against the schema that those before it leave, and what goes wrong
//! between them.
//!
//! Pure. What one statement does is for `effects` to say; here are transactions, settings and the traps of their order.

use std::collections::{BTreeMap, BTreeSet};

use super::effects::{Effects, TransactionRule, effects, evolve};
use super::tool::Tool;
use super::transactions::{self, Edge, OpenedBy, TransactionBlock};
use super::words::Words;
use super::{LockMode, OutsideKind, Statement, StepKind, Trap, Warning, reaches};
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
    /// Number of the transaction that it shares with others, as in [`Step::transaction_block`](super::Step::transaction_block);
    /// `None` when it commits by itself.
    pub transaction_block: Option<u32>,
    /// What may surprise whoever runs it, here in this migration.
    pub warnings: Vec<Warning>,
}

impl PlannedStatement {
    /// Returns what kind of step it is.
    pub fn kind(&self) -> StepKind {
        let kind = self.effects.as_ref().map_or(StepKind::CatalogOnly, Effects::kind);
        match (kind, self.batch_size()) {
            (StepKind::Dml, Some(_)) => StepKind::Backfill,
            _ => kind,
        }
    }

    /// Returns the tables that it reads from end to end; a batch finds its window by the key.
    pub fn scanned(&self) -> &[String] {
        match (&self.effects, self.kind()) {
            (None, _) | (_, StepKind::Backfill) => &[],
            (Some(effects), _) => &effects.scanned,
        }
    }

    /// Returns how many rows it changes from one COMMIT to the next; `None` where that is all of them.
    pub fn batch_size(&self) -> Option<u64> {
        let alone = self.transaction_block.is_none();
        self.statement.batch_size().filter(|_| alone)
    }
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
    let blocks = transactions::follow(statements).blocks;
    for (statement, block) in statements.iter().zip(blocks) {
        let words = Words::new(&statement.sql);
        let edge = Edge::of(&words);
        session.enter(block);
        let (found, mut warnings) = match edge {
            Some(edge) => (None, session.warnings_of_edge(statement, edge)),
            None => {
                let found = effects(&statement.sql, &schema);
                let mut warnings = found.warnings.clone();
                warnings.extend(session.warnings(&words, &found, statements));
                (Some(found), warnings)
            }
        };
        warnings.extend(leaving(&statement.sql));
        planned.push(PlannedStatement {
            statement: statement.clone(),
            tables: found.iter().flat_map(|found| own_tables(found, &schema)).collect(),
            effects: found,
            transaction_block: block.map(|block| block.number),
            warnings,
        });
        // Outside a block SET LOCAL is forgotten at once.
        if block.is_some() || !words.at("SET LOCAL") {
            evolve(&statement.sql, &mut schema);
            session.follow(&words);
        }
    }
    warn_of_held_locks(&mut planned);
    // How a tool sends a file is known; of plain SQL it is not.
    for file in planned.chunk_by_mut(|one, other| one.statement.file == other.statement.file) {
        if file[0].statement.sending.tool == Tool::PlainSql {
            warn_of_implicit_transaction(file);
        }
    }
    planned
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

/// What earlier statements have left in the session.
#[derive(Default)]
struct Session {
    block: Option<TransactionBlock>,
    /// Constraints added NOT VALID in the open block.
    not_valid: Vec<String>,
    lock_timeout: bool,
}

impl Session {
    fn enter(&mut self, block: Option<TransactionBlock>) {
        if self.block.map(|block| block.number) != block.map(|block| block.number) {
            self.not_valid.clear();
        }
        self.block = block;
    }

    fn follow(&mut self, words: &Words) {
        if self.block.is_some() && words.at("ALTER TABLE") && words.holds("NOT VALID") {
            self.not_valid.extend(named_behind(words, "ADD CONSTRAINT"));
        }
        if let Some(value) = setting(words, "lock_timeout") {
            self.lock_timeout = !matches!(value.as_str(), "0" | "DEFAULT" | "default");
        }
    }

    /// What goes wrong when a file manages transactions inside the one of its tool.
    fn warnings_of_edge(&self, statement: &Statement, edge: Edge) -> Vec<Warning> {
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
                    "sent together with other statements (psql -c, or a tool that sends the file whole) it is inside one transaction, and refused",
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

    fn warnings(&self, words: &Words, found: &Effects, statements: &[Statement]) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if found.transaction == TransactionRule::Forbidden {
            warnings.extend(self.refusal(statements));
        }
        let mut warn = |trap, text: &str| warnings.push(Warning::new(trap, text));
        match (found.transaction, self.block) {
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
        if builds_concurrently && statements[0].sending.tool == Tool::Flyway {
            warn(
                Trap::WaitsForItsTool,
                "Flyway keeps its lock in an open transaction, for whose end CONCURRENTLY waits for ever: set \
                 flyway.postgresql.transactional.lock=false",
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
    for block in planned.chunk_by_mut(|one, other| one.transaction_block == other.transaction_block) {
        if block[0].transaction_block.is_some() {
            warn_within_block(block);
        }
    }
}

fn warn_within_block(block: &mut [PlannedStatement]) {
    let (mut later, mut slow) = (0, 0);
    for effects in block.iter().filter_map(|planned| planned.effects.as_ref()) {
        later += 1;
        slow += usize::from(effects.kind() != StepKind::CatalogOnly);
    }
    let mut already: BTreeSet<String> = BTreeSet::new();
    for planned in block {
        let Some(effects) = &planned.effects else {
            continue;
        };
        later -= 1;
        slow -= usize::from(effects.kind() != StepKind::CatalogOnly);
        let strong = effects.locks.iter().filter(|(_, mode)| *mode >= LockMode::Share);
        let held: Vec<&str> = strong
            .map(|(name, _)| name.as_str())
            .filter(|name| already.insert((*name).to_owned()))
            .collect();
        if held.is_empty() || later == 0 {
            continue;
        }
        let through = match slow {
            0 => format!("{} more in its block", count(later)),
            slow => format!(
                "{} more in its block, {slow} of which {} on rows",
                count(later),
                if slow == 1 { "works" } else { "work" }
            ),
        };
        let warning = format!("holds its lock on {} to the COMMIT, through {through}", held.join(", "));
        planned.warnings.push(Warning::new(Trap::LockKeptToCommit, warning));
    }
}

/// Says once what happens to a file without a block that is sent whole: its first strong lock is kept through slow statements.
fn warn_of_implicit_transaction(planned: &mut [PlannedStatement]) {
    if planned.iter().any(|planned| planned.transaction_block.is_some()) {
        return;
    }
    let strong = |effects: &Effects| effects.locks.iter().any(|(_, mode)| *mode >= LockMode::Share);
    let Some(place) = planned
        .iter()
        .position(|planned| planned.effects.as_ref().is_some_and(strong))
    else {
        return;
    };
    let works = |planned: &&PlannedStatement| {
        let effects = planned.effects.as_ref();
        effects.is_some_and(|effects| {
            let works = !matches!(effects.kind(), StepKind::CatalogOnly | StepKind::Unclassified);
            works && effects.transaction != TransactionRule::Forbidden
        })
    };
    let slow = planned[place + 1..].iter().filter(works).count();
    if slow > 0 {
        let warning = format!(
            "sent together with the statements behind it (psql -c, or a tool that sends the file whole) it is in one \
             transaction with them, and keeps its lock through {slow} that {} on rows",
            if slow == 1 { "works" } else { "work" }
        );
        planned[place]
            .warnings
            .push(Warning::new(Trap::KeptWhenSentWhole, warning));
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
