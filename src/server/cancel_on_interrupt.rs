//! Cancels a statement that runs when the person interrupts; a batch is left to finish, a six-hour index build is not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use postgres::CancelToken;

use super::interruption::Interruption;
use super::line::Line;
use super::parameters::ConnectionParameters;

const INTERVAL: Duration = Duration::from_millis(100);
/// How long a look-up may go on after the request to cancel it.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Cancels the statement that runs while this value lives, once an interruption of its connection is asked for.
pub struct CancelOnInterrupt {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    over: Mutex<bool>,
    wake: Condvar,
    cancelled: AtomicBool,
}

impl CancelOnInterrupt {
    /// Starts to watch over the statement that is about to run in the session of `token`.
    pub fn watch(parameters: &ConnectionParameters, token: CancelToken) -> Self {
        Self::start(parameters, token, None)
    }

    /// Starts to watch over a look-up, whose `line` is cut where the server does not end it: nothing is lost with it.
    pub(super) fn watch_look_up(parameters: &ConnectionParameters, token: CancelToken, line: &Line) -> Self {
        Self::start(parameters, token, Some(line.clone()))
    }

    fn start(parameters: &ConnectionParameters, token: CancelToken, line: Option<Line>) -> Self {
        let shared = Arc::new(Shared::default());
        let thread = {
            let shared = Arc::clone(&shared);
            let parameters = parameters.clone();
            std::thread::spawn(move || {
                if !shared.wait_for_interrupt(parameters.interruption()) {
                    return;
                }
                shared.cancelled.store(true, Ordering::Relaxed);
                // When even the request to cancel fails the statement goes on; a second interrupt ends the program.
                let _ = parameters.cancel(&token);
                if let Some(line) = line
                    && !shared.is_over_within(LAST_WORDS)
                {
                    line.cut();
                }
            })
        };
        CancelOnInterrupt {
            shared,
            thread: Some(thread),
        }
    }

    /// Ends the watch and returns whether the statement was cancelled.
    pub fn end(mut self) -> bool {
        self.stop();
        self.shared.cancelled.load(Ordering::Relaxed)
    }

    fn stop(&mut self) {
        *self.shared.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic in the watcher leaves nothing to clean up.
            let _ = thread.join();
        }
    }
}

impl Drop for CancelOnInterrupt {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn is_over_within(&self, limit: Duration) -> bool {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.wake.wait_timeout_while(over, limit, |over| !*over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Waits until the statement is over or the person interrupts; returns whether it was the latter.
    fn wait_for_interrupt(&self, interruption: &Interruption) -> bool {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if *over {
                return false;
            }
            if interruption.is_asked() {
                return true;
            }
            over = self
                .wake
                .wait_timeout(over, INTERVAL)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}
