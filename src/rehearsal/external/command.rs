//! Runs a person's command against a clone in its own process group, and ends it when the person interrupts.
//!
//! Its output is passed on to stderr without the password. Its last lines are kept to explain a failure.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::{Error, ErrorKind, Result, reason};
use crate::server::{ConnectionParameters, Interruption, is_of_a_database, signals};
use crate::shown::printable_line;

/// Number of lines kept.
const LAST_LINES: usize = 12;
/// Time between two checks whether the command has ended.
const POLL: Duration = Duration::from_millis(20);
/// How long its output is still read after its end.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long it may take to end after each request to do so.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a command ended.
pub struct CommandEnd {
    /// Its exit status.
    pub status: ExitStatus,
    /// Whether it was ended because the person interrupted.
    pub interrupted: bool,
    /// From its start to its end, in seconds.
    pub seconds: f64,
    /// The last lines of its output, oldest first.
    pub last_lines: Vec<String>,
}

/// Runs `command` in the shell with environment variables that point to `clone`, and calls `meanwhile` repeatedly.
///
/// # Errors
/// `Usage` when no shell can be started.
pub fn run_command(
    command: &str,
    clone: &ConnectionParameters,
    version_num: u32,
    meanwhile: &mut dyn FnMut(),
) -> Result<CommandEnd> {
    let begin = Instant::now();
    let mut child = shell(command, clone, version_num).spawn().map_err(|error| {
        let message = format!("cannot run {command:?}: {}", reason(&error));
        Error::new(ErrorKind::Usage, message)
    })?;
    let group = Pid::from_child(&child);
    let at_forced_exit = signals::AtForcedExit::register("the command of --exec, which may still run", move || {
        let _ = kill_process_group(group, Signal::KILL);
    });
    let last_lines = Arc::new(Mutex::new(VecDeque::new()));
    let streams: Vec<JoinHandle<()>> = [
        child.stdout.take().map(|stream| pass_on(stream, clone, &last_lines)),
        child.stderr.take().map(|stream| pass_on(stream, clone, &last_lines)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let (status, interrupted) = await_end(&mut child, group, clone.interruption(), meanwhile)?;
    let seconds = begin.elapsed().as_secs_f64();
    drop(at_forced_exit);
    await_streams(&streams);
    let last_lines = last_lines.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(CommandEnd {
        status,
        interrupted,
        seconds,
        last_lines: last_lines.iter().cloned().collect(),
    })
}

/// Returns the environment variables that could lead a command to a database other than the clone.
pub fn of_other_databases() -> Vec<std::ffi::OsString> {
    let variables = std::env::vars_os();
    variables
        .filter(|(name, value)| is_of_a_database(&name.to_string_lossy(), &value.to_string_lossy()))
        .map(|(name, _)| name)
        .collect()
}

fn shell(command: &str, clone: &ConnectionParameters, version_num: u32) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]);
    for name in of_other_databases() {
        shell.env_remove(name);
    }
    let mut variables = clone.child_environment();
    if version_num >= 140_000 {
        // A statement must not keep running after the command that sent it has ended.
        let options = variables.iter().find(|(name, _)| name == "PGOPTIONS");
        let options = options.map_or("", |(_, options)| options);
        let options = format!("{options} -c client_connection_check_interval=1000");
        variables.push(("PGOPTIONS".to_string(), options.trim_start().to_string()));
    }
    shell
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    shell
}

/// Waits for the command to end. On an interrupt, asks it to end, and finally kills it.
fn await_end(
    child: &mut Child,
    group: Pid,
    interruption: &Interruption,
    meanwhile: &mut dyn FnMut(),
) -> Result<(ExitStatus, bool)> {
    let lost = |error: std::io::Error| {
        let message = format!("cannot wait for the command: {}", reason(&error));
        Error::new(ErrorKind::Usage, message)
    };
    let mut requests = [Signal::INT, Signal::TERM, Signal::KILL].into_iter();
    let mut next_request: Option<Instant> = None;
    let mut interrupted = false;
    loop {
        if let Some(status) = child.try_wait().map_err(lost)? {
            // The same interrupt may have ended the command before this function saw it.
            return Ok((status, interrupted || interruption.is_asked()));
        }
        let is_due = next_request.is_none_or(|due| Instant::now() >= due);
        if let Some(signal) = (interruption.is_asked() && is_due).then(|| requests.next()).flatten() {
            interrupted = true;
            next_request = Some(Instant::now() + PATIENCE);
            let _ = kill_process_group(group, signal);
        }
        meanwhile();
        std::thread::sleep(POLL);
    }
}

/// Waits until all output is passed on, but not for ever: background processes may keep the streams open.
fn await_streams(streams: &[JoinHandle<()>]) {
    let begin = Instant::now();
    while streams.iter().any(|stream| !stream.is_finished()) && begin.elapsed() < LAST_WORDS {
        std::thread::sleep(POLL);
    }
}

fn pass_on(
    stream: impl Read + Send + 'static,
    clone: &ConnectionParameters,
    last_lines: &Arc<Mutex<VecDeque<String>>>,
) -> JoinHandle<()> {
    let (clone, last_lines) = (clone.clone(), Arc::clone(last_lines));
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            let line = clone.without_password(String::from_utf8_lossy(&bytes).trim_end());
            bytes.clear();
            // A closed stderr must not end the command.
            let _ = writeln!(std::io::stderr(), "{}", printable_line(&line));
            let mut kept = last_lines.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push_back(line);
            if kept.len() > LAST_LINES {
                kept.pop_front();
            }
        }
    })
}
