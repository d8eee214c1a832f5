//! The server of a bench, with databases that are filled once and copied for each run.

use super::super::arguments::BenchArguments;
use super::super::progress::Progress;
use super::super::{connection, output};
use crate::error::Result;
use crate::rehearsal::scenario::Scenario;
use crate::server::{CancelOnInterrupt, ConnectionParameters, Sandbox, ThrowawayOptions, ThrowawayServer, signals};

/// An empty database on every server, to which nobody can connect.
const EMPTY_DATABASE: &str = "template0";

/// The server of a bench.
pub struct BenchServer {
    parameters: ConnectionParameters,
    server: Option<ThrowawayServer>,
    /// Whether production, if it was named, is on the same server.
    pub is_beside_production: bool,
}

impl BenchServer {
    /// Checks the staging server that was named, or starts a throwaway one.
    ///
    /// # Errors
    /// `Connection`, `UnsafeTarget` or `Usage`, as for a rehearsal.
    pub fn prepare(arguments: &BenchArguments) -> Result<BenchServer> {
        if arguments.staging.is_some() {
            let target = connection::staging_target(arguments.staging.as_deref())?;
            let staging = connection::staging(&target, None, arguments.no_password)?;
            return Ok(BenchServer {
                parameters: staging.parameters().clone(),
                is_beside_production: staging.is_beside_production(),
                server: None,
            });
        }
        let progress = Progress::spinner("starting a throwaway server");
        let server = ThrowawayServer::start(&ThrowawayOptions {
            pg_bin: arguments.pg_bin.clone(),
            ..ThrowawayOptions::default()
        })?;
        progress.finish();
        for warning in server.warnings() {
            output::print_note(&format!("warning: {warning}"));
        }
        Ok(BenchServer {
            parameters: server.parameters("postgres").until(signals::interruption()),
            server: Some(server),
            is_beside_production: false,
        })
    }

    /// Returns whether this is a throwaway server.
    pub fn is_throwaway(&self) -> bool {
        self.server.is_some()
    }

    /// Creates a database and fills it as the scenario says; it is dropped with the returned value.
    ///
    /// # Errors
    /// `Usage` with file and line when the schema fails; `TooLittleEvidence` when the person interrupts.
    pub fn fill(&self, scenario: &Scenario, rows: u64, seed: u64) -> Result<Sandbox> {
        let database = Sandbox::copy(&self.parameters.with_database(EMPTY_DATABASE))?;
        let parameters = database.parameters();
        let mut client = parameters.connect()?;
        let watch = CancelOnInterrupt::watch(parameters, client.cancel_token());
        let filled = scenario.fill(&mut client, rows, seed);
        watch.end();
        parameters.interruption().refuse()?;
        filled?;
        Ok(database)
    }
}
