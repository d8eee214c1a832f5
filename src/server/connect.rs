//! Opens connections as libpq does: tries the servers in order, uses TLS according to `sslmode`, and describes failures
//! in one line.

use std::error::Error as _;
use std::sync::mpsc;
use std::time::Duration;

use openssl::error::ErrorStack;
use postgres::config::{SslMode, SslNegotiation};
use postgres::error::SqlState;
use postgres::{CancelToken, Client, Config, NoTls, SimpleQueryMessage};

use super::line::Line;
use super::line_connector::{Encryption, LineConnector, NotEncrypted};
use super::parameters::{ConnectionParameters, Endpoint, TargetSession, TlsMode};
use super::tls::Connector;
use crate::error::{Error, ErrorKind, Result};

/// Longest wait for a server to accept a cancel request.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

// Unless the person sets keepalives, a dead peer is noticed within a minute; the system's default takes two hours.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_COUNT: u32 = 3;
const USER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a server may be silent when it should answer quickly.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// Why one server could not be used.
struct Failure {
    error: Error,
    /// The SQLSTATE of the server's answer.
    state: Option<SqlState>,
    is_about_tls: bool,
    lacks_password: bool,
}

impl ConnectionParameters {
    /// Opens a connection.
    ///
    /// # Errors
    /// `Connection`, in one line, when no server can be used; `Usage` when a certificate cannot be used.
    pub fn connect(&self) -> Result<Client> {
        self.connect_on_line().map(|(client, _)| client)
    }

    /// Opens a connection and returns it with its [`Line`].
    ///
    /// # Errors
    /// As [`ConnectionParameters::connect`].
    pub fn connect_on_line(&self) -> Result<(Client, Line)> {
        let (client, line, _) = self.open().map_err(|failure| failure.error)?;
        Ok((client, line))
    }

    /// Opens a connection and returns it with the parameters of exactly the server that was reached.
    pub(super) fn connect_and_pin(&self) -> Result<(Client, Line, ConnectionParameters)> {
        let (client, line, index) = self.open().map_err(|failure| failure.error)?;
        let pinned = ConnectionParameters {
            endpoints: vec![self.endpoints[index].clone()],
            ..self.clone()
        };
        Ok((client, line, pinned))
    }

    /// Returns these parameters with the password from `ask`, if the server requires one and none is known.
    ///
    /// `ask` gets the user's name, and returns `None` when nobody can be asked.
    ///
    /// # Errors
    /// As [`ConnectionParameters::connect`].
    pub fn ask_password_if_needed(self, ask: impl FnOnce(&str) -> Option<String>) -> Result<ConnectionParameters> {
        match self.open() {
            Ok(_) => Ok(self),
            Err(failure) if failure.lacks_password => match ask(&self.user) {
                Some(password) => Ok(self.with_password(&password)),
                None => Err(failure.error),
            },
            Err(failure) => Err(failure.error),
        }
    }

    /// Returns how long the server may be silent before the network counts as dead: a minute, or ten times
    /// `connect_timeout` if that is less.
    pub(super) fn longest_silence(&self) -> Duration {
        let limit = self.connect_timeout.unwrap_or(LONGEST_SILENCE);
        limit.saturating_mul(10).min(LONGEST_SILENCE)
    }

    /// Asks the server to cancel what the session of `token` is doing; gives up after 5 s.
    ///
    /// # Errors
    /// `Connection` when the server cannot be reached.
    pub fn cancel(&self, token: &CancelToken) -> Result<()> {
        let (parameters, token) = (self.clone(), token.clone());
        within(CANCEL_TIMEOUT, move || parameters.send_cancel(&token)).unwrap_or_else(|| {
            let message = format!("{self} does not take a request to cancel");
            Err(Error::new(ErrorKind::Connection, message))
        })
    }

    fn send_cancel(&self, token: &CancelToken) -> Result<()> {
        let send = |encryption: Encryption| {
            let line = Line::new();
            token.cancel_query(LineConnector { line, encryption })
        };
        let sent = match self.tls.mode {
            TlsMode::Disable => send(Encryption::Never),
            // The session may have been opened with or without TLS.
            TlsMode::Allow | TlsMode::Prefer => {
                send(Encryption::IfOffered(Connector::new(&self.tls)?.make)).or_else(|_| send(Encryption::Never))
            }
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => {
                send(self.required(&Connector::new(&self.tls)?))
            }
        };
        sent.map_err(|error| super::server_error(&error, ErrorKind::Connection))
    }

    fn required(&self, connector: &Connector) -> Encryption {
        if self.tls.is_direct {
            Encryption::Direct(connector.make.clone())
        } else {
            Encryption::Always(connector.make.clone())
        }
    }

