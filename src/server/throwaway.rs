//! A temporary PostgreSQL server for a person who has none: started for one run, then stopped and removed.
//!
//! It listens only on a socket in a private directory, so it needs no port and no password. Its configuration resembles
//! a production server's, with nothing durable turned off, because its timings should mean something. A server left
//! behind by a killed migtime is found and removed at the next start.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::account::RunAs;
use super::discovery::find_server_binaries;
use super::leftovers::{OwnedDirectory, for_each_leftover};
use super::parameters::ConnectionParameters;
use super::signals::AtForcedExit;
use crate::error::{Error, ErrorKind, Result};

const USER: &str = "migtime";

/// The settings that affect timings. Even PostgreSQL's own defaults are stated, so that a distribution's changed
/// defaults do not change a measurement.
///
/// Only `shared_buffers` is raised: nobody uses PostgreSQL's default of 128 MB in production.
const SETTINGS: [(&str, &str); 9] = [
    ("listen_addresses", ""),
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("autovacuum", "on"),
    ("wal_level", "replica"),
    ("shared_buffers", "512MB"),
    ("max_wal_size", "1GB"),
    ("checkpoint_timeout", "5min"),
];

/// Parallel index builds need shared memory; containers often allow only 64 MB of it.
const ENOUGH_SHARED_MEMORY_BYTES: u64 = 256 << 20;

/// How to start a throwaway server.
#[derive(Clone, Debug, Default)]
pub struct ThrowawayOptions {
    /// Directory of `initdb`, `pg_ctl` and `postgres`; searched for if `None`.
    pub pg_bin: Option<PathBuf>,
    /// Server settings, name and value, that override the production-like ones.
    pub settings: Vec<(String, String)>,
    /// What an earlier server kept by [`ThrowawayServer::keep`], instead of an empty server.
    pub kept: Option<PathBuf>,
}

/// A running server; dropping it stops it and removes its directory.
pub struct ThrowawayServer {
    place: Place,
    port: u16,
    warnings: Vec<String>,
    _at_forced_exit: AtForcedExit,
    _directory: OwnedDirectory,
}

/// What is needed to start or stop a server.
#[derive(Clone)]
struct Place {
    binaries: PathBuf,
    directory: PathBuf,
    run_as: RunAs,
}

impl ThrowawayServer {
    /// Starts a new, empty server, after removing what killed runs left behind.
    ///
    /// # Errors
    /// `Connection` when there are no server binaries, or the server does not start, with the last lines of its log.
    pub fn start(options: &ThrowawayOptions) -> Result<ThrowawayServer> {
        let binaries = find_server_binaries(options.pg_bin.as_deref(), std::env::var_os("PATH").as_deref())?;
        let run_as = RunAs::choose()?;
        for_each_leftover(run_as, |directory| {
            Place {
                binaries: binaries.clone(),
                directory: directory.to_path_buf(),
                run_as,
            }
            .stop_and_remove();
        });

        let directory = OwnedDirectory::create(run_as)?;
        let place = Place {
            binaries,
            directory: directory.path().to_path_buf(),
            run_as,
        };
        let to_remove = place.clone();
        let server = ThrowawayServer {
            port: port_of(&options.settings),
            warnings: warnings_about(&place.directory),
            _at_forced_exit: AtForcedExit::register(
                format!(
                    "a throwaway server in {}; the next one to be started removes it",
                    place.directory.display()
                ),
                move || to_remove.stop_and_remove(),
            ),
            place,
            _directory: directory,
        };
        match &options.kept {
            Some(kept) => copy(kept, &server.place.data())?,
            None => server.place.initialise()?,
        }
        server.place.configure(&options.settings)?;
        server.place.start()?;
        Ok(server)
    }

    /// Returns how to connect to `database` as the server's superuser.
    pub fn parameters(&self, database: &str) -> ConnectionParameters {
        ConnectionParameters::on_socket(&self.place.directory, self.port, USER, database)
    }

    /// Copies its databases into `directory`, which must not exist yet, so that another server can begin with them. The
    /// server stops meanwhile, which ends all sessions.
    ///
    /// # Errors
    /// `Connection` when it does not stop or start, or the directory cannot be written.
    pub fn keep(&self, directory: &Path) -> Result<()> {
        self.place.stop("fast");
        let kept = copy(&self.place.data(), directory);
        self.place.start()?;
        kept
    }

    /// Returns warnings about timings on this server, one sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the server's directory: `data`, the log and the socket.
    pub fn directory(&self) -> &Path {
        &self.place.directory
    }
}

impl Drop for ThrowawayServer {
    fn drop(&mut self) {
        self.place.stop_and_remove();
    }
}

impl Place {
    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    fn initialise(&self) -> Result<()> {
        let mut command = self.command("initdb");
        command
            .args(["--locale=C", "-E", "UTF8", "-A", "trust", "-N", "-U", USER, "-D"])
            .arg(self.data());
        let output = self.run(command, "initdb")?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let error =
            Error::new(ErrorKind::Connection, "cannot create a throwaway server").with_excerpt(last_lines(&said));
        Err(if self.run_as.has_no_name() {
            error.with_hint(
                "PostgreSQL needs the user to have a name: run as a user listed in /etc/passwd (in a container, \
                 without `--user NUMBER`)",
            )
        } else {
            error
        })
    }

