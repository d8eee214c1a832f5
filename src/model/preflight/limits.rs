//! Time-outs against what is predicted, and whether a connection is left.

use super::check::{Check, CheckName, CheckVerdict};
use super::night::{Night, PlannedWork};
use crate::catalog::server_state::{Limits, TimeOut};
use crate::migration::LockMode;
use crate::model::estimate::Prediction;
use crate::units::Seconds;

/// Connections that should be left, so that the migration and a person to watch it get in.
const WANTED: i64 = 3;

/// Judges the time-outs of the migrating role: one that would cancel the migration, and none that would end a wait.
pub(super) fn timeouts(night: &Night) -> Check {
    let limits = match &night.state.limits {
        Ok(limits) => limits,
        Err(reason) => return Check::unknown(CheckName::Timeouts, reason),
    };
    let mut found = Vec::new();
    for statement in &night.work.statements {
        let of_each = [
            ("statement_timeout", statement.seconds),
            ("transaction_timeout", statement.until_commit),
        ];
        for (name, seconds) in of_each {
            let time_out = effective(limits, statement, name);
            found.extend(time_out.and_then(|time_out| cancelled(statement, seconds?, time_out)));
        }
    }
    let is_cancelled = !found.is_empty();
    let endless = endless_wait(limits, night);
    let commands = [
        is_cancelled.then_some("SET statement_timeout = 0;"),
        endless.is_some().then_some("SET lock_timeout = '5s';"),
    ];
    found.extend(endless);
    found.extend(unknown_timeout(limits));
    let check = Check::of(
        CheckName::Timeouts,
        found,
        &format!("no time-out of {} is shorter than what is predicted", limits.role),
    );
    check
        .with_remedy("set them in the migration itself, for its session")
        .with_commands(commands.into_iter().flatten().map(str::to_string).collect())
}

/// Returns the time-out that counts for a statement: the migration's own, or else the role's.
fn effective<'a>(limits: &'a Limits, statement: &'a PlannedWork, name: &str) -> Option<&'a TimeOut> {
    let mut all = statement.own_timeouts.iter().chain(&limits.timeouts);
    all.find(|time_out| time_out.name == name)
}

/// Says whether the time-out ends before the statement does.
fn cancelled(statement: &PlannedWork, predicted: Prediction, time_out: &TimeOut) -> Option<(CheckVerdict, String)> {
    let limit = time_out.seconds()?;
    if predicted.upper_seconds < limit {
        return None;
    }
    let outcome = if predicted.point_seconds >= limit {
        let share = 100.0 * limit / predicted.point_seconds;
        format!("it will be cancelled at about {share:.0} %")
    } else {
        "it may be cancelled".to_string()
    };
    Some((
        CheckVerdict::NoGo,
        format!(
            "{} is predicted to take {} (up to {}), {} is {} (set by {}): {outcome}",
            statement.name,
            Seconds(predicted.point_seconds),
            Seconds(predicted.upper_seconds),
            time_out.name,
            Seconds(limit),
            time_out.source
        ),
    ))
}

/// Says whether a strong lock is waited for without end, with everybody behind it.
fn endless_wait(limits: &Limits, night: &Night) -> Option<(CheckVerdict, String)> {
    let strong = |statement: &&PlannedWork| {
        statement
            .locks
            .iter()
            .any(|(_, mode)| *mode == LockMode::AccessExclusive)
    };
    let endless = |statement: &&PlannedWork| {
        effective(limits, statement, "lock_timeout").is_none_or(|time_out| time_out.seconds().is_none())
    };
    let statement = night.work.statements.iter().filter(strong).find(endless)?;
    Some((
        CheckVerdict::Warning,
        format!(
            "{} takes AccessExclusiveLock without a lock_timeout: while it waits, everybody waits behind it",
            statement.name
        ),
    ))
}

fn unknown_timeout(limits: &Limits) -> Option<(CheckVerdict, String)> {
    let unknown = limits.timeouts.iter().find(|time_out| time_out.value.is_none())?;
    Some((
        CheckVerdict::Unknown,
        format!("{} of {} is not known; ask as that role", unknown.name, limits.role),
    ))
}

/// Judges how many connections are left.
pub(super) fn connections(night: &Night) -> Check {
    let limits = match &night.state.limits {
        Ok(limits) => limits,
        Err(reason) => return Check::unknown(CheckName::Connections, reason),
    };
    let left = [
        Some(("the server", limits.connections - limits.used)),
        limits
            .of_role
            .zip(limits.used_by_role)
            .map(|(most, used)| ("the role", most - used)),
        limits
            .of_database
            .map(|most| ("the database", most - limits.used_in_database)),
    ];
    let least = left.into_iter().flatten().min_by_key(|(_, left)| *left);
    let Some((of, left)) = least else {
        return Check::unknown(CheckName::Connections, "the server did not say");
    };
    let verdict = match left {
        ..1 => CheckVerdict::NoGo,
        _ if left < WANTED => CheckVerdict::Warning,
        _ => CheckVerdict::Go,
    };
    Check::new(CheckName::Connections, verdict, format!("{} of {of} left", left.max(0)))
        .with_remedy("close idle ones, or wait for a quieter hour")
}
