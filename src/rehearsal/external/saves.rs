//! Saves what was seen of a person's command while it runs, so that almost nothing is lost if the watch ends early.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::activity::{Activity, ActivityWatch};
use super::record::record;
use crate::observation::Rehearsal;
use crate::rehearsal::saving::journal::Journal;
use crate::shown::without_secrets;

/// Saving may take at most one part in this many of the time.
const SHARE_OF_TIME: u32 = 100;

/// Repeatedly saves what a watch has seen.
pub struct SavesMeanwhile<'a> {
    watch: &'a ActivityWatch,
    rehearsal: &'a mut Rehearsal,
    journal: &'a mut Journal,
    not_before: Instant,
}

impl<'a> SavesMeanwhile<'a> {
    /// Records what `watch` sees into `rehearsal` and saves it to `journal`.
    pub fn new(watch: &'a ActivityWatch, rehearsal: &'a mut Rehearsal, journal: &'a mut Journal) -> SavesMeanwhile<'a> {
        SavesMeanwhile {
            watch,
            rehearsal,
            journal,
            not_before: Instant::now(),
        }
    }

    /// Saves if the last save is long enough ago.
    pub fn save_if_due(&mut self) {
        if !self.journal.is_due() || Instant::now() < self.not_before {
            return;
        }
        let begin = Instant::now();
        let activity = self.watch.so_far();
        // The command's duration is not known yet, and this summary is not shown.
        record(&activity, 0.0, self.rehearsal);
        mark_unfinished(&activity, self.rehearsal);
        self.journal.try_save(self.rehearsal);
        self.not_before = Instant::now() + (begin.elapsed() * SHARE_OF_TIME).max(Duration::from_secs(1));
    }
}

/// Marks the statements that were still running in the last poll as incomplete.
pub fn mark_unfinished(activity: &Activity, rehearsal: &mut Rehearsal) {
    let running = activity.seen.running();
    let unfinished: BTreeSet<String> = running.map(|statement| without_secrets(&statement.sql)).collect();
    for step in &mut rehearsal.steps {
        step.complete &= !unfinished.contains(&step.statement);
    }
}
