//! Where a rehearsal takes place: a staging database, fresh copies of it, or a throwaway server filled for the purpose.

use std::path::{Path, PathBuf};

use postgres::Client;

use super::arguments::OutsideArguments;
use super::output;
use super::progress::Progress;
use crate::error::{ErrorKind, Result};
use crate::migration::OutsideKind;
use crate::server::{
    CancelOnInterrupt, CloneLock, ConnectionParameters, Sandbox, Staging, ThrowawayOptions, ThrowawayServer,
    server_error, signals,
};

/// A place to rehearse, with everything that must live as long as it.
pub struct StagingArea {
    parameters: ConnectionParameters,
    copies: bool,
    /// The copy left by a rehearsal that was cut off and is resumed in it.
    left_copy: Option<String>,
    /// Whether writes from a copy to foreign servers are prevented.
    closes_foreign_servers: bool,
    _sandbox: Option<Sandbox>,
    server: Option<ThrowawayServer>,
}

/// The database of one run. A copy is dropped with this value; a database that is changed in place is reserved
/// meanwhile.
pub struct Site {
    parameters: ConnectionParameters,
    _lock: Option<CloneLock>,
    _sandbox: Option<Sandbox>,
}

impl StagingArea {
    /// Uses a checked staging database. With `copies`, every run works on a fresh copy, which writes to no foreign
    /// server unless that was `allowed`.
    pub fn staging(staging: Staging, copies: bool, allowed: &OutsideArguments) -> StagingArea {
        StagingArea {
            parameters: staging.parameters().clone(),
            copies,
            left_copy: None,
            closes_foreign_servers: !allowed.allows(OutsideKind::Foreign),
            _sandbox: None,
            server: None,
        }
    }

    /// Resumes in the staging database's copy `name`, if there is one.
    pub fn in_left_copy(self, name: Option<String>) -> StagingArea {
        StagingArea {
            left_copy: name,
            ..self
        }
    }

    /// Copies a checked staging database. The copy may be changed between runs, and each run works on a copy of it.
    ///
    /// # Errors
    /// `Connection` when the copy cannot be made; `UnsafeTarget` when its foreign servers cannot be closed.
    pub fn copy_of(staging: Staging, allowed: &OutsideArguments) -> Result<StagingArea> {
        let original = staging.parameters().clone();
        // An open session on the original would prevent copying it.
        drop(staging);
        let progress = Progress::spinner("copying the database");
        let sandbox = Sandbox::copy(&original)?;
        let closes_foreign_servers = !allowed.allows(OutsideKind::Foreign);
        if closes_foreign_servers {
            sandbox.close_foreign_servers()?;
        }
        progress.finish();
        Ok(StagingArea {
            parameters: sandbox.parameters().clone(),
            copies: true,
            left_copy: None,
            closes_foreign_servers,
            _sandbox: Some(sandbox),
            server: None,
        })
    }

    /// Runs `work` to fill the database; an interrupt cancels it.
    ///
    /// # Errors
    /// What `work` returns; `Interrupted` when it was cancelled.
    pub fn fill(&self, work: impl FnOnce(&mut Client) -> Result<()>) -> Result<()> {
        let mut client = self.parameters.connect()?;
        let watch = CancelOnInterrupt::watch(&self.parameters, client.cancel_token());
        let filled = work(&mut client);
        watch.end();
        self.parameters.interruption().refuse()?;
        filled
    }

    /// Starts a throwaway server with an empty database; `settings` override its production-like ones.
    ///
    /// # Errors
    /// `Connection` when there are no server programs.
    pub fn empty(pg_bin: Option<PathBuf>, settings: &[(&str, &str)]) -> Result<StagingArea> {
        let settings = settings
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let staging_area = StagingArea::on_server(ThrowawayOptions {
            pg_bin,
            settings,
            kept: None,
        })?;
        let mut client = staging_area.parameters.with_database("postgres").connect()?;
        // Dumps and migrations take it for granted that the usual superuser is there.
        [
            "CREATE DATABASE rehearsal",
            "CREATE ROLE postgres SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS LOGIN",
        ]
        .iter()
        .try_for_each(|statement| client.batch_execute(statement))
        .map_err(|error| server_error(&error, ErrorKind::Connection))?;
        Ok(staging_area)
    }

