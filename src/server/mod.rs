//! Connections to PostgreSQL: psql's conventions, guards against the wrong target, the throwaway server.
//!
//! Knows how to reach a server and what may be done there, but nothing of migrations or estimates.

mod account;
mod cancel_on_interrupt;
mod child_environment;
mod clone_lock;
mod connect;
mod database_identity;
mod discovery;
mod elsewhere;
mod environment;
pub mod files;
mod foreign;
mod free_disk;
mod held_locks;
mod identity;
mod in_place;
mod interruption;
pub mod keywords;
mod kinship;
mod leftovers;
mod line;
mod line_connector;
mod parameters;
mod pooler;
mod production;
mod readable;
mod reader;
mod resolve;
mod resolve_endpoints;
mod resolve_tls;
mod sandbox;
mod sandbox_settings;
pub mod signals;
mod staging;
mod throwaway;
mod tls;
mod unsafe_target;
mod witness;

pub use cancel_on_interrupt::CancelOnInterrupt;
pub use child_environment::is_of_a_database;
pub use clone_lock::CloneLock;
pub use database_identity::DatabaseIdentity;
pub use environment::Environment;
pub use foreign::{ForeignServer, ForeignWrites, foreign_servers};
pub use free_disk::free_disk;
pub use identity::{Identity, Kinship};
pub use in_place::{Danger, InPlaceFacts};
pub use interruption::{Interruption, nothing_measured};
pub use kinship::Met;
pub use line::Line;
pub use parameters::ConnectionParameters;
pub use production::Production;
pub use readable::Readable;
pub use reader::Reader;
pub use sandbox::Sandbox;
pub use staging::Staging;
pub use throwaway::{ThrowawayOptions, ThrowawayServer};

use crate::error::{Error, ErrorKind};
use crate::shown::without_secrets;

/// Turns an error of the client library into one line: the server's message and SQLSTATE, without secrets from the
/// statement that it may repeat.
pub fn server_error(error: &postgres::Error, kind: ErrorKind) -> Error {
    match error.as_db_error() {
        Some(server) => {
            let mut message = format!("{} (SQLSTATE {})", server.message(), server.code().code());
            if let Some(detail) = server.detail() {
                message = format!("{message}: {}", detail.lines().next().unwrap_or_default());
            }
            let error = Error::new(kind, without_secrets(&message));
            match server.hint() {
                Some(hint) => error.with_hint(without_secrets(hint)),
                None => error,
            }
        }
        None => {
            let cause = std::error::Error::source(error)
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default();
            Error::new(ErrorKind::Connection, format!("{error}{cause}").replace('\n', " "))
        }
    }
}
