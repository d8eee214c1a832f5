//! Saves what was seen of a person's command while that runs, so that whatever ends the watch loses next to nothing.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::activity::{Activity, ActivityWatch};
use super::record::record;
use crate::observation::Rehearsal;
use crate::rehearsal::saving::journal::Journal;
use crate::shown::without_secrets;

/// Writing it down may take at most this share of the time.
const SHARE_OF_TIME: u32 = 100;

/// Saves again and again what a watch has seen.
pub struct SavesMeanwhile<'a> {
    watch: &'a ActivityWatch,
    rehearsal: &'a mut Rehearsal,
    journal: &'a mut Journal,
    not_before: Instant,
}

impl<'a> SavesMeanwhile<'a> {
    /// Takes what `watch` sees down into `rehearsal` and saves it to `journal`.
    pub fn new(watch: &'a ActivityWatch, rehearsal: &'a mut Rehearsal, journal: &'a mut Journal) -> SavesMeanwhile<'a> {
        SavesMeanwhile {
            watch,
            rehearsal,
            journal,
            not_before: Instant::now(),
        }
    }

    /// Saves if the last time is long enough ago.
    pub fn save_if_due(&mut self) {
        if !self.journal.is_due() || Instant::now() < self.not_before {
            return;
        }
        let begin = Instant::now();
        let activity = self.watch.so_far();
        // How long the command took is not known yet, and told to nobody.
        record(&activity, 0.0, self.rehearsal);
        mark_unfinished(&activity, self.rehearsal);
        self.journal.try_save(self.rehearsal);
        self.not_before = Instant::now() + (begin.elapsed() * SHARE_OF_TIME).max(Duration::from_secs(1));
    }
}

/// Says of those statements that still ran when they were last looked at that they are not complete.
pub fn mark_unfinished(activity: &Activity, rehearsal: &mut Rehearsal) {
    let running = activity.seen.running();
    let unfinished: BTreeSet<String> = running.map(|statement| without_secrets(&statement.sql)).collect();
    for step in &mut rehearsal.steps {
        step.complete &= !unfinished.contains(&step.statement);
    }
}
