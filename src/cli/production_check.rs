//! Compares staging, before it is changed, with every production server named on the command line or in the
//! environment.

use super::output;
use crate::error::{Error, Result};
use crate::server::{ConnectionParameters, Met, Production, Staging};

/// Refuses `staging` if it is, or could be, on a server of `productions`.
///
/// # Errors
/// `UnsafeTarget` with the fact on which it is based; `Connection` when staging cannot be read.
pub fn refuse_production(staging: &mut Staging, productions: &[ConnectionParameters]) -> Result<()> {
    let (mut met, mut silent): (Vec<Met>, Vec<(ConnectionParameters, Error)>) = (Vec::new(), Vec::new());
    for server in productions.iter().flat_map(ConnectionParameters::each_server) {
        match Production::connect(&server).and_then(|mut production| production.identity()) {
            Ok(identity) => met.push(Met {
                parameters: server,
                identity,
            }),
            Err(error) => silent.push((server, error)),
        }
    }
    // Servers that answer are compared first, because a certain result is better than a doubt.
    if let Some(neighbour) = staging.refuse_kin(&met)? {
        output::print_note(&format!(
            "warning: staging is a database of production's own server, {}: what a migration does to the server, or \
             takes of its disk, production feels",
            neighbour.parameters
        ));
    }
    for (server, error) in &silent {
        staging.refuse_if_perhaps_same(server, error)?;
        output::print_note(&format!(
            "warning: not compared with the production {server}, which is on another machine: {error}"
        ));
    }
    Ok(())
}
