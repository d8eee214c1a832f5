//! Where and as whom to connect: everything a connection needs, put together and checked before any is opened.
//!
//! Shown to a person it is a URI that works again, without the password.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// A server that may be tried.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Name or address as given, or the directory of a socket.
    pub(super) host: String,
    /// Address to use instead of looking `host` up.
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
    /// Password of this server's own, from a password file.
    pub(super) password: Option<String>,
}

impl Endpoint {
    /// Tells whether it is reached through a socket of this machine.
    pub(super) fn is_socket(&self) -> bool {
        self.address.is_none() && self.host.starts_with(['/', '@'])
    }
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
}

impl ConnectionParameters {
    /// Returns the parameters of a server behind a socket that asks for no password.
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
        }
    }

    /// Returns the same with another database.
    pub fn with_database(&self, database: &str) -> ConnectionParameters {
        ConnectionParameters {
            database: database.to_string(),
            ..self.clone()
        }
    }

    /// Returns the name of the database.
    pub fn database(&self) -> &str {
        &self.database
    }
}

impl fmt::Display for ConnectionParameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<String> = self.endpoints.iter().map(shown_endpoint).collect();
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

fn shown_endpoint(endpoint: &Endpoint) -> String {
    let host = if endpoint.host.contains(':') {
        format!("[{}]", endpoint.host)
    } else {
        percent_encoded(&endpoint.host)
    };
    format!("{host}:{}", endpoint.port)
}

/// Encodes what would have a meaning in a URI.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