    /// Tries the servers in order and returns the connection, its line and the server's index.
    fn open(&self) -> Result<(Client, Line, usize), Box<Failure>> {
        let wanted: &[TargetSession] = match self.target {
            TargetSession::PreferStandby => &[TargetSession::Standby, TargetSession::Any],
            ref other => std::slice::from_ref(other),
        };
        let mut last = None;
        for target in wanted {
            for (index, endpoint) in self.endpoints.iter().enumerate() {
                match self.open_in_time(endpoint, *target) {
                    Ok((client, line)) => return Ok((client, line, index)),
                    // As in libpq, the next server is tried only if this one cannot be reached or is still starting.
                    Err(failure)
                        if failure
                            .state
                            .as_ref()
                            .is_some_and(|state| *state != SqlState::CANNOT_CONNECT_NOW) =>
                    {
                        return Err(failure);
                    }
                    Err(failure) => last = Some(failure),
                }
            }
        }
        Err(last.unwrap_or_else(|| Failure::local(Error::new(ErrorKind::Connection, "no server is named"))))
    }

    /// Tries one server. Everything from the name look-up to the first answer must happen within `connect_timeout`.
    ///
    /// It runs in a separate thread, because some of it, such as the name look-up, has no time limit and cannot be
    /// cancelled.
    fn open_in_time(&self, endpoint: &Endpoint, target: TargetSession) -> Result<(Client, Line), Box<Failure>> {
        let (parameters, server) = (self.clone(), endpoint.clone());
        let open = move || {
            let (client, line) = parameters.open_endpoint(&server)?;
            Ok((accept(client, target, &server)?, line))
        };
        let Some(limit) = self.connect_timeout else {
            return open();
        };
        within(limit, open).unwrap_or_else(|| {
            let message = format!(
                "cannot connect to {}: no answer within {} s",
                self.pinned_name(endpoint),
                limit.as_secs()
            );
            let hint = "is the server running there, and the network in order? connect_timeout sets the limit";
            Err(Failure::local(
                Error::new(ErrorKind::Connection, message).with_hint(hint),
            ))
        })
    }

    fn open_endpoint(&self, endpoint: &Endpoint) -> Result<(Client, Line), Box<Failure>> {
        // libpq never uses TLS on a socket, whatever sslmode says.
        if endpoint.is_socket() {
            return self.attempt(endpoint, SslMode::Disable);
        }
        match self.tls.mode {
            TlsMode::Disable => self.attempt(endpoint, SslMode::Disable),
            TlsMode::Allow => self
                .attempt(endpoint, SslMode::Disable)
                .or_else(|failure| match failure {
                    failure if failure.is_worth_another_mode() => self.attempt(endpoint, SslMode::Require),
                    failure => Err(failure),
                }),
            TlsMode::Prefer => self
                .attempt(endpoint, SslMode::Prefer)
                .or_else(|failure| match failure {
                    failure if failure.is_worth_another_mode() => {
                        self.attempt(endpoint, SslMode::Disable).map_err(|_| failure)
                    }
                    failure => Err(failure),
                }),
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => self.attempt(endpoint, SslMode::Require),
        }
    }

    fn attempt(&self, endpoint: &Endpoint, mode: SslMode) -> Result<(Client, Line), Box<Failure>> {
        let line = Line::new();
        let mut config = self.config(endpoint);
        let here = |error: Error| error.in_context(format_args!("cannot connect to {}", self.pinned_name(endpoint)));
        if endpoint.is_socket() {
            let opened = config.ssl_mode(SslMode::Disable).connect(NoTls);
            return match opened {
                Ok(client) => Ok((client, line)),
                Err(error) => Err(Failure::of(&error, None, here)),
            };
        }
        // The library always believes that TLS begins at once; the connector knows how it really begins.
        config
            .ssl_mode(SslMode::Require)
            .ssl_negotiation(SslNegotiation::Direct);
        if mode == SslMode::Disable {
            let (on, encryption) = (line.clone(), Encryption::Never);
            let opened = config.connect(LineConnector { line: on, encryption });
            return match opened {
                Ok(client) => Ok((client, line)),
                Err(error) => Err(Failure::of(&error, None, here)),
            };
        }
        let connector = Connector::new(&self.tls).map_err(Failure::local)?;
        let encryption = match mode {
            SslMode::Prefer => Encryption::IfOffered(connector.make.clone()),
            _ => self.required(&connector),
        };
        let on = line.clone();
        match config.connect(LineConnector { line: on, encryption }) {
            Ok(client) => Ok((client, line)),
            Err(error) => Err(Failure::of(&error, connector.objection(&endpoint.host), here)),
        }
    }

    fn pinned_name(&self, endpoint: &Endpoint) -> String {
        ConnectionParameters {
            endpoints: vec![endpoint.clone()],
            ..self.clone()
        }
        .to_string()
    }

