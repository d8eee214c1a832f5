//! SIGINT and SIGTERM: the first asks for an orderly end, the second ends at once and still leaves nothing behind.
//!
//! The first only sets a flag; whoever works in a loop asks [`interrupted`] and winds up. The second is for a program that
//! does not wind up: the thread that waits for signals stops the throwaway servers and drops the sandboxes itself, each
//! by the action that was registered when it was made, and then exits with 128 + the signal's number. SIGHUP is not
//! caught, so that `nohup` keeps its meaning.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::{Error, ErrorKind, Result};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static ENDING: AtomicBool = AtomicBool::new(false);
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);
static ACTIONS: Mutex<BTreeMap<u64, Action>> = Mutex::new(BTreeMap::new());

type Action = Box<dyn FnOnce() + Send>;

/// Starts to catch SIGINT and SIGTERM; the program calls it once, before it starts anything.
///
/// # Errors
/// `Usage` when the system refuses.
pub fn catch_signals() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])
        .map_err(|error| Error::new(ErrorKind::Usage, format!("cannot catch signals: {error}")))?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if INTERRUPTED.swap(true, Ordering::SeqCst) {
                exit_at_once(signal);
            }
        }
    });
    Ok(())
}

/// Tells whether the person has asked for an end.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Ends what cannot go on once the person has asked for an end.
///
/// # Errors
/// `Interrupted` then.
pub fn refuse_if_interrupted() -> Result<()> {
    match interrupted() {
        true => Err(nothing_measured()),
        false => Ok(()),
    }
}

/// Returns the error of a run that was ended too early to know anything.
pub fn nothing_measured() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted before anything was measured")
}

/// Keeps an action registered that is run when the program is forced to end; dropping it takes the action back.
pub struct AtForcedExit(u64);

impl AtForcedExit {
    /// Registers `action`, which must not wait for the rest of the program.
    pub fn register(action: impl FnOnce() + Send + 'static) -> AtForcedExit {
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        actions().insert(number, Box::new(action));
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
    let registered = std::mem::take(&mut *actions());
    // The newest first: a sandbox goes before the server it lives on.
    for action in registered.into_values().rev() {
        action();
    }
    std::process::exit(128 + signal)
}

fn actions() -> MutexGuard<'static, BTreeMap<u64, Action>> {
    ACTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}
