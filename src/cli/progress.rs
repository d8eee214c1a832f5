//! Shows the progress of a rehearsal on stderr: a bar with rows/s and the time left; silent if that is not a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::print_note;
use crate::observation::{Observation, StepRecord};
use crate::rehearsal::{ProgressListener, StatementProgress};
use crate::shown::printable_line;
use crate::units::{Bytes, Count, RowsPerSecond, Seconds};

/// Number of batches averaged for the displayed throughput: enough to be steady, few enough to be current.
const RECENT: usize = 20;

/// The progress bar of the current activity.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shows an activity of unknown length.
    pub fn spinner(message: impl Into<String>) -> Progress {
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed}{prefix})").expect("the template is valid");
        let bar = ProgressBar::new_spinner()
            .with_style(style)
            .with_message(message.into());
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar }
    }

    /// Shows that a step begins. Next to the elapsed time it shows the expected seconds, if known, because the server
    /// reports the progress of few statements.
    pub fn step(step: &StepRecord, expected_seconds: Option<f64>) -> Progress {
        let progress = Progress::spinner(format!("step {}: {}", step.number, first_words(&step.statement)));
        progress
            .bar
            .set_prefix(expected_seconds.map(expectation).unwrap_or_default());
        progress
    }

    /// Shows a batch of a replay of about `planned` batches.
    pub fn batch(&mut self, observations: &[Observation], planned: f64) {
        if self.bar.is_hidden() {
            return;
        }
        if self.bar.length().is_none() {
            let style = ProgressStyle::with_template("{msg} [{wide_bar}] {pos}/{len} batches, {prefix}")
                .expect("the template is valid")
                .progress_chars("=> ");
            self.bar.set_style(style);
        }
        let done = observations.len() as f64;
        let planned = planned.max(done);
        self.bar.set_length(planned.round() as u64);
        self.bar.set_position(observations.len() as u64);
        self.bar.set_prefix(speed(observations, planned - done));
    }

    /// Prints a note above the bar.
    pub fn note(&self, note: &str) {
        self.bar.suspend(|| print_note(note));
    }

    /// Returns a listener that shows the statement's progress next to the elapsed time.
    pub fn statement(&self) -> ProgressListener {
        let bar = self.bar.clone();
        let step = bar.message();
        Box::new(move |progress| bar.set_message(format!("{step}: {}", phase(progress))))
    }

    /// Removes the bar.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Returns the recent throughput, and the time for `batches_left` at the average pace so far, including pauses.
fn speed(observations: &[Observation], batches_left: f64) -> String {
    let recent = &observations[observations.len().saturating_sub(RECENT)..];
    let rows: u64 = recent.iter().map(|observation| observation.rows).sum();
    let seconds: f64 = recent.iter().map(|observation| observation.seconds).sum();
    let elapsed = observations.last().map_or(0.0, |last| last.elapsed);
    let left = Seconds(elapsed / observations.len() as f64 * batches_left);
    let wal: Option<u64> = recent.iter().map(|observation| observation.wal_bytes).sum();
    let wal = wal.map_or(String::new(), |wal| {
        format!(", WAL {}/s", Bytes((wal as f64 / seconds.max(1e-9)) as u64))
    });
    format!("{}{wal}, {left} left", RowsPerSecond(rows as f64 / seconds.max(1e-9)))
}

/// Returns the phase of a statement and how much of it is done.
fn phase(progress: &StatementProgress) -> String {
    match &progress.share {
        Some(share) => format!(
            "{}, {:.0} % of {} {}",
            progress.phase,
            100.0 * share.done / share.total,
            Count(share.total),
            share.unit
        ),
        None => progress.phase.clone(),
    }
}

fn expectation(seconds: f64) -> String {
    format!(" of about {} by rule of thumb", Seconds(seconds))
}

fn first_words(statement: &str) -> String {
    let line = printable_line(&statement.split_whitespace().collect::<Vec<_>>().join(" "));
    match line.char_indices().nth(24) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::PhaseShare;

    #[test]
    fn what_is_expected_stands_behind_the_time_so_far() {
        assert_eq!(expectation(95.0), " of about 95s by rule of thumb");
    }

    #[test]
    fn a_phase_says_how_much_of_it_is_done() {
        let mut progress = StatementProgress {
            phase: "building index: scanning table".to_string(),
            share: Some(PhaseShare {
                done: 430.0,
                total: 1000.0,
                unit: "blocks".to_string(),
            }),
        };
        assert_eq!(phase(&progress), "building index: scanning table, 43 % of 1,000 blocks");
        progress.share = None;
        assert_eq!(phase(&progress), "building index: scanning table");
    }
}
