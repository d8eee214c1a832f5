//! Makes all checks, in the order in which they are told.

use super::check::Check;
use super::night::Night;
use super::{backup, limits, predicted, replication, sessions, tables};

/// Judges everything, and applies the team's rules.
pub fn judge(night: &Night) -> Vec<Check> {
    let checks: [fn(&Night) -> Check; 17] = [
        predicted::estimate,
        predicted::window,
        predicted::schema_drift,
        predicted::settings,
        predicted::rollback,
        sessions::transactions,
        sessions::prepared,
        sessions::lock_queue,
        tables::autovacuum,
        tables::leftovers,
        tables::wraparound,
        limits::timeouts,
        limits::connections,
        replication::standbys,
        replication::slots,
        tables::publications,
        backup::backup,
    ];
    let checks = checks.into_iter().map(|check| check(night));
    checks.map(|check| night.rules.apply(check, night.today)).collect()
}
