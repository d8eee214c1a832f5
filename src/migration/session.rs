//! What statements do to the session that runs them; of a text, its first statement counts.

use super::command::{Body, ColumnAction, Command, Query, Session, TableAction, Transaction};
use super::statement::{Statement, parse};
use super::syntax;

/// Functions that take locks which the session keeps.
const SESSION_LOCKS: [&str; 4] = [
    "pg_advisory_lock",
    "pg_advisory_lock_shared",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
];

/// Words of code that may leave something in the session that runs it.
const LEFT_BY_CODE: [&str; 4] = ["TEMP", "TEMPORARY", "PG_TEMP", "HOLD"];

/// What a statement leaves in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftInSession {
    /// Nothing that a new session would miss.
    Nothing,
    /// A setting or its like, which the statement makes again in a new session.
    Setting,
    /// Something that is gone with its session: a temporary table, a lock.
    Lost,
}

/// Returns what a statement leaves in its session.
pub fn left_in_session(sql: &str) -> LeftInSession {
    let outline = syntax::outline(sql);
    let calls = |names: &[&str]| outline.calls.iter().any(|name| names.contains(&name.as_str()));
    match &outline.command {
        Command::Session(Session::Set(setting)) if setting.local => LeftInSession::Nothing,
        Command::Session(
            Session::Set(_)
            | Session::Characteristics
            | Session::Reset(_)
            | Session::Prepare
            | Session::Listen
            | Session::Load,
        ) => LeftInSession::Setting,
        command if calls(&SESSION_LOCKS) || is_lost(command) => LeftInSession::Lost,
        Command::Query(_) if calls(&["set_config"]) => LeftInSession::Setting,
        _ => LeftInSession::Nothing,
    }
}

/// Returns the time-out that a statement sets, by its name, and the value as written.
pub fn timeout_set(statement: &Statement) -> Option<(&str, &str)> {
    match statement.command() {
        Command::Session(Session::Set(setting)) if setting.name.ends_with("_timeout") => {
            Some((&setting.name, &setting.value))
        }
        _ => None,
    }
}

/// Returns whether a statement waits for every older snapshot of the database.
pub fn waits_for_snapshots(statement: &Statement) -> bool {
    statement.command().builds_concurrently()
}

/// Says whether a statement may leave something that no statement makes again.
fn is_lost(command: &Command) -> bool {
    if let Some(made) = command.creation() {
        return made.temporary;
    }
    match command {
        Command::Session(Session::Declare { hold }) => *hold,
        Command::Do(code) => code
            .split(|one: char| !one.is_alphanumeric() && one != '_')
            .any(|word| {
                let word = word.to_ascii_uppercase();
                LEFT_BY_CODE.contains(&word.as_str()) || SESSION_LOCKS.contains(&word.to_ascii_lowercase().as_str())
            }),
        _ => false,
    }
}

/// Says whether a statement alters a table or makes an index and does nothing else, so that another session sees what
/// its own does.
pub fn keeps_to_tables(sql: &str) -> bool {
    matches!(
        syntax::outline(sql).command,
        Command::AlterTable(_) | Command::CreateIndex(_)
    )
}

/// Says whether a statement alters something that is there.
pub fn alters(sql: &str) -> bool {
    matches!(
        syntax::outline(sql).command,
        Command::AlterTable(_)
            | Command::AlterAllInTablespace
            | Command::AlterIndex(_)
            | Command::AlterSequence(_)
            | Command::AlterType(_)
            | Command::AlterDomain(_)
            | Command::Alter(_)
            | Command::AlterSystem
    )
}

/// Says whether a statement does nothing but make columns `NOT NULL`.
pub fn only_sets_not_null(sql: &str) -> bool {
    let sets = |action: &TableAction| {
        matches!(
            action,
            TableAction::AlterColumn {
                action: ColumnAction::SetNotNull,
                ..
            }
        )
    };
    match syntax::outline(sql).command {
        Command::AlterTable(alter) => !alter.actions.is_empty() && alter.actions.iter().all(sets),
        _ => false,
    }
}

