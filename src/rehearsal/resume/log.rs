//! The log of a running rehearsal: one line of JSON for each event, appended as it happens.
//!
//! Whatever is needed to settle an event is on disk before the event: windows before their batches run, a transaction's
//! number before its commit is sent. Writing these lines waits for the disk, and for all lines before. Other lines do
//! not wait; the disk is synchronised every few seconds. So a program that is killed loses nothing, and a machine that
//! loses power loses seconds.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::beginning::{Beginning, boot};
use super::cut_off::CutOff;
use super::log_line::{GoingOn, LogLine};
use crate::error::reason;
use crate::observation::{Event, Observation, Resumption, StepRecord};
use crate::rehearsal::batches::planned_batch::PlannedBatch;
use crate::rehearsal::batches::walk_plan::WalkPlan;

/// The log's file name, next to `rehearsal.json`.
pub const FILE: &str = "rehearsal.resume";

/// Waiting for the disk may take at most one part in this many of the rehearsal's time.
const SHARE_OF_TIME: u32 = 100;
/// Shortest time between two disk synchronisations for acknowledged batches.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);

/// The log, which may be switched off.
///
/// A failed write never ends a rehearsal: when the disk is full, the log ends and the person is told.
#[derive(Default)]
pub struct ResumeLog {
    open: RefCell<Option<(File, PathBuf)>>,
    next_sync: Cell<Option<Instant>>,
    acknowledged: Cell<Option<u64>>,
    tell: Option<fn(&str)>,
}

impl ResumeLog {
    /// Begins a log at `path`, replacing any earlier one; `tell` is called with the reason if there can be no log.
    pub fn begin(path: &Path, beginning: Beginning, tell: fn(&str)) -> ResumeLog {
        let log = ResumeLog::of(path, tell, |options| options.truncate(true));
        log.announce(&LogLine::Begin(Box::new(beginning)));
        log
    }

    /// Continues the log at `path` after the part that `cut_off` was read from.
    pub fn go_on(path: &Path, cut_off: &CutOff, tell: fn(&str)) -> ResumeLog {
        let log = ResumeLog::of(path, tell, |options| options.append(true));
        // An incomplete line would corrupt the next one.
        let cut = log.open.borrow().as_ref().map(|(file, _)| file.set_len(cut_off.bytes));
        if let Some(Err(error)) = cut {
            log.give_up(&error);
        }
        log
    }

    fn of(
        path: &Path,
        tell: fn(&str),
        opening: impl Fn(&mut std::fs::OpenOptions) -> &mut std::fs::OpenOptions,
    ) -> ResumeLog {
        let mut options = File::options();
        // The log contains keys of rows.
        options.write(true).create(true).mode(0o600);
        let log = ResumeLog {
            tell: Some(tell),
            ..ResumeLog::default()
        };
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        match made.and_then(|()| opening(&mut options).open(path)) {
            Ok(file) => *log.open.borrow_mut() = Some((file, path.to_path_buf())),
            Err(error) => log.give_up(&error),
        }
        log
    }

    /// Returns whether the log is being written.
    pub fn is_on(&self) -> bool {
        self.open.borrow().is_some()
    }

    /// Removes the log: nothing is left to continue.
    pub fn remove(&self) {
        if let Some((_, path)) = self.open.borrow_mut().take() {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Appends a line that must be on disk before the announced event happens.
    fn announce(&self, line: &LogLine) {
        self.append(line, true);
    }

    /// Appends a line about a past event; waits for the disk only when a synchronisation is due.
    fn note(&self, line: &LogLine) {
        let is_due = self.next_sync.get().is_none_or(|next| Instant::now() >= next);
        self.append(line, is_due);
    }

    /// Stores the number of the transaction that was just acknowledged; its batch's line is written once it is
    /// measured.
    pub(in crate::rehearsal) fn acknowledge(&self, transaction: Option<u64>) {
        self.acknowledged.set(transaction);
    }

    /// Appends the last batch of `observations`.
    pub(in crate::rehearsal) fn batch(&self, observations: &[Observation]) {
        let [.., last] = observations else { return };
        if !self.is_on() {
            return;
        }
        let before = observations
            .len()
            .checked_sub(2)
            .and_then(|index| observations.get(index));
        let line = LogLine::Batch {
            transaction: self.acknowledged.take(),
            observation: last.clone(),
            full_page_images_before: before.and_then(|before| before.full_page_images),
        };
        self.note(&line);
    }

    /// Appends the windows of the next batches.
    pub(in crate::rehearsal) fn windows<'a>(&self, batches: impl Iterator<Item = &'a PlannedBatch>) {
        if self.is_on() {
            self.announce(&LogLine::Windows(batches.cloned().collect()));
        }
    }

    /// Appends that the statement or block in `transaction` is about to commit.
    pub(in crate::rehearsal) fn committing(&self, transaction: Option<u64>) {
        self.announce(&LogLine::Committing { transaction });
    }

    /// Appends that the next statement cannot be undone as a whole.
    pub(in crate::rehearsal) fn alone(&self) {
        self.announce(&LogLine::Alone);
    }

    /// Appends that batches of the place with this number follow.
    pub(in crate::rehearsal) fn place(&self, number: usize, going_on: Option<&GoingOn>) {
        self.note(&LogLine::Place {
            number,
            going_on: going_on.cloned(),
        });
    }

    /// Appends what is known of the walk before it begins.
    pub(in crate::rehearsal) fn walk(&self, plan: &WalkPlan) {
        if self.is_on() {
            self.note(&LogLine::Walk(plan.clone()));
        }
    }

    /// Appends that the rehearsal continues in the session with this process id and process start time.
    pub(in crate::rehearsal) fn session(&self, process: i32, started: Option<i64>) {
        self.note(&LogLine::Session {
            process,
            started,
            boot: boot(),
        });
    }

    /// Appends that the step at `index` begins; `next_transaction` is the number of the server's next transaction.
    pub(in crate::rehearsal) fn step(&self, index: usize, next_transaction: u64) {
        self.note(&LogLine::Step {
            index,
            next_transaction,
        });
    }

    /// Appends that steps are done.
    pub(in crate::rehearsal) fn done(&self, records: Vec<(usize, StepRecord)>, events: &[Event]) {
        if self.is_on() {
            self.note(&LogLine::Done {
                records,
                events: events.to_vec(),
            });
        }
    }

    /// Appends that the rehearsal was resumed after it had been cut off.
    pub(in crate::rehearsal) fn resumed(&self, resumption: &Resumption) {
        self.note(&LogLine::Resumed(resumption.clone()));
    }

    fn append(&self, line: &LogLine, sync: bool) {
        let written = match &mut *self.open.borrow_mut() {
            None => return,
            Some((file, _)) => append(file, line, sync),
        };
        match written {
            Ok(took) if sync => {
                let pause = (took * SHARE_OF_TIME).max(SHORTEST_PAUSE);
                self.next_sync.set(Instant::now().checked_add(pause));
            }
            Ok(_) => {}
            Err(error) => self.give_up(&error),
        }
    }

    fn give_up(&self, error: &std::io::Error) {
        if let Some(tell) = self.tell {
            tell(&format!(
                "warning: --resume will not be possible: its log cannot be written: {}",
                reason(error)
            ));
        }
        self.remove();
    }
}

/// Appends `line` in one write, so that only the log's last line can be incomplete; returns how long the disk took.
fn append(file: &mut File, line: &LogLine, sync: bool) -> std::io::Result<Duration> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    file.write_all(text.as_bytes())?;
    let begin = Instant::now();
    if sync {
        file.sync_data()?;
    }
    Ok(begin.elapsed())
}
