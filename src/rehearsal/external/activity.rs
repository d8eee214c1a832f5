//! Watches what another program does on a database, from a separate session, until told to stop.
//!
//! It polls every 5 ms while statements come and go, and less often, down to every 20 ms, while one statement keeps
//! running. A poll takes the server about 0.5 ms, so polling uses at most a tenth of one core. Sessions that existed
//! before are not the program's. On a shared database, sessions that others open meanwhile cannot be told apart from
//! the program's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use postgres::{Client, Statement};

use super::seen_statements::{SeenStatements, SessionLook};
use crate::rehearsal::statements::relations::RelationNames;
use crate::server::Interruption;

const SHORTEST_INTERVAL: Duration = Duration::from_millis(5);
const LONGEST_INTERVAL: Duration = Duration::from_millis(20);

/// Times are server times in seconds since the start of the watch, so that they keep their fractional digits.
const LOOK: &str = "
SELECT a.pid, a.query, extract(epoch FROM a.query_start - $1::timestamptz)::float8,
       CASE WHEN a.state <> 'active' THEN extract(epoch \
       FROM a.state_change - $1::timestamptz)::float8 END, l.relation, l.mode
FROM pg_catalog.pg_stat_activity a
LEFT JOIN pg_catalog.pg_locks l ON l.pid = a.pid AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384
     AND l.database = a.datid
WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_catalog.pg_backend_pid()
AND a.application_name <> 'migtime' AND a.backend_start >= $1::timestamptz AND a.query <> '' \
AND a.query_start IS NOT NULL";

const CLOCK: &str = "
SELECT extract(epoch FROM pg_catalog.clock_timestamp() - $1::timestamptz)::float8, \
(pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint";

/// What was seen of the program.
pub struct Activity {
    /// Its statements.
    pub seen: SeenStatements,
    /// The relations before it and after it.
    pub relations: (RelationNames, RelationNames),
}

/// A running watch.
pub struct ActivityWatch {
    stopping: Arc<AtomicBool>,
    before: RelationNames,
    seen: Arc<Mutex<SeenStatements>>,
    thread: JoinHandle<Result<RelationNames, postgres::Error>>,
}

struct Lookout {
    client: Client,
    look: Statement,
    clock: Statement,
    since: std::time::SystemTime,
}

impl ActivityWatch {
    /// Starts to watch on `client`, before the program starts; what runs when `interruption` is asked for was cut off.
    pub fn start(mut client: Client, interruption: &Interruption) -> Result<ActivityWatch, postgres::Error> {
        let before = RelationNames::read(&mut client)?;
        let mut lookout = Lookout::new(client)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(SeenStatements::default()));
        let thread = {
            let (stopping, seen, interruption) = (Arc::clone(&stopping), Arc::clone(&seen), interruption.clone());
            std::thread::spawn(move || lookout.watch(&seen, &stopping, &interruption))
        };
        Ok(ActivityWatch {
            stopping,
            before,
            seen,
            thread,
        })
    }

    /// Returns what was seen so far; changes to the relations are not known yet.
    pub fn so_far(&self) -> Activity {
        // Copied, so that the watch can continue while the copy is recorded.
        let seen = locked(&self.seen).clone();
        Activity {
            seen,
            relations: (self.before.clone(), self.before.clone()),
        }
    }

    /// Ends the watch and returns what was seen. The second value is `Err` if the watch broke off early, with the
    /// server's error if there was one.
    pub fn end(self) -> (Activity, Result<(), Option<postgres::Error>>) {
        self.stopping.store(true, Ordering::Relaxed);
        let (after, outcome) = match self.thread.join() {
            Ok(Ok(after)) => (after, Ok(())),
            Ok(Err(error)) => (self.before.clone(), Err(Some(error))),
            Err(_) => (self.before.clone(), Err(None)),
        };
        let activity = Activity {
            seen: std::mem::take(&mut *locked(&self.seen)),
            relations: (self.before, after),
        };
        (activity, outcome)
    }
}

fn locked(seen: &Mutex<SeenStatements>) -> MutexGuard<'_, SeenStatements> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lookout {
    fn new(mut client: Client) -> Result<Lookout, postgres::Error> {
        let since = client.query_one("SELECT pg_catalog.clock_timestamp()", &[])?.get(0);
        Ok(Lookout {
            look: client.prepare(LOOK)?,
            clock: client.prepare(CLOCK)?,
            client,
            since,
        })
    }

    /// Polls until told to stop, and then returns the relations at that moment.
    fn watch(
        &mut self,
        seen: &Mutex<SeenStatements>,
        stopping: &AtomicBool,
        interruption: &Interruption,
    ) -> Result<RelationNames, postgres::Error> {
        let mut interval = SHORTEST_INTERVAL;
        loop {
            let is_last = stopping.load(Ordering::Relaxed);
            if interruption.is_asked() {
                locked(seen).cut_off();
            }
            let sessions = self.look()?;
            let (now, position) = self.clock()?;
            let is_news = locked(seen).add(now, position, &sessions);
            if is_last {
                return RelationNames::read(&mut self.client);
            }
            interval = if is_news {
                SHORTEST_INTERVAL
            } else {
                (interval * 2).min(LONGEST_INTERVAL)
            };
            std::thread::sleep(interval);
        }
    }

    fn clock(&mut self) -> Result<(f64, u64), postgres::Error> {
        let row = self.client.query_one(&self.clock, &[&self.since])?;
        Ok((row.try_get(0)?, row.try_get::<_, i64>(1)? as u64))
    }

    fn look(&mut self) -> Result<Vec<SessionLook>, postgres::Error> {
        let mut sessions: BTreeMap<i32, SessionLook> = BTreeMap::new();
        for row in self.client.query(&self.look, &[&self.since])? {
            let process = row.try_get(0)?;
            let session = SessionLook {
                process,
                sql: row.try_get(1)?,
                begin: row.try_get(2)?,
                end: row.try_get(3)?,
                locks: Vec::new(),
            };
            let session = sessions.entry(process).or_insert(session);
            if let (Some(relation), Some(mode)) = (row.try_get(4)?, row.try_get(5)?) {
                session.locks.push((relation, mode));
            }
        }
        Ok(sessions.into_values().collect())
    }
}