/// Says whether the first statement of a text, which may have placeholders, is an `UPDATE`.
pub fn updates(sql: &str) -> bool {
    is_query(sql, |body| matches!(body, Body::Update(_)))
}

/// Says whether the first statement of a text, which may have placeholders, is an `INSERT`.
pub fn inserts(sql: &str) -> bool {
    is_query(sql, |body| matches!(body, Body::Insert(_)))
}

fn is_query(sql: &str, wanted: fn(&Body) -> bool) -> bool {
    let statements = parse(sql, "the statement").unwrap_or_default();
    let first = statements.first().map(Statement::command);
    matches!(first, Some(Command::Query(query)) if wanted(&query.body))
}

/// Says whether a statement only steers its session: transactions, settings, notifications to hear.
pub fn steers_its_session(sql: &str) -> bool {
    match syntax::outline(sql).command {
        Command::Transaction(transaction) => transaction != Transaction::Prepared,
        Command::Session(session) => !matches!(
            session,
            Session::Prepare | Session::Declare { .. } | Session::Notify | Session::Unlisten | Session::Load
        ),
        _ => false,
    }
}

/// Says whether a statement is a query, perhaps with changes in its common table expressions, or an `EXPLAIN`.
pub fn looks_up(sql: &str) -> bool {
    match syntax::outline(sql).command {
        Command::Explain => true,
        Command::Query(Query { with, body, .. }) => matches!(body, Body::Select(_)) || !with.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_only_make_columns_not_null() {
        let check = |sql: &str, expected: bool| assert_eq!(only_sets_not_null(sql), expected, "{sql}");
        check(
            "ALTER TABLE t ALTER a SET NOT NULL, ALTER COLUMN \"B\" SET NOT NULL",
            true,
        );
        check("ALTER TABLE t ALTER a SET NOT NULL, ADD CHECK (b > 0)", false);
        check("ALTER TABLE t ALTER a DROP NOT NULL", false);
        check("UPDATE t SET a = 'SET NOT NULL'", false);
    }

    #[test]
    fn what_a_batch_does_is_read_with_its_placeholders() {
        let window = "WHERE id BETWEEN <batch_start> AND <batch_end>";
        let check = |sql: &str, expected: (bool, bool)| assert_eq!((updates(sql), inserts(sql)), expected, "{sql}");
        check(&format!("UPDATE t SET a = 1 {window};"), (true, false));
        check(
            &format!("WITH o AS (SELECT 1) UPDATE t SET a = 1 {window}"),
            (true, false),
        );
        check(&format!("INSERT INTO u SELECT * FROM t {window}"), (false, true));
        check(
            &format!("WITH o AS (SELECT 1) INSERT INTO u SELECT * FROM t {window}"),
            (false, true),
        );
        check(&format!("DELETE FROM t {window}"), (false, false));
        check("-- migtime: batch key=id\nUPDATE t SET a = 1;", (true, false));
    }

    // VACUUM and DROP INDEX CONCURRENTLY may not stand in a transaction either, but wait for locks, not for snapshots.
    #[test]
    fn only_what_builds_beside_writers_waits_for_snapshots() {
        let check = |sql: &str, expected: bool| {
            let statements = parse(sql, "m.sql").expect("parses");
            assert_eq!(waits_for_snapshots(&statements[0]), expected, "{sql}");
        };
        check("CREATE INDEX CONCURRENTLY i ON t (a)", true);
        check("REINDEX TABLE CONCURRENTLY t", true);
        check("REINDEX (CONCURRENTLY) INDEX i", true);
        check("CREATE INDEX i ON t (a)", false);
        check("VACUUM t", false);
        check("DROP INDEX CONCURRENTLY i", false);
        check("ALTER TABLE p DETACH PARTITION c CONCURRENTLY", false);
    }
}
