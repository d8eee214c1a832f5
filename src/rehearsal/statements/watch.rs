//! Watches the running statement from a second connection in its own thread: sums up its locks and waits, reports its
//! progress, and cancels it when it has waited for others too long.
//!
//! A poll takes the server about 0.5 ms (pgbench, PostgreSQL 15, on a busy machine). The first poll is made at once.
//! The time between two polls is a hundredth of the statement's time so far, but at least 2 ms and at most 100 ms. So
//! durations of short statements are exact to milliseconds, and from 5 s on polling uses at most a hundredth of one
//! core.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use postgres::CancelToken;

use super::session_view::{SessionView, StatementProgress};
use super::sightings::Sightings;
use crate::server::ConnectionParameters;

/// Receives a statement's progress; called from another thread.
pub type ProgressListener = Box<dyn Fn(&StatementProgress) + Send>;

/// How long a statement runs before its progress is reported.
const TOLD_AFTER: Duration = Duration::from_secs(2);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(2);
const LONGEST_INTERVAL: Duration = Duration::from_millis(100);
/// Time between two polls that only read the progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// The limit on a statement's waits where the server's own `lock_timeout` must not apply.
pub struct WaitLimit {
    /// Longest wait for one thing, in seconds.
    pub seconds: f64,
    /// How to reach the server.
    pub parameters: ConnectionParameters,
    /// Identifies the session whose statement is cancelled.
    pub token: CancelToken,
}

/// What a watch has seen.
#[derive(Default)]
pub struct Watched {
    /// Locks and waits; empty if only the progress is watched.
    pub sightings: Sightings,
    /// What it waited for too long, if it was cancelled for that reason.
    pub waited_too_long: Option<String>,
    /// The session that polled; `None` when its connection was lost.
    pub view: Option<SessionView>,
}

/// A running watch.
pub struct StatementWatch {
    shared: Arc<Shared>,
    thread: JoinHandle<Watched>,
    begin: Instant,
}

#[derive(Default)]
struct Shared {
    over: Mutex<bool>,
    wake: Condvar,
}

impl StatementWatch {
    /// Watches everything about a statement that is about to be sent.
    pub fn closely(view: SessionView, listener: ProgressListener, limit: WaitLimit) -> StatementWatch {
        StatementWatch::start(view, listener, Some(limit))
    }

    /// Watches only the progress of a statement that is about to be sent, once it has run for a while.
    pub fn progress(view: SessionView, listener: ProgressListener) -> StatementWatch {
        StatementWatch::start(view, listener, None)
    }

    fn start(view: SessionView, listener: ProgressListener, limit: Option<WaitLimit>) -> StatementWatch {
        let shared = Arc::new(Shared::default());
        let begin = Instant::now();
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || watch(&shared, begin, view, &listener, limit.as_ref()))
        };
        StatementWatch { shared, thread, begin }
    }

    /// Ends the watch over a statement that has ended.
    pub fn end(self) -> Watched {
        let elapsed = self.begin.elapsed().as_secs_f64();
        *self.shared.over() = true;
        self.shared.wake.notify_all();
        // If the watcher panicked, nothing was seen of the statement.
        let mut watched = self.thread.join().unwrap_or_default();
        watched.sightings.end(elapsed);
        watched
    }
}

fn watch(
    shared: &Shared,
    begin: Instant,
    mut view: SessionView,
    listener: &ProgressListener,
    limit: Option<&WaitLimit>,
) -> Watched {
    let mut watched = Watched::default();
    let mut pause = if limit.is_some() { Duration::ZERO } else { TOLD_AFTER };
    while !shared.is_over_within(pause) {
        // Losing this connection must not end the rehearsal: the worker's own connection reports the error.
        let Ok((look, progress)) = view.look() else {
            return watched;
        };
        let elapsed = begin.elapsed();
        if let Some(progress) = progress.filter(|_| elapsed >= TOLD_AFTER) {
            listener(&progress);
        }
        pause = PROGRESS_INTERVAL;
        if let Some(limit) = limit {
            // A poll that began in time may end after the statement; its result no longer describes the statement.
            if *shared.over() {
                break;
            }
            watched.sightings.add(elapsed.as_secs_f64(), look);
            watched.end_long_wait(limit);
            pause = (elapsed / 100).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
        }
    }
    watched.view = Some(view);
    watched
}

impl Watched {
    fn end_long_wait(&mut self, limit: &WaitLimit) {
        let waited = self
            .sightings
            .waiting()
            .filter(|(_, seconds)| *seconds >= limit.seconds);
        let Some((what, _)) = waited.filter(|_| self.waited_too_long.is_none()) else {
            return;
        };
        let what = what.to_string();
        // If the cancel request fails, it is repeated after the next poll.
        if limit.parameters.cancel(&limit.token).is_ok() {
            self.waited_too_long = Some(what);
        }
    }
}

impl Shared {
    fn over(&self) -> MutexGuard<'_, bool> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `pause` or until the statement has ended; returns whether it has.
    fn is_over_within(&self, pause: Duration) -> bool {
        let waited = self.wake.wait_timeout_while(self.over(), pause, |over| !*over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
