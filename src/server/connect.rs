//! Opens connections.

use postgres::{Client, Config, NoTls};

use super::parameters::ConnectionParameters;
use crate::error::{ErrorKind, Result};

impl ConnectionParameters {
    /// Opens a connection.
    ///
    /// # Errors
    /// `Connection`, in one line.
    pub fn connect(&self) -> Result<Client> {
        let mut config = Config::new();
        config
            .user(&self.user)
            .dbname(&self.database)
            .application_name(&self.application_name);
        for endpoint in &self.endpoints {
            config.host(&endpoint.host).port(endpoint.port);
        }
        config
            .connect(NoTls)
            .map_err(|error| super::server_error(&error, ErrorKind::Connection))
    }
}
