//! Reserves a clone that is changed in place for one rehearsal: two would disturb each other's measurements.
//!
//! A separate session holds an advisory lock in the clone during the rehearsal. The server releases the lock whenever
//! that session ends, so nothing is left behind. The session has no open transaction, so it does not hold back vacuum.

use std::time::{Duration, Instant};

use postgres::Client;

use super::line::Line;
use super::parameters::ConnectionParameters;
use super::server_error;
use crate::error::{Error, ErrorKind, Result};

/// `migtime` in ASCII: the same in every version, and unlikely to be used by another program.
const KEY: i64 = 0x006d_6967_7469_6d65;
/// How long to wait for the session of a run that was just killed to end.
const PATIENCE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(50);
/// How long closing the session may take.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// Reads who holds the lock, as far as the role may see other sessions.
const HOLDER: &str = "\
SELECT format('server process %s', l.pid) || coalesce(' of ' || a.usename, '') \
       || coalesce(' (' || nullif(a.application_name, '') || ')', '') \
       || coalesce(to_char(a.backend_start, '\", since \"YYYY-MM-DD HH24:MI:SS TZ'), '') \
FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid \
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = $1::bigint::oid \
AND l.objid = $2::bigint::oid \
AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())";

/// The exclusive right to change a clone; released when dropped.
pub struct CloneLock {
    session: Option<Client>,
    line: Line,
}

impl CloneLock {
    /// Takes the lock in the database of `parameters`.
    ///
    /// # Errors
    /// `UnsafeTarget` when another rehearsal holds it, naming that rehearsal's session; `Connection` when the database
    /// cannot be asked.
    pub fn take(parameters: &ConnectionParameters) -> Result<CloneLock> {
        let (session, line) = parameters.connect_on_line()?;
        let mut lock = CloneLock {
            session: Some(session),
            line: line.clone(),
        };
        let failed = |error: postgres::Error| server_error(&error, ErrorKind::Connection);
        let begin = Instant::now();
        loop {
            let holder = {
                let _answer = line.await_answer(parameters.longest_silence());
                lock.try_take().map_err(failed)?
            };
            match holder {
                None => return Ok(lock),
                Some(holder) if begin.elapsed() >= PATIENCE => return Err(in_use(parameters, &holder)),
                Some(_) => std::thread::sleep(POLL),
            }
        }
    }

    /// Takes the lock, or returns who holds it.
    fn try_take(&mut self) -> Result<Option<String>, postgres::Error> {
        let Some(session) = &mut self.session else {
            return Ok(None);
        };
        // The server's limit on idle sessions must not end this one.
        let sql = "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name = \
                   'idle_session_timeout'";
        session.simple_query(sql)?;
        let row = session.query_one("SELECT pg_catalog.pg_try_advisory_lock($1)", &[&KEY])?;
        if row.get(0) {
            return Ok(None);
        }
        let found = session.query_opt(HOLDER, &[&(KEY >> 32), &(KEY & 0xffff_ffff)])?;
        Ok(Some(
            found.map_or_else(|| "another session".to_string(), |row| row.get(0)),
        ))
    }
}

impl Drop for CloneLock {
    fn drop(&mut self) {
        // If the network stalls, this cuts the connection, and closing fails at once.
        let _answer = self.line.await_answer(LONGEST_SILENCE);
        drop(self.session.take());
    }
}

fn in_use(parameters: &ConnectionParameters, holder: &str) -> Error {
    let message = format!("{parameters} is changed by another rehearsal: {holder}");
    Error::new(ErrorKind::UnsafeTarget, message).with_hint("wait for its end, or work on a copy with --sandbox")
}
