//! Asks backup tools of this machine for their newest backup: a command of the person's, or else pgbackrest or barman.

use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use crate::model::preflight::Backup;
use crate::shown::{printable_line, without_secrets};

/// Characters of what a program said that are shown.
const SHOWN: usize = 200;

/// Returns what is known of backups; `command` is what the person named.
pub fn backup(command: Option<&str>) -> Backup {
    if let Some(command) = command {
        return commanded(command);
    }
    let pgbackrest = run(Command::new("pgbackrest").args(["info", "--output=json"]));
    let barman = || run(Command::new("barman").args(["-f", "json", "list-backups", "all"]));
    match pgbackrest {
        Some(output) => of_tool("pgbackrest", &output, newest_of_pgbackrest),
        None => match barman() {
            Some(output) => of_tool("barman", &output, newest_of_barman),
            None => Backup::NotAsked,
        },
    }
}

fn commanded(command: &str) -> Backup {
    let Some(output) = run(Command::new("sh").args(["-c", command])) else {
        return Backup::Commanded(Err("there is no shell".to_string()));
    };
    let first_line = |bytes: &[u8]| shown(String::from_utf8_lossy(bytes).lines().next().unwrap_or_default());
    Backup::Commanded(if output.status.success() {
        Ok(first_line(&output.stdout))
    } else {
        let said = first_line(&output.stderr);
        Err(format!(
            "{}{}{said}",
            output.status,
            if said.is_empty() { "" } else { ", " }
        ))
    })
}

/// Runs a program to its end; `None` where it is not installed.
fn run(command: &mut Command) -> Option<Output> {
    command.stdin(Stdio::null()).output().ok()
}

/// Reads a tool's answer; `newest` returns the time of the newest backup, in seconds since 1970.
fn of_tool(tool: &str, output: &Output, newest: fn(&[u8]) -> serde_json::Result<Option<f64>>) -> Backup {
    let unreadable = |reason: &str| Backup::Unreadable {
        tool: tool.to_string(),
        reason: shown(reason),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(if output.stderr.is_empty() {
            &output.stdout
        } else {
            &output.stderr
        });
        return unreadable(said.lines().next().unwrap_or("it failed"));
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64();
    match newest(&output.stdout) {
        Ok(stopped) => Backup::Newest {
            tool: tool.to_string(),
            seconds: stopped.map(|stopped| (now - stopped).max(0.0)),
        },
        Err(error) => unreadable(&error.to_string()),
    }
}

fn newest_of_pgbackrest(answer: &[u8]) -> serde_json::Result<Option<f64>> {
    #[derive(Deserialize)]
    struct Stanza {
        #[serde(default)]
        backup: Vec<StanzaBackup>,
    }
    #[derive(Deserialize)]
    struct StanzaBackup {
        timestamp: Timestamp,
        #[serde(default)]
        error: Option<bool>,
    }
    #[derive(Deserialize)]
    struct Timestamp {
        stop: f64,
    }
    let stanzas: Vec<Stanza> = serde_json::from_slice(answer)?;
    let backups = stanzas.iter().flat_map(|stanza| &stanza.backup);
    let whole = backups.filter(|backup| backup.error != Some(true));
    Ok(whole.map(|backup| backup.timestamp.stop).max_by(f64::total_cmp))
}

fn newest_of_barman(answer: &[u8]) -> serde_json::Result<Option<f64>> {
    #[derive(Deserialize)]
    struct Listed {
        #[serde(default)]
        end_time_timestamp: Option<serde_json::Value>,
        #[serde(default)]
        status: Option<String>,
    }
    let servers: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_slice(answer)?;
    let mut newest = None;
    for value in servers.into_values() {
        // Beside servers, there are the tool's own messages.
        let Ok(listed) = serde_json::from_value::<Vec<Listed>>(value) else {
            continue;
        };
        for backup in listed
            .iter()
            .filter(|backup| backup.status.as_deref() != Some("FAILED"))
        {
            let stopped = backup.end_time_timestamp.as_ref().and_then(|time| match time {
                serde_json::Value::String(text) => text.parse::<f64>().ok(),
                other => other.as_f64(),
            });
            newest = newest.into_iter().chain(stopped).max_by(f64::total_cmp);
        }
    }
    Ok(newest)
}

fn shown(text: &str) -> String {
    printable_line(&without_secrets(text)).chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Shortened answers of pgbackrest 2.53 and barman 3.10.
    #[test]
    fn the_newest_whole_backup_counts() {
        let pgbackrest = r#"[{"name":"shop","status":{"code":0,"message":"ok"},"backup":[
            {"label":"20270101-010000F","error":false,"timestamp":{"start":1798765200,"stop":1798765260}},
            {"label":"20270102-010000F","error":true,"timestamp":{"start":1798851600,"stop":1798851660}}]}]"#;
        assert_eq!(
            newest_of_pgbackrest(pgbackrest.as_bytes()).unwrap(),
            Some(1_798_765_260.0)
        );
        assert_eq!(newest_of_pgbackrest(b"[]").unwrap(), None);
        assert!(newest_of_pgbackrest(b"No stanzas exist").is_err());
        let barman = r#"{"shop":[{"backup_id":"20270101T010000","end_time_timestamp":"1798765260","status":"DONE"},
            {"backup_id":"20270102T010000","status":"FAILED"}]}"#;
        assert_eq!(newest_of_barman(barman.as_bytes()).unwrap(), Some(1_798_765_260.0));
        assert_eq!(newest_of_barman(b"{}").unwrap(), None);
    }

    #[test]
    fn a_command_says_yes_by_its_exit_code() {
        assert_eq!(
            backup(Some("echo fine; echo more")),
            Backup::Commanded(Ok("fine".to_string()))
        );
        let Backup::Commanded(Err(reason)) = backup(Some("echo too old >&2; exit 3")) else {
            panic!("it exits with 3");
        };
        assert!(reason.ends_with("3, too old"), "{reason}");
    }
}
