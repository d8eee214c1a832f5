//! SIGINT, SIGTERM and SIGHUP: the first asks for an orderly end, the second ends within seconds and leaves nothing behind.
//!
//! The first only makes the request that is [`interruption`]; whoever works for long has it and winds up. The second is for a program that
//! does not wind up: the thread that waits for signals cancels what runs, stops the throwaway servers and drops the
//! sandboxes itself, each by the action that was registered when it was made, and then exits with 128 + the signal's
//! number. An action may hang on a network that stands still, so each has a thread of its own, all of them together have
//! 5 s, and what is not done by then is named. SIGTERM and SIGHUP do the same at once in a command that has nothing to
//! wind up.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::interruption::Interruption;
use crate::error::{Error, ErrorKind, Result};

/// Longest that a forced end takes.
const LONGEST_END: Duration = Duration::from_secs(5);
/// How long one action may keep the next waiting; it goes on beside it.
const PATIENCE: Duration = Duration::from_secs(2);

static INTERRUPTION: LazyLock<Interruption> = LazyLock::new(Interruption::new);
static ENDING: AtomicBool = AtomicBool::new(false);
static NOTHING_TO_WIND_UP: AtomicBool = AtomicBool::new(false);
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);
static ACTIONS: Mutex<BTreeMap<u64, Action>> = Mutex::new(BTreeMap::new());

/// What a forced end does, and what is left behind where that does not come about.
struct Action {
    leftover: String,
    run: Box<dyn FnOnce() + Send>,
}

/// Lets SIGTERM and SIGHUP end the program at once: it has nothing to wind up.
pub fn end_at_once_when_terminated() {
    NOTHING_TO_WIND_UP.store(true, Ordering::SeqCst);
}

/// Starts to catch SIGINT, SIGTERM and SIGHUP; the program calls it once, before it starts anything.
///
/// # Errors
/// `Usage` when the system refuses.
pub fn catch_signals() -> Result<()> {
    let caught = if is_hangup_ignored() {
        vec![SIGINT, SIGTERM]
    } else {
        vec![SIGINT, SIGTERM, SIGHUP]
    };
    let mut signals =
        Signals::new(caught).map_err(|error| Error::new(ErrorKind::Usage, format!("cannot catch signals: {error}")))?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let at_once = signal != SIGINT && NOTHING_TO_WIND_UP.load(Ordering::SeqCst);
            if INTERRUPTION.ask() || at_once {
                exit_at_once(signal);
            }
        }
    });
    Ok(())
}

/// Tells whether SIGHUP was ignored when the program started, as `nohup` does it; such a one stays ignored.
///
/// Only Linux tells, in a file. Elsewhere it is taken for ignored and left as it is: a hangup then ends the program in the
/// system's own way, and `nohup` keeps its meaning.
fn is_hangup_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return true;
    };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_none_or(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}

/// Returns the request that the first signal makes; whoever connects passes it on.
pub fn interruption() -> Interruption {
    INTERRUPTION.clone()
}

/// Keeps an action registered that is run when the program is forced to end; dropping it takes the action back.
pub struct AtForcedExit(u64);

impl AtForcedExit {
    /// Registers `action`, which must not wait for the rest of the program; `leftover` says what is left behind, and what
    /// becomes of it, where there is no time for it.
    pub fn register(leftover: impl Into<String>, action: impl FnOnce() + Send + 'static) -> AtForcedExit {
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        let (leftover, run) = (leftover.into(), Box::new(action));
        actions().insert(number, Action { leftover, run });
        AtForcedExit(number)
    }
}

impl Drop for AtForcedExit {
    fn drop(&mut self) {
        actions().remove(&self.0);
    }
}

/// Lets a forced end have its way, if one has begun: what then fails, fails because of it, and is not to be reported.
pub fn give_way_to_forced_exit() {
    while ENDING.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

fn exit_at_once(signal: i32) -> ! {
    ENDING.store(true, Ordering::SeqCst);
    let deadline = Instant::now() + LONGEST_END;
    let registered = std::mem::take(&mut *actions());
    // The newest first: a sandbox goes before the server it lives on.
    let begun: Vec<(String, Receiver<()>)> = registered.into_values().rev().map(begin).collect();
    for (leftover, done) in begun {
        let left = deadline.saturating_duration_since(Instant::now());
        if done.recv_timeout(left).is_err() {
            // Whether anybody reads it changes nothing any more.
            let _ = writeln!(std::io::stderr(), "warning: left behind: {leftover}");
        }
    }
    std::process::exit(128 + signal)
}

/// Begins an action and gives it a moment; returns what becomes of it.
fn begin(action: Action) -> (String, Receiver<()>) {
    let (sender, done) = mpsc::channel();
    let (again, soon) = mpsc::channel();
    std::thread::spawn(move || {
        (action.run)();
        // Both may have been given up by now.
        let _ = again.send(());
        let _ = sender.send(());
    });
    let _ = soon.recv_timeout(PATIENCE);
    (action.leftover, done)
}

fn actions() -> MutexGuard<'static, BTreeMap<u64, Action>> {
    ACTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}
