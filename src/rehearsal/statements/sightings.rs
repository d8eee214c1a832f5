//! Sums up polls of one statement: how long it held each lock, and how long it waited for what.
//!
//! Pure arithmetic; times are seconds since the statement was sent. What one poll shows is assumed to last until the
//! next. So each end of a duration may be off by the longest time between two polls, which is stored with it.

use std::collections::{BTreeMap, BTreeSet};

use super::relations::RelationLock;
use crate::observation::WaitRecord;

/// What one poll showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Locks that are held.
    pub locks: BTreeSet<RelationLock>,
    /// What the statement waits for, if anything.
    pub waiting_for: Option<String>,
}

/// The sum of the polls so far.
#[derive(Clone, Debug, Default)]
pub struct Sightings {
    last: Look,
    last_at: f64,
    /// When each currently held lock was first seen.
    held_since: BTreeMap<RelationLock, f64>,
    /// The longest time each lock was held without a break.
    longest_held: BTreeMap<RelationLock, f64>,
    waits: BTreeMap<String, f64>,
    waiting_since: f64,
    longest_gap: f64,
}

impl Sightings {
    /// Adds a poll made at `now`.
    pub fn add(&mut self, now: f64, look: Look) {
        self.pass(now);
        if look.waiting_for != self.last.waiting_for {
            self.waiting_since = now;
        }
        for lock in &look.locks {
            let since = *self.held_since.entry(lock.clone()).or_insert(now);
            let longest = self.longest_held.entry(lock.clone()).or_default();
            *longest = longest.max(now - since);
        }
        self.held_since.retain(|lock, _| look.locks.contains(lock));
        self.last = look;
    }

    /// Ends the observation: the statement ended at `now`, and so did whatever the last poll showed.
    pub fn end(&mut self, now: f64) {
        self.pass(now);
        self.last = Look::default();
        self.held_since.clear();
    }

    /// Returns what the statement waits for and for how many seconds so far, as of the last poll.
    pub fn waiting(&self) -> Option<(&str, f64)> {
        let what = self.last.waiting_for.as_deref()?;
        Some((what, self.last_at - self.waiting_since))
    }

    /// Returns each lock with the longest time it was held without a break, in seconds.
    pub fn locks(&self) -> &BTreeMap<RelationLock, f64> {
        &self.longest_held
    }

    /// Returns the waits, longest first.
    pub fn waits(&self) -> Vec<WaitRecord> {
        let wait = |(waiting_for, seconds): (&String, &f64)| WaitRecord {
            waiting_for: waiting_for.clone(),
            seconds: *seconds,
        };
        let mut waits: Vec<WaitRecord> = self.waits.iter().map(wait).collect();
        waits.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
        waits
    }

    /// Returns the longest time between two polls, in seconds, counting the statement's beginning and end as polls.
    pub fn longest_gap(&self) -> f64 {
        self.longest_gap
    }

    /// Adds the time since the last poll to whatever that poll showed.
    fn pass(&mut self, now: f64) {
        let gap = now - self.last_at;
        self.longest_gap = self.longest_gap.max(gap);
        if let Some(what) = &self.last.waiting_for {
            *self.waits.entry(what.clone()).or_default() += gap;
        }
        for (lock, since) in &self.held_since {
            let longest = self.longest_held.entry(lock.clone()).or_default();
            *longest = longest.max(now - since);
        }
        self.last_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(oid: u32) -> RelationLock {
        (oid, "ShareUpdateExclusiveLock".to_string())
    }

    fn look(locks: &[u32], waiting_for: Option<&str>) -> Look {
        Look {
            locks: locks.iter().map(|oid| lock(*oid)).collect(),
            waiting_for: waiting_for.map(str::to_string),
        }
    }

    #[test]
    fn what_is_seen_counts_until_the_next_look() {
        let mut sightings = Sightings::default();
        sightings.add(0.5, look(&[1], None));
        sightings.add(1.0, look(&[1, 2], Some("old snapshots")));
        sightings.add(3.0, look(&[1], Some("old snapshots")));
        assert_eq!(sightings.waiting(), Some(("old snapshots", 2.0)));
        sightings.add(3.5, look(&[1], None));
        sightings.add(4.0, look(&[1, 2], Some("writers")));
        sightings.end(4.25);
        assert_eq!(sightings.locks()[&lock(1)], 3.75);
        assert_eq!(sightings.locks()[&lock(2)], 2.0, "its longer hold, not both");
        let waits: Vec<_> = sightings
            .waits()
            .into_iter()
            .map(|wait| (wait.waiting_for, wait.seconds))
            .collect();
        assert_eq!(
            waits,
            [("old snapshots".to_string(), 2.5), ("writers".to_string(), 0.25)]
        );
        assert_eq!(sightings.longest_gap(), 2.0);
        assert_eq!(sightings.waiting(), None);
    }

    #[test]
    fn another_wait_begins_anew() {
        let mut sightings = Sightings::default();
        sightings.add(1.0, look(&[], Some("writers")));
        sightings.add(2.0, look(&[], Some("old snapshots")));
        sightings.add(2.5, look(&[], Some("old snapshots")));
        assert_eq!(sightings.waiting(), Some(("old snapshots", 0.5)));
    }

    #[test]
    fn a_statement_that_was_over_before_a_look_showed_nothing() {
        let mut sightings = Sightings::default();
        sightings.end(0.25);
        assert!(sightings.locks().is_empty() && sightings.waits().is_empty());
        assert_eq!(sightings.longest_gap(), 0.25);
    }
}
