//! `migtime preflight`: whether now is a good time to run a migration on production, which is only read.

use std::path::Path;

use super::arguments::{PreflightArguments, PreflightFormat, today};
use super::ci::Configuration;
use super::job::{REHEARSAL_FILE, default_directory, now};
use super::migration_file::MigrationFile;
use super::repository::root_around;
use super::results::{ESTIMATE_FILE, estimate_file};
use super::{backups, connection, output, plan};
use crate::catalog::SchemaFacts;
use crate::catalog::facts::TableFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::migration;
use crate::model::estimate::Estimate;
use crate::model::planned;
use crate::model::preflight::{CheckVerdict, Night, Preflight, PreflightRules, Rehearsed, Thresholds, Work, judge};
use crate::observation::Rehearsal;
use crate::report;
use crate::sampler;
use crate::server::{LockedOut, Production};
use crate::units::counted;

/// Runs the command.
///
/// # Errors
/// `Gate` for a no-go; `TooLittleEvidence` when a check could not be made; `Usage`, `Connection`.
pub fn run(arguments: &PreflightArguments) -> Result<()> {
    let migration = MigrationFile::select(&arguments.migration, &arguments.selection)?;
    let rules = rules(arguments)?;
    let (estimate, rehearsed) = rehearsed(arguments)?;
    let mut production = connection::production(&arguments.connection)?;
    let preflight = preflight(arguments, &migration, &rules, (estimate, rehearsed), &mut production)?;
    let text = match arguments.format {
        PreflightFormat::Json => report::preflight_json(&preflight),
        PreflightFormat::Markdown => report::preflight_markdown(&preflight),
        PreflightFormat::Junit => report::preflight_junit(&preflight),
        PreflightFormat::Terminal => {
            let (width, colour) = output::terminal();
            report::preflight_terminal(&preflight, width, colour && arguments.out.is_none())
        }
    };
    output::deliver(text.as_bytes(), arguments.out.as_deref())?;
    enforce(&preflight)
}

fn preflight(
    arguments: &PreflightArguments,
    migration: &MigrationFile,
    rules: &PreflightRules,
    (estimate, rehearsed): (Option<Estimate>, Option<Rehearsed>),
    production: &mut Production,
) -> Result<Preflight> {
    let mut locked_out = None;
    let read = unless_locked_out(plan::read(migration, production), &mut locked_out)?;
    let (_, planned, sizes) = read.unwrap_or_else(|| {
        // What the text tells is enough to see who is in the way.
        let schema = SchemaFacts::default();
        let planned = migration::plan(migration.statements(), &schema);
        (schema, planned, planned::Sizes::new())
    });
    let level = estimate.as_ref().map_or(0.95, |estimate| estimate.level);
    let (times, _) = planned::times(&planned, &sizes, level);
    let work = Work::new(&planned, &times, estimate.as_ref());
    let server = production.read(sampler::server_facts)?;
    let tables = unless_locked_out(tables(production, rehearsed.as_ref()), &mut locked_out)?;
    let state = sampler::server_state(production, &work.relations(), arguments.role.as_deref())?;
    let database = production.read(sampler::probe::asked_server)?.0;
    let night = Night {
        work,
        estimate: estimate.as_ref(),
        rehearsed,
        server: &server,
        tables: &tables.unwrap_or_default(),
        locked_out,
        state: &state,
        backup: backups::backup(arguments.backup_command.as_deref()),
        window: arguments.window,
        thresholds: Thresholds {
            transaction: arguments.transaction_age,
            lag: arguments.lag,
            backup: arguments.backup_age,
            rehearsal_days: i64::from(arguments.rehearsal_days),
        },
        rules,
        today: today().ok_or_else(|| Error::new(ErrorKind::Usage, "the clock of this machine tells no day"))?,
    };
    Ok(Preflight::new(now(), database, migration.name.clone(), judge(&night)))
}

/// Returns the facts of the tables that were rehearsed on, as they are now.
fn tables(production: &mut Production, rehearsed: Option<&Rehearsed>) -> Result<Vec<TableFacts>> {
    let tables = rehearsed.map_or(&[][..], |rehearsed| &rehearsed.tables);
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let found = production.read(|reader| sampler::tables_there(reader, &names))?;
    Ok(found.into_iter().flatten().collect())
}

/// Turns the refusal of a read because of somebody's lock into `None`, and notes it in `locked_out`.
fn unless_locked_out<T>(read: Result<T>, locked_out: &mut Option<String>) -> Result<Option<T>> {
    match read {
        Err(error) if error.cause::<LockedOut>().is_some() => {
            *locked_out = Some(error.message().to_string());
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// Reads the team's rules.
fn rules(arguments: &PreflightArguments) -> Result<PreflightRules> {
    let root = root_around(&arguments.migration);
    let rules = Configuration::read(arguments.config.as_deref(), &root)?.preflight;
    match rules.malformed() {
        None => Ok(rules),
        Some(waiver) => Err(Error::new(
            ErrorKind::Usage,
            format!(
                "migtime.toml: the waiver of {} needs a reason and a day like 2027-01-15, not \"{}\"",
                waiver.check.name(),
                waiver.until
            ),
        )),
    }
}

/// Reads the estimate, and what was rehearsed on, from where the person said or where rehearsals are saved.
fn rehearsed(arguments: &PreflightArguments) -> Result<(Option<Estimate>, Option<Rehearsed>)> {
    let usual = default_directory(&arguments.migration);
    let named = arguments.estimate.as_deref();
    let place: &Path = match named {
        Some(named) => named,
        None if usual.join(ESTIMATE_FILE).is_file() => &usual,
        None => return Ok((None, None)),
    };
    let file = estimate_file(place)?;
    let estimate = Estimate::from_json(&output::read_text(&file)?, &file.display().to_string())?;
    let beside = file.with_file_name(REHEARSAL_FILE);
    if !beside.is_file() {
        return Ok((Some(estimate), None));
    }
    let rehearsal = Rehearsal::from_json(&output::read_text(&beside)?, &beside.display().to_string())?;
    let rehearsed = Rehearsed {
        server: rehearsal.server,
        tables: rehearsal.tables,
    };
    Ok((Some(estimate), Some(rehearsed)))
}

/// Turns the answer into the exit code.
fn enforce(preflight: &Preflight) -> Result<()> {
    match preflight.verdict {
        CheckVerdict::NoGo => {
            let against = counted(preflight.count(CheckVerdict::NoGo), "check speaks", "checks speak");
            Err(Error::new(ErrorKind::Gate, format!("no-go: {against} against it")))
        }
        CheckVerdict::Unknown => {
            let unknown = counted(preflight.count(CheckVerdict::Unknown), "check", "checks");
            let message = format!("too little evidence for a go: {unknown} cannot be judged");
            Err(Error::new(ErrorKind::TooLittleEvidence, message).with_hint(
                "ask with a role that has pg_monitor, or waive a check in migtime.toml with a reason and a day",
            ))
        }
        CheckVerdict::Go | CheckVerdict::Skipped | CheckVerdict::Warning => Ok(()),
    }
}