    fn config(&self, endpoint: &Endpoint) -> Config {
        let mut config = Config::new();
        config
            .host(&endpoint.host)
            .port(endpoint.port)
            .user(&self.user)
            .dbname(&self.database)
            .application_name(&self.application_name)
            .channel_binding(self.channel_binding)
            .keepalives(!self.keepalive.is_off);
        if let Some(address) = endpoint.address {
            config.hostaddr(address);
        }
        if let Some(password) = self.password.as_ref().or(endpoint.password.as_ref()) {
            config.password(password);
        }
        if let Some(options) = &self.options {
            config.options(options);
        }
        if let Some(timeout) = self.connect_timeout {
            // The limit per address of the name: if the first address does not answer, there is time for another.
            config.connect_timeout(timeout / 2);
        }
        let keepalive = &self.keepalive;
        config
            .keepalives_idle(keepalive.idle.unwrap_or(KEEPALIVE_IDLE))
            .keepalives_interval(keepalive.interval.unwrap_or(KEEPALIVE_INTERVAL))
            .keepalives_retries(keepalive.count.unwrap_or(KEEPALIVE_COUNT))
            .tcp_user_timeout(keepalive.user_timeout.unwrap_or(USER_TIMEOUT));
        config
    }
}

impl Failure {
    fn local(error: Error) -> Box<Failure> {
        Box::new(Failure {
            error,
            state: None,
            is_about_tls: false,
            lacks_password: false,
        })
    }

    fn of(error: &postgres::Error, objection: Option<Error>, here: impl FnOnce(Error) -> Error) -> Box<Failure> {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        let lacks_password = lacks_password(&cause);
        // What the line says about itself comes out of the TLS connector too.
        let is_about_tls = error
            .source()
            .is_some_and(|cause| cause.is::<NotEncrypted>() || cause.is::<ErrorStack>());
        let described = match (objection, error.code()) {
            (Some(objection), _) => objection,
            (None, Some(_)) => super::server_error(error, ErrorKind::Connection),
            (None, None) if lacks_password => Error::new(ErrorKind::Connection, "the server asks for a password"),
            (None, None) => Error::new(ErrorKind::Connection, plain(&cause, error)),
        };
        let hint = hint_for(error, lacks_password);
        Box::new(Failure {
            error: here(match hint {
                Some(hint) if described.hint().is_none() => described.with_hint(hint),
                _ => described,
            }),
            state: error.code().cloned(),
            is_about_tls,
            lacks_password,
        })
    }

    /// Returns whether the server may accept the connection with TLS after refusing it without, or the other way round.
    fn is_worth_another_mode(&self) -> bool {
        self.is_about_tls || self.state == Some(SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
    }
}

/// Tells whether the server asks for a password and none is known. The client library has no type for it, only these
/// words of its own: no server says them, in whatever language.
fn lacks_password(cause: &str) -> bool {
    cause == "password missing"
}

/// Returns the first line of the cause, without error numbers that only programmers understand.
fn plain(cause: &str, error: &postgres::Error) -> String {
    let cause = cause.lines().next().unwrap_or_default();
    let cause = cause.split(" (os error").next().unwrap_or(cause);
    // OpenSSL's format is `error:CODE:library:function:reason:file:line:`.
    let reason = if cause.starts_with("error:") {
        cause.split(':').nth(4)
    } else {
        Some(cause)
    };
    match reason {
        Some("") | None => error.to_string(),
        Some(reason) => reason.to_string(),
    }
}

fn hint_for(error: &postgres::Error, lacks_password: bool) -> Option<&'static str> {
    let cause = error.source();
    let state = error.code();
    if lacks_password || state == Some(&SqlState::INVALID_PASSWORD) {
        Some("a password comes from the target itself or ~/.pgpass; PGPASSWORD is for production only")
    } else if state == Some(&SqlState::INVALID_CATALOG_NAME) {
        Some("`psql -l` lists the databases")
    } else if cause.is_some_and(|cause| cause.is::<std::io::Error>()) {
        Some("is the server running there, and does it accept such connections?")
    } else {
        None
    }
}

/// Returns the result of `work`, which runs in a thread; `None` if it takes longer than `limit`, and the thread is then
/// abandoned.
fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // If the result is too late, the receiver is gone.
        let _ = sender.send(work());
    });
    receiver.recv_timeout(limit).ok()
}

/// Returns the connection if its server is of the wanted kind.
fn accept(mut client: Client, target: TargetSession, endpoint: &Endpoint) -> Result<Client, Box<Failure>> {
    if target == TargetSession::Any {
        return Ok(client);
    }
    // A simple query without parameters or preparation also works behind a connection pooler.
    let messages = client
        .simple_query("SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'")
        .map_err(|error| Failure::local(super::server_error(&error, ErrorKind::Connection)))?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((row.get(0) == Some("t"), row.get(1) == Some("t"))),
        _ => None,
    });
    let (is_standby, is_read_only) = row.unwrap_or((false, false));
    let (fits, wanted) = match target {
        TargetSession::ReadWrite => (!is_read_only, "read-write"),
        TargetSession::ReadOnly => (is_read_only, "read-only"),
        TargetSession::Primary => (!is_standby, "a primary"),
        _ => (is_standby, "a standby"),
    };
    if fits {
        return Ok(client);
    }
    Err(Failure::local(Error::new(
        ErrorKind::Connection,
        format!("the server at {endpoint} is not {wanted}, as target_session_attrs demands"),
    )))
}
