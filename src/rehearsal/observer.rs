//! Watches the server through a second connection while the first runs the steps: checkpoints, autovacuum, lock waits.
//!
//! It only reads, five times a second for a few hundred microseconds. What it sees becomes [`Event`]s. It also shows
//! that the network works: a statement may run silently for hours, but the observer gets answers all the time. If the
//! observer gets no answer, the session of the steps is cut off and the rehearsal ends with what it has.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use postgres::error::SqlState;
use postgres::{Client, Statement};

use super::statements::lock_waits::{LockWaits, SeenWait};
use crate::error::Result;
use crate::observation::{Event, EventKind, Load, WaitRecord};
use crate::server::{Line, Staging};

/// Time between two polls.
pub const INTERVAL: Duration = Duration::from_millis(200);
/// Time between two polls while the steps wait for locks: the server is not busy with them then, and the end of the
/// wait is seen soon.
const INTERVAL_OF_WAIT: Duration = Duration::from_millis(20);

const LOCK_TIMEOUT: &str = "SET lock_timeout = '1s'";

/// A running observer; stops when dropped.
pub struct Observer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    sightings: Mutex<Vec<(Instant, EventKind)>>,
    lock_waits: Mutex<LockWaits>,
    completed_checkpoints: AtomicU64,
    load: Mutex<Option<Load>>,
    stopping: AtomicBool,
    wake: (Mutex<()>, Condvar),
}

impl Observer {
    /// Starts observing `clone` from a separate session; `worker` is the process id of the session that runs the steps.
    ///
    /// # Errors
    /// `Connection` when the session cannot be opened.
    pub fn start(clone: &Staging, version_num: u32, worker: i32) -> Result<Observer> {
        let client = clone.second_connection()?;
        let witness = Witness {
            line: clone.line().clone(),
            longest_silence: clone.longest_silence(),
            is_of_this_machine: clone.parameters().is_socket(),
        };
        let shared = Arc::new(Shared::default());
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || observe(client, &witness, version_num, worker, &shared))
        };
        Ok(Observer {
            shared,
            thread: Some(thread),
        })
    }

    /// Returns how many checkpoints have completed since the start.
    pub fn completed_checkpoints(&self) -> u64 {
        self.shared.completed_checkpoints.load(Ordering::Relaxed)
    }

    /// Returns the locks of other sessions that the steps waited for between `begin` and `end`, and for how long.
    /// Earlier waits are forgotten.
    pub fn lock_waits(&self, begin: Instant, end: Instant) -> Vec<WaitRecord> {
        lock(&self.shared.lock_waits).take_within(begin, end)
    }

    /// Returns the load beside the steps since the start; `None` before the first look.
    pub fn load(&self) -> Option<Load> {
        *lock(&self.shared.load)
    }

    /// Takes what was seen since the last call, as events of the given step, with times relative to its `begin`.
    pub fn take_events(&self, run: u32, step: u32, begin: Instant) -> Vec<Event> {
        let sightings = std::mem::take(&mut *lock(&self.shared.sightings));
        sightings
            .into_iter()
            .map(|(when, event)| Event {
                run,
                step,
                elapsed: when.saturating_duration_since(begin).as_secs_f64(),
                event,
            })
            .collect()
    }
}

/// Reports each answer to the connection that runs the steps, which otherwise has no time limit.
struct Witness {
    line: Line,
    longest_silence: Duration,
    /// Whether the server is on the machine that migtime runs on.
    is_of_this_machine: bool,
}

impl Witness {
    fn was_answered(&self) {
        self.line.is_alive_for(self.longest_silence);
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.line.has_no_witness();
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.shared.wake.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // If the observer panicked, what it saw before is kept and nothing needs to be added.
            let _ = thread.join();
        }
    }
}

/// A session that polls the server; its query is prepared once.
pub struct Lookout {
    client: Client,
    statement: Statement,
    worker: i32,
}

/// One poll of the server: running counts, and what is going on.
pub struct ObserverLook {
    checkpoints_started: i64,
    /// Changes whenever a checkpoint completes; `None` where reading the control file is not allowed.
    last_checkpoint: Option<String>,
    autovacuum: bool,
    /// What the steps wait for, if it is a lock of another session.
    wait: Option<SeenWait>,
    /// Other sessions that run a statement; `None` where the role may not see them.
    other_sessions: Option<i64>,
}

