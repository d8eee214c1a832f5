//! Handles SIGINT, SIGTERM and SIGHUP: the first asks for an orderly end, the second ends within seconds and leaves
//! nothing behind.
//!
//! The first signal only sets a flag, which loops check through [`interrupted`] in order to stop. The second is for a
//! program that does not stop: the signal thread itself cancels what runs, stops the throwaway servers and drops the
//! sandboxes, and then exits with 128 + the signal's number. Each of these actions was registered when its object was
//! created. An action may hang on a stalled network, so each runs in its own thread. Together they have 5 s, and
//! unfinished ones are named. SIGTERM and SIGHUP do all this at once in a command that needs no orderly end.

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

/// Longest time for a forced end.
const LONGEST_END: Duration = Duration::from_secs(5);
/// How long one action may delay the next; it continues in parallel after that.
const PATIENCE: Duration = Duration::from_secs(2);

static INTERRUPTION: LazyLock<Interruption> = LazyLock::new(Interruption::new);
static ENDING: AtomicBool = AtomicBool::new(false);
static NOTHING_TO_WIND_UP: AtomicBool = AtomicBool::new(false);
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);
static ACTIONS: Mutex<BTreeMap<u64, Action>> = Mutex::new(BTreeMap::new());

/// An action for a forced end, and what is left behind if it does not finish.
struct Action {
    leftover: String,
    run: Box<dyn FnOnce() + Send>,
}

/// Makes SIGTERM and SIGHUP end the program at once, because it needs no orderly end.
pub fn end_at_once_when_terminated() {
    NOTHING_TO_WIND_UP.store(true, Ordering::SeqCst);
}

/// Starts to catch SIGINT, SIGTERM and SIGHUP; called once, before the program starts anything.
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

/// Returns whether SIGHUP was ignored when the program started, as with `nohup`; it then stays ignored.
///
/// Only Linux reports this, in a file. On other systems it is assumed to be ignored and left unchanged: a hangup then
/// has the system's default effect, and `nohup` keeps working.
fn is_hangup_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return true;
    };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_none_or(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}

/// Returns whether the person has asked for an end.
pub fn interruption() -> Interruption {
    INTERRUPTION.clone()
}

/// Keeps registered an action for a forced end; dropping this value removes it.
pub struct AtForcedExit(u64);

impl AtForcedExit {
    /// Registers `action`, which must not wait for the rest of the program; `leftover` says what is left behind, and
    /// what becomes of it, if there is no time for the action.
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

/// Waits for ever if a forced end has begun: errors from then on are caused by it and must not be reported.
pub fn give_way_to_forced_exit() {
    while ENDING.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

fn exit_at_once(signal: i32) -> ! {
    ENDING.store(true, Ordering::SeqCst);
    let deadline = Instant::now() + LONGEST_END;
    let registered = std::mem::take(&mut *actions());
    // Newest first: a sandbox must go before the server on which it lives.
    let begun: Vec<(String, Receiver<()>)> = registered.into_values().rev().map(begin).collect();
    for (leftover, done) in begun {
        let left = deadline.saturating_duration_since(Instant::now());
        if done.recv_timeout(left).is_err() {
            // Nothing can be done if stderr is closed.
            let _ = writeln!(std::io::stderr(), "warning: left behind: {leftover}");
        }
    }
    std::process::exit(128 + signal)
}

/// Starts an action, gives it a moment, and returns a channel that says when it is done.
fn begin(action: Action) -> (String, Receiver<()>) {
    let (sender, done) = mpsc::channel();
    let (again, soon) = mpsc::channel();
    std::thread::spawn(move || {
        (action.run)();
        // Both receivers may be gone by now.
        let _ = again.send(());
        let _ = sender.send(());
    });
    let _ = soon.recv_timeout(PATIENCE);
    (action.leftover, done)
}

fn actions() -> MutexGuard<'static, BTreeMap<u64, Action>> {
    ACTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}