    /// Appends the settings to the configuration, in which the last value for a name wins.
    fn configure(&self, overrides: &[(String, String)]) -> Result<()> {
        let directory = self.directory.to_string_lossy();
        let defaults = SETTINGS.iter().copied();
        let overrides = overrides.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let lines: String = defaults
            .chain(overrides)
            .chain([("unix_socket_directories", directory.as_ref())])
            .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\\', "\\\\").replace('\'', "''")))
            .collect();
        std::fs::OpenOptions::new()
            .append(true)
            .open(self.data().join("postgresql.conf"))
            .and_then(|mut file| file.write_all(lines.as_bytes()))
            .map_err(|error| {
                Error::new(
                    ErrorKind::Connection,
                    format!("cannot configure the throwaway server: {error}"),
                )
            })
    }

    fn start(&self) -> Result<()> {
        let mut command = self.command("pg_ctl");
        command
            .args(["start", "-w", "-t", "60", "-s", "-D"])
            .arg(self.data())
            .arg("-l")
            .arg(self.log());
        if self.run(command, "pg_ctl")?.status.success() {
            return Ok(());
        }
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        Err(Error::new(
            ErrorKind::Connection,
            "the throwaway server does not start; its log ends with",
        )
        .with_excerpt(last_lines(&log)))
    }

    /// Stops the server, if it runs, and removes its directory; a failure of one does not prevent the other.
    fn stop_and_remove(&self) {
        if self.data().join("postmaster.pid").exists() {
            self.stop("immediate");
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }

    fn stop(&self, mode: &str) {
        let mut command = self.command("pg_ctl");
        command
            .args(["stop", "-w", "-t", "60", "-s", "-m", mode, "-D"])
            .arg(self.data());
        let _ = command.output();
    }

    fn run(&self, mut command: Command, program: &str) -> Result<Output> {
        command.output().map_err(|error| {
            let error = Error::new(
                ErrorKind::Connection,
                format!("cannot run {}: {error}", self.binaries.join(program).display()),
            );
            match self.run_as {
                RunAs::Oneself => error,
                RunAs::Dropped(_) => error.with_hint(
                    "root runs the server as user postgres, else nobody, who must be able to read that directory",
                ),
            }
        })
    }

    /// Returns a command that runs under the server's account, unaffected by the person's environment and Ctrl-C.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        command
            .env_clear()
            .env("LC_ALL", "C")
            .current_dir(&self.directory)
            .process_group(0);
        self.run_as.apply(&mut command);
        command
    }
}

/// Returns the version of the server programs, as they state it.
///
/// # Errors
/// `Connection` when there are none.
pub fn server_version(pg_bin: Option<&Path>) -> Result<String> {
    let binaries = find_server_binaries(pg_bin, std::env::var_os("PATH").as_deref())?;
    let output = Command::new(binaries.join("postgres"))
        .arg("--version")
        .output()
        .map_err(|error| Error::new(ErrorKind::Connection, format!("cannot run postgres: {error}")))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// Copies the files of a server that is stopped, with their owner.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let output = Command::new("cp").arg("-a").arg(from).arg(to).output();
    let said = match &output {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => last_lines(&String::from_utf8_lossy(&output.stderr)),
        Err(error) => error.to_string(),
    };
    let message = format!("cannot copy {} to {}", from.display(), to.display());
    Err(Error::new(ErrorKind::Connection, message).with_excerpt(said))
}

fn port_of(settings: &[(String, String)]) -> u16 {
    settings
        .iter()
        .rev()
        .find(|(name, _)| name == "port")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(5432)
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

#[cfg(target_os = "linux")]
fn warnings_about(directory: &Path) -> Vec<String> {
    const TMPFS_MAGIC: u64 = 0x0102_1994;
    let mut warnings = Vec::new();
    if let Ok(found) = rustix::fs::statvfs("/dev/shm") {
        let bytes = found.f_blocks.saturating_mul(found.f_frsize);
        if bytes < ENOUGH_SHARED_MEMORY_BYTES {
            warnings.push(format!(
                "/dev/shm has only {} MB: parallel index builds may fail with \"could not resize shared memory \
                 segment\" (in a container, raise it with --shm-size)",
                bytes >> 20
            ));
        }
    }
    if rustix::fs::statfs(directory).is_ok_and(|found| u64::try_from(found.f_type) == Ok(TMPFS_MAGIC)) {
        warnings.push(format!(
            "{} is kept in memory: timings will be faster than on a disk (set TMPDIR to a directory on one)",
            directory.parent().unwrap_or(directory).display()
        ));
    }
    warnings
}

#[cfg(not(target_os = "linux"))]
fn warnings_about(_directory: &Path) -> Vec<String> {
    let _ = ENOUGH_SHARED_MEMORY_BYTES;
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_port_setting_counts() {
        let settings = [("port", "1"), ("work_mem", "1MB"), ("port", "6543")];
        let settings = settings.map(|(name, value)| (name.to_string(), value.to_string()));
        assert_eq!(port_of(&settings), 6543);
        assert_eq!(port_of(&[]), 5432);
    }

    #[test]
    fn an_excerpt_is_the_end_of_the_log() {
        let log: String = (1..=20).map(|line| format!("line {line}\n\n")).collect();
        assert_eq!(last_lines(&log).lines().next(), Some("line 13"));
        assert_eq!(last_lines(""), "");
    }
}
