//! Where and as whom to connect: everything a connection needs, assembled and checked before one is opened.
//!
//! `resolve` assembles the parameters and `connect` uses them. They are displayed as a URI that names the target, never
//! with the password.

use super::interruption::Interruption;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgres::config::ChannelBinding;

/// A server that may be tried.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Name or address as given, or the directory of a socket.
    pub(super) host: String,
    /// Address to use instead of looking `host` up.
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
    /// This server's password from a password file.
    pub(super) password: Option<String>,
}

/// How well a connection must be protected, by libpq's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// The authorities against which a server's certificate is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RootCertificates {
    /// None: any certificate is accepted.
    Unchecked,
    /// The authorities the system trusts.
    System,
    /// The authorities in a file.
    File(PathBuf),
}

/// The TLS settings.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct TlsParameters {
    pub(super) mode: TlsMode,
    pub(super) roots: RootCertificates,
    /// The client's own certificate and its key.
    pub(super) certificate: Option<(PathBuf, PathBuf)>,
    pub(super) key_password: Option<String>,
    pub(super) lowest_version: Option<String>,
    pub(super) highest_version: Option<String>,
    pub(super) sends_server_name: bool,
    /// Whether TLS begins with the first byte, without PostgreSQL's request for it.
    pub(super) is_direct: bool,
}

/// Which kind of server is acceptable, by libpq's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetSession {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// How the operating system checks an idle TCP connection.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Keepalive {
    pub(super) is_off: bool,
    pub(super) idle: Option<Duration>,
    pub(super) interval: Option<Duration>,
    pub(super) count: Option<u32>,
    pub(super) user_timeout: Option<Duration>,
}

/// Everything that is needed to open a connection.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionParameters {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) password: Option<String>,
    pub(super) application_name: String,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) options: Option<String>,
    pub(super) tls: TlsParameters,
    pub(super) target: TargetSession,
    pub(super) channel_binding: ChannelBinding,
    pub(super) keepalive: Keepalive,
    pub(super) warnings: Vec<String>,
    /// What ends the work on these connections.
    pub(super) interruption: Interruption,
}

impl Endpoint {
    /// Returns whether the server is reached through a local socket.
    pub(super) fn is_socket(&self) -> bool {
        self.address.is_none() && self.host.starts_with('/')
    }

    /// Returns a key that is equal for different spellings of the same server.
    fn identity(&self) -> (String, u16) {
        let host = match self.address {
            Some(address) => plain_host(&address.to_string()),
            None => plain_host(&self.host),
        };
        (host, self.port)
    }

    fn hosts(&self) -> Vec<String> {
        let address = self.address.map(|address| plain_host(&address.to_string()));
        [plain_host(&self.host)].into_iter().chain(address).collect()
    }

    pub(super) fn is_of_this_machine(&self) -> bool {
        let is_loopback = |host: &String| host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        self.is_socket() || self.hosts().iter().any(|host| host == "localhost" || is_loopback(host))
    }
}

/// Returns the normalised spelling of a host that this file compares.
fn plain_host(host: &str) -> String {
    const OF_THIS_MACHINE: [&str; 6] = [
        "localhost",
        "127.0.0.1",
        "::1",
        "/var/run/postgresql",
        "/run/postgresql",
        "/tmp",
    ];
    let host = host.to_lowercase();
    let host = host.trim_end_matches(['/', '.']);
    if OF_THIS_MACHINE.contains(&host) {
        "localhost".to_string()
    } else {
        host.to_string()
    }
}

impl ConnectionParameters {
    /// Returns the parameters of a server on a socket that requires no password.
    pub(super) fn on_socket(directory: &Path, port: u16, user: &str, database: &str) -> ConnectionParameters {
        ConnectionParameters {
            endpoints: vec![Endpoint {
                host: directory.to_string_lossy().into_owned(),
                address: None,
                port,
                password: None,
            }],
            user: user.to_string(),
            database: database.to_string(),
            password: None,
            application_name: "migtime".to_string(),
            connect_timeout: None,
            options: None,
            tls: TlsParameters {
                mode: TlsMode::Disable,
                roots: RootCertificates::Unchecked,
                certificate: None,
                key_password: None,
                lowest_version: None,
                highest_version: None,
                sends_server_name: true,
                is_direct: false,
            },
            target: TargetSession::Any,
            channel_binding: ChannelBinding::Prefer,
            keepalive: Keepalive::default(),
            warnings: Vec::new(),
            interruption: Interruption::default(),
        }
    }

