//! Standbys and slots: whether they follow, and whether the migration's log is too much for them.

use super::check::{Check, CheckName, CheckVerdict};
use super::night::Night;
use crate::catalog::server_state::{Follower, Replication, Slot};
use crate::units::{Bytes, Seconds};

/// Judges the standbys.
pub(super) fn standbys(night: &Night) -> Check {
    let replication = match &night.state.replication {
        Ok(replication) => replication,
        Err(reason) => return Check::unknown(CheckName::Replication, reason),
    };
    if replication.is_standby {
        return Check::new(
            CheckName::Replication,
            CheckVerdict::NoGo,
            "this server is a standby: it takes no migration",
        )
        .with_remedy("name the primary");
    }
    if !replication.sees_all && !replication.followers.is_empty() {
        let reason = "the role may not see what standbys say (pg_read_all_stats)";
        return Check::unknown(CheckName::Replication, reason);
    }
    let mut found: Vec<(CheckVerdict, String)> = replication
        .followers
        .iter()
        .filter_map(|follower| lag(follower, night.thresholds.lag))
        .collect();
    found.extend(synchronous(replication));
    let otherwise = match replication.followers.len() {
        0 => "no standby is connected, and none is waited for".to_string(),
        several => format!("all {several} followers are less than {} behind", night.thresholds.lag),
    };
    Check::of(CheckName::Replication, found, &otherwise)
        .with_remedy("let it catch up, or take it out of synchronous_standby_names, before the migration begins")
}

fn lag(follower: &Follower, limit: Seconds) -> Option<(CheckVerdict, String)> {
    let name = follower.name.as_deref().unwrap_or("?");
    let behind = follower.lag_bytes.map(|bytes| Bytes(bytes.max(0.0) as u64));
    let streams = follower.state.as_deref() == Some("streaming");
    let behind = behind.map(|bytes| format!(" ({bytes} behind)")).unwrap_or_default();
    if !streams {
        let state = follower.state.as_deref().unwrap_or("?");
        return Some((CheckVerdict::NoGo, format!("{name} is in state {state}{behind}")));
    }
    // An idle server reports the lag of the last write that there was.
    let seconds = follower.lag_seconds.filter(|seconds| *seconds >= limit.0)?;
    Some((
        CheckVerdict::NoGo,
        format!("{name} replays {} late{behind}", Seconds(seconds)),
    ))
}

fn synchronous(replication: &Replication) -> Option<(CheckVerdict, String)> {
    let waits = replication.commits_wait && !replication.synchronous_names.trim().is_empty();
    let answers = |follower: &Follower| matches!(follower.sync_state.as_deref(), Some("sync" | "quorum"));
    (waits && !replication.followers.iter().any(answers)).then(|| {
        (
            CheckVerdict::NoGo,
            format!(
                "commits wait for standbys ({}), and none of them is connected",
                replication.synchronous_names
            ),
        )
    })
}

/// Judges the slots against the log that the migration writes.
pub(super) fn slots(night: &Night) -> Check {
    let replication = match &night.state.replication {
        Ok(replication) => replication,
        Err(reason) => return Check::unknown(CheckName::Slots, reason),
    };
    let wal = night.estimate.and_then(|estimate| estimate.storage.as_ref());
    let wal = wal.map(|storage| storage.wal.upper_bytes);
    let found = replication.slots.iter().filter_map(|slot| judge_slot(slot, wal));
    let commands = replication.slots.iter().filter(|slot| !slot.active);
    let commands =
        commands.map(|slot| format!("SELECT pg_drop_replication_slot('{}');", slot.name.replace('\'', "''")));
    Check::of(
        CheckName::Slots,
        found.collect(),
        "no slot would be lost or fill the disk",
    )
    .with_remedy("let its reader catch up, or drop a slot that nobody reads")
    .with_commands(commands.collect())
}

fn judge_slot(slot: &Slot, wal: Option<f64>) -> Option<(CheckVerdict, String)> {
    let bytes = |bytes: f64| Bytes(bytes.max(0.0) as u64);
    let name = &slot.name;
    let kept = slot.kept_bytes.map(|kept| format!(", {} are kept for it", bytes(kept)));
    let kept = kept.unwrap_or_default();
    if slot.wal_status.as_deref() == Some("lost") {
        return Some((CheckVerdict::Warning, format!("slot {name} is lost already")));
    }
    if let (Some(safe), Some(wal)) = (slot.safe_bytes, wal)
        && wal > safe
    {
        return Some((
            CheckVerdict::NoGo,
            format!(
                "slot {name} is lost after {} more, and the migration writes up to {}{kept}",
                bytes(safe),
                bytes(wal)
            ),
        ));
    }
    (!slot.active).then(|| {
        let written = wal.map(|wal| format!("; the migration adds up to {}", bytes(wal)));
        (
            CheckVerdict::Warning,
            format!("nobody reads slot {name}{kept}{}", written.unwrap_or_default()),
        )
    })
}
