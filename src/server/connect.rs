//! Opens connections as libpq does: the servers in their order, TLS as `sslmode` says, one line about what went wrong.

use std::error::Error as _;

use postgres::config::{SslMode, SslNegotiation};
use postgres::error::SqlState;
use postgres::{CancelToken, Client, Config, NoTls, SimpleQueryMessage};

use super::parameters::{ConnectionParameters, Endpoint, TargetSession, TlsMode};
use super::tls::Connector;
use crate::error::{Error, ErrorKind, Result};

/// Why one server could not be used.
struct Failure {
    error: Error,
    /// The server answered with this.
    state: Option<SqlState>,
    is_about_tls: bool,
    lacks_password: bool,
}

impl ConnectionParameters {
    /// Opens a connection.
    ///
    /// # Errors
    /// `Connection`, in one line, when no server can be used; `Usage` when a certificate cannot.
    pub fn connect(&self) -> Result<Client> {
        self.open().map(|(client, _)| client).map_err(|failure| failure.error)
    }

    /// Opens a connection, and returns with it the parameters of exactly the server that was reached.
    pub(super) fn connect_and_pin(&self) -> Result<(Client, ConnectionParameters)> {
        let (client, index) = self.open().map_err(|failure| failure.error)?;
        let pinned = ConnectionParameters {
            endpoints: vec![self.endpoints[index].clone()],
            ..self.clone()
        };
        Ok((client, pinned))
    }

    /// Returns the same with the password that `ask` gives, if the server wants one and none is known.
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

    /// Asks the server to cancel what the session of `token` is doing.
    ///
    /// # Errors
    /// `Connection` when the server cannot be reached.
    pub fn cancel(&self, token: &CancelToken) -> Result<()> {
        let sent = match self.tls.mode {
            TlsMode::Disable => token.cancel_query(NoTls),
            _ => token.cancel_query(Connector::new(&self.tls)?.make),
        };
        sent.map_err(|error| super::server_error(&error, ErrorKind::Connection))
    }

    /// Tries the servers in their order and returns the connection and its server's index.
    fn open(&self) -> Result<(Client, usize), Box<Failure>> {
        let wanted: &[TargetSession] = match self.target {
            TargetSession::PreferStandby => &[TargetSession::Standby, TargetSession::Any],
            ref other => std::slice::from_ref(other),
        };
        let mut last = None;
        for target in wanted {
            for (index, endpoint) in self.endpoints.iter().enumerate() {
                match self
                    .open_endpoint(endpoint)
                    .and_then(|client| accept(client, *target, endpoint))
                {
                    Ok(client) => return Ok((client, index)),
                    // As in libpq, only a server that cannot be reached, or is still starting, is passed over.
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

    fn open_endpoint(&self, endpoint: &Endpoint) -> Result<Client, Box<Failure>> {
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

    fn attempt(&self, endpoint: &Endpoint, mode: SslMode) -> Result<Client, Box<Failure>> {
        let config = self.config(endpoint, mode);
        let here = |error: Error| error.in_context(format_args!("cannot connect to {}", self.pinned_name(endpoint)));
        if mode == SslMode::Disable {
            return config.connect(NoTls).map_err(|error| Failure::of(&error, None, here));
        }
        let connector = Connector::new(&self.tls).map_err(Failure::local)?;
        config
            .connect(connector.make.clone())
            .map_err(|error| Failure::of(&error, connector.objection(&endpoint.host), here))
    }

    fn pinned_name(&self, endpoint: &Endpoint) -> String {
        ConnectionParameters {
            endpoints: vec![endpoint.clone()],
            ..self.clone()
        }
        .to_string()
    }

    fn config(&self, endpoint: &Endpoint, mode: SslMode) -> Config {
        let mut config = Config::new();
        config
            .host(&endpoint.host)
            .port(endpoint.port)
            .user(&self.user)
            .dbname(&self.database)
            .application_name(&self.application_name)
            .ssl_mode(mode)
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
            config.connect_timeout(timeout);
        }
        if self.tls.is_direct && mode != SslMode::Disable {
            config.ssl_negotiation(SslNegotiation::Direct);
        }
        if let Some(idle) = self.keepalive.idle {
            config.keepalives_idle(idle);
        }
        if let Some(interval) = self.keepalive.interval {
            config.keepalives_interval(interval);
        }
        if let Some(count) = self.keepalive.count {
            config.keepalives_retries(count);
        }
        if let Some(timeout) = self.keepalive.user_timeout {
            config.tcp_user_timeout(timeout);
        }
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
        let lacks_password = cause == "password missing";
        let is_about_tls = error.to_string().contains("TLS");
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

    /// Tells whether the server may take the connection with TLS where it did not without, or the other way round.
    fn is_worth_another_mode(&self) -> bool {
        self.is_about_tls || self.state == Some(SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
    }
}

/// Returns the first line of the cause, without the numbers that only a programmer knows.
fn plain(cause: &str, error: &postgres::Error) -> String {
    let cause = cause.lines().next().unwrap_or_default();
    let cause = cause.split(" (os error").next().unwrap_or(cause);
    // OpenSSL's own form is `error:CODE:library:function:reason:file:line:`.
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

/// Returns the connection if its server is of the wanted kind.
fn accept(mut client: Client, target: TargetSession, endpoint: &Endpoint) -> Result<Client, Box<Failure>> {
    if target == TargetSession::Any {
        return Ok(client);
    }
    // Without parameters and preparation, so that it also works behind a connection pooler.
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
