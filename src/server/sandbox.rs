//! A sandbox: a copy of the staging database that is changed in its place and dropped afterwards.
//!
//! Its name ends in 64 random bits. In the maintenance database, the session that creates it first takes the advisory
//! lock with those bits as key. The lock ends whenever the session ends, so a sandbox whose lock can be taken belongs
//! to a dead run. Only such a database is dropped as a leftover, and only if its name has exactly that form and its
//! owner is a role that the person has. It is not dropped by force: if a live run has lost only that one session, its
//! other sessions protect the sandbox.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use postgres::error::SqlState;
use postgres::{CancelToken, Client};

use super::cancel_on_interrupt::CancelOnInterrupt;
use super::foreign::close_foreign_servers;
use super::line::Line;
use super::parameters::ConnectionParameters;
use super::sandbox_settings::copy_settings;
use super::signals::AtForcedExit;
use super::unsafe_target::unsafe_target;
use super::witness::Witness;
use crate::error::{Error, ErrorKind, Result};
use crate::quoting::identifier;

const PREFIX: &str = "migtime_sandbox_";

const MAINTENANCE_DATABASE: &str = "postgres";

/// How long the idle session that holds the lock may take to answer.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);
/// How long to wait for the session of a run that was just killed to end.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);
/// How long dropping the database may take: it removes files and writes a checkpoint.
const LONGEST_DROP: Duration = Duration::from_secs(1800);

/// A copy of a database; dropping it drops the copy.
pub struct Sandbox {
    keeper: Client,
    line: Line,
    maintenance: ConnectionParameters,
    parameters: ConnectionParameters,
    _at_forced_exit: AtForcedExit,
}

impl Sandbox {
    /// Takes over the copy `name` that a dead run left behind on the server of `template`.
    ///
    /// # Errors
    /// `UnsafeTarget` when there is no such copy, or another run owns it; `Connection`.
    pub fn adopt(template: &ConnectionParameters, name: &str) -> Result<Sandbox> {
        let gone = |why: &str| {
            unsafe_target(format!("the copy {name} on which the rehearsal was cut off {why}"))
                .with_hint("rehearse again from the beginning, without --resume")
        };
        let key = key_of(name).ok_or_else(|| gone("is no copy that migtime made"))?;
        let (mut keeper, line, maintenance) = template
            .with_database(MAINTENANCE_DATABASE)
            .with_application_name(name)
            .connect_and_pin()?;
        let begin = Instant::now();
        while !is_dead(&mut keeper, key).map_err(|error| connection_error(&error))? {
            if begin.elapsed() > PATIENCE {
                return Err(gone("belongs to another run"));
            }
            std::thread::sleep(POLL);
        }
        prepare(&mut keeper, key).map_err(|error| connection_error(&error))?;
        let exists = "SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1)";
        let exists = keeper
            .query_one(exists, &[&name])
            .map_err(|error| connection_error(&error))?;
        if !exists.get::<_, bool>(0) {
            return Err(gone("is gone"));
        }
        Ok(Sandbox::kept(keeper, line, maintenance, template, name.to_string()))
    }

    /// Copies the database that `template` names, after dropping the copies of dead runs.
    ///
    /// Meanwhile no session may be open on the template, not even one of migtime's own.
    ///
    /// # Errors
    /// `Connection` when the template is in use, the role may not create databases or apply a setting of the template,
    /// or the server refuses; `TooLittleEvidence` when the person interrupts it.
    pub fn copy(template: &ConnectionParameters) -> Result<Sandbox> {
        let key = random_key();
        let name = format!("{PREFIX}{key:016x}");
        let (mut keeper, line, maintenance) = template
            .with_database(MAINTENANCE_DATABASE)
            .with_application_name(&name)
            .connect_and_pin()?;
        let version = prepare(&mut keeper, key).map_err(|error| connection_error(&error))?;
        drop_leftovers(&mut keeper).map_err(|error| connection_error(&error))?;

        let token = keeper.cancel_token();
        let mut sandbox = Sandbox::kept(keeper, line, maintenance, template, name);
        sandbox.create(&template.database, version, &token)?;
        // Done before anybody connects to the copy: sessions read these settings when they start.
        copy_settings(&mut sandbox.keeper, &template.database, &sandbox.parameters.database)?;
        Ok(sandbox)
    }

