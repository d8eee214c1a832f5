//! Reconstructs from polls of another program's sessions which statements it ran, when, and what they locked.
//!
//! Pure; times are seconds on the server's clock. A session still shows its last statement after that has ended, with
//! its exact start and end. If several statements run between two polls, only the last is seen.

use std::collections::BTreeMap;

use crate::rehearsal::statements::relations::RelationLock;

/// A session of the program, as one poll shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionLook {
    /// The process id of its backend.
    pub process: i32,
    /// The statement that is running, or ran last.
    pub sql: String,
    /// When that statement began.
    pub begin: f64,
    /// When it ended; `None` while it runs.
    pub end: Option<f64>,
    /// Locks the session holds now.
    pub locks: Vec<RelationLock>,
}

/// A statement that was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenStatement {
    /// The text, truncated where the server truncates it (`track_activity_query_size`).
    pub sql: String,
    /// When it began.
    pub begin: f64,
    /// When it ended, or was last seen running.
    pub end: f64,
    /// Whether `end` is the server's exact time and not the time of a poll.
    pub end_is_exact: bool,
    /// WAL inserted on the server while this statement ran, in bytes.
    pub wal_bytes: u64,
    /// Locks taken while it ran, each with the longest time until a poll no longer showed it, in seconds.
    pub locks: BTreeMap<RelationLock, f64>,
}

/// The statements seen so far.
#[derive(Clone, Debug, Default)]
pub struct SeenStatements {
    /// In the order in which they were first seen.
    pub statements: Vec<SeenStatement>,
    /// Longest time between two polls, in seconds.
    pub longest_gap: f64,
    /// The index of each session's last statement, by process id.
    last: BTreeMap<i32, usize>,
    /// For each lock held now, when it was first seen and during which statement.
    held: BTreeMap<(i32, RelationLock), (f64, usize)>,
    last_look: Option<(f64, u64)>,
    /// The time of the last poll before the program was told to end.
    cut_off_at: Option<f64>,
}

impl SeenStatements {
    /// Adds a poll made at `now`, when the server had inserted WAL up to `wal_position`; returns whether it showed
    /// anything new.
    pub fn add(&mut self, now: f64, wal_position: u64, sessions: &[SessionLook]) -> bool {
        let (last_at, last_position) = self.last_look.unwrap_or((now, wal_position));
        self.longest_gap = self.longest_gap.max(now - last_at);
        self.last_look = Some((now, wal_position));
        let mut is_news = false;
        let mut writer = None;
        for session in sessions {
            let index = match self.last.get(&session.process) {
                Some(index) if self.statements[*index].begin == session.begin => *index,
                _ => {
                    is_news = true;
                    self.begin(session)
                }
            };
            let statement = &mut self.statements[index];
            statement.end = session.end.unwrap_or(now).max(statement.begin);
            statement.end_is_exact = session.end.is_some();
            if session.end.is_none_or(|end| end > last_at) {
                writer.get_or_insert(index);
            }
            self.note_locks(now, session, index);
        }
        let is_held = |process: i32, lock: &RelationLock| {
            let mut sessions = sessions.iter();
            sessions.any(|session| session.process == process && session.locks.contains(lock))
        };
        for ((process, lock), (since, taken_by)) in &self.held {
            // A lock that has disappeared was released at some time since the last poll.
            if !is_held(*process, lock) {
                let held = self.statements[*taken_by].locks.entry(lock.clone()).or_default();
                *held = held.max(now - since);
            }
        }
        self.held.retain(|(process, lock), _| is_held(*process, lock));
        if let Some(index) = writer {
            self.statements[index].wal_bytes += wal_position.saturating_sub(last_position);
        }
        is_news
    }

    /// Returns the statements that were still running in the last poll.
    pub fn running(&self) -> impl Iterator<Item = &SeenStatement> {
        let last_at = self.last_look.map_or(0.0, |(at, _)| at);
        let statements = self.statements.iter();
        statements.filter(move |statement| !statement.end_is_exact && statement.end >= last_at)
    }

    /// Records that the program was told to end after the last poll; only the first call counts.
    pub fn cut_off(&mut self) {
        let last_at = self.last_look.map_or(0.0, |(at, _)| at);
        self.cut_off_at.get_or_insert(last_at);
    }

    /// Returns whether a statement may have been cut off: it was still running when the program was told to end.
    pub fn is_cut_off(&self, statement: &SeenStatement) -> bool {
        self.cut_off_at.is_some_and(|cut_off_at| statement.end >= cut_off_at)
    }

    fn begin(&mut self, session: &SessionLook) -> usize {
        self.statements.push(SeenStatement {
            sql: session.sql.clone(),
            begin: session.begin,
            end: session.begin,
            end_is_exact: false,
            wal_bytes: 0,
            locks: BTreeMap::new(),
        });
        let index = self.statements.len() - 1;
        self.last.insert(session.process, index);
        index
    }

    fn note_locks(&mut self, now: f64, session: &SessionLook, index: usize) {
        for lock in &session.locks {
            let key = (session.process, lock.clone());
            let (since, taken_by) = *self.held.entry(key).or_insert((now, index));
            let held = self.statements[taken_by].locks.entry(lock.clone()).or_default();
            *held = held.max(now - since);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(sql: &str, begin: f64, end: Option<f64>, locked: &[u32]) -> SessionLook {
        SessionLook {
            process: 7,
            sql: sql.to_string(),
            begin,
            end,
            locks: locked
                .iter()
                .map(|oid| (*oid, "AccessExclusiveLock".to_string()))
                .collect(),
        }
    }

    #[test]
    fn a_lock_is_of_the_statement_that_took_it_until_the_transaction_ends() {
        let mut seen = SeenStatements::default();
        seen.add(10.0, 0, &[]);
        assert!(seen.add(10.5, 100, &[session("ALTER", 10.2, None, &[1])]));
        assert!(!seen.add(11.0, 300, &[session("ALTER", 10.2, None, &[1])]));
        assert_eq!(seen.running().count(), 1);
        assert!(seen.add(11.5, 310, &[session("UPDATE", 11.25, Some(11.375), &[1])]));
        assert!(seen.add(13.0, 320, &[session("COMMIT", 12.5, Some(12.75), &[])]));
        assert_eq!(seen.running().count(), 0);
        let statements = &seen.statements;
        assert_eq!(
            statements.iter().map(|seen| seen.sql.as_str()).collect::<Vec<_>>(),
            ["ALTER", "UPDATE", "COMMIT"]
        );
        assert_eq!(
            statements.iter().map(|seen| seen.wal_bytes).collect::<Vec<_>>(),
            [300, 10, 10]
        );
        assert_eq!((statements[0].end, statements[0].end_is_exact), (11.0, false));
        assert_eq!((statements[1].end, statements[1].end_is_exact), (11.375, true));
        let held: Vec<f64> = statements[0].locks.values().copied().collect();
        assert_eq!(held, [2.5]);
        assert!(statements[1].locks.is_empty());
        assert_eq!(seen.longest_gap, 1.5);
    }
}
