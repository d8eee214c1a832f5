//! `migtime rehearse`: replays a migration on a clone, saves the measurements, and estimates how long it will take.

use super::arguments::RehearseArguments;
use super::job::{Job, ProductionFacts, REHEARSAL_FILE, Resumable, directory, tell_saved};
use super::migration_file::MigrationFile;
use super::results::{Results, model_options};
use super::staging_area::StagingArea;
use super::throwaway_base::{Filling, ThrowawayBase};
use super::watching::LEVEL;
use super::{connection, foreign_servers, history as outcomes, in_place, output, resume, rollback, targets};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{self, EstimateOptions, stopping};
use crate::observation::Rehearsal;
use crate::rehearsal::resume::{CutOff, RehearsalPlace};
use crate::rehearsal::saving::journal::Journal;
use crate::rehearsal::{Conditions, DirectoryLock};
use crate::server::{ConnectionParameters, Production};
use crate::units::Seconds;

const NO_TABLES: &str = "the throwaway server began without tables: make those that the migration needs with --schema \
                         FILE, or name the directory of all migrations and begin with --from VERSION";

/// Runs the command.
pub fn run(arguments: &RehearseArguments) -> Result<()> {
    // What cannot be estimated is said before hours are spent on it.
    model_options(&arguments.options)?;
    let migration = MigrationFile::select(&arguments.migration, &arguments.selection)?;
    if migration.is_empty() {
        return Ok(());
    }
    let (rollback, unreadable) = rollback(arguments, &migration)?;
    let outcomes = outcomes::known(&arguments.options.history, arguments.no_password)?;
    let directory = directory(arguments);
    let cut_off = resume::cut_off_in(&directory, arguments)?;
    let (staging_area, production_facts) = prepare(arguments, &migration, rollback.as_ref(), cut_off.as_ref())?;
    tell_the_floor(arguments);
    if let Some(error) = unreadable.as_ref().filter(|_| !staging_area.works_on_copies()) {
        // Nothing could bring the database back.
        return Err(error.clone());
    }
    let _claim = DirectoryLock::of(&directory)?;
    let job = Job {
        migration: &migration,
        rollback: rollback.as_ref(),
        batching: &arguments.batching,
        conditions: conditions(arguments),
        precision: arguments.precision,
        runs: arguments.runs,
        throwaway: arguments.scratch,
        production: production_facts,
        resumable: Resumable {
            log: (arguments.runs == 1 && !arguments.scratch).then(|| directory.join(resume::LOG)),
            cut_off,
        },
    };
    let file = directory.join(REHEARSAL_FILE);
    let mut journal = Journal::new(Some(file.clone())).telling(output::print_note);
    let outcome = job.run(&staging_area, &mut journal);
    resume::tell(&staging_area, &journal, &outcome);
    let mut rehearsal = outcome
        .inspect_err(|_| tell_saved(&journal, &file))
        .map_err(|error| explained(error, arguments))?;
    // Hours of measurements must not be lost because production does not answer now.
    let production = read_targets(arguments, &mut rehearsal, &mut journal);
    let results =
        Results::new(rehearsal, &arguments.options, &outcomes).inspect_err(|_| tell_saved(&journal, &file))?;
    if !results.rehearsal.targets.is_empty() {
        tell_clone(&results, arguments)?;
    }
    results.publish_safely(arguments.format, &directory)?;
    journal.is_saved()?;
    output::print_note(&format!("saved {}", directory.join("report.html").display()));
    production.map_err(|error| error.in_context("the estimate is for the clone's size"))?;
    rollback::check(&results.rehearsal, !staging_area.works_on_copies())?;
    if let Some(error) = unreadable {
        return Err(error
            .in_context("the rollback cannot be read")
            .of_kind(ErrorKind::MigrationFailed));
    }
    results.check()
}

/// Adds what may be the reason on a server that begins without tables.
fn explained(error: Error, arguments: &RehearseArguments) -> Error {
    let has_no_tables = arguments.scratch && arguments.schema.is_none() && !arguments.migration.is_dir();
    if has_no_tables && error.kind() == ErrorKind::MigrationFailed && error.hint().is_none() {
        error.with_hint(NO_TABLES)
    } else {
        error
    }
}

/// Reads the rollback that was named, or the one that belongs to the migration. On a copy, the migration can be
/// measured even if its own rollback cannot be read, whose error comes second.
fn rollback(
    arguments: &RehearseArguments,
    migration: &MigrationFile,
) -> Result<(Option<MigrationFile>, Option<Error>)> {
    match &arguments.rollback {
        Some(path) => Ok((Some(MigrationFile::read(path)?), None)),
        None if arguments.no_rollback => Ok((None, None)),
        None => Ok(match migration.down() {
            Ok(rollback) => (rollback, None),
            Err(error) => {
                output::print_note(&format!("warning: the rollback cannot be read: {error}"));
                (
                    None,
                    Some(error.with_hint("mend it, or leave it out with --no-rollback")),
                )
            }
        }),
    }
}