    /// Returns the copy that will be called `name`; from now on, it is dropped with this value.
    fn kept(
        keeper: Client,
        line: Line,
        maintenance: ConnectionParameters,
        template: &ConnectionParameters,
        name: String,
    ) -> Sandbox {
        let to_drop = (maintenance.clone(), keeper.cancel_token(), name.clone());
        let leftover = format!("the database {name} in {maintenance}; the next --sandbox there drops it");
        Sandbox {
            parameters: ConnectionParameters {
                database: name,
                application_name: template.application_name.clone(),
                ..maintenance.clone()
            },
            keeper,
            line,
            maintenance,
            _at_forced_exit: AtForcedExit::register(leftover, move || {
                let (maintenance, token, name) = to_drop;
                let _ = maintenance.cancel(&token);
                drop_by_new_session(&maintenance, &name);
            }),
        }
    }

    /// Returns how to connect to the copy.
    pub fn parameters(&self) -> &ConnectionParameters {
        &self.parameters
    }

    /// Sets its foreign servers to write nothing: dropping the copy would not undo such writes.
    ///
    /// # Errors
    /// `UnsafeTarget` when one of them would still write; `Connection`.
    pub fn close_foreign_servers(&self) -> Result<()> {
        close_foreign_servers(&self.parameters)
    }

    fn create(&mut self, template: &str, version: i32, token: &CancelToken) -> Result<()> {
        // Copying files writes one checkpoint instead of the whole database as WAL; older versions always copy files.
        let strategy = if version >= 150_000 { " STRATEGY FILE_COPY" } else { "" };
        let statement = format!(
            "CREATE DATABASE {} TEMPLATE {}{strategy}",
            self.parameters.database,
            identifier(template)
        );
        let (keeper, maintenance) = (&mut self.keeper, &self.maintenance);
        let watch = CancelOnInterrupt::watch(maintenance, token.clone());
        // The witness is a second session on the maintenance database, and none may be open on the template. So there
        // is no witness if the template is the maintenance database.
        let witness = (template != MAINTENANCE_DATABASE)
            .then(|| Witness::of(&self.line, maintenance, maintenance.longest_silence()));
        let created = keeper.batch_execute(&statement);
        drop(witness);
        watch.end();
        created.map_err(|error| self.describe(&error, template))
    }

    fn describe(&mut self, error: &postgres::Error, template: &str) -> Error {
        let described = connection_error(error).in_context(format_args!("cannot copy the database {template}"));
        match error.code() {
            Some(&SqlState::OBJECT_IN_USE) => described
                .with_excerpt(self.sessions_on(template))
                .with_hint("close these sessions while the copy is made; it takes as long as copying the files"),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => described.with_hint(format!(
                "a superuser can allow it: ALTER ROLE {} CREATEDB; the role must also own the database",
                identifier(&self.parameters.user)
            )),
            Some(&SqlState::QUERY_CANCELED) if self.maintenance.interruption().is_asked() => Error::new(
                ErrorKind::TooLittleEvidence,
                format!("the copy of the database {template} was interrupted"),
            ),
            _ => described,
        }
    }

