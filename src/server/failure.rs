//! What a server said, as an error.

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
