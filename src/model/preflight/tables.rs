//! The tables themselves: vacuums on them, what was left unfinished, their age, who publishes them.

use super::check::{Check, CheckName, CheckVerdict};
use super::night::Night;
use crate::catalog::server_state::TableState;
use crate::units::Count;

/// Share of the age at which the server vacuums to prevent wraparound, from which it is near.
const NEAR: f64 = 0.9;
/// Age at which PostgreSQL takes no more writes: 2³¹ less the 3 million that it keeps for repair.
const LAST_AGE: f64 = 2_147_483_648.0 - 3_000_000.0;

/// Judges the vacuums that run on the tables.
pub(super) fn autovacuum(night: &Night) -> Check {
    let vacuums = match &night.state.vacuums {
        Ok(vacuums) if vacuums.sees_all => vacuums,
        Ok(_) => {
            return Check::unknown(
                CheckName::Autovacuum,
                "the role may not see vacuums (pg_read_all_stats)",
            );
        }
        Err(reason) => return Check::unknown(CheckName::Autovacuum, reason),
    };
    let found = vacuums.running.iter().map(|vacuum| {
        let (verdict, how) = match (vacuum.prevents_wraparound, vacuum.automatic) {
            (true, _) => (CheckVerdict::NoGo, "to prevent wraparound, and gives way to nobody"),
            (_, true) => (CheckVerdict::Warning, "by itself, and gives way after deadlock_timeout"),
            (_, false) => (CheckVerdict::NoGo, "by hand, and gives way to nobody"),
        };
        let at = vacuum
            .scanned
            .map(|share| format!(", {:.0} % of the heap scanned", 100.0 * share));
        let process = vacuum.pid;
        let phase = vacuum.phase.as_deref().unwrap_or("vacuum");
        (
            verdict,
            format!(
                "{} is being vacuumed {how} (process {process}, {phase}{})",
                vacuum.table,
                at.unwrap_or_default()
            ),
        )
    });
    Check::of(CheckName::Autovacuum, found.collect(), "no vacuum runs on the tables")
        .with_remedy("wait until it is done; it also costs input and output while the migration runs")
}

/// Judges what earlier work left unfinished.
pub(super) fn leftovers(night: &Night) -> Check {
    let Some(tables) = known(night) else {
        return unknown(night, CheckName::Leftovers);
    };
    let mut found = Vec::new();
    let mut commands = Vec::new();
    for state in tables {
        for index in &state.invalid_indexes {
            found.push((
                CheckVerdict::Warning,
                format!(
                    "{index} on {} is not valid: it costs each write and serves no query",
                    state.table
                ),
            ));
            commands.push(format!("DROP INDEX CONCURRENTLY {index};"));
        }
        let left = state
            .leftovers
            .iter()
            .filter(|index| !state.invalid_indexes.contains(index));
        for index in left {
            let sentence = format!("{index} on {} looks left over from a REINDEX CONCURRENTLY", state.table);
            found.push((CheckVerdict::Warning, sentence));
        }
        for constraint in &state.not_validated {
            let sentence = format!(
                "{constraint} on {} is NOT VALID: rows from before may break it",
                state.table
            );
            found.push((CheckVerdict::Warning, sentence));
            commands.push(format!("ALTER TABLE {} VALIDATE CONSTRAINT {constraint};", state.table));
        }
    }
    Check::of(
        CheckName::Leftovers,
        found,
        "no invalid index, no constraint that is NOT VALID",
    )
    .with_remedy("clean up first, unless the migration is what finishes it")
    .with_commands(commands)
}

/// Judges how near the tables are to the wraparound of transaction numbers.
pub(super) fn wraparound(night: &Night) -> Check {
    let Some(tables) = known(night) else {
        return unknown(night, CheckName::Wraparound);
    };
    let found = tables.iter().filter_map(|state| {
        let age = state.age?;
        let verdict = if age >= state.freeze_age || age >= NEAR * LAST_AGE {
            CheckVerdict::NoGo
        } else if age >= NEAR * state.freeze_age {
            CheckVerdict::Warning
        } else {
            return None;
        };
        Some((
            verdict,
            format!(
                "{} is {} transactions old, and is vacuumed to prevent wraparound from {} on",
                state.table,
                Count(age),
                Count(state.freeze_age)
            ),
        ))
    });
    let commands = tables
        .iter()
        .filter(|state| state.age.is_some_and(|age| age >= NEAR * state.freeze_age));
    let commands = commands
        .map(|state| format!("VACUUM (FREEZE) {};", state.table))
        .collect();
    Check::of(CheckName::Wraparound, found.collect(), "no table is near")
        .with_remedy("freeze it before: such a vacuum gives way to nobody, and may begin in the midst of the migration")
        .with_commands(commands)
}

/// Judges publications and subscriptions of the tables.
pub(super) fn publications(night: &Night) -> Check {
    let Some(tables) = known(night) else {
        return unknown(night, CheckName::Publications);
    };
    let mut found = Vec::new();
    for state in tables {
        if !state.publications.is_empty() {
            let names = state.publications.join(", ");
            let sentence = format!(
                "{} is published by {names}: changes of its schema do not follow",
                state.table
            );
            found.push((CheckVerdict::Warning, sentence));
        }
        if state.subscriptions > 0 {
            let sentence = format!("a subscription writes to {}, and waits for its locks", state.table);
            found.push((CheckVerdict::Warning, sentence));
        }
    }
    Check::of(
        CheckName::Publications,
        found,
        "the tables are neither published nor subscribed to",
    )
    .with_remedy("change the schema of subscribers first where columns are added, last where they are dropped")
}

fn known<'a>(night: &'a Night) -> Option<&'a [TableState]> {
    night.state.tables.as_deref().ok()
}

fn unknown(night: &Night, check: CheckName) -> Check {
    let reason = night.state.tables.as_ref().err();
    Check::unknown(check, reason.map_or("", String::as_str))
}
