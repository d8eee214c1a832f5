//! How long identical whole runs took on each server: remembered for this user, so that estimates know how much runs
//! differ there.
//!
//! One line of JSON for each run in `$XDG_STATE_HOME/migtime/runs.jsonl` (usually below `~/.local/state`). A line holds
//! no SQL and no name of a table: work is known by a hash. The file may be deleted at any time; a machine without it is
//! estimated with wider intervals. Nothing here ends a rehearsal.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::runs::{complete_runs, observations_of, step_seconds};
use crate::observation::{Rehearsal, RunGroup};
use crate::server::ConnectionParameters;

/// Runs that are too short say more about the clock than about the machine.
const SHORTEST_SECONDS: f64 = 1.0;
/// The latest lines of the file that are read.
const MOST_LINES: usize = 2_000;

/// One whole run.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Run {
    format_version: u32,
    /// Where it ran.
    server: String,
    /// Hash of what was run, how many rows that were, and the server's settings.
    work: String,
    seconds: f64,
    /// When the rehearsal began, RFC 3339, UTC.
    at: String,
}

/// Returns what is known of identical runs on the server of `parameters`, one group for each work.
pub fn known(parameters: &ConnectionParameters) -> Vec<RunGroup> {
    let text = file().and_then(|file| std::fs::read_to_string(file).ok());
    groups(&text.unwrap_or_default(), &parameters.server_name())
}

/// Remembers the whole runs of `rehearsal`, which ran on the server of `parameters`.
pub fn remember(rehearsal: &Rehearsal, parameters: &ConnectionParameters) {
    let lines: String = runs(rehearsal, &parameters.server_name())
        .iter()
        .filter_map(|run| serde_json::to_string(run).ok())
        .map(|line| line + "\n")
        .collect();
    let Some(file) = file().filter(|_| !lines.is_empty()) else {
        return;
    };
    // Not being able to remember is no reason to disturb anybody.
    let _ = file.parent().map(std::fs::create_dir_all);
    let opened = std::fs::File::options().append(true).create(true).open(&file);
    let _ = opened.and_then(|mut file| file.write_all(lines.as_bytes()));
}

/// Returns the file; `None` for a user without a home.
fn file() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("migtime/runs.jsonl"))
}

/// Groups the runs on `server` by their work; lines that cannot be read are skipped.
fn groups(text: &str, server: &str) -> Vec<RunGroup> {
    let first = text.lines().count().saturating_sub(MOST_LINES);
    let mut by_work: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in text.lines().skip(first) {
        let Ok(run) = serde_json::from_str::<Run>(line) else {
            continue;
        };
        let is_usable = run.format_version == 1 && run.seconds.is_finite() && run.seconds >= SHORTEST_SECONDS;
        if is_usable && run.server == server {
            by_work.entry(run.work).or_default().push(run.seconds.ln());
        }
    }
    by_work
        .values()
        .filter_map(|logarithms| RunGroup::of(logarithms))
        .collect()
}

/// Returns the whole runs of `rehearsal` that are long enough.
fn runs(rehearsal: &Rehearsal, server: &str) -> Vec<Run> {
    if rehearsal.steps.iter().any(|step| !step.complete) || !rehearsal.resumptions.is_empty() {
        return Vec::new();
    }
    let run = |number| Run {
        format_version: 1,
        server: server.to_string(),
        work: work(rehearsal, number),
        seconds: rehearsal.steps.iter().map(|step| step_seconds(step, number)).sum(),
        at: rehearsal.started_at.clone(),
    };
    let runs = complete_runs(rehearsal).into_iter().map(run);
    runs.filter(|run| run.seconds >= SHORTEST_SECONDS).collect()
}

/// Returns the hash of the work of one run. Runs are identical if they ran the same statements over the same number of
/// rows in as many batches, in tables of about the same size, under the same settings.
fn work(rehearsal: &Rehearsal, run: u32) -> String {
    let mut hasher = DefaultHasher::new();
    rehearsal.server.version_num.hash(&mut hasher);
    rehearsal.server.settings.hash(&mut hasher);
    for step in &rehearsal.steps {
        step.statement
            .split_whitespace()
            .for_each(|word| word.hash(&mut hasher));
        let rows: u64 = observations_of(step, run).map(|observation| observation.rows).sum();
        (observations_of(step, run).count(), rows).hash(&mut hasher);
    }
    for table in &rehearsal.tables {
        for bytes in [table.heap_bytes, table.index_bytes, table.toast_bytes] {
            rounded(bytes).hash(&mut hasher);
        }
    }
    format!("{:016x}", hasher.finish())
}

/// Returns the logarithm of a size in steps of 5 %: copies of a table differ by less, other tables by more.
fn rounded(bytes: u64) -> i64 {
    ((bytes as f64 + 1.0).ln() / 0.05).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch_log;

    fn line(server: &str, work: &str, seconds: f64) -> String {
        let run = Run {
            format_version: 1,
            server: server.to_string(),
            work: work.to_string(),
            seconds,
            at: String::new(),
        };
        serde_json::to_string(&run).expect("a line") + "\n"
    }

    #[test]
    fn runs_of_the_same_work_on_the_same_server_are_a_group() {
        let text = line("here", "a", 10.0)
            + &line("there", "a", 30.0)
            + "torn {\n"
            + &line("here", "b", 5.0)
            + &line("here", "a", 11.0)
            + &line("here", "a", 0.1);
        let expected = RunGroup::of(&[10.0f64.ln(), 11.0f64.ln()]).expect("two runs");
        assert_eq!(groups(&text, "here"), [expected]);
        assert!(groups("", "here").is_empty());
    }

    #[test]
    fn only_whole_runs_of_some_length_are_remembered() {
        let walked = |batches: usize, seconds: f64| {
            let log = "rows,seconds\n".to_string() + &format!("100,{seconds}\n").repeat(batches);
            let mut rehearsal = batch_log::read(&log, "log.csv", 40_000.0).expect("a batch log");
            rehearsal.ended = Some(crate::observation::Ending {
                reason: crate::observation::EndReason::Complete,
                message: String::new(),
            });
            rehearsal
        };
        let whole = runs(&walked(400, 0.01), "here");
        assert_eq!(whole.len(), 1);
        assert!((whole[0].seconds - 4.0).abs() < 1e-9);
        assert_eq!(whole[0].work, runs(&walked(400, 0.02), "here")[0].work);
        assert!(runs(&walked(200, 0.01), "here").is_empty());
        assert!(runs(&walked(400, 0.0001), "here").is_empty());
    }
}
