//! `migtime rehearse --exec`: runs somebody's own tool against a clone, and reports what its statements did and how
//! long they took.

use super::arguments::RehearseArguments;
use super::job::{self, REHEARSAL_FILE};
use super::rehearse::prepare_staging;
use super::results::Results;
use super::staging_area::StagingArea;
use super::throwaway_base::{Filling, ThrowawayBase};
use super::{history, output};
use crate::error::Result;
use crate::observation::Rehearsal;
use crate::rehearsal::saving::journal::Journal;
use crate::rehearsal::{CommandSeen, DirectoryLock, observe, of_other_databases};
use crate::sampler;
use crate::server::nothing_measured;
use crate::units::{Count, Seconds};

/// Runs the command.
pub fn run(arguments: &RehearseArguments, command: &str) -> Result<()> {
    let outcomes = history::known(&arguments.options.history, arguments.no_password)?;
    let staging_area = prepare_staging_area(arguments)?;
    let directory = job::directory(arguments);
    let _claim = DirectoryLock::of(&directory)?;
    let file = directory.join(REHEARSAL_FILE);
    let mut journal = Journal::new(Some(file.clone())).telling(output::print_note);
    let rehearsal =
        measured(arguments, command, &staging_area, &mut journal).inspect_err(|_| job::tell_saved(&journal, &file))?;
    let results =
        Results::new(rehearsal, &arguments.options, &outcomes).inspect_err(|_| job::tell_saved(&journal, &file))?;
    results.publish_safely(arguments.format, &directory)?;
    journal.is_saved()?;
    output::print_note(&format!("saved {}", directory.join("report.html").display()));
    results.check()
}

/// Chooses where to run; an empty throwaway server suits a tool that creates its tables itself.
fn prepare_staging_area(arguments: &RehearseArguments) -> Result<StagingArea> {
    if !arguments.scratch {
        return prepare_staging(arguments, None, [], None);
    }
    let base = ThrowawayBase {
        schema: arguments.schema.as_deref().map(Filling::read).transpose()?,
        rows: arguments.rows,
        seed: arguments.options.seed,
        ..ThrowawayBase::default()
    };
    base.start(arguments.pg_bin.clone())
}

fn measured(
    arguments: &RehearseArguments,
    command: &str,
    staging_area: &StagingArea,
    journal: &mut Journal,
) -> Result<Rehearsal> {
    let site = staging_area.site()?;
    let mut clone = site.connect()?;
    job::tell_unfinished(&mut clone)?;
    let mut rehearsal = Rehearsal {
        started_at: job::now(),
        seed: arguments.options.seed,
        migration: clone.parameters().without_password(command),
        throwaway: arguments.scratch,
        server: clone.read(sampler::server_facts)?,
        ..Rehearsal::default()
    };
    output::print_note(&format!("running on {}: {}", clone.parameters(), rehearsal.migration));
    tell_withheld();
    tell(&observe(command, &mut clone, &mut rehearsal, journal)?);
    if job::is_interrupted(&rehearsal) && rehearsal.steps.is_empty() {
        return Err(nothing_measured());
    }
    Ok(rehearsal)
}

/// Prints the variables that are withheld from the command, other than libpq's and `DATABASE_URL`, which now point to
/// the clone.
fn tell_withheld() {
    let names: Vec<String> = of_other_databases()
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| !name.starts_with("PG") && name != "DATABASE_URL" && !name.starts_with("MIGTIME_"))
        .collect();
    if !names.is_empty() {
        output::print_note(&format!(
            "warning: the command does not get {}, which may lead to another database",
            names.join(", ")
        ));
        output::print_note(
            "hint: where it needs one of them, set it in the command to the clone's: NAME=$DATABASE_URL",
        );
    }
}

fn tell(seen: &CommandSeen) {
    output::print_note(&format!(
        "the command took {}, {} of it in the statements below; {} short look-ups and session commands ({}) are left \
         out, and statements between two looks may be missing",
        Seconds(seen.seconds),
        Seconds(seen.statement_seconds),
        Count(seen.left_out as f64),
        Seconds(seen.left_out_seconds)
    ));
}
