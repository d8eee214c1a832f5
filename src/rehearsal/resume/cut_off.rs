//! How far a rehearsal got before it was cut off, according to its log. Pure except for reading the file.

use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;

use super::beginning::{Beginning, boot};
use super::log_line::{GoingOn, LogLine, Start};
use crate::error::{Error, ErrorKind, Location, Result, reason};
use crate::observation::{FORMAT_VERSION, Observation, Rehearsal, check_numbers};
use crate::rehearsal::batches::planned_batch::PlannedBatch;
use crate::rehearsal::batches::walk_plan::WalkPlan;

/// A rehearsal that was cut off.
#[derive(Clone, Debug)]
pub struct CutOff {
    /// How it began.
    pub beginning: Beginning,
    /// The measurements of the steps that are done.
    pub rehearsal: Rehearsal,
    /// The first step that is not done.
    pub step: usize,
    /// Length of the log in bytes, without an incomplete line at its end.
    pub bytes: u64,
    /// When the log was read, as RFC 3339 in UTC.
    pub found_at: String,
    /// Seconds between the log's last line and `found_at`, where the clock shows that.
    pub away_seconds: Option<f64>,
    /// The session that ran it: its process id and when the process started.
    pub(super) session: Option<(i32, Option<i64>)>,
    /// The boot identifier of the machine that ran it, if known.
    boot: Option<String>,
    /// The number of the next transaction when that step began; `None` if it had not begun.
    pub(super) begun: Option<u64>,
    pub(super) commit: Commit,
    /// The number of the last transaction of the completed steps.
    pub(super) last_committed: Option<u64>,
    pub(super) walk: Option<WalkSoFar>,
}

/// How far the commit of an unfinished statement or block got.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Commit {
    /// The commit was not sent.
    #[default]
    NotSent,
    /// The commit was sent, with this transaction number if there was one.
    Sent(Option<u64>),
    /// The statement commits in parts or cannot run in a transaction block.
    InParts,
}

/// How far an unfinished walk got.
#[derive(Clone, Debug)]
pub(super) struct WalkSoFar {
    pub plan: WalkPlan,
    /// The place that was reached, in the order of execution.
    pub place: Option<usize>,
    /// Where in that place the batches began; `None` where the design says.
    pub start: Option<Start>,
    /// The planned batches of that place.
    pub windows: Vec<PlannedBatch>,
    /// The transaction numbers of the acknowledged batches, which are the first of `windows`.
    pub acknowledged: Vec<Option<u64>>,
    /// The measurements of all batches so far.
    pub observations: Vec<Observation>,
    /// How many batches are known to be committed but not measured.
    pub unmeasured: usize,
    /// The number of the last transaction of all batches so far.
    last_transaction: Option<u64>,
}

impl CutOff {
    /// Reads the log at `path`.
    ///
    /// # Errors
    /// `Usage` when there is no log, or it is damaged or of another version.
    pub fn read(path: &Path) -> Result<CutOff> {
        let name = path.display().to_string();
        let text = std::fs::read(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::new(
                ErrorKind::Usage,
                format!("there is no rehearsal to go on with: {name} does not exist"),
            )
            .with_hint(
                "a rehearsal that came to its end has none; one that was cut off has it in its --output directory",
            ),
            _ => Error::new(ErrorKind::Usage, format!("cannot read {name}: {}", reason(&error))),
        })?;
        let mut cut_off = CutOff::of_log(&text, &name)?;
        let last_written = path.metadata().and_then(|found| found.modified()).ok();
        let away = last_written.and_then(|last| last.elapsed().ok());
        cut_off.away_seconds = away.map(|away| away.as_secs_f64());
        cut_off.found_at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        Ok(cut_off)
    }

    /// Derives from a log's `text` how far the rehearsal got; `name` is what errors call the log.
    ///
    /// # Errors
    /// `Usage` when the log is of another version, or damaged anywhere except at its end.
    pub fn of_log(text: &[u8], name: &str) -> Result<CutOff> {
        // A line without a line end was being written at the moment of the cut.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let mut lines = text[..whole].split_inclusive(|byte| *byte == b'\n').enumerate();
        let beginning = match lines.next() {
            Some((_, first)) => beginning(first, name)?,
            None => return Err(not_begun(name)),
        };
        let mut cut_off = CutOff {
            rehearsal: beginning.rehearsal.clone(),
            beginning,
            step: 0,
            bytes: whole as u64,
            found_at: String::new(),
            away_seconds: None,
            session: None,
            boot: None,
            begun: None,
            commit: Commit::NotSent,
            last_committed: None,
            walk: None,
        };
        for (number, line) in lines {
            let line = read_line(line, name, number)?;
            cut_off.take(line).ok_or_else(|| damaged(name, number))?;
        }
        Ok(cut_off)
    }

    /// Applies the next line; `None` if it cannot follow the lines before.
    fn take(&mut self, line: LogLine) -> Option<()> {
        match line {
            LogLine::Begin(_) => return None,
            LogLine::Session { process, started, boot } => {
                self.session = Some((process, started));
                self.boot = boot;
            }
            LogLine::Step {
                index,
                next_transaction,
            } => {
                self.step = index;
                self.begun = Some(next_transaction);
                self.commit = Commit::NotSent;
                self.walk = None;
            }
            LogLine::Alone => self.commit = Commit::InParts,
            LogLine::Committing { transaction } => self.commit = Commit::Sent(transaction),
            LogLine::Walk(plan) => self.walk = Some(WalkSoFar::begun(plan)),
            LogLine::Place { number, going_on } => self.walk.as_mut()?.reach(number, going_on),
            LogLine::Windows(batches) => self.walk.as_mut()?.windows.extend(batches),
            LogLine::Batch {
                transaction,
                observation,
                full_page_images_before,
            } => self
                .walk
                .as_mut()?
                .acknowledge(transaction, observation, full_page_images_before)?,
            LogLine::Done { records, events } => {
                let committed = match self.commit {
                    Commit::Sent(transaction) => transaction,
                    _ => None,
                };
                let walked = self.walk.take().and_then(|walk| walk.last_transaction);
                self.last_committed = committed.or(walked).or(self.last_committed);
                for (index, record) in records {
                    *self.rehearsal.steps.get_mut(index)? = record;
                    self.step = self.step.max(index + 1);
                }
                self.rehearsal.events = events;
                self.begun = None;
                self.commit = Commit::NotSent;
            }
            LogLine::Resumed(resumption) => self.rehearsal.resumptions.push(resumption),
        }
        Some(())
    }

    /// Returns whether the machine has, or may have, restarted since the rehearsal was cut off.
    pub(super) fn may_have_lost_lines(&self) -> bool {
        let boot = boot();
        boot.is_none() || boot != self.boot
    }
}

