//! Whether there is a way back to before the migration that does not depend on it.

use super::check::{Check, CheckName, CheckVerdict};
use super::evidence::Backup;
use super::night::Night;
use crate::units::Seconds;

/// Judges the newest backup, and that the log since then is archived.
pub(super) fn backup(night: &Night) -> Check {
    let check = match &night.backup {
        Backup::Commanded(Ok(said)) => go(match said.as_str() {
            "" => "the backup command succeeded".to_string(),
            said => format!("the backup command said: {said}"),
        }),
        Backup::Commanded(Err(reason)) => no_go(format!("the backup command failed: {reason}")),
        Backup::Unreadable { tool, reason } => Check::new(
            CheckName::Backup,
            CheckVerdict::Unknown,
            format!("{tool} did not answer: {reason}"),
        ),
        Backup::Newest { tool, seconds: None } => no_go(format!("{tool} has no backup")),
        Backup::Newest {
            tool,
            seconds: Some(age),
        } => {
            let limit = night.thresholds.backup;
            let sentence = format!("{tool}'s newest backup is {} old", Seconds(*age));
            if *age <= limit.0 {
                go(sentence)
            } else {
                no_go(format!("{sentence}, more than {limit}"))
            }
        }
        Backup::NotAsked => Check::new(
            CheckName::Backup,
            CheckVerdict::Skipped,
            "not checked: pgbackrest and barman are not here, and --backup-command names nothing else",
        ),
    };
    archived(night, check).with_remedy("make a backup before, and see that it can be restored")
}

/// Adds what the server says of its archive, which a restore to just before the migration needs.
fn archived(night: &Night, mut check: Check) -> Check {
    let Ok(archiver) = &night.state.archiver else {
        return check;
    };
    if archiver.mode == "off" {
        check
            .evidence
            .push("archive_mode is off: a restore ends at the backup, not just before the migration".to_string());
        return check;
    }
    if archiver.is_failing {
        check.verdict = check.verdict.max(CheckVerdict::NoGo);
        check.evidence.push("the server fails to archive its log".to_string());
    }
    if let Some(seconds) = archiver.last_archived_seconds {
        let last = format!("the log was last archived {} ago", Seconds(seconds));
        check.evidence.push(last);
    }
    check
}

fn go(sentence: String) -> Check {
    Check::new(CheckName::Backup, CheckVerdict::Go, sentence)
}

fn no_go(sentence: String) -> Check {
    Check::new(CheckName::Backup, CheckVerdict::NoGo, sentence)
}
