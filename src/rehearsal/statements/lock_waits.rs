//! How long one session waited for locks that others held, from polls in another session.
//!
//! Pure arithmetic. A wait ends between two polls, so its end is taken to be their midpoint, which is too late as often
//! as too early. The same holds for its beginning if the server does not report it.

use std::time::Instant;

use crate::observation::WaitRecord;

/// The observed waits, oldest first.
#[derive(Debug, Default)]
pub struct LockWaits {
    waits: Vec<Wait>,
    last_look: Option<Instant>,
    is_waiting: bool,
}

/// A wait, as one poll shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenWait {
    /// What is waited for, as the server names it.
    pub what: String,
    /// The latest time at which it began, where the server reports that.
    pub since: Option<Instant>,
}

/// One wait, from the first poll that showed it to the last.
#[derive(Debug)]
struct Wait {
    /// What was waited for, as the server names it.
    what: String,
    /// The poll before, which did not show it yet.
    not_before: Instant,
    first_seen: Instant,
    last_seen: Instant,
    /// The poll after, which no longer showed it; `None` until there is one.
    not_after: Option<Instant>,
}

impl LockWaits {
    /// Adds a poll made at `now`.
    pub fn add(&mut self, now: Instant, seen: Option<SeenWait>) {
        let last_look = self.last_look.unwrap_or(now);
        let last = self.waits.last_mut().filter(|_| self.is_waiting);
        self.is_waiting = seen.is_some();
        match (last, seen) {
            (Some(last), Some(_)) => last.last_seen = now,
            (Some(last), None) => last.not_after = Some(now),
            (None, Some(seen)) => {
                self.waits.push(Wait {
                    what: seen.what,
                    not_before: seen.since.unwrap_or(last_look),
                    first_seen: seen.since.unwrap_or(now),
                    last_seen: now,
                    not_after: None,
                });
            }
            (None, None) => {}
        }
        self.last_look = Some(now);
    }

    /// Returns how long the session waited between `begin` and `end`, in seconds, and for what; earlier waits are
    /// forgotten.
    pub fn take_within(&mut self, begin: Instant, end: Instant) -> Vec<WaitRecord> {
        self.waits.retain(|wait| wait.last_seen > begin);
        let within = self.waits.iter().map(|wait| {
            let from = middle(wait.not_before.max(begin), wait.first_seen.max(begin));
            let to = match wait.not_after {
                // It may have ended together with the period asked about.
                Some(not_after) => middle(wait.last_seen, not_after.min(end)),
                None => wait.last_seen,
            };
            let seconds = to.min(end).saturating_duration_since(from).as_secs_f64();
            WaitRecord {
                waiting_for: format!("Lock: {}", wait.what),
                seconds,
            }
        });
        within.filter(|wait| wait.seconds > 0.0).collect()
    }
}

/// Returns the total seconds of `waits`.
pub fn total_seconds(waits: &[WaitRecord]) -> f64 {
    waits.iter().map(|wait| wait.seconds).sum()
}

/// Adds a wait to the known ones, with one record for each thing that is waited for.
pub fn add_wait(waits: &mut Vec<WaitRecord>, wait: WaitRecord) {
    match waits.iter_mut().find(|known| known.waiting_for == wait.waiting_for) {
        Some(known) => known.seconds += wait.seconds,
        None => waits.push(wait),
    }
}

fn middle(one: Instant, other: Instant) -> Instant {
    one + other.saturating_duration_since(one) / 2
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Polls every 200 ms from `begin`; polls `waiting.0` to `waiting.1` show a wait, and the first of them reports
    /// `told` ms.
    fn looked(begin: Instant, waiting: (u32, u32), told: Option<u64>) -> LockWaits {
        let mut waits = LockWaits::default();
        for look in 0..10 {
            let is_waiting = (waiting.0..=waiting.1).contains(&look);
            let at = begin + Duration::from_millis(200) * look;
            let seen = SeenWait {
                what: "transactionid".to_string(),
                since: told.map(|told| at - Duration::from_millis(told)),
            };
            waits.add(at, is_waiting.then_some(seen));
        }
        waits
    }

    fn check(waiting: (u32, u32), from: u64, to: u64, expected: f64) {
        check_told(waiting, None, from, to, expected);
    }

    fn check_told(waiting: (u32, u32), told: Option<u64>, from: u64, to: u64, expected: f64) {
        let begin = Instant::now();
        let at = |milliseconds| begin + Duration::from_millis(milliseconds);
        let found = looked(begin, waiting, told).take_within(at(from), at(to));
        let seconds: f64 = found.iter().map(|wait| wait.seconds).sum();
        assert!((seconds - expected).abs() < 1e-9, "{seconds} s, not {expected} s");
    }

    #[test]
    fn a_wait_lasts_from_between_two_looks_to_between_two_others() {
        // Seen from 400 to 1000 ms: from 300 to 1100.
        check((2, 5), 0, 1800, 0.8);
        // The period asked about began at 360 ms, so the wait began then at the earliest: from 380.
        check((2, 5), 360, 1800, 0.72);
        // The period ended at 1040 ms, so the wait ended then at the latest: until 1020.
        check((2, 5), 0, 1040, 0.72);
        check((2, 5), 500, 700, 0.2);
        check((2, 5), 1100, 1800, 0.0);
        check((2, 9), 0, 1900, 1.5);
        // The server says that it began at 250 ms.
        check_told((2, 5), Some(150), 0, 1800, 0.85);
        check_told((2, 5), Some(150), 260, 1800, 0.84);
    }

    #[test]
    fn waits_that_are_over_are_forgotten() {
        let begin = Instant::now();
        let mut waits = looked(begin, (2, 5), None);
        assert_eq!(
            waits.take_within(begin + Duration::from_millis(1200), begin + Duration::from_millis(1300)),
            []
        );
        assert!(waits.waits.is_empty());
    }
}