/// Connects to the databases that the rehearsal needs, production first, and reads what must be known of production;
/// nothing if it was not named.
fn prepare(
    arguments: &RehearseArguments,
    migration: &MigrationFile,
    rollback: Option<&MigrationFile>,
    cut_off: Option<&CutOff>,
) -> Result<(StagingArea, ProductionFacts)> {
    let url = arguments.production.as_deref();
    let production = url
        .map(|url| connection::production_parameters(Some(url), arguments.no_password))
        .transpose()?;
    let mut session = production.as_ref().map(Production::connect).transpose()?;
    let staging_area = if arguments.scratch {
        prepare_scratch(arguments, migration, rollback)?
    } else {
        let files = std::iter::once(migration).chain(rollback);
        let left = cut_off.map(|cut_off| &cut_off.beginning.place);
        prepare_staging(arguments, production.as_ref(), files, left)?
    };
    let facts = match &mut session {
        Some(session) => session.read(|reader| ProductionFacts::read(reader, migration))?,
        None => ProductionFacts::default(),
    };
    Ok((staging_area, facts))
}

/// Reads from production, if one was named, how large the steps are there, and saves that with the measurements.
///
/// Uses a new session: one opened before a long rehearsal may have been closed by now.
fn read_targets(arguments: &RehearseArguments, rehearsal: &mut Rehearsal, journal: &mut Journal) -> Result<()> {
    let Some(url) = arguments.production.as_deref() else {
        return Ok(());
    };
    let mut production = connection::production_at(Some(url), arguments.no_password)?;
    production.read(|reader| targets::aim(reader, rehearsal))?;
    journal.try_save(rehearsal);
    Ok(())
}

/// Connects to the staging clone once it is certain that it is not production, and decides whether the clone itself is
/// changed. Refuses `files` that act outside it.
pub fn prepare_staging<'a>(
    arguments: &RehearseArguments,
    production: Option<&ConnectionParameters>,
    files: impl IntoIterator<Item = &'a MigrationFile>,
    left: Option<&RehearsalPlace>,
) -> Result<StagingArea> {
    let target = connection::staging_target(arguments.staging.as_deref())?;
    let mut staging = connection::staging(&target, production, arguments.no_password)?;
    staging.wait_for_locks(arguments.lock_timeout.0);
    let copies = match left {
        Some(left) => resume::works_on_a_copy(&mut staging, arguments, left)?,
        None => {
            arguments.sandbox || arguments.runs > 1 || in_place::works_on_a_copy(&mut staging, &arguments.in_place)?
        }
    };
    foreign_servers::refuse(&mut staging, copies, files, &arguments.outside)?;
    let copy = left
        .filter(|left| left.is_copy)
        .map(|left| left.database.name().to_string());
    Ok(StagingArea::staging(staging, copies, &arguments.outside).in_left_copy(copy))
}

/// Starts a throwaway server, fills it from the schema file, and applies the migrations before the rehearsed ones.
fn prepare_scratch(
    arguments: &RehearseArguments,
    migration: &MigrationFile,
    rollback: Option<&MigrationFile>,
) -> Result<StagingArea> {
    let statements = migration.earlier()?;
    let following = std::iter::once(migration)
        .chain(rollback)
        .flat_map(MigrationFile::statements);
    if !statements.is_empty() {
        let count = migration.earlier_migrations().len();
        output::print_note(&format!("applying the {count} earlier migrations, unmeasured"));
    }
    let base = ThrowawayBase {
        tool: migration.tool(),
        applied: migration.earlier_migrations(),
        statements,
        following: following.map(|statement| statement.sql.as_str()).collect(),
        schema: arguments.schema.as_deref().map(Filling::read).transpose()?,
        rows: arguments.rows,
        seed: arguments.options.seed,
        ..ThrowawayBase::default()
    };
    base.start(arguments.pg_bin.clone())
}

/// Returns the conditions that were typed.
pub fn conditions(arguments: &RehearseArguments) -> Conditions {
    Conditions {
        seed: arguments.options.seed,
        fraction: arguments.fraction,
        full: arguments.full,
        max_seconds: if arguments.full {
            f64::INFINITY
        } else {
            arguments.max_duration.0
        },
        batch_delay: arguments.batching.batch_delay.unwrap_or_default().0,
        lock_timeout: arguments.lock_timeout.0,
        count_exactly: arguments.exact,
        ..Conditions::default()
    }
}

/// Reports at once if no partial rehearsal can be as precise as requested.
fn tell_the_floor(arguments: &RehearseArguments) {
    let floor = stopping::narrowest_partial(LEVEL);
    if arguments.precision.is_some_and(|precision| precision < floor) {
        output::print_note(&format!(
            "hint: the {:.0} % interval from a part of the batches cannot be narrower than ±{:.0} %; all of them \
             (--full) several times (--runs 3) can",
            LEVEL * 100.0,
            floor * 100.0
        ));
    }
}

/// Reports the estimate for the clone itself, if the main one is for production.
fn tell_clone(results: &Results, arguments: &RehearseArguments) -> Result<()> {
    let options = EstimateOptions {
        growth: None,
        hardware: None,
        ..model_options(&arguments.options)?
    };
    let estimate = model::estimate(&results.rehearsal, &[], &options)?;
    let interval = estimate.interval();
    output::print_note(&format!(
        "on the clone itself: {}, with {:.0} % probability between {} and {}",
        Seconds(estimate.total.point_seconds),
        interval.level * 100.0,
        Seconds(interval.lower_seconds),
        Seconds(interval.upper_seconds)
    ));
    Ok(())
}
