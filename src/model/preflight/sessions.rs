//! Open and prepared transactions, and who waits for locks on the tables.

use super::check::{Check, CheckName, CheckVerdict};
use super::night::Night;
use crate::catalog::server_state::{OpenTransaction, PreparedTransaction, Sessions, TableLock};
use crate::shown::{printable_line, without_secrets};
use crate::units::Seconds;

/// Number of characters of a query that are shown.
const QUERY_LENGTH: usize = 80;

const NOT_SEEN: &str = "the role may not see the sessions of others (pg_read_all_stats)";

/// Judges the transactions that are open: only an old one matters, and only where it is in the way.
pub(super) fn transactions(night: &Night) -> Check {
    let sessions = match seen(night) {
        Ok(sessions) => sessions,
        Err(reason) => return Check::unknown(CheckName::Transactions, &reason),
    };
    let limit = night.thresholds.transaction;
    let old: Vec<&OpenTransaction> = sessions.open.iter().filter(|open| open.seconds >= limit.0).collect();
    let found = old.iter().map(|open| {
        let reason = reason(night, &open.locks, open.here && open.holds_snapshot);
        let verdict = if reason.is_some() {
            CheckVerdict::NoGo
        } else {
            CheckVerdict::Warning
        };
        let why = reason.unwrap_or("holds vacuum back, but no lock that the migration needs".to_string());
        (verdict, format!("{}: {why}", described(open)))
    });
    let check = Check::of(
        CheckName::Transactions,
        found.collect(),
        &format!("no transaction is open for {limit} or longer"),
    );
    let commands = old
        .iter()
        .map(|open| format!("SELECT pg_terminate_backend({});", open.pid));
    check
        .with_remedy("let it end, or end it if its owner agrees")
        .with_commands(commands.collect())
}

/// Judges prepared transactions: nobody is connected who would end them.
pub(super) fn prepared(night: &Night) -> Check {
    let sessions = match &night.state.sessions {
        Ok(sessions) => sessions,
        Err(reason) => return Check::unknown(CheckName::PreparedTransactions, reason),
    };
    let limit = night.thresholds.transaction;
    let old: Vec<&PreparedTransaction> = sessions.prepared.iter().filter(|one| one.seconds >= limit.0).collect();
    let found = old.iter().map(|one| {
        let reason = reason(night, &one.locks, one.here);
        let verdict = if reason.is_some() {
            CheckVerdict::NoGo
        } else {
            CheckVerdict::Warning
        };
        let why = reason.unwrap_or("holds vacuum back".to_string());
        let owner = one.owner.as_deref().unwrap_or("?");
        let name = printable_line(&one.gid);
        (
            verdict,
            format!("'{name}' of {owner}, prepared {} ago: {why}", Seconds(one.seconds)),
        )
    });
    let check = Check::of(
        CheckName::PreparedTransactions,
        found.collect(),
        &format!("none is {limit} old or older"),
    );
    let commands = old.iter().filter(|one| one.here);
    let commands = commands.map(|one| format!("ROLLBACK PREPARED '{}';", one.gid.replace('\'', "''")));
    check
        .with_remedy("commit it or roll it back, as its owner says")
        .with_commands(commands.collect())
}

/// Judges whether somebody waits for a lock on the tables already.
pub(super) fn lock_queue(night: &Night) -> Check {
    // Whoever could not even read a table knows without the sessions of others.
    let locked_out = night
        .locked_out
        .iter()
        .map(|reason| (CheckVerdict::NoGo, reason.clone()));
    let sessions = match seen(night) {
        Ok(sessions) => sessions,
        Err(_) if night.locked_out.is_some() => &Sessions::default(),
        Err(reason) => return Check::unknown(CheckName::LockQueue, &reason),
    };
    let waiting = sessions.open.iter().filter_map(|open| {
        let lock = open.locks.iter().find(|lock| !lock.granted)?;
        let holders: Vec<String> = open.waits_for.iter().map(i32::to_string).collect();
        Some((
            CheckVerdict::NoGo,
            format!(
                "{} waits for {} on {}, behind process {}",
                described(open),
                lock.mode,
                lock.table,
                holders.join(", ")
            ),
        ))
    });
    Check::of(
        CheckName::LockQueue,
        locked_out.chain(waiting).collect(),
        "nobody waits for a lock on the tables",
    )
    .with_remedy("the migration would queue up behind it: wait until it is gone")
}

/// Returns the sessions, where those of others are seen.
fn seen<'a>(night: &'a Night) -> Result<&'a Sessions, String> {
    match &night.state.sessions {
        Ok(sessions) if sessions.sees_all => Ok(sessions),
        Ok(_) => Err(NOT_SEEN.to_string()),
        Err(reason) => Err(reason.clone()),
    }
}

/// Returns why a transaction is in the way; `None` if it is not. `has_snapshot`: whether it holds a snapshot of this
/// database.
fn reason(night: &Night, locks: &[TableLock], has_snapshot: bool) -> Option<String> {
    let held = locks.iter().filter(|lock| lock.granted);
    let conflicts = held.filter_map(|lock| Some((lock, night.work.conflict(&lock.table, &lock.mode)?)));
    if let Some((lock, needed)) = conflicts.max_by_key(|(_, needed)| *needed) {
        return Some(format!(
            "holds {} on {}, for which {needed} has to wait",
            lock.mode, lock.table
        ));
    }
    let waiter = night.work.waiter().filter(|_| has_snapshot)?;
    Some(format!(
        "{} waits for every older snapshot of the database",
        waiter.name
    ))
}

fn described(open: &OpenTransaction) -> String {
    let who = open.user.as_deref().unwrap_or("?");
    let application = open.application.as_deref().filter(|name| !name.is_empty());
    let application = application.map(|name| format!(" ({name})")).unwrap_or_default();
    let query = open.query.as_deref().map(without_secrets).unwrap_or_default();
    let query: String = printable_line(&query).chars().take(QUERY_LENGTH).collect();
    printable_line(&format!(
        "process {} of {who}{application}, {} in a transaction for {}, \"{}\"",
        open.pid,
        open.state.as_deref().unwrap_or("?"),
        Seconds(open.seconds),
        query.trim()
    ))
}
