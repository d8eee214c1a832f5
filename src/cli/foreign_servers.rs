//! Reports, before the start, what in a staging database leads to other servers, and refuses what would write to them.

use super::arguments::OutsideArguments;
use super::migration_file::MigrationFile;
use super::{output, outside_database};
use crate::catalog::OutwardFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{Outlets, OutsideKind};
use crate::sampler;
use crate::server::{ForeignServer, ForeignWrites, Staging, foreign_servers};

/// Most names shown of each kind; a clone may have hundreds.
const SHOWN: usize = 5;

/// Refuses `files` that act outside the database, either by their own text or through foreign tables, triggers and
/// routines of the database. Also refuses foreign servers to which code that migtime cannot see could write.
///
/// # Errors
/// `UnsafeTarget` with what was found and the option that allows it; `Connection` when the catalog cannot be read.
pub fn refuse<'a>(
    staging: &mut Staging,
    copies: bool,
    files: impl IntoIterator<Item = &'a MigrationFile>,
    allowed: &OutsideArguments,
) -> Result<()> {
    let (servers, facts) = staging.read(|reader| Ok((foreign_servers(reader)?, sampler::outward(reader)?)))?;
    tell(staging, copies, &servers, &facts, allowed);
    // Done outside the transaction, which would be idle meanwhile: there may be thousands of routines.
    let outlets = Outlets::of_routines(&facts.routines);
    let leading = staging.read(|reader| sampler::leading_out(reader, &outlets.routines()))?;
    let outlets = outlets.with(leading, facts.event_triggers);
    outside_database::refuse(staging.is_beside_production(), files, outlets, allowed)?;
    if allowed.allows(OutsideKind::Foreign) {
        return Ok(());
    }
    servers
        .iter()
        .try_for_each(|server| refuse_server(staging, copies, server))
}

/// Refuses a foreign server that accepts writes: reading the migration does not show what a trigger, a function or
/// dynamic SQL writes.
fn refuse_server(staging: &Staging, copies: bool, server: &ForeignServer) -> Result<()> {
    let (reason, way_out) = match (&server.writes, copies) {
        (ForeignWrites::Closed, _) | (ForeignWrites::Open(_), true) => return Ok(()),
        (ForeignWrites::Open(lines), false) => (
            "takes writes from it".to_string(),
            format!(
                "--sandbox works on a copy that writes nothing there; or, on the clone: {}",
                lines.join("; ")
            ),
        ),
        (ForeignWrites::OpenOfOthers(lines), _) => (
            format!(
                "takes writes from it, and the role {} may not change that",
                staging.parameters().user()
            ),
            format!("as its owner, on the clone: {}", lines.join("; ")),
        ),
        (ForeignWrites::Unknown, _) => (
            "may take writes from it, and has no option against that".to_string(),
            format!("on the clone: DROP SERVER {} CASCADE", server.name),
        ),
    };
    let message = format!(
        "{} leads to another server: the foreign server {} ({}) {reason}",
        staging.parameters(),
        server.name,
        server.wrapper
    );
    Err(Error::new(ErrorKind::UnsafeTarget, message).with_hint(format!(
        "{way_out}; or, if that server is disposable too: --allow-outside foreign"
    )))
}

fn tell(staging: &Staging, copies: bool, servers: &[ForeignServer], facts: &OutwardFacts, allowed: &OutsideArguments) {
    let names = servers
        .iter()
        .map(|server| format!("{} ({})", server.name, server.wrapper));
    let closed = match (copies, allowed.allows(OutsideKind::Foreign)) {
        (true, false) => "; the copy writes nothing there",
        (_, true) => "; what the migration writes there stays",
        (false, false) => "",
    };
    tell_of(staging, "foreign servers", names.collect(), closed);
    tell_of(staging, "subscriptions", facts.subscriptions.clone(), "");
    let event_triggers = facts.event_triggers.iter().map(|(name, _)| name.clone());
    tell_of(
        staging,
        "event triggers",
        event_triggers.collect(),
        ", which run with the migration",
    );
}

fn tell_of(staging: &Staging, what: &str, names: Vec<String>, more: &str) {
    if names.is_empty() {
        return;
    }
    let further = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        further => format!(" and {further} more"),
    };
    let shown = names.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
    output::print_note(&format!(
        "warning: {} has {what}: {shown}{further}{more}",
        staging.parameters()
    ));
}