    /// Returns the same for work that ends when `interruption` is asked for.
    pub fn until(&self, interruption: Interruption) -> ConnectionParameters {
        ConnectionParameters {
            interruption,
            ..self.clone()
        }
    }

    /// Returns what ends the work on these connections.
    pub fn interruption(&self) -> &Interruption {
        &self.interruption
    }

    /// Returns the same parameters with another database.
    pub fn with_database(&self, database: &str) -> ConnectionParameters {
        ConnectionParameters {
            database: database.to_string(),
            ..self.clone()
        }
    }

    /// Returns the same parameters with a password that the person entered.
    pub fn with_password(&self, password: &str) -> ConnectionParameters {
        ConnectionParameters {
            password: Some(password.to_string()),
            ..self.clone()
        }
    }

    /// Returns the same parameters with another name for `pg_stat_activity`.
    pub(super) fn with_application_name(&self, name: &str) -> ConnectionParameters {
        ConnectionParameters {
            application_name: name.to_string(),
            ..self.clone()
        }
    }

    /// Returns the name of the machine that the server is on, with the port unless that is this machine. Servers on one
    /// machine share its name.
    pub fn server_name(&self) -> String {
        match self.endpoints.first() {
            Some(endpoint) if !endpoint.is_of_this_machine() => {
                let (host, port) = endpoint.identity();
                format!("{host}:{port}")
            }
            _ => "this machine".to_string(),
        }
    }

    /// Returns whether every server that may be tried is reached through a socket, so that it is on this machine: a
    /// port of this machine may lead elsewhere.
    pub fn is_socket(&self) -> bool {
        self.endpoints.iter().all(Endpoint::is_socket)
    }

    /// Returns the name of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Returns the name of the user.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns warnings about how the parameters were assembled, one sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns whether both name the same database of the same server, as far as that is known without connecting.
    ///
    /// Different names may still lead to the same server; that is checked after connecting.
    pub fn names_same_database(&self, other: &ConnectionParameters) -> bool {
        let others: Vec<_> = other.endpoints.iter().map(Endpoint::identity).collect();
        self.database == other.database
            && self
                .endpoints
                .iter()
                .any(|endpoint| others.contains(&endpoint.identity()))
    }
}

impl fmt::Display for ConnectionParameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<String> = self.endpoints.iter().map(ToString::to_string).collect();
        write!(
            formatter,
            "postgresql://{}@{}/{}",
            percent_encoded(&self.user),
            hosts.join(","),
            percent_encoded(&self.database)
        )
    }
}

impl fmt::Debug for ConnectionParameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", percent_encoded(&self.host), self.port)
        }
    }
}

/// All that may have a meaning in a URI.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes characters that have a meaning in a URI.
pub(super) fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Environment;

    fn resolved(target: &str) -> ConnectionParameters {
        ConnectionParameters::resolve(Some(target), &Environment::default()).expect(target)
    }

    fn check_same(left: &str, right: &str, expected: bool) {
        assert_eq!(
            resolved(left).names_same_database(&resolved(right)),
            expected,
            "{left} {right}"
        );
        assert_eq!(
            resolved(right).names_same_database(&resolved(left)),
            expected,
            "{right} {left}"
        );
    }

    #[test]
    fn the_same_database_is_recognised_in_other_words() {
        check_same("postgresql://a@db/app", "host=DB. port=5432 dbname=app user=b", true);
        check_same(
            "postgresql://a@localhost/app",
            "postgresql://b@127.0.0.1:5432/app",
            true,
        );
        check_same(
            "postgresql://a@localhost/app",
            "host=/var/run/postgresql/ user=b dbname=app",
            true,
        );
        check_same("postgresql://a@x,db/app", "postgresql://a@db/app", true);
        check_same("postgresql://a@db/app", "postgresql://a@db/other", false);
        check_same("postgresql://a@db/app", "postgresql://a@db:5433/app", false);
        check_same(
            "postgresql://a@localhost/app",
            "host=/tmp/mine user=b dbname=app",
            false,
        );
    }

    #[test]
    fn shown_it_is_a_uri_without_the_password() {
        let parameters = resolved("host=/tmp/s,::1 port=5433 user='a b' password=secret dbname=x/y");
        let shown = parameters.to_string();
        assert_eq!(shown, "postgresql://a%20b@%2Ftmp%2Fs:5433,[::1]:5433/x%2Fy");
        assert_eq!(format!("{parameters:?}"), shown);
        assert_eq!(resolved(&shown).to_string(), shown);
    }
}
