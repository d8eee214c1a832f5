//! Turns typed arguments into a connection, asking for a password only where psql would.

use std::io::{BufRead, IsTerminal, Write};

use super::arguments::ConnectionArguments;
use super::{output, production_check};
use crate::error::{Error, ErrorKind, Result};
use crate::server::{ConnectionParameters, Environment, Production, Staging, signals};

/// Connects to the production database that was named on the command line or in the environment.
///
/// # Errors
/// `Usage` for malformed parameters, `Connection` when it cannot be reached.
pub fn production(arguments: &ConnectionArguments) -> Result<Production> {
    production_at(explicit_target(arguments)?.as_deref(), arguments.no_password)
}

/// Connects to the production database, if one was named on the command line or in the environment.
///
/// # Errors
/// As [`production`].
pub fn production_if_named(arguments: &ConnectionArguments) -> Result<Option<Production>> {
    let target = explicit_target(arguments)?;
    let mut environment = Environment::capture();
    // This variable says which database is protected, and for `ci` which one is read; other commands follow psql's
    // conventions.
    environment.variables.remove("MIGTIME_PRODUCTION_URL");
    if target.is_none() && ConnectionParameters::resolve_productions(&environment)?.is_empty() {
        return Ok(None);
    }
    production_at(target.as_deref(), arguments.no_password).map(Some)
}

/// Connects to production at `target`; missing parts come from the environment.
///
/// # Errors
/// As [`production`].
pub fn production_at(target: Option<&str>, no_password: bool) -> Result<Production> {
    Production::connect(&production_parameters(target, no_password)?)
}

/// Returns the connection parameters for production at `target`, with a password from the terminal if one is needed.
///
/// # Errors
/// As [`production`].
pub fn production_parameters(target: Option<&str>, no_password: bool) -> Result<ConnectionParameters> {
    let parameters = ConnectionParameters::resolve(target, &Environment::capture())?;
    with_password(parameters.until(signals::interruption()), no_password)
}

/// Returns the name of the staging clone: the typed one, or else `MIGTIME_STAGING_URL`.
///
/// # Errors
/// `Usage` when there is neither: an empty name would mean libpq's default database.
pub fn staging_target(typed: Option<&str>) -> Result<String> {
    let from_environment = std::env::var("MIGTIME_STAGING_URL").unwrap_or_default();
    match typed.unwrap_or(&from_environment) {
        "" => Err(Error::new(ErrorKind::Usage, "no staging clone is named").with_hint(
            "name a disposable one with --staging URL or MIGTIME_STAGING_URL, or use --scratch --schema FILE; \
                 PG* and DATABASE_URL name production",
        )),
        target => Ok(target.to_string()),
    }
}

/// Connects to the staging clone at `target`, and refuses it if it is where production is.
///
/// Only `target` decides where staging is; `production` is the database that was named. Databases that the environment
/// names count as production too. Each of their servers is asked for its identity, because two names may lead to the
/// same database.
///
/// # Errors
/// As [`production`], and `UnsafeTarget` when it is a standby, read-only, or is or could be production.
pub fn staging(target: &str, production: Option<&ConnectionParameters>, no_password: bool) -> Result<Staging> {
    let environment = Environment::capture();
    let interruption = signals::interruption();
    let parameters = ConnectionParameters::resolve_staging(target, &environment)?.until(interruption.clone());
    let mut productions: Vec<ConnectionParameters> = production.cloned().into_iter().collect();
    // If production is in the environment, it must not be possible to rehearse on it by naming it again.
    for known in ConnectionParameters::resolve_productions(&environment)? {
        let known = known.until(interruption.clone());
        if !productions
            .iter()
            .any(|named| named.with_password("") == known.with_password(""))
        {
            productions.push(known);
        }
    }
    for known in &productions {
        Staging::refuse_same_name(&parameters, known)?;
    }
    let mut staging = Staging::connect(&with_password(parameters, no_password)?)?;
    production_check::refuse_production(&mut staging, &productions)?;
    Ok(staging)
}

/// Connects to the database at `target` in which outcomes are kept, and refuses it if it is production.
///
/// # Errors
/// As [`staging`].
pub fn history(target: &str, no_password: bool) -> Result<Staging> {
    let environment = Environment::capture();
    let interruption = signals::interruption();
    let parameters = ConnectionParameters::resolve_staging(target, &environment)?.until(interruption.clone());
    let productions = ConnectionParameters::resolve_productions(&environment)?;
    for known in &productions {
        Staging::refuse_same_name(&parameters, known)?;
    }
    let mut session = Staging::connect(&with_password(parameters, no_password)?)?;
    for server in productions.iter().flat_map(ConnectionParameters::each_server) {
        // One that does not answer cannot be compared; the only thing that would be written there is one table.
        let identity = Production::connect(&server.until(interruption.clone())).and_then(|mut known| known.identity());
        if let Ok(identity) = identity {
            session.refuse_if_same(&identity)?;
        }
    }
    Ok(session)
}

/// Returns the typed arguments as one target.
fn explicit_target(arguments: &ConnectionArguments) -> Result<Option<String>> {
    let port = arguments.port.map(|port| port.to_string());
    let single = [
        ("host", arguments.host.as_deref()),
        ("port", port.as_deref()),
        ("user", arguments.username.as_deref()),
        ("dbname", arguments.dbname.as_deref()),
    ];
    let given: Vec<String> = single
        .iter()
        .filter_map(|(keyword, value)| value.map(|value| format!("{keyword}='{}'", escaped(value))))
        .collect();
    match (&arguments.url, given.is_empty()) {
        (url, true) => Ok(url.clone()),
        (None, false) => Ok(Some(given.join(" "))),
        (Some(_), false) => Err(Error::new(
            ErrorKind::Usage,
            "--url cannot be combined with --host, --port, --username or --dbname",
        )
        .with_hint("put everything into the URL, or leave it out")),
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\'', "\\'")
}

/// Completes the parameters with a password from the terminal if the server requires one that is unknown; first reports
/// why a password file was not used.
fn with_password(parameters: ConnectionParameters, no_password: bool) -> Result<ConnectionParameters> {
    for warning in parameters.warnings() {
        output::print_note(&format!("warning: {warning}"));
    }
    if no_password || !std::io::stdin().is_terminal() {
        return Ok(parameters);
    }
    parameters.ask_password_if_needed(|user| ask_password(user).ok())
}

/// Asks for a password without showing it.
fn ask_password(user: &str) -> std::io::Result<String> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

    let stdin = std::io::stdin();
    let shown = tcgetattr(&stdin)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    eprint!("Password for user {user}: ");
    std::io::stderr().flush()?;
    tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
    let mut password = String::new();
    let read = stdin.lock().read_line(&mut password);
    tcsetattr(&stdin, OptionalActions::Flush, &shown)?;
    eprintln!();
    read?;
    Ok(password.trim_end_matches(['\n', '\r']).to_string())
}