    fn sessions_on(&mut self, database: &str) -> String {
        let sessions = self.keeper.query(
            "SELECT format('session %s of %s%s', pid, usename, ' (' || nullif(application_name, '') || ')') \
             FROM pg_catalog.pg_stat_activity WHERE datname = $1 ORDER BY pid LIMIT 10",
            &[&database],
        );
        let lines: Vec<String> = sessions.iter().flatten().map(|row| row.get(0)).collect();
        lines.join("\n")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let name = self.parameters.database.clone();
        // If the network stalls, this cuts the connection, and what follows fails at once.
        let answers = {
            let _answer = self.line.await_answer(LONGEST_SILENCE);
            self.keeper.simple_query("").is_ok()
        };
        let _dropped = self.line.await_answer(LONGEST_DROP);
        if !answers || self.keeper.batch_execute(&drop_statement(&name)).is_err() {
            drop_by_new_session(&self.maintenance, &name);
        }
    }
}

fn drop_by_new_session(maintenance: &ConnectionParameters, name: &str) {
    if let Ok((mut client, line)) = maintenance.connect_on_line() {
        let _dropped = line.await_answer(LONGEST_DROP);
        let _ = client.batch_execute(&drop_statement(name));
    }
}

fn drop_statement(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")
}

/// Makes the session hold the lock of `key` and returns the server's version number.
fn prepare(keeper: &mut Client, key: u64) -> Result<i32, postgres::Error> {
    let row = keeper.query_one("SELECT current_setting('server_version_num')::integer", &[])?;
    let version = row.get(0);
    keeper.batch_execute("SET statement_timeout = 0; SET lock_timeout = 0")?;
    if version >= 140_000 {
        keeper.batch_execute("SET idle_session_timeout = 0")?;
        // Makes the server stop copying if this program is killed. Some systems cannot detect that and refuse the
        // setting.
        let _ = keeper.batch_execute("SET client_connection_check_interval = '5s'");
    }
    keeper.query_one("SELECT pg_advisory_lock($1)", &[&key.cast_signed()])?;
    Ok(version)
}

fn drop_leftovers(keeper: &mut Client) -> Result<(), postgres::Error> {
    let found = keeper.query(
        "SELECT datname::text FROM pg_catalog.pg_database AS d WHERE pg_has_role(datdba, 'MEMBER') AND datname LIKE $1 \
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.datid = d.oid)",
        &[&format!("{PREFIX}%")],
    )?;
    for row in found {
        let name: String = row.get(0);
        let Some(key) = key_of(&name) else { continue };
        if is_dead(keeper, key)? {
            // The server refuses if somebody has connected meanwhile; the next run then finds the copy again.
            let _ = keeper.batch_execute(&format!("DROP DATABASE IF EXISTS {name}"));
            keeper.query_one("SELECT pg_advisory_unlock($1)", &[&key.cast_signed()])?;
        }
    }
    Ok(())
}

/// Returns whether the run that owns the sandbox with `key` is dead; if so, this session now holds its lock.
fn is_dead(keeper: &mut Client, key: u64) -> Result<bool, postgres::Error> {
    let row = keeper.query_one("SELECT pg_try_advisory_lock($1)", &[&key.cast_signed()])?;
    Ok(row.get(0))
}

/// Returns the key at the end of a sandbox's name; `None` for a name of any other form.
fn key_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?;
    let is_hexadecimal = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (digits.len() == 16 && is_hexadecimal).then(|| u64::from_str_radix(digits, 16).ok())?
}

/// Returns 64 random bits that no other run has. They only name things and do not affect results, so they do not come
/// from the seeded generator.
fn random_key() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn connection_error(error: &postgres::Error) -> Error {
    super::server_error(error, ErrorKind::Connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<u64>) {
        assert_eq!(key_of(name), expected, "{name}");
    }

    #[test]
    fn only_a_name_of_exactly_the_form_is_a_sandbox() {
        check("migtime_sandbox_00000000000000ff", Some(255));
        check("migtime_sandbox_ffffffffffffffff", Some(u64::MAX));
        check("migtime_sandbox_00000000000000FF", None);
        check("migtime_sandbox_ff", None);
        check("migtime_sandbox_00000000000000ff_", None);
        check("migtime_sandbox_+0000000000000ff", None);
        check("migtime_sandbox_of_mine", None);
        check("app", None);
    }
}
