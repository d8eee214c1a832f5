//! Cancels the running statement when the person interrupts: a batch may finish, but a six-hour index build must not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use postgres::CancelToken;

use super::{ConnectionParameters, Line};

const INTERVAL: Duration = Duration::from_millis(100);
/// How long a look-up may continue after its cancel request.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// While this value lives, cancels the running statement once `is_interrupted` returns true.
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
    /// Starts to watch the statement that is about to run in the session of `token`.
    pub fn watch(parameters: &ConnectionParameters, token: CancelToken, is_interrupted: fn() -> bool) -> Self {
        Self::start(parameters, token, is_interrupted, None)
    }

    /// Starts to watch a look-up. If the server does not end it, its `line` is cut, which loses nothing.
    pub(super) fn watch_look_up(
        parameters: &ConnectionParameters,
        token: CancelToken,
        is_interrupted: fn() -> bool,
        line: &Line,
    ) -> Self {
        Self::start(parameters, token, is_interrupted, Some(line.clone()))
    }

    fn start(
        parameters: &ConnectionParameters,
        token: CancelToken,
        is_interrupted: fn() -> bool,
        line: Option<Line>,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let thread = {
            let shared = Arc::clone(&shared);
            let parameters = parameters.clone();
            std::thread::spawn(move || {
                if !shared.wait_for_interrupt(is_interrupted) {
                    return;
                }
                shared.cancelled.store(true, Ordering::Relaxed);
                // If the cancel request fails too, the statement continues; a second interrupt ends the program.
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

    /// Waits until the statement ends or the person interrupts; returns whether it was an interrupt.
    fn wait_for_interrupt(&self, is_interrupted: fn() -> bool) -> bool {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if *over {
                return false;
            }
            if is_interrupted() {
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
