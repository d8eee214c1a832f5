//! Compares staging with every production server, whether it answers or not; in doubt, staging is refused.

use super::identity::{Identity, Kinship};
use super::parameters::ConnectionParameters;
use super::staging::Staging;
use super::unsafe_target::{SAME_IDENTITY, same_as_production, unsafe_target};
use crate::error::{Error, Result};

/// A production server that has been identified.
pub struct Met {
    /// How it was reached.
    pub parameters: ConnectionParameters,
    /// Its identity.
    pub identity: Identity,
}

impl Staging {
    /// Refuses to continue if this is production, or may be the primary of a standby among `servers`, which were read
    /// earlier.
    ///
    /// Returns the server on which this is another database, if any.
    ///
    /// # Errors
    /// `UnsafeTarget` with the fact on which it is based; `Connection` when the identity cannot be read.
    pub fn refuse_kin<'met>(&mut self, servers: &'met [Met]) -> Result<Option<&'met Met>> {
        let own = self.identity()?;
        let mut neighbour = None;
        let mut doubt = None;
        for met in servers {
            match own.kinship(&met.identity) {
                Kinship::SameDatabase => return Err(same_as_production(self.parameters(), SAME_IDENTITY)),
                Kinship::SameServer => neighbour = Some(met),
                Kinship::PerhapsItsPrimary(fact) if !has_another_primary(&own, met, servers) => {
                    doubt = doubt.or(Some((met, fact)));
                }
                Kinship::PerhapsItsPrimary(_) | Kinship::Other => {}
            }
        }
        match doubt {
            Some((met, fact)) => Err(self.perhaps_primary(met, &fact)),
            None => {
                if neighbour.is_some() {
                    self.note_beside_production();
                }
                Ok(neighbour)
            }
        }
    }

    /// Refuses to continue if this could be on the server of `production`, which could not be identified because of
    /// `cause`.
    ///
    /// # Errors
    /// `UnsafeTarget`.
    pub fn refuse_if_perhaps_same(&self, production: &ConnectionParameters, cause: &Error) -> Result<()> {
        if self.parameters().is_shown_to_be_elsewhere_than(production) {
            return Ok(());
        }
        let message = format!("{} may be the production database: {cause}", self.parameters());
        Err(unsafe_target(message).with_hint(format!(
            "nothing shows that {production} is another server; let it answer, or unset what names it: --production, \
             MIGTIME_PRODUCTION_URL, DATABASE_URL, PG*"
        )))
    }

    fn perhaps_primary(&self, standby: &Met, fact: &str) -> Error {
        let message = format!(
            "{} may be the primary of {}: {fact}",
            self.parameters(),
            standby.parameters
        );
        unsafe_target(message).with_hint(format!(
            "rehearse on a clone that was promoted; or name the standby's primary as production too, as in \
             host=standby,primary; both roles must be allowed: GRANT EXECUTE ON FUNCTION pg_control_system() TO {}",
            self.parameters().user()
        ))
    }
}

/// Returns whether the standby's primary is known and is not the server of `own`.
fn has_another_primary(own: &Identity, standby: &Met, servers: &[Met]) -> bool {
    servers
        .iter()
        .any(|met| met.identity.is_primary_of(&standby.identity) && !met.identity.is_same_server(own))
}
