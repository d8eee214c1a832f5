//! Staging is compared with every server of production that was named or that the environment names, before it is touched.

use super::output;
use crate::error::{Error, Result};
use crate::server::{ConnectionParameters, Met, Production, Staging};

/// Refuses `staging` where it is, or could be, a server of `productions`.
///
/// # Errors
/// `UnsafeTarget` with the fact that it rests on; `Connection` when staging cannot be asked.
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
    // A certainty is worth more than a doubt, so those that answer come first.
    if let Some(neighbour) = staging.refuse_kin(&met)? {
        output::print_note(&format!(
            "warning: staging is a database of production's own server, {}: what a migration does to the server, or takes of \
             its disk, production feels",
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