impl WalkSoFar {
    fn begun(plan: WalkPlan) -> WalkSoFar {
        WalkSoFar {
            plan,
            place: None,
            start: None,
            windows: Vec::new(),
            acknowledged: Vec::new(),
            observations: Vec::new(),
            unmeasured: 0,
            last_transaction: None,
        }
    }

    fn reach(&mut self, place: usize, going_on: Option<GoingOn>) {
        self.place = Some(place);
        self.start = None;
        if let Some(going_on) = going_on {
            self.start = going_on.start;
            self.observations.truncate(going_on.kept);
            self.unmeasured = going_on.unmeasured;
        }
        self.windows.clear();
        self.acknowledged.clear();
    }

    fn acknowledge(
        &mut self,
        transaction: Option<u64>,
        observation: Observation,
        full_page_images_before: Option<u64>,
    ) -> Option<()> {
        if let Some(before) = self.observations.last_mut() {
            before.full_page_images = full_page_images_before;
        }
        self.observations.push(observation);
        self.acknowledged.push(transaction);
        self.last_transaction = transaction.or(self.last_transaction);
        (self.acknowledged.len() <= self.windows.len()).then_some(())
    }
}

fn beginning(line: &[u8], name: &str) -> Result<Beginning> {
    #[derive(Deserialize)]
    struct Header {
        begin: Version,
    }
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    let header: Header = serde_json::from_slice(line).map_err(|_| damaged(name, 0))?;
    if header.begin.format_version != FORMAT_VERSION {
        return Err(Error::new(
            ErrorKind::Usage,
            format!(
                "{name} has format_version {}; this migtime goes on with {FORMAT_VERSION}",
                header.begin.format_version
            ),
        )
        .with_hint("go on with the version of migtime that began it"));
    }
    match read_line(line, name, 0)? {
        LogLine::Begin(beginning) => Ok(*beginning),
        _ => Err(damaged(name, 0)),
    }
}

/// Reads a line; `number` counts from 0.
fn read_line(line: &[u8], name: &str, number: usize) -> Result<LogLine> {
    let value = serde_json::from_slice(line).map_err(|_| damaged(name, number))?;
    check_numbers(&value, &format!("{name}:{}", number + 1))?;
    serde_json::from_slice(line).map_err(|_| damaged(name, number))
}

fn not_begun(name: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{name} ends before the rehearsal began"))
        .with_hint("leave --resume out: nothing was changed")
}

/// `number` counts lines from 0.
fn damaged(name: &str, number: usize) -> Error {
    Error::new(ErrorKind::Usage, format!("{name} is damaged at line {}", number + 1))
        .with_location(Location::line(Some(name), number + 1))
        .with_hint("rehearse again, on a new clone")
}

#[cfg(test)]
mod tests;