impl Lookout {
    /// Prepares the query; `worker` is the process id of the session that runs the steps.
    pub fn new(mut client: Client, version_num: u32, worker: i32) -> Result<Lookout, postgres::Error> {
        let may_read_control = "SELECT has_function_privilege('pg_catalog.pg_control_checkpoint()', 'EXECUTE')";
        let last_checkpoint = if client.query_one(may_read_control, &[])?.get(0) {
            "(SELECT checkpoint_lsn::text FROM pg_catalog.pg_control_checkpoint())"
        } else {
            "NULL::text"
        };
        let started = if version_num >= 170_000 {
            "(SELECT num_timed + num_requested FROM pg_catalog.pg_stat_checkpointer)"
        } else {
            "(SELECT checkpoints_timed + checkpoints_req FROM pg_catalog.pg_stat_bgwriter)"
        };
        let waited = if version_num >= 140_000 {
            "(SELECT extract(epoch FROM clock_timestamp() - min(waitstart))::float8 FROM pg_catalog.pg_locks \
              WHERE pid = $1 AND NOT granted)"
        } else {
            "NULL::float8"
        };
        let others = "CASE WHEN pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') THEN (SELECT count(*) \
                      FROM pg_catalog.pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend' \
                      AND application_name NOT LIKE 'migtime%') END";
        let statement = client.prepare(&format!(
            "SELECT {started}::bigint, {last_checkpoint}, \
             EXISTS (SELECT FROM pg_catalog.pg_stat_activity \
                     WHERE backend_type = 'autovacuum worker' AND datname = current_database()), \
             w.what, CASE WHEN w.what IS NOT NULL THEN {waited} END, {others} \
             FROM (SELECT CASE WHEN cardinality(pg_catalog.pg_blocking_pids($1)) > 0 THEN coalesce((SELECT wait_event \
                     FROM pg_catalog.pg_stat_activity WHERE pid = $1 \
                     AND wait_event_type = 'Lock'), 'lock') END AS what \
                   OFFSET 0) w"
        ))?;
        Ok(Lookout {
            client,
            statement,
            worker,
        })
    }

    /// Polls once.
    pub fn look(&mut self) -> Result<ObserverLook, postgres::Error> {
        let row = self.client.query_one(&self.statement, &[&self.worker])?;
        let answered = Instant::now();
        let waited: Option<f64> = row.try_get(4)?;
        Ok(ObserverLook {
            checkpoints_started: row.try_get(0)?,
            last_checkpoint: row.try_get(1)?,
            autovacuum: row.try_get(2)?,
            other_sessions: row.try_get(5)?,
            wait: row.try_get::<_, Option<String>>(3)?.map(|what| SeenWait {
                what,
                since: waited
                    .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                    .and_then(|lasted| answered.checked_sub(lasted)),
            }),
        })
    }
}

fn observe(mut client: Client, witness: &Witness, version_num: u32, worker: i32, shared: &Shared) {
    witness.was_answered();
    // A migration may lock what this query reads; the timeout shows that too.
    if client.batch_execute(LOCK_TIMEOUT).is_err() {
        return;
    }
    // Losing this connection must not end the rehearsal: the worker's own connection reports the error.
    let Ok(mut lookout) = Lookout::new(client, version_num, worker) else {
        return;
    };
    let mut previous: Option<ObserverLook> = None;
    let mut interval = INTERVAL;
    while !shared.stopping.load(Ordering::Relaxed) {
        let asked = Instant::now();
        match lookout.look() {
            Ok(look) => {
                // What a poll shows was true at some moment between question and answer; the times are chosen so that a
                // wait is never overstated.
                let (when, pause) = match look.wait {
                    Some(_) => (asked, INTERVAL_OF_WAIT),
                    None => (Instant::now(), INTERVAL),
                };
                interval = pause;
                lock(&shared.lock_waits).add(when, look.wait.clone());
                add_load(shared, &look, witness.is_of_this_machine);
                if let Some(previous) = &previous {
                    note(shared, previous, &look);
                }
                previous = Some(look);
            }
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {}
            Err(_) => return,
        }
        witness.was_answered();
        let guard = lock(&shared.wake.0);
        // Why the wait ended does not matter; the loop's condition decides.
        let _ = shared
            .wake
            .1
            .wait_timeout_while(guard, interval, |()| !shared.stopping.load(Ordering::Relaxed));
    }
}

fn add_load(shared: &Shared, look: &ObserverLook, is_of_this_machine: bool) {
    let now = Load {
        looks: 1,
        other_sessions: look.other_sessions.map(|sessions| sessions as f64),
        runnable_tasks: is_of_this_machine.then(runnable_tasks).flatten(),
    };
    let mut load = lock(&shared.load);
    *load = Some(load.map_or(now, |before| before.and(now)));
}

/// Returns how many tasks of this machine run or wait for a processor, without the one that asks; `None` where the
/// system does not tell.
fn runnable_tasks() -> Option<f64> {
    let load = std::fs::read_to_string("/proc/loadavg").ok()?;
    let running = load.split_whitespace().nth(3)?.split('/').next()?;
    Some((running.parse::<f64>().ok()? - 1.0).max(0.0))
}

fn note(shared: &Shared, previous: &ObserverLook, look: &ObserverLook) {
    let now = Instant::now();
    let started = look.checkpoints_started > previous.checkpoints_started;
    // Where the control file cannot be read, the start of the next checkpoint shows that the last one has completed.
    let completed = match (&previous.last_checkpoint, &look.last_checkpoint) {
        (Some(previous), Some(last)) => previous != last,
        _ => started,
    };
    let mut sightings = lock(&shared.sightings);
    if completed {
        shared.completed_checkpoints.fetch_add(1, Ordering::Relaxed);
        sightings.push((now, EventKind::CheckpointComplete));
    }
    if started {
        sightings.push((now, EventKind::CheckpointStart));
    }
    if look.autovacuum && !previous.autovacuum {
        sightings.push((now, EventKind::Autovacuum));
    }
    if look.wait.is_some() && previous.wait.is_none() {
        sightings.push((now, EventKind::LockWait));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