    /// Starts a throwaway server with what [`StagingArea::keep`] kept of an earlier one.
    ///
    /// # Errors
    /// `Connection` when it cannot be copied, or does not start.
    pub fn from_kept(pg_bin: Option<PathBuf>, kept: PathBuf) -> Result<StagingArea> {
        StagingArea::on_server(ThrowawayOptions {
            pg_bin,
            kept: Some(kept),
            settings: Vec::new(),
        })
    }

    /// Copies the throwaway server's databases into `directory`; other places have nothing to keep.
    ///
    /// # Errors
    /// `Connection` when the directory cannot be written, or the server does not start again.
    pub fn keep(&self, directory: &Path) -> Result<()> {
        self.server.as_ref().map_or(Ok(()), |server| server.keep(directory))
    }

    fn on_server(options: ThrowawayOptions) -> Result<StagingArea> {
        let progress = Progress::spinner("starting a throwaway server");
        let server = ThrowawayServer::start(&options)?;
        progress.finish();
        for warning in server.warnings() {
            output::print_note(&format!("warning: {warning}"));
        }
        Ok(StagingArea {
            parameters: server.parameters("rehearsal").until(signals::interruption()),
            copies: true,
            left_copy: None,
            closes_foreign_servers: false,
            _sandbox: None,
            server: Some(server),
        })
    }

    /// Returns the same place for permanent changes; it must not outlive this one.
    pub fn in_place(&self) -> StagingArea {
        StagingArea {
            parameters: self.parameters.clone(),
            copies: false,
            left_copy: None,
            closes_foreign_servers: self.closes_foreign_servers,
            _sandbox: None,
            server: None,
        }
    }

    /// Creates another, empty database on the same server for rehearsals; it must not outlive this one.
    ///
    /// # Errors
    /// `Connection` when it cannot be created.
    pub fn beside(&self, name: &str) -> Result<StagingArea> {
        let mut client = self.parameters.connect()?;
        client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .map_err(|error| server_error(&error, ErrorKind::Connection))?;
        Ok(StagingArea {
            parameters: self.parameters.with_database(name),
            copies: true,
            left_copy: None,
            closes_foreign_servers: self.closes_foreign_servers,
            _sandbox: None,
            server: None,
        })
    }

    /// Returns how to connect to the database that is copied, or used itself.
    pub fn parameters(&self) -> &ConnectionParameters {
        &self.parameters
    }

    /// Returns whether each run works on a copy, so that no changes remain.
    pub fn works_on_copies(&self) -> bool {
        self.copies
    }

    /// Connects to the database itself, not to a copy.
    ///
    /// # Errors
    /// `Connection`; `UnsafeTarget` when it cannot be written to.
    pub fn staged(&self) -> Result<Staging> {
        Staging::connect(&self.parameters)
    }

    /// Returns the database for one run.
    ///
    /// # Errors
    /// `Connection` when the copy cannot be made; `UnsafeTarget` when another rehearsal changes the same database, or
    /// when writes to its foreign servers cannot be prevented.
    pub fn site(&self) -> Result<Site> {
        if !self.copies {
            return Ok(Site {
                _lock: Some(CloneLock::take(&self.parameters)?),
                parameters: self.parameters.clone(),
                _sandbox: None,
            });
        }
        let sandbox = match &self.left_copy {
            Some(name) => Sandbox::adopt(&self.parameters, name)?,
            None => {
                let progress = Progress::spinner("copying the database");
                let sandbox = Sandbox::copy(&self.parameters)?;
                if self.closes_foreign_servers {
                    sandbox.close_foreign_servers()?;
                }
                progress.finish();
                sandbox
            }
        };
        Ok(Site {
            parameters: sandbox.parameters().clone(),
            _lock: None,
            _sandbox: Some(sandbox),
        })
    }
}

impl Site {
    /// Returns how to connect to it.
    pub fn parameters(&self) -> &ConnectionParameters {
        &self.parameters
    }

    /// Connects to it.
    ///
    /// # Errors
    /// `Connection`; `UnsafeTarget` when it cannot be written to.
    pub fn connect(&self) -> Result<Staging> {
        Staging::connect(&self.parameters)
    }
}
